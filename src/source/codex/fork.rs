//! A Codex session that continues from the middle of another, as its own fork makes one: a `session_meta` of its own that
//! names the parent, then the parent's, then the parent's records.

use crate::source::fork::{Calls, Fields, Forked, New, Origin};

/// Makes the new rollout.
pub(in crate::source) fn fork(origin: Origin<'_>, new: New<'_>) -> Result<Forked, String> {
    let lines = origin.lines(results);
    let first = lines.first().and_then(|line| Fields::read(line));
    let meta = first.filter(|f| f.text("type").as_deref() == Some("session_meta"));
    let (Some(mut own), Some(mut parent)) =
        (meta, lines.first().and_then(|line| Fields::read(line)))
    else {
        return Err(
            "this file is of a Codex from before September 2025, which no later one continues"
                .to_owned(),
        );
    };
    let now = new.at.rfc3339();
    let payload = own.raw("payload").unwrap_or_default().to_owned();
    let Some(mut payload) = Fields::read(payload.as_bytes()) else {
        return Err("the file does not begin as Codex begins one".to_owned());
    };
    payload.set_text("id", new.id);
    if payload.raw("session_id").is_some() {
        payload.set_text("session_id", new.id);
    }
    payload.set_text("timestamp", &now);
    payload.set_text("forked_from_id", origin.id);
    own.set("payload", payload.write());
    own.set_text("timestamp", &now);
    // The copy begins now, whenever what is copied happened.
    parent.set_text("timestamp", &now);
    let mut calls = Calls::default();
    for line in &lines {
        calls.called.extend(call(line));
        calls.answered.extend(results(line));
    }
    let (mut bytes, mut damaged) = (Vec::new(), 0);
    for record in [&own, &parent] {
        bytes.extend_from_slice(record.write().as_bytes());
        bytes.push(b'\n');
    }
    for line in &lines[1..] {
        let Some(record) = Fields::read(line) else {
            damaged += 1;
            continue;
        };
        let is_meta = record.text("type").as_deref() == Some("session_meta");
        let dangles = call_id(&record).is_some_and(|id| calls.dangles(&id));
        if !is_meta && !dangles {
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
    }
    Ok(Forked {
        bytes,
        left_out: calls.dangling(),
        damaged,
    })
}

/// The call that a record is about.
fn call_id(record: &Fields<'_>) -> Option<String> {
    Fields::read(record.raw("payload")?.as_bytes())?.text("call_id")
}

/// The id of an item whose kind is as wanted.
fn item(line: &[u8], wanted: impl Fn(&str) -> bool) -> Option<String> {
    memchr::memmem::find(line, b"\"call_id\"")?;
    let record = Fields::read(line)?;
    let payload = Fields::read(record.raw("payload")?.as_bytes())?;
    let is = record.text("type").as_deref() == Some("response_item")
        && payload.text("type").is_some_and(|kind| wanted(&kind));
    payload.text("call_id").filter(|_| is)
}

fn call(line: &[u8]) -> Option<String> {
    item(line, |kind| kind.ends_with("_call"))
}

fn results(line: &[u8]) -> Vec<String> {
    item(line, |kind| kind.ends_with("_output"))
        .into_iter()
        .collect()
}
