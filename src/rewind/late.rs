//! Late writers: somebody who had a file open when it was displaced writes into what now lies in the stage. Those bytes
//! go into the store before the stage goes.

use color_eyre::Result;

use crate::fsx::{Root, Stage};
use crate::model::{BlobHash, Node, Time};
use crate::store::Store;
use crate::store::journal::{self, Action, Move, Phase};

/// An open file is not written to for longer than this after it was displaced.
const LATEST_MS: u64 = 30_000;

/// Stores what was written into displaced files since; path and content of each.
pub(super) fn look(
    store: &Store,
    op: i64,
    stage: &Stage,
    moves: &[Move],
) -> Result<Vec<(Vec<u8>, BlobHash)>> {
    let mut found = Vec::new();
    for m in moves
        .iter()
        .filter(|m| matches!(m.action, Action::Exchange | Action::Remove))
    {
        let slot = m.no.to_string();
        let slot = if m.action == Action::Exchange {
            stage.displaced(&slot)?
        } else {
            slot
        };
        keep(store, op, stage, m, &slot, &[&m.before], &mut found)?;
    }
    Ok(found)
}

/// The same after an operation was taken back: what lies in the stage now is what had been put into the tree.
pub(super) fn look_after_return(
    store: &Store,
    op: i64,
    stage: &Stage,
    moves: &[Move],
) -> Result<Vec<(Vec<u8>, BlobHash)>> {
    let mut found = Vec::new();
    for m in moves {
        for slot in [
            m.no.to_string(),
            format!("{}.back", m.no),
            format!("{}.old", m.no),
        ] {
            keep(
                store,
                op,
                stage,
                m,
                &slot,
                &[&m.before, &m.after],
                &mut found,
            )?;
        }
    }
    Ok(found)
}

/// Stores what lies in a slot, unless its content is one of those that are stored already.
fn keep(
    store: &Store,
    op: i64,
    stage: &Stage,
    m: &Move,
    slot: &str,
    known: &[&Node],
    found: &mut Vec<(Vec<u8>, BlobHash)>,
) -> Result<()> {
    let seen = stage.see(slot)?;
    let (Node::File { hash, .. }, Some(bytes)) = (&seen.node, &seen.bytes) else {
        return Ok(());
    };
    if known.iter().any(|n| n.hash() == Some(*hash)) || m.late == Some(*hash) {
        return Ok(());
    }
    journal::store_safely(store, &[bytes])?;
    journal::set_late(store, op, m.no, hash)?;
    found.push((m.rel.clone(), *hash));
    Ok(())
}

/// Looks through the stages of applied operations, and removes those that nobody can be writing into any more.
pub fn sweep(store: &Store, root: &Root, now: Time) -> Result<Vec<(Vec<u8>, BlobHash)>> {
    use std::os::unix::ffi::OsStrExt;
    let place = root.place().as_os_str().as_bytes();
    let there = root.stages()?;
    let mut found = Vec::new();
    for op in journal::ops(store.conn(), place)? {
        if op.phase != Phase::Applied || op.closed {
            continue;
        }
        if there.contains(&op.token) {
            let stage = root.stage(&op.token)?;
            found.extend(look(
                store,
                op.id,
                &stage,
                &journal::moves(store.conn(), op.id)?,
            )?);
            if op.done_at.is_some_and(|done| now.since(done) < LATEST_MS) {
                continue;
            }
            stage.remove(root)?;
        }
        journal::close(store, op.id)?;
    }
    Ok(found)
}
