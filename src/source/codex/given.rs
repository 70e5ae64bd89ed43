//! What a call was given, and how a call reads to a person: its kind, its target, its input.

use serde_json::Value;

use crate::model::StepKind;
use crate::source::Call;

use super::lenient::Args;
use super::{command, patch};

/// What a call was given, read as far as it can be.
pub(super) struct Given<'a> {
    raw: &'a str,
    value: Value,
}

impl<'a> Given<'a> {
    pub(super) fn of(args: &'a Args<'_>) -> Given<'a> {
        match args {
            Args::None => Given {
                raw: "",
                value: Value::Null,
            },
            Args::Text(text) => Given {
                raw: text,
                value: if text.trim_start().starts_with('{') {
                    serde_json::from_str(text).unwrap_or(Value::Null)
                } else {
                    Value::Null
                },
            },
            Args::Json(value) => Given {
                raw: "",
                value: value.clone(),
            },
        }
    }

    /// The text as it stands in the record, empty if it is no text.
    pub(super) fn raw(&self) -> &str {
        self.raw
    }

    /// A field that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.value.get(name)?.as_str()
    }

    /// A text, or a number as a text.
    pub(super) fn scalar(&self, name: &str) -> Option<String> {
        match self.value.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn command(&self) -> Option<String> {
        self.value
            .get("cmd")
            .or_else(|| self.value.get("command"))
            .and_then(command::line)
    }

    fn workdir(&self) -> Option<&str> {
        self.text("workdir")
            .or_else(|| self.text("working_directory"))
            .filter(|w| !w.is_empty())
    }

    /// The patch that the call applies, and the folder that its paths are relative to (empty if it is not said).
    pub(super) fn patch(&self) -> Option<(String, String)> {
        if let Some(patch) = self.whole_patch() {
            return Some((patch.to_owned(), String::new()));
        }
        let line = self.command()?;
        let (patch, folder) = command::patch_in(&line)?;
        let workdir = self.workdir().unwrap_or("");
        let folder = folder.map_or(workdir.to_owned(), |f| command::seen_from(workdir, f));
        Some((patch.to_owned(), folder))
    }

    /// A patch that is given as such, not inside a command.
    fn whole_patch(&self) -> Option<&str> {
        let text = self
            .text("input")
            .or_else(|| self.text("patch"))
            .unwrap_or(self.raw);
        text.trim_start()
            .starts_with("*** Begin Patch")
            .then_some(text)
    }

    /// As a person would read it.
    pub(super) fn pretty(&self) -> String {
        match &self.value {
            Value::Null => self.raw.to_owned(),
            value => serde_json::to_string_pretty(value).unwrap_or_else(|_| self.raw.to_owned()),
        }
    }
}

/// Describes a call by its tool's name and what it was given.
pub(super) fn describe(id: &str, name: &str, namespace: Option<&str>, args: &Given<'_>) -> Call {
    let mut call = Call {
        call_id: id.to_owned(),
        kind: StepKind::Other,
        tool: name.to_owned(),
        target: String::new(),
        workdir: None,
        input: String::new(),
        paths: Vec::new(),
    };
    if let Some(server) = mcp_server(name, namespace) {
        call.kind = StepKind::Mcp;
        if let Some(namespace) = namespace {
            call.tool = format!("{namespace}__{name}");
        }
        call.target = match namespace {
            Some(_) => format!("{server}: {name}"),
            None => name.to_owned(),
        };
        call.input = args.pretty();
        return call;
    }
    match name {
        "exec_command" | "shell" | "shell_command" | "local_shell" | "container.exec"
        | "unified_exec" => describe_command(&mut call, args),
        "apply_patch" => describe_patch(&mut call, args),
        "update_plan" => describe_plan(&mut call, args),
        _ => describe_other(&mut call, name, args),
    }
    call
}

/// The server of an MCP tool: from the namespace, else from a name such as `mcp__server__tool`.
fn mcp_server<'a>(name: &'a str, namespace: Option<&'a str>) -> Option<&'a str> {
    match namespace {
        Some(space) => space.strip_prefix("mcp__"),
        None => name
            .strip_prefix("mcp__")
            .unwrap_or(name)
            .split_once("__")
            .map(|(server, _)| server)
            .filter(|server| !server.is_empty()),
    }
}

fn describe_command(call: &mut Call, args: &Given<'_>) {
    let line = args.command().unwrap_or_else(|| args.raw().to_owned());
    call.workdir = args.workdir().map(str::to_owned);
    call.kind = StepKind::Command;
    call.target.clone_from(&line);
    if let Some((patch, folder)) = args.patch() {
        let paths = patch::paths(&patch);
        if !paths.is_empty() {
            call.kind = StepKind::Edit;
            call.paths = paths
                .iter()
                .map(|p| command::seen_from(&folder, p))
                .collect();
            call.target = patch::target(&call.paths);
        }
    }
    call.input = line;
}

fn describe_patch(call: &mut Call, args: &Given<'_>) {
    let patch = args.whole_patch().unwrap_or(args.raw());
    let paths = patch::paths(patch);
    call.kind = StepKind::Edit;
    call.target = patch::target(&paths);
    call.paths = paths;
    call.input = if patch.is_empty() {
        args.pretty()
    } else {
        patch.to_owned()
    };
}

fn describe_plan(call: &mut Call, args: &Given<'_>) {
    call.kind = StepKind::Plan;
    let items: Vec<(&str, &str)> = args
        .value
        .get("plan")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|item| {
            let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or("");
            (text("status"), text("step"))
        })
        .collect();
    if items.is_empty() {
        call.input = args.pretty();
        return;
    }
    let now = items.iter().find(|(status, _)| *status == "in_progress");
    call.target = now
        .or(items.last())
        .map(|(_, step)| (*step).to_owned())
        .unwrap_or_default();
    let lines: Vec<String> = items
        .iter()
        .map(|(status, step)| {
            let mark = match *status {
                "completed" => 'x',
                "in_progress" => '>',
                _ => ' ',
            };
            format!("[{mark}] {step}")
        })
        .collect();
    call.input = match args.text("explanation").filter(|e| !e.is_empty()) {
        Some(explanation) => format!("{explanation}\n\n{}", lines.join("\n")),
        None => lines.join("\n"),
    };
}

fn describe_other(call: &mut Call, name: &str, args: &Given<'_>) {
    let (kind, fields): (StepKind, &[&str]) = match name {
        "view_image" | "read_file" => (StepKind::Read, &["path", "file_path"]),
        "list_dir" => (StepKind::Search, &["dir_path", "path"]),
        "grep_files" => (StepKind::Search, &["pattern"]),
        "web_search" | "web_fetch" => (StepKind::Web, &["query", "url"]),
        "spawn_agent" => (
            StepKind::Subagent,
            &["message", "prompt", "task_name", "agent_type"],
        ),
        "request_user_input" => (StepKind::Question, &[]),
        "write_stdin" => (StepKind::Other, &["chars", "session_id"]),
        _ => (
            StepKind::Other,
            &[
                "message", "query", "path", "name", "target", "id", "cell_id",
            ],
        ),
    };
    call.kind = kind;
    let field = fields
        .iter()
        .find_map(|f| args.scalar(f).filter(|t| !t.is_empty()));
    call.target = match name {
        "request_user_input" => first_question(args).unwrap_or_default(),
        // Mostly line ends and control characters.
        "write_stdin" => field.as_deref().unwrap_or("").escape_debug().to_string(),
        _ => first_line(&field.clone().unwrap_or_default()),
    };
    if kind == StepKind::Read {
        call.paths.extend(field);
    }
    call.input = args.pretty();
}

fn first_question(args: &Given<'_>) -> Option<String> {
    let questions = args.value.get("questions")?.as_array()?;
    let question = questions.first()?.get("question")?.as_str()?;
    Some(question.to_owned())
}

/// The first line that says something.
pub(super) fn first_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .find(|l| !l.is_empty())
        .unwrap_or("")
        .to_owned()
}
