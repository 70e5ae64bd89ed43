//! The screen of rewind: keys in, screen out, and what reached the work folder.
//!
//! `SCRIPT='R|R!' SIZES='120x40' cargo test --test ui_rewind look -- --ignored --nocapture` prints screens for the eye.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "support/fake_ask.rs"]
mod fake_ask;
#[allow(dead_code)]
#[path = "support/fake_authors.rs"]
mod fake_authors;
#[path = "support/fake_door.rs"]
mod fake_door;
#[allow(dead_code)]
#[path = "support/story.rs"]
mod story;

use std::path::PathBuf;
use std::sync::Arc;

use fake_ask::Fake;
use fake_door::FakeDoor;
use jiff::tz::TimeZone;
use ratatui::style::Modifier;
use regent_tui::query::Target;
use regent_tui::query::past::Reach;
use regent_tui::rewind::Lines;
use regent_tui::ui::door::{Back, Order};
use regent_tui::ui::message::Effect;
use regent_tui::ui::stage::{Played, play};
use regent_tui::ui::{Environment, Options};

/// The cursor goes to the edit in prompt 3.
const ON_STEP: &str = "kkkkkkkkk";

fn options(door: &Arc<FakeDoor>, no_color: bool) -> Options {
    let environment = Environment {
        term: Some("xterm-256color".to_owned()),
        no_color,
        ..Environment::default()
    };
    let clock = Arc::new(story::now);
    let mut options = Options::new(PathBuf::from("/shop"), clock, TimeZone::UTC, environment);
    options.home.folder = "~/src/shop".to_owned();
    options.door = Some(door.opener());
    options
}

fn at(door: &Arc<FakeDoor>, size: (u16, u16), script: &str) -> Played {
    let script = format!("{ON_STEP}{script}");
    play(
        &options(door, false),
        &Fake::live().asker(),
        size,
        Some(true),
        &script,
    )
    .expect("plays")
}

fn run(script: &str) -> (Arc<FakeDoor>, String) {
    let door = Arc::new(FakeDoor::default());
    let text = at(&door, (120, 40), script).text();
    (door, text)
}

fn back(door: &FakeDoor) -> Back {
    match door.last() {
        Order::Back(back) => *back,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn has(screen: &str, text: &str) {
    assert!(screen.contains(text), "no {text:?} in\n{screen}");
}

#[test]
#[ignore = "prints screens for the eye"]
#[allow(clippy::print_stdout)]
fn look() {
    let sizes = std::env::var("SIZES").unwrap_or("120x40 80x24".to_owned());
    for script in std::env::var("SCRIPT").unwrap_or("R".to_owned()).split('|') {
        for size in sizes.split_whitespace() {
            let (width, height) = size.split_once('x').unwrap();
            let size = (width.parse().unwrap(), height.parse().unwrap());
            println!("{}", at(&Arc::default(), size, script).text());
        }
    }
}

#[test]
fn planning_writes_nothing_and_shows_every_file_with_its_reason() {
    let (door, shown) = run("R");
    assert_eq!(door.applied(), 0);
    assert_eq!(
        back(&door),
        Back {
            before: false,
            only: false,
            ..back(&door)
        }
    );
    for text in [
        "nothing is written yet",
        "[x] restore   src/http/retry.rs",
        "[x] delete    tests/retry_backoff.rs",
        "[ ] keep      src/main.rs",
        " !  cannot    data/big.bin",
        "changed by you at 14:24",
        "2 files change · everything replaced is stored first · u undoes it",
        "claude keeps its memory: c copies a note",
        "undone from here",
    ] {
        has(&shown, text);
    }
}

#[test]
fn a_prompt_is_undone_itself_and_a_file_of_the_diff_alone() {
    let (door, _) = run("{R");
    assert!(back(&door).before);
    let (door, _) = run("3ggR");
    let file = back(&door);
    assert_eq!(file.paths, [b"src/http/retry.rs".to_vec()]);
    assert!(file.only && file.parts.is_empty());
}

#[test]
fn two_keys_apply_it_and_enter_is_neither() {
    for script in [
        "R<Enter>",
        "R<wait><Enter><wait><Enter>",
        "R!<wait><Enter>",
        "Ry",
        "R<wait>y<wait>y",
        "R<wait>!<Esc>",
        "R!<wait><Enter><wait>y",
    ] {
        let (door, shown) = run(script);
        assert_eq!(door.applied(), 0, "{script}\n{shown}");
    }
    let (door, shown) = run("R!<wait>y");
    assert_eq!(door.applied(), 1);
    has(
        &shown,
        "2 files done · 2 read again and found right · u undoes it",
    );
    has(&shown, "✓ restored    src/http/retry.rs");
    has(&shown, "verified: it is gone");
    let (_, shown) = run("R!<wait>y<Esc>");
    has(&shown, "rewound 2 files · u");
}

#[test]
fn armed_is_said_in_words_with_a_double_frame() {
    let (_, shown) = run("R!");
    has(&shown, "y  rewind 2 files now");
    has(&shown, "╔");
    assert!(!shown.contains("╭ Rewind"));
    let (_, shown) = run("R <wait>!");
    has(&shown, "y  rewind 1 file now");
}

#[test]
fn pasted_text_applies_nothing() {
    for script in [
        "R<paste !y>",
        "R!<wait><paste y>",
        "R!<wait><paste y><wait>y",
    ] {
        let (door, shown) = run(script);
        assert_eq!(door.applied(), 0, "{script}\n{shown}");
    }
}

#[test]
fn keys_that_come_too_soon_are_ignored() {
    // As a terminal without bracketed paste would send it.
    for script in ["R!y", "R<wait><fast !y>", "R!yyyyyy"] {
        let (door, shown) = run(script);
        assert_eq!(door.applied(), 0, "{script}");
        has(&shown, "y  rewind 2 files now");
    }
    let (door, _) = run("R!yj<wait>y");
    assert_eq!(door.applied(), 1, "ignored keys do not disarm");
}

#[test]
fn any_other_key_disarms() {
    for key in [
        "j",
        "<Space>",
        "d",
        "!",
        "<Esc>",
        "u",
        "q",
        "<C-c>",
        "R",
        "?",
        "B",
        "<click 3,3>",
    ] {
        let (door, shown) = run(&format!("R!<wait>{key}<wait>y"));
        assert_eq!(door.applied(), 0, "{key}");
        assert!(!shown.contains("now · any"), "{key}\n{shown}");
    }
}

#[test]
fn a_session_at_work_is_armed_only_when_asked_twice() {
    let busy = || {
        Arc::new(FakeDoor {
            busy: true,
            warnings: vec!["session s2 is at work in the same tree; it changed src/main.rs".into()],
            ..FakeDoor::default()
        })
    };
    let door = busy();
    let shown = at(&door, (120, 40), "R!<wait>y").text();
    assert_eq!(door.applied(), 0);
    has(&shown, "the same tree; it changed src/main.rs");
    let shown = at(&busy(), (120, 40), "R!").text();
    has(&shown, "! once more arms it all the same");
    let door = busy();
    at(&door, (120, 40), "R!<wait>!<wait>y");
    assert_eq!(door.applied(), 1);
}

#[test]
fn ticks_choose_what_is_applied() {
    let (door, shown) = run("R <wait>!<wait>y");
    let applied = door.applied.lock().unwrap();
    let ticked: Vec<&str> = applied[0].ticked().map(|f| f.path.as_str()).collect();
    assert_eq!(ticked, ["tests/retry_backoff.rs"]);
    has(&shown, "1 file done");
    let (_, shown) = run("RA");
    has(&shown, "nothing to do: no file is ticked");
    assert!(!shown.contains("! arm"), "{shown}");
    let (_, shown) = run("RAA");
    has(&shown, "2 files change");
    let (door, _) = run("RA!<wait>y");
    assert_eq!(door.applied(), 0);
}

#[test]
fn what_would_be_kept_can_be_taken_or_merged() {
    let (door, shown) = run("Rjj ");
    assert_eq!(back(&door).take, [b"src/main.rs".to_vec()]);
    has(&shown, "[x] restore   src/main.rs");
    let (door, shown) = run("Rjj  ");
    assert!(back(&door).take.is_empty());
    has(&shown, "[ ] keep      src/main.rs");
    let (door, shown) = run("Rjjm");
    assert_eq!(back(&door).merge, [b"src/main.rs".to_vec()]);
    has(&shown, "[x] merge     src/main.rs");
    has(&shown, "3 files change");
    let (_, shown) = run("Rjjj ");
    has(&shown, "unrecoverable: never stored");
}

#[test]
fn before_after_and_only_this() {
    assert!(back(&run("RB").0).before);
    assert!(!back(&run("RBB").0).before);
    let (door, shown) = run("R<Tab>");
    assert!(back(&door).only);
    has(&shown, "Revert: undoes only");
    has(&shown, "only this is undone");
    let (_, shown) = run("R<Tab>!");
    has(&shown, "y  revert 2 files now");
}

#[test]
fn the_diff_and_the_note() {
    let (_, shown) = run("Rd");
    has(&shown, "before");
    has(&shown, "[x] restore");
    let played = at(&Arc::default(), (120, 40), "Rc");
    let note = played.effects.iter().find_map(|e| match e {
        Effect::Copy("note for the agent", text) => Some(text.clone()),
        _ => None,
    });
    has(&note.unwrap(), "Put back: src/http/retry.rs");
}

#[test]
fn undo_and_redo_are_plans_too() {
    let (door, shown) = run("R!<wait>yu");
    assert_eq!(door.last(), Order::Undo);
    has(&shown, "Undo the last rewind · nothing is written yet");
    let (door, shown) = run("U!");
    assert_eq!((door.last(), door.applied()), (Order::Redo, 0));
    has(&shown, "y  redo 2 files now");
}

#[test]
fn what_goes_wrong_is_said_in_plain_words() {
    let door = Arc::new(FakeDoor {
        fails: Some(
            "src/main.rs changed while it was being put back; everything was put back as it was",
        ),
        ..FakeDoor::default()
    });
    let shown = at(&door, (120, 40), "R!<wait>y").text();
    has(&shown, "FAILED");
    has(&shown, "look at a new plan");
    assert!(!shown.contains("rewound"));
    let door = Arc::new(FakeDoor {
        refuses: Some("nothing that would be undone changed it"),
        ..FakeDoor::default()
    });
    let shown = at(&door, (120, 40), "R!<wait>y").text();
    has(&shown, "nothing that would be undone changed it");
    assert_eq!(door.applied(), 0);
}

#[test]
fn a_refusal_takes_no_more_room_than_its_words() {
    // Also where a diff was looked at before.
    let door = Arc::new(FakeDoor {
        refuses_before: true,
        ..FakeDoor::default()
    });
    for script in ["RB", "RdB"] {
        let shown = at(&door, (200, 50), script).text();
        let lines: Vec<&str> = shown.lines().collect();
        let top = lines.iter().position(|l| l.starts_with("╭─ Rewind"));
        let top = top.unwrap_or_else(|| panic!("no frame in\n{shown}"));
        assert!(
            lines[top + 1].contains("there is nothing before it"),
            "{shown}"
        );
        assert!(lines[top + 2].starts_with('╰'), "{shown}");
        assert_eq!(lines.len(), top + 4, "{shown}");
    }
}

#[test]
fn an_interrupted_rewind_is_told_and_taken_back_only_on_asking() {
    let door = || {
        let door = FakeDoor::default();
        *door.interrupted.lock().unwrap() = Some("a rewind was begun here and not finished".into());
        Arc::new(door)
    };
    let first = door();
    let shown = at(&first, (120, 40), "").text();
    has(&shown, "! a rewind was interrupted · u takes it back");
    assert_eq!(*first.recovered.lock().unwrap(), 0);
    let second = door();
    let shown = at(&second, (120, 40), "u!<wait>y").text();
    assert_eq!(*second.recovered.lock().unwrap(), 1);
    has(&shown, "2 paths are as they were");
    assert!(!shown.contains("was interrupted ·"));
}

#[test]
fn it_is_whole_at_every_size_and_without_colours() {
    for size in [(200, 50), (120, 40), (80, 24), (69, 45), (60, 20), (40, 12)] {
        let shown = at(&Arc::default(), size, "R").text();
        insta::assert_snapshot!(format!("rewind_{}x{}", size.0, size.1), shown);
        let shown = at(&Arc::default(), size, "R!").text();
        has(&shown, "rewind 2 files now");
        let shown = at(&Arc::default(), size, "R!<wait>y").text();
        has(&shown, "2 files done");
    }
    let door = Arc::default();
    let script = format!("{ON_STEP}R!");
    let played = play(
        &options(&door, true),
        &Fake::live().asker(),
        (120, 40),
        None,
        &script,
    )
    .unwrap();
    has(&played.text(), "╔");
    let text = played.text();
    let row = text.lines().position(|l| l.contains("ARMED")).unwrap() as u16;
    assert!(
        played.screen[(0, row)]
            .style()
            .add_modifier
            .contains(Modifier::BOLD)
    );
}

#[test]
fn a_hunk_or_a_range_of_the_diff_is_undone_alone() {
    let (door, shown) = run("3]R");
    let hunk = back(&door);
    assert!(hunk.only && !hunk.before && hunk.paths.is_empty());
    assert_eq!(hunk.parts.len(), 1);
    assert_eq!(hunk.parts[0].rel, b"src/http/retry.rs");
    let Lines::Change { old, new, .. } = &hunk.parts[0].lines else {
        panic!("{:?}", hunk.parts);
    };
    assert!(old.len() + new.len() > 1, "a whole hunk: {old:?} {new:?}");
    has(&shown, "of lines in src/http/retry.rs");
    let all = old.len() + new.len();
    // Only the first line of it.
    let (door, _) = run("3]vR");
    let Lines::Change { old, new, .. } = &back(&door).parts[0].lines.clone() else {
        panic!("lines");
    };
    assert_eq!(old.len() + new.len(), 1);
    let (door, _) = run("3]vjR");
    let Lines::Change { old, new, .. } = &back(&door).parts[0].lines.clone() else {
        panic!("lines");
    };
    assert!(old.len() + new.len() <= all);
    // A range without a changed line asks for nothing.
    let (door, shown) = run("3jjvR");
    assert!(door.orders.lock().unwrap().is_empty());
    has(&shown, "nothing was changed in these lines");
}

#[test]
fn what_the_diff_is_of_says_what_is_undone() {
    // Of the prompt; of the session, as far as it goes; against the disk as it is now.
    let (door, _) = run("s3]R");
    let prompt = back(&door);
    assert!(matches!(prompt.target, Target::Prompt(_, 3)) && prompt.only);
    assert_eq!(prompt.parts.len(), 1);
    let (door, _) = run("ss3]R");
    let session = back(&door);
    assert!(matches!(session.target, Target::Prompt(..)) && session.before && !session.only);
    let (door, _) = run("sss3]R");
    let now = back(&door);
    assert!(matches!(now.target, Target::Step(..)) && !now.before && !now.only);
    assert!(matches!(&now.parts[0].lines, Lines::Now(lines) if !lines.is_empty()));
}

#[test]
fn lines_belong_to_the_plan_they_were_picked_for() {
    let (door, _) = run("3]R<Tab>");
    let whole = back(&door);
    assert!(!whole.only && whole.parts.is_empty());
    assert_eq!(whole.paths, [b"src/http/retry.rs".to_vec()]);
    let (door, _) = run("3]R<Tab><Tab>");
    assert_eq!((back(&door).parts.len(), back(&door).paths.len()), (1, 0));
}

#[test]
fn the_plan_can_be_about_every_session() {
    let (door, shown) = run("R");
    assert_eq!(back(&door).reach, Reach::Session);
    has(&shown, "a all sessions");
    let (door, shown) = run("Ra");
    assert_eq!(back(&door).reach, Reach::AllSessions);
    has(&shown, "what every session did since is undone");
    let (door, _) = run("Raa");
    assert_eq!(back(&door).reach, Reach::Session);
}

#[test]
fn what_changed_meanwhile_can_be_left_out() {
    let (door, _) = run("R!<wait>y");
    assert_eq!(*door.partial.lock().unwrap(), [false]);
    let (door, shown) = run("Rp!<wait>y");
    assert_eq!(*door.partial.lock().unwrap(), [true]);
    has(&shown, "2 files done");
    let door = Arc::new(FakeDoor {
        fails: Some("src/main.rs: it is no longer as the plan saw it; nothing was changed"),
        ..FakeDoor::default()
    });
    let shown = at(&door, (120, 40), "R!<wait>y").text();
    has(&shown, "p a new plan that leaves out what changes");
    let shown = at(&door, (120, 40), "R!<wait>yp").text();
    has(&shown, "files that change meanwhile are left out");
    assert_eq!(door.applied(), 2, "offered, and not done by itself");
    let shown = at(&door, (120, 40), "R!<wait>yp!<wait>y").text();
    has(&shown, "2 files done");
}

#[test]
fn a_hunk_of_the_plans_diff_can_be_left_out_and_taken_in_again() {
    let (door, shown) = run("Rdx");
    let left_out = back(&door).without;
    assert_eq!(left_out.len(), 1);
    assert_eq!(left_out[0].0, b"src/http/retry.rs");
    has(&shown, "x leave this hunk out");
    let (door, _) = run("Rdx ");
    assert!(back(&door).without.is_empty());
    let (door, shown) = run("Rx");
    assert!(back(&door).without.is_empty());
    has(&shown, "d shows the diff");
}

#[test]
fn a_new_session_from_a_step_is_one_command_away() {
    let door = Arc::new(FakeDoor::default());
    let played = at(&door, (120, 40), "gb");
    assert_eq!(door.forked.lock().unwrap().len(), 1);
    assert_eq!(door.applied(), 0);
    let copied = played.effects.iter().any(|e| {
        matches!(e, Effect::Copy("command that resumes the new session", text) if text.contains("--resume"))
    });
    assert!(copied, "{:?}", played.effects);
}

#[test]
fn a_frame_has_no_empty_rows_and_a_long_list_says_so() {
    let door = Arc::new(FakeDoor {
        refuses: Some("nothing that would be undone changed it"),
        ..FakeDoor::default()
    });
    let shown = at(&door, (120, 40), "R").text();
    let inside: Vec<&str> = shown
        .lines()
        .skip_while(|l| !l.contains("nothing was written"))
        .skip(1)
        .take_while(|l| !l.starts_with('╰'))
        .collect();
    assert!(!inside.is_empty());
    for row in inside {
        let words = row.trim_matches(['│', ' ']);
        assert!(!words.is_empty(), "an empty row in\n{shown}");
    }
    let shown = at(&Arc::default(), (40, 12), "R").text();
    has(&shown, " 1-3/4 ");
    let shown = at(&Arc::default(), (120, 40), "R").text();
    assert!(!shown.contains("/4 "));
}
