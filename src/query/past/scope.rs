//! Which steps are undone: those of the target's session and its sub-agents that come after the target, or only those
//! of the target.

use std::collections::HashMap;

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Question, Reach};
use crate::model::{Id, Time};
use crate::query::resolve::Target;
use crate::query::types::{SessionRow, StepRow};
use crate::store::journal;

/// A step's place in its session.
type Place = (u32, u32);

/// Sub-agents' sessions, with the step of the session above all that started them, and its place.
type Children = HashMap<SessionRow, (Option<Place>, Option<StepRow>)>;

/// Which steps are undone.
pub(super) struct Scope {
    question_before: bool,
    pub(super) only: bool,
    pub(super) reach: Reach,
    session: SessionRow,
    /// The target's own place; a prompt ends at its last step.
    place: Place,
    prompt: Option<u32>,
    step: Option<StepRow>,
    time: Option<Time>,
    /// Sub-agents below the session, with the place of the step of the session that started them.
    children: Children,
}

impl Scope {
    pub(super) fn load(conn: &Connection, q: &Question<'_>) -> Result<Scope> {
        let (session, place, prompt, step, time) = match q.target {
            Target::Step(session, step) => {
                let (no, seq, at): (u32, u32, Option<i64>) = conn
                    .prepare_cached(
                        "SELECT prompt_no, seq, COALESCE(at, started_at) FROM step WHERE id = ?1",
                    )?
                    .query_row([step.0], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
                (session, (no, seq), None, Some(step), at)
            }
            Target::Prompt(session, no) => {
                let at = if q.before {
                    conn.prepare_cached("SELECT at FROM prompt WHERE session_id = ?1 AND no = ?2")?
                        .query_row(params![session.0, no], |r| r.get(0))
                        .optional()?
                        .flatten()
                } else {
                    conn.prepare_cached(
                        "SELECT max(at) FROM step WHERE session_id = ?1 AND prompt_no <= ?2",
                    )?
                    .query_row(params![session.0, no], |r| r.get(0))?
                };
                let place = if q.before { (no, 0) } else { (no, u32::MAX) };
                (session, place, Some(no), None, at)
            }
        };
        Ok(Scope {
            question_before: q.before,
            only: q.only,
            reach: q.reach,
            session,
            place,
            prompt,
            step,
            time: time.map(Time),
            children: children(conn, session)?,
        })
    }

    pub(super) fn sessions(&self) -> impl Iterator<Item = SessionRow> {
        std::iter::once(self.session).chain(self.children.keys().copied())
    }

    fn later(&self, place: Place) -> bool {
        if self.question_before {
            place >= self.place
        } else {
            place > self.place
        }
    }

    pub(super) fn later_time(&self, time: Option<Time>) -> bool {
        match (time, self.time) {
            (Some(t), Some(target)) if self.question_before => t >= target,
            (Some(t), Some(target)) => t > target,
            _ => false,
        }
    }

    /// Whether a step is undone.
    pub(super) fn undoes(
        &self,
        session: SessionRow,
        place: Place,
        step: StepRow,
        end: Option<Time>,
    ) -> bool {
        let child = self.children.get(&session);
        if self.only {
            return match (self.prompt, self.step, child) {
                (Some(no), _, None) => session == self.session && place.0 == no,
                (Some(no), _, Some((spawn, _))) => spawn.is_some_and(|p| p.0 == no),
                (None, Some(target), None) => step == target,
                (None, target, Some((_, spawn))) => spawn.is_some() && *spawn == target,
                (None, None, None) => false,
            };
        }
        if session == self.session {
            return self.later(place);
        }
        match child {
            Some((Some(spawn), _)) if self.later(*spawn) => true,
            // Begun before the target: in the background it may have gone on after it.
            Some(_) => self.later_time(end),
            None => self.reach != Reach::Session && self.later_time(end),
        }
    }

    /// Whether something at this time that is no step of a session belongs to it.
    pub(super) fn undoes_rewind(&self, op: &journal::Op, sessions: &[Id]) -> bool {
        !self.only
            && self.later_time(Some(op.at))
            && (self.reach != Reach::Session || op.sessions.iter().any(|s| sessions.contains(s)))
    }
}

/// The sub-agents below a session.
fn children(conn: &Connection, session: SessionRow) -> Result<Children> {
    let mut q = conn.prepare_cached(
        "SELECT c.id, c.parent_id, c.spawn_step, t.session_id, t.prompt_no, t.seq
           FROM session c LEFT JOIN step t ON t.id = c.spawn_step WHERE c.relation = 1 AND c.parent_id IS NOT NULL",
    )?;
    let rows = q.query_map([], |r| {
        let spawn: Option<i64> = r.get(2)?;
        let place: Option<(i64, Place)> = match spawn {
            Some(_) => r
                .get::<_, Option<i64>>(3)?
                .map(|s| Ok::<_, rusqlite::Error>((s, (r.get(4)?, r.get(5)?))))
                .transpose()?,
            None => None,
        };
        Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?, spawn, place))
    })?;
    let all: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    let mut found: Children = HashMap::new();
    for _ in 0..crate::query::timeline::DEPTH {
        for (id, parent, spawn, place) in &all {
            let row = SessionRow(*id);
            if row == session || found.contains_key(&row) {
                continue;
            }
            // A step of the session itself started it, or one of a sub-agent that is known by now.
            let home = place.map_or(*parent, |(s, _)| s);
            if home == session.0 {
                found.insert(row, (place.map(|p| p.1), spawn.map(StepRow)));
            } else if let Some(above) = found.get(&SessionRow(home)).copied() {
                found.insert(row, above);
            }
        }
    }
    Ok(found)
}
