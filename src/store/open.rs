//! Opening the file: how SQLite is set up, for a writer and for readers.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Error, FRAME_CACHE, OpenError, Place, Reader, Result, Store, cache, migrate};

/// How much of the store a writer and a reader hold in memory, in KiB.
const WRITER_CACHE: i64 = 16 * 1024;
const READER_CACHE: i64 = 8 * 1024;
/// How long SQLite waits for another program.
const BUSY: Duration = Duration::from_secs(5);
/// How long a writer asks again after that: a first read of another window commits every few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a connection is opened on.
#[derive(Clone, Debug)]
pub(super) enum File {
    /// A file.
    Disk(PathBuf),
    /// A name of memory in this process.
    Memory(String),
}

impl File {
    fn path(&self) -> &Path {
        match self {
            File::Disk(path) => path,
            File::Memory(_) => Path::new(":memory:"),
        }
    }

    fn connect(&self, flags: OpenFlags) -> Result<Connection, OpenError> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
        match self {
            File::Disk(path) => Connection::open_with_flags(path, flags),
            File::Memory(uri) => {
                Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
            }
        }
        .map_err(|e| OpenError::from_sql(self.path(), e))
    }
}

/// Opens, and makes if need be, the store at a place.
pub(super) fn store(place: &Place) -> Result<Store, OpenError> {
    let file = File::Disk(place.db.clone());
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let conn = file.connect(flags)?;
    let sql = |e| OpenError::from_sql(&place.db, e);
    harden(&conn).map_err(sql)?;
    conn.execute_batch(&format!(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
         PRAGMA cache_size = -{WRITER_CACHE};"
    ))
    .map_err(sql)?;
    if migrate::inspect(&conn, &place.db)? == 0 {
        migrate::apply(&conn, &|_| Ok(())).map_err(sql)?;
    }
    Ok(Store {
        conn,
        file,
        notices: Vec::new(),
        read_only: false,
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
    migrate::apply(&conn, &|_| Ok(())).map_err(sql)?;
    Ok(Store {
        conn,
        file,
        notices: Vec::new(),
        read_only: false,
    })
}

/// A reader of a store that is open.
pub(super) fn reader(file: &File) -> Result<Reader, OpenError> {
    let conn = file.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let sql = |e| OpenError::from_sql(file.path(), e);
    harden(&conn).map_err(sql)?;
    conn.execute_batch(&format!(
        "PRAGMA query_only = ON; PRAGMA cache_size = -{READER_CACHE};"
    ))
    .map_err(sql)?;
    Ok(Reader {
        conn,
        frames: RefCell::new(cache::Frames::new(FRAME_CACHE)),
    })
}

/// A reader of the store at a place.
pub(super) fn reader_of(place: &Place) -> Result<Reader, OpenError> {
    reader(&File::Disk(place.db.clone()))
}

/// The file may have been written by somebody else: nothing in it is run, and no page is believed unchecked.
fn harden(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    conn.execute_batch(
        "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; \
         PRAGMA foreign_keys = OFF;",
    )?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Tries again while another program holds the store, for a minute.
pub(super) fn patiently<T>(mut ask: impl FnMut() -> rusqlite::Result<T>) -> Result<T> {
    let started = Instant::now();
    loop {
        match ask() {
            Err(e)
                if matches!(
                    e.sqlite_error_code(),
                    Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
                ) && started.elapsed() < PATIENCE =>
            {
                // Memory and snapshots answer "busy" at once, without waiting.
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other.map_err(Error::from),
        }
    }
}
