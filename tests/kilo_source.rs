//! Kilo Code since it is an OpenCode: its database and its tree are OpenCode's in another place.
#![allow(clippy::unwrap_used)]

#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;

use std::fs;
use std::path::{Path, PathBuf};

use home::Home;
use regent_tui::source::kilo::Kilo;
use regent_tui::source::opencode::Opencode;
use regent_tui::source::{Places, Source};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/opencode")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// OpenCode's database and tree below a folder of this name, and the agent that claims each.
fn below(data: &Path, name: &str) -> Vec<PathBuf> {
    let database = data.join(name).join(format!("{name}.db"));
    fs::create_dir_all(database.parent().unwrap()).unwrap();
    let sql = fs::read_to_string(fixtures().join("database/opencode.db.sql")).unwrap();
    let conn = rusqlite::Connection::open(&database).unwrap();
    conn.execute_batch(&sql).unwrap();
    let storage = data.join(name).join("storage");
    copy(&fixtures().join("tree/storage"), &storage);
    let projects = fs::read_dir(storage.join("session")).unwrap().flatten();
    let sessions = projects.flat_map(|p| fs::read_dir(p.path()).unwrap().flatten());
    let mut all: Vec<PathBuf> = sessions.map(|s| s.path()).collect();
    all.push(database);
    assert!(all.len() > 1);
    all
}

#[test]
fn each_is_claimed_by_whose_folder_it_lies_in() {
    let data = tempfile::tempdir().unwrap();
    for (name, kilos) in [("kilo", true), ("opencode", false)] {
        for path in below(data.path(), name) {
            let head = fs::read(&path).unwrap();
            assert_eq!(Kilo.claims(&path, &head), kilos, "{}", path.display());
            assert_eq!(Opencode.claims(&path, &head), !kilos, "{}", path.display());
            assert_eq!(Kilo.is_transcript(&path), kilos, "{}", path.display());
        }
    }
    let places = Places {
        home: PathBuf::from("/h"),
        ..Places::default()
    };
    let database = PathBuf::from("/h/.local/share/kilo/kilo.db");
    assert!(Kilo.roots(&places).contains(&database));
}

#[test]
fn its_sessions_say_what_opencodes_say() {
    let h = Home::empty();
    let sessions = |name: &str| {
        below(&h.path(".local/share"), name);
        let store = h.path(&format!("{name}-history.db"));
        let run = |args: &[&str]| {
            let out = h
                .run(args)
                .args(["--store", store.to_str().unwrap()])
                .output();
            let out = out.unwrap();
            assert!(out.status.success(), "{out:?}");
            serde_json::from_slice::<serde_json::Value>(&out.stdout).unwrap_or_default()
        };
        let from = h.path(".local/share").join(name);
        run(&["ingest", "--from", from.to_str().unwrap()]);
        let all = run(&["sessions", "--json"]);
        let told = all.as_array().unwrap().iter().map(|s| {
            assert_eq!(s["agent"], name, "{s}");
            let field = |name: &str| s[name].to_string();
            [
                "native_id",
                "title",
                "prompts",
                "steps",
                "edits",
                "commands",
            ]
            .map(field)
        });
        let mut told: Vec<_> = told.collect();
        told.sort();
        told
    };
    let kilo = sessions("kilo");
    assert!(!kilo.is_empty());
    assert_eq!(kilo, sessions("opencode"));
}
