//! What the benchmarks share: a corpus, a store of it, and how time, work and memory are counted.

#![allow(dead_code, reason = "each benchmark takes what it needs")]

pub mod clock;
pub mod corpus;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regent_tui::ingest::{self, Options};
use regent_tui::model::Time;
use regent_tui::source::Places;
use regent_tui::store::{Place, Store};

/// What some work took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// On the wall.
    pub wall: Duration,
    /// On all processors together. It says more than the wall on a machine that others use too.
    pub cpu: Duration,
    /// Bytes that were asked of the system with `read` and the like.
    pub bytes: u64,
}

/// Does some work and says what it took.
pub fn cost<T>(work: impl FnOnce() -> T) -> (Cost, T) {
    let (cpu, bytes, begun) = (cpu(), bytes_read(), Instant::now());
    let done = work();
    let cost = Cost {
        wall: begun.elapsed(),
        cpu: self::cpu().saturating_sub(cpu),
        bytes: bytes_read().saturating_sub(bytes),
    };
    (cost, done)
}

/// The processor time of this process so far, in steps of ten milliseconds.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn bytes_read() -> u64 {
    number("/proc/self/io", "rchar:")
}

/// The most memory that this process ever held, in bytes.
pub fn peak() -> u64 {
    number("/proc/self/status", "VmHWM:") * 1024
}

fn number(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(name));
    let word = line.and_then(|l| l.split_whitespace().next());
    word.and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// The store at a path.
pub fn place(db: &Path) -> Place {
    Place::explicit(db, rustix::process::getuid().as_raw())
}

/// Opens the store at a path and reads into it what is new in a home folder.
pub fn read(home: &Path, db: &Path) -> ingest::Report {
    let store = Store::open(&place(db)).expect("a store");
    let options = Options {
        places: places(home),
        everything: true,
        ..Options::default()
    };
    ingest::run(&store, &options, Time(0), &mut |_| {}).expect("a reading")
}

/// Where the agents keep their files in a home folder.
pub fn places(home: &Path) -> Places {
    Places {
        home: home.to_owned(),
        env: Vec::new(),
        ..Places::default()
    }
}

/// All transcripts below a folder.
pub fn transcripts(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| e == "jsonl") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Milliseconds.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
