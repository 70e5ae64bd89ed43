//! The pane of authors and what its title says.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::super::layout::Pane;
use super::super::model::Model;
use super::super::pane::blame::Look;
use super::super::widget::Title;
use super::panes;
use crate::text;

/// Draws the pane.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let focused = model.focus == Pane::Timeline && model.overlays.is_empty();
    let (name, words) = model.authors.pane.title(&model.moment);
    let room = usize::from(area.width).saturating_sub(name.len() + 12);
    let words = format!("  {}", text::end(&words, room));
    let mut title = Title::new(name, &model.theme, model.focus == Pane::Timeline);
    title = title.dim(words, &model.theme);
    let depth = model.authors.pane.depth();
    if depth > 1 {
        // So many views lie below: Esc goes back through them.
        let below = format!("{depth} deep");
        title = title.right(vec![Span::styled(below, model.theme.dim())]);
    }
    panes::frame(model, Pane::Timeline, area, &title, buf);
    let look = Look {
        theme: &model.theme,
        moment: &model.moment,
        marks: model.marks,
        focused,
    };
    model.authors.pane.draw(area, &look, buf);
}
