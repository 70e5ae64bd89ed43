//! The bytes of a transcript between the disk and its frames. What they say is not known here.

use std::fs::File;
use std::io::Read;

use crate::store::frames::{self, Packed};

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// Room for the bytes of a transcript, which a worker uses for one after the other.
#[derive(Default)]
pub struct Room(Vec<u8>);

/// Raw bytes that wait to be packed.
pub(super) struct RawBytes<'a> {
    /// The offset of the first of them.
    start: u64,
    bytes: &'a mut Vec<u8>,
}

impl<'a> RawBytes<'a> {
    /// None yet, from an offset on.
    pub fn new(start: u64, Room(bytes): &'a mut Room) -> RawBytes<'a> {
        bytes.clear();
        RawBytes { start, bytes }
    }

    /// Reads on; none at the end of the file.
    pub fn take_in(&mut self, file: &mut File) -> std::io::Result<&[u8]> {
        let held = self.bytes.len();
        self.bytes.reserve(CHUNK);
        file.take(CHUNK as u64).read_to_end(self.bytes)?;
        Ok(&self.bytes[held..])
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

    fn drop_front(&mut self, len: usize) {
        self.bytes.drain(..len);
        self.start += len as u64;
    }
}
