//! What blame and history answer: plain values, shared by the screen and the commands.

use std::sync::Arc;

use super::super::types::{Content, FileChange, SessionRow, StepInfo, StepRow};
use crate::model::{Agent, Author, Evidence, Op, Time};

/// Of which state of a file the lines are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum When {
    /// As it is on disk now.
    #[default]
    Now,
    /// Right after a step.
    After(StepRow),
    /// Right before a step.
    Before(StepRow),
    /// After so many turns of its story: what walking back leads to.
    Turns(u32),
}

/// Says whether an answer is not waited for any more.
pub type Stop = Arc<dyn Fn() -> bool + Send + Sync>;

/// An answer that nobody waits for any more was broken off.
#[derive(Clone, Copy, Debug)]
pub struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken off: something else was asked")
    }
}

impl std::error::Error for Stopped {}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct BlameQuery {
    /// The path: absolute, or relative to a root.
    pub path: String,
    /// Which state.
    pub when: When,
    /// First and last line, from 1; `None` is all. What reaches beyond the end is cut off.
    pub range: Option<(u32, u32)>,
    /// Whether commits are looked up for lines older than the first record.
    pub commits: bool,
}

/// The lines of a file, and who wrote them.
#[derive(Clone, Debug)]
pub struct Blame {
    /// Relative to its root.
    pub path: String,
    /// How many lines the whole file has.
    pub total: u32,
    /// The lines that were asked for.
    pub lines: Vec<BlameLine>,
    /// Everything that lines point to.
    pub origins: Vec<Origin>,
    /// What a reader must know: it is not the disk, the file is gone.
    pub note: Option<String>,
    /// No session read or changed it: every line is older than a record that there is not.
    pub unrecorded: bool,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlameLine {
    /// From 1.
    pub line: u32,
    /// Without its line end.
    pub text: String,
    /// Who wrote it: an index of [`Blame::origins`].
    pub origin: usize,
    /// Who may have written it just as well, where the diff could be drawn otherwise.
    pub alternatives: Vec<usize>,
    /// It has moved since it was written: by whom last.
    pub moved: Option<usize>,
    /// Its white space has changed since it was written: by whom last.
    pub spaced: Option<usize>,
}

/// Where lines come from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Who.
    pub author: Author,
    /// How that is known; `None` where nobody saw it.
    pub evidence: Option<Evidence>,
    /// The step.
    pub step: Option<StepInfo>,
    /// The session whose prompt it was for: of a sub-agent's step the one that a person sees.
    pub root: Option<SessionRow>,
    /// The agent whose step it is.
    pub agent: Option<Agent>,
    /// The prompt's words, whole; of a sub-agent's step those of the person.
    pub prompt_text: Option<Arc<str>>,
    /// When: the step's time; of a commit its time; of what nobody saw the time after which it happened.
    pub at: Option<Time>,
    /// For what nobody saw: when it was there.
    pub until: Option<Time>,
    /// The git commit that has it.
    pub commit: Option<String>,
}

/// A line that was there and is gone.
#[derive(Clone, Debug)]
pub struct RemovedLine {
    /// Its number, from 1, in the state right before it went.
    pub line: u32,
    /// Without its line end.
    pub text: String,
    /// Who wrote it: an index of [`Removed::origins`].
    pub origin: usize,
    /// Who may have written it just as well.
    pub alternatives: Vec<usize>,
    /// Who removed it.
    pub removed: usize,
}

/// The lines that were there and are gone, in the order in which they went.
#[derive(Clone, Debug)]
pub struct Removed {
    /// Relative to its root.
    pub path: String,
    /// The lines.
    pub lines: Vec<RemovedLine>,
    /// Everything that lines point to.
    pub origins: Vec<Origin>,
}

/// One change further back: what the change that wrote a line found in its place.
#[derive(Clone, Debug)]
pub struct Back {
    /// The change that was undone in thought.
    pub undone: Origin,
    /// The lines that it replaced, as they were blamed then; empty if it replaced none.
    pub replaced: Blame,
    /// Of those the one that is most like the line asked for: an index of the lines in `replaced`.
    pub nearest: Option<usize>,
    /// The state in which they stood.
    pub before: When,
}

/// What became of a line that stood in an older state.
#[derive(Clone, Debug)]
pub enum Whereabouts {
    /// It stands in this file, relative to its root, at this line, from 1.
    Here(String, u32),
    /// It is gone, and who removed it.
    Gone(Box<Origin>),
    /// That cannot be said: a text between then and now is not known.
    Unknown,
}

/// What touched a file, newest first.
#[derive(Clone, Debug)]
pub struct History {
    /// The path asked for, relative to its root.
    pub path: String,
    /// The steps, and the gaps between them.
    pub entries: Vec<HistoryEntry>,
}

/// One thing that happened to a file.
#[derive(Clone, Debug)]
pub struct HistoryEntry {
    /// The step; `None`: changed by nobody we know, between its neighbours.
    pub step: Option<StepInfo>,
    /// Who did it, where no step did and somebody saw it.
    pub author: Option<Author>,
    /// Whose step.
    pub agent: Option<Agent>,
    /// The session whose prompt it was for.
    pub root: Option<SessionRow>,
    /// The beginning of that prompt's words.
    pub prompt: String,
    /// What the file was called then.
    pub path: String,
    /// What happened; `None`: it was only read.
    pub op: Option<Op>,
    /// The name before, for a rename.
    pub old_path: Option<String>,
    /// How it is known.
    pub evidence: Option<Evidence>,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
    /// Before it.
    pub before: Content,
    /// After it.
    pub after: Content,
}

impl HistoryEntry {
    /// What it changed, to be compared; `None` where it changed nothing.
    pub fn as_change(&self) -> Option<FileChange> {
        Some(FileChange {
            path: self.path.clone(),
            op: self.op?,
            old_path: self.old_path.clone(),
            before: self.before.clone(),
            after: self.after.clone(),
            before_hash: None,
            after_hash: None,
            evidence: self.evidence.unwrap_or(Evidence::Recorded),
            added: self.added,
            removed: self.removed,
            hunks: Vec::new(),
            note: None,
            steps: Vec::new(),
        })
    }
}

/// How much of what a prompt or a session wrote still stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alive {
    /// Lines that stood when it was done and that it wrote.
    pub written: u32,
    /// Of these, those that stand now.
    pub alive: u32,
    /// Who replaced or removed the others, and how many; most first.
    pub replaced: Vec<(Replacer, u32)>,
    /// Files of which the present state is not known; they are not counted.
    pub unknown: u32,
}

/// What became of the lines that a step wrote.
#[derive(Clone, Debug, Default)]
pub struct Fate {
    /// Lines that stood when the step was done and that it wrote.
    pub written: u32,
    /// Of these, those that stand now.
    pub alive: u32,
    /// The steps that replaced or removed the others, and how many; most first.
    pub by: Vec<Later>,
    /// Lines that are gone, and nobody saw by whom.
    pub nobody: u32,
    /// Files of which the present state is not known; they are not counted.
    pub unknown: u32,
}

/// A step that changed lines of another one.
#[derive(Clone, Debug)]
pub struct Later {
    /// The step.
    pub step: StepInfo,
    /// The session whose prompt it was for.
    pub root: SessionRow,
    /// How many of the lines.
    pub lines: u32,
}

/// Who took a line away.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Replacer {
    /// A prompt: of which session (its public id too), and its number.
    Prompt(SessionRow, String, u32),
    /// Nobody we know.
    Unknown,
}
