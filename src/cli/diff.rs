//! `diff`: what changed, as a patch.

use color_eyre::Result;

use super::args::Diff;
use super::context::Context;
use super::json;
use super::out::{Out, Role};
use crate::query::types::{FileChange, Scope};
use crate::query::{Ask, StoreAsk, Target, patch};

pub(super) fn run(context: &Context<'_>, options: &Diff, out: &mut Out) -> Result<()> {
    let ask = context.ask(out)?;
    let changes = ask.changes(scope(&ask, options)?)?;
    if out.json {
        let all: Vec<json::Change<'_>> = changes.iter().map(Into::into).collect();
        return out.value(&all, false);
    }
    if out.terminal() || out.coloured() {
        coloured(&changes, out)?;
    } else {
        let patch = patch::of_files(&changes);
        out.raw(patch.text.as_bytes())?;
        for note in &patch.notes {
            out.note(note)?;
        }
    }
    if changes.is_empty() {
        out.note("no file changed")?;
    }
    Ok(())
}

fn scope(ask: &StoreAsk, options: &Diff) -> Result<Scope> {
    if let Some(to) = &options.step2 {
        let (_, from) = ask.resolve_step(&options.step)?;
        let (_, to) = ask.resolve_step(to)?;
        return Ok(Scope::Between(from, to));
    }
    Ok(match ask.resolve_target(&options.step)? {
        Target::Step(_, step) => Scope::Step(step),
        Target::Prompt(session, no) => Scope::Prompt(session, no),
    })
}

/// A patch for people: every line in its colour and made harmless. What a patch must leave out is here too.
pub(super) fn coloured(changes: &[FileChange], out: &mut Out) -> Result<()> {
    for change in changes {
        let patch = patch::of_file(change);
        for line in patch.text.lines() {
            let role = match line.as_bytes() {
                [b'+', b'+', b'+', b' ', ..] | [b'-', b'-', b'-', b' ', ..] => Role::Bold,
                [b'+', ..] => Role::Good,
                [b'-', ..] => Role::Bad,
                [b'@', ..] => Role::Accent,
                [b' ', ..] => Role::Text,
                [b'\\', ..] => Role::Dim,
                _ => Role::Bold,
            };
            let line = out.paint(role, line);
            out.line(&line)?;
        }
        for note in patch.notes.iter().map(String::as_str) {
            out.note(note)?;
        }
        if let Some(note) = &change.note {
            out.note(&format!("{}: {note}", change.path))?;
        }
    }
    Ok(())
}
