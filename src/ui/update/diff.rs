//! The rest of the screen's dealings with the diff pane.

use std::sync::Arc;

use super::super::action::Action;
use super::super::message::{Effect, Note, Paint, Question};
use super::super::model::{Model, ScopeKind, Shown};
use super::super::overlay::ask_line::Purpose;
use super::super::pane::diff::{Done, Job, Out, View};
use super::{act, reply, say};
use crate::query::types::SessionRow;

/// An action for the diff.
pub fn update(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    if let Some(out) = model.diff.update(action) {
        heard(model, out, effects);
    } else if action == Action::EditOld {
        let words = "the whole text before the change is not known here";
        model.note = Some(Note::error(words));
    } else if action == Action::Edit {
        model.note = Some(Note::error("no file here to open"));
    }
}

/// What a text wants.
pub fn heard(model: &mut Model, out: Out, effects: &mut Vec<Effect>) {
    match out {
        Out::Done => {}
        Out::Rebuild => ask_again(model, effects),
        Out::AskSearch => act::ask_line(model, Purpose::Search),
        Out::Copy(what, text) => effects.push(Effect::Copy(what, text)),
        Out::Edit(path, line) => effects.push(Effect::Edit(path, line)),
        Out::EditOld(path, text, line) => effects.push(Effect::EditOld(path, text, line)),
        Out::Viewed(path, viewed) => tick(model, &path, viewed, effects),
    }
}

/// Asks for what is shown once more: it is to be built in another way.
fn ask_again(model: &mut Model, effects: &mut Vec<Effect>) {
    let options = model.diff.options(&model.theme);
    let question = match model.shown {
        Some(Shown::Step(step, view)) => Question::Step(step, Some(view), options),
        Some(Shown::Changes(scope)) => Question::Changes(scope, options),
        None => return,
    };
    effects.push(Effect::Ask(question));
}

/// Words are laid out anew when the pane has another width; asked for once.
pub fn fit(model: &mut Model, effects: &mut Vec<Effect>) {
    // What is awaited will fit.
    let misfit = (model.waiting.is_none() && model.diff.is_misfit()).then_some(model.size);
    let asked = std::mem::replace(&mut model.asked_fit, misfit);
    if misfit.is_some() && asked != misfit {
        ask_again(model, effects);
    }
}

/// `Esc`: true if the diff had something of its own to leave (a range, a search).
pub fn leave(model: &mut Model) -> bool {
    model.diff.update(Action::Leave).is_some()
}

/// The next thing that the selected step can be looked at as.
pub fn next_view(model: &mut Model, effects: &mut Vec<Effect>) {
    let (Some(step), Some(detail)) = (model.timeline.selected_step(), model.detail.clone()) else {
        say(model, "a prompt has one view; s changes the scope");
        return;
    };
    if detail.info.row != step.row {
        return;
    }
    let views = View::of(&detail);
    let now = match model.shown {
        Some(Shown::Step(row, view)) if row == step.row => Some(view),
        _ => None,
    };
    let at = now.and_then(|v| views.iter().position(|w| *w == v));
    let next = at.map_or(0, |at| (at + 1) % views.len());
    let view = views.get(next).copied();
    model.view = view;
    if model.scope == ScopeKind::Step {
        let options = model.diff.options(&model.theme);
        effects.push(Effect::Ask(Question::Step(detail.info.row, view, options)));
    } else {
        // The views are a step's; `link` asks for it when the scope changes.
        model.scope = ScopeKind::Step;
    }
}

/// What an action copies.
pub fn copied(model: &mut Model, action: Action) -> Option<(&'static str, String)> {
    match model.diff.update(action)? {
        Out::Copy(what, text) => Some((what, text)),
        _ => None,
    }
}

/// Ticks a file of the diff as viewed, or takes the tick away.
fn tick(model: &mut Model, path: &str, viewed: bool, effects: &mut Vec<Effect>) {
    let Some(mut summary) = model.summary.clone() else {
        let words = match model.session().is_some_and(SessionRow::is_all) {
            true => "files are ticked in one session; A goes to this one",
            false => "the files of this session are still being read",
        };
        say(model, words);
        reply::tick_viewed(model);
        return;
    };
    let all = &mut Arc::make_mut(&mut summary).files;
    let Some(file) = all.iter_mut().find(|f| f.path == path) else {
        say(model, "not among the files that this session changed");
        reply::tick_viewed(model);
        return;
    };
    file.viewed = viewed;
    let state = file.state.clone();
    let done = all.iter().filter(|f| f.viewed).count();
    let said = format!("{done}/{} viewed", all.len());
    effects.push(Effect::Ask(Question::SetViewed {
        session: summary.session.row,
        path: path.to_owned(),
        state,
        viewed,
    }));
    model.summary = Some(summary);
    reply::tick_viewed(model);
    say(model, said);
}

/// Scrolls by notches of the wheel.
pub fn scroll(model: &mut Model, by: isize, effects: &mut Vec<Effect>) {
    let action = match by > 0 {
        true => Action::ScrollDiffDown,
        false => Action::ScrollDiffUp,
    };
    update(model, action, effects);
}

/// Puts the line cursor where the mouse was clicked.
pub fn click(model: &mut Model, row: u16) {
    if let Some(area) = model.areas.diff {
        model.diff.click(usize::from(row.saturating_sub(area.y)));
    }
}

/// Colours came, for whichever text asked for them.
pub fn painted(model: &mut Model, job: &Job, done: Done) {
    model.painting = false;
    match model.authors.pane.text() {
        Some(text) if job.is_of(text) => text.put(done),
        _ => model.diff.put(done),
    }
}

/// Asks for colours, one job at a time, for the texts that are to be seen.
pub fn paint(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.painting {
        return;
    }
    let file = match model.areas.timeline {
        Some(_) => model.authors.pane.text().and_then(|text| text.job()),
        None => None,
    };
    let diff = || model.areas.diff.and_then(|_| model.diff.job());
    if let Some(job) = file.or_else(diff) {
        model.painting = true;
        effects.push(Effect::Ask(Question::Paint(Paint(Arc::new(job)))));
    }
}
