//! What a tool did to files, from the rich object beside its result.
//!
//! Only what the file tools say of themselves: what a shell command did is not in its record.

use super::content::{Content, Pairs};
use super::hunks::{Known, PatchHunk, hunks};
use super::input::Replacement;
use super::lenient::{Flag, List, Map, Number, Text};
use crate::source::{Before, Effect};

/// The fields of all known tools' results.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Returned<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub file_path: Text<'a>,
    #[serde(borrow)]
    pub old_string: Text<'a>,
    #[serde(borrow)]
    pub new_string: Text<'a>,
    /// Absent since 2.1.231 (or somewhat earlier).
    #[serde(borrow)]
    pub original_file: Text<'a>,
    /// Of `MultiEdit`.
    #[serde(borrow)]
    pub original_file_contents: Text<'a>,
    #[serde(borrow)]
    pub edits: List<Map<Replacement<'a>>>,
    #[serde(borrow)]
    pub structured_patch: List<Map<PatchHunk<'a>>>,
    pub user_modified: Flag,
    pub replace_all: Flag,
    /// A text for `Write`, blocks for a sub-agent.
    #[serde(borrow)]
    pub content: Content<'a>,
    /// Of `Read`.
    #[serde(borrow)]
    pub file: Map<Shown<'a>>,
    #[serde(borrow, rename = "notebook_path")]
    pub notebook_path: Text<'a>,
    #[serde(borrow, rename = "original_file")]
    pub notebook_before: Text<'a>,
    #[serde(borrow, rename = "updated_file")]
    pub notebook_after: Text<'a>,
    #[serde(borrow)]
    pub error: Text<'a>,
    #[serde(borrow)]
    pub stdout: Text<'a>,
    #[serde(borrow)]
    pub stderr: Text<'a>,
    pub interrupted: Flag,
    pub is_image: Flag,
    /// Where an output lies that was too large, and how many bytes it has.
    #[serde(borrow)]
    pub persisted_output_path: Text<'a>,
    pub persisted_output_size: Number,
    #[serde(borrow)]
    pub background_task_id: Text<'a>,
    #[serde(borrow)]
    pub return_code_interpretation: Text<'a>,
    #[serde(borrow)]
    pub agent_id: Text<'a>,
    pub duration_ms: Number,
    pub total_duration_ms: Number,
    #[serde(borrow)]
    pub duration_seconds: Option<&'a serde_json::value::RawValue>,
    pub answers: Pairs,
}

/// What `Read` shows.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Shown<'a> {
    #[serde(borrow)]
    pub file_path: Text<'a>,
    #[serde(borrow)]
    pub content: Text<'a>,
    pub num_lines: Number,
    pub start_line: Number,
    pub total_lines: Number,
    pub truncated_by_token_cap: Flag,
}

/// The effects of a tool that succeeded. Told by the object's shape: the record does not name the tool.
pub(super) fn effects(returned: Returned<'_>) -> Vec<Effect> {
    let one = if returned.notebook_path.filled().is_some() {
        notebook(returned)
    } else if returned.file.0.is_some() {
        read(returned)
    } else if returned.file_path.filled().is_none() {
        None
    } else if !returned.edits.0.is_empty() {
        multi_edit(returned)
    } else if returned.new_string.get().is_some() {
        edit(returned)
    } else {
        write(returned)
    };
    one.into_iter().collect()
}

fn edit(returned: Returned<'_>) -> Option<Effect> {
    let path = owned(returned.file_path)?;
    let amended = returned.user_modified.set();
    let hunks = {
        let (old, new) = (returned.old_string.str(), returned.new_string.str());
        let before = returned.original_file.get();
        let after = after(before, &[(old, new, returned.replace_all.set())]);
        let known = Known {
            before,
            // What the person made of it is in the hunks alone.
            after: after.as_deref().filter(|_| !amended),
            pieces: vec![old, new],
        };
        hunks(&returned.structured_patch, &known)
    };
    let old = owned(returned.old_string).unwrap_or_default();
    let new = owned(returned.new_string)?;
    // An edit of nothing is how a file is created with this tool. A text before is then empty or absent;
    // since 2.1.231 it is never given, but then a hunk shows that something was there.
    if old.is_empty() && returned.original_file.str().is_empty() && !amended {
        let known = returned.original_file.get().is_some() || hunks.is_empty();
        return Some(Effect::Write {
            path,
            before: if known {
                Before::Absent
            } else {
                Before::Unknown
            },
            content: new,
            hunks,
        });
    }
    Some(Effect::Edit {
        path,
        before: text_before(returned.original_file),
        replacements: vec![(old, new, returned.replace_all.set())],
        hunks,
        amended,
    })
}

fn multi_edit(returned: Returned<'_>) -> Option<Effect> {
    let hunks = {
        let before = returned.original_file_contents.get();
        let before = before.or(returned.original_file.get());
        let edits = returned.edits.0.iter().filter_map(|e| e.0.as_ref());
        let edits: Vec<(&str, &str, bool)> = edits
            .map(|e| (e.old_string.str(), e.new_string.str(), e.replace_all.set()))
            .collect();
        let after = after(before, &edits);
        let known = Known {
            before,
            after: after.as_deref().filter(|_| !returned.user_modified.set()),
            pieces: edits
                .iter()
                .flat_map(|(old, new, _)| [*old, *new])
                .collect(),
        };
        hunks(&returned.structured_patch, &known)
    };
    let before = match text_before(returned.original_file_contents) {
        Before::Unknown => text_before(returned.original_file),
        known => known,
    };
    let edits = returned.edits.0.into_iter().filter_map(|e| e.0);
    Some(Effect::Edit {
        path: owned(returned.file_path)?,
        before,
        replacements: edits
            .map(|e| {
                let (old, new) = (owned(e.old_string), owned(e.new_string));
                (
                    old.unwrap_or_default(),
                    new.unwrap_or_default(),
                    e.replace_all.set(),
                )
            })
            .collect(),
        hunks,
        amended: returned.user_modified.set(),
    })
}

fn write(returned: Returned<'_>) -> Option<Effect> {
    let content = match returned.content {
        Content::Text(text) => text.into_owned(),
        _ => return None,
    };
    let known = Known {
        before: returned.original_file.get(),
        after: Some(&content),
        pieces: Vec::new(),
    };
    let hunks = hunks(&returned.structured_patch, &known);
    let before = match (returned.original_file, returned.kind.str()) {
        (Text(Some(text)), "create") if text.is_empty() => Before::Absent,
        (Text(Some(text)), _) => Before::Text(text.into_owned()),
        (Text(None), "create") => Before::Absent,
        (Text(None), _) => Before::Unknown,
    };
    Some(Effect::Write {
        path: owned(returned.file_path)?,
        before,
        content,
        hunks,
    })
}

fn notebook(returned: Returned<'_>) -> Option<Effect> {
    let path = owned(returned.notebook_path)?;
    let before = text_before(returned.notebook_before);
    Some(match owned(returned.notebook_after) {
        Some(content) => Effect::Write {
            path,
            before,
            content,
            hunks: Vec::new(),
        },
        // Older versions give only the cell: the file changed, how is not known.
        None => Effect::Edit {
            path,
            before,
            replacements: Vec::new(),
            hunks: Vec::new(),
            amended: false,
        },
    })
}

/// What was shown of a file.
///
/// Measured on the real sessions (2.0.76 to 2.1.62): `content` is the lines from `startLine` joined by
/// line feeds, and `numLines` and `totalLines` count the line feeds and one more. So a file that ends
/// in a line feed ends so here too, and in 73 of 73 cases where a whole file was read before it was
/// edited the text equals the edit's `originalFile`. A text that does not end in a line feed is never
/// called whole: a version that drops the last line feed could not be told from a file that has none.
fn read(returned: Returned<'_>) -> Option<Effect> {
    let shown = returned.file.0?;
    if returned.kind.get().is_some_and(|kind| kind != "text") {
        return None;
    }
    let content = owned(shown.content)?;
    let first = shown.start_line.0.unwrap_or(1);
    let lines = memchr::memchr_iter(b'\n', content.as_bytes()).count() as u64 + 1;
    let whole = first == 1
        && content.ends_with('\n')
        && shown.total_lines.0 == Some(lines)
        && shown.num_lines.0 == Some(lines)
        && !shown.truncated_by_token_cap.set();
    Some(Effect::Read {
        path: owned(shown.file_path)?,
        content,
        first_line: u32::try_from(first).unwrap_or(u32::MAX),
        whole,
    })
}

fn owned(text: Text<'_>) -> Option<String> {
    text.0.map(std::borrow::Cow::into_owned)
}

fn text_before(text: Text<'_>) -> Before {
    owned(text).map_or(Before::Unknown, Before::Text)
}

/// The text after replacements, where a restored hunk needs it.
fn after(before: Option<&str>, replacements: &[(&str, &str, bool)]) -> Option<String> {
    let before = before?;
    let tabs = before.contains('\t') || replacements.iter().any(|(_, new, _)| new.contains('\t'));
    tabs.then(|| {
        replacements
            .iter()
            .fold(before.to_owned(), |text, (old, new, all)| match all {
                _ if old.is_empty() => text,
                true => text.replace(old, new),
                false => text.replacen(old, new, 1),
            })
    })
}
