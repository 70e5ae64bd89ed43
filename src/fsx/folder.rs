//! An opened folder, for walking a tree: entries are opened from it by name, never by path.

use std::ffi::CStr;
#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[cfg(target_os = "linux")]
use rustix::fs::ResolveFlags;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::error::{Error, Result, Why};
use super::read::{self, Kind, Look, Seen};

/// An opened folder below a root.
#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
    path: Vec<u8>,
    look: Look,
}

/// A name in a folder.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Raw bytes.
    pub name: Vec<u8>,
    /// What it is.
    pub look: Look,
}

impl Folder {
    pub(super) fn of(fd: OwnedFd, path: Vec<u8>) -> Result<Folder> {
        let stat = rustix::fs::fstat(&fd).map_err(|e| Error::io(&path, "look at", e))?;
        Ok(Folder {
            fd,
            path,
            look: Look::of(&stat),
        })
    }

    /// The descriptor.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// What the system tells of it.
    pub fn look(&self) -> &Look {
        &self.look
    }

    /// Relative to the root; empty for the root.
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// The path of a name in it.
    pub fn join(&self, name: &[u8]) -> Vec<u8> {
        let mut path = self.path.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        path
    }

    /// Opens a folder in it: no link, no mount.
    pub fn enter(&self, name: &[u8]) -> Result<Folder> {
        let path = self.join(name);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = open_beneath(self.fd(), name, flags).map_err(|e| match e {
            Errno::XDEV => Error::refused(&path, "enter", Why::Foreign),
            Errno::LOOP | Errno::NOTDIR => Error::refused(&path, "enter", Why::NotAFolder),
            e => Error::io(&path, "enter", e),
        })?;
        let folder = Folder::of(fd, path)?;
        if folder.look.dev != self.look.dev {
            return Err(Error::refused(&folder.path, "enter", Why::Foreign));
        }
        Ok(folder)
    }

    /// Its names with what they are, sorted by bytes. A name that vanishes meanwhile is not there.
    pub fn list(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for (name, _) in self.names()? {
            if let Some(look) = self.look_at(&name)? {
                entries.push(Entry { name, look });
            }
        }
        Ok(entries)
    }

    /// Its names, sorted by bytes, and whether they are folders, where the system tells that with the name.
    pub fn names(&self) -> Result<Vec<(Vec<u8>, Option<bool>)>> {
        let io = |e: Errno| Error::io(&self.path, "list", e);
        let mut names = Vec::new();
        self.each_name(|name, kind| {
            let name = CStr::to_bytes(name);
            if name != b"." && name != b".." {
                let is_dir = match kind {
                    FileType::Unknown => None,
                    kind => Some(kind == FileType::Directory),
                };
                names.push((name.to_vec(), is_dir));
            }
        })
        .map_err(io)?;
        names.sort_unstable();
        Ok(names)
    }

    /// Without another descriptor for it: a tree has many folders.
    #[cfg(target_os = "linux")]
    fn each_name(&self, mut with: impl FnMut(&CStr, FileType)) -> rustix::io::Result<()> {
        use rustix::fs::{RawDir, SeekFrom, seek};
        let mut room = [MaybeUninit::uninit(); 16 << 10];
        // The place in the list belongs to the open folder, which may have been listed before.
        seek(&self.fd, SeekFrom::Start(0))?;
        let mut dir = RawDir::new(&self.fd, &mut room);
        while let Some(entry) = dir.next() {
            let entry = entry?;
            with(entry.file_name(), entry.file_type());
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn each_name(&self, mut with: impl FnMut(&CStr, FileType)) -> rustix::io::Result<()> {
        let fd = rustix::io::fcntl_dupfd_cloexec(&self.fd, 0)?;
        let mut dir = rustix::fs::Dir::new(fd)?;
        dir.rewind();
        for entry in dir {
            let entry = entry?;
            with(entry.file_name(), entry.file_type());
        }
        Ok(())
    }

    /// Looks at a name.
    pub fn look_at(&self, name: &[u8]) -> Result<Option<Look>> {
        read::look(&self.fd, name, || self.join(name))
    }

    /// What stands under a name, read if it is a regular file of at most `cap` bytes.
    pub fn see(&self, name: &[u8], cap: u64) -> Result<Seen> {
        read::see(&self.fd, name, &self.join(name), cap)
    }

    /// What a file in it has that cannot be put back once it is gone: extended attributes, or marks that forbid change.
    pub fn oddities(&self, name: &[u8]) -> Vec<&'static str> {
        super::stage::oddities(self.fd(), name)
    }

    /// Whether a folder that is made in its place would be the same: it has our owner and no extended attributes.
    pub fn is_plain(&self) -> bool {
        self.look.uid == rustix::process::geteuid().as_raw()
            && super::stage::attributes(self.fd()).is_ok_and(|names| names.is_empty())
    }

    /// Whether it is the top of a repository of its own, or a git folder itself.
    pub fn is_repository(&self) -> Result<bool> {
        if self.look_at(b".git")?.is_some() {
            return Ok(true);
        }
        let is =
            |name: &[u8], kind| Ok::<_, Error>(self.look_at(name)?.is_some_and(|l| l.kind == kind));
        Ok(is(b"HEAD", Kind::File)? && is(b"objects", Kind::Dir)? && is(b"refs", Kind::Dir)?)
    }
}

impl Folder {
    /// The same of a folder that was just listed, whose names say it for nearly all.
    pub fn is_repository_by(&self, names: &[(Vec<u8>, Option<bool>)]) -> Result<bool> {
        let has = |name: &[u8]| {
            let found = names.binary_search_by(|n| n.0.as_slice().cmp(name));
            found.is_ok()
        };
        if has(b".git") {
            return Ok(true);
        }
        match has(b"HEAD") && has(b"objects") && has(b"refs") {
            true => self.is_repository(),
            false => Ok(false),
        }
    }
}

/// Opens one name of a folder so that neither a link nor a mount leads out of it, where the system can promise that;
/// else at least no link.
fn open_beneath(dir: BorrowedFd<'_>, name: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        let resolve = ResolveFlags::BENEATH
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS
            | ResolveFlags::NO_XDEV;
        for _ in 0..16 {
            match rustix::fs::openat2(dir, name, flags, Mode::empty(), resolve) {
                // Something was renamed meanwhile: the system asks to be asked again.
                Err(Errno::AGAIN) => {}
                Err(Errno::NOSYS | Errno::PERM) => break,
                other => return other,
            }
        }
    }
    rustix::fs::openat(dir, name, flags, Mode::empty())
}
