//! Goose's own tools: what a call is about, how it ended, and what it did to files. Tools of other extensions are shown as
//! they are.

use serde_json::{Value, json};

use crate::model::{Status, StepKind};
use crate::source::tools::{self, text};
use crate::source::{Before, Call, Effect, Hunk, Outcome};

/// How the result begins of a call that the person refused, and of one that is not run in this mode.
const DENIED: &[&str] = &[
    "The user has declined to run this tool",
    "Let the user know the tool call was skipped",
];
/// What an error says that the person caused.
const STOPPED: &str = "Interrupted by the user";

/// A tool's name without its extension's, if it is one of Goose's own.
fn own(tool: &str) -> &str {
    match tool.split_once("__") {
        Some(("developer", name)) => name,
        // Others may have a tool of the same name that does something else.
        Some(_) => tool,
        None => tool,
    }
}

fn kind(tool: &str, arguments: &Value) -> StepKind {
    match own(tool) {
        "shell" => StepKind::Command,
        "text_editor" => match text(arguments, &["command"]) {
            Some("view") => StepKind::Read,
            Some("write") => StepKind::Write,
            _ => StepKind::Edit,
        },
        "write" => StepKind::Write,
        "edit" => StepKind::Edit,
        "read" | "read_file" => StepKind::Read,
        "tree" | "analyze" | "list_files" | "glob" | "analyze__analyze" => StepKind::Search,
        "todo__todo_write" | "todo__todo_read" => StepKind::Plan,
        "subagent"
        | "delegate"
        | "subagent__execute_task"
        | "subagent_execute_task"
        | "dynamic_task__create_task" => StepKind::Subagent,
        "computercontroller__web_scrape" | "computercontroller__web_search" => StepKind::Web,
        _ => StepKind::Other,
    }
}

/// Whether a result cannot be understood without what was asked.
pub(super) fn needs_input(tool: &str) -> bool {
    matches!(own(tool), "text_editor" | "write" | "edit")
}

/// What an edit replaces, in the words of two versions.
fn replacement(arguments: &Value) -> Option<(String, String, bool)> {
    let both = || {
        let side = |name| arguments.get(name).and_then(Value::as_str);
        Some((side("before")?.to_owned(), side("after")?.to_owned(), false))
    };
    tools::replacement(arguments).or_else(both)
}

/// Describes a call.
pub(super) fn call(step: &str, tool: &str, arguments: &Value) -> Call {
    let kind = kind(tool, arguments);
    let replaced = match (kind, replacement(arguments)) {
        (StepKind::Edit, Some((old, new, _))) => Some(json!({
            "path": arguments.get("path"), "old_string": old, "new_string": new,
        })),
        _ => None,
    };
    let mut call = tools::call(step, tool, kind, replaced.as_ref().unwrap_or(arguments));
    if kind == StepKind::Plan
        && let Some(content) = tools::content(arguments)
    {
        call.target = tools::one_line(content.lines().next().unwrap_or_default());
        call.input = content.to_owned();
    }
    call
}

/// Says how a call ended. `asked` is what its record tells of the call.
pub(super) fn outcome(step: &str, asked: &Value, item: &Value) -> Outcome {
    let tool = text(asked, &["name"]).unwrap_or("?");
    let arguments = asked.get("arguments").unwrap_or(&Value::Null);
    let result = item.get("toolResult").unwrap_or(&Value::Null);
    let value = result.get("value").unwrap_or(&Value::Null);
    let contents = contents(result);
    let error = result
        .get("error")
        .map(|e| e.as_str().map_or_else(|| e.to_string(), str::to_owned));
    let is_error = value.get("isError").and_then(Value::as_bool) == Some(true);
    let output = error.clone().unwrap_or_else(|| words(contents));
    let exit_code = value
        .pointer("/structuredContent/exit_code")
        .and_then(Value::as_i64)
        .and_then(|n| i32::try_from(n).ok())
        .or_else(|| exit_code(&output).filter(|_| error.is_some() || is_error));
    let status = if DENIED.iter().any(|d| output.starts_with(d)) {
        Status::Denied
    } else if error.is_some() || is_error {
        match output.contains(STOPPED) {
            true => Status::Interrupted,
            false => Status::Failed,
        }
    } else {
        match (kind(tool, arguments), exit_code) {
            (_, Some(0)) => Status::Ok,
            (_, Some(_)) => Status::Failed,
            // Older versions told the output of a command that failed as that of one that worked.
            (StepKind::Command, None) => Status::Unknown,
            _ => Status::Ok,
        }
    };
    let effects = match status {
        Status::Ok => effects(own(tool), asked, contents),
        _ => Vec::new(),
    };
    Outcome {
        call_id: step.to_owned(),
        status,
        exit_code: exit_code.filter(|_| status != Status::Denied),
        duration_ms: None,
        output,
        spilled: None,
        effects,
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
    }
}

/// The code that an error names.
fn exit_code(error: &str) -> Option<i32> {
    let marks = [
        "exit code ",
        "exit code: ",
        "exited with code ",
        "exit status ",
    ];
    marks.iter().find_map(|mark| {
        let (_, rest) = error.split_once(mark)?;
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '-')
            .unwrap_or(rest.len());
        rest[..end].parse().ok()
    })
}

/// Whether a content is for these eyes: some are given twice, once for the model and once for the person.
fn is_for(item: &Value, who: &str) -> bool {
    let audience = item
        .pointer("/annotations/audience")
        .or_else(|| item.get("audience"))
        .and_then(Value::as_array);
    audience.is_none_or(|a| a.is_empty() || a.iter().any(|w| w.as_str() == Some(who)))
}

fn text_of(item: &Value) -> Option<&str> {
    text(item, &["text"]).or_else(|| item.pointer("/resource/text")?.as_str())
}

/// What a tool answered to the model; where that is nothing, to the person.
fn words(contents: &[Value]) -> String {
    let of = |who| {
        let texts = contents.iter().filter(|c| is_for(c, who));
        texts.filter_map(text_of).collect::<Vec<_>>().join("\n")
    };
    match of("assistant") {
        text if text.is_empty() => of("user"),
        text => text,
    }
}

fn effects(tool: &str, asked: &Value, contents: &[Value]) -> Vec<Effect> {
    let arguments = asked.get("arguments").unwrap_or(&Value::Null);
    // All line ends of the file became others.
    let turned = asked.get("windows").and_then(Value::as_bool) == Some(true);
    let Some(path) = tools::path(arguments).map(str::to_owned) else {
        return Vec::new();
    };
    let effect = match (tool, text(arguments, &["command"])) {
        ("text_editor", Some("view")) => shown(path, contents),
        ("text_editor", Some("write")) | ("write", _) => Some(written(path, arguments, contents)),
        ("text_editor", Some("insert" | "str_replace" | "edit_file")) if turned => {
            Some(unseen(path, replacement(arguments)))
        }
        ("text_editor", Some("insert")) => inserted(path, arguments),
        ("text_editor", Some("str_replace" | "edit_file")) | ("edit", _) => {
            Some(edited(path, arguments, contents))
        }
        ("text_editor", Some("undo_edit")) => Some(unseen(path, None)),
        _ => None,
    };
    effect.into_iter().collect()
}

/// The contents of a result: newer versions have the whole result of the protocol, older ones its contents.
fn contents(result: &Value) -> &[Value] {
    let value = result.get("value").unwrap_or(&Value::Null);
    let contents = value.get("content").unwrap_or(value);
    contents.as_array().map_or(&[][..], Vec::as_slice)
}

/// The text of the file that a result shows.
pub(super) fn shown_text(item: &Value) -> Option<&str> {
    let mut contents = contents(item.get("toolResult")?).iter();
    contents.find_map(|c| c.pointer("/resource/text")?.as_str())
}

/// A file is shown as a whole, whatever part was asked for: the whole text goes to the model.
fn shown(path: String, contents: &[Value]) -> Option<Effect> {
    let content = contents
        .iter()
        .find_map(|c| c.pointer("/resource/text")?.as_str())?;
    Some(Effect::Read {
        path,
        content: content.to_owned(),
        first_line: 1,
        whole: true,
    })
}

/// A change of which it is not told what it made.
fn unseen(path: String, replacement: Option<(String, String, bool)>) -> Effect {
    Effect::Edit {
        path,
        before: Before::Unknown,
        replacements: replacement.into_iter().collect(),
        hunks: Vec::new(),
        // Hunks would be the truth, and there are none.
        amended: true,
    }
}

/// Some versions end a file with a line end where the call's text has none; what was written is shown to the person.
fn written(path: String, arguments: &Value, contents: &[Value]) -> Effect {
    let Some(asked) = tools::content(arguments) else {
        return unseen(path, None);
    };
    let says = |begin: &str| {
        let mut texts = contents.iter().filter_map(text_of);
        texts.any(|t| t.starts_with(begin))
    };
    let is_new = says("Created ");
    let with_end = format!("{asked}\n");
    let is_shown = |content: &str| {
        let block = format!("\n{content}\n```");
        let mut texts = contents.iter().filter_map(text_of);
        texts.any(|t| t.starts_with("### ") && t.trim_end().ends_with(&block))
    };
    let exact = asked.ends_with('\n') || is_new || says("Wrote ") || is_shown(asked);
    let content = match exact {
        true => asked.to_owned(),
        false if is_shown(&with_end) => with_end,
        false => return unseen(path, None),
    };
    Effect::Write {
        path,
        before: match is_new {
            true => Before::Absent,
            false => Before::Unknown,
        },
        content,
        hunks: Vec::new(),
    }
}

fn edited(path: String, arguments: &Value, contents: &[Value]) -> Effect {
    if let Some(diff) = text(arguments, &["diff"]) {
        return Effect::Patch {
            path,
            moved_to: None,
            hunks: tools::hunks(diff),
            // It is put where it fits best.
            numbered: false,
        };
    }
    let replaced = replacement(arguments);
    // Another model made the edit, in its own way.
    let by_model = contents
        .iter()
        .filter_map(text_of)
        .any(|t| t.starts_with("Successfully edited "));
    match replaced {
        Some(replaced) if !by_model && !replaced.0.is_empty() => Effect::Edit {
            path,
            before: Before::Unknown,
            replacements: vec![replaced],
            hunks: Vec::new(),
            amended: false,
        },
        replaced => unseen(path, replaced),
    }
}

/// Lines put behind a line; behind one counted from the end, nobody knows where. A line end at their end makes an empty
/// line, but not at the end of the file: which of the two it is, is not told.
fn inserted(path: String, arguments: &Value) -> Option<Effect> {
    let new = arguments.get("new_str").and_then(Value::as_str)?;
    let behind = arguments
        .get("insert_line")
        .and_then(Value::as_i64)
        .and_then(|n| u32::try_from(n).ok());
    let Some(behind) = behind.filter(|_| !new.ends_with('\n')) else {
        return Some(unseen(path, None));
    };
    let lines: Vec<String> = new.split('\n').map(|l| format!("+{l}")).collect();
    Some(Effect::Patch {
        path,
        moved_to: None,
        hunks: vec![Hunk {
            old_start: behind,
            old_lines: 0,
            new_start: behind.checked_add(1)?,
            new_lines: u32::try_from(lines.len()).ok()?,
            lines,
        }],
        numbered: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_out_of_an_error() {
        for (error, code) in [
            ("-32603: Command failed with exit code 1: no", Some(1)),
            ("exited with code -9", Some(-9)),
            ("exit code unknown", None),
            ("no such file", None),
        ] {
            assert_eq!(exit_code(error), code, "{error}");
        }
    }
}
