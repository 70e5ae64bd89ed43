//! How long an agent waits for a hook: from starting the program to its end, the event on stdin, beside `/bin/true` fed
//! with the same at the same moment.
//!
//! `REGENT_BENCH_CALLS` is how often each is called (1000). Prints figures; nothing is asserted.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regent_tui::store::place::Surroundings;
use regent_tui::store::place::Wanted;
use regent_tui::store::{Place, Store};

const HOOK: &str = env!("CARGO_BIN_EXE_regent-tui");

fn main() {
    let calls = std::env::var("REGENT_BENCH_CALLS").ok();
    let calls = calls.and_then(|n| n.parse().ok()).unwrap_or(1000);
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().canonicalize().unwrap();
    let repo = home.join("shop");
    for folder in ["objects", "refs"] {
        std::fs::create_dir_all(repo.join(".git").join(folder)).unwrap();
    }
    std::fs::write(repo.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    for n in 0..1000 {
        let file = repo.join(format!("src/{}/f{n}.rs", n % 30));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, format!("fn f{n}() {{}}\n")).unwrap();
    }
    let around = Surroundings {
        uid: std::os::unix::fs::MetadataExt::uid(&home.metadata().unwrap()),
        home: Some(home.clone()),
        ..Surroundings::default()
    };
    let wanted = Wanted {
        store: None,
        all: false,
        folder: &repo,
        main_worktree: Some(&repo),
    };
    let store = Store::open(&Place::choose(&wanted, &around).unwrap()).unwrap();
    println!(
        "# {calls} calls each, ms from start to end; x: of /bin/true's median at the same time"
    );
    let small = |event: &str, tool: &str| payload(&repo, event, tool, 200);
    row(
        "a look: left in the spool",
        &home,
        &repo,
        calls,
        &small("PostToolUse", "Read"),
    );
    row(
        "a command: and a child started",
        &home,
        &repo,
        calls,
        &small("PostToolUse", "Bash"),
    );
    {
        let _held = store.begin().unwrap();
        row(
            "the store is being written",
            &home,
            &repo,
            calls,
            &small("PreToolUse", "Bash"),
        );
    }
    row(
        "1 MB of output",
        &home,
        &repo,
        calls / 4,
        &payload(&repo, "PostToolUse", "Read", 1 << 20),
    );
    row(
        "100 MB of output",
        &home,
        &repo,
        10,
        &payload(&repo, "PostToolUse", "Read", 100 << 20),
    );
    row("no event", &home, &repo, calls, b"");
    // The children that were started end before their folder does.
    drop(store);
    std::thread::sleep(Duration::from_secs(1));
}

fn payload(repo: &Path, event: &str, tool: &str, bytes: usize) -> Vec<u8> {
    let output = "a line of output\\n".repeat(bytes / 17 + 1);
    format!(
        "{{\"session_id\":\"s\",\"cwd\":\"{}\",\"permission_mode\":\"default\",\"hook_event_name\":\"{event}\",\
         \"tool_name\":\"{tool}\",\"tool_input\":{{\"command\":\"ls\"}},\"tool_response\":\"{output}\",\
         \"tool_use_id\":\"toolu_1\"}}",
        repo.display()
    )
    .into_bytes()
}

/// Calls both in turn, so that both meet the same machine.
fn row(what: &str, home: &Path, repo: &Path, calls: usize, stdin: &[u8]) {
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for _ in 0..calls.max(1) {
        ours.push(call(HOOK, &["hook", "claude"], home, repo, stdin));
        // It reads nothing, so it is given nothing.
        others.push(call("/bin/true", &[], home, repo, b""));
    }
    let (p50, p99, most) = spread(&mut ours);
    let (yard, yard99, _) = spread(&mut others);
    println!(
        "{what:<34} p50 {p50:>7.2}  p99 {p99:>7.2}  max {most:>7.2}   /bin/true p50 {yard:>5.2} p99 {yard99:>5.2}   {:>5.1} x",
        p50 / yard.max(0.001)
    );
}

fn call(program: &str, args: &[&str], home: &Path, repo: &Path, stdin: &[u8]) -> Duration {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .current_dir(repo)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    if !stdin.is_empty() {
        pipe.write_all(stdin).unwrap();
    }
    drop(pipe);
    let done = child.wait_with_output().unwrap();
    let took = started.elapsed();
    assert!(done.status.success() && done.stdout.is_empty() && done.stderr.is_empty());
    took
}

/// The median, the 99th percentile and the longest, in milliseconds.
fn spread(times: &mut [Duration]) -> (f64, f64, f64) {
    times.sort_unstable();
    let at = |share: usize| {
        let n = (times.len() * share / 100).min(times.len() - 1);
        times[n].as_secs_f64() * 1000.0
    };
    (at(50), at(99), at(100))
}
