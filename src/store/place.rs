//! Which file the store is. Looks at folders and at nothing else; makes nothing.

use std::path::{Path, PathBuf};

/// Why the store is where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Beside a repository (or the folder one works in), in `.regent/`.
    Repo,
    /// The user's own, for every folder.
    UserWide,
    /// Named by the user.
    Explicit,
}

/// Where the store is, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub db: PathBuf,
    /// Its folder.
    pub dir: PathBuf,
    /// Why there.
    pub kind: Kind,
    /// The folder in the user's state folder where what must survive `rm -rf` is kept. Only for [`Kind::Repo`].
    pub keep: Option<PathBuf>,
}

impl Place {
    /// A file that the user named.
    pub fn explicit(db: &Path) -> Place {
        Place {
            db: db.to_owned(),
            dir: db.parent().unwrap_or(Path::new("")).to_owned(),
            kind: Kind::Explicit,
            keep: None,
        }
    }
}
