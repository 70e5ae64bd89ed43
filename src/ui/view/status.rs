//! The status line: what is unusual, how far reading is, and the likeliest keys; and the box of what can follow a prefix.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::super::action::Action;
use super::super::key::show_sequence;
use super::super::layout::Pane;
use super::super::message::Recording;
use super::super::model::{Alarm, Model};
use super::super::overlay::Overlay;
use super::super::update::{hint, live};
use super::super::widget::{Cells, Title, popup, put_line};
use crate::text;
use crate::ui::phrase;

/// Cells between one hint and the next, and between them and what stands on the left.
const GAP: usize = 2;

/// Cells of the progress bar.
const BAR: usize = 12;

/// Draws the line.
pub fn draw(model: &Model, buf: &mut Buffer) {
    let area = model.areas.status;
    let theme = &model.theme;
    let width = usize::from(area.width);
    let mut left = Cells::default();
    left.push(" ", Style::new());
    exceptions(model, &mut left, width);
    let hints = likely(model);
    let mut right = Cells::default();
    for action in hints {
        let Some(binding) = model.keymap.binding(action) else {
            continue;
        };
        let (Some(key), Some(word)) = (binding.keys.first(), &binding.short) else {
            continue;
        };
        let key = show_sequence(key);
        // The same key, one step on.
        let word = match action {
            Action::Blame if model.authors.pane.is_open() => "further back",
            _ => word.as_str(),
        };
        let apart = if right.used() > 0 { GAP } else { 0 };
        let more = apart + text::width(&key) + 1 + text::width(word);
        // Shortened by priority: the likeliest come first, those without room are left out.
        if left.used() + GAP + right.used() + more + 1 > width {
            continue;
        }
        right.push(" ".repeat(apart), Style::new());
        right.push(key, theme.key());
        right.push(format!(" {word}"), theme.dim());
    }
    put_line(area, &left.line(), buf);
    let used = (right.used() as u16 + 1).min(area.width);
    let at = Rect::new(area.right() - used, area.y, used, 1);
    put_line(at, &right.line(), buf);
}

/// What is unusual: the note, keys typed so far, reading, a session that is not complete.
fn exceptions(model: &Model, cells: &mut Cells, width: usize) {
    let theme = &model.theme;
    if !model.keys.0.is_empty() {
        cells.push(show_sequence(&model.keys.0), theme.key());
        cells.push(" …", theme.dim());
        return;
    }
    let quiet = !model.note.as_ref().is_some_and(|n| n.error);
    if let Some(alarm) = model.live.alarm.as_ref().filter(|_| quiet) {
        failure(model, alarm, cells, width);
        return;
    }
    if let Some(note) = &model.note {
        let style = match note.error {
            true => theme.fail(),
            false => theme.text(),
        };
        let words = text::one_line(&note.text);
        let room = width.saturating_sub(2);
        if text::width(&words) > room
            && let Some(key) = model.keymap.key_of(Action::Messages)
        {
            let end = format!("  {key} says it whole");
            let room = room.saturating_sub(text::width(&end));
            cells.push(text::end(&words, room).into_owned(), style);
            cells.push(end, theme.key());
            return;
        }
        cells.push(text::end(&words, room).into_owned(), style);
        return;
    }
    if model.tree.interrupted.is_some() {
        let key = model.keymap.key_of(Action::Undo).unwrap_or_default();
        let words = format!("! a rewind was interrupted · {key} takes it back");
        cells.push(
            text::end(&words, width.saturating_sub(2)).into_owned(),
            theme.warn(),
        );
        return;
    }
    if let Some((rewound, back)) = &model.tree.rewound {
        let key = model.keymap.key_of(*back).unwrap_or_default();
        cells.push(rewound.clone(), theme.accent());
        cells.push(" · ", theme.dim());
        cells.push(key, theme.key());
        return;
    }
    // The first line stands here where the header does not.
    let header = model.areas.header.is_some() && model.overlays.is_empty();
    if let Some(words) = model.first_line.as_ref().filter(|_| !header) {
        let words = text::one_line(words);
        let room = width.saturating_sub(2);
        cells.push(text::end(&words, room).into_owned(), theme.key());
        return;
    }
    if let Some(ingest) = model.ingest.filter(|i| i.read < i.total) {
        let full = (BAR as u64 * u64::from(ingest.read) / u64::from(ingest.total.max(1))) as usize;
        cells.push(model.marks.full.repeat(full), theme.accent());
        cells.push(model.marks.empty.repeat(BAR - full), theme.dim());
        let read = phrase::grouped(ingest.read.into());
        let total = phrase::grouped(ingest.total.into());
        cells.push(format!(" {read} of {total} sessions read"), theme.dim());
        return;
    }
    if let Some(Recording::Off(why)) = &model.recording {
        let words = format!("! not recording: {}", text::one_line(why));
        let room = width.saturating_sub(2).min(width * 2 / 3);
        cells.push(text::end(&words, room).into_owned(), theme.warn());
        return;
    }
    let Some(timeline) = model.timeline.timeline() else {
        recording(model, cells);
        return;
    };
    let session = &timeline.session;
    if let Some(warning) = session.warnings.first() {
        let words = format!("! {}", text::one_line(warning));
        let room = width.saturating_sub(2).min(width * 2 / 3);
        cells.push(text::end(&words, room).into_owned(), theme.warn());
    } else if session.live {
        at_work(model, cells, width);
    } else if session.archived {
        cells.push("archived: the agent's own file is gone", theme.dim());
    } else {
        recording(model, cells);
    }
}

/// What failed in a session that is at work.
fn failure(model: &Model, alarm: &Alarm, cells: &mut Cells, width: usize) {
    let info = alarm.step.and_then(|s| model.timeline.rows().get(s));
    let what = info.map_or(String::new(), |i| format!("{}  ", text::one_line(&i.title)));
    let words = format!(
        "{} {what}{}",
        model.marks.failed,
        text::one_line(&alarm.words)
    );
    // The one that one looks at may be waiting all the while.
    let asks = model
        .timeline
        .timeline()
        .is_some_and(|t| t.session.asked_at.is_some());
    if let Some(asked) = live::waiting(model).filter(|_| asks) {
        cells.push(asked, model.theme.warn());
        cells.push(" · ", model.theme.dim());
    }
    let room = width.saturating_sub(cells.used() + 1);
    cells.push(text::end(&words, room).into_owned(), model.theme.fail());
}

/// An agent at work: whether it is followed, what is new, what it seems to wait for.
fn at_work(model: &Model, cells: &mut Cells, width: usize) {
    let theme = &model.theme;
    let words = match model.follow {
        true => "live, following",
        false => "live",
    };
    cells.push(format!("{} {words}", model.marks.changed), theme.accent());
    let others = live::sessions(model).len();
    let mut more = Vec::new();
    more.extend(live::waiting(model).map(|w| (w, theme.warn())));
    let news = live::news(model);
    if news > 0 {
        more.push((
            format!("{} new", phrase::grouped(news as u64)),
            theme.text(),
        ));
    }
    // Where there is no header, there is no strip of them either.
    if others > 1 && model.areas.header.is_none() {
        let key = model.keymap.key_of(Action::Live1).unwrap_or_default();
        more.push((format!("{others} live, {key} …"), theme.dim()));
    }
    for (words, style) in more {
        if cells.used() + text::width(&words) + 4 > width {
            break;
        }
        cells.push(" · ", theme.dim());
        cells.push(words, style);
    }
}

/// That the work folder is recorded, and since when.
fn recording(model: &Model, cells: &mut Cells) {
    let Some(Recording::On { since, by, .. }) = &model.recording else {
        return;
    };
    let theme = &model.theme;
    cells.push(format!("{} recording", model.marks.changed), theme.accent());
    let who = by.map_or(String::new(), |pid| format!(" by process {pid}"));
    let since = model.moment.since(*since);
    cells.push(format!(" since {since}{who}"), theme.dim());
}

/// The likeliest keys of what has the focus, the likeliest first.
fn likely(model: &Model) -> Vec<Action> {
    use Action::*;
    match (model.overlays.last(), model.focus) {
        (Some(Overlay::Sessions(_)), _) if model.other.is_some() => {
            vec![Find, Everywhere, Help, Quit]
        }
        (Some(Overlay::Sessions(_) | Overlay::Summary(_)), _) => vec![Find, Help, Quit],
        (Some(_), _) => Vec::new(),
        (None, Pane::Timeline) if model.authors.pane.is_open() => {
            vec![Help, Open, Blame, History, NextPrompt, Edit, FocusNext]
        }
        (None, Pane::Timeline) => vec![Help, Open, Find, NextScope, Density, Sessions],
        (None, Pane::Prompt) => vec![Help, NextView, FocusNext, Zoom, Find, Sessions],
        (None, Pane::Diff) => vec![
            Help, NextHunk, Blame, NextView, NextScope, SideBySide, Edit, NextFile, History,
        ],
    }
}

/// What can follow the keys typed so far.
pub fn which_key(model: &Model, buf: &mut Buffer) {
    let theme = &model.theme;
    let rows = hint(model, &model.keys.0);
    let wide = rows
        .iter()
        .map(|(key, does)| text::width(key) + text::width(does) + 6)
        .max()
        .unwrap_or(0);
    let body = model.body();
    let (width, height) = ((wide as u16 + 2).min(body.width), rows.len() as u16 + 2);
    let outside = Rect::new(
        body.right() - width,
        body.bottom().saturating_sub(height),
        width,
        height.min(body.height),
    );
    let title = Title::new(show_sequence(&model.keys.0), theme, true);
    let inside = popup(outside, &title, &Line::default(), theme, buf);
    for (row, (key, does)) in rows.iter().take(usize::from(inside.height)).enumerate() {
        let mut cells = Cells::default();
        cells.push(format!(" {key}"), theme.key());
        cells.to(5);
        let room = usize::from(inside.width).saturating_sub(cells.used());
        cells.push(text::end(does, room).into_owned(), theme.text());
        let at = Rect::new(inside.x, inside.y + row as u16, inside.width, 1);
        put_line(at, &cells.line(), buf);
    }
}
