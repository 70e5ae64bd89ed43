//! Edits of texts, replayed: those of VS Code's timeline, by line and column, and those of tools, by what they replace.

use std::collections::BTreeMap;

use serde_json::Value;

use super::place;
use crate::source::tools::text;

/// A file before and after a request. The inner `None` is "there was none", the outer one "not known".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The request.
    pub request: String,
    /// The file, in the one spelling.
    pub path: String,
    /// Before.
    pub before: Option<Option<String>>,
    /// After.
    pub after: Option<String>,
}

/// One happening of a timeline.
enum Deed<'v> {
    /// The text is known to be this.
    Known(&'v str),
    Made(&'v str),
    Removed,
    /// It got another name, or it is what another file was until then.
    Went,
    Came(String),
    Edits(&'v Value),
}

/// By moment: the epoch, texts that are known before edits, the place in the list; then file, request and deed.
type Deeds<'v> = Vec<((u64, u8, usize), String, Option<&'v str>, Deed<'v>)>;

/// The changes of each request and file in a timeline (`checkpoints`, `fileBaselines`, `operations`).
pub(super) fn changes(timeline: &Value) -> Vec<Change> {
    let list = |name: &str| {
        timeline
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let epoch = |value: &Value| value.get("epoch").and_then(Value::as_u64).unwrap_or(0);
    // By moment; a text that is known at a moment is what the edits of that moment start from.
    let mut deeds: Deeds<'_> = Vec::new();
    for (n, pair) in list("fileBaselines").enumerate() {
        let baseline = pair.get(1).unwrap_or(pair);
        let path = match baseline.get("uri") {
            Some(uri) => place::of(uri),
            None => pair.get(0).and_then(Value::as_str).and_then(before_request),
        };
        if let (Some(path), Some(content)) = (path, baseline.get("content").and_then(Value::as_str))
        {
            deeds.push(((epoch(baseline), 0, n), path, None, Deed::Known(content)));
        }
    }
    for (n, operation) in list("operations").enumerate() {
        let request = text(operation, &["requestId"]);
        let at = (epoch(operation), 1, n);
        let uri = |name: &str| operation.get(name).and_then(place::of);
        let content = operation.get("initialContent").and_then(Value::as_str);
        match (text(operation, &["type"]), uri("uri")) {
            (Some("create"), Some(path)) => {
                deeds.push((at, path, request, Deed::Made(content.unwrap_or(""))));
            }
            (Some("delete"), Some(path)) => deeds.push((at, path, request, Deed::Removed)),
            (Some("textEdit"), Some(path)) => {
                let edits = operation.get("edits").unwrap_or(&Value::Null);
                deeds.push((at, path, request, Deed::Edits(edits)));
            }
            (Some("rename"), _) => {
                if let (Some(from), Some(to)) = (uri("oldUri"), uri("newUri")) {
                    deeds.push((at, to, request, Deed::Came(from.clone())));
                    deeds.push((at, from, request, Deed::Went));
                }
            }
            // Notebooks are edited by cells.
            (_, Some(path)) => deeds.push((at, path, request, Deed::Edits(&Value::Null))),
            _ => {}
        }
    }
    deeds.sort_by_key(|(at, ..)| *at);
    replayed(deeds)
}

/// The path in `address::request`.
fn before_request(key: &str) -> Option<String> {
    place::of_address(key.rsplit_once("::")?.0)
}

/// Texts and changes as the deeds leave them. What is not known any more makes no change.
fn replayed(deeds: Deeds<'_>) -> Vec<Change> {
    // The outer `None` is "not known", the inner "no such file".
    let mut texts: BTreeMap<String, Option<Option<String>>> = BTreeMap::new();
    let mut begun: Vec<(String, String, Option<Option<String>>)> = Vec::new();
    let mut ended: BTreeMap<(String, String), Option<Option<String>>> = BTreeMap::new();
    for (_, path, request, deed) in deeds {
        let before = texts.get(&path).cloned().flatten();
        let after = match &deed {
            Deed::Known(text) => {
                texts.insert(path, Some(Some((*text).to_owned())));
                continue;
            }
            Deed::Made(text) => Some(Some((*text).to_owned())),
            Deed::Removed | Deed::Went => Some(None),
            Deed::Came(from) => texts.get(from).cloned().flatten(),
            Deed::Edits(edits) => match &before {
                Some(Some(text)) => applied(text, edits).map(Some),
                _ => None,
            },
        };
        let before = match &deed {
            // It is made where nothing was.
            Deed::Made(_) | Deed::Came(_) => Some(None),
            _ => before,
        };
        if let Some(request) = request {
            let name = (request.to_owned(), path.clone());
            if !ended.contains_key(&name) {
                begun.push((name.0.clone(), name.1.clone(), before));
            }
            ended.insert(name, after.clone());
        }
        texts.insert(path, after);
    }
    begun
        .into_iter()
        .filter_map(|(request, path, before)| {
            let after = ended.get(&(request.clone(), path.clone()))?.clone()?;
            let before = before?;
            (before != after).then_some(Change {
                request,
                path,
                before: Some(before),
                after,
            })
        })
        .collect()
}

/// A text after edits that were all meant for it as it is (`[{range, text}]`).
fn applied(before: &str, edits: &Value) -> Option<String> {
    let lines = Lines::of(before);
    // An editor writes the line ends that the file has.
    let crlf = before.matches("\r\n").count() * 2 > before.matches('\n').count();
    let mut all = Vec::new();
    for edit in edits.as_array()? {
        let range = edit.get("range")?;
        let number = |name: &str| range.get(name)?.as_u64();
        let from = lines.offset(number("startLineNumber")?, number("startColumn")?);
        let to = lines.offset(number("endLineNumber")?, number("endColumn")?);
        let text = edit.get("text").and_then(Value::as_str).unwrap_or("");
        let text = match crlf {
            true => text.replace("\r\n", "\n").replace('\n', "\r\n"),
            false => text.to_owned(),
        };
        all.push((from.min(to), from.max(to), text));
    }
    all.sort_by_key(|(from, to, _)| (*from, *to));
    let mut out = String::with_capacity(before.len());
    let mut done = 0;
    for (from, to, text) in all {
        // Edits of one moment do not overlap.
        out.push_str(before.get(done..from)?);
        out.push_str(&text);
        done = to;
    }
    out.push_str(before.get(done..)?);
    Some(out)
}

/// Where the lines of a text lie.
struct Lines<'t> {
    text: &'t str,
    /// Where each begins, and where its text ends.
    spans: Vec<(usize, usize)>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Lines<'t> {
        let mut spans = Vec::new();
        let bytes = text.as_bytes();
        let (mut start, mut n) = (0, 0);
        while n < bytes.len() {
            let width = match (bytes[n], bytes.get(n + 1)) {
                (b'\r', Some(b'\n')) => 2,
                (b'\r' | b'\n', _) => 1,
                _ => 0,
            };
            if width > 0 {
                spans.push((start, n));
                start = n + width;
            }
            n += width.max(1);
        }
        spans.push((start, text.len()));
        Lines { text, spans }
    }

    /// The place of a line and a column, both from 1, the column in units of UTF-16. What lies outside is its nearest place.
    fn offset(&self, line: u64, column: u64) -> usize {
        let Some(at) = usize::try_from(line.max(1) - 1)
            .ok()
            .filter(|n| *n < self.spans.len())
        else {
            return self.text.len();
        };
        let (start, end) = self.spans[at];
        let mut units = 1;
        for (n, c) in self.text[start..end].char_indices() {
            if units >= column {
                return start + n;
            }
            units += c.len_utf16() as u64;
        }
        end
    }
}

/// What a tool made of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Edited {
    /// It is this now.
    Whole(String),
    /// Parts were replaced: old text, new text, whether every occurrence.
    Replaced(Vec<(String, String, bool)>),
}

impl Edited {
    /// The text after it; nothing if it does not fit.
    pub fn apply(&self, before: Option<&str>) -> Option<String> {
        match self {
            Edited::Whole(text) => Some(text.clone()),
            Edited::Replaced(parts) => {
                let mut text = before?.to_owned();
                for (old, new, every) in parts {
                    let found = text.matches(old.as_str()).count();
                    if old.is_empty() || found == 0 || (found > 1 && !every) {
                        return None;
                    }
                    text = text.replace(old.as_str(), new);
                }
                (!parts.is_empty()).then_some(text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn edit(from: (u64, u64), to: (u64, u64), text: &str) -> Value {
        json!({"text": text, "range": {"startLineNumber": from.0, "startColumn": from.1,
            "endLineNumber": to.0, "endColumn": to.1}})
    }

    #[test]
    fn edits_count_lines_and_columns_as_the_editor_does() {
        for (before, edits, after) in [
            ("", json!([edit((1, 1), (1, 1), "a\n")]), "a\n"),
            ("a\nb\nc\n", json!([edit((2, 1), (3, 1), "")]), "a\nc\n"),
            (
                "a\nb\n",
                json!([edit((2, 2), (2, 2), "!"), edit((1, 1), (1, 2), "x")]),
                "x\nb!\n",
            ),
            // An emoji is two columns wide.
            ("🙂b\n", json!([edit((1, 3), (1, 4), "c")]), "🙂c\n"),
            (
                "a\r\nb\r\n",
                json!([edit((2, 1), (2, 1), "x\ny\n")]),
                "a\r\nx\r\ny\r\nb\r\n",
            ),
            ("a", json!([edit((9, 9), (9, 9), "b")]), "ab"),
            ("a\nb", json!([edit((1, 99), (1, 99), "c")]), "ac\nb"),
        ] {
            assert_eq!(
                applied(before, &edits).as_deref(),
                Some(after),
                "{before:?} {edits}"
            );
        }
        let overlapping = json!([edit((1, 1), (1, 3), "x"), edit((1, 2), (1, 4), "y")]);
        assert_eq!(applied("abcd", &overlapping), None);
        assert_eq!(applied("a", &json!([{"text": "x"}])), None);
        assert_eq!(applied("a", &Value::Null), None);
    }

    #[test]
    fn a_timeline_tells_what_each_request_made_of_a_file() {
        let a = "file:///w/a";
        let b = "file:///w/b";
        let timeline = json!({
            "fileBaselines": [
                [format!("{a}::r1"), {"content": "one\n", "epoch": 1}],
                [format!("{a}::r2"), {"content": "the person's\n", "epoch": 5, "uri": a}],
            ],
            "operations": [
                {"type": "textEdit", "uri": a, "requestId": "r2", "epoch": 5, "edits": [edit((1, 1), (1, 1), "> ")]},
                {"type": "textEdit", "uri": a, "requestId": "r1", "epoch": 2, "edits": [edit((1, 1), (1, 4), "1")]},
                {"type": "create", "uri": b, "requestId": "r1", "epoch": 3, "initialContent": ""},
                {"type": "textEdit", "uri": b, "requestId": "r1", "epoch": 4, "edits": [edit((1, 1), (1, 1), "new")]},
                {"type": "delete", "uri": b, "requestId": "r2", "epoch": 6, "finalContent": "new"},
                {"type": "textEdit", "uri": "file:///w/unknown", "requestId": "r2", "epoch": 7, "edits": []},
            ],
        });
        let change =
            |request: &str, path: &str, before: Option<&str>, after: Option<&str>| Change {
                request: request.to_owned(),
                path: path.to_owned(),
                before: Some(before.map(str::to_owned)),
                after: after.map(str::to_owned),
            };
        assert_eq!(
            changes(&timeline),
            [
                change("r1", "/w/a", Some("one\n"), Some("1\n")),
                change("r1", "/w/b", None, Some("new")),
                change(
                    "r2",
                    "/w/a",
                    Some("the person's\n"),
                    Some("> the person's\n")
                ),
                change("r2", "/w/b", Some("new"), None),
            ]
        );
    }

    #[test]
    fn a_renamed_file_keeps_its_text() {
        let timeline = json!({
            "fileBaselines": [["file:///w/a::r", {"content": "x", "epoch": 1}]],
            "operations": [{"type": "rename", "oldUri": "file:///w/a", "newUri": "file:///w/b", "requestId": "r", "epoch": 2}],
        });
        let told: Vec<_> = changes(&timeline)
            .into_iter()
            .map(|c| (c.path, c.before, c.after))
            .collect();
        let x = || Some("x".to_owned());
        assert_eq!(
            told,
            [
                ("/w/b".to_owned(), Some(None), x()),
                ("/w/a".to_owned(), Some(x()), None)
            ]
        );
    }
}
