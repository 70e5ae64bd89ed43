//! The thread that reads the terminal, and the one that hears signals.
//!
//! It sleeps until the terminal has something, and can be sent to rest while an editor reads the keys. Inside tmux over a
//! slow line Esc and the next key may come in one piece, which reads as Alt and that key; nothing here needs Alt, so it
//! is taken for what it was: Esc, then the key.

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use color_eyre::Result;
use crossbeam_channel::Sender;
use crossterm::event::{
    self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEventKind,
};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::stdio::stdin;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;

use super::key::KeyPress;
use super::message::Message;
use super::options::Environment;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Reading,
    RestWanted,
    Resting,
    Over,
}

/// The reading thread, from outside.
pub struct Input {
    wake: PipeWriter,
    phase: Arc<(Mutex<Phase>, Condvar)>,
}

fn lock(phase: &(Mutex<Phase>, Condvar)) -> MutexGuard<'_, Phase> {
    phase.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Input {
    /// Sends the thread to rest; when this returns it does not touch the terminal.
    pub fn rest(&mut self) -> Result<()> {
        *lock(&self.phase) = Phase::RestWanted;
        self.wake.write_all(b".")?;
        let mut phase = lock(&self.phase);
        while *phase == Phase::RestWanted {
            let (next, timeout) = self
                .phase
                .1
                .wait_timeout(phase, Duration::from_secs(1))
                .unwrap_or_else(PoisonError::into_inner);
            phase = next;
            if timeout.timed_out() {
                break;
            }
        }
        Ok(())
    }

    /// Ends the thread: whoever reads the terminal next gets every key.
    fn end(&mut self) -> Result<()> {
        self.rest()?;
        *lock(&self.phase) = Phase::Over;
        self.phase.1.notify_all();
        Ok(())
    }

    /// Lets it read again.
    pub fn go_on(&self) {
        *lock(&self.phase) = Phase::Reading;
        self.phase.1.notify_all();
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // A pipe that is broken means that the thread has ended.
        let _ = self.end();
    }
}

/// Starts both threads.
pub fn start(inbox: &Sender<Message>, environment: &Environment) -> Result<Input> {
    let (reader, wake) = std::io::pipe()?;
    let phase = Arc::new((Mutex::new(Phase::Reading), Condvar::new()));
    let mut thread = Reading {
        inbox: inbox.clone(),
        wake: reader,
        phase: phase.clone(),
        answer: 0,
        environment: environment.clone(),
    };
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || thread.run())?;
    hear_signals(inbox.clone())?;
    Ok(Input { wake, phase })
}

fn hear_signals(inbox: Sender<Message>) -> Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT, SIGWINCH])?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                let message = match signal {
                    SIGTSTP => Message::Suspend,
                    SIGCONT => Message::Continued,
                    SIGWINCH => match crossterm::terminal::size() {
                        Ok((width, height)) => Message::Resize(width, height),
                        Err(_) => continue,
                    },
                    _ => Message::Terminate,
                };
                if inbox.send(message).is_err() {
                    return;
                }
            }
        })?;
    Ok(())
}

struct Reading {
    inbox: Sender<Message>,
    wake: PipeReader,
    phase: Arc<(Mutex<Phase>, Condvar)>,
    /// Events of a late answer of the terminal that are still to be swallowed.
    answer: u32,
    environment: Environment,
}

/// A late answer is at most this long; then it was none.
const ANSWER: u32 = 64;

impl Reading {
    fn run(&mut self) {
        while let Some(reading) = self.rested() {
            if reading && self.go().is_err() {
                // The terminal is gone: there is nobody to show anything to.
                let _ = self.inbox.send(Message::Terminate);
                return;
            }
        }
    }

    /// Rests if that is wanted; true when it may read, `None` when it is over.
    fn rested(&mut self) -> Option<bool> {
        let mut phase = lock(&self.phase);
        if *phase == Phase::RestWanted {
            *phase = Phase::Resting;
            self.phase.1.notify_all();
        }
        while *phase == Phase::Resting {
            phase = self
                .phase
                .1
                .wait(phase)
                .unwrap_or_else(PoisonError::into_inner);
        }
        match *phase {
            Phase::Over => None,
            phase => Some(phase == Phase::Reading),
        }
    }

    fn go(&mut self) -> Result<()> {
        let tty = stdin();
        let mut fds = [
            PollFd::new(&tty, PollFlags::IN),
            PollFd::new(&self.wake, PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => return Ok(()),
            other => other?,
        };
        let typed = fds[0].revents();
        if fds[1].revents().contains(PollFlags::IN) {
            self.wake.read_exact(&mut [0])?;
            return Ok(());
        }
        if typed.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(color_eyre::eyre::eyre!("the terminal is gone"));
        }
        let mut read = 0;
        // A sequence may come in two pieces: a short wait lets the rest arrive.
        let mut wait = Duration::from_millis(20);
        while event::poll(wait)? {
            self.event(event::read()?)?;
            read += 1;
            // With no time at all it would not even look at what it has read already.
            wait = Duration::from_millis(1);
        }
        if read == 0 {
            // Something is there that is no event yet; do not spin on it.
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn event(&mut self, event: Event) -> Result<()> {
        self.environment.may_panic("input");
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                for key in self.keys(&key) {
                    super::tell(&self.inbox, Message::Key(key))?;
                }
            }
            Event::Paste(text) => super::tell(&self.inbox, Message::Paste(text))?,
            Event::Mouse(mouse) if mouse.kind != MouseEventKind::Moved => {
                super::tell(&self.inbox, Message::Mouse(mouse))?;
            }
            Event::Resize(width, height) => {
                super::tell(&self.inbox, Message::Resize(width, height))?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The keys of an event: none while an answer of the terminal that came too late goes by.
    fn keys(&mut self, key: &KeyEvent) -> Vec<KeyPress> {
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        if self.answer > 0 {
            self.answer -= 1;
            let bell = key.code == KeyCode::Char('g') && key.modifiers == KeyModifiers::CONTROL;
            if bell || alt && key.code == KeyCode::Char('\\') {
                self.answer = 0;
            }
            return Vec::new();
        }
        if alt && key.code == KeyCode::Char(']') {
            self.answer = ANSWER;
            return Vec::new();
        }
        presses(key)
    }
}

/// An event as presses: Alt and a key are Esc and that key.
fn presses(key: &KeyEvent) -> Vec<KeyPress> {
    let alone = KeyEvent::new(key.code, key.modifiers - KeyModifiers::ALT);
    let mut keys = Vec::new();
    if key.modifiers.contains(KeyModifiers::ALT) {
        keys.push(KeyPress::plain(KeyCode::Esc));
    }
    keys.push(KeyPress::of(&alone));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_esc_swallows_nothing() {
        let event = KeyEvent::new(KeyCode::Char('j'), KeyModifiers::ALT);
        let shown: Vec<String> = presses(&event).iter().map(KeyPress::to_string).collect();
        assert_eq!(shown, ["Esc", "j"]);
    }

    #[test]
    fn a_late_answer_of_the_terminal_is_not_typed() {
        let (inbox, _keep) = crossbeam_channel::unbounded();
        let (wake, _writer) = std::io::pipe().expect("a pipe");
        let mut reading = Reading {
            inbox,
            wake,
            phase: Arc::new((Mutex::new(Phase::Reading), Condvar::new())),
            answer: 0,
            environment: Environment::default(),
        };
        let mut typed = Vec::new();
        let mut feed = |c: char, modifiers| {
            typed.extend(reading.keys(&KeyEvent::new(KeyCode::Char(c), modifiers)));
        };
        feed(']', KeyModifiers::ALT);
        for c in "11;rgb:1e1e/1e1e/2e2e".chars() {
            feed(c, KeyModifiers::NONE);
        }
        feed('\\', KeyModifiers::ALT);
        feed('j', KeyModifiers::NONE);
        assert_eq!(typed, [KeyPress::plain(KeyCode::Char('j'))]);
    }
}
