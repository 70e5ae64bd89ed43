//! The Goose source: fixtures, texts byte for byte, a session that is written anew, and real databases where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::source::goose::Goose;
use regent_tui::source::{Os, Places, Source};

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/goose");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Makes a database.
fn make(sql: &str, at: &Path) -> rusqlite::Connection {
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    let conn = rusqlite::Connection::open(at).unwrap();
    conn.execute_batch(sql).unwrap();
    conn
}

/// The program, with nothing of this machine.
fn run(home: &Path, args: &[&str]) -> std::process::Output {
    let store = home.join("history.db");
    std::process::Command::new(assert_cmd::cargo::cargo_bin!("regent-tui"))
        .args(args)
        .arg("--store")
        .arg(store)
        .env_clear()
        .env("HOME", home)
        .current_dir(home)
        .output()
        .unwrap()
}

#[test]
fn every_case_gives_what_is_expected() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/goose");
    golden::check_cases(&Goose, &fixtures);
}

#[test]
fn it_lies_where_each_system_has_it() {
    for (os, env, sessions) in [
        (Os::Linux, vec![], "/h/.local/share/goose/sessions"),
        (
            Os::Linux,
            vec![("XDG_DATA_HOME", "/d")],
            "/d/goose/sessions",
        ),
        (Os::Mac, vec![], "/h/.local/share/goose/sessions"),
        (Os::Mac, vec![("GOOSE_PATH_ROOT", "/g")], "/g/data/sessions"),
        (
            Os::Windows,
            vec![("APPDATA", "/a")],
            "/a/Block/goose/data/sessions",
        ),
    ] {
        let places = Places {
            home: PathBuf::from("/h"),
            env: env
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            os,
            ..Places::default()
        };
        assert_eq!(
            Goose.roots(&places),
            [PathBuf::from(sessions)],
            "{os:?} {env:?}"
        );
    }
    let is = |path: &str| Goose.is_transcript(Path::new(path));
    assert!(is("/s/sessions.db") && is("/s/20250701_090000.jsonl"));
    assert!(!is("/s/sessions.db-wal") && !is("/s/notes.md"));
    let claims = |head: &str| Goose.claims(Path::new("/x/a.jsonl"), head.as_bytes());
    let first = fixture("lines/20251009_085320.jsonl");
    assert!(claims(&first));
    assert!(!claims(
        "{\"role\":\"user\",\"created\":1,\"content\":[]}\n"
    ));
    assert!(!claims("{\"working_dir\":\"/w\"}\n") && !claims("") && !claims("{\"working_dir\":"));
    let temp = tempfile::tempdir().unwrap();
    let db = temp.path().join("x.db");
    make(
        "CREATE TABLE sessions (id TEXT, working_dir TEXT, updated_at TEXT);",
        &db,
    );
    assert!(
        !Goose.claims(&db, b"SQLite format 3\0"),
        "it has no messages"
    );
}

#[test]
fn what_results_show_is_told_byte_for_byte() {
    let home = tempfile::tempdir().unwrap();
    let db = home.path().join("elsewhere/sessions.db");
    make(&fixture("database/sessions.db.sql"), &db);
    let done = run(home.path(), &["ingest", "--from", db.to_str().unwrap()]);
    assert!(done.status.success(), "{done:?}");
    let log = run(home.path(), &["log", "--json"]).stdout;
    let log = String::from_utf8(log).unwrap();
    let mut told = Vec::new();
    for line in log.lines().rev() {
        let step: serde_json::Value = serde_json::from_str(line).unwrap();
        if !matches!(step["kind"].as_str(), Some("edit" | "write")) {
            continue;
        }
        let (id, path) = (
            step["id"].as_str().unwrap(),
            step["target"].as_str().unwrap(),
        );
        let path = path.trim_start_matches("/w/shop/");
        let cat = |what: String| {
            let out = run(home.path(), &["cat", &what]);
            let text = String::from_utf8(out.stdout).unwrap();
            out.status.success().then_some(text)
        };
        told.push((path.to_owned(), cat(format!("{id}:{path}"))));
    }
    let want = [
        // The whole file was shown before.
        ("a.txt", Some("one\n2\n")),
        ("a.txt", Some("one\none and a half\n2\n")),
        // Written with a line end, as the person was shown.
        ("b.txt", Some("b\n")),
        ("c.txt", Some("c\n")),
        // Whether this one got a line end is not told.
        ("d.txt", None),
        ("c.txt", None),
        ("c.txt", None),
        // By another model.
        ("e.txt", None),
        // What it was replaced in is not known.
        ("f.txt", None),
        ("g.txt", Some("g")),
    ];
    let want = want.map(|(p, t)| (p.to_owned(), t.map(str::to_owned)));
    assert_eq!(told, want);
}

#[test]
fn messages_that_are_written_anew_are_the_same_messages() {
    let home = tempfile::tempdir().unwrap();
    let db = home.path().join("sessions.db");
    let conn = make(&fixture("database/sessions.db.sql"), &db);
    let look = || {
        let done = run(home.path(), &["ingest", "--from", db.to_str().unwrap()]);
        assert!(done.status.success(), "{done:?}");
        let out = run(home.path(), &["sessions", "--json"]);
        let all: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let one = all
            .as_array()
            .unwrap()
            .iter()
            .find(|s| s["native_id"] == "s1");
        ["prompts", "edits", "commands"].map(|what| one.unwrap()[what].as_u64().unwrap())
    };
    let before = look();
    // As it does to make room: all rows go and come back, hidden from the model, and a summary is added.
    conn.execute_batch(
        "CREATE TABLE old AS SELECT * FROM messages WHERE session_id = 's1' ORDER BY id;
         DELETE FROM messages WHERE session_id = 's1';
         INSERT INTO messages (session_id, role, content_json, created_timestamp, metadata_json)
           SELECT session_id, role, content_json, created_timestamp, '{\"userVisible\":true,\"agentVisible\":false}' FROM old
             WHERE metadata_json NOT LIKE '%userVisible\":false%' ORDER BY id;
         INSERT INTO messages (session_id, role, content_json, created_timestamp, metadata_json)
           VALUES ('s1', 'user', '[{\"type\":\"text\",\"text\":\"In short.\"}]', 1760000060, '{\"userVisible\":false}');
         UPDATE sessions SET updated_at = '2025-10-09 08:54:20' WHERE id = 's1';",
    )
    .unwrap();
    assert_eq!(before, [3, 10, 6]);
    assert_eq!(look(), before);
}

#[test]
fn a_session_that_was_taken_over_is_one() {
    let home = tempfile::tempdir().unwrap();
    let sql = fixture("database/sessions.db.sql").replace("'s1'", "'20251009_085320'");
    make(&sql, &home.path().join("sessions.db"));
    let lines = home.path().join("20251009_085320.jsonl");
    fs::write(lines, fixture("lines/20251009_085320.jsonl")).unwrap();
    let (found, told) = inputs::told(&[home.path()]);
    assert_eq!(found.sessions, 2, "{told}");
    assert_eq!(found.edits, 10, "{told}");
}

#[test]
fn odd_databases_are_errors_or_say_what_they_can() {
    let temp = tempfile::tempdir().unwrap();
    let read = |name: &str, more: &str| {
        let db = temp.path().join(name).join("sessions.db");
        drop(make(
            &format!("{}{more}", fixture("database/sessions.db.sql")),
            &db,
        ));
        inputs::told(&[db.parent().unwrap()]).0
    };
    let all = read("whole", "");
    let odd = read(
        "types",
        "UPDATE messages SET content_json = x'ff00', created_timestamp = 'soon' WHERE id = 1;
         UPDATE messages SET content_json = 7, metadata_json = 'no' WHERE id = 2;
         UPDATE sessions SET created_at = x'ff', model_config_json = '[', accumulated_input_tokens = 'many' WHERE id = 's1';",
    );
    assert_eq!((odd.sessions, odd.prompts), (2, all.prompts - 1));
    assert_eq!(odd.damaged, all.damaged + 2);
    let deep = format!(
        "UPDATE messages SET content_json = '{}' WHERE id = 1;",
        "[".repeat(100_000)
    );
    assert_eq!(read("deep", &deep).damaged, all.damaged + 1);
    let whole = fs::read(temp.path().join("whole/sessions.db")).unwrap();
    for part in [100, whole.len() / 2, whole.len() - 512] {
        let db = temp.path().join("sessions.db");
        fs::write(&db, &whole[..part]).unwrap();
        let Ok(mut input) = Goose.extractor(&db).unwrap().open(&db, &Places::default()) else {
            continue;
        };
        for session in input.sessions().unwrap_or_default() {
            let _ = input.records(&session.name, &mut |_| Ok(()));
        }
    }
}

#[test]
fn real_and_written_sessions_give_what_the_index_counts() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    // The real database holds one session and no message.
    let (found, told) = inputs::told(&[&real.join("goose")]);
    assert_eq!(
        (found.prompts, found.edits, found.commands),
        (0, 0, 0),
        "{told}"
    );
    let written = real.join("synthetic-other/goose/.local/share/goose/sessions");
    let (found, told) = inputs::told(&[&written.join("sessions.db")]);
    let counts = (found.sessions, found.prompts, found.edits, found.commands);
    assert_eq!(counts, (1, 1, 2, 2), "{told}");
    assert_eq!(found.damaged + found.unknown, 0, "{told}");
    // The file tells the same session under another id.
    let (found, told) = inputs::told(&[&written.join("20250701_090000.jsonl")]);
    let counts = (found.sessions, found.prompts, found.edits, found.commands);
    assert_eq!(counts, (1, 1, 2, 2), "{told}");
    assert_eq!(found.damaged + found.unknown, 0, "{told}");
}
