//! Which plan the cursor asks for, and what it is called: the words of its title, the steps that it undoes.

use std::ops::Range;

use super::super::door::{Back, Order};
use super::super::layout::Pane;
use super::super::model::{Model, Shown};
use super::super::pane::diff::{Picked, View};
use super::super::pane::timeline;
use crate::query::Target;
use crate::query::past::Reach;
use crate::query::types::{Scope, SessionRow};
use crate::rewind::{Lines, Part};
use crate::text;
use crate::ui::phrase;

/// A step is kept and what came after it undone; a prompt is undone with what came after it; a rewind is undone itself.
/// In the diff only what it shows under the cursor or in the range is undone.
///
/// # Errors
/// In words, if there is nothing to rewind here.
pub fn order_here(model: &Model) -> Result<Order, &'static str> {
    if let Some(rewind) = model.timeline.selected_rewind() {
        return Ok(Order::One(rewind.op, rewind.title.clone()));
    }
    let nothing = "put the cursor on a step or a prompt to rewind to it";
    let prompt = model.timeline.selected_prompt().ok_or(nothing)?;
    let session = model.session_here().ok_or(nothing)?;
    if model.focus == Pane::Diff
        && let Some(back) = in_diff(model, session)?
    {
        return Ok(Order::Back(Box::new(back)));
    }
    let (target, before) = match model.timeline.selected_step() {
        Some(step) => (Target::Step(session, step.row), false),
        None => (Target::Prompt(session, prompt.no), true),
    };
    Ok(Order::Back(Box::new(whole(model, target, before, false))))
}

/// The step or prompt under the cursor.
pub fn target_here(model: &Model) -> Option<Target> {
    let session = model.session_here()?;
    match model.timeline.selected_step() {
        Some(step) => Some(Target::Step(session, step.row)),
        None => Some(Target::Prompt(
            session,
            model.timeline.selected_prompt()?.no,
        )),
    }
}

fn whole(model: &Model, target: Target, before: bool, only: bool) -> Back {
    Back {
        target,
        named: name(model, target),
        before,
        only,
        reach: Reach::Session,
        paths: Vec::new(),
        parts: Vec::new(),
        take: Vec::new(),
        merge: Vec::new(),
        without: Vec::new(),
    }
}

/// What the diff shows under the cursor, undone and nothing else. `None` where it shows no file.
fn in_diff(model: &Model, session: SessionRow) -> Result<Option<Back>, &'static str> {
    let mut back = match model.shown {
        Some(Shown::Step(row, View::Change)) | Some(Shown::Changes(Scope::Step(row))) => {
            whole(model, Target::Step(session, row), false, true)
        }
        Some(Shown::Changes(Scope::Prompt(of, no))) => {
            whole(model, Target::Prompt(of, no), false, true)
        }
        Some(Shown::Changes(Scope::Session(of))) => {
            let mut prompts = model.timeline.prompts().iter();
            let first = prompts.find(|p| p.session == of).map_or(1, |p| p.no);
            whole(model, Target::Prompt(of, first), true, false)
        }
        Some(Shown::Changes(Scope::Now(row))) => {
            whole(model, Target::Step(session, row), false, false)
        }
        Some(Shown::Changes(Scope::Between(..))) => {
            return Err(
                "since the mark is no one thing to undo: s shows a step, a prompt, the session",
            );
        }
        // While the cursor has left the rewind and the pane not yet.
        Some(Shown::Changes(Scope::Rewind(_))) => return Ok(None),
        // Another view of a step: of what it shows only the file is of use.
        Some(Shown::Step(row, _)) => {
            let mut back = whole(model, Target::Step(session, row), false, false);
            let place = model.diff.line_under_cursor().and_then(|p| p.path);
            back.paths.extend(place.map(String::into_bytes));
            return Ok(Some(back));
        }
        None => return Ok(None),
    };
    let picked = model.diff.picked();
    if picked.is_empty() {
        return match model.diff.has_range() {
            true => Err("nothing was changed in these lines"),
            false => Ok(None),
        };
    }
    let now = matches!(model.shown, Some(Shown::Changes(Scope::Now(_))));
    for picked in picked {
        match part(&picked, now) {
            Some(part) => back.parts.push(part),
            None => back.paths.push(picked.path.into_bytes()),
        }
    }
    Ok(Some(back))
}

/// Lines of a file; `None` for all of it. `now`: what the change left is the file as it is now.
fn part(picked: &Picked, now: bool) -> Option<Part> {
    let shown = picked.lines.as_ref()?;
    let rel = picked.path.clone().into_bytes();
    let lines = match (now, shown.left) {
        (true, _) => {
            let named = shown.new.iter().chain(&shown.around);
            Lines::Now(named.map(|line| (*line, *line)).collect())
        }
        (false, Some(left)) => Lines::Change {
            old: shown.old.clone(),
            new: shown.new.clone(),
            left,
        },
        (false, None) => return None,
    };
    Some(Part { rel, lines })
}

/// The name of a target for people: `3.7 edit src/main.rs`, or the prompt's first words.
fn name(model: &Model, target: Target) -> String {
    const LONGEST: usize = 48;
    let words = match target {
        Target::Step(_, row) => {
            let index = model.timeline.steps().iter().position(|s| s.row == row);
            let number = index.and_then(|i| number(model, i as u32));
            let title = model.timeline.rows().get(row).map(|i| {
                let verb = timeline::verb_of(i.kind);
                format!(" {verb} {}", text::one_line(&i.title))
            });
            format!(
                "{}{}",
                number.unwrap_or_default(),
                title.unwrap_or_default()
            )
        }
        Target::Prompt(session, no) => {
            let index = model.timeline.index_of_prompt(session, no);
            let prompt = index.and_then(|i| model.timeline.prompts().get(i));
            prompt.map_or_else(String::new, |p| text::one_line(&p.head))
        }
    };
    text::end(&words, LONGEST).into_owned()
}

/// `3.7`: the prompt, and which of its steps.
fn number(model: &Model, step: u32) -> Option<String> {
    let prompt = model.timeline.prompt_of(step)?;
    let prompt = model.timeline.prompts().get(prompt as usize)?;
    // As `SESSION/3.7` counts: steps of sub-agents belong to the step that started them.
    let steps = model.timeline.steps();
    let here = steps.get(prompt.steps.start as usize..=step as usize)?;
    let at = here.iter().filter(|s| s.depth == 0).count();
    Some(format!("{}.{at}", prompt.no))
}

/// Which steps of the timeline a rewind undoes, as far as the timeline shows it.
pub fn undone(model: &Model, back: &Back) -> Option<Range<u32>> {
    let all = model.timeline.steps().len() as u32;
    let own = match back.target {
        Target::Step(session, row) if model.session() == Some(session) => {
            let at = model.timeline.steps().iter().position(|s| s.row == row)? as u32;
            at..at + 1
        }
        Target::Prompt(session, no) if model.session() == Some(session) => {
            let prompt = model.timeline.prompts().iter().find(|p| p.no == no)?;
            prompt.steps.clone()
        }
        _ => return None,
    };
    Some(match (back.only, back.before) {
        (true, _) => own,
        (_, true) => own.start..all,
        (_, false) => own.end..all,
    })
}

/// What a plan keeps and undoes, in a few words; among all sessions also in which of them.
pub(super) fn head(model: &Model, order: &Order) -> String {
    const LONGEST: usize = 32;
    let mut words = kept_and_undone(model, order);
    let Order::Back(back) = order else {
        return words;
    };
    let (Target::Step(session, _) | Target::Prompt(session, _)) = back.target;
    let among_all = model.session().is_some_and(SessionRow::is_all);
    let list = model.sessions.iter().flat_map(|l| &l.sessions);
    if let Some(info) = list.filter(|_| among_all).find(|s| s.row == session) {
        let title = text::one_line(&info.title);
        let title = text::end(&title, LONGEST);
        words.push_str(&format!(" · {}: {title}", info.agent.name()));
    }
    words
}

fn kept_and_undone(model: &Model, order: &Order) -> String {
    let back = match order {
        Order::Undo => return "Undo the last rewind".to_owned(),
        Order::Redo => return "Redo what was undone last".to_owned(),
        Order::One(_, title) => return format!("Undo: {title}"),
        Order::Back(back) => back,
    };
    let of = match (back.parts.first(), back.paths.first()) {
        (Some(part), _) => format!(" of lines in {}", text::bytes(&part.rel)),
        (None, Some(path)) => format!(" of {}", text::bytes(path)),
        (None, None) => String::new(),
    };
    let Some(range) = undone(model, back) else {
        return format!("Rewind{of} to {}", back.named);
    };
    let steps = phrase::count(range.len() as u64, "steps");
    if back.only {
        let what = match back.target {
            Target::Prompt(_, no) => format!("prompt {no}"),
            Target::Step(..) => format!("step {}", back.named),
        };
        return format!("Revert{of}: undoes only {what} ({steps}), keeps what came after");
    }
    let prompts = model.timeline.prompts();
    let Some(first) = model.timeline.prompt_of(range.start) else {
        return format!("Rewind{of}: nothing came after {}", back.named);
    };
    let (Some(begun), Some(last)) = (prompts.get(first as usize), prompts.last()) else {
        return format!("Rewind{of}");
    };
    let touched = phrase::count((prompts.len() - first as usize) as u64, "prompts");
    let from_start = begun.steps.start == range.start;
    let keeps = match (range.start, from_start, first) {
        (0, _, _) => "nothing of it".to_owned(),
        (_, true, f) => span(prompts, 0, f as usize - 1),
        (at, false, _) => format!("all up to {}", number(model, at - 1).unwrap_or_default()),
    };
    let undoes = match (from_start, begun.no == last.no) {
        (true, _) => span(prompts, first as usize, prompts.len() - 1),
        (false, _) => {
            let from = number(model, range.start).unwrap_or_default();
            let to = number(model, range.end - 1).unwrap_or_default();
            match from == to {
                true => from,
                false => format!("{from} to {to}"),
            }
        }
    };
    format!("Rewind{of}: keeps {keeps}, undoes {undoes} ({touched}, {steps})")
}

fn span(prompts: &[crate::query::types::PromptHead], from: usize, to: usize) -> String {
    match (prompts.get(from), prompts.get(to)) {
        (Some(a), Some(b)) if a.no != b.no => format!("{}-{}", a.no, b.no),
        (Some(a), _) => a.no.to_string(),
        _ => String::new(),
    }
}
