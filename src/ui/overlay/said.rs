//! What was said in the status line, whole, the newest first: a line there is cut where the screen ends.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Out;
use super::sessions::hints;
use crate::text;
use crate::ui::action::Action;
use crate::ui::layout::centred;
use crate::ui::message::Note;
use crate::ui::theme::Theme;
use crate::ui::widget::{Scroll, Title, popup, put_line};

/// The widest that words are to be read in.
const WIDE: u16 = 100;

/// The box.
#[derive(Clone, Debug, Default)]
pub struct State {
    notes: Vec<Note>,
    lines: Vec<Line<'static>>,
    width: u16,
    scroll: Scroll,
}

impl State {
    /// A box with what was said, the newest last.
    pub fn new(notes: &[Note]) -> State {
        State {
            notes: notes.iter().rev().cloned().collect(),
            ..State::default()
        }
    }

    /// An action. The box scrolls; it has no cursor of its own.
    pub fn update(&mut self, action: Action) -> Out {
        let (len, height) = (self.lines.len(), self.scroll.height);
        // As if the cursor stood on the last row in view (or the first, going up).
        self.scroll.cursor = match action {
            Action::Down | Action::PageDown | Action::HalfPageDown => self.scroll.top + height - 1,
            _ => self.scroll.top,
        };
        match action {
            Action::Leave | Action::Open | Action::Messages | Action::Quit => Out::Close,
            _ if height > 0 && self.scroll.update(action, len) => Out::Done,
            _ => Out::Ignored,
        }
    }

    fn outside(&self, body: Rect) -> Rect {
        let rows = self.lines.len() as u16 + 2;
        centred(body, body.width.min(WIDE), rows.min(body.height))
    }

    /// Wraps the words for the screen.
    pub fn fit(&mut self, body: Rect, theme: &Theme) {
        let width = body.width.min(WIDE).saturating_sub(4).max(1);
        if width != self.width {
            self.width = width;
            self.lines = lay_out(&self.notes, usize::from(width), theme);
        }
        let height = self.outside(body).height.saturating_sub(2);
        self.scroll.fit(usize::from(height), self.lines.len());
    }

    /// Draws it.
    pub fn draw(&self, body: Rect, theme: &Theme, buf: &mut Buffer) {
        let title = Title::new("What was said", theme, true);
        let foot = hints(&[("Esc", "back")], body.width, theme);
        let inside = popup(self.outside(body), &title, &foot, theme, buf);
        let rows = inside.y..inside.bottom();
        for (y, line) in rows.zip(self.lines.iter().skip(self.scroll.top)) {
            let at = Rect::new(inside.x + 1, y, inside.width.saturating_sub(2), 1);
            put_line(at, line, buf);
        }
    }
}

fn lay_out(notes: &[Note], width: usize, theme: &Theme) -> Vec<Line<'static>> {
    if notes.is_empty() {
        let words = "Nothing was said yet: errors and notices stand here, whole.";
        return vec![Line::styled(words, theme.dim())];
    }
    let mut lines = Vec::new();
    for note in notes {
        let (sign, style) = match note.error {
            true => ("! ", theme.fail()),
            false => ("  ", Style::new()),
        };
        let safe = text::lines(&note.text);
        for (i, line) in safe.split('\n').enumerate() {
            for (j, row) in text::wrap(line, width.saturating_sub(2).max(1), 0)
                .into_iter()
                .enumerate()
            {
                let first = (i, j) == (0, 0);
                lines.push(Line::from(vec![
                    Span::styled(if first { sign } else { "  " }, style),
                    Span::styled(line[row.bytes].to_owned(), theme.text()),
                ]));
            }
        }
    }
    lines
}
