//! Reading a configuration file and putting another text in its place, whole or not at all, although its agent may write
//! it at the same moment.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags};

use super::edit::Refused;

/// A larger file is no configuration.
const LARGEST: u64 = 64 << 20;

/// The text of a file; `None` if there is none. A link, a file of another user, one that must not be written or that has
/// another name elsewhere is refused.
pub(super) fn read(path: &Path, uid: u32) -> Result<Option<String>, Refused> {
    let meta = match path.symlink_metadata() {
        Ok(meta) => meta,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    check(path, &meta, uid)?;
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let mut bytes = Vec::new();
    let read = file.and_then(|f| f.take(LARGEST).read_to_end(&mut bytes));
    read.map_err(|e| e.to_string())?;
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| "it is not UTF-8".to_owned())
}

fn check(path: &Path, meta: &Metadata, uid: u32) -> Result<(), Refused> {
    if meta.is_symlink() {
        let target = std::fs::read_link(path).unwrap_or_default();
        return Err(format!(
            "it is a link to {}; whatever keeps it there should add the hooks",
            target.display()
        ));
    }
    let why = if !meta.is_file() {
        "it is no file"
    } else if meta.uid() != uid {
        "it belongs to another user"
    } else if meta.mode() & 0o200 == 0 {
        "it must not be written (its mode says so)"
    } else if meta.nlink() > 1 {
        "it has another name elsewhere (a hard link)"
    } else if meta.len() >= LARGEST {
        "it is too large"
    } else {
        return Ok(());
    };
    Err(why.to_owned())
}

/// How a file was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    /// It is as wanted.
    Done,
    /// It was another one than expected, and is as it was.
    Changed,
}

/// Puts `new` in the place of `old`; `None` means no file. If the file is not `old` any more, it stays as it is, even if
/// it changes between the last look and the exchange.
pub(super) fn replace(path: &Path, old: Option<&str>, new: Option<&str>) -> io::Result<Replaced> {
    let beside = beside(path);
    if let Some(new) = new {
        let mode = path.symlink_metadata().map_or(0o600, |m| m.mode() & 0o7777);
        write_new(&beside, new, mode)?;
    }
    // As late as can be.
    let done = match text(path)?.as_deref() == old.map(str::as_bytes) {
        true => put(path, &beside, old, new),
        false => Ok(Replaced::Changed),
    };
    // What is left there is our own text, or the old one, which is in the backup.
    let _ = std::fs::remove_file(&beside);
    if let Some(dir) = path.parent().and_then(|d| File::open(d).ok()) {
        // Not every file system can; then the next sync does it.
        let _ = dir.sync_all();
    }
    done
}

fn text(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn put(path: &Path, beside: &Path, old: Option<&str>, new: Option<&str>) -> io::Result<Replaced> {
    match (old, new) {
        (None, None) => Ok(Replaced::Done),
        (Some(old), None) => {
            std::fs::rename(path, beside)?;
            put_back_if_changed(path, beside, old)
        }
        (None, Some(_)) => {
            match rustix::fs::renameat_with(CWD, beside, CWD, path, RenameFlags::NOREPLACE) {
                Err(rustix::io::Errno::EXIST) => Ok(Replaced::Changed),
                Err(e) if cannot(e) => std::fs::rename(beside, path).map(|()| Replaced::Done),
                other => other.map(|()| Replaced::Done).map_err(Into::into),
            }
        }
        (Some(old), Some(new)) => match exchange(beside, path) {
            Err(e) if cannot(e) => std::fs::rename(beside, path).map(|()| Replaced::Done),
            Err(e) => Err(e.into()),
            Ok(()) if std::fs::read(beside)? == old.as_bytes() => Ok(Replaced::Done),
            Ok(()) => {
                // Its agent was quicker: what it wrote goes back. If it wrote again meanwhile, that is what we hold then,
                // and it goes back too, until we hold our own.
                for _ in 0..100 {
                    exchange(beside, path)?;
                    if std::fs::read(beside)? == new.as_bytes() {
                        break;
                    }
                }
                Ok(Replaced::Changed)
            }
        },
    }
}

fn exchange(a: &Path, b: &Path) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)
}

fn put_back_if_changed(path: &Path, beside: &Path, old: &str) -> io::Result<Replaced> {
    if std::fs::read(beside)? == old.as_bytes() {
        return Ok(Replaced::Done);
    }
    match rustix::fs::renameat_with(CWD, beside, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(Replaced::Changed),
        Err(_) => std::fs::rename(beside, path).map(|()| Replaced::Changed),
    }
}

fn cannot(e: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    matches!(e, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.regent-tui.{}", std::process::id()))
}

/// Writes a file that was not there, synced.
pub(super) fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()
}

/// Makes the folders above a file; those that were made, the innermost first.
pub(super) fn make_parents(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut missing: Vec<PathBuf> = path
        .ancestors()
        .skip(1)
        .take_while(|d| !d.exists())
        .map(Path::to_owned)
        .collect();
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    missing.retain(|d| d.is_dir());
    Ok(missing)
}
