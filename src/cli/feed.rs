//! The thread beside the screen that reads what is new: once at the start, then whenever a transcript was written.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use crossbeam_channel::{Receiver, Sender};
use notify::{RecursiveMode, Watcher};

use super::context::Context;
use super::soon::{Connections, SoonAsk};
use crate::hook::settle;
use crate::hook::spool::Spool;
use crate::ingest::{self, Options};
use crate::query::Ask;
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

/// Whether a transcript may have been written. Where a folder is not there yet, one above it is watched, in which others
/// write all the time.
fn may_matter(event: &notify::Event, roots: &[PathBuf]) -> bool {
    let about = |path: &PathBuf| {
        roots
            .iter()
            .any(|root| path.starts_with(root) || root.starts_with(path) || is_log_of(path, root))
    };
    !event.kind.is_access() && (event.paths.is_empty() || event.paths.iter().any(about))
}

/// Whether a folder, or the nearest one above it that is there, lies on a disk that does not tell what is written to it.
fn is_silent(folder: &Path, is_remote: &dyn Fn(&Path) -> bool) -> bool {
    let there = folder.ancestors().find(|d| d.is_dir());
    there.is_some_and(is_remote)
}

/// Whether a file is the log of a database: what is new stands there first.
fn is_log_of(path: &Path, database: &Path) -> bool {
    path.parent() == database.parent()
        && path
            .file_name()
            .and_then(|n| n.to_str())
            .and_then(|n| {
                n.strip_suffix("-wal")
                    .or_else(|| n.strip_suffix("-journal"))
            })
            .is_some_and(|n| database.file_name().is_some_and(|d| d == n))
}

struct Reading {
    connections: Arc<Connections>,
    ask: SoonAsk,
    options: Options,
    news: Sender<Message>,
    environment: Environment,
    nudge: Option<Nudge>,
}

impl Reading {
    fn run(&self, wake: &Sender<()>, woken: &Receiver<()>) {
        self.connections.wait_for_the_list();
        // Watched before the first look, so that nothing is written unseen in between.
        let mut watch = Watch::start(ingest::folders(&self.options.places), wake.clone());
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
            std::thread::sleep(if silent { FIRST } else { SETTLE });
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
        if let Err(e) = settle::take_in(&store, &Spool::at(place)) {
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

    fn say(&self, note: Note) {
        self.send(Message::Said(note));
    }

    fn send(&self, message: Message) {
        // Nobody listens any more: the screen was left.
        let _ = self.news.send(message);
    }
}

/// The watched folders. An agent may be installed, or its folder made anew, while one looks.
struct Watch {
    watcher: notify::RecommendedWatcher,
    roots: Vec<PathBuf>,
    /// What is watched for each root, and which folder that was.
    watched: Vec<Option<(PathBuf, u64)>>,
}

impl Watch {
    fn start(roots: Vec<PathBuf>, wake: Sender<()>) -> notify::Result<Watch> {
        let wanted = roots.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading is no news, nor what others write beside a folder that is missing. That events were lost (an
            // error, or a call to look again) is.
            let idle = event.is_ok_and(|e| !e.need_rescan() && !may_matter(&e, &wanted));
            if !idle {
                // A full channel means that it is about to look anyway.
                let _ = wake.try_send(());
            }
        })?;
        let mut watch = Watch {
            watcher,
            watched: vec![None; roots.len()],
            roots,
        };
        watch.follow()?;
        Ok(watch)
    }

    /// Watches what is there now; says whether a folder is watched that was not before.
    fn follow(&mut self) -> notify::Result<bool> {
        let mut new = false;
        for (root, watched) in self.roots.iter().zip(&mut self.watched) {
            // A folder that is not there yet: the nearest one above it that is, without what lies below.
            let nearest = root.ancestors().find_map(|d| {
                Some((
                    d,
                    d.metadata().ok().filter(std::fs::Metadata::is_dir)?.ino(),
                ))
            });
            let now = nearest.map(|(dir, inode)| (dir.to_owned(), inode));
            if *watched == now {
                continue;
            }
            if let Some((dir, _)) = &now {
                let mode = match dir == root {
                    true => RecursiveMode::Recursive,
                    false => RecursiveMode::NonRecursive,
                };
                self.watcher.watch(dir, mode)?;
                new = true;
            }
            *watched = now;
        }
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn folders_that_appear_later_are_watched() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap();
        let root = home.join(".codex/sessions");
        let (wake, woken) = crossbeam_channel::bounded(1);
        let mut watch = Watch::start(vec![root.clone()], wake).unwrap();
        let heard = || woken.recv_timeout(Duration::from_secs(5)).is_ok();
        assert!(!watch.follow().unwrap());
        // Made bit by bit, and made anew.
        for _ in 0..2 {
            std::fs::create_dir(home.join(".codex")).unwrap();
            assert!(heard());
            assert!(watch.follow().unwrap());
            std::fs::create_dir_all(root.join("2026/03")).unwrap();
            assert!(heard());
            assert!(watch.follow().unwrap());
            assert!(!watch.follow().unwrap());
            std::thread::sleep(Duration::from_millis(100));
            while woken.try_recv().is_ok() {}
            std::fs::write(root.join("2026/03/a.jsonl"), "x").unwrap();
            assert!(heard());
            std::fs::remove_dir_all(home.join(".codex")).unwrap();
            assert!(heard());
            assert!(watch.follow().unwrap());
            std::thread::sleep(Duration::from_millis(100));
            while woken.try_recv().is_ok() {}
        }
    }

    #[test]
    fn on_a_disk_of_another_machine_one_looks_again() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path();
        std::fs::create_dir(home.join(".claude")).unwrap();
        let asked = std::cell::RefCell::new(Vec::new());
        let remote = |folder: &Path| {
            asked.borrow_mut().push(folder.to_owned());
            folder.ends_with(".claude")
        };
        // A folder that is not there yet will lie where the one above it does.
        assert!(is_silent(&home.join(".claude/projects"), &remote));
        assert!(!is_silent(&home.join(".codex/sessions"), &remote));
        assert_eq!(*asked.borrow(), [home.join(".claude"), home.to_owned()]);
    }

    #[test]
    fn what_others_write_beside_a_missing_folder_wakes_nobody() {
        use notify::event::{AccessKind, CreateKind, EventKind};
        let roots = [
            PathBuf::from("/h/.claude/projects"),
            PathBuf::from("/h/.codex/sessions"),
            PathBuf::from("/h/data/x.db"),
        ];
        let create = EventKind::Create(CreateKind::Any);
        let event = |kind, path: &str| notify::Event::new(kind).add_path(path.into());
        for (path, wakes) in [
            ("/h/.bash_history", false),
            ("/h/.claude", true),
            ("/h/.claude/projects/x/y.jsonl", true),
            ("/h/.claude.json", false),
            ("/h/data/x.db", true),
            ("/h/data/x.db-wal", true),
            ("/h/data/x.db-shm", false),
            ("/h/data/y.db-wal", false),
        ] {
            assert_eq!(may_matter(&event(create, path), &roots), wakes, "{path}");
        }
        let read = EventKind::Access(AccessKind::Any);
        assert!(!may_matter(&event(read, "/h/.claude"), &roots));
        assert!(may_matter(&notify::Event::new(create), &roots));
    }
}
