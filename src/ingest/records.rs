//! Reading a session that is not a file of growing lines: its records become lines, which are folded like any others.
//!
//! The raw bytes of such a session are the lines of its records, in the order in which they came. At the first read that
//! is the order of the session, and it is folded at once. Later only what is new or was rewritten is added, and the
//! session is folded anew from the newest version of each record (`latest`): what a record was before stays in the store,
//! and so does what its owner deleted.

use std::collections::BTreeMap;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde::{Deserialize, Serialize};

use super::raw::{RawBytes, Room};
use super::read::{self, Folds, PART, Parser, Part};
use super::roots::Roots;
use super::transcript::Place;
use crate::source::lines::LINE_CAP;
use crate::source::{Given, Input, ParseState, record};

/// Which records of a session are stored, and in which version. Stored with the session's file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known(BTreeMap<u64, u64>);

impl Known {
    /// Takes in a version of a record. `false` if it is the one that is stored.
    pub fn take(&mut self, key: &str, line: &[u8]) -> bool {
        let version = hash(line);
        self.0.insert(hash(key.as_bytes()), version) != Some(version)
    }

    /// Whether a record of this key is stored.
    fn has(&self, key: &str) -> bool {
        self.0.contains_key(&hash(key.as_bytes()))
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    u64::from_be_bytes(first)
}

/// What to read.
pub struct Session<'a> {
    /// Its transcript; `from` is the length of the raw bytes that are stored.
    pub place: Place<'a>,
    /// Its name within the input.
    pub name: &'a str,
    /// What of it is stored.
    pub known: Known,
}

/// Reads all records of a session and hands on those that are new, in parts. `each` returns `false` to stop early. The
/// last part has `true`. Folds that saw records out of their order are marked as stale: they are folded anew.
///
/// # Errors
/// If the input cannot be read, or not to its end; what was read until then is handed on.
pub fn session(
    input: &mut dyn Input,
    session: Session<'_>,
    folds: &mut Folds,
    roots: &Roots,
    room: &mut Room,
    each: &mut dyn FnMut(Part, bool, &Folds) -> bool,
) -> Result<()> {
    let Session {
        place: Place {
            path, agent, from, ..
        },
        name,
        mut known,
    } = session;
    let mut parser = Parser::new(agent, path, 0, ParseState::default());
    let mut raw = RawBytes::new(from, room);
    let (mut part, mut end, mut part_from) = (Part::default(), from, from);
    let (mut last, mut stopped) = (String::new(), false);
    let read = input.records(name, &mut |given| {
        let mut line = record::line(&given);
        if line.len() > LINE_CAP {
            // One monster must not take the rest of the session away. A body that is not JSON counts as damaged.
            let body = format!("{} MB are left out", line.len() / 1_000_000);
            line = record::line(&Given {
                body: &body,
                ..given
            });
        }
        let rewritten = known.has(given.key);
        if !known.take(given.key, &line) {
            return Ok(());
        }
        folds.stale |= rewritten || *given.order < *last.as_str();
        last.clear();
        last.push_str(given.order);
        parser.whole_line(end, &line, folds, roots, &mut part.blobs);
        raw.put(&line);
        end += line.len() as u64 + 1;
        raw.pack_full(&mut part.frames);
        if end - part_from >= PART {
            part_from = end;
            raw.pack_to(end, &mut part.frames);
            finish(&mut part, end, &known, folds, roots)?;
            if !each(std::mem::take(&mut part), false, folds) {
                stopped = true;
                return Err(eyre!("stopped"));
            }
        }
        Ok(())
    });
    if stopped {
        return Ok(());
    }
    raw.pack_to(end, &mut part.frames);
    finish(&mut part, end, &known, folds, roots)?;
    // What could not be read to its end is not done with: it must look changed at the next look.
    each(part, read.is_ok(), folds);
    read
}

fn finish(part: &mut Part, to: u64, known: &Known, folds: &mut Folds, roots: &Roots) -> Result<()> {
    part.batches = folds.take(roots)?;
    part.read_to = to;
    part.state = read::carried(known)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_taken_once_and_a_rewritten_record_again() {
        let mut known = Known::default();
        assert!(known.take("a", b"1"));
        assert!(!known.take("a", b"1"));
        assert!(known.take("b", b"1"));
        assert!(known.take("a", b"2"));
        assert!(!known.take("a", b"2"));
        // Back to what it was: the newest version counts, so it is stored once more.
        assert!(known.take("a", b"1"));
    }
}
