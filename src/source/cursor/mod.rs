//! Cursor: the editor's databases `state.vscdb` of all three generations, the databases of its program for the terminal
//! (`store.db`), and the transcripts that both write.
//!
//! | kind | key | body |
//! |---|---|---|
//! | `composer`, `tab` | `composer` | of a chat of the editor: folder, title, model, who started it |
//! | `user`, `task`, `bubble` | the bubble | `{"bubble": .., "before": .., "after": .., "new": ..}`: a message or a call with its result; the texts of a file that an edit points at |
//! | `meta` | `meta` | of a session in the terminal: title, model, folder |
//! | `message` | its place | `{"message": .., "calls": ..}`: a message as the model got it; to results also what was called |
//! | `said` | the line | a line of a transcript |
//!
//! The editor's databases also hold keys to the owner's account: of `ItemTable` and `cursorDiskKV` only the keys and
//! beginnings in [`state`] are read. The keys in a chat's own row (`blobEncryptionKey`) are not taken over.
//!
//! One session may stand in several of these under one id. A database knows the texts of files and what commands answered,
//! the terminal's database what tools answered, a transcript only what was asked: the one that tells most is shown
//! ([`Source::detail`]).

mod bubble;
mod cli;
mod events;
mod fields;
mod state;
mod store;
mod tool;
mod transcript;

use std::path::{Path, PathBuf};

pub(super) use bubble::path_of_uri;

use super::{Document, Event, Extractor, ParseState, Places, Source, sqlite};
use crate::model::Agent;

/// Cursor's sessions.
pub struct Cursor;

static TRANSCRIPT: Document = Document(transcript::cut);

impl Source for Cursor {
    fn agent(&self) -> Agent {
        Agent::Cursor
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        let user = places.editor("Cursor");
        let own = places.home.join(".cursor");
        vec![
            user.join("globalStorage/state.vscdb"),
            user.join("workspaceStorage"),
            own.join("chats"),
            own.join("projects"),
        ]
    }

    fn is_transcript(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        name == "state.vscdb"
            || name == "store.db"
            || (name.ends_with(".jsonl") && transcript::lies_there(path))
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        match sqlite::is_database(head) {
            true => state::is_ours(path) || store::is_ours(path),
            false => transcript::claims(path, head),
        }
    }

    fn extractor(&self, path: &Path) -> Option<&'static dyn Extractor> {
        match path.extension().and_then(|e| e.to_str()) {
            Some("vscdb") => Some(&state::State),
            Some("jsonl") => Some(&TRANSCRIPT),
            _ => Some(&store::Store),
        }
    }

    fn detail(&self, path: &Path) -> u8 {
        let is = |path: &Path, ending: &str| path.extension().is_some_and(|e| e == ending);
        // A session of a database is a path below it.
        if path.parent().is_some_and(|p| is(p, "vscdb")) {
            3
        } else if is(path, "jsonl") {
            1
        } else {
            2
        }
    }

    fn parse(&self, _: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        events::line(line, state, out);
    }
}
