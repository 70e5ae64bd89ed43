//! Reading transcripts, measured against the least that it can cost: a typed parse of the same bytes on one thread.
//!
//! `REGENT_BENCH_HOME` names a folder with `.claude/projects` in it. Each run prints figures and their ratios; nothing is
//! asserted. Memory is that of a process of its own.
#![allow(clippy::print_stdout)]

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use regent_tui::ingest::{self, Options};
use regent_tui::model::Time;
use regent_tui::source::Places;
use regent_tui::store::{Place, Store};
use serde::Deserialize;

#[derive(Deserialize)]
#[expect(dead_code, reason = "what a reader has to look at, at the least")]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uuid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<&'a serde_json::value::RawValue>,
    #[serde(borrow, rename = "toolUseResult")]
    result: Option<&'a serde_json::value::RawValue>,
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "jsonl") {
            out.push(path);
        }
    }
}

/// A typed parse of every line, on one thread: the yardstick.
fn yardstick(files: &[PathBuf]) -> (Duration, u64) {
    let begun = Instant::now();
    let mut bytes = 0;
    for file in files {
        let text = fs::read(file).expect("a transcript");
        bytes += text.len() as u64;
        for line in text.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            std::hint::black_box(serde_json::from_slice::<Line<'_>>(line).ok());
        }
    }
    (begun.elapsed(), bytes)
}

fn read(home: &Path, db: &Path) -> (Duration, ingest::Report) {
    let begun = Instant::now();
    let store =
        Store::open(&Place::explicit(db, rustix::process::getuid().as_raw())).expect("a store");
    let options = Options {
        places: Places {
            home: home.to_owned(),
            env: Vec::new(),
        },
        everything: true,
        ..Options::default()
    };
    let report = ingest::run(&store, &options, Time(0), &mut |_| {}).expect("a reading");
    store.settle(true).expect("a checkpoint");
    (begun.elapsed(), report)
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|l| l.starts_with("VmHWM:"))
        .unwrap_or("");
    line.split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

fn main() {
    let Some(home) = std::env::var_os("REGENT_BENCH_HOME").map(PathBuf::from) else {
        println!("SKIPPED: REGENT_BENCH_HOME names no folder with .claude/projects in it");
        return;
    };
    let args: Vec<String> = std::env::args().collect();
    if let Some(at) = args.iter().position(|a| a == "--read") {
        let (time, report) = read(&home, Path::new(&args[at + 1]));
        println!("{} {} {}", time.as_millis(), peak_kib(), report.read);
        return;
    }
    let mut all = Vec::new();
    files(&home, &mut all);
    let temp = tempfile::tempdir().expect("a folder");
    yardstick(&all[..all.len().min(50)]);
    for round in 1..=3 {
        let (typed, bytes) = yardstick(&all);
        let db = temp.path().join(format!("{round}.db"));
        let child = |db: &Path| {
            let out = Command::new(&args[0])
                .arg("--read")
                .arg(db)
                .output()
                .expect("a child");
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            let n: Vec<f64> = text
                .split_whitespace()
                .filter_map(|w| w.parse().ok())
                .collect();
            assert!(
                n.len() == 3,
                "{text} {}",
                String::from_utf8_lossy(&out.stderr)
            );
            n
        };
        let first = child(&db);
        let again = child(&db);
        let size = fs::metadata(&db).map_or(0, |m| m.len());
        println!(
            "{round}: {} transcripts, {:.0} MB; typed parse {:.2} s; first read {:.2} s ({:.2}x), peak {:.0} MiB; store {:.2}x; again {:.0} ms",
            all.len(),
            bytes as f64 / 1e6,
            typed.as_secs_f64(),
            first[0] / 1000.0,
            first[0] / 1000.0 / typed.as_secs_f64(),
            first[1] / 1024.0,
            size as f64 / bytes as f64,
            again[0],
        );
    }
}
