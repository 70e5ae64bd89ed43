//! What was installed where, in the user's state folder: for taking it out again byte for byte, and for seeing that it
//! is gone.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file;
use crate::hook::Host;
use crate::model::Time;

const FOLDER: &str = "installed";

/// One file that our hooks were put into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub path: PathBuf,
    pub host: Host,
    /// The project; none for the user.
    pub project: Option<PathBuf>,
    pub program: String,
    pub at: Time,
    /// There was a file before.
    pub existed: bool,
    /// BLAKE3 of the file when we had written it.
    pub after: String,
    /// What was put in.
    pub pieces: Vec<String>,
    /// Folders that were made for it, the innermost first.
    pub made: Vec<PathBuf>,
}

/// The records of this machine.
#[derive(Clone, Debug)]
pub(super) struct Records {
    folder: PathBuf,
}

impl Records {
    pub fn new(state: &Path) -> Records {
        Records {
            folder: state.join(FOLDER),
        }
    }

    fn name(&self, path: &Path, ending: &str) -> PathBuf {
        let hash = blake3::hash(path.as_os_str().as_bytes()).to_hex();
        self.folder.join(format!("{}.{ending}", &hash[..24]))
    }

    /// Where the file as it was before is kept.
    pub fn backup(&self, path: &Path) -> PathBuf {
        self.name(path, "before")
    }

    pub fn of(&self, path: &Path) -> Option<Record> {
        let text = std::fs::read(self.name(path, "json")).ok()?;
        let record: Record = serde_json::from_slice(&text).ok()?;
        (record.path == path).then_some(record)
    }

    /// Every one, by path. One that cannot be read is none.
    pub fn all(&self) -> Vec<Record> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let mut all: Vec<Record> = entries
            .flatten()
            .filter(|e| e.path().extension().is_some_and(|x| x == "json"))
            .filter_map(|e| serde_json::from_slice(&std::fs::read(e.path()).ok()?).ok())
            .collect();
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all
    }

    /// Keeps the text of a file as it was.
    pub fn keep(&self, path: &Path, text: &str) -> io::Result<PathBuf> {
        self.make()?;
        let backup = self.backup(path);
        file::write_new(&backup, text, 0o600)?;
        Ok(backup)
    }

    pub fn put(&self, record: &Record) -> io::Result<()> {
        self.make()?;
        let name = self.name(&record.path, "json");
        let tmp = name.with_extension(format!("{}.tmp", std::process::id()));
        file::write_new(&tmp, &serde_json::to_string(record)?, 0o600)?;
        std::fs::rename(tmp, name)
    }

    /// Forgets a file and what it was before.
    pub fn forget(&self, path: &Path) {
        for ending in ["json", "before"] {
            // There may be none.
            let _ = std::fs::remove_file(self.name(path, ending));
        }
    }

    fn make(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
    }
}

/// The name of a text.
pub(super) fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
