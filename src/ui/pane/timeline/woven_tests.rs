//! Rewinds among the lines: where they stand, folded or not, and that every way of asking for lines agrees.
#![allow(clippy::unwrap_used)]

use super::super::lines::tests::timeline;
use super::*;
use crate::model::{Status, StepKind, Time, Via};
use crate::query::types::{PromptHead, PromptRow, SessionRow, StepLite, StepRow};

fn story(rewinds: Vec<RewindEntry>, choice: Choice) -> Woven {
    use StepKind::{Command, Edit, Read, Search};
    let kinds = [Read, Read, Search, Read, Edit, Command, Edit, Read, Edit];
    let steps = (0..).zip(kinds).map(|(n, kind)| StepLite {
        row: StepRow(n),
        kind,
        status: Status::Ok,
        changed: kind == Edit,
        test: None,
        depth: 0,
        off_path: false,
    });
    let prompt = |no: u32, steps: Range<u32>| PromptHead {
        session: SessionRow(1),
        agent: None,
        row: Some(PromptRow(i64::from(no))),
        no,
        at: None,
        via: Via::Typed,
        head: String::new(),
        off_path: false,
        steps,
    };
    let mut timeline = timeline(vec![prompt(1, 0..6), prompt(2, 6..9)], steps.collect());
    timeline.rewinds = rewinds;
    let blocks = Arc::new(Blocks::of(&timeline));
    Woven::of(timeline, blocks, choice)
}

fn rewind(prompt: u32, place: u32, undone: Option<Range<u32>>) -> RewindEntry {
    RewindEntry {
        op: i64::from(place),
        id: String::new(),
        kind: "rewind",
        at: Time(0),
        title: String::new(),
        files: 1,
        lines: (1, 1),
        taken_back: undone.is_none(),
        prompt,
        place,
        undone,
        part: false,
    }
}

fn all(woven: &Woven) -> Vec<Line> {
    let lines = woven.slice(0..woven.len());
    assert_eq!(lines.len(), woven.len());
    // One by one, and from anywhere on, they are the same.
    for (at, line) in lines.iter().enumerate() {
        assert_eq!(woven.get(at), Some(*line));
        assert_eq!(woven.slice(at..at + 3), lines[at..lines.len().min(at + 3)]);
        let what = match line {
            Line::Prompt(p) => Selected::Prompt(*p),
            Line::Step(s) | Line::Looks(s, _) => Selected::Step(*s),
            Line::Rewind(r) => Selected::Rewind(*r),
            Line::New | Line::Cut(_) => continue,
        };
        assert_eq!(woven.line_of(what), Some(at), "{line:?}");
    }
    assert_eq!(woven.get(lines.len()), None);
    lines
}

#[test]
fn a_rewind_stands_behind_what_it_undid_and_a_rule_above_that() {
    let shown = all(&story(vec![rewind(1, 9, Some(4..9))], Choice::default()));
    assert_eq!(shown.last(), Some(&Line::Rewind(0)));
    let cut = shown.iter().position(|l| *l == Line::Cut(0)).unwrap();
    assert_eq!(shown[cut + 1], Line::Step(4));
    // Of whole prompts the rule stands above the heading; one taken back has none.
    let two = vec![rewind(0, 6, None), rewind(1, 9, Some(6..9))];
    let shown = all(&story(two, Choice::default()));
    let heading = shown.iter().position(|l| *l == Line::Prompt(1)).unwrap();
    assert_eq!(shown[heading - 2..heading], [Line::Rewind(0), Line::Cut(1)]);
}

#[test]
fn folded_prompts_still_show_it_and_a_filter_does_not() {
    let mut woven = story(vec![rewind(0, 5, None)], Choice::default());
    let shown = all(&woven);
    let at = shown.iter().position(|l| *l == Line::Rewind(0)).unwrap();
    assert_eq!(shown[at + 1], Line::Step(5));
    woven.fold(0, true);
    assert_eq!(
        all(&woven)[..3],
        [Line::Prompt(0), Line::Rewind(0), Line::Prompt(1)]
    );
    woven.choose(|choice| choice.kept = Some(vec![4]));
    assert_eq!(all(&woven), [Line::Prompt(0), Line::Step(4)]);
}
