//! `snapshot` and `gc`: what is kept of the work folder, and giving space back.

use color_eyre::Result;
use serde::Serialize;

use super::args::{Gc, Snapshot};
use super::context::Context;
use super::out::{Out, Role};
use crate::fsx::{Lock, Root};
use crate::model::Time;
use crate::query::Refused;
use crate::snapshot::{self, Wanted};
use crate::store::snapshots::Reason;
use crate::store::{self, Store};

#[derive(Serialize)]
struct Data {
    id: i64,
    at: String,
    tree: String,
    files: u64,
    bytes: u64,
    read: u64,
    complete: bool,
    unread: Vec<(String, String)>,
    warnings: Vec<String>,
}

pub(super) fn run(context: &Context<'_>, options: &Snapshot, out: &mut Out) -> Result<()> {
    let root = super::rewind::root(context)?;
    context.catch_up(out)?;
    let store = Store::open(&context.place()?)?;
    context.tell(out, store.notices())?;
    let mut wanted = Wanted::new(context.env.clock, Reason::Asked);
    wanted.text.clone_from(&options.message);
    let taken = snapshot::take(&store, &root, &wanted)?;
    let s = &taken.snapshot;
    let name = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    if out.json {
        return out.value(
            &Data {
                id: s.id,
                at: s.time.0.rfc3339(),
                tree: s.tree.hex(),
                files: s.files,
                bytes: s.bytes,
                read: taken.read,
                complete: s.unread == 0,
                unread: taken
                    .unread
                    .iter()
                    .map(|(path, why)| (name(path), why.clone()))
                    .collect(),
                warnings: taken.warnings,
            },
            false,
        );
    }
    let head = out.paint(
        Role::Good,
        &format!(
            "{} files, {} KiB; {} were read, the rest is unchanged",
            s.files,
            s.bytes >> 10,
            taken.read
        ),
    );
    out.line(&head)?;
    for (path, why) in &taken.unread {
        let line = out.paint(Role::Warn, &format!("not stored: {} ({why})", name(path)));
        out.line(&line)?;
    }
    for warning in &taken.warnings {
        out.note(warning)?;
    }
    Ok(())
}

pub(super) fn gc(context: &Context<'_>, options: &Gc, out: &mut Out) -> Result<()> {
    let before = options.before.as_deref().map(date).transpose()?;
    context.catch_up(out)?;
    let store = Store::open(&context.place()?)?;
    context.tell(out, store.notices())?;
    let _locks = lock_all(context, &store)?;
    let freed = store::collect(&store, before, !options.dry_run)?;
    if out.json {
        return out.value(&freed, false);
    }
    let word = if options.dry_run {
        "would give back"
    } else {
        "gave back"
    };
    let line = format!(
        "{word} {} contents, {} KiB; {} snapshots and {} rewinds forgotten",
        freed.contents,
        freed.bytes >> 10,
        freed.snapshots,
        freed.rewinds
    );
    out.line(&line)
}

/// A rewind between two of its steps holds contents that only it knows of: none may be at work in any folder that keeps
/// its journal in this store. (One that begins later finds its contents gone, if it stored them before, and changes
/// nothing: the journal looks for them when it names them.)
fn lock_all(context: &Context<'_>, store: &Store) -> Result<Vec<Lock>> {
    let mut folders = store::roots(store)?;
    let here = context.repository.as_ref();
    folders.extend(here.iter().flat_map(|r| r.worktrees.iter().cloned()));
    folders.push(super::rewind::root(context)?.place().to_owned());
    folders.sort();
    folders.dedup();
    let mut locks = Vec::new();
    for folder in folders {
        // A folder that is gone, or may never be rewound, has no rewind at work in it.
        let Ok(root) = Root::open(&folder, Some(&context.env.home)) else {
            continue;
        };
        match root.lock()? {
            Some(lock) => locks.push(lock),
            None => {
                return Err(Refused::because(format!(
                    "a rewind is at work in {}, which keeps its journal in this store",
                    folder.display()
                )));
            }
        }
    }
    Ok(locks)
}

/// A day, or a moment.
fn date(text: &str) -> Result<Time> {
    Time::parse(text)
        .or_else(|| Time::parse(&format!("{text}T00:00:00Z")))
        .ok_or_else(|| {
            Refused::because(format!(
                "{text} is no date; write 2026-02-05 or 2026-02-05T12:00:00Z"
            ))
        })
}
