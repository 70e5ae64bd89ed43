//! The answers to every question, from a store on disk. One for each thread.

use std::cell::RefCell;

use color_eyre::Result;
use rusqlite::OptionalExtension;

use super::ask::Ask;
use super::blame::{
    self, Alive, Back, Blame, BlameQuery, Fate, History, Removed, Stop, When, Whereabouts,
};
use super::cat::{self, Side};
use super::find::{self, Candidates, Wish};
use super::log::{self, LogQuery};
use super::refused::Refused;
use super::resolve::{self, Target};
use super::types::*;
use super::{
    changes, detail, files, filter, health, interleaved, rows, sessions, summary, timeline,
};
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
    blames: RefCell<blame::Cache>,
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
            blames: RefCell::default(),
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

    /// Rewinds, reverts, undos and redos, newest first; of one session's work, if it is named.
    pub fn rewinds(&self, session: Option<SessionRow>) -> Result<Vec<super::Rewound>> {
        super::rewinds::all(self.reader.conn(), session)
    }

    /// What happened to the paths that a rewind is about.
    pub fn past(&self, question: &super::past::Question<'_>) -> Result<super::past::PastOf> {
        super::past::ask(&self.reader, question)
    }

    /// Whether any session read or changed a path.
    pub fn knows(&self, path: &str) -> bool {
        files::look_up(self.reader.conn(), StepRow(0), path).is_ok_and(|found| found.is_some())
    }

    /// The lines that a file had and has no more: who wrote them, who removed them.
    pub fn removed(&self, query: &BlameQuery) -> Result<Removed> {
        blame::removed(&self.reader, &mut self.blames.borrow_mut(), query)
    }

    /// What is recorded, in numbers.
    pub fn holdings(&self) -> Result<health::Holdings> {
        self.reading(health::holdings)
    }

    /// What the transcripts held that was not understood.
    pub fn trouble(&self) -> Result<health::Trouble> {
        self.reading(|r| health::trouble(r.conn()))
    }

    /// What is wrong with the store: SQLite's own check, then every content and frame against its hash; empty if nothing.
    /// `tell` gets how many of how many are done.
    pub fn damage(&self, tell: impl FnMut(u64, u64)) -> Result<Vec<String>> {
        let mut found = self.reader.structure(false)?;
        if found.is_empty() {
            // One moment of the store: what another program takes away meanwhile is no damage.
            let bad = self.reading(|r| Ok(r.contents(tell)?))?;
            found.extend(bad.iter().map(ToString::to_string));
        }
        Ok(found)
    }

    /// Versions of the formats that were read: agent, version, sessions, records not understood.
    pub fn formats(&self) -> Result<Vec<(Agent, String, u64, u64)>> {
        health::formats(self.reader.conn())
    }

    /// The agent of every session, by the session's id; sub-agents included.
    pub fn agents(&self) -> Result<Vec<(String, crate::model::Agent)>> {
        self.reading(|r| health::agents(r.conn()))
    }

    /// What agents are about to delete of their own transcripts on this machine.
    pub fn expiring(&self) -> Result<Vec<Expiring>> {
        self.reading(|r| sessions::expiring(r.conn(), &self.places, self.clock.now()))
    }

    /// What agents' hooks told: agent, how many events, the first and the last.
    pub fn told(&self) -> Result<Vec<(String, u64, Time, Time)>> {
        health::told(self.reader.conn())
    }

    /// Asks several questions of one moment, while another program may be writing.
    pub fn at_once<T>(&self, ask: impl FnOnce(&StoreAsk) -> Result<T>) -> Result<T> {
        self.reading(|_| ask(self))
    }

    /// Asks within one view of the store: an answer of several questions is of one moment, and none of the questions locks
    /// the store by itself.
    fn reading<T>(&self, ask: impl FnOnce(&Reader) -> Result<T>) -> Result<T> {
        if !self.reader.conn().is_autocommit() {
            // Within the view of a larger question.
            return ask(&self.reader);
        }
        let view = self.reader.conn().unchecked_transaction()?;
        let answer = ask(&self.reader)?;
        view.finish()?;
        Ok(answer)
    }

    fn found(&self, query: &str, wish: Wish<'_>) -> Result<Option<Found>> {
        let mut candidates = self.candidates.borrow_mut();
        let now = self.clock.now();
        self.reading(|r| find::find(r, &mut candidates, query, wish, now))
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
        self.reading(|r| sessions::list(r.conn(), &self.places, self.clock.now()))
    }

    fn version(&self) -> Result<i64> {
        Ok(self
            .reader
            .conn()
            .query_row("PRAGMA data_version", [], |r| r.get(0))?)
    }

    fn timeline(&self, session: SessionRow) -> Result<Timeline> {
        if session.is_all() {
            return self.reading(|r| {
                let list = sessions::list(r.conn(), &self.places, self.clock.now())?;
                interleaved::timeline(r.conn(), list.sessions)
            });
        }
        self.reading(|r| timeline::timeline(r.conn(), self.session(session)?))
    }

    fn rows(&self, steps: &[StepRow]) -> Result<Vec<StepInfo>> {
        self.reading(|r| rows::steps(r.conn(), steps))
    }

    fn step(&self, step: StepRow) -> Result<StepDetail> {
        self.reading(|r| detail::step(r, step))
    }

    fn prompt(&self, session: SessionRow, no: u32) -> Result<PromptDetail> {
        self.reading(|r| timeline::prompt(r, session, no))
    }

    fn changes(&self, scope: Scope) -> Result<Vec<FileChange>> {
        self.reading(|r| changes::in_scope(r, scope))
    }

    fn summary(&self, session: SessionRow) -> Result<Summary> {
        self.reading(|r| summary::summary(r, self.session(session)?))
    }

    fn filter(&self, session: SessionRow, filter: &Filter) -> Result<Vec<StepRow>> {
        if session.is_all() {
            let steps = self.timeline(session)?.steps;
            return self.reading(|r| filter::steps(r.conn(), steps.iter().copied(), filter));
        }
        self.reading(|r| {
            let placed = timeline::placed(r.conn(), session)?;
            filter::steps(r.conn(), placed.into_iter().map(|p| p.lite), filter)
        })
    }

    fn find(&self, query: &str, limit: usize) -> Result<Found> {
        self.found(query, Wish::all(limit))
            .map(Option::unwrap_or_default)
    }

    fn find_first(&self, query: &str) -> Result<Found> {
        let wish = match query.is_empty() {
            true => Wish::all(0),
            false => Wish::first(),
        };
        self.found(query, wish).map(Option::unwrap_or_default)
    }

    fn find_unless(
        &self,
        query: &str,
        limit: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Found>> {
        let wish = Wish {
            stop,
            ..Wish::all(limit)
        };
        self.found(query, wish)
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
        self.reading(|r| files::all(r.conn()))
    }

    fn blame(&self, query: &BlameQuery) -> Result<Blame> {
        self.reading(|r| blame::blame(r, &mut self.blames.borrow_mut(), query))
    }

    fn walk_back(&self, query: &BlameQuery, times: u32) -> Result<Vec<Back>> {
        self.reading(|r| blame::back(r, &mut self.blames.borrow_mut(), query, times))
    }

    fn whereabouts(&self, path: &str, when: When, line: u32) -> Result<Whereabouts> {
        self.reading(|r| blame::whereabouts(r, &mut self.blames.borrow_mut(), path, when, line))
    }

    fn history(&self, path: &str) -> Result<History> {
        self.reading(|r| blame::history(r, path))
    }

    fn alive(&self, session: SessionRow, no: Option<u32>) -> Result<Alive> {
        self.reading(|r| blame::alive(r, &mut self.blames.borrow_mut(), session, no))
    }

    fn fate(&self, step: StepRow) -> Result<Fate> {
        self.reading(|r| blame::fate(r, &mut self.blames.borrow_mut(), step))
    }

    fn stop_when(&self, stop: Stop) {
        self.blames.borrow_mut().stop_when(stop);
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
