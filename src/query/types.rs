//! What answers look like: plain values, shared by the screen and the commands.

use std::sync::Arc;

use crate::model::{Agent, Evidence, Op, Status, StepKind, TestOutcome, Time, Via};
use crate::source::Hunk;

/// Row numbers of the store. Valid until the next `doctor --rebuild`; never shown, never kept elsewhere.
macro_rules! row {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);
    )+};
}
row! {
    /// A row of `session`.
    SessionRow
    /// A row of `prompt`.
    PromptRow
    /// A row of `step`.
    StepRow
}

impl SessionRow {
    /// Every session of the repository, in one timeline; no row of the store has this number.
    pub const ALL: SessionRow = SessionRow(0);
    /// What stands where a session's id would.
    pub const ALL_ID: &str = "all";

    /// Whether it stands for all of them.
    pub fn is_all(self) -> bool {
        self == SessionRow::ALL
    }
}

/// A session as lists show it. Times are UTC.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    /// Its row.
    pub row: SessionRow,
    /// Public id (`s…`).
    pub id: String,
    /// Whose.
    pub agent: Agent,
    /// The agent's own id.
    pub native_id: String,
    /// Public id of the parent.
    pub parent_id: Option<String>,
    /// Whether it is a sub-agent's.
    pub subagent: bool,
    /// The first real prompt, one line, at most 200 characters; empty if there is none.
    pub title: String,
    /// The folder it ran in.
    pub cwd: Option<String>,
    /// The git branch.
    pub branch: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// First and last record.
    pub started_at: Option<Time>,
    /// Last record.
    pub ended_at: Option<Time>,
    /// Real prompts.
    pub prompts: u32,
    /// Steps.
    pub steps: u32,
    /// Steps that changed files.
    pub edits: u32,
    /// Commands.
    pub commands: u32,
    /// Failed steps.
    pub failed: u32,
    /// Files changed.
    pub files_changed: u32,
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
    /// The beginning of the agent's last message.
    pub last_words: Option<String>,
    /// The last test run.
    pub test: Option<TestOutcome>,
    /// That test run is older than the last edit.
    pub test_stale: bool,
    /// The transcript file it was read from (the newest).
    pub source: Option<String>,
    /// That file is gone: only this store still has the session.
    pub archived: bool,
    /// Written less than two minutes ago, or its hooks told something since then, or it asked for a permission.
    pub live: bool,
    /// When its agent's hooks told something last, if they are such that tell of permissions.
    pub told_at: Option<Time>,
    /// When it asked for a permission, if nothing that is known followed an answer.
    pub asked_at: Option<Time>,
    /// It only looked at files of this repository.
    pub visited_only: bool,
    /// Input tokens (those from a cache included), output tokens, tokens from a cache.
    pub tokens: (u64, u64, u64),
    /// What was not understood or damaged, in plain words; empty if nothing.
    pub warnings: Vec<String>,
}

/// The list of sessions.
#[derive(Clone, Debug, Default)]
pub struct SessionList {
    /// Newest first; sub-agents are not listed.
    pub sessions: Vec<SessionInfo>,
    /// Transcripts on this machine that do not belong to this repository.
    pub elsewhere: u32,
    /// The folders that were looked in, with the number of transcripts found there.
    pub looked_in: Vec<(String, u32)>,
    /// What agents are about to delete of their own.
    pub expiring: Vec<Expiring>,
}

/// Transcripts that their agent will delete soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiring {
    /// Whose.
    pub agent: Agent,
    /// It deletes them so many days after they were last written.
    pub after_days: u64,
    /// Those that go within so many days are counted.
    pub within_days: u64,
    /// The setting that changes it, and where that stands.
    pub setting: &'static str,
    /// How many go, on this machine.
    pub sessions: u32,
    /// Of them, those that this store keeps.
    pub kept: u32,
}

/// A prompt as a heading.
#[derive(Clone, Debug)]
pub struct PromptHead {
    /// The session it belongs to.
    pub session: SessionRow,
    /// Whose it is; only where several sessions stand in one timeline.
    pub agent: Option<Agent>,
    /// Its row; `None` for what came before any prompt.
    pub row: Option<PromptRow>,
    /// Its number in the session; 0 before any prompt.
    pub no: u32,
    /// When.
    pub at: Option<Time>,
    /// How it came in.
    pub via: Via,
    /// The first 1000 characters, as typed.
    pub head: String,
    /// On a branch that was left, or rolled back.
    pub off_path: bool,
    /// Where its steps stand in [`Timeline::steps`].
    pub steps: std::ops::Range<u32>,
}

/// What the timeline must know of every step to fold, filter by density, and jump; rows are asked for by page.
#[derive(Clone, Copy, Debug)]
pub struct StepLite {
    /// Its row.
    pub row: StepRow,
    /// What.
    pub kind: StepKind,
    /// How it ended.
    pub status: Status,
    /// It changed a file.
    pub changed: bool,
    /// It ran tests.
    pub test: Option<TestOutcome>,
    /// 0 in the session itself, 1 in a sub-agent, and so on; sub-agents' steps follow the step that started them.
    pub depth: u8,
    /// On a branch that was left.
    pub off_path: bool,
}

/// A session's prompts and steps.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The session.
    pub session: SessionInfo,
    /// In file order; the first may be number 0.
    pub prompts: Vec<PromptHead>,
    /// Prompt by prompt, in order of `seq`, sub-agents' steps behind the step that started them.
    pub steps: Arc<Vec<StepLite>>,
    /// Rewinds of this session's work, in the order in which they stand among the steps.
    pub rewinds: Vec<RewindEntry>,
}

/// A rewind, revert, undo or redo, as an entry of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewindEntry {
    /// Its row in the journal.
    pub op: i64,
    /// Public id (`w…`).
    pub id: String,
    /// `rewind`, `revert`, `undo` or `redo`.
    pub kind: &'static str,
    /// When it was done.
    pub at: Time,
    /// What it was, in words.
    pub title: String,
    /// Files that it changed.
    pub files: u32,
    /// Lines added and removed.
    pub lines: (u32, u32),
    /// It was undone, or redone, since.
    pub taken_back: bool,
    /// The index of the prompt under which it stands.
    pub prompt: u32,
    /// The index of the step before which it stands.
    pub place: u32,
    /// The steps that it undid, as long as nobody took that back.
    pub undone: Option<std::ops::Range<u32>>,
    /// It undid not all of what they did: only some files or lines were wanted, or some stayed as they were.
    pub part: bool,
}

/// A step as a row of the timeline or of `log`.
#[derive(Clone, Debug)]
pub struct StepInfo {
    /// Its row.
    pub row: StepRow,
    /// Public id (`t…`).
    pub id: String,
    /// Its session.
    pub session: SessionRow,
    /// Public id of its session.
    pub session_id: String,
    /// Public id of its prompt.
    pub prompt_id: Option<String>,
    /// The number of its prompt.
    pub prompt_no: u32,
    /// Position in the session (of the result).
    pub seq: u32,
    /// When the result came.
    pub at: Option<Time>,
    /// When it was asked for.
    pub started_at: Option<Time>,
    /// What.
    pub kind: StepKind,
    /// How it ended.
    pub status: Status,
    /// Path (relative to its root), pattern, command, ...; at most 400 characters.
    pub target: String,
    /// The agent's name of the tool.
    pub tool: Option<String>,
    /// One line that says it all without a verb, for people: the target shortened and unwrapped.
    pub title: String,
    /// The files it changed or was shown, relative to their root (absolute outside every root).
    pub paths: Vec<String>,
    /// Lines added, where it changed files.
    pub added: Option<u32>,
    /// Lines removed.
    pub removed: Option<u32>,
    /// The weakest of its changes.
    pub evidence: Option<Evidence>,
    /// Exit code.
    pub exit_code: Option<i32>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// It ran tests.
    pub test: Option<TestOutcome>,
    /// On a branch that was left.
    pub off_path: bool,
}

/// A content, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text.
    Text(Arc<str>),
    /// Not text: its size in bytes.
    Binary(u64),
    /// The file is not there.
    Absent,
    /// Not known.
    Unknown,
}

/// What happened to one file, in a step or over a scope.
#[derive(Clone, Debug)]
pub struct FileChange {
    /// Relative to its root (absolute outside every root).
    pub path: String,
    /// What.
    pub op: Op,
    /// The name before, for a rename.
    pub old_path: Option<String>,
    /// Before.
    pub before: Content,
    /// After.
    pub after: Content,
    /// BLAKE3 of before, hexadecimal.
    pub before_hash: Option<String>,
    /// BLAKE3 of after, hexadecimal.
    pub after_hash: Option<String>,
    /// How it is known.
    pub evidence: Evidence,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
    /// The recorded hunks, where the full texts are not known.
    pub hunks: Vec<Hunk>,
    /// Something a reader must know: a gap before it, written by others in between, lines without true numbers.
    pub note: Option<String>,
    /// The steps that changed it, within the scope.
    pub steps: Vec<StepRow>,
}

/// What the diff is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One step.
    Step(StepRow),
    /// All steps of a prompt: the session and the prompt's number.
    Prompt(SessionRow, u32),
    /// All steps of a session.
    Session(SessionRow),
    /// From right after the first step to right after the second one, whichever is earlier.
    Between(StepRow, StepRow),
    /// From right after the step to the disk as it is now, for the files that its session changed.
    Now(StepRow),
    /// What a rewind, revert, undo or redo did, by its row in the journal.
    Rewind(i64),
}

/// A step, whole.
#[derive(Clone, Debug)]
pub struct StepDetail {
    /// The row.
    pub info: StepInfo,
    /// The prompt's words, whole.
    pub prompt_text: String,
    /// What the agent said right before the step (since the step before that is no message), Markdown; for a message: itself.
    pub reply: String,
    /// The input, as a person would read it.
    pub input: String,
    /// The output, as a person would read it; at most 4 MiB of it.
    pub output: String,
    /// Bytes of output left off.
    pub output_cut: u64,
    /// For a read: what was shown, with the number of its first line and the path.
    pub shown: Option<Shown>,
    /// Its changes.
    pub changes: Vec<FileChange>,
    /// The raw records, as they stand in the transcript.
    pub raw: Vec<String>,
}

/// What a read showed.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The file.
    pub path: String,
    /// The lines.
    pub text: Arc<str>,
    /// The number of the first one.
    pub first_line: u32,
}

/// A prompt, whole.
#[derive(Clone, Debug)]
pub struct PromptDetail {
    /// Public id (`p…`); `None` for number 0.
    pub id: Option<String>,
    /// Its number.
    pub no: u32,
    /// How many prompts the session has.
    pub of: u32,
    /// When.
    pub at: Option<Time>,
    /// How it came in.
    pub via: Via,
    /// The words.
    pub text: String,
    /// The agent's last message under this prompt, Markdown.
    pub reply: String,
    /// From the prompt to its last step, milliseconds.
    pub duration_ms: Option<u64>,
}

/// A session at a glance.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The session.
    pub session: SessionInfo,
    /// The agent's last message, whole, Markdown.
    pub last_words: String,
    /// The last test run, with its command.
    pub last_test: Option<StepInfo>,
    /// The prompts: number, first line, steps, files changed, failures.
    pub prompts: Vec<(PromptHead, u32, u32)>,
    /// Commands that deserve a look, riskiest first, with the reason.
    pub risky: Vec<(StepInfo, &'static str)>,
    /// The changed files.
    pub files: Vec<SummaryFile>,
}

/// A changed file in a summary.
#[derive(Clone, Debug)]
pub struct SummaryFile {
    /// The file.
    pub path: String,
    /// What kind of file.
    pub class: FileClass,
    /// What happened to it over the session.
    pub op: Op,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
    /// The weakest evidence.
    pub evidence: Evidence,
    /// The user has looked at it as it is.
    pub viewed: bool,
    /// What identifies its present state, for the tick.
    pub state: String,
    /// The last step that changed it.
    pub last_step: StepRow,
}

/// The order in which files are worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileClass {
    /// Program text.
    Source,
    /// Tests.
    Test,
    /// Configuration and build files.
    Config,
    /// Documents.
    Docs,
    /// Lock files, generated and vendored files.
    Generated,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The query it answers.
    pub query: String,
    /// Grouped by session, best group first; within a group in order of the score.
    pub hits: Vec<Hit>,
    /// How many in all (at least; the list is bounded).
    pub total: u32,
    /// In how many sessions.
    pub sessions: u32,
    /// This is what could be said at once: there are more hits, or lines of them that were not read yet.
    pub more: bool,
}

/// One hit.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Where.
    pub session: SessionInfo,
    /// What.
    pub what: HitWhat,
    /// One line of text.
    pub text: String,
    /// Which characters of `text` matched (indices of `char`s, ascending).
    pub matched: Vec<u32>,
    /// When.
    pub at: Option<Time>,
}

/// What was hit.
#[derive(Clone, Debug)]
pub enum HitWhat {
    /// The title.
    Session,
    /// A prompt: row and number.
    Prompt(PromptRow, u32),
    /// A step.
    Step(Box<StepInfo>),
}

/// Which steps a filter keeps, as typed: `kind:edit path:src/ failed agent:codex since:2w words`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Kinds; empty means all.
    pub kinds: Vec<StepKind>,
    /// Parts of paths; all must occur.
    pub paths: Vec<String>,
    /// Only failed steps.
    pub failed: bool,
    /// Agents; empty means all.
    pub agents: Vec<Agent>,
    /// Not before.
    pub since: Option<Time>,
    /// Words that must occur in target or tool.
    pub words: Vec<String>,
}
