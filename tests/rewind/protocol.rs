//! What reading the code against the protocol, line by line, found: each of these once lost a byte, or stood in the way of
//! an undo. Somebody acts between two given calls of a rewind, by the hook that the file system door has for it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use regent_tui::clock::Clock;
use regent_tui::fsx::Root;
use regent_tui::model::{Status, StepKind, Time};
use regent_tui::rewind::{self, How, Plan, Report, Verdict};
use regent_tui::store::{self, Store};

use crate::scene::{Scene, verdict};

const LATER: Time = Time(6_000_000_000);

fn how(partial: bool) -> How {
    How {
        clock: Clock::frozen(Time(5_000_000_000)),
        partial,
        snapshots: false,
    }
}

fn apply(s: &Scene, root: &Root, plan: &Plan, partial: bool) -> color_eyre::Result<Report> {
    rewind::apply(&s.store, root, plan, how(partial), &mut |_, _, _| {})
}

/// Does something right before the n-th call of this name on this path, counted from 1.
fn before(
    s: &Scene,
    call: &'static str,
    path: &'static str,
    act: impl Fn(usize) + Send + Sync + 'static,
) -> Root {
    let seen = AtomicUsize::new(0);
    s.root().with_probe(Arc::new(move |doing, at| {
        if doing == call && at == path.as_bytes() {
            act(seen.fetch_add(1, Ordering::SeqCst) + 1);
        }
        Ok(())
    }))
}

fn append(path: &std::path::Path, text: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn replace(path: &std::path::Path, text: &str) {
    let tmp = path.with_extension("tmp");
    fs::write(&tmp, text).unwrap();
    fs::rename(tmp, path).unwrap();
}

/// All texts that the tree and the store hold after everything that nothing needs was given away.
fn texts(s: &Scene) -> String {
    store::collect(&s.store, None, true).unwrap();
    let reader = s.reader();
    let mut all = String::new();
    for hash in reader.contents_named().unwrap() {
        all.push_str(&String::from_utf8_lossy(&reader.content(&hash).unwrap()));
    }
    for thing in s.tree().into_values() {
        if let crate::scene::Thing::File(bytes, _) = thing {
            all.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    all
}

fn edited() -> (Scene, u32) {
    let mut s = Scene::new();
    s.put("a", "before\n");
    s.put("b", "before\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("after\n"));
    s.step("s", "b", Some("after\n"));
    (s, first)
}

#[test]
fn p2_a_file_that_a_command_made_a_link_comes_back_and_goes_again() {
    let mut s = Scene::new();
    s.put("config", "a file\n");
    s.link("other", "nowhere");
    let first = s.step("s", "x", Some("x"));
    s.snapshot();
    s.clock -= 15_000;
    s.link("config", "/etc/hostname");
    fs::remove_file(s.path("other")).unwrap();
    s.put("other", "a file now\n");
    s.record_at("s", 1, StepKind::Command, Vec::new(), Status::Ok);
    s.clock -= 15_000;
    s.snapshot();
    let now = s.tree();
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "config"), Verdict::Restore);
    assert_eq!(verdict(&plan, "other"), Verdict::Restore);
    assert!(s.apply(&plan).complete);
    assert_eq!(s.read("config").as_deref(), Some("a file\n"));
    assert!(s.path("other").is_symlink());
    let then = s.tree();
    s.undo();
    assert_eq!(s.tree(), now);
    s.redo();
    assert_eq!(s.tree(), then);
}

#[test]
fn p5_what_is_written_into_a_file_while_it_is_left_out_is_kept() {
    let (s, first) = edited();
    let plan = s.plan(&s.wish("s", first));
    let path = s.path("a");
    // It changes right before the exchange; and what was put there is written to before it is taken back.
    let root = before(&s, "exchange", "a", move |n| {
        append(&path, if n == 1 { "<one>" } else { "<two>" });
    });
    let report = apply(&s, &root, &plan, true).unwrap();
    assert!(!report.complete);
    assert_eq!(s.read("a").as_deref(), Some("after\n<one>"));
    assert_eq!(s.read("b").as_deref(), Some("before\n"));
    assert_eq!(report.late.len(), 1, "{:?}", report.late);
    rewind::sweep(&s.store, &s.root(), LATER).unwrap();
    assert!(texts(&s).contains("before\n<two>"));
    let undo = rewind::undo::undo(&s.reader(), &s.root()).unwrap();
    assert!(undo.warnings.iter().any(|w| w.starts_with("a: somebody")));
    assert_eq!(undo.ticked().count(), 1, "only what was done is undone");
    assert!(apply(&s, &s.root(), &undo, false).unwrap().complete);
    assert_eq!(s.read("b").as_deref(), Some("after\n"));
}

#[test]
fn p5_what_is_newest_has_the_name_in_the_end() {
    for partial in [true, false] {
        let (s, first) = edited();
        let plan = s.plan(&s.wish("s", first));
        let path = s.path("a");
        let root = before(&s, "exchange", "a", move |n| match n {
            1 => append(&path, "<one>"),
            2 => replace(&path, "<two>"),
            _ => {}
        });
        let done = apply(&s, &root, &plan, partial);
        assert_eq!(done.is_ok(), partial, "{done:?}");
        assert_eq!(s.read("a").as_deref(), Some("<two>"));
        rewind::sweep(&s.store, &s.root(), LATER).unwrap();
        assert!(texts(&s).contains("after\n<one>"));
        if let Err(e) = done {
            assert!(e.to_string().contains("is kept as"), "{e}");
        }
    }
}

#[test]
fn p5_a_displaced_file_that_cannot_be_read_keeps_the_stage() {
    let (s, first) = edited();
    let plan = s.plan(&s.wish("s", first));
    let path = s.path("a");
    let open = std::sync::Mutex::new(None);
    let root = before(&s, "exchange", "a", move |_| {
        let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        *open.lock().unwrap() = Some(file);
    });
    assert!(apply(&s, &root, &plan, false).unwrap().complete);
    let stage = s.path(".regent/stage");
    let slot = fs::read_dir(&stage).unwrap().next().unwrap().unwrap();
    let slot = slot.path().join("0");
    assert_eq!(fs::read_to_string(&slot).unwrap(), "after\n");
    // The writer that had it open goes on, beyond what anybody would read into memory.
    fs::OpenOptions::new()
        .write(true)
        .open(&slot)
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    rewind::sweep(&s.store, &s.root(), LATER).unwrap();
    assert!(slot.exists(), "what is stored nowhere is not removed");
    fs::write(&slot, "after\n<late>").unwrap();
    let found = rewind::sweep(&s.store, &s.root(), LATER).unwrap();
    assert_eq!(found.len(), 1);
    assert!(!slot.exists());
    assert!(texts(&s).contains("<late>"));
}

#[test]
fn p5_a_file_that_grows_without_end_is_not_read() {
    let (s, first) = edited();
    let plan = s.plan(&s.wish("s", first));
    let path = s.path("a");
    let root = before(&s, "exchange", "a", move |n| {
        if n == 1 {
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.set_len(1 << 42).unwrap();
        }
    });
    let error = apply(&s, &root, &plan, false).unwrap_err().to_string();
    assert!(error.contains("it changed while"), "{error}");
    assert_eq!(fs::metadata(s.path("a")).unwrap().len(), 1 << 42);
    assert_eq!(s.read("b").as_deref(), Some("after\n"));
}

#[test]
fn p5_without_exchange_nothing_is_overwritten_either() {
    for (at, partial) in [(1, true), (2, true), (1, false), (2, false)] {
        let (s, first) = edited();
        let plan = s.plan(&s.wish("s", first));
        let path = s.path("a");
        // The first rename takes the old one away, the second gives the new one the name.
        let root = before(&s, "rename", "a", move |n| {
            if n == at {
                replace(&path, "<mine>");
            }
        })
        .without_exchange();
        let done = apply(&s, &root, &plan, partial);
        assert_eq!(done.is_ok(), partial, "{at}: {done:?}");
        assert_eq!(s.read("a").as_deref(), Some("<mine>"), "{at} {partial}");
        let b = if partial { "before\n" } else { "after\n" };
        assert_eq!(s.read("b").as_deref(), Some(b));
    }
}

#[test]
fn gc_between_two_steps_of_a_rewind_stops_it() {
    let mut s = Scene::on_disk();
    s.put("a", "before\n");
    let first = s.step("s", "x", Some("x"));
    let (before, left) = (s.blob(b"before\n"), s.blob(b"after\n"));
    s.put("a", "after\n");
    s.record("s", 1, &[("a", before, left)], Status::Ok);
    s.put("a", "yours, and stored nowhere\n");
    let mut wish = s.wish("s", first);
    wish.take = vec![b"a".to_vec()];
    let plan = s.plan(&wish);
    assert_eq!(verdict(&plan, "a"), Verdict::Restore);
    // Another worktree shares the store, and has a lock of its own.
    let other = Store::open(s.store.place().unwrap()).unwrap();
    let mut gone = 0;
    let done = rewind::apply(
        &s.store,
        &s.root(),
        &plan,
        how(false),
        &mut |_, _, doing| {
            if doing == "storing what is there" {
                gone += store::collect(&other, None, true).unwrap().contents;
            }
        },
    );
    assert!(gone > 0);
    let error = format!("{:#}", done.unwrap_err());
    assert!(error.contains("went away"), "{error}");
    assert_eq!(s.read("a").as_deref(), Some("yours, and stored nowhere\n"));
    assert!(apply(&s, &s.root(), &plan, false).unwrap().complete);
    s.undo();
    assert_eq!(s.read("a").as_deref(), Some("yours, and stored nowhere\n"));
}

#[test]
fn t7_a_plan_that_another_rewind_outran_is_refused() {
    let (s, first) = edited();
    let plan = s.plan(&s.wish("s", first));
    // Made in the middle of another one, it takes what that one did for somebody's work.
    let halfway = std::sync::Mutex::new(None);
    let (shared, wish) = (s.store.reader().unwrap(), s.wish("s", first));
    let seen = std::sync::Mutex::new(shared);
    let (place, kept) = (s.dir.clone(), Arc::new(halfway));
    let told = kept.clone();
    let root = s.root().with_probe(Arc::new(move |doing, at| {
        if doing == "exchange" && at == b"b" {
            let root = Root::open(&place, None).unwrap();
            let plan = rewind::plan(&seen.lock().unwrap(), &root, &wish).unwrap();
            *told.lock().unwrap() = Some(plan);
        }
        Ok(())
    }));
    assert!(apply(&s, &root, &plan, false).unwrap().complete);
    let halfway = kept.lock().unwrap().take().unwrap();
    for old in [&halfway, &plan] {
        let error = apply(&s, &s.root(), old, true).unwrap_err().to_string();
        assert!(
            error.contains("another rewind was at work since"),
            "{error}"
        );
    }
}

#[test]
fn an_emptied_stage_does_not_stop_recovery() {
    let (mut s, first) = edited();
    s.step("s", "made", Some("created\n"));
    let now = s.tree();
    let plan = s.plan(&s.wish("s", first));
    let seen = AtomicUsize::new(0);
    let root = s.root().with_probe(Arc::new(move |doing, _| {
        // The power goes after both were exchanged, and the third was removed.
        match (doing, seen.load(Ordering::SeqCst)) {
            ("exchange", n) if n < 2 => seen.fetch_add(1, Ordering::SeqCst),
            ("rename", n) if n < 3 => seen.fetch_add(1, Ordering::SeqCst),
            (_, n) if n < 3 => 0,
            _ => return Err(std::io::Error::from_raw_os_error(5)),
        };
        Ok(())
    }));
    assert!(apply(&s, &root, &plan, false).is_err());
    assert_ne!(s.tree(), now);
    let stages = s.path(".regent/stage");
    for stage in fs::read_dir(stages).unwrap() {
        fs::remove_dir_all(stage.unwrap().path()).unwrap();
    }
    let back = rewind::recover(&s.store, &s.root(), LATER).unwrap();
    assert!(back[0].1.changed.is_empty(), "{back:?}");
    assert_eq!(s.tree(), now);
    assert!(rewind::interrupted(&s.store, &s.root()).unwrap().is_empty());
}

#[test]
fn half_a_staged_file_is_nobodys_work() {
    let (s, first) = edited();
    let plan = s.plan(&s.wish("s", first));
    let names: BTreeSet<_> = s.reader().contents_named().unwrap().into_iter().collect();
    let root = s.root().with_probe(Arc::new(|doing, path| {
        if doing == "write" && path.starts_with(b".regent/stage") {
            return Err(std::io::Error::from_raw_os_error(28));
        }
        Ok(())
    }));
    assert!(apply(&s, &root, &plan, false).is_err());
    let after: BTreeSet<_> = s.reader().contents_named().unwrap().into_iter().collect();
    assert_eq!(names, after, "nothing is kept that nobody wrote");
    assert_eq!(fs::read_dir(s.path(".regent/stage")).unwrap().count(), 0);
}

#[test]
fn p2_attributes_are_kept_or_it_is_refused() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};
    let mut s = Scene::new();
    s.put("kept", "before\n");
    s.put("able", "before\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "kept", Some("after\n"));
    s.step("s", "able", Some("after\n"));
    s.step("s", "marked/made", Some("1\n"));
    s.step("s", "plain/made", Some("1\n"));
    let set = |path: &str, name: &str, value: &[u8]| {
        setxattr(s.path(path), name, value, XattrFlags::empty()).is_ok()
    };
    if !set("kept", "user.origin", b"mine") || !set("marked", "user.origin", b"mine") {
        eprintln!("SKIPPED: this file system has no extended attributes");
        return;
    }
    // cap_net_raw, permitted and effective, as `setcap` writes it.
    let capability = [
        1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    let able = set("able", "security.capability", &capability);
    let plan = s.plan(&s.wish("s", first));
    if able {
        assert_eq!(verdict(&plan, "able"), Verdict::Conflict);
    } else {
        eprintln!("SKIPPED: file capabilities, which only root can set");
    }
    let now = s.tree();
    s.apply(&plan);
    let mut value = [0; 16];
    let len = getxattr(s.path("kept"), "user.origin", &mut value).unwrap();
    assert_eq!(&value[..len], b"mine");
    assert_eq!(s.read("kept").as_deref(), Some("before\n"));
    assert!(s.path("marked").is_dir(), "an undo could not make it again");
    assert!(!s.path("plain").exists());
    s.undo();
    assert_eq!(s.tree(), now);
    let len = getxattr(s.path("kept"), "user.origin", &mut value).unwrap();
    assert_eq!(&value[..len], b"mine");
}

#[test]
fn what_a_watcher_sees_in_the_middle_of_a_rewind_is_nobodys_work() {
    use regent_tui::snapshot::{self, Wanted};
    use regent_tui::store::snapshots::Reason;
    let mut s = Scene::on_disk();
    s.put("a", "before\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("after\n"));
    let how = How {
        clock: Clock::system(),
        partial: false,
        snapshots: true,
    };
    // Right before the names are put on the disk another process takes a snapshot.
    let (place, dir) = (s.store.place().unwrap().clone(), s.dir.clone());
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    let root = s.root().with_probe(Arc::new(move |doing, at| {
        if doing == "fsync" && at.is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(5));
            let wanted = Wanted::new(Clock::system(), Reason::Automatic);
            let store = Store::open(&place).unwrap();
            snapshot::take(&store, &Root::open(&dir, None).unwrap(), &wanted).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(5));
            count.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }));
    for text in ["before\n", "after\n"] {
        let plan = match text {
            "before\n" => s.plan(&s.wish("s", first)),
            _ => rewind::undo::undo(&s.reader(), &s.root()).unwrap(),
        };
        let done = rewind::apply(&s.store, &root, &plan, how, &mut |_, _, _| {}).unwrap();
        assert!(done.complete);
        assert_eq!(s.read("a").as_deref(), Some(text));
    }
    assert_eq!(seen.load(Ordering::SeqCst), 2, "it looked both times");
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "a"), Verdict::Restore, "{:?}", plan.files);
}
