//! Public ids and content hashes.
//!
//! An id is the first 80 bits of `blake3(agent, session's native id, kind, native key)`, shown as a
//! letter for the kind and 16 letters of base32. It never depends on where a transcript lies or at
//! which byte a record stands, so reading again, in any order, gives the same ids.

use serde::{Deserialize, Serialize};

use super::Agent;

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum IdKind {
    /// A session, shown with `s`.
    Session,
    /// A prompt, shown with `p`.
    Prompt,
    /// A step, shown with `t`.
    Step,
    /// A rewind, revert, undo or redo, shown with `w`.
    Rewind,
}

impl IdKind {
    /// The letter that ids of this kind start with.
    pub fn letter(self) -> char {
        match self {
            IdKind::Session => 's',
            IdKind::Prompt => 'p',
            IdKind::Step => 't',
            IdKind::Rewind => 'w',
        }
    }
}

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The 80 bits of a public id; the kind is known from where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Id(pub [u8; 10]);

impl Id {
    /// The id of a session.
    pub fn session(agent: Agent, native: &str) -> Id {
        Id::of(agent, native, IdKind::Session, "")
    }

    /// The id of a prompt or step of a session, from its native key.
    pub fn of(agent: Agent, session: &str, kind: IdKind, key: &str) -> Id {
        let mut h = blake3::Hasher::new();
        h.update(agent.name().as_bytes());
        h.update(&[0]);
        h.update(session.as_bytes());
        h.update(&[0, kind.letter() as u8, 0]);
        h.update(key.as_bytes());
        let mut id = [0; 10];
        id.copy_from_slice(&h.finalize().as_bytes()[..10]);
        Id(id)
    }

    /// From the bytes of a row; `None` if there are not ten.
    pub fn from_bytes(bytes: &[u8]) -> Option<Id> {
        bytes.try_into().ok().map(Id)
    }

    /// As people see it: the kind's letter and 16 letters.
    pub fn show(&self, kind: IdKind) -> String {
        let mut text = String::with_capacity(17);
        text.push(kind.letter());
        for i in 0..16 {
            text.push(ALPHABET[usize::from(five_bits(&self.0, i))] as char);
        }
        text
    }
}

fn five_bits(bytes: &[u8; 10], index: usize) -> u8 {
    let bit = index * 5;
    let (byte, shift) = (bit / 8, bit % 8);
    let wide = (u16::from(bytes[byte]) << 8) | u16::from(bytes.get(byte + 1).copied().unwrap_or(0));
    ((wide >> (11 - shift)) & 31) as u8
}

/// A beginning of an id as a user types it: the kind, and the range of ids that start so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdPrefix {
    /// What the letter says.
    pub kind: IdKind,
    /// The smallest id with this beginning.
    pub low: Id,
    /// The largest id with this beginning.
    pub high: Id,
}

impl IdPrefix {
    /// Reads a prefix of at least four characters, letter included; `None` if it cannot be one.
    pub fn parse(text: &str) -> Option<IdPrefix> {
        let mut chars = text.chars();
        let kind = match chars.next()? {
            's' => IdKind::Session,
            'p' => IdKind::Prompt,
            't' => IdKind::Step,
            'w' => IdKind::Rewind,
            _ => return None,
        };
        let rest = chars.as_str();
        if rest.len() < 3 || rest.len() > 16 {
            return None;
        }
        let (mut low, mut high) = ([0u8; 10], [0u8; 10]);
        for i in 0..16 {
            let (l, h) = match rest.as_bytes().get(i) {
                Some(c) => {
                    let v = ALPHABET.iter().position(|a| a == c)? as u8;
                    (v, v)
                }
                None => (0, 31),
            };
            for k in 0..5 {
                let (bit, mask) = (i * 5 + k, 1 << (4 - k));
                low[bit / 8] |= u8::from(l & mask != 0) << (7 - bit % 8);
                high[bit / 8] |= u8::from(h & mask != 0) << (7 - bit % 8);
            }
        }
        Some(IdPrefix {
            kind,
            low: Id(low),
            high: Id(high),
        })
    }
}

/// How a row remembers the native key of its record (a call's id, else the record's own key): for looking it up, not for
/// showing it.
pub fn key_hash(native: &str) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(native.as_bytes()).as_bytes()[..8]);
    i64::from_be_bytes(first)
}

/// The BLAKE3 hash of a content; how contents are named in the store and in `--json`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlobHash(pub [u8; 32]);

impl BlobHash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> BlobHash {
        BlobHash(*blake3::hash(bytes).as_bytes())
    }

    /// 64 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        blake3::Hash::from(self.0).to_hex().to_string()
    }
}

impl std::fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BlobHash({})", &self.hex()[..12])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_of_an_id_finds_it() {
        for n in 0..200u32 {
            let id = Id::of(Agent::Claude, "session", IdKind::Step, &n.to_string());
            let shown = id.show(IdKind::Step);
            assert_eq!(shown.len(), 17);
            for len in 4..=17 {
                let p = IdPrefix::parse(&shown[..len]).expect("a prefix");
                assert_eq!(p.kind, IdKind::Step);
                assert!(p.low <= id && id <= p.high);
            }
            let whole = IdPrefix::parse(&shown).expect("an id");
            assert_eq!((whole.low, whole.high), (id, id));
        }
    }

    #[test]
    fn what_cannot_be_an_id_is_refused() {
        for text in [
            "",
            "t",
            "tab",
            "xabcd",
            "tab1d",
            "tABCD",
            "tabcdefghijklmnopq",
            "téé",
        ] {
            assert_eq!(IdPrefix::parse(text), None, "{text}");
        }
    }
}
