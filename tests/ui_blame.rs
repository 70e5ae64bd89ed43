//! Who wrote a line, what touched a file, what became of it: keys in, screen out, through the real loop.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[allow(dead_code)]
mod support;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use regent_tui::ui::message::Effect;
use regent_tui::ui::stage::{Played, play};
use regent_tui::ui::{End, Environment, Options};
use support::fake_ask::Fake;
use support::story;

const SIZES: [(u16, u16); 6] = [(200, 50), (120, 40), (80, 24), (69, 45), (60, 20), (40, 12)];

/// To the step that changed `retry.rs` first.
const EDIT: &str = "kkkkkkkkk";

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

fn screen(size: (u16, u16), script: &str) -> String {
    with(&options(), size, script).text()
}

#[track_caller]
fn has(screen: &str, text: &str) {
    assert!(screen.contains(text), "no {text:?} in\n{screen}");
}

#[track_caller]
fn has_not(screen: &str, text: &str) {
    assert!(!screen.contains(text), "{text:?} in\n{screen}");
}

/// The row under the cursor of the pane of authors.
fn row(screen: &str) -> &str {
    let cursor = |l: &&str| {
        l.split('│')
            .any(|part| part.contains('▌') && part.contains("claude"))
    };
    screen
        .lines()
        .find(cursor)
        .or_else(|| screen.lines().find(|l| l.contains('▌')))
        .unwrap_or_else(|| panic!("no cursor in\n{screen}"))
}

#[test]
fn the_authors_at_every_size() {
    for (width, height) in SIZES {
        let shown = screen((width, height), &format!("{EDIT}3]jb"));
        insta::assert_snapshot!(format!("authors_{width}x{height}"), shown);
        let shown = screen((width, height), &format!("{EDIT}H"));
        insta::assert_snapshot!(format!("history_{width}x{height}"), shown);
    }
}

#[test]
fn a_line_that_stands_is_found_in_the_file_as_it_is_now() {
    // The line that the first edit added; a later one put a line in above the match.
    let shown = screen((120, 40), &format!("{EDIT}3/Backoff::new<Enter>b"));
    has(&shown, "Blame  as it is now");
    has(row(&shown), "let policy = Backoff::new(5)");
    has(&shown, "Prompt 3 of 5");
    has(
        &shown,
        "claude, prompt 3 · edit src/http/retry.rs · 14:12:00 · recorded",
    );
    // The step that wrote it stands beside it, at that very line.
    has(&shown, "││▌ 7 +         let policy");
}

#[test]
fn moving_the_cursor_moves_prompt_and_diff() {
    let shown = screen((120, 40), &format!("{EDIT}3/Backoff::new<Enter>b}}"));
    has(row(&shown), "log::debug!");
    has(&shown, "Prompt 4 of 5");
    has(&shown, "patch only");
    let shown = screen((120, 40), &format!("{EDIT}3/Backoff::new<Enter>bgg"));
    has(&shown, "Prompt 3 of 5");
    // Lines that no step wrote say where they come from.
    let shown = screen((120, 40), &format!("{EDIT}3/Backoff::new<Enter>bggj"));
    has(
        &shown,
        "older than the first record · commit a1b2c3d of 09:00:00",
    );
    has(&shown, "No recorded step wrote this line");
}

#[test]
fn b_again_walks_back_and_escape_comes_back() {
    let at = format!("{EDIT}3/Backoff::new<Enter>b");
    let shown = screen((120, 40), &format!("{at}b"));
    has(&shown, "before claude, prompt 3, 19m");
    has(&shown, "▌ 7         let mut attempt = 0;");
    has(&shown, "2 deep");
    let shown = screen((120, 40), &format!("{at}bb"));
    has(&shown, "nothing further back");
    let shown = screen((120, 40), &format!("{at}b<Esc>"));
    has(&shown, "as it is now");
    has(row(&shown), "Backoff::new(5)");
    let shown = screen((120, 40), &format!("{at}b<Esc><Esc>"));
    has(&shown, "Timeline");
    has(&shown, "▌  ● edit   retry.rs");
    has_not(&shown, "Blame");
    // q goes the same way, level by level, and only then ends.
    assert_eq!(with(&options(), (120, 40), &format!("{at}bqq")).end, None);
    let end = with(&options(), (120, 40), &format!("{at}qq")).end;
    assert_eq!(end, Some(End::Quit));
}

#[test]
fn a_removed_line_says_who_wrote_it_and_who_removed_it() {
    let shown = screen((120, 40), &format!("{EDIT}3/let mut attempt<Enter>b"));
    has(&shown, "as it was: the line is gone");
    has(
        &shown,
        "gone: removed by claude, prompt 3 · edit src/http/retry.rs",
    );
    has(&shown, "it was older than the first record");
}

#[test]
fn enter_goes_to_the_step_and_o_comes_back() {
    let at = format!("{EDIT}3/Backoff::new<Enter>b}}<Enter>");
    let shown = screen((120, 40), &at);
    has(&shown, "Timeline");
    has(&shown, "▌  ● edit   retry.rs");
    has(&shown, "Prompt 4 of 5");
    // Back is where one was: in the file, on that line.
    let shown = screen((120, 40), &format!("{at}o"));
    has(&shown, "Blame  as it is now");
    has(row(&shown), "log::debug!");
    // Below it lies the timeline as it was before the file was opened; forward is the step again.
    let shown = screen((120, 40), &format!("{at}o<Esc>"));
    has(&shown, "Timeline");
    has(&shown, "Prompt 3 of 5");
    let shown = screen((120, 40), &format!("{at}oO"));
    has(&shown, "Timeline");
    has(&shown, "Prompt 4 of 5");
    // Views that lie on each other come back as they lay, and so does what touched a file.
    let deep = format!("{EDIT}3/Backoff::new<Enter>bbH<Enter>o");
    let shown = screen((120, 40), &deep);
    has(&shown, "History  src/http/retry.rs");
    has(&shown, "3 deep");
}

#[test]
fn signs_say_what_moved_and_what_is_not_exact() {
    let shown = screen((120, 40), &format!("{EDIT}3/Backoff::new<Enter>b"));
    let line = |text: &str| {
        let of_file = |l: &&str| l.contains(text) && l.contains("│ ");
        shown
            .lines()
            .find(of_file)
            .unwrap_or_else(|| panic!("no {text:?} in\n{shown}"))
    };
    has(line("Ok(response) => return"), "⇅");
    has(line("log::debug!"), " ?claude");
    let shown = screen(
        (200, 50),
        &format!("{EDIT}3/Backoff::new<Enter>b/Ok(resp<Enter>"),
    );
    has(&shown, "moved by claude, prompt 4");
    // Without such signs in the font there are plain ones.
    let mut plain = options();
    plain.ascii = true;
    let shown = with(&plain, (120, 40), &format!("{EDIT}3/Backoff::new<Enter>b")).text();
    has(&shown, "m ");
    has_not(&shown, "⇅");
}

#[test]
fn any_file_is_reached_from_the_list_and_from_the_summary() {
    let shown = screen((120, 40), "gfretry<Tab>");
    has(&shown, "Blame  as it is now");
    let shown = screen((120, 40), "gfretry<S-Tab>");
    has(&shown, "History  src/http/retry.rs");
    let shown = screen((120, 40), "gsjjH");
    has(&shown, "History  src/http/retry.rs");
    let shown = screen((120, 40), "gfREADME<Tab>");
    has(&shown, "no session read or changed README.md");
    has(&shown, "Timeline");
}

#[test]
fn the_history_shows_each_change_and_the_file_as_it_was_then() {
    let at = format!("{EDIT}H");
    let shown = screen((120, 40), &at);
    has(&shown, "History  src/http/retry.rs  3 changes, 1 look");
    has(&shown, "changed between, nobody saw by whom");
    // On what no step did, the diff shows what it was all the same.
    has(&shown, "No prompt");
    has(&shown, "nobody saw this");
    let shown = screen((120, 40), &format!("{at}jj"));
    has(&shown, "Prompt 3 of 5");
    has(&shown, "Backoff::new(5)");
    let shown = screen((120, 40), &format!("{at}jjb"));
    has(&shown, "Blame  right after the step");
    has_not(&shown, "log::debug!");
    let shown = screen((120, 40), &format!("{at}jj<Enter>"));
    has(&shown, "▌  ● edit   retry.rs");
    let played = with(&options(), (120, 40), &format!("{at}jjE"));
    let old = |e: &Effect| match e {
        Effect::EditOld(path, text, _) => path == "src/http/retry.rs" && text.contains("Backoff"),
        _ => false,
    };
    assert!(played.effects.iter().any(old), "{:?}", played.effects);
}

#[test]
fn what_was_written_says_how_much_of_it_stands() {
    let shown = screen((120, 40), EDIT);
    has(&shown, "12 of 14 lines alive; 2 replaced by prompt 4");
    let shown = screen((120, 40), "gg}}");
    has(&shown, "31 of 40 lines alive; 9 replaced by prompt 4");
    let shown = screen((120, 40), "gs");
    has(&shown, "31 of 40 lines alive; 9 replaced by prompt 4");
    let shown = screen((120, 40), &format!("{EDIT}gl"));
    has(&shown, "Changed later by");
    has(&shown, "prompt 4  edit src/http/retry.rs  2 lines");
    let shown = screen((120, 40), &format!("{EDIT}gl<Enter>"));
    has(&shown, "Prompt 4 of 5");
    has(
        &screen((120, 40), "gl"),
        "no later step changed these lines",
    );
}

#[test]
fn counting_what_stands_of_a_session_is_given_up_when_its_summary_is_left() {
    let mut fake = Fake::live();
    Arc::get_mut(&mut fake).unwrap().endless = true;
    let played = |script: &str| {
        let played = play(&options(), &fake.asker(), (120, 40), Some(true), script);
        played.expect("the count is given up").text()
    };
    // It counts until nobody waits for it any more; meanwhile every key works.
    let shown = played("gs<fast jjjkq>gg}}");
    has(&shown, "31 of 40 lines alive");
    has(&shown, "Timeline");
    let shown = played("gs<fast qgsqgsq>");
    has_not(&shown, "Summary");
}

#[test]
fn a_file_on_the_command_line_is_opened_at_its_line() {
    let mut own = options();
    own.file = Some(("src/http/retry.rs".to_owned(), 7));
    let shown = with(&own, (120, 40), "").text();
    has(&shown, "▌ 7         let policy");
    has(&shown, "Prompt 3 of 5");
    let shown = with(&own, (120, 40), "<Esc>").text();
    has(&shown, "Timeline");
    own.file = Some(("nowhere.rs".to_owned(), 1));
    let shown = with(&own, (80, 24), "").text();
    has(&shown, "no session read or changed nowhere.rs");
}

#[test]
fn the_panes_work_as_elsewhere() {
    let at = format!("{EDIT}3/Backoff::new<Enter>b");
    // The mouse.
    let shown = screen((120, 40), &format!("{at}<click 30,5>"));
    has(&shown, "▌ 3 pub struct Client;");
    // News keep the place and the way back.
    let shown = screen((120, 40), &format!("{at}b<changed>"));
    has(&shown, "2 deep");
    let shown = screen((120, 40), &format!("{at}<changed>"));
    has(row(&shown), "Backoff::new(5)");
    // What is about the timeline, which is not to be seen, is not done.
    let shown = screen((120, 40), &format!("{at}T"));
    has(&shown, "Esc goes back");
    has(&shown, "Blame");
    // The editor opens the file as it is, and a copy is of its line.
    let played = with(&options(), (120, 40), &format!("{at}eyy"));
    let edit = |e: &Effect| matches!(e, Effect::Edit(path, 7) if path == "src/http/retry.rs");
    assert!(played.effects.iter().any(edit), "{:?}", played.effects);
    let copy = |e: &Effect| matches!(e, Effect::Copy("line", text) if text.contains("let policy"));
    assert!(played.effects.iter().any(copy), "{:?}", played.effects);
    for (width, height) in [(1, 1), (3, 2), (10, 4), (47, 16), (500, 3)] {
        screen(
            (120, 40),
            &format!("{at}<size {width}x{height}>jbH<Esc><Esc>"),
        );
    }
}

#[test]
fn without_colours_everything_is_still_said() {
    let mut plain = options();
    plain.environment.no_color = true;
    let script = format!("{EDIT}3/Backoff::new<Enter>b");
    let played = play(&plain, &Fake::live().asker(), (120, 40), None, &script).unwrap();
    for cell in &played.screen.content {
        let style = cell.style();
        let plain = [style.fg, style.bg].map(|c| c.is_none_or(|c| c == Default::default()));
        assert_eq!(plain, [true, true], "a colour in spite of NO_COLOR");
    }
    has(&played.text(), "claude    3");
}

/// Everything foreign is hostile here, too.
#[test]
fn hostile_lines_and_names_do_nothing() {
    let bad = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}evil\u{200b}\u{9b}31m\0\tx";
    let mut fake = Fake::live();
    let inner = Arc::get_mut(&mut fake).unwrap();
    for prompt in &mut inner.prompts {
        prompt.text = bad.to_owned();
        for step in &mut prompt.steps {
            step.info.title = bad.to_owned();
            for change in &mut step.changes {
                let text = |c: &regent_tui::query::types::Content| match c {
                    regent_tui::query::types::Content::Text(t) => {
                        regent_tui::query::types::Content::Text(format!("{bad}\n{t}").into())
                    }
                    other => other.clone(),
                };
                (change.before, change.after) = (text(&change.before), text(&change.after));
            }
        }
    }
    for script in ["b", "bb", "H", "Hj", "gl", "b<Enter>", "bG", "bjH"] {
        for size in [(120, 40), (69, 24), (40, 12)] {
            let script = format!("{EDIT}3{script}");
            let played = play(&options(), &fake.asker(), size, Some(true), &script).unwrap();
            for cell in &played.screen.content {
                let symbol = cell.symbol();
                assert!(
                    regent_tui::text::is_safe_symbol(symbol) && symbol != "\u{fffd}",
                    "{symbol:?} after {script:?}\n{}",
                    played.text()
                );
            }
        }
    }
}
