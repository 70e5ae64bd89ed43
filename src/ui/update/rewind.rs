//! Rewinds: which plan is asked for, what the plan's keys do, what the door said. Nothing is written from here: the
//! only request that changes the work folder comes out of the armed plan.

use std::sync::Arc;

use super::super::action::Action;
use super::super::door::{Order, Request, Told};
use super::super::key::KeyPress;
use super::super::keymap::Lookup;
use super::super::message::{Effect, Note, Question};
use super::super::model::Model;
use super::super::overlay::Overlay;
use super::super::overlay::rewind::{State, Want};
use super::{plan, reply, say};
use crate::rewind::{Kind, Report};
use crate::ui::phrase;

/// `R`, `u`, `U`; false if the action is none of them.
pub fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    let order = match action {
        Action::Rewind => match plan::order_here(model) {
            Ok(order) => order,
            Err(why) => {
                say(model, why);
                return true;
            }
        },
        Action::Fork => {
            fork(model, effects);
            return true;
        }
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

/// Asks for a new session of the agent that continues from here.
fn fork(model: &mut Model, effects: &mut Vec<Effect>) {
    match plan::target_here(model) {
        _ if !model.tree.reachable => say(model, "there is no work folder here"),
        Some(target) => effects.push(Effect::Ask(Question::Tree(Request::Fork(target)))),
        None => say(
            model,
            "put the cursor on the step or prompt to continue from",
        ),
    }
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
    let head = plan::head(model, &order);
    model.tree.serial += 1;
    let serial = model.tree.serial;
    if let Some(state) = top(model) {
        state.ask(serial, head);
    }
    let request = Request::Plan(serial, order);
    effects.push(Effect::Ask(Question::Tree(request)));
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
    let wrote = model.timeline.timeline().and_then(|t| t.session.ended_at);
    let Some(state) = top(model) else {
        return false;
    };
    // Of the session on the screen alone it is known; an undo is about files that no session has written since.
    state.hear(wrote.filter(|_| state.back().is_some()));
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
        (Request::Apply(plan, _), Ok(Told::Report(report))) => {
            model.tree.rewound = rewound(plan.0.kind, &report);
            finish(model, Ok(*report));
            after(model, effects);
        }
        (Request::Apply(..), _) => {
            finish(model, Err(failed.unwrap_or_default()));
            after(model, effects);
        }
        (Request::Fork(_), Ok(Told::Forked(made))) => {
            for words in made.words {
                model.said.push(Note::info(words));
            }
            model.said.push(Note::info(made.command.clone()));
            say(
                model,
                "a new session was written; g e shows the command that resumes it",
            );
            effects.push(Effect::Copy(
                "command that resumes the new session",
                made.command,
            ));
        }
        (Request::Fork(_), _) => {
            let why = failed.unwrap_or_default();
            model.note = Some(Note::error(format!("No new session: {why}")));
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

/// What the status line keeps: what was done, and what takes it back.
fn rewound(kind: Kind, report: &Report) -> Option<(String, Action)> {
    let files = report.files.iter().filter(|f| f.applied).count() as u64;
    let files = phrase::count(files, "files");
    Some(match kind {
        Kind::Rewind => (format!("rewound {files}"), Action::Undo),
        Kind::Revert => (format!("reverted {files}"), Action::Undo),
        Kind::Undo => (format!("undid a rewind of {files}"), Action::Redo),
        Kind::Redo => (format!("redid a rewind of {files}"), Action::Undo),
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
