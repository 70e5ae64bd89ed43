//! Where the store is, what is refused, who may read it, and how it comes back (T20, T21, T27, T28).
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use regent_tui::store::{Notice, OpenError, Place, Reader, Store, survive};

mod store_home;
use store_home::{Home, choose, fill, holds};

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().mode() & 0o777
}

#[track_caller]
fn stranger(place: &Place) {
    let before = tree(&place.dir);
    assert!(matches!(
        Store::open(place),
        Err(OpenError::Stranger { .. })
    ));
    assert!(matches!(
        Reader::open(place),
        Err(OpenError::Stranger { .. })
    ));
    assert_eq!(tree(&place.dir), before, "nothing is written into it");
}

/// Names, lengths and modes.
fn tree(dir: &Path) -> Vec<(PathBuf, u64, u32)> {
    let paths = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let mut all: Vec<_> = paths
        .chain([dir.to_owned()])
        .map(|path| {
            let meta = path.symlink_metadata().unwrap();
            (path, meta.len(), meta.mode())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn a_store_is_made_once_and_says_so() {
    let home = Home::new();
    let place = home.place();
    assert!(matches!(
        Reader::open(&place),
        Err(OpenError::Missing { .. })
    ));
    assert!(!place.dir.exists(), "looking makes nothing");
    let store = Store::open(&place).unwrap();
    assert!(matches!(store.notices(), [Notice::Created(_)]));
    fill(&store, "one");
    let reader = store.reader().unwrap();
    drop((store, reader));
    let store = Store::open(&place).unwrap();
    assert_eq!(store.notices(), []);
    assert!(holds(&store, "one"));
    assert!(Reader::open(&place).is_ok());
    assert_eq!(fs::read(place.dir.join(".gitignore")).unwrap(), b"*\n");
}

#[test]
fn only_the_user_can_read_it() {
    let home = Home::new();
    let place = home.place();
    let store = Store::open(&place).unwrap();
    fill(&store, "secret");
    let everything = |folder: &Path| {
        for (path, ..) in tree(folder).into_iter().filter(|t| t.0 != folder) {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    };
    assert_eq!(mode(&place.dir), 0o700);
    assert_eq!(mode(place.keep.as_ref().unwrap()), 0o700);
    everything(&place.dir);
    everything(place.keep.as_ref().unwrap());
    assert!(place.dir.join("history.db-wal").exists());
    drop(store);

    for (path, loose) in [(&place.db, 0o644), (&place.dir, 0o755)] {
        fs::set_permissions(path, fs::Permissions::from_mode(loose)).unwrap();
        let store = Store::open(&place).unwrap();
        assert_eq!(store.notices(), [Notice::Tightened(path.clone())]);
        assert_eq!(mode(path), loose & 0o700);
    }
}

#[test]
fn what_git_clean_takes_comes_back() {
    let home = Home::new();
    let place = home.place();
    let store = Store::open(&place).unwrap();
    fill(&store, "kept");
    drop(store);
    for round in 0..3 {
        fs::remove_dir_all(&place.dir).unwrap();
        assert!(place.has_store());
        let store = Store::open(&place).unwrap();
        assert!(
            matches!(store.notices(), [Notice::BroughtBack(_)]),
            "{round}"
        );
        assert!(holds(&store, "kept"));
    }
    // A reader brings it back too.
    fs::remove_dir_all(&place.dir).unwrap();
    drop(Reader::open(&place).unwrap());
    // Emptied, by whatever.
    fs::remove_file(&place.db).unwrap();
    fs::write(&place.db, b"").unwrap();
    let store = Store::open(&place).unwrap();
    assert!(holds(&store, "kept"));
    drop(store);
    // Deleted on purpose.
    survive::forget(&place).unwrap();
    fs::remove_dir_all(&place.dir).unwrap();
    assert!(!place.has_store());
    assert!(!holds(&Store::open(&place).unwrap(), "kept"));
}

#[test]
fn deleted_while_it_is_open_it_loses_nothing() {
    let home = Home::new();
    let place = home.place();
    let store = Store::open(&place).unwrap();
    fs::remove_dir_all(&place.dir).unwrap();
    assert!(!store.in_place());
    fill(&store, "written after");
    // It is not brought back beside the one that is still open: two logs for one file would destroy it.
    let refused = Store::open(&place).map(|s| s.notices().to_vec());
    assert!(
        matches!(refused, Err(OpenError::Locked { .. })),
        "{refused:?}"
    );
    store.settle(true).unwrap();
    drop(store);
    let store = Store::open(&place).unwrap();
    assert!(matches!(store.notices(), [Notice::BroughtBack(_)]));
    assert!(holds(&store, "written after"));
}

#[test]
fn emptied_in_place_it_is_said() {
    let home = Home::new();
    let place = home.place();
    drop(Store::open(&place).unwrap());
    fs::File::options()
        .write(true)
        .truncate(true)
        .open(&place.db)
        .unwrap();
    let store = Store::open(&place).unwrap();
    assert_eq!(store.notices(), [Notice::WasEmpty(place.db.clone())]);
    fill(&store, "works");
}

#[test]
fn a_store_that_came_with_a_clone_is_not_trusted() {
    let (theirs, ours) = (Home::new(), Home::new());
    let there = theirs.place();
    drop(Store::open(&there).unwrap());
    let here = ours.place();
    fs::create_dir(&here.dir).unwrap();
    fs::set_permissions(&here.dir, fs::Permissions::from_mode(0o755)).unwrap();
    for file in ["history.db", "id", ".gitignore"] {
        fs::copy(there.dir.join(file), here.dir.join(file)).unwrap();
    }
    stranger(&here);
    fs::remove_file(here.dir.join("id")).unwrap();
    stranger(&here);
    // By name it can be opened.
    let named = Place::explicit(&here.db, here.uid);
    assert!(Store::open(&named).is_ok());
}

#[test]
fn a_folder_of_re_gent_is_shared() {
    let home = Home::new();
    let place = home.place();
    fs::create_dir(&place.dir).unwrap();
    fs::write(place.dir.join("index.sqlite"), b"theirs").unwrap();
    let store = Store::open(&place).unwrap();
    fill(&store, "beside");
    assert_eq!(fs::read(place.dir.join("index.sqlite")).unwrap(), b"theirs");
}

#[test]
fn links_are_not_followed() {
    let (home, other) = (Home::new(), Home::new());
    let place = home.place();
    drop(Store::open(&other.place()).unwrap());
    symlink(&other.place().dir, &place.dir).unwrap();
    stranger(&place);
    fs::remove_file(&place.dir).unwrap();

    drop(Store::open(&place).unwrap());
    let away = home.home.join("away.db");
    fs::rename(&place.db, &away).unwrap();
    symlink(&away, &place.db).unwrap();
    stranger(&place);
    fs::remove_file(&place.db).unwrap();
    fs::rename(&away, &place.db).unwrap();
    assert!(Store::open(&place).is_ok());
    fs::hard_link(&place.db, home.home.join("another-name")).unwrap();
    stranger(&place);
}

#[test]
fn what_is_another_users_is_not_trusted() {
    let home = Home::new();
    let place = home.place();
    drop(Store::open(&place).unwrap());
    for path in [&place.dir, &place.db] {
        if std::os::unix::fs::chown(path, Some(12345), None).is_err() {
            eprintln!("SKIPPED: files of another user can be made by root only");
            return;
        }
        stranger(&place);
        std::os::unix::fs::chown(path, Some(place.uid), None).unwrap();
    }
    assert!(Store::open(&place).is_ok());
}

#[test]
fn a_repository_that_is_moved_or_copied_takes_its_store_along() {
    let home = Home::new();
    let place = home.place();
    let store = Store::open(&place).unwrap();
    fill(&store, "moved");
    drop(store);
    let moved = home.home.join("moved");
    fs::rename(&home.repo, &moved).unwrap();
    let place = home.place_of(&moved);
    let store = Store::open(&place).unwrap();
    assert!(holds(&store, "moved"));
    drop(store);
    fs::remove_dir_all(&place.dir).unwrap();
    assert!(holds(&Store::open(&place).unwrap(), "moved"));

    let copied = home.home.join("copied");
    fs::create_dir_all(copied.join(".regent")).unwrap();
    for file in ["history.db", "id"] {
        fs::copy(place.dir.join(file), copied.join(".regent").join(file)).unwrap();
    }
    let store = Store::open(&home.place_of(&copied)).unwrap();
    assert!(holds(&store, "moved"));
}

#[test]
fn not_a_store_is_said_and_left_as_it_is() {
    let home = Home::new();
    let db = home.home.join("x.db");
    let place = Place::explicit(&db, home.place().uid);
    fs::create_dir(&db).unwrap();
    assert!(matches!(
        Store::open(&place),
        Err(OpenError::Foreign { .. })
    ));
    fs::remove_dir(&db).unwrap();

    fs::write(
        &db,
        "not a database, but long enough to look at\n".repeat(100),
    )
    .unwrap();
    assert!(matches!(
        Store::open(&place),
        Err(OpenError::Damaged { .. })
    ));
    assert!(fs::read(&db).unwrap().starts_with(b"not a database"));
    fs::remove_file(&db).unwrap();

    let other = rusqlite::Connection::open(&db).unwrap();
    other.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(other);
    let before = fs::read(&db).unwrap();
    assert!(matches!(
        Store::open(&place),
        Err(OpenError::Foreign { .. })
    ));
    assert_eq!(fs::read(&db).unwrap(), before);
}

#[test]
fn planted_triggers_and_views_are_refused() {
    for plant in [
        "CREATE TRIGGER t AFTER INSERT ON blob BEGIN DELETE FROM blob; END",
        "CREATE VIEW v AS SELECT 1",
        "DROP TABLE memo; CREATE VIEW memo AS SELECT 'a' AS name, 'b' AS value",
    ] {
        let home = Home::new();
        let place = home.place();
        drop(Store::open(&place).unwrap());
        let raw = rusqlite::Connection::open(&place.db).unwrap();
        raw.execute_batch(plant).unwrap();
        drop(raw);
        assert!(matches!(
            Store::open(&place),
            Err(OpenError::Foreign { .. })
        ));
        assert!(matches!(
            Reader::open(&place),
            Err(OpenError::Foreign { .. })
        ));
    }
}

#[test]
fn a_later_schema_is_read_where_it_can_be() {
    let home = Home::new();
    let place = home.place();
    let store = Store::open(&place).unwrap();
    fill(&store, "later");
    drop(store);
    let raw = rusqlite::Connection::open(&place.db).unwrap();
    raw.execute_batch("ALTER TABLE session ADD COLUMN more TEXT; PRAGMA user_version = 99")
        .unwrap();
    drop(raw);
    let store = Store::open(&place).unwrap();
    assert!(store.read_only());
    assert!(matches!(store.notices(), [Notice::ReadOnly(why)] if why.contains("99")));
    assert!(store.begin().is_err());
    assert!(Reader::open(&place).is_ok());
    drop(store);

    let raw = rusqlite::Connection::open(&place.db).unwrap();
    raw.execute_batch("ALTER TABLE session RENAME COLUMN title TO heading")
        .unwrap();
    drop(raw);
    let newer = Store::open(&place).err().unwrap();
    assert!(matches!(newer, OpenError::Newer { found: 99, .. }));
    assert!(newer.to_string().contains("later"));
    assert!(matches!(Reader::open(&place), Err(OpenError::Newer { .. })));
}

#[test]
fn a_missing_log_costs_only_what_was_in_it() {
    let home = Home::new();
    let place = home.place();
    let store = Store::open(&place).unwrap();
    fill(&store, "before");
    store.settle(false).unwrap();
    fill(&store, "in the log");
    let taken = home.home.join("taken.db");
    fs::copy(&place.db, &taken).unwrap();
    let store = Store::open(&Place::explicit(&taken, place.uid)).unwrap();
    assert!(holds(&store, "before"));
    assert!(!holds(&store, "in the log"));
}

#[test]
fn the_folder_cannot_be_written() {
    let home = Home::new();
    let place = home.place();
    let store = Store::open(&place).unwrap();
    fill(&store, "old");
    drop(store);
    fs::set_permissions(&place.db, fs::Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(&place.dir, fs::Permissions::from_mode(0o500)).unwrap();
    if rustix::fs::access(&place.dir, rustix::fs::Access::WRITE_OK).is_ok() {
        eprintln!("SKIPPED: root may write everywhere; the same is tested on a read-only disk");
    } else {
        let store = Store::open(&place).unwrap();
        assert!(store.read_only());
        assert!(store.reader().is_ok());
    }
    fs::set_permissions(&place.dir, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn what_lies_in_wait_for_a_new_store_is_moved_away() {
    let home = Home::new();
    let place = home.place();
    fs::create_dir(&place.dir).unwrap();
    let target = home.home.join("target");
    fs::write(&target, "mine").unwrap();
    let names = ["history.db-wal", "history.db-shm", "history.db-journal"];
    for name in names {
        symlink(&target, place.dir.join(name)).unwrap();
    }
    symlink(&target, place.dir.join(".gitignore")).unwrap();
    symlink(&target, place.dir.join("id")).unwrap();
    let tmp = format!("id.{}.tmp", std::process::id());
    symlink(&target, place.dir.join(tmp)).unwrap();
    let store = Store::open(&place).unwrap();
    fill(&store, "one");
    drop(store);
    assert!(holds(&Store::open(&place).unwrap(), "one"));
    assert_eq!(fs::read(&target).unwrap(), b"mine");
}

#[test]
fn on_another_disk_a_copy_is_kept() {
    let home = Home::new();
    let Ok(away) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("SKIPPED: there is no second disk");
        return;
    };
    if away.path().metadata().unwrap().dev() == home.home.metadata().unwrap().dev() {
        eprintln!("SKIPPED: there is no second disk");
        return;
    }
    let mut around = home.around();
    around.state_home = Some(away.path().to_owned());
    let place = choose(&home.repo, false, &around);
    let store = Store::open(&place).unwrap();
    fill(&store, "one");
    store.settle(true).unwrap();
    let kept = survive::kept(&place).unwrap();
    assert_eq!(kept.file_name().unwrap(), "copy.db");
    assert_eq!(mode(&kept), 0o600);
    let copied = kept.metadata().unwrap().ino();
    store.settle(true).unwrap();
    assert_eq!(
        kept.metadata().unwrap().ino(),
        copied,
        "nothing was written since"
    );
    fill(&store, "two");
    // Deleted while it is open: a copy is another file, so it can come back at once.
    fs::remove_dir_all(&place.dir).unwrap();
    let again = Store::open(&place).unwrap();
    assert!(matches!(again.notices(), [Notice::BroughtBack(_)]));
    assert!(holds(&again, "one") && !holds(&again, "two"));
    drop(store);
    drop(again);
    assert!(holds(&Store::open(&place).unwrap(), "one"));
}

#[test]
fn the_user_wide_store_is_the_users_alone() {
    let home = Home::new();
    let place = choose(&home.repo, true, &home.around());
    assert!(matches!(
        Reader::open(&place),
        Err(OpenError::Missing { .. })
    ));
    let store = Store::open(&place).unwrap();
    fill(&store, "one");
    assert_eq!(mode(&place.dir), 0o700);
    assert_eq!(mode(&place.db), 0o600);
    assert!(!home.repo.join(".regent").exists());
    drop(store);
    fs::remove_file(&place.db).unwrap();
    symlink("/etc/passwd", &place.db).unwrap();
    stranger(&place);
}

#[test]
fn another_store_in_our_place_does_not_cost_the_old_one() {
    let home = Home::new();
    let place = home.place();
    let store = Store::open(&place).unwrap();
    fill(&store, "first");
    drop(store);
    let backup = home.home.join("backup.db");
    fs::copy(&place.db, &backup).unwrap();
    let store = Store::open(&place).unwrap();
    fill(&store, "second");
    drop(store);
    fs::rename(&backup, &place.db).unwrap();
    let store = Store::open(&place).unwrap();
    assert!(holds(&store, "first") && !holds(&store, "second"));
    let before = tree(place.keep.as_ref().unwrap());
    let name = |p: &Path| p.file_name().unwrap().to_string_lossy().into_owned();
    assert!(
        before
            .iter()
            .any(|(p, ..)| name(p).starts_with("history.db.before-"))
    );
}

#[test]
#[ignore = "prints how long opening takes"]
fn how_long_opening_takes() {
    let home = Home::new();
    let place = home.place();
    drop(Store::open(&place).unwrap());
    for what in ["store", "reader"] {
        let started = std::time::Instant::now();
        for _ in 0..50 {
            match what {
                "store" => drop(Store::open(&place).unwrap()),
                _ => drop(Reader::open(&place).unwrap()),
            }
        }
        eprintln!("{what}: {:?}", started.elapsed() / 50);
    }
}
