//! What VS Code keeps of the files that a chat edited (`chatEditingSessions/ID`): `state.json`, and in `contents` whole texts
//! under the first seven digits of their SHA-1. From it comes, for each request and file, the text before and after.
//!
//! The second version of `state.json` has every edit since a known text, which are replayed; the first has the texts themselves,
//! as they were at each request.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha1::{Digest, Sha1};

use super::place;
use super::replay::{self, Change, Edited};
use crate::source::extract::read_text;
use crate::source::tools::text;

/// Where it is kept what a chat edited: beside the folder of the chat.
pub(super) fn state_of(chat: &Path, session: &str) -> Option<PathBuf> {
    // The id is foreign text: it must be a name, not a way out.
    let is_name = !session.is_empty()
        && session
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let folder = chat.parent()?.parent()?.join("chatEditingSessions");
    is_name.then(|| folder.join(session).join("state.json"))
}

/// All changes that a state tells, in the order of requests. What it does not determine is left out.
pub(super) fn changes(state_file: &Path) -> Vec<Change> {
    let Some(state) = read_text(state_file)
        .ok()
        .and_then(|text| serde_json::from_str::<Value>(&text).ok())
    else {
        return Vec::new();
    };
    let mut contents = Contents {
        folder: state_file.with_file_name("contents"),
        known: HashMap::new(),
    };
    let mut all = match state.get("timeline") {
        Some(timeline) => replay::changes(timeline),
        None => first_version(&state, &mut contents),
    };
    ended_as_kept(&state, &mut contents, &mut all);
    all
}

/// Texts by the names that they have in the folder.
struct Contents {
    folder: PathBuf,
    known: HashMap<String, Option<String>>,
}

impl Contents {
    /// A text; nothing if it is not there, or is not what its name says.
    fn get(&mut self, name: &str) -> Option<String> {
        let is_name = name.len() >= 7 && name.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_name {
            return None;
        }
        let path = self.folder.join(name);
        self.known
            .entry(name.to_owned())
            .or_insert_with(|| {
                let bytes = std::fs::read(path).ok()?;
                let hash = Sha1::digest(&bytes);
                let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
                (hex.starts_with(name)).then(|| String::from_utf8(bytes).ok())?
            })
            .clone()
    }
}

/// Entries of a snapshot: file and the name of its text.
fn entries(list: Option<&Value>) -> HashMap<String, String> {
    let list = list.and_then(|l| l.get("entries").unwrap_or(l).as_array());
    list.into_iter()
        .flatten()
        .filter_map(|e| {
            let path = place::of(e.get("resource")?)?;
            Some((path, text(e, &["currentHash"])?.to_owned()))
        })
        .collect()
}

/// `[[file, name of its text]]`, as it was before the chat.
fn initial(state: &Value) -> HashMap<String, String> {
    let list = state.get("initialFileContents").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|pair| {
            let path = place::of(pair.get(0)?)?;
            Some((path, pair.get(1)?.as_str()?.to_owned()))
        })
        .collect()
}

fn first_version(state: &Value, contents: &mut Contents) -> Vec<Change> {
    let history = state.get("linearHistory").and_then(Value::as_array);
    let history: &[Value] = history.map_or(&[], Vec::as_slice);
    let first_stop = |request: &Value| entries(request.pointer("/stops/0"));
    let initial = initial(state);
    let recent = entries(state.get("recentSnapshot"));
    let mut all = Vec::new();
    for (n, request) in history.iter().enumerate() {
        let Some(id) = text(request, &["requestId"]) else {
            continue;
        };
        let before = first_stop(request);
        let told = match request.get("postEdit").filter(|p| !p.is_null()) {
            Some(post) => entries(Some(post)),
            None => history
                .get(n + 1)
                .map_or_else(|| recent.clone(), first_stop),
        };
        let mut told: Vec<_> = told.into_iter().collect();
        told.sort();
        for (path, after) in told {
            let Some(before) = before.get(&path).or_else(|| initial.get(&path)) else {
                continue;
            };
            if *before == after {
                continue;
            }
            if let (Some(before), Some(after)) = (contents.get(before), contents.get(&after)) {
                all.push(Change {
                    request: id.to_owned(),
                    path,
                    // An empty text may also stand for a file that was not there.
                    before: Some(Some(before)).filter(|b| b != &Some(String::new())),
                    after: Some(after),
                });
            }
        }
    }
    all
}

/// The last text of each file is kept whole. Where a replay comes to another one, what it says of this file is not believed.
fn ended_as_kept(state: &Value, contents: &mut Contents, all: &mut Vec<Change>) {
    for (path, name) in entries(state.get("recentSnapshot")) {
        let Some(kept) = contents.get(&name) else {
            continue;
        };
        let last = all.iter().rposition(|c| c.path == path);
        let differs = |n: usize| all[n].after.as_ref().is_some_and(|after| *after != kept);
        if last.is_some_and(differs) {
            all.retain(|c| c.path != path);
        }
    }
}

/// What each of several edits of one file in one request made of it, as far as that is certain: all but the last are worked
/// out from what they replace, the last ends at the text that was kept.
pub(super) fn between(change: &Change, edits: &[Option<Edited>]) -> Vec<Step> {
    let mut at = change.before.clone();
    let mut all = Vec::with_capacity(edits.len());
    for (n, edit) in edits.iter().enumerate() {
        let after = match (n + 1 == edits.len(), edit, &at) {
            (true, ..) => Some(change.after.clone()),
            (false, Some(edit), Some(before)) => edit.apply(before.as_deref()).map(Some),
            (false, ..) => None,
        };
        all.push(Step {
            before: std::mem::replace(&mut at, after.clone()),
            after,
        });
    }
    all
}

/// A file before and after a step: the outer `None` is "not known", the inner "there was none".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Before.
    pub before: Option<Option<String>>,
    /// After.
    pub after: Option<Option<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edits_of_a_request_are_told_apart() {
        let change = Change {
            request: "r".to_owned(),
            path: "/w/a".to_owned(),
            before: Some(Some("one two".to_owned())),
            after: Some("1 2\n".to_owned()),
        };
        let edit = |old: &str, new: &str| {
            let replaced = vec![(old.to_owned(), new.to_owned(), false)];
            Some(Edited::Replaced(replaced))
        };
        let known = |text: &str| Some(Some(text.to_owned()));
        let steps = between(&change, &[edit("one", "1"), edit("two", "2")]);
        assert_eq!(steps[0].before, known("one two"));
        assert_eq!(steps[0].after, known("1 two"));
        assert_eq!(steps[1].before, known("1 two"));
        // The editor added a line end.
        assert_eq!(steps[1].after, known("1 2\n"));
        let lost = between(&change, &[edit("three", "3"), edit("two", "2")]);
        assert_eq!((&lost[0].after, &lost[1].before), (&None, &None));
        assert_eq!(lost[1].after, known("1 2\n"));
    }

    #[test]
    fn a_session_is_no_way_out_of_its_folder() {
        let chat = Path::new("/u/workspaceStorage/w/chatSessions/a.json");
        assert_eq!(
            state_of(chat, "6f0d-1"),
            Some(PathBuf::from(
                "/u/workspaceStorage/w/chatEditingSessions/6f0d-1/state.json"
            ))
        );
        for id in ["", "..", "a/b", "../../x", "."] {
            assert_eq!(state_of(chat, id), None, "{id}");
        }
    }
}
