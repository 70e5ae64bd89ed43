//! What can go wrong with the store, in words for the person in front of it. No recovery is done here.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// What the functions of the store return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a question to an open store, or a write, failed.
#[derive(Debug)]
pub enum Error {
    /// SQLite says so.
    Sql(rusqlite::Error),
    /// A content does not have the hash that it is named by.
    DamagedBlob {
        /// Its row.
        id: i64,
        /// What is wrong.
        why: String,
    },
    /// Raw bytes of a transcript cannot be read back.
    DamagedFrame {
        /// The row of its file.
        file: i64,
        /// Where the frame starts.
        start: u64,
        /// What is wrong.
        why: String,
    },
    /// Raw bytes were asked for that were never taken in.
    NotHeld {
        /// The row of the file.
        file: i64,
        /// The first byte that is missing.
        at: u64,
    },
    /// Raw bytes were to be stored that do not follow those that are there.
    Gap {
        /// The row of the file.
        file: i64,
        /// Where the next frame has to start.
        expected: u64,
        /// Where it starts.
        found: u64,
    },
    /// What is to be written names something that was not written before.
    Inconsistent(String),
    /// The store was opened read-only.
    ReadOnly,
    /// The disk is full.
    Full,
    /// Another program holds the store, for longer than we are ready to wait.
    Locked,
    /// A file beside the store could not be handled.
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        error: std::io::Error,
    },
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Error::DamagedBlob { .. } | Error::DamagedFrame { .. } => {
                "`regent-tui doctor` shows what can be saved, `doctor --rebuild` saves it"
            }
            Error::NotHeld { .. } | Error::Gap { .. } | Error::Inconsistent(_) => {
                "`regent-tui doctor --rebuild` puts the derived part in order again"
            }
            Error::ReadOnly => "make the store's folder writable, or name another with --store",
            Error::Full => {
                "free some space; what was stored before is whole, and reading goes on from there"
            }
            Error::Locked => "close other programs that have the store open, then try again",
            Error::Io { .. } => "look at the rights of that file and of its folder",
            Error::Sql(_) => "`regent-tui doctor` checks the store",
        }
    }

    /// An error of the file system, with the file and what was tried.
    pub(crate) fn io(path: &Path, doing: &'static str, error: std::io::Error) -> Error {
        if is_full(&error) {
            return Error::Full;
        }
        Error::Io {
            path: path.to_owned(),
            doing,
            error,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Sql(e) => write!(f, "the store: {e}"),
            Error::DamagedBlob { id, why } => write!(f, "content {id} is damaged: {why}"),
            Error::DamagedFrame { file, start, why } => {
                write!(
                    f,
                    "raw bytes of file {file} from {start} are damaged: {why}"
                )
            }
            Error::Inconsistent(what) => write!(f, "{what}"),
            Error::NotHeld { file, at } => {
                write!(f, "byte {at} of file {file} is not in the store")
            }
            Error::Gap {
                file,
                expected,
                found,
            } => write!(
                f,
                "bytes of file {file} are to be stored from {found}, but the store ends at {expected}"
            ),
            Error::ReadOnly => f.write_str("the store is open for reading only"),
            Error::Full => f.write_str("no space left on the disk that holds the store"),
            Error::Locked => f.write_str("the store is locked by another program"),
            Error::Io { path, doing, error } => {
                write!(f, "cannot {doing} {}: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Sql(e) => Some(e),
            Error::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(e: rusqlite::Error) -> Error {
        match e.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Error::Full,
            Some(ErrorCode::ReadOnly) => Error::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Locked,
            _ => Error::Sql(e),
        }
    }
}

/// What the user can do about an error that came from here, whatever it is wrapped in.
pub fn hint(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    if let Some(e) = error.downcast_ref::<OpenError>() {
        return Some(e.hint());
    }
    if let Some(e) = error.downcast_ref::<Error>() {
        return Some(e.hint());
    }
    let code = error.downcast_ref::<rusqlite::Error>()?.sqlite_error_code();
    Some(match code {
        Some(ErrorCode::DiskFull) => Error::Full.hint(),
        Some(ErrorCode::ReadOnly) => Error::ReadOnly.hint(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Locked.hint(),
        _ => "`regent-tui doctor` checks the store",
    })
}

/// Whether an error means that the store's file is damaged.
pub fn is_damage(error: &(dyn std::error::Error + 'static)) -> bool {
    let corrupt = |e: &rusqlite::Error| {
        matches!(
            e.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
    };
    match error.downcast_ref::<OpenError>() {
        Some(OpenError::Damaged { .. }) => return true,
        Some(OpenError::Sql { error, .. }) if corrupt(error) => return true,
        _ => {}
    }
    match error.downcast_ref::<Error>() {
        Some(Error::DamagedBlob { .. } | Error::DamagedFrame { .. }) => return true,
        Some(Error::Sql(e)) if corrupt(e) => return true,
        _ => {}
    }
    error.downcast_ref::<rusqlite::Error>().is_some_and(corrupt)
}

/// Why a store could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// There is none.
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// A later version of this program made it, and changed what this one needs.
    Newer {
        /// The store.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// It belongs to another program, or to a build of this one that was never released.
    Foreign {
        /// The file.
        path: PathBuf,
        /// How that was seen.
        why: String,
    },
    /// It was not made on this machine by this user.
    Stranger {
        /// The folder or file that is not trusted.
        path: PathBuf,
        /// Why not.
        why: String,
        /// The user may say that it is to be trusted all the same (see [`super::Store::trust`]).
        askable: bool,
    },
    /// It cannot be read as it should.
    Damaged {
        /// The store.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Another program holds it.
    Locked {
        /// The store.
        path: PathBuf,
    },
    /// There is none, and none can be made here.
    ReadOnly {
        /// Where it would be.
        path: PathBuf,
    },
    /// The disk is full.
    Full {
        /// The store.
        path: PathBuf,
    },
    /// There is no folder for a store: neither in a repository nor in the home folder.
    NoPlace,
    /// The SQLite that this program was built with can corrupt a store with several writers.
    OldSqlite {
        /// Its version.
        version: &'static str,
    },
    /// A file or folder could not be handled.
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        error: std::io::Error,
    },
    /// Anything else that SQLite says.
    Sql {
        /// The store.
        path: PathBuf,
        /// What it says.
        error: rusqlite::Error,
    },
}

impl OpenError {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            OpenError::Missing { .. } => "`regent-tui ingest` makes one",
            OpenError::Newer { .. } => {
                "update regent-tui; or open the copy `history.db.v<N>.bak` beside it with --store"
            }
            OpenError::Foreign { .. } => "name another file with --store, or move this one away",
            OpenError::Stranger { askable: true, .. } => {
                "if you know where it comes from, `regent-tui doctor --trust` takes it for yours; else move it away"
            }
            OpenError::Stranger { .. } => {
                "if it is yours, open it by name with --store; else remove it"
            }
            OpenError::Damaged { .. } => {
                "`regent-tui doctor` shows what can be saved, `doctor --rebuild` saves it; nothing is deleted"
            }
            OpenError::Locked { .. } => {
                "close the other program (perhaps a regent-tui that still has a deleted store open), then try again"
            }
            OpenError::ReadOnly { .. } => "name a file that can be written with --store",
            OpenError::Full { .. } => "free some space, then try again",
            OpenError::NoPlace => "set HOME, or name a file with --store",
            OpenError::OldSqlite { .. } => "build with the bundled SQLite",
            OpenError::Io { .. } => "look at the rights of that file and of its folder",
            OpenError::Sql { .. } => "`regent-tui doctor` checks the store",
        }
    }

    /// What SQLite said about this file, in our words.
    pub(crate) fn from_sql(path: &Path, error: rusqlite::Error) -> OpenError {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::Damaged {
                path,
                why: "it is not an SQLite file".to_owned(),
            },
            Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged {
                path,
                why: error.to_string(),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => OpenError::ReadOnly { path },
            Some(ErrorCode::DiskFull) => OpenError::Full { path },
            _ => OpenError::Sql { path, error },
        }
    }

    /// An error of the file system, with the file and what was tried.
    pub(crate) fn io(path: &Path, doing: &'static str, error: std::io::Error) -> OpenError {
        let path = path.to_owned();
        if is_full(&error) {
            return OpenError::Full { path };
        }
        if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem {
            return OpenError::ReadOnly { path };
        }
        OpenError::Io { path, doing, error }
    }
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
    )
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Missing { path } => write!(f, "no store at {}", path.display()),
            OpenError::Newer { path, found, known } => write!(
                f,
                "{} was made by a later regent-tui (schema {found}; this one knows {known})",
                path.display()
            ),
            OpenError::Foreign { path, why } => {
                write!(f, "{} is not a store of regent-tui: {why}", path.display())
            }
            OpenError::Stranger { path, why, .. } => {
                write!(f, "{} is not trusted: {why}", path.display())
            }
            OpenError::Damaged { path, why } => write!(f, "{} is damaged: {why}", path.display()),
            OpenError::Locked { path } => {
                write!(f, "{} is locked by another program", path.display())
            }
            OpenError::ReadOnly { path } => write!(f, "{} cannot be written", path.display()),
            OpenError::Full { path } => {
                write!(f, "no space left on the disk of {}", path.display())
            }
            OpenError::NoPlace => f.write_str("there is no folder to keep the store in"),
            OpenError::OldSqlite { version } => {
                write!(f, "SQLite {version} can corrupt a store (3.51.3 is needed)")
            }
            OpenError::Io { path, doing, error } => {
                write!(f, "cannot {doing} {}: {error}", path.display())
            }
            OpenError::Sql { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OpenError::Io { error, .. } => Some(error),
            OpenError::Sql { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Something that happened while a store was opened, and that the user must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It was made now.
    Created(PathBuf),
    /// It had been deleted, and was brought back from the state folder.
    BroughtBack(PathBuf),
    /// It had been emptied; nothing was left to bring back.
    WasEmpty(PathBuf),
    /// The `.gitignore` beside it is another program's, which leaves our files to git.
    NotIgnored(PathBuf),
    /// Others could read it; that was put right.
    Tightened(PathBuf),
    /// It was migrated; the copy of before is here.
    Migrated {
        /// The schema before.
        from: i64,
        /// The copy.
        backup: PathBuf,
    },
    /// It can be read only, and why.
    ReadOnly(String),
    /// The survivor could not be made: what `rm -rf` would take is not kept elsewhere.
    NotKept(String),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Created(p) => write!(f, "made {} for the history", p.display()),
            Notice::BroughtBack(p) => {
                write!(
                    f,
                    "the store had been deleted; brought back from {}",
                    p.display()
                )
            }
            Notice::WasEmpty(p) => write!(
                f,
                "{} had been emptied; transcripts are read again",
                p.display()
            ),
            Notice::NotIgnored(p) => write!(
                f,
                "{} is another program's and does not hide the history from git: have the repository ignore `.regent/`",
                p.display()
            ),
            Notice::Tightened(p) => {
                write!(f, "others could read {}; now only you can", p.display())
            }
            Notice::Migrated { from, backup } => write!(
                f,
                "the store was migrated from schema {from}; the old one is {}",
                backup.display()
            ),
            Notice::ReadOnly(why) => write!(f, "read-only: {why}"),
            Notice::NotKept(why) => write!(f, "no second copy of the store is kept: {why}"),
        }
    }
}
