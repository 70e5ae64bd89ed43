//! A transcript that continues from the middle of another: which records it begins with, and what in them must be said
//! anew. Pure; where it is put, and under which name, is for others to know.
//!
//! Records keep their own ids and times, so that whoever reads both files can see that they are the same. A call whose
//! result comes only later is left out: an agent that resumes would wait for it, or be refused by its model.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{claude, codex};
use crate::model::{Agent, Time, key_hash};

/// What is to be continued.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The whole transcript.
    pub bytes: &'a [u8],
    /// Behind the last record that is wanted.
    pub end: usize,
    /// The [`key_hash`] of the step's call: its result is wanted even where it stands behind that.
    pub key: i64,
    /// The agent's own id of the session.
    pub id: &'a str,
}

/// The new session.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// Its id.
    pub id: &'a str,
    /// Now.
    pub at: Time,
}

/// A new transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forked {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Calls that were left out because their results come later or never.
    pub left_out: usize,
    /// Lines that are no records, and were left out.
    pub damaged: usize,
}

/// Makes it; in words why not, where the format does not allow it.
pub fn fork(agent: Agent, origin: Origin<'_>, new: New<'_>) -> Result<Forked, String> {
    if agent == Agent::Claude {
        claude::fork(origin, new)
    } else if agent == Agent::Codex {
        codex::fork(origin, new)
    } else {
        Err(format!(
            "sessions of {agent} cannot be continued from the middle by a file of ours"
        ))
    }
}

impl<'a> Origin<'a> {
    /// The lines that are wanted, in order: those up to the end, and behind it the results of the step's own call, which
    /// `results` finds in a line.
    pub(super) fn lines(&self, results: impl Fn(&'a [u8]) -> Vec<String>) -> Vec<&'a [u8]> {
        let end = self.end.min(self.bytes.len());
        let (wanted, behind) = self.bytes.split_at(end);
        let mut lines = split(wanted);
        let own = |line: &&'a [u8]| {
            // Most lines behind the end are not even looked into.
            results(line).iter().any(|id| key_hash(id) == self.key)
        };
        let known = lines.iter().any(own);
        if !known {
            lines.extend(split(behind).into_iter().find(own));
        }
        lines
    }
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    bytes
        .split(|b| *b == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
        .collect()
}

/// Calls and results by id, to see which calls have none.
#[derive(Default)]
pub(super) struct Calls {
    pub called: HashSet<String>,
    pub answered: HashSet<String>,
}

impl Calls {
    /// Whether a call is to be left out.
    pub fn dangles(&self, id: &str) -> bool {
        self.called.contains(id) && !self.answered.contains(id)
    }

    /// How many are.
    pub fn dangling(&self) -> usize {
        self.called.difference(&self.answered).count()
    }
}

/// The fields of an object in their order, values as they stand: only what is set anew changes a byte.
pub(super) struct Fields<'a>(Vec<(String, std::borrow::Cow<'a, str>)>);

impl<'a> Fields<'a> {
    /// Reads an object; `None` if it is none.
    pub fn read(json: &'a [u8]) -> Option<Fields<'a>> {
        serde_json::from_slice(json).ok()
    }

    /// The raw value of a field.
    pub fn raw(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_ref())
    }

    /// The text of a field, if it is one.
    pub fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.raw(name)?).ok()
    }

    /// Sets a field to a raw value: in its place, else at the end.
    pub fn set(&mut self, name: &str, raw: String) {
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some((_, value)) => *value = raw.into(),
            None => self.0.push((name.to_owned(), raw.into())),
        }
    }

    /// Sets a field to a text.
    pub fn set_text(&mut self, name: &str, text: &str) {
        self.set(name, quoted(text));
    }

    /// The object again.
    pub fn write(&self) -> String {
        let mut out = String::from("{");
        for (i, (name, value)) in self.0.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(&quoted(name));
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        out
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(String, std::borrow::Cow<'de, str>)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    let value = map.next_value::<&'de RawValue>()?;
                    fields.push((name, value.get().into()));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Object).map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_keeps_its_bytes_and_its_place() {
        let json =
            br#"{"b": 1.50, "sessionId":"old" ,"a":{"z":"\u0041"},"n":12345678901234567890}"#;
        let mut fields = Fields::read(json).expect("an object");
        assert_eq!(fields.text("sessionId").as_deref(), Some("old"));
        fields.set_text("sessionId", "new");
        fields.set_text("more", "x\"y");
        let wanted = r#"{"b":1.50,"sessionId":"new","a":{"z":"\u0041"},"n":12345678901234567890,"more":"x\"y"}"#;
        assert_eq!(fields.write(), wanted);
        assert!(Fields::read(b"[1]").is_none());
    }
}
