//! `sessions.db`: rows of `sessions` and `messages`.

use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::Value;

use super::events;
use super::message::{Given, Messages};
use crate::model::Time;
use crate::source::extract::{Extractor, Input, Stream, Take};
use crate::source::record::rank;
use crate::source::sqlite::{Allow, Db, text};
use crate::source::{self, Places};

const ALLOW: &[Allow] = &[Allow::table("sessions"), Allow::table("messages")];
/// Columns of a session that say something of it, as far as a version has them. Recipes and the data of extensions may
/// hold anything.
const SESSION: &[&str] = &[
    "id",
    "name",
    "description",
    "session_type",
    "working_dir",
    "created_at",
    "accumulated_input_tokens",
    "accumulated_output_tokens",
    "model_config_json",
    "parent_session_id",
];

/// Whether a database is Goose's.
pub(super) fn is_ours(path: &Path) -> bool {
    Db::open(path, ALLOW).is_ok_and(|db| has_tables(&db).unwrap_or(false))
}

fn has_tables(db: &Db) -> Result<bool> {
    Ok(db.has("sessions", &["id", "working_dir", "updated_at"])?
        && db.has(
            "messages",
            &[
                "id",
                "session_id",
                "role",
                "content_json",
                "created_timestamp",
            ],
        )?)
}

/// The database.
pub(super) struct Database;

impl Extractor for Database {
    fn files(&self, input: &Path) -> Vec<PathBuf> {
        crate::source::sqlite::files(input)
    }

    fn holds_several(&self) -> bool {
        true
    }

    fn open(&self, input: &Path, _: &Places) -> Result<Box<dyn Input>> {
        let db = Db::open(input, ALLOW)?;
        if !has_tables(&db)? {
            return Err(eyre!("it has not the tables of Goose"));
        }
        Ok(Box::new(Open { db }))
    }
}

struct Open {
    db: Db,
}

impl Input for Open {
    fn sessions(&mut self) -> Result<Vec<Stream>> {
        // Messages are added, or all written anew with higher numbers: neither needs what they hold.
        let mut q = self.db.prepare(
            "SELECT s.id, s.working_dir, s.updated_at, m.n, m.last FROM sessions s
               LEFT JOIN (SELECT session_id AS id, count(*) AS n, max(rowid) AS last FROM messages GROUP BY session_id) m
                 ON m.id = s.id",
        )?;
        let mut rows = q.query([])?;
        let mut streams = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(name) = text(row.get_ref(0)?) else {
                continue;
            };
            let mut token = String::new();
            for column in 2..5 {
                token.push_str(&text(row.get_ref(column)?).unwrap_or_default());
                token.push(' ');
            }
            let updated = text(row.get_ref(2)?);
            streams.push(Stream {
                name,
                token,
                updated: updated.as_deref().and_then(events::utc),
                folder: text(row.get_ref(1)?).filter(|d| !d.is_empty()),
            });
        }
        Ok(streams)
    }

    fn records(&mut self, session: &str, take: &mut Take<'_>) -> Result<()> {
        let info = self.db.row("sessions", SESSION, session)?;
        let mut give = |key: &str, order: &str, kind: &str, body: &str| {
            take(source::Given {
                session,
                key,
                order,
                kind,
                body,
            })
        };
        give("session", "", "session", &info.to_string())?;
        // What a schedule, a recipe or another agent says is not what a person typed.
        let kind = info.get("session_type").and_then(Value::as_str);
        let is_task = matches!(kind, Some("sub_agent" | "hidden" | "scheduled"));
        let mut messages = Messages::new(is_task);
        let metadata = match self.db.has("messages", &["metadata_json"])? {
            true => "metadata_json",
            false => "NULL",
        };
        let mut one = self.db.prepare(&format!(
            "SELECT role, content_json, {metadata} FROM messages WHERE rowid = ?1"
        ))?;
        for (created, rowid) in self.order(session)? {
            let mut rows = one.query([rowid])?;
            let Some(row) = rows.next()? else { continue };
            let role = text(row.get_ref(0)?).unwrap_or_default();
            let content = text(row.get_ref(1)?).unwrap_or_default();
            let metadata = text(row.get_ref(2)?);
            let message = messages.record(&Given {
                role: &role,
                created,
                content: &content,
                metadata: metadata.as_deref(),
            });
            let Time(at) = events::moment(created);
            let at = rank(u64::try_from(at).unwrap_or(0));
            let order = format!("{at}/{}", rank(rowid.unsigned_abs()));
            give(&message.key, &order, &message.kind, &message.body)?;
        }
        self.db.still()
    }
}

impl Open {
    /// The messages of a session in their order, with their times.
    fn order(&self, session: &str) -> Result<Vec<(i64, i64)>> {
        let mut q = self
            .db
            .prepare("SELECT created_timestamp, rowid FROM messages WHERE session_id = ?1")?;
        let mut rows = q.query([session])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push((row.get_ref(0)?.as_i64().unwrap_or(0), row.get(1)?));
        }
        all.sort_unstable();
        Ok(all)
    }
}
