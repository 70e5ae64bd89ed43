//! Cline, Roo Code and Kilo Code: fixtures, and real tasks where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::ingest::{self, Options};
use regent_tui::model::Time;
use regent_tui::source::cline::{Cline, Roo};
use regent_tui::source::kilo::Kilo;
use regent_tui::source::{Os, Places, Source};
use regent_tui::store::Store;
use serde_json::{Value, json};

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
    let (found, told) = inputs::told(&[&real.join("cline")]);
    assert_eq!(
        (found.sessions, found.prompts, found.edits, found.commands),
        (1, 1, 27, 2),
        "{told}"
    );
    assert_eq!(found.damaged + found.unknown, 0, "{told}");
    // The messages hold one prompt; what was shown holds a second one that no message carries yet.
    let (found, told) = inputs::told(&[&real.join("synthetic-other/roo-code")]);
    assert_eq!(
        (found.sessions, found.prompts, found.edits, found.commands),
        (1, 2, 1, 1),
        "{told}"
    );
    assert_eq!(found.damaged + found.unknown, 0, "{told}");
}

/// The texts that results give as the final contents of files: call, path, text.
fn final_contents(messages: &Path) -> Vec<(String, String, String)> {
    let all: Value = serde_json::from_slice(&fs::read(messages).unwrap()).unwrap();
    let all = all.as_array().unwrap();
    let mut found = Vec::new();
    for pair in all.windows(2) {
        let blocks = |m: &Value| m["content"].as_array().unwrap().clone();
        let Some(call) = blocks(&pair[0])
            .into_iter()
            .find(|b| b["type"] == "tool_use")
        else {
            continue;
        };
        for block in blocks(&pair[1]) {
            let text = block["text"].as_str().unwrap_or_default();
            let Some(at) = text.find("<final_file_content path=\"") else {
                continue;
            };
            let (path, rest) = text[at + 26..].split_once("\">\n").unwrap();
            let end = rest.rfind("\n</final_file_content>").unwrap();
            found.push((
                call["id"].as_str().unwrap().to_owned(),
                path.to_owned(),
                rest[..end].to_owned(),
            ));
        }
    }
    found
}

/// Prints a file at a step with the program itself.
fn cat(home: &Path, at: &str) -> Vec<u8> {
    let out = program(home).args(["cat", at]).output().unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{at}: {err}");
    out.stdout
}

fn program(home: &Path) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::cargo_bin("regent-tui").unwrap();
    command
        .env_clear()
        .env("HOME", home)
        .current_dir(home)
        .args(["--store", "s.db", "--repo", "."]);
    command
}

#[test]
fn final_contents_come_out_byte_for_byte() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    let task = real.join(
        "cline/gmfstu+Online-Card-Architecture/exported_conversation_1769053680585/1769053680585",
    );
    let home = tempfile::tempdir().unwrap();
    let from = ["ingest", "--from", task.to_str().unwrap()];
    program(home.path()).args(from).assert().success();
    let all = final_contents(&task.join("api_conversation_history.json"));
    assert_eq!(all.len(), 27);
    for (call, path, text) in all {
        let printed = cat(home.path(), &format!("{call}:{path}"));
        assert!(printed == text.as_bytes(), "{call} {path}");
    }
}

/// Prompts of the only session, in order, and how many of its steps said something.
fn told(store: &Store, home: &Path) -> (Vec<String>, usize) {
    let options = Options {
        from: vec![home.to_owned()],
        ..Options::default()
    };
    let report = ingest::run(store, &options, Time(0), &mut |_| {}).unwrap();
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    let conn = store.begin().unwrap();
    let sessions: i64 = conn
        .query_row("SELECT count(*) FROM session", [], |r| r.get(0))
        .unwrap();
    assert_eq!(sessions, 1);
    let mut q = conn.prepare("SELECT head FROM prompt ORDER BY no").unwrap();
    let prompts = q
        .query_map([], |r| r.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let says: i64 = conn
        .query_row("SELECT count(*) FROM step WHERE kind = 11", [], |r| {
            r.get(0)
        })
        .unwrap();
    (prompts, usize::try_from(says).unwrap())
}

#[test]
fn a_task_goes_on_and_what_was_taken_back_stays() {
    let temp = tempfile::tempdir().unwrap();
    let task = temp.path().join("1760000000000");
    fs::create_dir(&task).unwrap();
    let store = Store::open_in_memory().unwrap();
    let user = |text: &str| json!({"role": "user", "content": [{"type": "text", "text": text}]});
    let agent =
        |text: &str| json!({"role": "assistant", "content": [{"type": "text", "text": text}]});
    let row = |ts: i64, say: &str, index: i64, text: &str| json!({"ts": ts, "type": "say", "say": say, "text": text, "conversationHistoryIndex": index});
    let write = |messages: &[Value], rows: &[Value]| {
        let text = |v: &[Value]| serde_json::to_string(v).unwrap();
        fs::write(task.join("api_conversation_history.json"), text(messages)).unwrap();
        fs::write(task.join("ui_messages.json"), text(rows)).unwrap();
    };
    let task_words = user("<task>\none\n</task>");
    let mut rows = vec![
        row(1000, "text", -1, "one"),
        row(1001, "api_req_started", -1, "{}"),
        row(1002, "text", 0, "first"),
    ];
    write(&[task_words.clone(), agent("first")], &rows);
    assert_eq!(told(&store, temp.path()), (vec!["one".to_owned()], 1));

    // It goes on: the message behind the agent's is there now.
    rows.push(row(2000, "user_feedback", 1, "two"));
    rows.push(row(2001, "api_req_started", 1, "{}"));
    rows.push(row(2002, "text", 2, "second"));
    let two = user("<feedback>\ntwo\n</feedback>");
    let messages = [
        task_words.clone(),
        agent("first"),
        two.clone(),
        agent("second"),
    ];
    write(&messages, &rows);
    let both = vec!["one".to_owned(), "two".to_owned()];
    assert_eq!(told(&store, temp.path()), (both.clone(), 2));
    assert_eq!(told(&store, temp.path()), (both.clone(), 2), "nothing new");

    // It is taken back to the first answer, and goes another way.
    rows.truncate(3);
    rows.push(row(3000, "user_feedback", 1, "three"));
    rows.push(row(3001, "api_req_started", 1, "{}"));
    rows.push(row(3002, "text", 2, "other"));
    let three = user("<feedback>\nthree\n</feedback>");
    write(&[task_words, agent("first"), three, agent("other")], &rows);
    let all = [both, vec!["three".to_owned()]].concat();
    assert_eq!(told(&store, temp.path()), (all, 3));
}

/// Copies a fixture into the place where its agent keeps tasks.
fn place(case: &str, storage: &Path, name: &str) {
    for task in fs::read_dir(fixtures(case)).unwrap().flatten() {
        if !task.path().is_dir() {
            continue;
        }
        let to = storage.join(name).join("tasks").join(task.file_name());
        fs::create_dir_all(&to).unwrap();
        for file in fs::read_dir(task.path()).unwrap().flatten() {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
        // A shadow repository beside the messages, with a file of their name in it.
        let shadow = to.join("checkpoints/.git");
        fs::create_dir_all(&shadow).unwrap();
        fs::write(shadow.join("api_conversation_history.json"), "[]").unwrap();
    }
}

#[test]
fn tasks_are_found_where_editors_keep_them_and_nothing_is_written_there() {
    let temp = tempfile::tempdir().unwrap();
    let home = temp.path().canonicalize().unwrap();
    let config = home.join(".config");
    let storage = |editor: &str| config.join(editor).join("User/globalStorage");
    place("cline/native", &storage("Code"), "saoudrizwan.claude-dev");
    place("cline/tags", &storage("Cursor"), "saoudrizwan.claude-dev");
    place(
        "roo/native",
        &storage("VSCodium"),
        "rooveterinaryinc.roo-cline",
    );
    place("kilo/tags", &storage("Windsurf"), "kilocode.kilo-code");
    let before = names(&config);
    let map = format!("/home/u/bird={}", home.display());
    program(&home)
        .args(["ingest", "--map", &map])
        .assert()
        .success();
    let out = program(&home)
        .args(["sessions", "--json"])
        .output()
        .unwrap();
    let sessions: Value = serde_json::from_slice(&out.stdout).unwrap();
    let mut agents: Vec<&str> = sessions
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["agent"].as_str().unwrap())
        .collect();
    agents.sort();
    assert_eq!(agents, ["cline", "cline", "kilo", "roo"]);
    assert_eq!(names(&config), before);
    let step = |call: &str| format!("{call}:notes.md");
    let text = "hawks\n<final_file_content path=\"x\">\nquoted\n</final_file_content>\n";
    assert_eq!(cat(&home, &step("toolu_3")), text.as_bytes());
}

/// Everything below a folder.
fn names(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            all.extend(names(&entry.path()));
        }
        all.push(entry.path());
    }
    all.sort();
    all
}
