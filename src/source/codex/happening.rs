//! `event_msg`: what happened beside the conversation, among it what patches did.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::{Status, StepKind};
use crate::source::{Body, Call, Outcome, Usage};

use super::call::plain_outcome;
use super::given::first_line;
use super::lenient::parse;
use super::memory::{self, Recent};
use super::message::Told;
use super::record::{Changes, Completed, Happening};
use super::{Reader, command, patch};

impl Reader<'_> {
    /// `event_msg`.
    pub(super) fn happening(&mut self, it: &Happening<'_>) {
        match it.kind.or_empty() {
            "user_message" => self.user_message(it),
            "patch_apply_end" => self.patch_applied(it, it.call_id.or_empty()),
            "token_count" => self.tokens(it.info),
            "mcp_tool_call_end" => self.mcp_ended(it),
            "exec_command_end" => self.command_ended(it, it.call_id.or_empty()),
            "item_completed" => self.completed(it),
            "collab_agent_spawn_end" => {
                self.spawned(it.call_id.some(), it.new_thread_id.some());
            }
            "sub_agent_activity" if it.sort.get() == Some("started") => {
                self.spawned(it.event_id.some(), it.agent_thread_id.some());
            }
            "turn_aborted" => self.notice("interrupted", it.reason.or_empty()),
            "error" | "stream_error" => self.notice("error", it.message.or_empty()),
            "warning" => self.notice("warning", it.message.or_empty()),
            "undo_completed" => self.notice("undo", it.message.or_empty()),
            "entered_review_mode" => self.notice("review", it.user_facing_hint.or_empty()),
            "exited_review_mode" => self.reviewed(it.review_output),
            "task_complete" | "turn_complete" => self.turn_ended(it.error),
            "thread_rolled_back" => {
                let turns = it.num_turns.get().and_then(|n| n.parse().ok()).unwrap_or(1);
                self.say(Body::RolledBack { turns });
            }
            "thread_name_updated" => match it.thread_name.owned() {
                Some(title) => self.say(Body::Title(title)),
                None => self.say(Body::Ignored),
            },
            kind if REPEATED.contains(&kind) => self.say(Body::Ignored),
            "" => self.unknown("event_msg/?".to_owned()),
            kind => self.unknown(format!("event_msg/{kind}")),
        }
    }

    fn notice(&mut self, what: &'static str, text: &str) {
        let text = if text == what { "" } else { text }.to_owned();
        self.say(Body::Notice { what, text });
    }

    /// `patch_apply_end`. In code mode it has no call record of its own.
    fn patch_applied(&mut self, it: &Happening<'_>, id: &str) {
        if id.is_empty() {
            return self.unknown("event_msg/patch_apply_end/?".to_owned());
        }
        if memory::noted(self.state, Recent::Patched, id) {
            return self.say(Body::Ignored);
        }
        memory::note(self.state, Recent::Patched, id);
        let changes: Changes<'_> = it.changes.and_then(parse).unwrap_or(Changes(Vec::new()));
        let worked = match (it.success.get(), it.status.get()) {
            (Some(success), _) => success == "true",
            (None, status) => matches!(status, None | Some("completed")),
        };
        let standalone = self.stands_alone(id).then(|| {
            let paths: Vec<String> = changes.0.iter().map(|(p, _)| p.clone()).collect();
            let target = patch::target(&paths);
            call(id, StepKind::Edit, "apply_patch", target, paths)
        });
        let status = match (worked, it.status.get()) {
            (true, _) => Status::Ok,
            (false, Some("declined")) => Status::Denied,
            (false, _) => Status::Failed,
        };
        if !worked {
            memory::note(self.state, Recent::Failed, id);
        }
        let effects = if worked {
            patch::changes_effects(&changes)
        } else {
            Vec::new()
        };
        let output = own_output(id, || [it.stdout.or_empty(), it.stderr.or_empty()].concat());
        self.say(Body::Outcome(Box::new(Outcome {
            status,
            output,
            effects,
            standalone: standalone.map(Box::new),
            ..plain_outcome(id.to_owned())
        })));
    }

    /// `mcp_tool_call_end`: the time, and whether it worked.
    fn mcp_ended(&mut self, it: &Happening<'_>) {
        let Some(id) = it.call_id.some() else {
            return self.unknown("event_msg/mcp_tool_call_end/?".to_owned());
        };
        let result: Value = it.result.and_then(parse).unwrap_or(Value::Null);
        let failed = result.get("Err").is_some()
            || result.pointer("/Ok/isError") == Some(&Value::Bool(true));
        if failed {
            memory::note(self.state, Recent::Failed, id);
        }
        let standalone = self.stands_alone(id).then(|| {
            let invocation: Value = it.invocation.and_then(parse).unwrap_or(Value::Null);
            let text = |name: &str| invocation.get(name).and_then(Value::as_str).unwrap_or("");
            let target = format!("{}: {}", text("server"), text("tool"));
            let mut call = call(id, StepKind::Mcp, text("tool"), target, Vec::new());
            call.input = invocation
                .get("arguments")
                .and_then(|a| serde_json::to_string_pretty(a).ok())
                .unwrap_or_default();
            call
        });
        self.say(Body::Outcome(Box::new(Outcome {
            status: if failed { Status::Failed } else { Status::Ok },
            duration_ms: it.duration.and_then(duration),
            output: own_output(id, || mcp_text(&result)),
            standalone: standalone.map(Box::new),
            ..plain_outcome(id.to_owned())
        })));
    }

    /// `exec_command_end`, in the versions that keep it: exit code and time.
    fn command_ended(&mut self, it: &Happening<'_>, id: &str) {
        if id.is_empty() {
            return self.unknown("event_msg/exec_command_end/?".to_owned());
        }
        let exit_code: Option<i32> = it.exit_code.get().and_then(|c| c.parse().ok());
        let status = match (exit_code, it.status.get()) {
            (_, Some("declined")) => Status::Denied,
            (Some(0), _) => Status::Ok,
            (Some(_), _) => Status::Failed,
            (None, _) => Status::Unknown,
        };
        let standalone = self.stands_alone(id).then(|| {
            let line = it
                .command
                .and_then(parse::<Value>)
                .and_then(|c| command::line(&c))
                .unwrap_or_default();
            let mut call = call(
                id,
                StepKind::Command,
                "exec_command",
                line.clone(),
                Vec::new(),
            );
            call.workdir = it.cwd.owned();
            call.input = line;
            call
        });
        self.say(Body::Outcome(Box::new(Outcome {
            status,
            exit_code,
            duration_ms: it.duration.and_then(duration),
            output: own_output(id, || match it.aggregated_output.some() {
                Some(all) => all.to_owned(),
                None => [it.stdout.or_empty(), it.stderr.or_empty()].concat(),
            }),
            standalone: standalone.map(Box::new),
            ..plain_outcome(id.to_owned())
        })));
    }

    /// Whether an end has no call record of its own, as in code mode. Without any line before (a line that is read again
    /// alone) only the form of the id tells.
    fn stands_alone(&self, id: &str) -> bool {
        if self.cold {
            is_nested(id)
        } else {
            !memory::noted(self.state, Recent::Called, id)
        }
    }

    /// `item_completed`: plans; and in the newest versions prompts, patches and commands, which older events may repeat.
    fn completed(&mut self, it: &Happening<'_>) {
        let Some(raw) = it.item else {
            return self.unknown("event_msg/item_completed/?".to_owned());
        };
        let Some(item) = parse::<Completed<'_>>(raw) else {
            return self.unknown("event_msg/item_completed/?".to_owned());
        };
        let id = item.id.or_empty();
        match item.kind.or_empty() {
            "Plan" if !id.is_empty() => {
                let text = item.text.or_empty();
                let mut call = call(id, StepKind::Plan, "plan", first_line(text), Vec::new());
                call.input = text.to_owned();
                self.say(Body::Call(Box::new(call)));
                self.say(Body::Outcome(Box::new(Outcome {
                    status: Status::Ok,
                    ..plain_outcome(id.to_owned())
                })));
            }
            "UserMessage" => {
                let text = item.content.joined();
                self.prompt(Told::Completed, None, &text, item.content.pictures);
            }
            "FileChange" => match parse::<Happening<'_>>(raw) {
                Some(change) => self.patch_applied(&change, id),
                None => self.unknown("event_msg/item_completed/FileChange".to_owned()),
            },
            "CommandExecution" => match parse::<Happening<'_>>(raw) {
                Some(end) => self.command_ended(&end, id),
                None => self.unknown("event_msg/item_completed/CommandExecution".to_owned()),
            },
            // Told by response items.
            "AgentMessage"
            | "Reasoning"
            | "McpToolCall"
            | "Extension"
            | "WebSearch"
            | "ImageView"
            | "ImageGeneration"
            | "CollabAgentToolCall"
            | "DynamicToolCall"
            | "ContextCompaction"
            | "EnteredReviewMode"
            | "ExitedReviewMode" => {
                self.say(Body::Ignored);
            }
            other => self.unknown(format!("event_msg/item_completed/{other}")),
        }
    }

    /// A call started a sub-agent.
    fn spawned(&mut self, call: Option<&str>, thread: Option<&str>) {
        let (Some(call), Some(thread)) = (call, thread) else {
            return self.say(Body::Ignored);
        };
        self.say(Body::Outcome(Box::new(Outcome {
            status: Status::Ok,
            spawned: Some(thread.to_owned()),
            ..plain_outcome(call.to_owned())
        })));
    }

    fn reviewed(&mut self, output: Option<&RawValue>) {
        let review: Value = output.and_then(parse).unwrap_or(Value::Null);
        let text = review
            .get("overall_explanation")
            .and_then(Value::as_str)
            .unwrap_or("");
        self.notice("review finished", text);
    }

    fn turn_ended(&mut self, error: Option<&RawValue>) {
        let error: Value = error.and_then(parse).unwrap_or(Value::Null);
        match error.get("message").and_then(Value::as_str) {
            Some(message) => self.notice("error", message),
            None => self.say(Body::Ignored),
        }
    }

    /// `token_count`: totals so far, told again whenever a limit is refreshed. Requests are numbered as their totals grow.
    fn tokens(&mut self, info: Option<&RawValue>) {
        let info: Value = info.and_then(parse).unwrap_or(Value::Null);
        let read = |name: &str| -> Option<[u64; 3]> {
            let usage = info.get(name)?;
            let number = |field: &str| usage.get(field).and_then(Value::as_u64).unwrap_or(0);
            Some([
                number("input_tokens"),
                number("output_tokens"),
                number("cached_input_tokens"),
            ])
        };
        let Some(total) = read("total_token_usage") else {
            return self.say(Body::Ignored);
        };
        let before = self.state.get("tokens").and_then(numbers);
        let (request, past) = match before {
            Some([request, a, b, c]) => (request + 1, Some([a, b, c])),
            None => (1, None),
        };
        if past == Some(total) {
            return self.say(Body::Ignored);
        }
        // A total that shrinks was started afresh; without one before, it may hold what a parent used.
        let grown = past.filter(|past| past.iter().zip(&total).all(|(p, t)| p <= t));
        let used = match grown {
            Some(past) => std::array::from_fn(|i| total[i] - past[i]),
            None => read("last_token_usage").unwrap_or(total),
        };
        let [input, output, cached] = used;
        let [a, b, c] = total;
        self.state.set("tokens", &format!("{request} {a} {b} {c}"));
        let model = self.state.get("model").map(str::to_owned);
        self.say(Body::Usage(Usage {
            request: request.to_string(),
            model,
            input,
            output,
            cached,
        }));
    }
}

/// Events that response items or other events tell as well, or that say nothing of lasting use.
const REPEATED: &[&str] = &[
    "agent_message",
    "agent_message_delta",
    "agent_reasoning",
    "agent_reasoning_raw_content",
    "agent_reasoning_section_break",
    "collab_agent_interaction_end",
    "collab_agent_spawn_begin",
    "collab_close_end",
    "collab_resume_end",
    "collab_waiting_end",
    "context_compacted",
    "dynamic_tool_call_request",
    "dynamic_tool_call_response",
    "exec_command_begin",
    "guardian_assessment",
    "image_generation_begin",
    "image_generation_end",
    "item_started",
    "mcp_tool_call_begin",
    "patch_apply_begin",
    "plan_update",
    "session_configured",
    "sub_agent_activity",
    "task_started",
    "thread_goal_updated",
    "thread_settings_applied",
    "turn_diff",
    "turn_started",
    "view_image_tool_call",
    "web_search_begin",
    "web_search_end",
];

/// Ends of what a script of code mode called have ids of this form.
fn is_nested(id: &str) -> bool {
    id.starts_with("exec-")
}

/// The output of an end without a call record. With one, the call's own output says the same again.
fn own_output(id: &str, text: impl FnOnce() -> String) -> String {
    if is_nested(id) { text() } else { String::new() }
}

fn call(id: &str, kind: StepKind, tool: &str, target: String, paths: Vec<String>) -> Call {
    Call {
        call_id: id.to_owned(),
        kind,
        tool: tool.to_owned(),
        target,
        workdir: None,
        input: String::new(),
        paths,
    }
}

/// The texts of an MCP result, or its error.
fn mcp_text(result: &Value) -> String {
    if let Some(error) = result.get("Err") {
        return error
            .as_str()
            .map_or_else(|| error.to_string(), str::to_owned);
    }
    let texts: Vec<&str> = result
        .pointer("/Ok/content")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|part| part.get("text")?.as_str())
        .collect();
    texts.join("\n")
}

/// `{"secs":1,"nanos":500000000}` in milliseconds.
fn duration(raw: &RawValue) -> Option<u64> {
    let value: Value = parse(raw)?;
    let seconds = value.get("secs")?.as_u64()?;
    let nanos = value.get("nanos")?.as_u64()?;
    seconds.checked_mul(1000)?.checked_add(nanos / 1_000_000)
}

/// Four numbers, as they are remembered.
fn numbers(text: &str) -> Option<[u64; 4]> {
    let mut parts = text.split(' ').map(str::parse);
    let mut next = || parts.next()?.ok();
    Some([next()?, next()?, next()?, next()?])
}
