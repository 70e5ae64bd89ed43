//! `index.db`: the sessions, and what was asked, called and answered in them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::{Map, Value, json};

use super::COPY;
use super::objects::{Cause, Objects};
use super::trees::Kept;
use crate::model::{Agent, Time};
use crate::source::extract::{Extractor, Input, Stream, Take, Trees};
use crate::source::record::rank;
use crate::source::sqlite::{self, Allow, Db, text};
use crate::source::{Given, Places, source_of};

const ALLOW: &[Allow] = &[
    Allow::table("sessions"),
    Allow::table("steps"),
    Allow::table("messages"),
    Allow::table("jsonl_snapshots"),
];

/// Whether a database is re_gent's index.
pub(super) fn is_ours(path: &Path) -> bool {
    open(path).is_ok()
}

fn open(path: &Path) -> Result<Db> {
    let db = Db::open(path, ALLOW)?;
    let steps = db.has("steps", &["id", "session_id", "ts_nanos", "tree_hash"])?;
    match steps && db.has("sessions", &["id"])? {
        true => Ok(db),
        false => Err(eyre!("it has not the tables of re_gent")),
    }
}

/// The index.
pub(super) struct Index;

impl Extractor for Index {
    fn files(&self, input: &Path) -> Vec<PathBuf> {
        sqlite::files(input)
    }

    fn holds_several(&self) -> bool {
        true
    }

    fn open(&self, input: &Path, _: &Places) -> Result<Box<dyn Input>> {
        Ok(Box::new(Open {
            db: open(input)?,
            objects: Objects::of(input),
            folder: folder(input),
        }))
    }

    fn trees(&self, input: &Path) -> Option<Result<Box<dyn Trees>>> {
        let kept = |db| -> Box<dyn Trees> { Box::new(Kept::new(db, input)) };
        Some(open(input).map(kept))
    }
}

/// The work folder: that in which `.regent/` lies. The hooks know no other.
pub(super) fn folder(input: &Path) -> Option<PathBuf> {
    let folder = input.parent()?.parent()?;
    folder.is_absolute().then(|| folder.to_owned())
}

struct Open {
    db: Db,
    objects: Objects,
    folder: Option<PathBuf>,
}

impl Input for Open {
    fn sessions(&mut self) -> Result<Vec<Stream>> {
        let messages = match self.db.has("messages", &["session_id", "timestamp"])? {
            true => {
                "(SELECT count(*) || ' ' || max(rowid) || ' ' || max(timestamp) || ' ' || count(step_id)
                    FROM messages m WHERE m.session_id = s.id)"
            }
            false => "''",
        };
        let mut streams = Vec::new();
        let mut q = self.db.prepare(&format!(
            "SELECT s.id, {messages},
                (SELECT count(*) || ' ' || max(t.ts_nanos) FROM steps t WHERE t.session_id = s.id),
                (SELECT max(t.ts_nanos) FROM steps t WHERE t.session_id = s.id)
               FROM sessions s"
        ))?;
        let mut rows = q.query([])?;
        while let Some(row) = rows.next()? {
            let Some(name) = text(row.get_ref(0)?) else {
                continue;
            };
            let part =
                |column| -> Result<String> { Ok(text(row.get_ref(column)?).unwrap_or_default()) };
            let nanos = row.get_ref(3)?.as_i64().ok();
            streams.push(self.stream(name, format!("{} {}", part(1)?, part(2)?), nanos));
        }
        if self.has_copies()? {
            let mut q = self.db.prepare(
                "SELECT session_id, max(captured_at) FROM jsonl_snapshots GROUP BY session_id",
            )?;
            let mut rows = q.query([])?;
            while let Some(row) = rows.next()? {
                let (Some(name), Ok(nanos)) = (text(row.get_ref(0)?), row.get_ref(1)?.as_i64())
                else {
                    continue;
                };
                if self.agent_of(&name)?.is_some() {
                    streams.push(self.stream(name + COPY, nanos.to_string(), Some(nanos)));
                }
            }
        }
        Ok(streams)
    }

    fn records(&mut self, session: &str, take: &mut Take<'_>) -> Result<()> {
        match session.strip_suffix(COPY) {
            Some(of) => self.copy(of, session, take)?,
            None => self.rows(session, take)?,
        }
        self.db.still()
    }
}

impl Open {
    fn stream(&self, name: String, token: String, nanos: Option<i64>) -> Stream {
        Stream {
            name,
            token,
            updated: nanos.map(|n| Time(n.div_euclid(1_000_000))),
            folder: self
                .folder
                .as_ref()
                .map(|f| f.to_string_lossy().into_owned()),
        }
    }

    fn has_copies(&self) -> Result<bool> {
        self.db.has(
            "jsonl_snapshots",
            &["session_id", "captured_at", "jsonl_blob"],
        )
    }

    /// Whose transcript a copy of this session is, if it can be read line by line.
    fn agent_of(&self, session: &str) -> Result<Option<Agent>> {
        let origin = self.info(session)?.and_then(|mut i| i.remove("origin"));
        let (agent, native) = super::session(session, origin.as_ref().and_then(Value::as_str));
        let path = PathBuf::from(native + COPY);
        let reads = source_of(agent).is_some_and(|s| s.extractor(&path).is_none());
        Ok(reads.then_some(agent))
    }

    /// The lines of the newest copy of the transcript.
    fn copy(&self, of: &str, session: &str, take: &mut Take<'_>) -> Result<()> {
        let mut q = self.db.prepare(
            "SELECT jsonl_blob FROM jsonl_snapshots WHERE session_id = ?1 ORDER BY captured_at DESC",
        )?;
        let mut rows = q.query([of])?;
        let mut found = None;
        // An older copy is the beginning of the newest one.
        while let Some(row) = rows.next()?
            && found.is_none()
        {
            found = match text(row.get_ref(0)?) {
                Some(name) => self.objects.text(&name)?,
                None => None,
            };
        }
        let copy = found.ok_or_else(|| eyre!("the copy of the transcript is not there"))?;
        let agent = self
            .agent_of(of)?
            .ok_or_else(|| eyre!("it is not known whose transcript it is"))?;
        let lines = copy.lines().enumerate();
        for (n, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let order = rank(n as u64);
            take(Given {
                session,
                key: &order,
                order: &order,
                kind: agent.name(),
                body: line,
            })?;
        }
        Ok(())
    }

    /// What the hooks told.
    fn rows(&self, session: &str, take: &mut Take<'_>) -> Result<()> {
        let mut info = self
            .info(session)?
            .ok_or_else(|| eyre!("the session is not there any more"))?;
        if let Some(folder) = &self.folder {
            info.insert("folder".to_owned(), folder.to_string_lossy().into());
        }
        let mut all = self.messages(session)?;
        let told: HashSet<String> = all
            .iter()
            .filter(|m| m.kind == "call")
            .map(|m| m.key.clone())
            .collect();
        self.causes(session, &told, &mut all)?;
        all.sort_by(|a, b| (&a.order, &a.key).cmp(&(&b.order, &b.key)));
        let origin = info.get("origin").cloned().unwrap_or_default();
        let mut give = |key: &str, order: &str, kind: &str, mut body: Value| {
            // Each record says whose it is: it may be the only new one.
            body["origin"] = origin.clone();
            take(Given {
                session,
                key,
                order,
                kind,
                body: &body.to_string(),
            })
        };
        give("session", "", "session", Value::Object(info))?;
        for message in all {
            give(&message.key, &message.order, message.kind, message.body)?;
        }
        Ok(())
    }

    /// The row of a session, as JSON. Older stores have fewer columns.
    fn info(&self, session: &str) -> Result<Option<Map<String, Value>>> {
        let mut info = Map::new();
        for column in ["id", "origin", "model", "started_at", "last_seen_at"] {
            if !self.db.has("sessions", &[column])? {
                continue;
            }
            let sql = format!("SELECT {column} FROM sessions WHERE id = ?1");
            let mut q = self.db.prepare(&sql)?;
            let mut rows = q.query([session])?;
            let Some(row) = rows.next()? else {
                return Ok(None);
            };
            let value = row.get_ref(0)?;
            let value = match value.as_i64() {
                Ok(n) => Value::from(n),
                Err(_) => text(value).map_or(Value::Null, Value::from),
            };
            info.insert(column.to_owned(), value);
        }
        Ok(Some(info))
    }

    fn messages(&self, session: &str) -> Result<Vec<Message>> {
        let columns = [
            "id",
            "seq_num",
            "timestamp",
            "message_type",
            "content_text",
            "tool_name",
            "tool_use_id",
            "tool_input",
            "tool_output",
        ];
        let mut all: Vec<Message> = Vec::new();
        if !self.db.has("messages", &columns)? {
            return Ok(all);
        }
        let sql = format!(
            "SELECT {} FROM messages WHERE session_id = ?1 ORDER BY seq_num, timestamp, id",
            columns.join(", ")
        );
        let mut q = self.db.prepare(&sql)?;
        let mut rows = q.query([session])?;
        while let Some(row) = rows.next()? {
            let field =
                |column| -> Result<String> { Ok(text(row.get_ref(column)?).unwrap_or_default()) };
            let number = |column| row.get_ref(column).ok()?.as_i64().ok();
            let at = number(2);
            let (kind, call) = (field(3)?, field(6)?);
            match kind.as_str() {
                "tool_call" | "tool_result" if !call.is_empty() => {
                    let had = all.iter().position(|m| m.kind == "call" && m.key == call);
                    let at_call = had.unwrap_or_else(|| {
                        let seq = number(1).unwrap_or(0);
                        all.push(Message::new(seq, at, &call, "call", json!({"id": call})));
                        all.len() - 1
                    });
                    let body = &mut all[at_call].body;
                    if kind == "tool_call" {
                        body["called_at"] = json!(at);
                        body["tool"] = json!(field(5)?);
                        body["input"] = self.json(&field(7)?)?;
                    } else {
                        body["answered_at"] = json!(at);
                        if body.get("tool").is_none() {
                            body["tool"] = json!(field(5)?);
                        }
                        body["output"] = self.json(&field(8)?)?;
                    }
                }
                _ => {
                    let kind = match kind.as_str() {
                        "user" => "user",
                        "assistant" => "assistant",
                        _ => "message",
                    };
                    let body = json!({"type": field(3)?, "at": at, "text": field(4)?});
                    let seq = number(1).unwrap_or(0);
                    all.push(Message::new(seq, at, &field(0)?, kind, body));
                }
            }
        }
        Ok(all)
    }

    /// The calls that only the steps know: those of the hooks of the first versions.
    fn causes(&self, session: &str, told: &HashSet<String>, all: &mut Vec<Message>) -> Result<()> {
        let mut q = self.db.prepare(
            "SELECT id, ts_nanos FROM steps WHERE session_id = ?1 ORDER BY ts_nanos, id",
        )?;
        let mut rows = q.query([session])?;
        let mut seq = all.last().map_or(0, |m| m.seq);
        while let Some(row) = rows.next()? {
            let Some(step) = text(row.get_ref(0)?) else {
                continue;
            };
            let at = row.get_ref(1)?.as_i64().ok();
            let Some(step) = self.objects.step(&step)? else {
                continue;
            };
            let causes = match step.causes.is_empty() {
                true => step.cause.into_iter().collect(),
                false => step.causes,
            };
            for cause in causes.iter().filter(|c| !c.tool_use_id.is_empty()) {
                if !told.contains(&cause.tool_use_id) {
                    seq += 1;
                    all.push(self.cause(cause, seq, at)?);
                }
            }
        }
        Ok(())
    }

    fn cause(&self, cause: &Cause, seq: i64, at: Option<i64>) -> Result<Message> {
        let mut body = json!({
            "id": cause.tool_use_id,
            "tool": cause.tool_name,
            "input": self.json(&cause.args_blob)?,
            "answered_at": at,
        });
        if !cause.result_blob.is_empty() {
            body["output"] = self.json(&cause.result_blob)?;
        }
        Ok(Message::new(seq, at, &cause.tool_use_id, "call", body))
    }

    /// An object as JSON; as text if it is none, and nothing if it is not there.
    fn json(&self, object: &str) -> Result<Value> {
        Ok(match self.objects.text(object)? {
            Some(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
            None => Value::Null,
        })
    }
}

/// A record that is made of rows.
struct Message {
    seq: i64,
    order: String,
    key: String,
    kind: &'static str,
    body: Value,
}

impl Message {
    fn new(seq: i64, at: Option<i64>, key: &str, kind: &'static str, body: Value) -> Message {
        let number = |n: i64| rank(u64::try_from(n).unwrap_or(0));
        Message {
            seq,
            order: format!("{} {}", number(at.unwrap_or(0)), number(seq)),
            key: key.to_owned(),
            kind,
            body,
        }
    }
}
