//! What happened to the paths that a rewind is about: the chain of each, with what snapshots saw of it and what earlier
//! rewinds did to it, and which of that is to be undone. Nothing is decided here.

mod order;
mod paths;
mod scope;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use color_eyre::Result;
use rusqlite::{Connection, params};

use self::order::Builder;
use self::scope::Scope;
use super::chain::Chain;
use super::contents::State;
use super::resolve::Target;
use super::rows::shown;
use super::types::{SessionRow, StepRow};
use crate::model::{Agent, BlobHash, Id, IdKind, Node, Status, StepKind, Time};
use crate::store::kept::own_first;
use crate::store::snapshots::{self, Finder, Snapshot};
use crate::store::{Reader, blobs, journal};

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
        /// What its session is called: the agent and the title.
        session: Rc<str>,
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
    /// Commands that may have changed files while nobody looked: the step's id, the command.
    pub unseen: Vec<(String, String)>,
    /// Steps that have no result yet.
    pub running: Vec<String>,
    /// Milliseconds since one of the sessions last wrote.
    pub quiet_ms: Option<u64>,
    /// Other sessions at work a moment ago: what they are called, and the paths they changed.
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
    let (snapshots, _) = own_first(snapshots::of_root(conn, q.root)?);
    let places = steps(conn, &scope, &snapshots, &mut out)?;
    others(conn, &scope, q, &mut out)?;
    let mut finder = Finder::default();
    for (root, rel, row) in paths::paths(conn, (&scope, &places), (q, &out.sessions), &snapshots)? {
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
            let mut seen = order::observations(conn, &snapshots, (&rel, row), &mut finder)?;
            let at_work = journal::at_work_on(conn, &root, &rel)?;
            seen.retain(|o| !o.is_halfway(&at_work));
            (seen, journal::of_path(conn, &root, &rel)?)
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

/// What is told of a step. There are as many as there are steps, and few of them are ever named.
struct Told {
    id: Option<Id>,
    home: SessionRow,
    /// What that is called.
    session: Rc<str>,
    prompt: u32,
    undone: bool,
    time: Option<(Time, Time)>,
}

impl Told {
    fn named(&self) -> String {
        self.id.map_or_else(String::new, |id| id.show(IdKind::Step))
    }

    fn by(&self) -> By {
        By::Step {
            id: self.named(),
            session: self.session.clone(),
            prompt: self.prompt,
        }
    }
}

/// A step that is undone, as far as a person must know of it.
struct Gone {
    row: StepRow,
    order: (Option<i64>, i64, u32, u32),
    named: String,
    running: bool,
    changed: bool,
    unseen: bool,
}

/// The steps of all sessions, and what a person must know of those that are undone.
fn steps(
    conn: &Connection,
    scope: &Scope,
    snapshots: &[Snapshot],
    out: &mut PastOf,
) -> Result<HashMap<StepRow, Told>> {
    let mut q = conn.prepare_cached(
        "SELECT s.id, s.session_id, s.prompt_no, s.seq, s.pub, s.kind, s.status, COALESCE(s.started_at, s.at),
                COALESCE(s.at, s.started_at), coalesce(s.added, s.seen_added) IS NOT NULL
           FROM step s WHERE s.alias_of IS NULL",
    )?;
    let sessions = called(conn)?;
    let mut rows = q.query([])?;
    let (mut all, mut gone) = (HashMap::new(), Vec::new());
    while let Some(r) = rows.next()? {
        let row = StepRow(r.get(0)?);
        let session = SessionRow(r.get(1)?);
        let place = (r.get(2)?, r.get(3)?);
        let ended: Option<i64> = r.get(8)?;
        let time = match (r.get::<_, Option<i64>>(7)?, ended) {
            (Some(a), Some(b)) => Some((Time(a.min(b)), Time(b))),
            _ => None,
        };
        let told = Told {
            id: Id::from_bytes(r.get_ref(4)?.as_bytes()?),
            home: session,
            session: sessions.get(&session).cloned().unwrap_or_default(),
            prompt: place.0,
            undone: scope.undoes(session, place, row, time.map(|t| t.1)),
            time,
        };
        if told.undone {
            let status = super::rows::status(r.get(6)?);
            let command = super::rows::kind(r.get(5)?) == StepKind::Command;
            gone.push(Gone {
                row,
                order: (ended, session.0, place.0, place.1),
                named: told.named(),
                running: status == Status::Running,
                changed: r.get(9)?,
                unseen: command && status != Status::Denied && !watched(snapshots, time),
            });
        }
        all.insert(row, told);
    }
    gone.sort_by_key(|g| g.order);
    let mut command = conn.prepare_cached("SELECT target FROM step WHERE id = ?1")?;
    for step in gone {
        if step.unseen {
            let words = command.query_row([step.row.0], |r| r.get(0))?;
            out.unseen.push((step.named.clone(), words));
        }
        if step.running {
            out.running.push(step.named.clone());
        }
        if step.changed {
            out.undone.push(step.named);
        }
    }
    Ok(all)
}

/// What the sessions are called.
fn called(conn: &Connection) -> Result<HashMap<SessionRow, Rc<str>>> {
    let mut q = conn.prepare_cached("SELECT id, pub, agent, title FROM session")?;
    let rows = q.query_map([], |r| {
        let name = name(r.get_ref(1)?.as_bytes()?, r.get(2)?, r.get(3)?);
        Ok((SessionRow(r.get(0)?), Rc::from(name)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What a session is called: the agent, and the title or else the id.
fn name(id: &[u8], agent: u8, title: Option<String>) -> String {
    let agent = Agent::from_code(agent).map_or("an agent", Agent::name);
    match title {
        Some(title) if !title.trim().is_empty() => {
            let title: String = title.chars().take(60).collect();
            format!("{agent}: {title}")
        }
        _ => format!("{agent}: {}", shown(id, IdKind::Session)),
    }
}

/// Whether there is a snapshot from before it and one from after it.
fn watched(snapshots: &[Snapshot], time: Option<(Time, Time)>) -> bool {
    // What others kept is not whole.
    let own = || snapshots.iter().filter(|s| !s.is_kept());
    time.is_some_and(|(start, end)| {
        own().any(|s| s.time.1 <= start) && own().any(|s| s.same_until >= end)
    })
}

/// Other sessions that wrote a moment ago.
fn others(conn: &Connection, scope: &Scope, q: &Question<'_>, out: &mut PastOf) -> Result<()> {
    let mut find = conn.prepare_cached(
        "SELECT e.id, e.pub, e.agent, e.title FROM session e WHERE e.ended_at > ?1 AND e.ended_at <= ?2 + ?3 ORDER BY e.id",
    )?;
    let rows = find.query_map(params![q.now.0 - LIVE_MS, q.now.0, LIVE_MS], |r| {
        let called = name(r.get_ref(1)?.as_bytes()?, r.get(2)?, r.get(3)?);
        Ok((SessionRow(r.get(0)?), called))
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
