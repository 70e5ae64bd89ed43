//! The thread beside the screen that reads what is new: once at the start, then whenever a transcript was written.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use crossbeam_channel::{Receiver, Sender};
use notify::{RecursiveMode, Watcher};

use super::context::Context;
use super::soon::{Connections, SoonAsk};
use crate::ingest::{self, Options};
use crate::query::Ask;
use crate::store::place::Kind;
use crate::store::{Place, Store};
use crate::ui::Environment;
use crate::ui::message::{Ingest, Message, Note};

/// Writes come in bursts; a burst is read once.
const SETTLE: Duration = Duration::from_millis(80);
/// Where the system cannot tell of writes, or loses some, one looks again this often.
const POLL: Duration = Duration::from_secs(5);

/// What to read for a place.
pub(super) fn options(context: &Context<'_>, place: &Place) -> Options {
    Options {
        places: context.env.places.clone(),
        roots: context.roots(place, &[]),
        everything: place.kind == Kind::UserWide,
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
    /// Starts it. What it has to say goes to `news`.
    pub fn start(
        connections: Arc<Connections>,
        options: Options,
        news: Sender<Message>,
        environment: Environment,
    ) -> Result<Feed> {
        let cancel = options.cancel.clone();
        let (wake, woken) = crossbeam_channel::bounded(1);
        let reader = Reading {
            ask: connections.ask(),
            connections,
            options,
            news,
            environment,
        };
        let waker = wake.clone();
        let thread = std::thread::Builder::new()
            .name("reading".to_owned())
            .spawn(move || reader.run(&waker, &woken))
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
}

impl Reading {
    fn run(&self, wake: &Sender<()>, woken: &Receiver<()>) {
        // Watched before the first look, so that nothing is written unseen in between.
        let watcher = self.watch(wake.clone());
        if let Err(e) = &watcher {
            let text = format!(
                "transcripts cannot be watched ({e}); looking every {} s instead",
                POLL.as_secs()
            );
            self.say(Note::error(text));
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
            // What failed may go well a little later: another program had the store.
            let told = match watcher.is_ok() && failed.is_empty() {
                true => woken.recv().is_ok(),
                false => !matches!(
                    woken.recv_timeout(POLL),
                    Err(crossbeam_channel::RecvTimeoutError::Disconnected)
                ),
            };
            if !told {
                return;
            }
            std::thread::sleep(SETTLE);
            while woken.try_recv().is_ok() {}
        }
    }

    fn watch(&self, wake: Sender<()>) -> notify::Result<notify::RecommendedWatcher> {
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let about = event.is_ok_and(|e| e.kind.is_access());
                if !about {
                    let _ = wake.try_send(());
                }
            })?;
        for (root, _) in ingest::look(&self.options.places) {
            // A folder that is not there yet: the nearest one above it that is, without what lies below.
            let nearest = root.ancestors().find(|d| d.is_dir()).map(PathBuf::from);
            match nearest {
                Some(dir) if dir == root => watcher.watch(&dir, RecursiveMode::Recursive)?,
                Some(dir) => watcher.watch(&dir, RecursiveMode::NonRecursive)?,
                None => {}
            }
        }
        Ok(watcher)
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

    fn say(&self, note: Note) {
        self.send(Message::Said(note));
    }

    fn send(&self, message: Message) {
        // Nobody listens any more: the screen was left.
        let _ = self.news.send(message);
    }
}
