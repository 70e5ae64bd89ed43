//! The frames that a reader unpacked last: rows near each other ask for the same one again and again.

use std::collections::VecDeque;

use super::frames::{self, Frame};
use super::{Error, Result};

/// Unpacked frames, newest first, bounded by bytes.
pub struct Frames {
    room: usize,
    held: usize,
    list: VecDeque<(i64, Frame)>,
}

impl Frames {
    /// A cache of at most so many bytes (and at least one frame).
    pub fn new(room: usize) -> Frames {
        Frames {
            room,
            held: 0,
            list: VecDeque::new(),
        }
    }

    /// Bytes of a file, across frames.
    pub fn read(
        &mut self,
        conn: &rusqlite::Connection,
        file: i64,
        off: u64,
        len: u64,
    ) -> Result<Vec<u8>> {
        frames::gather(file, off, len, |at, take| {
            take(self.at(conn, file, at)?);
            Ok(())
        })
    }

    fn at(&mut self, conn: &rusqlite::Connection, file: i64, at: u64) -> Result<&Frame> {
        let holds = |(f, frame): &(i64, Frame)| {
            *f == file && at >= frame.start && at - frame.start < frame.bytes.len() as u64
        };
        let held = self.list.iter().position(holds);
        let entry = match held.and_then(|i| self.list.remove(i)) {
            Some(entry) => entry,
            None => {
                let frame = frames::frame_at(conn, file, at)?;
                self.held += frame.bytes.len();
                (file, frame)
            }
        };
        self.list.push_front(entry);
        while self.held > self.room && self.list.len() > 1 {
            if let Some((_, frame)) = self.list.pop_back() {
                self.held -= frame.bytes.len();
            }
        }
        match self.list.front() {
            Some((_, frame)) => Ok(frame),
            None => Err(Error::NotHeld { file, at }),
        }
    }
}
