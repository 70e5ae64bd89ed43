//! How bytes stand in a row: plain or zstd, with a bound on what a row may unfold to.

use std::io::Read;

/// As they are.
pub const PLAIN: u8 = 0;
/// zstd, level 1: on transcripts half again as fast as level 3 for a sixth more space.
pub const ZSTD: u8 = 1;

const LEVEL: i32 = 1;
/// Shorter than this, a zstd header is not worth it.
const WORTH: usize = 128;

/// Packs bytes the shorter way.
pub(super) fn pack(bytes: &[u8]) -> (u8, Vec<u8>) {
    if bytes.len() >= WORTH
        && let Ok(packed) = zstd::bulk::compress(bytes, LEVEL)
        && packed.len() < bytes.len()
    {
        return (ZSTD, packed);
    }
    (PLAIN, bytes.to_vec())
}

/// The bytes of a row that says it holds `len` of them. Never unfolds more than that, whatever the row holds.
pub(super) fn unpack(codec: u8, data: &[u8], len: u64) -> Result<Vec<u8>, String> {
    let bytes = match codec {
        PLAIN => data.to_vec(),
        ZSTD => {
            // The length is foreign until it is reached: room is taken as bytes come, not up front.
            let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0).min(1 << 20));
            zstd::Decoder::with_buffer(data)
                .and_then(|d| d.take(len.saturating_add(1)).read_to_end(&mut bytes))
                .map_err(|e| format!("cannot be unpacked: {e}"))?;
            bytes
        }
        other => return Err(format!("packed in an unknown way ({other})")),
    };
    if bytes.len() as u64 == len {
        Ok(bytes)
    } else {
        Err(format!("{} bytes where {len} should be", bytes.len()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        for len in [0usize, 1, 127, 128, 5000, 300_000] {
            let bytes: Vec<u8> = (0..len).map(|i| (i % 7) as u8).collect();
            let (codec, data) = pack(&bytes);
            assert_eq!(unpack(codec, &data, len as u64).unwrap(), bytes);
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
