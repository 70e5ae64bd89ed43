//! A cursor in a list, and the part of the list that is on the screen.

use crate::ui::action::Action;

/// Cursor and window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// The row of the cursor.
    pub cursor: usize,
    /// The first row on the screen.
    pub top: usize,
    /// Rows on the screen.
    pub height: usize,
}

impl Scroll {
    /// What an action does in a list of this length; false if it was not for a list.
    pub fn update(&mut self, action: Action, len: usize) -> bool {
        let page = self.height.saturating_sub(1).max(1) as isize;
        match action {
            Action::Down => self.by(1, len),
            Action::Up => self.by(-1, len),
            Action::HalfPageDown => self.by((page / 2).max(1), len),
            Action::HalfPageUp => self.by(-(page / 2).max(1), len),
            Action::PageDown => self.by(page, len),
            Action::PageUp => self.by(-page, len),
            Action::Top => self.put(0, len),
            Action::Bottom => self.put(len.saturating_sub(1), len),
            _ => return false,
        }
        true
    }

    /// Moves the cursor.
    pub fn by(&mut self, by: isize, len: usize) {
        self.put(self.cursor.saturating_add_signed(by), len);
    }

    /// Puts the cursor on a row.
    pub fn put(&mut self, row: usize, len: usize) {
        self.cursor = row.min(len.saturating_sub(1));
        self.keep_in_view(len);
    }

    /// The list or the screen changed its length.
    pub fn fit(&mut self, height: usize, len: usize) {
        self.height = height;
        self.cursor = self.cursor.min(len.saturating_sub(1));
        self.keep_in_view(len);
    }

    fn keep_in_view(&mut self, len: usize) {
        if self.height == 0 {
            return;
        }
        self.top = self.top.min(self.cursor);
        if self.cursor >= self.top + self.height {
            self.top = self.cursor + 1 - self.height;
        }
        self.top = self.top.min(len.saturating_sub(self.height));
    }
}
