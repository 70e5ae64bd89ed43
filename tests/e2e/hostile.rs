//! Foreign text can be anything; the terminal gets only what is on the list, and nothing stays hidden (T23, T24).

use std::collections::BTreeSet;
use std::fs;

use regex::Regex;
use serde_json::{Value, json};

use crate::home::Home;
use crate::payloads::{self, RAW};
use crate::screen::quit;
use crate::stream::Stream;
use crate::term::Term;

const CLAUDE: &str = "bad00000-0000-4000-8000-000000000001";
const CODEX: &str = "bad00000-0000-4000-8000-00000000000c";

/// Sessions of both agents in which every field is hostile, one after another.
fn hostile_home() -> Home {
    let home = Home::empty();
    let dir = home.path(".claude/projects/-shop");
    fs::create_dir_all(&dir).unwrap();
    let mut bytes = claude(&home).into_bytes();
    for raw in RAW {
        // Bytes that are no UTF-8, in the middle of what would be a record.
        let line = claude_line(
            &home,
            9000,
            "user",
            json!({"role": "user", "content": "raw @@ bytes"}),
        );
        let (before, after) = line.split_once("@@").unwrap();
        bytes.extend([before.as_bytes(), raw, after.as_bytes(), b"\n"].concat());
    }
    fs::write(dir.join(format!("{CLAUDE}.jsonl")), bytes).unwrap();
    let dir = home.path(".codex/sessions/2026/11/20");
    fs::create_dir_all(&dir).unwrap();
    fs::write(
        dir.join(format!("rollout-2026-11-20T10-00-00-{CODEX}.jsonl")),
        codex(&home),
    )
    .unwrap();
    // Each of these would be a session's title.
    for (i, bad) in payloads::all().iter().step_by(29).enumerate() {
        let id = format!("bad00000-0000-4000-9000-{i:012}");
        let mut line = claude_record(
            &home,
            i,
            "user",
            json!({"role": "user", "content": format!("title {bad}")}),
        );
        line["sessionId"] = json!(id);
        line["gitBranch"] = json!(bad);
        fs::write(
            home.path(&format!(".claude/projects/-shop/{id}.jsonl")),
            format!("{line}\n"),
        )
        .unwrap();
    }
    home
}

fn claude_record(home: &Home, n: usize, kind: &str, message: Value) -> Value {
    json!({
        "parentUuid": n.checked_sub(1).map(|p| format!("u{p}")), "isSidechain": false, "userType": "external",
        "cwd": home.shop(), "sessionId": CLAUDE, "version": "2.1.100", "gitBranch": "main", "type": kind,
        "message": message, "uuid": format!("u{n}"),
        "timestamp": format!("2026-11-20T{:02}:{:02}:{:02}.000Z", n / 3600 % 24, n / 60 % 60, n % 60),
    })
}

fn claude_line(home: &Home, n: usize, kind: &str, message: Value) -> String {
    claude_record(home, n, kind, message).to_string()
}

/// Each payload in a prompt, in words, as a tool, a command, a path, an output, an error.
fn claude(home: &Home) -> String {
    let mut lines = Vec::new();
    let mut n = 0;
    let mut add = |record: Value| {
        lines.push(record.to_string());
    };
    for (i, bad) in payloads::all().iter().enumerate() {
        let shop = home.shop();
        let path = format!("{}/src/{bad}.rs", shop.display());
        let id = format!("toolu_{i}");
        let (name, input, result) = match i % 7 {
            0 => (
                "Bash",
                json!({"command": format!("echo {bad}"), "description": bad}),
                None,
            ),
            1 => (
                "Read",
                json!({"file_path": path}),
                Some(json!({
                    "type": "text", "file": {"filePath": path, "content": bad, "numLines": 1, "startLine": 1, "totalLines": 1},
                })),
            ),
            2 => (
                "Edit",
                json!({"file_path": path, "old_string": "a", "new_string": bad}),
                Some(json!({
                    "filePath": path, "oldString": "a", "newString": bad, "originalFile": format!("a {bad} z\n"),
                    "replaceAll": false, "userModified": false, "structuredPatch": [],
                })),
            ),
            3 => (
                "Write",
                json!({"file_path": path, "content": bad}),
                Some(json!({
                    "type": "create", "filePath": path, "content": bad, "structuredPatch": [], "originalFile": null,
                })),
            ),
            4 => ("Grep", json!({"pattern": bad, "path": bad}), None),
            5 => (
                bad.as_str(),
                json!({"query": bad, bad.as_str(): [bad]}),
                None,
            ),
            _ => (
                "Task",
                json!({"description": bad, "prompt": bad, "subagent_type": bad}),
                None,
            ),
        };
        if i % 5 == 0 {
            add(claude_record(
                home,
                n,
                "user",
                json!({"role": "user", "content": format!("prompt {bad} end")}),
            ));
            n += 1;
        }
        add(claude_record(
            home,
            n,
            "assistant",
            json!({
                "id": format!("msg_{n}"), "role": "assistant", "model": format!("model {bad}"),
                "content": [
                    {"type": "text", "text": format!("words **{bad}** and `{bad}`\n\n```\n{bad}\n```\n- {bad}\n")},
                    {"type": "tool_use", "id": id, "name": name, "input": input},
                ],
            }),
        ));
        let content = json!([{"type": "tool_result", "tool_use_id": id, "content": format!("out {bad}\n{bad}"),
            "is_error": i % 3 == 0}]);
        let mut record = claude_record(
            home,
            n + 1,
            "user",
            json!({"role": "user", "content": content}),
        );
        if let Some(result) = result {
            record["toolUseResult"] = result;
        } else if i % 7 == 0 && i % 3 != 0 {
            record["toolUseResult"] =
                json!({"stdout": bad, "stderr": bad, "interrupted": false, "isImage": false});
        }
        add(record);
        n += 2;
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn codex(home: &Home) -> String {
    let mut lines = Vec::new();
    let mut add = |kind: &str, payload: Value| {
        let n = lines.len();
        let at = format!("2026-11-20T10:{:02}:{:02}.000Z", n / 60 % 60, n % 60);
        lines.push(json!({"timestamp": at, "type": kind, "payload": payload}).to_string());
    };
    add(
        "session_meta",
        json!({"id": CODEX, "timestamp": "2026-11-20T10:00:00.000Z", "cwd": home.shop(),
        "originator": "\u{1b}[2J", "cli_version": "0.140.0\u{9b}2J", "source": "cli",
        "git": {"commit_hash": "\u{1b}c", "branch": "bra\u{202e}nch\u{1b}]0;t\u{7}"}}),
    );
    for (i, bad) in payloads::all().iter().enumerate().step_by(4) {
        add(
            "turn_context",
            json!({"turn_id": bad, "cwd": home.shop(), "model": format!("gpt {bad}")}),
        );
        add(
            "event_msg",
            json!({"type": "user_message", "message": format!("ask {bad}"), "images": []}),
        );
        add(
            "event_msg",
            json!({"type": "agent_message", "message": format!("say {bad}")}),
        );
        let call = format!("call_{i}");
        add(
            "response_item",
            json!({"type": "function_call", "name": if i % 8 == 0 { bad } else { "exec_command" },
            "arguments": json!({"cmd": format!("printf {bad}"), "workdir": bad}).to_string(), "call_id": call}),
        );
        add(
            "response_item",
            json!({"type": "function_call_output", "call_id": call,
            "output": format!("Process exited with code {}\nOutput:\n{bad}\n{bad}", i % 2)}),
        );
        let patch = format!("*** Begin Patch\n*** Add File: src/{bad}.txt\n+{bad}\n*** End Patch");
        let call = format!("patch_{i}");
        add(
            "response_item",
            json!({"type": "custom_tool_call", "status": "completed", "call_id": call,
            "name": "apply_patch", "input": patch}),
        );
        add(
            "response_item",
            json!({"type": "custom_tool_call_output", "call_id": call, "output": bad}),
        );
        add("event_msg", json!({"type": bad, "what": bad}));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// What hides or moves, by the tables of `regex`; emoji and joiners between letters that need them are excused.
struct Oracle {
    emoji: Regex,
    joined: Regex,
    hidden: Regex,
}

impl Oracle {
    fn new() -> Oracle {
        let unit = r"\p{Extended_Pictographic}\p{Emoji_Modifier}?[\x{FE0E}\x{FE0F}]?";
        Oracle {
            emoji: Regex::new(&format!(r"{unit}(?:\x{{200D}}{unit})*|[0-9#*]\x{{FE0F}}\x{{20E3}}")).unwrap(),
            joined: Regex::new(r"([\p{L}\p{M}])[\x{200C}\x{200D}](\p{L}|$)").unwrap(),
            hidden: Regex::new(
                r"[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\x{3164}\x{115F}\p{Variation_Selector}]",
            )
            .unwrap(),
        }
    }

    /// Nothing hides in a piece of text that stood on the screen.
    #[track_caller]
    fn check(&self, run: &str) {
        if run.is_ascii() {
            return;
        }
        let rest = self.emoji.replace_all(run, "E");
        let rest = self.joined.replace_all(&rest, "$1$2");
        assert!(!self.hidden.is_match(&rest), "something hides in {run:?}");
    }
}

#[track_caller]
fn sound(term: &Term, oracle: &Oracle) {
    term.with_stream(|s| {
        assert_eq!(s.violations(), [""; 0]);
        for run in s.runs() {
            oracle.check(run);
        }
    });
    let calls = term.calls();
    assert!(calls.is_empty(), "{calls:?}");
}

/// Every row of both sessions, in three views, and all the lists.
#[test]
fn every_field_on_the_screen() {
    let home = hostile_home();
    home.run(&["ingest"]);
    let oracle = Oracle::new();
    for (session, size) in [(CLAUDE, (120, 40)), (CODEX, (69, 45))] {
        let term = home.start(&[session]).size(size.0, size.1).go();
        term.see("Timeline");
        term.press("xxgg");
        let pages = 1 + 4000 / u32::from(size.1);
        for page in 0..pages {
            // The cursor stands on rows between, too.
            term.keys("\x04\x04kk");
            if page % 12 == 0 {
                term.press("J");
            }
            if page % 40 == 0 {
                term.press("i");
                term.press("i");
                term.press("D");
            }
        }
        for keys in ["s", "s", "s", "s"] {
            term.press(keys);
        }
        term.keys("G");
        for keys in [
            "S", "jjjjjjjj", "\x1b", "gs", "\x04\x04", "\x1b", "gf", "\x1b", "?", "\x1b", ":",
            "\x1b",
        ] {
            term.press(keys);
        }
        sound(&term, &oracle);
        tokens_were_shown(&term);
        quit(term);
    }
}

/// What hides has a token: of everything that stood on the screen, many kinds were seen as what they are.
fn tokens_were_shown(term: &Term) {
    let token = Regex::new(r"<U\+([0-9A-F]{4,6})>").unwrap();
    let seen: BTreeSet<String> = term.with_stream(|s| {
        let runs = s.runs().iter();
        runs.flat_map(|r| {
            token
                .captures_iter(r)
                .map(|c| c[1].to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
    });
    for code in ["001B", "0007", "202E"] {
        assert!(seen.contains(code), "{code} is not among {seen:?}");
    }
    assert!(seen.len() > 30, "{} kinds: {seen:?}", seen.len());
}

#[test]
fn typed_and_pasted() {
    let home = hostile_home();
    home.run(&["ingest"]);
    let oracle = Oracle::new();
    let term = home.open();
    term.see("Sessions");
    let all = payloads::all();
    for (open, close) in [
        ("F", "\x1b"),
        ("f", "\x1b"),
        ("/", "\x1b"),
        (":", "\x1b"),
        ("S/", "\x1b\x1b"),
    ] {
        term.press(open);
        for bad in &all {
            // A paste cannot hold its own end.
            term.paste(bad.replace("\x1b[201~", "").as_bytes());
            term.keys("\x15");
        }
        for raw in RAW {
            term.paste(raw);
        }
        term.press(close);
        sound(&term, &oracle);
        term.keys("\x1b\x1b\x1b");
    }
    // Pasted where nothing asks for text: it is not taken for keys. `Q` would quit.
    term.paste(b"QQQ");
    term.press("G");
    quit(term);
}

#[test]
fn every_field_of_the_commands() {
    let home = hostile_home();
    home.run(&["ingest"]);
    let oracle = Oracle::new();
    let tokens = Regex::new(r"<U\+[0-9A-F]{4,6}>").unwrap();
    for args in [
        &["sessions"][..],
        &["log", "-n", "100000"],
        &["log", "--session", CODEX],
        &["show", &format!("{CLAUDE}/1")],
        &["show", &format!("{CODEX}/1")],
        &["show", "@"],
        &["search", "title"],
        &["search", "prompt"],
        &["status"],
        &["doctor"],
        &["doctor", "--formats"],
    ] {
        for colour in ["never", "always"] {
            let done = home
                .command(&[args, &["--color", colour]].concat())
                .output()
                .unwrap();
            for (name, bytes) in [("stdout", &done.stdout), ("stderr", &done.stderr)] {
                let text =
                    std::str::from_utf8(bytes).unwrap_or_else(|e| panic!("{args:?} {name}: {e}"));
                let mut stream = Stream::default();
                stream.take(bytes);
                assert_eq!(stream.violations(), [""; 0], "{args:?} {name}");
                assert!(
                    colour == "always" || !text.contains('\x1b'),
                    "{args:?} {name}"
                );
                stream.runs().iter().for_each(|run| oracle.check(run));
            }
        }
        let data = home
            .command(&[args, &["--json"]].concat())
            .output()
            .unwrap()
            .stdout;
        let data = String::from_utf8(data).unwrap();
        for line in data.lines() {
            assert!(
                !line.contains(|c: char| c.is_control()),
                "{args:?}: {line:?}"
            );
            oracle.check(line);
        }
    }
    let shown = home.out(&["show", &format!("{CLAUDE}/1")]);
    assert!(tokens.is_match(&shown), "{shown}");
    // All of the prompts are there, each with its tokens.
    let mut missing = Vec::new();
    let log = home.out(&["log", "-n", "100000", "--json"]);
    for code in ["1b", "9b", "202e", "200b"] {
        if !log.contains(&format!("\\u{code:0>4}")) {
            missing.push(code);
        }
    }
    assert!(missing.is_empty(), "{missing:?} are nowhere in the log");
}
