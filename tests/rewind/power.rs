//! T3: the power goes. What a real rewind, its undo and its recovery did is read from their system calls; at a moment by
//! chance the disk forgets what was not synced, as `model` says; then somebody starts the program again.
//!
//! There is no device here that really forgets, so the model carries it: it is meaner than any file system in use, and
//! proved to know all that was done by what it comes to in the end.

use std::process::Stdio;

use regent_tui::clock::Clock;
use regent_tui::fsx::Root;
use regent_tui::model::Time;
use regent_tui::query::StoreAsk;
use regent_tui::rewind;
use regent_tui::source::Places;
use regent_tui::store::{Place, Store};

use crate::crash;
use crate::frozen::{Frozen, no_strace};
use crate::model::{CALLS, Chance, Deeds, Disk, LEFT, Left};
use crate::scene::{Scene, Tree};

/// Five files, each in one of the ways there are: each of them is synced by itself, not all at once.
fn five(s: &mut Scene) -> u32 {
    s.put("changed", "before\n");
    s.put("run/script", "before\n");
    s.chmod("run/script", 0o755);
    s.put("gone/deep/file", "removed\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "changed", Some("after\n"));
    s.step("s", "run/script", Some("after\n"));
    s.step("s", "gone/deep/file", None);
    s.step("s", "new/made", Some("created\n"));
    s.put("yours", "never touched\n");
    first
}

/// What a command did, begun in a folder that was kept.
fn deeds(frozen: &Frozen, from: &str, words: &[&str], more: &[&str]) -> Deeds {
    frozen.fresh(from);
    let start = Disk::read(frozen.place());
    let log = frozen.place().with_extension("log");
    let trace = format!("trace={CALLS}");
    let mut options = vec!["-y", "-xx", "-s", "100000000", "-o", log.to_str().unwrap()];
    options.extend(["-e", trace.as_str()]);
    options.extend(more);
    let out = frozen
        .command(words, Some(&options))
        .stdout(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{words:?}: {said}");
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(log).unwrap();
    let (now, deeds) = (
        frozen.tree(),
        Deeds::read(start, frozen.place(), mine, &text),
    );
    // Nothing that it did went unseen.
    frozen.clear();
    deeds.whole().write(frozen.place(), &index);
    assert_eq!(frozen.tree(), now, "the model knows all that was done");
    deeds
}

/// What is the user's.
fn mine(path: &[u8]) -> bool {
    path.starts_with(b"/work/") && !path.starts_with(b"/work/.regent")
}

/// What SQLite keeps in memory and makes again.
fn index(name: &[u8]) -> bool {
    name.ends_with(b"-shm")
}

/// Starts again after a power cut and takes back what was interrupted. What is in effect then: the kind of the newest
/// operation that came to its end.
fn start_again(frozen: &Frozen, what: &str) -> Option<&'static str> {
    let place = Place::explicit(&frozen.db(), rustix::process::geteuid().as_raw());
    let store = Store::open(&place).unwrap_or_else(|e| panic!("{what}: {e:?}"));
    let root = Root::open(frozen.work(), None).unwrap();
    let back = rewind::recover(&store, &root, Time(4_000_000_000_000))
        .unwrap_or_else(|e| panic!("{what}: {e:?}"));
    for (_, back) in &back {
        assert!(back.changed.is_empty(), "{what}: {back:?}");
    }
    let sound = store.reader().unwrap().structure(true).unwrap();
    assert!(sound.is_empty(), "{what}: {sound:?}");
    let clock = Clock::frozen(Time(4_000_000_000_000));
    let ask = StoreAsk::new(store.reader().unwrap(), place, Places::default(), clock);
    ask.rewinds(None).unwrap().first().map(|newest| newest.kind)
}

/// Equal, or which paths are not.
fn same(now: &Tree, wanted: &Tree, what: &str) {
    let paths = now.keys().chain(wanted.keys());
    let other = paths.filter(|path| now.get(*path) != wanted.get(*path));
    let other: std::collections::BTreeSet<String> = other
        .map(|path| {
            let (is, will) = (now.get(path), wanted.get(path));
            format!("{}: {is:?}, not {will:?}", String::from_utf8_lossy(path))
        })
        .collect();
    assert!(other.is_empty(), "{what}: {other:#?}");
}

/// Cuts the power so many times. `before` and `after`: what the folder is if the command did nothing, and if it did all,
/// which is so once an operation of this kind is in effect.
fn cut(
    frozen: &Frozen,
    deeds: &Deeds,
    (before, after): (&Tree, &Tree),
    (times, modes): (usize, &[Left]),
    kind: Option<&str>,
) {
    let mut chance = Chance(11);
    let (mut half, mut done) = (0, 0);
    for n in 0..times {
        let left = modes[n % modes.len()];
        let moment = deeds.moment(&mut chance);
        let what = format!("power cut {n} at {moment}, {left:?}");
        frozen.clear();
        deeds
            .cut(moment, left, &mut chance)
            .write(frozen.place(), &index);
        let then = frozen.tree();
        half += usize::from(then != *before && then != *after);
        let newest = start_again(frozen, &what);
        let applied = kind.is_some() && newest == kind;
        done += usize::from(applied);
        let wanted = if applied { after } else { before };
        same(&frozen.tree(), wanted, &what);
        if applied && n % 8 == 0 {
            // What was replaced is stored, whatever became of the stage.
            let there_and_back = match kind {
                Some("undo") => ["redo", "undo"],
                _ => ["undo", "redo"],
            };
            for (word, wanted) in there_and_back.into_iter().zip([before, after]) {
                frozen.run(&[word], &[]);
                same(&frozen.tree(), wanted, &format!("{what}: {word}"));
            }
        }
    }
    eprintln!("{times} power cuts: {half} left a tree half done, {done} came after the end");
    assert!(half > times / 12, "hardly ever in the middle: {half}");
}

fn rewinds(frozen: &Frozen, times: usize) {
    let deeds = deeds(frozen, "before", &frozen.rewind(), &[]);
    let way = (&frozen.pre, &frozen.post);
    cut(frozen, &deeds, way, (times, &LEFT), Some("rewind"));
}

fn undos(frozen: &Frozen, times: usize) {
    let deeds = deeds(frozen, "after", &["undo"], &[]);
    let way = (&frozen.post, &frozen.pre);
    cut(frozen, &deeds, way, (times, &LEFT), Some("undo"));
}

/// As on a file system that cannot exchange names. There each of them is moved by itself: one that forgets names in any
/// order could forget a file, so only those that keep them in order will do.
fn rewinds_without_exchange(frozen: &Frozen, times: usize) {
    let refuse = ["-e", "inject=renameat2:error=EINVAL"];
    let deeds = deeds(frozen, "before", &frozen.rewind(), &refuse);
    let way = (&frozen.pre, &frozen.post);
    let modes = [Left::All, Left::UpTo, Left::Journal];
    cut(frozen, &deeds, way, (times, &modes), Some("rewind"));
}

fn recoveries(frozen: &Frozen, times: usize) {
    frozen.interrupt();
    let deeds = deeds(frozen, "half", &["undo"], &[]);
    let half = {
        frozen.fresh("half");
        frozen.tree()
    };
    cut(frozen, &deeds, (&frozen.pre, &half), (times, &LEFT), None);
}

fn all(times: usize) {
    if no_strace() {
        return;
    }
    for make in [crash::forty, five] {
        let frozen = Frozen::of(make);
        rewinds(&frozen, times);
        undos(&frozen, times);
        rewinds_without_exchange(&frozen, times);
        recoveries(&frozen, times);
    }
}

#[test]
fn t3_the_power_goes() {
    all(60);
}

#[test]
#[ignore = "minutes: 10,000 power cuts"]
fn t3_all_the_power_goes_10000_times() {
    all(1250);
}
