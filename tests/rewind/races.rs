//! T6: writers that do not stop while files are put back. Every word that anybody wrote is in the tree or in the store.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use regent_tui::clock::Clock;
use regent_tui::model::Time;
use regent_tui::rewind::{self, How};
use regent_tui::store::journal;

use crate::scene::{Scene, Thing};

const ROUNDS: usize = 50;
const FILES: usize = 8;

/// Writes numbered lines, in three ways, until it is told to stop; the numbers whose write had come to an end.
fn writer(
    dir: std::path::PathBuf,
    way: usize,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
) -> Vec<(String, u64)> {
    let mut done = Vec::new();
    let mut i = way;
    while !stop.load(Ordering::Relaxed) {
        i += 1;
        let name = format!("f{}", i % FILES);
        let path = dir.join(&name);
        let n = next.fetch_add(1, Ordering::Relaxed);
        let word = format!("<{n}>\n");
        let wrote = match way {
            // Appends through a file that it holds open for a while.
            0 => fs::OpenOptions::new()
                .append(true)
                .open(&path)
                .and_then(|mut f| {
                    std::thread::yield_now();
                    f.write_all(word.as_bytes())
                }),
            // Creates, where nothing is.
            _ => fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(dir.join(format!("{name}.{way}")))
                .and_then(|mut f| f.write_all(word.as_bytes())),
        };
        if wrote.is_ok() {
            done.push((name, n));
        }
        std::thread::sleep(std::time::Duration::from_micros(300));
    }
    done
}

#[test]
fn t6_no_word_of_a_writer_is_lost() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    let (next, mut words) = (Arc::new(AtomicU64::new(0)), BTreeSet::new());
    let (mut applied, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        for f in 0..FILES {
            s.step(
                "s",
                &format!("f{f}"),
                Some(&format!("round {round}, to be undone\n")),
            );
        }
        let plan = s.plan(&s.wish("s", first));
        let stop = Arc::new(AtomicBool::new(false));
        let threads: Vec<_> = (0..2)
            .map(|way| {
                let (dir, next, stop) = (s.dir.clone(), next.clone(), stop.clone());
                std::thread::spawn(move || writer(dir, way, next, stop))
            })
            .collect();
        let how = How {
            clock: Clock::frozen(Time(5_000_000_000)),
            partial: round % 2 == 0,
            snapshots: false,
        };
        match rewind::apply(&s.store, &s.root(), &plan, how, &mut |_, _, _| {}) {
            Ok(_) => applied += 1,
            Err(_) => refused += 1,
        }
        std::thread::sleep(std::time::Duration::from_millis(3));
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            words.extend(thread.join().unwrap().into_iter().map(|(_, n)| n));
        }
        rewind::sweep(&s.store, &s.root(), Time(6_000_000_000)).unwrap();
    }
    // Everything in the tree, and every content that a rewind displaced or found to be written late.
    let mut text = String::new();
    for thing in s.tree().values() {
        if let Thing::File(bytes, _) = thing {
            text.push_str(&String::from_utf8_lossy(bytes));
        }
    }
    let reader = s.reader();
    for hash in reader.contents_named().unwrap() {
        text.push_str(&String::from_utf8_lossy(&reader.content(&hash).unwrap()));
    }
    let found: BTreeSet<u64> = text
        .split('<')
        .skip(1)
        .filter_map(|t| t.split_once('>')?.0.parse().ok())
        .collect();
    let lost: Vec<&u64> = words.iter().filter(|n| !found.contains(n)).collect();
    assert!(
        lost.is_empty(),
        "{} of {} words are lost: {lost:?}",
        lost.len(),
        words.len()
    );
    assert!(
        !words.is_empty() && applied + refused == ROUNDS,
        "{applied} {refused}"
    );
    eprintln!(
        "{} words, {applied} rewinds applied, {refused} refused",
        words.len()
    );
    let _ = journal::Phase::Applied;
}

#[test]
fn t8_a_folder_that_turns_into_a_link_leads_nowhere() {
    let mut s = Scene::new();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("f"), "not yours\n").unwrap();
    s.put("dir/f", "before\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "dir/f", Some("after\n"));
    let plan = s.plan(&s.wish("s", first));
    let stop = Arc::new(AtomicBool::new(false));
    let racer = {
        let (dir, stop, outside) = (s.dir.clone(), stop.clone(), outside.path().to_owned());
        std::thread::spawn(move || {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            std::os::unix::fs::symlink(outside, dir.join("link")).unwrap();
            let mut swaps = 0u64;
            while !stop.load(Ordering::Relaxed) || swaps % 2 == 1 {
                renameat_with(
                    CWD,
                    dir.join("dir"),
                    CWD,
                    dir.join("link"),
                    RenameFlags::EXCHANGE,
                )
                .unwrap();
                swaps += 1;
            }
            swaps
        })
    };
    let undo_plan = |s: &Scene| rewind::undo::undo(&s.reader(), &s.root());
    for _ in 0..60 {
        let how = How {
            clock: Clock::frozen(Time(5_000_000_000)),
            partial: false,
            snapshots: false,
        };
        if rewind::apply(&s.store, &s.root(), &plan, how, &mut |_, _, _| {}).is_err() {
            for _ in 0..50 {
                if rewind::recover(&s.store, &s.root(), Time(3)).is_ok() {
                    break;
                }
            }
        }
        if let Ok(undo) = undo_plan(&s) {
            let _ = rewind::apply(&s.store, &s.root(), &undo, how, &mut |_, _, _| {});
        }
    }
    stop.store(true, Ordering::Relaxed);
    let swaps = racer.join().unwrap();
    let names: Vec<_> = fs::read_dir(outside.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["f"]);
    assert_eq!(
        fs::read_to_string(outside.path().join("f")).unwrap(),
        "not yours\n"
    );
    eprintln!("{swaps} swaps");
}
