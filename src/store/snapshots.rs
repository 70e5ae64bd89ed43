//! Snapshots: rows, and trees of nodes that are blobs. A node names its children by hash, so a folder that did not
//! change is the same node in every snapshot; a big folder is split into several nodes at names chosen by their hash,
//! so that one change in it makes one small node and a list.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::{Error, Result, blobs};
use crate::model::{BlobHash, Node, Time};

/// Nodes of folders with more entries than this are split.
const SPLIT: usize = 256;
/// One name in so many ends a part.
const PART: u8 = 128;
/// Says how the rest of a node is written.
const FORMAT: u8 = 1;

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name, raw bytes.
    pub name: Vec<u8>,
    /// What it is.
    pub node: Node,
    /// For a folder that was entered: its own node.
    pub tree: Option<BlobHash>,
}

#[derive(Deserialize)]
enum TreeNode {
    Entries(Vec<Entry>),
    /// The first name of each part, and the part.
    Parts(Vec<(Vec<u8>, BlobHash)>),
}

/// The same while it is made, written alike.
#[derive(Serialize)]
enum TreeRef<'a> {
    Entries(&'a [Entry]),
    Parts(&'a [(Vec<u8>, BlobHash)]),
}

/// Why a snapshot was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// Somebody asked for it.
    Asked = 1,
    /// A rewind is about to begin.
    Before = 2,
    /// A rewind is over.
    After = 3,
    /// A watcher or a hook.
    Automatic = 4,
    /// The first of a watcher, or of a session with hooks: nobody watched between it and the one before.
    First = 5,
    /// Not ours: another program kept this tree. It is not whole ([`not_whole`]), and nobody is known to have watched.
    Kept = 6,
}

impl Snapshot {
    /// Whether another program took it.
    pub fn is_kept(&self) -> bool {
        self.why == Reason::Kept as u8
    }
}

/// An entry without a name, which stands before all others: the list is not whole. Of what it does not name nothing is
/// known; it is not said to be absent.
pub fn not_whole() -> Entry {
    Entry {
        name: Vec::new(),
        node: Node::Ignored,
        tree: None,
    }
}

/// Whether a folder's entries are all that is there.
pub fn is_whole(entries: &[Entry]) -> bool {
    entries.first().is_none_or(|e| !e.name.is_empty())
}

/// A snapshot's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its row.
    pub id: i64,
    /// The folder, absolute.
    pub root: Vec<u8>,
    /// Its device and number.
    pub identity: (u64, u64),
    /// When the walk began and ended.
    pub time: (Time, Time),
    /// Why it was taken: a [`Reason`] as a number.
    pub why: u8,
    /// What the user said.
    pub text: Option<String>,
    /// The topmost node.
    pub tree: BlobHash,
    /// Files captured.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Things that are there and were not read.
    pub unread: u64,
    /// The rewind that it was taken for.
    pub op: Option<i64>,
    /// A later look that began then found the same tree; at first the beginning of the walk.
    pub same_until: Time,
}

/// Stores a folder's entries, which must be sorted by name and whose contents and sub-folders must be stored already;
/// the name of its node. `checked`: every content of a node that is new is looked for, since a `gc` may have run since
/// it was stored; what is missing is an error.
pub fn put_tree(conn: &Connection, entries: &[Entry]) -> Result<BlobHash> {
    cut(entries, |node| put_node(conn, node))
}

/// The name that [`put_tree`] would give these entries; nothing is stored.
pub fn name_tree(entries: &[Entry]) -> Result<BlobHash> {
    cut(entries, |node| Ok(BlobHash::of(&written(node)?)))
}

/// Cuts a folder into as many nodes as it needs, the topmost one last; the name of that.
fn cut(
    entries: &[Entry],
    mut node: impl FnMut(&TreeRef<'_>) -> Result<BlobHash>,
) -> Result<BlobHash> {
    if entries.len() <= SPLIT {
        return node(&TreeRef::Entries(entries));
    }
    let mut parts = Vec::new();
    let mut start = 0;
    for (i, entry) in entries.iter().enumerate() {
        let ends = blake3::hash(&entry.name).as_bytes()[0].is_multiple_of(PART);
        if ends || i + 1 == entries.len() {
            let part = node(&TreeRef::Entries(&entries[start..=i]))?;
            parts.push((entries[start].name.clone(), part));
            start = i + 1;
        }
    }
    node(&TreeRef::Parts(&parts))
}

fn written(node: &TreeRef<'_>) -> Result<Vec<u8>> {
    postcard::to_extend(node, vec![FORMAT]).map_err(|e| Error::Inconsistent(e.to_string()))
}

fn put_node(conn: &Connection, node: &TreeRef<'_>) -> Result<BlobHash> {
    let bytes = written(node)?;
    let hash = BlobHash::of(&bytes);
    if blobs::find(conn, &hash)?.is_some() {
        return Ok(hash);
    }
    if let TreeRef::Entries(entries) = node {
        for entry in *entries {
            let needed = entry.tree.or(entry.node.hash());
            if let Some(missing) = needed.filter(|h| matches!(blobs::find(conn, h), Ok(None))) {
                return Err(Error::Inconsistent(format!(
                    "{} is named by a snapshot but not stored ({})",
                    String::from_utf8_lossy(&entry.name),
                    missing.hex()
                )));
            }
        }
    }
    blobs::put(conn, &bytes)?;
    Ok(hash)
}

fn node(conn: &Connection, hash: &BlobHash) -> Result<TreeNode> {
    let damaged = |why: &str| Error::Inconsistent(format!("tree node {} {why}", hash.hex()));
    let id = blobs::find(conn, hash)?.ok_or_else(|| damaged("is missing"))?;
    let bytes = blobs::get(conn, id)?;
    match bytes.split_first() {
        Some((&FORMAT, body)) => postcard::from_bytes(body).map_err(|_| damaged("cannot be read")),
        _ => Err(damaged("is of a later format")),
    }
}

/// All entries of a folder.
pub fn entries(conn: &Connection, tree: &BlobHash) -> Result<Vec<Entry>> {
    match node(conn, tree)? {
        TreeNode::Entries(entries) => Ok(entries),
        TreeNode::Parts(parts) => {
            let mut all = Vec::new();
            for (_, part) in parts {
                match node(conn, &part)? {
                    TreeNode::Entries(entries) => all.extend(entries),
                    TreeNode::Parts(_) => {
                        return Err(Error::Inconsistent("a part of a part of a tree".to_owned()));
                    }
                }
            }
            Ok(all)
        }
    }
}

/// The names of the nodes below one, itself included, and of the contents that they name.
pub fn reach(
    conn: &Connection,
    tree: &BlobHash,
    found: &mut std::collections::HashSet<BlobHash>,
) -> Result<()> {
    if !found.insert(*tree) {
        return Ok(());
    }
    match node(conn, tree)? {
        TreeNode::Parts(parts) => {
            for (_, part) in parts {
                reach(conn, &part, found)?;
            }
        }
        TreeNode::Entries(entries) => {
            for entry in entries {
                found.extend(entry.node.hash());
                if let Some(below) = entry.tree {
                    reach(conn, &below, found)?;
                }
            }
        }
    }
    Ok(())
}

/// Looks paths up in trees; nodes that were read are remembered.
#[derive(Default)]
pub struct Finder {
    held: HashMap<BlobHash, std::rc::Rc<Vec<Entry>>>,
}

impl Finder {
    /// What stood under a path; `None` if the snapshot does not know (it lies below something that was not read).
    pub fn find(&mut self, conn: &Connection, tree: &BlobHash, rel: &[u8]) -> Result<Option<Node>> {
        let mut at = *tree;
        let mut parts = rel.split(|b| *b == b'/').peekable();
        while let Some(part) = parts.next() {
            let entries = self.entries(conn, &at)?;
            let Ok(index) = entries.binary_search_by(|e| e.name.as_slice().cmp(part)) else {
                return Ok(is_whole(&entries).then_some(Node::Absent));
            };
            let entry = &entries[index];
            if parts.peek().is_none() {
                return Ok(Some(entry.node.clone()));
            }
            match (&entry.node, entry.tree) {
                (Node::Dir { .. }, Some(below)) => at = below,
                (Node::File { .. } | Node::Link { .. }, _) => return Ok(Some(Node::Absent)),
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    fn entries(&mut self, conn: &Connection, tree: &BlobHash) -> Result<std::rc::Rc<Vec<Entry>>> {
        if let Some(held) = self.held.get(tree) {
            return Ok(held.clone());
        }
        let read = std::rc::Rc::new(entries(conn, tree)?);
        if self.held.len() > 4096 {
            self.held.clear();
        }
        self.held.insert(*tree, read.clone());
        Ok(read)
    }
}

/// Stores a snapshot's row (its `id` is not looked at); the row.
pub fn insert(conn: &Connection, s: &Snapshot) -> Result<i64> {
    conn.prepare_cached(
        "INSERT INTO snapshot (root, dev, ino, at, ended, why, text, tree, files, bytes, unread, op, same_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        s.root,
        s.identity.0 as i64,
        s.identity.1 as i64,
        s.time.0.0,
        s.time.1.0,
        s.why,
        s.text,
        s.tree.0,
        s.files as i64,
        s.bytes as i64,
        s.unread as i64,
        s.op,
        s.same_until.0
    ])?;
    Ok(conn.last_insert_rowid())
}

/// Stores a tree that another program kept, under its name there (`text`), unless it is stored already. It may be older
/// than what was linked until now.
pub fn keep(conn: &Connection, s: &Snapshot) -> Result<()> {
    if !has_kept(conn, &s.root, s.text.as_deref().unwrap_or_default())? {
        insert(conn, s)?;
        super::observed::disturb(conn, Some(s.time.0.0))?;
    }
    Ok(())
}

/// Whether a tree is stored that another program keeps under this name.
pub fn has_kept(conn: &Connection, root: &[u8], name: &str) -> Result<bool> {
    Ok(conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM snapshot WHERE root = ?1 AND why = ?2 AND text = ?3)",
        )?
        .query_row(params![root, Reason::Kept as u8, name], |r| r.get(0))?)
}

/// The snapshots of a folder, oldest first.
pub fn of_root(conn: &Connection, root: &[u8]) -> Result<Vec<Snapshot>> {
    let mut q = conn.prepare_cached(
        "SELECT id, root, dev, ino, at, ended, why, text, tree, files, bytes, unread, op, same_until
           FROM snapshot WHERE root = ?1 ORDER BY at, id",
    )?;
    let rows = q.query_map([root], read)?;
    Ok(rows
        .collect::<rusqlite::Result<Vec<Option<_>>>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// The snapshots of a folder from a moment on, oldest first.
pub fn since(conn: &Connection, root: &[u8], at: i64) -> Result<Vec<Snapshot>> {
    let mut q = conn.prepare_cached(
        "SELECT id, root, dev, ino, at, ended, why, text, tree, files, bytes, unread, op, same_until
           FROM snapshot WHERE root = ?1 AND at >= ?2 ORDER BY at, id",
    )?;
    let rows = q.query_map(params![root, at], read)?;
    let rows = rows.collect::<rusqlite::Result<Vec<Option<_>>>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// The snapshot right before one.
pub fn before(conn: &Connection, s: &Snapshot) -> Result<Option<Snapshot>> {
    Ok(conn
        .prepare_cached(
            "SELECT id, root, dev, ino, at, ended, why, text, tree, files, bytes, unread, op, same_until
               FROM snapshot WHERE root = ?1 AND (at, id) < (?2, ?3) ORDER BY at DESC, id DESC LIMIT 1",
        )?
        .query_row(params![s.root, s.time.0.0, s.id], read)
        .optional()?
        .flatten())
}

/// The newest snapshot of a folder that is our own.
pub fn newest(conn: &Connection, root: &[u8]) -> Result<Option<Snapshot>> {
    Ok(conn
        .prepare_cached(
            "SELECT id, root, dev, ino, at, ended, why, text, tree, files, bytes, unread, op, same_until
               FROM snapshot WHERE root = ?1 AND why <> ?2 ORDER BY at DESC, id DESC LIMIT 1",
        )?
        .query_row(params![root, Reason::Kept as u8], read)
        .optional()?
        .flatten())
}

fn read(r: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Snapshot>> {
    let tree: Vec<u8> = r.get(8)?;
    let Ok(tree) = tree.as_slice().try_into() else {
        return Ok(None);
    };
    let n = |i| -> rusqlite::Result<u64> { Ok(r.get::<_, i64>(i)? as u64) };
    Ok(Some(Snapshot {
        id: r.get(0)?,
        root: r.get(1)?,
        identity: (n(2)?, n(3)?),
        time: (Time(r.get(4)?), Time(r.get(5)?)),
        why: r.get(6)?,
        text: r.get(7)?,
        tree: BlobHash(tree),
        files: n(9)?,
        bytes: n(10)?,
        unread: n(11)?,
        op: r.get(12)?,
        same_until: Time(r.get(13)?),
    }))
}

/// Bytes of the store's file.
pub fn store_bytes(conn: &Connection) -> Result<u64> {
    let one = |sql: &str| conn.query_row(sql, [], |r| r.get::<_, i64>(0));
    let pages = one("PRAGMA page_count")? - one("PRAGMA freelist_count")?;
    Ok(u64::try_from(pages * one("PRAGMA page_size")?).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::Store;

    fn file(conn: &Connection, name: &str, text: &str) -> Entry {
        blobs::put(conn, text.as_bytes()).unwrap();
        let node = Node::File {
            hash: BlobHash::of(text.as_bytes()),
            size: text.len() as u64,
            mode: 0o644,
        };
        Entry {
            name: name.into(),
            node,
            tree: None,
        }
    }

    #[test]
    fn one_change_in_a_flat_folder_of_ten_thousand_costs_little() {
        let store = Store::open_in_memory().unwrap();
        let c = store.conn();
        let mut all: Vec<Entry> = (0..10_000)
            .map(|i| file(c, &format!("f{i:05}"), "x"))
            .collect();
        let size = || -> i64 {
            c.query_row("SELECT sum(length(data)) FROM blob", [], |r| r.get(0))
                .unwrap()
        };
        let one = put_tree(c, &all).unwrap();
        let before = size();
        all[5000] = file(c, "f05000", "y");
        let two = put_tree(c, &all).unwrap();
        assert!(size() - before < 20_000, "{}", size() - before);
        assert_eq!(entries(c, &two).unwrap(), all);
        let mut finder = Finder::default();
        let at = |f: &mut Finder, t, p: &str| f.find(c, t, p.as_bytes()).unwrap();
        assert_eq!(
            at(&mut finder, &one, "f05000"),
            Some(file(c, "f05000", "x").node)
        );
        assert_eq!(
            at(&mut finder, &two, "f05000"),
            Some(all[5000].node.clone())
        );
        assert_eq!(at(&mut finder, &two, "g"), Some(Node::Absent));
        assert_eq!(at(&mut finder, &two, "f05000/below"), Some(Node::Absent));
    }

    #[test]
    fn a_node_never_names_what_is_not_stored() {
        let store = Store::open_in_memory().unwrap();
        let entry = Entry {
            name: b"a".to_vec(),
            node: Node::File {
                hash: BlobHash::of(b"gone"),
                size: 4,
                mode: 0o644,
            },
            tree: None,
        };
        assert!(put_tree(store.conn(), &[entry]).is_err());
    }

    #[test]
    fn below_what_was_not_read_nothing_is_known() {
        let store = Store::open_in_memory().unwrap();
        let c = store.conn();
        let entry = |name: &str, node| Entry {
            name: name.into(),
            node,
            tree: None,
        };
        let tree = put_tree(c, &[entry("i", Node::Ignored), entry("r", Node::Foreign)]).unwrap();
        let mut f = Finder::default();
        assert_eq!(f.find(c, &tree, b"i/x").unwrap(), None);
        assert_eq!(f.find(c, &tree, b"r").unwrap(), Some(Node::Foreign));
    }
}
