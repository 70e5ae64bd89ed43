//! Who records: one process for each work folder. It holds a lock on a file in `.regent/`, in which it says who it is and
//! since when; the others wait for the lock and follow meanwhile.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;

use color_eyre::Result;
use crossbeam_channel::Sender;
use serde::{Deserialize, Serialize};

use crate::fsx::Root;
use crate::model::Time;
use crate::store::place::{FOLDER, LEASE};

/// More than anybody writes into it.
const LARGEST: u64 = 4096;

/// Who records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorder {
    /// Its process.
    pub pid: u32,
    /// Since when.
    pub since: Time,
    /// How: listening to so many folders, or looking every few seconds.
    pub how: String,
}

/// Held while one records; given up when dropped, also by a crash.
#[derive(Debug)]
pub(super) struct Lease {
    file: File,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Closing alone is not enough while a child that is being started holds the same open file.
        let _ = self.file.unlock();
    }
}

impl Lease {
    /// Says who holds it.
    pub fn write(&mut self, who: &Recorder) -> Result<()> {
        let text = serde_json::to_vec(who)?;
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&text)?;
        Ok(())
    }

    /// Whether the file is still the one in its place; not after `rm -rf .regent`.
    pub fn holds(&self, root: &Root) -> bool {
        let path = root.place().join(FOLDER).join(LEASE);
        match (self.file.metadata(), path.symlink_metadata()) {
            (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
            _ => false,
        }
    }
}

/// Takes it, if nobody holds it.
pub(super) fn take(root: &Root) -> Result<Option<Lease>> {
    let file = root.open_own(LEASE)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lease { file })),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(e)) => Err(e.into()),
    }
}

/// Waits until nobody holds it, in a thread of its own that sleeps all the while. Whoever gets it looks again.
pub(super) fn wait(root: &Root, wake: Sender<()>) -> Result<()> {
    let file = root.open_own(LEASE)?;
    std::thread::Builder::new()
        .name("waiting".to_owned())
        .spawn(move || {
            // An error here means that one looks for oneself.
            let _ = file.lock();
            let _ = file.unlock();
            drop(file);
            // Nobody listens any more: the program ends.
            let _ = wake.try_send(());
        })?;
    Ok(())
}

/// The file, if somebody holds it. Looking makes nothing: where there is no file, nobody does.
fn held(root: &Root) -> Option<File> {
    let path = root.place().join(FOLDER).join(LEASE);
    if !path.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(std::fs::TryLockError::WouldBlock) => Some(file),
        _ => None,
    }
}

/// Whether somebody records a work folder now.
pub(super) fn is_held(root: &Root) -> bool {
    held(root).is_some()
}

/// Who records a work folder now; `None` if nobody does, or has not yet said who it is.
pub fn recorder(root: &Root) -> Option<Recorder> {
    let mut file = held(root)?;
    let mut text = Vec::new();
    Read::by_ref(&mut file)
        .take(LARGEST)
        .read_to_end(&mut text)
        .ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    #[test]
    fn one_holds_it_the_others_wait_without_looking() {
        let tmp = tempfile::tempdir().unwrap();
        let root = Root::open(tmp.path(), None).unwrap();
        assert_eq!(recorder(&root), None);
        let mut lease = take(&root).unwrap().unwrap();
        let me = Recorder {
            pid: 7,
            since: Time(99),
            how: "listening".to_owned(),
        };
        lease.write(&me).unwrap();
        assert_eq!(recorder(&root), Some(me));
        assert!(take(&root).unwrap().is_none());
        let (wake, woken) = crossbeam_channel::bounded(1);
        wait(&root, wake).unwrap();
        assert!(woken.recv_timeout(Duration::from_millis(100)).is_err());
        assert!(lease.holds(&root));
        std::fs::remove_dir_all(tmp.path().join(".regent")).unwrap();
        assert!(!lease.holds(&root));
        drop(lease);
        assert!(woken.recv_timeout(Duration::from_secs(10)).is_ok());
        assert!(take(&root).unwrap().is_some());
    }
}
