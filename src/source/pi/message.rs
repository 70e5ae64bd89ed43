//! Messages by who speaks: the person, the model, a tool, an extension.

use serde_json::Value;

use super::entry::{Entry, context};
use super::tool;
use crate::model::Via;
use crate::source::tools::text;
use crate::source::{Body, Event, ParseState, Usage};

/// Says what an entry of the type `message` says.
pub(super) fn message(value: &Value, entry: &Entry, state: &mut ParseState, out: &mut Vec<Event>) {
    let null = Value::Null;
    let message = value.get("message").unwrap_or(&null);
    match text(message, &["role"]) {
        Some("user") => {
            tool::forget(state);
            let text = words(message.get("content"));
            let body = match text.trim().is_empty() {
                true => Body::Link,
                false => Body::Prompt {
                    text,
                    via: Via::Typed,
                },
            };
            entry.say(0, body, out);
        }
        Some("assistant") => assistant(message, entry, state, out),
        Some("toolResult") => tool::result(message, entry, state, out),
        Some("bashExecution") => shell(message, entry, out),
        Some("custom" | "hookMessage") => custom(message, entry, out),
        other => {
            let record = format!("message/{}", other.unwrap_or("?"));
            entry.say(0, Body::Unknown { record }, out);
        }
    }
}

/// The texts of a content: a string, or parts of which some are text.
pub(super) fn words(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts
                .iter()
                .filter(|p| text(p, &["type"]) == Some("text"))
                .filter_map(|p| text(p, &["text"]));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// What an extension put in: shown if it was shown, never a person's words.
pub(super) fn custom(message: &Value, entry: &Entry, out: &mut Vec<Event>) {
    let text = words(message.get("content"));
    let is_shown = message.get("display").and_then(Value::as_bool) == Some(true);
    let body = match is_shown && !text.trim().is_empty() {
        true => Body::Notice {
            what: "extension",
            text,
        },
        false => Body::Link,
    };
    entry.say(0, body, out);
}

/// A command that the person ran from the prompt.
fn shell(message: &Value, entry: &Entry, out: &mut Vec<Event>) {
    let command = text(message, &["command"]).unwrap_or_default().to_owned();
    let via = Via::Shell;
    entry.say(0, Body::Prompt { text: command, via }, out);
    if let Some(output) = text(message, &["output"]) {
        let text = output.to_owned();
        let what = "shell output";
        entry.say(1, Body::Notice { what, text }, out);
    }
}

fn assistant(message: &Value, entry: &Entry, state: &mut ParseState, out: &mut Vec<Event>) {
    let model = text(message, &["model"]).map(str::to_owned);
    context(model.clone(), state, entry, out);
    let mut n = 0;
    let mut say = |body, out: &mut Vec<Event>| {
        n += 1;
        entry.say(n, body, out);
    };
    match message.get("content") {
        Some(Value::String(text)) => say(Body::Say { text: text.clone() }, out),
        Some(Value::Array(parts)) => {
            for part in parts {
                match text(part, &["type"]) {
                    Some("text") => {
                        if let Some(text) = text(part, &["text"]).filter(|t| !t.trim().is_empty()) {
                            let text = text.to_owned();
                            say(Body::Say { text }, out);
                        }
                    }
                    Some("thinking" | "image") => {}
                    Some("toolCall") => say(Body::Call(Box::new(tool::call(part, state))), out),
                    other => {
                        let record = format!("assistant part/{}", other.unwrap_or("?"));
                        say(Body::Unknown { record }, out);
                    }
                }
            }
        }
        _ => {}
    }
    if let (Some(request), Some(usage)) = (entry.request(), message.get("usage")) {
        let count = |name| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
        let cached = count("cacheRead");
        let usage = Usage {
            request,
            model,
            input: count("input")
                .saturating_add(cached)
                .saturating_add(count("cacheWrite")),
            output: count("output"),
            cached,
        };
        // A request that was stopped at once counts nothing.
        if usage.input > 0 || usage.output > 0 {
            say(Body::Usage(usage), out);
        }
    }
    let error = text(message, &["errorMessage"]).unwrap_or_default();
    let what = match text(message, &["stopReason"]) {
        Some("aborted") => "interrupted",
        Some("error") => "api error",
        _ => return,
    };
    let text = error.to_owned();
    say(Body::Notice { what, text }, out);
}
