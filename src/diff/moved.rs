//! Lines that are not new although no diff shows it: only their white space changed, or they stand elsewhere now.

use std::collections::HashSet;

use similar::{Algorithm, DiffOp};

use super::HashMap;
use super::origin::{How, Lines};

/// Lines moved together count as moved when they hold so many letters and digits, as git counts them (`-M`): fewer
/// (a lone `return None`) are as likely to have been written again.
const WORTH: usize = 20;
/// A line of fewer letters and digits whose white space changed may just as well be another one.
const TELLING: usize = 3;

/// So far apart lines of few words may have been taken for each other.
const NEAR: usize = 64;
/// So many lines that a line may have been are named.
const EQUALS: usize = 64;

/// The lines of both texts that nothing was found for yet, ascending.
pub(super) struct Open {
    pub old: Vec<usize>,
    pub new: Vec<usize>,
}

/// A line without its white space; a byte-order mark at the beginning of a text is no text either.
fn key(line: &[u8]) -> Vec<u8> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    line.iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .collect()
}

fn telling(key: &[u8]) -> usize {
    key.iter()
        .filter(|b| b.is_ascii_alphanumeric() || !b.is_ascii())
        .count()
}

/// Pairs lines that are the same but for white space or place: old, new, how, and whether that is certain.
/// What was paired is taken out of `open`.
pub(super) fn pair(old: &Lines, new: &Lines, open: &mut Open) -> Vec<(usize, usize, How, bool)> {
    if open.old.is_empty() || open.new.is_empty() {
        return Vec::new();
    }
    let old_keys: Vec<Vec<u8>> = open.old.iter().map(|i| key(old.get(*i))).collect();
    let new_keys: Vec<Vec<u8>> = open.new.iter().map(|j| key(new.get(*j))).collect();
    let mut pairs = in_place(open, &old_keys, &new_keys);
    let mut taken = (vec![false; old_keys.len()], vec![false; new_keys.len()]);
    for (x, y, ..) in &pairs {
        (taken.0[*x], taken.1[*y]) = (true, true);
    }
    pairs.extend(elsewhere(open, &old_keys, &new_keys, &mut taken));
    let out = pairs
        .into_iter()
        .map(|(x, y, how, certain)| (open.old[x], open.new[y], how, certain))
        .collect();
    let left = |all: &[usize], taken: &[bool]| -> Vec<usize> {
        let pairs = all.iter().zip(taken);
        pairs.filter(|(_, t)| !**t).map(|(line, _)| *line).collect()
    };
    (open.old, open.new) = (left(&open.old, &taken.0), left(&open.new, &taken.1));
    out
}

/// What else lines may have been, for lines of few words: old line (or `None`, a new one) and new line.
///
/// Lines that went and equal ones that came may be the same. And where brackets were indented, one may look like its
/// neighbour did before: then each of them near by may be any of the others. `same` are pairs that stayed.
pub(super) fn perhaps(
    old: &Lines,
    new: &Lines,
    open: &Open,
    same: &[(usize, usize)],
) -> Vec<(Option<usize>, usize)> {
    let mut groups: HashMap<Vec<u8>, Group> = HashMap::default();
    for i in &open.old {
        let group = groups.entry(key(old.get(*i))).or_default();
        group.old.push(*i);
        group.texts.insert(old.get(*i));
    }
    for j in &open.new {
        let group = groups.entry(key(new.get(*j))).or_default();
        group.new.push(*j);
        group.texts.insert(new.get(*j));
    }
    let open_lines: HashMap<Vec<u8>, (Vec<usize>, Vec<usize>)> = groups
        .iter()
        .map(|(k, g)| (k.clone(), (g.old.clone(), g.new.clone())))
        .collect();
    for (i, j) in same {
        let key = key(old.get(*i));
        if telling(&key) < TELLING
            && let Some(group) = groups.get_mut(&key)
        {
            group.texts.insert(old.get(*i));
            group.old.push(*i);
            group.new.push(*j);
        }
    }
    let mut out = Vec::new();
    for (key, group) in &groups {
        let (went, came) = &open_lines[key];
        for j in came {
            out.extend(went.iter().take(EQUALS).map(|i| (Some(*i), *j)));
        }
        if group.texts.len() < 2 || telling(key) >= TELLING {
            continue;
        }
        for j in &group.new {
            let near = |line: &&usize| line.abs_diff(*j) <= NEAR;
            let olds = group.old.iter().filter(near).take(EQUALS);
            out.extend(olds.map(|i| (Some(*i), *j)));
            out.extend(came.iter().find(near).map(|_| (None, *j)));
        }
    }
    out
}

/// Lines of one key.
#[derive(Default)]
struct Group<'a> {
    old: Vec<usize>,
    new: Vec<usize>,
    texts: HashSet<&'a [u8]>,
}

type Pair = (usize, usize, How, bool);

/// White space only: in order, between the same neighbours that stayed.
fn in_place(open: &Open, old: &[Vec<u8>], new: &[Vec<u8>]) -> Vec<Pair> {
    // So many lines before an open one stayed: equal numbers on both sides mean the same gap.
    let gaps = |lines: &[usize]| -> Vec<usize> {
        let stayed = lines.iter().enumerate().map(|(n, line)| line - n);
        stayed.collect()
    };
    let (old_gaps, new_gaps) = (gaps(&open.old), gaps(&open.new));
    let mut out = Vec::new();
    let (mut x, mut y) = (0, 0);
    while x < old.len() && y < new.len() {
        let gap = old_gaps[x].max(new_gaps[y]);
        let count = |gaps: &[usize], from: usize| {
            let rest = &gaps[from..];
            rest.partition_point(|g| *g <= gap) - rest.partition_point(|g| *g < gap)
        };
        x += old_gaps[x..].partition_point(|g| *g < gap);
        y += new_gaps[y..].partition_point(|g| *g < gap);
        let (m, n) = (count(&old_gaps, x), count(&new_gaps, y));
        if m > 0 && n > 0 {
            for (a, b) in common(&old[x..x + m], &new[y..y + n]) {
                let certain = telling(&old[x + a]) >= TELLING;
                out.push((x + a, y + b, How::Spaced, certain));
            }
        }
        (x, y) = (x + m, y + n);
    }
    out
}

/// Pairs of equal keys, in order.
fn common(old: &[Vec<u8>], new: &[Vec<u8>]) -> Vec<(usize, usize)> {
    let mut ids: HashMap<&[u8], u32> = HashMap::default();
    let mut lists = [Vec::new(), Vec::new()];
    for (list, side) in lists.iter_mut().zip([old, new]) {
        for key in side {
            let next = ids.len() as u32;
            list.push(*ids.entry(key.as_slice()).or_insert(next));
        }
    }
    let mut out = Vec::new();
    for op in similar::capture_diff_slices(Algorithm::Histogram, &lists[0], &lists[1]) {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        {
            out.extend((old_index..old_index + len).zip(new_index..));
        }
    }
    out
}

/// Moved: runs around lines that stand once on each side.
fn elsewhere(
    open: &Open,
    old: &[Vec<u8>],
    new: &[Vec<u8>],
    taken: &mut (Vec<bool>, Vec<bool>),
) -> Vec<Pair> {
    let mut seen: HashMap<&[u8], (usize, usize, usize)> = HashMap::default();
    for (x, key) in old.iter().enumerate().filter(|(x, _)| !taken.0[*x]) {
        let entry = seen.entry(key).or_default();
        (entry.0, entry.2) = (entry.0 + 1, x);
    }
    for (_, key) in new.iter().enumerate().filter(|(y, _)| !taken.1[*y]) {
        seen.entry(key).or_default().1 += 1;
    }
    let mut out = Vec::new();
    for y in 0..new.len() {
        let Some(&(1, 1, x)) = seen.get(new[y].as_slice()) else {
            continue;
        };
        if taken.0[x] || taken.1[y] {
            continue;
        }
        // Neighbours go along while both sides are whole runs of lines that are open.
        let fits = |dx: i64, taken: &(Vec<bool>, Vec<bool>)| {
            let (a, b) = (x as i64 + dx, y as i64 + dx);
            if a < 0 || b < 0 || a as usize >= old.len() || b as usize >= new.len() {
                return false;
            }
            let (a, b) = (a as usize, b as usize);
            !taken.0[a]
                && !taken.1[b]
                && old[a] == new[b]
                && open.old[a] as i64 - open.old[x] as i64 == dx
                && open.new[b] as i64 - open.new[y] as i64 == dx
        };
        let (mut low, mut high) = (0, 0);
        while fits(low - 1, taken) {
            low -= 1;
        }
        while fits(high + 1, taken) {
            high += 1;
        }
        let at = |d: i64| ((x as i64 + d) as usize, (y as i64 + d) as usize);
        if (low..=high).map(|d| telling(&old[at(d).0])).sum::<usize>() < WORTH {
            continue;
        }
        for (a, b) in (low..=high).map(at) {
            (taken.0[a], taken.1[b]) = (true, true);
            out.push((a, b, How::Moved, true));
        }
    }
    out
}
