//! How much is stored, whether it is whole, and what is done when it is not: a damaged file is moved aside, and only
//! on request what can still be read of its truth goes into a new one. Nothing is ever deleted here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::place::Place;
use super::{Error, OpenError, Result, Store, blobs, files, frames, guard, open, survive};

/// How much is stored, in numbers that need no knowledge of what it means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The version of the schema.
    pub schema: i64,
    /// `wal`, `delete`, `memory`.
    pub journal: String,
    /// The file's bytes.
    pub bytes: u64,
    /// Of these, free for what comes.
    pub free: u64,
    /// Transcript files, all generations.
    pub files: u64,
    /// Files that are gone from the disk.
    pub gone: u64,
    /// Raw bytes of transcripts, unpacked.
    pub raw: u64,
    /// The same, packed.
    pub raw_packed: u64,
    /// Frames.
    pub frames: u64,
    /// Contents.
    pub blobs: u64,
    /// Their bytes, unpacked.
    pub blob_bytes: u64,
    /// The same, packed.
    pub blobs_packed: u64,
}

/// Counts.
pub fn status(conn: &Connection) -> Result<Status> {
    let one = |sql: &str| -> Result<u64> {
        let n: i64 = conn.query_row(sql, [], |r| r.get(0))?;
        Ok(u64::try_from(n).unwrap_or(0))
    };
    let count = |table: &str| one(&format!("SELECT count(*) FROM {table}"));
    let page = one("PRAGMA page_size")?;
    Ok(Status {
        schema: conn.query_row("PRAGMA user_version", [], |r| r.get(0))?,
        journal: conn.query_row("PRAGMA journal_mode", [], |r| r.get(0))?,
        bytes: page * one("PRAGMA page_count")?,
        free: page * one("PRAGMA freelist_count")?,
        files: count("file")?,
        gone: one("SELECT count(*) FROM file WHERE gone_at IS NOT NULL")?,
        raw: one("SELECT ifnull(sum(len), 0) FROM frame")?,
        raw_packed: one("SELECT ifnull(sum(length(data)), 0) FROM frame")?,
        frames: count("frame")?,
        blobs: count("blob")?,
        blob_bytes: one("SELECT ifnull(sum(size), 0) FROM blob")?,
        blobs_packed: one("SELECT ifnull(sum(length(data)), 0) FROM blob")?,
    })
}

/// What SQLite finds wrong with the file's structure; empty if nothing. `whole` also compares every index with its
/// table, which takes some times as long.
pub fn structure(conn: &Connection, whole: bool) -> Result<Vec<String>> {
    let pragma = if whole {
        "integrity_check"
    } else {
        "quick_check"
    };
    let asked = conn
        .prepare(&format!("PRAGMA {pragma}(20)"))
        .and_then(|mut q| {
            q.query_map([], |r| r.get::<_, String>(0))?
                .collect::<rusqlite::Result<Vec<_>>>()
        });
    match asked {
        Ok(lines) => Ok(lines.into_iter().filter(|l| l != "ok").collect()),
        Err(e) if is_corrupt(&e) => Ok(vec![e.to_string()]),
        Err(e) => Err(e.into()),
    }
}

fn is_corrupt(e: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, SystemIoFailure};
    matches!(
        e.sqlite_error_code(),
        Some(DatabaseCorrupt | NotADatabase | SystemIoFailure)
    )
}

/// Reads every content and every frame, and says what is not as it was stored. `tell` gets how many of how many are
/// done.
pub fn contents(conn: &Connection, mut tell: impl FnMut(u64, u64)) -> Result<Vec<Error>> {
    let ids = |sql: &str| -> Result<Vec<i64>> {
        let mut q = conn.prepare(sql)?;
        let rows = q.query_map([], |r| r.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    };
    let all_blobs = ids("SELECT id FROM blob ORDER BY id")?;
    let all_files = ids("SELECT id FROM file ORDER BY id")?;
    let (mut bad, total) = (Vec::new(), (all_blobs.len() + all_files.len()) as u64);
    for (n, id) in all_blobs.iter().enumerate() {
        tell(n as u64, total);
        bad.extend(blobs::get(conn, *id).err());
    }
    for (n, id) in all_files.iter().enumerate() {
        tell((all_blobs.len() + n) as u64, total);
        bad.extend(frames::stream(conn, *id, |_, _| Ok(())).err());
    }
    tell(total, total);
    Ok(bad)
}

/// Moves a damaged store out of the way, under a name that says so, with its log; where it is now. Close it first.
pub fn set_aside(place: &Place) -> Result<PathBuf, OpenError> {
    let aside = survive::aside(&place.db, "damaged");
    let rename = |from: &Path, to: &Path| {
        std::fs::rename(from, to).map_err(|e| OpenError::io(from, "move aside", e))
    };
    let meta = place.db.symlink_metadata();
    let meta = meta.map_err(|e| OpenError::io(&place.db, "look at", e))?;
    // Else the next start would bring the same damaged file back.
    survive::let_go_of(place, &meta)?;
    for ending in guard::LOGS {
        let log = survive::with_ending(&place.db, ending);
        if log.symlink_metadata().is_ok() {
            rename(&log, &survive::with_ending(&aside, ending))?;
        }
    }
    rename(&place.db, &aside)?;
    Ok(aside)
}

/// Puts a store that was made anew into the place of a damaged one, which is moved out of the way; where that is now.
/// `new` must be closed.
pub fn replace(place: &Place, new: &Path) -> Result<PathBuf, OpenError> {
    let aside = set_aside(place)?;
    std::fs::rename(new, &place.db).map_err(|e| OpenError::io(new, "put in place", e))?;
    Ok(aside)
}

/// A free name beside the store, for one that is being made.
pub fn new_name(place: &Place) -> PathBuf {
    survive::aside(&place.db, "new")
}

/// What [`salvage`] saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Transcript files.
    pub files: u64,
    /// Frames of raw bytes.
    pub frames: u64,
    /// Contents.
    pub blobs: u64,
    /// Git bases, marks, ticks, and where the screen was left.
    pub facts: u64,
    /// Rows that could not be read, or were not what they said.
    pub lost: u64,
    /// Files with a hole in their raw bytes, which was filled with a line of zero bytes, or whose end was lost. Where the
    /// transcript is still there, the next reading has it whole again.
    pub holes: Vec<PathBuf>,
}

/// Copies what can be read of a damaged store's truth into a new one, row by row. The derived part is to be folded
/// from it afterwards.
pub fn salvage(from: &Path, to: &Store) -> Result<Salvaged> {
    let old = open_damaged(from)?;
    let tx = to.begin()?;
    let mut done = Salvaged::default();
    let new_blobs = salvage_blobs(&old, &tx, &mut done)?;
    salvage_files(&old, &tx, &mut done)?;
    for (table, columns) in [
        ("base", "root, rel, commit_id, blob_id"),
        ("beside", "owner, name, why, blob_id"),
        ("head", "root, at, commit_id"),
        ("told_commit", "root, name, subject, commit_id, parent"),
        ("mark", "name, step, at"),
        ("viewed", "session, path, content, at"),
        ("memo", "name, value"),
        (
            "snapshot",
            "id, root, dev, ino, at, ended, why, text, tree, files, bytes, unread, op, same_until",
        ),
        ("touched", "snapshot_id, rel, first, last"),
        (
            "rewind",
            "id, token, root, kind, of, at, done_at, state, title, sessions, closed, aim, added, removed",
        ),
        (
            "rewind_file",
            "op, no, rel, action, before, after, ino, late",
        ),
        (
            "hook_event",
            "key, agent, kind, session, subagent, call, tool, at, cwd, root, shot, snapshot",
        ),
    ] {
        // A store from before there were rewinds lost nothing by having none.
        if table.starts_with("rewind") || matches!(table, "snapshot" | "touched" | "hook_event") {
            let version: i64 = old
                .query_row("PRAGMA user_version", [], |r| r.get(0))
                .unwrap_or(0);
            if version < 2 {
                continue;
            }
        }
        salvage_facts(&old, &tx, table, columns, &new_blobs, &mut done)?;
    }
    tx.commit()?;
    Ok(done)
}

/// Salvages the store of a place, and of the copy in the state folder, if there is one, what the store itself lacks.
pub fn salvage_place(place: &Place, to: &Store) -> Result<Salvaged> {
    let mut done = salvage(&place.db, to)?;
    if let Some(copy) = survive::copy_of(place) {
        let more = salvage(&copy, to)?;
        done.files += more.files;
        done.frames += more.frames;
        done.facts += more.facts;
        done.holes.extend(more.holes);
    }
    Ok(done)
}

fn open_damaged(from: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(from, flags)?;
    // One looks without touching: at the end the log stays where it is.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    open::harden(&conn)?;
    conn.busy_timeout(Duration::from_secs(1))?;
    conn.pragma_update(None, "query_only", true)?;
    Ok(conn)
}

/// The rows of a table that can be read, each given to `take`. Around a damaged page it goes from number to number.
fn each_row(
    old: &Connection,
    table: &str,
    columns: &str,
    lost: &mut u64,
    mut take: impl FnMut(&rusqlite::Row<'_>) -> Result<()>,
) -> Result<()> {
    let last = format!("SELECT max(id) FROM {table}");
    let last: i64 = match old.query_row(&last, [], |r| r.get::<_, Option<i64>>(0)) {
        Ok(last) => last.unwrap_or(0),
        // The way to the end is damaged. A page holds no more rows of ours than this.
        Err(_) => old
            .query_row("PRAGMA page_count", [], |r| r.get::<_, i64>(0))
            .map_or(1 << 20, |pages| pages.saturating_mul(64)),
    };
    let Ok(mut next) = old.prepare(&format!(
        "SELECT id, {columns} FROM {table} WHERE id >= ?1 ORDER BY id LIMIT 1"
    )) else {
        *lost += 1;
        return Ok(());
    };
    let mut single = old.prepare(&format!("SELECT id, {columns} FROM {table} WHERE id = ?1"))?;
    let mut id = 1;
    while id <= last {
        let mut rows = next.query([id])?;
        match rows.next() {
            Ok(None) => break,
            Ok(Some(row)) => {
                let found: i64 = row.get(0)?;
                take(row)?;
                id = found.max(id).saturating_add(1);
            }
            Err(e) if is_corrupt(&e) => {
                drop(rows);
                let mut rows = single.query([id])?;
                match rows.next() {
                    Ok(Some(row)) => take(row)?,
                    Ok(None) => {}
                    Err(_) => *lost += 1,
                }
                id += 1;
            }
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// Old row numbers to new ones.
type Numbers = std::collections::HashMap<i64, i64>;

fn salvage_blobs(old: &Connection, new: &Connection, done: &mut Salvaged) -> Result<Numbers> {
    let (mut numbers, mut lost, mut bad) = (Numbers::new(), 0, 0);
    each_row(old, "blob", "hash, size, codec, data", &mut lost, |row| {
        // Unpacked and hashed before it is believed.
        match blobs::verified(row) {
            Some(blob) => {
                numbers.insert(row.get(0)?, blobs::put_packed(new, &blob)?);
            }
            None => bad += 1,
        }
        Ok(())
    })?;
    done.blobs = numbers.len() as u64;
    done.lost += lost + bad;
    Ok(numbers)
}

fn salvage_files(old: &Connection, new: &Connection, done: &mut Salvaged) -> Result<()> {
    let (mut rows, mut lost, mut bad) = (Vec::new(), 0, 0);
    each_row(old, "file", files::COLUMNS_BUT_ID, &mut lost, |row| {
        match files::row(row) {
            Ok(file) => rows.push(file),
            Err(_) => bad += 1,
        }
        Ok(())
    })?;
    for file in rows {
        let have: Option<i64> = new
            .query_row(
                "SELECT id FROM file WHERE path = ?1 AND generation = ?2",
                params![files::bytes(&file.path), file.generation],
                |r| r.get(0),
            )
            .optional()?;
        if have.is_some() {
            continue;
        }
        let id = files::restore(new, &file)?;
        let (frames, holes, missing) = salvage_frames(old, new, &file, id)?;
        done.files += 1;
        done.frames += frames;
        lost += missing;
        if holes {
            done.holes.push(file.path);
        }
    }
    done.lost += lost + bad;
    Ok(())
}

/// The frames of one file; how many, whether some were missing, and how many could not be read.
fn salvage_frames(
    old: &Connection,
    new: &Connection,
    file: &files::FileRow,
    id: i64,
) -> Result<(u64, bool, u64)> {
    let (mut at, mut count, mut lost, mut holes, mut filled) = (0u64, 0, 0, false, false);
    while at < file.read_to {
        match frames::frame_at(old, file.id, at) {
            Ok(frame) if frame.start <= at => {
                let bytes = &frame.bytes[(at - frame.start) as usize..];
                frames::append(new, id, &frames::pack(bytes, at))?;
                at += bytes.len() as u64;
                count += 1;
            }
            _ => {
                holes = true;
                lost += 1;
                let Some(next) = frames::next_readable(old, file.id, at, file.read_to) else {
                    break;
                };
                frames::append(new, id, &frames::hole(at, next))?;
                filled = true;
                at = next;
            }
        }
    }
    let len = at.min(files::TAIL);
    let tail = frames::read(new, id, at - len, len)?;
    // Without that hash the transcript, if it is still there, counts as another one, and is read again as a whole.
    let tail = files::tail_hash(&tail).filter(|_| !filled);
    files::advance(new, id, &file.seen_again(), at, tail)?;
    if let Some(gone) = file.gone_at {
        files::mark_gone(new, id, gone)?;
    }
    Ok((count, holes, lost))
}

fn salvage_facts(
    old: &Connection,
    new: &Connection,
    table: &str,
    columns: &str,
    blobs: &Numbers,
    done: &mut Salvaged,
) -> Result<()> {
    let Ok(mut q) = old.prepare(&format!("SELECT {columns} FROM {table}")) else {
        done.lost += 1;
        return Ok(());
    };
    let width = q.column_count();
    let marks = vec!["?"; width].join(", ");
    let mut put = new.prepare(&format!(
        "INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"
    ))?;
    let mut rows = q.query([])?;
    loop {
        // A table of so few pages is read as far as it goes.
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(()),
            Err(_) => {
                done.lost += 1;
                return Ok(());
            }
        };
        let mut values = (0..width)
            .map(|i| row.get::<_, rusqlite::types::Value>(i))
            .collect::<rusqlite::Result<Vec<_>>>()?;
        if let ("base" | "beside", Some(rusqlite::types::Value::Integer(blob))) =
            (table, values.last_mut())
        {
            match blobs.get(blob) {
                Some(new) => *blob = *new,
                None => {
                    // What git says can be asked for again, and a file beside a transcript looked for again.
                    done.lost += 1;
                    continue;
                }
            }
        }
        match put.execute(rusqlite::params_from_iter(values)) {
            Ok(n) => done.facts += n as u64,
            Err(_) => done.lost += 1,
        }
    }
}
