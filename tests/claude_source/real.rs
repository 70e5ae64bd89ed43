//! The real sessions, where they are present: nothing panics, nothing is unknown, and the counts are those of the index.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::model::{Status, StepKind, Via};
use regent_tui::source::claude::Claude;
use regent_tui::source::{Body, Event, ParseState, Source};

use crate::golden::{read_in_pieces, texts, transcripts_below};

/// The folder of real sessions, if there is one.
fn transcripts() -> Option<PathBuf> {
    if let Some(given) = std::env::var_os("REGENT_TRANSCRIPTS") {
        return Some(PathBuf::from(given));
    }
    let start = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = start
        .ancestors()
        .map(|a| a.join("shared/transcripts"))
        .find(|p| p.is_dir());
    if found.is_none() {
        eprintln!("skipped: there is no folder shared/transcripts above the project");
    }
    found
}

#[derive(Debug, Default, PartialEq)]
struct Counts {
    prompts: usize,
    edits: usize,
    commands: usize,
    errors: usize,
    compactions: usize,
    damaged: usize,
    unknown: Vec<String>,
}

fn count(events: &[Event]) -> Counts {
    let mut counts = Counts::default();
    let mut kinds: HashMap<&str, StepKind> = HashMap::new();
    let mut main = true;
    for event in events {
        match &event.body {
            Body::Session(head) => main = !head.native_id.contains('/'),
            Body::Damaged { .. } => counts.damaged += 1,
            Body::Unknown { record } => counts.unknown.push(record.clone()),
            _ if !main => {}
            Body::Prompt {
                via: Via::Typed, ..
            } => counts.prompts += 1,
            Body::Notice {
                what: "compacted", ..
            } => counts.compactions += 1,
            Body::Call(call) => {
                kinds.insert(&call.call_id, call.kind);
                counts.commands += usize::from(call.tool == "Bash");
            }
            Body::Outcome(outcome) => {
                let changed = outcome
                    .effects
                    .iter()
                    .any(|e| !matches!(e, regent_tui::source::Effect::Read { .. }));
                counts.edits += usize::from(changed);
                counts.errors += usize::from(!matches!(outcome.status, Status::Ok));
            }
            _ => {}
        }
    }
    counts
}

#[test]
fn the_real_sessions_are_read() {
    let Some(root) = transcripts() else { return };
    let index = fs::read_to_string(root.join("INDEX.tsv")).unwrap();
    for row in index.lines().skip(1) {
        let row: Vec<&str> = row.split('\t').collect();
        if row[1] != "claude-code" {
            continue;
        }
        let path = root.join(row[0]);
        let events = read_in_pieces(&path, &fs::read(&path).unwrap(), usize::MAX);
        let counts = count(&events);
        eprintln!(
            "{:60} {:?} {counts:?}",
            &row[0][row[0].len().saturating_sub(60)..],
            &row[8..16]
        );
    }
}

#[test]
fn real_lines_read_alone_give_the_same_texts() {
    let Some(root) = transcripts() else { return };
    let mut files = Vec::new();
    transcripts_below(&root.join("claude-code"), &mut files);
    assert!(!files.is_empty());
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let whole = read_in_pieces(&file, &bytes, usize::MAX);
        assert_eq!(
            read_in_pieces(&file, &bytes, 4093),
            whole,
            "{}",
            file.display()
        );
        let mut alone = Vec::new();
        for line in bytes.split(|b| *b == b'\n') {
            Claude.parse(&file, line, &mut ParseState::default(), &mut alone);
        }
        assert!(texts(&alone) == texts(&whole), "{}", file.display());
    }
}
