//! What hooks record: which are installed, whether they are still there, and what they told. For `status`, `doctor` and
//! the first moment of the screen.

use color_eyre::Result;
use serde::Serialize;

use super::context::Context;
use super::{init, when};
use crate::hook::install::{self, Installed, State};
use crate::hook::settle;
use crate::hook::spool::Spool;
use crate::model::Time;
use crate::query::StoreAsk;

/// An installed hook, as data.
#[derive(Serialize)]
pub(super) struct Hook {
    agent: &'static str,
    path: String,
    scope: &'static str,
    since: String,
    /// `whole`, `partly`, `gone`, `no program` or `unreadable`.
    state: &'static str,
    events: u64,
    last: Option<String>,
}

/// What is installed for this folder, looked at now.
pub(super) fn installed(context: &Context<'_>) -> Vec<Installed> {
    let Ok(homes) = init::homes(context) else {
        return Vec::new();
    };
    let project = init::project(context).ok();
    install::installed(&homes, project.as_deref())
}

/// As data, with what was told.
pub(super) fn hooks(context: &Context<'_>, ask: &StoreAsk) -> Result<Vec<Hook>> {
    let told = ask.told()?;
    Ok(installed(context)
        .into_iter()
        .map(|i| {
            let told = told.iter().find(|(agent, ..)| agent == i.host.name());
            Hook {
                agent: i.host.name(),
                path: i.path.to_string_lossy().into_owned(),
                scope: if i.for_user { "user" } else { "project" },
                since: i.since.rfc3339(),
                state: word(i.state),
                events: told.map_or(0, |t| t.1),
                last: told.map(|t| t.3.rfc3339()),
            }
        })
        .collect())
}

fn word(state: State) -> &'static str {
    match state {
        State::Whole => "whole",
        State::Partly => "partly",
        State::Gone => "gone",
        State::NoProgram => "no program",
        State::Unreadable => "unreadable",
    }
}

/// What is wrong with an installation, in one line; `None` if nothing is.
pub(super) fn wrong(i: &Installed) -> Option<String> {
    let (who, path) = (i.host.title(), i.path.display());
    Some(match i.state {
        State::Whole => return None,
        State::Gone => format!(
            "the hooks of {who} have disappeared from {path}: its steps are not recorded exactly any more; `regent-tui init` puts them back"
        ),
        State::Partly => format!(
            "some hooks of {who} are missing in {path}, or were changed; `regent-tui init` puts them back"
        ),
        State::NoProgram => format!(
            "the hooks of {who} in {path} call a program that is gone; `regent-tui init` names this one"
        ),
        State::Unreadable => {
            format!("{path} cannot be read, so whether {who} has its hooks is not known")
        }
    })
}

/// For people, a line each.
pub(super) fn lines(context: &Context<'_>, ask: &StoreAsk) -> Result<Vec<String>> {
    let told = ask.told()?;
    let mut lines = Vec::new();
    for i in installed(context) {
        let events = told.iter().find(|(agent, ..)| agent == i.host.name());
        let last = match events {
            Some((_, n, _, last)) => format!("{n} events, the last {}", when::long(Some(*last))),
            None => "nothing told yet".to_owned(),
        };
        let scope = if i.for_user {
            "every project"
        } else {
            "this project"
        };
        let since = when::long(Some(i.since));
        lines.push(match wrong(&i) {
            None => format!("{}  {scope}, since {since}; {last}", i.host),
            Some(wrong) => format!("! {wrong}"),
        });
    }
    Ok(lines)
}

/// What `doctor` says: whether that is a warning, and the words.
pub(super) fn checked(context: &Context<'_>, ask: &StoreAsk) -> Result<(bool, String)> {
    let mut lines = lines(context, ask)?;
    let mut warn = installed(context).iter().any(|i| i.state != State::Whole);
    if let Some(spool) = Spool::of(&context.folder, &context.env.surroundings) {
        if let Some(trouble) = settle::trouble(&spool) {
            warn = true;
            lines.push(format!("the last snapshot for a hook failed: {trouble}"));
        }
        // What a command could not take in: the store cannot be written.
        let left = spool.drain(usize::MAX)?;
        if !left.events.is_empty() {
            warn = true;
            lines.push(format!("{} events wait to be stored", left.events.len()));
        }
    }
    if lines.is_empty() {
        lines.push(
            "none installed; with `regent-tui init` a snapshot follows each step, whatever runs"
                .to_owned(),
        );
    }
    Ok((warn, lines.join("\n")))
}

/// What the screen says when it opens: what has disappeared first, else since when hooks record.
pub(super) fn at_start(context: &Context<'_>) -> Option<(bool, String)> {
    let all = installed(context);
    if let Some(wrong) = all.iter().find_map(wrong) {
        return Some((true, wrong));
    }
    let since: Time = all.iter().map(|i| i.since).min()?;
    let mut names: Vec<_> = all.iter().map(|i| i.host.title()).collect();
    names.dedup();
    let since = when::short(Some(since), context.env.clock.now());
    Some((
        false,
        format!("hooks of {} record since {since}", names.join(", ")),
    ))
}
