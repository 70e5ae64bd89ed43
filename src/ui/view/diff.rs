//! The diff pane and what its title says.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::super::layout::Pane;
use super::super::model::Model;
use super::super::pane::diff;
use super::super::tabs;
use super::super::widget::Title;
use crate::text;

/// Draws the pane.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let focused = model.focus == Pane::Diff && model.overlays.is_empty();
    diff::view(&model.diff, &model.theme, focused, area, buf);
}

/// `Diff  step │ prompt │ session │ since mark │ now`, the chosen one lit; only that one where it is narrow.
pub fn title<'a>(model: &Model, width: u16) -> Title<'a> {
    let theme = &model.theme;
    let tabs = tabs::of_diff(model, width);
    let mut title = Title::new(tabs.name.clone(), theme, model.focus == Pane::Diff);
    title.left.extend(tabs.spans(theme));
    title.right(facts(model))
}

/// Hits of the search. How far down it is, files and lines stand in the pane itself.
fn facts<'a>(model: &Model) -> Vec<Span<'a>> {
    let Some((query, at, of)) = model.diff.searched() else {
        return Vec::new();
    };
    let words = format!("{} {at}/{of}", text::one_line(query));
    vec![Span::styled(words, model.theme.warn())]
}
