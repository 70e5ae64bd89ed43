//! Cline, Roo Code and Kilo Code: fixtures, and real tasks where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::path::{Path, PathBuf};

use regent_tui::source::cline::{Cline, Kilo, Roo};
use regent_tui::source::{Os, Places, Source};

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

#[test]
fn every_case_gives_what_is_expected() {
    golden::check_cases(&Cline, &fixtures("cline"));
    golden::check_cases(&Roo, &fixtures("roo"));
    golden::check_cases(&Kilo, &fixtures("kilo"));
}

#[test]
fn they_lie_in_every_editor_of_every_system() {
    for (os, base) in [
        (Os::Linux, "/h/.config"),
        (Os::Mac, "/h/Library/Application Support"),
        (Os::Windows, "/h/AppData/Roaming"),
    ] {
        let places = Places {
            home: PathBuf::from("/h"),
            os,
            ..Places::default()
        };
        let storage = |editor: &str, name: &str| {
            Path::new(base).join(format!("{editor}/User/globalStorage/{name}/tasks"))
        };
        for editor in ["Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf"] {
            let has =
                |source: &dyn Source, name| source.roots(&places).contains(&storage(editor, name));
            assert!(has(&Cline, "saoudrizwan.claude-dev"), "{os:?} {editor}");
            assert!(has(&Roo, "rooveterinaryinc.roo-cline"), "{os:?} {editor}");
            assert!(has(&Kilo, "kilocode.kilo-code"), "{os:?} {editor}");
        }
        let remote = "/h/.vscode-server/data/User/globalStorage/saoudrizwan.claude-dev/tasks";
        assert!(Cline.roots(&places).contains(&PathBuf::from(remote)));
        assert!(
            Cline
                .roots(&places)
                .contains(&PathBuf::from("/h/.cline/data/tasks"))
        );
    }
    let places = Places {
        home: PathBuf::from("/h"),
        env: vec![("CLINE_DIR".to_owned(), "/c".to_owned())],
        ..Places::default()
    };
    assert!(
        Cline
            .roots(&places)
            .contains(&PathBuf::from("/c/data/tasks"))
    );
}

#[test]
fn a_task_is_claimed_by_one_of_them() {
    let claims = |path: &str| {
        let all: [(&str, &dyn Source); 3] = [("cline", &Cline), ("roo", &Roo), ("kilo", &Kilo)];
        let head = b"[\n {\"role\":\"user\"";
        all.into_iter()
            .filter(|(_, s)| s.claims(Path::new(path), head))
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    let file = "api_conversation_history.json";
    let uuid = "0199f3a2-0000-7000-8000-00000000000a";
    for (folder, whose) in [
        ("/x/saoudrizwan.claude-dev/tasks/1".to_owned(), "cline"),
        (format!("/x/rooveterinaryinc.roo-cline/tasks/{uuid}"), "roo"),
        (format!("/x/kilocode.kilo-code/tasks/{uuid}"), "kilo"),
        ("/x/1760000000000".to_owned(), "cline"),
        (format!("/x/{uuid}"), "roo"),
    ] {
        assert_eq!(claims(&format!("{folder}/{file}")), [whose], "{folder}");
    }
    assert!(claims("/x/1760000000000/ui_messages.json").is_empty());
    let other = Path::new("/x/1760000000000").join(file);
    assert!(!Cline.claims(&other, b"{\"role\":1}"));
    assert!(!Cline.claims(&other, b"\xff\xfe"));
}

#[test]
fn real_tasks_give_what_the_index_counts() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    // One task, exported twice: one session.
    let (found, told) = inputs::told(&real.join("cline"));
    assert_eq!(
        (found.sessions, found.prompts, found.edits, found.commands),
        (1, 1, 27, 2),
        "{told}"
    );
    assert_eq!(found.damaged + found.unknown, 0, "{told}");
    // The messages hold one prompt; what was shown holds a second one that no message carries yet.
    let (found, told) = inputs::told(&real.join("synthetic-other/roo-code"));
    assert_eq!(
        (found.sessions, found.prompts, found.edits, found.commands),
        (1, 2, 1, 1),
        "{told}"
    );
    assert_eq!(found.damaged + found.unknown, 0, "{told}");
}
