//! Commands that are interrupted, killed, cut off, starved; and no network, whatever they do.

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::home::Home;

/// A home with so many sessions that reading them takes a while.
fn busy_home(sessions: usize) -> Home {
    let home = Home::empty();
    for session in 0..sessions {
        let id = format!("b0050000-0000-4000-8000-{session:012}");
        let mut text = String::new();
        for n in 0..150 {
            let call = format!("toolu_{session}_{n}");
            let (before, after) = (
                format!("fn f() {{ {n} }}\n"),
                format!("fn f() {{ {} }}\n", n + 1),
            );
            let path = format!("{}/src/f{}.rs", home.shop().display(), n % 9);
            let (kind, message, result) = match n % 3 {
                0 => (
                    "user",
                    json!({"role": "user", "content": format!("prompt {n} of {session}")}),
                    None,
                ),
                1 => (
                    "assistant",
                    json!({"id": format!("m{n}"), "role": "assistant", "model": "claude-test", "content": [
                    {"type": "tool_use", "id": call, "name": "Edit", "input":
                        {"file_path": path, "old_string": before, "new_string": after}}]}),
                    None,
                ),
                _ => (
                    "user",
                    json!({"role": "user", "content": [{"type": "tool_result",
                    "tool_use_id": format!("toolu_{session}_{}", n - 1), "content": "done"}]}),
                    Some(json!({
                    "filePath": path, "oldString": before, "newString": after, "originalFile": before,
                    "replaceAll": false, "userModified": false, "structuredPatch": []})),
                ),
            };
            let mut line = json!({
                "parentUuid": null, "isSidechain": false, "userType": "external", "cwd": home.shop(), "sessionId": id,
                "version": "2.1.100", "gitBranch": "main", "type": kind, "message": message, "uuid": format!("{id}{n}"),
                "timestamp": format!("2026-11-{:02}T10:{:02}:{:02}.000Z", 1 + session % 20, n / 60, n % 60),
            });
            if let Some(result) = result {
                line["toolUseResult"] = result;
            }
            text.push_str(&format!("{line}\n"));
        }
        let file = home.path(&format!(".claude/projects/-shop/{id}.jsonl"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    home
}

/// All that a store says, for comparison.
#[track_caller]
fn answers(home: &Home, store: &str) -> [String; 3] {
    let log = home.out(&["--store", store, "log", "--json", "-n", "1000000"]);
    [
        home.out(&["--store", store, "sessions", "--json"]),
        log,
        home.out(&["--store", store, "diff", "@~40", "@"]),
    ]
}

/// Two stores say the same; else where they part.
#[track_caller]
fn same(one: &[String; 3], other: &[String; 3], why: &str) {
    for (a, b) in one.iter().zip(other) {
        let parts = a.lines().zip(b.lines()).find(|(a, b)| a != b);
        assert!(
            a == b,
            "{why}: {} and {} lines, {parts:#?}",
            a.lines().count(),
            b.lines().count()
        );
    }
}

/// Reads into a store, without waiting.
fn reading(home: &Home, store: &str) -> Child {
    home.command(&["--store", store, "ingest"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Moments spread over the time that an undisturbed run takes, in an order of its own.
fn moments(rounds: u32, whole: Duration) -> impl Iterator<Item = Duration> {
    (0..rounds).map(move |n| whole * ((n * 37 + 11) % 100) / 100)
}

/// A store that was read in one go, and how long that took.
fn undisturbed(home: &Home) -> ([String; 3], Duration) {
    let start = Instant::now();
    home.run(&["--store", "whole.db", "ingest"]);
    let took = start.elapsed();
    (answers(home, "whole.db"), took)
}

#[test]
fn interrupted_reading_goes_on() {
    let home = busy_home(12);
    let (whole, took) = undisturbed(&home);
    let mut stopped = 0;
    for (round, moment) in moments(8, took).enumerate() {
        let store = format!("part{round}.db");
        // Interrupted twice at most, then left alone.
        for moment in [moment, moment / 3] {
            let mut child = reading(&home, &store);
            std::thread::sleep(moment);
            if child.try_wait().unwrap().is_none() {
                send(&child, Signal::INT);
            }
            let status = child.wait().unwrap();
            stopped += usize::from(!status.success());
        }
        home.run(&["--store", &store, "ingest"]);
        same(
            &answers(&home, &store),
            &whole,
            &format!("round {round} gives another store"),
        );
    }
    assert!(stopped > 0, "it was never interrupted");
    home.run(&["--store", "part0.db", "doctor", "--rebuild"]);
    same(
        &answers(&home, "part0.db"),
        &whole,
        "made anew, it is another store",
    );
}

#[test]
fn killed_thirty_times() {
    let home = busy_home(12);
    let (whole, took) = undisturbed(&home);
    let mut killed = 0;
    for moment in moments(30, took) {
        let mut child = reading(&home, "killed.db");
        std::thread::sleep(moment);
        send(&child, Signal::KILL);
        if !child.wait().unwrap().success() {
            killed += 1;
            continue;
        }
        // It was faster. From the start again, so that there is something to be killed in.
        for ending in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(home.shop().join(format!("killed.db{ending}")));
        }
    }
    assert!(killed > 5, "it was killed only {killed} times");
    home.run(&["--store", "killed.db", "ingest"]);
    same(
        &answers(&home, "killed.db"),
        &whole,
        "after the kills it is another store",
    );
    let checks = home.out(&["--store", "killed.db", "doctor"]);
    assert!(!checks.contains('✗'), "{checks}");
}

#[test]
fn whoever_reads_may_go_away() {
    let home = busy_home(6);
    home.run(&["ingest"]);
    let program = env!("CARGO_BIN_EXE_regent-tui");
    for args in [
        "log -n 9999",
        "log --json -n 9999",
        "sessions",
        "show @",
        "diff @~99 @",
        "search prompt",
        "man",
        "--help",
    ] {
        for reader in ["head -c 1", "true"] {
            let script = format!("{program} {args} | {reader} >/dev/null; exit ${{PIPESTATUS[0]}}");
            let done = Command::new("bash")
                .args(["-c", &script])
                .env("HOME", home.path(""))
                .current_dir(home.shop())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(
                done.status.success() && !said.contains("error") && !said.contains("pipe"),
                "{args}: {} {said}",
                done.status
            );
        }
    }
}

/// The most memory that a process had, and its end.
fn most_memory(mut child: Child) -> (u64, bool) {
    let path = format!("/proc/{}/status", child.id());
    let mut most = 0;
    loop {
        if let Ok(status) = fs::read_to_string(&path) {
            let line = status.lines().find(|l| l.starts_with("VmHWM:"));
            let kb = line.and_then(|l| l.split_whitespace().nth(1)?.parse().ok());
            most = most.max(kb.unwrap_or(0));
        }
        if let Some(status) = child.try_wait().unwrap() {
            return (most, status.success());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Between two good lines, which survive. 128 MiB is the bar.
#[track_caller]
fn one_long_line(megabytes: u64) {
    let home = Home::empty();
    home.prompt(0, "before the long line");
    let mut file = fs::OpenOptions::new()
        .append(true)
        .open(home.transcript())
        .unwrap();
    let record = home.record(1, "user", json!({"role": "user", "content": "@@"}));
    let (before, after) = record.split_once("@@").unwrap();
    file.write_all(before.as_bytes()).unwrap();
    let chunk: Vec<u8> = (0..1_000_000u32)
        .map(|n| b'a' + (n % 7 * n % 13) as u8)
        .collect();
    file.write_all(&chunk).unwrap();
    // The rest is a hole: it reads as zero bytes, and costs no disk.
    let size = file.metadata().unwrap().len();
    file.set_len(size + (megabytes - 1) * 1_000_000).unwrap();
    file.write_all(after.as_bytes()).unwrap();
    drop(file);
    home.prompt(2, "after the long line");
    let child = home
        .command(&["ingest"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (kb, well) = most_memory(child);
    assert!(well);
    assert!(
        kb <= 128 * 1024,
        "{} MB for a line of {megabytes} MB",
        kb / 1024
    );
    let found = home.out(&["search", "long line"]);
    assert!(
        found.contains("before the long line") || found.contains("after the long line"),
        "{found}"
    );
    assert!(home.out(&["sessions", "--json"]).contains("\"prompts\": 2"));
}

#[test]
fn a_line_of_a_hundred_megabytes() {
    one_long_line(100);
}

#[test]
fn a_line_of_five_hundred_megabytes() {
    one_long_line(500);
}

/// Every socket that a command opens, by strace; `None` where that cannot be had.
fn sockets(home: &Home, args: &[&str]) -> Option<Vec<String>> {
    let trace = home.path("trace");
    let _ = fs::remove_file(&trace);
    let done = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-e",
            "trace=socket,connect,bind,listen,sendto",
            "-o",
        ])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_regent-tui"))
        .args(args)
        .env("HOME", home.path(""))
        .env("TMPDIR", home.path(""))
        .current_dir(home.shop())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let calls = fs::read_to_string(&trace).ok()?;
    // Where tracing is forbidden, it says so and starts nothing.
    done.status
        .success()
        .then(|| calls.lines().map(str::to_owned).collect())
}

#[test]
fn no_network() {
    let home = Home::demo();
    for args in [
        &["ingest"][..],
        &["sessions"],
        &["log"],
        &["show", "@"],
        &["search", "retry"],
        &["status"],
        &["doctor"],
        &["doctor", "--rebuild"],
        &["demo"],
    ] {
        let Some(calls) = sockets(&home, args) else {
            eprintln!(
                "\n*** SKIPPED: strace does not work here, so nobody watched for a network ***\n"
            );
            return;
        };
        let network: Vec<_> = calls
            .iter()
            .filter(|c| c.contains("AF_") && !c.contains("AF_UNIX"))
            .collect();
        assert!(network.is_empty(), "{args:?}: {network:?}");
    }
}
