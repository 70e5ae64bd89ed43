//! The thread beside the screen that reads what is new: once at the start, then whenever a transcript was written or a hook
//! told something. Who watches the work folder is told when a step may have ended.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use crossbeam_channel::{Receiver, Sender};

use super::context::Context;
use super::listen::{Watch, is_silent};
use super::soon::{Connections, SoonAsk};
use crate::hook::settle;
use crate::hook::spool::Spool;
use crate::ingest::{self, Options};
use crate::query::Ask;
use crate::store::hooks::{self, ASKS, FOR_A_WATCHER};
use crate::store::place::Kind;
use crate::store::{Place, Store, disk};
use crate::ui::Environment;
use crate::ui::message::{Ingest, Message, Note};
use crate::watch::Nudge;

/// Writes come in bursts; a burst is read once.
const SETTLE: Duration = Duration::from_millis(80);
/// After a while of silence the first line is shown at once; what follows waits for the burst to settle.
const FIRST: Duration = Duration::from_millis(10);
/// That long a silence.
const SILENCE: Duration = Duration::from_millis(250);
/// Where the system cannot tell of writes, or loses some, one looks again this often.
const POLL: Duration = Duration::from_secs(5);

/// What to read for a place.
pub(super) fn options(context: &Context<'_>, place: &Place) -> Options {
    Options {
        places: context.places(),
        roots: context.roots(place, &[]),
        everything: place.everything,
        ..Options::default()
    }
}

/// The running thread.
pub(super) struct Feed {
    cancel: Arc<AtomicBool>,
    wake: Sender<()>,
    thread: JoinHandle<()>,
}

impl Feed {
    /// Starts it. What it has to say goes to `news`; who watches the folder is told when a step may have ended.
    pub fn start(
        connections: Arc<Connections>,
        options: Options,
        news: Sender<Message>,
        environment: Environment,
        nudge: Option<Nudge>,
    ) -> Result<Feed> {
        let cancel = options.cancel.clone();
        let (wake, woken) = crossbeam_channel::bounded(1);
        let reader = Reading {
            ask: connections.ask(),
            connections,
            options,
            news,
            environment,
            nudge,
            told: Cell::new(None),
        };
        let waker = wake.clone();
        // Before it: the threads of the pool serve the screen, too, and take over what made them.
        rayon::current_num_threads();
        let thread = std::thread::Builder::new()
            .name("reading".to_owned())
            .spawn(move || {
                ingest::give_way();
                reader.run(&waker, &woken)
            })
            .wrap_err("cannot start the thread that reads transcripts")?;
        Ok(Feed {
            cancel,
            wake,
            thread,
        })
    }

    /// Ends it. What was read is whole; the rest is read at the next start.
    pub fn stop(self) {
        self.cancel.store(true, Ordering::Relaxed);
        // A full channel means that it is about to look anyway.
        let _ = self.wake.try_send(());
        // A panic in there was shown where it happened.
        let _ = self.thread.join();
    }
}

struct Reading {
    connections: Arc<Connections>,
    ask: SoonAsk,
    options: Options,
    news: Sender<Message>,
    environment: Environment,
    nudge: Option<Nudge>,
    /// The last event of a hook that is known here.
    told: Cell<Option<i64>>,
}

impl Reading {
    fn run(&self, wake: &Sender<()>, woken: &Receiver<()>) {
        self.connections.wait_for_the_list();
        // Watched before the first look, so that nothing is written unseen in between.
        let spools = Spool::watched(&self.connections.place);
        let mut watch = Watch::start(ingest::folders(&self.options.places), spools, wake.clone());
        let hook = watch.as_ref().map(|w| w.hook.clone()).unwrap_or_default();
        if let Err(e) = &watch {
            self.not_watched(e);
        }
        let mut failed = String::new();
        let mut version = None;
        self.environment.may_panic("reading");
        while !self.options.cancel.load(Ordering::Relaxed) {
            match self.read(&mut version) {
                Ok(()) => failed.clear(),
                Err(e) => {
                    // The same trouble is told once.
                    let text = format!("reading: {e}");
                    if text != failed {
                        failed.clone_from(&text);
                        self.say(Note::error(text));
                    }
                }
            }
            if let Ok(watching) = &mut watch {
                match watching.follow() {
                    // A folder appeared: what was written there before it was watched is read now.
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(e) => {
                        self.not_watched(&e);
                        watch = Err(e);
                    }
                }
            }
            let looked = Some(Instant::now());
            // What failed may go well a little later: another program had the store.
            // What other machines write is not told of: one looks, beside listening for what this one writes.
            let silent = ingest::folders(&self.options.places)
                .iter()
                .any(|folder| is_silent(folder, &disk::is_remote));
            let told = match watch.is_ok() && failed.is_empty() && !silent {
                true => woken.recv().is_ok(),
                false => !matches!(
                    woken.recv_timeout(POLL),
                    Err(crossbeam_channel::RecvTimeoutError::Disconnected)
                ),
            };
            if !told {
                return;
            }
            let silent = looked.is_none_or(|at: Instant| at.elapsed() > SILENCE);
            // What a hook told is of this moment: the folder is to be looked at before the agent goes on for long.
            if !hook.swap(false, Ordering::AcqRel) {
                std::thread::sleep(if silent { FIRST } else { SETTLE });
            }
            // Before the look, never after it: what comes during the look is looked at next.
            while woken.try_recv().is_ok() {}
        }
    }

    fn not_watched(&self, why: &notify::Error) {
        let every = POLL.as_secs();
        self.say(Note::error(format!(
            "transcripts cannot be watched ({why}); looking every {every} s instead"
        )));
    }

    /// Reads what is new. `version` is the store's at the end of the last reading.
    fn read(&self, version: &mut Option<i64>) -> Result<()> {
        let place = &self.connections.place;
        if !place.has_store() && !ingest::any_belongs(&self.options)? {
            return Ok(());
        }
        let new = !place.has_store();
        if self.connections.let_go_of_deleted() {
            *version = None;
        }
        let store = Store::open(place)?;
        if new {
            self.say(Note::info(format!(
                "history is kept in {}",
                place.db.display()
            )));
        }
        for notice in store.notices() {
            self.say(Note::info(notice.to_string()));
        }
        if let Err(e) = self.take_in(&store) {
            self.say(Note::error(format!(
                "what hooks told could not be stored: {e}"
            )));
        }
        let mut shown = false;
        let report = ingest::run(
            &store,
            &self.options,
            self.connections.clock.now(),
            &mut |p| {
                // One file that grew is no progress worth a bar.
                shown |= p.total > 2;
                if shown {
                    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                    self.send(Message::Ingested(Ingest {
                        read: count(p.done),
                        total: count(p.total),
                    }));
                }
                if p.committed {
                    self.send(Message::Changed);
                }
            },
        )?;
        store.settle(false)?;
        if let Some(nudge) = self
            .nudge
            .as_ref()
            .filter(|_| report.read > 0 || version.is_none())
        {
            nudge.step_ended();
        }
        // Also what another of us has read in the meantime.
        let now = self.ask.version()?;
        if new || version.replace(now) != Some(now) {
            self.send(Message::Changed);
        }
        if let Some((path, why)) = report.failed.first() {
            self.say(Note::error(format!(
                "{} could not be read: {why}",
                path.display()
            )));
        }
        Ok(())
    }

    /// Takes in what hooks told, by whomever it was taken in: several of us share one spool. The folder is looked at if
    /// that was left to who watches it.
    fn take_in(&self, store: &Store) -> Result<()> {
        let spool = Spool::at(&self.connections.place);
        let before = match self.told.get() {
            Some(row) => row,
            None => hooks::newest(store.conn())?,
        };
        settle::take_in(store, &spool)?;
        // Beside a store that was named no hook leaves anything. Where a folder cannot be made, those above it are
        // listened to, and a hook makes it as soon as it has something to tell.
        if !store.read_only() && self.connections.place.kind != Kind::Explicit {
            let _ = spool.prepare();
        }
        let newest = hooks::newest(store.conn())?;
        self.told.set(Some(newest));
        // Less: it is another store, of which nothing is known.
        if newest <= before {
            return Ok(());
        }
        let new = hooks::newer_than(store.conn(), before)?;
        if let Some(nudge) = &self.nudge
            && new
                .iter()
                .any(|e| e.shot == FOR_A_WATCHER && nudge.is_about(&e.root))
        {
            nudge.step_ended();
        }
        if new.iter().any(|e| e.kind == ASKS) {
            self.send(Message::Changed);
        }
        Ok(())
    }

    fn say(&self, note: Note) {
        self.send(Message::Said(note));
    }

    fn send(&self, message: Message) {
        // Nobody listens any more: the screen was left.
        let _ = self.news.send(message);
    }
}
