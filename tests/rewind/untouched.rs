//! T8, T9, T11 and T12: what a rewind must leave alone: version control's files, other repositories, special files; and
//! names that others choke on. `git_states` has T10, `disk` what needs a mount.

use std::fs;

use regent_tui::fsx::Root;
use regent_tui::model::{Status, Time};
use regent_tui::rewind::{self, Verdict};

use crate::scene::{Scene, verdict};

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
        ".git./x",
        ".jj/repo/x",
        ".hg/hgrc",
        "sub/.svn/x",
        "a/.git\\hooks\\x",
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
    use regent_tui::store::rows::{Known, PathRecord};
    use std::os::unix::ffi::OsStrExt;
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    let mut names: Vec<Vec<u8>> = [
        "new\nline",
        "tab\there",
        "esc\u{1b}[31m",
        "bell\u{7}",
        "\u{202e}gnp.exe",
        "-rf",
        "e\u{301}",
        "\u{e9}",
        "case",
        "CASE",
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
        "...",
    ]
    .iter()
    .map(|n| n.as_bytes().to_vec())
    .collect();
    names.push(vec![b'x'; 255]);
    names.push(vec![0xff, 0xfe, 0x80]);
    names.extend((1..=255u8).filter(|b| !b"./".contains(b)).map(|b| vec![b]));
    names.sort();
    names.dedup();
    let root: std::sync::Arc<[u8]> = s.dir.as_os_str().as_bytes().into();
    let (was, left) = (s.blob(b"before\n"), s.blob(b"after\n"));
    let mut changes = Vec::new();
    for name in &names {
        for (folder, before) in [("old", was), ("new", Known::Absent)] {
            let rel = [folder.as_bytes(), b"/", name].concat();
            let at = s.path(&rel);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, "after\n").unwrap();
            let root = root.clone();
            changes.push((PathRecord { root, rel }, None, before, left));
        }
    }
    s.record_at(
        "s",
        1,
        regent_tui::model::StepKind::Write,
        changes,
        Status::Ok,
    );
    let now = s.tree();
    let report = s.rewind("s", first);
    assert!(report.complete);
    for name in &names {
        let at = s.path([b"old/", name.as_slice()].concat());
        assert_eq!(fs::read(at).unwrap(), b"before\n", "{name:?}");
    }
    assert!(!s.path("new").exists());
    s.undo();
    assert_eq!(s.tree(), now);
    s.redo();
    assert!(!s.path("new").exists());
}

#[test]
fn t22_any_clock_gives_the_same_answer() {
    const HOUR: i64 = 3_600_000;
    const YEAR: i64 = 365 * 24 * HOUR;
    // Back an hour, ten years, to 1900; on ten years, to the year 9999; and standing still.
    for jump in [
        -HOUR,
        -10 * YEAR,
        10 * YEAR,
        -126 * YEAR,
        7970 * YEAR,
        -20_000,
    ] {
        let mut s = Scene::new();
        s.clock = 1_770_000_000_000;
        s.put("a", "0\n");
        let first = s.step("s", "a", Some("1\n"));
        s.clock += jump;
        s.step("s", "a", Some("2\n"));
        s.step("s", "made", Some("2\n"));
        s.clock -= jump / 2;
        s.step("s", "a", Some("3\n"));
        let now = s.tree();
        // The order of steps is that of the record, whatever their times.
        let report = s.rewind("s", first);
        assert!(report.complete, "{jump}: {report:?}");
        assert_eq!(s.read("a").as_deref(), Some("1\n"), "{jump}");
        assert_eq!(s.read("made"), None, "{jump}");
        s.clock += jump;
        s.undo();
        assert_eq!(s.tree(), now, "{jump}");
        rewind::sweep(&s.store, &s.root(), Time(s.clock - jump)).unwrap();
        // Snapshots have nothing but their times. Where those cannot be right, a file may be kept, with a reason; it never
        // becomes anything that it was not.
        let report = s.rewind("s", first);
        for f in report.files.iter().filter(|f| !f.applied) {
            assert!(!f.why.is_empty() && !f.verdict.changes(), "{jump}: {f:?}");
        }
        let a = s.read("a");
        let left = report.files.iter().any(|f| f.path == "a" && f.applied);
        let wanted = if left { "1\n" } else { "3\n" };
        assert_eq!(a.as_deref(), Some(wanted), "{jump}");
        if report.op.is_some() {
            s.undo();
        }
        assert_eq!(s.tree(), now, "{jump}");
        assert!(rewind::interrupted(&s.store, &s.root()).unwrap().is_empty());
    }
}
