//! Small repositories, made by git itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder for a test, by its real name.
pub fn folder() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(dir.path()).unwrap();
    (dir, path)
}

/// Runs git, apart from the settings of whoever runs the tests, and gives what it printed.
pub fn git(dir: &Path, args: &[&str]) -> String {
    let out = Command::new("git")
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "a")
        .env("GIT_AUTHOR_EMAIL", "a@example.invalid")
        .env("GIT_COMMITTER_NAME", "a")
        .env("GIT_COMMITTER_EMAIL", "a@example.invalid")
        .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
        .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
        .output()
        .expect("git is installed");
    assert!(
        out.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

pub fn init(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    git(dir, &["init", "-q", "-b", "main"]);
}

pub fn write(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

pub fn commit(dir: &Path) -> String {
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "--allow-empty", "-m", "c"]);
    git(dir, &["rev-parse", "HEAD"])
}

/// Version `n` of a file that is long and changes little, so that git packs it as deltas.
pub fn version(n: usize) -> Vec<u8> {
    (0..400)
        .map(|line| match (line + n * 7) % 61 {
            0 => format!("line {line} as of version {n}\n"),
            _ => format!(
                "line {line} has some words in it that stay: {}\n",
                line * 7919
            ),
        })
        .collect::<String>()
        .into_bytes()
}

/// A repository with a history, and its commits.
pub fn history(dir: &Path) -> Vec<String> {
    init(dir);
    (0..12)
        .map(|n| {
            write(dir, "src/deep/long.txt", version(n));
            write(dir, "small.txt", format!("{n}\n"));
            write(dir, "empty", "");
            commit(dir)
        })
        .collect()
}
