//! A list with a box to type in: the palette, the help, any file. What is typed filters it, fuzzily; Enter runs it.

use crossterm::event::KeyCode;
use fuzzy_matcher::FuzzyMatcher;
use fuzzy_matcher::skim::SkimMatcherV2;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Out;
use crate::query::types::StepRow;
use crate::text;
use crate::ui::action::Action;
use crate::ui::key::KeyPress;
use crate::ui::keymap::{Keymap, word_of};
use crate::ui::layout::centred;
use crate::ui::marks::Marks;
use crate::ui::theme::Theme;
use crate::ui::widget::{Cells, Input, Row, Scroll, Title, popup, put_line};

/// What choosing an item means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Do this.
    Action(Action),
    /// Go to this step.
    Step(StepRow),
    /// A file, and the last step that touched it.
    File(String, StepRow),
    /// Nothing: a heading.
    Heading,
}

/// A row.
#[derive(Clone, Debug)]
struct Item {
    /// In front, dim or as a key.
    left: String,
    /// What is matched.
    words: String,
    value: Value,
}

/// What the list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every action by its name, or a time.
    Palette,
    /// Every key.
    Help,
    /// Every file.
    Files,
    /// The steps that changed lines of another one.
    Later,
}

/// The list.
#[derive(Clone, Debug)]
pub struct State {
    kind: Kind,
    input: Input,
    items: Vec<Item>,
    /// Items that match, with the matched characters of `words`.
    shown: Vec<(usize, Vec<usize>)>,
    scroll: Scroll,
    loading: bool,
}

/// More matches than this are not listed.
const MOST: usize = 2000;

impl State {
    fn new(kind: Kind, items: Vec<Item>) -> State {
        let mut state = State {
            kind,
            input: Input::default(),
            items,
            shown: Vec::new(),
            scroll: Scroll::default(),
            loading: false,
        };
        state.refilter();
        state
    }

    /// Every action by its name.
    pub fn palette(keymap: &Keymap) -> State {
        let all = keymap.bindings().iter().filter(|b| b.within.is_none());
        let items = all.map(|b| Item {
            left: b.shown_keys(),
            words: format!("{}  {}", word_of(b.action).replace('_', " "), b.does),
            value: Value::Action(b.action),
        });
        State::new(Kind::Palette, items.collect())
    }

    /// Every key, group by group.
    pub fn help(keymap: &Keymap) -> State {
        let mut items: Vec<Item> = Vec::new();
        let mut group = "";
        for binding in keymap.bindings() {
            if binding.group != group {
                group = &binding.group;
                items.push(Item {
                    left: String::new(),
                    words: group.to_owned(),
                    value: Value::Heading,
                });
            }
            items.push(Item {
                left: binding.shown_keys(),
                words: binding.does.clone(),
                value: Value::Action(binding.action),
            });
        }
        State::new(Kind::Help, items)
    }

    /// Any file; they are still to come.
    pub fn files() -> State {
        let mut state = State::new(Kind::Files, Vec::new());
        state.loading = true;
        state
    }

    /// Steps that changed lines, each with words that say what it did.
    pub fn later(steps: Vec<(String, StepRow)>) -> State {
        let items = steps.into_iter().map(|(words, step)| Item {
            left: String::new(),
            words,
            value: Value::Step(step),
        });
        State::new(Kind::Later, items.collect())
    }

    /// The file under the cursor.
    fn file(&self) -> Option<String> {
        let (index, _) = self.shown.get(self.scroll.cursor)?;
        match &self.items.get(*index)?.value {
            Value::File(path, _) => Some(path.clone()),
            _ => None,
        }
    }

    /// The files have come.
    pub fn take_files(&mut self, files: Vec<(String, StepRow)>) {
        if self.kind != Kind::Files {
            return;
        }
        self.items = files
            .into_iter()
            .map(|(path, step)| Item {
                left: String::new(),
                words: text::one_line(&path),
                value: Value::File(path, step),
            })
            .collect();
        self.loading = false;
        self.refilter();
    }

    /// A key.
    pub fn key(&mut self, key: KeyPress) -> Out {
        let len = self.shown.len();
        match (key.code, key.control) {
            (KeyCode::Esc, _) => return Out::Close,
            (KeyCode::Enter, _) => return self.chosen(),
            (KeyCode::Tab, _) => return self.file().map_or(Out::Done, Out::Blame),
            (KeyCode::BackTab, _) => return self.file().map_or(Out::Done, Out::History),
            (KeyCode::Down, _) | (KeyCode::Char('n'), true) => self.by(1),
            (KeyCode::Up, _) | (KeyCode::Char('p'), true) => self.by(-1),
            (KeyCode::Char('d'), true) => self.scrolled(Action::HalfPageDown, len),
            (KeyCode::PageDown, _) => self.scrolled(Action::PageDown, len),
            (KeyCode::PageUp, _) => self.scrolled(Action::PageUp, len),
            (KeyCode::Backspace, _) if self.input.text().is_empty() => return Out::Close,
            // The key that opened the help closes it while nothing is typed.
            (KeyCode::Char('?'), false)
                if self.kind == Kind::Help && self.input.text().is_empty() =>
            {
                return Out::Close;
            }
            _ => {
                if !self.input.key(key) {
                    return Out::Ignored;
                }
                self.refilter();
            }
        }
        Out::Done
    }

    fn scrolled(&mut self, action: Action, len: usize) {
        self.scroll.update(action, len);
    }

    /// Moves over headings.
    fn by(&mut self, by: isize) {
        self.scroll.by(by, self.shown.len());
        if self.is_heading(self.scroll.cursor) {
            let before = self.scroll.cursor;
            self.scroll.by(by, self.shown.len());
            if self.scroll.cursor == before {
                self.scroll.by(-by, self.shown.len());
            }
        }
    }

    fn is_heading(&self, row: usize) -> bool {
        let item = self.shown.get(row).and_then(|(i, _)| self.items.get(*i));
        item.is_some_and(|i| i.value == Value::Heading)
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str) {
        self.input.paste(text);
        self.refilter();
    }

    /// Moves the list.
    pub fn wheel(&mut self, by: isize) {
        self.scroll.by(by, self.shown.len());
    }

    /// The mouse was clicked: on a row that is chosen it does what Enter does, outside it closes the list.
    pub fn click(&mut self, screen: Rect, (column, row): (u16, u16)) -> Out {
        let outside = self.outside(screen);
        if !outside.contains((column, row).into()) {
            return Out::Close;
        }
        // The frame and the line to type in come first.
        let Some(at) = row.checked_sub(outside.y + 2) else {
            return Out::Done;
        };
        let index = self.scroll.top + usize::from(at);
        let inside = usize::from(at) < self.scroll.height && index < self.shown.len();
        if !inside || self.is_heading(index) {
            return Out::Done;
        }
        if index == self.scroll.cursor {
            return self.chosen();
        }
        self.scroll.put(index, self.shown.len());
        Out::Done
    }

    fn typed_time(&self) -> Option<&str> {
        let typed = self.input.text().trim();
        let like = typed.starts_with('-') || typed.starts_with(|c: char| c.is_ascii_digit());
        (self.kind == Kind::Palette && like).then_some(typed)
    }

    fn chosen(&self) -> Out {
        if let Some(time) = self.typed_time() {
            return Out::GoToTime(time.to_owned());
        }
        let item = self
            .shown
            .get(self.scroll.cursor)
            .and_then(|(i, _)| self.items.get(*i));
        match item.map(|i| &i.value) {
            Some(Value::Action(action)) => Out::Run(*action),
            Some(Value::Step(step) | Value::File(_, step)) => Out::Resolve(*step),
            Some(Value::Heading) | None => Out::Done,
        }
    }

    fn refilter(&mut self) {
        let typed = self.input.text().trim();
        self.shown = if typed.is_empty() {
            (0..self.items.len().min(MOST))
                .map(|i| (i, Vec::new()))
                .collect()
        } else {
            let matcher = SkimMatcherV2::default().ignore_case();
            let mut found: Vec<(i64, usize, Vec<usize>)> = self
                .items
                .iter()
                .enumerate()
                .filter(|(_, item)| item.value != Value::Heading)
                .filter_map(|(i, item)| {
                    let (score, at) = matcher.fuzzy_indices(&item.words, typed)?;
                    Some((score, i, at))
                })
                .collect();
            // A key typed into the help finds its row first.
            found.sort_by_key(|(score, i, _)| {
                let exact = self.items[*i].left.split("  ").any(|k| k == typed);
                (!exact, -score, *i)
            });
            if self.kind == Kind::Help {
                let mut by_key: Vec<_> = (0..self.items.len())
                    .filter(|i| self.items[*i].left.split("  ").any(|k| k == typed))
                    .filter(|i| !found.iter().any(|(_, j, _)| j == i))
                    .map(|i| (0, i, Vec::new()))
                    .collect();
                by_key.append(&mut found);
                found = by_key;
            }
            found.truncate(MOST);
            found.into_iter().map(|(_, i, at)| (i, at)).collect()
        };
        self.scroll.put(0, self.shown.len());
        if self.is_heading(0) {
            self.scroll.put(1, self.shown.len());
        }
    }

    fn outside(&self, screen: Rect) -> Rect {
        let height = match self.kind {
            Kind::Help => screen.height.saturating_sub(4),
            _ => (screen.height * 2 / 3).max(8),
        };
        // Where next to nothing would be seen beside it, it takes the whole width.
        let width = if screen.width < 100 { screen.width } else { 92 };
        centred(screen, width, height)
    }

    /// Fits the list to the screen.
    pub fn fit(&mut self, screen: Rect) {
        let rows = self.outside(screen).height.saturating_sub(3);
        self.scroll.fit(usize::from(rows), self.shown.len());
    }

    /// Draws it.
    pub fn draw(&self, screen: Rect, theme: &Theme, marks: &Marks, buf: &mut Buffer) {
        let (name, hint) = match self.kind {
            Kind::Palette => ("Palette", "a name, or a time: 14:20  -5m"),
            Kind::Help => ("Help", "type to filter   Enter runs it"),
            Kind::Files => (
                "Files",
                "Enter last step   Tab who wrote its lines   S-Tab history",
            ),
            Kind::Later => ("Changed later by", "Enter goes to the step"),
        };
        let title = Title::new(name, theme, true).right(vec![Span::styled(
            format!("{} of {}", self.shown.len(), self.items.len()),
            theme.dim(),
        )]);
        let foot = Line::styled(hint, theme.dim());
        let inside = popup(self.outside(screen), &title, &foot, theme, buf);
        let input = Rect::new(inside.x + 1, inside.y, inside.width.saturating_sub(2), 1);
        put_line(input, &Line::styled("› ", theme.key()), buf);
        let typing = Rect::new(input.x + 2, input.y, input.width.saturating_sub(2), 1);
        self.input.draw(typing, theme, buf);
        let said = match (self.typed_time(), self.loading) {
            (Some(time), _) => Some(format!("  go to {time}")),
            (_, true) => Some("  reading …".to_owned()),
            _ if self.shown.is_empty() => Some("  nothing matches".to_owned()),
            _ => None,
        };
        if let Some(said) = said {
            let at = Rect::new(inside.x, inside.y + 1, inside.width, 1).intersection(inside);
            put_line(at, &Line::styled(said, theme.dim()), buf);
            return;
        }
        let window = self.shown.iter().enumerate().skip(self.scroll.top);
        for (row, (index, (item, matched))) in window.take(self.scroll.height).enumerate() {
            let at = Rect::new(inside.x, inside.y + 1 + row as u16, inside.width, 1);
            let here = index == self.scroll.cursor;
            self.row(&self.items[*item], matched, here, theme, marks)
                .draw(at.intersection(inside), buf);
        }
    }

    fn row<'a>(
        &'a self,
        item: &'a Item,
        matched: &[usize],
        here: bool,
        theme: &Theme,
        marks: &Marks,
    ) -> Row<'a> {
        let mut cells = Cells::default();
        cells.push(if here { marks.bar } else { " " }, theme.cursor_bar(true));
        if item.value == Value::Heading {
            cells.push(format!(" {}", item.words), theme.heading());
            return Row {
                line: cells.line(),
                style: Style::new(),
            };
        }
        if !matches!(self.kind, Kind::Files | Kind::Later) {
            cells.push(" ", Style::new());
            cells.push(item.left.as_str(), theme.key());
            cells.to(17);
        }
        cells.push(" ", Style::new());
        push_matched(&mut cells, &item.words, matched, theme.text(), theme);
        Row {
            line: cells.line(),
            style: if here { theme.selected() } else { Style::new() },
        }
    }
}

/// A text with some of its characters shown as matched.
pub fn push_matched(
    cells: &mut Cells,
    words: &str,
    matched: &[usize],
    style: Style,
    theme: &Theme,
) {
    let mut piece = String::new();
    let mut piece_matched = false;
    let mut at = matched.iter().copied().peekable();
    let mut flush = |piece: &mut String, hit: bool| {
        if !piece.is_empty() {
            let style = if hit {
                style.patch(theme.matched())
            } else {
                style
            };
            cells.push(text::line(piece).into_owned(), style);
            piece.clear();
        }
    };
    for (i, c) in words.chars().enumerate() {
        let hit = at.peek() == Some(&i);
        if hit {
            at.next();
        }
        if hit != piece_matched {
            flush(&mut piece, piece_matched);
            piece_matched = hit;
        }
        piece.push(c);
    }
    flush(&mut piece, piece_matched);
}
