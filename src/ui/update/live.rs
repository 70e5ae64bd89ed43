//! Agents at work: what is new since the last key, what failed, the sessions that are live and the keys that go there.

use std::sync::Arc;

use super::super::action::Action;
use super::super::message::Effect;
use super::super::model::{Alarm, Model, Opening};
use super::super::overlay::Target;
use super::super::phrase;
use super::{act, open, say};
use crate::model::{Status, StepKind, TestOutcome};
use crate::query::types::{SessionInfo, SessionList, StepLite, Timeline};

/// Steps at the end of a session among which one that runs is looked for.
const LAST: usize = 64;
/// An edit that takes longer than this is probably not at work but waiting.
const EDIT_MS: u64 = 3_000;
/// The same for a command, which may well be at work.
const COMMAND_MS: u64 = 10_000;

/// A key was pressed: what is there now was seen.
pub fn attended(model: &mut Model) {
    model.live.attended = true;
    model.live.alarm = None;
}

/// The open session has more in it than before.
pub fn arrived(model: &mut Model, older: Option<&Arc<Timeline>>, effects: &mut Vec<Effect>) {
    let Some(newer) = model.timeline.timeline().cloned() else {
        return;
    };
    let Some(older) = older.filter(|o| o.session.row == newer.session.row && newer.session.live)
    else {
        return;
    };
    // Among the steps of all sessions what is new stands in several places; the list of sessions tells what failed.
    if newer.session.row.is_all() {
        return;
    }
    let before = older.steps.len();
    if before > 0
        && newer.steps.len() > before
        && (model.live.attended || model.timeline.new_from().is_none())
    {
        model.timeline.set_new_from(u32::try_from(before).ok());
        model.live.attended = false;
    }
    if newer.session.asked_at > older.session.asked_at {
        // The status line says it, in the place of what was said before; that is kept.
        model.note.take_if(|note| !note.error);
        ring(model, effects);
    }
    let was = |index: usize, row| match older.steps.get(index) {
        Some(step) if step.row == row => Some(failed(step)),
        _ => older.steps.iter().find(|s| s.row == row).map(failed),
    };
    let new = newer
        .steps
        .iter()
        .enumerate()
        .skip(before.saturating_sub(LAST));
    let bad: Vec<&StepLite> = new
        .filter(|(i, step)| failed(step) && was(*i, step.row) != Some(true))
        .map(|(_, step)| step)
        .collect();
    if let Some(last) = bad.last() {
        let words = match last.test {
            Some(_) => "tests failed",
            None if last.kind == StepKind::Command => "a command failed",
            None => "a step failed",
        };
        alarm(model, words.to_owned(), Some(last.row), effects);
    }
}

fn failed(step: &StepLite) -> bool {
    step.status == Status::Failed || step.test == Some(TestOutcome::Failed)
}

/// Something failed in a session that is not the open one.
pub fn listed(model: &mut Model, older: Option<&Arc<SessionList>>, effects: &mut Vec<Effect>) {
    let (Some(older), Some(newer)) = (older, model.sessions.clone()) else {
        return;
    };
    let open = model.session();
    // The open one tells it itself, step by step.
    for session in newer
        .sessions
        .iter()
        .filter(|s| s.live && Some(s.row) != open)
    {
        let before = older.sessions.iter().find(|s| s.row == session.row);
        if before.is_some_and(|b| b.failed < session.failed) {
            let words = format!("{}: a step failed in {}", session.agent, session.title);
            alarm(model, words + &key_to(model, session), None, effects);
        }
        if session.asked_at > before.and_then(|b| b.asked_at) {
            let words = format!(
                "{}: asked for permission in {}",
                session.agent, session.title
            );
            alarm(model, words + &key_to(model, session), None, effects);
        }
    }
}

/// The key that goes to a live session, as the end of a sentence; empty if there is none.
fn key_to(model: &Model, session: &SessionInfo) -> String {
    let place = sessions(model).iter().position(|s| s.row == session.row);
    let key = place.and_then(|n| model.keymap.key_of(*KEYS.get(n)?));
    key.map_or(String::new(), |key| format!(" · {key}"))
}

fn alarm(
    model: &mut Model,
    words: String,
    step: Option<crate::query::types::StepRow>,
    effects: &mut Vec<Effect>,
) {
    model.live.alarm = Some(Alarm { words, step });
    ring(model, effects);
}

fn ring(model: &Model, effects: &mut Vec<Effect>) {
    if model.live.bell {
        effects.push(Effect::Bell);
    }
}

/// The title of the terminal's window, if one is wanted and it is another than before. In fixed words: nothing of a
/// transcript ever stands there.
pub fn title(model: &mut Model, effects: &mut Vec<Effect>) {
    if !model.live.title {
        return;
    }
    let live = sessions(model);
    let asked = live.iter().any(|s| s.asked_at.is_some());
    let title = match (&model.live.alarm, live.is_empty()) {
        _ if asked => "? regent-tui: asked for permission".to_owned(),
        (Some(_), _) => format!("{} regent-tui: something failed", model.marks.failed),
        (None, false) => format!("{} regent-tui", model.marks.changed),
        (None, true) => "regent-tui".to_owned(),
    };
    if model.live.titled.as_ref() != Some(&title) {
        model.live.titled = Some(title.clone());
        effects.push(Effect::Title(title));
    }
}

/// The live sessions; their numbers do not change while they write.
pub fn sessions(model: &Model) -> Vec<&SessionInfo> {
    let all = model.sessions.iter().flat_map(|l| &l.sessions);
    let mut live: Vec<&SessionInfo> = all.filter(|s| s.live).collect();
    live.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
    live
}

/// The actions that go to the live sessions, in order.
pub const KEYS: [Action; 9] = [
    Action::Live1,
    Action::Live2,
    Action::Live3,
    Action::Live4,
    Action::Live5,
    Action::Live6,
    Action::Live7,
    Action::Live8,
    Action::Live9,
];

/// Goes to a live session and follows it; false if the action is none of these.
pub fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    let Some(number) = KEYS.iter().position(|k| *k == action) else {
        return false;
    };
    let live = sessions(model);
    let Some(session) = live.get(number).map(|s| s.row) else {
        let words = match live.len() {
            0 => "no session is live".to_owned(),
            1 => "only one session is live".to_owned(),
            n => format!("only {n} sessions are live"),
        };
        say(model, words);
        return true;
    };
    act::remember_place(model);
    if model.session() == Some(session) {
        model.follow = true;
        model.timeline.go_to_end();
        return true;
    }
    let opening = Opening {
        session,
        target: Target::End,
        follow: true,
    };
    open::open(model, opening, effects);
    true
}

/// What the agent waits for: what a hook told; without one, a step that has no result for longer than such a step takes
/// may wait for a permission.
pub fn waiting(model: &Model) -> Option<String> {
    let session = &model.timeline.timeline()?.session;
    let steps = model.timeline.steps();
    let running = steps[steps.len().saturating_sub(LAST)..]
        .iter()
        .rev()
        .find(|s| s.status == Status::Running);
    if running.is_some_and(|s| s.kind == StepKind::Question) {
        return Some("asks you something".to_owned());
    }
    if let Some(at) = session.asked_at {
        // Not that it still waits: that the permission was given, nobody tells.
        let ago = phrase::ago(model.moment.now.since(at));
        return Some(format!("asked for permission {ago}"));
    }
    let running = running?;
    let longest = match running.kind {
        StepKind::Edit | StepKind::Write | StepKind::Delete | StepKind::Move => EDIT_MS,
        StepKind::Command | StepKind::Web | StepKind::Mcp => COMMAND_MS,
        _ => return None,
    };
    let info = model.timeline.rows().get(running.row)?;
    let started = info.started_at.or(info.at)?;
    // Its hooks are at work, and would have told.
    if session.told_at.is_some_and(|told| told >= started) {
        return None;
    }
    let took = model.moment.now.since(started);
    (took >= longest).then(|| "may be waiting for permission".to_owned())
}

/// Steps that are new since the last key.
pub fn news(model: &Model) -> usize {
    let new_from = model.timeline.new_from().map_or(usize::MAX, |n| n as usize);
    model.timeline.steps().len().saturating_sub(new_from)
}
