//! Where a diff could have been drawn otherwise: windows around changes whose lines also stand beside them, and what
//! each of their lines may be. Over a window all shortest descriptions are looked at, not the one that was drawn.

use std::collections::HashSet;
use std::ops::Range;

use super::origin::{How, Lines, Run, Trace};

/// Windows with more cells than this (lines of the one text times lines of the other) are taken as drawn.
const CELLS: usize = 4 << 20;
/// A window reaches so many lines beyond its change.
const REACH: usize = 2_000;

/// A part of both texts in which lines may be matched in several ways.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub old: Range<usize>,
    pub new: Range<usize>,
    /// The pairs that were drawn.
    drawn: Vec<(usize, usize)>,
}

/// The windows of a diff, in order, none touching the next.
pub(super) fn windows(old: &Lines, new: &Lines, runs: &[Run]) -> Vec<Window> {
    let mut out: Vec<Window> = Vec::new();
    for (at, run) in runs.iter().enumerate().filter(|(_, r)| !r.equal) {
        let texts: HashSet<&[u8]> = run
            .old
            .clone()
            .map(|i| old.get(i))
            .chain(run.new.clone().map(|j| new.get(j)))
            .collect();
        let before = at.checked_sub(1).map_or(0, |b| {
            let old_side = runs[b].old.clone().rev().take(REACH);
            old_side.take_while(|i| texts.contains(old.get(*i))).count()
        });
        let after = runs.get(at + 1).map_or(0, |next| {
            let old_side = next.old.clone().take(REACH);
            old_side.take_while(|i| texts.contains(old.get(*i))).count()
        });
        let crossing = before == 0 && after == 0 && {
            let olds: HashSet<&[u8]> = run.old.clone().map(|i| old.get(i)).collect();
            run.new.clone().any(|j| olds.contains(new.get(j)))
        };
        if before == 0 && after == 0 && !crossing {
            continue;
        }
        let window = Window {
            old: run.old.start - before..run.old.end + after,
            new: run.new.start - before..run.new.end + after,
            drawn: Vec::new(),
        };
        match out.last_mut() {
            Some(last) if last.old.end >= window.old.start && last.new.end >= window.new.start => {
                last.old.end = window.old.end;
                last.new.end = window.new.end;
            }
            _ => out.push(window),
        }
    }
    for window in &mut out {
        for run in runs.iter().filter(|r| r.equal) {
            let low = run.new.start.max(window.new.start);
            for j in low..run.new.end.min(window.new.end) {
                window.drawn.push((run.old.start + (j - run.new.start), j));
            }
        }
    }
    out.retain(|w| w.old.len() * w.new.len() <= CELLS);
    out
}

/// What the lines of a window come from, and may come from.
pub(super) fn resolve(old: &Lines, new: &Lines, window: &Window) -> Vec<Trace> {
    let table = Table::new(old, new, window);
    let drawn: Vec<(usize, usize)> = window
        .drawn
        .iter()
        .map(|(i, j)| (i - window.old.start, j - window.new.start))
        .collect();
    // What was drawn stands, if nothing shorter can be drawn.
    let pairs = if drawn.len() == table.best() {
        drawn
    } else {
        table.walk()
    };
    let mut traces = vec![Trace::default(); window.new.len()];
    for (i, j) in pairs {
        traces[j].from = Some((i + window.old.start, How::Same));
    }
    for (j, trace) in traces.iter_mut().enumerate() {
        let chosen = trace.from.map(|(i, _)| i);
        trace.maybe = table
            .candidates(j)
            .map(|c| c.map(|i| i + window.old.start))
            .filter(|c| *c != chosen)
            .collect();
    }
    traces
}

/// The longest common subsequences of all beginnings and of all ends of a window.
struct Table {
    rows: usize,
    columns: usize,
    equal: Vec<bool>,
    /// Of the first i and j lines.
    begin: Vec<u32>,
    /// From lines i and j on.
    end: Vec<u32>,
}

impl Table {
    fn new(old: &Lines, new: &Lines, window: &Window) -> Table {
        let (rows, columns) = (window.old.len(), window.new.len());
        let mut table = Table {
            rows,
            columns,
            equal: vec![false; rows * columns],
            begin: vec![0; (rows + 1) * (columns + 1)],
            end: vec![0; (rows + 1) * (columns + 1)],
        };
        for i in 0..rows {
            for j in 0..columns {
                let same = old.get(window.old.start + i) == new.get(window.new.start + j);
                table.equal[i * columns + j] = same;
                let value = if same {
                    table.begin[table.at(i, j)] + 1
                } else {
                    table.begin[table.at(i, j + 1)].max(table.begin[table.at(i + 1, j)])
                };
                let at = table.at(i + 1, j + 1);
                table.begin[at] = value;
            }
        }
        for i in (0..rows).rev() {
            for j in (0..columns).rev() {
                let value = if table.equal[i * columns + j] {
                    table.end[table.at(i + 1, j + 1)] + 1
                } else {
                    table.end[table.at(i, j + 1)].max(table.end[table.at(i + 1, j)])
                };
                let at = table.at(i, j);
                table.end[at] = value;
            }
        }
        table
    }

    fn at(&self, i: usize, j: usize) -> usize {
        i * (self.columns + 1) + j
    }

    fn best(&self) -> usize {
        self.end[0] as usize
    }

    /// One of the longest, the earliest pairs first.
    fn walk(&self) -> Vec<(usize, usize)> {
        let (mut i, mut j, mut out) = (0, 0, Vec::new());
        while i < self.rows && j < self.columns {
            if self.equal[i * self.columns + j] {
                out.push((i, j));
                (i, j) = (i + 1, j + 1);
            } else if self.end[self.at(i + 1, j)] >= self.end[self.at(i, j + 1)] {
                i += 1;
            } else {
                j += 1;
            }
        }
        out
    }

    /// What line `j` is in any of the longest: an old line, or new.
    fn candidates(&self, j: usize) -> impl Iterator<Item = Option<usize>> {
        let best = self.end[0];
        let paired = (0..self.rows).filter(move |i| {
            self.equal[i * self.columns + j]
                && self.begin[self.at(*i, j)] + 1 + self.end[self.at(i + 1, j + 1)] == best
        });
        let new = (0..=self.rows)
            .any(|i| self.begin[self.at(i, j)] + self.end[self.at(i, j + 1)] == best);
        paired.map(Some).chain(new.then_some(None))
    }
}
