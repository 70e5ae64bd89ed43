//! What patches did: the `*** Begin Patch` grammar of calls, and the changes that `patch_apply_end` tells.

use crate::source::{Before, Effect, Hunk};

use super::command::seen_from;
use super::record::{Change, Changes};

/// One file of a patch in the grammar of `apply_patch`.
enum Section<'p> {
    Add(&'p str, Vec<&'p str>),
    Delete(&'p str),
    Update(&'p str, Option<&'p str>, Vec<Hunk>),
}

/// The paths that a patch names, in order.
pub(in crate::source) fn paths(patch: &str) -> Vec<String> {
    sections(patch)
        .into_iter()
        .map(|section| match section {
            Section::Add(path, _) | Section::Delete(path) | Section::Update(path, ..) => {
                path.to_owned()
            }
        })
        .collect()
}

/// The first path and how many more there are.
pub(in crate::source) fn target(paths: &[String]) -> String {
    match paths {
        [] => String::new(),
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first} (+{})", rest.len()),
    }
}

/// What a patch in the grammar of `apply_patch` did once it was applied. Its hunks have no line numbers.
pub(in crate::source) fn effects(patch: &str, folder: &str) -> Vec<Effect> {
    sections(patch)
        .into_iter()
        .filter_map(|section| match section {
            Section::Add(path, lines) => Some(Effect::Write {
                path: seen_from(folder, path),
                before: Before::Unchecked,
                content: lines.iter().flat_map(|l| [*l, "\n"]).collect(),
                hunks: Vec::new(),
            }),
            Section::Delete(path) => Some(Effect::Delete {
                path: seen_from(folder, path),
                before: Before::Unknown,
            }),
            Section::Update(path, moved_to, hunks) => update(
                seen_from(folder, path),
                moved_to.map(|to| seen_from(folder, to)),
                hunks,
                false,
            ),
        })
        .collect()
}

/// A change of the content, a move, or both; nothing if it is neither.
fn update(
    path: String,
    moved_to: Option<String>,
    hunks: Vec<Hunk>,
    numbered: bool,
) -> Option<Effect> {
    match (hunks.is_empty(), moved_to) {
        (true, None) => None,
        (true, Some(to)) => Some(Effect::Move { from: path, to }),
        (false, moved_to) => Some(Effect::Patch {
            path,
            moved_to,
            hunks,
            numbered,
        }),
    }
}

fn sections(patch: &str) -> Vec<Section<'_>> {
    let mut all = Vec::new();
    for line in patch.lines() {
        if let Some(path) = line.strip_prefix("*** Add File: ") {
            all.push(Section::Add(path.trim(), Vec::new()));
        } else if let Some(path) = line.strip_prefix("*** Delete File: ") {
            all.push(Section::Delete(path.trim()));
        } else if let Some(path) = line.strip_prefix("*** Update File: ") {
            all.push(Section::Update(path.trim(), None, Vec::new()));
        } else if line.starts_with("*** End Patch") {
            break;
        } else {
            match all.last_mut() {
                Some(Section::Add(_, lines)) => lines.extend(line.strip_prefix('+')),
                Some(Section::Update(_, moved_to, hunks)) => {
                    if let Some(to) = line.strip_prefix("*** Move to: ") {
                        *moved_to = Some(to.trim());
                    } else {
                        grow(hunks, line);
                    }
                }
                Some(Section::Delete(_)) | None => {}
            }
        }
    }
    for section in &mut all {
        if let Section::Update(_, _, hunks) = section {
            hunks.retain(|h| h.lines.iter().any(|l| l.starts_with(['+', '-'])));
        }
    }
    all
}

/// Adds a line of an update to its hunks. `@@ fn f()` only tells where to look: the line that it names need not stand beside
/// the hunk.
fn grow(hunks: &mut Vec<Hunk>, line: &str) {
    if line.starts_with("@@") || hunks.is_empty() {
        hunks.push(Hunk::default());
    }
    if line.starts_with("@@") || line.starts_with("*** End of File") {
        return;
    }
    let Some(hunk) = hunks.last_mut() else {
        return;
    };
    // A blank line of context is often written without its mark.
    let (mark, marked) = match line.chars().next() {
        None => (' ', " ".to_owned()),
        Some(mark @ (' ' | '+' | '-')) => (mark, line.to_owned()),
        Some(_) => return,
    };
    hunk.old_lines += u32::from(mark != '+');
    hunk.new_lines += u32::from(mark != '-');
    hunk.lines.push(marked);
}

/// What the changes of `patch_apply_end` did.
pub(super) fn changes_effects(changes: &Changes<'_>) -> Vec<Effect> {
    changes
        .0
        .iter()
        .filter_map(|(path, change)| change_effect(path, change.as_ref()))
        .collect()
}

fn change_effect(path: &str, change: Option<&Change<'_>>) -> Option<Effect> {
    // A change of an unknown shape is still a change.
    let changed_somehow = || {
        Some(Effect::Patch {
            path: path.to_owned(),
            moved_to: None,
            hunks: Vec::new(),
            numbered: false,
        })
    };
    let Some(change) = change else {
        return changed_somehow();
    };
    match change.kind.or_empty() {
        "add" => match change.content.get() {
            Some(content) => Some(Effect::Write {
                path: path.to_owned(),
                before: Before::Unchecked,
                content: content.to_owned(),
                hunks: Vec::new(),
            }),
            None => changed_somehow(),
        },
        "delete" => Some(Effect::Delete {
            path: path.to_owned(),
            before: match change.content.get() {
                Some(text) => Before::Text(text.to_owned()),
                None => Before::Unknown,
            },
        }),
        "update" => {
            let diff = change.unified_diff.or_empty();
            let moved_to = change.move_path.owned();
            match unified(diff) {
                Some(hunks) => update(path.to_owned(), moved_to, hunks, true),
                None => Some(Effect::Patch {
                    path: path.to_owned(),
                    moved_to,
                    hunks: Vec::new(),
                    numbered: false,
                }),
            }
        }
        _ => changed_somehow(),
    }
}

/// Reads the hunks of a unified diff; `None` if it is none, or is cut short.
///
/// Lines are counted by the hunk's head, since a removed `-- x` looks like a file's head.
pub(in crate::source) fn unified(diff: &str) -> Option<Vec<Hunk>> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let (mut old_left, mut new_left) = (0, 0);
    for line in diff.split('\n') {
        if old_left == 0 && new_left == 0 {
            if line.starts_with("@@") {
                let hunk = head(line)?;
                (old_left, new_left) = (hunk.old_lines, hunk.new_lines);
                hunks.push(hunk);
            } else if line.starts_with('\\') {
                hunks.last_mut()?.lines.push(line.to_owned());
            } else if !line.is_empty() && !line.starts_with("--- ") && !line.starts_with("+++ ") {
                return None;
            }
            continue;
        }
        let (old, new) = match line.chars().next() {
            Some(' ') | None => (1, 1),
            Some('-') => (1, 0),
            Some('+') => (0, 1),
            Some('\\') => (0, 0),
            Some(_) => return None,
        };
        if old > old_left || new > new_left {
            return None;
        }
        old_left -= old;
        new_left -= new;
        let marked = if line.is_empty() { " " } else { line };
        hunks.last_mut()?.lines.push(marked.to_owned());
    }
    (old_left == 0 && new_left == 0).then_some(hunks)
}

/// `@@ -a,b +c,d @@`; a count that is left out is 1.
fn head(line: &str) -> Option<Hunk> {
    let inside = line.strip_prefix("@@ ")?.split(" @@").next()?;
    let (old, new) = inside.split_once(' ')?;
    let range = |text: &str| -> Option<(u32, u32)> {
        match text.split_once(',') {
            Some((start, lines)) => Some((start.parse().ok()?, lines.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    let (old_start, old_lines) = range(old.strip_prefix('-')?)?;
    let (new_start, new_lines) = range(new.strip_prefix('+')?)?;
    Some(Hunk {
        old_start,
        old_lines,
        new_start,
        new_lines,
        lines: Vec::new(),
    })
}
