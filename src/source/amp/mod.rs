//! Amp: a JSON document for each thread. The server has the truth; what lies here may be older, or missing.
//!
//! | kind | key | body |
//! |---|---|---|
//! | `thread` | `thread` | the document without its messages, traces and notes for its makers |
//! | `message` | the message's number, else its place | `{"message": .., "asked": ..}`; to results also what was called, and the name of its step |
//!
//! A user's message also carries results. Only it has a time of its own; an answer has that of its count of tokens.

mod cut;
mod events;
mod tool;

use std::path::{Path, PathBuf};

use super::{Document, Event, Extractor, ParseState, Places, Source};
use crate::model::Agent;

/// Amp's threads.
pub struct Amp;

static THREAD: Document = Document(cut::cut);

impl Source for Amp {
    fn agent(&self) -> Agent {
        Agent::Amp
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        // The same on every system.
        let data = places.var_folder("AMP_DATA_DIR");
        let data = data.unwrap_or_else(|| places.xdg_data().join("amp"));
        vec![data.join("threads")]
    }

    fn is_transcript(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        name.starts_with("T-") && name.ends_with(".json")
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        path.extension().is_some_and(|e| e == "json") && cut::claims(head)
    }

    fn extractor(&self, _: &Path) -> Option<&'static dyn Extractor> {
        Some(&THREAD)
    }

    fn parse(&self, _: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        events::line(line, state, out);
    }
}
