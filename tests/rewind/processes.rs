//! T4 and T7, and L26: several processes at once, and processes that are killed at any moment.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use regent_tui::store::{Place, Reader};

use crate::project::{Project, ended, is_clear};
use crate::scene::{Scene, Thing, Tree};

/// A number that looks like chance, and is the same in each run.
fn chance(of: &mut u64, below: u64) -> u64 {
    *of = of.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    (*of >> 33) % below
}

/// A project in which the steps write five files in turn.
fn project(steps: usize) -> (Project, Vec<String>) {
    let mut p = Project::new();
    p.prompt("p1", "write");
    let ids = (0..steps).map(|i| step(&mut p, i)).collect();
    p.does(&["ingest"]);
    (p, ids)
}

fn step(p: &mut Project, i: usize) -> String {
    p.write(
        &format!("src/f{}", i % 5),
        &format!("step {i}\n").repeat(30),
    )
}

/// The store is whole, and so is every content in it.
fn check_store(p: &Project) {
    use std::os::unix::fs::MetadataExt;
    let uid = fs::metadata(p.home()).unwrap().uid();
    let reader = Reader::open(&Place::explicit(&p.db(), uid)).unwrap();
    let structure = reader.structure(true).unwrap();
    assert!(structure.is_empty(), "{structure:?}");
    let damaged = reader.contents(|_, _| {}).unwrap();
    assert!(damaged.is_empty(), "{damaged:?}");
}

fn soak(kills: usize) {
    let (mut p, mut ids) = project(12);
    let mut of = 7;
    // How long a whole run takes here.
    let begun = Instant::now();
    p.does(&["rewind", &ids[3], "--yes", "--yes"]);
    p.does(&["undo", "--yes", "--yes"]);
    let whole = begun.elapsed().as_micros() as u64 / 2;
    let (mut killed, mut taken_back, mut ran) = (0, 0, 0);
    let mut log: Vec<String> = Vec::new();
    // What the agent writes from here on lies elsewhere: an undo leaves it alone, as it must.
    let early = |tree: &Tree| -> Tree {
        let kept = tree.iter().filter(|(path, _)| path.starts_with(b"src"));
        kept.map(|(p, t)| (p.clone(), t.clone())).collect()
    };
    let states: Vec<Tree> = p.states.iter().map(early).collect();
    let state = |p: &Project| {
        let now = early(&p.tree());
        states.iter().rposition(|s| *s == now)
    };
    // On until one was met in the middle of its writes: how often that is depends on the machine.
    while killed < kills || (taken_back == 0 && killed < 4 * kills) {
        let at = ids[chance(&mut of, ids.len() as u64) as usize].clone();
        let words: Vec<&str> = match chance(&mut of, 9) {
            0..=2 => vec!["rewind", &at, "--yes", "--yes"],
            3 => vec!["undo", "--yes", "--yes"],
            4 => vec!["redo", "--yes", "--yes"],
            5 => vec!["gc"],
            6 => vec!["snapshot"],
            _ => vec!["ingest"],
        };
        let mut child = p.start(&words);
        std::thread::sleep(Duration::from_micros(chance(&mut of, whole * 3 / 2)));
        child.kill().unwrap();
        let (status, said) = ended(child);
        log.push(format!("{words:?} {:?} -> {:?}", status.code(), state(&p)));
        if status.code().is_none() {
            killed += 1;
        } else {
            ran += 1;
            assert!(status.success() || is_clear(&said), "{words:?}: {said}");
        }
        if (killed + ran) % 10 > 0 {
            continue;
        }
        // Whatever was interrupted is taken back; the folder is as it was after one of the steps.
        let (_, said) = p.run(&["undo", "--yes", "--yes"]);
        taken_back += usize::from(said.contains("taken back"));
        log.push(format!("undo -> {:?}: {said}", state(&p)));
        assert!(
            state(&p).is_some(),
            "after {killed} kills: a mixed tree: {}",
            log.join("\n")
        );
        if (killed + ran) % 50 == 0 {
            check_store(&p);
            // The agent goes on; what was told to be taken in is there.
            let next = ids.len();
            ids.push(p.write(&format!("more/f{next}"), &format!("step {next}\n")));
            p.does(&["ingest"]);
            for id in &ids {
                p.does(&["show", id]);
            }
        }
    }
    check_store(&p);
    eprintln!(
        "{killed} killed, {ran} came to their end first; {taken_back} rewinds were taken back"
    );
    assert!(taken_back > 0 || kills < 100);
}

#[test]
fn t4_killed_at_random_nothing_is_lost() {
    soak(500);
}

#[test]
#[ignore = "minutes: ten times as often"]
fn t4_all_killed_at_random_5000_times() {
    soak(5000);
}

fn two_rewinders(rounds: usize) {
    let (p, ids) = project(10);
    let (mut both, mut one) = (0, 0);
    for round in 0..rounds {
        let (a, b) = (&ids[round % 9], &ids[(round * 7 + 3) % 9]);
        let first = p.start(&["rewind", a, "--yes", "--yes"]);
        let second = p.start(&["rewind", b, "--yes", "--yes"]);
        let ends = [ended(first), ended(second)];
        let well = ends.iter().filter(|(status, _)| status.success()).count();
        for (status, said) in &ends {
            assert!(status.success() || is_clear(said), "{round}: {said}");
        }
        assert!(well > 0, "{round}: {ends:?}");
        both += usize::from(well == 2);
        one += usize::from(well == 1);
        assert!(p.states.contains(&p.tree()), "{round}: a mixed tree");
    }
    check_store(&p);
    eprintln!("{both} times both, one after the other; {one} times one was refused");
}

#[test]
fn t7_two_rewinders() {
    two_rewinders(20);
}

fn rewinder_and_gc(rounds: usize) {
    let (p, ids) = project(10);
    for round in 0..rounds {
        // Bytes that only this rewind knows of.
        let mine = format!("yours {round}\n");
        fs::write(p.dir().join("src/f1"), &mine).unwrap();
        let at = &ids[round % 5];
        let words = ["rewind", at, "--take", "src/f1", "--yes", "--yes"];
        let (rewind, gc) = (p.start(&words), p.start(&["gc"]));
        let (rewind, gc) = (ended(rewind), ended(gc));
        for (status, said) in [&rewind, &gc] {
            assert!(status.success() || is_clear(said), "{round}: {said}");
        }
        let (status, said) = p.run(&["gc"]);
        assert!(status.success(), "{said}");
        if rewind.0.success() {
            p.does(&["undo", "--yes", "--yes"]);
        }
        assert_eq!(fs::read_to_string(p.dir().join("src/f1")).unwrap(), mine);
    }
    check_store(&p);
}

#[test]
fn t7_a_rewinder_and_gc() {
    rewinder_and_gc(20);
}

fn git(p: &Project, words: &[&str]) -> std::process::Output {
    Command::new("git")
        .current_dir(p.dir())
        .args([
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@x",
            "-c",
            "gc.auto=0",
        ])
        .args(words)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap()
}

fn rewinder_and_git(rounds: usize) {
    if Command::new("git").arg("--version").output().is_err() {
        eprintln!("SKIPPED: git is not installed");
        return;
    }
    let mut p = Project::new();
    git(&p, &["init", "-q", "-b", "main"]);
    let texts = |branch: &str, i: usize| format!("{branch} {i}\n").repeat(40);
    let mut whole: BTreeSet<String> = BTreeSet::new();
    for branch in ["left", "right"] {
        git(&p, &["checkout", "-q", "-b", branch]);
        for i in 0..8 {
            fs::write(p.dir().join(format!("f{i}")), texts(branch, i)).unwrap();
            whole.insert(texts(branch, i));
        }
        git(&p, &["add", "."]);
        git(&p, &["commit", "-q", "-m", branch]);
    }
    p.prompt("p1", "write");
    let first = p.write("first", "first\n");
    for i in 0..8 {
        p.write(&format!("f{i}"), &texts("agent", i));
        whole.insert(texts("agent", i));
    }
    p.does(&["ingest"]);
    for round in 0..rounds {
        let rewind = p.start(&["rewind", &first, "--yes", "--yes"]);
        let branch = ["left", "right"][round % 2];
        let words: &[&str] = match round % 3 {
            0 => &["stash", "push", "-q"],
            1 => &["checkout", "-q", "-f", branch],
            _ => &["checkout", "-q", branch],
        };
        git(&p, words);
        let (status, said) = ended(rewind);
        assert!(status.success() || is_clear(&said), "{round}: {said}");
        for (path, thing) in p.tree() {
            let Thing::File(bytes, _) = thing else {
                continue;
            };
            let text = String::from_utf8(bytes).unwrap();
            let known = path == b"first" || whole.contains(&text);
            assert!(known, "{round}: {path:?} is a mixture: {text}");
        }
        let sound = git(&p, &["fsck", "--strict"]);
        assert!(sound.status.success(), "{round}: {sound:?}");
        // The agent's work is there again for the next round.
        for i in 0..8 {
            fs::write(p.dir().join(format!("f{i}")), texts("agent", i)).unwrap();
        }
    }
    check_store(&p);
}

#[test]
fn t7_a_rewinder_and_git() {
    rewinder_and_git(20);
}

#[test]
#[ignore = "minutes: ten times as often"]
fn t7_all_200_rounds_each() {
    two_rewinders(200);
    rewinder_and_gc(200);
    rewinder_and_git(200);
}

#[test]
fn t7_a_lock_is_free_when_its_holder_was_killed() {
    let (p, ids) = project(10);
    let mut of = 3;
    for _ in 0..10 {
        let mut child = p.start(&["rewind", &ids[1], "--yes", "--yes"]);
        std::thread::sleep(Duration::from_micros(chance(&mut of, 60_000)));
        child.kill().unwrap();
        ended(child);
        let (_, said) = p.run(&["undo", "--yes", "--yes"]);
        assert!(!said.contains("at work"), "{said}");
        assert!(p.states.contains(&p.tree()));
    }
}

#[test]
fn l26_retries_tool_results_and_empty_turns_move_no_target() {
    let mut p = Project::new();
    p.prompt("p1", "first");
    let one = p.write("a", "1\n");
    // A prompt without an answer, the same prompt once more, one that only ran a tool, and an empty one.
    p.prompt("p2", "again");
    p.prompt("p3", "again");
    let two = p.write("a", "2\n");
    p.prompt("p4", "");
    p.prompt("p5", "second");
    let three = p.write("a", "3\n");
    p.does(&["ingest"]);
    let ids = |p: &Project| -> Vec<String> {
        let shown = |id: &String| {
            p.json(&["show", id, "--json"])["id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        [&one, &two, &three].into_iter().map(shown).collect()
    };
    let shown = ids(&p);
    let check = |p: &Project| {
        for (id, text) in shown.iter().zip(["1\n", "2\n", "3\n"]) {
            p.does(&["rewind", id, "--yes", "--yes"]);
            assert_eq!(fs::read_to_string(p.dir().join("a")).unwrap(), text);
        }
    };
    check(&p);
    // The agent writes its last lines once more, as after a retry; and everything is read again.
    let lines = fs::read_to_string(p.transcript()).unwrap();
    let last: Vec<&str> = lines.lines().rev().take(2).collect();
    fs::write(p.transcript(), format!("{lines}{}\n{}\n", last[1], last[0])).unwrap();
    p.does(&["ingest"]);
    p.does(&["ingest"]);
    assert_eq!(ids(&p), shown, "an id that was shown keeps its meaning");
    check(&p);
    // A later prompt does not move them either.
    p.prompt("p6", "third");
    p.write("b", "1\n");
    p.does(&["ingest"]);
    assert_eq!(ids(&p), shown);
    check(&p);
}

#[test]
fn t13_a_large_tree_and_a_long_session() {
    // A tenth of what a release is measured with, and in this process; how long it takes is for the benchmarks.
    let mut s = Scene::new();
    for i in 0..10_000 {
        s.put(&format!("d{}/f{i}", i / 100), format!("{i}\n"));
    }
    let first = s.step("s", "x", Some("x"));
    let mut batch = Vec::new();
    for i in 0..5000 {
        batch.push((format!("d{}/f{}", i % 100, (i % 100) * 100 + i / 100), i));
    }
    s.many_steps("s", &batch);
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(plan.ticked().count(), 5000);
    let before = s.tree();
    let report = s.apply(&plan);
    assert!(report.complete);
    for (path, _) in &batch {
        let number = path.rsplit_once("/f").unwrap().1;
        assert_eq!(s.read(path).unwrap(), format!("{number}\n"));
    }
    s.undo();
    assert_eq!(s.tree(), before);
}
