//! The opened work folder: resolving paths below it, and its own `.regent/` with the lock.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::error::{Error, Result, Why};
use super::folder::Folder;
use super::names::Rel;
use super::read::{Kind, Look, Seen};
use super::stage::Stage;
use crate::git;

/// How often one asks for the lock again.
const BETWEEN: Duration = Duration::from_millis(20);
/// Our folder beside the user's files.
const OWN: &[u8] = b".regent";

/// Asked before each call that changes something, with the call's name and path; an error stops it there. For tests of
/// what happens when the disk is full or the power goes.
pub type Probe = Arc<dyn Fn(&'static str, &[u8]) -> std::io::Result<()> + Send + Sync>;

/// An opened work folder.
pub struct Root {
    top: Folder,
    place: PathBuf,
    /// Git's folders, by device and number: they may be reached under other names.
    git: Vec<(u64, u64)>,
    probe: Option<Probe>,
    pub(super) exchange: bool,
}

/// Held while something is taken or put back; given up when dropped, also by a crash.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone is not enough: a child that is being started at this moment holds the same open file until it has
        // become its program.
        // If this fails, closing is what is left.
        let _ = self.file.unlock();
    }
}

impl Root {
    /// Opens a work folder. `/` is refused, and so is `home`.
    pub fn open(place: &Path, home: Option<&Path>) -> Result<Root> {
        use std::os::unix::ffi::OsStrExt;
        let bytes = place.as_os_str().as_bytes();
        let io = |e: std::io::Error| Error::io(bytes, "open", e);
        let place = place.canonicalize().map_err(io)?;
        let is_home = home
            .and_then(|h| h.canonicalize().ok())
            .is_some_and(|h| h == place);
        if place.parent().is_none() || is_home {
            return Err(Error::refused(bytes, "take", Why::TooWide));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&place, flags, Mode::empty())
            .map_err(|e| Error::io(bytes, "open", e))?;
        let mut git = Vec::new();
        if let Some(repo) = git::discover(&place) {
            for dir in [&repo.git_dir, &repo.common_dir] {
                git.extend(dir.metadata().ok().map(|m| (m.dev(), m.ino())));
            }
        }
        Ok(Root {
            top: Folder::of(fd, Vec::new())?,
            place,
            git,
            probe: None,
            exchange: true,
        })
    }

    /// For tests: asked before each call that changes something.
    #[must_use]
    pub fn with_probe(mut self, probe: Probe) -> Root {
        self.probe = Some(probe);
        self
    }

    /// For tests: as on a file system that cannot exchange two names.
    #[must_use]
    pub fn without_exchange(mut self) -> Root {
        self.exchange = false;
        self
    }

    /// Where it is, links resolved.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Its device and number: snapshots and plans are bound to it.
    pub fn identity(&self) -> (u64, u64) {
        (self.top.look().dev, self.top.look().ino)
    }

    /// The folder itself.
    pub fn top(&self) -> &Folder {
        &self.top
    }

    pub(super) fn about_to(&self, doing: &'static str, path: &[u8]) -> Result<()> {
        match &self.probe {
            Some(probe) => probe(doing, path).map_err(|e| Error::io(path, doing, e)),
            None => Ok(()),
        }
    }

    /// Opens a folder below, part by part: none of them a link, a mount, another repository, or git's under any name.
    /// `None` if there is none.
    pub fn folder(&self, path: &[u8]) -> Result<Option<Folder>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(self.top.fd(), c".", flags, Mode::empty())
            .map_err(|e| Error::io(path, "open", e))?;
        let mut at = Folder::of(fd, Vec::new())?;
        for part in path.split(|b| *b == b'/').filter(|p| !p.is_empty()) {
            at = match at.enter(part) {
                Ok(folder) => folder,
                Err(e) if e.kind() == Some(std::io::ErrorKind::NotFound) => return Ok(None),
                Err(Error {
                    why: Why::NotAFolder,
                    path: at,
                    ..
                }) if !self.is_link(&at)? => return Ok(None),
                Err(e) => return Err(e),
            };
            let id = (at.look().dev, at.look().ino);
            if self.git.contains(&id) {
                return Err(Error::refused(path, "enter", Why::Guarded));
            }
            if at.is_repository()? {
                return Err(Error::refused(path, "enter", Why::Foreign));
            }
        }
        Ok(Some(at))
    }

    /// Whether the last part of a path is a link (its parent was just entered).
    fn is_link(&self, path: &[u8]) -> Result<bool> {
        let look = rustix::fs::statat(self.top.fd(), path, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
        match look {
            Ok(stat) => Ok(Look::of(&stat).kind == Kind::Link),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(e) => Err(Error::io(path, "look at", e)),
        }
    }

    /// The folder that a path lies in; an error if there is none.
    pub(super) fn parent(&self, rel: &Rel) -> Result<Folder> {
        self.folder(rel.parent())?
            .ok_or_else(|| Error::io(rel.bytes(), "find the folder of", Errno::NOENT))
    }

    /// Looks at a path; `None` if there is nothing.
    pub fn look(&self, rel: &Rel) -> Result<Option<Look>> {
        match self.folder(rel.parent())? {
            Some(dir) => dir.look_at(rel.name()),
            None => Ok(None),
        }
    }

    /// What stands under a path, read if it is a regular file of at most `cap` bytes.
    pub fn see(&self, rel: &Rel, cap: u64) -> Result<Seen> {
        match self.folder(rel.parent())? {
            Some(dir) => dir.see(rel.name(), cap),
            None => Ok(Seen {
                node: crate::model::Node::Absent,
                look: None,
                bytes: None,
            }),
        }
    }

    /// Our own folder, made if need be: 0700, ignoring itself, and ours alone.
    pub fn own(&self) -> Result<OwnedFd> {
        let io = |doing, e| Error::io(OWN, doing, e);
        self.about_to("mkdir", OWN)?;
        match rustix::fs::mkdirat(self.top.fd(), OWN, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(e) => return Err(io("make", e)),
        }
        let own = self.top.enter(OWN)?;
        if own.look().uid != rustix::process::geteuid().as_raw() {
            return Err(Error::io(OWN, "use", Errno::PERM));
        }
        if own.look_at(b".gitignore")?.is_none() {
            self.about_to("create", b".regent/.gitignore")?;
            let flags =
                OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match rustix::fs::openat(own.fd(), c".gitignore", flags, Mode::from_raw_mode(0o600)) {
                Ok(fd) => {
                    rustix::io::write(&fd, b"*\n").map_err(|e| io("write", e))?;
                }
                Err(Errno::EXIST) => {}
                Err(e) => return Err(io("make", e)),
            }
        }
        own.fd()
            .try_clone_to_owned()
            .map_err(|e| Error::io(OWN, "open", e))
    }

    /// Takes the lock; `None` if another of us holds it.
    pub fn lock(&self) -> Result<Option<Lock>> {
        let own = self.own()?;
        let path = b".regent/lock";
        self.about_to("create", path)?;
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = rustix::fs::openat(&own, c"lock", flags, Mode::from_raw_mode(0o600))
            .map_err(|e| Error::io(path, "open", e))?;
        let file = File::from(fd);
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { file })),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(e)) => Err(Error::io(path, "lock", e)),
        }
    }

    /// Takes the lock, and waits so long for another of us: a snapshot for an agent's hook holds it for a moment.
    pub fn lock_within(&self, patience: Duration) -> Result<Option<Lock>> {
        let started = Instant::now();
        loop {
            match self.lock()? {
                None if started.elapsed() < patience => std::thread::sleep(BETWEEN),
                other => return Ok(other),
            }
        }
    }

    /// A stage of an operation, made if need be.
    pub fn stage(&self, token: &str) -> Result<Stage> {
        Stage::make(self, token)
    }

    /// The stages that are there, by token.
    pub fn stages(&self) -> Result<Vec<String>> {
        super::stage::all(self)
    }

    /// Bytes that may still be written to the file system, for who asks.
    pub fn free(&self) -> Option<u64> {
        let stat = rustix::fs::fstatvfs(self.top.fd().as_fd()).ok()?;
        stat.f_bavail.checked_mul(stat.f_frsize)
    }
}

/// What we keep for ourselves in `.regent/`, and can make again.
impl Root {
    /// The bytes of a file of ours; `None` if there is none that can be read.
    pub fn read_own(&self, name: &str) -> Option<Vec<u8>> {
        let own = self.top.enter(OWN).ok()?;
        own.see(name.as_bytes(), 1 << 30).ok()?.bytes
    }

    /// A file of ours, opened for reading and writing, made if need be: to be locked.
    pub fn open_own(&self, name: &str) -> Result<File> {
        let own = self.own()?;
        self.about_to("create", name.as_bytes())?;
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        rustix::fs::openat(&own, name, flags, Mode::from_raw_mode(0o600))
            .map(File::from)
            .map_err(|e| Error::io(name.as_bytes(), "open", e))
    }

    /// Writes a file of ours, whole or not at all. Not synced: it can be made again.
    pub fn write_own(&self, name: &str, bytes: &[u8]) -> Result<()> {
        use std::io::Write;
        let own = self.own()?;
        let io = |e: std::io::Error| Error::io(OWN, "write to", e);
        let tmp = format!("{name}.{}.tmp", std::process::id());
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.about_to("create", tmp.as_bytes())?;
        let fd = rustix::fs::openat(&own, tmp.as_str(), flags, Mode::from_raw_mode(0o600))
            .map_err(|e| Error::io(OWN, "write to", e))?;
        File::from(fd).write_all(bytes).map_err(io)?;
        self.about_to("rename", name.as_bytes())?;
        rustix::fs::renameat(&own, tmp.as_str(), &own, name)
            .map_err(|e| Error::io(OWN, "write to", e))
    }
}
