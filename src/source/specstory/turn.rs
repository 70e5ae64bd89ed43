//! What SpecStory's records say.

use serde::Deserialize;

use super::{SIDE, agent, tool};
use crate::model::{Agent, Time, Via};
use crate::source::claude::said;
use crate::source::{Body, Event, ParseState, Record, Relation, SessionHead};

/// Under which the agent is remembered.
const AGENT: &str = "agent";

#[derive(Deserialize)]
struct Turn {
    #[serde(default)]
    text: String,
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    model: Option<String>,
}

#[derive(Deserialize)]
struct Whose {
    #[serde(default)]
    agent: Option<String>,
    #[serde(default)]
    folder: Option<String>,
}

/// Reads one line.
pub(super) fn line(line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    let record = match Record::parse(line) {
        Ok(record) => record,
        Err(why) => return out.push(plain(Body::Damaged { why })),
    };
    if record.is_damaged() {
        let why = "it is no JSON".to_owned();
        return out.push(plain(Body::Damaged { why }));
    }
    let kind = &*record.kind;
    if kind == "session" {
        let whose = record.body::<Whose>().ok();
        let name = whose.as_ref().and_then(|w| w.agent.as_deref());
        let agent = name.and_then(agent).unwrap_or(Agent::Specstory);
        state.set(AGENT, agent.name());
        return enter(&record, whose.and_then(|w| w.folder), None, state, out);
    }
    let unknown = || {
        let record = kind.to_owned();
        plain(Body::Unknown { record })
    };
    let Ok(turn) = record.body::<Turn>() else {
        return out.push(unknown());
    };
    let model = turn.model.filter(|m| state.get("model") != Some(m));
    if let Some(model) = &model {
        state.set("model", model);
    }
    if state.session.as_deref() != Some(&*record.session) || model.is_some() {
        enter(&record, None, model, state, out);
    }
    let at = turn.at.as_deref().and_then(moment);
    let mut say = |body| {
        out.push(Event {
            key: Some(record.key.clone().into_owned()),
            at,
            node: None,
            body,
        });
    };
    match kind {
        "user" => say(said(&turn.text)),
        "task" => say(Body::Prompt {
            text: turn.text,
            via: Via::Task,
        }),
        "say" => say(Body::Say { text: turn.text }),
        "think" => say(Body::Ignored),
        "tool" => tool::bodies(&record.key, &turn.text)
            .into_iter()
            .for_each(say),
        _ => out.push(unknown()),
    }
}

fn plain(body: Body) -> Event {
    Event {
        key: None,
        at: None,
        node: None,
        body,
    }
}

fn enter(
    record: &Record<'_>,
    cwd: Option<String>,
    model: Option<String>,
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    state.session = Some(record.session.clone().into_owned());
    let parent = record.session.strip_suffix(SIDE).map(str::to_owned);
    out.push(plain(Body::Session(Box::new(SessionHead {
        native_id: record.session.clone().into_owned(),
        agent: state.get(AGENT).and_then(Agent::from_name),
        relation: parent.as_ref().map(|_| Relation::Subagent),
        parent,
        cwd,
        model,
        ..SessionHead::default()
    }))));
}

/// A time as headlines have it.
fn moment(text: &str) -> Option<Time> {
    let (day, time) = text.trim_end_matches('Z').split_once(' ')?;
    let seconds = if time.len() == 5 { ":00" } else { "" };
    Time::parse(&format!("{day}T{time}{seconds}Z"))
}
