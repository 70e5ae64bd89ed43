//! The store among other processes, on full and read-only disks, and under any umask (T4, T18, T19, T27). The other
//! process is this test program, told to run one `child_*` test.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod store_home;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use regent_tui::model::BlobHash;
use regent_tui::store::{Error, OpenError, Reader, Store, blobs};
use store_home::{Home, fill, holds};

/// Runs a test of this file in another process, on this home, after a shell has done `first`.
fn spawn(test: &str, home: &Home, first: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("{first}\nexec \"$@\""), "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("STORE_TEST_HOME", &home.home)
        .stdout(Stdio::piped())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The home that the parent process told of; `None` in an ordinary run of the tests.
fn told() -> Option<Home> {
    Some(Home::at(PathBuf::from(std::env::var_os(
        "STORE_TEST_HOME",
    )?)))
}

/// Runs a child in its own view of the disks; `false` if that cannot be had here.
fn in_own_mounts(test: &str, home: &Home, mounts: &str) -> bool {
    let may = Command::new("unshare")
        .args(["-m", "sh", "-c", "mount -t tmpfs tmpfs /tmp"])
        .stderr(Stdio::null())
        .status();
    if !may.is_ok_and(|s| s.success()) {
        eprintln!("SKIPPED: no mounts can be made here");
        return false;
    }
    let status = Command::new("unshare")
        .args([
            "-m",
            "sh",
            "-c",
            &format!("set -e\n{mounts}\nexec \"$@\""),
            "sh",
        ])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("STORE_TEST_HOME", &home.home)
        .current_dir(&home.home)
        .status()
        .unwrap();
    assert!(status.success());
    true
}

/// The other process of the test below: holds the store until its input ends.
#[test]
fn child_holds() {
    let Some(home) = told() else { return };
    let place = home.place();
    let store = Store::open(&place).unwrap();
    fill(&store, "from the child");
    println!("\nready");
    std::io::read_to_string(std::io::stdin()).unwrap();
    fill(&store, "after the deletion");
}

#[test]
fn deleted_while_another_process_has_it_open() {
    let home = Home::new();
    let place = home.place();
    let mut child = spawn("child_holds", &home, "");
    let lines = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut lines = std::io::BufRead::lines(lines).map(|l| l.unwrap());
    assert!(lines.any(|l| l == "ready"));
    fs::remove_dir_all(&place.dir).unwrap();
    let refused = Store::open(&place).map(|s| s.notices().to_vec());
    assert!(
        matches!(refused, Err(OpenError::Locked { .. })),
        "{refused:?}"
    );
    drop(child.stdin.take());
    lines.for_each(drop);
    assert!(child.wait().unwrap().success());
    let store = Store::open(&place).unwrap();
    assert!(holds(&store, "from the child"));
    assert!(holds(&store, "after the deletion"));
}

/// One of the writers of the test below.
#[test]
fn child_writes() {
    let Some(home) = told() else { return };
    let place = home.place();
    let store = Store::open(&place).unwrap();
    for n in 0..100 {
        fill(&store, &format!("{} {n}", std::process::id()));
    }
}

#[test]
fn several_processes_make_it_and_write_to_it_at_once() {
    let home = Home::new();
    let place = home.place();
    let children: Vec<_> = (0..4).map(|_| spawn("child_writes", &home, "")).collect();
    let pids: Vec<u32> = children.iter().map(|c| c.id()).collect();
    let threads: Vec<_> = (0..2)
        .map(|t| {
            let place = place.clone();
            std::thread::spawn(move || {
                let store = Store::open(&place).unwrap();
                for n in 0..100 {
                    fill(&store, &format!("thread {t} {n}"));
                    assert!(store.reader().is_ok());
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    for mut child in children {
        assert!(child.wait().unwrap().success(), "no conflict is ever shown");
    }
    let store = Store::open(&place).unwrap();
    let who: Vec<String> = pids
        .iter()
        .map(|p| p.to_string())
        .chain(["thread 0".to_owned(), "thread 1".to_owned()])
        .collect();
    for w in who {
        assert!((0..100).all(|n| holds(&store, &format!("{w} {n}"))), "{w}");
    }
}

/// Does all that makes files, and leaves them lying.
#[test]
fn child_makes_everything() {
    let Some(home) = told() else { return };
    let place = home.place();
    let store = Store::open(&place).unwrap();
    fill(&store, "one");
    println!("\nmodes while open");
    check_modes(&place.dir);
    drop(store);
    let aside = regent_tui::store::check::set_aside(&place).unwrap();
    let store = Store::open(&place).unwrap();
    regent_tui::store::check::salvage(&aside, &store).unwrap();
    drop(store);
    fs::remove_dir_all(&place.dir).unwrap();
    let store = Store::open(&place).unwrap();
    fill(&store, "two");
    // As a kill would leave it.
    std::process::exit(0);
}

fn check_modes(dir: &Path) {
    assert_eq!(
        dir.metadata().unwrap().mode() & 0o777,
        0o700,
        "{}",
        dir.display()
    );
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() {
            check_modes(&path);
        } else {
            assert_eq!(meta.mode() & 0o777, 0o600, "{}", path.display());
        }
    }
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    for umask in ["000", "022", "077", "777"] {
        let home = Home::new();
        let mut child = spawn("child_makes_everything", &home, &format!("umask {umask}"));
        let out = BufReader::new(child.stdout.take().unwrap());
        out.lines().for_each(drop);
        assert!(child.wait().unwrap().success(), "umask {umask}");
        let place = home.place();
        check_modes(&place.dir);
        check_modes(place.keep.as_ref().unwrap());
        assert!(holds(&Store::open(&place).unwrap(), "one"), "umask {umask}");
    }
}

/// Tells of each content that is stored, until it is killed.
#[test]
fn child_writes_for_ever() {
    let Some(home) = told() else { return };
    let store = Store::open(&home.place()).unwrap();
    for n in 0u64.. {
        fill(&store, &format!("{} {n}", std::process::id()));
        println!("\nstored {n}");
        if n % 7 == 0 {
            store.settle(false).unwrap();
        }
    }
}

#[test]
fn what_was_told_to_be_stored_survives_a_kill() {
    let home = Home::new();
    let place = home.place();
    let mut told = Vec::new();
    for round in 0..25 {
        let mut child = spawn("child_writes_for_ever", &home, "");
        let id = child.id();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut stored = lines
            .map_while(Result::ok)
            .filter_map(|l| l.strip_prefix("stored ").map(str::to_owned));
        told.extend(
            stored
                .by_ref()
                .take(round * 3 + 1)
                .map(|n| format!("{id} {n}")),
        );
        child.kill().unwrap();
        child.wait().unwrap();
        told.extend(stored.map(|n| format!("{id} {n}")));
        if round % 5 == 4 {
            fs::remove_dir_all(&place.dir).unwrap();
            let store = Store::open(&place).unwrap();
            // What was not in the file yet went with its log.
            told.retain(|text| holds(&store, text));
        }
    }
    let store = Store::open(&place).unwrap();
    assert!(store.reader().unwrap().structure(true).unwrap().is_empty());
    assert!(told.len() > 100);
    for text in told {
        assert!(holds(&store, &text), "{text}");
    }
}

/// Bytes that cannot be packed.
fn noise(n: u64) -> Vec<u8> {
    let mut bytes = vec![0; 60_000];
    blake3::Hasher::new()
        .update(&n.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

fn store_noise(store: &Store, n: u64) -> Result<(), Error> {
    let tx = store.begin()?;
    blobs::put(&tx, &noise(n))?;
    tx.commit()?;
    Ok(())
}

#[test]
fn child_fills_the_disk() {
    let Some(home) = told() else { return };
    let filler = home.home.join("filler");
    fs::write(&filler, vec![1; 150_000]).unwrap();
    let place = home.place();
    let store = match Store::open(&place) {
        Ok(store) => store,
        Err(e) => {
            assert!(matches!(e, OpenError::Full { .. }), "{e:?}");
            fs::remove_file(&filler).unwrap();
            return;
        }
    };
    let (mut stored, mut error) = (Vec::new(), None);
    for n in 0..5000 {
        match store_noise(&store, n).and_then(|()| store.settle(false)) {
            Ok(()) => stored.push(n),
            Err(e) => {
                error = Some(e);
                break;
            }
        }
    }
    assert!(
        matches!(error, Some(Error::Full)),
        "{error:?} after {}",
        stored.len()
    );
    // What is there can be read; and when there is room again, it goes on.
    assert!(
        store
            .reader()
            .unwrap()
            .contents(|_, _| ())
            .unwrap()
            .is_empty()
    );
    fs::remove_file(&filler).unwrap();
    store_noise(&store, 5000).unwrap();
    stored.push(5000);
    let tx = store.begin().unwrap();
    for n in stored {
        assert!(
            blobs::find(&tx, &BlobHash::of(&noise(n)))
                .unwrap()
                .is_some()
        );
    }
}

#[test]
fn a_full_disk_is_said_and_costs_nothing() {
    for kilobytes in [160, 300, 500, 900, 2000, 5000, 9000] {
        let home = Home::new();
        let h = home.home.display();
        let mounts = format!("mount -t tmpfs -o size={kilobytes}k tmpfs '{h}'");
        if !in_own_mounts("child_fills_the_disk", &home, &mounts) {
            return;
        }
    }
}

#[test]
fn child_reads() {
    let Some(home) = told() else { return };
    let place = home.place();
    let store = Store::open(&place).unwrap();
    assert!(store.read_only());
    assert!(
        store
            .notices()
            .iter()
            .any(|n| n.to_string().contains("read-only"))
    );
    assert!(matches!(store.begin(), Err(Error::ReadOnly)));
    for reader in [store.reader().unwrap(), Reader::open(&place).unwrap()] {
        assert_eq!(reader.status().unwrap().blobs, 1);
        assert!(reader.contents(|_, _| ()).unwrap().is_empty());
    }
}

#[test]
fn child_settles() {
    let Some(home) = told() else { return };
    let store = Store::open(&home.place()).unwrap();
    assert!(!store.read_only());
    fill(&store, "one");
    store.settle(true).unwrap();
}

#[test]
fn child_misses_the_log() {
    let Some(home) = told() else { return };
    let told_so = |text: &str| text.contains("newest records");
    let reader = Reader::open(&home.place()).unwrap();
    assert_eq!(reader.status().unwrap().blobs, 1);
    assert!(reader.notices().iter().any(|n| told_so(&n.to_string())));
    let store = Store::open(&home.place()).unwrap();
    assert!(store.notices().iter().any(|n| told_so(&n.to_string())));
}

#[test]
fn a_log_that_cannot_be_read_is_said() {
    let home = Home::new();
    let place = home.place();
    let store = Store::open(&place).unwrap();
    fill(&store, "one");
    store.settle(true).unwrap();
    fill(&store, "in the log");
    // As a machine leaves it that was switched off.
    let log = fs::read(place.dir.join("history.db-wal")).unwrap();
    let file = fs::read(&place.db).unwrap();
    drop(store);
    fs::write(&place.db, file).unwrap();
    fs::write(place.dir.join("history.db-wal"), log).unwrap();
    let repo = home.repo.display();
    let mounts = format!("mount --bind '{repo}' '{repo}'\nmount -o remount,ro,bind '{repo}'");
    if in_own_mounts("child_misses_the_log", &home, &mounts) {
        let store = Store::open(&place).unwrap();
        assert!(holds(&store, "in the log"), "where it can be, it is read");
    }
}

#[test]
fn on_a_read_only_disk_it_is_read() {
    let home = Home::new();
    let store = Store::open(&home.place()).unwrap();
    fill(&store, "one");
    let repo = home.repo.display();
    let regent = home.place().dir.display().to_string();
    let everything = home.home.display();
    for (n, what) in [repo.to_string(), regent, everything.to_string()]
        .iter()
        .enumerate()
    {
        // First with a log that another process writes to.
        let mounts = format!("mount --bind '{what}' '{what}'\nmount -o remount,ro,bind '{what}'");
        if !in_own_mounts("child_reads", &home, &mounts) {
            return;
        }
        assert!(n < 3);
    }
    drop(store);
    // Only what is kept elsewhere: the store itself can be written.
    let state = home.home.join(".local");
    let state = state.display();
    let mounts = format!("mount --bind '{state}' '{state}'\nmount -o remount,ro,bind '{state}'");
    in_own_mounts("child_settles", &home, &mounts);
    for what in [repo, everything] {
        let mounts = format!("mount --bind '{what}' '{what}'\nmount -o remount,ro,bind '{what}'");
        in_own_mounts("child_reads", &home, &mounts);
    }
}

#[test]
fn held_by_another_program_for_long_it_says_so() {
    let home = Home::new();
    let place = home.place();
    drop(Store::open(&place).unwrap());
    let other = rusqlite::Connection::open(&place.db).unwrap();
    other
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM memo;")
        .unwrap();
    let started = std::time::Instant::now();
    assert!(matches!(Store::open(&place), Err(OpenError::Locked { .. })));
    assert!(started.elapsed().as_secs() < 15);
}
