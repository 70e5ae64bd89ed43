//! One event of a session: a line of `events.jsonl` of the program for the terminal, or of a transcript that the editor
//! writes for hooks. Both have one envelope, `{type, data, id, timestamp, parentId}`.

use serde_json::Value;

use super::calls;
use super::envelope::{Line, MAIN, arrive, enter, subagent};
use crate::model::Via;
use crate::source::tools::{text, unknown_fields};
use crate::source::{Body, Context, Event, ParseState, SessionHead, Usage};

const ENVELOPE: &[&str] = &[
    "type",
    "data",
    "id",
    "timestamp",
    "parentId",
    "agentId",
    "ephemeral",
];

/// Reads one line.
pub(super) fn line(line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    match serde_json::from_slice::<Value>(line) {
        Ok(value) => event(&value, None, state, out),
        Err(why) => out.push(Event {
            key: None,
            at: None,
            node: None,
            body: Body::Damaged {
                why: why.to_string(),
            },
        }),
    }
}

/// Reads one event; `asked` is the call that it completes, where that stands with it.
pub(super) fn event(
    value: &Value,
    asked: Option<&Value>,
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    let null = Value::Null;
    let data = value.get("data").unwrap_or(&null);
    let line = Line::of(value, data);
    let Some(kind) = text(value, &["type"]).filter(|_| data.is_object()) else {
        let record = "event/?".to_owned();
        return line.say(0, Body::Unknown { record }, out);
    };
    if kind == "session.start" {
        return start(&line, state, out);
    }
    if kind == "subagent.started" {
        return subagent(&line, state, out);
    }
    enter(&line, state, out);
    unknown_fields("event", value, ENVELOPE, out);
    match kind {
        "user.message" => user(&line, out),
        "assistant.message" => assistant(&line, state, out),
        "tool.execution_start" => calls::started(&line, state, out),
        "tool.execution_complete" => calls::completed(&line, asked, state, out),
        "permission.completed" => calls::permitted(&line, state, out),
        other => happened(other, &line, state, out),
    }
}

fn start(line: &Line<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    let data = line.data;
    let Some(id) = text(data, &["sessionId"]) else {
        let record = "session.start/?".to_owned();
        return line.say(0, Body::Unknown { record }, out);
    };
    state.set(MAIN, id);
    let null = Value::Null;
    let context = data.get("context").unwrap_or(&null);
    let field = |value: &Value, name: &str| text(value, &[name]).map(str::to_owned);
    let head = SessionHead {
        native_id: id.to_owned(),
        cwd: field(context, "cwd").map(|c| super::place::path(&c)),
        model: field(data, "selectedModel"),
        version: field(data, "copilotVersion"),
        branch: field(context, "branch"),
        commit: field(context, "headCommit"),
        ..SessionHead::default()
    };
    for (name, value) in [
        ("cwd", &head.cwd),
        ("branch", &head.branch),
        ("model", &head.model),
    ] {
        if let Some(value) = value {
            state.set(name, value);
        }
    }
    arrive(head, line, state, out);
}

const USER: &[&str] = &[
    "content",
    "transformedContent",
    "attachments",
    "source",
    "delivery",
    "agentMode",
    "interactionId",
    "parentAgentTaskId",
    "parentToolCallId",
    "isAutopilotContinuation",
    "supportedNativeDocumentMimeTypes",
    "nativeDocumentPathFallbackPaths",
    "turnId",
];

/// Only `content` is what was typed; `transformedContent` has the harness's words around it. What the harness itself says
/// in the person's name has a `source`.
fn user(line: &Line<'_>, out: &mut Vec<Event>) {
    let data = line.data;
    unknown_fields("user.message", data, USER, out);
    let words = text(data, &["content"]).unwrap_or_default();
    let source = text(data, &["source"]).unwrap_or("user");
    let is_continued = data.get("isAutopilotContinuation").and_then(Value::as_bool) == Some(true);
    let via = match (source, text(data, &["agentMode"])) {
        _ if line.agent.is_some() || source.starts_with("agent-") => Via::Task,
        ("user", Some("shell")) => Via::Shell,
        ("user", _) => Via::Typed,
        (other, _) if other.starts_with("command") => Via::Command,
        _ => return line.say(0, Body::Ignored, out),
    };
    if words.trim().is_empty() || is_continued {
        return line.say(0, Body::Ignored, out);
    }
    let text = words.to_owned();
    line.say(0, Body::Prompt { text, via }, out);
}

const ASSISTANT: &[&str] = &[
    "messageId",
    "model",
    "content",
    "toolRequests",
    "interactionId",
    "turnId",
    "outputTokens",
    "requestId",
    "clientRequestId",
    "serviceRequestId",
    "apiCallId",
    "reasoningText",
    "reasoningOpaque",
    "encryptedContent",
    "phase",
    "parentToolCallId",
];

fn assistant(line: &Line<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    let data = line.data;
    unknown_fields("assistant.message", data, ASSISTANT, out);
    model(text(data, &["model"]), line, state, out);
    let mut n = 0;
    if let Some(said) = text(data, &["content"]).filter(|t| !t.trim().is_empty()) {
        let text = said.to_owned();
        line.say(n, Body::Say { text }, out);
        n += 1;
    }
    let requests = data.get("toolRequests").and_then(Value::as_array);
    for request in requests.into_iter().flatten() {
        // Most are told again when they start. One that is not allowed, or of which the editor tells no more, is told here.
        if let Some(call) = calls::requested(request, state) {
            line.say(n, Body::Call(Box::new(call)), out);
            n += 1;
        }
    }
    let output = data.get("outputTokens").and_then(Value::as_u64);
    if let (Some(output), Some(request)) = (output, text(data, &["messageId"]).or(line.id)) {
        let usage = Usage {
            request: request.to_owned(),
            model: text(data, &["model"]).map(str::to_owned),
            input: 0,
            output,
            cached: 0,
        };
        line.say(n, Body::Usage(usage), out);
    }
}

/// The model, where it changes. Those of sub-agents are theirs.
fn model(name: Option<&str>, line: &Line<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    let Some(name) = name.filter(|n| line.agent.is_none() && state.get("model") != Some(*n)) else {
        return;
    };
    state.set("model", name);
    let context = Context {
        model: Some(name.to_owned()),
        ..Context::default()
    };
    line.say(0, Body::Context(context), out);
}

/// Folder and branch, where they change.
fn moved(line: &Line<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    let data = line.data.get("context").unwrap_or(line.data);
    let mut changed = |name: &str, value: Option<String>| {
        let value = value.filter(|v| state.get(name) != Some(v))?;
        state.set(name, &value);
        Some(value)
    };
    let cwd = text(data, &["cwd"]).map(super::place::path);
    let branch = text(data, &["branch"]).map(str::to_owned);
    let context = Context {
        cwd: changed("cwd", cwd),
        branch: changed("branch", branch),
        ..Context::default()
    };
    let body = match context == Context::default() {
        true => Body::Ignored,
        false => Body::Context(context),
    };
    line.say(0, body, out);
}

/// What happened besides words and calls.
fn happened(kind: &str, line: &Line<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    let data = line.data;
    let notice = |what, names: &[&str]| Body::Notice {
        what,
        text: text(data, names).unwrap_or_default().to_owned(),
    };
    let body = match kind {
        "session.context_changed" | "session.resume" => return moved(line, state, out),
        "session.model_change" => {
            let before = out.len();
            model(text(data, &["newModel"]), line, state, out);
            match out.len() == before {
                true => Body::Ignored,
                false => return,
            }
        }
        "session.title_changed" => match text(data, &["title"]) {
            Some(title) => Body::Title(title.to_owned()),
            None => Body::Ignored,
        },
        "session.compaction_complete" => notice("compacted", &["summaryContent"]),
        "session.error" => notice("api error", &["message"]),
        "subagent.failed" => notice("failed", &["error", "message"]),
        "session.task_complete" => notice("task complete", &["summary"]),
        "abort" => notice("interrupted", &[]),
        "session.shutdown" => {
            totals(line, out);
            Body::Ignored
        }
        _ if is_of_no_use(kind) => Body::Ignored,
        other => Body::Unknown {
            record: other.to_owned(),
        },
    };
    line.say(0, body, out);
}

/// Known, and nothing that belongs into a history of the work.
fn is_of_no_use(kind: &str) -> bool {
    const GROUPS: &[&str] = &[
        "hook.",
        "permission.",
        "mcp.",
        "mcp_app.",
        "user_input.",
        "elicitation.",
        "sampling.",
        "command.",
        "external_tool.",
        "canvas.",
        "exit_plan_mode.",
        "auto_mode_switch.",
        "capabilities.",
        "commands.",
        "session_limits_exhausted.",
        "subagent.",
        "system.",
        "skill.",
    ];
    const KINDS: &[&str] = &[
        "assistant.turn_start",
        "assistant.turn_end",
        "assistant.intent",
        "assistant.reasoning",
        "assistant.usage",
        "assistant.idle",
        "tool.user_requested",
        "tool.execution_partial_result",
        "tool.execution_progress",
        "session.info",
        "session.warning",
        "session.idle",
        "session.mode_changed",
        "session.plan_changed",
        "session.todos_changed",
        "session.workspace_file_changed",
        "session.handoff",
        "session.truncation",
        "session.usage_checkpoint",
        "session.usage_info",
        "session.compaction_start",
        "session.remote_steerable_changed",
        "session.permissions_changed",
        "session.auto_mode_resolved",
        "session.background_tasks_changed",
        "session.tools_updated",
        "session.skills_loaded",
        "session.custom_agents_updated",
        "session.mcp_servers_loaded",
        "session.extensions_loaded",
        "pending_messages.modified",
    ];
    GROUPS.iter().any(|g| kind.starts_with(g)) || KINDS.contains(&kind)
}

/// What a session used in all, which it says when it ends in peace: only there stand input tokens. Output was told by message.
fn totals(line: &Line<'_>, out: &mut Vec<Event>) {
    let models = line.data.get("modelMetrics").and_then(Value::as_object);
    for (n, (model, metrics)) in (1..).zip(models.into_iter().flatten()) {
        let count = |name: &str| {
            let value = metrics.get("usage").and_then(|u| u.get(name));
            value.and_then(Value::as_u64).unwrap_or(0)
        };
        let usage = Usage {
            request: format!("all of {model}"),
            model: Some(model.clone()),
            input: count("inputTokens"),
            output: 0,
            cached: count("cacheReadTokens"),
        };
        if usage.input > 0 {
            line.say(n, Body::Usage(usage), out);
        }
    }
}
