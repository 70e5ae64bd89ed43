//! From a line to its records, and whose a file is.

use std::path::Path;

use super::content::Content;
use super::events::events;
use super::mirror;
use super::record::{Message, Record};
use crate::source::lines::split_records;
use crate::source::{Body, Event, ParseState, fields};

/// How much of a damaged line is quoted.
const QUOTED: usize = 60;

/// Reads one line.
pub(super) fn line(path: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    if line.trim_ascii().is_empty() {
        return;
    }
    if try_one(path, line, state, out).is_ok() {
        return;
    }
    let parts = split_records(line);
    let several = parts.len() > 1;
    for part in parts {
        let why = match try_one(path, part, state, out) {
            Ok(()) => continue,
            Err(why) => why,
        };
        let repaired = repaired(part);
        let done = repaired.is_some_and(|text| try_one(path, text.as_bytes(), state, out).is_ok());
        if !done {
            let start = String::from_utf8_lossy(&part[..part.len().min(QUOTED)]);
            let note = if several { " (part of a line)" } else { "" };
            out.push(Event {
                key: None,
                at: None,
                node: None,
                body: Body::Damaged {
                    why: format!("{why}{note}: {start}"),
                },
            });
        }
    }
}

fn try_one(
    path: &Path,
    bytes: &[u8],
    state: &mut ParseState,
    out: &mut Vec<Event>,
) -> Result<(), String> {
    let record = typed(bytes)?;
    events(path, &record, state, out);
    mirror::mirrored(&record, state, out);
    fields::unknown(&super::fields::LINE, bytes, out);
    Ok(())
}

fn typed(bytes: &[u8]) -> Result<Record<'_>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    if !text.trim_start().starts_with('{') {
        return Err("not an object".to_owned());
    }
    serde_json::from_str(text).map_err(|e| e.to_string())
}

/// The record as it was meant, where only its letters or its names are bad: invalid UTF-8, halves of
/// surrogate pairs, names that stand twice (the last one counts).
fn repaired(bytes: &[u8]) -> Option<String> {
    let text = without_lone_surrogates(&String::from_utf8_lossy(bytes));
    if typed(text.as_bytes()).is_ok() {
        return Some(text);
    }
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(value.to_string())
}

fn without_lone_surrogates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match surrogate(rest) {
            None => rest.chars().take(2).map(char::len_utf8).sum(),
            Some(high)
                if high < 0xdc00 && surrogate(&rest[6..]).is_some_and(|low| low >= 0xdc00) =>
            {
                12
            }
            Some(_) => {
                out.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

/// The surrogate that an escape at the start of this text stands for.
fn surrogate(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    (0xd800..0xe000).contains(&code).then_some(code)
}

/// Whether the first lines of a file are Claude Code's.
pub(super) fn claims(head: &[u8]) -> bool {
    let mut lines = head.split_inclusive(|b| *b == b'\n').take(50);
    lines.any(
        |line| match typed(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)) {
            Ok(record) => is_ours(&record),
            // A first line may be longer than the head.
            Err(_) => !line.ends_with(b"\n") && looks_ours(line),
        },
    )
}

fn is_ours(record: &Record<'_>) -> bool {
    let has_session = record.session_id.filled().is_some();
    let has_node = record.uuid.filled().is_some() || record.cwd.filled().is_some();
    match record.kind.str() {
        "user" | "assistant" => {
            let message = record.message.0.as_ref();
            let ours =
                |m: &Message<'_>| m.parts.is_none() && !matches!(m.content, Content::Nothing);
            has_session && has_node && message.is_some_and(ours)
        }
        "progress" | "attachment" | "queue-operation" => has_session,
        "summary" => record.summary.get().is_some(),
        _ => false,
    }
}

fn looks_ours(line: &[u8]) -> bool {
    let has = |needle: &str| memchr::memmem::find(line, needle.as_bytes()).is_some();
    has("\"parentUuid\":") && has("\"sessionId\":") && !has("\"parts\":[") && !has("\"payload\":")
}
