//! Which names an ignore rule covers: `.gitignore` and `.regentignore` of each folder, and git's `info/exclude`. With or
//! without a repository. The rules choose what is captured, never what is deleted.

use std::collections::BTreeMap;
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
#[derive(Debug)]
struct Level {
    /// Bytes of the folder's path with the slash behind it.
    skip: usize,
    git: Gitignore,
    ours: Gitignore,
}

/// The rules that hold in a folder: its own and those of the folders around it.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    levels: Vec<Arc<Level>>,
    exclude: Option<Arc<Gitignore>>,
    /// Lines of this folder's own files that are no patterns, with the place of each.
    pub bad: Vec<String>,
}

/// A file of rules that cannot be read: then nothing can be said of the folder.
#[derive(Debug)]
pub struct Unreadable;

/// What files of rules are to be taken to hold, by path; `None`: they are not there.
pub type Instead = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl Rules {
    /// The rules of the topmost folder's surroundings.
    pub fn around(root: &Root) -> Rules {
        let mut rules = Rules::default();
        let exclude = git::discover(root.place())
            .and_then(|repo| std::fs::read(repo.common_dir.join("info/exclude")).ok());
        if let Some(text) = exclude {
            let (parsed, bad) = parse(&text, b".git/info/exclude");
            rules.exclude = Some(Arc::new(parsed));
            rules.bad = bad;
        }
        rules
    }

    /// The rules within a folder. `has`: whether a file of rules may be there, for who listed it already.
    pub fn enter(
        &self,
        folder: &Folder,
        has: impl Fn(&[u8]) -> bool,
    ) -> Result<Result<Rules, Unreadable>> {
        self.enter_with(folder, &Instead::new(), has)
    }

    fn enter_with(
        &self,
        folder: &Folder,
        instead: &Instead,
        has: impl Fn(&[u8]) -> bool,
    ) -> Result<Result<Rules, Unreadable>> {
        let mut inner = self.clone();
        inner.bad.clear();
        let mut own = [None, None];
        for (name, rules) in [GIT, OURS].into_iter().zip(&mut own) {
            if !has(name) {
                continue;
            }
            match file(folder, name, instead)? {
                Ok(Some((parsed, bad))) => {
                    *rules = Some(parsed);
                    inner.bad.extend(bad);
                }
                Ok(None) => {}
                Err(e) => return Ok(Err(e)),
            }
        }
        let [git, ours] = own;
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

type Parsed = (Gitignore, Vec<String>);

fn file(
    folder: &Folder,
    name: &[u8],
    instead: &Instead,
) -> Result<Result<Option<Parsed>, Unreadable>> {
    let path = folder.join(name);
    if let Some(text) = instead.get(&path) {
        return Ok(Ok(text.as_ref().map(|text| parse(text, &path))));
    }
    let seen = folder.see(name, LARGEST)?;
    Ok(match (seen.node, seen.bytes) {
        (Node::Absent, _) => Ok(None),
        (Node::File { .. }, Some(text)) => Ok(Some(parse(&text, &path))),
        // git follows no link here either.
        (Node::Link { .. } | Node::Dir { .. }, _) => Ok(None),
        _ => Err(Unreadable),
    })
}

/// A line that is no pattern is passed by, as git does; but it is said: what it was to keep out is let in.
fn parse(text: &[u8], path: &[u8]) -> Parsed {
    let mut builder = GitignoreBuilder::new("");
    let mut bad = Vec::new();
    let text = String::from_utf8_lossy(text);
    for (no, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if builder.add_line(None, line).is_err() {
            let path = String::from_utf8_lossy(path);
            bad.push(format!("{path}:{} `{line}`", no + 1));
        }
    }
    match builder.build() {
        Ok(rules) => (rules, bad),
        Err(_) => {
            bad.push(format!("{} as a whole", String::from_utf8_lossy(path)));
            (Gitignore::empty(), bad)
        }
    }
}

/// Whether a name is that of a file of rules.
pub fn is_rules(rel: &[u8]) -> bool {
    let name = rel.rsplit(|b| *b == b'/').next().unwrap_or(rel);
    name == GIT || name == OURS
}

/// Which paths are ignored, as the rules on the disk are now, or with others instead. The rules of each folder are read
/// once, however many paths are asked about.
pub struct Ignored<'a> {
    root: &'a Root,
    instead: &'a Instead,
    folders: BTreeMap<Vec<u8>, Standing>,
}

/// How a folder stands to the rules.
#[derive(Clone)]
enum Standing {
    /// It is ignored itself, or lies in such a folder; or its rules cannot be read.
    Covered,
    /// These hold in it.
    Under(Rules),
}

impl<'a> Ignored<'a> {
    /// By the rules of a work folder.
    pub fn of(root: &'a Root, instead: &'a Instead) -> Ignored<'a> {
        let mut folders = BTreeMap::new();
        let top = match root.folder(b"") {
            Ok(Some(top)) => enter(&top, Rules::around(root), instead),
            _ => Standing::Covered,
        };
        folders.insert(Vec::new(), top);
        Ignored {
            root,
            instead,
            folders,
        }
    }

    /// Whether a path, or a folder on the way to it, is ignored. What cannot be found out counts as ignored: such a path
    /// is only touched when it is named.
    pub fn covers(&mut self, rel: &Rel) -> bool {
        let parent = rel.parent();
        if !self.folders.contains_key(parent) {
            let mut above: &[u8] = b"";
            for path in rel.ancestors() {
                if !self.folders.contains_key(path) {
                    let standing = self.below(above, path);
                    self.folders.insert(path.to_vec(), standing);
                }
                above = path;
            }
        }
        match self.folders.get(parent) {
            Some(Standing::Under(rules)) => rules.ignores(rel.bytes(), false),
            _ => true,
        }
    }

    /// How a folder stands, from how the one around it does.
    fn below(&self, above: &[u8], path: &[u8]) -> Standing {
        let Some(Standing::Under(rules)) = self.folders.get(above) else {
            return Standing::Covered;
        };
        if rules.ignores(path, true) {
            return Standing::Covered;
        }
        match self.root.folder(path) {
            Ok(Some(folder)) => enter(&folder, rules.clone(), self.instead),
            // What is not there has no rules of its own.
            _ => Standing::Under(rules.clone()),
        }
    }
}

fn enter(folder: &Folder, rules: Rules, instead: &Instead) -> Standing {
    match rules.enter_with(folder, instead, |_| true) {
        Ok(Ok(inner)) => Standing::Under(inner),
        _ => Standing::Covered,
    }
}
