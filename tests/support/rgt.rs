//! A store of re_gent in the making: objects, refs and the index, as its hooks write them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// 2026-03-01, nine o'clock.
const NINE: i64 = 1_772_355_600_000_000_000;
const SECOND: i64 = 1_000_000_000;

const SCHEMA: &str = "PRAGMA journal_mode = wal;
CREATE TABLE steps(id TEXT PRIMARY KEY, parent_id TEXT, session_id TEXT NOT NULL, origin TEXT NOT NULL DEFAULT 'claude_code',
  turn_id TEXT, agent_id TEXT, ts_nanos INTEGER NOT NULL, tool_name TEXT NOT NULL, tool_use_id TEXT NOT NULL,
  tree_hash TEXT NOT NULL, transcript_hash TEXT);
CREATE TABLE sessions(id TEXT PRIMARY KEY, origin TEXT, started_at INTEGER, last_seen_at INTEGER, head_step_id TEXT, model TEXT,
  permission_mode TEXT, transcript_path TEXT);
CREATE TABLE messages(id TEXT PRIMARY KEY, session_id, step_id, turn_id, seq_num INTEGER, timestamp INTEGER, processed_at INTEGER,
  message_type TEXT, content_text, tool_name, tool_use_id, tool_input, tool_output);
CREATE TABLE jsonl_snapshots(session_id, captured_at, jsonl_blob, PRIMARY KEY(session_id, captured_at));";

/// The store of one folder.
pub struct Rgt {
    pub folder: PathBuf,
    pub conn: Connection,
    /// Seconds since nine.
    pub now: i64,
    seq: i64,
    heads: HashMap<String, String>,
}

impl Rgt {
    pub fn new(folder: &Path) -> Rgt {
        let regent = folder.join(".regent");
        fs::create_dir_all(regent.join("objects")).unwrap();
        fs::create_dir_all(regent.join("refs/sessions")).unwrap();
        fs::write(
            regent.join(".gitignore"),
            "# re_gent temporary files\n*.backup\nlog/\n",
        )
        .unwrap();
        fs::write(regent.join("config.toml"), "# re_gent configuration\n").unwrap();
        let conn = Connection::open(regent.join("index.db")).unwrap();
        conn.execute_batch(SCHEMA).unwrap();
        Rgt {
            folder: folder.to_owned(),
            conn,
            now: 0,
            seq: 0,
            heads: HashMap::new(),
        }
    }

    fn nanos(&self) -> i64 {
        NINE + self.now * SECOND + 836_129
    }

    pub fn object_path(&self, name: &str) -> PathBuf {
        self.folder
            .join(".regent/objects")
            .join(&name[..2])
            .join(name)
    }

    pub fn object(&self, bytes: &[u8]) -> String {
        let name = blake3::hash(bytes).to_hex().to_string();
        let path = self.object_path(&name);
        if !path.exists() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        name
    }

    pub fn session(&self, id: &str, origin: &str) {
        self.conn
            .execute(
                "INSERT INTO sessions (id, origin, started_at, last_seen_at, model) VALUES (?1, ?2, ?3, ?3, 'a-model')",
                params![id, origin, self.nanos()],
            )
            .unwrap();
    }

    fn message(&mut self, session: &str, kind: &str, text: Option<&str>, call: [Option<&str>; 4]) {
        self.now += 1;
        self.seq += 1;
        let [tool, id, input, output] = call;
        self.conn
            .execute(
                "INSERT INTO messages (id, session_id, seq_num, timestamp, message_type, content_text, tool_name, tool_use_id,
                   tool_input, tool_output) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    format!("msg_{}_{kind}", self.seq), session, self.seq, self.nanos(), kind, text, tool, id, input, output
                ],
            )
            .unwrap();
    }

    pub fn asks(&mut self, session: &str, text: &str) {
        self.message(session, "user", Some(text), [None; 4]);
    }

    pub fn says(&mut self, session: &str, text: &str) {
        self.message(session, "assistant", Some(text), [None; 4]);
    }

    pub fn call(&mut self, session: &str, id: &str, tool: &str, input: &Value, output: &Value) {
        let input = self.object(input.to_string().as_bytes());
        let output = self.object(output.to_string().as_bytes());
        let known = [Some(tool), Some(id), Some(input.as_str()), None];
        self.message(session, "tool_call", None, known);
        let known = [Some(tool), Some(id), None, Some(output.as_str())];
        self.message(session, "tool_result", None, known);
    }

    /// The turn is over: the tree as the folder is now, and a step. Without `files`, what stands in the folder.
    pub fn stops(&mut self, session: &str, causes: Value, files: Option<&[(&str, &str)]>) {
        self.now += 1;
        let mut found: Vec<(String, Vec<u8>)> = match files {
            Some(files) => files
                .iter()
                .map(|(p, t)| ((*p).to_owned(), t.as_bytes().to_vec()))
                .collect(),
            None => below(&self.folder, &self.folder),
        };
        found.sort();
        let entries: Vec<Value> = found
            .iter()
            .map(|(path, bytes)| json!({"path": path, "blob": self.object(bytes), "mode": 420}))
            .collect();
        let tree = self.object(json!({ "entries": entries }).to_string().as_bytes());
        let step = json!({
            "parent": self.heads.get(session), "tree": tree, "cause": causes.get(0), "causes": causes,
            "session_id": session, "origin": "claude_code", "ts": self.nanos(),
        });
        let id = self.object(step.to_string().as_bytes());
        self.conn
            .execute(
                "INSERT INTO steps (id, parent_id, session_id, ts_nanos, tool_name, tool_use_id, tree_hash)
                 VALUES (?1, '', ?2, ?3, '', '', ?4)",
                params![id, session, self.nanos(), tree],
            )
            .unwrap();
        self.conn
            .execute(
                "UPDATE messages SET step_id = ?1, processed_at = ?2 WHERE session_id = ?3 AND step_id IS NULL",
                params![id, self.nanos(), session],
            )
            .unwrap();
        let head = self.folder.join(".regent/refs/sessions").join(session);
        fs::write(head, format!("{id}\n")).unwrap();
        self.heads.insert(session.to_owned(), id);
    }

    /// A copy of the agent's own transcript.
    pub fn copies(&self, session: &str, transcript: &str) {
        let name = self.object(transcript.as_bytes());
        self.conn
            .execute(
                "INSERT INTO jsonl_snapshots VALUES (?1, ?2, ?3)",
                params![session, self.nanos(), name],
            )
            .unwrap();
    }
}

/// The files of a folder but for those of git and of `.regent`, with their paths.
fn below(top: &Path, folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let rel = path
            .strip_prefix(top)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        match path.is_dir() {
            true if rel == ".git" || rel == ".regent" => {}
            true => found.extend(below(top, &path)),
            false => found.push((rel, fs::read(&path).unwrap())),
        }
    }
    found
}
