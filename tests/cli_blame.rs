//! The real binary: what `blame` and `history` print, as text and as data, and how they fail.

#![allow(clippy::unwrap_used)]

#[path = "support/git.rs"]
#[allow(dead_code)]
mod git;
#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;

use home::{Home, STATES};
use serde_json::Value;

/// The story, with its file on disk as the session left it, and a line more.
fn story() -> Home {
    let h = Home::with_story();
    std::fs::create_dir_all(h.path("shop/src")).unwrap();
    let text = format!("{}// mine\n", STATES[2]);
    std::fs::write(h.path("shop/src/main.rs"), text).unwrap();
    h
}

#[test]
fn runs_of_lines_stand_under_who_wrote_them() {
    let h = story();
    insta::assert_snapshot!(h.out(&["blame", "src/main.rs"]), @r#"
    before  older than today 09:00
    1 │ fn main() {
    agent  claude tsi5ytzo6  prompt 1: why does checkout hang? it should give up  today 09:00  recorded
    2 │     for _ in 0..5 { retry(); }
    before  older than today 09:00
    3 │ }
    agent  claude teve7xmla  prompt 2: add a note, run the tests  today 09:00  recorded
    4 │ // done
    unknown  after today 09:00
    5 │ // mine
    "#);
    insta::assert_snapshot!(h.out(&["blame", "src/main.rs:2"]), @r#"
    agent  claude tsi5ytzo6  prompt 1: why does checkout hang? it should give up  today 09:00  recorded
    2 │     for _ in 0..5 { retry(); }

    prompt
        why does checkout hang? it should give up
    "#);
    insta::assert_snapshot!(h.out(&["blame", "src/main.rs:2", "--back", "2"]), @r#"
    replaced by agent  claude tsi5ytzo6  prompt 1: why does checkout hang? it should give up  today 09:00  recorded
    before  older than today 09:00
    2 │     loop { retry(); }
    "#);
    insta::assert_snapshot!(h.out(&["blame", "src/main.rs", "--removed"]), @r#"
    removed by agent  claude tsi5ytzo6  prompt 1: why does checkout hang? it should give up  today 09:00  recorded
      written by before  older than today 09:00
         2 │     loop { retry(); }
    "#);
    let then = h.out(&["blame", "src/main.rs", "--at", "0f1e/1"]);
    assert!(
        !then.contains("// done") && then.contains("for _ in 0..5"),
        "{then}"
    );
}

#[test]
fn a_line_is_an_object_with_promised_fields() {
    let h = story();
    let lines = h.json(&["blame", "src/main.rs", "--json"]);
    let lines = lines.as_array().unwrap();
    let authors: Vec<_> = lines
        .iter()
        .map(|l| l["author"].as_str().unwrap())
        .collect();
    assert_eq!(authors, ["before", "agent", "before", "agent", "unknown"]);
    for field in [
        "line",
        "text",
        "author",
        "evidence",
        "step_id",
        "session_id",
        "agent",
        "prompt_no",
        "prompt_text",
        "at",
        "commit",
        "alternatives",
    ] {
        assert!(lines.iter().all(|l| l.get(field).is_some()), "{field}");
    }
    let line = &lines[1];
    assert_eq!(
        line["prompt_text"],
        "why does checkout hang? it should give up"
    );
    assert_eq!(
        (
            &line["line"],
            &line["prompt_no"],
            &line["agent"],
            &line["evidence"]
        ),
        (&2.into(), &1.into(), &"claude".into(), &"recorded".into())
    );
    let step = h.json(&["show", "--json", line["step_id"].as_str().unwrap()]);
    assert_eq!(step["session_id"], line["session_id"]);
    let back = h.json(&["blame", "src/main.rs:2", "--back", "9", "--json"]);
    assert_eq!(back.as_array().unwrap().len(), 1);
    assert_eq!(back[0]["nearest"], 2);
    let gone = h.json(&["blame", "src/main.rs", "--removed", "--json"]);
    assert_eq!(gone[0]["removed"]["step_id"], line["step_id"]);
    assert_eq!(gone[0]["author"], "before");
}

#[test]
fn history_names_who_read_and_who_changed() {
    let h = story();
    insta::assert_snapshot!(h.out(&["history", "src/main.rs"]), @r#"
    teve7xmla  today 09:00      claude    edit      src/main.rs  +1  −0
    tsi5ytzo6  today 09:00      claude    edit      src/main.rs  +1  −1
    tmmuikptx  today 09:00      claude    read      src/main.rs
    "#);
    let all = h.json(&["history", "src/main.rs", "--json", "-p"]);
    let ops: Vec<&Value> = all.as_array().unwrap().iter().map(|e| &e["op"]).collect();
    assert_eq!(ops, [&"modify".into(), &"modify".into(), &Value::Null]);
    assert!(all[0]["patch"].as_str().unwrap().contains("+// done"));
}

#[test]
fn what_cannot_be_answered_says_why() {
    let h = story();
    for (args, says) in [
        (
            &["blame", "nowhere.rs"][..],
            "no session read or changed nowhere.rs",
        ),
        (&["blame", "src/main.rs:77"], "has 5 lines"),
        (
            &["blame", "src/main.rs", "--back", "1"],
            "walking back needs a line",
        ),
        (&["blame", "notes with blank.txt"], "is not on disk"),
        (&["history", "nowhere.rs"], "no session read or changed"),
    ] {
        let (code, text) = h.err(args);
        assert_eq!(code, 1, "{args:?}");
        assert!(text.contains(says), "{args:?}: {text}");
    }
    assert_eq!(h.err(&["blame"]).0, 2);
}

#[test]
fn a_file_that_no_session_knows_has_its_commits() {
    let h = story();
    std::fs::remove_dir_all(h.path("shop/.git")).unwrap();
    git::init(&h.path("shop"));
    let text = "one\ntwo\n";
    std::fs::write(h.path("shop/src/unknown.txt"), text).unwrap();
    let first = git::commit(&h.path("shop"));
    std::fs::write(h.path("shop/src/unknown.txt"), "one\ntwo\nthree\n").unwrap();
    let second = git::commit(&h.path("shop"));
    std::fs::write(h.path("shop/src/unknown.txt"), "one\ntwo\nthree\nfour\n").unwrap();
    let lines = |args: &[&str]| -> Vec<(String, Option<String>, String)> {
        let all: Vec<Value> = serde_json::from_str(&h.out(args)).unwrap();
        all.iter()
            .map(|l| {
                let word = |name: &str| l[name].as_str().map(str::to_owned);
                (
                    word("author").unwrap(),
                    word("commit"),
                    word("text").unwrap(),
                )
            })
            .collect()
    };
    let before = |commit: Option<&String>, text: &str| {
        ("before".to_owned(), commit.cloned(), text.to_owned())
    };
    assert_eq!(
        lines(&["--json", "blame", "src/unknown.txt"]),
        [
            before(Some(&first), "one"),
            before(Some(&first), "two"),
            before(Some(&second), "three"),
            before(None, "four"),
        ]
    );
    assert_eq!(
        lines(&["--json", "blame", "src/unknown.txt:3"]),
        [before(Some(&second), "three")]
    );
    let (code, words) = h.err(&["blame", "src/unknown.txt:9"]);
    assert_eq!(code, 1);
    assert!(words.contains("has 4 lines"), "{words}");
    // What lies outside the work folder is not read.
    std::fs::write(h.path("secret.txt"), "a\n").unwrap();
    for outside in ["../secret.txt", "src/../../secret.txt"] {
        let (code, words) = h.err(&["blame", outside]);
        assert_eq!(code, 1, "{words}");
        assert!(words.contains("no session read or changed"), "{words}");
    }
}
