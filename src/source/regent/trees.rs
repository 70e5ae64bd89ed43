//! The trees: the work folder as it was at the end of each turn that used a tool.

use std::path::{Path, PathBuf};

use color_eyre::Result;

use super::index::folder;
use super::objects::Objects;
use crate::model::{BlobHash, Time};
use crate::source::extract::{Leaf, Moment, Trees};
use crate::source::sqlite::{Db, text};

/// Paths in a tree; more are no tree of a person's.
const MOST: usize = 2_000_000;

/// Those of one index.
pub(super) struct Kept {
    db: Db,
    objects: Objects,
    folder: Option<PathBuf>,
}

impl Kept {
    pub fn new(db: Db, index: &Path) -> Kept {
        Kept {
            db,
            objects: Objects::of(index),
            folder: folder(index),
        }
    }
}

impl Trees for Kept {
    fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    fn moments(&mut self) -> Result<Vec<Moment>> {
        let mut all = Vec::new();
        let mut q = self
            .db
            .prepare("SELECT id, ts_nanos, tree_hash FROM steps ORDER BY ts_nanos, id")?;
        let mut rows = q.query([])?;
        while let Some(row) = rows.next()? {
            let (name, tree) = (text(row.get_ref(0)?), text(row.get_ref(2)?));
            if let (Some(name), Some(tree), Ok(nanos)) = (name, tree, row.get_ref(1)?.as_i64()) {
                all.push(Moment {
                    name,
                    tree,
                    at: Time(nanos.div_euclid(1_000_000)),
                });
            }
        }
        drop(rows);
        drop(q);
        self.db.still()?;
        Ok(all)
    }

    fn leaves(&mut self, tree: &str) -> Result<Option<Vec<Leaf>>> {
        let Some(tree) = self.objects.tree(tree)? else {
            return Ok(None);
        };
        let leaves = tree.entries.into_iter().take(MOST).filter_map(|e| {
            Some(Leaf {
                content: hash(&e.blob)?,
                path: e.path,
                mode: e.mode & 0o7777,
            })
        });
        Ok(Some(leaves.collect()))
    }

    fn content(&mut self, name: &BlobHash) -> Result<Option<Vec<u8>>> {
        self.objects.get(&name.hex())
    }
}

fn hash(hex: &str) -> Option<BlobHash> {
    let mut out = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(BlobHash(out))
}
