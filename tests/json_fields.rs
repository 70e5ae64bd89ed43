//! What programs can rely on: the fields of every command's `--json`, their types, stdout that is data and nothing else, and
//! exit codes. Fields are never removed and never renamed; whoever adds one adds it to the lists here.
#![allow(clippy::unwrap_used)]

#[path = "support/git.rs"]
#[allow(dead_code)]
mod git;
#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;

use std::collections::BTreeSet;
use std::fs;

use home::{Home, SESSION, STATES};
use serde_json::Value;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
enum Is {
    /// A text that is not empty, any text, a number, yes or no.
    Word,
    Text,
    Number,
    Flag,
    /// A moment as RFC 3339 tells it, in UTC.
    Time,
    /// A BLAKE3 in hexadecimal.
    Hash,
    /// One of these words.
    One(&'static [&'static str]),
    /// A list of texts; of pairs of texts; of objects; one object.
    Texts,
    Pairs,
    Objects(&'static [Field]),
    Object(&'static [Field]),
    /// A list of numbers.
    Numbers,
    /// Any of these, or null.
    Maybe(&'static Is),
}

use Is::{
    Flag, Hash, Maybe, Number, Numbers, Object, Objects, One, Pairs, Text, Texts, Time, Word,
};

type Field = (&'static str, Is);

impl Is {
    fn holds(self, value: &Value) -> Result<(), String> {
        let text = value.as_str();
        let is = match self {
            Word => text.is_some_and(|t| !t.is_empty()),
            Text => text.is_some(),
            Number => value.is_u64() || value.is_i64(),
            Flag => value.is_boolean(),
            Time => text.is_some_and(is_utc),
            Hash => text.is_some_and(|t| t.len() == 64 && t.bytes().all(|b| b.is_ascii_hexdigit())),
            One(words) => text.is_some_and(|t| words.contains(&t)),
            Texts => list(value).is_some_and(|l| l.iter().all(Value::is_string)),
            Numbers => list(value).is_some_and(|l| l.iter().all(Value::is_u64)),
            Pairs => list(value).is_some_and(|l| l.iter().all(|p| Texts.holds(p).is_ok())),
            Object(fields) => return check(value, fields),
            Objects(fields) => match list(value) {
                Some(all) => return all.iter().try_for_each(|one| check(one, fields)),
                None => false,
            },
            Maybe(is) => {
                return if value.is_null() {
                    Ok(())
                } else {
                    is.holds(value)
                };
            }
        };
        is.then_some(())
            .ok_or_else(|| format!("{value} is not {self:?}"))
    }
}

fn list(value: &Value) -> Option<&Vec<Value>> {
    value.as_array()
}

/// `2026-03-01T09:00:01.000Z`
fn is_utc(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00T00:00:00.000Z"
}

/// Whether an object has these fields, and no other.
fn check(object: &Value, fields: &[Field]) -> Result<(), String> {
    let there = object
        .as_object()
        .ok_or_else(|| format!("{object} is no object"))?;
    for (name, is) in fields {
        let value = there
            .get(*name)
            .ok_or_else(|| format!("no {name} in {object}"))?;
        is.holds(value).map_err(|why| format!("{name}: {why}"))?;
    }
    let known: BTreeSet<&str> = fields.iter().map(|(name, _)| *name).collect();
    let more: Vec<&String> = there
        .keys()
        .filter(|k| !known.contains(k.as_str()))
        .collect();
    match more.is_empty() {
        true => Ok(()),
        false => Err(format!("{more:?} are not on the list")),
    }
}

#[track_caller]
fn all(values: &[Value], fields: &[Field]) {
    assert!(!values.is_empty());
    for value in values {
        if let Err(why) = check(value, fields) {
            panic!("{why}");
        }
    }
}

const EVIDENCE: Is = One(&["observed", "recorded", "replayed", "patch only"]);
const OP: Is = One(&["create", "modify", "delete", "rename", "mode"]);
const KIND: Is = One(&[
    "read", "search", "edit", "write", "delete", "move", "command", "web", "subagent", "plan",
    "message", "question", "mcp", "notice", "other",
]);
const STATUS: Is = One(&[
    "ok",
    "failed",
    "denied",
    "interrupted",
    "running",
    "unknown",
]);
const AUTHOR: Is = One(&["agent", "you", "tool", "before", "unknown"]);
const AGENT: Is = One(&[
    "claude",
    "codex",
    "cursor",
    "opencode",
    "cline",
    "roo",
    "kilo",
    "aider",
    "copilot",
    "gemini",
    "qwen",
    "regent",
    "pi",
    "crush",
    "specstory",
    "goose",
    "continue",
    "amp",
]);

const SESSION_FIELDS: &[Field] = &[
    ("id", Word),
    ("agent", AGENT),
    ("native_id", Word),
    ("parent_id", Maybe(&Word)),
    ("title", Text),
    ("cwd", Maybe(&Word)),
    ("started_at", Maybe(&Time)),
    ("ended_at", Maybe(&Time)),
    ("model", Maybe(&Word)),
    ("prompts", Number),
    ("steps", Number),
    ("edits", Number),
    ("commands", Number),
    ("failed", Number),
    ("files_changed", Number),
    ("added", Number),
    ("removed", Number),
    ("source", Maybe(&Word)),
    ("archived", Flag),
    ("warnings", Texts),
];

const STEP_FIELDS: &[Field] = &[
    ("id", Word),
    ("session_id", Word),
    ("prompt_id", Maybe(&Word)),
    ("prompt_no", Number),
    ("seq", Number),
    ("at", Maybe(&Time)),
    ("kind", KIND),
    ("status", STATUS),
    ("target", Text),
    ("title", Text),
    ("paths", Texts),
    ("added", Maybe(&Number)),
    ("removed", Maybe(&Number)),
    ("evidence", Maybe(&EVIDENCE)),
    ("exit_code", Maybe(&Number)),
    ("duration_ms", Maybe(&Number)),
];

/// `note` is beyond what was first promised: what is odd about the change, for people.
const CHANGE_FIELDS: &[Field] = &[
    ("path", Word),
    ("op", OP),
    ("old_path", Maybe(&Word)),
    ("before", Maybe(&Hash)),
    ("after", Maybe(&Hash)),
    ("added", Number),
    ("removed", Number),
    ("evidence", EVIDENCE),
    ("patch", Text),
    ("note", Maybe(&Word)),
];

const SHOWN_FIELDS: &[Field] = &[
    ("prompt_text", Text),
    ("reply", Text),
    ("input", Text),
    ("output", Text),
    ("changes", Objects(CHANGE_FIELDS)),
];

/// Who wrote a line; of a line that is gone and of one that somebody may have written.
const WHO_FIELDS: &[Field] = &[
    ("author", AUTHOR),
    ("evidence", Maybe(&EVIDENCE)),
    ("step_id", Maybe(&Word)),
    ("session_id", Maybe(&Word)),
    ("agent", Maybe(&AGENT)),
    ("prompt_no", Maybe(&Number)),
    ("at", Maybe(&Time)),
];

/// The last two are beyond what was first promised: who moved the line since, and who changed its white space.
const LINE_FIELDS: &[Field] = &[
    ("line", Number),
    ("text", Text),
    ("prompt_text", Maybe(&Text)),
    ("commit", Maybe(&Word)),
    ("alternatives", Objects(WHO_FIELDS)),
    ("moved_by", Maybe(&Word)),
    ("spaced_by", Maybe(&Word)),
];

const HISTORY_FIELDS: &[Field] = &[
    ("path", Word),
    ("old_path", Maybe(&Word)),
    ("op", Maybe(&OP)),
    ("author", AUTHOR),
    ("agent", Maybe(&AGENT)),
    ("step_id", Maybe(&Word)),
    ("session_id", Maybe(&Word)),
    ("prompt_no", Maybe(&Number)),
    ("at", Maybe(&Time)),
    ("kind", Maybe(&KIND)),
    ("added", Number),
    ("removed", Number),
    ("evidence", Maybe(&EVIDENCE)),
    ("patch", Maybe(&Text)),
];

const HIT_FIELDS: &[Field] = &[
    ("session_id", Word),
    ("agent", AGENT),
    ("session_title", Text),
    ("what", One(&["session", "prompt", "step"])),
    ("step_id", Maybe(&Word)),
    ("prompt_no", Maybe(&Number)),
    ("kind", Maybe(&KIND)),
    ("status", Maybe(&STATUS)),
    ("at", Maybe(&Time)),
    ("text", Text),
    ("matched", Numbers),
];

const FOLDER_FIELDS: &[Field] = &[("folder", Word), ("transcripts", Number)];

const RECORDING_FIELDS: &[Field] = &[("pid", Number), ("since", Time), ("how", Word)];

const HOOK_FIELDS: &[Field] = &[
    ("agent", AGENT),
    ("path", Word),
    ("scope", One(&["project", "user"])),
    ("since", Time),
    (
        "state",
        One(&["whole", "partly", "gone", "no program", "unreadable"]),
    ),
    ("events", Number),
    ("last", Maybe(&Time)),
];

const STATUS_FIELDS: &[Field] = &[
    ("store", Word),
    ("kind", One(&["repository", "user-wide", "named"])),
    ("schema", Number),
    ("size_bytes", Number),
    ("kept_in", Maybe(&Word)),
    ("sessions", Number),
    ("subagents", Number),
    ("prompts", Number),
    ("steps", Number),
    ("changes", Number),
    ("since", Maybe(&Time)),
    ("until", Maybe(&Time)),
    ("recording", Maybe(&Object(RECORDING_FIELDS))),
    ("snapshots", Number),
    ("last_snapshot", Maybe(&Time)),
    ("hooks", Objects(HOOK_FIELDS)),
    ("bad_ignore_rules", Texts),
    ("transcripts", Number),
    ("archived", Number),
    ("transcript_bytes", Number),
    ("transcript_bytes_stored", Number),
    ("contents", Number),
    ("content_bytes", Number),
    ("content_bytes_stored", Number),
    ("elsewhere", Number),
    ("looked_in", Objects(FOLDER_FIELDS)),
];

const CHECK_FIELDS: &[Field] = &[
    ("check", Word),
    ("verdict", One(&["ok", "warn", "bad"])),
    ("detail", Word),
];

const FORMATS_FIELDS: &[Field] = &[
    (
        "versions",
        Objects(&[
            ("agent", AGENT),
            ("version", Text),
            ("sessions", Number),
            ("unknown", Number),
        ]),
    ),
    (
        "unknown",
        Objects(&[
            ("agent", AGENT),
            ("version", Text),
            ("record", Word),
            ("n", Number),
        ]),
    ),
];

const INGEST_FIELDS: &[Field] = &[
    ("store", Word),
    ("read", Number),
    ("unchanged", Number),
    ("elsewhere", Number),
    ("meanwhile", Number),
    ("gone", Number),
    ("failed", Objects(&[("path", Word), ("why", Word)])),
    ("cancelled", Flag),
    ("looked_in", Objects(FOLDER_FIELDS)),
];

const SNAPSHOT_FIELDS: &[Field] = &[
    ("id", Number),
    ("at", Time),
    ("tree", Hash),
    ("files", Number),
    ("bytes", Number),
    ("read", Number),
    ("complete", Flag),
    ("unread", Pairs),
    ("warnings", Texts),
];

const GC_FIELDS: &[Field] = &[
    ("snapshots", Number),
    ("rewinds", Number),
    ("contents", Number),
    ("bytes", Number),
];

/// `ticked` and `steps` are beyond what was first promised.
const FILE_FIELDS: &[Field] = &[
    ("path", Word),
    ("op", Maybe(&OP)),
    (
        "verdict",
        One(&[
            "same",
            "restore",
            "delete",
            "keep",
            "mixed",
            "merge",
            "conflict",
            "unrecoverable",
        ]),
    ),
    ("why", Text),
    ("from", Maybe(&Hash)),
    ("to", Maybe(&Hash)),
    ("added", Number),
    ("removed", Number),
    ("applied", Flag),
    ("verified", Flag),
    ("ticked", Flag),
    ("steps", Texts),
];

/// The last ones are beyond what was first promised.
const PLAN_FIELDS: &[Field] = &[
    ("target", Word),
    ("scope", Word),
    ("keeps", Text),
    ("undoes", Texts),
    ("files", Objects(FILE_FIELDS)),
    ("warnings", Texts),
    ("confirm_twice", Texts),
    ("kind", One(&["rewind", "revert", "undo", "redo"])),
];

/// A plan that was applied has these, too.
const DONE_FIELDS: &[Field] = &[
    ("complete", Flag),
    ("skipped", Pairs),
    ("late", Pairs),
    ("notes", Texts),
    ("note", Text),
];

/// The story, its files on the disk as the session left them, in a folder with a commit.
fn story() -> Home {
    let h = Home::with_story();
    fs::create_dir_all(h.path("shop/src")).unwrap();
    fs::write(h.path("shop/src/main.rs"), STATES[2]).unwrap();
    fs::write(h.path("shop/notes with blank.txt"), "bounded\u{1b}[31m\n").unwrap();
    h
}

/// What a command prints on stdout, which is one value and a line end, and its exit code.
#[track_caller]
fn one(h: &Home, args: &[&str]) -> (Value, i32) {
    let done = h.run(&[args, &["--json"]].concat()).output().unwrap();
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(text.ends_with('\n'), "{args:?}: {text}");
    let value = serde_json::from_str(&text);
    let err = String::from_utf8_lossy(&done.stderr);
    (
        value.unwrap_or_else(|e| panic!("{args:?}: {e}: {text}{err}")),
        done.status.code().unwrap(),
    )
}

#[track_caller]
fn array(h: &Home, args: &[&str]) -> Vec<Value> {
    let (value, code) = one(h, args);
    assert_eq!(code, 0, "{args:?}");
    value.as_array().unwrap().clone()
}

/// One value a line.
#[track_caller]
fn lines(h: &Home, args: &[&str]) -> Vec<Value> {
    let done = h.run(&[args, &["--json"]].concat()).output().unwrap();
    assert!(done.status.success(), "{args:?}");
    let text = String::from_utf8(done.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn joined(a: &[Field], b: &[Field]) -> Vec<Field> {
    [a, b].concat()
}

#[test]
fn sessions_and_steps() {
    let h = story();
    all(&array(&h, &["sessions"]), SESSION_FIELDS);
    let steps = lines(&h, &["log"]);
    assert_eq!(steps.len(), 8);
    all(&steps, STEP_FIELDS);
    let whole = joined(STEP_FIELDS, SHOWN_FIELDS);
    for step in &steps {
        let (shown, code) = one(&h, &["show", step["id"].as_str().unwrap()]);
        assert_eq!(code, 0);
        all(&[shown], &whole);
    }
    // A prompt: all its steps.
    let prompt = array(&h, &["show", "0f1e/2"]);
    assert_eq!(prompt.len(), 5);
    all(&prompt, &whole);
    all(&array(&h, &["diff", "0f1e/2"]), CHANGE_FIELDS);
    all(&lines(&h, &["search", "retry"]), HIT_FIELDS);
}

#[test]
fn lines_and_their_history() {
    let h = story();
    let line = joined(LINE_FIELDS, WHO_FIELDS);
    all(&array(&h, &["blame", "src/main.rs"]), &line);
    all(&array(&h, &["history", "src/main.rs"]), HISTORY_FIELDS);
    let with_patch = array(&h, &["history", "src/main.rs", "--patch"]);
    all(&with_patch, HISTORY_FIELDS);
    assert!(with_patch.iter().any(|e| e["patch"].is_string()));
    let removed: Vec<Field> = LINE_FIELDS
        .iter()
        .filter(|(name, _)| matches!(*name, "line" | "text" | "prompt_text" | "alternatives"))
        .chain(WHO_FIELDS)
        .copied()
        .collect();
    for gone in array(&h, &["blame", "src/main.rs", "--removed"]) {
        let mut gone = gone;
        let by = gone.as_object_mut().unwrap().remove("removed").unwrap();
        all(&[by], WHO_FIELDS);
        all(&[gone], &removed);
    }
    for hop in array(&h, &["blame", "src/main.rs:2", "--back", "1"]) {
        all(std::slice::from_ref(&hop["undone"]), WHO_FIELDS);
        all(hop["replaced"].as_array().unwrap(), &line);
        assert!(Maybe(&Number).holds(&hop["nearest"]).is_ok(), "{hop}");
        assert!(Maybe(&Text).holds(&hop["prompt_text"]).is_ok(), "{hop}");
    }
}

#[test]
fn what_is_recorded_and_whether_it_is_sound() {
    let h = story();
    let (status, code) = one(&h, &["status"]);
    assert_eq!(code, 0);
    all(&[status], STATUS_FIELDS);
    all(&array(&h, &["doctor"]), CHECK_FIELDS);
    all(&array(&h, &["doctor", "--rebuild"]), CHECK_FIELDS);
    let (formats, _) = one(&h, &["doctor", "--formats"]);
    all(&[formats], FORMATS_FIELDS);
    let (report, code) = one(&h, &["ingest"]);
    assert_eq!(code, 0);
    all(&[report], INGEST_FIELDS);
    let (freed, code) = one(&h, &["gc", "--dry-run"]);
    assert_eq!(code, 0);
    all(&[freed], GC_FIELDS);
}

#[test]
fn a_store_that_is_unsound_fails_and_says_so_as_data() {
    let h = story();
    let db = rusqlite::Connection::open(h.path("shop/.regent/history.db")).unwrap();
    db.execute("UPDATE blob SET data = x'00' WHERE id = 1", [])
        .unwrap();
    drop(db);
    let (checks, code) = one(&h, &["doctor"]);
    assert_eq!(code, 1);
    let checks = checks.as_array().unwrap();
    all(checks, CHECK_FIELDS);
    assert!(checks.iter().any(|c| c["verdict"] == "bad"), "{checks:?}");
}

#[test]
fn going_back_and_forth() {
    let h = story();
    let (snapshot, code) = one(&h, &["snapshot", "-m", "before"]);
    assert_eq!(code, 0);
    all(&[snapshot], SNAPSHOT_FIELDS);
    let done = joined(PLAN_FIELDS, DONE_FIELDS);
    let (plan, code) = one(&h, &["rewind", "0f1e/1", "--dry-run"]);
    assert_eq!(code, 0);
    assert_eq!(plan["files"].as_array().unwrap().len(), 2);
    all(&[plan], PLAN_FIELDS);
    // Without a yes it is the plan, and a refusal.
    let (plan, code) = one(&h, &["rewind", "0f1e/1"]);
    assert_eq!(code, 1);
    all(&[plan], PLAN_FIELDS);
    assert_eq!(
        fs::read_to_string(h.path("shop/src/main.rs")).unwrap(),
        STATES[2]
    );
    for (args, state) in [
        (&["rewind", "0f1e/1", "--yes"][..], STATES[1]),
        (&["undo", "--yes"], STATES[2]),
        (&["redo", "--yes"], STATES[1]),
        (&["undo", "--yes"], STATES[2]),
    ] {
        let (report, code) = one(&h, args);
        assert_eq!(code, 0, "{args:?}: {report}");
        all(std::slice::from_ref(&report), &done);
        assert_eq!(report["complete"], true);
        assert_eq!(
            fs::read_to_string(h.path("shop/src/main.rs")).unwrap(),
            state,
            "{args:?}"
        );
    }
    let (plan, code) = one(&h, &["revert", "0f1e/1", "--dry-run"]);
    assert_eq!(code, 0);
    all(&[plan], PLAN_FIELDS);
}

#[test]
fn failures_print_nothing_on_stdout() {
    let h = story();
    for (args, code) in [
        (&["show", "zzzz"][..], 1),
        (&["log", "--session", "zzzz"], 1),
        (&["diff", "zzzz"], 1),
        (&["cat", "@:nothing.rs"], 1),
        (&["search", "zebra"], 1),
        (&["blame", "nothing.rs"], 1),
        (&["history", "nothing.rs"], 1),
        (&["rewind", "zzzz"], 1),
        (&["undo"], 1),
        (&["ingest", "--from", "nowhere"], 1),
        (&["log", "--kind", "edits"], 2),
        (&["show"], 2),
        (&["rewind"], 2),
        (&["sessions", "--nothing"], 2),
        (&["gc", "--before"], 2),
    ] {
        let args = [args, &["--json"]].concat();
        let (found, err) = h.err(&args);
        assert_eq!(found, code, "{args:?}: {err}");
        assert!(!err.is_empty(), "{args:?}");
    }
}

#[test]
fn cat_is_bytes_whatever_is_asked_for() {
    let h = story();
    for args in [
        &["cat", "@:src/main.rs"][..],
        &["cat", "@:src/main.rs", "--json"],
    ] {
        let done = h.run(args).output().unwrap();
        assert_eq!(done.stdout, STATES[2].as_bytes(), "{args:?}");
    }
    // A session is named by its own id as well as by ours, in every command that takes one.
    for args in [&["log", "--session", SESSION][..], &["show", "@"]] {
        assert!(h.run(args).output().unwrap().status.success(), "{args:?}");
    }
}
