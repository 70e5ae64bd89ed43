//! The timeline: prompts as headings, steps under them. This is the state and what actions do to it; `visible` decides
//! which lines there are, `blocks`, `sums` and `lines` find them among a million without making them all, `rows` keeps
//! what was fetched, `draw` draws. It asks nothing itself: [`State::wanted`] says which rows it would like to have.

mod blocks;
mod draw;
mod jump;
mod lines;
mod outcome;
mod rows;
mod sums;
pub mod visible;
mod woven;

pub use blocks::Blocks;
pub use draw::{Look, draw, verb_of};
pub use rows::Rows;
pub use visible::{Density, Line};

use std::ops::Range;
use std::sync::Arc;

use self::visible::Choice;
use self::woven::Woven;
use crate::query::types::{
    PromptHead, RewindEntry, SessionRow, StepInfo, StepLite, StepRow, Timeline,
};
use crate::ui::action::Action;

/// What the cursor is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selected {
    /// A prompt, by index.
    Prompt(u32),
    /// A step, by index.
    Step(u32),
    /// A rewind, by index.
    Rewind(u32),
}

/// The pane.
#[derive(Clone, Debug, Default)]
pub struct State {
    lines: Woven,
    cursor: usize,
    top: usize,
    height: usize,
    rows: Rows,
    filter: Option<String>,
    /// Steps (by index, ascending) that a search found.
    hits: Vec<u32>,
}

/// Lines kept between the cursor and the edge.
const MARGIN: usize = 2;
/// Rows asked for before and after those on the screen, in screens.
const AHEAD: usize = 2;
/// How many rows of a folded run are fetched, to name them.
const NAMED: u32 = 4;

impl State {
    /// The session that is shown.
    pub fn timeline(&self) -> Option<&Arc<Timeline>> {
        self.lines.timeline()
    }

    /// The session's row.
    pub fn session(&self) -> Option<SessionRow> {
        self.timeline().map(|t| t.session.row)
    }

    /// The fetched rows.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Takes what was fetched.
    pub fn take_rows(&mut self, asked: &[StepRow], rows: Vec<StepInfo>) {
        self.rows.insert(asked, rows);
    }

    /// The lines on the screen, if it has so many of them.
    pub fn window(&self, height: usize) -> Vec<Line> {
        self.lines.slice(self.top..self.top + height)
    }

    /// The first line on the screen, counted from the first of all.
    pub fn top(&self) -> usize {
        self.top
    }

    /// The line that the cursor is on, counted in the same way.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// What that line shows.
    pub fn line(&self) -> Option<Line> {
        self.lines.get(self.cursor)
    }

    /// How much is shown.
    pub fn density(&self) -> Density {
        self.choice().density
    }

    fn choice(&self) -> &Choice {
        self.lines.choice()
    }

    /// The filter, as typed.
    pub fn filter(&self) -> Option<&str> {
        self.filter.as_deref()
    }

    /// Shows another session (the cursor at its end), or the same one with more in it (the cursor where it was).
    pub fn show(&mut self, timeline: Timeline, blocks: Arc<Blocks>) {
        let same = self.session() == Some(timeline.session.row);
        let selected = self.selected_key();
        if same {
            // What was still running may have ended.
            self.rows.doubt();
            if timeline.steps.len() < self.steps().len() {
                self.rows = Rows::default();
            }
            let choice = self.carried_over(&timeline);
            self.lines = Woven::of(timeline, blocks, choice);
        } else {
            let choice = Choice {
                density: self.density(),
                ..Choice::default()
            };
            *self = State {
                height: self.height,
                lines: Woven::of(timeline, blocks, choice),
                ..State::default()
            };
        }
        match selected {
            Some(key) if same => self.go_to_key(key),
            _ => self.cursor = self.lines.len().saturating_sub(1),
        }
        self.keep_in_view();
    }

    /// What is kept by index stays with its step, wherever that stands in the newer timeline.
    fn carried_over(&mut self, newer: &Timeline) -> Choice {
        let older = self.steps();
        let moved = |index: &u32| -> Option<u32> {
            let row = older.get(*index as usize)?.row;
            if newer.steps.get(*index as usize).map(|s| s.row) == Some(row) {
                return Some(*index);
            }
            let at = newer.steps.iter().position(|s| s.row == row)?;
            Some(at as u32)
        };
        let mut choice = self.choice().clone();
        for set in [&mut choice.open_runs, &mut choice.folded_agents] {
            *set = set.iter().filter_map(moved).collect();
        }
        choice.new_from = choice.new_from.as_ref().and_then(moved);
        let mut hits = self.hits.clone();
        for list in [Some(&mut hits), choice.kept.as_mut()]
            .into_iter()
            .flatten()
        {
            // Steps are only ever added: one that moved shows that all behind it did.
            if list.iter().any(|i| moved(i) != Some(*i)) {
                *list = list.iter().filter_map(moved).collect();
            }
        }
        self.hits = hits;
        choice
    }

    /// The first step that is new since the user looked.
    pub fn new_from(&self) -> Option<u32> {
        self.choice().new_from
    }

    /// Steps from here on are new since the user looked.
    pub fn set_new_from(&mut self, first: Option<u32>) {
        let selected = self.selected();
        self.lines.choose(|choice| choice.new_from = first);
        self.reselect(selected);
    }

    /// Shows only the steps that a filter keeps (given in timeline order), or all again.
    pub fn set_filter(&mut self, filter: Option<(String, Vec<StepRow>)>) {
        let selected = self.selected();
        let (text, kept): (Option<String>, Option<Vec<u32>>) = filter
            .map(|(text, rows)| (text, self.indices(rows)))
            .unzip();
        // Another filter goes to what it found: from here on, else the last before.
        let from = match selected {
            Some(Selected::Step(step)) => step,
            Some(Selected::Prompt(p)) => {
                self.prompts().get(p as usize).map_or(0, |p| p.steps.start)
            }
            _ => 0,
        };
        let other = text != self.filter;
        let found = kept.as_ref().filter(|_| other).and_then(|k| {
            let next = k.iter().find(|step| **step >= from);
            next.or(k.last()).copied()
        });
        self.filter = text;
        self.lines.choose(|choice| choice.kept = kept);
        self.reselect(selected);
        let row = found.and_then(|step| Some(self.steps().get(step as usize)?.row));
        if let Some(row) = row {
            self.go_to_step(row);
        }
    }

    /// The places of rows that are given in timeline order.
    fn indices(&self, rows: Vec<StepRow>) -> Vec<u32> {
        let steps = self.steps();
        let mut found = Vec::with_capacity(rows.len());
        // A few among many that stand in the order of their rows are searched for by halves.
        if self.lines.blocks().is_sorted() && rows.len() < steps.len() / 32 {
            let at = |row: &StepRow| steps.binary_search_by_key(row, |s| s.row).ok();
            found.extend(rows.iter().filter_map(at).map(|i| i as u32));
            return found;
        }
        let mut wanted = rows.into_iter().peekable();
        for (i, step) in (0..).zip(steps) {
            if wanted.next_if(|w| *w == step.row).is_some() {
                found.push(i);
            }
        }
        found
    }

    /// What a search found, in timeline order.
    pub fn set_hits(&mut self, rows: Vec<StepRow>) {
        self.hits = self.indices(rows);
    }

    /// The steps that a search found.
    pub fn hits(&self) -> &[u32] {
        &self.hits
    }

    /// How many steps the filter keeps.
    pub fn kept(&self) -> Option<usize> {
        self.choice().kept.as_ref().map(Vec::len)
    }

    /// The number of lines on the screen.
    pub fn set_height(&mut self, height: usize) {
        self.height = height.max(1);
        self.keep_in_view();
    }

    /// Sets how much is shown.
    pub fn set_density(&mut self, density: Density) {
        let selected = self.selected();
        self.lines.choose(|choice| {
            choice.density = density;
            choice.folded.clear();
        });
        self.reselect(selected);
    }

    /// Whether the cursor is on the last line.
    pub fn at_end(&self) -> bool {
        self.cursor + 1 >= self.lines.len()
    }

    /// Puts the cursor on the last line.
    pub fn go_to_end(&mut self) {
        self.put(self.lines.len().saturating_sub(1));
    }

    /// What the cursor is on.
    pub fn selected(&self) -> Option<Selected> {
        match self.line()? {
            Line::Prompt(p) => Some(Selected::Prompt(p)),
            Line::Step(s) | Line::Looks(s, _) => Some(Selected::Step(s)),
            Line::Rewind(r) => Some(Selected::Rewind(r)),
            Line::New | Line::Cut(_) => None,
        }
    }

    /// The selected rewind.
    pub fn selected_rewind(&self) -> Option<&RewindEntry> {
        match self.selected()? {
            Selected::Rewind(i) => self.rewinds().get(i as usize),
            Selected::Prompt(_) | Selected::Step(_) => None,
        }
    }

    /// The rewinds.
    pub fn rewinds(&self) -> &[RewindEntry] {
        self.lines.rewinds()
    }

    /// Whether a rewind that stands undid a step.
    pub fn is_undone(&self, step: u32) -> bool {
        let undid =
            |r: &RewindEntry| !r.part && r.undone.as_ref().is_some_and(|u| u.contains(&step));
        self.rewinds().iter().any(undid)
    }

    /// The selected step.
    pub fn selected_step(&self) -> Option<&StepLite> {
        match self.selected()? {
            Selected::Step(i) => self.steps().get(i as usize),
            Selected::Prompt(_) | Selected::Rewind(_) => None,
        }
    }

    /// The prompt that the cursor is on or under.
    pub fn selected_prompt(&self) -> Option<&PromptHead> {
        let index = match self.selected()? {
            Selected::Prompt(p) => p,
            Selected::Step(s) => self.prompt_of(s)?,
            Selected::Rewind(r) => self.rewinds().get(r as usize)?.prompt,
        };
        self.prompts().get(index as usize)
    }

    /// The prompts.
    pub fn prompts(&self) -> &[PromptHead] {
        self.lines.prompts()
    }

    /// The steps.
    pub fn steps(&self) -> &[StepLite] {
        self.lines.steps()
    }

    /// The index of the prompt that a step belongs to.
    pub fn prompt_of(&self, step: u32) -> Option<u32> {
        self.lines.prompt_of(step)
    }

    /// What an action does here. True if the action was for the timeline.
    pub fn update(&mut self, action: Action) -> bool {
        let page = self.height.saturating_sub(1).max(1) as isize;
        match action {
            Action::Down => self.step_by(1),
            Action::Up => self.step_by(-1),
            Action::HalfPageDown => self.step_by((page / 2).max(1)),
            Action::HalfPageUp => self.step_by(-(page / 2).max(1)),
            Action::PageDown => self.step_by(page),
            Action::PageUp => self.step_by(-page),
            Action::Top => self.put(0),
            Action::Bottom => self.put(self.lines.len().saturating_sub(1)),
            Action::Toggle => self.toggle(None),
            Action::Left => self.toggle(Some(true)),
            Action::Right => self.toggle(Some(false)),
            Action::Density => {
                self.set_density(self.density().next());
            }
            _ => return false,
        }
        true
    }

    /// Moves the window without the cursor leaving it.
    pub fn scroll(&mut self, by: isize) {
        let last = self.lines.len().saturating_sub(self.height);
        self.top = self.top.saturating_add_signed(by).min(last);
        let margin = MARGIN.min(self.height.saturating_sub(1) / 2);
        let low = if self.top == 0 { 0 } else { self.top + margin };
        let high = (self.top + self.height)
            .saturating_sub(1 + margin)
            .min(self.lines.len().saturating_sub(1));
        self.cursor = self.cursor.clamp(low.min(high), high);
        if self.is_rule(self.cursor) {
            self.step_by(1);
        }
    }

    /// Puts the cursor on a line of the screen; false if there is none.
    pub fn click(&mut self, row: usize) -> bool {
        let line = self.top + row;
        if self.lines.get(line).is_none_or(Line::is_rule) {
            return false;
        }
        self.cursor = line;
        true
    }

    /// The rows that the screen needs and does not have, those on it first.
    pub fn wanted(&self) -> Vec<StepRow> {
        let around = self.height * AHEAD;
        let from = self.top.saturating_sub(around);
        let lines = self.lines.slice(from..self.top + self.height + around);
        let to = lines.len();
        let top = (self.top - from).min(to);
        let end = (top + self.height).min(to);
        let lacks = |range: Range<usize>| lines[range].iter().any(|line| self.lacks(*line));
        // Ask early, but not for one row at each press of a key.
        let edge = self.height / 2;
        if !lacks(top.saturating_sub(edge)..(end + edge).min(to)) {
            return Vec::new();
        }
        let mut wanted = Vec::new();
        for line in lines[top..].iter().chain(&lines[..top]) {
            self.each_row(*line, |row| {
                if !self.rows.has(row) {
                    wanted.push(row);
                }
            });
        }
        wanted
    }

    fn lacks(&self, line: Line) -> bool {
        let mut lacks = false;
        self.each_row(line, |row| lacks |= !self.rows.has(row));
        lacks
    }

    /// The rows that a line names.
    fn each_row(&self, line: Line, mut with: impl FnMut(StepRow)) {
        let (first, count) = match line {
            Line::Step(i) => (i, 1),
            Line::Looks(i, n) => (i, n.min(NAMED)),
            Line::Prompt(_) | Line::New | Line::Rewind(_) | Line::Cut(_) => return,
        };
        for i in first..first + count {
            if let Some(step) = self.steps().get(i as usize) {
                with(step.row);
            }
        }
    }

    fn step_by(&mut self, by: isize) {
        let last = self.lines.len().saturating_sub(1);
        let mut to = self.cursor.saturating_add_signed(by).min(last);
        while self.is_rule(to) && to != if by < 0 { 0 } else { last } {
            to = if by < 0 { to - 1 } else { to + 1 };
        }
        self.put(to);
    }

    fn is_rule(&self, line: usize) -> bool {
        self.lines.get(line).is_some_and(Line::is_rule)
    }

    fn put(&mut self, line: usize) {
        self.cursor = line.min(self.lines.len().saturating_sub(1));
        while self.is_rule(self.cursor) && self.cursor + 1 < self.lines.len() {
            self.cursor += 1;
        }
        self.keep_in_view();
    }

    fn keep_in_view(&mut self) {
        if self.height == 0 {
            return;
        }
        let margin = MARGIN.min(self.height.saturating_sub(1) / 2);
        let last = self.lines.len().saturating_sub(self.height);
        if self.cursor < self.top + margin {
            self.top = self.cursor.saturating_sub(margin);
        }
        if self.cursor + margin >= self.top + self.height {
            self.top = self.cursor + margin + 1 - self.height;
        }
        self.top = self.top.min(last);
    }
}
