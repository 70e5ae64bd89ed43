//! What one line of a session is: its head, a message, or something that happened to it.

use serde_json::Value;

use super::message;
use crate::model::Time;
use crate::source::tools::{self, text};
use crate::source::{Body, Context, Event, ParseState, Relation, SessionHead};

/// The fields that entries and messages have had.
const ENTRY: &[&str] = &[
    "type",
    "version",
    "id",
    "timestamp",
    "cwd",
    "branchedFrom",
    "parentSession",
    "parentId",
    "message",
    "provider",
    "modelId",
    "summary",
    "firstKeptEntryIndex",
    "firstKeptEntryId",
    "fromId",
    "tokensBefore",
    "thinkingLevel",
    "customType",
    "data",
    "content",
    "display",
    "details",
    "label",
    "targetId",
    "name",
    "fromHook",
];
const MESSAGE: &[&str] = &[
    "role",
    "content",
    "timestamp",
    "model",
    "provider",
    "usage",
    "stopReason",
    "toolCallId",
    "toolName",
    "isError",
    "api",
    "details",
    "errorMessage",
    "command",
    "output",
    "exitCode",
    "cancelled",
    "truncated",
    "fullOutputPath",
    "customType",
    "display",
];

/// A line with its place in the session.
pub(super) struct Entry {
    id: Option<String>,
    parent: Option<String>,
    pub at: Option<Time>,
}

impl Entry {
    /// Says something; `n` tells apart what one entry says.
    pub fn say(&self, n: usize, body: Body, out: &mut Vec<Event>) {
        out.push(Event {
            key: self.id.as_ref().map(|id| format!("{id}#{n}")),
            at: self.at,
            node: self.id.clone().map(|id| (id, self.parent.clone())),
            body,
        });
    }

    /// What names a request: the entry, or its moment where entries have no id.
    pub fn request(&self) -> Option<String> {
        self.id.clone().or_else(|| Some(self.at?.0.to_string()))
    }
}

/// Reads one line.
pub(super) fn line(line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    if line.iter().all(u8::is_ascii_whitespace) {
        return;
    }
    let value: Value = match serde_json::from_slice(line) {
        Ok(value) => value,
        Err(why) => {
            let why = why.to_string();
            return nowhere(Body::Damaged { why }, out);
        }
    };
    let Some(kind) = text(&value, &["type"]) else {
        let record = "?".to_owned();
        return nowhere(Body::Unknown { record }, out);
    };
    let entry = Entry {
        id: text(&value, &["id"])
            .filter(|_| kind != "session")
            .map(str::to_owned),
        parent: text(&value, &["parentId"]).map(str::to_owned),
        at: text(&value, &["timestamp"]).and_then(Time::parse),
    };
    let say = |body, out: &mut Vec<Event>| entry.say(0, body, out);
    match kind {
        "session" => session(&value, &entry, state, out),
        "message" => message::message(&value, &entry, state, out),
        "model_change" => {
            let model = text(&value, &["modelId"]).map(str::to_owned);
            context(model, state, &entry, out);
        }
        "compaction" | "branch_summary" => {
            let what = match kind {
                "compaction" => "compacted",
                _ => "branch left",
            };
            let text = text(&value, &["summary"]).unwrap_or_default().to_owned();
            say(Body::Notice { what, text }, out);
        }
        "session_info" => match text(&value, &["name"]) {
            Some(name) => say(Body::Title(name.to_owned()), out),
            None => say(Body::Link, out),
        },
        // Put into the conversation by an extension, for the model or for both.
        "custom_message" => message::custom(&value, &entry, out),
        "thinking_level_change" | "custom" | "label" => say(Body::Link, out),
        other => {
            let record = other.to_owned();
            say(Body::Unknown { record }, out);
        }
    }
    tools::unknown_fields("entry", &value, ENTRY, out);
    if let Some(message) = value.get("message") {
        tools::unknown_fields("message", message, MESSAGE, out);
    }
}

fn nowhere(body: Body, out: &mut Vec<Event>) {
    out.push(Event {
        key: None,
        at: None,
        node: None,
        body,
    });
}

fn session(value: &Value, entry: &Entry, state: &mut ParseState, out: &mut Vec<Event>) {
    let Some(id) = text(value, &["id"]) else {
        let record = "session/?".to_owned();
        return entry.say(0, Body::Unknown { record }, out);
    };
    let parent = text(value, &["parentSession", "branchedFrom"]).map(named_by);
    let model = text(value, &["modelId"]);
    state.session = Some(id.to_owned());
    if let Some(model) = model {
        state.set("model", model);
    }
    let head = SessionHead {
        native_id: id.to_owned(),
        relation: parent.as_ref().map(|_| Relation::Fork),
        parent,
        cwd: text(value, &["cwd"]).map(str::to_owned),
        model: model.map(str::to_owned),
        ..SessionHead::default()
    };
    entry.say(0, Body::Session(Box::new(head)), out);
}

/// The session in a file's name, `time_id.jsonl`; an id is one itself.
fn named_by(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let name = name.strip_suffix(".jsonl").unwrap_or(name);
    name.split_once('_').map_or(name, |(_, id)| id).to_owned()
}

/// The model, where it changes.
pub(super) fn context(
    model: Option<String>,
    state: &mut ParseState,
    entry: &Entry,
    out: &mut Vec<Event>,
) {
    match model {
        Some(name) if state.get("model") != Some(&name) => {
            state.set("model", &name);
            let context = Context {
                model: Some(name),
                ..Context::default()
            };
            entry.say(0, Body::Context(context), out);
        }
        _ => entry.say(0, Body::Link, out),
    }
}
