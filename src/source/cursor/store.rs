//! `store.db` of the program for the terminal: blobs named by their hash, and a row that names the newest root. A root
//! lists its messages; what no root lists is a way that was left.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::{Value, json};

use super::cli;
use crate::source::extract::{Extractor, Input, Take};
use crate::source::record::rank;
use crate::source::sqlite::{Allow, Db, ValueRef};
use crate::source::{Given, Places};

const ALLOW: &[Allow] = &[Allow::table("meta"), Allow::table("blobs")];

/// Whether a database is one of a session in the terminal.
pub(super) fn is_ours(path: &Path) -> bool {
    Db::open(path, ALLOW).is_ok_and(|db| has_tables(&db) && meta(&db).is_ok())
}

fn has_tables(db: &Db) -> bool {
    let has = |table, columns: &[&str]| db.has(table, columns).unwrap_or(false);
    has("meta", &["key", "value"]) && has("blobs", &["id", "data"])
}

/// The database.
pub(super) struct Store;

impl Extractor for Store {
    fn files(&self, input: &Path) -> Vec<PathBuf> {
        crate::source::sqlite::files(input)
    }

    fn open(&self, input: &Path, _: &Places) -> Result<Box<dyn Input>> {
        let db = Db::open(input, ALLOW)?;
        if !has_tables(&db) {
            return Err(eyre!("it has not the tables of Cursor"));
        }
        Ok(Box::new(Open { db }))
    }
}

/// What the database says of its session: JSON, written in hexadecimal digits.
fn meta(db: &Db) -> Result<Value> {
    let mut q = db.prepare("SELECT value FROM meta WHERE key = '0'")?;
    let mut rows = q.query([])?;
    let row = rows.next()?.ok_or_else(|| eyre!("it names no session"))?;
    let value = crate::source::sqlite::text(row.get_ref(0)?).unwrap_or_default();
    let bytes = match unhex(&value) {
        Some(bytes) => bytes,
        None => value.into_bytes(),
    };
    let meta: Value = serde_json::from_slice(&bytes)?;
    match meta.get("agentId").and_then(Value::as_str) {
        Some(_) => Ok(meta),
        None => Err(eyre!("it names no session")),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|p| match p {
            [a, b] => Some(digit(*a)? << 4 | digit(*b)?),
            _ => None,
        })
        .collect()
}

struct Open {
    db: Db,
}

impl Input for Open {
    fn records(&mut self, _: &str, take: &mut Take<'_>) -> Result<()> {
        let meta = meta(&self.db)?;
        let said = |name: &str| meta.get(name).cloned();
        let session = meta
            .get("agentId")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let root = meta.get("latestRootBlobId").and_then(Value::as_str);
        let mut messages = Vec::new();
        if let Some(root) = root.filter(|r| !r.is_empty()) {
            let root = self
                .blob(root)?
                .ok_or_else(|| eyre!("its newest root is not there"))?;
            for id in listed(&root) {
                messages.extend(self.blob(&id)?);
            }
        }
        let folder = messages.iter().find_map(|m| cli::folder(m));
        let mut give = |key: &str, order: &str, kind: &str, body: &str| {
            take(Given {
                session,
                key,
                order,
                kind,
                body,
            })
        };
        let body = json!({
            "name": said("name"),
            "createdAt": said("createdAt"),
            "mode": said("mode"),
            "model": said("lastUsedModel"),
            "folder": folder,
        });
        give("meta", "", "meta", &body.to_string())?;
        let mut calls = HashMap::new();
        for (n, message) in messages.iter().enumerate() {
            let order = rank(n as u64);
            match cli::body(message, &mut calls) {
                Some(body) => give(&order, &order, "message", &body)?,
                // A node of the agent's own, not a message.
                None => give(
                    &order,
                    &order,
                    "node",
                    &json!({"bytes": message.len()}).to_string(),
                )?,
            }
        }
        self.db.still()
    }
}

impl Open {
    fn blob(&self, id: &str) -> Result<Option<Vec<u8>>> {
        let mut q = self.db.prepare("SELECT data FROM blobs WHERE id = ?1")?;
        let mut rows = q.query([id])?;
        Ok(match rows.next()?.map(|r| r.get_ref(0)).transpose()? {
            Some(ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => Some(bytes.to_vec()),
            _ => None,
        })
    }
}

/// The names of the messages that a root lists: its first field, 32 bytes each. Other fields are passed over; where the
/// bytes make no sense, the rest is left.
fn listed(root: &[u8]) -> Vec<String> {
    let mut rest = root;
    let mut ids = Vec::new();
    while let Some(field) = varint(&mut rest) {
        let len = match field & 7 {
            0 => match varint(&mut rest) {
                Some(_) => 0,
                None => break,
            },
            1 => 8,
            5 => 4,
            2 => match varint(&mut rest).and_then(|n| usize::try_from(n).ok()) {
                Some(len) => len,
                None => break,
            },
            _ => break,
        };
        let Some((bytes, after)) = rest.split_at_checked(len) else {
            break;
        };
        if field == 0x0a && len == 32 {
            ids.push(bytes.iter().map(|b| format!("{b:02x}")).collect());
        }
        rest = after;
    }
    ids
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut n = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_lists_its_messages_and_foreign_bytes_do_no_harm() {
        let mut root = vec![0x0a, 0x20];
        root.extend([0xab; 32]);
        root.extend([0x10, 0x96, 0x01, 0x1a, 0x02, 0x0a, 0x20, 0x0a, 0x20]);
        root.extend([0x01; 32]);
        let (first, last) = ("ab".repeat(32), "01".repeat(32));
        assert_eq!(listed(&root), [first.clone(), last]);
        root.truncate(60);
        assert_eq!(listed(&root), [first]);
        for hostile in [
            &[0xff; 40][..],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0x0b],
        ] {
            assert!(listed(hostile).is_empty());
        }
    }
}
