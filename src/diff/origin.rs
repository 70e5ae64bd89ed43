//! Which line of an old text each line of a new one comes from.
//!
//! Unlike [`super::lines`], which draws a diff and may describe it roughly when time runs out, this is what authorship
//! is computed with: the answer depends on the texts alone. Where several shortest descriptions exist (a repeated line
//! was added beside its equals), it says which other lines it might have been. Bytes, not strings: nothing is lost.

use std::ops::Range;

use similar::{Algorithm, DiffOp};

use super::moved;
use super::{HashMap, ambiguous};

/// A text, with the places where its lines start.
#[derive(Clone, Debug)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Where each line starts, and at last where the text ends.
    starts: Vec<usize>,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines::new(Vec::new())
    }
}

impl Lines {
    /// Cuts a text at its line ends; each line keeps its own.
    pub fn new(bytes: Vec<u8>) -> Lines {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', &bytes).map(|end| end + 1));
        if starts.last() != Some(&bytes.len()) {
            starts.push(bytes.len());
        }
        Lines { bytes, starts }
    }

    /// The same as [`Lines::new`], made quickly where most of the text is that of other lines.
    pub fn after(old: &Lines, bytes: Vec<u8>) -> Lines {
        let (a, b) = (old.bytes(), &bytes[..]);
        let front = common(a, b);
        let back = common_end(&a[front..], &b[front..]);
        let is_end = |start: &&usize| **start > 0 && a[**start - 1] == b'\n';
        let mut starts = Vec::with_capacity(old.starts.len() + 16);
        starts.push(0);
        let first = old.starts.partition_point(|s| *s <= front);
        starts.extend(old.starts[..first].iter().filter(is_end));
        let middle = front..b.len() - back;
        starts.extend(memchr::memchr_iter(b'\n', &b[middle]).map(|end| front + end + 1));
        let last = old.starts.partition_point(|s| *s <= a.len() - back);
        let rest = old.starts[last..].iter().filter(is_end);
        starts.extend(rest.map(|s| s + b.len() - a.len()));
        if starts.last() != Some(&b.len()) {
            starts.push(b.len());
        }
        Lines { bytes, starts }
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A line, counted from 0, with its end.
    pub fn get(&self, line: usize) -> &[u8] {
        &self.bytes[self.starts[line]..self.starts[line + 1]]
    }

    /// The whole text.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// How a line came from the old text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It stayed.
    Same,
    /// Only its white space changed.
    Spaced,
    /// It moved to another place (its white space may have changed as well).
    Moved,
}

/// Where one line of the new text comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The line of the old text and how; `None`: it is new.
    pub from: Option<(usize, How)>,
    /// What it may be just as well: other lines of the old text, or (`None`) a new line.
    pub maybe: Vec<Option<usize>>,
}

/// Where every line of the new text comes from.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// So many lines at the beginning stayed, for certain.
    pub front: usize,
    /// So many lines at the end stayed, for certain.
    pub back: usize,
    /// The lines between.
    pub middle: Vec<Trace>,
    /// The lines of the old text that are gone.
    pub gone: Vec<usize>,
}

impl Origins {
    /// The line of the old text that a line of the new one comes from.
    pub fn of(&self, line: usize, old: &Lines, new: &Lines) -> Option<usize> {
        if line < self.front {
            Some(line)
        } else if let Some(trace) = self.middle.get(line - self.front) {
            trace.from.map(|(i, _)| i)
        } else {
            (line + old.len()).checked_sub(new.len())
        }
    }
}

/// A run in which both texts go on alike, or do not. Lines are counted from 0.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub old: Range<usize>,
    pub new: Range<usize>,
    pub equal: bool,
}

/// Traces every line of `new` back to `old`.
pub fn trace(old: &Lines, new: &Lines) -> Origins {
    let (front, back) = ends(old, new);
    let (old_end, new_end) = (old.len() - back, new.len() - back);
    if front == old_end && front == new_end {
        return Origins {
            front,
            back,
            ..Origins::default()
        };
    }
    let runs = runs(old, new, front..old_end, front..new_end);
    let windows = ambiguous::windows(old, new, &runs);
    // A window may reach into what stayed at both ends: there the lines are certain no more.
    let lowest = windows.first().map_or(front, |w| w.new.start.min(front));
    let highest = windows.last().map_or(new_end, |w| w.new.end.max(new_end));
    let mut traces = vec![Trace::default(); highest - lowest];
    let mut pair = |i: usize, j: usize| traces[j - lowest].from = Some((i, How::Same));
    for run in runs.iter().filter(|r| r.equal) {
        let low = run.new.start.max(lowest);
        for j in low..run.new.end.min(highest) {
            pair(run.old.start + (j - run.new.start), j);
        }
    }
    for window in &windows {
        for (j, trace) in window.new.clone().zip(ambiguous::resolve(old, new, window)) {
            traces[j - lowest] = trace;
        }
    }
    let mut used = vec![false; old_end + (highest - new_end) - lowest];
    for trace in &traces {
        if let Some((i, _)) = trace.from {
            used[i - lowest] = true;
        }
    }
    let mut open = moved::Open {
        old: (0..used.len())
            .filter(|i| !used[*i])
            .map(|i| i + lowest)
            .collect(),
        new: (0..traces.len())
            .filter(|j| traces[*j].from.is_none())
            .map(|j| j + lowest)
            .collect(),
    };
    for (i, j, how, certain) in moved::pair(old, new, &mut open) {
        let trace = &mut traces[j - lowest];
        trace.from = Some((i, how));
        if !certain && !trace.maybe.contains(&None) {
            trace.maybe.push(None);
        }
    }
    // What went and what came with the same words, but too few of them to say that it moved.
    let same: Vec<(usize, usize)> = (lowest..)
        .zip(&traces)
        .filter_map(|(j, t)| match t.from {
            Some((i, How::Same)) => Some((i, j)),
            _ => None,
        })
        .collect();
    for (maybe, j) in moved::perhaps(old, new, &open, &same) {
        let trace = &mut traces[j - lowest];
        if maybe != trace.from.map(|f| f.0) && !trace.maybe.contains(&maybe) {
            trace.maybe.push(maybe);
        }
    }
    Origins {
        front: lowest,
        back: new.len() - highest,
        middle: traces,
        gone: open.old,
    }
}

/// How many whole lines both texts share at their beginning, and of the rest at their end.
fn ends(old: &Lines, new: &Lines) -> (usize, usize) {
    let (a, b) = (old.bytes(), new.bytes());
    let same = common(a, b);
    if same == a.len() && same == b.len() {
        return (old.len(), 0);
    }
    let mut front = old.starts.partition_point(|s| *s <= same) - 1;
    // A last line without an end is not the beginning of a longer one.
    while front > 0
        && !(old.get(front - 1).ends_with(b"\n") && new.starts.get(front) == old.starts.get(front))
    {
        front -= 1;
    }
    let most = old.len().min(new.len()) - front;
    let mut back = 0;
    while back < most && old.get(old.len() - 1 - back) == new.get(new.len() - 1 - back) {
        back += 1;
    }
    (front, back)
}

/// How many bytes two texts share at their beginning; in portions, which compare many bytes at once.
fn common(a: &[u8], b: &[u8]) -> usize {
    const PORTION: usize = 4096;
    let mut at = 0;
    while at + PORTION <= a.len().min(b.len()) && a[at..at + PORTION] == b[at..at + PORTION] {
        at += PORTION;
    }
    at + a[at..]
        .iter()
        .zip(&b[at..])
        .take_while(|(x, y)| x == y)
        .count()
}

/// The same at their end.
fn common_end(a: &[u8], b: &[u8]) -> usize {
    const PORTION: usize = 4096;
    let end = |text: &[u8], at: usize, len: usize| {
        let to = text.len() - at;
        to - len..to
    };
    let shorter = a.len().min(b.len());
    let mut at = 0;
    while at + PORTION <= shorter && a[end(a, at, PORTION)] == b[end(b, at, PORTION)] {
        at += PORTION;
    }
    let rest = a[..a.len() - at].iter().rev();
    at + rest
        .zip(b[..b.len() - at].iter().rev())
        .take_while(|(x, y)| x == y)
        .count()
}

/// The runs of both texts, from their beginnings to their ends.
fn runs(old: &Lines, new: &Lines, in_old: Range<usize>, in_new: Range<usize>) -> Vec<Run> {
    let mut out = Runs(Vec::new());
    out.push(0..in_old.start, 0..in_new.start, true);
    let mut ids: HashMap<&[u8], (u32, u8)> = HashMap::default();
    let mut number = |line, side: u8| {
        let next = ids.len() as u32;
        let entry = ids.entry(line).or_insert((next, 0));
        entry.1 |= side;
        entry.0
    };
    let old_ids: Vec<u32> = in_old.clone().map(|i| number(old.get(i), 1)).collect();
    let new_ids: Vec<u32> = in_new.clone().map(|j| number(new.get(j), 2)).collect();
    let mut both = vec![false; ids.len()];
    ids.values()
        .for_each(|(id, sides)| both[*id as usize] = *sides == 3);
    // A line that one side alone has can match nothing: without those the search is short.
    let kept =
        |ids: &[u32]| -> Vec<usize> { (0..ids.len()).filter(|i| both[ids[*i] as usize]).collect() };
    let (old_kept, new_kept) = (kept(&old_ids), kept(&new_ids));
    let pick = |ids: &[u32], kept: &[usize]| kept.iter().map(|i| ids[*i]).collect::<Vec<u32>>();
    let (a, b) = (pick(&old_ids, &old_kept), pick(&new_ids, &new_kept));
    let (mut i, mut j) = (in_old.start, in_new.start);
    // Histogram anchors on the rarest lines, as people see it; no deadline, so that the answer is always the same.
    for op in similar::capture_diff_slices(Algorithm::Histogram, &a, &b) {
        let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        else {
            continue;
        };
        for k in 0..len {
            let (x, y) = (
                in_old.start + old_kept[old_index + k],
                in_new.start + new_kept[new_index + k],
            );
            out.push(i..x, j..y, false);
            out.push(x..x + 1, y..y + 1, true);
            (i, j) = (x + 1, y + 1);
        }
    }
    out.push(i..in_old.end, j..in_new.end, false);
    out.push(in_old.end..old.len(), in_new.end..new.len(), true);
    out.0
}

/// Collects runs, joining neighbours of one sort.
struct Runs(Vec<Run>);

impl Runs {
    fn push(&mut self, old: Range<usize>, new: Range<usize>, equal: bool) {
        if old.is_empty() && new.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.equal == equal => {
                last.old.end = old.end;
                last.new.end = new.end;
            }
            _ => self.0.push(Run { old, new, equal }),
        }
    }
}

#[cfg(test)]
#[path = "origin_tests.rs"]
mod tests;
