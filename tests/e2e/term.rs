//! The real program in a pseudo-terminal. Tests wait for what they want to see; nobody waits for a time to pass.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{
    Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::stream::Stream;

/// How long anything may take before it counts as never. Long: the machine may be busy with other things.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the terminal must be silent to count as still.
const SILENCE: Duration = Duration::from_millis(250);

/// What this terminal says when it is asked for its background.
#[derive(Clone, Copy, PartialEq)]
pub enum Background {
    Dark,
    Light,
    /// It answers the question behind, but not this one.
    Unknown,
    /// It answers nothing.
    Mute,
}

/// What a terminal does that the screen of `vt100` does not show.
#[derive(Default)]
pub struct Calls(Vec<String>);

impl vt100::Callbacks for Calls {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.0.push("bell".into());
    }
    fn visual_bell(&mut self, _: &mut vt100::Screen) {
        self.0.push("visual bell".into());
    }
    fn resize(&mut self, _: &mut vt100::Screen, to: (u16, u16)) {
        self.0.push(format!("resize {to:?}"));
    }
    fn set_window_icon_name(&mut self, _: &mut vt100::Screen, name: &[u8]) {
        self.0.push(format!("icon {}", name.escape_ascii()));
    }
    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.0.push(format!("title {}", title.escape_ascii()));
    }
    fn paste_from_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8]) {
        self.0.push("paste".into());
    }
}

struct State {
    parser: vt100::Parser<Calls>,
    stream: Stream,
    last: Instant,
    frames: u64,
    ended: bool,
    hung_up: bool,
}

/// A terminal with a program in it.
pub struct Term {
    master: Option<Box<dyn MasterPty + Send>>,
    slave: Option<Box<dyn SlavePty + Send>>,
    writer: Arc<Mutex<Option<Box<dyn Write + Send>>>>,
    child: Box<dyn Child + Send + Sync>,
    state: Arc<(Mutex<State>, Condvar)>,
    reader: Option<JoinHandle<()>>,
    /// The terminal's settings before the program was there.
    before: String,
}

/// A program to be started in a terminal.
pub struct Start {
    command: CommandBuilder,
    size: (u16, u16),
    background: Background,
}

impl Start {
    /// The program itself with these arguments, in a folder, with this home and nothing else of the environment.
    pub fn program(args: &[&str], home: &Path, cwd: &Path) -> Start {
        let mut start = Start::other(&[env!("CARGO_BIN_EXE_regent-tui")], home, cwd);
        start.command.args(args);
        start
    }

    /// Any program.
    pub fn other(words: &[&str], home: &Path, cwd: &Path) -> Start {
        let mut command = CommandBuilder::new(words[0]);
        command.args(&words[1..]);
        command.env_clear();
        command.env("HOME", home);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TMPDIR", home);
        command.env("TERM", "xterm-256color");
        command.env("TZ", "UTC");
        command.env("LANG", "C.UTF-8");
        command.cwd(cwd);
        Start {
            command,
            size: (120, 40),
            background: Background::Dark,
        }
    }

    pub fn env(mut self, name: &str, value: &str) -> Start {
        self.command.env(name, value);
        self
    }

    pub fn size(mut self, width: u16, height: u16) -> Start {
        self.size = (width, height);
        self
    }

    pub fn background(mut self, background: Background) -> Start {
        self.background = background;
        self
    }

    pub fn go(self) -> Term {
        let pair = native_pty_system().openpty(pty_size(self.size)).unwrap();
        let before = settings(&*pair.master);
        let child = pair.slave.spawn_command(self.command).unwrap();
        let writer = Arc::new(Mutex::new(Some(pair.master.take_writer().unwrap())));
        let (width, height) = self.size;
        let parser = vt100::Parser::new_with_callbacks(
            height.try_into().unwrap(),
            width.try_into().unwrap(),
            0,
            Calls::default(),
        );
        let state = Arc::new((
            Mutex::new(State {
                parser,
                stream: Stream::default(),
                last: Instant::now(),
                frames: 0,
                ended: false,
                hung_up: false,
            }),
            Condvar::new(),
        ));
        let from = pair.master.try_clone_reader().unwrap();
        let reader = {
            let (state, writer, background) = (state.clone(), writer.clone(), self.background);
            std::thread::spawn(move || read(from, &state, &writer, background))
        };
        Term {
            master: Some(pair.master),
            slave: Some(pair.slave),
            writer,
            child,
            state,
            reader: Some(reader),
            before,
        }
    }
}

fn pty_size((cols, rows): (u16, u16)) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

/// Feeds what the program writes to the terminal, and answers its questions.
fn read(
    mut from: Box<dyn Read + Send>,
    state: &(Mutex<State>, Condvar),
    writer: &Mutex<Option<Box<dyn Write + Send>>>,
    background: Background,
) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = from.read(&mut buffer).unwrap_or(0);
        let mut now = state.0.lock().unwrap_or_else(PoisonError::into_inner);
        if n == 0 || now.hung_up {
            now.ended = true;
            state.1.notify_all();
            return;
        }
        now.stream.take(&buffer[..n]);
        now.parser.process(&buffer[..n]);
        now.last = Instant::now();
        now.frames += 1;
        let mut answer = String::new();
        for question in now.stream.questions() {
            answer.push_str(match (question, background) {
                (_, Background::Mute) => "",
                ("kind", _) => "\x1b[?62;22c",
                (_, Background::Dark) => "\x1b]11;rgb:1111/1313/1818\x1b\\",
                (_, Background::Light) => "\x1b]11;rgb:ffff/fefe/fafa\x1b\\",
                (_, Background::Unknown) => "",
            });
        }
        drop(now);
        state.1.notify_all();
        if let Some(writer) = &mut *writer.lock().unwrap() {
            // The program may be gone by now.
            let _ = writer.write_all(answer.as_bytes());
        }
    }
}

impl Term {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that failed while it looked has said enough.
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something holds of a whole frame.
    #[track_caller]
    pub fn wait(&self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let start = Instant::now();
        let mut state = self.lock();
        loop {
            // Half a frame is nothing that anybody sees.
            if !state.stream.mode(2026) && holds(state.parser.screen()) {
                return;
            }
            let left = PATIENCE.checked_sub(start.elapsed());
            let over = state.ended || left.is_none();
            assert!(
                !over,
                "never saw {what}{}; the screen:\n{}",
                ended(&state),
                show(&state)
            );
            state = self.state.1.wait_timeout(state, left.unwrap()).unwrap().0;
        }
    }

    /// Waits for a text.
    #[track_caller]
    pub fn see(&self, text: &str) {
        self.wait(&format!("{text:?}"), |s| {
            rows(s).iter().any(|r| r.contains(text))
        });
    }

    /// Waits until a text is gone.
    #[track_caller]
    pub fn gone(&self, text: &str) {
        self.wait(&format!("the end of {text:?}"), |s| {
            !rows(s).iter().any(|r| r.contains(text))
        });
    }

    /// Waits until nothing more is drawn; for negative checks, and for pictures.
    #[track_caller]
    pub fn still(&self) {
        let start = Instant::now();
        loop {
            let silent = self.lock().last.elapsed();
            if silent >= SILENCE {
                return;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "it never rests:\n{}",
                self.text()
            );
            std::thread::sleep(SILENCE - silent);
        }
    }

    /// Types text or the bytes of keys, in one piece.
    pub fn keys(&self, bytes: &str) {
        self.raw(bytes.as_bytes());
    }

    /// Sends bytes.
    pub fn raw(&self, bytes: &[u8]) {
        let mut writer = self.writer.lock().unwrap();
        let writer = writer.as_mut().unwrap();
        writer.write_all(bytes).unwrap();
        writer.flush().unwrap();
    }

    /// Types, and waits until that changed something and all is drawn.
    #[track_caller]
    pub fn press(&self, bytes: &str) {
        let before = self.frames();
        self.keys(bytes);
        let start = Instant::now();
        while self.frames() == before && start.elapsed() < Duration::from_secs(2) {
            let state = self.lock();
            drop(
                self.state
                    .1
                    .wait_timeout(state, Duration::from_millis(50))
                    .unwrap(),
            );
        }
        self.still();
    }

    /// How often something was drawn.
    pub fn frames(&self) -> u64 {
        self.lock().frames
    }

    /// Pastes, as a terminal does it.
    pub fn paste(&self, bytes: &[u8]) {
        self.raw(&[b"\x1b[200~", bytes, b"\x1b[201~"].concat());
    }

    /// Makes the window larger or smaller.
    pub fn resize(&self, width: u16, height: u16) {
        let mut state = self.lock();
        let (rows, cols) = (height.try_into().unwrap(), width.try_into().unwrap());
        state.parser.set_size(rows, cols);
        drop(state);
        let master = self.master.as_ref().unwrap();
        master.resize(pty_size((width, height))).unwrap();
    }

    /// The screen as text, a line for each row.
    pub fn text(&self) -> String {
        show(&self.lock())
    }

    /// Looks at the screen.
    pub fn with_screen<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.lock().parser.screen())
    }

    /// Looks at what was sent.
    pub fn with_stream<T>(&self, look: impl FnOnce(&Stream) -> T) -> T {
        look(&self.lock().stream)
    }

    /// What the terminal was made to do beside showing text.
    pub fn calls(&self) -> Vec<String> {
        self.lock().parser.callbacks().0.clone()
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        Pid::from_raw(pid).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Closes the terminal under the program.
    pub fn hang_up(&mut self) {
        self.lock().hung_up = true;
        // The thread that reads has the terminal open too; what is drawn now wakes it up.
        self.keys("\x0c");
        self.writer.lock().unwrap().take();
        self.slave.take();
        self.master.take();
    }

    /// Whether the program has ended.
    pub fn over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Whether the terminal's settings are those from before the program.
    pub fn is_cooked(&self) -> bool {
        settings(&**self.master.as_ref().unwrap()) == self.before
    }

    /// Waits for the end of the program.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "it does not end:\n{}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the end, then checks that the terminal is as it was before, and that nothing but what is allowed was
    /// ever sent.
    #[track_caller]
    pub fn leaves(&mut self) -> ExitStatus {
        let status = self.ended();
        let after = settings(&**self.master.as_ref().unwrap());
        assert_eq!(self.before, after, "the terminal's settings");
        self.clean();
        status
    }

    /// The terminal's modes are back, and nothing but what is allowed was ever sent.
    #[track_caller]
    fn clean(&mut self) {
        self.slave.take();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        let state = self.lock();
        assert_eq!(state.stream.violations(), [""; 0]);
        let calls = &state.parser.callbacks().0;
        assert!(calls.is_empty(), "{calls:?}");
        if let Err(left) = state.stream.given_back() {
            panic!("{left}");
        }
    }

    /// Clock ticks that the process has used.
    pub fn ticks(&self) -> u64 {
        let path = format!("/proc/{}/stat", self.pid().as_raw_nonzero());
        let stat = std::fs::read_to_string(path).unwrap();
        // The name may hold blanks; it ends at the last parenthesis.
        let rest = stat.rsplit_once(')').unwrap().1;
        let field = |n: usize| {
            rest.split_whitespace()
                .nth(n)
                .unwrap()
                .parse::<u64>()
                .unwrap()
        };
        field(11) + field(12)
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        if !self.over() {
            let _ = kill_process(self.pid(), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// The rows of a screen.
pub fn rows(screen: &vt100::Screen) -> Vec<String> {
    let width = screen.size().1.get();
    screen
        .rows(0, width)
        .map(|r| r.trim_end().to_owned())
        .collect()
}

fn show(state: &State) -> String {
    rows(state.parser.screen()).join("\n")
}

fn ended(state: &State) -> &'static str {
    if state.ended {
        " before the program ended"
    } else {
        ""
    }
}
