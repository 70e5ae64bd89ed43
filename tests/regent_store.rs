//! An existing store of re_gent beside ours, in the same folder: what it adds, that nothing is told twice, and that neither
//! harms the other. Through the real binary.
#![allow(clippy::unwrap_used)]

#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;
#[path = "support/rgt.rs"]
#[allow(dead_code)]
mod rgt;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use home::{Home, SESSION, STATES};
use rgt::Rgt;
use serde_json::{Value, json};

const ID: &str = "claude_code--0e0e0e0e-1111";

/// Two turns: the second edits a file without telling on what text, and has a command write another.
fn two_turns(h: &Home) -> Rgt {
    two_turns_with(h, || (), None)
}

/// The same; something is done between the two, and the second tree holds these files alone.
fn two_turns_with(h: &Home, between: impl FnOnce(), second: Option<&[(&str, &str)]>) -> Rgt {
    let shop = h.path("shop");
    let mut r = Rgt::new(&shop);
    r.session(ID, "claude_code");
    fs::create_dir_all(shop.join("src")).unwrap();
    fs::write(shop.join("src/a.rs"), "one\nrest\n").unwrap();
    fs::write(shop.join("made.txt"), "1\n").unwrap();
    r.asks(ID, "look around");
    r.call(
        ID,
        "t1",
        "Bash",
        &json!({"command": "true"}),
        &json!({"stdout": ""}),
    );
    r.stops(ID, json!([]), None);
    between();
    r.asks(ID, "make it two");
    let edit =
        json!({"file_path": shop.join("src/a.rs"), "old_string": "one", "new_string": "two"});
    r.call(ID, "t2", "Edit", &edit, &json!({"filePath": "a.rs"}));
    fs::write(shop.join("src/a.rs"), "two\nrest\n").unwrap();
    r.call(
        ID,
        "t3",
        "Bash",
        &json!({"command": "make"}),
        &json!({"stdout": "made"}),
    );
    fs::write(shop.join("made.txt"), "2\n").unwrap();
    r.says(ID, "Two it is.");
    r.stops(ID, json!([]), second);
    r
}

fn log(h: &Home) -> Vec<Value> {
    h.json_lines(&["log", "--json", "-n", "500"])
}

fn rebuilt(h: &Home) {
    let first = log(h);
    let sessions = h.json(&["sessions", "--json"]);
    h.run(&["doctor", "--rebuild"]).assert().success();
    assert_eq!(log(h), first, "a rebuild says the same");
    assert_eq!(h.json(&["sessions", "--json"]), sessions);
}

#[test]
fn its_sessions_stand_alone_and_its_trees_tell_what_was_changed() {
    let h = Home::empty();
    let _r = two_turns(&h);
    h.run(&["ingest"]).assert().success();
    let sessions = h.json(&["sessions", "--json"]);
    assert_eq!(sessions.as_array().unwrap().len(), 1, "{sessions}");
    let s = &sessions[0];
    assert_eq!(
        (&s["agent"], &s["native_id"]),
        (&json!("claude"), &json!("0e0e0e0e-1111"))
    );
    assert_eq!((&s["prompts"], &s["commands"]), (&json!(2), &json!(2)));
    assert_eq!(h.out(&["cat", "t2^:src/a.rs"]), "one\nrest\n");
    assert_eq!(h.out(&["cat", "t2:src/a.rs"]), "two\nrest\n");
    assert_eq!(h.json(&["show", "--json", "t2"])["evidence"], "observed");
    // The only command of the turn, and nothing else was written meanwhile.
    let made = h.json(&["show", "--json", "t3"]);
    assert_eq!(made["changes"][0]["path"], "made.txt", "{made}");
    assert_eq!(made["changes"][0]["evidence"], "observed");
    assert_eq!(h.out(&["cat", "t3^:made.txt"]), "1\n");
    assert_eq!(h.out(&["cat", "t3:made.txt"]), "2\n");
    rebuilt(&h);
    // A transcript that cannot be continued is not offered to be.
    let (code, text) = h.err(&["fork", "t2"]);
    assert_eq!(code, 1);
    assert!(text.contains("re_gent"), "{text}");
}

/// What re_gent recorded of the story's session, of which the transcript may be known, too.
fn story_told_by_regent(h: &Home, with_copy: bool) -> Rgt {
    let id = format!("claude_code--{SESSION}");
    let mut r = Rgt::new(&h.path("shop"));
    r.session(&id, "claude_code");
    r.asks(&id, "why does checkout hang? it should give up");
    let main = h.path("shop/src/main.rs");
    let edit = json!({"file_path": main, "old_string": "loop { retry(); }", "new_string": "for _ in 0..5 { retry(); }"});
    r.call(&id, "toolu_04", "Edit", &edit, &json!({"filePath": main}));
    r.stops(&id, json!([]), Some(&[("src/main.rs", STATES[1])]));
    if with_copy {
        r.copies(&id, &fs::read_to_string(h.transcript()).unwrap());
    }
    r
}

#[test]
fn a_session_reached_by_two_ways_is_one_whichever_was_found_first() {
    let plain = Home::with_story();
    let expected = log(&plain).len();
    for with_copy in [false, true] {
        // The transcript first.
        let h = Home::with_story();
        let before = log(&h);
        let mut r = story_told_by_regent(&h, with_copy);
        for _ in 0..2 {
            h.run(&["ingest"]).assert().success();
            assert_eq!(log(&h), before, "with a copy: {with_copy}");
            assert_eq!(h.json(&["sessions", "--json"]).as_array().unwrap().len(), 1);
            let source = &h.json(&["sessions", "--json"])[0]["source"];
            assert!(
                source
                    .as_str()
                    .unwrap()
                    .ends_with(&format!("{SESSION}.jsonl")),
                "{source}"
            );
            r.asks(&format!("claude_code--{SESSION}"), "more");
        }
        rebuilt(&h);
        // re_gent first; then the transcript comes to light.
        let h = Home::empty();
        h.write_story();
        let r = story_told_by_regent(&h, with_copy);
        let hidden = h.path("hidden");
        fs::rename(h.path(".claude"), &hidden).unwrap();
        h.run(&["ingest"]).assert().success();
        let alone = log(&h);
        assert_eq!(h.json(&["sessions", "--json"]).as_array().unwrap().len(), 1);
        // The copy is the transcript, so it tells the same steps under the same ids.
        assert_eq!(alone.len() == expected, with_copy, "{}", alone.len());
        rebuilt(&h);
        fs::rename(&hidden, h.path(".claude")).unwrap();
        h.run(&["ingest"]).assert().success();
        assert_eq!(log(&h).len(), expected);
        let ids = |log: &[Value]| -> Vec<Value> { log.iter().map(|s| s["id"].clone()).collect() };
        assert_eq!(ids(&log(&h)), ids(&before));
        if with_copy {
            assert_eq!(ids(&alone), ids(&before));
        }
        rebuilt(&h);
        drop(r);
    }
}

/// All files of `.regent/` that are not ours, with what they hold and when they were written.
fn theirs(regent: &Path) -> BTreeMap<String, (Vec<u8>, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![regent.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(regent)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            let ours = name.starts_with("history.db")
                || ["id", "stat", "watch.lock", "lock"].contains(&name.as_str());
            if path.is_dir() {
                folders.push(path);
            } else if !ours {
                let written = path.metadata().unwrap().modified().unwrap();
                found.insert(name, (fs::read(&path).unwrap(), written));
            }
        }
    }
    found
}

#[test]
fn neither_store_harms_the_other() {
    let h = Home::empty();
    let mut r = two_turns(&h);
    let regent = h.path("shop/.regent");
    let before = theirs(&regent);
    assert!(before.contains_key("index.db-wal"), "its owner is at work");
    // Its owner is in the middle of writing: that holds up nobody here.
    r.conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    r.conn
        .execute("UPDATE sessions SET model = 'not yet'", [])
        .unwrap();
    let first = h.run(&["ingest"]).output().unwrap();
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(first.status.success(), "{said}");
    // Its `.gitignore` is left alone, and does not hide our file.
    assert!(
        said.contains("have the repository ignore `.regent/`"),
        "{said}"
    );
    h.run(&["snapshot"]).assert().success();
    h.run(&["doctor"]).assert().success();
    h.run(&["gc"]).assert().success();
    let asks = |model: &str| h.out(&["sessions", "--json"]).contains(model);
    assert!(asks("a-model") && !asks("not yet"));
    let after = theirs(&regent);
    let names = |all: &BTreeMap<_, _>| all.keys().cloned().collect::<Vec<String>>();
    assert_eq!(
        names(&after),
        names(&before),
        "nothing of theirs came or went"
    );
    for (name, was) in &before {
        // The uncommitted row may have been spilled to the log by its owner.
        if !name.starts_with("index.db-") {
            assert_eq!(&after[name], was, "{name}");
        }
    }
    r.conn.execute_batch("COMMIT").unwrap();
    // Ours is there and open to nobody's harm: it writes on, and is read again.
    r.asks(ID, "a third");
    h.run(&["ingest"]).assert().success();
    let sessions = h.json(&["sessions", "--json"]);
    assert_eq!(
        (sessions.as_array().unwrap().len(), &sessions[0]["prompts"]),
        (1, &json!(3))
    );
    assert!(regent.join("history.db").exists());
    // What its own clean-up or a `git clean` takes away stays here.
    drop(r);
    for name in ["index.db", "objects", "refs"] {
        let path = regent.join(name);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap()
        } else {
            fs::remove_file(path).unwrap()
        }
    }
    h.run(&["ingest"]).assert().success();
    assert_eq!(h.out(&["cat", "t3:made.txt"]), "2\n");
}

/// Ours are whole and say more: its trees between them neither take a command's work away from it nor stand in a rewind's way.
#[test]
fn between_our_own_snapshots_its_trees_do_not_count() {
    for with_trees in [true, false] {
        let h = Home::empty();
        let snapshot = |second: u32| {
            let at = format!("2026-03-01T09:00:{second:02}Z");
            h.run(&["snapshot"])
                .env("REGENT_NOW", at)
                .assert()
                .success();
        };
        // What it ignores is in none of its trees.
        let r = two_turns_with(&h, || snapshot(4), Some(&[("src/a.rs", "two\nrest\n")]));
        if !with_trees {
            r.conn.execute("DELETE FROM steps", []).unwrap();
        }
        // Its trees before our second snapshot, and again after it.
        h.run(&["ingest"]).assert().success();
        let made = h.json(&["show", "--json", "t3"]);
        assert!(made["changes"].as_array().unwrap().is_empty(), "{made}");
        snapshot(12);
        h.run(&["ingest"]).assert().success();
        for _ in 0..2 {
            let made = h.json(&["show", "--json", "t3"]);
            assert_eq!(
                made["changes"].as_array().unwrap().len(),
                1,
                "{with_trees} {made}"
            );
            assert_eq!(made["changes"][0]["evidence"], "observed");
            let plan = h
                .run(&["rewind", "t1", "--dry-run", "--json"])
                .output()
                .unwrap();
            let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
            let told: Vec<(&Value, &Value)> = plan["files"]
                .as_array()
                .unwrap()
                .iter()
                .map(|f| (&f["path"], &f["verdict"]))
                .collect();
            let restore = json!("restore");
            assert_eq!(
                told,
                [
                    (&json!("made.txt"), &restore),
                    (&json!("src/a.rs"), &restore)
                ],
                "{with_trees} {plan}"
            );
            rebuilt(&h);
        }
    }
}

#[test]
fn what_is_not_in_a_tree_is_not_taken_for_absent() {
    let h = Home::empty();
    let shop = h.path("shop");
    let mut r = Rgt::new(&shop);
    r.session(ID, "claude_code");
    let mut turn = |id: &str, files: &[(&str, &str)]| {
        r.asks(ID, "go on");
        r.call(
            ID,
            id,
            "Bash",
            &json!({"command": format!("make {id}")}),
            &json!({"stdout": ""}),
        );
        r.stops(ID, json!([]), Some(files));
    };
    // Large at first, so left out; small in the second turn; left out again.
    turn(
        "t1",
        &[
            ("a", "1\n"),
            ("../evil", "x"),
            ("/abs", "x"),
            (".git/config", "x"),
            ("d//e", "x"),
        ],
    );
    turn(
        "t2",
        &[
            ("a", "2\n"),
            ("large.bin", "small now\n"),
            ("a/b", "below a file"),
        ],
    );
    turn("t3", &[("a", "3\n")]);
    fs::write(shop.join("a"), "3\n").unwrap();
    fs::write(shop.join("large.bin"), "large again\n").unwrap();
    h.run(&["ingest"]).assert().success();
    for step in ["t2", "t3"] {
        let told = h.json(&["show", "--json", step]);
        let paths: Vec<&Value> = told["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| &c["path"])
            .collect();
        assert_eq!(paths, [&json!("a")], "{told}");
    }
    let plan = h
        .run(&["rewind", "t1", "--dry-run", "--json"])
        .output()
        .unwrap();
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    let files = plan["files"].as_array().unwrap();
    assert!(files.iter().all(|f| f["path"] == "a"), "{plan}");
    assert_eq!(files[0]["verdict"], "restore", "{plan}");
    h.run(&["rewind", "t1", "--yes"]).assert().success();
    assert_eq!(fs::read_to_string(shop.join("a")).unwrap(), "1\n");
    assert_eq!(
        fs::read_to_string(shop.join("large.bin")).unwrap(),
        "large again\n"
    );
    assert!(!h.path("evil").exists());
}
