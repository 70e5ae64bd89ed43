//! A home folder, a repository and two sessions in it, for tests that run the real binary. Nothing of the machine shows.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::{Value, json};

/// What the file of the story contains, state by state.
pub const STATES: [&str; 3] = [
    "fn main() {\n    loop { retry(); }\n}\n",
    "fn main() {\n    for _ in 0..5 { retry(); }\n}\n",
    "fn main() {\n    for _ in 0..5 { retry(); }\n}\n// done\n",
];

/// The agent's id of the session.
pub const SESSION: &str = "0f1e2d3c-0000-4000-8000-000000000001";

/// A throw-away home with a repository `shop` in it.
pub struct Home {
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl Home {
    /// The folders, without any session.
    pub fn empty() -> Home {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("shop/.git/objects")).unwrap();
        fs::create_dir_all(root.join("shop/.git/refs")).unwrap();
        fs::write(root.join("shop/.git/HEAD"), "ref: refs/heads/main\n").unwrap();
        Home { _dir: dir, root }
    }

    /// With the story's session, taken in.
    pub fn with_story() -> Home {
        let home = Home::empty();
        home.write_story();
        home.run(&["ingest"]).assert().success();
        home
    }

    pub fn path(&self, rel: &str) -> PathBuf {
        self.root.join(rel)
    }

    /// The transcript of the story.
    pub fn transcript(&self) -> PathBuf {
        self.root
            .join(format!(".claude/projects/-shop/{SESSION}.jsonl"))
    }

    pub fn write_story(&self) {
        let lines = story(&self.root.join("shop"));
        let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        fs::create_dir_all(self.transcript().parent().unwrap()).unwrap();
        fs::write(self.transcript(), text).unwrap();
    }

    /// The program, in the repository, with nothing of the real environment.
    pub fn run(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("regent-tui").unwrap();
        command
            .env_clear()
            .env("HOME", &self.root)
            .env("TZ", "UTC")
            .env("REGENT_NOW", "2026-03-01T12:00:00Z")
            .current_dir(self.root.join("shop"))
            .args(args);
        command
    }

    /// What it prints; it must succeed.
    pub fn out(&self, args: &[&str]) -> String {
        let done = self.run(args).output().unwrap();
        let err = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{args:?}: {err}");
        self.clean(&done.stdout)
    }

    /// Exit code and what it says on stderr.
    pub fn err(&self, args: &[&str]) -> (i32, String) {
        let done = self.run(args).output().unwrap();
        assert!(
            done.stdout.is_empty(),
            "{args:?}: {}",
            self.clean(&done.stdout)
        );
        (done.status.code().unwrap(), self.clean(&done.stderr))
    }

    /// The data it prints.
    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.out(args)).unwrap()
    }

    /// One value for each line.
    pub fn json_lines(&self, args: &[&str]) -> Vec<Value> {
        let out = self.out(args);
        out.lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect()
    }

    fn clean(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.replace(self.root.to_str().unwrap(), "~")
    }
}

/// Two prompts: a read and an edit with a message; then a failing test, a write, a passing test and a deletion.
fn story(cwd: &Path) -> Vec<Value> {
    let mut s = Story {
        cwd: cwd.to_string_lossy().into_owned(),
        lines: Vec::new(),
        second: 0,
    };
    let main = format!("{}/src/main.rs", s.cwd);
    let notes = format!("{}/notes with blank.txt", s.cwd);
    s.prompt("why does checkout hang? it should give up");
    let numbered: String = STATES[0]
        .lines()
        .enumerate()
        .map(|(i, l)| format!("{}\t{l}\n", i + 1))
        .collect();
    s.call("Read", json!({"file_path": main}), &numbered, json!({
        "type": "text",
        "file": {"filePath": main, "content": STATES[0], "numLines": 4, "startLine": 1, "totalLines": 4},
    }));
    s.say("The loop has no bound. I will cap it.");
    let (old, new) = ("loop { retry(); }", "for _ in 0..5 { retry(); }");
    s.call("Edit", json!({"file_path": main, "old_string": old, "new_string": new}), "updated", json!({
        "filePath": main, "oldString": old, "newString": new, "originalFile": STATES[0], "replaceAll": false,
        "userModified": false,
        "structuredPatch": [{"oldStart": 1, "oldLines": 3, "newStart": 1, "newLines": 3, "lines": [
            " fn main() {", "-    loop { retry(); }", "+    for _ in 0..5 { retry(); }", " }"]}],
    }));
    s.prompt("add a note, run the tests");
    s.fail(
        "cargo test",
        "Exit code 101\ntest retry ... FAILED\n\ntest result: FAILED. 0 passed; 1 failed\n",
    );
    s.call("Write", json!({"file_path": notes, "content": "bounded\u{1b}[31m\n"}), "created", json!({
        "type": "create", "filePath": notes, "content": "bounded\u{1b}[31m\n", "structuredPatch": [], "originalFile": null,
    }));
    s.call("Edit", json!({"file_path": main, "old_string": "}\n}\n", "new_string": "}\n}\n// done\n"}), "updated", json!({
        "filePath": main, "oldString": "}\n}\n", "newString": "}\n}\n// done\n", "originalFile": STATES[1],
        "replaceAll": false, "userModified": false,
        "structuredPatch": [{"oldStart": 3, "oldLines": 1, "newStart": 3, "newLines": 2, "lines": [" }", "+// done"]}],
    }));
    s.call("Bash", json!({"command": "cargo test"}), "test result: ok. 1 passed; 0 failed", json!({
        "stdout": "running 1 test\ntest retry ... ok\n\ntest result: ok. 1 passed; 0 failed\n", "stderr": "",
        "interrupted": false, "isImage": false,
    }));
    s.say("Done: checkout gives up after five tries.");
    s.lines
}

struct Story {
    cwd: String,
    lines: Vec<Value>,
    second: u32,
}

impl Story {
    fn line(&mut self, kind: &str, message: Value) -> &mut Value {
        self.second += 1;
        let n = self.lines.len();
        let parent = n.checked_sub(1).map(|p| format!("u{p}"));
        self.lines.push(json!({
            "parentUuid": parent, "isSidechain": false, "userType": "external", "cwd": self.cwd,
            "sessionId": SESSION, "version": "2.1.100", "gitBranch": "main", "type": kind, "message": message,
            "uuid": format!("u{n}"), "timestamp": format!("2026-03-01T09:00:{:02}.000Z", self.second),
        }));
        self.lines.last_mut().unwrap()
    }

    fn prompt(&mut self, text: &str) {
        self.line("user", json!({"role": "user", "content": text}));
    }

    fn assistant(&mut self, block: Value) {
        let id = format!("msg_{}", self.lines.len());
        self.line(
            "assistant",
            json!({
                "id": id, "role": "assistant", "model": "claude-test", "content": [block],
                "usage": {"input_tokens": 10, "output_tokens": 5},
            }),
        );
    }

    fn say(&mut self, text: &str) {
        self.assistant(json!({"type": "text", "text": text}));
    }

    fn call(&mut self, tool: &str, input: Value, output: &str, result: Value) {
        let id = format!("toolu_{:02}", self.lines.len());
        self.assistant(json!({"type": "tool_use", "id": id, "name": tool, "input": input}));
        let content = json!([{"type": "tool_result", "tool_use_id": id, "content": output}]);
        self.line("user", json!({"role": "user", "content": content}))["toolUseResult"] = result;
    }

    fn fail(&mut self, command: &str, output: &str) {
        let id = format!("toolu_{:02}", self.lines.len());
        self.assistant(
            json!({"type": "tool_use", "id": id, "name": "Bash", "input": {"command": command}}),
        );
        let content = json!([{"type": "tool_result", "tool_use_id": id, "content": output, "is_error": true}]);
        let line = self.line("user", json!({"role": "user", "content": content}));
        line["toolUseResult"] = json!(format!("Error: {output}"));
    }
}
