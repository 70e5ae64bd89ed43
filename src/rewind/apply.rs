//! Applying a plan: the only function of the program that changes the user's tree.
//!
//! Everything that will be displaced is stored, synced and read back first; what is new is staged on the same file
//! system; then names are exchanged, and what was displaced is compared with what the plan saw. Anything unexpected
//! takes all of it back. Afterwards every file is read again, and the report says what was found.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;

use color_eyre::Result;
use color_eyre::eyre::WrapErr;

use super::moves::{MANY, move_all};
use super::plan::{FilePlan, Plan, Verdict, settle};
use super::report::{How, Progress, Report};
use super::{late, order, take_back};
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
    if plan.nothing().is_some() {
        return Ok(report);
    }
    let Some(_lock) = root.lock_within(super::PATIENCE)? else {
        return Err(Refused::because("another rewind is at work in this folder"));
    };
    super::recover::refuse_if_interrupted(store, root)?;
    not_outrun(store, root, plan)?;
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
        aim: plan.aim.map(|aim| {
            let done = |f: &FilePlan| f.ticked && f.verdict.changes();
            let all = |f: &FilePlan| f.verdict == Verdict::Same || done(f);
            aim.in_part_if(!report.files.iter().all(all))
        }),
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

/// A plan that was made while another rewind was at work saw a tree that was half one thing and half another: files of
/// which it said that they stay may only have been on their way.
fn not_outrun(store: &Store, root: &Root, plan: &Plan) -> Result<()> {
    let mark = journal::mark(store.conn(), root.place().as_os_str().as_bytes())?;
    if plan.mark.open || plan.mark.newest != mark.newest {
        return Err(Refused::with_hint(
            "another rewind was at work since the plan was made; nothing was changed",
            "look at a new plan",
        ));
    }
    Ok(())
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
        report.leave_out(i, why);
    }
    while settle(&mut report.files) {
        report.complete = false;
    }
    Ok(contents)
}

/// Twice what will be written must be free, and some more.
fn room(root: &Root, files: &[&FilePlan]) -> Result<()> {
    let needed: u64 = files.iter().map(|f| f.before.size() + f.after.size()).sum();
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
        move_all(root, &stage, &moves, how, report, &mut skipped, progress)?;
        // Also of what was left out: it may have been written to while it was looked at.
        late::look(store, op.id, &stage, &moves)
    });
    let found = match done {
        Ok(found) => found,
        Err(e) => {
            let back = take_back::take_back(store, root, &op, &moves, how.clock.now())
                .wrap_err("and it could not be taken back: `regent-tui undo` tries again")
                .wrap_err(e.to_string())?;
            return Err(taken_back(e, &back));
        }
    };
    let kept: Vec<Move> = moves
        .into_iter()
        .filter(|m| !skipped.contains(&m.no))
        .collect();
    verify(root, &kept, report)?;
    journal::finish(store, op.id, Phase::Applied, how.clock.now(), &skipped, false).wrap_err(
        "everything was put back, but it could not be written down: `regent-tui undo` takes it back",
    )?;
    for (rel, hash) in found.stored {
        report
            .late
            .push((String::from_utf8_lossy(&rel).into_owned(), hash.hex()));
    }
    for (rel, slot) in found.held {
        report.warnings.push(format!(
            "{}: somebody is writing to what was there; it is kept in .regent/stage/{}/{slot}",
            String::from_utf8_lossy(&rel),
            op.token
        ));
    }
    Ok(())
}

/// Why nothing was done after all, and what is not as it was before all the same.
fn taken_back(e: color_eyre::Report, back: &take_back::Back) -> color_eyre::Report {
    let mut more = String::new();
    if !back.changed.is_empty() {
        more.push_str(&format!(
            "; changed by somebody meanwhile, and left as they are: {}",
            back.changed.join(", ")
        ));
    }
    for (path, hash) in &back.late {
        more.push_str(&format!(
            "; {path}: what somebody wrote meanwhile is kept as {hash}"
        ));
    }
    match e.downcast_ref::<Refused>() {
        Some(_) if more.is_empty() => e,
        Some(r) => Refused::with_hint(
            format!("{}{more}", r.message),
            r.hint.clone().unwrap_or_default(),
        ),
        None => e.wrap_err(format!(
            "nothing was changed: everything that was done was taken back{more}"
        )),
    }
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
    let at_once = total > MANY && cfg!(target_os = "linux");
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
                Some(stage.put_file(root, &slot, &bytes, *mode, like, !at_once)?)
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
    if !(at_once && root.sync_whole()?) {
        stage.sync(root)?;
    }
    let inos: Vec<(u32, u64)> = moves.iter().filter_map(|m| Some((m.no, m.ino?))).collect();
    journal::applying(store, op.id, &inos)?;
    Ok(stage)
}

/// Reads every file again.
fn verify(root: &Root, moves: &[Move], report: &mut Report) -> Result<()> {
    let places = report.files.iter().map(|f| f.rel.clone()).zip(0..);
    let places: HashMap<Vec<u8>, usize> = places.collect();
    for m in moves {
        let Some(file) = places.get(&m.rel).map(|i| &mut report.files[*i]) else {
            continue;
        };
        if !matches!(m.action, Action::Exchange | Action::Create | Action::Remove) {
            continue;
        }
        file.applied = true;
        let node = root.see(&Rel::new(&m.rel)?, m.after.size()).map(|s| s.node);
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
