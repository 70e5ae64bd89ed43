//! What each agent writes to a hook's stdin, in our words.
//!
//! Read from the agents' documentation in November 2026, since the shapes move: Claude Code (code.claude.com, Hooks
//! reference), Codex (developers.openai.com, Hooks, and the schemas in its repository), Gemini CLI (geminicli.com, Hooks
//! reference), Cursor (cursor.com, Hooks), GitHub Copilot (docs.github.com, Hooks reference; the names in PascalCase give
//! fields in snake_case). OpenCode has no such hooks; our plugin there writes what we like. All have `hook_event_name`,
//! an id of the session and a folder; the tool call's id is missing with Gemini and Copilot.
//!
//! Nothing is believed that need not be: a name that is not known is no event.

use std::path::{Path, PathBuf};

use super::scan::Scan;
use super::{Event, Host, Kind, Shot};
use crate::model::Time;

/// The fields that are looked for.
pub const FIELDS: &[&str] = &[
    "hook_event_name",
    "session_id",
    "conversation_id",
    "agent_id",
    "tool_use_id",
    "tool_name",
    "cwd",
    "workspace_roots",
    "notification_type",
    "permission_mode",
    "cursor_version",
    "timestamp",
    "at",
];

/// Longer ids are no ids.
const LONGEST_ID: usize = 512;

/// Tools that only look. The names of all agents, in small letters.
const LOOKS: &[&str] = &[
    "ask_user",
    "askuserquestion",
    "enterplanmode",
    "exitplanmode",
    "get_internal_docs",
    "glob",
    "google_web_search",
    "grep",
    "grep_search",
    "list",
    "list_dir",
    "list_directory",
    "ls",
    "lsp",
    "notebookread",
    "question",
    "read",
    "read_file",
    "read_many_files",
    "rg",
    "search_file_content",
    "semanticsearch",
    "taskoutput",
    "todoread",
    "todowrite",
    "toolsearch",
    "update_plan",
    "update_todo",
    "view",
    "view_image",
    "web_fetch",
    "web_search",
    "webfetch",
    "websearch",
    "write_todos",
];

/// The event that was told, if it is one. `folder` is where the hook was started, for agents that do not say it.
pub fn event(host: Host, told: &Scan, now: Time, folder: &Path) -> Option<Event> {
    let host = who(host, told);
    let kind = kind(told.get("hook_event_name")?, told)?;
    let id = |names: &[&str]| {
        let mut found = names.iter().filter_map(|n| told.get(n));
        found
            .find(|id| !id.is_empty() && id.len() <= LONGEST_ID)
            .map(str::to_owned)
    };
    let said = ["cwd", "workspace_roots"]
        .iter()
        .filter_map(|n| told.get(n));
    let cwd = said
        .map(PathBuf::from)
        .find(|p| p.is_absolute())
        .unwrap_or_else(|| folder.to_owned());
    Some(Event {
        host,
        kind,
        session: id(&["session_id", "conversation_id"]).unwrap_or_default(),
        subagent: id(&["agent_id"]),
        call: id(&["tool_use_id"]),
        tool: id(&["tool_name"]),
        at: at(host, told, now),
        root: cwd.clone(),
        cwd,
        shot: Shot::None,
    })
}

/// Whose event it really is. Copilot and Cursor also run the hooks that stand in a project's Claude Code settings.
fn who(host: Host, told: &Scan) -> Host {
    match host {
        Host::Claude if told.get("cursor_version").is_some() => Host::Cursor,
        Host::Claude
            if told.get("timestamp").is_some() && told.get("permission_mode").is_none() =>
        {
            Host::Copilot
        }
        other => other,
    }
}

/// Our plugin does not wait for the hook, so it says when it was; a clock that is far off is not believed.
fn at(host: Host, told: &Scan, now: Time) -> Time {
    const FAR: u64 = 60_000;
    let said = told.get("at").filter(|_| host == Host::Opencode);
    said.and_then(Time::parse)
        .filter(|t| now.since(*t).max(t.since(now)) < FAR)
        .unwrap_or(now)
}

fn kind(name: &str, told: &Scan) -> Option<Kind> {
    Some(match name {
        "SessionStart" | "sessionStart" => Kind::SessionStart,
        "UserPromptSubmit" | "BeforeAgent" | "beforeSubmitPrompt" => Kind::Prompt,
        "PreToolUse" | "BeforeTool" | "preToolUse" => Kind::BeforeTool,
        "PostToolUse" | "PostToolUseFailure" | "AfterTool" | "postToolUse"
        | "postToolUseFailure" => Kind::AfterTool,
        "PermissionRequest" => Kind::Waiting,
        "Notification" if told.get("notification_type") == Some("ToolPermission") => Kind::Waiting,
        "Stop" | "AfterAgent" | "stop" => Kind::Stop,
        "SubagentStop" | "subagentStop" => Kind::SubagentStop,
        "SessionEnd" | "sessionEnd" => Kind::SessionEnd,
        _ => return None,
    })
}

/// Whether something may have changed since the last look, so that somebody should look.
pub fn deserves_a_look(event: &Event) -> bool {
    match event.kind {
        // What is there now, before the agent does anything.
        Kind::SessionStart | Kind::Prompt | Kind::Stop => true,
        Kind::AfterTool => {
            let tool = event.tool.as_deref().map(str::to_ascii_lowercase);
            tool.is_none_or(|t| LOOKS.binary_search(&t.as_str()).is_err())
        }
        Kind::BeforeTool | Kind::Waiting | Kind::SubagentStop | Kind::SessionEnd => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn told(host: Host, payload: Value) -> Option<Event> {
        let mut scan = Scan::new(FIELDS);
        scan.feed(payload.to_string().as_bytes());
        event(host, &scan, Time(1_000_000), Path::new("/here"))
    }

    #[test]
    fn each_agents_shape_is_understood() {
        let claude = told(
            Host::Claude,
            json!({"session_id": "s", "transcript_path": "/t", "cwd": "/w", "permission_mode": "default",
                "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {"command": "ls", "cwd": "/no"},
                "tool_response": {"stdout": "x"}, "tool_use_id": "toolu_1", "agent_id": "a1"}),
        )
        .unwrap();
        assert_eq!(
            (
                claude.kind,
                claude.session.as_str(),
                claude.call.as_deref(),
                claude.subagent.as_deref()
            ),
            (Kind::AfterTool, "s", Some("toolu_1"), Some("a1"))
        );
        assert_eq!(claude.cwd, Path::new("/w"));
        assert!(deserves_a_look(&claude));

        let gemini = told(
            Host::Gemini,
            json!({"session_id": "g", "cwd": "/w", "hook_event_name": "AfterTool", "tool_name": "read_file",
                "timestamp": "2026-01-01T00:00:00Z"}),
        )
        .unwrap();
        assert!(!deserves_a_look(&gemini));
        let waits = json!({"session_id": "g", "hook_event_name": "Notification", "notification_type": "ToolPermission"});
        assert_eq!(told(Host::Gemini, waits).unwrap().kind, Kind::Waiting);

        let cursor = told(
            Host::Cursor,
            json!({"conversation_id": "c", "generation_id": "g", "hook_event_name": "preToolUse",
                "workspace_roots": ["/w", "/v"], "tool_name": "Shell", "tool_use_id": "u"}),
        )
        .unwrap();
        assert_eq!(
            (cursor.kind, cursor.session.as_str()),
            (Kind::BeforeTool, "c")
        );
        assert_eq!(cursor.cwd, Path::new("/w"));
    }

    #[test]
    fn others_that_run_claudes_hooks_are_told_apart() {
        let base = json!({"session_id": "s", "hook_event_name": "Stop", "cwd": "relative"});
        let with = |key: &str, value: &str| {
            let mut payload = base.clone();
            payload[key] = json!(value);
            told(Host::Claude, payload).unwrap().host
        };
        assert_eq!(with("cursor_version", "2.0"), Host::Cursor);
        assert_eq!(with("timestamp", "2026-01-01T00:00:00Z"), Host::Copilot);
        assert_eq!(with("permission_mode", "default"), Host::Claude);
        assert_eq!(told(Host::Claude, base).unwrap().cwd, Path::new("/here"));
    }

    #[test]
    fn what_is_not_known_is_no_event() {
        for payload in [
            json!({}),
            json!({"hook_event_name": "PreCompact"}),
            json!({"hook_event_name": 7}),
        ] {
            assert_eq!(told(Host::Claude, payload), None);
        }
        let long = json!({"hook_event_name": "Stop", "session_id": "x".repeat(600)});
        assert_eq!(told(Host::Codex, long).unwrap().session, "");
    }

    #[test]
    fn only_our_own_plugin_says_when_it_was() {
        let payload = json!({"hook_event_name": "Stop", "at": Time(999_000).rfc3339()});
        assert_eq!(
            told(Host::Opencode, payload.clone()).unwrap().at,
            Time(999_000)
        );
        assert_eq!(told(Host::Codex, payload).unwrap().at, Time(1_000_000));
        let far = json!({"hook_event_name": "Stop", "at": Time(1).rfc3339()});
        assert_eq!(told(Host::Opencode, far).unwrap().at, Time(1_000_000));
    }

    #[test]
    fn the_list_is_in_order() {
        assert!(LOOKS.is_sorted());
    }
}
