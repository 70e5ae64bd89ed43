//! What happened ([`Message`]), what is asked of the outside ([`Effect`]), and the questions and answers that travel
//! between the model and the worker. Values only.

use std::sync::Arc;

use crossterm::event::MouseEvent;

use super::key::KeyPress;
use super::pane::diff::{Content, Done, Job, Options, View};
use super::pane::timeline::Blocks;
use super::theme::Theme;
use crate::model::Time;
use crate::query::blame::{Alive, Blame, Fate, History, Origin, When};
use crate::query::types::{
    FileChange, Filter, Found, PromptDetail, Scope, SessionList, SessionRow, StepDetail, StepInfo,
    StepRow, Summary, Timeline,
};

/// What happened. The model changes by these and by nothing else.
#[derive(Clone, Debug)]
pub enum Message {
    /// A key was pressed.
    Key(KeyPress),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// The terminal has another size.
    Resize(u16, u16),
    /// The moment that the model asked to be woken at has come.
    Wake,
    /// The worker answered.
    Loaded(Box<Reply>),
    /// Transcripts are being read.
    Ingested(Ingest),
    /// The store has something new.
    Changed,
    /// A rewind is being applied.
    Applying {
        /// Paths done.
        done: usize,
        /// Of how many.
        of: usize,
        /// Which part of the work.
        what: &'static str,
    },
    /// Whether the work folder is recorded.
    Recording(Recording),
    /// Something outside went well or not: what was copied, why the editor did not start.
    Said(Note),
    /// The program was told to stop for a while.
    Suspend,
    /// It goes on after that: the terminal may have been used by others.
    Continued,
    /// The program was told to end.
    Terminate,
}

/// How far reading the transcripts is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ingest {
    /// Sessions read.
    pub read: u32,
    /// Sessions to read.
    pub total: u32,
}

/// Whether the work folder is recorded while one looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recording {
    /// It is.
    On {
        /// Since when.
        since: Time,
        /// By another process, with this number.
        by: Option<u32>,
        /// How: by listening, or by looking every few seconds.
        how: String,
    },
    /// It is not, and why.
    Off(String),
}

/// A line for the status bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// In plain words.
    pub text: String,
    /// Whether something went wrong.
    pub error: bool,
}

impl Note {
    /// Something that went well.
    pub fn info(text: impl Into<String>) -> Note {
        Note {
            text: text.into(),
            error: false,
        }
    }

    /// Something that did not.
    pub fn error(text: impl Into<String>) -> Note {
        Note {
            text: text.into(),
            error: true,
        }
    }
}

/// What is asked of the outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the worker.
    Ask(Question),
    /// Nobody waits for this answer any more.
    GiveUp(Question),
    /// Copy a text; the first word says what it is.
    Copy(&'static str, String),
    /// Open a file in the editor, at a line.
    Edit(String, u32),
    /// Show the text that a file had before, in the editor, read-only, at a line.
    EditOld(String, Arc<str>, u32),
    /// Take the mouse (true) or give it to the terminal.
    Mouse(bool),
    /// Draw everything anew.
    Redraw,
    /// Suspend the program.
    Suspend,
    /// Ring the terminal's bell.
    Bell,
    /// Set the title of the terminal's window: fixed words, never anybody else's.
    Title(String),
}

/// A question for the worker. A newer one of the same kind replaces one that was not begun.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// The sessions.
    Sessions,
    /// Prompts and steps of a session.
    Timeline(SessionRow),
    /// Rows of the timeline.
    Rows(Vec<StepRow>),
    /// A step, whole, and one of its views for the diff pane (`None`: the one to begin with).
    Step(StepRow, Option<View>, Options),
    /// A prompt, whole.
    Prompt(SessionRow, u32),
    /// What changed in a scope, for the diff pane.
    Changes(Scope, Options),
    /// Markdown laid out for a width.
    Words(Arc<str>, usize, Theme),
    /// Colours for lines of the diff pane.
    Paint(Paint),
    /// A session at a glance.
    Summary(SessionRow),
    /// Which steps a filter keeps.
    Filter(SessionRow, Filter),
    /// Which steps have words in them, to go to one after the other.
    Search(SessionRow, Filter),
    /// What matches, as far as it can be said at once; with no words what finding needs is read.
    Find(String),
    /// Everything that matches.
    FindRest(String),
    /// A step beside the list of what was found.
    PeekStep(StepRow),
    /// A prompt beside the list of what was found.
    PeekPrompt(SessionRow, u32),
    /// All files that sessions touched.
    Files,
    /// Which session a step is in, from the word of a user.
    Resolve(String),
    /// Which session a step is in, from its row.
    Locate(StepRow),
    /// The step nearest to a time.
    StepAt(SessionRow, Time),
    /// A remembered word.
    Memo(String),
    /// Remember a word.
    SetMemo(String, String),
    /// What is about the work folder.
    Tree(super::door::Request),
    /// Who wrote the lines of a file.
    Blame(Seek),
    /// What touched a file.
    History(String),
    /// A change that no step made, for the diff pane.
    Gap(Gap, Options),
    /// What became of what a step or a prompt wrote.
    Fate(FateOf),
    /// What became of all that a session wrote.
    Standing(SessionRow),
    /// Tick a file.
    SetViewed {
        /// Whose.
        session: SessionRow,
        /// Which.
        path: String,
        /// In which state.
        state: String,
        /// Tick or untick.
        viewed: bool,
    },
}

/// A highlighting job. Two are the same if they are one.
#[derive(Clone, Debug)]
pub struct Paint(pub Arc<Job>);

impl PartialEq for Paint {
    fn eq(&self, other: &Paint) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A change to be compared. Two are the same if they are one.
#[derive(Clone, Debug)]
pub struct Gap(pub Arc<FileChange>);

impl PartialEq for Gap {
    fn eq(&self, other: &Gap) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A line of a file whose author is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Seek {
    /// The file.
    pub path: String,
    /// The state in which the line stands.
    pub when: When,
    /// Its number, from 1.
    pub line: u32,
    /// Which state is to be shown.
    pub how: How,
    /// The commits of what is older than the records are looked up as well, which takes longer.
    pub commits: bool,
    /// It takes the place of what is shown of the file; else it is laid on top.
    pub replaces: bool,
}

/// Which state of a file is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The one in which the line stands.
    There,
    /// As it is now, if the line still stands; else the one in which it stands.
    Now,
    /// What the change that wrote the line found.
    Back,
}

/// What a fate is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FateOf {
    /// A step.
    Step(StepRow),
    /// A prompt: the session and the prompt's number.
    Prompt(SessionRow, u32),
}

/// The lines of a file with their authors, ready to be shown.
#[derive(Clone, Debug)]
pub struct Blamed {
    /// The answer.
    pub blame: Blame,
    /// The state that it is of.
    pub when: When,
    /// The line to begin at.
    pub line: u32,
    /// The text for the pane.
    pub content: Arc<Content>,
    /// The line is gone since, and who removed it.
    pub gone: Option<Box<Origin>>,
    /// The change that was walked back over.
    pub undone: Option<Origin>,
}

/// What the worker says to a question.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Question::Sessions`].
    Sessions(SessionList),
    /// To [`Question::Timeline`], with how it is cut.
    Timeline(Box<Timeline>, Arc<Blocks>),
    /// To [`Question::Rows`].
    Rows(Vec<StepInfo>),
    /// To [`Question::Step`].
    Step(Box<StepDetail>, View, Arc<Content>),
    /// To [`Question::PeekStep`].
    Peek(Box<StepDetail>),
    /// To [`Question::Prompt`] and [`Question::PeekPrompt`].
    Prompt(PromptDetail),
    /// To [`Question::Changes`].
    Changes(Arc<Content>),
    /// To [`Question::Words`].
    Words(Vec<ratatui::text::Line<'static>>),
    /// To [`Question::Paint`].
    Painted(Box<Done>),
    /// To [`Question::Summary`].
    Summary(Box<Summary>),
    /// To [`Question::Filter`] and [`Question::Search`].
    Filter(Vec<StepRow>),
    /// To [`Question::Find`] and [`Question::FindRest`].
    Found(Found),
    /// To [`Question::Files`].
    Files(Vec<(String, StepRow)>),
    /// To [`Question::Resolve`] and [`Question::Locate`].
    Resolved(SessionRow, StepRow),
    /// To [`Question::StepAt`].
    StepAt(Option<StepRow>),
    /// To [`Question::Memo`].
    Memo(Option<String>),
    /// To [`Question::Tree`].
    Tree(super::door::Told),
    /// To [`Question::Blame`].
    Blame(Box<Blamed>),
    /// To [`Question::Blame`]: there is nothing further back, and why.
    NoFurther(String),
    /// To [`Question::History`].
    History(Arc<History>),
    /// To [`Question::Fate`] of a step.
    Fate(Box<Fate>),
    /// To [`Question::Fate`] of a prompt, and to [`Question::Standing`].
    Alive(Alive),
    /// It was broken off, because something else was asked.
    Stopped,
    /// It is written.
    Done,
}

/// An answer with the question it belongs to, so that one that nobody waits for any more can be dropped.
#[derive(Clone, Debug)]
pub struct Reply {
    /// What was asked.
    pub question: Question,
    /// The answer, or why there is none.
    pub answer: Result<Answer, Arc<str>>,
}
