//! What happens when something happened: a pure function from the model and a message to the model and its effects. No
//! input, no output, no clock. This is the only place where a move in one pane becomes work for the others.

mod act;
mod authors;
mod copy;
mod diff;
mod keys;
pub mod live;
mod mouse;
mod open;
mod plan;
mod reply;
mod rewind;

pub use act::hint;
pub use plan::undone;

use super::door::Request;
use super::layout::{Pane, Shape};
use super::message::{Effect, Message, Note, Question};
use super::model::{Model, Subject};
use super::overlay::Overlay;
use super::{memory, pane::timeline::Selected};
use crate::query::types::Scope;

/// What is asked before anything happened.
pub fn start(model: &mut Model) -> Vec<Effect> {
    // The answers come in this order, so that where it was left is known when the sessions are.
    let mut effects = vec![
        Effect::Ask(Question::Memo(memory::LEFT.to_owned())),
        Effect::Ask(Question::Memo(memory::FLAG.to_owned())),
        Effect::Ask(Question::Sessions),
    ];
    if model.tree.reachable {
        effects.push(Effect::Ask(Question::Tree(Request::Interrupted)));
    }
    authors::start(model, &mut effects);
    settle(model, &mut effects);
    effects
}

/// Takes a message in.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let mut effects = Vec::new();
    match message {
        Message::Key(key) => keys::key(model, key, &mut effects),
        Message::Paste(text) => keys::paste(model, &text, &mut effects),
        Message::Mouse(event) => mouse::mouse(model, event, &mut effects),
        Message::Resize(width, height) => model.size = (width, height),
        Message::Wake => {}
        Message::Loaded(reply) => reply::loaded(model, *reply, &mut effects),
        Message::Ingested(ingest) => model.ingest = Some(ingest),
        Message::Recording(recording) => model.recording = Some(recording),
        Message::Changed => reply::changed(model, &mut effects),
        Message::Said(note) => {
            model.said.push(note.clone());
            model.note = Some(note);
        }
        Message::Applying { done, of, what } => rewind::progress(model, done, of, what),
        Message::Suspend => effects.push(Effect::Suspend),
        Message::Continued => effects.push(Effect::Redraw),
        Message::Terminate => model.quit = true,
    }
    keep_note(model);
    live::title(model, &mut effects);
    if model.quit {
        remember(model, &mut effects);
    }
    settle(model, &mut effects);
    effects
}

/// Notes kept to be read whole.
const KEPT: usize = 50;

/// What went wrong is kept when the next key takes it from the status line.
fn keep_note(model: &mut Model) {
    if let Some(note) = model.note.as_ref().filter(|n| n.error)
        && model.said.last() != Some(note)
    {
        model.said.push(note.clone());
    }
    let old = model.said.len().saturating_sub(KEPT);
    model.said.drain(..old);
}

/// Brings everything that follows from something else up to date: areas, heights, what the panes are about.
fn settle(model: &mut Model, effects: &mut Vec<Effect>) {
    let (width, height) = model.size;
    model.shape = Shape::of(width, height, Some(model.shape));
    // The prompt's rows depend on its width, and the areas on its rows; its width depends on neither.
    let before = model.compute_areas();
    if let Some(area) = before.prompt {
        model
            .prompt
            .lay_out(area.width, &model.theme, &model.moment);
    }
    model.areas = model.compute_areas();
    if let Some(area) = model.areas.timeline {
        model.authors.pane.resize(area.width, area.height);
        let covered = rewind::covered(model, area);
        model
            .timeline
            .set_height(usize::from(area.height - covered));
    }
    if let Some(area) = model.areas.prompt {
        model.prompt.set_height(usize::from(area.height));
    }
    if let Some(area) = model.areas.diff {
        model.diff.resize(area.width, area.height);
    }
    link(model, effects);
    ask_for_rows(model, effects);
    fit_overlays(model, effects);
    ask_standing(model, effects);
    diff::fit(model, effects);
    diff::paint(model, effects);
    let wanted = model.prompt.wanted();
    if wanted.is_some() && wanted != model.asked_words {
        let theme = model.theme;
        let ask = |(words, room)| Effect::Ask(Question::Words(words, room, theme));
        effects.extend(wanted.clone().map(ask));
    }
    model.asked_words = wanted;
}

/// What is left of the session whose summary is on the screen. Given up when it is left: counting may take long.
fn ask_standing(model: &mut Model, effects: &mut Vec<Effect>) {
    let summary = model.overlays.iter().rev().find_map(|o| match o {
        Overlay::Summary(summary) => summary.wanted_standing(),
        _ => None,
    });
    let reading = model.ingest.is_some_and(|i| i.read < i.total);
    let wanted = summary.filter(|_| !reading);
    if wanted == model.asked_standing {
        return;
    }
    let asked = std::mem::replace(&mut model.asked_standing, wanted);
    effects.extend(asked.map(|s| Effect::GiveUp(Question::Standing(s))));
    effects.extend(wanted.map(|s| Effect::Ask(Question::Standing(s))));
}

fn ask_for_rows(model: &mut Model, effects: &mut Vec<Effect>) {
    let wanted = model.timeline.wanted();
    if !wanted.is_empty() && model.asked_rows != wanted {
        model.asked_rows.clone_from(&wanted);
        effects.push(Effect::Ask(Question::Rows(wanted)));
    }
}

fn fit_overlays(model: &mut Model, effects: &mut Vec<Effect>) {
    let body = model.body();
    let (theme, marks, moment) = (&model.theme, model.marks, &model.moment);
    for overlay in &mut model.overlays {
        match overlay {
            Overlay::Sessions(sessions) => sessions.fit(body),
            Overlay::Summary(summary) => summary.fit(body, theme, marks, moment),
            Overlay::Picker(picker) => picker.fit(body),
            Overlay::Said(said) => said.fit(body, theme),
            Overlay::AskLine(_) => {}
            Overlay::Rewind(plan) => {
                plan.fit(body);
                effects.extend(plan.wanted(theme).map(|r| Effect::Ask(Question::Tree(r))));
            }
            Overlay::Find(find) => {
                find.fit(body);
                let wanted = find.wanted_preview().filter(|_| find.preview_is_stale());
                if wanted.is_some() && model.asked_peek != wanted {
                    effects.extend(wanted.clone().map(Effect::Ask));
                }
                model.asked_peek = wanted;
            }
        }
    }
}

/// Moving in one pane moves the others.
fn link(model: &mut Model, effects: &mut Vec<Effect>) {
    let subject = match model.authors.pane.is_open() {
        true => authors::subject(model, effects),
        false => in_timeline(model),
    };
    let refresh = std::mem::take(&mut model.refresh);
    if subject == model.subject && !refresh {
        return;
    }
    authors::ask_fate(model, subject, effects);
    let before = std::mem::replace(&mut model.subject, subject);
    let Some(now) = subject else {
        // Where authors are shown, words stand there instead.
        if !model.authors.pane.is_open() {
            model.prompt.clear();
        }
        return;
    };
    let anew = |same: bool| refresh || !same;
    let same_prompt = before.is_some_and(|b| (b.session, b.prompt) == (now.session, now.prompt));
    if anew(same_prompt) {
        effects.push(Effect::Ask(Question::Prompt(now.session, now.prompt)));
    } else if now.step.is_none() && before.is_some_and(|b| b.step.is_some()) {
        model.prompt.show_last_words();
    }
    let options = model.diff.options(&model.theme);
    if let Some(step) = now.step {
        if before.map(|b| b.step) != Some(now.step) {
            model.view = None;
        }
        effects.push(Effect::Ask(Question::Step(step, model.view, options)));
        model.waiting.get_or_insert(model.moment.now);
    }
    let same_scope = before.map(|b| b.scope) == Some(now.scope);
    if !matches!(now.scope, Scope::Step(_)) && anew(same_scope) {
        effects.push(Effect::Ask(Question::Changes(now.scope, options)));
        model.waiting.get_or_insert(model.moment.now);
    }
}

/// What the cursor of the timeline is on.
fn in_timeline(model: &Model) -> Option<Subject> {
    Some(Subject {
        session: model.session_here()?,
        prompt: model.timeline.selected_prompt()?.no,
        step: model.timeline.selected_step().map(|s| s.row),
        scope: model.scope_here()?,
    })
}

/// Keeps where it is being left, and how much of the session was seen.
fn remember(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(timeline) = model.timeline.timeline().cloned() else {
        return;
    };
    let id = timeline.session.id.clone();
    let step = match model.timeline.selected() {
        Some(Selected::Step(i)) => model
            .timeline
            .steps()
            .get(i as usize)
            .and_then(|s| model.timeline.rows().get(s.row))
            .map(|info| info.id.clone()),
        _ => None,
    };
    let left = memory::Left {
        session: id.clone(),
        step,
        prompt: match model.timeline.selected_prompt() {
            // Among all sessions a number alone says nothing.
            Some(prompt) if !timeline.session.row.is_all() => prompt.no,
            _ => 0,
        },
        density: format!("{:?}", model.timeline.density()).to_lowercase(),
        splits: model.splits,
    };
    let memo = |name: String, value: String| Effect::Ask(Question::SetMemo(name, value));
    effects.push(memo(memory::LEFT.to_owned(), left.write()));
    if timeline.session.row.is_all() {
        return;
    }
    // What came since the last key was not seen.
    let seen = match model.timeline.new_from() {
        Some(first) if !model.live.attended => first as usize,
        _ => timeline.steps.len(),
    };
    effects.push(memo(memory::seen(&id), seen.to_string()));
}

/// Says something in the status line.
fn say(model: &mut Model, text: impl Into<String>) {
    model.note = Some(Note::info(text));
}

/// Moves the focus, to a pane that is on the screen or will be.
fn focus(model: &mut Model, pane: Pane) {
    model.focus = pane;
}
