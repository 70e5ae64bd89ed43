//! The Aider source: fixtures, hostile text, and a real session where it is at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::source::aider::Aider;
use regent_tui::source::{Body, Effect, Places, Source};

const NAME: &str = ".aider.chat.history.md";

#[test]
fn every_case_gives_what_is_expected() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/aider");
    golden::check_cases(&Aider::UTC, &fixtures);
}

#[test]
fn it_lies_in_the_project_or_where_a_variable_says() {
    let mut places = Places {
        home: PathBuf::from("/h"),
        projects: vec![PathBuf::from("/p"), PathBuf::from("/q")],
        ..Places::default()
    };
    let of = |places: &Places| Aider::HERE.roots(places);
    let usual = [Path::new("/p").join(NAME), Path::new("/q").join(NAME)];
    assert_eq!(of(&places), usual);
    let name = "AIDER_CHAT_HISTORY_FILE".to_owned();
    places.env = vec![(name.clone(), "~/all.md".to_owned())];
    assert_eq!(of(&places)[2..], [PathBuf::from("/h/all.md")]);
    places.env = vec![(name, "chat.md".to_owned())];
    let named = ["/p/chat.md", "/q/chat.md"].map(PathBuf::from);
    assert_eq!(of(&places)[2..], named);
}

#[test]
fn other_texts_are_nobodys() {
    let claims = |path: &str, head: &str| Aider::HERE.claims(Path::new(path), head.as_bytes());
    let headline = "\n# aider chat started at 2026-01-02 03:04:05\n";
    assert!(claims("/p/any.md", headline));
    assert!(claims(&format!("/p/{NAME}"), &format!("> x  \n{headline}")));
    assert!(!claims("/p/any.md", &format!("# Notes\n{headline}")));
    assert!(!claims("/p/any.md", "# aider chat started at noon\n"));
    assert!(!claims("/p/any.txt", headline));
    assert!(!claims(
        "/p/.aider.input.history",
        "# 2026-01-02 03:04:05\n+x\n"
    ));
}

/// The records of all sessions of a text, as lines.
fn records(folder: &Path, text: &str) -> Vec<Vec<u8>> {
    let path = folder.join(NAME);
    fs::write(&path, text).unwrap();
    let extractor = Aider::UTC.extractor(&path).unwrap();
    let mut input = extractor.open(&path, &Places::default()).unwrap();
    let mut lines = Vec::new();
    for session in input.sessions().unwrap() {
        let mut take = |given: regent_tui::source::Given<'_>| {
            lines.push(regent_tui::source::record::line(&given));
            Ok(())
        };
        input.records(&session.name, &mut take).unwrap();
    }
    lines
}

#[test]
fn wherever_it_is_torn_what_stands_before_stays_the_same() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/aider");
    let folder = tempfile::tempdir().unwrap();
    for case in ["blocks", "formats", "talk"] {
        let text = fs::read_to_string(fixtures.join(case).join(NAME)).unwrap();
        let whole = records(folder.path(), &text);
        let marks: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for cut in marks.into_iter().step_by(7) {
            let torn = records(folder.path(), &text[..cut]);
            for (n, line) in torn.iter().enumerate() {
                // The last one is not whole; and whether a prompt is repeated is known with the next.
                if n + 2 < torn.len() {
                    assert_eq!(line, &whole[n], "{case} torn at {cut}");
                }
                let mut out = Vec::new();
                Aider::UTC.parse(Path::new("x"), line, &mut Default::default(), &mut out);
            }
        }
    }
}

#[test]
fn hostile_text_is_text() {
    let folder = tempfile::tempdir().unwrap();
    let start = "# aider chat started at 2026-01-02 03:04:05\n\n#### x  \n\n";
    for text in [
        "```\n".repeat(2000),
        "<<<<<<< SEARCH\n".repeat(2000),
        "a\n```\n<<<<<<< SEARCH\n=======\n".repeat(500),
        "> Applied edit to ../../etc/passwd  \n".repeat(500),
        "> Run shell command? y  \n> Tokens: 99999999999999999999M sent, -1 received.  \n"
            .to_owned(),
        "> Commit   \n> Removed:   \n> Committing   \n> ?  \n>   \n".to_owned(),
        "\u{1b}[2J\u{202e}\u{0}\n".repeat(50),
        "--- a\n+++ b\n@@\n```diff\n--- a\n+++ \n@@\n\n```\n".to_owned(),
    ] {
        let lines = records(folder.path(), &format!("{start}{text}"));
        assert_eq!(lines.len(), 2);
        let mut out = Vec::new();
        for line in &lines {
            Aider::UTC.parse(Path::new("x"), line, &mut Default::default(), &mut out);
        }
        let is_wrong = |b: &Body| matches!(b, Body::Damaged { .. } | Body::Unknown { .. });
        assert!(!out.iter().any(|e| is_wrong(&e.body)));
        // What is told without a block is a change of which nothing is known.
        for event in &out {
            if let Body::Outcome(o) = &event.body {
                for effect in &o.effects {
                    assert!(
                        matches!(effect, Effect::Edit { amended: true, .. }),
                        "{effect:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_real_session_gives_what_the_index_counts() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    let (found, told) = inputs::told(&[&real.join("aider")]);
    assert_eq!(found.sessions, 1, "{told}");
    assert_eq!(
        (found.prompts, found.edits, found.commands),
        (12, 18, 3),
        "{told}"
    );
    assert_eq!(found.damaged + found.unknown, 0, "{told}");
}

/// What `cat` prints of a file after a step.
#[test]
fn what_the_blocks_determine_comes_out_byte_for_byte() {
    let home = tempfile::tempdir().unwrap();
    let project = home.path().join("p");
    for folder in ["objects", "refs/heads"] {
        fs::create_dir_all(project.join(".git").join(folder)).unwrap();
    }
    fs::write(project.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/aider/blocks");
    for name in [NAME, ".aider.input.history"] {
        fs::copy(fixture.join(name), project.join(name)).unwrap();
    }
    let run = |args: &[&str]| {
        let out = std::process::Command::new(env!("CARGO_BIN_EXE_regent-tui"))
            .env_clear()
            .env("HOME", home.path())
            .current_dir(&project)
            .args(args)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&out.stderr).into_owned();
        (String::from_utf8(out.stdout).unwrap(), error)
    };
    let (_, error) = run(&["ingest"]);
    let steps = ["write", "edit"].map(|kind| {
        let (text, more) = run(&["log", "--kind", kind, "--json"]);
        let ids: Vec<String> = text
            .lines()
            .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap())
            .filter(|s| !s["evidence"].is_null())
            .map(|s| s["id"].as_str().unwrap().to_owned())
            .collect();
        assert!(!ids.is_empty(), "{error}{more}");
        ids
    });
    let cat = |id: &str| run(&["cat", &format!("{id}:greet.py")]).0;
    let written = "def greet():\n    print(\"hello\")\n    return 1\n";
    assert_eq!(cat(&steps[0][0]), written);
    let edited = written.replace("hello", "good day").replace('1', "2");
    let known: Vec<String> = steps[1].iter().map(|id| cat(id)).collect();
    // After somebody else's change, and after `/undo`, the text is not known, and nothing is guessed.
    let texts: Vec<&String> = known.iter().filter(|t| !t.is_empty()).collect();
    assert_eq!(texts, [&edited]);
    assert_eq!(known.len(), 3);
}

#[test]
fn the_history_of_requests_gives_answers_and_prompts_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let chat = "# aider chat started at 2026-01-02 03:00:00\n\n#### a  \n\nSame.\n\n> Tokens: 1 sent, 2 received.  \n\n#### b  \n\nSame.\n\nMore\n\n> Tokens: 1 sent, 2 received.  \n\
                \n# aider chat started at 2026-01-02 04:00:00\n\n#### c  \n\nSame.\n";
    let llm = "TO LLM 2026-01-01T00:00:00\nUSER x\nLLM RESPONSE 2026-01-01T00:00:01\nASSISTANT Same.\n\
               TO LLM 2026-01-02T03:01:00\nUSER a\nLLM RESPONSE 2026-01-02T03:01:07\nASSISTANT Same.\n\
               TO LLM 2026-01-02T03:02:00\nUSER b\nLLM RESPONSE 2026-01-02T03:02:08\nASSISTANT Same.\nASSISTANT \nASSISTANT More\n\
               TO LLM 2026-01-02T04:02:00\nUSER c\nLLM RESPONSE 2026-01-02T04:02:09\nASSISTANT Other.\n";
    fs::write(folder.path().join(".aider.llm.history"), llm).unwrap();
    let mut out = Vec::new();
    for line in records(folder.path(), chat) {
        Aider::UTC.parse(Path::new("x"), &line, &mut Default::default(), &mut out);
    }
    let of = |is: fn(&Body) -> bool| -> Vec<Option<String>> {
        let found = out.iter().filter(|e| is(&e.body));
        found
            .map(|e| e.at.map(|t| t.rfc3339()[11..19].to_owned()))
            .collect()
    };
    let some = |t: &str| Some(t.to_owned());
    let prompts = of(|b| matches!(b, Body::Prompt { .. }));
    assert_eq!(prompts, [some("03:01:00"), some("03:02:00"), None]);
    let says = of(|b| matches!(b, Body::Say { .. }));
    assert_eq!(says, [some("03:01:07"), some("03:02:08"), None]);
}
