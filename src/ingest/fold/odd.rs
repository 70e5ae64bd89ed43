//! The part of the fold that counts what was not understood: types of records, and fields of records that were. Keeps none of
//! their contents.

use super::Folder;
use crate::source::Event;
use crate::store::rows::Span;

/// What stands before the name of a field that is not known, among the names of records.
pub(super) const FIELD: &str = "field ";

impl Folder {
    /// Counts what was not understood; `false` if it was counted before.
    pub(super) fn unknown(&mut self, place: Span, event: &Event, record: &str) -> bool {
        let key = self.key(
            "unknown",
            event,
            &[record.as_bytes(), &place.len.to_le_bytes()],
        );
        if !self.state.seen.insert(key.hash) {
            return false;
        }
        let version = self.state.session.version.clone().unwrap_or_default();
        match self
            .unknown
            .iter_mut()
            .find(|(v, r, _)| *v == version && r == record)
        {
            Some((_, _, n)) => *n += 1,
            None => self.unknown.push((version, record.to_owned(), 1)),
        }
        true
    }
}
