//! Reading the databases of running programs, without a trace.
//!
//! The one place outside of the store that may use `rusqlite`: an agent that keeps its sessions in a database reads them
//! through [`Db`], which promises to the owner:
//!
//! - **Nothing of it is written**, and no file appears beside it: no log, no shared memory, no lock. A small database is
//!   copied with its log into a folder of our own and the copy is opened. One beyond [`COPY`] is read where it lies, through
//!   SQLite's own interface to a disk without locks and with the index of the log in our memory.
//! - **Only what is named is read**: an authorizer refuses every table that is not on the list, and of tables of keys and
//!   values every key that is not.
//!
//! Without locks the owner may write while we read. The log only grows until it is folded into the database, and both show
//! by size, time and the log's header: [`Db::still`] says whether what was read is of one moment. Where it is not, that is
//! [`Busy`], and it is read at the next look.
//!
//! What cannot be had without a copy: if the owner takes its log away in the instant between our look at it and SQLite's
//! opening it, SQLite makes an empty one in its place. The owner's next start takes an empty log for none.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value};

pub use rusqlite::{Row, Statement, ToSql, params, types::ValueRef};

/// Databases up to this are copied.
pub const COPY: u64 = 8 << 20;
/// How often a copy is begun anew because the owner wrote meanwhile.
const TRIES: usize = 5;
/// Memory for pages, in KiB.
const PAGES: i64 = 8 << 10;
/// A text or a blob beyond this is an error, not memory.
const LONGEST: i32 = 256 << 20;

/// What of a database may be read.
#[derive(Clone, Copy, Debug)]
pub struct Allow {
    /// The table.
    pub table: &'static str,
    /// For a table of keys and values (`key`, `value`): the keys, or beginnings of keys when they end in `:` or `.`. It can
    /// be read through [`Db::get`], [`Db::below`] and [`Db::sizes`] alone. Empty: any row may be read.
    pub keys: &'static [&'static str],
}

impl Allow {
    /// All rows of a table.
    pub const fn table(table: &'static str) -> Allow {
        Allow { table, keys: &[] }
    }
}

/// The owner wrote all the time.
#[derive(Debug)]
pub struct Busy;

impl std::fmt::Display for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("its owner is writing to it; it is read at the next look")
    }
}

impl std::error::Error for Busy {}

/// A database of another program, open for reading.
pub struct Db {
    conn: Connection,
    allow: &'static [Allow],
    /// Whether a table of keys and values may be read now.
    open: Arc<AtomicBool>,
    /// Where it is read in place: how it looked at the beginning.
    look: Option<(PathBuf, Look)>,
    /// Holds the copy.
    _copy: Option<tempfile::TempDir>,
}

/// The files whose bytes make up a database. The shared memory is only an index.
pub fn files(db: &Path) -> Vec<PathBuf> {
    vec![db.to_owned(), beside(db, "-wal"), beside(db, "-journal")]
}

fn beside(db: &Path, what: &str) -> PathBuf {
    let mut name = db.as_os_str().to_owned();
    name.push(what);
    name.into()
}

/// Whether these are the first bytes of a database.
pub fn is_database(head: &[u8]) -> bool {
    head.starts_with(b"SQLite format 3\0")
}

/// What shows that the owner wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Look {
    db: (u64, Option<SystemTime>),
    /// The log's header, with its salts: another log has another.
    log: Vec<u8>,
    journal: u64,
}

impl Look {
    fn at(db: &Path) -> Result<Look> {
        let meta = fs::metadata(db).wrap_err("cannot look at the database")?;
        let mut log = Vec::new();
        if let Ok(file) = fs::File::open(beside(db, "-wal")) {
            file.take(32)
                .read_to_end(&mut log)
                .wrap_err("cannot read the database's log")?;
        }
        Ok(Look {
            db: (meta.len(), meta.modified().ok()),
            log,
            journal: size(&beside(db, "-journal")),
        })
    }
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |m| m.len())
}

impl Db {
    /// Opens a database so that these tables can be read.
    ///
    /// # Errors
    /// If it is none, cannot be read, or its owner writes all the time ([`Busy`]).
    pub fn open(path: &Path, allow: &'static [Allow]) -> Result<Db> {
        Db::open_with(path, allow, COPY)
    }

    /// The same; a database of more than `copy` bytes is read in place.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn open_with(path: &Path, allow: &'static [Allow], copy: u64) -> Result<Db> {
        let (mut conn, look, folder) = if size(path) + size(&beside(path, "-wal")) <= copy {
            let (folder, db) = copied(path)?;
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            (Connection::open_with_flags(db, flags)?, None, Some(folder))
        } else {
            let (conn, look) = in_place(path)?;
            (conn, Some((path.to_owned(), look)), None)
        };
        // A hostile file must not make us run its own expressions, nor take all memory.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        conn.set_limit(rusqlite::limits::Limit::SQLITE_LIMIT_LENGTH, LONGEST)?;
        conn.pragma_update(None, "cache_size", -PAGES)?;
        conn.pragma_update(None, "mmap_size", 0)?;
        conn.pragma_update(None, "query_only", true)?;
        let open = Arc::new(AtomicBool::new(false));
        let gate = open.clone();
        conn.authorizer(Some(move |context: AuthContext<'_>| {
            may(allow, &gate, &context)
        }))?;
        let db = Db {
            conn,
            allow,
            open,
            look,
            _copy: folder,
        };
        db.conn
            .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
            .wrap_err("it is no database that can be read")?;
        Ok(db)
    }

    /// Whether there is a table of this name with these columns (a view is none: it may hide anything).
    ///
    /// # Errors
    /// As SQLite says.
    pub fn has(&self, table: &str, columns: &[&str]) -> Result<bool> {
        let is_table: bool = self.conn.query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1 AND sql NOT LIKE 'create virtual%')",
            [table],
            |r| r.get(0),
        )?;
        if !is_table {
            return Ok(false);
        }
        let mut q = self
            .conn
            .prepare("SELECT name FROM pragma_table_info(?1)")?;
        let have = q
            .query_map([table], |r| r.get::<_, String>(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(columns.iter().all(|c| have.iter().any(|h| h == c)))
    }

    /// Prepares a question to the tables that may be read.
    ///
    /// # Errors
    /// As SQLite says; also if it asks for anything else.
    pub fn prepare(&self, sql: &str) -> Result<Statement<'_>> {
        Ok(self.conn.prepare(sql)?)
    }

    /// A row by its `id`, as JSON: those of the columns that this version of the table has.
    ///
    /// # Errors
    /// If there is no such row, or as SQLite says.
    pub fn row(&self, table: &str, columns: &[&str], id: &str) -> Result<Value> {
        let mut there = Vec::new();
        for column in columns {
            if self.has(table, &[column])? {
                there.push(*column);
            }
        }
        let sql = format!("SELECT {} FROM {table} WHERE id = ?1", there.join(", "));
        let mut q = self.prepare(&sql)?;
        let mut rows = q.query([id])?;
        let row = rows
            .next()?
            .ok_or_else(|| eyre!("the session is not there any more"))?;
        let mut out = Map::new();
        for (i, column) in there.iter().enumerate() {
            let value = match row.get_ref(i)? {
                ValueRef::Integer(n) => Value::from(n),
                other => text(other).map_or(Value::Null, Value::from),
            };
            out.insert((*column).to_owned(), value);
        }
        Ok(Value::Object(out))
    }

    /// A value of a table of keys and values.
    ///
    /// # Errors
    /// If this key is not on the list, or as SQLite says.
    pub fn get(&self, table: &str, key: &str) -> Result<Option<String>> {
        let mut found = None;
        self.range(table, key, &format!("{key}\0"), &mut |k, value| {
            if k == key {
                found = Some(value.to_owned());
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The keys with this beginning, in order, with their values; those without a value are left out.
    ///
    /// # Errors
    /// If keys of this beginning are not on the list, or as SQLite says.
    pub fn below(
        &self,
        table: &str,
        beginning: &str,
        each: &mut dyn FnMut(&str, &str) -> Result<()>,
    ) -> Result<()> {
        self.range(table, beginning, &behind(beginning), each)
    }

    /// The keys with this beginning, in order, each with the number of bytes of its value. The values are not read: it is
    /// cheap however large they are. Those without a value are left out.
    ///
    /// # Errors
    /// If keys of this beginning are not on the list, or as SQLite says.
    pub fn sizes(
        &self,
        table: &str,
        beginning: &str,
        each: &mut dyn FnMut(&str, u64),
    ) -> Result<()> {
        self.named(table, beginning, || {
            let mut q = self.conn.prepare_cached(&format!(
                "SELECT key, octet_length(value) FROM \"{table}\" WHERE key >= ?1 AND key < ?2 ORDER BY key"
            ))?;
            let mut rows = q.query([beginning, behind(beginning).as_str()])?;
            while let Some(row) = rows.next()? {
                if let (Some(key), Ok(size)) = (text(row.get_ref(0)?), row.get_ref(1)?.as_i64()) {
                    each(&key, u64::try_from(size).unwrap_or(0));
                }
            }
            Ok(())
        })
    }

    fn range(
        &self,
        table: &str,
        from: &str,
        to: &str,
        each: &mut dyn FnMut(&str, &str) -> Result<()>,
    ) -> Result<()> {
        self.named(table, from, || self.read_range(table, from, to, each))
    }

    /// Reads rows of a table of keys and values, if keys that begin so are on the list.
    fn named(&self, table: &str, from: &str, read: impl FnOnce() -> Result<()>) -> Result<()> {
        let named = |key: &str| match key.ends_with([':', '.']) {
            true => from.starts_with(key),
            false => from == key,
        };
        let list = self.allow.iter().find(|a| a.table == table);
        if !list.is_some_and(|a| a.keys.iter().any(|k| named(k))) {
            return Err(eyre!("`{from}` of {table} is not to be read"));
        }
        self.open.store(true, Ordering::Relaxed);
        let done = read();
        self.open.store(false, Ordering::Relaxed);
        done
    }

    fn read_range(
        &self,
        table: &str,
        from: &str,
        to: &str,
        each: &mut dyn FnMut(&str, &str) -> Result<()>,
    ) -> Result<()> {
        let mut q = self.conn.prepare_cached(&format!(
            "SELECT key, value FROM \"{table}\" WHERE key >= ?1 AND key < ?2 ORDER BY key"
        ))?;
        let mut rows = q.query([from, to])?;
        while let Some(row) = rows.next()? {
            let (key, value) = (text(row.get_ref(0)?), text(row.get_ref(1)?));
            if let (Some(key), Some(value)) = (key, value) {
                each(&key, &value)?;
            }
        }
        Ok(())
    }

    /// Whether all that was read until now is of one moment. To be asked at the end of a session.
    ///
    /// # Errors
    /// [`Busy`], if it is not.
    pub fn still(&self) -> Result<()> {
        match &self.look {
            Some((path, look)) if Look::at(path)? != *look => Err(Busy.into()),
            _ => Ok(()),
        }
    }
}

/// The first text behind all that begin so.
fn behind(beginning: &str) -> String {
    let mut end = beginning.to_owned();
    if let Some(last) = end.pop() {
        end.push(char::from_u32(u32::from(last) + 1).unwrap_or(char::MAX));
    }
    end
}

/// A column as text; numbers are written out, and what is not UTF-8 is replaced. `None` for nothing.
pub fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(n) => Some(n.to_string()),
        ValueRef::Real(n) => Some(n.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

/// Whether SQLite may do this: read the tables of the list and its own schema, call functions, nothing else.
fn may(allow: &[Allow], gate: &AtomicBool, context: &AuthContext<'_>) -> Authorization {
    // A view or trigger of the file asks in our place.
    if context.accessor.is_some() {
        return Authorization::Deny;
    }
    let ok = match context.action {
        AuthAction::Select | AuthAction::Recursive => true,
        AuthAction::Function { function_name } => {
            !function_name.eq_ignore_ascii_case("load_extension")
        }
        AuthAction::Pragma { pragma_name, .. } => pragma_name.eq_ignore_ascii_case("table_info"),
        AuthAction::Read { table_name, .. } => {
            matches!(
                table_name,
                "sqlite_schema" | "sqlite_master" | "pragma_table_info"
            ) || allow.iter().any(|a| {
                a.table.eq_ignore_ascii_case(table_name)
                    && (a.keys.is_empty() || gate.load(Ordering::Relaxed))
            })
        }
        _ => false,
    };
    match ok {
        true => Authorization::Allow,
        false => Authorization::Deny,
    }
}

/// A copy of the database with its log, of one moment.
fn copied(path: &Path) -> Result<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::Builder::new()
        .prefix("regent-tui-")
        .tempdir()
        .wrap_err("cannot make a folder for the copy")?;
    let copy = folder.path().join("copy.db");
    for _ in 0..TRIES {
        let before = Look::at(path)?;
        fs::copy(path, &copy).wrap_err("cannot copy the database")?;
        for what in ["-wal", "-journal"] {
            let to = beside(&copy, what);
            match fs::copy(beside(path, what), &to) {
                Ok(_) => {}
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                    // One of a try before.
                    if to.exists() {
                        fs::remove_file(&to)?;
                    }
                }
                Err(e) => return Err(e).wrap_err("cannot copy the database's log"),
            }
        }
        // What the log got while it was copied is whole or is not taken: SQLite sees by its sums.
        if Look::at(path)? == before {
            return Ok((folder, copy));
        }
    }
    Err(Busy.into())
}

/// Opens it where it lies. Without a log it can be called unchanging; with one, its index must be in our memory, which
/// SQLite does for who has it alone. We do not, but nothing tells it so: this way to the disk knows no locks.
fn in_place(path: &Path) -> Result<(Connection, Look)> {
    let look = Look::at(path)?;
    if look.journal > 0 {
        return Err(Busy.into());
    }
    let log = size(&beside(path, "-wal"));
    let how = match log {
        0 => "immutable=1",
        _ => "vfs=unix-none",
    };
    let uri = format!("file:{}?mode=ro&{how}", escaped(path));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(uri, flags)?;
    // Before the first look at the file.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    conn.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    Ok((conn, look))
}

/// A path in a URI.
fn escaped(path: &Path) -> String {
    use std::fmt::Write;
    use std::os::unix::ffi::OsStrExt;
    let mut out = String::new();
    for b in path.as_os_str().as_bytes() {
        match b {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                out.push(char::from(*b));
            }
            _ => {
                // Writing to a string does not fail.
                let _ = write!(out, "%{b:02X}");
            }
        }
    }
    out
}
