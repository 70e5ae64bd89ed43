//! The log of changes that VS Code keeps of a chat since early 2026: the first line is the chat, each line after it sets,
//! appends to, or takes away a part of it. Now and then the file is replaced by the chat as it is.

use serde_json::Value;

/// What a log comes to.
pub(super) struct Replayed {
    /// The chat, if there was one.
    pub chat: Option<Value>,
    /// Lines that are damaged, or that change what is not there: their number and text.
    pub damaged: Vec<(usize, String)>,
}

/// Replays a log. What is being written just now, at its end, is no damage.
pub(super) fn replay(text: &str) -> Replayed {
    let mut replayed = Replayed {
        chat: None,
        damaged: Vec::new(),
    };
    for (n, raw) in text.split_inclusive('\n').enumerate() {
        let line = raw.trim();
        if line.is_empty() {
            continue;
        }
        let applied = match serde_json::from_str::<Value>(line) {
            Ok(entry) => apply(&mut replayed.chat, entry),
            Err(_) if !raw.ends_with('\n') => continue,
            Err(_) => None,
        };
        if applied.is_none() {
            replayed.damaged.push((n, line.to_owned()));
        }
    }
    replayed
}

/// Applies one entry; `None` if it does not fit.
fn apply(chat: &mut Option<Value>, mut entry: Value) -> Option<()> {
    let kind = entry.get("kind")?.as_u64()?;
    let value = entry.get_mut("v").map(Value::take);
    if kind == 0 {
        *chat = Some(value.filter(Value::is_object)?);
        return Some(());
    }
    let path = entry.get("k")?.as_array()?;
    let (last, way) = path.split_last()?;
    let mut at = chat.as_mut()?;
    for step in way {
        at = part(at, step)?;
    }
    match kind {
        1 => set(at, last, value?),
        2 => {
            let keep = entry.get("i").and_then(Value::as_u64);
            push(at, last, value, keep)
        }
        3 => {
            match at {
                Value::Object(fields) => drop(fields.remove(last.as_str()?)),
                // A hole: what stands behind it keeps its place.
                Value::Array(_) => *part(at, last)? = Value::Null,
                _ => return None,
            }
            Some(())
        }
        _ => None,
    }
}

fn part<'v>(value: &'v mut Value, step: &Value) -> Option<&'v mut Value> {
    match (value, step) {
        (Value::Object(fields), Value::String(name)) => fields.get_mut(name),
        (Value::Array(parts), Value::Number(n)) => {
            parts.get_mut(usize::try_from(n.as_u64()?).ok()?)
        }
        _ => None,
    }
}

fn set(at: &mut Value, last: &Value, value: Value) -> Option<()> {
    match (&mut *at, last) {
        (Value::Object(fields), Value::String(name)) => {
            fields.insert(name.clone(), value);
        }
        (Value::Array(parts), Value::Number(n)) if n.as_u64() == Some(parts.len() as u64) => {
            parts.push(value);
        }
        _ => *part(at, last)? = value,
    }
    Some(())
}

/// Appends, after taking away what stands from `keep` on.
fn push(at: &mut Value, last: &Value, value: Option<Value>, keep: Option<u64>) -> Option<()> {
    if let (Value::Object(fields), Value::String(name)) = (&mut *at, last) {
        let list = fields.entry(name.clone()).or_insert(Value::Null);
        if list.is_null() {
            *list = Value::Array(Vec::new());
        }
    }
    let list = part(at, last)?.as_array_mut()?;
    if let Some(keep) = keep {
        list.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
    }
    match value {
        Some(Value::Array(more)) => list.extend(more),
        None | Some(Value::Null) => {}
        Some(_) => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chat(lines: &[&str]) -> (Option<Value>, usize) {
        let replayed = replay(&lines.join("\n"));
        (replayed.chat, replayed.damaged.len())
    }

    const FIRST: &str = r#"{"kind":0,"v":{"a":{"b":[1,2,3]},"c":"x"}}"#;

    #[test]
    fn entries_set_append_and_take_away() {
        for (entry, want) in [
            (
                r#"{"kind":1,"k":["c"],"v":"y"}"#,
                json!({"a":{"b":[1,2,3]},"c":"y"}),
            ),
            (
                r#"{"kind":1,"k":["a","b",1],"v":{}}"#,
                json!({"a":{"b":[1,{},3]},"c":"x"}),
            ),
            (
                r#"{"kind":1,"k":["a","n"],"v":1}"#,
                json!({"a":{"b":[1,2,3],"n":1},"c":"x"}),
            ),
            (
                r#"{"kind":2,"k":["a","b"],"v":[4]}"#,
                json!({"a":{"b":[1,2,3,4]},"c":"x"}),
            ),
            (
                r#"{"kind":2,"k":["a","b"],"v":[9],"i":1}"#,
                json!({"a":{"b":[1,9]},"c":"x"}),
            ),
            (
                r#"{"kind":2,"k":["a","b"],"i":0}"#,
                json!({"a":{"b":[]},"c":"x"}),
            ),
            (
                r#"{"kind":2,"k":["d"],"v":[1]}"#,
                json!({"a":{"b":[1,2,3]},"c":"x","d":[1]}),
            ),
            (r#"{"kind":3,"k":["c"]}"#, json!({"a":{"b":[1,2,3]}})),
            (r#"{"kind":0,"v":{}}"#, json!({})),
        ] {
            assert_eq!(chat(&[FIRST, entry, ""]), (Some(want), 0), "{entry}");
        }
    }

    #[test]
    fn what_does_not_fit_costs_only_itself() {
        for entry in [
            r#"{"kind":1,"k":["z","y"],"v":1}"#,
            r#"{"kind":1,"k":["a","b",99999999999],"v":1}"#,
            r#"{"kind":1,"k":[],"v":1}"#,
            r#"{"kind":2,"k":["c"],"v":[1]}"#,
            r#"{"kind":2,"k":["a","b"],"v":7}"#,
            r#"{"kind":7,"k":["a"]}"#,
            r#"{"kind":0,"v":[]}"#,
            r#"{"kind":"#,
            "7",
        ] {
            let last = r#"{"kind":1,"k":["c"],"v":"z"}"#;
            let (got, damaged) = chat(&[FIRST, entry, last, ""]);
            assert_eq!(got, Some(json!({"a":{"b":[1,2,3]},"c":"z"})), "{entry}");
            assert_eq!(damaged, 1, "{entry}");
        }
    }

    #[test]
    fn a_torn_last_line_is_still_being_written() {
        let (got, damaged) = chat(&[FIRST, r#"{"kind":1,"k":["c"],"#]);
        assert_eq!((got.is_some(), damaged), (true, 0));
        assert_eq!(chat(&[""]), (None, 0));
        assert_eq!(chat(&[r#"{"kind":1,"k":["c"],"v":1}"#, ""]), (None, 1));
    }
}
