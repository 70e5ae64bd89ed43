//! Commits by the beginning of their name, as people and programs write it down.

use super::commits::Commit;
use super::objects::{GitError, Kind, Objects, Oid};

/// Fewer digits name nothing: git itself shows at least so many.
const SHORTEST: usize = 7;

impl Objects {
    /// The commit whose name begins so, and the first line of its message; `None` if there is no such commit, or several.
    pub fn commit_named(&self, beginning: &str) -> Result<Option<(Commit, String)>, GitError> {
        let is_hex = beginning.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_hex || !(SHORTEST..=40).contains(&beginning.len()) {
            return Ok(None);
        }
        let mut found: Option<Oid> = None;
        for oid in self.named(&beginning.to_ascii_lowercase())? {
            if !matches!(self.read(&oid)?, Some((Kind::Commit, _))) {
                continue;
            }
            match found {
                Some(other) if other != oid => return Ok(None),
                _ => found = Some(oid),
            }
        }
        let Some(oid) = found else { return Ok(None) };
        Ok(Some((self.commit(&oid)?, self.subject(&oid)?)))
    }

    /// The first line of a commit's message.
    fn subject(&self, oid: &Oid) -> Result<String, GitError> {
        let bytes = self.need(oid, Kind::Commit)?;
        let message = memchr::memmem::find(&bytes, b"\n\n").map_or(&[][..], |at| &bytes[at + 2..]);
        let line = message.split(|b| *b == b'\n').next().unwrap_or_default();
        Ok(String::from_utf8_lossy(line).trim().to_owned())
    }
}
