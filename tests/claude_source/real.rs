//! The real sessions, where they are present: nothing panics, nothing is unknown, and the counts are those of the index.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::model::{Status, Via};
use regent_tui::source::claude::Claude;
use regent_tui::source::{Before, Body, Effect, Event, ParseState, Source};

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

/// What the index counts: prompts, calls of editing tools, calls of `Bash`, failed calls, compactions.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    prompts: usize,
    edits: usize,
    commands: usize,
    errors: usize,
    compactions: usize,
    damaged: usize,
}

/// Prompts are counted in main sessions; calls too, or everywhere: mirrors in progress records the index
/// does not count, but side chains that stand inside a main file it does.
fn count(events: &[Event], everywhere: bool) -> (Counts, Vec<String>) {
    let (mut counts, mut unknown, mut main) = (Counts::default(), Vec::new(), true);
    for event in events {
        match &event.body {
            Body::Session(head) => main = !head.native_id.contains('/'),
            Body::Damaged { .. } => counts.damaged += 1,
            Body::Unknown { record } => unknown.push(record.clone()),
            Body::Prompt {
                via: Via::Typed, ..
            } => counts.prompts += 1,
            Body::Notice {
                what: "compacted", ..
            } => counts.compactions += 1,
            _ if !main && !everywhere => {}
            Body::Call(call) => {
                counts.commands += usize::from(call.tool == "Bash");
                let edit = matches!(
                    call.tool.as_str(),
                    "Edit" | "Write" | "MultiEdit" | "NotebookEdit"
                );
                counts.edits += usize::from(edit);
            }
            Body::Outcome(outcome) => counts.errors += usize::from(outcome.status != Status::Ok),
            _ => {}
        }
    }
    (counts, unknown)
}

/// Files of the tools' authors (`fixture` in the index) where the index is wrong or counts something else:
/// the end of the file's name, and why.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "schema_drift.jsonl",
        "the index takes a record whose origin is a task's report for a prompt",
    ),
    (
        "small.jsonl",
        "its masked origins are not `human`; the index takes a side chain's prompt and masked records for prompts",
    ),
    (
        "edge_cases.jsonl",
        "a content that is a list of a bare text is a prompt here",
    ),
    (
        "agent-test123.jsonl",
        "an agent's file without `isSidechain`: its prompt is the parent's, not a person's",
    ),
];

/// The index is right, for every real session, in prompts, edits, commands and errors. It counts each
/// compaction twice (the boundary and the summary), and Qwen's files as Claude's, with nothing in them.
#[test]
fn the_counts_are_those_of_the_index() {
    let Some(root) = transcripts() else { return };
    let index = fs::read_to_string(root.join("INDEX.tsv")).unwrap();
    let mut compared = 0;
    eprintln!(
        "{:>8} {:>6} {:>9} {:>7} {:>12} {:>8}",
        "prompts", "edits", "commands", "errors", "compactions", "damaged"
    );
    let mut wrong = Vec::new();
    for row in index.lines().skip(1) {
        let row: Vec<&str> = row.split('\t').collect();
        let path = root.join(row[0]);
        if row[1] != "claude-code" || !path.exists() {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let qwen = row[0].contains("/qwen/");
        assert_eq!(
            Claude.claims(
                std::path::Path::new("x"),
                &bytes[..bytes.len().min(64 << 10)]
            ),
            !qwen,
            "{}",
            row[0]
        );
        if qwen {
            continue;
        }
        let fixture = row[2] == "fixture";
        let (counts, unknown) = count(&read_in_pieces(&path, &bytes, usize::MAX), fixture);
        let number = |column: usize| row[column].parse::<usize>().unwrap();
        let expected = Counts {
            prompts: number(8),
            edits: number(9),
            commands: number(10),
            errors: number(11),
            compactions: number(13) / 2,
            damaged: number(15),
        };
        eprintln!(
            "{:>8} {:>6} {:>9} {:>7} {:>12} {:>8} {}",
            counts.prompts,
            counts.edits,
            counts.commands,
            counts.errors,
            counts.compactions,
            counts.damaged,
            row[0].rsplit('/').next().unwrap()
        );
        let known = DIFFERENT.iter().any(|(end, _)| row[0].ends_with(end));
        if counts != expected && !known {
            wrong.push(format!("{}: {counts:?}, in the index {expected:?}", row[0]));
        }
        if !fixture {
            assert_eq!(unknown, Vec::<String>::new(), "{}", row[0]);
        }
        compared += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 0);
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

/// What `effects::read` and `effects::edit` claim: a whole read is the file byte for byte, and an edit's old
/// text stands in the text before it.
#[test]
fn whole_reads_and_edits_fit_what_was_there() {
    let Some(root) = transcripts() else { return };
    let mut files = Vec::new();
    transcripts_below(&root.join("claude-code"), &mut files);
    let (mut same, mut edits) = (0, 0);
    for file in files
        .iter()
        .filter(|f| !f.components().any(|c| c.as_os_str() == "fixtures"))
    {
        let mut shown: HashMap<String, String> = HashMap::new();
        let events = read_in_pieces(file, &fs::read(file).unwrap(), usize::MAX);
        let outcomes = events.into_iter().filter_map(|e| match e.body {
            Body::Outcome(outcome) => Some(outcome.effects),
            _ => None,
        });
        for effect in outcomes.flatten() {
            let was = shown.remove(effect.path());
            match effect {
                Effect::Read {
                    path,
                    content,
                    whole: true,
                    ..
                } => {
                    shown.insert(path, content);
                }
                Effect::Edit {
                    before: Before::Text(before),
                    replacements,
                    hunks,
                    ..
                } => {
                    if let Some(was) = was {
                        assert!(
                            was == before,
                            "a whole read differs from what was edited: {}",
                            file.display()
                        );
                        same += 1;
                    }
                    assert!(
                        replacements
                            .iter()
                            .all(|(old, _, _)| before.contains(old.as_str()))
                    );
                    let lines: Vec<&str> = before.split('\n').collect();
                    for hunk in hunks {
                        let old = hunk
                            .lines
                            .iter()
                            .filter(|l| l.starts_with([' ', '-']))
                            .map(|l| &l[1..]);
                        let at = hunk.old_start.saturating_sub(1) as usize;
                        assert!(
                            old.clone()
                                .eq(lines[at..].iter().copied().take(old.count()))
                        );
                    }
                    edits += 1;
                }
                _ => {}
            }
        }
    }
    eprintln!("{same} whole reads equal the text before the next edit; {edits} edits fit theirs");
    assert!(same > 0 && edits > 0);
}
