//! One order of what records say of a path, what snapshots saw of it, and what earlier rewinds did to it.

use std::collections::HashMap;

use color_eyre::Result;
use rusqlite::Connection;

use super::{By, Event, Past, Reach, Scope, Told};
use crate::model::{Id, Node, Op, Time};
use crate::query::chain::{self, Item, What};
use crate::query::types::StepRow;
use crate::store::journal;
use crate::store::snapshots::{self, Finder, Snapshot};

/// A snapshot this close around a step is about that step.
const SLACK_MS: i64 = 10_000;
/// What a snapshot says of a path.
pub(super) struct Observation {
    /// When the one before it began, and this one began and ended.
    since: Option<Time>,
    began: Time,
    until: Time,
    rank: u8,
    past: Past,
    /// Whose the difference is, where the link pass has looked.
    whose: Option<Whose>,
}

/// Whose a difference is.
enum Whose {
    Step(StepRow),
    /// One of these, and nobody else's.
    OneOf(Vec<StepRow>),
    You,
    Unknown,
}

/// What the link pass found of a path, by snapshot.
fn whose(conn: &Connection, path: i64) -> Result<HashMap<i64, Whose>> {
    let mut q = conn.prepare_cached(
        "SELECT snapshot_id, whose, step_id, maybe FROM observation WHERE path_id = ?1",
    )?;
    let mut rows = q.query([path])?;
    let mut found = HashMap::new();
    while let Some(r) = rows.next()? {
        let whose = match (r.get(1)?, r.get::<_, Option<i64>>(2)?) {
            (1, Some(step)) => Whose::Step(StepRow(step)),
            (2, _) => Whose::You,
            (3, _) => {
                let maybe: Option<Vec<u8>> = r.get(3)?;
                Whose::OneOf(chain::steps_named(conn, maybe.as_deref())?)
            }
            _ => Whose::Unknown,
        };
        found.insert(r.get(0)?, whose);
    }
    Ok(found)
}

pub(super) fn observations(
    conn: &Connection,
    snapshots: &[Snapshot],
    (rel, path): (&[u8], Option<i64>),
    finder: &mut Finder,
) -> Result<Vec<Observation>> {
    let mut out = Vec::new();
    let mut since = None;
    let mut known = match path {
        Some(path) => whose(conn, path)?,
        None => HashMap::new(),
    };
    for s in snapshots {
        if let Some(node) = finder.find(conn, &s.tree, rel)? {
            out.push(Observation {
                since,
                began: s.time.0,
                until: s.time.1,
                rank: if s.why == snapshots::Reason::Before as u8 {
                    0
                } else {
                    2
                },
                past: Past::of_node(&node),
                // Nobody is known to have watched until then.
                whose: known
                    .remove(&s.id)
                    .or(s.is_kept().then_some(Whose::Unknown)),
            });
            since = Some(s.same_until);
        }
    }
    Ok(out)
}

impl Observation {
    /// Whether it was made while a rewind was at work on the path: then it saw one half of it or the other, and nobody's
    /// doing.
    pub(super) fn is_halfway(&self, at_work: &[(Time, Option<Time>)]) -> bool {
        at_work
            .iter()
            .any(|(from, to)| *from < self.until && to.is_none_or(|to| self.began < to))
    }
}

/// Puts items, observations and rewinds of one path into one order.
pub(super) struct Builder<'a> {
    pub(super) conn: &'a Connection,
    pub(super) scope: &'a Scope,
    pub(super) places: &'a HashMap<StepRow, Told>,
    pub(super) sessions: &'a [Id],
    pub(super) events: Vec<Event>,
    /// What the path holds; `None` before anything is known.
    pub(super) state: Option<Past>,
    pub(super) mode: Option<u32>,
}

enum Extra {
    Seen(Observation),
    Op(journal::Op, Node, Node),
}

impl Builder<'_> {
    pub(super) fn merge(
        &mut self,
        items: Vec<Item>,
        seen: Vec<Observation>,
        ops: Vec<(journal::Op, Node, Node)>,
    ) -> Result<()> {
        let mut extra: Vec<(Time, u8, Extra)> = Vec::new();
        extra.extend(
            ops.into_iter()
                .map(|(op, b, a)| (op.done_at.unwrap_or(op.at), 1, Extra::Op(op, b, a))),
        );
        extra.extend(seen.into_iter().map(|o| (o.until, o.rank, Extra::Seen(o))));
        extra.sort_by_key(|(at, rank, e)| (*at, matches!(e, Extra::Op(..)).then_some(0), *rank));
        extra.sort_by_key(|(at, rank, _)| (*at, *rank));
        let mut extra = extra.into_iter().peekable();
        for item in items {
            let end = item.time.map(|t| t.1);
            while let Some((at, ..)) = extra.peek() {
                if end.is_none_or(|end| *at >= end) {
                    break;
                }
                if let Some((_, _, Extra::Seen(o))) = extra.peek()
                    && self.saw_it_already(o, &item)?
                {
                    break;
                }
                if let Some((_, _, next)) = extra.next() {
                    self.extra(next);
                }
            }
            self.item(&item)?;
        }
        for (_, _, next) in extra {
            self.extra(next);
        }
        Ok(())
    }

    /// A snapshot may see what a step did before the step's result is written down: content decides.
    fn saw_it_already(&self, o: &Observation, item: &Item) -> Result<bool> {
        let after = Past::of_state(self.conn, item.after)?;
        let started = item.time.is_none_or(|(start, _)| start <= o.until);
        let fits_now = self.state.as_ref().is_some_and(|s| s.agrees(&o.past));
        Ok(started && !fits_now && after.agrees(&o.past))
    }

    fn push(&mut self, mut event: Event) {
        let state = self.state.clone().unwrap_or(Past::Unknown);
        let first = self.state.is_none();
        event.unsure = !first && (!state.known() || !event.before.known());
        event.gap = state.known() && event.before.known() && !state.agrees(&event.before);
        if state.agrees(&event.before) {
            // What was seen before it tells the mode, too.
            event.before = fuller(&event.before, &state);
        }
        if let Past::File(_, Some(mode)) = event.before {
            self.mode = Some(mode);
        }
        if let Past::File(_, Some(mode)) = event.after {
            self.mode = Some(mode);
        }
        self.state = Some(event.after.clone());
        self.events.push(event);
    }

    fn item(&mut self, item: &Item) -> Result<()> {
        let Some(step) = item.step else {
            return Ok(());
        };
        let told = self.places.get(&step);
        let before = Past::of_state(self.conn, item.before)?;
        let after = Past::of_state(self.conn, item.after)?;
        let (changed, before) = match &item.what {
            // A record that something was given this name: nothing was there, unless something is known to have been.
            What::Change(c) if c.other.is_some() && !c.left && !before.known() => {
                let there = matches!(
                    self.state,
                    Some(Past::File(..) | Past::Link(_) | Past::Other | Past::Unknown)
                );
                (true, if there { Past::Unknown } else { Past::Absent })
            }
            // Written as a new file, but a snapshot saw one: that one was written over.
            What::Change(c) if c.supposed => (true, self.state.clone().unwrap_or(before)),
            What::Change(c) if c.op == Op::Create && !before.known() => (true, Past::Unknown),
            What::Change(_) => (true, before),
            _ => (false, before),
        };
        self.push(Event {
            by: told.map_or(By::Unknown, Told::by),
            at: item.time.map(|t| t.1),
            before,
            after,
            changed,
            gap: false,
            unsure: false,
            undone: changed && told.is_some_and(|t| t.undone),
        });
        Ok(())
    }

    fn extra(&mut self, extra: Extra) {
        match extra {
            Extra::Op(op, before, after) => {
                let undone = self.scope.undoes_rewind(&op, self.sessions);
                self.push(Event {
                    by: By::Rewind(op.id),
                    at: op.done_at,
                    before: Past::of_node(&before),
                    after: Past::of_node(&after),
                    changed: true,
                    gap: false,
                    unsure: false,
                    undone,
                });
            }
            Extra::Seen(o) => self.seen(o),
        }
    }

    fn seen(&mut self, o: Observation) {
        if !o.past.known() {
            return;
        }
        match &self.state {
            Some(state) if state.agrees(&o.past) => {
                let fuller = fuller(state, &o.past);
                if let Some(last) = self.events.last_mut().filter(|e| e.after.agrees(&fuller)) {
                    last.after = fuller.clone();
                }
                if let Past::File(_, Some(mode)) = fuller {
                    self.mode = Some(mode);
                }
                self.state = Some(fuller);
            }
            Some(state) if state.known() => {
                let before = state.clone();
                let (by, undone) = self.seen_by(&o);
                self.push(Event {
                    by,
                    at: Some(o.until),
                    before,
                    after: o.past,
                    changed: true,
                    gap: false,
                    unsure: false,
                    undone,
                });
            }
            _ => {
                let before = o.past.clone();
                self.push(Event {
                    by: By::Unknown,
                    at: Some(o.until),
                    before,
                    after: o.past,
                    changed: false,
                    gap: false,
                    unsure: false,
                    undone: false,
                });
            }
        }
    }

    /// Who changed what two snapshots saw differently: the steps that ran meanwhile, if nothing else can have been.
    fn seen_by(&self, o: &Observation) -> (By, bool) {
        let whole = self.scope.reach == Reach::WholeTree
            && self.scope.later_time(Some(o.until))
            && !self.scope.only;
        match &o.whose {
            Some(Whose::You) => return (By::You, whole),
            Some(Whose::Unknown) => return (By::Unknown, whole),
            Some(Whose::Step(step)) => {
                return match self.places.get(step) {
                    Some(told) => (told.by(), told.undone || whole),
                    None => (By::Unknown, whole),
                };
            }
            Some(Whose::OneOf(steps)) => {
                let told: Vec<&Told> = steps.iter().filter_map(|s| self.places.get(s)).collect();
                // Whichever it was: if all of them are undone, it is.
                let undone = told.len() == steps.len() && told.iter().all(|t| t.undone);
                return match told.last().filter(|_| undone) {
                    Some(last) => (last.by(), true),
                    None => (By::Unknown, whole),
                };
            }
            None => {}
        }
        let Some(since) = o.since else {
            return (By::Unknown, whole);
        };
        let mut ran: Vec<(&Told, Time, Time)> = self
            .places
            .values()
            .filter_map(|t| t.time.map(|(start, end)| (t, start, end)))
            .filter(|(_, start, end)| *start <= o.until && *end >= since)
            .collect();
        ran.sort_by_key(|(_, start, end)| (*end, *start));
        let (Some(first), Some(last)) = (ran.iter().map(|r| r.1).min(), ran.last()) else {
            return (By::You, whole);
        };
        let tight = first.0 - since.0 <= SLACK_MS && o.until.0 - last.2.0 <= SLACK_MS;
        let one = ran
            .iter()
            .all(|r| r.0.home == last.0.home && r.0.undone == last.0.undone);
        if !tight || !one {
            return (By::Unknown, whole);
        }
        (last.0.by(), last.0.undone || whole)
    }
}

/// The same thing with what either of the two knows of its mode.
fn fuller(a: &Past, b: &Past) -> Past {
    match (a, b) {
        (Past::File(hash, m), Past::File(_, n)) => Past::File(*hash, m.or(*n)),
        (a, _) => a.clone(),
    }
}
