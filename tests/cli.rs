//! The real binary in a home of its own: what each command prints, as text and as data, and how it fails.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/home.rs"]
mod home;

use std::process::Stdio;

use home::{Home, SESSION, STATES};
use serde_json::Value;

/// The names of an object's fields, in order.
fn fields(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// The fields of a session that product.md promises; sorted, as `serde_json` keeps them.
const SESSION_FIELDS: &[&str] = &[
    "added",
    "agent",
    "archived",
    "commands",
    "cwd",
    "edits",
    "ended_at",
    "failed",
    "files_changed",
    "id",
    "model",
    "native_id",
    "parent_id",
    "prompts",
    "removed",
    "source",
    "started_at",
    "steps",
    "title",
    "warnings",
];

const STEP_FIELDS: &[&str] = &[
    "added",
    "at",
    "duration_ms",
    "evidence",
    "exit_code",
    "id",
    "kind",
    "paths",
    "prompt_id",
    "prompt_no",
    "removed",
    "seq",
    "session_id",
    "status",
    "target",
    "title",
];

fn step(h: &Home, kind: &str) -> Value {
    h.json_lines(&["log", "--json", "--kind", kind])
        .swap_remove(0)
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

#[test]
fn help_is_the_same_for_everybody() {
    let h = Home::empty();
    let mut all = h.out(&["--help"]);
    for command in [
        "ingest",
        "sessions",
        "log",
        "show",
        "diff",
        "cat",
        "blame",
        "history",
        "search",
        "init",
        "uninstall",
        "hook",
        "status",
        "doctor",
        "completions",
        "man",
        "demo",
    ] {
        all.push_str(&format!(
            "\n──── {command}\n\n{}",
            h.out(&[command, "--help"])
        ));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn sessions_are_listed() {
    let h = Home::with_story();
    insta::assert_snapshot!(h.out(&["sessions"]).trim_end(), @"szjgysdff  today 09:00  claude  why does checkout hang? it should give up                     2 prompts  ✓ tests  2 files  +3 −1");
    let all = h.json(&["sessions", "--json"]);
    let session = &all[0];
    assert_eq!(all.as_array().unwrap().len(), 1);
    assert_eq!(fields(session), SESSION_FIELDS);
    assert_eq!(session["native_id"], SESSION);
    assert_eq!(session["started_at"], "2026-03-01T09:00:01.000Z");
    assert_eq!(
        session["source"],
        format!("~/.claude/projects/-shop/{SESSION}.jsonl")
    );
    assert_eq!(
        (&session["prompts"], &session["steps"], &session["failed"]),
        (&2.into(), &8.into(), &1.into())
    );
    assert_eq!(session["warnings"], serde_json::json!([]));
}

#[test]
fn the_log_is_newest_first_and_filters() {
    let h = Home::with_story();
    insta::assert_snapshot!(h.out(&["log"]), @r"
    tvyfmkepi  today 09:00      message   Done: checkout gives up after five tries.
    t6tfxbqdd  today 09:00      command   cargo test  ✓ tests  1.0 s
    teve7xmla  today 09:00      edit      src/main.rs  +1  −0
    tn4l2dtqh  today 09:00      write     notes with blank.txt  +1  −0
    tldn2mzjq  today 09:00      command   cargo test  ✗ tests  exit 101  1.0 s
    tsi5ytzo6  today 09:00      edit      src/main.rs  +1  −1
    tys54komt  today 09:00      message   The loop has no bound. I will cap it.
    tmmuikptx  today 09:00      read      src/main.rs
    ");
    let count = |args: &[&str]| h.json_lines(&[&["log", "--json"], args].concat()).len();
    assert_eq!(count(&["-n", "3"]), 3);
    assert_eq!(count(&["--failed"]), 1);
    assert_eq!(count(&["--path", "MAIN.rs"]), 3);
    assert_eq!(count(&["--kind", "edit", "--kind", "write"]), 3);
    assert_eq!(count(&["--session", "0f1e2d3c", "--kind", "command"]), 2);
    let step = step(&h, "edit");
    assert_eq!(fields(&step), STEP_FIELDS);
    assert_eq!(step["paths"], serde_json::json!(["src/main.rs"]));
    assert_eq!(
        (&step["evidence"], &step["prompt_no"]),
        (&"recorded".into(), &2.into())
    );
}

#[test]
fn a_step_is_shown_whole() {
    let h = Home::with_story();
    let first = h.json_lines(&["log", "--json", "--kind", "edit"]).remove(1);
    insta::assert_snapshot!(h.out(&["show", id(&first)]), @r"
    tsi5ytzo6bcc6jm7n  edit      src/main.rs  +1  −1
    session   claude szjgysdfffyqhknrl  why does checkout hang? it should give up
    when      2026-03-01 09:00:06
    took      1.0 s
    evidence  recorded

    prompt 1
        why does checkout hang? it should give up

    reply
        The loop has no bound. I will cap it.

    input
        -loop { retry(); }
        +for _ in 0..5 { retry(); }

    output
        updated

    changes
    diff --git a/src/main.rs b/src/main.rs
    --- a/src/main.rs
    +++ b/src/main.rs
    @@ -1,3 +1,3 @@
     fn main() {
    -    loop { retry(); }
    +    for _ in 0..5 { retry(); }
     }
    ");
    let whole = h.json(&["show", "--json", id(&first)]);
    for field in STEP_FIELDS
        .iter()
        .chain(&["prompt_text", "reply", "input", "output", "changes"])
    {
        assert!(whole.get(field).is_some(), "{field}");
    }
    let change = &whole["changes"][0];
    for field in [
        "path", "op", "old_path", "before", "after", "added", "removed", "evidence", "patch",
    ] {
        assert!(change.get(field).is_some(), "{field}");
    }
    assert_eq!(
        change["after"],
        blake3::hash(STATES[1].as_bytes()).to_hex().as_str()
    );
    assert_eq!(
        h.json(&["show", "--json", "0f1e/2"])
            .as_array()
            .unwrap()
            .len(),
        5
    );
}

#[test]
fn a_diff_can_be_applied_by_git() {
    let h = Home::with_story();
    let tree = h.path("tree");
    std::fs::create_dir_all(tree.join("src")).unwrap();
    std::fs::write(tree.join("src/main.rs"), STATES[0]).unwrap();
    for prompt in ["0f1e/1", "0f1e/2"] {
        let patch = h.run(&["diff", prompt]).output().unwrap().stdout;
        let mut git = std::process::Command::new("git")
            .args(["apply", "-"])
            .current_dir(&tree)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut git.stdin.take().unwrap(), &patch).unwrap();
        assert!(git.wait().unwrap().success());
    }
    assert_eq!(
        std::fs::read_to_string(tree.join("src/main.rs")).unwrap(),
        STATES[2]
    );
    assert_eq!(
        std::fs::read_to_string(tree.join("notes with blank.txt")).unwrap(),
        "bounded\u{1b}[31m\n"
    );
    // Between two steps: only what came behind the first.
    let between = h.json(&["diff", "--json", "0f1e/1", "@"]);
    let names: Vec<_> = between
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["path"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["notes with blank.txt", "src/main.rs"]);
    assert_eq!(
        between[1]["before"],
        blake3::hash(STATES[1].as_bytes()).to_hex().as_str()
    );
    assert_eq!(h.json(&["diff", "--json", "@", "0f1e/1"]), between);
}

#[test]
fn a_file_is_printed_as_it_was() {
    let h = Home::with_story();
    let steps = h.json_lines(&["log", "--json", "--session", SESSION]);
    // Newest first: message, test, edit, write, failed test, edit, message, read.
    let expected = [2, 2, 2, 1, 1, 1, 0, 0];
    for (step, state) in steps.iter().zip(expected) {
        assert_eq!(
            h.out(&["cat", &format!("{}:src/main.rs", id(step))]),
            STATES[state],
            "{step}"
        );
    }
    assert_eq!(
        h.out(&["cat", &format!("{}^:src/main.rs", id(&steps[5]))]),
        STATES[0]
    );
    assert_eq!(
        h.out(&["cat", &format!("{}^:./src/main.rs", id(&steps[2]))]),
        STATES[1]
    );
    let absolute = h.path("shop/src/main.rs");
    assert_eq!(
        h.out(&["cat", &format!("@:{}", absolute.display())]),
        STATES[2]
    );
    let write = id(&steps[3]);
    assert_eq!(
        h.err(&["cat", &format!("{write}^:notes with blank.txt")]),
        (
            1,
            "error: notes with blank.txt: there was no such file at this step\n".to_owned()
        )
    );
    let (code, text) = h.err(&["cat", "@:nothing.rs"]);
    assert_eq!(
        (code, text.lines().next()),
        (1, Some("error: no session read or changed nothing.rs"))
    );
}

#[test]
fn search_looks_everywhere() {
    let h = Home::with_story();
    insta::assert_snapshot!(h.out(&["search", "retry"]), @r"
    szjgysdff  claude  why does checkout hang? it should give up  today 09:00
      t6tfxbqdd  command    test retry ... ok
      tldn2mzjq  command    test retry ... FAILED
      tsi5ytzo6  edit       +for _ in 0..5 { retry(); }
    ");
    let hits = h.json_lines(&["search", "--json", "checkout hang"]);
    assert_eq!(
        (&hits[0]["what"], &hits[0]["prompt_no"]),
        (&"prompt".into(), &1.into())
    );
    assert_eq!(
        hits[0]["matched"].as_array().unwrap().len(),
        "checkouthang".len()
    );
    // Whatever is typed is words, never syntax.
    for odd in [
        "\"", "a OR", "NEAR(", "*", "src/*.rs", "col:x", "(((", "-x", "^a", "重试",
    ] {
        let done = h.run(&["search", "--", odd]).output().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&done.stderr)
                .matches("syntax")
                .count(),
            0
        );
        assert!(matches!(done.status.code(), Some(0 | 1)), "{odd}");
    }
    assert_eq!(
        h.err(&["search", "zebra"]),
        (1, "error: nothing found for zebra\n".to_owned())
    );
}

#[test]
fn steps_are_named_in_many_ways() {
    let h = Home::with_story();
    let newest = h.json(&["show", "--json", "@"]);
    let whole = id(&newest).to_owned();
    for name in [&whole[..], &whole[..6], "0f1e2d3c/2.5", "@~0"] {
        assert_eq!(
            h.json(&["show", "--json", name])["id"],
            whole.as_str(),
            "{name}"
        );
    }
    let edit = id(&step(&h, "edit")).to_owned();
    assert_eq!(h.json(&["show", "--json", "toolu_11"])["id"], edit.as_str());
    assert_eq!(h.json(&["show", "--json", "@~2"])["id"], edit.as_str());
    for (name, why) in [
        ("@~99", "error: there are not so many steps: @~99\n"),
        ("0f1e/9", "error: the session has no prompt 9\n"),
        ("0f1e/2.9", "error: prompt 2 has no step 9\n"),
    ] {
        assert_eq!(h.err(&["show", name]), (1, why.to_owned()));
    }
    for (name, why) in [
        ("zzzz", "error: no step zzzz"),
        ("0f1e", "error: 0f1e is a session, not a step"),
    ] {
        let (code, text) = h.err(&["show", name]);
        assert_eq!((code, text.lines().next()), (1, Some(why)));
        assert!(text.contains("\nhint: "), "{text}");
    }
}

#[test]
fn status_and_doctor_say_what_is_there() {
    let h = Home::with_story();
    let status = h.json(&["status", "--json"]);
    assert_eq!(status["store"], "~/shop/.regent/history.db");
    assert_eq!(
        (&status["sessions"], &status["steps"], &status["prompts"]),
        (&1.into(), &8.into(), &2.into())
    );
    assert_eq!(status["looked_in"][0]["transcripts"], 1);
    assert!(
        h.out(&["status"])
            .contains("~/shop/.regent/history.db  repository, ")
    );
    let checks = h.json(&["doctor", "--json"]);
    let verdicts: Vec<_> = checks
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["verdict"].as_str().unwrap())
        .collect();
    assert!(verdicts.len() > 7, "{checks}");
    assert!(verdicts.iter().all(|v| *v == "ok"), "{checks}");
    let before = h.json(&["log", "--json", "-n", "1"]);
    h.run(&["doctor", "--rebuild"]).assert().success();
    assert_eq!(h.json(&["log", "--json", "-n", "1"]), before);
    assert!(h.out(&["doctor", "--formats"]).contains("2.1.100"));
}

#[test]
fn what_was_not_understood_is_told() {
    let h = Home::empty();
    h.write_story();
    let mut text = std::fs::read_to_string(h.transcript()).unwrap();
    text.push_str("{\"type\":\"from-the-future\",\"sessionId\":\"0f1e2d3c-0000-4000-8000-000000000001\"}\n{torn}\n");
    std::fs::write(h.transcript(), text).unwrap();
    h.run(&["ingest"]).assert().success();
    let warnings = &h.json(&["sessions", "--json"])[0]["warnings"];
    assert_eq!(
        warnings,
        &serde_json::json!(["1 damaged line", "1 record not understood"])
    );
    let told = h.out(&["doctor"]);
    assert!(told.contains("1 of claude from-the-future"), "{told}");
}

#[test]
fn usage_errors_are_two_and_refusals_are_one() {
    let h = Home::empty();
    for wrong in [
        &["log", "--kind", "edits"][..],
        &["cat"],
        &["--colour"],
        &["-q", "-v", "log"],
        &["ingest", "--map", "x"],
    ] {
        assert_eq!(h.err(wrong).0, 2, "{wrong:?}");
    }
    let (code, text) = h.err(&["sessions"]);
    assert_eq!(code, 1);
    assert!(
        text.contains("no session of an agent belongs to ~/shop") && text.contains("hint: "),
        "{text}"
    );
    assert!(!h.path("shop/.regent").exists(), "looking made a store");
    let (code, text) = h.err(&["ingest", "--from", "nowhere"]);
    assert_eq!(
        (code, text.contains("there is no such file or folder")),
        (1, true)
    );
}

#[test]
fn foreign_text_cannot_act_on_a_terminal() {
    let h = Home::with_story();
    for args in [
        &["log", "--color", "always"][..],
        &["show", "0f1e/2"],
        &["show", "0f1e/2", "--json"],
        &["search", "bounded"],
    ] {
        let out = h.out(args);
        assert!(
            !out.contains("\u{1b}[31m") || args.contains(&"always"),
            "{args:?}"
        );
        assert!(!out.contains("bounded\u{1b}"), "{args:?}");
    }
    assert!(h.out(&["log", "--color", "always"]).contains("\u{1b}["));
    assert!(!h.out(&["log", "--color", "never"]).contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let h = Home::with_story();
    let script = format!(
        "{} log --json | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}",
        assert_cmd::cargo::cargo_bin!("regent-tui").display()
    );
    let done = std::process::Command::new("bash")
        .args(["-c", &script])
        .env("HOME", h.path(""))
        .current_dir(h.path("shop"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "0");
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
}

#[test]
fn completions_and_manual_are_made_from_the_definitions() {
    let h = Home::empty();
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            h.out(&["completions", shell]).contains("regent-tui"),
            "{shell}"
        );
    }
    let man = h.out(&["man"]);
    assert!(man.starts_with(".ie") || man.contains(".TH"), "{man}");
    assert!(man.contains(".SH \"DIFF\""), "{man}");
}
