//! A session before 1.10: a file of lines that is rewritten as a whole. The first says what session it is, each other is a
//! message. The session is called as its file.

use std::path::Path;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::message::{Given, Messages};
use crate::source::extract::Take;
use crate::source::record::rank;
use crate::source::{self, Places};

#[derive(Deserialize)]
struct Line<'a> {
    role: Option<String>,
    created: Option<i64>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

/// Whether a first line is one of Goose's.
fn is_head(line: &str) -> bool {
    let Ok(head) = serde_json::from_str::<Value>(line) else {
        return false;
    };
    let is = |name, kind: fn(&Value) -> bool| head.get(name).is_some_and(kind);
    is("working_dir", Value::is_string)
        && is("description", Value::is_string)
        && is("message_count", Value::is_number)
}

/// Whether a file is Goose's by its first bytes.
pub(super) fn claims(head: &[u8]) -> bool {
    let first = head.split(|b| *b == b'\n').next().unwrap_or_default();
    std::str::from_utf8(first).is_ok_and(is_head)
}

/// Cuts the file.
pub(super) fn cut(path: &Path, text: &str, _: &Places, take: &mut Take<'_>) -> Result<()> {
    let session = path
        .file_stem()
        .and_then(|s| s.to_str())
        .ok_or_else(|| eyre!("its name is no text"))?;
    let mut messages = Messages::new(false);
    for (n, raw) in (0u64..).zip(text.split_inclusive('\n')) {
        let line = raw.trim();
        if line.is_empty() {
            continue;
        }
        let mut give = |key: &str, kind: &str, body: &str| {
            let order = match kind {
                "session" => String::new(),
                _ => rank(n),
            };
            take(source::Given {
                session,
                key,
                order: &order,
                kind,
                body,
            })
        };
        match serde_json::from_str::<Line<'_>>(line) {
            Ok(Line {
                role: Some(role),
                content: Some(content),
                created,
                metadata,
            }) => {
                let message = messages.record(&Given {
                    role: &role,
                    created: created.unwrap_or(0),
                    content: content.get(),
                    metadata: metadata.map(RawValue::get),
                });
                give(&message.key, &message.kind, &message.body)?;
            }
            Ok(_) if n == 0 => give("session", "session", line)?,
            Ok(_) => give(&format!("line {n}"), "line", line)?,
            // What is being written just now is no damage.
            Err(_) if raw.ends_with('\n') => give(&format!("line {n}"), "line", line)?,
            Err(_) => {}
        }
    }
    Ok(())
}
