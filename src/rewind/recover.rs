//! After a crash: finding an operation that was interrupted, and taking it back when the user asks for it.

use std::os::unix::ffi::OsStrExt;

use color_eyre::Result;

use super::take_back::{self, Back};
use crate::fsx::Root;
use crate::model::Time;
use crate::query::Refused;
use crate::store::Store;
use crate::store::journal::{self, Op, Phase};

/// Operations that were begun in this folder and not finished, newest first. Another process may be at one right now:
/// see [`recover`].
pub fn interrupted(store: &Store, root: &Root) -> Result<Vec<Op>> {
    let mut ops = journal::ops(store.conn(), root.place().as_os_str().as_bytes())?;
    ops.retain(|op| matches!(op.phase, Phase::Prepared | Phase::Applying));
    ops.reverse();
    Ok(ops)
}

/// Refuses to begin something new on a tree that is half done. The lock must be held.
pub(super) fn refuse_if_interrupted(store: &Store, root: &Root) -> Result<()> {
    let hint = "`regent-tui undo` puts everything back as it was before it";
    if let Some(op) = interrupted(store, root)?.first() {
        return Err(Refused::with_hint(
            format!(
                "a {} was interrupted in this folder ({})",
                op.kind.word(),
                op.title
            ),
            hint,
        ));
    }
    let known = journal::ops(store.conn(), root.place().as_os_str().as_bytes())?;
    for token in root.stages()? {
        if known.iter().any(|op| op.token == token) {
            continue;
        }
        let stage = root.stage(&token)?;
        // A stage without a note is one of a journal that was never written.
        if let Some(bytes) = stage.see("store", 1 << 16)?.bytes {
            let store = String::from_utf8_lossy(&bytes).into_owned();
            return Err(Refused::with_hint(
                format!("a rewind of this folder is written down in another store, {store}"),
                format!("`regent-tui undo --store {store}` finishes or undoes it"),
            ));
        }
    }
    Ok(())
}

/// Takes back what was interrupted. Files that somebody changed since stay as they are, and are named.
///
/// # Errors
/// [`Refused`] while another process is at it.
pub fn recover(store: &Store, root: &Root, now: Time) -> Result<Vec<(Op, Back)>> {
    let Some(_lock) = root.lock_within(super::PATIENCE)? else {
        return Err(Refused::because("another rewind is at work in this folder"));
    };
    let mut done = Vec::new();
    for op in interrupted(store, root)? {
        let moves = journal::moves(store.conn(), op.id)?;
        let back = take_back::take_back(store, root, &op, &moves, now)?;
        done.push((op, back));
    }
    Ok(done)
}
