//! Keys in, screen out, through the real loop.
//!
//! `SCRIPT='jj<Enter>|S' SIZES='120x40' cargo test --test ui look -- --ignored --nocapture` prints screens for the eye.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use ratatui::style::Modifier;
use regent_tui::ui::message::Effect;
use regent_tui::ui::model::Home;
use regent_tui::ui::stage::{Played, play};
use regent_tui::ui::{End, Environment, Options};
use support::fake_ask::Fake;
use support::story;

const SIZES: [(u16, u16); 6] = [(200, 50), (120, 40), (80, 24), (69, 45), (60, 20), (40, 12)];

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
        machine: false,
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

/// The line that has a text in it.
fn line<'a>(screen: &'a str, text: &str) -> &'a str {
    screen
        .lines()
        .find(|l| l.contains(text))
        .unwrap_or_else(|| panic!("no {text:?} in\n{screen}"))
}

#[track_caller]
fn has(screen: &str, text: &str) {
    assert!(screen.contains(text), "no {text:?} in\n{screen}");
}

/// Prints screens to be looked at.
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

/// The same on the terminal itself, with its keys.
#[test]
#[ignore = "needs a terminal and a person"]
fn try_out() {
    let environment = Environment::read(|name| std::env::var(name).ok());
    let now = Arc::new(story::now);
    let mut options = Options::new(PathBuf::from("."), now, TimeZone::UTC, environment);
    options.home.folder = "~/src/shop".to_owned();
    let fake = match std::env::var("FAKE").as_deref() {
        Ok("many") => Fake::many(1_000_000),
        _ => Fake::live(),
    };
    let asker = fake.asker();
    regent_tui::ui::run(options, move || asker()).unwrap();
}

#[test]
fn the_explorer_at_every_size() {
    for (width, height) in SIZES {
        let shown = screen((width, height), "kkkkkkkkk");
        insta::assert_snapshot!(format!("explorer_{width}x{height}"), shown);
    }
}

#[test]
fn the_other_screens() {
    for (name, script) in [
        ("sessions", "S"),
        ("summary", "g s".replace(' ', "").as_str()),
        ("find", "Fretry"),
        ("help", "?"),
        ("palette", ":mark"),
        ("which_key", "y<wait>"),
        ("scope_prompt", "kkkkkkkkks"),
        ("files", "gf"),
        ("filter", "f"),
    ] {
        for (width, height) in [(120, 30), (69, 24)] {
            let shown = screen((width, height), script);
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), shown);
        }
    }
}

#[test]
fn without_sessions_the_list_teaches() {
    let shown = at(&Fake::empty(), (80, 24), "").text();
    insta::assert_snapshot!("empty_80x24", shown);
    let played = at(&Fake::empty(), (80, 24), "<Enter>");
    assert_eq!(played.end, Some(End::Demo));
}

#[test]
fn moving_in_the_timeline_moves_prompt_and_diff() {
    let shown = screen((120, 40), "kkkkkkkkk");
    has(&shown, "Prompt 3 of 5");
    has(&shown, "The loop has no bound");
    has(&shown, "Backoff::new(5)");
    let shown = screen((120, 40), "kkkkkkk");
    has(&shown, "panicked at tests/retry.rs:6:5");
}

#[test]
fn the_cursor_row_is_lit_where_the_focus_is() {
    let played = at(&Fake::live(), (120, 40), "kkkkkkkkk");
    let text = played.text();
    let row = text.lines().position(|l| l.contains("▌  ● edit")).unwrap() as u16;
    let style = played.screen[(12, row)].style();
    assert!(style.bg.is_some() && style.add_modifier.contains(Modifier::BOLD));
    let other = played.screen[(12, row + 1)].style();
    assert!(!other.add_modifier.contains(Modifier::BOLD));
    // Without colours it is reversed.
    let mut plain = options();
    plain.environment.no_color = true;
    let played = play(&plain, &Fake::live().asker(), (120, 40), None, "kkkkkkkkk").unwrap();
    let style = played.screen[(12, row)].style();
    assert!(style.add_modifier.contains(Modifier::REVERSED));
    for cell in &played.screen.content {
        let style = cell.style();
        let plain = [style.fg, style.bg].map(|c| c.is_none_or(|c| c == Default::default()));
        assert_eq!(plain, [true, true], "a colour in spite of NO_COLOR");
    }
}

#[test]
fn jumps_go_to_tests_failures_changes_and_back() {
    let shown = screen((120, 40), "T");
    has(&shown, "▌  ◦ run    cargo test retry      ✓ 4.1s");
    let shown = screen((120, 40), "gg<wait>t");
    has(&shown, "▌  ◦ run    cargo test retry       ✗ 101");
    has(&screen((120, 40), "gg)"), "▌  ● edit   retry.rs");
    has(&screen((120, 40), "gg}}"), "▌▾ 3  the retry loop");
    has(&screen((120, 40), "To"), "▌  ◌ run    cargo cl");
    has(&screen((120, 40), "ToO"), "✓ 4.1s");
}

#[test]
fn times_can_be_typed() {
    has(&screen((120, 40), ":14:13<Enter>"), "▌  ● write  retry.rs");
    has(&screen((120, 40), ":soon<Enter>"), "Timeline");
    has(&screen((120, 40), ":99:99<Enter>"), "is no time");
}

#[test]
fn folds_and_densities() {
    let shown = screen((120, 40), "gg<Space>");
    has(line(&shown, "hi! what"), "▸ 1");
    assert!(!shown.contains("README"), "{shown}");
    let shown = screen((120, 40), "ggj<Enter>");
    has(&shown, "▌  ◦ read   README.md");
    let shown = screen((120, 40), "x");
    assert!(!shown.contains("looked"), "{shown}");
    has(&shown, "changes and failures");
    let shown = screen((120, 40), "xx");
    assert!(!shown.contains("● edit"), "{shown}");
}

#[test]
fn a_filter_keeps_some_and_says_what_is_wrong() {
    let shown = screen((120, 40), "fkind:edit<Enter>");
    has(&shown, "3 steps match kind:edit");
    assert!(!shown.contains("cargo test"), "{shown}");
    let shown = screen((120, 40), "fkind:fly<Enter>");
    has(&shown, "kind:fly");
    let shown = screen((120, 40), "fkind:edit<Enter><Esc>");
    has(&shown, "cargo test");
}

#[test]
fn find_goes_to_the_step_and_back() {
    let shown = screen((120, 40), "Fattempts<Enter>");
    has(&shown, "▌▾ 4  also log the attempts");
    let shown = screen((120, 40), "Fattempts<Enter>o");
    has(&shown, "▌  ◌ run");
    let shown = screen((120, 40), "<read 31 40>Fretry");
    has(&shown, "31 of 40 sessions read");
}

#[test]
fn typing_in_find_is_not_held_up_by_answers() {
    let shown = screen((120, 40), "F<fast retry>");
    has(&shown, "› retry");
    has(&shown, "9 in 1 session");
}

#[test]
fn escape_never_quits_and_q_does_level_by_level() {
    let played = at(&Fake::live(), (120, 40), "<Esc><Esc><Esc>j");
    assert_eq!(played.end, None);
    let played = at(&Fake::live(), (120, 40), "?<Esc>q");
    assert_eq!(played.end, Some(End::Quit));
    let left = Fake::live();
    at(&left, (120, 40), "Tq");
    assert!(left.memos.lock().unwrap()["ui.left"].contains("tstep000000000016"));
    let left = Fake::live();
    at(&left, (120, 40), "zq");
    assert!(
        left.memos.lock().unwrap().is_empty(),
        "q left the zoom first"
    );
}

#[test]
fn it_reopens_where_it_was_left() {
    let fake = Fake::story();
    at(&fake, (120, 40), "<Right>TxQ");
    let shown = at(&fake, (120, 40), "").text();
    has(&shown, "▌  ◦ run    cargo test retry      ✓ 4.1s");
    assert!(!shown.contains("looked"), "the density is kept: {shown}");
}

#[test]
fn what_is_new_since_the_last_look_is_ruled_off() {
    let fake = Fake::live();
    fake.memos
        .lock()
        .unwrap()
        .insert("ui.seen.ssession00000000".to_owned(), "16".to_owned());
    let shown = at(&fake, (120, 40), "").text();
    has(&shown, "new since you looked");
}

#[test]
fn marks_and_scopes() {
    let shown = screen((120, 40), "gg<wait>)mGgm");
    has(&shown, "⚑ edit");
    let shown = screen((120, 40), "Tssss");
    has(&shown, "now");
    let shown = screen((120, 40), "kkkkkkkkkss");
    has(&shown, "2 files");
}

#[test]
fn copies_say_what_they_are() {
    let copied = |script: &str| {
        let played = at(&Fake::live(), (120, 40), script);
        let copy = |e: &Effect| match e {
            Effect::Copy(what, text) => Some((*what, text.clone())),
            _ => None,
        };
        played.effects.iter().find_map(copy)
    };
    let resume = "cd /home/ada/src/shop && claude --resume 0b5c-77";
    assert_eq!(copied("yr"), Some(("resume command", resume.to_owned())));
    let codex = "cd /home/ada/src/shop && codex resume 0b5c-77";
    assert_eq!(copied("Sjyr"), Some(("resume command", codex.to_owned())));
    assert_eq!(
        copied("Tyc"),
        Some(("command", "cargo test retry".to_owned()))
    );
    assert_eq!(
        copied("Tyi"),
        Some(("step id", "tstep000000000016".to_owned()))
    );
    let (what, prompt) = copied("Typ").unwrap();
    assert_eq!(what, "prompt");
    assert!(prompt.starts_with("the retry loop"));
    let (what, patch) = copied("kkkkkkkkkyd").unwrap();
    assert_eq!(what, "diff");
    assert!(patch.contains("+++ b/src/http/retry.rs"), "{patch}");
    assert_eq!(copied("Tyd"), None);
}

#[test]
fn the_editor_opens_at_the_line() {
    let played = at(&Fake::live(), (120, 40), "kkkkkkkkk3e");
    let edit = |e: &Effect| matches!(e, Effect::Edit(path, _) if path == "src/http/retry.rs");
    assert!(played.effects.iter().any(edit), "{:?}", played.effects);
}

#[test]
fn ticks_are_kept() {
    let fake = Fake::live();
    let shown = at(&fake, (120, 40), "kkkkkkkkk3<Space>").text();
    has(&shown, "1/3 viewed");
    assert!(fake.viewed.lock().unwrap()["src/http/retry.rs"]);
}

#[test]
fn the_mouse_clicks_scrolls_and_drags() {
    let shown = screen((120, 40), "<click 12,13>");
    has(&shown, "▌  ● edit   retry.rs");
    let shown = screen((120, 40), "<click 42,20><drag 60,20><drop 60,20>");
    assert!(
        line(&shown, "Timeline").find("Prompt").unwrap() > 60,
        "{shown}"
    );
    let played = at(&Fake::live(), (120, 40), "M");
    assert!(played.effects.contains(&Effect::Mouse(false)));
}

#[test]
fn resizing_keeps_the_place() {
    let shown = screen((120, 40), "T<size 80x24><size 40x12><size 200x50>");
    has(&shown, "cargo test retry");
    has(line(&shown, "✓ 4.1s"), "▌");
    for (width, height) in [(1, 1), (3, 2), (10, 4), (47, 16), (500, 3)] {
        at(
            &Fake::live(),
            (120, 40),
            &format!("T<size {width}x{height}>jS<Enter>Fx"),
        );
    }
}

#[test]
fn in_one_pane_enter_goes_in_and_escape_comes_back() {
    let shown = screen((40, 12), "kkkkkkkkk<Enter>");
    has(&shown, "3 › edit retry.rs › diff");
    let shown = screen((40, 12), "kkkkkkkkk<Enter><Esc>");
    has(&shown, "▌  ● edit");
}

#[test]
fn a_million_steps_keep_up_with_the_keys() {
    let fake = Fake::many(1_000_000);
    let start = Instant::now();
    let shown = at(&fake, (120, 40), "").text();
    let opened = start.elapsed();
    has(&shown, "Prompt 10000 of");
    let start = Instant::now();
    at(&fake, (120, 40), &"k".repeat(300));
    let moved = start.elapsed().saturating_sub(opened);
    // Far more than it takes, also without optimisation; a linear walk for each key would take minutes.
    assert!(moved < Duration::from_secs(20), "{moved:?}");
    let shown = at(&fake, (120, 40), "gg<wait>t").text();
    has(&shown, "✗");
}

#[test]
fn keys_of_the_user_are_merged_and_refused_by_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    std::fs::write(&path, "density = [\"X\"]\n").unwrap();
    let mut own = options();
    own.keys = Some(path.clone());
    let shown = play(&own, &Fake::live().asker(), (120, 40), None, "X").unwrap();
    has(&shown.text(), "changes and failures");
    std::fs::write(&path, "zoom = [\"z\"]\ndensity = [\"j\"]\n").unwrap();
    let refused = play(&own, &Fake::live().asker(), (120, 40), None, "").unwrap_err();
    has(&refused.to_string(), "keys.toml:2: `j` (density)");
}

#[test]
fn words_are_searched_among_the_steps_and_in_the_diff() {
    let shown = screen((120, 40), "gg<wait>/cargo test<Enter>");
    has(&shown, "▌  ◦ run    cargo test retry       ✗ 101");
    let shown = screen((120, 40), "gg<wait>/cargo test<Enter>n");
    has(&shown, "▌  ◦ run    cargo test retry      ✓ 4.1s");
    let shown = screen((120, 40), "kkkkkkkkk3/Backoff<Enter>n");
    has(&shown, "Backoff 2/2");
}

#[test]
fn news_keep_the_place_and_the_view() {
    let shown = screen((120, 40), "kkkkkkkkki<changed>");
    has(&shown, "▌  ● edit   retry.rs");
    has(&shown, "Output");
    let shown = screen((120, 40), "Fretry<Down><Down><changed>");
    has(line(&shown, "▌"), "read");
    let shown = screen((120, 40), "fkind:edit<Enter><changed>");
    has(&shown, "3 steps match");
}

/// Everything foreign is hostile: nothing of it may reach a cell as it is, and the last sweep must find nothing to do.
#[test]
fn hostile_texts_are_shown_and_do_nothing() {
    let bad =
        "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}evil\u{2066}\u{200b}\u{e0041}\u{9b}31m\0\t\r\u{85}x";
    let mut fake = Fake::live();
    let inner = Arc::get_mut(&mut fake).unwrap();
    for session in &mut inner.sessions {
        session.title = bad.to_owned();
        session.branch = Some(bad.to_owned());
        session.model = Some(bad.to_owned());
        session.last_words = Some(bad.to_owned());
        session.warnings = vec![bad.to_owned()];
    }
    for prompt in &mut inner.prompts {
        prompt.text = bad.to_owned();
        prompt.reply = bad.to_owned();
        for step in &mut prompt.steps {
            step.info.title = bad.to_owned();
            step.info.target = bad.to_owned();
            step.reply = bad.to_owned();
            step.output = bad.to_owned();
        }
    }
    let mut own = options();
    own.home.folder = bad.to_owned();
    own.home.branch = Some(bad.to_owned());
    for script in [
        "",
        "kkkkkk",
        "S",
        "gs",
        "Fevil",
        "F<paste \u{1b}[2J\u{202e}>",
        "kkkki",
        "kkkkii",
        "gf",
        "f<paste \u{1b}]0;x\u{7}>",
        "/<paste \u{202e}>",
        "?<paste \u{200b}>",
        ":<paste \u{9b}>",
        "x",
        "xx",
    ] {
        for size in [(120, 40), (69, 24), (40, 12)] {
            let played = play(&own, &fake.asker(), size, Some(true), script).unwrap();
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

#[test]
fn sessions_appear_while_they_are_read() {
    let shown = at(&Fake::empty(), (80, 24), "<read 3 40>").text();
    has(&shown, "3 of 40 transcripts read");
    has(&shown, "3 of 40 sessions read");
    assert!(!shown.contains("No coding agent"), "{shown}");
}

#[test]
fn the_list_comes_first_when_nothing_is_live() {
    let shown = at(&Fake::story(), (120, 30), "").text();
    insta::assert_snapshot!("first_120x30", shown);
    assert_eq!(at(&Fake::story(), (120, 30), "q").end, Some(End::Quit));
    let shown = at(&Fake::story(), (120, 30), "<Right>").text();
    has(&shown, "Timeline");
    let shown = at(&Fake::story(), (120, 30), "<Enter>").text();
    has(&shown, "Last words");
}

#[test]
fn code_in_a_reply_is_laid_out_by_a_worker() {
    let shown = screen((120, 40), "gg<wait>}");
    has(&shown, "Err(e) if e.is_retryable() => continue,");
    assert!(!shown.contains("```"), "{shown}");
}

#[test]
fn what_hooks_told_is_said_and_then_nothing_is_guessed() {
    // The last step of the story runs since 14:30:48, and nobody told anything.
    has(&screen((80, 24), ""), "may be waiting for permission");
    for size in [(120, 40), (80, 24), (60, 20)] {
        let shown = at(&Fake::told("14:30:49", Some("14:30:50")), size, "").text();
        has(&shown, "asked for permission");
        assert!(!shown.contains("may be"), "{shown}");
        // Hooks are at work, and none asked.
        let shown = at(&Fake::told("14:30:49", None), size, "").text();
        assert!(!shown.contains("permission"), "{shown}");
    }
    // They told something before the step, and not of it: they may be gone.
    let shown = at(&Fake::told("14:20:00", None), (80, 24), "").text();
    has(&shown, "may be waiting for permission");
}

#[test]
fn a_title_is_asked_for_only_where_it_is_wanted() {
    let titles = |options: &Options| -> Vec<String> {
        let fake = Fake::told("14:30:49", Some("14:30:50"));
        let played = play(options, &fake.asker(), (80, 24), Some(true), "jk").unwrap();
        let titles = played.effects.into_iter().filter_map(|e| match e {
            Effect::Title(title) => Some(title),
            _ => None,
        });
        titles.collect()
    };
    assert_eq!(titles(&options()), [""; 0]);
    let wanted = Options {
        title: true,
        ..options()
    };
    let told = titles(&wanted);
    assert_eq!(told.last().unwrap(), "? regent-tui: asked for permission");
    // Each once: a title that stands there is not set again.
    assert!(told.windows(2).all(|t| t[0] != t[1]), "{told:?}");
}

#[test]
fn what_agents_are_about_to_delete_stands_below_the_list() {
    let mut fake = Fake::story();
    assert!(
        !at(&fake, (120, 30), "")
            .text()
            .contains("cleanupPeriodDays")
    );
    Arc::get_mut(&mut fake).unwrap().expiring = 5;
    for (size, words) in [
        (
            (200, 50),
            "Claude Code will delete 5 sessions of this machine within 7 days (4 kept here); cleanupPeriodDays",
        ),
        (
            (120, 30),
            "5 sessions of Claude Code go within 7 days (4 kept here): cleanupPeriodDays",
        ),
    ] {
        has(&at(&fake, size, "").text(), words);
    }
    for size in [(80, 24), (69, 45), (60, 20)] {
        let shown = at(&fake, size, "").text();
        has(&shown, "5 sessions of Claude Code go in 7 days");
    }
}
