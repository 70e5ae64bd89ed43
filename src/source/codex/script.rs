//! Code mode: what a script calls, as far as its words tell. The script is not run, so this is a summary, not a record.

use crate::model::StepKind;

/// What a script seems to do.
pub(super) struct Summary {
    /// A command if it runs one; an edit if it only patches; and so on.
    pub kind: StepKind,
    /// The commands that stand in it as literals, or the first line.
    pub target: String,
    /// The paths that patches in it name.
    pub paths: Vec<String>,
}

/// Summarises a script.
pub(super) fn summary(script: &str) -> Summary {
    let commands = commands(script);
    let paths = patched_paths(script);
    let kind = kind(script, &commands);
    let target = match kind {
        StepKind::Edit if !paths.is_empty() => super::patch::target(&paths),
        _ if !commands.is_empty() => commands.join(" ; "),
        _ => first_words(script),
    };
    Summary {
        kind,
        target,
        paths,
    }
}

fn kind(script: &str, commands: &[String]) -> StepKind {
    let tools = tools(script);
    let uses = |name: &str| tools.iter().any(|t| t.starts_with(name));
    if !commands.is_empty() || uses("exec_command") || uses("shell") || uses("write_stdin") {
        StepKind::Command
    } else if uses("apply_patch") || script.contains("*** Begin Patch") {
        StepKind::Edit
    } else if uses("update_plan") {
        StepKind::Plan
    } else if uses("spawn_agent") {
        StepKind::Subagent
    } else if uses("mcp__") {
        StepKind::Mcp
    } else if uses("web") {
        StepKind::Web
    } else if uses("view_image") {
        StepKind::Read
    } else {
        StepKind::Other
    }
}

/// The names after `tools.`.
fn tools(script: &str) -> Vec<&str> {
    script
        .match_indices("tools.")
        .filter_map(|(at, word)| {
            let rest = &script[at + word.len()..];
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            (end > 0).then(|| &rest[..end])
        })
        .collect()
}

/// The literals after `cmd:` and `cmd =`.
fn commands(script: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = script[from..].find("cmd") {
        let start = from + at;
        from = start + 3;
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.');
        if script[..start].chars().next_back().is_some_and(is_word) {
            continue;
        }
        let rest = script[from..].trim_start_matches(['"', '\'']).trim_start();
        let Some(rest) = rest
            .strip_prefix(':')
            .or_else(|| rest.strip_prefix('=').filter(|r| !r.starts_with('=')))
        else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some((text, length)) = literal(rest) {
            from = script.len() - rest.len() + length;
            found.push(text);
        }
    }
    found
}

/// A string literal at the beginning of a text, and how long it is. What a template puts in stays as written.
fn literal(text: &str) -> Option<(String, usize)> {
    let quote = text
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\'' | '`'))?;
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((out, at + 1)),
            '\\' => {
                let (_, escaped) = chars.next()?;
                match escaped {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    '\n' => {}
                    'x' => out.extend(code(&mut chars, 2)),
                    'u' => out.extend(code(&mut chars, 4)),
                    other => out.push(other),
                }
            }
            '\n' if quote != '`' => return None,
            c => out.push(c),
        }
    }
    None
}

/// A character by its number in so many hexadecimal digits.
fn code(chars: &mut impl Iterator<Item = (usize, char)>, digits: usize) -> Option<char> {
    let hex: String = chars.take(digits).map(|(_, c)| c).collect();
    u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32)
}

/// The paths after `*** Add File: ` and its like, up to the end of the line, be it real or escaped.
fn patched_paths(script: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for (at, _) in script.match_indices("*** ") {
        let rest = &script[at + 4..];
        let Some(rest) = ["Add File: ", "Update File: ", "Delete File: "]
            .iter()
            .find_map(|head| rest.strip_prefix(head))
        else {
            continue;
        };
        let end = rest
            .find(['\n', '\\', '"', '\'', '`'])
            .unwrap_or(rest.len());
        let path = rest[..end].trim();
        if !path.is_empty() && !paths.iter().any(|p| p == path) {
            paths.push(path.to_owned());
        }
    }
    paths
}

fn first_words(script: &str) -> String {
    script
        .lines()
        .map(str::trim)
        .find(|l| !l.is_empty() && !l.starts_with("//"))
        .unwrap_or("")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_commands_are_found() {
        let script = r#"const r = await tools.exec_command({cmd:"ls -l \"a b\"", workdir: "/x"});
            text(r.output); const cmd = 'cat x'; await Promise.all([tools.exec_command({ "cmd": `echo ${n}` })]);
            other.cmd: "no"; mycmd = "no"; if (cmd == "no") {}"#;
        let s = summary(script);
        assert_eq!(s.kind, StepKind::Command);
        assert_eq!(s.target, "ls -l \"a b\" ; cat x ; echo ${n}");
    }

    #[test]
    fn a_script_that_only_patches_is_an_edit() {
        let script = "const p = \"*** Begin Patch\\n*** Update File: src/a.rs\\n@@\\n-a\\n+b\\n*** End Patch\";\nawait tools.apply_patch(p);";
        let s = summary(script);
        assert_eq!(s.kind, StepKind::Edit);
        assert_eq!(s.target, "src/a.rs");
        assert_eq!(summary("// a note\nlet x = 1;").target, "let x = 1;");
        assert_eq!(summary("tools.web__run({})").kind, StepKind::Web);
    }
}
