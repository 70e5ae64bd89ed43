//! A scripted agent: it writes records as Claude Code does, at the moments at which things happen, and really changes
//! files, by tools of its own and by shell commands.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// One session.
pub struct Agent {
    transcript: PathBuf,
    cwd: PathBuf,
    session: String,
    records: usize,
    calls: usize,
}

/// Now, as records write it.
fn now() -> String {
    let now = jiff::Timestamp::now();
    now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

impl Agent {
    /// A session that works in a folder; its transcript is among those of this home.
    pub fn new(home: &Path, cwd: &Path, session: &str) -> Agent {
        let transcript = home.join(format!(".claude/projects/-work/{session}.jsonl"));
        fs::create_dir_all(transcript.parent().unwrap()).unwrap();
        Agent {
            transcript,
            cwd: cwd.to_owned(),
            session: session.to_owned(),
            records: 0,
            calls: 0,
        }
    }

    /// Goes on with a session of which one record was written.
    pub fn go_on(&mut self) {
        self.records = 1;
    }

    /// A command that takes no time: its call and its result.
    pub fn fast(&mut self, command: &str) {
        let call = self.call("Bash", json!({"command": command}));
        let details = json!({"stdout": "", "stderr": "", "interrupted": false, "isImage": false});
        self.result(&call, "", false, details);
    }

    fn record(&mut self, kind: &str, message: Value, result: Option<Value>) {
        let n = self.records;
        let name = |n: usize| format!("{}-u{n}", self.session);
        let mut line = json!({
            "parentUuid": n.checked_sub(1).map(name), "isSidechain": false, "userType": "external",
            "cwd": self.cwd, "sessionId": self.session, "version": "2.1.100", "gitBranch": "main",
            "type": kind, "message": message, "uuid": name(n), "timestamp": now(),
        });
        if let Some(result) = result {
            line["toolUseResult"] = result;
        }
        self.records += 1;
        // As it does: one write for each line.
        let file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.transcript);
        file.unwrap()
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    /// A person's words.
    pub fn prompt(&mut self, text: &str) {
        self.record("user", json!({"role": "user", "content": text}), None);
    }

    /// Calls a tool; the id of the call.
    pub fn call(&mut self, tool: &str, input: Value) -> String {
        self.calls += 1;
        let id = format!("toolu_{}_{}", self.session, self.calls);
        let n = self.records;
        self.record(
            "assistant",
            json!({
                "id": format!("msg_{}_{n}", self.session), "type": "message", "role": "assistant", "model": "claude-test",
                "content": [{"type": "tool_use", "id": id, "name": tool, "input": input}],
            }),
            None,
        );
        id
    }

    /// The result of a call.
    pub fn result(&mut self, call: &str, output: &str, failed: bool, result: Value) {
        self.record(
            "user",
            json!({
                "role": "user",
                "content": [{"tool_use_id": call, "type": "tool_result", "content": output, "is_error": failed}],
            }),
            Some(result),
        );
    }

    /// Runs a shell command: the call, the command itself, its result.
    pub fn shell(&mut self, command: &str) {
        let call = self.call("Bash", json!({"command": command}));
        self.finish(&call, command);
    }

    /// Does what a call of the shell said, and records the result.
    pub fn finish(&mut self, call: &str, command: &str) {
        let done = Command::new("sh")
            .args(["-c", command])
            .current_dir(&self.cwd)
            .output()
            .unwrap();
        let (out, err) = (
            String::from_utf8_lossy(&done.stdout).into_owned(),
            String::from_utf8_lossy(&done.stderr).into_owned(),
        );
        let failed = !done.status.success();
        let words = match failed {
            true => format!("Exit code {}\n{out}{err}", done.status.code().unwrap_or(1)),
            false => out.clone(),
        };
        let details = json!({"stdout": out, "stderr": err, "interrupted": false, "isImage": false});
        self.result(call, &words, failed, details);
    }

    /// Writes a file with its own tool; `recorded` is what the record says that it wrote.
    pub fn write(&mut self, rel: &str, content: &str, recorded: &str) {
        let path = self.cwd.join(rel);
        let before = fs::read_to_string(&path).ok();
        let call = self.call("Write", json!({"file_path": path, "content": recorded}));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let kind = if before.is_some() { "update" } else { "create" };
        let details = json!({
            "type": kind, "filePath": path, "content": recorded, "structuredPatch": [], "originalFile": before,
        });
        self.result(
            &call,
            &format!("File written: {}", path.display()),
            false,
            details,
        );
    }
}
