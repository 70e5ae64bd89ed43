//! The copies that Claude Code keeps of files, as `file-history-snapshot` and `file-history-delta` name them.
//!
//! A copy is made right before a file is first changed under a prompt, and again at a later prompt if the file is not what
//! the last copy holds. A snapshot names the copies of all files so far; which are new, the fold knows. Measured on the real
//! sessions (2.0.76 to 2.1.62, 216 copies): the name is the first 16 digits of the SHA-256 of the absolute path and a
//! number, a path is relative to the folder of the session's first record, a snapshot that names a new copy never stands behind
//! the result of the edit that it was made for, and 14 of 14 files that were first listed without a copy were then created.

use std::path::{Path, PathBuf};

use serde_json::Value;
use serde_json::value::RawValue;

use super::record::Record;
use crate::model::Time;
use crate::source::Kept;

/// The copies that a record names.
pub(super) fn kept(record: &Record<'_>) -> Vec<Kept> {
    if let Some(path) = record.tracking_path.filled() {
        let backup = record.backup.and_then(value);
        return backup.and_then(|b| one(path, &b)).into_iter().collect();
    }
    let snapshot = record.snapshot.and_then(value);
    let Some(Value::Object(tracked)) =
        snapshot.and_then(|mut s| s.get_mut("trackedFileBackups").map(Value::take))
    else {
        return Vec::new();
    };
    tracked.iter().filter_map(|(p, b)| one(p, b)).collect()
}

fn value(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok()
}

/// One copy; `None` if the record does not say which, or names it in a way that leads elsewhere.
fn one(path: &str, backup: &Value) -> Option<Kept> {
    let name = match backup.get("backupFileName")? {
        Value::Null => None,
        Value::String(name) if is_plain(name) => Some(name.clone()),
        _ => return None,
    };
    Some(Kept {
        path: path.to_owned(),
        name,
        at: backup
            .get("backupTime")
            .and_then(Value::as_str)
            .and_then(Time::parse),
    })
}

/// Whether this names a file in a folder and nothing else.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty() && !matches!(name, "." | "..") && !name.contains(['/', '\\', '\0'])
}

/// `file-history/SESSION` beside the `projects` folder that the transcript lies in.
pub(super) fn folders(transcript: &Path, session: &str) -> Vec<PathBuf> {
    if !is_plain(session) {
        return Vec::new();
    }
    transcript
        .ancestors()
        .filter(|a| a.file_name().is_some_and(|n| n == "projects"))
        .filter_map(Path::parent)
        .map(|config| config.join("file-history").join(session))
        .collect()
}
