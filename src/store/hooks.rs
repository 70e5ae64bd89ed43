//! The table of what agents' hooks told: facts, never rebuilt. Events are small; texts are in the transcripts.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Result;
use crate::model::Time;

/// Of the kinds (`hook::Kind`): a tool is about to run.
pub const BEFORE_TOOL: u8 = 3;
/// A tool has run.
pub const AFTER_TOOL: u8 = 4;
/// The agent asks for a permission.
pub const ASKS: u8 = 5;
/// A sub-agent is done.
pub const SUBAGENT_STOP: u8 = 7;
/// Of the shots (`hook::Shot`): a watcher is to look at the folder.
pub const FOR_A_WATCHER: u8 = 1;

/// One row. `id` is 0 before it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookEvent {
    /// Its row; rows are in the order of their coming, which may differ from that of their times.
    pub id: i64,
    /// Its name in the spool.
    pub key: String,
    /// The agent's name.
    pub agent: String,
    /// As in `hook::Kind`.
    pub kind: u8,
    /// Native id of the session.
    pub session: String,
    /// Native id of the sub-agent in it.
    pub subagent: Option<String>,
    /// Native id of the tool call.
    pub call: Option<String>,
    /// The agent's name of the tool.
    pub tool: Option<String>,
    /// When.
    pub at: Time,
    /// The folder the agent worked in.
    pub cwd: Vec<u8>,
    /// The worktree, as snapshots name it.
    pub root: Vec<u8>,
    /// As in `hook::Shot`: 0 none, 1 left to a watcher, 2 left to a child.
    pub shot: u8,
    /// The snapshot that was taken for it.
    pub snapshot: Option<i64>,
}

const COLUMNS: &str =
    "id, key, agent, kind, session, subagent, call, tool, at, cwd, root, shot, snapshot";

/// Stores an event, unless it is stored already; whether it was new.
pub fn put(conn: &Connection, e: &HookEvent) -> Result<bool> {
    let n = conn
        .prepare_cached(
            "INSERT OR IGNORE INTO hook_event
               (key, agent, kind, session, subagent, call, tool, at, cwd, root, shot, snapshot)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            e.key, e.agent, e.kind, e.session, e.subagent, e.call, e.tool, e.at.0, e.cwd, e.root,
            e.shot, e.snapshot
        ])?;
    Ok(n == 1)
}

/// The events of a session and its sub-agents, in order of time.
pub fn of_session(conn: &Connection, agent: &str, session: &str) -> Result<Vec<HookEvent>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM hook_event WHERE agent = ?1 AND session = ?2 ORDER BY at, id"
    );
    let mut q = conn.prepare_cached(&sql)?;
    let rows = q.query_map([agent, session], row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The events around tools in a session and its sub-agents between two moments, in order of time.
pub fn of_tools(
    conn: &Connection,
    agent: &str,
    session: &str,
    (lo, hi): (i64, i64),
) -> Result<Vec<HookEvent>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM hook_event WHERE agent = ?1 AND session = ?2 AND at BETWEEN ?3 AND ?4
            AND kind IN ({BEFORE_TOOL}, {AFTER_TOOL}) ORDER BY at, id"
    );
    let mut q = conn.prepare_cached(&sql)?;
    let rows = q.query_map(params![agent, session, lo, hi], row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The last events of a session and its sub-agents, the newest first.
pub fn last_of_session(
    conn: &Connection,
    agent: &str,
    session: &str,
    most: usize,
) -> Result<Vec<HookEvent>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM hook_event WHERE agent = ?1 AND session = ?2
          ORDER BY at DESC, id DESC LIMIT ?3"
    );
    let mut q = conn.prepare_cached(&sql)?;
    let rows = q.query_map(params![agent, session, most as i64], row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The newest row.
pub fn newest(conn: &Connection) -> Result<i64> {
    let mut q = conn.prepare_cached("SELECT coalesce(max(id), 0) FROM hook_event")?;
    Ok(q.query_row([], |r| r.get(0))?)
}

/// The events in a folder from a moment on, in order of time.
pub fn of_root(conn: &Connection, root: &[u8], from: Time) -> Result<Vec<HookEvent>> {
    let sql =
        format!("SELECT {COLUMNS} FROM hook_event WHERE root = ?1 AND at >= ?2 ORDER BY at, id");
    let mut q = conn.prepare_cached(&sql)?;
    let rows = q.query_map(params![root, from.0], row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Events from a row on, in the order of their coming: what is new since somebody looked last.
pub fn newer_than(conn: &Connection, id: i64) -> Result<Vec<HookEvent>> {
    let sql = format!("SELECT {COLUMNS} FROM hook_event WHERE id > ?1 ORDER BY id");
    let mut q = conn.prepare_cached(&sql)?;
    let rows = q.query_map([id], row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether an event of a folder waits for the snapshot of a hook's child.
pub fn waiting_for_a_snapshot(conn: &Connection, root: &[u8]) -> Result<bool> {
    Ok(conn
        .prepare_cached(
            "SELECT 1 FROM hook_event WHERE root = ?1 AND shot = 2 AND snapshot IS NULL LIMIT 1",
        )?
        .query_row([root], |_| Ok(()))
        .optional()?
        .is_some())
}

/// Whether among those is the beginning of a session.
pub fn waits_since_a_start(conn: &Connection, root: &[u8]) -> Result<bool> {
    Ok(conn
        .prepare_cached(
            "SELECT 1 FROM hook_event WHERE root = ?1 AND shot = 2 AND snapshot IS NULL AND kind = 1 LIMIT 1",
        )?
        .exists([root])?)
}

/// Notes the snapshot that was taken for all events of a folder that waited for one and came before it began.
pub fn set_snapshot(conn: &Connection, root: &[u8], until: Time, snapshot: i64) -> Result<u64> {
    let n = conn
        .prepare_cached(
            "UPDATE hook_event SET snapshot = ?3
              WHERE root = ?1 AND at <= ?2 AND shot = 2 AND snapshot IS NULL",
        )?
        .execute(params![root, until.0, snapshot])?;
    Ok(n as u64)
}

/// What was told so far: agent, how many, the first and the last.
pub fn told(conn: &Connection) -> Result<Vec<(String, u64, Time, Time)>> {
    let mut q = conn.prepare_cached(
        "SELECT agent, count(*), min(at), max(at) FROM hook_event GROUP BY agent ORDER BY agent",
    )?;
    let rows = q.query_map([], |r| {
        let n: i64 = r.get(1)?;
        Ok((r.get(0)?, n.max(0) as u64, Time(r.get(2)?), Time(r.get(3)?)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn row(r: &Row<'_>) -> rusqlite::Result<HookEvent> {
    Ok(HookEvent {
        id: r.get(0)?,
        key: r.get(1)?,
        agent: r.get(2)?,
        kind: r.get(3)?,
        session: r.get(4)?,
        subagent: r.get(5)?,
        call: r.get(6)?,
        tool: r.get(7)?,
        at: Time(r.get(8)?),
        cwd: r.get(9)?,
        root: r.get(10)?,
        shot: r.get(11)?,
        snapshot: r.get(12)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::Store;

    fn event(key: &str, at: i64) -> HookEvent {
        HookEvent {
            id: 0,
            key: key.to_owned(),
            agent: "claude".to_owned(),
            kind: 4,
            session: "s".to_owned(),
            subagent: None,
            call: Some("c".to_owned()),
            tool: Some("Bash".to_owned()),
            at: Time(at),
            cwd: b"/w/\xff".to_vec(),
            root: b"/w".to_vec(),
            shot: 2,
            snapshot: None,
        }
    }

    #[test]
    fn told_twice_is_stored_once_and_in_order_of_time() {
        let store = Store::open_in_memory().unwrap();
        let c = store.conn();
        assert!(put(c, &event("b", 20)).unwrap());
        assert!(put(c, &event("a", 10)).unwrap());
        assert!(!put(c, &event("b", 20)).unwrap());
        let all = of_session(c, "claude", "s").unwrap();
        let keys: Vec<_> = all.iter().map(|e| e.key.as_str()).collect();
        assert_eq!(keys, ["a", "b"]);
        assert_eq!(
            HookEvent {
                id: 0,
                ..all[0].clone()
            },
            event("a", 10)
        );
        assert_eq!(of_root(c, b"/w", Time(11)).unwrap().len(), 1);
        assert_eq!(newer_than(c, 1).unwrap()[0].key, "a");
        let last = last_of_session(c, "claude", "s", 1).unwrap();
        assert_eq!((last.len(), last[0].key.as_str()), (1, "b"));
        let tools = of_tools(c, "claude", "s", (11, 20)).unwrap();
        assert_eq!((tools.len(), tools[0].key.as_str()), (1, "b"));
        assert_eq!(newest(c).unwrap(), 2);
        assert_eq!(
            told(c).unwrap(),
            [("claude".to_owned(), 2, Time(10), Time(20))]
        );
    }

    #[test]
    fn a_snapshot_belongs_to_what_came_before_it_began() {
        let store = Store::open_in_memory().unwrap();
        let c = store.conn();
        for (key, at, shot) in [("a", 10, 2), ("b", 20, 2), ("c", 30, 2), ("d", 5, 1)] {
            let e = HookEvent {
                shot,
                ..event(key, at)
            };
            put(c, &e).unwrap();
        }
        assert!(waiting_for_a_snapshot(c, b"/w").unwrap());
        assert!(!waiting_for_a_snapshot(c, b"/other").unwrap());
        assert!(!waits_since_a_start(c, b"/w").unwrap());
        let start = HookEvent {
            kind: 1,
            ..event("s", 15)
        };
        put(c, &start).unwrap();
        assert!(waits_since_a_start(c, b"/w").unwrap());
        assert_eq!(set_snapshot(c, b"/w", Time(20), 7).unwrap(), 3);
        assert!(!waits_since_a_start(c, b"/w").unwrap());
        assert_eq!(set_snapshot(c, b"/other", Time(99), 8).unwrap(), 0);
        let shots: Vec<_> = of_session(c, "claude", "s")
            .unwrap()
            .into_iter()
            .map(|e| (e.key, e.snapshot))
            .collect();
        let expected = [
            ("d", None),
            ("a", Some(7)),
            ("s", Some(7)),
            ("b", Some(7)),
            ("c", None),
        ];
        assert_eq!(shots, expected.map(|(k, s)| (k.to_owned(), s)));
    }
}
