//! The real loop on a screen in memory, fed from a script: for tests and benchmarks.
//!
//! A script is keys as they are typed (`jj`), and in angle brackets what cannot be typed: `<Enter>`, `<C-d>`,
//! `<wait>` (a second goes by), `<size 80x24>`, `<paste text>`, `<click 10,4>`, `<drag 10,4>`, `<drop 10,4>`,
//! `<wheel 10,4>`, `<changed>`, `<read 31 40>`, `<fast jjj>` (keys that do not wait for answers).

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt, eyre};
use crossbeam_channel::Receiver;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::key::KeyPress;
use super::message::{Effect, Ingest, Message};
use super::options::Options;
use super::outside::Outside;
use super::worker::{Asker, Worker};
use super::{End, Inbox, turn};
use crate::model::Time;

/// What came of a script.
#[derive(Debug)]
pub struct Played {
    /// The last screen.
    pub screen: Buffer,
    /// What was asked of the outside.
    pub effects: Vec<Effect>,
    /// How it ended; `None` if the script ended first.
    pub end: Option<End>,
}

impl Played {
    /// The screen as text, without spaces at the ends of lines.
    pub fn text(&self) -> String {
        let area = self.screen.area;
        let mut out = String::new();
        for y in 0..area.height {
            let mut line = String::new();
            let mut hidden = 0;
            for x in 0..area.width {
                let symbol = self.screen[(x, y)].symbol();
                // The cell behind a wide character holds nothing of its own.
                if hidden > 0 {
                    hidden -= 1;
                    continue;
                }
                line.push_str(symbol);
                hidden = crate::text::width(symbol).saturating_sub(1);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// One thing in a script.
enum Cue {
    Message(Message),
    /// Without waiting for answers first.
    Fast(Message),
    Wait,
}

/// Plays a script on a screen of a size; `dark` is what the terminal would say of its background.
pub fn play(
    options: &Options,
    asker: &Asker,
    size: (u16, u16),
    dark: Option<bool>,
    script: &str,
) -> Result<Played> {
    let (sender, receiver) = crossbeam_channel::unbounded();
    let worker = Worker::start(asker, &sender)?;
    let model = options.model(options.read_keymap()?, dark, size);
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1))?;
    let state = Rc::new(Cell::new(State::Going));
    let inbox = Scripted {
        receiver,
        cues: read(script)?,
        now: (options.clock)(),
        state: state.clone(),
    };
    let mut outside = Noted::default();
    let end = turn(&mut terminal, model, worker, inbox, &mut outside)?;
    if state.get() == State::Late {
        return Err(eyre!("an answer did not come"));
    }
    Ok(Played {
        screen: terminal.backend().buffer().clone(),
        effects: outside.effects,
        end: (state.get() == State::Going).then_some(end),
    })
}

struct Scripted {
    receiver: Receiver<Message>,
    cues: VecDeque<Cue>,
    now: Time,
    state: Rc<Cell<State>>,
}

/// Why the inbox gave no more messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Going,
    Dry,
    Late,
}

/// No answer may take longer.
const PATIENCE: Duration = Duration::from_secs(30);

impl Inbox for Scripted {
    fn now(&self) -> Time {
        self.now
    }

    fn next(&mut self, _wake_at: Option<Time>, pending: usize) -> Option<Message> {
        if pending > 0 && !matches!(self.cues.front(), Some(Cue::Fast(_))) {
            match self.receiver.recv_timeout(PATIENCE) {
                Ok(message) => return Some(message),
                Err(_) => {
                    self.state.set(State::Late);
                    return None;
                }
            }
        }
        let Some(cue) = self.cues.pop_front() else {
            self.state.set(State::Dry);
            return None;
        };
        match cue {
            Cue::Message(message) | Cue::Fast(message) => Some(message),
            Cue::Wait => {
                self.now = Time(self.now.0 + 1000);
                Some(Message::Wake)
            }
        }
    }

    fn ready(&mut self) -> Option<Message> {
        None
    }
}

/// Writes down what is asked of it.
#[derive(Default)]
struct Noted {
    effects: Vec<Effect>,
}

impl Outside<TestBackend> for Noted {
    fn run(&mut self, effect: Effect, _terminal: &mut Terminal<TestBackend>) -> Result<()> {
        self.effects.push(effect);
        Ok(())
    }

    fn before_frame(
        &mut self,
        terminal: &mut Terminal<TestBackend>,
        size: (u16, u16),
    ) -> Result<()> {
        terminal.backend_mut().resize(size.0, size.1);
        // A screen in memory keeps what stood behind the second half of a wide character; real ones do not.
        Ok(terminal.clear()?)
    }

    fn after_frame(&mut self, _terminal: &mut Terminal<TestBackend>) -> Result<()> {
        Ok(())
    }
}

fn read(script: &str) -> Result<VecDeque<Cue>> {
    let mut cues = VecDeque::new();
    let mut rest = script;
    while let Some(c) = rest.chars().next() {
        if c == '<'
            && let Some(end) = rest.find('>').filter(|e| *e > 1)
        {
            cue(&rest[1..end], &mut cues)?;
            rest = &rest[end + 1..];
            continue;
        }
        let key = KeyPress::parse(&c.to_string())
            .or_else(|| (c == ' ').then(|| KeyPress::plain(crossterm::event::KeyCode::Char(' '))));
        cues.push_back(Cue::Message(Message::Key(
            key.ok_or_eyre("not a key in the script")?,
        )));
        rest = &rest[c.len_utf8()..];
    }
    Ok(cues)
}

fn cue(words: &str, cues: &mut VecDeque<Cue>) -> Result<()> {
    let (name, rest) = words.split_once(' ').unwrap_or((words, ""));
    let pair = |by: char| -> Result<(u16, u16)> {
        let (a, b) = rest.split_once(by).ok_or_eyre("two numbers are missing")?;
        Ok((a.trim().parse()?, b.trim().parse()?))
    };
    let mouse = |kind: MouseEventKind| -> Result<Message> {
        let (column, row) = pair(',')?;
        Ok(Message::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }))
    };
    let message = match name {
        "wait" => {
            cues.push_back(Cue::Wait);
            return Ok(());
        }
        "fast" => {
            for c in rest.chars() {
                let key = KeyPress::parse(&c.to_string()).ok_or_eyre("not a key")?;
                cues.push_back(Cue::Fast(Message::Key(key)));
            }
            return Ok(());
        }
        "size" => {
            let (width, height) = pair('x')?;
            Message::Resize(width, height)
        }
        "paste" => Message::Paste(rest.to_owned()),
        "changed" => Message::Changed,
        "read" => {
            let (read, total) = pair(' ')?;
            Message::Ingested(Ingest {
                read: read.into(),
                total: total.into(),
            })
        }
        "click" => mouse(MouseEventKind::Down(MouseButton::Left))?,
        "drag" => mouse(MouseEventKind::Drag(MouseButton::Left))?,
        "drop" => mouse(MouseEventKind::Up(MouseButton::Left))?,
        "wheel" => mouse(MouseEventKind::ScrollDown)?,
        key => Message::Key(KeyPress::parse(key).ok_or_else(|| eyre!("not a key: {key}"))?),
    };
    cues.push_back(Cue::Message(message));
    Ok(())
}
