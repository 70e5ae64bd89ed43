//! What Cursor's records say.

use serde_json::Value;

use super::{cli, fields, tool};
use crate::model::{Time, Via};
use crate::source::tools::text;
use crate::source::{Body, Context, Event, ParseState, Record, Relation, SessionHead, Usage};

/// Reads one line.
pub(super) fn line(line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    let record = match Record::parse(line) {
        Ok(record) => record,
        Err(why) => return out.push(event(None, None, Body::Damaged { why })),
    };
    record.enter(state, out);
    let body = record.body::<Value>();
    let torn = |v: &Value| v.get("bubble").is_some_and(Value::is_string);
    if record.is_damaged() || body.as_ref().is_ok_and(torn) {
        let why = format!("{}: what is kept is not JSON", record.kind);
        return out.push(event(None, None, Body::Damaged { why }));
    }
    let Ok(body) = body.as_ref() else {
        return unknown(format!("{}/?", record.kind), out);
    };
    match &*record.kind {
        "composer" | "tab" | "meta" => head(&record, body, out),
        "user" | "task" => user(&record, body, state, out),
        "bubble" => bubble(&record, body, state, out),
        "message" => cli::message(&record, body, out),
        "said" => cli::said(&record, body, out),
        other => return unknown(other.to_owned(), out),
    }
    match &*record.kind {
        "user" | "task" | "bubble" => {
            fields::bubble(body.get("bubble").unwrap_or(&Value::Null), out);
        }
        "message" => fields::message("message", body.get("message").unwrap_or(&Value::Null), out),
        "said" => fields::message("said", body.get("line").unwrap_or(&Value::Null), out),
        _ => {}
    }
}

pub(super) fn event(key: Option<&str>, at: Option<Time>, body: Body) -> Event {
    Event {
        key: key.map(str::to_owned),
        at,
        node: None,
        body,
    }
}

pub(super) fn unknown(record: String, out: &mut Vec<Event>) {
    out.push(event(None, None, Body::Unknown { record }));
}

fn head(record: &Record<'_>, info: &Value, out: &mut Vec<Event>) {
    let field = |name| text(info, &[name]).map(str::to_owned);
    let parent = field("parent");
    let head = SessionHead {
        native_id: record.session.clone().into_owned(),
        relation: parent.as_ref().map(|_| Relation::Subagent),
        parent,
        cwd: field("folder"),
        model: field("model").filter(|m| m != "default"),
        role: field("role"),
        ..SessionHead::default()
    };
    let at = info.get("createdAt").and_then(Value::as_i64).map(Time);
    out.push(event(None, at, Body::Session(Box::new(head))));
    if let Some(title) = field("name") {
        out.push(event(None, None, Body::Title(title)));
    }
}

/// When a bubble was made: a text or a number, or not said.
fn made(bubble: &Value) -> Option<Time> {
    match bubble.get("createdAt")? {
        Value::String(text) => Time::parse(text),
        other => other.as_i64().map(Time),
    }
}

fn user(record: &Record<'_>, body: &Value, state: &mut ParseState, out: &mut Vec<Event>) {
    let bubble = body.get("bubble").unwrap_or(&Value::Null);
    let at = made(bubble);
    model(bubble, state, out);
    let plain = text(bubble, &["text", "rawText"]).map(str::to_owned);
    let words = plain.or_else(|| {
        let rich = text(bubble, &["richText", "initText"])?;
        Some(typed(&serde_json::from_str(rich).ok()?))
    });
    let via = match &*record.kind {
        "task" => Via::Task,
        _ => Via::Typed,
    };
    out.push(match words.filter(|w| !w.trim().is_empty()) {
        Some(text) => event(Some(&record.key), at, Body::Prompt { text, via }),
        // Pictures alone.
        None => event(None, at, Body::Ignored),
    });
}

/// The words in what the editor's field holds: paragraphs of texts.
fn typed(node: &Value) -> String {
    fn walk(node: &Value, deep: usize, out: &mut String) {
        if let Some(words) = node.get("text").and_then(Value::as_str) {
            out.push_str(words);
        }
        let is = |name: &str| node.get("type").is_some_and(|t| t == name);
        if is("linebreak") || (is("paragraph") && !out.is_empty()) {
            out.push('\n');
        }
        let below = ["root", "children", "content"].iter();
        for child in below.filter_map(|name| node.get(*name)) {
            match child {
                // A field of a person is a few levels deep.
                _ if deep > 32 => {}
                Value::Array(all) => all.iter().for_each(|c| walk(c, deep + 1, out)),
                one => walk(one, deep + 1, out),
            }
        }
    }
    let mut out = String::new();
    walk(node, 0, &mut out);
    out
}

/// The model, where it changes.
fn model(bubble: &Value, state: &mut ParseState, out: &mut Vec<Event>) {
    let model = bubble
        .pointer("/modelInfo/modelName")
        .and_then(Value::as_str);
    let model = model.or_else(|| text(bubble, &["modelType"]));
    if let Some(model) = model.filter(|m| *m != "default" && state.get("model") != Some(m)) {
        state.set("model", model);
        let context = Context {
            model: Some(model.to_owned()),
            ..Context::default()
        };
        out.push(event(None, None, Body::Context(context)));
    }
}

fn bubble(record: &Record<'_>, body: &Value, state: &mut ParseState, out: &mut Vec<Event>) {
    let bubble = body.get("bubble").unwrap_or(&Value::Null);
    let at = made(bubble);
    match bubble.get("type") {
        Some(Value::Number(n)) if n.as_u64() == Some(2) => {}
        Some(Value::String(t)) if t == "ai" => {}
        other => {
            let kind = other.map_or_else(|| "?".to_owned(), Value::to_string);
            return unknown(format!("bubble/{kind}"), out);
        }
    }
    model(bubble, state, out);
    let before = out.len();
    let tokens = |name: &str| {
        let n = bubble.get("tokenCount").and_then(|t| t.get(name)?.as_u64());
        n.unwrap_or(0)
    };
    let (input, output) = (tokens("inputTokens"), tokens("outputTokens"));
    if input > 0 || output > 0 {
        let usage = Usage {
            request: record.key.clone().into_owned(),
            model: None,
            input,
            output,
            cached: 0,
        };
        out.push(event(None, at, Body::Usage(usage)));
    }
    let call = bubble.get("toolFormerData");
    // Of some bubbles there is only what the editor shows of it.
    if call.is_some_and(|c| {
        ["name", "params", "rawArgs", "result"]
            .iter()
            .any(|n| c.get(*n).is_some())
    }) {
        return tool::former(&record.key, at, body, out);
    }
    // What it thought is not what it said.
    let thought =
        bubble.get("thinking").is_some() || bubble.get("isThought").is_some_and(|t| *t == true);
    let capability = bubble.get("capabilityType").and_then(Value::as_u64);
    match text(bubble, &["text", "rawText"]) {
        Some(words) if !thought && capability != Some(30) && !words.trim().is_empty() => {
            let say = Body::Say {
                text: words.to_owned(),
            };
            out.push(event(Some(&record.key), at, say));
        }
        _ if capability.is_some_and(|c| c != 15 && c != 30) => {
            unknown(
                format!("bubble/capability {}", capability.unwrap_or(0)),
                out,
            );
        }
        _ if out.len() == before => out.push(event(None, at, Body::Ignored)),
        _ => {}
    }
}
