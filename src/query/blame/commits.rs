//! Which commit has a line that is older than the first record: git's objects, along first parents, within bounds.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use color_eyre::Result;

use super::types::{Stop, Stopped};
use crate::diff::origin::{Lines, trace};
use crate::git::{self, Commit, GitError, Objects, Oid};
use crate::model::Time;

/// So many commits are looked at.
const COMMITS: usize = 5_000;
/// So many contents of the file are compared.
const TEXTS: usize = 400;

/// For each line the commit that brought it, and when; `None` where none is found.
pub(super) type Commits = Vec<Option<(String, Time)>>;

/// Where to begin.
pub(super) struct Start<'a> {
    /// The commit that the session was started on, if its record says so.
    pub commit: Option<&'a str>,
    /// Else the newest first parent of `HEAD` that is not younger.
    pub before: Option<Time>,
    /// Whether the answer is still waited for.
    pub stop: Option<&'a Stop>,
}

impl Start<'_> {
    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop())
    }
}

/// For each line the commit that brought it, and when; `None` where none is found. Git is optional context: what cannot
/// be read is not found.
pub(super) fn of_lines(file: &Path, start: &Start<'_>, text: &Lines) -> Result<Commits> {
    let mut found = vec![None; text.len()];
    // A damaged or shallow store tells what it can; the rest stays without a commit.
    let _ = look(file, start, text, &mut found);
    if start.is_stopped() {
        return Err(Stopped.into());
    }
    Ok(found)
}

fn look(
    file: &Path,
    start: &Start<'_>,
    text: &Lines,
    found: &mut [Option<(String, Time)>],
) -> Option<()> {
    let repository = git::discover(file.parent()?)?;
    let rel = file.strip_prefix(repository.this_worktree.as_ref()?).ok()?;
    let rel = rel.as_os_str().as_bytes();
    let objects = Objects::open(&repository.common_dir).ok()?;
    let named = start.commit.and_then(Oid::from_hex);
    let mut commit = match named.and_then(|oid| objects.commit(&oid).ok()) {
        Some(commit) => commit,
        None => {
            let head = repository.head()?.commit?;
            not_after(&objects, &Oid::from_hex(&head)?, start.before).ok()??
        }
    };
    let mut blob = objects.file_in(&commit.tree, rel).ok()??;
    let mut lines = Lines::new(objects.content(&blob).ok()?);
    let origins = trace(&lines, text);
    // Which line of the text at hand each line asked for is.
    let mut open: Vec<(usize, usize)> = (0..text.len())
        .filter_map(|j| Some((j, origins.of(j, &lines, text)?)))
        .collect();
    let mut texts = 0;
    for _ in 0..COMMITS {
        if open.is_empty() || texts >= TEXTS || start.is_stopped() {
            break;
        }
        let mut tell = |line: usize, commit: &Commit| {
            let at = Time(commit.time.saturating_mul(1000));
            found[line] = Some((commit.oid.hex(), at));
        };
        let before = match &commit.parent {
            Some(parent) => {
                let parent = objects.commit(parent).ok()?;
                objects
                    .file_in(&parent.tree, rel)
                    .ok()?
                    .map(|blob| (parent, blob))
            }
            None => None,
        };
        let Some((parent, older)) = before else {
            open.drain(..).for_each(|(line, _)| tell(line, &commit));
            break;
        };
        if older != blob {
            texts += 1;
            let old = Lines::new(objects.content(&older).ok()?);
            let origins = trace(&old, &lines);
            open.retain_mut(|(line, at)| match origins.of(*at, &old, &lines) {
                Some(earlier) => {
                    *at = earlier;
                    true
                }
                None => {
                    tell(*line, &commit);
                    false
                }
            });
            (blob, lines) = (older, old);
        }
        commit = parent;
    }
    Some(())
}

/// The newest commit along first parents that is not younger than a moment.
fn not_after(
    objects: &Objects,
    head: &Oid,
    at: Option<Time>,
) -> std::result::Result<Option<Commit>, GitError> {
    let mut commit = objects.commit(head)?;
    for _ in 0..COMMITS {
        if at.is_none_or(|at| commit.time.saturating_mul(1000) <= at.0) {
            return Ok(Some(commit));
        }
        match &commit.parent {
            Some(parent) => commit = objects.commit(parent)?,
            None => break,
        }
    }
    Ok(None)
}
