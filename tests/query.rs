//! The answers over a store that was read from transcripts: the example's, and the real ones where they are.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/home.rs"]
#[allow(dead_code)]
mod home;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use regent_tui::clock::Clock;
use regent_tui::ingest::{self, Options};
use regent_tui::model::{Op, StepKind, Time};
use regent_tui::query::types::*;
use regent_tui::query::{Ask, LogQuery, Side, StoreAsk};
use regent_tui::source::Places;
use regent_tui::store::{Place, Store};

/// A store of the transcripts below a folder.
fn ask(from: &Path) -> (tempfile::TempDir, StoreAsk) {
    let dir = tempfile::tempdir().unwrap();
    let uid = rustix::process::getuid().as_raw();
    let place = Place::explicit(&dir.path().join("h.db"), uid);
    let store = Store::open(&place).unwrap();
    let options = Options {
        from: vec![from.to_owned()],
        ..Options::default()
    };
    ingest::run(&store, &options, Time(0), &mut |_| {}).unwrap();
    drop(store);
    let clock = Clock::frozen(Time::parse("2026-11-23T12:00:00Z").unwrap());
    let ask = StoreAsk::open(&place, Places::default(), clock).unwrap();
    (dir, ask)
}

fn demo() -> (tempfile::TempDir, StoreAsk) {
    ask(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/home"))
}

fn real() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("REGENT_TRANSCRIPTS") {
        return Some(PathBuf::from(dir)).filter(|d| d.is_dir());
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .map(|d| d.join("shared/transcripts"))
        .find(|d| d.is_dir())
}

/// What must be true of every answer, whatever was recorded.
fn check(ask: &StoreAsk) {
    let mut listed = 0;
    for session in ask.sessions().unwrap().sessions {
        let timeline = ask.timeline(session.row).unwrap();
        listed += timeline.steps.len();
        prompts_cover_the_steps(&timeline);
        let rows: Vec<StepRow> = timeline.steps.iter().map(|s| s.row).collect();
        let infos = ask.rows(&rows).unwrap();
        assert_eq!(infos.len(), rows.len());
        for (info, lite) in infos.iter().zip(timeline.steps.iter()) {
            assert_eq!(
                (info.row, info.kind, info.status),
                (lite.row, lite.kind, lite.status)
            );
            assert_eq!(info.added.is_some(), lite.changed, "{}", info.id);
            assert_eq!(ask.resolve_step(&info.id).unwrap().1, info.row);
        }
        steps_and_chain_agree(ask, &timeline);
        let all = ask.filter(session.row, &Filter::default()).unwrap();
        assert_eq!(all, rows);
        ask.summary(session.row).unwrap();
    }
    let steps = ask.log(&LogQuery::default()).unwrap();
    assert!(steps.len() >= listed);
}

fn prompts_cover_the_steps(timeline: &Timeline) {
    let mut at = 0;
    for prompt in &timeline.prompts {
        assert_eq!(prompt.steps.start, at, "{}", timeline.session.id);
        at = prompt.steps.end;
    }
    assert_eq!(at as usize, timeline.steps.len());
    let numbers: Vec<u32> = timeline.prompts.iter().map(|p| p.no).collect();
    assert!(numbers.is_sorted());
}

/// A step's own changes say what the chain says, and `cat` gives those bytes.
fn steps_and_chain_agree(ask: &StoreAsk, timeline: &Timeline) {
    for step in timeline.steps.iter().filter(|s| s.changed) {
        let detail = ask.step(step.row).unwrap();
        assert!(!detail.changes.is_empty(), "{}", detail.info.id);
        for change in &detail.changes {
            let bytes = ask.bytes_at(step.row, &change.path, Side::After);
            match (&change.after, bytes) {
                (Content::Text(text), Ok(bytes)) => assert_eq!(text.as_bytes(), bytes),
                (Content::Binary(_), Ok(_)) | (Content::Absent | Content::Unknown, Err(_)) => {}
                (after, bytes) => panic!(
                    "{} {}: {after:?} but {bytes:?}",
                    detail.info.id, change.path
                ),
            }
        }
    }
}

#[test]
fn the_answers_agree_on_the_example() {
    check(&demo().1);
}

#[test]
fn the_answers_agree_on_real_sessions() {
    let Some(dir) = real() else {
        println!("skipped: there are no real transcripts here");
        return;
    };
    let (_keep, ask) = ask(&dir.join("claude-code"));
    check(&ask);
    let (_keep, ask) = self::ask(&dir.join("codex"));
    check(&ask);
}

#[test]
fn a_sub_agents_steps_stand_behind_the_step_that_started_it() {
    let (_keep, ask) = demo();
    let mut seen = 0;
    for session in ask.sessions().unwrap().sessions {
        assert!(!session.subagent);
        let timeline = ask.timeline(session.row).unwrap();
        let mut before = 0;
        for (i, step) in timeline.steps.iter().enumerate() {
            if step.depth > before {
                seen += 1;
                assert_eq!(timeline.steps[i - 1].kind, StepKind::Subagent);
                let child = ask.rows(&[step.row]).unwrap().remove(0);
                let parent = ask.rows(&[timeline.steps[i - 1].row]).unwrap().remove(0);
                assert_ne!(child.session, parent.session);
                assert_eq!(
                    (child.prompt_no, &child.prompt_id),
                    (parent.prompt_no, &parent.prompt_id)
                );
            }
            before = step.depth;
        }
    }
    assert!(seen > 0, "the example has a sub-agent");
}

#[test]
fn what_is_remembered_comes_back_and_a_tick_goes_when_the_file_changes() {
    let (_keep, ask) = demo();
    assert_eq!(ask.memo("left").unwrap(), None);
    let version = ask.version().unwrap();
    ask.set_memo("left", "there").unwrap();
    assert_eq!(ask.memo("left").unwrap().as_deref(), Some("there"));
    assert_ne!(ask.version().unwrap(), version);

    let sessions = ask.sessions().unwrap().sessions;
    let session = sessions.iter().find(|s| s.files_changed > 0).unwrap().row;
    let file = ask.summary(session).unwrap().files.remove(0);
    assert!(!file.viewed && !file.state.is_empty());
    let viewed = || ask.summary(session).unwrap().files[0].viewed;
    ask.set_viewed(session, &file.path, &file.state, true)
        .unwrap();
    assert!(viewed());
    ask.set_viewed(session, &file.path, "another state", true)
        .unwrap();
    assert!(!viewed());
    ask.set_viewed(session, &file.path, &file.state, true)
        .unwrap();
    ask.set_viewed(session, &file.path, &file.state, false)
        .unwrap();
    assert!(!viewed());
}

#[test]
fn a_prompts_net_is_what_its_steps_did() {
    let (_keep, ask) = demo();
    for session in ask.sessions().unwrap().sessions {
        let timeline = ask.timeline(session.row).unwrap();
        for prompt in &timeline.prompts {
            let steps = &timeline.steps[prompt.steps.start as usize..prompt.steps.end as usize];
            let touched: HashSet<String> = steps
                .iter()
                .filter(|s| s.changed)
                .flat_map(|s| ask.changes(Scope::Step(s.row)).unwrap())
                .map(|c| c.path)
                .collect();
            for change in ask.changes(Scope::Prompt(session.row, prompt.no)).unwrap() {
                assert!(touched.contains(&change.path), "{}", change.path);
                let same = change.before == change.after && change.before != Content::Unknown;
                assert!(!same || change.old_path.is_some(), "{}", change.path);
            }
        }
    }
}

#[test]
fn finding_narrows_as_one_types_and_agrees_with_a_fresh_search() {
    let (_keep, ask) = demo();
    let ids = |found: &Found| -> Vec<String> {
        found
            .hits
            .iter()
            .map(|h| format!("{:?}{}", h.what, h.text))
            .collect()
    };
    let mut last = Found::default();
    for n in 1..="retry loop".len() {
        last = ask.find(&"retry loop"[..n], 50).unwrap();
        assert_eq!(last.query, "retry loop"[..n]);
        for hit in &last.hits {
            assert!(
                hit.matched
                    .iter()
                    .all(|i| (*i as usize) < hit.text.chars().count())
            );
            assert!(hit.matched.is_sorted());
        }
    }
    let fresh = ask.again().unwrap().find("retry loop", 50).unwrap();
    assert_eq!(ids(&last), ids(&fresh));
    assert!(!fresh.hits.is_empty());
    let mut groups: Vec<SessionRow> = fresh.hits.iter().map(|h| h.session.row).collect();
    groups.dedup();
    let distinct: HashSet<_> = groups.iter().collect();
    assert_eq!(
        groups.len(),
        distinct.len(),
        "hits of a session stand together"
    );
    assert!(!ask.find("", 10).unwrap().hits.is_empty());
    assert!(
        ask.find("混み合", 10).unwrap().total > 0,
        "scripts without spaces are found"
    );
}

#[test]
fn against_the_disk_as_it_is_now() {
    let h = home::Home::with_story();
    let place = Place::explicit(
        &h.path("shop/.regent/history.db"),
        rustix::process::getuid().as_raw(),
    );
    let ask = StoreAsk::open(&place, Places::default(), Clock::system()).unwrap();
    let (_, step) = ask.resolve_step("@").unwrap();
    let now = || ask.changes(Scope::Now(step)).unwrap();
    // Nothing is on the disk: both files were deleted by somebody.
    let ops: Vec<_> = now().iter().map(|c| (c.path.clone(), c.op)).collect();
    assert_eq!(
        ops,
        [
            ("notes with blank.txt".to_owned(), Op::Delete),
            ("src/main.rs".to_owned(), Op::Delete)
        ]
    );
    std::fs::create_dir_all(h.path("shop/src")).unwrap();
    std::fs::write(h.path("shop/src/main.rs"), home::STATES[2]).unwrap();
    std::fs::write(h.path("shop/notes with blank.txt"), "mine\n").unwrap();
    let changes = now();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].after, Content::Text("mine\n".into()));
    assert_eq!((changes[0].added, changes[0].removed), (1, 1));
    // From an earlier step there is more between.
    let (_, first) = ask.resolve_step("0f1e/1").unwrap();
    let changes = ask.changes(Scope::Now(first)).unwrap();
    let ops: Vec<_> = changes
        .iter()
        .map(|c| (c.path.as_str(), c.op, c.added))
        .collect();
    assert_eq!(
        ops,
        [
            ("notes with blank.txt", Op::Create, 1),
            ("src/main.rs", Op::Modify, 1)
        ]
    );
}
