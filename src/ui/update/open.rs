//! Opening sessions and going to places in them.

use super::super::memory;
use super::super::message::{Effect, Question};
use super::super::model::{Model, Opening};
use super::super::overlay::{Overlay, Target, sessions, summary as summary_overlay};
use crate::query::types::{SessionInfo, SessionRow};

/// Goes to a place, opening its session if it is not the one on the screen.
pub fn go(model: &mut Model, session: SessionRow, target: Target, effects: &mut Vec<Effect>) {
    let all = model.session().filter(|s| s.is_all());
    // Where all sessions stand in one timeline, what is in it is gone to there.
    let within = all.filter(|_| holds(model, &target)).unwrap_or(session);
    go_within(model, within, target, effects);
}

/// The same, in the timeline of this session, or of all.
pub fn go_within(
    model: &mut Model,
    session: SessionRow,
    target: Target,
    effects: &mut Vec<Effect>,
) {
    super::authors::leave(model);
    if model.session() == Some(session) {
        arrive(model, &target);
        return;
    }
    open(
        model,
        Opening {
            session,
            target,
            follow: false,
        },
        effects,
    );
}

fn holds(model: &Model, target: &Target) -> bool {
    match target {
        Target::End => false,
        Target::Step(step) => model.timeline.steps().iter().any(|s| s.row == *step),
        Target::Prompt(session, no) => model.timeline.index_of_prompt(*session, *no).is_some(),
    }
}

/// Every session in one timeline, or from there again the one that the cursor is in; the cursor stays where it is.
pub fn interleave(model: &mut Model, effects: &mut Vec<Effect>) {
    let all = model.sessions.as_ref().map_or(0, |l| l.sessions.len());
    let Some(open_one) = model.session() else {
        return;
    };
    if !open_one.is_all() && all < 2 {
        super::say(model, "this is the only session here");
        return;
    }
    super::act::remember_place(model);
    super::authors::leave(model);
    let target = match (
        model.timeline.selected_step(),
        model.timeline.selected_prompt(),
    ) {
        (Some(step), _) => Target::Step(step.row),
        (None, Some(prompt)) => Target::Prompt(prompt.session, prompt.no),
        (None, None) => Target::End,
    };
    let session = match open_one.is_all() {
        true => model.session_here().unwrap_or(open_one),
        false => SessionRow::ALL,
    };
    let follow = model.follow;
    open(
        model,
        Opening {
            session,
            target,
            follow,
        },
        effects,
    );
}

/// Puts the cursor on the target, in the session that is open.
pub fn arrive(model: &mut Model, target: &Target) {
    match target {
        Target::End => model.timeline.go_to_end(),
        Target::Step(step) => {
            if !model.timeline.go_to_step(*step) {
                super::say(model, "this step is not in the session any more");
            }
        }
        Target::Prompt(session, no) => {
            model.timeline.go_to_prompt(*session, *no);
        }
    }
}

/// Asks for a session; what is on the screen stays until it has come.
pub fn open(model: &mut Model, opening: Opening, effects: &mut Vec<Effect>) {
    super::remember(model, effects);
    model.seen = None;
    let session = opening.session;
    let known = model
        .sessions
        .as_ref()
        .and_then(|l| l.sessions.iter().find(|s| s.row == session));
    if let Some(known) = known {
        effects.push(Effect::Ask(Question::Memo(memory::seen(&known.id))));
    }
    model.opening = Some(opening);
    effects.push(Effect::Ask(Question::Timeline(session)));
    if !session.is_all() {
        effects.push(Effect::Ask(Question::Summary(session)));
    }
}

/// Opens the summary of a session.
pub fn summary(model: &mut Model, session: SessionRow, effects: &mut Vec<Effect>) {
    let mut state = summary_overlay::State::new(session);
    match &model.summary {
        Some(known) if known.session.row == session => state.take(known.clone()),
        _ => {}
    }
    model.overlays.push(Overlay::Summary(Box::new(state)));
    effects.push(Effect::Ask(Question::Summary(session)));
}

/// Opens the list of sessions.
pub fn list(model: &mut Model, effects: &mut Vec<Effect>) {
    let state = sessions::State::new(model.sessions.clone(), model.session(), model.other)
        .of_machine(model.home.machine);
    model.overlays.clear();
    model.overlays.push(Overlay::Sessions(state));
    effects.push(Effect::Ask(Question::Sessions));
}

/// The first answer about sessions: open what was asked for, what is live, where it was left, or show the list.
pub fn first(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(list_of) = model.sessions.clone() else {
        return;
    };
    if let Some((session, step)) = model.wanted {
        let target = step.map_or(Target::End, Target::Step);
        let opening = Opening {
            session,
            target,
            follow: step.is_none(),
        };
        open(model, opening, effects);
        return;
    }
    let Some(newest) = list_of.sessions.first() else {
        if !model.authors.pane.is_open() {
            first_list(model);
        }
        return;
    };
    let left = model.left.take().filter(|_| !model.list_first);
    let before = left
        .as_ref()
        .and_then(|l| place_of(&list_of.sessions, &l.session));
    if newest.live && !model.list_first {
        model.overlays.clear();
        let opening = Opening {
            session: newest.row,
            target: Target::End,
            follow: true,
        };
        open(model, opening, effects);
    } else if let (Some(session), Some(left)) = (before, left) {
        model.overlays.clear();
        let target = match (&left.step, left.prompt) {
            (_, 0) => Target::End,
            (_, no) => Target::Prompt(session, no),
        };
        if let Some(step) = &left.step {
            // The step's row is found from its id; until then the cursor is on its prompt.
            effects.push(Effect::Ask(Question::Resolve(step.clone())));
            model.returning = Some(step.clone());
        }
        let opening = Opening {
            session,
            target,
            follow: false,
        };
        open(model, opening, effects);
    } else {
        // The newest one is previewed behind the list.
        let opening = Opening {
            session: newest.row,
            target: Target::End,
            follow: false,
        };
        open(model, opening, effects);
        if !model.authors.pane.is_open() {
            first_list(model);
        }
    }
}

/// The session with this id, or all of them.
fn place_of(list: &[SessionInfo], id: &str) -> Option<SessionRow> {
    match id {
        SessionRow::ALL_ID => Some(SessionRow::ALL),
        _ => list.iter().find(|s| s.id == id).map(|s| s.row),
    }
}

fn first_list(model: &mut Model) {
    let state = sessions::State::new(model.sessions.clone(), None, model.other)
        .of_machine(model.home.machine)
        .as_first();
    model.overlays.clear();
    model.overlays.push(Overlay::Sessions(state));
}
