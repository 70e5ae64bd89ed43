//! Reading `crush.db`: which sessions it holds, and their messages with what belongs to them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::events;
use super::versions::Versions;
use crate::model::Time;
use crate::source::extract::{Extractor, Input, Stream, Take};
use crate::source::record::rank;
use crate::source::sqlite::{Allow, Db, text};
use crate::source::{Given, Places};

const ALLOW: &[Allow] = &[
    Allow::table("sessions"),
    Allow::table("messages"),
    Allow::table("files"),
];
/// Columns of a session that say something of it, as far as a version has them.
const SESSION: &[&str] = &[
    "parent_session_id",
    "title",
    "created_at",
    "summary_message_id",
];
/// What the sessions are called in which the program asks for a title.
const TITLES: &str = "title-";

/// Whether a database has these tables.
pub(in crate::source) fn is_ours(path: &Path) -> bool {
    Db::open(path, ALLOW).is_ok_and(|db| has_tables(&db).unwrap_or(false))
}

fn has_tables(db: &Db) -> Result<bool> {
    Ok(
        db.has("sessions", &["id", "parent_session_id", "updated_at"])?
            && db.has(
                "messages",
                &["id", "session_id", "role", "parts", "created_at"],
            )?
            && db.has("files", &["session_id", "path", "content", "version"])?,
    )
}

/// The database.
pub(in crate::source) struct Database;

impl Extractor for Database {
    fn files(&self, input: &Path) -> Vec<PathBuf> {
        crate::source::sqlite::files(input)
    }

    fn holds_several(&self) -> bool {
        true
    }

    fn open(&self, input: &Path, places: &Places) -> Result<Box<dyn Input>> {
        let db = Db::open(input, ALLOW)?;
        if !has_tables(&db)? {
            return Err(eyre!("it has not the tables of Crush"));
        }
        let folder = folder(&db, input, places)?;
        let column = |name, otherwise| -> Result<&'static str> {
            Ok(match db.has("messages", &[name])? {
                true => name,
                false => otherwise,
            })
        };
        let message = format!(
            "SELECT id, role, parts, created_at, {}, {} FROM messages WHERE rowid = ?1",
            column("model", "NULL")?,
            column("is_summary_message", "0")?
        );
        Ok(Box::new(Open {
            db,
            folder,
            message,
        }))
    }
}

struct Open {
    db: Db,
    folder: Option<String>,
    /// How a message is asked for, in this version.
    message: String,
}

/// The folder that the sessions ran in. The database does not say; it is the one in which `.crush` lies, unless all that the
/// database tells of lies elsewhere: then it was copied from there. In one of the store's own folders it is at home, though
/// the folder may have had another name before.
fn folder(db: &Db, input: &Path, places: &Places) -> Result<Option<String>> {
    let here = input.parent().and_then(Path::parent);
    let here = here.filter(|h| h.is_absolute()).map(Path::to_owned);
    let is_home = |h: &PathBuf| places.projects.contains(h);
    let folder = match here {
        Some(here) if is_home(&here) => Some(here),
        here => match told_folder(db)? {
            Some(there) => here.filter(|h| there.starts_with(h)).or(Some(there)),
            None => here,
        },
    };
    Ok(folder.map(|f| f.to_string_lossy().into_owned()))
}

/// The folder that all files lie in that were changed, and the one that the first command ran in.
fn told_folder(db: &Db) -> Result<Option<PathBuf>> {
    let mut common: Option<PathBuf> = None;
    let mut meet = |folder: &Path| {
        common = Some(match common.take() {
            None => folder.to_owned(),
            Some(before) => before
                .ancestors()
                .find(|a| folder.starts_with(a))
                .unwrap_or(Path::new("/"))
                .to_owned(),
        });
    };
    let mut first = None;
    let mut q = db.prepare(
        "SELECT parts FROM messages WHERE role = 'tool' AND instr(parts, 'working_directory') > 0 ORDER BY rowid LIMIT 1",
    )?;
    let mut rows = q.query([])?;
    if let Some(row) = rows.next()? {
        let parts = text(row.get_ref(0)?).unwrap_or_default();
        first = events::working_directory(&parts)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute());
    }
    if let Some(first) = &first {
        meet(first);
    }
    let mut q = db.prepare("SELECT DISTINCT path FROM files")?;
    let mut rows = q.query([])?;
    while let Some(row) = rows.next()? {
        let path = PathBuf::from(text(row.get_ref(0)?).unwrap_or_default());
        if let Some(folder) = path.parent().filter(|_| path.is_absolute()) {
            meet(folder);
        }
    }
    // A file in some other corner of the disk says nothing of the project.
    Ok(common
        .filter(|c| c.components().count() > 2)
        .or(first)
        .filter(|c| c.components().count() > 1))
}

impl Input for Open {
    fn sessions(&mut self) -> Result<Vec<Stream>> {
        // Sizes only: none of it reads what the rows hold. Times are whole seconds, so they alone do not tell enough.
        let mut q = self.db.prepare(
            "SELECT s.id, s.updated_at, m.n, m.last, m.size, f.n, f.last FROM sessions s
               LEFT JOIN (SELECT session_id AS id, count(*) AS n, max(rowid) AS last, sum(octet_length(parts)) AS size
                 FROM messages GROUP BY session_id) m ON m.id = s.id
               LEFT JOIN (SELECT session_id AS id, count(*) AS n, max(rowid) AS last FROM files GROUP BY session_id) f
                 ON f.id = s.id",
        )?;
        let mut rows = q.query([])?;
        let mut streams = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(name) = text(row.get_ref(0)?).filter(|n| !n.starts_with(TITLES)) else {
                continue;
            };
            let mut token = String::new();
            for column in 1..7 {
                token.push_str(&text(row.get_ref(column)?).unwrap_or_default());
                token.push(' ');
            }
            let updated = row.get_ref(1)?.as_i64().ok();
            streams.push(Stream {
                name,
                token,
                updated: updated.map(events::moment),
                folder: self.folder.clone(),
            });
        }
        Ok(streams)
    }

    fn records(&mut self, session: &str, take: &mut Take<'_>) -> Result<()> {
        let info = self.db.row("sessions", SESSION, session)?;
        let mut give = |key: &str, order: &str, kind: &str, body: &str| {
            take(Given {
                session,
                key,
                order,
                kind,
                body,
            })
        };
        let body = json!({"row": &info, "folder": &self.folder}).to_string();
        give("chat", "", "chat", &body)?;
        let is_child = info.get("parent_session_id").is_some_and(|p| !p.is_null());
        let summary = info.get("summary_message_id").and_then(Value::as_str);
        let mut calls = Calls {
            open: HashMap::new(),
            children: self.children(session)?,
            versions: Versions::of(&self.db, session)?,
        };
        for (created, rowid) in self.order(session)? {
            let Some(message) = self.message(rowid)? else {
                continue;
            };
            let order = format!("{}/{}", rank(created), rank(rowid.unsigned_abs()));
            let is_summary = message.is_summary || summary == Some(message.id.as_str());
            let (kind, more) = match message.role.as_str() {
                "user" if is_child => ("parent", None),
                "user" => ("person", None),
                "assistant" => {
                    calls.asked(&message);
                    (if is_summary { "summary" } else { "agent" }, None)
                }
                "tool" => ("results", Some(calls.answered(&message, &self.db)?)),
                other => (other, None),
            };
            give(&message.id, &order, kind, &message.body(more))?;
        }
        self.db.still()
    }
}

/// A message's row.
struct Message {
    id: String,
    role: String,
    parts: String,
    created: i64,
    model: Option<String>,
    is_summary: bool,
}

impl Message {
    /// The body of its record.
    fn body(&self, calls: Option<Value>) -> String {
        let mut head = json!({"at": self.created, "model": self.model});
        if let (Some(head), Some(calls)) = (head.as_object_mut(), calls) {
            head.insert("calls".to_owned(), calls);
        }
        // What is not JSON is kept as a text.
        let parts = match serde_json::from_str::<IgnoredAny>(&self.parts) {
            Ok(_) => self.parts.clone(),
            Err(_) => Value::from(self.parts.as_str()).to_string(),
        };
        format!("{{\"parts\":{parts},{}", &head.to_string()[1..])
    }
}

/// What was called and not answered yet, and what helps to tell what it did.
struct Calls {
    open: HashMap<String, Asked>,
    children: HashSet<String>,
    versions: Versions,
}

struct Asked {
    step: String,
    message: String,
    name: String,
    input: String,
}

impl Calls {
    fn asked(&mut self, message: &Message) {
        for (n, call) in events::calls(&message.parts).into_iter().enumerate() {
            let asked = Asked {
                step: events::step(&message.id, n),
                message: message.id.clone(),
                name: call.name,
                input: call.input,
            };
            self.open.insert(call.id, asked);
        }
    }

    /// Of each result of a message: which step it is of, and what is needed to understand it.
    fn answered(&mut self, message: &Message, db: &Db) -> Result<Value> {
        let mut all = Map::new();
        for result in events::results(&message.parts) {
            let Some(asked) = self.open.remove(&result.id) else {
                continue;
            };
            let mut told = json!({"step": &asked.step, "name": &asked.name});
            // What a sub-agent's session is called, before and since.
            let child = format!("{}$${}", asked.message, result.id);
            if let Some(child) = [child, result.id.clone()]
                .into_iter()
                .find(|c| self.children.contains(c))
            {
                told["spawned"] = Value::from(child);
            }
            let written = match result.is_error {
                true => Vec::new(),
                false => self
                    .versions
                    .find(db, &asked.name, &asked.input, &result.metadata)?,
            };
            // A patch may have changed more files than there are versions of.
            if super::tool::needs_input(&asked.name, !written.is_empty()) {
                told["input"] = Value::from(asked.input);
            }
            if !written.is_empty() {
                let files = written.into_iter().map(|w| {
                    json!({"path": w.path, "before": w.before, "after": w.after, "new": w.is_first})
                });
                told["files"] = files.collect();
            }
            all.insert(result.id, told);
        }
        Ok(Value::Object(all))
    }
}

impl Open {
    fn children(&self, session: &str) -> Result<HashSet<String>> {
        let mut q = self
            .db
            .prepare("SELECT id FROM sessions WHERE parent_session_id = ?1")?;
        let mut rows = q.query([session])?;
        let mut all = HashSet::new();
        while let Some(row) = rows.next()? {
            all.extend(text(row.get_ref(0)?));
        }
        Ok(all)
    }

    /// The messages of a session in their order: many are of the same second.
    fn order(&self, session: &str) -> Result<Vec<(u64, i64)>> {
        let mut q = self
            .db
            .prepare("SELECT created_at, rowid FROM messages WHERE session_id = ?1")?;
        let mut rows = q.query([session])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let created = row.get_ref(0)?.as_i64().unwrap_or(0);
            let Time(created) = events::moment(created);
            all.push((u64::try_from(created).unwrap_or(0), row.get(1)?));
        }
        all.sort_unstable();
        Ok(all)
    }

    fn message(&self, rowid: i64) -> Result<Option<Message>> {
        let mut q = self.db.prepare(&self.message)?;
        let mut rows = q.query([rowid])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let Some(id) = text(row.get_ref(0)?) else {
            return Ok(None);
        };
        Ok(Some(Message {
            id,
            role: text(row.get_ref(1)?).unwrap_or_default(),
            parts: text(row.get_ref(2)?).unwrap_or_default(),
            created: row.get_ref(3)?.as_i64().unwrap_or(0),
            model: text(row.get_ref(4)?).filter(|m| !m.is_empty()),
            is_summary: row.get_ref(5)?.as_i64().is_ok_and(|n| n != 0),
        }))
    }
}
