//! However the program ends, the terminal is as it was before (T25).

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::home::Home;
use crate::term::{Start, Term};

/// On the list at first, later where it was left.
fn started(home: &Home) -> Term {
    let term = home.open();
    term.see("claude ");
    term
}

#[test]
fn by_key() {
    let home = Home::demo();
    for keys in ["Q", "q", "\x03\x03", "?q\x1bq"] {
        let mut term = started(&home);
        term.still();
        term.keys(keys);
        // `q` goes back level by level.
        let start = Instant::now();
        while keys.ends_with('q') && start.elapsed() < Duration::from_secs(20) {
            if term.over() {
                break;
            }
            term.press("q");
        }
        assert!(term.leaves().success(), "{keys:?}");
    }
}

#[test]
fn esc_never_quits() {
    let home = Home::demo();
    let mut term = started(&home);
    for _ in 0..12 {
        term.press("\x1b");
    }
    term.press("\x03");
    assert!(!term.over());
    crate::screen::quit(term);
}

#[test]
fn by_signal() {
    let home = Home::demo();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut term = started(&home);
        term.signal(signal);
        term.leaves();
    }
}

#[test]
fn by_signal_in_the_middle_of_a_key() {
    let home = Home::demo();
    for n in 0..6 {
        let mut term = started(&home);
        term.keys(&"jkFx\x1b".repeat(20 * n));
        term.signal(Signal::TERM);
        term.leaves();
    }
}

#[test]
fn by_closing_the_terminal() {
    let home = Home::demo();
    let mut term = started(&home);
    term.hang_up();
    term.ended();
    // Nothing is locked or lost.
    crate::screen::quit(started(&home));
}

#[test]
fn by_being_killed() {
    let home = Home::demo();
    let mut term = started(&home);
    term.signal(Signal::KILL);
    assert!(!term.ended().success());
    crate::screen::quit(started(&home));
}

#[test]
fn by_a_panic_in_any_thread() {
    let home = Home::demo();
    home.run(&["ingest"]);
    for place in ["draw", "input", "reading"] {
        let mut term = home.start(&[]).env("REGENT_PANIC", place).go();
        if place == "input" {
            term.see("claude ");
            term.keys("j");
        }
        let status = term.leaves();
        assert_eq!(status.exit_code(), 101, "{place}");
        // The report stands on the ordinary screen, where it can be read.
        let text = term.text();
        assert!(
            text.contains(&format!("a test wanted a panic in {place}")),
            "{text}"
        );
    }
}

#[test]
fn a_panic_while_asking_costs_the_answer() {
    let home = Home::demo();
    let term = home.start(&[]).env("REGENT_PANIC", "ask").go();
    term.see("this is a defect of regent-tui");
    crate::screen::quit(term);
}

#[test]
fn suspended_and_back() {
    let home = Home::demo();
    home.run(&["ingest"]);
    let script = format!(
        "set -m; {} ; echo SHELL-AGAIN; read answer; fg; echo OVER",
        env!("CARGO_BIN_EXE_regent-tui")
    );
    let mut term = Start::other(
        &["bash", "--norc", "-c", &script],
        &home.path(""),
        &home.shop(),
    )
    .env("REGENT_NOW", crate::home::NOW)
    .go();
    term.see("why does checkout hang");
    let before = {
        term.still();
        term.text()
    };
    term.keys("\x1a");
    term.see("SHELL-AGAIN");
    term.with_stream(|s| s.given_back().unwrap());
    assert!(term.is_cooked(), "the shell has its terminal");
    term.resize(121, 40);
    term.resize(120, 40);
    term.keys("go\n");
    term.see("why does checkout hang");
    term.still();
    assert_eq!(term.text(), before, "it comes back as it was");
    // Stopped from outside, too.
    term.keys("j");
    term.keys("Q");
    term.see("OVER");
    assert!(term.leaves().success());
}

#[test]
fn nothing_to_suspend_to() {
    let home = Home::demo();
    let term = started(&home);
    term.keys("\x1a");
    term.see("there is no shell to suspend to");
    crate::screen::quit(term);
}

#[test]
fn idle_means_idle() {
    let home = Home::demo();
    let term = started(&home);
    term.press("\x1b[C");
    for keys in ["", "?", "F"] {
        term.press(keys);
        // Highlighting and reading may take a moment after the last frame.
        let start = Instant::now();
        let mut used = term.ticks();
        loop {
            std::thread::sleep(Duration::from_secs(3));
            let now = term.ticks();
            if now - used <= 2 {
                break;
            }
            used = now;
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "it never rests after {keys:?}"
            );
        }
        term.press("\x1b");
    }
    crate::screen::quit(term);
}
