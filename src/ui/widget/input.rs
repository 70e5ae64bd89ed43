//! A line to type in. tui-textarea edits it; it stands behind this one file.

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use tui_textarea::{CursorMove, Input as Typed, Key, TextArea};

use super::spans::put_line;
use crate::text;
use crate::ui::key::KeyPress;
use crate::ui::theme::Theme;

/// More is not typed, and a paste is cut here.
const LONGEST: usize = 1000;

/// One line of text with a cursor.
#[derive(Clone, Debug, Default)]
pub struct Input {
    area: TextArea<'static>,
}

impl Input {
    /// A line with a text in it, the cursor at its end.
    pub fn with(text: &str) -> Input {
        let mut input = Input::default();
        input.paste(text);
        input
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        self.area.lines().first().map_or("", String::as_str)
    }

    /// A key; true if the text changed or the cursor moved, false if the key is not for a line of text.
    pub fn key(&mut self, key: KeyPress) -> bool {
        let full = self.text().len() >= LONGEST;
        let mut plain = |key: Key| {
            self.area.input_without_shortcuts(Typed {
                key,
                ctrl: false,
                alt: false,
                shift: false,
            });
            true
        };
        match (key.code, key.control) {
            (KeyCode::Char('w'), true) => self.area.delete_word(),
            (KeyCode::Char('u'), true) => self.area.delete_line_by_head(),
            (KeyCode::Char('k'), true) => self.area.delete_line_by_end(),
            (KeyCode::Char('a'), true) | (KeyCode::Home, _) => self.go(CursorMove::Head),
            (KeyCode::Char('e'), true) | (KeyCode::End, _) => self.go(CursorMove::End),
            (KeyCode::Left, _) => self.go(CursorMove::Back),
            (KeyCode::Right, _) => self.go(CursorMove::Forward),
            (KeyCode::Char(c), false) if !full => plain(Key::Char(c)),
            (KeyCode::Backspace, _) => plain(Key::Backspace),
            (KeyCode::Delete, _) => plain(Key::Delete),
            _ => return false,
        };
        true
    }

    fn go(&mut self, to: CursorMove) -> bool {
        self.area.move_cursor(to);
        true
    }

    /// Pasted text: its line breaks become spaces.
    pub fn paste(&mut self, pasted: &str) {
        let room = LONGEST.saturating_sub(self.text().len());
        let line: String = pasted
            .chars()
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .take(room)
            .collect();
        self.area.insert_str(line);
    }

    /// Draws the text with its cursor; the part around the cursor where it does not fit.
    pub fn draw(&self, area: Rect, theme: &Theme, buf: &mut Buffer) {
        let typed = self.text();
        let column = self.area.cursor().1;
        let at = typed
            .char_indices()
            .nth(column)
            .map_or(typed.len(), |(i, _)| i);
        let before = text::line(&typed[..at]).into_owned();
        let room = usize::from(area.width).saturating_sub(1);
        let before = text::start(&before, room).into_owned();
        let mut rest = typed[at..].chars();
        let under = rest.next().map_or_else(
            || " ".to_owned(),
            |c| text::line(c.encode_utf8(&mut [0; 4])).into_owned(),
        );
        let line = Line::from(vec![
            Span::styled(before, theme.text()),
            Span::styled(under, theme.text().add_modifier(Modifier::REVERSED)),
            Span::styled(text::line(rest.as_str()).into_owned(), theme.text()),
        ]);
        put_line(area, &line, buf);
    }
}
