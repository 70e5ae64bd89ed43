//! The life of transcript files: whatever happens to one, reading it again and again leaves the store with what stands
//! in it at the end (T16).
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use regent_tui::model::{Agent, Time};
use regent_tui::store::files::{self, Owner, Seen, Standing};
use regent_tui::store::{Store, frames};

/// Takes in what is new in a file, as a reader of transcripts does: whole lines only.
fn take_in(store: &Store, path: &Path, now: SystemTime) -> Standing {
    let tx = store.begin().unwrap();
    let meta = fs::metadata(path).ok();
    let seen = meta.as_ref().map(|m| Seen::new(m, now));
    let mut file = match files::newest(&tx, path).unwrap() {
        Some(file) => file,
        None => match &seen {
            Some(seen) => files::insert(
                &tx,
                Agent::Codex,
                path,
                seen,
                Owner::Found,
                files::Form::Lines,
            )
            .unwrap(),
            None => return Standing::Gone,
        },
    };
    let standing = file
        .compare(seen.as_ref(), |off, len| read_at(path, off, len))
        .unwrap();
    let Some(seen) = seen else {
        files::mark_gone(&tx, file.id, Time(1)).unwrap();
        tx.commit().unwrap();
        return standing;
    };
    if standing == Standing::Replaced {
        file = files::insert(
            &tx,
            Agent::Codex,
            path,
            &seen,
            Owner::Found,
            files::Form::Lines,
        )
        .unwrap();
    }
    let new = read_at(path, file.read_to, usize::MAX).unwrap();
    let lines = new.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    frames::append(&tx, file.id, &frames::pack(&new[..lines], file.read_to)).unwrap();
    frames::repack(&tx, file.id).unwrap();
    let read_to = file.read_to + lines as u64;
    let from = read_to.saturating_sub(files::TAIL);
    let tail = frames::read(&tx, file.id, from, read_to - from).unwrap();
    files::advance(&tx, file.id, &seen, read_to, files::tail_hash(&tail)).unwrap();
    tx.commit().unwrap();
    standing
}

fn read_at(path: &Path, off: u64, len: usize) -> std::io::Result<Vec<u8>> {
    let mut file = fs::File::open(path)?;
    file.seek(SeekFrom::Start(off))?;
    let mut bytes = Vec::new();
    file.take(len as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What the store holds of the newest generation.
fn held(store: &Store, path: &Path) -> Vec<u8> {
    let tx = store.begin().unwrap();
    let file = files::newest(&tx, path).unwrap().unwrap();
    frames::read(&tx, file.id, 0, file.read_to).unwrap()
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = fs::File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    file.write_all(bytes).unwrap();
}

/// A moment when nothing was written just before.
fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(60)
}

#[test]
fn one_file_through_its_life() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("a.jsonl");
    let store = Store::open_in_memory().unwrap();
    assert_eq!(take_in(&store, &path, later()), Standing::Gone);
    append(&path, b"one\ntwo\nthr");
    assert_eq!(take_in(&store, &path, later()), Standing::Appended);
    assert_eq!(held(&store, &path), b"one\ntwo\n");
    assert_eq!(take_in(&store, &path, later()), Standing::Unchanged);
    append(&path, b"ee\n");
    assert_eq!(take_in(&store, &path, later()), Standing::Appended);
    assert_eq!(held(&store, &path), b"one\ntwo\nthree\n");
    // Copied, moved back: the same bytes in another inode.
    let copy = tmp.path().join("copy");
    fs::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    assert_eq!(take_in(&store, &path, later()), Standing::Unchanged);
    // Cut short; then other content of the same length.
    fs::write(&path, b"one\n").unwrap();
    assert_eq!(take_in(&store, &path, later()), Standing::Replaced);
    fs::write(&path, b"eno\n").unwrap();
    assert_eq!(
        take_in(&store, &path, later() + Duration::from_secs(5)),
        Standing::Replaced
    );
    assert_eq!(held(&store, &path), b"eno\n");
    fs::remove_file(&path).unwrap();
    assert_eq!(take_in(&store, &path, later()), Standing::Gone);
    append(&path, b"eno\nand more\n");
    assert_eq!(take_in(&store, &path, later()), Standing::Appended);
    let tx = store.begin().unwrap();
    let file = files::newest(&tx, &path).unwrap().unwrap();
    assert_eq!((file.generation, file.gone_at), (2, None));
    assert_eq!(files::all(&tx).unwrap().len(), 3);
    assert_eq!(files::list(&tx).unwrap(), [file]);
}

#[test]
fn a_file_that_was_just_written_is_looked_at_again() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("a.jsonl");
    let store = Store::open_in_memory().unwrap();
    append(&path, b"one\n");
    let meta = fs::metadata(&path).unwrap();
    assert_eq!(Seen::new(&meta, SystemTime::now()).mtime_ns, 0);
    assert_ne!(Seen::new(&meta, later()).mtime_ns, 0);
    take_in(&store, &path, SystemTime::now());
    // The same length, inode and, as far as the clock of the disk goes, time.
    fs::write(&path, b"two\n").unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(meta.modified().unwrap())
        .unwrap();
    assert_eq!(
        take_in(&store, &path, SystemTime::now()),
        Standing::Replaced
    );
}

#[test]
fn names_that_are_no_text_are_kept() {
    use std::os::unix::ffi::OsStrExt;
    let store = Store::open_in_memory().unwrap();
    let tx = store.begin().unwrap();
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(b"/a/\xff\n b"));
    let seen = Seen {
        dev: u64::MAX,
        ino: 1 << 63,
        size: 5,
        mtime_ns: -1,
    };
    let file = files::insert(
        &tx,
        Agent::Claude,
        &path,
        &seen,
        Owner::Nobody,
        files::Form::Lines,
    )
    .unwrap();
    assert_eq!(files::newest(&tx, &path).unwrap(), Some(file.clone()));
    files::set_owner(&tx, file.id, Owner::Named).unwrap();
    assert_eq!(files::get(&tx, file.id).unwrap().owner, Owner::Named);
}

/// One thing that can happen to a file.
fn happen(dice: &mut impl FnMut(usize) -> usize, path: &Path, other: &Path, n: usize) {
    let line = format!("{{\"n\":{n},\"é\":\"{}\"}}\n", "x".repeat(dice(6000)));
    let line = line.as_bytes();
    match dice(12) {
        0..=3 => append(path, line),
        4 => line.iter().take(40).for_each(|b| append(path, &[*b])),
        // In the middle of a line, and of a character.
        5 => append(path, &line[..dice(line.len())]),
        6 => {
            let bytes = fs::read(path).unwrap_or_default();
            fs::write(path, &bytes[..dice(bytes.len() + 1)]).unwrap();
        }
        7 => {
            // The same size, other bytes.
            let size = fs::metadata(path).map_or(0, |m| m.len() as usize);
            let bytes: Vec<u8> = (0..size)
                .map(|i| b"0123456789\n"[(i * 7 + n) % 11])
                .collect();
            fs::write(path, bytes).unwrap();
        }
        8 => drop(fs::remove_file(path)),
        9 => {
            fs::write(other, [line, line].concat()).unwrap();
            fs::rename(other, path).unwrap();
        }
        10 => {
            // As log rotation does: copied away, cut, written anew.
            drop(fs::copy(path, other));
            fs::write(path, line).unwrap();
        }
        _ => {
            // Away and back, with more.
            if fs::rename(path, other).is_ok() {
                append(other, line);
                fs::rename(other, path).unwrap();
            }
        }
    }
}

#[test]
fn any_schedule_ends_with_what_is_there() {
    let tmp = tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap());
    let (path, other) = (tmp.path().join("a.jsonl"), tmp.path().join("b"));
    let mut state = 99u64;
    let mut dice = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below
    };
    for schedule in 0..1000 {
        let _ = fs::remove_file(&path);
        let store = Store::open_in_memory().unwrap();
        for n in 0..dice(12) + 1 {
            happen(&mut dice, &path, &other, schedule * 100 + n);
            if dice(3) > 0 {
                take_in(&store, &path, SystemTime::now());
            }
        }
        if take_in(&store, &path, SystemTime::now()) == Standing::Gone {
            continue;
        }
        let there = fs::read(&path).unwrap();
        let lines = there.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        assert_eq!(held(&store, &path), &there[..lines], "schedule {schedule}");
    }
}
