//! Words for people: messages, plans, questions, reports, notices.

use super::fixture::*;
use super::*;
use crate::model::{Status, StepKind};
use crate::query::types::StepDetail;

fn words(kind: StepKind, with: impl FnOnce(&mut StepDetail)) -> Screen {
    let mut step = step(kind, Status::Ok);
    with(&mut step);
    assert_eq!(View::of(&step)[0], View::Words, "{kind:?}");
    let theme = Theme::new(Scheme::Dark, ColorDepth::Palette);
    let options = Options {
        width: 50,
        theme,
        ..Options::default()
    };
    Screen::new(build(Subject::Step(&step, View::Words), options), 50, 14)
}

#[test]
fn a_message_is_shown_whole_as_it_was_meant() {
    let screen = words(StepKind::Message, |step| {
        step.reply = "# Done\n\nThe **loop** ends.\n\n- a\n- b\n\n```rust\nfn a() {}\n```\n".into();
    });
    let text = screen.text();
    assert!(text.contains("• a") && text.contains("fn a() {}"), "{text}");
    assert!(!text.contains("**"), "{text}");
    assert!(screen.cell("loop").modifier.contains(Modifier::BOLD));
    assert!(!screen.state.is_misfit());
}

#[test]
fn words_say_when_they_fit_no_more() {
    let mut screen = words(StepKind::Message, |step| step.reply = "a b c".into());
    screen.state.resize(40, 14);
    assert!(screen.state.is_misfit());
}

#[test]
fn a_plan_shows_what_is_done() {
    let screen = words(StepKind::Plan, |step| {
        step.input = "[x] one\n[>] two\n[ ] three\n".into();
    });
    let text = screen.text();
    for line in ["✓ one", "▸ two", "◦ three"] {
        assert!(text.contains(line), "{text}");
    }
    let screen = words(StepKind::Plan, |step| {
        step.input = "## Plan\n\n1. **look**\n2. act\n".into();
    });
    assert!(screen.text().contains("1. look"), "{}", screen.text());
}

#[test]
fn a_report_opens_where_it_begins_and_the_task_is_above() {
    let mut screen = words(StepKind::Subagent, |step| {
        step.input = "- look\n".repeat(30);
        step.output = "It is **there**.".into();
    });
    let text = screen.text();
    assert!(
        text.contains("what it reported") && text.contains("It is there."),
        "{text}"
    );
    screen.act(&[Action::Top]);
    assert!(screen.text().contains("the task"));
}

#[test]
fn questions_have_their_answers_and_notices_their_record() {
    let screen = words(StepKind::Question, |step| {
        step.input = "Which one?\n- A: first\n- B: second".into();
        step.output = "B".into();
    });
    let text = screen.text();
    assert!(
        text.contains("Which one?") && text.contains("the answer"),
        "{text}"
    );
    let screen = words(StepKind::Notice, |step| {
        step.info.target = "interrupted".into();
        step.raw = vec![r#"{"type":"user","message":"x"}"#.into()];
    });
    let text = screen.text();
    assert!(
        text.contains("interrupted") && text.contains("\"message\": \"x\""),
        "{text}"
    );
}

#[test]
fn hostile_words_are_made_safe() {
    let evil = "a\u{1b}[2J\u{202e}b\n\n| \u{200b}x | y\u{1b}]0;t\u{7} |\n|--|--|\n| 漢字 | 🙂 |";
    for kind in [StepKind::Message, StepKind::Web, StepKind::Plan] {
        let screen = words(kind, |step| {
            (step.reply, step.output, step.input) = (evil.into(), evil.into(), evil.into());
        });
        screen.buffer();
    }
}
