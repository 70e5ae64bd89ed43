//! The chain of a path: all its states, from every session and source, in order.
//!
//! This is the only place that answers "what did this path contain at that step": `cat`, the diff scopes, and later
//! rewind and blame ask it, and nobody else reads changes for that. Within a session the order is that of the
//! transcript. Between sessions it is time, but for steps that ran at the same time, where content decides: the one
//! whose `before` is what is there comes first. Where the after of one is not the before of the next, a [`Link::Broken`]
//! says that somebody changed the path in between whom nobody saw. What the disk told stands in a lane of its own; what it
//! told of a step is among that step's changes.

use std::collections::{HashMap, HashSet, VecDeque};

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension};

use super::contents::State;
use super::rows;
use super::types::{SessionRow, StepRow};
use crate::model::{Author, Evidence, Op, Time};

/// Clocks of records are written when a result is stored: two steps this close may have run in either order.
const SLACK_MS: i64 = 2_000;

/// All states of one path, in order.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// What happened to it or was seen of it.
    pub items: Vec<Item>,
}

/// One thing that is known of a path.
#[derive(Clone, Debug)]
pub struct Item {
    /// The step; `None` for what no step is behind: the content in a commit, a copy that the agent kept.
    pub step: Option<StepRow>,
    /// The session of the step, or the one that started on the commit.
    pub session: SessionRow,
    /// The place of the step within its session.
    pub place: (u32, u32, u32),
    /// When it began and ended.
    pub time: Option<(Time, Time)>,
    /// What it is.
    pub what: What,
    /// Before it.
    pub before: State,
    /// After it.
    pub after: State,
    /// How it hangs on the item before it.
    pub link: Link,
    /// Who made it, where no step did and somebody saw it.
    pub author: Option<Author>,
}

impl Item {
    /// Whether the file got another name here: what follows is of another file.
    pub fn left_for_another(&self) -> bool {
        matches!(&self.what, What::Change(c) if c.left)
    }
}

/// What an item of a chain is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A step changed it.
    Change(Change),
    /// A step was shown all of it, or the agent kept a copy of it.
    Sighting,
    /// It was seen on disk to change, and no step is known to have done it. These steps may have.
    Seen(Vec<StepRow>),
    /// It is in the commit that a session started on; the disk may have differed, so it only confirms.
    Base,
}

/// What is kept of a change beside its states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub op: Op,
    /// How it is known.
    pub evidence: Evidence,
    /// For a rename: the row of the path on the other side.
    pub other: Option<i64>,
    /// This chain is of the name that went away.
    pub left: bool,
    /// Index of the effect in the step's outcome.
    pub no: u32,
    /// Lines added and removed.
    pub lines: (u32, u32),
    /// Nothing is known against its having made the file, but the tool did not look.
    pub supposed: bool,
}

/// How an item hangs on the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Nothing is known from before.
    First,
    /// The after of one is the before of the other.
    Verified,
    /// One of the two is not known.
    Unverified,
    /// They differ: between them the path was changed by nobody we know.
    Broken,
}

impl Chain {
    /// Reads the chain of a path.
    pub(super) fn load(conn: &Connection, path: i64) -> Result<Chain> {
        let mut found = changes(conn, path)?;
        found.extend(sightings(conn, path)?);
        found.extend(copies(conn, path)?);
        found.extend(bases(conn, path)?);
        found.extend(observations(conn, path)?);
        let mut lanes: HashMap<SessionRow, VecDeque<Item>> = HashMap::new();
        found.sort_by_key(|i| (i.session, i.place, i.step.is_some()));
        for item in found {
            lanes.entry(item.session).or_default().push_back(item);
        }
        let mut lanes: Vec<_> = lanes.into_iter().collect();
        lanes.sort_by_key(|(session, _)| *session);
        Ok(Chain {
            items: merge(lanes.into_iter().map(|(_, lane)| lane).collect()),
        })
    }

    /// The state right after a step, whether the step changed the path or not.
    pub fn after(&self, at: &Moment) -> State {
        let (last, own) = self.up_to(at);
        if let Some(own) = own {
            return self.items[own].after;
        }
        self.between(last)
    }

    /// For a diff that begins right after a step: the state there, or, where it is not known, what stood there when the
    /// path was next changed; then the second value says that nobody saw it before.
    pub fn start_after(&self, at: &Moment) -> (State, bool) {
        let state = self.after(at);
        let (last, own) = self.up_to(at);
        if state.known() || own.is_some() {
            return (state, false);
        }
        let next = last.map_or(0, |l| l + 1);
        match self.items.get(next).map(|i| i.before) {
            Some(before) if before.known() => (before, true),
            _ => (state, false),
        }
    }

    /// The state right before a step.
    pub fn before(&self, at: &Moment) -> State {
        if let Some(first) = self.items.iter().position(|i| at.is(i)) {
            let before = self.items[first].before;
            // What a record does not say may be known from what stood there: but only if nothing contradicts.
            return match (before, &self.items[first].what) {
                (State::Unknown, What::Change(c)) if c.evidence == Evidence::PatchOnly => {
                    State::Unknown
                }
                (State::Unknown, _) => self.between(first.checked_sub(1)),
                (known, _) => known,
            };
        }
        self.between(self.up_to(at).0)
    }

    /// The step that deleted the path, if it is absent at that moment because of one.
    pub fn deleted_by(&self, at: &Moment) -> Option<StepRow> {
        let (last, own) = self.up_to(at);
        self.items[..=own.or(last)?]
            .iter()
            .rev()
            .find(|i| matches!(i.what, What::Change(_)))
            .filter(|i| i.after == State::Absent)
            .and_then(|i| i.step)
    }

    /// The last state known at or before an item; else the before of the next change, if the link is verified.
    fn between(&self, last: Option<usize>) -> State {
        let next = last.map_or(0, |l| l + 1);
        if let Some(last) = last {
            let item = &self.items[last];
            if item.what != What::Base && item.after.known() {
                return item.after;
            }
        }
        match self.items.get(next) {
            Some(item) if item.link == Link::Verified => item.before,
            _ => State::Unknown,
        }
    }

    /// The last item at or before a moment.
    pub fn last_at(&self, at: &Moment) -> Option<usize> {
        self.up_to(at).0
    }

    /// The last item at or before a moment, and the last one of the very step.
    fn up_to(&self, at: &Moment) -> (Option<usize>, Option<usize>) {
        let own = self.items.iter().rposition(|i| at.is(i));
        if own.is_some() {
            return (own, own);
        }
        let same = self
            .items
            .iter()
            .rposition(|i| i.session == at.session && i.place <= at.place);
        let bound = self
            .items
            .iter()
            .position(|i| i.session == at.session && i.place > at.place)
            .unwrap_or(self.items.len());
        let mut last = same;
        for (index, item) in self
            .items
            .iter()
            .enumerate()
            .take(bound)
            .skip(same.map_or(0, |s| s + 1))
        {
            match (item.time, at.time) {
                (Some((_, end)), Some(now)) if end <= now => last = Some(index),
                _ => break,
            }
        }
        (last, None)
    }
}

/// A step's place among the items of chains.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The step.
    pub step: StepRow,
    /// Its session.
    pub session: SessionRow,
    /// Its place within it: prompt, position, and after everything of the same position.
    pub place: (u32, u32, u32),
    /// When it ended.
    pub time: Option<Time>,
}

impl Moment {
    /// Reads where a step stands.
    pub(super) fn of(conn: &Connection, step: StepRow) -> Result<Moment> {
        Ok(conn
            .prepare_cached("SELECT session_id, prompt_no, seq, at FROM step WHERE id = ?1")?
            .query_row([step.0], |r| {
                Ok(Moment {
                    step,
                    session: SessionRow(r.get(0)?),
                    place: (r.get(1)?, r.get(2)?, u32::MAX),
                    time: rows::time(r.get(3)?),
                })
            })?)
    }

    fn is(&self, item: &Item) -> bool {
        item.step == Some(self.step)
    }
}

/// Several sessions' items become one order.
fn merge(mut lanes: Vec<VecDeque<Item>>) -> Vec<Item> {
    let mut out: Vec<Item> = Vec::with_capacity(lanes.iter().map(VecDeque::len).sum());
    let mut state = State::Unknown;
    while let Some(lane) = next_lane(&lanes, state) {
        let Some(mut item) = lanes[lane].pop_front() else {
            break;
        };
        item.link = match (out.last(), state, item.before) {
            (None, ..) => Link::First,
            (_, State::Unknown, _) | (_, _, State::Unknown) => Link::Unverified,
            (_, a, b) if a == b => Link::Verified,
            // A commit says what was there unless someone had changed it: that it differs proves nothing.
            (Some(last), ..) if last.what == What::Base || item.what == What::Base => {
                Link::Unverified
            }
            _ => Link::Broken,
        };
        // A commit only confirms: it never replaces what is known.
        if item.what != What::Base || !state.known() {
            state = item.after;
        }
        out.push(item);
    }
    out
}

/// The lane whose first item comes next: the earliest, unless one that ran at the same time fits what is there.
fn next_lane(lanes: &[VecDeque<Item>], state: State) -> Option<usize> {
    let heads = || {
        lanes
            .iter()
            .enumerate()
            .filter_map(|(i, l)| Some((i, l.front()?)))
    };
    let (first, earliest) = heads().min_by_key(|(_, item)| item.time.map(|(_, end)| end))?;
    if !state.known() || earliest.before == state {
        return Some(first);
    }
    let at_once = |item: &Item| match (item.time, earliest.time) {
        (Some((start, _)), Some((_, end))) => start.0 <= end.0.saturating_add(SLACK_MS),
        _ => true,
    };
    heads()
        .filter(|(_, item)| {
            item.before == state && matches!(item.what, What::Change(_)) && at_once(item)
        })
        .min_by_key(|(_, item)| item.time.map(|(_, end)| end))
        .map_or(Some(first), |(lane, _)| Some(lane))
}

/// The columns that place a step: row, session, prompt, seq, times.
const PLACE: &str = "s.id, s.session_id, s.prompt_no, s.seq, s.at, s.started_at";

/// What is told of a change. What was seen on disk goes before what the record says.
const CHANGE: &str =
    "c.no, c.op, coalesce(c.seen_before, c.before), coalesce(c.seen_after, c.after),
    CASE WHEN c.seen_before IS NOT NULL AND c.seen_after IS NOT NULL THEN 1 ELSE c.evidence END,
    c.added, c.removed, c.path_id, c.old_path_id, CASE WHEN c.seen_before IS NULL THEN c.linked ELSE 0 END";

fn item(
    row: &rusqlite::Row<'_>,
    sub: u32,
    what: What,
    states: (State, State),
) -> rusqlite::Result<Item> {
    let (at, started): (Option<i64>, Option<i64>) = (row.get(4)?, row.get(5)?);
    Ok(Item {
        step: Some(StepRow(row.get(0)?)),
        session: SessionRow(row.get(1)?),
        place: (row.get(2)?, row.get(3)?, sub),
        time: at
            .or(started)
            .map(|end| (Time(started.unwrap_or(end).min(end)), Time(end))),
        what,
        before: states.0,
        after: states.1,
        link: Link::First,
        author: None,
    })
}

fn changes(conn: &Connection, path: i64) -> Result<Vec<Item>> {
    let sql = format!(
        "SELECT {PLACE}, {CHANGE}
           FROM change c JOIN step s ON s.id = c.step_id WHERE c.path_id = ?1 AND s.alias_of IS NULL
          UNION ALL
         SELECT {PLACE}, {CHANGE}
           FROM change c JOIN step s ON s.id = c.step_id
          WHERE c.old_path_id = ?1 AND c.path_id <> ?1 AND s.alias_of IS NULL"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([path])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let op = rows::op(row.get(7)?);
        let (new, old): (i64, Option<i64>) = (row.get(13)?, row.get(14)?);
        let renamed = old.is_some_and(|old| old != new);
        let left = renamed && old == Some(path);
        let (before, after) = (
            State::from_column(row.get(8)?),
            State::from_column(row.get(9)?),
        );
        let states = match (renamed, left) {
            (true, true) => (before, State::Absent),
            // What stood under the new name before is not in the record.
            (true, false) => (State::Unknown, after),
            _ => (before, after),
        };
        let no: u32 = row.get(6)?;
        let change = Change {
            op,
            evidence: rows::evidence(row.get(10)?),
            other: renamed.then_some(if left { new } else { old.unwrap_or(new) }),
            left,
            no,
            lines: (row.get(11)?, row.get(12)?),
            supposed: op == Op::Create
                && before == State::Absent
                && row.get::<_, i64>(15)? & 1 != 0,
        };
        out.push(item(row, no, What::Change(change), states)?);
    }
    Ok(out)
}

fn sightings(conn: &Connection, path: i64) -> Result<Vec<Item>> {
    let sql = format!(
        "SELECT {PLACE}, g.blob_id FROM sighting g JOIN step s ON s.id = g.step_id
          WHERE g.path_id = ?1 AND g.blob_id IS NOT NULL AND s.alias_of IS NULL"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query([path])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let state = State::from_column(row.get(6)?);
        out.push(item(row, 0, What::Sighting, (state, state))?);
    }
    Ok(out)
}

/// The steps with these public ids, ten bytes each.
pub(super) fn steps_named(conn: &Connection, names: Option<&[u8]>) -> Result<Vec<StepRow>> {
    let mut step = conn.prepare_cached("SELECT id FROM step WHERE pub = ?1")?;
    let mut out = Vec::new();
    for name in names.unwrap_or_default().chunks_exact(10) {
        out.extend(
            step.query_row([name], |r| r.get(0))
                .optional()?
                .map(StepRow),
        );
    }
    Ok(out)
}

/// What was seen on disk to change and is among no step's changes: in a lane that is no session's.
fn observations(conn: &Connection, path: i64) -> Result<Vec<Item>> {
    let mut statement = conn.prepare_cached(
        "SELECT lo, hi, before, after, whose, step_id, maybe FROM observation
          WHERE path_id = ?1 AND (whose <> 1 OR (before_of IS NULL AND after_of IS NULL)) AND before IS NOT after
          ORDER BY hi, snapshot_id",
    )?;
    let mut rows = statement.query([path])?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        let mut maybe: Vec<StepRow> = row
            .get::<_, Option<i64>>(5)?
            .map(StepRow)
            .into_iter()
            .collect();
        let names: Option<Vec<u8>> = row.get(6)?;
        maybe.extend(steps_named(conn, names.as_deref())?);
        let yours = row.get::<_, i64>(4)? == 2;
        out.push(Item {
            step: None,
            session: SessionRow(0),
            place: (0, 0, out.len() as u32),
            time: Some((Time(row.get(0)?), Time(row.get(1)?))),
            what: What::Seen(maybe),
            before: State::from_column(row.get(2)?),
            after: State::from_column(row.get(3)?),
            link: Link::First,
            author: Some(if yours { Author::You } else { Author::Unknown }),
        });
    }
    Ok(out)
}

/// Copies that agents kept of the path, as it was right before they changed it.
fn copies(conn: &Connection, path: i64) -> Result<Vec<Item>> {
    let mut statement = conn.prepare_cached(
        "SELECT n.session_id, n.prompt_no, n.seq, n.at, CASE WHEN n.name IS NULL THEN 0 ELSE b.blob_id END
           FROM named n JOIN session s ON s.id = n.session_id LEFT JOIN beside b ON b.owner = s.pub AND b.name = n.name
          WHERE n.path_id = ?1 AND (n.name IS NULL OR b.blob_id IS NOT NULL)",
    )?;
    let rows = statement.query_map([path], |r| {
        let state = State::from_column(r.get(4)?);
        let at = rows::time(r.get(3)?);
        Ok(Item {
            step: None,
            session: SessionRow(r.get(0)?),
            place: (r.get(1)?, r.get(2)?, 0),
            time: at.map(|t| (t, t)),
            what: What::Sighting,
            before: state,
            after: state,
            link: Link::First,
            author: None,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What the path contained in the commits that sessions started on.
fn bases(conn: &Connection, path: i64) -> Result<Vec<Item>> {
    let mut statement = conn.prepare_cached(
        "SELECT e.id, e.started_at, b.blob_id
           FROM path p JOIN root r ON r.id = p.root_id
           JOIN base b ON b.root = r.path AND b.rel = p.rel
           JOIN session e ON e.commit_id IN (lower(hex(b.commit_id)), CAST(b.commit_id AS TEXT))
          WHERE p.id = ?1",
    )?;
    let mut rows = statement.query([path])?;
    let (mut out, mut seen) = (Vec::new(), HashSet::new());
    while let Some(row) = rows.next()? {
        let session = SessionRow(row.get(0)?);
        if !seen.insert(session) {
            continue;
        }
        let state = State::from_column(Some(row.get::<_, Option<i64>>(2)?.unwrap_or(0)));
        let at = rows::time(row.get(1)?);
        out.push(Item {
            step: None,
            session,
            place: (0, 0, 0),
            time: at.map(|t| (t, t)),
            what: What::Base,
            before: state,
            after: state,
            link: Link::First,
            author: None,
        });
    }
    Ok(out)
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
