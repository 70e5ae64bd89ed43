//! What came back: results of both encodings, joined to their calls, and what they say.

use serde_json::Value;

use super::call::Asked;
use super::edits;
use crate::model::{Status, StepKind};
use crate::source::tools::{self, text};
use crate::source::{Before, Effect, Outcome};

/// A result: the tool's own id of the call, or the tool's name, or neither.
#[derive(Debug, Default)]
pub(super) struct Result {
    id: Option<String>,
    tool: Option<String>,
    text: String,
    is_error: bool,
}

/// The blocks of a message's `content`, which may be a text alone.
pub(super) fn content(message: &Value) -> Vec<(&str, &Value)> {
    match message.get("content") {
        Some(Value::Array(blocks)) => blocks
            .iter()
            .map(|b| (text(b, &["type"]).unwrap_or("?"), b))
            .collect(),
        Some(whole @ Value::String(_)) => vec![("text", whole)],
        _ => Vec::new(),
    }
}

/// The words of a block of text.
pub(super) fn words(block: &Value) -> &str {
    block
        .as_str()
        .or_else(|| block.get("text")?.as_str())
        .unwrap_or_default()
}

/// Whether a text is put in by the program, for the model.
pub(super) fn is_injected(text: &str) -> bool {
    let text = text.trim_start();
    [
        "<environment_details>",
        "# task_progress",
        "# TODO LIST UPDATE REQUIRED",
        "[TASK RESUMPTION]",
        "[ERROR] You did not use a tool",
        "<explicit_instructions",
        "<user_rules>",
    ]
    .iter()
    .any(|start| text.starts_with(start))
}

/// The results in a user's message, in order.
pub(super) fn results(answer: &Value) -> Vec<Result> {
    let mut all: Vec<Result> = Vec::new();
    // The text of a result may stand in blocks behind the one that names the tool.
    let mut open = false;
    for (kind, block) in content(answer) {
        match kind {
            "tool_result" => {
                open = false;
                all.push(native(block));
            }
            "text" if is_injected(words(block)) => open = false,
            "text" => match heading(words(block)) {
                Some((tool, rest)) => {
                    open = true;
                    all.push(Result {
                        tool: Some(tool.to_owned()),
                        text: rest.to_owned(),
                        ..Result::default()
                    });
                }
                None => {
                    if let Some(last) = all.last_mut().filter(|_| open) {
                        if !last.text.is_empty() {
                            last.text.push_str("\n\n");
                        }
                        last.text.push_str(words(block));
                    }
                }
            },
            _ => {}
        }
    }
    all
}

fn native(block: &Value) -> Result {
    let texts: Vec<&str> = content(block)
        .into_iter()
        .filter(|(kind, _)| *kind == "text")
        .map(|(_, b)| words(b))
        .collect();
    let whole = texts.join("\n\n");
    let (tool, text) = match heading(&whole) {
        Some((tool, rest)) => (Some(tool.to_owned()), rest.to_owned()),
        None => (None, whole),
    };
    Result {
        id: text_of(block, "tool_use_id"),
        tool,
        text,
        is_error: block.get("is_error").and_then(Value::as_bool) == Some(true),
    }
}

fn text_of(value: &Value, name: &str) -> Option<String> {
    text(value, &[name]).map(str::to_owned)
}

/// `[read_file for 'a.rs'] Result:` and what follows.
fn heading(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix('[')?;
    let name = rest
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .next()
        .filter(|n| !n.is_empty())?;
    let (_, rest) = rest.split_once("] Result:")?;
    Some((name, rest.strip_prefix('\n').unwrap_or(rest)))
}

/// Joins results to calls: by id, else the first call of that tool that has none yet, else the first that has none.
pub(super) fn join(asked: &[Asked], results: Vec<Result>) -> Vec<(&Asked, Result)> {
    let mut free: Vec<&Asked> = asked.iter().collect();
    let mut all = Vec::new();
    for result in results {
        let by = |test: &dyn Fn(&Asked) -> bool| free.iter().position(|a| test(a));
        let found = match (&result.id, &result.tool) {
            (Some(id), _) => by(&|a| a.id == *id),
            (None, Some(tool)) => by(&|a| a.tool == *tool).or_else(|| by(&|_| true)),
            (None, None) => by(&|_| true),
        };
        if let Some(n) = found {
            all.push((free.remove(n), result));
        }
    }
    all
}

/// What a result says. `created` are files that were not there before.
pub(super) fn outcome(asked: &Asked, result: &Result, created: &[String]) -> Outcome {
    let kind = asked.kind();
    let exit_code = (kind == StepKind::Command)
        .then(|| exit_code(&result.text))
        .flatten();
    let status = status(kind, result, exit_code);
    Outcome {
        call_id: asked.id.clone(),
        status,
        exit_code,
        duration_ms: None,
        output: result.text.clone(),
        spilled: None,
        effects: match status {
            Status::Ok => effects(asked, &result.text, created),
            _ => Vec::new(),
        },
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
    }
}

/// What a refusal reads like.
const REFUSED: &[&str] = &["The user denied this operation", "Operation denied by user"];
/// What a failure begins with.
const FAILED: &[&str] = &[
    "The tool execution failed",
    "Missing value for required parameter",
    "Error",
    "<error>",
    "Unable to apply diff",
    "Access to ",
    "CRITICAL:",
];

fn status(kind: StepKind, result: &Result, exit_code: Option<i32>) -> Status {
    let text = result.text.trim_start();
    let json: Option<Value> = text
        .starts_with('{')
        .then(|| serde_json::from_str(text).ok())
        .flatten();
    let told = json.as_ref().and_then(|j| tools::text(j, &["status"]));
    if told == Some("denied") || REFUSED.iter().any(|r| text.starts_with(r)) {
        return Status::Denied;
    }
    let unrun = text.contains("was not executed because");
    if told == Some("error")
        || result.is_error
        || FAILED.iter().any(|f| text.starts_with(f))
        || unrun
    {
        return Status::Failed;
    }
    if kind != StepKind::Command {
        return Status::Ok;
    }
    let head: String = text.chars().take(300).collect::<String>().to_lowercase();
    match exit_code {
        Some(0) => Status::Ok,
        Some(_) => Status::Failed,
        None if ["timed out", "interrupted", "terminated by"]
            .iter()
            .any(|w| head.contains(w)) =>
        {
            Status::Interrupted
        }
        // "Command executed." says that it ran, and nothing of how it ended.
        None => Status::Unknown,
    }
}

/// The exit code, where the program says it: in the first lines, before the command's own output.
fn exit_code(text: &str) -> Option<i32> {
    let own = text.split("\nOutput:").next().unwrap_or(text);
    let own = own.to_lowercase();
    own.lines().take(4).find_map(|line| {
        let (_, rest) = line.split_once("exit code")?;
        let rest = rest.trim_start_matches([':', ' ']);
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '-'))
            .unwrap_or(rest.len());
        rest[..end].parse().ok()
    })
}

/// Files whose text a result shows in other words than the file has.
const CONVERTED: &[&str] = &[".pdf", ".docx", ".ipynb", ".xlsx"];

fn effects(asked: &Asked, result: &str, created: &[String]) -> Vec<Effect> {
    let path = asked.paths().into_iter().next().unwrap_or_default();
    let is_new = created.iter().any(|c| is_same(c, &path));
    let before = match is_new {
        true => Before::Absent,
        false if asked.kind() == StepKind::Write => Before::Unchecked,
        false => Before::Unknown,
    };
    let kind = asked.kind();
    if matches!(kind, StepKind::Write | StepKind::Edit)
        && let Some((named, content)) = edits::final_content(result)
    {
        let path = if path.is_empty() {
            named.to_owned()
        } else {
            path
        };
        return vec![Effect::Write {
            path,
            before,
            content: content.to_owned(),
            hunks: edits::hunks(content, &replaced(&asked.input)),
        }];
    }
    if kind == StepKind::Read {
        return read(&path, result);
    }
    if let Some(patch) = asked.patch() {
        return tools::begin_patch(patch).1;
    }
    if path.is_empty() {
        return Vec::new();
    }
    let amended = edits::is_amended(result);
    match kind {
        StepKind::Write if !amended => tools::content(&asked.input)
            .map(|content| Effect::Write {
                path,
                before,
                content: content.to_owned(),
                hunks: Vec::new(),
            })
            .into_iter()
            .collect(),
        StepKind::Write | StepKind::Edit => vec![Effect::Edit {
            path,
            before,
            replacements: if amended {
                Vec::new()
            } else {
                replaced(&asked.input)
            },
            hunks: Vec::new(),
            amended,
        }],
        _ => Vec::new(),
    }
}

/// A path as shown, and one as given: one of them may be relative.
fn is_same(shown: &str, given: &str) -> bool {
    let shown = shown.trim_start_matches("./");
    let given = given.trim_start_matches("./");
    !shown.is_empty()
        && (shown == given
            || given
                .strip_suffix(shown)
                .is_some_and(|rest| rest.ends_with(['/', '\\'])))
}

fn read(path: &str, result: &str) -> Vec<Effect> {
    let numbered = edits::numbered(path, result);
    let is_note = result.starts_with("[[NOTE]") || result.starts_with("(tool did not return");
    let converted = CONVERTED
        .iter()
        .any(|end| path.to_lowercase().ends_with(end));
    // Other answers than a file's own text.
    let other = [
        "<files>",
        "<file_content",
        "File: ",
        "[File content",
        "{\"",
        "[",
    ]
    .iter()
    .any(|start| result.starts_with(start) && !path.ends_with(".json"));
    if !numbered.is_empty() {
        return numbered;
    }
    if is_note || converted || other || path.is_empty() || result.is_empty() {
        return Vec::new();
    }
    vec![Effect::Read {
        path: path.to_owned(),
        content: result.to_owned(),
        first_line: 1,
        whole: true,
    }]
}

fn replaced(input: &Value) -> Vec<edits::Block> {
    if let Some(one) = tools::replacement(input) {
        return vec![one];
    }
    let blocks = text(input, &["diff"])
        .map(edits::blocks)
        .unwrap_or_default();
    match (text(input, &["search"]), input.get("replace")) {
        (Some(search), Some(Value::String(replace))) if blocks.is_empty() => {
            let is_pattern = text(input, &["use_regex"]) == Some("true");
            match is_pattern {
                true => Vec::new(),
                false => vec![(search.to_owned(), replace.clone(), true)],
            }
        }
        _ => blocks,
    }
}
