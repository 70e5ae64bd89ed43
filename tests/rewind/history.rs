//! Generated histories: edits by an agent, by another session and by hand; files, links, modes, renames, folders where
//! files were. What a rewind leaves must be what a naive oracle says, and undo and redo must give equal trees.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use regent_tui::model::{Status, StepKind};
use regent_tui::store::rows::{Known, PathRecord};

use crate::oracle::{Deed, Model, Who, plain, rewound};
use crate::scene::{Scene, Thing};

/// How many histories; `REGENT_CASES` overrides.
fn cases() -> u32 {
    std::env::var("REGENT_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(2000)
}

#[derive(Clone, Debug)]
enum Act {
    Write(usize, u8),
    Append(usize, u8),
    Remove(usize),
    Rename(usize, usize),
    Link(usize, u8),
    Chmod(usize, bool),
    Snapshot,
}

const PATHS: [&str; 8] = [
    "a",
    "b",
    "dir/c",
    "dir/d",
    "dir/deep/e",
    "x",
    "x/y",
    "odd \u{202e}\nname",
];

fn act() -> impl Strategy<Value = Act> {
    let path = 0..PATHS.len();
    prop_oneof![
        5 => (path.clone(), any::<u8>()).prop_map(|(p, t)| Act::Write(p, t % 6)),
        3 => (path.clone(), any::<u8>()).prop_map(|(p, t)| Act::Append(p, t % 6)),
        2 => path.clone().prop_map(Act::Remove),
        1 => (path.clone(), path.clone()).prop_map(|(a, b)| Act::Rename(a, b)),
        1 => (path.clone(), any::<u8>()).prop_map(|(p, t)| Act::Link(p, t % 3)),
        1 => (path, any::<bool>()).prop_map(|(p, x)| Act::Chmod(p, x)),
        1 => Just(Act::Snapshot),
    ]
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![6 => Just(Who::Agent), 1 => Just(Who::Other), 1 => Just(Who::Hand)]
}

struct World {
    scene: Scene,
    deeds: Vec<Deed>,
    steps: u32,
}

impl World {
    fn model(&self) -> Model {
        let files = self
            .scene
            .tree()
            .into_iter()
            .filter(|(_, t)| *t != Thing::Dir);
        files
            .map(|(p, t)| (String::from_utf8(p).unwrap(), t))
            .collect()
    }

    fn act(&mut self, who: Who, act: &Act) {
        if matches!(act, Act::Snapshot) {
            self.scene.snapshot();
            return;
        }
        // Agents make links and change modes by commands, which only snapshots around them see.
        let by_command = who == Who::Agent && matches!(act, Act::Link(..) | Act::Chmod(..));
        if by_command {
            self.scene.snapshot();
            self.scene.clock -= 15_000;
        }
        let before = self.model();
        if !self.really(who, act) {
            return;
        }
        let after = self.model();
        let changed: Vec<&String> = before
            .keys()
            .chain(after.keys())
            .filter(|p| before.get(*p) != after.get(*p))
            .collect();
        let changed: std::collections::BTreeSet<String> = changed.into_iter().cloned().collect();
        if changed.is_empty() {
            return;
        }
        let step = match who {
            Who::Agent => {
                self.steps += 1;
                self.steps
            }
            _ => 0,
        };
        if by_command {
            let (kind, none) = (StepKind::Command, Vec::new());
            self.scene.record_at("agent", 1, kind, none, Status::Ok);
            self.scene.clock -= 15_000;
            self.scene.snapshot();
        } else {
            self.record(who, act, &changed, &before, &after);
        }
        for path in changed {
            self.deeds.push(Deed {
                who,
                step,
                before: before.get(&path).cloned(),
                after: after.get(&path).cloned(),
                path,
            });
        }
    }

    /// Does it on the disk, as a tool would; whether it could.
    fn really(&self, who: Who, act: &Act) -> bool {
        let s = &self.scene;
        let free = |p: &str| {
            let path = s.path(p);
            let above = p
                .rsplit_once('/')
                .is_none_or(|(dir, _)| s.path(dir).symlink_metadata().map_or(true, |m| m.is_dir()));
            above && path.symlink_metadata().map_or(true, |m| m.is_file())
        };
        match act {
            Act::Write(p, t) if free(PATHS[*p]) => {
                s.put(PATHS[*p], format!("text {t}\nline\nline\nend {t}\n"))
            }
            Act::Append(p, t)
                if s.path(PATHS[*p])
                    .symlink_metadata()
                    .is_ok_and(|m| m.is_file()) =>
            {
                let mut text = fs::read(s.path(PATHS[*p])).unwrap();
                text.extend(format!("more {t}\n").bytes());
                s.put(PATHS[*p], text);
            }
            Act::Remove(p)
                if s.path(PATHS[*p])
                    .symlink_metadata()
                    .is_ok_and(|m| !m.is_dir()) =>
            {
                let plain = s
                    .path(PATHS[*p])
                    .symlink_metadata()
                    .is_ok_and(|m| m.is_file());
                if !plain && who != Who::Hand {
                    return false;
                }
                fs::remove_file(s.path(PATHS[*p])).unwrap();
                if let Some((dir, _)) = PATHS[*p].rsplit_once('/') {
                    // As a person who tidies up; it makes room for a file of that name.
                    let _ = fs::remove_dir(s.path(dir));
                }
            }
            Act::Rename(a, b)
                if a != b
                    && free(PATHS[*b])
                    && s.path(PATHS[*a])
                        .symlink_metadata()
                        .is_ok_and(|m| m.is_file()) =>
            {
                let to = s.path(PATHS[*b]);
                if to.exists() || to.starts_with(s.path(PATHS[*a])) {
                    return false;
                }
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::rename(s.path(PATHS[*a]), to).unwrap();
            }
            Act::Link(p, t) if who != Who::Other && free(PATHS[*p]) => {
                s.link(PATHS[*p], ["a", "/etc/passwd", "nowhere"][usize::from(*t)]);
            }
            Act::Chmod(p, x)
                if who != Who::Other
                    && s.path(PATHS[*p])
                        .symlink_metadata()
                        .is_ok_and(|m| m.is_file()) =>
            {
                s.chmod(PATHS[*p], if *x { 0o755 } else { 0o640 });
            }
            _ => return false,
        }
        true
    }

    fn record(
        &mut self,
        who: Who,
        act: &Act,
        changed: &std::collections::BTreeSet<String>,
        before: &Model,
        after: &Model,
    ) {
        use std::os::unix::ffi::OsStrExt;
        let session = match who {
            Who::Agent => "agent",
            Who::Other => "other",
            Who::Hand => return,
        };
        let root: std::sync::Arc<[u8]> = self.scene.dir.as_os_str().as_bytes().into();
        let path = |p: &str| PathRecord {
            root: root.clone(),
            rel: p.as_bytes().to_vec(),
        };
        let known = |t: Option<&Thing>| match t {
            Some(Thing::File(bytes, _)) => self.scene.blob(bytes),
            Some(_) => Known::Unknown,
            None => Known::Absent,
        };
        let changes = match act {
            Act::Rename(a, b) => {
                let text = known(before.get(PATHS[*a]));
                vec![(path(PATHS[*b]), Some(path(PATHS[*a])), text, text)]
            }
            _ => changed
                .iter()
                .map(|p| (path(p), None, known(before.get(p)), known(after.get(p))))
                .collect(),
        };
        self.scene
            .record_at(session, 1, StepKind::Edit, changes, Status::Ok);
    }
}

/// Number, time and change time of every file: what must not move when it is not touched.
fn stamps(scene: &Scene) -> BTreeMap<Vec<u8>, (u64, i64, i64, i64)> {
    let files = scene.tree().into_iter().filter(|(_, t)| *t != Thing::Dir);
    files
        .map(|(p, _)| {
            let m = fs::symlink_metadata(scene.path(&p)).unwrap();
            (p, (m.ino(), m.mtime(), m.mtime_nsec(), m.ctime_nsec()))
        })
        .collect()
}

fn one(acts: Vec<(Who, Act)>, at: u32) -> Result<(), TestCaseError> {
    let mut w = World {
        scene: Scene::new(),
        deeds: Vec::new(),
        steps: 0,
    };
    // A step that all others come after.
    w.act(Who::Agent, &Act::Write(0, 0));
    for (who, act) in &acts {
        w.act(*who, act);
    }
    let target = 1 + at % w.steps;
    let now = w.model();
    let before = w.scene.tree();
    let answer = rewound(&now, &w.deeds, target);
    let old_stamps = stamps(&w.scene);
    let report = w.scene.rewind("agent", target);
    prop_assert!(report.complete, "{report:?}");
    let after = w.scene.tree();
    let got = w.model();
    for path in answer
        .wanted
        .keys()
        .chain(got.keys())
        .filter(|p| !answer.entangled.contains(*p))
    {
        let is = got.get(path).map(plain);
        let kept = answer.either.contains(path) && is == now.get(path).map(plain);
        if !kept {
            prop_assert_eq!(
                answer.wanted.get(path).cloned(),
                is,
                "{:?} of {:?}; plan {:?}",
                path,
                w.deeds,
                report.files
            );
        }
    }
    let new_stamps = stamps(&w.scene);
    for (path, stamp) in &old_stamps {
        if before.get(path) == after.get(path) {
            prop_assert_eq!(
                Some(stamp),
                new_stamps.get(path),
                "{:?} was touched",
                String::from_utf8_lossy(path)
            );
        }
    }
    if report.op.is_none() {
        prop_assert_eq!(&before, &after);
        return Ok(());
    }
    w.scene.undo();
    prop_assert_eq!(&before, &w.scene.tree(), "undo; plan {:?}", report.files);
    w.scene.redo();
    prop_assert_eq!(&after, &w.scene.tree(), "redo");
    w.scene.undo();
    prop_assert_eq!(&before, &w.scene.tree(), "undo again");
    Ok(())
}

/// A quarter of them, so that several can run at once.
fn quarter() {
    let config = Config {
        cases: cases() / 4,
        max_shrink_iters: 400,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let strategy = (prop::collection::vec((who(), act()), 1..12), any::<u32>());
    runner.run(&strategy, |(acts, at)| one(acts, at)).unwrap();
}

#[test]
fn t5_any_history_agrees_with_the_oracle_1() {
    quarter();
}

#[test]
fn t5_any_history_agrees_with_the_oracle_2() {
    quarter();
}

#[test]
fn t5_any_history_agrees_with_the_oracle_3() {
    quarter();
}

#[test]
fn t5_any_history_agrees_with_the_oracle_4() {
    quarter();
}

#[test]
fn modes_of_scripts_survive_every_way() {
    let mut s = Scene::new();
    s.put("run", "1\n");
    s.chmod("run", 0o4750);
    let first = s.step("agent", "x", Some("x"));
    s.step("agent", "run", Some("2\n"));
    s.chmod("run", 0o4750);
    for _ in 0..2 {
        s.rewind("agent", first);
        let mode = fs::metadata(s.path("run")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o4750);
        s.undo();
    }
}
