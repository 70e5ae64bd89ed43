//! The re_gent source: stores made for the test, as its hooks make them, and what is wrong with some.
#![allow(clippy::unwrap_used)]

#[path = "support/golden.rs"]
#[allow(dead_code)]
mod golden;
#[path = "support/rgt.rs"]
#[allow(dead_code)]
mod rgt;

use std::fs;
use std::path::{Path, PathBuf};

use regent_tui::source::regent::Regent;
use regent_tui::source::{Os, Places, Source};
use rgt::Rgt;
use serde_json::json;

/// Checks what is read of a store that `make` makes.
fn check(name: &str, make: impl FnOnce(&mut Rgt)) {
    let tmp = tempfile::tempdir().unwrap();
    let case = tmp.path().join("cases").join(name);
    fs::create_dir_all(&case).unwrap();
    let mut store = Rgt::new(&case);
    make(&mut store);
    let kept =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/regent/{name}.txt"));
    let here = case.to_str().unwrap();
    let expected = fs::read_to_string(&kept).unwrap_or_default();
    fs::write(case.join("expected.txt"), expected.replace("/HERE", here)).unwrap();
    golden::check_cases(&Regent, &tmp.path().join("cases"));
    let text = fs::read_to_string(case.join("expected.txt")).unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        fs::write(kept, text.replace(here, "/HERE")).unwrap();
    }
}

#[test]
fn what_the_hooks_of_four_agents_tell() {
    check("hooks", |r| {
        let s = "claude_code--11111111-aaaa";
        r.session(s, "claude_code");
        r.asks(s, "cap the <retries> & say so\nin a note");
        r.call(
            s,
            "toolu_1",
            "Read",
            &json!({"file_path": "/w/a.rs"}),
            &json!({"type": "text", "file": {"content": "x\n"}}),
        );
        r.call(
            s,
            "toolu_2",
            "Write",
            &json!({"file_path": "/w/n.md", "content": "five\n"}),
            &json!({"type": "create", "originalFile": null}),
        );
        let edit = json!({"file_path": "/w/a.rs", "old_string": "x", "new_string": "y"});
        r.call(
            s,
            "toolu_3",
            "Edit",
            &edit,
            &json!({"filePath": "/w/a.rs", "originalFile": "x\n", "userModified": false}),
        );
        r.call(
            s,
            "toolu_4",
            "Bash",
            &json!({"command": "make"}),
            &json!({"stdout": "out", "stderr": "err", "interrupted": false}),
        );
        r.call(
            s,
            "toolu_5",
            "Bash",
            &json!({"command": "sleep 9"}),
            &json!({"stdout": "", "stderr": "", "interrupted": true}),
        );
        r.says(s, "Capped.");
        r.stops(s, json!([]), Some(&[("a.rs", "y\n")]));
        // A turn that was never answered: no result, no stop.
        r.asks(s, "and again");
        let c = "codex_cli--22222222-bbbb";
        r.session(c, "codex_cli");
        r.asks(c, "delete it");
        let patch = "*** Begin Patch\n*** Add File: b.txt\n+one\n*** End Patch\n";
        r.call(
            c,
            "call_1",
            "apply_patch",
            &json!({"input": patch}),
            &json!("Success"),
        );
        r.call(
            c,
            "call_2",
            "shell",
            &json!({"command": ["bash", "-lc", "rm a.rs"]}),
            &json!({"output": "no", "metadata": {"exit_code": 1}}),
        );
        // The colon was the mark of older versions, and ids are escaped.
        let o = "opencode:ses%2F3+x";
        r.session(o, "opencode");
        r.call(
            o,
            "prt_1",
            "bash",
            &json!({"command": "ls"}),
            &json!("a\nb"),
        );
        // The first hooks made a step of each call and told nothing else; the id is the agent's own.
        let old = "33333333-cccc";
        r.session(old, "claude_code");
        let (args, result) = (
            r.object(br#"{"command":"pwd"}"#),
            r.object(br#"{"stdout":"/w"}"#),
        );
        let cause = json!([{"tool_use_id": "toolu_9", "tool_name": "Bash", "args_blob": args, "result_blob": result}]);
        r.stops(old, cause, Some(&[]));
        r.session("later--4", "later");
        r.asks("later--4", "an agent that nobody knows yet");
    });
}

#[test]
fn a_copy_of_the_transcript_is_read_by_its_own_source() {
    check("copy", |r| {
        let s = "claude_code--44444444-dddd";
        r.session(s, "claude_code");
        r.asks(s, "told twice");
        let line = |n: u32, kind: &str, message: serde_json::Value| {
            json!({"parentUuid": null, "isSidechain": false, "cwd": "/w", "sessionId": "44444444-dddd", "version": "2.1.100",
                   "type": kind, "uuid": format!("u{n}"), "timestamp": format!("2026-03-01T09:00:0{n}.000Z"), "message": message})
            .to_string()
        };
        let first = line(1, "user", json!({"role": "user", "content": "told twice"}));
        let call = json!({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "true"}});
        let second = line(
            2,
            "assistant",
            json!({"role": "assistant", "model": "m", "content": [call]}),
        );
        r.copies(
            s,
            &format!("{{\"type\":\"summary\",\"summary\":\"x\"}}\n{first}\n"),
        );
        r.now += 9;
        r.copies(
            s,
            &format!("{{\"type\":\"summary\",\"summary\":\"x\"}}\n\n{first}\n{second}\n{{\"torn"),
        );
    });
}

#[test]
fn objects_that_are_missing_or_not_what_their_names_say_cost_only_themselves() {
    check("damaged", |r| {
        let s = "pi--1";
        r.session(s, "pi");
        r.asks(s, "go on");
        let input = r.object(b"{\"command\":\"one\"}");
        r.call(s, "c1", "bash", &json!({"command": "one"}), &json!("gone"));
        r.call(s, "c2", "bash", &json!({"command": "two"}), &json!("other"));
        r.call(
            s,
            "c3",
            "bash",
            &json!({"command": "three"}),
            &json!("piped"),
        );
        let name = |text: &str| {
            blake3::hash(json!(text).to_string().as_bytes())
                .to_hex()
                .to_string()
        };
        assert!(r.object_path(&input).exists());
        fs::remove_file(r.object_path(&name("gone"))).unwrap();
        fs::write(r.object_path(&name("other")), "\"forged\"").unwrap();
        let pipe = r.object_path(&name("piped"));
        fs::remove_file(&pipe).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        // No object's name at all.
        r.conn.execute("UPDATE messages SET tool_input = '../../x' WHERE tool_use_id = 'c3' AND tool_input IS NOT NULL", []).unwrap();
        r.copies(s, "{}");
        r.conn
            .execute("UPDATE jsonl_snapshots SET jsonl_blob = 'none'", [])
            .unwrap();
    });
}

#[test]
fn it_lies_in_the_repository_on_every_system() {
    for os in [Os::Linux, Os::Mac, Os::Windows] {
        let places = Places {
            home: PathBuf::from("/h"),
            os,
            projects: vec![PathBuf::from("/p"), PathBuf::from("/q")],
            ..Places::default()
        };
        assert_eq!(
            Regent.roots(&places),
            [
                PathBuf::from("/p/.regent/index.db"),
                PathBuf::from("/q/.regent/index.db")
            ]
        );
    }
    assert!(Regent.is_transcript(Path::new("/p/.regent/index.db")));
    assert!(
        !Regent.is_transcript(Path::new("/p/.regent/history.db")),
        "that is ours"
    );
    assert!(!Regent.is_transcript(Path::new("/p/index.db")));
    let tmp = tempfile::tempdir().unwrap();
    let store = Rgt::new(tmp.path());
    let index = store.folder.join(".regent/index.db");
    let sqlite = b"SQLite format 3\0";
    assert!(Regent.claims(&index, sqlite));
    let other = tmp.path().join("index.db");
    rusqlite::Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE steps (id)")
        .unwrap();
    assert!(!Regent.claims(&other, sqlite), "it has other tables");
    fs::write(&other, &fs::read(&index).unwrap()[..100]).unwrap();
    assert!(!Regent.claims(&other, sqlite), "it is torn");
}
