//! Who wrote the lines of a file: line, step, prompt, session, and how that is known.
//!
//! `story` puts the chain of a path into texts and turns, `walk` carries the authors through them, the rest words
//! the answer. The chain is the only source: nothing is put down to anyone that no record shows.

mod alive;
mod answer;
mod back;
mod commits;
mod history;
mod origins;
mod story;
mod tool;
mod types;
mod walk;

use std::sync::Arc;

use color_eyre::Result;

pub(super) use alive::alive;
pub(super) use answer::{blame, removed};
pub(super) use back::back;
pub(super) use history::history;
pub use types::*;

use self::story::Story;
use self::walk::{Walked, walk};
use super::files;
use super::refused::Refused;
use super::types::StepRow;
use crate::store::Reader;

/// So many walked files are remembered.
const REMEMBERED: usize = 16;

/// Walks that were done. A walk is known by everything that went into it, the content on disk included: what changed
/// is walked again.
#[derive(Default)]
pub(super) struct Cache(Vec<(blake3::Hash, Arc<Walked>)>);

impl Cache {
    fn walk(&mut self, reader: &Reader, story: &Story) -> Result<Arc<Walked>> {
        let key = story.fingerprint();
        if let Some(at) = self.0.iter().position(|(k, _)| *k == key) {
            let known = self.0.remove(at);
            self.0.push(known);
        } else {
            if self.0.len() >= REMEMBERED {
                self.0.remove(0);
            }
            let walked = Arc::new(walk(reader, story, story.turns.len())?);
            self.0.push((key, walked));
        }
        self.0
            .last()
            .map(|(_, walked)| walked.clone())
            .ok_or_else(|| Refused::because("nothing was walked"))
    }
}

/// The path that is meant, as seen from a step.
fn path_row(reader: &Reader, path: &str, when: When) -> Result<i64> {
    let step = match when {
        When::Now => StepRow(0),
        When::After(step) | When::Before(step) => step,
    };
    files::find(reader.conn(), step, path)
}
