//! What an action does to the panes.

use super::super::action::Action;
use super::super::key::KeyPress;
use super::super::layout::{Pane, Shape};
use super::super::memory;
use super::super::message::{Effect, Question};
use super::super::model::{Flag, Model, Place, ScopeKind};
use super::super::overlay::ask_line::{Purpose, State as AskLine};
use super::super::overlay::{Overlay, Target, picker, said};
use super::super::pane::timeline::Line;
use super::{authors, copy, focus, keys, live, open, say};

/// Places kept to go back to.
const PLACES: usize = 100;

/// Carries an action out.
pub fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    if authors::act(model, action, effects) {
        return;
    }
    match action {
        Action::FocusTimeline => focus(model, Pane::Timeline),
        Action::FocusPrompt => focus(model, Pane::Prompt),
        Action::FocusDiff => focus(model, Pane::Diff),
        Action::FocusNext => focus(model, next_pane(model.focus, 1)),
        Action::FocusPrevious => focus(model, next_pane(model.focus, 2)),
        Action::PaneLeft => focus(model, Pane::Timeline),
        Action::PaneRight if model.focus == Pane::Timeline => focus(model, Pane::Diff),
        Action::PaneRight => {}
        Action::Zoom => model.zoomed = !model.zoomed,
        Action::Open => go_deeper(model),
        Action::Leave => go_back(model),
        Action::NextScope => next_scope(model),
        Action::Follow => follow(model),
        Action::NextPrompt
        | Action::PreviousPrompt
        | Action::NextChange
        | Action::PreviousChange
        | Action::LastPassingTest
        | Action::NextFailure => jump(model, action),
        Action::JumpBack | Action::JumpForward => travel(model, action, effects),
        Action::Mark => mark(model, effects),
        Action::GoToMark => go_to_mark(model, effects),
        Action::Density => {
            model.timeline.update(action);
            say(model, model.timeline.density().words());
        }
        Action::Filter => ask_line(model, Purpose::Filter),
        Action::SearchPane => ask_line(model, search_purpose(model)),
        Action::NextView if model.focus == Pane::Prompt => next_tab(model),
        Action::NextView => super::diff::next_view(model, effects),
        _ if super::rewind::act(model, action, effects) => {}
        _ if super::live::act(model, action, effects) => {}
        _ if copy::is_copy(action) => copy::copy(model, action, effects),
        _ if app(model, action, effects) => {}
        _ => pane(model, action, effects),
    }
}

/// What is about the whole program; false if the action is not.
fn app(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    match action {
        Action::Find => {
            model.overlays.push(Overlay::Find(Box::default()));
            // What finding needs is read before the first letter comes.
            effects.push(Effect::Ask(Question::Find(String::new())));
        }
        Action::GoToFile => {
            keys::pick(model, picker::State::files());
            effects.push(Effect::Ask(Question::Files));
        }
        Action::Sessions => open::list(model, effects),
        Action::Summary => {
            if let Some(session) = model.session_here() {
                open::summary(model, session, effects);
            }
        }
        Action::Messages => {
            let said = said::State::new(&model.said);
            model.overlays.push(Overlay::Said(Box::new(said)));
        }
        Action::Everywhere => open::interleave(model, effects),
        Action::Help => keys::pick(model, picker::State::help(&model.keymap)),
        Action::Palette => keys::pick(model, picker::State::palette(&model.keymap)),
        Action::ToggleMouse => {
            model.mouse = !model.mouse;
            effects.push(Effect::Mouse(model.mouse));
            say(
                model,
                match model.mouse {
                    true => "the mouse works here",
                    false => "the mouse is the terminal's: select and copy as usual",
                },
            );
        }
        Action::Redraw => effects.push(Effect::Redraw),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Cancel => cancel(model),
        Action::Quit => quit(model),
        Action::QuitNow => model.quit = true,
        _ => return false,
    }
    true
}

/// What is about the focused pane, or about the diff wherever the focus is.
fn pane(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    match (action, model.focus) {
        (Action::SearchNext, Pane::Timeline) if !model.timeline.hits().is_empty() => {
            next_hit(model, true);
        }
        (Action::SearchPrevious, Pane::Timeline) if !model.timeline.hits().is_empty() => {
            next_hit(model, false);
        }
        (_, Pane::Timeline) if model.timeline.update(action) => {
            if action == Action::Bottom {
                model.follow = true;
            } else if !model.timeline.at_end() {
                model.follow = false;
            }
        }
        (_, Pane::Prompt) if model.prompt.update(action) => {}
        _ => super::diff::update(model, action, effects),
    }
}

fn next_pane(pane: Pane, by: usize) -> Pane {
    let order = [Pane::Timeline, Pane::Prompt, Pane::Diff];
    let at = order.iter().position(|p| *p == pane).unwrap_or(0);
    order[(at + by) % order.len()]
}

fn go_deeper(model: &mut Model) {
    if model.focus != Pane::Timeline {
        if model.focus == Pane::Prompt {
            focus(model, Pane::Diff);
        }
        return;
    }
    match model.timeline.line() {
        Some(Line::Looks(..)) => {
            model.timeline.update(Action::Right);
        }
        Some(Line::Prompt(p)) if model.timeline.is_folded(p) => {
            model.timeline.update(Action::Right);
        }
        Some(_) => focus(model, Pane::Diff),
        None => {}
    }
}

fn go_back(model: &mut Model) {
    if super::diff::leave(model) {
        return;
    }
    if model.zoomed {
        model.zoomed = false;
    } else if model.focus != Pane::Timeline {
        focus(model, Pane::Timeline);
    } else if model.timeline.filter().is_some() {
        clear_filter(model);
    } else if let Some(key) = model.keymap.key_of(Action::Sessions) {
        say(model, format!("{key} lists the sessions"));
    }
}

/// One level back; from the outermost one the end.
fn quit(model: &mut Model) {
    match model.overlays.pop() {
        Some(Overlay::Sessions(sessions)) if sessions.is_first() => model.quit = true,
        Some(_) => {}
        None if model.zoomed => model.zoomed = false,
        None if model.authors.pane.is_open() => authors::close(model),
        None if model.shape == Shape::Single && model.focus != Pane::Timeline => {
            focus(model, Pane::Timeline);
        }
        None => model.quit = true,
    }
}

fn cancel(model: &mut Model) {
    if model.cancelled {
        model.quit = true;
        return;
    }
    model.cancelled = true;
    model.opening = None;
    model.filtering = None;
    if !model.overlays.is_empty() && model.session().is_some() {
        model.overlays.pop();
    }
    say(model, "C-c again quits");
}

/// The next side of the selected step in the prompt pane.
fn next_tab(model: &mut Model) {
    match model.prompt.has_tabs() {
        true => model.prompt.show_tab(model.prompt.tab().next()),
        false => say(model, "only a step has an output and a record"),
    }
}

/// Of what the diff is to be, as it was chosen in the title.
pub fn choose_scope(model: &mut Model, scope: ScopeKind) {
    match scope == ScopeKind::SinceMark && model.flag.is_none() {
        true => say(model, "no mark is set; m sets it"),
        false => model.scope = scope,
    }
}

/// The scope after the one that is chosen.
pub fn next_scope(model: &mut Model) {
    let all = ScopeKind::ALL;
    let at = all.iter().position(|s| *s == model.scope).unwrap_or(0);
    let mut next = all[(at + 1) % all.len()];
    // Without a mark there is nothing to be since.
    if next == ScopeKind::SinceMark && model.flag.is_none() {
        next = ScopeKind::Now;
    }
    model.scope = next;
}

fn follow(model: &mut Model) {
    model.follow = !model.follow;
    if model.follow {
        model.timeline.go_to_end();
    }
    say(
        model,
        match model.follow {
            true => "following: the newest step stays in view",
            false => "not following",
        },
    );
}

/// Notes where the cursor is before it jumps away.
pub fn remember_place(model: &mut Model) {
    let Some(place) = model.place() else { return };
    let known = model.jumps.back.last();
    if !known.is_some_and(|last| last.is_same_row(&place)) {
        model.jumps.back.push(place);
    }
    if model.jumps.back.len() > PLACES {
        model.jumps.back.remove(0);
    }
    model.jumps.forward.clear();
}

fn jump(model: &mut Model, action: Action) {
    let before = model.place();
    let timeline = &mut model.timeline;
    let (found, nothing) = match action {
        Action::NextPrompt => (timeline.jump_prompt(true), "this is the last prompt"),
        Action::PreviousPrompt => (timeline.jump_prompt(false), "this is the first prompt"),
        Action::NextChange => (timeline.jump_change(true), "no change after this"),
        Action::PreviousChange => (timeline.jump_change(false), "no change before this"),
        Action::LastPassingTest => (
            timeline.jump_passing_test(),
            "no passing test run before this",
        ),
        _ => (timeline.jump_failure(), "no failure after this"),
    };
    if !found {
        say(model, nothing);
        return;
    }
    model.follow = false;
    // Tests and failures may be far away; prompts and changes are steps that one can take back by the same keys.
    if matches!(action, Action::LastPassingTest | Action::NextFailure)
        && let Some(before) = before
    {
        model.jumps.back.push(before);
        model.jumps.forward.clear();
    }
}

fn travel(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    let here = model.place();
    let jumps = &mut model.jumps;
    let (from, to) = match action {
        Action::JumpBack => (&mut jumps.back, &mut jumps.forward),
        _ => (&mut jumps.forward, &mut jumps.back),
    };
    let Some(place) = from.pop() else {
        say(model, "nowhere to go to");
        return;
    };
    to.extend(here);
    go_to(model, place, effects);
}

fn go_to(model: &mut Model, place: Place, effects: &mut Vec<Effect>) {
    let target = match place.at {
        Ok(step) => Target::Step(step),
        Err((session, no)) => Target::Prompt(session, no),
    };
    open::go_within(model, place.session, target, effects);
    if let Some(pane) = place.authors {
        authors::reopen(model, *pane, effects);
    }
}

fn mark(model: &mut Model, effects: &mut Vec<Effect>) {
    let (Some(session), Some(step)) = (model.session_here(), model.timeline.selected_step()) else {
        say(model, "put the cursor on a step to mark it");
        return;
    };
    let step = step.row;
    model.flag = Some(Flag { session, step });
    if let Some(info) = model.timeline.rows().get(step) {
        let memo = Question::SetMemo(memory::FLAG.to_owned(), info.id.clone());
        effects.push(Effect::Ask(memo));
    }
    say(model, "marked: g m comes back, s shows what changed since");
}

fn go_to_mark(model: &mut Model, effects: &mut Vec<Effect>) {
    match model.flag {
        Some(flag) => {
            remember_place(model);
            open::go(model, flag.session, Target::Step(flag.step), effects);
        }
        None => say(model, "no mark is set; m sets it"),
    }
}

/// The prompt is short enough to be read; from there the diff is searched.
fn search_purpose(model: &Model) -> Purpose {
    match model.focus {
        Pane::Timeline => Purpose::SearchSteps,
        Pane::Prompt | Pane::Diff => Purpose::Search,
    }
}

/// Goes to a step that the search in the timeline found.
pub fn next_hit(model: &mut Model, forward: bool) {
    let all = model.timeline.hits().len();
    if all == 0 {
        say(model, "no step has these words");
    } else if !model.timeline.jump_hit(forward) {
        say(model, "no other hit in this direction; N and n turn around");
    } else {
        model.follow = false;
        say(model, format!("{all} steps have these words"));
    }
}

/// Opens the line to type in what is searched for in a text.
pub fn search_line(model: &mut Model) {
    let line = AskLine::new(Purpose::Search, "");
    model.overlays.push(Overlay::AskLine(Box::new(line)));
}

/// Opens the line to type in at the bottom.
pub fn ask_line(model: &mut Model, purpose: Purpose) {
    if model.session().is_none() {
        return;
    }
    let text = match purpose {
        Purpose::Filter => model.timeline.filter().unwrap_or(""),
        Purpose::Search | Purpose::SearchSteps => "",
    };
    let line = AskLine::new(purpose, text);
    model.overlays.push(Overlay::AskLine(Box::new(line)));
}

/// Shows every step again.
pub fn clear_filter(model: &mut Model) {
    model.filtering = None;
    model.timeline.set_filter(None);
}

/// What the key of an action is called, for a hint.
pub fn hint(model: &Model, keys: &[KeyPress]) -> Vec<(String, String)> {
    let mut rows: Vec<(String, String)> = Vec::new();
    for (keys, binding) in model.keymap.after(keys) {
        let place = live::KEYS.iter().position(|k| *k == binding.action);
        let numbered = place.filter(|at| keys == (at + 1).to_string());
        match (numbered, rows.last_mut()) {
            // One row for all of them: they differ in their number only.
            (Some(_), Some((range, does))) if range.starts_with('1') => {
                *range = format!("1…{keys}");
                *does = "the live sessions, and follow: by their number".to_owned();
            }
            _ => rows.push((keys, binding.does.clone())),
        }
    }
    rows
}
