//! Which session a record belongs to, and what changes around it.
//!
//! A sub-agent's records stand in a file of its own, between those of the main file (`isSidechain`, up to
//! 1.0), or mirrored in the main file's progress records. All three become events of one child session,
//! `parent/agentId`.

use std::path::Path;

use super::record::{Record, SYNTHETIC};
use crate::source::{Body, Context, Event, ParseState, Relation, SessionHead};

/// How many records of side chains inside a main file are remembered, to know whose child a record is.
const REMEMBERED: usize = 64;
const FACTS: [&str; 4] = ["cwd", "branch", "version", "model"];

/// A session as a record names it.
#[derive(Debug, PartialEq)]
pub(super) struct Place {
    /// The session's native id.
    pub native: String,
    /// The session that it hangs on.
    pub parent: Option<(String, Relation)>,
    /// Whether the file is about this session; else it is a sub-agent's inside its parent's file.
    pub own: bool,
}

/// What a record says of its circumstances, in the order of [`FACTS`].
pub(super) type Facts<'a> = [Option<&'a str>; 4];

/// The circumstances in a record's envelope.
pub(super) fn facts<'a>(record: &'a Record<'_>) -> Facts<'a> {
    let model = match (record.kind.str(), &record.message.0) {
        // The model of a message that the harness made up is no model.
        ("assistant", Some(m)) => m.model.filled().filter(|m| *m != SYNTHETIC),
        _ => None,
    };
    [
        record.cwd.filled(),
        record.git_branch.filled(),
        record.version.filled(),
        model,
    ]
}

/// The session of a record; `None` if it names none.
pub(super) fn place(path: &Path, record: &Record<'_>, state: &mut ParseState) -> Option<Place> {
    let main = record.session_id.filled()?;
    let from_path = path
        .file_stem()
        .and_then(|s| s.to_str())
        .and_then(|s| s.strip_prefix("agent-"));
    if let Some(id) = from_path {
        return Some(child(main, record.agent_id.filled().unwrap_or(id), true));
    }
    if record.is_sidechain.set() {
        if let Some(id) = record.agent_id.filled() {
            // An agent's file under another name, unless it stands in the file of its parent.
            let own = state.get("of").is_none_or(|of| of != main);
            return Some(child(main, id, own));
        }
        let root = chain(record, state);
        return Some(child(main, &root, false));
    }
    let fork = record.forked_from.0.as_ref();
    let parent = fork
        .and_then(|f| f.session_id.filled())
        .filter(|from| *from != main)
        .map(|from| (from.to_owned(), Relation::Fork));
    Some(Place {
        native: main.to_owned(),
        parent,
        own: true,
    })
}

/// The session of a sub-agent.
pub(super) fn child(main: &str, agent: &str, own: bool) -> Place {
    Place {
        native: format!("{main}/{agent}"),
        parent: Some((main.to_owned(), Relation::Subagent)),
        own,
    }
}

/// The first record of the side chain that this one continues. Several chains may run at once.
fn chain(record: &Record<'_>, state: &mut ParseState) -> String {
    let uuid = record.uuid.str();
    let name = |uuid: &str| format!("chain:{uuid}");
    let root = match record.parent_uuid.filled() {
        None => uuid.to_owned(),
        Some(parent) => match state.get(&name(parent)) {
            Some(root) => root.to_owned(),
            None => state.get("chain").unwrap_or(parent).to_owned(),
        },
    };
    state.set("chain", &root);
    state.set(&name(uuid), &root);
    let known = |n: &str| n.starts_with("chain:");
    while state.memory.iter().filter(|(n, _)| known(n)).count() > REMEMBERED {
        if let Some(oldest) = state.memory.iter().position(|(n, _)| known(n)) {
            state.memory.remove(oldest);
        }
    }
    root
}

/// Says that the records from here on are this session's, if they were not, and what changed around it.
pub(super) fn arrive(
    place: &Place,
    facts: Facts<'_>,
    at: Option<crate::model::Time>,
    state: &mut ParseState,
    out: &mut Vec<Event>,
) {
    let switched = state.session.as_deref() != Some(&place.native);
    if switched {
        state.session = Some(place.native.clone());
    }
    if place.own && state.get("of") != Some(&place.native) {
        state.set("of", &place.native);
        FACTS.iter().for_each(|name| state.unset(name));
    }
    if !place.own && switched {
        state.unset("side model");
    }
    let (mut known, mut changed): (Facts<'_>, Facts<'_>) = ([None; 4], [None; 4]);
    for (i, name) in FACTS.into_iter().enumerate() {
        let name = match (place.own, name) {
            (true, name) => name,
            (false, "model") => "side model",
            (false, _) => {
                known[i] = facts[i].filter(|_| switched);
                continue;
            }
        };
        let Some(fact) = facts[i] else { continue };
        match state.get(name) {
            Some(last) if last == fact => continue,
            Some(_) if place.own => changed[i] = Some(fact),
            _ => known[i] = Some(fact),
        }
        state.set(name, fact);
    }
    let mut say = |body| {
        out.push(Event {
            key: None,
            at,
            node: None,
            body,
        });
    };
    if switched || known.iter().any(Option::is_some) {
        say(Body::Session(Box::new(head(place, known))));
    }
    if changed.iter().any(Option::is_some) {
        let [cwd, branch, version, model] = changed.map(|f| f.map(str::to_owned));
        say(Body::Context(Context {
            cwd,
            branch,
            model,
            version,
        }));
    }
}

fn head(place: &Place, known: Facts<'_>) -> SessionHead {
    let [cwd, branch, version, model] = known.map(|f| f.map(str::to_owned));
    SessionHead {
        native_id: place.native.clone(),
        parent: place.parent.as_ref().map(|(id, _)| id.clone()),
        relation: place.parent.as_ref().map(|(_, relation)| *relation),
        cwd,
        model,
        version,
        branch,
        ..SessionHead::default()
    }
}
