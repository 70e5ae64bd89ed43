//! Texts whose line ends or byte-order mark were lost on the way into the record. Pure.

use super::verdict::{Input, Undone};
use crate::model::{BlobHash, Node};
use crate::query::past::Past;

/// Records lose line ends and byte-order marks. If the disk holds what was left but for those, then what it was before
/// is known if the same text with the disk's own line ends was ever seen. `None`: that is not the matter here.
pub(super) fn line_ends(input: &Input<'_>, undone: &Undone<'_>) -> Option<Option<(Node, Vec<u8>)>> {
    let (Past::File(left, _), Past::File(before, _)) = (undone.left, undone.before) else {
        return None;
    };
    let (now, Node::File { mode, .. }) = (input.now.bytes.as_ref()?, &input.now.node) else {
        return None;
    };
    let left = (input.contents)(left)?;
    if bare(now) != bare(&left) || undone.between.is_some() {
        return None;
    }
    let was = (input.contents)(before)?;
    let mut dressed = Vec::with_capacity(was.len());
    if now.starts_with(BOM) {
        dressed.extend_from_slice(BOM);
    }
    let all_crlf = now.iter().filter(|b| **b == b'\n').count()
        == now.windows(2).filter(|w| w == b"\r\n").count();
    for byte in bare(&was) {
        if byte == b'\n' && all_crlf {
            dressed.push(b'\r');
        }
        dressed.push(byte);
    }
    let hash = BlobHash::of(&dressed);
    let size = dressed.len() as u64;
    let seen = (input.contents)(&hash).is_some();
    Some(seen.then_some((
        Node::File {
            hash,
            size,
            mode: *mode,
        },
        dressed,
    )))
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Without byte-order mark and carriage returns at line ends.
fn bare(text: &[u8]) -> Vec<u8> {
    let text = text.strip_prefix(BOM).unwrap_or(text);
    let mut out = Vec::with_capacity(text.len());
    for (i, byte) in text.iter().enumerate() {
        if *byte != b'\r' || text.get(i + 1) != Some(&b'\n') {
            out.push(*byte);
        }
    }
    out
}
