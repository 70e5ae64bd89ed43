//! The lines that are found by their sums, beside those of a walk over all steps.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use proptest::prelude::*;

use super::super::blocks::Sought;
use super::super::visible::{RUN, is_look, matters};
use super::*;
use crate::model::{Agent, Status, StepKind, TestOutcome, Via};
use crate::query::types::{PromptRow, SessionInfo, SessionRow, StepRow};

pub(in super::super) fn timeline(prompts: Vec<PromptHead>, steps: Vec<StepLite>) -> Timeline {
    Timeline {
        session: SessionInfo {
            row: SessionRow(1),
            id: "s1".to_owned(),
            agent: Agent::Claude,
            native_id: "1".to_owned(),
            parent_id: None,
            subagent: false,
            title: String::new(),
            cwd: None,
            branch: None,
            model: None,
            started_at: None,
            ended_at: None,
            prompts: 0,
            steps: 0,
            edits: 0,
            commands: 0,
            failed: 0,
            files_changed: 0,
            added: 0,
            removed: 0,
            last_words: None,
            test: None,
            test_stale: false,
            source: None,
            archived: false,
            live: false,
            told_at: None,
            asked_at: None,
            visited_only: false,
            tokens: (0, 0, 0),
            warnings: Vec::new(),
        },
        prompts,
        steps: Arc::new(steps),
        rewinds: Vec::new(),
    }
}

fn cut(prompts: &[PromptHead], steps: &[StepLite], choice: &Choice) -> Lines {
    let timeline = timeline(prompts.to_vec(), steps.to_vec());
    let blocks = Arc::new(Blocks::of(&timeline));
    Lines::of(timeline, blocks, choice.clone())
}

fn lines(prompts: &[PromptHead], steps: &[StepLite], choice: &Choice) -> Vec<Line> {
    cut(prompts, steps, choice).slice(0..usize::MAX)
}

/// The lines, from top to bottom.
fn naive(prompts: &[PromptHead], steps: &[StepLite], choice: &Choice) -> Vec<Line> {
    let mut out = Vec::new();
    for (number, prompt) in prompts.iter().enumerate() {
        let number = number as u32;
        let range = prompt.steps.start..prompt.steps.end.min(steps.len() as u32);
        if let Some(kept) = &choice.kept {
            let from = kept.partition_point(|i| *i < range.start);
            let to = kept.partition_point(|i| *i < range.end);
            if from < to {
                out.push(Line::Prompt(number));
                out.extend(kept[from..to].iter().map(|i| Line::Step(*i)));
            }
            continue;
        }
        if choice.new_from == Some(range.start) && !range.is_empty() {
            out.push(Line::New);
        }
        if prompt.no > 0 || prompt.row.is_some() || !range.is_empty() {
            out.push(Line::Prompt(number));
        }
        let closed = (choice.density == Density::Prompts) != choice.folded.contains(&number);
        if !closed {
            steps_of(range, steps, choice, &mut out);
        }
    }
    out
}

fn steps_of(range: std::ops::Range<u32>, steps: &[StepLite], choice: &Choice, out: &mut Vec<Line>) {
    let first = range.start;
    let mut i = first;
    while i < range.end {
        let step = &steps[i as usize];
        if choice.new_from == Some(i) && i != first {
            out.push(Line::New);
        }
        if choice.density != Density::Everything {
            if matters(step) {
                out.push(Line::Step(i));
            }
            i += 1;
            continue;
        }
        let run = run_of_looks(i, range.end, steps, choice.new_from);
        if run >= RUN && !choice.open_runs.contains(&i) {
            out.push(Line::Looks(i, run));
            i += run;
        } else if run >= RUN {
            out.extend((i..i + run).map(Line::Step));
            i += run;
        } else {
            out.push(Line::Step(i));
            i += 1;
            if choice.folded_agents.contains(&(i - 1)) {
                i += children_of(i - 1, range.end, steps);
            }
        }
    }
}

fn run_of_looks(from: u32, end: u32, steps: &[StepLite], new_from: Option<u32>) -> u32 {
    let first = &steps[from as usize];
    let alike = |i: &u32| {
        let s = &steps[*i as usize];
        is_look(s)
            && s.depth == first.depth
            && s.off_path == first.off_path
            && (*i == from || new_from != Some(*i))
    };
    (from..end).take_while(alike).count() as u32
}

fn step(n: i64, kind: StepKind) -> StepLite {
    StepLite {
        row: StepRow(n),
        kind,
        status: Status::Ok,
        changed: matches!(kind, StepKind::Edit | StepKind::Write),
        test: None,
        depth: 0,
        off_path: false,
    }
}

fn prompt(no: u32, steps: std::ops::Range<u32>) -> PromptHead {
    PromptHead {
        session: SessionRow(1),
        agent: None,
        row: Some(PromptRow(i64::from(no))),
        no,
        at: None,
        via: Via::Typed,
        head: String::new(),
        off_path: false,
        steps,
    }
}

fn story() -> (Vec<PromptHead>, Vec<StepLite>) {
    use StepKind::{Command, Edit, Read, Search, Subagent};
    let kinds = [
        Read, Read, Search, Read, Edit, Command, Subagent, Read, Edit,
    ];
    let mut steps: Vec<_> = (0..).zip(kinds).map(|(n, k)| step(n, k)).collect();
    steps[5].test = Some(TestOutcome::Failed);
    steps[7].depth = 1;
    (vec![prompt(1, 0..6), prompt(2, 6..9)], steps)
}

#[test]
fn looks_fold_into_one_line_and_open_again() {
    let (prompts, steps) = story();
    let mut choice = Choice::default();
    let shown = lines(&prompts, &steps, &choice);
    assert_eq!(shown[..2], [Line::Prompt(0), Line::Looks(0, 4)]);
    assert_eq!(shown.len(), 8);
    choice.open_runs.insert(0);
    assert_eq!(lines(&prompts, &steps, &choice).len(), 11);
}

#[test]
fn densities_and_folds() {
    let (prompts, steps) = story();
    let mut choice = Choice {
        density: Density::Changes,
        ..Choice::default()
    };
    let changes = [
        Line::Prompt(0),
        Line::Step(4),
        Line::Step(5),
        Line::Prompt(1),
        Line::Step(8),
    ];
    assert_eq!(lines(&prompts, &steps, &choice), changes);
    choice.folded.insert(0);
    assert_eq!(lines(&prompts, &steps, &choice)[1], Line::Prompt(1));
    choice.density = Density::Prompts;
    assert_eq!(
        lines(&prompts, &steps, &choice).len(),
        2 + 2 + 1 - 1,
        "a fold opens"
    );
}

#[test]
fn a_sub_agent_folds_and_a_filter_keeps_only_its_own() {
    let (prompts, steps) = story();
    let mut choice = Choice::default();
    choice.folded_agents.insert(6);
    assert!(!lines(&prompts, &steps, &choice).contains(&Line::Step(7)));
    choice.kept = Some(vec![7]);
    let kept = [Line::Prompt(1), Line::Step(7)];
    assert_eq!(lines(&prompts, &steps, &choice), kept);
}

#[test]
fn the_new_rule_stands_before_the_first_new_step() {
    let (prompts, steps) = story();
    let mut choice = Choice {
        new_from: Some(6),
        ..Choice::default()
    };
    let shown = lines(&prompts, &steps, &choice);
    let at = shown.iter().position(|l| *l == Line::New).expect("a rule");
    assert_eq!(shown[at + 1], Line::Prompt(1));
    choice.new_from = Some(2);
    let shown = lines(&prompts, &steps, &choice);
    let at = shown.iter().position(|l| *l == Line::New).expect("a rule");
    assert_eq!(shown[at + 1], Line::Step(2));
}

/// A timeline of whatever sorts of steps, and what was chosen in it.
fn scene() -> impl Strategy<Value = (Vec<PromptHead>, Vec<StepLite>, Choice)> {
    let kinds = prop::sample::select(vec![
        StepKind::Read,
        StepKind::Read,
        StepKind::Search,
        StepKind::Edit,
        StepKind::Command,
        StepKind::Subagent,
    ]);
    // Long runs too, longer than a block.
    let stretch = (
        kinds,
        0_u8..3,
        0_u32..12,
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
    );
    let lengths = prop_oneof![4 => 0_usize..4, 2 => 0_usize..20, 1 => 120_usize..150];
    let prompts = prop::collection::vec(
        (
            prop::collection::vec((stretch, lengths), 0..8),
            any::<bool>(),
        ),
        0..8,
    );
    (prompts, any::<prop::sample::Index>(), picks(), 0_u8..3).prop_map(
        |(stretches, new, picks, density)| {
            let (mut prompts, mut steps) = (Vec::new(), Vec::new());
            for (no, (parts, has_row)) in (0..).zip(stretches) {
                let start = steps.len() as u32;
                for ((kind, depth, sort, failed, off_path), length) in parts {
                    for _ in 0..length {
                        let mut one = step(steps.len() as i64, kind);
                        (one.depth, one.off_path) = (depth, off_path);
                        if failed {
                            one.status = Status::Failed;
                        }
                        one.test = [Some(TestOutcome::Passed), Some(TestOutcome::Failed)]
                            .get(sort as usize)
                            .copied()
                            .flatten();
                        steps.push(one);
                    }
                }
                let mut head = prompt(no, start..steps.len() as u32);
                head.row = head.row.filter(|_| has_row);
                prompts.push(head);
            }
            let choice = choice(&prompts, &steps, (new, picks, density));
            (prompts, steps, choice)
        },
    )
}

type Picks = [(Vec<prop::sample::Index>, bool); 4];

fn picks() -> impl Strategy<Value = Picks> {
    let some = || {
        (
            prop::collection::vec(any::<prop::sample::Index>(), 0..6),
            prop::bool::weighted(0.7),
        )
    };
    [some(), some(), some(), some()]
}

fn choice(
    prompts: &[PromptHead],
    steps: &[StepLite],
    (new, [folded, runs, agents, kept], density): (prop::sample::Index, Picks, u8),
) -> Choice {
    let pick = |(picks, some): &(Vec<prop::sample::Index>, bool), of: usize| -> Vec<u32> {
        let picks = picks.iter().filter(|_| *some && of > 0);
        picks.map(|i| i.index(of) as u32).collect()
    };
    let in_runs = pick(&runs, steps.len());
    let mut filtered = pick(&kept, steps.len());
    filtered.sort_unstable();
    filtered.dedup();
    Choice {
        density: [Density::Prompts, Density::Changes, Density::Everything][usize::from(density)],
        folded: pick(&folded, prompts.len()).into_iter().collect(),
        // Where a run begins, for as far as that is known.
        open_runs: in_runs.into_iter().map(|i| run_start(steps, i)).collect(),
        folded_agents: pick(&agents, steps.len()).into_iter().collect(),
        kept: (!kept.1).then_some(filtered),
        new_from: (!steps.is_empty() && folded.1).then(|| new.index(steps.len()) as u32),
    }
}

fn run_start(steps: &[StepLite], step: u32) -> u32 {
    let looks = (0..=step)
        .rev()
        .take_while(|i| is_look(&steps[*i as usize]));
    looks.last().unwrap_or(step)
}

/// The line at or before a thing, found by walking.
fn naive_near(all: &[Line], what: Selected, lines: &Lines) -> usize {
    let new = lines.choice().new_from.unwrap_or(u32::MAX);
    let by = |line: &Line| match what {
        Selected::Step(s) => match line {
            Line::Rewind(_) | Line::Cut(_) => false,
            Line::Prompt(p) => lines.prompts()[*p as usize].steps.start <= s,
            Line::Step(i) | Line::Looks(i, _) => *i <= s,
            Line::New => new <= s,
        },
        Selected::Prompt(p) => match line {
            Line::Rewind(_) | Line::Cut(_) => false,
            Line::Prompt(q) => *q <= p,
            Line::Step(i) | Line::Looks(i, _) => lines.prompt_of(*i).unwrap() < p,
            Line::New => {
                let steps = &lines.prompts()[p as usize].steps;
                new < steps.start || (new == steps.start && !steps.is_empty())
            }
        },
        Selected::Rewind(_) => false,
    };
    all.iter().take_while(|l| by(l)).count().saturating_sub(1)
}

fn check(lines: &Lines) -> Result<(), TestCaseError> {
    let all = naive(lines.prompts(), lines.steps(), lines.choice());
    prop_assert_eq!(lines.len(), all.len());
    prop_assert_eq!(&lines.slice(0..usize::MAX), &all);
    for from in [1, all.len() / 3, all.len()] {
        let to = all.len().min(from + 7);
        prop_assert_eq!(&lines.slice(from..from + 7)[..], &all[from.min(to)..to]);
    }
    let prompts = (0..lines.prompts().len() as u32).map(Selected::Prompt);
    let steps = (0..lines.steps().len() as u32).map(Selected::Step);
    for what in prompts.chain(steps) {
        let at = all.iter().position(|line| match (line, what) {
            (Line::Prompt(p), Selected::Prompt(q)) => *p == q,
            (Line::Step(s) | Line::Looks(s, _), Selected::Step(t)) => *s == t,
            _ => false,
        });
        prop_assert_eq!(lines.line_of(what), at);
        prop_assert_eq!(
            lines.line_near(what),
            naive_near(&all, what, lines),
            "{:?}",
            what
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn lines_found_by_sums_are_those_of_a_walk((prompts, steps, choice) in scene()) {
        check(&cut(&prompts, &steps, &choice))?;
    }

    #[test]
    fn a_fold_of_one_prompt_is_as_measuring_anew(
        (prompts, steps, choice) in scene(),
        folds in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..4),
    ) {
        let mut lines = cut(&prompts, &steps, &choice);
        for (at, fold) in folds.iter().filter(|_| !prompts.is_empty()) {
            let prompt = at.index(prompts.len()) as u32;
            lines.fold(prompt, *fold);
            prop_assert_eq!(lines.is_folded(prompt), *fold && choice.kept.is_none());
        }
        check(&lines)?;
    }

    #[test]
    fn what_is_sought_is_what_a_walk_finds((prompts, steps, choice) in scene(), from in any::<prop::sample::Index>()) {
        let lines = cut(&prompts, &steps, &choice);
        let from = from.index(steps.len() + 1);
        for what in [Sought::Change, Sought::Failure, Sought::Passed] {
            let ahead = (from..steps.len()).find(|i| what.is(&steps[*i]));
            let behind = (0..from).rev().find(|i| what.is(&steps[*i]));
            for (forward, found) in [(true, ahead), (false, behind)] {
                let sought = lines.blocks().seek(&steps, what, from as u32, forward);
                prop_assert_eq!(sought, found.map(|i| i as u32));
            }
        }
    }
}
