//! A Claude Code session as it stands in its file, record by record.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::home::Home;

pub struct Talk {
    pub id: String,
    cwd: String,
    pub lines: Vec<Value>,
    minute: u32,
}

impl Talk {
    pub fn new(home: &Home, id: &str) -> Talk {
        Talk {
            id: id.to_owned(),
            cwd: home.path("shop").display().to_string(),
            lines: Vec::new(),
            minute: 0,
        }
    }

    pub fn file(&self, home: &Home) -> PathBuf {
        home.path(&format!(".claude/projects/-shop/{}.jsonl", self.id))
    }

    pub fn write(&self, home: &Home) {
        let path = self.file(home);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text: String = self.lines.iter().map(|l| format!("{l}\n")).collect();
        fs::write(path, text).unwrap();
    }

    fn record(&mut self, kind: &str, message: Value) -> &mut Value {
        self.minute += 1;
        let n = self.lines.len();
        let parent = self
            .lines
            .iter()
            .rev()
            .find_map(|l| l.get("uuid").cloned())
            .unwrap_or(Value::Null);
        self.lines.push(json!({
            "parentUuid": parent, "isSidechain": false, "userType": "external", "cwd": self.cwd,
            "sessionId": self.id, "version": "2.1.100", "gitBranch": "main", "type": kind, "message": message,
            "uuid": format!("{}-u{n}", self.id),
            "timestamp": format!("2026-03-01T{:02}:{:02}:00.000Z", 8 + self.minute / 60, self.minute % 60),
        }));
        self.lines.last_mut().unwrap()
    }

    pub fn prompt(&mut self, text: &str) {
        self.record("user", json!({"role": "user", "content": text}));
    }

    pub fn say(&mut self, text: &str) {
        self.assistant("msg_say", vec![json!({"type": "text", "text": text})]);
    }

    pub fn assistant(&mut self, message: &str, blocks: Vec<Value>) {
        let id = format!("{message}_{}", self.lines.len());
        let message =
            json!({"id": id, "role": "assistant", "model": "claude-test", "content": blocks});
        self.record("assistant", message);
    }

    pub fn call(&mut self, tool: &str, input: Value) -> String {
        let id = format!("toolu_{}_{:02}", self.id, self.lines.len());
        self.assistant(
            "msg",
            vec![json!({"type": "tool_use", "id": id, "name": tool, "input": input})],
        );
        id
    }

    pub fn result(&mut self, call: &str, output: &str, result: Value) {
        let content = json!([{"type": "tool_result", "tool_use_id": call, "content": output}]);
        self.record("user", json!({"role": "user", "content": content}))["toolUseResult"] = result;
    }

    /// A file is written whole; the record holds both texts.
    pub fn rewrite(&mut self, rel: &str, before: &str, after: &str) -> String {
        let path = format!("{}/{rel}", self.cwd);
        let call = self.call("Write", json!({"file_path": path, "content": after}));
        self.result(&call, "updated", json!({
            "type": "update", "filePath": path, "content": after, "originalFile": before, "structuredPatch": [],
        }));
        call
    }

    pub fn bash(&mut self, command: &str) -> String {
        let call = self.call("Bash", json!({"command": command}));
        self.result(
            &call,
            "ok",
            json!({
                "stdout": "ok", "stderr": "", "interrupted": false, "isImage": false,
            }),
        );
        call
    }
}

/// The files of the agents' session folders, by name.
pub fn sessions(home: &Home) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![home.path(".claude"), home.path(".codex")];
    while let Some(dir) = folders.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => found.push(path),
            }
        }
    }
    found.sort();
    found
}

/// What a record says it is, for looking at many.
pub fn read(path: &std::path::Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}
