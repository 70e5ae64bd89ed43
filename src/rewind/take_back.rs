//! Taking an unfinished operation back, from the journal and from what lies in the stage and in the tree. Used when
//! something fails, and when the user asks for it after a crash. Safe to be interrupted and begun again.

use std::collections::BTreeSet;

use color_eyre::Result;

use super::late;
use super::moves::sync_names;
use crate::fsx::{Rel, Root, Stage};
use crate::model::{Node, Time};
use crate::store::Store;
use crate::store::journal::{self, Action, Move, Op, Phase};

/// What taking back did.
#[derive(Clone, Debug, Default)]
pub struct Back {
    /// Paths that are as they were before.
    pub restored: usize,
    /// Paths that somebody changed meanwhile: they stay as they are.
    pub changed: Vec<String>,
    /// What somebody wrote meanwhile and is not in the tree: path, and the name of the content.
    pub late: Vec<(String, String)>,
}

/// Takes an operation back, last move first.
pub(super) fn take_back(
    store: &Store,
    root: &Root,
    op: &Op,
    moves: &[Move],
    now: Time,
) -> Result<Back> {
    let stage = root.stage(&op.token)?;
    let mut back = Back::default();
    // Before `applying` is written nothing in the tree was touched, and what lies in the stage is ours, finished or not.
    let phase = journal::get(store.conn(), op.id)?.map(|op| op.phase);
    let touched = phase != Some(Phase::Prepared);
    if touched {
        for m in moves.iter().rev() {
            one(store, root, &stage, m)?;
        }
    }
    let mut told: BTreeSet<&[u8]> = BTreeSet::new();
    for m in moves {
        let rel = Rel::new(&m.rel)?;
        // Where a folder makes room for a file, or a file for a folder, the first move tells what was there.
        if !told.insert(&m.rel) {
            continue;
        }
        let is_back = match (root.see(&rel, m.before.size()), &m.before) {
            (Ok(seen), before) if seen.node == *before => true,
            (Ok(seen), Node::Dir { .. }) => matches!(seen.node, Node::Dir { .. }),
            (Err(_), before) => *before == Node::Absent,
            _ => false,
        };
        match is_back {
            true => back.restored += 1,
            false => back.changed.push(rel.show()),
        }
    }
    // From the moment at which it counts as taken back nobody looks after it any more.
    sync_names(root, &stage, moves)?;
    let found = match touched {
        true => late::look(store, op.id, &stage, moves)?,
        false => late::Found::default(),
    };
    for (rel, hash) in found.stored {
        back.late
            .push((String::from_utf8_lossy(&rel).into_owned(), hash.hex()));
    }
    for (rel, slot) in &found.held {
        let rel = String::from_utf8_lossy(rel);
        back.changed.push(format!(
            "{rel} (something of it lies in .regent/stage/{}/{slot})",
            op.token
        ));
    }
    let closed = found.held.is_empty();
    journal::finish(store, op.id, Phase::RolledBack, now, &[], closed)?;
    if closed {
        stage.remove(root)?;
    }
    Ok(back)
}

fn one(store: &Store, root: &Root, stage: &Stage, m: &Move) -> Result<()> {
    let rel = Rel::new(&m.rel)?;
    let slot = m.no.to_string();
    let there = root.look(&rel).unwrap_or(None);
    let ours = |look: Option<crate::fsx::Look>| {
        let Some(look) = look else { return false };
        // The number is not the same any more where the whole folder was copied since, or came back from a backup.
        Some(look.ino) == m.ino && m.ino.is_some()
            || root
                .see(&rel, m.after.size())
                .is_ok_and(|s| s.node == m.after)
    };
    match m.action {
        Action::Exchange => {
            let old = stage.look(&format!("{slot}.old"))?;
            // Where names cannot be exchanged there is a moment when nothing has the name.
            if ours(there) || there.is_none() && old.is_some() {
                if old.is_none() && stage.look(&slot)?.is_none() {
                    again(store, root, stage, m)?;
                }
                stage.give_back(root, &slot, &rel)?;
            }
        }
        Action::Create => {
            if ours(there) {
                stage.take(root, &format!("{slot}.back"), &rel)?;
            }
        }
        Action::Remove => {
            let held = stage.look(&slot)?.is_some();
            // The stage has its note from before anything was moved.
            let emptied = stage.look("store")?.is_none();
            if there.is_none() && !held && emptied {
                again(store, root, stage, m)?;
            }
            if there.is_none() && (held || emptied) {
                stage.put_new(root, &slot, &rel)?;
            }
        }
        Action::MakeFolder => {
            if there.is_some() && m.before == Node::Absent {
                root.remove_folder(&rel)?;
            }
        }
        Action::RemoveFolder => {
            if let (None, Node::Dir { mode }) = (there, &m.before) {
                root.make_folder(&rel, *mode)?;
            }
        }
    }
    Ok(())
}

/// Somebody emptied the stage: what was displaced comes from the store.
fn again(store: &Store, root: &Root, stage: &Stage, m: &Move) -> Result<()> {
    let slot = m.no.to_string();
    match &m.before {
        Node::File { hash, mode, .. } => {
            let bytes = journal::content(store.conn(), hash)?;
            stage.put_file(root, &slot, &bytes, *mode, None, true)?;
        }
        Node::Link { target } => {
            stage.put_link(root, &slot, target)?;
        }
        _ => {}
    }
    Ok(())
}
