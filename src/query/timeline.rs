//! A session's prompts and steps in reading order, its sub-agents' steps behind the step that started them.
//!
//! One scan of `step_order` for each session of the tree, and no query per row: a session may have a million steps.

use std::collections::HashMap;
use std::sync::Arc;

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension};

use super::rows::{kind, shown, status, test, time, via};
use super::types::{
    PromptDetail, PromptHead, PromptRow, SessionInfo, SessionRow, StepLite, StepRow, Timeline,
};
use crate::model::{IdKind, StepKind, Time, Via};
use crate::store::Reader;

/// How deep sub-agents of sub-agents are followed; a bound for a store that claims a circle.
pub(super) const DEPTH: u8 = 8;

/// A sub-agent's session and where it hangs on its parent.
#[derive(Clone, Copy, Debug)]
struct Child {
    session: i64,
    prompt_no: u32,
}

/// The sessions below one: those that a known step started, and those that hang on a prompt only.
#[derive(Default)]
pub(super) struct Children {
    by_step: HashMap<i64, Vec<Child>>,
    by_session: HashMap<i64, Vec<Child>>,
}

impl Children {
    /// Reads how sessions hang together. There are few sessions beside steps: one scan.
    pub(super) fn load(conn: &Connection) -> Result<Children> {
        let mut statement = conn.prepare_cached(
            "SELECT id, parent_id, spawn_step, spawn_prompt_no FROM session
              WHERE relation = 1 AND parent_id IS NOT NULL ORDER BY started_at, id",
        )?;
        let mut rows = statement.query([])?;
        let mut out = Children::default();
        while let Some(row) = rows.next()? {
            let (parent, step): (i64, Option<i64>) = (row.get(1)?, row.get(2)?);
            let child = Child {
                session: row.get(0)?,
                prompt_no: row.get::<_, Option<u32>>(3)?.unwrap_or(0),
            };
            match step {
                Some(step) => out.by_step.entry(step).or_default().push(child),
                None => out.by_session.entry(parent).or_default().push(child),
            }
        }
        Ok(out)
    }
}

/// A step as the scan finds it, with the number of its prompt in the session that was asked for.
pub(super) struct Placed {
    pub lite: StepLite,
    pub prompt_no: u32,
}

/// All steps of a session and its sub-agents, in timeline order.
pub(super) fn placed(conn: &Connection, session: SessionRow) -> Result<Vec<Placed>> {
    placed_with(conn, &Children::load(conn)?, session)
}

fn placed_with(conn: &Connection, children: &Children, session: SessionRow) -> Result<Vec<Placed>> {
    let mut out = Vec::new();
    walk(conn, children, session.0, 0, None, &mut out)?;
    Ok(out)
}

fn walk(
    conn: &Connection,
    children: &Children,
    session: i64,
    depth: u8,
    prompt_no: Option<u32>,
    out: &mut Vec<Placed>,
) -> Result<()> {
    // A statement of its own for each level: they are open at the same time.
    let mut statement = conn.prepare_cached(
        "SELECT id, prompt_no, kind, status, coalesce(added, seen_added) IS NOT NULL, test, off_path FROM step
          WHERE session_id = ?1 AND alias_of IS NULL ORDER BY prompt_no, seq",
    )?;
    let mut rows = statement.query([session])?;
    let loose = children.by_session.get(&session).map_or(&[][..], |v| v);
    let mut hung = vec![false; loose.len()];
    let mut current = 0;
    while let Some(row) = rows.next()? {
        let (id, own_no): (i64, u32) = (row.get(0)?, row.get(1)?);
        if own_no != current {
            hang(
                conn,
                children,
                loose,
                &mut hung,
                own_no,
                (depth, prompt_no),
                out,
            )?;
            current = own_no;
        }
        out.push(Placed {
            prompt_no: prompt_no.unwrap_or(own_no),
            lite: StepLite {
                row: StepRow(id),
                kind: kind(row.get(2)?),
                status: status(row.get(3)?),
                changed: row.get(4)?,
                test: test(row.get(5)?),
                depth,
                off_path: row.get(6)?,
            },
        });
        if depth < DEPTH
            && let Some(started) = children.by_step.get(&id)
        {
            for child in started {
                let no = prompt_no.unwrap_or(own_no);
                walk(conn, children, child.session, depth + 1, Some(no), out)?;
            }
        }
    }
    hang(
        conn,
        children,
        loose,
        &mut hung,
        u32::MAX,
        (depth, prompt_no),
        out,
    )
}

/// Sub-agents of which only the prompt is known, behind the last step of that prompt.
fn hang(
    conn: &Connection,
    children: &Children,
    loose: &[Child],
    hung: &mut [bool],
    before: u32,
    (depth, prompt_no): (u8, Option<u32>),
    out: &mut Vec<Placed>,
) -> Result<()> {
    for (child, done) in loose.iter().zip(hung) {
        if !*done && child.prompt_no < before && depth < DEPTH {
            *done = true;
            let no = prompt_no.unwrap_or(child.prompt_no);
            walk(conn, children, child.session, depth + 1, Some(no), out)?;
        }
    }
    Ok(())
}

/// The timeline.
pub(super) fn timeline(conn: &Connection, session: SessionInfo) -> Result<Timeline> {
    with(conn, &Children::load(conn)?, session)
}

/// The same, for those who ask for several.
pub(super) fn with(
    conn: &Connection,
    children: &Children,
    session: SessionInfo,
) -> Result<Timeline> {
    let placed = placed_with(conn, children, session.row)?;
    let mut heads = heads(conn, session.row)?;
    let mut steps = Vec::with_capacity(placed.len());
    let mut ranges: HashMap<u32, std::ops::Range<u32>> = HashMap::new();
    for step in placed {
        let at = steps.len() as u32;
        ranges
            .entry(step.prompt_no)
            .and_modify(|r| r.end = at + 1)
            .or_insert(at..at + 1);
        steps.push(step.lite);
    }
    // Prompts without steps stand where their steps would be; steps of a prompt that is a copy (an alias) still show.
    let mut numbers: Vec<u32> = ranges.keys().copied().collect();
    numbers.retain(|no| !heads.iter().any(|h| h.no == *no));
    for no in numbers {
        heads.push(PromptHead {
            session: session.row,
            agent: None,
            row: None,
            no,
            at: None,
            via: Via::Typed,
            head: String::new(),
            off_path: false,
            steps: 0..0,
        });
    }
    heads.sort_by_key(|h| h.no);
    let mut end = 0;
    for head in &mut heads {
        head.steps = ranges.remove(&head.no).unwrap_or(end..end);
        end = head.steps.end;
    }
    let rewinds = super::rewinds::of_timeline(conn, session.row, &heads, &steps)?;
    Ok(Timeline {
        session,
        prompts: heads,
        steps: Arc::new(steps),
        rewinds,
    })
}

/// The prompts of a session that are its own.
pub(super) fn heads(conn: &Connection, session: SessionRow) -> Result<Vec<PromptHead>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, no, at, via, head, off_path FROM prompt
          WHERE session_id = ?1 AND alias_of IS NULL ORDER BY no",
    )?;
    let rows = statement.query_map([session.0], |row| {
        Ok(PromptHead {
            session,
            agent: None,
            row: Some(PromptRow(row.get(0)?)),
            no: row.get(1)?,
            at: time(row.get(2)?),
            via: via(row.get(3)?),
            head: row.get(4)?,
            off_path: row.get(5)?,
            steps: 0..0,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A prompt, whole, with the agent's last message under it.
pub(super) fn prompt(reader: &Reader, session: SessionRow, no: u32) -> Result<PromptDetail> {
    let of = reader
        .conn()
        .prepare_cached("SELECT COALESCE(max(no), 0) FROM prompt WHERE session_id = ?1")?
        .query_row([session.0], |r| r.get(0))?;
    let found: Option<(String, Option<Time>, Via)> = reader
        .conn()
        .prepare_cached("SELECT pub, at, via FROM prompt WHERE session_id = ?1 AND no = ?2")?
        .query_row((session.0, no), |row| {
            Ok((
                shown(row.get_ref(0)?.as_bytes()?, IdKind::Prompt),
                time(row.get(1)?),
                via(row.get(2)?),
            ))
        })
        .optional()?;
    let (first, last): (Option<i64>, Option<i64>) = reader
        .conn()
        .prepare_cached(
            "SELECT min(COALESCE(started_at, at)), max(at) FROM step
              WHERE session_id = ?1 AND prompt_no = ?2 AND alias_of IS NULL",
        )?
        .query_row((session.0, no), |r| Ok((r.get(0)?, r.get(1)?)))?;
    let (id, at, via) = match found {
        Some((id, at, via)) => (Some(id), at, via),
        None => (None, None, Via::Typed),
    };
    Ok(PromptDetail {
        id,
        no,
        of,
        at,
        via,
        text: super::raw::prompt_text(reader, session, no)?,
        reply: last_message(reader, session, Some(no))?,
        duration_ms: last.and_then(|end| Some(Time(end).since(at.or(time(first))?))),
    })
}

/// The agent's last message in a session or under one of its prompts, whole; empty if there is none.
pub(super) fn last_message(
    reader: &Reader,
    session: SessionRow,
    no: Option<u32>,
) -> Result<String> {
    let id: Option<i64> = reader
        .conn()
        .prepare_cached(
            "SELECT id FROM step WHERE session_id = ?1 AND prompt_no BETWEEN ?2 AND ?3 AND kind = ?4
                AND alias_of IS NULL ORDER BY prompt_no DESC, seq DESC LIMIT 1",
        )?
        .query_row(
            (session.0, no.unwrap_or(0), no.unwrap_or(u32::MAX), StepKind::Message as u8),
            |r| r.get(0),
        )
        .optional()?;
    match id {
        Some(id) => Ok(super::raw::of_step(reader, StepRow(id))?.said()),
        None => Ok(String::new()),
    }
}

/// The step nearest to a time.
pub(super) fn step_at(conn: &Connection, session: SessionRow, at: Time) -> Result<Option<StepRow>> {
    Ok(conn
        .prepare_cached(
            "SELECT id FROM step WHERE (session_id = ?1 OR ?3) AND alias_of IS NULL AND at IS NOT NULL
              ORDER BY abs(at - ?2), prompt_no, seq LIMIT 1",
        )?
        .query_row((session.0, at.0, session.is_all()), |r| Ok(StepRow(r.get(0)?)))
        .optional()?)
}
