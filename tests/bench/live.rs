//! The screen beside agents: from a line that an agent writes to the pixel, keys while eight agents write five hundred
//! lines a second, and what watching ten thousand quiet files costs. Prints; asserts nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[path = "../support/agent.rs"]
#[allow(dead_code)]
mod agent;
#[path = "../e2e/stream.rs"]
#[allow(dead_code)]
mod stream;
#[path = "../e2e/term.rs"]
#[allow(dead_code)]
mod term;

use agent::Agent;
use serde_json::json;
use term::{Start, Term};

/// Lines that are timed.
const LINES: usize = 40;
/// Permissions that are asked for.
const ASKED: usize = 20;
/// How long agents write at full speed.
const RUSH: Duration = Duration::from_secs(10);
/// How long quiet is watched.
const QUIET: Duration = Duration::from_secs(30);

fn repository(root: &Path, files: usize) -> std::path::PathBuf {
    let work = root.join("work");
    fs::create_dir_all(work.join(".git/objects")).unwrap();
    fs::create_dir_all(work.join(".git/refs")).unwrap();
    fs::write(work.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    for n in 0..files {
        let dir = work.join(format!("d{}", n / 100));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(format!("f{n}")), "x\n").unwrap();
    }
    work
}

fn middle(mut all: Vec<Duration>) -> String {
    all.sort();
    let at = |part: usize| all[(all.len() * part / 100).min(all.len() - 1)].as_secs_f64() * 1e3;
    format!("median {:.0} ms, p99 {:.0} ms", at(50), at(99))
}

/// From the write of a line to the frame that shows it.
fn pixel(term: &Term, agent: &mut Agent, settle: Duration) -> Vec<Duration> {
    (0..LINES)
        .map(|n| {
            std::thread::sleep(settle);
            let words = format!("echo line {n:03}");
            let start = Instant::now();
            agent.fast(&words);
            term.see(&words);
            start.elapsed()
        })
        .collect()
}

/// Calls the hook of an agent, and waits for its end as that does.
fn hook(home: &Path, work: &Path, event: &str, call: Option<&str>) {
    let payload = json!({
        "session_id": "s-1", "cwd": work, "permission_mode": "default", "hook_event_name": event, "tool_name": "Bash",
        "tool_use_id": call,
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_regent-tui"))
        .args(["hook", "claude"])
        .env_clear()
        .env("HOME", home)
        .current_dir(work)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(payload.to_string().as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// From the start of a hook that tells of a permission to the frame that says so.
fn asked(term: &Term, agent: &mut Agent, home: &Path, work: &Path) -> Vec<Duration> {
    let details = json!({"stdout": "", "stderr": "", "interrupted": false, "isImage": false});
    (0..ASKED)
        .map(|n| {
            let command = format!("echo asked {n:03}");
            let call = agent.call("Bash", json!({"command": command}));
            hook(home, work, "PreToolUse", Some(&call));
            term.see(&command);
            std::thread::sleep(Duration::from_millis(300));
            let start = Instant::now();
            hook(home, work, "PermissionRequest", None);
            term.see("asked for permission");
            let took = start.elapsed();
            hook(home, work, "PostToolUse", Some(&call));
            agent.result(&call, "", false, details.clone());
            term.gone("asked for permission");
            took
        })
        .collect()
}

/// From a key to the next frame, while others write.
fn keys(term: &Term, home: &Path, work: &Path) -> Vec<Duration> {
    let over = Arc::new(AtomicBool::new(false));
    let agents: Vec<_> = (0..8)
        .map(|n| {
            let (over, home, work) = (over.clone(), home.to_owned(), work.to_owned());
            std::thread::spawn(move || {
                let mut agent = Agent::new(&home, &work, &format!("fast-{n}"));
                agent.prompt(&format!("task {n}"));
                let start = Instant::now();
                for line in 0.. {
                    if over.load(Ordering::Relaxed) {
                        return line * 2;
                    }
                    agent.fast(&format!("echo {n} {line}"));
                    let due = Duration::from_millis(line * 4);
                    std::thread::sleep(due.saturating_sub(start.elapsed()));
                }
                0
            })
        })
        .collect();
    let start = Instant::now();
    let mut took = Vec::new();
    while start.elapsed() < RUSH {
        for key in ["k", "j"] {
            std::thread::sleep(Duration::from_millis(20));
            let frames = term.frames();
            let pressed = Instant::now();
            term.keys(key);
            while term.frames() == frames && pressed.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_micros(200));
            }
            took.push(pressed.elapsed());
        }
    }
    over.store(true, Ordering::Relaxed);
    let lines: u64 = agents.into_iter().map(|a| a.join().unwrap()).sum();
    println!("{lines} lines by eight agents in {} s", RUSH.as_secs());
    took
}

fn main() {
    let tmp = tempfile::tempdir().unwrap();
    let home = tmp.path().canonicalize().unwrap();
    let work = repository(&home, 10_000);
    let mut agent = Agent::new(&home, &work, "s-1");
    agent.prompt("begin");
    let term = Start::program(&[], &home, &work).size(120, 40).go();
    term.see("begin");
    println!(
        "a line to the pixel: {}",
        middle(pixel(&term, &mut agent, Duration::from_millis(300)))
    );
    println!(
        "a hook's call to the pixel: {}",
        middle(asked(&term, &mut agent, &home, &work))
    );
    println!("a key to a frame: {}", middle(keys(&term, &home, &work)));
    drop(term);
    // A new one, in a folder where nobody works any more.
    fs::remove_dir_all(home.join(".claude/projects")).unwrap();
    let term = Start::program(&[], &home, &work)
        .env("REGENT_NOW", "2099-01-01T00:00:00Z")
        .size(120, 40)
        .go();
    term.see("begin");
    std::thread::sleep(Duration::from_secs(15));
    let before = term.ticks();
    std::thread::sleep(QUIET);
    let used = term.ticks() - before;
    println!("quiet for {} s: {used} ticks of 10 ms", QUIET.as_secs());
}
