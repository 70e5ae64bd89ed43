//! The Continue source: fixtures, texts byte for byte, torn documents, and real sessions where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::source::continue_dev::Continue;
use regent_tui::source::{Os, Places, Source};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/continue")
}

fn session() -> PathBuf {
    fixtures().join("sessions/.continue/sessions/11111111-2222-4333-8444-555555555555.json")
}

#[test]
fn every_case_gives_what_is_expected() {
    golden::check_cases(&Continue, &fixtures());
}

#[test]
fn it_lies_in_the_same_place_on_every_system() {
    for os in [Os::Linux, Os::Mac, Os::Windows] {
        let mut places = Places {
            home: PathBuf::from("/h"),
            os,
            ..Places::default()
        };
        let own = PathBuf::from("/h/.continue/sessions");
        assert_eq!(Continue.roots(&places), [own]);
        places.env = vec![("CONTINUE_GLOBAL_DIR".to_owned(), "/c".to_owned())];
        assert_eq!(Continue.roots(&places), [PathBuf::from("/c/sessions")]);
    }
    assert!(Continue.is_transcript(Path::new("/s/a.json")));
    assert!(!Continue.is_transcript(Path::new("/s/sessions.json")));
    assert!(!Continue.is_transcript(Path::new("/s/a.jsonl")));
}

#[test]
fn a_document_is_claimed_by_what_it_says_even_if_it_is_torn() {
    let claims = |head: &[u8]| Continue.claims(Path::new("/x/a.json"), head);
    let new = fs::read(session()).unwrap();
    let old = fs::read(session().with_file_name("old.json")).unwrap();
    assert!(claims(&new) && claims(&new[..400]));
    assert!(claims(&old) && claims(&old[..300]));
    assert!(claims(
        br#"{"sessionId":"a","title":"b","workspaceDirectory":"","history":[]}"#
    ));
    for other in [
        "",
        "{}",
        "[1",
        r#"{"sessionId":"a","history":[{"role":"user"}]}"#,
        r#"{"history":[{"message":{}}]}"#,
        r#"{"history":{"timeline":[]}}"#,
        // Others have a list of messages too.
        r#"{"sessionId":"a","messages":[],"history":[]}"#,
    ] {
        assert!(!claims(other.as_bytes()), "{other}");
    }
    assert!(!Continue.claims(Path::new("/x/sessions.json"), &new));
}

#[test]
fn torn_and_hostile_documents_say_what_they_can() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("a.json");
    let whole = fs::read(session()).unwrap();
    let mut last = 0;
    for cut in (0..=whole.len()).step_by(97).chain([whole.len()]) {
        fs::write(&path, &whole[..cut]).unwrap();
        let mut input = Continue
            .extractor(&path)
            .unwrap()
            .open(&path, &Places::default())
            .unwrap();
        let mut n = 0;
        let done = input.records("", &mut |_| {
            n += 1;
            Ok(())
        });
        assert_eq!(done.is_ok(), cut == whole.len(), "{cut}");
        assert!(n >= last, "{cut}: {n} after {last}");
        last = n;
    }
    assert_eq!(last, 11);
    for odd in [
        format!(r#"{{"sessionId":"a","workspaceDirectory":7,"history":{}"#, "[".repeat(100_000)),
        r#"{"sessionId":"a","workspaceDirectory":"/w","history":[7,null,{"message":[]},{"message":{"role":"assistant","toolCalls":{}}}]}"#.to_owned(),
    ] {
        fs::write(&path, odd).unwrap();
        let mut input = Continue
            .extractor(&path)
            .unwrap()
            .open(&path, &Places::default())
            .unwrap();
        let mut state = regent_tui::source::ParseState::default();
        let _ = input.records("", &mut |given| {
            let line = regent_tui::source::record::line(&given);
            Continue.parse(&path, &line, &mut state, &mut Vec::new());
            Ok(())
        });
    }
}

#[test]
fn what_was_read_and_replaced_is_told_byte_for_byte() {
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
    let done = run(&["ingest", "--from", session().to_str().unwrap()]);
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
        ("src/a.txt", Some("one\n2\n")),
        ("src/a.txt", Some("1\nII\n")),
        ("b.txt", Some("b\n")),
        // What another model made of it, nobody wrote down.
        ("b.txt", None),
    ];
    let want = want.map(|(p, t)| (p.to_owned(), t.map(str::to_owned)));
    assert_eq!(told, want);
}

#[test]
fn real_and_written_sessions_give_what_the_index_counts() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    for (folder, want) in [
        // Two of 2023, a prompt in each; `sessions.json` and `dev_data` are none.
        ("continue", (2, 2, 0, 0)),
        ("synthetic-other/continue", (1, 1, 1, 2)),
    ] {
        let (found, told) = inputs::told(&[&real.join(folder)]);
        let counts = (found.sessions, found.prompts, found.edits, found.commands);
        assert_eq!(counts, want, "{folder}\n{told}");
        assert_eq!(found.damaged + found.unknown, 0, "{folder}\n{told}");
    }
}
