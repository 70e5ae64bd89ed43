//! What of a text goes to the full text: each word once.
//!
//! The index keeps which words a column of a row holds, neither how often nor where. Words that come again cost the
//! writer time and leave nothing behind, so they are left out here, by the workers.

/// Below this a text is not worth looking through.
const SHORT: usize = 48;
/// Places in which words are remembered, at most.
const PLACES: usize = 4096;
/// The bytes that part words.
const PARTS: [bool; 256] = {
    let mut parts = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        parts[byte] = !(byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    parts
};

/// The words of a text, each once as far as it is easily seen (case apart, in ASCII), parted by spaces.
///
/// The index's tokenizer cuts at every ASCII character that is no letter or digit, so what stands between two of those
/// can be taken by itself: it gives the same tokens wherever it stands.
pub(super) fn distinct(text: &str) -> String {
    if text.len() < SHORT {
        return text.to_owned();
    }
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    // Where the last word of this hash starts in `out`, and one more. A word that loses its place to another may come
    // twice: that costs a little and changes nothing.
    let mut places = vec![0u32; (text.len() / 4).next_power_of_two().min(PLACES)];
    let mask = places.len() - 1;
    for word in text.as_bytes().split(|b| PARTS[usize::from(*b)]) {
        if word.is_empty() {
            continue;
        }
        let start = out.len();
        out.extend_from_slice(word);
        out[start..].make_ascii_lowercase();
        let place = &mut places[hash(&out[start..]) & mask];
        let known = place.checked_sub(1).map(|at| at as usize);
        let again = known.is_some_and(|at| {
            out[at..start]
                .strip_prefix(&out[start..])
                .and_then(<[u8]>::first)
                == Some(&b' ')
        });
        if again {
            out.truncate(start);
        } else {
            *place = u32::try_from(start + 1).unwrap_or(0);
            out.push(b' ');
        }
    }
    // Cut at ASCII characters only, so it is text as before.
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// Eight bytes at a time; how well it spreads only decides how many words come twice.
fn hash(word: &[u8]) -> usize {
    let mut hash = word.len() as u64;
    for piece in word.chunks(8) {
        let mut bytes = [0; 8];
        bytes[..piece.len()].copy_from_slice(piece);
        hash = (hash ^ u64::from_le_bytes(bytes)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 32;
    }
    hash as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn words(text: &str) -> BTreeSet<String> {
        text.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric())
            .filter(|w| !w.is_empty())
            .map(str::to_ascii_lowercase)
            .collect()
    }

    #[test]
    fn every_word_stays_and_comes_once() {
        let long = (0..9000)
            .map(|i| format!("w{} ", i % 5000))
            .collect::<String>();
        for text in [
            "",
            "short",
            "fn retry(retry: Retry) -> Retry { retry.retry(RETRY) } // über ÜBER na\u{ef}ve e\u{301}t\u{e9} 数字 数字",
            "a ab abc a ab abc abcd ab a  a,b;ab\0abc\tabc   abcdefghijklmnopqrstuvwxyz",
            &long,
        ] {
            let once = distinct(text);
            assert_eq!(words(&once), words(text));
        }
        let once = distinct(&"the same words again and again ".repeat(50));
        assert_eq!(once, "the same words again and ");
    }
}
