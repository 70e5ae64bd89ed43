//! Who looks at the disk. A screen or `watch` that takes snapshots of a folder holds a lock while it does; a hook that
//! finds it held leaves the snapshot to it.
//!
//! The lock lies in the user's state folder: `.regent/` may be deleted while somebody watches.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::OFlags;

use super::spool::Spool;

/// A hook that looks holds the lock for a moment.
const TRIES: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(5);

/// Held as long as somebody takes snapshots of the folder; given up when dropped, also by a crash.
#[derive(Debug)]
pub struct Watching {
    file: File,
}

impl Drop for Watching {
    fn drop(&mut self) {
        // Closing alone is not enough where a child is being started at this moment; if this fails, closing is what is
        // left.
        let _ = self.file.unlock();
    }
}

impl Spool {
    /// Says that snapshots of this folder are taken from now on, so that hooks need not. `None` if another of us does
    /// already.
    pub fn watch(&self) -> io::Result<Option<Watching>> {
        let file = open(&self.lock_file("watch"), true)?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Watching { file })),
                Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN),
                Err(TryLockError::Error(e)) => return Err(e),
            }
        }
        Ok(None)
    }

    /// Whether somebody takes snapshots of this folder right now.
    pub fn is_watched(&self) -> bool {
        is_held(&self.lock_file("watch"))
    }

    /// A lock of this folder, by what it is for.
    pub(super) fn lock_file(&self, what: &str) -> PathBuf {
        let root = blake3::hash(self.root().as_os_str().as_bytes()).to_hex();
        self.locks().join(format!("{what}-{}.lock", &root[..16]))
    }
}

/// Opens a lock, and makes it if there is none and `make`.
pub(super) fn open(path: &std::path::Path, make: bool) -> io::Result<File> {
    if make && let Some(parent) = path.parent() {
        super::spool::make(parent)?;
    }
    OpenOptions::new()
        .write(true)
        .create(make)
        .truncate(false)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32)
        .open(path)
}

/// Whether somebody holds a lock. One that cannot be opened is held by nobody.
pub(super) fn is_held(path: &std::path::Path) -> bool {
    match open(path, false) {
        Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}
