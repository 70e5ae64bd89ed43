//! A sentence over as many lines as it needs, cut where the area ends.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::put_line;
use crate::text;

/// Draws it, two cells from the edge.
pub fn wrapped(words: &str, area: Rect, style: Style, buf: &mut Buffer) {
    let words = text::one_line(words);
    let width = usize::from(area.width).saturating_sub(4).max(1);
    let lines = textwrap::wrap(&words, width);
    for (row, line) in (0..area.height).zip(lines) {
        let at = Rect::new(area.x, area.y + row, area.width, 1);
        put_line(at, &Line::styled(format!("  {line}"), style), buf);
    }
}
