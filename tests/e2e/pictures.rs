//! The pictures in `screenshots/`, made from the cells of the real program. `screenshots/make.sh` runs this; the clock
//! stands still, so that they come out the same every time.
//!
//! `REGENT_PICTURES=write` makes them, `check` compares them with those that are there; `REGENT_PICTURES_IN` names
//! another folder, and `REGENT_PICTURE` only one of them.

use std::path::{Path, PathBuf};

use crate::home::{Home, TOLD};
use crate::svg::{Window, picture};
use crate::term::{Background, Term};

/// How to get one picture.
struct Picture {
    name: &'static str,
    size: (u16, u16),
    background: Background,
    /// What to type, piece by piece; each is drawn before the next.
    keys: &'static [&'static str],
    /// What must stand there in the end.
    shows: &'static str,
}

/// The step that most of them show: an edit in the middle of the story, of which words within lines changed.
const PICTURES: &[Picture] = &[
    picture_of(
        "explorer",
        (120, 40),
        Background::Dark,
        &["\x1b[C", "gg", ")", ")"],
        "replayed",
    ),
    picture_of(
        "half-pane",
        (69, 45),
        Background::Dark,
        &["\x1b[C", "gg", ")", ")"],
        "replayed",
    ),
    picture_of(
        "side-by-side",
        (200, 50),
        Background::Dark,
        &["\x1b[C", "gg", ")", ")", "D"],
        "replayed",
    ),
    picture_of(
        "sessions",
        (120, 24),
        Background::Dark,
        &[],
        "this repository 5",
    ),
    picture_of(
        "summary",
        (120, 40),
        Background::Dark,
        &["\x1b[C", "gs"],
        "10 prompts",
    ),
    picture_of(
        "find",
        (120, 32),
        Background::Dark,
        &["F", "retry"],
        "in 5 sessions",
    ),
    picture_of(
        "failing-test",
        (120, 40),
        Background::Dark,
        &["\x1b[C", "gg", "t"],
        "✗ 101",
    ),
    picture_of(
        "light",
        (120, 40),
        Background::Light,
        &["\x1b[C", "gg", ")", ")"],
        "replayed",
    ),
    picture_of(
        "small",
        (80, 24),
        Background::Dark,
        &["\x1b[C", "gg", ")", ")"],
        "replayed",
    ),
];

const fn picture_of(
    name: &'static str,
    size: (u16, u16),
    background: Background,
    keys: &'static [&'static str],
    shows: &'static str,
) -> Picture {
    Picture {
        name,
        size,
        background,
        keys,
        shows,
    }
}

/// The demo's project and sessions, in a folder whose name is the same everywhere; told of the folder in the story.
fn home() -> Home {
    let root = std::env::temp_dir().join("regent-tui-pictures");
    let _ = std::fs::remove_dir_all(&root);
    std::fs::create_dir_all(&root).unwrap();
    let home = Home::at(root.canonicalize().unwrap());
    home.write_demo(TOLD);
    let here = home.shop();
    home.run(&["ingest", "--map", &format!("{TOLD}={}", here.display())]);
    home
}

fn take(home: &Home, wanted: &Picture) -> String {
    let mut term = home
        .start(&[])
        .size(wanted.size.0, wanted.size.1)
        .background(wanted.background)
        .env("COLORTERM", "truecolor")
        .go();
    term.see("why");
    term.still();
    for keys in wanted.keys {
        term.press(keys);
    }
    term.see(wanted.shows);
    term.still();
    let window = match wanted.background {
        Background::Light => Window::light("regent-tui"),
        _ => Window::dark("regent-tui"),
    };
    let svg = term.with_screen(|s| picture(s, &window));
    leave(&mut term);
    svg
}

fn leave(term: &mut Term) {
    // Out of a box that would take it for text.
    term.press("\x1b");
    term.keys("Q");
    assert!(term.leaves().success());
}

fn folder() -> PathBuf {
    match std::env::var_os("REGENT_PICTURES_IN") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots"),
    }
}

#[test]
#[ignore = "screenshots/make.sh runs it"]
fn pictures() {
    let check = match std::env::var("REGENT_PICTURES").as_deref() {
        Ok("write") => false,
        Ok("check") | Err(_) => true,
        Ok(other) => panic!("REGENT_PICTURES is `write` or `check`, not {other}"),
    };
    let one = std::env::var("REGENT_PICTURE").ok();
    let mut differ = Vec::new();
    for wanted in PICTURES
        .iter()
        .filter(|p| one.as_deref().is_none_or(|o| o == p.name))
    {
        let file = folder().join(format!("{}.svg", wanted.name));
        // A store of its own: what was looked at before must not show.
        let svg = take(&home(), wanted);
        if !check {
            std::fs::create_dir_all(folder()).unwrap();
            std::fs::write(file, svg).unwrap();
        } else if std::fs::read_to_string(&file).unwrap_or_default() != svg {
            differ.push(wanted.name);
        }
    }
    assert!(
        differ.is_empty(),
        "not as the program looks: {differ:?}; run screenshots/make.sh"
    );
}
