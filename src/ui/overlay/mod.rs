//! What lies over the panes: lists, boxes to type in. A stack; the top one gets the keys. Each is a state, what a key
//! does to it, and how it is drawn; what it wants of the rest of the screen it says with an [`Out`].

pub mod ask_line;
pub mod find;
pub mod picker;
pub mod rewind;
pub mod said;
pub mod sessions;
pub mod summary;

use super::End;
use super::action::Action;
use super::message::Question;
use crate::query::types::{SessionRow, StepRow};

/// One of them.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// The list of sessions.
    Sessions(sessions::State),
    /// A session at a glance.
    Summary(Box<summary::State>),
    /// One box over everything.
    Find(Box<find::State>),
    /// A list to choose from: palette, help, files.
    Picker(Box<picker::State>),
    /// What was said, whole.
    Said(Box<said::State>),
    /// The plan of a rewind, and its report.
    Rewind(Box<rewind::State>),
    /// A line to type in, at the bottom.
    AskLine(Box<ask_line::State>),
}

/// Where to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The end of the session.
    End,
    /// A step.
    Step(StepRow),
    /// A prompt of a session, by its number.
    Prompt(SessionRow, u32),
}

/// What an overlay wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// Nothing more.
    Done,
    /// The key was not for it.
    Ignored,
    /// To be closed.
    Close,
    /// To be closed, and this done.
    Run(Action),
    /// To go to a place in a session; all overlays close.
    Go(SessionRow, Target),
    /// To go to a step of a session that is not known yet.
    Resolve(StepRow),
    /// Who wrote the lines of a file.
    Blame(String),
    /// What touched a file.
    History(String),
    /// The summary of a session.
    OpenSummary(SessionRow),
    /// To go to the time that was typed.
    GoToTime(String),
    /// The text that was typed, for what it was asked for; the line stays open if it is not confirmed yet.
    Typed {
        /// What it is for.
        purpose: ask_line::Purpose,
        /// What was typed.
        text: String,
        /// Enter was pressed.
        confirmed: bool,
    },
    /// An answer.
    Ask(Question),
    /// The screen to end, so that another place is shown.
    End(End),
}
