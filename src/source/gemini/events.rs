//! What Gemini CLI's records say.

use serde_json::Value;

use super::tool;
use crate::model::{Time, Via};
use crate::source::tools::text;
use crate::source::{Body, Context, Event, ParseState, Record, Relation, SessionHead, Usage};

/// Remembered of a sub-agent: what it was asked is its task.
const TASK: &str = "task";

/// Reads one line.
pub(super) fn line(line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    let record = match Record::parse(line) {
        Ok(record) => record,
        Err(why) => return say(out, None, None, Body::Damaged { why }),
    };
    record.enter(state, out);
    if record.is_damaged() {
        let why = format!("{}: what is kept is not JSON", record.kind);
        return say(out, None, None, Body::Damaged { why });
    }
    let Ok(body) = record.body::<Value>() else {
        let record = format!("{}/?", record.kind);
        return say(out, None, None, Body::Unknown { record });
    };
    match &*record.kind {
        "session" => session(&record, &body, state, out),
        "place" => place(&record, &body, state, out),
        "message" => message(&record, &body, state, out),
        "set" => set(&body, out),
        "rewind" => {
            let prompts = body.get("prompts").and_then(Value::as_u64).unwrap_or(0);
            let turns = u32::try_from(prompts).unwrap_or(u32::MAX);
            say(out, None, None, Body::RolledBack { turns });
        }
        other => {
            let record = other.to_owned();
            say(out, None, None, Body::Unknown { record });
        }
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

fn time(value: &Value, name: &str) -> Option<Time> {
    text(value, &[name]).and_then(Time::parse)
}

/// The fields of a session.
const SESSION: &[&str] = &[
    "sessionId",
    "projectHash",
    "startTime",
    "lastUpdated",
    "messages",
    "summary",
    "directories",
    "kind",
    "meta",
];

fn session(record: &Record<'_>, body: &Value, state: &mut ParseState, out: &mut Vec<Event>) {
    let is_subagent = text(body, &["kind"]) == Some("subagent");
    if is_subagent {
        state.set(TASK, "");
    }
    let head = SessionHead {
        native_id: record.session.clone().into_owned(),
        relation: is_subagent.then_some(Relation::Subagent),
        ..SessionHead::default()
    };
    say(
        out,
        None,
        time(body, "startTime"),
        Body::Session(Box::new(head)),
    );
    if let Some(summary) = text(body, &["summary"]) {
        say(out, None, None, Body::Title(summary.to_owned()));
    }
    crate::source::tools::unknown_fields("session", body, SESSION, out);
}

fn place(record: &Record<'_>, body: &Value, state: &mut ParseState, out: &mut Vec<Event>) {
    let parent = text(body, &["parent"]).map(str::to_owned);
    let cwd = text(body, &["cwd"]).map(str::to_owned);
    if let Some(cwd) = &cwd {
        state.set("cwd", cwd);
    }
    if parent.is_some() {
        state.set(TASK, "");
    }
    let head = SessionHead {
        native_id: record.session.clone().into_owned(),
        relation: parent.as_ref().map(|_| Relation::Subagent),
        parent,
        cwd,
        ..SessionHead::default()
    };
    say(out, None, None, Body::Session(Box::new(head)));
}

fn set(body: &Value, out: &mut Vec<Event>) {
    let summary = body.get("$set").and_then(|s| text(s, &["summary"]));
    let body = summary.map_or(Body::Ignored, |s| Body::Title(s.to_owned()));
    say(out, None, None, body);
}

/// The fields of a message.
const MESSAGE: &[&str] = &[
    "id",
    "timestamp",
    "type",
    "content",
    "displayContent",
    "thoughts",
    "tokens",
    "model",
    "toolCalls",
];

fn message(record: &Record<'_>, body: &Value, state: &mut ParseState, out: &mut Vec<Event>) {
    crate::source::tools::unknown_fields("message", body, MESSAGE, out);
    let at = time(body, "timestamp");
    let key = record.key.clone().into_owned();
    match text(body, &["type"]) {
        Some("user") => {
            let shown = body
                .get("displayContent")
                .map(words)
                .filter(|w| !w.is_empty());
            let text = shown.unwrap_or_else(|| body.get("content").map(words).unwrap_or_default());
            if text.trim().is_empty() {
                return say(out, None, at, Body::Ignored);
            }
            let via = match (state.get(TASK), is_command(&text)) {
                (Some(_), _) => Via::Task,
                (None, true) => Via::Command,
                (None, false) => Via::Typed,
            };
            say(out, Some(key), at, Body::Prompt { text, via });
        }
        // The second word is that of early versions.
        Some("gemini" | "model" | "qwen") => reply(key, body, at, state, out),
        Some("info") => notice(key, body, at, out, "info"),
        Some("warning") => notice(key, body, at, out, "warning"),
        Some("error") => notice(key, body, at, out, "api error"),
        other => {
            let record = format!("message/{}", other.unwrap_or("?"));
            say(out, None, at, Body::Unknown { record });
        }
    }
}

/// `/compress` is a command, `/home/me/x is wrong` is not.
fn is_command(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or("");
    first.strip_prefix('/').is_some_and(|name| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ':'))
    })
}

/// The words of a content: a text, or parts of which some are texts.
pub(in crate::source) fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter(|p| p.get("thought").and_then(Value::as_bool) != Some(true))
                .filter_map(|p| p.as_str().or_else(|| p.get("text")?.as_str()))
                .collect();
            texts.join("\n")
        }
        other => text(other, &["text"]).unwrap_or_default().to_owned(),
    }
}

fn notice(key: String, body: &Value, at: Option<Time>, out: &mut Vec<Event>, what: &'static str) {
    let text = body.get("content").map(words).unwrap_or_default();
    let what = match text.trim() {
        "Request cancelled." => "interrupted",
        _ => what,
    };
    say(out, Some(key), at, Body::Notice { what, text });
}

fn reply(
    key: String,
    body: &Value,
    at: Option<Time>,
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    let model = text(body, &["model"]);
    if model.is_some() && state.get("model") != model {
        state.set("model", model.unwrap_or_default());
        let model = model.map(str::to_owned);
        let context = Context {
            model,
            ..Context::default()
        };
        say(out, None, None, Body::Context(context));
    }
    let said = body.get("content").map(words).unwrap_or_default();
    if !said.trim().is_empty() {
        say(out, Some(key.clone()), at, Body::Say { text: said });
    }
    for call in body
        .get("toolCalls")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        tool::recorded(call, at, state, out);
    }
    if let Some(tokens) = body.get("tokens").filter(|t| t.is_object()) {
        let n = |name| tokens.get(name).and_then(Value::as_u64).unwrap_or(0);
        let usage = Usage {
            request: key,
            model: model.map(str::to_owned),
            input: n("input"),
            output: n("output").saturating_add(n("thoughts")),
            cached: n("cached"),
        };
        say(out, None, at, Body::Usage(usage));
    }
}
