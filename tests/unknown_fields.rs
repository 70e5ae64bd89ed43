//! Every agent's records: a field that no list has is told by its name, never by its content; the known ones are not.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use regent_tui::model::Agent;
use regent_tui::source::{Body, Given, ParseState, SOURCES, events, record};
use serde_json::{Value, json};

/// A record of an agent that keeps no growing lines.
fn kept(kind: &str, body: Value) -> Vec<u8> {
    record::line(&Given {
        session: "s",
        key: "k",
        order: "1",
        kind,
        body: &body.to_string(),
    })
}

/// A record of each agent with a field `brandNew`, and the name under which it is told.
fn cases() -> Vec<(Agent, Vec<u8>, &'static str)> {
    let at = "2026-01-02T03:04:05.000Z";
    let claude = json!({"type": "user", "uuid": "u", "parentUuid": null, "sessionId": "s", "cwd": "/p", "timestamp": at,
        "message": {"role": "user", "content": "hi", "brandNew": "secret"}});
    let codex = json!({"timestamp": at, "type": "event_msg", "payload": {"type": "user_message", "message": "hi", "brandNew": "secret"}});
    let pi = json!({"type": "message", "id": "1", "parentId": null, "timestamp": at, "brandNew": "secret",
        "message": {"role": "user", "content": "hi"}});
    let qwen = json!({"uuid": "u", "sessionId": "s", "timestamp": at, "type": "user", "cwd": "/p", "brandNew": "secret",
        "message": {"role": "user", "parts": [{"text": "hi"}]}});
    let bubble = json!({"bubble": {"type": 1, "text": "hi", "brandNew": "secret"}});
    let message =
        json!({"role": "assistant", "modelID": "m", "brandNew": "secret", "time": {"created": 1}});
    let turn = json!({"said": {"role": "assistant", "content": [], "brandNew": "secret"}});
    let gemini =
        json!({"id": "1", "timestamp": at, "type": "user", "content": "hi", "brandNew": "secret"});
    let amp = json!({"id": "T-1", "v": 1, "created": 1, "brandNew": "secret"});
    let session =
        json!({"head": {"sessionId": "s", "title": "t", "brandNew": "secret"}, "created": null});
    let copilot = json!({"type": "user.message", "id": "1", "parentId": null, "timestamp": at,
        "data": {"content": "hi", "brandNew": "secret"}});
    let line = |v: Value| v.to_string().into_bytes();
    vec![
        (Agent::Claude, line(claude), "message.brandNew"),
        (Agent::Codex, line(codex), "event_msg.brandNew"),
        (Agent::Pi, line(pi), "entry.brandNew"),
        (Agent::Qwen, line(qwen), "line.brandNew"),
        (Agent::Cursor, kept("user", bubble), "bubble.brandNew"),
        (
            Agent::Opencode,
            kept("message", message.clone()),
            "message.brandNew",
        ),
        (Agent::Kilo, kept("message", message), "message.brandNew"),
        (Agent::Cline, kept("turn", turn.clone()), "message.brandNew"),
        (Agent::Roo, kept("turn", turn), "message.brandNew"),
        (Agent::Copilot, line(copilot), "user.message.brandNew"),
        (Agent::Gemini, kept("message", gemini), "message.brandNew"),
        (Agent::Amp, kept("thread", amp), "thread.brandNew"),
        (
            Agent::Continue,
            kept("session", session),
            "session.brandNew",
        ),
    ]
}

#[test]
fn a_field_of_a_later_version_is_told_by_its_name() {
    for (agent, line, expected) in cases() {
        let mut out = Vec::new();
        events(
            agent,
            Path::new("/x/y"),
            &line,
            &mut ParseState::default(),
            &mut out,
        );
        let fields: Vec<&str> = out
            .iter()
            .filter_map(|e| match &e.body {
                Body::UnknownField { field } => Some(field.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(fields, [expected], "{agent}: {out:?}");
    }
}

#[test]
fn no_agent_is_left_out() {
    // Theirs are in the parts of messages (see their fixtures); Aider's history and SpecStory's are text without fields, and
    // re_gent's store is its own.
    let elsewhere = [
        Agent::Crush,
        Agent::Goose,
        Agent::Aider,
        Agent::Regent,
        Agent::Specstory,
    ];
    for source in SOURCES {
        let agent = source.agent();
        let has_case = cases().iter().any(|(a, _, _)| *a == agent);
        assert!(has_case != elsewhere.contains(&agent), "{agent}");
    }
}
