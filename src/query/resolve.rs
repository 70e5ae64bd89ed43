//! What users write for a step or a session: `@`, ids, prefixes, the agent's own ids, `SESSION/3.7`.

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension};

use super::refused::Refused;
use super::rows::shown;
use super::types::{SessionRow, StepRow};
use crate::model::{Agent, Id, IdKind, IdPrefix, key_hash};
use crate::store::Reader;

/// What a `STEP` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One step.
    Step(SessionRow, StepRow),
    /// A prompt: all its steps.
    Prompt(SessionRow, u32),
}

const FORMS: &str = "a STEP is @ (the newest), @~2, an id or at least 4 characters of one, \
    the agent's own call id, SESSION/3 (prompt 3) or SESSION/3.7 (its seventh step)";

/// Reads a `STEP`.
pub(super) fn target(conn: &Connection, text: &str) -> Result<Target> {
    if let Some(back) = newest(text)? {
        return step_back(conn, back);
    }
    if let Some((session, place)) = text.rsplit_once('/')
        && let Some((no, nth)) = numbers(place)
    {
        return in_session(conn, self::session(conn, session)?, no, nth);
    }
    if let Some(prefix) = IdPrefix::parse(text)
        && let Some(found) = by_id(conn, &prefix)?
    {
        return Ok(found);
    }
    if let Some(found) = by_call(conn, text)? {
        return Ok(found);
    }
    if text.len() >= 4
        && let Ok(found) = self::session(conn, text)
    {
        let id = session_id(conn, found)?;
        return Err(Refused::with_hint(
            format!("{text} is a session, not a step"),
            format!("{id}/3 is its third prompt, {id}/3.7 that prompt's seventh step"),
        ));
    }
    Err(Refused::with_hint(format!("no step {text}"), FORMS))
}

/// The step that a `STEP` stands for where one is needed: of a prompt the last one.
pub(super) fn step(conn: &Connection, text: &str) -> Result<(SessionRow, StepRow)> {
    match target(conn, text)? {
        Target::Step(session, step) => Ok((session, step)),
        Target::Prompt(session, no) => {
            let last: Option<i64> = conn
                .prepare_cached(
                    "SELECT id FROM step WHERE session_id = ?1 AND prompt_no = ?2 AND alias_of IS NULL
                      ORDER BY seq DESC LIMIT 1",
                )?
                .query_row((session.0, no), |r| r.get(0))
                .optional()?;
            match last {
                Some(id) => Ok((session, StepRow(id))),
                None => Err(Refused::because(format!("prompt {no} has no steps"))),
            }
        }
    }
}

/// `@` and `@~n`.
fn newest(text: &str) -> Result<Option<u32>> {
    let Some(rest) = text.strip_prefix('@') else {
        return Ok(None);
    };
    match rest.strip_prefix('~').map(str::parse) {
        None if rest.is_empty() => Ok(Some(0)),
        Some(Ok(n)) => Ok(Some(n)),
        _ => Err(Refused::with_hint(format!("no step {text}"), FORMS)),
    }
}

fn step_back(conn: &Connection, back: u32) -> Result<Target> {
    let found = conn
        .prepare_cached(
            "SELECT session_id, id FROM step WHERE alias_of IS NULL
              ORDER BY COALESCE(at, started_at) DESC NULLS LAST, id DESC LIMIT 1 OFFSET ?1",
        )?
        .query_row([back], |r| {
            Ok(Target::Step(SessionRow(r.get(0)?), StepRow(r.get(1)?)))
        })
        .optional()?;
    found.ok_or_else(|| match back {
        0 => Refused::with_hint(
            "no step is recorded here",
            "`regent-tui ingest` reads the sessions on this machine",
        ),
        _ => Refused::because(format!("there are not so many steps: @~{back}")),
    })
}

/// `3` or `3.7`.
fn numbers(place: &str) -> Option<(u32, Option<u32>)> {
    let (no, nth) = match place.split_once('.') {
        Some((no, nth)) => (no, Some(nth.parse().ok()?)),
        None => (place, None),
    };
    Some((no.parse().ok()?, nth))
}

fn in_session(conn: &Connection, session: SessionRow, no: u32, nth: Option<u32>) -> Result<Target> {
    let Some(nth) = nth else {
        let known: bool = conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM prompt WHERE session_id = ?1 AND no = ?2)
                     OR EXISTS (SELECT 1 FROM step WHERE session_id = ?1 AND prompt_no = ?2)",
            )?
            .query_row((session.0, no), |r| r.get(0))?;
        return match known {
            true => Ok(Target::Prompt(session, no)),
            false => Err(Refused::because(format!("the session has no prompt {no}"))),
        };
    };
    let found: Option<i64> = conn
        .prepare_cached(
            "SELECT id FROM step WHERE session_id = ?1 AND prompt_no = ?2 AND alias_of IS NULL
              ORDER BY seq LIMIT 1 OFFSET ?3",
        )?
        .query_row((session.0, no, i64::from(nth) - 1), |r| r.get(0))
        .optional()?;
    match found.filter(|_| nth > 0) {
        Some(id) => Ok(Target::Step(session, StepRow(id))),
        None => Err(Refused::because(format!("prompt {no} has no step {nth}"))),
    }
}

/// The public id of a step or prompt; `None` for what came before the first prompt.
pub fn public_id(reader: &Reader, target: Target) -> Result<Option<Id>> {
    let (sql, row, no) = match target {
        Target::Step(_, step) => ("SELECT pub FROM step WHERE id = ?1 AND ?2 = 0", step.0, 0),
        Target::Prompt(session, no) => (
            "SELECT pub FROM prompt WHERE session_id = ?1 AND no = ?2",
            session.0,
            no,
        ),
    };
    let id: Option<Vec<u8>> = reader
        .conn()
        .prepare_cached(sql)?
        .query_row((row, no), |r| r.get(0))
        .optional()?;
    Ok(id.and_then(|id| Id::from_bytes(&id)))
}

/// The step or prompt with this public id, as it is kept where rows would not last.
pub(super) fn by_public(conn: &Connection, id: &Id, prompt: bool) -> Result<Option<Target>> {
    let kind = if prompt { IdKind::Prompt } else { IdKind::Step };
    by_id(
        conn,
        &IdPrefix {
            kind,
            low: *id,
            high: *id,
        },
    )
}

/// By an id or the beginning of one. A copy leads to its home.
fn by_id(conn: &Connection, prefix: &IdPrefix) -> Result<Option<Target>> {
    let sql = match prefix.kind {
        IdKind::Session | IdKind::Rewind => return Ok(None),
        IdKind::Step => {
            "SELECT s.pub, h.session_id, h.id FROM step s JOIN step h ON h.id = COALESCE(s.alias_of, s.id)
              WHERE s.pub BETWEEN ?1 AND ?2 LIMIT 9"
        }
        IdKind::Prompt => {
            "SELECT s.pub, h.session_id, h.no FROM prompt s JOIN prompt h ON h.id = COALESCE(s.alias_of, s.id)
              WHERE s.pub BETWEEN ?1 AND ?2 LIMIT 9"
        }
    };
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query((prefix.low.0, prefix.high.0))?;
    let mut found: Vec<(String, Target)> = Vec::new();
    while let Some(row) = rows.next()? {
        let session = SessionRow(row.get(1)?);
        let target = match prefix.kind {
            IdKind::Prompt => Target::Prompt(session, row.get(2)?),
            _ => Target::Step(session, StepRow(row.get(2)?)),
        };
        if !found.iter().any(|(_, t)| *t == target) {
            found.push((shown(row.get_ref(0)?.as_bytes()?, prefix.kind), target));
        }
    }
    only(found)
}

/// By the agent's own call id.
fn by_call(conn: &Connection, text: &str) -> Result<Option<Target>> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT h.pub, h.session_id, h.id FROM step s JOIN step h ON h.id = COALESCE(s.alias_of, s.id)
          WHERE s.key_hash = ?1 LIMIT 9",
    )?;
    let rows = statement.query_map([key_hash(text)], |r| {
        let id = shown(r.get_ref(0)?.as_bytes()?, IdKind::Step);
        Ok((id, Target::Step(SessionRow(r.get(1)?), StepRow(r.get(2)?))))
    })?;
    if text.is_empty() {
        return Ok(None);
    }
    only(rows.collect::<rusqlite::Result<_>>()?)
}

/// One, none, or which ones there are.
fn only<T>(mut found: Vec<(String, T)>) -> Result<Option<T>> {
    if found.len() > 1 {
        let more = if found.len() > 8 { ", …" } else { "" };
        let names: Vec<_> = found.iter().take(8).map(|(id, _)| id.as_str()).collect();
        return Err(Refused::with_hint(
            format!("ambiguous: {}{more}", names.join(", ")),
            "write more of the id",
        ));
    }
    Ok(found.pop().map(|(_, value)| value))
}

/// Reads a `SESSION`: an id, the beginning of one, or the agent's own id or the beginning of it.
pub(super) fn session(conn: &Connection, text: &str) -> Result<SessionRow> {
    if text == "@" {
        let newest = conn
            .prepare_cached(
                "SELECT id FROM session WHERE relation IS NOT 1 OR parent_id IS NULL
                  ORDER BY COALESCE(ended_at, started_at) DESC NULLS LAST, id DESC LIMIT 1",
            )?
            .query_row([], |r| r.get(0))
            .optional()?;
        return newest
            .map(SessionRow)
            .ok_or_else(|| Refused::because("no session is recorded here"));
    }
    if let Some(prefix) = IdPrefix::parse(text).filter(|p| p.kind == IdKind::Session) {
        let mut statement =
            conn.prepare_cached("SELECT pub, id FROM session WHERE pub BETWEEN ?1 AND ?2 LIMIT 9")?;
        let found = statement
            .query_map((prefix.low.0, prefix.high.0), |r| {
                Ok((
                    shown(r.get_ref(0)?.as_bytes()?, IdKind::Session),
                    SessionRow(r.get(1)?),
                ))
            })?
            .collect::<rusqlite::Result<_>>()?;
        if let Some(found) = only(found)? {
            return Ok(found);
        }
    }
    by_native(conn, text)?.ok_or_else(|| {
        Refused::with_hint(
            format!("no session {text}"),
            "`regent-tui sessions` lists them; at least 4 characters of an id are needed",
        )
    })
}

/// By the agent's own id. Sub-agents' ids begin with their parent's, which is meant unless more is written.
fn by_native(conn: &Connection, text: &str) -> Result<Option<SessionRow>> {
    let mut statement = conn.prepare_cached(
        "SELECT native_id, id, agent FROM session WHERE native_id >= ?1 AND native_id < ?1 || char(1114111) LIMIT 500",
    )?;
    let all = statement
        .query_map([text], |r| {
            Ok((r.get::<_, String>(0)?, r.get(1)?, r.get(2)?))
        })?
        .collect::<rusqlite::Result<Vec<(String, i64, u8)>>>()?;
    let mut exact: Vec<_> = all.iter().filter(|(id, ..)| id == text).collect();
    if exact.is_empty() && text.len() >= 4 {
        exact = all
            .iter()
            .filter(|(id, ..)| !id[text.len()..].contains('/'))
            .collect();
        if exact.is_empty() {
            exact = all.iter().collect();
        }
    }
    let named = exact.into_iter().map(|(id, row, agent)| {
        let agent = Agent::from_code(*agent).map_or("", Agent::name);
        (format!("{id} ({agent})"), SessionRow(*row))
    });
    only(named.collect())
}

fn session_id(conn: &Connection, session: SessionRow) -> Result<String> {
    Ok(conn
        .prepare_cached("SELECT pub FROM session WHERE id = ?1")?
        .query_row([session.0], |r| {
            Ok(shown(r.get_ref(0)?.as_bytes()?, IdKind::Session))
        })?)
}
