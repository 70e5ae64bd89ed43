//! A transcript that changes under the eyes of its reader, and lines that have no end.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;

use super::*;
use crate::store::Store;
use crate::store::files::{self, Form, Owner, Seen};

const SMALL: Limits = Limits {
    line: 256 << 10,
    part: 512 << 10,
};

fn line(n: usize) -> String {
    format!(
        "{{\"type\":\"user\",\"uuid\":\"u{n}\",\"sessionId\":\"s\",\"cwd\":\"/w\",\"timestamp\":\"2026-03-01T09:00:00.000Z\",\
         \"message\":{{\"role\":\"user\",\"content\":\"prompt {n} {}\"}}}}\n",
        "x".repeat(900)
    )
}

fn lines(from: usize, to: usize) -> String {
    (from..to).map(line).collect()
}

/// What came of a reading: its end, the bytes in the store, and how far they count as taken in.
struct Got {
    end: End,
    bytes: Vec<u8>,
    read_to: u64,
    prompts: usize,
    most: u64,
    parts: usize,
}

/// Reads with these limits; `each` is told of every part before it is stored.
fn read(limits: Limits, path: &Path, room: &mut Room, mut each: impl FnMut(usize)) -> Got {
    let store = Store::open_in_memory().unwrap();
    let seen = Seen::default();
    let file = files::insert(
        store.conn(),
        Agent::Claude,
        path,
        &seen,
        Owner::Found,
        Form::Lines,
    )
    .unwrap();
    let mut folds = Folds::new(Agent::Claude, true, false);
    let place = Place {
        path,
        agent: Agent::Claude,
        from: 0,
        tail_hash: None,
        state: ParseState::default(),
    };
    let (mut read_to, mut prompts, mut most, mut parts) = (0, 0, 0, 0);
    let end = within(
        limits,
        place,
        &mut folds,
        &Roots::default(),
        room,
        &mut |part, _, _| {
            each(parts);
            parts += 1;
            frames::append(store.conn(), file.id, &part.frames).unwrap();
            most = most.max(part.frames.iter().map(|f| u64::from(f.len)).sum());
            prompts += part.batches.iter().map(|b| b.prompts.len()).sum::<usize>();
            assert!(part.read_to >= read_to);
            read_to = part.read_to;
            true
        },
    )
    .unwrap();
    let held = frames::end(store.conn(), file.id).unwrap();
    Got {
        end,
        bytes: frames::read(store.conn(), file.id, 0, held).unwrap(),
        read_to,
        prompts,
        most,
        parts,
    }
}

#[test]
fn a_file_that_becomes_another_one_is_never_mixed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.jsonl");
    let (old, new) = (lines(0, 4000), lines(10_000, 16_000));
    type Happens = fn(&Path, &str);
    let cases: [(&str, End, Happens); 5] = [
        ("written over", End::Rewritten, |path, new| {
            fs::write(path, new).unwrap();
        }),
        ("cut short", End::Rewritten, |path, _| {
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_len(700).unwrap();
        }),
        ("replaced", End::Read, |path, new| {
            fs::write(path.with_extension("new"), new).unwrap();
            fs::rename(path.with_extension("new"), path).unwrap();
        }),
        ("moved", End::Read, |path, _| {
            fs::rename(path, path.with_extension("moved")).unwrap();
        }),
        ("deleted", End::Read, |path, _| {
            fs::remove_file(path).unwrap();
        }),
    ];
    for (what, end, happens) in cases {
        fs::write(&path, &old).unwrap();
        let got = read(SMALL, &path, &mut Room::default(), |part| {
            if part == 0 {
                happens(&path, &new);
            }
        });
        assert_eq!(got.end, end, "{what}");
        assert!(old.as_bytes().starts_with(&got.bytes), "{what}");
        assert_eq!(got.bytes.len() as u64, got.read_to, "{what}");
        assert_eq!(
            got.prompts,
            got.bytes.split(|b| *b == b'\n').count() - 1,
            "{what}"
        );
        assert_eq!(got.bytes.len() == old.len(), end == End::Read, "{what}");
    }
    fs::remove_file(&path).ok();
    let got = read(SMALL, &path, &mut Room::default(), |_| {});
    assert_eq!((got.end, got.parts), (End::Gone, 0));
}

#[test]
fn what_is_appended_while_one_reads_is_read_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.jsonl");
    fs::write(&path, lines(0, 3000)).unwrap();
    let got = read(SMALL, &path, &mut Room::default(), |part| {
        if part == 0 {
            let mut file = fs::File::options().append(true).open(&path).unwrap();
            file.write_all(lines(3000, 3500).as_bytes()).unwrap();
        }
    });
    assert_eq!((got.end, got.prompts), (End::Read, 3500));
    assert_eq!(got.bytes, lines(0, 3500).as_bytes());
}

#[test]
fn one_does_not_read_on_in_another_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.jsonl");
    let old = lines(0, 10);
    let place = |from: usize| Place {
        path: &path,
        agent: Agent::Claude,
        from: from as u64,
        tail_hash: files::tail_hash(&old.as_bytes()[..from]),
        state: ParseState::default(),
    };
    let mut parts = 0;
    let mut end = |place: Place<'_>| {
        let mut folds = Folds::new(Agent::Claude, true, false);
        let roots = Roots::default();
        let mut room = Room::default();
        let mut each = |_: Part, _: bool, _: &Folds| {
            parts += 1;
            true
        };
        within(SMALL, place, &mut folds, &roots, &mut room, &mut each).unwrap()
    };
    let from = lines(0, 7).len();
    fs::write(&path, &old).unwrap();
    assert_eq!(end(place(from)), End::Read);
    // Between the look and the reading: other content, as long or longer; less of it.
    for there in [lines(20, 30), lines(20, 40), lines(0, 3)] {
        fs::write(&path, there).unwrap();
        assert_eq!(end(place(from)), End::Rewritten);
    }
    assert_eq!(parts, 1);
}

/// Bytes that cannot be packed, and hold no line end.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(len);
    for byte in &mut out {
        if *byte == b'\n' {
            *byte = 0;
        }
    }
    out
}

#[test]
fn a_line_without_an_end_is_not_held() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.jsonl");
    let noise = noise(12 << 20);
    let mut room = Room::default();
    for before in [String::new(), lines(0, 5), lines(0, 1500)] {
        let mut text = before.clone().into_bytes();
        text.extend_from_slice(&noise);
        fs::write(&path, &text).unwrap();
        let got = read(SMALL, &path, &mut room, |_| {});
        // Torn, it waits for its rest: nothing of it is kept yet.
        assert_eq!((got.end, got.read_to), (End::Read, before.len() as u64));
        assert_eq!(got.bytes, before.as_bytes());
        // With its end it is kept whole, in parts, and counts only with the last one.
        text.push(b'\n');
        let after = lines(7000, 7003);
        text.extend_from_slice(after.as_bytes());
        fs::write(&path, &text).unwrap();
        let got = read(SMALL, &path, &mut room, |_| {});
        assert!(got.bytes == text, "{} of {}", got.bytes.len(), text.len());
        assert_eq!(got.read_to, text.len() as u64);
        assert_eq!(got.prompts, before.lines().count() + 3);
        assert!(got.parts > 10, "{}", got.parts);
        assert!(got.most <= 3 << 20, "{} bytes in one part", got.most);
        assert!(room.size() <= 5 << 20, "{} bytes held", room.size());
    }
}

#[test]
fn a_gigabyte_without_a_line_end_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.jsonl");
    let before = lines(0, 2);
    let file = fs::File::create(&path).unwrap();
    file.write_all_at(before.as_bytes(), 0).unwrap();
    file.set_len(1 << 30).unwrap();
    let mut room = Room::default();
    let got = read(LIMITS, &path, &mut room, |_| {});
    assert_eq!((got.end, got.prompts), (End::Read, 2));
    assert_eq!(got.bytes, before.as_bytes());
    assert!(room.size() <= 8 << 20, "{}", room.size());
}
