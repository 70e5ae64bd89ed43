//! A line to type in at the bottom of the screen: the filter of the timeline, the search in a pane.

use crossterm::event::KeyCode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Out;
use crate::ui::key::KeyPress;
use crate::ui::theme::Theme;
use crate::ui::widget::{Input, put_line};

/// What the line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The filter of the timeline.
    Filter,
    /// The search in the diff.
    Search,
    /// The search among the steps.
    SearchSteps,
}

/// The line.
#[derive(Clone, Debug)]
pub struct State {
    purpose: Purpose,
    input: Input,
    /// What is wrong with what was typed.
    pub problem: Option<String>,
}

impl State {
    /// A line with a text in it.
    pub fn new(purpose: Purpose, text: &str) -> State {
        State {
            purpose,
            input: Input::with(text),
            problem: None,
        }
    }

    /// What it is for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// A key.
    pub fn key(&mut self, key: KeyPress) -> Out {
        match key.code {
            KeyCode::Esc => Out::Close,
            KeyCode::Enter => self.typed(true),
            KeyCode::Backspace if self.input.text().is_empty() => Out::Close,
            _ if self.input.key(key) => {
                self.problem = None;
                match self.purpose {
                    // A search shows its hits while one types; what asks the store waits for Enter.
                    Purpose::Search => self.typed(false),
                    Purpose::Filter | Purpose::SearchSteps => Out::Done,
                }
            }
            _ => Out::Done,
        }
    }

    fn typed(&self, confirmed: bool) -> Out {
        Out::Typed {
            purpose: self.purpose,
            text: self.input.text().to_owned(),
            confirmed,
        }
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str) -> Out {
        self.input.paste(text);
        match self.purpose {
            Purpose::Search => self.typed(false),
            Purpose::Filter | Purpose::SearchSteps => Out::Done,
        }
    }

    /// Draws it over the status line.
    pub fn draw(&self, area: Rect, theme: &Theme, buf: &mut Buffer) {
        ratatui::widgets::Widget::render(ratatui::widgets::Clear, area.intersection(buf.area), buf);
        let label = match self.purpose {
            Purpose::Filter => " filter ",
            Purpose::Search => " search in the diff ",
            Purpose::SearchSteps => " search steps ",
        };
        put_line(area, &Line::styled(label, theme.key()), buf);
        let x = area.x + label.len() as u16;
        let room = area.width.saturating_sub(label.len() as u16);
        let hint = match (&self.problem, self.purpose) {
            (Some(problem), _) => Line::styled(problem.clone(), theme.fail()),
            (None, Purpose::Filter) => {
                Line::styled("kind:edit path:src/ failed since:2w words", theme.dim())
            }
            (None, _) => Line::default(),
        };
        let typed = crate::text::width(self.input.text()) as u16;
        let hint_width = match hint.width() as u16 {
            wide if wide + typed + 4 <= room || self.problem.is_some() => wide.min(room),
            _ => 0,
        };
        self.input.draw(
            Rect::new(x, area.y, room.saturating_sub(hint_width + 2), 1),
            theme,
            buf,
        );
        let at = Rect::new(area.right() - hint_width.min(room), area.y, hint_width, 1);
        put_line(at, &hint, buf);
    }
}
