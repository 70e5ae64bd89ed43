//! What the screen leads to, keys in, screen out: other places, the editor, what was said, what to press first.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[allow(dead_code)]
mod support;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use regent_tui::ui::message::Effect;
use regent_tui::ui::stage::{Played, play};
use regent_tui::ui::worker::Asker;
use regent_tui::ui::{End, Environment, Options};
use support::fake_ask::Fake;
use support::story;

fn options() -> Options {
    let environment = Environment {
        term: Some("xterm-256color".to_owned()),
        ..Environment::default()
    };
    let clock = Arc::new(story::now);
    Options::new(PathBuf::from("/shop"), clock, TimeZone::UTC, environment)
}

fn with(options: &Options, size: (u16, u16), script: &str) -> Played {
    play(options, &Fake::live().asker(), size, Some(true), script).expect("it plays")
}

#[track_caller]
fn has(played: &Played, text: &str) {
    let shown = played.text();
    assert!(shown.contains(text), "no {text:?} in\n{shown}");
}

#[test]
fn the_list_of_sessions_leads_to_the_other_place_and_back() {
    let mut options = options();
    assert_eq!(with(&options, (120, 30), "SA").end, None, "nowhere to go");
    for (other, words) in [(End::All, "A shows all"), (End::Here, "A this repository")] {
        options.other = Some(other);
        has(&with(&options, (120, 30), "S"), words);
        assert_eq!(with(&options, (120, 30), "SA").end, Some(other));
        assert_eq!(with(&options, (120, 30), "A").end, None, "only in the list");
    }
}

#[test]
fn the_list_comes_first_where_it_is_wanted() {
    let mut options = options();
    options.list_first = true;
    has(&with(&options, (120, 30), ""), "╭─ Sessions");
}

#[test]
fn the_first_line_says_what_to_press_until_it_is_known() {
    let mut options = options();
    options.first_line = Some("j k move · q quits".to_owned());
    for size in [(120, 30), (80, 24), (40, 12)] {
        has(&with(&options, size, ""), "j k move · q quits");
        has(&with(&options, size, "S"), "j k move · q quits");
        let later = with(&options, size, "kjkjkjkjkjkjkj").text();
        assert!(!later.contains("j k move"), "{later}");
    }
}

#[test]
fn the_version_before_a_change_goes_to_the_editor() {
    let played = with(&options(), (120, 40), "kkkkkkkkk3]E");
    let old = |e: &Effect| match e {
        Effect::EditOld(path, text, line) => Some((path.clone(), text.to_string(), *line)),
        _ => None,
    };
    let (path, text, line) = played.effects.iter().find_map(old).expect("an effect");
    assert_eq!(path, "src/http/retry.rs");
    assert!(text.contains("let mut attempt = 0;"), "{text}");
    assert!(line > 1);
    // A command has no version before it.
    let played = with(&options(), (120, 40), "kkkkkkkE");
    has(&played, "is not known here");
}

#[test]
fn what_the_status_line_cut_is_a_key_away() {
    let script = "f<paste kind:nothing-that-anybody-has-ever-heard-of><Enter><Esc>ge";
    has(&with(&options(), (60, 20), script), "What was said");
    let script = "kkkkkkkEge";
    has(
        &with(&options(), (60, 20), script),
        "! the whole text before",
    );
    has(&with(&options(), (60, 20), "kkkkkkkEge<Esc>"), "Timeline");
}

#[test]
fn a_message_stands_whole_in_the_diff_pane_and_once_on_the_screen() {
    let played = with(
        &options(),
        (120, 40),
        "f<paste kind:message><Enter><wait>G<wait>",
    );
    has(&played, "─ Message");
    has(&played, "What the agent said");
}

#[test]
fn why_nothing_can_be_read_stays_until_it_can() {
    let why = "history.db is locked by another program; end it, or try again when it is done";
    let asker: Asker = Arc::new(move || Err(color_eyre::eyre::eyre!(why)));
    for size in [(200, 50), (69, 45), (40, 12)] {
        for keys in ["", "jk", "S"] {
            let played = play(&options(), &asker, size, Some(true), keys).expect("it plays");
            let shown = played.text();
            let words: Vec<&str> = shown.split_whitespace().collect();
            assert!(
                words.join(" ").contains("locked by another"),
                "{keys:?} {shown}"
            );
            assert!(!shown.contains("reading …"), "{keys:?} {shown}");
        }
    }
}
