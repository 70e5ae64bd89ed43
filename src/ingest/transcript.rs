//! One transcript, from an offset to its end, in parts of bounded size; whatever happens to the file meanwhile.

use std::fs::File;
use std::io;
use std::path::Path;

use color_eyre::Result;
use color_eyre::eyre::WrapErr;

use super::raw::{self, RawBytes, Room};
use super::read::{Folds, PART, Parser, Part, carried};
use super::roots::Roots;
use crate::model::{Agent, BlobHash};
use crate::source::ParseState;
use crate::source::lines::{Item, LINE_CAP, LineCutter};
use crate::store::frames;

/// What to read, and from where.
pub struct Place<'a> {
    /// The file.
    pub path: &'a Path,
    /// Whose format.
    pub agent: Agent,
    /// The offset, at the start of a line.
    pub from: u64,
    /// The hash of the bytes before that, as they were.
    pub tail_hash: Option<BlobHash>,
    /// What the source carried there.
    pub state: ParseState,
}

impl<'a> Place<'a> {
    /// The beginning of a transcript.
    pub fn start(path: &'a Path, agent: Agent) -> Place<'a> {
        Place {
            path,
            agent,
            from: 0,
            tail_hash: None,
            state: ParseState::default(),
        }
    }
}

/// How a reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All of it was read, or nobody wanted more.
    Read,
    /// There is no such file any more.
    Gone,
    /// Another content stands there now. What was handed on is of the one before, and whole.
    Rewritten,
}

/// How much is held at once.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Bytes of a line.
    line: usize,
    /// Raw bytes after which what was made is handed on.
    part: u64,
}

const LIMITS: Limits = Limits {
    line: LINE_CAP,
    part: PART,
};

/// Takes a part; `true` if it is the last one. Returns `false` to stop early.
pub type Each<'e> = dyn FnMut(Part, bool, &Folds) -> bool + 'e;

/// Reads a transcript from an offset to its end (or to its last complete line) and hands on parts.
///
/// # Errors
/// If the file cannot be read, or a state cannot be written down.
pub fn transcript(
    place: Place<'_>,
    folds: &mut Folds,
    roots: &Roots,
    room: &mut Room,
    each: &mut Each<'_>,
) -> Result<End> {
    within(LIMITS, place, folds, roots, room, each)
}

fn within(
    limits: Limits,
    place: Place<'_>,
    folds: &mut Folds,
    roots: &Roots,
    room: &mut Room,
    each: &mut Each<'_>,
) -> Result<End> {
    let path = place.path;
    let mut file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(End::Gone),
        other => other.wrap_err_with(|| format!("cannot open {}", path.display()))?,
    };
    let raw = RawBytes::at(&mut file, place.from, place.tail_hash, room);
    let Some(raw) = raw.wrap_err_with(|| format!("cannot read {}", path.display()))? else {
        return Ok(End::Rewritten);
    };
    let mut walk = Walk {
        limits,
        file,
        cutter: LineCutter::with_cap(place.from, limits.line),
        raw,
        part: Part::default(),
        handed_on: Mark {
            read_to: place.from,
            tail_hash: place.tail_hash,
            state: carried(&place.state)?,
        },
        parser: Parser::new(place.agent, path, 0, place.state),
        endless: None,
        folds,
        roots,
        each,
    };
    let end = walk.all();
    end.wrap_err_with(|| format!("cannot read {}", path.display()))
}

/// Up to where parts were handed on.
struct Mark {
    read_to: u64,
    tail_hash: Option<BlobHash>,
    state: Vec<u8>,
}

/// What comes after a step of the walk.
enum Next {
    More,
    Over(End),
}

struct Walk<'a, 'e> {
    limits: Limits,
    file: File,
    cutter: LineCutter,
    raw: RawBytes<'a>,
    parser: Parser<'a>,
    part: Part,
    handed_on: Mark,
    /// Where a line began that is too long to be held. Its bytes are read a second time when its end has been found: most
    /// such files never have one.
    endless: Option<u64>,
    folds: &'a mut Folds,
    roots: &'a Roots,
    each: &'a mut Each<'e>,
}

impl Walk<'_, '_> {
    fn all(&mut self) -> Result<End> {
        loop {
            if self.raw.take_in(&mut self.file)?.is_none() {
                return Ok(End::Rewritten);
            }
            if self.raw.fresh().is_empty() {
                return self.end();
            }
            if let Next::Over(end) = self.chunk()? {
                return Ok(end);
            }
        }
    }

    fn chunk(&mut self) -> Result<Next> {
        if let Some(from) = self.endless {
            if memchr::memchr(b'\n', self.raw.fresh()).is_none() {
                self.cutter.feed(self.raw.fresh(), |_| {});
                self.raw.forget();
                return Ok(Next::More);
            }
            self.endless = None;
            let to = self.raw.position() - self.raw.fresh().len() as u64;
            if let Next::Over(end) = self.again(from, to)? {
                return Ok(Next::Over(end));
            }
        }
        let (parser, folds, blobs) = (&mut self.parser, &mut *self.folds, &mut self.part.blobs);
        self.cutter.feed(self.raw.fresh(), |item| {
            parser.item(item, folds, self.roots, blobs)
        });
        self.raw.pack_full(&mut self.part.frames);
        let ahead = self.cutter.offset() - self.handed_on.read_to;
        let too_long = self.cutter.tail_len() > self.limits.line as u64;
        if (ahead >= self.limits.part || (too_long && ahead > 0)) && !self.hand_on(false)? {
            return Ok(Next::Over(End::Read));
        }
        if too_long {
            self.part.frames.clear();
            self.raw.forget();
            self.endless = Some(self.cutter.offset());
        }
        Ok(Next::More)
    }

    /// The bytes of a long line, packed and handed on. They count as taken in only with the part in which it ends.
    fn again(&mut self, from: u64, to: u64) -> Result<Next> {
        let mut piece = Vec::new();
        let (mut at, mut since) = (from, from);
        while at < to {
            piece.resize(
                usize::try_from(to - at)
                    .unwrap_or(usize::MAX)
                    .min(4 * frames::FRAME),
                0,
            );
            if !raw::all_at(&self.file, &mut piece, at)? {
                return Ok(Next::Over(End::Rewritten));
            }
            self.part.frames.extend(frames::pack(&piece, at));
            at += piece.len() as u64;
            if at - since >= self.limits.part {
                since = at;
                let part = Part {
                    frames: std::mem::take(&mut self.part.frames),
                    read_to: self.handed_on.read_to,
                    tail_hash: self.handed_on.tail_hash,
                    state: self.handed_on.state.clone(),
                    ..Part::default()
                };
                if !(self.each)(part, false, self.folds) {
                    return Ok(Next::Over(End::Read));
                }
            }
        }
        Ok(Next::More)
    }

    /// Hands on what was made of the lines so far.
    fn hand_on(&mut self, last: bool) -> Result<bool> {
        let to = self.cutter.offset();
        self.raw.pack_to(to, &mut self.part.frames);
        self.send(to, last)
    }

    fn send(&mut self, to: u64, last: bool) -> Result<bool> {
        let mut part = std::mem::take(&mut self.part);
        // The frames of a line that is still open go with the next part, or nowhere.
        let ahead = part.frames.iter().position(|f| f.start >= to);
        self.part.frames = part.frames.split_off(ahead.unwrap_or(part.frames.len()));
        part.batches = self.folds.take(self.roots)?;
        part.read_to = to;
        part.tail_hash = self.raw.tail_hash(to);
        part.state = carried(&self.parser.state)?;
        self.handed_on = Mark {
            read_to: to,
            tail_hash: part.tail_hash,
            state: part.state.clone(),
        };
        Ok((self.each)(part, last, self.folds))
    }

    /// Many transcripts end without a line end. A whole record needs none; a torn one waits for its rest.
    fn end(&mut self) -> Result<End> {
        let mut to = self.cutter.offset();
        if self.cutter.tail_len() == self.cutter.tail().len() as u64
            && is_record(self.cutter.tail())
        {
            let tail = self.cutter.tail().to_vec();
            let item = Item::Line {
                offset: to,
                bytes: &tail,
            };
            to += tail.len() as u64;
            self.parser
                .item(item, self.folds, self.roots, &mut self.part.blobs);
        }
        self.raw.pack_to(to, &mut self.part.frames);
        self.send(to, true)?;
        Ok(End::Read)
    }
}

fn is_record(tail: &[u8]) -> bool {
    let tail = tail.trim_ascii();
    tail.first() == Some(&b'{') && serde_json::from_slice::<serde::de::IgnoredAny>(tail).is_ok()
}

#[cfg(test)]
#[path = "transcript_tests.rs"]
mod tests;
