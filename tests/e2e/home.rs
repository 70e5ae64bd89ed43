//! A throw-away home with a repository in it. Nothing of the machine's user shows, and nothing of it is touched.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::term::{Start, Term};

/// The moment at which the demo's story is told.
pub const NOW: &str = "2026-11-20T14:31:00.000Z";

/// The folder that the demo's transcripts name.
pub const TOLD: &str = "/home/ada/src/shop";

/// The agent's id of the session that [`Home::append`] writes.
pub const SESSION: &str = "5e550000-0000-4000-8000-000000000001";

/// A home folder with `src/shop` in it.
pub struct Home {
    _dir: Option<tempfile::TempDir>,
    root: PathBuf,
}

impl Home {
    /// The repository, and no session anywhere.
    pub fn empty() -> Home {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let mut home = Home::at(root);
        home._dir = Some(dir);
        home
    }

    /// The same in a folder of this name, which stays.
    pub fn at(root: PathBuf) -> Home {
        let home = Home { _dir: None, root };
        let git = home.shop().join(".git");
        fs::create_dir_all(git.join("objects")).unwrap();
        fs::create_dir_all(git.join("refs")).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        home
    }

    /// The demo's project and the demo's sessions, not read yet.
    pub fn demo() -> Home {
        let home = Home::empty();
        home.write_demo(home.shop().to_str().unwrap());
        home
    }

    /// Writes the demo's project, and its transcripts as told of a folder.
    pub fn write_demo(&self, folder: &str) {
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
        copy(&assets.join("project"), &self.shop(), &|text| text);
        copy(&assets.join("home"), &self.root, &|text| {
            text.replace(TOLD, folder)
        });
    }

    pub fn path(&self, rel: &str) -> PathBuf {
        self.root.join(rel)
    }

    /// The repository.
    pub fn shop(&self) -> PathBuf {
        self.root.join("src/shop")
    }

    /// The screen, or a command, in a terminal.
    pub fn start(&self, args: &[&str]) -> Start {
        Start::program(args, &self.root, &self.shop()).env("REGENT_NOW", NOW)
    }

    /// The screen at the usual size.
    pub fn open(&self) -> Term {
        self.start(&[]).go()
    }

    /// A command without a terminal.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regent-tui"));
        command
            .env_clear()
            .env("HOME", &self.root)
            .env("TMPDIR", &self.root)
            .env("TZ", "UTC")
            .env("REGENT_NOW", NOW)
            .current_dir(self.shop())
            .args(args);
        command
    }

    /// Runs it; it must succeed.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Output {
        let done = self.command(args).output().unwrap();
        let err = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{args:?}: {err}");
        done
    }

    /// What it prints.
    #[track_caller]
    pub fn out(&self, args: &[&str]) -> String {
        String::from_utf8(self.run(args).stdout).unwrap()
    }

    /// Another session, of one prompt.
    pub fn another(&self, prompt: &str) {
        let line = json!({
            "parentUuid": null, "isSidechain": false, "userType": "external", "cwd": self.shop(), "sessionId": "other",
            "version": "2.1.100", "type": "user", "message": {"role": "user", "content": prompt}, "uuid": "o1",
            "timestamp": "2026-11-20T14:30:00.000Z",
        });
        fs::write(
            self.transcript().with_file_name("other.jsonl"),
            format!("{line}\n"),
        )
        .unwrap();
    }

    /// The transcript that [`Home::append`] writes.
    pub fn transcript(&self) -> PathBuf {
        self.root
            .join(format!(".claude/projects/-shop/{SESSION}.jsonl"))
    }

    /// A record of that transcript.
    pub fn record(&self, n: usize, kind: &str, message: Value) -> String {
        let line = json!({
            "parentUuid": n.checked_sub(1).map(|p| format!("u{p}")), "isSidechain": false, "userType": "external",
            "cwd": self.shop(), "sessionId": SESSION, "version": "2.1.100", "gitBranch": "main", "type": kind,
            "message": message, "uuid": format!("u{n}"),
            "timestamp": format!("2026-11-20T14:{:02}:{:02}.000Z", n / 60 % 60, n % 60),
        });
        format!("{line}\n")
    }

    /// Appends to that transcript; as an agent does it, in one write.
    pub fn append(&self, text: &str) {
        fs::create_dir_all(self.transcript().parent().unwrap()).unwrap();
        let file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.transcript());
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn say(&self, n: usize, kind: &str, message: Value) {
        self.append(&self.record(n, kind, message));
    }

    /// A prompt, as record `n`.
    pub fn prompt(&self, n: usize, text: &str) {
        self.say(n, "user", json!({"role": "user", "content": text}));
    }

    /// A command and its output, as records `n` and `n + 1`.
    pub fn ran(&self, n: usize, command: &str, output: &str) {
        let id = format!("toolu_{n:02}");
        self.say(n, "assistant", json!({
            "id": format!("msg_{n}"), "role": "assistant", "model": "claude-test",
            "content": [{"type": "tool_use", "id": id, "name": "Bash", "input": {"command": command}}],
        }));
        self.say(n + 1, "user", json!({
            "role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": output}],
        }));
    }
}

/// Copies a folder, changing what is in its files.
fn copy(from: &Path, to: &Path, change: &dyn Fn(String) -> String) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target, change);
        } else {
            let text = fs::read_to_string(entry.path()).unwrap();
            fs::write(target, change(text)).unwrap();
        }
    }
}
