//! pi: growing JSONL below `~/.pi/agent/sessions`, a folder for each place it worked in.
//!
//! Three versions: the first is a plain sequence; since the second each entry has an id and its parent's, so that one file
//! holds every branch; the third gives some entries other names. The head line names session, folder and version. Tools of
//! extensions, and of programs that are built on pi, are shown as they call themselves; only pi's own are known to change
//! files.

mod entry;
mod message;
mod tool;

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Event, ParseState, Places, Source};
use crate::model::Agent;

/// pi.
pub struct Pi;

impl Source for Pi {
    fn agent(&self) -> Agent {
        Agent::Pi
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        let folder = places
            .var_folder("PI_CODING_AGENT_DIR")
            .unwrap_or_else(|| places.home.join(".pi/agent"));
        vec![folder.join("sessions")]
    }

    fn is_transcript(&self, path: &Path) -> bool {
        path.extension().is_some_and(|e| e == "jsonl")
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        let line = head.split(|b| *b == b'\n').next().unwrap_or_default();
        let Ok(head) = serde_json::from_slice::<Value>(line) else {
            return false;
        };
        let is_text = |name: &str| head.get(name).is_some_and(Value::is_string);
        self.is_transcript(path)
            && head.get("type").and_then(Value::as_str) == Some("session")
            && ["id", "timestamp", "cwd"].into_iter().all(is_text)
            && head.get("version").is_none_or(Value::is_u64)
    }

    fn parse(&self, _: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        entry::line(line, state, out);
    }
}
