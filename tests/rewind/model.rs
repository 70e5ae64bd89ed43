//! A disk that forgets: what a real process did to its folder, read from its system calls, and what is left of that when
//! the power goes. Knows nothing of rewinds.
//!
//! What was synced is there. Of the rest anything may be there or not: contents apart from names, names of one folder apart
//! from those of another, a write in part. Two things are taken for granted, as all file systems in use give them: a
//! rename is one thing, and a name is never given twice.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// The calls that are read. Another that changes something would go unseen: `written` in `power` would fail then.
pub const CALLS: &str = "openat,open,creat,write,writev,pwrite64,pwritev,pwritev2,ftruncate,fallocate,copy_file_range,\
    fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,symlink,symlinkat,\
    chmod,fchmod,fchmodat";

/// A file, link or folder, by number.
type Ino = usize;
/// A name in a folder.
type Name = (Ino, Vec<u8>);

#[derive(Clone, Debug, PartialEq)]
enum Body {
    File(Vec<u8>),
    Link(Vec<u8>),
    Dir(BTreeMap<Vec<u8>, Ino>),
}

/// What lies on the disk; the folder above all is the first.
#[derive(Clone, Debug)]
pub struct Disk {
    all: Vec<(Body, u32)>,
}

/// One thing that was done.
#[derive(Clone, Debug)]
enum Op {
    Write(Ino, usize, Vec<u8>),
    Truncate(Ino, usize),
    Chmod(Ino, u32),
    /// A name for something: new, or another one.
    Give(Name, Ino),
    /// A name less: of a folder only if it is empty.
    Drop(Name, Ino),
    /// To a name that nothing has.
    Rename(Name, Name, Ino),
    /// Over what has the name, if something has.
    Replace(Name, Name, Ino),
    Exchange(Name, Ino, Name, Ino),
    Sync(Ino),
    SyncAll,
}

/// How much is left of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// All of it, as when only the process ends.
    All,
    /// The names, and no contents.
    Names,
    /// What was done up to some moment.
    UpTo,
    /// Names up to some moment, contents by chance: as file systems with a journal of names do.
    Journal,
    /// Anything, each by chance, some writes in part.
    Any,
}

pub const LEFT: [Left; 6] = [
    Left::Nothing,
    Left::All,
    Left::Names,
    Left::UpTo,
    Left::Journal,
    Left::Any,
];

/// Numbers that look like chance.
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n.max(1)
    }
}

impl Disk {
    /// A folder as it is, all of it synced.
    pub fn read(dir: &Path) -> Disk {
        let mut disk = Disk {
            all: vec![(Body::Dir(BTreeMap::new()), 0o755)],
        };
        disk.read_into(0, dir);
        disk
    }

    fn read_into(&mut self, at: Ino, dir: &Path) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let body = match (meta.is_symlink(), meta.is_dir()) {
                (true, _) => Body::Link(fs::read_link(&path).unwrap().into_os_string().into_vec()),
                (_, true) => Body::Dir(BTreeMap::new()),
                _ => Body::File(fs::read(&path).unwrap()),
            };
            let ino = self.add(body, meta.mode() & 0o7777);
            let name = path.file_name().unwrap().as_bytes().to_vec();
            self.dir(at).insert(name, ino);
            if meta.is_dir() {
                self.read_into(ino, &path);
            }
        }
    }

    /// Puts it into an empty folder. `without`: names that nobody finds after a power cut.
    pub fn write(&self, dir: &Path, without: &dyn Fn(&[u8]) -> bool) {
        let mut written: HashMap<Ino, PathBuf> = HashMap::new();
        self.write_from(0, dir, &mut written, without);
    }

    fn write_from(
        &self,
        at: Ino,
        dir: &Path,
        written: &mut HashMap<Ino, PathBuf>,
        without: &dyn Fn(&[u8]) -> bool,
    ) {
        let Body::Dir(names) = &self.all[at].0 else {
            return;
        };
        for (name, ino) in names.iter().filter(|(name, _)| !without(name)) {
            let path = dir.join(std::ffi::OsStr::from_bytes(name));
            if let Some(first) = written.get(ino) {
                fs::hard_link(first, &path).unwrap();
                continue;
            }
            let (body, mode) = &self.all[*ino];
            match body {
                Body::File(bytes) => fs::write(&path, bytes).unwrap(),
                Body::Link(target) => symlink(std::ffi::OsStr::from_bytes(target), &path).unwrap(),
                Body::Dir(_) => {
                    fs::create_dir(&path).unwrap();
                    self.write_from(*ino, &path, written, without);
                }
            }
            if !matches!(body, Body::Link(_)) {
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            }
            if !matches!(body, Body::Dir(_)) {
                written.insert(*ino, path);
            }
        }
    }

    fn add(&mut self, body: Body, mode: u32) -> Ino {
        self.all.push((body, mode));
        self.all.len() - 1
    }

    fn dir(&mut self, ino: Ino) -> &mut BTreeMap<Vec<u8>, Ino> {
        match &mut self.all[ino].0 {
            Body::Dir(names) => names,
            _ => panic!("{ino} is no folder"),
        }
    }

    fn find(&self, path: &[u8]) -> Option<Ino> {
        let mut at = 0;
        for part in path.split(|b| *b == b'/').filter(|p| !p.is_empty()) {
            let Body::Dir(names) = &self.all[at].0 else {
                return None;
            };
            at = *names.get(part)?;
        }
        Some(at)
    }

    fn has(&self, (dir, name): &Name, ino: Ino) -> bool {
        matches!(&self.all[*dir].0, Body::Dir(names) if names.get(name) == Some(&ino))
    }

    fn free(&self, (dir, name): &Name) -> bool {
        matches!(&self.all[*dir].0, Body::Dir(names) if !names.contains_key(name))
    }

    /// Does it, if it can be done to what is there.
    fn act(&mut self, op: &Op) {
        match op {
            Op::Write(ino, at, bytes) => {
                if let Body::File(text) = &mut self.all[*ino].0 {
                    text.resize(text.len().max(at + bytes.len()), 0);
                    text[*at..at + bytes.len()].copy_from_slice(bytes);
                }
            }
            Op::Truncate(ino, len) => {
                if let Body::File(text) = &mut self.all[*ino].0 {
                    text.resize(*len, 0);
                }
            }
            Op::Chmod(ino, mode) => self.all[*ino].1 = *mode,
            Op::Give(name, ino) if self.free(name) => {
                self.dir(name.0).insert(name.1.clone(), *ino);
            }
            Op::Drop(name, ino) if self.has(name, *ino) => {
                let full = matches!(&self.all[*ino].0, Body::Dir(names) if !names.is_empty());
                if !full {
                    self.dir(name.0).remove(&name.1);
                }
            }
            Op::Rename(from, to, ino) | Op::Replace(from, to, ino)
                if self.has(from, *ino) && (self.free(to) || matches!(op, Op::Replace(..))) =>
            {
                self.dir(from.0).remove(&from.1);
                self.dir(to.0).insert(to.1.clone(), *ino);
            }
            Op::Exchange(a, x, b, y) if self.has(a, *x) && self.has(b, *y) => {
                self.dir(a.0).insert(a.1.clone(), *y);
                self.dir(b.0).insert(b.1.clone(), *x);
            }
            _ => {}
        }
    }
}

/// What a process did to a folder, from the beginning.
pub struct Deeds {
    start: Disk,
    ops: Vec<Op>,
    /// Those that changed the user's names.
    busy: Vec<usize>,
}

impl Deeds {
    /// Reads the log of its system calls, written with `-f -y -xx`. `mine`: which paths are the user's.
    pub fn read(start: Disk, base: &Path, mine: fn(&[u8]) -> bool, log: &str) -> Deeds {
        let mut reading = Reading {
            base: base.as_os_str().as_bytes().to_vec(),
            live: start.clone(),
            made: Vec::new(),
            ops: Vec::new(),
            mine,
            busy: Vec::new(),
            at: HashMap::new(),
        };
        let mut begun: HashMap<&str, String> = HashMap::new();
        for line in log.lines() {
            let (pid, call) = line.split_once(' ').unwrap();
            let call = call.trim_start();
            if let Some(head) = call.strip_suffix(" <unfinished ...>") {
                begun.insert(pid, head.to_owned());
            } else if let Some(rest) = call.strip_prefix("<... ") {
                let head = begun.remove(pid).unwrap_or_default();
                let tail = rest.split_once("resumed>").unwrap().1;
                reading.call(&format!("{head}{tail}"));
            } else {
                reading.call(call);
            }
        }
        // Everything that was ever made has its number from the start; it only has no name yet.
        let mut start = start;
        start.all.extend(reading.made);
        Deeds {
            start,
            ops: reading.ops,
            busy: reading.busy,
        }
    }

    /// A moment at which the power goes, by chance: every other time while the user's names are being changed, or soon
    /// afterwards.
    pub fn moment(&self, chance: &mut Chance) -> usize {
        let (all, soon) = (self.ops.len() + 1, 16);
        match (self.busy.first(), self.busy.last()) {
            (Some(first), Some(last)) if chance.below(2) > 0 => {
                (first + chance.below(last - first + soon)).min(all - 1)
            }
            _ => chance.below(all),
        }
    }

    /// What all of it comes to.
    pub fn whole(&self) -> Disk {
        let mut disk = self.start.clone();
        self.ops.iter().for_each(|op| disk.act(op));
        disk
    }

    /// What is there if the power goes at a moment.
    pub fn cut(&self, moment: usize, left: Left, chance: &mut Chance) -> Disk {
        let done = &self.ops[..moment];
        let until = chance.below(moment + 1);
        let mut disk = self.start.clone();
        for (i, op) in done.iter().enumerate() {
            let name = !matches!(op, Op::Write(..) | Op::Truncate(..) | Op::Chmod(..));
            let stays = is_synced(op, &done[i + 1..])
                || match left {
                    Left::Nothing => false,
                    Left::All => true,
                    Left::Names => name,
                    Left::UpTo => i < until,
                    Left::Journal if name => i < until,
                    Left::Journal | Left::Any => chance.below(2) > 0,
                };
            match op {
                _ if stays => disk.act(op),
                Op::Write(ino, at, bytes) if left == Left::Any && chance.below(3) == 0 => {
                    let part = bytes[..chance.below(bytes.len())].to_vec();
                    disk.act(&Op::Write(*ino, *at, part));
                }
                _ => {}
            }
        }
        disk
    }
}

/// Whether something that came later put it on the disk.
fn is_synced(op: &Op, later: &[Op]) -> bool {
    let synced = |ino: Ino| {
        later
            .iter()
            .any(|l| matches!(l, Op::SyncAll) || matches!(l, Op::Sync(i) if *i == ino))
    };
    // A folder that is gone for good has no names that could come back.
    let settled = |dir: Ino| {
        let goes =
            |(at, l): (usize, &Op)| matches!(l, Op::Drop(_, ino) if *ino == dir).then_some(at);
        synced(dir)
            || later
                .iter()
                .enumerate()
                .filter_map(goes)
                .any(|at| is_synced(&later[at], &later[at + 1..]))
    };
    match op {
        Op::Write(ino, ..) | Op::Truncate(ino, _) | Op::Chmod(ino, _) => synced(*ino),
        Op::Give((dir, _), _) | Op::Drop((dir, _), _) => settled(*dir),
        Op::Rename((a, _), (b, _), _)
        | Op::Replace((a, _), (b, _), _)
        | Op::Exchange((a, _), _, (b, _), _) => settled(*a) && settled(*b),
        Op::Sync(_) | Op::SyncAll => true,
    }
}

/// From calls to deeds.
struct Reading {
    base: Vec<u8>,
    live: Disk,
    made: Vec<(Body, u32)>,
    mine: fn(&[u8]) -> bool,
    busy: Vec<usize>,
    ops: Vec<Op>,
    /// Where the next write through a descriptor goes.
    at: HashMap<usize, usize>,
}

impl Reading {
    fn push(&mut self, op: Op) {
        self.live.act(&op);
        self.ops.push(op);
    }

    fn make(&mut self, name: Name, body: Body, mode: u32) {
        self.made.push((body.clone(), mode));
        let ino = self.live.add(body, mode);
        self.push(Op::Give(name, ino));
    }

    /// Where an absolute path lies below the folder; `None` outside of it.
    fn inside(&self, path: &[u8]) -> Option<Vec<u8>> {
        let rest = path.strip_prefix(self.base.as_slice())?;
        (rest.is_empty() || rest[0] == b'/').then(|| rest.to_vec())
    }

    /// The name that a folder and a path in it mean.
    fn name(&mut self, dir: &str, path: &str) -> Option<Name> {
        let path = string(path);
        let whole = match path.first() {
            Some(b'/') => path,
            _ => [place(dir)?.as_slice(), b"/", &path].concat(),
        };
        let rel = self.inside(&whole)?;
        if (self.mine)(&rel) && self.busy.last() != Some(&self.ops.len()) {
            self.busy.push(self.ops.len());
        }
        let slash = rel.iter().rposition(|b| *b == b'/')?;
        Some((self.live.find(&rel[..slash])?, rel[slash + 1..].to_vec()))
    }

    fn named(&self, name: &Name) -> Option<Ino> {
        match &self.live.all[name.0].0 {
            Body::Dir(names) => names.get(&name.1).copied(),
            _ => None,
        }
    }

    /// What a descriptor is open on.
    fn open(&self, fd: &str) -> Option<Ino> {
        self.live.find(&self.inside(&place(fd)?)?)
    }

    fn call(&mut self, line: &str) {
        let Some((head, answer)) = line.rsplit_once(" = ") else {
            return;
        };
        let Some((call, args)) = head.split_once('(') else {
            return;
        };
        if answer.starts_with('-') || answer.starts_with('?') {
            return;
        }
        let args = args.trim_end().trim_end_matches(')');
        let args: Vec<&str> = args.split(", ").collect();
        // Of something outside the folder.
        let _ = self.one(call, &args, answer);
    }

    fn one(&mut self, call: &str, args: &[&str], answer: &str) -> Option<()> {
        match call {
            "openat" => {
                let busy = self.busy.len();
                self.opened(args, answer)?;
                self.busy.truncate(busy);
            }
            "write" | "pwrite64" => {
                let ino = self.open(args[0])?;
                let bytes = string(args[1]);
                let done: usize = answer.trim().parse().unwrap();
                assert!(bytes.len() >= done, "the log is cut");
                let at = match call {
                    "write" => {
                        let at = self.at.entry(number(args[0])).or_default();
                        *at += done;
                        *at - done
                    }
                    _ => args[3].parse().unwrap(),
                };
                self.push(Op::Write(ino, at, bytes[..done].to_vec()));
            }
            "ftruncate" => {
                let ino = self.open(args[0])?;
                self.push(Op::Truncate(ino, args[1].parse().unwrap()));
            }
            "fchmod" => {
                let ino = self.open(args[0])?;
                let mode = u32::from_str_radix(args[1], 8).unwrap();
                self.push(Op::Chmod(ino, mode));
            }
            "fsync" | "fdatasync" => {
                let ino = self.open(args[0])?;
                self.push(Op::Sync(ino));
            }
            "syncfs" => self.push(Op::SyncAll),
            "mkdir" | "mkdirat" => {
                let (dir, args) = split(call, args);
                let mode = u32::from_str_radix(args[1], 8).unwrap();
                let name = self.name(dir, args[0])?;
                self.make(name, Body::Dir(BTreeMap::new()), mode);
            }
            "symlinkat" => {
                let name = self.name(args[1], args[2])?;
                self.make(name, Body::Link(string(args[0])), 0o777);
            }
            "unlink" | "unlinkat" | "rmdir" => {
                let (dir, args) = split(call, args);
                let name = self.name(dir, args[0])?;
                let ino = self.named(&name)?;
                self.push(Op::Drop(name, ino));
            }
            "link" | "linkat" | "rename" | "renameat" | "renameat2" => self.two(call, args)?,
            "chmod" | "fchmodat" => {
                let (dir, args) = split(&call.replace("fchmodat", "at"), args);
                let name = self.name(dir, args[0])?;
                let ino = self.named(&name)?;
                let mode = u32::from_str_radix(args[1], 8).unwrap();
                self.push(Op::Chmod(ino, mode));
            }
            other => {
                let ino = self.open(args[0])?;
                panic!("nobody reads {other} of {ino}: {args:?}");
            }
        }
        Some(())
    }

    fn opened(&mut self, args: &[&str], answer: &str) -> Option<()> {
        let name = self.name(args[0], args[1])?;
        self.at.insert(number(answer), 0);
        let flags: Vec<&str> = args[2].split('|').collect();
        match self.named(&name) {
            None if flags.contains(&"O_CREAT") => {
                let mode = args
                    .get(3)
                    .map_or(0o600, |m| u32::from_str_radix(m, 8).unwrap());
                self.make(name, Body::File(Vec::new()), mode);
            }
            Some(ino) if flags.contains(&"O_TRUNC") => self.push(Op::Truncate(ino, 0)),
            _ => {}
        }
        assert!(!flags.contains(&"O_APPEND"), "nobody reads appending");
        Some(())
    }

    fn two(&mut self, call: &str, args: &[&str]) -> Option<()> {
        let (from, to, flags) = match call {
            "link" | "rename" => (self.name("", args[0])?, self.name("", args[1])?, ""),
            _ => {
                let flags = args.get(4).copied().unwrap_or_default();
                (
                    self.name(args[0], args[1])?,
                    self.name(args[2], args[3])?,
                    flags,
                )
            }
        };
        let ino = self.named(&from)?;
        self.push(if call.starts_with("link") {
            Op::Give(to, ino)
        } else if flags.contains("RENAME_EXCHANGE") {
            let other = self.named(&to)?;
            Op::Exchange(from, ino, to, other)
        } else if flags.contains("RENAME_NOREPLACE") {
            Op::Rename(from, to, ino)
        } else {
            Op::Replace(from, to, ino)
        });
        Some(())
    }
}

/// The folder that names are relative to, and the other words; of calls that have none, nothing.
fn split<'a>(call: &str, args: &'a [&'a str]) -> (&'a str, &'a [&'a str]) {
    match call.ends_with("at") {
        true => (args[0], &args[1..]),
        false => ("", args),
    }
}

/// The number of `7<...>`.
fn number(fd: &str) -> usize {
    let digits = fd.trim().split('<').next().unwrap_or_default();
    digits.parse().unwrap_or(usize::MAX)
}

/// The path of `7<...>`.
fn place(fd: &str) -> Option<Vec<u8>> {
    let (_, rest) = fd.split_once('<')?;
    Some(hex(rest.split_once('>')?.0))
}

/// The bytes of `"\x61"`.
fn string(arg: &str) -> Vec<u8> {
    hex(arg.trim_matches('"'))
}

fn hex(text: &str) -> Vec<u8> {
    let parts = text.split("\\x").skip(1);
    parts.map(|h| u8::from_str_radix(h, 16).unwrap()).collect()
}
