//! A part of the type `tool`: the call and what came back, in one record that is rewritten as it goes on.

use serde_json::Value;

use crate::model::{Status, StepKind, Time};
use crate::source::tools::{self, text};
use crate::source::{Before, Body, Effect, Event, Outcome};

/// What a person's refusal reads like.
const REFUSED: &str = "The user rejected permission";
/// What a call says that was stopped.
const ABORTED: &[&str] = &["Tool execution aborted", "aborted"];
/// What a command says that ran too long.
const TIMEOUT: &str = "terminated command after exceeding timeout";

/// Says what a part of the type `tool` says. Its id names the step.
pub(super) fn part(id: &str, part: &Value, out: &mut Vec<Event>) {
    let tool = text(part, &["tool"]).unwrap_or("?");
    let state = part.get("state").unwrap_or(&Value::Null);
    let null = Value::Null;
    let input = state.get("input").unwrap_or(&null);
    let time = |pointer| state.pointer(pointer).and_then(Value::as_i64).map(Time);
    let (start, end) = (time("/time/start"), time("/time/end"));
    let kind = kind(tool);
    let mut call = tools::call(id, tool, kind, input);
    if let Some(patch) = text(input, &["patchText"]) {
        call.paths = tools::begin_patch(patch).0;
        call.target = call.paths.join(", ");
    }
    let mut say = |at, body| {
        out.push(Event {
            key: Some(id.to_owned()),
            at,
            node: None,
            body,
        });
    };
    say(start, Body::Call(Box::new(call)));
    let status = match text(state, &["status"]) {
        Some("completed") => completed(kind, state),
        Some("error") => error(state),
        _ => return,
    };
    let output = match text(state, &["error"]) {
        Some(error) if status != Status::Ok => error,
        _ => text(state, &["output"]).unwrap_or_default(),
    };
    let effects = match status {
        Status::Ok => effects(tool, input, state),
        _ => Vec::new(),
    };
    let outcome = Outcome {
        call_id: id.to_owned(),
        status,
        exit_code: exit_code(state),
        duration_ms: start.zip(end).map(|(s, e)| e.since(s)),
        output: output.to_owned(),
        spilled: None,
        effects,
        spawned: state
            .pointer("/metadata/sessionId")
            .or_else(|| state.pointer("/metadata/sessionID"))
            .and_then(Value::as_str)
            .map(str::to_owned),
        answer: (kind == StepKind::Question)
            .then(|| answer(state))
            .flatten(),
        correction: None,
        standalone: None,
    };
    say(end.or(start), Body::Outcome(Box::new(outcome)));
}

fn kind(tool: &str) -> StepKind {
    match tool {
        "read" => StepKind::Read,
        "grep" | "glob" | "list" | "ls" | "codesearch" | "lsp" => StepKind::Search,
        "edit" | "multiedit" | "patch" | "apply_patch" => StepKind::Edit,
        "write" => StepKind::Write,
        "bash" => StepKind::Command,
        "webfetch" | "websearch" => StepKind::Web,
        "task" => StepKind::Subagent,
        "todowrite" | "todoread" | "plan_enter" | "plan_exit" => StepKind::Plan,
        "question" => StepKind::Question,
        _ => StepKind::Other,
    }
}

fn exit_code(state: &Value) -> Option<i32> {
    let code = state.pointer("/metadata/exit")?.as_i64()?;
    i32::try_from(code).ok()
}

fn completed(kind: StepKind, state: &Value) -> Status {
    let timed_out = || text(state, &["output"]).is_some_and(|o| o.contains(TIMEOUT));
    match exit_code(state) {
        Some(0) => Status::Ok,
        Some(_) => Status::Failed,
        None if kind == StepKind::Command && timed_out() => Status::Interrupted,
        None => Status::Ok,
    }
}

fn error(state: &Value) -> Status {
    let error = text(state, &["error"]).unwrap_or_default();
    if error.contains(REFUSED) {
        Status::Denied
    } else if ABORTED.iter().any(|a| error.trim() == *a) {
        Status::Interrupted
    } else {
        Status::Failed
    }
}

fn answer(state: &Value) -> Option<String> {
    let answers = state.pointer("/metadata/answers")?.as_array()?;
    let words: Vec<&str> = answers
        .iter()
        .flat_map(|a| match a {
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            one => one.as_str().into_iter().collect::<Vec<_>>(),
        })
        .collect();
    (!words.is_empty()).then(|| words.join("\n"))
}

fn effects(tool: &str, input: &Value, state: &Value) -> Vec<Effect> {
    let metadata = state.get("metadata").unwrap_or(&Value::Null);
    let path = tools::path(input).map(str::to_owned);
    match (tool, path) {
        ("write", Some(path)) => tools::content(input)
            .map(|content| Effect::Write {
                before: before(metadata),
                hunks: Vec::new(),
                content: content.to_owned(),
                path,
            })
            .into_iter()
            .collect(),
        ("edit", Some(path)) => {
            let replacements = tools::replacement(input).into_iter().collect();
            vec![edit(path, replacements, metadata)]
        }
        ("multiedit", Some(path)) => {
            let edits = input.get("edits").and_then(Value::as_array);
            let replacements = edits
                .into_iter()
                .flatten()
                .filter_map(tools::replacement)
                .collect();
            vec![edit(path, replacements, metadata)]
        }
        ("patch" | "apply_patch", _) => patched(input, metadata),
        ("read", Some(path)) => shown(path, text(state, &["output"]).unwrap_or_default())
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// Older versions keep the whole text before and after.
fn whole<'v>(metadata: &'v Value, name: &str) -> Option<&'v str> {
    metadata
        .get("filediff")
        .and_then(|d| d.get(name))
        .or_else(|| metadata.get(name))
        .and_then(Value::as_str)
}

fn before(metadata: &Value) -> Before {
    match (whole(metadata, "before"), metadata.get("exists")) {
        (_, Some(Value::Bool(false))) => Before::Absent,
        (Some(text), _) => Before::Text(text.to_owned()),
        _ => Before::Unknown,
    }
}

fn edit(path: String, replacements: Vec<(String, String, bool)>, metadata: &Value) -> Effect {
    if let (Some(before), Some(after)) = (whole(metadata, "before"), whole(metadata, "after")) {
        return Effect::Write {
            path,
            before: Before::Text(before.to_owned()),
            content: after.to_owned(),
            hunks: Vec::new(),
        };
    }
    // With nothing to replace the tool writes the whole file.
    if let [(old, new, _)] = &replacements[..]
        && old.is_empty()
    {
        return Effect::Write {
            path,
            before: Before::Unknown,
            content: new.clone(),
            hunks: Vec::new(),
        };
    }
    // `diff` may have lost its indents; `filediff.patch` has not.
    let hunks = metadata
        .pointer("/filediff/patch")
        .and_then(Value::as_str)
        .map(tools::hunks)
        .unwrap_or_default();
    Effect::Edit {
        path,
        before: Before::Unknown,
        replacements,
        hunks,
        amended: false,
    }
}

fn patched(input: &Value, metadata: &Value) -> Vec<Effect> {
    let files = metadata.get("files").and_then(Value::as_array);
    let known: Vec<Effect> = files
        .into_iter()
        .flatten()
        .filter_map(patched_file)
        .collect();
    match text(input, &["patchText"]) {
        Some(patch) if known.is_empty() => tools::begin_patch(patch).1,
        _ => known,
    }
}

fn patched_file(file: &Value) -> Option<Effect> {
    let path = text(file, &["filePath", "file"])?.to_owned();
    let side = |name| file.get(name).and_then(Value::as_str).map(str::to_owned);
    let moved_to = text(file, &["movePath"]).map(str::to_owned);
    Some(
        match (text(file, &["type"]), side("before"), side("after")) {
            (Some("delete"), before, _) => Effect::Delete {
                path,
                before: before.map_or(Before::Unknown, Before::Text),
            },
            (Some("add"), _, Some(content)) => Effect::Write {
                path,
                before: Before::Absent,
                content,
                hunks: Vec::new(),
            },
            (_, Some(before), Some(content)) if moved_to.is_none() => Effect::Write {
                path,
                before: Before::Text(before),
                content,
                hunks: Vec::new(),
            },
            _ => Effect::Patch {
                path,
                moved_to,
                hunks: tools::hunks(text(file, &["patch", "diff"])?),
                numbered: true,
            },
        },
    )
}

/// What a read showed: each line with its number in front, in the words of two versions.
fn shown(path: String, output: &str) -> Option<Effect> {
    let (_, rest) = output
        .split_once("<content>\n")
        .or_else(|| output.split_once("<file>\n"))?;
    let mut first_line = None;
    let mut next = None;
    let mut content = String::new();
    for line in rest.lines() {
        let numbered = line.split_once("| ").or_else(|| line.split_once(": "));
        let number = numbered.and_then(|(n, text)| Some((n.parse::<u32>().ok()?, text)));
        // An empty line may have lost the blank behind its mark.
        let number = number.or_else(|| {
            let n = line.strip_suffix(['|', ':'])?;
            Some((n.parse().ok()?, ""))
        });
        let Some((n, text)) = number else { break };
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
