//! What changed within a pair of lines: which lines pair up, and which words of them differ.
//!
//! Words are those of Unicode. Where two lines have little in common, or are long, nothing is emphasised: a line of
//! which everything is marked says less than one of which nothing is.

use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp};
use unicode_segmentation::UnicodeSegmentation;

/// Lines longer than this are not looked into.
const LONGEST: usize = 1000;

/// The most words of a line that are compared.
const MOST_WORDS: usize = 300;

/// Blocks with more pairs to try than this pair their lines one by one.
const MOST_PAIRS: usize = 400;

/// The changed parts of a pair of lines, as bytes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Emphasis {
    /// In the old line.
    pub old: Vec<Range<usize>>,
    /// In the new line.
    pub new: Vec<Range<usize>>,
}

/// Finds the words that differ. `None` if the lines are too long, or have too little in common.
pub fn emphasis(old: &str, new: &str) -> Option<Emphasis> {
    if old.len() > LONGEST || new.len() > LONGEST {
        return None;
    }
    let (old_words, new_words) = (words(old), words(new));
    if old_words.len() > MOST_WORDS || new_words.len() > MOST_WORDS {
        return None;
    }
    let deadline = Instant::now() + Duration::from_millis(2);
    let ops = similar::capture_diff_slices_deadline(
        Algorithm::Myers,
        &old_words,
        &new_words,
        Some(deadline),
    );
    let (mut out, mut common) = (Emphasis::default(), 0);
    let (mut old_at, mut new_at) = (0, 0);
    for op in ops {
        let old_len: usize = old_words[op.old_range()].iter().map(|w| w.len()).sum();
        let new_len: usize = new_words[op.new_range()].iter().map(|w| w.len()).sum();
        if let DiffOp::Equal { .. } = op {
            common += old_words[op.old_range()]
                .iter()
                .map(|w| w.trim().len())
                .sum::<usize>();
        } else {
            push(&mut out.old, old, old_at..old_at + old_len);
            push(&mut out.new, new, new_at..new_at + new_len);
        }
        old_at += old_len;
        new_at += new_len;
    }
    let longer = old.trim().len().max(new.trim().len());
    (common * 10 >= longer * 3).then_some(out)
}

/// Adds a range; one that only white space parts from the last becomes one with it.
fn push(ranges: &mut Vec<Range<usize>>, line: &str, range: Range<usize>) {
    if range.is_empty() {
        return;
    }
    match ranges.last_mut() {
        Some(last) if line[last.end..range.start].trim().is_empty() => last.end = range.end,
        _ => ranges.push(range),
    }
}

/// Words, and each character between them by itself.
fn words(line: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for word in line.trim_end_matches(['\r', '\n']).split_word_bounds() {
        // Unicode holds `a_b` and `a.b` together: the parts of a path are words of their own here.
        let mut rest = word;
        while let Some(dot) = rest.find(['.', '_']) {
            let (before, after) = rest.split_at(dot);
            out.extend([before, &after[..1]].iter().filter(|w| !w.is_empty()));
            rest = &after[1..];
        }
        if !rest.is_empty() {
            out.push(rest);
        }
    }
    out
}

/// Which removed line became which added line within a changed block: pairs of indices, ascending in both.
pub fn pairs(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    if old.len() == new.len() || old.len() * new.len() > MOST_PAIRS {
        return (0..old.len().min(new.len())).map(|i| (i, i)).collect();
    }
    // The chain of pairs with the greatest sum of likeness, by dynamic programming over all pairs.
    let like: Vec<Vec<u32>> = old
        .iter()
        .map(|a| new.iter().map(|b| likeness(a, b)).collect())
        .collect();
    let mut best = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let paired = if like[i][j] > 0 {
                like[i][j] + best[i + 1][j + 1]
            } else {
                0
            };
            best[i][j] = paired.max(best[i + 1][j]).max(best[i][j + 1]);
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < old.len() && j < new.len() {
        if like[i][j] > 0 && best[i][j] == like[i][j] + best[i + 1][j + 1] {
            out.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if best[i][j] == best[i + 1][j] {
            i += 1;
        } else {
            j += 1;
        }
    }
    out
}

/// How alike two lines are, in percent; 0 if they are hardly. Counts what they share at both ends.
fn likeness(a: &str, b: &str) -> u32 {
    let (a, b) = (a.trim().as_bytes(), b.trim().as_bytes());
    let longer = a.len().max(b.len());
    if longer == 0 {
        return 1;
    }
    let front = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let back = a[front..]
        .iter()
        .rev()
        .zip(b[front..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let percent = ((front + back) * 100 / longer) as u32;
    if percent >= 35 { percent } else { 0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn marked(old: &str, new: &str) -> Option<(String, String)> {
        let mark = |line: &str, ranges: &[Range<usize>]| {
            let mut out = line.to_owned();
            for range in ranges.iter().rev() {
                out.insert(range.end, ']');
                out.insert(range.start, '[');
            }
            out
        };
        let found = emphasis(old, new)?;
        Some((mark(old, &found.old), mark(new, &found.new)))
    }

    #[test]
    fn words_that_differ() {
        let (old, new) = marked("    let attempt = 0;\n", "    let policy = 0;\n").unwrap();
        assert_eq!(
            (&*old, &*new),
            ("    let [attempt] = 0;\n", "    let [policy] = 0;\n")
        );
        let (old, new) = marked("use a.b_c.d;", "use a.b_x.d;").unwrap();
        assert_eq!((&*old, &*new), ("use a.b_[c].d;", "use a.b_[x].d;"));
        let (old, new) = marked("call(x)", "call(x, 日本)").unwrap();
        assert_eq!((&*old, &*new), ("call(x)", "call(x[, 日本])"));
    }

    #[test]
    fn gives_up_where_it_would_not_help() {
        assert_eq!(marked("let a = first();", "} else if nothing {"), None);
        assert_eq!(emphasis(&"a ".repeat(600), &"b ".repeat(600)), None);
        assert_eq!(emphasis(&"a+".repeat(400), &"a+".repeat(401)), None);
    }

    #[test]
    fn pairs_are_the_likeliest() {
        let old = ["let a = one(x);", "let b = two(y);"];
        let new = ["// why", "let a = one(z);", "let b = two(q);"];
        assert_eq!(pairs(&old, &new), [(0, 1), (1, 2)]);
        assert_eq!(pairs(&old, &["let b = two(z);"]), [(1, 0)]);
        assert_eq!(pairs(&old, &old), [(0, 0), (1, 1)]);
        assert_eq!(pairs(&[], &new), []);
        let many = ["x"; 100];
        assert_eq!(pairs(&many, &many[..50]).len(), 50);
    }
}
