//! Crush's tools: what a call is about, how it ended, and what it did to files.

use serde_json::Value;

use crate::model::{Status, StepKind};
use crate::source::tools::{self, text};
use crate::source::{Before, Call, Effect, Outcome, ParseState};

/// What a result says where the person refused.
const DENIED: &[&str] = &["permission denied", "user denied permission"];
/// What a result says that never came to its end.
const STOPPED: &[&str] = &[
    "tool execution canceled by user",
    "user cancelled assistant tool calling",
    "request cancelled by user",
    "context canceled",
];
/// What stands at the end of a command's output.
const ABORTED: &str = "Command was aborted before completion";
const EXIT: &str = "Exit code ";

fn kind(tool: &str) -> StepKind {
    match tool {
        "view" => StepKind::Read,
        "grep" | "glob" | "ls" | "sourcegraph" | "diagnostics" | "lsp_diagnostics"
        | "lsp_references" => StepKind::Search,
        "edit" | "multiedit" | "patch" => StepKind::Edit,
        "write" => StepKind::Write,
        "bash" => StepKind::Command,
        "fetch" | "agentic_fetch" | "web_fetch" | "web_search" | "download" => StepKind::Web,
        "agent" => StepKind::Subagent,
        "todos" => StepKind::Plan,
        _ => StepKind::Other,
    }
}

/// Whether a result cannot be understood without what was asked, where versions of its files are known or not.
pub(super) fn needs_input(tool: &str, has_versions: bool) -> bool {
    match tool {
        "view" | "patch" => true,
        "edit" | "multiedit" | "write" => !has_versions,
        _ => false,
    }
}

/// A text that should be JSON; else it stays a text (it is still being written, or is none).
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|_| Value::from(json))
}

/// Describes a call.
pub(super) fn call(step: &str, data: &Value, state: &ParseState) -> Call {
    let tool = text(data, &["name"]).unwrap_or("?");
    let input = parsed(text(data, &["input"]).unwrap_or("{}"));
    let kind = kind(tool);
    let mut call = tools::call(step, tool, kind, &input);
    if tool == "patch"
        && let Some(patch) = text(&input, &["patch_text"])
    {
        call.paths = tools::begin_patch(patch).0;
        call.target = call.paths.join(", ");
        call.input = patch.to_owned();
    }
    if kind == StepKind::Command {
        // A `cd` of one command lasted for the next, in the versions with one shell for all.
        call.workdir = text(&input, &["working_dir"])
            .or_else(|| state.get("shell"))
            .map(str::to_owned);
    }
    call
}

/// Says how a call ended. `asked` is what its record tells of the call.
pub(super) fn outcome(step: &str, asked: &Value, data: &Value, state: &mut ParseState) -> Outcome {
    let tool = text(asked, &["name"]).unwrap_or("?");
    let metadata = parsed(text(data, &["metadata"]).unwrap_or("null"));
    let output = text(data, &["content"]).unwrap_or_default();
    let is_error = data.get("is_error").and_then(Value::as_bool) == Some(true);
    let (status, exit_code) = match (is_error, tool) {
        (true, _) => (failed(output), None),
        (false, "bash") => command(output, &metadata),
        (false, _) => (Status::Ok, None),
    };
    if let Some(folder) = text(&metadata, &["working_directory"]) {
        state.set("shell", folder);
    }
    let time = |name| metadata.get(name).and_then(Value::as_u64);
    let effects = match status {
        Status::Ok => effects(tool, asked, &metadata),
        _ => Vec::new(),
    };
    Outcome {
        call_id: step.to_owned(),
        status,
        exit_code,
        duration_ms: time("start_time")
            .zip(time("end_time"))
            .and_then(|(start, end)| end.checked_sub(start)),
        output: output.to_owned(),
        spilled: None,
        effects,
        spawned: text(asked, &["spawned"]).map(str::to_owned),
        answer: None,
        correction: None,
        standalone: None,
    }
}

fn failed(output: &str) -> Status {
    let words = output.trim().to_ascii_lowercase();
    let says = |list: &[&str]| {
        list.iter()
            .any(|w| words == *w || words == format!("error: {w}"))
    };
    if says(DENIED) {
        Status::Denied
    } else if says(STOPPED) {
        Status::Interrupted
    } else {
        Status::Failed
    }
}

/// A command's end stands in its text alone: the code if it is not 0, before the folder. One in the background has none.
fn command(output: &str, metadata: &Value) -> (Status, Option<i32>) {
    let told = match output.rfind("<cwd>") {
        Some(at) if output.trim_end().ends_with("</cwd>") => &output[..at],
        _ => output,
    };
    let told = told.trim_end();
    let last = told.lines().last().unwrap_or_default();
    if let Some(code) = last.strip_prefix(EXIT).and_then(|n| n.parse().ok()) {
        let aborted = told.lines().rev().nth(1) == Some(ABORTED);
        return match (code, aborted) {
            (0, false) => (Status::Ok, Some(0)),
            (_, false) => (Status::Failed, Some(code)),
            (_, true) => (Status::Interrupted, Some(code)),
        };
    }
    if last == ABORTED {
        return (Status::Interrupted, None);
    }
    let background = metadata.get("background").and_then(Value::as_bool) == Some(true);
    // Without its times it is not told that it ran at all.
    let ran = metadata.get("end_time").is_some();
    (Status::Ok, (ran && !background).then_some(0))
}

fn effects(tool: &str, asked: &Value, metadata: &Value) -> Vec<Effect> {
    let files = asked.get("files").and_then(Value::as_array);
    let known: Vec<Effect> = files
        .into_iter()
        .flatten()
        .filter_map(|w| kept(tool, w))
        .collect();
    if !known.is_empty() && tool != "patch" {
        return known;
    }
    let input = parsed(text(asked, &["input"]).unwrap_or("null"));
    let path = tools::path(&input).map(str::to_owned);
    match (tool, path) {
        ("patch", _) => match text(&input, &["patch_text"]) {
            Some(patch) => patched(patch, known),
            None => known,
        },
        ("view", Some(path)) => shown(path, &input, metadata).into_iter().collect(),
        ("write", Some(path)) => tools::content(&input)
            .map(|content| Effect::Write {
                path,
                before: Before::Unknown,
                content: content.to_owned(),
                hunks: Vec::new(),
            })
            .into_iter()
            .collect(),
        ("edit" | "multiedit", Some(path)) => vec![edited(path, &input, metadata)],
        _ => Vec::new(),
    }
}

/// What the table of versions tells of a change.
fn kept(tool: &str, written: &Value) -> Option<Effect> {
    let word = |name| written.get(name).and_then(Value::as_str).map(str::to_owned);
    let is_first = written.get("new").and_then(Value::as_bool) == Some(true);
    let before = match (is_first, tool) {
        // An empty file looks the same to the tool that writes; the one that edits makes sure that there is none.
        (true, "write" | "patch") => Before::Unchecked,
        (true, _) => Before::Absent,
        (false, _) => word("before").map_or(Before::Unknown, Before::Text),
    };
    Some(Effect::Write {
        path: word("path")?,
        before,
        content: word("after")?,
        hunks: Vec::new(),
    })
}

/// What a patch did: as the table of versions tells it, where it does.
fn patched(patch: &str, known: Vec<Effect>) -> Vec<Effect> {
    let is_known = |given: &str| {
        let end = format!("/{given}");
        let same = |e: &Effect| e.path() == given || e.path().ends_with(&end);
        known.iter().any(same)
    };
    let mut all: Vec<Effect> = tools::begin_patch(patch)
        .1
        .into_iter()
        .filter(|e| !is_known(e.path()))
        .collect();
    all.extend(known);
    all
}

/// An edit of which the table has no versions: what the result tells, else what was to be replaced.
fn edited(path: String, input: &Value, metadata: &Value) -> Effect {
    let told = |name| metadata.get(name).and_then(Value::as_str);
    // What was not UTF-8 is lost in it.
    let sound = |text: &&str| !text.contains('\u{fffd}');
    if let (Some(old), Some(new)) = (
        told("old_content").filter(sound),
        told("new_content").filter(sound),
    ) {
        let before = match new.contains("\r\n") && !old.contains('\r') {
            true => Before::Unknown,
            false => Before::Text(old.to_owned()),
        };
        return Effect::Write {
            path,
            before,
            content: new.to_owned(),
            hunks: Vec::new(),
        };
    }
    let several = input.get("edits").and_then(Value::as_array);
    let replacements: Vec<_> = match several {
        Some(edits) => edits.iter().filter_map(tools::replacement).collect(),
        None => tools::replacement(input).into_iter().collect(),
    };
    if let [(old, new, _)] = &replacements[..]
        && old.is_empty()
    {
        return Effect::Write {
            path,
            before: Before::Absent,
            content: new.clone(),
            hunks: Vec::new(),
        };
    }
    Effect::Edit {
        path,
        before: Before::Unknown,
        replacements,
        hunks: told("diff").map(tools::hunks).unwrap_or_default(),
        amended: false,
    }
}

/// Lines beyond this are cut when they are shown.
const LONG_LINE: usize = 2000;

/// What was shown of a file, without the numbers of its lines.
fn shown(path: String, input: &Value, metadata: &Value) -> Option<Effect> {
    let content = text(metadata, &["content"])?;
    if content
        .lines()
        .any(|l| l.len() > LONG_LINE && l.ends_with("..."))
    {
        return None;
    }
    let offset = input.get("offset").and_then(Value::as_u64).unwrap_or(0);
    Some(Effect::Read {
        path: text(metadata, &["file_path"]).map_or(path, str::to_owned),
        content: format!("{content}\n"),
        first_line: u32::try_from(offset).ok()?.checked_add(1)?,
        // Whether the last line has a line end is not told.
        whole: false,
    })
}
