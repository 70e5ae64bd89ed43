//! Reading transcripts: one folder for each agent, behind one small trait.
//!
//! A source turns one line of a transcript into [`Event`]s and knows nothing of the store, of other
//! lines (but for the little it keeps in [`ParseState`]) or of the disk. It never fails: what it does
//! not understand becomes [`Body::Unknown`], what is damaged [`Body::Damaged`]. Joining calls to
//! results, numbering, branches and file states are the fold's work (`ingest::fold`), so that every
//! agent gets them alike.
//!
//! Adding an agent: implement [`Source`], add it to [`SOURCES`] and [`Agent`], add fixtures.

pub mod claude;
pub mod codex;
mod effect;
mod event;
pub mod fork;
pub mod lines;
pub mod shell;

pub use effect::{Before, Effect, Hunk};
pub use event::{Body, Call, Context, Correction, Event, Outcome, Relation, SessionHead, Usage};

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::Agent;

/// Where agents may keep their files, read from the environment once, at the top of the program.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The user's home folder.
    pub home: PathBuf,
    /// `CLAUDE_CONFIG_DIR` (may be a comma-separated list), `CODEX_HOME`, `XDG_CONFIG_HOME`: name and value.
    pub env: Vec<(String, String)>,
}

impl Places {
    /// The value of a variable, if it is set and not empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.env
            .iter()
            .find(|(n, v)| n == name && !v.is_empty())
            .map(|(_, v)| v.as_str())
    }
}

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

/// One agent's way of keeping sessions.
pub trait Source: Sync {
    /// Whose files these are.
    fn agent(&self) -> Agent;

    /// The folders that may hold transcripts, whether they exist or not; shown to the user when nothing was found.
    fn roots(&self, places: &Places) -> Vec<PathBuf>;

    /// Whether a file below a root is a transcript, by its path alone.
    fn is_transcript(&self, path: &Path) -> bool;

    /// Whether a file is this agent's, by its first lines (for files given by name, wherever they lie).
    fn claims(&self, head: &[u8]) -> bool;

    /// Reads one line, without its line end. `path` is where the file lies, for formats in which its name says something
    /// (a sub-agent's id); it must never become part of an id.
    ///
    /// Two properties are tested for every source: the events of a line do not depend on how the file was cut into
    /// reads; and the texts of a line's `Prompt`, `Say`, `Call` and `Outcome` come out the same with a default state, since
    /// the details of a step are read again from its raw line.
    fn parse(&self, path: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>);
}

/// Every source, in the order in which they are asked.
pub static SOURCES: &[&dyn Source] = &[&claude::Claude, &codex::Codex];

/// The source of an agent.
pub fn source_of(agent: Agent) -> &'static dyn Source {
    match agent {
        Agent::Claude => &claude::Claude,
        Agent::Codex => &codex::Codex,
    }
}

/// The events of one line; of each of its records, if it holds several or a torn one beside a whole one.
pub fn events(
    agent: Agent,
    path: &Path,
    line: &[u8],
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    let (source, before) = (source_of(agent), out.len());
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
