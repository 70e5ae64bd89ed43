//! What shell commands did, seen by snapshots or not; ignore rules that change; other folders on the same store.

use std::fs;

use regent_tui::model::{Status, StepKind};
use regent_tui::rewind::{self, Verdict};

use crate::home::Home;
use crate::scene::{Scene, verdict};
use crate::talk::Talk;

#[test]
fn a_shell_edit_between_two_snapshots_is_undone_like_any_other_change() {
    let mut s = Scene::new();
    s.put("kept", "mine\n");
    s.put("made", "before\n");
    let first = s.step("s", "a", Some("x"));
    s.snapshot();
    s.clock -= 19_000;
    // A command: nothing in its record says what it changed.
    s.put("made", "by the shell\n");
    s.put("new", "by the shell\n");
    let command = s.record_at("s", 1, StepKind::Command, Vec::new(), Status::Ok);
    assert!(command > first);
    s.clock -= 19_000;
    s.snapshot();
    let plan = s.plan(&s.wish("s", first));
    assert_eq!(verdict(&plan, "made"), Verdict::Restore);
    assert_eq!(verdict(&plan, "new"), Verdict::Delete);
    assert!(plan.files.iter().all(|f| f.path != "kept"));
    assert!(
        plan.warnings.iter().all(|w| !w.contains("unseen")),
        "{:?}",
        plan.warnings
    );
    s.apply(&plan);
    assert_eq!(s.read("made").unwrap(), "before\n");
    assert_eq!(s.read("new"), None);
    s.undo();
    assert_eq!(s.read("made").unwrap(), "by the shell\n");
    assert_eq!(s.read("new").unwrap(), "by the shell\n");
}

#[test]
fn the_same_edit_unseen_is_named_and_left_alone() {
    let mut s = Scene::new();
    s.put("made", "before\n");
    let first = s.step("s", "a", Some("x"));
    s.put("made", "by the shell\n");
    s.record_at("s", 1, StepKind::Command, Vec::new(), Status::Ok);
    s.step("s", "a", Some("y"));
    let plan = s.plan(&s.wish("s", first));
    assert!(plan.files.iter().all(|f| f.path != "made"));
    let said = plan.warnings.join("\n");
    // By what it ran, and by its id.
    assert!(
        said.contains("1 command may have changed files unseen: `s-2` (t"),
        "{said}"
    );
    s.apply(&plan);
    assert_eq!(s.read("made").unwrap(), "by the shell\n");
}

#[test]
fn a_file_that_either_rules_cover_is_left_alone_unless_named() {
    let mut s = Scene::new();
    s.put(".gitignore", "secret.env\n");
    s.put("secret.env", "old\n");
    s.put("open.txt", "old\n");
    let first = s.step("s", "b", Some("x"));
    // The agent takes the rule away, then writes to the file that it covered.
    s.step("s", ".gitignore", Some("nothing\n"));
    s.step("s", "secret.env", Some("new\n"));
    s.step("s", "open.txt", Some("new\n"));
    let plan = s.plan(&s.wish("s", first));
    let of = |path: &str| plan.files.iter().find(|f| f.path == path).unwrap();
    assert!(of(".gitignore").ticked && of("open.txt").ticked);
    assert!(!of("secret.env").ticked, "{}", of("secret.env").why);
    s.apply(&plan);
    assert_eq!(s.read("secret.env").unwrap(), "new\n");
    assert_eq!(s.read("open.txt").unwrap(), "old\n");
    // The rule holds again now; named, the file goes back.
    let mut wish = s.wish("s", first);
    wish.paths = vec![b"secret.env".to_vec()];
    let plan = s.plan(&wish);
    s.apply(&plan);
    assert_eq!(s.read("secret.env").unwrap(), "old\n");
}

#[test]
fn rules_that_change_between_snapshots_make_nothing_look_created_or_deleted() {
    for (early, late) in [("out.txt\n", "nothing\n"), ("nothing\n", "out.txt\n")] {
        let mut s = Scene::new();
        s.put(".gitignore", early);
        s.put("out.txt", "mine\n");
        let first = s.step("s", "a", Some("x"));
        s.snapshot();
        s.clock -= 19_000;
        s.put(".gitignore", late);
        s.record_at("s", 1, StepKind::Command, Vec::new(), Status::Ok);
        s.clock -= 19_000;
        s.snapshot();
        let mut wish = s.wish("s", first);
        wish.reach = regent_tui::query::past::Reach::WholeTree;
        let plan = s.plan(&wish);
        for f in plan.files.iter().filter(|f| f.path == "out.txt") {
            assert!(!f.verdict.changes(), "{early:?}: {:?} {}", f.verdict, f.why);
        }
        s.apply(&plan);
        assert_eq!(s.read("out.txt").unwrap(), "mine\n");
    }
}

#[test]
fn an_ignore_line_that_is_no_pattern_is_said_once() {
    let home = Home::empty();
    fs::write(home.path("shop/.gitignore"), "target\n[z-a]\n").unwrap();
    fs::create_dir(home.path("shop/sub")).unwrap();
    fs::write(home.path("shop/sub/.regentignore"), "{a,b\n").unwrap();
    let taken = home.json(&["snapshot", "--json"]);
    let said: Vec<&str> = taken["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|w| w.as_str())
        .filter(|w| w.contains("no patterns"))
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains(".gitignore:2 `[z-a]`"), "{said:?}");
    assert!(said[0].contains("sub/.regentignore:1 `{a,b`"), "{said:?}");
}

#[test]
fn gc_waits_for_a_rewind_in_any_folder_of_the_store() {
    let mut s = Scene::on_disk();
    s.put("a", "one\n");
    let first = s.step("s", "b", Some("x"));
    s.step("s", "a", Some("two\n"));
    s.rewind("s", first);
    let known = regent_tui::store::roots(&s.store).unwrap();
    assert_eq!(known, [s.dir.clone()]);
    // The command, from elsewhere but on the same store.
    let home = Home::empty();
    let db = s.db();
    let db = db.to_str().unwrap();
    let root = s.root();
    let lock = root.lock().unwrap().unwrap();
    let (code, said) = home.err(&["gc", "--store", db]);
    assert_eq!(code, 1);
    assert!(said.contains("a rewind is at work in"), "{said}");
    drop(lock);
    home.out(&["gc", "--store", db]);
    s.undo();
    assert_eq!(s.read("a").unwrap(), "two\n");
}

#[test]
fn a_journal_never_names_a_content_that_is_not_there() {
    use regent_tui::model::{BlobHash, Node, Time};
    use regent_tui::store::journal::{self, Action, Kind, Move, Op, Phase};
    // As a gc of another folder would leave it between the storing of what is displaced and the journal.
    let s = Scene::new();
    let op = Op {
        id: 0,
        token: "0123456789abcdef".to_owned(),
        root: s.dir.as_os_str().as_encoded_bytes().to_vec(),
        kind: Kind::Rewind,
        of: None,
        at: Time(1),
        done_at: None,
        phase: Phase::Prepared,
        title: String::new(),
        sessions: Vec::new(),
        closed: false,
        aim: None,
        lines: (0, 0),
    };
    let gone = Node::File {
        hash: BlobHash::of(b"given back"),
        size: 10,
        mode: 0o644,
    };
    let m = Move {
        no: 0,
        rel: b"a".to_vec(),
        action: Action::Exchange,
        before: gone.clone(),
        after: gone,
        ino: None,
        late: None,
    };
    assert!(journal::prepare(&s.store, &op, &[m]).is_err());
    assert!(rewind::interrupted(&s.store, &s.root()).unwrap().is_empty());
}

#[test]
fn commands_read_what_is_new_first() {
    let home = Home::empty();
    fs::write(home.path("shop/a.txt"), "one\n").unwrap();
    let mut talk = Talk::new(&home, "0f1e2d3c-0000-4000-8000-00000000000b");
    talk.prompt("first");
    talk.rewrite("a.txt", "one\n", "two\n");
    talk.write(&home);
    fs::write(home.path("shop/a.txt"), "two\n").unwrap();
    // No ingest by hand: the plan knows the step, `snapshot` and `gc` bring the store up to date as well.
    home.out(&["rewind", "@", "--before", "--yes"]);
    assert_eq!(
        fs::read_to_string(home.path("shop/a.txt")).unwrap(),
        "one\n"
    );
    talk.prompt("second");
    talk.rewrite("a.txt", "one\n", "three\n");
    talk.write(&home);
    home.out(&["snapshot"]);
    let db = home.path("shop/.regent/history.db");
    let there = home.json_lines(&["log", "--json", "--store", db.to_str().unwrap()]);
    assert_eq!(there.iter().filter(|s| s["kind"] == "write").count(), 2);
    talk.prompt("third");
    talk.bash("make");
    talk.write(&home);
    home.out(&["gc"]);
    let there = home.json_lines(&["log", "--json", "--store", db.to_str().unwrap()]);
    assert_eq!(there.iter().filter(|s| s["kind"] == "command").count(), 1);
}
