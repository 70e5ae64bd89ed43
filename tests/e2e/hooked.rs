//! The screen beside an agent with hooks: what it asks for is told at once, and the window's title where that is wanted.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::agent::Agent;
use crate::home::Home;
use crate::screen::quit;
use crate::term::{Start, Term};

const S: &str = "s-1";

fn hook(home: &Home, event: &str, tool: &str, call: Option<&str>) {
    let payload = json!({
        "session_id": S, "cwd": home.shop(), "permission_mode": "default", "hook_event_name": event, "tool_name": tool,
        "tool_input": {"command": "x"}, "tool_use_id": call,
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_regent-tui"))
        .args(["hook", "claude"])
        .env_clear()
        .env("HOME", home.path(""))
        .current_dir(home.shop())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(payload.to_string().as_bytes()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

fn open(home: &Home, size: (u16, u16)) -> Term {
    Start::program(&[], &home.path(""), &home.shop())
        .size(size.0, size.1)
        .go()
}

#[test]
fn a_permission_that_is_asked_for_is_said_at_once_and_until_the_tool_has_run() {
    for size in [(200, 50), (80, 24), (60, 20)] {
        let home = Home::empty();
        let mut agent = Agent::new(&home.path(""), &home.shop(), S);
        agent.prompt("drop the table");
        let term = open(&home, size);
        term.see("drop the table");
        let call = agent.call("Bash", json!({"command": "dropdb shop"}));
        hook(&home, "PreToolUse", "Bash", Some(&call));
        term.see("dropdb shop");
        hook(&home, "PermissionRequest", "Bash", None);
        term.see("asked for permission");
        let details = json!({"stdout": "", "stderr": "", "interrupted": false, "isImage": false});
        hook(&home, "PostToolUse", "Bash", Some(&call));
        agent.result(&call, "", false, details);
        term.gone("asked for permission");
        quit(term);
    }
}

#[test]
fn a_title_is_set_only_where_it_is_wanted_and_the_old_one_comes_back() {
    let home = Home::empty();
    fs::create_dir_all(home.path(".config/regent-tui")).unwrap();
    fs::write(
        home.path(".config/regent-tui/config.toml"),
        "title = true\n",
    )
    .unwrap();
    let mut agent = Agent::new(&home.path(""), &home.shop(), S);
    // What a transcript says never stands there.
    agent.prompt("drop \u{1b}]2;evil\u{7} the table");
    let mut term = open(&home, (80, 24));
    term.see("the table");
    let call = agent.call("Bash", json!({"command": "dropdb shop"}));
    hook(&home, "PreToolUse", "Bash", Some(&call));
    hook(&home, "PermissionRequest", "Bash", None);
    term.see("asked for permission");
    let start = std::time::Instant::now();
    while !term.calls().iter().any(|c| c.contains("asked")) {
        assert!(start.elapsed().as_secs() < 20, "{:?}", term.calls());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    term.press("Q");
    term.ended();
    let calls = term.calls();
    assert!(
        calls
            .iter()
            .all(|c| c.starts_with("title ") && c.contains("regent-tui")),
        "{calls:?}"
    );
    assert!(!calls.iter().any(|c| c.contains("evil")), "{calls:?}");
    // To the grammar of what is allowed by default each of these is a violation: kept, set, given back.
    let sent = term.with_stream(|s| s.violations().to_vec());
    let kinds: Vec<&str> = sent
        .iter()
        .map(|v| v.split(' ').next().unwrap_or(""))
        .collect();
    assert_eq!(
        (kinds.first(), kinds.last()),
        (Some(&"CSI"), Some(&"CSI")),
        "{sent:?}"
    );
    assert!(sent[0].starts_with("CSI 22;0 t"), "{sent:?}");
    assert!(sent[sent.len() - 1].starts_with("CSI 23;0 t"), "{sent:?}");
    assert!(
        kinds[1..kinds.len() - 1].iter().all(|k| *k == "OSC"),
        "{sent:?}"
    );
}
