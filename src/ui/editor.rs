//! Which command opens a file at a line.

use std::path::Path;

/// The words of the command, from the setting (`{file}` and `{line}` are replaced) or else from VISUAL or EDITOR. The
/// error says what to set.
pub fn command(
    setting: Option<&str>,
    variable: Option<&str>,
    file: &Path,
    line: u32,
) -> Result<Vec<String>, String> {
    let (from, given) = match (setting, variable) {
        (Some(s), _) if !s.trim().is_empty() => ("the setting `editor`", s),
        (_, Some(v)) => ("VISUAL or EDITOR", v),
        _ => ("the default", "vi"),
    };
    let words = shlex::split(given)
        .filter(|w| !w.is_empty())
        .ok_or_else(|| format!("{from} is no command: {given}"))?;
    let file = file.display().to_string();
    let line = line.max(1);
    if words.iter().any(|w| w.contains("{file}")) {
        return Ok(words
            .iter()
            .map(|w| {
                w.replace("{file}", &file)
                    .replace("{line}", &line.to_string())
            })
            .collect());
    }
    let mut command = words;
    let program = Path::new(&command[0]).file_name();
    let program = program.map_or(String::new(), |n| n.to_string_lossy().into_owned());
    match program.as_str() {
        "code" | "code-insiders" | "codium" | "cursor" => {
            command.extend(["--goto".to_owned(), format!("{file}:{line}")]);
        }
        "hx" | "helix" | "zed" | "subl" => command.push(format!("{file}:{line}")),
        _ => command.extend([format!("+{line}"), file]),
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(setting: Option<&str>, variable: Option<&str>) -> Vec<String> {
        command(setting, variable, Path::new("/a b/c.rs"), 42).expect("a command")
    }

    #[test]
    fn editors_are_told_the_line_in_their_own_way() {
        assert_eq!(of(None, None), ["vi", "+42", "/a b/c.rs"]);
        assert_eq!(
            of(None, Some("nvim -p")),
            ["nvim", "-p", "+42", "/a b/c.rs"]
        );
        assert_eq!(
            of(None, Some("/usr/bin/hx")),
            ["/usr/bin/hx", "/a b/c.rs:42"]
        );
        assert_eq!(
            of(Some("tmux split-window 'vim +{line} {file}'"), Some("vi")),
            ["tmux", "split-window", "vim +42 /a b/c.rs"]
        );
        let wrong = command(Some("vim 'x"), None, Path::new("f"), 1);
        assert!(wrong.is_err());
    }
}
