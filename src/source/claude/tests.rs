//! Where the files lie, and whose they are.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use super::Claude;
use crate::source::{Places, Source};

fn roots(env: &[(&str, &str)]) -> Vec<PathBuf> {
    Claude.roots(&Places {
        home: PathBuf::from("/home/me"),
        env: env
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        ..Places::default()
    })
}

#[test]
fn the_environment_moves_the_roots() {
    let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
    assert_eq!(
        roots(&[]),
        paths(&[
            "/home/me/.claude/projects",
            "/home/me/.config/claude/projects"
        ])
    );
    assert_eq!(
        roots(&[("XDG_CONFIG_HOME", "/x"), ("CLAUDE_CONFIG_DIR", "")]),
        paths(&["/home/me/.claude/projects", "/x/claude/projects"])
    );
    assert_eq!(
        roots(&[("CLAUDE_CONFIG_DIR", "/a, ~/b,,/a,/c/projects")]),
        paths(&["/a/projects", "/home/me/b/projects", "/c/projects"])
    );
}

#[test]
fn transcripts_are_known_by_their_path() {
    for (path, is) in [
        ("/r/-w-app/0a1b.jsonl", true),
        ("/r/-w-app/agent-1.jsonl", true),
        ("/r/-w-app/0a1b/subagents/agent-1.jsonl", true),
        ("/r/-w-app/0a1b/tool-results/x.jsonl", false),
        ("/r/-w-app/sessions-index.json", false),
        ("/r/-w-app/notes.txt", false),
    ] {
        assert_eq!(Claude.is_transcript(Path::new(path)), is, "{path}");
    }
}

#[test]
fn only_our_files_are_claimed() {
    let long = format!(
        r#"{{"parentUuid":null,"sessionId":"s","type":"user","message":{{"role":"user","content":"{}"#,
        "x".repeat(1000)
    );
    for (head, ours) in [
        (
            r#"{"parentUuid":null,"cwd":"/w","sessionId":"s","type":"user","message":{"role":"user","content":"x"},"uuid":"u"}"#,
            true,
        ),
        (
            "{\"type\":\"summary\",\"summary\":\"x\",\"leafUuid\":\"u\"}\n",
            true,
        ),
        (
            "{\"type\":\"file-history-snapshot\",\"messageId\":\"m\",\"snapshot\":{}}\n{\"type\":\"queue-operation\",\"operation\":\"enqueue\",\"sessionId\":\"s\"}\n",
            true,
        ),
        (&long, true),
        // Qwen has the same tree, but Gemini's messages.
        (
            r#"{"uuid":"u","parentUuid":null,"sessionId":"s","type":"user","cwd":"/w","message":{"role":"user","parts":[{"text":"x"}]}}"#,
            false,
        ),
        (
            r#"{"timestamp":"2026-01-01T00:00:00Z","type":"session_meta","payload":{"id":"s","cwd":"/w"}}"#,
            false,
        ),
        (
            r#"{"type":"session.start","data":{"sessionId":"s"},"id":"1","parentId":null}"#,
            false,
        ),
        (r#"{"type":"session","id":"s","cwd":"/w"}"#, false),
        (
            r#"{"role":"user","message":{"content":[{"type":"text","text":"x"}]}}"#,
            false,
        ),
        ("not json", false),
        ("", false),
    ] {
        assert_eq!(
            Claude.claims(std::path::Path::new("x"), head.as_bytes()),
            ours,
            "{}",
            &head[..head.len().min(80)]
        );
    }
}
