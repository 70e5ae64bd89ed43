//! What is recorded, and what was not understood of it: for `status` and `doctor`.

use color_eyre::Result;
use rusqlite::Connection;

use super::rows::{shown, time};
use crate::model::{Agent, IdKind, Time};
use crate::store::{self, Reader};

/// What is recorded, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// How much is stored.
    pub stored: store::Status,
    /// Sessions, sub-agents included.
    pub sessions: u64,
    /// Of them, sub-agents'.
    pub subagents: u64,
    /// Prompts.
    pub prompts: u64,
    /// Steps.
    pub steps: u64,
    /// Changes of files.
    pub changes: u64,
    /// Snapshots of work folders.
    pub snapshots: u64,
    /// The last moment at which a work folder was looked at.
    pub last_snapshot: Option<Time>,
    /// Transcript files that were taken in.
    pub transcripts: u64,
    /// Of them, those that are gone from where they were.
    pub archived: u64,
    /// The first thing recorded.
    pub since: Option<Time>,
    /// The last thing recorded.
    pub until: Option<Time>,
    /// Sessions of each agent.
    pub agents: Vec<(Agent, u64)>,
}

/// Counts what is there.
pub(super) fn holdings(reader: &Reader) -> Result<Holdings> {
    let conn = reader.conn();
    let n = |sql: &str| -> Result<u64> {
        Ok(conn.query_row(sql, [], |r| r.get::<_, i64>(0))?.max(0) as u64)
    };
    let (since, until) = conn.query_row(
        "SELECT min(started_at), max(ended_at) FROM session",
        [],
        |r| Ok((time(r.get(0)?), time(r.get(1)?))),
    )?;
    let mut statement =
        conn.prepare("SELECT agent, count(*) FROM session GROUP BY agent ORDER BY agent")?;
    let agents = statement
        .query_map([], |r| Ok((r.get::<_, u8>(0)?, r.get::<_, i64>(1)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(Holdings {
        stored: reader.status()?,
        sessions: n("SELECT count(*) FROM session")?,
        subagents: n("SELECT count(*) FROM session WHERE relation = 1")?,
        prompts: n("SELECT count(*) FROM prompt WHERE alias_of IS NULL")?,
        steps: n("SELECT count(*) FROM step WHERE alias_of IS NULL")?,
        changes: n("SELECT count(*) FROM change")?,
        snapshots: n("SELECT count(*) FROM snapshot")?,
        last_snapshot: conn.query_row(
            "SELECT max(max(ended, same_until)) FROM snapshot",
            [],
            |r| Ok(time(r.get(0)?)),
        )?,
        transcripts: n("SELECT count(DISTINCT path) FROM file WHERE owner <> 0")?,
        archived: n(
            "SELECT count(DISTINCT path) FROM file WHERE owner <> 0 AND gone_at IS NOT NULL",
        )?,
        since,
        until,
        agents: agents
            .into_iter()
            .filter_map(|(code, n)| Some((Agent::from_code(code)?, n.max(0) as u64)))
            .collect(),
    })
}

/// Records that were not understood, by type.
#[derive(Clone, Debug)]
pub struct UnknownRecord {
    /// Whose.
    pub agent: Agent,
    /// The agent's version, empty if it did not say.
    pub version: String,
    /// The record's type.
    pub record: String,
    /// How many.
    pub n: u64,
}

/// A line that could not be read.
#[derive(Clone, Debug)]
pub struct DamagedLine {
    /// The transcript.
    pub path: String,
    /// Where it begins.
    pub offset: u64,
    /// Its length in bytes.
    pub len: u64,
    /// Why.
    pub why: String,
}

/// What the transcripts held that was not understood.
#[derive(Clone, Debug, Default)]
pub struct Trouble {
    /// By type, most frequent first.
    pub unknown: Vec<UnknownRecord>,
    /// The first hundred.
    pub damaged: Vec<DamagedLine>,
    /// How many damaged lines there are in all.
    pub damaged_total: u64,
    /// Files beside transcripts that records name and that are not here: the first ten, each with why.
    pub missing: Vec<(String, String)>,
    /// How many of those there are in all.
    pub missing_total: u64,
}

/// Reads what was not understood.
pub(super) fn trouble(conn: &Connection) -> Result<Trouble> {
    let mut statement = conn.prepare(
        "SELECT agent, version, record, sum(n) FROM unknown_record GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 3, 2",
    )?;
    let unknown = statement
        .query_map([], |r| {
            Ok((
                r.get::<_, u8>(0)?,
                r.get(1)?,
                r.get(2)?,
                r.get::<_, i64>(3)?,
            ))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut statement = conn.prepare(
        "SELECT f.path, d.off, d.len, d.why FROM damage d JOIN file f ON f.id = d.file_id
          ORDER BY f.path, d.off LIMIT 100",
    )?;
    let damaged = statement
        .query_map([], |r| {
            Ok(DamagedLine {
                path: String::from_utf8_lossy(r.get_ref(0)?.as_bytes()?).into_owned(),
                offset: r.get::<_, i64>(1)?.max(0) as u64,
                len: r.get::<_, i64>(2)?.max(0) as u64,
                why: r.get(3)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let (missing_total, missing) = store::beside::missing(conn, 10)?;
    Ok(Trouble {
        missing,
        missing_total,
        unknown: unknown
            .into_iter()
            .filter_map(|(agent, version, record, n)| {
                Some(UnknownRecord {
                    agent: Agent::from_code(agent)?,
                    version,
                    record,
                    n: n.max(0) as u64,
                })
            })
            .collect(),
        damaged,
        damaged_total: conn
            .query_row("SELECT count(*) FROM damage", [], |r| r.get::<_, i64>(0))?
            .max(0) as u64,
    })
}

/// Versions of the formats that were read: agent, version, sessions, records not understood.
pub(super) fn formats(conn: &Connection) -> Result<Vec<(Agent, String, u64, u64)>> {
    let mut statement = conn.prepare(
        "SELECT agent, COALESCE(version, ''), count(*), sum(unknown) FROM session GROUP BY 1, 2 ORDER BY 1, 2",
    )?;
    let rows = statement
        .query_map([], |r| {
            Ok((
                r.get::<_, u8>(0)?,
                r.get::<_, String>(1)?,
                r.get::<_, i64>(2)?,
                r.get::<_, i64>(3)?,
            ))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(rows
        .into_iter()
        .filter_map(|(a, v, n, u)| {
            Some((Agent::from_code(a)?, v, n.max(0) as u64, u.max(0) as u64))
        })
        .collect())
}

/// The agent of every session, by the session's id.
pub(super) fn agents(conn: &Connection) -> Result<Vec<(String, Agent)>> {
    let mut statement = conn.prepare("SELECT pub, agent FROM session")?;
    let rows = statement
        .query_map([], |r| {
            let id = shown(r.get_ref(0)?.as_bytes()?, IdKind::Session);
            Ok((id, r.get::<_, u8>(1)?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(rows
        .into_iter()
        .filter_map(|(id, agent)| Some((id, Agent::from_code(agent)?)))
        .collect())
}

/// What agents' hooks told: agent, how many events, the first and the last.
pub(super) fn told(conn: &Connection) -> Result<Vec<(String, u64, Time, Time)>> {
    Ok(store::hooks::told(conn)?)
}

/// The version of SQLite that is built in.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
