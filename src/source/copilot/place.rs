//! Paths and addresses as VS Code and its extensions write them, on every system, in one spelling.
//!
//! A path of Windows becomes what VS Code's own addresses have as their path, `/c:/Users/me`: so all spellings of a file are
//! one, whether a tool, an address or a workspace names it.

use std::path::Path;

use serde_json::Value;

/// A path in the one spelling. What is no path of Windows stays as it is.
pub(super) fn path(given: &str) -> String {
    let bytes = given.as_bytes();
    match bytes {
        [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic() => {
            let rest = given[2..].replace('\\', "/");
            format!("/{}:{rest}", char::from(drive.to_ascii_lowercase()))
        }
        [b'/', drive, b':', b'/', ..] if drive.is_ascii_alphabetic() => {
            format!("/{}{}", char::from(drive.to_ascii_lowercase()), &given[2..])
        }
        _ if given.contains("://") => of_address(given).unwrap_or_else(|| given.to_owned()),
        _ => given.to_owned(),
    }
}

/// The path of an address of a file, on this machine or on one that the editor works on for it (`vscode-remote:`).
pub(super) fn of_address(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    if !matches!(
        scheme,
        "file" | "vscode-remote" | "vscode-userdata" | "untitled"
    ) {
        return None;
    }
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let at = rest.find('/')?;
    // A share has a host; it is part of what names the file.
    let host = match scheme {
        "file" if at > 0 => format!("//{}", decoded(&rest[..at])?),
        _ => String::new(),
    };
    Some(host + &path(&decoded(&rest[at..])?))
}

/// The path of an address, as text or in its parts.
pub(super) fn of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.contains("://") => of_address(text),
        Value::String(text) => Some(path(text)).filter(|p| p.starts_with('/')),
        Value::Object(parts) => {
            let text = |name: &str| parts.get(name).and_then(Value::as_str);
            let scheme = text("scheme").unwrap_or("file");
            if !matches!(scheme, "file" | "vscode-remote" | "untitled") {
                return None;
            }
            text("path")
                .or_else(|| text("fsPath"))
                .map(path)
                .filter(|p| p.starts_with('/'))
        }
        _ => None,
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
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
    String::from_utf8(bytes).ok()
}

/// The folder of the workspace that a file of the editor belongs to, by what lies beside it: `workspace.json` in the folder
/// `workspaceStorage/ID`. A workspace of several folders has none.
pub(super) fn workspace(file: &Path) -> Option<String> {
    let of_workspace = file.ancestors().find(|a| {
        a.parent()
            .and_then(Path::file_name)
            .is_some_and(|n| n == super::STORAGE)
    })?;
    let text = std::fs::read_to_string(of_workspace.join("workspace.json")).ok()?;
    let value: Value = serde_json::from_str(&text).ok()?;
    of(value.get("folder")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_spellings_of_a_file_are_one() {
        for (given, want) in [
            ("/w/a b", "/w/a b"),
            ("src/a.rs", "src/a.rs"),
            ("C:\\Users\\me\\a.rs", "/c:/Users/me/a.rs"),
            ("c:/Users/me/a.rs", "/c:/Users/me/a.rs"),
            ("/C:/Users/me", "/c:/Users/me"),
            ("file:///c%3A/Users/me/a%20b.rs", "/c:/Users/me/a b.rs"),
            ("file:///w/%C3%A4#12-13", "/w/ä"),
            ("vscode-remote://wsl%2Bubuntu/home/me/x", "/home/me/x"),
            ("file://host/share/x", "//host/share/x"),
            ("file:///w/100%", "/w/100%"),
            ("https://x.y/z", "https://x.y/z"),
            ("c:", "c:"),
            ("", ""),
        ] {
            assert_eq!(path(given), want, "{given}");
        }
    }

    #[test]
    fn an_address_in_parts_is_its_path() {
        let parts = json!({"$mid": 1, "fsPath": "c:\\w\\a", "path": "/c:/w/a", "scheme": "file"});
        assert_eq!(of(&parts).as_deref(), Some("/c:/w/a"));
        let only = json!({"fsPath": "C:\\w\\a"});
        assert_eq!(of(&only).as_deref(), Some("/c:/w/a"));
        for none in [
            json!({"path": "/x", "scheme": "git"}),
            json!({}),
            json!(7),
            json!("https://x/y"),
            json!("relative"),
        ] {
            assert_eq!(of(&none), None, "{none}");
        }
    }
}
