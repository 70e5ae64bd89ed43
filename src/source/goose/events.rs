//! What Goose's records say.

use serde::Deserialize;
use serde_json::Value;

use super::message::{asked, is_request, step};
use super::tool;
use crate::model::{Time, Via};
use crate::source::tools::{self, text};
use crate::source::{Body, Event, ParseState, Record, Relation, SessionHead, Usage};

/// How the words begin that follow a summary: the program's, for the model.
const AFTER_SUMMARY: &[&str] = &[
    "The previous message contains a summary",
    "Your context was compacted",
];

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
        "session" => record
            .body()
            .map(|info: Value| session(&record, &info, out)),
        "user" | "task" | "assistant" => record.body().map(|m: Message| message(&record, &m, out)),
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

/// A time of a message: seconds; a version that has milliseconds has far more of them.
pub(super) fn moment(n: i64) -> Time {
    match n.unsigned_abs() < 100_000_000_000 {
        true => Time(n.saturating_mul(1000)),
        false => Time(n),
    }
}

/// A time of a session: `2026-01-10 09:00:00`, in UTC.
pub(super) fn utc(text: &str) -> Option<Time> {
    let (day, time) = text.trim().split_once([' ', 'T'])?;
    Time::parse(&format!("{day}T{}Z", time.trim_end_matches('Z')))
}

fn session(record: &Record<'_>, info: &Value, out: &mut Vec<Event>) {
    let kind = text(info, &["session_type"]);
    let parent = text(info, &["parent_session_id"]).map(str::to_owned);
    let at = text(info, &["created_at"]).and_then(utc);
    let model = text(info, &["model_config_json"])
        .and_then(|json| serde_json::from_str::<Value>(json).ok())
        .and_then(|config| Some(text(&config, &["model_name"])?.to_owned()));
    let head = SessionHead {
        native_id: record.session.clone().into_owned(),
        relation: parent.as_ref().map(|_| Relation::Subagent),
        parent,
        cwd: text(info, &["working_dir"]).map(str::to_owned),
        model,
        role: kind.filter(|k| *k != "user").map(str::to_owned),
        ..SessionHead::default()
    };
    say(out, None, at, Body::Session(Box::new(head)));
    if let Some(title) = text(info, &["name", "description"]) {
        say(out, None, None, Body::Title(title.to_owned()));
    }
    // The tokens of the newest request stand beside the sums, which older versions have not.
    let sum = |name| info.get(name).and_then(Value::as_u64);
    if let (Some(input), Some(output)) = (
        sum("accumulated_input_tokens"),
        sum("accumulated_output_tokens"),
    ) {
        let usage = Usage {
            request: "session".to_owned(),
            model: None,
            input,
            output,
            cached: 0,
        };
        say(out, None, at, Body::Usage(usage));
    }
}

#[derive(Deserialize)]
struct Message {
    at: i64,
    content: Value,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    calls: Value,
}

/// The fields of each type of content, as far as a version has had them.
const FIELDS: &[(&str, &[&str])] = &[
    ("text", &["type", "text", "annotations", "_meta"]),
    (
        "image",
        &["type", "data", "mimeType", "annotations", "_meta"],
    ),
    (
        "toolRequest",
        &["type", "id", "toolCall", "metadata", "_meta"],
    ),
    (
        "toolResponse",
        &["type", "id", "toolResult", "metadata", "_meta"],
    ),
    (
        "toolConfirmationRequest",
        &["type", "id", "toolName", "arguments", "prompt"],
    ),
    ("frontendToolRequest", &["type", "id", "toolCall"]),
    ("actionRequired", &["type", "data"]),
    ("thinking", &["type", "thinking", "signature"]),
    ("redactedThinking", &["type", "data"]),
    ("reasoning", &["type", "text"]),
    ("contextLengthExceeded", &["type", "msg"]),
    ("summarizationRequested", &["type", "msg"]),
    ("conversationCompacted", &["type", "msg"]),
    (
        "systemNotification",
        &["type", "notificationType", "msg", "data"],
    ),
];

fn message(record: &Record<'_>, message: &Message, out: &mut Vec<Event>) {
    let at = Some(moment(message.at));
    let Some(items) = message.content.as_array() else {
        let why = format!("{}: its content is not a list", record.kind);
        return say(out, None, at, Body::Damaged { why });
    };
    let kind_of = |item: &Value| text(item, &["type"]).unwrap_or("?").to_owned();
    for item in items {
        let kind = kind_of(item);
        match FIELDS.iter().find(|(name, _)| *name == kind) {
            Some((_, known)) => tools::unknown_fields(&kind, item, known, out),
            None => {
                let record = format!("content/{}", kind.chars().take(40).collect::<String>());
                say(out, None, None, Body::Unknown { record });
            }
        }
    }
    let shown = message.metadata.get("userVisible").and_then(Value::as_bool) != Some(false);
    let words: Vec<&str> = items
        .iter()
        .filter(|i| kind_of(i) == "text")
        .filter_map(|i| text(i, &["text"]))
        .collect();
    let has_results = items.iter().any(|i| kind_of(i) == "toolResponse");
    spoken(record, &words.join("\n\n"), (shown, has_results), at, out);
    for (n, item) in items.iter().enumerate() {
        let what = match kind_of(item).as_str() {
            "contextLengthExceeded" | "summarizationRequested" | "conversationCompacted" => {
                "compacted"
            }
            "systemNotification"
                if text(item, &["notificationType"]) != Some("thinkingMessage") =>
            {
                "message of the program"
            }
            _ => continue,
        };
        let text = text(item, &["msg"]).unwrap_or_default().to_owned();
        let key = Some(format!("{}/{n}", record.key));
        say(out, key, at, Body::Notice { what, text });
    }
    for (n, item) in items.iter().filter(|i| is_request(i)).enumerate() {
        let (name, arguments) = asked(item);
        let step = step(&record.key, n);
        let call = tool::call(&step, name, arguments);
        say(out, Some(step), at, Body::Call(Box::new(call)));
    }
    let results = items.iter().filter(|i| kind_of(i) == "toolResponse");
    for (n, item) in results.enumerate() {
        let id = text(item, &["id"]).unwrap_or_default();
        let call = message.calls.get(id).unwrap_or(&Value::Null);
        // One that answers no call stands for itself.
        let own = format!("{}?{n}", record.key);
        let step = text(call, &["step"]).unwrap_or(&own);
        let outcome = tool::outcome(step, call, item);
        let key = Some(format!("{}/result {n}", record.key));
        say(out, key, at, Body::Outcome(Box::new(outcome)));
    }
}

/// The words of a message: a person's, the agent's, or the program's for the model.
fn spoken(
    record: &Record<'_>,
    words: &str,
    (shown, has_results): (bool, bool),
    at: Option<Time>,
    out: &mut Vec<Event>,
) {
    if words.trim().is_empty() {
        return;
    }
    let text = words.to_owned();
    let body = match &*record.kind {
        _ if !shown && AFTER_SUMMARY.iter().any(|b| words.starts_with(b)) => return,
        _ if !shown => Body::Notice {
            what: "compacted",
            text,
        },
        "assistant" => Body::Say { text },
        // Words beside a result are the program's.
        _ if has_results => return,
        "task" => Body::Prompt {
            text,
            via: Via::Task,
        },
        _ => Body::Prompt {
            text,
            via: Via::Typed,
        },
    };
    say(out, Some(record.key.clone().into_owned()), at, body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_in_two_ways() {
        assert_eq!(utc("2026-01-10 09:00:00"), Some(Time(1_768_035_600_000)));
        assert_eq!(utc("2026-01-10T09:00:00Z"), Some(Time(1_768_035_600_000)));
        assert_eq!((utc("soon"), utc("")), (None, None));
        assert_eq!(moment(1_768_035_600), moment(1_768_035_600_000));
        assert_eq!(moment(i64::MIN), Time(i64::MIN));
    }
}
