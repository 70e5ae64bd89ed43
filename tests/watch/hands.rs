//! Lines that were seen to be written: by the agent, by a person, by a formatter; in the answer and on the screen.

use std::sync::Arc;

use jiff::tz::TimeZone;
use regent_tui::clock::Clock;
use regent_tui::model::{Author, Evidence};
use regent_tui::query::blame::BlameQuery;
use regent_tui::query::{Ask, StoreAsk};
use regent_tui::source::Places;
use regent_tui::store::snapshots::Reason;
use regent_tui::ui::stage::play;
use regent_tui::ui::{Environment, Options};
use serde_json::json;

use crate::attribution::{Bench, pause};

const OLD: &str = "fn old() -> u8 { 1 }\n";
const AGENTS: &str = "fn of_the_agent() -> u8 { 2 }\n";
const MINE: &str = "fn of_mine() -> u8 { 3 }\n";
const TOOLS: &str = "use sorted::by::the_formatter;\n";
const WHOSE: &str = "fn of_nobody_knows() -> u8 { 4 }\n";

/// A file to which an agent, a person, a formatter and, unseen, somebody added a line each.
fn bench() -> Bench {
    let b = Bench::kept();
    b.put("src/a.rs", OLD);
    b.look(Reason::First);
    pause();
    let mut agent = b.agent("s-1");
    agent.prompt("add a function");
    let text = format!("{OLD}{AGENTS}");
    agent.write("src/a.rs", &text, &text);
    b.see();
    b.put("src/a.rs", &format!("{text}{MINE}"));
    b.see();
    let call = agent.call("Bash", json!({"command": "cargo fmt --all"}));
    pause();
    b.put("src/a.rs", &format!("{TOOLS}{text}{MINE}"));
    pause();
    agent.finish(&call, "true");
    b.see();
    b.put("src/a.rs", &format!("{TOOLS}{text}{MINE}{WHOSE}"));
    b
}

#[test]
fn each_line_is_of_the_hand_that_was_seen() {
    let b = bench();
    let query = BlameQuery {
        path: "src/a.rs".to_owned(),
        ..BlameQuery::default()
    };
    let blame = b.ask().blame(&query).unwrap();
    let told: Vec<_> = blame
        .lines
        .iter()
        .map(|l| {
            let origin = &blame.origins[l.origin];
            (origin.author, origin.evidence, origin.step.is_some())
        })
        .collect();
    use Author::*;
    let observed = Some(Evidence::Observed);
    assert_eq!(
        told,
        [
            (Tool, observed, true),
            (Before, Some(Evidence::Recorded), false),
            (Agent, observed, true),
            (You, observed, false),
            (Unknown, None, false),
        ]
    );
}

#[test]
fn the_screen_names_them() {
    let b = bench();
    drop(b.ask());
    let place = b.place();
    let asker = move || {
        let ask = StoreAsk::open(&place, Places::default(), Clock::system())?;
        Ok(Box::new(ask) as Box<dyn Ask>)
    };
    let environment = Environment {
        term: Some("xterm-256color".to_owned()),
        ..Environment::default()
    };
    let clock = Arc::new(|| Clock::system().now());
    let mut options = Options::new(b.work.clone(), clock, TimeZone::UTC, environment);
    options.file = Some(("src/a.rs".to_owned(), 1));
    for size in [(120, 40), (69, 45), (60, 20)] {
        let shown = |keys: &str| {
            let played = play(
                &options,
                &(Arc::new(asker.clone()) as _),
                size,
                Some(true),
                keys,
            );
            played.unwrap().text()
        };
        let all = shown("");
        let row = |text: &str| {
            let line = all.lines().find(|l| l.contains(text));
            line.unwrap_or_else(|| panic!("no {text:?} in\n{all}"))
        };
        for (who, text) in [
            ("tool", "use sorted::by"),
            ("before", "fn old()"),
            ("claude", "fn of_the_agent"),
            ("you", "fn of_mine()"),
            ("unknown", "fn of_nobody"),
        ] {
            let before = row(text).split(text).next().unwrap_or_default();
            assert!(before.contains(who), "{size:?}: no {who:?} in {before:?}");
        }
        let mine = shown("jjj");
        assert!(mine.contains("No prompt"), "{mine}");
        assert!(mine.contains("you · changed"), "{mine}");
    }
}
