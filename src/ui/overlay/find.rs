//! One box over everything: as fast as typing. Hits stand under their session, the one under the cursor is shown beside.

use std::sync::Arc;

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::picker::push_matched;
use super::{Out, Target};
use crate::query::types::{Found, Hit, HitWhat, SessionInfo, SessionRow};
use crate::text;
use crate::ui::key::KeyPress;
use crate::ui::marks::Marks;
use crate::ui::message::{Answer, Ingest, Question};
use crate::ui::pane::timeline::verb_of;
use crate::ui::phrase::{self, Moment};
use crate::ui::theme::{Author, Theme};
use crate::ui::widget::{Cells, Input, Row, Scroll, Title, popup, put_line};

/// A line of the list.
#[derive(Clone, Copy, Debug)]
enum Item {
    /// A session, named by the first of its hits.
    Session(usize),
    /// A hit.
    Hit(usize),
}

/// The box.
#[derive(Clone, Debug, Default)]
pub struct State {
    input: Input,
    found: Found,
    items: Vec<Item>,
    scroll: Scroll,
    searching: bool,
    /// What is shown beside, as lines of text; the question it answers.
    preview: Option<(Question, Vec<String>)>,
    failed: Option<Arc<str>>,
}

impl State {
    /// A key. `None`: not for the box.
    pub fn key(&mut self, key: KeyPress) -> Out {
        let len = self.items.len();
        match (key.code, key.control) {
            (KeyCode::Esc, _) => return Out::Close,
            (KeyCode::Enter, _) => return self.chosen(),
            (KeyCode::Down, _) | (KeyCode::Char('n'), true) => self.scroll.by(1, len),
            (KeyCode::Up, _) | (KeyCode::Char('p'), true) => self.scroll.by(-1, len),
            (KeyCode::PageDown, _) | (KeyCode::Char('d'), true) => self.page(1),
            (KeyCode::PageUp, _) => self.page(-1),
            (KeyCode::Backspace, _) if self.input.text().is_empty() => return Out::Close,
            _ => {
                let before = self.input.text().to_owned();
                if !self.input.key(key) {
                    return Out::Ignored;
                }
                if self.input.text() != before {
                    return self.typed();
                }
            }
        }
        Out::Done
    }

    fn page(&mut self, by: isize) {
        let rows = self.scroll.height.saturating_sub(1) as isize;
        self.scroll.by(by * rows, self.items.len());
    }

    /// Pasted text.
    pub fn paste(&mut self, pasted: &str) -> Out {
        self.input.paste(pasted);
        self.typed()
    }

    /// Moves the list.
    pub fn wheel(&mut self, by: isize) {
        self.scroll.by(by, self.items.len());
    }

    /// A click: the cursor goes there, a second one opens.
    pub fn click(&mut self, row: u16) -> Out {
        let index = self.scroll.top + usize::from(row.saturating_sub(2));
        if row < 2 || index >= self.items.len() {
            return Out::Done;
        }
        if index == self.scroll.cursor {
            return self.chosen();
        }
        self.scroll.put(index, self.items.len());
        Out::Done
    }

    fn typed(&mut self) -> Out {
        self.failed = None;
        let query = self.input.text().trim().to_owned();
        if query.is_empty() {
            self.take(Found::default());
            return Out::Done;
        }
        self.searching = true;
        Out::Ask(Question::Find(query))
    }

    /// What is asked for again when the store has something new: all of it, or the list would shrink to its first page
    /// under the cursor.
    pub fn query(&self) -> Option<Question> {
        let query = self.input.text().trim();
        (!query.is_empty()).then(|| Question::FindRest(query.to_owned()))
    }

    /// An answer, if it is still the one that is waited for. What is to be asked next, if that was not all.
    pub fn answer(
        &mut self,
        question: &Question,
        answer: &Result<Answer, Arc<str>>,
    ) -> Option<Question> {
        if let Question::Find(query) | Question::FindRest(query) = question {
            if query != self.input.text().trim() {
                return None;
            }
            self.searching = false;
            match answer {
                Ok(Answer::Found(found)) => {
                    self.take(found.clone());
                    return found.more.then(|| Question::FindRest(query.clone()));
                }
                Ok(_) => {}
                Err(why) => self.failed = Some(why.clone()),
            }
        } else if self.wanted_preview().as_ref() == Some(question) {
            let lines = match answer {
                Ok(Answer::Peek(step)) => step_preview(step),
                Ok(Answer::Prompt(prompt)) => preview_lines(&[&prompt.text, "", &prompt.reply]),
                Ok(_) => return None,
                Err(why) => vec![text::line(why).into_owned()],
            };
            self.preview = Some((question.clone(), lines));
        }
        None
    }

    fn take(&mut self, found: Found) {
        // The same question again, since the store has something new: the cursor stays on its hit.
        let again = found.query == self.found.query && !self.items.is_empty();
        let here = self.here().filter(|_| again).map(|(_, hit)| key_of(hit));
        self.items.clear();
        let mut session = None;
        for (i, hit) in found.hits.iter().enumerate() {
            if session != Some(hit.session.row) {
                session = Some(hit.session.row);
                self.items.push(Item::Session(i));
            }
            if !matches!(hit.what, HitWhat::Session) {
                self.items.push(Item::Hit(i));
            }
        }
        self.found = found;
        let at = here.and_then(|key| {
            self.items.iter().position(|item| match item {
                Item::Hit(i) => key_of(&self.found.hits[*i]) == key,
                Item::Session(_) => false,
            })
        });
        if let Some(at) = at {
            self.scroll.put(at, self.items.len());
            return;
        }
        // The first hit, not the session it stands under.
        let first = usize::from(self.items.len() > 1 && matches!(self.items[1], Item::Hit(_)));
        self.scroll.top = 0;
        self.scroll.put(first, self.items.len());
    }

    fn here(&self) -> Option<(&Item, &Hit)> {
        let item = self.items.get(self.scroll.cursor)?;
        let (Item::Session(i) | Item::Hit(i)) = item;
        Some((item, self.found.hits.get(*i)?))
    }

    fn chosen(&self) -> Out {
        let Some((item, hit)) = self.here() else {
            return Out::Done;
        };
        let target = match (item, &hit.what) {
            (Item::Session(_), _) | (_, HitWhat::Session) => {
                return Out::OpenSummary(hit.session.row);
            }
            (_, HitWhat::Prompt(_, no)) => Target::Prompt(hit.session.row, *no),
            (_, HitWhat::Step(step)) => Target::Step(step.row),
        };
        Out::Go(hit.session.row, target)
    }

    /// The session under the cursor, for its resume command.
    pub fn session(&self) -> Option<&SessionInfo> {
        self.here().map(|(_, hit)| &hit.session)
    }

    /// The session's row and what should be shown beside.
    pub fn wanted_preview(&self) -> Option<Question> {
        let (item, hit) = self.here()?;
        let row: SessionRow = hit.session.row;
        Some(match (item, &hit.what) {
            (Item::Hit(_), HitWhat::Step(step)) => Question::PeekStep(step.row),
            (Item::Hit(_), HitWhat::Prompt(_, no)) => Question::PeekPrompt(row, *no),
            _ => Question::PeekPrompt(row, 1),
        })
    }

    /// Whether the preview on the screen is not the one for the cursor.
    pub fn preview_is_stale(&self) -> bool {
        self.preview.as_ref().map(|(q, _)| q) != self.wanted_preview().as_ref()
    }

    /// Fits the list to the screen.
    pub fn fit(&mut self, area: Rect) {
        let rows = area.height.saturating_sub(3);
        self.scroll.fit(usize::from(rows), self.items.len());
    }

    /// Draws it.
    pub fn draw(
        &self,
        area: Rect,
        (theme, marks, moment): (&Theme, &Marks, &Moment),
        ingest: Option<Ingest>,
        buf: &mut Buffer,
    ) {
        Clear.render(area, buf);
        let mut title = Title::new("Find", theme, true);
        if let Some(ingest) = ingest.filter(|i| i.read < i.total) {
            let said = format!("  {} of {} sessions read", ingest.read, ingest.total);
            title = title.dim(said, theme);
        }
        title = title.right(vec![Span::styled(self.counts(), theme.dim())]);
        let foot = super::sessions::hints(
            &[("↑ ↓", "choose"), ("Enter", "go there"), ("Esc", "back")],
            area.width,
            theme,
        );
        let inside = popup(area, &title, &foot, theme, buf);
        put_line(inside, &Line::styled(" › ", theme.key()), buf);
        let typing = Rect::new(inside.x + 3, inside.y, inside.width.saturating_sub(4), 1);
        self.input.draw(typing, theme, buf);
        let body = Rect::new(
            inside.x,
            inside.y + 1,
            inside.width,
            inside.height.saturating_sub(1),
        );
        let list_width = if body.width >= 90 {
            body.width * 58 / 100
        } else {
            body.width
        };
        let list = Rect::new(body.x, body.y, list_width, body.height);
        self.list(list, (theme, marks, moment), buf);
        if list_width < body.width {
            let beside = Rect::new(
                body.x + list_width,
                body.y,
                body.width - list_width,
                body.height,
            );
            self.preview(beside, theme, buf);
        }
    }

    fn counts(&self) -> String {
        if self.searching && self.found.hits.is_empty() {
            return "searching …".to_owned();
        }
        if self.input.text().trim().is_empty() {
            return "titles, prompts, paths, commands, outputs".to_owned();
        }
        let total = u64::from(self.found.total);
        let sessions = phrase::count(self.found.sessions.into(), "sessions");
        format!("{} in {sessions}", phrase::grouped(total))
    }

    fn list(&self, area: Rect, look: (&Theme, &Marks, &Moment), buf: &mut Buffer) {
        let theme = look.0;
        if let Some(why) = &self.failed {
            let said = format!("  {}", text::one_line(why));
            put_line(area, &Line::styled(said, theme.fail()), buf);
            return;
        }
        let typed = !self.input.text().trim().is_empty();
        if self.items.is_empty() && typed && !self.searching {
            let said = "  nothing found; fewer letters find more";
            put_line(area, &Line::styled(said, theme.dim()), buf);
        }
        let window = self.items.iter().enumerate().skip(self.scroll.top);
        for (row, (index, item)) in window.take(usize::from(area.height)).enumerate() {
            let at = Rect::new(area.x, area.y + row as u16, area.width, 1);
            let here = index == self.scroll.cursor;
            self.row(*item, here, usize::from(area.width), look)
                .draw(at, buf);
        }
    }

    fn row(
        &self,
        item: Item,
        here: bool,
        width: usize,
        (theme, marks, moment): (&Theme, &Marks, &Moment),
    ) -> Row<'static> {
        let mut cells = Cells::default();
        cells.push(if here { marks.bar } else { " " }, theme.cursor_bar(true));
        let end = width.saturating_sub(2);
        let (Item::Session(i) | Item::Hit(i)) = item;
        let Some(hit) = self.found.hits.get(i) else {
            return Row {
                line: cells.line(),
                style: Style::new(),
            };
        };
        let matched: Vec<usize> = hit.matched.iter().map(|m| *m as usize).collect();
        if matches!(item, Item::Session(_)) {
            let session = &hit.session;
            cells.push(format!("{} ", marks.open), theme.accent());
            cells.push(session.agent.name(), theme.author(Author::Agent));
            cells.to(13);
            let room = end.saturating_sub(cells.used() + 14);
            if matches!(hit.what, HitWhat::Session) {
                let cut = cut_around(&hit.text, &matched, room);
                push_matched(&mut cells, &cut.0, &cut.1, theme.heading(), theme);
            } else {
                let words = text::one_line(&session.title);
                cells.push(text::end(&words, room).into_owned(), theme.heading());
            }
            if let Some(at) = session.ended_at {
                cells.right(moment.day(at), theme.dim(), end);
            }
        } else {
            let what = match &hit.what {
                HitWhat::Prompt(_, no) => format!("prompt {no}"),
                HitWhat::Step(step) => verb_of(step.kind).to_owned(),
                HitWhat::Session => String::new(),
            };
            cells.push("  ", Style::new());
            cells.push(what, theme.dim());
            cells.to(14);
            let room = end.saturating_sub(cells.used() + 8);
            let cut = cut_around(&hit.text, &matched, room);
            push_matched(&mut cells, &cut.0, &cut.1, theme.text(), theme);
            if let Some(at) = hit.at {
                cells.right(moment.short(at), theme.dim(), end);
            }
        }
        Row {
            line: cells.line(),
            style: if here { theme.selected() } else { Style::new() },
        }
    }

    fn preview(&self, area: Rect, theme: &Theme, buf: &mut Buffer) {
        for y in area.y..area.bottom() {
            put_line(
                Rect::new(area.x, y, 1, 1),
                &Line::styled("│", theme.dim()),
                buf,
            );
        }
        let Some((_, lines)) = self.preview.as_ref().filter(|_| !self.items.is_empty()) else {
            return;
        };
        let style = match self.preview_is_stale() {
            true => theme.stale(),
            false => theme.text(),
        };
        let room = usize::from(area.width.saturating_sub(3));
        let mut y = area.y;
        'lines: for line in lines {
            for row in text::wrap(line, room, 0) {
                if y >= area.bottom() {
                    break 'lines;
                }
                let at = Rect::new(area.x + 2, y, room as u16, 1);
                put_line(at, &Line::styled(line[row.bytes].to_owned(), style), buf);
                y += 1;
            }
        }
    }
}

/// What makes a hit the same one in another answer.
fn key_of(hit: &Hit) -> (SessionRow, i64, u32) {
    match &hit.what {
        HitWhat::Session => (hit.session.row, -1, 0),
        HitWhat::Prompt(row, no) => (hit.session.row, row.0, *no),
        HitWhat::Step(step) => (hit.session.row, step.row.0, u32::MAX),
    }
}

/// Lines kept for the preview.
const PREVIEW: usize = 200;

fn preview_lines(texts: &[&str]) -> Vec<String> {
    let lines = texts.iter().flat_map(|t| t.lines().chain(None::<&str>));
    lines
        .take(PREVIEW)
        .map(|l| text::line(&without_colours(&l[..l.floor_char_boundary(2000)])).into_owned())
        .collect()
}

/// A line without the sequences that colour it; every other control character stays and is shown as what it is.
fn without_colours(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("\u{1b}[") {
        out.push_str(&rest[..at]);
        let behind = &rest[at + 2..];
        let end = behind.find(|c: char| !(c.is_ascii_digit() || c == ';'));
        match end.filter(|e| behind[*e..].starts_with('m')) {
            Some(end) => rest = &behind[end + 1..],
            None => {
                out.push_str(&rest[at..at + 2]);
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

fn step_preview(step: &crate::query::types::StepDetail) -> Vec<String> {
    let head = format!("prompt {}", step.info.prompt_no);
    let prompt: String = step
        .prompt_text
        .lines()
        .take(4)
        .collect::<Vec<_>>()
        .join("\n");
    let body = match step.changes.first() {
        Some(change) => format!("{}  +{} −{}", change.path, change.added, change.removed),
        None => String::new(),
    };
    let rest = if step.output.is_empty() {
        &step.input
    } else {
        &step.output
    };
    preview_lines(&[&head, &prompt, " ", &step.info.target, &body, " ", rest])
}

/// A line cut so that its first match is in view; the matches are moved along.
fn cut_around(words: &str, matched: &[usize], room: usize) -> (String, Vec<usize>) {
    let clean: String = words
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let total = clean.chars().count();
    if total <= room || room < 4 {
        return (clean, matched.to_vec());
    }
    let first = matched.first().copied().unwrap_or(0);
    let start = if first + 8 < room {
        0
    } else {
        (first + 8 - room).min(total - room)
    };
    let mut out = String::new();
    if start > 0 {
        out.push('…');
    }
    let skip = start + usize::from(start > 0);
    let keep = room - usize::from(start > 0);
    let ends = skip + keep < total;
    out.extend(clean.chars().skip(skip).take(keep - usize::from(ends)));
    if ends {
        out.push('…');
    }
    let shown = |m: &usize| *m >= skip && *m < skip + keep;
    (
        out,
        matched
            .iter()
            .filter(|m| shown(m))
            .map(|m| m - start)
            .collect(),
    )
}
