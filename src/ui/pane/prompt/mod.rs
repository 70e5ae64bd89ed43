//! The prompt of what is selected, whole, and the agent's words around the selected step; instead of them the step's
//! output or its record ([`Tab`]).

mod tab;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

pub use self::tab::Tab;
use crate::model::{Agent, StepKind, Time, Via};
use crate::query::types::{PromptDetail, StepDetail, StepRow};
use crate::text;
use crate::ui::action::Action;
use crate::ui::markdown;
use crate::ui::phrase::{self, Moment};
use crate::ui::theme::{Author, Theme};
use crate::ui::widget::put_line;

/// Longer prompts are shown to here; the diff pane's record view has all of it.
const LONGEST: usize = 200_000;

/// Of longer replies this much is laid out: it happens between a key and its frame.
const REPLY: usize = 32_000;

/// The agent's words.
#[derive(Clone, Debug)]
struct Reply {
    step: Option<StepRow>,
    words: Arc<str>,
    at: Option<Time>,
    took: Option<u64>,
}

/// The pane.
#[derive(Clone, Debug, Default)]
pub struct State {
    prompt: Option<Arc<PromptDetail>>,
    reply: Option<Reply>,
    /// The selected step, if one is.
    step: Option<Arc<StepDetail>>,
    tab: Tab,
    /// It was just opened where its end tells more than its beginning.
    at_end: bool,
    /// What became of what it wrote, in words.
    fate: Option<String>,
    /// Words where there is no prompt: a heading, and what is said.
    said: Option<(&'static str, String)>,
    agent: Option<Agent>,
    lines: Vec<Line<'static>>,
    /// The prompt's own lines at a width: a long one is not wrapped again for every step under it.
    above: Option<(usize, Vec<Line<'static>>)>,
    /// A reply with code in it, as a worker laid it out for a width.
    rendered: Option<(Arc<str>, usize, Vec<Line<'static>>)>,
    laid_out: Option<(u16, u64)>,
    version: u64,
    top: usize,
    height: usize,
    /// The most rows that a step of this prompt wanted: the pane grows, but does not jump with each step.
    rows: u16,
}

impl State {
    /// The prompt that is shown.
    pub fn prompt(&self) -> Option<&Arc<PromptDetail>> {
        self.prompt.as_ref()
    }

    /// Shows a prompt, with the agent's last words under it.
    pub fn show_prompt(&mut self, prompt: PromptDetail, agent: Agent, with_reply: bool) {
        let same = self.prompt.as_ref().is_some_and(|p| p.id == prompt.id);
        if !same {
            self.top = 0;
            self.rows = 0;
        }
        if with_reply {
            self.reply = Some(Reply {
                step: None,
                words: Arc::from(head(&prompt.reply, REPLY)),
                at: prompt.at,
                took: prompt.duration_ms,
            });
            self.step = None;
        }
        self.agent = Some(agent);
        self.said = None;
        self.prompt = Some(Arc::new(prompt));
        self.above = None;
        self.version += 1;
    }

    /// Shows the agent's last words under the prompt.
    pub fn show_last_words(&mut self) {
        let Some(prompt) = self.prompt.clone() else {
            return;
        };
        self.reply = Some(Reply {
            step: None,
            words: Arc::from(head(&prompt.reply, REPLY)),
            at: prompt.at,
            took: prompt.duration_ms,
        });
        self.step = None;
        self.top = 0;
        self.version += 1;
    }

    /// Shows the agent's words around a step.
    pub fn show_step(&mut self, step: &Arc<StepDetail>) {
        if self.reply.as_ref().and_then(|r| r.step) != Some(step.info.row) {
            self.top = 0;
            self.at_end = tab::opens_at_end(step, self.tab);
        }
        self.step = Some(step.clone());
        self.reply = Some(Reply {
            step: Some(step.info.row),
            // A message is shown whole in the diff pane: once is enough.
            words: match step.info.kind {
                StepKind::Message => Arc::from(""),
                _ => Arc::from(head(&step.reply, REPLY)),
            },
            at: step.info.at,
            took: step.info.duration_ms,
        });
        self.version += 1;
    }

    /// Whether there is a choice: only a step has an output and a record.
    pub fn has_tabs(&self) -> bool {
        self.step.is_some() && self.said.is_none()
    }

    /// What is shown.
    pub fn tab(&self) -> Tab {
        if self.has_tabs() {
            self.tab
        } else {
            Tab::Reply
        }
    }

    /// Shows another side of the step.
    pub fn show_tab(&mut self, tab: Tab) {
        self.tab = tab;
        self.top = 0;
        let at_end = |s: &Arc<StepDetail>| tab::opens_at_end(s, tab);
        self.at_end = self.step.as_ref().is_some_and(at_end);
        self.version += 1;
    }

    /// Says what became of what is selected. It stands in the title: it comes later than the rest, and what is being
    /// read must not move.
    pub fn show_fate(&mut self, fate: Option<String>) {
        self.fate = fate;
    }

    /// What became of what is selected.
    pub fn fate(&self) -> Option<&str> {
        self.fate.as_deref()
    }

    /// Words instead of a prompt: there is none.
    pub fn show_said(&mut self, heading: &'static str, words: String) {
        self.clear();
        self.said = Some((heading, words));
    }

    /// The heading of words that stand here instead of a prompt.
    pub fn heading(&self) -> Option<&'static str> {
        self.said.as_ref().map(|(heading, _)| *heading)
    }

    /// Nothing is selected.
    pub fn clear(&mut self) {
        *self = State {
            version: self.version + 1,
            height: self.height,
            tab: self.tab,
            ..State::default()
        };
    }

    /// The rows that it would like to have at this width, between two and eight.
    pub fn wanted_rows(&self) -> u16 {
        self.rows.clamp(2, 8)
    }

    /// Makes the lines, if the width or the content changed.
    pub fn lay_out(&mut self, width: u16, theme: &Theme, moment: &Moment) {
        if self.laid_out == Some((width, self.version)) {
            return;
        }
        self.laid_out = Some((width, self.version));
        self.lines.clear();
        let room = usize::from(width).saturating_sub(2).max(1);
        let side = self.step.as_ref().filter(|_| self.tab() != Tab::Reply);
        if let Some(step) = side {
            self.lines = tab::lines(step, self.tab, room, theme);
            self.rows = self.rows.max(self.lines.len().min(8) as u16);
            if std::mem::take(&mut self.at_end) {
                self.top = self.lines.len();
            }
            self.keep_in_view();
            return;
        }
        if let Some(prompt) = &self.prompt {
            let known = self.above.take().filter(|(at, _)| *at == room);
            let above = known.unwrap_or_else(|| (room, prompt_lines(prompt, room, theme)));
            self.lines.clone_from(&above.1);
            self.above = Some(above);
        }
        if let Some((_, words)) = &self.said {
            self.lines.extend(plain(words, room));
        }
        if let Some(reply) = self.reply.clone()
            && !reply.words.trim().is_empty()
        {
            if !self.lines.is_empty() {
                self.lines.push(Line::default());
            }
            self.lines.push(self.rule(&reply, room, theme, moment));
            match &self.rendered {
                Some((words, at, lines)) if Arc::ptr_eq(words, &reply.words) && *at == room => {
                    self.lines.extend(lines.iter().cloned());
                }
                _ if has_code(&reply.words) => self.lines.extend(plain(&reply.words, room)),
                _ => self
                    .lines
                    .extend(markdown::render(&reply.words, room, theme)),
            }
        }
        self.rows = self.rows.max(self.lines.len().min(8) as u16);
        self.keep_in_view();
    }

    /// `── claude ─────── 14:12  38s ──`
    fn rule(&self, reply: &Reply, room: usize, theme: &Theme, moment: &Moment) -> Line<'static> {
        let name = self.agent.map_or("agent", Agent::name);
        let mut right = reply.at.map_or_else(String::new, |t| moment.clock(t));
        if let Some(took) = reply.took.filter(|ms| *ms > 0) {
            right.push_str("  ");
            right.push_str(&phrase::duration(took));
        }
        let used = 3 + name.len() + 1 + 1 + text::width(&right) + 3;
        let fill = room.saturating_sub(used);
        Line::from(vec![
            Span::styled("── ", theme.dim()),
            Span::styled(name.to_owned(), theme.author(Author::Agent)),
            Span::styled(format!(" {} ", "─".repeat(fill)), theme.dim()),
            Span::styled(format!("{right} ──"), theme.dim()),
        ])
    }

    /// A reply that a worker should lay out, and for which width: colouring code takes too long between a key and its
    /// frame.
    pub fn wanted(&self) -> Option<(Arc<str>, usize)> {
        let room = usize::from(self.laid_out?.0).saturating_sub(2).max(1);
        let words = &self.reply.as_ref()?.words;
        let known = self
            .rendered
            .as_ref()
            .is_some_and(|(w, at, _)| Arc::ptr_eq(w, words) && *at == room);
        (has_code(words) && !known).then(|| (words.clone(), room))
    }

    /// What the worker made of it.
    pub fn take_rendered(&mut self, words: Arc<str>, room: usize, lines: Vec<Line<'static>>) {
        self.rendered = Some((words, room, lines));
        self.laid_out = None;
    }

    /// The number of rows on the screen.
    pub fn set_height(&mut self, height: usize) {
        self.height = height;
        self.keep_in_view();
    }

    fn keep_in_view(&mut self) {
        self.top = self.top.min(self.lines.len().saturating_sub(self.height));
    }

    /// What an action does here; false if it was not for the prompt.
    pub fn update(&mut self, action: Action) -> bool {
        let page = self.height.saturating_sub(1).max(1) as isize;
        let by = match action {
            Action::Down => 1,
            Action::Up => -1,
            Action::HalfPageDown => (page / 2).max(1),
            Action::HalfPageUp => -(page / 2).max(1),
            Action::PageDown => page,
            Action::PageUp => -page,
            Action::Top => isize::MIN,
            Action::Bottom => isize::MAX,
            _ => return false,
        };
        self.scroll(by);
        true
    }

    /// Scrolls by rows.
    pub fn scroll(&mut self, by: isize) {
        self.top = self.top.saturating_add_signed(by);
        self.keep_in_view();
    }

    /// Whether there is more below the last row.
    pub fn more_below(&self) -> usize {
        self.lines.len().saturating_sub(self.top + self.height)
    }

    /// Draws what is in view.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        let window = self.lines.iter().skip(self.top);
        for (row, line) in window.take(usize::from(area.height)).enumerate() {
            let at = Rect::new(
                area.x + 1,
                area.y + row as u16,
                area.width.saturating_sub(2),
                1,
            );
            put_line(at, line, buf);
        }
    }
}

/// The beginning of a text, at most so many bytes, cut between characters.
fn head(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

/// The prompt's words, wrapped.
fn prompt_lines(prompt: &PromptDetail, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let via = match prompt.via {
        Via::Typed => None,
        Via::Queued => Some("typed while the agent worked"),
        Via::Command => Some("slash command"),
        Via::Shell => Some("shell command from the prompt"),
        Via::Answer => Some("answer to a question"),
        Via::Task => Some("task from the parent agent"),
    };
    if let Some(via) = via {
        lines.push(Line::styled(via, theme.dim()));
    }
    let words = head(prompt.text.trim_end(), LONGEST);
    let style = theme.author(Author::You);
    for line in text::lines(words).split('\n') {
        for row in text::wrap(line, room, 0) {
            let piece = line[row.bytes.clone()].to_owned();
            lines.push(Line::styled(piece, style));
        }
    }
    if words.len() < prompt.text.trim_end().len() {
        let rest = prompt.text.len() - words.len();
        let said = format!("… {} more bytes", phrase::grouped(rest as u64));
        lines.push(Line::styled(said, theme.marker()));
    }
    lines
}

fn has_code(words: &str) -> bool {
    words.contains("```") || words.contains("\n    ")
}

/// Words as they stand, wrapped: until their Markdown is laid out.
fn plain(words: &str, room: usize) -> Vec<Line<'static>> {
    let safe = text::lines(words);
    let mut lines = Vec::new();
    for line in safe.split('\n') {
        let rows = text::wrap(line, room, 0);
        lines.extend(
            rows.into_iter()
                .map(|r| Line::raw(line[r.bytes].to_owned())),
        );
    }
    lines
}
