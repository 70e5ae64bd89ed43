//! pi's own tools: read, bash, edit, write, grep, find, ls. A result does not repeat what was asked, so the input of a call
//! that may change or show a file is remembered until its result comes.

use serde_json::Value;

use super::entry::Entry;
use super::message::words;
use crate::model::{Status, StepKind};
use crate::source::tools::{self, text};
use crate::source::{Before, Body, Call, Effect, Event, Hunk, Outcome, ParseState};

/// Calls without a result that are remembered.
const OPEN: usize = 32;

fn kind(tool: &str) -> StepKind {
    match tool {
        "read" => StepKind::Read,
        "bash" => StepKind::Command,
        "edit" => StepKind::Edit,
        "write" => StepKind::Write,
        "grep" | "find" | "ls" => StepKind::Search,
        _ => StepKind::Other,
    }
}

fn name(id: &str) -> String {
    format!("open {id}")
}

/// A part of the type `toolCall`.
pub(super) fn call(part: &Value, state: &mut ParseState) -> Call {
    let null = Value::Null;
    let tool = text(part, &["name"]).unwrap_or("?");
    let id = text(part, &["id"]).unwrap_or_default();
    let input = part.get("arguments").unwrap_or(&null);
    if matches!(tool, "read" | "edit" | "write") {
        let is_open = |n: &str| n.starts_with("open ");
        while state.memory.iter().filter(|(n, _)| is_open(n)).count() >= OPEN {
            if let Some(oldest) = state.memory.iter().position(|(n, _)| is_open(n)) {
                state.memory.remove(oldest);
            }
        }
        state.set(&name(id), &input.to_string());
    }
    tools::call(id, tool, kind(tool), input)
}

/// Calls that have no result when the person speaks again get none.
pub(super) fn forget(state: &mut ParseState) {
    state.memory.retain(|(n, _)| !n.starts_with("open "));
}

/// A message of the role `toolResult`.
pub(super) fn result(message: &Value, entry: &Entry, state: &mut ParseState, out: &mut Vec<Event>) {
    let call_id = text(message, &["toolCallId"]).unwrap_or_default();
    let tool = text(message, &["toolName"]).unwrap_or("?");
    let output = words(message.get("content"));
    let is_error = message.get("isError").and_then(Value::as_bool) == Some(true);
    let (status, exit_code) = ended(tool, &output, is_error);
    let asked = state
        .get(&name(call_id))
        .and_then(|input| serde_json::from_str::<Value>(input).ok());
    state.unset(&name(call_id));
    let effect = match (status, asked) {
        (Status::Ok, Some(input)) => effect(tool, &input, message, &output),
        (Status::Ok, None) if tool == "edit" => alone(message, &output),
        _ => None,
    };
    let outcome = Outcome {
        call_id: call_id.to_owned(),
        status,
        exit_code,
        duration_ms: None,
        output,
        spilled: None,
        effects: effect.into_iter().collect(),
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
    };
    entry.say(0, Body::Outcome(Box::new(outcome)), out);
}

/// How a call ended. Only an error says how; a command that is none ended with 0.
fn ended(tool: &str, output: &str, is_error: bool) -> (Status, Option<i32>) {
    if !is_error {
        return (Status::Ok, (tool == "bash").then_some(0));
    }
    let last = output.trim_end().lines().last().unwrap_or_default();
    if let Some(code) = last.strip_prefix("Command exited with code ") {
        return (Status::Failed, code.trim().parse().ok());
    }
    let stopped = [
        "Command aborted",
        "Operation aborted",
        "Command timed out after ",
    ];
    // Not run at all, since the person said something else meanwhile.
    let skipped = output.starts_with("Skipped due to queued user message");
    match skipped || stopped.iter().any(|s| last.starts_with(s)) {
        true => (Status::Interrupted, None),
        false => (Status::Failed, None),
    }
}

fn effect(tool: &str, input: &Value, message: &Value, output: &str) -> Option<Effect> {
    let path = tools::path(input)?.to_owned();
    match tool {
        "write" => Some(Effect::Write {
            path,
            before: Before::Unknown,
            content: tools::content(input)?.to_owned(),
            hunks: Vec::new(),
        }),
        "edit" => {
            let replacements = match input.get("edits").and_then(Value::as_array) {
                Some(edits) => edits.iter().filter_map(tools::replacement).collect(),
                None => tools::replacement(input).into_iter().collect(),
            };
            let diff = message.pointer("/details/diff").and_then(Value::as_str);
            Some(Effect::Edit {
                path,
                before: Before::Unknown,
                replacements,
                hunks: diff.and_then(hunks).unwrap_or_default(),
                amended: false,
            })
        }
        "read" => read(path, input, message, output),
        _ => None,
    }
}

/// What an edit did, by its result alone: details are read again from it, without its call.
fn alone(message: &Value, output: &str) -> Option<Effect> {
    let (_, rest) = output.lines().next()?.split_once(" in ")?;
    let path = rest.split(". Changed ").next()?.trim_end_matches('.');
    let diff = message.pointer("/details/diff").and_then(Value::as_str)?;
    Some(Effect::Patch {
        path: path.to_owned(),
        moved_to: None,
        hunks: hunks(diff)?,
        numbered: true,
    })
}

fn read(path: String, input: &Value, message: &Value, output: &str) -> Option<Effect> {
    let parts = message.get("content")?.as_array()?;
    if !parts.iter().all(|p| text(p, &["type"]) == Some("text")) {
        return None; // An image.
    }
    let number = |name| input.get(name).and_then(Value::as_u64);
    let is_cut = message
        .pointer("/details/truncation")
        .is_some_and(|t| !t.is_null());
    // Versions that say so in words put them into the last lines.
    let tail: Vec<&str> = output.lines().rev().take(2).collect();
    let noted = tail.iter().any(|l| {
        (l.starts_with('[') || l.starts_with("..."))
            && (l.contains("offset=") || l.contains("truncated"))
    });
    Some(Effect::Read {
        path,
        content: output.to_owned(),
        first_line: number("offset").map_or(1, |n| u32::try_from(n).unwrap_or(1).max(1)),
        whole: !is_cut && !noted && number("offset").is_none() && number("limit").is_none(),
    })
}

/// The hunks of a diff in pi's own form: mark, number, blank, line; `...` where lines are left out. Removed and kept lines
/// have the old number, added ones the new.
fn hunks(diff: &str) -> Option<Vec<Hunk>> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let mut open = false;
    // Lines that were added so far less those that were removed.
    let mut shift = 0_i64;
    for line in diff.lines() {
        if line.trim() == "..." {
            open = false;
            continue;
        }
        let mark = line
            .chars()
            .next()
            .filter(|c| matches!(c, ' ' | '-' | '+'))?;
        let rest = line[1..].trim_start_matches(' ');
        let (number, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let number: u32 = number.parse().ok()?;
        if !open {
            let (old, new) = match mark {
                '+' => (i64::from(number) - shift, i64::from(number)),
                _ => (i64::from(number), i64::from(number) + shift),
            };
            hunks.push(Hunk {
                old_start: u32::try_from(old).ok()?,
                new_start: u32::try_from(new).ok()?,
                ..Hunk::default()
            });
            open = true;
        }
        let hunk = hunks.last_mut()?;
        hunk.old_lines += u32::from(mark != '+');
        hunk.new_lines += u32::from(mark != '-');
        shift += i64::from(mark == '+') - i64::from(mark == '-');
        hunk.lines.push(format!("{mark}{text}"));
    }
    for hunk in &mut hunks {
        // An empty range names the line in front of it.
        if hunk.old_lines == 0 {
            hunk.old_start = hunk.old_start.saturating_sub(1);
        }
        if hunk.new_lines == 0 {
            hunk.new_start = hunk.new_start.saturating_sub(1);
        }
    }
    Some(hunks)
}
