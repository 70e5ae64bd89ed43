//! Walking the work folder: names and what they are. Contents are read afterwards, by workers.

use super::rules::Rules;
use crate::fsx::{Folder, Kind, Look, Result, Root, Why, is_guarded};
use crate::model::{Node, Unread};

/// Deeper folders are recorded as not read.
const DEEPEST: usize = 300;

/// A folder that was walked.
pub(super) struct Dir {
    /// Relative to the root.
    pub path: Vec<u8>,
    /// Its names, sorted.
    pub names: Vec<Name>,
}

/// A name in a folder.
pub(super) struct Name {
    pub name: Vec<u8>,
    pub what: What,
}

/// What a name is.
pub(super) enum What {
    /// Known already.
    Node(Node),
    /// A folder, with its index.
    Dir(u32, usize),
    /// A regular file, to be read.
    File(Look),
}

/// All folders, every one behind the folders in it; the last is the root.
pub(super) struct Walked {
    pub dirs: Vec<Dir>,
    /// What is there and was not read, with the reason.
    pub unread: Vec<(Vec<u8>, String)>,
    /// Lines of ignore files that are no patterns.
    pub bad_rules: Vec<String>,
}

/// Walks the tree.
pub(super) fn walk(root: &Root, cap: u64) -> Result<Walked> {
    let mut walked = Walked {
        dirs: Vec::new(),
        unread: Vec::new(),
        bad_rules: Vec::new(),
    };
    let top = root.folder(b"")?.ok_or_else(|| {
        crate::fsx::Error::io(
            b"",
            "open",
            std::io::Error::from(std::io::ErrorKind::NotFound),
        )
    })?;
    let around = Rules::around(root);
    walked.bad_rules.extend_from_slice(&around.bad);
    let rules = match around.enter(&top)? {
        Ok(rules) => rules,
        Err(_) => {
            let why = std::io::Error::other("its ignore rules cannot be read");
            return Err(crate::fsx::Error::io(b".gitignore", "read", why));
        }
    };
    let mut walk = Walk {
        cap,
        walked: &mut walked,
    };
    walk.folder(&top, &rules, 0)?;
    Ok(walked)
}

struct Walk<'a> {
    cap: u64,
    walked: &'a mut Walked,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Folder, rules: &Rules, depth: usize) -> Result<usize> {
        self.walked.bad_rules.extend_from_slice(&rules.bad);
        let mut names = Vec::new();
        for entry in folder.list()? {
            if is_guarded(&entry.name) {
                continue;
            }
            let path = folder.join(&entry.name);
            let is_dir = entry.look.kind == Kind::Dir;
            let what = match entry.look.kind {
                _ if rules.ignores(&path, is_dir) => What::Node(Node::Ignored),
                Kind::Special => What::Node(Node::Special),
                Kind::Link => What::Node(self.link(folder, &entry.name, &path, &entry.look)?),
                Kind::File if entry.look.size > self.cap => {
                    self.not_read(&path, "over the size cap");
                    What::Node(unread(&entry.look, Unread::TooLarge))
                }
                Kind::File => What::File(entry.look),
                Kind::Dir => self.sub(folder, &entry.name, &path, &entry.look, rules, depth)?,
            };
            names.push(Name {
                name: entry.name,
                what,
            });
        }
        self.walked.dirs.push(Dir {
            path: folder.path().to_vec(),
            names,
        });
        Ok(self.walked.dirs.len() - 1)
    }

    fn not_read(&mut self, path: &[u8], why: &str) {
        self.walked.unread.push((path.to_vec(), why.to_owned()));
    }

    fn link(&mut self, folder: &Folder, name: &[u8], path: &[u8], look: &Look) -> Result<Node> {
        match folder.see(name, 0) {
            Ok(seen) if matches!(seen.node, Node::Link { .. }) => Ok(seen.node),
            _ => {
                self.not_read(path, "it changed while it was looked at");
                Ok(unread(look, Unread::Failed))
            }
        }
    }

    /// A folder in a folder. One that cannot be entered is there, and not read.
    fn sub(
        &mut self,
        folder: &Folder,
        name: &[u8],
        path: &[u8],
        look: &Look,
        rules: &Rules,
        depth: usize,
    ) -> Result<What> {
        if depth >= DEEPEST {
            self.not_read(path, "folders within folders beyond any sense");
            return Ok(What::Node(unread(look, Unread::TooDeep)));
        }
        let inner = match folder.enter(name) {
            Ok(inner) => inner,
            Err(e) if matches!(e.why, Why::Foreign) => return Ok(What::Node(Node::Foreign)),
            Err(e) => return Ok(self.failed(path, look, &e.to_string())),
        };
        if inner.is_repository().unwrap_or(true) {
            return Ok(What::Node(Node::Foreign));
        }
        let inner_rules = match rules.enter(&inner) {
            Ok(Ok(rules)) => rules,
            Ok(Err(_)) => return Ok(self.failed(path, look, "its ignore rules cannot be read")),
            Err(e) => return Ok(self.failed(path, look, &e.to_string())),
        };
        match self.folder(&inner, &inner_rules, depth + 1) {
            Ok(index) => Ok(What::Dir(look.mode, index)),
            Err(e) => Ok(self.failed(path, look, &e.to_string())),
        }
    }

    fn failed(&mut self, path: &[u8], look: &Look, why: &str) -> What {
        self.not_read(path, why);
        What::Node(unread(look, Unread::Failed))
    }
}

fn unread(look: &Look, why: Unread) -> Node {
    Node::Unread {
        size: look.size,
        mode: look.mode,
        why,
    }
}
