//! The fields that are not among those that are known: told by `doctor --formats`, names only.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Body, Event};

/// Of what comes in masses, larger texts than this are not looked through a second time: it is their contents that make them
/// large, and records of a kind have the same fields in small ones.
pub const SMALL: usize = 4 << 10;
/// Of what comes once in a while.
pub const RARE: usize = 1 << 20;

/// A kind of record, and the fields that one was ever seen to have.
pub struct Shape {
    /// Its name.
    pub record: &'static str,
    /// Larger ones are not looked through.
    pub up_to: usize,
    /// Its fields.
    pub fields: &'static [&'static str],
    /// Fields that hold an object with fields of its own.
    pub inner: &'static [(&'static str, &'static Shape)],
}

/// Tells of the fields of a record, given as JSON, that its shape does not have. What is no object has none.
pub fn unknown(shape: &Shape, json: &[u8], out: &mut Vec<Event>) {
    if json.len() > shape.up_to {
        return;
    }
    let Ok(Fields(fields)) = serde_json::from_slice::<Fields<'_>>(json) else {
        return;
    };
    for (name, value) in fields {
        if let Some((_, inner)) = shape.inner.iter().find(|(n, _)| *n == name) {
            unknown(inner, value.get().as_bytes(), out);
        } else if !shape.fields.contains(&&*name) {
            out.push(told(shape.record, &name));
        }
    }
}

/// Tells of a field that is not known.
pub(super) fn told(record: &str, name: &str) -> Event {
    Event {
        key: None,
        at: None,
        node: None,
        body: Body::UnknownField {
            // A name may be anything, even a content.
            field: format!("{record}.{}", name.chars().take(40).collect::<String>()),
        },
    }
}

/// The fields of an object, unread.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A name, borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Fields<'a>, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &RawValue>()? {
                    all.push((name, value));
                }
                Ok(Fields(all))
            }
        }
        d.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INNER: Shape = Shape {
        record: "message",
        up_to: SMALL,
        fields: &["role"],
        inner: &[],
    };
    const OUTER: Shape = Shape {
        record: "line",
        up_to: SMALL,
        fields: &["type", "née"],
        inner: &[("message", &INNER)],
    };

    fn names(json: &str) -> Vec<String> {
        let mut out = Vec::new();
        unknown(&OUTER, json.as_bytes(), &mut out);
        let name = |e: Event| match e.body {
            Body::UnknownField { field } => field,
            other => format!("{other:?}"),
        };
        out.into_iter().map(name).collect()
    }

    #[test]
    fn what_no_list_has_is_told_by_its_name() {
        let json =
            r#"{"type":1,"n\u00e9e":{"x":1},"new":{"type":2},"message":{"role":"a","more":[]}}"#;
        assert_eq!(names(json), ["line.new", "message.more"]);
        for other in ["", "[1]", "{\"message\":7}", "{\"type\":", "\"x\""] {
            assert_eq!(names(other), Vec::<String>::new(), "{other}");
        }
        let long = format!("{{\"{}\":1}}", "x".repeat(99));
        assert_eq!(names(&long), [format!("line.{}", "x".repeat(40))]);
        let large = format!("{{\"new\":\"{}\"}}", "x".repeat(SMALL));
        assert_eq!(names(&large), Vec::<String>::new());
    }
}
