//! The newest version of each record of a session, in the order of the session, out of the raw bytes in the store.

use std::collections::HashMap;

use color_eyre::Result;
use rusqlite::Connection;

use super::records::Known;
use crate::source::Record;
use crate::source::lines::{Item, LineCutter};
use crate::store::files::FileRow;
use crate::store::frames;

/// Bytes unpacked at once.
const WINDOW: u64 = 1 << 20;

/// A record: where its newest version stands.
struct Entry {
    order: String,
    /// Where its first version stands: among records of the same order, the one that came first comes first.
    first: u64,
    off: u64,
    len: u64,
}

/// The records of a session.
pub struct Latest {
    entries: Vec<Entry>,
    /// Which versions there are, to compare with what is read next.
    pub known: Known,
}

impl Latest {
    /// Looks through all that is stored of a session.
    pub fn of(conn: &Connection, row: &FileRow) -> Result<Latest> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut by_key: HashMap<String, usize> = HashMap::new();
        let mut known = Known::default();
        let mut cutter = LineCutter::at(0);
        let mut take = |item: Item<'_>| {
            let (off, bytes) = match item {
                Item::Line { offset, bytes } => (offset, bytes),
                Item::Oversized { .. } => return,
            };
            let len = bytes.len() as u64;
            // Bytes that were lost stay where they are, to be counted as damaged.
            let Ok(record) = Record::parse(bytes) else {
                let order = entries.last().map_or_else(String::new, |e| e.order.clone());
                entries.push(Entry {
                    order,
                    first: off,
                    off,
                    len,
                });
                return;
            };
            known.take(&record.key, bytes);
            match by_key.get(&*record.key) {
                Some(at) => {
                    let entry = &mut entries[*at];
                    entry.order = record.order.into_owned();
                    (entry.off, entry.len) = (off, len);
                }
                None => {
                    by_key.insert(record.key.into_owned(), entries.len());
                    entries.push(Entry {
                        order: record.order.into_owned(),
                        first: off,
                        off,
                        len,
                    });
                }
            }
        };
        let mut at = 0;
        while at < row.read_to {
            let len = (row.read_to - at).min(WINDOW);
            cutter.feed(&frames::read(conn, row.id, at, len)?, &mut take);
            at += len;
        }
        entries.sort_by(|a, b| a.order.cmp(&b.order).then(a.first.cmp(&b.first)));
        Ok(Latest { entries, known })
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Hands over the lines in order, each with its place, until `each` returns `false`.
    pub fn lines(
        &self,
        conn: &Connection,
        row: &FileRow,
        each: &mut dyn FnMut(u64, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        let (mut start, mut window) = (0, Vec::new());
        for entry in &self.entries {
            let end = entry.off + entry.len;
            if entry.off < start || end > start + window.len() as u64 {
                start = entry.off;
                let len = WINDOW.max(entry.len).min(row.read_to - start);
                window = frames::read(conn, row.id, start, len)?;
            }
            let from = (entry.off - start) as usize;
            if !each(entry.off, &window[from..from + entry.len as usize])? {
                return Ok(());
            }
        }
        Ok(())
    }
}
