//! T9, T11, T18 and T19 on real file systems: small ones, full ones, read-only ones, mounts within the folder, marks that
//! forbid change, and another user. What only root can make says that it was skipped.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use regent_tui::clock::Clock;
use regent_tui::model::{Status, Time};
use regent_tui::rewind::{self, How, Verdict};
use regent_tui::snapshot::{self, Wanted};
use regent_tui::store::snapshots::Reason;
use regent_tui::store::{Place, Store};

use crate::crash::{apply, forty};
use crate::project::Project;
use crate::scene::{Scene, verdict};

/// A mount that ends with it.
struct Mount(PathBuf);

impl Mount {
    /// `None`, and says so, where one may not.
    fn new(words: &[&str], at: &Path) -> Option<Mount> {
        fs::create_dir_all(at).unwrap();
        let done = Command::new("mount").args(words).arg(at).output();
        if done.is_ok_and(|o| o.status.success()) {
            return Some(Mount(at.to_owned()));
        }
        eprintln!("SKIPPED: nothing may be mounted here ({})", words.join(" "));
        None
    }

    fn again(&self, options: &str) {
        let done = Command::new("mount")
            .args(["-o", options])
            .arg(&self.0)
            .status();
        assert!(done.unwrap().success(), "{options}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn how() -> How {
    How {
        clock: Clock::frozen(Time(5_000_000_000)),
        partial: false,
        snapshots: true,
    }
}

#[test]
fn t18_a_store_on_a_disk_that_fills_up() {
    let mut s = Scene::on_disk();
    let first = forty(&mut s);
    // What lies there is stored nowhere yet, and does not get smaller by packing.
    let mut of = 1u64;
    for i in 0..14 {
        let noise: Vec<u8> = (0..40_000)
            .map(|_| {
                of = of.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(7);
                (of >> 56) as u8
            })
            .collect();
        s.put(&format!("mod/f{i}"), noise);
    }
    let before = s.tree();
    let mut wish = s.wish("s", first);
    wish.take = vec![b"mod".to_vec()];
    let plan = s.plan(&wish);
    s.store.settle(true).unwrap();
    let size = fs::metadata(s.db()).unwrap().len();
    let uid = fs::metadata(&s.dir).unwrap().uid();
    let (mut full, mut done) = (0, 0);
    for step in 0..40u64 {
        let tmp = tempfile::tempdir().unwrap();
        let bytes = format!("size={}", size + step * 64 * 1024);
        let Some(mount) = Mount::new(&["-t", "tmpfs", "-o", &bytes, "tmpfs"], tmp.path()) else {
            return;
        };
        let db = tmp.path().join("history.db");
        fs::copy(s.db(), &db).unwrap();
        let Ok(store) = Store::open(&Place::explicit(&db, uid)) else {
            continue;
        };
        match rewind::apply(&store, &s.root(), &plan, how(), &mut |_, _, _| {}) {
            Ok(report) => {
                assert!(report.complete);
                done += 1;
                let undo = rewind::undo::undo(&store.reader().unwrap(), &s.root()).unwrap();
                let undone = rewind::apply(&store, &s.root(), &undo, how(), &mut |_, _, _| {});
                mount.again("remount,size=100m");
                if undone.is_err() {
                    rewind::recover(&store, &s.root(), Time(3)).unwrap();
                    let undo = rewind::undo::undo(&store.reader().unwrap(), &s.root()).unwrap();
                    rewind::apply(&store, &s.root(), &undo, how(), &mut |_, _, _| {}).unwrap();
                }
            }
            Err(e) => {
                full += 1;
                let said = format!("{e:#}");
                // Without a restart, and without anything else, once there is room.
                mount.again("remount,size=100m");
                rewind::recover(&store, &s.root(), Time(3)).unwrap();
                assert_eq!(s.tree(), before, "{step}: {said}");
                rewind::apply(&store, &s.root(), &plan, how(), &mut |_, _, _| {}).unwrap();
                let undo = rewind::undo::undo(&store.reader().unwrap(), &s.root()).unwrap();
                rewind::apply(&store, &s.root(), &undo, how(), &mut |_, _, _| {}).unwrap();
            }
        }
        assert_eq!(s.tree(), before, "{step}");
        rewind::sweep(&store, &s.root(), Time(i64::MAX / 2)).unwrap();
    }
    assert!(full > 3 && done > 3, "{full} full, {done} done");
}

#[test]
fn t18_a_folder_on_a_disk_that_is_too_small() {
    let mut s = Scene::new();
    let top = s.dir.clone();
    for mib in [1, 2, 5, 10, 20, 30, 40, 50] {
        let size = format!("size={mib}m");
        let Some(_mount) = Mount::new(&["-t", "tmpfs", "-o", &size, "tmpfs"], &top) else {
            return;
        };
        s.put("a", "1\n");
        let first = s.step("s", "x", Some("x"));
        s.step("s", "a", Some("2\n"));
        let plan = s.plan(&s.wish("s", first));
        let error = rewind::apply(&s.store, &s.root(), &plan, how(), &mut |_, _, _| {});
        let error = error.unwrap_err().to_string();
        assert!(error.contains("MiB are free on this disk"), "{error}");
        assert_eq!(s.read("a").as_deref(), Some("2\n"));
    }
}

#[test]
fn t18_a_disk_that_is_full_all_of_a_sudden() {
    let mut s = Scene::new();
    let top = s.dir.clone();
    let Some(_mount) = Mount::new(&["-t", "tmpfs", "-o", "size=80m", "tmpfs"], &top) else {
        return;
    };
    let first = forty(&mut s);
    let before = s.tree();
    let filler = top.join(".regent/filler");
    let mut failed = 0;
    for n in (0..).step_by(9) {
        let plan = s.plan(&s.wish("s", first));
        let (seen, at) = (AtomicUsize::new(0), filler.clone());
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let root = s.root().with_probe(Arc::new(move |_, _| {
            counted.fetch_add(1, Ordering::SeqCst);
            if seen.fetch_add(1, Ordering::SeqCst) == n && at.parent().unwrap().is_dir() {
                let mut file = fs::File::create(&at).unwrap();
                let zeros = vec![0; 1 << 20];
                while std::io::Write::write_all(&mut file, &zeros).is_ok() {}
            }
            Ok(())
        }));
        let done = apply(&s, &root, &plan);
        let over = calls.load(Ordering::SeqCst) <= n;
        let _ = fs::remove_file(&filler);
        match done {
            Ok(report) => {
                // It needed no more room from there on.
                assert!(report.complete);
                let undo = rewind::undo::undo(&s.reader(), &s.root()).unwrap();
                apply(&s, &s.root(), &undo).unwrap();
            }
            Err(e) => {
                failed += 1;
                let said = format!("{e:#}");
                let full = ["o space left", "are free on this disk"];
                assert!(full.iter().any(|f| said.contains(f)), "{said}");
                rewind::recover(&s.store, &s.root(), Time(3)).unwrap();
            }
        }
        assert_eq!(s.tree(), before, "full at call {n}");
        if over {
            break;
        }
    }
    assert!(failed > 3, "{failed}");
}

#[test]
fn t18_a_snapshot_without_room_is_an_error_and_the_last_one_stays() {
    let s = Scene::on_disk();
    s.put("a", "1\n");
    let uid = fs::metadata(&s.dir).unwrap().uid();
    let tmp = tempfile::tempdir().unwrap();
    let options = ["-t", "tmpfs", "-o", "size=3m", "tmpfs"];
    let Some(mount) = Mount::new(&options, tmp.path()) else {
        return;
    };
    let store = Store::open(&Place::explicit(&tmp.path().join("history.db"), uid)).unwrap();
    let wanted = Wanted::new(Clock::frozen(Time(9)), Reason::Asked);
    let first = snapshot::take(&store, &s.root(), &wanted).unwrap();
    let mut of = 1u64;
    let noise: Vec<u8> = (0..6 << 20)
        .map(|_| {
            of = of.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(7);
            (of >> 56) as u8
        })
        .collect();
    s.put("b", &noise);
    assert!(snapshot::take(&store, &s.root(), &wanted).is_err());
    mount.again("remount,size=100m");
    let second = snapshot::take(&store, &s.root(), &wanted).unwrap();
    assert_eq!((first.snapshot.files, second.snapshot.files), (1, 2));
    let whole = store.reader().unwrap().contents(|_, _| {}).unwrap();
    assert!(whole.is_empty(), "{whole:?}");
}

#[test]
fn t19_a_folder_that_is_read_only_can_be_looked_at() {
    let mut s = Scene::new();
    s.put("a", "1\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("2\n"));
    let top = s.dir.clone();
    let Some(mount) = Mount::new(&["--bind", top.to_str().unwrap()], &top) else {
        return;
    };
    mount.again("remount,ro,bind");
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "a"), Verdict::Restore);
    let error = rewind::apply(&s.store, &s.root(), &plan, how(), &mut |_, _, _| {});
    let error = format!("{:#}", error.unwrap_err());
    assert!(error.contains("ead-only file system"), "{error}");
    assert_eq!(s.read("a").as_deref(), Some("2\n"));
    // A snapshot needs no room in the folder but for the cache of what it saw.
    let wanted = Wanted::new(Clock::frozen(Time(9)), Reason::Asked);
    assert_eq!(
        snapshot::take(&s.store, &s.root(), &wanted)
            .unwrap()
            .snapshot
            .files,
        2
    );
    mount.again("remount,rw,bind");
    assert!(s.apply(&plan).complete);
}

#[test]
fn t19_a_store_that_is_read_only_stops_it_before_anything() {
    let mut s = Scene::on_disk();
    s.put("a", "1\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("2\n"));
    let plan = s.plan(&s.wish("s", first));
    s.store.settle(true).unwrap();
    let uid = fs::metadata(&s.dir).unwrap().uid();
    let marked = Command::new("chattr").arg("+i").arg(s.db()).output();
    if !marked.is_ok_and(|o| o.status.success()) {
        eprintln!("SKIPPED: no file can be made immutable here");
        return;
    }
    let store = Store::open(&Place::explicit(&s.db(), uid));
    let done = store.map(|store| {
        assert!(store.read_only());
        rewind::apply(&store, &s.root(), &plan, how(), &mut |_, _, _| {})
    });
    let unmarked = Command::new("chattr").arg("-i").arg(s.db()).status();
    assert!(unmarked.unwrap().success());
    assert!(done.is_ok_and(|done| done.is_err()));
    assert_eq!(s.read("a").as_deref(), Some("2\n"));
}

#[test]
fn t19_only_our_own_folder_or_only_the_home_is_read_only() {
    let mut p = Project::new();
    p.prompt("p1", "write");
    let first = p.write("a", "1\n");
    p.write("a", "2\n");
    p.does(&["ingest"]);
    let rewind = ["rewind", &first, "--yes", "--yes"];
    let text = |p: &Project| fs::read_to_string(p.dir().join("a")).unwrap();
    let bind = |at: &Path, options: &str| {
        let mount = Mount::new(&["--bind", at.to_str().unwrap()], at)?;
        mount.again(options);
        Some(mount)
    };
    let Some(own) = bind(&p.dir().join(".regent"), "remount,ro,bind") else {
        return;
    };
    for look in ["log", "sessions", "status"] {
        p.does(&[look]);
    }
    let (status, said) = p.run(&rewind);
    assert!(!status.success() && !said.contains("panicked"), "{said}");
    assert!(
        said.contains("read-only") || said.contains("ead-only file system"),
        "{said}"
    );
    assert_eq!(text(&p), "2\n");
    drop(own);
    let _home = bind(p.home(), "remount,ro,bind").unwrap();
    let _work = bind(&p.dir(), "remount,rw,bind").unwrap();
    p.does(&rewind);
    assert_eq!(text(&p), "1\n");
    p.does(&["undo", "--yes", "--yes"]);
    assert_eq!(text(&p), "2\n");
}

#[test]
fn t9_git_under_another_name_by_a_mount() {
    let mut s = Scene::new();
    s.put(".git/HEAD", "ref: refs/heads/main\n");
    s.put(".git/objects/x", "x");
    s.put(".git/refs/x", "x");
    s.put(".git/hooks/sample", "left\n");
    s.put("elsewhere/file", "left\n");
    let first = s.step("s", "x", Some("x"));
    let (git, alias) = (s.path(".git"), s.path("alias"));
    let Some(_mount) = Mount::new(&["--bind", git.to_str().unwrap()], &alias) else {
        return;
    };
    let other = s.path("elsewhere");
    let Some(_second) = Mount::new(&["--bind", other.to_str().unwrap()], &s.path("mounted")) else {
        return;
    };
    let (was, left) = (s.blob(b"was\n"), s.blob(b"left\n"));
    for path in ["alias/hooks/sample", "alias/config", "mounted/file"] {
        s.record("s", 1, &[(path, was, left)], Status::Ok);
    }
    let mut wish = s.wish("s", first);
    wish.take = vec![b"alias".to_vec(), b"mounted".to_vec()];
    let plan = s.plan(&wish);
    assert_eq!(plan.ticked().count(), 0, "{:?}", plan.files);
    s.snapshot();
    assert_eq!(s.read(".git/hooks/sample").as_deref(), Some("left\n"));
    assert_eq!(s.read("elsewhere/file").as_deref(), Some("left\n"));
}

#[test]
fn t12_two_names_that_the_disk_takes_for_one_are_left_alone() {
    // No file system here takes `Readme` for `README`; a file mounted over another is one file under two names, too, and
    // that it has two is as little told by its count of names.
    let mut s = Scene::new();
    s.put("README", "one\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "README", None);
    s.step("s", "Readme", Some("one\n"));
    s.put("README", "covered\n");
    let (from, at) = (s.path("Readme"), s.path("README"));
    let done = Command::new("mount")
        .arg("--bind")
        .args([&from, &at])
        .output();
    if !done.is_ok_and(|o| o.status.success()) {
        eprintln!("SKIPPED: nothing may be mounted here");
        return;
    }
    let _mount = Mount(at);
    let plan = s.plan(&s.wish("s", first));
    // Taken for two, the one that was made would go, and with it the only file there is.
    assert_eq!(verdict(&plan, "Readme"), Verdict::Conflict);
    assert_eq!(plan.ticked().count(), 0, "{:?}", plan.files);
    let readme = plan.files.iter().find(|f| f.path == "Readme").unwrap();
    assert!(
        readme.why.contains("README is the same file"),
        "{}",
        readme.why
    );
}

#[test]
fn t11_an_immutable_file_is_told_before_and_stops_it_after() {
    let mut s = Scene::new();
    s.put("a", "1\n");
    s.put("b", "1\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("2\n"));
    s.step("s", "b", Some("2\n"));
    let plan = s.plan(&s.wish("s", first));
    let mark = |how: &str| {
        let done = Command::new("chattr").arg(how).arg(s.path("b")).output();
        done.is_ok_and(|o| o.status.success())
    };
    if !mark("+i") {
        eprintln!("SKIPPED: no file can be made immutable here");
        return;
    }
    let told = s.plan(&s.wish("s", first));
    // Marked after the plan was made: everything is taken back.
    let error = rewind::apply(&s.store, &s.root(), &plan, how(), &mut |_, _, _| {});
    assert!(mark("-i"));
    assert_eq!(verdict(&told, "b"), Verdict::Conflict);
    assert!(error.is_err());
    assert_eq!(s.read("a").as_deref(), Some("2\n"));
    assert_eq!(s.read("b").as_deref(), Some("2\n"));
    assert!(s.apply(&plan).complete);
}

#[test]
fn t11_as_another_user_only_what_is_ones_own() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: only root can become somebody else");
        return;
    }
    let mut p = Project::new();
    p.prompt("p1", "write");
    let first = p.write("first", "1\n");
    for path in ["mine", "theirs", "locked/file", "secret", "setuid"] {
        p.write(path, "1\n");
    }
    let all = p.tree();
    let owned = Command::new("chown")
        .args(["-R", "65534:65534"])
        .arg(p.home())
        .status();
    assert!(owned.unwrap().success());
    let chown = |path: &str| {
        let done = Command::new("chown")
            .arg("0:0")
            .arg(p.dir().join(path))
            .status();
        assert!(done.unwrap().success());
    };
    chown("theirs");
    for (path, mode) in [("locked", 0o000), ("secret", 0o000), ("setuid", 0o4755)] {
        fs::set_permissions(p.dir().join(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    chown("secret");
    let nobody = |words: &[&str]| {
        let plain = p.command(words);
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(plain.get_program())
            .args(plain.get_args())
            .current_dir(p.dir())
            .env_clear()
            .env("HOME", p.home());
        command.output().unwrap()
    };
    let read = nobody(&["ingest"]);
    if String::from_utf8_lossy(&read.stderr).contains("setpriv") {
        eprintln!("SKIPPED: setpriv may not be used here");
        return;
    }
    let done = nobody(&["rewind", &first, "--yes", "--yes"]);
    let said =
        String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}");
    assert!(!p.dir().join("mine").exists(), "{said}");
    assert!(!p.dir().join("setuid").exists(), "{said}");
    assert!(said.contains("belongs to another user"), "{said}");
    for path in ["theirs", "secret", "locked/file"] {
        assert_eq!(fs::read_to_string(p.dir().join(path)).unwrap(), "1\n");
    }
    let undone = nobody(&["undo", "--yes", "--yes"]);
    let said = String::from_utf8_lossy(&undone.stderr);
    assert!(undone.status.success(), "{said}");
    let mode = fs::metadata(p.dir().join("setuid")).unwrap().mode();
    assert_eq!(mode & 0o7777, 0o4755);
    for path in ["locked", "secret", "setuid"] {
        let usual = if path == "locked" { 0o755 } else { 0o644 };
        fs::set_permissions(p.dir().join(path), fs::Permissions::from_mode(usual)).unwrap();
    }
    assert_eq!(p.tree(), all);
}
