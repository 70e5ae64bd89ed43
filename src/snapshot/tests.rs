//! Snapshots of small trees in a throw-away folder.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::*;
use crate::store::snapshots::Finder;

fn wanted() -> Wanted {
    Wanted::new(Clock::frozen(Time(1000)), Reason::Asked)
}

fn put(dir: &Path, rel: &str, text: &str) {
    let path = dir.join(rel);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn at(store: &Store, taken: &Taken, rel: &str) -> Option<Node> {
    let mut finder = Finder::default();
    finder
        .find(store.conn(), &taken.snapshot.tree, rel.as_bytes())
        .unwrap()
}

fn age(dir: &Path, rel: &str) {
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let file = fs::File::options().write(true).open(dir.join(rel)).unwrap();
    file.set_modified(old).unwrap();
}

#[test]
fn everything_is_told_apart() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path();
    put(dir, "src/a.rs", "fn a() {}\n");
    put(dir, "run.sh", "#!/bin/sh\n");
    fs::set_permissions(dir.join("run.sh"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::create_dir(dir.join("empty")).unwrap();
    symlink("/etc/passwd", dir.join("link")).unwrap();
    symlink("nowhere", dir.join("dangling")).unwrap();
    put(dir, ".gitignore", "*.o\n/target\n!keep.o\n");
    put(dir, ".regentignore", "secret\n!b.o\n");
    put(dir, "a.o", "x");
    put(dir, "b.o", "x");
    put(dir, "keep.o", "x");
    put(dir, "secret", "x");
    put(dir, "target/deep/x", "x");
    put(dir, ".git/config", "x");
    put(dir, "nested/.git/HEAD", "x");
    put(dir, "nested/file", "x");
    put(dir, ".regent/history.db", "x");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.join("pipe"),
        rustix::fs::FileType::Fifo,
        0o644.into(),
        0,
    )
    .unwrap();
    std::os::unix::net::UnixListener::bind(dir.join("socket")).unwrap();
    let big = fs::File::create(dir.join("big")).unwrap();
    big.set_len(1 << 40).unwrap();

    let store = Store::open_in_memory().unwrap();
    let root = Root::open(dir, None).unwrap();
    let taken = take(&store, &root, &wanted()).unwrap();
    let node = |rel: &str| at(&store, &taken, rel);
    let is_file = |rel: &str, text: &str, mode: u32| {
        let hash = BlobHash::of(text.as_bytes());
        assert_eq!(
            node(rel),
            Some(Node::File {
                hash,
                size: text.len() as u64,
                mode
            }),
            "{rel}"
        );
    };
    is_file("src/a.rs", "fn a() {}\n", 0o644);
    is_file("run.sh", "#!/bin/sh\n", 0o4755);
    is_file("b.o", "x", 0o644);
    is_file("keep.o", "x", 0o644);
    assert!(matches!(node("empty"), Some(Node::Dir { .. })));
    assert_eq!(
        node("link"),
        Some(Node::Link {
            target: b"/etc/passwd".to_vec()
        })
    );
    assert_eq!(
        node("dangling"),
        Some(Node::Link {
            target: b"nowhere".to_vec()
        })
    );
    for rel in ["a.o", "secret", "target"] {
        assert_eq!(node(rel), Some(Node::Ignored), "{rel}");
    }
    assert_eq!(
        node("target/deep/x"),
        None,
        "below what is ignored nothing is known"
    );
    assert_eq!(node(".git"), Some(Node::Absent), "not even named");
    assert_eq!(node(".regent"), Some(Node::Absent));
    assert_eq!(node("nested"), Some(Node::Foreign));
    assert_eq!(node("pipe"), Some(Node::Special));
    assert_eq!(node("socket"), Some(Node::Special));
    assert!(
        matches!(node("big"), Some(Node::Unread { size, why: Unread::TooLarge, .. }) if size == 1 << 40)
    );
    assert_eq!(
        taken.unread,
        [(b"big".to_vec(), "over the size cap".to_owned())]
    );
    assert_eq!(node("gone"), Some(Node::Absent));
}

#[test]
fn an_unchanged_file_is_not_read_again_and_a_racy_one_is() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path();
    for i in 0..20 {
        put(dir, &format!("d/f{i}"), "text");
    }
    let store = Store::open_in_memory().unwrap();
    let root = Root::open(dir, None).unwrap();
    assert_eq!(take(&store, &root, &wanted()).unwrap().read, 20);
    // Written a moment ago: it may have changed again within the same tick.
    assert_eq!(take(&store, &root, &wanted()).unwrap().read, 20);
    std::thread::sleep(std::time::Duration::from_millis(2600));
    assert_eq!(take(&store, &root, &wanted()).unwrap().read, 20);
    assert_eq!(take(&store, &root, &wanted()).unwrap().read, 0);
    fs::write(dir.join("d/f3"), "TEXT").unwrap();
    age(dir, "d/f3");
    let taken = take(&store, &root, &wanted()).unwrap();
    assert_eq!(
        taken.read, 1,
        "the same size and an old time do not hide a change"
    );
    assert_eq!(
        at(&store, &taken, "d/f3").unwrap().hash(),
        Some(BlobHash::of(b"TEXT"))
    );
    fs::write(dir.join(".regent/stat"), "damaged").unwrap();
    assert_eq!(take(&store, &root, &wanted()).unwrap().read, 20);
}

#[test]
fn t12_any_name_goes_through() {
    let tmp = tempfile::tempdir().unwrap();
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let mut names: Vec<Vec<u8>> = (1u8..=255)
        .filter(|b| !b"./".contains(b))
        .map(|b| vec![b])
        .collect();
    names.extend(
        [
            "-rf",
            "a\nb",
            "\u{202e}txt",
            "e\u{301}",
            "\u{e9}",
            "con",
            "nul",
            "A",
            "a b ",
        ]
        .map(|n| n.as_bytes().to_vec()),
    );
    names.push(vec![b'x'; 255]);
    names.push(vec![0xff, 0xfe, 0x80]);
    for name in &names {
        fs::write(tmp.path().join(OsStr::from_bytes(name)), name).unwrap();
    }
    let store = Store::open_in_memory().unwrap();
    let root = Root::open(tmp.path(), None).unwrap();
    let taken = take(&store, &root, &wanted()).unwrap();
    let mut finder = Finder::default();
    for name in &names {
        let node = finder
            .find(store.conn(), &taken.snapshot.tree, name)
            .unwrap();
        assert_eq!(
            node.and_then(|n| n.hash()),
            Some(BlobHash::of(name)),
            "{name:?}"
        );
    }
}

#[test]
fn l2_ignore_rules_that_cannot_be_read_stop_it() {
    let tmp = tempfile::tempdir().unwrap();
    put(tmp.path(), "sub/.gitignore", "x");
    put(tmp.path(), "sub/file", "x");
    put(tmp.path(), "other", "x");
    // A file of rules over every bound is as unreadable as one without rights, also for root.
    fs::File::create(tmp.path().join("sub/.gitignore"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    let store = Store::open_in_memory().unwrap();
    let root = Root::open(tmp.path(), None).unwrap();
    let taken = take(&store, &root, &wanted()).unwrap();
    assert!(matches!(
        at(&store, &taken, "sub"),
        Some(Node::Unread { .. })
    ));
    assert_eq!(
        at(&store, &taken, "sub/file"),
        None,
        "not known, and never absent"
    );
    assert_eq!(taken.snapshot.unread, 1);
    put(tmp.path(), ".gitignore", "x");
    fs::File::create(tmp.path().join(".gitignore"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    assert!(take(&store, &root, &wanted()).is_err());
}

#[test]
fn home_and_the_top_of_the_disk_are_refused() {
    let tmp = tempfile::tempdir().unwrap();
    assert!(Root::open(Path::new("/"), None).is_err());
    assert!(Root::open(tmp.path(), Some(tmp.path())).is_err());
    assert!(Root::open(tmp.path(), Some(Path::new("/elsewhere"))).is_ok());
}

#[test]
fn at_the_limit_only_automatic_ones_stop() {
    let tmp = tempfile::tempdir().unwrap();
    put(tmp.path(), "a", "x");
    let store = Store::open_in_memory().unwrap();
    let root = Root::open(tmp.path(), None).unwrap();
    let full = Wanted {
        budget: 1,
        ..wanted()
    };
    let automatic = Wanted {
        why: Reason::Automatic,
        ..full.clone()
    };
    assert!(
        take(&store, &root, &automatic)
            .unwrap_err()
            .to_string()
            .contains("regent-tui gc")
    );
    assert_eq!(take(&store, &root, &full).unwrap().warnings.len(), 1);
}

#[test]
fn l4_l22_a_snapshot_of_the_same_tree_costs_one_row() {
    let tmp = tempfile::tempdir().unwrap();
    put(tmp.path(), "a/b/c", "x");
    put(tmp.path(), "d", "y");
    let store = Store::open_in_memory().unwrap();
    let root = Root::open(tmp.path(), None).unwrap();
    let count = || -> i64 {
        store
            .conn()
            .query_row("SELECT count(*) FROM blob", [], |r| r.get(0))
            .unwrap()
    };
    let one = take(&store, &root, &wanted()).unwrap();
    let before = count();
    let two = take(&store, &root, &wanted()).unwrap();
    assert_eq!((one.snapshot.tree, before), (two.snapshot.tree, count()));
    put(tmp.path(), "a/b/c", "z");
    take(&store, &root, &wanted()).unwrap();
    assert_eq!(count() - before, 4, "a content and three folders");
}
