//! Tools of Gemini CLI, which are those of Qwen Code too: what was asked for, and what came back.

use serde_json::Value;

use crate::model::{Status, StepKind, Time};
use crate::source::tools::{self, text};
use crate::source::{Before, Body, Call, Context, Effect, Event, Outcome, ParseState};

/// Texts from this length on may have been cut when they were recorded.
const CUT: usize = 15_000;
/// What stands before the path of a file that was written.
const NEW_FILE: &str = "Successfully created and wrote to new file: ";
const OLD_FILE: &str = "Successfully overwrote file: ";
const EDITED: &str = "Successfully modified file: ";

/// What came back for a call.
pub(in crate::source) struct Answer<'a> {
    /// The agent's word for how it ended.
    pub status: Option<&'a str>,
    /// What the model was told.
    pub output: String,
    /// What the person was shown.
    pub display: &'a Value,
}

/// A call that is recorded together with its result.
pub(super) fn recorded(
    call: &Value,
    at: Option<Time>,
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    let Some(id) = text(call, &["id"]) else {
        return out.push(event(
            None,
            at,
            Body::Unknown {
                record: "tool call/?".to_owned(),
            },
        ));
    };
    let name = text(call, &["name"]).unwrap_or("?");
    let null = Value::Null;
    let args = call.get("args").unwrap_or(&null);
    let at = text(call, &["timestamp"]).and_then(Time::parse).or(at);
    out.push(event(
        Some(id),
        at,
        Body::Call(Box::new(describe(id, name, args))),
    ));
    let status = text(call, &["status"]);
    let output = call.get("result").map(response).unwrap_or_default();
    // One that is asked about or runs has no result yet.
    if output.is_empty() && !matches!(status, Some("success" | "error" | "cancelled")) {
        return;
    }
    let answer = Answer {
        status,
        output,
        display: call.get("resultDisplay").unwrap_or(&null),
    };
    if let Some(cwd) = folder(args, &answer.output)
        && state.get("cwd") != Some(cwd)
    {
        state.set("cwd", cwd);
        let context = Context {
            cwd: Some(cwd.to_owned()),
            ..Context::default()
        };
        out.push(event(None, None, Body::Context(context)));
    }
    let outcome = outcome(id, name, args, answer);
    out.push(event(Some(id), at, Body::Outcome(Box::new(outcome))));
}

fn event(key: Option<&str>, at: Option<Time>, body: Body) -> Event {
    Event {
        key: key.map(str::to_owned),
        at,
        node: None,
        body,
    }
}

/// What was asked for.
pub(in crate::source) fn describe(id: &str, name: &str, args: &Value) -> Call {
    let mut call = tools::call(id, name, kind(name), args);
    call.workdir = text(args, &["directory", "dir_path", "cwd"])
        .filter(|_| call.kind == StepKind::Command)
        .map(str::to_owned);
    call
}

fn kind(name: &str) -> StepKind {
    match name {
        "read_file" | "read_many_files" => StepKind::Read,
        "search_file_content" | "grep_search" | "glob" | "list_directory" | "lsp" => {
            StepKind::Search
        }
        "replace" | "edit" => StepKind::Edit,
        "write_file" => StepKind::Write,
        "run_shell_command" | "run_command" | "shell" => StepKind::Command,
        "web_fetch" | "google_web_search" | "web_search" => StepKind::Web,
        "write_todos" | "todo_write" | "exit_plan_mode" | "enter_plan_mode" => StepKind::Plan,
        "ask_user" | "ask_user_question" => StepKind::Question,
        "task" | "agent" | "codebase_investigator" | "delegate_to_agent" => StepKind::Subagent,
        _ if name.starts_with("mcp__") || name.starts_with("mcp_") => StepKind::Mcp,
        _ => StepKind::Other,
    }
}

/// The words of a result: parts, of which a `functionResponse` holds the answer.
pub(in crate::source) fn response(result: &Value) -> String {
    let one = |part: &Value| -> String {
        let inner = part.pointer("/functionResponse/response");
        match inner {
            Some(answer) => text(answer, &["output", "error", "content"])
                .map_or_else(|| tools::pretty(answer), str::to_owned),
            None => super::events::words(part),
        }
    };
    match result {
        Value::Array(parts) => {
            let parts: Vec<String> = parts.iter().map(one).filter(|t| !t.is_empty()).collect();
            parts.join("\n")
        }
        other => one(other),
    }
}

/// What came back.
pub(in crate::source) fn outcome(
    id: &str,
    name: &str,
    args: &Value,
    answer: Answer<'_>,
) -> Outcome {
    let kind = kind(name);
    let exit_code = match kind {
        StepKind::Command => exit_code(&answer.output),
        _ => None,
    };
    let status = match answer.status {
        Some("error") => Status::Failed,
        Some("cancelled") if answer.output.contains("did not allow") => Status::Denied,
        Some("cancelled") => Status::Interrupted,
        Some("success") | None => match exit_code {
            Some(code) if code != 0 => Status::Failed,
            _ => Status::Ok,
        },
        Some(_) => Status::Running,
    };
    let effects = match status {
        Status::Ok => effects(name, args, &answer),
        _ => Vec::new(),
    };
    Outcome {
        call_id: id.to_owned(),
        status,
        exit_code,
        duration_ms: None,
        output: answer.output,
        effects,
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
        spilled: None,
    }
}

/// `Exit Code: 1`, on a line of its own near the end. Newer versions leave it out where it is 0.
fn exit_code(output: &str) -> Option<i32> {
    let line = output
        .lines()
        .rev()
        .take(12)
        .find_map(|l| l.strip_prefix("Exit Code: "))?;
    line.trim().parse().ok()
}

/// The folder of the session, where an answer names the file whole that the call named from there.
fn folder<'o>(args: &Value, output: &'o str) -> Option<&'o str> {
    let given = tools::path(args).filter(|p| !p.starts_with('/'))?;
    let named = written(output)?;
    let folder = named.strip_suffix(given)?.strip_suffix('/')?;
    folder.starts_with('/').then_some(folder)
}

/// The path that an answer says was written.
fn written(output: &str) -> Option<&str> {
    let line = output.lines().next()?;
    if let Some((path, _)) = line
        .strip_prefix("The file: ")
        .and_then(|l| l.split_once(" has been updated"))
    {
        return Some(path);
    }
    let (_, path) = [NEW_FILE, OLD_FILE, EDITED]
        .iter()
        .find_map(|start| Some((start, line.strip_prefix(start)?)))?;
    // `Successfully modified file: /x (1 replacements).`, and a full stop that is not part of the name.
    let path = path.split(" (").next().unwrap_or(path);
    Some(path.strip_suffix('.').unwrap_or(path))
}

fn effects(name: &str, args: &Value, answer: &Answer<'_>) -> Vec<Effect> {
    let Some(path) = written(&answer.output).or_else(|| tools::path(args)) else {
        return Vec::new();
    };
    let path = path.to_owned();
    match name {
        "write_file" => write(path, args, answer).into_iter().collect(),
        "replace" | "edit" => replace(path, args, answer).into_iter().collect(),
        "read_file" => read(path, args, &answer.output).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// A whole text that was shown to the person; what may have been cut is none.
fn whole<'a>(answer: &Answer<'a>, name: &str) -> Option<&'a str> {
    let cut = answer
        .display
        .get("truncatedForSession")
        .and_then(Value::as_bool)
        == Some(true);
    let text = answer.display.get(name)?.as_str()?;
    (!cut && text.len() < CUT).then_some(text)
}

fn before(answer: &Answer<'_>) -> Before {
    let original = answer.display.get("originalContent");
    if answer.output.starts_with(NEW_FILE) || original.is_some_and(Value::is_null) {
        return Before::Absent;
    }
    whole(answer, "originalContent").map_or(Before::Unknown, |t| Before::Text(t.to_owned()))
}

fn write(path: String, args: &Value, answer: &Answer<'_>) -> Option<Effect> {
    // The person may have changed it before it was written; what was shown then is what was written.
    let content = whole(answer, "newContent").or_else(|| tools::content(args))?;
    Some(Effect::Write {
        path,
        before: before(answer),
        content: content.to_owned(),
        hunks: Vec::new(),
    })
}

fn replace(path: String, args: &Value, answer: &Answer<'_>) -> Option<Effect> {
    let before = before(answer);
    if let (true, Some(content)) = (before != Before::Unknown, whole(answer, "newContent")) {
        return Some(Effect::Write {
            path,
            before,
            content: content.to_owned(),
            hunks: Vec::new(),
        });
    }
    let (old, new, _) = tools::replacement(args)?;
    if old.is_empty() {
        return Some(Effect::Write {
            path,
            before: Before::Absent,
            content: new,
            hunks: Vec::new(),
        });
    }
    let several = ["expected_replacements", "replace_all", "allow_multiple"]
        .iter()
        .any(|n| match args.get(n) {
            Some(Value::Number(n)) => n.as_u64() > Some(1),
            other => other.and_then(Value::as_bool) == Some(true),
        });
    let hunks = answer.display.get("fileDiff").and_then(Value::as_str);
    Some(Effect::Edit {
        path,
        before,
        replacements: vec![(old, new, several)],
        hunks: hunks.map(tools::hunks).unwrap_or_default(),
        amended: false,
    })
}

fn read(path: String, args: &Value, output: &str) -> Option<Effect> {
    let number = |names: &[&str]| names.iter().find_map(|n| args.get(n)?.as_u64());
    let offset = number(&["offset"]);
    let first = match (offset, number(&["start_line"])) {
        (Some(offset), _) => offset + 1,
        (None, start) => start.unwrap_or(1),
    };
    let is_part = offset.is_some() || number(&["limit", "start_line", "end_line"]).is_some();
    // Then it begins with a notice, not with the file.
    if output.starts_with("IMPORTANT: ") || output.starts_with("[File content truncated") {
        return None;
    }
    Some(Effect::Read {
        path,
        content: output.to_owned(),
        first_line: u32::try_from(first).unwrap_or(1),
        whole: !is_part && output.len() < CUT,
    })
}
