//! The real binary and its store: found, damaged, strange, newer, locked, read-only.
#![allow(clippy::unwrap_used)]

#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use home::{Home, STATES};

fn db(h: &Home) -> std::path::PathBuf {
    h.path("shop/.regent/history.db")
}

fn beside(h: &Home, part: &str) -> usize {
    let names = fs::read_dir(h.path("shop/.regent")).unwrap();
    names
        .flatten()
        .map(|e| e.file_name().into_string().unwrap())
        // What lies beside a file that was set aside went with it.
        .filter(|n| n.contains(part) && !n.ends_with("-wal") && !n.ends_with("-shm"))
        .count()
}

#[test]
fn a_question_needs_no_set_up() {
    let h = Home::empty();
    h.write_story();
    let done = h.run(&["sessions", "--json"]).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(
        said.contains("/shop/.regent/history.db for the history"),
        "{said}"
    );
    let all: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(all.as_array().unwrap().len(), 1);
    // What is written meanwhile is read by the next question, and nothing more is said.
    let mut text = fs::read_to_string(h.transcript()).unwrap();
    let line = text
        .lines()
        .next()
        .unwrap()
        .replace("why does checkout hang?", "and now?");
    let line = line
        .replace("\"u0\"", "\"u99\"")
        .replace("09:00:01", "09:30:00");
    text.push_str(&line);
    text.push('\n');
    fs::write(h.transcript(), text).unwrap();
    let done = h.run(&["sessions", "--json"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    let all: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(all[0]["prompts"], 3);
    // A store that is named is asked as it is.
    let (code, said) = h.err(&["--store", "other.db", "sessions"]);
    assert_eq!((code, said.contains("no store at")), (1, true), "{said}");
    // Quiet is quiet.
    fs::remove_dir_all(h.path("shop/.regent")).unwrap();
    fs::remove_dir_all(h.path(".local")).unwrap();
    let done = h.run(&["-q", "log"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    assert!(done.status.success() && !done.stdout.is_empty());
}

#[test]
fn a_store_that_is_named_takes_every_session_where_all_are_asked_for() {
    let h = Home::empty();
    h.write_story();
    let other = h.path("other");
    fs::create_dir(&other).unwrap();
    let other = other.to_str().unwrap();
    let sessions = |args: &[&str]| {
        let file = h.path(args[0]);
        let named = ["--store", file.to_str().unwrap(), "--repo", other];
        h.out(&[&named[..], &args[1..], &["ingest"]].concat());
        let file: serde_json::Value = h.json(&["--store", named[1], "sessions", "--json"]);
        file.as_array().unwrap().len()
    };
    assert_eq!(sessions(&["here.db"]), 0);
    assert_eq!(sessions(&["all.db", "--all"]), 1);
}

#[test]
fn a_damaged_store_is_set_aside_and_what_is_whole_is_saved() {
    let h = Home::with_story();
    let before = h.out(&["log"]);
    // The agent's own file is gone: only the store has it.
    fs::remove_file(h.transcript()).unwrap();
    h.run(&["status"]).assert().success();
    let conn = rusqlite::Connection::open(db(&h)).unwrap();
    conn.execute_batch(
        "UPDATE blob SET data = x'00' WHERE id = 1; PRAGMA wal_checkpoint(TRUNCATE)",
    )
    .unwrap();
    drop(conn);
    let whole = fs::read(db(&h)).unwrap();
    let done = h.run(&["doctor"]).output().unwrap();
    let told = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(
        told.contains("can be saved") && told.contains("1 transcript, "),
        "{told}"
    );
    assert!(
        told.contains("1 piece lost") && told.contains("doctor --rebuild"),
        "{told}"
    );
    assert_eq!(fs::read(db(&h)).unwrap(), whole, "looking changed it");
    assert_eq!(beside(&h, "trial"), 0);

    let done = h.run(&["doctor", "--rebuild"]).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{said}");
    assert!(
        said.contains("kept as ") && said.contains("1 piece lost"),
        "{said}"
    );
    assert_eq!((beside(&h, "damaged-"), beside(&h, "new-")), (1, 0));
    // The content came back out of the raw bytes.
    assert_eq!(h.out(&["log"]), before);
    assert_eq!(h.out(&["cat", "@:src/main.rs"]), STATES[2]);
    h.run(&["doctor"]).assert().success();
}

#[test]
fn a_file_that_is_no_store_any_more_is_read_again_from_the_disk() {
    let h = Home::with_story();
    let before = h.out(&["log"]);
    let mut bytes = fs::read(db(&h)).unwrap();
    bytes[..4096].fill(0xaa);
    fs::write(db(&h), &bytes).unwrap();
    for args in [
        &["sessions"][..],
        &["log"],
        &["cat", "@:src/main.rs"],
        &["search", "x"],
        &["ingest"],
    ] {
        let (code, said) = h.err(args);
        assert_eq!(code, 1, "{args:?}");
        assert!(
            said.contains("is damaged") && said.contains("doctor --rebuild"),
            "{args:?} {said}"
        );
    }
    h.run(&["doctor"]).assert().code(1);
    h.run(&["doctor", "--rebuild"]).assert().success();
    assert_eq!(h.out(&["log"]), before);
    assert_eq!(beside(&h, "damaged-"), 1);
}

#[test]
fn a_store_that_came_with_a_clone_is_asked_about() {
    let h = Home::with_story();
    // Another machine knows nothing of it.
    fs::remove_dir_all(h.path(".local")).unwrap();
    for args in [&["sessions"][..], &["ingest"], &["doctor"]] {
        let (code, said) = h.err(args);
        assert_eq!(code, 1);
        assert!(
            said.contains("is not trusted") && said.contains("doctor --trust"),
            "{said}"
        );
    }
    h.run(&["doctor", "--trust"]).assert().success();
    h.run(&["sessions"]).assert().success();
    // A link is never trusted.
    fs::rename(h.path("shop/.regent"), h.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(h.path("elsewhere"), h.path("shop/.regent")).unwrap();
    let (code, said) = h.err(&["doctor", "--trust"]);
    assert_eq!((code, said.contains("it is a link")), (1, true), "{said}");
}

#[test]
fn newer_foreign_and_locked_stores_are_told_apart() {
    let h = Home::with_story();
    let conn = rusqlite::Connection::open(db(&h)).unwrap();
    conn.execute_batch("BEGIN EXCLUSIVE").unwrap();
    // Readers of a log are not in the way of a writer.
    assert!(
        h.run(&["--store", ".regent/history.db", "sessions"])
            .output()
            .unwrap()
            .status
            .success()
    );
    conn.execute_batch("ROLLBACK; PRAGMA user_version = 99")
        .unwrap();
    drop(conn);
    let done = h.run(&["sessions"]).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("later regent-tui"), "{said}");
    fs::write(
        h.path("shop/notes.txt"),
        "plain text, and rather more of it than fits a header of a database",
    )
    .unwrap();
    let (code, said) = h.err(&["--store", "notes.txt", "sessions"]);
    assert_eq!((code, said.contains("hint: ")), (1, true), "{said}");
    assert!(
        fs::read_to_string(h.path("shop/notes.txt"))
            .unwrap()
            .starts_with("plain text")
    );
}

#[test]
fn a_transcript_that_cannot_be_read_costs_only_itself() {
    let h = Home::with_story();
    let other = h.path(".claude/projects/-shop/unreadable.jsonl");
    fs::copy(h.transcript(), &other).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o000)).unwrap();
    let odd = h.path(".claude/projects/-shop/packed.jsonl");
    fs::write(odd, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0, 10, 0xfe]).unwrap();
    let done = h.run(&["log"]).output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert_eq!(String::from_utf8(done.stdout).unwrap().lines().count(), 8);
}
