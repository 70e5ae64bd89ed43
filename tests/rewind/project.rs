//! A home with a project and an agent that really writes its files, told in a transcript as Claude Code writes it; and the
//! real program in it. For tests of what happens between processes.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use regent_tui::model::Time;
use serde_json::{Value, json};

use crate::scene::{Tree, tree};

/// A process that does not end by then is stuck.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Project {
    _tmp: tempfile::TempDir,
    home: PathBuf,
    lines: usize,
    /// How the folder was after each step, the state before them first.
    pub states: Vec<Tree>,
}

impl Project {
    pub fn new() -> Project {
        let tmp = tempfile::Builder::new()
            .prefix("regent")
            .tempdir_in("/dev/shm")
            .or_else(|_| tempfile::tempdir())
            .unwrap();
        let home = tmp.path().canonicalize().unwrap();
        fs::create_dir_all(home.join("work")).unwrap();
        fs::create_dir_all(home.join(".claude/projects/-work")).unwrap();
        let mut project = Project {
            _tmp: tmp,
            home,
            lines: 0,
            states: Vec::new(),
        };
        project.states.push(project.tree());
        project
    }

    pub fn dir(&self) -> PathBuf {
        self.home.join("work")
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    pub fn tree(&self) -> Tree {
        tree(&self.dir())
    }

    pub fn db(&self) -> PathBuf {
        self.dir().join(".regent/history.db")
    }

    pub fn transcript(&self) -> PathBuf {
        self.home.join(".claude/projects/-work/one.jsonl")
    }

    /// One line of the transcript.
    pub fn line(&mut self, kind: &str, id: &str, message: Value, result: Option<Value>) {
        self.lines += 1;
        let mut value = json!({
            "parentUuid": null, "isSidechain": false, "userType": "external", "cwd": self.dir(), "sessionId": "one",
            "version": "2.1.100", "type": kind, "message": message, "uuid": id,
            "timestamp": Time(1_770_000_000_000 + self.lines as i64 * 1000).rfc3339(),
        });
        if let Some(result) = result {
            value["toolUseResult"] = result;
        }
        let mut file = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.transcript())
            .unwrap();
        file.write_all(format!("{value}\n").as_bytes()).unwrap();
    }

    pub fn prompt(&mut self, id: &str, text: &str) {
        self.line("user", id, json!({"role": "user", "content": text}), None);
    }

    /// A step that really writes a file; its id as the agent has it.
    pub fn write(&mut self, rel: &str, text: &str) -> String {
        let at = self.dir().join(rel);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        let old = fs::read_to_string(&at).ok();
        fs::write(&at, text).unwrap();
        let id = format!("toolu_{:04}", self.lines);
        self.tell_write(&id, &at, text, old);
        self.states.push(self.tree());
        id
    }

    /// The two lines that tell of a write.
    pub fn tell_write(&mut self, id: &str, at: &Path, text: &str, old: Option<String>) {
        let input = json!({"file_path": at, "content": text});
        let call = json!([{"type": "tool_use", "id": id, "name": "Write", "input": input}]);
        let message =
            json!({"id": format!("m{id}"), "role": "assistant", "model": "x", "content": call});
        self.line("assistant", &format!("a{id}"), message, None);
        let content = json!([{"type": "tool_result", "tool_use_id": id, "content": "ok"}]);
        let kind = if old.is_some() { "update" } else { "create" };
        let result = json!({
            "type": kind, "filePath": at, "content": text, "structuredPatch": [], "originalFile": old,
        });
        let message = json!({"role": "user", "content": content});
        self.line("user", &format!("r{id}"), message, Some(result));
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regent-tui"));
        command
            .env_clear()
            .env("HOME", &self.home)
            .env("TZ", "UTC")
            .current_dir(self.dir())
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    pub fn start(&self, words: &[&str]) -> Child {
        self.command(words).spawn().unwrap()
    }

    /// Runs it to its end; how it ended, and what it said.
    pub fn run(&self, words: &[&str]) -> (ExitStatus, String) {
        ended(self.start(words))
    }

    /// Runs it; it must succeed.
    #[track_caller]
    pub fn does(&self, words: &[&str]) {
        let (status, said) = self.run(words);
        assert!(status.success(), "{words:?}: {said}");
    }

    /// What it prints as data.
    #[track_caller]
    pub fn json(&self, words: &[&str]) -> Value {
        let out = self.command(words).stdout(Stdio::piped()).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{words:?}: {said}");
        serde_json::from_slice(&out.stdout).unwrap()
    }
}

/// Waits for the end of a process, which must come.
#[track_caller]
pub fn ended(mut child: Child) -> (ExitStatus, String) {
    use std::io::Read;
    let begun = Instant::now();
    let mut pipe = child.stderr.take().unwrap();
    let said = std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    });
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it does not end: a deadlock");
        }
    };
    (status, said.join().unwrap())
}

/// Whether a refusal says clearly that somebody else is at it, or was.
pub fn is_clear(said: &str) -> bool {
    [
        "another rewind is at work",
        "another rewind was at work",
        "a rewind is at work",
        "was interrupted",
        "no longer as the plan saw it",
        "it changed while it was being put back",
        "there is no rewind to undo",
        "there is nothing to redo",
        "went away while",
    ]
    .iter()
    .any(|known| said.contains(known))
}
