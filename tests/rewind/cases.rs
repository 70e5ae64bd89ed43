//! The cases under the table.

use std::fs;
use std::os::unix::fs::MetadataExt;

use regent_tui::model::{Status, StepKind};
use regent_tui::rewind::{self, Verdict};

use crate::git_states::{git, no_git};
use crate::scene::{Scene, verdict};

fn why(plan: &rewind::Plan, path: &str) -> String {
    let file = plan.files.iter().find(|f| f.path == path);
    file.map(|f| f.why.clone()).unwrap_or_default()
}

#[test]
fn a_conflict_puts_no_markers_into_a_file() {
    let mut s = Scene::new();
    s.put("a", "1\n2\n3\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("1\nTWO\n3\n"));
    s.put("a", "1\nmine\n3\n");
    let mut wish = s.wish("s", first);
    wish.merge = vec![b"a".to_vec()];
    let plan = s.plan(&wish);
    assert_eq!(verdict(&plan, "a"), Verdict::Conflict);
    assert_eq!(s.apply(&plan).op, None);
    assert_eq!(s.read("a").as_deref(), Some("1\nmine\n3\n"));
}

#[test]
fn a_link_that_a_command_put_in_the_place_of_a_folder_gives_way_to_it() {
    for to in ["a", "nowhere", "dir"] {
        let mut s = Scene::new();
        s.put("a", "a\n");
        s.put("dir/c", "c\n");
        s.put("x/y", "y\n");
        let first = s.step("s", "early", Some("1\n"));
        s.snapshot();
        s.clock -= 15_000;
        fs::remove_dir_all(s.path("x")).unwrap();
        s.link("x", to);
        s.record_at("s", 1, StepKind::Command, Vec::new(), Status::Ok);
        s.clock -= 15_000;
        s.snapshot();
        let before = s.tree();
        let plan = s.plan(&s.wish("s", first));
        assert_eq!(verdict(&plan, "x"), Verdict::Delete, "{plan:?}");
        assert_eq!(verdict(&plan, "x/y"), Verdict::Restore, "{plan:?}");
        assert!(s.apply(&plan).complete);
        assert_eq!(s.read("x/y").as_deref(), Some("y\n"));
        s.undo();
        assert_eq!(s.tree(), before, "{to}");
    }
}

#[test]
fn a_file_that_you_renamed_is_not_chased_but_found() {
    let mut s = Scene::new();
    s.put("foo", "before\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "foo", Some("after\n"));
    fs::create_dir(s.path("sub")).unwrap();
    fs::rename(s.path("foo"), s.path("sub/bar")).unwrap();
    s.put("same-size", "other\n");
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "foo"), Verdict::Keep);
    assert!(
        why(&plan, "foo").ends_with("the same bytes are now at sub/bar"),
        "{}",
        why(&plan, "foo")
    );
    assert!(plan.files.iter().all(|f| f.path != "sub/bar"));
    assert_eq!(s.apply(&plan).op, None);
    // Once a snapshot knows them all, none of them is read for that.
    s.snapshot();
    let plan = s.plan(&s.wish("s", first));
    assert!(why(&plan, "foo").contains("now at sub/bar"));
}

#[test]
fn a_sub_agent_that_was_still_at_work_belongs_to_it() {
    let mut s = Scene::new();
    s.put("a", "before\n");
    s.step("child", "early", Some("1\n"));
    let first = s.step("s", "x", Some("x"));
    s.step("child", "a", Some("by the sub-agent\n"));
    s.step("stranger", "b", Some("1\n"));
    let tx = s.store.begin().unwrap();
    tx.execute(
        "UPDATE session SET relation = 1, parent_id = (SELECT id FROM session WHERE native_id = 's')
          WHERE native_id = 'child'",
        [],
    )
    .unwrap();
    tx.commit().unwrap();
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "a"), Verdict::Restore);
    assert_eq!(plan.ticked().count(), 1, "{:?}", plan.files);
    s.apply(&plan);
    assert_eq!(s.read("a").as_deref(), Some("before\n"));
    assert_eq!(s.read("early").as_deref(), Some("1\n"));
    assert_eq!(s.read("b").as_deref(), Some("1\n"));
}

#[test]
fn a_mode_comes_from_the_index_or_is_said_to_be_a_guess() {
    if no_git() {
        return;
    }
    let mut s = Scene::new();
    git(&s.dir, &["init", "-q"]);
    s.put("script", "#!/bin/sh\n");
    s.chmod("script", 0o755);
    s.put("text", "1\n");
    git(&s.dir, &["add", "script"]);
    git(&s.dir, &["commit", "-q", "-m", "x"]);
    let first = s.step("s", "x", Some("x"));
    s.step("s", "script", None);
    s.step("s", "text", None);
    let plan = s.plan(&s.wish("s", first));
    assert!(why(&plan, "text").contains("its mode is not recorded: 644"));
    s.apply(&plan);
    let mode = |path: &str| fs::metadata(s.path(path)).unwrap().mode() & 0o7777;
    assert_eq!((mode("script"), mode("text")), (0o755, 0o644));
}

#[test]
fn what_an_undo_changes_is_new_to_make() {
    let mut s = Scene::new();
    s.put("a", "before\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("after\n"));
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    let file = fs::File::options().write(true).open(s.path("a")).unwrap();
    file.set_modified(old).unwrap();
    s.rewind("s", first);
    s.undo();
    let changed = fs::metadata(s.path("a")).unwrap().modified().unwrap();
    assert!(changed > old + std::time::Duration::from_secs(3600));
}

#[test]
fn a_rewind_of_nothing_is_not_in_the_list_of_undos() {
    let mut s = Scene::new();
    s.put("a", "before\n");
    let first = s.step("s", "x", Some("x"));
    let last = s.step("s", "a", Some("after\n"));
    s.rewind("s", first);
    // Nothing is left to be done.
    assert_eq!(s.rewind("s", first).op, None);
    s.undo();
    assert_eq!(s.read("a").as_deref(), Some("after\n"));
    assert_eq!(s.rewind("s", last).op, None);
    assert!(rewind::undo::undo(&s.reader(), &s.root()).is_err());
}

#[test]
fn undo_follows_the_same_table() {
    let mut s = Scene::new();
    s.put("a", "before\n");
    s.put("b", "before\n");
    let first = s.step("s", "x", Some("x"));
    s.step("s", "a", Some("after\n"));
    s.step("s", "b", Some("after\n"));
    s.rewind("s", first);
    s.put("a", "yours, since\n");
    let undo = rewind::undo::undo(&s.reader(), &s.root()).unwrap();
    assert_eq!(verdict(&undo, "a"), Verdict::Keep);
    assert_eq!(verdict(&undo, "b"), Verdict::Restore);
    s.apply(&undo);
    assert_eq!(s.read("a").as_deref(), Some("yours, since\n"));
    assert_eq!(s.read("b").as_deref(), Some("after\n"));
}

#[test]
fn a_path_in_another_worktree_is_listed_and_left() {
    use regent_tui::model::StepKind;
    use regent_tui::store::rows::PathRecord;
    use std::os::unix::ffi::OsStrExt;
    let mut s = Scene::new();
    let other = s.dir.with_file_name("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("a"), "left\n").unwrap();
    let first = s.step("s", "x", Some("x"));
    let (was, left) = (s.blob(b"was\n"), s.blob(b"left\n"));
    let path = PathRecord {
        root: other.as_os_str().as_bytes().into(),
        rel: b"a".to_vec(),
    };
    let changes = vec![(path, None, was, left)];
    s.record_at("s", 1, StepKind::Edit, changes, Status::Ok);
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(plan.files.len(), 1);
    assert_eq!(plan.files[0].verdict, Verdict::Keep);
    assert!(plan.files[0].path.ends_with("other/a"));
    assert_eq!(s.apply(&plan).op, None);
    assert_eq!(fs::read_to_string(other.join("a")).unwrap(), "left\n");
}
