//! What the screen asks, measured on a whole history: how long the person waits for each answer.
//!
//! `REGENT_BENCH_DB` names a store that was read before; without it the corpus (see `ingest.rs`) is read first. Prints the
//! median and the slowest of a hundred for each question; nothing is asserted.
#![allow(clippy::print_stdout)]

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regent_tui::clock::Clock;
use regent_tui::query::types::{Scope, SessionRow, StepRow};
use regent_tui::query::{Ask, StoreAsk};
use rusqlite::Connection;

use support::{clock, corpus, ms, peak, place, places, read};

/// How often each question is asked.
const TIMES: usize = 100;
/// Steps of the made-up session.
const STEPS: i64 = 1_000_000;
/// Prompts of the made-up history.
const PROMPTS: i64 = 100_000;

/// Asks again and again and prints the median, and the slowest of a hundred. `REGENT_BENCH_ONLY` names questions by a part
/// of their words; the others are left out.
fn measure(what: &str, times: usize, mut ask: impl FnMut(usize)) {
    let only = std::env::var("REGENT_BENCH_ONLY").unwrap_or_default();
    if !what.contains(&only) {
        return;
    }
    let (mut wall, mut worked): (Vec<Duration>, Vec<Duration>) = (0..times)
        .map(|n| {
            let (begun, before) = (Instant::now(), clock::of_process());
            ask(n);
            let wall = begun.elapsed();
            (wall, clock::of_process().saturating_sub(before))
        })
        .unzip();
    wall.sort_unstable();
    worked.sort_unstable();
    let at =
        |took: &[Duration], part: usize| ms(took[(took.len() * part / 100).min(took.len() - 1)]);
    println!(
        "{what:<44} {:>8.2} ms   p99 {:>8.2} ms   of processors {:>8.2} ms   p99 {:>8.2} ms",
        at(&wall, 50),
        at(&wall, 99),
        at(&worked, 50),
        at(&worked, 99)
    );
}

fn open(db: &Path) -> StoreAsk {
    StoreAsk::open(&place(db), places(Path::new("/")), Clock::system()).expect("a reader")
}

/// Words and parts of words as people type them, of every frequency.
fn queries(ask: &StoreAsk) -> Vec<String> {
    let list = ask.sessions().expect("sessions").sessions;
    let titles = list.iter().step_by(list.len() / 40 + 1);
    let mut out: Vec<String> = [
        "test",
        "the",
        "retry file",
        "src",
        "error",
        "e",
        "fix return",
        "zzqqxx",
    ]
    .map(str::to_owned)
    .to_vec();
    for title in titles.map(|s| s.title.as_str()) {
        let words: Vec<&str> = title.split_whitespace().take(3).collect();
        out.extend(words.first().map(|w| (*w).to_owned()));
        out.push(words.join(" "));
    }
    out.retain(|q| !q.is_empty());
    out
}

fn history(db: &Path) {
    measure("open a reader, and the list of sessions", 20, |_| {
        open(db).sessions().expect("sessions");
    });
    let ask = open(db);
    measure("sessions()", TIMES, |_| {
        drop(ask.sessions().expect("sessions"))
    });
    let mut list = ask.sessions().expect("sessions").sessions;
    list.sort_by_key(|s| std::cmp::Reverse(s.steps));
    let largest = list[0].row;
    println!("the largest session has {} steps", list[0].steps);
    measure("timeline() of the largest", TIMES, |_| {
        drop(ask.timeline(largest).expect("a timeline"))
    });
    let steps: Vec<StepRow> = ask
        .timeline(largest)
        .expect("a timeline")
        .steps
        .iter()
        .map(|s| s.row)
        .collect();
    measure("rows() of a screen", TIMES, |n| {
        let from = n * 37 % steps.len().saturating_sub(60).max(1);
        ask.rows(&steps[from..(from + 60).min(steps.len())])
            .expect("rows");
    });
    measure("step()", TIMES, |n| {
        drop(ask.step(steps[n * 7919 % steps.len()]).expect("a step"))
    });
    measure("summary()", TIMES, |n| {
        drop(ask.summary(list[n % list.len()].row).expect("a summary"))
    });
    measure("changes() of a session", TIMES, |n| {
        ask.changes(Scope::Session(list[n % list.len()].row))
            .expect("changes");
    });
    measure("changes() of the largest", 5, |_| {
        drop(ask.changes(Scope::Session(largest)).expect("changes"))
    });
    measure("files()", 10, |_| drop(ask.files().expect("files")));
    let queries = queries(&ask);
    measure("find(): what it needs, read beforehand", 1, |_| {
        drop(ask.find_first("").expect("nothing"))
    });
    measure("find(): the first page", TIMES * 2, |n| {
        let found = ask.find_first(&queries[n % queries.len()]);
        drop(found.expect("hits"))
    });
    measure("find(): all of 400 hits, with their lines", TIMES, |n| {
        drop(ask.find(&queries[n % queries.len()], 400).expect("hits"))
    });
    if std::env::var_os("REGENT_BENCH_EACH").is_some() {
        for query in &queries {
            measure(&format!("find(): the first page of {query:?}"), 10, |_| {
                drop(ask.find_first(query).expect("hits"))
            });
        }
    }
    println!("peak {:.0} MiB", peak() as f64 / f64::from(1 << 20));
}

/// A history of nothing but rows: a session of a million steps, or as many prompts.
fn made_up(temp: &Path, name: &str, steps: i64, prompts: i64) -> PathBuf {
    let db = temp.join(name);
    drop(regent_tui::store::Store::open(&place(&db)).expect("a store"));
    let conn = Connection::open(&db).expect("the store");
    conn.execute_batch(&format!(
        "BEGIN;
         INSERT INTO session (id, pub, agent, native_id, title, steps, prompts) VALUES (1, zeroblob(10), 1, 'one', 'A long one', {steps}, {prompts});
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {prompts})
           INSERT INTO prompt (id, session_id, no, pub, at, via, dup, head, len)
           SELECT i, 1, i, CAST(printf('p%09d', i) AS BLOB), i * 1000, 1, i,
                  printf('make the %s of part %d %s and look at %s again', hex(i * 7919 % 4096), i,
                         CASE i % 3 WHEN 0 THEN 'retry' WHEN 1 THEN 'wait' ELSE 'stop' END, hex(i * 104729 % 65536)), 60 FROM n;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {steps})
           INSERT INTO step (id, session_id, prompt_no, seq, pub, key_hash, dup, at, kind, status, target)
           SELECT i, 1, i * {prompts} / {steps}, i, CAST(printf('s%09d', i) AS BLOB), i, i, i * 10, 1 + i % 6, 1, printf('src/part_%d.rs', i % 5000) FROM n;
         COMMIT;"
    ))
    .expect("rows");
    db
}

fn large(temp: &Path) {
    let ask = open(&made_up(temp, "steps.db", STEPS, 20_000));
    measure("timeline() of a million steps", 5, |_| {
        drop(ask.timeline(SessionRow(1)).expect("a timeline"))
    });
    let few = open(&made_up(temp, "few.db", 10_000, 200));
    for (ask, steps, what) in [
        (&few, 10_000, "rows() of a screen, ten thousand steps"),
        (&ask, STEPS, "rows() of a screen, a million steps"),
    ] {
        measure(what, TIMES, |n| {
            let from = n as i64 * 7919 % (steps - 60);
            let screen: Vec<StepRow> = (from + 1..from + 61).map(StepRow).collect();
            ask.rows(&screen).expect("rows");
        });
    }
    let ask = open(&made_up(temp, "prompts.db", 1, PROMPTS));
    measure("find() over 100,000 prompts, read beforehand", 1, |_| {
        drop(ask.find_first("").expect("nothing"))
    });
    // Key by key, as it is typed.
    for word in ["retry", "part 99", "mkthe", "look again"] {
        let keys: Vec<usize> = word.char_indices().map(|(i, c)| i + c.len_utf8()).collect();
        let what = format!("find() over 100,000 prompts, key by key: {word}");
        measure(&what, keys.len() * 5, |n| {
            drop(ask.find_first(&word[..keys[n % keys.len()]]).expect("hits"))
        });
    }
}

fn main() {
    let temp = tempfile::tempdir().expect("a folder");
    match std::env::var_os("REGENT_BENCH_DB").filter(|v| !v.is_empty()) {
        Some(db) => history(Path::new(&db)),
        None => {
            let corpus = corpus::corpus();
            let db = temp.path().join("history.db");
            read(&corpus.home, &db);
            history(&db);
        }
    }
    large(temp.path());
}
