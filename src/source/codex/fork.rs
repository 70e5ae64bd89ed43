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
    let mut kept: Vec<Kept<'_>> = Vec::new();
    let mut gap = false;
    for line in &lines[1..] {
        let Some(record) = Fields::read(line) else {
            damaged += 1;
            continue;
        };
        let is_meta = record.text("type").as_deref() == Some("session_meta");
        let dangles = call_id(&record).is_some_and(|id| calls.dangles(&id));
        if dangles {
            gap = true;
        } else if !is_meta {
            let item = kind(&record);
            // Of calls made at once one is left: what was thought before them leads to that one.
            if gap && matches!(item, Some(Item::Other)) {
                without_last_thoughts(&mut kept);
            }
            gap &= matches!(item, None | Some(Item::Thought));
            kept.push(Kept { line, item });
        }
    }
    without_last_thoughts(&mut kept);
    for kept in &kept {
        bytes.extend_from_slice(kept.line);
        bytes.push(b'\n');
    }
    Ok(Forked {
        bytes,
        left_out: calls.dangling(),
        damaged,
    })
}

/// A line of the new rollout; what it is, if it is an item of the conversation.
struct Kept<'a> {
    line: &'a [u8],
    item: Option<Item>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    Thought,
    Call,
    Other,
}

fn kind(record: &Fields<'_>) -> Option<Item> {
    let is_item = record.text("type").as_deref() == Some("response_item");
    let payload = Fields::read(record.raw("payload")?.as_bytes())?;
    let kind = payload.text("type").filter(|_| is_item)?;
    Some(match kind.as_str() {
        "reasoning" => Item::Thought,
        kind if kind.ends_with("_call") => Item::Call,
        _ => Item::Other,
    })
}

/// Leaves out what was thought since the last item that is something else: it led to what is left out, or to nothing yet,
/// and a model refuses thoughts that lead nowhere.
fn without_last_thoughts(kept: &mut Vec<Kept<'_>>) {
    let is_more = |k: &Kept<'_>| k.item.is_some_and(|item| item != Item::Thought);
    let from = kept.iter().rposition(is_more).map_or(0, |last| last + 1);
    let mut behind = kept.split_off(from);
    behind.retain(|k| k.item != Some(Item::Thought));
    kept.append(&mut behind);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    fn item(kind: &str, id: &str) -> String {
        format!(
            "{{\"type\":\"response_item\",\"payload\":{{\"type\":\"{kind}\",\"call_id\":\"{id}\",\"id\":\"{kind} {id}\"}}}}\n"
        )
    }

    fn forked(items: &[(&str, &str)]) -> Vec<String> {
        let mut text =
            "{\"type\":\"session_meta\",\"payload\":{\"id\":\"old\",\"cwd\":\"/w\"}}\n".to_owned();
        text.extend(items.iter().map(|(kind, id)| item(kind, id)));
        let origin = Origin {
            bytes: text.as_bytes(),
            end: text.len(),
            key: 0,
            id: "old",
        };
        let new = New {
            id: "new",
            at: Time(0),
        };
        let bytes = fork(origin, new).expect("a fork").bytes;
        let read = |line: &[u8]| {
            let payload = Fields::read(line)?.raw("payload")?.to_owned();
            Fields::read(payload.as_bytes())?.text("id")
        };
        let lines = bytes.split(|b| *b == b'\n').filter_map(read);
        lines.skip(2).collect()
    }

    #[test]
    fn thoughts_that_led_to_what_is_left_out_go_with_it() {
        let all = [
            ("reasoning", "1"),
            ("function_call", "a"),
            ("reasoning", "2"),
            ("function_call", "b"),
            ("function_call_output", "a"),
        ];
        let kept = ["reasoning 1", "function_call a", "function_call_output a"];
        assert_eq!(forked(&all), kept);
        let at_once = [
            ("reasoning", "1"),
            ("function_call", "a"),
            ("function_call", "b"),
            ("function_call_output", "b"),
            ("reasoning", "2"),
        ];
        let kept = ["reasoning 1", "function_call b", "function_call_output b"];
        assert_eq!(forked(&at_once), kept);
    }
}
