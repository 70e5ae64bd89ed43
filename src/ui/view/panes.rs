//! The panes in their frames, or under their rules.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::layout::Pane;
use super::super::model::Model;
use super::super::pane::timeline;
use super::super::tabs;
use super::super::widget::{Title, boxed, put_line, rule, wrapped};
use super::header;
use crate::text;
use crate::ui::phrase;

/// Draws every pane that is on the screen.
pub fn draw(model: &Model, buf: &mut Buffer) {
    if let Some(area) = model
        .areas
        .timeline
        .filter(|_| model.authors.pane.is_open())
    {
        super::authors::draw(model, area, buf);
    } else if let Some(area) = model.areas.timeline {
        let title = timeline_title(model, area.width);
        frame(model, Pane::Timeline, area, &title, buf);
        draw_timeline(model, area, buf);
    }
    if let Some(area) = model.areas.prompt {
        frame(
            model,
            Pane::Prompt,
            area,
            &prompt_title(model, area.width),
            buf,
        );
        model.prompt.draw(area, buf);
        dim_if_stale(model, area, buf);
    }
    if let Some(area) = model.areas.diff {
        let title = super::diff::title(model, area.width);
        frame(model, Pane::Diff, area, &title, buf);
        super::diff::draw(model, area, buf);
        dim_if_stale(model, area, buf);
    }
}

/// Draws what is around a pane.
pub fn frame(model: &Model, pane: Pane, inside: Rect, title: &Title, buf: &mut Buffer) {
    let focused = model.focus == pane && model.overlays.is_empty();
    match model.areas.boxed {
        true => boxed(inside, title, &model.theme, focused, buf),
        false if model.areas.crumb.is_none() => rule(inside, title, &model.theme, focused, buf),
        false => {}
    }
}

/// Old content stays, dimmed, while the new one is awaited.
fn dim_if_stale(model: &Model, area: Rect, buf: &mut Buffer) {
    if model.is_stale() {
        buf.set_style(area.intersection(buf.area), model.theme.stale());
    }
}

fn draw_timeline(model: &Model, area: Rect, buf: &mut Buffer) {
    if model.session().is_none() {
        if let Some(why) = &model.unreadable {
            wrapped(why, area, model.theme.warn(), buf);
            return;
        }
        let words = match (&model.opening, &model.sessions) {
            (Some(_), _) | (_, None) => "  reading …",
            _ => "  no session is open; S lists them",
        };
        put_line(area, &Line::styled(words, model.theme.dim()), buf);
        return;
    }
    let look = timeline::Look {
        theme: &model.theme,
        moment: &model.moment,
        marks: model.marks,
        focused: model.focus == Pane::Timeline && model.overlays.is_empty(),
        flagged: model.flag.map(|f| f.step),
    };
    timeline::draw(&model.timeline, area, &look, buf);
    super::cut::draw(model, area, buf);
}

fn is_focused(model: &Model, pane: Pane) -> bool {
    model.focus == pane
}

fn timeline_title<'a>(model: &Model, width: u16) -> Title<'a> {
    let theme = &model.theme;
    let mut title = Title::new("Timeline", theme, is_focused(model, Pane::Timeline));
    if let Some(filter) = model.timeline.filter() {
        let kept = model.timeline.kept().unwrap_or(0) as u64;
        let words = format!(
            "  {} match {}",
            phrase::count(kept, "steps"),
            text::one_line(filter)
        );
        title.left.push(Span::styled(words, theme.warn()));
        return title;
    }
    if !model.areas.boxed
        && let Some(timeline) = model.timeline.timeline()
    {
        let room = usize::from(width).saturating_sub(40 - 8);
        let whose = header::whose(&timeline.session);
        let words = format!("  {}", text::end(&whose, room));
        title = title.dim(words, theme);
        if width >= 60 {
            let place = header::place_in_list(model);
            return title.right(vec![Span::styled(place, theme.dim())]);
        }
    }
    let mut right = Vec::new();
    if model.follow {
        right.push(Span::styled("following", theme.accent()));
    } else if model.timeline.density() != timeline::Density::Everything {
        right.push(Span::styled(model.timeline.density().words(), theme.dim()));
    }
    title.right(right)
}

fn prompt_title<'a>(model: &Model, width: u16) -> Title<'a> {
    let theme = &model.theme;
    let focused = is_focused(model, Pane::Prompt);
    let tabs = tabs::of_prompt(model, width);
    let mut title = Title::new(tabs.name.clone(), theme, focused);
    title.left.extend(tabs.spans(theme));
    let Some(prompt) = model.prompt.prompt() else {
        return title;
    };
    let mut right = Vec::new();
    let more = model.prompt.more_below();
    if let Some(fate) = model.prompt.fate() {
        let room = usize::from(width).saturating_sub(tabs.width() + 8);
        let words = clause(fate, room).into_owned();
        right.push(Span::styled(words, theme.dim()));
    } else if more > 0 {
        let words = format!("{} below", phrase::count(more as u64, "rows"));
        right.push(Span::styled(words, theme.dim()));
    } else if let Some(at) = prompt.at {
        right.push(Span::styled(model.moment.full(at), theme.dim()));
    }
    title.right(right)
}

/// As many clauses of a sentence as there is room for, at least the beginning of the first.
fn clause(words: &str, room: usize) -> Cow<'_, str> {
    let mut kept = words;
    while text::width(kept) > room {
        match kept.rfind("; ") {
            Some(end) => kept = &kept[..end],
            None => return text::end(kept, room),
        }
    }
    Cow::Borrowed(kept)
}
