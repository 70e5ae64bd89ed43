//! Trees of the work folder that other programs keep, into the store as snapshots: facts, which stay when their owner is gone.
//!
//! They are foreign: paths that lead out of the folder are left out, contents are taken only if they are what their names
//! say, and what is not in a tree is not known to be absent.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use color_eyre::Result;
use rusqlite::Connection;

use super::Options;
use super::discover::Discovered;
use crate::model::{Agent, BlobHash, Node, Time, Unread};
use crate::source::extract::{Leaf, Moment, Trees};
use crate::source::source_of;
use crate::store::snapshots::{self, Entry, Reason, Snapshot};
use crate::store::{Store, blobs};

/// The inputs beside which trees may be kept.
pub(super) fn of(found: &Discovered) -> Vec<(Agent, PathBuf)> {
    let all = found.databases.iter().map(|d| (d.agent, d.path.clone()));
    all.filter(|(agent, _)| crate::source::retells(*agent))
        .collect()
}

/// Keeps the trees that are new. What is wrong with the foreign files is the inner result.
pub(super) fn keep(
    store: &Store,
    options: &Options,
    agent: Agent,
    input: &Path,
    now: Time,
) -> Result<Result<()>> {
    let extractor = source_of(agent).and_then(|s| s.extractor(input));
    let mut trees = match extractor.and_then(|e| e.trees(input)) {
        None => return Ok(Ok(())),
        Some(Err(e)) => return Ok(Err(e)),
        Some(Ok(trees)) => trees,
    };
    let Some(folder) = trees.folder().map(Path::to_owned) else {
        return Ok(Ok(()));
    };
    let root = folder.as_os_str().as_bytes().to_vec();
    let ours = options.roots.inside(&root) || options.everything || !options.from.is_empty();
    // Without the folder there is nothing that the trees could be of.
    let (true, Ok(meta)) = (ours, std::fs::metadata(&folder)) else {
        return Ok(Ok(()));
    };
    let moments = match trees.moments() {
        Ok(moments) => moments,
        Err(e) => return Ok(Err(e)),
    };
    let mut folders = Folders::default();
    for moment in moments {
        // A moment of the future would stand before all that is still to come.
        if options.cancel.load(Ordering::Relaxed) || moment.at > now {
            break;
        }
        if snapshots::has_kept(store.conn(), &root, &moment.name)? {
            continue;
        }
        let leaves = match trees.leaves(&moment.tree) {
            Ok(Some(leaves)) => leaves,
            Ok(None) => continue,
            Err(e) => return Ok(Err(e)),
        };
        let tx = store.begin()?;
        let kept = match folders.put(&tx, &mut *trees, leaves)? {
            Ok(kept) => kept,
            Err(e) => return Ok(Err(e)),
        };
        snapshots::keep(&tx, &row(&root, (meta.dev(), meta.ino()), moment, kept))?;
        tx.commit()?;
    }
    Ok(Ok(()))
}

/// What was made of a tree.
struct Kept {
    tree: BlobHash,
    files: u64,
    bytes: u64,
    unread: u64,
}

fn row(root: &[u8], identity: (u64, u64), moment: Moment, kept: Kept) -> Snapshot {
    Snapshot {
        id: 0,
        root: root.to_vec(),
        identity,
        time: (moment.at, moment.at),
        why: Reason::Kept as u8,
        text: Some(moment.name),
        tree: kept.tree,
        files: kept.files,
        bytes: kept.bytes,
        unread: kept.unread,
        op: None,
        same_until: moment.at,
    }
}

/// A folder of a tree.
#[derive(Default)]
struct Folder {
    files: BTreeMap<Vec<u8>, Node>,
    folders: BTreeMap<Vec<u8>, Folder>,
}

/// The folders of the tree before, by their paths: most are the same again.
#[derive(Default)]
struct Folders {
    nodes: HashMap<Vec<u8>, (Vec<Entry>, BlobHash)>,
    /// Bytes of contents that are stored; `None` for those that could not be had.
    contents: HashMap<BlobHash, Option<u64>>,
}

impl Folders {
    /// Stores a tree with its contents.
    fn put(
        &mut self,
        conn: &Connection,
        trees: &mut dyn Trees,
        leaves: Vec<Leaf>,
    ) -> Result<Result<Kept>> {
        let mut top = Folder::default();
        let (mut files, mut bytes, mut unread) = (0, 0, 0);
        for leaf in leaves {
            let Some(names) = names(&leaf.path) else {
                unread += 1;
                continue;
            };
            let size = match self.content(conn, trees, &leaf.content)? {
                Ok(size) => size,
                Err(e) => return Ok(Err(e)),
            };
            let mode = leaf.mode;
            let node = match size {
                Some(size) => Node::File {
                    hash: leaf.content,
                    size,
                    mode,
                },
                None => Node::Unread {
                    size: 0,
                    mode,
                    why: Unread::Failed,
                },
            };
            files += u64::from(size.is_some());
            bytes += size.unwrap_or(0);
            unread += u64::from(size.is_none() || !top.insert(&names, node));
        }
        Ok(Ok(Kept {
            tree: self.folder(conn, &[], top)?,
            files,
            bytes,
            unread,
        }))
    }

    /// Sees to it that a content is stored; its size.
    fn content(
        &mut self,
        conn: &Connection,
        trees: &mut dyn Trees,
        name: &BlobHash,
    ) -> Result<Result<Option<u64>>> {
        if let Some(size) = self.contents.get(name) {
            return Ok(Ok(*size));
        }
        let size = match blobs::find(conn, name)? {
            Some(row) => Some(blobs::size_of(conn, row)?),
            None => match trees.content(name) {
                Ok(Some(bytes)) => {
                    blobs::put(conn, &bytes)?;
                    Some(bytes.len() as u64)
                }
                Ok(None) => None,
                Err(e) => return Ok(Err(e)),
            },
        };
        self.contents.insert(*name, size);
        Ok(Ok(size))
    }

    fn folder(&mut self, conn: &Connection, path: &[u8], folder: Folder) -> Result<BlobHash> {
        let mut entries = vec![snapshots::not_whole()];
        for (name, node) in folder.files {
            let tree = None;
            entries.push(Entry { name, node, tree });
        }
        for (name, below) in folder.folders {
            let tree = Some(self.folder(conn, &[path, b"/", &name].concat(), below)?);
            // Modes of folders are not kept: as most are.
            let node = Node::Dir { mode: 0o755 };
            entries.push(Entry { name, node, tree });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some((same, hash)) = self.nodes.get(path)
            && *same == entries
        {
            return Ok(*hash);
        }
        let hash = snapshots::put_tree(conn, &entries)?;
        self.nodes.insert(path.to_owned(), (entries, hash));
        Ok(hash)
    }
}

impl Folder {
    /// `false` if a file stands where a folder is needed, or the other way round.
    fn insert(&mut self, names: &[&[u8]], node: Node) -> bool {
        let Some((last, folders)) = names.split_last() else {
            return false;
        };
        let mut at = self;
        for name in folders {
            if at.files.contains_key(*name) {
                return false;
            }
            at = at.folders.entry(name.to_vec()).or_default();
        }
        if at.folders.contains_key(*last) {
            return false;
        }
        at.files.insert(last.to_vec(), node);
        true
    }
}

/// The names in a path below the folder; `None` for one that leads elsewhere, is too deep for any folder, or was not UTF-8
/// (its bytes are lost).
fn names(path: &str) -> Option<Vec<&[u8]>> {
    const DEEPEST: usize = 200;
    if path.contains(['\0', char::REPLACEMENT_CHARACTER]) {
        return None;
    }
    let names: Vec<&[u8]> = path.split('/').map(str::as_bytes).collect();
    const NOT: [&[u8]; 5] = [b"", b".", b"..", b".git", b".regent"];
    let plain = |name: &&[u8]| !NOT.contains(name);
    (names.len() <= DEEPEST && names.iter().all(plain)).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_elsewhere_is_none() {
        for path in ["a", "a/b c", "..a/b"] {
            assert!(names(path).is_some(), "{path}");
        }
        let deep = "a/".repeat(300) + "b";
        for path in [
            "",
            "/a",
            "a/",
            "a//b",
            "./a",
            "a/../b",
            ".git/config",
            "a\0",
            "caf\u{fffd}",
            &deep,
        ] {
            assert!(names(path).is_none(), "{path}");
        }
    }

    #[test]
    fn what_is_a_file_is_no_folder() {
        let mut top = Folder::default();
        let mut put = |names: &[&[u8]]| top.insert(names, Node::Special);
        assert!(put(&[b"a", b"b"]) && put(&[b"c"]));
        assert!(!put(&[b"a"]) && !put(&[b"c", b"d"]) && !put(&[]));
    }
}
