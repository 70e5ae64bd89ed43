//! The history, in one SQLite file: raw transcripts and contents (truth), and what was made of them (derived).
//!
//! This module opens the file, and knows its tables; it does not know what transcripts mean. Texts are foreign.

pub mod blobs;
mod cache;
mod codec;
mod error;
pub mod files;
pub mod frames;
mod migrate;
mod open;
pub mod place;
pub mod rows;
pub mod write;

pub use error::{Error, Notice, OpenError, Result};
pub use place::Place;

use std::cell::RefCell;

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// How many bytes of unpacked frames a reader holds.
const FRAME_CACHE: usize = 8 << 20;

/// The writing connection. A process has one, in one thread; readers are apart.
pub struct Store {
    conn: Connection,
    file: open::File,
    notices: Vec<Notice>,
    read_only: bool,
}

/// A reading connection with its own memory of unpacked frames; each thread has its own.
pub struct Reader {
    conn: Connection,
    frames: RefCell<cache::Frames>,
}

impl Store {
    /// Opens the store, and makes it if there is none.
    pub fn open(place: &Place) -> Result<Store, OpenError> {
        open::store(place)
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

    /// The connection, for the modules that know the tables.
    pub(crate) fn conn(&self) -> &Connection {
        &self.conn
    }
}

impl Reader {
    /// Opens the store for reading. Makes nothing; [`OpenError::Missing`] if there is none.
    pub fn open(place: &Place) -> Result<Reader, OpenError> {
        open::reader_of(place)
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
