//! Command lines: the script inside `bash -lc`, and the patch inside a script.

use serde_json::Value;

/// The command as a person would type it, from a list of arguments or a text.
pub(super) fn line(command: &Value) -> Option<String> {
    match command {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => {
            let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            Some(match script(&words) {
                Some(script) => script.to_owned(),
                None => shlex::try_join(words.iter().copied()).unwrap_or_else(|_| words.join(" ")),
            })
        }
        _ => None,
    }
}

/// The script of `bash -lc SCRIPT` and its like.
fn script<'a>(words: &[&'a str]) -> Option<&'a str> {
    let [shell, flags @ .., script] = words else {
        return None;
    };
    let shell = shell.rsplit(['/', '\\']).next().unwrap_or(shell);
    let shell = shell.strip_suffix(".exe").unwrap_or(shell);
    let last = *flags.last()?;
    let runs = match shell {
        "bash" | "sh" | "zsh" | "dash" | "fish" | "ksh" => {
            last.starts_with('-') && !last.starts_with("--") && last.ends_with('c')
        }
        "powershell" | "pwsh" => last.eq_ignore_ascii_case("-command") || last == "-c",
        "cmd" => last.eq_ignore_ascii_case("/c"),
        _ => false,
    };
    runs.then_some(*script)
}

/// The patch that a command line applies, and the folder that it changes to before.
pub(super) fn patch_in(command: &str) -> Option<(&str, Option<&str>)> {
    let begin = command.find("*** Begin Patch")?;
    let before = &command[..begin];
    if !before.contains("apply_patch") && !before.contains("applypatch") {
        return None;
    }
    let end = command[begin..]
        .find("*** End Patch")
        .map_or(command.len(), |at| begin + at + "*** End Patch".len());
    let folder = before
        .trim_start()
        .strip_prefix("cd ")
        .and_then(|rest| rest.split_once("&&"))
        .map(|(folder, _)| folder.trim().trim_matches(['\'', '"']))
        .filter(|f| !f.is_empty() && !f.contains(['$', '~', '\n']));
    Some((&command[begin..end], folder))
}

/// `path` seen from a folder, if it is relative and the folder is known.
pub(super) fn seen_from(folder: &str, path: &str) -> String {
    if folder.is_empty() || path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{}/{path}", folder.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_script_is_taken_out_of_the_shell() {
        for (given, wanted) in [
            (json!(["bash", "-lc", "ls | wc"]), "ls | wc"),
            (json!(["/bin/zsh", "-c", "ls"]), "ls"),
            (
                json!(["powershell.exe", "-NoProfile", "-Command", "dir"]),
                "dir",
            ),
            (
                json!(["git", "commit", "-m", "two words"]),
                "git commit -m 'two words'",
            ),
            (json!(["ls"]), "ls"),
            (json!("ls -l"), "ls -l"),
        ] {
            assert_eq!(line(&given).as_deref(), Some(wanted));
        }
        assert_eq!(line(&json!(3)), None);
    }

    #[test]
    fn a_patch_is_found_in_a_heredoc() {
        let text = "cd sub && apply_patch <<'EOF'\n*** Begin Patch\n*** Delete File: a\n*** End Patch\nEOF\n";
        let (patch, folder) = patch_in(text).expect("a patch");
        assert_eq!(patch, "*** Begin Patch\n*** Delete File: a\n*** End Patch");
        assert_eq!(folder, Some("sub"));
        assert_eq!(patch_in("grep '*** Begin Patch' notes"), None);
        assert_eq!(seen_from("/r/", "a/b"), "/r/a/b");
        assert_eq!(seen_from("/r", "/a"), "/a");
    }
}
