//! Claude Code: `projects/**/*.jsonl` below its configuration folders.
//!
//! Versions 1.0 to 2.1.237 are read. A line's records are found in [`line`] and become
//! events in [`events`]; which session it belongs to
//! is [`session`]'s matter, a person's words are [`user`]'s, an action [`calls`]'s and what came back
//! [`results`]'s. Nothing here reads the disk: outputs that were too large ([`spilled`]) and copies of files
//! ([`kept`]) lie in other files, which are named here and read by the ingest; but for one of its settings ([`retention`]).

mod calls;
mod content;
mod effects;
mod events;
mod fields;
mod fork;
mod hunks;
mod input;
mod kept;
mod lenient;
mod line;
mod mirror;
mod queue;
mod readable;
mod record;
mod results;
mod retention;
mod session;
mod spilled;
#[cfg(test)]
mod tests;
mod user;

pub(super) use user::said;

use std::path::{Path, PathBuf};

use super::{Beside, Event, ParseState, Places, Retention, Source};
use crate::model::Agent;

pub(super) use fork::fork;

/// Claude Code's JSONL files.
pub struct Claude;

impl Source for Claude {
    fn agent(&self) -> Agent {
        Agent::Claude
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = Vec::new();
        match places.var("CLAUDE_CONFIG_DIR") {
            Some(list) => {
                for folder in list.split(',').map(str::trim).filter(|f| !f.is_empty()) {
                    folders.push(match folder.strip_prefix("~/") {
                        Some(rest) => places.home.join(rest),
                        None => PathBuf::from(folder),
                    });
                }
            }
            None => {
                folders.push(places.home.join(".claude"));
                let config = places
                    .var("XDG_CONFIG_HOME")
                    .map_or_else(|| places.home.join(".config"), PathBuf::from);
                folders.push(config.join("claude"));
            }
        }
        let mut roots: Vec<PathBuf> = Vec::new();
        for folder in folders {
            // Some people name the projects folder itself.
            let root = if folder.ends_with("projects") {
                folder
            } else {
                folder.join("projects")
            };
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        roots
    }

    fn is_transcript(&self, path: &Path) -> bool {
        // A tool's output that was spilled to a file may be JSONL too.
        path.extension().is_some_and(|e| e == "jsonl")
            && !path.components().any(|c| c.as_os_str() == "tool-results")
    }

    fn claims(&self, _: &Path, head: &[u8]) -> bool {
        line::claims(head)
    }

    fn beside(&self, transcript: &Path, session: &str, what: Beside) -> Vec<PathBuf> {
        // A sub-agent's files lie with those of the session that started it.
        let session = session.split('/').next().unwrap_or_default();
        match what {
            Beside::Copies => kept::folders(transcript, session),
            Beside::Outputs => spilled::folders(transcript, session),
        }
    }

    fn retention(&self, places: &Places) -> Option<Retention> {
        Some(retention::retention(places))
    }

    fn parse(&self, path: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        line::line(path, line, state, out);
    }
}
