//! The one way in which the screen reaches the work folder: a trait beside [`crate::query::Ask`], so that the screen
//! knows neither the store nor the disk, and tests can watch what it asks for. What is asked of it is answered on a
//! thread of its own ([`lane`]), never on that of the screen.

pub mod lane;

use std::sync::Arc;

use color_eyre::Result;

use super::pane::diff::{Content, Options};
use crate::query::Target;
use crate::query::past::Reach;
use crate::query::types::FileChange;
use crate::rewind::{Part, Plan, Progress, Report};

/// Plans, and what comes of them. Only [`Door::apply`] and [`Door::recover`] write.
pub trait Door: Send {
    /// Makes a plan; writes nothing.
    fn plan(&self, order: &Order) -> Result<Plan>;
    /// What a file of a plan is now and what it would become; writes nothing.
    fn change(&self, plan: &Plan, file: usize) -> Result<FileChange>;
    /// Applies a plan that the user saw and confirmed. `partial`: files that are not as the plan saw them are left out;
    /// else they stop it.
    fn apply(&self, plan: &Plan, partial: bool, progress: Progress<'_>) -> Result<Report>;
    /// Writes a new session of the agent that continues from a step or prompt; the one it continues is not touched.
    fn fork(&self, target: Target) -> Result<Forked>;
    /// What was begun here and not finished, in words; writes nothing.
    fn interrupted(&self) -> Result<Option<String>>;
    /// Takes back what was interrupted; what came of it, in words.
    fn recover(&self) -> Result<Recovered>;
}

/// Makes the thread's [`Door`].
pub type Opener = Arc<dyn Fn() -> Result<Box<dyn Door>> + Send + Sync>;

/// What came of a recovery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// In words, one line each.
    pub words: Vec<String>,
    /// Everything is as it was before.
    pub complete: bool,
}

/// A new session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forked {
    /// What resumes it.
    pub command: String,
    /// What must be known of it, one line each.
    pub words: Vec<String>,
}

/// Which plan.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Back to a step or prompt, or only without it.
    Back(Box<Back>),
    /// The last rewind undone.
    Undo,
    /// What was undone last done again.
    Redo,
    /// This one undone, by its row in the journal; or redone, if it is an undo. With its words.
    One(i64, String),
}

/// A rewind as the screen asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Back {
    /// The step or prompt.
    pub target: Target,
    /// Its name for people.
    pub named: String,
    /// Undo the target, too.
    pub before: bool,
    /// Undo only the target.
    pub only: bool,
    /// Whose work.
    pub reach: Reach,
    /// Only these paths; none: all.
    pub paths: Vec<Vec<u8>>,
    /// And of these only some lines.
    pub parts: Vec<Part>,
    /// Put these back even though others worked on them.
    pub take: Vec<Vec<u8>>,
    /// Take out of these what is undone, and keep the rest.
    pub merge: Vec<Vec<u8>>,
    /// Hunks that are left out: the file, and which lines of it as it is now, from 0.
    pub without: Vec<(Vec<u8>, std::ops::Range<usize>)>,
}

/// A question for the door's thread.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A plan; the number tells a late answer from the one that is waited for.
    Plan(u64, Order),
    /// The diff of a file of a plan.
    Change(Shared, usize, Options),
    /// Apply it; with `true`, files that changed meanwhile are left out.
    Apply(Shared, bool),
    /// A new session of the agent.
    Fork(Target),
    /// Whether something was interrupted.
    Interrupted,
    /// Take it back.
    Recover,
}

/// A plan that is on the screen. Two are the same if they are one.
#[derive(Clone, Debug)]
pub struct Shared(pub Arc<Plan>);

impl PartialEq for Shared {
    fn eq(&self, other: &Shared) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What the door says.
#[derive(Clone, Debug)]
pub enum Told {
    /// To [`Request::Plan`].
    Plan(Box<Plan>),
    /// To [`Request::Change`].
    Change(Arc<Content>),
    /// To [`Request::Apply`].
    Report(Box<Report>),
    /// To [`Request::Fork`].
    Forked(Forked),
    /// To [`Request::Interrupted`].
    Interrupted(Option<String>),
    /// To [`Request::Recover`].
    Recovered(Recovered),
}
