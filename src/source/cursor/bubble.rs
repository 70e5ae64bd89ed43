//! A bubble of the editor's chats: a message or a call, and the texts of files that it points at.

use std::collections::HashSet;

use color_eyre::Result;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The name of the content of an empty file, which need not be kept.
const EMPTY: &str =
    "composer.content.e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The body of a bubble's record, and its kind. `created` names the bubbles that made a file anew, `content` gives the text
/// of a file by its name.
pub(super) fn body(
    id: &str,
    text: &str,
    is_task: bool,
    created: &HashSet<String>,
    content: &dyn Fn(&str) -> Result<Option<String>>,
) -> Result<(&'static str, String)> {
    let bubble: Value = serde_json::from_str(text).unwrap_or_default();
    let is_user = bubble.get("type").is_some_and(|t| *t == 1 || *t == "user");
    let kind = match (is_user, is_task) {
        (true, true) => "task",
        (true, false) => "user",
        (false, _) => "bubble",
    };
    let side = |name: &str| -> Result<Option<String>> {
        match result(&bubble).and_then(|r| Some(r.get(name)?.as_str()?.to_owned())) {
            Some(key) if key == EMPTY => Ok(Some(String::new())),
            Some(key) => content(&key),
            None => Ok(None),
        }
    };
    let (before, after) = (side("beforeContentId")?, side("afterContentId")?);
    let is_new = before.as_deref() == Some("") && created.contains(id);
    let sound = match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => text.to_owned(),
        Err(_) => Value::from(text).to_string(),
    };
    let mut body = format!("{{\"bubble\":{sound}");
    for (name, text) in [("before", before), ("after", after)] {
        if let Some(text) = text {
            body.push_str(&format!(",\"{name}\":{}", Value::from(text)));
        }
    }
    if is_new {
        body.push_str(",\"new\":true");
    }
    body.push('}');
    Ok((kind, body))
}

/// What a tool gave back.
pub(super) fn result(bubble: &Value) -> Option<Value> {
    inner(bubble.get("toolFormerData")?, "result")
}

/// JSON that stands in a text.
pub(super) fn inner(value: &Value, name: &str) -> Option<Value> {
    match value.get(name)? {
        Value::String(text) => serde_json::from_str(text).ok(),
        Value::Null => None,
        other => Some(other.clone()),
    }
}

/// The path that a URI of a file on this machine names.
pub(in crate::source) fn path_of_uri(uri: &str) -> Option<String> {
    let encoded = uri.strip_prefix("file://")?;
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = rest.get(1..3).and_then(|h| std::str::from_utf8(h).ok());
        match (first, hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &rest[3..];
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    let path = String::from_utf8(bytes).ok()?;
    // `/c:/x` is a drive.
    match path.as_bytes() {
        [b'/', drive, b':', ..] if drive.is_ascii_alphabetic() => Some(path[1..].to_owned()),
        [b'/', ..] => Some(path),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_paths() {
        for (uri, path) in [
            ("file:///w/a%20b/%C3%A4", Some("/w/a b/ä")),
            ("file:///c%3A/Users/x", Some("c:/Users/x")),
            ("file:///w/100%", Some("/w/100%")),
            ("file:///w/%zz", Some("/w/%zz")),
            ("vscode-remote://wsl%2Bubuntu/w", None),
            ("file://host/w", None),
            ("/w", None),
        ] {
            assert_eq!(path_of_uri(uri).as_deref(), path, "{uri}");
        }
    }
}
