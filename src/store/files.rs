//! The transcript files: which were seen, how far each was read, and whether the one on the disk now is still the same.
//! Reads no transcript and knows no format.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::{Agent, BlobHash, Id, Time};

use super::Result;

/// How many bytes before the place that was read to decide whether a file is still the same.
pub const TAIL: u64 = 4096;
/// A file that was written so shortly before one looked can change once more without its time telling.
const RACY: Duration = Duration::from_secs(2);

/// Whose a transcript is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It belongs to nobody here; remembered so that it is not read again.
    Nobody = 0,
    /// It was found, and belongs here.
    Found = 1,
    /// It was named with `--from`.
    Named = 2,
}

impl Owner {
    fn from_code(code: i64) -> Owner {
        match code {
            1 => Owner::Found,
            2 => Owner::Named,
            _ => Owner::Nobody,
        }
    }
}

/// What the raw bytes of a transcript are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Form {
    /// Those of a file of growing lines.
    #[default]
    Lines = 0,
    /// Lines made of records, of anything else that is one session.
    Records = 1,
    /// The same, of one session of a database: its path is the database's with the session's name behind it.
    Session = 2,
}

impl Form {
    fn from_code(code: i64) -> Form {
        match code {
            1 => Form::Records,
            2 => Form::Session,
            _ => Form::Lines,
        }
    }
}

/// What a look at a file said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Seen {
    /// The file system.
    pub dev: u64,
    /// The inode.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// When it was last written, in nanoseconds; 0 if that was so recent that it says nothing.
    pub mtime_ns: i64,
}

impl Seen {
    /// What a look at several files says, which together are one transcript: the number of the inode stands for all of
    /// them. Those that are missing count too.
    pub fn together(files: &[std::path::PathBuf], now: SystemTime) -> std::io::Result<Seen> {
        let mut whole = Seen::default();
        let mut hash = blake3::Hasher::new();
        let mut racy = false;
        for (i, path) in files.iter().enumerate() {
            let seen = match std::fs::metadata(path) {
                Ok(meta) => Seen::new(&meta, now),
                Err(e) if i > 0 && e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            racy |= seen.mtime_ns == 0;
            whole.dev = seen.dev;
            whole.size = whole.size.saturating_add(seen.size);
            whole.mtime_ns = whole.mtime_ns.max(seen.mtime_ns);
            hash.update(bytes(path));
            for n in [seen.dev, seen.ino, seen.size, seen.mtime_ns as u64] {
                hash.update(&n.to_le_bytes());
            }
        }
        if racy {
            whole.mtime_ns = 0;
        }
        whole.ino = first_bytes(&hash);
        Ok(whole)
    }

    /// What the token of a session says that is not a file of its own, and when it was last written.
    pub fn token(token: &str, updated: Option<Time>) -> Seen {
        let mut hash = blake3::Hasher::new();
        hash.update(token.as_bytes());
        Seen {
            ino: first_bytes(&hash),
            // 0 would mean that it was being written.
            mtime_ns: updated.map_or(1, |t| t.0.saturating_mul(1_000_000).max(1)),
            ..Seen::default()
        }
    }

    /// What a look at this moment says.
    pub fn new(meta: &std::fs::Metadata, now: SystemTime) -> Seen {
        let mtime_ns = meta
            .mtime()
            .saturating_mul(1_000_000_000)
            .saturating_add(meta.mtime_nsec());
        let now_ns = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX));
        let settled = now_ns.saturating_sub(mtime_ns) > RACY.as_nanos() as i64;
        Seen {
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.len(),
            mtime_ns: if settled { mtime_ns } else { 0 },
        }
    }
}

fn first_bytes(hash: &blake3::Hasher) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize().as_bytes()[..8]);
    u64::from_be_bytes(first)
}

/// A transcript file, or one generation of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Its row.
    pub id: i64,
    /// Whose format.
    pub agent: Agent,
    /// Where, absolute.
    pub path: PathBuf,
    /// 0, 1, ... : counts the contents that replaced each other there.
    pub generation: u32,
    /// As last looked at.
    pub seen: Seen,
    /// Bytes taken in.
    pub read_to: u64,
    /// The hash of the [`TAIL`] bytes before that.
    pub tail_hash: Option<BlobHash>,
    /// Whose.
    pub owner: Owner,
    /// When it was first seen to be missing.
    pub gone_at: Option<Time>,
    /// What its raw bytes are.
    pub form: Form,
}

/// How a file stands to what was read of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing new.
    Unchanged,
    /// It may have more, behind the place that was read to.
    Appended,
    /// Other content stands there: a new generation, to be read from its beginning.
    Replaced,
    /// It is not there.
    Gone,
}

/// The hash that is kept of the bytes before `read_to`; `None` if there are none. `before` ends there.
pub fn tail_hash(before: &[u8]) -> Option<BlobHash> {
    let from = before.len().saturating_sub(TAIL as usize);
    (!before.is_empty()).then(|| BlobHash::of(&before[from..]))
}

impl FileRow {
    /// The range that [`FileRow::compare`] asks for: offset and length.
    pub fn tail_range(&self) -> (u64, usize) {
        let len = self.read_to.min(TAIL);
        (self.read_to - len, len as usize)
    }

    /// What was seen, but to be looked at again: its time says nothing.
    pub(super) fn seen_again(&self) -> Seen {
        Seen {
            mtime_ns: 0,
            ..self.seen
        }
    }

    /// Compares with what stands there now. `tail` reads [`FileRow::tail_range`] (fewer bytes if there are fewer) and
    /// is asked only where size, time and inode do not settle it.
    pub fn compare<E>(
        &self,
        now: Option<&Seen>,
        tail: impl FnOnce(u64, usize) -> Result<Vec<u8>, E>,
    ) -> Result<Standing, E> {
        let Some(now) = now else {
            return Ok(Standing::Gone);
        };
        if *now == self.seen && now.mtime_ns != 0 && self.gone_at.is_none() {
            return Ok(Standing::Unchanged);
        }
        if self.form != Form::Lines {
            // Which records are new is seen by looking at them.
            return Ok(Standing::Appended);
        }
        if now.size < self.read_to {
            return Ok(Standing::Replaced);
        }
        let (off, len) = self.tail_range();
        if len > 0 && tail_hash(&tail(off, len)?) != self.tail_hash {
            return Ok(Standing::Replaced);
        }
        // An unfinished line that was there before counts as more: it may have been finished.
        Ok(if now.size > self.read_to {
            Standing::Appended
        } else {
            Standing::Unchanged
        })
    }
}

const COLUMNS: &str = "id, agent, path, generation, dev, ino, size, mtime_ns, read_to, tail_hash, \
     owner, gone_at, form";
/// What [`row`] reads, behind the id.
pub(super) const COLUMNS_BUT_ID: &str =
    "agent, path, generation, dev, ino, size, mtime_ns, read_to, tail_hash, owner, gone_at, form";

/// The bytes of a path, as they stand in rows.
pub(super) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

pub(super) fn row(r: &Row<'_>) -> rusqlite::Result<FileRow> {
    let code = r.get(1)?;
    let agent = Agent::from_code(code)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(1, i64::from(code)))?;
    let hash: Option<Vec<u8>> = r.get(9)?;
    Ok(FileRow {
        id: r.get(0)?,
        agent,
        path: PathBuf::from(OsStr::from_bytes(r.get_ref(2)?.as_blob()?)),
        generation: r.get(3)?,
        // Inodes and devices use all 64 bits on some file systems; the sign is only the store's.
        seen: Seen {
            dev: r.get::<_, i64>(4)? as u64,
            ino: r.get::<_, i64>(5)? as u64,
            size: r.get::<_, i64>(6)? as u64,
            mtime_ns: r.get(7)?,
        },
        read_to: u64::try_from(r.get::<_, i64>(8)?).unwrap_or(0),
        tail_hash: hash.and_then(|h| h.as_slice().try_into().ok().map(BlobHash)),
        owner: Owner::from_code(r.get(10)?),
        gone_at: r.get::<_, Option<i64>>(11)?.map(Time),
        form: Form::from_code(r.get(12)?),
    })
}

/// The newest generation of a file.
pub fn newest(conn: &Connection, path: &Path) -> Result<Option<FileRow>> {
    Ok(conn
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM file WHERE path = ?1 ORDER BY generation DESC LIMIT 1"
        ))?
        .query_row([bytes(path)], row)
        .optional()?)
}

/// A file by its row.
pub fn get(conn: &Connection, id: i64) -> Result<FileRow> {
    Ok(conn
        .prepare_cached(&format!("SELECT {COLUMNS} FROM file WHERE id = ?1"))?
        .query_row([id], row)?)
}

/// How far a file is read.
pub fn read_to(conn: &Connection, id: i64) -> Result<u64> {
    let bytes: i64 = conn
        .prepare_cached("SELECT read_to FROM file WHERE id = ?1")?
        .query_row([id], |r| r.get(0))?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// The files that a session has records in.
pub fn of_session(conn: &Connection, session: i64) -> Result<Vec<FileRow>> {
    let mut q = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM file WHERE id IN (SELECT file_id FROM session_file WHERE session_id = ?1) ORDER BY id"
    ))?;
    let rows = q.query_map([session], row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether a transcript of the session's own agent is known, so that what other programs tell of it is not needed.
pub fn has_own(conn: &Connection, session: &Id) -> Result<bool> {
    Ok(conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM session s JOIN session_file f ON f.session_id = s.id JOIN file x ON x.id = f.file_id
              WHERE s.pub = ?1 AND x.agent = s.agent)",
        )?
        .query_row([session.0], |r| r.get(0))?)
}

/// The newest generation of every file.
pub fn list(conn: &Connection) -> Result<Vec<FileRow>> {
    // SQLite takes the other columns from the row with the greatest generation.
    let columns = COLUMNS.replace("generation", "max(generation)");
    let mut q = conn.prepare_cached(&format!("SELECT {columns} FROM file GROUP BY path"))?;
    let rows = q.query_map([], row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Every generation of every file, in the order in which they were first seen.
pub fn all(conn: &Connection) -> Result<Vec<FileRow>> {
    let mut q = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM file ORDER BY id"))?;
    let rows = q.query_map([], row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A file that is new here, or a new generation of one. Nothing of it is read yet, so it counts as to be looked at until
/// [`advance`] says how far it was read.
pub fn insert(
    conn: &Connection,
    agent: Agent,
    path: &Path,
    seen: &Seen,
    owner: Owner,
    form: Form,
) -> Result<FileRow> {
    let generation = newest(conn, path)?.map_or(0, |f| f.generation.saturating_add(1));
    let seen = &Seen {
        mtime_ns: 0,
        ..*seen
    };
    conn.prepare_cached(
        "INSERT INTO file (agent, path, generation, dev, ino, size, mtime_ns, read_to, owner, form) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9)",
    )?
    .execute(params![
        agent as u8,
        bytes(path),
        generation,
        seen.dev as i64,
        seen.ino as i64,
        seen.size as i64,
        seen.mtime_ns,
        owner as u8,
        form as u8
    ])?;
    Ok(FileRow {
        id: conn.last_insert_rowid(),
        agent,
        path: path.to_owned(),
        generation,
        seen: *seen,
        read_to: 0,
        tail_hash: None,
        owner,
        gone_at: None,
        form,
    })
}

/// A file as another store had it, its generation included; nothing of it is read yet.
pub(super) fn restore(conn: &Connection, file: &FileRow) -> Result<i64> {
    conn.execute(
        "INSERT INTO file (agent, path, generation, dev, ino, size, mtime_ns, read_to, owner, form) \
         VALUES (?1, ?2, ?3, 0, 0, 0, 0, 0, ?4, ?5)",
        params![
            file.agent as u8,
            bytes(&file.path),
            file.generation,
            file.owner as u8,
            file.form as u8
        ],
    )?;
    Ok(conn.last_insert_rowid())
}

/// Remembers how far a file is read, and how it looked.
pub fn advance(
    conn: &Connection,
    id: i64,
    seen: &Seen,
    read_to: u64,
    tail: Option<BlobHash>,
) -> Result<()> {
    conn.prepare_cached(
        "UPDATE file SET dev = ?2, ino = ?3, size = ?4, mtime_ns = ?5, read_to = ?6, \
         tail_hash = ?7, gone_at = NULL WHERE id = ?1",
    )?
    .execute(params![
        id,
        seen.dev as i64,
        seen.ino as i64,
        seen.size as i64,
        seen.mtime_ns,
        read_to as i64,
        tail.map(|h| h.0)
    ])?;
    Ok(())
}

/// Remembers whose a file is.
pub fn set_owner(conn: &Connection, id: i64, owner: Owner) -> Result<()> {
    conn.prepare_cached("UPDATE file SET owner = ?2 WHERE id = ?1")?
        .execute(params![id, owner as u8])?;
    Ok(())
}

/// Remembers that a file is missing, with the time when that was first seen.
pub fn mark_gone(conn: &Connection, id: i64, at: Time) -> Result<()> {
    conn.prepare_cached("UPDATE file SET gone_at = ?2 WHERE id = ?1 AND gone_at IS NULL")?
        .execute(params![id, at.0])?;
    Ok(())
}
