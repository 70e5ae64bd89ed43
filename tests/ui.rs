//! Keys in, screen out, through the real loop.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use regent_tui::ui::model::Home;
use regent_tui::ui::stage::{Played, play};
use regent_tui::ui::{Environment, Options};
use support::fake_ask::Fake;
use support::story;

fn options() -> Options {
    let environment = Environment {
        term: Some("xterm-256color".to_owned()),
        ..Environment::default()
    };
    let clock = Arc::new(story::now);
    let mut options = Options::new(PathBuf::from("/shop"), clock, TimeZone::UTC, environment);
    options.home = Home {
        folder: "~/src/shop".to_owned(),
        branch: Some("main".to_owned()),
    };
    options
}

fn at(fake: &Arc<Fake>, size: (u16, u16), script: &str) -> Played {
    play(&options(), &fake.asker(), size, Some(true), script).expect("it plays")
}

/// The live story at a size.
fn screen(size: (u16, u16), script: &str) -> String {
    at(&Fake::live(), size, script).text()
}

/// `cargo test --test ui look -- --ignored --nocapture`: prints screens to be looked at.
#[test]
#[ignore = "prints screens for the eye"]
#[allow(clippy::print_stdout)]
fn look() {
    let script = std::env::var("SCRIPT").unwrap_or_default();
    let sizes = std::env::var("SIZES").unwrap_or("120x40 80x24".to_owned());
    let fake = match std::env::var("FAKE").as_deref() {
        Ok("story") => Fake::story(),
        Ok("empty") => Fake::empty(),
        Ok("many") => Fake::many(1_000_000),
        _ => Fake::live(),
    };
    for script in script.split('|') {
        for size in sizes.split_whitespace() {
            let (width, height) = size.split_once('x').unwrap();
            let size = (width.parse().unwrap(), height.parse().unwrap());
            println!("{}", at(&fake, size, script).text());
        }
    }
}

#[test]
fn the_panes_are_linked() {
    let shown = screen((120, 40), "kkkk");
    assert!(shown.contains("Prompt"), "{shown}");
}
