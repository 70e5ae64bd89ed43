//! What came back: a `tool_result` block and the rich object beside it as an [`Outcome`].

use serde_json::value::RawValue;

use super::content::Block;
use super::effects::{self, Returned};
use super::lenient::Map;
use super::spilled;
use super::user::tag;
use crate::model::Status;
use crate::source::Outcome;

/// Where the words of the person start inside a refusal.
const SAID: &str = "the user said:";
const REFUSED: [&str; 6] = [
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action right now",
    "User rejected tool use",
    "Permission to use ",
    "Claude requested permissions to ",
    "This command requires approval",
];
const STOPPED: [&str; 4] = [
    "[Request interrupted by user",
    "Interrupted by user",
    "<error>Command was aborted before completion</error>",
    "Request was aborted",
];

/// The outcome of a `tool_result` block. `returned` is the record's `toolUseResult`: an object on success,
/// a text on error, a list for MCP; absent in mirrors and old files.
pub(super) fn outcome(
    block: &Block<'_>,
    returned: Option<&RawValue>,
    denial: Option<&str>,
) -> Outcome {
    let content = block.content.joined();
    let rich: Option<Returned<'_>> = returned
        .filter(|raw| raw.get().starts_with('{'))
        .and_then(|raw| serde_json::from_str::<Map<Returned<'_>>>(raw.get()).ok())
        .and_then(|map| map.0);
    let status = status(block, &content, rich.as_ref(), returned, denial);
    let (exit_code, output) = output(&content, status, rich.as_ref());
    let (output, spilled) = spilled::spilled(output, rich.as_ref());
    let rich = rich.unwrap_or_default();
    Outcome {
        call_id: block.tool_use_id.str().to_owned(),
        status,
        exit_code,
        duration_ms: duration(&rich),
        answer: answer(&content, status, &rich),
        spawned: rich.agent_id.filled().map(str::to_owned),
        spilled,
        // A tool that failed or was refused wrote nothing.
        effects: if status == Status::Ok {
            effects::effects(rich)
        } else {
            Vec::new()
        },
        output,
        correction: None,
        standalone: None,
    }
}

fn status(
    block: &Block<'_>,
    content: &str,
    rich: Option<&Returned<'_>>,
    returned: Option<&RawValue>,
    denial: Option<&str>,
) -> Status {
    let starts = |with: &[&str]| {
        let text = content.trim_start();
        let text = text.strip_prefix("Error: ").unwrap_or(text);
        with.iter().any(|w| text.starts_with(w))
    };
    if rich.is_some_and(|r| r.interrupted.set()) {
        return Status::Interrupted;
    }
    // Edits of notebooks report some failures in a field of their own, without the mark of an error.
    if rich.is_some_and(|r| r.notebook_path.get().is_some() && r.error.filled().is_some()) {
        return Status::Failed;
    }
    // What a tool printed may begin with these words; only an error can be a refusal.
    let is_error = block.is_error.set();
    let error_text = returned.is_some_and(|raw| raw.get().starts_with('"'));
    if !is_error && !error_text {
        return Status::Ok;
    }
    let rejected = returned.is_some_and(|raw| raw.get() == "\"User rejected tool use\"");
    if denial.is_some() || rejected || starts(&REFUSED) || blocked_by_hook(content) {
        Status::Denied
    } else if starts(&STOPPED) {
        Status::Interrupted
    } else if is_error || returned.is_some_and(|raw| raw.get().starts_with("\"Error")) {
        Status::Failed
    } else {
        Status::Ok
    }
}

/// A hook that ran before the tool refused it.
fn blocked_by_hook(content: &str) -> bool {
    let text = content.trim_start();
    let text = text.strip_prefix("Error: ").unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    (text.starts_with("PreToolUse:") && first.contains("hook"))
        || text.starts_with("Hook PreToolUse:")
}

fn output(content: &str, status: Status, rich: Option<&Returned<'_>>) -> (Option<i32>, String) {
    if let Some(rich) = rich {
        if rich.stdout.get().is_some() || rich.stderr.get().is_some() {
            return shell_output(content, status, rich);
        }
        if let Some(shown) = rich.file.0.as_ref().and_then(|f| f.content.get()) {
            return (None, shown.to_owned());
        }
    }
    let text = tag(content, "tool_use_error").unwrap_or(content);
    if let Some(rest) = text.strip_prefix("Exit code ")
        && status != Status::Ok
    {
        let (number, rest) = rest.split_once('\n').unwrap_or((rest, ""));
        if let Ok(code) = number.trim().parse() {
            return (Some(code), rest.to_owned());
        }
    }
    (None, text.to_owned())
}

/// A shell command's result names no exit code: it is 0 unless the record says otherwise.
fn shell_output(content: &str, status: Status, rich: &Returned<'_>) -> (Option<i32>, String) {
    let background = rich.background_task_id.filled().is_some();
    let benign = rich.return_code_interpretation.filled().is_some();
    let exit_code = (status == Status::Ok && !background && !benign).then_some(0);
    if rich.is_image.set() {
        return (exit_code, "[image]".to_owned());
    }
    let (stdout, stderr) = (rich.stdout.str(), rich.stderr.str());
    let output = match (stdout.is_empty(), stderr.is_empty()) {
        // A command in the background says where its output goes.
        (true, true) => content.to_owned(),
        (false, true) => stdout.to_owned(),
        (true, false) => stderr.to_owned(),
        (false, false) if stdout.ends_with('\n') => format!("{stdout}{stderr}"),
        (false, false) => format!("{stdout}\n{stderr}"),
    };
    (exit_code, output)
}

fn duration(rich: &Returned<'_>) -> Option<u64> {
    [rich.total_duration_ms, rich.duration_ms]
        .into_iter()
        .find_map(|ms| ms.0)
        .or_else(|| {
            let seconds: f64 = rich.duration_seconds?.get().parse().ok()?;
            Some((seconds * 1000.0).round() as u64)
        })
}

fn answer(content: &str, status: Status, rich: &Returned<'_>) -> Option<String> {
    if status == Status::Denied {
        let (_, words) = content.split_once(SAID)?;
        // Newer versions add advice to the model behind the person's words.
        let words = words.split("\n\nNote: The user's next message").next();
        let words = words.unwrap_or_default().trim();
        return (!words.is_empty()).then(|| words.to_owned());
    }
    let pairs = &rich.answers.0;
    match pairs.as_slice() {
        [] => None,
        [(_, only)] => Some(only.clone()),
        several => {
            let lines: Vec<String> = several.iter().map(|(q, a)| format!("{q} {a}")).collect();
            Some(lines.join("\n"))
        }
    }
}

/// The late result of a background command or sub-agent, as its report tells it. `None` unless the report
/// names the call: then nothing can be joined.
pub(super) fn report(text: &str) -> Option<Outcome> {
    let text = text.trim_start();
    if !text.starts_with("<task-notification>") {
        return None;
    }
    let call_id = tag(text, "tool-use-id")?.trim();
    if call_id.is_empty() {
        return None;
    }
    let summary = tag(text, "summary").unwrap_or_default();
    let exit_code = summary.split_once("exit code ").and_then(|(_, rest)| {
        rest.split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    });
    let status = match tag(text, "status").map(str::trim) {
        Some("completed") if exit_code.unwrap_or(0) == 0 => Status::Ok,
        Some("completed" | "failed") => Status::Failed,
        Some("killed" | "stopped") => Status::Interrupted,
        _ => Status::Unknown,
    };
    Some(Outcome {
        call_id: call_id.to_owned(),
        status,
        exit_code,
        duration_ms: None,
        output: result_of(text).unwrap_or(summary).to_owned(),
        spilled: None,
        effects: Vec::new(),
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
    })
}

/// A sub-agent's answer may itself talk of `</result>`: the last one closes it.
fn result_of(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<result>")?;
    Some(
        rest.rsplit_once("</result>")
            .map_or(rest, |(inner, _)| inner),
    )
}
