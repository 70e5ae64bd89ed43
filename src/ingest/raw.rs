//! The bytes of a transcript between the disk and its frames. What they say is not known here.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use crate::model::BlobHash;
use crate::store::files;
use crate::store::frames::{self, Packed};

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// Room for the bytes of a transcript, which a worker uses for one after the other.
#[derive(Default)]
pub struct Room(Vec<u8>);

#[cfg(test)]
impl Room {
    /// How much it takes.
    pub fn size(&self) -> usize {
        self.0.capacity()
    }
}

/// Raw bytes that wait to be packed.
///
/// A file may be cut short, or written over, while it is read. So the last bytes that were read are remembered, and looked
/// at again before one reads on: what is taken in is always one content, never the beginning of one and the end of another.
pub(super) struct RawBytes<'a> {
    /// The offset of the first of them.
    start: u64,
    bytes: &'a mut Vec<u8>,
    /// Where in `bytes` the last chunk begins.
    fresh: usize,
    /// The last bytes before the place that was read to.
    tail: Vec<u8>,
    /// The last bytes up to the last line end.
    line_tail: Vec<u8>,
}

impl<'a> RawBytes<'a> {
    /// None yet, from an offset on, for lines that are made here.
    pub fn new(start: u64, Room(bytes): &'a mut Room) -> RawBytes<'a> {
        bytes.clear();
        RawBytes {
            start,
            bytes,
            fresh: 0,
            tail: Vec::new(),
            line_tail: Vec::new(),
        }
    }

    /// None yet, from an offset of a file on. `None` if what stands before it is not what this hash says.
    pub fn at(
        file: &mut File,
        start: u64,
        before: Option<BlobHash>,
        Room(bytes): &'a mut Room,
    ) -> io::Result<Option<RawBytes<'a>>> {
        let len = start.min(files::TAIL);
        let mut tail = vec![0; len as usize];
        if !all_at(file, &mut tail, start - len)? || files::tail_hash(&tail) != before {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(start))?;
        bytes.clear();
        Ok(Some(RawBytes {
            start,
            bytes,
            fresh: 0,
            line_tail: tail.clone(),
            tail,
        }))
    }

    /// Reads on; `None` if the file is not any more what it was. Nothing is [`RawBytes::fresh`] at its end.
    pub fn take_in(&mut self, file: &mut File) -> io::Result<Option<()>> {
        let mut there = vec![0; self.tail.len()];
        let from = self.position() - there.len() as u64;
        if !all_at(file, &mut there, from)? || there != self.tail {
            return Ok(None);
        }
        self.fresh = self.bytes.len();
        self.bytes.reserve(CHUNK);
        file.take(CHUNK as u64).read_to_end(self.bytes)?;
        let fresh = &self.bytes[self.fresh..];
        if let Some(end) = memchr::memrchr(b'\n', fresh) {
            self.line_tail.clone_from(&self.tail);
            push(&mut self.line_tail, &fresh[..=end]);
        }
        push(&mut self.tail, fresh);
        Ok(Some(()))
    }

    /// What the last [`RawBytes::take_in`] brought.
    pub fn fresh(&self) -> &[u8] {
        &self.bytes[self.fresh..]
    }

    /// The place that was read to.
    pub fn position(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// By which the file is recognised that was read to an offset: the last line end, or the place that was read to.
    pub fn tail_hash(&self, to: u64) -> Option<BlobHash> {
        files::tail_hash(match to == self.position() {
            true => &self.tail,
            false => &self.line_tail,
        })
    }

    /// Takes in a line that was made here, and its line end.
    pub fn put(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
    }

    /// Packs full frames. A line longer than a frame is packed while it is still open: memory stays bounded.
    pub fn pack_full(&mut self, frames: &mut Vec<Packed>) {
        let mut done = 0;
        while self.bytes.len() - done >= 2 * frames::FRAME {
            let window = &self.bytes[done..done + frames::FRAME];
            let cut = memchr::memrchr(b'\n', window).map_or(frames::FRAME, |i| i + 1);
            frames.extend(frames::pack(&window[..cut], self.start + done as u64));
            done += cut;
        }
        self.drop_front(done);
    }

    /// Packs what stands before an offset.
    pub fn pack_to(&mut self, offset: u64, frames: &mut Vec<Packed>) {
        let len = usize::try_from(offset.saturating_sub(self.start))
            .unwrap_or(usize::MAX)
            .min(self.bytes.len());
        frames.extend(frames::pack(&self.bytes[..len], self.start));
        self.drop_front(len);
    }

    /// Lets go of what was read.
    pub fn forget(&mut self) {
        self.drop_front(self.bytes.len());
    }

    fn drop_front(&mut self, len: usize) {
        self.bytes.drain(..len);
        self.start += len as u64;
        self.fresh = self.fresh.saturating_sub(len);
    }
}

/// Fills a buffer from a place in a file; `false` if the file ends before.
pub(super) fn all_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<bool> {
    match file.read_exact_at(buffer, at) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

/// Keeps the last [`files::TAIL`] bytes.
fn push(tail: &mut Vec<u8>, bytes: &[u8]) {
    let most = files::TAIL as usize;
    let new = &bytes[bytes.len().saturating_sub(most)..];
    let old = (tail.len() + new.len()).saturating_sub(most);
    tail.drain(..old.min(tail.len()));
    tail.extend_from_slice(new);
}
