//! Reading git's own files, checked against repositories that git itself made. (Tests may run git; the program never does.)
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use regent_tui::git::{GitError, Kind, Objects, Oid, blob_sha1, discover};
use tempfile::TempDir;

/// A folder for a test, by its real name.
fn folder() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(dir.path()).unwrap();
    (dir, path)
}

/// Runs git, apart from the settings of whoever runs the tests, and gives what it printed.
fn git(dir: &Path, args: &[&str]) -> String {
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

fn init(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    git(dir, &["init", "-q", "-b", "main"]);
}

fn write(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn commit(dir: &Path) -> String {
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "--allow-empty", "-m", "c"]);
    git(dir, &["rev-parse", "HEAD"])
}

/// Version `n` of a file that is long and changes little, so that git packs it as deltas.
fn version(n: usize) -> Vec<u8> {
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
fn history(dir: &Path) -> Vec<String> {
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

fn check_history(objects: &Objects, commits: &[String]) {
    for (n, commit) in commits.iter().enumerate() {
        let at = |path: &[u8]| objects.blob_at(commit, path);
        assert_eq!(at(b"src/deep/long.txt"), Ok(Some(version(n))), "{commit}");
        assert_eq!(at(b"./small.txt"), Ok(Some(format!("{n}\n").into_bytes())));
        assert_eq!(at(b"empty"), Ok(Some(Vec::new())));
        assert_eq!(at(b"src/deep/none.txt"), Ok(None));
        assert_eq!(at(b"small.txt/below"), Ok(None));
        assert_eq!(at(b"src/deep"), Err(GitError::NotAFile));
        assert_eq!(at(b""), Err(GitError::NotAFile));
    }
}

#[test]
fn loose_objects() {
    let (_guard, dir) = folder();
    let commits = history(&dir);
    let name = OsStr::from_bytes(b"\xff odd \xe4");
    fs::write(dir.join(name), "odd").unwrap();
    std::os::unix::fs::symlink("small.txt", dir.join("link")).unwrap();
    let last = commit(&dir);
    let objects = Objects::open(&dir.join(".git")).unwrap();
    check_history(&objects, &commits);
    assert_eq!(
        objects.blob_at(&last, name.as_bytes()),
        Ok(Some(b"odd".to_vec()))
    );
    assert_eq!(objects.blob_at(&last, b"link"), Err(GitError::NotAFile));

    git(&dir, &["tag", "-a", "-m", "t", "v1", &commits[3]]);
    let tag = git(&dir, &["rev-parse", "v1"]);
    assert_eq!(
        objects.blob_at(&tag, b"small.txt"),
        Ok(Some(b"3\n".to_vec()))
    );

    let nowhere = "0123456789012345678901234567890123456789";
    assert_eq!(
        objects.blob_at(nowhere, b"small.txt"),
        Err(GitError::CommitNotHere(Oid::from_hex(nowhere).unwrap()))
    );
    for bad in [
        "",
        "HEAD",
        "0123",
        "zz23456789012345678901234567890123456789",
    ] {
        assert_eq!(
            objects.blob_at(bad, b"x"),
            Err(GitError::NotAName(bad.to_owned()))
        );
    }
    let blob = git(&dir, &["hash-object", "small.txt"]);
    assert_eq!(Oid(blob_sha1(b"11\n")).hex(), blob);
    assert_eq!(
        objects.read(&Oid::from_hex(&blob).unwrap()),
        Ok(Some((Kind::Blob, b"11\n".to_vec())))
    );
}

#[test]
fn packs_with_deltas_of_both_kinds() {
    let (_guard, dir) = folder();
    let commits = history(&dir);
    for settings in [
        vec![
            "repack",
            "-q",
            "-a",
            "-d",
            "-f",
            "--depth=50",
            "--window=50",
        ],
        vec![
            "-c",
            "repack.useDeltaBaseOffset=false",
            "repack",
            "-q",
            "-a",
            "-d",
            "-f",
            "--depth=50",
            "--window=50",
        ],
        vec![
            "-c",
            "pack.compression=0",
            "gc",
            "-q",
            "--aggressive",
            "--prune=now",
        ],
    ] {
        git(&dir, &settings);
        let packs = dir.join(".git/objects/pack");
        let idx = fs::read_dir(&packs)
            .unwrap()
            .flatten()
            .map(|e| e.path())
            .find(|p| p.extension().is_some_and(|e| e == "idx"))
            .unwrap();
        let listed = git(&dir, &["verify-pack", "-v", idx.to_str().unwrap()]);
        assert!(listed.contains("chain length"), "no deltas: {listed}");
        assert!(!dir.join(".git/objects").join(&commits[0][..2]).exists());
        check_history(&Objects::open(&dir.join(".git")).unwrap(), &commits);
    }
}

#[test]
fn some_packed_some_loose_some_borrowed() {
    let (_guard, dir) = folder();
    let origin = dir.join("origin");
    let commits = history(&origin);
    git(&origin, &["gc", "-q"]);
    git(&dir, &["clone", "-q", "--shared", "origin", "copy"]);
    git(&dir, &["clone", "-q", "--shared", "copy", "copy of copy"]);
    let copy = dir.join("copy of copy");
    write(&copy, "own.txt", "own");
    let own = commit(&copy);
    let objects = Objects::open(&copy.join(".git")).unwrap();
    check_history(&objects, &commits);
    assert_eq!(objects.blob_at(&own, b"own.txt"), Ok(Some(b"own".to_vec())));
    // A circle of alternates ends.
    fs::write(
        origin.join(".git/objects/info/alternates"),
        format!("# a note\n../../../copy of copy/.git/objects\n{}\n", "\0"),
    )
    .unwrap();
    check_history(&Objects::open(&copy.join(".git")).unwrap(), &commits);
}

#[test]
fn many_packs() {
    let (_guard, dir) = folder();
    init(&dir);
    let commits: Vec<String> = (0..40)
        .map(|n| {
            write(&dir, "a", format!("{n}"));
            let made = commit(&dir);
            git(&dir, &["repack", "-q", "-d"]);
            made
        })
        .collect();
    let packs = fs::read_dir(dir.join(".git/objects/pack")).unwrap().count();
    assert!(packs > 64, "{packs}");
    let objects = Objects::open(&dir.join(".git")).unwrap();
    for (n, commit) in commits.iter().enumerate() {
        let wanted = n.to_string().into_bytes();
        assert_eq!(objects.blob_at(commit, b"a"), Ok(Some(wanted)));
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let (_guard, dir) = folder();
    init(&dir);
    let file = fs::File::create(dir.join("large")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    write(&dir, "small", "s");
    let first = commit(&dir);
    for _ in 0..2 {
        let objects = Objects::open(&dir.join(".git")).unwrap();
        let error = objects.blob_at(&first, b"large").unwrap_err();
        assert!(
            matches!(error, GitError::TooLarge { size, .. } if size == (64 << 20) + 1),
            "{error}"
        );
        assert!(error.to_string().contains("64 MiB"), "{error}");
        assert_eq!(objects.blob_at(&first, b"small"), Ok(Some(b"s".to_vec())));
        git(&dir, &["repack", "-q", "-a", "-d"]);
    }
}

#[test]
fn sha256_is_recognised() {
    let (_guard, dir) = folder();
    git(&dir, &["init", "-q", "--object-format=sha256"]);
    assert_eq!(
        Objects::open(&dir.join(".git")).err(),
        Some(GitError::Sha256)
    );
    assert!(matches!(
        Objects::open(&dir).err(),
        Some(GitError::NoStore(_))
    ));
}

#[test]
fn worktrees_are_found_from_each_other() {
    let (_guard, dir) = folder();
    let main = dir.join("main");
    let commits = history(&main);
    git(&main, &["worktree", "add", "-q", "-b", "side", "../a side"]);
    git(
        &main,
        &["worktree", "add", "-q", "--detach", "../loose", &commits[2]],
    );
    git(&main, &["worktree", "add", "-q", "../gone"]);
    fs::remove_dir_all(dir.join("gone")).unwrap();
    let all = [main.clone(), dir.join("a side"), dir.join("loose")];
    for (from, this) in [
        (main.join("src/deep"), &all[0]),
        (dir.join("a side"), &all[1]),
        (dir.join("loose/src"), &all[2]),
        (main.join(".git/refs"), &all[0]),
        (main.join(".git/worktrees/loose"), &all[2]),
    ] {
        let found = discover(&from).unwrap_or_else(|| panic!("{}", from.display()));
        assert_eq!(
            found.main_worktree.as_ref(),
            Some(&main),
            "{}",
            from.display()
        );
        assert_eq!(found.this_worktree.as_ref(), Some(this));
        assert_eq!(found.common_dir, main.join(".git"));
        let mut worktrees = found.worktrees.clone();
        assert_eq!(worktrees.remove(0), main);
        worktrees.sort();
        assert_eq!(worktrees, all[1..]);
    }
    let head = |path: &Path| discover(path).unwrap().head().unwrap();
    let side = head(&dir.join("a side"));
    assert_eq!(side.branch.as_deref(), Some("side"));
    assert_eq!(side.commit.as_ref(), commits.last());
    let loose = head(&dir.join("loose"));
    assert_eq!(
        (loose.branch, loose.commit.as_ref()),
        (None, Some(&commits[2]))
    );
}

#[test]
fn heads_of_every_kind() {
    let (_guard, dir) = folder();
    init(&dir);
    let head = || discover(&dir).unwrap().head();
    let unborn = head().unwrap();
    assert_eq!(
        (unborn.branch.as_deref(), unborn.commit),
        (Some("main"), None)
    );
    write(&dir, "a", "a");
    let first = commit(&dir);
    git(&dir, &["checkout", "-q", "-b", "feature/one"]);
    for _ in 0..2 {
        let on_branch = head().unwrap();
        assert_eq!(on_branch.branch.as_deref(), Some("feature/one"));
        assert_eq!(on_branch.commit.as_ref(), Some(&first));
        git(&dir, &["pack-refs", "--all"]);
    }
    assert!(!dir.join(".git/refs/heads/feature/one").exists());
    for bad in [
        "",
        "\n",
        "ref:",
        "ref: ../../etc/passwd",
        "ref: /etc/passwd",
        "nonsense",
        "\u{0}\u{1}",
        "0123",
        "ref: refs/heads/.invalid",
    ] {
        fs::write(dir.join(".git/HEAD"), bad).unwrap();
        assert_eq!(head(), None, "{bad:?}");
    }
    fs::write(dir.join(".git/HEAD"), "ref: refs/heads/circle\n").unwrap();
    fs::write(
        dir.join(".git/refs/heads/circle"),
        "ref: refs/heads/circle\n",
    )
    .unwrap();
    assert_eq!(head(), None);
    fs::write(dir.join(".git/HEAD"), [0xffu8; 40]).unwrap();
    assert_eq!(head(), None);
}

#[test]
fn places_of_every_kind() {
    let (_guard, dir) = folder();
    assert_eq!(discover(&dir.join("not there")), None);
    assert_eq!(discover(&dir), None, "{}", dir.display());

    git(&dir, &["init", "-q", "--bare", "bare.git"]);
    let bare = discover(&dir.join("bare.git/refs")).unwrap();
    assert_eq!((bare.main_worktree, bare.this_worktree), (None, None));
    assert!(bare.worktrees.is_empty());

    git(
        &dir,
        &["init", "-q", "--separate-git-dir", "apart.git", "apart"],
    );
    let apart = discover(&dir.join("apart")).unwrap();
    assert_eq!(apart.git_dir, dir.join("apart.git"));
    assert_eq!(apart.main_worktree, Some(dir.join("apart")));

    // A link to a git folder elsewhere is followed.
    fs::create_dir(dir.join("linked")).unwrap();
    std::os::unix::fs::symlink(dir.join("apart.git"), dir.join("linked/.git")).unwrap();
    let linked = discover(&dir.join("linked")).unwrap();
    assert_eq!(linked.git_dir, dir.join("apart.git"));
    assert_eq!(linked.this_worktree, Some(dir.join("linked")));

    // What only looks like a repository is passed by; the one around it is found.
    let outer = dir.join("outer");
    init(&outer);
    for (n, garbage) in [
        b"gitdir: ".as_slice(),
        b"gitdir: /not/there\n",
        b"gitdir: ../../..\n",
        b"gitdir: a\0b\n",
        b"\xff\xfe",
        b"",
    ]
    .iter()
    .enumerate()
    {
        let inner = outer.join(format!("inner{n}"));
        write(&inner, ".git", garbage);
        assert_eq!(
            discover(&inner).unwrap().main_worktree.as_ref(),
            Some(&outer)
        );
    }
    fs::create_dir_all(outer.join("empty/.git")).unwrap();
    let found = discover(&outer.join("empty")).unwrap();
    assert_eq!(found.main_worktree.as_ref(), Some(&outer));
    write(&outer, ".git/worktrees/odd/gitdir", b"/not/there/.git\n");
    write(&outer, ".git/worktrees/file", b"x");
    assert_eq!(discover(&outer).unwrap().worktrees, [outer]);
}

#[test]
fn submodules_are_repositories_of_their_own() {
    let (_guard, dir) = folder();
    history(&dir.join("lib"));
    let app = dir.join("app");
    init(&app);
    git(
        &app,
        &[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            "../lib",
            "vendor/lib",
        ],
    );
    let with = commit(&app);
    let inner = discover(&app.join("vendor/lib/src")).unwrap();
    assert_eq!(inner.main_worktree, Some(app.join("vendor/lib")));
    assert_eq!(inner.git_dir, app.join(".git/modules/vendor/lib"));
    assert_eq!(
        discover(&inner.git_dir).unwrap().main_worktree,
        Some(app.join("vendor/lib"))
    );
    let objects = Objects::open(&app.join(".git")).unwrap();
    assert_eq!(
        objects.blob_at(&with, b"vendor/lib"),
        Err(GitError::NotAFile)
    );
    assert_eq!(objects.blob_at(&with, b"vendor/lib/small.txt"), Ok(None));
}

/// A packed repository's files, and every object's name and content as they should be.
struct Packed {
    pack: Vec<u8>,
    idx: Vec<u8>,
    all: Vec<(Oid, (Kind, Vec<u8>))>,
}

fn packed() -> Packed {
    let (_guard, dir) = folder();
    history(&dir);
    git(&dir, &["repack", "-q", "-a", "-d", "-f"]);
    let objects = Objects::open(&dir.join(".git")).unwrap();
    let list = git(
        &dir,
        &[
            "cat-file",
            "--batch-check=%(objectname)",
            "--batch-all-objects",
        ],
    );
    let all = list
        .lines()
        .map(|hex| Oid::from_hex(hex).unwrap())
        .map(|oid| (oid, objects.read(&oid).unwrap().unwrap()))
        .collect();
    let file = |extension: &str| {
        let path = fs::read_dir(dir.join(".git/objects/pack"))
            .unwrap()
            .flatten()
            .map(|e| e.path())
            .find(|p| p.extension().is_some_and(|e| e == extension))
            .unwrap();
        fs::read(path).unwrap()
    };
    Packed {
        pack: file("pack"),
        idx: file("idx"),
        all,
    }
}

#[test]
fn damage_is_an_error_never_a_panic_or_a_wrong_content() {
    let whole = packed();
    let (_guard, dir) = folder();
    let packs = dir.join("objects/pack");
    fs::create_dir_all(&packs).unwrap();
    let damage = proptest::collection::vec(
        (any::<bool>(), any::<prop::sample::Index>(), any::<u8>()),
        1..6,
    );
    let cut = proptest::option::weighted(0.2, any::<prop::sample::Index>());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let mut errors = 0;
    let errors_seen = std::cell::RefCell::new(&mut errors);
    runner
        .run(&(damage, cut), |(damage, cut)| {
            let (mut pack, mut idx) = (whole.pack.clone(), whole.idx.clone());
            for (in_pack, place, value) in damage {
                let bytes = if in_pack { &mut pack } else { &mut idx };
                let at = place.index(bytes.len());
                bytes[at] = value;
            }
            if let Some(cut) = cut {
                pack.truncate(cut.index(pack.len()));
            }
            fs::write(packs.join("pack-x.pack"), &pack).unwrap();
            fs::write(packs.join("pack-x.idx"), &idx).unwrap();
            let objects = Objects::open(&dir).unwrap();
            for (oid, content) in &whole.all {
                match objects.read(oid) {
                    Ok(Some(found)) => prop_assert_eq!(&found, content),
                    Ok(None) => {}
                    Err(_) => **errors_seen.borrow_mut() += 1,
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(errors > 0, "no damage was noticed");
}

#[test]
fn damaged_loose_objects_are_errors() {
    let (_guard, dir) = folder();
    init(&dir);
    write(&dir, "a", "some words\n");
    let first = commit(&dir);
    let blob = git(&dir, &["hash-object", "a"]);
    let path = dir.join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    let good = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let read = || {
        Objects::open(&dir.join(".git"))
            .unwrap()
            .blob_at(&first, b"a")
    };
    assert_eq!(
        read(),
        Err(GitError::ObjectNotHere(Oid::from_hex(&blob).unwrap()))
    );
    for at in 0..good.len() {
        for bad in [good[..at].to_vec(), {
            let mut flipped = good.clone();
            flipped[at] ^= 0x55;
            flipped
        }] {
            fs::write(&path, bad).unwrap();
            match read() {
                Ok(found) => assert_eq!(found, Some(b"some words\n".to_vec())),
                Err(GitError::Damaged(_) | GitError::TooLarge { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
}
