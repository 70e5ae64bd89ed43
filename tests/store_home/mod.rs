//! A home with a repository in it, for the tests of the store.
#![allow(clippy::unwrap_used, dead_code)]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use regent_tui::store::place::{Place, Surroundings, Wanted};
use regent_tui::store::{Store, blobs};

/// A home with a repository in it.
pub struct Home {
    _tmp: Option<tempfile::TempDir>,
    pub home: PathBuf,
    pub repo: PathBuf,
}

impl Home {
    pub fn new() -> Home {
        let tmp = tempfile::tempdir().unwrap();
        let home = tmp.path().canonicalize().unwrap();
        let repo = home.join("repo");
        fs::create_dir(&repo).unwrap();
        Home {
            _tmp: Some(tmp),
            home,
            repo,
        }
    }

    /// One that is there already.
    pub fn at(home: PathBuf) -> Home {
        let repo = home.join("repo");
        fs::create_dir_all(&repo).unwrap();
        Home {
            _tmp: None,
            home,
            repo,
        }
    }

    pub fn around(&self) -> Surroundings {
        Surroundings {
            home: Some(self.home.clone()),
            uid: self.home.metadata().unwrap().uid(),
            ..Surroundings::default()
        }
    }

    pub fn place_of(&self, folder: &Path) -> Place {
        choose(folder, false, &self.around())
    }

    pub fn place(&self) -> Place {
        self.place_of(&self.repo)
    }
}

pub fn choose(folder: &Path, all: bool, around: &Surroundings) -> Place {
    let wanted = Wanted {
        store: None,
        all,
        folder,
        main_worktree: None,
    };
    Place::choose(&wanted, around).unwrap()
}

pub fn fill(store: &Store, text: &str) -> i64 {
    let tx = store.begin().unwrap();
    let id = blobs::put(&tx, text.as_bytes()).unwrap();
    tx.commit().unwrap();
    id
}

pub fn holds(store: &Store, text: &str) -> bool {
    let tx = store.begin().unwrap();
    let id = blobs::find(&tx, &regent_tui::model::BlobHash::of(text.as_bytes()));
    id.unwrap().is_some()
}
