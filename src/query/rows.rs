//! How rows of the store become values: codes to words, bytes to ids, paths to names. One reader for each type.

use std::collections::HashMap;

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension, Row};

use super::types::{SessionRow, StepInfo, StepRow};
use crate::model::{Evidence, Id, IdKind, Op, Status, StepKind, TestOutcome, Time, Via};

/// A code that this version does not know (written by a newer one) becomes the word for "something else".
pub(super) fn kind(code: u8) -> StepKind {
    StepKind::from_code(code).unwrap_or(StepKind::Other)
}

pub(super) fn status(code: u8) -> Status {
    Status::from_code(code).unwrap_or(Status::Unknown)
}

pub(super) fn op(code: u8) -> Op {
    Op::from_code(code).unwrap_or(Op::Modify)
}

pub(super) fn evidence(code: u8) -> Evidence {
    Evidence::from_code(code).unwrap_or(Evidence::PatchOnly)
}

pub(super) fn via(code: u8) -> Via {
    Via::from_code(code).unwrap_or(Via::Typed)
}

pub(super) fn test(code: Option<u8>) -> Option<TestOutcome> {
    code.and_then(TestOutcome::from_code)
}

pub(super) fn time(ms: Option<i64>) -> Option<Time> {
    ms.map(Time)
}

/// A public id as people see it.
pub(super) fn shown(bytes: &[u8], kind: IdKind) -> String {
    Id::from_bytes(bytes).map_or_else(String::new, |id| id.show(kind))
}

/// The name of a path: relative to its root, absolute outside every root.
pub(super) fn path_name(root_kind: i64, rel: &[u8]) -> String {
    let rel = String::from_utf8_lossy(rel);
    if root_kind == 0 && !rel.starts_with('/') {
        format!("/{rel}")
    } else {
        rel.into_owned()
    }
}

const STEP: &str = "
    SELECT s.id, s.pub, s.session_id, e.pub, s.prompt_no, s.seq, s.at, s.started_at, s.kind, s.status,
           s.target, s.tool,
           CASE WHEN s.seen_added IS NULL THEN s.added ELSE coalesce(s.added, 0) + s.seen_added END,
           CASE WHEN s.seen_removed IS NULL THEN s.removed ELSE coalesce(s.removed, 0) + s.seen_removed END, s.evidence, s.exit_code, s.duration_ms, s.test, s.off_path
      FROM step s JOIN session e ON e.id = s.session_id
     WHERE s.id = ?1";

/// Rows of steps, in the order asked for; unknown ones are left out.
pub(super) fn steps(conn: &Connection, wanted: &[StepRow]) -> Result<Vec<StepInfo>> {
    let mut owners = Owners::default();
    let mut step = conn.prepare_cached(STEP)?;
    let mut changed = conn.prepare_cached(
        "SELECT r.kind, p.rel FROM change c JOIN path p ON p.id = c.path_id JOIN root r ON r.id = p.root_id
          WHERE c.step_id = ?1 ORDER BY c.no",
    )?;
    let mut seen = conn.prepare_cached(
        "SELECT r.kind, p.rel FROM sighting g JOIN path p ON p.id = g.path_id JOIN root r ON r.id = p.root_id
          WHERE g.step_id = ?1 ORDER BY g.id",
    )?;
    let mut out = Vec::with_capacity(wanted.len());
    for StepRow(id) in wanted {
        let Some(mut info) = step.query_row([id], step_info).optional()? else {
            continue;
        };
        for names in [&mut changed, &mut seen] {
            let mut rows = names.query([id])?;
            while let Some(row) = rows.next()? {
                let name = path_name(row.get(0)?, row.get_ref(1)?.as_bytes()?);
                if !info.paths.contains(&name) {
                    info.paths.push(name);
                }
            }
        }
        let (no, prompt) = owners.prompt(conn, info.session, info.prompt_no)?;
        info.prompt_no = no;
        info.prompt_id = prompt;
        out.push(info);
    }
    Ok(out)
}

fn step_info(row: &Row<'_>) -> rusqlite::Result<StepInfo> {
    let kind = kind(row.get(8)?);
    let target: String = row.get(10)?;
    Ok(StepInfo {
        row: StepRow(row.get(0)?),
        id: shown(row.get_ref(1)?.as_bytes()?, IdKind::Step),
        session: SessionRow(row.get(2)?),
        session_id: shown(row.get_ref(3)?.as_bytes()?, IdKind::Session),
        prompt_id: None,
        prompt_no: row.get(4)?,
        seq: row.get(5)?,
        at: time(row.get(6)?),
        started_at: time(row.get(7)?),
        kind,
        status: status(row.get(9)?),
        title: super::title::of_step(kind, &target),
        target,
        tool: row.get(11)?,
        paths: Vec::new(),
        added: row.get(12)?,
        removed: row.get(13)?,
        evidence: row.get::<_, Option<u8>>(14)?.map(evidence),
        exit_code: row.get(15)?,
        duration_ms: row.get::<_, Option<i64>>(16)?.map(|ms| ms.max(0) as u64),
        test: test(row.get(17)?),
        off_path: row.get(18)?,
    })
}

/// Which prompt of a person a step belongs to: a sub-agent's steps carry the number of its parent's prompt.
#[derive(Default)]
pub(super) struct Owners {
    /// For a session: the session that people prompt, and the prompt's number there if it is fixed.
    roots: HashMap<i64, (i64, Option<u32>)>,
    prompts: HashMap<(i64, u32), Option<String>>,
}

impl Owners {
    /// The number and public id of the prompt behind a step.
    pub(super) fn prompt(
        &mut self,
        conn: &Connection,
        session: SessionRow,
        no: u32,
    ) -> Result<(u32, Option<String>)> {
        let (root, fixed) = self.root(conn, session.0)?;
        let no = fixed.unwrap_or(no);
        if let Some(id) = self.prompts.get(&(root, no)) {
            return Ok((no, id.clone()));
        }
        let id = conn
            .prepare_cached("SELECT pub FROM prompt WHERE session_id = ?1 AND no = ?2")?
            .query_row((root, no), |r| {
                Ok(shown(r.get_ref(0)?.as_bytes()?, IdKind::Prompt))
            })
            .optional()?;
        self.prompts.insert((root, no), id.clone());
        Ok((no, id))
    }

    fn root(&mut self, conn: &Connection, session: i64) -> Result<(i64, Option<u32>)> {
        if let Some(known) = self.roots.get(&session) {
            return Ok(*known);
        }
        let (mut at, mut no) = (session, None);
        // A chain of parents is a few long; the bound is for a store that claims a circle.
        for _ in 0..super::timeline::DEPTH {
            let up: Option<(Option<i64>, Option<u32>)> = conn
                .prepare_cached(
                    "SELECT parent_id, spawn_prompt_no FROM session WHERE id = ?1 AND relation = 1",
                )?
                .query_row([at], |r| Ok((r.get(0)?, r.get(1)?)))
                .optional()?;
            match up {
                Some((Some(parent), spawned)) => (at, no) = (parent, spawned.or(Some(0))),
                _ => break,
            }
        }
        self.roots.insert(session, (at, no));
        Ok((at, no))
    }
}
