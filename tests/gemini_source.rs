//! Gemini CLI and Qwen Code: fixtures, and real sessions where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::path::{Path, PathBuf};

use regent_tui::source::gemini::Gemini;
use regent_tui::source::qwen::Qwen;
use regent_tui::source::{Places, Source};

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

#[test]
fn every_case_gives_what_is_expected() {
    golden::check_cases(&Gemini, &fixtures("gemini"));
    golden::check_cases(&Qwen, &fixtures("qwen"));
}

#[test]
fn they_lie_in_the_home_folder_on_every_system() {
    let mut places = Places {
        home: PathBuf::from("/h"),
        ..Places::default()
    };
    assert_eq!(Gemini.roots(&places), [PathBuf::from("/h/.gemini/tmp")]);
    let both = ["/h/.qwen/projects", "/h/.qwen/tmp"].map(PathBuf::from);
    assert_eq!(Qwen.roots(&places), both);
    places.env.push(("GEMINI_CLI_HOME".into(), "/x".into()));
    places.env.push(("QWEN_HOME".into(), "~/y".into()));
    assert_eq!(Gemini.roots(&places), [PathBuf::from("/x/.gemini/tmp")]);
    assert_eq!(Qwen.roots(&places)[0], PathBuf::from("/h/y/projects"));
    let is = |path: &str| Gemini.is_transcript(Path::new(path));
    assert!(is(
        "/h/.gemini/tmp/ab12/chats/session-2026-01-10T02-08-5a0c1d1e.json"
    ));
    assert!(is(
        "/h/.gemini/tmp/ab12/chats/session-2026-01-10T02-08-5a0c1d1e.jsonl"
    ));
    assert!(is("/h/.gemini/tmp/ab12/chats/5a0c/0b.jsonl"));
    for other in [
        "logs.json",
        "checkpoints/session-x.json",
        "chats/other.json",
        "session-x.json",
    ] {
        assert!(!is(&format!("/h/.gemini/tmp/ab12/{other}")), "{other}");
    }
}

#[test]
fn a_session_is_known_by_its_first_bytes() {
    let ours = r#"{"sessionId":"x","projectHash":"y","startTime":"2026-01-10T02:08:26.108Z","lastUpdated":"#;
    assert!(Gemini.claims(Path::new("/x/y.json"), ours.as_bytes()));
    assert!(!Gemini.claims(Path::new("/h/.qwen/tmp/y.json"), ours.as_bytes()));
    assert!(Qwen.claims(Path::new("/h/.qwen/tmp/y.json"), ours.as_bytes()));
    assert!(!Qwen.claims(Path::new("/x/y.json"), ours.as_bytes()));
    for other in [
        "",
        "[]",
        "{}",
        r#"{"sessionId":"x"}"#,
        r#"{"sessionId":1,"projectHash":2,"startTime":3}"#,
        r#"{"uuid":"u","parentUuid":null,"sessionId":"x","type":"user","message":{"role":"user","content":"hi"}}"#,
        r#"{"type":"session","version":3,"id":"x","timestamp":"2026-01-02T03:04:05.000Z","cwd":"/"}"#,
    ] {
        assert!(!Gemini.claims(Path::new("x"), other.as_bytes()), "{other}");
        assert!(!Qwen.claims(Path::new("x"), other.as_bytes()), "{other}");
    }
    let line = r#"{"uuid":"u","parentUuid":null,"sessionId":"x","type":"user","message":{"role":"user","parts":[{"text":"hi"}]}}"#;
    assert!(Qwen.claims(Path::new("x.jsonl"), line.as_bytes()));
}

#[test]
fn real_sessions_give_what_the_index_counts() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    // Three copies of a session, two of each of two others, and one that only a hook spoke in: each is one session.
    let (found, told) = inputs::told(&[&real.join("gemini/entireio+cli")]);
    let counts = (found.sessions, found.prompts, found.edits, found.commands);
    // An edit is a step that changed files: `rm` of the new file is the fourth.
    assert_eq!(counts, (4, 5, 4, 6), "{told}");
    assert_eq!(found.damaged + found.unknown, 0, "{told}");
}
