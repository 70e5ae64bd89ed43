//! The tree of the work folder, into the store. Looks at the folder and never changes it.
//!
//! What could not be read is recorded as present; a snapshot that could not be finished is no snapshot: an error.

mod find;
mod rules;
mod stat;
mod walk;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use rayon::prelude::*;

pub use self::find::find;
pub use self::rules::{Ignored, Instead, Rules, is_rules};
use self::stat::{Kept, Known, Stats};
use self::walk::{Walked, What};
use crate::clock::Clock;
use crate::fsx::{Look, Root};
use crate::model::{BlobHash, Node, Time, Unread};
use crate::store::blobs::{self, PackedBlob};
use crate::store::observed::{self, Touched};
use crate::store::snapshots::{self, Reason, Snapshot};
use crate::store::{self, Store, facts};

/// Larger files are recorded, not stored.
pub const CAP: u64 = 10 << 20;
/// What the store may hold before automatic snapshots stop.
pub const BUDGET: u64 = 2 << 30;
/// Stored contents are committed in portions of so many bytes.
const PORTION: u64 = 64 << 20;
/// Hearing of a change takes up to so long on a machine with time to spare.
const LAG_MS: u64 = 60;
/// Where nothing tells how long it took.
const LAG_UNKNOWN_MS: u64 = 1000;
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
    /// When paths were heard to change since the last one.
    pub heard: BTreeMap<Vec<u8>, Touched>,
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
            heard: BTreeMap::new(),
        }
    }
}

/// What was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its row; for an automatic one that found nothing new, that of the one before.
    pub snapshot: Snapshot,
    /// It is a new row.
    pub new: bool,
    /// The folders that were walked, the root among them (empty), each with the ignore rules in it.
    pub dirs: Vec<(Vec<u8>, Rules)>,
    /// Files that had to be read.
    pub read: u64,
    /// Bytes of contents that had to be stored, packed.
    pub stored: u64,
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
    let warnings = budget(store, wanted)?;
    let mut taken = match attempt(store, root, wanted, &Stats::load(root)) {
        // A content of a file that did not change is not in this store: it is another one, or `gc` gave it away.
        Err(e) if matches!(e.downcast_ref(), Some(store::Error::Inconsistent(_))) => {
            attempt(store, root, wanted, &Stats::default())?
        }
        other => other?,
    };
    taken.warnings.splice(0..0, warnings);
    Ok(taken)
}

/// Takes a snapshot, and reads only files that are not known.
fn attempt(store: &Store, root: &Root, wanted: &Wanted, known: &Stats) -> Result<Taken> {
    let began = wanted.clock.now();
    let mut walked = walk::walk(root, wanted.cap, known)?;
    let to_read: Vec<(usize, usize)> = walked
        .dirs
        .iter()
        .enumerate()
        .flat_map(|(d, dir)| {
            let names = dir.names.iter().enumerate();
            names.filter_map(move |(n, name)| matches!(name.what, What::File(_)).then_some((d, n)))
        })
        .collect();
    let mut read = Vec::with_capacity(to_read.len());
    let stored = store_contents(store, root, &walked, &to_read, wanted.cap, |done| {
        read.push(done)
    })?;
    let mut changed_at = HashMap::new();
    for done in read {
        if let (Node::File { .. }, Some(look)) = (&done.node, &done.look) {
            let dir = &walked.dirs[done.dir];
            changed_at.insert(join(&dir.path, &dir.names[done.name].name), look.ctime);
        }
        settle(&mut walked, done);
    }
    walked.unread.sort();
    let (snapshot, new) = insert(store, root, wanted, began, &walked, &changed_at)?;
    keep_bad_rules(store, root, &walked.bad_rules)?;
    if new || !to_read.is_empty() {
        known.save(root, walked.dirs.iter().map(|d| (&*d.path, kept(d))));
    }
    Ok(Taken {
        snapshot,
        new,
        dirs: walked.dirs.into_iter().map(|d| (d.path, d.rules)).collect(),
        read: to_read.len() as u64,
        stored,
        unread: walked.unread,
        warnings: bad_rules(&walked.bad_rules).into_iter().collect(),
    })
}

/// Puts what was read in the place of what was walked.
fn settle(walked: &mut Walked, done: Done) {
    let dir = &mut walked.dirs[done.dir];
    if let Node::Unread { why, .. } = &done.node {
        let why = if *why == Unread::TooLarge {
            "over the size cap"
        } else {
            "it cannot be read"
        };
        let path = join(&dir.path, &dir.names[done.name].name);
        walked.unread.push((path, why.to_owned()));
    }
    dir.names[done.name].what = match (done.node, done.look) {
        (Node::File { hash, mode, .. }, Some(look)) => {
            What::Known(Known::new(&look, hash, done.read_at), mode)
        }
        // It became a folder meanwhile, which was not walked.
        (Node::Dir { mode }, _) => What::Node(Node::Unread {
            size: 0,
            mode,
            why: Unread::Failed,
        }),
        (node, _) => What::Node(node),
    };
}

/// What to remember of a folder for the next time.
fn kept(dir: &walk::Dir) -> Kept<'_> {
    if dir.same {
        return Kept::Same;
    }
    let known = dir.names.iter().filter_map(|n| match &n.what {
        What::Known(known, _) => Some((&*n.name, known)),
        _ => None,
    });
    Kept::Files(known.collect())
}

/// How full the store is, in words; an error where that forbids it.
fn budget(store: &Store, wanted: &Wanted) -> Result<Vec<String>> {
    let held = snapshots::store_bytes(store.conn())?;
    let mib = |n: u64| n >> 20;
    if held >= wanted.budget && is_automatic(wanted) {
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

fn is_automatic(wanted: &Wanted) -> bool {
    matches!(wanted.why, Reason::Automatic | Reason::First)
}

/// The memo with the lines of ignore files that say nothing, as the last snapshot of a folder found them: one in a line.
pub fn memo_of_bad_rules(folder: &Path) -> String {
    format!("rules.bad {}", folder.display())
}

/// Keeps those lines for who asks later, where they are others than before.
fn keep_bad_rules(store: &Store, root: &Root, bad: &[String]) -> Result<()> {
    const KEPT: usize = 20;
    let now: Vec<&str> = bad.iter().take(KEPT).map(String::as_str).collect();
    let (name, now) = (memo_of_bad_rules(root.place()), now.join("\n"));
    if facts::memo(store.conn(), &name)?.unwrap_or_default() != now {
        let tx = store.begin()?;
        facts::set_memo(&tx, &name, &now)?;
        tx.commit().map_err(store::Error::from)?;
    }
    Ok(())
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

/// Workers read and pack; this thread stores. How many bytes that were.
fn store_contents(
    store: &Store,
    root: &Root,
    walked: &Walked,
    to_read: &[(usize, usize)],
    cap: u64,
    mut tell: impl FnMut(Done),
) -> Result<u64> {
    if to_read.is_empty() {
        return Ok(0);
    }
    let (send, receive) = crossbeam_channel::bounded::<Vec<Done>>(4);
    std::thread::scope(|scope| -> Result<u64> {
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
        let (mut stored, mut all) = (0, 0);
        for batch in receive {
            for mut done in batch {
                if let Some(packed) = done.packed.take() {
                    blobs::put_packed(&tx, &packed)?;
                    stored += packed.data.len() as u64;
                    all += packed.data.len() as u64;
                }
                tell(done);
            }
            if stored > PORTION {
                tx.commit()?;
                tx = store.begin()?;
                stored = 0;
            }
        }
        tx.commit()?;
        Ok(all)
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
        What::File(look) => walk::unread(look),
        _ => Node::Unread {
            size: 0,
            mode: 0,
            why: Unread::Failed,
        },
    }
}

/// Stores the nodes, folders in folders first, and the row; says whether there is a new one.
fn insert(
    store: &Store,
    root: &Root,
    wanted: &Wanted,
    began: Time,
    walked: &Walked,
    changed_at: &HashMap<Vec<u8>, i128>,
) -> Result<(Snapshot, bool)> {
    use std::os::unix::ffi::OsStrExt;
    let tx = store.begin()?;
    let name = root.place().as_os_str().as_bytes();
    let before = snapshots::newest(&tx, name)?.filter(|s| s.identity == root.identity());
    let last = walked.dirs.len().checked_sub(1);
    let last = last.ok_or_else(|| eyre!("the folder was not walked"))?;
    let tree = put_tree(store, walked, last, before.as_ref().map(|b| &b.tree))?;
    let (files, bytes) = counted(walked);
    if let Some(before) = &before
        && is_automatic(wanted)
        && before.tree == tree
    {
        observed::still_so(&tx, before.id, began)?;
        tx.commit().map_err(store::Error::from)?;
        return Ok((before.clone(), false));
    }
    let mut snapshot = Snapshot {
        id: 0,
        root: name.to_vec(),
        identity: root.identity(),
        time: (began, wanted.clock.now()),
        why: wanted.why as u8,
        text: wanted.text.clone(),
        tree,
        files,
        bytes,
        unread: walked.unread.len() as u64,
        op: wanted.op,
        same_until: began,
    };
    snapshot.id = snapshots::insert(&tx, &snapshot)?;
    if let Some(before) = before {
        let differing = observed::differing(&tx, &before.tree, &tree)?;
        let touched = when_touched(&differing, wanted, changed_at);
        observed::keep_touched(&tx, snapshot.id, &touched)?;
    }
    tx.commit().map_err(store::Error::from)?;
    Ok((snapshot, true))
}

/// When paths that differ changed: what was heard, and the last change of the file itself, which nobody can set.
fn when_touched(
    differing: &[observed::Differing],
    wanted: &Wanted,
    changed_at: &HashMap<Vec<u8>, i128>,
) -> BTreeMap<Vec<u8>, Touched> {
    let changed = |path: &observed::Differing| match path.after {
        Node::Absent => None,
        _ => changed_at
            .get(&path.rel)
            .and_then(|ns| i64::try_from(ns / 1_000_000).ok().map(Time)),
    };
    let heard = |path: &observed::Differing| wanted.heard.get(&path.rel).copied();
    // Hearing takes a while, the longer the busier the machine is: as long as it took for what can be told.
    let lags = differing
        .iter()
        .filter_map(|p| Some(heard(p)?.first?.since(changed(p)?)));
    let lag = lags.max().map_or(LAG_UNKNOWN_MS, |lag| LAG_MS + 2 * lag);
    let lag = i64::try_from(lag).unwrap_or(i64::MAX);
    let mut out = BTreeMap::new();
    for path in differing {
        let heard = heard(path).unwrap_or_default();
        let last = changed(path).or(heard.last);
        let first = match (heard.first, last) {
            (Some(first), Some(last)) => Some(first.min(last)),
            (first, _) => first,
        };
        let first = first.map(|t| Time(t.0.saturating_sub(lag)));
        if first.is_some() || last.is_some() {
            out.insert(path.rel.clone(), Touched { first, last });
        }
    }
    out
}

/// Stores the nodes of a folder and of those in it, within the caller's transaction; its own one. What is the same as
/// in the snapshot before is stored already.
fn put_tree(
    store: &Store,
    walked: &Walked,
    at: usize,
    before: Option<&BlobHash>,
) -> Result<BlobHash> {
    let dir = &walked.dirs[at];
    if let (Some(same), true) = (dir.tree, dir.tree.as_ref() == before) {
        return Ok(same);
    }
    let mut earlier: HashMap<Vec<u8>, BlobHash> = HashMap::new();
    if let Some(before) = before {
        // One that cannot be read has nothing in common with this: all of it is stored.
        let entries = snapshots::entries(store.conn(), before).unwrap_or_default();
        let trees = entries.into_iter().filter_map(|e| Some((e.name, e.tree?)));
        earlier.extend(trees);
    }
    let entries = dir.entries(|name, back| -> Result<_> {
        let at = at.checked_sub(back);
        let at = at.ok_or_else(|| eyre!("a folder was not walked"))?;
        put_tree(store, walked, at, earlier.get(name)).map(Some)
    })?;
    Ok(snapshots::put_tree(store.conn(), &entries)?)
}

/// How many files there are, and how many bytes they have.
fn counted(walked: &Walked) -> (u64, u64) {
    let names = walked.dirs.iter().flat_map(|d| &d.names);
    let sizes = names.filter_map(|name| match &name.what {
        What::Known(known, _) => Some(known.size()),
        What::Node(Node::File { size, .. }) => Some(*size),
        _ => None,
    });
    sizes.fold((0, 0), |(files, bytes), size| (files + 1, bytes + size))
}

#[cfg(test)]
mod tests;
