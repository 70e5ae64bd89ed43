//! How bytes stand in a row: plain or zstd, with a bound on what a row may unfold to.

use std::cell::RefCell;
use std::io::Read;

use zstd::bulk::{Compressor, Decompressor};

/// As they are.
pub const PLAIN: u8 = 0;
/// zstd.
pub const ZSTD: u8 = 1;

/// For transcripts: half again as fast as level 3 for a sixth more space.
const LEVEL: i32 = 1;
/// For contents, which are many and small: a third less work for a third more space.
const LIGHT: i32 = -2;
/// Up to here, room for what a row unfolds to is taken at once: it is no more than a reader holds anyway.
const AT_ONCE: u64 = 4 << 20;
/// More room than this is given back after a large content.
const MOST_ROOM: usize = 1 << 20;

thread_local! {
    // Made once for each thread: to set one up costs as much as to pack some kilobytes.
    static PACKER: RefCell<Packer> = const { RefCell::new(Packer::new(LEVEL)) };
    static LIGHT_PACKER: RefCell<Packer> = const { RefCell::new(Packer::new(LIGHT)) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Packs bytes one after the other, into room that stays.
struct Packer {
    level: i32,
    zstd: Option<Compressor<'static>>,
    room: Vec<u8>,
}

impl Packer {
    const fn new(level: i32) -> Packer {
        Packer {
            level,
            zstd: None,
            room: Vec::new(),
        }
    }

    fn pack(&mut self, bytes: &[u8]) -> std::io::Result<&[u8]> {
        let zstd = match &mut self.zstd {
            Some(zstd) => zstd,
            none => {
                let mut new = Compressor::new(self.level)?;
                new.include_checksum(true)?;
                none.insert(new)
            }
        };
        if self.room.capacity() > MOST_ROOM {
            self.room = Vec::new();
        }
        self.room.clear();
        self.room
            .reserve(zstd::zstd_safe::compress_bound(bytes.len()));
        zstd.compress_to_buffer(bytes, &mut self.room)?;
        Ok(&self.room)
    }
}

/// Packs bytes with a checksum, which [`unpack`] verifies.
pub(super) fn pack(bytes: &[u8]) -> (u8, Vec<u8>) {
    PACKER.with_borrow_mut(|packer| match packer.pack(bytes) {
        Ok(packed) => (ZSTD, packed.to_vec()),
        Err(_) => (PLAIN, bytes.to_vec()),
    })
}

/// Packs what is nobody's content: the state of a fold. It is plain zstd, with a checksum.
pub(crate) fn squeeze(bytes: &[u8]) -> Vec<u8> {
    pack(bytes).1
}

/// Packs bytes the shorter way, for those whose hash is kept beside them.
pub(super) fn pack_shortest(bytes: &[u8]) -> (u8, Vec<u8>) {
    LIGHT_PACKER.with_borrow_mut(|packer| match packer.pack(bytes) {
        Ok(packed) if packed.len() < bytes.len() => (ZSTD, packed.to_vec()),
        _ => (PLAIN, bytes.to_vec()),
    })
}

/// The bytes of a row that says it holds `len` of them. Never unfolds more than that, whatever the row holds.
pub(super) fn unpack(codec: u8, data: &[u8], len: u64) -> Result<Vec<u8>, String> {
    let bytes = match codec {
        PLAIN => Ok(data.to_vec()),
        ZSTD if len <= AT_ONCE => unpack_at_once(data, len as usize),
        ZSTD => {
            // The length is foreign until it is reached: room is taken as bytes come.
            let mut bytes = Vec::new();
            zstd::Decoder::with_buffer(data)
                .and_then(|d| d.take(len.saturating_add(1)).read_to_end(&mut bytes))
                .map(|_| bytes)
        }
        other => return Err(format!("packed in an unknown way ({other})")),
    };
    let bytes = bytes.map_err(|e| format!("cannot be unpacked: {e}"))?;
    if bytes.len() as u64 == len {
        Ok(bytes)
    } else {
        Err(format!("{} bytes where {len} should be", bytes.len()))
    }
}

fn unpack_at_once(data: &[u8], len: usize) -> std::io::Result<Vec<u8>> {
    UNPACKER.with_borrow_mut(|unpacker| {
        if unpacker.is_none() {
            *unpacker = Some(Decompressor::new()?);
        }
        match unpacker {
            Some(unpacker) => unpacker.decompress(data, len),
            None => Err(std::io::ErrorKind::OutOfMemory.into()),
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        for len in [0usize, 1, 127, 128, 5000, 300_000, 5 << 20] {
            let bytes: Vec<u8> = (0..len).map(|i| (i % 7) as u8).collect();
            for (codec, data) in [pack(&bytes), pack_shortest(&bytes)] {
                assert_eq!(unpack(codec, &data, len as u64).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn a_bomb_stops_at_what_the_row_says() {
        let data = zstd::bulk::compress(&vec![0u8; 64 << 20], 1).unwrap();
        assert!(unpack(ZSTD, &data, 1000).is_err());
        assert!(unpack(ZSTD, &data, u64::MAX).is_err());
        assert!(unpack(7, b"x", 1).is_err());
        assert!(unpack(ZSTD, b"not zstd", 8).is_err());
    }
}
