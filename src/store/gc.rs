//! Giving space back. Only contents that nothing reaches go: not those of a change, a snapshot, a rewind that can be
//! undone, or a commit that a session started on. What is older than a date goes only when that date is given.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};

use super::{Error, Result, Store, observed, snapshots};
use crate::model::{BlobHash, Node, Time};

/// What was given back, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Freed {
    /// Snapshots forgotten.
    pub snapshots: u64,
    /// Rewinds that can no longer be undone.
    pub rewinds: u64,
    /// Contents.
    pub contents: u64,
    /// Their bytes in the store.
    pub bytes: u64,
}

/// Removes what nothing reaches, in one transaction. `before`: snapshots and rewinds older than this are forgotten
/// first, except interrupted ones and the newest snapshot of each folder. `really`: else only counts.
pub fn collect(store: &Store, before: Option<Time>, really: bool) -> Result<Freed> {
    let tx = store.begin()?;
    let mut freed = Freed::default();
    if let Some(before) = before {
        freed.snapshots = tx.execute(
            "DELETE FROM snapshot WHERE at < ?1 AND id NOT IN (SELECT max(id) FROM snapshot GROUP BY root)",
            [before.0],
        )? as u64;
        tx.execute(
            "DELETE FROM touched WHERE snapshot_id NOT IN (SELECT id FROM snapshot)",
            [],
        )?;
        if freed.snapshots > 0 {
            // What only they saw is forgotten with them.
            observed::disturb_all(&tx)?;
        }
        // One that stands in the way of an older one's undo goes only with it: all that are older go.
        tx.execute(
            "DELETE FROM rewind_file WHERE op IN (SELECT id FROM rewind WHERE at < ?1 AND state > 2 AND closed = 1)",
            [before.0],
        )?;
        freed.rewinds = tx.execute(
            "DELETE FROM rewind WHERE at < ?1 AND state > 2 AND closed = 1",
            [before.0],
        )? as u64;
    }
    let kept = kept(&tx)?;
    let mut gone = HashMap::new();
    {
        let mut q = tx.prepare("SELECT id, hash, length(data) FROM blob")?;
        let mut rows = q.query([])?;
        while let Some(r) = rows.next()? {
            let (id, hash): (i64, Vec<u8>) = (r.get(0)?, r.get(1)?);
            // What has no proper name is damage, and `doctor`'s to judge.
            let Ok(hash) = <[u8; 32]>::try_from(hash.as_slice()) else {
                continue;
            };
            if !kept.hashes.contains(&BlobHash(hash)) && !kept.rows.contains(&id) {
                gone.insert(hash, (id, u64::try_from(r.get::<_, i64>(2)?).unwrap_or(0)));
            }
        }
    }
    spare_noted(&tx, &mut gone)?;
    for (id, bytes) in gone.into_values() {
        freed.contents += 1;
        freed.bytes += bytes;
        tx.prepare_cached("DELETE FROM blob WHERE id = ?1")?
            .execute(params![id])?;
    }
    if really {
        tx.commit()?;
    }
    Ok(freed)
}

/// The notes of the fold and of the sources name contents, too, in a form that only they know: a content whose name
/// stands anywhere in them stays.
fn spare_noted(conn: &Connection, gone: &mut HashMap<[u8; 32], (i64, u64)>) -> Result<()> {
    let beginnings: HashSet<[u8; 4]> = gone.keys().map(|h| [h[0], h[1], h[2], h[3]]).collect();
    for sql in [
        "SELECT state FROM fold_state",
        "SELECT state FROM file_state",
    ] {
        let mut q = conn.prepare(sql)?;
        let mut rows = q.query([])?;
        while let Some(r) = rows.next()? {
            for window in unpacked(r.get_ref(0)?.as_blob().unwrap_or_default())?.windows(32) {
                if beginnings.contains(&window[..4])
                    && let Ok(hash) = <&[u8; 32]>::try_from(window)
                {
                    gone.remove(hash);
                }
            }
        }
    }
    Ok(())
}

/// Notes are packed or plain. Those that cannot be unpacked stop it: what they name is not known.
fn unpacked(note: &[u8]) -> Result<Cow<'_, [u8]>> {
    const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
    if !note.starts_with(ZSTD) {
        return Ok(Cow::Borrowed(note));
    }
    let bytes = zstd::stream::decode_all(note);
    bytes
        .map(Cow::Owned)
        .map_err(|e| Error::Inconsistent(format!("a note of the fold cannot be unpacked: {e}")))
}

/// The folders that rewinds and snapshots of this store are about.
pub fn roots(store: &Store) -> Result<Vec<std::path::PathBuf>> {
    use std::os::unix::ffi::OsStringExt;
    let sql = "SELECT root FROM rewind UNION SELECT root FROM snapshot";
    let mut q = store.conn().prepare(sql)?;
    let rows = q.query_map([], |r| r.get::<_, Vec<u8>>(0))?;
    let folder = |r: rusqlite::Result<Vec<u8>>| Ok(std::ffi::OsString::from_vec(r?).into());
    rows.map(folder).collect()
}

struct Kept {
    rows: HashSet<i64>,
    hashes: HashSet<BlobHash>,
}

fn kept(conn: &Connection) -> Result<Kept> {
    let mut kept = Kept {
        rows: HashSet::new(),
        hashes: HashSet::new(),
    };
    for sql in [
        "SELECT before FROM change WHERE before > 0",
        "SELECT after FROM change WHERE after > 0",
        "SELECT seen_before FROM change WHERE seen_before > 0",
        "SELECT seen_after FROM change WHERE seen_after > 0",
        "SELECT before FROM observation WHERE before > 0",
        "SELECT after FROM observation WHERE after > 0",
        "SELECT blob_id FROM sighting WHERE blob_id > 0",
        "SELECT blob_id FROM base WHERE blob_id > 0",
        "SELECT blob_id FROM beside WHERE blob_id > 0",
    ] {
        let mut q = conn.prepare(sql)?;
        let mut rows = q.query([])?;
        while let Some(r) = rows.next()? {
            kept.rows.insert(r.get(0)?);
        }
    }
    let mut q = conn.prepare("SELECT DISTINCT tree FROM snapshot")?;
    let mut rows = q.query([])?;
    while let Some(r) = rows.next()? {
        let tree: Vec<u8> = r.get(0)?;
        if let Ok(tree) = tree.as_slice().try_into() {
            // A tree that cannot be read stops it: what hangs on it is not known, so nothing may go.
            snapshots::reach(conn, &BlobHash(tree), &mut kept.hashes)?;
        }
    }
    let mut q = conn.prepare("SELECT before, after, late FROM rewind_file")?;
    let mut rows = q.query([])?;
    while let Some(r) = rows.next()? {
        for column in 0..2 {
            // A row that cannot be read stops it too.
            let node: Node = postcard::from_bytes(r.get_ref(column)?.as_blob().unwrap_or_default())
                .map_err(|_| Error::Inconsistent("a journal row cannot be read".to_owned()))?;
            kept.hashes.extend(node.hash());
        }
        let late: Option<Vec<u8>> = r.get(2)?;
        kept.hashes.extend(
            late.and_then(|h| h.as_slice().try_into().ok())
                .map(BlobHash),
        );
    }
    Ok(kept)
}
