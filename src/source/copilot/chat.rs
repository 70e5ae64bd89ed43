//! A chat of the editor, or a transcript that it wrote for hooks, read as records.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::{Map, Value, json};

use super::request::Made;
use super::{editing, is_chat, log, place, request, tool};
use crate::source::extract::{Extractor, Input, Take, read_text};
use crate::source::record::rank;
use crate::source::tools::text;
use crate::source::{Given, Places, json};

/// Chats and transcripts.
pub(super) struct Chat;

impl Extractor for Chat {
    fn files(&self, input: &Path) -> Vec<PathBuf> {
        let mut files = vec![input.to_owned()];
        // The file has the session's name.
        let name = input.file_stem().and_then(|s| s.to_str()).unwrap_or("");
        if is_chat(input) {
            files.extend(editing::state_of(input, name));
        }
        files
    }

    fn open(&self, input: &Path, _: &Places) -> Result<Box<dyn Input>> {
        Ok(Box::new(Open {
            path: input.to_owned(),
        }))
    }
}

struct Open {
    path: PathBuf,
}

impl Input for Open {
    fn records(&mut self, _: &str, take: &mut Take<'_>) -> Result<()> {
        let text = read_text(&self.path)?;
        let first = text.lines().find(|l| !l.trim().is_empty()).unwrap_or("");
        let first = serde_json::from_str::<Value>(first).unwrap_or(Value::Null);
        if first.get("type").is_some() && first.get("data").is_some() {
            return transcript(&self.path, &text, take);
        }
        if first.get("kind").is_some() {
            let replayed = log::replay(&text);
            let chat = replayed
                .chat
                .ok_or_else(|| eyre!("it does not begin with a chat"))?;
            return self.chat(&chat, &replayed.damaged, take);
        }
        let (chat, torn) = document(&text);
        self.chat(&chat, &[], take)?;
        match torn {
            Some(why) => Err(eyre!(why)),
            None => Ok(()),
        }
    }
}

/// A chat that is one document; of a torn one the requests that stand whole before the tear.
fn document(text: &str) -> (Value, Option<String>) {
    let mut fields = Map::new();
    let done = json::members(text, &mut |name, part| {
        let value = match (name, part.whole) {
            ("requests", false) => {
                let mut whole = Vec::new();
                // The tear was met already.
                let _ = json::elements(part.text, &mut |element| {
                    whole.extend(serde_json::from_str::<Value>(element));
                    true
                });
                Some(Value::Array(whole))
            }
            (_, true) => serde_json::from_str(part.text).ok(),
            (_, false) => None,
        };
        fields.extend(value.map(|v| (name.to_owned(), v)));
        true
    });
    (Value::Object(fields), done.err())
}

impl Open {
    fn chat(&self, chat: &Value, damaged: &[(usize, String)], take: &mut Take<'_>) -> Result<()> {
        let requests = chat.get("requests").and_then(Value::as_array);
        let requests: &[Value] = requests.map_or(&[], Vec::as_slice);
        let id = |r: &Value| text(r, &["requestId"]).map(str::to_owned);
        let Some(session) = text(chat, &["sessionId"])
            .map(str::to_owned)
            .or_else(|| self.name())
            .or_else(|| Some(format!("exported {}", requests.iter().find_map(id)?)))
        else {
            return Err(eyre!("it does not say which chat it is"));
        };
        // A chat that nothing was asked in is only a window that was opened.
        if requests.is_empty() && damaged.is_empty() {
            return Ok(());
        }
        let state = editing::state_of(&self.path, &session).filter(|_| is_chat(&self.path));
        let changes = state.map(|s| editing::changes(&s)).unwrap_or_default();
        let mut made = vec![Made {
            session: session.clone(),
            key: "head".to_owned(),
            order: String::new(),
            kind: "head",
            body: head(chat, requests, place::workspace(&self.path)),
        }];
        let mut at = 0;
        for request in requests {
            at = request::records(&session, request, &changes, at, &mut made);
        }
        for (n, line) in damaged {
            made.push(Made {
                session: session.clone(),
                key: format!("line {n}"),
                order: format!("{}/{n:06}", rank(u64::MAX)),
                kind: "damaged",
                body: Value::from(line.as_str()),
            });
        }
        made.sort_by(|a, b| a.order.cmp(&b.order));
        made.iter().try_for_each(|made| {
            take(Given {
                session: &made.session,
                key: &made.key,
                order: &made.order,
                kind: made.kind,
                body: &made.body.to_string(),
            })
        })
    }

    /// The session's id by the file's name, where files have it.
    fn name(&self) -> Option<String> {
        let name = self.path.file_stem()?.to_str()?;
        is_chat(&self.path).then(|| name.to_owned())
    }
}

fn head(chat: &Value, requests: &[Value], workspace: Option<String>) -> Value {
    // An exported chat does not lie in its workspace; what an answer's links are relative to is its folder.
    let base = |r: &Value| {
        let parts = r.get("response")?.as_array()?;
        let base = parts.iter().find_map(|p| place::of(p.get("baseUri")?))?;
        Some(base.trim_end_matches('/').to_owned())
    };
    let version = |r: &Value| r.pointer("/agent/extensionVersion").cloned();
    json!({
        "cwd": workspace.or_else(|| requests.iter().find_map(base)),
        "title": chat.get("customTitle"),
        "version": requests.iter().find_map(version),
        "model": requests.iter().find_map(|r| r.get("modelId").cloned()),
        "at": chat.get("creationDate"),
    })
}

/// The call that an event completes. What was asked is remembered when it starts.
fn completes(event: &Value, asked: &mut HashMap<String, Value>) -> Option<Value> {
    let data = event.get("data")?;
    let id = text(data, &["toolCallId"])?;
    match text(event, &["type"])? {
        "tool.execution_start" => {
            let input = tool::arguments(data.get("arguments"));
            let call = json!({"name": data.get("toolName"), "input": input});
            asked.insert(id.to_owned(), call);
            None
        }
        "tool.execution_complete" => asked.remove(id),
        _ => None,
    }
}

/// A transcript: its lines, and the folder of its workspace.
fn transcript(path: &Path, lines: &str, take: &mut Take<'_>) -> Result<()> {
    let parsed = |line: &str| serde_json::from_str::<Value>(line).ok();
    let session = lines
        .lines()
        .filter_map(parsed)
        .find_map(|e| Some(e.pointer("/data/sessionId")?.as_str()?.to_owned()))
        .ok_or_else(|| eyre!("it does not say which session it is"))?;
    let mut give = |key: &str, order: &str, kind: &str, body: &str| {
        take(Given {
            session: &session,
            key,
            order,
            kind,
            body,
        })
    };
    let mut asked: HashMap<String, Value> = HashMap::new();
    for (n, raw) in lines.split_inclusive('\n').enumerate() {
        let line = raw.trim();
        let event = parsed(line);
        // What is being written just now is no damage.
        if line.is_empty() || (event.is_none() && !raw.ends_with('\n')) {
            continue;
        }
        let order = rank(n as u64);
        let key = event.as_ref().and_then(|e| text(e, &["id"]));
        let key = key.map_or_else(|| format!("line {n}"), str::to_owned);
        let call = event.as_ref().and_then(|e| completes(e, &mut asked));
        match (&event, call) {
            (Some(_), Some(call)) => {
                let body = format!("{{\"event\":{line},\"asked\":{call}}}");
                give(&key, &order, "completed", &body)?;
            }
            (Some(_), None) => give(&key, &order, "event", line)?,
            (None, _) => give(&key, &order, "damaged", line)?,
        }
        if n == 0
            && let Some(cwd) = place::workspace(path)
        {
            let body = json!({"cwd": cwd}).to_string();
            give("head", &format!("{order}/"), "head", &body)?;
        }
    }
    Ok(())
}
