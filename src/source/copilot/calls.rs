//! Calls in the events: asked for by a message, started, permitted or not, completed. What came back does not repeat what was
//! asked, so the input of a call that changes or shows a file is remembered until then.

use serde_json::{Value, json};

use super::envelope::{self, Line};
use super::tool;
use crate::model::{Status, StepKind};
use crate::source::tools::{text, unknown_fields};
use crate::source::{Body, Call, Effect, Event, Outcome, ParseState};

/// Calls without a result that are remembered.
const OPEN: usize = 64;

fn open(id: &str) -> String {
    format!("open {id}")
}

fn denied(id: &str) -> String {
    format!("denied {id}")
}

/// A call in a message's `toolRequests`.
pub(super) fn requested(request: &Value, state: &mut ParseState) -> Option<Call> {
    let id = text(request, &["toolCallId"])?;
    let name = text(request, &["name"]).unwrap_or("?");
    let input = tool::arguments(request.get("arguments"));
    let call = tool::describe(id, name, &input);
    remember(id, name, call.kind, input, state);
    Some(call)
}

const STARTED: &[&str] = &[
    "toolCallId",
    "toolName",
    "arguments",
    "model",
    "turnId",
    "mcpServerName",
    "mcpToolName",
    "parentToolCallId",
    "shellToolInfo",
    "toolDescription",
];

/// `tool.execution_start`.
pub(super) fn started(line: &Line<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    let data = line.data;
    unknown_fields("tool.execution_start", data, STARTED, out);
    let Some(id) = text(data, &["toolCallId"]) else {
        let record = "tool.execution_start/?".to_owned();
        return line.say(0, Body::Unknown { record }, out);
    };
    let name = text(data, &["toolName"]).unwrap_or("?");
    let input = tool::arguments(data.get("arguments"));
    let mut call = tool::describe(id, name, &input);
    if text(data, &["mcpServerName"]).is_some() && call.kind == StepKind::Other {
        call.kind = StepKind::Mcp;
    }
    let kind = call.kind;
    line.say(0, Body::Call(Box::new(call)), out);
    // The program for the terminal tells what its sub-agents do; the editor does not.
    if name == "task" {
        if let Some(session) = state.session.clone() {
            state.set(&envelope::made(id), &session);
        }
        if let Some(about) = text(&input, &["description", "prompt"]) {
            let about: String = about.chars().take(200).collect();
            state.set(&envelope::task(id), &about);
        }
    }
    remember(id, name, kind, input, state);
}

fn remember(id: &str, name: &str, kind: StepKind, input: Value, state: &mut ParseState) {
    let kept = match kind {
        StepKind::Read | StepKind::Edit | StepKind::Write => input,
        _ => Value::Null,
    };
    let is_open = |n: &str| n.starts_with("open ");
    while state.memory.iter().filter(|(n, _)| is_open(n)).count() >= OPEN {
        if let Some(oldest) = state.memory.iter().position(|(n, _)| is_open(n)) {
            state.memory.remove(oldest);
        }
    }
    state.set(&open(id), &json!({"name": name, "input": kept}).to_string());
}

/// `permission.completed`: a refusal is remembered for the call's result, which only says that it failed.
pub(super) fn permitted(line: &Line<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    let answer = line.data.pointer("/result/kind").and_then(Value::as_str);
    if let (Some(answer), Some(id)) = (answer, text(line.data, &["toolCallId"]))
        && (answer.starts_with("denied") || answer.starts_with("reject"))
    {
        state.set(&denied(id), "");
    }
    line.say(0, Body::Ignored, out);
}

const COMPLETED: &[&str] = &[
    "toolCallId",
    "model",
    "interactionId",
    "turnId",
    "success",
    "result",
    "error",
    "toolTelemetry",
    "isUserRequested",
    "mcpMeta",
    "parentToolCallId",
    "sandboxed",
];

/// `tool.execution_complete`; `asked` is the call (`name`, `input`) where it stands with it.
pub(super) fn completed(
    line: &Line<'_>,
    asked: Option<&Value>,
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    let data = line.data;
    unknown_fields("tool.execution_complete", data, COMPLETED, out);
    let Some(id) = text(data, &["toolCallId"]) else {
        let record = "tool.execution_complete/?".to_owned();
        return line.say(0, Body::Unknown { record }, out);
    };
    let remembered = || {
        state
            .get(&open(id))
            .and_then(|a| serde_json::from_str(a).ok())
    };
    let asked: Value = asked.cloned().or_else(remembered).unwrap_or(Value::Null);
    let is_denied = state.get(&denied(id)).is_some();
    for name in [open(id), denied(id)] {
        state.unset(&name);
    }
    let name = text(&asked, &["name"]);
    let null = Value::Null;
    let input = asked.get("input").unwrap_or(&null);
    let kind = name.map(|n| tool::kind(n, input));
    let output = match data.get("result") {
        Some(Value::String(text)) => text.clone(),
        Some(result) => words(result),
        None => String::new(),
    };
    let error = data.pointer("/error/message").and_then(Value::as_str);
    let exit_code = match kind {
        None | Some(StepKind::Command) => exit_code(&output),
        Some(_) => None,
    };
    let status = match (data.get("success").and_then(Value::as_bool), exit_code) {
        (Some(true), Some(code)) if code != 0 => Status::Failed,
        (Some(true), _) => Status::Ok,
        _ if is_denied => Status::Denied,
        _ => failed(data),
    };
    let diff = data
        .pointer("/result/detailedContent")
        .and_then(Value::as_str);
    let effects = match status {
        Status::Ok => effects(name, input, &output, diff),
        _ => Vec::new(),
    };
    let answer = (kind == Some(StepKind::Question))
        .then(|| output.strip_prefix("User responded: "))
        .flatten();
    let outcome = Outcome {
        call_id: id.to_owned(),
        status,
        exit_code,
        duration_ms: None,
        answer: answer.map(str::to_owned),
        output: match error {
            Some(error) if output.is_empty() => error.to_owned(),
            _ => output,
        },
        spilled: None,
        effects,
        spawned: (name == Some("task"))
            .then(|| envelope::spawned(id, state))
            .flatten(),
        correction: None,
        standalone: None,
    };
    line.say(0, Body::Outcome(Box::new(outcome)), out);
}

/// The words of a result: what the model was told.
fn words(result: &Value) -> String {
    match result.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts: Vec<&str> = parts.iter().filter_map(|p| text(p, &["text"])).collect();
            texts.join("\n")
        }
        _ => text(result, &["detailedContent"])
            .unwrap_or_default()
            .to_owned(),
    }
}

fn failed(data: &Value) -> Status {
    let code = data.pointer("/error/code").and_then(Value::as_str);
    match code.unwrap_or_default() {
        "denied" | "rejected" => Status::Denied,
        "cancelled" | "canceled" | "aborted" | "abort" => Status::Interrupted,
        _ => Status::Failed,
    }
}

/// `<shellId: 3 completed with exit code 0>` on the last line; `success` only says that the shell ran it.
fn exit_code(output: &str) -> Option<i32> {
    let last = output.trim_end().lines().last()?;
    let (_, code) = last
        .strip_prefix('<')?
        .strip_suffix('>')?
        .rsplit_once(" with exit code ")?;
    code.trim().parse().ok()
}

/// What it did to files. The diff is read wherever there is one, since changes are worked out from the result alone. What a
/// command printed is none, whatever it looks like: a command has nothing more to show than what the model is told.
fn effects(name: Option<&str>, input: &Value, output: &str, diff: Option<&str>) -> Vec<Effect> {
    let kind = name.map(|n| tool::kind(n, input));
    if kind == Some(StepKind::Read) {
        let read = tool::numbered(output).zip(tool::path_of(input));
        let read = read.map(|((first_line, content), path)| Effect::Read {
            path,
            content,
            first_line,
            whole: first_line == 1 && input.get("view_range").is_none_or(Value::is_null),
        });
        return read.into_iter().collect();
    }
    let edits = matches!(kind, None | Some(StepKind::Edit | StepKind::Write));
    let shown = match diff.filter(|d| edits && *d != output && d.starts_with("\ndiff --git ")) {
        Some(diff) => tool::patched(diff, output),
        None => Vec::new(),
    };
    match name {
        Some(name) if shown.is_empty() || kind == Some(StepKind::Write) => {
            tool::effects(name, input)
        }
        _ => shown,
    }
}
