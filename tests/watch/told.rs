//! What hooks told: the exact bounds of steps, and what is asked of the user.

use regent_tui::hook::Kind;
use regent_tui::model::Author;
use regent_tui::query::Ask;
use regent_tui::store::snapshots::Reason;
use serde_json::json;

use crate::attribution::{Bench, pause};

const S: &str = "s-1";

fn details() -> serde_json::Value {
    json!({"stdout": "", "stderr": "", "interrupted": false, "isImage": false})
}

/// Two calls of one message, recorded as begun together and answered together; they ran one after the other.
fn two_in_a_row(b: &Bench, tell: bool) {
    b.look(Reason::First);
    pause();
    let mut agent = b.agent(S);
    agent.prompt("do both");
    let one = agent.call("Bash", json!({"command": "make one"}));
    let two = agent.call("Bash", json!({"command": "make two"}));
    for (call, file) in [(&one, "one.txt"), (&two, "two.txt")] {
        if tell {
            b.told(Kind::BeforeTool, S, call, "Bash");
        }
        pause();
        b.put(file, "made\n");
        pause();
        if tell {
            b.told(Kind::AfterTool, S, call, "Bash");
        }
        // As a watcher does then.
        b.see();
    }
    agent.result(&one, "", false, details());
    agent.result(&two, "", false, details());
    b.see();
}

fn names(b: &Bench, words: &str) -> Vec<String> {
    b.changed_by(words).into_keys().collect()
}

#[test]
fn calls_that_are_recorded_as_one_moment_are_told_apart() {
    let b = Bench::new();
    two_in_a_row(&b, false);
    assert_eq!(b.shared_by("make one"), ["one.txt", "two.txt"]);
    let b = Bench::new();
    two_in_a_row(&b, true);
    assert_eq!(names(&b, "make one"), ["one.txt"]);
    assert_eq!(names(&b, "make two"), ["two.txt"]);
    b.rebuilds();
}

#[test]
fn before_the_tool_began_and_after_it_ended_it_was_you() {
    let b = Bench::new();
    b.look(Reason::First);
    pause();
    let mut agent = b.agent(S);
    agent.prompt("do it");
    let call = agent.call("Bash", json!({"command": "make it"}));
    pause();
    b.put("before.txt", "mine\n");
    pause();
    b.told(Kind::BeforeTool, S, &call, "Bash");
    pause();
    b.put("it.txt", "made\n");
    pause();
    b.told(Kind::AfterTool, S, &call, "Bash");
    b.see();
    b.put("after.txt", "mine\n");
    pause();
    agent.result(&call, "", false, details());
    b.see();
    assert_eq!(names(&b, "make it"), ["it.txt"]);
    for mine in ["before.txt", "after.txt"] {
        let history = b.ask().history(mine).unwrap();
        assert_eq!(history.entries[0].author, Some(Author::You), "{mine}");
    }
    assert_eq!(b.author("it.txt"), Author::Agent);
    b.rebuilds();
}

#[test]
fn a_step_is_over_when_its_hook_says_so_whatever_the_record_lacks() {
    let b = Bench::new();
    b.look(Reason::First);
    pause();
    let mut agent = b.agent(S);
    agent.prompt("do it");
    let call = agent.call("Bash", json!({"command": "make it"}));
    b.told(Kind::BeforeTool, S, &call, "Bash");
    pause();
    b.put("it.txt", "made\n");
    b.see();
    // No result is recorded, and so far nobody knows whether it ran at all.
    assert_eq!(names(&b, "make it"), [""; 0]);
    assert_eq!(b.shared_by("make it"), ["it.txt"]);
    // What comes in later changes what was seen earlier.
    b.told(Kind::AfterTool, S, &call, "Bash");
    assert_eq!(names(&b, "make it"), ["it.txt"]);
    b.rebuilds();
    agent.result(&call, "", false, details());
    assert_eq!(names(&b, "make it"), ["it.txt"]);
    b.rebuilds();
}

#[test]
fn events_of_another_clock_are_not_believed() {
    let b = Bench::new();
    b.look(Reason::First);
    pause();
    let mut agent = b.agent(S);
    agent.prompt("do it");
    let call = agent.call("Bash", json!({"command": "make it"}));
    pause();
    b.put("it.txt", "made\n");
    pause();
    agent.result(&call, "", false, details());
    b.see();
    // Told in an order in which nothing can have run.
    b.told(Kind::AfterTool, S, &call, "Bash");
    pause();
    b.told(Kind::BeforeTool, S, &call, "Bash");
    assert_eq!(names(&b, "make it"), ["it.txt"]);
    b.rebuilds();
}

#[test]
fn that_a_permission_is_asked_for_is_known_until_the_tool_has_run() {
    let b = Bench::new();
    let mut agent = b.agent(S);
    agent.prompt("do it");
    let session = |b: &Bench| b.ask().sessions().unwrap().sessions.remove(0);
    assert_eq!((session(&b).asked_at, session(&b).told_at), (None, None));
    let call = agent.call("Bash", json!({"command": "make it"}));
    b.told(Kind::BeforeTool, S, &call, "Bash");
    assert!(session(&b).asked_at.is_none() && session(&b).told_at.is_some());
    b.told(Kind::Waiting, S, "", "Bash");
    assert!(session(&b).asked_at.is_some() && session(&b).live);
    b.told(Kind::AfterTool, S, &call, "Bash");
    assert!(session(&b).asked_at.is_none());
    agent.result(&call, "", false, details());
    // Denied: the record says so, though no hook does.
    let call = agent.call("Bash", json!({"command": "make more"}));
    b.told(Kind::BeforeTool, S, &call, "Bash");
    b.told(Kind::Waiting, S, "", "Bash");
    assert!(session(&b).asked_at.is_some());
    pause();
    agent.result(
        &call,
        "The user doesn't want to proceed with this tool use.",
        true,
        json!("Error: The user doesn't want to proceed with this tool use."),
    );
    assert!(session(&b).asked_at.is_none());
}
