//! What happened to the paths that a rewind is about: the chain of each, with what snapshots saw of it and what earlier
//! rewinds did to it, and which of that is to be undone. Nothing is decided here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension, params};

use super::chain::{Chain, Item, What};
use super::contents::State;
use super::resolve::Target;
use super::rows::shown;
use super::types::{SessionRow, StepRow};
use crate::model::{BlobHash, Id, IdKind, Node, Op, Status, StepKind, Time};
use crate::store::snapshots::{self, Finder, Snapshot};
use crate::store::{Reader, blobs, journal};

/// A snapshot this close around a step is about that step.
const SLACK_MS: i64 = 10_000;
/// A session that wrote this recently may still be at work.
const LIVE_MS: i64 = 120_000;

/// What a rewind asks.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The step or prompt.
    pub target: Target,
    /// The target itself is undone too.
    pub before: bool,
    /// Only the target is undone, what came after is kept.
    pub only: bool,
    /// Whose work is undone.
    pub reach: Reach,
    /// The work folder, absolute.
    pub root: &'a [u8],
    /// The present moment.
    pub now: Time,
}

/// Whose work a rewind undoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// The target's session's and its sub-agents'.
    Session,
    /// Every session's.
    AllSessions,
    /// Everybody's.
    WholeTree,
}

/// A path at a moment, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Past {
    /// Not known.
    Unknown,
    /// Nothing.
    Absent,
    /// A file; its mode where somebody looked.
    File(BlobHash, Option<u32>),
    /// A link.
    Link(Vec<u8>),
    /// Something that is neither.
    Other,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A step of an agent.
    Step {
        /// Its public id.
        id: String,
        /// Its session's.
        session: String,
        /// The number of its prompt.
        prompt: u32,
    },
    /// An earlier rewind, undo or redo.
    Rewind(i64),
    /// It was seen to change while no step was running.
    You,
    /// It changed, nobody saw by whom.
    Unknown,
}

/// One thing that happened to a path, or was seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who.
    pub by: By,
    /// When it was over.
    pub at: Option<Time>,
    /// Before it.
    pub before: Past,
    /// After it.
    pub after: Past,
    /// It changed something (else it was only seen).
    pub changed: bool,
    /// What the event before it left is not what it found: somebody unseen was there in between.
    pub gap: bool,
    /// Whether the two agree is not known.
    pub unsure: bool,
    /// It is to be undone.
    pub undone: bool,
}

/// All that is known of a path.
#[derive(Clone, Debug)]
pub struct PathPast {
    /// Relative to the root; or absolute, for what lies elsewhere.
    pub rel: Vec<u8>,
    /// The root that it lies in, if that is not the one asked for; empty: outside every root.
    pub elsewhere: Option<Vec<u8>>,
    /// In order.
    pub events: Vec<Event>,
    /// The mode that it last had when somebody looked.
    pub mode: Option<u32>,
}

/// The answer.
#[derive(Clone, Debug, Default)]
pub struct PastOf {
    /// Every path that something undone changed.
    pub paths: Vec<PathPast>,
    /// Public ids of the steps undone that changed files, oldest first.
    pub undone: Vec<String>,
    /// The sessions whose work is undone.
    pub sessions: Vec<Id>,
    /// Commands that may have changed files while nobody looked.
    pub unseen: Vec<String>,
    /// Steps that have no result yet.
    pub running: Vec<String>,
    /// Milliseconds since one of the sessions last wrote.
    pub quiet_ms: Option<u64>,
    /// Other sessions at work a moment ago, with the paths they changed.
    pub others: Vec<(String, Vec<Vec<u8>>)>,
}

impl Past {
    fn of_state(conn: &Connection, state: State) -> Result<Past> {
        Ok(match state {
            State::Unknown => Past::Unknown,
            State::Absent => Past::Absent,
            State::Blob(id) => Past::File(blobs::hash_of(conn, id)?, None),
        })
    }

    /// What a look at the disk says.
    pub fn of_node(node: &Node) -> Past {
        match node {
            // Where a folder is there is no file; what lies in it has paths of its own.
            Node::Absent | Node::Dir { .. } => Past::Absent,
            Node::File { hash, mode, .. } => Past::File(*hash, Some(*mode)),
            Node::Link { target } => Past::Link(target.clone()),
            // It is there; what it holds is not known.
            Node::Unread { .. } | Node::Ignored => Past::Unknown,
            Node::Special | Node::Foreign => Past::Other,
        }
    }

    /// Whether type and content are the same; modes only count where both are known.
    pub fn agrees(&self, other: &Past) -> bool {
        match (self, other) {
            (Past::File(a, m), Past::File(b, n)) => {
                a == b && (m.is_none() || n.is_none() || m == n)
            }
            (Past::Unknown, _) | (_, Past::Unknown) => false,
            (a, b) => a == b,
        }
    }

    fn known(&self) -> bool {
        *self != Past::Unknown
    }
}

/// A step's place in its session.
type Place = (u32, u32);

/// Which steps are undone.
struct Scope {
    question_before: bool,
    only: bool,
    reach: Reach,
    session: SessionRow,
    /// The target's own place; a prompt ends at its last step.
    place: Place,
    prompt: Option<u32>,
    step: Option<StepRow>,
    time: Option<Time>,
    /// Sub-agents below the session, with the place of the step of the session that started them.
    children: HashMap<SessionRow, (Option<Place>, Option<StepRow>)>,
}

impl Scope {
    fn load(conn: &Connection, q: &Question<'_>) -> Result<Scope> {
        let (session, place, prompt, step, time) = match q.target {
            Target::Step(session, step) => {
                let (no, seq, at): (u32, u32, Option<i64>) = conn
                    .prepare_cached(
                        "SELECT prompt_no, seq, COALESCE(at, started_at) FROM step WHERE id = ?1",
                    )?
                    .query_row([step.0], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
                (session, (no, seq), None, Some(step), at)
            }
            Target::Prompt(session, no) => {
                let at = if q.before {
                    conn.prepare_cached("SELECT at FROM prompt WHERE session_id = ?1 AND no = ?2")?
                        .query_row(params![session.0, no], |r| r.get(0))
                        .optional()?
                        .flatten()
                } else {
                    conn.prepare_cached(
                        "SELECT max(at) FROM step WHERE session_id = ?1 AND prompt_no <= ?2",
                    )?
                    .query_row(params![session.0, no], |r| r.get(0))?
                };
                let place = if q.before { (no, 0) } else { (no, u32::MAX) };
                (session, place, Some(no), None, at)
            }
        };
        Ok(Scope {
            question_before: q.before,
            only: q.only,
            reach: q.reach,
            session,
            place,
            prompt,
            step,
            time: time.map(Time),
            children: children(conn, session)?,
        })
    }

    fn sessions(&self) -> impl Iterator<Item = SessionRow> {
        std::iter::once(self.session).chain(self.children.keys().copied())
    }

    fn later(&self, place: Place) -> bool {
        if self.question_before {
            place >= self.place
        } else {
            place > self.place
        }
    }

    fn later_time(&self, time: Option<Time>) -> bool {
        match (time, self.time) {
            (Some(t), Some(target)) if self.question_before => t >= target,
            (Some(t), Some(target)) => t > target,
            _ => false,
        }
    }

    /// Whether a step is undone.
    fn undoes(&self, session: SessionRow, place: Place, step: StepRow, end: Option<Time>) -> bool {
        let child = self.children.get(&session);
        if self.only {
            return match (self.prompt, self.step, child) {
                (Some(no), _, None) => session == self.session && place.0 == no,
                (Some(no), _, Some((spawn, _))) => spawn.is_some_and(|p| p.0 == no),
                (None, Some(target), None) => step == target,
                (None, target, Some((_, spawn))) => spawn.is_some() && *spawn == target,
                (None, None, None) => false,
            };
        }
        if session == self.session {
            return self.later(place);
        }
        match child {
            Some((Some(spawn), _)) if self.later(*spawn) => true,
            // Begun before the target: in the background it may have gone on after it.
            Some(_) => self.later_time(end),
            None => self.reach != Reach::Session && self.later_time(end),
        }
    }

    /// Whether something at this time that is no step of a session belongs to it.
    fn undoes_rewind(&self, op: &journal::Op, sessions: &[Id]) -> bool {
        !self.only
            && self.later_time(Some(op.at))
            && (self.reach != Reach::Session || op.sessions.iter().any(|s| sessions.contains(s)))
    }
}

/// The sub-agents below a session.
fn children(
    conn: &Connection,
    session: SessionRow,
) -> Result<HashMap<SessionRow, (Option<Place>, Option<StepRow>)>> {
    let mut q = conn.prepare_cached(
        "SELECT c.id, c.parent_id, c.spawn_step, t.session_id, t.prompt_no, t.seq
           FROM session c LEFT JOIN step t ON t.id = c.spawn_step WHERE c.relation = 1 AND c.parent_id IS NOT NULL",
    )?;
    let rows = q.query_map([], |r| {
        let spawn: Option<i64> = r.get(2)?;
        let place: Option<(i64, Place)> = match spawn {
            Some(_) => r
                .get::<_, Option<i64>>(3)?
                .map(|s| Ok::<_, rusqlite::Error>((s, (r.get(4)?, r.get(5)?))))
                .transpose()?,
            None => None,
        };
        Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?, spawn, place))
    })?;
    let all: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    let mut found: HashMap<SessionRow, (Option<Place>, Option<StepRow>)> = HashMap::new();
    for _ in 0..super::timeline::DEPTH {
        for (id, parent, spawn, place) in &all {
            let row = SessionRow(*id);
            if row == session || found.contains_key(&row) {
                continue;
            }
            // A step of the session itself started it, or one of a sub-agent that is known by now.
            let home = place.map_or(*parent, |(s, _)| s);
            if home == session.0 {
                found.insert(row, (place.map(|p| p.1), spawn.map(StepRow)));
            } else if let Some(above) = found.get(&SessionRow(home)).copied() {
                found.insert(row, above);
            }
        }
    }
    Ok(found)
}

/// Answers a question.
pub fn ask(reader: &Reader, q: &Question<'_>) -> Result<PastOf> {
    let conn = reader.conn();
    let scope = Scope::load(conn, q)?;
    let mut out = PastOf::default();
    for session in scope.sessions() {
        let (id, ended): (Vec<u8>, Option<i64>) = conn
            .prepare_cached("SELECT pub, ended_at FROM session WHERE id = ?1")?
            .query_row([session.0], |r| Ok((r.get(0)?, r.get(1)?)))?;
        out.sessions.extend(Id::from_bytes(&id));
        let quiet = ended.map(|e| q.now.since(Time(e)));
        out.quiet_ms = [out.quiet_ms, quiet].into_iter().flatten().min();
    }
    let snapshots = snapshots::of_root(conn, q.root)?;
    let places = steps(conn, &scope, &snapshots, &mut out)?;
    others(conn, &scope, q, &mut out)?;
    let mut finder = Finder::default();
    for (root, rel, row) in paths(conn, &scope, q, &snapshots)? {
        let here = root == q.root;
        let mut builder = Builder {
            conn,
            scope: &scope,
            places: &places,
            sessions: &out.sessions,
            events: Vec::new(),
            state: None,
            mode: None,
        };
        let (seen, ops) = if here {
            (
                observations(conn, &snapshots, &rel, &mut finder)?,
                journal::of_path(conn, &root, &rel)?,
            )
        } else {
            (Vec::new(), Vec::new())
        };
        let chain = match row {
            Some(row) => Chain::load(conn, row)?,
            None => Chain::default(),
        };
        builder.merge(chain.items, seen, ops)?;
        if builder.events.iter().any(|e| e.undone) {
            out.paths.push(PathPast {
                rel,
                elsewhere: (!here).then_some(root),
                events: builder.events,
                mode: builder.mode,
            });
        }
    }
    out.paths
        .sort_by(|a, b| (&a.elsewhere, &a.rel).cmp(&(&b.elsewhere, &b.rel)));
    Ok(out)
}

/// What is told of a step: its public id, its session's, the number of its prompt, and whether it is undone.
struct Told {
    id: String,
    session: String,
    prompt: u32,
    undone: bool,
    kind: StepKind,
    time: Option<(Time, Time)>,
}

/// The steps of the sessions in question, and what a person must know of those that are undone.
fn steps(
    conn: &Connection,
    scope: &Scope,
    snapshots: &[Snapshot],
    out: &mut PastOf,
) -> Result<HashMap<StepRow, Told>> {
    let mut q = conn.prepare_cached(
        "SELECT s.id, s.session_id, s.prompt_no, s.seq, s.pub, e.pub, s.kind, s.status, COALESCE(s.started_at, s.at),
                COALESCE(s.at, s.started_at), s.added IS NOT NULL
           FROM step s JOIN session e ON e.id = s.session_id WHERE s.alias_of IS NULL
          ORDER BY COALESCE(s.at, s.started_at), s.session_id, s.prompt_no, s.seq",
    )?;
    let mut rows = q.query([])?;
    let mut all = HashMap::new();
    while let Some(r) = rows.next()? {
        let row = StepRow(r.get(0)?);
        let session = SessionRow(r.get(1)?);
        let place = (r.get(2)?, r.get(3)?);
        let time = match (r.get::<_, Option<i64>>(8)?, r.get::<_, Option<i64>>(9)?) {
            (Some(a), Some(b)) => Some((Time(a.min(b)), Time(b))),
            _ => None,
        };
        let told = Told {
            id: shown(r.get_ref(4)?.as_bytes()?, IdKind::Step),
            session: shown(r.get_ref(5)?.as_bytes()?, IdKind::Session),
            prompt: place.0,
            undone: scope.undoes(session, place, row, time.map(|t| t.1)),
            kind: super::rows::kind(r.get(6)?),
            time,
        };
        if told.undone {
            let status = super::rows::status(r.get(7)?);
            if status == Status::Running {
                out.running.push(told.id.clone());
            }
            if r.get::<_, bool>(10)? {
                out.undone.push(told.id.clone());
            }
            let ran = told.kind == StepKind::Command && status != Status::Denied;
            if ran && !watched(snapshots, time) {
                out.unseen.push(told.id.clone());
            }
        }
        all.insert(row, told);
    }
    Ok(all)
}

/// Whether there is a snapshot from before it and one from after it.
fn watched(snapshots: &[Snapshot], time: Option<(Time, Time)>) -> bool {
    time.is_some_and(|(start, end)| {
        snapshots.iter().any(|s| s.time.1 <= start) && snapshots.iter().any(|s| s.time.0 >= end)
    })
}

/// Other sessions that wrote a moment ago.
fn others(conn: &Connection, scope: &Scope, q: &Question<'_>, out: &mut PastOf) -> Result<()> {
    let mut find = conn.prepare_cached(
        "SELECT e.id, e.pub FROM session e WHERE e.ended_at > ?1 AND e.ended_at <= ?2 + ?3 ORDER BY e.id",
    )?;
    let rows = find.query_map(params![q.now.0 - LIVE_MS, q.now.0, LIVE_MS], |r| {
        Ok((
            SessionRow(r.get(0)?),
            shown(r.get_ref(1)?.as_bytes()?, IdKind::Session),
        ))
    })?;
    let mine: BTreeSet<i64> = scope.sessions().map(|s| s.0).collect();
    for row in rows {
        let (row, id) = row?;
        if mine.contains(&row.0) {
            continue;
        }
        let mut paths = conn.prepare_cached(
            "SELECT DISTINCT p.rel FROM change c JOIN step s ON s.id = c.step_id JOIN path p ON p.id = c.path_id
               JOIN root r ON r.id = p.root_id WHERE s.session_id = ?1 AND r.path = ?2 ORDER BY p.rel",
        )?;
        let paths = paths.query_map(params![row.0, q.root], |r| r.get(0))?;
        out.others
            .push((id, paths.collect::<rusqlite::Result<_>>()?));
    }
    Ok(())
}

/// A path: its root, the rest, and its row if a session touched it.
type Named = (Vec<u8>, Vec<u8>, Option<i64>);

/// The paths that something undone may have changed.
fn paths(
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
            differing(conn, &pair[0].tree, &pair[1].tree, &mut more)?;
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

/// Paths that differ between two trees; equal nodes are not entered.
fn differing(
    conn: &Connection,
    a: &BlobHash,
    b: &BlobHash,
    found: &mut BTreeSet<Vec<u8>>,
) -> Result<()> {
    let mut stack = vec![(Vec::new(), Some(*a), Some(*b))];
    while let Some((path, a, b)) = stack.pop() {
        if a == b {
            continue;
        }
        let read = |t: Option<BlobHash>| t.map_or(Ok(Vec::new()), |t| snapshots::entries(conn, &t));
        let mut names: BTreeMap<Vec<u8>, [Option<snapshots::Entry>; 2]> = BTreeMap::new();
        for (side, entries) in [read(a)?, read(b)?].into_iter().enumerate() {
            for entry in entries {
                let name = entry.name.clone();
                names.entry(name).or_default()[side] = Some(entry);
            }
        }
        for (name, [one, two]) in names {
            if one == two {
                continue;
            }
            let mut rel: Vec<u8> = path.clone();
            if !rel.is_empty() {
                rel.push(b'/');
            }
            rel.extend_from_slice(&name);
            let trees = (
                one.as_ref().and_then(|e| e.tree),
                two.as_ref().and_then(|e| e.tree),
            );
            let is_leaf = |e: &Option<snapshots::Entry>| {
                e.as_ref()
                    .is_some_and(|e| matches!(e.node, Node::File { .. } | Node::Link { .. }))
            };
            if is_leaf(&one) || is_leaf(&two) {
                found.insert(rel.clone());
            }
            if trees.0.is_some() || trees.1.is_some() {
                stack.push((rel, trees.0, trees.1));
            }
        }
    }
    Ok(())
}

/// What a snapshot says of a path.
struct Observation {
    /// When the one before it began, and this one ended.
    since: Option<Time>,
    until: Time,
    rank: u8,
    past: Past,
}

fn observations(
    conn: &Connection,
    snapshots: &[Snapshot],
    rel: &[u8],
    finder: &mut Finder,
) -> Result<Vec<Observation>> {
    let mut out = Vec::new();
    let mut since = None;
    for s in snapshots {
        if let Some(node) = finder.find(conn, &s.tree, rel)? {
            out.push(Observation {
                since,
                until: s.time.1,
                rank: if s.why == snapshots::Reason::Before as u8 {
                    0
                } else {
                    2
                },
                past: Past::of_node(&node),
            });
            since = Some(s.time.0);
        }
    }
    Ok(out)
}

/// Puts items, observations and rewinds of one path into one order.
struct Builder<'a> {
    conn: &'a Connection,
    scope: &'a Scope,
    places: &'a HashMap<StepRow, Told>,
    sessions: &'a [Id],
    events: Vec<Event>,
    /// What the path holds; `None` before anything is known.
    state: Option<Past>,
    mode: Option<u32>,
}

enum Extra {
    Seen(Observation),
    Op(journal::Op, Node, Node),
}

impl Builder<'_> {
    fn merge(
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
            What::Change(c) if c.op == Op::Create && !before.known() => (true, Past::Unknown),
            What::Change(_) => (true, before),
            _ => (false, before),
        };
        self.push(Event {
            by: told.map_or(By::Unknown, |t| By::Step {
                id: t.id.clone(),
                session: t.session.clone(),
                prompt: t.prompt,
            }),
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
            .all(|r| r.0.session == last.0.session && r.0.undone == last.0.undone);
        if !tight || !one {
            return (By::Unknown, whole);
        }
        let told = last.0;
        let by = By::Step {
            id: told.id.clone(),
            session: told.session.clone(),
            prompt: told.prompt,
        };
        (by, told.undone || whole)
    }
}

/// The same thing with what either of the two knows of its mode.
fn fuller(a: &Past, b: &Past) -> Past {
    match (a, b) {
        (Past::File(hash, m), Past::File(_, n)) => Past::File(*hash, m.or(*n)),
        (a, _) => a.clone(),
    }
}
