//! Which folder a path belongs to, and which sessions belong to this repository.
//!
//! Paths in transcripts are text from another time and perhaps another machine: they are normalised as text,
//! mapped (`--map OLD=NEW`), and never looked up on disk while reading.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::rows::PathRecord;

/// What a root is; the number is what the store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum RootKind {
    /// What lies outside every root.
    Outside = 0,
    /// The repository's main worktree (or the folder itself, where there is no repository).
    Main = 1,
    /// A linked worktree.
    Linked = 2,
    /// The folder of a session that was asked for by name.
    Session = 3,
}

/// The roots of a store.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// The repository's roots; longest first, so that the first that fits is the nearest.
    roots: Vec<(Arc<[u8]>, RootKind)>,
    /// Other spellings of a root (through a link) and the root that they mean.
    spellings: Vec<(Vec<u8>, Arc<[u8]>)>,
    /// `--map OLD=NEW`.
    map: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Roots {
    /// Roots from folders. Each folder is taken as given and with its links resolved.
    pub fn new(main: Option<&Path>, linked: &[PathBuf], map: &[(PathBuf, PathBuf)]) -> Roots {
        let mut roots = Roots::default();
        for (dir, kind) in main
            .map(|m| (m, RootKind::Main))
            .into_iter()
            .chain(linked.iter().map(|l| (l.as_path(), RootKind::Linked)))
        {
            let real = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
            let real: Arc<[u8]> = trimmed(real.as_os_str().as_bytes()).into();
            if roots.roots.iter().any(|(r, _)| *r == real) {
                continue;
            }
            let given = trimmed(dir.as_os_str().as_bytes());
            if given != &*real {
                roots.spellings.push((given.to_vec(), real.clone()));
            }
            roots.roots.push((real, kind));
        }
        roots.roots.sort_by_key(|(r, _)| std::cmp::Reverse(r.len()));
        for (old, new) in map {
            roots.map.push((
                trimmed(old.as_os_str().as_bytes()).to_vec(),
                trimmed(new.as_os_str().as_bytes()).to_vec(),
            ));
        }
        roots
    }

    /// Adds the names of the roots that lead through links in these paths (the home folder as it is called, the folder one
    /// works in as one came there). They are remembered with the store as if they were mapped: sessions tell their folder
    /// as the shell did that they were started from.
    pub fn reached_by(mut self, ways: &[&Path]) -> Roots {
        for way in ways {
            let Ok(real) = std::fs::canonicalize(way) else {
                continue;
            };
            for (root, _) in &self.roots {
                let folder = Path::new(std::ffi::OsStr::from_bytes(root));
                let Some(name) = other_name(folder, way, &real) else {
                    continue;
                };
                let name = trimmed(name.as_os_str().as_bytes()).to_vec();
                let leads = std::fs::canonicalize(Path::new(std::ffi::OsStr::from_bytes(&name)));
                if name != **root
                    && leads.is_ok_and(|l| l == folder)
                    && !self.map.iter().any(|(old, _)| *old == name)
                {
                    self.map.push((name, root.to_vec()));
                }
            }
        }
        self
    }

    /// The mapped folders as lines, `OLD` and `NEW` in hexadecimal, to be remembered with the store.
    pub(super) fn map_text(&self) -> String {
        let hex = |b: &[u8]| b.iter().map(|b| format!("{b:02x}")).collect::<String>();
        self.map
            .iter()
            .map(|(old, new)| format!("{} {}\n", hex(old), hex(new)))
            .collect()
    }

    /// Adds what [`Roots::map_text`] gave; a folder that is mapped anew keeps its new meaning.
    pub(super) fn remember_map(&mut self, text: &str) {
        let bytes = |hex: &str| {
            let digits = hex.as_bytes().chunks_exact(2);
            digits
                .map(|d| {
                    std::str::from_utf8(d)
                        .ok()
                        .and_then(|d| u8::from_str_radix(d, 16).ok())
                })
                .collect::<Option<Vec<u8>>>()
        };
        for line in text.lines() {
            if let Some((old, new)) = line.split_once(' ')
                && let (Some(old), Some(new)) = (bytes(old), bytes(new))
                && !self.map.iter().any(|(o, _)| *o == old)
            {
                self.map.push((old, new));
            }
        }
    }

    /// The repository's roots with their kinds.
    pub fn list(&self) -> impl Iterator<Item = (&Arc<[u8]>, RootKind)> {
        self.roots.iter().map(|(r, k)| (r, *k))
    }

    /// Byte strings of which at least one must occur in a transcript that can belong here; none: any may.
    ///
    /// A root may be written with escapes in JSON, so the longest run of plain characters stands for it.
    pub fn needles(&self) -> Vec<Vec<u8>> {
        let spelled = self.spellings.iter().map(|(s, _)| s.as_slice());
        let mapped = self
            .map
            .iter()
            .filter(|(_, new)| self.find(new).is_some())
            .map(|(old, _)| old.as_slice());
        let mut needles: Vec<Vec<u8>> = Vec::new();
        for root in self
            .roots
            .iter()
            .map(|(r, _)| &**r)
            .chain(spelled)
            .chain(mapped)
        {
            let plain = longest_plain_run(root);
            if plain.is_empty() {
                return Vec::new();
            }
            if !needles.contains(&plain.to_vec()) {
                needles.push(plain.to_vec());
            }
        }
        needles
    }

    /// Whether a folder or file lies in this repository. `path` must be absolute and normal (see [`absolute`]).
    pub fn inside(&self, path: &[u8]) -> bool {
        self.find(&self.mapped(path)).is_some()
    }

    /// Whether a folder lies in this repository, or the repository in the folder. `path` as for [`Roots::inside`].
    pub fn touches(&self, path: &[u8]) -> bool {
        let spelled = self.spellings.iter().map(|(s, _)| s.as_slice());
        let around = self
            .roots
            .iter()
            .map(|(r, _)| &**r)
            .chain(spelled)
            .any(|root| path == b"/" || below(root, path).is_some());
        around || self.inside(path)
    }

    /// The root and the rest of a path. A session that was asked for by name brings its own folder.
    pub fn locate(&self, path: &[u8], own: Option<&Arc<[u8]>>) -> PathRecord {
        let path = self.mapped(path);
        if let Some((root, rel)) = self.find(&path) {
            return PathRecord {
                root,
                rel: rel.to_vec(),
            };
        }
        if let Some(own) = own
            && let Some(rel) = below(&path, own)
        {
            return PathRecord {
                root: own.clone(),
                rel: rel.to_vec(),
            };
        }
        PathRecord {
            root: Arc::from(&b"/"[..]),
            rel: trimmed_front(&path).to_vec(),
        }
    }

    fn mapped(&self, path: &[u8]) -> Vec<u8> {
        for (old, new) in &self.map {
            if let Some(rel) = below(path, old) {
                let mut out = new.clone();
                if !rel.is_empty() {
                    out.push(b'/');
                    out.extend_from_slice(rel);
                }
                return out;
            }
        }
        path.to_vec()
    }

    fn find<'p>(&self, path: &'p [u8]) -> Option<(Arc<[u8]>, &'p [u8])> {
        self.roots
            .iter()
            .find_map(|(root, _)| below(path, root).map(|rel| (root.clone(), rel)))
            .or_else(|| {
                self.spellings
                    .iter()
                    .find_map(|(given, root)| below(path, given).map(|rel| (root.clone(), rel)))
            })
    }
}

/// A path made absolute from the folder of the moment, without `.` and `..` (as text: no link is followed).
pub fn absolute(cwd: Option<&str>, path: &str) -> Vec<u8> {
    let path = path.strip_prefix("file://").unwrap_or(path);
    let mut parts: Vec<&[u8]> = Vec::new();
    let cwd = if path.starts_with('/') {
        ""
    } else {
        cwd.unwrap_or("")
    };
    for part in cwd
        .as_bytes()
        .split(|b| *b == b'/')
        .chain(path.as_bytes().split(|b| *b == b'/'))
    {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let mut out = Vec::with_capacity(cwd.len() + path.len() + 1);
    for part in parts {
        out.push(b'/');
        out.extend_from_slice(part);
    }
    if out.is_empty() {
        out.push(b'/');
    }
    out
}

/// What a folder would be called on this way, which really leads to `real`: below it or above it.
fn other_name(folder: &Path, way: &Path, real: &Path) -> Option<PathBuf> {
    if let Ok(below) = folder.strip_prefix(real) {
        return Some(way.join(below));
    }
    let rest = real.strip_prefix(folder).ok()?;
    let mut name = way.to_owned();
    for part in rest.components().rev() {
        if name.file_name() != Some(part.as_os_str()) {
            return None;
        }
        name.pop();
    }
    Some(name)
}

/// What stands behind `root/` in `path`; empty for the root itself.
fn below<'p>(path: &'p [u8], root: &[u8]) -> Option<&'p [u8]> {
    let rest = path.strip_prefix(root)?;
    match rest.first() {
        None => Some(rest),
        Some(b'/') => Some(&rest[1..]),
        Some(_) if root.is_empty() => Some(rest),
        Some(_) => None,
    }
}

fn trimmed(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|b| *b != b'/').map_or(0, |i| i + 1);
    &path[..end]
}

fn trimmed_front(path: &[u8]) -> &[u8] {
    let start = path.iter().position(|b| *b != b'/').unwrap_or(path.len());
    &path[start..]
}

fn longest_plain_run(path: &[u8]) -> &[u8] {
    path.split(|b| !(0x20..0x7f).contains(b) || matches!(b, b'"' | b'\\'))
        .max_by_key(|run| run.len())
        .unwrap_or(b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots() -> Roots {
        Roots::new(
            Some(Path::new("/nowhere/shop")),
            &[
                PathBuf::from("/nowhere/shop/.trees/fix"),
                PathBuf::from("/nowhere/shop-old"),
            ],
            &[(
                PathBuf::from("/before/shop"),
                PathBuf::from("/nowhere/shop"),
            )],
        )
    }

    #[test]
    fn the_nearest_root_wins_and_a_common_beginning_is_not_enough() {
        let r = roots();
        let show = |p: &[u8]| {
            let at = r.locate(p, None);
            format!(
                "{} {}",
                String::from_utf8_lossy(&at.root),
                String::from_utf8_lossy(&at.rel)
            )
        };
        assert_eq!(show(b"/nowhere/shop/src/a.rs"), "/nowhere/shop src/a.rs");
        assert_eq!(
            show(b"/nowhere/shop/.trees/fix/a.rs"),
            "/nowhere/shop/.trees/fix a.rs"
        );
        assert_eq!(show(b"/nowhere/shop-old/a.rs"), "/nowhere/shop-old a.rs");
        assert_eq!(show(b"/nowhere/shopping/a.rs"), "/ nowhere/shopping/a.rs");
        assert_eq!(show(b"/before/shop/a.rs"), "/nowhere/shop a.rs");
    }

    #[test]
    fn paths_are_made_absolute_as_text() {
        let abs = |cwd: &str, p: &str| String::from_utf8(absolute(Some(cwd), p)).expect("text");
        assert_eq!(abs("/a/b", "c.rs"), "/a/b/c.rs");
        assert_eq!(abs("/a/b", "../c/./d.rs"), "/a/c/d.rs");
        assert_eq!(abs("/a/b", "/x//y/"), "/x/y");
        assert_eq!(abs("/a", "../../../.."), "/");
        assert_eq!(String::from_utf8(absolute(None, "a")).expect("text"), "/a");
    }

    #[test]
    fn needles_find_every_spelling() {
        let n = roots().needles();
        assert!(n.iter().any(|n| n == b"/nowhere/shop"));
        assert!(n.iter().any(|n| n == b"/before/shop"));
        let odd = Roots::new(Some(Path::new("/x/caf\u{e9}-projects")), &[], &[]);
        assert_eq!(odd.needles(), vec![b"-projects".to_vec()]);
    }
}
