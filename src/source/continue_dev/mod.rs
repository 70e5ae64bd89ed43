//! Continue: a JSON document for each session, in the forms of 2023 and since.
//!
//! | kind | key | body |
//! |---|---|---|
//! | `session` | `session` | `{"head": the document without its history, "created": from the list beside it}` |
//! | `item` | the message's id, else its place | `{"item": .., "asked": ..}`: a message with its calls and their states; to a message of a tool also what it answers |
//! | `step` | its place | a step of the form of 2023 |
//!
//! Only the session has a time, in the list `sessions.json` beside it: messages have none, and none is made up. What a person
//! attached, and what rules added, stands beside the message; what they typed is told by the editor's own record of it, where
//! there is one, since the message also holds what was put into the text for the model.

mod cut;
mod events;
mod tool;

use std::path::{Path, PathBuf};

use super::{Document, Event, Extractor, ParseState, Places, Source};
use crate::model::Agent;

/// Continue's sessions.
pub struct Continue;

static SESSION: Document = Document(cut::cut);

/// The list of all sessions.
const LIST: &str = "sessions.json";

impl Source for Continue {
    fn agent(&self) -> Agent {
        Agent::Continue
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        // The same on every system.
        let folder = places.var_folder("CONTINUE_GLOBAL_DIR");
        let folder = folder.unwrap_or_else(|| places.home.join(".continue"));
        vec![folder.join("sessions")]
    }

    fn is_transcript(&self, path: &Path) -> bool {
        path.extension().is_some_and(|e| e == "json") && path.file_name().is_none_or(|n| n != LIST)
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        self.is_transcript(path) && cut::claims(head)
    }

    fn extractor(&self, _: &Path) -> Option<&'static dyn Extractor> {
        Some(&SESSION)
    }

    fn parse(&self, _: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        events::line(line, state, out);
    }
}
