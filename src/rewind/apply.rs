//! Applying a plan: the only function of the program that changes the user's tree.
//!
//! Everything that will be displaced is stored, synced and read back first; what is new is staged on the same file
//! system; then names are exchanged, and what was displaced is compared with what the plan saw. Anything unexpected
//! takes all of it back. Afterwards every file is read again, and the report says what was found.

use std::os::unix::ffi::OsStrExt;

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use serde::Serialize;

use super::plan::{FilePlan, Plan, settle};
use super::{late, order, take_back};
use crate::clock::Clock;
use crate::fsx::{Rel, Root, Stage};
use crate::model::{BlobHash, Node};
use crate::query::Refused;
use crate::snapshot;
use crate::store::Store;
use crate::store::journal::{self, Action, Move, Op, Phase};
use crate::store::snapshots::Reason;

/// Left on the disk after everything is written.
const SPARE: u64 = 64 << 20;
/// Safety contents are stored in portions of so many bytes.
const PORTION: usize = 32 << 20;

/// How a plan is applied.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// What time it is.
    pub clock: Clock,
    /// Files that are not as the plan saw them are left out; else they stop it.
    pub partial: bool,
    /// Take a snapshot before and after.
    pub snapshots: bool,
}

/// How far it is: done, of how many, in a word.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize, &'static str);

/// What was done, from what was read afterwards.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The files, with `applied` and `verified` set.
    pub files: Vec<FilePlan>,
    /// Paths that were left out, with the reason.
    pub skipped: Vec<(String, String)>,
    /// What somebody wrote at the same time and is not in the tree: path, and the name of the content.
    pub late: Vec<(String, String)>,
    /// All of the plan was applied and verified.
    pub complete: bool,
    /// What the user must know.
    pub warnings: Vec<String>,
    /// To be pasted to the agent.
    pub note: String,
    /// The operation's row; none if there was nothing to do.
    #[serde(skip)]
    pub op: Option<i64>,
}

/// Applies a plan.
///
/// # Errors
/// [`Refused`] where the tree is not as the plan saw it, or another rewind is at work or was interrupted: then nothing
/// was changed. Any other error: everything that was done has been taken back, or the message says that it was not.
pub fn apply(
    store: &Store,
    root: &Root,
    plan: &Plan,
    how: How,
    progress: Progress<'_>,
) -> Result<Report> {
    if plan.root != root.identity() {
        return Err(Refused::because("the plan was made for another folder"));
    }
    let mut report = Report {
        files: plan.files.clone(),
        complete: true,
        ..Report::default()
    };
    if plan.ticked().next().is_none() && plan.folders.is_empty() {
        return Ok(report);
    }
    let Some(_lock) = root.lock()? else {
        return Err(Refused::because("another rewind is at work in this folder"));
    };
    super::recover::refuse_if_interrupted(store, root)?;
    late::sweep(store, root, how.clock.now())?;
    let contents = check(root, how, &mut report)?;
    let files: Vec<&FilePlan> = report
        .files
        .iter()
        .filter(|f| f.ticked && f.verdict.changes())
        .collect();
    if files.is_empty() && plan.folders.is_empty() {
        report.complete = report.skipped.is_empty();
        return Ok(report);
    }
    room(root, &files)?;
    if how.snapshots {
        let wanted = snapshot::Wanted::new(how.clock, Reason::Before);
        let taken = snapshot::take(store, root, &wanted)
            .wrap_err("no snapshot could be taken, so nothing was changed")?;
        report.warnings.extend(taken.warnings);
    }
    safety(store, &contents, progress)?;
    let op = Op {
        id: 0,
        token: token(root, how),
        root: root.place().as_os_str().as_bytes().to_vec(),
        kind: plan.kind,
        of: plan.of,
        at: how.clock.now(),
        done_at: None,
        phase: Phase::Prepared,
        title: plan.target.clone(),
        sessions: plan.sessions.clone(),
        closed: false,
        // With files left out by hand it did not lead there.
        aim: plan
            .aim
            .filter(|_| plan.files.iter().all(|f| f.ticked || !f.verdict.changes())),
        lines: files
            .iter()
            .fold((0, 0), |(a, r), f| (a + f.added, r + f.removed)),
    };
    let moves = order::moves(root, &files, &plan.folders, plan.may_go.as_ref())?;
    if moves.is_empty() {
        return Ok(report);
    }
    let merged: Vec<(BlobHash, Vec<u8>)> = files
        .iter()
        .filter_map(|f| Some((f.after.hash()?, f.merged.clone()?)))
        .collect();
    run(store, root, op, moves, &merged, how, &mut report, progress)?;
    report.note = Plan {
        files: report.files.clone(),
        ..plan.clone()
    }
    .note();
    if how.snapshots {
        let mut wanted = snapshot::Wanted::new(how.clock, Reason::After);
        wanted.op = report.op;
        // The tree is as it should be; that it could not be captured again is said, and no reason to undo it.
        if let Err(e) = snapshot::take(store, root, &wanted) {
            report
                .warnings
                .push(format!("no snapshot could be taken afterwards: {e}"));
        }
    }
    Ok(report)
}

/// A name for the stage that no other operation has.
fn token(root: &Root, how: How) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(root.place().as_os_str().as_bytes());
    let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    hash.update(&nanos.map_or(0, |d| d.as_nanos()).to_le_bytes());
    hash.update(&std::process::id().to_le_bytes());
    hash.update(&how.clock.now().0.to_le_bytes());
    hash.finalize().to_hex()[..16].to_owned()
}

/// Looks at every file again. What differs from the plan stops it or is left out; the bytes of the rest.
fn check(root: &Root, how: How, report: &mut Report) -> Result<Vec<Vec<u8>>> {
    let mut contents = Vec::new();
    for i in 0..report.files.len() {
        let f = &report.files[i];
        if !f.ticked || !f.verdict.changes() {
            continue;
        }
        let now = super::present::look(root, &f.rel, snapshot::CAP)?;
        let as_seen = now.node == f.before
            || f.before == Node::Absent
                && matches!(now.node, Node::Dir { .. })
                && !f.needs_gone.is_empty()
            || f.before == Node::Absent
                && matches!(now.node, Node::Dir { .. })
                && now.below.as_ref().is_some_and(Vec::is_empty);
        if as_seen && now.refused.is_none() {
            contents.extend(now.bytes);
            contents.extend(report.files[i].merged.clone());
            continue;
        }
        let (path, why) = (
            f.path.clone(),
            "it is no longer as the plan saw it".to_owned(),
        );
        if !how.partial {
            return Err(Refused::with_hint(
                format!("{path}: {why}; nothing was changed"),
                "look at a new plan, or leave such files out with --partial",
            ));
        }
        leave_out(report, i, why);
    }
    while settle(&mut report.files) {
        report.complete = false;
    }
    Ok(contents)
}

fn leave_out(report: &mut Report, index: usize, why: String) {
    let file = &mut report.files[index];
    file.ticked = false;
    file.applied = false;
    report.skipped.push((file.path.clone(), why));
    report.complete = false;
}

/// Twice what will be written must be free, and some more.
fn room(root: &Root, files: &[&FilePlan]) -> Result<()> {
    let size = |n: &Node| match n {
        Node::File { size, .. } => *size,
        _ => 0,
    };
    let needed: u64 = files.iter().map(|f| size(&f.before) + size(&f.after)).sum();
    let needed = needed.saturating_mul(2).saturating_add(SPARE);
    match root.free() {
        Some(free) if free < needed => Err(Refused::because(format!(
            "{} MiB are free on this disk, and {} are needed to do it safely; nothing was changed",
            free >> 20,
            needed >> 20
        ))),
        _ => Ok(()),
    }
}

fn safety(store: &Store, contents: &[Vec<u8>], progress: Progress<'_>) -> Result<()> {
    let mut start = 0;
    while start < contents.len() {
        let (mut end, mut bytes) = (start, 0);
        while end < contents.len() && (end == start || bytes + contents[end].len() <= PORTION) {
            bytes += contents[end].len();
            end += 1;
        }
        let portion: Vec<&[u8]> = contents[start..end].iter().map(Vec::as_slice).collect();
        journal::store_safely(store, &portion)
            .wrap_err("what is there could not be stored, so nothing was changed")?;
        start = end;
        progress(end, contents.len(), "storing what is there");
    }
    Ok(())
}

/// Journal, stage, moves, verification.
#[allow(clippy::too_many_arguments)]
fn run(
    store: &Store,
    root: &Root,
    mut op: Op,
    mut moves: Vec<Move>,
    merged: &[(BlobHash, Vec<u8>)],
    how: How,
    report: &mut Report,
    progress: Progress<'_>,
) -> Result<()> {
    op.id = journal::prepare(store, &op, &moves)?;
    report.op = Some(op.id);
    let mut skipped = Vec::new();
    let done = stage_all(store, root, &op, &mut moves, merged, progress).and_then(|stage| {
        move_all(root, &stage, &moves, how, report, &mut skipped, progress).map(|()| stage)
    });
    let stage = match done {
        Ok(stage) => stage,
        Err(e) => {
            let back = take_back::take_back(store, root, &op, &moves, how.clock.now())
                .wrap_err("and it could not be taken back: `regent-tui undo` tries again")
                .wrap_err(e.to_string())?;
            report.late.extend(back.late);
            return match e.downcast_ref::<Refused>() {
                Some(_) => Err(e),
                None => {
                    Err(e.wrap_err("nothing was changed: everything that was done was taken back"))
                }
            };
        }
    };
    let kept: Vec<Move> = moves
        .iter()
        .filter(|m| !skipped.contains(&m.no))
        .cloned()
        .collect();
    verify(root, &kept, report)?;
    journal::finish(store, op.id, Phase::Applied, how.clock.now(), &skipped)?;
    for (rel, hash) in late::look(store, op.id, &stage, &kept)? {
        report
            .late
            .push((String::from_utf8_lossy(&rel).into_owned(), hash.hex()));
    }
    Ok(())
}

fn stage_all(
    store: &Store,
    root: &Root,
    op: &Op,
    moves: &mut [Move],
    merged: &[(BlobHash, Vec<u8>)],
    progress: Progress<'_>,
) -> Result<Stage> {
    let stage = root.stage(&op.token)?;
    let total = moves.len();
    for (i, m) in moves.iter_mut().enumerate() {
        let slot = m.no.to_string();
        m.ino = match (&m.action, &m.after) {
            (Action::Exchange | Action::Create, Node::File { hash, mode, .. }) => {
                let held = merged
                    .iter()
                    .find(|(h, _)| h == hash)
                    .map(|(_, b)| b.clone());
                let bytes = match held {
                    Some(bytes) => bytes,
                    None => journal::content(store.conn(), hash)?,
                };
                let rel = Rel::new(&m.rel)?;
                let like = (m.action == Action::Exchange).then_some(&rel);
                Some(stage.put_file(root, &slot, &bytes, *mode, like)?)
            }
            (Action::Exchange | Action::Create, Node::Link { target }) => {
                Some(stage.put_link(root, &slot, target)?)
            }
            _ => None,
        };
        progress(i + 1, total, "staging");
    }
    stage.note_store(
        root,
        store
            .place()
            .map_or(&b""[..], |p| p.db.as_os_str().as_bytes()),
    )?;
    stage.sync(root)?;
    let inos: Vec<(u32, u64)> = moves.iter().filter_map(|m| Some((m.no, m.ino?))).collect();
    journal::applying(store, op.id, &inos)?;
    Ok(stage)
}

fn move_all(
    root: &Root,
    stage: &Stage,
    moves: &[Move],
    how: How,
    report: &mut Report,
    skipped: &mut Vec<u32>,
    progress: Progress<'_>,
) -> Result<()> {
    for (i, m) in moves.iter().enumerate() {
        progress(i, moves.len(), "putting back");
        let rel = Rel::new(&m.rel)?;
        let Some(why) = one(root, stage, m, &rel)? else {
            continue;
        };
        if m.action == Action::RemoveFolder {
            // Somebody put something into it: it stays, and that is right.
            skipped.push(m.no);
            continue;
        }
        if !how.partial {
            return Err(Refused::with_hint(
                format!("{}: {why}; everything was put back as it was", rel.show()),
                "look at a new plan, or leave such files out with --partial",
            ));
        }
        skipped.push(m.no);
        if let Some(index) = report.files.iter().position(|f| f.rel == m.rel) {
            leave_out(report, index, why);
        }
    }
    let mut parents: Vec<Vec<u8>> = moves
        .iter()
        .filter_map(|m| Some(Rel::new(&m.rel).ok()?.parent().to_vec()))
        .collect();
    parents.sort();
    parents.dedup();
    for parent in parents {
        root.sync_folder(&parent)?;
    }
    stage.sync(root)?;
    Ok(())
}

/// One move; why it was not done, if what was found is not what the plan saw.
fn one(root: &Root, stage: &Stage, m: &Move, rel: &Rel) -> Result<Option<String>> {
    let slot = m.no.to_string();
    let changed = || Ok(Some("it changed while it was being put back".to_owned()));
    match m.action {
        Action::Exchange => {
            if let Err(e) = stage.exchange(root, &slot, rel) {
                return gone(e, std::io::ErrorKind::NotFound);
            }
            if stage.see(&stage.displaced(&slot)?)?.node != m.before {
                stage.give_back(root, &slot, rel)?;
                return changed();
            }
        }
        Action::Create => {
            if let Err(e) = stage.put_new(root, &slot, rel) {
                return gone(e, std::io::ErrorKind::AlreadyExists);
            }
        }
        Action::Remove => {
            if let Err(e) = stage.take(root, &slot, rel) {
                return gone(e, std::io::ErrorKind::NotFound);
            }
            if stage.see(&slot)?.node != m.before {
                stage.put_new(root, &slot, rel)?;
                return changed();
            }
        }
        Action::MakeFolder => {
            if let Node::Dir { mode } = m.after
                && let Err(e) = root.make_folder(rel, mode)
            {
                return gone(e, std::io::ErrorKind::AlreadyExists);
            }
        }
        Action::RemoveFolder => {
            if !root.remove_folder(rel)? {
                return Ok(Some("it is not empty".to_owned()));
            }
        }
    }
    Ok(None)
}

/// An error that says that somebody was quicker is no error.
fn gone(e: crate::fsx::Error, expected: std::io::ErrorKind) -> Result<Option<String>> {
    if e.kind() == Some(expected) {
        Ok(Some("it changed while it was being put back".to_owned()))
    } else {
        Err(e.into())
    }
}

/// Reads every file again.
fn verify(root: &Root, moves: &[Move], report: &mut Report) -> Result<()> {
    for m in moves {
        let Some(file) = report.files.iter_mut().find(|f| f.rel == m.rel) else {
            continue;
        };
        if !matches!(m.action, Action::Exchange | Action::Create | Action::Remove) {
            continue;
        }
        file.applied = true;
        let node = root.see(&Rel::new(&m.rel)?, u64::MAX - 1).map(|s| s.node);
        let freed_for_folder = m.action == Action::Remove && matches!(node, Ok(Node::Dir { .. }));
        let below_file = m.action == Action::Remove && node.is_err();
        file.verified =
            node.as_ref().is_ok_and(|n| *n == m.after) || freed_for_folder || below_file;
        if !file.verified {
            report.complete = false;
            report.warnings.push(format!(
                "{}: it was changed again right afterwards",
                file.path
            ));
        }
    }
    Ok(())
}
