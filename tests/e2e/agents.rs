//! The screen beside agents that work: scripted ones, which write records as Claude Code does and change files by shell
//! commands, at human speed and far above it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::agent::Agent;
use crate::home::Home;
use crate::screen::quit;
use crate::term::{Start, Term};

fn agent(home: &Home, session: &str) -> Agent {
    Agent::new(&home.path(""), &home.shop(), session)
}

/// The screen, with the clock of the machine.
fn open(home: &Home, size: (u16, u16)) -> Term {
    Start::program(&[], &home.path(""), &home.shop())
        .size(size.0, size.1)
        .go()
}

fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

fn put(home: &Home, rel: &str, text: &str) {
    let path = home.shop().join(rel);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What lies in the work folder, but for what is the program's and git's.
fn tree(home: &Home) -> Vec<(PathBuf, String)> {
    let mut out = Vec::new();
    let mut dirs = vec![home.shop()];
    while let Some(at) = dirs.pop() {
        for entry in fs::read_dir(at).unwrap().flatten() {
            let path = entry.path();
            if [".git", ".regent"].iter().any(|n| path.ends_with(n)) {
                continue;
            }
            if path.is_dir() {
                dirs.push(path);
            } else {
                let name = path.strip_prefix(home.shop()).unwrap().to_owned();
                out.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    out.sort();
    out
}

/// Waits until the work folder is as it shall be.
#[track_caller]
fn becomes(home: &Home, wanted: &[(PathBuf, String)], term: &Term) {
    let start = Instant::now();
    while tree(home) != wanted && start.elapsed() < Duration::from_secs(20) {
        pause(20);
    }
    assert_eq!(tree(home), wanted, "{}", term.text());
    term.see("verified");
}

/// Arms the plan, which asks twice while the session is at work, and applies it.
fn apply(term: &Term) {
    term.see("files change");
    for _ in 0..2 {
        // Keys right behind others are no hand's.
        pause(300);
        if !term.text().contains("files now") {
            term.press("!");
        }
    }
    term.see("files now");
    pause(300);
    term.keys("y");
}

#[test]
fn a_session_of_shell_edits_only_is_seen_and_rewound_by_keys() {
    let home = Home::empty();
    put(&home, "a.txt", "one\n");
    put(&home, "dir/b.txt", "two\n");
    let before = tree(&home);
    let mut agent = agent(&home, "s-1");
    agent.prompt("make it so");
    let term = open(&home, (120, 40));
    term.see("make it so");
    // It records before anything happens.
    let start = Instant::now();
    while !home.shop().join(".regent/watching").exists() {
        assert!(start.elapsed() < Duration::from_secs(20));
        pause(20);
    }
    pause(500);
    for (command, shown) in [
        ("sed -i s/one/three/ a.txt", "+1"),
        ("mkdir new && printf 'x\\ny\\n' > new/c.txt", "+2"),
        ("rm -rf dir", "−1"),
    ] {
        agent.shell(command);
        let row = command.split(' ').next().unwrap().to_owned();
        let row = format!("run    {row}");
        term.wait(&format!("{row} with {shown}"), |s| {
            crate::term::rows(s)
                .iter()
                .any(|r| r.contains(&row) && r.contains(shown))
        });
        pause(300);
    }
    let after = tree(&home);
    // On the prompt: it and what came after it goes.
    term.press("gg");
    term.press("R");
    apply(&term);
    becomes(&home, &before, &term);
    term.press("\x1b");
    term.press("u");
    apply(&term);
    becomes(&home, &after, &term);
    term.press("\x1b");
    quit(term);
}

#[test]
fn it_follows_until_one_moves_and_tells_what_is_new() {
    let home = Home::empty();
    let mut agent = agent(&home, "s-1");
    agent.prompt("count");
    for n in 0..40 {
        agent.shell(&format!("true {n}"));
    }
    let term = open(&home, (120, 24));
    term.see("true 39");
    term.press("1");
    term.see("live, following");
    agent.shell("true next");
    term.see("true next");
    // Moving up ends it; what comes is counted, and a rule says where it begins.
    term.press("kkkkkk");
    for n in 0..30 {
        agent.shell(&format!("true later {n}"));
    }
    term.see("30 new");
    assert!(!term.text().contains("following"), "{}", term.text());
    assert!(!term.text().contains("true later 29"), "{}", term.text());
    term.press("G");
    term.see("true later 29");
    term.see("following");
    // Left where it is, and opened again: the rule is where it was.
    agent.shell("true unseen");
    term.see("true unseen");
    term.see("new since you looked");
    term.press(".");
    term.see("not following");
    quit(term);
}

#[test]
fn a_failure_shows_at_once_and_a_call_without_a_result_may_wait() {
    let home = Home::empty();
    let mut agent = agent(&home, "s-1");
    agent.prompt("try it");
    let term = open(&home, (120, 24));
    term.see("try it");
    agent.shell("false");
    term.see("a command failed");
    term.press("j");
    term.gone("a command failed");
    agent.call(
        "Edit",
        json!({"file_path": "x", "old_string": "a", "new_string": "b"}),
    );
    term.see("may be waiting for permission");
    quit(term);
}

#[test]
fn several_live_ones_stand_in_a_strip_and_it_never_jumps() {
    let home = Home::empty();
    let mut one = agent(&home, "s-1");
    one.prompt("the first task");
    pause(20);
    let mut two = agent(&home, "s-2");
    two.prompt("another task");
    two.shell("true two");
    let term = open(&home, (120, 24));
    term.see("true two");
    term.see("1 claude the first task");
    term.see("2 claude another task");
    term.see("true two");
    one.shell("true one");
    one.shell("false one");
    term.see("a step failed in the first task · g 1");
    term.still();
    assert!(!term.text().contains("true one"), "{}", term.text());
    term.press("g1");
    term.see("true one");
    term.see("following");
    term.press("g2");
    term.see("true two");
    term.press("g7");
    term.see("only 2 sessions are live");
    quit(term);
}

/// Eight agents at five hundred lines a second, and hands on the keys.
#[test]
fn eight_fast_agents_nothing_lost_nothing_twice() {
    const AGENTS: usize = 8;
    const LINES: usize = 600;
    const A_SECOND: f64 = 500.0;
    let home = Arc::new(Home::empty());
    for n in 0..AGENTS {
        agent(&home, &format!("s-{n}")).prompt(&format!("task number {n}"));
    }
    let term = open(&home, (120, 40));
    term.see("task number");
    let workers: Vec<_> = (0..AGENTS)
        .map(|n| {
            let home = home.clone();
            std::thread::spawn(move || {
                let mut agent = agent(&home, &format!("s-{n}"));
                agent.go_on();
                let start = Instant::now();
                for line in 0..LINES / 2 {
                    agent.fast(&format!("echo {n} {line}"));
                    let due = Duration::from_secs_f64((line * 2) as f64 / A_SECOND);
                    std::thread::sleep(due.saturating_sub(start.elapsed()));
                }
            })
        })
        .collect();
    let mut worst = Duration::ZERO;
    while !workers.iter().all(std::thread::JoinHandle::is_finished) {
        for key in ["k", "j", "G", "}", "g3"] {
            let frames = term.frames();
            let start = Instant::now();
            term.keys(key);
            while term.frames() == frames && start.elapsed() < Duration::from_secs(10) {
                pause(1);
            }
            assert!(
                term.frames() > frames,
                "no answer to {key}:\n{}",
                term.text()
            );
            worst = worst.max(start.elapsed());
        }
    }
    for worker in workers {
        worker.join().unwrap();
    }
    println!("slowest key in this run: {worst:?}");
    term.press("g1");
    term.press("G");
    term.see(&format!(" {}", LINES / 2 - 1));
    for words in ["BUSY", "busy", "locked", "not recording"] {
        assert!(!term.text().contains(words), "{}", term.text());
    }
    quit(term);
    let out = home.out(&["log", "--json"]);
    for n in 0..AGENTS {
        let of: Vec<serde_json::Value> = out
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .filter(|s: &serde_json::Value| {
                s["target"]
                    .as_str()
                    .is_some_and(|t| t.starts_with(&format!("echo {n} ")))
            })
            .collect();
        let mut of: Vec<(u64, String)> = of
            .iter()
            .map(|s| {
                (
                    s["seq"].as_u64().unwrap(),
                    s["target"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        of.sort();
        let names: Vec<String> = of.into_iter().map(|s| s.1).collect();
        let expected: Vec<String> = (0..LINES / 2).map(|l| format!("echo {n} {l}")).collect();
        assert_eq!(names, expected, "of agent {n}");
    }
}

/// Watching ten thousand quiet files costs nothing.
#[test]
fn quiet_files_cost_nothing() {
    let home = Home::empty();
    for dir in 0..100 {
        let dir = home.shop().join(format!("d{dir}"));
        fs::create_dir(&dir).unwrap();
        for file in 0..100 {
            fs::write(dir.join(format!("f{file}")), "x\n").unwrap();
        }
    }
    // Of long ago: nothing is live, nothing ticks.
    home.prompt(0, "count the beans");
    home.ran(1, "wc -l beans.txt", "12 beans.txt");
    let term = home.open();
    term.see("count the beans");
    term.press("\x1b[C");
    term.see("recording");
    let used = || {
        let before = term.ticks();
        pause(3000);
        term.ticks() - before
    };
    // The first look has to read every file, and on a busy machine that takes a while.
    let start = Instant::now();
    while used() > 0 && start.elapsed() < Duration::from_secs(90) {}
    let used = used();
    assert!(used <= 1, "{used} ticks of 10 ms in 3 s");
    quit(term);
}
