//! Where a line that stood in an older state of a file stands now.

use color_eyre::Result;

use super::super::chain::Moment;
use super::super::changes;
use super::Cache;
use super::alive::name_now;
use super::origins::Origins;
use super::path_row;
use super::story::Story;
use super::types::{When, Whereabouts};
use super::walk::{From, Mark, load, walk_from};
use crate::store::Reader;

/// Follows a line (from 1) of a state to the file as it is now.
pub(in super::super) fn whereabouts(
    reader: &Reader,
    cache: &mut Cache,
    path: &str,
    when: When,
    line: u32,
) -> Result<Whereabouts> {
    let conn = reader.conn();
    let row = path_row(reader, path, when)?;
    let moment = match when {
        When::After(step) | When::Before(step) => Some(Moment::of(conn, step)?),
        When::Now | When::Turns(_) => None,
    };
    let now = match &moment {
        Some(moment) => name_now(reader, row, |chain| chain.last_at(moment))?,
        None => row,
    };
    let then = Story::of(reader, row, when)?;
    let story = Story::of(reader, now, When::Now)?;
    let turns = then.turns.len();
    // What happened until then is the beginning of what happened until now, or the line cannot be followed.
    let same = story.turns.len() >= turns && then.end().known() && story.at(turns).same(then.end());
    if !same {
        return Ok(Whereabouts::Unknown);
    }
    let lines = load(reader, then.end())?;
    let number = |n: usize| Mark {
        by: n as u32,
        ..Mark::default()
    };
    // What comes later is marked with makers, so the lines' own numbers begin behind those.
    let first = story.makers.len();
    let start = From {
        turn: turns,
        marks: (0..lines.len()).map(|n| number(first + n)).collect(),
        lines,
    };
    let walked = walk_from(reader, &story, start, story.turns.len(), cache.stop())?;
    let wanted = first as u32 + line.max(1) - 1;
    if let Some(at) = walked.marks.iter().position(|m| m.by == wanted)
        && walked.known
    {
        let name = changes::name(conn, now)?;
        return Ok(Whereabouts::Here(name, at as u32 + 1));
    }
    match walked.gone.iter().find(|g| g.mark.by == wanted) {
        Some(gone) => {
            let by = Origins::new(reader, &story).origin(gone.by as u32)?;
            Ok(Whereabouts::Gone(Box::new(by)))
        }
        None => Ok(Whereabouts::Unknown),
    }
}
