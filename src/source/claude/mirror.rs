//! Sub-agents' records that are mirrored in their parent's progress records.

use super::events::{Maker, from_user, said, usage};
use super::record::{Mirrored, Progress, Record};
use super::session::{self, Place};
use crate::model::Time;
use crate::source::{Body, Event, ParseState};

/// The events of the sub-agent's record that a progress record (2.1.12 to 2.1.62) mirrors in its parent's
/// file: those of the sub-agent's session, with the keys that its own file gives them.
pub(super) fn mirrored(record: &Record<'_>, state: &mut ParseState, out: &mut Vec<Event>) {
    // Nearly all ticks are a command's output so far: not worth a second parse.
    let Some(data) = record.data.filter(|d| d.get().contains("agent_progress")) else {
        return;
    };
    let Ok(data) = serde_json::from_str::<Progress<'_>>(data.get()) else {
        return;
    };
    if let (Some(agent), Some(main), Some(inner), "progress", "agent_progress") = (
        data.agent_id.filled(),
        record.session_id.filled(),
        &data.message.0,
        record.kind.str(),
        data.kind.str(),
    ) {
        inside(
            &session::child(main, agent, false),
            record,
            inner,
            state,
            out,
        );
    }
}

fn inside(
    place: &Place,
    record: &Record<'_>,
    inner: &Mirrored<'_>,
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    let Some(message) = &inner.message.0 else {
        return;
    };
    let at = inner
        .timestamp
        .get()
        .and_then(Time::parse)
        .or_else(|| record.timestamp.get().and_then(Time::parse));
    let mut facts = session::facts(record);
    facts[3] = message.model.filled();
    session::arrive(place, facts, at, state, out);
    // Its parent is not in the mirror, so it is no node: half a tree is worse than none.
    let mut make = Maker {
        key: inner.uuid.filled().map(str::to_owned),
        at,
        node: None,
        out,
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
