//! The pi source: fixtures, and real sessions where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::path::{Path, PathBuf};

use regent_tui::source::pi::Pi;
use regent_tui::source::{Body, ParseState, Places, Source};

#[test]
fn every_case_gives_what_is_expected() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pi");
    golden::check_cases(&Pi, &fixtures);
}

#[test]
fn it_lies_in_the_same_place_on_every_system() {
    let mut places = Places {
        home: PathBuf::from("/h"),
        ..Places::default()
    };
    let usual = PathBuf::from("/h/.pi/agent/sessions");
    assert_eq!(Pi.roots(&places), [usual]);
    places.env = vec![("PI_CODING_AGENT_DIR".to_owned(), "~/pi".to_owned())];
    assert_eq!(Pi.roots(&places), [PathBuf::from("/h/pi/sessions")]);
}

#[test]
fn only_a_head_line_with_all_that_it_must_have_is_claimed() {
    let claims = |path: &str, head: &str| Pi.claims(Path::new(path), head.as_bytes());
    let head = r#"{"type":"session","id":"a","timestamp":"2025-01-01T00:00:00Z","cwd":"/p"}"#;
    assert!(claims("/x/a.jsonl", &format!("{head}\n{{\"torn")));
    assert!(!claims("/x/a.json", head));
    assert!(!claims("/x/a.jsonl", &head.replace("cwd", "dir")));
    assert!(!claims(
        "/x/a.jsonl",
        &head.replace("session", "session_meta")
    ));
    assert!(!claims("/x/a.jsonl", &head[..30]));
}

#[test]
fn hostile_lines_say_nothing_that_is_not_there() {
    for line in [
        r#"{"type":"message"}"#,
        r#"{"type":"message","message":{"role":"user","content":{"a":1}}}"#,
        r#"{"type":"message","message":{"role":"assistant","content":[1,null,{}],"usage":{"input":-1}}}"#,
        r#"{"type":"message","message":{"role":"toolResult","toolName":"write","isError":false}}"#,
        r#"{"type":"session"}"#,
        r#"{"type":["session"]}"#,
        r#"{"type":"message","message":{"role":"assistant","usage":{"input":18446744073709551615,"cacheRead":18446744073709551615}},"timestamp":"x"}"#,
        "[]",
        "7",
        "\u{0}",
    ] {
        let mut out = Vec::new();
        Pi.parse(
            Path::new("x"),
            line.as_bytes(),
            &mut ParseState::default(),
            &mut out,
        );
        let is_said =
            |b: &Body| matches!(b, Body::Prompt { .. } | Body::Say { .. } | Body::Call(_));
        assert!(!out.iter().any(|e| is_said(&e.body)), "{line}: {out:?}");
    }
}

#[test]
fn real_sessions_give_what_the_index_counts() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    let (found, told) = inputs::told(&[&real.join("pi/badlogic+pi-mono")]);
    // The index counts calls: four of its edits failed and four have no result (one is in a torn line); three commands
    // changed files in words that leave no doubt.
    assert_eq!(
        (found.sessions, found.edits, found.commands),
        (2, 93 + 141 - 4 - 4 + 3, 207 + 206),
        "{told}"
    );
    // The index counts what was said to the model; a person also ran four commands from the prompt.
    assert_eq!(found.prompts, 77 + 55 + 4, "{told}");
    assert_eq!(found.unknown, 0, "{told}");
}
