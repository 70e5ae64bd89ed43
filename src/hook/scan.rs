//! Finds a few strings at the top of a JSON object while it streams by, whatever its size: the rest is skipped, not kept.
//!
//! The fields that matter come before and after inputs and outputs of any length. It judges nothing: what is no JSON gives
//! no fields, or those that stood before the damage.

use memchr::{memchr, memchr2};

/// Longer values are cut off: no id and no path that we can use is.
const LONGEST: usize = 4096;
/// Deeper than this it is no event.
const DEEPEST: u32 = 10_000;

/// What the scanner is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Between tokens.
    Between,
    /// In a string; `true` after a backslash.
    Text(bool),
    /// After the object.
    Over,
    /// It is no object.
    Not,
}

/// The scanner. Feed it with [`Scan::feed`]; ask it with [`Scan::get`].
#[derive(Debug)]
pub struct Scan {
    wanted: &'static [&'static str],
    found: Vec<Option<String>>,
    at: At,
    depth: u32,
    /// At depth 1: the string being read, or just read, stands where a key stands.
    is_key: bool,
    /// The wanted field whose value is read now.
    field: Option<usize>,
    /// The raw text of a string that may matter, without its quotes.
    text: Vec<u8>,
    /// Whether this string is kept.
    keep: bool,
}

impl Scan {
    /// Looks for these keys. The value of one may be a list: then its first string counts.
    pub fn new(wanted: &'static [&'static str]) -> Scan {
        Scan {
            wanted,
            found: vec![None; wanted.len()],
            at: At::Between,
            depth: 0,
            is_key: false,
            field: None,
            text: Vec::new(),
            keep: false,
        }
    }

    /// The value of a key, if it was a string and was seen.
    pub fn get(&self, key: &str) -> Option<&str> {
        let n = self.wanted.iter().position(|w| *w == key)?;
        self.found[n].as_deref()
    }

    /// Whether the object has ended, or never was one: nothing that follows can matter.
    pub fn is_over(&self) -> bool {
        matches!(self.at, At::Over | At::Not)
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = match self.at {
                At::Between => self.between(bytes),
                At::Text(escaped) => self.in_text(bytes, escaped),
                At::Over | At::Not => return,
            };
        }
    }

    fn between<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let byte = bytes[0];
        match byte {
            b'{' if self.depth == 0 => {
                self.depth = 1;
                self.is_key = true;
            }
            // A byte-order mark may stand before it.
            b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf if self.depth == 0 => {}
            _ if self.depth == 0 => self.at = At::Not,
            b'"' => {
                let first_in_list = self.depth == 2 && self.field.is_some();
                self.keep =
                    self.depth == 1 && (self.is_key || self.field.is_some()) || first_in_list;
                self.text.clear();
                self.at = At::Text(false);
            }
            b'{' | b'[' => {
                self.depth += 1;
                // Only a list right under a wanted key is looked into.
                if byte == b'{' || self.depth > 2 {
                    self.field = None;
                }
                if self.depth > DEEPEST {
                    self.at = At::Not;
                }
            }
            b'}' | b']' => {
                self.depth -= 1;
                self.field = None;
                if self.depth == 0 {
                    self.at = At::Over;
                }
            }
            b',' if self.depth == 1 => {
                self.is_key = true;
                self.field = None;
            }
            b':' if self.depth == 1 => self.is_key = false,
            _ => {}
        }
        &bytes[1..]
    }

    /// Passes a string that is not kept: only its end matters, so only quotes are looked for.
    fn past_text<'a>(&mut self, bytes: &'a [u8], escaped: bool) -> &'a [u8] {
        // A quote is part of the string if the backslashes before it are odd in number.
        let escapes = |end: usize| {
            let run = bytes[..end]
                .iter()
                .rev()
                .take_while(|b| **b == b'\\')
                .count();
            (run + usize::from(escaped && run == end)) % 2 == 1
        };
        let mut from = 0;
        while let Some(n) = memchr(b'"', &bytes[from..]) {
            let end = from + n;
            from = end + 1;
            if !escapes(end) {
                self.at = At::Between;
                self.text_is_over();
                return &bytes[from..];
            }
        }
        self.at = At::Text(escapes(bytes.len()));
        &[]
    }

    fn in_text<'a>(&mut self, bytes: &'a [u8], escaped: bool) -> &'a [u8] {
        if !self.keep || self.text.len() > LONGEST {
            return self.past_text(bytes, escaped);
        }
        if escaped {
            self.keep_some(&bytes[..1]);
            self.at = At::Text(false);
            return &bytes[1..];
        }
        match memchr2(b'"', b'\\', bytes) {
            None => {
                self.keep_some(bytes);
                &[]
            }
            Some(n) if bytes[n] == b'\\' => {
                self.keep_some(&bytes[..=n]);
                self.at = At::Text(true);
                &bytes[n + 1..]
            }
            Some(n) => {
                self.keep_some(&bytes[..n]);
                self.at = At::Between;
                self.text_is_over();
                &bytes[n + 1..]
            }
        }
    }

    fn keep_some(&mut self, bytes: &[u8]) {
        if self.keep {
            let room = (LONGEST + 1).saturating_sub(self.text.len());
            self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    fn text_is_over(&mut self) {
        if !std::mem::take(&mut self.keep) {
            return;
        }
        if self.depth == 1 && self.is_key {
            self.field = self.wanted.iter().position(|w| w.as_bytes() == self.text);
            return;
        }
        let Some(n) = self.field.take() else { return };
        // The last of equal keys counts, as everywhere.
        if self.text.len() <= LONGEST {
            let quoted = [b"\"", self.text.as_slice(), b"\""].concat();
            self.found[n] = serde_json::from_slice(&quoted).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const WANTED: &[&str] = &["a", "b", "roots"];

    fn scan(text: &[u8], chunk: usize) -> Scan {
        let mut scan = Scan::new(WANTED);
        for part in text.chunks(chunk) {
            scan.feed(part);
        }
        scan
    }

    #[test]
    fn only_the_top_counts() {
        let text =
            br#" {"x":{"a":"no","b":["no"]},"y":[{"a":"no"},"a"],"a":"say \"\u00e9\\\" ","z":"a",
            "n":-1.5e3,"t":true,"roots":["/w","/v"],"b":"last"} trailing"#;
        for chunk in [1, 2, 3, 7, 1000] {
            let scan = scan(text, chunk);
            assert_eq!(scan.get("a"), Some("say \"é\\\" "), "{chunk}");
            assert_eq!(scan.get("b"), Some("last"));
            assert_eq!(scan.get("roots"), Some("/w"));
            assert!(scan.is_over());
        }
    }

    #[test]
    fn what_is_no_event_gives_nothing() {
        let bad: &[&[u8]] = &[
            b"",
            b"[]",
            b"\"a\"",
            b"\xff\xfe{",
            b"null",
            b"{",
            b"{\"a\":\"x",
        ];
        for text in bad {
            assert_eq!(scan(text, 3).get("a"), None, "{text:?}");
        }
        // Quotes behind any number of backslashes, cut anywhere.
        for n in 0..9 {
            let text = format!(
                "{{\"x\":\"{}\\\"{}\",\"a\":\"y\"}}",
                "\\\\".repeat(n),
                "\\\\".repeat(n)
            );
            for chunk in 1..40 {
                assert_eq!(
                    scan(text.as_bytes(), chunk).get("a"),
                    Some("y"),
                    "{text} {chunk}"
                );
            }
        }
        let deep = [b"{\"x\":".as_slice(), &b"[".repeat(1_000_000)].concat();
        assert!(scan(&deep, 4096).is_over());
        let long = format!("{{\"a\":\"{}\",\"b\":\"x\"}}", "y".repeat(5000));
        let scan = scan(long.as_bytes(), 4096);
        assert_eq!((scan.get("a"), scan.get("b")), (None, Some("x")));
    }

    #[test]
    fn numbers_and_objects_under_a_wanted_key_are_no_strings() {
        let s = scan(br#"{"a":{"k":"v"},"b":7,"roots":[["x"]]}"#, 5);
        assert_eq!((s.get("a"), s.get("b"), s.get("roots")), (None, None, None));
        let s = scan(br#"{"a":1,"b":"x"}"#, 5);
        assert_eq!((s.get("a"), s.get("b")), (None, Some("x")));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_real_parser(
            a in "\\PC{0,20}", b in "\\PC{0,20}", other in "\\PC{0,40}", chunk in 1usize..40, first in any::<bool>()
        ) {
            let mut map = vec![("a", serde_json::json!(a)), ("x", serde_json::json!({"a": other, "l": [other, {"b": 1}]}))];
            if !first {
                map.reverse();
            }
            map.push(("b", serde_json::json!(b)));
            let fields: Vec<String> = map.iter().map(|(k, v)| format!("\"{k}\": {v}")).collect();
            let text = format!("{{{}}}", fields.join(", "));
            let scan = scan(text.as_bytes(), chunk);
            prop_assert_eq!(scan.get("a"), Some(a.as_str()));
            prop_assert_eq!(scan.get("b"), Some(b.as_str()));
        }

        #[test]
        fn it_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), chunk in 1usize..40) {
            let mut text = b"{\"a\":".to_vec();
            text.extend(bytes);
            scan(&text, chunk);
        }
    }
}
