//! Texts as lines, and putting only picked ones of them back. Pure; knows nothing of plans.

use std::collections::BTreeSet;

use crate::diff::lines::{Block, Options, blocks};

/// How bytes are read as texts of lines: as UTF-8, or, if one of the texts is none, all with one character for each byte.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    Text,
    Bytes,
}

impl Reading {
    pub(super) fn of<'a>(mut all: impl Iterator<Item = &'a Vec<u8>>) -> Reading {
        match all.all(|bytes| std::str::from_utf8(bytes).is_ok()) {
            true => Reading::Text,
            false => Reading::Bytes,
        }
    }

    pub(super) fn text(self, bytes: &[u8]) -> String {
        match self {
            Reading::Text => String::from_utf8_lossy(bytes).into_owned(),
            Reading::Bytes => bytes.iter().map(|b| char::from(*b)).collect(),
        }
    }

    pub(super) fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Reading::Text => text.as_bytes().to_vec(),
            Reading::Bytes => text.chars().map(|c| c as u32 as u8).collect(),
        }
    }
}

/// Line numbers from 0.
pub(super) type Set = BTreeSet<usize>;

/// Lines on the way from one text to another.
#[derive(Default)]
pub(super) struct Picked {
    /// Of the one: these go.
    pub left: Set,
    /// Of the other: these come.
    pub goal: Set,
}

impl Picked {
    /// Some of a block.
    pub fn touches(&self, b: &Block) -> bool {
        b.old.clone().any(|i| self.left.contains(&i))
            || b.new.clone().any(|i| self.goal.contains(&i))
    }

    /// All of a block.
    pub fn holds(&self, b: &Block) -> bool {
        b.old.clone().all(|i| self.left.contains(&i))
            && b.new.clone().all(|i| self.goal.contains(&i))
    }
}

/// The blocks in which two texts differ.
pub(super) fn changed(left: &[&str], goal: &[&str]) -> Vec<Block> {
    let mut all = blocks(left, goal, &Options::default());
    all.retain(|b| b.changed);
    all
}

/// What was left, with the picked lines undone.
pub(super) fn assemble(left: &[&str], goal: &[&str], ways: &[Block], picked: &Picked) -> String {
    let mut out: Vec<&str> = Vec::new();
    let mut at = 0;
    for b in ways {
        let (goes, comes) = (b.old.clone(), b.new.clone());
        out.extend(&left[at..goes.start]);
        at = goes.end;
        let back = |i: &usize| picked.goal.contains(i);
        let stays = |i: &usize| !picked.left.contains(i);
        let paired = goes
            .clone()
            .zip(comes.clone())
            .all(|(l, g)| back(&g) != stays(&l));
        if paired {
            // Each line at its place.
            for i in 0..goes.len().max(comes.len()) {
                let (l, g) = (goes.start + i, comes.start + i);
                out.extend((g < comes.end && back(&g)).then(|| goal[g]));
                out.extend((l < goes.end && stays(&l)).then(|| left[l]));
            }
        } else {
            out.extend(comes.filter(back).map(|g| goal[g]));
            out.extend(goes.filter(stays).map(|l| left[l]));
        }
    }
    out.extend(&left[at..]);
    let mut text = String::new();
    for line in out {
        // The last line of a text may lack its end; in the middle of one it gets it.
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::lines::split;

    fn cut(left: &str, goal: &str, picked: &Picked) -> String {
        let (left, goal) = (split(left), split(goal));
        assemble(&left, &goal, &changed(&left, &goal), picked)
    }

    fn set(lines: &[usize]) -> Set {
        lines.iter().copied().collect()
    }

    #[test]
    fn picked_lines_go_back_at_their_places() {
        let (left, goal) = ("a\nX\nY\nZ\nb\nnew\n", "a\nx\ny\nz\nb\n");
        let one = Picked {
            left: set(&[2]),
            goal: set(&[2]),
        };
        assert_eq!(cut(left, goal, &one), "a\nX\ny\nZ\nb\nnew\n");
        let added = Picked {
            left: set(&[5]),
            goal: Set::new(),
        };
        assert_eq!(cut(left, goal, &added), "a\nX\nY\nZ\nb\n");
        // Only what was removed comes back: what took its place stays behind it.
        let old = Picked {
            left: Set::new(),
            goal: set(&[1, 2, 3]),
        };
        assert_eq!(cut(left, goal, &old), "a\nx\ny\nz\nX\nY\nZ\nb\nnew\n");
    }

    #[test]
    fn nothing_picked_changes_nothing_and_all_of_it_is_the_goal() {
        let (left, goal) = ("a\nX\nb\nc\nY", "a\nx\nb\nmore\nc\n");
        assert_eq!(cut(left, goal, &Picked::default()), left);
        let all = Picked {
            left: (0..5).collect(),
            goal: (0..6).collect(),
        };
        assert_eq!(cut(left, goal, &all), goal);
    }

    #[test]
    fn a_last_line_without_an_end_is_not_glued_to_another() {
        let picked = Picked {
            left: Set::new(),
            goal: set(&[1]),
        };
        assert_eq!(cut("a\nc", "a\nb", &picked), "a\nb\nc");
    }
}
