//! Snapshots and records become changes of steps, and nobody is blamed for what he did not do.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use regent_tui::clock::Clock;
use regent_tui::fsx::Root;
use regent_tui::hook::Kind;
use regent_tui::ingest::{self, Options, Roots};
use regent_tui::model::{Author, Evidence, Op, Time};
use regent_tui::query::blame::{BlameQuery, When};
use regent_tui::query::types::{Content, FileChange, Scope, StepInfo};
use regent_tui::query::{Ask, StoreAsk};
use regent_tui::snapshot::{self, Wanted};
use regent_tui::source::Places;
use regent_tui::store::hooks::{self, HookEvent};
use regent_tui::store::observed::Touched;
use regent_tui::store::snapshots::Reason;
use regent_tui::store::{Place, Store};

use crate::agent::Agent;

/// A work folder, and a store that reads a home's transcripts.
pub struct Bench {
    tmp: tempfile::TempDir,
    pub work: PathBuf,
    store: Store,
}

impl Bench {
    pub fn new() -> Bench {
        let tmp = tempfile::tempdir().unwrap();
        let work = tmp.path().canonicalize().unwrap().join("work");
        fs::create_dir_all(work.join(".git/objects")).unwrap();
        fs::create_dir_all(work.join(".git/refs")).unwrap();
        fs::write(work.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        Bench {
            tmp,
            work,
            store: Store::open_in_memory().unwrap(),
        }
    }

    /// The same with a store that lies on the disk, for several threads to ask.
    pub fn kept() -> Bench {
        let mut bench = Bench::new();
        bench.store = Store::open(&bench.place()).unwrap();
        bench
    }

    pub fn place(&self) -> Place {
        let uid = rustix::process::getuid().as_raw();
        Place::explicit(&self.tmp.path().join("history.db"), uid)
    }

    pub fn agent(&self, session: &str) -> Agent {
        Agent::new(self.tmp.path(), &self.work, session)
    }

    /// A hook tells something now.
    pub fn told(&self, kind: Kind, session: &str, call: &str, tool: &str) {
        let at = Clock::system().now();
        let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        let event = HookEvent {
            id: 0,
            key: format!("{kind:?} {session} {call} {}", at.0),
            agent: "claude".to_owned(),
            kind: kind as u8,
            session: session.to_owned(),
            subagent: None,
            call: some(call),
            tool: some(tool),
            at,
            cwd: self.work.as_os_str().as_encoded_bytes().to_vec(),
            root: self.work.as_os_str().as_encoded_bytes().to_vec(),
            shot: 0,
            snapshot: None,
        };
        let tx = self.store.begin().unwrap();
        assert!(hooks::put(&tx, &event).unwrap());
        tx.commit().unwrap();
    }

    fn options(&self) -> Options {
        Options {
            places: Places {
                home: self.tmp.path().to_owned(),
                ..Places::default()
            },
            roots: Roots::new(Some(&self.work), &[], &[]),
            ..Options::default()
        }
    }

    pub fn read(&self) {
        let now = Clock::system().now();
        let report = ingest::run(&self.store, &self.options(), now, &mut |_| {}).unwrap();
        assert!(report.failed.is_empty(), "{:?}", report.failed);
    }

    pub fn look(&self, why: Reason) {
        let root = Root::open(&self.work, None).unwrap();
        let wanted = Wanted::new(Clock::system(), why);
        snapshot::take(&self.store, &root, &wanted).unwrap();
    }

    /// A snapshot, and time to tell it from what comes before and after.
    pub fn see(&self) {
        pause();
        self.look(Reason::Automatic);
        pause();
    }

    /// A snapshot of somebody who heard when these changed.
    fn see_heard(&self, heard: &[(&str, Time)]) {
        let root = Root::open(&self.work, None).unwrap();
        let mut wanted = Wanted::new(Clock::system(), Reason::Automatic);
        for (rel, at) in heard {
            let at = Touched {
                first: Some(*at),
                last: Some(*at),
            };
            wanted.heard.insert(rel.as_bytes().to_vec(), at);
        }
        snapshot::take(&self.store, &root, &wanted).unwrap();
    }

    pub fn put(&self, rel: &str, text: &str) {
        let path = self.work.join(rel);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn ask(&self) -> StoreAsk {
        self.read();
        let reader = self.store.reader().unwrap();
        let place = Place::explicit(&self.tmp.path().join("none"), 0);
        StoreAsk::new(reader, place, Places::default(), Clock::system())
    }

    /// All steps, oldest first.
    fn steps(&self) -> Vec<StepInfo> {
        let ask = self.ask();
        let mut all = Vec::new();
        for session in ask.sessions().unwrap().sessions {
            let timeline = ask.timeline(session.row).unwrap();
            let rows: Vec<_> = timeline.steps.iter().map(|s| s.row).collect();
            all.extend(ask.rows(&rows).unwrap());
        }
        all.sort_by_key(|s| (s.started_at, s.seq));
        all
    }

    /// What a step whose command has these words changed, by path.
    #[track_caller]
    pub fn changed_by(&self, words: &str) -> BTreeMap<String, FileChange> {
        let step = self
            .steps()
            .into_iter()
            .find(|s| s.target.contains(words))
            .unwrap();
        let changes = self.ask().changes(Scope::Step(step.row)).unwrap();
        let own = changes.into_iter().filter(|c| !is_shared(c));
        own.map(|c| (c.path.clone(), c)).collect()
    }

    /// What it is said to share with others, by path.
    pub fn shared_by(&self, words: &str) -> Vec<String> {
        let steps = self.steps();
        let step = steps.iter().find(|s| s.target.contains(words)).unwrap();
        let changes = self.ask().changes(Scope::Step(step.row)).unwrap();
        let shared = changes.into_iter().filter(is_shared);
        shared.map(|c| c.path).collect()
    }

    pub fn author(&self, path: &str) -> Author {
        let query = BlameQuery {
            path: path.to_owned(),
            when: When::Now,
            ..BlameQuery::default()
        };
        let blame = self.ask().blame(&query).unwrap();
        blame.origins[blame.lines.last().unwrap().origin].author
    }

    /// Making everything again gives the same.
    #[track_caller]
    pub fn rebuilds(&self) {
        self.read();
        let before = self.store.derived_digest().unwrap();
        let roots = self.options().roots;
        ingest::rebuild(&self.store, &roots, false, &mut |_| {}).unwrap();
        assert_eq!(before, self.store.derived_digest().unwrap());
    }
}

fn is_shared(change: &FileChange) -> bool {
    let note = change.note.as_deref().unwrap_or_default();
    note.starts_with("shared") || note.starts_with("perhaps")
}

pub fn pause() {
    std::thread::sleep(Duration::from_millis(30));
}

fn text(content: &Content) -> &str {
    match content {
        Content::Text(text) => text,
        Content::Absent => "(absent)",
        _ => "(unknown)",
    }
}

#[test]
fn what_a_command_changed_is_among_its_changes() {
    let b = Bench::new();
    b.put("a.txt", "one\n");
    b.put("gone.txt", "x\n");
    b.look(Reason::First);
    pause();
    let mut agent = b.agent("s-1");
    agent.prompt("do it");
    agent.shell("ls");
    b.see();
    agent.shell("sed -i s/one/two/ a.txt; echo new > sub.txt; rm gone.txt; sh -c true");
    b.see();
    let changes = b.changed_by("sed -i");
    let (a, sub, gone) = (&changes["a.txt"], &changes["sub.txt"], &changes["gone.txt"]);
    assert_eq!((text(&a.before), text(&a.after)), ("one\n", "two\n"));
    assert_eq!((sub.op, text(&sub.after)), (Op::Create, "new\n"));
    assert_eq!((gone.op, text(&gone.before)), (Op::Delete, "x\n"));
    assert!(changes.values().all(|c| c.evidence == Evidence::Observed));
    assert!(b.changed_by("ls").is_empty());
    let step = b
        .steps()
        .into_iter()
        .find(|s| s.target.contains("sed"))
        .unwrap();
    assert_eq!((step.added, step.removed), (Some(2), Some(2)));
    assert_eq!(step.evidence, Some(Evidence::Observed));
    let session = &b.ask().sessions().unwrap().sessions[0];
    assert_eq!(
        (session.edits, session.files_changed, session.added),
        (1, 3, 2)
    );
    b.rebuilds();
}

#[test]
fn what_changed_while_nothing_ran_is_yours_and_what_nobody_saw_is_nobodys() {
    let b = Bench::new();
    b.put("mine.txt", "one\n");
    b.put("theirs.txt", "one\n");
    b.look(Reason::First);
    pause();
    let mut agent = b.agent("s-1");
    agent.prompt("do it");
    agent.shell("echo two >> theirs.txt");
    b.see();
    b.put("mine.txt", "one\nand mine\n");
    b.see();
    assert_eq!(
        b.changed_by("echo two").into_keys().collect::<Vec<_>>(),
        ["theirs.txt"]
    );
    // The watcher goes away; when it comes back, it cannot say who was there.
    b.put("mine.txt", "one\nand mine\nor whose?\n");
    b.look(Reason::First);
    let history = b.ask().history("mine.txt").unwrap();
    let authors: Vec<_> = history.entries.iter().map(|e| e.author).collect();
    assert_eq!(authors, [Some(Author::Unknown), Some(Author::You)]);
    assert_eq!(b.author("theirs.txt"), Author::Agent);
    b.rebuilds();
}

#[test]
fn what_was_heard_tells_steps_apart_that_no_snapshot_does() {
    let b = Bench::new();
    b.put("gone.txt", "x\n");
    b.look(Reason::First);
    std::thread::sleep(Duration::from_millis(200));
    let mut agent = b.agent("s-1");
    agent.prompt("do it");
    agent.shell("echo one > one.txt");
    let now = || Clock::system().now();
    let one = Time(now().0 - 1);
    std::thread::sleep(Duration::from_millis(200));
    agent.shell("rm -f gone*");
    let gone = Time(now().0 - 1);
    std::thread::sleep(Duration::from_millis(200));
    b.put("mine.txt", "mine\n");
    let mine = now();
    // Too late for anything but what was heard.
    b.see_heard(&[("one.txt", one), ("gone.txt", gone), ("mine.txt", mine)]);
    let names = |words| b.changed_by(words).into_keys().collect::<Vec<_>>();
    assert_eq!(names("echo one"), ["one.txt"]);
    assert_eq!(names("rm -f"), ["gone.txt"]);
    let history = b.ask().history("mine.txt").unwrap();
    assert_eq!(history.entries[0].author, Some(Author::You));
    b.rebuilds();
}

#[test]
fn without_that_they_share() {
    let b = Bench::new();
    b.look(Reason::First);
    pause();
    let mut agent = b.agent("s-1");
    agent.prompt("do it");
    agent.shell("true # first");
    agent.shell("echo one > one.txt");
    b.see();
    assert_eq!(
        b.changed_by("first").len() + b.changed_by("echo one").len(),
        0,
        "{:?}",
        b.steps()
    );
    b.rebuilds();
}

#[test]
fn two_at_once_share_and_neither_is_blamed() {
    let b = Bench::new();
    b.look(Reason::First);
    pause();
    let (mut one, mut two) = (b.agent("s-1"), b.agent("s-2"));
    one.prompt("one");
    two.prompt("two");
    let (c, d) = (
        one.call("Bash", serde_json::json!({"command": "make one"})),
        two.call("Bash", serde_json::json!({"command": "make two"})),
    );
    pause();
    b.put("which.txt", "?\n");
    pause();
    one.finish(&c, "true");
    two.finish(&d, "true");
    b.see();
    assert!(b.changed_by("make one").is_empty() && b.changed_by("make two").is_empty());
    assert_eq!(b.shared_by("make one"), ["which.txt"]);
    assert_eq!(b.shared_by("make two"), ["which.txt"]);
    let history = b.ask().history("which.txt").unwrap();
    assert_eq!(history.entries[0].author, Some(Author::Unknown));
    b.rebuilds();
}

#[test]
fn content_decides_before_time_and_the_disk_has_the_exact_bytes() {
    let b = Bench::new();
    b.put("dos.txt", "a\r\n");
    b.look(Reason::First);
    pause();
    let mut agent = b.agent("s-1");
    agent.prompt("do it");
    // A command runs all the while, and yet the file is the other tool's.
    let mut other = b.agent("s-2");
    other.prompt("serve");
    let serve = other.call("Bash", serde_json::json!({"command": "serve"}));
    pause();
    agent.write("dos.txt", "a\r\nb\r\n", "a\nb\n");
    pause();
    other.finish(&serve, "true");
    b.see();
    let changes = b.changed_by("dos.txt");
    let change = &changes["dos.txt"];
    assert_eq!(
        (text(&change.before), text(&change.after)),
        ("a\r\n", "a\r\nb\r\n")
    );
    assert_eq!(change.evidence, Evidence::Observed);
    assert!(b.changed_by("serve").is_empty());
    b.rebuilds();
}

#[test]
fn a_step_without_a_result_is_not_blamed_until_it_has_one() {
    let b = Bench::new();
    b.look(Reason::First);
    pause();
    let mut agent = b.agent("s-1");
    agent.prompt("build");
    let call = agent.call("Bash", serde_json::json!({"command": "make all"}));
    pause();
    b.put("out.txt", "built\n");
    b.see();
    assert!(b.changed_by("make all").is_empty());
    assert_eq!(b.shared_by("make all"), ["out.txt"]);
    agent.finish(&call, "echo more >> out.txt");
    b.see();
    let changes = b.changed_by("make all");
    assert_eq!(text(&changes["out.txt"].after), "built\nmore\n");
    assert_eq!(text(&changes["out.txt"].before), "(absent)");
    b.rebuilds();
}

#[test]
fn whenever_snapshots_and_records_come_in_the_result_is_the_same() {
    let b = Bench::new();
    b.put("a", "0\n");
    b.look(Reason::First);
    let mut agent = b.agent("s-1");
    agent.prompt("count");
    for n in 1..8 {
        pause();
        agent.shell(&format!("echo {n} >> a; echo {n} > b{n}"));
        b.see();
        if n % 3 == 0 {
            pause();
            b.put("mine", &format!("{n}\n"));
        }
        b.see();
        if n % 2 == 0 {
            b.read();
        }
    }
    b.rebuilds();
    for n in 1..8 {
        let changes = b.changed_by(&format!("echo {n} >> a"));
        assert_eq!(changes.len(), 2, "{n}: {:?}", changes.keys());
    }
}

#[test]
fn what_another_folder_s_agent_runs_is_no_excuse() {
    let b = Bench::new();
    b.look(Reason::First);
    let elsewhere = b.work.with_file_name("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    // It belongs here, since it changed a file here; but its command runs there.
    let mut other = Agent::new(b.tmp.path(), &elsewhere, "s-2");
    other.prompt("there");
    other.write("../work/hello.txt", "hello\n", "hello\n");
    let call = other.call("Bash", serde_json::json!({"command": "make there"}));
    pause();
    b.put("mine.txt", "mine\n");
    pause();
    other.finish(&call, "true");
    b.see();
    let history = b.ask().history("mine.txt").unwrap();
    assert_eq!(history.entries[0].author, Some(Author::You));
    b.rebuilds();
}
