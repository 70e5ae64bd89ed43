//! Filling the store: find transcripts, read what is new, fold it into rows, link what spans sessions.
//!
//! Reading goes on in worker threads; one thread writes. What is committed is consistent, so that an
//! interruption at any moment costs at most the last seconds of work, and the next start goes on from there.

mod beside;
mod databases;
mod discover;
mod fold;
mod latest;
mod link;
mod raw;
mod read;
mod records;
mod refold;
pub mod roots;
mod transcript;
mod trees;
mod work;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use color_eyre::Result;

use crate::model::{Agent, Time};
use crate::source::{Input, Places, SOURCES};
use crate::store::files::Form;
use crate::store::{Store, facts, files};

use discover::Candidate;
pub use roots::Roots;
pub use write::give_way;

/// Bytes from which on a first read is a large one.
const LARGE: u64 = 32 << 20;

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where agents keep their files.
    pub places: Places,
    /// The repository's roots; none for the user-wide store.
    pub roots: Roots,
    /// Read these files and folders instead of the agents' own.
    pub from: Vec<PathBuf>,
    /// Only this agent.
    pub agent: Option<Agent>,
    /// Take every session, wherever it ran.
    pub everything: bool,
    /// Set from outside to stop early; what was read until then stays.
    pub cancel: Arc<AtomicBool>,
    /// Worker threads; 0 for as many as there are processors.
    pub threads: usize,
}

/// How far a reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Transcripts done.
    pub done: usize,
    /// Transcripts with something new.
    pub total: usize,
    /// Rows were committed since the last report.
    pub committed: bool,
}

/// What a reading did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The folders that were looked in, with the number of transcripts found there.
    pub looked_in: Vec<(PathBuf, u32)>,
    /// Transcripts read, wholly or from where they were left.
    pub read: usize,
    /// Transcripts with nothing new.
    pub unchanged: usize,
    /// Transcripts that belong to nobody here.
    pub elsewhere: usize,
    /// Transcripts that another program read while this one was about to.
    pub meanwhile: usize,
    /// Known transcripts that are gone from the disk; what was read of them stays.
    pub gone: usize,
    /// What could not be read: path and why.
    pub failed: Vec<(PathBuf, String)>,
    /// It was stopped early.
    pub cancelled: bool,
}

/// Reads what is new into the store.
///
/// # Errors
/// If the store cannot be written. A transcript that cannot be read is reported, and the others are read.
pub fn run(
    store: &Store,
    options: &Options,
    now: Time,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report> {
    let (roots, map_is_new) = mapped(store, &options.roots)?;
    let options = &Options {
        roots,
        ..options.clone()
    };
    let mut found = discover::discover(&options.places, &options.from, options.agent);
    let known = files::list(store.conn())?;
    let everything = options.everything || map_is_new;
    let trees = trees::of(&found);
    let mut looked = databases::look(store, &mut found, &known, &options.places, everything)?;
    let mut plan = discover::plan(found.candidates, &looked.listed, known, everything);
    let mut report = Report {
        looked_in: found.looked_in,
        failed: [found.unreadable, std::mem::take(&mut plan.unreadable)].concat(),
        unchanged: plan.unchanged,
        ..Report::default()
    };
    if options.from.is_empty() && !plan.gone.is_empty() {
        let tx = store.begin()?;
        for file in &plan.gone {
            files::mark_gone(&tx, *file, now)?;
        }
        tx.commit()?;
        report.gone = plan.gone.len();
    }
    if plan.bytes() > LARGE {
        store.without_late_indexes()?;
    }
    let open = std::mem::take(&mut looked.open);
    let read = write::read_all(store, options, plan.todo, open, now, &mut report, progress);
    store.late_indexes()?;
    read?;
    if !options.cancel.load(Ordering::Relaxed) {
        refold::refold(store, &options.roots, options.everything)?;
        for (agent, input) in trees {
            // An index that looks as it did names no new trees.
            if looked.seen.contains_key(&input)
                && let Err(e) = trees::keep(store, options, agent, &input, now)?
            {
                report.failed.push((input, format!("its trees: {e:#}")));
            }
        }
        link::link(store, &options.roots, true)?;
        databases::remember(store, &looked, &report.failed)?;
    }
    report.cancelled = options.cancel.load(Ordering::Relaxed);
    Ok(report)
}

/// The folders that are looked in for transcripts, with the number found in each.
pub fn look(places: &Places) -> Vec<(PathBuf, u32)> {
    discover::discover(places, &[], None).looked_in
}

/// The folders and files in which a change may mean something new, whether they are there or not.
pub fn folders(places: &Places) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = SOURCES.iter().flat_map(|s| s.watched(places)).collect();
    folders.sort();
    folders.dedup();
    folders
}

/// Whether any transcript on this machine belongs here: only then is a store made. Newest first, and no further than needed.
///
/// # Errors
/// Only for what is not a matter of one transcript.
pub fn any_belongs(options: &Options) -> Result<bool> {
    let found = discover::discover(&options.places, &options.from, options.agent);
    if options.everything {
        return Ok(!found.candidates.is_empty() || !found.databases.is_empty());
    }
    for candidate in found.candidates.iter().rev() {
        if options.cancel.load(Ordering::Relaxed) {
            return Ok(false);
        }
        // What cannot be read is reported by the reading itself, if there is anything else to read.
        if candidate.named || belongs(candidate, None, options).unwrap_or(false) {
            return Ok(true);
        }
    }
    for database in &found.databases {
        let mut mine =
            |input: &mut dyn Input, candidate: &Candidate| {
                Ok(!options.cancel.load(Ordering::Relaxed)
                    && belongs(candidate, Some(input), options)?)
            };
        if database.named || databases::any(database, &options.places, &mut mine).unwrap_or(false) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a session belongs to the roots. That of a database is read from its `input`.
fn belongs(
    candidate: &Candidate,
    input: Option<&mut dyn Input>,
    options: &Options,
) -> Result<bool> {
    let Candidate {
        path, agent, form, ..
    } = candidate;
    if *form == Form::Lines {
        return read::belongs(path, *agent, &options.roots);
    }
    if is_elsewhere(candidate, &options.roots) {
        return Ok(false);
    }
    let mut own;
    let input = match input {
        Some(input) => input,
        None => {
            own = databases::open_input(*agent, path, &options.places)?;
            &mut *own
        }
    };
    let mut yes = false;
    let mut folds = read::Folds::new(*agent, false, false);
    let session = records::Session {
        place: transcript::Place::start(path, *agent),
        name: &databases::name_of(candidate),
        known: records::Known::default(),
    };
    records::session(
        input,
        session,
        &mut folds,
        &options.roots,
        &mut raw::Room::default(),
        &mut |_, _, folds| {
            yes = folds.belongs(&options.roots);
            !yes
        },
    )?;
    Ok(yes)
}

/// Whether a session's folder is known and has nothing to do with the roots: neither lies in the other.
fn is_elsewhere(candidate: &Candidate, roots: &Roots) -> bool {
    candidate
        .folder
        .as_deref()
        .is_some_and(|folder| !roots.touches(&roots::absolute(None, folder)))
}

/// Drops everything that was made of the truth and makes it again.
///
/// # Errors
/// If the store cannot be written, or raw bytes cannot be read back.
pub fn rebuild(
    store: &Store,
    roots: &Roots,
    everything: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let (roots, _) = mapped(store, roots)?;
    refold::rebuild(store, &roots, everything, progress)?;
    link::link(store, &roots, false)
}

/// Links what is new in the store without reading transcripts: a snapshot was taken.
///
/// # Errors
/// If the store cannot be written.
pub fn relink(store: &Store, roots: &Roots) -> Result<()> {
    let (roots, _) = mapped(store, roots)?;
    // This pass may be the one that sees what a reader elsewhere has just stored.
    link::link(store, &roots, true)
}

/// The roots with all folders that were ever mapped for this store: a rebuild, or a reading without `--map`, must find the
/// same sessions. Says whether one is new: then transcripts of strangers may have become ours.
fn mapped(store: &Store, roots: &Roots) -> Result<(Roots, bool)> {
    const MEMO: &str = "ingest.map";
    let before = facts::memo(store.conn(), MEMO)?.unwrap_or_default();
    let mut roots = roots.clone();
    roots.remember_map(&before);
    let now = roots.map_text();
    let new = now.lines().any(|l| !before.lines().any(|b| b == l));
    if new {
        let tx = store.begin()?;
        facts::set_memo(&tx, MEMO, &now)?;
        tx.commit()?;
    }
    Ok((roots, new))
}

fn kind_of(roots: &Roots) -> impl Fn(&[u8]) -> u8 + '_ {
    |path| {
        let known = roots.list().find(|(r, _)| ***r == *path).map(|(_, k)| k);
        match known {
            Some(kind) => kind as u8,
            None if path == b"/" => roots::RootKind::Outside as u8,
            None => roots::RootKind::Session as u8,
        }
    }
}
