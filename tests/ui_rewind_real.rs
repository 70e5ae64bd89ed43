//! The real program in a pseudo-terminal rewinds real files, and undoes it: bytes equal.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "support/home.rs"]
mod home;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use home::{Home, STATES};
use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

const NOTES: &str = "bounded\u{1b}[31m\n";
const PATIENCE: Duration = Duration::from_secs(40);

struct Terminal {
    keys: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Box<dyn Child + Send + Sync>,
    _pty: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    fn start(home: &Path, folder: &Path, args: &[&str]) -> Terminal {
        let (rows, cols) = (40, 120);
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pty = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_regent-tui"));
        command.args(args);
        command.env_clear();
        for (name, value) in [
            ("HOME", home.to_str().unwrap()),
            ("TMPDIR", home.to_str().unwrap()),
            ("TERM", "xterm-256color"),
            ("TZ", "UTC"),
        ] {
            command.env(name, value);
        }
        command.cwd(folder);
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(
            rows.try_into().unwrap(),
            cols.try_into().unwrap(),
            0,
        )));
        let (mut out, seen) = (pty.master.try_clone_reader().unwrap(), screen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n) = out.read(&mut bytes) {
                if n == 0 {
                    return;
                }
                seen.lock().unwrap().process(&bytes[..n]);
            }
        });
        let keys = pty.master.take_writer().unwrap();
        Terminal {
            keys,
            screen,
            child,
            _pty: pty.master,
        }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    #[track_caller]
    fn sees(&self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.text().contains(text) {
            assert!(Instant::now() < end, "no {text:?} in\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Arms like a person, who reads before the second key.
    fn arms_and_applies(&mut self) {
        self.types("!");
        self.sees("ARMED");
        std::thread::sleep(Duration::from_millis(400));
        self.types("y");
        self.sees("read again and found right");
    }

    fn quits(mut self) {
        self.types("Q");
        let end = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// Every file below a folder with its bytes, but for what is the program's and git's own.
fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(dir) = folders.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && name != ".regent" && name != ".git" {
                folders.push(path);
            } else if path.is_file() {
                found.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn back_to_before_a_prompt_and_forth_again() {
    let home = Home::with_story();
    let shop = home.path("shop");
    fs::create_dir_all(shop.join("src")).unwrap();
    fs::write(shop.join("src/main.rs"), STATES[2]).unwrap();
    fs::write(shop.join("notes with blank.txt"), NOTES).unwrap();
    fs::write(shop.join("mine.txt"), "mine\n").unwrap();
    let before = tree(&shop);
    let mut terminal = Terminal::start(&home.path(""), &shop, &[]);
    terminal.sees("why does checkout hang");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("\u{1b}[C");
    terminal.sees("Timeline");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("{");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("R");
    terminal.sees("2 files change");
    assert_eq!(tree(&shop), before, "planning wrote something");
    terminal.arms_and_applies();
    assert_eq!(
        fs::read_to_string(shop.join("src/main.rs")).unwrap(),
        STATES[1]
    );
    assert!(!shop.join("notes with blank.txt").exists());
    assert_eq!(fs::read_to_string(shop.join("mine.txt")).unwrap(), "mine\n");
    terminal.types("u");
    terminal.sees("Undo the last rewind");
    terminal.sees("2 files change");
    terminal.arms_and_applies();
    assert_eq!(tree(&shop), before, "undo is not the inverse");
    terminal.types("\u{1b}");
    terminal.sees("undid a rewind of 2 files");
    terminal.quits();
}

#[test]
fn in_the_demo_it_works_for_real() {
    let home = Home::empty();
    let mut terminal = Terminal::start(&home.path(""), &home.path("shop"), &["demo"]);
    terminal.sees("sessions");
    let dir = fs::read_dir(home.path("")).unwrap().flatten().find(|e| {
        let name = e.file_name();
        name.to_string_lossy().starts_with("regent-tui-demo-")
    });
    let shop = dir.expect("the throw-away folder").path().join("shop");
    std::thread::sleep(Duration::from_secs(2));
    let before = tree(&shop);
    if !terminal.text().contains("Timeline") {
        terminal.types("\u{1b}[C");
    }
    terminal.sees("Timeline");
    std::thread::sleep(Duration::from_millis(500));
    terminal.types("gg");
    std::thread::sleep(Duration::from_millis(500));
    terminal.types("R");
    terminal.sees("everything replaced is stored first");
    terminal.types("!");
    std::thread::sleep(Duration::from_millis(400));
    if !terminal.text().contains("ARMED") {
        // The story's newest session may be at work: then it is asked twice.
        terminal.types("!");
    }
    terminal.sees("ARMED");
    std::thread::sleep(Duration::from_millis(400));
    terminal.types("y");
    terminal.sees("read again and found right");
    assert_ne!(tree(&shop), before);
    terminal.types("u");
    terminal.sees("Undo the last rewind");
    terminal.sees("everything replaced is stored first");
    terminal.arms_and_applies();
    assert_eq!(tree(&shop), before, "undo is not the inverse");
    terminal.quits();
}

#[test]
fn one_hunk_goes_back_and_the_rewind_stands_in_the_timeline_to_be_undone() {
    let home = Home::with_story();
    let shop = home.path("shop");
    fs::create_dir_all(shop.join("src")).unwrap();
    let mine = format!("{}// mine\n", STATES[2]);
    fs::write(shop.join("src/main.rs"), &mine).unwrap();
    fs::write(shop.join("notes with blank.txt"), NOTES).unwrap();
    let before = tree(&shop);
    let mut terminal = Terminal::start(&home.path(""), &shop, &[]);
    terminal.sees("why does checkout hang");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("\u{1b}[C");
    terminal.sees("Timeline");
    std::thread::sleep(Duration::from_millis(300));
    // To the step that bounded the loop, into its diff, onto its hunk.
    terminal.types("gg)");
    terminal.sees("for _ in 0..5");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("3]");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("R");
    terminal.sees("of lines in src/main.rs");
    terminal.sees("merge");
    assert_eq!(tree(&shop), before, "planning wrote something");
    // What it would become is shown before it is done.
    terminal.types("d");
    terminal.sees("loop { retry(); }");
    terminal.types("d");
    terminal.arms_and_applies();
    let wanted = mine.replace("for _ in 0..5 { retry(); }", "loop { retry(); }");
    assert_eq!(
        fs::read_to_string(shop.join("src/main.rs")).unwrap(),
        wanted
    );
    terminal.types("\u{1b}");
    std::thread::sleep(Duration::from_millis(700));
    terminal.types("1G");
    terminal.sees("↶ revert");
    // The pane beside shows what it did; R on it undoes it.
    terminal.sees("loop { retry(); }");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("R");
    terminal.sees("Undo: without step");
    terminal.sees("1 file changes");
    terminal.arms_and_applies();
    assert_eq!(tree(&shop), before, "undo is not the inverse");
    terminal.types("\u{1b}");
    std::thread::sleep(Duration::from_millis(700));
    terminal.types("G");
    terminal.sees("↶ undo");
    terminal.sees("undone");
    terminal.quits();
}

#[test]
fn what_a_rewind_undid_stands_below_a_cut_and_a_kept_file_shows_what_taking_it_would_do() {
    let home = Home::with_story();
    let shop = home.path("shop");
    fs::create_dir_all(shop.join("src")).unwrap();
    let mine = format!("{}// mine\n", STATES[2]);
    fs::write(shop.join("src/main.rs"), &mine).unwrap();
    fs::write(shop.join("notes with blank.txt"), NOTES).unwrap();
    let mut terminal = Terminal::start(&home.path(""), &shop, &[]);
    terminal.sees("why does checkout hang");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("\u{1b}[C");
    terminal.sees("Timeline");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("{");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("R");
    terminal.sees("1 file changes");
    terminal.sees("keep");
    // The kept file comes second: its diff says what would go, my line with it.
    terminal.types("jd");
    terminal.sees("this is what taking it would do");
    terminal.sees("// mine");
    terminal.types("d");
    terminal.arms_and_applies();
    assert!(!shop.join("notes with blank.txt").exists());
    assert_eq!(fs::read_to_string(shop.join("src/main.rs")).unwrap(), mine);
    terminal.types("\u{1b}");
    std::thread::sleep(Duration::from_millis(700));
    terminal.types("1G");
    terminal.sees("by a rewind");
    terminal.sees("↶ rewind");
    terminal.sees("before prompt 2");
    terminal.quits();
}

#[test]
fn a_hunk_that_is_left_out_of_the_plan_stays_in_the_file() {
    let home = Home::with_story();
    let shop = home.path("shop");
    fs::create_dir_all(shop.join("src")).unwrap();
    fs::write(shop.join("src/main.rs"), STATES[2]).unwrap();
    let mut terminal = Terminal::start(&home.path(""), &shop, &[]);
    terminal.sees("why does checkout hang");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("\u{1b}[C");
    terminal.sees("Timeline");
    std::thread::sleep(Duration::from_millis(300));
    // Before the first prompt: two hunks in the file. The bound of the loop stays, the comment goes.
    terminal.types("gg");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("R");
    terminal.sees("restore");
    // Below the file that is gone already.
    terminal.types("G");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("d");
    terminal.sees("loop { retry(); }");
    std::thread::sleep(Duration::from_millis(300));
    terminal.types("x");
    terminal.sees("1 of its 2 hunks left out");
    assert_eq!(
        fs::read_to_string(shop.join("src/main.rs")).unwrap(),
        STATES[2]
    );
    terminal.types("d");
    std::thread::sleep(Duration::from_millis(300));
    terminal.arms_and_applies();
    assert_eq!(
        fs::read_to_string(shop.join("src/main.rs")).unwrap(),
        STATES[1]
    );
    terminal.quits();
}
