//! Reading transcripts, measured against the least that it can cost: a typed parse of the same bytes on one thread.
//!
//! `REGENT_BENCH_HOME` names a folder with `.claude/projects` in it; without it a small corpus is made. Each round prints
//! figures and their ratios; nothing is asserted. Every reading is a process of its own, so that its memory is its own.
//! With `--make DIR` the small corpus is made there, with `--read HOME DB` a store is read, and that is all.
//!
//! `REGENT_BENCH_ROUNDS` (3) says how many rounds.
#![allow(clippy::print_stdout)]

mod support;

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use support::{Cost, corpus, cost, ms, peak, read, transcripts};

/// Lines that are appended, as an agent at work does in a minute.
const APPENDED: usize = 40;

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

/// A typed parse of every line, on one thread: the yardstick. Returns the bytes, too.
fn yardstick(files: &[PathBuf]) -> (Cost, u64) {
    cost(|| {
        let mut bytes = 0;
        for file in files {
            let text = fs::read(file).expect("a transcript");
            bytes += text.len() as u64;
            for line in text.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
                std::hint::black_box(serde_json::from_slice::<Line<'_>>(line).ok());
            }
        }
        bytes
    })
}

/// What a reading in a process of its own says of itself: milliseconds on the wall and of processors, MiB at its peak,
/// kB asked for.
struct Reading {
    wall: f64,
    cpu: f64,
    peak: f64,
    kb: f64,
}

fn reading(home: &Path, db: &Path) -> Reading {
    let program = std::env::current_exe().expect("this program");
    let out = Command::new(program)
        .arg("--read")
        .args([home, db])
        .output()
        .expect("a child");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let numbers: Vec<f64> = text
        .split_whitespace()
        .filter_map(|w| w.parse().ok())
        .collect();
    let [wall, cpu, peak, kb] = numbers[..] else {
        panic!("{text}{}", String::from_utf8_lossy(&out.stderr));
    };
    Reading {
        wall,
        cpu,
        peak,
        kb,
    }
}

/// The child: reads what is new and says what it took.
fn child(home: &Path, db: &Path) {
    let (cost, _) = cost(|| read(home, db));
    let mib = peak() as f64 / f64::from(1 << 20);
    let (wall, cpu) = (ms(cost.wall), ms(cost.cpu));
    println!("{wall:.1} {cpu:.0} {mib:.1} {:.0}", cost.bytes as f64 / 1e3);
}

/// The size of the store, and what of it are contents of files.
fn sizes(db: &Path) -> (f64, f64) {
    let size = fs::metadata(db).map_or(0, |m| m.len());
    let conn = rusqlite::Connection::open(db).expect("the store");
    let contents: i64 = conn
        .query_row("SELECT coalesce(sum(length(data)), 0) FROM blob", [], |r| {
            r.get(0)
        })
        .expect("its contents");
    (size as f64, contents as f64)
}

fn round(n: u32, all: &[PathBuf], home: &Path, temp: &Path) {
    let (typed, bytes) = yardstick(all);
    let db = temp.join(format!("{n}.db"));
    let links = temp.join(format!("home-{n}"));
    let grows = corpus::linked(home, &links);
    let first = reading(&links, &db);
    let again = reading(&links, &db);
    corpus::append(&grows, APPENDED, u64::from(n));
    let more = reading(&links, &db);
    let (size, contents) = sizes(&db);
    let (wall, cpu) = (ms(typed.wall), ms(typed.cpu));
    println!(
        "{n}: {} transcripts, {:.0} MB; typed parse {wall:.0} ms ({cpu:.0} ms of processor)",
        all.len(),
        bytes as f64 / 1e6
    );
    println!(
        "   first read {:.0} ms, {:.2}x; of processors {:.2}x; peak {:.0} MiB",
        first.wall,
        first.wall / wall,
        first.cpu / cpu,
        first.peak
    );
    println!(
        "   store {:.3}x of the source, {:.3}x without contents of files",
        size / bytes as f64,
        (size - contents) / bytes as f64
    );
    println!(
        "   nothing new {:.1} ms, {:.0} kB looked at; {APPENDED} lines more {:.1} ms, {:.0} kB looked at",
        again.wall, again.kb, more.wall, more.kb
    );
    for file in fs::read_dir(temp).into_iter().flatten().flatten() {
        let name = file.file_name();
        if name.to_string_lossy().starts_with(&format!("{n}.db")) {
            fs::remove_file(file.path()).ok();
        }
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match &args[1..] {
        // Cargo adds a word of its own at the end.
        [mode, home, db] | [mode, home, db, _] if mode == "--read" => {
            child(Path::new(home), Path::new(db));
            return;
        }
        [mode, home] | [mode, home, _] if mode == "--make" => {
            corpus::small(Path::new(home));
            return;
        }
        _ => {}
    }
    let corpus = corpus::corpus();
    let all = transcripts(&corpus.home);
    let temp = tempfile::tempdir().expect("a folder");
    yardstick(&all[..all.len().min(50)]);
    let rounds = std::env::var("REGENT_BENCH_ROUNDS").ok();
    let rounds = rounds.and_then(|n| n.parse().ok()).unwrap_or(3);
    for n in 1..=rounds {
        round(n, &all, &corpus.home, temp.path());
    }
}
