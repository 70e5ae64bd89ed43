//! What the records of a task say.

use serde::Deserialize;
use serde_json::Value;

use super::call::Asked;
use super::outcome::{self, content, words};
use super::tags::{self, Piece};
use crate::model::{Time, Via};
use crate::source::tools::{self, text};
use crate::source::{Body, Context, Event, ParseState, Record, Relation, SessionHead, Usage};

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
        "head" => record.body().map(|h: Value| head(&record, &h, out)),
        "opening" => record
            .body()
            .map(|t: Turn| opening(&record, &t, state, out)),
        "turn" => record.body().map(|t: Turn| turn(&record, &t, state, out)),
        "asked" | "answered" | "task" => record.body().map(|r: Value| asked(&record, &r, out)),
        "failed" => record.body().map(|r: Value| failed(&record, &r, out)),
        other => {
            let record = other.to_owned();
            return out.push(event(None, None, Body::Unknown { record }));
        }
    };
    if said.is_err() {
        out.truncate(before);
        let record = format!("{}/?", record.kind);
        out.push(event(None, None, Body::Unknown { record }));
    } else if out.len() == before {
        out.push(event(None, None, Body::Ignored));
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

fn unknown(what: &str, name: &str) -> Event {
    let record = format!("{what}/{name}");
    event(None, None, Body::Unknown { record })
}

/// Two messages in their places.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Turn {
    at: Option<i64>,
    until: Option<i64>,
    /// There is nothing else that tells what the person typed.
    alone: bool,
    tokens: Option<[u64; 4]>,
    created: Vec<String>,
    said: Value,
    answer: Value,
}

fn head(record: &Record<'_>, head: &Value, out: &mut Vec<Event>) {
    let field = |pointer: &str| {
        let value = head.pointer(pointer).and_then(Value::as_str);
        value.filter(|v| !v.is_empty()).map(str::to_owned)
    };
    let parent = field("/item/parentTaskId");
    let head = SessionHead {
        native_id: record.session.clone().into_owned(),
        relation: parent.as_ref().map(|_| Relation::Subagent),
        parent,
        cwd: field("/item/workspace"),
        model: field("/usage/model_id"),
        version: field("/environment/cline_version"),
        role: field("/item/mode"),
        ..SessionHead::default()
    };
    let title = field("/item/task");
    out.push(event(None, None, Body::Session(Box::new(head))));
    if let Some(title) = title {
        out.push(event(None, None, Body::Title(title)));
    }
}

/// The folder and the commit that a text for the model tells.
fn surroundings(
    record: &Record<'_>,
    message: &Value,
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    for (_, block) in content(message) {
        let words = words(block);
        let Some(at) = words.find("<environment_details>") else {
            continue;
        };
        let details = &words[at..];
        let folder = [
            "# Current Working Directory (",
            "# Current Workspace Directory (",
        ]
        .iter()
        .find_map(|open| details.split_once(open))
        .and_then(|(_, rest)| rest.lines().next())
        .and_then(|line| line.rsplit_once(')'))
        .map(|(folder, _)| folder.to_owned());
        let commit = details
            .split_once("\"latestGitCommitHash\":")
            .and_then(|(_, rest)| rest.trim_start().strip_prefix('"')?.split('"').next())
            .filter(|c| c.len() >= 7 && c.bytes().all(|b| b.is_ascii_hexdigit()))
            .map(str::to_owned);
        let is_new = |name: &str, value: &Option<String>| {
            value.is_some() && state.get(name) != value.as_deref()
        };
        if is_new("cwd", &folder) || is_new("commit", &commit) {
            for (name, value) in [("cwd", &folder), ("commit", &commit)] {
                if let Some(value) = value {
                    state.set(name, value);
                }
            }
            let head = SessionHead {
                native_id: record.session.clone().into_owned(),
                cwd: folder,
                commit,
                ..SessionHead::default()
            };
            out.push(event(None, None, Body::Session(Box::new(head))));
        }
    }
}

fn opening(record: &Record<'_>, turn: &Turn, state: &mut ParseState, out: &mut Vec<Event>) {
    surroundings(record, &turn.answer, state, out);
    not_understood(&turn.answer, out);
    if turn.alone {
        typed(record, &turn.answer, turn.at.map(Time), out);
    }
}

/// Fields of a message that are known.
const MESSAGE: &[&str] = &[
    "role",
    "content",
    "ts",
    "id",
    "modelInfo",
    "metrics",
    "isSummary",
    "condenseId",
    "condenseParent",
    "truncationId",
    "truncationParent",
    "isTruncationMarker",
    "type",
    "summary",
    "text",
    "encrypted_content",
    "reasoning_content",
    "reasoning_details",
];

/// What of a user's message is not known.
fn not_understood(message: &Value, out: &mut Vec<Event>) {
    tools::unknown_fields("message", message, MESSAGE, out);
    for (kind, _) in content(message) {
        if !matches!(kind, "text" | "tool_result" | "image" | "document") {
            out.push(unknown("answer", kind));
        }
    }
}

/// Marks around a person's words, in a message for the model.
const TYPED: &[(&str, &str, Via)] = &[
    ("<task>", "</task>", Via::Typed),
    ("<feedback>", "</feedback>", Via::Typed),
    ("<user_message>", "</user_message>", Via::Typed),
    ("<answer>", "</answer>", Via::Answer),
];

/// The person's words in a message for the model: all there is if what was shown is gone.
fn typed(record: &Record<'_>, message: &Value, at: Option<Time>, out: &mut Vec<Event>) {
    let mut n = 0;
    let mut take = |text: &str, out: &mut Vec<Event>| {
        for (open, close, via) in TYPED {
            let Some((_, rest)) = text.split_once(open) else {
                continue;
            };
            let inner = rest.rsplit_once(close).map_or(rest, |(inner, _)| inner);
            if inner.trim().is_empty() {
                continue;
            }
            n += 1;
            let key = format!("{}#p{n}", record.key);
            let text = inner.trim_matches(['\n', '\r']).to_owned();
            let body = Body::Prompt { text, via: *via };
            out.push(event(Some(key), at, body));
            return;
        }
    };
    for (kind, block) in content(message) {
        match kind {
            // A file or a command's output may hold these marks: only what begins with them, or a refusal, is a person's.
            "text" if is_persons(words(block)) => take(words(block), out),
            "tool_result" => {
                for (_, inner) in content(block) {
                    if is_persons(words(inner)) {
                        take(words(inner), out);
                    }
                }
            }
            _ => {}
        }
    }
}

fn is_persons(text: &str) -> bool {
    let body = text.split_once("] Result:").map_or(text, |(_, rest)| rest);
    let body = body.trim_start();
    [
        "<task>",
        "<feedback>",
        "<answer>",
        "<user_message>",
        "The user denied this operation and provided",
        "The user provided",
        "The user has provided feedback",
        "The user is not satisfied",
        "New instructions for task continuation",
        "New message to respond to",
        "You seem to be having trouble",
    ]
    .iter()
    .any(|start| body.starts_with(start))
}

fn turn(record: &Record<'_>, turn: &Turn, state: &mut ParseState, out: &mut Vec<Event>) {
    let at = turn.at.map(Time);
    let until = turn.until.map(Time);
    model(turn, at, state, out);
    usage(record, turn, at, out);
    let asked = said(record, turn, at, out);
    surroundings(record, &turn.answer, state, out);
    not_understood(&turn.answer, out);
    let results = outcome::results(&turn.answer);
    for (asked, result) in outcome::join(&asked, results) {
        if asked.words().is_none() {
            let outcome = outcome::outcome(asked, &result, &turn.created);
            let body = Body::Outcome(Box::new(outcome));
            out.push(event(Some(asked.id.clone()), until, body));
        }
    }
    if turn.alone {
        typed(record, &turn.answer, until, out);
    }
}

fn model(turn: &Turn, at: Option<Time>, state: &mut ParseState, out: &mut Vec<Event>) {
    let model = turn
        .said
        .pointer("/modelInfo/modelId")
        .and_then(Value::as_str);
    if let Some(model) = model.filter(|m| state.get("model") != Some(m)) {
        state.set("model", model);
        let context = Context {
            model: Some(model.to_owned()),
            ..Context::default()
        };
        out.push(event(None, at, Body::Context(context)));
    }
}

fn usage(record: &Record<'_>, turn: &Turn, at: Option<Time>, out: &mut Vec<Event>) {
    let told = || {
        let n = |name: &str| {
            let value = turn.said.pointer("/metrics/tokens")?.get(name)?;
            value.as_u64()
        };
        Some([n("prompt")?, n("completion")?, 0, n("cached").unwrap_or(0)])
    };
    let Some([input, output, written, read]) = turn.tokens.or_else(told) else {
        return;
    };
    let usage = Usage {
        request: record.key.clone().into_owned(),
        model: turn
            .said
            .pointer("/modelInfo/modelId")
            .and_then(Value::as_str)
            .map(str::to_owned),
        input: input.saturating_add(written).saturating_add(read),
        output,
        cached: read,
    };
    out.push(event(None, at, Body::Usage(usage)));
}

/// What a message says that was stopped.
const STOPPED: &[&str] = &[
    "[Response interrupted by user]",
    "[Response interrupted by a tool use result",
    "[Response interrupted by API Error]",
];

/// The agent's message: what it said, and what it asked for.
fn said(record: &Record<'_>, turn: &Turn, at: Option<Time>, out: &mut Vec<Event>) -> Vec<Asked> {
    let mut all: Vec<Asked> = Vec::new();
    let mut n = 0;
    let mut key = || {
        n += 1;
        Some(format!("{}#{n}", record.key))
    };
    if turn.said.get("role").and_then(Value::as_str) != Some("assistant") {
        out.push(unknown("message", "?"));
    }
    tools::unknown_fields("message", &turn.said, MESSAGE, out);
    let is_summary = turn.said.get("isSummary").and_then(Value::as_bool) == Some(true);
    for (kind, block) in content(&turn.said) {
        match kind {
            "text" if is_summary => {
                let text = words(block).to_owned();
                let what = "compacted";
                out.push(event(key(), at, Body::Notice { what, text }));
            }
            "text" => {
                let whole = words(block);
                let stop = STOPPED.iter().find_map(|s| whole.find(s));
                for piece in tags::pieces(&whole[..stop.unwrap_or(whole.len())]) {
                    match piece {
                        Piece::Words(text) => {
                            let text = without_thinking(text).to_owned();
                            if !text.is_empty() {
                                out.push(event(key(), at, Body::Say { text }));
                            }
                        }
                        Piece::Tool(tool, input) => {
                            let id = format!("{}.{}", record.key, all.len());
                            ask(id, tool, input, at, &mut all, out);
                        }
                    }
                }
                if stop.is_some() {
                    let text = String::new();
                    let what = "interrupted";
                    out.push(event(key(), at, Body::Notice { what, text }));
                }
            }
            "tool_use" => {
                let id = text(block, &["id"]).map(str::to_owned);
                let id = id.unwrap_or_else(|| format!("{}.{}", record.key, all.len()));
                let tool = text(block, &["name"]).unwrap_or("?");
                let input = block.get("input").cloned().unwrap_or(Value::Null);
                ask(id, tool, input, at, &mut all, out);
            }
            "thinking" | "redacted_thinking" | "reasoning" | "image" | "thoughtSignature" => {}
            other => out.push(unknown("said", other)),
        }
    }
    all
}

/// Some models think aloud, in tags.
fn without_thinking(text: &str) -> &str {
    let trimmed = text.trim();
    match trimmed.strip_prefix("<thinking>") {
        Some(rest) => rest
            .split_once("</thinking>")
            .map_or("", |(_, rest)| rest)
            .trim(),
        None => trimmed,
    }
}

fn ask(
    id: String,
    tool: &str,
    input: Value,
    at: Option<Time>,
    all: &mut Vec<Asked>,
    out: &mut Vec<Event>,
) {
    let asked = Asked {
        id,
        tool: tool.to_owned(),
        input,
    };
    let key = Some(asked.id.clone());
    out.push(match asked.words() {
        Some(words) => event(
            key,
            at,
            Body::Say {
                text: words.to_owned(),
            },
        ),
        None => event(key, at, Body::Call(Box::new(asked.call()))),
    });
    all.push(asked);
}

/// A row with a person's words.
fn asked(record: &Record<'_>, row: &Value, out: &mut Vec<Event>) {
    let via = match &*record.kind {
        "task" => Via::Task,
        "answered" => Via::Answer,
        _ => Via::Typed,
    };
    let at = row.get("ts").and_then(Value::as_i64).map(Time);
    if let Some(text) = text(row, &["text"]) {
        let text = text.to_owned();
        let key = Some(record.key.clone().into_owned());
        out.push(event(key, at, Body::Prompt { text, via }));
    }
}

fn failed(record: &Record<'_>, row: &Value, out: &mut Vec<Event>) {
    let at = row.get("ts").and_then(Value::as_i64).map(Time);
    let text = text(row, &["text"]).unwrap_or_default().to_owned();
    let what = "api error";
    let key = Some(record.key.clone().into_owned());
    out.push(event(key, at, Body::Notice { what, text }));
}
