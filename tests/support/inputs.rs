//! Reading real transcripts of other agents into a store, and what it counts then.

use std::path::{Path, PathBuf};

use regent_tui::ingest::{self, Options};
use regent_tui::model::Time;
use regent_tui::store::Store;

/// The folder of real transcripts, if it is at hand.
pub fn real() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("REGENT_TRANSCRIPTS") {
        return Some(PathBuf::from(dir)).filter(|d| d.is_dir());
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|d| d.join("shared/transcripts"))
        .find(|d| d.is_dir())
}

/// Sums over all sessions.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub sessions: i64,
    pub prompts: i64,
    pub edits: i64,
    pub commands: i64,
    pub damaged: i64,
    pub unknown: i64,
}

/// Reads everything below these folders and counts; also each session in a line.
pub fn told(folders: &[&Path]) -> (Found, String) {
    let store = Store::open_in_memory().expect("a store");
    let options = Options {
        from: folders.iter().map(|f| f.to_path_buf()).collect(),
        ..Options::default()
    };
    let report = ingest::run(&store, &options, Time(0), &mut |_| {}).expect("a reading");
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    let conn = store.begin().expect("a transaction");
    let mut q = conn
        .prepare("SELECT prompts, edits, commands, damaged, unknown, native_id, title FROM session ORDER BY native_id")
        .expect("a question");
    let mut rows = q.query([]).expect("rows");
    let (mut found, mut told) = (Found::default(), String::new());
    while let Some(row) = rows.next().expect("a row") {
        let n: Vec<i64> = (0..5).map(|i| row.get(i).expect("a number")).collect();
        found.sessions += 1;
        found.prompts += n[0];
        found.edits += n[1];
        found.commands += n[2];
        found.damaged += n[3];
        found.unknown += n[4];
        let (id, title): (String, Option<String>) =
            (row.get(5).expect("an id"), row.get(6).expect("a title"));
        told.push_str(&format!("{n:?} {id} {title:?}\n"));
    }
    (found, told)
}
