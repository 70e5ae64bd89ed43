//! What the ingest hands to the store: derived rows, not yet knowing each other's row ids.
//!
//! Rows name each other by public ids, indices within a batch, content hashes and paths; [`super::write`]
//! turns those into row ids.

use std::sync::Arc;

use crate::model::{Agent, BlobHash, Evidence, Id, Op, Status, StepKind, TestOutcome, Time, Via};

/// Where a raw line stands: which file of the batch, and its bytes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Span {
    /// Index into the files that were read together.
    pub file: u16,
    /// Byte offset of the line.
    pub off: u64,
    /// Its length, line end excluded.
    pub len: u32,
}

/// What is known of a file at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// There was no file.
    Absent,
    /// This content.
    Blob(BlobHash),
    /// Nothing.
    Unknown,
}

/// A path: the root it lies under, and the rest.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathRecord {
    /// The root, absolute; `/` for what lies outside every root.
    pub root: Arc<[u8]>,
    /// Relative to it, without a leading slash.
    pub rel: Vec<u8>,
}

/// One file that a step changed.
#[derive(Clone, Debug)]
pub struct ChangeRecord {
    /// Index of the effect within its outcome.
    pub no: u32,
    /// The file (its new name).
    pub path: PathRecord,
    /// Its old name, for a rename.
    pub old_path: Option<PathRecord>,
    /// What.
    pub op: Op,
    /// Before, as recorded.
    pub before: Known,
    /// After, as recorded (or worked out from a recorded before).
    pub after: Known,
    /// How it is known, as far as the record goes.
    pub evidence: Evidence,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
}

/// One file that a step showed.
#[derive(Clone, Debug)]
pub struct SightingRecord {
    /// The file.
    pub path: PathRecord,
    /// Its whole content, if all of it was shown.
    pub content: Option<BlobHash>,
}

/// A step, whole; written over an earlier state of itself.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct StepRecord {
    /// Public id.
    pub id: Id,
    /// Number of its prompt.
    pub prompt_no: u32,
    /// Position of the result.
    pub seq: u32,
    /// Hash of the native key.
    pub key_hash: i64,
    /// Equal for copies of the same record in several sessions.
    pub dup: i64,
    /// Time of the result.
    pub at: Option<Time>,
    /// Time of the call.
    pub started_at: Option<Time>,
    /// What.
    pub kind: StepKind,
    /// How it ended.
    pub status: Status,
    /// The agent's name of the tool.
    pub tool: Option<String>,
    /// At most 400 characters.
    pub target: String,
    /// Exit code.
    pub exit_code: Option<i32>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Lines added and removed, if it changed files.
    pub counts: Option<(u32, u32)>,
    /// The weakest of its changes.
    pub evidence: Option<Evidence>,
    /// It ran tests.
    pub test: Option<TestOutcome>,
    /// Native id of the sub-agent session that it started.
    pub spawned: Option<String>,
    /// Raw line of the call.
    pub call: Option<Span>,
    /// Raw line of the (last) result.
    pub out: Option<Span>,
    /// Raw lines of earlier results.
    pub parts: Vec<Span>,
}

/// A step with what hangs on it.
#[derive(Clone, Debug)]
pub struct StepBatch {
    /// The step.
    pub step: StepRecord,
    /// Whether it may already stand in the store.
    pub known: bool,
    /// Files changed since it was last handed on.
    pub changes: Vec<ChangeRecord>,
    /// Shown files.
    pub sightings: Vec<SightingRecord>,
    /// What it said, was given and printed, for the full text.
    pub words: [String; 3],
}

/// A prompt.
#[derive(Clone, Debug)]
pub struct PromptRecord {
    /// Public id.
    pub id: Id,
    /// Its number.
    pub no: u32,
    /// When.
    pub at: Option<Time>,
    /// How it came in.
    pub via: Via,
    /// Equal for copies.
    pub dup: i64,
    /// The whole text (the store keeps its beginning and indexes all of it).
    pub text: String,
    /// Its raw line.
    pub place: Option<Span>,
}

/// What the session's own row says.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct SessionRecord {
    /// Whose.
    pub agent: Agent,
    /// The agent's id.
    pub native_id: String,
    /// The parent's native id.
    pub parent: Option<String>,
    /// 1 sub-agent, 2 fork.
    pub relation: Option<u8>,
    /// Title, and where it is from: 1 the agent, 2 the first prompt.
    pub title: Option<(u8, String)>,
    /// Folder, branch, commit, version, model, role.
    pub cwd: Option<String>,
    /// Branch at the start.
    pub branch: Option<String>,
    /// Commit at the start.
    pub commit: Option<String>,
    /// Version of the agent.
    pub version: Option<String>,
    /// The last model.
    pub model: Option<String>,
    /// Role of a sub-agent.
    pub role: Option<String>,
    /// First time stamp.
    pub started_at: Option<Time>,
    /// Last time stamp.
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
    /// Tokens: in, out, from a cache.
    pub tokens: (u64, u64, u64),
    /// The beginning of the last message.
    pub last_words: Option<String>,
    /// The last test run: outcome and position.
    pub test: Option<(TestOutcome, u32)>,
    /// Position of the last edit.
    pub edit_seq: Option<u32>,
    /// Damaged lines.
    pub damaged: u32,
    /// Unknown records.
    pub unknown: u32,
    /// 1 belongs, 2 only visited, 3 was asked for by name; 0 does not belong.
    pub belongs: u8,
}

/// A file beside the transcript that a record names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRecord {
    /// The prompt and the position at which it is named.
    pub prompt_no: u32,
    /// See `prompt_no`.
    pub seq: u32,
    /// What it is.
    pub what: Named,
}

/// What a file beside the transcript is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A copy of a file as it was at a moment; without a name: there was no such file.
    Copy {
        /// Of which file.
        path: PathRecord,
        /// When.
        at: Option<Time>,
        /// Its name.
        name: Option<String>,
    },
    /// The whole output of a step.
    Output {
        /// Of which step.
        step: Id,
        /// Its name.
        name: String,
        /// Its bytes, if the record says so.
        size: Option<u64>,
        /// How many bytes the record holds of its beginning, and their hash.
        begins: (u64, BlobHash),
    },
}

/// All that one reading adds to one session.
#[derive(Clone, Debug)]
pub struct SessionBatch {
    /// Its row, as it is now.
    pub session: SessionRecord,
    /// The files that it has records in, as indices.
    pub files: Vec<u16>,
    /// Whether all derived rows of the session are dropped first (it was folded anew).
    pub replace: bool,
    /// New prompts, in order.
    pub prompts: Vec<PromptRecord>,
    /// New and changed steps, in order of their first appearance.
    pub steps: Vec<StepBatch>,
    /// Files beside the transcript that were named.
    pub named: Vec<NamedRecord>,
    /// Prompts that went onto or off the conversation's path: number, off.
    pub off_path: Vec<(u32, bool)>,
    /// Unknown records: version, record, how many more.
    pub unknown: Vec<(String, String, u32)>,
    /// Damaged lines: place and why.
    pub damaged: Vec<(Span, String)>,
    /// The fold's state after it.
    pub checkpoint: Vec<u8>,
}
