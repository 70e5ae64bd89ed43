//! Which steps that can change files were running in a folder between two moments: by their records, and as exactly as
//! hooks told ([`bounds`]). Whose a change is, is decided elsewhere.

use color_eyre::Result;
use rusqlite::{Connection, Row};

use super::super::roots::Roots;
use super::bounds::{self, Ran, Recorded};
use super::observe::TICK_MS;
use super::whose::Running;
use crate::model::{Agent, StepKind};

/// A step without a result is taken to be running no longer than this.
const OPEN_MS: i64 = 3_600_000;
/// What is asked of a step `s` and its session `e`.
const STEP: &str = "s.id, s.pub, s.kind, coalesce(s.started_at, s.at), s.target, e.cwd, s.key_hash, s.tool, e.id, e.agent,
    e.native_id, e.relation";
/// The kinds of steps that can change files; as the index has them.
const KINDS: &str = "s.kind IN (3, 4, 5, 6, 7, 13, 15)";

/// The steps that may have changed files of a folder between two moments, in order of their records.
pub(super) fn running(
    conn: &Connection,
    roots: &Roots,
    root: &[u8],
    (lo, hi): (i64, i64),
) -> Result<Vec<Running>> {
    let ended = format!(
        "SELECT {STEP}, s.at FROM step s JOIN session e ON e.id = s.session_id
          WHERE {KINDS} AND s.at >= ?1 AND coalesce(s.started_at, s.at) <= ?2
            AND s.alias_of IS NULL AND s.status NOT IN (3, 5) ORDER BY s.at, s.pub"
    );
    let open = format!(
        "SELECT {STEP}, NULL FROM step s JOIN session e ON e.id = s.session_id
          WHERE s.status = 5 AND {KINDS} AND coalesce(s.started_at, s.at) BETWEEN ?1 AND ?2
            AND s.alias_of IS NULL ORDER BY 4, s.pub"
    );
    let reach = bounds::reach(conn)?;
    let (lo, hi) = (
        lo.saturating_sub(TICK_MS + reach),
        hi.saturating_add(TICK_MS + reach),
    );
    let mut out = Vec::new();
    for (sql, lo) in [(ended, lo), (open, lo.saturating_sub(OPEN_MS))] {
        let mut q = conn.prepare_cached(&sql)?;
        let mut rows = q.query([lo, hi])?;
        while let Some(r) = rows.next()? {
            let kind = StepKind::from_code(r.get(2)?).unwrap_or(StepKind::Other);
            let names = names_its_files(kind);
            let (target, cwd): (String, Option<String>) = (r.get(4)?, r.get(5)?);
            if !names && !works_here(roots, root, cwd.as_deref(), &target) {
                continue;
            }
            let ran = ran(conn, r, reach > 0)?;
            out.push(Running {
                id: r.get(0)?,
                id_shown: r.get(1)?,
                start: ran.start,
                end: ran.end,
                names_its_files: names,
            });
        }
    }
    Ok(out)
}

/// When the step of a row ran. `told`: hooks may have told something of it.
fn ran(conn: &Connection, r: &Row<'_>, told: bool) -> Result<Ran> {
    let (start, end) = (r.get(3)?, r.get(12)?);
    match Agent::from_code(r.get(9)?).filter(|_| told) {
        None => Ok(Ran { start, end }),
        Some(agent) => bounds::ran(
            conn,
            &Recorded {
                session: r.get(8)?,
                agent,
                native: r.get(10)?,
                subagent: r.get::<_, Option<i64>>(11)? == Some(1),
                key_hash: r.get(6)?,
                tool: r.get(7)?,
                start,
                end,
            },
        ),
    }
}

/// Whether a step's record names the files that it changes.
fn names_its_files(kind: StepKind) -> bool {
    matches!(
        kind,
        StepKind::Edit | StepKind::Write | StepKind::Delete | StepKind::Move
    )
}

/// Whether a command can be about this folder: its session works here, or it names it.
fn works_here(roots: &Roots, root: &[u8], cwd: Option<&str>, target: &str) -> bool {
    let Some(cwd) = cwd else { return true };
    let at = roots.locate(cwd.as_bytes(), None);
    let below = cwd.as_bytes().strip_prefix(root);
    *at.root == *root
        || below.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        || std::str::from_utf8(root).is_ok_and(|root| target.contains(root))
}
