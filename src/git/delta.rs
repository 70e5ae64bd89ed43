//! Applying git's deltas: copies from a base and inserted bytes.

/// Why a delta could not be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Error {
    /// The result would have this many bytes.
    TooLarge(u64),
    /// It makes no sense.
    Damaged(&'static str),
}

impl From<&'static str> for Error {
    fn from(why: &'static str) -> Error {
        Error::Damaged(why)
    }
}

/// Applies `delta` to `base`. Every length is checked; `limit` bounds the result.
pub(super) fn apply(base: &[u8], delta: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
    let mut at = 0;
    let base_size = size(delta, &mut at)?;
    let result_size = size(delta, &mut at)?;
    if base_size != base.len() as u64 {
        return Err(Error::Damaged("a delta does not fit its base"));
    }
    if result_size > limit as u64 {
        return Err(Error::TooLarge(result_size));
    }
    let result_size = result_size as usize;
    let mut out = Vec::with_capacity(result_size);
    while at < delta.len() {
        let op = delta[at];
        at += 1;
        let piece = if op & 0x80 != 0 {
            let (offset, length) = copy_range(op, delta, &mut at)?;
            offset
                .checked_add(length)
                .and_then(|end| base.get(offset..end))
                .ok_or("a delta copies from outside its base")?
        } else if op == 0 {
            return Err(Error::Damaged("a delta has an unknown instruction"));
        } else {
            let piece = delta
                .get(at..at + usize::from(op))
                .ok_or("a delta ends early")?;
            at += usize::from(op);
            piece
        };
        if out.len() + piece.len() > result_size {
            return Err(Error::Damaged("a delta gives more than it says"));
        }
        out.extend_from_slice(piece);
    }
    if out.len() != result_size {
        return Err(Error::Damaged("a delta gives less than it says"));
    }
    Ok(out)
}

/// The offset and length of a copy: only the bytes whose bits are set are present.
fn copy_range(op: u8, delta: &[u8], at: &mut usize) -> Result<(usize, usize), Error> {
    let mut take = |bits: std::ops::Range<u8>| -> Result<usize, Error> {
        let mut value = 0usize;
        for (shift, bit) in bits.enumerate() {
            if op & (1 << bit) != 0 {
                let byte = *delta.get(*at).ok_or("a delta ends early")?;
                *at += 1;
                value |= usize::from(byte) << (8 * shift);
            }
        }
        Ok(value)
    };
    let offset = take(0..4)?;
    let length = take(4..7)?;
    Ok((offset, if length == 0 { 0x10000 } else { length }))
}

/// A size in seven bits a byte, the lowest first.
fn size(delta: &[u8], at: &mut usize) -> Result<u64, Error> {
    let mut value = 0u64;
    for shift in (0..63).step_by(7) {
        let byte = *delta.get(*at).ok_or("a delta ends early")?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Error::Damaged("a delta gives a size beyond measure"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn copies_and_inserts() {
        // Base 11 bytes, result 8: copy 5 from 6, insert "!!?".
        let delta = [11, 8, 0x80 | 0x01 | 0x10, 6, 5, 3, b'!', b'!', b'?'];
        assert_eq!(apply(b"hello world", &delta, 100), Ok(b"world!!?".to_vec()));
        assert!(apply(b"hello", &delta, 100).is_err());
        assert!(apply(b"hello world", &delta, 7).is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(base: Vec<u8>, delta: Vec<u8>) {
            let _ = apply(&base, &delta, 1 << 20);
            let mut fitting = vec![(base.len() & 0x7f) as u8];
            fitting.extend(delta);
            let _ = apply(&base[..base.len() & 0x7f], &fitting, 1 << 20);
        }
    }
}
