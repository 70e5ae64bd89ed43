//! Who wrote what: which file is asked about, what the pane of authors does to the others, what came back.

use std::sync::Arc;

use super::super::action::Action;
use super::super::layout::Pane;
use super::super::message::{Answer, Blamed, Effect, FateOf, Gap, How, Note, Question, Seek};
use super::super::model::{About, Fated, Model, ScopeKind, Shown, Subject};
use super::super::overlay::{Overlay, picker};
use super::super::pane::blame::{self, Out, Selected};
use super::super::pane::diff;
use super::super::pane::timeline::verb_of;
use super::{act, diff as diffs, focus, open, say};
use crate::model::Agent;
use crate::query::blame::When;
use crate::query::types::{Scope, SessionRow, StepRow};
use crate::text;
use crate::ui::overlay::Target;

/// The file that the program was started on.
pub fn start(model: &mut Model, effects: &mut Vec<Effect>) {
    if let Some((path, line)) = model.authors.wanted.clone() {
        opening(model);
        model.authors.pane.await_file(&path);
        open_file(model, path, line, effects);
    }
}

/// Opens a file as it is now, with the authors of its lines.
pub fn open_file(model: &mut Model, path: String, line: u32, effects: &mut Vec<Effect>) {
    let seek = Seek {
        path,
        when: When::Now,
        line,
        how: How::Now,
        commits: false,
        replaces: false,
    };
    ask(model, Question::Blame(seek), effects);
}

/// Opens what touched a file.
pub fn open_history(model: &mut Model, path: String, effects: &mut Vec<Effect>) {
    ask(model, Question::History(path), effects);
}

fn ask(model: &mut Model, question: Question, effects: &mut Vec<Effect>) {
    model.authors.asked = Some(question.clone());
    effects.push(Effect::Ask(question));
}

/// An action; false if it has nothing to do with authors.
pub fn act(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    if action == Action::Later {
        later(model);
        return true;
    }
    let is_open = model.authors.pane.is_open();
    if is_open && model.focus == Pane::Timeline {
        return in_pane(model, action, effects);
    }
    match action {
        Action::Blame => from_diff(model, effects),
        Action::History => match file_here(model) {
            Some(path) => open_history(model, path, effects),
            None => say(
                model,
                "put the cursor on a file or on a step that touched one",
            ),
        },
        // The timeline is not on the screen: what would move its cursor unseen is kept from it.
        // The sides of a step are the prompt pane's, whoever selected the step.
        Action::NextView if model.focus == Pane::Prompt => return false,
        _ if is_open && is_of_timeline(action) => say(model, BEHIND),
        _ => return false,
    }
    true
}

const BEHIND: &str = "Enter goes to the step in the timeline; Esc goes back";

/// What is about the timeline's cursor.
fn is_of_timeline(action: Action) -> bool {
    matches!(
        action,
        Action::NextPrompt
            | Action::PreviousPrompt
            | Action::NextChange
            | Action::PreviousChange
            | Action::LastPassingTest
            | Action::NextFailure
            | Action::Mark
            | Action::Density
            | Action::Filter
            | Action::Follow
            | Action::Rewind
            | Action::CopyCommand
            | Action::CopyStepId
            | Action::NextView
    )
}

/// An action while the pane has the focus.
fn in_pane(model: &mut Model, action: Action, effects: &mut Vec<Effect>) -> bool {
    if action == Action::CopyStepId {
        match (model.authors.pane.selected(&model.moment), model.subject) {
            (Some(Selected::Step { step, .. }), _) => {
                effects.push(Effect::Copy("step id", step.id.clone()));
            }
            _ => say(model, "no step wrote this line"),
        }
        return true;
    }
    if matches!(action, Action::SearchPane) && model.authors.pane.text().is_some() {
        act::search_line(model);
        return true;
    }
    match model.authors.pane.update(action) {
        Out::Ignored if is_of_timeline(action) => say(model, BEHIND),
        Out::Ignored => return false,
        Out::Done => {}
        Out::Close => close(model),
        Out::Go(session, step) => {
            act::remember_place(model);
            leave(model);
            focus(model, Pane::Timeline);
            open::go(model, session, Target::Step(step), effects);
        }
        Out::Seek(seek) => ask(model, Question::Blame(seek), effects),
        Out::History(path) => open_history(model, path, effects),
        Out::Text(out) => diffs::heard(model, out, effects),
        Out::Say(words) => say(model, words),
    }
    true
}

/// One view back; from the last one to the timeline.
pub fn close(model: &mut Model) {
    model.authors.pane.pop();
    model.authors.asked = None;
    if !model.authors.pane.is_open() {
        leave(model);
    }
}

/// Back to the timeline.
pub fn leave(model: &mut Model) {
    if !std::mem::take(&mut model.authors.opened) {
        return;
    }
    model.authors.pane.clear();
    model.authors.shown = None;
    model.shown = None;
    model.subject = None;
    model.refresh = true;
    let back = model.authors.focus;
    focus(model, back);
}

/// The pane as it was left, over the timeline that it lay over.
pub fn reopen(model: &mut Model, pane: blame::Stack, effects: &mut Vec<Effect>) {
    opening(model);
    model.authors.pane = pane;
    model.follow = false;
    // What it shows may have changed meanwhile.
    changed(model, effects);
}

/// `b` in the explorer: the line under the cursor of the diff, else the file that the step touched.
fn from_diff(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(place) = model.diff.line_under_cursor().filter(|p| p.path.is_some()) else {
        match file_here(model) {
            Some(path) => open_file(model, path, 1, effects),
            None => say(
                model,
                "put the cursor on a line of a file to see who wrote it",
            ),
        }
        return;
    };
    let path = place.path.unwrap_or_default();
    let (after, before) = states(model);
    let (path, when, line) = match (place.new_line, place.old_line) {
        (Some(line), _) => (path, after, line),
        (None, Some(line)) => (place.old_path.unwrap_or(path), before, line),
        // A line without a number: the record does not say where it stood.
        (None, None) => (path, When::Now, 1),
    };
    let seek = Seek {
        path,
        when,
        line,
        how: How::Now,
        commits: false,
        replaces: false,
    };
    ask(model, Question::Blame(seek), effects);
}

/// The states on both sides of the diff: of what was added, and of what was removed.
fn states(model: &Model) -> (When, When) {
    let both = |step| (When::After(step), When::Before(step));
    let scope = match model.shown {
        Some(Shown::Step(step, _)) => return both(step),
        Some(Shown::Changes(scope)) => scope,
        None => return (When::Now, When::Now),
    };
    let steps = model.timeline.steps();
    let place = |row: StepRow| steps.iter().position(|s| s.row == row);
    let range = match scope {
        Scope::Step(step) => return both(step),
        Scope::Now(step) => return (When::Now, When::After(step)),
        Scope::Between(a, b) => {
            let (first, last) = if place(a) <= place(b) { (a, b) } else { (b, a) };
            return (When::After(last), When::After(first));
        }
        Scope::Prompt(session, no) => {
            let index = model.timeline.index_of_prompt(session, no);
            let prompt = index.and_then(|i| model.timeline.prompts().get(i));
            prompt.map(|p| p.steps.start as usize..p.steps.end as usize)
        }
        Scope::Session(session) => {
            let prompts = model.timeline.prompts();
            let mut own = prompts.iter().filter(|p| p.session == session);
            let first = own.next();
            let last = own.next_back().or(first);
            first
                .zip(last)
                .map(|(a, b)| a.steps.start as usize..b.steps.end as usize)
        }
        // Beside it stands no step to be asked about; the lines that it put back are those of now.
        Scope::Rewind(_) => return (When::Now, When::Now),
    };
    let of = range.and_then(|r| steps.get(r));
    match of.and_then(|s| Some((s.first()?.row, s.last()?.row))) {
        Some((first, last)) => (When::After(last), When::Before(first)),
        None => (When::Now, When::Now),
    }
}

/// The file under the cursor of the diff, else the first that the selected step touched.
fn file_here(model: &Model) -> Option<String> {
    let of_diff = model.diff.file_under_cursor();
    let of_step = || {
        let detail = model.detail.as_ref()?;
        let selected = model.subject.and_then(|s| s.step) == Some(detail.info.row);
        detail.info.paths.first().filter(|_| selected).cloned()
    };
    of_diff.or_else(of_step)
}

/// What prompt and diff are about while the pane is open. What is no step is shown at once.
pub fn subject(model: &mut Model, effects: &mut Vec<Effect>) -> Option<Subject> {
    let about = match model.authors.pane.selected(&model.moment)? {
        Selected::Step { root, step, .. } => {
            let scope = match (model.scope, model.flag) {
                (ScopeKind::Prompt, _) => Scope::Prompt(root, step.prompt_no),
                (ScopeKind::Session, _) => Scope::Session(root),
                (ScopeKind::Now, _) => Scope::Now(step.row),
                (ScopeKind::SinceMark, Some(flag)) => Scope::Between(flag.step, step.row),
                _ => Scope::Step(step.row),
            };
            return Some(Subject {
                session: root,
                prompt: step.prompt_no,
                step: Some(step.row),
                scope,
            });
        }
        Selected::Gap(gap) => About::Gap(gap),
        Selected::Words(heading, words) => {
            if model.authors.shown != Some(About::Words(words.clone())) {
                model.prompt.show_said(heading, words.clone());
            }
            About::Words(words)
        }
    };
    if model.authors.shown.as_ref() != Some(&about) {
        model.shown = None;
        model.waiting = None;
        model.detail = None;
        match &about {
            About::Gap(gap) => {
                let words = "no step of a recorded session made this change".to_owned();
                model.prompt.show_said("No prompt", words);
                let options = model.diff.options(&model.theme);
                effects.push(Effect::Ask(Question::Gap(Gap(gap.clone()), options)));
            }
            About::Words(_) => {
                let content = diff::said("No step", "No recorded step wrote this line.");
                model.diff.show(Arc::new(content), false);
            }
        }
        model.authors.shown = Some(about);
    }
    None
}

/// Whose words stand in the prompt pane.
pub fn agent(model: &Model) -> Option<Agent> {
    match model.authors.pane.selected(&model.moment) {
        Some(Selected::Step { agent, .. }) => agent,
        _ => Some(model.info_here()?.agent),
    }
}

/// Puts the cursor of the diff on the line that is asked about.
pub fn reveal(model: &mut Model) {
    if let Some(Selected::Step { file, step, .. }) = model.authors.pane.selected(&model.moment)
        && model.subject.and_then(|s| s.step) == Some(step.row)
    {
        let (path, line) = file;
        model.diff.reveal(&path, line.as_deref());
    }
}

/// The text that a search in the pane is about.
pub fn searched(model: &mut Model) -> &mut diff::State {
    let in_file = model.focus == Pane::Timeline;
    match model.authors.pane.text() {
        Some(text) if in_file => text,
        _ => &mut model.diff,
    }
}

/// Asks what became of what is selected, if it wrote something.
pub fn ask_fate(model: &mut Model, subject: Option<Subject>, effects: &mut Vec<Effect>) {
    // While transcripts are read it would be worked out again and again.
    let reading = model.ingest.is_some_and(|i| i.read < i.total);
    let of = subject.filter(|_| !reading).and_then(|s| match s.step {
        None => Some(FateOf::Prompt(s.session, s.prompt)),
        Some(step) => {
            let in_timeline = model.timeline.selected_step().filter(|s| s.row == step);
            let changed = model.authors.pane.is_open() || in_timeline.is_some_and(|s| s.changed);
            changed.then_some(FateOf::Step(step))
        }
    });
    if model.authors.fate.as_ref().map(|(known, _)| *known) != of {
        model.authors.fate = None;
        model.prompt.show_fate(None);
    }
    model.authors.asked_fate = of;
    effects.extend(of.map(|of| Effect::Ask(Question::Fate(of))));
}

fn take_fate(model: &mut Model, of: FateOf, fated: Fated) {
    if model.authors.asked_fate != Some(of) {
        return;
    }
    let words = match (&fated, of) {
        (Fated::Prompt(alive), FateOf::Prompt(session, _)) => blame::alive(alive, session),
        (Fated::Step(fate), _) => blame::fate(fate),
        _ => None,
    };
    model.prompt.show_fate(words);
    model.authors.fate = Some((of, fated));
}

/// For the summary of a session. It is said beside something else: that it cannot be counted is not worth an error.
fn take_standing(model: &mut Model, session: SessionRow, answer: Result<Answer, Arc<str>>) {
    let words = match answer {
        // Somebody may have come back to it meanwhile: then it was asked anew.
        Ok(Answer::Stopped) => return,
        Ok(Answer::Alive(alive)) => blame::alive(&alive, session),
        _ => None,
    };
    model.asked_standing = model.asked_standing.filter(|asked| *asked != session);
    for overlay in &mut model.overlays {
        if let Overlay::Summary(summary) = overlay {
            summary.take_standing(session, words.clone());
        }
    }
}

/// `g l`: the later steps that changed the same lines.
fn later(model: &mut Model) {
    let steps: Vec<(String, StepRow)> = match &model.authors.fate {
        Some((_, Fated::Step(fate))) => {
            let words = |l: &crate::query::blame::Later| {
                let lines = crate::ui::phrase::count(l.lines.into(), "lines");
                let step = &l.step;
                let at = step.at.map(|at| model.moment.day(at)).unwrap_or_default();
                let (verb, title) = (verb_of(step.kind), text::one_line(&step.title));
                format!("prompt {}  {verb} {title}  {lines}  {at}", step.prompt_no)
            };
            fate.by.iter().map(|l| (words(l), l.step.row)).collect()
        }
        Some((_, Fated::Prompt(_))) => {
            say(model, "put the cursor on a step that changed a file");
            return;
        }
        None => Vec::new(),
    };
    match steps.is_empty() {
        true => say(model, "no later step changed these lines"),
        false => {
            let picker = picker::State::later(steps);
            model.overlays.push(Overlay::Picker(Box::new(picker)));
        }
    }
}

/// The store has something new.
pub fn changed(model: &mut Model, effects: &mut Vec<Effect>) {
    if let Some((path, line)) = model.authors.wanted.clone()
        && model.authors.pane.is_empty()
        && model.authors.pane.is_open()
    {
        open_file(model, path, line, effects);
    } else if let Some(seek) = model.authors.pane.again() {
        effects.push(Effect::Ask(Question::Blame(seek)));
    } else if let Some(path) = model.authors.pane.history_of() {
        effects.push(Effect::Ask(Question::History(path.to_owned())));
    }
}

/// An answer about authors.
pub fn answered(
    model: &mut Model,
    question: Question,
    answer: Result<Answer, Arc<str>>,
    effects: &mut Vec<Effect>,
) {
    let asked = model.authors.asked.as_ref() == Some(&question);
    match (question, answer) {
        (Question::Standing(session), answer) => take_standing(model, session, answer),
        (_, Ok(Answer::Stopped)) => {}
        (Question::Fate(of), Ok(Answer::Fate(fate))) => take_fate(model, of, Fated::Step(fate)),
        (Question::Fate(of), Ok(Answer::Alive(alive))) => {
            take_fate(model, of, Fated::Prompt(alive));
        }
        // It is said beside something else: not worth an error.
        (Question::Fate(_), _) => {}
        (Question::Gap(gap, _), Ok(Answer::Changes(content)))
            if model.authors.shown == Some(About::Gap(gap.0.clone())) =>
        {
            model.diff.show(content, false);
        }
        (Question::Blame(seek), Ok(Answer::Blame(blamed))) => {
            let current = seek.replaces
                && model
                    .authors
                    .pane
                    .again()
                    .is_some_and(|s| s.path == seek.path);
            if asked || current {
                model.authors.asked = None;
                show(model, seek, *blamed, effects);
            }
        }
        (Question::Blame(_), Ok(Answer::NoFurther(words))) if asked => {
            model.authors.asked = None;
            say(model, words);
        }
        (Question::History(path), Ok(Answer::History(history))) => {
            let current = model.authors.pane.history_of() == Some(path.as_str());
            if asked || current {
                model.authors.asked = None;
                opening(model);
                model.authors.pane.show_history(history);
            }
        }
        (_, Err(why)) if asked => {
            model.authors.asked = None;
            if !model.authors.pane.say(&why) {
                model.note = Some(Note::error(why.to_string()));
            }
        }
        _ => {}
    }
}

/// What is in the way goes, and the pane gets the focus.
fn opening(model: &mut Model) {
    if !model.authors.opened {
        model.authors.opened = true;
        model.authors.focus = model.focus;
    }
    focus(model, Pane::Timeline);
}

fn show(model: &mut Model, seek: Seek, blamed: Blamed, effects: &mut Vec<Effect>) {
    let searched = seek.commits;
    let older = |o: &crate::query::blame::Origin| {
        o.author == crate::model::Author::Before && o.commit.is_none()
    };
    let ask_commits = !searched && blamed.blame.origins.iter().any(older);
    let marks = model.marks;
    if !seek.replaces {
        opening(model);
        model.follow = false;
    }
    let gone = blamed.gone.is_some();
    let again = Seek {
        path: blamed.blame.path.clone(),
        when: blamed.when,
        line: blamed.line,
        how: How::There,
        commits: true,
        replaces: true,
    };
    model.authors.pane.show(blamed, &seek, marks);
    if gone {
        say(model, "this line is gone: this is the file as it was");
    }
    if ask_commits {
        effects.push(Effect::Ask(Question::Blame(again)));
    }
}
