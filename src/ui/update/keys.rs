//! Keys: to the top overlay, else through the key table to an action.

use crossterm::event::KeyCode;

use super::{act, authors, open, say};
use crate::query::types::Filter;
use crate::ui::action::Action;
use crate::ui::key::{KeyPress, show_sequence};
use crate::ui::keymap::Lookup;
use crate::ui::message::{Effect, Question};
use crate::ui::model::Model;
use crate::ui::overlay::ask_line::Purpose;
use crate::ui::overlay::{Out, Overlay, picker};

/// After so many keys nobody needs to be told which to press.
const LEARNT: u8 = 12;

/// A key was pressed.
pub fn key(model: &mut Model, key: KeyPress, effects: &mut Vec<Effect>) {
    let cancel = KeyPress {
        code: KeyCode::Char('c'),
        control: true,
    };
    if key != cancel {
        model.cancelled = false;
    }
    model.note = None;
    super::live::attended(model);
    if model.first_line.is_some() {
        model.pressed += 1;
        // By then the keys are known, and the place is wanted for what is always there.
        if model.pressed >= LEARNT {
            model.first_line = None;
        }
    }
    if super::rewind::key(model, key, effects) {
        return;
    }
    let out = match model.overlays.last_mut() {
        Some(Overlay::Find(find)) => find.key(key),
        Some(Overlay::Picker(picker)) => picker.key(key),
        Some(Overlay::AskLine(line)) => line.key(key),
        _ => Out::Ignored,
    };
    let types = matches!(
        model.overlays.last(),
        Some(Overlay::Find(_) | Overlay::Picker(_) | Overlay::AskLine(_))
    );
    if types && (out != Out::Ignored || key != cancel) {
        heard(model, out, effects);
        return;
    }
    let mut keys = std::mem::take(&mut model.keys.0);
    if !keys.is_empty() && key.code == KeyCode::Esc {
        return;
    }
    keys.push(key);
    match model.keymap.look_up(&keys) {
        Lookup::Action(action) => action_for_top(model, action, effects),
        Lookup::Prefix => model.keys = (keys, model.moment.now),
        Lookup::Nothing if keys.len() > 1 => {
            say(model, format!("{} means nothing", show_sequence(&keys)));
        }
        Lookup::Nothing => {}
    }
}

/// Text was pasted: it goes where one types, and never works as keys.
pub fn paste(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    if let Some(Overlay::Rewind(_)) = model.overlays.last() {
        super::rewind::paste(model);
        return;
    }
    let out = match model.overlays.last_mut() {
        Some(Overlay::Find(find)) => find.paste(text),
        Some(Overlay::AskLine(line)) => line.paste(text),
        Some(Overlay::Picker(picker)) => {
            picker.paste(text);
            Out::Done
        }
        _ => Out::Done,
    };
    heard(model, out, effects);
}

/// An action for the top overlay, or for the panes if it has no use for it.
pub fn action_for_top(model: &mut Model, action: Action, effects: &mut Vec<Effect>) {
    if super::rewind::action(model, action, effects) {
        return;
    }
    let out = match model.overlays.last_mut() {
        Some(Overlay::Sessions(sessions)) => sessions.update(action),
        Some(Overlay::Summary(summary)) => summary.update(action),
        Some(Overlay::Said(said)) => said.update(action),
        Some(_) | None => Out::Ignored,
    };
    if out != Out::Ignored {
        heard(model, out, effects);
        return;
    }
    // Over a list, only what is about the whole program.
    let everywhere = matches!(
        action,
        Action::Find
            | Action::GoToFile
            | Action::Sessions
            | Action::Help
            | Action::Messages
            | Action::Palette
            | Action::ToggleMouse
            | Action::Redraw
            | Action::Suspend
            | Action::Cancel
            | Action::Quit
            | Action::QuitNow
            | Action::CopyResume
    );
    if model.overlays.is_empty() || everywhere {
        act::act(model, action, effects);
    }
}

/// What an overlay wants.
pub fn heard(model: &mut Model, out: Out, effects: &mut Vec<Effect>) {
    match out {
        Out::Done | Out::Ignored => {}
        Out::Close => close(model),
        Out::Run(action) => {
            model.overlays.pop();
            action_for_top(model, action, effects);
        }
        Out::Go(session, target) => {
            act::remember_place(model);
            model.overlays.clear();
            open::go(model, session, target, effects);
        }
        Out::Resolve(step) => effects.push(Effect::Ask(Question::Locate(step))),
        Out::Blame(path) => {
            model.overlays.pop();
            authors::open_file(model, path, 1, effects);
        }
        Out::History(path) => {
            model.overlays.pop();
            authors::open_history(model, path, effects);
        }
        Out::OpenSummary(session) => open::summary(model, session, effects),
        Out::GoToTime(text) => go_to_time(model, &text, effects),
        Out::Typed {
            purpose,
            text,
            confirmed,
        } => typed(model, (purpose, text, confirmed), effects),
        Out::Ask(question) => effects.push(Effect::Ask(question)),
        Out::End(end) => {
            model.leave_for = Some(end);
            model.quit = true;
        }
    }
}

/// Closes the top overlay; the list of sessions stays while there is nothing below it.
fn close(model: &mut Model) {
    match model.overlays.last() {
        Some(Overlay::Sessions(_)) if model.session().is_none() => {}
        Some(Overlay::AskLine(line)) if line.purpose() == Purpose::Search => {
            model.overlays.pop();
            authors::searched(model).search("");
        }
        Some(Overlay::AskLine(line)) => {
            let filters = line.purpose() == Purpose::Filter;
            model.overlays.pop();
            if filters && model.timeline.filter().is_some() {
                act::clear_filter(model);
            }
        }
        _ => {
            model.overlays.pop();
        }
    }
}

fn go_to_time(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    model.overlays.pop();
    let Some(timeline) = model.timeline.timeline() else {
        return;
    };
    let info = model
        .timeline
        .selected_step()
        .and_then(|s| model.timeline.rows().get(s.row));
    let near = info
        .and_then(|i| i.at)
        .or_else(|| model.timeline.selected_prompt().and_then(|p| p.at))
        .or(timeline.session.ended_at)
        .unwrap_or(model.moment.now);
    let session = timeline.session.row;
    match model.moment.parse(text, near) {
        Some(at) => {
            act::remember_place(model);
            effects.push(Effect::Ask(Question::StepAt(session, at)));
        }
        None => {
            let said = format!("`{text}` is no time: 14:20, 14:20:05, -5m, -2h");
            model.note = Some(crate::ui::message::Note::error(said));
        }
    }
}

fn typed(
    model: &mut Model,
    (purpose, text, confirmed): (Purpose, String, bool),
    effects: &mut Vec<Effect>,
) {
    match purpose {
        Purpose::Search => {
            authors::searched(model).search(&text);
            if confirmed {
                model.overlays.pop();
            }
        }
        Purpose::SearchSteps => {
            model.overlays.pop();
            let words = text.split_whitespace().map(str::to_owned).collect();
            let filter = Filter {
                words,
                ..Filter::default()
            };
            match model.session() {
                Some(session) if !filter.words.is_empty() => {
                    effects.push(Effect::Ask(Question::Search(session, filter)));
                }
                _ => model.timeline.set_hits(Vec::new()),
            }
        }
        Purpose::Filter if text.trim().is_empty() => {
            model.overlays.pop();
            act::clear_filter(model);
        }
        Purpose::Filter => match Filter::parse_at(&text, model.moment.now) {
            Ok(filter) => {
                if let Some(session) = model.session() {
                    model.filtering = Some(text);
                    effects.push(Effect::Ask(Question::Filter(session, filter)));
                }
                model.overlays.pop();
            }
            Err(problem) => {
                if let Some(Overlay::AskLine(line)) = model.overlays.last_mut() {
                    line.problem = Some(problem.to_string());
                }
            }
        },
    }
}

/// Opens a list to choose from.
pub fn pick(model: &mut Model, picker: picker::State) {
    model.overlays.push(Overlay::Picker(Box::new(picker)));
}
