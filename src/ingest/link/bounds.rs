//! When a step really ran, where the agent's hooks told it: a command begins after the event before the tool and ends
//! before the one after it. Records say less: calls that wait for one another carry the moment at which all were asked
//! for, and a result comes when the agent gets to writing it.
//!
//! An event belongs to a step by the call's id. Of agents that do not tell that one, by session and tool, and only if no
//! other step and no other pair of events could be meant. Events that are far from the record are of another clock, or
//! of another step, and are not believed.

use color_eyre::Result;
use rusqlite::{Connection, params};

use crate::model::{Agent, key_hash};
use crate::store::hooks::{self, AFTER_TOOL, BEFORE_TOOL, HookEvent};

/// Events and records have one clock, but are not written at the same moment.
const NEAR_MS: i64 = 5_000;
/// Where no id is told, the record has one moment only, at either end of the step.
const FAR_MS: i64 = 600_000;
/// A step without a result is looked for no longer than this.
const OPEN_MS: i64 = 3_600_000;
/// Agents that do not tell the call's id.
const WITHOUT_IDS: [Agent; 2] = [Agent::Gemini, Agent::Copilot];

/// A step as its record has it.
pub(super) struct Recorded {
    pub session: i64,
    pub agent: Agent,
    /// The agent's id of the session; of a sub-agent's behind that of its parent.
    pub native: String,
    pub subagent: bool,
    pub key_hash: i64,
    pub tool: Option<String>,
    pub start: i64,
    pub end: Option<i64>,
}

/// When it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ran {
    pub start: i64,
    /// `None`: it has no result yet.
    pub end: Option<i64>,
}

/// How far outside of its record a step may have run, as far as hooks told anything.
pub(super) fn reach(conn: &Connection) -> Result<i64> {
    let any = |sql: &str| conn.prepare_cached(sql)?.exists([]);
    Ok(if !any("SELECT 1 FROM hook_event LIMIT 1")? {
        0
    } else if any("SELECT 1 FROM hook_event WHERE agent IN ('gemini', 'copilot') LIMIT 1")? {
        FAR_MS
    } else {
        NEAR_MS
    })
}

/// From when on windows must be looked at again because of events that are newer than row `after`.
pub(super) fn first_of_told(conn: &Connection, after: i64) -> Result<Option<i64>> {
    let mut first: Option<i64> = None;
    for event in hooks::newer_than(conn, after)? {
        if !matches!(event.kind, BEFORE_TOOL | AFTER_TOOL) {
            continue;
        }
        let began = match &event.call {
            Some(call) => began(conn, &event, call)?,
            // The step of which it tells may have begun that much earlier, and so may its windows.
            None => Some(event.at.0 - FAR_MS),
        };
        let at = began.map_or(event.at.0, |began| began.min(event.at.0));
        first = Some(first.map_or(at, |f| f.min(at)));
    }
    Ok(first)
}

/// When the step of a call began, by its record, if that was read already.
fn began(conn: &Connection, event: &HookEvent, call: &str) -> Result<Option<i64>> {
    Ok(conn
        .prepare_cached(
            "SELECT min(coalesce(s.started_at, s.at)) FROM step s JOIN session e ON e.id = s.session_id
              WHERE s.key_hash = ?1 AND (e.native_id = ?2 OR e.native_id = ?2 || '/' || ?3)",
        )?
        .query_row(params![key_hash(call), event.session, event.subagent], |r| r.get(0))?)
}

/// When a step ran: as the hooks told, else as its record has it.
pub(super) fn ran(conn: &Connection, step: &Recorded) -> Result<Ran> {
    let recorded = Ran {
        start: step.start,
        end: step.end,
    };
    let (session, subagent) = match step.native.split_once('/') {
        Some((parent, own)) if step.subagent => (parent, Some(own)),
        _ => (step.native.as_str(), None),
    };
    let told = match WITHOUT_IDS.contains(&step.agent) {
        false => {
            let until = step.end.unwrap_or(step.start + OPEN_MS) + NEAR_MS;
            let name = step.agent.name();
            let all = hooks::of_tools(conn, name, session, (step.start - NEAR_MS, until))?;
            by_id(&all, step.key_hash)
        }
        true => by_order(conn, step, (session, subagent))?,
    };
    let (start, end) = (told.0.unwrap_or(step.start), told.1.or(step.end));
    Ok(match end {
        // Told in an order in which nothing runs.
        Some(end) if end < start => recorded,
        end => Ran { start, end },
    })
}

/// The events of a call: it began after the last one before it, and ended before the first one after it.
fn by_id(all: &[HookEvent], key: i64) -> (Option<i64>, Option<i64>) {
    let of = |kind: u8| {
        let mine = move |e: &&HookEvent| {
            e.kind == kind && e.call.as_deref().is_some_and(|call| key_hash(call) == key)
        };
        all.iter().filter(mine).map(|e| e.at.0)
    };
    (of(BEFORE_TOOL).max(), of(AFTER_TOOL).min())
}

/// The one pair of events that can be about a step, if the step is the only one that it can be about.
fn by_order(
    conn: &Connection,
    step: &Recorded,
    (session, subagent): (&str, Option<&str>),
) -> Result<(Option<i64>, Option<i64>)> {
    let Some(tool) = &step.tool else {
        return Ok((None, None));
    };
    let until = step.end.unwrap_or(step.start + OPEN_MS) + FAR_MS;
    let name = step.agent.name();
    let all = hooks::of_tools(conn, name, session, (step.start - FAR_MS, until))?;
    let is_about = |(start, end): (i64, Option<i64>)| {
        start - NEAR_MS <= step.end.unwrap_or(i64::MAX)
            && end.is_none_or(|end| end + NEAR_MS >= step.start)
    };
    let mut found = pairs(&all, subagent, tool)
        .into_iter()
        .filter(|p| is_about(*p));
    let (Some((start, end)), None) = (found.next(), found.next()) else {
        return Ok((None, None));
    };
    let others: i64 = conn
        .prepare_cached(
            "SELECT count(*) FROM step WHERE session_id = ?1 AND tool = ?2 AND alias_of IS NULL
              AND coalesce(started_at, at) <= ?4 AND coalesce(at, started_at) >= ?3",
        )?
        .query_row(
            params![
                step.session,
                tool,
                start - NEAR_MS,
                end.map_or(i64::MAX, |end| end + NEAR_MS)
            ],
            |r| r.get(0),
        )?;
    Ok(match others {
        1 => (Some(start), end),
        _ => (None, None),
    })
}

/// The events of one tool, before and after. What ran twice at once cannot be told apart: it is no pair.
fn pairs(all: &[HookEvent], subagent: Option<&str>, tool: &str) -> Vec<(i64, Option<i64>)> {
    let mut out: Vec<(i64, Option<i64>)> = Vec::new();
    let mut open: Vec<i64> = Vec::new();
    let mut mixed = false;
    let mine = |e: &&HookEvent| {
        e.call.is_none() && e.subagent.as_deref() == subagent && e.tool.as_deref() == Some(tool)
    };
    for event in all.iter().filter(mine) {
        if event.kind == BEFORE_TOOL {
            open.push(event.at.0);
            mixed |= open.len() > 1;
            continue;
        }
        let began = open.pop();
        if let (Some(began), false) = (began, mixed) {
            out.push((began, Some(event.at.0)));
        }
        mixed &= !open.is_empty();
    }
    if let ([began], false) = (open.as_slice(), mixed) {
        out.push((*began, None));
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::Time;

    fn event(kind: u8, at: i64, call: Option<&str>) -> HookEvent {
        HookEvent {
            id: 0,
            key: String::new(),
            agent: "claude".to_owned(),
            kind,
            session: "s".to_owned(),
            subagent: None,
            call: call.map(str::to_owned),
            tool: Some("Bash".to_owned()),
            at: Time(at),
            cwd: Vec::new(),
            root: Vec::new(),
            shot: 0,
            snapshot: None,
        }
    }

    #[test]
    fn the_narrowest_that_was_told_of_a_call() {
        let all = [
            event(BEFORE_TOOL, 10, Some("a")),
            event(BEFORE_TOOL, 12, Some("a")),
            event(BEFORE_TOOL, 13, Some("b")),
            event(AFTER_TOOL, 20, Some("a")),
            event(AFTER_TOOL, 22, Some("a")),
        ];
        assert_eq!(by_id(&all, key_hash("a")), (Some(12), Some(20)));
        assert_eq!(by_id(&all, key_hash("b")), (Some(13), None));
        assert_eq!(by_id(&all, key_hash("c")), (None, None));
    }

    #[test]
    fn without_ids_only_what_ran_alone_is_a_pair() {
        let at = |kind, at| event(kind, at, None);
        let all = [
            at(BEFORE_TOOL, 1),
            at(AFTER_TOOL, 2),
            // Two at once, of which nobody knows which ended first.
            at(BEFORE_TOOL, 3),
            at(BEFORE_TOOL, 4),
            at(AFTER_TOOL, 5),
            at(AFTER_TOOL, 6),
            // One whose beginning was not told.
            at(AFTER_TOOL, 7),
            at(BEFORE_TOOL, 8),
        ];
        assert_eq!(pairs(&all, None, "Bash"), [(1, Some(2)), (8, None)]);
        assert_eq!(pairs(&all, Some("sub"), "Bash"), []);
        assert_eq!(pairs(&all, None, "Edit"), []);
    }
}
