//! Which file the store is. Looks at folders; makes nothing and opens nothing.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::OpenError;

/// The store's file name.
pub const DB: &str = "history.db";
/// The folder beside a repository.
pub const FOLDER: &str = ".regent";
/// The file in it that is locked by the screen or `watch` that records the work folder.
pub const LEASE: &str = "watching";
/// Our folder in the user's data and state folders.
const APP: &str = "regent-tui";

/// Why the store is where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Beside a repository (or the folder one works in), in `.regent/`.
    Repo,
    /// The user's own, for every folder.
    UserWide,
    /// Named by the user.
    Explicit,
}

/// Where the store is, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub db: PathBuf,
    /// Its folder.
    pub dir: PathBuf,
    /// Why there.
    pub kind: Kind,
    /// The folder in the user's state folder where what must survive `rm -rf` is kept, and where it is remembered that
    /// this store was made here. Only for [`Kind::Repo`].
    pub keep: Option<PathBuf>,
    /// Who we are: files of others are not trusted.
    pub uid: u32,
    /// It is for every session of this machine, not for those of one repository.
    pub everything: bool,
}

/// What is known of the user, read from the environment once, at the top of the program.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_DATA_HOME`.
    pub data_home: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// The user's number.
    pub uid: u32,
}

impl Surroundings {
    /// A folder of the XDG specification: absolute ones count, others must be ignored.
    fn folder(&self, named: Option<&Path>, in_home: &str) -> Option<PathBuf> {
        let absolute = |p: &&Path| p.is_absolute();
        let from_home = || Some(self.home.as_deref().filter(absolute)?.join(in_home));
        let base = named.filter(absolute).map(Path::to_owned);
        Some(base.or_else(from_home)?.join(APP))
    }

    fn data(&self) -> Option<PathBuf> {
        self.folder(self.data_home.as_deref(), ".local/share")
    }

    /// Our folder in the user's state folder.
    pub fn state(&self) -> Option<PathBuf> {
        self.folder(self.state_home.as_deref(), ".local/state")
    }
}

/// What the user asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// `--store FILE`.
    pub store: Option<&'a Path>,
    /// `--all`.
    pub all: bool,
    /// The folder one works in, absolute.
    pub folder: &'a Path,
    /// The main worktree of the repository there, if there is one.
    pub main_worktree: Option<&'a Path>,
}

impl Place {
    /// Finds the place.
    pub fn choose(wanted: &Wanted<'_>, around: &Surroundings) -> Result<Place, OpenError> {
        if let Some(file) = wanted.store {
            return Ok(Place {
                everything: wanted.all,
                ..Place::explicit(&wanted.folder.join(file), around.uid)
            });
        }
        if wanted.all {
            return Place::user_wide(around);
        }
        let folder = wanted.main_worktree.unwrap_or(wanted.folder);
        let folder =
            std::fs::canonicalize(folder).map_err(|e| OpenError::io(folder, "look at", e))?;
        if !is_for_a_store(&folder, around)? {
            return Place::user_wide(around);
        }
        let dir = folder.join(FOLDER);
        let state = around.state().ok_or(OpenError::NoPlace)?;
        let name = blake3::hash(dir.as_os_str().as_bytes()).to_hex();
        Ok(Place {
            db: dir.join(DB),
            keep: Some(state.join("stores").join(&name[..32])),
            dir,
            kind: Kind::Repo,
            uid: around.uid,
            everything: false,
        })
    }

    /// A file that the user named.
    pub fn explicit(db: &Path, uid: u32) -> Place {
        Place {
            db: db.to_owned(),
            dir: db.parent().unwrap_or(Path::new("/")).to_owned(),
            kind: Kind::Explicit,
            keep: None,
            uid,
            everything: false,
        }
    }

    fn user_wide(around: &Surroundings) -> Result<Place, OpenError> {
        let dir = around.data().ok_or(OpenError::NoPlace)?;
        Ok(Place {
            db: dir.join(DB),
            dir,
            kind: Kind::UserWide,
            keep: None,
            uid: around.uid,
            everything: true,
        })
    }

    /// Whether its folder is there, is the user's own, and was made on this machine. Opens no store and changes nothing.
    pub fn is_ours(&self) -> bool {
        super::guard::is_ours(self)
    }

    /// Whether there is a store, be it only the one kept in the state folder after somebody deleted ours.
    pub fn has_store(&self) -> bool {
        self.db.symlink_metadata().is_ok() || super::survive::kept(self).is_some()
    }
}

/// Not the home folder, not `/`, nothing that is another user's or everybody's (`/tmp`).
fn is_for_a_store(folder: &Path, around: &Surroundings) -> Result<bool, OpenError> {
    let home = around.home.as_deref();
    let home = home.and_then(|h| std::fs::canonicalize(h).ok());
    if folder.parent().is_none() || home.as_deref() == Some(folder) {
        return Ok(false);
    }
    let meta = folder
        .metadata()
        .map_err(|e| OpenError::io(folder, "look at", e))?;
    let everybodys = meta.mode() & 0o1002 == 0o1002;
    Ok(meta.is_dir() && meta.uid() == around.uid && !everybodys)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn around(home: &Path) -> Surroundings {
        Surroundings {
            home: Some(home.to_owned()),
            uid: home.metadata().unwrap().uid(),
            ..Surroundings::default()
        }
    }

    fn wanted(folder: &Path) -> Wanted<'_> {
        Wanted {
            store: None,
            all: false,
            folder,
            main_worktree: None,
        }
    }

    #[test]
    fn a_repository_has_its_own_and_other_folders_do_not() {
        let tmp = tempfile::tempdir().unwrap();
        let home = tmp.path().canonicalize().unwrap();
        let repo = home.join("repo");
        std::fs::create_dir(&repo).unwrap();
        let around = around(&home);

        let place = Place::choose(&wanted(&repo), &around).unwrap();
        assert_eq!(
            (place.kind, place.db.clone()),
            (Kind::Repo, repo.join(".regent/history.db"))
        );
        let keep = place.keep.clone().unwrap();
        assert!(keep.starts_with(home.join(".local/state/regent-tui/stores")));
        assert!(!place.has_store());

        for folder in [home.as_path(), Path::new("/")] {
            let place = Place::choose(&wanted(folder), &around).unwrap();
            assert_eq!(place.kind, Kind::UserWide);
            assert_eq!(place.db, home.join(".local/share/regent-tui/history.db"));
        }
        let all = Wanted {
            all: true,
            ..wanted(&repo)
        };
        assert_eq!(Place::choose(&all, &around).unwrap().kind, Kind::UserWide);
        let linked = Wanted {
            main_worktree: Some(&repo),
            ..wanted(&home)
        };
        assert_eq!(Place::choose(&linked, &around).unwrap(), place);
        let named = Wanted {
            store: Some(Path::new("x.db")),
            ..wanted(&repo)
        };
        assert_eq!(
            Place::choose(&named, &around).unwrap().db,
            repo.join("x.db")
        );
    }

    #[test]
    fn a_folder_that_is_not_the_users_is_left_alone() {
        let tmp = tempfile::tempdir().unwrap();
        let home = tmp.path().join("home");
        let shared = tmp.path().join("shared");
        for d in [&home, &shared] {
            std::fs::create_dir(d).unwrap();
        }
        let mut around = around(&home);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
        std::fs::set_permissions(&shared, mode).unwrap();
        let kind = |f: &Path, a: &Surroundings| Place::choose(&wanted(f), a).unwrap().kind;
        assert_eq!(kind(&shared, &around), Kind::UserWide);
        let repo = tmp.path().join("repo");
        std::fs::create_dir(&repo).unwrap();
        assert_eq!(kind(&repo, &around), Kind::Repo);
        around.uid += 1;
        assert_eq!(kind(&repo, &around), Kind::UserWide);
    }

    #[test]
    fn relative_xdg_folders_are_ignored_and_no_home_is_said() {
        let tmp = tempfile::tempdir().unwrap();
        let repo = tmp.path().join("repo");
        std::fs::create_dir(&repo).unwrap();
        let mut around = around(tmp.path());
        around.data_home = Some("data".into());
        let all = Wanted {
            all: true,
            ..wanted(&repo)
        };
        let place = Place::choose(&all, &around).unwrap();
        assert!(place.db.starts_with(tmp.path().join(".local/share")));
        around.home = None;
        assert!(matches!(
            Place::choose(&all, &around),
            Err(OpenError::NoPlace)
        ));
        assert!(matches!(
            Place::choose(&wanted(&repo), &around),
            Err(OpenError::NoPlace)
        ));
        around.state_home = Some(tmp.path().join("state"));
        assert!(Place::choose(&wanted(&repo), &around).is_ok());
    }
}
