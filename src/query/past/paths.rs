//! Which paths something undone may have changed: by record, by what two snapshots saw, by an earlier rewind.

use std::collections::{BTreeMap, BTreeSet};

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Question, Reach, Scope};
use crate::store::observed;
use crate::store::snapshots::Snapshot;

/// A path: its root, the rest, and its row if a session touched it.
pub(super) type Named = (Vec<u8>, Vec<u8>, Option<i64>);

/// The paths that something undone may have changed.
pub(super) fn paths(
    conn: &Connection,
    scope: &Scope,
    q: &Question<'_>,
    snapshots: &[Snapshot],
) -> Result<Vec<Named>> {
    let mut found: BTreeMap<(Vec<u8>, Vec<u8>), Option<i64>> = BTreeMap::new();
    let mut changed = conn.prepare_cached(
        "SELECT DISTINCT s.session_id, r.path, p.rel, p.id, r.kind FROM change c JOIN step s ON s.id = c.step_id
           JOIN path p ON p.id IN (c.path_id, c.old_path_id) JOIN root r ON r.id = p.root_id
          WHERE s.alias_of IS NULL",
    )?;
    let mine: BTreeSet<i64> = scope.sessions().map(|s| s.0).collect();
    let mut rows = changed.query([])?;
    while let Some(r) = rows.next()? {
        if scope.reach == Reach::Session && !mine.contains(&r.get(0)?) {
            continue;
        }
        found.insert((r.get(1)?, r.get(2)?), Some(r.get(3)?));
    }
    let mut more: BTreeSet<Vec<u8>> = BTreeSet::new();
    for pair in snapshots.windows(2) {
        if scope.only || scope.later_time(Some(pair[1].time.1)) {
            let differing = observed::differing(conn, &pair[0].tree, &pair[1].tree)?;
            more.extend(differing.into_iter().map(|d| d.rel));
        }
    }
    let mut ops = conn.prepare_cached(
        "SELECT DISTINCT f.rel FROM rewind_file f JOIN rewind o ON o.id = f.op WHERE o.root = ?1 AND o.state = 3
            AND f.action < 4",
    )?;
    for rel in ops.query_map([q.root], |r| r.get::<_, Vec<u8>>(0))? {
        more.insert(rel?);
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
