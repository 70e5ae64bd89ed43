//! Codex: the command line, the desktop program and the editor extension, which share one format.
//!
//! # What is read
//!
//! `CODEX_HOME` (else `~/.codex`): `sessions/` with its folders by day, the flat files of old versions, and
//! `archived_sessions/`; files are called `rollout-*.jsonl`. Rollouts that the newest versions compress
//! (`.jsonl.zst`) are not transcripts to this source; nor is `history.jsonl`, which holds prompts alone.
//!
//! # Decisions that do not look ahead
//!
//! A line is read with what stood before it, never with what comes after:
//!
//! - **Prompts** stand in `event_msg/user_message`; `response_item` messages of the user also hold what the program
//!   injects. From version 0.100 on only the events count. In older files (and those that do not tell their version) both
//!   are taken, injected blocks left out; the second telling of the same words by the other kind of record is the same
//!   prompt. The oldest files have no envelope and no events.
//! - **Words of the agent** are taken from `response_item` messages, which are complete in every version (in all real files
//!   looked at, the `agent_message` events repeat them one by one).
//! - **What a patch did** is taken from `patch_apply_end`, which stands before the output of its call. From version 0.140
//!   on nothing else counts; before, the output of a call for which no such event was seen tells that its patch was applied.
//! - **Copied history**: a fork begins with its own `session_meta` and then its parent's, followed by the parent's records.
//!   They are skipped until a turn that is younger than the session itself.
//!
//! With a default state, the same texts come out as in the file's own course; what is skipped there may come out as well.

mod call;
mod command;
mod fields;
mod fork;
mod given;
mod happening;
mod lenient;
mod memory;
mod message;
mod output;
pub(super) mod patch;
mod record;
mod script;
mod session;

use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use super::{Body, Event, ParseState, Places, Source};
use crate::model::{Agent, Time};
use record::Line;

pub(super) use fork::fork;

/// Codex's rollout files.
pub struct Codex;

impl Source for Codex {
    fn agent(&self) -> Agent {
        Agent::Codex
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        let home = match places.var("CODEX_HOME") {
            Some(dir) => PathBuf::from(dir),
            None => places.home.join(".codex"),
        };
        vec![home.join("sessions"), home.join("archived_sessions")]
    }

    fn is_transcript(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        name.starts_with("rollout-") && name.ends_with(".jsonl")
    }

    fn claims(&self, _: &Path, head: &[u8]) -> bool {
        head.split(|b| *b == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|line| !line.is_empty())
            .take(5)
            .any(session::is_codex)
    }

    fn parse(&self, path: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        let mut reader = Reader {
            path,
            cold: state.session.is_none(),
            state,
            out,
            at: None,
        };
        reader.line(line);
    }
}

/// One line being read.
struct Reader<'r> {
    path: &'r Path,
    /// No line came before this one: the file begins, or a single line is read again for its texts.
    cold: bool,
    state: &'r mut ParseState,
    out: &'r mut Vec<Event>,
    at: Option<Time>,
}

impl Reader<'_> {
    fn say(&mut self, body: Body) {
        self.say_as(None, body);
    }

    fn say_as(&mut self, key: Option<String>, body: Body) {
        self.out.push(Event {
            key,
            at: self.at,
            node: None,
            body,
        });
    }

    fn unknown(&mut self, record: String) {
        self.say(Body::Unknown { record });
    }

    fn line(&mut self, bytes: &[u8]) {
        if bytes[0] != b'{' {
            let why = match serde_json::from_slice::<IgnoredAny>(bytes) {
                Ok(_) => "not a record".to_owned(),
                Err(e) => e.to_string(),
            };
            return self.say(Body::Damaged { why });
        }
        let line = match serde_json::from_slice::<Line<'_>>(bytes) {
            Ok(line) => line,
            Err(e) => return self.misshapen(bytes, &e),
        };
        self.at = line.timestamp.get().and_then(Time::parse);
        match (line.kind.get(), line.payload) {
            (Some(kind), Some(payload)) if payload.get().starts_with('{') => {
                self.enveloped(kind, payload.get());
            }
            (Some(kind), Some(_)) => {
                self.unknown(format!("{kind}/?"));
            }
            _ => self.bare(&line, bytes),
        }
    }

    /// JSON that is well-formed is a record of an unknown shape; the rest is damage.
    fn misshapen(&mut self, bytes: &[u8], error: &serde_json::Error) {
        let sound = std::str::from_utf8(bytes).is_ok()
            && serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
        if sound {
            self.unknown("?".to_owned());
        } else {
            self.say(Body::Damaged {
                why: error.to_string(),
            });
        }
    }

    fn enveloped(&mut self, kind: &str, payload: &str) {
        if kind == "session_meta" {
            match serde_json::from_str(payload) {
                Ok(meta) => self.meta(&meta, false),
                Err(_) => self.unknown("session_meta/?".to_owned()),
            }
            return fields::unknown(kind, payload, self.out);
        }
        self.name_session();
        if self.copied(kind, payload) {
            return self.say(Body::Ignored);
        }
        match kind {
            "response_item" => match serde_json::from_str(payload) {
                Ok(item) => self.item(&item, payload),
                Err(_) => self.unknown("response_item/?".to_owned()),
            },
            "event_msg" => match serde_json::from_str(payload) {
                Ok(happening) => self.happening(&happening),
                Err(_) => self.unknown("event_msg/?".to_owned()),
            },
            "turn_context" => match serde_json::from_str(payload) {
                Ok(turn) => self.turn(&turn),
                Err(_) => self.unknown("turn_context/?".to_owned()),
            },
            "compacted" => self.compacted(payload),
            "world_state"
            | "inter_agent_communication_metadata"
            | "inter_agent_communication"
            | "security_risk_score" => self.say(Body::Ignored),
            other => self.unknown(other.to_owned()),
        }
        fields::unknown(kind, payload, self.out);
    }

    /// A line without an envelope: from before September 2025.
    fn bare(&mut self, line: &Line<'_>, bytes: &[u8]) {
        // The line was read as JSON just now, so its strings may still hold what is not UTF-8.
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.say(Body::Damaged {
                why: "not UTF-8".to_owned(),
            });
        };
        if line.record_type.get().is_some() {
            self.name_session();
            return self.say(Body::Ignored);
        }
        match line.kind.get() {
            None if line.id.some().is_some() => match serde_json::from_str(text) {
                Ok(meta) => self.meta(&meta, true),
                Err(_) => self.unknown("session_meta/?".to_owned()),
            },
            None => self.unknown("?".to_owned()),
            Some(kind) => {
                self.name_session();
                if self.state.get("version").is_none() {
                    self.state.set("version", session::BARE);
                }
                match serde_json::from_str(text) {
                    Ok(item) => self.item(&item, text),
                    Err(_) => self.unknown(format!("{kind}/?")),
                }
            }
        }
    }

    fn compacted(&mut self, payload: &str) {
        match serde_json::from_str::<record::Compacted<'_>>(payload) {
            Ok(compacted) => self.say(Body::Notice {
                what: "compacted",
                text: compacted.message.or_empty().to_owned(),
            }),
            Err(_) => self.unknown("compacted/?".to_owned()),
        }
    }
}
