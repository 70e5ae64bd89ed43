//! What spans sessions: parents, copies, the states of a path that only an earlier record knows, and what was seen of it
//! on disk.
//!
//! The result is a function of what the store holds, not of the order in which it came in. The pass looks only at what
//! is newer than it last saw (rows are never numbered twice), so linking one appended line costs about one line.

mod bases;
mod bounds;
mod chain;
mod committed;
mod observe;
mod running;
mod states;
mod whose;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use color_eyre::Result;
use rusqlite::{Connection, params};

use super::beside;
use super::roots::Roots;
use crate::store::{Store, facts, observed};

/// How deep sub-agents start sub-agents.
const DEPTH: usize = 16;

/// The tables whose newest linked row is remembered.
const MARKS: [&str; 7] = [
    "step",
    "prompt",
    "change",
    "sighting",
    "named",
    "snapshot",
    "hook_event",
];

/// Links everything that is newer than the last time. `again`: what lay nowhere when it was looked for is looked for again,
/// if its session went on.
pub(super) fn link(store: &Store, roots: &Roots, again: bool) -> Result<()> {
    let tx = store.begin()?;
    let before = marks(&tx)?;
    let disturbed = observed::take_disturbed(&tx)?;
    if before == newest(&tx)? && disturbed.is_none() {
        return Ok(());
    }
    beside::attach(&tx, before["named"], before["step"], again)?;
    parents(&tx)?;
    copies(&tx, "step", before["step"])?;
    copies(&tx, "prompt", before["prompt"])?;
    let changed = chain::link(&tx, roots, &before)?;
    let from = [
        disturbed,
        first_of_new(&tx, before["step"])?,
        observe::earliest(&tx, &changed)?,
        match before["snapshot"] {
            // All of them are looked at anyway.
            0 => None,
            _ => bounds::first_of_told(&tx, before["hook_event"])?,
        },
    ];
    // A step may have run a little outside of its record.
    let reach = bounds::reach(&tx)?;
    let from = from.into_iter().flatten().min();
    let from = from.map_or(i64::MAX, |from| from.saturating_sub(reach));
    observe::link(&tx, roots, before["snapshot"], from)?;
    // At the end: the pass itself made changes, which are no news.
    for (table, row) in &newest(&tx)? {
        facts::set_memo(&tx, &memo(table), &row.to_string())?;
    }
    tx.commit()?;
    Ok(())
}

/// When the first of the steps began that are new.
fn first_of_new(conn: &Connection, after: i64) -> Result<Option<i64>> {
    Ok(conn
        .prepare_cached(
            "SELECT min(coalesce(started_at, at)) FROM step WHERE id > ?1 AND kind IN (3, 4, 5, 6, 7, 13, 15)",
        )?
        .query_row([after], |r| r.get(0))?)
}

/// Forgets how far was linked: the next pass looks at everything.
pub(super) fn forget(conn: &Connection) -> Result<()> {
    for table in MARKS {
        facts::set_memo(conn, &memo(table), "0")?;
    }
    Ok(())
}

fn memo(table: &str) -> String {
    format!("linked.{table}")
}

fn marks(conn: &Connection) -> Result<BTreeMap<&'static str, i64>> {
    MARKS
        .iter()
        .map(|table| {
            Ok((
                *table,
                facts::memo(conn, &memo(table))?
                    .and_then(|v| v.parse().ok())
                    .unwrap_or(0),
            ))
        })
        .collect()
}

fn newest(conn: &Connection) -> Result<BTreeMap<&'static str, i64>> {
    let mut seq =
        conn.prepare("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?1), 0)")?;
    MARKS
        .iter()
        .map(|table| Ok((*table, seq.query_row([table], |r| r.get(0))?)))
        .collect()
}

/// A session that hangs on another.
struct Child {
    id: i64,
    parent: Option<i64>,
    spawn: Option<(i64, i64, i64)>,
    started_at: Option<i64>,
    /// Parent, step and prompt as they stand in its row.
    now: [Option<i64>; 3],
}

/// Finds parents, the steps that started sub-agents, and the prompts they worked for.
fn parents(conn: &Connection) -> Result<()> {
    let mut children = BTreeMap::new();
    {
        let mut q = conn.prepare_cached(
            "SELECT c.id, p.id, c.started_at, t.id, t.session_id, t.prompt_no, c.parent_id, c.spawn_step,
                    c.spawn_prompt_no
             FROM session c
             LEFT JOIN session p ON p.native_id = c.parent_native AND p.agent = c.agent
             LEFT JOIN step t ON c.relation = 1 AND t.spawned = c.native_id AND t.alias_of IS NULL
                  AND EXISTS (SELECT 1 FROM session o WHERE o.id = t.session_id AND o.agent = c.agent)
             WHERE c.parent_native IS NOT NULL ORDER BY c.id, t.at, t.pub",
        )?;
        let mut rows = q.query([])?;
        while let Some(r) = rows.next()? {
            let spawn = match (
                r.get::<_, Option<i64>>(3)?,
                r.get::<_, Option<i64>>(4)?,
                r.get::<_, Option<i64>>(5)?,
            ) {
                (Some(step), Some(session), Some(no)) => Some((step, session, no)),
                _ => None,
            };
            let child = Child {
                id: r.get(0)?,
                parent: r.get(1)?,
                spawn,
                started_at: r.get(2)?,
                now: [r.get(6)?, r.get(7)?, r.get(8)?],
            };
            children.entry(child.id).or_insert(child);
        }
    }
    for child in children.values() {
        let no = prompt_of(conn, child, &children)?;
        let found = [child.parent, child.spawn.map(|s| s.0), no];
        if found == child.now {
            continue;
        }
        conn.prepare_cached("UPDATE session SET parent_id = ?2, spawn_step = ?3, spawn_prompt_no = ?4 WHERE id = ?1")?
            .execute(params![child.id, found[0], found[1], found[2]])?;
    }
    Ok(())
}

/// The number of the prompt, in the outermost session, that a sub-agent worked for.
fn prompt_of(
    conn: &Connection,
    child: &Child,
    children: &BTreeMap<i64, Child>,
) -> Result<Option<i64>> {
    let mut child = child;
    for _ in 0..DEPTH {
        let Some((_, session, no)) = child.spawn else {
            break;
        };
        match children.get(&session) {
            Some(outer) if outer.id != child.id => child = outer,
            _ => return Ok(Some(no)),
        }
    }
    // Nobody is known to have started it: the last prompt of its parent before it began.
    let (Some(parent), Some(at)) = (child.parent, child.started_at) else {
        return Ok(None);
    };
    Ok(conn
        .prepare_cached("SELECT max(no) FROM prompt WHERE session_id = ?1 AND at <= ?2")?
        .query_row([parent, at], |r| r.get(0))?)
}

/// Finds copies of one record in several sessions: its home is the earliest session, the others are aliases. A fork that
/// copied the first record, too, began when its parent did, and comes after it.
fn copies(conn: &Connection, table: &'static str, after: i64) -> Result<()> {
    let (news, copies, update) = match table {
        "step" => (
            "SELECT dup FROM step GROUP BY dup HAVING count(*) > 1 AND max(id) > ?1",
            "SELECT t.id, coalesce(s.started_at, 9223372036854775807), coalesce(s.relation, 0) = 2, s.pub FROM step t JOIN session s ON s.id = t.session_id
             WHERE t.dup = ?1 ORDER BY 2, 3, 4, t.pub",
            "UPDATE step SET alias_of = ?2 WHERE id = ?1",
        ),
        _ => (
            "SELECT dup FROM prompt GROUP BY dup HAVING count(*) > 1 AND max(id) > ?1",
            "SELECT t.id, coalesce(s.started_at, 9223372036854775807), coalesce(s.relation, 0) = 2, s.pub FROM prompt t JOIN session s ON s.id = t.session_id
             WHERE t.dup = ?1 ORDER BY 2, 3, 4, t.pub",
            "UPDATE prompt SET alias_of = ?2 WHERE id = ?1",
        ),
    };
    // Few new rows are looked up one by one; many are cheaper in one walk over the index.
    let fresh: i64 = conn
        .prepare_cached(if table == "step" {
            "SELECT count(*) FROM (SELECT 1 FROM step WHERE id > ?1 LIMIT 2001)"
        } else {
            "SELECT count(*) FROM (SELECT 1 FROM prompt WHERE id > ?1 LIMIT 2001)"
        })?
        .query_row([after], |r| r.get(0))?;
    let dups: BTreeSet<i64> = if fresh > 2000 {
        conn.prepare_cached(news)?
            .query_map([after], |r| r.get(0))?
            .collect::<Result<_, _>>()?
    } else {
        conn.prepare_cached(if table == "step" {
            "SELECT dup FROM step n WHERE id > ?1 AND EXISTS (SELECT 1 FROM step o WHERE o.dup = n.dup AND o.id <> n.id)"
        } else {
            "SELECT dup FROM prompt n WHERE id > ?1 AND EXISTS (SELECT 1 FROM prompt o WHERE o.dup = n.dup AND o.id <> n.id)"
        })?
        .query_map([after], |r| r.get(0))?
        .collect::<Result<_, _>>()?
    };
    let mut set = HashMap::new();
    for dup in dups {
        let ids: Vec<i64> = conn
            .prepare_cached(copies)?
            .query_map([dup], |r| r.get(0))?
            .collect::<Result<_, _>>()?;
        let Some((home, others)) = ids.split_first() else {
            continue;
        };
        set.insert(*home, None);
        for other in others {
            set.insert(*other, Some(*home));
        }
    }
    for (id, home) in set {
        conn.prepare_cached(update)?.execute(params![id, home])?;
    }
    Ok(())
}
