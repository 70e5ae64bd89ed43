//! Damaged stores: a wrong byte is an error or does not matter, and what is whole can be saved (T20).
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use regent_tui::model::{Agent, BlobHash, Id, Time};
use regent_tui::store::files::{Owner, Seen};
use regent_tui::store::{
    OpenError, Place, Reader, Store, beside, blobs, check, facts, files, frames,
};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// A folder in memory where there is one: these tests sync often.
fn quick_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// What was stored.
struct Truth {
    transcripts: Vec<(PathBuf, Vec<u8>)>,
    contents: Vec<Vec<u8>>,
}

fn truth() -> Truth {
    let mut dice = Dice(42);
    let mut line = |n: usize| {
        let words = (0..dice.roll(120) + 3).map(|_| format!("{:x} ", dice.0 % 977 + n as u64));
        format!("{{\"n\":{n},\"text\":\"{}\"}}\n", words.collect::<String>())
    };
    let mut next = dice_lines(&mut line);
    Truth {
        transcripts: (0..3)
            .map(|f| (PathBuf::from(format!("/t/{f}.jsonl")), next(2600)))
            .collect(),
        contents: (0..40).map(|n| next(n % 30)).collect(),
    }
}

fn dice_lines<'a>(line: &'a mut impl FnMut(usize) -> String) -> impl FnMut(usize) -> Vec<u8> + 'a {
    move |lines| (0..lines).map(&mut *line).collect::<String>().into_bytes()
}

fn uid() -> u32 {
    std::env::temp_dir().metadata().unwrap().uid()
}

fn build(db: &Path, truth: &Truth) -> Place {
    let place = Place::explicit(db, uid());
    let store = Store::open(&place).unwrap();
    let tx = store.begin().unwrap();
    for (path, bytes) in &truth.transcripts {
        let seen = Seen {
            size: bytes.len() as u64,
            ..Seen::default()
        };
        let file = files::insert(
            &tx,
            Agent::Claude,
            path,
            &seen,
            Owner::Found,
            files::Form::Lines,
        )
        .unwrap();
        frames::append(&tx, file.id, &frames::pack(bytes, 0)).unwrap();
        let tail = files::tail_hash(bytes);
        files::advance(&tx, file.id, &seen, bytes.len() as u64, tail).unwrap();
    }
    for bytes in &truth.contents {
        blobs::put(&tx, bytes).unwrap();
    }
    facts::set_memo(&tx, "left", "here").unwrap();
    facts::set_mark(&tx, "a", Id([7; 10]), Time(1)).unwrap();
    let base = facts::Base::Content(1);
    facts::set_base(&tx, b"/r", b"f", b"c", base).unwrap();
    let named = |name: &str| beside::Wanted {
        id: 0,
        session: 0,
        native_id: "s".to_owned(),
        owner: Id([8; 10]),
        name: name.to_owned(),
        output: None,
    };
    beside::remember(&tx, &named("kept"), Ok(&truth.contents[20])).unwrap();
    beside::remember(&tx, &named("gone"), Err("it is not there")).unwrap();
    tx.commit().unwrap();
    drop(store);
    place
}

/// What lay beside transcripts: names, and whether the content is the right one.
fn beside_rows(db: &Path, truth: &Truth) -> Vec<(String, bool)> {
    let conn = rusqlite::Connection::open(db).unwrap();
    let mut q = conn
        .prepare(
            "SELECT x.name, b.hash FROM beside x LEFT JOIN blob b ON b.id = x.blob_id ORDER BY 1",
        )
        .unwrap();
    let right = BlobHash::of(&truth.contents[20]).0.to_vec();
    let rows = q.query_map([], |r| {
        let hash: Option<Vec<u8>> = r.get(1)?;
        Ok((r.get(0)?, hash.as_ref() == Some(&right)))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// What was answered, all in all.
#[derive(Default)]
struct Answers {
    /// Errors, and things not found.
    errors: usize,
    /// Answers that are not what was stored.
    wrong: usize,
    /// SQLite's own check finds the structure damaged.
    unsound: bool,
}

/// Asks for everything that was stored.
fn ask_everything(place: &Place, truth: &Truth) -> Answers {
    let mut got = Answers::default();
    let store = match Store::open(place) {
        Ok(store) => store,
        Err(e) => {
            assert!(!e.to_string().is_empty() && !e.hint().is_empty());
            got.errors += 1;
            return got;
        }
    };
    if let Ok(reader) = store.reader() {
        got.errors += usize::from(reader.status().is_err());
        got.unsound = reader
            .structure(true)
            .map_or(true, |found| !found.is_empty());
        got.errors += usize::from(got.unsound);
    }
    let Ok(tx) = store.begin() else {
        got.errors += 1;
        return got;
    };
    for (path, bytes) in &truth.transcripts {
        let Ok(Some(file)) = files::newest(&tx, path) else {
            got.errors += 1;
            continue;
        };
        let mut len = 0;
        let read = frames::stream(&tx, file.id, |at, chunk| {
            let right = bytes.get(at as usize..at as usize + chunk.len());
            got.wrong += usize::from(right != Some(chunk));
            len += chunk.len();
            Ok(())
        });
        got.errors += usize::from(read.is_err() || len != bytes.len());
        if let Ok(piece) = frames::read(&tx, file.id, 5000, 3000) {
            got.wrong += usize::from(piece != bytes[5000..8000]);
        }
    }
    for bytes in &truth.contents {
        let id = blobs::find(&tx, &BlobHash::of(bytes)).ok().flatten();
        match id.map(|id| blobs::get(&tx, id)) {
            Some(Ok(found)) => got.wrong += usize::from(&found != bytes),
            _ => got.errors += 1,
        }
    }
    got
}

/// Nothing is wrong or missing.
fn all_is_well(place: &Place, truth: &Truth) -> bool {
    let got = ask_everything(place, truth);
    got.errors == 0 && got.wrong == 0
}

fn remove(db: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{ending}", db.display()));
    }
}

#[test]
fn a_wrong_byte_anywhere_is_an_error_or_does_not_matter() {
    let tmp = quick_dir();
    let truth = truth();
    let place = build(&tmp.path().join("history.db"), &truth);
    assert!(all_is_well(&place, &truth));
    let whole = fs::read(&place.db).unwrap();
    let mut dice = Dice(20_260_101);
    let mut noticed = 0;
    let at = Place::explicit(&tmp.path().join("bad.db"), uid());
    for round in 0..500 {
        let mut bytes = whole.clone();
        // Half of the rounds hit the first pages, where the schema and the roots are.
        let end = if round % 2 == 0 { 60_000 } else { bytes.len() };
        for _ in 0..=round % 3 {
            let at = dice.roll(end.min(bytes.len()));
            bytes[at] ^= 1 << dice.roll(8);
        }
        fs::write(&at.db, bytes).unwrap();
        let got = ask_everything(&at, &truth);
        assert_eq!(got.wrong, 0, "round {round}");
        noticed += usize::from(got.errors > 0);
        remove(&at.db);
    }
    assert!(noticed > 40, "the test does hit something: {noticed}");
}

#[test]
fn pages_in_each_others_place_are_noticed() {
    let tmp = quick_dir();
    let truth = truth();
    let place = build(&tmp.path().join("history.db"), &truth);
    let whole = fs::read(&place.db).unwrap();
    let at = Place::explicit(&tmp.path().join("bad.db"), uid());
    let mut dice = Dice(3);
    let mut noticed = 0;
    for round in 0..100 {
        let mut bytes = whole.clone();
        let pages = bytes.len() / 8192;
        let (a, b) = (dice.roll(pages) * 8192, dice.roll(pages) * 8192);
        (0..8192).for_each(|i| bytes.swap(a + i, b + i));
        fs::write(&at.db, bytes).unwrap();
        let got = ask_everything(&at, &truth);
        // An index in the place of another one can lead to a wrong row; then the check of the structure says so.
        assert!(got.wrong == 0 || got.unsound, "round {round}");
        noticed += usize::from(got.errors > 0);
        remove(&at.db);
    }
    assert!(noticed > 70, "{noticed}");
}

#[test]
fn a_file_that_was_cut_short_anywhere_is_an_error() {
    let tmp = quick_dir();
    let truth = truth();
    let place = build(&tmp.path().join("history.db"), &truth);
    let whole = fs::read(&place.db).unwrap();
    let at = Place::explicit(&tmp.path().join("cut.db"), uid());
    for end in (0..whole.len()).step_by(8192 * 3 + 512) {
        fs::write(&at.db, &whole[..end]).unwrap();
        let got = ask_everything(&at, &truth);
        assert!(got.errors > 0 && got.wrong == 0, "cut at {end}");
        remove(&at.db);
    }
}

#[test]
fn rubbish_in_the_log_index_is_put_right() {
    let tmp = quick_dir();
    let truth = truth();
    let place = build(&tmp.path().join("history.db"), &truth);
    fs::write(tmp.path().join("history.db-shm"), vec![0xa5; 32768]).unwrap();
    fs::write(tmp.path().join("history.db-wal"), vec![0x5a; 40000]).unwrap();
    assert!(all_is_well(&place, &truth));
}

#[test]
fn what_is_whole_is_saved() {
    let tmp = quick_dir();
    let truth = truth();
    let place = build(&tmp.path().join("history.db"), &truth);
    // Undamaged: everything comes along.
    let aside = check::set_aside(&place).unwrap();
    assert!(!place.db.exists());
    let new = Store::open(&place).unwrap();
    let saved = check::salvage(&aside, &new).unwrap();
    assert_eq!((saved.files, saved.facts, saved.lost), (3, 5, 0));
    let rows = [("gone".to_owned(), false), ("kept".to_owned(), true)];
    assert_eq!(beside_rows(&place.db, &truth), rows);
    assert!(saved.holes.is_empty());
    drop(new);
    assert!(all_is_well(&place, &truth));

    // A frame in the middle, a content and a page are damaged.
    let raw = rusqlite::Connection::open(&place.db).unwrap();
    raw.execute_batch(
        "UPDATE frame SET data = x'00' WHERE start > 0 AND file_id = 1 \
           AND id = (SELECT id FROM frame WHERE file_id = 1 AND start > 0 ORDER BY start LIMIT 1); \
         UPDATE blob SET data = x'00' WHERE id = 5;",
    )
    .unwrap();
    let rows = |sql: &str| raw.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
    let frames_of_1 = rows("SELECT count(*) FROM frame WHERE file_id = 1");
    assert!(frames_of_1 > 2, "{frames_of_1}");
    let start = rows("SELECT start FROM frame WHERE file_id = 1 AND data = x'00'") as usize;
    let len = rows("SELECT len FROM frame WHERE file_id = 1 AND data = x'00'") as usize;
    drop(raw);
    let aside = check::set_aside(&place).unwrap();
    let new = Store::open(&place).unwrap();
    let saved = check::salvage(&aside, &new).unwrap();
    assert_eq!((saved.files, saved.blobs), (3, 38));
    assert_eq!(saved.holes, [truth.transcripts[0].0.clone()]);
    assert_eq!(saved.lost, 2);
    let tx = new.begin().unwrap();
    let (path, bytes) = &truth.transcripts[0];
    let file = files::newest(&tx, path).unwrap().unwrap();
    let got = frames::read(&tx, file.id, 0, file.read_to).unwrap();
    let mut expected = bytes.clone();
    expected[start..start + len].fill(0);
    expected[start + len - 1] = b'\n';
    assert_eq!(got, expected, "only that frame is lost, and nothing moved");
}

#[test]
fn a_store_with_damaged_pages_gives_what_it_can() {
    let tmp = quick_dir();
    let truth = truth();
    let place = build(&tmp.path().join("history.db"), &truth);
    let whole = fs::read(&place.db).unwrap();
    let mut dice = Dice(7);
    let mut saved_some = 0;
    for round in 0..40 {
        let mut bytes = whole.clone();
        let page = 1 + dice.roll(whole.len() / 8192 - 1);
        for b in &mut bytes[page * 8192..(page + 1) * 8192] {
            *b = dice.roll(256) as u8;
        }
        let bad = tmp.path().join(format!("bad-{round}.db"));
        fs::write(&bad, bytes).unwrap();
        let new = Store::open_in_memory().unwrap();
        if let Ok(saved) = check::salvage(&bad, &new) {
            saved_some += usize::from(saved.blobs > 0 && saved.files > 0);
            assert!(
                new.reader()
                    .unwrap()
                    .contents(|_, _| ())
                    .unwrap()
                    .is_empty()
            );
        }
    }
    assert!(saved_some > 30, "{saved_some} of 40");
}

#[test]
fn a_damaged_store_is_never_replaced_in_silence() {
    let tmp = quick_dir();
    let place = build(&tmp.path().join("history.db"), &truth());
    let mut bytes = fs::read(&place.db).unwrap();
    bytes[..100].fill(0xff);
    fs::write(&place.db, &bytes).unwrap();
    assert!(matches!(
        Store::open(&place),
        Err(OpenError::Damaged { .. })
    ));
    assert!(matches!(
        Reader::open(&place),
        Err(OpenError::Damaged { .. })
    ));
    assert_eq!(fs::read(&place.db).unwrap(), bytes);
}
