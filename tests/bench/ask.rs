//! Questions to a large store: the first ones of a start, a page of rows, and each key of a search.
//!
//! `REGENT_BENCH_HOME` names a folder with `.claude/projects` in it (read into a store first), or `REGENT_BENCH_STORE` a
//! store that is there. Prints figures; nothing is asserted.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use regent_tui::clock::Clock;
use regent_tui::ingest::{self, Options};
use regent_tui::model::Time;
use regent_tui::query::types::{Scope, StepRow};
use regent_tui::query::{Ask, StoreAsk};
use regent_tui::source::Places;
use regent_tui::store::{Place, Store};

/// What people type, letter by letter.
const TYPED: &[&str] = &[
    "retry loop",
    "cargo test",
    "refactor",
    "src/extra",
    "why does",
];

fn main() {
    let uid = rustix::process::getuid().as_raw();
    let scratch = tempfile::tempdir().unwrap();
    let place = match std::env::var_os("REGENT_BENCH_STORE") {
        Some(store) => Place::explicit(&PathBuf::from(store), uid),
        None => {
            let Some(home) = std::env::var_os("REGENT_BENCH_HOME") else {
                println!("skipped: neither REGENT_BENCH_STORE nor REGENT_BENCH_HOME is set");
                return;
            };
            let place = Place::explicit(&scratch.path().join("h.db"), uid);
            let store = Store::open(&place).unwrap();
            let options = Options {
                from: vec![PathBuf::from(home)],
                ..Options::default()
            };
            ingest::run(&store, &options, Time(0), &mut |_| {}).unwrap();
            place
        }
    };
    start(&place);
    finding(&place);
}

fn took<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let value = work();
    println!("{what:<44} {:>9.2} ms", ms(start.elapsed()));
    value
}

fn ms(d: Duration) -> f64 {
    d.as_secs_f64() * 1000.0
}

fn open(place: &Place) -> StoreAsk {
    StoreAsk::open(place, Places::default(), Clock::system()).unwrap()
}

/// What stands between a start and its first frame, then what a look around asks.
fn start(place: &Place) {
    let ask = took("open", || open(place));
    let list = took("sessions", || ask.sessions().unwrap());
    let largest = list.sessions.iter().max_by_key(|s| s.steps).unwrap();
    println!("{:<44} {:>9}", "sessions listed", list.sessions.len());
    let timeline = took(&format!("timeline of {} steps", largest.steps), || {
        ask.timeline(largest.row).unwrap()
    });
    let page: Vec<StepRow> = timeline
        .steps
        .iter()
        .rev()
        .take(60)
        .map(|s| s.row)
        .collect();
    took("60 rows", || ask.rows(&page).unwrap());
    took("60 rows again", || ask.rows(&page).unwrap());
    took("a step, whole", || ask.step(page[0]).unwrap());
    took("its session's net diff", || {
        ask.changes(Scope::Session(largest.row)).unwrap()
    });
    took("its summary", || ask.summary(largest.row).unwrap());
    took("all paths", || ask.files().unwrap());
    took("newest step", || ask.resolve_step("@").unwrap());
}

fn finding(place: &Place) {
    let ask = open(place);
    took("find: the list is read", || ask.find("", 50).unwrap());
    let mut keys = Vec::new();
    for typed in TYPED {
        for end in 1..=typed.len() {
            let start = Instant::now();
            let found = ask.find(&typed[..end], 50).unwrap();
            keys.push((start.elapsed(), typed[..end].to_owned(), found.total));
        }
    }
    keys.sort();
    let at = |q: f64| ms(keys[((keys.len() - 1) as f64 * q) as usize].0);
    println!(
        "{:<44} p50 {:.1}  p90 {:.1}  worst {:.1} ms ({:?}, {} hits)",
        format!("find: a key, {} of them", keys.len()),
        at(0.5),
        at(0.9),
        at(1.0),
        keys[keys.len() - 1].1,
        keys[keys.len() - 1].2
    );
}
