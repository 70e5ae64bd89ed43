//! Raw bytes of real transcripts, there and back. Skipped where there are none.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::model::Agent;
use regent_tui::store::files::{self, Owner, Seen};
use regent_tui::store::{Store, frames};

/// `REGENT_TRANSCRIPTS`, or `shared/transcripts` in a folder above this project.
fn transcripts() -> Option<PathBuf> {
    let named = std::env::var_os("REGENT_TRANSCRIPTS").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut candidates = named
        .into_iter()
        .chain(above.map(|dir| dir.join("shared/transcripts")));
    candidates.find(|dir| dir.is_dir())
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "jsonl") {
            found.push(path);
        }
    }
}

#[test]
fn real_transcripts_come_back_byte_for_byte() {
    let Some(dir) = transcripts() else {
        eprintln!("SKIPPED: no real transcripts here (REGENT_TRANSCRIPTS names them)");
        return;
    };
    let mut paths = Vec::new();
    collect(&dir, &mut paths);
    let store = Store::open_in_memory().unwrap();
    let mut total = 0;
    for path in &paths {
        let bytes = fs::read(path).unwrap();
        let tx = store.begin().unwrap();
        let file = files::insert(
            &tx,
            Agent::Claude,
            path,
            &Seen::default(),
            Owner::Found,
            files::Form::Lines,
        )
        .unwrap();
        // Half at once, the rest in pieces that end anywhere, as a file that grows is read.
        let half = bytes.len() / 2;
        frames::append(&tx, file.id, &frames::pack(&bytes[..half], 0)).unwrap();
        let mut at = half;
        while at < bytes.len() {
            let next = (at + 1 + (at * 31) % 70_000).min(bytes.len());
            frames::append(&tx, file.id, &frames::pack(&bytes[at..next], at as u64)).unwrap();
            frames::repack(&tx, file.id).unwrap();
            at = next;
        }
        let mut back = Vec::with_capacity(bytes.len());
        frames::stream(&tx, file.id, |_, chunk| {
            back.extend_from_slice(chunk);
            Ok(())
        })
        .unwrap();
        assert!(back == bytes, "{}", path.display());
        tx.commit().unwrap();
        total += bytes.len() as u64;
    }
    let status = store.reader().unwrap().status().unwrap();
    assert_eq!((status.files, status.raw), (paths.len() as u64, total));
    let ratio = status.raw_packed as f64 / total as f64;
    eprintln!("{} files, {total} bytes, packed to {ratio:.3}", paths.len());
    assert!(ratio < 0.40, "{ratio}");
}
