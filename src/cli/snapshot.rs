//! `snapshot` and `gc`: what is kept of the work folder, and giving space back.

use color_eyre::Result;
use serde::Serialize;

use super::args::{Gc, Snapshot};
use super::context::Context;
use super::out::{Out, Role};
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
    let store = Store::open(&context.place()?)?;
    context.tell(out, &store)?;
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
    let store = Store::open(&context.place()?)?;
    context.tell(out, &store)?;
    // A rewind between two of its steps holds contents that only it knows of.
    let root = super::rewind::root(context)?;
    let Some(_lock) = root.lock()? else {
        return Err(Refused::because("a rewind is at work in this folder"));
    };
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
