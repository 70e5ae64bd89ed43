//! Transcripts of both agents, record by record, for tests that say what stands in them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A transcript of Claude Code in the making.
pub struct Claude {
    cwd: PathBuf,
    pub session: String,
    version: String,
    pub lines: Vec<Value>,
    minute: u32,
}

impl Claude {
    /// A session whose records begin at this minute past nine.
    pub fn new(cwd: &Path, session: &str, version: &str, minute: u32) -> Claude {
        let mut talk = Claude {
            cwd: cwd.to_owned(),
            session: session.to_owned(),
            version: version.to_owned(),
            lines: Vec::new(),
            minute,
        };
        talk.asks("go on");
        talk
    }

    pub fn record(&mut self, kind: &str, message: Value) -> &mut Value {
        let n = self.lines.len();
        let parent = n.checked_sub(1).map(|p| format!("{}-{p}", self.session));
        self.lines.push(json!({
            "parentUuid": parent, "isSidechain": false, "userType": "external", "cwd": self.cwd,
            "sessionId": self.session, "version": self.version, "gitBranch": "main", "type": kind, "message": message,
            "uuid": format!("{}-{n}", self.session),
            "timestamp": format!("2026-03-01T09:{:02}:{n:02}.000Z", self.minute),
        }));
        self.lines.last_mut().unwrap()
    }

    pub fn asks(&mut self, text: &str) {
        self.record("user", json!({"role": "user", "content": text}));
    }

    /// A call and its result. The call's id is the session's and a number.
    pub fn call(&mut self, tool: &str, input: Value, output: &str, result: Value) -> String {
        let id = format!("toolu_{}_{}", self.session, self.lines.len());
        let block = json!({"type": "tool_use", "id": id, "name": tool, "input": input});
        self.record(
            "assistant",
            json!({"id": format!("msg_{id}"), "role": "assistant", "model": "m", "content": [block]}),
        );
        let content = json!([{"type": "tool_result", "tool_use_id": id, "content": output}]);
        self.record("user", json!({"role": "user", "content": content}))["toolUseResult"] = result;
        id
    }

    fn path(&self, name: &str) -> String {
        self.cwd.join(name).to_string_lossy().into_owned()
    }

    pub fn writes(&mut self, name: &str, before: Option<&str>, content: &str) -> String {
        let path = self.path(name);
        let kind = if before.is_some() { "update" } else { "create" };
        let result = json!({"type": kind, "filePath": path, "content": content, "structuredPatch": [], "originalFile": before});
        let input = json!({"file_path": path, "content": content});
        self.call("Write", input, "written", result)
    }

    pub fn reads(&mut self, name: &str, content: &str) -> String {
        let path = self.path(name);
        let lines = content.matches('\n').count() + 1;
        let file = json!({"filePath": path, "content": content, "numLines": lines, "startLine": 1, "totalLines": lines});
        let result = json!({"type": "text", "file": file});
        self.call("Read", json!({"file_path": path}), content, result)
    }

    /// An edit as versions since 2.1.231 record it: without the text before. `hunk`: its first line, and its lines.
    pub fn edits(&mut self, name: &str, (old, new): (&str, &str), hunk: (u32, &[&str])) -> String {
        let path = self.path(name);
        let count = |marks: [char; 2]| hunk.1.iter().filter(|l| l.starts_with(marks)).count();
        let hunk = json!({"oldStart": hunk.0, "oldLines": count([' ', '-']), "newStart": hunk.0,
                          "newLines": count([' ', '+']), "lines": hunk.1});
        let input = json!({"file_path": path, "old_string": old, "new_string": new});
        let result = json!({"filePath": path, "oldString": old, "newString": new, "originalFile": null,
                            "structuredPatch": [hunk], "userModified": false, "replaceAll": false});
        self.call("Edit", input, "updated", result)
    }

    /// A list of the copies that are kept: path, and the copy's name.
    pub fn keeps(&mut self, copies: &[(&str, Option<&str>)]) {
        let at = format!(
            "2026-03-01T09:{:02}:{:02}.000Z",
            self.minute,
            self.lines.len()
        );
        let tracked: serde_json::Map<String, Value> = copies
            .iter()
            .map(|(path, name)| {
                let copy = json!({"backupFileName": name, "version": 1, "backupTime": at});
                ((*path).to_owned(), copy)
            })
            .collect();
        let message = format!("{}-0", self.session);
        self.lines.push(json!({
            "type": "file-history-snapshot", "messageId": message, "isSnapshotUpdate": true,
            "snapshot": {"messageId": message, "trackedFileBackups": tracked, "timestamp": at},
        }));
    }

    /// Writes it where the agent keeps its transcripts.
    pub fn save(&self, home: &Path) -> PathBuf {
        let path = home.join(format!(".claude/projects/-shop/{}.jsonl", self.session));
        save(&path, &self.lines);
        path
    }
}

/// A transcript of Codex in the making.
pub struct Codex {
    cwd: PathBuf,
    id: String,
    pub lines: Vec<Value>,
    minute: u32,
}

impl Codex {
    /// A session whose records begin at this minute past nine, on a commit.
    pub fn new(cwd: &Path, n: u32, commit: Option<&str>, minute: u32) -> Codex {
        let mut talk = Codex {
            cwd: cwd.to_owned(),
            id: format!("0199aaaa-bbbb-7ccc-8ddd-{n:012}"),
            lines: Vec::new(),
            minute,
        };
        let meta = json!({
            "id": talk.id, "timestamp": "2026-03-01T09:00:00.000Z", "cwd": talk.cwd, "originator": "codex-tui",
            "cli_version": "0.140.0", "source": "cli", "model_provider": "openai",
            "git": commit.map(|c| json!({"commit_hash": c, "branch": "main"})),
        });
        talk.record("session_meta", meta);
        let asked = json!({"type": "user_message", "message": "go on", "kind": "plain"});
        talk.record("event_msg", asked);
        talk
    }

    pub fn record(&mut self, kind: &str, payload: Value) {
        let (minute, second) = (self.minute, self.lines.len());
        let at = format!("2026-03-01T09:{minute:02}:{second:02}.000Z");
        self.lines
            .push(json!({"timestamp": at, "type": kind, "payload": payload}));
    }

    /// A patch: the change of each file, as `patch_apply_end` has it. Paths are relative to the folder, or absolute.
    pub fn patches(&mut self, changes: &[(&str, Value)]) -> String {
        let id = format!("call_{}_{}", &self.id[30..], self.lines.len());
        let call = json!({"type": "custom_tool_call", "status": "completed", "call_id": id, "name": "apply_patch",
                          "input": "*** Begin Patch\n*** End Patch"});
        self.record("response_item", call);
        let changes: serde_json::Map<String, Value> = changes
            .iter()
            .map(|(name, change)| {
                let path = self.cwd.join(name).to_string_lossy().into_owned();
                (path, change.clone())
            })
            .collect();
        let end = json!({"type": "patch_apply_end", "call_id": id, "turn_id": "t", "stdout": "", "stderr": "",
                         "success": true, "status": "completed", "changes": changes});
        self.record("event_msg", end);
        id
    }

    pub fn adds(&mut self, name: &str, content: &str) -> String {
        self.patches(&[(name, json!({"type": "add", "content": content}))])
    }

    /// Writes it where the agent keeps its transcripts.
    pub fn save(&self, home: &Path) -> PathBuf {
        let folder = home.join(".codex/sessions/2026/03/01");
        let path = folder.join(format!("rollout-2026-03-01T09-00-00-{}.jsonl", self.id));
        save(&path, &self.lines);
        path
    }
}

fn save(path: &Path, lines: &[Value]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
    fs::write(path, text).unwrap();
}
