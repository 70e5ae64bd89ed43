//! What an agent's own commit tells of the changes that it holds. The commit has the file's text after them for certain; the
//! text before them is that of the commit below only if nobody else's changes can have come into it with them.

use std::collections::HashMap;
use std::time::Duration;

use color_eyre::Result;
use rusqlite::Connection;

use super::states::{self, State, Texts, Worked};
use crate::diff::lines::{self, Options};
use crate::model::Op;
use crate::source::{Committed, Effect};

/// Texts of more lines are not compared: then only what the commit has itself is known.
const LINES: usize = 50_000;

/// What a text that was written as a whole was written over. `sides`: the path in the commit below, and in the commit.
pub(super) fn written(content: State, sides: (State, State), told: &Committed) -> Option<Worked> {
    let (before, after) = sides;
    // The record has the text; a commit of another one is of no use.
    (content == after && (told.clean || before == State::Absent) && !told.undone)
        .then_some(Worked { before, after })
}

/// The states around each of a step's changes of one path; none if the commit does not tell. `known`: what the chain knows of
/// the path before the first of them, if that is not what is committed.
pub(super) fn work_out(
    conn: &Connection,
    texts: &mut Texts,
    (below, within): (State, State),
    known: State,
    told: &Committed,
    effects: &[&Effect],
) -> Result<Vec<Worked>> {
    if below == within {
        return Ok(Vec::new());
    }
    if told.undone {
        return Ok(whole(within, below, effects.len()));
    }
    if within == State::Absent {
        return Ok(Vec::new());
    }
    for base in [below, known] {
        let all = replayed(conn, texts, base, effects)?;
        if all.len() == effects.len() && all.last().is_some_and(|w| w.after == within) {
            return Ok(all);
        }
    }
    if told.clean || explained(conn, texts, (below, within), effects)? {
        return Ok(whole(below, within, effects.len()));
    }
    // Somebody else's changes may stand in the commit, too.
    let nothing = Worked {
        before: State::Unknown,
        after: State::Unknown,
    };
    let mut all = vec![nothing; effects.len()];
    if let Some(last) = all.last_mut() {
        last.after = within;
    }
    Ok(all)
}

/// The states around the changes on a base, as far as they fit it.
fn replayed(
    conn: &Connection,
    texts: &mut Texts,
    base: State,
    effects: &[&Effect],
) -> Result<Vec<Worked>> {
    let mut all = Vec::new();
    let mut at = base;
    for effect in effects {
        let worked = states::work_out(conn, texts, at, (None, None), Op::Modify, Some(effect))?;
        if worked.after == State::Unknown {
            break;
        }
        at = worked.after;
        all.push(worked);
    }
    Ok(all)
}

/// All of it in the first change, since nobody can tell which did what.
fn whole(before: State, after: State, changes: usize) -> Vec<Worked> {
    let same = Worked {
        before: after,
        after,
    };
    let mut all = vec![same; changes];
    if let Some(first) = all.first_mut() {
        first.before = before;
    }
    all
}

/// Whether every line by which the two texts differ stands in the agent's own words: those that went in what was to be
/// replaced, those that came in what was to stand there, blanks around them aside (Aider takes those as they come).
fn explained(
    conn: &Connection,
    texts: &mut Texts,
    (before, after): (State, State),
    effects: &[&Effect],
) -> Result<bool> {
    let mut text = |state| match state {
        State::Blob(blob) => texts.get(conn, blob),
        State::Absent => Ok(Some("".into())),
        State::Unknown => Ok(None),
    };
    let (Some(before), Some(after)) = (text(before)?, text(after)?) else {
        return Ok(false);
    };
    let (before, after) = (lines::split(&before), lines::split(&after));
    if before.len().max(after.len()) > LINES {
        return Ok(false);
    }
    let (mut gone, mut come) = (HashMap::new(), HashMap::new());
    for effect in effects {
        words(effect, &mut gone, &mut come);
    }
    let options = Options {
        // Far beyond what two texts of that size take: the answer must not depend on the machine.
        timeout: Duration::from_secs(60),
        ..Options::default()
    };
    let mut changed = lines::blocks(&before, &after, &options)
        .into_iter()
        .filter(|b| b.changed);
    Ok(changed.all(|b| {
        before[b.old].iter().all(|l| take(&mut gone, l))
            && after[b.new].iter().all(|l| take(&mut come, l))
    }))
}

type Bag<'e> = HashMap<&'e str, usize>;

fn take(bag: &mut Bag<'_>, line: &str) -> bool {
    match bag.get_mut(line.trim()) {
        Some(n) if *n > 0 => {
            *n -= 1;
            true
        }
        _ => false,
    }
}

/// The lines that an effect replaces, and those that it puts there.
fn words<'e>(effect: &'e Effect, gone: &mut Bag<'e>, come: &mut Bag<'e>) {
    match effect {
        Effect::Edit { replacements, .. } => {
            for (old, new, _) in replacements {
                for line in old.lines() {
                    *gone.entry(line.trim()).or_default() += 1;
                }
                for line in new.lines() {
                    *come.entry(line.trim()).or_default() += 1;
                }
            }
        }
        Effect::Patch { hunks, .. } => {
            for line in hunks.iter().flat_map(|h| &h.lines) {
                if let Some(old) = line.strip_prefix('-') {
                    *gone.entry(old.trim()).or_default() += 1;
                } else if let Some(new) = line.strip_prefix('+') {
                    *come.entry(new.trim()).or_default() += 1;
                }
            }
        }
        Effect::Write { content, .. } => {
            for line in content.lines() {
                *come.entry(line.trim()).or_default() += 1;
            }
        }
        Effect::Delete { .. } | Effect::Move { .. } | Effect::Read { .. } => {}
    }
}
