//! `fork`: a new session that continues from a step, as the agents' formats have it; the old one untouched, and the
//! steps told once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::home::{Home, SESSION};
use crate::talk::{Talk, read, sessions};

/// Forks, and gives back the new file.
fn fork(home: &Home, step: &str) -> (Value, PathBuf) {
    let before = sessions(home);
    let kept: Vec<Vec<u8>> = before.iter().map(|p| fs::read(p).unwrap()).collect();
    let made = home.json(&["fork", step, "--json"]);
    let after = sessions(home);
    let new: Vec<&PathBuf> = after.iter().filter(|p| !before.contains(p)).collect();
    assert_eq!(new.len(), 1);
    let still: Vec<Vec<u8>> = before.iter().map(|p| fs::read(p).unwrap()).collect();
    assert_eq!(kept, still, "the original was touched");
    let mode = fs::metadata(new[0]).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    (made, new[0].clone())
}

fn blocks<'a>(records: &'a [Value], kind: &'a str, field: &'a str) -> BTreeSet<&'a str> {
    let content = |r: &'a Value| r["message"]["content"].as_array().into_iter().flatten();
    records
        .iter()
        .flat_map(content)
        .filter(|b| b["type"] == kind)
        .filter_map(|b| b[field].as_str())
        .collect()
}

/// What must hold of every conversation that an agent is to go on with.
fn is_whole(records: &[Value], id: &str) {
    let mut seen = BTreeSet::new();
    for r in records {
        assert_eq!(r["sessionId"], id);
        if let Some(parent) = r["parentUuid"].as_str() {
            assert!(seen.contains(parent), "{parent} is no record before it");
        }
        seen.extend(r["uuid"].as_str());
    }
    assert_eq!(
        blocks(records, "tool_use", "id"),
        blocks(records, "tool_result", "tool_use_id"),
        "a call without a result"
    );
}

fn steps(home: &Home) -> usize {
    home.json_lines(&["log", "--json"]).len()
}

#[test]
fn a_claude_session_continues_from_a_step() {
    let home = Home::with_story();
    let all = steps(&home);
    // The second prompt's first step: a failed test run.
    let (made, path) = fork(&home, &format!("{SESSION}/2.1"));
    let id = made["native_id"].as_str().unwrap();
    assert_eq!(path.file_stem().unwrap().to_str(), Some(id));
    assert_eq!(path.parent(), home.transcript().parent());
    assert_eq!(made["forked_from"], SESSION);
    assert_eq!(
        made["command"],
        format!("cd ~/shop && claude --resume {id}")
    );
    assert_eq!(made["left_out"], 0);
    let (old, new) = (read(&home.transcript()), read(&path));
    is_whole(&new, id);
    assert_eq!(new.len(), 9, "up to and with the result of the step");
    for (was, is) in old.iter().zip(&new) {
        assert_eq!(
            (&was["uuid"], &was["timestamp"], &was["message"]),
            (&is["uuid"], &is["timestamp"], &is["message"])
        );
        assert_eq!(
            is["forkedFrom"],
            json!({"sessionId": SESSION, "messageUuid": was["uuid"]})
        );
    }
    // Read again, its steps are copies, told once, and it has a parent.
    assert_eq!(steps(&home), all);
    let list = home.json(&["sessions", "--json"]);
    let list = list.as_array().unwrap();
    let of = |native: &str| list.iter().find(|s| s["native_id"] == native).unwrap();
    assert_eq!(of(id)["parent_id"], of(SESSION)["id"]);
    // The agent goes on in it.
    let last = new.last().unwrap();
    let line = json!({
        "parentUuid": last["uuid"], "isSidechain": false, "cwd": last["cwd"], "sessionId": id, "type": "assistant",
        "uuid": "more", "timestamp": "2026-03-01T11:00:00.000Z", "version": "2.1.100",
        "message": {"id": "m", "role": "assistant", "model": "claude-test", "content": [{"type": "text", "text": "going on"}]},
    });
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{line}\n")).unwrap();
    let log = home.json_lines(&["log", "--json"]);
    assert_eq!(log.len(), all + 1);
    assert_eq!(log[0]["session_id"], of(id)["id"]);
}

#[test]
fn in_the_middle_of_parallel_calls_none_is_left_without_a_result() {
    let home = Home::empty();
    let mut talk = Talk::new(&home, "0f1e2d3c-0000-4000-8000-0000000000aa");
    talk.prompt("three at once");
    // A text and three calls, each a record of its own, as Claude Code writes them; then two in one record.
    let a = talk.call("Bash", json!({"command": "a"}));
    let b = talk.call("Bash", json!({"command": "b"}));
    let c = talk.call("Bash", json!({"command": "c"}));
    let ok = || json!({"stdout": "ok", "stderr": "", "interrupted": false, "isImage": false});
    talk.result(&b, "ok", ok());
    talk.result(&a, "ok", ok());
    talk.result(&c, "ok", ok());
    let (d, e) = ("toolu_d".to_owned(), "toolu_e".to_owned());
    let use_of =
        |id: &str| json!({"type": "tool_use", "id": id, "name": "Bash", "input": {"command": id}});
    talk.assistant(
        "both",
        vec![
            json!({"type": "text", "text": "two"}),
            use_of(&d),
            use_of(&e),
        ],
    );
    talk.result(&d, "ok", ok());
    talk.result(&e, "ok", ok());
    talk.say("done");
    // What is of the old session alone.
    talk.lines.push(json!({"type": "file-history-snapshot", "messageId": "x", "snapshot": {}, "isSnapshotUpdate": false}));
    talk.write(&home);
    for (at, left_out) in [(&a, 1), (&b, 2), (&c, 0), (&d, 1), (&e, 0)] {
        let (made, path) = fork(&home, at);
        assert_eq!(made["left_out"], left_out, "{at}");
        let records = read(&path);
        is_whole(&records, made["native_id"].as_str().unwrap());
        assert!(blocks(&records, "tool_result", "tool_use_id").contains(at.as_str()));
        assert!(records.iter().all(|r| r["type"] != "file-history-snapshot"));
    }
    // Five forks later every step is still told once.
    assert_eq!(steps(&home), 7, "five calls and two things said");
}

fn rollout(home: &Home) -> (String, PathBuf) {
    let id = "0199aaaa-0000-7000-8000-000000000001".to_owned();
    let name = format!(".codex/sessions/2026/03/01/rollout-2026-03-01T09-00-00-{id}.jsonl");
    let cwd = home.path("shop").display().to_string();
    let line = |s: u32, kind: &str, payload: Value| {
        json!({"timestamp": format!("2026-03-01T09:00:{s:02}.000Z"), "type": kind, "payload": payload}).to_string()
    };
    let run = |call: &str, cmd: &str| {
        json!({"type": "function_call", "name": "exec_command", "call_id": call,
               "arguments": json!({"cmd": cmd, "workdir": cwd}).to_string()})
    };
    let out = |call: &str| {
        json!({"type": "function_call_output", "call_id": call,
               "output": "Chunk ID: 1\nWall time: 0.1 seconds\nProcess exited with code 0\nOutput:\nok\n"})
    };
    let turn = "0199aaaa-0001-7000-8000-000000000002";
    let lines = [
        line(
            0,
            "session_meta",
            json!({"id": id, "timestamp": "2026-03-01T09:00:00.000Z", "cwd": cwd,
             "originator": "codex-tui", "cli_version": "0.142.0", "source": "cli", "model_provider": "openai"}),
        ),
        line(
            1,
            "event_msg",
            json!({"type": "task_started", "turn_id": turn}),
        ),
        line(
            2,
            "turn_context",
            json!({"turn_id": turn, "cwd": cwd, "model": "gpt-test"}),
        ),
        line(
            3,
            "event_msg",
            json!({"type": "user_message", "message": "run both"}),
        ),
        line(4, "response_item", run("call_1", "make one")),
        line(5, "response_item", run("call_2", "make two")),
        line(6, "response_item", out("call_1")),
        line(7, "response_item", out("call_2")),
        line(
            8,
            "response_item",
            json!({"type": "message", "role": "assistant",
             "content": [{"type": "output_text", "text": "both ran"}]}),
        ),
    ];
    let path = home.path(&name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    (id, path)
}

#[test]
fn a_codex_session_continues_from_a_step() {
    let home = Home::empty();
    let (id, _) = rollout(&home);
    let all = steps(&home);
    let prompts = |home: &Home| -> u64 {
        let list = home.json(&["sessions", "--json"]);
        list.as_array()
            .unwrap()
            .iter()
            .map(|s| s["prompts"].as_u64().unwrap())
            .sum()
    };
    let asked = prompts(&home);
    let (made, path) = fork(&home, "call_1");
    let new_id = made["native_id"].as_str().unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(
        name.starts_with("rollout-2026-03-01T12-00-00-")
            && name.ends_with(&format!("{new_id}.jsonl")),
        "{name}"
    );
    assert!(
        path.parent()
            .unwrap()
            .ends_with(".codex/sessions/2026/03/01")
    );
    assert!(
        made["command"]
            .as_str()
            .unwrap()
            .ends_with(&format!("codex resume {new_id}"))
    );
    assert_eq!(made["left_out"], 1);
    let records = read(&path);
    let metas: Vec<&Value> = records
        .iter()
        .filter(|r| r["type"] == "session_meta")
        .map(|r| &r["payload"])
        .collect();
    assert_eq!(
        (&metas[0]["id"], &metas[0]["forked_from_id"]),
        (&new_id.into(), &id.clone().into())
    );
    assert_eq!(metas[1]["id"], id.as_str(), "then the parent's own");
    let calls: Vec<&str> = records
        .iter()
        .filter_map(|r| r["payload"]["call_id"].as_str())
        .collect();
    assert_eq!(calls, ["call_1", "call_1"]);
    assert_eq!(steps(&home), all);
    assert_eq!(prompts(&home), asked);
    // It goes on in a turn of its own.
    let turn = new_id;
    let mut text = fs::read_to_string(&path).unwrap();
    for payload in [
        json!({"timestamp": "2026-03-01T12:01:00.000Z", "type": "event_msg", "payload": {"type": "task_started", "turn_id": turn}}),
        json!({"timestamp": "2026-03-01T12:01:01.000Z", "type": "event_msg", "payload": {"type": "user_message", "message": "again"}}),
        json!({"timestamp": "2026-03-01T12:01:02.000Z", "type": "response_item", "payload": {"type": "message",
               "role": "assistant", "content": [{"type": "output_text", "text": "gone on"}]}}),
    ] {
        text.push_str(&format!("{payload}\n"));
    }
    fs::write(&path, text).unwrap();
    assert_eq!(steps(&home), all + 1);
    assert_eq!(prompts(&home), asked + 1);
}

#[test]
fn a_transcript_that_is_gone_is_continued_from_the_store() {
    let home = Home::with_story();
    fs::remove_file(home.transcript()).unwrap();
    let (made, path) = fork(&home, &format!("{SESSION}/1"));
    is_whole(&read(&path), made["native_id"].as_str().unwrap());
}

#[test]
fn a_sub_agents_conversation_is_not_continued_by_itself() {
    let home = Home::with_story();
    let cwd = home.path("shop").display().to_string();
    let line = |n: u32, kind: &str, message: Value| {
        json!({"parentUuid": null, "isSidechain": true, "agentId": "abc", "cwd": cwd, "sessionId": SESSION,
               "version": "2.1.100", "type": kind, "message": message, "uuid": format!("sub-{n}"),
               "timestamp": format!("2026-03-01T09:00:{n:02}.000Z")})
    };
    let lines = [
        line(
            30,
            "user",
            json!({"role": "user", "content": "look for it"}),
        ),
        line(
            31,
            "assistant",
            json!({"id": "m", "role": "assistant", "model": "claude-test", "content": [
            {"type": "tool_use", "id": "toolu_sub_1", "name": "Bash", "input": {"command": "ls"}}]}),
        ),
        line(
            32,
            "user",
            json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_sub_1", "content": "ok"}]}),
        ),
    ];
    let path = home.path(&format!(
        ".claude/projects/-shop/{SESSION}/subagents/agent-abc.jsonl"
    ));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
    fs::write(&path, text).unwrap();
    let before = sessions(&home);
    let (code, said) = home.err(&["fork", "toolu_sub_1"]);
    assert_eq!(code, 1);
    assert!(said.contains("a step of a sub-agent"), "{said}");
    assert_eq!(sessions(&home), before);
}

#[test]
fn a_damaged_line_is_left_out_and_counted() {
    let home = Home::with_story();
    let text = fs::read_to_string(home.transcript()).unwrap();
    fs::write(home.transcript(), format!("{{\"torn\": \n{text}")).unwrap();
    let (made, path) = fork(&home, &format!("{SESSION}/1"));
    assert_eq!(made["damaged"], 1);
    is_whole(&read(&path), made["native_id"].as_str().unwrap());
}

#[test]
fn where_there_is_nothing_to_continue_it_says_so() {
    let home = Home::with_story();
    let before = sessions(&home);
    let (code, said) = home.err(&["fork", "zzzzzz"]);
    assert_eq!(code, 1);
    assert!(said.contains("no step zzzzzz"), "{said}");
    assert_eq!(sessions(&home), before);
}

/// Real transcripts, where they are; read in place.
fn transcripts() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("REGENT_TRANSCRIPTS") {
        return Some(PathBuf::from(dir)).filter(|d| d.is_dir());
    }
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|d| d.join("shared/transcripts"))
        .find(|d| d.is_dir())
}

fn files(dir: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir];
    while let Some(dir) = folders.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if path.extension().is_some_and(|e| e == "jsonl") => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

fn uuids(records: &[Value]) -> BTreeSet<&str> {
    records.iter().filter_map(|r| r["uuid"].as_str()).collect()
}

fn values(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes.split(|b| *b == b'\n');
    lines
        .filter_map(|l| serde_json::from_slice(l).ok())
        .collect()
}

/// At several places of every real session: no call without a result, no record that hangs on one that is not there.
#[test]
#[allow(clippy::print_stderr)]
fn real_sessions_can_be_continued_from_anywhere() {
    use regent_tui::model::{Agent, Time};
    use regent_tui::source::fork::{New, Origin, fork};
    let Some(dir) = transcripts() else {
        eprintln!("skipped: no real transcripts here");
        return;
    };
    let mut forks = 0;
    for (agent, folder) in [(Agent::Claude, "claude-code"), (Agent::Codex, "codex")] {
        for path in files(dir.join(folder)) {
            let bytes = fs::read(&path).unwrap();
            if bytes.len() > 3 << 20 {
                continue;
            }
            let ends: Vec<usize> = memchr_lines(&bytes);
            for part in 1..3 {
                let Some(end) = ends.get(ends.len() * part / 3).copied() else {
                    continue;
                };
                let origin = Origin {
                    bytes: &bytes,
                    end,
                    key: 0,
                    id: "old",
                };
                let new = New {
                    id: "new",
                    at: Time(1_800_000_000_000),
                };
                // Files of other shapes beside the sessions are refused in words.
                let Ok(forked) = fork(agent, origin, new) else {
                    continue;
                };
                forks += 1;
                let (old, new) = (values(&bytes[..end]), values(&forked.bytes));
                let at = path.display();
                if agent == Agent::Codex {
                    let of = |kind: &str| -> BTreeSet<String> {
                        let items = new.iter().filter(|r| r["type"] == "response_item");
                        let items = items.map(|r| &r["payload"]);
                        items
                            .filter(|p| p["type"].as_str().is_some_and(|t| t.ends_with(kind)))
                            .filter_map(|p| p["call_id"].as_str().map(str::to_owned))
                            .collect()
                    };
                    let (calls, outputs) = (of("_call"), of("_output"));
                    assert!(calls.is_subset(&outputs), "{at}");
                    let metas = new.iter().filter(|r| r["type"] == "session_meta");
                    let metas: Vec<&Value> = metas.map(|r| &r["payload"]).collect();
                    assert_eq!(metas.len(), 2, "{at}: its own and the parent's");
                    assert_eq!(
                        (&new[0]["payload"], &new[1]["payload"]),
                        (metas[0], metas[1])
                    );
                    assert_eq!(metas[0]["cwd"], metas[1]["cwd"], "{at}");
                    assert!(metas[0]["cwd"].is_string(), "{at}: where it goes on");
                    assert!(metas[0]["session_id"].is_null() || metas[0]["session_id"] == "new");
                    let last = new.iter().rfind(|r| r["type"] == "response_item");
                    let last = last.map(|r| &r["payload"]["type"]);
                    assert!(last.is_none_or(|kind| kind != "reasoning"), "{at}");
                    continue;
                }
                let (calls, results) = (
                    blocks(&new, "tool_use", "id"),
                    blocks(&new, "tool_result", "tool_use_id"),
                );
                assert!(calls.is_subset(&results), "{at}");
                let (before, after) = (uuids(&old), uuids(&new));
                is_one_conversation(&old, &new, &at.to_string());
                for r in &new {
                    assert!(r["uuid"].is_null() || r["sessionId"] == "new", "{at}");
                    let parent = r["parentUuid"].as_str().unwrap_or_default();
                    assert!(after.contains(parent) || !before.contains(parent), "{at}");
                }
            }
        }
    }
    eprintln!("{forks} forks of real sessions");
    assert!(forks > 50, "{forks}");
}

/// From the last record back to the first: as long a way as in the old file, with nothing missing on it that was there;
/// a step where the old one had a gap (what was compacted, or is in another file) is one here, too.
fn is_one_conversation(old: &[Value], new: &[Value], at: &str) {
    let by_id = |records: &[Value]| -> BTreeMap<String, Value> {
        let own = records
            .iter()
            .filter_map(|r| Some((r["uuid"].as_str()?.to_owned(), r.clone())));
        own.collect()
    };
    if uuids(old).len() < old.iter().filter(|r| r["uuid"].is_string()).count() {
        // Its ids were made unreadable, or records stand in it twice: there is no one way back.
        return;
    }
    let (old, by_id) = (by_id(old), by_id(new));
    let mut last = new.iter().rfind(|r| r["uuid"].is_string());
    let mut seen = BTreeSet::new();
    while let Some(record) = last {
        let uuid = record["uuid"].as_str().unwrap();
        assert!(seen.insert(uuid.to_owned()), "{at}: a circle at {uuid}");
        assert_eq!(record["forkedFrom"]["messageUuid"], uuid, "{at}");
        assert_eq!(record["cwd"], old[uuid]["cwd"], "{at}");
        let parent = record["parentUuid"].as_str();
        last = parent.and_then(|p| by_id.get(p));
        let was = old[uuid]["parentUuid"].as_str();
        assert!(
            last.is_some() || was.is_none_or(|p| !old.contains_key(p) || gone(&old, &by_id, p)),
            "{at}: the way back ends at {uuid}"
        );
    }
}

/// Whether nothing is left of a record and of all before it.
fn gone(old: &BTreeMap<String, Value>, new: &BTreeMap<String, Value>, from: &str) -> bool {
    let mut at = Some(from);
    let mut left = old.len();
    while let Some(id) = at.filter(|_| left > 0) {
        if new.contains_key(id) {
            return false;
        }
        left -= 1;
        at = old.get(id).and_then(|r| r["parentUuid"].as_str());
    }
    true
}

/// Where lines end.
fn memchr_lines(bytes: &[u8]) -> Vec<usize> {
    let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n');
    ends.map(|(i, _)| i + 1).collect()
}
