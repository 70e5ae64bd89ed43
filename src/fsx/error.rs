//! What can go wrong between a name and the file behind it.

use std::fmt;
use std::io;

/// A file system error with the path and what was tried.
#[derive(Debug)]
pub struct Error {
    /// Relative to the root, raw.
    pub path: Vec<u8>,
    /// What was tried: "open", "exchange", ...
    pub doing: &'static str,
    /// Why not.
    pub why: Why,
}

/// Why something was not done.
#[derive(Debug)]
pub enum Why {
    /// The system said so.
    Io(io::Error),
    /// The path is no path inside the root.
    NotInside(&'static str),
    /// The whole home folder, or the whole disk: too much to be put back as one.
    TooWide,
    /// It lies in, or is, a folder of a version control system or of ours.
    Guarded,
    /// It lies in another repository, or behind a mount.
    Foreign,
    /// A component is a link, or no folder.
    NotAFolder,
}

/// What this module's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Of a system call.
    pub fn io(path: &[u8], doing: &'static str, error: impl Into<io::Error>) -> Error {
        Error {
            path: path.to_vec(),
            doing,
            why: Why::Io(error.into()),
        }
    }

    /// A refusal of ours.
    pub fn refused(path: &[u8], doing: &'static str, why: Why) -> Error {
        Error {
            path: path.to_vec(),
            doing,
            why,
        }
    }

    /// What the system said, if it did.
    pub fn kind(&self) -> Option<io::ErrorKind> {
        match &self.why {
            Why::Io(e) => Some(e.kind()),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = String::from_utf8_lossy(&self.path);
        let path = if path.is_empty() { "." } else { &path };
        write!(f, "cannot {} {path}: ", self.doing)?;
        match &self.why {
            Why::Io(e) => write!(f, "{e}"),
            Why::TooWide => write!(
                f,
                "the home folder and `/` are never snapshotted or rewound as a whole"
            ),
            Why::NotInside(why) => write!(f, "not a path inside the folder ({why})"),
            Why::Guarded => f.write_str("version control's own files are never touched"),
            Why::Foreign => f.write_str("it belongs to another repository or lies behind a mount"),
            Why::NotAFolder => f.write_str("a part of the path is a link or no folder"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.why {
            Why::Io(e) => Some(e),
            _ => None,
        }
    }
}
