//! The questions, as one trait, so that the screen can be tested against answers that are made up.

use color_eyre::Result;

use super::blame::{Alive, Back, Blame, BlameQuery, Fate, History, Stop, When, Whereabouts};
use super::types::*;
use crate::model::Time;

/// Everything that the screen asks. Each worker thread has its own.
pub trait Ask: Send {
    /// The sessions of this repository, newest first.
    fn sessions(&self) -> Result<SessionList>;
    /// A number that changes whenever the store's content does (cheap; asked after each ingest).
    fn version(&self) -> Result<i64>;
    /// A session's prompts and steps.
    fn timeline(&self, session: SessionRow) -> Result<Timeline>;
    /// Rows of the timeline, in the order asked for; unknown rows are left out.
    fn rows(&self, steps: &[StepRow]) -> Result<Vec<StepInfo>>;
    /// A step, whole.
    fn step(&self, step: StepRow) -> Result<StepDetail>;
    /// A prompt, whole.
    fn prompt(&self, session: SessionRow, no: u32) -> Result<PromptDetail>;
    /// What changed in a scope, file by file.
    fn changes(&self, scope: Scope) -> Result<Vec<FileChange>>;
    /// A session at a glance.
    fn summary(&self, session: SessionRow) -> Result<Summary>;
    /// Steps of a session that a filter keeps, in timeline order.
    fn filter(&self, session: SessionRow, filter: &Filter) -> Result<Vec<StepRow>>;
    /// Fuzzy on titles, prompts, paths and commands, full text on the rest; at most `limit` hits.
    fn find(&self, query: &str, limit: usize) -> Result<Found>;
    /// What of [`Ask::find`] can be said at once, while one types; [`Found::more`] says whether that is not all. With an
    /// empty query nothing is found, but what finding needs is read.
    fn find_first(&self, query: &str) -> Result<Found> {
        self.find(query, if query.is_empty() { 0 } else { usize::MAX })
    }
    /// As [`Ask::find`]; given up with `None` as soon as `stop` says so.
    fn find_unless(
        &self,
        query: &str,
        limit: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Found>> {
        match stop() {
            true => Ok(None),
            false => self.find(query, limit).map(Some),
        }
    }
    /// A `STEP` as users write it (id, prefix, call id, `@`, `@~2`, `SESSION/3.7`), with its session.
    fn resolve_step(&self, text: &str) -> Result<(SessionRow, StepRow)>;
    /// The step nearest to a time.
    fn step_at(&self, session: SessionRow, at: Time) -> Result<Option<StepRow>>;
    /// A file as it was right after a step.
    fn file_at(&self, step: StepRow, path: &str) -> Result<Content>;
    /// All paths that sessions of this repository changed or read, for `g f`, with the last step that touched each.
    fn files(&self) -> Result<Vec<(String, StepRow)>>;
    /// Who wrote the lines of a file. Walks that were done are remembered, and known by content.
    fn blame(&self, query: &BlameQuery) -> Result<Blame>;
    /// From the first line of the query's range so many changes further back.
    fn walk_back(&self, query: &BlameQuery, times: u32) -> Result<Vec<Back>>;
    /// What became of a line (from 1) that stood in an older state.
    fn whereabouts(&self, path: &str, when: When, line: u32) -> Result<Whereabouts>;
    /// Every step that read or changed a file, over all sessions and under all its names, newest first.
    fn history(&self, path: &str) -> Result<History>;
    /// How much of what a prompt wrote still stands; without a number, of all that the session wrote.
    fn alive(&self, session: SessionRow, no: Option<u32>) -> Result<Alive>;
    /// What became of the lines that a step wrote, and which later steps changed them.
    fn fate(&self, step: StepRow) -> Result<Fate>;
    /// From now on these questions about authors are broken off, with [`super::blame::Stopped`], when this says so.
    fn stop_when(&self, _stop: Stop) {}
    /// A word remembered between starts (`None` if there is none).
    fn memo(&self, name: &str) -> Result<Option<String>>;
    /// Remembers a word between starts. The only writes that the screen makes: marks, ticks, where it was left.
    fn set_memo(&self, name: &str, value: &str) -> Result<()>;
    /// Ticks a file of a session as viewed in this state, or takes the tick away.
    fn set_viewed(&self, session: SessionRow, path: &str, state: &str, viewed: bool) -> Result<()>;
}
