//! What OpenCode's records say.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::tool;
use crate::model::{Time, Via};
use crate::source::crush;
use crate::source::{Body, Context, Event, ParseState, Record, Relation, SessionHead, Usage};

/// The order of a record that stands behind all others.
pub(super) const LAST: &str = "~";

/// Reads one line.
pub(super) fn line(line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    let record = match Record::parse(line) {
        Ok(record) => record,
        Err(why) => return out.push(event(None, None, Body::Damaged { why })),
    };
    record.enter(state, out);
    if record.is_damaged() {
        let why = format!("{}: what is kept is not JSON", record.kind);
        return out.push(event(None, None, Body::Damaged { why }));
    }
    let before = out.len();
    let said = match &*record.kind {
        "session" => record
            .body()
            .map(|info: Value| session(&record, &info, out)),
        "user" | "task" => record.body().map(|b: User<'_>| user(&record, &b, out)),
        "message" => record
            .body()
            .map(|m: Value| message(&record, &m, state, out)),
        "part" => record.body().map(|p: Value| part(&record, &p, out)),
        "revert" => record.body().map(|r: Value| revert(&r, out)),
        kind if crush::events::is_ours(kind) => {
            return crush::events::record(&record, state, out);
        }
        other => {
            let record = other.to_owned();
            return out.push(event(None, None, Body::Unknown { record }));
        }
    };
    if said.is_err() {
        out.truncate(before);
        let record = format!("{}/?", record.kind);
        out.push(event(None, None, Body::Unknown { record }));
    }
}

fn event(key: Option<String>, at: Option<Time>, body: Body) -> Event {
    Event {
        key,
        at,
        node: None,
        body,
    }
}

/// A user's message with its parts.
#[derive(Deserialize)]
struct User<'a> {
    info: Value,
    #[serde(borrow)]
    parts: Vec<&'a serde_json::value::RawValue>,
}

/// The body of a user's message.
pub(super) fn user_body(info: &str, parts: &[String]) -> String {
    let sound = |text: &str| match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => text.to_owned(),
        Err(_) => Value::from(text).to_string(),
    };
    let parts: Vec<String> = parts.iter().map(|p| sound(p)).collect();
    format!(
        "{{\"info\":{},\"parts\":[{}]}}",
        sound(info),
        parts.join(",")
    )
}

/// Whether a message is a user's.
pub(super) fn is_user(data: &str) -> bool {
    #[derive(Deserialize)]
    struct Role {
        role: String,
    }
    serde_json::from_str::<Role>(data).is_ok_and(|r| r.role == "user")
}

/// When a message was made.
pub(super) fn created(data: &str) -> i64 {
    serde_json::from_str::<Value>(data)
        .ok()
        .and_then(|m| m.pointer("/time/created")?.as_i64())
        .unwrap_or(0)
}

/// The message from which on the session is taken back now; a later prompt makes that final.
pub(super) fn reverted_to(info: &Value) -> Option<String> {
    let revert = info.get("revert")?;
    let parsed;
    let revert = match revert.as_str() {
        Some(text) => {
            parsed = serde_json::from_str::<Value>(text).ok()?;
            &parsed
        }
        None => revert,
    };
    revert.get("messageID")?.as_str().map(str::to_owned)
}

fn text<'v>(value: &'v Value, names: &[&str]) -> Option<&'v str> {
    crate::source::tools::text(value, names)
}

fn millis(value: &Value, pointer: &str) -> Option<Time> {
    value.pointer(pointer)?.as_i64().map(Time)
}

/// The row of the database and the file of the tree name things differently.
fn session(record: &Record<'_>, info: &Value, out: &mut Vec<Event>) {
    let parent = text(info, &["parent_id", "parentID"]).map(str::to_owned);
    let at = info
        .get("time_created")
        .and_then(Value::as_i64)
        .map(Time)
        .or_else(|| millis(info, "/time/created"));
    let head = SessionHead {
        native_id: record.session.clone().into_owned(),
        relation: parent.as_ref().map(|_| Relation::Subagent),
        parent,
        cwd: text(info, &["directory"]).map(str::to_owned),
        version: text(info, &["version"]).map(str::to_owned),
        ..SessionHead::default()
    };
    out.push(event(None, at, Body::Session(Box::new(head))));
    if let Some(title) = text(info, &["title"]) {
        out.push(event(None, None, Body::Title(title.to_owned())));
    }
}

fn user(record: &Record<'_>, user: &User<'_>, out: &mut Vec<Event>) {
    let at = millis(&user.info, "/time/created");
    let key = || Some(record.key.clone().into_owned());
    if let Some(model) = user.info.pointer("/model/modelID").and_then(Value::as_str) {
        out.push(event(None, at, context(None, Some(model))));
    }
    let mut words: Vec<String> = Vec::new();
    for raw in &user.parts {
        let Ok(part) = serde_json::from_str::<Value>(raw.get()) else {
            continue;
        };
        let is = |name| part.get(name).and_then(Value::as_bool) == Some(true);
        match text(&part, &["type"]) {
            // Put there by the program: a file's content, a reminder, the words of a command.
            Some("text") if is("synthetic") || is("ignored") => {}
            Some("text") => words.extend(text(&part, &["text"]).map(str::to_owned)),
            Some("compaction") => out.push(event(
                part.get("id").and_then(Value::as_str).map(str::to_owned),
                at,
                Body::Notice {
                    what: "compacted",
                    text: String::new(),
                },
            )),
            Some("file" | "agent" | "subtask" | "snapshot" | "patch") => {}
            other => out.push(event(
                None,
                None,
                Body::Unknown {
                    record: format!("user part/{}", other.unwrap_or("?")),
                },
            )),
        }
    }
    if words.iter().any(|w| !w.trim().is_empty()) {
        let via = match &*record.kind {
            "task" => Via::Task,
            _ => Via::Typed,
        };
        let text = words.join("\n\n");
        out.push(event(key(), at, Body::Prompt { text, via }));
    }
}

fn context(cwd: Option<&str>, model: Option<&str>) -> Body {
    Body::Context(Context {
        cwd: cwd.map(str::to_owned),
        model: model.map(str::to_owned),
        ..Context::default()
    })
}

/// The fields of a message and of a part, as far as a version has had them.
const MESSAGE: &[&str] = &[
    "id",
    "sessionID",
    "role",
    "time",
    "error",
    "parentID",
    "modelID",
    "providerID",
    "mode",
    "agent",
    "path",
    "system",
    "summary",
    "cost",
    "tokens",
    "finish",
    "variant",
    "structured",
    "metadata",
    "tool",
    "model",
    "tools",
    "format",
];
const PART: &[&str] = &[
    "id",
    "sessionID",
    "messageID",
    "type",
    "text",
    "synthetic",
    "ignored",
    "time",
    "metadata",
    "tool",
    "callID",
    "state",
    "reason",
    "snapshot",
    "cost",
    "tokens",
    "hash",
    "files",
    "mime",
    "filename",
    "url",
    "source",
    "name",
    "prompt",
    "description",
    "agent",
    "model",
    "command",
    "attempt",
    "error",
    "auto",
    "overflow",
    "tail_start_id",
];

fn message(record: &Record<'_>, message: &Value, state: &mut ParseState, out: &mut Vec<Event>) {
    crate::source::tools::unknown_fields("message", message, MESSAGE, out);
    let at = millis(message, "/time/completed").or_else(|| millis(message, "/time/created"));
    let model = text(message, &["modelID"]);
    let cwd = message.pointer("/path/cwd").and_then(Value::as_str);
    if state.get("cwd") != cwd || state.get("model") != model {
        for (name, value) in [("cwd", cwd), ("model", model)] {
            match value {
                Some(value) => state.set(name, value),
                None => state.unset(name),
            }
        }
        out.push(event(None, None, context(cwd, model)));
    }
    if let Some(tokens) = message.get("tokens") {
        let n = |pointer| tokens.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        let cached = n("/cache/read");
        let usage = Usage {
            request: record.key.clone().into_owned(),
            model: model.map(str::to_owned),
            input: n("/input")
                .saturating_add(cached)
                .saturating_add(n("/cache/write")),
            output: n("/output").saturating_add(n("/reasoning")),
            cached,
        };
        out.push(event(None, at, Body::Usage(usage)));
    }
    if let Some(error) = message.get("error").filter(|e| !e.is_null()) {
        let what = match text(error, &["name"]) {
            Some("MessageAbortedError" | "AbortedError") => "interrupted",
            _ => "api error",
        };
        let text = error
            .pointer("/data/message")
            .or_else(|| error.get("message"))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let key = Some(record.key.clone().into_owned());
        out.push(event(key, at, Body::Notice { what, text }));
    }
    if out.is_empty() {
        out.push(event(None, None, Body::Ignored));
    }
}

fn part(record: &Record<'_>, part: &Value, out: &mut Vec<Event>) {
    crate::source::tools::unknown_fields("part", part, PART, out);
    let key = record.key.clone().into_owned();
    // One without a time is as old as its message, whose time begins its place.
    let at = millis(part, "/time/end")
        .or_else(|| millis(part, "/time/start"))
        .or_else(|| Some(Time(record.order.split('/').next()?.parse().ok()?)));
    let is = |name| part.get(name).and_then(Value::as_bool) == Some(true);
    match text(part, &["type"]) {
        Some("text") if is("synthetic") || is("ignored") => {
            out.push(event(None, at, Body::Ignored));
        }
        Some("text") => {
            let text = text(part, &["text"]).unwrap_or_default().to_owned();
            out.push(event(Some(key), at, Body::Say { text }));
        }
        Some("tool") => tool::part(&key, part, out),
        Some("compaction") => {
            let text = String::new();
            let what = "compacted";
            out.push(event(Some(key), at, Body::Notice { what, text }));
        }
        Some("retry") => {
            let text = part
                .pointer("/error/data/message")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            let at = at.or_else(|| millis(part, "/time/created"));
            let what = "api error";
            out.push(event(Some(key), at, Body::Notice { what, text }));
        }
        Some(
            "reasoning" | "step-start" | "step-finish" | "snapshot" | "patch" | "file" | "agent"
            | "subtask",
        ) => {
            out.push(event(None, at, Body::Ignored));
        }
        other => out.push(event(
            None,
            at,
            Body::Unknown {
                record: format!("part/{}", other.unwrap_or("?")),
            },
        )),
    }
}

fn revert(revert: &Value, out: &mut Vec<Event>) {
    let prompts = revert.get("prompts").and_then(Value::as_u64).unwrap_or(0);
    let body = match u32::try_from(prompts) {
        Ok(0) | Err(_) => Body::Ignored,
        Ok(turns) => Body::RolledBack { turns },
    };
    out.push(event(None, None, body));
}
