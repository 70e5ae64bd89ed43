//! The line at the top: where this is, whose session, when; in one pane the path through it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::layout::Pane;
use super::super::model::Model;
use super::super::theme::Author;
use super::super::update::live;
use super::super::widget::{Cells, put_line};
use crate::query::types::SessionInfo;
use crate::text;

/// Draws the line.
pub fn draw(model: &Model, buf: &mut Buffer) {
    if let Some(area) = model.areas.header {
        wide(model, area, buf);
    }
    if let Some(area) = model.areas.crumb {
        crumb(model, area, buf);
    }
}

fn wide(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    if let Some(words) = &model.first_line {
        let mut cells = Cells::default();
        cells.push(" regent-tui", theme.heading());
        cells.push("  ", Style::new());
        let room = usize::from(area.width).saturating_sub(cells.used() + 1);
        let words = text::one_line(words);
        cells.push(text::end(&words, room).into_owned(), theme.key());
        put_line(area, &cells.line(), buf);
        return;
    }
    let mut right = Cells::default();
    if let Some(timeline) = model.timeline.timeline() {
        let session = &timeline.session;
        if !session.row.is_all() {
            right.push(session.agent.name(), theme.author(Author::Agent));
        }
        if let (Some(from), Some(to)) = (session.started_at, session.ended_at) {
            right.push(format!("  {}", model.moment.span(from, to)), theme.text());
        }
        right.push(format!("  {}", place_in_list(model)), theme.dim());
    }
    if live::sessions(model).len() > 1 {
        strip(model, area, right.used(), buf);
        let width = (right.used() as u16 + 1).min(area.width);
        let at = Rect::new(area.right() - width, area.y, width, 1);
        put_line(at, &right.line(), buf);
        return;
    }
    let mut cells = Cells::default();
    cells.push(" regent-tui", theme.heading());
    cells.push("  ", Style::new());
    let branch = model.home.branch.as_deref().map(text::one_line);
    let taken =
        cells.used() + right.used() + 4 + branch.as_deref().map_or(0, |b| text::width(b) + 2);
    let room = usize::from(area.width).saturating_sub(taken);
    let folder = text::one_line(&model.home.folder);
    cells.push(text::start(&folder, room).into_owned(), theme.text());
    if let Some(branch) = branch {
        cells.push(format!("  {branch}"), theme.dim());
    }
    put_line(area, &cells.line(), buf);
    let width = (right.used() as u16 + 1).min(area.width);
    let at = Rect::new(area.right() - width, area.y, width, 1);
    put_line(at, &right.line(), buf);
}

/// With so many cells for a session, its agent is named.
const ROOMY: usize = 24;

/// The live sessions side by side, with the keys that go there; the open one stands out.
fn strip(model: &Model, area: Rect, taken: usize, buf: &mut Buffer) {
    let theme = &model.theme;
    let all = live::sessions(model);
    let shown = all.len().min(live::KEYS.len());
    let mut cells = Cells::default();
    cells.push(format!(" {} live", model.marks.changed), theme.accent());
    let room = usize::from(area.width).saturating_sub(cells.used() + taken + 2) / shown.max(1);
    for (number, session) in (1..).zip(all.iter().take(shown)) {
        let here = model.session() == Some(session.row);
        let style = if here { theme.title(true) } else { theme.dim() };
        let title = text::one_line(&session.title);
        // Where there is little room, the title tells more than whose it is.
        let words = match room >= ROOMY {
            true => format!("{} {title}", session.agent.name()),
            false => title,
        };
        // Somebody is wanted there, as far as a hook told.
        let (mark, style) = match session.asked_at {
            Some(_) if !here => ("? ", theme.warn()),
            Some(_) => ("? ", style),
            None => ("", style),
        };
        let words = text::end(&words, room.saturating_sub(4 + mark.len())).into_owned();
        cells.push(format!("  {number} {mark}{words}"), style);
    }
    put_line(area, &cells.line(), buf);
}

/// `claude  fix the retry loop`; of all sessions only that it is all of them.
pub fn whose(session: &SessionInfo) -> String {
    let title = text::one_line(&session.title);
    match session.row.is_all() {
        true => title,
        false => format!("{}  {title}", session.agent),
    }
}

/// `2 of 17 sessions`
pub fn place_in_list(model: &Model) -> String {
    let (Some(list), Some(session)) = (&model.sessions, model.session()) else {
        return String::new();
    };
    let all = list.sessions.len();
    if session.is_all() {
        return format!("all {all} sessions");
    }
    match list.sessions.iter().position(|s| s.row == session) {
        Some(at) => format!("{} of {all} sessions", at + 1),
        None => "a sub-agent's session".to_owned(),
    }
}

/// `3 › edit retry.rs › diff`
fn crumb(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let mut cells = Cells::default();
    cells.push(" ", Style::new());
    let (now, before) = (theme.title(true), theme.dim());
    if model.focus == Pane::Timeline && model.authors.pane.is_open() {
        let (name, words) = model.authors.pane.title(&model.moment);
        let room = usize::from(area.width).saturating_sub(2);
        let words = format!("{name}  {words}");
        cells.push(text::end(&words, room).into_owned(), now);
        put_line(area, &cells.line(), buf);
        return;
    }
    if model.focus == Pane::Timeline {
        let title = model
            .timeline
            .timeline()
            .map_or_else(String::new, |t| whose(&t.session));
        let room = usize::from(area.width).saturating_sub(2);
        cells.push(text::end(&title, room).into_owned(), now);
        put_line(area, &cells.line(), buf);
        return;
    }
    if let Some(prompt) = model.timeline.selected_prompt() {
        cells.push(prompt.no.to_string(), before);
    }
    let info = model
        .timeline
        .selected_step()
        .and_then(|s| model.timeline.rows().get(s.row));
    let last = match model.focus {
        Pane::Prompt => " › prompt",
        _ => " › diff",
    };
    if let Some(info) = info {
        let title = text::one_line(&info.title);
        let name = title.rsplit('/').next().unwrap_or(&title);
        let verb = super::super::pane::timeline::verb_of(info.kind);
        let room = usize::from(area.width).saturating_sub(cells.used() + 12 + last.len());
        cells.push(format!(" › {verb} "), before);
        cells.push(text::middle(name, room).into_owned(), before);
    }
    cells.push(last, now);
    put_line(area, &cells.line(), buf);
}
