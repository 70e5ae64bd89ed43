//! What git knows of a path: its content in the commit that a record names, or that was checked out when a step ran. Only what
//! git wrote down itself; what was found is remembered as a fact, since commits go and logs are cut.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use color_eyre::Result;
use rusqlite::Connection;

use super::super::roots::{RootKind, Roots};
use super::states::State;
use crate::git::{self, Objects};
use crate::model::Time;
use crate::source::Committed;
use crate::store::blobs;
use crate::store::facts::{self, Base};

/// The repository of a root.
struct Git {
    objects: Objects,
    /// What was checked out in that worktree, from when on (seconds), in order.
    checkouts: Vec<(i64, String)>,
}

/// Contents of paths in commits.
pub(super) struct Bases<'a> {
    roots: &'a Roots,
    git: HashMap<Vec<u8>, Option<Git>>,
}

impl<'a> Bases<'a> {
    pub fn new(roots: &'a Roots) -> Bases<'a> {
        Bases {
            roots,
            git: HashMap::new(),
        }
    }

    /// What a path contained in a commit; `None` if that cannot be known here.
    pub fn base(&mut self, conn: &Connection, path: i64, commit: &str) -> Result<Option<State>> {
        let (root, rel) = place(conn, path)?;
        if let Some(base) = facts::base(conn, &root, &rel, commit.as_bytes())? {
            return Ok(Some(match base {
                Base::Absent => State::Absent,
                Base::Content(blob) => State::Blob(blob),
            }));
        }
        let Some(git) = self.git(&root) else {
            return Ok(None);
        };
        // A commit that is not here, or a damaged object, leaves the base unknown: the change then says "patch only".
        let Ok(found) = git.objects.blob_at(commit, &rel) else {
            return Ok(None);
        };
        let (base, state) = match found {
            Some(bytes) => {
                let blob = blobs::put(conn, &bytes)?;
                (Base::Content(blob), State::Blob(blob))
            }
            None => (Base::Absent, State::Absent),
        };
        facts::set_base(conn, &root, &rel, commit.as_bytes(), base)?;
        Ok(Some(state))
    }

    /// What a path contained before and in a commit of which a record tells. The commit must be the one that is meant (its
    /// name, its message, what it was made on); `None` if that, or one of the contents, cannot be known here.
    pub fn committed(
        &mut self,
        conn: &Connection,
        path: i64,
        told: &Committed,
    ) -> Result<Option<(State, State)>> {
        let (root, _) = place(conn, path)?;
        let Some((commit, parent)) = self.meant(conn, &root, told)? else {
            return Ok(None);
        };
        let below = |parent: &Option<String>, on: &String| {
            parent.as_ref().is_some_and(|p| p.starts_with(on.as_str()))
        };
        if told.on.as_ref().is_some_and(|on| !below(&parent, on)) {
            return Ok(None);
        }
        let before = match &parent {
            Some(parent) => self.base(conn, path, parent)?,
            None => Some(State::Absent),
        };
        Ok(before.zip(self.base(conn, path, &commit)?))
    }

    /// The commit that a record means, and the one it was made on.
    fn meant(
        &mut self,
        conn: &Connection,
        root: &[u8],
        told: &Committed,
    ) -> Result<Option<(String, Option<String>)>> {
        let text = |hex: Vec<u8>| String::from_utf8_lossy(&hex).into_owned();
        if let Some((commit, parent)) = facts::told_commit(conn, root, &told.name, &told.subject)? {
            return Ok(Some((text(commit), parent.map(text))));
        }
        let Some(git) = self.git(root) else {
            return Ok(None);
        };
        // What cannot be read is a commit that is not here.
        let Ok(Some((found, subject))) = git.objects.commit_named(&told.name) else {
            return Ok(None);
        };
        if subject != told.subject {
            return Ok(None);
        }
        let (commit, parent) = (found.oid.hex(), found.parent.map(|p| p.hex()));
        facts::set_told_commit(
            conn,
            root,
            (&told.name, &told.subject),
            (commit.as_bytes(), parent.as_ref().map(String::as_bytes)),
        )?;
        Ok(Some((commit, parent)))
    }

    /// The commit that the worktree of a path had checked out at a moment; `None` if git did not write that down.
    pub fn head(&mut self, conn: &Connection, path: i64, at: Time) -> Result<Option<String>> {
        let (root, _) = place(conn, path)?;
        if let Some(known) = facts::head(conn, &root, at)? {
            return Ok(String::from_utf8(known).ok());
        }
        let Some(git) = self.git(&root) else {
            return Ok(None);
        };
        let seconds = at.0.div_euclid(1000);
        let now = git.checkouts.iter().rfind(|(from, _)| *from <= seconds);
        let Some((_, commit)) = now else {
            return Ok(None);
        };
        let commit = commit.clone();
        facts::set_head(conn, &root, at, commit.as_bytes())?;
        Ok(Some(commit))
    }

    fn git(&mut self, root: &[u8]) -> Option<&Git> {
        if !self.git.contains_key(root) {
            let ours = self
                .roots
                .list()
                .any(|(r, kind)| **r == *root && matches!(kind, RootKind::Main | RootKind::Linked));
            let git = ours
                .then(|| git::discover(Path::new(OsStr::from_bytes(root))))
                .flatten()
                .and_then(|repository| {
                    Some(Git {
                        objects: Objects::open(&repository.common_dir).ok()?,
                        checkouts: repository.checkouts(),
                    })
                });
            self.git.insert(root.to_vec(), git);
        }
        self.git.get(root).and_then(Option::as_ref)
    }
}

/// The root of a path, and the rest.
fn place(conn: &Connection, path: i64) -> Result<(Vec<u8>, Vec<u8>)> {
    Ok(conn
        .prepare_cached(
            "SELECT r.path, p.rel FROM path p JOIN root r ON r.id = p.root_id WHERE p.id = ?1",
        )?
        .query_row([path], |r| Ok((r.get(0)?, r.get(1)?)))?)
}
