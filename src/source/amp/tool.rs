//! Amp's tools: what a call is about, how it ended, and what it did to files.

use serde_json::Value;

use crate::model::{Status, StepKind};
use crate::source::tools::{self, text};
use crate::source::{Before, Call, Effect, Outcome};

/// The blocks of a message of one type, in their order.
pub(super) fn blocks<'m>(message: &'m Value, kind: &'m str) -> impl Iterator<Item = &'m Value> {
    let all = message.get("content").and_then(Value::as_array);
    let all = all.into_iter().flatten();
    all.filter(move |b| text(b, &["type"]) == Some(kind))
}

/// The id of the call that a result answers.
pub(super) fn answers(result: &Value) -> &str {
    text(result, &["toolUseID", "tool_use_id"]).unwrap_or_default()
}

/// The name of the step of a message's n-th call.
pub(super) fn step(message: &str, n: usize) -> String {
    format!("{message}#{n}")
}

fn kind(tool: &str) -> StepKind {
    match tool {
        "Read" | "read_file" => StepKind::Read,
        "Grep"
        | "Glob"
        | "glob"
        | "grep"
        | "finder"
        | "codebase_search_agent"
        | "list_directory"
        | "find_thread"
        | "read_thread" => StepKind::Search,
        "edit_file" | "undo_edit" | "format_file" | "apply_patch" => StepKind::Edit,
        "create_file" => StepKind::Write,
        "Bash" | "bash" => StepKind::Command,
        "web_search" | "read_web_page" => StepKind::Web,
        "Task" | "oracle" | "librarian" => StepKind::Subagent,
        "todo_write" | "todo_read" | "task_list" => StepKind::Plan,
        _ => StepKind::Other,
    }
}

/// Whether a result cannot be understood without what was asked.
pub(super) fn needs_input(tool: &str) -> bool {
    matches!(
        tool,
        "Read"
            | "read_file"
            | "edit_file"
            | "undo_edit"
            | "format_file"
            | "apply_patch"
            | "create_file"
    )
}

/// Describes a call.
pub(super) fn call(step: &str, block: &Value) -> Call {
    let tool = text(block, &["name"]).unwrap_or("?");
    let kind = kind(tool);
    let mut input = block.get("input").cloned().unwrap_or(Value::Null);
    if let Some(fields) = input.as_object_mut()
        && let Some(command) = fields.remove("cmd")
    {
        fields.insert("command".to_owned(), command);
    }
    let mut call = tools::call(step, tool, kind, &input);
    if let Some(patch) = text(&input, &["patchText", "patch"]).filter(|_| tool == "apply_patch") {
        call.paths = tools::begin_patch(patch).0;
        call.target = call.paths.join(", ");
    }
    let as_path = |given: String| crate::source::cursor::path_of_uri(&given).unwrap_or(given);
    call.workdir = call.workdir.map(as_path);
    call.paths = call.paths.into_iter().map(as_path).collect();
    if kind != StepKind::Web {
        call.target = as_path(call.target);
    }
    call
}

/// What a tool answered, as a person would read it.
fn words(value: &Value) -> String {
    match value {
        Value::Array(parts) if parts.iter().any(|p| p.get("text").is_some()) => {
            let texts = parts.iter().filter_map(|p| text(p, &["text"]));
            texts.collect::<Vec<_>>().join("\n")
        }
        Value::Object(_) => match text(value, &["output", "content", "diff", "message"]) {
            Some(words) => words.to_owned(),
            None if value.get("output").is_some_and(Value::is_string) => String::new(),
            None => tools::pretty(value),
        },
        other => tools::pretty(other),
    }
}

/// Says how a call ended; `None` if it goes on. `asked` is what its record tells of the call.
pub(super) fn outcome(step: &str, asked: &Value, block: &Value) -> Option<Outcome> {
    let tool = text(asked, &["name"]).unwrap_or("?");
    let input = asked.get("input").unwrap_or(&Value::Null);
    let null = Value::Null;
    let run = block.get("run").unwrap_or(&null);
    let result = run.get("result").unwrap_or(&null);
    let exit_code = result
        .get("exitCode")
        .and_then(Value::as_i64)
        .and_then(|n| i32::try_from(n).ok());
    let status = match (text(run, &["status"]), exit_code) {
        (Some("done"), Some(0)) => Status::Ok,
        (Some("done"), Some(_)) => Status::Failed,
        (Some("done"), None) if kind(tool) == StepKind::Command => Status::Unknown,
        (Some("done"), None) => Status::Ok,
        (Some("error"), _) => Status::Failed,
        (Some("cancelled"), _) => Status::Interrupted,
        (Some("rejected-by-user"), _) => Status::Denied,
        (Some("in-progress" | "queued" | "blocked-on-user"), _) => return None,
        _ => Status::Unknown,
    };
    let output = match run.get("error").filter(|e| !e.is_null()) {
        Some(error) => words(error),
        None => words(result),
    };
    let effects = match status {
        Status::Ok => effects(tool, input, result),
        _ => Vec::new(),
    };
    Some(Outcome {
        call_id: step.to_owned(),
        status,
        exit_code,
        duration_ms: None,
        output,
        spilled: None,
        effects,
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
    })
}

fn effects(tool: &str, input: &Value, result: &Value) -> Vec<Effect> {
    if tool == "apply_patch" {
        let patch = text(input, &["patchText", "patch"]);
        return patch.map_or_else(Vec::new, |p| tools::begin_patch(p).1);
    }
    let Some(path) = tools::path(input) else {
        return Vec::new();
    };
    let path = crate::source::cursor::path_of_uri(path).unwrap_or_else(|| path.to_owned());
    let effect = match tool {
        "create_file" => tools::content(input).map(|content| Effect::Write {
            path,
            // It may write over one.
            before: Before::Unknown,
            content: content.to_owned(),
            hunks: Vec::new(),
        }),
        "edit_file" => Some(Effect::Edit {
            path,
            before: Before::Unknown,
            amended: false,
            replacements: tools::replacement(input).into_iter().collect(),
            hunks: diff(result),
        }),
        // What it made is told by a diff, if at all.
        "undo_edit" | "format_file" => Some(Effect::Edit {
            path,
            before: Before::Unknown,
            amended: true,
            replacements: Vec::new(),
            hunks: diff(result),
        }),
        "Read" | "read_file" => shown(path, result),
        _ => None,
    };
    effect.into_iter().collect()
}

/// The hunks of a result's diff, which may stand between marks of Markdown.
fn diff(result: &Value) -> Vec<crate::source::Hunk> {
    let diff = result.as_str().or_else(|| text(result, &["diff"]));
    let Some(diff) = diff else { return Vec::new() };
    let inner = diff
        .split_once("```diff\n")
        .map_or(diff, |(_, rest)| rest.split("\n```").next().unwrap_or(rest));
    tools::hunks(inner)
}

/// What a read showed: each line with its number in front.
fn shown(path: String, result: &Value) -> Option<Effect> {
    let output = result.as_str().or_else(|| text(result, &["content"]))?;
    let mut first_line = None;
    let mut next = None;
    let mut content = String::new();
    for line in output.lines() {
        let numbered = line
            .split_once(": ")
            .or_else(|| Some((line.strip_suffix(':')?, "")));
        let Some((Ok(n), text)) = numbered.map(|(n, text)| (n.trim().parse::<u32>(), text)) else {
            break;
        };
        if next.is_some_and(|next| next != n) {
            break;
        }
        first_line.get_or_insert(n);
        next = n.checked_add(1);
        content.push_str(text);
        content.push('\n');
    }
    Some(Effect::Read {
        path,
        content,
        first_line: first_line?,
        // Whether the last line has a line end is not told.
        whole: false,
    })
}
