//! What a step may have changed: the disk tells that it changed while the step ran, and others ran, too. Shown at each of
//! them, counted at none.

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension, params};

use super::contents::{self, State};
use super::types::{Content, FileChange, StepRow};
use super::{changes, patch};
use crate::model::{Evidence, Op};

/// The window of an observation and the times of a step differ by no more than this.
const NEAR_MS: i64 = 3_600_000;

/// The changes that this step shares with others.
pub(super) fn of_step(conn: &Connection, step: StepRow) -> Result<Vec<FileChange>> {
    let found: Option<(Vec<u8>, Option<i64>)> = conn
        .prepare_cached("SELECT pub, coalesce(started_at, at) FROM step WHERE id = ?1")?
        .query_row([step.0], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let Some((name, Some(at))) = found else {
        return Ok(Vec::new());
    };
    let mut q = conn.prepare_cached(
        "SELECT path_id, before, after, whose, length(maybe) / 10 FROM observation
          WHERE whose IN (3, 5) AND hi BETWEEN ?2 AND ?3 AND instr(maybe, ?1) % 10 = 1 ORDER BY hi, path_id",
    )?;
    let mut rows = q.query(params![name, at - NEAR_MS, at + NEAR_MS])?;
    let mut out = Vec::new();
    while let Some(r) = rows.next()? {
        let states = (State::from_column(r.get(1)?), State::from_column(r.get(2)?));
        let (code, of): (i64, i64) = (r.get(3)?, r.get(4)?);
        let note = match (code, of) {
            (3, n) => format!("shared: one of {n} commands that ran at that moment did it"),
            (_, 1) => "perhaps by this command: it was not alone, or has no result yet".to_owned(),
            (_, n) => format!("perhaps by one of {n} commands, perhaps by somebody else"),
        };
        out.push(change(conn, r.get(0)?, states, note)?);
    }
    Ok(out)
}

fn change(
    conn: &Connection,
    path: i64,
    (before, after): (State, State),
    note: String,
) -> Result<FileChange> {
    let contents = (
        contents::content(conn, before)?,
        contents::content(conn, after)?,
    );
    let (added, removed) = patch::counts(&contents.0, &contents.1).unwrap_or((0, 0));
    Ok(FileChange {
        path: changes::name(conn, path)?,
        op: match &contents {
            (Content::Absent, _) => Op::Create,
            (_, Content::Absent) => Op::Delete,
            _ => Op::Modify,
        },
        old_path: None,
        before: contents.0,
        after: contents.1,
        before_hash: contents::hash(conn, before)?,
        after_hash: contents::hash(conn, after)?,
        evidence: Evidence::Observed,
        added,
        removed,
        hunks: Vec::new(),
        note: Some(note),
        steps: Vec::new(),
    })
}
