//! Looking at one name of a folder: what it is, and its bytes if it is a regular file.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::error::{Error, Result};
use crate::model::{BlobHash, Node, Unread};

/// Reading is tried again while a file changes under us.
const TRIES: usize = 4;

/// What kind of thing a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A folder.
    Dir,
    /// A pipe, a socket, a device.
    Special,
}

/// What the system tells of a name, the name itself not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// What it is.
    pub kind: Kind,
    /// Permission, set-id and sticky bits.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// When its content last changed, nanoseconds.
    pub mtime: i128,
    /// When anything of it last changed.
    pub ctime: i128,
    /// The file system it lies on.
    pub dev: u64,
    /// Its number there.
    pub ino: u64,
    /// How many names it has.
    pub names: u64,
    /// Whose.
    pub uid: u32,
    /// Whose group.
    pub gid: u32,
}

/// A name with what stands behind it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What it is, with its hash if it was read.
    pub node: Node,
    /// What the system tells; `None` where there is nothing.
    pub look: Option<Look>,
    /// The bytes of a file.
    pub bytes: Option<Vec<u8>>,
}

impl Look {
    pub(super) fn of(stat: &Stat) -> Look {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::Link,
            FileType::Directory => Kind::Dir,
            _ => Kind::Special,
        };
        let ns = |s: i128, n: i128| s * 1_000_000_000 + n;
        Look {
            kind,
            mode: wide(stat.st_mode) as u32 & 0o7777,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            mtime: ns(i128::from(stat.st_mtime), i128::from(stat.st_mtime_nsec)),
            ctime: ns(i128::from(stat.st_ctime), i128::from(stat.st_ctime_nsec)),
            dev: wide(stat.st_dev),
            ino: wide(stat.st_ino),
            names: wide(stat.st_nlink),
            uid: stat.st_uid,
            gid: stat.st_gid,
        }
    }

    /// Whether content and mode cannot have changed between two looks.
    pub fn same(&self, other: &Look) -> bool {
        (self.kind, self.mode, self.size, self.ino, self.dev)
            == (other.kind, other.mode, other.size, other.ino, other.dev)
            && self.mtime == other.mtime
            && self.ctime == other.ctime
    }
}

/// The system's numbers have other widths on other systems.
fn wide(n: impl TryInto<u64>) -> u64 {
    n.try_into().unwrap_or(u64::MAX)
}

/// Looks at a name of an opened folder.
pub(super) fn look(
    dir: impl AsFd,
    name: &[u8],
    path: impl FnOnce() -> Vec<u8>,
) -> Result<Option<Look>> {
    match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(Look::of(&stat))),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(e) => Err(Error::io(&path(), "look at", e)),
    }
}

/// Opens a regular file, and nothing else. A pipe put there at the last moment does not block, and is not read.
pub(super) fn open(dir: impl AsFd, name: &[u8], path: &[u8]) -> Result<Option<(OwnedFd, Look)>> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let fd = match rustix::fs::openat(dir, name, flags, Mode::empty()) {
        Ok(fd) => fd,
        // A link is no regular file, and is not followed.
        Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
        Err(e) => return Err(Error::io(path, "open", e)),
    };
    let stat = rustix::fs::fstat(&fd).map_err(|e| Error::io(path, "look at", e))?;
    let look = Look::of(&stat);
    Ok((look.kind == Kind::File).then_some((fd, look)))
}

/// What stands under a name, read if it is a regular file of at most `cap` bytes. Failing to read is an answer, not an
/// error: it is there.
pub(super) fn see(dir: impl AsFd, name: &[u8], path: &[u8], cap: u64) -> Result<Seen> {
    let dir = dir.as_fd();
    let mut last = None;
    for _ in 0..TRIES {
        let Some(look) = look(dir, name, || path.to_vec())? else {
            return Ok(Seen {
                node: Node::Absent,
                look: None,
                bytes: None,
            });
        };
        let seen = |node| {
            Ok(Seen {
                node,
                look: Some(look),
                bytes: None,
            })
        };
        last = Some(look);
        match look.kind {
            Kind::Dir => return seen(Node::Dir { mode: look.mode }),
            Kind::Special => return seen(Node::Special),
            Kind::Link => match rustix::fs::readlinkat(dir, name, Vec::new()) {
                Ok(target) => {
                    return seen(Node::Link {
                        target: target.into_bytes(),
                    });
                }
                Err(Errno::INVAL | Errno::NOENT) => continue,
                Err(e) => return Err(Error::io(path, "read", e)),
            },
            Kind::File if look.size > cap => return seen(unread(&look, Unread::TooLarge)),
            Kind::File => {}
        }
        match read(dir, name, path, cap) {
            Ok(Some((bytes, after))) if after.same(&look) => {
                let node = Node::File {
                    hash: BlobHash::of(&bytes),
                    size: bytes.len() as u64,
                    mode: look.mode,
                };
                return Ok(Seen {
                    node,
                    look: Some(look),
                    bytes: Some(bytes),
                });
            }
            Ok(_) => {}
            Err(_) => return seen(unread(&look, Unread::Failed)),
        }
    }
    Ok(Seen {
        node: last.map_or(Node::Absent, |look| unread(&look, Unread::Failed)),
        look: last,
        bytes: None,
    })
}

fn unread(look: &Look, why: Unread) -> Node {
    Node::Unread {
        size: look.size,
        mode: look.mode,
        why,
    }
}

/// The bytes, and how the file looked after they were read.
fn read(dir: impl AsFd, name: &[u8], path: &[u8], cap: u64) -> Result<Option<(Vec<u8>, Look)>> {
    let Some((fd, look)) = open(dir, name, path)? else {
        return Ok(None);
    };
    let mut file = File::from(fd);
    let mut bytes = Vec::with_capacity(usize::try_from(look.size.min(cap)).unwrap_or(0));
    let io = |e: std::io::Error| Error::io(path, "read", e);
    (&mut file)
        .take(cap + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > cap {
        return Ok(None);
    }
    let stat = rustix::fs::fstat(&file).map_err(|e| Error::io(path, "look at", e))?;
    Ok(Some((bytes, Look::of(&stat))))
}
