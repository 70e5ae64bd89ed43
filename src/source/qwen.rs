//! Qwen Code: lines of JSON in `projects/<slug>/chats/<session>.jsonl`, a tree by `uuid` and `parentUuid`, with Gemini's
//! contents inside. Before that it kept Gemini CLI's documents in `tmp/<project>/chats`; they are read as such.
//!
//! The result of an edit holds the text before and after, cut beyond 16 kB: then only its diff is believed. The texts of
//! the call stand in another line and are not remembered.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::fields::{self, Shape};
use super::gemini::{self, tool};
use super::tools::{self, text};
use super::{
    Body, Context, Effect, Event, Extractor, ParseState, Places, SessionHead, Source, Usage,
};
use crate::model::{Agent, Time, Via};

/// Qwen Code's sessions.
pub struct Qwen;

impl Source for Qwen {
    fn agent(&self) -> Agent {
        Agent::Qwen
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        let home = places
            .var_folder("QWEN_RUNTIME_DIR")
            .or_else(|| places.var_folder("QWEN_HOME"))
            .unwrap_or_else(|| places.home.join(".qwen"));
        vec![home.join("projects"), home.join("tmp")]
    }

    fn is_transcript(&self, path: &Path) -> bool {
        let in_chats = path
            .parent()
            .and_then(Path::file_name)
            .is_some_and(|n| n == "chats");
        gemini::is_chat(path) || (in_chats && path.extension().is_some_and(|e| e == "jsonl"))
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        if path.components().any(|c| c.as_os_str() == ".qwen") && gemini::claims(head) {
            return true;
        }
        head.split(|b| *b == b'\n').take(5).any(is_ours)
    }

    fn extractor(&self, path: &Path) -> Option<&'static dyn Extractor> {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        let is_old = name.ends_with(".json") || name.starts_with("session-");
        is_old.then(gemini::extractor)
    }

    fn parse(&self, path: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        if self.extractor(path).is_some() {
            return gemini::parse(line, state, out);
        }
        if !line.trim_ascii().is_empty() {
            new_line(line, state, out);
        }
    }
}

fn is_ours(line: &[u8]) -> bool {
    serde_json::from_slice::<Line>(line).is_ok_and(|l| {
        l.uuid.is_some()
            && l.session.is_some()
            && match l.kind.as_deref() {
                Some("user" | "assistant" | "tool_result") => l.message.get("parts").is_some(),
                Some("system") => {
                    l.subtype.is_some() && l.message.is_null() && !l.payload.is_null()
                }
                _ => false,
            }
    })
}

/// The fields that lines have had.
const FIELDS: Shape = Shape {
    record: "line",
    up_to: fields::SMALL,
    fields: &[
        "uuid",
        "parentUuid",
        "sessionId",
        "timestamp",
        "type",
        "subtype",
        "cwd",
        "version",
        "gitBranch",
        "model",
        "provenance",
        "message",
        "usageMetadata",
        "toolCallResult",
        "systemPayload",
        "contextWindowSize",
    ],
    inner: &[],
};

/// A line.
#[derive(Deserialize)]
struct Line {
    uuid: Option<String>,
    #[serde(rename = "parentUuid")]
    parent: Option<String>,
    #[serde(rename = "sessionId")]
    session: Option<String>,
    timestamp: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    subtype: Option<String>,
    cwd: Option<String>,
    version: Option<String>,
    #[serde(rename = "gitBranch")]
    branch: Option<String>,
    model: Option<String>,
    provenance: Option<Value>,
    #[serde(default)]
    message: Value,
    #[serde(rename = "usageMetadata", default)]
    usage: Value,
    #[serde(rename = "toolCallResult", default)]
    result: Value,
    #[serde(rename = "systemPayload", default)]
    payload: Value,
}

struct Reader<'r> {
    line: &'r Line,
    at: Option<Time>,
    out: &'r mut Vec<Event>,
}

fn new_line(bytes: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    let line = match serde_json::from_slice::<Line>(bytes) {
        Ok(line) => line,
        Err(e) => {
            // Well-formed, but of another shape.
            let sound = serde_json::from_slice::<Value>(bytes).is_ok_and(|v| v.is_object());
            let body = match sound {
                true => Body::Unknown {
                    record: "?".to_owned(),
                },
                false => Body::Damaged { why: e.to_string() },
            };
            return out.push(Event {
                key: None,
                at: None,
                node: None,
                body,
            });
        }
    };
    let mut reader = Reader {
        at: line.timestamp.as_deref().and_then(Time::parse),
        line: &line,
        out,
    };
    reader.surroundings(state);
    let before = reader.out.len();
    reader.said();
    if reader.out.len() == before {
        reader.say(None, Body::Link);
    }
    fields::unknown(&FIELDS, bytes, out);
}

impl Reader<'_> {
    fn say(&mut self, key: Option<String>, body: Body) {
        let line = self.line;
        self.out.push(Event {
            key,
            at: self.at,
            node: line.uuid.clone().map(|own| (own, line.parent.clone())),
            body,
        });
    }

    /// The session, and what of its circumstances changed.
    fn surroundings(&mut self, state: &mut ParseState) {
        let line = self.line;
        if let Some(session) = &line.session
            && state.session.as_ref() != Some(session)
        {
            state.session = Some(session.clone());
            let head = SessionHead {
                native_id: session.clone(),
                cwd: line.cwd.clone(),
                version: line.version.clone(),
                branch: line.branch.clone(),
                ..SessionHead::default()
            };
            self.say(None, Body::Session(Box::new(head)));
        }
        let now = [
            ("cwd", &line.cwd),
            ("model", &line.model),
            ("version", &line.version),
        ];
        let changed = now
            .iter()
            .any(|(name, value)| value.is_some() && state.get(name) != value.as_deref());
        if changed {
            for (name, value) in now {
                if let Some(value) = value {
                    state.set(name, value);
                }
            }
            let context = Context {
                cwd: line.cwd.clone(),
                model: line.model.clone(),
                version: line.version.clone(),
                branch: line.branch.clone(),
            };
            self.say(None, Body::Context(context));
        }
    }

    fn said(&mut self) {
        let line = self.line;
        let subtype = line.subtype.as_deref();
        match (line.kind.as_deref(), subtype) {
            (Some("user"), None) => self.user(Via::Typed),
            (Some("user" | "system"), Some("mid_turn_user_message")) => self.user(Via::Queued),
            (Some("user"), Some("notification" | "cron" | "goal_runtime")) => {
                let text = tool::response(&parts(&line.message));
                let what = "notification";
                self.say(line.uuid.clone(), Body::Notice { what, text });
            }
            (Some("assistant"), _) => self.assistant(),
            (Some("tool_result"), _) => self.result(),
            (Some("system"), Some("chat_compression")) => {
                let text = String::new();
                let what = "compacted";
                self.say(line.uuid.clone(), Body::Notice { what, text });
            }
            (Some("system"), Some("slash_command")) => self.command(),
            (
                Some("system"),
                Some(
                    "ui_telemetry"
                    | "file_history_snapshot"
                    | "at_command"
                    | "rewind"
                    | "notification"
                    | "cron"
                    | "goal_runtime"
                    | "custom_title",
                ),
            ) => {}
            (kind, subtype) => {
                let kind = kind.unwrap_or("?");
                let record = subtype.map_or_else(|| kind.to_owned(), |s| format!("{kind}/{s}"));
                self.say(None, Body::Unknown { record });
            }
        }
    }

    fn user(&mut self, via: Via) {
        let line = self.line;
        if line.provenance.as_ref().is_some_and(|p| {
            let kind = p.as_str().or_else(|| text(p, &["kind", "type"]));
            kind.is_some_and(|k| k != "real_user")
        }) {
            return;
        }
        let text = gemini::words(&parts(&line.message));
        if !text.trim().is_empty() {
            self.say(line.uuid.clone(), Body::Prompt { text, via });
        }
    }

    fn command(&mut self) {
        let line = self.line;
        // It is told twice: when it was typed, and when it was done.
        if text(&line.payload, &["phase"]).is_some_and(|p| p != "invocation") {
            return;
        }
        if let Some(command) = text(&line.payload, &["rawCommand", "command"]) {
            let text = command.to_owned();
            let via = Via::Command;
            self.say(line.uuid.clone(), Body::Prompt { text, via });
        }
    }

    fn assistant(&mut self) {
        let line = self.line;
        let said = gemini::words(&parts(&line.message));
        if !said.trim().is_empty() {
            self.say(line.uuid.clone(), Body::Say { text: said });
        }
        for part in parts(&line.message).as_array().into_iter().flatten() {
            let Some(call) = part.get("functionCall") else {
                continue;
            };
            let (Some(id), Some(name)) = (text(call, &["id"]), text(call, &["name"])) else {
                let record = "functionCall/?".to_owned();
                self.say(None, Body::Unknown { record });
                continue;
            };
            let args = call.get("args").cloned().unwrap_or_default();
            let call = tool::describe(id, name, &args);
            self.say(Some(id.to_owned()), Body::Call(Box::new(call)));
        }
        if let (Some(request), true) = (&line.uuid, line.usage.is_object()) {
            let n = |name| line.usage.get(name).and_then(Value::as_u64).unwrap_or(0);
            let usage = Usage {
                request: request.clone(),
                model: line.model.clone(),
                input: n("promptTokenCount"),
                output: n("candidatesTokenCount").saturating_add(n("thoughtsTokenCount")),
                cached: n("cachedContentTokenCount"),
            };
            self.say(None, Body::Usage(usage));
        }
    }

    fn result(&mut self) {
        let line = self.line;
        let parts = parts(&line.message);
        let response = parts
            .as_array()
            .into_iter()
            .flatten()
            .find_map(|p| p.get("functionResponse"));
        let field = |value: Option<&Value>, name: &str| {
            value.and_then(|v| text(v, &[name])).map(str::to_owned)
        };
        let id = field(Some(&line.result), "callId").or_else(|| field(response, "id"));
        let Some(id) = id else {
            let record = "tool_result/?".to_owned();
            return self.say(None, Body::Unknown { record });
        };
        let name = field(response, "name").unwrap_or_default();
        let null = Value::Null;
        let answer = tool::Answer {
            status: text(&line.result, &["status"]),
            output: tool::response(&parts),
            display: line.result.get("resultDisplay").unwrap_or(&null),
        };
        let shown = answer.display.clone();
        let mut outcome = tool::outcome(&id, &name, &args_of(&answer), answer);
        if outcome.effects.is_empty() {
            outcome.effects.extend(diffed(&name, &shown));
        }
        self.say(Some(id), Body::Outcome(Box::new(outcome)));
    }
}

/// What the call of an edit must have said, as far as its result repeats it. `fileName` is the last part of the path alone.
fn args_of(answer: &tool::Answer<'_>) -> Value {
    match text(answer.display, &["filePath"]) {
        Some(path) => serde_json::json!({"file_path": path}),
        None => Value::Null,
    }
}

/// An edit of which only the diff is there.
fn diffed(name: &str, shown: &Value) -> Option<Effect> {
    let path = text(shown, &["filePath"])?.to_owned();
    let hunks = tools::hunks(text(shown, &["fileDiff"])?);
    let edits = matches!(name, "edit" | "replace" | "write_file");
    (edits && !hunks.is_empty()).then_some(Effect::Patch {
        path,
        moved_to: None,
        hunks,
        numbered: true,
    })
}

fn parts(message: &Value) -> Value {
    message.get("parts").cloned().unwrap_or_default()
}
