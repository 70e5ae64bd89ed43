//! Snapshots and rewinds beside what git does on the same tree: in pairs, one right after the other, and the ratio of
//! the medians. Both as processes, but for the rewind itself, which leaves out the snapshots around it.
//!
//! `REGENT_BENCH_FILES` is the size of the tree for the snapshots (10,000; the targets speak of 100,000),
//! `REGENT_BENCH_ROUNDS` how often everything is done (5). Needs git. Nothing is asserted.
#![allow(clippy::print_stdout)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regent_tui::clock::Clock;
use regent_tui::fsx::Root;
use regent_tui::model::Time;
use regent_tui::query::StoreAsk;
use regent_tui::rewind::{self, How, Wish};
use regent_tui::store::Store;
use rusqlite::Connection;
use serde_json::{Value, json};

use support::{Cost, cost, ms, place, places, read};

/// Files of the tree that is rewound, and how many of them.
const REWOUND: (usize, usize) = (10_000, 1_000);
const SESSION: &str = "5e551000-0000-4000-8000-000000000001";

/// Numbers that look like chance and are always the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// A text like a program's, of about so many bytes.
fn text(chance: &mut Chance, no: usize, bytes: usize) -> String {
    const WORDS: &[&str] = &[
        "let", "value", "return", "match", "fn", "self", "index", "error", "for", "if", "buffer",
        "count", "name", "result", "await", "struct", "impl", "while", "None", "Some", "path",
    ];
    let mut out = format!("// file {no}\n");
    while out.len() < bytes {
        out.push_str(&"    ".repeat(chance.below(4)));
        for _ in 0..2 + chance.below(7) {
            out.push_str(WORDS[chance.below(WORDS.len())]);
            out.push([' ', '.', '(', ' ', '_'][chance.below(5)]);
            if chance.below(4) == 0 {
                out.push_str(&chance.below(100_000).to_string());
            }
        }
        out.push_str(");\n");
    }
    out
}

/// A tree of so many files in folders of twelve, up to six deep; a hundredth of them of random bytes. Their paths.
fn tree(dir: &Path, files: usize) -> Vec<PathBuf> {
    let mut chance = Chance(1);
    let mut folders = vec![PathBuf::new()];
    let mut paths = Vec::with_capacity(files);
    for no in 0..files {
        if no % 12 == 0 {
            let near = folders.len().saturating_sub(400);
            let mut at = folders[near + chance.below(folders.len() - near)].clone();
            if at.components().count() >= 6 {
                at = PathBuf::new();
            }
            at.push(format!("d{:05}", no / 12));
            fs::create_dir_all(dir.join(&at)).expect("a folder");
            folders.push(at);
        }
        // Many small ones and a few large ones: 6 kB on average.
        let size = 400 + chance.below(3000) + chance.below(80) * chance.below(80) * 5 / 2;
        let path = folders[folders.len() - 1].join(format!("f{no:06}.rs"));
        if no % 100 == 99 {
            let bytes: Vec<u8> = (0..size).map(|_| chance.below(256) as u8).collect();
            fs::write(dir.join(&path), bytes).expect("a file");
        } else {
            fs::write(dir.join(&path), text(&mut chance, no, size)).expect("a file");
        }
        paths.push(path);
    }
    fs::write(dir.join(".gitignore"), "target/\nnode_modules/\n*.log\n").expect("a file");
    paths
}

fn git(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(dir)
        .args([
            "-c",
            "gc.auto=0",
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@x",
        ])
        .args(words)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    command
}

fn ours(home: &Path, dir: &Path, db: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regent-tui"));
    command.env_clear().env("HOME", home);
    command.arg("--repo").arg(dir).arg("--store").arg(db);
    command.args(words);
    command
}

/// Runs it to its end. What it took, its processor time in steps of ten milliseconds.
fn run(mut command: Command) -> Cost {
    let (cpu, begun) = (of_children(), Instant::now());
    let done = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .expect("a process");
    let wall = begun.elapsed();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {said}");
    Cost {
        wall,
        cpu: of_children().saturating_sub(cpu),
        bytes: 0,
    }
}

/// The processor time of the children that ended so far.
fn of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let words = rest.split_whitespace().skip(13).take(2);
    Duration::from_millis(words.filter_map(|n| n.parse::<u64>().ok()).sum::<u64>() * 10)
}

fn median(mut of: Vec<Duration>) -> Duration {
    of.sort_unstable();
    of[of.len() / 2]
}

/// Prints both sides and the ratio.
fn pair(what: &str, ours: &[Cost], theirs: (&str, &[Cost])) {
    let wall = |costs: &[Cost]| median(costs.iter().map(|c| c.wall).collect());
    let cpu = |costs: &[Cost]| median(costs.iter().map(|c| c.cpu).collect());
    let (a, b) = (wall(ours), wall(theirs.1));
    let (c, d) = (cpu(ours), cpu(theirs.1));
    println!(
        "{what:<52} {:>8.1} ms   {:<24} {:>8.1} ms   ratio {:>5.2}   (processor time {:.0} and {:.0} ms, {:.2})",
        ms(a),
        theirs.0,
        ms(b),
        a.as_secs_f64() / b.as_secs_f64(),
        ms(c),
        ms(d),
        c.as_secs_f64() / d.as_secs_f64().max(0.001)
    );
}

fn rounds() -> usize {
    let rounds = std::env::var("REGENT_BENCH_ROUNDS").ok();
    rounds.and_then(|n| n.parse().ok()).unwrap_or(5)
}

fn snapshots(temp: &Path, files: usize) {
    let (dir, home) = (temp.join("many"), temp.join("home"));
    fs::create_dir_all(&home).expect("a folder");
    fs::create_dir_all(&dir).expect("a folder");
    let paths = tree(&dir, files);
    run(git(&dir, &["init", "-q"]));
    let (mut first, mut add) = (Vec::new(), Vec::new());
    for round in 0..rounds().min(3) {
        let db = temp.join(format!("first{round}.db"));
        let _ = fs::remove_file(dir.join(".regent/stat"));
        first.push(run(ours(&home, &dir, &db, &["snapshot"])));
        let (index, objects) = (temp.join("index"), temp.join(format!("objects{round}")));
        let _ = fs::remove_file(&index);
        fs::create_dir(&objects).expect("a folder");
        let mut command = git(&dir, &["add", "-A"]);
        command.env("GIT_INDEX_FILE", &index);
        command.env("GIT_OBJECT_DIRECTORY", &objects);
        add.push(run(command));
        fs::remove_dir_all(objects).expect("a folder");
    }
    pair(
        &format!("first snapshot, {files} files"),
        &first,
        ("git add -A, empty index", &add),
    );
    run(git(&dir, &["add", "-A"]));
    run(git(&dir, &["commit", "-q", "-m", "base"]));
    // Nothing is too young to be trusted by then.
    std::thread::sleep(Duration::from_secs(3));
    let db = temp.join("first0.db");
    run(ours(&home, &dir, &db, &["snapshot"]));
    run(git(&dir, &["status"]));
    let (mut again, mut status) = (Vec::new(), Vec::new());
    let held = |db: &Path| {
        let conn = Connection::open(db).expect("the store");
        let one = |sql: &str| {
            conn.query_row(sql, [], |r| r.get::<_, i64>(0))
                .expect("a number")
        };
        (one("PRAGMA page_count") - one("PRAGMA freelist_count")) * one("PRAGMA page_size")
    };
    let before = held(&db);
    for round in 0..rounds() {
        let path = dir.join(&paths[(round * 7919 + 5) % paths.len()]);
        fs::write(path, format!("changed {round}\n")).expect("a file");
        again.push(run(ours(&home, &dir, &db, &["snapshot"])));
        status.push(run(git(&dir, &["status"])));
    }
    pair(
        &format!("snapshot, {files} files, one changed"),
        &again,
        ("git status", &status),
    );
    println!(
        "the store grows by {:.1} kB for one small file changed of {files}",
        (held(&db) - before) as f64 / rounds() as f64 / 1000.0
    );
}

/// A session that wrote into many files.
fn session(home: &Path, dir: &Path, changed: &[PathBuf], new: &dyn Fn(usize) -> String) {
    let mut lines: Vec<String> = Vec::new();
    let mut line = |kind: &str, message: Value, result: Option<Value>| {
        let n = lines.len();
        let mut value = json!({
            "parentUuid": n.checked_sub(1).map(|p| format!("u{p}")), "isSidechain": false, "userType": "external",
            "cwd": dir, "sessionId": SESSION, "version": "2.1.100", "type": kind, "message": message,
            "uuid": format!("u{n}"), "timestamp": Time(1_770_000_000_000 + n as i64 * 100).rfc3339(),
        });
        if let Some(result) = result {
            value["toolUseResult"] = result;
        }
        lines.push(format!("{value}\n"));
    };
    line(
        "user",
        json!({"role": "user", "content": "change everything"}),
        None,
    );
    let first = PathBuf::from("first");
    for (i, path) in std::iter::once(&first).chain(changed).enumerate() {
        let at = dir.join(path);
        let old = fs::read_to_string(&at).ok();
        let (id, text) = (format!("toolu_{i}"), new(i));
        let input = json!({"file_path": at, "content": text});
        let call = json!([{"type": "tool_use", "id": id, "name": "Write", "input": input}]);
        line(
            "assistant",
            json!({"id": format!("m{i}"), "role": "assistant", "model": "x", "content": call}),
            None,
        );
        let result = json!([{"type": "tool_result", "tool_use_id": id, "content": "ok"}]);
        let kind = if old.is_some() { "update" } else { "create" };
        line(
            "user",
            json!({"role": "user", "content": result}),
            Some(json!({
                "type": kind, "filePath": at, "content": text, "structuredPatch": [], "originalFile": old,
            })),
        );
        fs::write(&at, text).expect("a file");
    }
    let folder = home.join(".claude/projects/-many");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(format!("{SESSION}.jsonl")), lines.concat()).expect("a transcript");
}

fn rewinds(temp: &Path) {
    let (files, many) = REWOUND;
    let (dir, home) = (temp.join("rewound"), temp.join("home2"));
    fs::create_dir_all(&dir).expect("a folder");
    let paths = tree(&dir, files);
    for words in [
        &["init", "-q"][..],
        &["add", "-A"],
        &["commit", "-q", "-m", "base"],
    ] {
        run(git(&dir, words));
    }
    let text_files = paths.iter().enumerate().filter(|(i, _)| i % 100 != 99);
    let changed: Vec<PathBuf> = text_files
        .map(|(_, p)| p.clone())
        .step_by(9)
        .take(many)
        .collect();
    let new = |i: usize| text(&mut Chance(i as u64 + 7), i, 5000);
    session(&home, &dir, &changed, &new);
    let db = temp.join("rewound.db");
    read(&home, &db);
    let store = Store::open(&place(&db)).expect("the store");
    let root = Root::open(&dir, None).expect("the folder");
    let ask = StoreAsk::open(&place(&db), places(&home), Clock::system()).expect("a reader");
    let now = Time(1_780_000_000_000);
    let how = How {
        clock: Clock::frozen(now),
        partial: false,
        snapshots: false,
    };
    let target = ask.resolve_target("toolu_0").expect("a step");
    let (mut plans, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds() {
        let reader = store.reader().expect("a reader");
        let wish = Wish::back_to(target, "it", now);
        let (planned, plan) = cost(|| rewind::plan(&reader, &root, &wish).expect("a plan"));
        assert_eq!(plan.ticked().count(), many);
        plans.push(planned);
        let (took, report) =
            cost(|| rewind::apply(&store, &root, &plan, how, &mut |_, _, _| {}).expect("a rewind"));
        assert!(report.complete, "{:?}", report.warnings);
        ours.push(took);
        let undo = rewind::undo::undo(&store.reader().expect("a reader"), &root).expect("a plan");
        rewind::apply(&store, &root, &undo, how, &mut |_, _, _| {}).expect("an undo");
        theirs.push(run(git(&dir, &["restore", "."])));
        for (i, path) in changed.iter().enumerate() {
            fs::write(dir.join(path), new(i + 1)).expect("a file");
        }
    }
    pair(
        &format!("rewind of {many} of {files} files, synced, verified"),
        &ours,
        ("git restore", &theirs),
    );
    let planned = median(plans.iter().map(|c| c.wall).collect());
    println!("its plan {:>51.1} ms", ms(planned));
}

fn main() {
    if Command::new("git").arg("--version").output().is_err() {
        println!("git is not installed: there is nothing to compare with");
        return;
    }
    let files = std::env::var("REGENT_BENCH_FILES").ok();
    let files = files.and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let temp = tempfile::tempdir().expect("a folder");
    rewinds(temp.path());
    snapshots(temp.path(), files);
}
