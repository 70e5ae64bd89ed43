//! A corpus of transcripts: the one that `REGENT_BENCH_HOME` names, or a small one made here.
//!
//! What is made here is like Claude Code's files in shape and proportion; the words are made up. The same call makes
//! the same bytes.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Sessions of the small corpus, and about how many bytes each has.
const SESSIONS: usize = 200;
const BYTES: usize = 200_000;
/// Folders that the sessions ran in.
const PROJECTS: usize = 8;

/// A home folder with transcripts, and the folder that is to go with it when the benchmark is over.
pub struct Corpus {
    /// The home folder.
    pub home: PathBuf,
    _temp: Option<tempfile::TempDir>,
}

/// The corpus to measure on.
pub fn corpus() -> Corpus {
    match std::env::var_os("REGENT_BENCH_HOME").filter(|v| !v.is_empty()) {
        Some(home) => Corpus {
            home: home.into(),
            _temp: None,
        },
        None => {
            let temp = tempfile::tempdir().expect("a folder");
            small(temp.path());
            Corpus {
                home: temp.path().to_owned(),
                _temp: Some(temp),
            }
        }
    }
}

/// Writes the small corpus.
pub fn small(home: &Path) {
    make(home, SESSIONS, BYTES);
}

/// Writes a corpus.
pub fn make(home: &Path, sessions: usize, bytes: usize) {
    for n in 0..sessions {
        let cwd = format!("/work/project-{}", n % PROJECTS);
        let dir = home.join(".claude/projects").join(cwd.replace('/', "-"));
        fs::create_dir_all(&dir).expect("a folder");
        let mut session = Session::new(n as u64, cwd);
        // A few long ones and many short ones, as people work.
        let quota = bytes / 2 + bytes * 4 * usize::from(n % 8 == 0) / 8;
        while session.out.len() < quota {
            session.turn();
        }
        let name = dir.join(format!("{}.jsonl", session.id));
        fs::write(name, &session.out).expect("a transcript");
    }
}

/// A home folder that holds links to all transcripts of another, but for one of middling size, which is copied so that it can
/// grow. Returns that one.
pub fn linked(home: &Path, to: &Path) -> PathBuf {
    let mut files = super::transcripts(home);
    files.sort_by_key(|f| (fs::metadata(f).map_or(0, |m| m.len()), f.clone()));
    let grows = files.get(files.len() / 2).cloned().expect("a transcript");
    let mut copy = PathBuf::new();
    for file in files {
        let target = to.join(file.strip_prefix(home).expect("below the home folder"));
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        if file == grows {
            fs::copy(&file, &target).expect("a copy");
            copy = target;
        } else {
            std::os::unix::fs::symlink(&file, &target).expect("a link");
        }
    }
    copy
}

/// Appends so many lines to a transcript, as its agent would.
pub fn append(file: &Path, lines: usize, round: u64) {
    let text = fs::read(file).expect("a transcript");
    let last = text.split(|b| *b == b'\n').rev().find_map(|line| {
        let value: Value = serde_json::from_slice(line).ok()?;
        let word = |name: &str| value[name].as_str().map(str::to_owned);
        Some((word("sessionId")?, word("cwd")?, word("uuid")?))
    });
    let (id, cwd, parent) = last.expect("a record");
    let mut session = Session::new(u64::MAX - round, cwd);
    (session.id, session.parent) = (id, Value::String(parent));
    while session.lines < lines {
        session.turn();
    }
    let end = memchr::memchr_iter(b'\n', &session.out).nth(lines - 1);
    let new = &session.out[..=end.expect("enough lines")];
    let mut out = fs::OpenOptions::new()
        .append(true)
        .open(file)
        .expect("a transcript that can be written");
    out.write_all(new).expect("room");
}

/// Numbers that look random and are the same on every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// A word; some are common, most are rare.
    fn word(&mut self) -> String {
        const PARTS: [&str; 16] = [
            "re", "con", "try", "state", "file", "un", "read", "line", "er", "wait", "map", "sub",
            "key", "list", "in", "form",
        ];
        let rare = self.below(3000) * self.below(3000) / 3000;
        let part = |n: u64| PARTS[(n % 16) as usize];
        format!("{}{}{}", part(rare), part(rare / 16), part(rare / 256))
    }

    fn words(&mut self, n: u64) -> String {
        (0..n).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    fn code(&mut self, lines: u64) -> String {
        let mut out = String::new();
        for _ in 0..lines {
            let depth = self.below(4) as usize;
            out.push_str(&"    ".repeat(depth));
            out.push_str(&format!(
                "let {} = {}({});\n",
                self.word(),
                self.word(),
                self.word()
            ));
        }
        out
    }

    fn id(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            a >> 32,
            a & 0xffff,
            b & 0xfff,
            (b >> 12) & 0xfff,
            b >> 16
        )
    }
}

/// A session that is being written.
struct Session {
    numbers: Numbers,
    id: String,
    cwd: String,
    parent: Value,
    clock: u64,
    lines: usize,
    files: Vec<(String, String)>,
    out: Vec<u8>,
}

impl Session {
    fn new(seed: u64, cwd: String) -> Session {
        let mut numbers = Numbers(seed.wrapping_mul(7919));
        Session {
            id: numbers.id(),
            parent: Value::Null,
            clock: 1_700_000_000_000 + seed % 10_000 * 3_600_000,
            lines: 0,
            files: Vec::new(),
            out: Vec::new(),
            numbers,
            cwd,
        }
    }

    fn record(&mut self, kind: &str, message: Value, result: Option<Value>) {
        self.clock += 500 + self.numbers.below(20_000);
        let uuid = self.numbers.id();
        let at = jiff::Timestamp::from_millisecond(self.clock as i64).expect("a time");
        let mut record = json!({
            "parentUuid": self.parent, "isSidechain": false, "userType": "external", "cwd": self.cwd, "sessionId": self.id,
            "version": "2.0.76", "gitBranch": "main", "type": kind, "message": message, "uuid": uuid, "timestamp": at.to_string(),
        });
        if let Some(result) = result {
            record["toolUseResult"] = result;
        }
        self.parent = Value::String(uuid);
        self.out.extend_from_slice(record.to_string().as_bytes());
        self.out.push(b'\n');
        self.lines += 1;
    }

    fn says(&mut self, block: Value) {
        let (id, request) = (self.numbers.id(), self.numbers.below(900));
        self.record(
            "assistant",
            json!({"model": "claude-made-up", "id": id, "type": "message", "role": "assistant", "content": [block],
                   "usage": {"input_tokens": 12, "cache_read_input_tokens": request * 100, "output_tokens": request}}),
            None,
        );
    }

    fn tool(&mut self, name: &str, input: Value, output: &str, result: Value) {
        let id = format!("toolu_{}", self.numbers.id());
        self.says(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
        let block = json!({"tool_use_id": id, "type": "tool_result", "content": output});
        self.record(
            "user",
            json!({"role": "user", "content": [block]}),
            Some(result),
        );
    }

    /// A prompt and what follows it.
    fn turn(&mut self) {
        let n = 4 + self.numbers.below(30);
        let words = self.numbers.words(n);
        self.record("user", json!({"role": "user", "content": words}), None);
        for _ in 0..2 + self.numbers.below(14) {
            match self.numbers.below(10) {
                0..3 => self.shell(),
                3..6 => self.show(),
                6..9 => self.edit(),
                _ => {
                    let n = 20 + self.numbers.below(60);
                    let text = self.numbers.words(n);
                    self.says(json!({"type": "text", "text": text}));
                }
            }
        }
        let text = self.numbers.words(30);
        self.says(json!({"type": "text", "text": text}));
    }

    fn shell(&mut self) {
        let command = format!("cargo {} --{}", self.numbers.word(), self.numbers.word());
        let lines = self.numbers.below(60);
        let output = self.numbers.code(lines);
        let result =
            json!({"stdout": output, "stderr": "", "interrupted": false, "isImage": false});
        self.tool(
            "Bash",
            json!({"command": command, "description": "Run it"}),
            &output,
            result,
        );
    }

    fn file(&mut self) -> usize {
        if self.files.len() < 3 || (self.files.len() < 12 && self.numbers.below(4) == 0) {
            let name = format!("{}/src/{}.rs", self.cwd, self.numbers.word());
            let lines = 40 + self.numbers.below(200);
            self.files.push((name, self.numbers.code(lines)));
        }
        self.numbers.below(self.files.len() as u64) as usize
    }

    fn show(&mut self) {
        let at = self.file();
        let (path, text) = self.files[at].clone();
        let lines = text.lines().count() + 1;
        let result = json!({"type": "text", "file": {"filePath": path, "content": text, "numLines": lines, "startLine": 1, "totalLines": lines}});
        let numbered: Vec<String> = text
            .lines()
            .enumerate()
            .map(|(i, l)| format!("{:6}→{l}", i + 1))
            .collect();
        self.tool(
            "Read",
            json!({"file_path": path}),
            &numbered.join("\n"),
            result,
        );
    }

    fn edit(&mut self) {
        let at = self.file();
        let (path, before) = self.files[at].clone();
        let lines: Vec<&str> = before.split_inclusive('\n').collect();
        let from = self.numbers.below(lines.len() as u64) as usize;
        let old = lines[from];
        if before.matches(old).count() != 1 {
            return;
        }
        let new = self.numbers.code(2);
        let after = before.replacen(old, &new, 1);
        let mut hunk = vec![format!("-{}", old.trim_end_matches('\n'))];
        hunk.extend(new.lines().map(|l| format!("+{l}")));
        let result = json!({
            "filePath": path, "oldString": old, "newString": new, "originalFile": before, "userModified": false, "replaceAll": false,
            "structuredPatch": [{"oldStart": from + 1, "oldLines": 1, "newStart": from + 1, "newLines": 2, "lines": hunk}],
        });
        self.tool(
            "Edit",
            json!({"file_path": path, "old_string": old, "new_string": new}),
            "The file was edited.",
            result,
        );
        self.files[at].1 = after;
    }
}
