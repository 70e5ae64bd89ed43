//! How much of what a prompt wrote still stands, and who replaced the rest.

use std::collections::{BTreeMap, HashSet};

use color_eyre::Result;

use super::super::chain::{Chain, What};
use super::super::types::{SessionRow, StepRow};
use super::super::{changes, rows};
use super::Cache;
use super::story::{Maker, Story, Text};
use super::types::{Alive, Replacer, When};
use crate::model::IdKind;
use crate::store::Reader;

/// Names that a file got later are followed so far.
const RENAMES: usize = 64;

/// Counts the lines of a prompt. What it wrote and took away itself is not counted.
pub(in super::super) fn alive(
    reader: &Reader,
    cache: &mut Cache,
    session: SessionRow,
    no: u32,
) -> Result<Alive> {
    let conn = reader.conn();
    let steps = changes::steps_of(conn, session, Some(no))?;
    let own: HashSet<StepRow> = steps.iter().copied().collect();
    let mut paths = Vec::new();
    for path in changes::touched(conn, &steps)? {
        let now = name_now(reader, path, &own)?;
        if !paths.contains(&now) {
            paths.push(now);
        }
    }
    let mut out = Alive::default();
    let mut replaced: BTreeMap<Replacer, u32> = BTreeMap::new();
    for path in paths {
        let story = Story::of(reader, path, When::Now)?;
        let walked = cache.walk(reader, &story)?;
        if !walked.known && !matches!(story.end(), Text::Absent) {
            out.unknown += 1;
            continue;
        }
        let ours = |maker: usize| match story.makers.get(maker) {
            Some(Maker::Step { step, .. }) => own.contains(step),
            _ => false,
        };
        let standing = walked.marks.iter().filter(|m| ours(m.by as usize)).count();
        out.alive += standing as u32;
        for gone in &walked.gone {
            if ours(gone.mark.by as usize) && !ours(gone.by) {
                let by = replacer(reader, &story.makers[gone.by])?;
                *replaced.entry(by).or_default() += 1;
            }
        }
    }
    out.replaced = replaced.into_iter().collect();
    out.replaced.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    out.written = out.alive + out.replaced.iter().map(|(_, n)| n).sum::<u32>();
    Ok(out)
}

/// The name that a file has now: later renames are followed.
fn name_now(reader: &Reader, path: i64, own: &HashSet<StepRow>) -> Result<i64> {
    let mut at = path;
    let mut after: Option<StepRow> = None;
    for _ in 0..RENAMES {
        let chain = Chain::load(reader.conn(), at)?;
        let from = match after {
            Some(step) => chain.items.iter().position(|i| i.step == Some(step)),
            None => chain
                .items
                .iter()
                .position(|i| i.step.is_some_and(|s| own.contains(&s))),
        };
        let left =
            chain
                .items
                .iter()
                .skip(from.unwrap_or(0))
                .find_map(|i| match (&i.what, i.step) {
                    (What::Change(c), Some(step)) if c.left => Some((c.other?, step)),
                    _ => None,
                });
        match left {
            Some((other, step)) => (at, after) = (other, Some(step)),
            None => break,
        }
    }
    Ok(at)
}

fn replacer(reader: &Reader, maker: &Maker) -> Result<Replacer> {
    let Maker::Step { step, .. } = maker else {
        return Ok(Replacer::Unknown);
    };
    let conn = reader.conn();
    let Some(info) = rows::steps(conn, &[*step])?.pop() else {
        return Ok(Replacer::Unknown);
    };
    let root = changes::root_of(conn, info.session)?;
    let id: Vec<u8> = conn
        .prepare_cached("SELECT pub FROM session WHERE id = ?1")?
        .query_row([root.0], |r| r.get(0))?;
    let id = rows::shown(&id, IdKind::Session);
    Ok(Replacer::Prompt(root, id, info.prompt_no))
}
