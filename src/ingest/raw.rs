//! The bytes of a transcript between the disk and its frames. What they say is not known here.

use crate::store::frames::{self, Packed};

/// Room for the bytes of a transcript, which a worker uses for one after the other.
#[derive(Default)]
pub struct Room {
    /// What was read last.
    pub chunk: Vec<u8>,
    /// What waits to be packed.
    pub raw: Vec<u8>,
}

/// Raw bytes that wait to be packed.
pub(super) struct RawBytes<'a> {
    /// The offset of the first of them.
    pub start: u64,
    /// They.
    pub bytes: &'a mut Vec<u8>,
}

impl RawBytes<'_> {
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
