//! The Cursor source: fixtures, and real sessions where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
#[allow(dead_code)]
mod inputs;

use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::source::cursor::Cursor;
use regent_tui::source::{Os, Places, Source};

#[test]
fn every_case_gives_what_is_expected() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cursor");
    golden::check_cases(&Cursor, &fixtures);
}

#[test]
fn it_lies_where_each_system_has_it() {
    for (os, user) in [
        (Os::Linux, "/h/.config/Cursor/User"),
        (Os::Mac, "/h/Library/Application Support/Cursor/User"),
        (Os::Windows, "/h/AppData/Roaming/Cursor/User"),
    ] {
        let places = Places {
            home: PathBuf::from("/h"),
            os,
            ..Places::default()
        };
        assert_eq!(
            Cursor.roots(&places),
            [
                Path::new(user).join("globalStorage/state.vscdb"),
                Path::new(user).join("workspaceStorage"),
                PathBuf::from("/h/.cursor/chats"),
                PathBuf::from("/h/.cursor/projects"),
            ]
        );
    }
    let is = |path: &str| Cursor.is_transcript(Path::new(path));
    assert!(is("/h/.config/Cursor/User/workspaceStorage/0a/state.vscdb"));
    assert!(is("/h/.cursor/chats/0a/1b/store.db"));
    assert!(is("/h/.cursor/projects/w-shop/agent-transcripts/1b.jsonl"));
    assert!(!is("/h/.cursor/projects/w-shop/terminals/1.jsonl"));
    assert!(!is(
        "/h/.config/Cursor/User/workspaceStorage/0a/state.vscdb.backup"
    ));
}

#[test]
fn a_line_of_somebody_else_is_not_claimed() {
    let claims = |path: &str, head: &str| Cursor.claims(Path::new(path), head.as_bytes());
    let said = |words: &str| {
        format!(
            "{{\"role\":\"user\",\"message\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{words}\"}}]}}}}\n{{"
        )
    };
    let marked = said("<user_query>\\nhi\\n</user_query>");
    assert!(claims("/x/1.jsonl", &marked));
    assert!(claims("/x/agent-transcripts/1.jsonl", &said("hi")));
    assert!(
        !claims("/x/1.jsonl", &said("hi")),
        "nothing says whose it is"
    );
    assert!(!claims("/x/1.txt", &marked));
    let claude = marked.replacen('{', "{\"type\":\"user\",", 1);
    assert!(!claims("/x/1.jsonl", &claude));
    assert!(
        !claims("/x/state.vscdb", "SQLite format 3\0"),
        "it is not there"
    );
}

#[test]
fn real_sessions_give_what_the_index_counts() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    // The same session three times: as the editor keeps it, and twice as the terminal does; alone and all together.
    let editor = real.join("cursor/shubhambasak+omarchy-dotfiles");
    let terminal = real.join("synthetic-other/cursor-cli");
    for folders in [
        vec![editor.clone()],
        vec![terminal.join(".cursor/chats")],
        vec![terminal.join(".cursor/projects")],
        vec![terminal.clone()],
        vec![editor.clone(), terminal.clone()],
        vec![terminal, editor],
    ] {
        let (found, told) = inputs::told_all(&folders);
        assert_eq!(
            (found.sessions, found.prompts, found.edits, found.commands),
            (1, 2, 15, 12),
            "{folders:?}\n{told}"
        );
        assert_eq!(found.damaged + found.unknown, 0, "{told}");
    }
}
