//! The answers to every question, from a store on disk. One for each thread.

use std::cell::RefCell;

use color_eyre::Result;
use rusqlite::OptionalExtension;

use super::ask::Ask;
use super::cat::{self, Side};
use super::find::{self, Candidates};
use super::log::{self, LogQuery};
use super::refused::Refused;
use super::resolve::{self, Target};
use super::types::*;
use super::{changes, detail, files, filter, health, rows, sessions, summary, timeline};
use crate::clock::Clock;
use crate::model::{Agent, Time};
use crate::source::Places;
use crate::store::{Place, Reader, Store};

/// Asks a store.
pub struct StoreAsk {
    reader: Reader,
    place: Place,
    places: Places,
    clock: Clock,
    candidates: RefCell<Candidates>,
}

impl StoreAsk {
    /// Opens the store at a place for asking. `places` is where agents keep their files, for lists that name them.
    pub fn open(place: &Place, places: Places, clock: Clock) -> Result<StoreAsk> {
        Ok(StoreAsk::new(
            Reader::open(place)?,
            place.clone(),
            places,
            clock,
        ))
    }

    /// Asks through a reader that is open. What is remembered between starts is written to the store at `place`.
    pub fn new(reader: Reader, place: Place, places: Places, clock: Clock) -> StoreAsk {
        StoreAsk {
            reader,
            place,
            places,
            clock,
            candidates: RefCell::default(),
        }
    }

    /// Another one on the same store, for another thread.
    pub fn again(&self) -> Result<StoreAsk> {
        StoreAsk::open(&self.place, self.places.clone(), self.clock)
    }

    /// Where the store is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What a `STEP` names: a step, or all steps of a prompt.
    pub fn resolve_target(&self, text: &str) -> Result<Target> {
        resolve::target(self.reader.conn(), text)
    }

    /// What a `SESSION` names.
    pub fn resolve_session(&self, text: &str) -> Result<SessionRow> {
        resolve::session(self.reader.conn(), text)
    }

    /// One session as lists show it.
    pub fn session(&self, session: SessionRow) -> Result<SessionInfo> {
        sessions::one(self.reader.conn(), session, self.clock.now())
    }

    /// The exact bytes of a file at a step; an error that says why, if there are none.
    pub fn bytes_at(&self, step: StepRow, path: &str, side: Side) -> Result<Vec<u8>> {
        cat::bytes(self.reader.conn(), step, path, side)
    }

    /// Steps across sessions, newest first.
    pub fn log(&self, query: &LogQuery) -> Result<Vec<StepRow>> {
        log::steps(self.reader.conn(), query)
    }

    /// What is recorded, in numbers.
    pub fn holdings(&self) -> Result<health::Holdings> {
        health::holdings(&self.reader)
    }

    /// What the transcripts held that was not understood.
    pub fn trouble(&self) -> Result<health::Trouble> {
        health::trouble(self.reader.conn())
    }

    /// What is wrong with the store: SQLite's own check, then every content and frame against its hash; empty if nothing.
    /// `tell` gets how many of how many are done.
    pub fn damage(&self, tell: impl FnMut(u64, u64)) -> Result<Vec<String>> {
        let mut found = self.reader.structure(false)?;
        if found.is_empty() {
            let bad = self.reader.contents(tell)?;
            found.extend(bad.iter().map(ToString::to_string));
        }
        Ok(found)
    }

    /// Versions of the formats that were read: agent, version, sessions, records not understood.
    pub fn formats(&self) -> Result<Vec<(Agent, String, u64, u64)>> {
        health::formats(self.reader.conn())
    }

    /// When each session's transcript was last written, where it is still there.
    pub fn written(&self) -> Result<Vec<(Agent, Time)>> {
        health::written(self.reader.conn())
    }

    /// Writes to what is remembered: a connection for this one statement, so that reading never waits for it.
    fn write(&self, sql: &str, values: impl rusqlite::Params) -> Result<()> {
        let store = Store::open(&self.place)?;
        let writing = store.begin()?;
        writing.execute(sql, values)?;
        writing.commit()?;
        Ok(())
    }
}

impl Ask for StoreAsk {
    fn sessions(&self) -> Result<SessionList> {
        sessions::list(self.reader.conn(), &self.places, self.clock.now())
    }

    fn version(&self) -> Result<i64> {
        Ok(self
            .reader
            .conn()
            .query_row("PRAGMA data_version", [], |r| r.get(0))?)
    }

    fn timeline(&self, session: SessionRow) -> Result<Timeline> {
        timeline::timeline(self.reader.conn(), self.session(session)?)
    }

    fn rows(&self, steps: &[StepRow]) -> Result<Vec<StepInfo>> {
        rows::steps(self.reader.conn(), steps)
    }

    fn step(&self, step: StepRow) -> Result<StepDetail> {
        detail::step(&self.reader, step)
    }

    fn prompt(&self, session: SessionRow, no: u32) -> Result<PromptDetail> {
        timeline::prompt(&self.reader, session, no)
    }

    fn changes(&self, scope: Scope) -> Result<Vec<FileChange>> {
        changes::in_scope(&self.reader, scope)
    }

    fn summary(&self, session: SessionRow) -> Result<Summary> {
        summary::summary(&self.reader, self.session(session)?)
    }

    fn filter(&self, session: SessionRow, filter: &Filter) -> Result<Vec<StepRow>> {
        filter::steps(self.reader.conn(), session, filter)
    }

    fn find(&self, query: &str, limit: usize) -> Result<Found> {
        let mut candidates = self.candidates.borrow_mut();
        find::find(
            &self.reader,
            &mut candidates,
            query,
            limit,
            self.clock.now(),
        )
    }

    fn resolve_step(&self, text: &str) -> Result<(SessionRow, StepRow)> {
        resolve::step(self.reader.conn(), text)
    }

    fn step_at(&self, session: SessionRow, at: Time) -> Result<Option<StepRow>> {
        timeline::step_at(self.reader.conn(), session, at)
    }

    fn file_at(&self, step: StepRow, path: &str) -> Result<Content> {
        cat::content(self.reader.conn(), step, path)
    }

    fn files(&self) -> Result<Vec<(String, StepRow)>> {
        files::all(self.reader.conn())
    }

    fn memo(&self, name: &str) -> Result<Option<String>> {
        Ok(self
            .reader
            .conn()
            .prepare_cached("SELECT value FROM memo WHERE name = ?1")?
            .query_row([name], |r| r.get(0))
            .optional()?)
    }

    fn set_memo(&self, name: &str, value: &str) -> Result<()> {
        self.write(
            "INSERT OR REPLACE INTO memo (name, value) VALUES (?1, ?2)",
            (name, value),
        )
    }

    fn set_viewed(&self, session: SessionRow, path: &str, state: &str, viewed: bool) -> Result<()> {
        let id: Option<Vec<u8>> = self
            .reader
            .conn()
            .prepare_cached("SELECT pub FROM session WHERE id = ?1")?
            .query_row([session.0], |r| r.get(0))
            .optional()?;
        let id = id.ok_or_else(|| Refused::because("this session is no longer in the store"))?;
        if viewed {
            self.write(
                "INSERT OR REPLACE INTO viewed (session, path, content, at) VALUES (?1, ?2, ?3, ?4)",
                (id, path, state.as_bytes(), self.clock.now().0),
            )
        } else {
            self.write(
                "DELETE FROM viewed WHERE session = ?1 AND path = ?2",
                (id, path),
            )
        }
    }
}
