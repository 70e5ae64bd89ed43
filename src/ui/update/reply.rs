//! Answers. Each carries its question; one that nobody waits for any more is dropped.

use std::sync::Arc;

use super::super::memory::{self, Left};
use super::super::message::{Answer, Effect, Note, Question, Reply};
use super::super::model::{Flag, Model, Shown};
use super::super::overlay::{Overlay, Target};
use super::super::pane::diff::{Content, View};
use super::super::pane::timeline::{Blocks, Density};
use super::open;
use crate::query::types::{
    Filter, Scope, SessionList, SessionRow, StepDetail, StepRow, Summary, Timeline,
};

/// An answer came.
pub fn loaded(model: &mut Model, reply: Reply, effects: &mut Vec<Effect>) {
    let Reply { question, answer } = reply;
    if let Question::Tree(request) = question {
        let told = answer.and_then(|a| match a {
            Answer::Tree(told) => Ok(told),
            _ => Err(Arc::from("this is no answer")),
        });
        super::rewind::told(model, request, told, effects);
        return;
    }
    if let Question::Rows(asked) = &question
        && *asked == model.asked_rows
    {
        model.asked_rows.clear();
    }
    if matches!(
        question,
        Question::Find(_)
            | Question::FindRest(_)
            | Question::PeekStep(_)
            | Question::PeekPrompt(..)
    ) {
        for overlay in &mut model.overlays {
            if let Overlay::Find(find) = overlay {
                let rest = find.answer(&question, &answer);
                effects.extend(rest.map(Effect::Ask));
            }
        }
        return;
    }
    if matches!(
        question,
        Question::Blame(_)
            | Question::History(_)
            | Question::Gap(..)
            | Question::Fate(_)
            | Question::Standing(_)
    ) {
        super::authors::answered(model, question, answer, effects);
        return;
    }
    match answer {
        Ok(answer) => answered(model, question, answer, effects),
        Err(why) => failed(model, &question, &why),
    }
}

fn failed(model: &mut Model, question: &Question, why: &str) {
    let what = match question {
        Question::Sessions => "The sessions could not be read",
        Question::Timeline(_) => "The session could not be read",
        Question::Rows(rows) => {
            // Not asked for again and again.
            model.timeline.take_rows(rows, Vec::new());
            "Steps could not be read"
        }
        Question::Step(..) => "The step could not be read",
        Question::Prompt(..) => "The prompt could not be read",
        Question::Changes(..) => "The changes could not be read",
        Question::SetMemo(..) | Question::Memo(_) => "Where you were could not be kept",
        Question::SetViewed { .. } => "The tick could not be kept",
        // Where it was left is gone: that is no error.
        Question::Resolve(id) if model.returning.as_ref() == Some(id) => {
            model.returning = None;
            return;
        }
        Question::Resolve(_) | Question::Locate(_) => "This step was not found",
        _ => "This could not be read",
    };
    if matches!(question, Question::Timeline(_)) {
        model.opening = None;
    }
    if matches!(question, Question::Sessions) && model.sessions.is_none() {
        model.unreadable = Some(format!("{what}: {why}"));
    }
    if matches!(question, Question::Step(..) | Question::Changes(..)) {
        model.waiting = None;
    }
    model.note = Some(Note::error(format!("{what}: {why}")));
}

fn answered(model: &mut Model, question: Question, answer: Answer, effects: &mut Vec<Effect>) {
    match (question, answer) {
        (_, Answer::Sessions(list)) => sessions(model, list, effects),
        (Question::Timeline(row), Answer::Timeline(timeline, blocks)) => {
            show(model, row, *timeline, blocks, effects);
        }
        (Question::Rows(asked), Answer::Rows(rows)) => model.timeline.take_rows(&asked, rows),
        (Question::Step(row, ..), Answer::Step(detail, view, content)) => {
            let wanted = model.subject.is_some_and(|s| s.step == Some(row));
            if wanted {
                step(model, *detail, view, content);
            }
        }
        (Question::Words(words, room, _), Answer::Words(lines)) => {
            model.prompt.take_rendered(words, room, lines);
        }
        (Question::Paint(job), Answer::Painted(done)) => {
            super::diff::painted(model, &job.0, *done);
        }
        (Question::Prompt(session, no), Answer::Prompt(prompt)) => {
            let wanted = model
                .subject
                .filter(|s| (s.session, s.prompt) == (session, no));
            if let (Some(subject), Some(agent)) = (wanted, super::authors::agent(model)) {
                let on_heading = subject.step.is_none();
                model.prompt.show_prompt(prompt, agent, on_heading);
            }
        }
        (Question::Changes(scope, _), Answer::Changes(content)) => {
            let wanted = model.subject.is_some_and(|s| s.scope == scope);
            if wanted {
                show_content(model, Shown::Changes(scope), content);
            }
        }
        (Question::Summary(session), Answer::Summary(summary)) => {
            take_summary(model, session, *summary);
        }
        (Question::Filter(session, _), Answer::Filter(rows)) => filtered(model, session, rows),
        (Question::Search(session, _), Answer::Filter(rows)) => {
            found_steps(model, session, rows);
        }
        (_, Answer::Files(files)) => {
            for overlay in &mut model.overlays {
                if let Overlay::Picker(picker) = overlay {
                    picker.take_files(files.clone());
                }
            }
        }
        (question, Answer::Resolved(session, step)) => {
            resolved(model, question, (session, step), effects);
        }
        (Question::StepAt(session, _), Answer::StepAt(step)) => {
            match step.filter(|_| model.session() == Some(session)) {
                Some(step) => open::arrive(model, &Target::Step(step)),
                None => super::say(model, "no step near that time"),
            }
        }
        (Question::Memo(name), Answer::Memo(value)) => memo(model, &name, value, effects),
        _ => {}
    }
}

fn found_steps(model: &mut Model, session: SessionRow, rows: Vec<StepRow>) {
    if model.session() == Some(session) {
        model.timeline.set_hits(rows);
        super::act::next_hit(model, true);
    }
}

fn filtered(model: &mut Model, session: SessionRow, rows: Vec<StepRow>) {
    if model.session() != Some(session) {
        return;
    }
    let Some(text) = model.filtering.take() else {
        return;
    };
    let none = rows.is_empty();
    model.timeline.set_filter(Some((text, rows)));
    if none {
        super::say(model, "no step matches; f changes the filter");
    }
}

fn sessions(model: &mut Model, list: SessionList, effects: &mut Vec<Effect>) {
    model.unreadable = None;
    let list = Arc::new(list);
    let older = model.sessions.replace(list.clone());
    super::live::listed(model, older.as_ref(), effects);
    for overlay in &mut model.overlays {
        if let Overlay::Sessions(sessions) = overlay {
            sessions.take(list.clone());
        }
    }
    // While the first read goes on there may be nothing yet: what is found then opens as if it had been there, as long
    // as the user has not turned to something else.
    let nothing_open = model.session().is_none() && model.opening.is_none();
    let idle = match model.overlays.as_slice() {
        [] => nothing_open,
        [Overlay::Sessions(sessions)] => {
            let live = list.sessions.first().is_some_and(|s| s.live);
            sessions.is_first() && !sessions.was_touched() && (nothing_open || live)
        }
        _ => false,
    };
    if !model.started || idle {
        model.started = true;
        open::first(model, effects);
    }
}

fn show(
    model: &mut Model,
    row: SessionRow,
    timeline: Timeline,
    blocks: Arc<Blocks>,
    effects: &mut Vec<Effect>,
) {
    let opening = model.opening.as_ref().filter(|o| o.session == row).cloned();
    if opening.is_none() && model.session() != Some(row) {
        return;
    }
    let follow = model.follow && model.timeline.at_end();
    let older = model.timeline.timeline().cloned();
    model.timeline.show(timeline, blocks);
    if opening.is_none() {
        super::live::arrived(model, older.as_ref(), effects);
    }
    // The same step may have an output now.
    model.refresh = true;
    match opening {
        Some(opening) => {
            model.opening = None;
            model.follow = opening.follow;
            if row.is_all() {
                model.summary = None;
                tick_viewed(model);
            }
            let new_from = model.seen.filter(|(s, _)| *s == row).map(|(_, n)| n);
            let all = model.timeline.steps().len() as u32;
            let new_from = new_from.filter(|n| *n > 0 && *n < all);
            model.timeline.set_new_from(new_from);
            open::arrive(model, &opening.target);
        }
        None if model.timeline.filter().is_some() => {
            // What is new may belong among what the filter keeps.
            let text = model.timeline.filter().unwrap_or_default().to_owned();
            if let Ok(filter) = Filter::parse_at(&text, model.moment.now) {
                model.filtering = Some(text);
                effects.push(Effect::Ask(Question::Filter(row, filter)));
            }
        }
        None if follow => model.timeline.go_to_end(),
        None => {}
    }
}

fn step(model: &mut Model, detail: StepDetail, view: View, content: Arc<Content>) {
    let row = detail.info.row;
    let detail = Arc::new(detail);
    model.prompt.show_step(&detail);
    model.detail = Some(detail);
    if let Some(subject) = model.subject
        && let Scope::Step(_) = subject.scope
    {
        show_content(model, Shown::Step(row, view), content);
    }
}

/// Shows a content; the place stays if it is the same thing as before, built anew.
fn show_content(model: &mut Model, shown: Shown, content: Arc<Content>) {
    model.waiting = None;
    model.authors.shown = None;
    let keep = model.shown == Some(shown);
    model.shown = Some(shown);
    model.diff.show(content, keep);
    tick_viewed(model);
    if !keep {
        super::authors::reveal(model);
    }
}

/// Hands the ticks on to the diff.
pub fn tick_viewed(model: &mut Model) {
    let files = model.summary.iter().flat_map(|s| &s.files);
    let viewed: Vec<String> = files.filter(|f| f.viewed).map(|f| f.path.clone()).collect();
    model.diff.set_viewed(viewed);
}

fn take_summary(model: &mut Model, session: SessionRow, summary: Summary) {
    let summary = Arc::new(summary);
    for overlay in &mut model.overlays {
        if let Overlay::Summary(state) = overlay {
            state.take(summary.clone());
        }
    }
    let open = model.opening.as_ref().map(|o| o.session);
    if model.session() == Some(session) || open == Some(session) {
        model.summary = Some(summary);
        tick_viewed(model);
    }
}

fn resolved(
    model: &mut Model,
    question: Question,
    (session, step): (SessionRow, StepRow),
    effects: &mut Vec<Effect>,
) {
    if let Question::Resolve(id) = &question {
        if model.returning.as_ref() == Some(id) {
            model.returning = None;
            // Only if the user has not gone elsewhere meanwhile.
            let holds = |open: SessionRow| open == session || open.is_all();
            if let Some(opening) = model.opening.as_mut().filter(|o| holds(o.session)) {
                opening.target = Target::Step(step);
            } else if model.session().is_some_and(holds) {
                model.timeline.go_to_step(step);
            }
            return;
        }
        model.flag = Some(Flag { session, step });
        return;
    }
    super::act::remember_place(model);
    model.overlays.clear();
    open::go(model, session, Target::Step(step), effects);
}

fn memo(model: &mut Model, name: &str, value: Option<String>, effects: &mut Vec<Effect>) {
    let Some(value) = value else { return };
    if name == memory::LEFT {
        let Some(left) = Left::read(&value) else {
            return;
        };
        model.splits = left.splits;
        for density in [Density::Prompts, Density::Changes, Density::Everything] {
            if format!("{density:?}").to_lowercase() == left.density {
                model.timeline.set_density(density);
            }
        }
        model.left = Some(left);
    } else if name == memory::FLAG {
        effects.push(Effect::Ask(Question::Resolve(value)));
    } else if let (Ok(count), Some(opening)) = (value.parse(), &model.opening)
        && is_seen_of(model, name, opening.session)
    {
        model.seen = Some((opening.session, count));
    } else if let (Ok(count), Some(session)) = (value.parse::<u32>(), model.session())
        && is_seen_of(model, name, session)
        && count > 0
        && (count as usize) < model.timeline.steps().len()
    {
        model.timeline.set_new_from(Some(count));
    }
}

fn is_seen_of(model: &Model, name: &str, session: SessionRow) -> bool {
    let list = model.sessions.as_ref();
    let info = list.and_then(|l| l.sessions.iter().find(|s| s.row == session));
    info.is_some_and(|s| memory::seen(&s.id) == name)
}

/// The store has something new.
pub fn changed(model: &mut Model, effects: &mut Vec<Effect>) {
    effects.push(Effect::Ask(Question::Sessions));
    if let Some(session) = model.session() {
        effects.push(Effect::Ask(Question::Timeline(session)));
        if !session.is_all() {
            effects.push(Effect::Ask(Question::Summary(session)));
        }
    }
    super::authors::changed(model, effects);
    for overlay in &model.overlays {
        if let Overlay::Find(find) = overlay {
            effects.extend(find.query().map(Effect::Ask));
        }
    }
}
