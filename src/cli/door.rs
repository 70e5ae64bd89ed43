//! The screen's way to the work folder: the same plans and the same application as those of the commands.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use color_eyre::Result;

use super::context::Context;
use crate::clock::Clock;
use crate::fsx::{Rel, Root};
use crate::model::{Evidence, Node, Op};
use crate::query::types::{Content, FileChange};
use crate::query::{Refused, Target};
use crate::rewind::{self, FilePlan, How, Plan, Progress, Report, Wish, undo};
use crate::snapshot;
use crate::source::Places;
use crate::store::journal::{self, Phase};
use crate::store::{OpenError, Place, Reader, Store};
use crate::ui::door::{Door, Forked, Opener, Order, Recovered};

/// A folder, and the store that knows its past.
#[derive(Clone)]
struct Tree {
    place: Place,
    folder: PathBuf,
    home: PathBuf,
    places: Places,
    clock: Clock,
}

/// Makes the door of the folder that the screen is about.
pub(super) fn opener(context: &Context<'_>) -> Result<Opener> {
    let worktree = context.repository.as_ref();
    let tree = Tree {
        place: context.place()?,
        folder: worktree
            .and_then(|r| r.this_worktree.clone())
            .unwrap_or_else(|| context.folder.clone()),
        home: context.env.home.clone(),
        places: context.env.places.clone(),
        clock: context.env.clock,
    };
    Ok(Arc::new(move || Ok(Box::new(tree.clone()))))
}

impl Tree {
    fn root(&self) -> Result<Root> {
        Ok(Root::open(&self.folder, Some(&self.home))?)
    }
}

impl Door for Tree {
    fn plan(&self, order: &Order) -> Result<Plan> {
        let (root, reader) = (self.root()?, Reader::open(&self.place)?);
        let back = match order {
            Order::Undo => return undo::undo(&reader, &root),
            Order::Redo => return undo::redo(&reader, &root),
            Order::One(op, _) => return undo::undo_one(&reader, &root, *op),
            Order::Back(back) => back,
        };
        let mut wish = Wish::back_to(back.target, &back.named, self.clock.now());
        (wish.before, wish.only) = (back.before, back.only);
        wish.reach = back.reach;
        wish.paths.clone_from(&back.paths);
        wish.parts.clone_from(&back.parts);
        wish.without.clone_from(&back.without);
        wish.take.clone_from(&back.take);
        wish.merge.clone_from(&back.merge);
        rewind::plan(&reader, &root, &wish)
    }

    fn change(&self, plan: &Plan, file: usize) -> Result<FileChange> {
        let file = plan
            .files
            .get(file)
            .ok_or_else(|| Refused::because("this file is not in the plan"))?;
        let before = self.before(file)?;
        // Of a file that stays: what would be there if it were taken.
        let would = match file.verdict.changes() {
            true => &file.after,
            false => file.goal.as_ref().unwrap_or(&file.after),
        };
        let after = match (would, &file.merged) {
            (_, Some(merged)) => shown(merged),
            (after, _) if *after == file.before => before.clone(),
            (Node::Absent, _) => Content::Absent,
            (Node::File { hash, .. }, _) => {
                let reader = Reader::open(&self.place)?;
                shown(&journal::content(reader.conn(), hash)?)
            }
            (Node::Link { target }, _) => shown(target),
            _ => Content::Unknown,
        };
        let kept = (!file.verdict.changes()).then(|| match &file.goal {
            Some(_) => format!(
                "it stays as it is: {}; this is what taking it would do",
                file.why
            ),
            None => format!("it stays as it is: {}", file.why),
        });
        Ok(FileChange {
            path: file.path.clone(),
            op: file.op.unwrap_or(Op::Modify),
            old_path: None,
            before,
            after,
            before_hash: file.from.clone(),
            after_hash: file.to.clone(),
            evidence: Evidence::Observed,
            added: file.added,
            removed: file.removed,
            hunks: Vec::new(),
            note: kept,
            steps: Vec::new(),
        })
    }

    fn apply(&self, plan: &Plan, partial: bool, progress: Progress<'_>) -> Result<Report> {
        let (root, store) = (self.root()?, Store::open(&self.place)?);
        let how = How {
            clock: self.clock,
            partial,
            snapshots: true,
        };
        rewind::apply(&store, &root, plan, how, progress)
    }

    fn fork(&self, target: Target) -> Result<Forked> {
        let reader = Reader::open(&self.place)?;
        let made = super::fork::make(&reader, &self.places, self.clock, target)?;
        Ok(Forked {
            words: super::fork::notes(&made),
            command: made.command,
        })
    }

    fn interrupted(&self) -> Result<Option<String>> {
        // Looking writes nothing: a store that is not there is not made for it.
        let reader = match Reader::open(&self.place) {
            Ok(reader) => reader,
            Err(OpenError::Missing { .. }) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        // A folder that may never be rewound has nothing that was interrupted; `R` says why.
        let Ok(root) = self.root() else {
            return Ok(None);
        };
        let ops = journal::ops(reader.conn(), root.place().as_os_str().as_bytes())?;
        let begun = ops
            .iter()
            .rev()
            .find(|op| matches!(op.phase, Phase::Prepared | Phase::Applying));
        Ok(begun.map(|op| {
            let kind = op.kind.word();
            format!(
                "a {kind} was begun here and not finished ({} {})",
                kind, op.title
            )
        }))
    }

    fn recover(&self) -> Result<Recovered> {
        let (root, store) = (self.root()?, Store::open(&self.place)?);
        let mut done = Recovered {
            words: Vec::new(),
            complete: true,
        };
        for (op, back) in rewind::recover(&store, &root, self.clock.now())? {
            done.words.push(format!(
                "{} taken back: {} paths are as they were",
                op.kind.word(),
                back.restored
            ));
            for path in back.changed {
                done.complete = false;
                done.words.push(format!(
                    "{path}: changed by somebody since, and left as it is"
                ));
            }
            for (path, hash) in back.late {
                done.words.push(format!(
                    "{path}: what somebody wrote meanwhile is kept as {hash}"
                ));
            }
        }
        if done.words.is_empty() {
            done.words.push("there was nothing to take back".to_owned());
        }
        Ok(done)
    }
}

impl Tree {
    /// What is there, if it is still what the plan saw.
    fn before(&self, file: &FilePlan) -> Result<Content> {
        match &file.before {
            Node::Absent => return Ok(Content::Absent),
            Node::Link { target } => return Ok(shown(target)),
            Node::File { .. } => {}
            _ => return Ok(Content::Unknown),
        }
        let seen = self.root()?.see(&Rel::new(&file.rel)?, snapshot::CAP)?;
        match seen.bytes {
            Some(bytes) if seen.node == file.before => Ok(shown(&bytes)),
            _ => Err(Refused::because(format!(
                "{} changed since the plan was made; make it anew",
                file.path
            ))),
        }
    }
}

/// Bytes as the screen shows them.
fn shown(bytes: &[u8]) -> Content {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Content::Text(text.into()),
        _ => Content::Binary(bytes.len() as u64),
    }
}
