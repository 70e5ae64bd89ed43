//! What most agents' tools have in common: names of fields, and how an input reads. An agent whose tools are its own way
//! of saying "read this file" or "run this command" describes a call with [`call`].

use serde_json::Value;

use super::{Call, Event};
use crate::model::StepKind;

/// Names of the field that most likely says what a call is about, best first.
const TARGETS: &[&str] = &[
    "filePath",
    "file_path",
    "absolutePath",
    "absolute_path",
    "path",
    "notebook_path",
    "command",
    "url",
    "query",
    "pattern",
    "regex",
    "subject",
    "title",
    "name",
    "description",
    "prompt",
];
/// Names of fields that hold a path.
const PATHS: &[&str] = &[
    "filePath",
    "file_path",
    "absolutePath",
    "absolute_path",
    "path",
    "notebook_path",
];
/// Names that agents give to the text that is replaced, and to the one that replaces it.
const OLD: &[&str] = &["oldString", "old_string", "old_str", "oldText"];
const NEW: &[&str] = &["newString", "new_string", "new_str", "newText"];
/// Names of the text of a whole file.
const CONTENT: &[&str] = &["content", "file_text", "contents"];

/// The first of these fields that is a text and not empty.
pub fn text<'v>(value: &'v Value, names: &[&str]) -> Option<&'v str> {
    names
        .iter()
        .find_map(|name| value.get(name)?.as_str().filter(|t| !t.is_empty()))
}

/// Tells of the fields of an object that are not among those that are known; `record` is the object's name.
pub fn unknown_fields(record: &str, object: &Value, known: &[&str], out: &mut Vec<Event>) {
    for name in object.as_object().into_iter().flat_map(|o| o.keys()) {
        if !known.contains(&name.as_str()) {
            out.push(super::fields::told(record, name));
        }
    }
}

/// The path that an input names.
pub fn path(input: &Value) -> Option<&str> {
    text(input, PATHS)
}

/// The text of a whole file that an input gives; empty is a text.
pub fn content(input: &Value) -> Option<&str> {
    CONTENT.iter().find_map(|name| input.get(name)?.as_str())
}

/// What an input replaces: old text, new text, whether every occurrence.
pub fn replacement(input: &Value) -> Option<(String, String, bool)> {
    let field = |names: &[&str]| names.iter().find_map(|n| input.get(n)?.as_str());
    let all = ["replaceAll", "replace_all"]
        .iter()
        .any(|n| input.get(n).and_then(Value::as_bool) == Some(true));
    Some((field(OLD)?.to_owned(), field(NEW)?.to_owned(), all))
}

/// Describes a call from its input. What the agent calls its tool stays its name; `kind` is what it is.
pub fn call(call_id: &str, tool: &str, kind: StepKind, input: &Value) -> Call {
    let target = match kind {
        StepKind::Plan => todo(input).or_else(|| text(input, &["plan"]).map(one_line)),
        StepKind::Question => question(input),
        StepKind::Subagent => text(input, &["description", "prompt", "task"]).map(one_line),
        StepKind::Search => text(input, &["pattern", "regex", "query", "path"]).map(one_line),
        _ => None,
    };
    let target = target
        .or_else(|| text(input, TARGETS).map(one_line_unless_command(kind)))
        .unwrap_or_else(|| match input {
            Value::Object(fields) if fields.is_empty() => String::new(),
            Value::Null => String::new(),
            Value::String(text) => one_line(text),
            other => other.to_string(),
        });
    Call {
        call_id: call_id.to_owned(),
        kind,
        tool: tool.to_owned(),
        target,
        workdir: text(input, &["workdir", "cwd", "working_directory"])
            .filter(|_| kind == StepKind::Command)
            .map(str::to_owned),
        input: readable(kind, input),
        paths: path(input).map(str::to_owned).into_iter().collect(),
    }
}

fn one_line_unless_command(kind: StepKind) -> impl Fn(&str) -> String {
    move |text| match kind {
        // It is read as a shell reads it: line ends count.
        StepKind::Command => text.to_owned(),
        _ => one_line(text),
    }
}

/// An input as a person would read it.
fn readable(kind: StepKind, input: &Value) -> String {
    let special = match kind {
        StepKind::Command => text(input, &["command"]).map(str::to_owned),
        StepKind::Write => content(input).map(str::to_owned),
        StepKind::Edit => edits(input),
        StepKind::Plan => checklist(input).or_else(|| text(input, &["plan"]).map(str::to_owned)),
        StepKind::Question => questions(input),
        StepKind::Subagent => text(input, &["prompt", "task"]).map(str::to_owned),
        _ => None,
    };
    special.unwrap_or_else(|| pretty(input))
}

/// JSON with line breaks and indents; a text as it is.
pub fn pretty(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_else(|_| other.to_string()),
    }
}

/// A text without its line ends.
pub fn one_line(text: &str) -> String {
    if text.contains(['\n', '\r']) {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        text.to_owned()
    }
}

fn edits(input: &Value) -> Option<String> {
    if let Some(patch) = text(input, &["patchText", "patch", "diff", "input"]) {
        return Some(patch.to_owned());
    }
    let several = input.get("edits").and_then(Value::as_array);
    let all: Vec<_> = match several {
        Some(edits) => edits.iter().filter_map(replacement).collect(),
        None => replacement(input).into_iter().collect(),
    };
    let mut out = String::new();
    for (old, new, every) in &all {
        if !out.is_empty() {
            out.push_str("@@\n");
        }
        for (mark, text) in [('-', old), ('+', new)] {
            for line in text.lines() {
                out.push(mark);
                out.push_str(line);
                out.push('\n');
            }
        }
        if *every {
            out.push_str("(every occurrence)\n");
        }
    }
    (!all.is_empty()).then_some(out)
}

fn todos(input: &Value) -> Option<&Vec<Value>> {
    input.get("todos")?.as_array().filter(|t| !t.is_empty())
}

fn words(todo: &Value) -> &str {
    text(todo, &["content", "description", "text", "task"]).unwrap_or_default()
}

fn todo(input: &Value) -> Option<String> {
    let todos = todos(input)?;
    let is = |todo: &&Value, status| text(todo, &["status"]) == Some(status);
    let done = todos.iter().filter(|t| is(t, "completed")).count();
    let now = todos.iter().find(|t| is(t, "in_progress"));
    let now = now.map_or_else(String::new, |t| format!(" {}", one_line(words(t))));
    Some(format!("{done}/{}{now}", todos.len()))
}

fn checklist(input: &Value) -> Option<String> {
    let mut out = String::new();
    for todo in todos(input)? {
        out.push_str(match text(todo, &["status"]) {
            Some("completed") => "[x] ",
            Some("in_progress") => "[>] ",
            _ => "[ ] ",
        });
        out.push_str(words(todo));
        out.push('\n');
    }
    Some(out)
}

fn question(input: &Value) -> Option<String> {
    match input.get("questions").and_then(Value::as_array) {
        Some(all) => all
            .first()
            .and_then(|q| text(q, &["question"]))
            .map(one_line),
        None => text(input, &["question"]).map(one_line),
    }
}

fn questions(input: &Value) -> Option<String> {
    let Some(all) = input.get("questions").and_then(Value::as_array) else {
        return text(input, &["question"]).map(str::to_owned);
    };
    let mut out = String::new();
    for question in all {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(text(question, &["question"]).unwrap_or_default());
        out.push('\n');
        for option in question
            .get("options")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            out.push_str("- ");
            out.push_str(
                option
                    .as_str()
                    .or_else(|| text(option, &["label", "value"]))
                    .unwrap_or_default(),
            );
            out.push('\n');
        }
    }
    Some(out)
}

/// The hunks of the unified diff of one file, whatever stands above them; none if it is not one.
pub fn hunks(diff: &str) -> Vec<super::Hunk> {
    let first = match diff.starts_with("@@ ") {
        true => Some(0),
        false => diff.find("\n@@ ").map(|at| at + 1),
    };
    first
        .and_then(|at| super::codex::patch::unified(&diff[at..]))
        .unwrap_or_default()
}

/// The paths that an `*** Begin Patch` names, and what it did once it was applied.
pub fn begin_patch(patch: &str) -> (Vec<String>, Vec<super::Effect>) {
    let patch_paths = super::codex::patch::paths(patch);
    (patch_paths, super::codex::patch::effects(patch, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn inputs_are_described_by_what_they_are_about() {
        let cases = [
            (
                StepKind::Read,
                json!({"filePath": "/a", "limit": 3}),
                "/a",
                "{\n  \"filePath\": \"/a\",\n  \"limit\": 3\n}",
            ),
            (
                StepKind::Command,
                json!({"command": "a\nb", "description": "x"}),
                "a\nb",
                "a\nb",
            ),
            (
                StepKind::Edit,
                json!({"path": "/a", "old_string": "x\ny", "new_string": "z"}),
                "/a",
                "-x\n-y\n+z\n",
            ),
            (
                StepKind::Plan,
                json!({"todos": [{"content": "a", "status": "completed"}, {"content": "b\nc", "status": "in_progress"}]}),
                "1/2 b c",
                "[x] a\n[>] b\nc\n",
            ),
            (
                StepKind::Question,
                json!({"questions": [{"question": "why?", "options": [{"label": "so"}, "no"]}]}),
                "why?",
                "why?\n- so\n- no\n",
            ),
            (StepKind::Other, json!({}), "", "{}"),
            (StepKind::Other, json!("words"), "words", "words"),
            (
                StepKind::Other,
                json!({"n": 1}),
                "{\"n\":1}",
                "{\n  \"n\": 1\n}",
            ),
        ];
        for (kind, input, target, readable) in cases {
            let call = call("1", "tool", kind, &input);
            assert_eq!(
                (call.target.as_str(), call.input.as_str()),
                (target, readable),
                "{input}"
            );
        }
    }
}
