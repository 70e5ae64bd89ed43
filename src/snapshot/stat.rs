//! What the system told of each file when it was last read, so that an unchanged one is not read again. One file in
//! `.regent/` that can be deleted at any time.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::fsx::{Look, Root};
use crate::model::{BlobHash, Node};

const NAME: &str = "stat";
/// A file that changed less than this before it was read may have changed again within one tick of the clock, with the
/// same time: it is read again. Some file systems tick every two seconds.
const RACY: i128 = 2_500_000_000;

/// A file as it was when it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    size: u64,
    mtime: i64,
    ctime: i64,
    ino: u64,
    dev: u64,
    hash: BlobHash,
    read_at: i64,
}

/// The files of a folder by name, sorted.
pub(super) type Files = Vec<(Vec<u8>, Known)>;
/// Folders by path.
pub(super) type Folders = Vec<(Vec<u8>, Files)>;
/// The root's identity and its folders, as they are saved.
type Saved = ((u64, u64), Folders);

/// The files known from last time.
#[derive(Debug, Default)]
pub(super) struct Stats {
    folders: HashMap<Vec<u8>, Files>,
}

impl Known {
    /// A file was read; `read_at`: when that began.
    pub fn new(look: &Look, hash: BlobHash, read_at: i128) -> Known {
        Known {
            size: look.size,
            mtime: clamp(look.mtime),
            ctime: clamp(look.ctime),
            ino: look.ino,
            dev: look.dev,
            hash,
            read_at: clamp(read_at),
        }
    }

    /// The file, with the mode that it has now.
    pub fn node(&self, mode: u32) -> Node {
        Node::File {
            hash: self.hash,
            size: self.size,
            mode,
        }
    }

    /// Whether it is certain that it did not change.
    fn still(&self, look: &Look) -> bool {
        let same = (self.size, self.mtime, self.ctime, self.ino, self.dev)
            == (
                look.size,
                clamp(look.mtime),
                clamp(look.ctime),
                look.ino,
                look.dev,
            );
        same && i128::from(self.mtime.max(self.ctime)) + RACY < i128::from(self.read_at)
    }
}

/// Times beyond the year 2262 are one time: such a file is racy for ever.
fn clamp(ns: i128) -> i64 {
    i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
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
            let (identity, folders): Saved = postcard::from_bytes(body).ok()?;
            (identity == root.identity()).then(|| Stats {
                folders: folders.into_iter().collect(),
            })
        };
        load().unwrap_or_default()
    }

    /// For the next time. That it cannot be saved costs only time.
    pub fn save(root: &Root, folders: Folders) {
        let saved: Saved = (root.identity(), folders);
        if let Ok(body) = postcard::to_stdvec(&saved) {
            let mut bytes = blake3::hash(&body).as_bytes().to_vec();
            bytes.extend_from_slice(&body);
            let _ = root.write_own(NAME, &bytes);
        }
    }

    /// The files known of a folder.
    pub fn folder(&self, path: &[u8]) -> &[(Vec<u8>, Known)] {
        self.folders.get(path).map_or(&[], Vec::as_slice)
    }
}

/// What is known of a file, if it is certain that it did not change.
pub(super) fn known(files: &[(Vec<u8>, Known)], name: &[u8], look: &Look) -> Option<Known> {
    let at = files.binary_search_by(|f| f.0.as_slice().cmp(name)).ok()?;
    files[at].1.still(look).then(|| files[at].1.clone())
}

/// The system's clock as files' times have it.
pub(super) fn now() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i128::try_from(d.as_nanos()).unwrap_or(0))
}
