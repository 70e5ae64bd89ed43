//! What the system told of each file when it was last read, so that an unchanged one is not read again. One file in
//! `.regent/` that can be deleted at any time.

use std::collections::HashMap;
use std::ops::Range;
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
type Files<'a> = Vec<(&'a [u8], Known)>;
/// A number for this shape, the root's identity, and its folders by path; the files of each are packed by themselves, so
/// that they are unpacked by whoever walks through that folder, and taken over as they are where nothing changed.
type Saved<'a> = (u8, (u64, u64), Vec<(&'a [u8], &'a [u8])>);
const SHAPE: u8 = 2;

/// The files known from last time.
#[derive(Debug, Default)]
pub(super) struct Stats {
    bytes: Vec<u8>,
    /// Where the files of each folder stand in `bytes`.
    folders: HashMap<Vec<u8>, Range<usize>>,
}

/// The files known of a folder.
#[derive(Debug, Default)]
pub(super) struct Folder<'a> {
    files: Files<'a>,
}

/// What is to be remembered of a folder.
pub(super) enum Kept<'a> {
    /// As it was.
    Same,
    /// These files, sorted by name.
    Files(Vec<(&'a [u8], &'a Known)>),
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

    /// Its bytes.
    pub fn size(&self) -> u64 {
        self.size
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
            let (shape, identity, saved): Saved<'_> = postcard::from_bytes(body).ok()?;
            if (shape, identity) != (SHAPE, root.identity()) {
                return None;
            }
            let start = bytes.as_ptr() as usize;
            let place = |files: &[u8]| {
                let at = files.as_ptr() as usize - start;
                at..at + files.len()
            };
            let folders = saved
                .into_iter()
                .map(|(path, files)| (path.to_vec(), place(files)))
                .collect();
            Some(Stats { bytes, folders })
        };
        load().unwrap_or_default()
    }

    /// For the next time. That it cannot be saved costs only time.
    pub fn save<'a>(&self, root: &Root, folders: impl Iterator<Item = (&'a [u8], Kept<'a>)>) {
        // Behind room for the checksum.
        let mut out = vec![0; 32];
        let mut saved = 0u32;
        let mut rows = Vec::with_capacity(self.bytes.len());
        let mut write = |path: &[u8], files: &[u8]| {
            let row = postcard::to_extend(&(path, files), std::mem::take(&mut rows));
            row.map(|row| {
                rows = row;
                saved += 1;
            })
        };
        for (path, kept) in folders {
            let done = match kept {
                Kept::Same => match self.packed(path) {
                    [] => Ok(()),
                    files => write(path, files),
                },
                Kept::Files(files) if files.is_empty() => Ok(()),
                Kept::Files(files) => {
                    postcard::to_stdvec(&files).and_then(|files| write(path, &files))
                }
            };
            if done.is_err() {
                return;
            }
        }
        let head = postcard::to_extend(&(SHAPE, root.identity(), saved), std::mem::take(&mut out));
        let Ok(mut out) = head else { return };
        out.append(&mut rows);
        let sum = blake3::hash(&out[32..]);
        out[..32].copy_from_slice(sum.as_bytes());
        let _ = root.write_own(NAME, &out);
    }

    fn packed(&self, path: &[u8]) -> &[u8] {
        let place = self.folders.get(path).cloned();
        place.and_then(|p| self.bytes.get(p)).unwrap_or_default()
    }

    /// The files known of a folder.
    pub fn folder(&self, path: &[u8]) -> Folder<'_> {
        let files = postcard::from_bytes(self.packed(path)).unwrap_or_default();
        Folder { files }
    }
}

impl Folder<'_> {
    /// What is known of a file, if it is certain that it did not change.
    pub fn known(&self, name: &[u8], look: &Look) -> Option<Known> {
        let at = self.files.binary_search_by(|f| f.0.cmp(name)).ok()?;
        let known = &self.files[at].1;
        known.still(look).then(|| known.clone())
    }

    /// How many files are known.
    pub fn len(&self) -> usize {
        self.files.len()
    }
}

/// The system's clock as files' times have it.
pub(super) fn now() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i128::try_from(d.as_nanos()).unwrap_or(0))
}
