//! The schema and its versions. Each version is one text; all that are missing are applied in one transaction, so a
//! store is always wholly of one version.

use std::path::Path;

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Connection, TransactionBehavior, params};

use super::OpenError;

/// Says that a file is ours: `rgnt`.
pub(super) const APPLICATION_ID: i64 = 0x7267_6e74;

/// The texts, in order; version n is the n-th.
const VERSIONS: &[&str] = &[include_str!("schema/0001.sql")];

/// The newest version that is known here.
pub(super) const KNOWN: i64 = VERSIONS.len() as i64;

/// What a migration may do when it is told to stop: the number of the statement that is about to run.
pub(super) type Probe<'a> = &'a dyn Fn(usize) -> rusqlite::Result<()>;

/// The version that a store says it has; 0 for an empty file.
pub(super) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA user_version", [], |r| r.get(0))
}

/// Brings a store from whatever version to the newest, in one transaction. Another process may have done it meanwhile.
pub(super) fn apply(conn: &Connection, probe: Probe<'_>) -> rusqlite::Result<()> {
    let tx = rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    let from = usize::try_from(version(&tx)?).unwrap_or(usize::MAX);
    if from == 0 {
        tx.execute_batch(
            "CREATE TABLE migration (version INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;",
        )?;
    }
    let mut done = 0;
    for (n, text) in VERSIONS.iter().enumerate().skip(from) {
        let mut batch = rusqlite::Batch::new(&tx, text);
        while let Some(mut statement) = batch.next()? {
            probe(done)?;
            statement.execute([])?;
            done += 1;
        }
        tx.execute(
            "INSERT INTO migration (version, hash) VALUES (?1, ?2)",
            params![n as i64 + 1, blake3::hash(text.as_bytes()).as_bytes()],
        )?;
    }
    probe(done)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", KNOWN)?;
    tx.commit()
}

/// Refuses what is not ours: another program's file, a version text that was changed after it was applied, triggers
/// and views (there are none in the schema, so somebody put them there), missing tables.
pub(super) fn inspect(conn: &Connection, path: &Path) -> Result<i64, OpenError> {
    let sql = |e| OpenError::from_sql(path, e);
    let foreign = |why: String| OpenError::Foreign {
        path: path.to_owned(),
        why,
    };
    let found = version(conn).map_err(sql)?;
    let id: i64 = conn
        .query_row("PRAGMA application_id", [], |r| r.get(0))
        .map_err(sql)?;
    let objects: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))
        .map_err(sql)?;
    if objects == 0 && found == 0 {
        return Ok(0);
    }
    if id != APPLICATION_ID || found <= 0 {
        return Err(foreign("another program made it".to_owned()));
    }
    let planted: Option<String> = first_name(conn, "type IN ('trigger', 'view')").map_err(sql)?;
    if let Some(name) = planted {
        return Err(foreign(format!("somebody put `{name}` into its schema")));
    }
    Ok(found)
}

fn first_name(conn: &Connection, which: &str) -> rusqlite::Result<Option<String>> {
    use rusqlite::OptionalExtension;
    conn.query_row(
        &format!("SELECT name FROM sqlite_schema WHERE {which} LIMIT 1"),
        [],
        |r| r.get(0),
    )
    .optional()
}
