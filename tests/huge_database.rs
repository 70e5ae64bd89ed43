//! A database of gigabytes, most of which is not this repository's: opened and read without ever being read whole. It takes
//! 5 GB of disk and a while, so it is run by name: `cargo test --test huge_database -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::Path;
use std::time::Instant;

use regent_tui::ingest::{self, Options, Roots};
use regent_tui::model::Time;
use regent_tui::source::Places;
use regent_tui::store::Store;
use rusqlite::{Connection, params};
use serde_json::json;

/// Rows of the log of events, which is not read.
const EVENTS: usize = 375;
const EVENT: i64 = 8 << 20;
/// Sessions of other projects, and the parts of each.
const OTHERS: usize = 40;
const PARTS: usize = 50;
const PART: usize = 1 << 20;
/// More memory than this must not be needed, though the database is ten times as large.
const MEMORY_MB: u64 = 512;

fn session(conn: &Connection, id: &str, folder: &str, at: i64, parts: &[String]) {
    let row = params![id, folder, at];
    conn.execute("INSERT INTO session VALUES (?1, NULL, ?2, ?1, ?3, ?3)", row)
        .unwrap();
    let user = json!({"role": "user", "time": {"created": at}}).to_string();
    let row = params![format!("{id}-1"), id, at, user];
    conn.execute("INSERT INTO message VALUES (?1, ?2, ?3, ?3, ?4)", row)
        .unwrap();
    let mut part = conn
        .prepare_cached("INSERT INTO part VALUES (?1, ?2, ?3, ?4, ?4, ?5)")
        .unwrap();
    for (n, text) in parts.iter().enumerate() {
        let data = json!({"type": "text", "text": text}).to_string();
        let row = params![format!("{id}-{n:03}"), format!("{id}-1"), id, at, data];
        part.execute(row).unwrap();
    }
}

fn database(path: &Path, here: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
         CREATE TABLE session (id TEXT PRIMARY KEY, parent_id TEXT, directory TEXT, title TEXT, time_created INTEGER, time_updated INTEGER);
         CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
         CREATE TABLE part (id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
         CREATE TABLE event (id INTEGER PRIMARY KEY, data BLOB);
         CREATE INDEX message_session_idx ON message (session_id, time_created, id);
         CREATE INDEX part_session_idx ON part (session_id);
         CREATE INDEX part_message_idx ON part (message_id, id);
         BEGIN;",
    )
    .unwrap();
    for _ in 0..EVENTS {
        conn.execute("INSERT INTO event (data) VALUES (zeroblob(?1))", [EVENT])
            .unwrap();
    }
    let filling = vec!["x".repeat(PART); PARTS];
    for n in 0..OTHERS {
        session(
            &conn,
            &format!("ses_other_{n}"),
            "/elsewhere",
            1_760_000_000_000 + n as i64,
            &filling,
        );
    }
    for n in 0..3 {
        let words = [format!("prompt {n}")];
        session(
            &conn,
            &format!("ses_here_{n}"),
            here,
            1_761_000_000_000 + n as i64,
            &words,
        );
    }
    conn.execute_batch("COMMIT").unwrap();
}

/// The most memory that this process ever had, in MB.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.trim().split(' ').next()?.parse::<u64>().ok()? / 1024)
}

#[test]
#[ignore = "needs 5 GB of disk"]
fn it_is_never_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let home = fs::canonicalize(folder.path()).unwrap();
    let here = home.join("shop");
    fs::create_dir(&here).unwrap();
    let path = home.join(".local/share/opencode/opencode.db");
    database(&path, here.to_str().unwrap());
    let size = fs::metadata(&path).unwrap().len() >> 20;
    let made = peak();
    let store = Store::open_in_memory().unwrap();
    let options = Options {
        roots: Roots::new(Some(&here), &[], &[]),
        places: Places {
            home,
            ..Places::default()
        },
        ..Options::default()
    };
    for what in ["first", "second"] {
        let begun = Instant::now();
        let report = ingest::run(&store, &options, Time(0), &mut |_| {}).unwrap();
        println!(
            "{size} MB, {what} look: {:.2} s, {} read, {} elsewhere, peak {:?} MB (making it {made:?} MB)",
            begun.elapsed().as_secs_f64(),
            report.read,
            report.elsewhere,
            peak(),
        );
        assert!(report.failed.is_empty(), "{:?}", report.failed);
    }
    let conn = store.begin().unwrap();
    let sessions: i64 = conn
        .query_row("SELECT count(*) FROM session WHERE prompts = 1", [], |r| {
            r.get(0)
        })
        .unwrap();
    assert_eq!(sessions, 3);
    assert!(size > 10 * (MEMORY_MB - 100));
    if let Some(peak) = peak() {
        assert!(peak < MEMORY_MB, "{peak} MB");
    }
}
