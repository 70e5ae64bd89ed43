//! Commits: their time, their first parent, and which content a path has in them.

use super::objects::{GitError, Kind, Mode, Objects, Oid, entry, header_oid};

/// What is told of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub oid: Oid,
    /// Its root folder.
    pub tree: Oid,
    /// The first of the commits that it was made on.
    pub parent: Option<Oid>,
    /// When it was made, in seconds since 1970.
    pub time: i64,
}

impl Objects {
    /// Reads a commit. [`GitError::CommitNotHere`] where a shallow clone ends.
    pub fn commit(&self, oid: &Oid) -> Result<Commit, GitError> {
        let (kind, bytes) = self.read(oid)?.ok_or(GitError::CommitNotHere(*oid))?;
        if kind != Kind::Commit {
            return Err(GitError::Damaged(format!("{oid} is a {}", kind.word())));
        }
        let tree = header_oid(&bytes, b"tree ", oid)?;
        let (mut parent, mut time) = (None, 0);
        // Headers end at the first empty line; what follows are the person's words.
        for line in bytes.split(|b| *b == b'\n').take_while(|l| !l.is_empty()) {
            if parent.is_none() && line.starts_with(b"parent ") {
                parent = Some(header_oid(line, b"parent ", oid)?);
            } else if line.starts_with(b"committer ") {
                let words = String::from_utf8_lossy(line);
                let seconds = words.rsplit(' ').nth(1).and_then(|s| s.parse().ok());
                time =
                    seconds.ok_or_else(|| GitError::Damaged(format!("{oid} does not say when")))?;
            }
        }
        Ok(Commit {
            oid: *oid,
            tree,
            parent,
            time,
        })
    }

    /// Which content a path has below a tree; `None` if there is no such file.
    pub fn file_in(&self, tree: &Oid, path: &[u8]) -> Result<Option<Oid>, GitError> {
        let mut at = *tree;
        let mut parts = path
            .split(|b| *b == b'/')
            .filter(|p| !p.is_empty())
            .peekable();
        while let Some(part) = parts.next() {
            match (entry(&self.need(&at, Kind::Tree)?, part)?, parts.peek()) {
                (Some((Mode::Tree, oid)), Some(_)) => at = oid,
                (Some((Mode::File, oid)), None) => return Ok(Some(oid)),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// A file's content by its name.
    pub fn content(&self, oid: &Oid) -> Result<Vec<u8>, GitError> {
        self.need(oid, Kind::Blob)
    }
}
