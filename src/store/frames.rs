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

/// How many bytes of a file are stored.
pub fn end(conn: &Connection, file: i64) -> Result<u64> {
    let mut last = conn.prepare_cached(
        "SELECT start + len FROM frame WHERE file_id = ?1 ORDER BY start DESC LIMIT 1",
    )?;
    let mut rows = last.query([file])?;
    let end: i64 = rows.next()?.map_or(Ok(0), |r| r.get(0))?;
    Ok(u64::try_from(end).unwrap_or(0))
}

/// Joins the small frames at the end of a file into full ones, once they would fill one or have become many. `true` if
/// it did.
pub fn repack(conn: &Connection, file: i64) -> Result<bool> {
    let small = {
        let mut q = conn.prepare_cached(
            "SELECT start, len FROM frame WHERE file_id = ?1 ORDER BY start DESC",
        )?;
        let mut rows = q.query([file])?;
        let mut small: Vec<(i64, i64)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (start, len): (i64, i64) = (row.get(0)?, row.get(1)?);
            if len >= FRAME as i64 / 2 {
                break;
            }
            small.push((start, len));
        }
        small
    };
    let total: i64 = small.iter().map(|(_, len)| len).sum();
    let Some(&(first, _)) = small.last() else {
        return Ok(false);
    };
    if small.len() < 2 || (total < FRAME as i64 && small.len() < MANY) {
        return Ok(false);
    }
    let (first, total) = (first as u64, total as u64);
    let bytes = read(conn, file, first, total)?;
    conn.prepare_cached("DELETE FROM frame WHERE file_id = ?1 AND start >= ?2")?
        .execute(params![file, first as i64])?;
    for frame in pack(&bytes, first) {
        insert(conn, file, &frame)?;
    }
    Ok(true)
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
