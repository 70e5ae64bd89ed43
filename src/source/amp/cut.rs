//! Cutting a thread's document into records.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::{Map, Value, json};

use super::tool;
use crate::source::extract::Take;
use crate::source::record::rank;
use crate::source::tools::text;
use crate::source::{Given, Places, json as cutting};

/// How a thread's id begins.
const THREAD: &str = "T-";

/// Whether a document is Amp's by its first bytes.
pub(super) fn claims(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let (mut version, mut id, mut more) = (false, false, false);
    // It is mostly cut off: what was seen until then counts.
    let _ = cutting::members(&head, &mut |name, part| {
        match name {
            "v" => version = part.text.parse::<u64>().is_ok(),
            "id" => {
                let text: Option<String> = serde_json::from_str(part.text).ok();
                id = text.is_some_and(|t| t.starts_with(THREAD));
            }
            "messages" | "created" => more = true,
            _ => {}
        }
        true
    });
    version && id && more
}

/// Cuts the document.
pub(super) fn cut(path: &Path, text_: &str, _: &Places, take: &mut Take<'_>) -> Result<()> {
    let (mut head, mut messages) = (Vec::new(), None);
    let done = cutting::members(text_, &mut |name, part| {
        match name {
            "messages" => messages = Some(part.text),
            "meta" | "~debug" => {}
            _ if part.whole => head.push(format!("{}:{}", Value::from(name), part.text)),
            _ => {}
        }
        true
    });
    let head = format!("{{{}}}", head.join(","));
    let info: Value = serde_json::from_str(&head).unwrap_or(Value::Null);
    let session = text(&info, &["id"])
        .or_else(|| path.file_stem()?.to_str())
        .ok_or_else(|| eyre!("it does not say which thread it is"))?;
    let mut give = |key: &str, order: &str, kind: &str, body: &str| {
        take(Given {
            session,
            key,
            order,
            kind,
            body,
        })
    };
    give("thread", "", "thread", &head)?;
    let mut all = Messages::default();
    let mut n = 0;
    let mut given = Ok(());
    let whole = cutting::elements(messages.unwrap_or("[]"), &mut |text| {
        let (key, body) = all.record(n, text);
        given = give(&key, &rank(n), "message", &body);
        n += 1;
        given.is_ok()
    });
    given?;
    done.and(whole).map_err(|why| eyre!(why))
}

/// The messages of a thread, in their order.
#[derive(Default)]
struct Messages {
    names: HashSet<String>,
    /// Calls by their ids, with the names of their steps.
    open: HashMap<String, Value>,
}

impl Messages {
    fn record(&mut self, n: u64, text_of: &str) -> (String, String) {
        let message: Value = serde_json::from_str(text_of).unwrap_or(Value::Null);
        let number = message.get("messageId").and_then(Value::as_u64);
        let key = number
            .map(|number| format!("message {number}"))
            .filter(|key| self.names.insert(key.clone()))
            .unwrap_or_else(|| format!("place {n}"));
        let mut asked = Map::new();
        for result in tool::blocks(&message, "tool_result") {
            let id = tool::answers(result);
            if let Some(call) = self.open.remove(id) {
                asked.insert(id.to_owned(), call);
            }
        }
        for (n, call) in tool::blocks(&message, "tool_use").enumerate() {
            let id = text(call, &["id"]).unwrap_or_default().to_owned();
            let mut told = json!({"step": tool::step(&key, n), "name": call.get("name")});
            if text(call, &["name"]).is_some_and(tool::needs_input) {
                told["input"] = call.get("input").cloned().unwrap_or(Value::Null);
            }
            self.open.insert(id, told);
        }
        let body = match asked.is_empty() {
            true => format!("{{\"message\":{text_of}}}"),
            false => format!(
                "{{\"message\":{text_of},\"asked\":{}}}",
                Value::Object(asked)
            ),
        };
        (key, body)
    }
}
