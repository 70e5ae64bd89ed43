//! Contents of files, from the store's blobs: as bytes, and as the screen wants them.

use std::sync::Arc;

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension};

use super::types::Content;
use crate::store::blobs;

/// What is known of a path at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Not known.
    Unknown,
    /// There is no such file.
    Absent,
    /// This blob of the store.
    Blob(i64),
}

impl State {
    /// From a column of the store: NULL is not known, 0 is absent.
    pub(super) fn from_column(value: Option<i64>) -> State {
        match value {
            None => State::Unknown,
            Some(0) => State::Absent,
            Some(id) => State::Blob(id),
        }
    }

    /// Whether it is known.
    pub fn known(self) -> bool {
        self != State::Unknown
    }
}

/// The bytes of a known state; `None` if absent or unknown.
pub(super) fn bytes(conn: &Connection, state: State) -> Result<Option<Vec<u8>>> {
    match state {
        State::Blob(id) => Ok(Some(blobs::get(conn, id)?)),
        State::Absent | State::Unknown => Ok(None),
    }
}

/// The content of a state.
pub(super) fn content(conn: &Connection, state: State) -> Result<Content> {
    Ok(match state {
        State::Unknown => Content::Unknown,
        State::Absent => Content::Absent,
        State::Blob(id) => of_bytes(blobs::get(conn, id)?),
    })
}

/// Text if it is UTF-8 without NUL in its beginning, as git decides it; else binary.
pub(super) fn of_bytes(bytes: Vec<u8>) -> Content {
    let size = bytes.len() as u64;
    if bytes.iter().take(8000).any(|b| *b == 0) {
        return Content::Binary(size);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Content::Text(Arc::from(text)),
        Err(_) => Content::Binary(size),
    }
}

/// The BLAKE3 of a blob, hexadecimal.
pub(super) fn hash(conn: &Connection, state: State) -> Result<Option<String>> {
    let State::Blob(id) = state else {
        return Ok(None);
    };
    let hash: Option<Vec<u8>> = conn
        .prepare_cached("SELECT hash FROM blob WHERE id = ?1")?
        .query_row([id], |r| r.get(0))
        .optional()?;
    Ok(hash.map(|h| h.iter().map(|b| format!("{b:02x}")).collect()))
}
