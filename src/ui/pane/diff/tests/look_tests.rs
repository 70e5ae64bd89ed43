//! What the pane looks like.

use super::fixture::*;
use super::*;
use crate::ui::theme::Syntax;

#[test]
fn a_change_at_three_widths() {
    for width in [120, 69, 40] {
        let screen = Screen::new(built(&[retry()]), width, 18).highlighted();
        insta::assert_snapshot!(format!("change_{width}"), screen.text());
    }
}

#[test]
fn side_by_side_where_there_is_room() {
    let mut screen = Screen::new(built(&[retry()]), 120, 18);
    screen.act(&[Action::SideBySide]);
    insta::assert_snapshot!("side_by_side_120", screen.text());
    let mut narrow = Screen::new(built(&[retry()]), 69, 18);
    let stacked = narrow.text();
    narrow.act(&[Action::SideBySide]);
    assert_eq!(narrow.text(), stacked);
    narrow.size = (120, 18);
    narrow.state.resize(120, 18);
    assert_eq!(narrow.text(), screen.text());
}

#[test]
fn several_files_have_a_list_and_heads() {
    let mut renamed = change("src/net/backoff.rs", text("a\n"), text("a\n"));
    (renamed.op, renamed.old_path) = (Op::Rename, Some("src/http/backoff.rs".into()));
    let files = [
        retry(),
        change(
            "data/big.bin",
            FileContent::Binary(38_000_000),
            FileContent::Binary(39_000_000),
        ),
        change(
            "tests/retry.rs",
            FileContent::Absent,
            text("#[test]\nfn stops() {}"),
        ),
        change("old.txt", text("x\n"), FileContent::Absent),
        renamed,
        change("gone.txt", FileContent::Unknown, FileContent::Unknown),
    ];
    for width in [120, 69, 40] {
        let mut screen = Screen::new(built(&files), width, 48);
        screen.act(&[Action::Down, Action::Toggle]);
        insta::assert_snapshot!(format!("several_{width}"), screen.text());
    }
}

#[test]
fn tints_and_syntax() {
    let screen = Screen::new(built(&[retry()]), 120, 18).highlighted();
    let theme = &screen.theme;
    let line = screen.cell("let mut");
    assert_eq!(line.bg, theme.delete_line().bg.unwrap());
    assert_eq!(Some(line.fg), theme.code(Syntax::Keyword).fg);
    assert_eq!(screen.cell("8;").bg, theme.add_word().bg.unwrap());
    assert_eq!(screen.cell("impl Client").bg, Color::Reset);
}

#[test]
fn readable_without_colour() {
    for depth in [ColorDepth::None, ColorDepth::Sixteen] {
        let mut screen = Screen::new(built(&[retry()]), 120, 18).highlighted();
        screen.theme = Theme::new(Scheme::Dark, depth);
        let buffer = screen.buffer();
        for cell in &buffer.content {
            assert_eq!(cell.bg, Color::Reset);
            assert!(
                depth != ColorDepth::None || cell.fg == Color::Reset,
                "{cell:?}"
            );
        }
        assert!(
            screen
                .cell("LAST: u32 = 8")
                .modifier
                .difference(Modifier::BOLD)
                == Modifier::empty()
        );
        assert!(
            screen
                .cell("8;")
                .modifier
                .contains(Modifier::UNDERLINED | Modifier::BOLD)
        );
        assert!(screen.text().contains("26 + const LAST: u32 = 8;"));
    }
}

const ODD: &str = "\tif x {\n\t\ty\u{301}();\t// 日本語のコメント\n🎉👩‍👩‍👧 done\r\nmixed\u{200b}\u{202e}x\u{1b}[31m\nend";

#[test]
fn tabs_wide_characters_and_line_ends() {
    let new = ODD
        .replace("x {", "xy {")
        .replace("コメント", "注釈")
        .replace("done\r\n", "done\n")
        .replace("end", "end\n");
    for width in [120, 69, 40] {
        let screen = Screen::new(built(&[change("a.rs", text(ODD), text(&new))]), width, 16);
        insta::assert_snapshot!(format!("odd_{width}"), screen.text());
    }
}

#[test]
fn a_wide_character_is_never_split() {
    let new = ODD.replace("done", "日本語テキスト日本語テキスト日本語テキスト👩‍👩‍👧👩‍👩‍👧");
    let content = Arc::new(built(&[change("a.rs", text(ODD), text(&new))]));
    for width in 1..60 {
        let mut state = State::default();
        state.resize(width, 12);
        state.show(content.clone(), false);
        for step in 0..6 {
            let screen = Screen {
                state: state.clone(),
                theme: Theme::new(Scheme::Dark, ColorDepth::True),
                size: (width, 12),
            };
            for line in screen.text().lines() {
                assert!(
                    crate::text::width(line) <= usize::from(width),
                    "{width}: {line}"
                );
            }
            // The cell behind a wide character is empty, or the character would be cut in two.
            let buffer = screen.buffer();
            for row in buffer.content.chunks(usize::from(width)) {
                for (i, cell) in row.iter().enumerate() {
                    let wide = crate::text::width(cell.symbol());
                    assert!(
                        wide < 2 || row[i + 1].symbol() == " ",
                        "{width}: {:?}",
                        cell.symbol()
                    );
                }
            }
            state.update(if step == 3 {
                Action::Wrap
            } else {
                Action::Right
            });
        }
    }
}

#[test]
fn minified_lines_are_cut_and_scroll() {
    let old = format!("var a=1;{}\n", "function f(x){return x+1};".repeat(20_000));
    let new = old.replacen("a=1", "a=2", 1);
    let mut screen = Screen::new(built(&[change("a.min.js", text(&old), text(&new))]), 69, 8);
    insta::assert_snapshot!("minified_69", screen.text());
    screen.act(&[Action::Right, Action::Right]);
    assert!(
        screen.text().contains("tion f(x){return x+1};"),
        "{}",
        screen.text()
    );
    let started = std::time::Instant::now();
    for _ in 0..100 {
        screen.act(&[Action::Right]);
        screen.buffer();
    }
    screen.act(&[Action::Wrap]);
    let wrapped = screen.text();
    assert!(
        wrapped.lines().skip(2).all(|line| line.len() > 50),
        "{wrapped}"
    );
    // A line of half a megabyte must not slow the pane down, even without optimisation.
    assert!(
        started.elapsed() < std::time::Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn recorded_hunks_are_shown_where_the_file_is_not_known() {
    let hunk = |start: u32, lines: &[&str]| Hunk {
        old_start: start,
        old_lines: 3,
        new_start: start,
        new_lines: 3,
        lines: lines.iter().map(|l| (*l).to_owned()).collect(),
    };
    let mut patch = change("src/lib.rs", FileContent::Unknown, FileContent::Unknown);
    patch.evidence = Evidence::PatchOnly;
    patch.note = Some("Something else wrote this file in between.".into());
    patch.hunks = vec![
        hunk(41, &[" fn a() {", "-    one();", "+    two();", " }"]),
        hunk(70, &[" x", "-y", "+z", " w"]),
    ];
    let screen = Screen::new(built(std::slice::from_ref(&patch)), 69, 14).highlighted();
    insta::assert_snapshot!("patch_only_69", screen.text());
    for hunk in &mut patch.hunks {
        (
            hunk.old_start,
            hunk.old_lines,
            hunk.new_start,
            hunk.new_lines,
        ) = (0, 0, 0, 0);
    }
    let text = Screen::new(built(&[patch]), 69, 14).text();
    assert!(
        text.contains("\n▌− ") || text.contains("\n − "),
        "no numbers where none are known:\n{text}"
    );
}

#[test]
fn it_is_never_empty() {
    let known = text("one\ntwo\n");
    let cases = [
        (
            change(
                "a",
                FileContent::Binary(12),
                FileContent::Binary(10_000_000),
            ),
            "Before: not text, 12 bytes. After: not text, 10 MB.",
        ),
        (
            change("a", FileContent::Absent, FileContent::Binary(20_000)),
            "Before: not there. After: not text, 20 kB.",
        ),
        (
            change("a", FileContent::Unknown, FileContent::Absent),
            "Before: not known. After: not there.",
        ),
        (
            change("a", FileContent::Unknown, known.clone()),
            "What was there before is not known",
        ),
        (
            change("a", known.clone(), FileContent::Unknown),
            "What the step left is not known",
        ),
        (
            change("a", known.clone(), known),
            "The content is the same as before.",
        ),
        (change("a", FileContent::Absent, text("")), "Created empty."),
    ];
    for (change, words) in cases {
        let text = Screen::new(built(&[change]), 69, 12).text();
        assert!(text.contains(words), "{text}");
    }
    assert!(
        Screen::new(built(&[]), 69, 12)
            .text()
            .contains("No file was changed here.")
    );
}
