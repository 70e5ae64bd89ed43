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

use std::path::PathBuf;
use std::sync::Arc;

use color_eyre::Result;

pub(super) use alive::{alive, fate};
pub(super) use answer::{blame, removed};
pub(super) use back::back;
pub(super) use history::history;
pub use types::*;
pub(super) use whereabouts::whereabouts;

use self::commits::Commits;
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
    /// Commits that were looked up, by walk and path.
    commits: Vec<((blake3::Hash, i64), Arc<Commits>)>,
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

    /// The commits of the lines of a walk; looked up by `look` if they are not known.
    fn commits(
        &mut self,
        key: (blake3::Hash, i64),
        look: impl FnOnce(Option<&Stop>) -> Result<Commits>,
    ) -> Result<Arc<Commits>> {
        if let Some((_, found)) = self.commits.iter().find(|(k, _)| *k == key) {
            return Ok(found.clone());
        }
        let found = Arc::new(look(self.stop.as_ref())?);
        if self.commits.len() >= REMEMBERED {
            self.commits.remove(0);
        }
        self.commits.push((key, found.clone()));
        Ok(found)
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

/// Where a file lies that is asked about as it is now, and that no session knows; with its name below its root.
fn unrecorded(reader: &Reader, query: &BlameQuery) -> Result<Option<(String, PathBuf)>> {
    let known = || files::look_up(reader.conn(), StepRow(0), &query.path);
    match query.when {
        When::Now if known()?.is_none() => files::unrecorded(reader.conn(), &query.path),
        _ => Ok(None),
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
