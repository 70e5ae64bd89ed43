//! Threads that ask. Each has an [`Ask`] of its own and answers the questions of one lane; a newer question of a kind
//! replaces one that was not begun, so that holding a key asks only for where the cursor comes to rest. Writes are never
//! replaced. The answer carries its question; whether it is still wanted is decided by `update`.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use color_eyre::Result;
use color_eyre::eyre::eyre;
use crossbeam_channel::Sender;

use super::authors;
use super::door::Opener;
use super::door::lane::Lane as Tree;
use super::message::{Answer, FateOf, Message, Question, Reply};
use super::pane::diff::{Job, Subject, View, build};
use super::pane::timeline::Blocks;
use crate::query::Ask;
use crate::query::blame::Stopped;

/// Hits asked for.
const HITS: usize = 400;

/// What makes the threads' `Ask`s.
pub type Asker = Arc<dyn Fn() -> Result<Box<dyn Ask>> + Send + Sync>;

/// The questions are divided so that a slow one holds up only its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    /// What the timeline shows.
    Rows,
    /// What the other panes show.
    Panes,
    /// Highlighting.
    Colours,
    /// Who wrote what.
    Authors,
    /// What is left of a session: the one question that may take seconds, and that nothing else waits behind.
    Standing,
    /// Searching, lists, notes.
    Rest,
}

const LANES: [Lane; 6] = [
    Lane::Rows,
    Lane::Panes,
    Lane::Colours,
    Lane::Authors,
    Lane::Standing,
    Lane::Rest,
];

/// One of each kind waits at most; `None` for those that are all carried out.
fn kind_of(question: &Question) -> (Lane, Option<&'static str>) {
    match question {
        Question::Timeline(_) => (Lane::Rows, Some("timeline")),
        Question::Rows(_) => (Lane::Rows, Some("rows")),
        Question::Filter(..) => (Lane::Rows, Some("filter")),
        Question::Search(..) => (Lane::Rows, Some("search")),
        Question::StepAt(..) => (Lane::Rows, Some("step at")),
        Question::Step(..) => (Lane::Panes, Some("step")),
        Question::Prompt(..) => (Lane::Panes, Some("prompt")),
        Question::Changes(..) => (Lane::Panes, Some("changes")),
        Question::Words(..) => (Lane::Colours, Some("words")),
        Question::Paint(_) => (Lane::Colours, Some("paint")),
        Question::Gap(..) => (Lane::Panes, Some("changes")),
        Question::Blame(_) => (Lane::Authors, Some("blame")),
        Question::History(_) => (Lane::Authors, Some("history")),
        Question::Fate(_) => (Lane::Authors, Some("fate")),
        Question::Standing(_) => (Lane::Standing, Some("standing")),
        Question::Sessions => (Lane::Rest, Some("sessions")),
        Question::Summary(_) => (Lane::Rest, Some("summary")),
        Question::Find(_) | Question::FindRest(_) => (Lane::Rest, Some("find")),
        Question::PeekStep(_) | Question::PeekPrompt(..) => (Lane::Rest, Some("peek")),
        Question::Files => (Lane::Rest, Some("files")),
        Question::Resolve(_) | Question::Locate(_) => (Lane::Rest, None),
        // It has a thread of its own.
        Question::Tree(_) => (Lane::Rest, None),
        Question::Memo(_) | Question::SetMemo(..) | Question::SetViewed { .. } => {
            (Lane::Rest, None)
        }
    }
}

fn is_write(question: &Question) -> bool {
    matches!(question, Question::SetMemo(..) | Question::SetViewed { .. })
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Question>,
    /// The kind of the one that is being answered.
    answering: Option<&'static str>,
    /// Nobody waits for that one any more.
    given_up: bool,
    closed: bool,
}

impl Queue {
    /// Whether nobody waits for what is being answered any more: it was asked anew, or it is one of those that are only
    /// nice to know and something else is asked for.
    fn is_overtaken(&self) -> bool {
        let newer = |q: &Question| kind_of(q).1 == self.answering;
        let minor = self.answering == Some("fate") && !self.waiting.is_empty();
        self.closed || self.given_up || minor || self.waiting.iter().any(newer)
    }
}

#[derive(Default)]
struct Slot {
    queue: Mutex<Queue>,
    filled: Condvar,
}

fn lock(slot: &Slot) -> MutexGuard<'_, Queue> {
    // A thread that panicked while it held the lock left a queue that is whole all the same.
    slot.queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The threads.
pub struct Worker {
    slots: Vec<(Lane, Arc<Slot>)>,
    pending: usize,
    threads: Vec<std::thread::JoinHandle<()>>,
    tree: Option<Tree>,
}

impl Worker {
    /// Starts the threads; their answers go to the inbox.
    pub fn start(asker: &Asker, inbox: &Sender<Message>) -> Result<Worker> {
        let mut worker = Worker {
            slots: Vec::new(),
            pending: 0,
            threads: Vec::new(),
            tree: None,
        };
        for lane in LANES {
            let slot = Arc::new(Slot::default());
            worker.slots.push((lane, slot.clone()));
            let (asker, inbox) = (asker.clone(), inbox.clone());
            let thread = std::thread::Builder::new()
                .name(format!("{THREADS}{lane:?}").to_lowercase())
                .spawn(move || work(&slot, &asker, &inbox))?;
            worker.threads.push(thread);
        }
        Ok(worker)
    }

    /// With the thread that goes through the door to the work folder.
    pub fn with_door(mut self, door: Option<&Opener>, inbox: &Sender<Message>) -> Result<Worker> {
        self.tree = door.map(|d| Tree::start(d, inbox)).transpose()?;
        Ok(self)
    }

    /// Asks a question.
    pub fn ask(&mut self, question: Question) {
        if let Question::Tree(request) = question {
            if let Some(tree) = &self.tree {
                self.pending += usize::from(tree.ask(request));
            }
            return;
        }
        let (lane, kind) = kind_of(&question);
        let Some((_, slot)) = self.slots.iter().find(|(l, _)| *l == lane) else {
            return;
        };
        let mut queue = lock(slot);
        let same = |q: &Question| kind.is_some() && kind_of(q).1 == kind;
        match queue.waiting.iter_mut().find(|q| same(q)) {
            Some(older) => *older = question,
            None => {
                queue.waiting.push_back(question);
                self.pending += 1;
            }
        }
        slot.filled.notify_one();
    }

    /// Nobody waits for the answer any more: it is not begun, or broken off.
    pub fn give_up(&mut self, question: &Question) {
        let (lane, kind) = kind_of(question);
        let Some((_, slot)) = self.slots.iter().find(|(l, _)| *l == lane) else {
            return;
        };
        let mut queue = lock(slot);
        let before = queue.waiting.len();
        queue.waiting.retain(|q| q != question);
        self.pending -= before - queue.waiting.len();
        // The one that is being answered is asked whether it should go on, and answers that it stopped.
        queue.given_up |= kind.is_some() && queue.answering == kind;
    }

    /// An answer was taken out of the inbox.
    pub fn answered(&mut self) {
        self.pending = self.pending.saturating_sub(1);
    }

    /// Questions without an answer yet.
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// Waits for the writes that were asked for, then ends the threads.
    pub fn finish(self) {
        if let Some(tree) = self.tree {
            tree.finish();
        }
        for (_, slot) in &self.slots {
            let mut queue = lock(slot);
            queue.waiting.retain(is_write);
            queue.closed = true;
            slot.filled.notify_all();
        }
        for (i, thread) in self.threads.into_iter().enumerate() {
            // Only the last lane writes; a read that takes long need not hold up the end of the program.
            if i + 1 == LANES.len() && thread.join().is_err() {
                return;
            }
        }
    }
}

fn work(slot: &Arc<Slot>, asker: &Asker, inbox: &Sender<Message>) {
    let mut ask: Option<Box<dyn Ask>> = None;
    while let Some(question) = next(slot) {
        if ask.is_none() {
            match asker() {
                Ok(made) => {
                    let slot = Arc::downgrade(slot);
                    made.stop_when(Arc::new(move || {
                        let slot = slot.upgrade();
                        slot.is_none_or(|slot| lock(&slot).is_overtaken())
                    }));
                    ask = Some(made);
                }
                Err(why) => {
                    let answer = Err(plain(&why));
                    if send(inbox, question, answer).is_err() {
                        return;
                    }
                    continue;
                }
            }
        }
        let Some(asked) = ask.as_deref() else {
            continue;
        };
        // A defect that some foreign text brings to light costs this answer, not the screen.
        let newer = || is_outdated(slot, &question);
        let tried = catch_unwind(AssertUnwindSafe(|| answer(asked, &question, &newer)));
        let answer = match tried {
            Ok(Err(why)) if why.is::<Stopped>() => Ok(Answer::Stopped),
            Ok(answer) => answer.map_err(|why| plain(&why)),
            Err(panic) => {
                ask = None;
                Err(defect(panic.as_ref()))
            }
        };
        if send(inbox, question, answer).is_err() {
            return;
        }
    }
}

/// What a panic said.
pub(super) fn defect(panic: &(dyn std::any::Any + Send)) -> Arc<str> {
    let words = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let words = words.unwrap_or("no reason was given");
    Arc::from(format!("this is a defect of regent-tui: {words}"))
}

/// Whether the current thread is one of these: its panics become answers, and the terminal stays as it is.
pub(super) fn is_asking() -> bool {
    let thread = std::thread::current();
    thread.name().is_some_and(|name| name.starts_with(THREADS))
}

/// How the threads' names begin.
pub(super) const THREADS: &str = "ask ";

fn next(slot: &Slot) -> Option<Question> {
    let mut queue = lock(slot);
    loop {
        if let Some(question) = queue.waiting.pop_front() {
            queue.answering = kind_of(&question).1;
            queue.given_up = false;
            return Some(question);
        }
        if queue.closed {
            return None;
        }
        queue = slot
            .filled
            .wait(queue)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

/// Whether other words are waiting to be found already.
fn is_outdated(slot: &Slot, question: &Question) -> bool {
    fn words(question: &Question) -> Option<&str> {
        match question {
            Question::Find(query) | Question::FindRest(query) => Some(query),
            _ => None,
        }
    }
    words(question).is_some_and(|mine| {
        let queue = lock(slot);
        queue.waiting.iter().filter_map(words).any(|w| w != mine)
    })
}

fn send(
    inbox: &Sender<Message>,
    question: Question,
    answer: Result<Answer, Arc<str>>,
) -> Result<(), ()> {
    let reply = Box::new(Reply { question, answer });
    inbox.send(Message::Loaded(reply)).map_err(|_| ())
}

/// An error in plain words: what was tried, then why.
fn plain(why: &color_eyre::Report) -> Arc<str> {
    let words: Vec<String> = why.chain().map(ToString::to_string).collect();
    Arc::from(words.join(": "))
}

/// `newer`: whether the answer is not wanted any more.
fn answer(ask: &dyn Ask, question: &Question, newer: &dyn Fn() -> bool) -> Result<Answer> {
    Ok(match question {
        Question::Sessions => Answer::Sessions(ask.sessions()?),
        Question::Timeline(session) => {
            let timeline = Box::new(ask.timeline(*session)?);
            let blocks = Arc::new(Blocks::of(&timeline));
            Answer::Timeline(timeline, blocks)
        }
        Question::Rows(rows) => Answer::Rows(ask.rows(rows)?),
        Question::Step(step, view, options) => {
            let detail = Box::new(ask.step(*step)?);
            let views = View::of(&detail);
            let first = views.first().copied().unwrap_or(View::Raw);
            let view = view.filter(|v| views.contains(v)).unwrap_or(first);
            let content = build(Subject::Step(&detail, view), *options);
            Answer::Step(detail, view, Arc::new(content))
        }
        Question::PeekStep(step) => Answer::Peek(Box::new(ask.step(*step)?)),
        Question::Words(words, room, theme) => {
            Answer::Words(super::markdown::render(words, *room, theme))
        }
        Question::Paint(paint) => Answer::Painted(Box::new(Job::clone(&paint.0).run())),
        Question::Prompt(session, no) | Question::PeekPrompt(session, no) => {
            Answer::Prompt(ask.prompt(*session, *no)?)
        }
        Question::Changes(scope, options) => {
            let changes = ask.changes(*scope)?;
            Answer::Changes(Arc::new(build(Subject::Changes(&changes), *options)))
        }
        Question::Gap(gap, options) => {
            let changes = std::slice::from_ref(&*gap.0);
            Answer::Changes(Arc::new(build(Subject::Changes(changes), *options)))
        }
        Question::Blame(seek) => authors::blame(ask, seek)?,
        Question::History(path) => Answer::History(Arc::new(ask.history(path)?)),
        Question::Fate(FateOf::Step(step)) => Answer::Fate(Box::new(ask.fate(*step)?)),
        Question::Fate(FateOf::Prompt(session, no)) => {
            Answer::Alive(ask.alive(*session, Some(*no))?)
        }
        Question::Standing(session) => Answer::Alive(ask.alive(*session, None)?),
        Question::Summary(session) => Answer::Summary(Box::new(ask.summary(*session)?)),
        Question::Filter(session, filter) | Question::Search(session, filter) => {
            Answer::Filter(ask.filter(*session, filter)?)
        }
        Question::Find(query) => Answer::Found(ask.find_first(query)?),
        Question::FindRest(query) => match ask.find_unless(query, HITS, newer)? {
            Some(found) => Answer::Found(found),
            None => Answer::Done,
        },
        Question::Files => Answer::Files(ask.files()?),
        Question::Resolve(word) => {
            let (session, step) = ask.resolve_step(word)?;
            Answer::Resolved(session, step)
        }
        Question::Locate(row) => {
            let rows = ask.rows(&[*row])?;
            let info = rows.first().ok_or_else(|| eyre!("this step is gone"))?;
            let (session, step) = ask.resolve_step(&info.id)?;
            Answer::Resolved(session, step)
        }
        Question::StepAt(session, at) => Answer::StepAt(ask.step_at(*session, *at)?),
        Question::Memo(name) => Answer::Memo(ask.memo(name)?),
        Question::SetMemo(name, value) => {
            ask.set_memo(name, value)?;
            Answer::Done
        }
        Question::Tree(_) => return Err(eyre!("this is not asked of the history")),
        Question::SetViewed {
            session,
            path,
            state,
            viewed,
        } => {
            ask.set_viewed(*session, path, state, *viewed)?;
            Answer::Done
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_given_up_for_other_words_only() {
        let slot = Slot::default();
        let rest = Question::FindRest("retry".to_owned());
        assert!(!is_outdated(&slot, &rest));
        lock(&slot).waiting.push_back(Question::Files);
        lock(&slot).waiting.push_back(rest.clone());
        assert!(!is_outdated(&slot, &rest));
        let other = Question::Find("retry l".to_owned());
        lock(&slot).waiting.push_back(other.clone());
        assert!(is_outdated(&slot, &rest));
        assert!(!is_outdated(&slot, &Question::Files));
    }

    #[test]
    fn a_newer_question_replaces_one_that_waits_but_writes_are_all_carried_out() {
        let (inbox, answers) = crossbeam_channel::unbounded();
        let asker: Asker = Arc::new(|| Err(eyre!("no store")));
        let mut worker = Worker {
            slots: vec![(Lane::Panes, Arc::default()), (Lane::Rest, Arc::default())],
            pending: 0,
            threads: Vec::new(),
            tree: None,
        };
        for no in 0..5 {
            worker.ask(Question::Prompt(crate::query::types::SessionRow(1), no));
            worker.ask(Question::SetMemo(no.to_string(), String::new()));
        }
        assert_eq!(worker.pending(), 6);
        worker
            .slots
            .iter()
            .for_each(|(_, slot)| lock(slot).closed = true);
        let slots = worker.slots.clone();
        slots
            .iter()
            .for_each(|(_, slot)| work(slot, &asker, &inbox));
        let answers: Vec<Message> = answers.try_iter().collect();
        assert_eq!(answers.len(), 6);
        let failed = |m: &Message| matches!(m, Message::Loaded(r) if r.answer.is_err());
        assert!(answers.iter().all(failed), "the reason reaches the screen");
    }
}
