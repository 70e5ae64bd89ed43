//! How much of what a prompt wrote still stands, and who replaced the rest.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use color_eyre::Result;

use super::super::chain::{Chain, Item, What};
use super::super::types::{SessionRow, StepRow};
use super::super::{changes, rows};
use super::Cache;
use super::story::{Maker, Story, Text};
use super::types::{Alive, Fate, Later, Replacer, Stopped, When};
use crate::model::IdKind;
use crate::store::Reader;

/// Names that a file got later are followed so far.
const RENAMES: usize = 64;

/// What became of the lines of some steps.
#[derive(Default)]
struct Count {
    alive: u32,
    /// Who took lines away; `None` is nobody we know.
    gone: BTreeMap<Option<StepRow>, u32>,
    unknown: u32,
}

/// Counts the lines that steps wrote. What they wrote and took away themselves is not counted.
fn count(reader: &Reader, cache: &mut Cache, steps: &[StepRow]) -> Result<Count> {
    let own: HashSet<StepRow> = steps.iter().copied().collect();
    let mut paths = Vec::new();
    for path in changes::touched(reader.conn(), steps)? {
        let now = name_now(reader, path, |chain| {
            let first = |i: &Item| i.step.is_some_and(|s| own.contains(&s));
            chain.items.iter().position(first)
        })?;
        if !paths.contains(&now) {
            paths.push(now);
        }
    }
    let mut out = Count::default();
    for path in paths {
        if cache.stop().is_some_and(|stop| stop()) {
            return Err(Stopped.into());
        }
        let story = Story::of(reader, path, When::Now)?;
        let walked = cache.walk(reader, &story)?;
        if !walked.known && !matches!(story.end(), Text::Absent) {
            out.unknown += 1;
            continue;
        }
        let step_of = |maker: usize| match story.makers.get(maker) {
            Some(Maker::Step { step, .. }) => Some(*step),
            _ => None,
        };
        let ours = |maker: usize| step_of(maker).is_some_and(|s| own.contains(&s));
        let standing = walked.marks.iter().filter(|m| ours(m.by as usize)).count();
        out.alive += standing as u32;
        for gone in &walked.gone {
            if ours(gone.mark.by as usize) && !ours(gone.by) {
                *out.gone.entry(step_of(gone.by)).or_default() += 1;
            }
        }
    }
    Ok(out)
}

/// What became of the lines of a prompt, or of a whole session.
pub(in super::super) fn alive(
    reader: &Reader,
    cache: &mut Cache,
    session: SessionRow,
    no: Option<u32>,
) -> Result<Alive> {
    let steps = changes::steps_of(reader.conn(), session, no)?;
    let counted = count(reader, cache, &steps)?;
    let mut replaced: BTreeMap<Replacer, u32> = BTreeMap::new();
    for (step, lines) in &counted.gone {
        *replaced.entry(replacer(reader, *step)?).or_default() += lines;
    }
    let mut replaced: Vec<_> = replaced.into_iter().collect();
    replaced.sort_by_key(|(_, n)| Reverse(*n));
    Ok(Alive {
        written: counted.alive + counted.gone.values().sum::<u32>(),
        alive: counted.alive,
        replaced,
        unknown: counted.unknown,
    })
}

/// What became of the lines of a step, and which steps changed them.
pub(in super::super) fn fate(reader: &Reader, cache: &mut Cache, step: StepRow) -> Result<Fate> {
    let conn = reader.conn();
    let counted = count(reader, cache, &[step])?;
    let mut fate = Fate {
        written: counted.alive + counted.gone.values().sum::<u32>(),
        alive: counted.alive,
        unknown: counted.unknown,
        ..Fate::default()
    };
    for (by, lines) in counted.gone {
        let info = match by {
            Some(by) => rows::steps(conn, &[by])?.pop(),
            None => None,
        };
        match info {
            Some(step) => fate.by.push(Later {
                root: changes::root_of(conn, step.session)?,
                step,
                lines,
            }),
            None => fate.nobody += lines,
        }
    }
    fate.by.sort_by_key(|l| (Reverse(l.lines), l.step.at));
    Ok(fate)
}

/// The name that a file has now: renames are followed from the item that `start` finds on (from the first, if none).
pub(super) fn name_now(
    reader: &Reader,
    path: i64,
    start: impl Fn(&Chain) -> Option<usize>,
) -> Result<i64> {
    let mut at = path;
    let mut after: Option<StepRow> = None;
    for _ in 0..RENAMES {
        let chain = Chain::load(reader.conn(), at)?;
        let from = match after {
            Some(step) => chain.items.iter().position(|i| i.step == Some(step)),
            None => start(&chain),
        };
        let mut later = chain.items.iter().skip(from.unwrap_or(0));
        let left = later.find_map(|i| match (&i.what, i.step) {
            (What::Change(c), Some(step)) if c.left => Some((c.other?, step)),
            _ => None,
        });
        match left {
            Some((other, step)) if Some(step) != after => (at, after) = (other, Some(step)),
            _ => break,
        }
    }
    Ok(at)
}

fn replacer(reader: &Reader, step: Option<StepRow>) -> Result<Replacer> {
    let conn = reader.conn();
    let info = match step {
        Some(step) => rows::steps(conn, &[step])?.pop(),
        None => None,
    };
    let Some(info) = info else {
        return Ok(Replacer::Unknown);
    };
    let root = changes::root_of(conn, info.session)?;
    let id: Vec<u8> = conn
        .prepare_cached("SELECT pub FROM session WHERE id = ?1")?
        .query_row([root.0], |r| r.get(0))?;
    let id = rows::shown(&id, IdKind::Session);
    Ok(Replacer::Prompt(root, id, info.prompt_no))
}
