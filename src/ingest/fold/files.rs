//! From what a tool did to files to changes with a before and an after, as far as the record itself goes.
//!
//! What needs an earlier state (a patch without its base, an edit without its original) is left open here
//! and worked out by the link pass, which sees the whole chain of a path over all sessions.

use crate::diff::patch;
use crate::model::{BlobHash, Evidence, Op};
use crate::source::{Before, Effect, Hunk};
use crate::store::rows::{ChangeRecord, Known, PathRecord, SightingRecord};

/// Above this product of line counts, lines are counted without looking for common ones: a diff of two files
/// of several thousand lines that have nothing in common costs seconds, and the figure is only a figure.
const DIFF_LIMIT: usize = 16_000_000;

/// What one effect is in terms of the store.
pub(super) enum Done {
    /// A change.
    Change(ChangeRecord),
    /// A file was shown.
    Sighting(SightingRecord),
}

/// Works out one effect. `locate` turns a path as given into a path of a root, `keep` stores a content.
pub(super) fn effect(
    no: u32,
    effect: &Effect,
    locate: &dyn Fn(&str) -> PathRecord,
    keep: &mut dyn FnMut(&[u8]) -> BlobHash,
) -> Done {
    let change = |path: &str, op, before, after, evidence, (added, removed)| {
        Done::Change(ChangeRecord {
            no,
            path: locate(path),
            old_path: None,
            op,
            before,
            after,
            evidence,
            added,
            removed,
        })
    };
    match effect {
        Effect::Edit {
            path,
            before,
            replacements,
            hunks,
            amended,
        } => {
            let known = known(before, keep);
            let text = after_edit(before, replacements, hunks, *amended);
            let counts = counts(hunks, before, text.as_deref(), replacements);
            let after = text.map_or(Known::Unknown, |t| Known::Blob(keep(t.as_bytes())));
            let op = if known == Known::Absent {
                Op::Create
            } else {
                Op::Modify
            };
            change(path, op, known, after, evidence(known, after), counts)
        }
        Effect::Write {
            path,
            before,
            content,
            hunks,
        } => {
            let known = known(before, keep);
            let after = Known::Blob(keep(content.as_bytes()));
            let op = match before {
                // As far as the record goes; what the link pass knows of the path decides.
                Before::Unchecked | Before::Absent => Op::Create,
                Before::Text(_) | Before::Unknown => Op::Modify,
            };
            change(
                path,
                op,
                known,
                after,
                Evidence::Recorded,
                counts(hunks, before, Some(content), &[]),
            )
        }
        Effect::Patch {
            path,
            moved_to,
            hunks,
            ..
        } => {
            let counts = hunks
                .iter()
                .map(Hunk::counts)
                .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
            let op = if moved_to.is_some() {
                Op::Rename
            } else {
                Op::Modify
            };
            let mut done = change(
                moved_to.as_deref().unwrap_or(path),
                op,
                Known::Unknown,
                Known::Unknown,
                Evidence::PatchOnly,
                counts,
            );
            if let (Done::Change(c), Some(_)) = (&mut done, moved_to) {
                c.old_path = Some(locate(path));
            }
            done
        }
        Effect::Delete { path, before } => {
            let known = known(before, keep);
            let removed = match before {
                Before::Text(t) => lines(t),
                Before::Absent | Before::Unchecked | Before::Unknown => 0,
            };
            let evidence = if known == Known::Unknown {
                Evidence::PatchOnly
            } else {
                Evidence::Recorded
            };
            change(
                path,
                Op::Delete,
                known,
                Known::Absent,
                evidence,
                (0, removed),
            )
        }
        Effect::Move { from, to } => {
            let mut done = change(
                to,
                Op::Rename,
                Known::Unknown,
                Known::Unknown,
                Evidence::PatchOnly,
                (0, 0),
            );
            if let Done::Change(c) = &mut done {
                c.old_path = Some(locate(from));
            }
            done
        }
        Effect::Read {
            path,
            content,
            whole,
            ..
        } => Done::Sighting(SightingRecord {
            path: locate(path),
            content: whole.then(|| keep(content.as_bytes())),
        }),
    }
}

/// The text after an edit, if the record holds the text before.
pub(crate) fn after_edit(
    before: &Before,
    replacements: &[(String, String, bool)],
    hunks: &[Hunk],
    amended: bool,
) -> Option<String> {
    let base = match before {
        Before::Text(text) => text.as_str(),
        Before::Absent => "",
        Before::Unchecked | Before::Unknown => return None,
    };
    if amended {
        return patch::apply(base, hunks, true).ok();
    }
    replace(base, replacements)
}

/// Replacements in order; `None` if one of the old texts is not there.
pub(crate) fn replace(base: &str, replacements: &[(String, String, bool)]) -> Option<String> {
    let mut text = base.to_owned();
    for (old, new, all) in replacements {
        if old.is_empty() {
            // Only an empty file has nothing to replace: the tool then writes the new text.
            if !text.is_empty() {
                return None;
            }
            text.clone_from(new);
        } else if !text.contains(old.as_str()) {
            return None;
        } else if *all {
            text = text.replace(old.as_str(), new);
        } else {
            text = text.replacen(old.as_str(), new, 1);
        }
    }
    Some(text)
}

fn known(before: &Before, keep: &mut dyn FnMut(&[u8]) -> BlobHash) -> Known {
    match before {
        Before::Absent => Known::Absent,
        Before::Text(text) => Known::Blob(keep(text.as_bytes())),
        Before::Unchecked | Before::Unknown => Known::Unknown,
    }
}

fn evidence(before: Known, after: Known) -> Evidence {
    if before == Known::Unknown || after == Known::Unknown {
        Evidence::PatchOnly
    } else {
        Evidence::Recorded
    }
}

fn counts(
    hunks: &[Hunk],
    before: &Before,
    after: Option<&str>,
    replacements: &[(String, String, bool)],
) -> (u32, u32) {
    if !hunks.is_empty() {
        return hunks
            .iter()
            .map(Hunk::counts)
            .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    }
    match (before, after) {
        (Before::Text(before), Some(after)) => line_counts(before, after),
        (Before::Absent | Before::Unchecked | Before::Unknown, Some(after)) => (lines(after), 0),
        (_, None) => replacements
            .iter()
            .map(|(old, new, _)| line_counts(old, new))
            .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)),
    }
}

fn lines(text: &str) -> u32 {
    u32::try_from(text.lines().count()).unwrap_or(u32::MAX)
}

/// Lines added and removed. The same for the same texts, however fast the machine: so no deadline.
pub(crate) fn line_counts(before: &str, after: &str) -> (u32, u32) {
    let (old, new): (Vec<&str>, Vec<&str>) = (
        before.split_inclusive('\n').collect(),
        after.split_inclusive('\n').collect(),
    );
    let front = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[front..], &new[front..]);
    let back = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old, new) = (&old[..old.len() - back], &new[..new.len() - back]);
    let as_u32 = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    if old.len() * new.len() > DIFF_LIMIT {
        return (as_u32(new.len()), as_u32(old.len()));
    }
    let common: usize = similar::capture_diff_slices(similar::Algorithm::Myers, old, new)
        .iter()
        .map(|op| match op {
            similar::DiffOp::Equal { len, .. } => *len,
            _ => 0,
        })
        .sum();
    (as_u32(new.len() - common), as_u32(old.len() - common))
}
