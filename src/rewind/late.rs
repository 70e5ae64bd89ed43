//! Late writers: somebody who had a file open when it was displaced writes into what now lies in the stage. Those bytes
//! go into the store before the stage goes; what cannot go there keeps the stage.

use color_eyre::Result;

use crate::fsx::{Root, Stage};
use crate::model::{BlobHash, Node, Time};
use crate::store::Store;
use crate::store::journal::{self, Move, Phase};

/// An open file is not written to for longer than this after it was displaced.
const LATEST_MS: u64 = 30_000;
/// What somebody made larger than this meanwhile is not read into memory: it stays in the stage.
const LARGEST: u64 = 64 << 20;

/// What was found in a stage besides what the journal names.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Stored: path and content.
    pub stored: Vec<(Vec<u8>, BlobHash)>,
    /// Neither known nor to be stored, such as a file that is still being written: path and slot. The stage must stay.
    pub held: Vec<(Vec<u8>, String)>,
}

/// Stores what was written into displaced files since. It also knows what it had put into the tree itself, which lies in
/// the stage after it was taken back.
pub(super) fn look(store: &Store, op: i64, stage: &Stage, moves: &[Move]) -> Result<Found> {
    let mut found = Found::default();
    for m in moves {
        for slot in [
            m.no.to_string(),
            format!("{}.old", m.no),
            format!("{}.back", m.no),
        ] {
            keep(store, op, stage, m, slot, &mut found)?;
        }
    }
    Ok(found)
}

/// Stores what lies in a slot, unless it is one of the things that the journal has already.
fn keep(
    store: &Store,
    op: i64,
    stage: &Stage,
    m: &Move,
    slot: String,
    found: &mut Found,
) -> Result<()> {
    let seen = stage.see(&slot, LARGEST.max(m.before.size()).max(m.after.size()))?;
    match (&seen.node, &seen.bytes) {
        (Node::Absent, _) => {}
        (Node::File { hash, .. }, Some(bytes)) => {
            let known = [m.before.hash(), m.after.hash(), m.late];
            if !known.contains(&Some(*hash)) {
                journal::store_safely(store, &[bytes])?;
                journal::set_late(store, op, m.no, hash)?;
                found.stored.push((m.rel.clone(), *hash));
            }
        }
        (node, _) if *node == m.before || *node == m.after => {}
        _ => found.held.push((m.rel.clone(), slot)),
    }
    Ok(())
}

/// Looks through the stages of operations that are over, and removes those that nobody can be writing into any more.
pub fn sweep(store: &Store, root: &Root, now: Time) -> Result<Vec<(Vec<u8>, BlobHash)>> {
    use std::os::unix::ffi::OsStrExt;
    let place = root.place().as_os_str().as_bytes();
    let there = root.stages()?;
    let mut found = Vec::new();
    for op in journal::ops(store.conn(), place)? {
        if op.closed && op.phase == Phase::RolledBack && there.contains(&op.token) {
            // It was looked through before the journal was closed; then the power went.
            root.stage(&op.token)?.remove(root)?;
        }
        if !matches!(op.phase, Phase::Applied | Phase::RolledBack) || op.closed {
            continue;
        }
        if there.contains(&op.token) {
            let stage = root.stage(&op.token)?;
            let here = look(store, op.id, &stage, &journal::moves(store.conn(), op.id)?)?;
            found.extend(here.stored);
            let early = op.done_at.is_some_and(|done| now.since(done) < LATEST_MS);
            if early || !here.held.is_empty() {
                continue;
            }
            stage.remove(root)?;
        }
        journal::close(store, op.id)?;
    }
    Ok(found)
}
