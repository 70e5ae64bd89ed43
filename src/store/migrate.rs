//! The schema and its versions. Each version is one text; all that are missing are applied in one transaction, so a
//! store is always wholly of one version, and the one before is kept beside it.

use std::path::{Path, PathBuf};

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::{OpenError, survive};

/// Says that a file is ours: `rgnt`.
const APPLICATION_ID: i64 = 0x7267_6e74;

/// The texts, in order; version n is the n-th. A text that was released never changes: add one.
pub(super) const VERSIONS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
];

/// Called before each statement with its number; an error stops the migration there. For tests.
pub(super) type Probe<'a> = &'a dyn Fn(usize) -> rusqlite::Result<()>;

/// How a store stands to this program.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// An empty file.
    Empty,
    /// Right.
    Current,
    /// To be migrated from this version.
    Older(i64),
    /// Made by a later program, in this version.
    Newer(i64),
}

/// Brings a store from whatever version to the newest, in one transaction. Another process may have done it meanwhile.
pub(super) fn apply(
    conn: &Connection,
    versions: &[&str],
    probe: Probe<'_>,
) -> rusqlite::Result<()> {
    let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
    let from: i64 = tx.query_row("PRAGMA user_version", [], |r| r.get(0))?;
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    if from >= versions.len() {
        return Ok(());
    }
    let mut number = 0;
    let mut run = |text: &str| {
        let mut batch = Batch::new(&tx, text);
        while let Some(mut statement) = batch.next()? {
            probe(number)?;
            number += 1;
            statement.execute([])?;
        }
        Ok::<(), rusqlite::Error>(())
    };
    if from == 0 {
        run("CREATE TABLE migration (version INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;")?;
    }
    for (n, text) in versions.iter().enumerate().skip(from) {
        run(text)?;
        tx.execute(
            "INSERT INTO migration (version, hash) VALUES (?1, ?2)",
            params![n as i64 + 1, hash(text)],
        )?;
    }
    probe(number)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", versions.len() as i64)?;
    tx.commit()
}

fn hash(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

/// Keeps a copy of the store as it was, named by its version.
pub(super) fn back_up(conn: &Connection, db: &Path, version: i64) -> Result<PathBuf, OpenError> {
    let mut name = db.as_os_str().to_owned();
    name.push(format!(".v{version}.bak"));
    let backup = PathBuf::from(name);
    match survive::copy(conn, &backup) {
        Ok(()) => Ok(backup),
        Err(super::Error::Sql(e)) => Err(OpenError::from_sql(&backup, e)),
        Err(super::Error::Full) => Err(OpenError::Full { path: backup }),
        Err(super::Error::Io { path, doing, error }) => Err(OpenError::io(&path, doing, error)),
        Err(other) => Err(OpenError::io(
            &backup,
            "write",
            std::io::Error::other(other.to_string()),
        )),
    }
}

/// Looks at the schema, and refuses what is not ours: another program's file, triggers and views (we have none, so
/// somebody planted them), missing tables, a version text that was changed after it was applied.
pub(super) fn inspect(
    conn: &Connection,
    path: &Path,
    versions: &[&str],
) -> Result<Standing, OpenError> {
    let sql = |e| OpenError::from_sql(path, e);
    let foreign = |why: &str| OpenError::Foreign {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    let number = |q: &str| conn.query_row(q, [], |r| r.get::<_, i64>(0)).map_err(sql);
    let version = number("PRAGMA user_version")?;
    let objects = number("SELECT count(*) FROM sqlite_schema")?;
    if objects == 0 && version == 0 {
        return Ok(Standing::Empty);
    }
    if number("PRAGMA application_id")? != APPLICATION_ID || version <= 0 {
        return Err(foreign("another program made it"));
    }
    let planted: Option<String> = conn
        .query_row(
            "SELECT name FROM sqlite_schema WHERE type IN ('trigger', 'view') LIMIT 1",
            [],
            |r| r.get(0),
        )
        .optional()
        .map_err(sql)?;
    if let Some(name) = planted {
        return Err(foreign(&format!("somebody put `{name}` into its schema")));
    }
    let known = versions.len() as i64;
    if version > known {
        return Ok(Standing::Newer(version));
    }
    for (n, text) in versions.iter().enumerate().take(version as usize) {
        let applied: Option<Vec<u8>> = conn
            .query_row(
                "SELECT hash FROM migration WHERE version = ?1",
                [n as i64 + 1],
                |r| r.get(0),
            )
            .optional()
            .map_err(sql)?;
        if applied.as_deref() != Some(&hash(text)) {
            return Err(foreign(
                "a build of regent-tui that was never released made it, with another schema",
            ));
        }
    }
    if version < known {
        return Ok(Standing::Older(version));
    }
    match missing(conn, versions).map_err(sql)? {
        None => Ok(Standing::Current),
        Some(what) => Err(OpenError::Damaged {
            path: path.to_owned(),
            why: format!("{what} is missing"),
        }),
    }
}

/// The first table of the newest schema that a store lacks.
fn missing(conn: &Connection, versions: &[&str]) -> rusqlite::Result<Option<String>> {
    let mut has = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    let has: Vec<String> = has.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?;
    // The first version names every table by a line of its own; later ones are compared in whole by `can_read`.
    let names = versions
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| {
            let rest = line
                .strip_prefix("CREATE TABLE ")
                .or_else(|| line.strip_prefix("CREATE VIRTUAL TABLE "))?;
            rest.split([' ', '(']).next()
        });
    Ok(names
        .into_iter()
        .find(|name| !has.iter().any(|h| h == name))
        .map(|name| format!("table `{name}`")))
}

/// Whether a later schema still has every table and column that this program reads.
pub(super) fn can_read(conn: &Connection, versions: &[&str]) -> rusqlite::Result<bool> {
    let ours = Connection::open_in_memory()?;
    apply(&ours, versions, &|_| Ok(()))?;
    let columns = "SELECT t.name || '.' || c.name FROM pragma_table_list AS t, \
         pragma_table_xinfo(t.name) AS c WHERE t.schema = 'main' AND t.type IN ('table', 'virtual')";
    let all = |conn: &Connection| -> rusqlite::Result<Vec<String>> {
        let mut q = conn.prepare(columns)?;
        let rows = q.query_map([], |r| r.get(0))?;
        rows.collect()
    };
    let theirs: std::collections::HashSet<String> = all(conn)?.into_iter().collect();
    Ok(all(&ours)?.iter().all(|column| theirs.contains(column)))
}
