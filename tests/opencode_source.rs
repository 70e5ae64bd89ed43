//! The OpenCode source: fixtures, and real sessions where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::path::{Path, PathBuf};

use regent_tui::source::opencode::Opencode;
use regent_tui::source::{Places, Source};

#[test]
fn every_case_gives_what_is_expected() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/opencode");
    golden::check_cases(&Opencode, &fixtures);
}

#[test]
fn it_lies_in_the_same_place_on_every_system() {
    let places = Places {
        home: PathBuf::from("/h"),
        ..Places::default()
    };
    assert_eq!(
        Opencode.roots(&places),
        [
            PathBuf::from("/h/.local/share/opencode/opencode.db"),
            PathBuf::from("/h/.local/share/opencode/storage/session")
        ]
    );
    let is = |path: &str| Opencode.is_transcript(Path::new(path));
    assert!(is("/h/.local/share/opencode/storage/session/p/ses_1.json"));
    assert!(!is("/h/.local/share/opencode/storage/session/p/msg_1.json"));
    assert!(!is("/h/.local/share/opencode/auth.json"));
    let none = |path: &str, head: &str| !Opencode.claims(Path::new(path), head.as_bytes());
    assert!(
        none("/x/ses_1.json", r#"{"id":"ses_1"}"#),
        "it lies in no tree"
    );
    assert!(none("/x/session/p/other.json", r#"{"id":"ses_1"}"#));
    assert!(none("/x/y.db", "SQLite format 3\0"), "it is not there");
}

#[test]
fn real_sessions_give_what_the_index_counts() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    // 17 messages of the user, two of which the program wrote. The tree is the same sessions: read together they are one.
    let (database, tree) = (
        real.join("opencode"),
        real.join("synthetic-other/opencode-json"),
    );
    let ways: [&[&Path]; 3] = [&[&database], &[&tree], &[&database, &tree]];
    for folders in ways {
        let (found, told) = inputs::told(folders);
        let counts = (found.sessions, found.prompts, found.edits, found.commands);
        assert_eq!(counts, (3, 15, 17, 34), "{folders:?}\n{told}");
        assert_eq!(found.damaged + found.unknown, 0, "{told}");
    }
}
