//! Changes as text that `git apply` understands, and the counting of their lines; with what such a text must leave out.

use super::types::{Content, FileChange};
use crate::diff::{headers, lines, patch};

/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// A patch of several files, and what could not be put into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// The unified diff.
    pub text: String,
    /// What a reader must know, one line each.
    pub notes: Vec<String>,
}

/// What stands for the text of a content; `None` if it has none that is known.
fn text_of(content: &Content) -> Option<&str> {
    match content {
        Content::Text(text) => Some(text),
        Content::Absent => Some(""),
        Content::Binary(_) | Content::Unknown => None,
    }
}

/// Lines added and removed between two contents; `None` where one is not known as text.
pub fn counts(before: &Content, after: &Content) -> Option<(u32, u32)> {
    let (old, new) = (text_of(before)?, text_of(after)?);
    let (old, new) = (lines::split(old), lines::split(new));
    let (added, removed) = lines::counts(&lines::blocks(&old, &new, &lines::Options::default()));
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Some((small(added), small(removed)))
}

/// The unified diff of one file, headers included; empty if there is nothing to show.
pub fn of_file(change: &FileChange) -> Patch {
    let mut notes = Vec::new();
    let body = body(change, &mut notes);
    let old = change.old_path.as_deref().unwrap_or(&change.path);
    Patch {
        text: headers::file(change.op, old, &change.path, &body),
        notes,
    }
}

/// The unified diff of several files. What lies outside the repository is named, not included: a patch is relative.
pub fn of_files(changes: &[FileChange]) -> Patch {
    let mut all = Patch::default();
    for change in changes {
        if change.path.starts_with('/') {
            all.notes.push(format!(
                "left out: {} lies outside the repository",
                change.path
            ));
            continue;
        }
        let one = of_file(change);
        all.text.push_str(&one.text);
        all.notes.extend(one.notes);
        if let Some(note) = &change.note {
            all.notes.push(format!("{}: {note}", change.path));
        }
    }
    all
}

fn body(change: &FileChange, notes: &mut Vec<String>) -> String {
    if let (Some(old), Some(new)) = (text_of(&change.before), text_of(&change.after)) {
        return patch::render(&lines::hunks(old, new, CONTEXT, &lines::Options::default()));
    }
    let binary = |c: &Content| matches!(c, Content::Binary(_));
    if binary(&change.before) || binary(&change.after) {
        notes.push(format!(
            "{}: not text, so the patch has no content",
            change.path
        ));
        let old = change.old_path.as_deref().unwrap_or(&change.path);
        return headers::binary(old, &change.path);
    }
    if change.hunks.is_empty() {
        notes.push(format!("{}: its content is not known", change.path));
        return String::new();
    }
    notes.push(format!(
        "{}: only the recorded hunks are known, not the whole file",
        change.path
    ));
    patch::render(&change.hunks)
}
