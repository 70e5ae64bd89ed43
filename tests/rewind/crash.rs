//! T1 and T2: the power goes, or the disk refuses, at every single call that changes something. Afterwards the tree is
//! wholly what it was or wholly what it should be, once recovery was asked for, and nothing is lost.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use regent_tui::clock::Clock;
use regent_tui::fsx::Root;
use regent_tui::model::Agent;
use regent_tui::model::{Id, IdKind, Time};
use regent_tui::rewind::{self, How, Plan};

use crate::scene::{Scene, Thing, Tree, tree};

/// A folder of forty paths, each changed in one of the ways there are, and the step to go back to.
pub fn forty(s: &mut Scene) -> u32 {
    for i in 0..14 {
        s.put(&format!("mod/f{i}"), format!("before {i}\n"));
    }
    for i in 0..8 {
        s.put(
            &format!("gone/deep{}/f{i}", i % 3),
            format!("removed {i}\n"),
        );
    }
    s.put("swap", "a file\n");
    s.chmod("mod/f1", 0o755);
    let first = s.step("s", "x", Some("x"));
    for i in 0..14 {
        s.step("s", &format!("mod/f{i}"), Some(&format!("after {i}\n")));
    }
    for i in 0..8 {
        s.step("s", &format!("gone/deep{}/f{i}", i % 3), None);
    }
    for i in 0..15 {
        s.step(
            "s",
            &format!("new/d{}/f{i}", i % 4),
            Some(&format!("created {i}\n")),
        );
    }
    s.step("s", "swap", None);
    s.step("s", "swap/inner", Some("in a folder\n"));
    s.put("yours", "never touched\n");
    first
}

fn how(partial: bool) -> How {
    How {
        clock: Clock::frozen(Time(2_000_000_000)),
        partial,
        snapshots: false,
    }
}

/// A root that fails at the n-th call with an error: from there on always, as after a power cut, or once.
fn failing(
    s: &Scene,
    n: usize,
    errno: i32,
    forever: bool,
    modern: bool,
) -> (Root, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = count.clone();
    let root = s.root().with_probe(Arc::new(move |_, _| {
        let at = seen.fetch_add(1, Ordering::SeqCst);
        if at == n || forever && at > n {
            return Err(std::io::Error::from_raw_os_error(errno));
        }
        Ok(())
    }));
    (
        if modern {
            root
        } else {
            root.without_exchange()
        },
        count,
    )
}

fn apply(s: &Scene, root: &Root, plan: &Plan) -> color_eyre::Result<rewind::Report> {
    rewind::apply(&s.store, root, plan, how(false), &mut |_, _, _| {})
}

/// Puts the folder back to a remembered state, outside of everything that is tested.
fn reset(s: &Scene, to: &Tree) {
    for entry in std::fs::read_dir(&s.dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            std::fs::remove_dir_all(path)
        } else {
            std::fs::remove_file(path)
        }
        .unwrap();
    }
    for (rel, thing) in to {
        let path = s.path(rel);
        match thing {
            Thing::Dir => std::fs::create_dir_all(path).unwrap(),
            Thing::Link(_) => unreachable!("there are no links in it"),
            Thing::File(bytes, mode) => {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, bytes).unwrap();
                std::fs::set_permissions(
                    &path,
                    std::os::unix::fs::PermissionsExt::from_mode(*mode),
                )
                .unwrap();
            }
        }
    }
}

/// At every call: a crash there, then recovery; both with exchange and without.
fn crashes(modern: bool) -> usize {
    let mut s = Scene::new();
    let first = forty(&mut s);
    let before = s.tree();
    let plan = s.plan(&s.wish("s", first));
    assert!(plan.ticked().count() >= 39, "{}", plan.ticked().count());
    let mut after = None;
    for n in 0.. {
        let (root, count) = failing(&s, n, 5, true, modern);
        let done = apply(&s, &root, &plan);
        if count.load(Ordering::SeqCst) <= n {
            assert!(done.unwrap().complete);
            after = Some(s.tree());
            assert_ne!(after.as_ref(), Some(&before));
            break;
        }
        drop(root);
        let undone = rewind::recover(&s.store, &s.root(), Time(3)).unwrap();
        assert!(
            undone.iter().all(|(_, b)| b.changed.is_empty()),
            "at {n}: {undone:?}"
        );
        assert_eq!(s.tree(), before, "crashed at call {n}");
        assert!(rewind::interrupted(&s.store, &s.root()).unwrap().is_empty());
    }
    // And the undo of it.
    let after = after.unwrap();
    let undo = rewind::undo::undo(&s.reader(), &s.root()).unwrap();
    for n in 0.. {
        let (root, count) = failing(&s, n, 5, true, modern);
        let done = apply(&s, &root, &undo);
        if count.load(Ordering::SeqCst) <= n {
            assert!(done.unwrap().complete);
            assert_eq!(s.tree(), before);
            return n;
        }
        rewind::recover(&s.store, &s.root(), Time(3)).unwrap();
        assert_eq!(s.tree(), after, "crashed at call {n} of the undo");
    }
    unreachable!()
}

#[test]
fn t1_a_crash_at_any_call_leaves_no_mixed_tree() {
    let points = crashes(true);
    assert!(points > 150, "{points}");
}

#[test]
fn t1_the_same_where_names_cannot_be_exchanged() {
    let points = crashes(false);
    assert!(points > 150, "{points}");
}

#[test]
fn t1_recovery_can_itself_be_interrupted() {
    let mut s = Scene::new();
    let first = forty(&mut s);
    let before = s.tree();
    let plan = s.plan(&s.wish("s", first));
    let (root, count) = failing(&s, usize::MAX, 5, true, true);
    assert!(apply(&s, &root, &plan).unwrap().complete);
    let all = count.load(Ordering::SeqCst);
    reset(&s, &before);
    for first_crash in [60, all / 2, all * 3 / 5, all * 3 / 4, all - 15, all - 4] {
        for second in (0..120).step_by(7) {
            let (root, _) = failing(&s, first_crash, 5, true, true);
            assert!(
                apply(&s, &root, &plan).is_err(),
                "it did not crash at {first_crash} of {all}"
            );
            let (root, _) = failing(&s, second, 5, true, true);
            let _ = rewind::recover(&s.store, &root, Time(3));
            rewind::recover(&s.store, &s.root(), Time(3)).unwrap();
            assert_eq!(
                s.tree(),
                before,
                "crashed at {first_crash} and again at {second}"
            );
        }
    }
}

#[test]
fn t2_any_error_at_any_call_takes_everything_back() {
    let mut s = Scene::new();
    let first = forty(&mut s);
    let before = s.tree();
    let plan = s.plan(&s.wish("s", first));
    // EINTR ENOSPC EIO EACCES EROFS EDQUOT EMFILE, one after the other.
    let errors = [4, 28, 5, 13, 30, 122, 24];
    for n in 0.. {
        let (root, count) = failing(&s, n, errors[n % errors.len()], false, true);
        match apply(&s, &root, &plan) {
            Ok(report) => {
                assert!(report.complete);
                if count.load(Ordering::SeqCst) <= n {
                    break;
                }
                // What failed was no part of it.
                reset(&s, &before);
            }
            Err(e) => {
                assert_eq!(s.tree(), before, "at {n}: {e:?}");
                assert!(
                    rewind::interrupted(&s.store, &s.root()).unwrap().is_empty(),
                    "at {n}: {e:?}"
                );
                let said = format!("{e:#}");
                assert!(said.contains("cannot "), "it names what and where: {said}");
            }
        }
    }
}

#[test]
fn t7_a_second_one_is_refused_at_once() {
    let mut s = Scene::new();
    let first = forty(&mut s);
    let plan = s.plan(&s.wish("s", first));
    let root = s.root();
    let lock = root.lock().unwrap();
    assert!(lock.is_some());
    let started = std::time::Instant::now();
    let error = apply(&s, &s.root(), &plan).unwrap_err().to_string();
    assert!(error.contains("another rewind is at work"), "{error}");
    assert!(started.elapsed().as_millis() < 1000);
    drop(lock);
    assert!(apply(&s, &s.root(), &plan).unwrap().complete);
}

#[test]
fn an_interrupted_one_stands_in_the_way_of_the_next() {
    let mut s = Scene::new();
    let first = forty(&mut s);
    let plan = s.plan(&s.wish("s", first));
    let (root, _) = failing(&s, 140, 5, true, true);
    apply(&s, &root, &plan).unwrap_err();
    let error = apply(&s, &s.root(), &plan).unwrap_err().to_string();
    assert!(error.contains("was interrupted in this folder"), "{error}");
    // Another store does not know of it, but the folder does.
    let other = Scene::new();
    let error = rewind::apply(
        &other.store,
        &s.root(),
        &plan,
        how(false),
        &mut |_, _, _| {},
    )
    .unwrap_err();
    assert!(error.to_string().contains("in another store"), "{error}");
}

// With a real process, killed by the system.

struct Frozen {
    scene: Scene,
    _tmp: tempfile::TempDir,
    master: PathBuf,
    step: String,
}

impl Frozen {
    fn new() -> Frozen {
        let mut s = Scene::on_disk();
        let first = forty(&mut s);
        let step =
            Id::of(Agent::Claude, "s", IdKind::Step, &format!("s-{first}")).show(IdKind::Step);
        s.store.settle(true).unwrap();
        // The folder keeps its place, which the records name; only the store in it is used by others from here on.
        s.store = regent_tui::store::Store::open_in_memory().unwrap();
        let tmp = tempfile::Builder::new()
            .prefix("regent")
            .tempdir_in("/dev/shm")
            .unwrap();
        let master = tmp.path().join("master");
        copy(s.dir.parent().unwrap(), &master);
        Frozen {
            scene: s,
            _tmp: tmp,
            master,
            step,
        }
    }

    fn fresh(&self) -> PathBuf {
        let at = self.scene.dir.parent().unwrap();
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            }
            .unwrap();
        }
        copy(&self.master.join("."), at);
        at.to_owned()
    }

    fn command(&self, at: &Path, words: &[&str], strace: Option<&str>) -> Command {
        let bin = env!("CARGO_BIN_EXE_regent-tui");
        let mut command = match strace {
            Some(inject) => {
                let mut c = Command::new("strace");
                c.args([
                    "-f",
                    "-qq",
                    "-o",
                    "/dev/null",
                    "-e",
                    &format!("trace={CALLS}"),
                    "-e",
                    inject,
                    bin,
                ]);
                c
            }
            None => Command::new(bin),
        };
        command
            .env_clear()
            .env("HOME", at)
            .env("PATH", std::env::var("PATH").unwrap_or_default());
        command
            .arg("--repo")
            .arg(at.join("work"))
            .arg("--store")
            .arg(at.join("history.db"));
        command.args(words).args(["--yes", "--yes"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status()
        .unwrap();
    assert!(done.success());
}

const CALLS: &str = "write,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,\
    mkdir,mkdirat,symlinkat,fchmod,chmod";

#[test]
fn t1_killed_at_every_system_call() {
    if !Path::new("/dev/shm").is_dir() || Command::new("strace").arg("-V").output().is_err() {
        eprintln!("SKIPPED: strace is not installed, so no process was killed at its system calls");
        return;
    }
    let frozen = Frozen::new();
    let pre = tree(&frozen.master.join("work"));
    let at = frozen.fresh();
    let done = frozen
        .command(&at, &["rewind", &frozen.step], None)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let post = tree(&at.join("work"));
    assert_ne!(pre, post);
    // Every point takes minutes; a part of them, spread evenly, is for each run.
    let stride = if std::env::var("REGENT_SWEEP").is_ok_and(|v| v == "all") {
        1
    } else {
        7
    };
    let (mut points, mut recovered) = (0, 0);
    for call in CALLS.split(',') {
        // The n-th call of this name; it is killed before the call is made, that is after the one before it.
        for n in (1..).step_by(stride) {
            let at = frozen.fresh();
            let inject = format!("inject={call}:signal=SIGKILL:when={n}");
            let status = frozen
                .command(&at, &["rewind", &frozen.step], Some(&inject))
                .status()
                .unwrap();
            if status.success() {
                break;
            }
            points += 1;
            let now = tree(&at.join("work"));
            recovered += usize::from(now != pre && now != post);
            let undo = frozen.command(&at, &["undo"], None).output().unwrap();
            let now = tree(&at.join("work"));
            let said = String::from_utf8_lossy(&undo.stderr);
            assert!(
                now == pre || now == post,
                "killed at {call} {n}: a mixed tree; {said}"
            );
        }
    }
    eprintln!(
        "killed at {points} points, {recovered} of them with a half-done tree that was taken back"
    );
    assert!(points > 20 && recovered > 0, "{points} {recovered}");
}
