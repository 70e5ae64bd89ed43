//! What a person said: every prompt once, where it was taken in, and on its branch of the conversation.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use regent_tui::ingest::{self, Options};
use regent_tui::model::Time;
use regent_tui::store::{Place, Store};
use serde_json::{Value, json};

const SESSION: &str = "0f1e2d3c-0000-4000-8000-00000000000a";

/// A transcript in the making.
#[derive(Clone, Default)]
struct Talk {
    lines: Vec<Value>,
}

impl Talk {
    fn record(&mut self, kind: &str, uuid: &str, parent: Option<&str>, message: Value) {
        let second = self.lines.len();
        self.lines.push(json!({
            "type": kind, "uuid": uuid, "parentUuid": parent, "isSidechain": false, "userType": "external",
            "cwd": "/w", "sessionId": SESSION, "version": "2.1.100", "message": message,
            "timestamp": format!("2026-03-01T09:{:02}:{:02}.000Z", second / 60, second % 60),
        }));
    }

    fn asks(&mut self, uuid: &str, parent: Option<&str>, text: &str) {
        self.record(
            "user",
            uuid,
            parent,
            json!({"role": "user", "content": text}),
        );
    }

    fn says(&mut self, uuid: &str, parent: &str, text: &str) {
        let message =
            json!({"id": uuid, "role": "assistant", "content": [{"type": "text", "text": text}]});
        self.record("assistant", uuid, Some(parent), message);
    }

    fn queue(&mut self, operation: &str, content: Option<&str>) {
        let second = self.lines.len();
        self.lines.push(json!({
            "type": "queue-operation", "operation": operation, "content": content, "sessionId": SESSION,
            "timestamp": format!("2026-03-01T09:00:{second:02}.000Z"),
        }));
    }

    fn write(&self, path: &Path, lines: usize) {
        let text: String = self.lines[..lines]
            .iter()
            .map(|l| format!("{l}\n"))
            .collect();
        fs::write(path, text).unwrap();
    }
}

/// A store in a folder of its own.
struct Bench {
    dir: tempfile::TempDir,
    store: Store,
}

impl Bench {
    fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::explicit(&dir.path().join("history.db"), 0);
        let store = Store::open(&place).unwrap();
        Bench { dir, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, from: &[PathBuf]) {
        let options = Options {
            from: from.to_vec(),
            ..Options::default()
        };
        ingest::run(&self.store, &options, Time(0), &mut |_| {}).unwrap();
    }

    fn rows<T>(&self, sql: &str, mut row: impl FnMut(&rusqlite::Row<'_>) -> T) -> Vec<T> {
        let conn = rusqlite::Connection::open(self.path("history.db")).unwrap();
        let mut q = conn.prepare(sql).unwrap();
        q.query_map([], |r| Ok(row(r)))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    /// Text of each prompt, and whether it stands beside the way.
    fn prompts(&self) -> Vec<(String, bool)> {
        let sql =
            "SELECT head, off_path FROM prompt WHERE alias_of IS NULL ORDER BY session_id, no";
        self.rows(sql, |r| (r.get(0).unwrap(), r.get(1).unwrap()))
    }
}

fn told(talk: &Talk) -> Vec<(String, bool)> {
    let bench = Bench::new();
    talk.write(&bench.path("a.jsonl"), talk.lines.len());
    bench.read(&[bench.path("a.jsonl")]);
    bench.prompts()
}

fn on(texts: &[&str]) -> Vec<(String, bool)> {
    texts.iter().map(|t| ((*t).to_owned(), false)).collect()
}

#[test]
fn what_is_taken_back_out_of_the_queue_moves_nothing_else() {
    let mut talk = Talk::default();
    talk.asks("u1", None, "begin");
    talk.queue("enqueue", Some("taken back"));
    talk.queue("popAll", None);
    talk.queue("enqueue", Some("first"));
    talk.queue("remove", None);
    talk.queue("enqueue", Some("second"));
    talk.queue("dequeue", None);
    talk.says("u2", "u1", "ok");
    talk.asks("u3", Some("u2"), "second");
    assert_eq!(told(&talk), on(&["begin", "first", "second"]));
}

#[test]
fn a_branch_that_was_left_is_marked_and_nothing_else() {
    let mut talk = Talk::default();
    talk.asks("u1", None, "begin");
    talk.says("u2", "u1", "ok");
    talk.asks("u3", Some("u2"), "left");
    talk.says("u4", "u3", "hm");
    talk.asks("u5", Some("u2"), "taken");
    talk.says("u6", "u5", "good");
    let mut expected = on(&["begin", "left", "taken"]);
    expected[1].1 = true;
    assert_eq!(told(&talk), expected);
    // A record whose parent is in no file ends what is known of the way: what lies before is kept.
    talk.asks("u7", Some("nowhere"), "after a gap");
    let all = told(&talk);
    assert_eq!(all, on(&["begin", "left", "taken", "after a gap"]));
}

#[test]
fn an_answer_beside_parallel_calls_is_not_a_left_branch() {
    let mut talk = Talk::default();
    talk.asks("u1", None, "begin");
    let call = |id: &str| {
        let input = json!({"command": "ls"});
        json!({"id": "m", "role": "assistant",
               "content": [{"type": "tool_use", "id": id, "name": "Bash", "input": input}]})
    };
    talk.record("assistant", "u2", Some("u1"), call("t1"));
    talk.record("assistant", "u3", Some("u2"), call("t2"));
    let text = "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, \
                the new_string was NOT written to the file). To tell you how to proceed, the user said:\nnot like that";
    let result = |id: &str, text: &str, bad: bool| json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": text, "is_error": bad}]});
    talk.record("user", "u4", Some("u2"), result("t1", text, true));
    talk.record("user", "u5", Some("u3"), result("t2", "a b", false));
    talk.says("u6", "u5", "ok");
    assert_eq!(told(&talk), on(&["begin", "not like that"]));
}

fn long_talk() -> Talk {
    let mut talk = Talk::default();
    for n in 0..12 {
        let parent = n.to_string();
        talk.asks(
            &format!("q{n}"),
            (n > 0).then_some(&*format!("a{}", n - 1)),
            &format!("question {parent}"),
        );
        talk.says(&format!("a{n}"), &format!("q{n}"), &format!("answer {n}"));
    }
    talk
}

#[test]
fn copies_of_a_session_add_nothing_and_leave_nothing() {
    let talk = long_talk();
    let whole = told(&talk);
    assert!(whole.iter().all(|(_, off)| !off));
    // Beginnings of it in other files, met in any order.
    for (first, second, third) in [(24, 10, 3), (3, 24, 17), (10, 3, 24)] {
        let bench = Bench::new();
        for (name, lines) in [("a.jsonl", first), ("b.jsonl", second), ("c.jsonl", third)] {
            talk.write(&bench.path(name), lines);
            bench.read(&[bench.path(name)]);
        }
        assert_eq!(bench.prompts(), whole, "{first} {second} {third}");
        let counts = bench.rows("SELECT prompts, steps FROM session", |r| {
            (r.get::<_, i64>(0).unwrap(), r.get::<_, i64>(1).unwrap())
        });
        assert_eq!(counts, [(12, 12)]);
    }
}

#[test]
fn an_interruption_before_the_folding_is_made_up_for() {
    let talk = long_talk();
    let bench = Bench::new();
    talk.write(&bench.path("a.jsonl"), 8);
    talk.write(&bench.path("b.jsonl"), 24);
    bench.read(&[bench.path("a.jsonl")]);
    let cancel = Arc::new(AtomicBool::new(false));
    let options = Options {
        from: vec![bench.path("b.jsonl")],
        cancel: cancel.clone(),
        ..Options::default()
    };
    // Stopped when everything is read, and nothing folded.
    let report = ingest::run(&bench.store, &options, Time(0), &mut |p| {
        cancel.store(p.committed, Ordering::Relaxed);
    });
    assert!(report.unwrap().cancelled);
    assert!(bench.prompts().len() < 12);
    bench.read(&[bench.path("b.jsonl")]);
    assert_eq!(bench.prompts(), told(&talk));
}

fn real() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("REGENT_TRANSCRIPTS") {
        return Some(PathBuf::from(dir)).filter(|d| d.is_dir());
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|d| d.join("shared/transcripts"))
        .find(|d| d.is_dir())
}

#[test]
fn real_sessions_have_the_prompts_that_were_counted_and_no_false_branches() {
    let Some(dir) = real() else {
        eprintln!("skipped: no real transcripts here");
        return;
    };
    let bench = Bench::new();
    bench.read(std::slice::from_ref(&dir));
    let index = fs::read_to_string(dir.join("INDEX.tsv")).unwrap();
    let mut lines = index.lines().map(|l| l.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let at = |name: &str| head.iter().position(|h| *h == name).unwrap();
    let (file, agent, kind, count) = (at("file"), at("agent"), at("kind"), at("user_prompts"));
    let sql = "SELECT f.path, sum(p.via = 1) FROM session e JOIN session_file s ON s.session_id = e.id \
               JOIN file f ON f.id = s.file_id LEFT JOIN prompt p ON p.session_id = e.id \
               WHERE e.relation IS NOT 1 GROUP BY f.id";
    let typed: HashMap<PathBuf, i64> = bench
        .rows(sql, |r| {
            let path = String::from_utf8(r.get::<_, Vec<u8>>(0).unwrap()).unwrap();
            (
                PathBuf::from(path),
                r.get::<_, Option<i64>>(1).unwrap().unwrap_or(0),
            )
        })
        .into_iter()
        .collect();
    let mut compared = 0;
    for row in lines {
        if row[kind] != "session" || !matches!(row[agent], "claude-code" | "codex") {
            continue;
        }
        let ours = typed[&dir.join(row[file])];
        assert_eq!(ours.to_string(), row[count], "{}", row[file]);
        compared += 1;
    }
    assert!(compared >= 30, "{compared}");

    let sql = "SELECT f.path, p.off, p.via, (SELECT count(*) FROM session_file o WHERE o.session_id = p.session_id) \
               FROM prompt p JOIN file f ON f.id = p.file_id WHERE p.off_path AND f.agent = 1";
    for (path, off, files) in bench.rows(sql, |r| {
        let path = String::from_utf8(r.get::<_, Vec<u8>>(0).unwrap()).unwrap();
        (
            path,
            usize::try_from(r.get::<_, i64>(1).unwrap()).unwrap(),
            r.get::<_, i64>(3).unwrap(),
        )
    }) {
        let bytes = fs::read(&path).unwrap();
        let own: Value =
            serde_json::from_slice(bytes[off..].split(|b| *b == b'\n').next().unwrap()).unwrap();
        assert!(
            files > 1 || !way_of(&bytes).contains(own["uuid"].as_str().unwrap_or_default()),
            "{path} at {off} leads to the newest record"
        );
    }
}

/// The records on the way from the newest one back, looked up naively.
fn way_of(transcript: &[u8]) -> HashSet<String> {
    let mut parents = HashMap::new();
    let mut leaf = None;
    for line in transcript.split(|b| *b == b'\n') {
        let Ok(record) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        let text = |name: &str| record[name].as_str().map(str::to_owned);
        if let Some(uuid) = text("uuid").filter(|_| record["isSidechain"] != true) {
            parents.insert(
                uuid.clone(),
                text("parentUuid").or_else(|| text("logicalParentUuid")),
            );
            leaf = Some(uuid);
        }
    }
    let mut way = HashSet::new();
    while let Some(node) = leaf.filter(|n| way.insert(n.clone())) {
        leaf = parents.get(&node).cloned().flatten();
    }
    way
}
