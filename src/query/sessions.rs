//! The list of sessions, and one session as lists show it.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension, Row};

use super::refused::Refused;
use super::rows::{shown, test, time};
use super::types::{Expiring, SessionInfo, SessionList, SessionRow};
use super::{expiry, told};
use crate::model::{Agent, IdKind, Time};
use crate::source::{Places, SOURCES};

/// A session counts as live when its transcript was written less than this ago.
const LIVE_MS: u64 = 2 * 60 * 1000;

/// Of a session that was written longer ago, nobody asks what hooks told.
const TOLD_MS: u64 = 60 * 60 * 1000;

const SESSION: &str = "
    SELECT e.id, e.pub, e.agent, e.native_id, u.pub, e.relation, e.title, e.cwd, e.branch, e.model,
           e.started_at, e.ended_at, e.prompts, e.steps, e.edits + e.seen_edits, e.commands, e.failed,
           e.files_changed + e.seen_files, e.added + e.seen_added, e.removed + e.seen_removed, e.last_words, e.test,
           e.test_seq, nullif(max(coalesce(e.edit_seq, -1), coalesce(e.seen_seq, -1)), -1), e.belongs,
           e.tokens_in, e.tokens_out, e.tokens_cached, e.damaged, e.unknown
      FROM session e LEFT JOIN session u ON u.id = e.parent_id";

/// A transcript, or one generation of it.
struct File {
    agent: i64,
    path: Vec<u8>,
    mtime_ns: i64,
    gone: bool,
    foreign: bool,
}

/// Where the transcript of a session lies.
struct Files {
    newest: Option<String>,
    mtime_ns: i64,
    all_gone: bool,
}

/// The sessions, newest first. A sub-agent is listed only when its parent is not known: it must not be lost.
pub(super) fn list(conn: &Connection, places: &Places, now: Time) -> Result<SessionList> {
    let all = all_files(conn)?;
    let files = files_of_sessions(conn, &all)?;
    let sql = format!(
        "{SESSION} WHERE e.relation IS NOT 1 OR e.parent_id IS NULL
          ORDER BY COALESCE(e.ended_at, e.started_at) DESC NULLS LAST, e.id DESC"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    let mut sessions = Vec::new();
    while let Some(row) = rows.next()? {
        let mut info = session(row)?;
        if let Some(files) = files.get(&info.row.0) {
            place(conn, &mut info, files, now)?;
        }
        sessions.push(info);
    }
    Ok(SessionList {
        sessions,
        elsewhere: distinct(all.values().filter(|f| f.foreign)),
        looked_in: looked_in(&all, places),
        expiring: expiry::expiring(transcripts(&all), places, now),
    })
}

/// What agents are about to delete of their own.
pub(super) fn expiring(conn: &Connection, places: &Places, now: Time) -> Result<Vec<Expiring>> {
    let all = all_files(conn)?;
    Ok(expiry::expiring(transcripts(&all), places, now))
}

/// The transcripts that are there.
fn transcripts(all: &HashMap<i64, File>) -> impl Iterator<Item = expiry::Transcript<'_>> + Clone {
    all.values()
        .filter(|f| !f.gone)
        .map(|f| expiry::Transcript {
            agent: f.agent,
            path: &f.path,
            mtime_ns: f.mtime_ns,
            kept: !f.foreign,
        })
}

/// How many paths: a file that was replaced is there once for each of its generations.
fn distinct<'f>(files: impl Iterator<Item = &'f File>) -> u32 {
    let paths: HashSet<&[u8]> = files.map(|f| &*f.path).collect();
    paths.len() as u32
}

/// One session.
pub(super) fn one(conn: &Connection, row: SessionRow, now: Time) -> Result<SessionInfo> {
    let sql = format!("{SESSION} WHERE e.id = ?1");
    let mut info = conn
        .prepare_cached(&sql)?
        .query_row([row.0], session)
        .optional()?
        .ok_or_else(|| Refused::because("this session is no longer in the store"))?;
    let mut statement = conn.prepare_cached(
        "SELECT f.path, f.mtime_ns, f.gone_at IS NOT NULL FROM session_file s JOIN file f ON f.id = s.file_id
          WHERE s.session_id = ?1",
    )?;
    let mut rows = statement.query([row.0])?;
    let mut files = None;
    while let Some(row) = rows.next()? {
        let files = files.get_or_insert_with(Files::none);
        files.add(row.get_ref(0)?.as_bytes()?, row.get(1)?, row.get(2)?);
    }
    if let Some(files) = &files {
        place(conn, &mut info, files, now)?;
    }
    Ok(info)
}

impl Files {
    /// None yet: all of none are gone until one is found that is not.
    fn none() -> Files {
        Files {
            all_gone: true,
            mtime_ns: i64::MIN,
            newest: None,
        }
    }

    fn add(&mut self, path: &[u8], mtime_ns: i64, gone: bool) {
        if self.newest.is_none() || mtime_ns > self.mtime_ns {
            self.mtime_ns = mtime_ns;
            self.newest = Some(String::from_utf8_lossy(path).into_owned());
        }
        self.all_gone &= gone;
    }
}

/// Every file, by its row. One scan serves all that the list says of files.
fn all_files(conn: &Connection) -> Result<HashMap<i64, File>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, agent, path, mtime_ns, gone_at IS NOT NULL, owner = 0 FROM file",
    )?;
    let rows = statement.query_map([], |row| {
        let file = File {
            agent: row.get(1)?,
            path: row.get_ref(2)?.as_bytes()?.to_vec(),
            mtime_ns: row.get(3)?,
            gone: row.get(4)?,
            foreign: row.get(5)?,
        };
        Ok((row.get(0)?, file))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn files_of_sessions(conn: &Connection, all: &HashMap<i64, File>) -> Result<HashMap<i64, Files>> {
    let mut statement = conn.prepare_cached("SELECT session_id, file_id FROM session_file")?;
    let mut rows = statement.query([])?;
    let mut out: HashMap<i64, Files> = HashMap::new();
    while let Some(row) = rows.next()? {
        if let Some(file) = all.get(&row.get(1)?) {
            let files = out.entry(row.get(0)?).or_insert_with(Files::none);
            files.add(&file.path, file.mtime_ns, file.gone);
        }
    }
    Ok(out)
}

/// Where its transcript lies, and whether it is live.
fn place(conn: &Connection, info: &mut SessionInfo, files: &Files, now: Time) -> Result<()> {
    info.source.clone_from(&files.newest);
    info.archived = files.all_gone;
    // 0: it was being written when it was looked at last, so its own last record says more.
    let written = match (files.mtime_ns, info.ended_at) {
        (0, Some(end)) => end,
        (ns, _) => Time(ns.div_euclid(1_000_000)),
    };
    // A clock that is ahead makes a file of the future; that is no reason to follow it for ever.
    let fresh =
        |at: Time| at <= Time(now.0.saturating_add(LIVE_MS as i64)) && now.since(at) < LIVE_MS;
    if now.since(written) < TOLD_MS {
        told::fill(conn, info, now)?;
    }
    let told = info.asked_at.is_some() || info.told_at.is_some_and(fresh);
    info.live = !files.all_gone && (fresh(written) || told);
    Ok(())
}

fn session(row: &Row<'_>) -> rusqlite::Result<SessionInfo> {
    let title: Option<String> = row.get(6)?;
    let (test_seq, edit_seq): (Option<i64>, Option<i64>) = (row.get(22)?, row.get(23)?);
    let (damaged, unknown): (i64, i64) = (row.get(28)?, row.get(29)?);
    let unsigned = |n: i64| n.max(0) as u64;
    Ok(SessionInfo {
        row: SessionRow(row.get(0)?),
        id: shown(row.get_ref(1)?.as_bytes()?, IdKind::Session),
        agent: Agent::from_code(row.get(2)?).unwrap_or(Agent::Claude),
        native_id: row.get(3)?,
        parent_id: row
            .get::<_, Option<Vec<u8>>>(4)?
            .map(|p| shown(&p, IdKind::Session)),
        subagent: row.get::<_, Option<i64>>(5)? == Some(1),
        title: super::title::one_line(title.as_deref().unwrap_or_default(), 200),
        cwd: row.get(7)?,
        branch: row.get(8)?,
        model: row.get(9)?,
        started_at: time(row.get(10)?),
        ended_at: time(row.get(11)?),
        prompts: row.get(12)?,
        steps: row.get(13)?,
        edits: row.get(14)?,
        commands: row.get(15)?,
        failed: row.get(16)?,
        files_changed: row.get(17)?,
        added: unsigned(row.get(18)?),
        removed: unsigned(row.get(19)?),
        last_words: row.get(20)?,
        test: test(row.get(21)?),
        test_stale: matches!((test_seq, edit_seq), (Some(t), Some(e)) if t < e),
        source: None,
        archived: false,
        live: false,
        told_at: None,
        asked_at: None,
        visited_only: row.get::<_, i64>(24)? == 2,
        tokens: (
            unsigned(row.get(25)?),
            unsigned(row.get(26)?),
            unsigned(row.get(27)?),
        ),
        warnings: warnings(damaged, unknown),
    })
}

fn warnings(damaged: i64, unknown: i64) -> Vec<String> {
    let mut out = Vec::new();
    let plural = |n: i64| if n == 1 { "" } else { "s" };
    if damaged > 0 {
        out.push(format!("{damaged} damaged line{}", plural(damaged)));
    }
    if unknown > 0 {
        out.push(format!(
            "{unknown} record{} not understood",
            plural(unknown)
        ));
    }
    out
}

/// The folders that are looked in, and how many transcripts were found under each.
fn looked_in(files: &HashMap<i64, File>, places: &Places) -> Vec<(String, u32)> {
    let mut out = Vec::new();
    for source in SOURCES {
        for root in source.roots(places) {
            let mut prefix = root.as_os_str().as_bytes().to_vec();
            if prefix.last() != Some(&b'/') {
                prefix.push(b'/');
            }
            let agent = source.agent() as i64;
            let here = |f: &&File| f.agent == agent && !f.gone && f.path.starts_with(&prefix);
            out.push((
                root.to_string_lossy().into_owned(),
                distinct(files.values().filter(here)),
            ));
        }
    }
    out
}
