//! What happens to transcripts and folders on a real machine: files that shrink, move and vanish between two readings, names
//! that are no text, homes and projects behind links, worktrees beside each other.
#![allow(clippy::unwrap_used)]

#[path = "support/git.rs"]
#[allow(dead_code)]
mod git;
#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;
#[path = "support/readings.rs"]
#[allow(dead_code)]
mod readings;
#[path = "support/record.rs"]
#[allow(dead_code)]
mod record;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use home::Home;
use proptest::prelude::*;
use readings::Bench;
use record::{Claude, Codex};
use regent_tui::ingest::{self, Roots};
use regent_tui::model::Time;
use serde_json::{Value, json};

/// The record of a prompt, of its own kind: the same number gives the same record. Two sessions write into one file.
fn record(n: u32) -> String {
    let session = if n % 5 == 4 { "t" } else { "s" };
    json!({"parentUuid": null, "isSidechain": false, "cwd": "/w", "sessionId": session, "version": "2.1.100", "type": "user",
           "message": {"role": "user", "content": format!("prompt {n:05} \u{e9}\u{6570}\u{5b57}")}, "uuid": format!("u{n}"),
           "timestamp": "2026-03-01T09:00:00.000Z"})
    .to_string()
        + "\n"
}

/// One thing that happens to the transcript, or to the folder that it lies in.
#[derive(Clone, Debug)]
enum Happens {
    Append(u8),
    /// The beginning of a record, which may end within a character; the rest comes with the next [`Happens::Append`].
    Tear(u8),
    /// The torn record goes on by one byte.
    Byte,
    /// Cut in place, at some line or within one.
    Cut(u16),
    /// Written anew in place, or under the same name with another inode, with so many of its last records.
    Rewrite(u8),
    Replace(u8),
    /// Written over in place with as many bytes of other records.
    SameSize,
    /// A link to another file takes its place.
    Swap(u8),
    Delete,
    Move,
    Read,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (1u8..5).prop_map(Happens::Append),
        2 => (1u8..120).prop_map(Happens::Tear),
        1 => any::<u16>().prop_map(Happens::Cut),
        1 => (0u8..6).prop_map(Happens::Rewrite),
        1 => (0u8..6).prop_map(Happens::Replace),
        2 => Just(Happens::Byte),
        1 => (0u8..6).prop_map(Happens::Swap),
        1 => Just(Happens::SameSize),
        1 => Just(Happens::Delete),
        1 => Just(Happens::Move),
        4 => Just(Happens::Read),
    ]
}

/// A transcript as it is on the disk, and every prompt that a reading can have met.
struct File {
    path: PathBuf,
    bytes: Vec<u8>,
    next: u32,
    torn: Option<Vec<u8>>,
    moves: u32,
}

impl File {
    fn records(&mut self, n: u8) -> String {
        let from = self.next;
        self.next += u32::from(n);
        (from..self.next).map(record).collect()
    }

    fn happen(&mut self, what: &Happens) {
        match what {
            Happens::Append(n) => {
                let rest = self.torn.take().unwrap_or_default();
                let more = self.records(*n);
                self.bytes.extend_from_slice(&rest);
                self.bytes.extend_from_slice(more.as_bytes());
                fs::write(&self.path, &self.bytes).unwrap();
            }
            Happens::Tear(at) => {
                let rest = self.torn.take().unwrap_or_default();
                let whole = self.records(1).into_bytes();
                let (begins, ends) = whole.split_at(usize::from(*at).min(whole.len() - 2));
                self.bytes.extend_from_slice(&rest);
                self.bytes.extend_from_slice(begins);
                self.torn = Some(ends.to_owned());
                fs::write(&self.path, &self.bytes).unwrap();
            }
            Happens::Byte => {
                let Some(torn) = self.torn.as_mut().filter(|t| t.len() > 2) else {
                    return;
                };
                self.bytes.push(torn.remove(0));
                fs::write(&self.path, &self.bytes).unwrap();
            }
            Happens::Swap(n) => {
                self.torn = None;
                self.bytes = self.records(*n).into_bytes();
                self.moves += 1;
                let to = self.path.with_extension(format!("{}", self.moves));
                fs::write(&to, &self.bytes).unwrap();
                fs::remove_file(&self.path).ok();
                symlink(to, &self.path).unwrap();
            }
            Happens::Cut(at) => {
                self.torn = None;
                let len = usize::from(*at) % (self.bytes.len() + 1);
                self.bytes.truncate(len);
                if let Ok(file) = fs::File::options().write(true).open(&self.path) {
                    file.set_len(len as u64).unwrap();
                }
            }
            Happens::Rewrite(n) | Happens::Replace(n) => {
                self.torn = None;
                self.bytes = self.records(*n).into_bytes();
                if let Happens::Replace(_) = what {
                    let beside = self.path.with_extension("tmp");
                    fs::write(&beside, &self.bytes).unwrap();
                    fs::rename(beside, &self.path).unwrap();
                } else {
                    fs::write(&self.path, &self.bytes).unwrap();
                }
            }
            Happens::SameSize => {
                self.torn = None;
                let n = self.bytes.iter().filter(|b| **b == b'\n').count();
                self.bytes = self.records(u8::try_from(n).unwrap_or(9)).into_bytes();
                fs::write(&self.path, &self.bytes).unwrap();
            }
            Happens::Delete => {
                self.torn = None;
                self.bytes.clear();
                fs::remove_file(&self.path).ok();
            }
            Happens::Move => {
                self.moves += 1;
                let to = self.path.with_file_name(format!("s{}.jsonl", self.moves));
                fs::rename(&self.path, &to).ok();
                self.path = to;
            }
            Happens::Read => {}
        }
    }

    /// The prompts of its whole lines. A last record that is whole needs no line end.
    fn prompts(&self) -> Vec<String> {
        let end = self.bytes.iter().rposition(|b| *b == b'\n');
        let (whole, tail) = self.bytes.split_at(end.map_or(0, |e| e + 1));
        let whole = match serde_json::from_slice::<Value>(tail) {
            Ok(_) => &self.bytes[..],
            Err(_) => whole,
        };
        let texts = whole.split(|b| *b == b'\n').filter_map(|line| {
            // A record behind the beginning of another one: what was cut off and written on.
            let begins = b"{\"cwd\"";
            let at = line.windows(begins.len()).rposition(|w| w == begins)?;
            let value: Value = serde_json::from_slice(&line[at..]).ok()?;
            Some(value["message"]["content"].as_str()?.to_owned())
        });
        texts.collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_to_a_transcript(schedule in prop::collection::vec(happens(), 1..14)) {
        let bench = Bench::new();
        let mut file = File {
            path: bench.transcript("s.jsonl"),
            bytes: Vec::new(),
            next: 0,
            torn: None,
            moves: 0,
        };
        let mut met = std::collections::BTreeSet::new();
        for what in schedule.iter().chain([&Happens::Read]) {
            file.happen(what);
            if let Happens::Read = what {
                bench.read();
                met.extend(file.prompts());
            }
        }
        // Everything that stood there when one looked is kept, once; and nothing else is.
        let kept = bench.prompts();
        prop_assert_eq!(&kept, &met.into_iter().collect::<Vec<_>>(), "{:?}", schedule);
        // Looking again changes nothing, and a rebuild says the same.
        let digest = bench.store.derived_digest().unwrap();
        bench.read();
        prop_assert_eq!(&bench.store.derived_digest().unwrap(), &digest);
        ingest::rebuild(&bench.store, &Roots::default(), true, &mut |_| {}).unwrap();
        prop_assert_eq!(&bench.store.derived_digest().unwrap(), &digest);
    }
}

#[test]
fn a_transcript_that_goes_between_the_look_and_the_reading_is_gone_and_no_failure() {
    let bench = Bench::new();
    for n in 0..40 {
        fs::write(bench.transcript(&format!("s{n:02}.jsonl")), record(n)).unwrap();
    }
    // The first report comes when all are planned, and hardly any is read.
    let mut first = true;
    let report = ingest::run(&bench.store, &bench.options(), Time(0), &mut |_| {
        if std::mem::take(&mut first) {
            for n in 20..40 {
                fs::remove_file(bench.transcript(&format!("s{n:02}.jsonl"))).ok();
            }
        }
    })
    .unwrap();
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    assert!((20..40).contains(&report.read), "{report:?}");
    let again = bench.read();
    assert_eq!((again.read, again.failed.len()), (0, 0));
}

#[test]
fn a_transcript_with_several_names_is_read_once() {
    let bench = Bench::new();
    fs::write(bench.transcript("s.jsonl"), record(0) + &record(1)).unwrap();
    // The other folder that is looked in is a link to the first; a link in it leads in a circle.
    let config = bench.dir.path().join(".config");
    fs::create_dir(&config).unwrap();
    symlink("../.claude", config.join("claude")).unwrap();
    symlink(".", bench.transcript("circle")).unwrap();
    let report = bench.read();
    assert_eq!((report.read, report.unchanged), (1, 0), "{report:?}");
    let again = bench.read();
    assert_eq!(again.read + again.unchanged, 1, "{again:?}");
    assert_eq!(bench.prompts().len(), 2);
    // The first name goes: the file is found by another, as a moved one would be.
    fs::remove_file(bench.transcript("circle")).unwrap();
    fs::rename(
        bench.dir.path().join(".claude"),
        bench.dir.path().join("claude"),
    )
    .unwrap();
    fs::remove_file(config.join("claude")).unwrap();
    symlink("../claude", config.join("claude")).unwrap();
    let moved = bench.read();
    assert_eq!((moved.read, moved.gone), (1, 1), "{moved:?}");
    assert_eq!(bench.prompts().len(), 2);
}

#[test]
fn folders_and_names_that_are_no_text() {
    let odd = |text: &str| [text.as_bytes(), b"\xff\xfe"].concat();
    let h = Home::empty();
    // A project whose name is not UTF-8 holds a session; its records cannot name the folder, as JSON is text.
    let folder = h
        .path(".claude/projects")
        .join(OsStr::from_bytes(&odd("-shop")));
    fs::create_dir_all(&folder).unwrap();
    let mut claude = Claude::new(&h.path("shop"), "s1", "2.1.100", 1);
    claude.writes("a.txt", None, "one\n");
    let text: String = claude.lines.iter().map(|l| format!("{l}\n")).collect();
    let file = folder.join(OsStr::from_bytes(&[&odd("s1")[..], b".jsonl"].concat()));
    fs::write(&file, &text).unwrap();
    let read = |h: &Home| h.json(&["ingest", "--json"]);
    assert_eq!(read(&h)["read"], 1);
    assert_eq!(h.out(&["cat", "@:a.txt"]), "one\n");
    assert_eq!(h.json(&["sessions", "--json"]).as_array().unwrap().len(), 1);
    // It grows and is read on, under the same name.
    claude.writes("a.txt", Some("one\n"), "two\n");
    let text: String = claude.lines.iter().map(|l| format!("{l}\n")).collect();
    fs::write(&file, &text).unwrap();
    let report = read(&h);
    assert_eq!((&report["read"], &report["gone"]), (&1.into(), &0.into()));
    assert_eq!(h.out(&["cat", "@:a.txt"]), "two\n");
    // A work folder with such a name is a work folder.
    let shop = h.path("").join(OsStr::from_bytes(&odd("shop")));
    fs::create_dir(&shop).unwrap();
    let mut command = h.run(&["snapshot"]);
    command.current_dir(&shop).assert().success();
    assert!(shop.join(".regent/history.db").exists());
}

#[test]
fn a_home_and_a_project_behind_links() {
    let h = Home::empty();
    let real = h.path("disk/homes/ada");
    fs::create_dir_all(real.join("src")).unwrap();
    fs::rename(h.path("shop"), real.join("src/shop")).unwrap();
    symlink(h.path("disk/homes/ada"), h.path("ada")).unwrap();
    symlink(real.join("src/shop"), h.path("ada/shop")).unwrap();
    fs::create_dir_all(h.path("disk/agents/projects")).unwrap();
    fs::create_dir(real.join(".claude")).unwrap();
    symlink(
        h.path("disk/agents/projects"),
        real.join(".claude/projects"),
    )
    .unwrap();
    // Three ways to the same folder, each as one of the sessions tells it.
    let ways = [
        real.join("src/shop"),
        h.path("ada/src/shop"),
        h.path("ada/shop"),
    ];
    for (n, way) in ways.iter().enumerate() {
        let mut claude = Claude::new(way, &format!("s{n}"), "2.1.100", n as u32);
        let before = (n > 0).then(|| format!("{}\n", n - 1));
        claude.writes("a.txt", before.as_deref(), &format!("{n}\n"));
        claude.save(&h.path("ada"));
    }
    // Whoever comes by a link has the shell tell so; the home is known by its name in any case.
    for (way, known) in ways.iter().zip([2, 2, 3]) {
        let run = |args: &[&str]| {
            let mut command = h.run(args);
            command.env("HOME", h.path("ada")).current_dir(way);
            command.env("PWD", way);
            let done = command.output().unwrap();
            let err = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(done.status.success(), "{args:?}: {err}");
            String::from_utf8(done.stdout).unwrap()
        };
        let sessions: Value = serde_json::from_str(&run(&["sessions", "--json"])).unwrap();
        let found = sessions.as_array().unwrap().len();
        assert_eq!(found, known, "{}: {sessions}", way.display());
        // One file, whichever way it was named: the chain runs through the sessions.
        assert_eq!(run(&["cat", "s1/1:a.txt"]), "1\n");
        assert_eq!(run(&["cat", "s1/1^:a.txt"]), "0\n");
    }
    // What was once found by a link stays found, whichever way one comes.
    let run = |args: &[&str]| {
        let mut command = h.run(args);
        command.env("HOME", h.path("ada")).current_dir(&ways[0]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    run(&["doctor", "--rebuild"]);
    assert_eq!(run(&["cat", "s2/1^:a.txt"]), "1\n");
}

#[test]
fn a_session_whose_edits_are_all_in_a_sibling_worktree() {
    let h = Home::empty();
    let shop = h.path("shop");
    fs::remove_dir_all(shop.join(".git")).unwrap();
    git::init(&shop);
    git::write(&shop, "a.txt", "one\n");
    git::commit(&shop);
    git::git(&shop, &["worktree", "add", "-q", "../fix", "-b", "fix"]);
    git::git(&shop, &["worktree", "add", "-q", "../third", "-b", "third"]);
    // It ran in the folder of somebody else, and everything it changed lies in a worktree beside this one.
    fs::create_dir(h.path("elsewhere")).unwrap();
    let mut codex = Codex::new(&h.path("elsewhere"), 1, None, 1);
    let fix = h.path("fix/b.txt").to_string_lossy().into_owned();
    let add = codex.adds(&fix, "in the worktree\n");
    codex.save(&h.path(""));
    let mut stranger = Codex::new(&h.path("elsewhere"), 2, None, 1);
    stranger.adds("c.txt", "not ours\n");
    stranger.save(&h.path(""));
    for folder in ["shop", "fix", "third"] {
        let run = |args: &[&str]| {
            let done = h.run(args).current_dir(h.path(folder)).output().unwrap();
            assert!(
                done.status.success(),
                "{}",
                String::from_utf8_lossy(&done.stderr)
            );
            String::from_utf8(done.stdout).unwrap()
        };
        let sessions: Value = serde_json::from_str(&run(&["sessions", "--json"])).unwrap();
        assert_eq!(
            sessions.as_array().unwrap().len(),
            1,
            "from {folder}: {sessions}"
        );
        // All worktrees share one store, in the main one.
        let status: Value = serde_json::from_str(&run(&["status", "--json"])).unwrap();
        let store = shop.join(".regent/history.db");
        assert_eq!(status["store"], store.to_str().unwrap(), "from {folder}");
        assert_eq!(run(&["cat", &format!("{add}:{fix}")]), "in the worktree\n");
    }
}
