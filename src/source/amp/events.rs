//! What Amp's records say.

use serde::Deserialize;
use serde_json::Value;

use super::tool;
use crate::model::{Time, Via};
use crate::source::tools::{self, text};
use crate::source::{Body, Context, Event, ParseState, Record, Relation, SessionHead, Usage};

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
    let before = out.len();
    let said = match &*record.kind {
        "thread" => record
            .body()
            .map(|t: Value| thread(&record, &t, state, out)),
        "message" => record
            .body()
            .map(|m: Message| message(&record, &m, state, out)),
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

/// The fields of a thread, as far as they are known.
const THREAD: &[&str] = &[
    "v",
    "id",
    "created",
    "title",
    "messages",
    "env",
    "meta",
    "relationships",
    "mainThreadID",
    "nextMessageId",
    "agentMode",
];

fn thread(record: &Record<'_>, thread: &Value, state: &mut ParseState, out: &mut Vec<Event>) {
    tools::unknown_fields("thread", thread, THREAD, out);
    let tree = thread
        .pointer("/env/initial/trees/0")
        .unwrap_or(&Value::Null);
    let folder = text(tree, &["uri"]);
    let repository = tree.get("repository").unwrap_or(&Value::Null);
    let branch = text(repository, &["ref"]);
    let parent = text(thread, &["mainThreadID"]).map(str::to_owned);
    if parent.is_some() {
        state.set("task", "1");
    }
    let head = SessionHead {
        native_id: record.session.clone().into_owned(),
        relation: parent.as_ref().map(|_| Relation::Subagent),
        parent,
        cwd: folder.map(|f| crate::source::cursor::path_of_uri(f).unwrap_or_else(|| f.to_owned())),
        branch: branch.map(|b| b.strip_prefix("refs/heads/").unwrap_or(b).to_owned()),
        commit: text(repository, &["sha"]).map(str::to_owned),
        ..SessionHead::default()
    };
    let at = thread.get("created").and_then(Value::as_i64).map(Time);
    say(out, None, at, Body::Session(Box::new(head)));
    if let Some(title) = text(thread, &["title"]) {
        say(out, None, None, Body::Title(title.to_owned()));
    }
}

#[derive(Deserialize)]
struct Message {
    message: Value,
    #[serde(default)]
    asked: Value,
}

/// The fields of a message, as far as they are known.
const MESSAGE: &[&str] = &[
    "role",
    "messageId",
    "content",
    "meta",
    "state",
    "usage",
    "userState",
    "fileMentions",
    "discoveredGuidanceFiles",
    "agentMode",
    "interrupted",
];
/// The types of blocks that a version has had.
const BLOCKS: &[&str] = &[
    "text",
    "image",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "tool_result",
    "server_tool_use",
    "summary",
    "manual_bash_invocation",
];

fn message(record: &Record<'_>, given: &Message, state: &mut ParseState, out: &mut Vec<Event>) {
    let message = &given.message;
    tools::unknown_fields("message", message, MESSAGE, out);
    let blocks = message.get("content").and_then(Value::as_array);
    for block in blocks.into_iter().flatten() {
        let kind = text(block, &["type"]).unwrap_or("?");
        if !BLOCKS.contains(&kind) {
            let record = format!("block/{}", kind.chars().take(40).collect::<String>());
            say(out, None, None, Body::Unknown { record });
        }
    }
    match text(message, &["role"]) {
        Some("user") => user(record, given, state, out),
        Some("assistant") => assistant(record, message, state, out),
        Some("info") => info(record, message, out),
        other => {
            let record = format!("role/{}", other.unwrap_or("?"));
            say(out, None, None, Body::Unknown { record });
        }
    }
}

/// When a message was sent, or its tokens were counted.
fn time(message: &Value) -> Option<Time> {
    let sent = message.pointer("/meta/sentAt").and_then(Value::as_i64);
    let counted = || Time::parse(message.pointer("/usage/timestamp")?.as_str()?);
    sent.map(Time).or_else(counted)
}

fn user(record: &Record<'_>, given: &Message, state: &ParseState, out: &mut Vec<Event>) {
    let message = &given.message;
    let at = time(message);
    let hidden = |b: &&Value| b.get("hidden").and_then(Value::as_bool) == Some(true);
    let words: Vec<&str> = tool::blocks(message, "text")
        .filter(|b| !hidden(b))
        .filter_map(|b| text(b, &["text"]))
        .collect();
    let words = words.join("\n\n");
    let has_results = tool::blocks(message, "tool_result").next().is_some();
    if !words.trim().is_empty() && !has_results {
        let via = match state.get("task") {
            Some(_) => Via::Task,
            None => Via::Typed,
        };
        let key = Some(record.key.clone().into_owned());
        say(out, key, at, Body::Prompt { text: words, via });
    }
    for (n, block) in tool::blocks(message, "tool_result").enumerate() {
        let call = given
            .asked
            .get(tool::answers(block))
            .unwrap_or(&Value::Null);
        // One that answers no call stands for itself.
        let own = format!("{}?{n}", record.key);
        let step = text(call, &["step"]).unwrap_or(&own);
        if let Some(outcome) = tool::outcome(step, call, block) {
            let key = Some(format!("{}/{n}", record.key));
            say(out, key, at, Body::Outcome(Box::new(outcome)));
        }
    }
}

fn assistant(record: &Record<'_>, message: &Value, state: &mut ParseState, out: &mut Vec<Event>) {
    let at = time(message);
    let null = Value::Null;
    let usage = message.get("usage").unwrap_or(&null);
    let model = text(usage, &["model"]).map(str::to_owned);
    if let Some(model) = &model
        && state.get("model") != Some(model.as_str())
    {
        state.set("model", model);
        let context = Context {
            model: Some(model.clone()),
            ..Context::default()
        };
        say(out, None, at, Body::Context(context));
    }
    for (n, block) in tool::blocks(message, "text").enumerate() {
        if let Some(words) = text(block, &["text"]) {
            let key = Some(format!("{}/{n}", record.key));
            let text = words.to_owned();
            say(out, key, at, Body::Say { text });
        }
    }
    for (n, block) in tool::blocks(message, "tool_use").enumerate() {
        let step = tool::step(&record.key, n);
        let call = tool::call(&step, block);
        say(out, Some(step), at, Body::Call(Box::new(call)));
    }
    if usage.is_object() {
        let n = |name| usage.get(name).and_then(Value::as_u64);
        let of = |name| n(name).unwrap_or(0);
        let cached = of("cacheReadInputTokens");
        let sum = of("inputTokens")
            .saturating_add(of("cacheCreationInputTokens"))
            .saturating_add(cached);
        let usage = Usage {
            request: record.key.clone().into_owned(),
            model,
            input: n("totalInputTokens").unwrap_or(sum),
            output: of("outputTokens"),
            cached,
        };
        say(out, None, at, Body::Usage(usage));
    }
    let ended = message.get("state").unwrap_or(&null);
    let what = match text(ended, &["type"]) {
        Some("cancelled") => "interrupted",
        Some("error") => "api error",
        _ => return,
    };
    let error = ended.get("error").unwrap_or(&null);
    let words = error.as_str().or_else(|| text(error, &["message"]));
    let text = words.unwrap_or_default().to_owned();
    let key = Some(format!("{}/end", record.key));
    say(out, key, at, Body::Notice { what, text });
}

/// What is neither the agent's nor a prompt: a command that the person ran, a summary of what was said before.
fn info(record: &Record<'_>, message: &Value, out: &mut Vec<Event>) {
    let at = time(message);
    for (n, block) in tool::blocks(message, "manual_bash_invocation").enumerate() {
        let command = block.get("args").and_then(|a| text(a, &["cmd", "command"]));
        if let Some(command) = command {
            let key = Some(format!("{}#{n}", record.key));
            let text = command.to_owned();
            let via = Via::Shell;
            say(out, key, at, Body::Prompt { text, via });
        }
    }
    for (n, block) in tool::blocks(message, "summary").enumerate() {
        let summary = block.get("summary").unwrap_or(&Value::Null);
        let words = summary.as_str().or_else(|| text(summary, &["summary"]));
        let text = words.map_or_else(|| tools::pretty(summary), str::to_owned);
        let key = Some(format!("{}/{n}", record.key));
        let what = "compacted";
        say(out, key, at, Body::Notice { what, text });
    }
}
