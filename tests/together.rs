//! Several programs at one store, while agents write: what each of them says is true, and what the store holds is as if one
//! had read alone.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;
#[path = "support/readings.rs"]
#[allow(dead_code)]
mod readings;

use std::fs;
use std::process::{Command, Stdio};

use home::Home;
use readings::{Bench, uid};
use regent_tui::ingest::{self, Roots};
use regent_tui::model::Time;
use regent_tui::store::{Place, Store};
use serde_json::{Value, json};

/// Three of them on a first reading; every transcript counts once.
#[test]
fn three_programs_that_read_at_once() {
    let h = Home::empty();
    let shop = h.path("shop");
    let folder = h.path(".claude/projects/-shop");
    fs::create_dir_all(&folder).unwrap();
    let line = |session: &str, n: usize, filler: usize| {
        json!({"parentUuid": null, "isSidechain": false, "cwd": shop, "sessionId": session, "version": "2.1.100",
               "type": "user", "uuid": format!("{session}-{n}"), "timestamp": "2026-03-01T09:00:00.000Z",
               "message": {"role": "user", "content": format!("prompt {n} {}", "x".repeat(filler))}})
        .to_string()
            + "\n"
    };
    // One that goes in in several parts, and many small ones.
    let large: String = (0..3000).map(|n| line("large", n, 10_000)).collect();
    assert!(large.len() > 24 << 20);
    fs::write(folder.join("large.jsonl"), large).unwrap();
    for n in 0..60 {
        let session = format!("s{n:02}");
        fs::write(
            folder.join(format!("{session}.jsonl")),
            line(&session, 0, 10),
        )
        .unwrap();
    }
    let program = assert_cmd::cargo::cargo_bin!("regent-tui");
    let start = || {
        Command::new(program)
            .args(["ingest", "--json"])
            .env_clear()
            .env("HOME", h.path(""))
            .current_dir(&shop)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut children: Vec<_> = (0..3).map(|_| start()).collect();
    // Whoever asks meanwhile, without reading, is told of one moment: here every transcript is one session.
    let db = shop.join(".regent/history.db");
    let ask = |command: &str| -> Option<Value> {
        let args = [command, "--json", "--store", db.to_str().unwrap()];
        let done = h.run(&args).output().unwrap();
        serde_json::from_slice(&done.stdout).ok()
    };
    let mut moments = 0;
    while children.iter_mut().any(|c| c.try_wait().unwrap().is_none()) {
        if let Some(status) = ask("status") {
            assert_eq!(status["sessions"], status["transcripts"], "{status}");
            moments += 1;
        }
        if let Some(checks) = ask("doctor") {
            let bad = |c: &Value| c["verdict"] == "bad" && c["check"] == "integrity";
            assert!(!checks.as_array().unwrap().iter().any(bad), "{checks}");
        }
    }
    assert!(moments > 0);
    let mut sums = [0; 4];
    for child in children {
        let done = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{err}");
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        let n = |name: &str| report[name].as_u64().unwrap();
        assert_eq!(n("read") + n("unchanged") + n("meanwhile"), 61, "{report}");
        for (sum, name) in sums
            .iter_mut()
            .zip(["read", "unchanged", "meanwhile", "elsewhere"])
        {
            *sum += n(name);
        }
    }
    // Each is read whole once; one that was taken over half way counts for whoever read its rest.
    assert!((61..=63).contains(&sums[0]), "{sums:?}");
    assert_eq!(sums[3], 0);
    let status = h.json(&["status", "--json"]);
    assert_eq!(status["transcripts"], 61);
    assert_eq!(status["sessions"], 61);
    assert_eq!(status["prompts"], 3060);
    let generations: i64 = rusqlite::Connection::open(shop.join(".regent/history.db"))
        .unwrap()
        .query_row("SELECT max(generation) FROM file", [], |r| r.get(0))
        .unwrap();
    assert_eq!(generations, 0, "nobody took a file for another one");
    let checks = h.json(&["doctor", "--json"]);
    let bad = |c: &Value| c["verdict"] == "bad";
    assert!(!checks.as_array().unwrap().iter().any(bad), "{checks}");
}

/// Four agents write, two programs read all the while (T14, in small): every record once, and nobody is told "busy".
#[test]
fn agents_write_while_two_programs_read() {
    use std::io::Write;
    use std::sync::atomic::{AtomicBool, Ordering};
    const LINES: u32 = 300;
    let bench = Bench::new();
    let done = AtomicBool::new(false);
    let db = bench.dir.path().join("history.db");
    let options = bench.options();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4u32)
            .map(|w| {
                let path = bench.transcript(&format!("w{w}.jsonl"));
                scope.spawn(move || {
                    let mut file = fs::File::create(path).unwrap();
                    for n in 0..LINES {
                        let line = json!({"parentUuid": null, "isSidechain": false, "cwd": "/w", "sessionId": format!("w{w}"),
                            "version": "2.1.100", "type": "user", "uuid": format!("{w}-{n}"),
                            "timestamp": "2026-03-01T09:00:00.000Z",
                            "message": {"role": "user", "content": format!("writer {w} line {n:04}")}})
                        .to_string()
                            + "\n";
                        let (begins, ends) = line.split_at(line.len() / 3);
                        file.write_all(begins.as_bytes()).unwrap();
                        std::thread::sleep(std::time::Duration::from_millis(1));
                        file.write_all(ends.as_bytes()).unwrap();
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            scope.spawn(|| {
                let store = Store::open(&Place::explicit(&db, uid())).unwrap();
                let mut last = false;
                while !last {
                    last = done.load(Ordering::Relaxed);
                    let report = ingest::run(&store, &options, Time(0), &mut |_| {}).unwrap();
                    assert!(report.failed.is_empty(), "{:?}", report.failed);
                }
            });
        }
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    bench.read();
    let expected: Vec<String> = (0..4)
        .flat_map(|w| (0..LINES).map(move |n| format!("writer {w} line {n:04}")))
        .collect();
    assert_eq!(bench.prompts(), expected);
    let log = db.with_file_name("history.db-wal");
    assert!(log.metadata().is_ok_and(|m| m.len() < 64 << 20));
}

/// Another program makes everything derived anew between two of our transactions: row numbers that we remember are void.
#[test]
fn a_rebuild_in_the_middle_of_a_reading() {
    let bench = Bench::new();
    let write = |session: &str, n: usize| {
        let path = format!("/w/{}.txt", n % 50);
        let content = format!("{session} {n} {}\n", "x".repeat(6000));
        let id = format!("toolu_{session}_{n}");
        let call = json!({"type": "assistant", "sessionId": session, "cwd": "/w", "uuid": format!("{session}-{n}-a"),
            "timestamp": "2026-03-01T09:00:00.000Z", "version": "2.1.100", "message": {"id": id, "role": "assistant",
            "content": [{"type": "tool_use", "id": id, "name": "Write", "input": {"file_path": path, "content": content}}]}});
        let result = json!({"type": "user", "sessionId": session, "cwd": "/w", "uuid": format!("{session}-{n}-b"),
            "timestamp": "2026-03-01T09:00:01.000Z", "version": "2.1.100",
            "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "ok"}]},
            "toolUseResult": {"type": "create", "filePath": path, "content": content, "structuredPatch": [],
                              "originalFile": null}});
        format!("{call}\n{result}\n")
    };
    for session in ["a", "b", "c"] {
        let text: String = (0..900).map(|n| write(session, n)).collect();
        fs::write(bench.transcript(&format!("{session}.jsonl")), text).unwrap();
    }
    let db = Place::explicit(&bench.dir.path().join("history.db"), uid());
    let mut rebuilt = 0;
    ingest::run(&bench.store, &bench.options(), Time(0), &mut |p| {
        if p.committed && p.done < p.total {
            let other = Store::open(&db).unwrap();
            ingest::rebuild(&other, &Roots::default(), true, &mut |_| {}).unwrap();
            rebuilt += 1;
        }
    })
    .unwrap();
    let alone = Bench::new();
    for session in ["a", "b", "c"] {
        let name = format!("{session}.jsonl");
        fs::copy(bench.transcript(&name), alone.transcript(&name)).unwrap();
    }
    alone.read();
    let conn = rusqlite::Connection::open(bench.dir.path().join("history.db")).unwrap();
    let lost: i64 = conn
        .query_row(
            "SELECT count(*) FROM change WHERE path_id NOT IN (SELECT id FROM path)",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert_eq!(lost, 0, "after {rebuilt} rebuilds");
    assert_eq!(bench.prompts(), alone.prompts());
    if rebuilt == 0 {
        println!("the reading was over before it could be disturbed");
    }
}
