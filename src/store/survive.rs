//! What brings the store back after `git clean -fdx` or `rm -rf .regent`: a second name of the same file in the user's
//! state folder or, on another file system, a copy that is made from time to time.
//!
//! A file with two names must never be open under both: each name would have a log of its own. So the second name is
//! only ever opened, exclusively, where the first one is gone.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags};

use super::place::{DB, Place};
use super::{Error, Notice, OpenError, Result, guard};

/// The copy, where a second name cannot be.
const COPY: &str = "copy.db";
/// How old the copy may become while things are written.
const STALE: Duration = Duration::from_secs(15 * 60);

fn named(place: &Place, file: &str) -> Option<PathBuf> {
    place.keep.as_ref().map(|keep| keep.join(file))
}

/// The file in the state folder that the store can be brought back from.
pub fn kept(place: &Place) -> Option<PathBuf> {
    [DB, COPY]
        .into_iter()
        .filter_map(|file| named(place, file))
        .find(|path| {
            path.symlink_metadata()
                .is_ok_and(|m| m.is_file() && m.len() > 0)
        })
}

/// The copy in the state folder, where there is one beside the store itself.
pub(super) fn copy_of(place: &Place) -> Option<PathBuf> {
    named(place, COPY).filter(|path| {
        path.symlink_metadata()
            .is_ok_and(|m| m.is_file() && m.len() > 0)
    })
}

/// Whether this is the file that the state folder has as a second name.
pub(super) fn is_kept(place: &Place, meta: &Metadata) -> bool {
    named(place, DB).is_some_and(|path| is_same(&path, meta))
}

/// The same, for the folder of any store: a repository that was moved has its second name under its old place.
pub(super) fn is_kept_anywhere(place: &Place, meta: &Metadata) -> bool {
    is_kept(place, meta) || kept_elsewhere(place, meta).is_some()
}

fn kept_elsewhere(place: &Place, meta: &Metadata) -> Option<PathBuf> {
    let stores = std::fs::read_dir(place.keep.as_ref()?.parent()?).ok()?;
    stores
        .flatten()
        .map(|store| store.path().join(DB))
        .find(|path| is_same(path, meta))
}

fn is_same(path: &Path, meta: &Metadata) -> bool {
    let found = path.symlink_metadata();
    found.is_ok_and(|m| (m.dev(), m.ino()) == (meta.dev(), meta.ino()))
}

/// Takes the second name along, if the repository was moved. Where it cannot, the next [`keep`] makes a new one.
pub(super) fn follow_a_move(place: &Place, db: Option<&Metadata>) {
    if let Some(meta) = db
        && !is_kept(place, meta)
        && let (Some(old), Some(new)) = (kept_elsewhere(place, meta), named(place, DB))
        && !new.exists()
    {
        // If this fails there are two names in the state folder: refused as a hard link, with a hint, but not lost.
        let _ = std::fs::rename(old, new);
    }
}

/// Puts the store back in its place, if it is gone or `emptied` and there is something to put there.
pub(super) fn bring_back(place: &Place, emptied: bool) -> Result<Option<Notice>, OpenError> {
    let Some(survivor) = kept(place) else {
        // The second name of an empty file is empty too.
        let was_full = emptied && named(place, DB).is_some_and(|p| p.exists());
        return Ok(was_full.then(|| Notice::WasEmpty(place.db.clone())));
    };
    rest(&survivor, &place.db)?;
    let io = |e| OpenError::io(&place.db, "bring back", e);
    if emptied {
        std::fs::rename(&place.db, aside(&place.db, "empty")).map_err(io)?;
    }
    guard::move_logs_away(&place.db)?;
    let second_name = survivor.file_name().is_some_and(|n| n == DB);
    if !second_name || std::fs::hard_link(&survivor, &place.db).is_err() {
        copy_to(&survivor, &place.db)?;
    }
    Ok(Some(Notice::BroughtBack(survivor)))
}

/// Makes sure that nobody has the survivor open (a window of ours from before the deletion would), and that all of it is
/// in the one file.
fn rest(survivor: &Path, db: &Path) -> Result<(), OpenError> {
    let sql = |e| match OpenError::from_sql(db, e) {
        // A damaged one is brought back as it is: opening it says so, and `doctor` saves what is whole.
        OpenError::Damaged { .. } => Ok(()),
        other => Err(other),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = match Connection::open_with_flags(survivor, flags) {
        Ok(conn) => conn,
        Err(e) => return sql(e),
    };
    let resting = conn
        .busy_timeout(Duration::from_millis(500))
        // Exclusive before the first look: else a connection of this very process would lend us the index of its log.
        .and_then(|()| conn.pragma_update(None, "locking_mode", "EXCLUSIVE"))
        .and_then(|()| conn.query_row("PRAGMA journal_mode = DELETE", [], |r| r.get(0)));
    match resting {
        Ok(mode) if mode == "delete" => Ok(()),
        Ok::<String, _>(_) => Err(OpenError::Locked {
            path: db.to_owned(),
        }),
        Err(e) => sql(e),
    }
}

pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A free name beside a file, for what is moved out of the way.
pub(super) fn aside(path: &Path, why: &str) -> PathBuf {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |d| d.as_secs());
    let mut n = 0u32;
    loop {
        let again = if n == 0 {
            String::new()
        } else {
            format!("-{n}")
        };
        let free = with_ending(path, &format!(".{why}-{now}{again}"));
        if free.symlink_metadata().is_err() {
            return free;
        }
        n += 1;
    }
}

/// Copies a database that may be in use, whole or not at all, into a file that only the user can read.
fn copy_to(from: &Path, to: &Path) -> Result<(), OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn =
        Connection::open_with_flags(from, flags).map_err(|e| OpenError::from_sql(from, e))?;
    copy(&conn, to).map_err(|e| match e {
        Error::Sql(e) => OpenError::from_sql(to, e),
        Error::Full => OpenError::Full {
            path: to.to_owned(),
        },
        Error::Io { path, doing, error } => OpenError::io(&path, doing, error),
        _ => OpenError::Locked {
            path: to.to_owned(),
        },
    })
}

/// Copies an open database, whole or not at all, into a file that only the user can read.
pub(super) fn copy(conn: &Connection, to: &Path) -> Result<()> {
    let tmp = with_ending(to, &format!(".{}.tmp", std::process::id()));
    let io = |doing, e| Error::io(&tmp, doing, e);
    // One that a crash left is ours, and of no use.
    guard::remove_if_there(&tmp).map_err(|e| io("remove", e))?;
    guard::create_new(&tmp).map_err(|e| io("make", e))?;
    let copied = copy_pages(conn, &tmp).and_then(|()| {
        std::fs::File::open(&tmp)
            .and_then(|f| f.sync_all())
            .and_then(|()| std::fs::rename(&tmp, to))
            .map_err(|e| io("write", e))
    });
    if copied.is_err() {
        let _ = std::fs::remove_file(&tmp);
    }
    copied
}

fn copy_pages(conn: &Connection, to: &Path) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(to, flags)?;
    rusqlite::backup::Backup::new(conn, &mut target)?.run_to_completion(
        1024,
        Duration::ZERO,
        None,
    )?;
    // Without a log, so that the one file is all of it.
    target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    Ok(())
}

/// Sees to it that what is stored now can be brought back: the second name is right, or the copy is fresh (of any age
/// less than a quarter of an hour, unless `now`).
pub(super) fn keep(place: &Place, conn: &Connection, now: bool) -> Result<()> {
    let (Some(second), Some(copy_at)) = (named(place, DB), named(place, COPY)) else {
        return Ok(());
    };
    let io = |e| Error::io(&second, "link", e);
    let meta = place.db.symlink_metadata().map_err(io)?;
    if is_same(&second, &meta) {
        return Ok(());
    }
    if second.symlink_metadata().is_ok() {
        // The user put another store in our place; what was there stays, out of the way.
        std::fs::rename(&second, aside(&second, "before")).map_err(io)?;
    }
    if std::fs::hard_link(&place.db, &second).is_ok() {
        return Ok(());
    }
    let copied = copy_at.metadata().and_then(|m| m.modified()).ok();
    let written = meta.modified().ok();
    // Nothing was written since: the log was emptied into the file before.
    if copied.is_some() && written < copied {
        return Ok(());
    }
    let age = copied.and_then(|t| t.elapsed().ok());
    if now || age.is_none_or(|age| age > STALE) {
        copy(conn, &copy_at)?;
    }
    Ok(())
}

/// Takes the second name away from a file that is to be moved aside. A copy stays: it may be whole.
pub(super) fn let_go_of(place: &Place, meta: &Metadata) -> Result<(), OpenError> {
    match named(place, DB).filter(|second| is_same(second, meta)) {
        Some(second) => {
            std::fs::remove_file(&second).map_err(|e| OpenError::io(&second, "unlink", e))
        }
        None => Ok(()),
    }
}

/// Lets go of what is kept, so that a store the user deletes on purpose stays deleted.
pub fn forget(place: &Place) -> Result<()> {
    let Some(keep) = &place.keep else {
        return Ok(());
    };
    for file in [DB, COPY, "id"] {
        let path = keep.join(file);
        guard::remove_if_there(&path).map_err(|e| Error::io(&path, "remove", e))?;
    }
    Ok(())
}
