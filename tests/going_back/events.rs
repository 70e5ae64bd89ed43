//! Rewinds as events of the repository: in `log`, in the timeline, each of them undone by its name, and after a rebuild.

use std::fs;

use regent_tui::clock::Clock;
use regent_tui::model::Time;
use regent_tui::query::types::{RewindEntry, SessionRow, Timeline};
use regent_tui::query::{Ask, StoreAsk};
use regent_tui::source::Places;
use regent_tui::store::Place;
use serde_json::Value;

use crate::home::{Home, SESSION, STATES};
use crate::scene::Scene;

const NOTES: &str = "bounded\u{1b}[31m\n";

fn with_files() -> Home {
    let home = Home::with_story();
    fs::create_dir_all(home.path("shop/src")).unwrap();
    fs::write(home.path("shop/src/main.rs"), STATES[2]).unwrap();
    fs::write(home.path("shop/notes with blank.txt"), NOTES).unwrap();
    home
}

fn events(home: &Home, more: &[&str]) -> Vec<Value> {
    let mut all = home.json_lines(&[&["log", "--json"], more].concat());
    all.retain(|e| e["id"].as_str().unwrap().starts_with('w'));
    all
}

fn main_rs(home: &Home) -> String {
    fs::read_to_string(home.path("shop/src/main.rs")).unwrap()
}

#[test]
fn log_tells_of_rewinds_with_the_fields_of_a_step() {
    let home = with_files();
    let prompt = format!("{SESSION}/2");
    home.out(&["rewind", &prompt, "--before", "--yes"]);
    let all = home.json_lines(&["log", "--json"]);
    let (rewind, step) = (&all[0], &all[1]);
    assert_eq!(rewind["kind"], "rewind", "newest first");
    assert_eq!(rewind["status"], "ok");
    assert_eq!(rewind["session_id"], step["session_id"]);
    assert_eq!(rewind["at"], "2026-03-01T12:00:00.000Z");
    assert_eq!(rewind["paths"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&rewind["added"], &rewind["removed"]),
        (&0.into(), &2.into())
    );
    for field in step.as_object().unwrap().keys() {
        assert!(rewind.get(field).is_some(), "no field {field}");
    }
    assert!(home.out(&["log"]).contains("before prompt 2"));
    assert_eq!(events(&home, &["--path", "main.rs"]).len(), 1);
    assert_eq!(events(&home, &["--path", "elsewhere"]).len(), 0);
    assert_eq!(events(&home, &["--session", SESSION]).len(), 1);
    assert_eq!(events(&home, &["--kind", "edit"]).len(), 0);
    assert_eq!(events(&home, &["--failed"]).len(), 0);
    assert_eq!(
        home.json_lines(&["log", "--json", "-n", "1"])[0]["kind"],
        "rewind"
    );
    home.out(&["undo", "--yes"]);
    let both = events(&home, &[]);
    assert_eq!(both[0]["kind"], "undo");
    assert_eq!(
        (&both[1]["kind"], &both[1]["status"]),
        (&"rewind".into(), &"undone".into())
    );
    // The journal is a fact: what is made again from the transcripts does not touch it.
    home.run(&["doctor", "--rebuild"]).assert().success();
    assert_eq!(events(&home, &[]), both);
}

#[test]
fn each_rewind_is_undone_by_its_name_and_an_undo_is_redone() {
    let home = with_files();
    let prompt = format!("{SESSION}/2");
    home.out(&["revert", &prompt, "--path", "notes with blank.txt", "--yes"]);
    home.out(&["revert", &prompt, "--path", "src/main.rs", "--yes"]);
    assert_eq!(main_rs(&home), STATES[1]);
    assert!(!home.path("shop/notes with blank.txt").exists());
    let all = events(&home, &[]);
    let id = |e: &Value| e["id"].as_str().unwrap().to_owned();
    let (second, first) = (id(&all[0]), id(&all[1]));
    // The older one, while the newer stays; by the beginning of its id.
    home.out(&["undo", &first[..8], "--yes"]);
    assert!(home.path("shop/notes with blank.txt").exists());
    assert_eq!(main_rs(&home), STATES[1]);
    let (code, said) = home.err(&["undo", &first, "--yes"]);
    assert_eq!(code, 1);
    assert!(said.contains("undone already"), "{said}");
    // The undo itself taken back.
    let undo = id(&events(&home, &[])[0]);
    home.out(&["undo", &undo, "--yes"]);
    assert!(!home.path("shop/notes with blank.txt").exists());
    home.out(&["undo", &second, "--yes"]);
    assert_eq!(main_rs(&home), STATES[2]);
    let (code, said) = home.err(&["undo", "wzzzzzz"]);
    assert_eq!(code, 1);
    assert!(said.contains("no rewind wzzzzzz"), "{said}");
}

fn timeline(s: &Scene) -> Timeline {
    let ask = StoreAsk::new(
        s.reader(),
        Place::explicit(&s.db(), 0),
        Places::default(),
        Clock::frozen(Time(s.clock)),
    );
    ask.timeline(SessionRow(1)).unwrap()
}

fn entry(e: &RewindEntry) -> (&'static str, u32, bool, Option<std::ops::Range<u32>>) {
    (e.kind, e.place, e.taken_back, e.undone.clone())
}

#[test]
fn the_timeline_has_them_at_their_time_with_what_they_undid() {
    let mut s = Scene::new();
    s.put("a", "0\n");
    let first = s.step("s", "a", Some("1\n"));
    s.step("s", "a", Some("2\n"));
    s.step("s", "a", Some("3\n"));
    s.rewind("s", first);
    let found = timeline(&s);
    assert_eq!(
        found.rewinds.iter().map(entry).collect::<Vec<_>>(),
        [("rewind", 3, false, Some(1..3))]
    );
    assert_eq!(
        (found.rewinds[0].files, found.rewinds[0].lines),
        (1, (1, 1))
    );
    // The session goes on: what comes after it is not undone.
    s.step("s", "a", Some("4\n"));
    let found = timeline(&s);
    assert_eq!(entry(&found.rewinds[0]), ("rewind", 3, false, Some(1..3)));
    assert_eq!(found.steps.len(), 4);
    let plan = s.plan(&s.wish("s", first));
    s.apply(&plan);
    s.undo();
    let found = timeline(&s);
    let all: Vec<_> = found.rewinds.iter().map(entry).collect();
    assert_eq!(
        all,
        [
            ("rewind", 3, false, Some(1..3)),
            ("rewind", 4, true, None),
            ("undo", 4, false, None),
        ]
    );
    s.redo();
    let found = timeline(&s);
    let last = found.rewinds.last().map(entry).unwrap();
    assert_eq!(last, ("redo", 4, false, Some(1..4)), "done again is done");
}

#[test]
fn what_a_rewind_did_can_be_looked_at() {
    let mut s = Scene::new();
    s.put("a", "0\n");
    let first = s.step("s", "b", Some("x"));
    s.step("s", "a", Some("1\n"));
    s.step("s", "new", Some("2\n"));
    s.rewind("s", first);
    let found = timeline(&s);
    let ask = StoreAsk::new(
        s.reader(),
        Place::explicit(&s.db(), 0),
        Places::default(),
        Clock::frozen(Time(s.clock)),
    );
    let scope = regent_tui::query::types::Scope::Rewind(found.rewinds[0].op);
    let changes = ask.changes(scope).unwrap();
    let told: Vec<(&str, &str, u32, u32)> = changes
        .iter()
        .map(|c| (c.path.as_str(), c.op.word(), c.added, c.removed))
        .collect();
    assert_eq!(told, [("a", "modify", 1, 1), ("new", "delete", 0, 1)]);
}
