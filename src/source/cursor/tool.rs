//! Cursor's tools: what they are, under all their names, and what a call of the editor (`toolFormerData`) did.

use serde_json::{Map, Value};

use super::bubble::inner;
use crate::model::{Status, StepKind, Time};
use crate::source::tools::{self, text};
use crate::source::{Before, Body, Call, Effect, Event, Hunk, Outcome};

/// Names that the editor gives to paths, beside the common ones.
const PATHS: &[&str] = &[
    "targetFile",
    "target_file",
    "relativeWorkspacePath",
    "effectiveUri",
    "targetDirectory",
    "target_directory",
    "relative_workspace_path",
    "directoryPath",
];
/// Names of what is looked for.
const PATTERNS: &[&str] = &[
    "globPattern",
    "glob_pattern",
    "pattern",
    "query",
    "searchTerm",
];

/// What a tool is. Each had several names: the editor's own, the models', and those of older versions.
pub(super) fn kind(name: &str) -> StepKind {
    if name.starts_with("mcp") || name == "CallMcpTool" {
        return StepKind::Mcp;
    }
    let plain: String = name
        .chars()
        .filter(|c| *c != '_')
        .collect::<String>()
        .to_ascii_lowercase();
    let plain = plain.strip_suffix("v2").unwrap_or(&plain);
    match plain {
        "read" | "readfile" => StepKind::Read,
        "globfilesearch" | "glob" | "ripgreprawsearch" | "ripgrep" | "grep" | "grepsearch"
        | "filesearch" | "listdir" | "ls" | "codebasesearch" | "semanticsearch"
        | "semanticsearchfull" | "searchsymbols" => StepKind::Search,
        "editfile" | "searchreplace" | "strreplace" | "edit" | "multiedit" | "multistrreplace"
        | "editnotebook" | "applypatch" | "reapply" => StepKind::Edit,
        "write" | "writefile" => StepKind::Write,
        "delete" | "deletefile" => StepKind::Delete,
        "shell" | "bash" | "runterminalcommand" | "runterminalcmd" => StepKind::Command,
        "websearch" | "webfetch" | "fetch" => StepKind::Web,
        "task" | "agent" | "subagent" => StepKind::Subagent,
        "todowrite" | "todoread" | "createplan" | "updatetodos" => StepKind::Plan,
        "askquestion" => StepKind::Question,
        _ => StepKind::Other,
    }
}

/// The path that an input names.
pub(super) fn path(input: &Value) -> Option<&str> {
    tools::path(input).or_else(|| text(input, PATHS))
}

/// Describes a call.
pub(super) fn call(id: &str, name: &str, input: &Value) -> Call {
    let kind = kind(name);
    let mut call = tools::call(id, name, kind, input);
    let path = path(input);
    let target = match kind {
        StepKind::Search => text(input, PATTERNS).or(path),
        StepKind::Read | StepKind::Edit | StepKind::Write | StepKind::Delete => path,
        _ => None,
    };
    let several = input.get("paths").and_then(Value::as_array);
    if let Some(several) = several.filter(|_| target.is_none() && path.is_none()) {
        let all: Vec<&str> = several.iter().filter_map(Value::as_str).collect();
        call.target = tools::one_line(&all.join(", "));
    }
    if let Some(target) = target {
        call.target = tools::one_line(target);
    }
    if kind != StepKind::Command {
        call.paths = path.map(str::to_owned).into_iter().collect();
    }
    call
}

/// A call of the editor with what came back.
pub(super) fn former(key: &str, at: Option<Time>, record: &Value, out: &mut Vec<Event>) {
    let null = Value::Null;
    let data = record.pointer("/bubble/toolFormerData").unwrap_or(&null);
    let name = text(data, &["name"]).unwrap_or("?");
    let input = input(data);
    // A call that is tried again has its old id.
    let mut say = |at, body| {
        out.push(Event {
            key: Some(key.to_owned()),
            at,
            node: None,
            body,
        });
    };
    let start = data.pointer("/additionalData/startedAtMs");
    let start = start.and_then(Value::as_i64).map(Time).or(at);
    let call = call(key, name, &input);
    let kind = call.kind;
    say(start, Body::Call(Box::new(call)));
    let result = inner(data, "result").unwrap_or_default();
    let Some((status, exit_code)) = status(kind, data, &result) else {
        return;
    };
    let effects = match status {
        Status::Ok => effects(kind, &input, &result, record),
        _ => Vec::new(),
    };
    let spawned = (kind == StepKind::Subagent)
        .then(|| data.pointer("/additionalData/subagentComposerId")?.as_str())
        .flatten();
    let outcome = Outcome {
        call_id: key.to_owned(),
        status,
        exit_code,
        duration_ms: None,
        output: output(kind, data, &result),
        spilled: None,
        effects,
        spawned: spawned.map(str::to_owned),
        answer: None,
        correction: None,
        standalone: None,
    };
    // When it ended is not told.
    say(None, Body::Outcome(Box::new(outcome)));
}

/// What the model asked for and what the editor made of it, in one: neither has all fields, and either may be missing.
fn input(data: &Value) -> Value {
    let mut all = Map::new();
    for name in ["params", "rawArgs"] {
        match inner(data, name) {
            Some(Value::Object(fields)) => {
                for (name, value) in fields {
                    // How the editor took a command apart.
                    if name != "parsingResult" {
                        all.insert(name, value);
                    }
                }
            }
            Some(other) if all.is_empty() => return other,
            _ => {}
        }
    }
    Value::Object(all)
}

/// How it ended, if it did. `completed` is said of failed commands too, and a code of 0 is left out.
fn status(kind: StepKind, data: &Value, result: &Value) -> Option<(Status, Option<i32>)> {
    let is = |value: &Value, name: &str| value.get(name).and_then(Value::as_bool);
    let refused = matches!(text(data, &["userDecision"]), Some("rejected" | "denied"));
    if refused || is(result, "rejected") == Some(true) {
        return Some((Status::Denied, None));
    }
    let status = match text(data, &["status"])? {
        "completed" => Status::Ok,
        "error" => Status::Failed,
        "cancelled" | "canceled" | "aborted" => Status::Interrupted,
        _ => return None,
    };
    if kind != StepKind::Command || status != Status::Ok {
        return Some((status, None));
    }
    let code = result.get("exitCode").and_then(Value::as_i64);
    let failed = data
        .pointer("/additionalData/status")
        .is_some_and(|s| s == "error");
    Some(match code.and_then(|c| i32::try_from(c).ok()) {
        Some(0) => (Status::Ok, Some(0)),
        Some(code) => (Status::Failed, Some(code)),
        None if failed => (Status::Failed, None),
        None if is(result, "notInterrupted") == Some(false) => (Status::Interrupted, None),
        None if result.is_object() => (Status::Ok, Some(0)),
        None => (Status::Ok, None),
    })
}

fn output(kind: StepKind, data: &Value, result: &Value) -> String {
    if let Some(error) = data.get("error").filter(|e| !e.is_null()) {
        let words = inner(data, "error").unwrap_or_else(|| error.clone());
        let plain = text(&words, &["clientVisibleErrorMessage", "message", "error"]);
        return plain.map_or_else(|| tools::pretty(&words), str::to_owned);
    }
    let names: &[&str] = match kind {
        StepKind::Command => &["output"],
        StepKind::Read => &["contents"],
        _ => &["resultForModel", "output"],
    };
    match text(result, names) {
        Some(text) => text.to_owned(),
        // The contents are the step's changes.
        None if ["afterContentId", "diff"]
            .iter()
            .any(|n| result.get(n).is_some()) =>
        {
            String::new()
        }
        None if matches!(kind, StepKind::Command | StepKind::Read) && result.is_object() => {
            String::new()
        }
        None => tools::pretty(result),
    }
}

fn effects(kind: StepKind, input: &Value, result: &Value, record: &Value) -> Vec<Effect> {
    let Some(path) = path(input).map(str::to_owned) else {
        return Vec::new();
    };
    let effect = match kind {
        StepKind::Edit | StepKind::Write => change(kind, path, input, result, record),
        StepKind::Delete => Some(Effect::Delete {
            path,
            before: Before::Unknown,
        }),
        StepKind::Read => read(path, input, result),
        _ => None,
    };
    effect.into_iter().collect()
}

fn change(
    kind: StepKind,
    path: String,
    input: &Value,
    result: &Value,
    record: &Value,
) -> Option<Effect> {
    let side = |name| record.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(content) = side("after") {
        let before = match side("before") {
            Some(_) if record.get("new").is_some() => Before::Absent,
            Some(text) => Before::Text(text),
            None => Before::Unknown,
        };
        return Some(Effect::Write {
            path,
            before,
            content,
            hunks: Vec::new(),
        });
    }
    let hunks: Vec<Hunk> = result
        .pointer("/diff/chunks")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(chunk)
        .collect();
    if let (StepKind::Write, Some(content)) = (kind, tools::content(input)) {
        return Some(Effect::Write {
            path,
            before: Before::Unknown,
            content: content.to_owned(),
            hunks,
        });
    }
    let replacements: Vec<_> = tools::replacement(input).into_iter().collect();
    // Of an edit whose texts are not kept, and whose diff is not either, only that it happened is known.
    Some(match replacements.is_empty() && !hunks.is_empty() {
        true => Effect::Patch {
            path,
            moved_to: None,
            hunks,
            numbered: true,
        },
        false => Effect::Edit {
            path,
            before: Before::Unknown,
            replacements,
            hunks,
            amended: false,
        },
    })
}

/// A piece of the editor's own diff: each line has its mark and a blank in front.
fn chunk(chunk: &Value) -> Option<Hunk> {
    let mut lines = Vec::new();
    for line in text(chunk, &["diffString"])?.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        // An empty line may have lost the blank behind its mark.
        let mark = line.chars().next().filter(|m| "-+ ".contains(*m))?;
        let rest = match &line[1..] {
            "" => "",
            rest => rest.strip_prefix(' ')?,
        };
        lines.push(format!("{mark}{rest}"));
    }
    let count = |mark| lines.iter().filter(|l| !l.starts_with(mark)).count() as u32;
    let (old_lines, new_lines) = (count('+'), count('-'));
    let n = |name| {
        chunk
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok())
    };
    Some(Hunk {
        old_start: n("oldStart")?,
        old_lines,
        new_start: n("newStart")?,
        new_lines,
        lines,
    })
}

/// What a read showed. Only the newer tool gives a file as it is, if it was asked for all of it and it fitted.
fn read(path: String, input: &Value, result: &Value) -> Option<Effect> {
    let content = result.get("contents")?.as_str()?;
    let asked = [
        "offset",
        "limit",
        "startLineOneIndexed",
        "endLineOneIndexedInclusive",
    ];
    let part = asked
        .iter()
        .any(|n| input.get(n).is_some_and(|v| !v.is_null()));
    let limit = input.get("charsLimit").and_then(Value::as_u64);
    let fits = limit.is_some_and(|limit| (content.chars().count() as u64) < limit);
    let first = ["offset", "startLineOneIndexed"]
        .iter()
        .find_map(|n| input.get(n)?.as_u64());
    Some(Effect::Read {
        path,
        content: content.to_owned(),
        first_line: first
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(1)
            .max(1),
        whole: fits && !part,
    })
}
