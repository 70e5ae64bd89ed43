//! What the agent asked for: calls of tools, in every form that Codex has had for them.

use serde_json::Value;

use crate::model::{Status, StepKind};
use crate::source::{Body, Call, Outcome};

use super::memory::{self, Open, Recent};
use super::record::{Args, Item};
use super::{Reader, command, patch, script};

impl Reader<'_> {
    /// `response_item`; `payload` is its text, for records that have no id of their own.
    pub(super) fn item(&mut self, item: &Item<'_>, payload: &str) {
        match item.kind.get() {
            Some("message") => self.message(item),
            // Test files of other tools leave the type out.
            None if item.role.some().is_some() => self.message(item),
            Some("function_call") => self.function_call(item),
            Some("custom_tool_call") => self.custom_call(item),
            Some("local_shell_call") => self.local_shell_call(item),
            Some("tool_search_call") => self.tool_search(item),
            Some("web_search_call") => self.web_search(item, payload),
            Some("image_generation_call") => self.image_generation(item, payload),
            Some("function_call_output" | "custom_tool_call_output") => self.output(item),
            Some("tool_search_output") => self.tool_search_output(item),
            Some("agent_message") => self.letter(item),
            Some(
                "reasoning" | "compaction" | "compaction_summary" | "compaction_trigger"
                | "context_compaction" | "ghost_snapshot",
            ) => self.say(Body::Ignored),
            other => self.unknown(format!("response_item/{}", other.unwrap_or("?"))),
        }
    }

    fn function_call(&mut self, item: &Item<'_>) {
        let Some(id) = item.call_id.some() else {
            return self.unknown("response_item/function_call/?".to_owned());
        };
        let name = item.name.or_empty();
        let args = Given::of(&item.arguments);
        if (name == "write_stdin" || name == "wait") && self.carries_on(id, name, &args) {
            return self.say(Body::Ignored);
        }
        self.call(describe(id, name, item.namespace.some(), &args), &args);
    }

    fn custom_call(&mut self, item: &Item<'_>) {
        let Some(id) = item.call_id.some() else {
            return self.unknown("response_item/custom_tool_call/?".to_owned());
        };
        let name = item.name.or_empty();
        let args = Given::of(&item.input);
        let call = if name == "exec" {
            let summary = script::summary(args.raw());
            Call {
                call_id: id.to_owned(),
                kind: summary.kind,
                tool: name.to_owned(),
                target: summary.target,
                workdir: None,
                input: args.raw().to_owned(),
                paths: summary.paths,
            }
        } else {
            describe(id, name, item.namespace.some(), &args)
        };
        self.call(call, &args);
    }

    /// Says a call, and remembers what its results will need.
    fn call(&mut self, call: Call, args: &Given<'_>) {
        memory::note(self.state, Recent::Called, &call.call_id);
        if !self.events_tell_patches()
            && let Some((patch, folder)) = args.patch()
        {
            let value = format!("{folder}\n{patch}");
            memory::open(self.state, Open::Patch, &call.call_id, &value);
        }
        self.say(Body::Call(Box::new(call)));
    }

    /// `write_stdin` and `wait` carry on a process or cell that an earlier call left running: what they bring belongs to that
    /// call. Input that was sent is a step of its own; a mere look is none.
    fn carries_on(&mut self, id: &str, name: &str, args: &Given<'_>) -> bool {
        let (what, field) = match name {
            "write_stdin" => (Open::Process, "session_id"),
            _ => (Open::Cell, "cell_id"),
        };
        let origin = args
            .scalar(field)
            .and_then(|session| memory::opened(self.state, what, &session));
        let Some(origin) = origin else {
            return false;
        };
        memory::open(self.state, Open::Alias, id, &origin);
        args.text("chars").is_none_or(str::is_empty)
    }

    fn local_shell_call(&mut self, item: &Item<'_>) {
        let Some(id) = item.call_id.some().or(item.id.some()) else {
            return self.unknown("response_item/local_shell_call/?".to_owned());
        };
        let args = Given::of(&item.action);
        let call = describe(id, "local_shell", None, &args);
        self.call(call, &args);
    }

    fn tool_search(&mut self, item: &Item<'_>) {
        let Some(id) = item.call_id.some().or(item.id.some()) else {
            return self.unknown("response_item/tool_search_call/?".to_owned());
        };
        let args = Given::of(&item.arguments);
        let call = describe(id, "tool_search", None, &args);
        self.call(call, &args);
    }

    /// A search of the web is recorded once, when it is over; some versions give it no id.
    fn web_search(&mut self, item: &Item<'_>, payload: &str) {
        let args = Given::of(&item.action);
        let kind = args.text("type").unwrap_or("search");
        let address = args.text("url").filter(|u| !u.is_empty());
        let target = match (
            kind,
            args.text("pattern").filter(|p| !p.is_empty()),
            address,
        ) {
            (_, Some(pattern), Some(url)) => format!("{pattern} in {url}"),
            (_, None, Some(url)) => url.to_owned(),
            (_, Some(pattern), None) => pattern.to_owned(),
            _ => args.text("query").unwrap_or("").to_owned(),
        };
        self.finished(
            item,
            payload,
            StepKind::Web,
            "web_search",
            target,
            args.pretty(),
        );
    }

    fn image_generation(&mut self, item: &Item<'_>, payload: &str) {
        let target = item.revised_prompt.or_empty().to_owned();
        let input = target.clone();
        self.finished(
            item,
            payload,
            StepKind::Other,
            "image_generation",
            target,
            input,
        );
    }

    /// A call and its end in one record.
    fn finished(
        &mut self,
        item: &Item<'_>,
        payload: &str,
        kind: StepKind,
        tool: &str,
        target: String,
        input: String,
    ) {
        let id = match item.call_id.some().or(item.id.some()) {
            Some(id) => id.to_owned(),
            None => self.own_id(payload),
        };
        let status = match item.status.or_empty() {
            "completed" | "" => Status::Ok,
            "failed" | "incomplete" => Status::Failed,
            "in_progress" | "searching" | "generating" => Status::Running,
            _ => Status::Unknown,
        };
        self.say(Body::Call(Box::new(Call {
            call_id: id.clone(),
            kind,
            tool: tool.to_owned(),
            target,
            workdir: None,
            input,
            paths: Vec::new(),
        })));
        self.say(Body::Outcome(Box::new(Outcome {
            status,
            ..plain_outcome(id)
        })));
    }

    /// An id for a record that has none: its time and a hash of what it says.
    fn own_id(&self, payload: &str) -> String {
        let time = self.at.map_or(0, |t| t.0);
        let hash = blake3::hash(payload.as_bytes()).to_hex();
        format!("{time}-{}", &hash[..16])
    }
}

/// An outcome that says nothing yet.
pub(super) fn plain_outcome(call_id: String) -> Outcome {
    Outcome {
        call_id,
        status: Status::Unknown,
        exit_code: None,
        duration_ms: None,
        output: String::new(),
        effects: Vec::new(),
        spawned: None,
        answer: None,
        correction: None,
        standalone: None,
    }
}

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

    fn raw(&self) -> &str {
        self.raw
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.value.get(name)?.as_str()
    }

    /// A text, or a number as a text.
    fn scalar(&self, name: &str) -> Option<String> {
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
    fn patch(&self) -> Option<(String, String)> {
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
    fn pretty(&self) -> String {
        match &self.value {
            Value::Null => self.raw.to_owned(),
            value => serde_json::to_string_pretty(value).unwrap_or_else(|_| self.raw.to_owned()),
        }
    }
}

/// Describes a call by its tool's name and what it was given.
fn describe(id: &str, name: &str, namespace: Option<&str>, args: &Given<'_>) -> Call {
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
        let (kind, paths) = patch::summary(&patch);
        if !paths.is_empty() {
            call.kind = match kind {
                StepKind::Write => StepKind::Write,
                StepKind::Delete => StepKind::Delete,
                StepKind::Move => StepKind::Move,
                _ => StepKind::Edit,
            };
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
    let (_, paths) = patch::summary(patch);
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
