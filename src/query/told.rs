//! What an agent's hooks told last of a session: whether it asked for a permission that nobody has answered yet, as far as
//! is known. That it was given, no hook tells: so this says that it was asked for, not that the agent still waits.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::types::SessionInfo;
use crate::model::{Agent, Time};
use crate::store::Result;
use crate::store::hooks::{self, AFTER_TOOL, ASKS, BEFORE_TOOL, HookEvent, SUBAGENT_STOP};

/// Agents whose hooks tell when they ask for a permission.
const TELL: [Agent; 4] = [Agent::Claude, Agent::Codex, Agent::Gemini, Agent::Copilot];
/// Events among which an open question is looked for.
const LAST: usize = 64;
/// One that was asked for longer ago than this counts as given up: the agent was killed, or nobody ever answers.
const OPEN_MS: u64 = 3_600_000;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    at: Time,
    tool: Option<String>,
}

/// Fills in what hooks told of a session.
pub(super) fn fill(conn: &Connection, info: &mut SessionInfo, now: Time) -> Result<()> {
    if !TELL.contains(&info.agent) {
        return Ok(());
    }
    let name = info.agent.name();
    let (session, lane) = match info.native_id.split_once('/') {
        Some((parent, own)) if info.subagent => (parent, Some(own)),
        _ => (info.native_id.as_str(), None),
    };
    let mut last = hooks::last_of_session(conn, name, session, LAST)?;
    last.retain(|e| lane.is_none() || e.subagent.as_deref() == lane);
    info.told_at = last.first().map(|e| e.at);
    let asked = open(&last);
    for asked in asked.into_iter().filter(|a| now.since(a.at) < OPEN_MS) {
        if still(conn, info, &asked)? {
            info.asked_at = info.asked_at.max(Some(asked.at));
        }
    }
    Ok(())
}

/// The questions after which nothing was told that follows an answer. The events come newest first.
fn open(last: &[HookEvent]) -> Vec<Asked> {
    let mut lanes: HashMap<Option<&str>, Asked> = HashMap::new();
    for event in last.iter().rev() {
        let lane = event.subagent.as_deref();
        let tool = event.tool.as_deref();
        match event.kind {
            ASKS => {
                let tool = tool.map(str::to_owned);
                lanes.insert(lane, Asked { at: event.at, tool });
            }
            // Tools that need no permission may run beside the one that does.
            BEFORE_TOOL | AFTER_TOOL => {
                let same =
                    |a: &Asked| a.tool.is_none() || tool.is_none() || a.tool.as_deref() == tool;
                if lanes.get(&lane).is_some_and(same) {
                    lanes.remove(&lane);
                }
            }
            SUBAGENT_STOP => drop(lanes.remove(&lane)),
            // A prompt, or the beginning or the end of a turn or a session.
            _ => lanes.clear(),
        }
    }
    lanes.into_values().collect()
}

/// Whether the record does not say otherwise: the tool has no result yet, or nothing was recorded since.
fn still(conn: &Connection, info: &SessionInfo, asked: &Asked) -> Result<bool> {
    if info.ended_at.is_none_or(|end| end < asked.at) {
        return Ok(true);
    }
    let mut q = conn.prepare_cached(
        "SELECT 1 FROM step s JOIN session e ON e.id = s.session_id
          WHERE s.status = 5 AND (e.id = ?1 OR e.parent_id = ?1) AND (?2 IS NULL OR s.tool = ?2)
            AND coalesce(s.started_at, s.at, 0) <= ?3 LIMIT 1",
    )?;
    Ok(q.exists(params![info.row.0, asked.tool, asked.at.0])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u8, at: i64, tool: &str, lane: Option<&str>) -> HookEvent {
        HookEvent {
            id: at,
            key: String::new(),
            agent: "claude".to_owned(),
            kind,
            session: "s".to_owned(),
            subagent: lane.map(str::to_owned),
            call: None,
            tool: Some(tool.to_owned()).filter(|t| !t.is_empty()),
            at: Time(at),
            cwd: Vec::new(),
            root: Vec::new(),
            shot: 0,
            snapshot: None,
        }
    }

    /// The moments of the questions that are open after these.
    fn asked(told: &[(u8, &str, Option<&str>)]) -> Vec<i64> {
        let mut events: Vec<_> = (0..)
            .zip(told)
            .map(|(at, (kind, tool, lane))| event(*kind, at, tool, *lane))
            .collect();
        events.reverse();
        let mut at: Vec<i64> = open(&events).iter().map(|a| a.at.0).collect();
        at.sort_unstable();
        at
    }

    #[test]
    fn a_question_is_open_until_something_follows_its_answer() {
        let sub = Some("sub");
        let before = (BEFORE_TOOL, "Bash", None);
        let asks = (ASKS, "Bash", None);
        assert_eq!(asked(&[]), [0; 0]);
        assert_eq!(asked(&[before, asks]), [1]);
        assert_eq!(asked(&[before, asks, (AFTER_TOOL, "Bash", None)]), [0; 0]);
        // Denied, and it goes on.
        assert_eq!(asked(&[before, asks, before]), [0; 0]);
        // Beside it something else was read.
        assert_eq!(asked(&[before, asks, (AFTER_TOOL, "Read", None)]), [1]);
        assert_eq!(asked(&[before, asks, (AFTER_TOOL, "Bash", sub)]), [1]);
        for over in [1, 2, 6, 8] {
            assert_eq!(asked(&[before, asks, (over, "", None)]), [0; 0], "{over}");
        }
        let both = [asks, (ASKS, "Edit", sub)];
        assert_eq!(asked(&both), [0, 1]);
        let one = [asks, (ASKS, "Edit", sub), (SUBAGENT_STOP, "", sub)];
        assert_eq!(asked(&one), [0]);
    }
}
