//! The writing side of a reading: workers read transcripts, this thread stores what they make.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use color_eyre::Result;
use crossbeam_channel::Sender;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::discover::{Candidate, Todo};
use super::raw::Room;
use super::read::{self, Folds, Part};
use super::transcript::{End, Place, transcript};
use super::{Options, Progress, Report, kind_of};
use crate::model::{Id, Time};
use crate::source::ParseState;
use crate::store::files::{self, FileRow, Owner, Seen};
use crate::store::write::Writer;
use crate::store::{Store, frames};

/// The first commit after this long: what is read shows soon. Later ones come less often, since each writes every page
/// again that was touched; but at least this often, so that another program does not wait longer.
const COMMIT_FIRST: Duration = Duration::from_millis(700);
const COMMIT_EVERY: Duration = Duration::from_secs(3);
/// Said of a file that became another one under the eyes of its reader. It looks changed, so it is read again.
const REWRITTEN: &str = "it was written over while it was read; the next reading takes it";
/// Parts that wait for the writer: bounds memory.
const QUEUE: usize = 2;

/// A transcript to read, with all that its reader needs.
struct Job {
    candidate: Candidate,
    row: Option<FileRow>,
    /// The newest row of this path when the work was planned.
    known: Option<i64>,
    from: u64,
    state: ParseState,
    checkpoints: Vec<(String, Vec<u8>)>,
    /// Its sessions are spread over several files: only the raw bytes are taken now.
    spread: bool,
    named: bool,
}

/// What a worker says.
enum Word {
    Part {
        job: usize,
        part: Box<Part>,
        last: bool,
        belongs: bool,
        stale: bool,
    },
    Stranger {
        job: usize,
    },
    Gone {
        job: usize,
    },
    Failed {
        job: usize,
        why: String,
    },
}

/// Reads every transcript that has something new. Sessions that must be folded anew are left waiting in the store.
pub(super) fn read_all(
    store: &Store,
    options: &Options,
    todo: Vec<Todo>,
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
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n,
    }
    .min(jobs.len());
    let next = AtomicUsize::new(0);
    let (tx, rx) = crossbeam_channel::bounded::<Word>(QUEUE);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (tx, jobs, next) = (tx.clone(), &jobs, &next);
            scope.spawn(move || {
                let mut room = Room::default();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= jobs.len() || options.cancel.load(Ordering::Relaxed) {
                        return;
                    }
                    if !work(n, &jobs[n], options, &mut room, &tx) {
                        return;
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

/// Reads one transcript. `false` if nobody listens any more.
fn work(n: usize, job: &Job, options: &Options, room: &mut Room, tx: &Sender<Word>) -> bool {
    let path = &job.candidate.path;
    if !job.named && job.from == 0 {
        match read::mentions(path, &options.roots.needles()) {
            Ok(true) => {}
            Ok(false) => return tx.send(Word::Stranger { job: n }).is_ok(),
            Err(_) if !path.exists() => return tx.send(Word::Gone { job: n }).is_ok(),
            Err(e) => {
                return tx
                    .send(Word::Failed {
                        job: n,
                        why: e.to_string(),
                    })
                    .is_ok();
            }
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
    let place = Place {
        path,
        agent: job.candidate.agent,
        from: job.from,
        tail_hash: job.row.as_ref().and_then(|row| row.tail_hash),
        state: job.state.clone(),
    };
    let failed = |why: String| tx.send(Word::Failed { job: n, why }).is_ok();
    match transcript(place, &mut folds, &options.roots, room, &mut queue) {
        Ok(End::Read) => listening,
        Ok(End::Gone) => tx.send(Word::Gone { job: n }).is_ok(),
        Ok(End::Rewritten) => failed(REWRITTEN.to_owned()),
        Err(e) => failed(e.to_string()),
    }
}

fn job(conn: &Connection, todo: Todo, everything: bool) -> Result<Job> {
    Ok(match todo {
        Todo::Whole(candidate, known) => Job {
            known,
            named: candidate.named || everything,
            candidate,
            row: None,
            from: 0,
            state: ParseState::default(),
            checkpoints: Vec::new(),
            spread: false,
        },
        Todo::More(candidate, row) => {
            let state: Option<Vec<u8>> = conn
                .prepare_cached("SELECT state FROM file_state WHERE file_id = ?1")?
                .query_row([row.id], |r| r.get(0))
                .optional()?;
            let state = state.and_then(|s| postcard::from_bytes(&s).ok());
            let mut sessions = conn.prepare_cached(
                "SELECT s.native_id, w.state, (SELECT count(*) FROM session_file o WHERE o.session_id = s.id)
                 FROM session_file f JOIN session s ON s.id = f.session_id LEFT JOIN fold_state w ON w.session_id = s.id
                 WHERE f.file_id = ?1",
            )?;
            let mut spread = state.is_none();
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
                state: state.unwrap_or_default(),
                checkpoints: if spread { Vec::new() } else { checkpoints },
                spread,
                candidate,
                known: Some(row.id),
                row: Some(row),
            }
        }
    })
}

/// What the writer knows of a job that it has begun.
struct Open {
    file: i64,
    spread: bool,
    /// Bytes that this program has taken in of it.
    read_to: u64,
    /// Another program took this file in meanwhile: nothing more of it is stored.
    skipped: bool,
}

impl Open {
    /// A file that another program has taken.
    fn taken() -> Open {
        Open {
            file: 0,
            spread: false,
            read_to: 0,
            skipped: true,
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
            Word::Stranger { job } => {
                let ours = self.stranger(job)?;
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
    fn stranger(&mut self, job: usize) -> Result<bool> {
        let Some(tx) = &self.tx else {
            return Ok(false);
        };
        let (candidate, known) = (&self.jobs[job].candidate, self.jobs[job].known);
        let row = match files::newest(tx, &candidate.path)? {
            Some(row) if row.owner == Owner::Nobody => row,
            Some(row) if Some(row.id) != known => return Ok(false),
            _ => files::insert(
                tx,
                candidate.agent,
                &candidate.path,
                &candidate.seen,
                Owner::Nobody,
            )?,
        };
        files::advance(tx, row.id, &candidate.seen, 0, None)?;
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
        for batch in &part.batches {
            open.spread |= spread(
                tx,
                &Id::session(batch.session.agent, &batch.session.native_id),
                file,
            )?;
        }
        for batch in &part.batches {
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
            .execute(params![file, postcard::to_stdvec(&part.state)?])?;
        if last {
            if belongs || self.jobs[job].named || open.spread {
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
            });
        }
        let file = match newest {
            Some(row) if row.owner == Owner::Nobody => {
                files::set_owner(tx, row.id, owner)?;
                row.id
            }
            Some(row) if Some(row.id) != job.known => return Ok(Open::taken()),
            _ => files::insert(tx, job.candidate.agent, path, &job.candidate.seen, owner)?.id,
        };
        Ok(Open {
            file,
            spread: false,
            read_to: 0,
            skipped: false,
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
