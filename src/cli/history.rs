//! `history`: every step that read or changed a file.

use color_eyre::Result;

use super::args;
use super::context::Context;
use super::out::{Out, Role};
use super::{blame, diff, json, log, when};
use crate::model::{Author, Op};
use crate::query::blame::HistoryEntry;
use crate::query::{Ask, patch};

pub(super) fn run(context: &Context<'_>, options: &args::History, out: &mut Out) -> Result<()> {
    let ask = context.ask(out)?;
    let path = blame::known(context, &ask, &options.path);
    let history = ask.history(&path)?;
    if out.json {
        let all: Vec<_> = history
            .entries
            .iter()
            .map(|e| {
                let change = e.as_change().filter(|_| options.patch);
                json::Touch::new(e, change.map(|c| patch::of_file(&c).text))
            })
            .collect();
        return out.value(&all, false);
    }
    let now = context.env.clock.now();
    for entry in &history.entries {
        line(entry, now, out)?;
        if let Some(change) = entry.as_change().filter(|_| options.patch) {
            diff::coloured(&[change], out)?;
        }
    }
    Ok(())
}

fn line(entry: &HistoryEntry, now: crate::model::Time, out: &mut Out) -> Result<()> {
    let Some(step) = &entry.step else {
        let who = match entry.author {
            Some(Author::You) => "you changed it",
            Some(_) => "seen to change, not known by whom",
            None => "changed by nobody we know",
        };
        let (added, removed) = (entry.added, entry.removed);
        let words = format!("{:9}  {:15}  {who}  +{added}  −{removed}", "", "");
        let words = out.paint(Role::Warn, &words);
        return out.line(&words);
    };
    let id = out.paint(Role::Accent, &step.id[..step.id.len().min(9)]);
    let at = out.paint(Role::Dim, &format!("{:<15}", when::short(step.at, now)));
    let agent = entry.agent.map_or("", |a| a.name());
    let agent = out.paint(Role::Dim, &format!("{agent:<8}"));
    // The step's own figures are of all its files; here are those of this one.
    let mut step = step.clone();
    (step.added, step.removed, step.evidence) = (None, None, entry.evidence);
    let mut tail = String::new();
    if let Some(op) = entry.op {
        (step.added, step.removed) = (Some(entry.added), Some(entry.removed));
        if op != Op::Modify {
            tail = format!("  {}", out.paint(Role::Bold, op.word()));
        }
        if let Some(old) = &entry.old_path {
            tail.push_str(&out.paint(Role::Dim, &format!(" from {old}")));
        }
    }
    let line = log::line(out, &step, out.width.map(|w| w.saturating_sub(38)));
    out.line(&format!("{id}  {at}  {agent}  {line}{tail}"))
}
