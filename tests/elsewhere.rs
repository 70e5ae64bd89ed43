//! A session of a database that worked in another folder, and changed a file of this repository all the same.
#![allow(clippy::unwrap_used)]

#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;

use std::fs;

use home::Home;
use rusqlite::{Connection, params};
use serde_json::json;

/// OpenCode's tables with a session that worked in a folder and edited this file.
fn database(h: &Home, sessions: &[(&str, &str, &str)]) {
    let path = h.path(".local/share/opencode/opencode.db");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(
        "CREATE TABLE session (id TEXT PRIMARY KEY, parent_id TEXT, directory TEXT, title TEXT, time_created INTEGER, time_updated INTEGER);
         CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);
         CREATE TABLE part (id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);",
    )
    .unwrap();
    for (n, (id, folder, file)) in sessions.iter().enumerate() {
        let at = 1_760_000_000_000 + n as i64 * 1000;
        conn.execute(
            "INSERT INTO session VALUES (?1, NULL, ?2, ?1, ?3, ?3)",
            params![id, folder, at],
        )
        .unwrap();
        let user = json!({"role": "user", "time": {"created": at}});
        let answer = json!({"role": "assistant", "path": {"cwd": folder}, "time": {"created": at}});
        let write = json!({
            "type": "tool", "tool": "write", "callID": "1", "state": {
                "status": "completed", "input": {"filePath": file, "content": "new\n"}, "output": "",
                "metadata": {"exists": false}, "time": {"start": at, "end": at + 1},
            },
        });
        for (role, message, part) in [
            ("a", user, json!({"type": "text", "text": "write it"})),
            ("b", answer, write),
        ] {
            let name = format!("{id}-{role}");
            conn.execute(
                "INSERT INTO message VALUES (?1, ?2, ?3, ?3, ?4)",
                params![name, id, at, message.to_string()],
            )
            .unwrap();
            conn.execute(
                "INSERT INTO part VALUES (?1 || '-part', ?1, ?2, ?3, ?3, ?4)",
                params![name, id, at, part.to_string()],
            )
            .unwrap();
        }
    }
}

#[test]
fn what_it_changed_here_is_known_and_the_rest_is_not_read() {
    let h = Home::empty();
    let shop = h.path("shop");
    let (other, beside) = (h.path("other"), h.path("shopping"));
    let at = |folder: &std::path::Path, name: &str| folder.join(name).display().to_string();
    let (here, there) = (at(&shop, "src/new.rs"), at(&other, "new.rs"));
    let similar = at(&beside, "new.rs");
    let [shop, other] = [&shop, &other].map(|f| f.display().to_string());
    database(
        &h,
        &[
            ("ses_own", &shop, &at(&h.path("shop"), "own.rs")),
            ("ses_reached", &other, &here),
            ("ses_other", &other, &there),
            ("ses_similar", &other, &similar),
        ],
    );
    let known = || {
        let all = h.json(&["sessions", "--json"]);
        let ids = all.as_array().unwrap().iter();
        let mut ids: Vec<String> = ids
            .map(|s| s["native_id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    h.run(&["ingest"]).assert().success();
    assert_eq!(known(), ["ses_own", "ses_reached"]);
    let steps = h.json_lines(&["log", "--path", "src/new.rs", "--json"]);
    assert_eq!(steps.len(), 1, "{steps:?}");
    let id = steps[0]["id"].as_str().unwrap();
    assert_eq!(h.out(&["cat", &format!("{id}:src/new.rs")]), "new\n");
    // Nothing changed: nothing is looked through again, and nothing is forgotten.
    h.run(&["ingest"]).assert().success();
    assert_eq!(known(), ["ses_own", "ses_reached"]);
    // One that goes on, and reaches over. While it is being written to it is what it was, and it is not forgotten.
    let path = h.path(".local/share/opencode/opencode.db");
    let go_on = |at: i64, from: &str, to: &str| {
        let db = Connection::open(&path).unwrap();
        let changed = db
            .execute(
                "UPDATE part SET data = replace(data, ?1, ?2) WHERE id = 'ses_other-b-part'",
                params![from, to],
            )
            .unwrap();
        assert_eq!(changed, 1);
        db.execute(
            "UPDATE session SET time_updated = ?1 WHERE id = 'ses_other'",
            [at],
        )
        .unwrap();
    };
    // The clock of the tests stands at noon of the first of March.
    let noon = 1_772_366_400_000;
    go_on(noon - 1000, &there, &here);
    h.run(&["ingest"]).assert().success();
    assert_eq!(known(), ["ses_own", "ses_reached"]);
    h.run(&["ingest"])
        .env("REGENT_NOW", "2026-03-01T12:02:00Z")
        .assert()
        .success();
    assert_eq!(known(), ["ses_other", "ses_own", "ses_reached"]);
}
