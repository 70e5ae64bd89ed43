//! Which names an ignore rule covers: `.gitignore` and `.regentignore` of each folder, and git's `info/exclude`. With or
//! without a repository. The rules choose what is captured, never what is deleted.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::fsx::{Folder, Rel, Result, Root};
use crate::git;
use crate::model::Node;

/// A larger file of rules is none.
const LARGEST: u64 = 1 << 20;
const GIT: &[u8] = b".gitignore";
const OURS: &[u8] = b".regentignore";

/// The rules of one folder.
struct Level {
    /// Bytes of the folder's path with the slash behind it.
    skip: usize,
    git: Gitignore,
    ours: Gitignore,
}

/// The rules that hold in a folder: its own and those of the folders around it.
#[derive(Clone, Default)]
pub struct Rules {
    levels: Vec<Arc<Level>>,
    exclude: Option<Arc<Gitignore>>,
}

/// A file of rules that cannot be read: then nothing can be said of the folder.
#[derive(Debug)]
pub struct Unreadable;

impl Rules {
    /// The rules of the topmost folder's surroundings.
    pub fn around(root: &Root) -> Rules {
        let exclude = git::discover(root.place())
            .and_then(|repo| std::fs::read(repo.common_dir.join("info/exclude")).ok())
            .map(|text| Arc::new(parse(&text)));
        Rules {
            levels: Vec::new(),
            exclude,
        }
    }

    /// The rules within a folder. `has`: whether a file of rules may be there, for who listed it already.
    pub fn enter(
        &self,
        folder: &Folder,
        has: impl Fn(&[u8]) -> bool,
    ) -> Result<Result<Rules, Unreadable>> {
        let file = |name: &[u8]| match has(name) {
            true => file(folder, name),
            false => Ok(Ok(None)),
        };
        let git = match file(GIT)? {
            Ok(rules) => rules,
            Err(e) => return Ok(Err(e)),
        };
        let ours = match file(OURS)? {
            Ok(rules) => rules,
            Err(e) => return Ok(Err(e)),
        };
        let mut inner = self.clone();
        if git.is_some() || ours.is_some() {
            let skip = folder.path().len() + usize::from(!folder.path().is_empty());
            inner.levels.push(Arc::new(Level {
                skip,
                git: git.unwrap_or_else(Gitignore::empty),
                ours: ours.unwrap_or_else(Gitignore::empty),
            }));
        }
        Ok(Ok(inner))
    }

    /// Whether a path in the folder is ignored.
    pub fn ignores(&self, path: &[u8], is_dir: bool) -> bool {
        let tail = |level: &Level| {
            path.get(level.skip..)
                .map(|p| Path::new(OsStr::from_bytes(p)))
        };
        let mut said = None;
        for level in self.levels.iter().rev() {
            let answer = tail(level).map(|p| level.ours.matched(p, is_dir));
            said = said.or(answer.filter(|m| !m.is_none()).map(|m| m.is_ignore()));
        }
        for level in self.levels.iter().rev() {
            let answer = tail(level).map(|p| level.git.matched(p, is_dir));
            said = said.or(answer.filter(|m| !m.is_none()).map(|m| m.is_ignore()));
        }
        let whole = Path::new(OsStr::from_bytes(path));
        said.unwrap_or_else(|| {
            self.exclude
                .as_ref()
                .is_some_and(|e| e.matched(whole, is_dir).is_ignore())
        })
    }
}

fn file(folder: &Folder, name: &[u8]) -> Result<Result<Option<Gitignore>, Unreadable>> {
    let seen = folder.see(name, LARGEST)?;
    Ok(match (seen.node, seen.bytes) {
        (Node::Absent, _) => Ok(None),
        (Node::File { .. }, Some(text)) => Ok(Some(parse(&text))),
        // git follows no link here either.
        (Node::Link { .. } | Node::Dir { .. }, _) => Ok(None),
        _ => Err(Unreadable),
    })
}

/// A line that is no pattern is passed by, as git does.
fn parse(text: &[u8]) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    let text = String::from_utf8_lossy(text);
    for line in text.trim_start_matches('\u{feff}').lines() {
        let _ = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// Whether a path, or a folder on the way to it, is ignored as the rules on the disk are now. What cannot be found out
/// counts as ignored: such a path is only touched when it is named.
pub fn is_ignored(root: &Root, rel: &Rel) -> bool {
    let mut rules = Rules::around(root);
    let folders = std::iter::once(&b""[..]).chain(rel.ancestors());
    for path in folders {
        if !path.is_empty() && rules.ignores(path, true) {
            return true;
        }
        let Ok(Some(folder)) = root.folder(path) else {
            break;
        };
        match rules.enter(&folder, |_| true) {
            Ok(Ok(inner)) => rules = inner,
            _ => return true,
        }
    }
    rules.ignores(rel.bytes(), false)
}
