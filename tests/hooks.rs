//! The real binary as agents call it, and as a user installs it.
#![allow(clippy::unwrap_used)]

#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use home::{Home, SESSION};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

fn program() -> PathBuf {
    assert_cmd::cargo::cargo_bin("regent-tui")
}

/// A command in the repository, with nothing of the real environment.
fn command(h: &Home, program: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .env("HOME", h.path(""))
        .env("PATH", "/usr/bin:/bin")
        .env("TZ", "UTC")
        .current_dir(h.path("shop"));
    command
}

/// Runs it with this on stdin. What does not read to the end is an error, as it is to agents.
fn fed(mut command: Command, stdin: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    child.wait_with_output().unwrap()
}

fn hook(h: &Home, agent: &str, stdin: &[u8]) {
    let done = fed(command(h, &program(), &["hook", agent]), stdin);
    silent(&done);
}

fn silent(done: &Output) {
    assert_eq!(done.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&done.stdout), "");
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
}

fn payload(h: &Home, event: &str, tool: &str, call: &str) -> Vec<u8> {
    let cwd = h.path("shop");
    json!({"session_id": SESSION, "transcript_path": "/t", "cwd": cwd, "permission_mode": "default",
        "hook_event_name": event, "tool_name": tool, "tool_input": {"command": "x"}, "tool_use_id": call})
    .to_string()
    .into_bytes()
}

/// Waits for what a child in the background does.
fn wait_for(what: &str, mut is: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn spooled(h: &Home) -> usize {
    let state = h.path(".local/state/regent-tui/stores");
    let far = fs::read_dir(state)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path().join("spool"));
    let folders = far.chain([h.path("shop/.regent/spool")]);
    folders
        .filter_map(|f| fs::read_dir(f).ok())
        .flatten()
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().ends_with(".json"))
        .count()
}

/// What the store holds of hooks: kind, call, and whether a snapshot was taken for it.
fn stored(h: &Home) -> Vec<(i64, Option<String>, bool)> {
    // Looking must not make the file that the child is about to make.
    let db = h.path("shop/.regent/history.db");
    let Ok(conn) = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY) else {
        return Vec::new();
    };
    let sql =
        "SELECT kind, call, snapshot IN (SELECT id FROM snapshot) FROM hook_event ORDER BY at, id";
    let Ok(mut q) = conn.prepare(sql) else {
        return Vec::new();
    };
    let rows = q.query_map([], |r| {
        Ok((
            r.get(0)?,
            r.get(1)?,
            r.get::<_, Option<bool>>(2)? == Some(true),
        ))
    });
    rows.unwrap().filter_map(Result::ok).collect()
}

#[test]
fn what_a_command_of_the_agent_changed_is_stored_without_anybody_watching() {
    let h = Home::empty();
    fs::write(h.path("shop/a.txt"), "one\n").unwrap();
    hook(&h, "claude", &payload(&h, "UserPromptSubmit", "", ""));
    wait_for("the first snapshot", || stored(&h).iter().any(|e| e.2));
    hook(&h, "claude", &payload(&h, "PreToolUse", "Bash", "c1"));
    fs::write(h.path("shop/a.txt"), "two\n").unwrap();
    hook(&h, "claude", &payload(&h, "PostToolUse", "Bash", "c1"));
    wait_for("the second snapshot", || {
        stored(&h).iter().filter(|e| e.2).count() == 2
    });
    // Nothing can have changed: what is told waits for whoever looks next.
    hook(&h, "claude", &payload(&h, "PostToolUse", "Read", "c2"));
    hook(&h, "claude", &payload(&h, "PermissionRequest", "Bash", ""));
    assert_eq!(spooled(&h), 2);
    h.write_story();
    h.out(&["sessions"]);
    assert_eq!(spooled(&h), 0);
    let call = |c: &str| Some(c.to_owned());
    assert_eq!(
        stored(&h),
        [
            (2, None, true),
            (3, call("c1"), false),
            (4, call("c1"), true),
            (4, call("c2"), false),
            (5, None, false)
        ]
    );
    // Before the first one nobody was there; after it, one was.
    let why = |h: &Home| -> Vec<i64> {
        let conn = Connection::open(h.path("shop/.regent/history.db")).unwrap();
        let mut q = conn
            .prepare("SELECT why FROM snapshot ORDER BY id")
            .unwrap();
        let rows = q.query_map([], |r| r.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(why(&h), [5, 4]);
    fs::write(h.path("shop/a.txt"), "three\n").unwrap();
    hook(&h, "claude", &payload(&h, "SessionStart", "", ""));
    wait_for("the snapshot of a new session", || why(&h) == [5, 4, 5]);
    // Facts survive a rebuild.
    h.out(&["doctor", "--rebuild"]);
    assert_eq!(stored(&h).len(), 6);
}

#[test]
fn a_watcher_is_left_the_snapshot() {
    let h = Home::with_story();
    let lease = fs::File::create(h.path("shop/.regent/watching")).unwrap();
    lease.lock().unwrap();
    hook(
        &h,
        "codex",
        &payload(&h, "PostToolUse", "apply_patch", "c1"),
    );
    h.out(&["sessions"]);
    let conn = Connection::open(h.path("shop/.regent/history.db")).unwrap();
    let shot: i64 = conn
        .query_row("SELECT shot FROM hook_event", [], |r| r.get(0))
        .unwrap();
    assert_eq!(shot, 1);
}

#[test]
fn fifty_at_once_lose_no_event() {
    let h = Home::with_story();
    std::thread::scope(|scope| {
        for t in 0..50 {
            let h = &h;
            scope.spawn(move || {
                hook(
                    h,
                    "claude",
                    &payload(h, "PostToolUse", "Bash", &format!("c{t}")),
                )
            });
        }
    });
    wait_for("all fifty", || {
        stored(&h).iter().filter(|e| e.2).count() == 50 && spooled(&h) == 0
    });
    let mut calls: Vec<_> = stored(&h).into_iter().map(|e| e.1).collect();
    calls.sort();
    calls.dedup();
    assert_eq!(calls.len(), 50);
}

/// Of everything that may come: five hundred calls of all agents, ten at a time, with nothing to fifty thousand bytes
/// behind the event, while the store is now and then locked, and no home in some of them.
#[test]
fn five_hundred_calls_end_well_and_each_event_is_kept() {
    let h = Home::with_story();
    let db = h.path("shop/.regent/history.db");
    let agents = ["claude", "codex", "gemini", "cursor", "copilot", "opencode"];
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let locker = scope.spawn(|| {
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                let conn = Connection::open(&db).unwrap();
                // Somebody else may have it at the moment.
                let held = conn.execute_batch("BEGIN EXCLUSIVE");
                std::thread::sleep(Duration::from_millis(50));
                if held.is_ok() {
                    conn.execute_batch("ROLLBACK").unwrap();
                }
            }
        });
        let callers: Vec<_> = (0..10)
            .map(|t| {
                let h = &h;
                scope.spawn(move || {
                    for n in 0..50 {
                        let call = format!("c{t}-{n}");
                        let agent = agents[(t + n) % agents.len()];
                        let mut stdin = payload(h, "PreToolUse", "Read", &call);
                        match n % 5 {
                            0 => stdin = Vec::new(),
                            1 => stdin.truncate(n),
                            2 => {
                                let mut home = command(h, &program(), &["hook", agent]);
                                home.env_remove("HOME");
                                silent(&fed(home, &stdin));
                                continue;
                            }
                            _ => stdin.extend(b" ".repeat(n * 1000)),
                        }
                        hook(h, agent, &stdin);
                    }
                })
            })
            .collect();
        callers.into_iter().for_each(|c| c.join().unwrap());
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        locker.join().unwrap();
    });
    h.out(&["sessions"]);
    assert_eq!(spooled(&h), 0);
    let mut calls: Vec<_> = stored(&h).into_iter().filter_map(|e| e.1).collect();
    calls.sort();
    calls.dedup();
    let whole = (0..10).flat_map(|t| (0..50).map(move |n| (t, n)));
    let wanted = whole.filter(|(_, n)| n % 5 > 2);
    let wanted: Vec<String> = wanted.map(|(t, n)| format!("c{t}-{n}")).collect();
    // Of those without a home nothing is asked but that they end well.
    assert!(wanted.iter().all(|c| calls.contains(c)), "{}", calls.len());
}

#[test]
fn whatever_is_broken_the_agent_goes_on() {
    let h = Home::with_story();
    let whole = payload(&h, "PreToolUse", "Read", "c");
    // What is no event, or none of ours.
    for stdin in [
        b"".to_vec(),
        b"nonsense".to_vec(),
        b"{".repeat(3_000_000),
        b"[\"\\".to_vec(),
        b"{\"hook_event_name\":\"Stop\",\"cwd\":\"/does/not/exist\"}".to_vec(),
        b"{\"hook_event_name\":\"Stop\",\"cwd\":\"/\"}".to_vec(),
        b"{\"hook_event_name\":\"\\u0000\",\"cwd\":\"a\\u0000b\"}".to_vec(),
        (0..=255).cycle().take(100_000).collect(),
        whole[..whole.len() / 2].to_vec(),
    ] {
        hook(&h, "claude", &stdin);
        hook(&h, "nobody", &stdin);
    }
    let before = spooled(&h);
    // A hundred million bytes, the id behind them.
    let mut large = format!("{{\"tool_response\":\"{}", "x\\n".repeat(33_000_000)).into_bytes();
    large.extend_from_slice(b"\",");
    large.extend_from_slice(&whole[1..]);
    hook(&h, "claude", &large);
    assert_eq!(spooled(&h), before + 1);
    // No stdin at all, or one where nobody writes.
    let mut closed = command(
        &h,
        Path::new("/bin/sh"),
        &["-c", "exec \"$0\" hook claude <&-"],
    );
    silent(&closed.arg(program()).output().unwrap());
    let mut quiet = command(&h, &program(), &["hook", "claude"]);
    let mut child = quiet
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // Every wrong way of calling it.
    for args in [
        &["hook"] as &[&str],
        &["hook", "--nonsense"],
        &["hook", "--settle"],
        &["hook", "--settle", "/"],
    ] {
        silent(&fed(command(&h, &program(), args), b""));
    }
}

#[test]
fn a_store_that_is_locked_or_damaged_costs_no_event() {
    let h = Home::with_story();
    let db = h.path("shop/.regent/history.db");
    {
        let conn = Connection::open(&db).unwrap();
        conn.execute_batch("BEGIN EXCLUSIVE").unwrap();
        hook(&h, "claude", &payload(&h, "PreToolUse", "Bash", "c1"));
        assert_eq!(spooled(&h), 1);
    }
    for leftover in ["history.db-wal", "history.db-shm"] {
        let _ = fs::remove_file(h.path("shop/.regent").join(leftover));
    }
    fs::write(&db, "no database").unwrap();
    hook(&h, "claude", &payload(&h, "PreToolUse", "Bash", "c2"));
    assert_eq!(spooled(&h), 2);
}

#[test]
fn where_nothing_can_be_written_nothing_happens() {
    let h = Home::empty();
    // Files where folders should be: as root nothing else cannot be written.
    fs::write(h.path(".local"), "").unwrap();
    fs::write(h.path("shop/.regent"), "").unwrap();
    hook(&h, "claude", &payload(&h, "Stop", "", ""));
    // No home at all.
    let mut homeless = command(&h, &program(), &["hook", "claude"]);
    homeless.env_remove("HOME");
    silent(&fed(homeless, &payload(&h, "PreToolUse", "", "")));
    assert!(h.path("shop/.regent").is_file());
}

#[test]
fn a_strangers_folder_is_not_written_to() {
    let h = Home::empty();
    fs::create_dir_all(h.path("shop/.regent")).unwrap();
    fs::write(h.path("shop/.regent/id"), "0".repeat(32)).unwrap();
    fs::write(h.path("shop/.regent/history.db"), "theirs").unwrap();
    hook(&h, "claude", &payload(&h, "Stop", "", ""));
    assert_eq!(spooled(&h), 1);
    let trouble = || {
        let stores = fs::read_dir(h.path(".local/state/regent-tui/stores")).unwrap();
        stores
            .flatten()
            .any(|e| e.path().join("hook-trouble").exists())
    };
    wait_for("the child gives up", trouble);
    assert!(!h.path("shop/.regent/spool").exists());
    assert_eq!(
        fs::read(h.path("shop/.regent/history.db")).unwrap(),
        b"theirs"
    );
}

// ---- installing

fn settings(h: &Home) -> PathBuf {
    h.path(".claude/settings.json")
}

const MINE: &str = "{\r\n\t\"env\": {\"A\": \"1\"},\r\n\t\"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"say\"}]}]}\r\n}\r\n";

#[test]
fn installing_shows_first_asks_and_can_be_taken_back() {
    let h = Home::empty();
    fs::create_dir_all(h.path(".claude")).unwrap();
    fs::create_dir_all(h.path(".codex")).unwrap();
    fs::write(settings(&h), MINE).unwrap();
    // Nobody can be asked: nothing is written.
    let done = h.run(&["init", "--user"]).output().unwrap();
    let shown = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.code(), Some(1));
    assert!(
        shown.contains("+++ ") && shown.contains("hook claude") && shown.contains("@@"),
        "{shown}"
    );
    assert_eq!(fs::read_to_string(settings(&h)).unwrap(), MINE);
    assert!(!h.path(".codex/hooks.json").exists());

    let told = h.json(&["init", "--user", "--yes", "--json"]);
    assert_eq!(told.as_array().unwrap().len(), 2, "{told}");
    assert!(
        told[0]["done"] == true && told[0]["action"] == "write",
        "{told}"
    );
    assert_eq!(
        fs::read_to_string(
            told[0]["backup"]
                .as_str()
                .unwrap()
                .replace('~', h.path("").to_str().unwrap())
        )
        .unwrap(),
        MINE
    );
    let codex: Value =
        serde_json::from_slice(&fs::read(h.path(".codex/hooks.json")).unwrap()).unwrap();
    assert_eq!(
        codex["hooks"]["PostToolUse"][0]["hooks"][0]["type"],
        "command"
    );
    let again = h.json(&["init", "--user", "--yes", "--json"]);
    assert!(
        again
            .as_array()
            .unwrap()
            .iter()
            .all(|a| a["action"] == "nothing"),
        "{again}"
    );

    // What was installed is what an agent runs.
    let text: Value = serde_json::from_slice(&fs::read(settings(&h)).unwrap()).unwrap();
    let line = text["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
        .as_str()
        .unwrap()
        .to_owned();
    silent(&fed(
        command(&h, Path::new("/bin/sh"), &["-c", &line]),
        &payload(&h, "PreToolUse", "Bash", "c"),
    ));
    assert_eq!(spooled(&h), 1);

    h.out(&["uninstall", "--yes"]);
    assert_eq!(fs::read_to_string(settings(&h)).unwrap(), MINE);
    assert!(!h.path(".codex/hooks.json").exists());
    assert_eq!(h.json(&["uninstall", "--yes", "--json"]), json!([]));
}

#[test]
fn a_command_with_odd_characters_works_and_one_that_is_gone_does_no_harm() {
    let h = Home::empty();
    fs::create_dir_all(h.path("it's a \"$place\"")).unwrap();
    let odd = h.path("it's a \"$place\"/regent-tui");
    if fs::hard_link(program(), &odd).is_err() {
        fs::copy(program(), &odd).unwrap();
    }
    let done = command(
        &h,
        &odd,
        &["init", "--project", "--agent", "claude", "--yes"],
    )
    .output()
    .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    // By name, it is for this project, and the user's own file of it.
    let file = h.path("shop/.claude/settings.local.json");
    let text: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let line = text["hooks"]["Stop"][0]["hooks"][0]["command"]
        .as_str()
        .unwrap()
        .to_owned();
    let run = |stdin: &[u8]| {
        silent(&fed(
            command(&h, Path::new("/bin/sh"), &["-c", &line]),
            stdin,
        ))
    };
    let before = spooled(&h);
    run(&payload(&h, "PreToolUse", "Bash", "c"));
    assert_eq!(spooled(&h), before + 1);
    fs::remove_file(&odd).unwrap();
    // More than a pipe holds: it must be read all the same.
    run(&payload(&h, "Stop", &"x".repeat(500_000), ""));
    let status = h.run(&["uninstall", "--yes"]).output().unwrap().status;
    assert!(status.success());
    assert!(!h.path("shop/.claude").exists());
}

#[test]
fn hooks_that_disappear_are_missed() {
    let h = Home::with_story();
    fs::create_dir_all(h.path(".claude")).unwrap();
    fs::write(settings(&h), "{}").unwrap();
    h.out(&["init", "--user", "--agent", "claude", "--yes"]);
    let hooks = |h: &Home| h.json(&["status", "--json"])["hooks"].clone();
    assert_eq!(hooks(&h)[0]["state"], "whole");
    assert_eq!(hooks(&h)[0]["since"], "2026-03-01T12:00:00.000Z");
    // An agent writes its settings anew and forgets them.
    fs::write(settings(&h), "{\"model\": \"x\"}").unwrap();
    assert_eq!(hooks(&h)[0]["state"], "gone");
    let said = h.out(&["status"]);
    assert!(
        said.contains("have disappeared from ~/.claude/settings.json"),
        "{said}"
    );
    let checks = h.json(&["doctor", "--json"]);
    let check = checks
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["check"] == "hooks")
        .unwrap();
    assert_eq!(check["verdict"], "warn");
    h.out(&["init", "--user", "--agent", "claude", "--yes"]);
    assert_eq!(hooks(&h)[0]["state"], "whole");
}

#[test]
fn a_link_and_what_cannot_be_read_are_left_alone_and_the_rest_is_done() {
    let h = Home::empty();
    for dir in [".claude", ".codex", ".gemini"] {
        fs::create_dir_all(h.path(dir)).unwrap();
    }
    fs::write(h.path("dotfile"), "{}").unwrap();
    symlink(h.path("dotfile"), settings(&h)).unwrap();
    fs::write(h.path(".gemini/settings.json"), "{ // half").unwrap();
    let done = h.run(&["init", "--user", "--yes"]).output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        said.contains("it is a link to") && said.contains("it cannot be read: line 1"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(h.path("dotfile")).unwrap(), "{}");
    assert_eq!(
        fs::read_to_string(h.path(".gemini/settings.json")).unwrap(),
        "{ // half"
    );
    assert!(h.path(".codex/hooks.json").exists());
    let mode = h
        .path(".codex/hooks.json")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

// ---- keeping

#[test]
fn a_session_whose_file_is_gone_answers_as_before() {
    let h = Home::with_story();
    let questions: Vec<Vec<&str>> = vec![
        vec!["log", "--json"],
        vec!["diff", "@"],
        vec!["search", "checkout"],
        vec!["history", "src/main.rs"],
        vec!["cat", "@:src/main.rs"],
    ];
    let ask = |h: &Home| -> Vec<String> { questions.iter().map(|q| h.out(q)).collect() };
    let before = ask(&h);
    assert_eq!(h.json(&["sessions", "--json"])[0]["archived"], false);
    fs::remove_file(h.transcript()).unwrap();
    h.out(&["ingest"]);
    assert_eq!(h.json(&["sessions", "--json"])[0]["archived"], true);
    assert!(h.out(&["sessions"]).contains("archived"));
    assert_eq!(ask(&h), before);
    h.out(&["doctor", "--rebuild"]);
    assert_eq!(ask(&h), before);
    assert_eq!(h.json(&["sessions", "--json"])[0]["archived"], true);
}

#[test]
fn what_claude_code_is_about_to_delete_is_said() {
    let h = Home::empty();
    h.write_story();
    // `REGENT_NOW` is the first of March.
    let written = |path: &Path, age: u64| {
        let now: jiff::Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let at = std::time::SystemTime::from(now) - Duration::from_secs(age * 86_400);
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(at)
            .unwrap();
    };
    written(&h.transcript(), 25);
    let elsewhere = h.path(".claude/projects/-other/0f1e2d3c-0000-4000-8000-00000000000f.jsonl");
    fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
    let text = fs::read_to_string(h.transcript())
        .unwrap()
        .replace("/shop", "/other")
        .replace(SESSION, "0f1e2d3c-0000-4000-8000-00000000000f");
    fs::write(&elsewhere, text).unwrap();
    written(&elsewhere, 26);
    h.out(&["ingest"]);
    let done = h.run(&["sessions"]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        said.contains("2 sessions of Claude Code") && said.contains("`cleanupPeriodDays`"),
        "{said}"
    );
    assert!(said.contains("keeps 1 of them"), "{said}");
    assert!(h.out(&["doctor"]).contains("2 sessions of Claude Code"));
    fs::write(settings(&h), "{\"cleanupPeriodDays\": 365}").unwrap();
    let done = h.run(&["sessions"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&done.stderr).contains("Claude Code"));
    assert!(h.out(&["doctor"]).contains("365 days after"));
}
