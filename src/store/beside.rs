//! What lies beside a transcript and its records name: which files those are (derived), and what they contained when they
//! were found (a fact). Reads no such file itself.

use rusqlite::{Connection, OptionalExtension, params};

use super::Result;
use super::blobs;
use super::rows::{Named, NamedRecord};
use crate::model::{BlobHash, Id};

/// Adds a named file to a session; `path` is the row of the file that it is a copy of.
pub(super) fn insert(
    conn: &Connection,
    session: i64,
    path: Option<i64>,
    n: &NamedRecord,
) -> Result<()> {
    match &n.what {
        Named::Copy { at, name, .. } => conn
            .prepare_cached(
                "INSERT INTO named (session_id, prompt_no, seq, path_id, at, name) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![session, n.prompt_no, n.seq, path, at.map(|t| t.0), name])?,
        Named::Output {
            step,
            name,
            size,
            begins,
        } => conn
            .prepare_cached(
                "INSERT INTO named (session_id, prompt_no, seq, step, name, size, begins, begins_hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                session,
                n.prompt_no,
                n.seq,
                step.0,
                name,
                size.map(u64::cast_signed),
                begins.0.cast_signed(),
                begins.1.0
            ])?,
    };
    Ok(())
}

/// A named file whose content is not here.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its row.
    pub id: i64,
    /// The session that names it, and the agent's id of that.
    pub session: i64,
    /// See `session`.
    pub native_id: String,
    /// Whose it is: the step's, or the session's.
    pub owner: Id,
    /// The file's name.
    pub name: String,
    /// What is known of an output.
    pub output: Option<Output>,
}

/// What a record says of an output that it does not hold whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// All bytes.
    pub size: Option<u64>,
    /// How many of them the record holds.
    pub begins: u64,
    /// The hash of those.
    pub hash: BlobHash,
}

/// Files to be looked for: those named in rows newer than `named`, and those of sessions with steps newer than `step`.
/// `again`: also those that were looked for and not found.
pub fn wanted(conn: &Connection, named: i64, step: i64, again: bool) -> Result<Vec<Wanted>> {
    let mut q = conn.prepare_cached(
        "SELECT n.id, n.session_id, s.native_id, coalesce(n.step, s.pub), n.name, n.step IS NOT NULL, n.size, n.begins,
                n.begins_hash
           FROM named n JOIN session s ON s.id = n.session_id
          WHERE n.name IS NOT NULL
            AND n.id IN (SELECT id FROM named WHERE id > ?1
                         UNION SELECT id FROM named WHERE session_id IN (SELECT DISTINCT session_id FROM step WHERE id > ?2))
            AND NOT EXISTS (SELECT 1 FROM beside b WHERE b.owner = coalesce(n.step, s.pub) AND b.name = n.name
                               AND (b.blob_id IS NOT NULL OR NOT ?3))
          ORDER BY n.id",
    )?;
    let mut rows = q.query(params![named, step, again])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let Some(owner) = Id::from_bytes(&r.get::<_, Vec<u8>>(3)?) else {
            continue;
        };
        out.push(Wanted {
            id: r.get(0)?,
            session: r.get(1)?,
            native_id: r.get(2)?,
            owner,
            name: r.get(4)?,
            output: match r.get::<_, bool>(5)? {
                true => Some(output(r, 6)?),
                false => None,
            },
        });
    }
    Ok(out)
}

fn output(r: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Output> {
    let hash: Vec<u8> = r.get(at + 2)?;
    Ok(Output {
        size: r.get::<_, Option<i64>>(at)?.map(i64::cast_unsigned),
        begins: r.get::<_, i64>(at + 1)?.cast_unsigned(),
        hash: BlobHash(hash.as_slice().try_into().unwrap_or([0; 32])),
    })
}

/// Remembers a file's content, or why it is not here. A copy that is found late gets a new row number: those who look
/// only at what is new must see it.
pub fn remember(conn: &Connection, wanted: &Wanted, found: Result<&[u8], &str>) -> Result<()> {
    let (blob, why) = match found {
        Ok(bytes) => (Some(blobs::put(conn, bytes)?), None),
        Err(why) => (None, Some(why)),
    };
    let before: Option<Option<i64>> = conn
        .prepare_cached("SELECT blob_id FROM beside WHERE owner = ?1 AND name = ?2")?
        .query_row(params![wanted.owner.0, wanted.name], |r| r.get(0))
        .optional()?;
    conn.prepare_cached(
        "INSERT OR REPLACE INTO beside (owner, name, why, blob_id) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![wanted.owner.0, wanted.name, why, blob])?;
    if blob.is_some() && before == Some(None) {
        conn.prepare_cached(
            "INSERT INTO named (session_id, prompt_no, seq, path_id, at, step, name, size, begins, begins_hash)
             SELECT session_id, prompt_no, seq, path_id, at, step, name, size, begins, begins_hash FROM named WHERE id = ?1",
        )?
        .execute([wanted.id])?;
        conn.prepare_cached("DELETE FROM named WHERE id = ?1")?
            .execute([wanted.id])?;
    }
    Ok(())
}

/// The whole of an output of which the record holds only the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// What the record says.
    pub said: Output,
    /// The file's name.
    pub name: String,
    /// Its content, or why it is not here.
    pub content: std::result::Result<Vec<u8>, String>,
}

/// The whole outputs of a step, in the order of its results.
pub fn outputs(conn: &Connection, step: i64) -> Result<Vec<Whole>> {
    let mut q = conn.prepare_cached(
        "SELECT n.size, n.begins, n.begins_hash, n.name, b.why, b.blob_id
           FROM step t JOIN named n ON n.step = t.pub LEFT JOIN beside b ON b.owner = n.step AND b.name = n.name
          WHERE t.id = ?1 ORDER BY n.seq, n.id",
    )?;
    let mut rows = q.query([step])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let (why, blob): (Option<String>, Option<i64>) = (r.get(4)?, r.get(5)?);
        out.push(Whole {
            said: output(r, 0)?,
            name: r.get(3)?,
            content: match blob {
                Some(blob) => Ok(blobs::get(conn, blob)?),
                None => Err(why.unwrap_or_else(|| "it was not looked for yet".to_owned())),
            },
        });
    }
    Ok(out)
}

/// Files that records name and that are not here: how many, and the first few with why.
pub fn missing(conn: &Connection, first: u32) -> Result<(u64, Vec<(String, String)>)> {
    let n: i64 = conn.query_row(
        "SELECT count(*) FROM beside WHERE blob_id IS NULL",
        [],
        |r| r.get(0),
    )?;
    let mut q = conn.prepare(
        "SELECT name, coalesce(why, '') FROM beside WHERE blob_id IS NULL ORDER BY name, owner LIMIT ?1",
    )?;
    let rows = q.query_map([first], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok((
        u64::try_from(n).unwrap_or(0),
        rows.collect::<rusqlite::Result<_>>()?,
    ))
}
