//! What each kind of record says.

use std::path::Path;

use serde_json::value::RawValue;

use super::content::Content;
use super::lenient::Text;
use super::record::{Attachment, Message, Record, SYNTHETIC, Tokens};
use super::{calls, kept, queue, results, session, user};
use crate::model::{Status, Time, Via};
use crate::source::{Body, Event, ParseState, Usage};

/// What the events of one record share.
pub(super) struct Maker<'a> {
    pub key: Option<String>,
    pub at: Option<Time>,
    pub node: Option<(String, Option<String>)>,
    pub out: &'a mut Vec<Event>,
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

    /// An event under a key of its own.
    pub fn push(&mut self, key: Option<String>, body: Body) {
        self.out.push(Event {
            key,
            at: self.at,
            node: self.node.clone(),
            body,
        });
    }
}

/// The events of one record.
pub(super) fn events(
    path: &Path,
    record: &Record<'_>,
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
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
        // A tick; what it may mirror is read apart.
        "progress" if make.node.is_some() => make.say(Body::Link),
        "progress" => make.say(Body::Ignored),
        "queue-operation" => {
            for body in queue::operation(record, state) {
                make.say(body);
            }
        }
        "ai-title" => title(&record.ai_title, state, &mut make),
        "custom-title" => title(&record.custom_title, state, &mut make),
        "summary" => title(&record.summary, state, &mut make),
        "file-history-snapshot" | "file-history-delta" => {
            let kept = kept::kept(record);
            make.say(match kept.is_empty() {
                true => Body::Ignored,
                false => Body::Kept(kept),
            });
        }
        "last-prompt"
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

/// What an assistant's message says, block by block.
pub(super) fn said(message: &Message<'_>, make: &mut Maker<'_>) {
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

/// The tokens of the request that a message is a part of.
pub(super) fn usage(message: &Message<'_>, request: &str) -> Option<Body> {
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

/// A record in the user's name: results of tools, or what a person said.
pub(super) fn from_user(
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
        _ => super::readable::plain(raw),
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
