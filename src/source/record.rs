//! Records: what a transcript that is no file of growing lines is turned into.
//!
//! A database, a document that is rewritten, or a folder of small files is read by its agent's
//! [`Extractor`](super::Extractor) as a stream of records. Each becomes one line of JSON that stands for itself: whose it
//! is, which one it is, where it belongs, and what the agent wrote, verbatim. Those lines are the raw bytes that the
//! store keeps; they are parsed by the same `Source::parse` as any other line.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Body, Event, ParseState, SessionHead};

/// One record of a session.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Record<'a> {
    /// The agent's own id of the session that it belongs to (`parent/agent` for a sub-agent that has no id of its own).
    #[serde(borrow)]
    pub session: Cow<'a, str>,
    /// What names it within the session, for ever: a record of the same key is the same record, rewritten.
    #[serde(borrow)]
    pub key: Cow<'a, str>,
    /// Where it belongs in the session: records are read in the order of this text, compared byte by byte.
    #[serde(borrow)]
    pub order: Cow<'a, str>,
    /// What it is, in the agent's words: the name of a table, of a file, of a field.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    /// What the agent wrote, verbatim but for white space between values.
    #[serde(borrow)]
    pub body: &'a RawValue,
}

impl<'a> Record<'a> {
    /// Reads a line that [`line`] wrote.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(line: &'a [u8]) -> Result<Record<'a>, String> {
        serde_json::from_slice(line).map_err(|e| e.to_string())
    }

    /// What the agent wrote, as a type; an unknown shape is an error, to be reported as an unknown record.
    ///
    /// # Errors
    /// If it has another shape.
    pub fn body<T: Deserialize<'a>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.body.get())
    }

    /// Whether the agent's bytes were no JSON, where they should have been an object or a list.
    pub fn is_damaged(&self) -> bool {
        self.body.get().starts_with('"')
    }

    /// Says whose the record is, where that changes. To be called before anything else is said of it.
    pub fn enter(&self, state: &mut ParseState, out: &mut Vec<Event>) {
        if state.session.as_deref() == Some(&*self.session) {
            return;
        }
        state.session = Some(self.session.clone().into_owned());
        out.push(Event {
            key: None,
            at: None,
            node: None,
            body: Body::Session(Box::new(SessionHead {
                native_id: self.session.clone().into_owned(),
                ..SessionHead::default()
            })),
        });
    }
}

/// What an extractor hands out. All texts are as the agent has them; `body` is JSON.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// See [`Record::session`].
    pub session: &'a str,
    /// See [`Record::key`].
    pub key: &'a str,
    /// See [`Record::order`].
    pub order: &'a str,
    /// See [`Record::kind`].
    pub kind: &'a str,
    /// See [`Record::body`]. What is not JSON is kept as a JSON string.
    pub body: &'a str,
}

/// The line of a record, without its line end.
pub fn line(given: &Given<'_>) -> Vec<u8> {
    let text = one_line(given.body);
    // What a database or a document holds may be anything; as a string it is kept all the same.
    let body = match serde_json::from_str::<&RawValue>(&text) {
        Ok(_) => text,
        Err(_) => Cow::Owned(serde_json::Value::from(given.body).to_string()),
    };
    let mut out = Vec::with_capacity(body.len() + 128);
    let mut field = |name: &str, value: &str| {
        out.extend_from_slice(name.as_bytes());
        // A string has no reason not to become JSON.
        out.extend_from_slice(serde_json::Value::from(value).to_string().as_bytes());
    };
    field("{\"session\":", given.session);
    field(",\"key\":", given.key);
    field(",\"order\":", given.order);
    field(",\"kind\":", given.kind);
    out.extend_from_slice(b",\"body\":");
    out.extend_from_slice(body.as_bytes());
    out.push(b'}');
    out
}

/// JSON on one line: the white space between values goes, the values stay as they are.
fn one_line(json: &str) -> Cow<'_, str> {
    if !json.bytes().any(|b| matches!(b, b'\n' | b'\r')) {
        return Cow::Borrowed(json.trim());
    }
    let mut out = String::with_capacity(json.len());
    let (mut quoted, mut escaped) = (false, false);
    for c in json.chars() {
        match c {
            ' ' | '\n' | '\r' | '\t' if !quoted => continue,
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
        out.push(c);
    }
    Cow::Owned(out)
}

/// A number as a text that sorts like it.
pub fn rank(n: u64) -> String {
    format!("{n:020}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn given<'a>(body: &'a str) -> Given<'a> {
        Given {
            session: "s\"1",
            key: "k",
            order: "0001",
            kind: "message",
            body,
        }
    }

    #[test]
    fn a_record_is_one_line_and_keeps_what_was_written() {
        for (body, kept) in [
            (r#"{"b":1.10,"a":[1, 2]}"#, r#"{"b":1.10,"a":[1, 2]}"#),
            (
                "{\n  \"a\": \"x\\\"\\n y\",\r\n\t\"b\": [ ]\n}",
                r#"{"a":"x\"\n y","b":[]}"#,
            ),
            ("not json", r#""not json""#),
            ("{\"torn\": \"", r#""{\"torn\": \"""#),
            ("", r#""""#),
            ("\"a\nb\"", r#""\"a\nb\"""#),
        ] {
            let line = line(&given(body));
            assert!(!line.contains(&b'\n'), "{body}");
            let record = Record::parse(&line).unwrap();
            assert_eq!(record.body.get(), kept);
            assert_eq!((&*record.session, &*record.key), ("s\"1", "k"));
        }
    }

    #[test]
    fn a_session_is_entered_once() {
        let line = line(&given("{}"));
        let record = Record::parse(&line).unwrap();
        let (mut state, mut out) = (ParseState::default(), Vec::new());
        record.enter(&mut state, &mut out);
        record.enter(&mut state, &mut out);
        assert_eq!(out.len(), 1);
        assert_eq!(state.session.as_deref(), Some("s\"1"));
    }

    #[test]
    fn ranks_sort_like_their_numbers() {
        assert!(rank(9) < rank(10) && rank(u64::MAX - 1) < rank(u64::MAX));
    }
}
