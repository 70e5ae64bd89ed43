//! What the cursor or the range names for a rewind: a file, a hunk of it, or some lines.

use super::content::{Change, Section};
use super::rows::{Kind, NONE, Row};
use super::state::{State, sides};
use crate::model::BlobHash;

/// A file, or lines of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// The file.
    pub path: String,
    /// The lines; `None`: all of it.
    pub lines: Option<PickedLines>,
}

/// Lines of a change, counted from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PickedLines {
    /// Removed ones, as numbered before it.
    pub old: Vec<u32>,
    /// Added ones, as numbered after it.
    pub new: Vec<u32>,
    /// Where something was removed and nothing added: the lines on both sides of the place, as numbered after it.
    pub around: Vec<u32>,
    /// What the whole text after it is, as a hash.
    pub left: Option<BlobHash>,
    /// Of a hunk: which lines before it, from 0; where there are none, an empty range at its place.
    pub place: Option<std::ops::Range<usize>>,
}

impl State {
    /// What a rewind from here is about; empty if nothing here was changed.
    pub fn picked(&self) -> Vec<Picked> {
        let Some(start) = self.range else {
            return self.at_cursor().into_iter().collect();
        };
        let rows = start.min(self.cursor)..=start.max(self.cursor);
        let mut out: Vec<(u32, Picked)> = Vec::new();
        for row in self.rows.get(rows).unwrap_or_default() {
            let Some((section, change)) = self.changed_at(*row) else {
                continue;
            };
            let Some(path) = &section.head.path else {
                continue;
            };
            if out.last().is_none_or(|(at, _)| *at != row.section) {
                let picked = Picked {
                    path: path.clone(),
                    lines: Some(PickedLines::of(change)),
                };
                out.push((row.section, picked));
            }
            if let Some((_, picked)) = out.last_mut()
                && let Some(lines) = &mut picked.lines
            {
                lines.take(change, *row);
            }
        }
        let whole = |p: Picked| match self.is_recorded_only(&p.path) {
            true => Picked { lines: None, ..p },
            false => p,
        };
        out.into_iter().map(|(_, p)| whole(p)).collect()
    }

    /// The hunk under the cursor, else the file.
    fn at_cursor(&self) -> Option<Picked> {
        let row = *self.rows.get(self.cursor)?;
        let section = self.section(row)?;
        let path = section.head.path.clone()?;
        let hunk = self
            .changed_at(row)
            .filter(|_| !self.is_recorded_only(&path));
        let lines = hunk.and_then(|(_, change)| {
            let (old, new) = sides(row.kind);
            let holds = |range: &std::ops::Range<usize>, line: u32| {
                line != NONE && range.contains(&(line as usize))
            };
            let mut blocks = change.blocks.iter().filter(|b| b.changed);
            let block = blocks.find(|b| holds(&b.old, old) || holds(&b.new, new))?;
            let mut lines = PickedLines::of(change);
            lines.place = Some(block.old.clone());
            for line in block.old.clone() {
                lines.take(
                    change,
                    Row {
                        kind: Kind::Removed(line as u32),
                        ..row
                    },
                );
            }
            for line in block.new.clone() {
                lines.take(
                    change,
                    Row {
                        kind: Kind::Added(line as u32),
                        ..row
                    },
                );
            }
            Some(lines)
        });
        Some(Picked { path, lines })
    }

    fn changed_at(&self, row: Row) -> Option<(&Section, &Change)> {
        let section = self.section(row).filter(|_| row.kind.is_changed())?;
        Some((section, section.change()?))
    }

    /// Only hunks are known of it, not the texts: lines have no certain place there.
    fn is_recorded_only(&self, path: &str) -> bool {
        let sections = self.content.sections.iter();
        let mut changes = sections
            .filter(|s| s.head.path.as_deref() == Some(path))
            .filter_map(Section::change);
        changes.any(|c| !c.recorded.is_empty())
    }
}

impl PickedLines {
    fn of(change: &Change) -> PickedLines {
        PickedLines {
            left: Some(BlobHash::of(change.new.as_str().as_bytes())),
            ..PickedLines::default()
        }
    }

    fn take(&mut self, change: &Change, row: Row) {
        let (old, new) = sides(row.kind);
        if new != NONE {
            self.new.push(new + 1);
        }
        if old == NONE {
            return;
        }
        self.old.push(old + 1);
        let block = change
            .blocks
            .iter()
            .find(|b| b.changed && b.old.contains(&(old as usize)));
        if let Some(block) = block.filter(|b| b.new.is_empty()) {
            let at = block.new.start as u32;
            let beside = [at, at + 1].into_iter();
            for line in beside.filter(|l| (1..=change.new.len() as u32).contains(l)) {
                if !self.around.contains(&line) {
                    self.around.push(line);
                }
            }
        }
    }
}
