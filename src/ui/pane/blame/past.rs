//! What touched a file, newest first: every step that read or changed it, and the changes between that nobody saw.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Look, Out, Selected};
use crate::model::{Evidence, Op};
use crate::query::blame::{History, HistoryEntry, When};
use crate::query::types::{Content, FileChange};
use crate::text;
use crate::ui::action::Action;
use crate::ui::message::{How, Seek};
use crate::ui::pane::diff;
use crate::ui::pane::timeline::verb_of;
use crate::ui::phrase;
use crate::ui::theme::Author;
use crate::ui::widget::{Cells, Row, Scroll};

/// The view.
#[derive(Clone, Debug)]
pub struct State {
    history: Arc<History>,
    /// The changes that no step made, by entry: made once, so that equal ones are one.
    gaps: Vec<Option<Arc<FileChange>>>,
    scroll: Scroll,
}

impl State {
    /// An answer.
    pub fn new(history: Arc<History>) -> State {
        let gap = |e: &HistoryEntry| match e.step {
            Some(_) => None,
            None => e.as_change().map(Arc::new),
        };
        State {
            gaps: history.entries.iter().map(gap).collect(),
            history,
            scroll: Scroll::default(),
        }
    }

    /// The same file came anew: the cursor stays on its step.
    pub fn keep_place(&mut self, before: &State) {
        let row = |e: &HistoryEntry| e.step.as_ref().map(|s| s.row);
        let here = before.here().and_then(row);
        let at = self
            .history
            .entries
            .iter()
            .position(|e| here.is_some() && row(e) == here);
        self.scroll = before.scroll;
        let len = self.history.entries.len();
        self.scroll.put(at.unwrap_or(before.scroll.cursor), len);
    }

    /// The file.
    pub fn path(&self) -> &str {
        &self.history.path
    }

    /// The number of rows on the screen.
    pub fn resize(&mut self, height: u16) {
        let len = self.history.entries.len();
        self.scroll.fit(usize::from(height), len);
    }

    fn here(&self) -> Option<&HistoryEntry> {
        self.history.entries.get(self.scroll.cursor)
    }

    /// An action.
    pub fn update(&mut self, action: Action) -> Out {
        let len = self.history.entries.len();
        if self.scroll.update(action, len) {
            return Out::Done;
        }
        let Some(entry) = self.here() else {
            return Out::Ignored;
        };
        let step = entry.step.as_ref().map(|s| s.row);
        match action {
            Action::Open => match (entry.root, step) {
                (Some(root), Some(step)) => Out::Go(root, step),
                _ => Out::Say("no step made this change"),
            },
            Action::Blame => match step {
                Some(step) => Out::Seek(Seek {
                    path: entry.path.clone(),
                    when: When::After(step),
                    line: 1,
                    how: How::There,
                    commits: false,
                    replaces: false,
                }),
                None => Out::Say("no step made this change"),
            },
            Action::History => Out::Done,
            Action::Edit => Out::Text(diff::Out::Edit(self.history.path.clone(), 1)),
            Action::EditOld => match &entry.after {
                Content::Text(text) => {
                    Out::Text(diff::Out::EditOld(entry.path.clone(), text.clone(), 1))
                }
                _ => Out::Say("the whole text is not known here"),
            },
            Action::NextChange => self.jump(true),
            Action::PreviousChange => self.jump(false),
            _ => Out::Ignored,
        }
    }

    /// To the next or previous entry that changed the file.
    fn jump(&mut self, down: bool) -> Out {
        let changed = |i: &usize| self.history.entries[*i].op.is_some();
        let (at, len) = (self.scroll.cursor, self.history.entries.len());
        let found = match down {
            true => (at + 1..len).find(changed),
            false => (0..at).rev().find(changed),
        };
        match found {
            Some(row) => {
                self.scroll.put(row, len);
                Out::Done
            }
            None => Out::Say("no change in this direction"),
        }
    }

    /// Puts the cursor where the mouse is.
    pub fn click(&mut self, row: usize) {
        let row = self.scroll.top + row;
        if row < self.history.entries.len() {
            self.scroll.put(row, self.history.entries.len());
        }
    }

    /// The wheel.
    pub fn scroll(&mut self, by: isize) {
        self.scroll.by(by, self.history.entries.len());
    }

    /// What the cursor is on.
    pub fn selected(&self) -> Option<Selected> {
        let entry = self.here()?;
        if let Some(gap) = self.gaps.get(self.scroll.cursor).cloned().flatten() {
            return Some(Selected::Gap(gap));
        }
        let step = entry.step.clone()?;
        Some(Selected::Step {
            root: entry.root?,
            step: Box::new(step),
            agent: entry.agent,
            file: (entry.path.clone(), None),
        })
    }

    /// Which file, and how often it was touched.
    pub fn title(&self) -> String {
        let entries = &self.history.entries;
        let changes = entries.iter().filter(|e| e.op.is_some()).count() as u64;
        let looks = entries.len() as u64 - changes;
        let mut words = text::one_line(&self.history.path);
        words.push_str(&format!("  {}", phrase::count(changes, "changes")));
        if looks > 0 {
            words.push_str(&format!(", {}", phrase::count(looks, "looks")));
        }
        words
    }

    /// Draws it.
    pub fn draw(&self, area: Rect, look: &Look, buf: &mut Buffer) {
        let window = self
            .history
            .entries
            .iter()
            .enumerate()
            .skip(self.scroll.top);
        for ((index, entry), y) in window.zip(area.y..area.bottom()) {
            let here = index == self.scroll.cursor;
            let at = Rect::new(area.x, y, area.width, 1);
            let style = match (here, look.focused) {
                (true, true) => look.theme.selected(),
                (true, false) => look.theme.selected_unfocused(),
                _ => Style::new(),
            };
            let line = self.row(entry, here, usize::from(area.width), look).line();
            Row { line, style }.draw(at, buf);
        }
    }

    /// bar, mark, verb, who, prompt, words; from the right: time, lines.
    fn row<'a>(
        &self,
        entry: &'a HistoryEntry,
        here: bool,
        width: usize,
        look: &Look<'a>,
    ) -> Cells<'a> {
        let theme = look.theme;
        let mut cells = Cells::default();
        cells.push(
            if here { look.marks.bar } else { " " },
            theme.cursor_bar(look.focused),
        );
        let (mark, style) = match (entry.op, entry.evidence) {
            (None, _) => (look.marks.looked, theme.dim()),
            (Some(_), Some(Evidence::PatchOnly) | None) => ("?", theme.warn()),
            (Some(_), _) => (look.marks.changed, theme.text()),
        };
        cells.push(mark, style);
        cells.push(" ", Style::new());
        let right = width.saturating_sub(if width >= 46 { 20 } else { 12 });
        match &entry.step {
            Some(step) => {
                let dim = entry.op.is_none();
                let style = if dim { theme.dim() } else { theme.text() };
                let verb = match entry.op {
                    Some(Op::Rename) => "rename",
                    Some(Op::Delete) => "delete",
                    _ => verb_of(step.kind),
                };
                cells.push(verb, style);
                cells.to(10);
                cells.push(
                    entry.agent.map_or("", |a| a.name()),
                    theme.author(Author::Agent),
                );
                cells.to(17);
                cells.right(step.prompt_no.to_string(), theme.accent(), 20);
                cells.push("  ", Style::new());
                let mut words = text::one_line(&entry.prompt);
                if let Some(old) = &entry.old_path {
                    let name = |p: &str| text::one_line(p.rsplit('/').next().unwrap_or(p));
                    words = format!("{} → {}", name(old), name(&entry.path));
                }
                let room = right.saturating_sub(cells.used() + 1);
                cells.push(text::end(&words, room).into_owned(), style);
            }
            None => {
                let words = "changed between, nobody saw by whom";
                let room = right.saturating_sub(cells.used() + 1);
                cells.push(text::end(words, room), theme.warn());
            }
        }
        let (plus, minus) = phrase::plus_minus(entry.added.into(), entry.removed.into());
        if entry.op.is_some() {
            cells.right(plus, theme.add(), right + 5);
            cells.right(minus, theme.delete(), right + 11);
        }
        if width >= 46
            && let Some(at) = entry.step.as_ref().and_then(|s| s.at)
        {
            cells.right(look.moment.short(at), theme.dim(), width.saturating_sub(1));
        }
        cells
    }
}
