//! Hearing of writes in the work folder. Only folders that a snapshot enters are listened to, one by one: not what the
//! ignore rules leave out, and nothing below. Where the system cannot tell of so many, it says so, and one has to look.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::Sender;
use notify::event::{EventKind, ModifyKind};
use notify::{RecursiveMode, Watcher};

use crate::clock::Clock;
use crate::fsx::is_guarded;
use crate::model::Time;
use crate::snapshot::Rules;
use crate::store::observed::Touched;

/// Paths whose moments are kept; of more, only that there were some.
const KEPT: usize = 20_000;
/// Of the folders that the system lets a user watch, one part in so many may be ours: editors want some, too.
const SHARE: usize = 2;
/// Where Linux says how many that are.
const LIMIT: &str = "/proc/sys/fs/inotify/max_user_watches";

/// What was heard since the last look.
#[derive(Default)]
pub(super) struct Heard {
    /// When paths changed.
    pub paths: BTreeMap<Vec<u8>, Touched>,
    /// Something changed at all.
    pub any: bool,
    /// The rules of the folders that are listened to.
    rules: HashMap<Vec<u8>, Rules>,
    /// Folders that went or came: another one may have their name now, and is not listened to.
    stale: BTreeSet<Vec<u8>>,
    /// The system told of more than it could keep: any folder may be another one now.
    all_stale: bool,
    /// For the same reason a path may have changed before it was first heard of.
    lost: bool,
}

/// Shared with the thread that hears.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Heard>>);

impl Shared {
    /// A thread that panicked left what is whole all the same.
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out what was heard.
    pub fn take(&self) -> BTreeMap<Vec<u8>, Touched> {
        let mut heard = self.lock();
        heard.any = false;
        let mut paths = std::mem::take(&mut heard.paths);
        if std::mem::take(&mut heard.lost) {
            paths.values_mut().for_each(|at| at.first = None);
        }
        paths
    }

    /// Something was written that is not told any more.
    fn overflowed(&self) {
        let mut heard = self.lock();
        (heard.any, heard.all_stale, heard.lost) = (true, true, true);
    }

    /// Whether something was heard since.
    pub fn any(&self) -> bool {
        self.lock().any
    }

    /// Notes an event; whether it matters.
    fn hear(&self, root: &Path, event: &notify::Event, now: Time) -> bool {
        let mut heard = self.lock();
        let mut matters = false;
        for path in &event.paths {
            let Ok(rel) = path.strip_prefix(root) else {
                // The folder itself went away, or came back.
                matters = true;
                continue;
            };
            let rel = rel.as_os_str().as_bytes();
            if !heard.is_captured(root, rel) {
                continue;
            }
            matters = true;
            if is_of_names(event.kind) && heard.rules.contains_key(rel) {
                heard.stale.insert(rel.to_vec());
            }
            if heard.paths.len() < KEPT || heard.paths.contains_key(rel) {
                let at = heard.paths.entry(rel.to_vec()).or_default();
                at.first.get_or_insert(now);
                at.last = Some(now);
            }
        }
        heard.any |= matters;
        matters
    }
}

impl Heard {
    /// Whether a snapshot would look at a path.
    fn is_captured(&self, root: &Path, rel: &[u8]) -> bool {
        if rel.split(|b| *b == b'/').any(is_guarded) {
            return false;
        }
        let folder = match rel.iter().rposition(|b| *b == b'/') {
            Some(at) => &rel[..at],
            None => b"",
        };
        // Of a folder that is not known yet nothing can be said.
        let Some(rules) = self.rules.get(folder) else {
            return true;
        };
        match (rules.ignores(rel, false), rules.ignores(rel, true)) {
            (same, other) if same == other => !same,
            (as_file, as_folder) => {
                let is_dir = root.join(OsStr::from_bytes(rel)).is_dir();
                !if is_dir { as_folder } else { as_file }
            }
        }
    }
}

/// Reading is no change, nor is the end of a write: the write was.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(_) => false,
        EventKind::Modify(ModifyKind::Metadata(what)) => {
            what != notify::event::MetadataKind::AccessTime
        }
        _ => true,
    }
}

/// Whether a name came or went.
fn is_of_names(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    )
}

/// Whether a folder is one of these, or below one.
fn is_among(stale: &BTreeSet<Vec<u8>>, folder: &[u8]) -> bool {
    stale.iter().any(|s| {
        folder
            .strip_prefix(s.as_slice())
            .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    })
}

/// Listens.
pub(super) struct Ears {
    root: PathBuf,
    watcher: notify::RecommendedWatcher,
    shared: Shared,
    /// The folders that are listened to.
    folders: Vec<Vec<u8>>,
    limit: Option<usize>,
}

impl Ears {
    /// Listens to nothing yet. `wake` is told when something was written.
    pub fn new(root: &Path, clock: Clock, wake: Sender<()>) -> notify::Result<Ears> {
        let shared = Shared::default();
        let (heard, place) = (shared.clone(), root.to_owned());
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let matters = match event {
                // Events were lost: then one has to look.
                Ok(event) if event.need_rescan() => {
                    heard.overflowed();
                    true
                }
                Ok(event) if is_change(event.kind) => heard.hear(&place, &event, clock.now()),
                Ok(_) => false,
                Err(_) => {
                    heard.overflowed();
                    true
                }
            };
            if matters {
                // A full channel means that it is about to look anyway.
                let _ = wake.try_send(());
            }
        })?;
        let limit = std::fs::read_to_string(LIMIT).ok();
        Ok(Ears {
            root: root.to_owned(),
            watcher,
            shared,
            folders: Vec::new(),
            limit: limit.and_then(|l| l.trim().parse::<usize>().ok()),
        })
    }

    /// Listens to at most so many folders, if that is less than the system can spare.
    pub fn with_limit(mut self, folders: Option<usize>) -> Ears {
        if let Some(folders) = folders {
            self.limit = Some(self.limit.map_or(folders, |l| (l / SHARE).min(folders)) * SHARE);
        }
        self
    }

    /// What was heard.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// How many folders are listened to.
    #[cfg(test)]
    pub fn folders(&self) -> usize {
        self.folders.len()
    }

    /// Listens to these folders and no others, sorted. Says whether there are new ones: what was written there before
    /// was not heard.
    ///
    /// # Errors
    /// In words, where the system cannot tell of so many.
    pub fn listen(&mut self, folders: Vec<(Vec<u8>, Rules)>) -> Result<bool, String> {
        if let Some(limit) = self.limit.filter(|limit| folders.len() > limit / SHARE) {
            return Err(format!(
                "{} folders are more than half of the {limit} that the system lets you watch (fs.inotify.max_user_watches)",
                folders.len()
            ));
        }
        let mut names: Vec<Vec<u8>> = folders.iter().map(|f| f.0.clone()).collect();
        names.sort();
        let place = |rel: &[u8]| self.root.join(OsStr::from_bytes(rel));
        let (stale, all_stale) = {
            let mut heard = self.shared.lock();
            let all = std::mem::take(&mut heard.all_stale);
            (std::mem::take(&mut heard.stale), all)
        };
        let (kept, gone): (Vec<Vec<u8>>, Vec<Vec<u8>>) = std::mem::take(&mut self.folders)
            .into_iter()
            .partition(|f| names.binary_search(f).is_ok() && !all_stale && !is_among(&stale, f));
        let new: Vec<PathBuf> = names
            .iter()
            .filter(|f| kept.binary_search(f).is_err())
            .map(|f| place(f))
            .collect();
        for folder in gone {
            // It went away, and with it what the system knew of it.
            let _ = self.watcher.unwatch(&place(&folder));
        }
        let mut heard_of = names.clone();
        for path in &new {
            match self.watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => {}
                Err(e) if matches!(e.kind, notify::ErrorKind::PathNotFound) || !path.exists() => {
                    // Gone again: the next look will tell.
                    let rel = path
                        .strip_prefix(&self.root)
                        .map(|p| p.as_os_str().as_bytes());
                    heard_of.retain(|f| Ok(f.as_slice()) != rel);
                }
                Err(e) => return Err(format!("folders cannot be watched ({e})")),
            }
        }
        self.folders = heard_of;
        self.shared.lock().rules = folders.into_iter().collect();
        Ok(!new.is_empty())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    fn rules(root: &Path) -> Vec<(Vec<u8>, Rules)> {
        let root = crate::fsx::Root::open(root, None).unwrap();
        let store = crate::store::Store::open_in_memory().unwrap();
        let wanted = crate::snapshot::Wanted::new(
            Clock::system(),
            crate::store::snapshots::Reason::Automatic,
        );
        crate::snapshot::take(&store, &root, &wanted).unwrap().dirs
    }

    #[test]
    fn what_is_ignored_is_not_heard() {
        let tmp = tempfile::tempdir().unwrap();
        let root = tmp.path().canonicalize().unwrap();
        for dir in ["src/deep", "target/debug", ".git", ".regent"] {
            std::fs::create_dir_all(root.join(dir)).unwrap();
        }
        std::fs::write(root.join(".gitignore"), "target/\n*.log\n").unwrap();
        let (wake, woken) = crossbeam_channel::bounded(1);
        let mut ears = Ears::new(&root, Clock::system(), wake).unwrap();
        assert!(ears.listen(rules(&root)).unwrap());
        assert!(!ears.listen(rules(&root)).unwrap(), "nothing new");
        assert_eq!(ears.folders(), 3, "{:?}", ears.folders);
        for quiet in [
            "target/x",
            "target/debug/x",
            "a.log",
            ".git/index",
            ".regent/x",
        ] {
            std::fs::write(root.join(quiet), "x").unwrap();
        }
        std::fs::read(root.join(".gitignore")).unwrap();
        assert!(woken.recv_timeout(Duration::from_millis(300)).is_err());
        std::fs::write(root.join("src/deep/a.rs"), "x").unwrap();
        assert!(woken.recv_timeout(Duration::from_secs(5)).is_ok());
        assert!(ears.shared().any());
        let heard = ears.shared().take();
        let at = heard[&b"src/deep/a.rs"[..]];
        assert!(at.first.is_some() && at.first <= at.last);
        assert_eq!(heard.len(), 1);
    }

    #[test]
    fn after_an_overflow_nothing_is_taken_for_granted() {
        let tmp = tempfile::tempdir().unwrap();
        let root = tmp.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("src")).unwrap();
        let (wake, woken) = crossbeam_channel::bounded(1);
        let mut ears = Ears::new(&root, Clock::system(), wake).unwrap();
        assert!(ears.listen(rules(&root)).unwrap());
        std::fs::write(root.join("src/a"), "x").unwrap();
        assert!(woken.recv_timeout(Duration::from_secs(5)).is_ok());
        ears.shared().overflowed();
        assert!(ears.shared().any());
        let heard = ears.shared().take();
        assert!(heard[&b"src/a"[..]].first.is_none() && heard[&b"src/a"[..]].last.is_some());
        // All folders are listened to anew, so what was written before is looked for once more.
        assert!(ears.listen(rules(&root)).unwrap());
        assert!(!ears.listen(rules(&root)).unwrap());
        while woken.try_recv().is_ok() {}
        std::fs::write(root.join("src/b"), "x").unwrap();
        assert!(woken.recv_timeout(Duration::from_secs(5)).is_ok());
    }

    #[test]
    fn too_many_folders_are_refused_in_words() {
        let tmp = tempfile::tempdir().unwrap();
        let root = tmp.path().canonicalize().unwrap();
        for n in 0..6 {
            std::fs::create_dir(root.join(format!("d{n}"))).unwrap();
        }
        let (wake, _woken) = crossbeam_channel::bounded(1);
        let mut ears = Ears::new(&root, Clock::system(), wake)
            .unwrap()
            .with_limit(Some(5));
        let why = ears.listen(rules(&root)).unwrap_err();
        assert!(
            why.contains("7 folders") && why.contains("max_user_watches"),
            "{why}"
        );
    }
}
