//! The shape of the house: who may know whom, how long a file may be, what stands where.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules and the modules that they may use. What is not listed may not be.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("text", &[]),
    ("clock", &["model"]),
    ("config", &["clock", "model", "source", "store"]),
    ("git", &[]),
    ("source", &["model"]),
    ("diff", &["model", "source"]),
    ("store", &["model"]),
    (
        "ingest",
        &["model", "source", "store", "diff", "git", "text"],
    ),
    (
        "query",
        &["clock", "model", "source", "store", "diff", "git", "text"],
    ),
    (
        "ui",
        &[
            "model", "source", "query", "diff", "text", "config", "clock", "rewind",
        ],
    ),
    ("fsx", &["model", "git"]),
    ("snapshot", &["clock", "model", "fsx", "git", "store"]),
    (
        "watch",
        &["clock", "model", "fsx", "ingest", "snapshot", "store"],
    ),
    (
        "rewind",
        &[
            "clock", "model", "fsx", "git", "store", "diff", "query", "snapshot",
        ],
    ),
    (
        "hook",
        &["clock", "model", "fsx", "git", "store", "snapshot", "text"],
    ),
    ("cli", &["*"]),
];

/// Words that may stand only in some places: the word, the places, why.
const ONLY_IN: &[(&str, &[&str], &str)] = &[
    (
        "rusqlite",
        // Some agents keep their sessions in databases of their own.
        &["store/", "query/", "ingest/", "source/sqlite.rs"],
        "SQL stays with those who know the tables",
    ),
    (
        "Color::",
        &["ui/theme.rs", "cli/out.rs"],
        "one file of the screen and one of the commands name the colours",
    ),
    (
        "env::var",
        &["cli/", "config.rs", "main.rs"],
        "the environment is read once, at the top",
    ),
    ("TcpStream", &[], "there is no network code"),
    ("UdpSocket", &[], "there is no network code"),
    ("UnixStream", &[], "there is no network code"),
    ("Command::new(\"git\")", &[], "git is read, never run"),
];

/// The longest file, tests included.
const LINES: usize = 550;

fn sources() -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            match entry.path() {
                path if path.is_dir() => dirs.push(path),
                path if path.extension().is_some_and(|e| e == "rs") => out.push(path),
                _ => {}
            }
        }
    }
    out.sort();
    out
}

fn relative(path: &Path) -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    path.strip_prefix(src)
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

/// The code of a file: comments and the tests at its end left out.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end]
        .lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn module(relative: &str) -> &str {
    relative
        .split('/')
        .next()
        .unwrap_or(relative)
        .trim_end_matches(".rs")
}

fn is_test(relative: &str) -> bool {
    let name = relative.rsplit('/').next().unwrap_or(relative);
    name.contains("test") || name == "hostile.rs"
}

/// Modules of the crate that a file names with `crate::`.
fn used(code: &str) -> BTreeSet<&str> {
    code.match_indices("crate::")
        .map(|(at, _)| {
            let rest = &code[at + 7..];
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            &rest[..end]
        })
        .filter(|m| !m.is_empty())
        .collect()
}

#[test]
fn knowledge_runs_one_way() {
    let known: BTreeSet<&str> = MAY_USE.iter().map(|(m, _)| *m).collect();
    let mut wrong = Vec::new();
    for path in sources() {
        let name = relative(&path);
        if name == "lib.rs" || name == "main.rs" || is_test(&name) {
            continue;
        }
        let own = module(&name);
        let Some((_, may)) = MAY_USE.iter().find(|(m, _)| *m == own) else {
            wrong.push(format!("{name}: module {own} is not in the table"));
            continue;
        };
        for other in used(&code(&path)) {
            let allowed = other == own || may.contains(&other) || may.contains(&"*");
            if known.contains(other) && !allowed {
                wrong.push(format!("{name} uses {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_table_itself_has_no_circle() {
    let mut left: Vec<&(&str, &[&str])> = MAY_USE.iter().collect();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|(m, may)| {
            let ready = may.iter().all(|o| done.contains(o))
                || (may.contains(&"*") && done.len() == MAY_USE.len() - 1);
            if ready {
                done.insert(m);
            }
            !ready
        });
        assert!(left.len() < before, "a circle among {left:?}");
    }
}

#[test]
fn a_file_has_one_subject_and_fits_in_the_head() {
    let long: Vec<String> = sources()
        .iter()
        .map(|p| (relative(p), fs::read_to_string(p).unwrap().lines().count()))
        .filter(|(_, n)| *n > LINES)
        .map(|(p, n)| format!("{p}: {n} lines"))
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|p| !is_test(&relative(p)))
        .filter(|p| !fs::read_to_string(p).unwrap().starts_with("//!"))
        .map(|p| relative(p))
        .collect();
    assert!(silent.is_empty(), "\n{}", silent.join("\n"));
}

#[test]
fn some_words_stand_only_in_some_places() {
    let mut wrong = Vec::new();
    for path in sources() {
        let name = relative(&path);
        if is_test(&name) {
            continue;
        }
        let code = code(&path);
        for (word, places, why) in ONLY_IN {
            if code.contains(word) && !places.iter().any(|p| name.starts_with(p)) {
                wrong.push(format!("{name}: `{word}` ({why})"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_crate_that_can_reach_the_network_is_locked() {
    let lock =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    for name in [
        "reqwest",
        "hyper",
        "ureq",
        "rustls",
        "openssl",
        "native-tls",
        "tokio",
        "curl",
        "socket2",
        "isahc",
        "surf",
        "hickory-resolver",
    ] {
        assert!(
            !lock.contains(&format!("name = \"{name}\"")),
            "{name} is in Cargo.lock"
        );
    }
}
