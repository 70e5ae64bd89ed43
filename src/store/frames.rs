//! Raw bytes of transcripts, in frames of about 256 KiB cut at lines. What the bytes say is not known here.
//!
//! The bytes of one generation of a file never change, they only grow; so a range of them, once read, stays right.

use rusqlite::{Connection, Row, params};

use super::codec;
use super::{Error, Result};

/// The size that frames are cut to: at 64 KiB they would take a fifth more space, at 1 MiB a tenth less, but a
/// step's details would cost four times the work.
pub const FRAME: usize = 256 * 1024;
/// No frame of ours is longer; a row that says so is damaged.
const LONGEST: i64 = 4 * FRAME as i64;
/// The open tail is packed anew when it has so many frames, though it be small.
const MANY: usize = 64;
/// Behind so many full frames, small ones are left as they are.
const MOST_FULL: usize = 16;

/// A frame, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The offset of its first byte in the file.
    pub start: u64,
    /// Bytes, unpacked.
    pub len: u32,
    /// How it is packed.
    pub codec: u8,
    /// The packed bytes.
    pub data: Vec<u8>,
}

/// Cuts bytes into frames, behind the last line end that fits (a longer line spans frames), and packs them.
pub fn pack(bytes: &[u8], start: u64) -> Vec<Packed> {
    let mut frames = Vec::with_capacity(bytes.len() / FRAME + 1);
    let (mut rest, mut at) = (bytes, start);
    while !rest.is_empty() {
        let cut = match rest.get(..FRAME) {
            None => rest.len(),
            Some(window) => memchr::memrchr(b'\n', window).map_or(FRAME, |i| i + 1),
        };
        let (frame, next) = rest.split_at(cut);
        let (codec, data) = codec::pack(frame);
        frames.push(Packed {
            start: at,
            len: cut as u32,
            codec,
            data,
        });
        at += cut as u64;
        rest = next;
    }
    frames
}

/// Stores frames behind those that are there. They must follow each other without a gap, from byte 0 of the file on.
pub fn append(conn: &Connection, file: i64, frames: &[Packed]) -> Result<()> {
    let mut expected = end(conn, file)?;
    for frame in frames {
        if frame.start != expected {
            return Err(Error::Gap {
                file,
                expected,
                found: frame.start,
            });
        }
        insert(conn, file, frame)?;
        expected += u64::from(frame.len);
    }
    Ok(())
}

fn insert(conn: &Connection, file: i64, frame: &Packed) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO frame (file_id, start, len, codec, data) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        file,
        frame.start as i64,
        frame.len,
        frame.codec,
        frame.data
    ])?;
    Ok(())
}

/// Takes away what is stored from a place on, where a frame begins.
pub fn cut(conn: &Connection, file: i64, from: u64) -> Result<()> {
    conn.prepare_cached("DELETE FROM frame WHERE file_id = ?1 AND start >= ?2")?
        .execute(params![file, from as i64])?;
    Ok(())
}

/// How many bytes of a file are stored.
pub fn end(conn: &Connection, file: i64) -> Result<u64> {
    let mut last = conn.prepare_cached(
        "SELECT start + len FROM frame WHERE file_id = ?1 ORDER BY start DESC LIMIT 1",
    )?;
    let mut rows = last.query([file])?;
    let end: i64 = rows.next()?.map_or(Ok(0), |r| r.get(0))?;
    Ok(u64::try_from(end).unwrap_or(0))
}

/// Joins the small frames at the end of a file into full ones, once they would fill one, have become many, or are
/// followed by full ones. `true` if it did.
pub fn repack(conn: &Connection, file: i64) -> Result<bool> {
    let Some((from, to)) = tail_to_repack(conn, file)? else {
        return Ok(false);
    };
    let bytes = read(conn, file, from, to - from)?;
    conn.prepare_cached("DELETE FROM frame WHERE file_id = ?1 AND start >= ?2")?
        .execute(params![file, from as i64])?;
    for frame in pack(&bytes, from) {
        insert(conn, file, &frame)?;
    }
    Ok(true)
}

/// The range, up to the end of the file, that is worth packing anew.
fn tail_to_repack(conn: &Connection, file: i64) -> Result<Option<(u64, u64)>> {
    let mut q =
        conn.prepare_cached("SELECT start, len FROM frame WHERE file_id = ?1 ORDER BY start DESC")?;
    let mut rows = q.query([file])?;
    let (mut from, mut to) = (None, 0);
    // Small frames at the very end: how many, how many bytes. Then full ones in a row, going back.
    let (mut small, mut bytes, mut full) = (0, 0, 0);
    let (mut after_is_small, mut closed) = (false, false);
    while let Some(row) = rows.next()? {
        let (start, len): (i64, i64) = (row.get(0)?, row.get(1)?);
        to = to.max(start + len);
        let is_small = len < FRAME as i64 / 2;
        if is_small {
            // Two small ones side by side are never the work of `pack`: they came one by one.
            if after_is_small {
                from = Some(start);
                closed |= full > 0;
            }
            if full == 0 {
                small += 1;
                bytes += len;
            }
        } else {
            full += 1;
            if full > MOST_FULL || from.is_some() {
                break;
            }
        }
        after_is_small = is_small;
    }
    let due = closed || small >= MANY || bytes >= FRAME as i64;
    let range = from.map(|from| (from as u64, to as u64));
    Ok(range.filter(|_| due))
}

/// A frame, unpacked.
pub(super) struct Frame {
    pub start: u64,
    pub bytes: Vec<u8>,
}

fn unpack(file: i64, row: &Row<'_>) -> Result<Frame> {
    let (start, len, codec): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let at = u64::try_from(start).unwrap_or(0);
    let damaged = |why: String| Error::DamagedFrame {
        file,
        start: at,
        why,
    };
    if start < 0 || !(1..=LONGEST).contains(&len) {
        return Err(damaged(format!("{len} bytes at {start}")));
    }
    let codec = u8::try_from(codec).unwrap_or(u8::MAX);
    let data = row.get_ref(3)?.as_blob();
    let data = data.map_err(|e| damaged(e.to_string()))?;
    let bytes = codec::unpack(codec, data, len as u64).map_err(damaged)?;
    Ok(Frame { start: at, bytes })
}

/// The frame that holds a byte of a file.
pub(super) fn frame_at(conn: &Connection, file: i64, at: u64) -> Result<Frame> {
    let mut q = conn.prepare_cached(
        "SELECT start, len, codec, data FROM frame WHERE file_id = ?1 AND start <= ?2 ORDER BY start DESC LIMIT 1",
    )?;
    let mut rows = q.query(params![file, i64::try_from(at).unwrap_or(i64::MAX)])?;
    let row = rows.next()?.ok_or(Error::NotHeld { file, at })?;
    let frame = unpack(file, row)?;
    if at - frame.start >= frame.bytes.len() as u64 {
        return Err(Error::NotHeld { file, at });
    }
    Ok(frame)
}

/// Where the next frame behind `at` starts that can be read; `None` if there is none before `end`.
pub(super) fn next_readable(conn: &Connection, file: i64, at: u64, end: u64) -> Option<u64> {
    let mut q = conn
        .prepare("SELECT start FROM frame WHERE file_id = ?1 AND start > ?2 ORDER BY start LIMIT 1")
        .ok()?;
    let mut at = i64::try_from(at).ok()?;
    loop {
        let start: i64 = q.query_row(params![file, at], |r| r.get(0)).ok()?;
        let next = u64::try_from(start).ok().filter(|next| *next < end)?;
        if frame_at(conn, file, next).is_ok_and(|f| f.start == next) {
            return Some(next);
        }
        at = start;
    }
}

/// Frames that stand for bytes that were lost: a line of zero bytes, which every source calls damaged. What comes
/// behind keeps its offset.
pub(super) fn hole(from: u64, to: u64) -> Vec<Packed> {
    let mut frames = Vec::new();
    let mut at = from;
    while at < to {
        let len = (to - at).min(FRAME as u64) as usize;
        let mut bytes = vec![0; len];
        if at + len as u64 == to {
            bytes[len - 1] = b'\n';
        }
        frames.extend(pack(&bytes, at));
        at += len as u64;
    }
    frames
}

/// Puts a range together from frames, wherever they come from.
pub(super) fn gather(
    file: i64,
    off: u64,
    len: u64,
    mut frame_at: impl FnMut(u64, &mut dyn FnMut(&Frame)) -> Result<()>,
) -> Result<Vec<u8>> {
    let end = off
        .checked_add(len)
        .ok_or(Error::NotHeld { file, at: off })?;
    // Room is taken as frames are found: the length may come from a damaged row.
    let mut bytes = Vec::with_capacity(len.min(FRAME as u64) as usize);
    let mut at = off;
    while at < end {
        frame_at(at, &mut |frame| {
            let from = (at - frame.start) as usize;
            let to = ((end - frame.start) as usize).min(frame.bytes.len());
            bytes.extend_from_slice(&frame.bytes[from..to]);
        })?;
        at = off + bytes.len() as u64;
    }
    Ok(bytes)
}

/// Bytes of a file, across frames.
pub fn read(conn: &Connection, file: i64, off: u64, len: u64) -> Result<Vec<u8>> {
    gather(file, off, len, |at, take| {
        take(&frame_at(conn, file, at)?);
        Ok(())
    })
}

/// Hands over all bytes of a file in order, frame by frame, each with its offset. A frame ends at a line end, but for
/// the last one and those inside a long line.
pub fn stream(
    conn: &Connection,
    file: i64,
    mut take: impl FnMut(u64, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut q = conn.prepare_cached(
        "SELECT start, len, codec, data FROM frame WHERE file_id = ?1 ORDER BY start",
    )?;
    let mut rows = q.query([file])?;
    let mut expected = 0;
    while let Some(row) = rows.next()? {
        let frame = unpack(file, row)?;
        if frame.start != expected {
            return Err(Error::NotHeld { file, at: expected });
        }
        expected += frame.bytes.len() as u64;
        take(frame.start, &frame.bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::Store;

    /// A transcript of `n` lines of very different lengths, one of them longer than a frame.
    fn transcript(n: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for i in 0..n {
            let len = if i == n / 2 {
                FRAME * 2 + 77
            } else {
                (i * 7919) % 5000
            };
            bytes.extend((0..len).map(|k| b'a' + ((i * 31 + k * k) % 26) as u8));
            bytes.push(b'\n');
        }
        bytes
    }

    #[test]
    fn any_range_comes_back_across_frames() {
        let store = Store::open_in_memory().unwrap();
        let bytes = transcript(400);
        append(store.conn(), 1, &pack(&bytes, 0)).unwrap();
        assert_eq!(end(store.conn(), 1).unwrap(), bytes.len() as u64);
        let reader = store.reader().unwrap();
        for i in 0..300 {
            let off = (i * 104_729) % bytes.len();
            let len = ((i * 7_907) % (FRAME * 3)).min(bytes.len() - off);
            let whole = &bytes[off..off + len];
            let (o, l) = (off as u64, len as u64);
            assert_eq!(read(store.conn(), 1, o, l).unwrap(), whole);
            assert_eq!(reader.raw(1, o, l).unwrap(), whole);
        }
        assert!(matches!(
            read(store.conn(), 1, bytes.len() as u64 - 1, 2),
            Err(Error::NotHeld { at, .. }) if at == bytes.len() as u64
        ));
        assert!(read(store.conn(), 1, u64::MAX, 2).is_err());
        assert!(read(store.conn(), 2, 0, 1).is_err());
        assert_eq!(read(store.conn(), 2, 5, 0).unwrap(), b"");
    }

    #[test]
    fn frames_end_at_lines_except_inside_a_long_one() {
        let bytes = transcript(300);
        let frames = pack(&bytes, 1000);
        for f in &frames {
            let (from, to) = (
                f.start as usize - 1000,
                f.start as usize - 1000 + f.len as usize,
            );
            let piece = &bytes[from..to];
            assert!(f.len as usize <= FRAME);
            assert!(piece.ends_with(b"\n") || !piece.contains(&b'\n'));
        }
        assert_eq!(pack(b"", 0), Vec::new());
    }

    #[test]
    fn an_open_tail_is_repacked_and_stays_the_same() {
        let store = Store::open_in_memory().unwrap();
        let bytes = transcript(120);
        let mut at = 0;
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            append(store.conn(), 9, &pack(line, at)).unwrap();
            at += line.len() as u64;
            repack(store.conn(), 9).unwrap();
        }
        let rows: i64 = store
            .conn()
            .query_row("SELECT count(*) FROM frame", [], |r| r.get(0))
            .unwrap();
        assert!(rows < 70, "{rows}");
        let mut all = Vec::new();
        stream(store.conn(), 9, |start, chunk| {
            assert_eq!(start, all.len() as u64);
            all.extend_from_slice(chunk);
            Ok(())
        })
        .unwrap();
        assert_eq!(all, bytes);
    }

    #[test]
    fn what_does_not_follow_is_refused() {
        let store = Store::open_in_memory().unwrap();
        append(store.conn(), 1, &pack(b"one\n", 0)).unwrap();
        for start in [0, 3, 5] {
            let refused = append(store.conn(), 1, &pack(b"two\n", start));
            assert!(matches!(refused, Err(Error::Gap { expected: 4, .. })));
        }
    }

    #[test]
    fn rows_that_lie_are_errors() {
        let store = Store::open_in_memory().unwrap();
        append(store.conn(), 1, &pack(&[b'x'; 4000], 0)).unwrap();
        for lie in [
            "len = -1",
            "len = 4001",
            "len = 99999999999",
            "codec = 5",
            "data = x'00'",
        ] {
            let tx = store.begin().unwrap();
            tx.execute(&format!("UPDATE frame SET {lie}"), []).unwrap();
            assert!(matches!(
                read(&tx, 1, 10, 20),
                Err(Error::DamagedFrame { .. } | Error::NotHeld { .. })
            ));
            assert!(stream(&tx, 1, |_, _| Ok(())).is_err());
        }
    }
}
