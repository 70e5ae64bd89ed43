//! Undo and redo: plans made from the journal, by the same table, applied like any other.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;

use color_eyre::Result;

use super::plan::{self, Plan};
use super::present;
use super::verdict::{Choice, Input};
use crate::fsx::Root;
use crate::model::Node;
use crate::query::Refused;
use crate::query::past::{By, Event, Past, PathPast, Reach};
use crate::snapshot;
use crate::store::Reader;
use crate::store::journal::{self, Action, Kind, Move, Op, Phase};

/// What can be undone and redone, newest last.
#[derive(Clone, Debug, Default)]
pub struct Stacks {
    /// Operations in effect.
    pub done: Vec<Op>,
    /// Undos that can be taken back.
    pub undone: Vec<Op>,
}

/// Reads the stacks from the journal.
pub fn stacks(reader: &Reader, root: &Root) -> Result<Stacks> {
    let mut s = Stacks::default();
    for op in journal::ops(reader.conn(), root.place().as_os_str().as_bytes())? {
        if op.phase != Phase::Applied {
            continue;
        }
        match op.kind {
            Kind::Rewind | Kind::Revert => {
                s.done.push(op);
                s.undone.clear();
            }
            Kind::Undo => {
                s.done.retain(|d| Some(d.id) != op.of);
                s.undone.push(op);
            }
            Kind::Redo => {
                s.undone.retain(|u| Some(u.id) != op.of);
                s.done.push(op);
            }
        }
    }
    Ok(s)
}

/// The plan of undoing the last operation.
pub fn undo(reader: &Reader, root: &Root) -> Result<Plan> {
    let last = stacks(reader, root)?.done.pop();
    let op = last.ok_or_else(|| Refused::because("there is no rewind to undo in this folder"))?;
    back(reader, root, &op, Kind::Undo)
}

/// The plan of redoing what was undone last.
pub fn redo(reader: &Reader, root: &Root) -> Result<Plan> {
    let last = stacks(reader, root)?.undone.pop();
    let op = last.ok_or_else(|| Refused::because("there is nothing to redo in this folder"))?;
    back(reader, root, &op, Kind::Redo)
}

/// The plan of undoing any one operation; of an undo, of doing it again.
///
/// # Errors
/// [`Refused`] if it is another folder's, or was taken back already.
pub fn undo_one(reader: &Reader, root: &Root, op: i64) -> Result<Plan> {
    let ops = journal::ops(reader.conn(), root.place().as_os_str().as_bytes())?;
    let applied = |o: &&Op| o.phase == Phase::Applied;
    let op = ops
        .iter()
        .filter(applied)
        .find(|o| o.id == op)
        .ok_or_else(|| Refused::because("there is no such rewind in this folder"))?;
    let (kind, word) = match op.kind {
        Kind::Undo => (Kind::Redo, "redone"),
        _ => (Kind::Undo, "undone"),
    };
    if ops.iter().filter(applied).any(|o| o.of == Some(op.id)) {
        return Err(Refused::because(format!(
            "this {} is {word} already",
            op.kind.word()
        )));
    }
    back(reader, root, op, kind)
}

fn back(reader: &Reader, root: &Root, op: &Op, kind: Kind) -> Result<Plan> {
    let mark = journal::mark(reader.conn(), root.place().as_os_str().as_bytes())?;
    let moves = journal::moves(reader.conn(), op.id)?;
    let pasts: Vec<PathPast> = moves
        .iter()
        .filter(|m| is_file(m))
        .map(|m| past(op, m))
        .collect();
    let contents = |hash: &_| journal::content(reader.conn(), hash).ok();
    let mut inputs = Vec::with_capacity(pasts.len());
    for past in &pasts {
        inputs.push(Input {
            past,
            now: present::look(root, &past.rel, snapshot::CAP)?,
            ignored: false,
            index_mode: None,
            reach: Reach::Session,
            only: false,
            lines: None,
            contents: &contents,
        });
    }
    let files = plan::files(&inputs, &|_| Choice::default());
    let mut warnings: Vec<String> = Vec::new();
    for m in moves.iter().filter_map(|m| Some((&m.rel, m.late?))) {
        warnings.push(format!(
            "{}: somebody wrote to it while it was put back; that text is kept as {}",
            String::from_utf8_lossy(m.0),
            m.1.hex()
        ));
    }
    Ok(Plan {
        target: format!("{} of: {}", kind.word(), op.title),
        scope: Reach::Session,
        keeps: "everything changed since".to_owned(),
        undoes: Vec::new(),
        files,
        warnings,
        confirm_twice: Vec::new(),
        kind,
        of: Some(op.id),
        aim: None,
        sessions: op.sessions.clone(),
        folders: folders(root, &moves)?,
        may_go: Some(
            moves
                .iter()
                .filter(|m| m.action == Action::MakeFolder)
                .map(|m| m.rel.clone())
                .collect(),
        ),
        mark,
        root: root.identity(),
    })
}

/// It did something to a file or link. What was left out and only remembered for what somebody wrote there did not.
fn is_file(m: &Move) -> bool {
    matches!(m.action, Action::Exchange | Action::Create | Action::Remove) && m.before != m.after
}

/// Folders that it removed come back with their modes, unless something is there.
fn folders(root: &Root, moves: &[Move]) -> Result<BTreeMap<Vec<u8>, u32>> {
    let mut folders = BTreeMap::new();
    for m in moves {
        if let (Action::RemoveFolder, Node::Dir { mode }) = (m.action, &m.before) {
            let now = present::look(root, &m.rel, 0)?;
            let will_go = moves
                .iter()
                .any(|o| o.action == Action::Create && o.rel == m.rel);
            if now.refused.is_none() && (now.node == Node::Absent || will_go) {
                folders.insert(m.rel.clone(), *mode);
            }
        }
    }
    Ok(folders)
}

fn past(op: &Op, m: &Move) -> PathPast {
    let event = Event {
        by: By::Rewind(op.id),
        at: op.done_at,
        before: Past::of_node(&m.before),
        after: Past::of_node(&m.after),
        changed: true,
        gap: false,
        unsure: false,
        undone: true,
    };
    PathPast {
        rel: m.rel.clone(),
        elsewhere: None,
        events: vec![event],
        mode: match m.before {
            Node::File { mode, .. } => Some(mode),
            _ => None,
        },
    }
}
