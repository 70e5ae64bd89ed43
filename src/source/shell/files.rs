//! Files that a shell command removed or moved, where its words leave no doubt.

use super::words::{Join, Simple, commands, core};

/// What a command did to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileDeed {
    /// It is gone.
    Removed(String),
    /// It has another name.
    Moved(String, String),
}

/// What a command that ended with success did to files by `rm`, `git rm`, `mv` and `git mv`. Paths are as given, behind
/// the folder that a leading `cd` went to.
///
/// Only what must have worked counts: commands that everything behind them depends on (`&&`) or that come last. Patterns,
/// variables and folders cannot be told from the words, so whoever calls must know the path to be a file's.
pub fn file_deeds(command: &str) -> Vec<FileDeed> {
    let all = commands(command);
    let mut deeds = Vec::new();
    let mut folder = String::new();
    for (i, simple) in all.iter().enumerate() {
        let certain = !simple.background
            && all[i + 1..]
                .iter()
                .all(|c| c.join == Join::And && !c.background);
        let words: Vec<&str> = core(&simple.words)
            .iter()
            .map(|w| w.text.as_str())
            .collect();
        match words.as_slice() {
            ["cd", to] if plain(to) && i == 0 => folder = format!("{to}/"),
            // Where one stands is not known any more.
            ["cd" | "pushd" | "popd", ..] => return Vec::new(),
            _ if certain && joined(simple) => deeds.extend(deeds_of(&words, &folder)),
            _ => {}
        }
    }
    deeds
}

fn joined(simple: &Simple) -> bool {
    matches!(simple.join, Join::Then | Join::And)
}

fn deeds_of(words: &[&str], folder: &str) -> Vec<FileDeed> {
    let (removes, rest) = match words {
        ["rm", rest @ ..] | ["git", "rm", rest @ ..] => (true, rest),
        ["mv", rest @ ..] | ["git", "mv", rest @ ..] => (false, rest),
        _ => return Vec::new(),
    };
    // These leave the file where it is.
    if rest.iter().any(|w| {
        matches!(
            *w,
            "--cached" | "-n" | "--dry-run" | "--no-clobber" | "-i" | "-t"
        )
    }) {
        return Vec::new();
    }
    let paths: Vec<&str> = rest
        .iter()
        .copied()
        .filter(|w| !w.starts_with('-'))
        .collect();
    if !paths.iter().all(|p| plain(p)) {
        return Vec::new();
    }
    let place = |p: &str| {
        if p.starts_with('/') {
            p.to_owned()
        } else {
            format!("{folder}{p}")
        }
    };
    if removes {
        return paths
            .into_iter()
            .map(|p| FileDeed::Removed(place(p)))
            .collect();
    }
    match paths.as_slice() {
        // A name with the same ending is a file's, not that of a folder to move into.
        [from, to] if ending(from).is_some() && ending(from) == ending(to) => {
            vec![FileDeed::Moved(place(from), place(to))]
        }
        _ => Vec::new(),
    }
}

fn plain(path: &str) -> bool {
    !path.is_empty() && !path.contains(['*', '?', '[', '$', '`', '~', '{', '\n'])
}

fn ending(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    let (stem, ending) = name.rsplit_once('.')?;
    (!stem.is_empty() && !ending.is_empty()).then_some(ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_have_worked_counts() {
        let show = |command: &str| {
            file_deeds(command)
                .into_iter()
                .map(|d| match d {
                    FileDeed::Removed(p) => format!("-{p}"),
                    FileDeed::Moved(a, b) => format!("{a}>{b}"),
                })
                .collect::<Vec<_>>()
                .join(" ")
        };
        for (command, deeds) in [
            ("rm a.rs", "-a.rs"),
            ("rm -f 'a b.rs' /x/c.rs", "-a b.rs -/x/c.rs"),
            ("cd sub && rm a.rs && cargo test", "-sub/a.rs"),
            ("git rm -q a.rs && git commit -m x", "-a.rs"),
            ("git rm --cached a.rs", ""),
            ("rm a.rs; true", ""),
            ("rm a.rs || true", ""),
            ("rm *.rs", ""),
            ("rm $X", ""),
            ("ls | xargs rm", ""),
            ("make; rm a.rs", "-a.rs"),
            ("rm a.rs | cat", ""),
            ("mv a.rs b.rs", "a.rs>b.rs"),
            ("git mv src/a.rs src/b.rs && ls", "src/a.rs>src/b.rs"),
            ("mv a.rs src", ""),
            ("mv a.rs b.rs dir", ""),
            ("make && cd x && rm a.rs", ""),
            ("echo rm a.rs", ""),
            ("rm a.rs &", ""),
        ] {
            assert_eq!(show(command), deeds, "{command}");
        }
    }
}
