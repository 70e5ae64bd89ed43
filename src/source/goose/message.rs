//! Messages as records: each gets a name that lasts, and results get what they answer.

use std::collections::{HashMap, HashSet};

use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::tool;
use crate::source::tools::{path, text};

/// A message as Goose keeps it.
pub(super) struct Given<'m> {
    pub(super) role: &'m str,
    pub(super) created: i64,
    /// A list, as JSON.
    pub(super) content: &'m str,
    pub(super) metadata: Option<&'m str>,
}

/// A record of one.
pub(super) struct Message {
    pub(super) key: String,
    pub(super) kind: String,
    pub(super) body: String,
}

/// The messages of a session, in their order.
pub(super) struct Messages {
    /// Nobody typed what its user says.
    is_task: bool,
    names: HashMap<String, u32>,
    open: HashMap<String, Asked>,
    /// Files that had the line ends of Windows when they were shown: an edit turns them into others.
    windows: HashSet<String>,
}

struct Asked {
    step: String,
    name: String,
    arguments: Value,
}

/// The name of the step of a message's n-th call.
pub(super) fn step(message: &str, n: usize) -> String {
    format!("{message}#{n}")
}

/// The items of a message that ask for a call, in their order.
pub(super) fn is_request(item: &Value) -> bool {
    matches!(
        text(item, &["type"]),
        Some("toolRequest" | "frontendToolRequest")
    )
}

/// What a request asks for: the tool's name and its arguments.
pub(super) fn asked(item: &Value) -> (&str, &Value) {
    const NULL: &Value = &Value::Null;
    let call = item.get("toolCall").unwrap_or(NULL);
    // A call that could not be read has only an error.
    let call = call.get("value").unwrap_or(call);
    let name = text(call, &["name"]).unwrap_or("?");
    let arguments = call.get("arguments").or_else(|| call.get("error"));
    (name, arguments.unwrap_or(NULL))
}

impl Messages {
    pub(super) fn new(is_task: bool) -> Messages {
        Messages {
            is_task,
            names: HashMap::new(),
            open: HashMap::new(),
            windows: HashSet::new(),
        }
    }

    /// The record of the next message.
    pub(super) fn record(&mut self, given: &Given<'_>) -> Message {
        let content: Value = serde_json::from_str(given.content).unwrap_or(Value::Null);
        let items = content.as_array().map_or(&[][..], Vec::as_slice);
        let key = self.name(given, items);
        let mut calls = Map::new();
        let mut requests = 0;
        for item in items {
            let id = text(item, &["id"]).unwrap_or_default();
            if is_request(item) {
                let (name, arguments) = asked(item);
                let asked = Asked {
                    step: step(&key, requests),
                    name: name.to_owned(),
                    arguments: arguments.clone(),
                };
                requests += 1;
                self.open.insert(id.to_owned(), asked);
            } else if text(item, &["type"]) == Some("toolResponse")
                && let Some(asked) = self.open.remove(id)
            {
                let mut told = json!({"step": asked.step, "name": asked.name});
                if self.has_windows_ends(&asked, item) {
                    told["windows"] = Value::from(true);
                }
                if tool::needs_input(&asked.name) {
                    told["arguments"] = asked.arguments;
                }
                calls.insert(id.to_owned(), told);
            }
        }
        let kind = match given.role {
            "user" if self.is_task => "task",
            role => role,
        };
        // What is not JSON is kept as a text.
        let sound = |json: &str| match serde_json::from_str::<IgnoredAny>(json) {
            Ok(_) => json.to_owned(),
            Err(_) => Value::from(json).to_string(),
        };
        let mut body = format!(
            "{{\"at\":{},\"content\":{}",
            given.created,
            sound(given.content)
        );
        if let Some(metadata) = given.metadata {
            body.push_str(",\"metadata\":");
            body.push_str(&sound(metadata));
        }
        if !calls.is_empty() {
            body.push_str(",\"calls\":");
            body.push_str(&Value::Object(calls).to_string());
        }
        body.push('}');
        Message {
            key,
            kind: kind.to_owned(),
            body,
        }
    }

    /// Whether a call is about a file that had the line ends of Windows when it was shown last.
    fn has_windows_ends(&mut self, asked: &Asked, result: &Value) -> bool {
        let Some(path) = path(&asked.arguments) else {
            return false;
        };
        match tool::shown_text(result) {
            Some(text) if text.contains("\r\n") => self.windows.insert(path.to_owned()),
            Some(_) => self.windows.remove(path),
            None => return self.windows.contains(path),
        };
        false
    }

    /// A name that stays the same when the message is written anew.
    fn name(&mut self, given: &Given<'_>, items: &[Value]) -> String {
        let mut hash = blake3::Hasher::new();
        let mut add = |part: &str| {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        };
        add(given.role);
        for item in items {
            for name in ["type", "id", "text", "thinking", "msg"] {
                add(text(item, &[name]).unwrap_or_default());
            }
        }
        if items.is_empty() {
            add(given.content);
        }
        let hash = hash.finalize().to_hex();
        let name = format!("{}-{}", given.created, &hash.as_str()[..16]);
        let again = self.names.entry(name.clone()).or_default();
        *again += 1;
        match again {
            1 => name,
            n => format!("{name}-{n}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given<'m>(content: &'m str, metadata: &'m str) -> Given<'m> {
        Given {
            role: "user",
            created: 1,
            content,
            metadata: Some(metadata),
        }
    }

    #[test]
    fn an_edit_of_a_file_with_other_line_ends_says_so() {
        let mut messages = Messages::new(false);
        let mut windows = |args: Value, text: Option<&str>| {
            let call = json!([{"type": "toolRequest", "id": "1", "toolCall": {"value": {"name": "developer__text_editor",
                "arguments": args}}}]);
            let contents = match text {
                Some(text) => json!([{"type": "resource", "resource": {"text": text}}]),
                None => json!([{"type": "text", "text": "edited"}]),
            };
            let result =
                json!([{"type": "toolResponse", "id": "1", "toolResult": {"value": contents}}]);
            messages.record(&given(&call.to_string(), "{}"));
            let body = messages.record(&given(&result.to_string(), "{}")).body;
            body.contains("\"windows\":true")
        };
        let view = json!({"command": "view", "path": "/a"});
        let edit = json!({"command": "str_replace", "path": "/a", "old_str": "x", "new_str": "y"});
        assert!(!windows(edit.clone(), None));
        assert!(!windows(view.clone(), Some("x\r\n")));
        assert!(windows(edit.clone(), None));
        assert!(!windows(view, Some("y\n")));
        assert!(!windows(edit, None));
    }

    #[test]
    fn a_message_that_is_written_anew_keeps_its_name() {
        let mut first = Messages::new(false);
        let mut names = |content, metadata| first.record(&given(content, metadata)).key;
        let a = names(r#"[{"type":"text","text":"yes"}]"#, "{}");
        let b = names(r#"[{"type":"text","text":"yes"}]"#, "{}");
        let c = names(r#"[{"type":"text","text":"no"}]"#, "{}");
        assert!(a != b && b != c && a != c);
        let mut anew = Messages::new(false);
        let hidden = r#"{"agentVisible":false}"#;
        let again = r#"[{"annotations":null,"text":"yes","type":"text"}]"#;
        assert_eq!(anew.record(&given(again, hidden)).key, a);
        assert_eq!(anew.record(&given(again, hidden)).key, b);
    }
}
