//! Rewinds: which plan is asked for, what the plan's keys do, what the door said. Nothing is written from here: the
//! only request that changes the work folder comes out of the armed plan.

use std::ops::Range;
use std::sync::Arc;

use super::super::action::Action;
use super::super::door::{Back, Order, Request, Told};
use super::super::key::KeyPress;
use super::super::keymap::Lookup;
use super::super::layout::Pane;
use super::super::message::{Effect, Note, Question};
use super::super::model::Model;
use super::super::overlay::Overlay;
use super::super::overlay::rewind::{State, Want};
use super::super::pane::timeline;
use super::{reply, say};
use crate::query::Target;
use crate::rewind::Report;
use crate::text;
use crate::ui::phrase;

/// `R`, `u`, `U`; false if the action is none of them.
pub fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    let order = match action {
        Action::Rewind => match order_here(model) {
            Some(order) => order,
            None => {
                say(
                    model,
                    "put the cursor on a step or a prompt to rewind to it",
                );
                return true;
            }
        },
        Action::Undo => Order::Undo,
        Action::Redo => Order::Redo,
        _ => return false,
    };
    if !model.tree.reachable {
        say(model, "there is no work folder here to rewind");
    } else if let Some(words) = model.tree.interrupted.clone() {
        // Nothing new on a tree that is half done.
        push(model, State::interrupted(words));
    } else {
        let agent = model.timeline.timeline();
        let agent = match order {
            Order::Back(_) => agent.map(|t| t.session.agent.name().to_owned()),
            _ => None,
        };
        push(model, State::new(order, agent.unwrap_or_default()));
        ask(model, effects);
    }
    true
}

fn push(model: &mut Model, state: State) {
    model.overlays.push(Overlay::Rewind(Box::new(state)));
}

fn top(model: &mut Model) -> Option<&mut State> {
    match model.overlays.last_mut() {
        Some(Overlay::Rewind(state)) => Some(state),
        _ => None,
    }
}

/// The plan, wherever in the pile it lies.
fn state(model: &mut Model) -> Option<&mut State> {
    model.overlays.iter_mut().rev().find_map(|o| match o {
        Overlay::Rewind(state) => Some(state.as_mut()),
        _ => None,
    })
}

/// Asks for the plan that the overlay is about.
fn ask(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(order) = top(model).map(|s| s.order().clone()) else {
        return;
    };
    let head = head(model, &order);
    model.tree.serial += 1;
    let serial = model.tree.serial;
    if let Some(state) = top(model) {
        state.ask(serial, head);
    }
    let request = Request::Plan(serial, order);
    effects.push(Effect::Ask(Question::Tree(request)));
}

/// A step is kept and what came after it undone; a prompt is undone with what came after it; in the diff only the file
/// under the cursor.
fn order_here(model: &Model) -> Option<Order> {
    let session = model.session()?;
    let prompt = model.timeline.selected_prompt()?;
    let (target, before) = match model.timeline.selected_step() {
        Some(step) => (Target::Step(session, step.row), false),
        None => (Target::Prompt(session, prompt.no), true),
    };
    let place = model.diff.line_under_cursor();
    let paths = match model.focus {
        Pane::Diff => place.and_then(|p| p.path).into_iter().collect(),
        _ => Vec::new(),
    };
    Some(Order::Back(Box::new(Back {
        target,
        named: name(model, target),
        before,
        only: false,
        paths: paths.into_iter().map(String::into_bytes).collect(),
        take: Vec::new(),
        merge: Vec::new(),
    })))
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
        Target::Prompt(_, no) => {
            let prompt = model.timeline.prompts().iter().find(|p| p.no == no);
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

/// What a plan keeps and undoes, in a few words.
fn head(model: &Model, order: &Order) -> String {
    let back = match order {
        Order::Undo => return "Undo the last rewind".to_owned(),
        Order::Redo => return "Redo what was undone last".to_owned(),
        Order::Back(back) => back,
    };
    let of = match back.paths.first() {
        Some(path) => format!(" of {}", text::bytes(path)),
        None => String::new(),
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

/// A key while a plan is on top; false if it is for others.
pub fn key(model: &mut Model, key: KeyPress, effects: &mut Vec<Effect>) -> bool {
    if !model.keys.0.is_empty() {
        return false;
    }
    let own = model.keymap.look_up_in_plan(key);
    let action = own.or(match model.keymap.look_up(&[key]) {
        Lookup::Action(action) => Some(action),
        _ => None,
    });
    if action == Some(Action::Redraw) {
        return false;
    }
    let now = model.moment.now;
    let Some(state) = top(model) else {
        return false;
    };
    let want = state.key(action, now);
    heard(model, want, effects)
}

/// Text was pasted over a plan.
pub fn paste(model: &mut Model) {
    if let Some(want) = top(model).map(State::paste)
        && let Want::Say(words) = want
    {
        say(model, words);
    }
}

/// The wheel turned over a plan.
pub fn wheel(model: &mut Model, by: isize, effects: &mut Vec<Effect>) {
    if let Some(want) = top(model).map(|s| s.wheel(by)) {
        heard(model, want, effects);
    }
}

/// An action while a plan is on top; false if it is for others.
pub fn action(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    let Some(state) = top(model) else {
        return false;
    };
    if state.is_working() {
        return action != Action::Redraw;
    }
    if state.is_over() && matches!(action, Action::Undo | Action::Redo) {
        model.overlays.pop();
        return act(model, action, effects);
    }
    let want = state.update(action);
    heard(model, want, effects)
}

fn heard(model: &mut Model, want: Want, effects: &mut Vec<Effect>) -> bool {
    match want {
        Want::Nothing => {}
        Want::Ignored => return false,
        Want::Plan => ask(model, effects),
        Want::Ask(request) => effects.push(Effect::Ask(Question::Tree(request))),
        Want::Copy(what, text) => effects.push(Effect::Copy(what, text)),
        Want::Say(words) => say(model, words),
        Want::Close => {
            model.overlays.pop();
        }
    }
    true
}

/// The door answered.
pub fn told(
    model: &mut Model,
    request: Request,
    answer: Result<Told, Arc<str>>,
    effects: &mut Vec<Effect>,
) {
    let failed = answer.as_ref().err().map(ToString::to_string);
    match (request, answer) {
        (Request::Plan(serial, _), Ok(Told::Plan(plan))) => {
            if let Some(state) = state(model) {
                state.take_plan(serial, Ok(*plan));
            }
        }
        (Request::Plan(serial, _), _) => {
            if let Some(state) = state(model) {
                state.take_plan(serial, Err(failed.unwrap_or_default()));
            }
        }
        (Request::Change(plan, file, _), Ok(Told::Change(content))) => {
            if let Some(state) = state(model) {
                state.take_diff(&(plan, file), content);
            }
        }
        (Request::Change(..), _) => {
            let words = format!(
                "This diff could not be read: {}",
                failed.unwrap_or_default()
            );
            model.note = Some(Note::error(words));
        }
        (Request::Apply(plan), Ok(Told::Report(report))) => {
            model.tree.rewound = rewound(plan.0.kind.word(), &report);
            finish(model, Ok(*report));
            after(model, effects);
        }
        (Request::Apply(_), _) => {
            finish(model, Err(failed.unwrap_or_default()));
            after(model, effects);
        }
        (Request::Interrupted, Ok(Told::Interrupted(words))) => model.tree.interrupted = words,
        (Request::Interrupted, _) => {
            let why = failed.unwrap_or_default();
            let words = format!("It is not known whether a rewind was interrupted: {why}");
            model.note = Some(Note::error(words));
        }
        (Request::Recover, answer) => {
            let done = match answer {
                Ok(Told::Recovered(back)) => Ok(back),
                _ => Err(failed.unwrap_or_default()),
            };
            if let Some(state) = state(model) {
                state.recovered(done);
            }
            after(model, effects);
        }
    }
}

/// How far it is.
pub fn progress(model: &mut Model, done: usize, of: usize, what: &'static str) {
    if let Some(state) = state(model) {
        state.progress(done, of, what);
    }
}

/// The report is shown even if the plan it belongs to is not on the screen any more.
fn finish(model: &mut Model, done: Result<Report, String>) {
    if state(model).is_none() {
        push(model, State::new(Order::Undo, String::new()));
    }
    if let Some(state) = state(model) {
        state.finish(done);
    }
}

/// The work folder is another: what is on the screen is asked for anew.
fn after(model: &mut Model, effects: &mut Vec<Effect>) {
    model.refresh = true;
    reply::changed(model, effects);
    effects.push(Effect::Ask(Question::Tree(Request::Interrupted)));
}

/// What the status line keeps.
fn rewound(word: &str, report: &Report) -> Option<String> {
    let files = report.files.iter().filter(|f| f.applied).count() as u64;
    let files = phrase::count(files, "files");
    Some(match word {
        "rewind" => format!("rewound {files}"),
        "revert" => format!("reverted {files}"),
        "undo" => format!("undid a rewind of {files}"),
        _ => format!("redid a rewind of {files}"),
    })
    .filter(|_| report.op.is_some() || report.files.iter().any(|f| f.applied))
}

/// How many rows of the timeline a plan lies over.
pub fn covered(model: &Model, timeline: ratatui::layout::Rect) -> u16 {
    let body = model.body();
    let over = model.overlays.iter().find_map(|o| match o {
        Overlay::Rewind(state) => Some(state.area(body)),
        _ => None,
    });
    match over {
        // One row more is the cut line.
        Some(over) if over.y > timeline.y + 3 => {
            (timeline.bottom().saturating_sub(over.y) + 1).min(timeline.height - 1)
        }
        _ => 0,
    }
}
