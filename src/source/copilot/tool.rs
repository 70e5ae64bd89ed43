//! Copilot's tools, those of the program for the terminal and those of the editor: what was asked for, and what that did.

use serde_json::Value;

use super::place;
use crate::model::StepKind;
use crate::source::tools::{self, text};
use crate::source::{Before, Call, Effect, Hunk};

/// Arguments are an object, or a text that is one, or (a patch) a text.
pub(super) fn arguments(given: Option<&Value>) -> Value {
    match given {
        Some(Value::String(text)) => serde_json::from_str::<Value>(text)
            .ok()
            .filter(Value::is_object)
            .unwrap_or_else(|| Value::from(text.as_str())),
        Some(other) => other.clone(),
        None => Value::Null,
    }
}

/// What a tool is, by the name that the model calls it.
pub(super) fn kind(name: &str, input: &Value) -> StepKind {
    match name {
        "view" | "read_file" | "view_image" => StepKind::Read,
        "bash" | "powershell" | "local_shell" | "run_in_terminal" => StepKind::Command,
        "create" | "create_file" => StepKind::Write,
        "edit"
        | "apply_patch"
        | "replace_string_in_file"
        | "multi_replace_string_in_file"
        | "insert_edit_into_file"
        | "edit_file"
        | "edit_notebook_file"
        | EDITS => StepKind::Edit,
        "str_replace_editor" => match text(input, &["command"]) {
            Some("view") => StepKind::Read,
            Some("create") => StepKind::Write,
            _ => StepKind::Edit,
        },
        "rg" | "grep" | "glob" | "grep_search" | "file_search" | "semantic_search" | "list_dir"
        | "list_code_usages" | "test_search" | "get_changed_files" => StepKind::Search,
        "web_fetch"
        | "web_search"
        | "fetch"
        | "fetch_webpage"
        | "github_repo"
        | "open_simple_browser" => StepKind::Web,
        "update_todo" | "manage_todo_list" | "exit_plan_mode" => StepKind::Plan,
        "ask_user" | "ask_questions" | "vscode_askQuestions" => StepKind::Question,
        "task" | "runSubagent" | "search_subagent" | "execution_subagent" => StepKind::Subagent,
        _ if name.starts_with("mcp_") => StepKind::Mcp,
        _ => StepKind::Other,
    }
}

/// Edits of a file that no call is known to have asked for.
pub(super) const EDITS: &str = "edits";

/// Fields that hold a path, in all of these tools.
const PATHS: &[&str] = &["path", "filePath", "dirPath"];

/// The path that an input names, in the one spelling.
pub(super) fn path_of(input: &Value) -> Option<String> {
    text(input, PATHS).map(place::path)
}

/// The text of a patch in the grammar `*** Begin Patch`.
fn patch(input: &Value) -> Option<&str> {
    input
        .as_str()
        .or_else(|| text(input, &["input", "patch"]))
        .filter(|p| p.contains("*** Begin Patch"))
}

/// All paths of files that an input would change or show.
pub(super) fn paths(input: &Value) -> Vec<String> {
    let mut all: Vec<String> = match patch(input) {
        Some(patch) => tools::begin_patch(patch)
            .0
            .iter()
            .map(|p| place::path(p))
            .collect(),
        None => path_of(input).into_iter().collect(),
    };
    for part in several(input) {
        if let Some(path) = path_of(part).filter(|p| !all.contains(p)) {
            all.push(path);
        }
    }
    all
}

/// The replacements of a call that makes several, in one file or in many.
fn several(input: &Value) -> impl Iterator<Item = &Value> {
    let parts = input.get("replacements").and_then(Value::as_array);
    parts.into_iter().flatten()
}

/// Describes a call.
pub(super) fn describe(id: &str, name: &str, input: &Value) -> Call {
    let kind = kind(name, input);
    let mut call = tools::call(id, name, kind, input);
    let paths = paths(input);
    if matches!(kind, StepKind::Read | StepKind::Edit | StepKind::Write) {
        call.target = match paths.as_slice() {
            [] => call.target,
            [only] => only.clone(),
            [first, rest @ ..] => format!("{first} (+{})", rest.len()),
        };
    }
    if let (StepKind::Edit, Some(patch)) = (kind, patch(input)) {
        patch.clone_into(&mut call.input);
    }
    let parts: Vec<&Value> = several(input).collect();
    if !parts.is_empty() {
        call.input = readable(&parts);
    }
    if kind == StepKind::Search {
        let searched = text(
            input,
            &["pattern", "query", "symbolName", "path", "dirPath"],
        );
        call.target = searched.map(tools::one_line).unwrap_or(call.target);
    }
    if let Some(list) = input.get("todoList").and_then(Value::as_array) {
        (call.target, call.input) = plan(list);
    }
    call.paths = paths;
    call
}

fn readable(parts: &[&Value]) -> String {
    let mut out = String::new();
    for part in parts {
        if let Some(path) = path_of(part) {
            out.push_str(&format!("@@ {path}\n"));
        }
        if let Some((old, new, _)) = tools::replacement(part) {
            for (mark, text) in [('-', old), ('+', new)] {
                for line in text.lines() {
                    out.push(mark);
                    out.push_str(line);
                    out.push('\n');
                }
            }
        }
    }
    out
}

/// The list of the editor's plan: how far it is, and all of it.
pub(super) fn plan(list: &[Value]) -> (String, String) {
    let is = |item: &&Value, status| text(item, &["status"]) == Some(status);
    let title = |item: &Value| {
        text(item, &["title", "content"])
            .unwrap_or_default()
            .to_owned()
    };
    let done = list.iter().filter(|i| is(i, "completed")).count();
    let now = list.iter().find(|i| is(i, "in-progress"));
    let now = now.map_or_else(String::new, |i| format!(" {}", tools::one_line(&title(i))));
    let mut all = String::new();
    for item in list {
        let mark = match text(item, &["status"]) {
            Some("completed") => "[x] ",
            Some("in-progress") => "[>] ",
            _ => "[ ] ",
        };
        all.push_str(mark);
        all.push_str(&title(item));
        all.push('\n');
    }
    (format!("{done}/{}{now}", list.len()), all)
}

/// What a call that worked did to files, by what it asked for.
pub(super) fn effects(name: &str, input: &Value) -> Vec<Effect> {
    if let Some(patch) = patch(input) {
        return tools::begin_patch(patch)
            .1
            .into_iter()
            .map(respelled)
            .collect();
    }
    match kind(name, input) {
        StepKind::Write => written(input).into_iter().collect(),
        StepKind::Edit => edited(input),
        _ => Vec::new(),
    }
}

/// What a result shows of the files that it changed: diffs in git's form, one after another. `output` tells which of the
/// paths are absolute: the diffs have an `a` before them all.
pub(super) fn patched(diffs: &str, output: &str) -> Vec<Effect> {
    let sections = format!("\n{diffs}");
    let sections = sections.split("\ndiff --git ").skip(1);
    sections.filter_map(|s| section(s, output)).collect()
}

fn section(text: &str, output: &str) -> Option<Effect> {
    const NOTHING: &str = "a/dev/null";
    let path = |given: &str| {
        let bare = given
            .trim()
            .trim_start_matches("a/")
            .trim_start_matches("b/");
        let whole = format!("/{bare}");
        match output.contains(&whole) {
            true => whole,
            false => place::path(bare),
        }
    };
    let header = |start: &str| {
        let mut lines = text.lines().take_while(|l| !l.starts_with("@@"));
        lines.find_map(|l| l.strip_prefix(start)).map(str::trim)
    };
    let moved = header("rename from ").zip(header("rename to "));
    let hunks = hunks(text);
    let changed = hunks.iter().any(|h| h.counts() != (0, 0));
    match (header("--- "), header("+++ ")) {
        (Some(NOTHING), Some(new)) => Some(Effect::Write {
            path: path(new),
            before: Before::Unchecked,
            // It takes the end of the file for a line more.
            content: added(&hunks).join("\n"),
            hunks: Vec::new(),
        }),
        (Some(old), Some(NOTHING | "b/dev/null")) => Some(Effect::Delete {
            path: path(old),
            before: Before::Unknown,
        }),
        (Some(old), Some(new)) if changed => Some(Effect::Patch {
            path: path(old),
            moved_to: (old.get(2..) != new.get(2..)).then(|| path(new)),
            hunks,
            numbered: true,
        }),
        (None, _) => moved.map(|(from, to)| Effect::Move {
            from: path(from),
            to: path(to),
        }),
        // It was only shown.
        _ => None,
    }
}

fn added(hunks: &[Hunk]) -> Vec<&str> {
    let lines = hunks.iter().flat_map(|h| &h.lines);
    lines.filter_map(|l| l.strip_prefix('+')).collect()
}

fn written(input: &Value) -> Option<Effect> {
    Some(Effect::Write {
        path: path_of(input)?,
        // It says that it made a new file even where it wrote over one.
        before: Before::Unchecked,
        content: tools::content(input)?.to_owned(),
        hunks: Vec::new(),
    })
}

/// Old text, new text, whether every occurrence.
type Replaced = (String, String, bool);

fn edited(input: &Value) -> Vec<Effect> {
    let mut by_file: Vec<(String, Vec<Replaced>)> = Vec::new();
    let whole = path_of(input);
    for part in several(input).chain([input]) {
        let Some(path) = path_of(part).or_else(|| whole.clone()) else {
            continue;
        };
        let replaced = tools::replacement(part);
        match by_file.iter_mut().find(|(p, _)| *p == path) {
            Some((_, all)) => all.extend(replaced),
            None => by_file.push((path, replaced.into_iter().collect())),
        }
    }
    by_file
        .into_iter()
        .map(|(path, replacements)| Effect::Edit {
            path,
            before: Before::Unknown,
            replacements,
            hunks: Vec::new(),
            amended: false,
        })
        .collect()
}

/// The same effect, its paths in the one spelling.
fn respelled(mut effect: Effect) -> Effect {
    match &mut effect {
        Effect::Edit { path, .. }
        | Effect::Write { path, .. }
        | Effect::Delete { path, .. }
        | Effect::Read { path, .. } => *path = place::path(path),
        Effect::Patch { path, moved_to, .. } => {
            *path = place::path(path);
            *moved_to = moved_to.as_deref().map(place::path);
        }
        Effect::Move { from, to } => {
            *from = place::path(from);
            *to = place::path(to);
        }
    }
    effect
}

/// The hunks of a diff. It takes the end of a file for an empty line more, which stands last then; a line of context less
/// is still the same hunk.
fn hunks(diff: &str) -> Vec<Hunk> {
    let mut all = tools::hunks(diff);
    if let Some(last) = all.last_mut()
        && last.lines.last().is_some_and(|l| l == " ")
    {
        last.lines.pop();
        last.old_lines = last.old_lines.saturating_sub(1);
        last.new_lines = last.new_lines.saturating_sub(1);
    }
    all
}

/// The text of a file in a view with numbered lines (`12. text`), with the number of its first line; nothing if a line has
/// not the number that it should have: then it is no file, or something was left out.
pub(super) fn numbered(view: &str) -> Option<(u32, String)> {
    let mut first = None;
    let mut text = String::with_capacity(view.len());
    for (n, line) in (0u32..).zip(view.split('\n')) {
        let (number, rest) = line.split_once(". ").or_else(|| {
            // An empty line at the end of a view that was trimmed.
            Some((line.strip_suffix('.')?, ""))
        })?;
        let number: u32 = number.parse().ok()?;
        if number != first.get_or_insert(number).checked_add(n)? {
            return None;
        }
        if n > 0 {
            text.push('\n');
        }
        text.push_str(rest);
    }
    first.map(|first| (first, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_view_is_the_text_only_if_every_line_is_there() {
        assert_eq!(
            numbered("1. a\n2. \n3. c. d\n4. "),
            Some((1, "a\n\nc. d\n".to_owned()))
        );
        assert_eq!(numbered("9. a\n10. b"), Some((9, "a\nb".to_owned())));
        for none in [
            "",
            "1. a\n3. b",
            "a.rs\nb.rs",
            "1. a\n... cut ...\n9. b",
            "4294967295. a\n0. b",
        ] {
            assert_eq!(numbered(none), None, "{none}");
        }
    }

    #[test]
    fn replacements_are_gathered_by_file() {
        let input = json!({"explanation": "x", "replacements": [
            {"filePath": "c:\\w\\a", "oldString": "1", "newString": "2"},
            {"filePath": "/w/b", "oldString": "3", "newString": "4"},
            {"filePath": "c:\\w\\a", "oldString": "5", "newString": "6"},
        ]});
        let call = describe("id", "multi_replace_string_in_file", &input);
        assert_eq!(call.paths, ["/c:/w/a", "/w/b"]);
        assert_eq!(call.target, "/c:/w/a (+1)");
        let effects = effects("multi_replace_string_in_file", &input);
        let told: Vec<_> = effects
            .iter()
            .map(|e| match e {
                Effect::Edit {
                    path, replacements, ..
                } => (path.as_str(), replacements.len()),
                other => (other.path(), 0),
            })
            .collect();
        assert_eq!(told, [("/c:/w/a", 2), ("/w/b", 1)]);
    }

    #[test]
    fn diffs_tell_what_was_made_changed_and_removed() {
        let diffs = concat!(
            "\ndiff --git a/w/new b/w/new\ncreate file mode 100644\n--- a/dev/null\n+++ b/w/new\n@@ -1,0 +1,3 @@\n+a\n+b\n+\n",
            "\ndiff --git a/w/x b/w/x\n--- a/w/x\n+++ b/w/x\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n \n",
            "\ndiff --git a/src/seen b/src/seen\n--- a/src/seen\n+++ b/src/seen\n@@ -1,1 +1,1 @@\n a\n",
            "\ndiff --git a/w/old b/w/old\n--- a/w/old\n+++ b/dev/null\n@@ -1,1 +1,0 @@\n-a\n",
        );
        let told = patched(diffs, "Added /w/new, modified /w/x, removed /w/old");
        assert_eq!(
            told,
            [
                Effect::Write {
                    path: "/w/new".to_owned(),
                    before: Before::Unchecked,
                    content: "a\nb\n".to_owned(),
                    hunks: Vec::new(),
                },
                Effect::Patch {
                    path: "/w/x".to_owned(),
                    moved_to: None,
                    // The line that is not there is left out.
                    hunks: vec![Hunk {
                        old_start: 1,
                        old_lines: 2,
                        new_start: 1,
                        new_lines: 2,
                        lines: vec![" a".to_owned(), "-b".to_owned(), "+c".to_owned()],
                    }],
                    numbered: true,
                },
                Effect::Delete {
                    path: "/w/old".to_owned(),
                    before: Before::Unknown,
                },
            ]
        );
        let relative = patched(
            "diff --git a/src/x b/src/x\n--- a/src/x\n+++ b/src/x\n@@ -1 +1 @@\n-a\n+b\n",
            "changed src/x",
        );
        assert_eq!(relative[0].path(), "src/x");
        assert_eq!(patched("no diff", "at all"), []);
    }
}
