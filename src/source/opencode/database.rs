//! `opencode.db`: rows of `session`, `message` and `part`, in which `data` is JSON without the ids.

use std::path::Path;

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use serde_json::json;

use super::order;
use crate::model::Time;
use crate::source::crush;
use crate::source::extract::{Extractor, Input, Stream, Take};
use crate::source::sqlite::{Allow, Db, text};
use crate::source::{Given, Places};

const ALLOW: &[Allow] = &[
    Allow::table("session"),
    Allow::table("message"),
    Allow::table("part"),
    Allow::table("event_sequence"),
];
/// Columns of a session that say something of it, as far as a version has them.
const SESSION: &[&str] = &[
    "id",
    "project_id",
    "parent_id",
    "directory",
    "title",
    "version",
    "revert",
    "time_created",
    "time_updated",
    "time_compacting",
    "time_archived",
    "agent",
    "model",
];

/// Whether a database is of the older program of the same name, which had the tables of Crush.
pub(super) fn is_older(path: &Path) -> bool {
    path.file_name().is_some_and(|n| n == "opencode.db") && crush::database::is_ours(path)
}

/// Whether a database is OpenCode's.
pub(super) fn is_ours(path: &Path) -> bool {
    Db::open(path, ALLOW).is_ok_and(|db| has_tables(&db).unwrap_or(false))
}

fn has_tables(db: &Db) -> Result<bool> {
    Ok(db.has("session", &["id", "directory", "time_updated"])?
        && db.has("message", &["id", "session_id", "time_created", "data"])?
        && db.has("part", &["id", "message_id", "session_id", "data"])?)
}

/// The database.
pub(super) struct Database;

impl Extractor for Database {
    fn files(&self, input: &Path) -> Vec<std::path::PathBuf> {
        crate::source::sqlite::files(input)
    }

    fn holds_several(&self) -> bool {
        true
    }

    fn open(&self, input: &Path, places: &Places) -> Result<Box<dyn Input>> {
        let db = Db::open(input, ALLOW)?;
        if has_tables(&db)? {
            return Ok(Box::new(Open { db }));
        }
        drop(db);
        crush::database::Database
            .open(input, places)
            .wrap_err("it has not the tables of OpenCode")
    }
}

struct Open {
    db: Db,
}

impl Input for Open {
    fn sessions(&mut self) -> Result<Vec<Stream>> {
        // Changes of one session are numbered in newer versions. In older ones the newest message tells, with its parts;
        // how many there are tells of those that were deleted. None of it reads what the rows hold.
        let counted = self.db.has("event_sequence", &["aggregate_id", "seq"])?;
        let seq = match counted {
            true => "(SELECT seq FROM event_sequence WHERE aggregate_id = s.id)",
            false => "0",
        };
        let mut q = self.db.prepare(&format!(
            "SELECT s.id, s.directory, s.time_updated, {seq},
                (SELECT count(*) FROM message m WHERE m.session_id = s.id),
                (SELECT count(*) FROM part p WHERE p.session_id = s.id),
                l.id, l.time_updated,
                (SELECT max(p.time_updated) FROM part p WHERE p.message_id = l.id)
               FROM session s LEFT JOIN message l ON l.id =
                (SELECT id FROM message WHERE session_id = s.id ORDER BY time_created DESC, id DESC LIMIT 1)"
        ))?;
        let mut rows = q.query([])?;
        let mut streams = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(name) = text(row.get_ref(0)?) else {
                continue;
            };
            let mut token = String::new();
            for column in 2..9 {
                token.push_str(&text(row.get_ref(column)?).unwrap_or_default());
                token.push(' ');
            }
            let updated = [2, 7, 8]
                .into_iter()
                .filter_map(|column| row.get_ref(column).ok()?.as_i64().ok())
                .max();
            streams.push(Stream {
                name,
                token,
                updated: updated.map(Time),
                folder: text(row.get_ref(1)?).filter(|d| !d.is_empty()),
            });
        }
        Ok(streams)
    }

    fn records(&mut self, session: &str, take: &mut Take<'_>) -> Result<()> {
        let info = self.db.row("session", SESSION, session)?;
        let body = info.to_string();
        let mut give = |key: &str, order: &str, kind: &str, body: &str| {
            take(Given {
                session,
                key,
                order,
                kind,
                body,
            })
        };
        give("session", "", "session", &body)?;
        let is_child = info.get("parent_id").is_some_and(|p| !p.is_null());
        let reverted = super::events::reverted_to(&info);
        let mut taken_back = 0;
        let mut messages = self.db.prepare(
            "SELECT id, time_created, data FROM message WHERE session_id = ?1 ORDER BY time_created, id",
        )?;
        let mut parts = self
            .db
            .prepare("SELECT id, data FROM part WHERE message_id = ?1 ORDER BY id")?;
        let mut rows = messages.query([session])?;
        while let Some(row) = rows.next()? {
            let Some(id) = text(row.get_ref(0)?) else {
                continue;
            };
            let created = row.get_ref(1)?.as_i64().unwrap_or(0);
            let data = text(row.get_ref(2)?).unwrap_or_default();
            let mut parts = parts.query([&id])?;
            if super::events::is_user(&data) {
                let mut all = Vec::new();
                while let Some(part) = parts.next()? {
                    all.push(text(part.get_ref(1)?).unwrap_or_default());
                }
                taken_back += u32::from(reverted.as_deref().is_some_and(|r| r <= id.as_str()));
                // Its parts are not there yet, or were deleted: what was there stays.
                if all.is_empty() {
                    continue;
                }
                let kind = if is_child { "task" } else { "user" };
                let body = super::events::user_body(&data, &all);
                give(&id, &order(created, &id, ""), kind, &body)?;
                continue;
            }
            give(&id, &order(created, &id, ""), "message", &data)?;
            while let Some(part) = parts.next()? {
                if let Some(part_id) = text(part.get_ref(0)?) {
                    let data = text(part.get_ref(1)?).unwrap_or_default();
                    give(&part_id, &order(created, &id, &part_id), "part", &data)?;
                }
            }
        }
        give(
            "revert",
            super::events::LAST,
            "revert",
            &json!({"prompts": taken_back}).to_string(),
        )?;
        self.db.still()
    }
}
