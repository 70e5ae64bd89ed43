//! What shell commands do, as far as their words tell.
//!
//! Best effort and pure: the words are read as a POSIX shell would group them, nothing is run or looked
//! up. Where the words do not tell, the answer is "not known", never a guess.

mod files;
mod risk;
mod testing;
mod words;

pub use files::{FileDeed, file_deeds};
pub use risk::risk;
pub use testing::{is_test_run, test_outcome};

use words::{commands, core};

/// The command on one line, without what only prepares it: `cd ... &&`, assignments, `sudo`.
pub fn summary(command: &str) -> String {
    let all = commands(command);
    let first = all.iter().find(|c| !prepares(&c.words));
    let start = first.and_then(|c| {
        // `timeout 60` and the like stay: they are part of what was run.
        let skip = c
            .words
            .iter()
            .position(|w| !w.is_assignment() && w.text != "sudo");
        c.words.get(skip?).map(|w| w.start)
    });
    let text = command.get(start.unwrap_or(0)..).unwrap_or(command);
    let lines = text
        .lines()
        .map(|line| line.trim().trim_end_matches('\\').trim_end());
    let lines: Vec<&str> = lines
        .filter(|l| !l.is_empty() && !l.starts_with("# "))
        .collect();
    lines.join(" ")
}

/// The program that the command is about, without its folder: `git` for `cd x && FOO=1 /usr/bin/git st`.
pub fn program(command: &str) -> Option<&str> {
    let all = commands(command);
    let first = all.iter().find(|c| !prepares(&c.words)).or(all.first())?;
    let word = core(&first.words).first()?;
    let text = command.get(word.start..word.end)?;
    let text = text.trim_matches(['"', '\'']);
    let name = text.rsplit('/').next().unwrap_or(text);
    (!name.is_empty()).then_some(name)
}

/// Commands that only set the scene for the one that follows.
fn prepares(words: &[words::Word]) -> bool {
    let scene = ["cd", "pushd", "export", "set", "source", ".", "unset"];
    match words.iter().find(|w| !w.is_assignment()) {
        Some(word) => scene.contains(&word.text.as_str()),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_command_panics(command in "[a-z \\\\'\"$()<>|&;\n#{}=é-]{0,60}") {
            let _ = (summary(&command), program(&command), risk(&command), is_test_run(&command));
            let _ = test_outcome(&command, Some(1), &command);
        }
    }

    #[test]
    fn hostile_commands_do_not_exhaust_the_stack() {
        for piece in [
            "\"$(", "$(", "(", "'", "\\", "<<", "<<a\n", "sh -c '", "\"$(<<",
        ] {
            let command = piece.repeat(50_000);
            let _ = (summary(&command), risk(&command), is_test_run(&command));
        }
    }

    #[test]
    fn summaries_drop_the_preparation() {
        for (command, short) in [
            ("cd /a/b && cargo test", "cargo test"),
            ("cd /a; FOO=1 BAR='x y' make all", "make all"),
            ("sudo apt-get update", "apt-get update"),
            ("export A=1 && cd x && ls -la | head", "ls -la | head"),
            ("timeout 60 npm test", "timeout 60 npm test"),
            ("git commit -m \"a\n\nb\"", "git commit -m \"a b\""),
            ("cargo build \\\n  --release", "cargo build --release"),
            ("# what\nls", "ls"),
            ("cd /only", "cd /only"),
            ("", ""),
            ("echo \"unterminated", "echo \"unterminated"),
        ] {
            assert_eq!(summary(command), short, "{command}");
        }
    }

    #[test]
    fn programs_are_named_without_their_folder() {
        for (command, name) in [
            ("cd x && FOO=1 /usr/bin/git status", Some("git")),
            ("timeout 5 npx vitest", Some("vitest")),
            ("sudo -u me env A=b ls", Some("ls")),
            ("(cd x; make)", Some("make")),
            ("cd x", Some("cd")),
            ("", None),
        ] {
            assert_eq!(program(command), name, "{command}");
        }
    }
}
