//! re_gent (`rgt`): the sessions of other agents, as its hooks recorded them in `.regent/` of the repository.
//!
//! `index.db` names the sessions and holds what was asked and said; what a tool was given and answered, the trees of the work
//! folder and whole transcripts are objects, files named by the BLAKE3 of what they hold. The folder may be ours, too: our
//! files have other names, and nothing of it is ever written here.
//!
//! A session is its agent's own, under the agent's own id; it is shown only where the agent's transcript is not known. It
//! may stand here twice:
//!
//! | name | kind | body |
//! |---|---|---|
//! | `ID` | `session` | the row of the session, and the folder |
//! | | `user`, `assistant` | what was asked, what was answered last |
//! | | `call` | a call with what came back, as the hooks told it |
//! | `ID.jsonl` | the agent | a line of the copy of its transcript that was made at the end of the last turn |
//!
//! The copy tells more, so it is the one that is shown. The trees are handed out by [`Trees`](super::extract::Trees); they are of the moment at
//! which a turn ended, and what is not in them is not known to be absent: links, files over 10 MiB and what the ignore rules
//! name are never in them.
//!
//! Not read: the blame that it keeps (it is wrong by construction), sessions of which only the objects are left.

mod call;
mod events;
mod index;
mod objects;
mod trees;

use std::path::{Path, PathBuf};

use super::{Event, Extractor, ParseState, Places, Source};
use crate::model::Agent;

/// Behind the id of a session: it is the copy of the transcript.
const COPY: &str = ".jsonl";

/// re_gent.
pub struct Regent;

impl Source for Regent {
    fn agent(&self) -> Agent {
        Agent::Regent
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        places.in_projects(".regent/index.db")
    }

    fn is_transcript(&self, path: &Path) -> bool {
        path.file_name().is_some_and(|n| n == "index.db")
            && path
                .parent()
                .and_then(Path::file_name)
                .is_some_and(|n| n == ".regent")
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        path.file_name().is_some_and(|n| n == "index.db")
            && super::sqlite::is_database(head)
            && index::is_ours(path)
    }

    fn extractor(&self, _: &Path) -> Option<&'static dyn Extractor> {
        Some(&index::Index)
    }

    fn detail(&self, path: &Path) -> u8 {
        let copy = path
            .file_name()
            .is_some_and(|n| n.as_encoded_bytes().ends_with(COPY.as_bytes()));
        1 + u8::from(copy)
    }

    fn parse(&self, _: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        events::line(line, state, out);
    }
}

/// Whose session an id of re_gent's names, and that agent's own id of it. Three ways of writing it were in use:
/// `claude_code--ID`, `claude_code:ID`, and the bare id.
fn session(id: &str, origin: Option<&str>) -> (Agent, String) {
    let named = |mark: &str| {
        let (origin, rest) = id.split_once(mark)?;
        Some((agent(origin)?, unescaped(rest)))
    };
    named("--").or_else(|| named(":")).unwrap_or_else(|| {
        let agent = match origin {
            Some(origin) => agent(origin),
            None => Some(Agent::Claude),
        };
        // What nobody is known by keeps its whole name.
        (agent.unwrap_or(Agent::Regent), id.to_owned())
    })
}

fn agent(origin: &str) -> Option<Agent> {
    Some(match origin {
        "claude_code" => Agent::Claude,
        "codex_cli" => Agent::Codex,
        "opencode" => Agent::Opencode,
        "pi" => Agent::Pi,
        _ => return None,
    })
}

/// Text that was escaped as in the query of an address.
fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        let mut ahead = rest.clone();
        let hex = |b: Option<u8>| (b? as char).to_digit(16);
        match b {
            b'+' => out.push(b' '),
            b'%' => match (hex(ahead.next()), hex(ahead.next())) {
                (Some(high), Some(low)) => {
                    out.push((high * 16 + low) as u8);
                    rest = ahead;
                }
                _ => out.push(b'%'),
            },
            b => out.push(b),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways_of_naming_a_session_are_one() {
        let claude = (Agent::Claude, "a/b c".to_owned());
        for id in ["claude_code--a%2Fb+c", "claude_code:a%2fb%20c"] {
            assert_eq!(session(id, None), claude);
        }
        assert_eq!(session("a/b c", None), claude);
        assert_eq!(session("x", Some("codex_cli")), (Agent::Codex, "x".into()));
        assert_eq!(session("pi--100%", None), (Agent::Pi, "100%".into()));
        assert_eq!(
            session("new--1", Some("new")),
            (Agent::Regent, "new--1".into())
        );
    }
}
