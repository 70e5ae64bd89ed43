//! What touched a file: every step that read or changed it, under all its names, and the gaps between them.

use std::collections::HashSet;

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension};

use super::super::chain::{Chain, Item, Link, What};
use super::super::contents::{self, State};
use super::super::types::{Content, StepRow};
use super::super::{changes, patch, rows};
use super::origins::agent;
use super::path_row;
use super::types::{History, HistoryEntry, When};
use crate::model::{Evidence, Op};
use crate::store::Reader;

/// Renames that are followed back.
const RENAMES: usize = 64;

/// The history of a path, newest first.
pub(in super::super) fn history(reader: &Reader, path: &str) -> Result<History> {
    let conn = reader.conn();
    let row = path_row(reader, path, When::Now)?;
    let (mut entries, mut seen) = (Vec::new(), HashSet::new());
    let (mut at, mut until) = (row, None);
    for _ in 0..RENAMES {
        let mut items = Chain::load(conn, at)?.items;
        if let Some(step) = until {
            let left =
                |i: &Item| i.step == Some(step) && matches!(&i.what, What::Change(c) if c.left);
            let end = items.iter().position(left).unwrap_or(items.len());
            items.truncate(end);
        }
        let name = changes::name(conn, at)?;
        let parts = partly_read(conn, at, &items)?;
        let mut next = None;
        of_name(reader, &name, &items, &mut seen, &mut entries)?;
        for item in items.iter().rev() {
            if let (What::Change(c), Some(step)) = (&item.what, item.step)
                && !c.left
                && let Some(other) = c.other
            {
                next = Some((other, step));
                break;
            }
        }
        for step in parts {
            if seen.insert((step, 0)) {
                entries.push(seen_by(reader, &name, step)?);
            }
        }
        match next {
            Some((other, step)) => (at, until) = (other, Some(step)),
            None => break,
        }
    }
    place_by_time(&mut entries);
    Ok(History {
        path: changes::name(conn, row)?,
        entries,
    })
}

/// The entries of one name, newest first.
fn of_name(
    reader: &Reader,
    name: &str,
    items: &[Item],
    seen: &mut HashSet<(StepRow, u32)>,
    entries: &mut Vec<HistoryEntry>,
) -> Result<()> {
    let conn = reader.conn();
    for (n, item) in items.iter().enumerate().rev() {
        if let What::Seen(_) = item.what {
            let mut entry = gap(conn, name, item.before, item.after)?;
            entry.author = item.author;
            entry.evidence = Some(Evidence::Observed);
            entries.push(entry);
        }
        let Some(step) = item.step else {
            continue;
        };
        let mut entry = seen_by(reader, name, step)?;
        let mut no = 0;
        if item.what == What::Sighting {
            entry.after = contents::content(conn, item.after)?;
        }
        if let What::Change(change) = &item.what {
            no = change.no + 1;
            entry.op = Some(change.op);
            entry.evidence = Some(change.evidence);
            (entry.added, entry.removed) = change.lines;
            entry.before = contents::content(conn, item.before)?;
            entry.after = contents::content(conn, item.after)?;
            if let Some(other) = change.other {
                let other = changes::name(conn, other)?;
                if change.left {
                    entry.old_path = Some(std::mem::replace(&mut entry.path, other));
                } else {
                    entry.old_path = Some(other);
                }
            }
        }
        if seen.insert((step, no)) {
            entries.push(entry);
        }
        if item.link == Link::Broken
            && let Some(last) = n.checked_sub(1).map(|n| items[n].after)
        {
            entries.push(gap(conn, name, last, item.before)?);
        }
    }
    Ok(())
}

/// A change that nobody saw.
fn gap(conn: &Connection, name: &str, before: State, after: State) -> Result<HistoryEntry> {
    let (before, after) = (
        contents::content(conn, before)?,
        contents::content(conn, after)?,
    );
    let (added, removed) = patch::counts(&before, &after).unwrap_or((0, 0));
    let op = match (&before, &after) {
        (Content::Absent, _) => Op::Create,
        (_, Content::Absent) => Op::Delete,
        _ => Op::Modify,
    };
    Ok(HistoryEntry {
        step: None,
        author: None,
        agent: None,
        root: None,
        prompt: String::new(),
        path: name.to_owned(),
        op: Some(op),
        old_path: None,
        evidence: None,
        added,
        removed,
        before,
        after,
    })
}

/// An entry of a step that was shown the file.
fn seen_by(reader: &Reader, name: &str, step: StepRow) -> Result<HistoryEntry> {
    let conn = reader.conn();
    let mut entry = HistoryEntry {
        step: None,
        author: None,
        agent: None,
        root: None,
        prompt: String::new(),
        path: name.to_owned(),
        op: None,
        old_path: None,
        evidence: None,
        added: 0,
        removed: 0,
        before: Content::Unknown,
        after: Content::Unknown,
    };
    if let Some(info) = rows::steps(conn, &[step])?.pop() {
        entry.agent = agent(reader, info.session)?;
        let root = changes::root_of(conn, info.session)?;
        entry.root = Some(root);
        entry.prompt = conn
            .prepare_cached("SELECT head FROM prompt WHERE session_id = ?1 AND no = ?2")?
            .query_row((root.0, info.prompt_no), |r| r.get(0))
            .optional()?
            .unwrap_or_default();
        entry.step = Some(info);
    }
    Ok(entry)
}

/// Steps that were shown a part of the file; the chain knows whole texts only.
fn partly_read(conn: &Connection, path: i64, items: &[Item]) -> Result<Vec<StepRow>> {
    let whole: HashSet<StepRow> = items.iter().filter_map(|i| i.step).collect();
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT s.id FROM sighting g JOIN step s ON s.id = g.step_id
          WHERE g.path_id = ?1 AND s.alias_of IS NULL ORDER BY s.at DESC, s.seq DESC, s.id DESC",
    )?;
    let rows = statement.query_map([path], |r| Ok(StepRow(r.get(0)?)))?;
    let all = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(all.into_iter().filter(|s| !whole.contains(s)).collect())
}

/// Entries that the chain did not place go where their time says; the others keep their order.
fn place_by_time(entries: &mut Vec<HistoryEntry>) {
    let at = |e: &HistoryEntry| e.step.as_ref().and_then(|s| s.at.or(s.started_at));
    let (parts, mut placed): (Vec<_>, Vec<_>) = std::mem::take(entries)
        .into_iter()
        .partition(|e| e.op.is_none() && matches!(e.after, Content::Unknown));
    for part in parts.into_iter().rev() {
        let spot = placed
            .iter()
            .position(|e| e.step.is_some() && at(e) <= at(&part));
        placed.insert(spot.unwrap_or(placed.len()), part);
    }
    *entries = placed;
}
