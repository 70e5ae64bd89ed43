//! From lines of transcripts to events and folds.
//!
//! Runs in worker threads; touches no store. What it makes goes to the writer as [`Part`]s, each of which is
//! consistent in itself: frames up to an offset, and the state of source and folds at that offset.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use color_eyre::Result;
use color_eyre::eyre::WrapErr;

use super::fold::{Env, Folder};
use super::raw::Room;
use super::roots::Roots;
use super::transcript::{Place, transcript};
use crate::model::{Agent, BlobHash};
use crate::source::lines::Item;
use crate::source::{self, Body, Event, ParseState};
use crate::store::blobs::{self, PackedBlob};
use crate::store::frames::Packed;
use crate::store::rows::{SessionBatch, Span};

/// Bytes read at once.
const CHUNK: usize = 1 << 20;
/// Raw bytes after which what was made is handed on.
pub(super) const PART: u64 = 8 << 20;

/// A stretch of a transcript, read and folded.
#[derive(Debug, Default)]
pub struct Part {
    /// Raw bytes.
    pub frames: Vec<Packed>,
    /// New contents.
    pub blobs: Vec<PackedBlob>,
    /// New rows.
    pub batches: Vec<SessionBatch>,
    /// Bytes of the file that are taken in now.
    pub read_to: u64,
    /// The hash of the bytes before that.
    pub tail_hash: Option<BlobHash>,
    /// What is to be carried on to the next read, written down.
    pub state: Vec<u8>,
}

/// The folds of the sessions in a group of files, in order of their first record.
pub struct Folds {
    agent: Agent,
    named: bool,
    replace: bool,
    folders: Vec<Folder>,
    current: usize,
    /// A session's checkpoint that could not be read: it must be folded anew.
    pub stale: bool,
    /// Checkpoints of sessions that may go on.
    checkpoints: Vec<(String, Vec<u8>)>,
    /// Contents that were handed on by these folds. Never roots between workers: what another worker packed may
    /// reach the store later than a row that names it.
    kept: HashSet<BlobHash>,
}

impl Folds {
    /// Folds that start; `replace` if rows of the sessions stand in the store.
    pub fn new(agent: Agent, named: bool, replace: bool) -> Folds {
        Folds {
            agent,
            named,
            replace,
            folders: Vec::new(),
            current: usize::MAX,
            stale: false,
            checkpoints: Vec::new(),
            kept: HashSet::new(),
        }
    }

    /// Folds that go on from what the store has of these sessions.
    pub fn going_on(agent: Agent, named: bool, checkpoints: Vec<(String, Vec<u8>)>) -> Folds {
        Folds {
            checkpoints,
            ..Folds::new(agent, named, false)
        }
    }

    /// Another file of the group begins.
    pub fn begin_file(&mut self) {
        self.current = usize::MAX;
        for folder in &mut self.folders {
            folder.begin_file();
        }
    }

    fn select(&mut self, agent: Agent, native: &str) {
        if self
            .folders
            .get(self.current)
            .is_some_and(|f| f.native_id() == native)
        {
            return;
        }
        if let Some(at) = self.folders.iter().position(|f| f.native_id() == native) {
            self.current = at;
            return;
        }
        let resumed = self
            .checkpoints
            .iter()
            .find(|(n, _)| n == native)
            .and_then(|(_, bytes)| match Folder::resume(bytes) {
                Ok(folder) => Some(folder),
                Err(_) => {
                    self.stale = true;
                    None
                }
            });
        self.folders
            .push(resumed.unwrap_or_else(|| Folder::new(agent, native, self.replace)));
        self.current = self.folders.len() - 1;
    }

    /// Takes in one event of the session that the source is in.
    pub fn push(
        &mut self,
        native: &str,
        span: Span,
        event: Event,
        roots: &Roots,
        blobs: &mut Vec<PackedBlob>,
    ) {
        match &event.body {
            Body::Session(head) => {
                let id = head.native_id.clone();
                self.select(head.agent.unwrap_or(self.agent), &id);
            }
            _ => self.select(self.agent, native),
        }
        let kept = &mut self.kept;
        let mut keep = |bytes: &[u8]| keep(bytes, kept, blobs);
        let mut env = Env {
            roots,
            keep: &mut keep,
            named: self.named,
        };
        if let Some(folder) = self.folders.get_mut(self.current) {
            folder.push(span, event, &mut env);
        }
    }

    /// What all folds gathered.
    ///
    /// # Errors
    /// If a state cannot be written down.
    pub fn take(&mut self, roots: &Roots) -> Result<Vec<SessionBatch>> {
        let env = Env {
            roots,
            keep: &mut |b| BlobHash::of(b),
            named: self.named,
        };
        self.folders.iter_mut().map(|f| f.take(&env)).collect()
    }

    /// Whether one of the sessions belongs to this store; also one of which nothing new was read, as when half a line was
    /// written.
    pub fn belongs(&self, roots: &Roots) -> bool {
        let env = Env {
            roots,
            keep: &mut |b| BlobHash::of(b),
            named: self.named,
        };
        let ours = |folder: &Folder| folder.belongs(&env) != 0;
        self.folders.iter().any(ours)
            || self.checkpoints.iter().any(|(native, bytes)| {
                // Of one that cannot be read nothing is known: it is folded anew, not thrown away.
                !self.folders.iter().any(|f| f.native_id() == native)
                    && Folder::resume(bytes).map_or(true, |f| ours(&f))
            })
    }
}

fn keep(bytes: &[u8], kept: &mut HashSet<BlobHash>, blobs: &mut Vec<PackedBlob>) -> BlobHash {
    let hash = BlobHash::of(bytes);
    if kept.insert(hash) {
        blobs.push(blobs::pack_as(hash, bytes));
    }
    hash
}

/// Parses lines and pushes their events into the folds.
pub struct Parser<'a> {
    agent: Agent,
    path: &'a Path,
    file: u16,
    /// What the source carries from line to line.
    pub state: ParseState,
    events: Vec<Event>,
}

impl<'a> Parser<'a> {
    /// A parser of the `file`-th file of the group.
    pub fn new(agent: Agent, path: &'a Path, file: u16, state: ParseState) -> Parser<'a> {
        Parser {
            agent,
            path,
            file,
            state,
            events: Vec::new(),
        }
    }

    /// Takes in one item of the line cutter.
    pub fn item(
        &mut self,
        item: Item<'_>,
        folds: &mut Folds,
        roots: &Roots,
        blobs: &mut Vec<PackedBlob>,
    ) {
        match item {
            Item::Line { offset, bytes } => {
                let span = Span {
                    file: self.file,
                    off: offset,
                    len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
                };
                self.line(bytes, span, folds, roots, blobs);
            }
            Item::Oversized { offset, len, .. } => {
                let span = Span {
                    file: self.file,
                    off: offset,
                    len: u32::try_from(len).unwrap_or(u32::MAX),
                };
                let why = format!("a line of {} MB is kept, but not read", len / 1_000_000);
                let event = Event {
                    key: None,
                    at: None,
                    node: None,
                    body: Body::Damaged { why },
                };
                self.hand_on(event, span, folds, roots, blobs);
            }
        }
    }

    fn line(
        &mut self,
        line: &[u8],
        span: Span,
        folds: &mut Folds,
        roots: &Roots,
        blobs: &mut Vec<PackedBlob>,
    ) {
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        source::events(self.agent, self.path, line, &mut self.state, &mut events);
        for event in events.drain(..) {
            self.hand_on(event, span, folds, roots, blobs);
        }
        self.events = events;
    }

    /// Takes in one whole line, at its place among the raw bytes.
    pub fn whole_line(
        &mut self,
        offset: u64,
        bytes: &[u8],
        folds: &mut Folds,
        roots: &Roots,
        blobs: &mut Vec<PackedBlob>,
    ) {
        self.item(Item::Line { offset, bytes }, folds, roots, blobs);
    }

    fn hand_on(
        &mut self,
        event: Event,
        span: Span,
        folds: &mut Folds,
        roots: &Roots,
        blobs: &mut Vec<PackedBlob>,
    ) {
        match &self.state.session {
            Some(native) => folds.push(native, span, event, roots, blobs),
            // Damage before the first record has no session yet; the file's name stands for it.
            None => {
                let stem = self
                    .path
                    .file_stem()
                    .map(|s| s.to_string_lossy().into_owned())
                    .unwrap_or_default();
                folds.push(&stem, span, event, roots, blobs);
            }
        }
    }
}

/// Whether one of the needles occurs in a file. `true` if there are none.
///
/// # Errors
/// If the file cannot be read.
pub fn mentions(path: &Path, needles: &[Vec<u8>]) -> Result<bool> {
    if needles.is_empty() {
        return Ok(true);
    }
    let finders: Vec<_> = needles.iter().map(memchr::memmem::Finder::new).collect();
    let overlap = needles.iter().map(Vec::len).max().unwrap_or(1) - 1;
    let mut file = File::open(path).wrap_err_with(|| format!("cannot open {}", path.display()))?;
    let mut buffer = vec![0; CHUNK + overlap];
    let mut held = 0;
    loop {
        let n = file
            .read(&mut buffer[held..])
            .wrap_err_with(|| format!("cannot read {}", path.display()))?;
        if n == 0 {
            return Ok(false);
        }
        let filled = held + n;
        if finders.iter().any(|f| f.find(&buffer[..filled]).is_some()) {
            return Ok(true);
        }
        held = filled.min(overlap);
        buffer.copy_within(filled - held..filled, 0);
    }
}

/// Whether a session of a transcript belongs to these roots.
///
/// # Errors
/// If it cannot be read.
pub fn belongs(path: &Path, agent: Agent, roots: &Roots) -> Result<bool> {
    if !mentions(path, &roots.needles())? {
        return Ok(false);
    }
    let mut folds = Folds::new(agent, false, false);
    let mut yes = false;
    transcript(
        Place::start(path, agent),
        &mut folds,
        roots,
        &mut Room::default(),
        &mut |_, _, folds| {
            yes = folds.belongs(roots);
            !yes
        },
    )?;
    Ok(yes)
}

/// A state, written down as it is stored with its file.
///
/// # Errors
/// If it cannot be.
pub(super) fn carried<T: serde::Serialize>(state: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(state).wrap_err("cannot write down what is to be carried on")
}

/// The bytes of a file in a range, fewer where it ends before.
///
/// # Errors
/// If the file cannot be read.
pub fn range(path: &Path, off: u64, len: usize) -> Result<Vec<u8>> {
    let mut file = File::open(path).wrap_err_with(|| format!("cannot open {}", path.display()))?;
    file.seek(SeekFrom::Start(off))
        .wrap_err_with(|| format!("cannot read {}", path.display()))?;
    let mut bytes = Vec::with_capacity(len);
    file.take(len as u64)
        .read_to_end(&mut bytes)
        .wrap_err_with(|| format!("cannot read {}", path.display()))?;
    Ok(bytes)
}
