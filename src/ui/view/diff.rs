//! The diff pane and what its title says.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::super::layout::Pane;
use super::super::model::{Model, ScopeKind, Shown};
use super::super::pane::diff::{self, View};
use super::super::widget::Title;
use crate::model::StepKind;
use crate::text;

/// Draws the pane.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let focused = model.focus == Pane::Diff && model.overlays.is_empty();
    diff::view(&model.diff, &model.theme, focused, area, buf);
}

/// `Diff  step │ prompt │ session │ since mark │ now`, the chosen one lit; only that one where it is narrow.
pub fn title<'a>(model: &Model, width: u16) -> Title<'a> {
    let theme = &model.theme;
    let name = match model.shown {
        Some(Shown::Step(_, View::Words)) => words_name(model),
        Some(Shown::Step(_, View::Lines)) => "Lines",
        Some(Shown::Step(_, View::Output)) => "Output",
        Some(Shown::Step(_, View::Input)) => "Input",
        Some(Shown::Step(_, View::Raw)) => "Record",
        _ => "Diff",
    };
    let mut title = Title::new(name, theme, model.focus == Pane::Diff);
    let wide = width >= 72;
    title.left.push(Span::raw("  "));
    let mut first = true;
    for scope in ScopeKind::ALL {
        let chosen = scope == model.scope;
        let unmarked = scope == ScopeKind::SinceMark && model.flag.is_none();
        if !chosen && (!wide || unmarked) {
            continue;
        }
        if !first {
            title.left.push(Span::styled(" │ ", theme.dim()));
        }
        first = false;
        let style = match chosen {
            true => theme.accent(),
            false => theme.dim(),
        };
        title.left.push(Span::styled(scope.word(), style));
    }
    title.right(facts(model))
}

/// What kind of words the pane shows.
fn words_name(model: &Model) -> &'static str {
    match model.detail.as_ref().map(|d| d.info.kind) {
        Some(StepKind::Plan) => "Plan",
        Some(StepKind::Question) => "Question",
        Some(StepKind::Subagent) => "Sub-agent",
        Some(StepKind::Web) => "Web",
        Some(StepKind::Notice) => "Notice",
        _ => "Message",
    }
}

/// Hits of the search. How far down it is, files and lines stand in the pane itself.
fn facts<'a>(model: &Model) -> Vec<Span<'a>> {
    let Some((query, at, of)) = model.diff.searched() else {
        return Vec::new();
    };
    let words = format!("{} {at}/{of}", text::one_line(query));
    vec![Span::styled(words, model.theme.warn())]
}
