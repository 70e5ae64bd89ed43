//! Moving through the rows: what is in view, how high rows are, where the cursor may stand.
//!
//! Only rows in view are ever measured, so that the length of a content costs nothing.

use super::content::{Body, Side, Text};
use super::paint;
use super::rows::Kind;
use super::state::State;

impl State {
    pub(super) fn body_height(&self) -> usize {
        self.size.1.saturating_sub(1)
    }

    /// The head of the section that a row is in; `None` in the list of files.
    pub(super) fn head_of(&self, row: usize) -> Option<usize> {
        let behind = self.heads.partition_point(|&head| head <= row);
        behind.checked_sub(1).map(|i| self.heads[i])
    }

    /// The first and the last row that are in view.
    pub(super) fn in_view(&self) -> (usize, usize) {
        let (mut last, mut room) = (self.top, self.body_height() + self.top_skip);
        while last + 1 < self.rows.len() {
            let height = self.height(last);
            if height >= room {
                break;
            }
            room -= height;
            last += 1;
        }
        (self.top, last)
    }

    /// What is on the screen below the head: lines of the new text (`None` for other rows), each with the rows of the
    /// screen that it takes.
    pub fn lines_in_view(&self) -> Vec<(Option<u32>, usize)> {
        let (mut room, mut skip) = (self.body_height(), self.top_skip);
        let mut out = Vec::new();
        for index in self.top..self.rows.len() {
            if room == 0 {
                break;
            }
            let height = self.height(index).saturating_sub(skip).clamp(1, room);
            let line = match self.rows[index].kind {
                Kind::Plain(line) => Some(line),
                _ => None,
            };
            out.push((line, height));
            (room, skip) = (room - height, 0);
        }
        out
    }

    /// The file whose part the cursor is on.
    pub fn file_under_cursor(&self) -> Option<String> {
        self.section(*self.rows.get(self.cursor)?)?
            .head
            .path
            .clone()
    }

    /// Puts the cursor on a line (from 1) of the only text.
    pub fn go_to_line(&mut self, line: u32) {
        let wanted = Kind::Plain(line.max(1) - 1);
        if let Some(row) = self.rows.iter().position(|row| row.kind == wanted) {
            let (first, last) = self.in_view();
            self.cursor = row;
            if !(first..=last).contains(&row) {
                self.top = row.saturating_sub(self.body_height() / 3);
                self.top_skip = 0;
            }
            self.keep_in_view();
        }
    }

    /// Puts the cursor on a line of a file's change: the added one with this text, or at least on the file's first change.
    pub fn reveal(&mut self, path: &str, text: Option<&str>) {
        let of_file = |i: usize| {
            let section = self.section(self.rows[i]);
            section.is_some_and(|s| s.head.path.as_deref() == Some(path))
        };
        let says = |i: usize| {
            let (_, new) = super::state::sides(self.rows[i].kind);
            let section = self.section(self.rows[i]);
            let line = section
                .and_then(|s| s.text(Side::New))
                .map(|t| t.line(new as usize));
            new != super::rows::NONE && text.is_some() && line == text
        };
        let rows = 0..self.rows.len();
        let changed = |i: &usize| self.rows[*i].kind.is_changed() && of_file(*i);
        let found = rows.clone().filter(changed).find(|i| says(*i));
        let found = found.or_else(|| rows.clone().find(|i| of_file(*i) && says(*i)));
        if let Some(row) = found.or_else(|| rows.clone().find(changed)) {
            self.cursor = row;
            self.top = row.saturating_sub(self.body_height() / 3);
            self.top_skip = 0;
            self.keep_in_view();
        }
    }

    /// How many lines a row takes.
    pub(super) fn height(&self, row: usize) -> usize {
        let Some(&row) = self.rows.get(row) else {
            return 1;
        };
        let Some(section) = self.section(row) else {
            return 1;
        };
        let gutter = self.gutters[row.section as usize];
        let lines = |side, line: u32, width| {
            let text = section
                .text(side)
                .map_or("", |text: &Text| text.line(line as usize));
            let end = text.floor_char_boundary(paint::WRAPPED_BYTES);
            crate::text::rows(&crate::text::line(&text[..end]), width, 0)
        };
        let width = gutter.code_width(self.size.0);
        match row.kind {
            Kind::Remark(i) => section.remarks.get(i as usize).map_or(1, |r| {
                crate::text::rows(r, gutter.remark_width(self.size.0), 0)
            }),
            _ if !self.wrap => 1,
            Kind::Removed(old) => lines(Side::Old, old, width),
            Kind::Added(new) | Kind::Plain(new) => lines(Side::New, new, width),
            Kind::Same(_, new) if !self.is_side_by_side() => lines(Side::New, new, width),
            Kind::Same(old, new) | Kind::Pair(old, new) => {
                let width = gutter.half_width(self.size.0);
                lines(Side::Old, old, width).max(lines(Side::New, new, width))
            }
            _ => 1,
        }
    }

    pub(super) fn go(&mut self, row: usize) {
        self.cursor = row.min(self.rows.len().saturating_sub(1));
        if row == 0 {
            (self.top, self.top_skip) = (0, 0);
        }
        self.keep_in_view();
    }

    pub(super) fn move_cursor(&mut self, by: isize) {
        let last = self.rows.len().saturating_sub(1);
        // A row that is higher than the pane is scrolled through before it is left.
        if by.abs() == 1 && self.height(self.cursor) > self.body_height() {
            let before = (self.top, self.top_skip);
            self.scroll(by);
            if before != (self.top, self.top_skip) {
                return;
            }
        }
        self.cursor = self.cursor.saturating_add_signed(by).min(last);
        self.keep_in_view();
    }

    /// Puts the cursor on the row at a line of the screen, counted from the top of the pane (where the head stays).
    pub fn click(&mut self, line: usize) {
        let Some(mut below) = line.checked_sub(1) else {
            return;
        };
        below += self.top_skip;
        let (first, last) = self.in_view();
        for row in first..=last {
            let height = self.height(row);
            if below < height {
                self.cursor = row.min(self.rows.len().saturating_sub(1));
                return;
            }
            below -= height;
        }
    }

    /// Scrolls by lines; the cursor stays in view.
    pub(super) fn scroll(&mut self, lines: isize) {
        for _ in 0..lines.unsigned_abs() {
            if lines > 0 {
                self.one_down()
            } else {
                self.one_up()
            }
        }
        let (first, last) = self.in_view();
        self.cursor = self.cursor.clamp(first, last.max(first));
    }

    fn one_down(&mut self) {
        if (self.top, self.top_skip) >= self.last_top() {
            return;
        }
        if self.top_skip + 1 < self.height(self.top) {
            self.top_skip += 1;
        } else {
            (self.top, self.top_skip) = (self.top + 1, 0);
            self.off_head(true);
        }
    }

    fn one_up(&mut self) {
        if self.top_skip > 0 {
            self.top_skip -= 1;
        } else if self.top > 0 {
            self.top -= 1;
            self.off_head(false);
            self.top_skip = self.height(self.top) - 1;
        }
    }

    /// The head of the topmost section is drawn above the rows: it is never the first of them.
    fn off_head(&mut self, down: bool) {
        if self
            .rows
            .get(self.top)
            .is_some_and(|row| row.kind == Kind::Head)
        {
            self.top = if down || self.top == 0 {
                self.top + 1
            } else {
                self.top - 1
            };
        }
    }

    /// The furthest that one can scroll: the last page is full.
    fn last_top(&self) -> (usize, usize) {
        let mut room = self.body_height();
        for row in (0..self.rows.len()).rev() {
            let height = self.height(row);
            if height >= room {
                return (row, height - room);
            }
            room -= height;
        }
        (0, 0)
    }

    pub(super) fn keep_in_view(&mut self) {
        self.cursor = self.cursor.min(self.rows.len().saturating_sub(1));
        let body = self.body_height().max(1);
        if self.cursor < self.top
            || (self.cursor == self.top && self.top_skip > 0 && self.height(self.top) <= body)
        {
            (self.top, self.top_skip) = (self.cursor, 0);
        }
        // Rows are at least one line high: far away needs no measuring.
        let mut used = self.height(self.cursor).min(body);
        let mut top = self.cursor;
        while top > self.top && used + self.height(top - 1) <= body {
            top -= 1;
            used += self.height(top);
        }
        if top > self.top {
            // What was counted fills the pane: the cursor's row is its last.
            (self.top, self.top_skip) = (top, 0);
        }
        let last = self.last_top();
        if (self.top, self.top_skip) > last {
            (self.top, self.top_skip) = last;
        }
        self.off_head(true);
    }

    pub(super) fn is_hunk(&self, row: usize) -> bool {
        let kind = self.rows[row].kind;
        let before = row.checked_sub(1).map(|i| self.rows[i].kind);
        match kind {
            Kind::Plain(line) => match self.section(self.rows[row]).map(|section| &section.body) {
                Some(Body::Lines(lines)) => lines.marks.binary_search(&line).is_ok(),
                _ => false,
            },
            _ => {
                kind.is_changed()
                    && !before.is_some_and(|b| b.is_changed() || matches!(b, Kind::NoNewline(..)))
            }
        }
    }

    /// Goes to the next row that is something, and shows what follows it.
    pub(super) fn jump(&mut self, back: bool, is: impl Fn(&Self, usize) -> bool) {
        let found = match back {
            true => (0..self.cursor).rev().find(|&row| is(self, row)),
            false => (self.cursor + 1..self.rows.len()).find(|&row| is(self, row)),
        };
        let Some(row) = found else { return };
        self.cursor = row;
        let (first, last) = self.in_view();
        if row <= first || row + self.body_height() / 3 > last {
            let above = if self.rows[row].kind == Kind::Head {
                0
            } else {
                self.body_height() / 4
            };
            (self.top, self.top_skip) = (row.saturating_sub(above), 0);
            // Never above the head of its own file.
            if let Some(head) = self.head_of(row).filter(|&head| head > self.top) {
                self.top = head;
            }
        }
        self.keep_in_view();
    }
}
