//! What a first read does otherwise than every other. It does without some indexes: their keys are hashes, row by row they
//! touch pages all over the file; made at the end they are sorted once. And it writes in larger pieces.
//!
//! They only make questions faster, so a store is whole without them; an interrupted first read leaves them to the next
//! read of whatever kind.

use rusqlite::{Connection, params};

use super::open::LOG_PAGES;
use super::{Result, Store};

/// Name, and how it is made. The same words as in the schema.
const LATE: [(&str, &str); 2] = [
    (
        "step_key",
        "CREATE INDEX IF NOT EXISTS step_key ON step (key_hash)",
    ),
    (
        "step_dup",
        "CREATE INDEX IF NOT EXISTS step_dup ON step (dup)",
    ),
];

/// How the full text is gathered in a first read: in memory for as long as a transaction lasts, and nothing of it merged.
/// A merge reads and writes again what was just written; the few pieces that a first read leaves cost a search little.
const GATHER: [(&str, i64); 2] = [("hashsize", 32 << 20), ("automerge", 0)];
/// How it is at all other times; the same as in the schema.
const EVERY_DAY: [(&str, i64); 2] = [("hashsize", 8 << 20), ("automerge", 8)];
const SET_WORDS: &str = "INSERT INTO words (words, rank) VALUES (?1, ?2)";
/// Pages of the log before it is brought into the file, in a first read.
const LONG_LOG: i64 = 16_384;

impl Store {
    /// Takes the indexes away, if there is nothing in them yet.
    ///
    /// # Errors
    /// As SQLite says.
    pub fn without_late_indexes(&self) -> Result<()> {
        let tx = self.begin()?;
        let empty: bool =
            tx.query_row("SELECT NOT EXISTS (SELECT 1 FROM step)", [], |r| r.get(0))?;
        if empty {
            for (name, _) in LATE {
                tx.execute(&format!("DROP INDEX IF EXISTS {name}"), [])?;
            }
            for (option, value) in GATHER {
                tx.execute(SET_WORDS, params![option, value])?;
            }
        }
        tx.commit()?;
        if empty {
            // Pages of indexes change again and again: the longer the log, the fewer times they are brought over.
            self.log_pages(LONG_LOG)?;
        }
        Ok(())
    }

    fn log_pages(&self, pages: i64) -> Result<()> {
        let set = format!("PRAGMA wal_autocheckpoint = {pages}");
        self.conn().query_row(&set, [], |_| Ok(()))?;
        Ok(())
    }

    /// Makes those that are missing.
    ///
    /// # Errors
    /// As SQLite says.
    pub fn late_indexes(&self) -> Result<()> {
        if self.read_only || missing(self.conn())? == 0 {
            return Ok(());
        }
        let tx = self.begin()?;
        for (_, sql) in LATE {
            tx.execute(sql, [])?;
        }
        for (option, value) in EVERY_DAY {
            tx.execute(SET_WORDS, params![option, value])?;
        }
        tx.commit()?;
        self.log_pages(LOG_PAGES)
    }
}

fn missing(conn: &Connection) -> Result<usize> {
    let mut there = conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?1)",
    )?;
    let mut missing = 0;
    for (name, _) in LATE {
        missing += usize::from(!there.query_row([name], |r| r.get::<_, bool>(0))?);
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn schema(store: &Store) -> Vec<String> {
        let mut q = store
            .conn()
            .prepare("SELECT replace(sql, ' IF NOT EXISTS', '') FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .unwrap();
        let rows = q.query_map([], |r| r.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn what_was_taken_away_comes_back_as_it_was() {
        let store = Store::open_in_memory().unwrap();
        let before = schema(&store);
        store.without_late_indexes().unwrap();
        assert_eq!(missing(store.conn()).unwrap(), LATE.len());
        store.late_indexes().unwrap();
        assert_eq!(schema(&store), before);
    }

    #[test]
    fn a_store_that_holds_steps_keeps_them() {
        let store = Store::open_in_memory().unwrap();
        let step = "INSERT INTO step (session_id, prompt_no, seq, pub, key_hash, dup, kind, status, target)
                    VALUES (1, 1, 1, x'00', 1, 1, 1, 1, '')";
        store.conn().execute(step, []).unwrap();
        store.without_late_indexes().unwrap();
        assert_eq!(missing(store.conn()).unwrap(), 0);
    }
}
