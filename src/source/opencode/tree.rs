//! The JSON tree: `session/<project>/ses_*.json` names a session; its messages lie in `message/<session>/`, their parts in
//! `part/<message>/`, each in a file of its own.

use std::fs;
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};
use serde_json::{Value, json};

use super::{events, order};
use crate::source::extract::{Extractor, Input, Take, read_text};
use crate::source::{Given, Places};

/// The parts of this many messages at the end are looked at one by one: older ones are not written again.
const FRESH: usize = 4;

/// Whether a file's name is a session's.
pub(super) fn is_session(name: &str) -> bool {
    name.starts_with("ses_") && name.ends_with(".json")
}

/// Whether a file is a session's: by what it says and by what lies beside it. `session_diff` has files of the same name.
pub(super) fn claims(path: &Path, head: &[u8]) -> bool {
    serde_json::from_slice::<Value>(head)
        .is_ok_and(|info| info.get("id").is_some_and(Value::is_string))
        && storage(path).is_some()
}

/// The folder `storage` that a session's file lies in: `storage/session/<project>/ses_*.json`.
fn storage(session: &Path) -> Option<&Path> {
    let sessions = session.parent()?.parent()?;
    (sessions.file_name()? == "session").then(|| sessions.parent())?
}

/// The tree.
pub(super) struct Tree;

impl Extractor for Tree {
    fn files(&self, input: &Path) -> Vec<PathBuf> {
        let mut files = vec![input.to_owned()];
        if let (Some(storage), Some(id)) = (storage(input), input.file_stem()) {
            let messages = sorted(&storage.join("message").join(id)).unwrap_or_default();
            let fresh = messages.len().saturating_sub(FRESH);
            for (n, message) in messages.into_iter().enumerate() {
                if let Some(id) = message.file_stem() {
                    let parts = storage.join("part").join(id);
                    if n >= fresh {
                        files.extend(sorted(&parts).unwrap_or_default());
                    }
                    files.push(parts);
                }
                files.push(message);
            }
        }
        files
    }

    fn open(&self, input: &Path, _: &Places) -> Result<Box<dyn Input>> {
        let storage =
            storage(input).ok_or_else(|| eyre!("it does not lie in OpenCode's storage"))?;
        Ok(Box::new(Open {
            session: input.to_owned(),
            storage: storage.to_owned(),
        }))
    }
}

struct Open {
    session: PathBuf,
    storage: PathBuf,
}

impl Input for Open {
    fn records(&mut self, _: &str, take: &mut Take<'_>) -> Result<()> {
        let text = read_text(&self.session)?;
        let info: Value = serde_json::from_str(&text).wrap_err("it is torn")?;
        let session = info
            .get("id")
            .and_then(Value::as_str)
            .ok_or_else(|| eyre!("it does not say which session it is"))?;
        let mut give = |key: &str, order: &str, kind: &str, body: &str| {
            take(Given {
                session,
                key,
                order,
                kind,
                body,
            })
        };
        give("session", "", "session", &text)?;
        let is_child = info.get("parentID").is_some_and(Value::is_string);
        let reverted = events::reverted_to(&info);
        let mut taken_back = 0;
        let mut messages = Vec::new();
        for file in sorted(&self.storage.join("message").join(session))? {
            let data = read_text(&file)?;
            let id = stem(&file);
            messages.push((events::created(&data), id, data));
        }
        messages.sort();
        for (created, id, data) in messages {
            let parts = sorted(&self.storage.join("part").join(&id))?;
            if events::is_user(&data) {
                let parts = parts
                    .iter()
                    .map(|p| read_text(p))
                    .collect::<Result<Vec<_>>>()?;
                taken_back += u32::from(reverted.as_deref().is_some_and(|r| r <= id.as_str()));
                // Its parts are not there yet, or were deleted: what was there stays.
                if parts.is_empty() {
                    continue;
                }
                let kind = if is_child { "task" } else { "user" };
                let body = events::user_body(&data, &parts);
                give(&id, &order(created, &id, ""), kind, &body)?;
                continue;
            }
            give(&id, &order(created, &id, ""), "message", &data)?;
            for part in parts {
                let part_id = stem(&part);
                give(
                    &part_id,
                    &order(created, &id, &part_id),
                    "part",
                    &read_text(&part)?,
                )?;
            }
        }
        let body = json!({"prompts": taken_back}).to_string();
        give("revert", events::LAST, "revert", &body)
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map_or_else(String::new, |s| s.to_string_lossy().into_owned())
}

/// The JSON files of a folder, in order of their names; none if it is not there.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e).wrap_err_with(|| format!("cannot look into {}", folder.display())),
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    Ok(files)
}
