//! T10: git does not notice. Forty states that a repository can be in; each is proved to be reached before it counts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scene::Scene;

pub fn git(dir: &Path, args: &[&str]) -> String {
    let settings = [
        "user.name=x",
        "user.email=x@x",
        "commit.gpgsign=false",
        "init.defaultBranch=main",
        "advice.detachedHead=false",
        "gc.auto=0",
    ];
    let out = Command::new("git")
        .current_dir(dir)
        .args(settings.iter().flat_map(|s| ["-c", s]))
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_EDITOR", "true")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .output()
        .unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

pub fn no_git() -> bool {
    let missing = Command::new("git").arg("--version").output().is_err();
    if missing {
        eprintln!("SKIPPED: git is not installed");
    }
    missing
}

/// Every file below a git folder, byte for byte.
fn bytes(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read(&path).unwrap();
                all.push((path, text));
            }
        }
    }
    all.sort();
    all
}

/// A state: what it is called, the commands that lead there (`put FILE TEXT` writes a file), and the proof: what `git
/// status` then says, or a file below `.git`, or `ls:` what `git ls-files -v --stage` says.
type State = (
    &'static str,
    &'static [&'static [&'static str]],
    &'static str,
);

const STATES: &[State] = &[
    ("clean", &[], "branch.head main"),
    ("staged", &[&["add", "other"]], "1 A. N... 000000 100644"),
    (
        "staged and changed again",
        &[
            &["put", "tracked", "two\n"],
            &["add", "tracked"],
            &["put", "tracked", "three\n"],
        ],
        "1 MM",
    ),
    ("changed", &[&["put", "tracked", "two\n"]], "1 .M"),
    ("intent to add", &[&["add", "-N", "other"]], "1 .A"),
    (
        "detached",
        &[&["checkout", "-q", "--detach"]],
        "branch.head (detached)",
    ),
    (
        "on a branch",
        &[&["checkout", "-q", "-b", "topic"]],
        "branch.head topic",
    ),
    (
        "on an unborn branch",
        &[&["checkout", "-q", "--orphan", "new"]],
        "branch.oid (initial)",
    ),
    (
        "stashed",
        &[&["stash", "push", "-q", "--include-untracked", "--", "other"]],
        "refs/stash",
    ),
    (
        "stashed what was staged",
        &[&["add", "other"], &["stash", "push", "-q", "--staged"]],
        "refs/stash",
    ),
    (
        "removed from the index",
        &[&["rm", "-q", "--cached", "tracked"]],
        "1 D.",
    ),
    ("removed", &[&["rm", "-q", "tracked"]], "1 D."),
    ("moved", &[&["mv", "tracked", "moved"]], "2 R."),
    (
        "nothing in the index",
        &[&["rm", "-q", "-r", "--cached", "."]],
        "1 D.",
    ),
    (
        "a mode staged",
        &[&["update-index", "--chmod=+x", "tracked"]],
        "100644 100755",
    ),
    (
        "conflicted",
        &[&["checkout", "-q", "left"], &["merge", "-q", "right"]],
        "MERGE_HEAD",
    ),
    (
        "conflicted, and remembered",
        &[
            &["config", "rerere.enabled", "true"],
            &["checkout", "-q", "left"],
            &["merge", "-q", "right"],
        ],
        "MERGE_RR",
    ),
    (
        "merged, not committed",
        &[
            &["checkout", "-q", "left"],
            &["merge", "-q", "-s", "ours", "--no-commit", "right"],
        ],
        "MERGE_HEAD",
    ),
    (
        "in a rebase",
        &[&["checkout", "-q", "left"], &["rebase", "-q", "right"]],
        "rebase-merge/head-name",
    ),
    (
        "in a rebase by patches",
        &[
            &["checkout", "-q", "left"],
            &["rebase", "-q", "--apply", "right"],
        ],
        "rebase-apply/head-name",
    ),
    (
        "taking mail in",
        &[
            &["format-patch", "-q", "-1", "right", "-o", ".git/mail"],
            &["checkout", "-q", "left"],
            &["am", "-q", ".git/mail/0001-right.patch"],
        ],
        "rebase-apply/applying",
    ),
    (
        "in a cherry-pick",
        &[&["checkout", "-q", "left"], &["cherry-pick", "right"]],
        "CHERRY_PICK_HEAD",
    ),
    (
        "in a revert",
        &[
            &["checkout", "-q", "left"],
            &["revert", "--no-commit", "HEAD"],
        ],
        "REVERT_HEAD",
    ),
    ("bisecting", &[&["bisect", "start"]], "BISECT_START"),
    (
        "sparse",
        &[&["sparse-checkout", "set", "--no-cone", "sub"]],
        "ls:S 100644",
    ),
    (
        "sparse, and so the index",
        &[
            &["sparse-checkout", "set", "--cone", "--sparse-index", "sub"],
            &["status"],
        ],
        "info/sparse-checkout",
    ),
    (
        "not to be looked at",
        &[&["update-index", "--skip-worktree", "tracked"]],
        "ls:S 100644",
    ),
    (
        "assumed unchanged",
        &[&["update-index", "--assume-unchanged", "tracked"]],
        "ls:h 100644",
    ),
    ("shallow", &[&["shallow"]], "shallow"),
    ("packed", &[&["gc", "-q"]], "packed-refs"),
    (
        "repacked, with an index of packs",
        &[&["repack", "-q", "-a", "-d", "--write-midx"]],
        "objects/pack/multi-pack-index",
    ),
    (
        "with a graph of commits",
        &[&["commit-graph", "write", "--reachable"]],
        "objects/info/commit-graph",
    ),
    (
        "index version 4",
        &[&["update-index", "--index-version", "4"]],
        "index",
    ),
    (
        "split index",
        &[&["update-index", "--split-index"]],
        "sharedindex",
    ),
    (
        "untracked files cached",
        &[&["update-index", "--force-untracked-cache"], &["status"]],
        "index",
    ),
    (
        "with a worktree",
        &[&["worktree", "add", "-q", "tree"]],
        "worktrees/tree/HEAD",
    ),
    (
        "with another repository in it",
        &[&["clone", "-q", ".", "nested"], &["add", "nested"]],
        "ls:H 160000",
    ),
    ("with a tag", &[&["tag", "v1"]], "refs/tags/v1"),
    (
        "with notes",
        &[&["notes", "add", "-m", "x"]],
        "refs/notes/commits",
    ),
    (
        "amended",
        &[&["commit", "-q", "--amend", "-m", "anew"]],
        "logs/HEAD",
    ),
    (
        "reset softly",
        &[
            &["checkout", "-q", "left"],
            &["reset", "-q", "--soft", "main"],
        ],
        "1 A. N... 000000 100644",
    ),
    (
        "locked by a process that died",
        &[&["put", ".git/index.lock", ""]],
        "index.lock",
    ),
    (
        "excluded",
        &[&["put", ".git/info/exclude", "other\n"]],
        "info/exclude",
    ),
    (
        "with line ends converted",
        &[
            &["config", "core.autocrlf", "true"],
            &["put", "tracked", "two\r\n"],
        ],
        "1 .M",
    ),
];

fn prepare(s: &Scene) {
    let dir = &s.dir;
    git(dir, &["init", "-q"]);
    s.put("tracked", "one\n");
    s.put("sub/in", "x\n");
    git(dir, &["add", "."]);
    git(dir, &["commit", "-q", "-m", "one"]);
    for side in ["left", "right"] {
        git(dir, &["checkout", "-q", "-b", side, "main"]);
        s.put("clash", format!("{side}\n"));
        git(dir, &["add", "."]);
        git(dir, &["commit", "-q", "-m", side]);
    }
    git(dir, &["checkout", "-q", "main"]);
    s.put("other", "untracked\n");
}

fn lead(s: &Scene, command: &[&str]) {
    match command {
        ["put", file, text] => s.put(file, text),
        ["shallow"] => {
            let head = git(&s.dir, &["rev-parse", "HEAD"]);
            s.put(".git/shallow", head);
        }
        _ => drop(git(&s.dir, command)),
    }
}

/// Whether the state was reached: else the test would prove nothing.
fn reached(s: &Scene, proof: &str) -> bool {
    if let Some(listed) = proof.strip_prefix("ls:") {
        let list = git(&s.dir, &["ls-files", "-v", "--stage"]);
        return list.lines().any(|l| l.starts_with(listed));
    }
    let status = git(&s.dir, &["status", "--porcelain=v2", "--branch"]);
    let all = bytes(&s.dir.join(".git"));
    status.contains(proof)
        || all
            .iter()
            .any(|(path, _)| path.to_string_lossy().contains(&format!(".git/{proof}")))
}

/// What git says of all but the agent's own files, of which it says something else, and shall.
fn status(dir: &Path) -> Vec<String> {
    let lines = git(dir, &["status", "--porcelain=v2", "--branch"]);
    let others = lines
        .lines()
        .filter(|l| !l.contains("by-agent") && !l.contains("made") && !l.contains("sub/"));
    others.map(str::to_owned).collect()
}

fn one(state: &State) {
    let (name, script, proof) = state;
    let mut s = Scene::new();
    let dir = s.dir.clone();
    prepare(&s);
    let first = s.step("s", "x", Some("x"));
    for command in *script {
        lead(&s, command);
    }
    assert!(reached(&s, proof), "{name}: {}", git(&dir, &["status"]));
    s.step("s", "by-agent", Some("1\n"));
    s.step("s", "by-agent", Some("2\n"));
    s.step("s", "sub/made", Some("3\n"));
    let (status_before, before) = (status(&dir), bytes(&dir.join(".git")));
    let report = s.rewind("s", first);
    assert!(report.complete && report.op.is_some(), "{name}");
    assert!(!s.path("by-agent").exists(), "{name}");
    s.undo();
    assert_eq!(s.read("by-agent").as_deref(), Some("2\n"), "{name}");
    assert_eq!(bytes(&dir.join(".git")), before, "{name}");
    assert_eq!(status(&dir), status_before, "{name}");
}

#[test]
fn t10_git_does_not_notice_1() {
    assert!(STATES.len() >= 40, "{}", STATES.len());
    if !no_git() {
        STATES[..22].iter().for_each(one);
    }
}

#[test]
fn t10_git_does_not_notice_2() {
    if !no_git() {
        STATES[22..].iter().for_each(one);
    }
}

#[test]
fn t10_l16_neither_does_a_linked_worktree() {
    if no_git() {
        return;
    }
    let mut s = Scene::new();
    let main = s.dir.with_file_name("main");
    fs::rename(&s.dir, &main).unwrap();
    fs::create_dir(&s.dir).unwrap();
    git(&main, &["init", "-q"]);
    fs::write(main.join("tracked"), "one\n").unwrap();
    git(&main, &["add", "."]);
    git(&main, &["commit", "-q", "-m", "one"]);
    fs::remove_dir(&s.dir).unwrap();
    git(&main, &["worktree", "add", "-q", s.dir.to_str().unwrap()]);
    let pointer = s.read(".git").unwrap();
    assert!(pointer.starts_with("gitdir: "));
    let first = s.step("s", "x", Some("x"));
    s.step("s", "tracked", Some("two\n"));
    let before = (bytes(&main), status(&s.dir));
    s.rewind("s", first);
    assert_eq!(s.read("tracked").as_deref(), Some("one\n"));
    s.undo();
    assert_eq!((bytes(&main), status(&s.dir)), before);
    assert_eq!(s.read(".git").unwrap(), pointer);
}
