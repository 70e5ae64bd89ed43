//! What a file contained before and after a step, where the step's own record does not say: worked out from what else is
//! known of it, and said not to be known where nothing bears it out. Through the real binary, from transcripts to `cat`.
#![allow(clippy::unwrap_used)]

#[path = "support/git.rs"]
#[allow(dead_code)]
mod git;
#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;
#[path = "support/record.rs"]
#[allow(dead_code)]
mod record;

use std::fs;

use home::Home;
use record::{Claude, Codex};
use serde_json::{Value, json};

const OLD: &str = "one\ntwo\nthree\nfour\n";
const NEW: &str = "one\n2\nthree\nfour\n";
/// From the one to the other, as an edit records it.
const EDIT: (&str, &str) = ("two", "2");
const HUNK: (u32, &[&str]) = (1, &[" one", "-two", "+2", " three", " four"]);
/// Versions since this one no longer record the text before an edit.
const SINCE: &str = "2.1.231";

/// The single change of a step.
fn change(h: &Home, step: &str) -> Value {
    let step = h.json(&["show", "--json", step]);
    assert_eq!(step["changes"].as_array().unwrap().len(), 1, "{step}");
    step["changes"][0].clone()
}

fn told(h: &Home, step: &str) -> (String, String) {
    let c = change(h, step);
    let word = |name: &str| c[name].as_str().unwrap().to_owned();
    (word("op"), word("evidence"))
}

fn words(op: &str, evidence: &str) -> (String, String) {
    (op.to_owned(), evidence.to_owned())
}

fn before(h: &Home, step: &str, name: &str) -> String {
    h.out(&["cat", &format!("{step}^:{name}")])
}

fn after(h: &Home, step: &str, name: &str) -> String {
    h.out(&["cat", &format!("{step}:{name}")])
}

/// The refusal to print a file, in one line.
fn refusal(h: &Home, at: &str) -> String {
    let (code, text) = h.err(&["cat", at]);
    assert_eq!(code, 1, "{text}");
    text.lines().next().unwrap().to_owned()
}

fn rebuilt(h: &Home) {
    let all = || h.json_lines(&["log", "--json"]);
    let first = all();
    h.run(&["doctor", "--rebuild"]).assert().success();
    assert_eq!(all(), first, "a rebuild says the same");
}

#[test]
fn an_add_writes_over_what_is_known_to_have_been_there() {
    let h = Home::empty();
    let shop = h.path("shop");
    let mut codex = Codex::new(&shop, 1, None, 10);
    let first = codex.adds("a.txt", OLD);
    let second = codex.adds("a.txt", NEW);
    codex.patches(&[("a.txt", json!({"type": "delete", "content": NEW}))]);
    let third = codex.adds("a.txt", OLD);
    codex.save(&h.path(""));
    h.run(&["ingest"]).assert().success();
    assert_eq!(told(&h, &first), words("create", "recorded"));
    let none = "error: a.txt: there was no such file at this step";
    assert_eq!(refusal(&h, &format!("{first}^:a.txt")), none);
    assert_eq!(told(&h, &second), words("modify", "recorded"));
    assert_eq!(before(&h, &second, "a.txt"), OLD);
    assert_eq!(after(&h, &second, "a.txt"), NEW);
    let c = change(&h, &second);
    assert_eq!((&c["added"], &c["removed"]), (&1.into(), &1.into()), "{c}");
    let patch = c["patch"].as_str().unwrap();
    assert!(patch.contains("\n-two\n+2\n"), "{patch}");
    assert_eq!(c["note"], Value::Null, "no gap: {c}");
    // The step's own row counts what its changes count.
    let row = h.json(&["show", "--json", &second]);
    assert_eq!((&row["added"], &row["removed"]), (&1.into(), &1.into()));
    assert_eq!(told(&h, &third), words("create", "recorded"));
    assert_eq!(refusal(&h, &format!("{third}^:a.txt")), none);
    rebuilt(&h);
}

#[test]
fn an_add_over_another_agents_file_is_told_whenever_that_is_read() {
    let h = Home::empty();
    let shop = h.path("shop");
    let mut codex = Codex::new(&shop, 1, None, 10);
    let add = codex.adds("a.txt", NEW);
    let half = codex.adds("b.txt", NEW);
    codex.save(&h.path(""));
    h.run(&["ingest"]).assert().success();
    assert_eq!(told(&h, &add), words("create", "recorded"));
    // An earlier session, found later.
    let mut claude = Claude::new(&shop, "s1", SINCE, 5);
    claude.writes("a.txt", None, OLD);
    let path = shop.join("b.txt").to_string_lossy().into_owned();
    let part = json!({"type": "text", "file": {"filePath": path, "content": "one\n", "numLines": 1, "startLine": 1,
                      "totalLines": 90}});
    claude.call("Read", json!({"file_path": path}), "one", part);
    claude.save(&h.path(""));
    h.run(&["ingest"]).assert().success();
    assert_eq!(told(&h, &add), words("modify", "recorded"));
    assert_eq!(before(&h, &add, "a.txt"), OLD);
    // Of the other one only a part was seen: there was a file, and what it contained is not known.
    assert_eq!(told(&h, &half), words("modify", "recorded"));
    assert_eq!(change(&h, &half)["before"], Value::Null);
    let refused = refusal(&h, &format!("{half}^:b.txt"));
    assert!(refused.contains("not known"), "{refused}");
    rebuilt(&h);
}

#[test]
fn an_add_over_a_committed_file_does_not_claim_to_know_it() {
    let h = Home::empty();
    let shop = h.path("shop");
    fs::remove_dir_all(shop.join(".git")).unwrap();
    git::init(&shop);
    git::write(&shop, "old.txt", OLD);
    let commit = git::commit(&shop);
    let mut codex = Codex::new(&shop, 1, Some(&commit), 10);
    let over = codex.adds("old.txt", NEW);
    let fresh = codex.adds("new.txt", NEW);
    codex.save(&h.path(""));
    h.run(&["ingest"]).assert().success();
    assert_eq!(told(&h, &over), words("modify", "recorded"));
    assert_eq!(change(&h, &over)["before"], Value::Null);
    assert_eq!(after(&h, &over, "old.txt"), NEW);
    assert_eq!(told(&h, &fresh), words("create", "recorded"));
    // So going back deletes the one, and leaves the other alone.
    git::write(&shop, "old.txt", NEW);
    git::write(&shop, "new.txt", NEW);
    let args = ["rewind", &over, "--before", "--dry-run", "--json"];
    let plan: Value = serde_json::from_slice(&h.run(&args).output().unwrap().stdout).unwrap();
    let verdict = |path: &str| {
        let files = plan["files"].as_array().unwrap();
        let file = files.iter().find(|f| f["path"] == path).unwrap();
        file["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict("old.txt"), "unrecoverable", "{plan}");
    assert_eq!(verdict("new.txt"), "delete", "{plan}");
}

#[test]
fn a_snapshot_knows_what_an_add_wrote_over() {
    let h = Home::empty();
    let shop = h.path("shop");
    let mut claude = Claude::new(&shop, "s1", SINCE, 1);
    claude.writes("other.txt", None, OLD);
    claude.save(&h.path(""));
    fs::write(shop.join("a.txt"), OLD).unwrap();
    h.run(&["snapshot"])
        .env("REGENT_NOW", "2026-03-01T09:05:00Z")
        .assert()
        .success();
    let mut codex = Codex::new(&shop, 1, None, 10);
    let add = codex.adds("a.txt", NEW);
    codex.save(&h.path(""));
    fs::write(shop.join("a.txt"), NEW).unwrap();
    let args = ["rewind", &add, "--before", "--yes"];
    h.run(&args).assert().success();
    assert_eq!(fs::read_to_string(shop.join("a.txt")).unwrap(), OLD);
}

#[test]
fn an_edit_without_its_original_stands_on_what_was_written_or_read() {
    type Known = fn(&mut Claude);
    let known: [(&str, Known); 3] = [
        ("written", |c| {
            c.writes("a.txt", None, OLD);
        }),
        ("read", |c| {
            c.reads("a.txt", OLD);
        }),
        ("edited", |c| {
            c.writes("a.txt", None, "zero\ntwo\nthree\nfour\n");
            let hunk = (1, &["-zero", "+one", " two", " three", " four"][..]);
            c.edits("a.txt", ("zero", "one"), hunk);
        }),
    ];
    for (how, say) in known {
        let h = Home::empty();
        let mut claude = Claude::new(&h.path("shop"), "s1", SINCE, 1);
        say(&mut claude);
        let edit = claude.edits("a.txt", EDIT, HUNK);
        claude.save(&h.path(""));
        h.run(&["ingest"]).assert().success();
        assert_eq!(told(&h, &edit), words("modify", "replayed"), "{how}");
        assert_eq!(before(&h, &edit, "a.txt"), OLD, "{how}");
        assert_eq!(after(&h, &edit, "a.txt"), NEW, "{how}");
        rebuilt(&h);
    }
}

#[test]
fn an_edit_without_its_original_stands_on_another_session_too() {
    let h = Home::empty();
    let shop = h.path("shop");
    let mut codex = Codex::new(&shop, 1, None, 1);
    codex.adds("a.txt", OLD);
    codex.save(&h.path(""));
    let mut claude = Claude::new(&shop, "s1", SINCE, 10);
    let edit = claude.edits("a.txt", EDIT, HUNK);
    claude.save(&h.path(""));
    h.run(&["ingest"]).assert().success();
    assert_eq!(told(&h, &edit), words("modify", "replayed"));
    assert_eq!(before(&h, &edit, "a.txt"), OLD);
    assert_eq!(after(&h, &edit, "a.txt"), NEW);
}

#[test]
fn an_edit_of_which_nothing_else_is_known_is_a_patch_only() {
    let h = Home::empty();
    let mut claude = Claude::new(&h.path("shop"), "s1", SINCE, 1);
    let edit = claude.edits("a.txt", EDIT, HUNK);
    claude.save(&h.path(""));
    // What lies there now is no proof of what was there then.
    fs::write(h.path("shop/a.txt"), NEW).unwrap();
    h.run(&["ingest"]).assert().success();
    assert_eq!(told(&h, &edit), words("modify", "patch only"));
    let c = change(&h, &edit);
    assert_eq!((&c["before"], &c["after"]), (&Value::Null, &Value::Null));
    let patch = c["patch"].as_str().unwrap();
    assert!(
        patch.contains("@@ -1,4 +1,4 @@\n one\n-two\n+2\n"),
        "{patch}"
    );
    for at in [format!("{edit}:a.txt"), format!("{edit}^:a.txt")] {
        let refused = refusal(&h, &at);
        assert!(refused.contains("not known at this step"), "{refused}");
    }
}

/// A repository in which a text is committed, and a session that edited it without its original.
fn committed(text: &str) -> (Home, String) {
    let h = Home::empty();
    let shop = h.path("shop");
    fs::remove_dir_all(shop.join(".git")).unwrap();
    git::init(&shop);
    git::write(&shop, "a.txt", text);
    git::commit(&shop);
    let mut claude = Claude::new(&shop, "s1", SINCE, 1);
    let edit = claude.edits("a.txt", EDIT, HUNK);
    claude.save(&h.path(""));
    (h, edit)
}

#[test]
fn an_edit_without_its_original_stands_on_the_commit_that_was_checked_out() {
    let (h, edit) = committed(OLD);
    h.run(&["ingest"]).assert().success();
    assert_eq!(told(&h, &edit), words("modify", "replayed"));
    assert_eq!(before(&h, &edit, "a.txt"), OLD);
    assert_eq!(after(&h, &edit, "a.txt"), NEW);
    assert_eq!(git::git(&h.path("shop"), &["status", "--porcelain"]), "");
    // Git forgets; what was found stays.
    fs::remove_dir_all(h.path("shop/.git/logs")).unwrap();
    fs::remove_dir_all(h.path("shop/.git/objects")).unwrap();
    rebuilt(&h);
    assert_eq!(before(&h, &edit, "a.txt"), OLD);
}

#[test]
fn a_commit_that_does_not_fit_or_came_later_is_not_built_on() {
    for (text, later) in [("one\ntwo\n3\nfour\n", false), (OLD, true)] {
        let (h, edit) = committed(text);
        if later {
            // As if the commit had been made, and checked out, after the session.
            let log = h.path("shop/.git/logs/HEAD");
            let entry = fs::read_to_string(&log).unwrap();
            let made = "1767323045";
            assert!(entry.contains(made), "{entry}");
            fs::write(&log, entry.replace(made, "1777777777")).unwrap();
        }
        h.run(&["ingest"]).assert().success();
        assert_eq!(told(&h, &edit), words("modify", "patch only"), "{text}");
        assert!(refusal(&h, &format!("{edit}:a.txt")).contains("not known"));
    }
}

#[test]
fn a_base_that_contradicts_the_edit_is_a_gap() {
    let h = Home::empty();
    let mut claude = Claude::new(&h.path("shop"), "s1", SINCE, 1);
    // Somebody put a line in front between the two.
    let write = claude.writes("a.txt", None, OLD);
    let hunk = (2, HUNK.1);
    let edit = claude.edits("a.txt", EDIT, hunk);
    // What a later full read shows is known again.
    let read = claude.reads("a.txt", "zero\none\n2\nthree\nfour\n");
    claude.save(&h.path(""));
    h.run(&["ingest"]).assert().success();
    assert_eq!(told(&h, &edit), words("modify", "patch only"));
    assert_eq!(after(&h, &write, "a.txt"), OLD);
    assert!(refusal(&h, &format!("{edit}:a.txt")).contains("not known"));
    assert_eq!(after(&h, &read, "a.txt"), "zero\none\n2\nthree\nfour\n");
}

/// A home in which an edit's base lies in a copy that the agent kept.
fn kept(copy: Option<&str>) -> (Home, String) {
    let h = Home::empty();
    let mut claude = Claude::new(&h.path("shop"), "s1", SINCE, 1);
    claude.keeps(&[("a.txt", Some("0123456789abcdef@v1"))]);
    let edit = claude.edits("a.txt", EDIT, HUNK);
    claude.save(&h.path(""));
    if let Some(text) = copy {
        let folder = h.path(".claude/file-history/s1");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("0123456789abcdef@v1"), text).unwrap();
    }
    (h, edit)
}

fn doctor(h: &Home) -> Value {
    let checks = h.json(&["doctor", "--json"]);
    let all = checks.as_array().unwrap();
    all.iter().find(|c| c["check"] == "beside").unwrap().clone()
}

#[test]
fn an_edit_stands_on_the_copy_that_the_agent_kept() {
    let (h, edit) = kept(Some(OLD));
    h.run(&["ingest"]).assert().success();
    assert_eq!(told(&h, &edit), words("modify", "replayed"));
    assert_eq!(before(&h, &edit, "a.txt"), OLD);
    assert_eq!(after(&h, &edit, "a.txt"), NEW);
    assert_eq!(doctor(&h)["verdict"], "ok");
    // It is kept here, too: the agent deletes its own.
    fs::remove_dir_all(h.path(".claude/file-history")).unwrap();
    rebuilt(&h);
    assert_eq!(before(&h, &edit, "a.txt"), OLD);
    h.run(&["gc"]).assert().success();
    assert_eq!(before(&h, &edit, "a.txt"), OLD);
}

#[test]
fn a_copy_that_does_not_fit_is_seen_and_not_built_on() {
    let other = "somebody\nelse\nwas\nhere\n";
    let (h, edit) = kept(Some(other));
    h.run(&["ingest"]).assert().success();
    assert_eq!(told(&h, &edit), words("modify", "patch only"));
    assert!(refusal(&h, &format!("{edit}:a.txt")).contains("not known"));
}

#[test]
fn a_copy_that_is_missing_is_said_and_looked_for_again() {
    let (h, edit) = kept(None);
    h.run(&["ingest"]).assert().success();
    assert_eq!(told(&h, &edit), words("modify", "patch only"));
    let check = doctor(&h);
    assert_eq!(check["verdict"], "warn");
    let detail = check["detail"].as_str().unwrap();
    let line = "0123456789abcdef@v1: it is not in ~/.claude/file-history/s1";
    assert!(detail.contains(line), "{detail}");
    // A link that leads elsewhere is not followed.
    let folder = h.path(".claude/file-history/s1");
    fs::create_dir_all(&folder).unwrap();
    fs::write(h.path("secret"), OLD).unwrap();
    let copy = folder.join("0123456789abcdef@v1");
    std::os::unix::fs::symlink(h.path("secret"), &copy).unwrap();
    let more = |text: &str| {
        let path = h.path(".claude/projects/-shop/s1.jsonl");
        let mut lines = fs::read_to_string(&path).unwrap();
        let line = json!({"parentUuid": null, "isSidechain": false, "cwd": h.path("shop"), "sessionId": "s1",
            "version": SINCE, "type": "assistant", "uuid": format!("more-{text}"), "timestamp": "2026-03-01T09:30:00.000Z",
            "message": {"id": "m", "role": "assistant", "content": [{"type": "text", "text": text}]}});
        lines.push_str(&format!("{line}\n"));
        fs::write(path, lines).unwrap();
        h.run(&["ingest"]).assert().success();
    };
    more("first");
    assert_eq!(doctor(&h)["verdict"], "warn");
    // Once it is there and the session goes on, it is found, and what hangs on it is worked out.
    fs::remove_file(&copy).unwrap();
    fs::write(&copy, OLD).unwrap();
    more("second");
    assert_eq!(doctor(&h)["verdict"], "ok");
    assert_eq!(told(&h, &edit), words("modify", "replayed"));
    assert_eq!(before(&h, &edit, "a.txt"), OLD);
    rebuilt(&h);
}

#[test]
fn copies_say_what_nobody_changed_by_a_record() {
    let h = Home::empty();
    let mut claude = Claude::new(&h.path("shop"), "s1", SINCE, 1);
    claude.keeps(&[("a.txt", None)]);
    let write = claude.writes("a.txt", None, OLD);
    // A person changes it; the next prompt sees that.
    claude.asks("and now");
    claude.keeps(&[("a.txt", Some("0123456789abcdef@v2"))]);
    let last = claude.call(
        "Bash",
        json!({"command": "ls"}),
        "a.txt",
        json!({"stdout": "a.txt", "stderr": "", "interrupted": false}),
    );
    claude.save(&h.path(""));
    let folder = h.path(".claude/file-history/s1");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("0123456789abcdef@v2"), NEW).unwrap();
    h.run(&["ingest"]).assert().success();
    assert_eq!(told(&h, &write), words("create", "recorded"));
    assert_eq!(after(&h, &write, "a.txt"), OLD);
    assert_eq!(after(&h, &last, "a.txt"), NEW, "as it was seen to be");
    let none = "error: a.txt: there was no such file at this step";
    assert_eq!(refusal(&h, &format!("{write}^:a.txt")), none);
}

#[test]
fn a_copy_that_was_not_made_is_no_deletion() {
    let h = Home::empty();
    let mut claude = Claude::new(&h.path("shop"), "s1", SINCE, 1);
    claude.keeps(&[("a.txt", None)]);
    claude.writes("a.txt", None, OLD);
    claude.keeps(&[("a.txt", Some("0123456789abcdef@v1"))]);
    claude.asks("and now");
    claude.keeps(&[("a.txt", None)]);
    let last = claude.reads("b.txt", "b\n");
    claude.save(&h.path(""));
    h.run(&["ingest"]).assert().success();
    assert_eq!(after(&h, &last, "a.txt"), OLD);
}

/// A command whose output was too large for the record.
fn spilled(whole: &str, holds: usize) -> (Home, String, std::path::PathBuf) {
    let h = Home::empty();
    let mut claude = Claude::new(&h.path("shop"), "s1", "2.1.62", 1);
    let place = h.path(".claude/projects/-shop/s1/tool-results/b1.txt");
    let step = claude.call(
        "Bash",
        json!({"command": "cargo build"}),
        "<persisted-output>\nOutput too large\n</persisted-output>",
        json!({"stdout": &whole[..holds], "stderr": "", "interrupted": false, "isImage": false,
               "persistedOutputPath": place, "persistedOutputSize": whole.len()}),
    );
    claude.save(&h.path(""));
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    (h, step, place)
}

#[test]
fn an_output_too_large_for_the_record_is_shown_whole() {
    let whole: String = (0..5000).map(|n| format!("line {n} é\n")).collect();
    let (h, step, place) = spilled(&whole, 30_002);
    fs::write(&place, &whole).unwrap();
    h.run(&["ingest"]).assert().success();
    let shown = h.json(&["show", "--json", &step]);
    assert_eq!(shown["output"].as_str().unwrap(), whole);
    fs::remove_file(&place).unwrap();
    rebuilt(&h);
    h.run(&["gc"]).assert().success();
    let shown = h.json(&["show", "--json", &step]);
    assert_eq!(shown["output"].as_str().unwrap(), whole);
}

#[test]
fn an_output_that_is_gone_or_another_one_is_said_to_be() {
    let whole: String = (0..5000).map(|n| format!("line {n}\n")).collect();
    let other = whole.replace("line 7\n", "line 8\n");
    for (there, why) in [
        (
            None,
            "it is not in ~/.claude/projects/-shop/s1/tool-results",
        ),
        (
            Some(&whole[..40_000]),
            "it has 40000 bytes, and the record speaks of",
        ),
        (Some(&*other), "it does not begin as the record does"),
    ] {
        let (h, step, place) = spilled(&whole, 30_000);
        if let Some(text) = there {
            fs::write(&place, text).unwrap();
        }
        h.run(&["ingest"]).assert().success();
        let shown = h.json(&["show", "--json", &step]);
        let output = shown["output"].as_str().unwrap();
        assert!(output.starts_with(&whole[..30_000]));
        let note = format!(
            "… {} bytes left off: in b1.txt, and {why}",
            whole.len() - 30_000
        );
        assert!(output[30_000..].contains(&note), "{}", &output[30_000..]);
        assert_eq!(doctor(&h)["verdict"], "warn");
    }
}

#[test]
fn a_record_cannot_have_a_file_of_somebody_else_read() {
    for evil in [
        "/etc/hostname",
        "../../../../secret",
        "..",
        "s1/../../secret",
    ] {
        let h = Home::empty();
        fs::write(h.path("secret"), "secret\n").unwrap();
        let mut claude = Claude::new(&h.path("shop"), "s1", "2.1.62", 1);
        claude.keeps(&[("a.txt", Some(evil))]);
        let step = claude.call(
            "Bash",
            json!({"command": "x"}),
            "",
            json!({"stdout": "", "stderr": "", "interrupted": false, "persistedOutputPath": evil}),
        );
        claude.save(&h.path(""));
        fs::create_dir_all(h.path(".claude/file-history/s1")).unwrap();
        fs::create_dir_all(h.path(".claude/projects/-shop/s1/tool-results")).unwrap();
        h.run(&["ingest"]).assert().success();
        let shown = h.out(&["show", "--json", &step]);
        assert!(!shown.contains("secret\\n"), "{evil}: {shown}");
        let (code, _) = h.err(&["cat", "@:a.txt"]);
        assert_eq!(code, 1);
    }
}
