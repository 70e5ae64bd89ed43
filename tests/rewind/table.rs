//! Every row of the table, and the cases under it.

use std::os::unix::fs::MetadataExt;

use regent_tui::model::Status;
use regent_tui::query::Target;
use regent_tui::rewind::Verdict;
use regent_tui::store::rows::Known;

use crate::scene::{Scene, verdict};

fn texts(n: usize) -> Vec<String> {
    (0..n)
        .map(|i| format!("version {i}\nsecond line\nthird line\n"))
        .collect()
}

#[test]
fn equal_to_before_is_same_and_not_touched() {
    let mut s = Scene::new();
    s.put("a", "one\n");
    let first = s.step("s", "b", Some("x"));
    s.step("s", "a", Some("two\n"));
    s.put("a", "one\n");
    let inode = std::fs::metadata(s.path("a")).unwrap();
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "a"), Verdict::Same);
    s.apply(&plan);
    let after = std::fs::metadata(s.path("a")).unwrap();
    assert_eq!(
        (inode.ino(), inode.mtime_nsec()),
        (after.ino(), after.mtime_nsec())
    );
}

#[test]
fn equal_to_what_was_left_is_restored_or_deleted() {
    let mut s = Scene::new();
    let t = texts(4);
    s.put("a", &t[0]);
    let first = s.step("s", "a", Some(&t[1]));
    s.step("s", "a", Some(&t[2]));
    s.step("s", "new/deep/file", Some("x"));
    s.step("s", "a", Some(&t[3]));
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "a"), Verdict::Restore);
    assert_eq!(verdict(&plan, "new/deep/file"), Verdict::Delete);
    let report = s.apply(&plan);
    assert!(report.complete && report.files.iter().all(|f| f.applied && f.verified));
    assert_eq!(s.read("a").unwrap(), t[1]);
    assert!(
        !s.path("new").exists(),
        "folders that nothing is left in go too"
    );
    assert!(
        report.note.contains("Removed again: new/deep/file"),
        "{}",
        report.note
    );
    s.undo();
    assert_eq!(s.read("a").unwrap(), t[3]);
    assert_eq!(s.read("new/deep/file").unwrap(), "x");
    s.redo();
    assert_eq!(s.read("a").unwrap(), t[1]);
}

#[test]
fn work_of_another_session_in_between_is_mixed_and_kept() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    s.put("a", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    s.step("s", "a", Some("ONE\n2\n3\n4\n5\n6\n7\n8\n9\n"));
    s.step("other", "a", Some("ONE\n2\n3\n4\nFIVE\n6\n7\n8\n9\n"));
    s.step("s", "a", Some("ONE\n2\n3\n4\nFIVE\n6\n7\n8\nNINE\n"));
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "a"), Verdict::Mixed);
    assert_eq!(plan.ticked().count(), 0);
    let mut wish = s.wish("s", first);
    wish.merge = vec![b"a".to_vec()];
    let plan = s.plan(&wish);
    assert_eq!(verdict(&plan, "a"), Verdict::Merge);
    s.apply(&plan);
    assert_eq!(s.read("a").unwrap(), "1\n2\n3\n4\nFIVE\n6\n7\n8\n9\n");
    s.undo();
    assert_eq!(s.read("a").unwrap(), "ONE\n2\n3\n4\nFIVE\n6\n7\n8\nNINE\n");
    let everybody = crate::scene::everybody(s.wish("s", first));
    assert_eq!(verdict(&s.plan(&everybody), "a"), Verdict::Restore);
}

#[test]
fn your_work_in_between_is_mixed_too() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    s.put("a", "1\n");
    s.step("s", "a", Some("2\n"));
    s.put("a", "mine\n");
    s.step("s", "a", Some("mine and 3\n"));
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "a"), Verdict::Mixed);
    let mut wish = s.wish("s", first);
    wish.take = vec![b"a".to_vec()];
    let plan = s.plan(&wish);
    assert_eq!(verdict(&plan, "a"), Verdict::Restore);
    s.apply(&plan);
    assert_eq!(s.read("a").unwrap(), "1\n");
    s.undo();
    assert_eq!(s.read("a").unwrap(), "mine and 3\n");
}

#[test]
fn changed_since_is_kept_and_can_be_merged() {
    let mut s = Scene::new();
    s.put("a", "1\n2\n3\n4\n5\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("ONE\n2\n3\n4\n5\n"));
    s.put("a", "ONE\n2\n3\n4\nmine\n");
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "a"), Verdict::Keep);
    assert!(plan.files.iter().any(|f| f.why.contains("changed since")));
    let mut wish = s.wish("s", first);
    wish.merge = vec![b"a".to_vec()];
    let plan = s.plan(&wish);
    assert_eq!(verdict(&plan, "a"), Verdict::Merge);
    s.apply(&plan);
    assert_eq!(s.read("a").unwrap(), "1\n2\n3\n4\nmine\n");
}

#[test]
fn a_snapshot_tells_that_it_was_you() {
    let mut s = Scene::new();
    s.put("a", "1\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("2\n"));
    s.snapshot();
    s.put("a", "mine\n");
    s.snapshot();
    let plan = s.plan(&s.wish("s", first));
    let a = plan.files.iter().find(|f| f.path == "a").unwrap();
    assert_eq!(
        (a.verdict, a.why.as_str()),
        (Verdict::Keep, "changed since, by you")
    );
}

#[test]
fn what_is_not_known_is_unrecoverable() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    s.put("a", "now\n");
    let now = s.blob(b"now\n");
    s.record("s", 1, &[("a", Known::Unknown, now)], Status::Ok);
    s.put("b", "now\n");
    let was = s.blob(b"was\n");
    s.record("s", 1, &[("b", was, Known::Unknown)], Status::Ok);
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "a"), Verdict::Unrecoverable);
    assert_eq!(verdict(&plan, "b"), Verdict::Unrecoverable);
    assert_eq!(s.apply(&plan).op, None, "a rewind of nothing is none");
}

#[test]
fn reverting_the_middle_keeps_what_came_after() {
    let mut s = Scene::new();
    s.put("a", "1\n2\n3\n4\n5\n");
    s.step("s", "a", Some("1\nTWO\n3\n4\n5\n"));
    let middle = s.step("s", "a", Some("1\nTWO\n3\nFOUR\n5\n"));
    s.step("s", "a", Some("1\nTWO AGAIN\n3\nFOUR\n5\n"));
    let mut wish = s.wish("s", middle);
    wish.only = true;
    let plan = s.plan(&wish);
    assert_eq!(verdict(&plan, "a"), Verdict::Merge);
    s.apply(&plan);
    assert_eq!(s.read("a").unwrap(), "1\nTWO AGAIN\n3\n4\n5\n");
    let mut wish = s.wish("s", 1);
    wish.only = true;
    let plan = s.plan(&wish);
    let a = plan.files.iter().find(|f| f.path == "a").unwrap();
    assert_eq!(a.verdict, Verdict::Conflict);
    assert!(
        a.why.contains("the same lines were changed again") && a.why.contains("step t"),
        "{}",
        a.why
    );
}

#[test]
fn reverting_a_creation_that_was_edited_later_is_a_conflict() {
    let mut s = Scene::new();
    let made = s.step("s", "a", Some("1\n"));
    s.step("s", "a", Some("1\n2\n"));
    let mut wish = s.wish("s", made);
    wish.only = true;
    let plan = s.plan(&wish);
    assert_eq!(verdict(&plan, "a"), Verdict::Conflict);
    assert_eq!(plan.ticked().count(), 0);
}

#[test]
fn reverting_a_prompt_composes_its_steps() {
    let mut s = Scene::new();
    s.put("a", "1\n2\n3\n4\n5\n6\n7\n");
    let (v0, v1) = (
        s.blob(b"1\n2\n3\n4\n5\n6\n7\n"),
        s.blob(b"1\nX\n3\n4\n5\n6\n7\n"),
    );
    let (v2, v3) = (
        s.blob(b"1\nX\n3\nY\n5\n6\n7\n"),
        s.blob(b"1\nX\n3\nY\n5\n6\nZ\n"),
    );
    s.record("s", 1, &[("a", v0, v1)], Status::Ok);
    s.record("s", 1, &[("a", v1, v2)], Status::Ok);
    s.record("s", 2, &[("a", v2, v3)], Status::Ok);
    s.put("a", "1\nX\n3\nY\n5\n6\nZ\n");
    let Target::Step(session, _) = s.target("s", 1) else {
        panic!("a step")
    };
    let mut wish = s.wish("s", 1);
    (wish.target, wish.only) = (Target::Prompt(session, 1), true);
    let plan = s.plan(&wish);
    assert_eq!(verdict(&plan, "a"), Verdict::Merge);
    s.apply(&plan);
    assert_eq!(s.read("a").unwrap(), "1\n2\n3\n4\n5\n6\nZ\n");
    s.undo();
    let mut wish = s.wish("s", 1);
    (wish.target, wish.before) = (Target::Prompt(session, 2), true);
    s.apply(&s.plan(&wish));
    assert_eq!(s.read("a").unwrap(), "1\nX\n3\nY\n5\n6\n7\n");
}

#[test]
fn an_ignored_file_is_listed_and_not_ticked() {
    let mut s = Scene::new();
    s.put(".gitignore", ".env\n");
    s.put(".env", "KEY=1\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", ".env", Some("KEY=2\n"));
    let plan = s.plan(&s.wish("s", first));
    let env = plan.files.iter().find(|f| f.path == ".env").unwrap();
    assert_eq!((env.verdict, env.ticked), (Verdict::Restore, false));
    s.apply(&plan);
    assert_eq!(s.read(".env").unwrap(), "KEY=2\n");
    let mut wish = s.wish("s", first);
    wish.paths = vec![b".env".to_vec()];
    s.apply(&s.plan(&wish));
    assert_eq!(s.read(".env").unwrap(), "KEY=1\n");
}

#[test]
fn a_second_rewind_goes_further_back_and_forward_again() {
    let mut s = Scene::new();
    let t = texts(5);
    let steps: Vec<u32> = t.iter().map(|t| s.step("s", "a", Some(t))).collect();
    for at in [3, 1, 2, 0, 4, 2] {
        let report = s.rewind("s", steps[at]);
        assert!(report.complete);
        assert_eq!(s.read("a").unwrap(), t[at], "after going to {at}");
    }
    for at in [4, 0, 2, 1, 3, 4] {
        s.undo();
        assert_eq!(s.read("a").unwrap(), t[at], "undone back to {at}");
    }
}

#[test]
fn a_file_takes_a_folders_place_and_back() {
    let mut s = Scene::new();
    s.put("a", "file\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", None);
    s.step("s", "a/b", Some("in a folder\n"));
    s.step("s", "a/c/d", Some("deeper\n"));
    let before = s.tree();
    let plan = s.plan(&s.wish("s", first));
    let report = s.apply(&plan);
    assert!(report.complete, "{report:?}");
    assert_eq!(s.read("a").unwrap(), "file\n");
    s.undo();
    assert_eq!(s.tree(), before);
    s.redo();
    assert_eq!(s.read("a").unwrap(), "file\n");
    s.undo();
    s.put("a/mine", "mine\n");
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(
        verdict(&plan, "a"),
        Verdict::Conflict,
        "your file in the folder stays"
    );
}

#[test]
fn a_moved_file_goes_back_under_its_old_name() {
    use regent_tui::model::StepKind;
    use regent_tui::store::rows::PathRecord;
    let mut s = Scene::new();
    s.put("old", "text\n");
    let first = s.step("s", "x", Some("x"));
    std::fs::rename(s.path("old"), s.path("new")).unwrap();
    let text = s.blob(b"text\n");
    let root: std::sync::Arc<[u8]> =
        std::os::unix::ffi::OsStrExt::as_bytes(s.dir.as_os_str()).into();
    let path = |rel: &str| PathRecord {
        root: root.clone(),
        rel: rel.as_bytes().to_vec(),
    };
    s.record_at(
        "s",
        1,
        StepKind::Move,
        vec![(path("new"), Some(path("old")), text, text)],
        Status::Ok,
    );
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "new"), Verdict::Delete);
    assert_eq!(verdict(&plan, "old"), Verdict::Restore);
    s.apply(&plan);
    assert_eq!(
        (s.read("old").as_deref(), s.read("new")),
        (Some("text\n"), None)
    );
    s.undo();
    assert_eq!(
        (s.read("old"), s.read("new").as_deref()),
        (None, Some("text\n"))
    );
}

#[test]
fn line_ends_that_the_record_lost_are_not_guessed() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    let (was, left) = (s.blob(b"1\n2\n"), s.blob(b"1\nTWO\n"));
    s.put("a", "1\r\nTWO\r\n");
    s.record("s", 1, &[("a", was, left)], Status::Ok);
    assert_eq!(
        verdict(&s.plan(&s.wish("s", first)), "a"),
        Verdict::Unrecoverable
    );
    // Once these very bytes were seen, they are known.
    s.blob(b"1\r\n2\r\n");
    assert_eq!(verdict(&s.plan(&s.wish("s", first)), "a"), Verdict::Restore);
    s.rewind("s", first);
    assert_eq!(s.read("a").unwrap(), "1\r\n2\r\n");
}

#[test]
fn modes_are_kept_and_put_back_where_somebody_looked() {
    let mut s = Scene::new();
    s.put("run", "#!/bin/sh\n1\n");
    s.chmod("run", 0o755);
    let first = s.step("s", "x", Some("x"));
    s.step("s", "run", Some("#!/bin/sh\n2\n"));
    s.rewind("s", first);
    assert_eq!(
        std::fs::metadata(s.path("run")).unwrap().mode() & 0o7777,
        0o755
    );
    s.undo();
    s.snapshot();
    s.step("s", "run", None);
    s.rewind("s", first);
    assert_eq!(
        std::fs::metadata(s.path("run")).unwrap().mode() & 0o7777,
        0o755,
        "from the snapshot"
    );
    s.undo();
    assert!(!s.path("run").exists());
}

#[test]
fn what_a_command_did_between_two_snapshots_is_undone_with_it() {
    use regent_tui::model::StepKind;
    let mut s = Scene::new();
    s.put("a", "1\n");
    let first = s.step("s", "x", Some("x"));
    s.snapshot();
    s.clock -= 15_000;
    s.put("a", "by sed\n");
    s.chmod("a", 0o755);
    s.put("made", "by touch\n");
    s.record_at("s", 1, StepKind::Command, Vec::new(), Status::Ok);
    s.clock -= 15_000;
    s.snapshot();
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "a"), Verdict::Restore);
    assert_eq!(verdict(&plan, "made"), Verdict::Delete);
    assert!(
        plan.warnings.iter().all(|w| !w.contains("unseen")),
        "{:?}",
        plan.warnings
    );
    s.apply(&plan);
    assert_eq!(s.read("a").unwrap(), "1\n");
    assert_eq!(
        std::fs::metadata(s.path("a")).unwrap().mode() & 0o7777,
        0o644
    );
    assert!(!s.path("made").exists());
}

#[test]
fn commands_that_nobody_watched_are_named() {
    use regent_tui::model::StepKind;
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    s.record_at("s", 1, StepKind::Command, Vec::new(), Status::Ok);
    let plan = s.plan(&s.wish("s", first));
    assert!(
        plan.warnings
            .iter()
            .any(|w| w.contains("1 command may have changed files unseen: `s-2`")),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn a_running_step_and_a_session_at_work_ask_twice() {
    let mut s = Scene::new();
    let first = s.step("s", "x", Some("x"));
    s.record("s", 1, &[], Status::Running);
    let mut wish = s.wish("s", first);
    wish.now = regent_tui::model::Time(s.clock + 3000);
    let plan = s.plan(&wish);
    assert_eq!(plan.confirm_twice.len(), 2, "{:?}", plan.confirm_twice);
}
