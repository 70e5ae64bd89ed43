//! How fast the screen answers: a key to its frame in sessions of ten thousand and of a million steps, the first screen of
//! a long diff, its colours, and the first frames of the real program in a pseudo-terminal.
//!
//! `REGENT_BENCH_STORE` names a store for the last of these; without it they are skipped. Prints figures; nothing is
//! asserted.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;

use std::cell::RefCell;
use std::io::Read;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use color_eyre::Result;
use crossbeam_channel::Receiver;
use jiff::tz::TimeZone;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use regent_tui::model::{Evidence, Op, Time};
use regent_tui::query::types::{Content, FileChange};
use regent_tui::ui::key::KeyPress;
use regent_tui::ui::message::{Effect, Message};
use regent_tui::ui::outside::Outside;
use regent_tui::ui::pane::diff::{self, Subject};
use regent_tui::ui::theme::{ColorDepth, Scheme, Theme};
use regent_tui::ui::worker::Worker;
use regent_tui::ui::{Environment, Inbox, Options, turn};
use support::fake_ask::Fake;
use support::story;

fn main() {
    let small = keys(10_000);
    let large = keys(1_000_000);
    for ((what, few), (_, many)) in small.iter().zip(&large) {
        println!(
            "{what:<28} p99 {:>5.2} x of that at ten thousand",
            many / few.max(0.001)
        );
    }
    long_diff();
    match std::env::var_os("REGENT_BENCH_STORE") {
        Some(store) => first_frames(&PathBuf::from(store)),
        None => println!("first frames: skipped, REGENT_BENCH_STORE is not set"),
    }
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

/// The median and the 99th percentile, in milliseconds.
fn percentiles(mut took: Vec<Duration>) -> (f64, f64) {
    took.sort();
    let at = |part: f64| took[((took.len() - 1) as f64 * part).round() as usize];
    (ms(at(0.5)), ms(at(0.99)))
}

/// Keys one after the other, each with the time from its coming to the end of its frame.
struct Typist {
    answers: Receiver<Message>,
    keys: Vec<&'static str>,
    /// When the last key came, until its frame is drawn.
    since: Option<Instant>,
    took: Rc<RefCell<Vec<Duration>>>,
}

impl Inbox for Typist {
    fn now(&self) -> Time {
        story::now()
    }

    fn next(&mut self, _wake_at: Option<Time>, pending: usize) -> Option<Message> {
        // The frame of the key is drawn: this is asked right after it.
        if let Some(since) = self.since.take() {
            self.took.borrow_mut().push(since.elapsed());
        }
        if pending > 0 {
            return self.answers.recv().ok();
        }
        let key = self.keys.pop()?;
        self.since = Some(Instant::now());
        Some(Message::Key(KeyPress::parse(key).unwrap()))
    }

    fn ready(&mut self) -> Option<Message> {
        None
    }
}

/// Nothing reaches outside.
struct Nowhere;

impl Outside<TestBackend> for Nowhere {
    fn run(&mut self, _: Effect, _: &mut Terminal<TestBackend>) -> Result<()> {
        Ok(())
    }

    fn before_frame(&mut self, _: &mut Terminal<TestBackend>, _: (u16, u16)) -> Result<()> {
        Ok(())
    }

    fn after_frame(&mut self, _: &mut Terminal<TestBackend>) -> Result<()> {
        Ok(())
    }
}

/// Each kind of key on a screen of 200x60; its 99th percentile.
fn keys(steps: u32) -> Vec<(&'static str, f64)> {
    let kinds: [(&str, &[&'static str], usize); 8] = [
        ("one row (k)", &["k"], 1000),
        ("half a page (C-u)", &["C-u"], 300),
        ("prompt before (P)", &["P"], 300),
        ("change before (()", &["("], 300),
        ("next failure (t)", &["t"], 300),
        ("both ends (Home End)", &["Home", "End"], 200),
        ("fold (Space)", &["P", "Space"], 200),
        ("density (x)", &["x"], 60),
    ];
    println!("keys to their frames, {steps} steps, 200x60");
    let mut out = Vec::new();
    for (what, pattern, times) in kinds {
        let (median, p99) = percentiles(typed(steps, pattern, times));
        println!("  {what:<28} median {median:>7.2} ms   p99 {p99:>7.2} ms");
        out.push((what, p99));
    }
    out
}

fn typed(steps: u32, pattern: &[&'static str], times: usize) -> Vec<Duration> {
    let environment = Environment {
        term: Some("xterm-256color".to_owned()),
        ..Environment::default()
    };
    let clock = Arc::new(story::now);
    let options = Options::new(PathBuf::from("/shop"), clock, TimeZone::UTC, environment);
    let (sender, answers) = crossbeam_channel::unbounded();
    let asker = Fake::many(steps).asker();
    let worker = Worker::start(&asker, &sender).unwrap();
    let size = (200, 60);
    let model = options.model(options.read_keymap().unwrap(), Some(true), size);
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    let took = Rc::new(RefCell::new(Vec::new()));
    let inbox = Typist {
        answers,
        keys: pattern.iter().copied().cycle().take(times).collect(),
        since: None,
        took: took.clone(),
    };
    turn(&mut terminal, model, worker, inbox, &mut Nowhere).unwrap();
    took.take()
}

/// A file of ten thousand lines, every second one changed: compared, laid out and drawn, then coloured.
fn long_diff() {
    let text = |changed: bool| -> Arc<str> {
        let line = |i: u32| match changed && i.is_multiple_of(2) {
            true => format!("    let value_{i} = compute(\"other {i}\", {i});\n"),
            false => format!("    let value_{i} = compute(\"{i}\", {i} + 1);\n"),
        };
        (0..10_000).map(line).collect::<String>().into()
    };
    let change = FileChange {
        path: "src/long.rs".to_owned(),
        op: Op::Modify,
        old_path: None,
        before: Content::Text(text(false)),
        after: Content::Text(text(true)),
        before_hash: None,
        after_hash: None,
        evidence: Evidence::Recorded,
        added: 5000,
        removed: 5000,
        hunks: Vec::new(),
        note: None,
        steps: Vec::new(),
    };
    let theme = Theme::new(Scheme::Dark, ColorDepth::Palette);
    let area = Rect::new(0, 0, 120, 50);
    let (mut shown, mut coloured) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        let start = Instant::now();
        let mut state = diff::State::default();
        state.resize(area.width, area.height);
        let options = state.options(&theme);
        let content = diff::build(Subject::Changes(std::slice::from_ref(&change)), options);
        state.show(Arc::new(content), false);
        diff::view(&state, &theme, true, area, &mut Buffer::empty(area));
        shown.push(start.elapsed());
        let start = Instant::now();
        if let Some(job) = state.job() {
            state.put(job.run());
        }
        coloured.push(start.elapsed());
    }
    println!(
        "first colours, the language not loaded yet   {:>7.2} ms",
        ms(coloured[0])
    );
    let (median, p99) = percentiles(coloured);
    println!(
        "first colours                                median {median:>7.2} ms   p99 {p99:>7.2} ms"
    );
    let (median, p99) = percentiles(shown);
    println!(
        "10,000 lines, half changed, to the screen    median {median:>7.2} ms   p99 {p99:>7.2} ms"
    );
}

/// From the start of the program to the end of its first frame, and to the one that has a session in it.
fn first_frames(store: &std::path::Path) {
    let runs: Vec<(Duration, Duration)> = (0..10).map(|_| first_frame(store)).collect();
    let (median, p99) = percentiles(runs.iter().map(|r| r.0).collect());
    println!(
        "start to the first frame                     median {median:>7.2} ms   worst {p99:>7.2} ms"
    );
    let (median, p99) = percentiles(runs.iter().map(|r| r.1).collect());
    println!(
        "start to the first frame with sessions       median {median:>7.2} ms   worst {p99:>7.2} ms"
    );
}

fn first_frame(store: &std::path::Path) -> (Duration, Duration) {
    let home = tempfile::tempdir().unwrap();
    let size = PtySize {
        rows: 50,
        cols: 160,
        ..PtySize::default()
    };
    let pty = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_regent-tui"));
    command.arg("--store");
    command.arg(store);
    command.env("HOME", home.path());
    command.env("TERM", "xterm-256color");
    // No terminal answers the question for the background here.
    command.env("COLORFGBG", "15;0");
    command.cwd(home.path());
    let mut reader = pty.master.try_clone_reader().unwrap();
    let start = Instant::now();
    let mut child = pty.slave.spawn_command(command).unwrap();
    let (mut seen, mut first) = (Vec::new(), None);
    let mut buffer = [0; 1 << 16];
    let whole = loop {
        let read = reader.read(&mut buffer).unwrap();
        seen.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&seen);
        if first.is_none() && text.contains("Timeline") {
            first = Some(start.elapsed());
        }
        if text.contains("prompts") || read == 0 {
            break start.elapsed();
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    (first.unwrap_or(whole), whole)
}
