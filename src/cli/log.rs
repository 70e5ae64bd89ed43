//! `log`: steps, newest first.

use std::collections::HashMap;

use color_eyre::Result;

use super::args::Log;
use super::context::Context;
use super::out::{Out, Role};
use super::sessions::pad;
use super::{json, when};
use crate::model::{Evidence, Status, StepKind, TestOutcome, Time};
use crate::query::types::StepInfo;
use crate::query::{Ask, LogQuery, Rewound, StoreAsk};
use crate::text;

/// For people, unless they say otherwise.
const MOST: usize = 100;
/// Rows are read and written in portions, so that a long log starts at once and takes no memory.
const PORTION: usize = 200;

pub(super) fn run(context: &Context<'_>, options: &Log, out: &mut Out) -> Result<()> {
    let ask = context.ask(out)?;
    let most = options.number.or((!out.json).then_some(MOST));
    let query = LogQuery {
        session: options
            .session
            .as_deref()
            .map(|s| ask.resolve_session(s))
            .transpose()?,
        path: options.path.clone(),
        kinds: options.kind.clone(),
        failed: options.failed,
        // One more, to know whether there are more.
        most: most.map(|n| n.saturating_add(1)),
    };
    let mut steps = ask.log(&query)?;
    let mut more = most.is_some_and(|n| steps.len() > n);
    let now = context.env.clock.now();
    let agents = match options.all_sessions {
        true => ask.agents()?.into_iter().collect(),
        false => HashMap::new(),
    };
    let widest = agents.values().map(|a| a.name().len()).max().unwrap_or(0);
    let mut rewinds = rewinds(&ask, &query, options)?.into_iter().peekable();
    let mut room = most.unwrap_or(usize::MAX);
    more |= steps.len() + rewinds.len() > room;
    steps.truncate(room);
    'all: for portion in steps.chunks(PORTION) {
        for step in ask.rows(portion)? {
            while let Some(rewind) =
                rewinds.next_if(|r| room > 0 && step.at.is_some_and(|at| r.at >= at))
            {
                event(&rewind, now, out)?;
                room -= 1;
            }
            if room == 0 {
                break 'all;
            }
            room -= 1;
            if out.json {
                out.value(&json::Step::from(&step), true)?;
            } else {
                let at = pad(&when::short(step.at, now), 15);
                let at = out.paint(Role::Dim, &at);
                let id = out.paint(Role::Accent, &step.id[..step.id.len().min(9)]);
                let agent = match widest {
                    0 => String::new(),
                    wide => {
                        let name = agents.get(&step.session_id).map_or("", |a| a.name());
                        out.paint(Role::Accent, &pad(name, wide + 2))
                    }
                };
                let taken = 9 + 2 + 15 + 2 + if widest > 0 { widest + 2 } else { 0 };
                let room = out.width.map(|w| w.saturating_sub(taken));
                let line = self::line(out, &step, room);
                out.line(&format!("{id}  {at}  {agent}{line}"))?;
            }
        }
    }
    for rewind in rewinds.take(room) {
        event(&rewind, now, out)?;
    }
    if !out.json {
        if steps.is_empty() {
            out.note("no step matches")?;
        } else if more && options.number.is_none() {
            out.note(&format!("the newest {MOST}; -n N prints more"))?;
        }
    }
    Ok(())
}

/// The rewinds that stand among the steps asked for: none where only some kinds of steps are wanted.
fn rewinds(ask: &StoreAsk, query: &LogQuery, options: &Log) -> Result<Vec<Rewound>> {
    if options.failed || !options.kind.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = ask.rewinds(query.session)?;
    if let Some(part) = &options.path {
        all.retain(|r| r.paths.iter().any(|p| p.contains(part.as_str())));
    }
    Ok(all)
}

/// A rewind on one line.
fn event(rewind: &Rewound, now: Time, out: &mut Out) -> Result<()> {
    if out.json {
        return out.value(&json::Event::from(rewind), true);
    }
    let at = pad(&when::short(Some(rewind.at), now), 15);
    let at = out.paint(Role::Dim, &at);
    let id = out.paint(Role::Accent, &rewind.id[..rewind.id.len().min(9)]);
    let files = match rewind.paths.len() {
        1 => "1 file".to_owned(),
        n => format!("{n} files"),
    };
    let mut line = format!(
        "{}  {}  {}",
        out.paint(Role::Warn, &pad(rewind.kind, 8)),
        out.paint(Role::Text, &text::line(&rewind.title)),
        out.paint(Role::Dim, &files)
    );
    if rewind.taken_back {
        line.push_str(&out.paint(Role::Dim, "  taken back since"));
    }
    out.line(&format!("{id}  {at}  {line}"))
}

/// A step on one line: kind, target, outcome.
pub(super) fn line(out: &Out, step: &StepInfo, room: Option<usize>) -> String {
    let kind = pad(step.kind.word(), 8);
    let outcome = outcome(step);
    let tail: usize = outcome.iter().map(|(_, t)| text::width(t) + 2).sum();
    let title = if step.title.is_empty() {
        step.tool.as_deref().unwrap_or_default()
    } else {
        &step.title
    };
    let title = text::line(title);
    let title = match room {
        // Of a path the end says more, of all else the beginning.
        Some(room) => {
            let room = room.saturating_sub(8 + 2 + tail).max(12);
            match step.kind {
                StepKind::Read
                | StepKind::Edit
                | StepKind::Write
                | StepKind::Delete
                | StepKind::Move => text::start(&title, room).into_owned(),
                _ => text::end(&title, room).into_owned(),
            }
        }
        None => title.into_owned(),
    };
    let role = match step.status {
        Status::Failed => Role::Bad,
        Status::Denied | Status::Interrupted => Role::Warn,
        _ if step.added.is_some() => Role::Bold,
        _ => Role::Text,
    };
    let mut line = format!(
        "{}  {}",
        out.paint(Role::Dim, &kind),
        out.paint(role, &title)
    );
    for (role, text) in outcome {
        line.push_str("  ");
        line.push_str(&out.paint(role, &text));
    }
    line
}

fn outcome(step: &StepInfo) -> Vec<(Role, String)> {
    let mut out = Vec::new();
    if let (Some(added), Some(removed)) = (step.added, step.removed) {
        out.push((Role::Good, format!("+{added}")));
        out.push((Role::Bad, format!("−{removed}")));
    }
    match (step.status, step.test) {
        (_, Some(TestOutcome::Passed)) => out.push((Role::Good, "✓ tests".to_owned())),
        (_, Some(TestOutcome::Failed)) => out.push((Role::Bad, "✗ tests".to_owned())),
        (Status::Ok, None) => {}
        (Status::Failed, None) => out.push((Role::Bad, "✗".to_owned())),
        (other, None) => out.push((Role::Warn, other.to_string())),
    }
    if let Some(code) = step.exit_code.filter(|c| *c != 0) {
        out.push((Role::Bad, format!("exit {code}")));
    }
    if let Some(ms) = step
        .duration_ms
        .filter(|ms| *ms >= 1000 && step.kind == StepKind::Command)
    {
        out.push((Role::Dim, when::duration(ms)));
    }
    // Evidence only where it is not exact.
    if step.evidence == Some(Evidence::PatchOnly) {
        out.push((Role::Warn, "? patch only".to_owned()));
    }
    if step.off_path {
        out.push((Role::Dim, "off path".to_owned()));
    }
    out
}
