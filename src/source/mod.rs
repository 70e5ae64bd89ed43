//! Reading transcripts: one folder for each agent, behind one small trait.
//!
//! A source turns one line of a transcript into [`Event`]s and knows nothing of the store, of other
//! lines (but for the little it keeps in [`ParseState`]) or of the disk. It never fails: what it does
//! not understand becomes [`Body::Unknown`], what is damaged [`Body::Damaged`]. Joining calls to
//! results, numbering, branches and file states are the fold's work (`ingest::fold`), so that every
//! agent gets them alike. Where an agent keeps no growing lines, an [`Extractor`] makes lines of what
//! it keeps: it is the one part of a source that reads the disk, and it never writes there.
//!
//! # Adding an agent
//!
//! 1. **A module** `source/NAME.rs` (or a folder), with a unit struct that implements [`Source`]; a line for it in
//!    [`SOURCES`]. [`Agent`] has its word already, or gets one with a new number.
//! 2. **Where it lies.** `roots` lists folders or single files for every system, from [`Places`] alone (`xdg_data`,
//!    `app_config`, `editors`, `in_projects`). Every look walks through all of a root: never name a folder that also holds
//!    a cache, or leave that out with `may_hold`. `watched` adds folders in which a change matters though no transcript lies there. A variable of the environment
//!    must stand in [`VARIABLES`]. `is_transcript` decides by the path alone; `claims` by the first bytes, for `ingest
//!    --from`: when in doubt, no.
//! 3. **How it is kept.**
//!    - Growing JSONL: `extractor` stays `None`, and `parse` reads the agent's own lines.
//!    - One JSON document (or markdown) that is rewritten: a `static` [`Document`] with a function that cuts the text into
//!      [`Given`] records; [`json::members`] and [`json::elements`] cut without copying, and give what stands before a tear.
//!    - A folder of files: the one that names the session is the transcript; an [`Extractor`] whose `files` are all that may
//!      change (missing ones may be named), and an [`Input`] that reads them.
//!    - A database: an [`Extractor`] with `holds_several`, [`sqlite::files`] as its `files`, and [`sqlite::Db`] to read it. List
//!      in `Allow` what is read, and nothing that holds secrets. `sessions` must be cheap: a `token` that changes with the
//!      session and comes from an index, never from the rows' contents. End `records` with `db.still()`.
//! 4. **Records.** Each stands for itself: the session's native id, a key that names it for ever (the agent's own id, else its
//!    place), an order that sorts as text ([`record::rank`]), a kind, the agent's bytes. `parse` begins with [`Record::parse`]
//!    and `record.enter(state, out)`, then says what the kind says. A record that the agent rewrites is handed out anew under
//!    its key, and only its newest version is folded; one that is gone from the input stays. What `parse` needs to
//!    understand a record must be in it (who spoke, say, as its kind), since details are read again from the line alone.
//!    Leave out what is not whole yet if it will come again under the same key with less in it.
//! 5. **What it says.** Prompts are a person's words alone. A call's id must be unique in its session. [`tools::call`]
//!    describes a call whose input is JSON; [`tools::hunks`] and [`tools::begin_patch`] read patches. Effects only if the
//!    tool worked, with the whole text before and after where the record has it. A sub-agent is a session of its own:
//!    `SessionHead::parent`, `Relation::Subagent`, its prompts `Via::Task`; the call that started it says `spawned`.
//!    Where the agent itself writes a session in several forms, `detail` says which tells most.
//!    A program that tells of other agents' sessions says whose each is (`SessionHead::agent`) and stands in [`retells`].
//! 6. **Tests**: fixtures of your own making below `tests/fixtures/NAME`, with what is expected of them
//!    (`tests/support/golden.rs` reads JSONL and anything with an extractor), the counts of real sessions where they are at
//!    hand, and torn and hostile input.

pub mod aider;
pub mod amp;
pub mod claude;
pub mod cline;
pub mod codex;
pub mod continue_dev;
pub mod copilot;
pub mod crush;
pub mod cursor;
mod effect;
mod event;
pub mod extract;
pub mod fields;
pub mod fork;
pub mod gemini;
pub mod goose;
pub mod json;
pub mod kilo;
pub mod lines;
pub mod opencode;
pub mod pi;
mod places;
pub mod qwen;
pub mod record;
pub mod regent;
pub mod shell;
pub mod specstory;
pub mod sqlite;
pub mod tools;

pub use effect::{Before, Effect, Hunk};
pub use event::{
    Body, Call, Committed, Context, Correction, Event, Kept, Outcome, Relation, SessionHead,
    Spilled, Usage,
};

pub use extract::{Document, Extractor, Input, Stream};
pub use places::{Os, Places, VARIABLES};
pub use record::{Given, Record};

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::Agent;

/// What a source carries from one line of a file to the next. It is stored with the file's cursor, so a
/// file that grows is read on from where it was left; it must stay small (no texts).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParseState {
    /// The native id of the session that the next record belongs to (`parent/agent` for a sub-agent's).
    pub session: Option<String>,
    /// Free for the source; empty if it needs nothing.
    pub memory: Vec<(String, String)>,
}

impl ParseState {
    /// The value that the source remembered under this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.memory
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// Remembers a value under this name.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.memory.iter_mut().find(|(n, _)| n == name) {
            Some((_, v)) => value.clone_into(v),
            None => self.memory.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Forgets this name.
    pub fn unset(&mut self, name: &str) {
        self.memory.retain(|(n, _)| n != name);
    }
}

/// What may lie beside a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Copies of files ([`Kept`]).
    Copies,
    /// Outputs that were too large ([`Spilled`]).
    Outputs,
}

/// When an agent deletes its own transcripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// So many days after they were last written.
    pub days: u64,
    /// What changes that, in words.
    pub setting: &'static str,
}

/// One agent's way of keeping sessions.
pub trait Source: Sync {
    /// Whose files these are.
    fn agent(&self) -> Agent;

    /// The folders that may hold transcripts, whether they exist or not, and files that are some; shown to the user when
    /// nothing was found. Everything below them is walked through at each look, so they must be as narrow as can be.
    fn roots(&self, places: &Places) -> Vec<PathBuf>;

    /// The folders and files in which a change may mean something new, where that is more than the roots.
    fn watched(&self, places: &Places) -> Vec<PathBuf> {
        self.roots(places)
    }

    /// Whether there may be transcripts in a folder below a root, by its path; else it is not walked through. For roots that
    /// hold much that is not the agent's, such as the caches of an editor's extensions.
    fn may_hold(&self, _folder: &Path) -> bool {
        true
    }

    /// Whether a file at or below a root is a transcript, or the file that names one (the others that belong to it are its
    /// extractor's matter), by its path alone.
    fn is_transcript(&self, path: &Path) -> bool;

    /// Whether a file is this agent's, by its first bytes (for files given by name, wherever they lie). A database can be
    /// asked for its tables; then the path is needed. When in doubt, no: an unknown file is nobody's.
    fn claims(&self, path: &Path, head: &[u8]) -> bool;

    /// How the sessions are got out of a transcript that is not a file of growing lines; `None` if it is.
    fn extractor(&self, _path: &Path) -> Option<&'static dyn Extractor> {
        None
    }

    /// The folders in which the files lie that a transcript of a session names, the likeliest first. Only such folders: a
    /// transcript is foreign text, and a path in it is never followed.
    fn beside(&self, _transcript: &Path, _session: &str, _what: Beside) -> Vec<PathBuf> {
        Vec::new()
    }

    /// When the agent deletes its own transcripts; `None` if nothing is documented.
    fn retention(&self, _places: &Places) -> Option<Retention> {
        None
    }

    /// How much a file tells of its session, where an agent writes the same session in several forms, each whole: only
    /// those of the most detail are shown, the others are kept. An agent that says so has one session in each file.
    ///
    /// The same goes for programs that tell of other agents' sessions ([`SessionHead::agent`]): where the agent's own
    /// transcript is known, nothing of what they tell of it is shown; else that of the most detail is.
    fn detail(&self, _path: &Path) -> u8 {
        0
    }

    /// Reads one line, without its line end. `path` is where the file lies, for formats in which its name says something
    /// (a sub-agent's id); it must never become part of an id.
    ///
    /// Two properties are tested for every source: the events of a line do not depend on how the file was cut into
    /// reads; and the texts of a line's `Prompt`, `Say`, `Call` and `Outcome` come out the same with a default state, since
    /// the details of a step are read again from its raw line.
    fn parse(&self, path: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>);
}

/// Every source, in the order in which they are asked.
#[rustfmt::skip] // One on each line: they are added by many.
pub static SOURCES: &[&dyn Source] = &[
    &claude::Claude,
    &codex::Codex,
    &cursor::Cursor,
    &opencode::Opencode,
    &cline::Cline,
    &cline::Roo,
    &kilo::Kilo,
    &aider::Aider::HERE,
    &copilot::Copilot,
    &pi::Pi,
    &gemini::Gemini,
    &qwen::Qwen,
    &crush::Crush,
    &goose::Goose,
    &continue_dev::Continue,
    &amp::Amp,
    &regent::Regent,
    &specstory::Specstory,
];

/// The source of an agent; `None` for one that this version cannot read.
pub fn source_of(agent: Agent) -> Option<&'static dyn Source> {
    SOURCES.iter().copied().find(|s| s.agent() == agent)
}

/// Whether a program tells of the sessions of other agents ([`SessionHead::agent`]).
pub fn retells(agent: Agent) -> bool {
    matches!(agent, Agent::Regent | Agent::Specstory)
}

/// The events of one line; of each of its records, if it holds several or a torn one beside a whole one.
pub fn events(
    agent: Agent,
    path: &Path,
    line: &[u8],
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    let before = out.len();
    let Some(source) = source_of(agent) else {
        return out.push(Event {
            key: None,
            at: None,
            node: None,
            body: Body::Unknown {
                record: "?".to_owned(),
            },
        });
    };
    let was = state.clone();
    source.parse(path, line, state, out);
    if out[before..]
        .iter()
        .any(|e| matches!(e.body, Body::Damaged { .. }))
    {
        let parts = lines::split_records(line);
        if parts.len() > 1 {
            out.truncate(before);
            *state = was;
            for part in parts {
                source.parse(path, part, state, out);
            }
        }
    }
}
