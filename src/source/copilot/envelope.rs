//! The envelope of an event, and whose it is: the session that the file is about, or a sub-agent that one of its calls started.

use serde_json::Value;

use crate::model::Time;
use crate::source::tools::text;
use crate::source::{Body, Event, ParseState, Relation, SessionHead};

/// The session that the file is about; those of sub-agents stand between its lines.
pub(super) const MAIN: &str = "main";

/// An event with its place.
pub(super) struct Line<'v> {
    /// What it tells.
    pub data: &'v Value,
    /// Whether a sub-agent is at work.
    pub agent: Option<&'v str>,
    /// Its id.
    pub id: Option<&'v str>,
    at: Option<Time>,
}

impl Line<'_> {
    /// Says something; `n` tells apart what one event says.
    pub fn say(&self, n: usize, body: Body, out: &mut Vec<Event>) {
        out.push(Event {
            key: self.id.map(|id| match n {
                0 => id.to_owned(),
                n => format!("{id}#{n}"),
            }),
            at: self.at,
            node: None,
            body,
        });
    }
}

impl<'v> Line<'v> {
    /// The envelope of an event and what is in it.
    pub fn of(value: &'v Value, data: &'v Value) -> Line<'v> {
        Line {
            data,
            agent: text(value, &["agentId"]).or_else(|| text(data, &["parentToolCallId"])),
            id: text(value, &["id"]),
            at: text(value, &["timestamp"]).and_then(Time::parse),
        }
    }
}

/// Under which name it is remembered in which session a sub-agent was started.
pub(super) fn made(call: &str) -> String {
    format!("made {call}")
}

/// Under which name it is remembered what a sub-agent is to do.
pub(super) fn task(call: &str) -> String {
    format!("task {call}")
}

/// The native id of the session that an event belongs to; nothing if the file has not said yet which it is.
pub(super) fn session_of(line: &Line<'_>, state: &ParseState) -> Option<String> {
    let main = state.get(MAIN)?;
    Some(match line.agent {
        None => main.to_owned(),
        Some(agent) => child(main, state.get(&named(agent)).unwrap_or(agent)),
    })
}

/// The session of the sub-agent that a call started.
pub(super) fn spawned(call: &str, state: &ParseState) -> Option<String> {
    state.get(MAIN).map(|main| child(main, call))
}

fn child(main: &str, call: &str) -> String {
    format!("{main}/{call}")
}

/// Under which name it is remembered which call started an agent.
fn named(agent: &str) -> String {
    format!("agent {agent}")
}

/// Says that the event is of another session than the one before, if it is.
pub(super) fn enter(line: &Line<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    let Some(native) = session_of(line, state) else {
        return;
    };
    if state.session.as_deref() == Some(&*native) {
        return;
    }
    let is_child = line.agent.is_some();
    let parent = state.get(MAIN).filter(|_| is_child).map(str::to_owned);
    // Who started it was said when it started; here only that it is one, for the case that this is lost.
    let head = SessionHead {
        relation: parent.as_ref().map(|_| Relation::Subagent),
        parent: parent.filter(|_| state.get(&format!("known {native}")).is_none()),
        cwd: state.get("cwd").filter(|_| is_child).map(str::to_owned),
        native_id: native,
        ..SessionHead::default()
    };
    arrive(head, line, state, out);
}

/// Says whose the events are from here on.
pub(super) fn arrive(
    head: SessionHead,
    line: &Line<'_>,
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    state.session = Some(head.native_id.clone());
    if head.parent.is_some() {
        state.set(&format!("known {}", head.native_id), "");
    }
    out.push(Event {
        key: None,
        at: line.at,
        node: None,
        body: Body::Session(Box::new(head)),
    });
}

/// A sub-agent begins, by the call that its parent made.
pub(super) fn subagent(line: &Line<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    let call = text(line.data, &["toolCallId"]).or(line.agent);
    let (Some(call), Some(main)) = (call, state.get(MAIN).map(str::to_owned)) else {
        return line.say(0, Body::Ignored, out);
    };
    if let Some(agent) = line.agent.filter(|a| *a != call) {
        state.set(&named(agent), call);
    }
    let head = SessionHead {
        native_id: child(&main, call),
        parent: Some(state.get(&made(call)).unwrap_or(&main).to_owned()),
        relation: Some(Relation::Subagent),
        cwd: state.get("cwd").map(str::to_owned),
        role: text(line.data, &["agentDisplayName", "agentName"]).map(str::to_owned),
        model: text(line.data, &["model"]).map(str::to_owned),
        ..SessionHead::default()
    };
    let title = state.get(&task(call)).map(str::to_owned);
    arrive(head, line, state, out);
    // What it was asked stands in its parent's line; here is no more than what that was about.
    if let Some(title) = title {
        state.unset(&task(call));
        line.say(0, Body::Title(title), out);
    }
}
