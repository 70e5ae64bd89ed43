//! What can be chosen in titles and clicked in lists: keys and mouse in, screen out, through the real loop.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[allow(dead_code)]
mod support;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use regent_tui::ui::stage::play;
use regent_tui::ui::{Environment, Options};
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

fn screen(size: (u16, u16), script: &str) -> String {
    let played = play(&options(), &Fake::live().asker(), size, Some(true), script);
    played.expect("it plays").text()
}

#[track_caller]
fn has(screen: &str, text: &str) {
    assert!(screen.contains(text), "no {text:?} in\n{screen}");
}

#[track_caller]
fn has_not(screen: &str, text: &str) {
    assert!(!screen.contains(text), "{text:?} in\n{screen}");
}

#[test]
fn the_prompt_pane_shows_reply_output_and_record_of_a_step() {
    // On the failing test run.
    let at = "kkkkkkk2";
    let shown = screen((120, 40), at);
    has(&shown, "reply │ output │ raw");
    has(&shown, "the retry loop never gives up when the server");
    let shown = screen((120, 40), &format!("{at}i"));
    has(&shown, "─ Prompt 3 of 5  reply │ output │ raw ");
    let pane = |shown: &str| {
        let right = |l: &str| l.chars().skip(44).collect::<String>();
        let mut lines = shown.lines().map(right);
        let from: Vec<String> = lines
            .by_ref()
            .skip_while(|l| !l.contains("Prompt 3"))
            .collect();
        let end = from
            .iter()
            .position(|l| l.contains("Output  "))
            .unwrap_or(from.len());
        from[..end].join("\n")
    };
    has(&pane(&shown), "test result: FAILED");
    has_not(&pane(&shown), "the retry loop never gives up");
    // The next one, and around; on a heading there is nothing to choose.
    has(&screen((120, 40), &format!("{at}ii")), "{");
    has(
        &pane(&screen((120, 40), &format!("{at}iii"))),
        "the retry loop never",
    );
    let shown = screen((120, 40), &format!("{at}i1gg2"));
    has_not(&shown, "reply │");
    has(
        &screen((120, 40), "gg2i"),
        "only a step has an output and a record",
    );
    // The choice stays while one walks through the steps.
    has(
        &screen((120, 40), &format!("{at}i1j")),
        "reply │ output │ raw",
    );
    // By the mouse.
    let bar = screen((120, 40), at);
    let row = bar
        .lines()
        .position(|l| l.contains("reply │ output"))
        .unwrap();
    let line = bar.lines().nth(row).unwrap();
    let column = |word: &str| line.split(word).next().unwrap().chars().count() + 1;
    let click = |word: &str| format!("{at}<click {},{row}>", column(word));
    has(
        &pane(&screen((120, 40), &click("output"))),
        "test result: FAILED",
    );
    has(
        &pane(&screen((120, 40), &click("reply"))),
        "the retry loop never",
    );
}

#[test]
fn scopes_are_chosen_by_a_click_on_their_names() {
    let at = "kkkkkkkkk";
    for (size, words) in [
        ((120, 40), "step │ prompt │ session"),
        ((69, 45), "Diff  step"),
    ] {
        let bar = screen(size, at);
        let row = bar.lines().position(|l| l.contains(words)).unwrap();
        let line = bar.lines().nth(row).unwrap().to_owned();
        let column = |word: &str| line.split(word).next().unwrap().chars().count() + 1;
        if size.0 == 120 {
            let title = line.find("step │").unwrap();
            let session = line[title..].find("session").unwrap() + title;
            let column = line[..session].chars().count() + 1;
            let shown = screen(size, &format!("{at}<click {column},{row}>"));
            has(&shown, "2 files");
            let by_key = screen(size, &format!("{at}ss"));
            assert_eq!(shown, by_key);
            // Beside the words the pane gets the focus.
            let shown = screen(size, &format!("{at}<click 117,{row}>j"));
            assert_eq!(shown, screen(size, &format!("{at}3j")));
        } else {
            // Only the chosen one has a name there: it goes to the next, and beside it the pane is still dragged.
            let shown = screen(size, &format!("{at}<click {},{row}>", column("step")));
            has(&shown, "Diff  prompt");
        }
    }
}

#[test]
fn lists_are_clicked_through() {
    // The summary: a click puts the cursor, a second one goes there.
    let shown = screen((120, 40), "gs");
    let row = shown
        .lines()
        .position(|l| l.contains("3 the retry loop never"))
        .unwrap();
    let shown = screen((120, 40), &format!("gs<click 20,{row}>"));
    has(shown.lines().nth(row).unwrap(), "▌");
    let shown = screen((120, 40), &format!("gs<click 20,{row}><click 20,{row}>"));
    has(&shown, "Prompt 3 of 5");
    has_not(&shown, "Summary");
    // Words are nothing to click on.
    assert_eq!(screen((120, 40), "gs<click 20,2>"), screen((120, 40), "gs"));
    // The palette: a second click runs it; outside of it one leaves it.
    let shown = screen((120, 40), ":session");
    let row = shown
        .lines()
        .position(|l| l.contains("list of sessions"))
        .unwrap();
    let shown = screen(
        (120, 40),
        &format!(":session<click 30,{row}><click 30,{row}>"),
    );
    has(&shown, "Sessions");
    has_not(&screen((120, 40), ":<click 2,2>"), "Palette");
}

/// A path with a Cyrillic letter among Latin ones, a command with a blank that is none, and one that turns its direction.
#[test]
fn names_that_are_not_what_they_look_like_carry_a_mark() {
    let mut fake = Fake::live();
    let inner = Arc::get_mut(&mut fake).unwrap();
    let path = "src/http/r\u{435}try.rs";
    for step in inner.prompts.iter_mut().flat_map(|p| &mut p.steps) {
        for change in &mut step.changes {
            change.path = path.to_owned();
        }
        if !step.changes.is_empty() {
            (step.info.title, step.info.target) = (path.to_owned(), path.to_owned());
        } else if step.info.kind == regent_tui::model::StepKind::Command {
            let command = "rm -rf\u{A0}build/\u{202E}gnp.sh";
            (step.info.title, step.info.target) = (command.to_owned(), command.to_owned());
        }
    }
    let shown = |size, keys: &str| {
        let played = play(&options(), &fake.asker(), size, Some(true), keys);
        played.unwrap().text()
    };
    for size in [(120, 40), (69, 45), (40, 12)] {
        let all = shown(size, "kkkkkkkkk");
        has(&all, "edit   ! r\u{435}try.rs");
        let all = shown(size, "kkkkkkkkk3");
        has(&all, "! The name holds U+0435");
    }
    let all = shown((120, 40), "kkkkkkkkk");
    has(
        &all,
        "! The name holds U+0435, which looks like the `e` of ASCII.",
    );
    let all = shown((120, 40), "kkkkkkk");
    has(&all, "run    ! rm -rf");
    has(&all, "<U+202E>gnp.sh");
    // Honest names carry none.
    for honest in ["edit   ! ", "run    ! ", "The name holds"] {
        has_not(&screen((120, 40), "kkkkkkkkk"), honest);
    }
}

#[test]
fn what_never_ended_does_not_count_on() {
    // While its session is live the seconds run; a day later nobody waits for it.
    let mut fake = Fake::live();
    has(&screen((120, 40), ""), "12s");
    let inner = Arc::get_mut(&mut fake).unwrap();
    inner.sessions[0].live = false;
    for step in inner.prompts.iter_mut().flat_map(|p| &mut p.steps) {
        let earlier = |t: &mut regent_tui::model::Time| t.0 -= 48 * 3_600_000;
        step.info.at.iter_mut().for_each(earlier);
        step.info.started_at.iter_mut().for_each(earlier);
    }
    let played = play(
        &options(),
        &fake.asker(),
        (120, 40),
        Some(true),
        "<Enter><Right>G",
    );
    let shown = played.unwrap().text();
    has(&shown, "no result");
    has(
        &shown,
        "No result is recorded: it runs, or it ended without one.",
    );
}

#[test]
fn a_filter_goes_to_what_it_found() {
    let shown = screen((120, 40), "ggffailed<Enter>");
    let row = shown.lines().find(|l| l.contains('▌')).unwrap();
    has(row, "✗");
    // The same filter on news leaves the cursor where it is.
    // Nor do the other panes move: the list of files stays where it was.
    assert_eq!(
        screen((120, 40), "ggffailed<Enter>gg<changed>"),
        screen((120, 40), "ggffailed<Enter>gg")
    );
}

#[test]
fn the_box_of_a_prefix_has_one_row_for_all_live_sessions() {
    let shown = screen((80, 24), "g<wait>");
    has(&shown, "1…9");
    has(&shown, "the live sessions, and follow");
    has(&shown, "what the status line said");
    has_not(&shown, "the third of the live");
}
