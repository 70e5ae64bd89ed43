//! Which lines differ between two texts.
//!
//! Lines keep their line ends while they are compared, so that a change of `\r\n` to `\n`, or a missing end of the last
//! line, is a change. The search for the shortest description is given up at a deadline; what is then returned is still
//! a correct description, only a longer one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp};

use super::patch::NO_NEWLINE;
use crate::source::Hunk;

/// How to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Lines that differ in white space only are the same.
    pub ignore_whitespace: bool,
    /// After this time the rest is described roughly.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            ignore_whitespace: false,
            timeout: Duration::from_millis(250),
        }
    }
}

/// A run of lines: the same in both texts, or changed. Lines are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// In the old text.
    pub old: Range<usize>,
    /// In the new text.
    pub new: Range<usize>,
    /// Whether they differ. A block of equal lines has as many in both.
    pub changed: bool,
}

/// The lines of a text, each with its end.
pub fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Describes how `new` came from `old`: blocks that cover both completely, equal and changed ones in turn.
pub fn blocks(old: &[&str], new: &[&str], options: &Options) -> Vec<Block> {
    let (old_ids, new_ids) = intern(old, new, options.ignore_whitespace);
    let front = old_ids
        .iter()
        .zip(&new_ids)
        .take_while(|(a, b)| a == b)
        .count();
    let back = old_ids[front..]
        .iter()
        .rev()
        .zip(new_ids[front..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let mut out = Blocks::default();
    out.equal(0, 0, front);
    let (old_end, new_end) = (old.len() - back, new.len() - back);
    // A line that only one side has can match nothing: without those the search is short, and its result the same.
    let (old_kept, new_kept) = shared(&old_ids, front..old_end, &new_ids, front..new_end);
    let ids = |all: &[u32], kept: &[usize]| kept.iter().map(|&i| all[i]).collect::<Vec<u32>>();
    let (old_ids, new_ids) = (ids(&old_ids, &old_kept), ids(&new_ids, &new_kept));
    let deadline = Some(Instant::now() + options.timeout);
    let ops = similar::capture_diff_slices_deadline(Algorithm::Myers, &old_ids, &new_ids, deadline);
    let (mut old_at, mut new_at) = (front, front);
    for op in ops {
        let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        else {
            continue;
        };
        for (&i, &j) in old_kept[old_index..old_index + len]
            .iter()
            .zip(&new_kept[new_index..])
        {
            out.changed(old_at..i, new_at..j);
            out.equal(i, j, 1);
            (old_at, new_at) = (i + 1, j + 1);
        }
    }
    out.changed(old_at..old_end, new_at..new_end);
    out.equal(old_end, new_end, back);
    out.0
}

/// Which lines of the ranges stand on both sides.
fn shared(
    old: &[u32],
    in_old: Range<usize>,
    new: &[u32],
    in_new: Range<usize>,
) -> (Vec<usize>, Vec<usize>) {
    // Numbers are dense, so sides are noted by number: 1 for old, 2 for new.
    let mut sides = vec![0_u8; old.len() + new.len()];
    old[in_old.clone()]
        .iter()
        .for_each(|&id| sides[id as usize] |= 1);
    new[in_new.clone()]
        .iter()
        .for_each(|&id| sides[id as usize] |= 2);
    let on_both =
        |ids: &[u32], range: Range<usize>| range.filter(|&i| sides[ids[i] as usize] == 3).collect();
    (on_both(old, in_old), on_both(new, in_new))
}

/// Collects blocks, joining neighbours of one sort.
#[derive(Default)]
struct Blocks(Vec<Block>);

impl Blocks {
    fn equal(&mut self, old: usize, new: usize, len: usize) {
        self.push(Block {
            old: old..old + len,
            new: new..new + len,
            changed: false,
        });
    }

    fn changed(&mut self, old: Range<usize>, new: Range<usize>) {
        self.push(Block {
            old,
            new,
            changed: true,
        });
    }

    fn push(&mut self, block: Block) {
        if block.old.is_empty() && block.new.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.changed == block.changed => {
                last.old.end = block.old.end;
                last.new.end = block.new.end;
            }
            _ => self.0.push(block),
        }
    }
}

/// Numbers for lines, equal for equal lines: comparing them is what the search does most.
fn intern(old: &[&str], new: &[&str], ignore_whitespace: bool) -> (Vec<u32>, Vec<u32>) {
    let mut seen: HashMap<Cow<'_, str>, u32> = HashMap::with_capacity(old.len() + new.len());
    let mut number = |line| -> u32 {
        let next = seen.len() as u32;
        *seen.entry(key(line, ignore_whitespace)).or_insert(next)
    };
    let old = old.iter().copied().map(&mut number).collect();
    (old, new.iter().copied().map(&mut number).collect())
}

fn key(line: &str, ignore_whitespace: bool) -> Cow<'_, str> {
    if ignore_whitespace && line.contains(char::is_whitespace) {
        Cow::Owned(line.split_whitespace().collect())
    } else {
        Cow::Borrowed(line)
    }
}

/// Blocks as hunks with `context` unchanged lines around each change, as unified diffs write them.
pub fn hunks(old: &str, new: &str, context: usize, options: &Options) -> Vec<Hunk> {
    let (old, new) = (split(old), split(new));
    let blocks = blocks(&old, &new, options);
    groups(&blocks, context)
        .map(|group| hunk(&old, &new, group, context))
        .collect()
}

/// Lines added and removed.
pub fn counts(blocks: &[Block]) -> (usize, usize) {
    let changed = blocks.iter().filter(|b| b.changed);
    changed.fold((0, 0), |(added, removed), b| {
        (added + b.new.len(), removed + b.old.len())
    })
}

/// Runs of blocks that share a hunk: changes with at most twice the context between them, with the equal blocks around.
fn groups(blocks: &[Block], context: usize) -> impl Iterator<Item = &[Block]> {
    let mut rest = blocks;
    std::iter::from_fn(move || {
        let first = rest.iter().position(|b| b.changed)?;
        let mut end = first + 1;
        while let (Some(gap), Some(next)) = (rest.get(end), rest.get(end + 1)) {
            if gap.old.len() > context * 2 || !next.changed {
                break;
            }
            end += 2;
        }
        let group = &rest[first.saturating_sub(1)..rest.len().min(end + 1)];
        rest = &rest[end..];
        Some(group)
    })
}

fn hunk(old: &[&str], new: &[&str], group: &[Block], context: usize) -> Hunk {
    let (first, last) = (&group[0], &group[group.len() - 1]);
    let lead = if first.changed {
        0
    } else {
        first.old.len().min(context)
    };
    let trail = if last.changed {
        0
    } else {
        last.old.len().min(context)
    };
    let (old_from, new_from) = match first.changed {
        true => (first.old.start, first.new.start),
        false => (first.old.end - lead, first.new.end - lead),
    };
    let (old_to, new_to) = match last.changed {
        true => (last.old.end, last.new.end),
        false => (last.old.start + trail, last.new.start + trail),
    };
    let mut lines = Vec::new();
    for block in group {
        if block.changed {
            old[block.old.clone()]
                .iter()
                .for_each(|line| push(&mut lines, '-', line));
            new[block.new.clone()]
                .iter()
                .for_each(|line| push(&mut lines, '+', line));
        } else {
            let from = block.old.start.max(old_from);
            old[from..block.old.end.min(old_to)]
                .iter()
                .for_each(|line| push(&mut lines, ' ', line));
        }
    }
    let start = |from: usize, to: usize| if from == to { from } else { from + 1 } as u32;
    Hunk {
        old_start: start(old_from, old_to),
        old_lines: (old_to - old_from) as u32,
        new_start: start(new_from, new_to),
        new_lines: (new_to - new_from) as u32,
        lines,
    }
}

fn push(lines: &mut Vec<String>, mark: char, line: &str) {
    let text = line.strip_suffix('\n');
    lines.push(format!("{mark}{}", text.unwrap_or(line)));
    if text.is_none() {
        lines.push(NO_NEWLINE.to_owned());
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
