//! Taking an unfinished operation back, from the journal and from what lies in the stage and in the tree. Used when
//! something fails, and when the user asks for it after a crash. Safe to be interrupted and begun again.

use color_eyre::Result;

use super::late;
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
    let phase = journal::get(store.conn(), op.id)?.map(|op| op.phase);
    // Before `applying` is written nothing in the tree was touched.
    if phase != Some(Phase::Prepared) {
        for m in moves.iter().rev() {
            one(root, &stage, m)?;
        }
    }
    let mut parents: Vec<Vec<u8>> = Vec::new();
    for m in moves {
        let rel = Rel::new(&m.rel)?;
        if !parents.iter().any(|p| p == rel.parent()) {
            parents.push(rel.parent().to_vec());
        }
        let is_back = match (root.see(&rel, u64::MAX - 1), &m.before) {
            (Ok(seen), before) if seen.node == *before => true,
            (Ok(seen), Node::Dir { .. }) => matches!(seen.node, Node::Dir { .. }),
            // Room that a folder makes for a file, or a file for a folder, is told of the other one.
            (Ok(seen), Node::Absent) => {
                matches!(seen.node, Node::Dir { .. }) && m.action == Action::Create
            }
            (Err(_), before) => *before == Node::Absent,
            _ => false,
        };
        match is_back {
            true => back.restored += 1,
            false => back.changed.push(rel.show()),
        }
    }
    for parent in &parents {
        root.sync_folder(parent)?;
    }
    for (rel, hash) in late::look_after_return(store, op.id, &stage, moves)? {
        back.late
            .push((String::from_utf8_lossy(&rel).into_owned(), hash.hex()));
    }
    journal::finish(store, op.id, Phase::RolledBack, now, &[])?;
    stage.remove(root)?;
    Ok(back)
}

fn one(root: &Root, stage: &Stage, m: &Move) -> Result<()> {
    let rel = Rel::new(&m.rel)?;
    let slot = m.no.to_string();
    let ours = |look: Option<crate::fsx::Look>| m.ino.is_some() && look.map(|l| l.ino) == m.ino;
    let there = root.look(&rel).unwrap_or(None);
    match m.action {
        Action::Exchange => {
            if ours(there) {
                stage.give_back(root, &slot, &rel)?;
            }
        }
        Action::Create => {
            if ours(there) {
                stage.take(root, &format!("{slot}.back"), &rel)?;
            }
        }
        Action::Remove => {
            let held = stage.look(&slot)?;
            if held.is_some() && there.is_none() {
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
