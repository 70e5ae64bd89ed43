//! Walking the work folder: names and what they are, several folders at a time. Contents are read afterwards, by workers.

use rayon::prelude::*;

use super::rules::Rules;
use super::stat::{self, Known, Stats};
use crate::fsx::{Error, Folder, Kind, Look, Root, Why, is_guarded};
use crate::model::{BlobHash, Node, Unread};
use crate::store::snapshots::{self, Entry};

type Result<T, E = Error> = std::result::Result<T, E>;

/// Deeper folders are recorded as not read.
const DEEPEST: usize = 300;
/// Room for so many folders within folders on the stack of each thread.
const STACK: usize = 16 << 20;

/// A folder that was walked.
pub(super) struct Dir {
    /// Relative to the root.
    pub path: Vec<u8>,
    /// Its names, sorted.
    pub names: Vec<Name>,
    /// The ignore rules in it.
    pub rules: Rules,
    /// All its files are those that were known of it.
    pub same: bool,
    /// The name of its node, where nothing below it must be read for that.
    pub tree: Option<BlobHash>,
}

impl Dir {
    /// What a snapshot says of it, but for what went away meanwhile. `tree` gives the node of a folder that lies so many
    /// places before this one.
    pub fn entries<E>(
        &self,
        mut tree: impl FnMut(&[u8], usize) -> Result<Option<BlobHash>, E>,
    ) -> Result<Vec<Entry>, E> {
        let mut entries = Vec::with_capacity(self.names.len());
        for name in &self.names {
            let (node, tree) = match &name.what {
                // It went away between the walk and the reading.
                What::Node(Node::Absent) => continue,
                What::Node(node) => (node.clone(), None),
                What::Dir(mode, back) => (Node::Dir { mode: *mode }, tree(&name.name, *back)?),
                What::Known(known, mode) => (known.node(*mode), None),
                What::File(look) => (unread(look), None),
            };
            entries.push(Entry {
                name: name.name.clone(),
                node,
                tree,
            });
        }
        Ok(entries)
    }
}

/// A file that could not be read.
pub(super) fn unread(look: &Look) -> Node {
    Node::Unread {
        size: look.size,
        mode: look.mode,
        why: Unread::Failed,
    }
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
    /// A folder with its mode, so many places before the one that it lies in.
    Dir(u32, usize),
    /// A regular file that did not change since it was read, and its mode.
    Known(Known, u32),
    /// A regular file, to be read.
    File(Look),
}

/// All folders, every one behind the folders in it; the last is the root.
#[derive(Default)]
pub(super) struct Walked {
    pub dirs: Vec<Dir>,
    /// What is there and was not read, with the reason.
    pub unread: Vec<(Vec<u8>, String)>,
    /// Lines of ignore files that are no patterns.
    pub bad_rules: Vec<String>,
}

impl Walked {
    fn not_read(&mut self, path: &[u8], why: &str) {
        self.unread.push((path.to_vec(), why.to_owned()));
    }

    /// A name that is there and was not read.
    fn failed(&mut self, path: &[u8], mode: u32, size: u64, why: &str) -> What {
        self.not_read(path, why);
        What::Node(Node::Unread {
            size,
            mode,
            why: Unread::Failed,
        })
    }
}

/// Walks the tree.
pub(super) fn walk(root: &Root, cap: u64, known: &Stats) -> Result<Walked> {
    let top = root.folder(b"")?.ok_or_else(|| {
        crate::fsx::Error::io(
            b"",
            "open",
            std::io::Error::from(std::io::ErrorKind::NotFound),
        )
    })?;
    let names = top.names()?;
    let around = Rules::around(root);
    let rules = match around.enter(&top, |name| has(&names, name))? {
        Ok(rules) => rules,
        Err(_) => {
            let why = std::io::Error::other("its ignore rules cannot be read");
            return Err(crate::fsx::Error::io(b".gitignore", "read", why));
        }
    };
    let walk = Walk { cap, known };
    let go = || walk.folder(&top, names, &rules, 0);
    let walked = match rayon::ThreadPoolBuilder::new().stack_size(STACK).build() {
        Ok(pool) => pool.install(go),
        // Without threads of its own it walks on those that there are.
        Err(_) => go(),
    };
    let mut walked = walked?;
    walked.bad_rules.splice(0..0, around.bad);
    Ok(walked)
}

/// The name of a folder's node, if those of all folders in it are known; they stand before it.
fn named(dir: &Dir, before: &[Dir]) -> Option<BlobHash> {
    let below = |_: &[u8], back: usize| {
        let at = before.len().checked_sub(back).ok_or(())?;
        before[at].tree.map(Some).ok_or(())
    };
    let entries = dir.entries(below).ok()?;
    snapshots::name_tree(&entries).ok()
}

type Names = Vec<(Vec<u8>, Option<bool>)>;

fn has(names: &Names, name: &[u8]) -> bool {
    names.binary_search_by(|n| n.0.as_slice().cmp(name)).is_ok()
}

struct Walk<'a> {
    cap: u64,
    known: &'a Stats,
}

impl Walk<'_> {
    /// A folder and all below it; it is the last of what comes back.
    fn folder(&self, folder: &Folder, names: Names, rules: &Rules, depth: usize) -> Result<Walked> {
        let known = self.known.folder(folder.path());
        let mut path = folder.join(b"");
        let stem = path.len();
        let mut here = Walked {
            bad_rules: rules.bad.clone(),
            ..Walked::default()
        };
        let mut found = Vec::with_capacity(names.len());
        // Folders wait until the rest is known, and are then walked side by side.
        let mut folders = Vec::new();
        for (name, is_dir) in names {
            if is_guarded(&name) {
                continue;
            }
            path.truncate(stem);
            path.extend_from_slice(&name);
            let look = match is_dir {
                Some(true) => None,
                _ => match folder.look_at(&name)? {
                    Some(look) => Some(look),
                    None => continue,
                },
            };
            let is_dir = look.is_none_or(|l| l.kind == Kind::Dir);
            let what = match look {
                _ if rules.ignores(&path, is_dir) => What::Node(Node::Ignored),
                Some(look) if !is_dir => {
                    self.thing(&mut here, folder, &known, &name, &path, look)?
                }
                _ => {
                    folders.push(found.len());
                    What::Node(Node::Absent)
                }
            };
            found.push(Name { name, what });
        }
        let below = |at: &usize| self.sub(folder, &found[*at].name, rules, depth);
        let below: Vec<(Option<What>, Walked)> = match folders.len() {
            0 | 1 => folders.iter().map(below).collect(),
            _ => folders.par_iter().map(below).collect(),
        };
        let mut gone = Vec::new();
        for (at, (what, inner)) in folders.into_iter().zip(below) {
            here.unread.extend(inner.unread);
            here.bad_rules.extend(inner.bad_rules);
            here.dirs.extend(inner.dirs);
            match what {
                // How far it is back is known when all are there.
                Some(What::Dir(mode, _)) => found[at].what = What::Dir(mode, here.dirs.len()),
                Some(what) => found[at].what = what,
                None => gone.push(at),
            }
        }
        for at in gone.into_iter().rev() {
            found.remove(at);
        }
        let own = here.dirs.len();
        for name in &mut found {
            if let What::Dir(_, place) = &mut name.what {
                *place = own + 1 - *place;
            }
        }
        let of_files = |what: &What| matches!(what, What::Known(..) | What::File(_));
        let files = found.iter().filter(|n| of_files(&n.what)).count();
        let settled = !found.iter().any(|n| matches!(n.what, What::File(_)));
        let mut dir = Dir {
            path: folder.path().to_vec(),
            names: found,
            rules: rules.clone(),
            same: settled && files == known.len(),
            tree: None,
        };
        if settled {
            dir.tree = named(&dir, &here.dirs);
        }
        here.dirs.push(dir);
        Ok(here)
    }

    /// What is no folder.
    fn thing(
        &self,
        here: &mut Walked,
        folder: &Folder,
        known: &stat::Folder<'_>,
        name: &[u8],
        path: &[u8],
        look: Look,
    ) -> Result<What> {
        Ok(match look.kind {
            Kind::File if look.size > self.cap => {
                here.not_read(path, "over the size cap");
                What::Node(Node::Unread {
                    size: look.size,
                    mode: look.mode,
                    why: Unread::TooLarge,
                })
            }
            Kind::File => match known.known(name, &look) {
                Some(known) => What::Known(known, look.mode),
                None => What::File(look),
            },
            Kind::Link => match folder.see(name, 0) {
                Ok(seen) if matches!(seen.node, Node::Link { .. }) => What::Node(seen.node),
                _ => here.failed(
                    path,
                    look.mode,
                    look.size,
                    "it changed while it was looked at",
                ),
            },
            _ => What::Node(Node::Special),
        })
    }

    /// A folder in a folder; nothing if it went away. One that cannot be entered is there, and not read.
    fn sub(
        &self,
        folder: &Folder,
        name: &[u8],
        rules: &Rules,
        depth: usize,
    ) -> (Option<What>, Walked) {
        let path = folder.join(name);
        let mut none = Walked::default();
        let lost = |why: &str, none: &mut Walked| {
            let look = folder.look_at(name).ok().flatten();
            let (mode, size) = look.map_or((0, 0), |l| (l.mode, l.size));
            Some(none.failed(&path, mode, size, why))
        };
        let inner = match folder.enter(name) {
            Ok(inner) => inner,
            Err(e) if e.kind() == Some(std::io::ErrorKind::NotFound) => return (None, none),
            Err(e) if matches!(e.why, Why::Foreign) => {
                return (Some(What::Node(Node::Foreign)), none);
            }
            Err(e) => return (lost(&e.to_string(), &mut none), none),
        };
        let mode = inner.look().mode;
        if depth >= DEEPEST {
            none.not_read(&path, "folders within folders beyond any sense");
            let node = Node::Unread {
                size: inner.look().size,
                mode,
                why: Unread::TooDeep,
            };
            return (Some(What::Node(node)), none);
        }
        let names = match inner.names() {
            Ok(names) => names,
            Err(e) => return (lost(&e.to_string(), &mut none), none),
        };
        if inner.is_repository_by(&names).unwrap_or(true) {
            return (Some(What::Node(Node::Foreign)), none);
        }
        let rules = match rules.enter(&inner, |name| has(&names, name)) {
            Ok(Ok(rules)) => rules,
            Ok(Err(_)) => return (lost("its ignore rules cannot be read", &mut none), none),
            Err(e) => return (lost(&e.to_string(), &mut none), none),
        };
        match self.folder(&inner, names, &rules, depth + 1) {
            Ok(walked) => (Some(What::Dir(mode, 0)), walked),
            Err(e) => (lost(&e.to_string(), &mut none), none),
        }
    }
}
