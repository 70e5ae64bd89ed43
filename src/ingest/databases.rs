//! Databases of agents: which sessions they hold, asked only when something in them changed.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::eyre;

use super::discover::{Candidate, Database, Discovered};
use crate::model::Agent;
use crate::source::{Input, Places, Stream, source_of};
use crate::store::files::{FileRow, Form, Owner, Seen};
use crate::store::{Store, facts};

/// What a look at the databases said.
#[derive(Default)]
pub struct Looked {
    /// Those that were opened, and how they looked: once all that is new in one is read, it need not be opened again.
    pub seen: HashMap<PathBuf, Seen>,
    /// Those that are open now, to be read from.
    pub open: HashMap<PathBuf, Box<dyn Input>>,
    /// Those whose sessions are all known: what is missing was deleted.
    pub listed: HashSet<PathBuf>,
}

/// Puts the sessions of the databases among the candidates. One that looks as it did when it was read last is not opened.
pub fn look(
    store: &Store,
    found: &mut Discovered,
    known: &[FileRow],
    places: &Places,
    everything: bool,
) -> Result<Looked> {
    let mut looked = Looked::default();
    let mut of: HashMap<&Path, Vec<&FileRow>> = HashMap::new();
    for row in known.iter().filter(|r| r.form == Form::Session) {
        if let Some(database) = row.path.parent() {
            of.entry(database).or_default().push(row);
        }
    }
    for database in std::mem::take(&mut found.databases) {
        let rows = of
            .get(database.path.as_path())
            .map_or(&[][..], Vec::as_slice);
        if is_unchanged(store, &database, rows, everything)? {
            let rows = rows.iter().filter(|r| r.gone_at.is_none());
            found
                .candidates
                .extend(rows.map(|r| as_it_was(r, &database)));
            continue;
        }
        match open(&database, places) {
            Ok((input, streams)) => {
                found
                    .candidates
                    .extend(streams.into_iter().map(|s| candidate(s, &database)));
                looked.listed.insert(database.path.clone());
                looked.seen.insert(database.path.clone(), database.seen);
                looked.open.insert(database.path, input);
            }
            Err(e) => found.unreadable.push((database.path, format!("{e:#}"))),
        }
    }
    found.sort();
    Ok(looked)
}

/// Remembers how the databases looked that were read to their end.
pub fn remember(store: &Store, looked: &Looked, failed: &[(PathBuf, String)]) -> Result<()> {
    let done: Vec<_> = looked
        .seen
        .iter()
        .filter(|(path, seen)| {
            seen.mtime_ns != 0 && !failed.iter().any(|(f, _)| f.starts_with(path))
        })
        .collect();
    if done.is_empty() {
        return Ok(());
    }
    let tx = store.begin()?;
    for (path, seen) in done {
        facts::set_memo(&tx, &memo(path), &words(seen))?;
    }
    tx.commit()?;
    Ok(())
}

/// Whether a session of a database belongs to somebody who asks `mine`, by its folder or by all that it says.
pub fn any(
    database: &Database,
    places: &Places,
    mine: &mut dyn FnMut(&mut dyn Input, &Candidate) -> Result<bool>,
) -> Result<bool> {
    let (mut input, mut streams) = open(database, places)?;
    streams.sort_by_key(|s| std::cmp::Reverse(s.updated));
    for stream in streams {
        if mine(&mut *input, &candidate(stream, database))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Bytes of records that are looked through in one session that worked elsewhere, and in all of a database at one look:
/// databases grow to gigabytes, and most of it is about other projects.
const LOOK_EACH: u64 = 32 << 20;
pub const LOOK_ALL: u64 = 256 << 20;

/// Whether one of the needles stands in what a session says, as far as it is looked through; `left` says how much more of
/// the database may be.
pub fn mentions(
    input: &mut dyn Input,
    name: &str,
    needles: &[Vec<u8>],
    left: &mut u64,
) -> Result<bool> {
    let finders: Vec<_> = needles.iter().map(memchr::memmem::Finder::new).collect();
    let (mut here, mut found) = (LOOK_EACH.min(*left), false);
    let from = here;
    if here == 0 || finders.is_empty() {
        return Ok(false);
    }
    let mut stopped = false;
    let done = input.records(name, &mut |given| {
        let body = given.body.as_bytes();
        found = finders.iter().any(|f| f.find(body).is_some());
        here = here.saturating_sub(body.len() as u64);
        stopped = found || here == 0;
        match stopped {
            true => Err(eyre!("enough was seen")),
            false => Ok(()),
        }
    });
    *left -= from - here;
    match stopped {
        true => Ok(found),
        false => done.map(|()| false),
    }
}

/// Opens an input by its path.
pub fn open_input(agent: Agent, path: &Path, places: &Places) -> Result<Box<dyn Input>> {
    source_of(agent)
        .and_then(|s| s.extractor(path))
        .ok_or_else(|| eyre!("this version cannot read transcripts of {agent}"))?
        .open(path, places)
}

/// The name of a session within its input; empty for the only one.
pub fn name_of(candidate: &Candidate) -> String {
    match (candidate.form, candidate.path.file_name()) {
        (Form::Session, Some(name)) => unescaped(&name.to_string_lossy()),
        _ => String::new(),
    }
}

fn open(database: &Database, places: &Places) -> Result<(Box<dyn Input>, Vec<Stream>)> {
    let mut input = open_input(database.agent, &database.path, places)?;
    let streams = input.sessions()?;
    Ok((input, streams))
}

fn is_unchanged(
    store: &Store,
    database: &Database,
    rows: &[&FileRow],
    everything: bool,
) -> Result<bool> {
    let wanted = |r: &&FileRow| r.owner == Owner::Nobody && (everything || database.named);
    // 0: it was not read to its end, or the store was saved from damage.
    if database.seen.mtime_ns == 0 || rows.iter().any(|r| r.seen.mtime_ns == 0 || wanted(r)) {
        return Ok(false);
    }
    Ok(facts::memo(store.conn(), &memo(&database.path))? == Some(words(&database.seen)))
}

fn candidate(stream: Stream, database: &Database) -> Candidate {
    Candidate {
        path: database.path.join(escaped(&stream.name)),
        agent: database.agent,
        seen: Seen::token(&stream.token, stream.updated),
        named: database.named,
        form: Form::Session,
        folder: stream.folder,
    }
}

fn as_it_was(row: &FileRow, database: &Database) -> Candidate {
    Candidate {
        path: row.path.clone(),
        agent: row.agent,
        seen: row.seen,
        named: database.named,
        form: Form::Session,
        folder: None,
    }
}

fn memo(path: &Path) -> String {
    format!("looked at {}", path.display())
}

fn words(seen: &Seen) -> String {
    format!("{} {} {} {}", seen.dev, seen.ino, seen.size, seen.mtime_ns)
}

/// A name as the last part of a path.
fn escaped(name: &str) -> String {
    match name {
        "" | "." | ".." => format!("%{name}"),
        _ => name
            .replace('%', "%25")
            .replace('/', "%2F")
            .replace('\0', "%00"),
    }
}

fn unescaped(part: &str) -> String {
    match part {
        "%" | "%." | "%.." => part[1..].to_owned(),
        _ => part
            .replace("%00", "\0")
            .replace("%2F", "/")
            .replace("%25", "%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_can_be_the_last_part_of_a_path() {
        for name in ["", ".", "..", "a", "a/b", "%2F", "100%", "%25", "a\0b", "%"] {
            let part = escaped(name);
            assert!(!part.contains(['/', '\0']) && !["", ".", ".."].contains(&part.as_str()));
            assert_eq!(unescaped(&part), name);
        }
    }
}
