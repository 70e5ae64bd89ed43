//! Listening for what the reading thread has to look at: transcripts that are written, and events that hooks leave. Folders
//! may come and go meanwhile. Nothing is read here.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;
use notify::{RecursiveMode, Watcher};

use crate::hook::spool::Spool;

/// Whether a transcript may have been written. Where a folder is not there yet, one above it is watched, in which others
/// write all the time.
fn may_matter(event: &notify::Event, roots: &[PathBuf]) -> bool {
    let about = |path: &PathBuf| {
        roots
            .iter()
            .any(|root| path.starts_with(root) || root.starts_with(path) || is_log_of(path, root))
    };
    !event.kind.is_access() && (event.paths.is_empty() || event.paths.iter().any(about))
}

/// Whether a hook left an event, or the folder appeared in which it will. That one was taken out again is no news.
fn is_hook(event: &notify::Event, spools: &[PathBuf]) -> bool {
    use notify::event::{EventKind, ModifyKind};
    let appeared = matches!(
        event.kind,
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_))
    );
    let about = |path: &PathBuf| {
        spools.iter().any(|spool| {
            spool.starts_with(path) || path.parent() == Some(spool) && Spool::is_event(path)
        })
    };
    appeared && event.paths.iter().any(about)
}

/// Whether a folder, or the nearest one above it that is there, lies on a disk that does not tell what is written to it.
pub(super) fn is_silent(folder: &Path, is_remote: &dyn Fn(&Path) -> bool) -> bool {
    let there = folder.ancestors().find(|d| d.is_dir());
    there.is_some_and(is_remote)
}

/// Whether a file is the log of a database: what is new stands there first.
fn is_log_of(path: &Path, database: &Path) -> bool {
    path.parent() == database.parent()
        && path
            .file_name()
            .and_then(|n| n.to_str())
            .and_then(|n| {
                n.strip_suffix("-wal")
                    .or_else(|| n.strip_suffix("-journal"))
            })
            .is_some_and(|n| database.file_name().is_some_and(|d| d == n))
}

/// The watched folders. An agent may be installed, or its folder made anew, while one looks.
pub(super) struct Watch {
    watcher: notify::RecommendedWatcher,
    /// Set when a hook told something.
    pub hook: Arc<AtomicBool>,
    /// Those of transcripts, then those in which hooks leave events.
    roots: Vec<PathBuf>,
    /// What is watched for each root, and which folder that was.
    watched: Vec<Option<(PathBuf, u64)>>,
}

impl Watch {
    pub fn start(
        mut roots: Vec<PathBuf>,
        spools: Vec<PathBuf>,
        wake: Sender<()>,
    ) -> notify::Result<Watch> {
        let wanted = roots.clone();
        roots.extend_from_slice(&spools);
        let hook = Arc::new(AtomicBool::new(false));
        let told = hook.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading is no news, nor what others write beside a folder that is missing. That events were lost (an
            // error, or a call to look again) is.
            let idle = event.is_ok_and(|e| {
                let hook = is_hook(&e, &spools);
                told.fetch_or(hook, Ordering::AcqRel);
                !e.need_rescan() && !hook && !may_matter(&e, &wanted)
            });
            if !idle {
                // A full channel means that it is about to look anyway.
                let _ = wake.try_send(());
            }
        })?;
        let mut watch = Watch {
            watcher,
            watched: vec![None; roots.len()],
            hook,
            roots,
        };
        watch.follow()?;
        Ok(watch)
    }

    /// Watches what is there now; says whether a folder is watched that was not before.
    pub fn follow(&mut self) -> notify::Result<bool> {
        let mut new = false;
        for (root, watched) in self.roots.iter().zip(&mut self.watched) {
            // A folder that is not there yet: the nearest one above it that is, without what lies below.
            let nearest = root.ancestors().find_map(|d| {
                Some((
                    d,
                    d.metadata().ok().filter(std::fs::Metadata::is_dir)?.ino(),
                ))
            });
            let now = nearest.map(|(dir, inode)| (dir.to_owned(), inode));
            if *watched == now {
                continue;
            }
            if let Some((dir, _)) = &now {
                let mode = match dir == root {
                    true => RecursiveMode::Recursive,
                    false => RecursiveMode::NonRecursive,
                };
                self.watcher.watch(dir, mode)?;
                new = true;
            }
            *watched = now;
        }
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    #[test]
    fn folders_that_appear_later_are_watched() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap();
        let root = home.join(".codex/sessions");
        let (wake, woken) = crossbeam_channel::bounded(1);
        let mut watch = Watch::start(vec![root.clone()], Vec::new(), wake).unwrap();
        let heard = || woken.recv_timeout(Duration::from_secs(5)).is_ok();
        assert!(!watch.follow().unwrap());
        // Made bit by bit, and made anew.
        for _ in 0..2 {
            std::fs::create_dir(home.join(".codex")).unwrap();
            assert!(heard());
            assert!(watch.follow().unwrap());
            std::fs::create_dir_all(root.join("2026/03")).unwrap();
            assert!(heard());
            assert!(watch.follow().unwrap());
            assert!(!watch.follow().unwrap());
            std::thread::sleep(Duration::from_millis(100));
            while woken.try_recv().is_ok() {}
            std::fs::write(root.join("2026/03/a.jsonl"), "x").unwrap();
            assert!(heard());
            std::fs::remove_dir_all(home.join(".codex")).unwrap();
            assert!(heard());
            assert!(watch.follow().unwrap());
            std::thread::sleep(Duration::from_millis(100));
            while woken.try_recv().is_ok() {}
        }
    }

    #[test]
    fn a_hook_s_event_wakes_and_taking_it_out_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap();
        let spool = home.join(".regent/spool");
        let (wake, woken) = crossbeam_channel::bounded(1);
        let mut watch = Watch::start(Vec::new(), vec![spool.clone()], wake).unwrap();
        let heard = || woken.recv_timeout(Duration::from_secs(5)).is_ok();
        std::fs::create_dir_all(&spool).unwrap();
        assert!(heard() && watch.hook.swap(false, Ordering::AcqRel));
        assert!(watch.follow().unwrap());
        std::thread::sleep(Duration::from_millis(100));
        while woken.try_recv().is_ok() {}
        watch.hook.store(false, Ordering::Release);
        // Before it has its name it is no event, nor is what the store writes beside it.
        std::fs::write(spool.join(".1"), "{}").unwrap();
        std::fs::write(home.join(".regent/history.db-wal"), "x").unwrap();
        assert!(woken.recv_timeout(Duration::from_millis(200)).is_err());
        std::fs::rename(spool.join(".1"), spool.join("1.json")).unwrap();
        assert!(heard() && watch.hook.swap(false, Ordering::AcqRel));
        std::thread::sleep(Duration::from_millis(100));
        while woken.try_recv().is_ok() {}
        watch.hook.store(false, Ordering::Release);
        std::fs::remove_file(spool.join("1.json")).unwrap();
        assert!(woken.recv_timeout(Duration::from_millis(200)).is_err());
        assert!(!watch.hook.load(Ordering::Acquire));
    }

    #[test]
    fn on_a_disk_of_another_machine_one_looks_again() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path();
        std::fs::create_dir(home.join(".claude")).unwrap();
        let asked = std::cell::RefCell::new(Vec::new());
        let remote = |folder: &Path| {
            asked.borrow_mut().push(folder.to_owned());
            folder.ends_with(".claude")
        };
        // A folder that is not there yet will lie where the one above it does.
        assert!(is_silent(&home.join(".claude/projects"), &remote));
        assert!(!is_silent(&home.join(".codex/sessions"), &remote));
        assert_eq!(*asked.borrow(), [home.join(".claude"), home.to_owned()]);
    }

    #[test]
    fn what_others_write_beside_a_missing_folder_wakes_nobody() {
        use notify::event::{AccessKind, CreateKind, EventKind};
        let roots = [
            PathBuf::from("/h/.claude/projects"),
            PathBuf::from("/h/.codex/sessions"),
            PathBuf::from("/h/data/x.db"),
        ];
        let create = EventKind::Create(CreateKind::Any);
        let event = |kind, path: &str| notify::Event::new(kind).add_path(path.into());
        for (path, wakes) in [
            ("/h/.bash_history", false),
            ("/h/.claude", true),
            ("/h/.claude/projects/x/y.jsonl", true),
            ("/h/.claude.json", false),
            ("/h/data/x.db", true),
            ("/h/data/x.db-wal", true),
            ("/h/data/x.db-shm", false),
            ("/h/data/y.db-wal", false),
        ] {
            assert_eq!(may_matter(&event(create, path), &roots), wakes, "{path}");
        }
        let read = EventKind::Access(AccessKind::Any);
        assert!(!may_matter(&event(read, "/h/.claude"), &roots));
        assert!(may_matter(&notify::Event::new(create), &roots));
    }
}
