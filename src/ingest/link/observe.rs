//! What snapshots saw differently, given to the steps that did it. Derived: the same snapshots and records give the same,
//! whenever they came in.
//!
//! Content decides first: a path whose record says the same as the disk is explained by that record, and the disk's bytes
//! are the exact ones (a record may have lost line ends). The rest goes by the moment at which it changed ([`whose`]).
//! What a command changed becomes changes of that step; what nobody's record explains is kept as an observation.

use std::collections::BTreeSet;

use color_eyre::Result;
use rusqlite::{Connection, params};

use super::super::fold::line_counts;
use super::super::kind_of;
use super::super::roots::Roots;
use super::running::running;
use super::whose::{Running, Whose, Window, whose};
use crate::model::{Node, Op, Status, StepKind};
use crate::store::kept::{own_first, was_watched};
use crate::store::observed::{self, Differing};
use crate::store::snapshots::Snapshot;
use crate::store::write::{EVIDENCE, Writer};
use crate::store::{blobs, snapshots};

/// How `linked` tells a change that no record has.
const MADE: i64 = 4;
/// Changes that the disk tells are numbered behind all that a record can have.
const NUMBERS: i64 = 1 << 20;
/// A walk takes no longer than this.
const WALK_MS: i64 = 600_000;
/// Where more paths changed at once (a checkout), they are kept as observations only: a list of them helps nobody.
const MOST: usize = 1000;
/// Records and the disk have one clock, but not one tick.
pub(super) const TICK_MS: i64 = 15;

/// Links the snapshots from row `after` on, and looks again at the windows that reach beyond the moment `from`.
pub(super) fn link(conn: &Connection, roots: &Roots, after: i64, from: i64) -> Result<()> {
    let mut q = conn.prepare_cached("SELECT DISTINCT root FROM snapshot ORDER BY root")?;
    let folders = q.query_map([], |r| r.get::<_, Vec<u8>>(0))?;
    let folders: Vec<Vec<u8>> = folders.collect::<rusqlite::Result<_>>()?;
    let mut pass = Pass {
        conn,
        roots,
        writer: Writer::default(),
        steps: BTreeSet::new(),
        sessions: BTreeSet::new(),
    };
    pass.drop_orphans()?;
    for folder in folders {
        pass.folder(&folder, after, from)?;
    }
    pass.sum_up()
}

/// A change that a record names on a path, as this path sees it.
struct Named {
    id: i64,
    step: i64,
    command: bool,
    before: Option<i64>,
    after: Option<i64>,
    end: i64,
    /// The path got its name by it: what stood there before the record does not say.
    arrived: bool,
    /// The path lost its name by it.
    left: bool,
}

/// What is told of a path in a window.
struct Told {
    whose: Whose,
    before_of: Option<i64>,
    after_of: Option<i64>,
    /// What stood there before that which no record explains.
    rest_before: Option<i64>,
    /// A record explains all of it.
    explained: bool,
}

struct Pass<'a> {
    conn: &'a Connection,
    roots: &'a Roots,
    writer: Writer,
    /// Steps and sessions whose sums may have changed.
    steps: BTreeSet<i64>,
    sessions: BTreeSet<i64>,
}

impl Pass<'_> {
    fn folder(&mut self, root: &[u8], after: i64, from: i64) -> Result<()> {
        let (all, kept) = own_first(self.snapshots(root, after, from)?);
        for snapshot in kept {
            self.take_back(snapshot)?;
        }
        let windows: Vec<(&Snapshot, &Snapshot)> = all
            .windows(2)
            .map(|p| (&p[0], &p[1]))
            .filter(|(_, b)| b.id > after || b.time.1.0 >= from)
            .collect();
        let (Some(first), Some(last)) = (windows.first(), windows.last()) else {
            return Ok(());
        };
        let (lo, hi) = (first.0.same_until.0, last.1.time.1.0);
        let running = running(self.conn, self.roots, root, (lo, hi))?;
        for (a, b) in windows {
            self.take_back(b.id)?;
            if a.identity == b.identity {
                self.window(root, a, b, &running)?;
            }
        }
        Ok(())
    }

    /// The snapshots that must be looked at, with the one before them.
    fn snapshots(&self, root: &[u8], after: i64, from: i64) -> Result<Vec<Snapshot>> {
        let wanted = |s: &Snapshot| s.id > after || s.time.1.0 >= from;
        let since = if after == 0 {
            i64::MIN
        } else {
            let new: Option<i64> = self
                .conn
                .prepare_cached("SELECT min(at) FROM snapshot WHERE root = ?1 AND id > ?2")?
                .query_row(params![root, after], |r| r.get(0))?;
            new.unwrap_or(i64::MAX).min(from.saturating_sub(WALK_MS))
        };
        let mut all = snapshots::since(self.conn, root, since)?;
        let first = all.iter().position(wanted).unwrap_or(all.len());
        match first.checked_sub(1) {
            Some(before) => drop(all.drain(..before)),
            None => {
                if let Some(first) = all.first()
                    && let Some(before) = snapshots::before(self.conn, first)?
                {
                    all.insert(0, before);
                }
            }
        }
        // Whether those of others count depends on our own before them.
        while let Some(first) = all.first().filter(|s| s.is_kept())
            && let Some(before) = snapshots::before(self.conn, first)?
        {
            all.insert(0, before);
        }
        Ok(all)
    }

    /// Takes back what was made of a window.
    fn take_back(&mut self, snapshot: i64) -> Result<()> {
        let mut q = self.conn.prepare_cached(
            "SELECT c.step_id, c.id FROM observation o JOIN change c ON c.id IN (o.before_of, o.after_of)
              WHERE o.snapshot_id = ?1",
        )?;
        let rows = q.query_map([snapshot], |r| {
            Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?))
        })?;
        let rows: Vec<(i64, i64)> = rows.collect::<rusqlite::Result<_>>()?;
        self.steps.extend(rows.iter().map(|r| r.0));
        for sql in [
            "DELETE FROM change WHERE linked = 4 AND id IN (SELECT after_of FROM observation WHERE snapshot_id = ?1)",
            "UPDATE change SET seen_before = NULL WHERE id IN (SELECT before_of FROM observation WHERE snapshot_id = ?1)",
            "UPDATE change SET seen_after = NULL WHERE id IN (SELECT after_of FROM observation WHERE snapshot_id = ?1)",
            "DELETE FROM observation WHERE snapshot_id = ?1",
        ] {
            self.conn.prepare_cached(sql)?.execute([snapshot])?;
        }
        Ok(())
    }

    /// Takes back what was made of snapshots that are forgotten.
    fn drop_orphans(&mut self) -> Result<()> {
        let mut q = self.conn.prepare_cached(
            "SELECT DISTINCT snapshot_id FROM observation o
              WHERE NOT EXISTS (SELECT 1 FROM snapshot s WHERE s.id = o.snapshot_id)",
        )?;
        let gone = q.query_map([], |r| r.get(0))?;
        for snapshot in gone.collect::<rusqlite::Result<Vec<i64>>>()? {
            self.take_back(snapshot)?;
        }
        Ok(())
    }

    fn window(
        &mut self,
        root: &[u8],
        a: &Snapshot,
        b: &Snapshot,
        running: &[Running],
    ) -> Result<()> {
        let differing = observed::differing(self.conn, &a.tree, &b.tree)?;
        if differing.is_empty() {
            return Ok(());
        }
        let touched = observed::touched(self.conn, b.id)?;
        let rewound = self.rewound(root, a, b)?;
        let (lo, hi) = (a.same_until.0.max(a.time.0.0), b.time.1.0);
        let listed = differing.len() <= MOST;
        for path in differing {
            if rewound.contains(&path.rel) {
                continue;
            }
            let at = touched.get(&path.rel).copied().unwrap_or_default();
            let mut window = Window::narrowed(lo, hi.max(lo), at, was_watched(b));
            // Of what is gone, only when it was heard of is known.
            window.exact &= path.after != Node::Absent;
            self.path((root, b.id), &path, window, running, listed)?;
        }
        Ok(())
    }

    /// The paths that a rewind changed meanwhile: the journal tells of those.
    fn rewound(&self, root: &[u8], a: &Snapshot, b: &Snapshot) -> Result<BTreeSet<Vec<u8>>> {
        let mut q = self.conn.prepare_cached(
            "SELECT f.rel FROM rewind_file f JOIN rewind o ON o.id = f.op
              WHERE o.root = ?1 AND o.at <= ?3 AND coalesce(o.done_at, ?3) >= ?2",
        )?;
        let rows = q.query_map(params![root, a.time.0.0, b.time.1.0], |r| r.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn path(
        &mut self,
        (root, snapshot): (&[u8], i64),
        d: &Differing,
        window: Window,
        running: &[Running],
        listed: bool,
    ) -> Result<()> {
        let whole = [root, b"/", &d.rel].concat();
        let record = self.roots.locate(&whole, Some(&root.into()));
        let path = self.writer.path(self.conn, &record, &kind_of(self.roots))?;
        let (before, after) = (self.row(&d.before)?, self.row(&d.after)?);
        let mut told = match (before, after) {
            (Some(before), Some(after)) => self.told(path, (before, after), window, running)?,
            _ => Told {
                whose: whose(&window, running),
                before_of: None,
                after_of: None,
                rest_before: before,
                explained: false,
            },
        };
        if let Whose::Step(step) = told.whose
            && !told.explained
            && listed
            && let (Some(from), Some(to)) = (told.rest_before, after)
        {
            let mode_only = from == to && before == after;
            if from != to || mode_only {
                told.after_of = Some(self.make(step, path, snapshot, (from, to))?);
            }
        }
        let (code, step, maybe) = match &told.whose {
            Whose::Step(step) => (1, Some(*step), None),
            Whose::Yours => (2, None, None),
            Whose::OneOf(steps) => (3, None, Some(steps.concat())),
            Whose::Nobody => (4, None, None),
            Whose::Maybe(steps) => (5, None, Some(steps.concat())),
        };
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO observation
                   (snapshot_id, path_id, lo, hi, before, after, whose, step_id, maybe, before_of, after_of)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                snapshot, path, window.lo, window.hi, before, after, code, step, maybe, told.before_of, told.after_of
            ])?;
        for (change, column, state) in [
            (told.before_of, "seen_before", before),
            (told.after_of, "seen_after", after),
        ] {
            let Some(change) = change else { continue };
            self.conn
                .prepare_cached(&format!("UPDATE change SET {column} = ?2 WHERE id = ?1"))?
                .execute(params![change, state])?;
            let step = self
                .conn
                .prepare_cached("SELECT step_id FROM change WHERE id = ?1")?
                .query_row([change], |r| r.get(0))?;
            self.steps.insert(step);
        }
        Ok(())
    }

    /// Content first, then the moment.
    fn told(
        &self,
        path: i64,
        (before, after): (i64, i64),
        window: Window,
        running: &[Running],
    ) -> Result<Told> {
        let named = self.named(path, &window)?;
        let mut told = Told {
            whose: Whose::Nobody,
            before_of: None,
            after_of: None,
            rest_before: Some(before),
            explained: false,
        };
        if let Some(first) = named.first()
            && !first.arrived
            && (first.before.is_none() || self.says_the_same(first.before, before)?)
        {
            told.before_of = Some(first.id);
        }
        for change in named.iter().rev() {
            if self.says_the_same(change.after, after)? {
                told.whose = Whose::Step(change.step);
                told.after_of = (!change.left).then_some(change.id);
                told.explained = true;
                return Ok(told);
            }
        }
        let mut window = window;
        if let Some(last) = named.last() {
            if !last.left && (last.after.is_none() || last.command) {
                told.whose = Whose::Step(last.step);
                told.after_of = Some(last.id);
                told.explained = true;
                return Ok(told);
            }
            // Somebody changed it again behind what was recorded.
            told.rest_before = last.after;
            window.lo = window.lo.max(last.end).min(window.hi);
        }
        told.whose = match whose(&window, running) {
            // Right behind a recorded edit nobody can say that it was not something the edit set off.
            Whose::Yours if !named.is_empty() && !window.exact => Whose::Nobody,
            other => other,
        };
        Ok(told)
    }

    /// The recorded changes of a path in a window, in order.
    fn named(&self, path: i64, window: &Window) -> Result<Vec<Named>> {
        let mut q = self.conn.prepare_cached(
            "SELECT c.id, c.step_id, s.kind, c.before, c.after, coalesce(s.at, s.started_at), c.path_id, c.old_path_id
               FROM change c JOIN step s ON s.id = c.step_id
              WHERE (c.path_id = ?1 OR c.old_path_id = ?1) AND c.linked <> 4 AND s.alias_of IS NULL AND s.status <> ?4
                AND coalesce(s.at, s.started_at) >= ?2 AND coalesce(s.started_at, s.at) <= ?3
              ORDER BY 6, s.pub, c.no",
        )?;
        let (lo, hi) = (window.lo - TICK_MS, window.hi.saturating_add(TICK_MS));
        let rows = q.query_map(params![path, lo, hi, Status::Denied as u8], |r| {
            let old: Option<i64> = r.get(7)?;
            let renamed = old.is_some_and(|old| Some(old) != r.get(6).ok());
            let left = renamed && old == Some(path);
            let after: Option<i64> = r.get(4)?;
            Ok(Named {
                id: r.get(0)?,
                step: r.get(1)?,
                command: StepKind::from_code(r.get(2)?) == Some(StepKind::Command),
                before: r.get(3)?,
                after: if left { Some(0) } else { after },
                end: r.get(5)?,
                arrived: renamed && !left,
                left,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether a recorded state is what the disk has, but for line ends and a byte-order mark that a record may lose.
    fn says_the_same(&self, recorded: Option<i64>, seen: i64) -> Result<bool> {
        let Some(recorded) = recorded else {
            return Ok(false);
        };
        if recorded == seen {
            return Ok(true);
        }
        if recorded == 0 || seen == 0 {
            return Ok(false);
        }
        let bare = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).ok()?;
            Some(text.trim_start_matches('\u{feff}').replace("\r\n", "\n"))
        };
        let (a, b) = (
            blobs::get(self.conn, recorded)?,
            blobs::get(self.conn, seen)?,
        );
        if a.len().abs_diff(b.len()) > a.len().max(b.len()) / 2 + 3 {
            return Ok(false);
        }
        Ok(match (bare(a), bare(b)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        })
    }

    /// The content's row; 0 for no file; `None` for what is no file that was read.
    fn row(&self, node: &Node) -> Result<Option<i64>> {
        Ok(match node {
            Node::Absent => Some(0),
            Node::File { hash, .. } => blobs::find(self.conn, hash)?,
            _ => None,
        })
    }

    /// Makes a change of what the disk tells; its row.
    fn make(&self, step: i64, path: i64, snapshot: i64, (from, to): (i64, i64)) -> Result<i64> {
        let op = match (from, to) {
            (0, _) => Op::Create,
            (_, 0) => Op::Delete,
            (a, b) if a == b => Op::Mode,
            _ => Op::Modify,
        };
        let (added, removed) = self.counts(from, to)?;
        self.conn
            .prepare_cached(
                "INSERT INTO change (step_id, no, path_id, op, before, after, evidence, linked, added, removed, seen_before)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?5)",
            )?
            .execute(params![
                step,
                NUMBERS + snapshot,
                path,
                op as u8,
                from,
                to,
                MADE,
                added,
                removed
            ])?;
        Ok(self.conn.last_insert_rowid())
    }

    fn counts(&self, from: i64, to: i64) -> Result<(u32, u32)> {
        let text = |row: i64| -> Result<Option<String>> {
            Ok(match row {
                0 => Some(String::new()),
                row => {
                    let bytes = blobs::get(self.conn, row)?;
                    let binary = bytes.iter().take(8000).any(|b| *b == 0);
                    String::from_utf8(bytes).ok().filter(|_| !binary)
                }
            })
        };
        Ok(match (text(from)?, text(to)?) {
            (Some(a), Some(b)) => line_counts(&a, &b),
            _ => (0, 0),
        })
    }

    /// Brings the sums of steps and sessions up to date.
    fn sum_up(&mut self) -> Result<()> {
        for step in &self.steps {
            self.conn
                .prepare_cached(
                    "UPDATE step SET
                       seen_added = (SELECT sum(added) FROM change WHERE step_id = ?1 AND linked = 4),
                       seen_removed = (SELECT sum(removed) FROM change WHERE step_id = ?1 AND linked = 4)
                     WHERE id = ?1",
                )?
                .execute([step])?;
            self.conn.prepare_cached(EVIDENCE)?.execute([step])?;
            let mut q = self
                .conn
                .prepare_cached("SELECT session_id FROM step WHERE id = ?1")?;
            let session = q.query_map([step], |r| r.get::<_, i64>(0))?;
            self.sessions
                .extend(session.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        for session in &self.sessions {
            self.conn.prepare_cached(SESSION_SUMS)?.execute([session])?;
        }
        Ok(())
    }
}

const SESSION_SUMS: &str = "UPDATE session SET (seen_edits, seen_files, seen_added, seen_removed, seen_seq) = (
  SELECT count(DISTINCT CASE WHEN s.added IS NULL THEN s.id END),
         count(DISTINCT CASE WHEN NOT EXISTS (
             SELECT 1 FROM change r JOIN step t ON t.id = r.step_id
              WHERE r.path_id = c.path_id AND r.linked <> 4 AND t.session_id = ?1) THEN c.path_id END),
         coalesce(sum(c.added), 0), coalesce(sum(c.removed), 0), max(s.seq)
    FROM step s JOIN change c ON c.step_id = s.id AND c.linked = 4 WHERE s.session_id = ?1) WHERE id = ?1";

/// The earliest beginning of these steps.
pub(super) fn earliest(conn: &Connection, steps: &BTreeSet<i64>) -> Result<Option<i64>> {
    let mut q = conn.prepare_cached("SELECT coalesce(started_at, at) FROM step WHERE id = ?1")?;
    let mut first = None;
    for step in steps {
        let at: Option<i64> = q.query_row([step], |r| r.get(0))?;
        let at = at.unwrap_or(i64::MIN);
        first = Some(first.map_or(at, |f: i64| f.min(at)));
    }
    Ok(first)
}
