//! What actions do.

use std::time::{Duration, Instant};

use super::fixture::*;
use super::*;
use crate::diff::patch;

fn numbered(lines: usize, changed: impl Fn(usize) -> bool) -> FileChange {
    let old: String = (1..=lines)
        .map(|i| format!("let value_{i} = compute({});\n", i % 97))
        .collect();
    let line = |i| {
        if changed(i) {
            format!("let other_{i} = reckon({});\n", i % 89)
        } else {
            format!("let value_{i} = compute({});\n", i % 97)
        }
    };
    change(
        "src/big.rs",
        text(&old),
        text(&(1..=lines).map(line).collect::<String>()),
    )
}

fn under(screen: &Screen) -> (Option<u32>, Option<u32>) {
    let place = screen.state.line_under_cursor().unwrap();
    (place.old_line, place.new_line)
}

#[test]
fn the_cursor_begins_at_the_first_change() {
    let mut screen = Screen::new(built(&[retry()]), 69, 18);
    assert_eq!(under(&screen), (Some(8), None));
    assert_eq!(
        screen.state.line_under_cursor().unwrap().text,
        "        let mut attempt = 0;"
    );
    assert_eq!(screen.act(&[Action::Down, Action::Down]), Some(Out::Done));
    assert_eq!(under(&screen), (None, Some(8)));
    assert_eq!(
        screen.act(&[Action::Edit]),
        Some(Out::Edit("src/http/retry.rs".into(), 8))
    );
    screen.act(&[Action::Top]);
    assert_eq!(
        screen.state.line_under_cursor(),
        None,
        "the head is no line"
    );
    assert_eq!(
        screen.act(&[Action::Edit]),
        Some(Out::Edit("src/http/retry.rs".into(), 1))
    );
    assert_eq!(screen.act(&[Action::Sessions]), None);
}

#[test]
fn hunks_and_files() {
    let mut screen = Screen::new(built(&[retry(), numbered(500, |i| i % 100 == 50)]), 69, 12);
    screen.act(&[Action::NextHunk]);
    assert_eq!(under(&screen), (Some(8), None));
    screen.act(&[Action::NextHunk, Action::NextHunk]);
    assert_eq!(under(&screen), (Some(50), None));
    assert_eq!(
        screen.state.line_under_cursor().unwrap().path.unwrap(),
        "src/big.rs"
    );
    assert!(
        screen.text().starts_with(" big.rs  src"),
        "{}",
        screen.text()
    );
    screen.act(&[Action::PreviousFile, Action::PreviousFile]);
    assert!(screen.text().starts_with("▌retry.rs"), "{}", screen.text());
    screen.act(&[Action::NextFile]);
    assert!(screen.text().starts_with("▌big.rs"), "{}", screen.text());
    screen.act(&[Action::PreviousHunk]);
    assert_eq!(under(&screen), (Some(26), None));
    screen.act(&[Action::Top, Action::Down, Action::Open]);
    assert!(screen.text().starts_with("▌big.rs"), "{}", screen.text());
    assert_eq!(
        screen.act(&[Action::Toggle]),
        Some(Out::Viewed("src/big.rs".into(), true))
    );
    assert_eq!(
        screen.act(&[Action::Toggle]),
        Some(Out::Viewed("src/big.rs".into(), false))
    );
    let third = screen.text().lines().nth(3).unwrap().to_owned();
    screen.state.click(3);
    assert_eq!(
        screen.text().lines().nth(3).unwrap(),
        third.replacen(' ', "▌", 1)
    );
}

#[test]
fn every_row_is_reached_and_in_view() {
    for wrap in [false, true] {
        let mut screen = Screen::new(built(&[retry(), numbered(60, |i| i % 7 == 0)]), 40, 9);
        screen.act(&[Action::Top]);
        if wrap {
            screen.act(&[Action::Wrap]);
        }
        let rows = screen.state.rows.len();
        for (action, end) in [
            (Action::Down, rows - 1),
            (Action::Up, 0),
            (Action::PageDown, rows - 1),
            (Action::PageUp, 0),
            (Action::HalfPageDown, rows - 1),
        ] {
            for _ in 0..rows {
                screen.act(&[action]);
                assert!(
                    screen.text().contains('▌'),
                    "{action:?} at {}:\n{}",
                    screen.state.cursor,
                    screen.text()
                );
            }
            assert_eq!(screen.state.cursor, end, "{action:?}");
        }
        screen.act(&[Action::Bottom]);
        let bottom = screen.text();
        for _ in 0..rows * 3 {
            screen.act(&[Action::ScrollDiffUp]);
            assert!(screen.text().contains('▌'));
        }
        let top = screen.text();
        for _ in 0..rows * 3 {
            screen.act(&[Action::ScrollDiffDown]);
        }
        assert!(top.contains("2 files"), "{top}");
        assert_eq!(screen.text().replace('▌', " "), bottom.replace('▌', " "));
    }
}

#[test]
fn each_line_scrolled_moves_the_screen_by_one() {
    let mut screen = Screen::new(built(&[numbered(200, |i| i % 3 == 0)]), 69, 10);
    screen.act(&[Action::Top]);
    let mut before = screen.text();
    for _ in 0..20 {
        screen.state.scroll(1);
        let now = screen.text();
        let tail = |text: &str, skip: usize| {
            text.lines()
                .skip(skip)
                .map(|l| l.replace('▌', " "))
                .collect::<Vec<_>>()
        };
        assert_eq!(tail(&before, 2), tail(&now, 1)[..8], "\n{before}\n\n{now}");
        before = now;
    }
}

#[test]
fn context_grows_and_shrinks_around_the_cursor() {
    let mut screen = Screen::new(built(&[retry()]), 69, 40);
    screen.act(&[Action::NextHunk]);
    let here = under(&screen);
    assert_eq!(here, (Some(26), None));
    screen.act(&[Action::LessContext, Action::LessContext]);
    assert_eq!(under(&screen), here);
    assert!(!screen.text().contains("five"));
    screen.act(&[Action::MoreContext; 9]);
    assert_eq!(under(&screen), here);
    assert!(screen.text().contains("use std::time::Duration;") && !screen.text().contains('⋯'));
}

#[test]
fn search_finds_shows_and_wraps_around() {
    let mut screen = Screen::new(built(&[retry()]), 69, 30);
    assert_eq!(screen.act(&[Action::SearchNext]), Some(Out::AskSearch));
    assert_eq!(screen.act(&[Action::SearchPane]), Some(Out::AskSearch));
    screen.state.search("ATTEMPT");
    assert_eq!(
        screen.state.searched(),
        Some(("ATTEMPT", 0, 0)),
        "capitals are meant"
    );
    screen.state.search("attempt");
    assert_eq!(screen.state.searched(), Some(("attempt", 1, 2)));
    assert!(
        screen
            .cell("attempt in policy")
            .modifier
            .contains(Modifier::UNDERLINED)
    );
    assert!(
        screen
            .cell("attempt = 0")
            .modifier
            .contains(Modifier::REVERSED)
    );
    screen.act(&[Action::SearchNext]);
    assert_eq!(under(&screen), (None, Some(9)));
    screen.act(&[Action::SearchNext]);
    assert_eq!(screen.state.searched(), Some(("attempt", 1, 2)));
    screen.act(&[Action::SearchPrevious]);
    assert_eq!(screen.state.searched(), Some(("attempt", 2, 2)));
    assert_eq!(screen.act(&[Action::Leave]), Some(Out::Done));
    assert_eq!(screen.act(&[Action::Leave]), None);
    // A hit on the letter below a mark takes the mark with it.
    let mut screen = Screen::new(
        built(&[change("a.txt", text("x\n"), text("e\u{301}e\n"))]),
        40,
        8,
    );
    screen.state.search("e");
    assert!(screen.text().contains("e\u{301}e"), "{}", screen.text());
}

#[test]
fn lines_and_patches_are_copied_as_they_are() {
    let odd = change("b\u{7}.txt", text("a\tb\r\nc\n"), text("a\tB\r\nc"));
    let files = [
        retry(),
        odd,
        change("new file.rs", FileContent::Absent, text("x")),
        change("old.rs", text("y\n"), FileContent::Absent),
    ];
    let mut screen = Screen::new(built(&files), 69, 30);
    screen.act(&[
        Action::NextHunk,
        Action::SelectRange,
        Action::Down,
        Action::Down,
    ]);
    let copied = screen.act(&[Action::CopyLine]);
    let lines = "        let mut attempt = 0;\n        loop {\n        let policy = Backoff::new(5).with_jitter(0.2);";
    assert_eq!(copied, Some(Out::Copy("lines", lines.into())));
    let Some(Out::Copy("diff", text)) = screen.act(&[Action::CopyDiff]) else {
        panic!("no diff")
    };
    let parts: Vec<&str> = text.split("diff --git ").skip(1).collect();
    assert_eq!(parts.len(), 4);
    let hunks = patch::parse(parts[0]).unwrap();
    assert_eq!(patch::apply(BEFORE, &hunks, true).unwrap(), after());
    assert!(
        parts[1].starts_with("\"a/b\\007.txt\" \"b/b\\007.txt\"\n"),
        "{text}"
    );
    git_applies(&text);
}

/// `git apply` takes the patch as a whole.
fn git_applies(patch: &str) {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    std::fs::create_dir_all(at("src/http")).unwrap();
    std::fs::write(at("src/http/retry.rs"), BEFORE).unwrap();
    std::fs::write(at("b\u{7}.txt"), "a\tb\r\nc\n").unwrap();
    std::fs::write(at("old.rs"), "y\n").unwrap();
    std::fs::write(at("p"), patch).unwrap();
    let git = std::process::Command::new("git")
        .args(["apply", "--whitespace=nowarn", "p"])
        .current_dir(folder.path())
        .output();
    let Ok(out) = git else {
        eprintln!("skipped: no git");
        return;
    };
    assert!(
        out.status.success(),
        "{}\n{patch}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert_eq!(
        std::fs::read_to_string(at("src/http/retry.rs")).unwrap(),
        after()
    );
    assert_eq!(
        std::fs::read_to_string(at("b\u{7}.txt")).unwrap(),
        "a\tB\r\nc"
    );
    assert_eq!(std::fs::read_to_string(at("new file.rs")).unwrap(), "x");
    assert!(!at("old.rs").exists());
}

#[test]
fn white_space_is_shown_then_ignored() {
    let file = change("a.py", text("if x:\n\ta()\n"), text("if  x:\n    a()\n"));
    let mut screen = Screen::new(built(std::slice::from_ref(&file)), 69, 12);
    assert_eq!(screen.act(&[Action::Whitespace]), Some(Out::Done));
    assert!(
        screen.text().contains("→   a()") && screen.text().contains("····a()"),
        "{}",
        screen.text()
    );
    assert_eq!(screen.act(&[Action::Whitespace]), Some(Out::Rebuild));
    let content = build(
        Subject::Changes(&[file]),
        screen.state.options(&screen.theme),
    );
    screen.state.show(Arc::new(content), true);
    assert!(
        screen.text().contains("Only white space differs."),
        "{}",
        screen.text()
    );
    assert_eq!(screen.act(&[Action::Whitespace]), Some(Out::Rebuild));
    assert!(!screen.state.options(&screen.theme).ignore_whitespace);
}

#[test]
fn ten_thousand_lines_half_of_them_changed() {
    let file = numbered(10_000, |i| i % 2 == 0);
    let started = Instant::now();
    let mut screen = Screen::new(built(&[file]), 120, 40);
    screen.buffer();
    eprintln!("to the first screen: {:?}", started.elapsed());
    let started = Instant::now();
    while let Some(job) = screen.state.job() {
        screen.state.put(job.run());
    }
    eprintln!("highlighted: {:?}", started.elapsed());
    let started = Instant::now();
    for _ in 0..100 {
        screen.act(&[Action::Down]);
        screen.buffer();
    }
    eprintln!("a key and its frame: {:?}", started.elapsed() / 100);
    assert!(started.elapsed() < Duration::from_secs(5));
    screen.act(&[Action::Bottom]);
    assert_eq!(under(&screen), (None, Some(10_000)));
    assert_eq!(screen.state.percent(), Some(100));
    while let Some(job) = screen.state.job() {
        screen.state.put(job.run());
    }
    let keyword = screen.theme.code(crate::ui::theme::Syntax::Keyword).fg;
    assert_eq!(Some(screen.cell("let other_10000").fg), keyword);
}

#[test]
fn an_answer_for_an_old_content_is_dropped() {
    let mut screen = Screen::new(built(&[retry()]), 69, 18);
    let late = screen.state.job().unwrap().run();
    screen
        .state
        .show(Arc::new(built(&[numbered(50, |i| i == 7)])), false);
    screen.state.put(late);
    assert!(screen.state.coloured.is_empty());
}
