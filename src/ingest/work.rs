//! The reading side of a reading: what is to be read, in which portions, and one worker's way through them. It stores
//! nothing; what it makes goes to the writer as [`Word`]s.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use crossbeam_channel::Sender;
use rusqlite::{Connection, OptionalExtension};

use super::discover::{Candidate, Todo};
use super::raw::Room;
use super::read::{self, Folds, Part};
use super::records::{self, Known};
use super::roots::Roots;
use super::transcript::{End, Place, transcript};
use super::{Options, databases};
use crate::model::Time;
use crate::source::{Input, ParseState};
use crate::store::files::{FileRow, Form, Owner};

/// Said of a file that became another one under the eyes of its reader. It looks changed, so it is read again.
const REWRITTEN: &str = "it was written over while it was read; the next reading takes it";

/// A transcript to read, with all that its reader needs.
pub(super) struct Job {
    pub(super) candidate: Candidate,
    pub(super) row: Option<FileRow>,
    /// The newest row of this path when the work was planned.
    pub(super) known: Option<i64>,
    pub(super) from: u64,
    carried: Carried,
    checkpoints: Vec<(String, Vec<u8>)>,
    /// Its sessions are spread over several files: only the raw bytes are taken now.
    pub(super) spread: bool,
    pub(super) named: bool,
}

/// What a reader goes on with.
enum Carried {
    Lines(ParseState),
    Records(Known),
}

impl Carried {
    /// At the beginning.
    fn nothing(form: Form) -> Carried {
        match form {
            Form::Lines => Carried::Lines(ParseState::default()),
            Form::Records | Form::Session => Carried::Records(Known::default()),
        }
    }

    /// As it was written down.
    fn read(form: Form, bytes: &[u8]) -> Option<Carried> {
        match form {
            Form::Lines => postcard::from_bytes(bytes).ok().map(Carried::Lines),
            Form::Records | Form::Session => postcard::from_bytes(bytes).ok().map(Carried::Records),
        }
    }
}

/// Jobs that one worker does one after the other: those of one database, which is opened once.
#[derive(Default)]
pub(super) struct Unit {
    pub(super) jobs: Vec<usize>,
    pub(super) input: Mutex<Option<Box<dyn Input>>>,
}

/// What a worker says.
pub(super) enum Word {
    Part {
        job: usize,
        part: Box<Part>,
        last: bool,
        belongs: bool,
        stale: bool,
    },
    /// It belongs to nobody here; `settled`: as it stands now.
    Stranger {
        job: usize,
        settled: bool,
    },
    Gone {
        job: usize,
    },
    Failed {
        job: usize,
        why: String,
    },
}

/// What hangs together: the sessions of one database.
///
/// Those of sessions that worked elsewhere come last, the newest first: they are looked through only as far as is bearable.
pub(super) fn units(
    jobs: &[Job],
    mut open: HashMap<PathBuf, Box<dyn Input>>,
    roots: &Roots,
) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut of: HashMap<&Path, usize> = HashMap::new();
    for (n, job) in jobs.iter().enumerate() {
        let database = match job.candidate.form {
            Form::Session => job.candidate.path.parent(),
            Form::Lines | Form::Records => None,
        };
        let at = match database {
            Some(database) => *of.entry(database).or_insert(units.len()),
            None => units.len(),
        };
        if at == units.len() {
            units.push(Unit {
                jobs: Vec::new(),
                input: Mutex::new(database.and_then(|d| open.remove(d))),
            });
        }
        units[at].jobs.push(n);
    }
    for unit in units.iter_mut().filter(|u| u.jobs.len() > 1) {
        let is_elsewhere = |n: &usize| super::is_elsewhere(&jobs[*n].candidate, roots);
        let (elsewhere, here): (Vec<_>, Vec<_>) = unit.jobs.drain(..).partition(is_elsewhere);
        unit.jobs.extend(here);
        unit.jobs.extend(elsewhere.into_iter().rev());
    }
    units
}

/// Reads one transcript. `false` if nobody listens any more.
pub(super) fn work(
    n: usize,
    job: &Job,
    options: &Options,
    (input, left): (&mut Option<Box<dyn Input>>, &mut Left),
    room: &mut Room,
    tx: &Sender<Word>,
) -> bool {
    let failed = |e: color_eyre::Report| {
        let why = format!("{e:#}");
        tx.send(Word::Failed { job: n, why }).is_ok()
    };
    if !job.named && job.from == 0 {
        match is_stranger(job, options, input, left) {
            Ok(Stranger::No) => {}
            Ok(is) => {
                let settled = is == Stranger::Yes;
                return tx.send(Word::Stranger { job: n, settled }).is_ok();
            }
            Err(_) if is_gone(&job.candidate) => return tx.send(Word::Gone { job: n }).is_ok(),
            Err(e) => return failed(e),
        }
    }
    let mut folds = Folds::going_on(job.candidate.agent, job.named, job.checkpoints.clone());
    let mut listening = true;
    let mut queue = |part: Part, last: bool, folds: &Folds| {
        let word = Word::Part {
            job: n,
            part: Box::new(part),
            last,
            belongs: folds.belongs(&options.roots),
            stale: folds.stale,
        };
        listening = tx.send(word).is_ok();
        listening && !options.cancel.load(Ordering::Relaxed)
    };
    match read_one(job, options, input, &mut folds, room, &mut queue) {
        Ok(End::Read) => listening,
        Ok(End::Gone) => tx.send(Word::Gone { job: n }).is_ok(),
        Ok(End::Rewritten) => failed(eyre!(REWRITTEN)),
        Err(e) => failed(e),
    }
}

/// Whether a transcript went since it was found.
fn is_gone(candidate: &Candidate) -> bool {
    candidate.form != Form::Session && !candidate.path.exists()
}

fn read_one(
    job: &Job,
    options: &Options,
    input: &mut Option<Box<dyn Input>>,
    folds: &mut Folds,
    room: &mut Room,
    each: &mut dyn FnMut(Part, bool, &Folds) -> bool,
) -> Result<End> {
    let candidate = &job.candidate;
    let place = Place {
        from: job.from,
        tail_hash: job.row.as_ref().and_then(|row| row.tail_hash),
        ..Place::start(&candidate.path, candidate.agent)
    };
    match &job.carried {
        Carried::Lines(state) => {
            let place = Place {
                state: state.clone(),
                ..place
            };
            transcript(place, folds, &options.roots, room, each)
        }
        Carried::Records(known) => {
            let session = records::Session {
                place,
                name: &databases::name_of(candidate),
                known: known.clone(),
            };
            let path = match candidate.form {
                Form::Session => candidate.path.parent().unwrap_or(&candidate.path),
                Form::Lines | Form::Records => &candidate.path,
            };
            let mut own;
            let input = match (candidate.form, input) {
                (Form::Session, Some(open)) => &mut **open,
                _ => {
                    own = databases::open_input(candidate.agent, path, &options.places)?;
                    &mut *own
                }
            };
            records::session(input, session, folds, &options.roots, room, each)?;
            Ok(End::Read)
        }
    }
}

/// How much of a database's sessions that worked elsewhere may still be looked through, and when that is.
pub(super) struct Left {
    pub(super) bytes: u64,
    pub(super) now: Time,
}

/// Whether a transcript cannot belong here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stranger {
    No,
    Yes,
    /// It was one when it was looked through last, and is being written to: it is looked at again when it is quiet.
    AsBefore,
}

/// A session that works elsewhere is looked through again when nothing was written to it for so long: else each of its
/// words would cost a look through all before them.
const QUIET_MS: i64 = 60_000;

/// Whether a transcript cannot belong here, as far as that can be told without understanding it.
fn is_stranger(
    job: &Job,
    options: &Options,
    input: &mut Option<Box<dyn Input>>,
    left: &mut Left,
) -> Result<Stranger> {
    let candidate = &job.candidate;
    let told = |mentions: bool| match mentions {
        true => Stranger::No,
        false => Stranger::Yes,
    };
    if candidate.form == Form::Lines {
        let needles = options.roots.needles();
        return read::mentions(&candidate.path, &needles).map(told);
    }
    if !super::is_elsewhere(candidate, &options.roots) {
        return Ok(Stranger::No);
    }
    // It may have changed something here all the same.
    let Some(input) = input else {
        return Ok(Stranger::Yes);
    };
    let written = candidate.seen.mtime_ns / 1_000_000;
    if job.known.is_some() && left.now.0.saturating_sub(written) < QUIET_MS {
        return Ok(Stranger::AsBefore);
    }
    let (name, needles) = (databases::name_of(candidate), options.roots.needles());
    databases::mentions(&mut **input, &name, &needles, &mut left.bytes).map(told)
}

pub(super) fn job(conn: &Connection, todo: Todo, everything: bool) -> Result<Job> {
    Ok(match todo {
        Todo::Whole(candidate, known) => Job {
            known,
            named: candidate.named || everything,
            carried: Carried::nothing(candidate.form),
            candidate,
            row: None,
            from: 0,
            checkpoints: Vec::new(),
            spread: false,
        },
        Todo::More(candidate, row) => {
            let state: Option<Vec<u8>> = conn
                .prepare_cached("SELECT state FROM file_state WHERE file_id = ?1")?
                .query_row([row.id], |r| r.get(0))
                .optional()?;
            let carried = state.and_then(|s| Carried::read(row.form, &s));
            let mut sessions = conn.prepare_cached(
                "SELECT s.native_id, w.state, (SELECT count(*) FROM session_file o WHERE o.session_id = s.id)
                 FROM session_file f JOIN session s ON s.id = f.session_id LEFT JOIN fold_state w ON w.session_id = s.id
                 WHERE f.file_id = ?1",
            )?;
            // Records that were rewritten stand before others: the session is folded anew from the newest of each.
            let mut spread = carried.is_none() || row.form != Form::Lines;
            let mut checkpoints = Vec::new();
            let mut rows = sessions.query([row.id])?;
            while let Some(r) = rows.next()? {
                spread |= r.get::<_, i64>(2)? > 1;
                match r.get::<_, Option<Vec<u8>>>(1)? {
                    Some(bytes) => checkpoints.push((r.get(0)?, bytes)),
                    None => spread = true,
                }
            }
            Job {
                named: row.owner == Owner::Named,
                from: row.read_to,
                carried: carried.unwrap_or_else(|| Carried::nothing(row.form)),
                checkpoints: if spread { Vec::new() } else { checkpoints },
                spread,
                candidate,
                known: Some(row.id),
                row: Some(row),
            }
        }
    })
}
