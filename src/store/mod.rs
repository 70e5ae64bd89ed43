//! The history, in one SQLite file: raw transcripts and contents (truth), and what was made of them (derived).
//!
//! This module opens the file, and knows its tables; it does not know what transcripts mean. Texts are foreign.

pub mod beside;
pub mod blobs;
mod bulk;
mod cache;
pub mod check;
mod codec;
mod derived;
pub mod disk;
mod error;
pub mod facts;
pub mod files;
pub mod frames;
mod gc;
mod guard;
pub mod hooks;
pub mod journal;
pub mod kept;
mod migrate;
#[cfg(test)]
mod migrate_tests;
pub mod observed;
mod open;
pub mod place;
pub mod rows;
pub mod snapshots;
pub mod survive;
pub mod write;

pub use cache::Frames as FrameCache;
pub use check::Status;
pub(crate) use codec::squeeze;
pub use derived::{derived_digest, drop_derived};
pub use error::{Error, Notice, OpenError, Result, hint, is_damage};
pub use gc::{Freed, collect, roots};
pub use place::Place;

use std::cell::RefCell;

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// How many bytes of unpacked frames a reader holds.
const FRAME_CACHE: usize = 8 << 20;

/// A writing connection, of one thread; readers are apart. Writers wait for each other.
pub struct Store {
    conn: Connection,
    file: open::File,
    place: Option<Place>,
    /// The file that was opened, to see whether it is still the one in its place.
    inode: Option<(u64, u64)>,
    notices: Vec<Notice>,
    read_only: bool,
}

/// A reading connection with its own memory of unpacked frames; each thread has its own.
pub struct Reader {
    conn: Connection,
    frames: RefCell<cache::Frames>,
    notices: Vec<Notice>,
}

impl Store {
    /// Opens the store, and makes it if there is none.
    pub fn open(place: &Place) -> Result<Store, OpenError> {
        open::store(place)
    }

    /// Takes the store at a place for the user's own although it came from elsewhere. Only where the user said so.
    pub fn trust(place: &Place) -> Result<(), OpenError> {
        guard::trust(place)
    }

    /// A store that lives as long as it is open; for tests and for looking without leaving a trace.
    pub fn open_in_memory() -> Result<Store, OpenError> {
        open::in_memory()
    }

    /// A reader of the same store.
    pub fn reader(&self) -> Result<Reader, OpenError> {
        open::reader(&self.file)
    }

    /// What the user must know of how it was opened.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Where it is; `None` for one in memory.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Nothing can be written: the file, its folder or its schema forbid it (see [`Store::notices`]).
    pub fn read_only(&self) -> bool {
        self.read_only
    }

    /// Begins to write. Waits for other writers; what is not committed is rolled back when it is dropped.
    pub fn begin(&self) -> Result<Transaction<'_>> {
        if self.read_only {
            return Err(Error::ReadOnly);
        }
        open::patiently(|| Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate))
    }

    /// To be called when a batch of reading is over: all of the log goes into the file, and what is kept elsewhere is
    /// brought up to date, so that `rm -rf .regent` costs nothing. `now`: also where that means a fresh copy.
    pub fn settle(&self, now: bool) -> Result<()> {
        let Some(place) = self.place.as_ref().filter(|_| !self.read_only) else {
            return Ok(());
        };
        self.checkpoint()?;
        if !self.in_place() {
            // Deleted under us. The file that we write to lives on in the state folder, and gets the log all the same.
            return Ok(());
        }
        survive::keep(place, &self.conn, now)
    }

    /// Empties the log into the file, unless somebody reads from it right now: then the next time.
    fn checkpoint(&self) -> Result<()> {
        let emptied = self
            .conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        match emptied.map_err(Error::from) {
            Err(Error::Locked) => Ok(()),
            other => other,
        }
    }

    /// Whether the file that is open is still the one in its place; not after `rm -rf .regent`. Then close this store
    /// and all its readers, and open it again: that brings it back.
    pub fn in_place(&self) -> bool {
        match &self.place {
            Some(place) => open::inode(&place.db) == self.inode,
            None => true,
        }
    }

    /// See [`derived_digest`].
    pub fn derived_digest(&self) -> Result<String> {
        derived_digest(self.conn())
    }

    /// The connection, for the modules that know the tables.
    pub(crate) fn conn(&self) -> &Connection {
        &self.conn
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // The end of a program is no place to fail: what the log holds is read from it at the next start.
        let _ = self.settle(false);
    }
}

impl Reader {
    /// Opens the store for reading. Makes nothing; [`OpenError::Missing`] if there is none.
    pub fn open(place: &Place) -> Result<Reader, OpenError> {
        open::reader_of(place)
    }

    /// What the user must know of how it was opened.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// See [`check::status`].
    pub fn status(&self) -> Result<check::Status> {
        check::status(self.conn())
    }

    /// See [`check::structure`].
    pub fn structure(&self, whole: bool) -> Result<Vec<String>> {
        check::structure(self.conn(), whole)
    }

    /// See [`check::contents`].
    pub fn contents(&self, tell: impl FnMut(u64, u64)) -> Result<Vec<Error>> {
        check::contents(self.conn(), tell)
    }

    /// A content by its name; its hash is checked.
    pub fn content(&self, hash: &crate::model::BlobHash) -> Result<Vec<u8>> {
        journal::content(self.conn(), hash)
    }

    /// The names of all contents.
    pub fn contents_named(&self) -> Result<Vec<crate::model::BlobHash>> {
        blobs::names(self.conn())
    }

    /// Raw bytes of a transcript. Frames unpacked for it are kept for the next question.
    pub fn raw(&self, file: i64, off: u64, len: u64) -> Result<Vec<u8>> {
        self.frames.borrow_mut().read(&self.conn, file, off, len)
    }

    /// The connection, for the modules that know the tables.
    pub(crate) fn conn(&self) -> &Connection {
        &self.conn
    }
}
