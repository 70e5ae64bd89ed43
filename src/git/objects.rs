//! Git's object store, read only: loose objects, packs, and the stores that `info/alternates` names.
//!
//! Memory is bounded: an object over [`MAX_OBJECT`] is refused, not read. Each object that is handed out has been
//! checked against its own name, so damage becomes an error and never a wrong content.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;
use sha1::{Digest, Sha1};

use super::discover::{config_value, path_from, read_small, trim_line};
use super::pack::Pack;

/// The largest object that is read.
pub const MAX_OBJECT: usize = 64 << 20;
/// Packs whose files are kept open; those of further ones are opened for each look.
const HELD_PACKS: usize = 32;
/// Alternates of alternates, as deep as git follows them.
const MAX_ALTERNATES: usize = 5;
/// Tags of tags are followed so far.
const MAX_TAGS: usize = 8;

/// The name of an object (SHA-1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid(pub [u8; 20]);

impl Oid {
    /// From forty hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Oid> {
        let bytes = text.as_bytes();
        if bytes.len() != 40 {
            return None;
        }
        let mut oid = [0; 20];
        for (slot, pair) in oid.iter_mut().zip(bytes.chunks_exact(2)) {
            let digit = |c: u8| (c as char).to_digit(16);
            *slot = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Some(Oid(oid))
    }

    /// Forty lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        use std::fmt::Write;
        self.0.iter().fold(String::with_capacity(40), |mut s, b| {
            let _ = write!(s, "{b:02x}");
            s
        })
    }
}

impl std::fmt::Display for Oid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hex())
    }
}

impl std::fmt::Debug for Oid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Oid({self})")
    }
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A commit.
    Commit,
    /// A folder.
    Tree,
    /// A file's content.
    Blob,
    /// An annotated tag.
    Tag,
}

impl Kind {
    /// The word that git writes in front of an object.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Commit => "commit",
            Kind::Tree => "tree",
            Kind::Blob => "blob",
            Kind::Tag => "tag",
        }
    }

    fn from_word(word: &[u8]) -> Option<Kind> {
        [Kind::Commit, Kind::Tree, Kind::Blob, Kind::Tag]
            .into_iter()
            .find(|k| k.word().as_bytes() == word)
    }
}

/// Why git's objects could not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GitError {
    /// There is no object store at this place.
    NoStore(PathBuf),
    /// The repository names its objects by SHA-256, which is not read.
    Sha256,
    /// Not forty hexadecimal digits.
    NotAName(String),
    /// The commit is not in this repository (it may have been pruned, or belong to another one).
    CommitNotHere(Oid),
    /// The commit is here, but an object that it needs is not (a shallow or partial clone).
    ObjectNotHere(Oid),
    /// The object is larger than what is read.
    TooLarge {
        /// Which.
        oid: Oid,
        /// Its size in bytes.
        size: u64,
    },
    /// The path is there, but is no file: a link, a folder or a submodule.
    NotAFile,
    /// The store is damaged or cannot be read.
    Damaged(String),
}

impl std::fmt::Display for GitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            GitError::NoStore(dir) => write!(f, "no git objects at {}", dir.display()),
            GitError::Sha256 => f.write_str("a SHA-256 repository: its objects are not read"),
            GitError::NotAName(name) => write!(f, "not a git object's name: {name:?}"),
            GitError::CommitNotHere(oid) => write!(f, "commit {oid} is not in this repository"),
            GitError::ObjectNotHere(oid) => write!(f, "object {oid} is not in this repository"),
            GitError::TooLarge { oid, size } => write!(
                f,
                "object {oid} has {size} bytes, more than the {} MiB that are read",
                MAX_OBJECT >> 20
            ),
            GitError::NotAFile => f.write_str("not a file in that commit"),
            GitError::Damaged(why) => write!(f, "damaged git object store: {why}"),
        }
    }
}

impl std::error::Error for GitError {}

/// The objects of a repository, opened for reading.
pub struct Objects {
    /// `objects` folders: the repository's own, then its alternates.
    stores: Vec<PathBuf>,
    packs: Vec<Pack>,
    /// Packs that could not be opened; an object that is found nowhere may be in one of them.
    unreadable: Vec<String>,
}

impl Objects {
    /// Opens the objects below a common git folder. Packs that cannot be read are remembered, and named if an object is
    /// found nowhere else.
    pub fn open(common_dir: &Path) -> Result<Objects, GitError> {
        let config = read_small(&common_dir.join("config")).unwrap_or_default();
        let config = String::from_utf8_lossy(&config);
        if config_value(&config, "extensions", "objectformat")
            .is_some_and(|f| f.eq_ignore_ascii_case("sha256"))
        {
            return Err(GitError::Sha256);
        }
        let own = common_dir.join("objects");
        if !own.is_dir() {
            return Err(GitError::NoStore(own));
        }
        let mut objects = Objects {
            stores: Vec::new(),
            packs: Vec::new(),
            unreadable: Vec::new(),
        };
        objects.add_store(own, 0);
        Ok(objects)
    }

    fn add_store(&mut self, store: PathBuf, depth: usize) {
        let real = fs::canonicalize(&store).unwrap_or(store);
        if self.stores.contains(&real) {
            return;
        }
        self.add_packs(&real.join("pack"));
        let alternates = read_small(&real.join("info/alternates")).unwrap_or_default();
        self.stores.push(real.clone());
        if depth >= MAX_ALTERNATES {
            return;
        }
        for line in alternates.split(|b| *b == b'\n').map(trim_line) {
            if line.starts_with(b"#") {
                continue;
            }
            if let Some(path) = path_from(line) {
                self.add_store(real.join(path), depth + 1);
            }
        }
    }

    fn add_packs(&mut self, dir: &Path) {
        let Ok(entries) = fs::read_dir(dir) else {
            return;
        };
        let mut names: Vec<PathBuf> = entries
            .flatten()
            .map(|e| e.path())
            .filter(|p| p.extension().is_some_and(|e| e == "idx"))
            .collect();
        names.sort();
        for idx in names {
            match Pack::open(&idx, self.packs.len() < HELD_PACKS) {
                Ok(pack) => self.packs.push(pack),
                Err(why) => self.unreadable.push(format!("{}: {why}", idx.display())),
            }
        }
    }

    /// All objects whose names begin with these (lower-case, at least two) hexadecimal digits.
    pub(super) fn named(&self, beginning: &str) -> Result<Vec<Oid>, GitError> {
        let mut found = Vec::new();
        for pack in &self.packs {
            pack.named(beginning, &mut found)?;
        }
        let (folder, rest) = beginning.split_at_checked(2).unwrap_or((beginning, ""));
        for store in &self.stores {
            let Ok(entries) = fs::read_dir(store.join(folder)) else {
                continue;
            };
            let names = entries
                .flatten()
                .filter_map(|e| e.file_name().into_string().ok());
            let names = names.filter(|n| n.starts_with(rest));
            found.extend(names.filter_map(|n| Oid::from_hex(&format!("{folder}{n}"))));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Reads an object; `None` if it is nowhere here.
    pub fn read(&self, oid: &Oid) -> Result<Option<(Kind, Vec<u8>)>, GitError> {
        let mut damage = None;
        for pack in &self.packs {
            match pack.get(oid) {
                Ok(None) => {}
                Ok(Some(found)) if named(&found, oid) => return Ok(Some(found)),
                Ok(Some(_)) => damage = damage.or(Some(format!("{oid} has another content"))),
                Err(GitError::Damaged(why)) => damage = damage.or(Some(why)),
                Err(other) => return Err(other),
            }
        }
        for store in &self.stores {
            match read_loose(store, oid) {
                Ok(None) => {}
                Ok(Some(found)) if named(&found, oid) => return Ok(Some(found)),
                Ok(Some(_)) => damage = damage.or(Some(format!("{oid} has another content"))),
                Err(GitError::Damaged(why)) => damage = damage.or(Some(why)),
                Err(other) => return Err(other),
            }
        }
        match damage.or_else(|| self.unreadable.first().cloned()) {
            Some(why) => Err(GitError::Damaged(why)),
            None => Ok(None),
        }
    }

    /// The content of a file in a commit. `path` is relative to the worktree, its parts divided by `/`; `None` means that
    /// the commit has no such path.
    pub fn blob_at(&self, commit: &str, path: &[u8]) -> Result<Option<Vec<u8>>, GitError> {
        let mut tree = self.tree_of(commit)?;
        let parts: Vec<&[u8]> = path
            .split(|b| *b == b'/')
            .filter(|p| !p.is_empty() && *p != b".")
            .collect();
        let Some((leaf, folders)) = parts.split_last() else {
            return Err(GitError::NotAFile);
        };
        for part in folders {
            match entry(&self.need(&tree, Kind::Tree)?, part)? {
                Some((Mode::Tree, oid)) => tree = oid,
                Some(_) | None => return Ok(None),
            }
        }
        match entry(&self.need(&tree, Kind::Tree)?, leaf)? {
            Some((Mode::File, oid)) => Ok(Some(self.need(&oid, Kind::Blob)?)),
            Some(_) => Err(GitError::NotAFile),
            None => Ok(None),
        }
    }

    /// The root tree of a commit, or of the commit that a tag names.
    fn tree_of(&self, commit: &str) -> Result<Oid, GitError> {
        let mut oid = Oid::from_hex(commit).ok_or_else(|| GitError::NotAName(commit.to_owned()))?;
        for _ in 0..MAX_TAGS {
            let (kind, bytes) = self.read(&oid)?.ok_or(GitError::CommitNotHere(oid))?;
            match kind {
                Kind::Commit => return header_oid(&bytes, b"tree ", &oid),
                Kind::Tag => oid = header_oid(&bytes, b"object ", &oid)?,
                Kind::Tree | Kind::Blob => {
                    return Err(GitError::Damaged(format!("{oid} is a {}", kind.word())));
                }
            }
        }
        Err(GitError::Damaged(format!("{commit} is a tag of tags")))
    }

    pub(super) fn need(&self, oid: &Oid, wanted: Kind) -> Result<Vec<u8>, GitError> {
        match self.read(oid)? {
            Some((kind, bytes)) if kind == wanted => Ok(bytes),
            Some((kind, _)) => Err(GitError::Damaged(format!(
                "{oid} is a {}, not a {}",
                kind.word(),
                wanted.word()
            ))),
            None => Err(GitError::ObjectNotHere(*oid)),
        }
    }
}

/// The name that git gives to a file's content.
pub fn blob_sha1(bytes: &[u8]) -> [u8; 20] {
    name_of(Kind::Blob, bytes)
}

fn name_of(kind: Kind, bytes: &[u8]) -> [u8; 20] {
    let mut hash = Sha1::new();
    hash.update(format!("{} {}\0", kind.word(), bytes.len()));
    hash.update(bytes);
    hash.finalize().into()
}

fn named(found: &(Kind, Vec<u8>), oid: &Oid) -> bool {
    name_of(found.0, &found.1) == oid.0
}

/// What stands in a tree under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    File,
    Tree,
    Other,
}

/// Looks a name up in a tree: `mode name NUL oid`, again and again.
pub(super) fn entry(tree: &[u8], name: &[u8]) -> Result<Option<(Mode, Oid)>, GitError> {
    let damaged = || GitError::Damaged("a tree cannot be read".to_owned());
    let mut rest = tree;
    while !rest.is_empty() {
        let space = memchr::memchr(b' ', rest).ok_or_else(damaged)?;
        let end = memchr::memchr(0, rest).ok_or_else(damaged)?;
        let oid = rest.get(end + 1..end + 21).ok_or_else(damaged)?;
        let mode = rest.get(..space).ok_or_else(damaged)?;
        if rest.get(space + 1..end).ok_or_else(damaged)? == name {
            let mode = match mode {
                b"40000" | b"040000" => Mode::Tree,
                m if m.starts_with(b"100") => Mode::File,
                _ => Mode::Other,
            };
            let oid = oid.try_into().map_err(|_| damaged())?;
            return Ok(Some((mode, Oid(oid))));
        }
        rest = &rest[end + 21..];
    }
    Ok(None)
}

/// The object named in the first line of a commit or tag.
pub(super) fn header_oid(bytes: &[u8], word: &[u8], of: &Oid) -> Result<Oid, GitError> {
    bytes
        .strip_prefix(word)
        .and_then(|rest| rest.get(..40))
        .and_then(|hex| std::str::from_utf8(hex).ok())
        .and_then(Oid::from_hex)
        .ok_or_else(|| GitError::Damaged(format!("{of} cannot be read")))
}

fn read_loose(store: &Path, oid: &Oid) -> Result<Option<(Kind, Vec<u8>)>, GitError> {
    let hex = oid.hex();
    let path = store.join(&hex[..2]).join(&hex[2..]);
    let file = match fs::File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(GitError::Damaged(format!("{}: {e}", path.display()))),
    };
    let damaged = |why: &str| GitError::Damaged(format!("object {oid}: {why}"));
    let mut stream = ZlibDecoder::new(std::io::BufReader::new(file));
    // "commit 18446744073709551615\0" has 28 bytes.
    let mut header = Vec::with_capacity(32);
    loop {
        let mut byte = [0];
        stream
            .read_exact(&mut byte)
            .map_err(|e| damaged(&e.to_string()))?;
        if byte[0] == 0 {
            break;
        }
        header.push(byte[0]);
        if header.len() > 32 {
            return Err(damaged("no header"));
        }
    }
    let space = memchr::memchr(b' ', &header).ok_or_else(|| damaged("no header"))?;
    let kind = Kind::from_word(&header[..space]).ok_or_else(|| damaged("an unknown kind"))?;
    let size: u64 = std::str::from_utf8(&header[space + 1..])
        .ok()
        .and_then(|s| s.parse().ok())
        .ok_or_else(|| damaged("no size"))?;
    if size > MAX_OBJECT as u64 {
        return Err(GitError::TooLarge { oid: *oid, size });
    }
    let bytes = read_sized(stream, size).map_err(|why| damaged(&why))?;
    Ok(Some((kind, bytes)))
}

/// Reads a stream that must hold exactly `size` bytes.
pub(super) fn read_sized(stream: impl Read, size: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    stream
        .take(size + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| e.to_string())?;
    if bytes.len() as u64 == size {
        Ok(bytes)
    } else {
        Err("another size than it says".to_owned())
    }
}
