//! JSON with the places of its parts, so that it can be edited as text. Comments and trailing commas are understood, as
//! several agents allow them; anything looser is no JSON here, and is left alone.

use std::ops::Range;

/// Deeper than this nothing is read.
const DEEPEST: usize = 200;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub span: Range<usize>,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Object(Vec<Member>),
    Array(Vec<Node>),
    Text(String),
    /// A number, `true`, `false` or `null`.
    Other,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub key: String,
    /// From its key on.
    pub start: usize,
    pub node: Node,
}

impl Node {
    /// The value of a key; the last one, where several are equal.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Object(members) => members.iter().rfind(|m| m.key == key).map(|m| &m.node),
            _ => None,
        }
    }

    pub fn members(&self) -> &[Member] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Array(items) => items,
            _ => &[],
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Why a text is no JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bad {
    pub line: usize,
    pub why: &'static str,
}

/// Reads a text. A byte-order mark may stand before it.
pub(super) fn parse(text: &str) -> Result<Node, Bad> {
    let mut p = Parser { text, at: 0 };
    if text.starts_with('\u{feff}') {
        p.at = '\u{feff}'.len_utf8();
    }
    p.blank()
        .and_then(|()| p.value(0))
        .and_then(|node| {
            p.blank()?;
            match p.at == text.len() {
                true => Ok(node),
                false => Err("something stands after the value"),
            }
        })
        .map_err(|why| Bad {
            line: text.as_bytes()[..p.at]
                .iter()
                .filter(|b| **b == b'\n')
                .count()
                + 1,
            why,
        })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

type Parsed<T> = Result<T, &'static str>;

impl Parser<'_> {
    fn rest(&self) -> &[u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Passes white space and comments.
    fn blank(&mut self) -> Parsed<()> {
        loop {
            match self.rest() {
                [b' ' | b'\t' | b'\r' | b'\n', ..] => self.at += 1,
                [b'/', b'/', rest @ ..] => {
                    let end = rest.iter().position(|b| *b == b'\n');
                    self.at += 2 + end.unwrap_or(rest.len());
                }
                [b'/', b'*', rest @ ..] => {
                    let end = rest.windows(2).position(|w| w == b"*/");
                    self.at += 4 + end.ok_or("a comment has no end")?;
                }
                _ => return Ok(()),
            }
        }
    }

    fn value(&mut self, depth: usize) -> Parsed<Node> {
        if depth > DEEPEST {
            return Err("it is nested too deeply");
        }
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(_) => self.word()?,
            None => return Err("a value is missing"),
        };
        Ok(Node {
            span: start..self.at,
            value,
        })
    }

    fn object(&mut self, depth: usize) -> Parsed<Value> {
        self.at += 1;
        let mut members = Vec::new();
        loop {
            self.blank()?;
            if self.eat(b'}') {
                return Ok(Value::Object(members));
            }
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err("a key in double quotes is missing");
            }
            let key = self.string()?;
            self.blank()?;
            if !self.eat(b':') {
                return Err("a colon is missing");
            }
            self.blank()?;
            let node = self.value(depth + 1)?;
            members.push(Member { key, start, node });
            self.blank()?;
            if !self.eat(b',') && self.peek() != Some(b'}') {
                return Err("a comma is missing");
            }
        }
    }

    fn array(&mut self, depth: usize) -> Parsed<Value> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blank()?;
            if self.eat(b']') {
                return Ok(Value::Array(items));
            }
            items.push(self.value(depth + 1)?);
            self.blank()?;
            if !self.eat(b',') && self.peek() != Some(b']') {
                return Err("a comma is missing");
            }
        }
    }

    fn string(&mut self) -> Parsed<String> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut at = start + 1;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
                None => return Err("a string has no end"),
            }
        }
        self.at = at + 1;
        serde_json::from_slice(&bytes[start..=at]).map_err(|_| "a string is not right")
    }

    fn word(&mut self) -> Parsed<Value> {
        let start = self.at;
        let end = self
            .rest()
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.')));
        self.at += end.unwrap_or(self.rest().len());
        // As text: a number may be larger than any of ours.
        match serde_json::from_str::<&serde_json::value::RawValue>(&self.text[start..self.at]) {
            Ok(_) => Ok(Value::Other),
            Err(_) => {
                self.at = start;
                Err("a value is not right")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn parts_are_where_they_are_said_to_be() {
        let text = "\u{feff}// a\n{ /* b */ \"k\" : [1, \"x\\\"\", {}], \"k\": -1.5e3, }\r\n";
        let node = parse(text).unwrap();
        assert!(text[node.span.clone()].starts_with('{') && text[node.span.clone()].ends_with('}'));
        let first = &node.members()[0];
        assert_eq!(
            &text[first.start..first.node.span.end],
            "\"k\" : [1, \"x\\\"\", {}]"
        );
        assert_eq!(first.node.items()[1].text(), Some("x\""));
        // The last of equal keys counts.
        assert_eq!(node.get("k").unwrap().value, Value::Other);
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_line() {
        for (text, line) in [
            ("", 1),
            ("{", 1),
            ("{\n'a': 1}", 2),
            ("{\"a\" 1}", 1),
            ("{\"a\": 1 \"b\": 2}", 1),
            ("[1,\n2", 2),
            ("{\"a\": tru}", 1),
            ("{\"a\": 01}", 1),
            ("{} {}", 1),
            ("\"a\u{1}\"", 1),
            ("\"a", 1),
            ("/* x", 1),
            ("{a: 1}", 1),
            (",", 1),
        ] {
            assert_eq!(parse(text).map_err(|b| b.line), Err(line), "{text:?}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn it_reads_what_a_real_parser_reads() {
        use proptest::prelude::*;
        fn same(ours: &Node, theirs: &serde_json::Value) -> bool {
            match (&ours.value, theirs) {
                (Value::Object(_), serde_json::Value::Object(map)) => map
                    .iter()
                    .all(|(k, v)| ours.get(k).is_some_and(|n| same(n, v))),
                (Value::Array(a), serde_json::Value::Array(b)) => {
                    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
                }
                (Value::Text(a), serde_json::Value::String(b)) => a == b,
                (Value::Other, v) => !v.is_object() && !v.is_array() && !v.is_string(),
                _ => false,
            }
        }
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "\\PC{0,8}".prop_map(Into::into),
        ];
        let value = leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                prop::collection::btree_map("[a-z\"]{0,3}", inner, 0..4)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        });
        proptest!(|(v in value, pretty in any::<bool>())| {
            let text = if pretty { serde_json::to_string_pretty(&v) } else { serde_json::to_string(&v) }.unwrap();
            prop_assert!(same(&parse(&text).unwrap(), &v));
        });
        proptest!(|(text in "[\\[\\]{}:,\"/*a1\\\\ \n-]{0,30}")| {
            // What a strict parser accepts, this one accepts too; and it never panics.
            let strict = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            prop_assert!(!strict || parse(&text).is_ok());
        });
    }
}
