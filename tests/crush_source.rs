//! The Crush source: fixtures, contents byte for byte, odd databases, and a real one where it is at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::source::crush::Crush;
use regent_tui::source::opencode::Opencode;
use regent_tui::source::{Os, Places, Source};

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read_to_string(folder.join(name)).unwrap()
}

const DATABASE: &str = "crush/database/.crush/crush.db.sql";

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

/// The steps that wrote files, oldest first.
fn edits(home: &Path) -> Vec<serde_json::Value> {
    let out = run(home, &["log", "--json"]).stdout;
    let text = String::from_utf8(out).unwrap();
    let lines = text.lines().map(|l| serde_json::from_str(l).unwrap());
    let mut all: Vec<serde_json::Value> = lines
        .filter(|s: &serde_json::Value| s["kind"] == "edit" || s["kind"] == "write")
        .collect();
    all.reverse();
    all
}

fn cat(home: &Path, what: &str) -> Vec<u8> {
    run(home, &["cat", what]).stdout
}

#[test]
fn every_case_gives_what_is_expected() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/crush");
    golden::check_cases(&Crush, &fixtures);
}

#[test]
fn it_lies_in_the_project_on_every_system() {
    for os in [Os::Linux, Os::Mac, Os::Windows] {
        let places = Places {
            home: PathBuf::from("/h"),
            projects: vec![PathBuf::from("/p"), PathBuf::from("/q")],
            os,
            ..Places::default()
        };
        let both = ["/p/.crush/crush.db", "/q/.crush/crush.db"].map(PathBuf::from);
        assert_eq!(Crush.roots(&places), both);
        // The older program of another name.
        let older = PathBuf::from("/q/.opencode/opencode.db");
        assert!(Opencode.roots(&places).contains(&older));
    }
    assert!(Crush.is_transcript(Path::new("/p/.crush/crush.db")));
    assert!(!Crush.is_transcript(Path::new("/p/.crush/crush.db-wal")));
    assert!(!Crush.is_transcript(Path::new("/p/.crush/logs/crush.log")));
}

#[test]
fn a_database_is_its_owners_by_its_tables_and_its_name() {
    let temp = tempfile::tempdir().unwrap();
    let head = b"SQLite format 3\0";
    let (ours, older, other) = (
        temp.path().join("copy of crush.db"),
        temp.path().join(".opencode/opencode.db"),
        temp.path().join("other.db"),
    );
    make(&fixture(DATABASE), &ours);
    make(&fixture("opencode/older/.opencode/opencode.db.sql"), &older);
    // Goose and others have tables of the same names.
    make(
        "CREATE TABLE sessions (id TEXT); CREATE TABLE messages (id TEXT); CREATE VIEW files AS SELECT 1 AS content;",
        &other,
    );
    let claims = |path: &Path| (Crush.claims(path, head), Opencode.claims(path, head));
    assert_eq!(claims(&ours), (true, false));
    assert_eq!(claims(&older), (false, true));
    assert_eq!(claims(&other), (false, false));
    assert_eq!(
        claims(&temp.path().join("crush.db")),
        (false, false),
        "it is not there"
    );
    assert!(!Crush.claims(&ours, b"{\"id\": 1}"));
}

#[test]
fn what_the_table_of_files_holds_is_told_byte_for_byte() {
    let home = tempfile::tempdir().unwrap();
    let db = home.path().join("elsewhere/.crush/crush.db");
    make(&fixture(DATABASE), &db);
    let done = run(home.path(), &["ingest", "--from", db.to_str().unwrap()]);
    assert!(done.status.success(), "{done:?}");
    let told: Vec<_> = edits(home.path())
        .iter()
        .filter(|s| s["status"] == "ok")
        .map(|s| {
            let id = s["id"].as_str().unwrap();
            let path = s["target"].as_str().unwrap();
            let path = path.trim_start_matches("/w/shop/");
            let text = |what: String| String::from_utf8(cat(home.path(), &what)).unwrap();
            let (before, after) = (text(format!("{id}^:{path}")), text(format!("{id}:{path}")));
            (path.to_owned(), before, after)
        })
        .collect();
    let want = [
        ("a.txt", "one\ntwo\nthree\n", "one\n2\nthree\n"),
        ("new.txt", "", "one\n"),
        // Somebody else had changed it.
        ("a.txt", "ONE\n2\nthree\n", "ONE\nII\nIII\n"),
        ("made.txt", "", "made\n"),
        // Which line ends it had is not known, until the agent has written all of them.
        ("dos.txt", "", "a\r\nB\r\n"),
        ("dos.txt", "a\r\nB\r\n", "A\r\nB\r\n"),
        // Of this one there are no versions: the result tells.
        ("lost.txt", "x\n", "y\n"),
    ];
    let want = want.map(|(p, b, a)| (p.to_owned(), b.to_owned(), a.to_owned()));
    assert_eq!(told, want);
}

#[test]
fn a_project_that_got_another_name_keeps_its_sessions() {
    let home = tempfile::tempdir().unwrap();
    let project = home.path().join("shop-old");
    make(&fixture(DATABASE), &project.join(".crush/crush.db"));
    let repo = project.to_str().unwrap();
    let done = run(home.path(), &["ingest", "--repo", repo]);
    assert!(done.status.success(), "{done:?}");
    let sessions = run(home.path(), &["sessions", "--json", "--repo", repo]);
    let sessions = String::from_utf8(sessions.stdout).unwrap();
    let sessions: serde_json::Value = serde_json::from_str(&sessions).unwrap();
    let session = &sessions[0];
    assert_eq!(
        (&session["agent"], &session["native_id"]),
        (&"crush".into(), &"s1".into())
    );
    assert_eq!(
        session["cwd"].as_str().unwrap(),
        fs::canonicalize(&project).unwrap().to_str().unwrap()
    );
}

#[test]
fn a_session_that_is_read_while_it_goes_on_is_the_same_in_the_end() {
    let told = |stages: &[i64]| {
        let home = tempfile::tempdir().unwrap();
        let db = home.path().join("shop/.crush/crush.db");
        for upto in stages {
            // What was written until then; the last message is still being written.
            let more = format!(
                "UPDATE messages SET parts = '[]' WHERE rowid = {upto} AND role = 'assistant' AND {upto} < 18;
                 DELETE FROM files WHERE created_at > (SELECT created_at FROM messages WHERE rowid = {upto});
                 DELETE FROM messages WHERE rowid > {upto} AND session_id = 's1';"
            );
            if db.exists() {
                fs::remove_file(&db).unwrap();
            }
            drop(make(&format!("{}{more}", fixture(DATABASE)), &db));
            let done = run(home.path(), &["ingest", "--from", db.to_str().unwrap()]);
            assert!(done.status.success(), "{done:?}");
        }
        let log = run(home.path(), &["log", "--json", "-n", "1000"]).stdout;
        String::from_utf8(log).unwrap()
    };
    let at_once = told(&[18]);
    assert!(at_once.lines().count() > 20, "{at_once}");
    assert_eq!(told(&[2, 3, 6, 18]), at_once);
}

#[test]
fn odd_databases_are_errors_or_say_what_they_can() {
    let temp = tempfile::tempdir().unwrap();
    let read = |name: &str, more: &str| {
        let db = temp.path().join(name).join("crush.db");
        drop(make(&format!("{}{more}", fixture(DATABASE)), &db));
        inputs::told(&[db.parent().unwrap()]).0
    };
    let all = read("whole", "");
    assert_eq!((all.sessions, all.prompts), (2, 2 + 1));
    // Values of other types than they should have.
    let odd = read(
        "types",
        "UPDATE messages SET parts = x'ff00', created_at = 'soon' WHERE id = 'm1';
         UPDATE messages SET parts = 7 WHERE id = 'm2';
         UPDATE files SET version = 'latest ' || version, content = x'ff' WHERE version > 2;
         UPDATE sessions SET title = 5, created_at = 9223372036854775807, parent_session_id = id WHERE id = 's1';",
    );
    assert_eq!(odd.sessions, 2);
    assert!(odd.damaged >= 2, "{odd:?}");
    let deep = format!(
        "UPDATE messages SET parts = '{}' WHERE id = 'm1';",
        "[".repeat(100_000)
    );
    assert!(read("deep", &deep).damaged > all.damaged);
    // Cut in the middle: what cannot be read is no panic, and nobody else's.
    let whole = fs::read(temp.path().join("whole/crush.db")).unwrap();
    for part in [100, whole.len() / 2, whole.len() - 512] {
        let db = temp.path().join("torn.db");
        fs::write(&db, &whole[..part]).unwrap();
        let Ok(mut input) = Crush.extractor(&db).unwrap().open(&db, &Places::default()) else {
            continue;
        };
        for session in input.sessions().unwrap_or_default() {
            let _ = input.records(&session.name, &mut |_| Ok(()));
        }
    }
}

/// A copy of the real database with its log, which holds 12 of the 142 messages.
fn real_copy(folder: &Path) -> Option<PathBuf> {
    let real = inputs::real()?.join("crush/jsanchezdaza+conecta4/.crush");
    for name in ["crush.db", "crush.db-wal"] {
        let bytes = fs::read(real.join(name)).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    }
    Some(real.join("crush.db"))
}

#[test]
fn a_real_session_gives_what_the_index_counts_and_its_versions_byte_for_byte() {
    let home = tempfile::tempdir().unwrap();
    let Some(db) = real_copy(home.path()) else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    let (found, told) = inputs::told(&[db.parent().unwrap()]);
    let counts = (found.sessions, found.prompts, found.edits, found.commands);
    assert_eq!(counts, (1, 19, 14, 21), "{told}");
    assert_eq!(found.damaged + found.unknown, 0, "{told}");

    // What the database says itself, asked in another way: every version but the one that repeats the first.
    let conn = rusqlite::Connection::open(home.path().join("crush.db")).unwrap();
    let mut q = conn
        .prepare("SELECT path, content FROM files ORDER BY path, version")
        .unwrap();
    let mut versions: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut rows = q.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (path, content): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
        let of = versions.entry(path).or_default();
        if of.last().is_none_or(|last| last != content.as_bytes()) {
            of.push(content.into_bytes());
        }
    }
    let done = run(home.path(), &["ingest", "--from", db.to_str().unwrap()]);
    assert!(done.status.success(), "{done:?}");
    let mut at: BTreeMap<String, usize> = BTreeMap::new();
    let mut same = 0;
    for step in edits(home.path()) {
        let id = step["id"].as_str().unwrap();
        let rel = step["target"].as_str().unwrap();
        let (path, of) = versions.iter().find(|(p, _)| p.ends_with(rel)).unwrap();
        let k = at.entry(path.clone()).or_default();
        assert_eq!(
            cat(home.path(), &format!("{id}^:{rel}")),
            of[*k],
            "{id}^ {path}"
        );
        *k += 1;
        assert_eq!(
            cat(home.path(), &format!("{id}:{rel}")),
            of[*k],
            "{id} {path}"
        );
        same += 2;
    }
    assert_eq!(same, 28);
    for (path, of) in &versions {
        assert_eq!(at[path] + 1, of.len(), "all versions of {path}");
    }
}
