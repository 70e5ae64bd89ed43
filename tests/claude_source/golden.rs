//! Every folder of `tests/fixtures/claude` is a test: its `*.jsonl`, in order of their names, give the events
//! of its `expected.txt`. `UPDATE_GOLDEN=1` writes that file anew.

use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::source::claude::Claude;
use regent_tui::source::lines::{Item, LineCutter};
use regent_tui::source::{Body, Event, ParseState, Source};

use crate::render;

pub fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/claude");
    let mut cases: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    cases.sort();
    cases
}

pub fn transcripts_below(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            transcripts_below(&path, out);
        } else if Claude.is_transcript(&path) {
            out.push(path);
        }
    }
}

/// Reads a file in pieces of this size, going on each time from a stored state.
pub fn read_in_pieces(path: &Path, bytes: &[u8], piece: usize) -> Vec<Event> {
    let (mut state, mut events) = (ParseState::default(), Vec::new());
    let mut cutter = LineCutter::at(0);
    for chunk in bytes.chunks(piece.max(1)) {
        cutter.feed(chunk, |item| match item {
            Item::Line { bytes, .. } => Claude.parse(path, bytes, &mut state, &mut events),
            Item::Oversized { .. } => panic!("an oversized line in a test"),
        });
        let stored = serde_json::to_string(&state).unwrap();
        state = serde_json::from_str(&stored).unwrap();
    }
    let tail = cutter.tail().to_vec();
    if !tail.is_empty() {
        Claude.parse(path, &tail, &mut state, &mut events);
    }
    events
}

/// What must come out the same when a line is read alone.
pub fn texts(events: &[Event]) -> Vec<String> {
    let wanted = |e: &&Event| {
        matches!(
            e.body,
            Body::Prompt { .. } | Body::Say { .. } | Body::Call(_) | Body::Outcome(_)
        )
    };
    events
        .iter()
        .filter(wanted)
        .map(|e| format!("{:?} {:?}", e.key, e.body))
        .collect()
}

fn shown(case: &Path) -> String {
    let (mut files, mut out) = (Vec::new(), String::new());
    transcripts_below(case, &mut files);
    for file in files {
        let bytes = fs::read(&file).unwrap();
        out.push_str(&format!(
            "== {}\n",
            file.strip_prefix(case).unwrap().display()
        ));
        for event in read_in_pieces(&file, &bytes, usize::MAX) {
            render::event(&event, &mut out);
        }
    }
    out
}

#[test]
fn fixtures_give_the_expected_events() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let (shown, golden) = (shown(&case), case.join("expected.txt"));
        if update {
            fs::write(&golden, &shown).unwrap();
        } else if fs::read_to_string(&golden).unwrap_or_default() != shown {
            eprintln!("{}:\n{shown}", case.display());
            wrong.push(case);
        }
    }
    assert!(wrong.is_empty(), "not as expected: {wrong:?}");
}

#[test]
fn events_do_not_depend_on_cuts_and_texts_not_on_the_state() {
    for case in cases() {
        let mut files = Vec::new();
        transcripts_below(&case, &mut files);
        for file in files {
            let bytes = fs::read(&file).unwrap();
            let whole = read_in_pieces(&file, &bytes, usize::MAX);
            for piece in [1, 7, 100, 1000] {
                assert_eq!(
                    read_in_pieces(&file, &bytes, piece),
                    whole,
                    "{}",
                    file.display()
                );
            }
            let mut alone = Vec::new();
            for line in bytes.split(|b| *b == b'\n') {
                Claude.parse(&file, line, &mut ParseState::default(), &mut alone);
            }
            assert_eq!(texts(&alone), texts(&whole), "{}", file.display());
        }
    }
}
