//! The journal of rewinds: what was, what shall be, and how far it came. Every change of it is on the disk before the
//! call returns.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Error, Result, Store, blobs};
use crate::model::{BlobHash, Id, IdKind, Node, Time};

/// What an operation is. The number is what the store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Kind {
    /// Back to a step.
    Rewind = 1,
    /// One step or prompt in the middle taken back.
    Revert = 2,
    /// Another operation taken back.
    Undo = 3,
    /// An undo taken back.
    Redo = 4,
}

/// How far an operation came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Written down; nothing in the tree was touched.
    Prepared = 1,
    /// The tree may have been touched.
    Applying = 2,
    /// Final.
    Applied = 3,
    /// The tree is as it was.
    RolledBack = 4,
}

/// How far the journal of a folder had come when somebody looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The newest operation that is final.
    pub newest: Option<i64>,
    /// One was at work, or interrupted.
    pub open: bool,
}

/// What is done to one path. The number is what the store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Action {
    /// Something else takes its place.
    Exchange = 1,
    /// It is put where nothing is.
    Create = 2,
    /// It goes.
    Remove = 3,
    /// A folder is made.
    MakeFolder = 4,
    /// An empty folder goes.
    RemoveFolder = 5,
}

/// An operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// Its row; 0 before it is stored.
    pub id: i64,
    /// Name of its stage.
    pub token: String,
    /// The work folder, absolute.
    pub root: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// What was undone or redone.
    pub of: Option<i64>,
    /// When it was prepared.
    pub at: Time,
    /// When it was applied.
    pub done_at: Option<Time>,
    /// How far it came.
    pub phase: Phase,
    /// What it was, in words.
    pub title: String,
    /// Whose work it undid.
    pub sessions: Vec<Id>,
    /// Its stage is gone.
    pub closed: bool,
    /// What it led to; `None` for an undo or redo.
    pub aim: Option<Aim>,
    /// Lines added and removed, over all its files.
    pub lines: (u32, u32),
}

/// What a rewind led to, by an id that never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aim {
    /// Public id of the step or prompt.
    pub id: Id,
    /// It is a prompt.
    pub prompt: bool,
    /// It was undone, too.
    pub before: bool,
    /// Only it was undone.
    pub only: bool,
    /// Not all of it was done: only some files or lines were wanted, or some stayed as they were.
    pub part: bool,
}

/// The bit that says that not all of it was done.
const IN_PART: u8 = 8;

impl Aim {
    fn packed(self) -> Vec<u8> {
        let bits = [
            (self.prompt, 1),
            (self.before, 2),
            (self.only, 4),
            (self.part, IN_PART),
        ];
        let bits = bits.iter().filter(|b| b.0).map(|b| b.1).sum();
        [&self.id.0[..], &[bits]].concat()
    }

    fn unpacked(bytes: &[u8]) -> Option<Aim> {
        let (bits, id) = bytes.split_last()?;
        Some(Aim {
            id: Id::from_bytes(id)?,
            prompt: bits & 1 != 0,
            before: bits & 2 != 0,
            only: bits & 4 != 0,
            part: bits & IN_PART != 0,
        })
    }

    /// Remembers that not all of it was done.
    #[must_use]
    pub fn in_part_if(self, part: bool) -> Aim {
        Aim {
            part: self.part || part,
            ..self
        }
    }
}

impl Op {
    /// Its public id: made of what names its stage, so that it is the same in every copy of the store.
    pub fn public_id(&self) -> String {
        let hash = blake3::hash(self.token.as_bytes());
        let mut id = [0; 10];
        id.copy_from_slice(&hash.as_bytes()[..10]);
        Id(id).show(IdKind::Rewind)
    }
}

/// One path of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Its place in the operation: things are done in this order, and taken back in the reverse one.
    pub no: u32,
    /// The path, relative to the root.
    pub rel: Vec<u8>,
    /// What is done.
    pub action: Action,
    /// What was there.
    pub before: Node,
    /// What shall be there.
    pub after: Node,
    /// Number of the staged file.
    pub ino: Option<u64>,
    /// What somebody wrote into the displaced file afterwards.
    pub late: Option<BlobHash>,
}

impl Kind {
    fn from_code(code: u8) -> Kind {
        match code {
            1 => Kind::Rewind,
            2 => Kind::Revert,
            3 => Kind::Undo,
            _ => Kind::Redo,
        }
    }

    /// The word users see.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Rewind => "rewind",
            Kind::Revert => "revert",
            Kind::Undo => "undo",
            Kind::Redo => "redo",
        }
    }
}

/// Begins a transaction that is on the disk, not only in the log's cache, when it is committed.
fn begin(store: &Store) -> Result<Transaction<'_>> {
    store.conn().pragma_update(None, "synchronous", "FULL")?;
    store.begin()
}

/// Ends it, and goes back to what is enough for transcripts.
fn commit(store: &Store, tx: Transaction<'_>) -> Result<()> {
    let done = tx.commit();
    // The pragma may not be changed within a transaction; a failed commit has rolled back.
    let back = store.conn().pragma_update(None, "synchronous", "NORMAL");
    done?;
    back?;
    Ok(())
}

/// Stores contents so that a power cut does not take them, then reads each back through another connection.
pub fn store_safely(store: &Store, contents: &[&[u8]]) -> Result<()> {
    if contents.is_empty() {
        return Ok(());
    }
    let tx = begin(store)?;
    for bytes in contents {
        blobs::put(&tx, bytes)?;
    }
    commit(store, tx)?;
    let reader = store
        .reader()
        .map_err(|e| Error::Inconsistent(e.to_string()))?;
    for bytes in contents {
        let hash = BlobHash::of(bytes);
        let id = blobs::find(reader.conn(), &hash)?
            .ok_or_else(|| Error::Inconsistent(format!("content {} was not stored", hash.hex())))?;
        if blobs::get(reader.conn(), id)? != *bytes {
            return Err(Error::Inconsistent(format!(
                "content {} came back changed",
                hash.hex()
            )));
        }
    }
    Ok(())
}

/// The content of this name.
pub fn content(conn: &Connection, hash: &BlobHash) -> Result<Vec<u8>> {
    match blobs::find(conn, hash)? {
        Some(id) => blobs::get(conn, id),
        None => Err(Error::Inconsistent(format!(
            "content {} is not stored",
            hash.hex()
        ))),
    }
}

fn packed(node: &Node) -> Result<Vec<u8>> {
    postcard::to_stdvec(node).map_err(|e| Error::Inconsistent(e.to_string()))
}

fn unpacked(bytes: &[u8]) -> Result<Node> {
    postcard::from_bytes(bytes)
        .map_err(|_| Error::Inconsistent("a journal row cannot be read".to_owned()))
}

/// Writes an operation down as prepared; its row. From then on nobody gives away the contents that it names. Since they
/// were stored, another process may have: then it is an error, before anything is touched.
pub fn prepare(store: &Store, op: &Op, moves: &[Move]) -> Result<i64> {
    let tx = begin(store)?;
    let sessions: Vec<u8> = op.sessions.iter().flat_map(|id| id.0).collect();
    tx.prepare_cached(
        "INSERT INTO rewind (token, root, kind, of, at, state, title, sessions, closed, aim, added, removed)
         VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, 0, ?8, ?9, ?10)",
    )?
    .execute(params![
        op.token,
        op.root,
        op.kind as u8,
        op.of,
        op.at.0,
        op.title,
        sessions,
        op.aim.map(Aim::packed),
        op.lines.0,
        op.lines.1
    ])?;
    let id = tx.last_insert_rowid();
    {
        let mut q = tx.prepare_cached(
            "INSERT INTO rewind_file (op, no, rel, action, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for m in moves {
            // A `gc` of another folder on the same store may have run since they were stored; from here on it finds
            // them named.
            for hash in [&m.before, &m.after].into_iter().filter_map(|n| n.hash()) {
                if blobs::find(&tx, &hash)?.is_none() {
                    return Err(Error::Inconsistent(format!(
                        "content {} of {} went away while the rewind was prepared; try again",
                        hash.hex(),
                        String::from_utf8_lossy(&m.rel)
                    )));
                }
            }
            q.execute(params![
                id,
                m.no,
                m.rel,
                m.action as u8,
                packed(&m.before)?,
                packed(&m.after)?
            ])?;
        }
    }
    commit(store, tx)?;
    Ok(id)
}

/// From here on the tree may be touched. `inos`: the numbers of the staged files.
pub fn applying(store: &Store, op: i64, inos: &[(u32, u64)]) -> Result<()> {
    let tx = begin(store)?;
    for (no, ino) in inos {
        tx.prepare_cached("UPDATE rewind_file SET ino = ?3 WHERE op = ?1 AND no = ?2")?
            .execute(params![op, no, *ino as i64])?;
    }
    tx.execute("UPDATE rewind SET state = 2 WHERE id = ?1", [op])?;
    commit(store, tx)
}

/// It is over: applied, or taken back. `skipped`: paths that were left alone after all; only what somebody wrote there
/// meanwhile is remembered of them. `closed`: its stage may go.
pub fn finish(
    store: &Store,
    op: i64,
    phase: Phase,
    at: Time,
    skipped: &[u32],
    closed: bool,
) -> Result<()> {
    let tx = begin(store)?;
    if in_part(&tx, op, skipped)? {
        let aim = get(&tx, op)?.and_then(|op| op.aim);
        let aim = aim.map(|aim| aim.in_part_if(true).packed());
        tx.execute("UPDATE rewind SET aim = ?2 WHERE id = ?1", params![op, aim])?;
    }
    for no in skipped {
        tx.execute(
            "DELETE FROM rewind_file WHERE op = ?1 AND no = ?2 AND late IS NULL",
            params![op, no],
        )?;
        tx.execute(
            "UPDATE rewind_file SET after = before WHERE op = ?1 AND no = ?2",
            params![op, no],
        )?;
    }
    tx.execute(
        "UPDATE rewind SET state = ?2, done_at = ?3, closed = ?4 WHERE id = ?1",
        params![op, phase as u8, at.0, closed],
    )?;
    commit(store, tx)
}

/// Whether files are among what was left out; a folder that somebody put something into is none.
fn in_part(conn: &Connection, op: i64, skipped: &[u32]) -> Result<bool> {
    let mut q = conn.prepare_cached(
        "SELECT count(*) FROM rewind_file WHERE op = ?1 AND no = ?2 AND action < 4",
    )?;
    for no in skipped {
        if q.query_row(params![op, no], |r| r.get::<_, u32>(0))? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Remembers what somebody wrote into a displaced file.
pub fn set_late(store: &Store, op: i64, no: u32, content: &BlobHash) -> Result<()> {
    let tx = begin(store)?;
    tx.execute(
        "UPDATE rewind_file SET late = ?3 WHERE op = ?1 AND no = ?2",
        params![op, no, content.0],
    )?;
    commit(store, tx)
}

/// The stage of an operation is gone.
pub fn close(store: &Store, op: i64) -> Result<()> {
    let tx = begin(store)?;
    tx.execute("UPDATE rewind SET closed = 1 WHERE id = ?1", [op])?;
    commit(store, tx)
}

const OP: &str = "SELECT id, token, root, kind, of, at, done_at, state, title, sessions, closed, aim, added, removed
       FROM rewind";

fn op(r: &rusqlite::Row<'_>) -> rusqlite::Result<Op> {
    let sessions: Vec<u8> = r.get(9)?;
    Ok(Op {
        id: r.get(0)?,
        token: r.get(1)?,
        root: r.get(2)?,
        kind: Kind::from_code(r.get(3)?),
        of: r.get(4)?,
        at: Time(r.get(5)?),
        done_at: r.get::<_, Option<i64>>(6)?.map(Time),
        phase: match r.get::<_, u8>(7)? {
            1 => Phase::Prepared,
            3 => Phase::Applied,
            4 => Phase::RolledBack,
            _ => Phase::Applying,
        },
        title: r.get(8)?,
        sessions: sessions
            .chunks_exact(10)
            .filter_map(Id::from_bytes)
            .collect(),
        closed: r.get(10)?,
        aim: r
            .get::<_, Option<Vec<u8>>>(11)?
            .and_then(|aim| Aim::unpacked(&aim)),
        lines: (r.get(12)?, r.get(13)?),
    })
}

/// All operations on a folder, oldest first.
pub fn ops(conn: &Connection, root: &[u8]) -> Result<Vec<Op>> {
    let mut q = conn.prepare_cached(&format!("{OP} WHERE root = ?1 ORDER BY id"))?;
    let rows = q.query_map([root], op)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// All operations that were applied, on any folder, oldest first.
pub fn applied(conn: &Connection) -> Result<Vec<Op>> {
    let mut q = conn.prepare_cached(&format!("{OP} WHERE state = 3 ORDER BY id"))?;
    let rows = q.query_map([], op)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The files and links that an operation changed.
pub fn files(conn: &Connection, op: i64) -> Result<Vec<Vec<u8>>> {
    let mut q = conn.prepare_cached(
        "SELECT rel FROM rewind_file WHERE op = ?1 AND action < 4 AND before <> after ORDER BY rel",
    )?;
    let rows = q.query_map([op], |r| r.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How far the journal of a folder has come.
pub fn mark(conn: &Connection, root: &[u8]) -> Result<Mark> {
    let sql = "SELECT max(CASE WHEN state = 3 THEN id END), total(state < 3) > 0 FROM rewind WHERE root = ?1";
    let mark = conn.prepare_cached(sql)?.query_row([root], |r| {
        Ok(Mark {
            newest: r.get(0)?,
            open: r.get(1)?,
        })
    });
    Ok(mark?)
}

/// One operation.
pub fn get(conn: &Connection, id: i64) -> Result<Option<Op>> {
    Ok(conn
        .prepare_cached(&format!("{OP} WHERE id = ?1"))?
        .query_row([id], op)
        .optional()?)
}

/// The paths of an operation, in order.
pub fn moves(conn: &Connection, op: i64) -> Result<Vec<Move>> {
    let mut q = conn.prepare_cached(
        "SELECT no, rel, action, before, after, ino, late FROM rewind_file WHERE op = ?1 ORDER BY no",
    )?;
    let mut rows = q.query([op])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let late: Option<Vec<u8>> = r.get(6)?;
        out.push(Move {
            no: r.get(0)?,
            rel: r.get(1)?,
            action: match r.get::<_, u8>(2)? {
                1 => Action::Exchange,
                2 => Action::Create,
                3 => Action::Remove,
                4 => Action::MakeFolder,
                _ => Action::RemoveFolder,
            },
            before: unpacked(r.get_ref(3)?.as_blob().unwrap_or_default())?,
            after: unpacked(r.get_ref(4)?.as_blob().unwrap_or_default())?,
            ino: r.get::<_, Option<i64>>(5)?.map(|i| i as u64),
            late: late
                .and_then(|h| h.as_slice().try_into().ok())
                .map(BlobHash),
        });
    }
    Ok(out)
}

/// When operations were at work on one path, whatever became of them: from when to when; without an end while they are.
pub fn at_work_on(conn: &Connection, root: &[u8], rel: &[u8]) -> Result<Vec<(Time, Option<Time>)>> {
    let mut q = conn.prepare_cached(
        "SELECT o.at, o.done_at FROM rewind_file f JOIN rewind o ON o.id = f.op WHERE f.rel = ?2 AND o.root = ?1",
    )?;
    let rows = q.query_map(params![root, rel], |r| {
        Ok((Time(r.get(0)?), r.get::<_, Option<i64>>(1)?.map(Time)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What applied operations did to one path: the operation, before, after; oldest first.
pub fn of_path(conn: &Connection, root: &[u8], rel: &[u8]) -> Result<Vec<(Op, Node, Node)>> {
    let mut q = conn.prepare_cached(
        "SELECT f.op, f.before, f.after FROM rewind_file f JOIN rewind o ON o.id = f.op
          WHERE f.rel = ?2 AND o.root = ?1 AND o.state = 3 AND f.action < 4 AND f.before <> f.after
          ORDER BY f.op, f.no",
    )?;
    let mut rows = q.query(params![root, rel])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let (before, after) = (
            unpacked(r.get_ref(1)?.as_blob().unwrap_or_default())?,
            unpacked(r.get_ref(2)?.as_blob().unwrap_or_default())?,
        );
        if let Some(op) = get(conn, r.get(0)?)? {
            out.push((op, before, after));
        }
    }
    Ok(out)
}
