//! The terminal: taken, given back whatever happens, and what is done through it.

use std::io::{BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError, TryLockError};
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};
use crossbeam_channel::Sender;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

use super::input::Input;
use super::message::{Effect, Message, Note};
use super::options::Options;
use super::outside::Outside;
use super::{clip, editor};

/// What is drawn on: buffered, so that a frame is one write.
pub type Backend = CrosstermBackend<BufWriter<Ours>>;

/// The terminal while it is ours. What is left of a frame after that, when a panic unwinds, is let go.
pub struct Ours(Stdout);

impl Write for Ours {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match TAKEN.load(Ordering::SeqCst) {
            true => self.0.write(bytes),
            false => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

/// Whether the terminal is ours at the moment.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether the window has a title of ours, and the terminal keeps the one before.
static TITLED: AtomicBool = AtomicBool::new(false);
/// Keeps the title, and brings back the one that was kept. Terminals that do not know this ignore it.
const KEEP_TITLE: &[u8] = b"\x1b[22;0t";
const OLD_TITLE: &[u8] = b"\x1b[23;0t";

/// Held while a frame is written.
static FRAME: Mutex<()> = Mutex::new(());

/// Gives the terminal back when it goes out of scope.
pub struct Screen;

impl Drop for Screen {
    fn drop(&mut self) {
        // There is nothing to be done about a terminal that does not take its own back.
        let _ = give_back();
    }
}

/// Takes the terminal.
pub fn enter(mouse: bool) -> Result<(Terminal<Backend>, Screen)> {
    use std::io::IsTerminal;
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(eyre!(
            "the screen needs a terminal; without one use `regent-tui log` or `sessions`"
        ));
    }
    restore_on_panic();
    take(mouse).wrap_err("the terminal cannot be used")?;
    let screen = Screen;
    let out = BufWriter::with_capacity(1 << 16, Ours(std::io::stdout()));
    let terminal = Terminal::new(CrosstermBackend::new(out))?;
    Ok((terminal, screen))
}

fn take(mouse: bool) -> Result<()> {
    let _frame = FRAME.lock().unwrap_or_else(PoisonError::into_inner);
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = std::io::stdout();
    execute!(out, EnterAlternateScreen, EnableBracketedPaste, Hide)?;
    if mouse {
        execute!(out, EnableMouseCapture)?;
    }
    Ok(())
}

fn give_back() -> Result<()> {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let mut out = std::io::stdout();
    let titled = match TITLED.swap(false, Ordering::SeqCst) {
        true => out.write_all(OLD_TITLE),
        false => Ok(()),
    };
    let told = execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    disable_raw_mode()?;
    titled?;
    Ok(told?)
}

/// Sets the title of the window. Only words of ours come here, without a control character.
fn set_title(title: &str) -> Result<()> {
    let mut out = std::io::stdout();
    if !TITLED.swap(true, Ordering::SeqCst) {
        out.write_all(KEEP_TITLE)?;
    }
    write!(out, "\x1b]2;{title}\x07")?;
    Ok(out.flush()?)
}

/// The report of a panic is written after the terminal is a terminal again. One in another thread ends the program too:
/// half of it would go on drawing on a terminal that is not its own any more. (Those who ask turn theirs into answers.)
/// Called by the thread that draws.
pub fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let drawing = std::thread::current().id();
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if super::worker::is_asking() {
                return;
            }
            let here = std::thread::current().id() == drawing;
            let frame = if here { None } else { no_more_frames() };
            let _ = give_back();
            report(info);
            if !here {
                std::process::exit(101);
            }
            drop(frame);
        }));
    });
}

/// Waits for the end of the frame that is being written, for a while: whoever draws may be what hangs.
fn no_more_frames() -> Option<MutexGuard<'static, ()>> {
    for _ in 0..100 {
        match FRAME.try_lock() {
            Ok(frame) => return Some(frame),
            Err(TryLockError::Poisoned(frame)) => return Some(frame.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    None
}

/// The next frame draws every cell. `Terminal::clear` would ask the terminal where its cursor is, and read the answer
/// from under the thread that reads the keys.
fn draw_anew(terminal: &mut Terminal<Backend>) -> Result<()> {
    let size = terminal.size()?;
    Ok(terminal.resize(Rect::new(0, 0, size.width, size.height))?)
}

/// The outside of the real program.
pub struct Real {
    input: Input,
    inbox: Sender<Message>,
    options: Options,
    mouse: bool,
    /// The title that was set last.
    title: Option<String>,
    /// Folders with texts that the editor was given to show.
    old_versions: Vec<tempfile::TempDir>,
    frame: Option<MutexGuard<'static, ()>>,
    // Dropped last of all: the terminal is given back by it.
    _screen: Screen,
}

/// Writes a text into a folder of its own, under the file's name, for nobody to write.
fn old_version(file: &str, text: &str) -> Result<(tempfile::TempDir, PathBuf)> {
    use std::os::unix::fs::OpenOptionsExt;
    let dir = tempfile::Builder::new()
        .prefix("regent-tui-old-")
        .tempdir()?;
    let name = Path::new(file).file_name().unwrap_or("old".as_ref());
    let path = dir.path().join(name);
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o400)
        .open(&path)?;
    out.write_all(text.as_bytes())?;
    Ok((dir, path))
}

impl Real {
    /// Everything that effects need.
    pub fn new(options: &Options, screen: Screen, input: Input, inbox: Sender<Message>) -> Real {
        Real {
            _screen: screen,
            input,
            inbox,
            mouse: options.mouse,
            title: None,
            old_versions: Vec::new(),
            frame: None,
            options: options.clone(),
        }
    }

    /// Gives the terminal back.
    pub fn leave(self) -> Result<()> {
        let Real { input, _screen, .. } = self;
        drop(input);
        give_back()
    }

    /// Does something while the terminal belongs to somebody else.
    fn away(
        &mut self,
        terminal: &mut Terminal<Backend>,
        doing: impl FnOnce() -> Result<Option<Note>>,
    ) -> Result<()> {
        self.input.rest()?;
        give_back()?;
        let done = doing();
        take(self.mouse)?;
        if let Some(title) = &self.title {
            set_title(title)?;
        }
        draw_anew(terminal)?;
        self.input.go_on();
        let note = match done {
            Ok(note) => note,
            Err(why) => Some(Note::error(format!("{why:#}"))),
        };
        let (width, height) = crossterm::terminal::size()?;
        super::tell(&self.inbox, Message::Resize(width, height))?;
        match note {
            Some(note) => super::tell(&self.inbox, Message::Said(note)),
            None => Ok(()),
        }
    }

    fn edit(&mut self, terminal: &mut Terminal<Backend>, file: &str, line: u32) -> Result<()> {
        let path = self.options.root.join(file);
        if !path.exists() {
            let said = format!("{} is not on disk any more", path.display());
            return super::tell(&self.inbox, Message::Said(Note::error(said)));
        }
        self.open_editor(terminal, &path, line)
    }

    /// The text lies in a folder of its own that goes when the screen ends: an editor in a split may show it until then.
    fn edit_old(
        &mut self,
        terminal: &mut Terminal<Backend>,
        (file, text, line): (&str, &str, u32),
    ) -> Result<()> {
        match old_version(file, text) {
            Ok((dir, path)) => {
                self.old_versions.push(dir);
                self.open_editor(terminal, &path, line)
            }
            Err(why) => {
                let said = format!("the old version cannot be shown: {why:#}");
                super::tell(&self.inbox, Message::Said(Note::error(said)))
            }
        }
    }

    fn open_editor(
        &mut self,
        terminal: &mut Terminal<Backend>,
        path: &Path,
        line: u32,
    ) -> Result<()> {
        let setting = self.options.editor.as_deref();
        let variable = self.options.environment.editor.as_deref();
        let words = match editor::command(setting, variable, path, line) {
            Ok(words) => words,
            Err(why) => return super::tell(&self.inbox, Message::Said(Note::error(why))),
        };
        let root = self.options.root.clone();
        self.away(terminal, move || {
            let status = Command::new(&words[0])
                .args(&words[1..])
                .current_dir(root)
                .status()
                .wrap_err_with(|| format!("the editor `{}` does not start", words[0]))?;
            Ok(match status.success() {
                true => None,
                false => Some(Note::error(format!("the editor ended with {status}"))),
            })
        })
    }

    fn suspend(&mut self, terminal: &mut Terminal<Backend>) -> Result<()> {
        let me = rustix::process::getpid();
        let leads = rustix::process::getsid(None).is_ok_and(|session| session == me);
        if leads {
            // No shell would ever wake it up again.
            let note = Note::error("there is no shell to suspend to");
            return super::tell(&self.inbox, Message::Said(note));
        }
        self.away(terminal, || {
            rustix::process::kill_current_process_group(rustix::process::Signal::STOP)?;
            // The signal may stop this thread a moment later than the call returns.
            std::thread::sleep(Duration::from_millis(100));
            Ok(None)
        })
    }
}

impl Outside<Backend> for Real {
    fn run(&mut self, effect: Effect, terminal: &mut Terminal<Backend>) -> Result<()> {
        match effect {
            Effect::Copy(what, text) => {
                let tmux = self.options.environment.tmux;
                let note = clip::copy(what, &text, tmux, &self.options.copy_file);
                super::tell(&self.inbox, Message::Said(note))
            }
            Effect::Edit(file, line) => self.edit(terminal, &file, line),
            Effect::EditOld(file, text, line) => self.edit_old(terminal, (&file, &text, line)),
            Effect::Mouse(on) => {
                self.mouse = on;
                let mut out = std::io::stdout();
                match on {
                    true => execute!(out, EnableMouseCapture)?,
                    false => execute!(out, DisableMouseCapture)?,
                }
                Ok(())
            }
            Effect::Redraw => {
                take(self.mouse)?;
                draw_anew(terminal)
            }
            Effect::Suspend => self.suspend(terminal),
            Effect::Bell => {
                let mut out = std::io::stdout();
                std::io::Write::write_all(&mut out, b"\x07")?;
                Ok(std::io::Write::flush(&mut out)?)
            }
            Effect::Title(title) => {
                set_title(&title)?;
                self.title = Some(title);
                Ok(())
            }
            Effect::Ask(_) | Effect::GiveUp(_) => Ok(()),
        }
    }

    fn before_frame(&mut self, terminal: &mut Terminal<Backend>, _size: (u16, u16)) -> Result<()> {
        self.frame = Some(FRAME.lock().unwrap_or_else(PoisonError::into_inner));
        queue!(terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.options.environment.may_panic("draw");
        Ok(())
    }

    fn after_frame(&mut self, terminal: &mut Terminal<Backend>) -> Result<()> {
        queue!(terminal.backend_mut(), EndSynchronizedUpdate)?;
        terminal.backend_mut().flush()?;
        self.frame = None;
        Ok(())
    }
}
