//! Folding sessions anew from the raw bytes in the store: when a session is spread over several files, and for
//! `doctor --rebuild`.
//!
//! Files that share a session are read as one group, in an order that depends on their content alone, so that
//! the order in which they were found makes no difference.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use color_eyre::Result;
use rusqlite::{Connection, OptionalExtension, params};

use super::latest::Latest;
use super::read::{Folds, Parser, carried};
use super::roots::Roots;
use super::{Progress, kind_of, link};
use crate::model::{Agent, BlobHash, Id, Time};
use crate::source::lines::{Item, LineCutter};
use crate::source::{self, Body, ParseState};
use crate::store::blobs::PackedBlob;
use crate::store::files::{self, FileRow, Form, Owner};
use crate::store::write::Writer;
use crate::store::{Store, frames};

/// Raw bytes after which what was made is written.
const PART: u64 = 8 << 20;

/// Folds anew every session that waits for it.
pub(super) fn refold(store: &Store, roots: &Roots, everything: bool) -> Result<()> {
    let mut done = BTreeSet::new();
    for file in Writer::waiting(store.conn())? {
        if done.contains(&file) {
            continue;
        }
        let tx = store.begin()?;
        let group = group_of(&tx, file)?;
        fold_group(&tx, &group, roots, everything, &mut Writer::default())?;
        done.extend(group);
        tx.commit()?;
    }
    Ok(())
}

/// Folds everything anew.
pub(super) fn rebuild(
    store: &Store,
    roots: &Roots,
    everything: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let tx = store.begin()?;
    let all: Vec<FileRow> = files::all(&tx)?
        .into_iter()
        .filter(|f| f.owner != Owner::Nobody)
        .collect();
    let mut groups = groups(&tx, &all)?;
    // What other programs tell of a session waits until it is known whether its agent tells it, too.
    let agents: HashMap<i64, Agent> = all.iter().map(|f| (f.id, f.agent)).collect();
    groups.sort_by_key(|g| {
        g.iter()
            .all(|f| agents.get(f).is_some_and(|a| source::retells(*a)))
    });
    crate::store::drop_derived(&tx)?;
    link::forget(&tx)?;
    let total = groups.len();
    let mut writer = Writer::default();
    for (done, group) in groups.iter().enumerate() {
        progress(Progress {
            done,
            total,
            committed: false,
        });
        fold_group(&tx, group, roots, everything, &mut writer)?;
    }
    tx.commit()?;
    progress(Progress {
        done: total,
        total,
        committed: true,
    });
    Ok(())
}

/// The files that hang together with one, through common sessions.
fn group_of(conn: &Connection, file: i64) -> Result<Vec<i64>> {
    let mut group = BTreeSet::from([file]);
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        let mut q = conn.prepare_cached(
            "SELECT DISTINCT o.file_id FROM session_file f JOIN session_file o ON o.session_id = f.session_id WHERE f.file_id = ?1",
        )?;
        for other in q.query_map([file], |r| r.get(0))? {
            let other: i64 = other?;
            if group.insert(other) {
                open.push(other);
            }
        }
    }
    Ok(group.into_iter().collect())
}

/// All files in groups, in the order in which they were first seen.
fn groups(conn: &Connection, all: &[FileRow]) -> Result<Vec<Vec<i64>>> {
    let mut done = BTreeSet::new();
    let mut out = Vec::new();
    for file in all {
        if done.contains(&file.id) {
            continue;
        }
        let group = group_of(conn, file.id)?;
        done.extend(group.iter().copied());
        out.push(group);
    }
    Ok(out)
}

/// Reads a group of files and replaces the rows of their sessions.
fn fold_group(
    conn: &Connection,
    group: &[i64],
    roots: &Roots,
    everything: bool,
    writer: &mut Writer,
) -> Result<()> {
    let rows = group
        .iter()
        .map(|id| files::get(conn, *id))
        .collect::<Result<Vec<_>, _>>()?;
    // Agents are never mixed in a session, but for programs that tell of others' sessions.
    let mut by_agent: BTreeMap<u8, Vec<FileRow>> = BTreeMap::new();
    let mut retold = Vec::new();
    for row in rows.into_iter().filter(|r| r.owner != Owner::Nobody) {
        match source::retells(row.agent) {
            true => retold.push(row),
            false => by_agent.entry(row.agent as u8).or_default().push(row),
        }
    }
    for rows in by_agent.into_values() {
        let mut ordered = rows
            .into_iter()
            .map(|row| {
                let source = Source::new(conn, row)?;
                Ok((order(conn, &source.row, source.latest.as_ref())?, source))
            })
            .collect::<Result<Vec<_>>>()?;
        ordered.sort_by(|(a, _), (b, _)| a.cmp(b));
        let sources: Vec<Source> = ordered.into_iter().map(|(_, s)| s).collect();
        let most = sources.iter().map(Source::detail).max();
        let (told, mirrors): (Vec<_>, Vec<_>) =
            sources.into_iter().partition(|s| Some(s.detail()) == most);
        fold_files(conn, &told, roots, everything, writer)?;
        for mirror in &mirrors {
            fold_mirror(conn, mirror, roots)?;
            for source in &told {
                conn.prepare_cached(
                    "INSERT OR IGNORE INTO session_file (session_id, file_id)
                     SELECT session_id, ?1 FROM session_file WHERE file_id = ?2",
                )?
                .execute(params![mirror.row.id, source.row.id])?;
            }
        }
    }
    for row in retold {
        fold_retold(conn, row, roots, everything, writer)?;
    }
    Ok(())
}

/// Folds what a program tells of another agent's session, unless somebody tells more of it: its agent, or one that was
/// folded before. Then it is no file of the session: who writes the session has nothing to do with it.
fn fold_retold(
    conn: &Connection,
    row: FileRow,
    roots: &Roots,
    everything: bool,
    writer: &mut Writer,
) -> Result<()> {
    let this = Source::new(conn, row)?;
    conn.prepare_cached("DELETE FROM session_file WHERE file_id = ?1")?
        .execute([this.row.id])?;
    let session = this.session(conn)?;
    let mut less = Vec::new();
    if let Some((agent, native)) = session.filter(|(agent, _)| *agent != this.row.agent) {
        let id = Id::session(agent, &native);
        if files::has_own(conn, &id)? {
            return fold_mirror(conn, &this, roots);
        }
        let row: Option<i64> = conn
            .prepare_cached("SELECT id FROM session WHERE pub = ?1")?
            .query_row([id.0], |r| r.get(0))
            .optional()?;
        for other in row.map_or(Ok(Vec::new()), |row| files::of_session(conn, row))? {
            let other = Source::new(conn, other)?;
            if other.worth() > this.worth() {
                return fold_mirror(conn, &this, roots);
            }
            less.push(other);
        }
    }
    for other in &less {
        conn.prepare_cached("DELETE FROM session_file WHERE file_id = ?1")?
            .execute([other.row.id])?;
    }
    fold_files(conn, &[this], roots, everything, writer)
}

/// A file of a group, and its records if it has some.
struct Source {
    row: FileRow,
    latest: Option<Latest>,
}

impl Source {
    fn new(conn: &Connection, row: FileRow) -> Result<Source> {
        let latest = match row.form {
            Form::Lines => None,
            Form::Records | Form::Session => Some(Latest::of(conn, &row)?),
        };
        Ok(Source { row, latest })
    }

    /// Of those that tell of another agent's session the worthiest is shown: the one of the most detail, then the one with
    /// the most records. The path decides only between equals.
    fn worth(&self) -> (u8, usize, &std::path::Path) {
        let records = self.latest.as_ref().map_or(0, Latest::len);
        (self.detail(), records, &self.row.path)
    }

    /// The session that its records begin with, and whose it is.
    fn session(&self, conn: &Connection) -> Result<Option<(Agent, String)>> {
        let (mut state, mut events, mut found) = (ParseState::default(), Vec::new(), None);
        if let Some(latest) = &self.latest {
            latest.lines(conn, &self.row, &mut |_, bytes| {
                source::events(
                    self.row.agent,
                    &self.row.path,
                    bytes,
                    &mut state,
                    &mut events,
                );
                found = events.drain(..).find_map(|e| match e.body {
                    Body::Session(head) => {
                        Some((head.agent.unwrap_or(self.row.agent), head.native_id))
                    }
                    _ => None,
                });
                Ok(found.is_none())
            })?;
        }
        Ok(found)
    }

    /// How much it tells, by its agent's word.
    fn detail(&self) -> u8 {
        source::source_of(self.row.agent).map_or(0, |s| s.detail(&self.row.path))
    }
}

/// A file that tells a session in less detail than another: it stays a file of the session, and is read on from where it
/// was left, but nothing of it is shown.
fn fold_mirror(conn: &Connection, mirror: &Source, roots: &Roots) -> Result<()> {
    let Source { row, latest } = mirror;
    let state = match latest {
        Some(latest) => carried(&latest.known)?,
        None => {
            let mut folds = Folds::new(row.agent, false, true);
            let mut parser = Parser::new(row.agent, &row.path, 0, ParseState::default());
            fold_lines(
                conn,
                row,
                &mut parser,
                &mut folds,
                roots,
                &mut Vec::new(),
                &mut |_, _, _| Ok(()),
            )?;
            carried(&parser.state)?
        }
    };
    conn.prepare_cached("INSERT OR REPLACE INTO file_state (file_id, state) VALUES (?1, ?2)")?
        .execute(params![row.id, state])?;
    Ok(())
}

/// What a file's place in its group is decided by: a sub-agent's own file comes before the parent's file that mirrors it
/// in less detail; then the first time stamp, the longer file first, the first bytes. The path decides only between equal
/// files, where it makes no difference but which of them is named as the source.
type Order = (
    std::cmp::Reverse<bool>,
    Option<Time>,
    std::cmp::Reverse<u64>,
    Option<BlobHash>,
    u32,
    std::path::PathBuf,
);

fn order(conn: &Connection, row: &FileRow, latest: Option<&Latest>) -> Result<Order> {
    let mut state = ParseState::default();
    let mut events = Vec::new();
    let (mut first, mut session) = (None, None);
    let mut look = |bytes: &[u8]| {
        events.clear();
        source::events(row.agent, &row.path, bytes, &mut state, &mut events);
        first = events.iter().find_map(|e| e.at);
        session = session.take().or_else(|| state.session.clone());
        first.is_some()
    };
    let (size, head) = match latest {
        // How many versions of a record came by is chance; how many records there are is not.
        Some(latest) => {
            latest.lines(conn, row, &mut |_, bytes| Ok(!look(bytes)))?;
            (latest.len() as u64, None)
        }
        None => {
            let len = row.read_to.min(64 * 1024);
            let head = frames::read(conn, row.id, 0, len)?;
            let mut cutter = LineCutter::at(0);
            let mut found = false;
            cutter.feed(&head, |item| {
                if let (false, Item::Line { bytes, .. }) = (found, item) {
                    found = look(bytes);
                }
            });
            (row.read_to, Some(BlobHash::of(&head)))
        }
    };
    Ok((
        std::cmp::Reverse(session.is_some_and(|s| s.contains('/'))),
        first,
        std::cmp::Reverse(size),
        head,
        row.generation,
        row.path.clone(),
    ))
}

fn fold_files(
    conn: &Connection,
    sources: &[Source],
    roots: &Roots,
    everything: bool,
    writer: &mut Writer,
) -> Result<()> {
    let Some(first) = sources.first() else {
        return Ok(());
    };
    let named = everything || sources.iter().any(|s| s.row.owner == Owner::Named);
    let ids: Vec<i64> = sources.iter().map(|s| s.row.id).collect();
    let mut folds = Folds::new(first.row.agent, named, true);
    let mut blobs = Vec::new();
    for (i, Source { row, latest }) in sources.iter().enumerate() {
        folds.begin_file();
        let index = u16::try_from(i).map_err(|_| {
            color_eyre::eyre::eyre!("a session is spread over more than 65,535 files")
        })?;
        let mut parser = Parser::new(row.agent, &row.path, index, ParseState::default());
        let mut since = 0;
        let mut flush_if_due = |len: u64, folds: &mut Folds, blobs: &mut Vec<_>| {
            since += len;
            if since < PART {
                return Ok(());
            }
            since = 0;
            flush(conn, folds, roots, blobs, &ids, writer)
        };
        let state = match latest {
            Some(latest) => {
                latest.lines(conn, row, &mut |off, bytes| {
                    parser.whole_line(off, bytes, &mut folds, roots, &mut blobs);
                    flush_if_due(bytes.len() as u64, &mut folds, &mut blobs)?;
                    Ok(true)
                })?;
                carried(&latest.known)?
            }
            None => {
                fold_lines(
                    conn,
                    row,
                    &mut parser,
                    &mut folds,
                    roots,
                    &mut blobs,
                    &mut flush_if_due,
                )?;
                carried(&parser.state)?
            }
        };
        conn.prepare_cached("INSERT OR REPLACE INTO file_state (file_id, state) VALUES (?1, ?2)")?
            .execute(params![row.id, state])?;
    }
    flush(conn, &mut folds, roots, &mut blobs, &ids, writer)
}

/// Writes what was made, once so many more bytes were read.
type FlushIfDue<'f> = dyn FnMut(u64, &mut Folds, &mut Vec<PackedBlob>) -> Result<()> + 'f;

/// Folds a file of lines.
fn fold_lines(
    conn: &Connection,
    row: &FileRow,
    parser: &mut Parser<'_>,
    folds: &mut Folds,
    roots: &Roots,
    blobs: &mut Vec<PackedBlob>,
    flush_if_due: &mut FlushIfDue<'_>,
) -> Result<()> {
    let mut cutter = LineCutter::at(0);
    let mut at = 0;
    while at < row.read_to {
        let len = (row.read_to - at).min(1 << 20);
        let bytes = frames::read(conn, row.id, at, len)?;
        cutter.feed(&bytes, |item| parser.item(item, folds, roots, blobs));
        at += len;
        flush_if_due(len, folds, blobs)?;
    }
    if cutter.tail_len() > 0 {
        // A whole record that stood at the file's end without a line end.
        let tail = cutter.tail().to_vec();
        parser.whole_line(cutter.offset(), &tail, folds, roots, blobs);
    }
    Ok(())
}

fn flush(
    conn: &Connection,
    folds: &mut Folds,
    roots: &Roots,
    blobs: &mut Vec<PackedBlob>,
    files: &[i64],
    writer: &mut Writer,
) -> Result<()> {
    let batches = folds.take(roots)?;
    for blob in blobs.drain(..) {
        writer.blob(conn, &blob)?;
    }
    for batch in batches {
        writer.session(conn, &batch, files, &kind_of(roots))?;
    }
    Ok(())
}
