//! The Codex source: fixtures, bad lines, and real transcripts where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "support/golden.rs"]
mod golden;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regent_tui::model::{Status, StepKind};
use regent_tui::source::codex::Codex;
use regent_tui::source::{Body, Event, ParseState, Places, Source};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/codex")
}

#[test]
fn every_case_gives_what_is_expected() {
    golden::check_cases(&Codex, &fixtures());
}

/// Every line of every fixture.
fn fixture_files() -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for case in std::fs::read_dir(fixtures()).unwrap().flatten() {
        for file in std::fs::read_dir(case.path()).unwrap().flatten() {
            if file.path().extension().is_some_and(|e| e == "jsonl") {
                all.push((file.path(), std::fs::read(file.path()).unwrap()));
            }
        }
    }
    all.sort();
    all
}

/// Texts that are read again from a raw line must not depend on what stood before it.
fn texts(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .filter_map(|e| match &e.body {
            Body::Prompt { text, .. } => Some(format!("prompt {text}")),
            Body::Say { text } => Some(format!("say {text}")),
            Body::Call(c) => Some(format!("call {} {} {}", c.call_id, c.target, c.input)),
            Body::Outcome(o) if !o.output.is_empty() => Some(format!("outcome {}", o.output)),
            _ => None,
        })
        .collect()
}

/// The state survives being stored after every line, and a line that is read alone gives all the texts that it gave in its
/// place.
fn check_properties(path: &Path, bytes: &[u8]) {
    let (mut whole, mut stored) = (ParseState::default(), ParseState::default());
    for (n, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let (mut a, mut b, mut alone) = (Vec::new(), Vec::new(), Vec::new());
        Codex.parse(path, line, &mut whole, &mut a);
        let json = serde_json::to_string(&stored).unwrap();
        stored = serde_json::from_str(&json).unwrap();
        Codex.parse(path, line, &mut stored, &mut b);
        assert_eq!(a, b, "{}:{}", path.display(), n + 1);
        assert_eq!(whole, stored);
        Codex.parse(path, line, &mut ParseState::default(), &mut alone);
        let alone = texts(&alone);
        for text in texts(&a) {
            assert!(
                alone.contains(&text),
                "{}:{}: not given by the line alone: {text}\n{alone:?}",
                path.display(),
                n + 1
            );
        }
        assert!(
            whole.memory.len() < 400,
            "{}:{}: remembers too much",
            path.display(),
            n + 1
        );
    }
}

#[test]
fn events_depend_neither_on_cuts_nor_on_what_is_stored() {
    for (path, bytes) in fixture_files() {
        check_properties(&path, &bytes);
    }
}

#[test]
fn roots_follow_the_environment() {
    let mut places = Places {
        home: PathBuf::from("/h"),
        env: Vec::new(),
        ..Places::default()
    };
    assert_eq!(
        Codex.roots(&places),
        [
            PathBuf::from("/h/.codex/sessions"),
            PathBuf::from("/h/.codex/archived_sessions")
        ]
    );
    places.env.push(("CODEX_HOME".into(), "/x".into()));
    assert_eq!(Codex.roots(&places)[0], PathBuf::from("/x/sessions"));
    let is = |p: &str| Codex.is_transcript(Path::new(p));
    assert!(is(
        "/x/sessions/2026/01/02/rollout-2026-01-02T03-04-05-id.jsonl"
    ));
    assert!(!is(
        "/x/sessions/2026/01/02/rollout-2026-01-02T03-04-05-id.jsonl.zst"
    ));
    assert!(!is("/x/history.jsonl"));
}

#[test]
fn a_rollout_is_known_by_its_first_lines() {
    for (path, bytes) in fixture_files() {
        assert!(Codex.claims(&path, &bytes), "{}", path.display());
    }
    let long = format!(
        r#"{{"timestamp":"2026-01-02T03:04:05.000Z","type":"session_meta","payload":{{"id":"x","base_instructions":{{"text":"{}"#,
        "x".repeat(5000)
    );
    assert!(
        Codex.claims(Path::new("x"), long.as_bytes()),
        "cut off in its first line"
    );
    for other in [
        "",
        "hello\n",
        "{}\n",
        "[]\n",
        r#"{"parentUuid":null,"sessionId":"x","type":"user","message":{"role":"user","content":"hi"},"uuid":"u"}"#,
        r#"{"type":"session","version":3,"id":"x","timestamp":"2026-01-02T03:04:05.000Z","cwd":"/"}"#,
        r#"{"type":"summary","summary":"x","leafUuid":"y"}"#,
    ] {
        assert!(!Codex.claims(Path::new("x"), other.as_bytes()), "{other}");
    }
}

const GOOD: &str = r#"{"timestamp":"2026-01-02T03:04:05.000Z","type":"event_msg","payload":{"type":"user_message","message":"good"}}"#;

fn bad_lines() -> Vec<Vec<u8>> {
    let texts = [
        // Not JSON, or not whole.
        "{",
        "}",
        "[",
        "]",
        "{}",
        "[]",
        "null",
        "true",
        "42",
        "-",
        "\"",
        "\"text\"",
        "nonsense",
        "{\"",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1,}",
        "{\"a\":1}}",
        "{'a':1}",
        "{\"type\":}",
        "{\"type\":\"event_msg\"",
        "NaN",
        "{\"a\":NaN}",
        "\u{feff}{}",
        "{\"a\":\"\\q\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"type\":\"\\ud800\",\"payload\":{}}",
        "{\"a\":1e999}",
        "\0",
        "\u{1b}[2J",
        // JSON, but no record of ours.
        "{\"type\":null}",
        "{\"type\":1}",
        "{\"type\":[]}",
        "{\"type\":\"event_msg\"}",
        "{\"type\":\"event_msg\",\"payload\":null}",
        "{\"type\":\"event_msg\",\"payload\":[]}",
        "{\"type\":\"event_msg\",\"payload\":\"x\"}",
        "{\"type\":\"event_msg\",\"payload\":{}}",
        "{\"type\":\"event_msg\",\"payload\":{\"type\":3}}",
        "{\"type\":\"response_item\",\"payload\":{}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"message\"}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"message\",\"role\":\"assistant\",\"content\":7}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"function_call\"}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"function_call\",\"call_id\":{}}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":[],\"arguments\":[1,{}]}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"shell\",\"arguments\":\"{\"}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"shell\",\"arguments\":\"{\\\"command\\\":{}}\"}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"update_plan\",\"arguments\":\"{\\\"plan\\\":[1,null]}\"}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"function_call_output\"}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":{\"a\":[]}}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":[1,[],{\"text\":{}}]}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"exec\",\"input\":\"cmd: \\\"\"}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"apply_patch\",\"input\":\"*** Begin Patch\\n*** \"}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"web_search_call\",\"action\":[]}}",
        "{\"type\":\"response_item\",\"payload\":{\"type\":\"tool_search_output\",\"call_id\":\"c\",\"tools\":{}}}",
        "{\"type\":\"event_msg\",\"payload\":{\"type\":\"patch_apply_end\"}}",
        "{\"type\":\"event_msg\",\"payload\":{\"type\":\"patch_apply_end\",\"call_id\":\"c\",\"changes\":[]}}",
        "{\"type\":\"event_msg\",\"payload\":{\"type\":\"patch_apply_end\",\"call_id\":\"c\",\"success\":true,\"changes\":{\"/a\":1}}}",
        "{\"type\":\"event_msg\",\"payload\":{\"type\":\"patch_apply_end\",\"call_id\":\"d\",\"success\":true,\"changes\":{\"/a\":{\"type\":\"update\",\"unified_diff\":\"@@ -1,9\"}}}}",
        "{\"type\":\"event_msg\",\"payload\":{\"type\":\"token_count\",\"info\":[]}}",
        "{\"type\":\"event_msg\",\"payload\":{\"type\":\"token_count\",\"info\":{\"total_token_usage\":{\"input_tokens\":-1}}}}",
        "{\"type\":\"event_msg\",\"payload\":{\"type\":\"item_completed\",\"item\":[]}}",
        "{\"type\":\"event_msg\",\"payload\":{\"type\":\"thread_rolled_back\",\"num_turns\":\"x\"}}",
        "{\"type\":\"event_msg\",\"payload\":{\"type\":\"mcp_tool_call_end\",\"call_id\":\"m\",\"duration\":{\"secs\":18446744073709551615,\"nanos\":1}}}",
        "{\"type\":\"session_meta\",\"payload\":{}}",
        "{\"type\":\"session_meta\",\"payload\":{\"id\":[]}}",
        "{\"type\":\"session_meta\",\"payload\":[]}",
        "{\"type\":\"session_meta\"}",
        "{\"type\":\"turn_context\",\"payload\":{\"cwd\":[]}}",
        "{\"type\":\"compacted\",\"payload\":{\"message\":{}}}",
        "{\"type\":\"something_new\",\"payload\":{\"a\":1}}",
        "{\"record_type\":\"state\"}",
        "{\"id\":7}",
        "{\"type\":\"message\"}",
        "{\"type\":\"event_msg\",\"type\":\"event_msg\",\"payload\":{}}",
        "{\"timestamp\":\"yesterday\",\"type\":\"event_msg\",\"payload\":{\"type\":\"user_message\",\"message\":7}}",
        "   ",
        "\t\r",
    ];
    let mut all: Vec<Vec<u8>> = texts.iter().map(|t| t.as_bytes().to_vec()).collect();
    all.push(b"\xff\xfe\x00".to_vec());
    all.push(b"{\"type\":\"event_msg\",\"payload\":{\"type\":\"user_message\",\"message\":\"\xc3\x28\"}}".to_vec());
    all.push(b"{\"type\":\"message\",\"role\":\"user\",\"content\":\"\xc3\x28\"}".to_vec());
    all.push("[".repeat(200_000).into_bytes());
    all.push("{\"a\":".repeat(200_000).into_bytes());
    all.push(
        format!(
            "{{\"type\":\"event_msg\",\"payload\":{}1{}}}",
            "[".repeat(5000),
            "]".repeat(5000)
        )
        .into_bytes(),
    );
    all.push(format!("{{\"type\":\"response_item\",\"payload\":{{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"x\",\"arguments\":{}1{}}}}}", "{\"a\":".repeat(500), "}".repeat(500)).into_bytes());
    all
}

#[test]
fn a_bad_line_costs_that_line_alone() {
    let path = Path::new("rollout-x.jsonl");
    let bad = bad_lines();
    assert!(bad.len() >= 60, "{}", bad.len());
    for line in bad {
        let shown = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
        let mut state = ParseState::default();
        let (mut first, mut middle, mut last) = (Vec::new(), Vec::new(), Vec::new());
        Codex.parse(path, GOOD.as_bytes(), &mut state, &mut first);
        Codex.parse(path, &line, &mut state, &mut middle);
        Codex.parse(path, GOOD.as_bytes(), &mut state, &mut last);
        let prompts = |events: &[Event]| {
            events
                .iter()
                .filter(|e| matches!(&e.body, Body::Prompt { text, .. } if text == "good"))
                .count()
        };
        assert_eq!((prompts(&first), prompts(&last)), (1, 1), "{shown}");
        assert_eq!(prompts(&middle), 0, "{shown}");
        assert_eq!(
            middle.is_empty(),
            line.trim_ascii().is_empty(),
            "{shown}: every record leaves a trace"
        );
        let sound = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&line);
        if std::str::from_utf8(&line).is_err() {
            assert!(
                matches!(middle[0].body, Body::Damaged { .. }),
                "{shown}: {middle:?}"
            );
        }
        let damaged = middle
            .iter()
            .any(|e| matches!(e.body, Body::Damaged { .. }));
        if sound.is_ok() {
            assert!(!damaged, "{shown}: {middle:?}");
        }
    }
}

#[test]
fn scrambled_records_never_panic() {
    use proptest::prelude::*;
    let lines: Vec<(PathBuf, Vec<u8>)> = fixture_files()
        .iter()
        .flat_map(|(path, bytes)| {
            let lines = bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec);
            lines.map(|l| (path.clone(), l)).collect::<Vec<_>>()
        })
        .filter(|(_, line)| !line.is_empty())
        .collect();
    let place = any::<prop::sample::Index>;
    let change = (place(), place(), any::<u8>());
    let steps = prop::collection::vec((place(), prop::collection::vec(change, 0..4)), 1..12);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&steps, |steps| {
            let mut state = ParseState::default();
            for (which, changes) in steps {
                let (path, line) = &lines[which.index(lines.len())];
                let mut line = line.clone();
                for (from, to, byte) in changes {
                    // A byte, a piece of another record, or a cut.
                    let at = from.index(line.len());
                    match byte % 3 {
                        0 => line[at] = byte,
                        1 => {
                            let other = &lines[to.index(lines.len())].1;
                            let piece = other[other.len() / 3..other.len() / 2].to_vec();
                            line.splice(at..at, piece);
                        }
                        _ => line.truncate(at.max(1)),
                    }
                }
                let mut out = Vec::new();
                Codex.parse(path, &line, &mut state, &mut out);
                prop_assert!(!out.is_empty() || line.trim_ascii().is_empty());
            }
            Ok(())
        })
        .unwrap();
}

/// The folder of real transcripts, if this machine has it.
fn transcripts() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("REGENT_TRANSCRIPTS") {
        return Some(PathBuf::from(dir));
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|dir| dir.join("shared/transcripts"))
        .find(|dir| dir.is_dir())
}

#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Counts {
    lines: usize,
    prompts: usize,
    patches: usize,
    applied: usize,
    refused: usize,
    commands: usize,
    compactions: usize,
    bad: usize,
}

fn count(path: &Path, bytes: &[u8]) -> (Counts, BTreeMap<String, usize>) {
    let mut counts = Counts {
        lines: bytes.iter().filter(|b| **b == b'\n').count(),
        ..Counts::default()
    };
    let mut unknown = BTreeMap::new();
    for (_, event) in golden::read(&Codex, path, bytes) {
        match event.body {
            Body::Prompt { .. } => counts.prompts += 1,
            Body::Call(c) if c.kind == StepKind::Command => counts.commands += 1,
            Body::Call(c) if c.tool == "apply_patch" => counts.patches += 1,
            Body::Outcome(o) if o.output.starts_with("apply_patch verification failed") => {
                assert_eq!(o.status, Status::Failed);
                counts.refused += 1;
            }
            Body::Outcome(o) if o.status == Status::Ok && !o.effects.is_empty() => {
                counts.applied += 1
            }
            Body::Notice {
                what: "compacted", ..
            } => counts.compactions += 1,
            Body::Unknown { record } => *unknown.entry(record).or_insert(0) += 1,
            Body::Damaged { .. } => counts.bad += 1,
            _ => {}
        }
    }
    (counts, unknown)
}

#[test]
fn real_transcripts_are_read() {
    let Some(dir) = transcripts() else {
        eprintln!("skipped: no real transcripts on this machine");
        return;
    };
    let index = std::fs::read_to_string(dir.join("INDEX.tsv")).unwrap();
    let mut rows = index.lines().map(|l| l.split('\t').collect::<Vec<_>>());
    let head = rows.next().unwrap();
    let column = |name: &str| head.iter().position(|h| *h == name).unwrap();
    for row in rows.filter(|r| r[column("agent")] == "codex") {
        let file = dir.join(row[column("file")]);
        let Ok(bytes) = std::fs::read(&file) else {
            eprintln!("skipped: {} is not there", file.display());
            continue;
        };
        let number = |name: &str| row[column(name)].parse::<usize>().unwrap();
        let (counts, unknown) = count(&file, &bytes);
        eprintln!(
            "{}\n  {counts:?} {unknown:?}\n  index: prompts {} edits {} commands {} compactions {} bad {}",
            row[0],
            number("user_prompts"),
            number("edits"),
            number("commands"),
            number("compactions"),
            number("bad_lines")
        );
        check_properties(&file, &bytes);
        if row[column("kind")] == "fixture" {
            continue;
        }
        assert!(
            Codex.claims(Path::new("x"), &bytes[..bytes.len().min(4096)]),
            "{}",
            row[0]
        );
        assert_eq!(unknown, BTreeMap::new(), "{}", row[0]);
        assert_eq!(counts.bad, number("bad_lines"), "{}", row[0]);
        assert_eq!(counts.prompts, number("user_prompts"), "{}", row[0]);
        assert_eq!(counts.compactions, number("compactions"), "{}", row[0]);
        assert_eq!(counts.commands, number("commands"), "{}", row[0]);
        // The index counts the calls, refused ones included.
        assert_eq!(counts.patches, number("edits"), "{}", row[0]);
        assert_eq!(
            counts.applied + counts.refused,
            counts.patches,
            "{}",
            row[0]
        );
    }
}
