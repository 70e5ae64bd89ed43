//! The states of paths that the records themselves do not hold: patches without a base, edits without an original,
//! deletions, renames. Worked out forward in time over all sessions, and only where the text at hand bears it out. From
//! the records alone: what the disk tells comes on top (`observe`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use color_eyre::Result;
use rusqlite::{Connection, params};

use super::super::roots::Roots;
use super::bases::Bases;
use super::committed;
use super::states::{State, Texts, Worked, work_out};
use crate::model::{Evidence, Op, Time, key_hash};
use crate::source::{self, Before, Body, Committed, Effect, ParseState};
use crate::store::write::Writer;
use crate::store::{FrameCache, files};

/// What was done, and lines added and removed, as a change's row says it.
type Row = (Op, (u32, u32));

/// What a step's records say, remembered while its changes are worked out.
#[derive(Default)]
struct Told {
    effects: Vec<Effect>,
    committed: Option<Committed>,
}

/// Bytes of unpacked frames that are remembered: what is looked up stands near what was looked up before.
const FRAMES: usize = 8 << 20;

/// A change or a sighting, in the order of time.
struct Item {
    path: i64,
    /// (effective time, session's start, session, position, index)
    order: (i64, i64, Vec<u8>, i64, i64),
    fresh: bool,
    what: What,
}

enum What {
    /// All of it was seen, or (`None`) a part, or (0) that it is not there.
    Sighting(Option<i64>),
    Change(Box<Change>),
}

struct Change {
    id: i64,
    step: i64,
    no: usize,
    old_path: Option<i64>,
    op: Op,
    /// As stored; which of them were recorded, `linked` says.
    before: Option<i64>,
    after: Option<i64>,
    linked: i64,
    evidence: i64,
    lines: (u32, u32),
    commit: Option<String>,
}

/// Works out what is new since these rows; the steps whose changes it wrote anew.
pub(super) fn link(
    conn: &Connection,
    roots: &Roots,
    after: &BTreeMap<&'static str, i64>,
) -> Result<BTreeSet<i64>> {
    let [changes_after, sightings_after, named_after] =
        ["change", "sighting", "named"].map(|table| after[table]);
    conn.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS want (path_id INTEGER PRIMARY KEY); DELETE FROM want;",
    )?;
    conn.execute(
        "INSERT OR IGNORE INTO want SELECT path_id FROM change WHERE id > ?1 AND linked <> 4
         UNION SELECT old_path_id FROM change WHERE id > ?1 AND old_path_id IS NOT NULL
         UNION SELECT path_id FROM sighting WHERE id > ?2
         UNION SELECT path_id FROM named WHERE id > ?3 AND path_id IS NOT NULL",
        [changes_after, sightings_after, named_after],
    )?;
    // Paths hang together through renames.
    loop {
        let n = conn.execute(
            "INSERT OR IGNORE INTO want
             SELECT path_id FROM change WHERE old_path_id IN (SELECT path_id FROM want)
             UNION SELECT old_path_id FROM change WHERE old_path_id IS NOT NULL AND path_id IN (SELECT path_id FROM want)",
            [],
        )?;
        if n == 0 {
            break;
        }
    }
    // What the records hold themselves needs nothing. Asked path by path: few are new, and all changes are many.
    conn.execute(
        "DELETE FROM want WHERE NOT EXISTS (
           SELECT 1 FROM change c WHERE c.path_id = want.path_id AND c.linked <> 4
              AND (c.before IS NULL OR c.after IS NULL OR c.linked <> 0 OR c.old_path_id IS NOT NULL))
         AND NOT EXISTS (SELECT 1 FROM change c WHERE c.old_path_id = want.path_id)",
        [],
    )?;
    let mut items = changes(conn, changes_after)?;
    items.extend(sightings(conn, sightings_after)?);
    items.extend(copies(conn, named_after)?);
    in_order(&mut items);
    let mut walk = Walk {
        conn,
        states: HashMap::new(),
        dirty: BTreeSet::new(),
        texts: Texts::default(),
        bases: Bases::new(roots),
        told: HashMap::new(),
        frames: FrameCache::new(FRAMES),
    };
    let mut steps = BTreeSet::new();
    for item in &items {
        walk.item(item, &mut steps)?;
    }
    for step in &steps {
        Writer::sum_changes(conn, *step)?;
    }
    Ok(steps)
}

fn changes(conn: &Connection, after: i64) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut q = conn.prepare_cached(
        "SELECT c.path_id, t.at, s.started_at, s.pub, t.seq, c.no, c.id, c.step_id, t.session_id, c.old_path_id, c.op, c.before,
                c.after, c.linked, c.evidence, s.commit_id, c.added, c.removed
         FROM change c JOIN step t ON t.id = c.step_id JOIN session s ON s.id = t.session_id
         WHERE t.alias_of IS NULL AND c.linked <> 4 AND (c.path_id IN (SELECT path_id FROM want) OR c.old_path_id IN (SELECT path_id FROM want))",
    )?;
    let mut rows = q.query([])?;
    while let Some(r) = rows.next()? {
        let id: i64 = r.get(6)?;
        items.push(Item {
            path: r.get(0)?,
            order: (
                r.get::<_, Option<i64>>(1)?.unwrap_or(i64::MIN),
                r.get::<_, Option<i64>>(2)?.unwrap_or(i64::MAX),
                r.get(3)?,
                r.get(4)?,
                r.get(5)?,
            ),
            fresh: id > after,
            what: What::Change(Box::new(Change {
                id,
                step: r.get(7)?,
                no: usize::try_from(r.get::<_, i64>(5)?).unwrap_or(usize::MAX),
                old_path: r.get(9)?,
                op: Op::from_code(r.get(10)?).unwrap_or(Op::Modify),
                before: r.get(11)?,
                after: r.get(12)?,
                linked: r.get(13)?,
                evidence: r.get(14)?,
                commit: r.get(15)?,
                lines: (r.get(16)?, r.get(17)?),
            })),
        });
    }
    Ok(items)
}

fn sightings(conn: &Connection, after: i64) -> Result<Vec<Item>> {
    let mut q = conn.prepare_cached(
        "SELECT g.path_id, t.at, s.started_at, s.pub, t.seq, g.id, g.blob_id
         FROM sighting g JOIN step t ON t.id = g.step_id JOIN session s ON s.id = t.session_id
         WHERE t.alias_of IS NULL AND g.path_id IN (SELECT path_id FROM want)",
    )?;
    seen(q.query([])?, after)
}

/// Copies that the agent kept: what a file was right before it was changed.
fn copies(conn: &Connection, after: i64) -> Result<Vec<Item>> {
    let mut q = conn.prepare_cached(
        "SELECT n.path_id, n.at, s.started_at, s.pub, n.seq, n.id, CASE WHEN n.name IS NULL THEN 0 ELSE b.blob_id END
         FROM named n JOIN session s ON s.id = n.session_id LEFT JOIN beside b ON b.owner = s.pub AND b.name = n.name
         WHERE n.path_id IN (SELECT path_id FROM want) AND (n.name IS NULL OR b.blob_id IS NOT NULL)",
    )?;
    seen(q.query([])?, after)
}

/// Rows of what was seen of paths: path, time, session's start, session, position, own row, content.
fn seen(mut rows: rusqlite::Rows<'_>, after: i64) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    while let Some(r) = rows.next()? {
        let id: i64 = r.get(5)?;
        items.push(Item {
            path: r.get(0)?,
            order: (
                r.get::<_, Option<i64>>(1)?.unwrap_or(i64::MIN),
                r.get::<_, Option<i64>>(2)?.unwrap_or(i64::MAX),
                r.get(3)?,
                r.get(4)?,
                -1,
            ),
            fresh: id > after,
            what: What::Sighting(r.get(6)?),
        });
    }
    Ok(items)
}

/// Time orders sessions among each other; within a session the position does, since some clocks step back.
fn in_order(items: &mut [Item]) {
    items.sort_by(|a, b| {
        (&a.order.2, a.order.3, a.order.4).cmp(&(&b.order.2, b.order.3, b.order.4))
    });
    let mut session: &[u8] = &[];
    let mut latest = i64::MIN;
    let mut times = Vec::with_capacity(items.len());
    for item in items.iter() {
        if item.order.2 != session {
            session = &item.order.2;
            latest = i64::MIN;
        }
        latest = latest.max(item.order.0);
        times.push(latest);
    }
    for (item, time) in items.iter_mut().zip(times) {
        item.order.0 = time;
    }
    items.sort_by(|a, b| a.order.cmp(&b.order));
}

struct Walk<'a> {
    conn: &'a Connection,
    states: HashMap<i64, State>,
    /// Paths on which something new was met: from there on nothing stored is relied on.
    dirty: BTreeSet<i64>,
    texts: Texts,
    bases: Bases<'a>,
    /// Of the step at hand.
    told: HashMap<i64, Told>,
    frames: FrameCache,
}

impl Walk<'_> {
    fn item(&mut self, item: &Item, steps: &mut BTreeSet<i64>) -> Result<()> {
        if item.fresh {
            self.dirty.insert(item.path);
        }
        match &item.what {
            What::Sighting(Some(seen)) => {
                self.states.insert(item.path, State::of(Some(*seen)));
            }
            // A part says no more than that there is a file.
            What::Sighting(None) => match self.states.get(&item.path) {
                Some(State::Blob(_)) => {}
                _ => {
                    self.states.insert(item.path, State::Unknown);
                }
            },
            What::Change(change) => {
                if let Some(old) = change.old_path
                    && (self.dirty.contains(&item.path) || self.dirty.contains(&old))
                {
                    self.dirty.extend([item.path, old]);
                }
                let after = if self.dirty.contains(&item.path) {
                    self.change(item.path, change, Time(item.order.0), steps)?
                } else {
                    State::of(change.after)
                };
                if let Some(old) = change.old_path {
                    self.states.insert(old, State::Absent);
                }
                self.states.insert(item.path, after);
            }
        }
        Ok(())
    }

    /// Works out one change and writes what is new. Returns the state after it.
    fn change(
        &mut self,
        path: i64,
        c: &Change,
        at: Time,
        steps: &mut BTreeSet<i64>,
    ) -> Result<State> {
        let recorded = (
            if c.linked & 1 == 0 { c.before } else { None },
            if c.linked & 2 == 0 { c.after } else { None },
        );
        if let (Some(_), Some(after)) = recorded {
            return Ok(State::of(Some(after)));
        }
        let from = c.old_path.unwrap_or(path);
        let effect = self.effect(c)?;
        if let Some((worked, what)) = self.in_its_commit(from, c, recorded)? {
            self.write(c, recorded, worked, what, true, steps)?;
            return Ok(worked.after);
        }
        if let Some(Effect::Write {
            before: Before::Unchecked,
            ..
        }) = effect
        {
            return self.unchecked(from, c, at, recorded, steps);
        }
        let known = self.states.get(&from).copied().unwrap_or(State::Unknown);
        let mut worked = self.work_out(known, recorded, c, effect.as_ref())?;
        // What git has of the path: in the commit that the record names, then in the one that was checked out. It counts
        // only where the record fits it.
        let lacks = |w: &Worked| {
            let writes = matches!(effect, Some(Effect::Write { .. }));
            w.after == State::Unknown || (writes && w.before == State::Unknown)
        };
        for git in [false, true] {
            if !lacks(&worked) || effect.is_none() {
                break;
            }
            let commit = match git {
                true => self.bases.head(self.conn, from, at)?,
                false => c.commit.clone(),
            };
            if let Some(commit) = commit
                && let Some(found) = self.bases.base(self.conn, from, &commit)?
                && found != known
            {
                worked = self.work_out(found, recorded, c, effect.as_ref())?;
            }
        }
        self.write(c, recorded, worked, (c.op, c.lines), false, steps)?;
        Ok(worked.after)
    }

    fn work_out(
        &mut self,
        base: State,
        recorded: (Option<i64>, Option<i64>),
        c: &Change,
        effect: Option<&Effect>,
    ) -> Result<Worked> {
        work_out(self.conn, &mut self.texts, base, recorded, c.op, effect)
    }

    /// What the agent's own commit says of the change, with its kind and lines; `None` if there is none, or it says nothing.
    fn in_its_commit(
        &mut self,
        path: i64,
        c: &Change,
        recorded: (Option<i64>, Option<i64>),
    ) -> Result<Option<(Worked, Row)>> {
        let Some(Told {
            effects,
            committed: Some(told),
        }) = self.told.get(&c.step)
        else {
            return Ok(None);
        };
        let Some(own) = effects.get(c.no) else {
            return Ok(None);
        };
        let Some(sides) = self.bases.committed(self.conn, path, told)? else {
            return Ok(None);
        };
        let of_path = |e: &&Effect| e.path() == own.path();
        let place = effects[..c.no].iter().filter(of_path).count();
        let all: Vec<&Effect> = effects.iter().filter(of_path).collect();
        let known = match all.len() {
            1 => self.states.get(&path).copied().unwrap_or(State::Unknown),
            _ => State::Unknown,
        };
        let worked = match recorded.1 {
            // A whole text is in the record; the commit tells what it was written over.
            Some(row) => committed::written(State::of(Some(row)), sides, told),
            None => committed::work_out(self.conn, &mut self.texts, sides, known, told, &all)?
                .get(place)
                .copied(),
        };
        let Some(worked) = worked else {
            return Ok(None);
        };
        let op = match worked.before {
            State::Absent => Op::Create,
            State::Blob(_) => Op::Modify,
            State::Unknown => c.op,
        };
        let lines = self.texts.lines(self.conn, worked.before, worked.after)?;
        Ok(Some((worked, (op, lines.unwrap_or(c.lines)))))
    }

    /// A file was written as if it were new. What is known of the path before stood there and was written over; where
    /// nothing is, the record is believed, unless a commit has such a file: what that file contained when it was written
    /// over, nobody saw.
    fn unchecked(
        &mut self,
        path: i64,
        c: &Change,
        at: Time,
        recorded: (Option<i64>, Option<i64>),
        steps: &mut BTreeSet<i64>,
    ) -> Result<State> {
        let before = match self.states.get(&path) {
            Some(known) => *known,
            None => match self.committed(path, c, at)? {
                Some(State::Blob(_)) => State::Unknown,
                _ => State::Absent,
            },
        };
        let after = State::of(recorded.1);
        let op = match before {
            State::Absent => Op::Create,
            State::Blob(_) | State::Unknown => Op::Modify,
        };
        let lines = self.texts.lines(self.conn, before, after)?;
        let worked = Worked { before, after };
        let what = (op, lines.unwrap_or(c.lines));
        self.write(c, recorded, worked, what, false, steps)?;
        Ok(after)
    }

    /// What a path is in the commit that the record names, else in the one that was checked out.
    fn committed(&mut self, path: i64, c: &Change, at: Time) -> Result<Option<State>> {
        let commit = match &c.commit {
            Some(commit) => Some(commit.clone()),
            None => self.bases.head(self.conn, path, at)?,
        };
        match commit {
            Some(commit) => self.bases.base(self.conn, path, &commit),
            None => Ok(None),
        }
    }

    fn write(
        &self,
        c: &Change,
        recorded: (Option<i64>, Option<i64>),
        w: Worked,
        (op, lines): Row,
        in_commit: bool,
        steps: &mut BTreeSet<i64>,
    ) -> Result<()> {
        let (before, after) = (w.before.row(), w.after.row());
        let linked = i64::from(recorded.0.is_none() && before.is_some())
            | (i64::from(recorded.1.is_none() && after.is_some()) << 1);
        let evidence = if before.is_none() || after.is_none() {
            // A whole text that was written is recorded, whatever stood there before.
            if recorded.1.is_some_and(|blob| blob > 0) || (in_commit && after.is_some()) {
                Evidence::Recorded
            } else {
                Evidence::PatchOnly
            }
        } else if !in_commit && (linked & 2 != 0 || c.op == Op::Delete) {
            Evidence::Replayed
        } else {
            Evidence::Recorded
        };
        let (new, old) = (
            (before, after, linked, evidence as i64),
            (c.before, c.after, c.linked, c.evidence),
        );
        if new != old || (op, lines) != (c.op, c.lines) {
            self.conn
                .prepare_cached(
                    "UPDATE change SET before = ?2, after = ?3, linked = ?4, evidence = ?5, op = ?6, added = ?7, removed = ?8
                     WHERE id = ?1",
                )?
                .execute(params![c.id, before, after, linked, evidence as u8, op as u8, lines.0, lines.1])?;
            steps.insert(c.step);
        }
        Ok(())
    }

    /// What the tool did, read again from its raw lines.
    fn effect(&mut self, c: &Change) -> Result<Option<Effect>> {
        if !self.told.contains_key(&c.step) {
            self.told.clear();
            let told = told_of(self.conn, &mut self.frames, c.step)?;
            self.told.insert(c.step, told);
        }
        let told = self.told.get(&c.step);
        Ok(told.and_then(|t| t.effects.get(c.no)).cloned())
    }
}

/// All effects of a step, in the order in which the fold numbered them, and the commit that holds them.
fn told_of(conn: &Connection, frames: &mut FrameCache, step: i64) -> Result<Told> {
    let mut spans: Vec<(i64, u64, u64)> = conn
        .prepare_cached("SELECT file_id, off, len FROM part WHERE step_id = ?1 ORDER BY no")?
        .query_map([step], |r| {
            Ok((
                r.get(0)?,
                r.get::<_, i64>(1)?.cast_unsigned(),
                r.get::<_, i64>(2)?.cast_unsigned(),
            ))
        })?
        .collect::<Result<_, _>>()?;
    let (key, out) = conn
        .prepare_cached("SELECT key_hash, out_file, out_off, out_len FROM step WHERE id = ?1")?
        .query_row([step], |r| {
            Ok((
                r.get::<_, i64>(0)?,
                (
                    r.get::<_, Option<i64>>(1)?,
                    r.get::<_, Option<i64>>(2)?,
                    r.get::<_, Option<i64>>(3)?,
                ),
            ))
        })?;
    if let (Some(file), Some(off), Some(len)) = out {
        spans.push((file, off.cast_unsigned(), len.cast_unsigned()));
    }
    let mut told = Told::default();
    for (file, off, len) in spans {
        let row = files::get(conn, file)?;
        let line = frames.read(conn, file, off, len)?;
        let mut events = Vec::new();
        source::events(
            row.agent,
            &row.path,
            &line,
            &mut ParseState::default(),
            &mut events,
        );
        for event in events {
            match event.body {
                Body::Outcome(outcome) if key_hash(&outcome.call_id) == key => {
                    told.effects.extend(outcome.effects);
                }
                Body::Committed(c) if key_hash(&c.call_id) == key => told.committed = Some(*c),
                _ => {}
            }
        }
    }
    Ok(told)
}
