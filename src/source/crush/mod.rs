//! Crush: the database `crush.db` of a project. The program grew out of one in Go that was called OpenCode; that one's
//! `.opencode/opencode.db` has the same tables and is read by the same code ([`super::opencode`]).
//!
//! | kind | key | body |
//! |---|---|---|
//! | `chat` | `chat` | `{"row": the session's row, "folder": where it ran}` |
//! | `person`, `parent` | the message | what a person asked, or the task of a sub-agent: `{"at": seconds, "parts": ..}` |
//! | `agent`, `summary` | the message | what the agent said and called; a summary that replaces what was said before |
//! | `results` | the message | what tools answered; beside it, of each call that is answered, its step, name and input, or, in place of the input, the texts of the file before and after |
//!
//! An id of a call may come again within a session, and may be empty: a step is named by its message and its place there.
//! A result names its tool by nothing but that id, so the extractor joins the two.
//!
//! Every text that a tool wrote stands in the table `files`, without a word on which call wrote it: [`versions`] finds that
//! out. Tokens are told only of the last request of a session, so they are not counted.

pub(super) mod database;
pub(super) mod events;
mod tool;
mod versions;

use std::path::{Path, PathBuf};

use super::{Event, Extractor, ParseState, Places, Source, sqlite};
use crate::model::Agent;

/// Crush's sessions.
pub struct Crush;

impl Source for Crush {
    fn agent(&self) -> Agent {
        Agent::Crush
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        // The same on every system.
        places.in_projects(".crush/crush.db")
    }

    fn is_transcript(&self, path: &Path) -> bool {
        path.file_name().is_some_and(|n| n == "crush.db")
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        // Its forerunner's database has the same tables.
        let others = path.file_name().is_some_and(|n| n == "opencode.db");
        !others && sqlite::is_database(head) && database::is_ours(path)
    }

    fn extractor(&self, _: &Path) -> Option<&'static dyn Extractor> {
        Some(&database::Database)
    }

    fn parse(&self, _: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        events::line(line, state, out);
    }
}
