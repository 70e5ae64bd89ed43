//! What a line of a transcript says, in words that all agents share.

use crate::model::{Agent, Status, StepKind, Time, Via};

use super::Effect;

/// One thing that a record says. Texts are as they stand in the record: unsanitised, uncut.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The record's own id (Claude's `uuid` with the index of the block, `#n`, when a record holds several of a kind);
    /// `None` where the format has none.
    pub key: Option<String>,
    /// The record's time stamp.
    pub at: Option<Time>,
    /// The record's place in the conversation's tree: its own node and its parent's, where the format has a tree.
    pub node: Option<(String, Option<String>)>,
    /// What it says.
    pub body: Body,
}

/// The kinds of thing that a record can say.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// From here on the records belong to this session. Emitted when `ParseState::session` changes, and again (for the
    /// same session) when more about it becomes known.
    Session(Box<SessionHead>),
    /// The folder, branch or model changed. Emitted only on change.
    Context(Context),
    /// What a person asked, exactly as typed (or the task given to a sub-agent, `Via::Task`).
    Prompt {
        /// The words.
        text: String,
        /// How they came in.
        via: Via,
    },
    /// Text that a person typed while the agent worked, when it entered the queue. It becomes a prompt where it is
    /// taken in; the fold pairs the two by text, and makes a prompt of what was never seen again.
    Queued {
        /// The words.
        text: String,
    },
    /// Queued text left the queue: `true` if it was taken in by the agent, `false` if a normal prompt record follows.
    Unqueued {
        /// Whether it was injected into the running turn.
        injected: bool,
    },
    /// What the agent said to the person (not its hidden reasoning).
    Say {
        /// Markdown.
        text: String,
    },
    /// The agent asked for an action.
    Call(Box<Call>),
    /// What came back.
    Outcome(Box<Outcome>),
    /// The agent committed what a call changed, or took such a commit back. In the same record as the call's outcome.
    Committed(Box<Committed>),
    /// The agent keeps copies of files, beside the transcript.
    Kept(Vec<Kept>),
    /// Tokens of one request to the model.
    Usage(Usage),
    /// A title that the agent gave to the session (used only if there is no prompt to take one from).
    Title(String),
    /// Something that happened to the session, worth a row: interrupted, compacted, an error of the service.
    Notice {
        /// One or a few words: `interrupted`, `compacted`, `api error`, ...
        what: &'static str,
        /// The whole text, empty if there is none.
        text: String,
    },
    /// The last `turns` prompts were taken out of the agent's context; files were not touched.
    RolledBack {
        /// How many prompts.
        turns: u32,
    },
    /// A node of the conversation's tree that carries nothing else (so that the tree has no hole).
    Link,
    /// Understood, and of no use here (a progress tick, a cached title).
    Ignored,
    /// A record type that is not known; kept verbatim in the raw bytes and counted under this name.
    Unknown {
        /// `type` or `type/subtype`.
        record: String,
    },
    /// A field that is not known, of a record that is understood otherwise; told by `doctor --formats`.
    UnknownField {
        /// Where it stands: `record.field`.
        field: String,
    },
    /// Bytes that are not a record; counted, shown with their place.
    Damaged {
        /// Why.
        why: String,
    },
}

/// What is known of a session from its records. `None` and empty mean "this record does not say".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionHead {
    /// The agent's own id (`parent/agent` for a sub-agent).
    pub native_id: String,
    /// Whose session it is, where a program tells of another agent's: see [`super::Source::detail`]. `None`: its own.
    pub agent: Option<Agent>,
    /// The native id of the session it was started from: by a sub-agent call, a fork or a resume.
    pub parent: Option<String>,
    /// Why it has a parent.
    pub relation: Option<Relation>,
    /// The folder it ran in, absolute.
    pub cwd: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The agent's version.
    pub version: Option<String>,
    /// The git branch.
    pub branch: Option<String>,
    /// The commit that was checked out at the start.
    pub commit: Option<String>,
    /// The role or nickname of a sub-agent.
    pub role: Option<String>,
}

/// How a session hangs on its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Relation {
    /// It does a part of the parent's work.
    Subagent,
    /// It continues a copy of the parent's conversation.
    Fork,
}

/// A commit that holds what a call changed: git has the texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The call's id.
    pub call_id: String,
    /// The beginning of the commit's name.
    pub name: String,
    /// The first line of its message.
    pub subject: String,
    /// The beginning of the name of the commit right below it, if the record says so.
    pub on: Option<String>,
    /// The record shows that the file had no changes of anybody else when it was changed.
    pub clean: bool,
    /// The call took it back: the file contains again what it did before.
    pub undone: bool,
}

/// A copy that the agent keeps of a file as it was at a moment, mostly right before it changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The file, as given; relative to the folder that the session started in.
    pub path: String,
    /// The name of the copy; `None`: there was no such file at that moment.
    pub name: Option<String>,
    /// The moment.
    pub at: Option<Time>,
}

/// An output that was too large for the transcript and lies in a file beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spilled {
    /// The file's name, without its folder.
    pub name: String,
    /// Its size in bytes, if the record says so.
    pub size: Option<u64>,
    /// So many bytes at the beginning of the outcome's output are the beginning of that file.
    pub begins: usize,
}

/// A change of circumstances.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// The folder that relative paths refer to from here on, absolute.
    pub cwd: Option<String>,
    /// The git branch.
    pub branch: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The agent's version.
    pub version: Option<String>,
}

/// An action that the agent asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Joins the call to its outcome; unique within the session.
    pub call_id: String,
    /// What it is.
    pub kind: StepKind,
    /// The agent's own name of the tool.
    pub tool: String,
    /// Path, pattern, command, address, question or description; one line as far as possible, uncut. For a command: the
    /// command as given (without `bash -lc`).
    pub target: String,
    /// The folder that a command was told to run in, if it was told.
    pub workdir: Option<String>,
    /// The input as a person would read it: a command's text, a plan's items, else indented JSON.
    pub input: String,
    /// The paths that the input names, as given.
    pub paths: Vec<String>,
}

/// What came back for a call. A call may have several (a command that goes on in the background): they are joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The call's id.
    pub call_id: String,
    /// How it ended; `Running` if this is a part and more will follow.
    pub status: Status,
    /// Exit code, where the record says or implies one.
    pub exit_code: Option<i32>,
    /// How long it took, in milliseconds, where the record says so itself.
    pub duration_ms: Option<u64>,
    /// What the tool printed or answered, as a person would read it.
    pub output: String,
    /// The output is longer than the record holds.
    pub spilled: Option<Spilled>,
    /// What it did to files, or showed of them. Empty unless the status is `Ok` (a failed tool may still have changed
    /// some files: then only those).
    pub effects: Vec<Effect>,
    /// The sub-agent that it started, by the agent part of its id.
    pub spawned: Option<String>,
    /// Words of the person inside the result (beside a refusal, or the answer to a question).
    pub answer: Option<String>,
    /// A better kind, target or tool than the call's, where only the result knows it.
    pub correction: Option<Correction>,
    /// Where this is an edit without a call record of its own (Codex `patch_apply_end` in code mode), the fold makes a step for it.
    pub standalone: Option<Box<Call>>,
}

/// What a result knows better than its call.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// The kind of step.
    pub kind: StepKind,
    /// Its target, if it is to change.
    pub target: Option<String>,
}

/// Tokens of one request. Requests are told apart by `request`, and the last record of a request wins.
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    /// Identifies the request within the session.
    pub request: String,
    /// The model that answered.
    pub model: Option<String>,
    /// Input tokens, those read from a cache included.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Of the input tokens, those read from a cache.
    pub cached: u64,
}
