//! Who wrote the lines of a file: line, step, prompt, session, and how that is known.
//!
//! `story` puts the chain of a path into texts and turns, `walk` carries the authors through them, the rest words
//! the answer. The chain is the only source: nothing is put down to anyone that no record shows.

mod alive;
mod answer;
mod back;
mod commits;
mod elsewhere;
mod history;
mod origins;
mod story;
mod tool;
mod types;
mod walk;
mod whereabouts;

use std::sync::Arc;

use color_eyre::Result;

pub(super) use alive::{alive, fate};
pub(super) use answer::{blame, removed};
pub(super) use back::back;
pub(super) use history::history;
pub use types::*;
pub(super) use whereabouts::whereabouts;

use self::story::Story;
use self::walk::{Walked, walk};
use super::files;
use super::types::StepRow;
use crate::store::Reader;

/// So many walked files are remembered.
const REMEMBERED: usize = 16;

/// Walks that were done. A walk is known by everything that went into it, the content on disk included: what changed
/// is walked again.
#[derive(Default)]
pub(super) struct Cache {
    walks: Vec<(blake3::Hash, Arc<Walked>)>,
    stop: Option<Stop>,
}

impl Cache {
    /// From now on a walk is broken off when this says so.
    pub fn stop_when(&mut self, stop: Stop) {
        self.stop = Some(stop);
    }

    fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    fn walk(&mut self, reader: &Reader, story: &Story) -> Result<Arc<Walked>> {
        self.part(reader, story, story.turns.len())
    }

    /// The walk through the first turns of a story.
    fn part(&mut self, reader: &Reader, story: &Story, turns: usize) -> Result<Arc<Walked>> {
        let key = story.fingerprint(turns);
        if let Some(at) = self.walks.iter().position(|(k, _)| *k == key) {
            let known = self.walks.remove(at);
            let walked = known.1.clone();
            self.walks.push(known);
            return Ok(walked);
        }
        let walked = Arc::new(walk(reader, story, turns, self.stop())?);
        if self.walks.len() >= REMEMBERED {
            self.walks.remove(0);
        }
        self.walks.push((key, walked.clone()));
        Ok(walked)
    }
}

/// The path that is meant, as seen from a step.
fn path_row(reader: &Reader, path: &str, when: When) -> Result<i64> {
    let step = match when {
        When::Now | When::Turns(_) => StepRow(0),
        When::After(step) | When::Before(step) => step,
    };
    files::find(reader.conn(), step, path)
}
