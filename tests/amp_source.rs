//! The Amp source: fixtures, texts byte for byte, torn documents, and a written thread where it is at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::source::amp::Amp;
use regent_tui::source::{Os, ParseState, Places, Source};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/amp")
}

fn thread() -> PathBuf {
    fixtures().join("threads/T-11111111-2222-4333-8444-555555555555.json")
}

#[test]
fn every_case_gives_what_is_expected() {
    golden::check_cases(&Amp, &fixtures());
}

#[test]
fn it_lies_in_the_same_place_on_every_system() {
    for os in [Os::Linux, Os::Mac, Os::Windows] {
        let mut places = Places {
            home: PathBuf::from("/h"),
            os,
            ..Places::default()
        };
        let own = PathBuf::from("/h/.local/share/amp/threads");
        assert_eq!(Amp.roots(&places), [own]);
        places.env = vec![("AMP_DATA_DIR".to_owned(), "/a".to_owned())];
        assert_eq!(Amp.roots(&places), [PathBuf::from("/a/threads")]);
    }
    assert!(Amp.is_transcript(Path::new("/t/T-1.json")));
    assert!(!Amp.is_transcript(Path::new("/t/settings.json")));
    let claims = |head: &[u8]| Amp.claims(Path::new("/x/a.json"), head);
    let whole = fs::read(thread()).unwrap();
    assert!(claims(&whole) && claims(&whole[..300]));
    for other in [
        "",
        "{}",
        r#"{"v":1,"id":"ses_1","created":1}"#,
        r#"{"id":"T-1","created":1,"messages":[]}"#,
        r#"{"v":1,"id":"T-1"}"#,
    ] {
        assert!(!claims(other.as_bytes()), "{other}");
    }
}

#[test]
fn torn_and_hostile_documents_say_what_they_can() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("T-1.json");
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let mut input = Amp
            .extractor(&path)
            .unwrap()
            .open(&path, &Places::default())
            .unwrap();
        let (mut n, mut state) = (0, ParseState::default());
        let done = input.records("", &mut |given| {
            n += 1;
            let line = regent_tui::source::record::line(&given);
            Amp.parse(&path, &line, &mut state, &mut Vec::new());
            Ok(())
        });
        (n, done.is_ok())
    };
    let whole = fs::read(thread()).unwrap();
    let mut last = 0;
    for cut in (0..whole.len()).step_by(97) {
        let (n, done) = read(&whole[..cut]);
        assert!(!done && n >= last, "{cut}: {n} after {last}");
        last = n;
    }
    assert_eq!(read(&whole), (12, true));
    for odd in [
        format!(r#"{{"v":1,"id":"T-1","messages":{}"#, "[".repeat(100_000)),
        r#"{"v":1,"id":7,"messages":[7,null,{"content":7},{"role":"assistant","content":[7,{"type":"tool_use"}],"usage":{"inputTokens":18446744073709551615,"cacheReadInputTokens":18446744073709551615}},{"role":"user","content":[{"type":"tool_result","run":7}]}]}"#.to_owned(),
    ] {
        let (n, _) = read(odd.as_bytes());
        assert!(n > 0);
    }
}

#[test]
fn what_was_written_and_replaced_is_told_byte_for_byte() {
    let home = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        std::process::Command::new(assert_cmd::cargo::cargo_bin!("regent-tui"))
            .args(args)
            .args(["--store", "history.db"])
            .env_clear()
            .env("HOME", home.path())
            .current_dir(home.path())
            .output()
            .unwrap()
    };
    let done = run(&["ingest", "--from", thread().to_str().unwrap()]);
    assert!(done.status.success(), "{done:?}");
    let log = String::from_utf8(run(&["log", "--json"]).stdout).unwrap();
    let mut told = Vec::new();
    for line in log.lines().rev() {
        let step: serde_json::Value = serde_json::from_str(line).unwrap();
        if !matches!(step["kind"].as_str(), Some("edit" | "write")) {
            continue;
        }
        let id = step["id"].as_str().unwrap();
        let path = step["paths"][0].as_str().unwrap();
        let out = run(&["cat", &format!("{id}:{path}")]);
        let text = String::from_utf8(out.stdout).unwrap();
        told.push((path.to_owned(), out.status.success().then_some(text)));
    }
    let want = [
        ("a.txt", "one\ntwo\n"),
        ("a.txt", "one\n2\n"),
        ("a.txt", "1\n2\n"),
        // Taken back: the diff alone tells what it made.
        ("a.txt", "one\n2\n"),
        ("b.txt", "b\n"),
    ];
    let want = want.map(|(p, t)| (p.to_owned(), Some(t.to_owned())));
    assert_eq!(told, want);
}

#[test]
fn a_written_thread_gives_what_stands_in_it() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    // The index gives no counts for it: they were counted by hand.
    let (found, told) = inputs::told(&[&real.join("synthetic-other/amp")]);
    let counts = (found.sessions, found.prompts, found.edits, found.commands);
    assert_eq!(counts, (1, 1, 1, 1), "{told}");
    assert_eq!(found.damaged + found.unknown, 0, "{told}");
}
