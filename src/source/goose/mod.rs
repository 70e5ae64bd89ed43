//! Goose: the database `sessions.db` of 1.10 and later, and the files of lines before it.
//!
//! | kind | key | body |
//! |---|---|---|
//! | `session` | `session` | the session's row, or the first line of its file |
//! | `user`, `task`, `assistant` | what is in it | `{"at": seconds, "content": .., "metadata": .., "calls": ..}`: a message; beside results, of each call that is answered, its step, name and arguments |
//!
//! Goose writes a session's messages anew when it makes room in the model's context, each with another number, and older
//! versions gave them no other name. So a message is named by when and by whom it was said and what stands in it, without
//! what may be told in other words of the same thing.
//!
//! What is called a user's message also carries results, and words of the program. Those that the user cannot see are not
//! the user's. A session that was taken over from its file into the database has the same id and is shown from there.

mod database;
mod events;
mod lines;
mod message;
mod tool;

use std::path::{Path, PathBuf};

use super::{Document, Event, Extractor, Os, ParseState, Places, Source, sqlite};
use crate::model::Agent;

/// Goose's sessions.
pub struct Goose;

static LINES: Document = Document(lines::cut);

impl Source for Goose {
    fn agent(&self) -> Agent {
        Agent::Goose
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        let data = match (places.var_folder("GOOSE_PATH_ROOT"), places.os) {
            (Some(root), _) => root.join("data"),
            (None, Os::Windows) => places.app_config().join("Block/goose/data"),
            (None, _) => places.xdg_data().join("goose"),
        };
        vec![data.join("sessions")]
    }

    fn is_transcript(&self, path: &Path) -> bool {
        path.file_name().is_some_and(|n| n == "sessions.db")
            || path.extension().is_some_and(|e| e == "jsonl")
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        match sqlite::is_database(head) {
            true => database::is_ours(path),
            false => path.extension().is_some_and(|e| e == "jsonl") && lines::claims(head),
        }
    }

    fn extractor(&self, path: &Path) -> Option<&'static dyn Extractor> {
        match path.extension().is_some_and(|e| e == "jsonl") {
            true => Some(&LINES),
            false => Some(&database::Database),
        }
    }

    fn detail(&self, path: &Path) -> u8 {
        match path.extension().is_some_and(|e| e == "jsonl") {
            true => 1,
            false => 2,
        }
    }

    fn parse(&self, _: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        events::line(line, state, out);
    }
}
