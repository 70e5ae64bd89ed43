//! The thread that goes through the door. One thing at a time, in order; of plans and diffs only the newest waits.
//! What writes is never dropped and never broken off: leaving the screen waits for it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use color_eyre::{Report, Result};
use crossbeam_channel::Sender;

use super::{Door, Opener, Request, Told};
use crate::query::Refused;
use crate::ui::message::{Answer, Message, Question, Reply};
use crate::ui::pane::diff::{Subject, build};

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Request>,
    writing: bool,
    closed: bool,
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

/// The thread, from outside.
pub struct Lane {
    slot: Arc<Slot>,
    thread: JoinHandle<()>,
}

impl Lane {
    /// Starts it; its answers and its progress go to the inbox.
    pub fn start(opener: &Opener, inbox: &Sender<Message>) -> Result<Lane> {
        let slot = Arc::new(Slot::default());
        let thread = {
            let (slot, opener, inbox) = (slot.clone(), opener.clone(), inbox.clone());
            std::thread::Builder::new()
                .name(format!("{}tree", crate::ui::worker::THREADS))
                .spawn(move || work(&slot, &opener, &inbox))?
        };
        Ok(Lane { slot, thread })
    }

    /// Asks; true if that is one answer more to wait for.
    pub fn ask(&self, request: Request) -> bool {
        let mut queue = lock(&self.slot);
        let older = queue.waiting.iter_mut().find(|w| {
            !is_write(w) && std::mem::discriminant(*w) == std::mem::discriminant(&request)
        });
        let more = match older {
            Some(older) => {
                *older = request;
                false
            }
            None => {
                queue.waiting.push_back(request);
                true
            }
        };
        self.slot.filled.notify_one();
        more
    }

    /// Waits for what writes, and for nothing else.
    pub fn finish(self) {
        let busy = {
            let mut queue = lock(&self.slot);
            queue.waiting.retain(is_write);
            queue.closed = true;
            self.slot.filled.notify_all();
            queue.writing || !queue.waiting.is_empty()
        };
        if busy && self.thread.join().is_err() {
            // Its panics are caught; the journal knows how far it came.
        }
    }
}

fn is_write(request: &Request) -> bool {
    matches!(
        request,
        Request::Apply(..) | Request::Fork(_) | Request::Recover
    )
}

fn next(slot: &Slot) -> Option<Request> {
    let mut queue = lock(slot);
    queue.writing = false;
    loop {
        if let Some(request) = queue.waiting.pop_front() {
            queue.writing = is_write(&request);
            return Some(request);
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

fn work(slot: &Slot, opener: &Opener, inbox: &Sender<Message>) {
    let mut door: Option<Box<dyn Door>> = None;
    while let Some(request) = next(slot) {
        let tried = catch_unwind(AssertUnwindSafe(|| {
            if door.is_none() {
                door = Some(opener()?);
            }
            match door.as_deref() {
                Some(door) => answer(door, &request, inbox),
                None => Err(Refused::because("the folder cannot be reached")),
            }
        }));
        let answer = match tried {
            Ok(told) => told.map(Answer::Tree).map_err(|why| plain(&why)),
            Err(panic) => {
                door = None;
                Err(crate::ui::worker::defect(panic.as_ref()))
            }
        };
        let question = Question::Tree(request);
        // The screen may have ended; what writes is done all the same.
        let _ = inbox.send(Message::Loaded(Box::new(Reply { question, answer })));
    }
}

fn answer(door: &dyn Door, request: &Request, inbox: &Sender<Message>) -> Result<Told> {
    Ok(match request {
        Request::Plan(_, order) => Told::Plan(Box::new(door.plan(order)?)),
        Request::Change(plan, file, options) => {
            let change = door.change(&plan.0, *file)?;
            Told::Change(Arc::new(build(Subject::Changes(&[change]), *options)))
        }
        Request::Apply(plan, partial) => {
            let report = door.apply(&plan.0, *partial, &mut |done, of, what| {
                // Nobody to tell is no reason to stop.
                let _ = inbox.send(Message::Applying { done, of, what });
            })?;
            Told::Report(Box::new(report))
        }
        Request::Fork(target) => Told::Forked(door.fork(*target)?),
        Request::Interrupted => Told::Interrupted(door.interrupted()?),
        Request::Recover => Told::Recovered(door.recover()?),
    })
}

/// An error in plain words: what was tried, why it failed, what to do. An error often repeats the one behind it.
fn plain(why: &Report) -> Arc<str> {
    let mut words = String::new();
    for cause in why.chain().map(ToString::to_string) {
        if !words.contains(&cause) {
            let sep = if words.is_empty() { "" } else { ": " };
            words.push_str(&format!("{sep}{cause}"));
        }
    }
    let refused = why.chain().find_map(|e| e.downcast_ref::<Refused>());
    if let Some(hint) = refused.and_then(|r| r.hint.as_ref()) {
        words.push_str(&format!("; {hint}"));
    }
    Arc::from(words)
}
