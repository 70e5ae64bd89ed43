//! Sessions are found where their agents keep them, without being named, and told to be theirs.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read_to_string(folder.join(name)).unwrap()
}

fn write(at: &Path, text: &str) {
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    fs::write(at, text).unwrap();
}

fn make(at: &Path, sql: &str) {
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    let conn = rusqlite::Connection::open(at).unwrap();
    conn.execute_batch(sql).unwrap();
}

#[test]
fn crush_goose_continue_and_amp_are_found_in_a_home() {
    let home = tempfile::tempdir().unwrap();
    let home = fs::canonicalize(home.path()).unwrap();
    let project = home.join("my shop");
    fs::create_dir(&project).unwrap();
    let here = project.to_str().unwrap();
    // The fixtures worked in another folder.
    let moved = |name: &str| fixture(name).replace("/w/shop", here);
    let uri = format!("file://{}", here.replace(' ', "%20"));
    make(
        &project.join(".crush/crush.db"),
        &moved("crush/database/.crush/crush.db.sql"),
    );
    make(
        &project.join(".opencode/opencode.db"),
        &moved("opencode/older/.opencode/opencode.db.sql"),
    );
    make(
        &home.join(".local/share/goose/sessions/sessions.db"),
        &moved("goose/database/sessions.db.sql"),
    );
    let name = "11111111-2222-4333-8444-555555555555.json";
    let text = fixture(&format!("continue/sessions/.continue/sessions/{name}"));
    let text = text.replace("file:///w/my%20shop", &uri);
    write(&home.join(".continue/sessions").join(name), &text);
    let text = fixture(&format!("amp/threads/T-{name}")).replace("file:///w/shop", &uri);
    write(
        &home
            .join(".local/share/amp/threads")
            .join(format!("T-{name}")),
        &text,
    );
    let run = |args: &[&str]| {
        let out = std::process::Command::new(assert_cmd::cargo::cargo_bin!("regent-tui"))
            .args(args)
            .args(["--store", "history.db", "--repo", here])
            .env_clear()
            .env("HOME", &home)
            .current_dir(&home)
            .output()
            .unwrap();
        assert!(out.status.success(), "{out:?}");
        String::from_utf8(out.stdout).unwrap()
    };
    let agents = || {
        let all: serde_json::Value = serde_json::from_str(&run(&["sessions", "--json"])).unwrap();
        let all = all.as_array().unwrap().clone();
        let mut names: Vec<String> = all
            .iter()
            .map(|s| {
                assert_eq!(s["cwd"], here, "{s}");
                s["agent"].as_str().unwrap().to_owned()
            })
            .collect();
        names.sort();
        names
    };
    run(&["ingest", "--agent", "amp"]);
    assert_eq!(agents(), ["amp"]);
    run(&["ingest"]);
    // A sub-agent's session of Goose does not say whose it is.
    let all = ["amp", "continue", "crush", "goose", "goose", "opencode"];
    assert_eq!(agents(), all);
    // Nothing new: nothing is read again, and nothing comes twice.
    run(&["ingest"]);
    assert_eq!(agents(), all);
}
