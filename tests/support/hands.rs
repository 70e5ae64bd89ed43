//! A file that several hands change, with the truth of every line beside it: agents' edits go into real transcripts,
//! a person's go to the disk only. Every state is also a commit, for git to be asked.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use regent_tui::diff::lines::{Options, hunks};
use serde_json::{Value, json};

use crate::git::{commit, git, init};

/// Who really wrote a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    Before,
    /// The call id of the step.
    Step(String),
    /// A person, unseen.
    Person,
}

/// Numbers that look random and are the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n.max(1) as u64) as usize
    }
}

pub struct Hands {
    _dir: tempfile::TempDir,
    pub root: PathBuf,
    pub name: String,
    pub lines: Vec<(String, Truth)>,
    sessions: Vec<Vec<Value>>,
    codex: Vec<Value>,
    clock: u32,
    words: u32,
    /// One for each commit: its name, and who made it.
    pub commits: Vec<(String, Truth)>,
}

impl Hands {
    pub fn new(lines: usize, with_git: bool) -> Hands {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let mut hands = Hands {
            _dir: dir,
            root,
            name: "src/story.rs".to_owned(),
            lines: Vec::new(),
            sessions: vec![Vec::new(), Vec::new()],
            codex: Vec::new(),
            clock: 0,
            words: 0,
            commits: Vec::new(),
        };
        fs::create_dir_all(hands.shop().join("src")).unwrap();
        if with_git {
            init(&hands.shop());
        } else {
            fs::create_dir_all(hands.shop().join(".git/objects")).unwrap();
            fs::create_dir_all(hands.shop().join(".git/refs")).unwrap();
            fs::write(hands.shop().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        }
        hands.lines = (0..lines)
            .map(|n| match n % 9 {
                4 => "}\n".to_owned(),
                5 => "\n".to_owned(),
                _ => hands.fresh(),
            })
            .map(|text| (text, Truth::Before))
            .collect();
        hands.put(Truth::Before, with_git);
        hands
    }

    pub fn shop(&self) -> PathBuf {
        self.root.join("shop")
    }

    pub fn file(&self) -> PathBuf {
        self.shop().join(&self.name)
    }

    pub fn text(&self) -> String {
        self.lines.iter().map(|l| l.0.as_str()).collect()
    }

    /// A line that stands nowhere else.
    pub fn fresh(&mut self) -> String {
        self.words += 1;
        let n = self.words;
        format!("    let value_{n} = compute({});\n", u64::from(n) * 7919)
    }

    /// Writes the file, and commits it.
    fn put(&mut self, by: Truth, with_git: bool) {
        fs::write(self.file(), self.text()).unwrap();
        if with_git {
            let id = commit(&self.shop());
            self.commits.push((id, by));
        }
    }

    /// A person changes the file; nobody sees it.
    pub fn person(&mut self, change: impl FnOnce(&mut Vec<(String, Truth)>, Truth)) {
        change(&mut self.lines, Truth::Person);
        let with_git = !self.commits.is_empty();
        self.put(Truth::Person, with_git);
    }

    /// An agent changes the file, with `Write` (of the whole) or `Edit` (of what differs).
    pub fn agent(
        &mut self,
        session: usize,
        whole: bool,
        change: impl FnOnce(&mut Vec<(String, Truth)>, Truth),
    ) {
        let id = format!("toolu_{session}_{:04}", self.clock);
        let old = self.text();
        change(&mut self.lines, Truth::Step(id.clone()));
        let new = self.text();
        if old == new {
            return;
        }
        let path = self.file().to_string_lossy().into_owned();
        let patch: Vec<Value> = hunks(&old, &new, 3, &Options::default())
            .iter()
            .map(|h| {
                json!({"oldStart": h.old_start, "oldLines": h.old_lines, "newStart": h.new_start,
                       "newLines": h.new_lines, "lines": h.lines})
            })
            .collect();
        if whole {
            let input = json!({"file_path": path, "content": new});
            let result = json!({"type": "update", "filePath": path, "content": new,
                                "structuredPatch": patch, "originalFile": old});
            self.call(session, &id, "Write", input, result);
        } else {
            let (a, b) = differing(&old, &new);
            let input = json!({"file_path": path, "old_string": a, "new_string": b});
            let result = json!({"filePath": path, "oldString": a, "newString": b, "originalFile": old,
                                "structuredPatch": patch, "userModified": false, "replaceAll": false});
            self.call(session, &id, "Edit", input, result);
        }
        let with_git = !self.commits.is_empty();
        self.put(Truth::Step(id), with_git);
    }

    /// An agent changes the file, and its record says what it replaced by what, not where, and not in which text.
    pub fn agent_blind(
        &mut self,
        session: usize,
        change: impl FnOnce(&mut Vec<(String, Truth)>, Truth),
    ) {
        let id = format!("toolu_{session}_{:04}", self.clock);
        let old = self.text();
        change(&mut self.lines, Truth::Step(id.clone()));
        let (a, b) = differing(&old, &self.text());
        let path = self.file().to_string_lossy().into_owned();
        let input = json!({"file_path": path, "old_string": a, "new_string": b});
        let result = json!({"filePath": path, "oldString": a, "newString": b, "userModified": false,
                            "replaceAll": false});
        self.call(session, &id, "Edit", input, result);
        let with_git = !self.commits.is_empty();
        self.put(Truth::Step(id), with_git);
    }

    /// Codex changes the file with a patch; its record holds no whole text.
    pub fn codex(&mut self, change: impl FnOnce(&mut Vec<(String, Truth)>, Truth)) {
        let id = format!("call_{:04}", self.clock);
        let old = self.text();
        change(&mut self.lines, Truth::Step(id.clone()));
        let mut patch = String::new();
        for h in hunks(&old, &self.text(), 3, &Options::default()) {
            let (o, n) = ((h.old_start, h.old_lines), (h.new_start, h.new_lines));
            patch.push_str(&format!("@@ -{},{} +{},{} @@\n", o.0, o.1, n.0, n.1));
            h.lines
                .iter()
                .for_each(|l| patch.push_str(&format!("{l}\n")));
        }
        let shop = self.shop().to_string_lossy().into_owned();
        if self.codex.is_empty() {
            let commit = self.commits.last().map(|c| c.0.clone());
            let meta = json!({"id": CODEX, "timestamp": "2026-03-01T00:00:00.000Z", "cwd": shop,
                "originator": "codex-tui", "cli_version": "0.142.0", "source": "cli", "model_provider": "openai",
                "git": {"commit_hash": commit, "branch": "main"}});
            self.codex_record("session_meta", meta);
            let turn = json!({"turn_id": "t", "cwd": shop, "model": "gpt-5.5", "effort": "medium"});
            self.codex_record("turn_context", turn);
            let asked = json!({"type": "user_message", "message": "prompt for codex"});
            self.codex_record("event_msg", asked);
        }
        let call = json!({"type": "custom_tool_call", "status": "completed", "call_id": id, "name": "apply_patch",
            "input": format!("*** Begin Patch\n*** Update File: {}\n*** End Patch", self.name)});
        self.codex_record("response_item", call);
        let file = self.file().to_string_lossy().into_owned();
        let done = json!({"type": "patch_apply_end", "call_id": id, "turn_id": "t", "stdout": "Success.",
            "stderr": "", "success": true, "status": "completed",
            "changes": {file: {"type": "update", "unified_diff": patch, "move_path": null}}});
        self.codex_record("event_msg", done);
        let with_git = !self.commits.is_empty();
        self.put(Truth::Step(id), with_git);
    }

    fn codex_record(&mut self, kind: &str, payload: Value) {
        self.clock += 10;
        let timestamp = self.now();
        self.codex
            .push(json!({"timestamp": timestamp, "type": kind, "payload": payload}));
    }

    fn now(&self) -> String {
        let (h, m, s) = (self.clock / 3600, self.clock / 60 % 60, self.clock % 60);
        format!("2026-03-01T{h:02}:{m:02}:{s:02}.000Z")
    }

    /// Another text stands there at once, as after a switch of branches; whose lines it has is known.
    pub fn switch(&mut self, lines: Vec<(String, Truth)>) {
        self.lines = lines;
        let with_git = !self.commits.is_empty();
        self.put(Truth::Person, with_git);
    }

    /// An agent reads the whole file.
    pub fn read(&mut self, session: usize) {
        let id = format!("toolu_{session}_{:04}", self.clock);
        let path = self.file().to_string_lossy().into_owned();
        let (text, n) = (self.text(), self.lines.len());
        let result = json!({"type": "text", "file": {"filePath": path, "content": text,
            "numLines": n + 1, "startLine": 1, "totalLines": n + 1}});
        self.call(session, &id, "Read", json!({"file_path": path}), result);
    }

    /// An agent's shell renames the file.
    pub fn rename(&mut self, session: usize, to: &str) {
        let id = format!("toolu_{session}_{:04}", self.clock);
        let command = format!("mv {} {to}", self.name);
        let result = json!({"stdout": "", "stderr": "", "interrupted": false, "isImage": false});
        self.call(session, &id, "Bash", json!({"command": command}), result);
        fs::rename(self.file(), self.shop().join(to)).unwrap();
        self.name = to.to_owned();
        if !self.commits.is_empty() {
            let id = commit(&self.shop());
            self.commits.push((id, Truth::Person));
        }
    }

    /// A person renames the file; nobody sees it.
    pub fn rename_by_hand(&mut self, to: &str) {
        fs::rename(self.file(), self.shop().join(to)).unwrap();
        self.name = to.to_owned();
    }

    /// A new prompt.
    pub fn prompt(&mut self, session: usize, text: &str) {
        let message = json!({"role": "user", "content": text});
        self.record(session, "user", message, None);
    }

    fn call(&mut self, session: usize, id: &str, tool: &str, input: Value, result: Value) {
        if self.sessions[session].is_empty() {
            self.prompt(session, &format!("prompt of session {session}"));
        }
        let block = json!({"type": "tool_use", "id": id, "name": tool, "input": input});
        let message = json!({"id": format!("msg_{id}"), "role": "assistant", "model": "m", "content": [block],
                             "usage": {"input_tokens": 1, "output_tokens": 1}});
        self.record(session, "assistant", message, None);
        let content = json!([{"type": "tool_result", "tool_use_id": id, "content": "done"}]);
        let message = json!({"role": "user", "content": content});
        self.record(session, "user", message, Some(result));
    }

    fn record(&mut self, session: usize, kind: &str, message: Value, result: Option<Value>) {
        self.clock += 10;
        let n = self.sessions[session].len();
        let parent = n.checked_sub(1).map(|p| format!("u{session}-{p}"));
        let timestamp = self.now();
        let shop = self.root.join("shop");
        let mut line = json!({
            "parentUuid": parent, "isSidechain": false, "userType": "external",
            "cwd": shop.to_string_lossy(), "sessionId": native(session), "version": "2.1.100",
            "gitBranch": "main", "type": kind, "message": message, "uuid": format!("u{session}-{n}"),
            "timestamp": timestamp,
        });
        if let Some(result) = result {
            line["toolUseResult"] = result;
        }
        self.sessions[session].push(line);
    }

    /// The program, in the repository.
    pub fn run(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("regent-tui").unwrap();
        command
            .env_clear()
            .env("HOME", &self.root)
            .env("TZ", "UTC")
            .env("REGENT_NOW", "2026-03-01T23:00:00Z")
            .current_dir(self.shop())
            .args(args);
        command
    }

    /// Writes the transcripts where the agent keeps them, and has them taken in.
    pub fn ingest(&self) {
        let dir = self.root.join(".claude/projects/-shop");
        fs::create_dir_all(&dir).unwrap();
        for (n, lines) in self.sessions.iter().enumerate() {
            if !lines.is_empty() {
                let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
                fs::write(dir.join(format!("{}.jsonl", native(n))), text).unwrap();
            }
        }
        if !self.codex.is_empty() {
            let dir = self.root.join(".codex/sessions/2026/03/01");
            fs::create_dir_all(&dir).unwrap();
            let text: String = self.codex.iter().map(|l| format!("{l}\n")).collect();
            fs::write(
                dir.join(format!("rollout-2026-03-01T00-00-00-{CODEX}.jsonl")),
                text,
            )
            .unwrap();
        }
        self.run(&["ingest"]).assert().success();
    }

    /// Whom `git blame` holds responsible, line by line; it is asked to see through moves and white space.
    pub fn git_blame(&self) -> Vec<Truth> {
        let text = git(
            &self.shop(),
            &["blame", "-w", "-M", "--line-porcelain", &self.name],
        );
        text.lines()
            .filter(|l| l.len() > 41 && l.as_bytes()[40] == b' ')
            .filter(|l| l[..40].bytes().all(|b| b.is_ascii_hexdigit()))
            .map(|l| {
                let by = self.commits.iter().find(|(id, _)| *id == l[..40]);
                by.unwrap().1.clone()
            })
            .collect()
    }
}

/// Codex's own id of its session.
const CODEX: &str = "019f0000-1111-7000-8000-00000000000a";

/// The agent's id of a session.
pub fn native(session: usize) -> String {
    format!("0f1e2d3c-0000-4000-8000-00000000000{session}")
}

/// The whole lines that differ, with so many around that they stand once in the old text.
fn differing(old: &str, new: &str) -> (String, String) {
    let (a, b): (Vec<&str>, Vec<&str>) = (
        old.split_inclusive('\n').collect(),
        new.split_inclusive('\n').collect(),
    );
    let most = a.len().min(b.len());
    let front = (0..most).take_while(|i| a[*i] == b[*i]).count();
    let back = (0..most - front)
        .take_while(|i| a[a.len() - 1 - i] == b[b.len() - 1 - i])
        .count();
    for around in 0.. {
        let (from, less) = (front.saturating_sub(around), back.saturating_sub(around));
        let piece = a[from..a.len() - less].concat();
        let once = !piece.is_empty() && old.match_indices(&piece).nth(1).is_none();
        if once || (from == 0 && less == 0) {
            return (piece, b[from..b.len() - less].concat());
        }
    }
    unreachable!()
}

pub type Line = (String, Truth);

/// One random change of one place.
pub fn change(dice: &mut Dice, fresh: Vec<String>, lines: &mut Vec<Line>, by: &Truth) {
    let at = dice.below(lines.len() + 1);
    let end = lines.len().min(at + 1 + dice.below(6));
    let new =
        |texts: &[String]| -> Vec<Line> { texts.iter().map(|t| (t.clone(), by.clone())).collect() };
    let n = 1 + dice.below(fresh.len());
    match dice.below(12) {
        0..=2 => drop(lines.splice(at..at, new(&fresh[..n]))),
        3 => {
            let repeated = ["}\n", "\n", "    return None\n"][dice.below(3)].to_owned();
            drop(lines.splice(at..at, new(&vec![repeated; 1 + dice.below(2)])));
        }
        4 => {
            // A function beside others: it begins or ends as they do.
            let mut texts = fresh[..n].to_vec();
            texts.extend(["}\n".to_owned(), "\n".to_owned()]);
            drop(lines.splice(at..at, new(&texts)));
        }
        5 | 6 => drop(lines.drain(at..end)),
        7 | 8 => drop(lines.splice(at..end, new(&fresh[..n]))),
        9 => {
            let block: Vec<Line> = lines.drain(at..end).collect();
            if !block.iter().any(|l| l.0.len() > 20) {
                drop(lines.splice(at..at, block));
                return;
            }
            let to = dice.below(lines.len() + 1);
            drop(lines.splice(to..to, block));
        }
        _ => {
            for line in &mut lines[at..end] {
                if line.0.len() > 1 {
                    line.0.insert_str(0, "  ");
                }
            }
        }
    }
}

/// Whether a file of real sessions is there.
pub fn transcripts() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("REGENT_TRANSCRIPTS") {
        return Some(PathBuf::from(dir)).filter(|d| d.is_dir());
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|d| d.join("shared/transcripts"))
        .find(|d| d.is_dir())
}
