//! Rows built from pieces of sanitised text, with columns that keep their place.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::text;

/// Draws a line, cut at the end of the area.
pub fn put_line(area: Rect, line: &Line, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    if area.height > 0 && area.width > 0 {
        buf.set_line(area.x, area.y, line, area.width);
    }
}

/// A row with a given number of cells, filled from the left.
#[derive(Clone, Debug, Default)]
pub struct Cells<'a> {
    spans: Vec<Span<'a>>,
    used: usize,
}

impl<'a> Cells<'a> {
    /// Adds a piece; it must be sanitised already.
    pub fn push(&mut self, text: impl Into<std::borrow::Cow<'a, str>>, style: Style) {
        let text = text.into();
        self.used += text::width(&text);
        self.spans.push(Span::styled(text, style));
    }

    /// Fills with spaces up to a column.
    pub fn to(&mut self, column: usize) {
        if self.used < column {
            self.spans.push(Span::raw(" ".repeat(column - self.used)));
            self.used = column;
        }
    }

    /// Adds a piece so that it ends at a column.
    pub fn right(&mut self, text: String, style: Style, end: usize) {
        self.to(end.saturating_sub(text::width(&text)));
        self.push(text, style);
    }

    /// How many cells are used.
    pub fn used(&self) -> usize {
        self.used
    }

    /// The line.
    pub fn line(self) -> Line<'a> {
        Line::from(self.spans)
    }
}

/// A row of a list: its line, and whether the cursor is on it.
pub struct Row<'a> {
    /// What it says.
    pub line: Line<'a>,
    /// The style of the whole row.
    pub style: Style,
}

impl Row<'_> {
    /// Draws it, its style over the whole width.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        put_line(area, &self.line, buf);
        buf.set_style(area.intersection(buf.area), self.style);
    }
}

/// A line from pieces of text with styles.
pub fn line_of<'a, const N: usize>(pieces: [(&'a str, Style); N]) -> Line<'a> {
    Line::from(pieces.map(|(t, s)| Span::styled(t, s)).to_vec())
}
