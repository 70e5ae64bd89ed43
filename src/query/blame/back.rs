//! One change further back: what the change that wrote a line found in its place.

use std::collections::HashSet;

use color_eyre::Result;
use similar::{Algorithm, DiffOp};

use super::super::changes;
use super::super::refused::Refused;
use super::Cache;
use super::answer::render;
use super::origins::Origins;
use super::path_row;
use super::story::Story;
use super::types::{Back, BlameQuery, When};
use super::walk::{From, Mark, bare, load, walk_from};
use crate::diff::origin::{Lines, trace};
use crate::model::Author;
use crate::store::Reader;

/// Longer lines are compared by their beginnings.
const COMPARED: usize = 400;

/// Walks back from a line, so many changes at most; it ends where a change replaced nothing that is like the line, or
/// at what is older than the records. The first of the range is the line.
pub(in super::super) fn back(
    reader: &Reader,
    cache: &mut Cache,
    query: &BlameQuery,
    times: u32,
) -> Result<Vec<Back>> {
    if super::unrecorded(reader, query)?.is_some() {
        return Ok(Vec::new());
    }
    let path = path_row(reader, &query.path, query.when)?;
    let story = Story::of(reader, path, query.when)?;
    let name = changes::name(reader.conn(), path)?;
    let mut turns = story.turns.len();
    let mut line = query.range.map_or(0, |(from, _)| from.max(1) as usize - 1);
    let mut out = Vec::new();
    for _ in 0..times {
        let walked = cache.part(reader, &story, turns)?;
        let Some(mark) = walked.marks.get(line) else {
            let lines = walked.marks.len();
            return Err(Refused::because(format!("{name} has {lines} lines")));
        };
        let Some(hop) = hop((reader, &mut *cache), &story, turns, line, *mark, &name)? else {
            break;
        };
        let next = hop.1;
        turns = hop.2;
        out.push(hop.0);
        match next {
            Some(at) => line = at,
            None => break,
        }
    }
    Ok(out)
}

/// One change back: the answer, the line to go on from, and the turns before it.
fn hop(
    (reader, cache): (&Reader, &mut Cache),
    story: &Story,
    turns: usize,
    line: usize,
    mark: Mark,
    name: &str,
) -> Result<Option<(Back, Option<usize>, usize)>> {
    let by = mark.by as usize;
    let made = story.turns[..turns]
        .iter()
        .position(|t| t.by == by || t.or.contains(&by) || t.pending.contains(&by) && t.to.known());
    let Some(turn) = made else {
        return Ok(None);
    };
    let new = load(reader, &story.turns[turn].to)?;
    // Each line of that text is marked with its own number, and the marks walk on to where the line is now.
    let start = From {
        turn: turn + 1,
        marks: (0..new.len())
            .map(|n| Mark {
                by: (story.makers.len() + n) as u32,
                ..Mark::default()
            })
            .collect(),
        lines: new.clone(),
    };
    let numbered = walk_from(reader, story, start, turns, cache.stop())?;
    let Some(at) = numbered
        .marks
        .get(line)
        .and_then(|m| (m.by as usize).checked_sub(story.makers.len()))
    else {
        return Ok(None);
    };
    let before = cache.part(reader, story, turn)?;
    let replaced = replaced(&before.lines, &new, at);
    let text = bare(new.get(at)).to_vec();
    let likeness = |old: &usize| alike(bare(before.lines.get(*old)), &text);
    let nearest = replaced
        .iter()
        .enumerate()
        .map(|(n, old)| (likeness(old), n))
        .filter(|(like, _)| *like >= 50)
        .max_by_key(|(like, n)| (*like, std::cmp::Reverse(*n)))
        .map(|(_, n)| n);
    let range = match (replaced.first(), replaced.last()) {
        (Some(first), Some(last)) => *first..last + 1,
        _ => 0..0,
    };
    let mut blame = render(reader, story, &before, range, &[])?;
    let kept: HashSet<u32> = replaced.iter().map(|l| *l as u32 + 1).collect();
    blame.lines.retain(|l| kept.contains(&l.line));
    blame.path = name.to_owned();
    let undone = Origins::new(reader, story).origin(mark.by)?;
    debug_assert_ne!(undone.author, Author::Before);
    let next = nearest.map(|n| replaced[n]);
    let back = Back {
        undone,
        replaced: blame,
        nearest,
        before: When::Turns(turn as u32),
    };
    Ok(Some((back, next, turn)))
}

/// The old lines that went where a new line stands now: those between its neighbours that stayed.
fn replaced(old: &Lines, new: &Lines, line: usize) -> Vec<usize> {
    let origins = trace(old, new);
    let low = (0..line).rev().find_map(|j| origins.of(j, old, new));
    let high = (line + 1..new.len()).find_map(|j| origins.of(j, old, new));
    let (low, high) = (low.map_or(0, |l| l + 1), high.unwrap_or(old.len()));
    let gone = origins.gone.into_iter();
    gone.filter(|l| (low..high).contains(l)).collect()
}

/// How alike two lines are, in percent.
fn alike(a: &[u8], b: &[u8]) -> usize {
    let (a, b) = (a.trim_ascii(), b.trim_ascii());
    let (a, b) = (&a[..a.len().min(COMPARED)], &b[..b.len().min(COMPARED)]);
    let same: usize = similar::capture_diff_slices(Algorithm::Myers, a, b)
        .iter()
        .map(|op| match op {
            DiffOp::Equal { len, .. } => *len,
            _ => 0,
        })
        .sum();
    (200 * same).checked_div(a.len() + b.len()).unwrap_or(100)
}
