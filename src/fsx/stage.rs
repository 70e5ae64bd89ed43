//! Moving things between the tree and a stage on the same file system. Nothing of the user's is unlinked: what is
//! displaced lies in the stage until its bytes are known to be stored.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::error::{Error, Result, Why};
use super::folder::Folder;
use super::names::Rel;
use super::read::{self, Look, Seen};
use super::root::Root;

/// A folder of ours on the file system of the root, for one operation.
#[derive(Debug)]
pub struct Stage {
    fd: OwnedFd,
    folder: OwnedFd,
    path: Vec<u8>,
    token: String,
}

const STAGES: &str = "stage";

fn stages(root: &Root) -> Result<OwnedFd> {
    let own = root.own()?;
    enter(root, own.as_fd(), STAGES, b".regent/stage")
}

fn enter(root: &Root, dir: BorrowedFd<'_>, name: &str, path: &[u8]) -> Result<OwnedFd> {
    root.about_to("mkdir", path)?;
    match rustix::fs::mkdirat(dir, name, Mode::from_raw_mode(0o700)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(e) => return Err(Error::io(path, "make", e)),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dir, name, flags, Mode::empty()).map_err(|e| Error::io(path, "open", e))
}

/// The stages that are there.
pub(super) fn all(root: &Root) -> Result<Vec<String>> {
    let Some(own) = root.top().look_at(b".regent")? else {
        return Ok(Vec::new());
    };
    if own.kind != super::Kind::Dir || root.top().enter(b".regent")?.look_at(b"stage")?.is_none() {
        return Ok(Vec::new());
    }
    let folder = Folder::of(stages(root)?, b".regent/stage".to_vec())?;
    let names = folder
        .list()?
        .into_iter()
        .map(|e| String::from_utf8_lossy(&e.name).into_owned());
    Ok(names.collect())
}

impl Stage {
    pub(super) fn make(root: &Root, token: &str) -> Result<Stage> {
        let folder = stages(root)?;
        let path = format!(".regent/stage/{token}").into_bytes();
        let fd = enter(root, folder.as_fd(), token, &path)?;
        Ok(Stage {
            fd,
            folder,
            path,
            token: token.to_owned(),
        })
    }

    fn at(&self, slot: &str) -> Vec<u8> {
        let mut path = self.path.clone();
        path.push(b'/');
        path.extend_from_slice(slot.as_bytes());
        path
    }

    /// Looks at a slot.
    pub fn look(&self, slot: &str) -> Result<Option<Look>> {
        read::look(&self.fd, slot.as_bytes(), || self.at(slot))
    }

    /// What lies in a slot, with its bytes if it is a regular file of at most `cap` bytes.
    pub fn see(&self, slot: &str, cap: u64) -> Result<Seen> {
        read::see(&self.fd, slot.as_bytes(), &self.at(slot), cap)
    }

    /// Puts a new file into a slot, complete before it is seen: content, owner and attributes of the one it will
    /// replace, mode. `sync`: it is on the disk then, else only after [`Root::sync_whole`]. Its number.
    pub fn put_file(
        &self,
        root: &Root,
        slot: &str,
        bytes: &[u8],
        mode: u32,
        like: Option<&Rel>,
        sync: bool,
    ) -> Result<u64> {
        let path = self.at(slot);
        root.about_to("create", &path)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, slot, flags, Mode::from_raw_mode(0o600))
            .map_err(|e| Error::io(&path, "make", e))?;
        let mut file = File::from(fd);
        root.about_to("write", &path)?;
        file.write_all(bytes)
            .map_err(|e| Error::io(&path, "write", e))?;
        if let Some(rel) = like {
            keep_attributes(root, rel, &file)?;
        }
        root.about_to("chmod", &path)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode as rustix::fs::RawMode))
            .map_err(|e| Error::io(&path, "set the mode of", e))?;
        if sync {
            root.about_to("fsync", &path)?;
            file.sync_all().map_err(|e| Error::io(&path, "sync", e))?;
        }
        let stat = rustix::fs::fstat(&file).map_err(|e| Error::io(&path, "look at", e))?;
        Ok(Look::of(&stat).ino)
    }

    /// Puts a new link into a slot. Its number.
    pub fn put_link(&self, root: &Root, slot: &str, target: &[u8]) -> Result<u64> {
        let path = self.at(slot);
        root.about_to("symlink", &path)?;
        rustix::fs::symlinkat(target, &self.fd, slot).map_err(|e| Error::io(&path, "make", e))?;
        Ok(self.look(slot)?.map_or(0, |l| l.ino))
    }

    /// Exchanges a slot with a path of the tree, neither of them a folder. Where the file system cannot, the old one is
    /// moved to `SLOT.old` in the stage before the new one takes its name.
    pub fn exchange(&self, root: &Root, slot: &str, rel: &Rel) -> Result<()> {
        let dir = root.parent(rel)?;
        if root.exchange {
            root.about_to("exchange", rel.bytes())?;
            match rustix::fs::renameat_with(
                &self.fd,
                slot,
                dir.fd(),
                rel.name(),
                RenameFlags::EXCHANGE,
            ) {
                Err(e) if unsupported(e) => {}
                other => return other.map_err(|e| Error::io(rel.bytes(), "replace", e)),
            }
        }
        // What is there goes first, whatever it is by now, and the new one comes where nothing may be: a rename over the name
        // would destroy what somebody put there a moment ago. For that moment the name is missing; recovery knows it.
        let old = format!("{slot}.old");
        self.take(root, &old, rel)?;
        self.put_new(root, slot, rel)
    }

    /// Takes an exchange back: what was displaced gets its name again, and what had taken its place comes back into the
    /// stage. Where names cannot be exchanged, that becomes `SLOT.back`.
    pub fn give_back(&self, root: &Root, slot: &str, rel: &Rel) -> Result<()> {
        let old = format!("{slot}.old");
        if self.look(&old)?.is_some() {
            let back = format!("{slot}.back");
            if root.look(rel)?.is_some() && self.look(&back)?.is_none() {
                self.take(root, &back, rel)?;
            }
            return self.put_new(root, &old, rel);
        }
        let dir = root.parent(rel)?;
        root.about_to("exchange", rel.bytes())?;
        rustix::fs::renameat_with(&self.fd, slot, dir.fd(), rel.name(), RenameFlags::EXCHANGE)
            .map_err(|e| Error::io(rel.bytes(), "put back", e))
    }

    /// Where what a path held before an exchange now lies.
    pub fn displaced(&self, slot: &str) -> Result<String> {
        let old = format!("{slot}.old");
        Ok(if self.look(&old)?.is_some() {
            old
        } else {
            slot.to_owned()
        })
    }

    /// Moves a slot to a path of the tree where nothing may be.
    pub fn put_new(&self, root: &Root, slot: &str, rel: &Rel) -> Result<()> {
        let dir = root.parent(rel)?;
        root.about_to("rename", rel.bytes())?;
        move_new(
            (self.fd.as_fd(), slot.as_bytes()),
            (dir.fd(), rel.name()),
            root.exchange,
        )
        .map_err(|e| Error::io(rel.bytes(), "create", e))
    }

    /// Moves a path of the tree, no folder, to a slot where nothing is.
    pub fn take(&self, root: &Root, slot: &str, rel: &Rel) -> Result<()> {
        let dir = root.parent(rel)?;
        root.about_to("rename", rel.bytes())?;
        move_new(
            (dir.fd(), rel.name()),
            (self.fd.as_fd(), slot.as_bytes()),
            root.exchange,
        )
        .map_err(|e| Error::io(rel.bytes(), "remove", e))
    }

    /// Writes down in which store the journal of this operation is, for a start that uses another one.
    pub fn note_store(&self, root: &Root, store: &[u8]) -> Result<()> {
        if self.look("store")?.is_none() {
            self.put_file(root, "store", store, 0o600, None, true)?;
        }
        Ok(())
    }

    /// The names in the stage and its own are on the disk.
    pub fn sync(&self, root: &Root) -> Result<()> {
        root.about_to("fsync", &self.path)?;
        for fd in [&self.fd, &self.folder] {
            rustix::fs::fsync(fd).map_err(|e| Error::io(&self.path, "sync", e))?;
        }
        Ok(())
    }

    /// Removes the stage. Only to be called when all that lies in it is stored elsewhere, or was ours.
    pub fn remove(self, root: &Root) -> Result<()> {
        let folder = Folder::of(
            self.fd
                .try_clone()
                .map_err(|e| Error::io(&self.path, "open", e))?,
            self.path.clone(),
        )?;
        for entry in folder.list()? {
            root.about_to("unlink", &self.path)?;
            rustix::fs::unlinkat(&self.fd, entry.name.as_slice(), AtFlags::empty())
                .map_err(|e| Error::io(&self.path, "empty", e))?;
        }
        root.about_to("rmdir", &self.path)?;
        rustix::fs::unlinkat(&self.folder, self.token.as_str(), AtFlags::REMOVEDIR)
            .map_err(|e| Error::io(&self.path, "remove", e))
    }
}

impl Root {
    /// Makes a folder of the tree.
    pub fn make_folder(&self, rel: &Rel, mode: u32) -> Result<()> {
        let dir = self.parent(rel)?;
        self.about_to("mkdir", rel.bytes())?;
        rustix::fs::mkdirat(dir.fd(), rel.name(), Mode::from_raw_mode(0o700))
            .map_err(|e| Error::io(rel.bytes(), "make", e))?;
        self.about_to("chmod", rel.bytes())?;
        let made = dir.enter(rel.name())?;
        rustix::fs::fchmod(made.fd(), Mode::from_raw_mode(mode as rustix::fs::RawMode))
            .map_err(|e| Error::io(rel.bytes(), "set the mode of", e))
    }

    /// Removes a folder of the tree if it is empty; whether it is gone. One that is not empty stays: that is no error.
    pub fn remove_folder(&self, rel: &Rel) -> Result<bool> {
        let dir = self.parent(rel)?;
        self.about_to("rmdir", rel.bytes())?;
        match rustix::fs::unlinkat(dir.fd(), rel.name(), AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR | Errno::BUSY) => Ok(false),
            Err(e) => Err(Error::io(rel.bytes(), "remove", e)),
        }
    }

    /// Everything written so far to the file system of the root is on the disk; `false` where the system has no call that
    /// does that and tells of errors, and nothing was done. For a thousand files it takes as long as for one.
    pub fn sync_whole(&self) -> Result<bool> {
        #[cfg(target_os = "linux")]
        {
            self.about_to("syncfs", b"")?;
            rustix::fs::syncfs(self.top().fd()).map_err(|e| Error::io(b"", "sync", e))?;
            Ok(true)
        }
        #[cfg(not(target_os = "linux"))]
        Ok(false)
    }

    /// The names in a folder are on the disk; nothing to do where the folder is gone.
    pub fn sync_folder(&self, path: &[u8]) -> Result<()> {
        let folder = match self.folder(path) {
            Ok(folder) => folder,
            // A link has its name now; that is in the folder above.
            Err(e) if matches!(e.why, Why::NotAFolder) => None,
            Err(e) => return Err(e),
        };
        if let Some(folder) = folder {
            self.about_to("fsync", path)?;
            rustix::fs::fsync(folder.fd()).map_err(|e| Error::io(path, "sync", e))?;
        }
        Ok(())
    }
}

type Name<'a> = (BorrowedFd<'a>, &'a [u8]);

/// Moves to a name that must be free.
fn move_new(from: Name<'_>, to: Name<'_>, modern: bool) -> rustix::io::Result<()> {
    if modern {
        match rustix::fs::renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE) {
            Err(e) if unsupported(e) => {}
            other => return other,
        }
    }
    // A second name fails where something is, so nothing is overwritten; then the first one goes.
    rustix::fs::linkat(from.0, from.1, to.0, to.1, AtFlags::empty())?;
    rustix::fs::unlinkat(from.0, from.1, AtFlags::empty())
}

fn unsupported(e: Errno) -> bool {
    matches!(e, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}

/// What of a file cannot be put back: told in the plan, before anything is done.
#[cfg(target_os = "linux")]
pub(super) fn oddities(dir: BorrowedFd<'_>, name: &[u8]) -> Vec<&'static str> {
    const IMMUTABLE: u64 = 0x10;
    const APPEND: u64 = 0x20;
    let mut odd = Vec::new();
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    if let Ok(x) = rustix::fs::statx(dir, name, flags, rustix::fs::StatxFlags::BASIC_STATS)
        && x.stx_attributes.bits() & (IMMUTABLE | APPEND) != 0
    {
        odd.push("immutable");
    }
    if let Ok(Some((fd, _))) = read::open(dir, name, name)
        && let Ok(names) = attributes(fd.as_fd())
    {
        if names.iter().any(|n| n == b"security.capability") {
            odd.push("file capabilities");
        }
        if !names.is_empty() {
            odd.push("extended attributes");
        }
    }
    odd
}

#[cfg(not(target_os = "linux"))]
pub(super) fn oddities(_dir: BorrowedFd<'_>, _name: &[u8]) -> Vec<&'static str> {
    Vec::new()
}

/// Attributes that the system sets by itself on every new file.
const BY_SYSTEM: &[&[u8]] = &[
    b"security.selinux",
    b"security.ima",
    b"security.evm",
    b"security.apparmor",
    b"security.SMACK64",
];

/// The names of the extended attributes of a file or folder, but for those that the system sets by itself.
pub(super) fn attributes(fd: BorrowedFd<'_>) -> rustix::io::Result<Vec<Vec<u8>>> {
    let mut names = vec![0u8; 64 << 10];
    let len = match rustix::fs::flistxattr(fd, &mut names) {
        Ok(len) => len,
        Err(e) if e == Errno::OPNOTSUPP || e == Errno::NOSYS => 0,
        Err(e) => return Err(e),
    };
    let names = names[..len]
        .split(|b| *b == 0)
        .filter(|n| !n.is_empty() && !BY_SYSTEM.contains(n));
    Ok(names.map(<[u8]>::to_vec).collect())
}

/// Gives a new file the owner and the extended attributes of the one it will replace, or fails.
fn keep_attributes(root: &Root, rel: &Rel, new: &File) -> Result<()> {
    let dir = root.parent(rel)?;
    let Some((old, look)) = read::open(dir.fd(), rel.name(), rel.bytes())? else {
        return Ok(());
    };
    let io = |doing, e: Errno| Error::io(rel.bytes(), doing, e);
    let ours = Look::of(&rustix::fs::fstat(new).map_err(|e| io("look at", e))?);
    if (ours.uid, ours.gid) != (look.uid, look.gid) {
        let (uid, gid) = (
            rustix::fs::Uid::from_raw(look.uid),
            rustix::fs::Gid::from_raw(look.gid),
        );
        root.about_to("chown", rel.bytes())?;
        rustix::fs::fchown(new, Some(uid), Some(gid)).map_err(|e| io("keep the owner of", e))?;
    }
    for name in attributes(old.as_fd()).map_err(|e| io("read the attributes of", e))? {
        let mut value = vec![0u8; 64 << 10];
        let len = rustix::fs::fgetxattr(&old, name.as_slice(), &mut value)
            .map_err(|e| io("read the attributes of", e))?;
        root.about_to("setxattr", rel.bytes())?;
        rustix::fs::fsetxattr(
            new,
            name.as_slice(),
            &value[..len],
            rustix::fs::XattrFlags::empty(),
        )
        .map_err(|e| io("keep the attributes of", e))?;
    }
    Ok(())
}
