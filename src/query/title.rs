//! One line that names a step, made from its target.

use crate::model::StepKind;

const LONGEST: usize = 200;

/// The target on one line: white space folded; of a command, a leading `cd … &&` and variables taken off.
pub(super) fn of_step(kind: StepKind, target: &str) -> String {
    let line = one_line(target, LONGEST);
    if kind == StepKind::Command {
        short_command(&line).to_owned()
    } else {
        line
    }
}

/// Words joined by single spaces, at most `longest` characters.
pub fn one_line(text: &str, longest: usize) -> String {
    let mut out = String::with_capacity(text.len().min(longest * 2));
    let mut chars = 0;
    // What cannot be seen is no space: it is made visible where it is shown.
    for word in text.split_ascii_whitespace() {
        if chars > 0 {
            out.push(' ');
            chars += 1;
        }
        for c in word.chars() {
            if chars + 1 >= longest {
                out.push('…');
                return out;
            }
            out.push(c);
            chars += 1;
        }
    }
    out
}

/// What a reader wants of a command: not where, not with which variables.
fn short_command(line: &str) -> &str {
    let mut rest = line;
    loop {
        let before = rest;
        if let Some(tail) = rest.strip_prefix("cd ")
            && let Some((folder, after)) = tail.split_once("&&")
            && !folder.contains([';', '|'])
            && !after.trim().is_empty()
        {
            rest = after.trim_start();
        }
        if let Some((word, after)) = rest.split_once(' ')
            && is_assignment(word)
            && !after.is_empty()
        {
            rest = after.trim_start();
        }
        if rest.len() == before.len() {
            return rest;
        }
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, value)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b == b'_' || b.is_ascii_uppercase() || b.is_ascii_digit())
            // A quoted value may hold blanks, and then this is not its end.
            && !value.contains(['"', '\'', '(', '`'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_lose_where_and_with_what() {
        for (command, title) in [
            ("cd /a/b && cargo test retry", "cargo test retry"),
            (
                "RUST_LOG=debug CI=1 cargo  test\n --all",
                "cargo test --all",
            ),
            ("cd a && FOO=1 cd b && ls", "ls"),
            ("A=\"x y\" run", "A=\"x y\" run"),
            ("cd /only", "cd /only"),
            ("x=1 ls", "x=1 ls"),
        ] {
            assert_eq!(of_step(StepKind::Command, command), title);
        }
        assert_eq!(of_step(StepKind::Read, "cd a && b"), "cd a && b");
    }

    #[test]
    fn one_line_is_bounded_in_characters() {
        assert_eq!(one_line("é é", 10), "é é");
        assert_eq!(one_line("ééééé", 4), "ééé…");
        assert_eq!(one_line("", 4), "");
    }
}
