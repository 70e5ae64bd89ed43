//! Watches the work folder while the screen or `regent-tui watch` runs: takes a snapshot when a step ends or a burst of
//! writes settles, and has what it saw linked to steps. It never writes into the work folder, takes no lock on the
//! agent's files, and sleeps while nothing happens.
//!
//! [`ears`] hears of writes, [`pace`] decides when to look, [`lease`] sees to it that one process does it for a folder.
//! Whose a change is, is decided by the link pass ([`crate::ingest`]).

mod ears;
mod lease;
mod pace;

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use self::ears::Ears;
use self::lease::Lease;
pub use self::lease::{Recorder, recorder};
use self::pace::Pace;
use crate::clock::Clock;
use crate::fsx::Root;
use crate::ingest::{self, Roots};
use crate::snapshot::{self, Wanted};
use crate::store::observed::Touched;
use crate::store::snapshots::Reason;
use crate::store::{Place, Store};

/// After something went wrong, one looks again after this, or when something happens.
const AGAIN: Duration = Duration::from_secs(5);
/// Who has just taken the lock needs so long to say who it is.
const MOMENT: Duration = Duration::from_millis(50);
/// How far the thread steps back behind others (`nice`).
const LOWERED: i32 = 10;

/// What is watched.
#[derive(Clone)]
pub struct Options {
    /// Where the store is.
    pub place: Place,
    /// The work folder.
    pub folder: PathBuf,
    /// The user's home: never watched as a whole.
    pub home: Option<PathBuf>,
    /// The roots of the repository.
    pub roots: Roots,
    /// What time it is.
    pub clock: Clock,
    /// At most so many folders are listened to; `None`: as many as the system can spare.
    pub folders: Option<usize>,
}

/// What the watcher has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It records, or another process does.
    Recording(Recorder),
    /// It does not, and why.
    Off(String),
    /// Something that one should know: how it works instead.
    Said(String),
    /// The folder changed, and what was seen is in the store.
    Seen,
}

/// The running thread.
pub struct Watch {
    stop: Arc<AtomicBool>,
    step: Arc<AtomicBool>,
    wake: Sender<()>,
    folder: PathBuf,
    thread: JoinHandle<()>,
}

/// For those who know that a step ended.
#[derive(Clone)]
pub struct Nudge {
    step: Arc<AtomicBool>,
    wake: Sender<()>,
    folder: PathBuf,
}

impl Nudge {
    /// Whether a folder, as hooks name it, is the one that is watched.
    pub fn is_about(&self, root: &[u8]) -> bool {
        self.folder.as_os_str().as_bytes() == root
    }

    /// A step may have ended, or a store may have been made.
    pub fn step_ended(&self) {
        self.step.store(true, Ordering::Release);
        // A full channel means that it is about to look anyway.
        let _ = self.wake.try_send(());
    }
}

impl Watch {
    /// Starts it. Nothing happens before there is a store.
    pub fn start(options: Options, tell: impl Fn(News) + Send + 'static) -> Result<Watch> {
        let (stop, step) = <(Arc<AtomicBool>, Arc<AtomicBool>)>::default();
        let (wake, woken) = crossbeam_channel::bounded(1);
        // As hooks name it, links resolved; one that is not there is not watched either.
        let folder = std::fs::canonicalize(&options.folder).unwrap_or(options.folder.clone());
        let watcher = Watcher {
            options,
            tell: Box::new(tell),
            stop: stop.clone(),
            step: step.clone(),
            wake: wake.clone(),
            woken,
            said: String::new(),
        };
        // Before anybody lowers the priority of threads: those of the pool serve the screen, too.
        rayon::current_num_threads();
        let thread = std::thread::Builder::new()
            .name("watching".to_owned())
            .spawn(move || watcher.run())
            .wrap_err("cannot start the thread that watches the folder")?;
        Ok(Watch {
            stop,
            step,
            wake,
            folder,
            thread,
        })
    }

    /// For those who know that a step ended.
    pub fn nudge(&self) -> Nudge {
        Nudge {
            step: self.step.clone(),
            wake: self.wake.clone(),
            folder: self.folder.clone(),
        }
    }

    /// Ends it; what was heard of is looked at before.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        let _ = self.wake.try_send(());
        // A panic in there was shown where it happened.
        let _ = self.thread.join();
    }
}

struct Watcher {
    options: Options,
    tell: Box<dyn Fn(News) + Send>,
    stop: Arc<AtomicBool>,
    step: Arc<AtomicBool>,
    wake: Sender<()>,
    woken: Receiver<()>,
    /// The trouble that was told last: the same is told once.
    said: String,
}

/// What ends a watch.
enum Ended {
    /// It was told to.
    Stopped,
    /// The lock is gone, or the folder: begin again.
    Lost,
}

impl Watcher {
    fn run(mut self) {
        // In nobody's way; where that is refused, it is as fast as the others.
        let _ = rustix::process::nice(LOWERED);
        while !self.stopped() {
            if !self.options.place.has_store() {
                self.sleep(None);
                continue;
            }
            match self.hold() {
                Ok(Ended::Stopped) => return,
                Ok(Ended::Lost) => {}
                Err(e) => {
                    self.trouble(&format!("{e:#}"));
                    self.sleep(Some(Instant::now() + AGAIN));
                }
            }
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Sleeps until woken, or until a moment.
    fn sleep(&self, until: Option<Instant>) {
        let ended = match until {
            None => self.woken.recv().is_err(),
            Some(until) => matches!(
                self.woken.recv_deadline(until),
                Err(RecvTimeoutError::Disconnected)
            ),
        };
        debug_assert!(!ended, "the other end is held here");
    }

    fn trouble(&mut self, why: &str) {
        if self.said != why {
            why.clone_into(&mut self.said);
            (self.tell)(News::Off(why.to_owned()));
        }
    }

    /// Becomes the one who records, and does until it ends; or follows until it is its turn.
    fn hold(&mut self) -> Result<Ended> {
        let root = Root::open(&self.options.folder, self.options.home.as_deref())?;
        let Some(lease) = lease::take(&root)? else {
            self.follow(&root)?;
            return Ok(Ended::Lost);
        };
        self.record(&root, lease)
    }

    /// Another process records.
    fn follow(&mut self, root: &Root) -> Result<()> {
        lease::wait(root, self.wake.clone())?;
        let mut told = false;
        // Nudges wake, too; whoever records hears of the same steps.
        while !self.stopped() && lease::is_held(root) {
            match recorder(root).filter(|_| !told) {
                Some(who) => {
                    (self.tell)(News::Recording(who));
                    told = true;
                }
                None => self.sleep((!told).then(|| Instant::now() + MOMENT)),
            }
        }
        Ok(())
    }

    fn record(&mut self, root: &Root, mut lease: Lease) -> Result<Ended> {
        let ears = Ears::new(root.place(), self.options.clock, self.wake.clone())
            .map(|ears| ears.with_limit(self.options.folders));
        let mut state = Recording {
            pace: Pace::default(),
            ears: ears.map_err(|e| format!("folders cannot be watched ({e})")),
            who: Recorder {
                pid: std::process::id(),
                since: self.options.clock.now(),
                how: String::new(),
            },
            why: Reason::First,
        };
        state.pace.set_polls(state.ears.is_err());
        // What happened before is not known; from now on it is.
        state.pace.step_ended(Instant::now());
        loop {
            if self.step.swap(false, Ordering::AcqRel) {
                state.pace.step_ended(Instant::now());
            }
            if let Ok(ears) = &state.ears
                && ears.shared().any()
            {
                state.pace.wrote(Instant::now());
            }
            let over = self.stopped();
            let due = state.pace.next();
            if due.is_some_and(|at| at <= Instant::now())
                || (over && state.pace.is_due() && state.pace.is_cheap())
            {
                if !lease.holds(root) || root_moved(root, &self.options.folder) {
                    return Ok(Ended::Lost);
                }
                self.look(root, &mut state, &mut lease);
            }
            if over {
                return Ok(Ended::Stopped);
            }
            self.sleep(state.pace.next());
        }
    }

    /// Looks at the folder once.
    fn look(&mut self, root: &Root, state: &mut Recording, lease: &mut Lease) {
        let began = Instant::now();
        let mut stored = 0;
        // What the first one costs, which reads everything, says nothing about the next.
        let first = state.why != Reason::Automatic;
        state.pace.begin();
        let heard = match &state.ears {
            Ok(ears) => ears.shared().take(),
            Err(_) => BTreeMap::new(),
        };
        match self.snapshot(root, state.why, heard) {
            Ok(taken) => {
                match std::mem::replace(&mut state.why, Reason::Automatic) {
                    Reason::Automatic => stored = taken.stored,
                    // The first one stores all there is, once. What changed before it had seen everything is not known.
                    _ => state.who.since = self.options.clock.now(),
                }
                self.listen(taken.dirs, state);
                self.tell_how(state, lease);
                if taken.new {
                    (self.tell)(News::Seen);
                }
                for warning in taken.warnings {
                    self.once(warning);
                }
            }
            Err(e) => self.trouble(&format!("{e:#}")),
        }
        let took = if first {
            Duration::ZERO
        } else {
            began.elapsed()
        };
        state.pace.end(Instant::now(), took, stored);
        if state.pace.is_much() {
            self.once("much is written in this folder: it is looked at once a minute; .regentignore leaves files out".to_owned());
        }
    }

    fn snapshot(
        &self,
        root: &Root,
        why: Reason,
        heard: BTreeMap<Vec<u8>, Touched>,
    ) -> Result<snapshot::Taken> {
        // Opened each time: the file may have been deleted meanwhile.
        let store = Store::open(&self.options.place)?;
        let mut wanted = Wanted::new(self.options.clock, why);
        wanted.heard = heard;
        let taken = snapshot::take(&store, root, &wanted)?;
        if taken.new {
            ingest::relink(&store, &self.options.roots)?;
        }
        Ok(taken)
    }

    /// Listens to the folders that were walked; to new ones one has to look once more.
    fn listen(&mut self, folders: Vec<(Vec<u8>, snapshot::Rules)>, state: &mut Recording) {
        let Ok(ears) = &mut state.ears else { return };
        match ears.listen(folders) {
            Ok(true) => state.pace.step_ended(Instant::now()),
            Ok(false) => {}
            Err(why) => {
                state.ears = Err(why);
                state.pace.set_polls(true);
            }
        }
    }

    /// Says how it records, where that changed.
    fn tell_how(&mut self, state: &mut Recording, lease: &mut Lease) {
        let how = match &state.ears {
            Ok(_) => "listening".to_owned(),
            Err(_) => format!("looking every {} s", state.pace.every().as_secs()),
        };
        if state.who.how == how {
            return;
        }
        self.said.clear();
        if let Err(why) = &state.ears
            && !state.who.how.starts_with("looking")
        {
            (self.tell)(News::Said(format!("{why}; {how} instead")));
        }
        state.who.how = how;
        // For others to read; that it cannot be written changes nothing here.
        let _ = lease.write(&state.who);
        (self.tell)(News::Recording(state.who.clone()));
    }

    fn once(&mut self, what: String) {
        if self.said != what {
            self.said.clone_from(&what);
            (self.tell)(News::Said(what));
        }
    }
}

/// What is known while one records.
struct Recording {
    pace: Pace,
    ears: Result<Ears, String>,
    who: Recorder,
    why: Reason,
}

/// Whether another folder has its name now.
fn root_moved(root: &Root, folder: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    !folder
        .metadata()
        .is_ok_and(|m| (m.dev(), m.ino()) == root.identity())
}
