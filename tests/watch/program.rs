//! The real program, `regent-tui watch`, beside an agent that works.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::agent::Agent;

/// How long anything may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(30);

/// A home with a repository in it.
pub struct Home {
    _tmp: tempfile::TempDir,
    pub root: PathBuf,
    pub work: PathBuf,
}

impl Home {
    pub fn new() -> Home {
        let tmp = tempfile::tempdir().unwrap();
        let root = tmp.path().canonicalize().unwrap();
        let work = root.join("work");
        fs::create_dir_all(work.join(".git/objects")).unwrap();
        fs::create_dir_all(work.join(".git/refs")).unwrap();
        fs::write(work.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        Home {
            _tmp: tmp,
            root,
            work,
        }
    }

    pub fn agent(&self, session: &str) -> Agent {
        Agent::new(&self.root, &self.work, session)
    }

    pub fn put(&self, rel: &str, text: &str) {
        let path = self.work.join(rel);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regent-tui"));
        command
            .env_clear()
            .env("HOME", &self.root)
            .env("TMPDIR", &self.root)
            .env("TZ", "UTC")
            .current_dir(&self.work)
            .args(args);
        command
    }

    #[track_caller]
    pub fn out(&self, args: &[&str]) -> String {
        let done = self.command(args).output().unwrap();
        let err = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{args:?}: {err}");
        String::from_utf8(done.stdout).unwrap()
    }

    /// Calls the hook as Claude Code does, and waits for its end as that does.
    pub fn hook(&self, event: &str, session: &str, tool: &str, call: &str) {
        let payload = json!({
            "session_id": session, "transcript_path": "/t", "cwd": self.work, "permission_mode": "default",
            "hook_event_name": event, "tool_name": tool, "tool_input": {"command": "x"}, "tool_use_id": call,
        });
        let mut hook = self.command(&["hook", "claude"]);
        let mut child = hook.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(payload.to_string().as_bytes()).unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success());
    }

    pub fn log(&self) -> Vec<Value> {
        let out = self.out(&["log", "--json"]);
        out.lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect()
    }

    /// Waits until the log holds something.
    #[track_caller]
    pub fn until(&self, what: &str, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let start = Instant::now();
        loop {
            let log = self.log();
            if holds(&log) {
                return log;
            }
            assert!(start.elapsed() < PATIENCE, "never: {what}\n{log:#?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// `regent-tui watch`, once it records or follows.
    pub fn watch(&self) -> Watching {
        let mut child = self
            .command(&["watch"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut first).unwrap();
        Watching { child, first, out }
    }
}

/// A running `watch`.
pub struct Watching {
    pub child: Child,
    /// The first line that it printed.
    pub first: String,
    out: BufReader<std::process::ChildStdout>,
}

impl Watching {
    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Ends it; what it said on stderr.
    #[track_caller]
    pub fn end(mut self, signal: Signal) -> String {
        self.signal(signal);
        let start = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut err = String::new();
        std::io::Read::read_to_string(&mut self.child.stderr.take().unwrap(), &mut err).unwrap();
        assert!(self.child.wait().unwrap().success(), "{err}");
        err
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn of<'a>(log: &'a [Value], words: &str) -> Option<&'a Value> {
    log.iter()
        .find(|s| s["target"].as_str().is_some_and(|t| t.contains(words)))
}

fn changed(log: &[Value], words: &str) -> bool {
    of(log, words).is_some_and(|s| s["added"].as_u64().is_some())
}

/// What lies in a folder, but for what is the program's and git's.
pub fn tree(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut out = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(at) = dirs.pop() {
        for entry in fs::read_dir(at).unwrap().flatten() {
            let path = entry.path();
            if [".git", ".regent"].iter().any(|n| path.ends_with(n)) {
                continue;
            }
            if path.is_dir() {
                dirs.push(path);
            } else {
                out.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    out.sort();
    out
}

#[test]
fn what_shell_commands_do_is_seen_told_and_taken_back() {
    let home = Home::new();
    home.put("a.txt", "one\n");
    home.put("dir/b.txt", "two\n");
    let before = tree(&home.work);
    let watch = home.watch();
    assert!(
        watch.first.starts_with("recording ") && watch.first.contains("work"),
        "{}",
        watch.first
    );
    let mut agent = home.agent("s-1");
    agent.prompt("change it all");
    for command in [
        "sed -i s/one/three/ a.txt",
        "mkdir new; echo new > new/c.txt",
        "rm -r dir",
        "printf 'a\\r\\nb' > crlf.txt; chmod +x crlf.txt",
    ] {
        // At the speed of people: what comes right behind another is shared with it.
        std::thread::sleep(Duration::from_millis(300));
        agent.shell(command);
        home.until("it changed files", |log| changed(log, command));
    }
    let after = tree(&home.work);
    let shown = home.out(&["status"]);
    assert!(shown.contains("recorded by process"), "{shown}");
    let status: Value = serde_json::from_str(&home.out(&["status", "--json"])).unwrap();
    assert_eq!(status["recording"]["pid"], watch.child.id());
    let blame = home.out(&["blame", "a.txt"]);
    assert!(blame.contains("claude"), "{blame}");
    assert_eq!(home.out(&["cat", "@~2^:a.txt"]), "three\n");
    // Back before the prompt, and forth again.
    home.out(&["rewind", "s-1/1", "--before", "--yes", "--yes"]);
    assert_eq!(tree(&home.work), before);
    home.out(&["undo", "--yes", "--yes"]);
    assert_eq!(tree(&home.work), after);
    let err = watch.end(Signal::INT);
    assert_eq!(err.lines().count(), 1, "only where the history is: {err}");
    assert!(
        home.out(&["status"])
            .contains("not recorded at this moment")
    );
}

#[test]
fn one_records_and_the_next_takes_over() {
    let home = Home::new();
    let mut agent = home.agent("s-1");
    agent.prompt("go");
    let first = home.watch();
    let mut second = home.watch();
    let pid = format!("process {} records", first.child.id());
    assert!(second.first.starts_with(&pid), "{}", second.first);
    first.end(Signal::TERM);
    let mut line = String::new();
    second.out.read_line(&mut line).unwrap();
    assert!(line.starts_with("recording "), "{line}");
    std::thread::sleep(Duration::from_millis(300));
    agent.shell("echo x > x.txt");
    home.until("the second one saw it", |log| changed(log, "echo x"));
    second.end(Signal::TERM);
}

#[test]
fn it_survives_that_its_folder_is_cleaned() {
    let home = Home::new();
    let mut agent = home.agent("s-1");
    agent.prompt("go");
    let watch = home.watch();
    std::thread::sleep(Duration::from_millis(300));
    agent.shell("rm -rf .regent; echo x > x.txt");
    home.until("there is a store again", |log| of(log, "rm -rf").is_some());
    let start = Instant::now();
    for n in 0.. {
        std::thread::sleep(Duration::from_millis(1500));
        let command = format!("echo {n} > y{n}.txt");
        agent.shell(&command);
        std::thread::sleep(Duration::from_millis(1500));
        if changed(&home.log(), &command) {
            break;
        }
        assert!(start.elapsed() < 2 * PATIENCE, "it never records again");
    }
    watch.end(Signal::TERM);
}

#[test]
fn with_hooks_each_of_several_calls_at_once_has_what_it_did() {
    let home = Home::new();
    let mut agent = home.agent("s-1");
    agent.prompt("do all three");
    let watch = home.watch();
    std::thread::sleep(Duration::from_millis(300));
    // As agents do it: asked for in one breath, done one after the other, answered at the end.
    let commands = [
        "echo 1 > one.txt",
        "echo 2 > two.txt",
        "mv one.txt three.txt",
    ];
    let calls: Vec<String> = commands
        .iter()
        .map(|c| {
            agent.call(
                "Bash",
                json!({"command": format!("{c} # so"), "description": "x"}),
            )
        })
        .collect();
    for (call, command) in calls.iter().zip(commands) {
        home.hook("PreToolUse", "s-1", "Bash", call);
        let mut shell = Command::new("sh");
        let done = shell.args(["-c", command]).current_dir(&home.work);
        assert!(done.status().unwrap().success());
        home.hook("PostToolUse", "s-1", "Bash", call);
        std::thread::sleep(Duration::from_millis(200));
    }
    let nothing = json!({"stdout": "", "stderr": "", "interrupted": false, "isImage": false});
    for call in &calls {
        agent.result(call, "", false, nothing.clone());
    }
    home.until("each has its own", |log| {
        commands.iter().all(|c| changed(log, c))
    });
    let paths = |command: &str| of(&home.log(), command).unwrap()["paths"].clone();
    assert_eq!(paths("echo 1"), json!(["one.txt"]));
    assert_eq!(paths("echo 2"), json!(["two.txt"]));
    watch.end(Signal::TERM);
}

#[test]
fn bad_lines_of_ignore_files_are_told() {
    let home = Home::new();
    home.put(".gitignore", "target/\n[z-a]\n");
    home.put("sub/.regentignore", "{a,b\n*.log\n");
    let mut agent = home.agent("s-1");
    agent.prompt("go");
    home.out(&["snapshot"]);
    let told = home.out(&["status"]);
    let json: Value = serde_json::from_str(&home.out(&["status", "--json"])).unwrap();
    let bad = json["bad_ignore_rules"].as_array().unwrap();
    assert!(
        bad.iter()
            .any(|b| b.as_str().unwrap().starts_with(".gitignore:2")),
        "{bad:?}"
    );
    assert!(
        told.contains(".gitignore:2 `[z-a]` is no pattern"),
        "{told}"
    );
    // Put right, it is told no more.
    home.put(".gitignore", "target/\n");
    home.put("sub/.regentignore", "*.log\n");
    home.out(&["snapshot"]);
    assert!(!home.out(&["status"]).contains("is no pattern"));
}
