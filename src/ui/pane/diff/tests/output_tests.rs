//! Outputs, reads and raw records.

use std::time::{Duration, Instant};

use super::fixture::*;
use super::*;
use crate::model::{Status, StepKind};

#[test]
fn colours_stay_and_nothing_else() {
    let raw = "\x1b[1;32m   Compiling\x1b[0m shop v0.1.0\n\x1b]0;evil\x07\x1b[2J\x1b[31merror\x1b[0m: \u{202e}no\tsuch \u{1b}thing\n\x1b]52;c;AAAA\x07done\u{7}\n";
    let mut screen = Screen::new(command(raw, Status::Ok), 69, 8);
    insta::assert_snapshot!("output_69", screen.text());
    assert_eq!(screen.cell("Compiling").fg, Color::Green);
    assert!(screen.cell("Compiling").modifier.contains(Modifier::BOLD));
    assert_eq!(screen.cell("error").fg, Color::Red);
    screen.theme = Theme::new(Scheme::Dark, ColorDepth::None);
    assert_eq!(screen.cell("error").fg, Color::Reset);
}

#[test]
fn hostile_outputs_never_reach_a_cell() {
    let controls: String = (0..0xA0_u8)
        .map(char::from)
        .flat_map(|c| ['a', c, '[', '3', '1', 'm', 'b', '\u{301}'])
        .collect();
    let hidden =
        "\u{200b}\u{2060}\u{feff}\u{ad}\u{e0041}\u{fe0f}\u{2028}\u{3164}\u{115f}\u{202e}x\u{2069}";
    let zalgo = format!("z{}", "\u{301}".repeat(5000));
    for text in [
        &*controls,
        hidden,
        &zalgo,
        "\x1b[38;2;1;2;3;8;5mx",
        "\x1b[8mhidden\x1b[5mblink",
    ] {
        for width in [120, 69, 40, 7, 1] {
            for content in [
                command(text, Status::Failed),
                built(&[change(
                    &format!("p\x1b[31m{hidden}"),
                    super::fixture::text(hidden),
                    super::fixture::text(text),
                )]),
                build(
                    Subject::Step(&read("a.rs", text, 1), View::Lines),
                    Options::default(),
                ),
            ] {
                let mut screen = Screen::new(content, width, 10).highlighted();
                screen.buffer();
                screen.state.search("a");
                screen.act(&[Action::Wrap, Action::Whitespace]);
                for cell in &screen.buffer().content {
                    assert!(!cell.modifier.intersects(
                        Modifier::HIDDEN | Modifier::RAPID_BLINK | Modifier::SLOW_BLINK
                    ));
                }
            }
        }
    }
}

#[test]
fn a_failed_command_opens_at_its_first_error() {
    let mut raw: String = (0..500)
        .map(|i| format!("   Compiling crate{i}\n"))
        .collect();
    raw.push_str("error[E0308]: mismatched types\n");
    (0..500).for_each(|i| raw.push_str(&format!("note {i}\n")));
    let failed = Screen::new(command(&raw, Status::Failed), 69, 12);
    assert_eq!(
        failed.state.line_under_cursor().unwrap().text,
        "error[E0308]: mismatched types"
    );
    assert!(
        failed.text().starts_with(" cargo test retry") && failed.text().contains("✗ 101"),
        "{}",
        failed.text()
    );
    let mut passed = Screen::new(command(&raw, Status::Ok), 69, 12);
    assert_eq!(passed.state.line_under_cursor().unwrap().text, "note 499");
    assert_eq!(passed.state.percent(), Some(100));
    passed.act(&[Action::PreviousHunk]);
    assert_eq!(
        passed.state.line_under_cursor().unwrap().text,
        "error[E0308]: mismatched types"
    );
}

#[test]
fn long_outputs_cost_nothing_per_frame() {
    let raw: String = (0..100_000)
        .map(|i| format!("line {i} of an output that goes on and on\n"))
        .collect();
    let mut screen = Screen::new(command(&raw, Status::Ok), 69, 24);
    for wrap in [false, true] {
        let started = Instant::now();
        for _ in 0..200 {
            screen.act(&[Action::Up]);
            screen.buffer();
        }
        eprintln!("wrap {wrap}: {:?} a frame", started.elapsed() / 200);
        assert!(started.elapsed() < Duration::from_secs(3));
        screen.act(&[Action::Wrap, Action::Top, Action::Bottom]);
    }
}

#[test]
fn reads_have_their_true_numbers() {
    let step = read("src/http/retry.rs", "fn a() {\n    b();\n}\n", 41);
    assert_eq!(View::of(&step), [View::Lines, View::Output, View::Raw]);
    let screen = Screen::new(
        build(Subject::Step(&step, View::Lines), Options::default()),
        69,
        6,
    )
    .highlighted();
    insta::assert_snapshot!("read_69", screen.text());
    assert_eq!(
        Some(screen.cell("fn a").fg),
        screen.theme.code(crate::ui::theme::Syntax::Keyword).fg
    );
    let place = screen.state.line_under_cursor().unwrap();
    assert_eq!(
        (place.new_line, place.path.as_deref()),
        (Some(41), Some("src/http/retry.rs"))
    );
}

#[test]
fn raw_records_are_laid_out_and_not_changed() {
    let mut step = step(StepKind::Command, Status::Ok);
    let record = r#"{"b":1.10,"a":[{"x":"{,}\"[","y":[]},{}],"z":null}"#;
    step.raw = vec![record.into(), "{not json".into()];
    let screen = Screen::new(
        build(Subject::Step(&step, View::Raw), Options::default()),
        69,
        18,
    );
    insta::assert_snapshot!("raw_69", screen.text());
}

#[test]
fn what_a_search_found_is_shown() {
    let mut step = step(StepKind::Search, Status::Ok);
    step.info.target = r"fn \w+_retry".into();
    step.output = "src/a.rs:3:fn do_retry() { error(); }\nsrc/b.rs:9:fn no_retry()\n".into();
    let screen = Screen::new(
        build(Subject::Step(&step, View::Output), Options::default()),
        69,
        6,
    );
    assert!(
        screen
            .cell("fn do_retry")
            .modifier
            .contains(Modifier::UNDERLINED)
    );
    assert!(
        !screen
            .cell("src/b.rs")
            .modifier
            .contains(Modifier::UNDERLINED)
    );
    assert_eq!(
        screen.state.line_under_cursor().unwrap().text,
        "src/a.rs:3:fn do_retry() { error(); }"
    );
    for pattern in ["**/*.rs", "(", "a*", ""] {
        step.info.target = pattern.into();
        Screen::new(
            build(Subject::Step(&step, View::Output), Options::default()),
            69,
            6,
        )
        .text();
    }
}

#[test]
fn silence_is_said() {
    for (status, words) in [
        (Status::Ok, "It printed nothing."),
        (Status::Running, "No result is recorded"),
        (Status::Denied, "It was refused: nothing happened."),
        (Status::Unknown, "The record does not hold what came out."),
    ] {
        let text = Screen::new(command("", status), 69, 6).text();
        assert!(text.contains(words), "{text}");
    }
    let mut step = step(StepKind::Command, Status::Ok);
    for view in [View::Change, View::Lines, View::Input, View::Raw] {
        let text = Screen::new(build(Subject::Step(&step, view), Options::default()), 69, 6).text();
        assert!(text.lines().count() >= 2, "{text}");
    }
    (step.output, step.output_cut) = ("x\n".into(), 5_000_000);
    let text = Screen::new(
        build(Subject::Step(&step, View::Output), Options::default()),
        69,
        6,
    )
    .text();
    assert!(
        text.contains("5000 kB of the output are left off here."),
        "{text}"
    );
}
