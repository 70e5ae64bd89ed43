//! Every session of this repository in one timeline: the work of several agents on one thing, in the order in which they
//! were told to do it.
//!
//! A prompt and its steps stay together, so what two agents did at the same time stands under two headings, each whole;
//! the steps of one answer are never torn apart by those of another.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use color_eyre::Result;
use rusqlite::Connection;

use super::refused::Refused;
use super::timeline::{self, Children};
use super::types::{PromptHead, RewindEntry, SessionInfo, SessionRow, StepLite, Timeline};
use crate::model::Time;

/// A prompt of a session, before it has a place among those of the others.
struct Placed {
    at: Time,
    /// Which of the sessions.
    of: usize,
    /// Which of its prompts.
    prompt: usize,
}

/// The timeline of all these sessions, which are given newest first.
pub(super) fn timeline(conn: &Connection, sessions: Vec<SessionInfo>) -> Result<Timeline> {
    let Some(newest) = sessions.first() else {
        return Err(Refused::because("there is no session yet"));
    };
    let all = together(newest, &sessions);
    let children = Children::load(conn)?;
    let each = sessions
        .into_iter()
        .map(|session| timeline::with(conn, &children, session))
        .collect::<Result<Vec<_>>>()?;
    let mut order: Vec<Placed> = Vec::new();
    for (of, timeline) in each.iter().enumerate() {
        // No prompt stands before an earlier one of its session, and one without a time where that one stands.
        let mut at = timeline.session.started_at.unwrap_or(Time(i64::MIN));
        for (prompt, head) in timeline.prompts.iter().enumerate() {
            at = at.max(head.at.unwrap_or(at));
            order.push(Placed { at, of, prompt });
        }
    }
    // Of two that began at once the older session goes first.
    order.sort_by_key(|p| (p.at, Reverse(p.of), p.prompt));
    Ok(merged(all, &each, &order))
}

/// What is said of all of them.
fn together(newest: &SessionInfo, sessions: &[SessionInfo]) -> SessionInfo {
    SessionInfo {
        row: SessionRow::ALL,
        id: SessionRow::ALL_ID.to_owned(),
        native_id: String::new(),
        parent_id: None,
        title: "every session".to_owned(),
        started_at: sessions.iter().filter_map(|s| s.started_at).min(),
        ended_at: sessions.iter().filter_map(|s| s.ended_at).max(),
        prompts: sessions.iter().map(|s| s.prompts).sum(),
        steps: sessions.iter().map(|s| s.steps).sum(),
        live: sessions.iter().any(|s| s.live),
        archived: sessions.iter().all(|s| s.archived),
        warnings: Vec::new(),
        ..newest.clone()
    }
}

fn merged(session: SessionInfo, each: &[Timeline], order: &[Placed]) -> Timeline {
    let mut prompts: Vec<PromptHead> = Vec::with_capacity(order.len());
    let mut steps: Vec<StepLite> = Vec::with_capacity(each.iter().map(|t| t.steps.len()).sum());
    let mut rewinds: HashMap<i64, RewindEntry> = HashMap::new();
    for (index, placed) in (0..).zip(order) {
        let timeline = &each[placed.of];
        let head = &timeline.prompts[placed.prompt];
        let from = steps.len() as u32;
        let own = head.steps.start as usize..head.steps.end as usize;
        steps.extend_from_slice(&timeline.steps[own]);
        prompts.push(PromptHead {
            agent: Some(timeline.session.agent),
            steps: from..steps.len() as u32,
            ..head.clone()
        });
        let here = |r: &&RewindEntry| r.prompt as usize == placed.prompt;
        for rewind in timeline.rewinds.iter().filter(here) {
            let entry = RewindEntry {
                prompt: index,
                place: from + rewind.place.saturating_sub(head.steps.start),
                // What it undid is in several places here.
                undone: None,
                ..rewind.clone()
            };
            // One that undid the work of several sessions stands once, where it comes last.
            rewinds.insert(rewind.op, entry);
        }
    }
    let mut rewinds: Vec<RewindEntry> = rewinds.into_values().collect();
    rewinds.sort_by_key(|r| (r.prompt, r.place, r.op));
    Timeline {
        session,
        prompts,
        steps: Arc::new(steps),
        rewinds,
    }
}
