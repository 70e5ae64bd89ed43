//! A call with what came back, as the hooks of four agents tell it: the tools of each, by their names.

use serde_json::Value;

use super::events::{moment, value};
use crate::model::{Status, StepKind};
use crate::source::{Before, Body, Effect, Event, Outcome, Record, tools};

/// What a record of the kind `call` says.
pub(super) fn events(record: &Record<'_>, out: &mut Vec<Event>) {
    let body: Value = record.body().unwrap_or_default();
    let call_id = &*record.key;
    let tool = tools::text(&body, &["tool"]).unwrap_or("?");
    let (kind, input) = (kind(tool), value(body.get("input")));
    let nanos = |name: &str| moment(body.get(name).and_then(Value::as_i64));
    let (called, answered) = (nanos("called_at"), nanos("answered_at"));
    let mut call = tools::call(call_id, tool, kind, input);
    let patch = tools::text(input, &["patchText", "input", "patch"])
        .filter(|p| p.contains("*** Begin Patch"));
    if let Some(patch) = patch {
        call.paths = tools::begin_patch(patch).0;
        call.target = call.paths.join(", ");
    } else if let Some(words) = input.get("command").and_then(Value::as_array) {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        call.target = script(&words);
        call.input.clone_from(&call.target);
    }
    let mut say = |at, body| {
        out.push(Event {
            key: Some(call_id.to_owned()),
            at,
            node: None,
            body,
        });
    };
    let open = body.get("output").is_none() && answered.is_none();
    // The hooks tell of both when the call is over: when it began is not known, nor what it took.
    say(called.filter(|_| open), Body::Call(Box::new(call)));
    if open {
        return;
    }
    let output = value(body.get("output"));
    let exit_code = exit_code(output);
    let status = status(output, exit_code);
    let effects = match status {
        Status::Ok => effects(kind, input, output, patch),
        _ => Vec::new(),
    };
    let outcome = Outcome {
        call_id: call_id.to_owned(),
        status,
        exit_code,
        duration_ms: None,
        output: readable(kind, output),
        spilled: None,
        effects,
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
    };
    say(answered.or(called), Body::Outcome(Box::new(outcome)));
}

fn kind(tool: &str) -> StepKind {
    match tool.to_ascii_lowercase().as_str() {
        "read" | "notebookread" | "view_image" => StepKind::Read,
        "grep" | "glob" | "ls" | "list" | "find" => StepKind::Search,
        "edit" | "multiedit" | "apply_patch" | "patch" | "notebookedit" => StepKind::Edit,
        "write" => StepKind::Write,
        "bash"
        | "shell"
        | "exec_command"
        | "functions.exec_command"
        | "local_shell"
        | "powershell" => StepKind::Command,
        "webfetch" | "websearch" | "web_search" => StepKind::Web,
        "task" | "agent" => StepKind::Subagent,
        "todowrite" | "todoread" | "update_plan" | "exitplanmode" => StepKind::Plan,
        "askuserquestion" | "question" => StepKind::Question,
        name if name.starts_with("mcp__") => StepKind::Mcp,
        _ => StepKind::Other,
    }
}

/// A command that was given as words; of a shell only what it was told to run.
fn script(words: &[&str]) -> String {
    match words {
        [shell, flag, script]
            if shell.ends_with("sh") && flag.starts_with('-') && flag.ends_with('c') =>
        {
            (*script).to_owned()
        }
        _ => words.join(" "),
    }
}

fn exit_code(output: &Value) -> Option<i32> {
    [
        "/exit_code",
        "/exitCode",
        "/metadata/exit",
        "/metadata/exit_code",
    ]
    .iter()
    .find_map(|at| output.pointer(at)?.as_i64())
    .and_then(|code| i32::try_from(code).ok())
}

fn status(output: &Value, exit_code: Option<i32>) -> Status {
    let is = |name: &str, what: bool| output.get(name).and_then(Value::as_bool) == Some(what);
    if output.is_null() {
        // Its object is not there, or its agent told the hook nothing.
        Status::Unknown
    } else if is("interrupted", true) {
        Status::Interrupted
    } else if exit_code.is_some_and(|code| code != 0)
        || is("is_error", true)
        || is("success", false)
        || tools::text(output, &["error"]).is_some()
    {
        Status::Failed
    } else {
        Status::Ok
    }
}

/// What a tool answered, as a person would read it.
fn readable(kind: StepKind, output: &Value) -> String {
    // The texts of the file before and after: they are the change, not an answer.
    if matches!(kind, StepKind::Edit | StepKind::Write) && output.is_object() {
        return tools::text(output, &["error", "output"])
            .unwrap_or_default()
            .to_owned();
    }
    let streams: Vec<&str> = ["stdout", "stderr"]
        .iter()
        .filter_map(|name| tools::text(output, &[name]))
        .collect();
    if !streams.is_empty() || output.get("stdout").is_some() {
        return streams.join("\n");
    }
    tools::text(output, &["error", "output", "content", "text"])
        .or_else(|| output.pointer("/file/content").and_then(Value::as_str))
        .map_or_else(|| tools::pretty(output), str::to_owned)
}

fn effects(kind: StepKind, input: &Value, output: &Value, patch: Option<&str>) -> Vec<Effect> {
    if let Some(patch) = patch {
        return tools::begin_patch(patch).1;
    }
    let Some(path) = tools::path(input).map(str::to_owned) else {
        return Vec::new();
    };
    // Claude Code hands its hooks the text that it found, where there was a file.
    let before = match output.get("originalFile") {
        Some(Value::String(text)) => Before::Text(text.clone()),
        Some(Value::Null) => Before::Absent,
        _ => Before::Unknown,
    };
    match kind {
        StepKind::Write => tools::content(input)
            .map(|content| Effect::Write {
                path,
                before,
                content: content.to_owned(),
                hunks: Vec::new(),
            })
            .into_iter()
            .collect(),
        StepKind::Edit => {
            let several = input.get("edits").and_then(Value::as_array);
            let replacements: Vec<_> = match several {
                Some(edits) => edits.iter().filter_map(tools::replacement).collect(),
                None => tools::replacement(input).into_iter().collect(),
            };
            let edit = Effect::Edit {
                path,
                before,
                amended: output.get("userModified").and_then(Value::as_bool) == Some(true),
                hunks: Vec::new(),
                replacements,
            };
            vec![edit]
        }
        _ => Vec::new(),
    }
}
