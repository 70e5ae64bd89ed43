//! What is checked out: `HEAD`, followed through loose and packed refs.

use std::io::{BufRead, BufReader};
use std::path::Path;

use super::Repository;
use super::discover::{read_small, trim_line};

/// What a worktree has checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The branch's short name; `None` if the head is detached.
    pub branch: Option<String>,
    /// The commit in hexadecimal; `None` on a branch that has no commit yet.
    pub commit: Option<String>,
}

/// Symbolic refs may point to symbolic refs; git stops at five as well.
const MAX_HOPS: usize = 5;

impl Repository {
    /// What this worktree has checked out; `None` if `HEAD` cannot be read or says nothing sensible.
    pub fn head(&self) -> Option<Head> {
        let mut text = read_ref(&self.git_dir, "HEAD")?;
        let mut branch = None;
        for _ in 0..MAX_HOPS {
            let Some(name) = text.strip_prefix("ref:").map(str::trim) else {
                return is_hex(&text).then_some(Head {
                    branch,
                    commit: Some(text),
                });
            };
            // `.invalid` stands in a repository that keeps its refs in tables, which are not read.
            if !is_ref_name(name) || name == "refs/heads/.invalid" {
                return None;
            }
            let name = name.to_owned();
            branch = Some(name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned());
            match self.resolve(&name) {
                Some(next) => text = next,
                None => {
                    return Some(Head {
                        branch,
                        commit: None,
                    });
                }
            }
        }
        None
    }

    /// A ref's text: of this worktree, of all, then from the packed ones.
    fn resolve(&self, name: &str) -> Option<String> {
        read_ref(&self.git_dir, name)
            .or_else(|| read_ref(&self.common_dir, name))
            .or_else(|| packed_ref(&self.common_dir.join("packed-refs"), name))
    }
}

fn read_ref(dir: &Path, name: &str) -> Option<String> {
    let bytes = read_small(&dir.join(name))?;
    let text = std::str::from_utf8(trim_line(&bytes)).ok()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// `packed-refs` may be large: it is read line by line.
fn packed_ref(path: &Path, name: &str) -> Option<String> {
    let mut reader = BufReader::new(std::fs::File::open(path).ok()?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        let Ok(text) = std::str::from_utf8(trim_line(&line)) else {
            continue;
        };
        if let Some((commit, at)) = text.split_once(' ')
            && at == name
            && is_hex(commit)
        {
            return Some(commit.to_owned());
        }
    }
}

fn is_hex(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A ref's name becomes part of a path, so it must not lead out of the git folder.
fn is_ref_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('/')
        && !name.contains('\0')
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}
