//! Steps across sessions, newest first, as `log` lists them.

use color_eyre::Result;
use rusqlite::{Connection, params_from_iter};

use super::types::{SessionRow, StepRow};
use super::{filter, timeline};
use crate::model::{Status, StepKind};

/// Which steps.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// Only of this session and its sub-agents.
    pub session: Option<SessionRow>,
    /// Only those that touched a path with this part in its name.
    pub path: Option<String>,
    /// Only of these kinds; empty means all.
    pub kinds: Vec<StepKind>,
    /// Only failed ones.
    pub failed: bool,
    /// At most so many.
    pub most: Option<usize>,
}

/// Their rows, newest first.
pub(super) fn steps(conn: &Connection, query: &LogQuery) -> Result<Vec<StepRow>> {
    let touched = match &query.path {
        Some(part) => Some(filter::touching(conn, part)?),
        None => None,
    };
    let most = query.most.unwrap_or(usize::MAX);
    let keep = |id: &i64| touched.as_ref().is_none_or(|t| t.contains(id));
    if let Some(session) = query.session {
        let placed = timeline::placed(conn, session)?.into_iter().rev();
        let kept = placed.filter(|s| {
            (query.kinds.is_empty() || query.kinds.contains(&s.lite.kind))
                && (!query.failed || s.lite.status == Status::Failed)
                && keep(&s.lite.row.0)
        });
        return Ok(kept.map(|s| s.lite.row).take(most).collect());
    }
    let marks = vec!["?"; query.kinds.len()].join(", ");
    let kinds = if query.kinds.is_empty() {
        String::new()
    } else {
        format!(" AND kind IN ({marks})")
    };
    let failed = if query.failed {
        format!(" AND status = {}", Status::Failed as u8)
    } else {
        String::new()
    };
    // With a bound SQLite keeps the newest few only, instead of sorting all.
    let limit = match (&touched, query.most) {
        (None, Some(most)) => format!(" LIMIT {most}"),
        _ => String::new(),
    };
    let sql = format!(
        "SELECT id FROM step WHERE alias_of IS NULL{kinds}{failed}
          ORDER BY COALESCE(at, started_at) DESC NULLS LAST, id DESC{limit}"
    );
    let mut statement = conn.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(query.kinds.iter().map(|k| *k as u8)))?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        if out.len() >= most {
            break;
        }
        let id = row.get(0)?;
        if keep(&id) {
            out.push(StepRow(id));
        }
    }
    Ok(out)
}
