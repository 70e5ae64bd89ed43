//! What the records of Crush say.

use serde::Deserialize;
use serde_json::Value;

use super::tool;
use crate::model::{Time, Via};
use crate::source::tools::{self, text};
use crate::source::{Body, Context, Event, ParseState, Record, Relation, SessionHead};

/// What the program itself writes as a prompt when it goes on after a summary.
const GOES_ON: &str =
    "The previous session was interrupted because it got too long, the initial user request was: `";

/// Reads one line.
pub(in crate::source) fn line(line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    let record = match Record::parse(line) {
        Ok(record) => record,
        Err(why) => return say(out, None, None, Body::Damaged { why }),
    };
    record.enter(state, out);
    self::record(&record, state, out);
}

/// Whether a record is of this kind of database.
pub(in crate::source) fn is_ours(kind: &str) -> bool {
    matches!(
        kind,
        "chat" | "person" | "parent" | "agent" | "summary" | "results"
    )
}

/// Says what a record says whose session was entered.
pub(in crate::source) fn record(record: &Record<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    if record.is_damaged() {
        let why = format!("{}: what is kept is not JSON", record.kind);
        return say(out, None, None, Body::Damaged { why });
    }
    let before = out.len();
    let said = match &*record.kind {
        "chat" => record.body().map(|chat: Chat| head(record, &chat, out)),
        "person" | "parent" | "agent" | "summary" | "results" => record
            .body()
            .map(|message: Message| self::message(record, &message, state, out)),
        other => {
            let record = other.to_owned();
            return say(out, None, None, Body::Unknown { record });
        }
    };
    if said.is_err() {
        out.truncate(before);
        let record = format!("{}/?", record.kind);
        say(out, None, None, Body::Unknown { record });
    } else if out.len() == before {
        say(out, None, None, Body::Ignored);
    }
}

fn say(out: &mut Vec<Event>, key: Option<String>, at: Option<Time>, body: Body) {
    out.push(Event {
        key,
        at,
        node: None,
        body,
    });
}

/// A time of the database: seconds, whatever its own comment says; a version that means it would have milliseconds.
pub(super) fn moment(n: i64) -> Time {
    match n.unsigned_abs() < 100_000_000_000 {
        true => Time(n.saturating_mul(1000)),
        false => Time(n),
    }
}

/// The name of the step of a message's n-th call.
pub(super) fn step(message: &str, n: usize) -> String {
    format!("{message}#{n}")
}

/// A call, as it stands in a message.
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) input: String,
}

/// A result, as it stands in a message.
pub(super) struct Answer {
    pub(super) id: String,
    pub(super) metadata: String,
    pub(super) is_error: bool,
}

fn data_of(parts: &str, kind: &str) -> Vec<Value> {
    let parts: Vec<Part> = serde_json::from_str(parts).unwrap_or_default();
    parts
        .into_iter()
        .filter(|p| p.kind == kind)
        .map(|p| p.data)
        .collect()
}

fn word(value: &Value, name: &str) -> String {
    text(value, &[name]).unwrap_or_default().to_owned()
}

/// The calls of a message, in their order.
pub(super) fn calls(parts: &str) -> Vec<Call> {
    data_of(parts, "tool_call")
        .iter()
        .map(|call| Call {
            id: word(call, "id"),
            name: word(call, "name"),
            input: word(call, "input"),
        })
        .collect()
}

/// The results of a message, in their order.
pub(super) fn results(parts: &str) -> Vec<Answer> {
    data_of(parts, "tool_result")
        .iter()
        .map(|result| Answer {
            id: word(result, "tool_call_id"),
            metadata: word(result, "metadata"),
            is_error: result.get("is_error").and_then(Value::as_bool) == Some(true),
        })
        .collect()
}

/// The folder that the first result names.
pub(super) fn working_directory(parts: &str) -> Option<String> {
    data_of(parts, "tool_result").iter().find_map(|result| {
        let metadata: Value = serde_json::from_str(text(result, &["metadata"])?).ok()?;
        Some(text(&metadata, &["working_directory"])?.to_owned())
    })
}

#[derive(Deserialize)]
struct Chat {
    row: Value,
    folder: Option<String>,
}

fn head(record: &Record<'_>, chat: &Chat, out: &mut Vec<Event>) {
    let parent = text(&chat.row, &["parent_session_id"]).map(str::to_owned);
    let at = chat.row.get("created_at").and_then(Value::as_i64);
    let head = SessionHead {
        native_id: record.session.clone().into_owned(),
        relation: parent.as_ref().map(|_| Relation::Subagent),
        parent,
        cwd: chat.folder.clone(),
        ..SessionHead::default()
    };
    say(out, None, at.map(moment), Body::Session(Box::new(head)));
    if let Some(title) = text(&chat.row, &["title"]) {
        say(out, None, None, Body::Title(title.to_owned()));
    }
}

#[derive(Deserialize)]
struct Message {
    at: Option<i64>,
    model: Option<String>,
    parts: Value,
    #[serde(default)]
    calls: Value,
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    data: Value,
}

/// The fields of each type of part, as far as a version has had them.
const FIELDS: &[(&str, &[&str])] = &[
    ("text", &["text", "hidden"]),
    (
        "reasoning",
        &[
            "thinking",
            "signature",
            "thought_signature",
            "tool_id",
            "responses_data",
            "started_at",
            "finished_at",
        ],
    ),
    (
        "tool_call",
        &[
            "id",
            "name",
            "input",
            "type",
            "provider_executed",
            "finished",
        ],
    ),
    (
        "tool_result",
        &[
            "tool_call_id",
            "name",
            "content",
            "data",
            "mime_type",
            "metadata",
            "is_error",
        ],
    ),
    ("finish", &["reason", "time", "message", "details"]),
    ("image_url", &["url", "detail"]),
    ("binary", &["Path", "MIMEType", "Data"]),
    ("shell_command", &["command", "output", "exit_code"]),
];

fn message(record: &Record<'_>, message: &Message, state: &mut ParseState, out: &mut Vec<Event>) {
    let at = message.at.map(moment);
    let Some(parts) = message.parts.as_array() else {
        let why = format!("{}: its parts are not a list", record.kind);
        return say(out, None, at, Body::Damaged { why });
    };
    let parts: Vec<Part> = parts
        .iter()
        .filter_map(|part| {
            let part: Part = serde_json::from_value(part.clone()).ok()?;
            match FIELDS.iter().find(|(kind, _)| *kind == part.kind) {
                Some((kind, known)) => tools::unknown_fields(kind, &part.data, known, out),
                None => {
                    let record = format!("part/{}", part.kind.chars().take(40).collect::<String>());
                    say(out, None, None, Body::Unknown { record });
                }
            }
            Some(part)
        })
        .collect();
    match &*record.kind {
        "person" | "parent" => asked(record, &parts, at, out),
        "results" => results_of(record, &parts, &message.calls, at, state, out),
        _ => told(record, message, &parts, at, state, out),
    }
}

fn is(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool) == Some(true)
}

/// What a person asked. What the program put there itself is not theirs.
fn asked(record: &Record<'_>, parts: &[Part], at: Option<Time>, out: &mut Vec<Event>) {
    let words: Vec<&str> = parts
        .iter()
        .filter(|p| p.kind == "text" && !is(&p.data, "hidden"))
        .filter_map(|p| text(&p.data, &["text"]))
        .collect();
    let words = words.join("\n\n");
    let key = || Some(record.key.clone().into_owned());
    if !words.trim().is_empty() && !words.starts_with(GOES_ON) {
        let via = match &*record.kind {
            "parent" => Via::Task,
            _ => Via::Typed,
        };
        say(out, key(), at, Body::Prompt { text: words, via });
    }
    for (n, part) in parts
        .iter()
        .filter(|p| p.kind == "shell_command")
        .enumerate()
    {
        if let Some(command) = text(&part.data, &["command"]) {
            let text = command.to_owned();
            let via = Via::Shell;
            let key = format!("{}#{n}", record.key);
            say(out, Some(key), at, Body::Prompt { text, via });
        }
    }
}

/// What the agent said and called.
fn told(
    record: &Record<'_>,
    message: &Message,
    parts: &[Part],
    at: Option<Time>,
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    if let Some(model) = message.model.as_deref()
        && state.get("model") != Some(model)
    {
        state.set("model", model);
        let context = Context {
            model: Some(model.to_owned()),
            ..Context::default()
        };
        say(out, None, at, Body::Context(context));
    }
    let finish = parts.iter().find(|p| p.kind == "finish");
    let done = finish
        .and_then(|f| f.data.get("time")?.as_i64())
        .filter(|n| *n > 0)
        .map(moment);
    let (mut calls, mut texts) = (0, 0);
    for part in parts {
        match part.kind.as_str() {
            "text" => {
                let Some(words) = text(&part.data, &["text"]) else {
                    continue;
                };
                let key = Some(format!("{}/{texts}", record.key));
                texts += 1;
                let text = words.to_owned();
                let what = "compacted";
                let body = match &*record.kind {
                    "summary" => Body::Notice { what, text },
                    _ => Body::Say { text },
                };
                say(out, key, at, body);
            }
            "tool_call" => {
                let step = step(&record.key, calls);
                calls += 1;
                let call = tool::call(&step, &part.data, state);
                say(out, Some(step), done.or(at), Body::Call(Box::new(call)));
            }
            _ => {}
        }
    }
    let what = match finish.and_then(|f| text(&f.data, &["reason"])) {
        Some("canceled") => "interrupted",
        Some("error" | "content_filter") => "api error",
        _ => return,
    };
    let why = |name| {
        finish
            .and_then(|f| text(&f.data, &[name]))
            .unwrap_or_default()
    };
    let text = format!("{}\n{}", why("message"), why("details"));
    let text = text.trim().to_owned();
    let key = Some(format!("{}/end", record.key));
    say(out, key, done.or(at), Body::Notice { what, text });
}

fn results_of(
    record: &Record<'_>,
    parts: &[Part],
    calls: &Value,
    at: Option<Time>,
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    for (n, part) in parts.iter().filter(|p| p.kind == "tool_result").enumerate() {
        let id = text(&part.data, &["tool_call_id"]).unwrap_or_default();
        let call = calls.get(id).unwrap_or(&Value::Null);
        // One that answers no call stands for itself.
        let own = format!("{}?{n}", record.key);
        let step = text(call, &["step"]).unwrap_or(&own);
        let outcome = tool::outcome(step, call, &part.data, state);
        let key = Some(format!("{}/{n}", record.key));
        say(out, key, at, Body::Outcome(Box::new(outcome)));
    }
}
