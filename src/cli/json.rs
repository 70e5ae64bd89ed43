//! The data of `--json`. Field names are a promise: never removed, never renamed.
//!
//! Adding one is allowed. Beyond what was promised first there are `archived` of a session, `note` of a change (what is odd about it, in words),
//! `moved_by` and `spaced_by` of a blamed line, and `ticked` and `steps` of a file in a plan. Every field of every command
//! stands, with its type, in `tests/json_fields.rs`, which fails for one that is missing and for one that is not listed.

use serde::Serialize;

use crate::model::{Author, Time};
use crate::query::blame::{BlameLine, HistoryEntry, Origin, RemovedLine};

use crate::query::types::{FileChange, Hit, HitWhat, SessionInfo, StepDetail, StepInfo};
use crate::query::{Rewound, patch};

fn utc(at: Option<Time>) -> Option<String> {
    at.map(Time::rfc3339)
}

/// A session.
#[derive(Serialize)]
pub(super) struct Session<'a> {
    id: &'a str,
    agent: &'static str,
    native_id: &'a str,
    parent_id: Option<&'a str>,
    title: &'a str,
    cwd: Option<&'a str>,
    started_at: Option<String>,
    ended_at: Option<String>,
    model: Option<&'a str>,
    prompts: u32,
    steps: u32,
    edits: u32,
    commands: u32,
    failed: u32,
    files_changed: u32,
    added: u64,
    removed: u64,
    source: Option<&'a str>,
    /// The agent's own file is gone; only the store has it.
    archived: bool,
    warnings: &'a [String],
}

impl<'a> From<&'a SessionInfo> for Session<'a> {
    fn from(s: &'a SessionInfo) -> Session<'a> {
        Session {
            id: &s.id,
            agent: s.agent.name(),
            native_id: &s.native_id,
            parent_id: s.parent_id.as_deref(),
            title: &s.title,
            cwd: s.cwd.as_deref(),
            started_at: utc(s.started_at),
            ended_at: utc(s.ended_at),
            model: s.model.as_deref(),
            prompts: s.prompts,
            steps: s.steps,
            edits: s.edits,
            commands: s.commands,
            failed: s.failed,
            files_changed: s.files_changed,
            added: s.added,
            removed: s.removed,
            source: s.source.as_deref(),
            archived: s.archived,
            warnings: &s.warnings,
        }
    }
}

/// A step as `log` prints it.
#[derive(Serialize)]
pub(super) struct Step<'a> {
    id: &'a str,
    session_id: &'a str,
    prompt_id: Option<&'a str>,
    prompt_no: u32,
    seq: u32,
    at: Option<String>,
    kind: &'static str,
    status: &'static str,
    target: &'a str,
    title: &'a str,
    paths: &'a [String],
    added: Option<u32>,
    removed: Option<u32>,
    evidence: Option<&'static str>,
    exit_code: Option<i32>,
    duration_ms: Option<u64>,
}

impl<'a> From<&'a StepInfo> for Step<'a> {
    fn from(s: &'a StepInfo) -> Step<'a> {
        Step {
            id: &s.id,
            session_id: &s.session_id,
            prompt_id: s.prompt_id.as_deref(),
            prompt_no: s.prompt_no,
            seq: s.seq,
            at: utc(s.at),
            kind: s.kind.word(),
            status: s.status.word(),
            target: &s.target,
            title: &s.title,
            paths: &s.paths,
            added: s.added,
            removed: s.removed,
            evidence: s.evidence.map(|e| e.word()),
            exit_code: s.exit_code,
            duration_ms: s.duration_ms,
        }
    }
}

/// A rewind, revert, undo or redo as `log` prints it among the steps, with the same fields.
#[derive(Serialize)]
pub(super) struct Event<'a> {
    id: &'a str,
    /// The session whose work it undid; `session_ids` has all.
    session_id: Option<&'a str>,
    prompt_id: Option<&'a str>,
    prompt_no: Option<u32>,
    seq: Option<u32>,
    at: Option<String>,
    /// `rewind`, `revert`, `undo` or `redo`.
    kind: &'static str,
    /// `ok`, or `undone` if it was taken back since.
    status: &'static str,
    target: &'a str,
    title: &'a str,
    paths: &'a [String],
    added: u32,
    removed: u32,
    evidence: Option<&'static str>,
    exit_code: Option<i32>,
    duration_ms: Option<u64>,
    session_ids: &'a [String],
}

impl<'a> From<&'a Rewound> for Event<'a> {
    fn from(r: &'a Rewound) -> Event<'a> {
        Event {
            id: &r.id,
            session_id: r.sessions.first().map(String::as_str),
            prompt_id: None,
            prompt_no: None,
            seq: None,
            at: utc(Some(r.at)),
            kind: r.kind,
            status: if r.taken_back { "undone" } else { "ok" },
            target: &r.title,
            title: &r.title,
            paths: &r.paths,
            added: r.lines.0,
            removed: r.lines.1,
            evidence: None,
            exit_code: None,
            duration_ms: None,
            session_ids: &r.sessions,
        }
    }
}

/// A step as `show` prints it.
#[derive(Serialize)]
pub(super) struct Whole<'a> {
    #[serde(flatten)]
    step: Step<'a>,
    prompt_text: &'a str,
    reply: &'a str,
    input: &'a str,
    output: &'a str,
    changes: Vec<Change<'a>>,
}

impl<'a> From<&'a StepDetail> for Whole<'a> {
    fn from(s: &'a StepDetail) -> Whole<'a> {
        Whole {
            step: Step::from(&s.info),
            prompt_text: &s.prompt_text,
            reply: &s.reply,
            input: &s.input,
            output: &s.output,
            changes: s.changes.iter().map(Change::from).collect(),
        }
    }
}

/// A change of a file.
#[derive(Serialize)]
pub(super) struct Change<'a> {
    path: &'a str,
    op: &'static str,
    old_path: Option<&'a str>,
    before: Option<&'a str>,
    after: Option<&'a str>,
    added: u32,
    removed: u32,
    evidence: &'static str,
    patch: String,
    note: Option<&'a str>,
}

impl<'a> From<&'a FileChange> for Change<'a> {
    fn from(c: &'a FileChange) -> Change<'a> {
        Change {
            path: &c.path,
            op: c.op.word(),
            old_path: c.old_path.as_deref(),
            before: c.before_hash.as_deref(),
            after: c.after_hash.as_deref(),
            added: c.added,
            removed: c.removed,
            evidence: c.evidence.word(),
            patch: patch::of_file(c).text,
            note: c.note.as_deref(),
        }
    }
}

/// A hit of `search`.
#[derive(Serialize)]
pub(super) struct Found<'a> {
    session_id: &'a str,
    agent: &'static str,
    session_title: &'a str,
    what: &'static str,
    step_id: Option<&'a str>,
    prompt_no: Option<u32>,
    kind: Option<&'static str>,
    status: Option<&'static str>,
    at: Option<String>,
    text: &'a str,
    matched: &'a [u32],
}

impl<'a> From<&'a Hit> for Found<'a> {
    fn from(h: &'a Hit) -> Found<'a> {
        let (what, step, prompt_no) = match &h.what {
            HitWhat::Session => ("session", None, None),
            HitWhat::Prompt(_, no) => ("prompt", None, Some(*no)),
            HitWhat::Step(step) => ("step", Some(step), Some(step.prompt_no)),
        };
        Found {
            session_id: &h.session.id,
            agent: h.session.agent.name(),
            session_title: &h.session.title,
            what,
            step_id: step.map(|s| s.id.as_str()),
            prompt_no,
            kind: step.map(|s| s.kind.word()),
            status: step.map(|s| s.status.word()),
            at: utc(h.at),
            text: &h.text,
            matched: &h.matched,
        }
    }
}

/// A line of `blame`.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    line: u32,
    text: &'a str,
    #[serde(flatten)]
    origin: Who<'a>,
    prompt_text: Option<&'a str>,
    commit: Option<&'a str>,
    /// Who moved it since, and who changed its white space: a step's id, or an author's word.
    moved_by: Option<&'a str>,
    spaced_by: Option<&'a str>,
    alternatives: Vec<Who<'a>>,
}

/// Who wrote a line.
#[derive(Serialize)]
pub(super) struct Who<'a> {
    author: &'static str,
    evidence: Option<&'static str>,
    step_id: Option<&'a str>,
    session_id: Option<&'a str>,
    agent: Option<&'static str>,
    prompt_no: Option<u32>,
    at: Option<String>,
}

impl<'a> From<&'a Origin> for Who<'a> {
    fn from(o: &'a Origin) -> Who<'a> {
        let step = o.step.as_ref();
        Who {
            author: o.author.word(),
            evidence: o.evidence.map(|e| e.word()),
            step_id: step.map(|s| s.id.as_str()),
            session_id: step.map(|s| s.session_id.as_str()),
            agent: o.agent.map(|a| a.name()),
            prompt_no: step.map(|s| s.prompt_no),
            at: utc(o.at),
        }
    }
}

impl<'a> Line<'a> {
    pub fn new(line: &'a BlameLine, origins: &'a [Origin]) -> Line<'a> {
        let origin = &origins[line.origin];
        let short = |at: usize| -> &'a str {
            let origin = &origins[at];
            let step = origin.step.as_ref();
            step.map_or(origin.author.word(), |s| s.id.as_str())
        };
        Line {
            line: line.line,
            text: &line.text,
            origin: origin.into(),
            prompt_text: origin.prompt_text.as_deref(),
            commit: origin.commit.as_deref(),
            moved_by: line.moved.map(short),
            spaced_by: line.spaced.map(short),
            alternatives: line
                .alternatives
                .iter()
                .map(|a| (&origins[*a]).into())
                .collect(),
        }
    }
}

/// A line of `blame --removed`.
#[derive(Serialize)]
pub(super) struct Gone<'a> {
    line: u32,
    text: &'a str,
    #[serde(flatten)]
    origin: Who<'a>,
    prompt_text: Option<&'a str>,
    alternatives: Vec<Who<'a>>,
    removed: Who<'a>,
}

impl<'a> Gone<'a> {
    pub fn new(line: &'a RemovedLine, origins: &'a [Origin]) -> Gone<'a> {
        let origin = &origins[line.origin];
        Gone {
            line: line.line,
            text: &line.text,
            origin: origin.into(),
            prompt_text: origin.prompt_text.as_deref(),
            alternatives: line
                .alternatives
                .iter()
                .map(|a| (&origins[*a]).into())
                .collect(),
            removed: (&origins[line.removed]).into(),
        }
    }
}

/// One change of `blame --back`.
#[derive(Serialize)]
pub(super) struct Hop<'a> {
    pub undone: Who<'a>,
    pub prompt_text: Option<&'a str>,
    pub replaced: Vec<Line<'a>>,
    /// The number of the replaced line that is most like the one asked for.
    pub nearest: Option<u32>,
}

/// An entry of `history`.
#[derive(Serialize)]
pub(super) struct Touch<'a> {
    path: &'a str,
    old_path: Option<&'a str>,
    op: Option<&'static str>,
    author: &'static str,
    agent: Option<&'static str>,
    step_id: Option<&'a str>,
    session_id: Option<&'a str>,
    prompt_no: Option<u32>,
    at: Option<String>,
    kind: Option<&'static str>,
    added: u32,
    removed: u32,
    evidence: Option<&'static str>,
    patch: Option<String>,
}

impl<'a> Touch<'a> {
    pub fn new(e: &'a HistoryEntry, patch: Option<String>) -> Touch<'a> {
        let step = e.step.as_ref();
        Touch {
            path: &e.path,
            old_path: e.old_path.as_deref(),
            op: e.op.map(|o| o.word()),
            author: match (step, e.author) {
                (Some(_), _) => "agent",
                (None, author) => author.map_or("unknown", Author::word),
            },
            agent: e.agent.map(|a| a.name()),
            step_id: step.map(|s| s.id.as_str()),
            session_id: step.map(|s| s.session_id.as_str()),
            prompt_no: step.map(|s| s.prompt_no),
            at: step.and_then(|s| utc(s.at.or(s.started_at))),
            kind: step.map(|s| s.kind.word()),
            added: e.added,
            removed: e.removed,
            evidence: e.evidence.map(|e| e.word()),
            patch,
        }
    }
}
