//! The files of a scope, above the diff: which one is shown, what happened to each, and which ones were viewed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::Op;
use crate::query::types::FileChange;
use crate::text;
use crate::ui::marks::Marks;
use crate::ui::phrase;
use crate::ui::theme::Theme;
use crate::ui::widget::{Cells, Row, Scroll};

/// A file of the scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its path.
    pub path: String,
    /// What happened to it.
    pub op: Op,
    /// Lines added and removed.
    pub lines: (u32, u32),
    /// Whether the user looked at it as it is; `None` where that is not known.
    pub viewed: Option<bool>,
}

/// The list.
#[derive(Clone, Debug, Default)]
pub struct State {
    entries: Vec<Entry>,
    scroll: Scroll,
}

impl State {
    /// Shows the files of these changes; the cursor stays on its path if it is still there.
    pub fn show(&mut self, changes: &[FileChange], viewed: impl Fn(&str) -> Option<bool>) {
        let here = self.entries.get(self.scroll.cursor).map(|e| e.path.clone());
        self.entries = changes
            .iter()
            .map(|c| Entry {
                path: c.path.clone(),
                op: c.op,
                lines: (c.added, c.removed),
                viewed: viewed(&c.path),
            })
            .collect();
        let at = here.and_then(|p| self.entries.iter().position(|e| e.path == p));
        self.scroll.put(at.unwrap_or(0), self.entries.len());
    }

    /// The ticks changed.
    pub fn set_viewed(&mut self, viewed: impl Fn(&str) -> Option<bool>) {
        for entry in &mut self.entries {
            entry.viewed = viewed(&entry.path);
        }
    }

    /// The files.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The file that is shown, by its place.
    pub fn cursor(&self) -> usize {
        self.scroll.cursor
    }

    /// Puts the cursor on a file.
    pub fn put(&mut self, index: usize) {
        self.scroll.put(index, self.entries.len());
    }

    /// The list has this many rows on the screen.
    pub fn set_height(&mut self, height: usize) {
        self.scroll.fit(height, self.entries.len());
    }

    /// The file on a row of the screen.
    pub fn at_row(&self, row: usize) -> Option<usize> {
        let index = self.scroll.top + row;
        (index < self.entries.len()).then_some(index)
    }

    /// Draws the list.
    pub fn draw(&self, area: Rect, theme: &Theme, marks: &Marks, buf: &mut Buffer) {
        let window = self.entries.iter().enumerate().skip(self.scroll.top);
        for (row, (index, entry)) in window.take(usize::from(area.height)).enumerate() {
            let at = Rect::new(area.x, area.y + row as u16, area.width, 1);
            let here = index == self.scroll.cursor;
            file_row(entry, here, usize::from(area.width), theme, marks).draw(at, buf);
        }
    }
}

/// The letter for what happened to a file, and its style.
pub fn op_letter(op: Op, theme: &Theme) -> (&'static str, Style) {
    match op {
        Op::Create => ("A", theme.add()),
        Op::Modify => ("M", theme.accent()),
        Op::Delete => ("D", theme.delete()),
        Op::Rename => ("R", theme.accent()),
        Op::Mode => ("m", theme.dim()),
    }
}

fn file_row(entry: &Entry, here: bool, width: usize, theme: &Theme, marks: &Marks) -> Row<'static> {
    let mut cells = Cells::default();
    let bar = if here { marks.bar } else { " " };
    cells.push(bar, theme.cursor_bar(here));
    cells.push(
        if entry.viewed == Some(true) {
            marks.passed
        } else {
            " "
        },
        theme.ok(),
    );
    cells.push(" ", Style::new());
    let (letter, style) = op_letter(entry.op, theme);
    cells.push(letter, style);
    cells.push("  ", Style::new());
    path_and_lines(&mut cells, &entry.path, entry.lines, width, theme);
    let mut style = Style::new();
    if here {
        style = theme.selected_unfocused();
    }
    if entry.viewed == Some(true) && !here {
        style = theme.stale();
    }
    Row {
        line: cells.line(),
        style,
    }
}

/// A path, name first, and its lines at the right end.
pub fn path_and_lines(
    cells: &mut Cells,
    path: &str,
    lines: (u32, u32),
    width: usize,
    theme: &Theme,
) {
    let path = text::one_line(path);
    let end = width.saturating_sub(1);
    let room = end.saturating_sub(cells.used() + 13);
    let cut = text::path(&path, room);
    cells.push(cut.name.into_owned(), theme.text());
    if !cut.folder.is_empty() {
        cells.push("  ", Style::new());
        cells.push(cut.folder.into_owned(), theme.dim());
    }
    let (plus, minus) = phrase::plus_minus(u64::from(lines.0), u64::from(lines.1));
    cells.right(plus, theme.add(), end.saturating_sub(6));
    cells.right(minus, theme.delete(), end);
}
