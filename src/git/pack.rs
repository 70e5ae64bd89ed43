//! One pack and its index (version 2), read at offsets, so that neither is ever held in memory.

use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::bufread::ZlibDecoder;

use super::delta;
use super::objects::{GitError, Kind, MAX_OBJECT, Oid, read_sized};

/// Longer chains of deltas than git itself can make.
const MAX_CHAIN: usize = 4096;
const FANOUT: u64 = 8;
const NAMES: u64 = FANOUT + 256 * 4;

/// A pack.
pub(super) struct Pack {
    idx: PathBuf,
    /// Open for good, or opened for each look: a program may hold few files open (256 on some systems).
    held: Option<Arc<Files>>,
    /// How many objects have a name whose first byte is at most the place here.
    fanout: Vec<u32>,
}

/// A pack's two files.
struct Files {
    index: File,
    pack: File,
    pack_length: u64,
}

impl Files {
    fn open(idx: &Path) -> Result<Files, String> {
        let open = |path: &Path| File::open(path).map_err(|e| e.to_string());
        let pack = open(&idx.with_extension("pack"))?;
        Ok(Files {
            index: open(idx)?,
            pack_length: pack.metadata().map_err(|e| e.to_string())?.len(),
            pack,
        })
    }

    fn index_at(&self, bytes: &mut [u8], at: u64) -> Result<(), String> {
        self.index
            .read_exact_at(bytes, at)
            .map_err(|e| format!("a pack's index: {e}"))
    }

    fn inflate(&self, entry: &Entry) -> Result<Vec<u8>, String> {
        let raw = At {
            file: &self.pack,
            at: entry.data,
        };
        read_sized(ZlibDecoder::new(BufReader::new(raw)), entry.size)
    }
}

/// What stands at an offset: the object's own size, and the base if it is a delta.
struct Entry {
    size: u64,
    what: What,
    /// Where the compressed bytes begin.
    data: u64,
}

enum What {
    Whole(Kind),
    DeltaOn(u64),
}

impl Pack {
    /// Opens a pack by the path of its index, and keeps its files open if `hold` says so.
    pub(super) fn open(idx: &Path, hold: bool) -> Result<Pack, String> {
        let files = Files::open(idx)?;
        let mut head = [0; NAMES as usize];
        files.index_at(&mut head, 0)?;
        if head[..8] != *b"\xfftOc\0\0\0\x02" {
            return Err("an index of another version than 2".to_owned());
        }
        let fanout: Vec<u32> = head[FANOUT as usize..]
            .chunks_exact(4)
            .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        if fanout.windows(2).any(|w| w[0] > w[1]) {
            return Err("an index out of order".to_owned());
        }
        let count = u64::from(fanout[255]);
        let length = files.index.metadata().map_err(|e| e.to_string())?.len();
        if length < NAMES + count * 28 + 40 {
            return Err("an index that ends early".to_owned());
        }
        let mut magic = [0; 8];
        files
            .pack
            .read_exact_at(&mut magic, 0)
            .map_err(|e| e.to_string())?;
        if !magic.starts_with(b"PACK") || !matches!(magic[7], 2 | 3) {
            return Err("not a pack".to_owned());
        }
        Ok(Pack {
            idx: idx.to_owned(),
            held: hold.then(|| Arc::new(files)),
            fanout,
        })
    }

    fn files(&self) -> Result<Arc<Files>, String> {
        match &self.held {
            Some(files) => Ok(Arc::clone(files)),
            None => Files::open(&self.idx).map(Arc::new),
        }
    }

    /// The object of this name; `None` if the pack does not have it.
    pub(super) fn get(&self, oid: &Oid) -> Result<Option<(Kind, Vec<u8>)>, GitError> {
        let damaged = |why: String| GitError::Damaged(format!("{}: {why}", self.idx.display()));
        let first = usize::from(oid.0[0]);
        if self.below(first) == self.fanout[first] {
            return Ok(None);
        }
        let files = self.files().map_err(damaged)?;
        match self.find(&files, oid).map_err(damaged)? {
            Some(offset) => self.read(&files, oid, offset).map(Some),
            None => Ok(None),
        }
    }

    /// Adds the objects whose names begin with these hexadecimal digits.
    pub(super) fn named(&self, beginning: &str, found: &mut Vec<Oid>) -> Result<(), GitError> {
        let damaged = |why: String| GitError::Damaged(format!("{}: {why}", self.idx.display()));
        let Some(lowest) = Oid::from_hex(&format!("{beginning:0<40}")) else {
            return Ok(());
        };
        let first = usize::from(lowest.0[0]);
        let (mut low, end) = (self.below(first), self.fanout[first]);
        let files = self.files().map_err(damaged)?;
        let name = |n: u32| {
            let mut name = [0; 20];
            let at = NAMES + u64::from(n) * 20;
            files.index_at(&mut name, at).map(|()| Oid(name))
        };
        let mut high = end;
        while low < high {
            let middle = low + (high - low) / 2;
            match name(middle).map_err(damaged)? < lowest {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        while low < end {
            let oid = name(low).map_err(damaged)?;
            if !oid.hex().starts_with(beginning) {
                break;
            }
            found.push(oid);
            low += 1;
        }
        Ok(())
    }

    /// How many objects stand before those whose names begin with this byte.
    fn below(&self, first: usize) -> u32 {
        match first {
            0 => 0,
            n => self.fanout[n - 1],
        }
    }

    /// Where an object stands in the pack.
    fn find(&self, files: &Files, oid: &Oid) -> Result<Option<u64>, String> {
        let first = usize::from(oid.0[0]);
        let mut low = self.below(first);
        let mut high = self.fanout[first];
        while low < high {
            let middle = low + (high - low) / 2;
            let mut name = [0; 20];
            files.index_at(&mut name, NAMES + u64::from(middle) * 20)?;
            match name.cmp(&oid.0) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return self.offset(files, middle).map(Some),
            }
        }
        Ok(None)
    }

    /// The offset of the n-th object: 31 bits, or a place in the table of large offsets.
    fn offset(&self, files: &Files, n: u32) -> Result<u64, String> {
        let count = u64::from(self.fanout[255]);
        let mut short = [0; 4];
        files.index_at(&mut short, NAMES + count * 24 + u64::from(n) * 4)?;
        let short = u32::from_be_bytes(short);
        if short & 0x8000_0000 == 0 {
            return Ok(u64::from(short));
        }
        let mut long = [0; 8];
        let place = u64::from(short & 0x7fff_ffff);
        files.index_at(&mut long, NAMES + count * 28 + place * 8)?;
        Ok(u64::from_be_bytes(long))
    }

    /// Reads the object at an offset, through its chain of deltas.
    fn read(&self, files: &Files, oid: &Oid, offset: u64) -> Result<(Kind, Vec<u8>), GitError> {
        let damaged = |why: String| GitError::Damaged(format!("object {oid}: {why}"));
        let mut deltas = Vec::new();
        let mut entry = self.entry(files, offset).map_err(damaged)?;
        let kind = loop {
            if entry.size > MAX_OBJECT as u64 {
                return Err(GitError::TooLarge {
                    oid: *oid,
                    size: entry.size,
                });
            }
            match entry.what {
                What::Whole(kind) => break kind,
                What::DeltaOn(base) => {
                    let next = self.entry(files, base).map_err(damaged)?;
                    deltas.push(std::mem::replace(&mut entry, next));
                    if deltas.len() > MAX_CHAIN {
                        return Err(damaged("its chain of deltas has no end".to_owned()));
                    }
                }
            }
        };
        let mut bytes = files.inflate(&entry).map_err(damaged)?;
        while let Some(delta) = deltas.pop() {
            let delta = files.inflate(&delta).map_err(damaged)?;
            bytes = match delta::apply(&bytes, &delta, MAX_OBJECT) {
                Ok(bytes) => bytes,
                Err(delta::Error::TooLarge(size)) => {
                    return Err(GitError::TooLarge { oid: *oid, size });
                }
                Err(delta::Error::Damaged(why)) => return Err(damaged(why.to_owned())),
            };
        }
        Ok((kind, bytes))
    }

    fn entry(&self, files: &Files, offset: u64) -> Result<Entry, String> {
        if offset < 12 || offset >= files.pack_length {
            return Err("an offset outside the pack".to_owned());
        }
        // Type and size take at most 10 bytes, a base at most 20 more.
        let mut head = [0; 32];
        let there = (files.pack_length - offset).min(32) as usize;
        files
            .pack
            .read_exact_at(&mut head[..there], offset)
            .map_err(|e| e.to_string())?;
        let mut bytes = head[..there].iter().copied();
        let mut next = || bytes.next().ok_or("an object's header ends early");
        let first = next()?;
        let mut size = u64::from(first & 15);
        let mut used = 1;
        let mut more = first & 0x80 != 0;
        while more {
            let byte = next()?;
            let shift = 4 + 7 * (used - 1);
            if shift > 56 {
                return Err("an object's size is beyond measure".to_owned());
            }
            size |= u64::from(byte & 0x7f) << shift;
            used += 1;
            more = byte & 0x80 != 0;
        }
        let what = match (first >> 4) & 7 {
            1 => What::Whole(Kind::Commit),
            2 => What::Whole(Kind::Tree),
            3 => What::Whole(Kind::Blob),
            4 => What::Whole(Kind::Tag),
            6 => {
                let (distance, length) = back(&mut next)?;
                used += length;
                let base = offset.checked_sub(distance).filter(|b| *b < offset);
                What::DeltaOn(base.ok_or("a delta without a base")?)
            }
            7 => {
                let mut name = [0; 20];
                for slot in &mut name {
                    *slot = next()?;
                }
                used += 20;
                What::DeltaOn(
                    self.find(files, &Oid(name))?
                        .ok_or("a delta without a base")?,
                )
            }
            _ => return Err("an object of an unknown kind".to_owned()),
        };
        Ok(Entry {
            size,
            what,
            data: offset + used,
        })
    }
}

/// How far back a base stands: seven bits a byte, the highest first, each further byte adding one.
fn back<'a>(next: &mut impl FnMut() -> Result<u8, &'a str>) -> Result<(u64, u64), String> {
    let mut byte = next()?;
    let mut distance = u64::from(byte & 0x7f);
    let mut used = 1;
    while byte & 0x80 != 0 {
        byte = next()?;
        if distance >= 1 << 55 {
            return Err("a delta without a base".to_owned());
        }
        distance = ((distance + 1) << 7) | u64::from(byte & 0x7f);
        used += 1;
    }
    Ok((distance, used))
}

/// A file read on from an offset, without moving a position that others share.
struct At<'a> {
    file: &'a File,
    at: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.file.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
