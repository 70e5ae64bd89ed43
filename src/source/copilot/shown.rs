//! What the records of a chat say.

use serde_json::{Value, json};

use super::envelope::MAIN;
use super::{events, pair, place, tool};
use crate::model::{Status, StepKind, Time, Via};
use crate::source::tools::text;
use crate::source::{
    Before, Body, Call, Context, Effect, Event, Outcome, ParseState, Record, Relation, SessionHead,
    Usage,
};

/// Texts of the editor that are too long are cut when they are stored, and say so.
const CUT: &str = "value truncated for persistence";

/// Says what a record says.
pub(super) fn record(record: &Record<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    record.enter(state, out);
    let mut say = |body| {
        out.push(Event {
            key: None,
            at: None,
            node: None,
            body,
        });
    };
    if record.kind == "damaged" || record.is_damaged() {
        let why = format!(
            "{}: what is kept is not JSON, or changes what is not there",
            record.kind
        );
        return say(Body::Damaged { why });
    }
    let Ok(body) = record.body::<Value>() else {
        let record = format!("{}/?", record.kind);
        return say(Body::Unknown { record });
    };
    let told = Told {
        key: &record.key,
        at: body
            .get("at")
            .or_else(|| body.get("timestamp"))
            .and_then(Value::as_i64),
        body: &body,
    };
    match &*record.kind {
        "event" => {
            state.set(MAIN, &record.session);
            events::event(&body, None, state, out);
        }
        "completed" => {
            state.set(MAIN, &record.session);
            let event = body.get("event").unwrap_or(&body);
            events::event(event, body.get("asked"), state, out);
        }
        "head" => told.head(&record.session, state, out),
        "request" => {
            told.model(state, out);
            told.request(out);
        }
        "said" => {
            let text = text(&body, &["text"]).unwrap_or_default().to_owned();
            told.say(Body::Say { text }, out);
        }
        "call" => told.call(out),
        "edits" => told.edits(out),
        "child" => told.child(&record.session, state, out),
        "end" => told.end(out),
        other => {
            let part = text(&body, &["kind"]).unwrap_or("?");
            let record = format!("{other}/{part}");
            told.say(Body::Unknown { record }, out);
        }
    }
}

/// A record's content, with its key and moment.
struct Told<'r> {
    key: &'r str,
    at: Option<i64>,
    body: &'r Value,
}

impl Told<'_> {
    fn say(&self, body: Body, out: &mut Vec<Event>) {
        out.push(Event {
            key: Some(self.key.to_owned()),
            at: self.at.filter(|at| *at > 0).map(Time),
            node: None,
            body,
        });
    }

    fn text(&self, name: &str) -> Option<String> {
        text(self.body, &[name]).map(str::to_owned)
    }

    fn head(&self, session: &str, state: &mut ParseState, out: &mut Vec<Event>) {
        let head = SessionHead {
            native_id: session.to_owned(),
            cwd: self.text("cwd").inspect(|cwd| state.set("cwd", cwd)),
            model: self.text("model").map(|m| model(&m)),
            version: self.text("version"),
            ..SessionHead::default()
        };
        self.say(Body::Session(Box::new(head)), out);
        if let Some(title) = self.text("title") {
            self.say(Body::Title(title), out);
        }
    }

    /// The model, where it changes.
    fn model(&self, state: &mut ParseState, out: &mut Vec<Event>) {
        let name = self.text("modelId").map(|m| model(&m));
        if name.is_none() || name.as_deref() == state.get("model") {
            return;
        }
        state.set("model", name.as_deref().unwrap_or_default());
        let context = Context {
            model: name,
            ..Context::default()
        };
        self.say(Body::Context(context), out);
    }

    fn request(&self, out: &mut Vec<Event>) {
        let is = |name: &str| self.body.get(name).and_then(Value::as_bool) == Some(true);
        let message = self.body.get("message").unwrap_or(&Value::Null);
        let words = message.as_str().or_else(|| text(message, &["text"]));
        let words = words.unwrap_or_default();
        if is("isSystemInitiated") || is("isHidden") || words.trim().is_empty() {
            return self.say(Body::Ignored, out);
        }
        let parts = message.get("parts").and_then(Value::as_array);
        let is_command = parts
            .into_iter()
            .flatten()
            .any(|p| matches!(text(p, &["kind"]), Some("slash" | "subcommand")));
        let via = match is_command {
            true => Via::Command,
            false => Via::Typed,
        };
        let text = words.to_owned();
        self.say(Body::Prompt { text, via }, out);
    }

    fn child(&self, session: &str, state: &ParseState, out: &mut Vec<Event>) {
        let task = self.body.get("task").unwrap_or(&Value::Null);
        let head = SessionHead {
            native_id: session.to_owned(),
            parent: self.text("parent"),
            relation: Some(Relation::Subagent),
            cwd: state.get("cwd").map(str::to_owned),
            role: text(task, &["agentName", "description"]).map(str::to_owned),
            model: text(task, &["modelName"]).map(str::to_owned),
            ..SessionHead::default()
        };
        self.say(Body::Session(Box::new(head)), out);
        if let Some(prompt) = text(task, &["prompt"]) {
            let text = prompt.to_owned();
            let via = Via::Task;
            self.say(Body::Prompt { text, via }, out);
        }
    }

    fn end(&self, out: &mut Vec<Event>) {
        let error = self.body.get("error").filter(|e| e.is_object());
        let canceled = self.body.get("canceled").and_then(Value::as_bool) == Some(true)
            // The editor's word for it.
            || self.body.get("state").and_then(Value::as_i64) == Some(2)
            || error.and_then(|e| text(e, &["code"])) == Some("canceled");
        let words = error
            .and_then(|e| text(e, &["message"]))
            .unwrap_or_default();
        let what = match (canceled, error) {
            (true, _) => Some("interrupted"),
            (false, Some(_)) => Some("api error"),
            (false, None) => None,
        };
        if let Some(what) = what {
            let text = words.to_owned();
            self.say(Body::Notice { what, text }, out);
        }
        let count = |pointers: [&str; 2]| {
            let mut found = pointers
                .iter()
                .filter_map(|p| self.body.pointer(p)?.as_u64());
            found.next()
        };
        let input = count(["/usage/promptTokens", "/promptTokens"]);
        let output = count(["/usage/completionTokens", "/outputTokens"]);
        if input.or(output).is_some() {
            let usage = Usage {
                request: self.key.to_owned(),
                model: self.text("model").map(|m| model(&m)),
                input: input.unwrap_or(0),
                output: output.unwrap_or(0),
                cached: 0,
            };
            self.say(Body::Usage(usage), out);
        }
    }

    fn call(&self, out: &mut Vec<Event>) {
        let null = Value::Null;
        let field = |name: &str| self.body.get(name).unwrap_or(&null);
        let (row, answer) = (field("row"), field("answer"));
        let id = text(self.body, &["id"]).unwrap_or(self.key);
        let name = text(self.body, &["name"]).unwrap_or("?");
        let input = input(field("input"), row);
        let mut call = tool::describe(id, name, &input);
        if call.kind == StepKind::Other
            && row.pointer("/source/type").and_then(Value::as_str) == Some("mcp")
        {
            call.kind = StepKind::Mcp;
        }
        let kind = call.kind;
        self.say(Body::Call(Box::new(call)), out);
        let over = field("over").as_bool() == Some(true);
        let complete = row.get("isComplete").and_then(Value::as_bool);
        let output = output(row, answer);
        let exit_code = match kind {
            StepKind::Command => exit_code(row, &output),
            _ => None,
        };
        let status = match (complete, exit_code) {
            _ if is_refused(row) => Status::Denied,
            // What was begun when the answer was stopped.
            (Some(false), _) if over => Status::Interrupted,
            (Some(false), _) => return,
            _ if is_error(row, &output) => Status::Failed,
            (_, Some(code)) if code != 0 => Status::Failed,
            _ => Status::Ok,
        };
        let effects = match status {
            Status::Ok => effects(name, &input, field("texts")),
            _ => Vec::new(),
        };
        let duration = row.pointer("/toolSpecificData/terminalCommandState/duration");
        let outcome = Outcome {
            call_id: id.to_owned(),
            status,
            exit_code,
            duration_ms: duration.and_then(Value::as_u64),
            output,
            spilled: None,
            effects,
            spawned: self.text("spawned"),
            answer: None,
            correction: None,
            standalone: None,
        };
        self.say(Body::Outcome(Box::new(outcome)), out);
    }

    fn edits(&self, out: &mut Vec<Event>) {
        let id = text(self.body, &["id"]).unwrap_or(self.key);
        let texts = self.body.get("texts").unwrap_or(&Value::Null);
        let path = texts.get(0).and_then(|t| text(t, &["path"])).unwrap_or("?");
        let call = Call {
            input: String::new(),
            ..tool::describe(id, tool::EDITS, &json!({"path": path}))
        };
        let outcome = Outcome {
            call_id: id.to_owned(),
            status: Status::Ok,
            exit_code: None,
            duration_ms: None,
            output: String::new(),
            spilled: None,
            effects: effects(tool::EDITS, &json!({"path": path}), texts),
            spawned: None,
            answer: None,
            correction: None,
            standalone: None,
        };
        self.say(Body::Call(Box::new(call)), out);
        self.say(Body::Outcome(Box::new(outcome)), out);
    }
}

/// `copilot/claude-opus-4.6`: the part behind the vendor.
fn model(id: &str) -> String {
    id.strip_prefix("copilot/").unwrap_or(id).to_owned()
}

/// Whether the person did not let it happen.
pub(super) fn is_refused(row: &Value) -> bool {
    match row.get("isConfirmed") {
        Some(Value::Bool(allowed)) => !allowed,
        // 0 is "denied", 5 is "skipped".
        Some(confirmed) => matches!(confirmed.get("type").and_then(Value::as_u64), Some(0 | 5)),
        None => false,
    }
}

fn is_error(row: &Value, output: &str) -> bool {
    row.pointer("/resultDetails/isError")
        .and_then(Value::as_bool)
        == Some(true)
        || output.starts_with("ERROR while calling tool")
        || output.starts_with("ERROR: Your input to the tool was invalid")
}

/// What was asked: by the model's call, else as far as the row shows it.
fn input(asked: &Value, row: &Value) -> Value {
    let data = row.get("toolSpecificData").unwrap_or(&Value::Null);
    let command = [
        "/commandLine/userEdited",
        "/commandLine/toolEdited",
        "/commandLine/original",
        "/command",
    ]
    .iter()
    .find_map(|p| data.pointer(p)?.as_str());
    if let (Value::Object(fields), Some(command)) = (asked, command) {
        // The person, or the editor, may have changed it before it ran.
        let mut fields = fields.clone();
        fields.insert("command".to_owned(), command.into());
        return Value::Object(fields);
    }
    if !asked.is_null() {
        return asked.clone();
    }
    match (command, text(data, &["kind"])) {
        (Some(command), _) => json!({"command": command}),
        (None, Some("subagent")) => json!({
            "description": data.get("description"),
            "prompt": data.get("prompt"),
        }),
        (None, Some("todoList")) => json!({"todoList": data.get("todoList")}),
        (None, Some("input")) => data.get("rawInput").cloned().unwrap_or(Value::Null),
        _ => match pair::shown_paths(row).first() {
            Some(path) => json!({"path": path, "shown": message(row)}),
            None => json!({"description": message(row)}),
        },
    }
}

/// What the editor shows of a call.
fn message(row: &Value) -> String {
    let words = |name: &str| {
        let message = row.get(name)?;
        let words = message.as_str().or_else(|| message.get("value")?.as_str());
        words.filter(|w| !w.is_empty()).map(str::to_owned)
    };
    words("pastTenseMessage")
        .or_else(|| words("invocationMessage"))
        .unwrap_or_default()
}

/// What came back: what the model was told, else what the person was shown.
fn output(row: &Value, answer: &Value) -> String {
    let told = flat(answer);
    if !told.trim().is_empty() {
        return told;
    }
    let shown = [
        "/toolSpecificData/terminalCommandOutput/text",
        "/toolSpecificData/result",
    ];
    if let Some(shown) = shown.iter().find_map(|p| row.pointer(p)?.as_str()) {
        return shown.to_owned();
    }
    let details = row
        .pointer("/resultDetails/output")
        .and_then(Value::as_array);
    let details: Vec<&str> = details
        .into_iter()
        .flatten()
        .filter(|d| d.get("isText").and_then(Value::as_bool) != Some(false))
        .filter_map(|d| text(d, &["value", "text"]))
        .collect();
    match details.is_empty() {
        true => message(row),
        false => details.join("\n"),
    }
}

/// The words of an answer: texts, and trees of texts.
fn flat(answer: &Value) -> String {
    let mut out = String::new();
    let parts = answer.get("content").and_then(Value::as_array);
    for part in parts.into_iter().flatten() {
        match part.get("value") {
            Some(Value::String(text)) => out.push_str(text),
            Some(tree) => grown(tree.get("node").unwrap_or(tree), &mut out),
            None => {}
        }
    }
    out
}

/// The texts of a tree. JSON is at most 128 deep, so this ends.
fn grown(node: &Value, out: &mut String) {
    if let Some(words) = node.get("text").and_then(Value::as_str) {
        if node.get("lineBreakBefore").and_then(Value::as_bool) == Some(true) && !out.is_empty() {
            out.push('\n');
        }
        out.push_str(words);
    }
    let children = node.get("children").and_then(Value::as_array);
    for child in children.into_iter().flatten() {
        grown(child, out);
    }
}

/// A command's exit code: by the terminal, else as the model was told it.
fn exit_code(row: &Value, output: &str) -> Option<i32> {
    let state = row.pointer("/toolSpecificData/terminalCommandState/exitCode");
    if let Some(code) = state.and_then(Value::as_i64) {
        return i32::try_from(code).ok();
    }
    let lines = output.lines().rev().take(3);
    lines
        .filter_map(|l| l.trim().strip_prefix("Command exited with code "))
        .find_map(|code| code.trim_end_matches('.').parse().ok())
}

/// What a call did, by what it asked for; where the editor kept the texts, by them.
fn effects(name: &str, input: &Value, texts: &Value) -> Vec<Effect> {
    let mut all = tool::effects(name, input);
    all.retain(|e| !is_cut(e));
    for told in texts.as_array().into_iter().flatten() {
        let Some(path) = text(told, &["path"]).map(place::path) else {
            continue;
        };
        let known = |name: &str| {
            let text = told.get(name)?;
            Some(text.as_str().map(str::to_owned))
                .filter(|t| !t.as_deref().is_some_and(|t| t.contains(CUT)))
        };
        let at = all.iter().position(|e| e.path() == path);
        let before = match known("before") {
            None => Before::Unknown,
            Some(None) => Before::Absent,
            Some(Some(text)) => Before::Text(text),
        };
        let effect = match known("after") {
            Some(Some(content)) => Effect::Write {
                path,
                before: match (before, at.map(|n| &all[n])) {
                    // It is known at least that it was to be new.
                    (Before::Unknown, Some(Effect::Write { before, .. })) => before.clone(),
                    (before, _) => before,
                },
                content,
                hunks: Vec::new(),
            },
            Some(None) => Effect::Delete { path, before },
            None => match at.map(|n| with_before(all[n].clone(), before)) {
                Some(effect) => effect,
                None => Effect::Edit {
                    path,
                    before: Before::Unknown,
                    replacements: Vec::new(),
                    hunks: Vec::new(),
                    amended: false,
                },
            },
        };
        match at {
            Some(n) => all[n] = effect,
            None => all.push(effect),
        }
    }
    all
}

fn with_before(mut effect: Effect, known: Before) -> Effect {
    if let Effect::Edit { before, .. }
    | Effect::Write { before, .. }
    | Effect::Delete { before, .. } = &mut effect
        && known != Before::Unknown
    {
        *before = known;
    }
    effect
}

/// Whether a text of it was cut when it was stored.
fn is_cut(effect: &Effect) -> bool {
    match effect {
        Effect::Write { content, .. } => content.contains(CUT),
        Effect::Edit { replacements, .. } => replacements
            .iter()
            .any(|(old, new, _)| old.contains(CUT) || new.contains(CUT)),
        _ => false,
    }
}
