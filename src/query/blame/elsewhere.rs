//! A file that got its name unseen: the first text that is known of it is the very text that another file ended with,
//! and that one is gone. Only where there is no doubt.

use color_eyre::Result;

use super::super::chain::{Chain, Item};
use super::super::contents::State;
use super::super::files;
use super::super::types::Content;
use crate::store::{Reader, blobs};

/// A text with fewer letters and digits says nothing: many files begin alike.
const WORTH: usize = 40;
/// With so many that had this text it is not looked which of them it was.
const SEVERAL: i64 = 8;

/// The items of the file that a path's first known text came from, up to where it had that text.
pub(super) fn items(reader: &Reader, path: i64, start: i64) -> Result<Option<Vec<Item>>> {
    let conn = reader.conn();
    let candidates = conn
        .prepare_cached(
            "SELECT DISTINCT c.path_id FROM change c JOIN path p ON p.id = c.path_id
              WHERE c.after = ?1 AND c.path_id <> ?2
                AND p.root_id = (SELECT root_id FROM path WHERE id = ?2) LIMIT ?3",
        )?
        .query_map((start, path, SEVERAL), |r| r.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    if candidates.is_empty() || candidates.len() as i64 == SEVERAL {
        return Ok(None);
    }
    let text = blobs::get(conn, start)?;
    if text.iter().filter(|b| b.is_ascii_alphanumeric()).count() < WORTH {
        return Ok(None);
    }
    let mut found = None;
    for other in candidates {
        let mut items = Chain::load(conn, other)?.items;
        let Some(last) = items.iter().rposition(|i| i.after == State::Blob(start)) else {
            continue;
        };
        let ends_so = items[last + 1..].iter().all(|i| i.after == State::Absent);
        let there = match files::on_disk(conn, other)? {
            Some((content, _)) => content != Content::Absent,
            // Its folder is not here: then the records have the last word.
            None => false,
        };
        if !ends_so || there || items.iter().any(Item::left_for_another) {
            continue;
        }
        if found.is_some() {
            return Ok(None);
        }
        items.truncate(last + 1);
        found = Some(items);
    }
    Ok(found)
}
