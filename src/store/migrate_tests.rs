//! Migrations, stopped at every statement (T21).
#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::path::Path;

use super::migrate::{Standing, VERSIONS, apply, back_up, can_read, inspect};
use super::{OpenError, open};
use rusqlite::Connection;

/// A later version, for the test.
const LATER: &str = "CREATE TABLE later (a TEXT NOT NULL) STRICT;\n\
     ALTER TABLE memo ADD COLUMN kind TEXT;\n\
     INSERT INTO later SELECT value FROM memo;\n\
     UPDATE memo SET kind = 'old';\n\
     CREATE INDEX later_a ON later (a);";

fn later() -> Vec<&'static str> {
    VERSIONS.iter().copied().chain([LATER]).collect()
}

fn fine(_: usize) -> rusqlite::Result<()> {
    Ok(())
}

/// A store of today with a word in it, in a log as in life.
fn old(dir: &Path) -> Connection {
    let conn = Connection::open(dir.join("history.db")).unwrap();
    open::harden(&conn).unwrap();
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")
        .unwrap();
    apply(&conn, VERSIONS, &fine).unwrap();
    conn.execute("INSERT INTO memo VALUES ('left', 'here')", [])
        .unwrap();
    conn
}

/// All that a store says, schema included.
fn dump(conn: &Connection) -> Vec<String> {
    let mut lines = vec![format!(
        "{}",
        conn.query_row("PRAGMA user_version", [], |r| r.get::<_, i64>(0))
            .unwrap()
    )];
    let mut q = conn
        .prepare("SELECT name, ifnull(sql, '') FROM sqlite_schema ORDER BY name")
        .unwrap();
    let schema: Vec<(String, String)> = q
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (name, sql) in schema {
        if sql.starts_with("CREATE TABLE") {
            let mut q = conn.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
            let width = q.column_count();
            let rows = q
                .query_map([], |r| {
                    (0..width)
                        .map(|i| r.get::<_, rusqlite::types::Value>(i))
                        .collect::<Result<Vec<_>, _>>()
                })
                .unwrap();
            lines.extend(rows.map(|r| format!("{name} {:?}", r.unwrap())));
        }
        lines.push(sql);
    }
    lines
}

#[test]
fn an_error_at_any_statement_leaves_the_old_one_whole() {
    let tmp = tempfile::tempdir().unwrap();
    let conn = old(tmp.path());
    let before = dump(&conn);
    let mut stops = 0;
    loop {
        let stop = stops;
        let probe = |n| {
            if n == stop {
                Err(rusqlite::Error::InvalidQuery)
            } else {
                Ok(())
            }
        };
        if apply(&conn, &later(), &probe).is_ok() {
            break;
        }
        assert_eq!(dump(&conn), before, "stopped at {stop}");
        stops += 1;
    }
    assert_eq!(stops, 6, "five statements and the end");
    let migrated = dump(&conn);
    assert!(migrated.iter().any(|l| l.contains("Text(\"old\")")));
    assert_eq!(
        inspect(&conn, tmp.path(), &later()).unwrap(),
        Standing::Current
    );
    apply(&conn, &later(), &fine).unwrap();
    assert_eq!(dump(&conn), migrated, "once is enough");
}

#[test]
fn a_kill_at_any_statement_leaves_the_old_one_whole() {
    let tmp = tempfile::tempdir().unwrap();
    let conn = old(tmp.path());
    let before = dump(&conn);
    // What a kill would leave on the disk: the file and its log, at that moment.
    let left = RefCell::new(Vec::new());
    let probe = |n: usize| {
        let dir = tmp.path().join(n.to_string());
        std::fs::create_dir(&dir).unwrap();
        for file in ["history.db", "history.db-wal"] {
            std::fs::copy(tmp.path().join(file), dir.join(file)).unwrap();
        }
        left.borrow_mut().push(dir);
        Ok(())
    };
    // So small a cache makes SQLite write to the log in the middle.
    conn.execute_batch("PRAGMA cache_size = 1").unwrap();
    apply(&conn, &later(), &probe).unwrap();
    assert_eq!(left.borrow().len(), 6);
    for dir in left.borrow().iter() {
        let conn = Connection::open(dir.join("history.db")).unwrap();
        assert_eq!(dump(&conn), before);
        apply(&conn, &later(), &fine).unwrap();
    }
}

#[test]
fn every_statement_of_a_new_store_may_fail() {
    let mut stop = 0;
    loop {
        let conn = Connection::open_in_memory().unwrap();
        let probe = |n| {
            if n == stop {
                Err(rusqlite::Error::InvalidQuery)
            } else {
                Ok(())
            }
        };
        if apply(&conn, VERSIONS, &probe).is_ok() {
            break;
        }
        assert_eq!(
            inspect(&conn, Path::new("x"), VERSIONS).unwrap(),
            Standing::Empty
        );
        stop += 1;
    }
    assert!(stop > 20);
}

#[test]
fn the_old_one_is_kept_and_can_be_gone_back_to() {
    use std::os::unix::fs::MetadataExt;
    let tmp = tempfile::tempdir().unwrap();
    let conn = old(tmp.path());
    let before = dump(&conn);
    let db = tmp.path().join("history.db");
    let today = VERSIONS.len() as i64;
    assert_eq!(
        inspect(&conn, &db, &later()).unwrap(),
        Standing::Older(today)
    );
    let backup = back_up(&conn, &db, 1).unwrap();
    assert_eq!(backup, tmp.path().join("history.db.v1.bak"));
    assert_eq!(backup.metadata().unwrap().mode() & 0o777, 0o600);
    apply(&conn, &later(), &fine).unwrap();
    assert_eq!(
        inspect(&conn, &db, VERSIONS).unwrap(),
        Standing::Newer(today + 1)
    );
    assert!(can_read(&conn, VERSIONS).unwrap(), "it only added");
    assert!(!can_read(&Connection::open_in_memory().unwrap(), VERSIONS).unwrap());
    // Again, over one that is there.
    back_up(&Connection::open(&backup).unwrap(), &db, 1).unwrap();
    let kept = Connection::open(&backup).unwrap();
    assert_eq!(dump(&kept), before);
    assert_eq!(
        inspect(&kept, &backup, VERSIONS).unwrap(),
        Standing::Current
    );
    let names: Vec<_> = std::fs::read_dir(tmp.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.contains("tmp"))
        .collect();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn a_version_that_was_changed_afterwards_is_refused() {
    let conn = Connection::open_in_memory().unwrap();
    apply(&conn, VERSIONS, &fine).unwrap();
    let changed = format!("{} -- and a word more", VERSIONS[0]);
    let mut versions = VERSIONS.to_vec();
    versions[0] = changed.as_str();
    let refused = inspect(&conn, Path::new("x"), &versions);
    assert!(matches!(refused, Err(OpenError::Foreign { .. })));
}

/// The versions that were released, by the BLAKE3 of their texts. A line is added with each release that has a new
/// version, and none is ever changed: stores of that version are out there.
const RELEASED: &[(usize, &str)] = &[];

#[test]
fn released_versions_never_change() {
    for (version, hash) in RELEASED {
        let text = VERSIONS[version - 1];
        assert_eq!(
            blake3::hash(text.as_bytes()).to_hex().as_str(),
            *hash,
            "version {version}"
        );
    }
}

#[test]
fn a_missing_table_is_damage() {
    let conn = Connection::open_in_memory().unwrap();
    apply(&conn, VERSIONS, &fine).unwrap();
    conn.execute_batch("DROP TABLE sighting").unwrap();
    let refused = inspect(&conn, Path::new("x"), VERSIONS);
    assert!(matches!(refused, Err(OpenError::Damaged { why, .. }) if why.contains("sighting")));
}
