//! Merging texts line by line. There are no conflict markers: a merge is clean, or there is none.

use std::hash::Hash;
use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// Where two sides changed the same lines of the base (from 0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Lines of the base.
    pub base: Range<usize>,
}

/// Applies to `ours` what leads from `base` to `theirs`.
pub fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Vec<u8>, Vec<Clash>> {
    if ours == base || ours == theirs {
        return Ok(theirs.to_vec());
    }
    if theirs == base {
        return Ok(ours.to_vec());
    }
    if [base, ours, theirs].iter().any(|t| t.contains(&0)) {
        return Err(vec![Clash { base: 0..0 }]);
    }
    let (base, ours, theirs) = (lines(base), lines(ours), lines(theirs));
    let (mut out, mut clashes) = (Vec::new(), Vec::new());
    for region in regions(&base, &ours, &theirs) {
        let side = match region.clean {
            Some(Side::Theirs) => &theirs[region.theirs],
            Some(Side::Ours) => &ours[region.ours],
            None => {
                clashes.push(Clash { base: region.base });
                continue;
            }
        };
        out.extend(side.iter().copied().flatten());
    }
    if clashes.is_empty() {
        Ok(out)
    } else {
        Err(clashes)
    }
}

/// Whose lines a region gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Ours,
    Theirs,
}

/// A piece of the three texts that belongs together: lines that all have, or what stands between two of those.
#[derive(Clone, Debug)]
pub(super) struct Region {
    pub base: Range<usize>,
    pub ours: Range<usize>,
    pub theirs: Range<usize>,
    /// `None`: both sides changed it, each in its own way.
    pub clean: Option<Side>,
}

/// The regions of three texts, in order; they cover each of them.
pub(super) fn regions<T>(base: &[T], ours: &[T], theirs: &[T]) -> Vec<Region>
where
    T: Eq + Hash + Ord + Clone + AsRef<[u8]>,
{
    let (to_ours, to_theirs) = (matches(base, ours), matches(base, theirs));
    let mut out = Vec::new();
    let (mut i, mut a, mut b) = (0, 0, 0);
    loop {
        let stable = (i..base.len()).find(|k| to_ours[*k].is_some() && to_theirs[*k].is_some());
        let (k, na, nb) = match stable {
            Some(k) => (k, to_ours[k].unwrap_or(a), to_theirs[k].unwrap_or(b)),
            None => (base.len(), ours.len(), theirs.len()),
        };
        let (old, mine, other) = (&base[i..k], &ours[a..na], &theirs[b..nb]);
        let clean = if mine == other || other == old {
            Some(Side::Ours)
        } else if mine == old {
            Some(Side::Theirs)
        } else {
            None
        };
        let whole = Region {
            base: i..k,
            ours: a..na,
            theirs: b..nb,
            clean,
        };
        // A line without its end cannot have another behind it.
        let ended = |two: &[Region; 2]| {
            let text = |r: &Region| match r.clean {
                Some(Side::Theirs) => theirs[r.theirs.clone()].to_vec(),
                _ => ours[r.ours.clone()].to_vec(),
            };
            let (head, tail) = (text(&two[0]), text(&two[1]));
            tail.is_empty() || head.last().is_none_or(|l| l.as_ref().ends_with(b"\n"))
        };
        let two = beside(old, mine, other, &whole);
        match two.filter(|two| clean.is_none() && ended(two)) {
            Some(two) => out.extend(two),
            None => out.push(whole),
        }
        if stable.is_none() {
            return out;
        }
        out.push(Region {
            base: k..k + 1,
            ours: na..na + 1,
            theirs: nb..nb + 1,
            clean: Some(Side::Ours),
        });
        (i, a, b) = (k + 1, na + 1, nb + 1);
    }
}

/// Where one side changed the lines and the other only put something before or behind them, both can have it.
fn beside<T: Eq>(old: &[T], mine: &[T], other: &[T], whole: &Region) -> Option<[Region; 2]> {
    if old.is_empty() {
        return None;
    }
    let (n, base) = (old.len(), whole.base.clone());
    let (ours, theirs) = (whole.ours.clone(), whole.theirs.clone());
    // What was put in, and the lines themselves with the side that changed them.
    let (lines, more, first) = if mine.starts_with(old) || mine.ends_with(old) {
        let behind = mine.starts_with(old);
        let (kept, put) = match behind {
            true => (ours.start..ours.start + n, ours.start + n..ours.end),
            false => (ours.end - n..ours.end, ours.start..ours.end - n),
        };
        (
            (kept, theirs.clone(), Side::Theirs),
            (put, 0..0, Side::Ours),
            behind,
        )
    } else if other.starts_with(old) || other.ends_with(old) {
        let behind = other.starts_with(old);
        let (kept, put) = match behind {
            true => (theirs.start..theirs.start + n, theirs.start + n..theirs.end),
            false => (theirs.end - n..theirs.end, theirs.start..theirs.end - n),
        };
        (
            (ours.clone(), kept, Side::Ours),
            (0..0, put, Side::Theirs),
            behind,
        )
    } else {
        return None;
    };
    let region = |(ours, theirs, side): (Range<usize>, Range<usize>, Side), base| Region {
        base,
        ours,
        theirs,
        clean: Some(side),
    };
    let edge = if first { base.end } else { base.start };
    let (lines, more) = (region(lines, base), region(more, edge..edge));
    Some(if first { [lines, more] } else { [more, lines] })
}

/// Lines added and removed on the way from one text to another.
pub fn counts(from: &[u8], to: &[u8]) -> (u32, u32) {
    if from.contains(&0) || to.contains(&0) {
        return (0, 0);
    }
    let (from, to) = (lines(from), lines(to));
    let (mut added, mut removed) = (0, 0);
    for op in capture_diff_slices(Algorithm::Myers, &from, &to) {
        let (tag, old, new) = op.as_tag_tuple();
        if tag != DiffTag::Equal {
            removed += old.len() as u32;
            added += new.len() as u32;
        }
    }
    (added, removed)
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|b| *b == b'\n').collect()
}

/// For each line of the base, the same line on the other side.
fn matches<T: Eq + Hash + Ord>(base: &[T], side: &[T]) -> Vec<Option<usize>> {
    let mut found = vec![None; base.len()];
    for op in capture_diff_slices(Algorithm::Myers, base, side) {
        let (tag, old, new) = op.as_tag_tuple();
        if tag == DiffTag::Equal {
            for (k, n) in old.zip(new) {
                found[k] = Some(n);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn m(base: &str, ours: &str, theirs: &str) -> Option<String> {
        let merged = merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()).ok()?;
        String::from_utf8(merged).ok()
    }

    #[test]
    fn changes_apart_are_both_taken_and_changes_together_are_none() {
        let base = "a\nb\nc\nd\ne\n";
        assert_eq!(
            m(base, "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n").as_deref(),
            Some("A\nb\nc\nd\nE\n")
        );
        assert_eq!(
            m(base, "a\nx\nb\nc\nd\ne\n", "a\nb\nc\ne\n").as_deref(),
            Some("a\nx\nb\nc\ne\n")
        );
        assert_eq!(m(base, "a\nB\nc\nd\ne\n", "a\nZ\nc\nd\ne\n"), None);
        assert_eq!(
            m(base, "a\nB\nc\nd\ne\n", "a\nB\nc\nd\ne\n").as_deref(),
            Some("a\nB\nc\nd\ne\n")
        );
        assert_eq!(
            m("a\n", "a", "a\nb\n"),
            None,
            "the last line's end is a part of it"
        );
        assert_eq!(m("", "x\n", "").as_deref(), Some("x\n"));
        // Put behind or before lines that the other side changed: both stay. At the same place: which first?
        assert_eq!(
            m("a\nb\n", "a\nb\nx\n", "a\nB\n").as_deref(),
            Some("a\nB\nx\n")
        );
        assert_eq!(m("a\nb\n", "x\na\nb\n", "b\n").as_deref(), Some("x\nb\n"));
        assert_eq!(
            m("a\nb\n", "a\nB\n", "a\nb\ny\n").as_deref(),
            Some("a\nB\ny\n")
        );
        assert_eq!(m("a\n", "a\nx\n", "a\ny\n"), None);
        assert_eq!(m("a\0", "b\0", "c\0"), None);
        assert_eq!(m("a\0", "a\0", "c\0").as_deref(), Some("c\0"));
    }

    #[test]
    fn never_a_marker() {
        let clash = merge(b"a\n", b"b\n", b"c\n");
        assert_eq!(clash, Err(vec![Clash { base: 0..1 }]));
    }

    #[test]
    fn lines_are_counted() {
        assert_eq!(counts(b"a\nb\n", b"a\nc\nd\n"), (2, 1));
        assert_eq!(counts(b"", b"a\n"), (1, 0));
    }
}
