//! Who is at work for a folder: a watcher, or a child of a hook. Looking makes nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::spool::Spool;
use crate::store::place::{FOLDER, LEASE};

impl Spool {
    /// Whether a screen or `watch` takes snapshots of this folder right now, so that a hook need not.
    pub fn is_watched(&self) -> bool {
        is_held(&self.root().join(FOLDER).join(LEASE))
    }

    /// A lock of this folder between hooks, by what it is for. In the user's state folder: `.regent/` may be deleted
    /// while somebody holds it.
    pub(super) fn lock_file(&self, what: &str) -> PathBuf {
        let root = blake3::hash(self.root().as_os_str().as_bytes()).to_hex();
        self.locks().join(format!("{what}-{}.lock", &root[..16]))
    }
}

/// Opens a lock, and makes it if there is none.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        super::spool::make(parent)?;
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32)
        .open(path)
}

/// Whether somebody holds a lock. One that cannot be opened is held by nobody.
pub(super) fn is_held(path: &Path) -> bool {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}
