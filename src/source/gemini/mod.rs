//! Gemini CLI: one file for each session below `~/.gemini/tmp/<project>/chats`.
//!
//! Until early 2026 it is one JSON document that is written anew after each message; since then lines of JSON, in which a
//! message that changed is appended again under its id, `$set` changes what is said of the session, and `$rewindTo` takes
//! messages back. A session that goes on is moved from the one form into the other, and both files stay: they have the
//! same ids, and are one session.
//!
//! Neither form says where the session ran: the folder has the SHA-256 of the project's path, or a short name for it. The path
//! is found in `.project_root`, in `projects.json`, or as the one of the store's own folders that has this hash; else the
//! answer of a tool that names a file whole tells it.
//!
//! Qwen Code began as a copy of Gemini CLI: its old files have this form, and its tools these names.

mod cut;
mod events;
pub(super) mod tool;

pub(super) use events::words;

use std::path::{Path, PathBuf};

use super::{Document, Event, Extractor, ParseState, Places, Source};
use crate::model::Agent;

/// Gemini CLI's sessions.
pub struct Gemini;

static CHAT: Document = Document(cut::chat);

impl Source for Gemini {
    fn agent(&self) -> Agent {
        Agent::Gemini
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        // The variable stands for the home folder.
        let home = places.var_folder("GEMINI_CLI_HOME");
        vec![
            home.unwrap_or_else(|| places.home.clone())
                .join(".gemini/tmp"),
        ]
    }

    fn is_transcript(&self, path: &Path) -> bool {
        is_chat(path)
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        // Qwen's old files say the same; only their place tells them apart.
        claims(head) && !path.components().any(|c| c.as_os_str() == ".qwen")
    }

    fn extractor(&self, _: &Path) -> Option<&'static dyn Extractor> {
        Some(&CHAT)
    }

    fn parse(&self, _: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        events::line(line, state, out);
    }
}

/// Reads a line of Qwen's old files.
pub(super) fn parse(line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    events::line(line, state, out);
}

/// How Qwen's old files are cut.
pub(super) fn extractor() -> &'static dyn Extractor {
    &CHAT
}

/// Whether a file is a session, by its place: `chats/session-*.json`, or a sub-agent's below `chats/<parent>/`.
pub(super) fn is_chat(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
    let mut above = path.ancestors().skip(1).filter_map(Path::file_name);
    let in_chats = above.next().is_some_and(|n| n == "chats");
    let below_chats = above.next().is_some_and(|n| n == "chats");
    match in_chats {
        true => {
            name.starts_with("session-") && (name.ends_with(".json") || name.ends_with(".jsonl"))
        }
        false => below_chats && name.ends_with(".jsonl"),
    }
}

/// Whether the first bytes of a file are a session's: its id and its project's hash stand before the messages.
pub(super) fn claims(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let (mut session, mut project, mut start) = (false, false, false);
    // The head of a long document is torn, which says nothing.
    let _ = super::json::members(&head, &mut |name, part| {
        let text = part.text.starts_with('"');
        match name {
            "sessionId" => session = text,
            "projectHash" => project = text,
            "startTime" => start = text,
            _ => {}
        }
        name != "messages"
    });
    session && project && start
}
