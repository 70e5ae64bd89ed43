//! From one line to events: which records it holds, and what each kind of record says.

use std::path::Path;

use serde_json::value::RawValue;

use super::lenient::{Content, Text};
use super::record::{Attachment, Message, Mirrored, Progress, Record, Tokens};
use super::session::{self, Place};
use super::{calls, queue, results, user};
use crate::model::{Status, Time, Via};
use crate::source::lines::split_records;
use crate::source::{Body, Event, ParseState, Usage};

/// The model that the harness gives for messages of its own.
pub(super) const SYNTHETIC: &str = "<synthetic>";
/// How much of a damaged line is quoted.
const QUOTED: usize = 60;

/// Reads one line.
pub(super) fn line(path: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    if line.trim_ascii().is_empty() {
        return;
    }
    if try_one(path, line, state, out).is_ok() {
        return;
    }
    let parts = split_records(line);
    let several = parts.len() > 1;
    for part in parts {
        let why = match try_one(path, part, state, out) {
            Ok(()) => continue,
            Err(why) => why,
        };
        let repaired = repaired(part);
        // Behind a torn record a piece of it may look like a record of its own.
        let done = repaired.is_some_and(|text| try_one(path, text.as_bytes(), state, out).is_ok());
        if !done {
            let start = String::from_utf8_lossy(&part[..part.len().min(QUOTED)]);
            let note = if several { " (part of a line)" } else { "" };
            out.push(Event {
                key: None,
                at: None,
                node: None,
                body: Body::Damaged {
                    why: format!("{why}{note}: {start}"),
                },
            });
        }
    }
}

fn try_one(
    path: &Path,
    bytes: &[u8],
    state: &mut ParseState,
    out: &mut Vec<Event>,
) -> Result<(), String> {
    let record = typed(bytes)?;
    events(path, &record, state, out);
    Ok(())
}

fn typed(bytes: &[u8]) -> Result<Record<'_>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    if !text.trim_start().starts_with('{') {
        return Err("not an object".to_owned());
    }
    serde_json::from_str(text).map_err(|e| e.to_string())
}

/// The record as it was meant, where only its letters or its names are bad: invalid UTF-8, halves of
/// surrogate pairs, names that stand twice (the last one counts).
fn repaired(bytes: &[u8]) -> Option<String> {
    let text = without_lone_surrogates(&String::from_utf8_lossy(bytes));
    if typed(text.as_bytes()).is_ok() {
        return Some(text);
    }
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(value.to_string())
}

fn without_lone_surrogates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match surrogate(rest) {
            None => rest.chars().take(2).map(char::len_utf8).sum(),
            Some(high)
                if high < 0xdc00 && surrogate(&rest[6..]).is_some_and(|low| low >= 0xdc00) =>
            {
                12
            }
            Some(_) => {
                out.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

/// The surrogate that an escape at the start of this text stands for.
fn surrogate(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    (0xd800..0xe000).contains(&code).then_some(code)
}

/// What the events of one record share.
pub(super) struct Maker<'a> {
    key: Option<String>,
    at: Option<Time>,
    node: Option<(String, Option<String>)>,
    out: &'a mut Vec<Event>,
}

impl Maker<'_> {
    /// An event of the record.
    pub fn say(&mut self, body: Body) {
        let key = self.key.clone();
        self.push(key, body);
    }

    /// An event of one block of several.
    fn say_block(&mut self, index: usize, of: usize, body: Body) {
        let key = match &self.key {
            Some(key) if of > 1 => Some(format!("{key}#{index}")),
            key => key.clone(),
        };
        self.push(key, body);
    }

    fn push(&mut self, key: Option<String>, body: Body) {
        self.out.push(Event {
            key,
            at: self.at,
            node: self.node.clone(),
            body,
        });
    }
}

fn events(path: &Path, record: &Record<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    let at = record.timestamp.get().and_then(Time::parse);
    let place = session::place(path, record, state);
    if let Some(place) = &place {
        session::arrive(place, session::facts(record), at, state, out);
    }
    let child = match &place {
        Some(place) => place.native.contains('/'),
        None => record.is_sidechain.set(),
    };
    let mut make = Maker {
        key: record.uuid.filled().map(str::to_owned),
        at,
        node: node(record),
        out,
    };
    match record.kind.str() {
        "assistant" => assistant(record, &mut make),
        "user" => {
            let content = record
                .message
                .0
                .as_ref()
                .map_or(&Content::Nothing, |m| &m.content);
            from_user(record, content, record.tool_use_result, child, &mut make);
        }
        "system" => system(record, &mut make),
        "attachment" => attachment(record.attachment.0.as_ref(), &mut make),
        "progress" => progress(record, state, &mut make),
        "queue-operation" => {
            for body in queue::operation(record, state) {
                make.say(body);
            }
        }
        "ai-title" => title(&record.ai_title, state, &mut make),
        "custom-title" => title(&record.custom_title, state, &mut make),
        "summary" => title(&record.summary, state, &mut make),
        // The backups that the first two name lie outside of the transcript; nothing reads them yet.
        "file-history-snapshot"
        | "file-history-delta"
        | "last-prompt"
        | "mode"
        | "permission-mode"
        | "atis-latch"
        | "pr-link"
        | "agent-name"
        | "agent-color"
        | "agent-setting"
        | "worktree-state"
        | "tag"
        | "content-replacement" => {
            make.say(Body::Ignored);
        }
        "" => make.say(Body::Unknown {
            record: "(no type)".to_owned(),
        }),
        other => make.say(Body::Unknown {
            record: other.to_owned(),
        }),
    }
}

fn node(record: &Record<'_>) -> Option<(String, Option<String>)> {
    // A compaction starts a new tree but names what it stands on; without that the past would seem abandoned.
    let parent = record
        .parent_uuid
        .filled()
        .or(record.logical_parent_uuid.filled());
    let uuid = record.uuid.filled()?;
    Some((uuid.to_owned(), parent.map(str::to_owned)))
}

/// A title is of the session that it stands in. At the head of a file, before any session, stand titles
/// of other sessions.
fn title(text: &Text<'_>, state: &ParseState, make: &mut Maker<'_>) {
    make.say(match text.filled() {
        Some(text) if state.session.is_some() => Body::Title(text.to_owned()),
        _ => Body::Ignored,
    });
}

fn assistant(record: &Record<'_>, make: &mut Maker<'_>) {
    let Some(message) = &record.message.0 else {
        make.say(Body::Link);
        return;
    };
    if record.is_api_error_message.set() || message.model.str() == SYNTHETIC {
        let text = message.content.joined();
        // Words of the harness: errors and limits of the service, but for a filler after a local command.
        make.say(match text.as_str() {
            "No response requested." | "(no content)" | "" => Body::Link,
            _ => Body::Notice {
                what: "api error",
                text,
            },
        });
        return;
    }
    said(message, make);
    if let Some(usage) = usage(message, record.request_id.str()) {
        make.node = None;
        make.push(None, usage);
    }
}

fn said(message: &Message<'_>, make: &mut Maker<'_>) {
    let before = make.out.len();
    match &message.content {
        Content::Text(text) if !text.trim().is_empty() => make.say(Body::Say {
            text: text.clone().into_owned(),
        }),
        Content::Blocks(blocks) => {
            for (i, block) in blocks.iter().enumerate() {
                let body = match block.kind.str() {
                    "text" if !block.text.str().trim().is_empty() => Body::Say {
                        text: block.text.str().to_owned(),
                    },
                    "tool_use" | "server_tool_use" | "mcp_tool_use" => match calls::call(block) {
                        Some(call) => Body::Call(Box::new(call)),
                        None => continue,
                    },
                    // Hidden reasoning, and what a server's tool answered inside the message.
                    _ => continue,
                };
                make.say_block(i, blocks.len(), body);
            }
        }
        _ => {}
    }
    if make.out.len() == before {
        make.say(Body::Link);
    }
}

fn usage(message: &Message<'_>, request: &str) -> Option<Body> {
    let id = message.id.filled()?;
    let tokens: &Tokens = message.usage.0.as_ref()?;
    let model = message.model.filled();
    let cached = tokens.cache_read_input_tokens.or_zero();
    let written = tokens.cache_creation_input_tokens.or_zero();
    Some(Body::Usage(Usage {
        request: format!("{id}:{request}"),
        model: model.map(str::to_owned),
        input: tokens
            .input_tokens
            .or_zero()
            .saturating_add(cached)
            .saturating_add(written),
        output: tokens.output_tokens.or_zero(),
        cached,
    }))
}

fn from_user(
    record: &Record<'_>,
    content: &Content<'_>,
    returned: Option<&RawValue>,
    child: bool,
    make: &mut Maker<'_>,
) {
    let blocks = match content {
        Content::Blocks(blocks) => blocks.as_slice(),
        _ => &[],
    };
    let is_result = |kind: &str| kind == "tool_result";
    if !blocks.iter().any(|b| is_result(b.kind.str())) {
        if let Some(report) = results::report(&content.joined()) {
            make.say(Body::Outcome(Box::new(report)));
            return;
        }
        make.say(user::says(record, content, child));
        return;
    }
    let results_in = blocks.iter().filter(|b| is_result(b.kind.str())).count();
    let stopped = blocks.iter().any(|b| user::is_interruption(b.text.str()));
    for (i, block) in blocks.iter().enumerate() {
        let body = if is_result(block.kind.str()) {
            // With several results in a record it does not say whose the rich object is.
            let returned = returned.filter(|_| results_in == 1);
            let denial = record.tool_denial_kind.filled();
            let mut outcome = results::outcome(block, returned, denial);
            if outcome.status == Status::Failed && stopped {
                outcome.status = Status::Interrupted;
            }
            Body::Outcome(Box::new(outcome))
        } else if user::is_interruption(block.text.str()) {
            Body::Notice {
                what: "interrupted",
                text: block.text.str().to_owned(),
            }
        } else {
            // Beside a result stand only the harness's words.
            continue;
        };
        make.say_block(i, blocks.len(), body);
    }
}

fn system(record: &Record<'_>, make: &mut Maker<'_>) {
    let content = record.content.joined();
    let body = match record.subtype.str() {
        "api_error" => Body::Notice {
            what: "api error",
            text: record.error.map(error_text).unwrap_or_default(),
        },
        // Of local commands newer versions keep the command itself here.
        "local_command" => user::typed_command(content.trim_start()).unwrap_or(Body::Link),
        // The summary that follows a boundary makes the notice.
        "compact_boundary"
        | "microcompact_boundary"
        | "stop_hook_summary"
        | "turn_duration"
        | "away_summary"
        | "informational"
        | "init"
        | "session_start"
        | "status"
        | "bridge_status"
        | "scheduled_task_fire"
        | "memory_saved" => Body::Link,
        other => Body::Unknown {
            record: format!("system/{other}"),
        },
    };
    make.say(body);
}

/// The message inside an error of the service, or the error as it stands.
fn error_text(raw: &RawValue) -> String {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Fault<'a> {
        #[serde(borrow)]
        message: Text<'a>,
    }
    match serde_json::from_str::<super::lenient::Map<Fault<'_>>>(raw.get()) {
        Ok(super::lenient::Map(Some(fault))) if fault.message.filled().is_some() => {
            fault.message.str().to_owned()
        }
        _ if raw.get() == "{}" => String::new(),
        _ => super::input::plain(raw),
    }
}

fn attachment(attachment: Option<&Attachment<'_>>, make: &mut Maker<'_>) {
    let Some(attachment) = attachment.filter(|a| a.kind.str() == "queued_command") else {
        make.say(Body::Link);
        return;
    };
    let whole = attachment.prompt.joined();
    if let Some(report) = results::report(&whole) {
        make.say(Body::Outcome(Box::new(report)));
        return;
    }
    let origin = attachment.origin.0.as_ref().and_then(|o| o.kind.get());
    let mode = attachment.command_mode.get().unwrap_or("prompt");
    let text = user::words(&attachment.prompt);
    let person = origin.is_none_or(|o| o == "human") && matches!(mode, "prompt" | "bash");
    make.say(
        if !person || user::is_report(&whole) || text.trim().is_empty() {
            Body::Link
        } else {
            Body::Prompt {
                text,
                via: Via::Queued,
            }
        },
    );
}

/// A tick; or, from 2.1.12 to 2.1.62, a sub-agent's record, mirrored in its parent's file. The tick stays
/// a node of the parent's tree; the mirrored record becomes events of the sub-agent's session, with the
/// keys that its own file gives them.
fn progress(record: &Record<'_>, state: &mut ParseState, make: &mut Maker<'_>) {
    make.say(if make.node.is_some() {
        Body::Link
    } else {
        Body::Ignored
    });
    // Nearly all ticks are a command's output so far: not worth a second parse.
    let Some(data) = record.data.filter(|d| d.get().contains("agent_progress")) else {
        return;
    };
    let Ok(data) = serde_json::from_str::<Progress<'_>>(data.get()) else {
        return;
    };
    let (Some(agent), Some(main), Some(inner)) = (
        data.agent_id
            .filled()
            .filter(|_| data.kind.str() == "agent_progress"),
        record.session_id.filled(),
        &data.message.0,
    ) else {
        return;
    };
    mirrored(
        &session::child(main, agent, false),
        record,
        inner,
        state,
        make,
    );
}

fn mirrored(
    place: &Place,
    record: &Record<'_>,
    inner: &Mirrored<'_>,
    state: &mut ParseState,
    make: &mut Maker<'_>,
) {
    let Some(message) = &inner.message.0 else {
        return;
    };
    let at = inner.timestamp.get().and_then(Time::parse).or(make.at);
    let mut facts = session::facts(record);
    facts[3] = message.model.filled();
    session::arrive(place, facts, at, state, make.out);
    // Its parent is not in the mirror, so it is no node: half a tree is worse than none.
    let mut make = Maker {
        key: inner.uuid.filled().map(str::to_owned),
        at,
        node: None,
        out: make.out,
    };
    match inner.kind.str() {
        "assistant" => {
            said(message, &mut make);
            if let Some(usage) = usage(message, inner.request_id.str()) {
                make.push(None, usage);
            }
        }
        "user" => {
            let blank = Record::default();
            from_user(
                &blank,
                &message.content,
                inner.tool_use_result,
                true,
                &mut make,
            );
        }
        _ => make.say(Body::Ignored),
    }
}

/// Whether the first lines of a file are Claude Code's.
pub(super) fn claims(head: &[u8]) -> bool {
    let mut lines = head.split_inclusive(|b| *b == b'\n').take(50);
    lines.any(
        |line| match typed(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)) {
            Ok(record) => is_ours(&record),
            // A first line may be longer than the head.
            Err(_) => !line.ends_with(b"\n") && looks_ours(line),
        },
    )
}

fn is_ours(record: &Record<'_>) -> bool {
    let has_session = record.session_id.filled().is_some();
    let has_node = record.uuid.filled().is_some() || record.cwd.filled().is_some();
    match record.kind.str() {
        "user" | "assistant" => {
            let message = record.message.0.as_ref();
            let ours =
                |m: &Message<'_>| m.parts.is_none() && !matches!(m.content, Content::Nothing);
            has_session && has_node && message.is_some_and(ours)
        }
        "progress" | "attachment" | "queue-operation" => has_session,
        "summary" => record.summary.get().is_some(),
        _ => false,
    }
}

fn looks_ours(line: &[u8]) -> bool {
    let has = |needle: &str| memchr::memmem::find(line, needle.as_bytes()).is_some();
    has("\"parentUuid\":") && has("\"sessionId\":") && !has("\"parts\":[") && !has("\"payload\":")
}
