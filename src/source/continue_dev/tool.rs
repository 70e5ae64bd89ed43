//! Continue's tools: what a call is about, how it ended, and what it did to files.

use serde_json::{Value, json};

use crate::model::{Status, StepKind};
use crate::source::tools::{self, text};
use crate::source::{Before, Call, Effect, Outcome};

/// Files from this on are cut when they are shown.
const CUT: usize = 100_000;

/// The name of the step of an item's n-th call.
pub(super) fn step(item: &str, n: usize) -> String {
    format!("{item}#{n}")
}

/// The calls of an item, in their order.
pub(super) fn calls(item: &Value) -> Vec<Value> {
    let calls = item.pointer("/message/toolCalls").and_then(Value::as_array);
    calls.cloned().unwrap_or_default()
}

/// What a call asks for: the tool's name and its arguments.
pub(super) fn asked(call: &Value) -> Value {
    let function = call.get("function").unwrap_or(&Value::Null);
    let arguments = match function.get("arguments") {
        // Not yet all of it.
        Some(Value::String(json)) => {
            serde_json::from_str(json).unwrap_or_else(|_| Value::from(json.as_str()))
        }
        Some(other) => other.clone(),
        None => Value::Null,
    };
    json!({"name": text(function, &["name"]).unwrap_or("?"), "arguments": arguments})
}

/// The state of a call: there was one for each item, before there was one for each call.
pub(super) fn state<'i>(item: &'i Value, id: &str) -> Option<&'i Value> {
    let several = item.get("toolCallStates").and_then(Value::as_array);
    let mut all = several
        .into_iter()
        .flatten()
        .chain(item.get("toolCallState"));
    all.find(|s| text(s, &["toolCallId"]) == Some(id))
}

/// Whether a state tells how the call ended, and not only that.
pub(super) fn is_over(state: &Value) -> bool {
    match text(state, &["status"]) {
        Some("canceled" | "errored") => true,
        Some("done") => state.get("output").is_some_and(Value::is_array),
        _ => false,
    }
}

fn kind(tool: &str) -> StepKind {
    match tool {
        "read_file" | "read_file_range" | "read_currently_open_file" | "Read" => StepKind::Read,
        "grep_search" | "file_glob_search" | "ls" | "view_subdirectory" | "view_repo_map"
        | "codebase" | "view_diff" | "Search" | "List" => StepKind::Search,
        "edit_existing_file"
        | "single_find_and_replace"
        | "multi_edit"
        | "search_and_replace_in_file"
        | "Edit"
        | "MultiEdit" => StepKind::Edit,
        "create_new_file" | "Write" => StepKind::Write,
        "run_terminal_command" | "Bash" => StepKind::Command,
        "search_web" | "fetch_url_content" | "Fetch" => StepKind::Web,
        _ => StepKind::Other,
    }
}

/// The file that arguments name, as a path.
fn path(arguments: &Value) -> Option<String> {
    let given = text(arguments, &["filepath", "file_path", "path", "dirPath"])?;
    Some(crate::source::cursor::path_of_uri(given).unwrap_or_else(|| given.to_owned()))
}

/// Describes a call.
pub(super) fn call(step: &str, asked: &Value) -> Call {
    let tool = text(asked, &["name"]).unwrap_or("?");
    let arguments = asked.get("arguments").unwrap_or(&Value::Null);
    let kind = kind(tool);
    let mut call = tools::call(step, tool, kind, arguments);
    if let Some(path) = path(arguments)
        && kind != StepKind::Search
    {
        call.target.clone_from(&path);
        call.paths = vec![path];
    }
    if let Some(changes) = text(arguments, &["changes", "diffs"])
        && kind == StepKind::Edit
    {
        call.input = changes.to_owned();
    }
    call
}

/// What a state or a tool's own message says was the output.
fn words(output: &Value) -> String {
    match output {
        Value::String(text) => text.clone(),
        other => {
            let parts = other.as_array().into_iter().flatten();
            let texts = parts.filter_map(|p| p.get("content").or_else(|| p.get("text"))?.as_str());
            texts.collect::<Vec<_>>().join("\n")
        }
    }
}

/// Says how a call ended, by its state; or by a tool's own message, which has only words.
pub(super) fn outcome(step: &str, asked: &Value, state: &Value) -> Outcome {
    let tool = text(asked, &["name"]).unwrap_or("?");
    let arguments = asked.get("arguments").unwrap_or(&Value::Null);
    let output = state.get("output").unwrap_or(&Value::Null);
    let words = words(output);
    let ended = output.get(0).and_then(|o| text(o, &["status"]));
    let exit_code = ended.and_then(exit_code);
    let status = match text(state, &["status"]) {
        Some("errored") => Status::Failed,
        // Refused, unless there is something of an output: then it ran.
        Some("canceled") if words.is_empty() => Status::Denied,
        Some("canceled") => Status::Interrupted,
        _ if kind(tool) == StepKind::Command => match (ended, exit_code) {
            (_, Some(0)) | (Some("Command completed"), None) => Status::Ok,
            (_, Some(_)) => Status::Failed,
            _ => Status::Unknown,
        },
        Some(_) => Status::Ok,
        None => Status::Unknown,
    };
    let effects = match status {
        Status::Ok => effect(tool, arguments, output),
        _ => None,
    };
    Outcome {
        call_id: step.to_owned(),
        status,
        exit_code,
        duration_ms: None,
        output: words,
        spilled: None,
        effects: effects.into_iter().collect(),
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
    }
}

/// The code that the state of a command names.
fn exit_code(ended: &str) -> Option<i32> {
    let (_, code) = ended.rsplit_once("exit code ")?;
    code.trim().trim_end_matches('.').parse().ok()
}

fn effect(tool: &str, arguments: &Value, output: &Value) -> Option<Effect> {
    let path = path(arguments)?;
    let edit = |replacements: Vec<_>, amended| Effect::Edit {
        path: path.clone(),
        before: Before::Unknown,
        replacements,
        hunks: Vec::new(),
        amended,
    };
    match tool {
        "create_new_file" => Some(Effect::Write {
            content: tools::content(arguments)?.to_owned(),
            // It does not write over a file.
            before: Before::Absent,
            hunks: Vec::new(),
            path,
        }),
        "single_find_and_replace" => Some(edit(vec![tools::replacement(arguments)?], false)),
        "multi_edit" => {
            let edits = arguments.get("edits")?.as_array()?;
            Some(edit(
                edits.iter().filter_map(tools::replacement).collect(),
                false,
            ))
        }
        // Another model puts them in, or the program where it finds a place.
        "edit_existing_file" | "search_and_replace_in_file" => Some(edit(Vec::new(), true)),
        "read_file" => {
            let content = output.get(0)?.get("content")?.as_str()?;
            let sound = !content.is_empty() && !content.contains('\u{fffd}');
            sound.then(|| Effect::Read {
                path: path.clone(),
                content: content.to_owned(),
                first_line: 1,
                whole: content.len() < CUT,
            })
        }
        _ => None,
    }
}
