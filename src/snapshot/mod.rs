//! The tree of the work folder, into the store. Looks at the folder and never changes it.
//!
//! What could not be read is recorded as present; a snapshot that could not be finished is no snapshot: an error.

mod rules;
mod stat;
mod walk;

use std::collections::HashMap;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use rayon::prelude::*;

pub use self::rules::{Instead, is_ignored, is_rules};
use self::stat::Stats;
use self::walk::{Walked, What};
use crate::clock::Clock;
use crate::fsx::{Look, Root};
use crate::model::{BlobHash, Node, Time, Unread};
use crate::store::blobs::{self, PackedBlob};
use crate::store::snapshots::{self, Entry, Reason, Snapshot};
use crate::store::{self, Store};

/// Larger files are recorded, not stored.
pub const CAP: u64 = 10 << 20;
/// What the store may hold before automatic snapshots stop.
pub const BUDGET: u64 = 2 << 30;
/// Stored contents are committed in portions of so many bytes.
const PORTION: u64 = 64 << 20;
/// Files that a worker takes at once.
const CHUNK: usize = 32;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What time it is.
    pub clock: Clock,
    /// Why.
    pub why: Reason,
    /// What the user said.
    pub text: Option<String>,
    /// The rewind that it is taken for.
    pub op: Option<i64>,
    /// See [`CAP`].
    pub cap: u64,
    /// See [`BUDGET`].
    pub budget: u64,
}

impl Wanted {
    /// With the usual limits.
    pub fn new(clock: Clock, why: Reason) -> Wanted {
        Wanted {
            clock,
            why,
            text: None,
            op: None,
            cap: CAP,
            budget: BUDGET,
        }
    }
}

/// What was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its row.
    pub snapshot: Snapshot,
    /// Files that had to be read.
    pub read: u64,
    /// What is there and was not read, with the reason.
    pub unread: Vec<(Vec<u8>, String)>,
    /// What the user must see.
    pub warnings: Vec<String>,
}

/// A file that a worker read.
struct Done {
    dir: usize,
    name: usize,
    node: Node,
    packed: Option<PackedBlob>,
    look: Option<Look>,
    read_at: i128,
}

/// Takes a snapshot.
///
/// # Errors
/// When the folder or its ignore rules cannot be read, the store cannot be written, or the budget is used up and nobody
/// asked for it.
pub fn take(store: &Store, root: &Root, wanted: &Wanted) -> Result<Taken> {
    let began = wanted.clock.now();
    let mut warnings = budget(store, wanted)?;
    let old = Stats::load(root);
    let mut walked = walk::walk(root, wanted.cap)?;
    warnings.extend(bad_rules(&walked.bad_rules));
    let mut nodes: HashMap<(usize, usize), Node> = HashMap::new();
    let mut stats = Stats::default();
    let mut to_read = Vec::new();
    for (d, dir) in walked.dirs.iter().enumerate() {
        for (n, name) in dir.names.iter().enumerate() {
            let What::File(look) = &name.what else {
                continue;
            };
            let path = join(&dir.path, &name.name);
            match old.hash(&path, look) {
                Some(hash) if blobs::find(store.conn(), &hash)?.is_some() => {
                    stats.keep(&old, &path);
                    nodes.insert(
                        (d, n),
                        Node::File {
                            hash,
                            size: look.size,
                            mode: look.mode,
                        },
                    );
                }
                _ => to_read.push((d, n)),
            }
        }
    }
    let read = to_read.len() as u64;
    let portions = store_contents(store, root, &walked, &to_read, wanted.cap, |done, path| {
        if let (Node::File { hash, .. }, Some(look)) = (&done.node, &done.look) {
            stats.learn(path, look, *hash, done.read_at);
        }
        nodes.insert((done.dir, done.name), done.node);
    });
    portions?;
    for ((d, n), node) in &nodes {
        if let Node::Unread { why, .. } = node {
            let dir = &walked.dirs[*d];
            let why = if *why == Unread::TooLarge {
                "over the size cap"
            } else {
                "it cannot be read"
            };
            walked
                .unread
                .push((join(&dir.path, &dir.names[*n].name), why.to_owned()));
        }
    }
    walked.unread.sort();
    let snapshot = insert(store, root, wanted, began, &walked, &nodes)?;
    stats.save(root);
    Ok(Taken {
        snapshot,
        read,
        unread: walked.unread,
        warnings,
    })
}

/// How full the store is, in words; an error where that forbids it.
fn budget(store: &Store, wanted: &Wanted) -> Result<Vec<String>> {
    let held = snapshots::store_bytes(store.conn())?;
    let mib = |n: u64| n >> 20;
    if held >= wanted.budget && wanted.why == Reason::Automatic {
        return Err(eyre!(
            "no automatic snapshot: the store holds {} of {} MiB; `regent-tui gc` gives space back",
            mib(held),
            mib(wanted.budget)
        ));
    }
    Ok(if held >= wanted.budget / 10 * 8 {
        let (held, all) = (mib(held), mib(wanted.budget));
        vec![format!(
            "the store holds {held} of {all} MiB; `regent-tui gc` gives space back"
        )]
    } else {
        Vec::new()
    })
}

/// Lines of ignore files that say nothing, in one sentence.
fn bad_rules(bad: &[String]) -> Option<String> {
    const SHOWN: usize = 3;
    let more = match bad.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let some = bad.get(..SHOWN.min(bad.len()))?.join(", ");
    (!bad.is_empty())
        .then(|| format!("ignore rules that are no patterns keep nothing out: {some}{more}"))
}

fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() {
        name.to_vec()
    } else {
        [dir, b"/", name].concat()
    }
}

/// Workers read and pack; this thread stores.
fn store_contents(
    store: &Store,
    root: &Root,
    walked: &Walked,
    to_read: &[(usize, usize)],
    cap: u64,
    mut tell: impl FnMut(Done, Vec<u8>),
) -> Result<()> {
    if to_read.is_empty() {
        return Ok(());
    }
    let (send, receive) = crossbeam_channel::bounded::<Vec<Done>>(4);
    std::thread::scope(|scope| -> Result<()> {
        scope.spawn(move || {
            to_read
                .par_chunks(CHUNK)
                .for_each_with(send, |send, chunk| {
                    for part in chunk.chunk_by(|a, b| a.0 == b.0) {
                        // The receiver is gone when the store cannot be written: nobody wants the rest.
                        let _ = send.send(read_some(root, walked, part, cap));
                    }
                });
        });
        let mut tx = store.begin()?;
        let mut stored = 0;
        for batch in receive {
            for mut done in batch {
                if let Some(packed) = done.packed.take() {
                    blobs::put_packed(&tx, &packed)?;
                    stored += packed.data.len() as u64;
                }
                let dir = &walked.dirs[done.dir];
                let path = join(&dir.path, &dir.names[done.name].name);
                tell(done, path);
            }
            if stored > PORTION {
                tx.commit()?;
                tx = store.begin()?;
                stored = 0;
            }
        }
        Ok(tx.commit()?)
    })
}

/// Reads some files of one folder.
fn read_some(root: &Root, walked: &Walked, part: &[(usize, usize)], cap: u64) -> Vec<Done> {
    let Some((dir, _)) = part.first() else {
        return Vec::new();
    };
    let folder = root.folder(&walked.dirs[*dir].path);
    let one = |(dir, name): &(usize, usize)| {
        let read_at = stat::now();
        let entry = &walked.dirs[*dir].names[*name];
        let seen = match &folder {
            Ok(Some(folder)) => folder.see(&entry.name, cap).ok(),
            _ => None,
        };
        let (node, bytes, look) = match seen {
            Some(seen) => (seen.node, seen.bytes, seen.look),
            None => (failed(&entry.what), None, None),
        };
        Done {
            dir: *dir,
            name: *name,
            node,
            packed: bytes.map(|b| blobs::pack(&b)),
            look,
            read_at,
        }
    };
    part.iter().map(one).collect()
}

fn failed(what: &What) -> Node {
    match what {
        What::File(look) => Node::Unread {
            size: look.size,
            mode: look.mode,
            why: Unread::Failed,
        },
        _ => Node::Unread {
            size: 0,
            mode: 0,
            why: Unread::Failed,
        },
    }
}

/// Stores the nodes, folders in folders first, and the row.
fn insert(
    store: &Store,
    root: &Root,
    wanted: &Wanted,
    began: Time,
    walked: &Walked,
    nodes: &HashMap<(usize, usize), Node>,
) -> Result<Snapshot> {
    use std::os::unix::ffi::OsStrExt;
    let tx = store.begin()?;
    let mut trees: Vec<BlobHash> = Vec::with_capacity(walked.dirs.len());
    let (mut files, mut bytes) = (0, 0);
    for (d, dir) in walked.dirs.iter().enumerate() {
        let mut entries = Vec::with_capacity(dir.names.len());
        for (n, name) in dir.names.iter().enumerate() {
            let (node, tree) = match &name.what {
                What::Node(node) => (node.clone(), None),
                What::Dir(mode, index) => (Node::Dir { mode: *mode }, trees.get(*index).copied()),
                What::File(_) => match nodes.get(&(d, n)) {
                    // It went away between the walk and the reading.
                    Some(Node::Absent) => continue,
                    // It became a folder meanwhile, which was not walked.
                    Some(Node::Dir { mode }) => (
                        Node::Unread {
                            size: 0,
                            mode: *mode,
                            why: Unread::Failed,
                        },
                        None,
                    ),
                    Some(node) => (node.clone(), None),
                    None => (failed(&name.what), None),
                },
            };
            if let Node::File { size, .. } = &node {
                files += 1;
                bytes += size;
            }
            entries.push(Entry {
                name: name.name.clone(),
                node,
                tree,
            });
        }
        trees.push(snapshots::put_tree(&tx, &entries)?);
    }
    let tree = *trees
        .last()
        .ok_or_else(|| eyre!("the folder was not walked"))?;
    let mut snapshot = Snapshot {
        id: 0,
        root: root.place().as_os_str().as_bytes().to_vec(),
        identity: root.identity(),
        time: (began, wanted.clock.now()),
        why: wanted.why as u8,
        text: wanted.text.clone(),
        tree,
        files,
        bytes,
        unread: walked.unread.len() as u64,
        op: wanted.op,
    };
    snapshot.id = snapshots::insert(&tx, &snapshot)?;
    tx.commit().map_err(store::Error::from)?;
    Ok(snapshot)
}

#[cfg(test)]
mod tests;
