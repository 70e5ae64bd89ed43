//! The diff pane.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::model::Model;

/// Draws the pane.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let _ = (model, area, buf);
}
