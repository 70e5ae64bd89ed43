//! What differs between snapshots of a folder, and when the disk says that it changed. Facts, and what must be looked at
//! again because of them; whose a change is, the link pass decides.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, params};

use super::snapshots::{self, Entry};
use super::{Result, facts};
use crate::model::{BlobHash, Node, Time};

/// From when on steps were written again that may have been linked already.
const FROM: &str = "linked.from";

/// A path that two trees see differently: `Absent` also where a folder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differing {
    /// The path.
    pub rel: Vec<u8>,
    /// In the first tree.
    pub before: Node,
    /// In the second one.
    pub after: Node,
}

/// When a path changed, as far as the disk tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Not before this: when it was first heard of, less what hearing took.
    pub first: Option<Time>,
    /// The last change of the file itself; of one that is gone, when it was last heard of.
    pub last: Option<Time>,
}

/// What an entry holds for a comparison.
enum Side {
    /// Nothing, or something that is no folder.
    Leaf(Node),
    /// A folder that was entered.
    Tree(BlobHash),
    /// Something that was not looked into: it says nothing of what lies there.
    Unseen,
}

impl Side {
    fn of(entry: Option<&Entry>) -> Side {
        match entry.map(|e| (&e.node, e.tree)) {
            None => Side::Leaf(Node::Absent),
            Some((Node::Dir { .. }, Some(tree))) => Side::Tree(tree),
            Some((node @ (Node::File { .. } | Node::Link { .. }), _)) => Side::Leaf(node.clone()),
            Some(_) => Side::Unseen,
        }
    }
}

/// The files and links that two trees see differently, by path. What one of them did not look at is left out: that is no
/// difference. Equal nodes are not entered.
pub fn differing(conn: &Connection, a: &BlobHash, b: &BlobHash) -> Result<Vec<Differing>> {
    let mut found = Vec::new();
    let mut stack = vec![(Vec::new(), Some(*a), Some(*b))];
    while let Some((path, a, b)) = stack.pop() {
        if a == b {
            continue;
        }
        let mut names: BTreeMap<Vec<u8>, [Option<Entry>; 2]> = BTreeMap::new();
        let mut whole = [true; 2];
        for (side, tree) in [a, b].into_iter().enumerate() {
            let Some(tree) = tree else { continue };
            let entries = snapshots::entries(conn, &tree)?;
            whole[side] = snapshots::is_whole(&entries);
            for entry in entries {
                let name = entry.name.clone();
                names.entry(name).or_default()[side] = Some(entry);
            }
        }
        for (name, [one, two]) in names {
            let unknown = (one.is_none() && !whole[0]) || (two.is_none() && !whole[1]);
            if one == two || unknown {
                continue;
            }
            let rel = match path.is_empty() {
                true => name,
                false => [&path[..], b"/", &name].concat(),
            };
            let (before, after, trees) = match (Side::of(one.as_ref()), Side::of(two.as_ref())) {
                (Side::Unseen, _) | (_, Side::Unseen) => continue,
                (Side::Leaf(before), Side::Leaf(after)) => (before, after, None),
                (Side::Tree(a), Side::Tree(b)) => {
                    (Node::Absent, Node::Absent, Some((Some(a), Some(b))))
                }
                (Side::Tree(a), Side::Leaf(after)) => (Node::Absent, after, Some((Some(a), None))),
                (Side::Leaf(before), Side::Tree(b)) => {
                    (before, Node::Absent, Some((None, Some(b))))
                }
            };
            if before != after {
                found.push(Differing {
                    rel: rel.clone(),
                    before,
                    after,
                });
            }
            if let Some((a, b)) = trees {
                stack.push((rel, a, b));
            }
        }
    }
    found.sort_by(|a, b| a.rel.cmp(&b.rel));
    Ok(found)
}

/// A look that began at this moment found the tree of a snapshot unchanged.
pub fn still_so(conn: &Connection, snapshot: i64, began: Time) -> Result<()> {
    conn.prepare_cached("UPDATE snapshot SET same_until = max(same_until, ?2) WHERE id = ?1")?
        .execute(params![snapshot, began.0])?;
    Ok(())
}

/// Keeps when the paths of a snapshot changed.
pub fn keep_touched(
    conn: &Connection,
    snapshot: i64,
    touched: &BTreeMap<Vec<u8>, Touched>,
) -> Result<()> {
    let mut insert = conn.prepare_cached(
        "INSERT OR REPLACE INTO touched (snapshot_id, rel, first, last) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (rel, at) in touched {
        insert.execute(params![
            snapshot,
            rel,
            at.first.map(|t| t.0),
            at.last.map(|t| t.0)
        ])?;
    }
    Ok(())
}

/// When the paths of a snapshot changed.
pub fn touched(conn: &Connection, snapshot: i64) -> Result<HashMap<Vec<u8>, Touched>> {
    let mut q =
        conn.prepare_cached("SELECT rel, first, last FROM touched WHERE snapshot_id = ?1")?;
    let rows = q.query_map([snapshot], |r| {
        let at = Touched {
            first: r.get::<_, Option<i64>>(1)?.map(Time),
            last: r.get::<_, Option<i64>>(2)?.map(Time),
        };
        Ok((r.get(0)?, at))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Steps from this moment on were written again, or taken away: what was linked to them must be looked at again.
pub(super) fn disturb(conn: &Connection, from: Option<i64>) -> Result<()> {
    let from = from.unwrap_or(i64::MIN);
    conn.prepare_cached(
        "INSERT INTO memo (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE
            SET value = min(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))",
    )?
    .execute(params![FROM, from.to_string()])?;
    Ok(())
}

/// From when on that is so; asking forgets it.
pub fn take_disturbed(conn: &Connection) -> Result<Option<i64>> {
    let from = disturbed(conn)?;
    if from.is_some() {
        conn.prepare_cached("DELETE FROM memo WHERE name = ?1")?
            .execute([FROM])?;
    }
    Ok(from)
}

/// From when on that is so.
pub fn disturbed(conn: &Connection) -> Result<Option<i64>> {
    // What cannot be read means: everything.
    Ok(facts::memo(conn, FROM)?.map(|v| v.parse().unwrap_or(i64::MIN)))
}

/// Everything that was linked to observations must be looked at again.
pub fn disturb_all(conn: &Connection) -> Result<()> {
    disturb(conn, None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::{Store, blobs};

    fn file(conn: &Connection, name: &str, text: &str) -> Entry {
        blobs::put(conn, text.as_bytes()).unwrap();
        Entry {
            name: name.into(),
            node: Node::File {
                hash: BlobHash::of(text.as_bytes()),
                size: text.len() as u64,
                mode: 0o644,
            },
            tree: None,
        }
    }

    fn dir(conn: &Connection, name: &str, entries: &[Entry]) -> Entry {
        Entry {
            name: name.into(),
            node: Node::Dir { mode: 0o755 },
            tree: Some(snapshots::put_tree(conn, entries).unwrap()),
        }
    }

    #[test]
    fn what_was_not_looked_at_is_no_difference() {
        let store = Store::open_in_memory().unwrap();
        let c = store.conn();
        let (x, y) = (file(c, "x", "1"), file(c, "x", "2"));
        let ignored = |name: &str| Entry {
            name: name.into(),
            node: Node::Ignored,
            tree: None,
        };
        let one = [
            dir(c, "a", std::slice::from_ref(&x)),
            dir(c, "b", std::slice::from_ref(&x)),
            dir(c, "c", std::slice::from_ref(&x)),
            file(c, "d", "d"),
            file(c, "e", "e"),
        ];
        let two = [
            dir(c, "a", &[y]),
            ignored("b"),
            file(c, "c", "now a file"),
            ignored("d"),
        ];
        let (one, two) = (
            snapshots::put_tree(c, &one).unwrap(),
            snapshots::put_tree(c, &two).unwrap(),
        );
        let names = |a, b| -> Vec<String> {
            let all = differing(c, a, b).unwrap();
            all.iter()
                .map(|d| {
                    let sign = match (&d.before, &d.after) {
                        (Node::Absent, _) => '+',
                        (_, Node::Absent) => '-',
                        _ => '~',
                    };
                    format!("{sign}{}", String::from_utf8_lossy(&d.rel))
                })
                .collect()
        };
        assert_eq!(names(&one, &two), ["~a/x", "+c", "-c/x", "-e"]);
        assert_eq!(names(&two, &one), ["~a/x", "-c", "+c/x", "+e"]);
        assert!(names(&one, &one).is_empty());
    }

    #[test]
    fn the_earliest_disturbance_counts_and_is_taken_once() {
        let store = Store::open_in_memory().unwrap();
        let c = store.conn();
        assert_eq!(take_disturbed(c).unwrap(), None);
        for from in [Some(90), Some(100), Some(-7)] {
            disturb(c, from).unwrap();
        }
        assert_eq!(take_disturbed(c).unwrap(), Some(-7));
        assert_eq!(take_disturbed(c).unwrap(), None);
        disturb_all(c).unwrap();
        assert_eq!(disturbed(c).unwrap(), Some(i64::MIN));
    }
}
