//! T9 to T11: what a rewind must leave alone: version control's files, other repositories, special files.

use std::fs;
use std::path::Path;
use std::process::Command;

use regent_tui::fsx::Root;
use regent_tui::model::Status;
use regent_tui::rewind::Verdict;

use crate::scene::{Scene, verdict};

fn git(dir: &Path, args: &[&str]) -> String {
    let out = Command::new("git")
        .current_dir(dir)
        .args([
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@x",
            "-c",
            "commit.gpgsign=false",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .output()
        .unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn no_git() -> bool {
    let missing = Command::new("git").arg("--version").output().is_err();
    if missing {
        eprintln!("SKIPPED: git is not installed");
    }
    missing
}

/// Every file below a git folder, byte for byte.
fn bytes(dir: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
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

/// Scripts that bring a repository into a state; `tracked` is committed by then.
const STATES: &[(&str, &[&[&str]])] = &[
    ("clean", &[]),
    ("staged", &[&["add", "tracked", "other"]]),
    ("staged and changed", &[&["add", "tracked"]]),
    ("intent to add", &[&["add", "-N", "other"]]),
    ("detached", &[&["checkout", "-q", "--detach"]]),
    ("on a branch", &[&["checkout", "-q", "-b", "topic"]]),
    (
        "stashed",
        &[&["stash", "push", "-q", "--include-untracked", "--", "other"]],
    ),
    (
        "removed from the index",
        &[&["rm", "-q", "--cached", "tracked"]],
    ),
    (
        "conflicted",
        &[&["checkout", "-q", "left"], &["merge", "-q", "right"]],
    ),
    (
        "in a rebase",
        &[&["checkout", "-q", "left"], &["rebase", "-q", "right"]],
    ),
    (
        "in a cherry-pick",
        &[&["checkout", "-q", "left"], &["cherry-pick", "right"]],
    ),
    (
        "in a revert",
        &[
            &["checkout", "-q", "left"],
            &["revert", "--no-edit", "HEAD~1"],
        ],
    ),
    ("sparse", &[&["sparse-checkout", "set", "sub"]]),
    ("packed", &[&["gc", "-q"]]),
    (
        "assumed unchanged",
        &[&["update-index", "--assume-unchanged", "tracked"]],
    ),
    (
        "index version 4",
        &[&["update-index", "--index-version", "4"]],
    ),
    ("split index", &[&["update-index", "--split-index"]]),
    ("bisecting", &[&["bisect", "start"]]),
    ("with a worktree", &[&["worktree", "add", "-q", "tree"]]),
    ("with a tag", &[&["tag", "v1"]]),
];

#[test]
fn t10_git_does_not_notice() {
    if no_git() {
        return;
    }
    for (name, script) in STATES {
        let mut s = Scene::new();
        let dir = s.dir.clone();
        git(&dir, &["init", "-q"]);
        s.put("tracked", "one\n");
        s.put("sub/in", "x\n");
        git(&dir, &["add", "."]);
        git(&dir, &["commit", "-q", "-m", "one"]);
        for side in ["left", "right"] {
            git(&dir, &["checkout", "-q", "-b", side, "main"]);
            s.put("clash", format!("{side}\n"));
            git(&dir, &["add", "."]);
            git(&dir, &["commit", "-q", "-m", side]);
        }
        git(&dir, &["checkout", "-q", "main"]);
        s.put("other", "untracked\n");
        let first = s.step("s", "x", Some("x"));
        for command in *script {
            git(&dir, command);
        }
        s.step("s", "by-agent", Some("1\n"));
        s.step("s", "by-agent", Some("2\n"));
        s.step("s", "sub/made", Some("3\n"));
        let status = |s: &Scene| {
            let lines = git(&s.dir, &["status", "--porcelain=v2", "--branch"]);
            // What the worktree column says of the agent's own files changes, and shall.
            lines
                .lines()
                .filter(|l| !l.contains("by-agent") && !l.contains("made") && !l.contains("sub/"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let (status_before, before) = (status(&s), bytes(&dir.join(".git")));
        let report = s.rewind("s", first);
        assert!(report.complete && report.op.is_some(), "{name}");
        assert!(!s.path("by-agent").exists(), "{name}");
        s.undo();
        assert_eq!(bytes(&dir.join(".git")), before, "{name}");
        assert_eq!(status(&s), status_before, "{name}");
    }
}

#[test]
fn t9_nothing_within_git_is_ever_put_back() {
    let mut s = Scene::new();
    fs::create_dir_all(s.path("nested/.git")).unwrap();
    fs::write(s.path("nested/.git/HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::create_dir_all(s.path(".git/hooks")).unwrap();
    for sub in ["bare/objects", "bare/refs"] {
        fs::create_dir_all(s.path(sub)).unwrap();
    }
    fs::write(s.path("bare/HEAD"), "x").unwrap();
    s.put("wt/.git", "gitdir: elsewhere\n");
    std::os::unix::fs::symlink(s.path(".git"), s.path("alias")).unwrap();
    let first = s.step("s", "x", Some("x"));
    let paths = [
        ".git/hooks/post-commit",
        ".GIT/config",
        "git~1/config",
        ".git /x",
        ".g\u{200c}it/x",
        "nested/file",
        "nested/.git/x",
        "bare/hooks/x",
        "wt/file",
        "alias/hooks/x",
        "sub/.git/config",
        ".git::$INDEX/x",
        ".regent/history.db",
        "../outside",
    ];
    let (was, left) = (s.blob(b"was\n"), s.blob(b"left\n"));
    for path in paths {
        if !path.starts_with("../") {
            let at = s.path(path);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, "left\n").unwrap();
        }
        s.record("s", 1, &[(path, was, left)], Status::Ok);
    }
    let plan = s.plan(&s.wish("s", first));
    for path in paths {
        assert!(
            !verdict(&plan, path).changes(),
            "{path}: {:?}",
            plan.files.iter().find(|f| f.path == path)
        );
    }
    assert_eq!(plan.ticked().count(), 0);
    let mut taken = s.wish("s", first);
    taken.take = paths.iter().map(|p| p.as_bytes().to_vec()).collect();
    assert_eq!(
        s.plan(&taken).ticked().count(),
        0,
        "also when they are named"
    );
}

#[test]
fn t11_special_files_are_kept_and_never_opened() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    let names = [
        "pipe", "socket", "device", "huge", "shared", "link", "folder",
    ];
    for name in names {
        s.step("s", name, Some("left\n"));
        if !["shared"].contains(&name) {
            fs::remove_file(s.path(name)).unwrap();
        }
    }
    let dir = s.dir.clone();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.join("pipe"),
        rustix::fs::FileType::Fifo,
        0o644.into(),
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
    let device = rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.join("device"),
        rustix::fs::FileType::CharacterDevice,
        0o644.into(),
        rustix::fs::makedev(1, 5),
    );
    if device.is_err() {
        fs::write(dir.join("device"), "changed\n").unwrap();
    }
    fs::File::create(dir.join("huge"))
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    fs::hard_link(dir.join("shared"), dir.join("second-name")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", dir.join("link")).unwrap();
    fs::create_dir(dir.join("folder")).unwrap();
    let started = std::time::Instant::now();
    let plan = s.plan(&s.wish("s", first));
    for name in ["pipe", "socket", "device", "huge", "link", "folder"] {
        assert!(
            !verdict(&plan, name).changes(),
            "{name}: {:?}",
            verdict(&plan, name)
        );
    }
    let shared = plan.files.iter().find(|f| f.path == "shared").unwrap();
    assert!(
        shared.verdict == Verdict::Delete && shared.why.contains("2 names"),
        "{shared:?}"
    );
    s.apply(&plan);
    assert_eq!(s.read("second-name").as_deref(), Some("left\n"));
    assert!(started.elapsed().as_secs() < 5, "nothing blocked");
}

#[test]
fn t11_the_mode_is_right_before_the_content_is_seen() {
    use std::os::unix::fs::MetadataExt;
    let mut s = Scene::new();
    s.put("secret", "before\n");
    s.chmod("secret", 0o600);
    let first = s.step("s", "x", Some("x"));
    s.step("s", "secret", Some("after\n"));
    s.rewind("s", first);
    assert_eq!(
        fs::metadata(s.path("secret")).unwrap().mode() & 0o7777,
        0o600
    );
}

#[test]
fn t8_a_link_on_the_way_is_never_followed() {
    let mut s = Scene::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("f"), "left\n").unwrap();
    let first = s.step("s", "x", Some("x"));
    s.put("dir/f", "before\n");
    s.step("s", "dir/f", Some("left\n"));
    s.step("s", "dir/new", Some("left\n"));
    fs::remove_dir_all(s.path("dir")).unwrap();
    std::os::unix::fs::symlink(outside.path(), s.path("dir")).unwrap();
    fs::write(outside.path().join("new"), "left\n").unwrap();
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(plan.ticked().count(), 0, "{:?}", plan.files);
    assert_eq!(
        fs::read_to_string(outside.path().join("f")).unwrap(),
        "left\n"
    );
    assert!(Root::open(&s.path("dir"), None).is_ok());
}

#[test]
fn t12_hostile_names_survive_a_rewind_and_its_undo() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    let names = [
        "new\nline",
        "tab\there",
        "esc\u{1b}[31m",
        "bell\u{7}",
        "\u{202e}gnp.exe",
        "-rf",
        "e\u{301}",
        "\u{e9}",
        "con",
        "NUL",
        " lead",
        "trail ",
        "a\\b",
        "'q\"",
        "*?[x]",
        "~",
        "$HOME",
        "%00",
        "CON.txt",
    ];
    for name in names {
        s.put(&format!("old-{name}"), "before\n");
        s.step("s", &format!("old-{name}"), Some("after\n"));
        s.step("s", &format!("dir {name}/{name}"), Some("made\n"));
    }
    let (now, mut text) = (s.tree(), String::new());
    let report = s.rewind("s", first);
    assert!(report.complete);
    for name in names {
        assert_eq!(
            s.read(&format!("old-{name}")).as_deref(),
            Some("before\n"),
            "{name:?}"
        );
        text.push_str(&report.note);
    }
    s.undo();
    assert_eq!(s.tree(), now);
}
