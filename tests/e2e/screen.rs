//! The screen in a terminal: what is there first, moving, finding, every size.

use crate::home::{Home, NOW};
use crate::term::{Background, Start, Term, rows};

/// Leaves by `Q`, and all is as before.
#[track_caller]
pub fn quit(mut term: Term) {
    term.keys("Q");
    assert!(term.leaves().success());
}

/// The newest session of the demo, opened on its timeline.
fn opened(home: &Home) -> Term {
    let term = home.open();
    term.see("why does checkout hang");
    term.keys("\x1b[C");
    term.see("Timeline");
    term.see("10 commit, don't push");
    term
}

#[test]
fn the_demo_opens_and_says_what_to_press() {
    let home = Home::empty();
    let term = Start::program(&["demo"], home.path("").as_path(), &home.shop())
        .env("REGENT_NOW", NOW)
        .go();
    term.see("j k move");
    term.see("retry.rs");
    quit(term);
    let left: Vec<_> = std::fs::read_dir(home.path(""))
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert_eq!(
        left,
        ["src"],
        "the example's folder is gone, and nothing else was written"
    );
}

#[test]
fn the_first_start_reads_and_lists_what_is_there() {
    let home = Home::demo();
    let term = home.open();
    for text in [
        "why does checkout hang",
        "send an idempotency key",
        "this repository 5",
    ] {
        term.see(text);
    }
    quit(term);
    assert!(home.shop().join(".regent/history.db").exists());
}

#[test]
fn an_empty_folder_teaches() {
    let home = Home::empty();
    let term = home.open();
    for text in [".claude", ".codex", "regent-tui demo"] {
        term.see(text);
    }
    // Enter shows the demo, and leaving that leaves the program.
    term.keys("\r");
    term.see("j k move");
    term.see("retry.rs");
    quit(term);
    assert!(
        !home.shop().join(".regent").exists(),
        "nothing was found, so nothing is made"
    );
}

#[test]
fn moving_opening_and_coming_back() {
    let home = Home::demo();
    let term = opened(&home);
    term.keys("gg");
    term.see("Prompt 1 of 10");
    term.keys("}");
    term.see("Prompt 2 of 10");
    term.keys(")");
    term.see("Diff");
    term.keys("j\r");
    term.keys("\x1b");
    term.keys("G");
    term.see("Prompt 10 of 10");
    term.keys("S");
    term.see("Sessions");
    term.keys("\x1b");
    term.gone("Sessions ─");
    quit(term);
    // It opens where it was left.
    let again = home.open();
    again.see("Prompt 10 of 10");
    quit(again);
}

#[test]
fn finding_filtering_helping() {
    let home = Home::demo();
    let term = opened(&home);
    term.keys("F");
    term.see("Find");
    term.keys("retry");
    term.gone(" 0 in 0 sessions");
    term.see("cargo test");
    term.keys("\x1b");
    term.gone("Find ─");
    term.keys("f");
    term.keys("failed\r");
    term.gone("CHANGELOG.md");
    term.keys("\x1bG");
    term.see("CHANGELOG.md");
    term.keys("?");
    term.see("half a page down");
    term.keys("\x1b");
    term.gone("half a page down");
    term.keys(":");
    term.keys("densi");
    term.see("how much the timeline shows");
    term.keys("\x1b");
    term.gone("how much the timeline shows");
    quit(term);
}

/// Whether a frame fills a screen of this size: something stands in the first and the last row, nothing is cut.
fn fills(screen: &vt100::Screen, (width, height): (u16, u16)) -> bool {
    let rows = rows(screen);
    let full = |row: &String| !row.trim().is_empty();
    screen.size().1.get() == width
        && rows.len() == usize::from(height)
        && rows.first().is_some_and(full)
        && rows.last().is_some_and(full)
        && rows.iter().filter(|r| full(r)).count() > rows.len() / 2
}

#[test]
fn every_size_and_back() {
    const SIZES: [(u16, u16); 6] = [(200, 50), (120, 40), (80, 24), (69, 45), (60, 20), (40, 12)];
    let home = Home::demo();
    let term = opened(&home);
    term.press("k");
    term.press("j");
    let first = term.text();
    for size in SIZES
        .into_iter()
        .chain(SIZES.into_iter().rev())
        .chain([(12, 3), (1, 1)])
    {
        term.resize(size.0, size.1);
        if size.0 > 12 {
            term.wait(&format!("a frame of {size:?}"), |s| fills(s, size));
        }
        term.press("k");
        term.press("j");
    }
    term.resize(120, 40);
    term.wait("the size of the start", |s| fills(s, (120, 40)));
    term.still();
    assert_eq!(
        term.text(),
        first,
        "resizing and coming back changes nothing"
    );
    quit(term);
}

#[test]
fn a_storm_of_sizes_ends_in_the_right_one() {
    let home = Home::demo();
    let term = opened(&home);
    for n in 0..60 {
        term.resize(40 + (n * 37) % 160, 10 + (n * 13) % 40);
    }
    term.resize(100, 30);
    term.wait("the last size", |s| fills(s, (100, 30)));
    quit(term);
}

#[test]
fn terminals_that_say_nothing_are_not_waited_for() {
    let home = Home::demo();
    for background in [Background::Light, Background::Unknown, Background::Mute] {
        let term = home.start(&[]).background(background).go();
        term.see("claude ");
        quit(term);
    }
    let late = home.start(&[]).background(Background::Mute).go();
    late.see("claude ");
    late.still();
    let before = late.text();
    // The answer comes a second too late: it is not typed into the program.
    late.press("\x1b]11;rgb:1111/2222/3333\x1b\\");
    late.press("\x1b[?62;22c");
    assert_eq!(late.text(), before);
    quit(late);
}

#[test]
fn readable_without_colours() {
    let home = Home::demo();
    for (name, value, coloured) in [
        ("NO_COLOR", "1", false),
        ("TERM", "dumb", false),
        ("TERM", "xterm", true),
        ("COLORTERM", "truecolor", true),
    ] {
        let term = home.start(&[]).env(name, value).go();
        term.see("claude ");
        term.still();
        let any = term.with_screen(|s| {
            let cells = (0..40).flat_map(|row| (0..120).map(move |column| (row, column)));
            cells.filter_map(|(r, c)| s.cell(r, c)).any(|c| {
                c.fgcolor() != vt100::Color::Default || c.bgcolor() != vt100::Color::Default
            })
        });
        assert_eq!(any, coloured, "{name}={value}");
        quit(term);
    }
}

#[test]
fn clicks_and_wheel_do_what_keys_do() {
    let home = Home::demo();
    let term = opened(&home);
    let at = |text: &str| {
        let row = term.with_screen(|s| rows(s).iter().position(|r| r.contains(text)).unwrap());
        row + 1
    };
    let row = at("9  good. changelog");
    term.keys(&format!("\x1b[<0;12;{row}M\x1b[<0;12;{row}m"));
    term.see("Prompt 9 of 10");
    term.keys("\x1b[<64;12;12M\x1b[<64;12;12M\x1b[<65;12;12M");
    term.keys("M");
    term.still();
    assert!(
        !term.with_stream(|s| s.mode(1000) || s.mode(1006)),
        "the mouse is the terminal's again"
    );
    quit(term);
}
