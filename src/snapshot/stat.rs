//! What the system told of each file when it was last read, so that an unchanged one is not read again. One file in
//! `.regent/` that can be deleted at any time.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::fsx::{Look, Root};
use crate::model::BlobHash;

const NAME: &str = "stat";
/// A file that changed less than this before it was read may have changed again within one tick of the clock, with the
/// same time: it is read again. Some file systems tick every two seconds.
const RACY: i128 = 2_500_000_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    size: u64,
    mtime: i128,
    ctime: i128,
    ino: u64,
    dev: u64,
    hash: BlobHash,
    read_at: i128,
}

/// The files known from last time.
#[derive(Debug, Default)]
pub(super) struct Stats {
    known: HashMap<Vec<u8>, Known>,
}

impl Stats {
    /// As it was saved; empty if it is not there, damaged, or of another root.
    pub fn load(root: &Root) -> Stats {
        let load = || {
            let bytes = root.read_own(NAME)?;
            let (sum, body) = bytes.split_at_checked(32)?;
            if blake3::hash(body).as_bytes() != sum {
                return None;
            }
            let (identity, known): ((u64, u64), Vec<(Vec<u8>, Known)>) =
                postcard::from_bytes(body).ok()?;
            (identity == root.identity()).then(|| Stats {
                known: known.into_iter().collect(),
            })
        };
        load().unwrap_or_default()
    }

    /// For the next time. That it cannot be saved costs only time.
    pub fn save(&self, root: &Root) {
        let mut known: Vec<_> = self.known.iter().collect();
        known.sort_by_key(|(path, _)| *path);
        if let Ok(body) = postcard::to_stdvec(&(root.identity(), known)) {
            let mut bytes = blake3::hash(&body).as_bytes().to_vec();
            bytes.extend_from_slice(&body);
            let _ = root.write_own(NAME, &bytes);
        }
    }

    /// The content of a file, if it is certain that it did not change.
    pub fn hash(&self, path: &[u8], look: &Look) -> Option<BlobHash> {
        let k = self.known.get(path)?;
        let same = (k.size, k.mtime, k.ctime, k.ino, k.dev)
            == (look.size, look.mtime, look.ctime, look.ino, look.dev);
        (same && k.mtime.max(k.ctime) + RACY < k.read_at).then_some(k.hash)
    }

    /// Carries what is known over from last time.
    pub fn keep(&mut self, old: &Stats, path: &[u8]) {
        if let Some(known) = old.known.get(path) {
            self.known.insert(path.to_vec(), known.clone());
        }
    }

    /// A file was read; `read_at`: when that began.
    pub fn learn(&mut self, path: Vec<u8>, look: &Look, hash: BlobHash, read_at: i128) {
        let known = Known {
            size: look.size,
            mtime: look.mtime,
            ctime: look.ctime,
            ino: look.ino,
            dev: look.dev,
            hash,
            read_at,
        };
        self.known.insert(path, known);
    }
}

/// The system's clock as files' times have it.
pub(super) fn now() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i128::try_from(d.as_nanos()).unwrap_or(0))
}
