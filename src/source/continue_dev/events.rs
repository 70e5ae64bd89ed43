//! What Continue's records say.

use serde::Deserialize;
use serde_json::Value;

use super::tool;
use crate::model::{Time, Via};
use crate::source::tools::{self, text};
use crate::source::{Body, Context, Event, ParseState, Record, SessionHead, Usage};

/// Reads one line.
pub(super) fn line(line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    let record = match Record::parse(line) {
        Ok(record) => record,
        Err(why) => return say(out, None, Body::Damaged { why }),
    };
    record.enter(state, out);
    if record.is_damaged() {
        let why = format!("{}: what is kept is not JSON", record.kind);
        return say(out, None, Body::Damaged { why });
    }
    let before = out.len();
    let said = match &*record.kind {
        "session" => record.body().map(|s: Session| session(&record, &s, out)),
        "item" => record.body().map(|i: Item| item(&record, &i, state, out)),
        "step" => record.body().map(|s: Value| step(&record, &s, out)),
        other => {
            let record = other.to_owned();
            return say(out, None, Body::Unknown { record });
        }
    };
    if said.is_err() {
        out.truncate(before);
        let record = format!("{}/?", record.kind);
        say(out, None, Body::Unknown { record });
    } else if out.len() == before {
        say(out, None, Body::Ignored);
    }
}

fn say(out: &mut Vec<Event>, key: Option<String>, body: Body) {
    out.push(Event {
        key,
        at: None,
        node: None,
        body,
    });
}

#[derive(Deserialize)]
struct Session {
    head: Value,
    created: Option<String>,
}

/// A time as the list has it: milliseconds, or seconds with a fraction.
fn time(created: &str) -> Option<Time> {
    match created.split_once('.') {
        None => created.parse().ok().map(Time),
        Some((seconds, part)) => {
            let seconds: i64 = seconds.parse().ok()?;
            let millis: String = part.chars().chain("000".chars()).take(3).collect();
            let millis: i64 = millis.parse().ok()?;
            Some(Time(seconds.checked_mul(1000)?.checked_add(millis)?))
        }
    }
}

/// The fields of a session, those of 2023 included.
const SESSION: &[&str] = &[
    "sessionId",
    "title",
    "workspaceDirectory",
    "history",
    "mode",
    "chatModelTitle",
    "usage",
    "dateCreated",
    "active",
    "adding_highlighted_code",
    "config",
    "context_providers",
    "meilisearch_url",
    "saved_context_groups",
    "selected_context_items",
    "session_info",
    "slash_commands",
    "user_input_queue",
];

fn session(record: &Record<'_>, session: &Session, out: &mut Vec<Event>) {
    // In the form of 2023 it stands in an object of its own.
    let info = session.head.get("session_info").unwrap_or(&session.head);
    let folder = text(info, &["workspaceDirectory", "workspace_directory"]);
    let folder =
        folder.map(|f| crate::source::cursor::path_of_uri(f).unwrap_or_else(|| f.to_owned()));
    let own = text(info, &["date_created"]);
    let at = session.created.as_deref().or(own).and_then(time);
    let head = SessionHead {
        native_id: record.session.clone().into_owned(),
        cwd: folder,
        model: text(&session.head, &["chatModelTitle"]).map(str::to_owned),
        ..SessionHead::default()
    };
    out.push(Event {
        key: None,
        at,
        node: None,
        body: Body::Session(Box::new(head)),
    });
    if let Some(title) = text(info, &["title"]) {
        say(out, None, Body::Title(title.to_owned()));
    }
    tools::unknown_fields("session", &session.head, SESSION, out);
}

#[derive(Deserialize)]
struct Item {
    item: Value,
    #[serde(default)]
    asked: Value,
}

/// The fields of an item and of a message, as far as a version has had them.
const ITEM: &[&str] = &[
    "message",
    "contextItems",
    "editorState",
    "modifiers",
    "promptLogs",
    "toolCallState",
    "toolCallStates",
    "isGatheringContext",
    "reasoning",
    "appliedRules",
    "conversationSummary",
];
const MESSAGE: &[&str] = &[
    "id",
    "role",
    "content",
    "toolCalls",
    "toolCallId",
    "usage",
    "signature",
    "redactedThinking",
    "reasoning_details",
    "metadata",
];

fn item(record: &Record<'_>, given: &Item, state: &mut ParseState, out: &mut Vec<Event>) {
    let item = &given.item;
    let null = Value::Null;
    let message = item.get("message").unwrap_or(&null);
    tools::unknown_fields("item", item, ITEM, out);
    tools::unknown_fields("message", message, MESSAGE, out);
    let key = || Some(record.key.clone().into_owned());
    if let Some(summary) = text(item, &["conversationSummary"]) {
        let text = summary.to_owned();
        let what = "compacted";
        let key = Some(format!("{}/summary", record.key));
        say(out, key, Body::Notice { what, text });
    }
    model(item, state, out);
    match text(message, &["role"]) {
        Some("user") => {
            let typed = typed(item.get("editorState").unwrap_or(&null));
            let text = typed.unwrap_or_else(|| words(message.get("content")));
            if !text.trim().is_empty() {
                let via = Via::Typed;
                say(out, key(), Body::Prompt { text, via });
            }
        }
        Some("assistant") => {
            let text = words(message.get("content"));
            if !text.trim().is_empty() {
                say(out, key(), Body::Say { text });
            }
            called(record, item, out);
            usage(record, message, out);
        }
        Some("tool") if !given.asked.is_null() => {
            let step = text(&given.asked, &["step"]).unwrap_or("?");
            let alone = serde_json::json!({"output": message.get("content")});
            let outcome = tool::outcome(step, &given.asked, &alone);
            say(out, key(), Body::Outcome(Box::new(outcome)));
        }
        // Told with its call already; the model's own thoughts; what the program says to it.
        Some("tool" | "thinking" | "system") => {}
        other => {
            let record = format!("role/{}", other.unwrap_or("?"));
            say(out, None, Body::Unknown { record });
        }
    }
}

/// The model that answered, where that is told.
fn model(item: &Value, state: &mut ParseState, out: &mut Vec<Event>) {
    let model = item
        .pointer("/promptLogs/0/modelTitle")
        .and_then(Value::as_str);
    if let Some(model) = model
        && state.get("model") != Some(model)
    {
        state.set("model", model);
        let context = Context {
            model: Some(model.to_owned()),
            ..Context::default()
        };
        say(out, None, Body::Context(context));
    }
}

fn called(record: &Record<'_>, item: &Value, out: &mut Vec<Event>) {
    for (n, call) in tool::calls(item).iter().enumerate() {
        let step = tool::step(&record.key, n);
        let asked = tool::asked(call);
        let body = Body::Call(Box::new(tool::call(&step, &asked)));
        say(out, Some(step.clone()), body);
        let id = text(call, &["id"]).unwrap_or_default();
        if let Some(state) = tool::state(item, id).filter(|s| tool::is_over(s)) {
            let outcome = tool::outcome(&step, &asked, state);
            say(out, Some(step), Body::Outcome(Box::new(outcome)));
        }
    }
}

fn usage(record: &Record<'_>, message: &Value, out: &mut Vec<Event>) {
    let Some(usage) = message.get("usage").filter(|u| u.is_object()) else {
        return;
    };
    let n = |pointer| usage.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let usage = Usage {
        request: record.key.clone().into_owned(),
        model: None,
        input: n("/promptTokens"),
        output: n("/completionTokens"),
        cached: n("/promptTokensDetails/cachedTokens"),
    };
    say(out, None, Body::Usage(usage));
}

/// The words of a content: a text, or parts of which some are texts.
fn words(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|p| text(p, &["text"]));
            texts.collect::<Vec<_>>().join("\n\n")
        }
        _ => String::new(),
    }
}

/// How deep an editor's document is read.
const DEPTH: usize = 16;

/// What was typed, by the editor's document; code that was put in from a file is none of it. `None` if there is no such
/// document, or none that is understood.
fn typed(document: &Value) -> Option<String> {
    if text(document, &["type"]) != Some("doc") {
        return None;
    }
    let blocks = document.get("content")?.as_array()?;
    let mut all = Vec::new();
    for block in blocks {
        let mut line = String::new();
        node(block, 0, &mut line)?;
        all.push(line);
    }
    let text = all.join("\n");
    let text = text.trim_end().trim_start_matches('\n');
    (!text.is_empty()).then(|| text.to_owned())
}

fn node(node_: &Value, depth: usize, line: &mut String) -> Option<()> {
    if depth > DEPTH {
        return None;
    }
    match text(node_, &["type"])? {
        "text" => line.push_str(node_.get("text")?.as_str()?),
        "hardBreak" => line.push('\n'),
        "mention" | "slashcommand" | "slash-command" | "prompt-block" => {
            let attrs = node_.get("attrs")?;
            let label = text(attrs, &["label", "id", "title"])?;
            let mark = match text(node_, &["type"]) {
                Some("mention") => '@',
                _ => '/',
            };
            line.push(mark);
            line.push_str(label.trim_start_matches(['@', '/']));
        }
        "codeBlock" | "code-block" | "image" => {}
        "paragraph" => {
            for child in node_
                .get("content")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                node(child, depth + 1, line)?;
            }
        }
        // Something else may be words: the message is asked instead.
        _ => return None,
    }
    Some(())
}

/// A step of the form of 2023.
fn step(record: &Record<'_>, given: &Value, out: &mut Vec<Event>) {
    let null = Value::Null;
    let step = given.get("step").unwrap_or(&null);
    let is = |name| step.get(name).and_then(Value::as_bool) == Some(true);
    let key = Some(record.key.clone().into_owned());
    match text(step, &["class_name"]) {
        Some("UserInputStep") => {
            if let Some(words) = text(step, &["user_input", "description"]) {
                let text = words.to_owned();
                let via = Via::Typed;
                say(out, key, Body::Prompt { text, via });
            }
        }
        None => say(
            out,
            None,
            Body::Unknown {
                record: "step/?".to_owned(),
            },
        ),
        Some(_) if is("hide") => {}
        Some(_) => {
            if let Some(words) = text(step, &["description"]) {
                let text = words.to_owned();
                say(out, key, Body::Say { text });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_come_in_two_ways() {
        assert_eq!(time("1761882017762"), Some(Time(1_761_882_017_762)));
        assert_eq!(time("1697509954.2427506"), Some(Time(1_697_509_954_242)));
        assert_eq!(time("1697509954.5"), Some(Time(1_697_509_954_500)));
        assert_eq!(
            (time("soon"), time(""), time("9223372036854775807.1")),
            (None, None, None)
        );
    }

    #[test]
    fn what_was_typed_is_told_by_the_editor() {
        let doc = |content: Value| json!({"type": "doc", "content": content});
        let line = |content: Value| json!({"type": "paragraph", "content": content});
        let said = |words: &str| json!({"type": "text", "text": words});
        let mention = json!({"type": "mention", "attrs": {"label": "a.rs"}});
        let code = json!({"type": "codeBlock", "attrs": {"item": {"content": "fn a() {}"}}});
        let odd = json!({"type": "hologram", "text": "x"});
        for (document, want) in [
            (
                doc(json!([
                    code,
                    line(json!([said("fix "), mention])),
                    line(json!([said("now")]))
                ])),
                Some("fix @a.rs\nnow"),
            ),
            (doc(json!([line(json!([odd]))])), None),
            (doc(json!([line(json!([]))])), None),
            (json!("fix it"), None),
            (Value::Null, None),
        ] {
            assert_eq!(typed(&document).as_deref(), want, "{document}");
        }
    }
}
