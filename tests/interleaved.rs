//! Every session in one timeline: nothing lost, nothing twice, in the order in which it was asked for; and the key that
//! goes there and back.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "support/fake_door.rs"]
mod fake_door;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fake_door::FakeDoor;
use jiff::tz::TimeZone;
use regent_tui::clock::Clock;
use regent_tui::ingest::{self, Options as Reading};
use regent_tui::model::{Agent, Time};
use regent_tui::query::types::{Filter, SessionRow, StepRow};
use regent_tui::query::{Ask, StoreAsk};
use regent_tui::source::Places;
use regent_tui::store::{Place, Store};
use regent_tui::ui::stage::{Played, play};
use regent_tui::ui::worker::Asker;
use regent_tui::ui::{Environment, Options};

fn now() -> Time {
    Time::parse("2026-11-23T12:00:00Z").unwrap()
}

/// The example, in which two agents work in turn.
fn demo() -> (tempfile::TempDir, Place) {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::explicit(&dir.path().join("h.db"), rustix::process::getuid().as_raw());
    let store = Store::open(&place).unwrap();
    let reading = Reading {
        from: vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/home")],
        ..Reading::default()
    };
    ingest::run(&store, &reading, Time(0), &mut |_| {}).unwrap();
    (dir, place)
}

fn ask(place: &Place) -> StoreAsk {
    StoreAsk::open(place, Places::default(), Clock::frozen(now())).unwrap()
}

/// Keys pressed by somebody who starts it for the first time.
fn keys(place: &Place, size: (u16, u16), script: &str) -> Played {
    let fresh = tempfile::tempdir().unwrap();
    let db = fresh.path().join("h.db");
    std::fs::copy(&place.db, &db).unwrap();
    let place = Place::explicit(&db, rustix::process::getuid().as_raw());
    again(&place, size, script)
}

/// The same at a start that finds what was remembered.
fn again(place: &Place, size: (u16, u16), script: &str) -> Played {
    let environment = Environment {
        term: Some("xterm-256color".to_owned()),
        ..Environment::default()
    };
    let mut options = Options::new(
        PathBuf::from("/shop"),
        Arc::new(now),
        TimeZone::UTC,
        environment,
    );
    options.door = Some(Arc::new(FakeDoor::default()).opener());
    let place = place.clone();
    let asker: Asker = Arc::new(move || Ok(Box::new(ask(&place)) as Box<dyn Ask>));
    play(&options, &asker, size, Some(true), script).expect("it plays")
}

#[test]
fn every_step_of_every_session_stands_once_below_its_prompt_in_the_order_of_the_prompts() {
    let (_keep, place) = demo();
    let ask = ask(&place);
    let all = ask.timeline(SessionRow::ALL).unwrap();
    let mut rows: HashSet<StepRow> = HashSet::new();
    assert!(all.steps.iter().all(|s| rows.insert(s.row)), "twice");
    let mut agents: HashSet<Agent> = HashSet::new();
    for session in ask.sessions().unwrap().sessions {
        let own = ask.timeline(session.row).unwrap();
        agents.insert(session.agent);
        let mut heads = all.prompts.iter().filter(|p| p.session == session.row);
        for prompt in &own.prompts {
            let head = heads.next().unwrap();
            assert_eq!((head.no, &head.head), (prompt.no, &prompt.head));
            assert_eq!(head.agent, Some(session.agent));
            let steps = |t: &regent_tui::query::types::Timeline, r: std::ops::Range<u32>| {
                let steps = &t.steps[r.start as usize..r.end as usize];
                steps.iter().map(|s| s.row).collect::<Vec<_>>()
            };
            assert_eq!(
                steps(&all, head.steps.clone()),
                steps(&own, prompt.steps.clone())
            );
            rows.retain(|row| !own.steps.iter().any(|s| s.row == *row));
        }
        assert!(heads.next().is_none());
    }
    assert!(rows.is_empty(), "steps of no session");
    assert!(agents.len() > 1, "the example has two agents");
    let times: Vec<Time> = all.prompts.iter().filter_map(|p| p.at).collect();
    assert!(times.is_sorted(), "{times:?}");
    let ends: Vec<u32> = all.prompts.iter().map(|p| p.steps.end).collect();
    assert!(ends.is_sorted() && ends.last() == Some(&(all.steps.len() as u32)));
    assert!(all.session.row.is_all());
}

#[test]
fn a_filter_and_a_time_reach_over_all_of_them() {
    let (_keep, place) = demo();
    let ask = ask(&place);
    let all = ask.timeline(SessionRow::ALL).unwrap();
    let codex = Filter::parse("agent:codex").unwrap();
    let kept = ask.filter(SessionRow::ALL, &codex).unwrap();
    let sessions = ask.sessions().unwrap().sessions;
    let of_codex = |row: SessionRow| {
        sessions
            .iter()
            .any(|s| s.row == row && s.agent == Agent::Codex)
    };
    let own = all.prompts.iter().filter(|p| of_codex(p.session));
    let expected: Vec<StepRow> = own
        .flat_map(|p| &all.steps[p.steps.start as usize..p.steps.end as usize])
        .map(|s| s.row)
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(kept, expected);
    for step in [all.steps.first().unwrap(), all.steps.last().unwrap()] {
        let at = ask.rows(&[step.row]).unwrap()[0].at.unwrap();
        let found = ask.step_at(SessionRow::ALL, at).unwrap().unwrap();
        assert_eq!(ask.rows(&[found]).unwrap()[0].at, Some(at));
    }
}

/// What stands right of the timeline.
fn right(played: &Played) -> Vec<String> {
    let cell = |x: u16, y: u16| played.screen[(x, y)].symbol().replace('▌', " ");
    let row = |y: u16| (72..200).map(|x| cell(x, y)).collect::<String>();
    (1..48).map(row).collect()
}

#[test]
fn one_key_goes_there_and_back_to_the_session_under_the_cursor() {
    let (_keep, place) = demo();
    let count = ask(&place).sessions().unwrap().sessions.len();
    let every = format!("all {count} sessions");
    for size in [(200, 50), (80, 24), (69, 45)] {
        let has = |script: &str, words: &str, is: bool| {
            let text = keys(&place, size, script).text();
            assert_eq!(text.contains(words), is, "{script} {words:?} {text}");
        };
        has("l", &every, false);
        has("lA", &every, true);
        // The first prompt of all belongs to the oldest session, whichever was open.
        has("lA1ggA", &format!("{count} of {count} sessions"), true);
        has("lA1ggA", "▌▾ 1 ", true);
        has("lA1ggAA", &every, true);
        // Back to where it was.
        has("lAo", &every, false);
    }
}

#[test]
fn a_plan_names_the_session_that_it_is_about() {
    let (_keep, place) = demo();
    let sessions = ask(&place).sessions().unwrap().sessions;
    let oldest = sessions.last().unwrap();
    let title: String = oldest.title.chars().take(20).collect();
    let named = format!(" · {}: {title}", oldest.agent.name());
    let among_all = keys(&place, (200, 50), "lA1ggR").text();
    assert!(among_all.contains(&named), "{named:?} {among_all}");
    // In its own timeline that goes without saying.
    let alone = keys(&place, (200, 50), "lA1ggA1ggR").text();
    assert!(!alone.contains(&named), "{alone}");
}

#[test]
fn what_is_shown_is_of_the_session_that_the_cursor_is_in() {
    let (_keep, place) = demo();
    let wide = (200, 50);
    for then in ["", "s", "ss", "sss", "jjj", "jjjss"] {
        let among_all = keys(&place, wide, &format!("lA1gg{then}"));
        let alone = keys(&place, wide, &format!("lA1ggA1gg{then}"));
        assert_eq!(right(&among_all), right(&alone), "{then:?}");
    }
}

#[test]
fn it_opens_again_where_it_was_left() {
    let (_keep, place) = demo();
    let row = |played: Played| {
        let text = played.text();
        assert!(text.contains("all 5 sessions"), "{text}");
        let line = text.lines().find(|l| l.contains("│▌")).map(str::to_owned);
        line.expect("a cursor")
    };
    let before = row(keys(&place, (200, 50), "lA1ggjj"));
    again(&place, (200, 50), "lA1ggjjQ");
    assert_eq!(row(again(&place, (200, 50), "1")), before);
}
