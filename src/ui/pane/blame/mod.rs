//! The pane that stands in the timeline's place while one asks about a file: who wrote each line ([`file`]), or what
//! touched it ([`past`]). A pile of views: each way further lays one on top, and Esc takes one away.
//!
//! It asks nothing itself: [`Out`] says what it wants, and [`Stack::selected`] what prompt and diff are to be about.

mod file;
mod gutter;
mod past;
mod words;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

pub use self::words::{alive, fate};
use super::diff;
use crate::model::Agent;
use crate::query::blame::{History, When};
use crate::query::types::{FileChange, SessionRow, StepInfo, StepRow};
use crate::ui::action::Action;
use crate::ui::marks::Marks;
use crate::ui::message::{Blamed, Seek};
use crate::ui::phrase::Moment;
use crate::ui::theme::Theme;
use crate::ui::widget::put_line;

/// What it is drawn with.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The styles.
    pub theme: &'a Theme,
    /// The time.
    pub moment: &'a Moment,
    /// The signs.
    pub marks: &'a Marks,
    /// The pane has the focus.
    pub focused: bool,
}

/// What it wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// Nothing more.
    Done,
    /// The action was not for it.
    Ignored,
    /// To be closed.
    Close,
    /// To go to a step of a session.
    Go(SessionRow, StepRow),
    /// Another file, or another state of this one.
    Seek(Seek),
    /// What touched a file.
    History(String),
    /// Something that its text wants.
    Text(diff::Out),
    /// To say something.
    Say(&'static str),
}

/// What the cursor is on.
#[derive(Clone, Debug)]
pub enum Selected {
    /// A step's work.
    Step {
        /// The session whose prompt it was for.
        root: SessionRow,
        /// The step.
        step: Box<StepInfo>,
        /// Whose.
        agent: Option<Agent>,
        /// The file, and the line where it is one.
        file: (String, Option<String>),
    },
    /// A change that no step made.
    Gap(Arc<FileChange>),
    /// Something else, in words: a heading and what is known.
    Words(&'static str, String),
}

/// One view.
#[derive(Clone, Debug)]
enum View {
    /// Nothing yet, or why there is nothing.
    Words(String, String),
    File(Box<file::State>),
    Past(Box<past::State>),
}

/// The views, the last one on top.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    views: Vec<View>,
    size: (u16, u16),
}

impl Stack {
    /// Whether it is on the screen.
    pub fn is_open(&self) -> bool {
        !self.views.is_empty()
    }

    /// How many views lie on each other.
    pub fn depth(&self) -> usize {
        self.views.len()
    }

    /// Takes the top view away.
    pub fn pop(&mut self) {
        self.views.pop();
    }

    /// Takes all of them away.
    pub fn clear(&mut self) {
        self.views.clear();
    }

    /// A file whose answer is still to come.
    pub fn await_file(&mut self, path: &str) {
        let words = View::Words(path.to_owned(), "reading …".to_owned());
        self.views.push(words);
    }

    /// What is awaited will not come, and why; false if nothing is awaited here.
    pub fn say(&mut self, why: &str) -> bool {
        match self.views.last_mut() {
            Some(View::Words(_, words)) => {
                *words = why.to_owned();
                true
            }
            _ => false,
        }
    }

    /// Shows an answer: on top, or in the place of what is there.
    pub fn show(&mut self, blamed: Blamed, seek: &Seek, marks: &'static Marks) {
        let in_place = seek.replaces || matches!(self.views.last(), Some(View::Words(..)));
        let before = if in_place { self.views.pop() } else { None };
        let mut state = file::State::new(blamed, marks);
        if let Some(View::File(before)) = before {
            state.keep_place(&before);
        }
        self.views.push(View::File(Box::new(state)));
        self.resize(self.size.0, self.size.1);
        if let Some(View::File(state)) = self.views.last_mut() {
            state.open();
        }
    }

    /// Shows what touched a file.
    pub fn show_history(&mut self, history: Arc<History>) {
        let same = matches!(self.views.last(), Some(View::Past(p)) if p.path() == history.path);
        let before = if same { self.views.pop() } else { None };
        let mut state = past::State::new(history);
        if let Some(View::Past(before)) = before {
            state.keep_place(&before);
        }
        self.views.push(View::Past(Box::new(state)));
        self.resize(self.size.0, self.size.1);
    }

    /// The question that would bring the top view up to date, if it is about what is there now.
    pub fn again(&self) -> Option<Seek> {
        match self.views.last()? {
            View::File(file) if file.when() == When::Now => Some(file.seek_again()),
            _ => None,
        }
    }

    /// The file whose history is on top.
    pub fn history_of(&self) -> Option<&str> {
        match self.views.last()? {
            View::Past(past) => Some(past.path()),
            _ => None,
        }
    }

    /// Whether the top view waits for an answer or has none.
    pub fn is_empty(&self) -> bool {
        matches!(self.views.last(), Some(View::Words(..)) | None)
    }

    /// The size of the pane's inside.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.size = (width, height);
        match self.views.last_mut() {
            Some(View::File(file)) => file.resize(width, height),
            Some(View::Past(past)) => past.resize(height),
            _ => {}
        }
    }

    /// An action.
    pub fn update(&mut self, action: Action) -> Out {
        let out = match self.views.last_mut() {
            None => return Out::Ignored,
            Some(View::File(file)) => file.update(action),
            Some(View::Past(past)) => past.update(action),
            Some(View::Words(..)) => Out::Ignored,
        };
        // A range or a search within the text is left before the view is.
        match (out, action) {
            (Out::Ignored, Action::Leave) => Out::Close,
            (out, _) => out,
        }
    }

    /// A click on a row of the pane.
    pub fn click(&mut self, row: u16) {
        match self.views.last_mut() {
            Some(View::File(file)) => file.click(usize::from(row)),
            Some(View::Past(past)) => past.click(usize::from(row)),
            _ => {}
        }
    }

    /// The wheel.
    pub fn scroll(&mut self, by: isize) {
        match self.views.last_mut() {
            Some(View::File(file)) => file.scroll(by),
            Some(View::Past(past)) => past.scroll(by),
            _ => {}
        }
    }

    /// The text on top, for searching and colours.
    pub fn text(&mut self) -> Option<&mut diff::State> {
        match self.views.last_mut()? {
            View::File(file) => Some(file.text()),
            _ => None,
        }
    }

    /// What the cursor is on.
    pub fn selected(&self, moment: &Moment) -> Option<Selected> {
        match self.views.last()? {
            View::File(file) => Some(file.selected(moment)),
            View::Past(past) => past.selected(),
            View::Words(path, words) => {
                Some(Selected::Words("Nothing", format!("{path}: {words}")))
            }
        }
    }

    /// The name of the view, and what is said about it: safe to be drawn.
    pub fn title(&self, moment: &Moment) -> (&'static str, String) {
        match self.views.last() {
            Some(View::File(file)) => ("Blame", file.title(moment)),
            Some(View::Past(past)) => ("History", past.title()),
            Some(View::Words(path, _)) => ("Blame", crate::text::one_line(path)),
            None => ("", String::new()),
        }
    }

    /// Draws it.
    pub fn draw(&self, area: Rect, look: &Look, buf: &mut Buffer) {
        match self.views.last() {
            Some(View::File(file)) => file.draw(area, look, buf),
            Some(View::Past(past)) => past.draw(area, look, buf),
            Some(View::Words(_, words)) => {
                let words = crate::text::one_line(words);
                let rows = crate::text::wrap(&words, usize::from(area.width).saturating_sub(4), 0);
                for (row, y) in rows.into_iter().zip(area.y..area.bottom()) {
                    let at = Rect::new(area.x + 2, y, area.width.saturating_sub(3), 1);
                    let piece = words[row.bytes].to_owned();
                    put_line(at, &Line::styled(piece, look.theme.dim()), buf);
                }
            }
            None => {}
        }
    }
}
