//! Opening the file: how SQLite is set up, for a writer and for readers.

use std::cell::RefCell;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::migrate::{self, Standing, VERSIONS};
use super::place::Kind;
use super::{
    Error, FRAME_CACHE, Notice, OpenError, Place, Reader, Result, Store, cache, guard, survive,
};

/// How much of the store a writer and a reader hold in memory, in KiB.
const WRITER_CACHE: i64 = 48 * 1024;
const READER_CACHE: i64 = 8 * 1024;
/// How long SQLite waits for another program.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// How long a writer asks again after that: a first read in another window commits every few seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pages after which the log is brought into the file: a first read changes the same pages of its indexes again and
/// again, and each time they are brought over costs as much as to write them.
pub(super) const LOG_PAGES: i64 = 4096;
/// The log is cut back to this after a large batch.
const LOG_LIMIT: i64 = 16 << 20;
/// Before 3.51.3, several writers could corrupt a database with a write-ahead log.
const OLDEST_SQLITE: i32 = 3_051_003;

/// What a connection is opened on.
#[derive(Clone, Debug)]
pub(super) enum File {
    /// A file; `still`: it lies where nothing can be written, so nobody changes it and no log can be made beside it.
    Disk { path: PathBuf, still: bool },
    /// A name of memory in this process.
    Memory(String),
}

impl File {
    fn path(&self) -> &Path {
        match self {
            File::Disk { path, .. } => path,
            File::Memory(_) => Path::new(":memory:"),
        }
    }

    /// Where no log can be opened, what is only in the log is not seen.
    fn behind(&self) -> Option<Notice> {
        let File::Disk { path, still: true } = self else {
            return None;
        };
        let log = survive::with_ending(path, "-wal");
        let written = log.symlink_metadata().is_ok_and(|m| m.len() > 0);
        let why = "the newest records are in a log that cannot be read on a read-only disk";
        written.then(|| Notice::ReadOnly(why.to_owned()))
    }

    fn connect(&self, flags: OpenFlags) -> Result<Connection, OpenError> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let uri = OpenFlags::SQLITE_OPEN_URI;
        match self {
            File::Disk { path, still: false } => {
                Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NOFOLLOW)
            }
            File::Disk { path, still: true } => {
                Connection::open_with_flags(immutable(path), flags | uri)
            }
            File::Memory(name) => Connection::open_with_flags(name, flags | uri),
        }
        .map_err(|e| OpenError::from_sql(self.path(), e))
    }
}

/// The address of a file that nobody changes.
fn immutable(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}

/// Opens, and makes if need be, the store at a place.
pub(super) fn store(place: &Place) -> Result<Store, OpenError> {
    new_enough()?;
    let checked = guard::check(place, true)?;
    let mut place = place.clone();
    place.db = true_path(&place)?;
    let mut notices = checked.notices;
    let folder = place.db.parent().unwrap_or(Path::new("/"));
    let writable = guard::is_writable(&place.db) && guard::is_writable(folder);
    if !writable {
        let why = format!("{} cannot be written", place.db.display());
        return read_only(place, notices, why);
    }
    let file = File::Disk {
        path: place.db.clone(),
        still: false,
    };
    let conn = file.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let sql = |e| OpenError::from_sql(&place.db, e);
    harden(&conn).map_err(sql)?;
    match migrate::inspect(&conn, &place.db, VERSIONS)? {
        Standing::Newer(found) => {
            drop(conn);
            let why = format!(
                "{} was made by a later regent-tui (schema {found}, this one knows {})",
                place.db.display(),
                VERSIONS.len()
            );
            return read_only(place, notices, why);
        }
        Standing::Current => set_up(&conn, &place).map_err(sql)?,
        Standing::Empty => {
            set_up(&conn, &place).map_err(sql)?;
            migrate::apply(&conn, VERSIONS, &|_| Ok(())).map_err(sql)?;
        }
        Standing::Older(from) => {
            let backup = migrate::back_up(&conn, &place.db, from)?;
            set_up(&conn, &place).map_err(sql)?;
            migrate::apply(&conn, VERSIONS, &|_| Ok(())).map_err(sql)?;
            notices.push(Notice::Migrated { from, backup });
        }
    }
    if let Err(e) = survive::keep(&place, &conn, false) {
        notices.push(Notice::NotKept(e.to_string()));
    }
    Ok(Store {
        inode: inode(&place.db),
        conn,
        file,
        place: Some(place),
        notices,
        read_only: false,
    })
}

/// The file itself where the user named a link or came through one, since SQLite is told to follow none.
fn true_path(place: &Place) -> Result<PathBuf, OpenError> {
    let io = |e| OpenError::io(&place.db, "look at", e);
    if place.kind == Kind::Explicit {
        return place.db.canonicalize().map_err(io);
    }
    let name = place.db.file_name().unwrap_or_default();
    Ok(place.dir.canonicalize().map_err(io)?.join(name))
}

pub(super) fn inode(path: &Path) -> Option<(u64, u64)> {
    let meta = path.symlink_metadata().ok()?;
    Some((meta.dev(), meta.ino()))
}

fn read_only(place: Place, mut notices: Vec<Notice>, why: String) -> Result<Store, OpenError> {
    let (conn, file) = connect_reader(&place.db)?;
    notices.push(Notice::ReadOnly(why));
    notices.extend(file.behind());
    Ok(Store {
        inode: inode(&place.db),
        conn,
        file,
        place: Some(place),
        notices,
        read_only: true,
    })
}

/// A store in memory. It is one that several connections of this process share.
pub(super) fn in_memory() -> Result<Store, OpenError> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let file = File::Memory(format!("file:/regent-{n}?vfs=memdb"));
    let conn = file.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    let sql = |e| OpenError::from_sql(file.path(), e);
    harden(&conn).map_err(sql)?;
    migrate::apply(&conn, VERSIONS, &|_| Ok(())).map_err(sql)?;
    Ok(Store {
        conn,
        file,
        place: None,
        inode: None,
        notices: Vec::new(),
        read_only: false,
    })
}

/// A reader of a store that is open.
pub(super) fn reader(file: &File) -> Result<Reader, OpenError> {
    let conn = connect_to_read(file)?;
    Ok(reader_on(conn, Vec::new()))
}

fn reader_on(conn: Connection, notices: Vec<Notice>) -> Reader {
    Reader {
        conn,
        frames: RefCell::new(cache::Frames::new(FRAME_CACHE)),
        notices,
    }
}

fn connect_to_read(file: &File) -> Result<Connection, OpenError> {
    let conn = file.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let sql = |e| OpenError::from_sql(file.path(), e);
    harden(&conn).map_err(sql)?;
    conn.execute_batch(&format!(
        "PRAGMA query_only = ON; PRAGMA cache_size = -{READER_CACHE};"
    ))
    .map_err(sql)?;
    Ok(conn)
}

/// A reader of the store at a place. Makes no store, but brings back one that was deleted.
pub(super) fn reader_of(place: &Place) -> Result<Reader, OpenError> {
    new_enough()?;
    let checked = guard::check(place, false)?;
    let path = true_path(place)?;
    let (conn, file) = connect_reader(&path)?;
    let mut notices = checked.notices;
    notices.extend(file.behind());
    Ok(reader_on(conn, notices))
}

/// Connects for reading, and looks whether what is there can be read by this program.
fn connect_reader(path: &Path) -> Result<(Connection, File), OpenError> {
    let sql = |e| OpenError::from_sql(path, e);
    let open = |still| {
        let file = File::Disk {
            path: path.to_owned(),
            still,
        };
        let conn = connect_to_read(&file)?;
        let standing = migrate::inspect(&conn, path, VERSIONS)?;
        Ok::<_, OpenError>((standing, conn, file))
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    let (standing, conn, file) = match open(false) {
        // A log cannot be made, nor its index: the file is read as it is.
        Err(OpenError::Sql { .. } | OpenError::ReadOnly { .. }) if !guard::is_writable(folder) => {
            open(true)?
        }
        other => other?,
    };
    match standing {
        Standing::Current => Ok((conn, file)),
        Standing::Newer(_) if migrate::can_read(&conn, VERSIONS).map_err(sql)? => Ok((conn, file)),
        Standing::Newer(found) => Err(OpenError::Newer {
            path: path.to_owned(),
            found,
            known: VERSIONS.len() as i64,
        }),
        Standing::Empty => Err(OpenError::Missing {
            path: path.to_owned(),
        }),
        Standing::Older(_) => Err(OpenError::ReadOnly {
            path: path.to_owned(),
        }),
    }
}

fn new_enough() -> Result<(), OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::OldSqlite {
            version: rusqlite::version(),
        });
    }
    Ok(())
}

/// The file may have been written by somebody else: nothing in it is run, and no page is believed unchecked.
pub(super) fn harden(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    // A plan that depended on what is bound would be made anew each time something else is bound.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A mapped file that another program cuts short would be a signal, not an error.
    conn.execute_batch(
        "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; \
         PRAGMA foreign_keys = OFF;",
    )?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// How a writer writes: a log beside the file, synced at checkpoints; on a network disk, where the log's shared memory
/// does not work, the old way.
fn set_up(conn: &Connection, place: &Place) -> rusqlite::Result<()> {
    set_up_on(conn, super::disk::is_remote(&place.db))
}

fn set_up_on(conn: &Connection, remote: bool) -> rusqlite::Result<()> {
    let journal = if remote { "DELETE" } else { "WAL" };
    conn.execute_batch(&format!(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = {journal}; PRAGMA synchronous = NORMAL; \
         PRAGMA cache_size = -{WRITER_CACHE}; PRAGMA journal_size_limit = {LOG_LIMIT}; \
         PRAGMA wal_autocheckpoint = {LOG_PAGES};"
    ))
}

/// Tries again while another program holds the store, for a minute.
pub(super) fn patiently<T>(mut ask: impl FnMut() -> rusqlite::Result<T>) -> Result<T> {
    let started = Instant::now();
    loop {
        match ask() {
            Err(e) if is_busy(&e) && started.elapsed() < PATIENCE => {
                // Memory and snapshots answer "busy" at once, without waiting.
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other.map_err(Error::from),
        }
    }
}

fn is_busy(e: &rusqlite::Error) -> bool {
    matches!(
        e.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn on_a_disk_of_another_machine_there_is_no_log() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.db");
        let mode = |conn: &Connection| -> String {
            conn.query_row("PRAGMA journal_mode", [], |r| r.get(0))
                .unwrap()
        };
        // There and back: a folder may be moved from the one kind of disk to the other.
        for (remote, expected) in [(true, "delete"), (false, "wal"), (true, "delete")] {
            let conn = Connection::open(&path).unwrap();
            set_up_on(&conn, remote).unwrap();
            conn.execute_batch("CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)")
                .unwrap();
            assert_eq!(mode(&conn), expected);
            assert_eq!(dir.path().join("history.db-wal").exists(), !remote);
        }
    }
}
