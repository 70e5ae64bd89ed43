//! Answers from a store that may not be there yet, or may be deleted and made anew while one looks (`git clean -fdx`).
//!
//! A deleted file is brought back only when nobody has it open any more; so all connections of the screen are known in
//! one place, and whoever sees first that the file is gone closes those of all.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use color_eyre::Result;

use crate::clock::Clock;
use crate::ingest;
use crate::model::Time;
use crate::query::blame::{Alive, Back, Blame, BlameQuery, Fate, History, Stop, When, Whereabouts};
use crate::query::types::*;
use crate::query::{Ask, Refused, StoreAsk};
use crate::source::Places;
use crate::store::{OpenError, Place, Reader};
use crate::ui::Environment;

/// An open store, and which file it is.
struct Open {
    ask: StoreAsk,
    file: Option<(u64, u64)>,
}

type Slot = Mutex<Option<Open>>;

/// The list of sessions is waited for no longer than this.
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// Every connection of the screen to its store.
pub(super) struct Connections {
    /// Where the store is.
    pub place: Place,
    places: Places,
    /// What time it is.
    pub clock: Clock,
    environment: Environment,
    slots: Mutex<Vec<Weak<Slot>>>,
    /// Whether the list of sessions was answered, and who waits for that.
    listed: (Mutex<bool>, Condvar),
}

/// A thread that panicked left what is whole all the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connections {
    /// None yet.
    pub fn new(
        place: Place,
        places: Places,
        clock: Clock,
        environment: Environment,
    ) -> Arc<Connections> {
        Arc::new(Connections {
            place,
            places,
            clock,
            environment,
            slots: Mutex::default(),
            listed: Default::default(),
        })
    }

    /// Waits until the list of sessions was answered once, though not for long: what is on the screen first is not to be
    /// slowed down by what comes later.
    pub fn wait_for_the_list(&self) {
        let (listed, told) = &self.listed;
        // Whether it came or not, one goes on.
        let _ = told.wait_timeout_while(lock(listed), LONGEST_WAIT, |listed| !*listed);
    }

    fn list_was_answered(&self) {
        let (listed, told) = &self.listed;
        *lock(listed) = true;
        told.notify_all();
    }

    /// One more, for a thread of its own.
    pub fn ask(self: &Arc<Self>) -> SoonAsk {
        let slot = Arc::new(Slot::default());
        lock(&self.slots).push(Arc::downgrade(&slot));
        SoonAsk {
            connections: self.clone(),
            slot,
            stop: Mutex::default(),
        }
    }

    /// Closes those that look at a file which is not in its place any more; whether there were any.
    pub fn let_go_of_deleted(&self) -> bool {
        let now = file_id(&self.place.db);
        let slots: Vec<Arc<Slot>> = {
            let mut slots = lock(&self.slots);
            slots.retain(|slot| slot.strong_count() > 0);
            slots.iter().filter_map(Weak::upgrade).collect()
        };
        let mut any = false;
        for slot in slots {
            let mut open = lock(&slot);
            if open.as_ref().is_some_and(|o| o.file != now) {
                *open = None;
                any = true;
            }
        }
        any
    }
}

fn file_id(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

/// One of them.
pub(super) struct SoonAsk {
    connections: Arc<Connections>,
    slot: Arc<Slot>,
    /// For the store that is opened next.
    stop: Mutex<Option<Stop>>,
}

impl SoonAsk {
    /// Asks the store, if there is one.
    fn asked<T>(&self, question: impl FnOnce(&StoreAsk) -> Result<T>) -> Result<Option<T>> {
        let Connections {
            place,
            places,
            clock,
            ..
        } = &*self.connections;
        let file = file_id(&place.db);
        if lock(&self.slot).as_ref().is_some_and(|o| o.file != file) {
            self.connections.let_go_of_deleted();
        }
        let mut open = lock(&self.slot);
        if open.is_none() {
            match Reader::open(place) {
                Ok(reader) => {
                    let ask = StoreAsk::new(reader, place.clone(), places.clone(), *clock);
                    if let Some(stop) = lock(&self.stop).clone() {
                        ask.stop_when(stop);
                    }
                    // As it is now: opening may have brought it back.
                    let file = file_id(&place.db);
                    *open = Some(Open { ask, file });
                }
                Err(OpenError::Missing { .. }) => return Ok(None),
                Err(e) => return Err(e.into()),
            }
        }
        match open.as_ref() {
            Some(open) => question(&open.ask).map(Some),
            None => Ok(None),
        }
    }

    fn must<T>(&self, question: impl FnOnce(&StoreAsk) -> Result<T>) -> Result<T> {
        self.asked(question)?
            .ok_or_else(|| Refused::because("nothing has been read here yet"))
    }
}

fn nothing_found(query: &str) -> Found {
    Found {
        query: query.to_owned(),
        ..Found::default()
    }
}

impl SoonAsk {
    /// The sessions; without a store what lies about on this machine.
    fn list(&self) -> Result<SessionList> {
        if let Some(list) = self.asked(Ask::sessions)? {
            return Ok(list);
        }
        let looked_in: Vec<(String, u32)> = ingest::look(&self.connections.places)
            .into_iter()
            .map(|(dir, n)| (dir.display().to_string(), n))
            .collect();
        let elsewhere = looked_in.iter().map(|(_, n)| n).sum();
        Ok(SessionList {
            sessions: Vec::new(),
            elsewhere: if self.connections.place.everything {
                0
            } else {
                elsewhere
            },
            looked_in,
            expiring: Vec::new(),
        })
    }
}

impl Ask for SoonAsk {
    fn sessions(&self) -> Result<SessionList> {
        self.connections.environment.may_panic("ask");
        let list = self.list();
        self.connections.list_was_answered();
        list
    }

    fn version(&self) -> Result<i64> {
        Ok(self.asked(Ask::version)?.unwrap_or(0))
    }

    fn timeline(&self, session: SessionRow) -> Result<Timeline> {
        self.must(|a| a.timeline(session))
    }

    fn rows(&self, steps: &[StepRow]) -> Result<Vec<StepInfo>> {
        self.must(|a| a.rows(steps))
    }

    fn step(&self, step: StepRow) -> Result<StepDetail> {
        self.must(|a| a.step(step))
    }

    fn prompt(&self, session: SessionRow, no: u32) -> Result<PromptDetail> {
        self.must(|a| a.prompt(session, no))
    }

    fn changes(&self, scope: Scope) -> Result<Vec<FileChange>> {
        self.must(|a| a.changes(scope))
    }

    fn summary(&self, session: SessionRow) -> Result<Summary> {
        self.must(|a| a.summary(session))
    }

    fn filter(&self, session: SessionRow, filter: &Filter) -> Result<Vec<StepRow>> {
        self.must(|a| a.filter(session, filter))
    }

    fn find(&self, query: &str, limit: usize) -> Result<Found> {
        let found = self.asked(|a| a.find(query, limit))?;
        Ok(found.unwrap_or_else(|| nothing_found(query)))
    }

    fn find_first(&self, query: &str) -> Result<Found> {
        let found = self.asked(|a| a.find_first(query))?;
        Ok(found.unwrap_or_else(|| nothing_found(query)))
    }

    fn find_unless(
        &self,
        query: &str,
        limit: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<Option<Found>> {
        let found = self.asked(|a| a.find_unless(query, limit, stop))?;
        Ok(found.unwrap_or_else(|| Some(nothing_found(query))))
    }

    fn resolve_step(&self, text: &str) -> Result<(SessionRow, StepRow)> {
        self.must(|a| a.resolve_step(text))
    }

    fn step_at(&self, session: SessionRow, at: Time) -> Result<Option<StepRow>> {
        self.must(|a| a.step_at(session, at))
    }

    fn file_at(&self, step: StepRow, path: &str) -> Result<Content> {
        self.must(|a| a.file_at(step, path))
    }

    fn files(&self) -> Result<Vec<(String, StepRow)>> {
        Ok(self.asked(Ask::files)?.unwrap_or_default())
    }

    fn blame(&self, query: &BlameQuery) -> Result<Blame> {
        self.must(|a| a.blame(query))
    }

    fn walk_back(&self, query: &BlameQuery, times: u32) -> Result<Vec<Back>> {
        self.must(|a| a.walk_back(query, times))
    }

    fn whereabouts(&self, path: &str, when: When, line: u32) -> Result<Whereabouts> {
        self.must(|a| a.whereabouts(path, when, line))
    }

    fn history(&self, path: &str) -> Result<History> {
        self.must(|a| a.history(path))
    }

    fn alive(&self, session: SessionRow, no: Option<u32>) -> Result<Alive> {
        self.must(|a| a.alive(session, no))
    }

    fn fate(&self, step: StepRow) -> Result<Fate> {
        self.must(|a| a.fate(step))
    }

    fn stop_when(&self, stop: Stop) {
        *lock(&self.stop) = Some(stop);
    }

    fn memo(&self, name: &str) -> Result<Option<String>> {
        Ok(self.asked(|a| a.memo(name))?.flatten())
    }

    fn set_memo(&self, name: &str, value: &str) -> Result<()> {
        // Where there is no store, there is nothing to come back to.
        self.asked(|a| a.set_memo(name, value)).map(|_| ())
    }

    fn set_viewed(&self, session: SessionRow, path: &str, state: &str, viewed: bool) -> Result<()> {
        self.must(|a| a.set_viewed(session, path, state, viewed))
    }
}
