//! The writing side of a reading: workers read transcripts, this thread stores what they make.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use color_eyre::Result;
use rusqlite::{Connection, Transaction, params};

use super::databases;
use super::discover::{Candidate, Todo};
use super::raw::Room;
use super::read::Part;
use super::work::{Job, Left, Word, job, units, work};
use super::{Options, Progress, Report, kind_of};
use crate::model::{Id, Time};
use crate::source::Input;
use crate::store::files::{self, Owner, Seen};
use crate::store::write::Writer;
use crate::store::{Store, frames};

/// The first commit after this long: what is read shows soon. Later ones come less often, since each writes every page
/// again that was touched; but at least this often, so that another program does not wait longer.
const COMMIT_FIRST: Duration = Duration::from_millis(700);
const COMMIT_EVERY: Duration = Duration::from_secs(3);
/// Parts that wait for the writer: bounds memory.
const QUEUE: usize = 2;

/// Reads every transcript that has something new. Sessions that must be folded anew are left waiting in the store.
pub(super) fn read_all(
    store: &Store,
    options: &Options,
    todo: Vec<Todo>,
    open: HashMap<PathBuf, Box<dyn Input>>,
    now: Time,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    if todo.is_empty() {
        return Ok(());
    }
    let jobs = todo
        .into_iter()
        .map(|t| job(store.conn(), t, options.everything))
        .collect::<Result<Vec<_>>>()?;
    let units = units(&jobs, open, &options.roots);
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n,
    }
    .min(units.len());
    let next = AtomicUsize::new(0);
    let (tx, rx) = crossbeam_channel::bounded::<Word>(QUEUE);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (tx, jobs, units, next) = (tx.clone(), &jobs, &units, &next);
            scope.spawn(move || {
                give_way();
                let mut room = Room::default();
                while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut input = unit.input.lock().ok().and_then(|mut i| i.take());
                    let mut left = Left {
                        bytes: databases::LOOK_ALL,
                        now,
                    };
                    for n in &unit.jobs {
                        if options.cancel.load(Ordering::Relaxed)
                            || !work(
                                *n,
                                &jobs[*n],
                                options,
                                (&mut input, &mut left),
                                &mut room,
                                &tx,
                            )
                        {
                            return;
                        }
                    }
                }
            });
        }
        drop(tx);
        let mut desk = Desk::new(store, options, &jobs, now);
        let mut done = Progress {
            total: jobs.len(),
            ..Progress::default()
        };
        progress(done);
        for word in rx {
            let finished = desk.take(word, report)?;
            done.done += usize::from(finished);
            done.committed = desk.commit_if_due()?;
            if finished || done.committed {
                progress(done);
            }
        }
        desk.commit()?;
        done.committed = true;
        progress(done);
        Ok(())
    })
}

/// Lets others go first, where there are fewer processors than threads: the writer before the workers, which all wait for
/// it, and the screen before whoever reads for it.
pub fn give_way() {
    // On Linux this is the calling thread's alone; elsewhere it would be the whole program's.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(5);
}

/// What the writer knows of a job that it has begun.
struct Open {
    file: i64,
    spread: bool,
    /// Bytes that this program has taken in of it.
    read_to: u64,
    /// Another program took this file in meanwhile: nothing more of it is stored.
    skipped: bool,
    /// A session of it was found to belong here.
    belongs: bool,
    /// It tells of a session of which the agent's own transcript is known.
    retold: bool,
}

impl Open {
    /// A file that another program has taken.
    fn taken() -> Open {
        Open {
            file: 0,
            spread: false,
            read_to: 0,
            skipped: true,
            belongs: true,
            retold: false,
        }
    }
}

/// The writer's side.
struct Desk<'a> {
    store: &'a Store,
    options: &'a Options,
    jobs: &'a [Job],
    tx: Option<Transaction<'a>>,
    /// It remembers row numbers, which hold while nobody else writes.
    writer: Writer,
    version: Option<i64>,
    open: HashMap<usize, Open>,
    now: Time,
    started: Instant,
    begun: Instant,
}

impl<'a> Desk<'a> {
    fn new(store: &'a Store, options: &'a Options, jobs: &'a [Job], now: Time) -> Desk<'a> {
        Desk {
            store,
            options,
            jobs,
            tx: None,
            writer: Writer::default(),
            version: None,
            open: HashMap::new(),
            now,
            started: Instant::now(),
            begun: Instant::now(),
        }
    }

    /// Stores what a worker says. `true` if that finished a transcript.
    fn take(&mut self, word: Word, report: &mut Report) -> Result<bool> {
        if self.tx.is_none() {
            let tx = self.store.begin()?;
            let version = tx.query_row("PRAGMA data_version", [], |r| r.get(0))?;
            if self.version.replace(version) != Some(version) {
                self.writer = Writer::default();
            }
            self.tx = Some(tx);
            self.begun = Instant::now();
        }
        match word {
            Word::Part {
                job,
                part,
                last,
                belongs,
                stale,
            } => {
                let ours = self.part(job, &part, last, belongs, stale)?;
                if last {
                    report.read += usize::from(ours && belongs);
                    report.elsewhere += usize::from(ours && !belongs);
                    report.meanwhile += usize::from(!ours);
                }
                Ok(last)
            }
            Word::Stranger { job, settled } => {
                let ours = self.stranger(job, settled)?;
                report.elsewhere += usize::from(ours);
                report.meanwhile += usize::from(!ours);
                Ok(true)
            }
            Word::Gone { job } => {
                if let (Some(tx), Some(row)) = (&self.tx, self.jobs[job].known) {
                    files::mark_gone(tx, row, self.now)?;
                    report.gone += 1;
                }
                Ok(true)
            }
            Word::Failed { job, why } => {
                if let (Some(tx), Some(open)) = (&self.tx, self.open.get(&job))
                    && !(open.belongs || open.spread || open.skipped)
                {
                    disown(tx, open.file)?;
                }
                report
                    .failed
                    .push((self.jobs[job].candidate.path.clone(), why));
                Ok(true)
            }
        }
    }

    fn commit_if_due(&mut self) -> Result<bool> {
        let due = (self.started.elapsed() / 3).clamp(COMMIT_FIRST, COMMIT_EVERY);
        if self.begun.elapsed() < due {
            return Ok(false);
        }
        self.commit()
    }

    fn commit(&mut self) -> Result<bool> {
        let Some(tx) = self.tx.take() else {
            return Ok(false);
        };
        tx.commit()?;
        Ok(true)
    }

    /// Remembers a file that belongs to nobody here; `false` if another program took it meanwhile.
    fn stranger(&mut self, job: usize, settled: bool) -> Result<bool> {
        let Some(tx) = &self.tx else {
            return Ok(false);
        };
        let (candidate, known) = (&self.jobs[job].candidate, self.jobs[job].known);
        let row = match files::newest(tx, &candidate.path)? {
            Some(row) if row.owner == Owner::Nobody && row.form == candidate.form => row,
            Some(row) if Some(row.id) != known => return Ok(false),
            _ => files::insert(
                tx,
                candidate.agent,
                &candidate.path,
                &candidate.seen,
                Owner::Nobody,
                candidate.form,
            )?,
        };
        let seen = match settled {
            true => candidate.seen,
            // It must look changed at the next look.
            false => Seen {
                mtime_ns: 0,
                ..candidate.seen
            },
        };
        files::advance(tx, row.id, &seen, 0, None)?;
        Ok(true)
    }

    /// Stores a part of a transcript; `false` if another program took it meanwhile.
    fn part(
        &mut self,
        job: usize,
        part: &Part,
        last: bool,
        belongs: bool,
        stale: bool,
    ) -> Result<bool> {
        if !self.open.contains_key(&job) {
            let open = self.begin(job)?;
            self.open.insert(job, open);
        }
        let (Some(tx), Some(open)) = (&self.tx, self.open.get_mut(&job)) else {
            return Ok(false);
        };
        // Between two parts others may have written: who finds the file further than it was left goes no further.
        open.skipped |= !open.skipped && files::read_to(tx, open.file)? != open.read_to;
        if open.skipped {
            return Ok(false);
        }
        let file = open.file;
        open.read_to = part.read_to;
        frames::append(tx, file, &part.frames)?;
        for blob in &part.blobs {
            self.writer.blob(tx, blob)?;
        }
        open.spread |= stale;
        open.belongs |= belongs;
        let agent = self.jobs[job].candidate.agent;
        for session in part.batches.iter().map(|b| &b.session) {
            let id = Id::session(session.agent, &session.native_id);
            open.retold |= session.agent != agent && files::has_own(tx, &id)?;
        }
        // Its raw bytes are kept; shown is what the agent itself wrote.
        let told = if open.retold { &[][..] } else { &part.batches };
        for batch in told {
            open.spread |= spread(
                tx,
                &Id::session(batch.session.agent, &batch.session.native_id),
                file,
            )?;
        }
        for batch in told {
            if open.spread {
                Writer::note_session(tx, &batch.session, &[file])?;
            } else {
                self.writer
                    .session(tx, batch, &[file], &kind_of(&self.options.roots))?;
            }
        }
        // Until the last part is in, the file must look changed at the next start.
        let seen = if last {
            self.jobs[job].candidate.seen
        } else {
            Seen {
                mtime_ns: 0,
                ..self.jobs[job].candidate.seen
            }
        };
        files::advance(tx, file, &seen, part.read_to, part.tail_hash)?;
        tx.prepare_cached("INSERT OR REPLACE INTO file_state (file_id, state) VALUES (?1, ?2)")?
            .execute(params![file, part.state])?;
        if last {
            if belongs || self.jobs[job].named || open.spread || open.retold {
                if self.jobs[job].from > 0 {
                    frames::repack(tx, file)?;
                }
            } else {
                disown(tx, file)?;
            }
        }
        Ok(true)
    }

    /// The file's row, unless another program was faster.
    fn begin(&self, job: usize) -> Result<Open> {
        let job = &self.jobs[job];
        let Some(tx) = &self.tx else {
            return Ok(Open::taken());
        };
        let path: &Path = &job.candidate.path;
        let owner = if job.named {
            Owner::Named
        } else {
            Owner::Found
        };
        let newest = files::newest(tx, path)?;
        if let Some(row) = &job.row {
            let skipped = newest
                .as_ref()
                .is_none_or(|n| n.id != row.id || n.read_to != row.read_to);
            if !skipped {
                // The beginning of a long line, of which the end did not come in.
                frames::cut(tx, row.id, row.read_to)?;
            }
            return Ok(Open {
                file: row.id,
                spread: job.spread,
                read_to: row.read_to,
                skipped,
                belongs: true,
                retold: false,
            });
        }
        let file = match newest {
            Some(row) if row.owner == Owner::Nobody && row.form == job.candidate.form => {
                files::set_owner(tx, row.id, owner)?;
                row.id
            }
            Some(row) if Some(row.id) != job.known => return Ok(Open::taken()),
            _ => {
                let Candidate {
                    agent, seen, form, ..
                } = &job.candidate;
                files::insert(tx, *agent, path, seen, owner, *form)?.id
            }
        };
        Ok(Open {
            file,
            spread: false,
            read_to: 0,
            skipped: false,
            belongs: job.named,
            retold: false,
        })
    }
}

/// Whether a session has records in another file than this one.
fn spread(conn: &Connection, session: &Id, file: i64) -> Result<bool> {
    Ok(conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM session s JOIN session_file f ON f.session_id = s.id WHERE s.pub = ?1 AND f.file_id <> ?2)",
        )?
        .query_row(params![session.0, file], |r| r.get(0))?)
}

/// A file that mentions this repository, but of which no session belongs to it: only its look is remembered.
fn disown(conn: &Connection, file: i64) -> Result<()> {
    let sessions: Vec<i64> = conn
        .prepare_cached("SELECT session_id FROM session_file WHERE file_id = ?1")?
        .query_map([file], |r| r.get(0))?
        .collect::<Result<_, _>>()?;
    for session in sessions {
        Writer::drop_session(conn, session)?;
    }
    for sql in [
        "DELETE FROM frame WHERE file_id = ?1",
        "DELETE FROM file_state WHERE file_id = ?1",
        "DELETE FROM damage WHERE file_id = ?1",
        "UPDATE file SET owner = 0, read_to = 0, tail_hash = NULL WHERE id = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([file])?;
    }
    Ok(())
}
