//! A home of transcripts and a store that reads them, without the program around it.

use std::fs;
use std::path::PathBuf;

use regent_tui::ingest::{self, Options};
use regent_tui::model::Time;
use regent_tui::source::Places;
use regent_tui::store::{Place, Store};

/// A home of transcripts, and a store that reads them.
pub struct Bench {
    pub dir: tempfile::TempDir,
    pub store: Store,
}

impl Bench {
    pub fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&Place::explicit(&dir.path().join("history.db"), uid())).unwrap();
        fs::create_dir_all(dir.path().join(".claude/projects/-w")).unwrap();
        Bench { dir, store }
    }

    pub fn transcript(&self, name: &str) -> PathBuf {
        self.dir.path().join(".claude/projects/-w").join(name)
    }

    pub fn options(&self) -> Options {
        Options {
            places: Places {
                home: self.dir.path().to_owned(),
                ..Places::default()
            },
            everything: true,
            threads: 1,
            ..Options::default()
        }
    }

    pub fn read(&self) -> ingest::Report {
        let report = ingest::run(&self.store, &self.options(), Time(0), &mut |_| {}).unwrap();
        assert!(report.failed.is_empty(), "{:?}", report.failed);
        report
    }

    /// The words of every prompt that the store has, each once, in order.
    pub fn prompts(&self) -> Vec<String> {
        let conn = rusqlite::Connection::open(self.dir.path().join("history.db")).unwrap();
        let mut q = conn
            .prepare("SELECT head FROM prompt WHERE alias_of IS NULL ORDER BY head")
            .unwrap();
        let rows = q.query_map([], |r| r.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

pub fn uid() -> u32 {
    rustix::process::getuid().as_raw()
}
