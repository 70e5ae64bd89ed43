//! What SpecStory's records say.

use serde::Deserialize;

use super::{SIDE, agent, tool};
use crate::model::{Agent, Time, Via};
use crate::source::claude::said;
use crate::source::{Body, Event, ParseState, Record, Relation, SessionHead};

#[derive(Deserialize)]
struct Turn {
    #[serde(default)]
    text: String,
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    model: Option<String>,
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
        let agent = turn.agent.as_deref().and_then(agent);
        enter(&record, agent, (turn.folder, model), state, out);
    }
    let at = turn.at.as_deref().and_then(moment);
    // A number alone would make equal words at one moment in two sessions copies of each other.
    let key = format!("{}:{}", record.session, record.key);
    let mut say = |body, at| {
        out.push(Event {
            key: Some(key.clone()),
            at,
            node: None,
            body,
        });
    };
    match kind {
        "session" => {}
        "user" => say(said(&turn.text), at),
        "task" => {
            let (text, via) = (turn.text, Via::Task);
            say(Body::Prompt { text, via }, at);
        }
        "say" => say(Body::Say { text: turn.text }, at),
        "think" => say(Body::Ignored, at),
        "tool" => {
            let bodies = tool::bodies(&key, &turn.text);
            let last = bodies.len().saturating_sub(1);
            // There is one time for both: it says when, not how long.
            for (n, body) in bodies.into_iter().enumerate() {
                say(body, at.filter(|_| n == last));
            }
        }
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
    agent: Option<Agent>,
    (cwd, model): (Option<String>, Option<String>),
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    state.session = Some(record.session.clone().into_owned());
    let parent = record.session.strip_suffix(SIDE).map(str::to_owned);
    out.push(plain(Body::Session(Box::new(SessionHead {
        native_id: record.session.clone().into_owned(),
        agent: Some(agent.unwrap_or(Agent::Specstory)),
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
