//! Objects: files named by the BLAKE3 of what they hold. One that holds something else is none.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use serde::Deserialize;

use crate::model::BlobHash;

/// Objects beyond this are left where they are: re_gent itself takes no file over 10 MiB.
const CAP: u64 = 256 << 20;

/// The objects of a `.regent/`.
pub(super) struct Objects {
    folder: PathBuf,
}

/// A step: a turn of the agent. Its tree the index names, too.
#[derive(Deserialize)]
pub(super) struct Step {
    /// What was called, in older steps.
    #[serde(default)]
    pub cause: Option<Cause>,
    /// What was called.
    #[serde(default)]
    pub causes: Vec<Cause>,
}

/// A call.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Cause {
    pub tool_use_id: String,
    pub tool_name: String,
    pub args_blob: String,
    pub result_blob: String,
}

/// A tree: every file of the work folder.
#[derive(Deserialize)]
pub(super) struct Tree {
    pub entries: Vec<Entry>,
}

/// A file.
#[derive(Deserialize)]
pub(super) struct Entry {
    pub path: String,
    pub blob: String,
    #[serde(default)]
    pub mode: u32,
}

impl Objects {
    /// Those beside an index.
    pub fn of(index: &Path) -> Objects {
        let regent = index.parent().unwrap_or(Path::new("."));
        Objects {
            folder: regent.join("objects"),
        }
    }

    /// What an object holds. `None`: it is not there, or holds something else than its name says.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let is_name = name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_name {
            return Ok(None);
        }
        let path = self.folder.join(&name[..2]).join(name);
        // Before it is opened: a pipe would wait for ever.
        match std::fs::metadata(&path) {
            Ok(meta) if meta.is_file() && meta.len() <= CAP => {}
            _ => return Ok(None),
        }
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|f| f.take(CAP).read_to_end(&mut bytes))
            .wrap_err_with(|| format!("cannot read {}", path.display()))?;
        Ok((BlobHash::of(&bytes).hex() == name).then_some(bytes))
    }

    /// What an object holds, as text; what is not UTF-8 is replaced.
    ///
    /// # Errors
    /// As [`Objects::get`].
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        Ok(self.get(name)?.map(|bytes| match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
        }))
    }

    /// A step; `None` if it is not there, or is none.
    ///
    /// # Errors
    /// As [`Objects::get`].
    pub fn step(&self, name: &str) -> Result<Option<Step>> {
        Ok(self
            .get(name)?
            .and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// A tree; `None` if it is not there, or is none.
    ///
    /// # Errors
    /// As [`Objects::get`].
    pub fn tree(&self, name: &str) -> Result<Option<Tree>> {
        Ok(self
            .get(name)?
            .and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}
