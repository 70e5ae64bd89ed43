//! Hunks of a file's plan that the user left out. Pure.

use std::ops::Range;

use super::lines::{Picked, Reading, assemble, changed};
use super::plan::{FilePlan, Verdict};
use super::verdict::{Input, to};
use crate::diff::lines::{Block, split};
use crate::model::{BlobHash, Node};

/// Takes hunks back out of what a file would become: of the way from what is there to that, they are not gone.
pub(super) fn leave_out(input: &Input<'_>, f: &mut FilePlan, hunks: &[Range<usize>]) {
    let (Node::File { .. }, Some(now)) = (&input.now.node, &input.now.bytes) else {
        return;
    };
    let Node::File { hash, mode, .. } = &f.after else {
        return;
    };
    let Some(goal) = f.merged.clone().or_else(|| (input.contents)(hash)) else {
        return;
    };
    if !f.verdict.changes() || now.contains(&0) || goal.contains(&0) {
        return;
    }
    let reading = Reading::of([now, &goal].into_iter());
    let (now_text, goal_text) = (reading.text(now), reading.text(&goal));
    let (old, new) = (split(&now_text), split(&goal_text));
    let ways = changed(&old, &new);
    let out = |b: &Block| {
        hunks.iter().any(|h| {
            let apart = h.end <= b.old.start || b.old.end <= h.start;
            *h == b.old || !apart
        })
    };
    let mut picked = Picked::default();
    for b in ways.iter().filter(|b| !out(b)) {
        picked.left.extend(b.old.clone());
        picked.goal.extend(b.new.clone());
    }
    let left = ways.iter().filter(|b| out(b)).count();
    let text = reading.bytes(&assemble(&old, &new, &ways, &picked));
    let node = Node::File {
        hash: BlobHash::of(&text),
        size: text.len() as u64,
        mode: *mode,
    };
    let why = format!("{}; {left} of its {} hunks left out", f.why, ways.len());
    let (ticked, verdict) = (f.ticked, Verdict::Merge);
    *f = to(input, f.clone(), verdict, node, Some(text), &why);
    f.ticked = ticked && left < ways.len();
}
