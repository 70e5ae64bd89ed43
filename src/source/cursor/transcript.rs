//! `~/.cursor/projects/SLUG/agent-transcripts/ID.jsonl` or `ID/ID.jsonl`, and `ID/subagents/OTHER.jsonl`: what was said and
//! asked for, a line each, without ids, times or results. The session's id is the file's name; its folder is told by the
//! slug alone, in which several folders look the same.

use std::path::{Path, PathBuf};

use color_eyre::Result;
use serde_json::{Value, json};

use crate::source::extract::Take;
use crate::source::record::rank;
use crate::source::{Given, Places};

const FOLDER: &str = "agent-transcripts";

/// Whether a file lies where transcripts do.
pub(super) fn lies_there(path: &Path) -> bool {
    path.components().any(|c| c.as_os_str() == FOLDER)
}

/// Whether a file is a transcript, by its first line; where it lies elsewhere, only one that marks the person's words.
pub(super) fn claims(path: &Path, head: &[u8]) -> bool {
    let first = head.split(|b| *b == b'\n').next().unwrap_or_default();
    let Ok(line) = serde_json::from_slice::<Value>(first) else {
        return false;
    };
    let role = line.get("role").and_then(Value::as_str);
    let content = line.pointer("/message/content").and_then(Value::as_array);
    let (Some("user" | "assistant"), Some(content), true) =
        (role, content, line.get("type").is_none())
    else {
        return false;
    };
    let marked = |part: &Value| {
        let words = part.get("text").and_then(Value::as_str);
        words.is_some_and(|w| w.contains("<user_query>"))
    };
    path.extension().is_some_and(|e| e == "jsonl")
        && (lies_there(path) || content.iter().any(marked))
}

/// Cuts a transcript into its lines.
pub(super) fn cut(path: &Path, text: &str, places: &Places, take: &mut Take<'_>) -> Result<()> {
    let Some(session) = path.file_stem().and_then(|s| s.to_str()) else {
        return Ok(());
    };
    let parent = path
        .parent()
        .filter(|p| p.file_name().is_some_and(|n| n == "subagents"))
        .and_then(|p| p.parent()?.file_name()?.to_str());
    let mut give = |key: &str, order: &str, kind: &str, body: &str| {
        take(Given {
            session,
            key,
            order,
            kind,
            body,
        })
    };
    let folder = slug(path).and_then(|slug| folder(slug, text, places));
    let body = json!({"folder": folder, "parent": parent});
    give("meta", "", "meta", &body.to_string())?;
    let lines = text.split_inclusive('\n').enumerate();
    for (n, line) in lines {
        let whole = line.ends_with('\n') || serde_json::from_str::<Value>(line).is_ok();
        if line.trim().is_empty() || !whole {
            continue;
        }
        let body = match (parent, serde_json::from_str::<Value>(line)) {
            (_, Err(_)) => line.trim().to_owned(),
            (parent, Ok(_)) => {
                format!("{{\"line\":{},\"task\":{}}}", line.trim(), parent.is_some())
            }
        };
        let order = rank(n as u64);
        give(&order, &order, "said", &body)?;
    }
    Ok(())
}

/// The name of the project's folder.
fn slug(path: &Path) -> Option<&str> {
    let below = path
        .ancestors()
        .find(|p| p.file_name().is_some_and(|n| n == FOLDER))?;
    below.parent()?.file_name()?.to_str()
}

/// How a folder's path reads as a slug.
fn slugged(path: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    path.chars()
        .map(plain)
        .collect::<String>()
        .trim_matches('-')
        .to_owned()
}

/// The folder that a slug means: one that the transcript names, one of the store's, else one that is there. The names in
/// it are looked at, nothing is opened.
fn folder(slug: &str, text: &str, places: &Places) -> Option<String> {
    let fits = |path: &Path| path.to_str().is_some_and(|p| slugged(p) == slug);
    let above = |path: &Path| {
        let all = path.ancestors();
        all.map(Path::to_owned).find(|p| fits(p))
    };
    let named = text
        .split(['"', ' ', '\\', '\'', '`'])
        .filter(|t| t.starts_with('/'));
    let found = named
        .map(Path::new)
        .find_map(above)
        .or_else(|| places.projects.iter().find_map(|p| above(p)))
        .or_else(|| there(Path::new("/"), slug));
    Some(found?.to_str()?.to_owned())
}

/// A folder below this one whose path reads as the slug.
fn there(from: &Path, slug: &str) -> Option<PathBuf> {
    for entry in std::fs::read_dir(from).ok()?.flatten() {
        let path = entry.path();
        let own = path.to_str().map(slugged).unwrap_or_default();
        let is_folder = entry.file_type().is_ok_and(|t| t.is_dir());
        let rest = slug.strip_prefix(own.as_str());
        match rest.filter(|_| is_folder && !own.is_empty()) {
            Some("") => return Some(path),
            Some(rest) if rest.starts_with('-') => {
                if let Some(found) = there(&path, slug) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}
