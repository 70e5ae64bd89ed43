//! Only some lines of a file: what is undone is cut down to them, and the rules of whole files hold for what is left of
//! it. Pure.
//!
//! What is undone leads from what it left back to what was there before. Of that way only the picked lines are gone; so
//! everything else in the file, whoever wrote it, is not even looked at, and where the picked lines themselves were
//! changed again there is a conflict, never a marker.

use super::lines::{Picked, Reading, Set, assemble, changed};
use super::merge;
use super::plan::{FilePlan, Verdict};
use super::verdict::{Input, Undone, later_by, to};
use crate::diff::lines::{Block, Options, blocks, split};
use crate::model::{BlobHash, Node};
use crate::query::past::Past;

/// Lines of a file, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Of the file as it is now, first and last. What was removed belongs to the lines on both sides of its place.
    Now(Vec<(u32, u32)>),
    /// Of a change as it was shown.
    Change {
        /// Lines that it removed, as they were numbered before it.
        old: Vec<u32>,
        /// Lines that it added, as they are numbered after it.
        new: Vec<u32>,
        /// What it left, to know that it is the same change.
        left: BlobHash,
    },
}

/// Some lines of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The path, relative to the root.
    pub rel: Vec<u8>,
    /// Which lines.
    pub lines: Lines,
}

/// What is left of a file's plan if only these lines are undone; `None`: they are all that there is to undo, so that it
/// is the whole file's plan.
pub(super) fn picked(
    input: &Input<'_>,
    undone: &Undone<'_>,
    lines: &Lines,
    f: FilePlan,
) -> Option<FilePlan> {
    match cut_down(input, undone, lines) {
        Ok(Cut::Whole) => None,
        Ok(Cut::Nothing) => Some(FilePlan {
            verdict: Verdict::Same,
            why: "nothing that would be undone is in these lines".to_owned(),
            ..f
        }),
        Ok(Cut::Some(text, places)) => Some(become_text(input, f, text, places)),
        Err((verdict, why)) => Some(FilePlan { verdict, why, ..f }),
    }
}

enum Cut {
    Whole,
    Nothing,
    /// The text, and at how many places it changes.
    Some(Vec<u8>, usize),
}

type No = (Verdict, String);

fn conflict<T>(why: impl Into<String>) -> Result<T, No> {
    Err((Verdict::Conflict, why.into()))
}

fn cut_down(input: &Input<'_>, undone: &Undone<'_>, lines: &Lines) -> Result<Cut, No> {
    let left_bytes = bytes_of(input, undone.left)?;
    let now_bytes = match &input.now.node {
        Node::File { .. } => input.now.bytes.clone().unwrap_or_default(),
        Node::Absent if *undone.left == Past::Absent => Vec::new(),
        node => return conflict(format!("{} is there now", node.word())),
    };
    let mut runs = Vec::new();
    for (before, after) in &undone.runs {
        runs.push((bytes_of(input, before)?, bytes_of(input, after)?));
    }
    let all = runs.iter().flat_map(|(b, a)| [b, a]).chain([&now_bytes]);
    let reading = Reading::of(all);
    let (left_text, now_text) = (reading.text(&left_bytes), reading.text(&now_bytes));
    let left: Vec<&str> = split(&left_text);
    let (goal, clashed) = without(&runs, reading, &left);
    let goal: Vec<&str> = goal.iter().map(String::as_str).collect();
    let ways = changed(&left, &goal);
    let picked = match lines {
        Lines::Now(ranges) => named_now(ranges, &split(&now_text), &left, &ways)?,
        Lines::Change {
            old,
            new,
            left: shown,
        } => {
            if *shown != BlobHash::of(&left_bytes) {
                return conflict(
                    "the change that was shown is not the one that would be undone; look at it again",
                );
            }
            let before = reading.text(runs.first().map_or(&[], |r| &r.0));
            named_in_change(old, new, (&split(&before), &goal))
        }
    };
    if let Some(line) = picked.left.intersection(&clashed).next() {
        return conflict(later_by(
            undone,
            &format!("these lines were changed again (line {})", line + 1),
        ));
    }
    let touched = ways.iter().filter(|b| picked.touches(b)).count();
    if touched == 0 {
        return Ok(Cut::Nothing);
    }
    if ways.iter().all(|b| picked.holds(b)) && clashed.is_empty() {
        return Ok(Cut::Whole);
    }
    if *undone.left == Past::Absent {
        return conflict("it was removed as a whole, and comes back only as a whole");
    }
    let wanted = assemble(&left, &goal, &ways, &picked);
    let wanted = reading.bytes(&wanted);
    if now_bytes == left_bytes {
        return Ok(Cut::Some(wanted, touched));
    }
    match merge::merge(&left_bytes, &now_bytes, &wanted) {
        Ok(text) => Ok(Cut::Some(text, touched)),
        Err(clashes) => {
            let at: Vec<String> = clashes
                .iter()
                .map(|c| format!("{}-{}", c.base.start + 1, c.base.end.max(c.base.start + 1)))
                .collect();
            conflict(later_by(
                undone,
                &format!("these lines were changed again ({})", at.join(", ")),
            ))
        }
    }
}

fn become_text(input: &Input<'_>, mut f: FilePlan, text: Vec<u8>, places: usize) -> FilePlan {
    let Node::File { mode, .. } = input.now.node else {
        f.verdict = Verdict::Conflict;
        f.why = "there is no file now".to_owned();
        return f;
    };
    let node = Node::File {
        hash: BlobHash::of(&text),
        size: text.len() as u64,
        mode,
    };
    if node == input.now.node {
        f.verdict = Verdict::Same;
        f.why = "already without it".to_owned();
        return f;
    }
    let why = match places {
        1 => "only the chosen lines, at 1 place; the rest stays".to_owned(),
        n => format!("only the chosen lines, at {n} places; the rest stays"),
    };
    to(input, f, Verdict::Merge, node, Some(text), &why)
}

/// The text that a path held.
fn bytes_of(input: &Input<'_>, past: &Past) -> Result<Vec<u8>, No> {
    let bytes = match past {
        Past::Absent => Vec::new(),
        Past::File(hash, _) => (input.contents)(hash)
            .ok_or_else(|| (Verdict::Unrecoverable, "never stored".to_owned()))?,
        Past::Unknown => {
            let why = "what it was before or after one of the changes is not known";
            return Err((Verdict::Unrecoverable, why.to_owned()));
        }
        Past::Link(_) | Past::Other => {
            return conflict("it is no text: only the whole can be undone");
        }
    };
    match bytes.contains(&0) {
        true => conflict("it is no text: only the whole can be undone"),
        false => Ok(bytes),
    }
}

/// What the text would be without anything that is undone, as far as that is possible; and the lines that stay because
/// somebody changed them again.
fn without(runs: &[(Vec<u8>, Vec<u8>)], reading: Reading, left: &[&str]) -> (Vec<String>, Set) {
    let mut text: Vec<(String, Option<usize>)> = left
        .iter()
        .enumerate()
        .map(|(i, line)| ((*line).to_owned(), Some(i)))
        .collect();
    let mut clashed = Set::new();
    for (before, after) in runs.iter().rev() {
        let (base, theirs) = (reading.text(after), reading.text(before));
        let (base, theirs) = (split(&base), split(&theirs));
        let ours: Vec<&str> = text.iter().map(|l| l.0.as_str()).collect();
        let mut next: Vec<(String, Option<usize>)> = Vec::new();
        for region in merge::regions(&base, &ours, &theirs) {
            match region.clean {
                Some(merge::Side::Theirs) => next.extend(
                    theirs[region.theirs]
                        .iter()
                        .map(|line| ((*line).to_owned(), None)),
                ),
                Some(merge::Side::Ours) => next.extend_from_slice(&text[region.ours]),
                None => {
                    clashed.extend(text[region.ours.clone()].iter().filter_map(|l| l.1));
                    next.extend_from_slice(&text[region.ours]);
                }
            }
        }
        text = next;
    }
    (text.into_iter().map(|l| l.0).collect(), clashed)
}

/// Lines of the file as it is now: those that stand there unchanged since, and what stood at their places.
fn named_now(
    ranges: &[(u32, u32)],
    now: &[&str],
    left: &[&str],
    ways: &[Block],
) -> Result<Picked, No> {
    if let Some((_, last)) = ranges.iter().find(|r| r.1 as usize > now.len()) {
        return conflict(format!("there is no line {last}: it has {} now", now.len()));
    }
    let named = |i: usize| {
        ranges
            .iter()
            .any(|(a, b)| (*a as usize..=*b as usize).contains(&(i + 1)))
    };
    let mut here = Set::new();
    for b in blocks(now, left, &Options::default()) {
        if !b.changed {
            let same = b.old.clone().zip(b.new.clone());
            here.extend(same.filter(|(n, _)| named(*n)).map(|(_, l)| l));
        }
    }
    let mut picked = Picked::default();
    for b in ways {
        let (goes, comes) = (b.old.clone(), b.new.clone());
        let at = goes.start;
        if goes.is_empty() {
            if here.contains(&at) || at > 0 && here.contains(&(at - 1)) {
                picked.goal.extend(comes);
            }
        } else if goes.clone().all(|line| here.contains(&line)) {
            picked.goal.extend(comes);
        } else {
            // Of a block that is named in part, each line goes with the one at its place.
            for (i, line) in goes.clone().enumerate().filter(|(_, l)| here.contains(l)) {
                let last = line + 1 == goes.end;
                let end = if last { comes.end } else { comes.start + i + 1 };
                picked
                    .goal
                    .extend((comes.start + i).min(comes.end)..end.min(comes.end));
            }
        }
    }
    picked.left = here;
    Ok(picked)
}

/// Lines of the change as it was shown. What was shown as removed may stand elsewhere in what it would be now.
fn named_in_change(old: &[u32], new: &[u32], (before, goal): (&[&str], &[&str])) -> Picked {
    let old: Set = old
        .iter()
        .map(|n| (*n as usize).saturating_sub(1))
        .collect();
    let mut picked = Picked {
        left: new
            .iter()
            .map(|n| (*n as usize).saturating_sub(1))
            .collect(),
        goal: Set::new(),
    };
    for b in blocks(before, goal, &Options::default()) {
        if !b.changed {
            let same = b.old.clone().zip(b.new.clone());
            picked
                .goal
                .extend(same.filter(|(o, _)| old.contains(o)).map(|(_, g)| g));
        }
    }
    picked
}
