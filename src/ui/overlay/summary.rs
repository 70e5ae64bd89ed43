//! A session at a glance: its last words, the last test run, commands that deserve a look, and the files in the order
//! in which they are worth one, with ticks for what was viewed.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::sessions::{hints, test_words};
use super::{Out, Target};
use crate::query::types::{FileClass, SessionRow, StepInfo, Summary, SummaryFile};
use crate::text;
use crate::ui::action::Action;
use crate::ui::marks::Marks;
use crate::ui::message::Question;
use crate::ui::phrase::{self, Moment};
use crate::ui::theme::{Author, Theme};
use crate::ui::widget::{Cells, Row, Scroll, Title, op_letter, path_and_lines, popup, put_line};

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    /// Only words.
    Words,
    /// The last test run.
    Test,
    /// A risky command, by its place.
    Risky(usize),
    /// A file, by its place.
    File(usize),
    /// The folded generated files.
    Generated,
    /// A prompt, by its place.
    Prompt(usize),
}

/// What is known of what is left of what the session wrote. It takes longer than the rest, and comes by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Standing {
    /// It is being counted.
    #[default]
    Awaited,
    /// In words; none where there is nothing to say.
    Said(Option<String>),
    /// It was counted before the session went on.
    Old(Option<String>),
}

/// The screen.
#[derive(Clone, Debug)]
pub struct State {
    session: SessionRow,
    summary: Option<Arc<Summary>>,
    standing: Standing,
    lines: Vec<(Item, Line<'static>)>,
    scroll: Scroll,
    show_generated: bool,
    width: u16,
}

/// Rows of the last words.
const WORDS: usize = 8;

impl State {
    /// The summary of a session; the answer is still to come.
    pub fn new(session: SessionRow) -> State {
        State {
            session,
            summary: None,
            standing: Standing::Awaited,
            lines: Vec::new(),
            scroll: Scroll::default(),
            show_generated: false,
            width: 0,
        }
    }

    /// Whose it is.
    pub fn session(&self) -> SessionRow {
        self.session
    }

    /// The answer.
    pub fn take(&mut self, summary: Arc<Summary>) {
        if summary.session.row != self.session {
            return;
        }
        let steps = |s: &Summary| (s.session.steps, s.session.ended_at);
        let went_on = self
            .summary
            .as_deref()
            .is_some_and(|s| steps(s) != steps(&summary));
        if let (true, Standing::Said(words)) = (went_on, &self.standing) {
            self.standing = Standing::Old(words.clone());
        }
        self.summary = Some(summary);
        self.width = 0;
    }

    /// The session whose lines are still to be counted, once it is known that it wrote any.
    pub fn wanted_standing(&self) -> Option<SessionRow> {
        let writes = |s: &Arc<Summary>| s.session.files_changed > 0;
        let wanted = !matches!(self.standing, Standing::Said(_));
        (wanted && self.summary.as_ref().is_some_and(writes)).then_some(self.session)
    }

    /// How much of what it wrote still stands, in words.
    pub fn take_standing(&mut self, session: SessionRow, words: Option<String>) {
        if session == self.session {
            self.standing = Standing::Said(words);
            self.width = 0;
        }
    }

    /// An action.
    pub fn update(&mut self, action: Action) -> Out {
        match action {
            Action::Down => self.by(1),
            Action::Up => self.by(-1),
            Action::Leave | Action::Summary => return Out::Close,
            Action::Open => return self.open(),
            Action::Toggle => return self.toggle(),
            Action::Blame | Action::History => return self.of_file(action),
            Action::Right | Action::PaneRight => return Out::Go(self.session, Target::End),
            _ if self.scroll.update(action, self.lines.len()) => self.by(0),
            _ => return Out::Ignored,
        }
        Out::Done
    }

    /// The mouse was clicked on a row of the screen: a second time on the same one opens it.
    pub fn click(&mut self, row: u16) -> Out {
        let index = self.scroll.top + usize::from(row.saturating_sub(1));
        let inside = (1..=self.scroll.height).contains(&usize::from(row));
        let item = self.lines.get(index).map_or(Item::Words, |l| l.0);
        if !inside || item == Item::Words {
            return Out::Done;
        }
        if index == self.scroll.cursor {
            return self.open();
        }
        self.scroll.put(index, self.lines.len());
        Out::Done
    }

    /// Moves the cursor to the next line that something can be done with, the window by lines.
    fn by(&mut self, by: isize) {
        let len = self.lines.len();
        let from = self.scroll.cursor;
        let is_item = |i: &usize| self.lines.get(*i).is_some_and(|l| l.0 != Item::Words);
        let found = if by >= 0 {
            let start = if by == 0 { from } else { from + 1 };
            (start..len).find(is_item)
        } else {
            (0..from).rev().find(is_item)
        };
        match found {
            Some(to) => self.scroll.put(to, len),
            // Nothing further up: show the very beginning.
            None if by < 0 => self.scroll.top = 0,
            None if by == 0 => {
                if let Some(to) = (0..from.min(len)).rev().find(is_item) {
                    self.scroll.put(to, len);
                }
            }
            None => {}
        }
    }

    fn here(&self) -> Item {
        self.lines
            .get(self.scroll.cursor)
            .map_or(Item::Words, |l| l.0)
    }

    fn open(&mut self) -> Out {
        let Some(summary) = self.summary.clone() else {
            return Out::Go(self.session, Target::End);
        };
        let step = match self.here() {
            Item::Test => summary.last_test.as_ref().map(|t| t.row),
            Item::Risky(i) => summary.risky.get(i).map(|r| r.0.row),
            Item::File(i) => summary.files.get(i).map(|f| f.last_step),
            Item::Generated => {
                self.show_generated = !self.show_generated;
                self.width = 0;
                return Out::Done;
            }
            Item::Prompt(i) => {
                let no = summary.prompts.get(i).map_or(0, |p| p.0.no);
                return Out::Go(self.session, Target::Prompt(self.session, no));
            }
            Item::Words => None,
        };
        match step {
            Some(step) => Out::Go(self.session, Target::Step(step)),
            None => Out::Go(self.session, Target::End),
        }
    }

    fn of_file(&self, action: Action) -> Out {
        let (Item::File(index), Some(summary)) = (self.here(), &self.summary) else {
            return Out::Done;
        };
        match (summary.files.get(index), action) {
            (None, _) => Out::Done,
            (Some(file), Action::Blame) => Out::Blame(file.path.clone()),
            (Some(file), _) => Out::History(file.path.clone()),
        }
    }

    fn toggle(&mut self) -> Out {
        let Item::File(index) = self.here() else {
            if self.here() == Item::Generated {
                self.show_generated = !self.show_generated;
                self.width = 0;
            }
            return Out::Done;
        };
        let Some(summary) = self.summary.as_mut().map(Arc::make_mut) else {
            return Out::Done;
        };
        let Some(file) = summary.files.get_mut(index) else {
            return Out::Done;
        };
        file.viewed = !file.viewed;
        self.width = 0;
        Out::Ask(Question::SetViewed {
            session: self.session,
            path: file.path.clone(),
            state: file.state.clone(),
            viewed: file.viewed,
        })
    }

    /// Fits the screen.
    pub fn fit(&mut self, area: Rect, theme: &Theme, marks: &Marks, moment: &Moment) {
        if self.width != area.width
            && let Some(summary) = self.summary.clone()
        {
            self.width = area.width;
            let builder = Builder {
                summary: &summary,
                standing: &self.standing,
                theme,
                marks,
                moment,
                width: usize::from(area.width.saturating_sub(2)),
                lines: Vec::new(),
            };
            self.lines = builder.build(self.show_generated);
        }
        let first = self.scroll == Scroll::default();
        let height = usize::from(area.height.saturating_sub(2));
        self.scroll.fit(height, self.lines.len());
        if first {
            self.by(0);
            self.scroll.top = 0;
        }
    }

    /// Draws it.
    pub fn draw(&self, area: Rect, theme: &Theme, marks: &Marks, buf: &mut Buffer) {
        Clear.render(area, buf);
        let mut title = Title::new("Summary", theme, true);
        if let Some(summary) = &self.summary {
            let room = usize::from(area.width / 2);
            let words = text::one_line(&summary.session.title);
            title = title.dim(format!("  {}", text::end(&words, room)), theme);
            let viewed = summary.files.iter().filter(|f| f.viewed).count();
            title = title.right(vec![Span::styled(
                format!("{viewed}/{} viewed", summary.files.len()),
                theme.dim(),
            )]);
        }
        let foot = hints(
            &[
                ("Enter", "go there"),
                ("Space", "viewed"),
                ("b", "who wrote it"),
                ("H", "its prompts"),
                ("→", "timeline"),
                ("Esc", "back"),
            ],
            area.width,
            theme,
        );
        let inside = popup(area, &title, &foot, theme, buf);
        if self.summary.is_none() {
            put_line(inside, &Line::styled("  reading …", theme.dim()), buf);
        }
        let window = self.lines.iter().enumerate().skip(self.scroll.top);
        for (row, (index, (item, line))) in window.take(usize::from(inside.height)).enumerate() {
            let at = Rect::new(inside.x, inside.y + row as u16, inside.width, 1);
            let here = index == self.scroll.cursor && *item != Item::Words;
            let style = if here { theme.selected() } else { Style::new() };
            Row {
                line: line.clone(),
                style,
            }
            .draw(at, buf);
            if here {
                put_line(at, &Line::styled(marks.bar, theme.cursor_bar(true)), buf);
            }
        }
    }
}

struct Builder<'a> {
    summary: &'a Summary,
    standing: &'a Standing,
    theme: &'a Theme,
    marks: &'a Marks,
    moment: &'a Moment,
    width: usize,
    lines: Vec<(Item, Line<'static>)>,
}

impl Builder<'_> {
    fn build(mut self, show_generated: bool) -> Vec<(Item, Line<'static>)> {
        self.counts();
        self.last_words();
        self.test();
        self.risky();
        self.files(show_generated);
        self.prompts();
        self.lines
    }

    fn words(&mut self, line: Line<'static>) {
        self.lines.push((Item::Words, line));
    }

    fn heading(&mut self, words: &'static str, right: String) {
        self.words(Line::default());
        let mut cells = Cells::default();
        cells.push(format!("  {words}"), self.theme.heading());
        cells.right(right, self.theme.dim(), self.width.saturating_sub(1));
        self.words(cells.line());
    }

    fn counts(&mut self) {
        let s = &self.summary.session;
        let mut cells = Cells::default();
        cells.push("  ", Style::new());
        cells.push(s.agent.name(), self.theme.author(Author::Agent));
        if let Some(model) = &s.model {
            cells.push(format!("  {}", text::line(model)), self.theme.dim());
        }
        if let (Some(a), Some(b)) = (s.started_at, s.ended_at) {
            cells.push(format!("  {}", self.moment.span(a, b)), self.theme.dim());
        }
        if s.live {
            cells.push("  live", self.theme.accent());
        } else if s.archived {
            cells.push("  archived", self.theme.dim());
        }
        self.words(cells.line());
        let mut said = vec![
            phrase::count(s.prompts.into(), "prompts"),
            phrase::count(s.steps.into(), "steps"),
            phrase::count(s.commands.into(), "commands"),
            phrase::count(s.files_changed.into(), "files"),
        ];
        if s.failed > 0 {
            said.push(format!("{} failed", s.failed));
        }
        let mut cells = Cells::default();
        cells.push(format!("  {}", said.join(" · ")), self.theme.text());
        let (plus, minus) = phrase::plus_minus(s.added, s.removed);
        cells.push(format!("  {plus}"), self.theme.add());
        cells.push(format!(" {minus}"), self.theme.delete());
        self.words(cells.line());
        self.standing();
        for warning in &s.warnings {
            let said = format!("  ! {}", text::one_line(warning));
            let line = Line::styled(text::end(&said, self.width).into_owned(), self.theme.warn());
            self.words(line);
        }
    }

    /// It has its row from the beginning: nothing moves when the count comes.
    fn standing(&mut self) {
        if self.summary.session.files_changed == 0 {
            return;
        }
        let (words, style) = match self.standing {
            Standing::Awaited => ("counting the lines that still stand …", self.theme.dim()),
            Standing::Said(words) | Standing::Old(words) => match words {
                Some(words) => (words.as_str(), self.theme.text()),
                None => ("no line that it wrote could be counted", self.theme.dim()),
            },
        };
        let room = self.width.saturating_sub(3);
        let words = format!("  {}", text::end(words, room));
        self.words(Line::styled(words, style));
    }

    fn last_words(&mut self) {
        if self.summary.last_words.trim().is_empty() {
            return;
        }
        self.heading("Last words", String::new());
        let room = self.width.saturating_sub(4);
        let lines = crate::ui::markdown::render(&self.summary.last_words, room, self.theme);
        let more = lines.len().saturating_sub(WORDS);
        for line in lines.into_iter().take(WORDS) {
            let mut spans = vec![Span::raw("  ")];
            spans.extend(line.spans);
            self.words(Line::from(spans).style(line.style));
        }
        if more > 0 {
            let said = format!("  … {}", phrase::count(more as u64, "more rows"));
            self.words(Line::styled(said, self.theme.marker()));
        }
    }

    fn test(&mut self) {
        self.heading("Tests", String::new());
        let mut cells = Cells::default();
        let Some(test) = &self.summary.last_test else {
            let none = Line::styled("  none were run", self.theme.dim());
            self.words(none);
            return;
        };
        let session = &self.summary.session;
        let (said, style) = test_words(session, self.marks, self.theme);
        cells.push("  ", Style::new());
        cells.push(said, style);
        cells.to(11);
        let title = text::one_line(&test.title);
        let room = self.width.saturating_sub(40);
        cells.push(text::middle(&title, room).into_owned(), self.theme.text());
        if session.test_stale {
            cells.push("  older than the last edit", self.theme.warn());
        }
        self.time_at_end(&mut cells, test);
        self.lines.push((Item::Test, cells.line()));
    }

    fn time_at_end(&self, cells: &mut Cells, step: &StepInfo) {
        if let Some(at) = step.at {
            let end = self.width.saturating_sub(1);
            cells.right(self.moment.short(at), self.theme.dim(), end);
        }
    }

    fn risky(&mut self) {
        if self.summary.risky.is_empty() {
            return;
        }
        let count = self.summary.risky.len();
        self.heading("Commands worth a look", count.to_string());
        for (i, (step, why)) in self.summary.risky.iter().enumerate() {
            let mut cells = Cells::default();
            cells.push("  ! ", self.theme.warn());
            let title = text::one_line(&step.title);
            let room = self.width.saturating_sub(16 + text::width(why));
            cells.push(text::middle(&title, room).into_owned(), self.theme.text());
            cells.push(format!("  {why}"), self.theme.warn());
            self.time_at_end(&mut cells, step);
            self.lines.push((Item::Risky(i), cells.line()));
        }
    }

    fn files(&mut self, show_generated: bool) {
        let files = &self.summary.files;
        if files.is_empty() {
            self.heading("Files", "none changed".to_owned());
            return;
        }
        let mut order: Vec<(usize, &SummaryFile)> = files.iter().enumerate().collect();
        order.sort_by_key(|(i, f)| (f.class, *i));
        for class in [
            FileClass::Source,
            FileClass::Test,
            FileClass::Config,
            FileClass::Docs,
            FileClass::Generated,
        ] {
            let of: Vec<_> = order.iter().filter(|(_, f)| f.class == class).collect();
            if of.is_empty() {
                continue;
            }
            let viewed = of.iter().filter(|(_, f)| f.viewed).count();
            let right = format!("{viewed}/{} viewed", of.len());
            self.heading(class_name(class), right);
            if class == FileClass::Generated && !show_generated {
                let said = format!("    {}, folded", phrase::count(of.len() as u64, "files"));
                let line = Line::styled(said, self.theme.dim());
                self.lines.push((Item::Generated, line));
                continue;
            }
            for (i, file) in of {
                let line = self.file(file);
                self.lines.push((Item::File(*i), line));
            }
        }
    }

    fn file(&self, file: &SummaryFile) -> Line<'static> {
        let mut cells = Cells::default();
        cells.push("  ", Style::new());
        let tick = if file.viewed { self.marks.passed } else { " " };
        cells.push(tick, self.theme.ok());
        cells.push(" ", Style::new());
        let (letter, style) = op_letter(file.op, self.theme);
        cells.push(letter, style);
        cells.push("  ", Style::new());
        let lines = (file.added, file.removed);
        path_and_lines(&mut cells, &file.path, lines, self.width, self.theme);
        cells.line()
    }

    fn prompts(&mut self) {
        let count = self.summary.prompts.len();
        self.heading("Prompts", count.to_string());
        for (i, (head, changed, failed)) in self.summary.prompts.iter().enumerate() {
            let mut cells = Cells::default();
            cells.push(format!("  {:>3} ", head.no), self.theme.accent());
            let end = self.width.saturating_sub(1);
            let mut right = phrase::count(head.steps.len() as u64, "steps");
            if *changed > 0 {
                right.push_str(&format!("  {}", phrase::count((*changed).into(), "files")));
            }
            if *failed > 0 {
                right.push_str(&format!("  {failed} failed"));
            }
            let room = end.saturating_sub(cells.used() + right.len() + 2);
            let words = text::one_line(&head.head);
            cells.push(text::end(&words, room).into_owned(), self.theme.text());
            cells.right(right, self.theme.dim(), end);
            self.lines.push((Item::Prompt(i), cells.line()));
        }
    }
}

fn class_name(class: FileClass) -> &'static str {
    match class {
        FileClass::Source => "Source",
        FileClass::Test => "Tests changed",
        FileClass::Config => "Configuration",
        FileClass::Docs => "Documents",
        FileClass::Generated => "Generated",
    }
}
