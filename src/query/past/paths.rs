//! Which paths something undone may have changed: by record, by what two snapshots saw, by an earlier rewind.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension, Rows, params};

use super::{Question, Reach, Scope, Told};
use crate::model::Id;
use crate::query::types::StepRow;
use crate::store::snapshots::Snapshot;
use crate::store::{journal, observed};

/// A path: its root, the rest, and its row if a session touched it.
pub(super) type Named = (Vec<u8>, Vec<u8>, Option<i64>);

/// The paths that something undone may have changed.
pub(super) fn paths(
    conn: &Connection,
    (scope, places): (&Scope, &HashMap<StepRow, Told>),
    (q, sessions): (&Question<'_>, &[Id]),
    snapshots: &[Snapshot],
) -> Result<Vec<Named>> {
    let mut found: BTreeMap<(Vec<u8>, Vec<u8>), Option<i64>> = BTreeMap::new();
    let mut name = conn.prepare_cached(
        "SELECT r.path, p.rel FROM path p JOIN root r ON r.id = p.root_id WHERE p.id = ?1",
    )?;
    for id in recorded(conn, scope, places)? {
        let name = name.query_row([id], |r| Ok((r.get(0)?, r.get(1)?)))?;
        found.insert(name, Some(id));
    }
    let mut more: BTreeSet<Vec<u8>> = BTreeSet::new();
    for pair in snapshots.windows(2) {
        if scope.only || scope.later_time(Some(pair[1].time.1)) {
            let differing = observed::differing(conn, &pair[0].tree, &pair[1].tree)?;
            more.extend(differing.into_iter().map(|d| d.rel));
        }
    }
    let ops = journal::ops(conn, q.root)?;
    let applied = |op: &&journal::Op| op.phase == journal::Phase::Applied;
    for op in ops.iter().filter(applied) {
        if scope.undoes_rewind(op, sessions) {
            more.extend(journal::files(conn, op.id)?);
        }
    }
    let mut row = conn.prepare_cached(
        "SELECT p.id FROM path p JOIN root r ON r.id = p.root_id WHERE r.path = ?1 AND p.rel = ?2",
    )?;
    for rel in more {
        let id = row
            .query_row(params![q.root, rel], |r| r.get(0))
            .optional()?;
        found.entry((q.root.to_vec(), rel)).or_insert(id);
    }
    Ok(found
        .into_iter()
        .map(|((root, rel), id)| (root, rel, id))
        .collect())
}

/// The rows of the paths that records of undone steps name.
fn recorded(
    conn: &Connection,
    scope: &Scope,
    places: &HashMap<StepRow, Told>,
) -> Result<BTreeSet<i64>> {
    const CHANGES: &str =
        "SELECT c.step_id, c.path_id, c.old_path_id FROM step s JOIN change c ON c.step_id = s.id";
    let mut found = BTreeSet::new();
    let mut take = |rows: &mut Rows<'_>| -> Result<()> {
        while let Some(r) = rows.next()? {
            let undone = |t: &Told| t.undone;
            if places.get(&StepRow(r.get(0)?)).is_some_and(undone) {
                found.insert(r.get(1)?);
                found.extend(r.get::<_, Option<i64>>(2)?);
            }
        }
        Ok(())
    };
    if scope.reach == Reach::Session {
        let mut changes = conn.prepare_cached(&format!("{CHANGES} WHERE s.session_id = ?1"))?;
        for session in scope.sessions() {
            take(&mut changes.query([session.0])?)?;
        }
    } else {
        take(&mut conn.prepare_cached(CHANGES)?.query([])?)?;
    }
    Ok(found)
}
