//! Which rows there are, and how the place is kept when they change.

use super::content::{Opening, Side};
use super::gutter::Gutter;
use super::rows::{self, Kind, NONE, Plan, Row};
use super::state::{State, sides};

/// Steps of the context keys: unchanged lines around each change.
pub const CONTEXTS: [usize; 7] = [0, 1, 3, 6, 12, 25, usize::MAX];

/// A row, and how far below the top it stood.
type Anchor = (Row, usize);

impl State {
    pub(super) fn lay_out(&mut self) {
        let plan = Plan {
            context: CONTEXTS[self.context],
            side_by_side: self.is_side_by_side(),
        };
        self.rows = rows::rows(&self.content, plan);
        self.heads = (0..self.rows.len())
            .filter(|&i| self.rows[i].kind == Kind::Head)
            .collect();
        let sections = self.content.sections.iter();
        self.gutters = sections.map(|s| Gutter::of(s, self.numbered)).collect();
        self.find_rows();
    }

    pub(super) fn find_rows(&mut self) {
        let Some(mut search) = self.search.take() else {
            return;
        };
        let is_hit = |row: &Row| {
            let (old, new) = sides(row.kind);
            let hit = |side, line: u32| {
                let text = self.section(*row).and_then(|section| section.text(side));
                line != NONE && text.is_some_and(|text| search.is_in(text.line(line as usize)))
            };
            hit(Side::New, new) || (!matches!(row.kind, Kind::Same(..)) && hit(Side::Old, old))
        };
        search.rows = (0..self.rows.len())
            .filter(|&i| is_hit(&self.rows[i]))
            .collect();
        self.search = Some(search);
    }

    pub(super) fn open(&mut self) {
        let first = self.heads.first().copied().unwrap_or(0);
        match self.content.opening {
            Opening::Top if self.heads.len() > 1 => self.cursor = 0,
            // On the first change, if it is in view from the top: there is where one wants to copy or edit.
            Opening::Top => {
                let below = first + 1..self.rows.len().min(first + 1 + self.body_height());
                self.cursor = below
                    .clone()
                    .find(|&row| self.rows[row].kind.is_changed())
                    .unwrap_or(below.start);
            }
            Opening::Tail => return self.go(usize::MAX),
            Opening::Line(line) => {
                let row = self
                    .rows
                    .iter()
                    .position(|row| row.kind == Kind::Plain(line as u32));
                self.cursor = row.unwrap_or(0);
                // The error stands a third down, so that what led to it is seen, too.
                self.top = self.cursor.saturating_sub(self.body_height() / 3);
            }
        }
        self.keep_in_view();
    }

    /// The line at the cursor, whatever row it is in.
    pub(super) fn anchor(&self) -> Anchor {
        let row = self.rows.get(self.cursor).copied().unwrap_or(Row {
            section: 0,
            kind: Kind::Blank,
        });
        (row, self.cursor.saturating_sub(self.top))
    }

    pub(super) fn restore(&mut self, (row, below_top): Anchor) {
        let section = row.section;
        let (old, new) = sides(row.kind);
        // In the list of files, and on what is said before the lines, the row itself is the place.
        let itself = matches!(row.kind, Kind::File | Kind::Remark(_));
        let same = |r: &Row| itself && *r == row;
        let is_there = |row: &Row| {
            let (o, n) = sides(row.kind);
            row.section == section
                && ((new != NONE && n != NONE && n >= new)
                    || (new == NONE && old != NONE && o != NONE && o >= old))
        };
        let here = self
            .rows
            .iter()
            .position(same)
            .or_else(|| self.rows.iter().position(is_there))
            .or_else(|| self.heads.get(section as usize).copied());
        self.cursor = here.unwrap_or(0);
        self.top = self.cursor.saturating_sub(below_top);
        self.top_skip = 0;
        self.keep_in_view();
    }

    pub(super) fn rearrange(&mut self, change: impl FnOnce(&mut Self)) {
        let anchor = self.anchor();
        change(self);
        self.range = None;
        self.lay_out();
        self.restore(anchor);
    }
}
