//! Cutting a session's document into records.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::{Value, json};

use super::LIST;
use crate::source::extract::{Take, read_text};
use crate::source::record::rank;
use crate::source::tools::text;
use crate::source::{Given, Places, json as cutting};

/// Whether a document is Continue's by its first bytes.
pub(super) fn claims(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let (mut named, mut history, mut messages) = (false, "", false);
    // It is mostly cut off: what was seen until then counts.
    let _ = cutting::members(&head, &mut |name, part| {
        match name {
            "sessionId" | "workspaceDirectory" | "session_info" => named = true,
            "history" => history = part.text,
            "messages" => messages = true,
            _ => {}
        }
        true
    });
    let begins = |open: char, names: &[&str]| {
        let inner = history.strip_prefix(open).map(str::trim_start);
        let first = inner.map(|i| i.trim_start_matches('{').trim_start());
        first.is_some_and(|f| names.iter().any(|n| f.starts_with(n)))
    };
    let members = ["\"message\"", "\"contextItems\"", "\"editorState\""];
    let is_new = named && (begins('[', &members) || history.starts_with("[]"));
    // Of the form of 2023 the session's name stands behind all of the history.
    let is_old = begins('{', &["\"timeline\""]) && history.contains("\"class_name\"");
    !messages && (is_new || is_old)
}

/// Cuts the document.
pub(super) fn cut(path: &Path, text: &str, _: &Places, take: &mut Take<'_>) -> Result<()> {
    let (mut head, mut history) = (Vec::new(), None);
    let done = cutting::members(text, &mut |name, part| {
        match name {
            "history" => history = Some(part.text),
            // All that can be set, and what is typed and not sent yet.
            "config" | "slash_commands" | "user_input_queue" | "selected_context_items" => {}
            _ if part.whole => head.push(format!("{}:{}", Value::from(name), part.text)),
            _ => {}
        }
        true
    });
    let head = format!("{{{}}}", head.join(","));
    let info: Value = serde_json::from_str(&head).unwrap_or(Value::Null);
    let name = session_of(&info)
        .or_else(|| path.file_stem()?.to_str())
        .ok_or_else(|| eyre!("it does not say which session it is"))?;
    let mut give = |key: &str, order: &str, kind: &str, body: &str| {
        take(Given {
            session: name,
            key,
            order,
            kind,
            body,
        })
    };
    let body = format!(
        "{{\"head\":{head},\"created\":{}}}",
        json!(created(path, name))
    );
    give("session", "", "session", &body)?;
    let mut history = history.unwrap_or("[]");
    let mut kind = "item";
    let mut torn = Ok(());
    if history.trim_start().starts_with('{') {
        kind = "step";
        let mut timeline = "[]";
        torn = cutting::members(history, &mut |name, part| {
            if name == "timeline" {
                timeline = part.text;
            }
            true
        });
        history = timeline;
    }
    let mut items = Items::default();
    let mut n = 0;
    let mut given = Ok(());
    let whole = cutting::elements(history, &mut |text| {
        let (key, body) = match kind {
            "step" => (format!("step {n}"), text.to_owned()),
            _ => items.record(n, text),
        };
        given = give(&key, &rank(n), kind, &body);
        n += 1;
        given.is_ok()
    });
    given?;
    done.and(torn).and(whole).map_err(|why| eyre!(why))
}

fn session_of(info: &Value) -> Option<&str> {
    text(info, &["sessionId"]).or_else(|| text(info.get("session_info")?, &["session_id"]))
}

/// When a session was begun, by the list beside it.
fn created(path: &Path, session: &str) -> Option<String> {
    let list = read_text(&path.with_file_name(LIST)).ok()?;
    let list: Value = serde_json::from_str(&list).ok()?;
    let mut all = list.as_array()?.iter();
    let one = all.find(|s| text(s, &["sessionId", "session_id"]) == Some(session))?;
    let created = ["dateCreated", "date_created"]
        .iter()
        .find_map(|n| one.get(n))?;
    Some(
        created
            .as_str()
            .map_or_else(|| created.to_string(), str::to_owned),
    )
}

/// The messages of a session, in their order.
#[derive(Default)]
struct Items {
    names: HashSet<String>,
    /// Calls by their ids, with the names of their steps.
    open: HashMap<String, Value>,
}

impl Items {
    fn record(&mut self, n: u64, text_of: &str) -> (String, String) {
        let item: Value = serde_json::from_str(text_of).unwrap_or(Value::Null);
        let null = Value::Null;
        let message = item.get("message").unwrap_or(&null);
        let id = text(message, &["id"]).map(str::to_owned);
        let key = id
            .filter(|id| self.names.insert(id.clone()))
            .unwrap_or_else(|| format!("item {n}"));
        let answers = text(message, &["toolCallId"]).and_then(|id| self.open.remove(id));
        for (n, call) in super::tool::calls(&item).iter().enumerate() {
            if let Some(id) = text(call, &["id"]) {
                let mut asked = super::tool::asked(call);
                // Its state is known already.
                if super::tool::state(&item, id).is_some_and(super::tool::is_over) {
                    continue;
                }
                asked["step"] = Value::from(super::tool::step(&key, n));
                self.open.insert(id.to_owned(), asked);
            }
        }
        let body = match answers {
            Some(asked) => format!("{{\"item\":{text_of},\"asked\":{asked}}}"),
            None => format!("{{\"item\":{text_of}}}"),
        };
        (key, body)
    }
}
