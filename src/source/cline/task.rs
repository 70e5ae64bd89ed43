//! The folder of a task, read as records.

use std::fmt::Write;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::shown::Shown;
use crate::source::extract::{Extractor, Input, Take, read_text};
use crate::source::record::rank;
use crate::source::{Given, Places, json};

/// What was shown; the second is its older name.
const SHOWN: &[&str] = &["ui_messages.json", "claude_messages.json"];
const METADATA: &str = "task_metadata.json";
const ITEM: &str = "history_item.json";

/// A task.
pub(super) struct Task;

impl Extractor for Task {
    fn files(&self, input: &Path) -> Vec<PathBuf> {
        let beside = |name: &&str| input.with_file_name(name);
        let mut files = vec![input.to_owned()];
        files.extend(SHOWN.iter().chain(&[METADATA, ITEM]).map(beside));
        files
    }

    fn open(&self, input: &Path, _: &Places) -> Result<Box<dyn Input>> {
        Ok(Box::new(Open {
            messages: input.to_owned(),
        }))
    }
}

/// Whether a folder has the name of a task of Roo Code or Kilo Code.
pub(super) fn is_uuid(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|n| n.to_str()).unwrap_or("");
    name.len() == 36
        && name.bytes().enumerate().all(|(n, b)| match n {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

fn is_time(name: &str) -> bool {
    name.len() >= 12 && name.bytes().all(|b| b.is_ascii_digit())
}

/// The task's own id: its folder's name. A folder that a person gave another name still may say it.
fn id_of(folder: &Path, item: &Value) -> Result<String> {
    let name = folder
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .ok_or_else(|| eyre!("it lies in no folder"))?;
    if is_uuid(folder) || is_time(&name) {
        return Ok(name);
    }
    if let Some(id) = item.get("id").and_then(Value::as_str) {
        return Ok(id.to_owned());
    }
    let list = std::fs::read_dir(folder).wrap_err("cannot look into its folder")?;
    let chain = list.flatten().find_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let id = name
            .strip_prefix("focus_chain_taskid_")?
            .strip_suffix(".md")?;
        is_time(id).then(|| id.to_owned())
    });
    Ok(chain.unwrap_or(name))
}

/// A file that may not be there.
fn optional(path: &Path) -> Result<Option<String>> {
    if let Err(e) = std::fs::metadata(path)
        && e.kind() == ErrorKind::NotFound
    {
        return Ok(None);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    read_text(path)
        .map(Some)
        .wrap_err_with(|| name.into_owned())
}

/// A file beside it as JSON; nothing if it is not there or torn: it only adds to what is known.
fn beside(path: &Path) -> Result<Value> {
    let text = optional(path)?.unwrap_or_default();
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}

struct Open {
    messages: PathBuf,
}

/// A message, as far as its place needs it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    role: String,
    ts: Option<i64>,
}

/// A message in its place.
struct Message<'t> {
    no: usize,
    is_user: bool,
    at: i64,
    raw: &'t str,
}

impl Input for Open {
    fn records(&mut self, _: &str, take: &mut Take<'_>) -> Result<()> {
        let folder = self.messages.parent().unwrap_or(&self.messages);
        let item = beside(&folder.join(ITEM))?;
        let metadata = beside(&folder.join(METADATA))?;
        let session = id_of(folder, &item)?;
        let mut screen = None;
        for name in SHOWN {
            screen = match screen {
                None => optional(&folder.join(name))?,
                some => some,
            };
        }
        let (shown, torn_screen) = match &screen {
            Some(text) => Shown::read(text),
            None => (Shown::default(), None),
        };
        let text = read_text(&self.messages)?;
        let (mut messages, torn) = messages(&text, &shown);
        if torn.is_some() && messages.last().is_some_and(|m| !m.is_user) {
            // Its results may be behind the tear: it will come again with them.
            messages.pop();
        }
        let is_child = item.get("parentTaskId").is_some_and(Value::is_string);
        let mut records = Records {
            session: &session,
            made: Vec::new(),
        };
        let head = json!({"item": item, "usage": last(&metadata, "model_usage"), "environment": last(&metadata, "environment_history")});
        records.made.push(Made {
            key: "head".to_owned(),
            order: String::new(),
            kind: "head",
            body: head.to_string(),
        });
        records.messages(&messages, &shown);
        records.words(&messages, &shown, is_child);
        records.hand_out(take)?;
        match torn
            .map(|why| (super::MESSAGES, why))
            .or(torn_screen.map(|why| (SHOWN[0], why)))
        {
            Some((name, why)) => Err(eyre!("{name}: {why}")),
            None => Ok(()),
        }
    }
}

fn last(metadata: &Value, name: &str) -> Value {
    let list = metadata.get(name).and_then(Value::as_array);
    list.and_then(|l| l.last()).cloned().unwrap_or(Value::Null)
}

/// The messages in order, and why they are not all. Where a time is not known, it is that of the message before.
fn messages<'t>(text: &'t str, shown: &Shown<'_>) -> (Vec<Message<'t>>, Option<String>) {
    let mut all: Vec<Message<'t>> = Vec::new();
    let mut no = 0;
    let done = json::elements(text, &mut |raw| {
        let fields: Fields = serde_json::from_str(raw).unwrap_or_default();
        let is_user = fields.role == "user";
        let before = all.last().map_or(0, |m| m.at);
        let at = shown.time_of(no, is_user, fields.ts).unwrap_or(0);
        all.push(Message {
            no,
            is_user,
            at: at.max(before),
            raw,
        });
        no += 1;
        true
    });
    (all, done.err())
}

struct Made {
    key: String,
    order: String,
    kind: &'static str,
    body: String,
}

struct Records<'s> {
    session: &'s str,
    made: Vec<Made>,
}

/// The key of a message: its place, and what the agent said last up to there.
fn key(no: usize, anchor: &str) -> String {
    format!("{no}-{anchor}")
}

fn anchor(raw: &str) -> String {
    // White space between values is the writer's affair.
    let same = serde_json::from_str::<&RawValue>(raw)
        .ok()
        .and_then(|_| serde_json::from_str::<Value>(raw).ok())
        .and_then(|m| m.get("content").map(Value::to_string));
    let hash = blake3::hash(same.as_deref().unwrap_or(raw).as_bytes());
    hash.to_hex()[..8].to_owned()
}

fn order(at: i64, no: usize, what: &str) -> String {
    let at = rank(u64::try_from(at).unwrap_or(0));
    format!("{at}/{no:08}{what}")
}

impl Records<'_> {
    fn messages(&mut self, messages: &[Message<'_>], shown: &Shown<'_>) {
        let has_screen = !shown.is_empty();
        let mut said = String::new();
        let mut n = 0;
        while let Some(message) = messages.get(n) {
            n += 1;
            let at = Some(message.at).filter(|at| *at > 0);
            if message.is_user {
                let body = format!(
                    "{{\"at\":{},\"alone\":{},\"answer\":{}}}",
                    json!(at),
                    !has_screen,
                    message.raw
                );
                self.made.push(Made {
                    key: key(message.no, &said),
                    order: order(message.at, message.no, ""),
                    kind: "opening",
                    body,
                });
                continue;
            }
            said = anchor(message.raw);
            let before = |by: usize| n.checked_sub(1 + by).map_or(0, |b| messages[b].at);
            let (from, since) = (before(1), before(2));
            let answer = messages.get(n).filter(|m| m.is_user);
            n += usize::from(answer.is_some());
            let until = answer.map(|a| a.at).filter(|at| *at > 0);
            let mut body = format!(
                "{{\"at\":{},\"until\":{},\"alone\":{},\"tokens\":{},\"created\":{},\"said\":{}",
                json!(at),
                json!(until),
                !has_screen,
                json!(shown.tokens(message.no, since, at)),
                json!(shown.created(message.no, from, until)),
                message.raw
            );
            // Writing to a string does not fail.
            let _ = match answer {
                Some(answer) => write!(body, ",\"answer\":{}}}", answer.raw),
                None => write!(body, "}}"),
            };
            self.made.push(Made {
                key: key(message.no, &said),
                order: order(message.at, message.no, ""),
                kind: "turn",
                body,
            });
        }
    }

    /// What the person typed stands behind the results of the message that carried it.
    fn words(&mut self, messages: &[Message<'_>], shown: &Shown<'_>, is_child: bool) {
        let users: Vec<(usize, i64)> = messages
            .iter()
            .filter(|m| m.is_user)
            .map(|m| (m.no, m.at))
            .collect();
        for (n, words) in shown.words().into_iter().enumerate() {
            let place = shown.carrier(words.row, &users).and_then(|no| {
                // A message that carries results is in the record of the agent's message before it.
                let before = no
                    .checked_sub(1)
                    .map(|b| &messages[b])
                    .filter(|m| !m.is_user);
                before.or(messages.get(no))
            });
            let order = match place {
                // It opens the task.
                Some(m) if m.is_user => order(m.at, m.no, "+"),
                Some(m) => order(m.at, m.no, "+words"),
                None => {
                    let newest = messages.last().map_or(0, |m| m.at);
                    order(words.row.ts.max(newest), messages.len(), "+words")
                }
            };
            let kind = if n == 0 && is_child {
                "task"
            } else {
                words.kind
            };
            self.made.push(Made {
                key: format!("shown-{}", words.row.ts),
                order,
                kind,
                body: words.row.raw.to_owned(),
            });
        }
        for row in shown.failures() {
            let before = messages
                .iter()
                .rfind(|m| m.at <= row.ts)
                .map_or(0, |m| m.no);
            self.made.push(Made {
                key: format!("shown-{}", row.ts),
                order: order(row.ts, before, "+failed"),
                kind: "failed",
                body: row.raw.to_owned(),
            });
        }
    }

    fn hand_out(&mut self, take: &mut Take<'_>) -> Result<()> {
        self.made.sort_by(|a, b| a.order.cmp(&b.order));
        for made in &self.made {
            take(Given {
                session: self.session,
                key: &made.key,
                order: &made.order,
                kind: made.kind,
                body: &made.body,
            })?;
        }
        Ok(())
    }
}
