//! Where hooks leave their events until somebody who has the store open takes them in.
//!
//! One small file an event, made under another name and then given its own, so that a reader sees a whole event or
//! none, and fifty hooks at once need no lock. The name is the time, so the order of names is the order of events. A
//! file goes only when the caller of [`Spool::drain`] says that its event is stored; stored twice is stored once,
//! since [`Spooled::key`] stays the same.
//!
//! It lies in the repository's `.regent/spool` if that `.regent/` is ours, else in the user's state folder, and never
//! holds more than [`MOST`] events: what comes then is only counted.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

use super::Event;
use crate::git;
use crate::store::Place;
use crate::store::place::{Surroundings, Wanted};

/// More events than this are not kept.
pub const MOST: usize = 20_000;
/// An event that is larger is not ours.
const LARGEST: u64 = 64 << 10;
/// Counting the files costs more than writing one: it is done once in so many times.
const COUNTED_EVERY: u32 = 64;
const NAME: &str = "spool";
/// One byte for each event that found no room.
const FULL: &str = "full";
const ENDING: &str = ".json";
/// Two threads of ours may ask for the time at the same moment.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The spool of one repository (or folder).
#[derive(Clone, Debug)]
pub struct Spool {
    /// In `.regent/`, if that is ours.
    near: Option<PathBuf>,
    /// In the user's state folder, or, where the user-wide store serves, beside that.
    far: PathBuf,
    /// The worktree, or the folder.
    root: PathBuf,
    place: Place,
}

/// An event that lies in the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spooled {
    /// Tells it from every other event, whoever drains it and how often.
    pub key: String,
    /// The event.
    pub event: Event,
}

/// What lay in the spool. Dropping it leaves everything there.
#[derive(Debug, Default)]
#[must_use = "what is stored must be taken out of the spool with `done`"]
pub struct Drained {
    /// In order of time.
    pub events: Vec<Spooled>,
    /// Events that found no room since the last time.
    pub lost: u64,
    /// Files that were no events.
    pub damaged: u64,
    files: Vec<PathBuf>,
}

impl Drained {
    /// Nothing is there, nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// They are stored now: takes them out of the spool.
    pub fn done(self) -> io::Result<()> {
        let mut failed = None;
        for file in &self.files {
            match std::fs::remove_file(file) {
                Err(e) if e.kind() != ErrorKind::NotFound => failed = Some(e),
                _ => {}
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

impl Spool {
    /// The spool for who works in `folder`; `None` where nothing may be written at all.
    pub fn of(folder: &Path, around: &Surroundings) -> Option<Spool> {
        let repository = git::discover(folder);
        let repository = repository.as_ref();
        let wanted = Wanted {
            store: None,
            all: false,
            folder,
            main_worktree: repository.and_then(|r| r.main_worktree.as_deref()),
        };
        let place = Place::choose(&wanted, around).ok()?;
        let this = repository.and_then(|r| r.this_worktree.clone());
        let root = match this {
            Some(root) => root,
            None => std::fs::canonicalize(folder).ok()?,
        };
        Some(Spool {
            root,
            ..Spool::at(&place)
        })
    }

    /// The spool beside a store, for who has that open and takes everything in, whatever worktree it is about.
    pub fn at(place: &Place) -> Spool {
        let near = (place.keep.is_some() && place.is_ours()).then(|| place.dir.join(NAME));
        let far = match &place.keep {
            Some(keep) => keep.join(NAME),
            None => place.dir.join(NAME),
        };
        Spool {
            near,
            far,
            root: place.dir.parent().unwrap_or(&place.dir).to_owned(),
            place: place.clone(),
        }
    }

    /// Where the store is that these events belong to.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The worktree, or the folder, links resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folders to watch for new events of a store. They may not be there yet, and may be made before the store is.
    pub fn watched(place: &Place) -> Vec<PathBuf> {
        let far = place.keep.as_ref().unwrap_or(&place.dir).join(NAME);
        let near = place.keep.is_some().then(|| place.dir.join(NAME));
        near.into_iter().chain([far]).collect()
    }

    /// Makes the folders, so that whoever watches them need not watch what lies around them.
    pub fn prepare(&self) -> io::Result<()> {
        self.folders().try_for_each(make)
    }

    /// Whether a path is that of an event.
    pub fn is_event(path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        name.ends_with(ENDING.as_bytes()) && !name.starts_with(b".")
    }

    /// The folders in which events lie; they may not be there yet.
    fn folders(&self) -> impl Iterator<Item = &Path> {
        self.near.as_deref().into_iter().chain([self.far.as_path()])
    }

    /// The folder for locks between us: it survives the deletion of `.regent/`.
    pub(super) fn locks(&self) -> &Path {
        self.far.parent().unwrap_or(&self.far)
    }

    /// Leaves an event. In `.regent/` if it can be written, else in the state folder.
    pub fn put(&self, event: &Event) -> io::Result<()> {
        let text = serde_json::to_vec(event)?;
        let mut last = None;
        for folder in self.folders() {
            match put_in(folder, &text, self.place.uid) {
                Ok(()) => return Ok(()),
                Err(e) => last = Some(e),
            }
        }
        Err(last.unwrap_or_else(|| ErrorKind::NotFound.into()))
    }

    /// Everything that lies there, in order. At most `most` events at once; ask again for the rest.
    pub fn drain(&self, most: usize) -> io::Result<Drained> {
        let mut found: Vec<(OsString, PathBuf)> = Vec::new();
        let mut drained = Drained::default();
        for folder in self.folders() {
            if !is_usable(folder, self.place.uid)? {
                continue;
            }
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                let (name, path) = (entry.file_name(), entry.path());
                if name == FULL {
                    drained.lost += entry.metadata().map_or(0, |m| m.len());
                    drained.files.push(path);
                } else if name.as_encoded_bytes().ends_with(ENDING.as_bytes()) {
                    found.push((name, path));
                } else if is_left_over(&entry) {
                    drained.files.push(path);
                }
            }
        }
        found.sort();
        found.truncate(most);
        for (name, path) in found {
            match read(&path, self.place.uid) {
                Ok(Some(event)) => drained.events.push(Spooled {
                    key: name.to_string_lossy().trim_end_matches(ENDING).to_owned(),
                    event,
                }),
                // Another of us drained it at the same time.
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Ok(None) | Err(_) => drained.damaged += 1,
            }
            drained.files.push(path);
        }
        Ok(drained)
    }
}

/// What a hook that was killed between two calls left behind.
fn is_left_over(entry: &std::fs::DirEntry) -> bool {
    const OLD: Duration = Duration::from_secs(60 * 60);
    let written = entry.metadata().and_then(|m| m.modified()).ok();
    written.is_some_and(|w| w.elapsed().is_ok_and(|age| age > OLD))
}

/// A folder that is there, no link, and ours.
fn is_usable(folder: &Path, uid: u32) -> io::Result<bool> {
    match folder.symlink_metadata() {
        Ok(meta) => Ok(meta.is_dir() && meta.uid() == uid),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(e) => Err(e),
    }
}

fn read(path: &Path, uid: u32) -> io::Result<Option<Event>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || meta.uid() != uid || meta.len() > LARGEST {
        return Ok(None);
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text).ok())
}

fn put_in(folder: &Path, text: &[u8], uid: u32) -> io::Result<()> {
    if !is_usable(folder, uid)? {
        make(folder)?;
        if !is_usable(folder, uid)? {
            return Err(ErrorKind::PermissionDenied.into());
        }
    }
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    if is_full(folder, now)? {
        return add_lost(folder);
    }
    let name = format!(
        "{:020}-{}-{}",
        now.as_nanos(),
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let unfinished = folder.join(format!(".{name}"));
    let written = write_new(&unfinished, text)
        .and_then(|()| std::fs::rename(&unfinished, folder.join(format!("{name}{ENDING}"))));
    if written.is_err() {
        // It is our own, and of no use to anybody.
        let _ = std::fs::remove_file(&unfinished);
    }
    written
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text)
}

/// Makes the folder, and those above it where the user has none yet. Only the user can enter what is made.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).recursive(true).create(folder) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

fn is_full(folder: &Path, now: Duration) -> io::Result<bool> {
    if folder.join(FULL).symlink_metadata().is_ok() {
        return Ok(true);
    }
    if !now.subsec_micros().is_multiple_of(COUNTED_EVERY) {
        return Ok(false);
    }
    Ok(std::fs::read_dir(folder)?.count() >= MOST)
}

fn add_lost(folder: &Path) -> io::Result<()> {
    let flags = OFlags::NOFOLLOW.bits() as i32;
    let mut file: File = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags)
        .open(folder.join(FULL))?;
    file.write_all(b".")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::hook::{Host, Kind, Shot};
    use crate::model::Time;
    use crate::store::Store;

    struct Home {
        _dir: tempfile::TempDir,
        repo: PathBuf,
        around: Surroundings,
    }

    fn home() -> Home {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let repo = top.join("repo");
        std::fs::create_dir(&repo).unwrap();
        let around = Surroundings {
            uid: top.metadata().unwrap().uid(),
            home: Some(top),
            ..Surroundings::default()
        };
        Home {
            _dir: dir,
            repo,
            around,
        }
    }

    fn event(n: i64) -> Event {
        Event {
            host: Host::Claude,
            kind: Kind::Prompt,
            session: "s".to_owned(),
            subagent: None,
            call: None,
            tool: None,
            at: Time(n),
            cwd: "/w".into(),
            root: "/w".into(),
            shot: Shot::None,
        }
    }

    fn times(drained: &Drained) -> Vec<i64> {
        drained.events.iter().map(|e| e.event.at.0).collect()
    }

    #[test]
    fn events_stay_until_they_are_said_to_be_stored() {
        let home = home();
        let spool = Spool::of(&home.repo, &home.around).unwrap();
        for n in 0..5 {
            spool.put(&event(n)).unwrap();
        }
        let first = spool.drain(3).unwrap();
        assert_eq!(times(&first), [0, 1, 2]);
        // Dropped: nothing is lost.
        drop(first);
        let first = spool.drain(3).unwrap();
        let keys: Vec<_> = first.events.iter().map(|e| e.key.clone()).collect();
        first.done().unwrap();
        let rest = spool.drain(usize::MAX).unwrap();
        assert_eq!(times(&rest), [3, 4]);
        assert!(rest.events.iter().all(|e| !keys.contains(&e.key)));
        rest.done().unwrap();
        assert!(spool.drain(9).unwrap().is_empty());
    }

    #[test]
    fn they_lie_beside_the_store_once_it_is_ours_and_those_before_are_found_too() {
        let home = home();
        let early = Spool::of(&home.repo, &home.around).unwrap();
        early.put(&event(1)).unwrap();
        assert!(!home.repo.join(".regent").exists());
        drop(Store::open(early.place()).unwrap());
        let spool = Spool::of(&home.repo, &home.around).unwrap();
        spool.put(&event(2)).unwrap();
        assert!(home.repo.join(".regent/spool").is_dir());
        assert_eq!(times(&spool.drain(9).unwrap()), [1, 2]);
    }

    #[test]
    fn a_strangers_folder_is_not_used() {
        let home = home();
        let regent = home.repo.join(".regent");
        std::fs::create_dir(&regent).unwrap();
        std::fs::write(regent.join("id"), "0".repeat(32)).unwrap();
        let spool = Spool::of(&home.repo, &home.around).unwrap();
        spool.put(&event(1)).unwrap();
        assert!(!regent.join("spool").exists());
        assert_eq!(times(&spool.drain(9).unwrap()), [1]);
        // Nor is one that turned into a link.
        let mut spool = spool;
        let elsewhere = home.repo.join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, regent.join("spool")).unwrap();
        spool.near = Some(regent.join("spool"));
        spool.put(&event(2)).unwrap();
        assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
        assert_eq!(times(&spool.drain(9).unwrap()), [1, 2]);
    }

    #[test]
    fn what_is_no_event_is_counted_and_what_finds_no_room_too() {
        let home = home();
        let spool = Spool::of(&home.repo, &home.around).unwrap();
        spool.put(&event(1)).unwrap();
        let far = spool.far.clone();
        std::fs::write(far.join("1.json"), "{").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", far.join("2.json")).unwrap();
        std::fs::write(far.join(FULL), "..").unwrap();
        spool.put(&event(2)).unwrap();
        let drained = spool.drain(9).unwrap();
        assert_eq!(
            (times(&drained), drained.damaged, drained.lost),
            (vec![1], 2, 3)
        );
        drained.done().unwrap();
        assert_eq!(std::fs::read_dir(&far).unwrap().count(), 0);
        spool.put(&event(3)).unwrap();
        assert_eq!(times(&spool.drain(9).unwrap()), [3]);
    }

    #[test]
    fn fifty_at_once_lose_none() {
        let home = home();
        let spool = Spool::of(&home.repo, &home.around).unwrap();
        std::thread::scope(|scope| {
            for t in 0..50i64 {
                let spool = &spool;
                scope.spawn(move || {
                    for n in 0..20 {
                        spool.put(&event(t * 100 + n)).unwrap();
                    }
                });
            }
        });
        let mut all = times(&spool.drain(usize::MAX).unwrap());
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 1000);
    }

    #[test]
    fn one_watches_and_hooks_see_that() {
        let home = home();
        let spool = Spool::of(&home.repo, &home.around).unwrap();
        assert!(!spool.is_watched());
        std::fs::create_dir(home.repo.join(".regent")).unwrap();
        let lease = File::create(home.repo.join(".regent/watching")).unwrap();
        assert!(!spool.is_watched());
        lease.lock().unwrap();
        assert!(spool.is_watched());
        lease.unlock().unwrap();
        assert!(!spool.is_watched());
    }
}
