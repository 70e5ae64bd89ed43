//! A Claude Code session that continues from the middle of another, as its own `/branch` makes one: every record carries
//! the new session's id and where it was copied from, and keeps its own.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::source::fork::{Calls, Fields, Forked, New, Origin, quoted};

/// Records without an id that belong to the conversation. The others are of the old session alone: its checkpoints, what
/// was queued, where its window stood, what it was allowed to do.
const KEPT: &[&str] = &[
    "custom-title",
    "ai-title",
    "agent-name",
    "content-replacement",
];

/// Makes the new transcript.
pub(in crate::source) fn fork(origin: Origin<'_>, new: New<'_>) -> Result<Forked, String> {
    let lines = origin.lines(results);
    let mut calls = Calls::default();
    for line in &lines {
        calls.called.extend(blocks_of(line, "tool_use", "id"));
        calls.answered.extend(results(line));
    }
    // Records that go, and the one before each: what hangs on them hangs on that one then.
    let mut gone: HashMap<String, Option<String>> = HashMap::new();
    let (mut bytes, mut damaged) = (Vec::new(), 0);
    for line in lines {
        let Some(mut record) = Fields::read(line) else {
            damaged += 1;
            continue;
        };
        let kind = record.text("type").unwrap_or_default();
        let Some(uuid) = record.text("uuid") else {
            if KEPT.contains(&kind.as_str()) {
                name_session(&mut record, new.id);
                write(&mut bytes, &record);
            }
            continue;
        };
        if !without_dangling(&mut record, &calls) {
            gone.insert(uuid, record.text("parentUuid"));
            continue;
        }
        for name in ["parentUuid", "logicalParentUuid"] {
            if let Some(parent) = record.text(name)
                && gone.contains_key(&parent)
            {
                let raw = above(&gone, parent).map_or_else(|| "null".to_owned(), |p| quoted(&p));
                record.set(name, raw);
            }
        }
        name_session(&mut record, new.id);
        let from = format!(
            "{{\"sessionId\":{},\"messageUuid\":{}}}",
            quoted(origin.id),
            quoted(&uuid)
        );
        record.set("forkedFrom", from);
        write(&mut bytes, &record);
    }
    match bytes.is_empty() {
        true => Err("there is no record of a conversation up to this step".to_owned()),
        false => Ok(Forked {
            bytes,
            left_out: calls.dangling(),
            damaged,
        }),
    }
}

fn write(bytes: &mut Vec<u8>, record: &Fields<'_>) {
    bytes.extend_from_slice(record.write().as_bytes());
    bytes.push(b'\n');
}

fn name_session(record: &mut Fields<'_>, id: &str) {
    record.set_text("sessionId", id);
    if record.raw("session_id").is_some() {
        record.set_text("session_id", id);
    }
}

/// The nearest record before one that is there.
fn above(gone: &HashMap<String, Option<String>>, from: String) -> Option<String> {
    let mut at = Some(from);
    // As many times as there are gone ones at most, should they point in a circle.
    for _ in 0..=gone.len() {
        match at.as_ref().and_then(|id| gone.get(id)) {
            Some(parent) => at = parent.clone(),
            None => return at,
        }
    }
    None
}

/// The blocks of a message, as they stand.
fn content(record: &Fields<'_>) -> Option<Vec<Box<RawValue>>> {
    let message = Fields::read(record.raw("message")?.as_bytes())?;
    serde_json::from_str(message.raw("content")?).ok()
}

/// A field of all blocks of one kind in a line.
fn blocks_of(line: &[u8], kind: &str, field: &str) -> Vec<String> {
    if memchr::memmem::find(line, kind.as_bytes()).is_none() {
        return Vec::new();
    }
    let record = Fields::read(line);
    let blocks = record.as_ref().and_then(content).unwrap_or_default();
    let read = |block: &RawValue| {
        let block = Fields::read(block.get().as_bytes())?;
        (block.text("type").as_deref() == Some(kind))
            .then(|| block.text(field))
            .flatten()
    };
    blocks.iter().filter_map(|b| read(b)).collect()
}

fn results(line: &[u8]) -> Vec<String> {
    blocks_of(line, "tool_result", "tool_use_id")
}

/// Takes the calls without a result out of a record; false if nothing is left of it.
fn without_dangling(record: &mut Fields<'_>, calls: &Calls) -> bool {
    let Some(blocks) = content(record) else {
        return true;
    };
    let dangles = |block: &RawValue| {
        Fields::read(block.get().as_bytes()).is_some_and(|b| {
            b.text("type").as_deref() == Some("tool_use")
                && b.text("id").is_some_and(|id| calls.dangles(&id))
        })
    };
    let kept: Vec<&str> = blocks
        .iter()
        .filter(|b| !dangles(b))
        .map(|b| b.get())
        .collect();
    if kept.len() == blocks.len() {
        return true;
    }
    let text = format!("[{}]", kept.join(","));
    let message = record.raw("message").unwrap_or_default().to_owned();
    if let Some(mut message) = Fields::read(message.as_bytes()) {
        message.set("content", text);
        record.set("message", message.write());
    }
    !kept.is_empty()
}
