//! Codex's `config.toml`: our tables are one piece at its end. The rest is read to see whether it stays what it was, and
//! never written anew.

use super::edit::{Edit, Refused};

/// Whether hooks are written down there; the state of hooks that Codex keeps there itself does not count.
pub(super) fn has_hooks(text: &str) -> bool {
    let table = text.parse::<toml::Table>().ok();
    let hooks = table.as_ref().and_then(|t| t.get("hooks")?.as_table());
    hooks.is_some_and(|h| h.keys().any(|k| k != "state"))
}

fn table(text: &str) -> Result<toml::Table, Refused> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.parse::<toml::Table>().map_err(|e| {
        let message = e.message().to_owned();
        format!("it cannot be read: {message}")
    })
}

/// Puts the hooks of these events in.
pub(super) fn put(
    text: &str,
    events: &[&str],
    command: &str,
    timeout: u32,
) -> Result<Edit, Refused> {
    let before = table(text)?;
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let quoted = toml::Value::from(command).to_string();
    let mut piece = String::new();
    if !text.is_empty() && !text.ends_with('\n') {
        piece.push_str(newline);
    }
    for event in events {
        let lines = [
            String::new(),
            format!("[[hooks.{event}]]"),
            format!("[[hooks.{event}.hooks]]"),
            "type = \"command\"".to_owned(),
            format!("command = {quoted}"),
            format!("timeout = {timeout}"),
        ];
        for line in lines {
            piece.push_str(&line);
            piece.push_str(newline);
        }
    }
    let edit = Edit {
        text: format!("{text}{piece}"),
        pieces: vec![piece],
    };
    // Where hooks are written in one line, or as something else, nothing can be added at the end.
    let mut after = table(&edit.text)
        .map_err(|_| "its hooks are written in a way that cannot be added to".to_owned())?;
    for event in events {
        drop_last(&mut after, event);
    }
    let mut before = before;
    tidy(&mut before);
    tidy(&mut after);
    match before == after {
        true => Ok(edit),
        false => Err("its hooks are written in a way that cannot be added to".to_owned()),
    }
}

fn drop_last(table: &mut toml::Table, event: &str) {
    let hooks = table.get_mut("hooks").and_then(toml::Value::as_table_mut);
    if let Some(list) = hooks.and_then(|h| h.get_mut(event)?.as_array_mut()) {
        list.pop();
    }
}

/// Empty lists and tables of hooks mean the same as none.
fn tidy(table: &mut toml::Table) {
    if let Some(hooks) = table.get_mut("hooks").and_then(toml::Value::as_table_mut) {
        hooks.retain(|_, v| v.as_array().is_none_or(|a| !a.is_empty()));
        if hooks.is_empty() {
            table.remove("hooks");
        }
    }
}

/// The commands of ours, one for each event that has one.
pub(super) fn commands(text: &str, mark: &str) -> Vec<(String, String)> {
    let Ok(table) = table(text) else {
        return Vec::new();
    };
    let Some(hooks) = table.get("hooks").and_then(toml::Value::as_table) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (event, groups) in hooks {
        let groups = groups.as_array().into_iter().flatten();
        let handlers = groups.filter_map(|g| g.get("hooks")?.as_array()).flatten();
        for command in handlers.filter_map(|h| h.get("command")?.as_str()) {
            if command.ends_with(mark) {
                found.push((event.clone(), command.to_owned()));
            }
        }
    }
    found
}

/// Takes the hooks out: the piece that was put in, else each table of ours that is still as we write them.
pub(super) fn take_out(text: &str, pieces: &[String], mark: &str) -> Result<String, Refused> {
    table(text)?;
    if let Some(without) = super::edit::without(text, pieces)
        && table(&without).is_ok()
        && commands(&without, mark).is_empty()
    {
        return Ok(without);
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::new();
    let mut at = 0;
    while at < lines.len() {
        let is_group = |n: usize| lines.get(n).is_some_and(|l| l.starts_with("[[hooks."));
        let ours = is_group(at)
            && is_group(at + 1)
            && lines[at + 1..]
                .iter()
                .skip(1)
                .take(3)
                .any(|l| l.starts_with("command = ") && l.contains(mark));
        if !ours {
            out.push_str(lines[at]);
            at += 1;
            continue;
        }
        at += 2;
        while lines.get(at).is_some_and(|l| {
            ["type = ", "command = ", "timeout = "]
                .iter()
                .any(|k| l.starts_with(k))
        }) {
            at += 1;
        }
    }
    match commands(&out, mark).is_empty() && table(&out).is_ok() {
        true => Ok(out),
        false => Err("our hooks in it were rewritten; take them out by hand".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MARK: &str = " hook codex 2>/dev/null || cat >/dev/null";

    fn put_in(text: &str) -> Result<Edit, Refused> {
        put(text, &["Stop", "PreToolUse"], &format!("'/a b/r'{MARK}"), 5)
    }

    #[test]
    fn what_was_there_stays_and_comes_back() {
        for text in [
            "",
            "# c\r\nmodel = \"x\"\r\n[[hooks.Stop]]\r\n[[hooks.Stop.hooks]]\r\ntype = 'command'\r\ncommand = 'x'",
            "[hooks.state.\"a:b\"]\ntrusted_hash = \"1\"\n",
            "[[hooks.Stop]]\nmatcher = \"\"\n\n[tui]\nx = 1 # y\n",
        ] {
            let edit = put_in(text).unwrap();
            assert_eq!(commands(&edit.text, MARK).len(), 2, "{}", edit.text);
            assert_eq!(take_out(&edit.text, &edit.pieces, MARK).unwrap(), text);
            // Codex writes what it remembers behind it.
            let grown = format!(
                "{}\n[projects.\"/w\"]\ntrust_level = \"trusted\"\n",
                edit.text
            );
            let left = take_out(&grown, &edit.pieces, MARK).unwrap();
            assert_eq!(
                left,
                format!("{text}\n[projects.\"/w\"]\ntrust_level = \"trusted\"\n")
            );
            // Without the piece it is found by what it says.
            let left = take_out(&grown, &[], MARK).unwrap();
            assert!(commands(&left, MARK).is_empty() && left.contains("[projects."));
        }
    }

    #[test]
    fn what_cannot_be_added_to_is_refused() {
        for text in [
            "hooks = { Stop = [] }\n",
            "hooks = 1\n",
            "[hooks]\nStop = \"x\"\n",
            "a = \n",
            "[[hooks]]\n",
        ] {
            assert!(put_in(text).is_err(), "{text}");
        }
        assert!(
            has_hooks("[[hooks.Stop]]\n") && !has_hooks("[hooks.state]\n") && !has_hooks("a =")
        );
    }
}
