//! What re_gent's records say.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::{COPY, call, session};
use crate::model::{Agent, Time, Via};
use crate::source::{Body, Event, ParseState, Record, SessionHead, source_of};

/// Reads one line.
pub(super) fn line(line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    let record = match Record::parse(line) {
        Ok(record) => record,
        Err(why) => return out.push(plain(None, Body::Damaged { why })),
    };
    if let Some(agent) = Agent::from_name(&record.kind) {
        return copied(agent, &record, state, out);
    }
    if record.is_damaged() {
        let why = "it is no JSON".to_owned();
        return out.push(plain(None, Body::Damaged { why }));
    }
    if &*record.kind == "session" || state.session.is_none() {
        head(&record, state, out);
    }
    match &*record.kind {
        "session" => {}
        "user" => message(&record, out, |text| Body::Prompt {
            text,
            via: Via::Typed,
        }),
        "assistant" => message(&record, out, |text| Body::Say { text }),
        "call" => call::events(&record, out),
        other => out.push(plain(
            Some(&record),
            Body::Unknown {
                record: other.to_owned(),
            },
        )),
    }
}

fn plain(record: Option<&Record<'_>>, body: Body) -> Event {
    Event {
        key: record.map(|r| r.key.clone().into_owned()),
        at: None,
        node: None,
        body,
    }
}

/// A moment in nanoseconds.
pub(super) fn moment(nanos: Option<i64>) -> Option<Time> {
    nanos.filter(|n| *n > 0).map(|n| Time(n / 1_000_000))
}

fn enter(agent: Agent, native_id: String, state: &mut ParseState, out: &mut Vec<Event>) {
    state.session = Some(native_id.clone());
    out.push(plain(
        None,
        Body::Session(Box::new(SessionHead {
            native_id,
            agent: Some(agent),
            ..SessionHead::default()
        })),
    ));
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    origin: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    folder: Option<String>,
    #[serde(default)]
    started_at: Option<i64>,
}

fn head(record: &Record<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    let Ok(info) = record.body::<Info>() else {
        return out.push(plain(
            None,
            Body::Unknown {
                record: "session".to_owned(),
            },
        ));
    };
    let (agent, native_id) = session(&record.session, info.origin.as_deref());
    state.session = Some(native_id.clone());
    let filled = |text: Option<String>| text.filter(|t| !t.is_empty());
    out.push(Event {
        at: moment(info.started_at),
        ..plain(
            None,
            Body::Session(Box::new(SessionHead {
                native_id,
                agent: Some(agent),
                cwd: filled(info.folder),
                model: filled(info.model),
                ..SessionHead::default()
            })),
        )
    });
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    at: Option<i64>,
    #[serde(default)]
    text: String,
}

fn message(record: &Record<'_>, out: &mut Vec<Event>, body: impl Fn(String) -> Body) {
    match record.body::<Message>() {
        Ok(m) if m.text.trim().is_empty() => out.push(plain(None, Body::Ignored)),
        Ok(m) => out.push(Event {
            at: moment(m.at),
            ..plain(Some(record), body(m.text))
        }),
        Err(_) => out.push(plain(
            None,
            Body::Unknown {
                record: record.kind.clone().into_owned(),
            },
        )),
    }
}

/// A line of the agent's own transcript: its own source reads it.
fn copied(agent: Agent, record: &Record<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    let id = record.session.strip_suffix(COPY).unwrap_or(&record.session);
    let (_, native_id) = session(id, Some(""));
    let path = PathBuf::from(format!("{native_id}.jsonl"));
    if state.session.is_none() {
        enter(agent, native_id, state, out);
    }
    let Some(source) = source_of(agent).filter(|s| s.extractor(&path).is_none()) else {
        return out.push(plain(
            None,
            Body::Unknown {
                record: "line".to_owned(),
            },
        ));
    };
    let text = match record.is_damaged() {
        true => record.body::<String>().unwrap_or_default(),
        false => record.body.get().to_owned(),
    };
    let from = out.len();
    source.parse(&path, text.as_bytes(), state, out);
    for event in &mut out[from..] {
        if let Body::Session(head) = &mut event.body {
            head.agent = Some(agent);
        }
    }
}

/// What a call was given, or answered, as a value; texts that are JSON are read as that.
pub(super) fn value(field: Option<&Value>) -> &Value {
    field.unwrap_or(&Value::Null)
}
