//! The full-screen app: panes that show the answers of [`crate::query`], linked by one model.
//!
//! One loop: draw, wait for a message, take in what else has come, ask. [`model`] is everything that the screen knows,
//! [`update`] changes it (pure), [`view`] draws it (pure), [`worker`] asks questions on threads of its own, [`outside`]
//! does what reaches beyond the screen (clipboard, editor). Idle means blocked: nothing wakes the program up but an event
//! or a moment that the model asked for.
//!
//! [`door`] is the one way from here to the work folder: plans and their application, on a thread of its own.
//!
//! Inside: `widget` draws what it is handed; panes and overlays know widgets but neither each other nor the model; only
//! `update` translates a move in one pane into work for the others.

pub mod action;
mod authors;
mod clip;
pub mod door;
mod editor;
pub mod highlight;
mod input;
pub mod key;
pub mod keymap;
pub mod layout;
pub mod markdown;
pub mod marks;
pub mod memory;
pub mod message;
pub mod model;
pub mod options;
pub mod outside;
pub mod overlay;
pub mod pane;
pub mod phrase;
mod probe;
pub mod stage;
mod tabs;
mod term;
pub mod theme;
pub mod update;
pub mod view;
pub mod widget;
pub mod worker;

use std::sync::Arc;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use ratatui::Terminal;
use ratatui::backend::Backend;

use self::message::{Effect, Message};
use self::model::Model;
pub use self::options::{Environment, Options};
use self::outside::Outside;
pub use self::term::restore_on_panic;
use self::worker::{Asker, Worker};
use crate::model::Time;
use crate::query::Ask;

/// How the screen was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is over.
    Quit,
    /// The user wants to see the example.
    Demo,
    /// The user wants to see every session of this machine.
    All,
    /// The user wants to see this repository's sessions again.
    Here,
}

/// Messages taken in before the next frame.
const DRAINED: usize = 256;

/// Shows the screen until the user leaves it. `ask` makes the answers: each thread that asks has its own.
pub fn run(
    options: Options,
    ask: impl Fn() -> Result<Box<dyn Ask>> + Send + Sync + 'static,
) -> Result<End> {
    let (sender, receiver) = crossbeam_channel::unbounded();
    let asker: Asker = Arc::new(ask);
    // The threads may open the store while the terminal is asked for its background.
    let worker = Worker::start(&asker, &sender)?.with_door(options.door.as_ref(), &sender)?;
    let keymap = options.read_keymap()?;
    let (mut terminal, screen) = term::enter(options.mouse)?;
    let size = terminal.size()?.into();
    let mut model = options.model(keymap, None, size);
    terminal.draw(|frame| view::view(&model, frame))?;
    let (background, typed) = probe::background(&options.environment);
    for key in typed {
        // The other end is held below: nobody can have gone.
        let _ = sender.send(Message::Key(key));
    }
    model.theme = options.theme_for(background);
    let clock = options.clock.clone();
    let input = input::start(&sender, &options.environment)?;
    options.forward_news(&sender)?;
    let inbox = Waiting {
        receiver,
        clock: clock.clone(),
    };
    let mut outside = term::Real::new(&options, screen, input, sender);
    let end = turn(&mut terminal, model, worker, inbox, &mut outside);
    outside.leave()?;
    end
}

/// Where messages come from, and what time it is.
pub trait Inbox {
    /// Now.
    fn now(&self) -> Time;
    /// Waits for a message, at most until `wake_at`. `pending`: questions without an answer. `None` ends the loop.
    fn next(&mut self, wake_at: Option<Time>, pending: usize) -> Option<Message>;
    /// A message that is here already.
    fn ready(&mut self) -> Option<Message>;
}

/// The loop.
pub fn turn<B>(
    terminal: &mut Terminal<B>,
    mut model: Model,
    mut worker: Worker,
    mut inbox: impl Inbox,
    outside: &mut impl Outside<B>,
) -> Result<End>
where
    B: Backend,
    B::Error: Send + Sync + 'static,
{
    // The frame comes before the first question.
    draw(terminal, &model, outside)?;
    model.moment.now = inbox.now();
    let mut effects = update::start(&mut model);
    loop {
        for effect in effects.drain(..) {
            match effect {
                Effect::Ask(question) => worker.ask(question),
                Effect::GiveUp(question) => worker.give_up(&question),
                other => outside.run(other, terminal)?,
            }
        }
        if model.quit {
            break;
        }
        draw(terminal, &model, outside)?;
        let Some(first) = inbox.next(model.wake_at(), worker.pending()) else {
            break;
        };
        model.moment.now = inbox.now();
        let mut message = Some(first);
        let mut taken = 0;
        while let Some(next) = message.take() {
            if matches!(next, Message::Loaded(_)) {
                worker.answered();
            }
            effects.extend(update::update(&mut model, next));
            taken += 1;
            // What reaches outside is done before the next message, in the order of the keys.
            let outward = effects
                .iter()
                .any(|e| !matches!(e, Effect::Ask(_) | Effect::GiveUp(_)));
            if taken < DRAINED && !outward && !model.quit {
                message = inbox.ready();
            }
        }
    }
    worker.finish();
    Ok(model.leave_for.unwrap_or(End::Quit))
}

fn draw<B>(terminal: &mut Terminal<B>, model: &Model, outside: &mut impl Outside<B>) -> Result<()>
where
    B: Backend,
    B::Error: Send + Sync + 'static,
{
    outside.before_frame(terminal, model.size)?;
    terminal.draw(|frame| view::view(model, frame))?;
    outside.after_frame(terminal)
}

/// The inbox of the real program.
struct Waiting {
    receiver: Receiver<Message>,
    clock: options::Clock,
}

impl Inbox for Waiting {
    fn now(&self) -> Time {
        (self.clock)()
    }

    fn next(&mut self, wake_at: Option<Time>, _pending: usize) -> Option<Message> {
        let Some(wake_at) = wake_at else {
            return self.receiver.recv().ok();
        };
        let wait = Duration::from_millis(wake_at.since(self.now()).min(60_000));
        match self.receiver.recv_timeout(wait) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => Some(Message::Wake),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    fn ready(&mut self) -> Option<Message> {
        self.receiver.try_recv().ok()
    }
}

/// Sends a message; the loop may have ended, which is no error to whoever sends.
fn tell(sender: &Sender<Message>, message: Message) -> Result<()> {
    sender
        .send(message)
        .map_err(|_| eyre!("the screen has ended"))
}
