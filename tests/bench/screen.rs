//! How fast the screen answers: a key to its frame in sessions of ten thousand and of a million steps, the first screen of
//! a long diff, its colours, and the first frames of the real program in a pseudo-terminal.
//!
//! `REGENT_BENCH_DB` names a store for the last of these, and `REGENT_BENCH_HOME` the folder it was read from; without them
//! they are skipped. Prints figures; nothing is asserted.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code)]
#[path = "support/clock.rs"]
mod clock;
#[path = "support/start.rs"]
mod start;
#[allow(dead_code)]
#[path = "../support/mod.rs"]
mod support;

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use color_eyre::Result;
use crossbeam_channel::Receiver;
use jiff::tz::TimeZone;
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

/// Rounds of which the quietest counts: others use the machine, too.
const ROUNDS: usize = 3;

fn main() {
    let small = keys(10_000);
    let large = keys(1_000_000);
    println!("a million steps beside ten thousand");
    for ((what, few), (_, many)) in small.iter().zip(&large) {
        let ratio = many / few.max(0.001);
        println!("  {what:<28} worked, p99 {ratio:>5.2}x");
    }
    long_diff("every second line changed", |i| i.is_multiple_of(2));
    long_diff("half of it in runs", |i| {
        i * 2654435761 % 1000 < 250 || i / 7 % 3 == 0
    });
    first_colours();
    match std::env::var_os("REGENT_BENCH_DB") {
        Some(store) => start::frames(&PathBuf::from(store)),
        None => println!("start to the first frames: skipped, REGENT_BENCH_DB is not set"),
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

/// What the loop was busy with: keys from their coming to the end of their frames, and answers likewise.
#[derive(Default)]
struct Times {
    keys: Vec<Duration>,
    worked: Vec<Duration>,
    longest_answer: Duration,
}

/// Keys one after the other, each when the answers to the one before are in.
struct Typist {
    answers: Receiver<Message>,
    keys: Vec<&'static str>,
    /// When what is being worked on came, by the wall and by what was worked, and whether it was a key.
    since: Option<(Instant, Duration, bool)>,
    times: Rc<RefCell<Times>>,
}

impl Inbox for Typist {
    fn now(&self) -> Time {
        story::now()
    }

    fn next(&mut self, _wake_at: Option<Time>, pending: usize) -> Option<Message> {
        // The frame is drawn: this is asked right after it.
        if let Some((since, before, is_key)) = self.since.take() {
            let wall = since.elapsed();
            let worked = clock::of_thread().saturating_sub(before);
            let mut times = self.times.borrow_mut();
            if is_key {
                times.keys.push(wall);
                times.worked.push(worked);
            } else {
                times.longest_answer = times.longest_answer.max(worked);
            }
        }
        let is_key = pending == 0;
        let message = match is_key {
            false => self.answers.recv().ok()?,
            true => Message::Key(KeyPress::parse(self.keys.pop()?).unwrap()),
        };
        let before = clock::of_thread();
        self.since = Some((Instant::now(), before, is_key));
        Some(message)
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

/// Each kind of key on a screen of 200x60; its 99th percentile in the quietest round.
fn keys(steps: u32) -> Vec<(&'static str, f64)> {
    let kinds: [(&str, &[&'static str], usize); 12] = [
        ("one row (k)", &["k"], 1000),
        ("half a page (C-u)", &["C-u"], 300),
        ("prompt before (P)", &["P"], 300),
        ("change before (()", &["("], 300),
        ("next failure (t)", &["Home", "t"], 300),
        ("green test before (T)", &["End", "T"], 300),
        ("both ends (Home End)", &["Home", "End"], 200),
        ("fold (Space)", &["P", "Space"], 200),
        ("density (x)", &["x"], 120),
        ("folded runs (Right)", &["Right", "P", "k"], 300),
        (
            "filter (f, typed)",
            &["f", "f", "a", "i", "l", "e", "d", "Enter", "k", "Esc"],
            100,
        ),
        (
            "search (/, n)",
            &["/", "p", "a", "r", "t", "Enter", "n", "N", "Esc"],
            100,
        ),
    ];
    println!("keys to their frames, {steps} steps, 200x60, the quietest of {ROUNDS} rounds");
    let (mut out, mut answer) = (Vec::new(), Duration::ZERO);
    for (what, pattern, times) in kinds {
        let mut best = (f64::MAX, f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            let times = typed(steps, pattern, times);
            answer = answer.max(times.longest_answer);
            let (median, p99) = percentiles(times.keys);
            let (_, worked) = percentiles(times.worked);
            best = (best.0.min(median), best.1.min(p99), best.2.min(worked));
        }
        let (median, p99, worked) = best;
        println!(
            "  {what:<28} median {median:>7.2} ms   p99 {p99:>7.2} ms   worked, p99 {worked:>7.2} ms"
        );
        out.push((what, worked));
    }
    println!("  {:<28} {:>14.2} ms", "longest answer, worked", ms(answer));
    out
}

fn typed(steps: u32, pattern: &[&'static str], count: usize) -> Times {
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
    let times = Rc::new(RefCell::new(Times::default()));
    // Taken from the end.
    let keys = pattern
        .iter()
        .rev()
        .copied()
        .cycle()
        .take(count.next_multiple_of(pattern.len()));
    let inbox = Typist {
        answers,
        keys: keys.collect(),
        since: None,
        times: times.clone(),
    };
    turn(&mut terminal, model, worker, inbox, &mut Nowhere).unwrap();
    times.take()
}

/// A file of ten thousand lines, half of them changed: compared, laid out and drawn. Beside it what the search for the
/// differing lines alone costs, with the library and nothing done before.
fn long_diff(what: &str, is_changed: impl Fn(u64) -> bool) {
    let text = |changed: bool| -> Arc<str> {
        let line = |i: u64| match (i % 10, changed && is_changed(i)) {
            // Lines as they stand in any file again and again.
            (9, false) => "    }\n\n".to_owned(),
            (9, true) => "    };\n    // so\n".to_owned(),
            (_, true) => format!("    let value_{i} = compute(\"other {i}\", {i});\n"),
            (_, false) => format!("    let value_{i} = compute(\"{i}\", {i} + 1);\n"),
        };
        (0..9_090).map(line).collect::<String>().into()
    };
    let (old, new) = (text(false), text(true));
    let alone = Instant::now();
    std::hint::black_box(similar::TextDiff::from_lines(&*old, &*new).ops().len());
    let alone = alone.elapsed();
    let change = FileChange {
        path: "src/long.rs".to_owned(),
        op: Op::Modify,
        old_path: None,
        before: Content::Text(old),
        after: Content::Text(new),
        before_hash: None,
        after_hash: None,
        evidence: Evidence::Recorded,
        added: 5000,
        removed: 5000,
        hunks: Vec::new(),
        note: None,
        steps: Vec::new(),
    };
    let (theme, area) = look();
    let mut shown = Vec::new();
    for _ in 0..30 {
        let start = Instant::now();
        let mut state = diff::State::default();
        state.resize(area.width, area.height);
        let options = state.options(&theme);
        let content = diff::build(Subject::Changes(std::slice::from_ref(&change)), options);
        state.show(Arc::new(content), false);
        diff::view(&state, &theme, true, area, &mut Buffer::empty(area));
        shown.push(start.elapsed());
    }
    let (median, worst) = percentiles(shown);
    println!(
        "10,000 lines to the screen, {what}: median {median:.2} ms, worst {worst:.2} ms; the search alone, as the library does it {:.2} ms",
        ms(alone)
    );
}

fn look() -> (Theme, Rect) {
    (
        Theme::new(Scheme::Dark, ColorDepth::Palette),
        Rect::new(0, 0, 120, 50),
    )
}

/// The first screen of a text in its colours, for several languages and sorts of lines: until the first of its lines has
/// them, and until all have.
fn first_colours() {
    let dense = "export const f=async<T,U extends keyof T>(a:Record<string,(x:T)=>Promise<U>>,{b,c=`${a}-${b?.d??1}`}:{b:T[];c?:string}={b:[]}):Promise<Map<U,T[]>>=>{const m=new Map();for(const [k,v] of Object.entries(a)){if(/^[a-z$_][\\w$]*\\(.*?\\)$/iu.test(k)&&v instanceof Function){m.set(await v(b[0]),[...b,{...c}])}}return m};\n";
    let minified = "!function(e,t){\"object\"==typeof exports?module.exports=t():e.x=t()}(this,function(){var e=/[\\s\\S]+?\\/\\*x\\*\\//g,n={};return n.a=function(r){return r.replace(e,\"$1\")},n});".repeat(40);
    let sorts: [(&str, &str, String); 8] = [
        (
            "a.rs",
            "Rust",
            "    let value = compute(\"other\", 1).map(|x| x + 1)?; // so\n".repeat(300),
        ),
        ("a.ts", "TypeScript, dense", dense.repeat(120)),
        (
            "a.js",
            "JavaScript, minified",
            format!("{minified}\n").repeat(20),
        ),
        (
            "a.py",
            "Python",
            "    async def f(self, a: int = 1, *args, **kw) -> dict[str, int]:  # so\n".repeat(300),
        ),
        (
            "a.md",
            "Markdown",
            "* a **bold** [link](http://x.y/z) and `code` in _it_\n".repeat(300),
        ),
        (
            "a.css",
            "CSS",
            ".a > b:hover::after { color: #fff; margin: calc(1px + 2em) }\n".repeat(300),
        ),
        (
            "a.html",
            "HTML",
            "<div class=\"a\" onclick=\"f(1)\"><script>let x = 1;</script></div>\n".repeat(300),
        ),
        (
            "a.sh",
            "Bash",
            "for i in \"${a[@]}\"; do echo \"$(grep -c x <<<\"$i\")\" | sed 's/a/b/'; done\n"
                .repeat(300),
        ),
    ];
    println!(
        "first screen in colours: first answer, all of it (the language read for the first time, then again)"
    );
    for (path, what, text) in sorts {
        let (first, whole) = coloured(path, &text);
        let (again, all) = coloured(path, &format!("{text}\n"));
        println!(
            "  {what:<24} {:>7.2} ms {:>7.2} ms   {:>7.2} ms {:>7.2} ms",
            ms(first),
            ms(whole),
            ms(again),
            ms(all)
        );
    }
}

fn coloured(path: &str, text: &str) -> (Duration, Duration) {
    let change = FileChange {
        path: path.to_owned(),
        op: Op::Create,
        old_path: None,
        before: Content::Absent,
        after: Content::Text(text.into()),
        before_hash: None,
        after_hash: None,
        evidence: Evidence::Recorded,
        added: 1,
        removed: 0,
        hunks: Vec::new(),
        note: None,
        steps: Vec::new(),
    };
    let (theme, area) = look();
    let mut state = diff::State::default();
    state.resize(area.width, area.height);
    let start = Instant::now();
    let content = diff::build(
        Subject::Changes(std::slice::from_ref(&change)),
        state.options(&theme),
    );
    state.show(Arc::new(content), false);
    let mut first = None;
    while let Some(job) = state.job() {
        state.put(job.run());
        first.get_or_insert(start.elapsed());
    }
    (first.unwrap_or_default(), start.elapsed())
}
