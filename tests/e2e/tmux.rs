//! Inside tmux, where Esc comes late, questions are often not answered, and copies go to tmux's own buffer.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::home::{Home, NOW};

/// A tmux server of our own.
struct Tmux {
    socket: PathBuf,
}

impl Tmux {
    /// Starts the program in it; `None` without tmux.
    fn start(home: &Home) -> Option<Tmux> {
        if Command::new("tmux").arg("-V").output().is_err() {
            eprintln!(
                "\n*** SKIPPED: tmux is not installed, so nothing is known of the program inside it ***\n"
            );
            return None;
        }
        let tmux = Tmux {
            socket: home.path("tmux.sock"),
        };
        let program = format!(
            "'{}'; echo LEFT; exec cat",
            env!("CARGO_BIN_EXE_regent-tui")
        );
        let done = Command::new("tmux")
            .arg("-S")
            .arg(&tmux.socket)
            .args([
                "-f",
                "/dev/null",
                "new-session",
                "-d",
                "-x",
                "120",
                "-y",
                "40",
                "sh",
                "-c",
                &program,
            ])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home.path(""))
            .env("TMPDIR", home.path(""))
            .env("REGENT_NOW", NOW)
            .env("TZ", "UTC")
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .current_dir(home.shop())
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        Some(tmux)
    }

    fn ask(&self, args: &[&str]) -> Output {
        Command::new("tmux")
            .arg("-S")
            .arg(&self.socket)
            .args(args)
            .output()
            .unwrap()
    }

    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.ask(&["capture-pane", "-p"]).stdout).into_owned()
    }

    #[track_caller]
    fn wait(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if holds(&screen) {
                return screen;
            }
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "never saw {what}:\n{screen}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[track_caller]
    fn see(&self, text: &str) -> String {
        self.wait(text, |s| s.contains(text))
    }

    #[track_caller]
    fn gone(&self, text: &str) {
        self.wait(&format!("the end of {text}"), |s| !s.contains(text));
    }

    fn keys(&self, keys: &[&str]) {
        let done = self.ask(&[&["send-keys"], keys].concat());
        assert!(done.status.success());
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.ask(&["kill-server"]);
    }
}

#[test]
fn the_program_inside_tmux() {
    let home = Home::demo();
    let Some(tmux) = Tmux::start(&home) else {
        return;
    };
    tmux.see("why does checkout hang");
    tmux.keys(&["Right"]);
    tmux.see("Timeline");
    tmux.see("Prompt 10 of 10");
    tmux.keys(&["g", "g"]);
    tmux.see("Prompt 1 of 10");
    // The question for the background was not answered into the search box.
    tmux.keys(&["F"]);
    let find = tmux.see("Find");
    assert!(!find.contains("rgb:") && !find.contains("11;"), "{find}");
    a_late_esc(&tmux);
    a_copy(&tmux);
    other_sizes(&tmux);
    tmux.keys(&["Q"]);
    let after = tmux.see("LEFT");
    assert!(
        !after.contains("Timeline"),
        "the screen from before is back:\n{after}"
    );
}

/// Find is open, the first prompt selected. Esc swallows no key, however close it comes.
fn a_late_esc(tmux: &Tmux) {
    tmux.keys(&["Escape"]);
    std::thread::sleep(Duration::from_millis(5));
    tmux.keys(&["}"]);
    tmux.see("Prompt 2 of 10");
    tmux.gone("Find ─");
    tmux.keys(&["F"]);
    tmux.see("Find");
    // In one piece: it reads as Alt and the key.
    tmux.keys(&["Escape", "}"]);
    tmux.see("Prompt 3 of 10");
    tmux.gone("Find ─");
}

fn a_copy(tmux: &Tmux) {
    tmux.keys(&["G"]);
    tmux.see("Prompt 10 of 10");
    tmux.keys(&["y", "i"]);
    tmux.see("tmux's buffer");
    let copied = tmux.ask(&["show-buffer"]).stdout;
    let copied = String::from_utf8(copied).unwrap();
    let id = copied.trim();
    assert!(
        id.starts_with('t') && id.len() >= 12,
        "{copied:?} is no step's id"
    );
    assert!(id.bytes().all(|b| b.is_ascii_alphanumeric()), "{copied:?}");
}

fn other_sizes(tmux: &Tmux) {
    for (width, height) in [(69, 45), (80, 24), (200, 50), (40, 12), (120, 40)] {
        let (w, h) = (width.to_string(), height.to_string());
        tmux.ask(&["resize-window", "-x", &w, "-y", &h]);
        tmux.wait(&format!("{width}x{height}"), |s| {
            let rows: Vec<&str> = s.lines().collect();
            rows.len() == height
                && rows.iter().all(|r| r.chars().count() <= width)
                && rows.iter().filter(|r| !r.trim().is_empty()).count() > height / 2
                && !rows[height - 1].trim().is_empty()
        });
    }
}
