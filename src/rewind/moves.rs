//! Doing the moves of an operation one by one, and giving back what turns out to be something else than the plan saw.

use color_eyre::Result;

use super::report::{How, Progress, Report};
use crate::fsx::{Rel, Root, Stage};
use crate::model::Node;
use crate::query::Refused;
use crate::store::journal::{Action, Move};

/// More files than this are synced by one call for the whole file system; one call for each takes milliseconds each.
pub(super) const MANY: usize = 8;

/// Does all moves, and puts the names on the disk. What was not found as the plan saw it is left out, or stops it.
pub(super) fn move_all(
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
            report.leave_out(index, why);
        }
    }
    sync_names(root, stage, moves)
}

/// Puts the names of all moves on the disk, those in the tree and those in the stage: else one may be forgotten there and
/// the other not.
pub(super) fn sync_names(root: &Root, stage: &Stage, moves: &[Move]) -> Result<()> {
    let mut parents: Vec<Vec<u8>> = moves
        .iter()
        .filter_map(|m| Some(Rel::new(&m.rel).ok()?.parent().to_vec()))
        .collect();
    parents.sort();
    parents.dedup();
    if parents.len() > MANY && root.sync_whole()? {
        return Ok(());
    }
    // What came into the stage first: a folder that it came from may be gone, and then no other name leads to it.
    stage.sync(root)?;
    for parent in parents {
        root.sync_folder(&parent)?;
    }
    Ok(())
}

/// One move; why it was not done, if what was found is not what the plan saw.
fn one(root: &Root, stage: &Stage, m: &Move, rel: &Rel) -> Result<Option<String>> {
    let slot = m.no.to_string();
    let changed = || Ok(Some("it changed while it was being put back".to_owned()));
    match m.action {
        Action::Exchange => {
            if let Err(e) = stage.exchange(root, &slot, rel) {
                // Where names cannot be exchanged, somebody may also have been quicker to take the free name.
                return match e.kind() {
                    Some(std::io::ErrorKind::AlreadyExists) => changed(),
                    _ => gone(e, std::io::ErrorKind::NotFound),
                };
            }
            if stage.see(&stage.displaced(&slot)?, m.before.size())?.node != m.before {
                give_back(root, stage, m, rel)?;
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
            if stage.see(&slot, m.before.size())?.node != m.before {
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

/// Gives a path back what it held. If somebody put something else there meanwhile, that is newer and has the name in the
/// end; what is left in the stage is looked at when all is done.
fn give_back(root: &Root, stage: &Stage, m: &Move, rel: &Rel) -> Result<()> {
    let slot = m.no.to_string();
    stage.give_back(root, &slot, rel)?;
    let ours = stage.look(&slot)?.is_none_or(|l| Some(l.ino) == m.ino);
    if !ours && root.look(rel)?.is_some() {
        stage.exchange(root, &slot, rel)?;
    }
    Ok(())
}

/// An error that says that somebody was quicker is no error.
fn gone(e: crate::fsx::Error, expected: std::io::ErrorKind) -> Result<Option<String>> {
    if e.kind() == Some(expected) {
        Ok(Some("it changed while it was being put back".to_owned()))
    } else {
        Err(e.into())
    }
}
