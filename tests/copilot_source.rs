//! GitHub Copilot: fixtures, and real sessions where they are at hand.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/inputs.rs"]
mod inputs;

use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::source::copilot::Copilot;
use regent_tui::source::{Body, Os, ParseState, Places, Source};
use serde_json::Value;

/// The chat among the fixtures, and the window without a folder that has a log.
const CHAT: &str = "3f0c2a34-0000-4000-8000-000000000003";
const WORKSPACE: &str = "User/workspaceStorage/0a1b2c3d";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/copilot")
}

#[test]
fn every_case_gives_what_is_expected() {
    golden::check_cases(&Copilot, &fixtures());
}

#[test]
fn it_lies_where_each_system_has_it() {
    for (os, config) in [
        (Os::Linux, "/h/.config"),
        (Os::Mac, "/h/Library/Application Support"),
        (Os::Windows, "/h/AppData/Roaming"),
    ] {
        let mut places = Places {
            home: PathBuf::from("/h"),
            os,
            ..Places::default()
        };
        let roots = Copilot.roots(&places);
        for editor in ["Code", "Code - Insiders", "VSCodium"] {
            let user = Path::new(config).join(editor).join("User");
            for root in ["workspaceStorage", "globalStorage/emptyWindowChatSessions"] {
                assert!(
                    roots.contains(&user.join(root)),
                    "{editor} {root}: {roots:?}"
                );
            }
        }
        assert!(!roots.iter().any(|r| r.to_string_lossy().contains("Cursor")));
        assert!(roots.contains(&PathBuf::from("/h/.copilot/session-state")));
        assert!(roots.contains(&PathBuf::from(
            "/h/.vscode-server/data/User/workspaceStorage"
        )));
        places.env = vec![("COPILOT_HOME".to_owned(), "~/cp".to_owned())];
        assert!(
            Copilot
                .roots(&places)
                .contains(&PathBuf::from("/h/cp/session-state"))
        );
    }
    for (folder, may) in [
        ("/u/workspaceStorage/0a", true),
        ("/u/workspaceStorage/0a/chatSessions", true),
        ("/u/workspaceStorage/0a/GitHub.copilot-chat", true),
        (
            "/u/workspaceStorage/0a/GitHub.copilot-chat/transcripts",
            true,
        ),
        (
            "/u/workspaceStorage/0a/GitHub.copilot-chat/debug-logs",
            false,
        ),
        ("/u/workspaceStorage/0a/redhat.java", false),
        ("/u/workspaceStorage/0a/chatEditingSessions", false),
        ("/h/.copilot/session-state/1f", true),
    ] {
        assert_eq!(Copilot.may_hold(Path::new(folder)), may, "{folder}");
    }
    for (path, is) in [
        ("session-state/1f/events.jsonl", true),
        ("workspaceStorage/0a/chatSessions/1f.json", true),
        ("workspaceStorage/0a/chatSessions/1f.jsonl", true),
        ("globalStorage/emptyWindowChatSessions/1f.json", true),
        (
            "workspaceStorage/0a/GitHub.copilot-chat/transcripts/1f.jsonl",
            true,
        ),
        (
            "workspaceStorage/0a/other.extension/transcripts/1f.jsonl",
            false,
        ),
        (
            "workspaceStorage/0a/chatEditingSessions/1f/state.json",
            false,
        ),
        ("workspaceStorage/0a/chatSessions/1f.json.vsctmp", false),
        ("workspaceStorage/0a/workspace.json", false),
        ("session-state/1f/plan.md", false),
    ] {
        assert_eq!(Copilot.is_transcript(Path::new(path)), is, "{path}");
    }
}

#[test]
fn only_what_says_all_that_it_must_is_claimed() {
    let claims = |path: &str, head: &str| Copilot.claims(Path::new(path), head.as_bytes());
    let event = r#"{"type":"session.start","data":{"sessionId":"a"},"id":"e","timestamp":"2026-01-01T00:00:00Z","parentId":null}"#;
    assert!(claims("x.jsonl", event) && claims("x.json", event));
    assert!(claims("x.jsonl", &format!("{event}\n{{\"torn")));
    let chat = r#"{"responderUsername":"GitHub Copilot","initialLocation":"panel","requests":[{"requestId":"#;
    assert!(claims("/x/a.json", chat));
    assert!(!claims("/x/a.txt", chat));
    assert!(claims("x.jsonl", &format!("{{\"kind\":0,\"v\":{chat}")));
    for other in [
        "",
        "[]",
        "{}",
        r#"{"requests":[]}"#,
        r#"{"kind":0,"v":{}}"#,
        r#"{"kind":1,"v":7}"#,
        r#"{"type":"session.start","data":{}}"#,
        r#"{"type":"session","version":3,"id":"x","timestamp":"2026-01-02T03:04:05.000Z","cwd":"/"}"#,
        r#"{"type":"user","sessionId":"a","message":{"role":"user","content":"x"}}"#,
    ] {
        assert!(
            !claims("x.jsonl", other) && !claims("x.json", other),
            "{other}"
        );
    }
}

#[test]
fn hostile_lines_say_nothing_that_is_not_there() {
    for line in [
        r#"{"type":"user.message","data":{"content":{"a":1}},"id":"e"}"#,
        r#"{"type":"user.message","data":null}"#,
        r#"{"type":["user.message"],"data":{}}"#,
        r#"{"type":"assistant.message","data":{"toolRequests":[null,{}],"outputTokens":-1}}"#,
        r#"{"type":"tool.execution_complete","data":{"success":true}}"#,
        r#"{"session":"s","key":"k","order":"","kind":"request","body":{"message":7}}"#,
        r#"{"session":"s","key":"k","order":"","kind":"request","body":[]}"#,
        r#"{"session":"s","key":"k","order":"","kind":"head","body":"x"}"#,
        "[]",
        "7",
        "\u{0}",
    ] {
        let mut out = Vec::new();
        let mut state = ParseState::default();
        Copilot.parse(Path::new("x"), line.as_bytes(), &mut state, &mut out);
        let said = |b: &Body| matches!(b, Body::Prompt { .. } | Body::Say { .. } | Body::Call(_));
        assert!(!out.iter().any(|e| said(&e.body)), "{line}: {out:?}");
    }
}

/// Everything below a folder that is a file.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(dir) = open.pop() {
        for path in fs::read_dir(dir).unwrap().flatten().map(|e| e.path()) {
            match path.is_dir() {
                true => open.push(path),
                false => all.push(path),
            }
        }
    }
    all.sort();
    all
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let at = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::copy(&file, at).unwrap();
    }
}

#[test]
fn torn_and_hostile_inputs_do_no_harm() {
    let temp = tempfile::tempdir().unwrap();
    copy(&fixtures(), temp.path());
    let all = files(temp.path());
    let inputs: Vec<&PathBuf> = all.iter().filter(|f| Copilot.is_transcript(f)).collect();
    let read = || {
        for input in &inputs {
            let Some(extractor) = Copilot.extractor(input) else {
                continue;
            };
            let mut open = extractor.open(input, &Places::default()).unwrap();
            // What cannot be read is an error; what was handed out before is whole.
            let _ = open.records("", &mut |given| {
                let line = regent_tui::source::record::line(&given);
                let mut out = Vec::new();
                Copilot.parse(input, &line, &mut ParseState::default(), &mut out);
                Ok(())
            });
        }
    };
    for file in all
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e != "txt"))
    {
        let bytes = fs::read(file).unwrap();
        for part in 0..12 {
            fs::write(file, &bytes[..bytes.len() * part / 12]).unwrap();
            read();
            let mut wrong = bytes.clone();
            if let Some(byte) = wrong.get_mut(bytes.len() * part / 12) {
                *byte = b"\0\xff{\"7["[part % 6];
            }
            fs::write(file, wrong).unwrap();
            read();
        }
        for hostile in [
            "[]",
            "{}",
            "null",
            "{\"requests\":{}}",
            "\u{feff}{}",
            &"[".repeat(100_000),
        ] {
            fs::write(file, hostile).unwrap();
            read();
        }
        fs::write(file, bytes).unwrap();
    }
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

fn run(home: &Path, args: &[&str]) -> Vec<u8> {
    let out = program(home).args(args).output().unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{args:?}: {err}");
    out.stdout
}

fn json(home: &Path, args: &[&str]) -> Value {
    serde_json::from_slice(&run(home, args)).unwrap()
}

/// What the sessions that are no sub-agent's come to: prompts, edits, commands.
fn counts(home: &Path) -> Vec<(u64, u64, u64)> {
    let all = json(home, &["sessions", "--json"]);
    let main = all
        .as_array()
        .unwrap()
        .iter()
        .filter(|s| s["parent_id"].is_null());
    let n = |s: &Value, name: &str| s[name].as_u64().unwrap();
    main.map(|s| (n(s, "prompts"), n(s, "edits"), n(s, "commands")))
        .collect()
}

#[test]
fn a_chat_is_one_session_by_whatever_ways_it_was_reached() {
    let chat = fixtures().join("chat").join(WORKSPACE);
    let hooks = fixtures().join("hooks").join(WORKSPACE);
    let transcript = fs::read_to_string(
        files(&hooks)
            .iter()
            .find(|f| f.extension().is_some_and(|e| e == "jsonl"))
            .unwrap(),
    )
    .unwrap()
    .replace("2f0c2a34-0000-4000-8000-000000000002", CHAT);
    let want = (4, 6, 3);
    for order in [[0, 1, 2], [1, 2, 0], [2, 1, 0]] {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().canonicalize().unwrap();
        let storage = home.join(".config/Code/User/workspaceStorage");
        let map = format!("/w/proj={}", home.display());
        for way in order {
            match way {
                0 => copy(&chat, &storage.join("0a1b2c3d")),
                // The transcript that the hook was shown.
                1 => {
                    let folder = storage.join("0a1b2c3d/GitHub.copilot-chat/transcripts");
                    fs::create_dir_all(&folder).unwrap();
                    fs::write(folder.join(format!("{CHAT}.jsonl")), &transcript).unwrap();
                    fs::copy(
                        chat.join("workspace.json"),
                        storage.join("0a1b2c3d/workspace.json"),
                    )
                    .unwrap();
                }
                // A copy in another workspace, and the log that takes its place.
                _ => {
                    copy(&chat, &storage.join("ffffffff"));
                    let document = storage.join(format!("ffffffff/chatSessions/{CHAT}.json"));
                    let text: Value =
                        serde_json::from_slice(&fs::read(&document).unwrap()).unwrap();
                    let log = serde_json::json!({"kind": 0, "v": text}).to_string();
                    fs::write(document.with_extension("jsonl"), log + "\n").unwrap();
                }
            }
            run(&home, &["ingest", "--map", &map]);
        }
        assert_eq!(counts(&home), [want], "{order:?}");
        run(&home, &["doctor", "--rebuild"]);
        assert_eq!(counts(&home), [want], "{order:?}, rebuilt");
    }
}

#[test]
fn texts_that_the_editor_kept_come_out_byte_for_byte_and_nothing_is_written_there() {
    let temp = tempfile::tempdir().unwrap();
    let home = temp.path().canonicalize().unwrap();
    let user = home.join(".config/VSCodium/User");
    copy(&fixtures().join("chat").join("User"), &user);
    let before = files(&user);
    run(
        &home,
        &["ingest", "--map", &format!("/w/proj={}", home.display())],
    );
    for (step, path, text) in [
        ("u-2", "a.txt", "1\ntwo\nthree\n"),
        ("u-3", "a.txt", "1\n2\nthree\n"),
        ("toolu_5", "new.txt", "new\n"),
        ("request_1//w/proj/byhand.txt", "byhand.txt", "by\n"),
        ("u-10", "a.txt", "> 1\n2\nthree\n"),
    ] {
        let printed = run(&home, &["cat", &format!("{step}:{path}")]);
        assert_eq!(String::from_utf8_lossy(&printed), text, "{step}");
    }
    assert_eq!(files(&user), before);
}

#[test]
fn edits_of_the_program_for_the_terminal_are_replayed() {
    let temp = tempfile::tempdir().unwrap();
    let home = temp.path().canonicalize().unwrap();
    copy(&fixtures().join("terminal"), &home.join(".copilot"));
    run(
        &home,
        &["ingest", "--map", &format!("/w/proj={}", home.display())],
    );
    for (step, path, text) in [
        ("c4", "a.txt", "1\ntwo. three\n"),
        ("c5", "b.txt", "new\n"),
        ("c6", "b.txt", "newer\n"),
        ("c6", "c.txt", "c\n"),
    ] {
        let printed = run(&home, &["cat", &format!("{step}:{path}")]);
        assert_eq!(String::from_utf8_lossy(&printed), text, "{step}");
    }
}

#[test]
fn real_sessions_give_what_the_index_counts() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    let (found, told) = inputs::told(&[&real.join("copilot")]);
    let counts = (found.sessions, found.prompts, found.edits, found.commands);
    // The index has 17 prompts, two of them the harness's own (`source`); two answers to questions are prompts here. It counts
    // calls that edit: `rm` of a file is an edit too, and so the ninth. It counts commands that started: one of a fixture
    // is told only by the message that asked for it.
    assert_eq!(counts, (10, 17, 9, 68), "{told}");
    assert_eq!(found.damaged + found.unknown, 0, "{told}");
    let (found, told) = inputs::told(&[&real.join("copilot-chat")]);
    let counts = (found.sessions, found.prompts, found.edits, found.commands);
    // Ten transcripts for hooks and two exported chats, one with a sub-agent. The index counts what was replaced (86 times);
    // here a call that edits several places is one edit. It counts commands that ran (9); 11 more stand in messages from the
    // time before the hook was on, of which the transcript says no more.
    assert_eq!(counts, (13, 25, 43, 20), "{told}");
    assert_eq!(found.damaged + found.unknown, 0, "{told}");
}

#[test]
fn the_text_of_a_real_chat_comes_out_byte_for_byte() {
    let Some(real) = inputs::real() else {
        println!("SKIPPED: no folder of real sessions (set REGENT_TRANSCRIPTS)");
        return;
    };
    let folder = real.join("synthetic-other/vscode-copilot");
    let all = files(&folder);
    let kept = all
        .iter()
        .filter(|f| f.parent().is_some_and(|p| p.ends_with("contents")))
        .map(|f| fs::read(f).unwrap())
        .find(|bytes| !bytes.is_empty())
        .unwrap();
    let temp = tempfile::tempdir().unwrap();
    let home = temp.path().canonicalize().unwrap();
    run(&home, &["ingest", "--from", folder.to_str().unwrap()]);
    // Two copies of it, one of them torn: one session, with a sub-agent's.
    assert_eq!(counts(&home), [(1, 1, 0)]);
    let log = String::from_utf8(run(&home, &["log", "--json"])).unwrap();
    let mut steps = log
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap());
    let step = steps.find(|s| s["kind"] == "write").unwrap();
    let path = step["target"].as_str().unwrap();
    let at = format!("{}:{path}", step["id"].as_str().unwrap());
    assert!(run(&home, &["cat", &at]) == kept, "{at}");
}

/// The sub-agents' sessions of a store: the call by which they are named, their parent's, title, prompts and steps.
type Child = (String, String, Option<String>, i64, i64);

fn children(store: &Path) -> Vec<Child> {
    let conn = rusqlite::Connection::open(store).unwrap();
    let mut q = conn
        .prepare(
            "SELECT c.native_id, p.native_id, c.title, (SELECT count(*) FROM prompt WHERE session_id = c.id),
                    (SELECT count(*) FROM step WHERE session_id = c.id)
             FROM session c JOIN session p ON p.id = c.parent_id
             JOIN step s ON s.spawned = c.native_id AND s.session_id = p.id ORDER BY c.native_id",
        )
        .unwrap();
    let short = |id: String| id.rsplit('/').next().unwrap().to_owned();
    let rows = q.query_map([], |r| {
        Ok((
            short(r.get(0)?),
            short(r.get(1)?),
            r.get(2)?,
            r.get(3)?,
            r.get(4)?,
        ))
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn what_a_sub_agent_did_hangs_on_the_call_that_started_it() {
    let terminal = "1f0c2a34-0000-4000-8000-000000000001";
    let child = |call: &str, parent: &str, title: &str, prompts, steps| {
        let title = Some(title.to_owned());
        (call.to_owned(), parent.to_owned(), title, prompts, steps)
    };
    for (case, at, want) in [
        (
            "subagents",
            ".copilot",
            vec![
                child("call_task1", terminal, "Find all callers of f.", 1, 3),
                // Of these two nothing says what they were asked but the calls.
                child("call_task2", terminal, "Again", 0, 1),
                child("s2", "call_task1", "Deeper", 0, 1),
            ],
        ),
        (
            "chat/User",
            ".config/Code/User",
            vec![child("u-6", CHAT, "Find the callers.", 1, 2)],
        ),
    ] {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().canonicalize().unwrap();
        copy(&fixtures().join(case), &home.join(at));
        run(
            &home,
            &["ingest", "--map", &format!("/w/proj={}", home.display())],
        );
        assert_eq!(children(&home.join("s.db")), want);
        assert_eq!(counts(&home).len(), 1);
    }
}
