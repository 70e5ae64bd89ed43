//! The real program in a pseudo-terminal, from its start to its first frames, and the memory that it takes.

use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, PtyPair, PtySize, native_pty_system};

/// Starts.
const STARTS: usize = 20;
/// What a terminal answers when it is asked for its background and its kind.
const ANSWER: &[u8] = b"\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;c";

/// One start.
struct Start {
    /// To the end of the first frame: the panes, still empty.
    first: Duration,
    /// To the end of the first one with sessions in it.
    whole: Duration,
    /// The most memory until a second later, in KiB.
    peak: u64,
}

/// Starts the program again and again, on a user-wide store that holds everything below `REGENT_BENCH_HOME`.
pub fn frames(db: &Path) {
    let Some(home) = std::env::var_os("REGENT_BENCH_HOME").filter(|h| !h.is_empty()) else {
        println!("start to the first frames: skipped, REGENT_BENCH_HOME is not set");
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let store = data.path().join("regent-tui");
    std::fs::create_dir(&store).unwrap();
    std::fs::copy(db, store.join("history.db")).unwrap();
    let starts: Vec<Start> = (0..STARTS)
        .map(|_| one(Path::new(&home), data.path()))
        .collect();
    let spread = |of: fn(&Start) -> Duration| {
        let mut all: Vec<Duration> = starts.iter().map(of).collect();
        all.sort();
        let ms = |i: usize| all[i].as_secs_f64() * 1000.0;
        format!(
            "fastest {:.1} ms, median {:.1} ms, slowest {:.1} ms",
            ms(0),
            ms(STARTS / 2),
            ms(STARTS - 1)
        )
    };
    println!(
        "start to the first frame                {}",
        spread(|s| s.first)
    );
    println!(
        "start to the first frame with sessions  {}",
        spread(|s| s.whole)
    );
    let peak = starts.iter().map(|s| s.peak).max().unwrap_or(0);
    println!(
        "memory at its peak                      {} MiB",
        peak / 1024
    );
    let binary = std::fs::metadata(env!("CARGO_BIN_EXE_regent-tui")).map_or(0, |m| m.len());
    println!(
        "the binary as built for benchmarks      {:.2} MB",
        binary as f64 / 1e6
    );
}

fn one(home: &Path, data: &Path) -> Start {
    let size = PtySize {
        rows: 50,
        cols: 160,
        ..PtySize::default()
    };
    let pty = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_regent-tui"));
    command.arg("--all");
    command.env("HOME", home);
    for folder in [
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
    ] {
        command.env(folder, data);
    }
    command.env("TERM", "xterm-256color");
    command.cwd(data);
    let start = Instant::now();
    let mut child = pty.slave.spawn_command(command).unwrap();
    let (first, whole) = watch(&pty, start);
    // What comes after the first frames takes memory, too.
    std::thread::sleep(Duration::from_secs(1));
    let peak = peak(&*child);
    child.kill().unwrap();
    child.wait().unwrap();
    Start { first, whole, peak }
}

fn watch(pty: &PtyPair, start: Instant) -> (Duration, Duration) {
    let mut reader = pty.master.try_clone_reader().unwrap();
    let mut writer = pty.master.take_writer().unwrap();
    let (mut seen, mut first, mut asked) = (Vec::new(), None, false);
    let mut buffer = [0; 1 << 16];
    loop {
        let read = reader.read(&mut buffer).unwrap_or(0);
        seen.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&seen);
        if !asked && text.contains("\x1b]11;?") {
            asked = true;
            writer.write_all(ANSWER).unwrap();
        }
        if first.is_none() && text.contains("Timeline") {
            first = Some(start.elapsed());
        }
        if text.contains("prompts") || read == 0 {
            // Whoever draws must never wait for whoever looks.
            std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
            return (first.unwrap_or_default(), start.elapsed());
        }
    }
}

fn peak(child: &dyn Child) -> u64 {
    let Some(id) = child.process_id() else {
        return 0;
    };
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let word = line.and_then(|l| l.split_whitespace().next());
    word.and_then(|n| n.parse().ok()).unwrap_or(0)
}
