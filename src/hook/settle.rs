//! The child that a hook leaves behind where nobody watches: it brings the spool into the store, takes a snapshot if an
//! event waits for one, and ends. The agent does not wait for it, and it steps back for everything else that runs.
//!
//! One works, and at most one more waits for it; a hook that finds one waiting starts none, since that one has not
//! looked yet. So nothing that was told is missed, and a hundred events in a second cost two snapshots.

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::eyre;

use super::locks::{is_held, open};
use super::record::{self, Recorded};
use super::spool::Spool;
use crate::clock::Clock;
use crate::fsx::Root;
use crate::snapshot::{self, Wanted};
use crate::store::place::Surroundings;
use crate::store::snapshots::{self, Reason};
use crate::store::{Store, hooks};

/// What the hook calls itself with.
pub const WORD: &str = "--settle";
/// A rewind may be at work: so long it is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// What went wrong the last time, for `doctor`.
const TROUBLE: &str = "hook-trouble";

/// Whether snapshots are taken there at all: not of a home folder, nor of a folder that is everybody's.
pub fn may_look(spool: &Spool) -> bool {
    spool.place().keep.is_some()
}

/// Whether one waits already, and will see what was just told.
pub fn is_awaited(spool: &Spool) -> bool {
    is_held(&spool.lock_file("next"))
}

/// Takes in what was told, and looks at the folder if that is asked for.
pub fn settle(root: &Path, around: &Surroundings, clock: Clock) -> Result<()> {
    // If it cannot step back, it works all the same.
    let _ = rustix::process::nice(10);
    let spool = Spool::of(root, around).ok_or_else(|| eyre!("no place for the events"))?;
    let done = work(&spool, around, clock);
    let note = spool.locks().join(TROUBLE);
    match &done {
        // There may be none.
        Ok(()) => drop(std::fs::remove_file(note)),
        Err(e) => std::fs::write(note, format!("{} {e:#}\n", clock.now().rfc3339()))?,
    }
    done
}

/// What went wrong the last time, if it did: when, and why.
pub fn trouble(spool: &Spool) -> Option<String> {
    let text = std::fs::read_to_string(spool.locks().join(TROUBLE)).ok()?;
    Some(text.trim().chars().take(500).collect())
}

fn work(spool: &Spool, around: &Surroundings, clock: Clock) -> Result<()> {
    let Some(turn) = Turn::take(spool)? else {
        return Ok(());
    };
    let store = Store::open(spool.place())?;
    record::record(&store, spool)?;
    if hooks::waiting_for_a_snapshot(store.conn(), spool.root().as_os_str().as_bytes())? {
        shoot(&store, spool.root(), around.home.as_deref(), clock)?;
    }
    store.settle(false)?;
    drop(turn);
    Ok(())
}

/// Takes the snapshot that events wait for.
fn shoot(store: &Store, root: &Path, home: Option<&Path>, clock: Clock) -> Result<()> {
    let root = Root::open(root, home)?;
    let Some(_lock) = root.lock_within(PATIENCE)? else {
        return Err(eyre!("a rewind is at work in {}", root.place().display()));
    };
    // What is told from here on may have come too late for this one.
    let began = clock.now();
    let name = root.place().as_os_str().as_bytes();
    // Before a session nobody was there to see who changed what, nor between another program's tree and our first.
    let first = hooks::waits_since_a_start(store.conn(), name)?
        || snapshots::newest(store.conn(), name)?.is_none_or(|s| s.is_kept());
    let why = match first {
        true => Reason::First,
        false => Reason::Automatic,
    };
    let taken = snapshot::take(store, &root, &Wanted::new(clock, why))?;
    let tx = store.begin()?;
    hooks::set_snapshot(&tx, name, began, taken.snapshot.id)?;
    tx.commit().map_err(crate::store::Error::from)?;
    Ok(())
}

/// Held while one of us works.
struct Turn {
    file: File,
}

impl Turn {
    /// Waits for its turn; `None` if somebody else waits already.
    fn take(spool: &Spool) -> Result<Option<Turn>> {
        let next = open(&spool.lock_file("next"))?;
        if next.try_lock().is_err() {
            return Ok(None);
        }
        let file = open(&spool.lock_file("settle"))?;
        file.lock()?;
        // From here on somebody else may wait: what is told now may come too late for us.
        next.unlock()?;
        Ok(Some(Turn { file }))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // If this fails, the end of the process is what is left.
        let _ = self.file.unlock();
    }
}

/// Takes in what was told, for a command or a screen that has the store open anyway.
pub fn take_in(store: &Store, spool: &Spool) -> Result<Recorded> {
    match store.read_only() {
        true => Ok(Recorded::default()),
        false => record::record(store, spool),
    }
}
