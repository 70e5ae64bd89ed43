//! OpenCode: the database `opencode.db` of 1.x, and the tree of JSON files before it.
//!
//! Both hold the same things under the same ids: a session, its messages, the parts of each. A record is one of
//!
//! | kind | key | body |
//! |---|---|---|
//! | `session` | `session` | the session's row, or its file |
//! | `user`, `task` | the message | `{"info": message, "parts": [..]}`: what a person asked, or the task of a sub-agent |
//! | `message` | the message | the agent's message: model, folder, tokens, error |
//! | `part` | the part | what the agent said or did |
//! | `revert` | `revert` | how many prompts at the end are taken back now |
//!
//! Where a session stands in both (the tree stays behind when it is moved into the database), the records have the same
//! keys, and the session is one. The database also has `session_share`, `account` and `credential`: they hold secrets and are
//! not on the list of what may be read; nor is `event`, the log of how the same rows came to be.
//!
//! An older program of the same name, in Go, kept `.opencode/opencode.db` in the project, with the tables of Crush, which it
//! became: those are read by [`super::crush`], whose records have other kinds.
//!
//! OpenCode's own id of a call (`functions.bash:7`) is used again within a session, so a step is named by its part.

mod database;
mod events;
mod tool;
mod tree;

use std::path::{Path, PathBuf};

use super::{Event, Extractor, ParseState, Places, Source, kilo, sqlite};
use crate::model::Agent;

/// OpenCode's sessions.
pub struct Opencode;

impl Source for Opencode {
    fn agent(&self) -> Agent {
        Agent::Opencode
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        // The same on every system.
        let data = places.xdg_data().join("opencode");
        let mut roots = vec![data.join("opencode.db"), data.join("storage/session")];
        roots.extend(places.in_projects(".opencode/opencode.db"));
        roots
    }

    fn watched(&self, places: &Places) -> Vec<PathBuf> {
        let mut all = self.roots(places);
        // Each reply writes its message anew once it is whole; its parts lie in a folder for each message.
        all.push(places.xdg_data().join("opencode/storage/message"));
        all
    }

    fn is_transcript(&self, path: &Path) -> bool {
        is_transcript(path)
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        !kilo::is_ours(path) && claims(path, head)
    }

    fn extractor(&self, path: &Path) -> Option<&'static dyn Extractor> {
        extractor(path)
    }

    fn parse(&self, _: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        parse(line, state, out);
    }
}

/// Whether a file is the database, or a session of the tree, by its name.
pub(super) fn is_transcript(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
    name == "opencode.db" || tree::is_session(name)
}

/// Whether a file has one of the forms that are read here; Kilo Code's have, too.
pub(super) fn claims(path: &Path, head: &[u8]) -> bool {
    match sqlite::is_database(head) {
        true => database::is_ours(path) || database::is_older(path),
        false => is_transcript(path) && tree::claims(path, head),
    }
}

/// How the sessions are got out of a file.
pub(super) fn extractor(path: &Path) -> Option<&'static dyn Extractor> {
    match path.extension().is_some_and(|e| e == "json") {
        true => Some(&tree::Tree),
        false => Some(&database::Database),
    }
}

/// Reads one line.
pub(super) fn parse(line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    events::line(line, state, out);
}

/// Where a message stands among others: by its time, then by its id, which is made of the time too.
fn order(created: i64, message: &str, part: &str) -> String {
    let created = super::record::rank(u64::try_from(created).unwrap_or(0));
    match part {
        "" => format!("{created}/{message}"),
        part => format!("{created}/{message}/{part}"),
    }
}
