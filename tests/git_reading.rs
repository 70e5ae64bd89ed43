//! Reading git's own files, checked against repositories that git itself made. (Tests may run git; the program never does.)
#![allow(clippy::unwrap_used)]

#[path = "support/git.rs"]
mod support;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use regent_tui::git::{GitError, Kind, Objects, Oid, blob_sha1, discover};
use support::{commit, folder, git, history, init, version, write};

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

    let around = dir.join("around");
    history(&dir.join("seed"));
    git(&dir, &["clone", "-q", "--bare", "seed", "around/.git"]);
    git(
        &around.join(".git"),
        &["worktree", "add", "-q", "../tree", "main"],
    );
    for from in [&around, &around.join("tree")] {
        let found = discover(from).unwrap();
        assert_eq!(found.main_worktree, None, "{}", from.display());
        assert_eq!(found.worktrees, [around.join("tree")]);
    }
    assert_eq!(discover(&around).unwrap().this_worktree, None);

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
