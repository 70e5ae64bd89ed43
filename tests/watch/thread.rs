//! The thread that watches, without the program around it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use crossbeam_channel::Receiver;
use regent_tui::clock::Clock;
use regent_tui::ingest::Roots;
use regent_tui::store::{Place, Store};
use regent_tui::watch::{News, Options, Watch};

/// How long anything may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(30);

fn start(root: &Path, work: &Path, folders: Option<usize>) -> (Watch, Receiver<News>, Place) {
    let place = Place::explicit(&root.join("history.db"), fs::metadata(root).unwrap().uid());
    drop(Store::open(&place).unwrap());
    let (send, news) = crossbeam_channel::unbounded();
    let options = Options {
        place: place.clone(),
        folder: work.to_owned(),
        home: None,
        roots: Roots::new(Some(work), &[], &[]),
        clock: Clock::system(),
        folders,
    };
    // Nobody listens any more when the test is over.
    let watch = Watch::start(options, move |n| drop(send.send(n))).unwrap();
    (watch, news, place)
}

#[track_caller]
fn wait(news: &Receiver<News>, what: &str, is: impl Fn(&News) -> bool) -> News {
    loop {
        match news.recv_timeout(PATIENCE) {
            Ok(n) if is(&n) => return n,
            Ok(_) => {}
            Err(e) => panic!("never: {what} ({e})"),
        }
    }
}

fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let tmp = tempfile::tempdir().unwrap();
    let work = tmp.path().canonicalize().unwrap().join("work");
    for n in 0..6 {
        fs::create_dir_all(work.join(format!("d{n}"))).unwrap();
        fs::write(work.join(format!("d{n}/f")), "x\n").unwrap();
    }
    (tmp, work)
}

#[test]
fn where_so_many_folders_cannot_be_watched_it_looks_and_says_so() {
    let (tmp, work) = folder();
    let (watch, news, _) = start(tmp.path(), &work, Some(3));
    let said = wait(&news, "it says so", |n| matches!(n, News::Said(_)));
    let News::Said(words) = said else {
        unreachable!()
    };
    assert!(
        words.contains("7 folders") && words.contains("looking every 2 s instead"),
        "{words}"
    );
    wait(&news, "the first look", |n| *n == News::Seen);
    fs::write(work.join("d3/f"), "changed\n").unwrap();
    wait(&news, "the change", |n| *n == News::Seen);
    watch.stop();
}

#[test]
fn folders_that_come_and_go_are_listened_to() {
    let (tmp, work) = folder();
    let (watch, news, _) = start(tmp.path(), &work, None);
    wait(&news, "the first look", |n| *n == News::Seen);
    for round in 0..3 {
        // Another folder under the same name, deep, and a file in it a moment later.
        fs::rename(work.join("d0"), work.join(format!("old{round}"))).unwrap();
        fs::create_dir_all(work.join("d0/a/b")).unwrap();
        wait(&news, "the new folders", |n| *n == News::Seen);
        std::thread::sleep(Duration::from_millis(700));
        while news.try_recv().is_ok() {}
        fs::write(work.join("d0/a/b/file"), format!("{round}\n")).unwrap();
        wait(&news, "a file in a new folder", |n| *n == News::Seen);
    }
    watch.stop();
}

#[test]
fn a_folder_that_may_not_be_watched_is_said_and_nothing_is_made() {
    let (tmp, work) = folder();
    let place = Place::explicit(
        &tmp.path().join("h.db"),
        fs::metadata(tmp.path()).unwrap().uid(),
    );
    drop(Store::open(&place).unwrap());
    let (send, news) = crossbeam_channel::unbounded();
    let options = Options {
        place,
        folder: work.clone(),
        home: Some(work.clone()),
        roots: Roots::new(Some(&work), &[], &[]),
        clock: Clock::system(),
        folders: None,
    };
    let watch = Watch::start(options, move |n| drop(send.send(n))).unwrap();
    wait(&news, "it says why", |n| matches!(n, News::Off(_)));
    watch.stop();
    assert!(!work.join(".regent").exists());
}

/// The newest snapshot: files, and their bytes.
fn newest(place: &Place) -> (u64, u64) {
    let conn = rusqlite::Connection::open(&place.db).unwrap();
    let sql = "SELECT files, bytes FROM snapshot ORDER BY at DESC, id DESC LIMIT 1";
    conn.query_row(sql, [], |r| {
        Ok((r.get::<_, i64>(0)? as u64, r.get::<_, i64>(1)? as u64))
    })
    .unwrap()
}

/// So many events come at once that the system's queue (16,384 of them by default) may overflow. Whether it does depends on
/// the machine; that nothing is lost does not.
#[test]
fn a_burst_that_the_system_cannot_tell_whole_loses_nothing() {
    const FOLDERS: usize = 40;
    const FILES: usize = 150;
    let (tmp, work) = folder();
    let (watch, news, place) = start(tmp.path(), &work, None);
    wait(&news, "the first look", |n| *n == News::Seen);
    std::thread::scope(|scope| {
        for part in 0..4 {
            let work = &work;
            scope.spawn(move || {
                for d in (part..FOLDERS).step_by(4) {
                    // The folder is made, goes, and another one has its name.
                    let dir = work.join(format!("burst{d}/deep"));
                    fs::create_dir_all(&dir).unwrap();
                    (0..FILES).for_each(|f| fs::write(dir.join(format!("f{f}")), "x").unwrap());
                    fs::remove_dir_all(work.join(format!("burst{d}"))).unwrap();
                    fs::create_dir_all(&dir).unwrap();
                    (0..FILES).for_each(|f| fs::write(dir.join(format!("f{f}")), "yy").unwrap());
                }
            });
        }
    });
    let all = (FOLDERS * FILES) as u64;
    let whole = |files: u64, bytes: u64| newest(&place) == (6 + files, 12 + bytes);
    let begun = std::time::Instant::now();
    while !whole(all, 2 * all) {
        assert!(begun.elapsed() < PATIENCE, "never: {:?}", newest(&place));
        std::thread::sleep(Duration::from_millis(100));
    }
    // And it still hears of each of the new folders.
    std::thread::sleep(Duration::from_millis(1500));
    fs::write(work.join("burst7/deep/f7"), "changed").unwrap();
    fs::write(work.join("burst38/deep/more"), "new").unwrap();
    while !whole(all + 1, 2 * all + 5 + 3) {
        assert!(
            begun.elapsed() < 2 * PATIENCE,
            "never: {:?}",
            newest(&place)
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    watch.stop();
}
