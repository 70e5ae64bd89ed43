//! The ways in which others lost their users' work (L1 to L28), each with a test that would have caught it. Those that
//! are caught elsewhere are named there: L2, L4 and L22 also in `src/snapshot/tests.rs`, L9 in `races` and `untouched`.

use std::fs;
use std::os::unix::fs::MetadataExt;

use regent_tui::clock::Clock;
use regent_tui::fsx::Root;
use regent_tui::model::{Node, Status, Time};
use regent_tui::rewind::{self, Verdict};
use regent_tui::snapshot::{self, Wanted};
use regent_tui::store::rows::Known;
use regent_tui::store::snapshots::{Finder, Reason};

use crate::scene::{Scene, verdict};

#[test]
fn l1_l17_a_snapshot_that_fails_is_an_error_and_never_an_old_tree() {
    let mut s = Scene::new();
    s.put("a", "1\n");
    s.snapshot();
    s.put("a", "2\n");
    fs::create_dir(s.path(".gitignore.d")).unwrap();
    fs::File::create(s.path(".gitignore"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    let first = {
        fs::remove_file(s.path(".gitignore")).unwrap();
        let first = s.step("s", "x", Some("x"));
        s.step("s", "a", Some("3\n"));
        first
    };
    let plan = s.plan(&s.wish("s", first));
    fs::File::create(s.path(".gitignore"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    let how = s.how();
    let error = rewind::apply(&s.store, &s.root(), &plan, how, &mut |_, _, _| {}).unwrap_err();
    assert!(
        format!("{error:#}").contains("no snapshot could be taken, so nothing was changed"),
        "{error:#}"
    );
    assert_eq!(s.read("a").as_deref(), Some("3\n"));
}

#[test]
fn l3_a_read_never_puts_a_path_into_the_plan() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    s.record("s", 1, &[], Status::Failed);
    s.put("yours", "made by you\n");
    let plan = s.plan(&s.wish("s", first));
    assert!(plan.files.is_empty(), "{:?}", plan.files);
    assert_eq!(s.apply(&plan).op, None);
}

#[test]
fn l4_undoing_a_step_that_changed_nothing_changes_nothing() {
    let mut s = Scene::new();
    s.put("a", "1\n");
    s.step("s", "a", Some("2\n"));
    let last = s.record("s", 1, &[], Status::Ok);
    let before = (s.tree(), fs::metadata(s.path("a")).unwrap().ino());
    let mut wish = s.wish("s", last);
    wish.before = true;
    assert_eq!(s.apply(&s.plan(&wish)).op, None);
    assert_eq!(before, (s.tree(), fs::metadata(s.path("a")).unwrap().ino()));
}

#[test]
fn l5_another_sessions_files_stay_and_it_is_named_while_at_work() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    s.step("s", "mine", Some("1\n"));
    s.step("other", "theirs", Some("1\n"));
    let mut wish = s.wish("s", first);
    wish.now = Time(s.clock + 60_000);
    let plan = s.plan(&wish);
    assert!(plan.files.iter().all(|f| f.path != "theirs"));
    assert!(
        plan.warnings
            .iter()
            .any(|w| w.contains("is at work in the same tree")),
        "{:?}",
        plan.warnings
    );
    s.apply(&plan);
    assert_eq!(s.read("theirs").as_deref(), Some("1\n"));
}

#[test]
fn l6_l12_what_no_snapshot_holds_is_never_deleted() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    s.snapshot();
    s.put("yours", "not in any snapshot before\n");
    s.step("s", "a", Some("1\n"));
    s.snapshot();
    s.rewind("s", first);
    assert_eq!(
        s.read("yours").as_deref(),
        Some("not in any snapshot before\n")
    );
    assert!(s.read("a").is_none());
}

#[test]
fn l7_untracked_output_of_your_own_survives_everything() {
    let mut s = Scene::new();
    s.put("out/big.bin", vec![7u8; 100_000]);
    s.put(".gitignore", "out/\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", ".gitignore", Some(""));
    s.step("s", "out/by-agent", Some("1\n"));
    s.rewind("s", first);
    s.undo();
    s.redo();
    assert_eq!(fs::read(s.path("out/big.bin")).unwrap(), vec![7u8; 100_000]);
}

#[test]
fn l8_rules_that_a_rewind_brings_back_protect_nothing_less() {
    let mut s = Scene::new();
    s.put(".gitignore", "*.key\n");
    s.put("my.key", "yours\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", ".gitignore", Some("*.key\n*.log\n"));
    s.step("s", "agent.log", Some("1\n"));
    let plan = s.plan(&s.wish("s", first));
    let log = plan.files.iter().find(|f| f.path == "agent.log").unwrap();
    assert_eq!(
        (log.verdict, log.ticked),
        (Verdict::Delete, false),
        "ignored by the rules as they are now"
    );
    s.apply(&plan);
    assert_eq!(
        (s.read("my.key").as_deref(), s.read("agent.log").as_deref()),
        (Some("yours\n"), Some("1\n"))
    );
}

#[test]
fn l10_l11_looking_changes_nothing() {
    let mut s = Scene::new();
    s.put("nested/.git/HEAD", "x");
    s.put("a", "1\n");
    let first = s.step("s", "a", Some("2\n"));
    let seen = |s: &Scene| {
        fs::metadata(s.path("nested/.git/HEAD"))
            .unwrap()
            .ctime_nsec()
    };
    let before = (s.tree(), seen(&s));
    s.snapshot();
    s.plan(&s.wish("s", first));
    assert_eq!(before, (s.tree(), seen(&s)));
}

#[test]
fn l13_l21_a_file_over_the_cap_is_present_and_never_touched() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    let left = s.blob(b"small\n");
    s.record("s", 1, &[("big", Known::Absent, left)], Status::Ok);
    fs::File::create(s.path("big"))
        .unwrap()
        .set_len(11 << 20)
        .unwrap();
    s.snapshot();
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "big"), Verdict::Unrecoverable);
    s.apply(&plan);
    assert_eq!(fs::metadata(s.path("big")).unwrap().len(), 11 << 20);
    let taken = snapshot::take(
        &s.store,
        &s.root(),
        &Wanted::new(Clock::frozen(Time(9)), Reason::Asked),
    )
    .unwrap();
    assert_eq!(taken.snapshot.unread, 1);
}

#[test]
fn l14_deletes_come_after_everything_else_is_in_place() {
    let mut s = Scene::new();
    s.put("a", "1\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("2\n"));
    s.step("s", "made", Some("1\n"));
    let plan = s.plan(&s.wish("s", first));
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let calls = seen.clone();
    let root = s.root().with_probe(std::sync::Arc::new(move |doing, path| {
        calls
            .lock()
            .unwrap()
            .push((doing, String::from_utf8_lossy(path).into_owned()));
        Ok(())
    }));
    let how = s.how();
    rewind::apply(&s.store, &root, &plan, how, &mut |_, _, _| {}).unwrap();
    let calls = seen.lock().unwrap();
    let at = |doing: &str, path: &str| {
        calls
            .iter()
            .position(|(d, p)| *d == doing && p == path)
            .unwrap()
    };
    assert!(at("exchange", "a") < at("rename", "made"), "{calls:?}");
}

#[test]
fn l15_without_a_journal_there_is_nothing_to_undo() {
    let s = Scene::new();
    s.put("a", "1\n");
    let error = rewind::undo::undo(&s.reader(), &s.root()).unwrap_err();
    assert!(error.to_string().contains("no rewind to undo"), "{error}");
}

#[test]
fn l18_planning_writes_nothing_not_even_our_own_folder() {
    let mut s = Scene::new();
    s.put("a", "1\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("2\n"));
    s.plan(&s.wish("s", first));
    assert!(!s.path(".regent").exists());
}

#[test]
fn l19_what_does_not_change_keeps_inode_and_time() {
    let mut s = Scene::new();
    for i in 0..10 {
        s.put(&format!("f{i}"), "1\n");
    }
    let first = s.step("s", "x", Some("x"));
    s.step("s", "f3", Some("2\n"));
    let stamp = |s: &Scene, i: usize| {
        let m = fs::metadata(s.path(format!("f{i}"))).unwrap();
        (m.ino(), m.mtime_nsec(), m.ctime_nsec())
    };
    let before: Vec<_> = (0..10).map(|i| stamp(&s, i)).collect();
    s.rewind("s", first);
    for (i, was) in before.iter().enumerate() {
        assert_eq!(stamp(&s, i) == *was, i != 3, "f{i}");
    }
    let now = std::time::SystemTime::now();
    let changed = fs::metadata(s.path("f3")).unwrap().modified().unwrap();
    assert!(
        now.duration_since(changed).unwrap().as_secs() < 60,
        "a changed file is new to make and cargo"
    );
}

#[test]
fn l20_nothing_outside_the_folder_is_ever_put_back() {
    use regent_tui::model::StepKind;
    use regent_tui::store::rows::PathRecord;
    let mut s = Scene::new();
    let outside = s.dir.parent().unwrap().join("settings.json");
    fs::write(&outside, "now\n").unwrap();
    let first = s.step("s", "x", Some("x"));
    let (was, left) = (s.blob(b"was\n"), s.blob(b"now\n"));
    let rel = outside
        .strip_prefix("/")
        .unwrap()
        .to_str()
        .unwrap()
        .as_bytes()
        .to_vec();
    let path = PathRecord {
        root: std::sync::Arc::from(&b"/"[..]),
        rel,
    };
    s.record_at(
        "s",
        1,
        StepKind::Edit,
        vec![(path, None, was, left)],
        Status::Ok,
    );
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(plan.files[0].verdict, Verdict::Keep);
    assert!(plan.files[0].why.contains("outside this folder"));
    s.apply(&plan);
    assert_eq!(fs::read_to_string(outside).unwrap(), "now\n");
}

#[test]
fn l22_history_stays_and_every_way_leads_back() {
    let mut s = Scene::new();
    let steps: Vec<u32> = (0..6)
        .map(|i| s.step("s", &format!("f{}", i % 2), Some(&format!("{i}\n"))))
        .collect();
    let end = s.tree();
    for step in &steps {
        s.rewind("s", *step);
    }
    s.rewind("s", steps[5]);
    assert_eq!(s.tree(), end, "the newest step can be reached again");
}

#[test]
fn l23_what_was_deleted_comes_back_and_what_was_made_goes() {
    let mut s = Scene::new();
    s.put("kept", "1\n");
    s.put("removed", "2\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "removed", None);
    s.step("s", "made", Some("3\n"));
    s.rewind("s", first);
    assert_eq!(
        (s.read("removed").as_deref(), s.read("made")),
        (Some("2\n"), None)
    );
}

#[test]
fn l24_files_that_no_undone_step_wrote_are_not_in_the_plan() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    for i in 0..30 {
        s.put(&format!("yours{i}"), "1\n");
    }
    s.step("s", "a", Some("1\n"));
    s.snapshot();
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(plan.files.len(), 1, "{:?}", plan.files);
}

#[test]
fn l25_a_lock_is_free_when_its_holder_is_gone() {
    let s = Scene::new();
    let root = s.root();
    let lock = root.lock().unwrap();
    assert!(lock.is_some() && s.root().lock().unwrap().is_none());
    drop(lock);
    assert!(
        s.root().lock().unwrap().is_some(),
        "no stale file stands in the way"
    );
}

#[test]
fn l27_a_content_that_is_damaged_is_never_written() {
    let mut s = Scene::new();
    s.put("a", "1\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("2\n"));
    let plan = s.plan(&s.wish("s", first));
    let tx = s.store.begin().unwrap();
    let hash = regent_tui::model::BlobHash::of(b"1\n");
    tx.execute("UPDATE blob SET data = x'3221' WHERE hash = ?1", [hash.0])
        .unwrap();
    tx.commit().unwrap();
    assert_eq!(
        verdict(&s.plan(&s.wish("s", first)), "a"),
        Verdict::Unrecoverable
    );
    let how = s.how();
    assert!(rewind::apply(&s.store, &s.root(), &plan, how, &mut |_, _, _| {}).is_err());
    assert_eq!(s.read("a").as_deref(), Some("2\n"));
}

#[test]
fn l28_a_link_is_stored_as_a_link() {
    let mut s = Scene::new();
    s.link("secret", "/etc/passwd");
    let taken = snapshot::take(
        &s.store,
        &s.root(),
        &Wanted::new(Clock::frozen(Time(9)), Reason::Asked),
    )
    .unwrap();
    let reader = s.reader();
    assert!(
        reader
            .contents_named()
            .unwrap()
            .iter()
            .all(|h| !reader.content(h).unwrap().starts_with(b"root:"))
    );
    let _ = (Finder::default(), Node::Absent, taken);
    let first = s.step("s", "x", Some("x"));
    let text = s.blob(b"x\n");
    s.record("s", 1, &[("secret", Known::Absent, text)], Status::Ok);
    assert_eq!(
        verdict(&s.plan(&s.wish("s", first)), "secret"),
        Verdict::Keep
    );
    assert!(Root::open(&s.dir, None).is_ok());
}

#[test]
fn gc_never_takes_what_an_undo_needs() {
    use regent_tui::store;
    let mut s = Scene::new();
    s.put("a", "never recorded by an agent\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("2\n"));
    s.put("a", "2\n");
    let before = s.tree();
    s.rewind("s", first);
    s.blob(b"nobody needs this");
    let freed = store::collect(&s.store, None, true).unwrap();
    assert_eq!(freed.contents, 1);
    s.undo();
    assert_eq!(s.tree(), before);
    s.snapshot();
    s.redo();
    rewind::sweep(&s.store, &s.root(), Time(i64::MAX / 2)).unwrap();
    let freed = store::collect(&s.store, Some(Time(i64::MAX / 2)), true).unwrap();
    assert!(freed.rewinds == 3 && freed.snapshots > 0, "{freed:?}");
    assert!(rewind::undo::undo(&s.reader(), &s.root()).is_err());
}
