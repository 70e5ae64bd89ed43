//! What changed in a scope, file by file: a step's own changes, or the net of many, always through the chain.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension};

use super::chain::{Chain, Change, Item, Link, Moment, What};
use super::contents::{self, State};
pub(super) use super::raw::hunks_of;
use super::raw::{self, RawStep};
use super::types::{Content, FileChange, Scope, SessionRow, StepRow};
use super::{patch, rewinds, rows, shared, timeline};
use crate::model::{Author, Evidence, Op};
use crate::source::Hunk;
use crate::store::Reader;

/// What changed in a scope.
pub(super) fn in_scope(reader: &Reader, scope: Scope) -> Result<Vec<FileChange>> {
    match scope {
        Scope::Step(step) => of_step(reader, step, &raw::of_step(reader, step)?),
        Scope::Prompt(session, no) => net(reader, &steps_of(reader.conn(), session, Some(no))?),
        Scope::Session(session) => net(reader, &steps_of(reader.conn(), session, None)?),
        Scope::Between(a, b) => between(reader, a, b),
        Scope::Now(step) => now(reader, step),
        Scope::Rewind(op) => rewinds::changes(reader, op),
    }
}

/// The steps of a session or prompt that changed files, those of its sub-agents included, in timeline order.
pub(super) fn steps_of(
    conn: &Connection,
    session: SessionRow,
    no: Option<u32>,
) -> Result<Vec<StepRow>> {
    Ok(timeline::placed(conn, session)?
        .into_iter()
        .filter(|s| s.lite.changed && no.is_none_or(|no| no == s.prompt_no))
        .map(|s| s.lite.row)
        .collect())
}

/// The changes of one step, one for each file.
pub(super) fn of_step(reader: &Reader, step: StepRow, words: &RawStep) -> Result<Vec<FileChange>> {
    let mut out = Vec::new();
    let paths = touched(reader.conn(), &[step])?;
    let nets = nets(reader.conn(), &paths, &HashSet::from([step]))?;
    for net in nets.values() {
        if !net.renamed_away(&nets) {
            let hunks = |_: StepRow, no: u32| {
                Ok(words
                    .effects()
                    .nth(no as usize)
                    .map(hunks_of)
                    .unwrap_or_default())
            };
            let mut change = net.to_change(reader.conn(), &nets, hunks)?;
            if net.first_link == Link::Broken {
                add_note(&mut change, "changed before this step by nobody we know");
            }
            out.push((net.order, change));
        }
    }
    out.sort_by_key(|(order, _)| *order);
    let mut out: Vec<FileChange> = out.into_iter().map(|(_, change)| change).collect();
    out.extend(shared::of_step(reader.conn(), step)?);
    Ok(out)
}

/// The net of many steps: first before, last after.
fn net(reader: &Reader, steps: &[StepRow]) -> Result<Vec<FileChange>> {
    let set: HashSet<StepRow> = steps.iter().copied().collect();
    let paths = touched(reader.conn(), steps)?;
    let nets = nets(reader.conn(), &paths, &set)?;
    let mut read: HashMap<StepRow, RawStep> = HashMap::new();
    let mut out = Vec::new();
    for net in nets.values() {
        let (before, after) = (net.before(&nets), net.after);
        let renamed = net.origin(&nets).is_some_and(|o| o.path != net.path);
        if net.renamed_away(&nets) || (before.known() && before == after && !renamed) {
            continue;
        }
        let change = net.to_change(reader.conn(), &nets, |step, no| {
            let words = match read.entry(step) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => free.insert(raw::of_step(reader, step)?),
            };
            Ok(words
                .effects()
                .nth(no as usize)
                .map(hunks_of)
                .unwrap_or_default())
        })?;
        out.push(change);
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(out)
}

/// The paths that steps changed, both names of a rename, in the order of their first change.
pub(super) fn touched(conn: &Connection, steps: &[StepRow]) -> Result<Vec<i64>> {
    let mut statement = conn
        .prepare_cached("SELECT path_id, old_path_id FROM change WHERE step_id = ?1 ORDER BY no")?;
    let (mut seen, mut out) = (HashSet::new(), Vec::new());
    for step in steps {
        let mut rows = statement.query([step.0])?;
        while let Some(row) = rows.next()? {
            let (path, old): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
            out.extend(
                [Some(path), old]
                    .into_iter()
                    .flatten()
                    .filter(|p| seen.insert(*p)),
            );
        }
    }
    Ok(out)
}

/// What a set of steps did to one path.
struct Net {
    path: i64,
    name: String,
    order: usize,
    before: State,
    after: State,
    first: Change,
    first_link: Link,
    last: Change,
    evidence: Evidence,
    lines: (u32, u32),
    steps: Vec<(StepRow, u32)>,
    foreign: Foreign,
}

/// Who else changed the path between the first and the last of the steps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Foreign {
    None,
    Others,
    You,
    Nobody,
}

type Nets = BTreeMap<i64, Net>;

fn nets(conn: &Connection, paths: &[i64], set: &HashSet<StepRow>) -> Result<Nets> {
    let mut out = Nets::new();
    for (order, path) in paths.iter().enumerate() {
        let chain = Chain::load(conn, *path)?;
        if let Some(mut net) = net_of(&chain, set) {
            net.path = *path;
            net.order = order;
            net.name = name(conn, *path)?;
            out.insert(*path, net);
        }
    }
    Ok(out)
}

fn net_of(chain: &Chain, set: &HashSet<StepRow>) -> Option<Net> {
    fn own<'a>(item: &'a Item, set: &HashSet<StepRow>) -> Option<(StepRow, &'a Change)> {
        match (&item.what, item.step) {
            (What::Change(change), Some(step)) if set.contains(&step) => Some((step, change)),
            _ => None,
        }
    }
    let first = chain.items.iter().position(|i| own(i, set).is_some())?;
    let last = chain.items.iter().rposition(|i| own(i, set).is_some())?;
    let (_, first_change) = own(&chain.items[first], set)?;
    let (_, last_change) = own(&chain.items[last], set)?;
    let mut net = Net {
        path: 0,
        name: String::new(),
        order: 0,
        before: chain.items[first].before,
        after: chain.items[last].after,
        first: first_change.clone(),
        first_link: chain.items[first].link,
        last: last_change.clone(),
        evidence: Evidence::Observed,
        lines: (0, 0),
        steps: Vec::new(),
        foreign: Foreign::None,
    };
    for (index, item) in chain.items.iter().enumerate().take(last + 1).skip(first) {
        if let Some((step, change)) = own(item, set) {
            net.evidence = net.evidence.max(change.evidence);
            net.lines.0 += change.lines.0;
            net.lines.1 += change.lines.1;
            net.steps.push((step, change.no));
        } else if net.foreign == Foreign::None {
            match &item.what {
                What::Change(_) => net.foreign = Foreign::Others,
                What::Seen(_) if item.author == Some(Author::You) => net.foreign = Foreign::You,
                What::Seen(_) => net.foreign = Foreign::Nobody,
                _ => {}
            }
        }
        if index > first && item.link == Link::Broken {
            net.foreign = Foreign::Nobody;
        }
    }
    Some(net)
}

impl Net {
    /// The net of the name that this file had first, through all renames within the steps.
    fn origin<'a>(&'a self, nets: &'a Nets) -> Option<&'a Net> {
        let mut at = self;
        // A circle of renames (a to b to a) ends at the number of names there are.
        for _ in 0..nets.len() {
            match at
                .first
                .other
                .filter(|_| !at.first.left)
                .and_then(|p| nets.get(&p))
            {
                Some(from) => at = from,
                None => break,
            }
        }
        Some(at)
    }

    fn before(&self, nets: &Nets) -> State {
        self.origin(nets).map_or(self.before, |o| o.before)
    }

    /// It was renamed and did not come back: the new name tells the story.
    fn renamed_away(&self, nets: &Nets) -> bool {
        self.last.left && self.last.other.is_some_and(|to| nets.contains_key(&to))
    }

    fn op(&self, before: State, old_path: &Option<String>) -> Op {
        match (before, self.after) {
            (State::Absent, State::Absent) => Op::Delete,
            (State::Absent, _) => Op::Create,
            (_, State::Absent) => Op::Delete,
            _ if old_path.is_some() => Op::Rename,
            (State::Unknown, _) if self.first.op == Op::Create => Op::Create,
            (_, State::Unknown) if self.last.op == Op::Delete => Op::Delete,
            _ if self.first.op == Op::Mode && self.last.op == Op::Mode => Op::Mode,
            _ => Op::Modify,
        }
    }

    fn to_change(
        &self,
        conn: &Connection,
        nets: &Nets,
        mut recorded: impl FnMut(StepRow, u32) -> Result<Vec<Hunk>>,
    ) -> Result<FileChange> {
        let origin = self.origin(nets).unwrap_or(self);
        let before = origin.before;
        let old_path =
            (origin.path != self.path && before != State::Absent).then(|| origin.name.clone());
        let mut hunks = Vec::new();
        if !before.known() || !self.after.known() {
            for (step, no) in &self.steps {
                hunks.extend(recorded(*step, *no)?);
            }
        }
        let contents = (
            contents::content(conn, before)?,
            contents::content(conn, self.after)?,
        );
        let (added, removed) = patch::counts(&contents.0, &contents.1).unwrap_or(self.lines);
        let mut change = FileChange {
            path: self.name.clone(),
            op: self.op(before, &old_path),
            old_path,
            before: contents.0,
            after: contents.1,
            before_hash: contents::hash(conn, before)?,
            after_hash: contents::hash(conn, self.after)?,
            evidence: self.evidence,
            added,
            removed,
            hunks,
            note: None,
            steps: self.steps.iter().map(|(step, _)| *step).collect(),
        };
        change.steps.dedup();
        match self.foreign {
            Foreign::None => {}
            Foreign::Others => add_note(&mut change, "another session changed it in between"),
            Foreign::You => add_note(&mut change, "you changed it in between"),
            Foreign::Nobody => add_note(&mut change, "changed in between by nobody we know"),
        }
        if change
            .hunks
            .iter()
            .any(|h| h.old_start == 0 && h.old_lines > 0)
        {
            add_note(&mut change, "line numbers are not known");
        }
        Ok(change)
    }
}

fn add_note(change: &mut FileChange, text: &str) {
    match &mut change.note {
        Some(note) => {
            note.push_str("; ");
            note.push_str(text);
        }
        none => *none = Some(text.to_owned()),
    }
}

/// The name of a path.
pub(super) fn name(conn: &Connection, path: i64) -> Result<String> {
    let found = conn
        .prepare_cached(
            "SELECT r.kind, p.rel FROM path p JOIN root r ON r.id = p.root_id WHERE p.id = ?1",
        )?
        .query_row([path], |r| {
            Ok(rows::path_name(r.get(0)?, r.get_ref(1)?.as_bytes()?))
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// From right after one step to right after another, for the files that their sessions changed.
fn between(reader: &Reader, a: StepRow, b: StepRow) -> Result<Vec<FileChange>> {
    let conn = reader.conn();
    let (from, to) = (Moment::of(conn, a)?, Moment::of(conn, b)?);
    let mut sessions = vec![root_of(conn, from.session)?];
    let other = root_of(conn, to.session)?;
    if !sessions.contains(&other) {
        sessions.push(other);
    }
    let mut steps = Vec::new();
    for session in &sessions {
        steps.extend(
            timeline::placed(conn, *session)?
                .into_iter()
                .map(|s| s.lite),
        );
    }
    let at = |step: StepRow| steps.iter().position(|s| s.row == step);
    let swapped = if sessions.len() == 1 {
        at(a) > at(b)
    } else {
        from.time > to.time
    };
    let (from, to) = if swapped { (to, from) } else { (from, to) };
    let changing: Vec<StepRow> = steps.iter().filter(|s| s.changed).map(|s| s.row).collect();
    let set: HashSet<StepRow> = changing.iter().copied().collect();
    let mut out = Vec::new();
    for path in touched(conn, &changing)? {
        let chain = Chain::load(conn, path)?;
        let (start, unseen) = chain.start_after(&from);
        let states = (start, chain.after(&to));
        let window = window(&chain, &from, &to, &set);
        if states.0 == states.1 && states.0.known()
            || (window.is_empty() && !(states.0.known() && states.1.known()))
        {
            continue;
        }
        let mut change = compare(reader, path, states, &window)?;
        if unseen {
            add_note(&mut change, UNSEEN);
        }
        out.push(change);
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(out)
}

/// Said where a diff begins with what a later record tells.
const UNSEEN: &str =
    "nobody saw it at that step; compared with what stood there before its next change";

/// The changes of a chain between two moments that are by these steps.
fn window<'a>(
    chain: &'a Chain,
    from: &Moment,
    to: &Moment,
    set: &HashSet<StepRow>,
) -> Vec<(StepRow, &'a Change)> {
    chain
        .items
        .iter()
        .filter(|i| {
            let after = if i.session == from.session {
                i.place > from.place
            } else {
                i.time.map(|t| t.1) > from.time
            };
            let before = if i.session == to.session {
                i.place <= to.place
            } else {
                i.time.map(|t| t.1) <= to.time
            };
            after && before
        })
        .filter_map(|i| match (&i.what, i.step) {
            (What::Change(change), Some(step)) if set.contains(&step) => Some((step, change)),
            _ => None,
        })
        .collect()
}

fn compare(
    reader: &Reader,
    path: i64,
    (before, after): (State, State),
    window: &[(StepRow, &Change)],
) -> Result<FileChange> {
    let conn = reader.conn();
    let mut change = against(conn, path, before, contents::content(conn, after)?)?;
    change.after_hash = contents::hash(conn, after)?;
    change.evidence = window
        .iter()
        .map(|(_, c)| c.evidence)
        .max()
        .unwrap_or(change.evidence);
    change.steps = window.iter().map(|(step, _)| *step).collect();
    change.steps.dedup();
    if !before.known() || !after.known() {
        for (step, c) in window {
            let words = raw::of_step(reader, *step)?;
            change.hunks.extend(
                words
                    .effects()
                    .nth(c.no as usize)
                    .map(hunks_of)
                    .unwrap_or_default(),
            );
            change.added += c.lines.0;
            change.removed += c.lines.1;
        }
    }
    Ok(change)
}

/// A state of the store against a content from anywhere.
fn against(conn: &Connection, path: i64, before: State, after: Content) -> Result<FileChange> {
    let content = contents::content(conn, before)?;
    let (added, removed) = patch::counts(&content, &after).unwrap_or((0, 0));
    let note = match (&content, &after) {
        (Content::Unknown, _) => Some("what it contained at that step is not known".to_owned()),
        (_, Content::Unknown) => Some("what it contained afterwards is not known".to_owned()),
        _ => None,
    };
    Ok(FileChange {
        path: name(conn, path)?,
        op: match (&content, &after) {
            (Content::Absent, _) => Op::Create,
            (_, Content::Absent) => Op::Delete,
            _ => Op::Modify,
        },
        old_path: None,
        before: content,
        after,
        before_hash: contents::hash(conn, before)?,
        after_hash: None,
        evidence: Evidence::Recorded,
        added,
        removed,
        hunks: Vec::new(),
        note,
        steps: Vec::new(),
    })
}

/// From right after a step to the disk as it is, for the files that its session changed.
fn now(reader: &Reader, step: StepRow) -> Result<Vec<FileChange>> {
    let conn = reader.conn();
    let moment = Moment::of(conn, step)?;
    let session = root_of(conn, moment.session)?;
    let mut out = Vec::new();
    for path in touched(conn, &steps_of(conn, session, None)?)? {
        let (state, unseen) = Chain::load(conn, path)?.start_after(&moment);
        let Some((content, hash)) = super::files::on_disk(conn, path)? else {
            continue;
        };
        if state == State::Absent && content == Content::Absent
            || hash.is_some() && contents::hash(conn, state)? == hash
        {
            continue;
        }
        let mut change = against(conn, path, state, content)?;
        change.after_hash = hash;
        if unseen {
            add_note(&mut change, UNSEEN);
        }
        out.push(change);
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(out)
}

/// The session that people prompted: the parent of all sub-agents above.
pub(super) fn root_of(conn: &Connection, session: SessionRow) -> Result<SessionRow> {
    let mut at = session.0;
    for _ in 0..timeline::DEPTH {
        let up: Option<Option<i64>> = conn
            .prepare_cached("SELECT parent_id FROM session WHERE id = ?1 AND relation = 1")?
            .query_row([at], |r| r.get(0))
            .optional()?;
        match up.flatten() {
            Some(parent) => at = parent,
            None => break,
        }
    }
    Ok(SessionRow(at))
}
