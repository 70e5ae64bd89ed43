//! Which lines the timeline shows: a pure function of the steps and of what is folded, hidden and filtered.
//!
//! It runs over every step whenever a fold, the density or the filter changes, so it works on the compact
//! [`StepLite`]s alone: a million of them take a few milliseconds.

use std::collections::HashSet;

use crate::model::{Status, StepKind};
use crate::query::types::{PromptHead, RewindEntry, StepLite};

/// How much the timeline shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Density {
    /// Only the prompts.
    Prompts,
    /// Prompts, changes, tests and failures.
    Changes,
    /// Every step.
    #[default]
    Everything,
}

impl Density {
    /// The next one.
    pub fn next(self) -> Density {
        match self {
            Density::Everything => Density::Changes,
            Density::Changes => Density::Prompts,
            Density::Prompts => Density::Everything,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Density::Prompts => "prompts only",
            Density::Changes => "changes and failures",
            Density::Everything => "everything",
        }
    }
}

/// One line of the timeline. Numbers are indices into the session's prompts and steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A prompt as a heading.
    Prompt(u32),
    /// A step.
    Step(u32),
    /// A run of looks, folded into one row: the first step and how many.
    Looks(u32, u32),
    /// The rule "new since you looked".
    New,
    /// A rewind, by its index.
    Rewind(u32),
    /// The rule above what a rewind undid, by the rewind's index.
    Cut(u32),
}

impl Line {
    /// The first step of the line.
    pub fn step(self) -> Option<u32> {
        match self {
            Line::Step(i) | Line::Looks(i, _) => Some(i),
            Line::Prompt(_) | Line::New | Line::Rewind(_) | Line::Cut(_) => None,
        }
    }

    /// Whether the cursor can stand on it.
    pub fn is_rule(self) -> bool {
        matches!(self, Line::New | Line::Cut(_))
    }
}

/// What the user folded, hid and filtered.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// How much is shown.
    pub density: Density,
    /// Prompts (by index) whose steps are hidden; in `Density::Prompts` those whose steps are shown.
    pub folded: HashSet<u32>,
    /// Runs of looks (by first step) that are shown step by step.
    pub open_runs: HashSet<u32>,
    /// Steps (by index) that started a sub-agent whose steps are hidden.
    pub folded_agents: HashSet<u32>,
    /// With a filter: the steps (by index, ascending) that it keeps.
    pub kept: Option<Vec<u32>>,
    /// The first step that is new since the user looked.
    pub new_from: Option<u32>,
}

/// Fewer looks than this in a row are shown as they are.
const RUN: u32 = 3;

/// The lines of a session, from top to bottom.
pub fn lines(
    prompts: &[PromptHead],
    steps: &[StepLite],
    rewinds: &[RewindEntry],
    choice: &Choice,
) -> Vec<Line> {
    let events = Events {
        rewinds,
        new_from: choice.new_from,
    };
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
        events.rules(range.start, &mut out);
        if prompt.no > 0 || prompt.row.is_some() || !range.is_empty() {
            out.push(Line::Prompt(number));
        }
        let closed = (choice.density == Density::Prompts) != choice.folded.contains(&number);
        if closed {
            events.inside(number, &range, &mut out);
        } else {
            steps_of(number, range, steps, (choice, &events), &mut out);
        }
    }
    out
}

/// What stands between the steps.
struct Events<'a> {
    rewinds: &'a [RewindEntry],
    new_from: Option<u32>,
}

impl Events<'_> {
    /// The rules above a step, or above the prompt that begins with it.
    fn rules(&self, step: u32, out: &mut Vec<Line>) {
        // Only what was put there a moment ago can be the same.
        for (index, rewind) in (0..).zip(self.rewinds) {
            let begins = rewind.undone.as_ref().is_some_and(|u| u.start == step);
            // An empty prompt before begins with the same step: one rule is enough.
            if begins && !out.iter().rev().take(8).any(|l| *l == Line::Cut(index)) {
                out.push(Line::Cut(index));
            }
        }
        if self.new_from == Some(step) {
            out.push(Line::New);
        }
    }

    /// The rewinds under a prompt that stand right before a step.
    fn rewinds(&self, prompt: u32, step: u32, out: &mut Vec<Line>) {
        let here = |r: &RewindEntry| r.prompt == prompt && r.place == step;
        let found = (0..).zip(self.rewinds).filter(|(_, r)| here(r));
        out.extend(found.map(|(index, _)| Line::Rewind(index)));
    }

    /// Those of a prompt whose steps are hidden.
    fn inside(&self, prompt: u32, range: &std::ops::Range<u32>, out: &mut Vec<Line>) {
        let mut found = Vec::new();
        for (index, rewind) in (0..).zip(self.rewinds) {
            if let Some(undone) = &rewind.undone
                && undone.start > range.start
                && range.contains(&undone.start)
            {
                found.push((undone.start, 1, Line::Cut(index)));
            }
            if rewind.prompt == prompt {
                found.push((rewind.place, 0, Line::Rewind(index)));
            }
        }
        found.sort_by_key(|(at, rank, _)| (*at, *rank));
        out.extend(found.into_iter().map(|(_, _, line)| line));
    }

    /// Whether something stands right before a step.
    fn breaks(&self, step: u32) -> bool {
        self.new_from == Some(step)
            || self
                .rewinds
                .iter()
                .any(|r| r.place == step || r.undone.as_ref().is_some_and(|u| u.start == step))
    }
}

fn steps_of(
    prompt: u32,
    range: std::ops::Range<u32>,
    steps: &[StepLite],
    (choice, events): (&Choice, &Events<'_>),
    out: &mut Vec<Line>,
) {
    let first = range.start;
    let mut i = first;
    while i < range.end {
        let step = &steps[i as usize];
        events.rewinds(prompt, i, out);
        if i != first {
            events.rules(i, out);
        }
        if choice.density != Density::Everything {
            if matters(step) {
                out.push(Line::Step(i));
            }
            i += 1;
            continue;
        }
        let run = run_of_looks(i, range.end, steps, events);
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
    events.rewinds(prompt, range.end, out);
}

/// How many steps behind this one belong to the sub-agent that it started.
pub fn children_of(index: u32, end: u32, steps: &[StepLite]) -> u32 {
    let depth = steps[index as usize].depth;
    let behind = (index + 1..end).take_while(|i| steps[*i as usize].depth > depth);
    behind.count() as u32
}

fn run_of_looks(from: u32, end: u32, steps: &[StepLite], events: &Events<'_>) -> u32 {
    let first = &steps[from as usize];
    let alike = |i: &u32| {
        let s = &steps[*i as usize];
        is_look(s)
            && s.depth == first.depth
            && s.off_path == first.off_path
            && (*i == from || !events.breaks(*i))
    };
    (from..end).take_while(alike).count() as u32
}

/// It only looked, and nothing about it stands out.
pub fn is_look(step: &StepLite) -> bool {
    matches!(step.kind, StepKind::Read | StepKind::Search | StepKind::Web)
        && matches!(step.status, Status::Ok | Status::Unknown)
        && !step.changed
}

/// Worth a row when only changes and failures are shown.
fn matters(step: &StepLite) -> bool {
    let unusual = !matches!(step.status, Status::Ok | Status::Unknown);
    step.changed || step.test.is_some() || unusual
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TestOutcome, Via};
    use crate::query::types::{PromptRow, StepRow};

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
        let shown = lines(&prompts, &steps, &[], &choice);
        assert_eq!(shown[..2], [Line::Prompt(0), Line::Looks(0, 4)]);
        assert_eq!(shown.len(), 8);
        choice.open_runs.insert(0);
        assert_eq!(lines(&prompts, &steps, &[], &choice).len(), 11);
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
        assert_eq!(lines(&prompts, &steps, &[], &choice), changes);
        choice.folded.insert(0);
        assert_eq!(lines(&prompts, &steps, &[], &choice)[1], Line::Prompt(1));
        choice.density = Density::Prompts;
        assert_eq!(
            lines(&prompts, &steps, &[], &choice).len(),
            2 + 2 + 1 - 1,
            "a fold opens"
        );
    }

    #[test]
    fn a_sub_agent_folds_and_a_filter_keeps_only_its_own() {
        let (prompts, steps) = story();
        let mut choice = Choice::default();
        choice.folded_agents.insert(6);
        assert!(!lines(&prompts, &steps, &[], &choice).contains(&Line::Step(7)));
        choice.kept = Some(vec![7]);
        let kept = [Line::Prompt(1), Line::Step(7)];
        assert_eq!(lines(&prompts, &steps, &[], &choice), kept);
    }

    #[test]
    fn the_new_rule_stands_before_the_first_new_step() {
        let (prompts, steps) = story();
        let mut choice = Choice {
            new_from: Some(6),
            ..Choice::default()
        };
        let shown = lines(&prompts, &steps, &[], &choice);
        let at = shown.iter().position(|l| *l == Line::New).expect("a rule");
        assert_eq!(shown[at + 1], Line::Prompt(1));
        choice.new_from = Some(2);
        let shown = lines(&prompts, &steps, &[], &choice);
        let at = shown.iter().position(|l| *l == Line::New).expect("a rule");
        assert_eq!(shown[at + 1], Line::Step(2));
    }

    fn rewind(prompt: u32, place: u32, undone: Option<std::ops::Range<u32>>) -> RewindEntry {
        RewindEntry {
            op: i64::from(place),
            id: String::new(),
            kind: "rewind",
            at: crate::model::Time(0),
            title: String::new(),
            files: 1,
            lines: (1, 1),
            taken_back: undone.is_none(),
            prompt,
            place,
            undone,
        }
    }

    #[test]
    fn a_rewind_stands_behind_what_it_undid_and_a_rule_above_that() {
        let (prompts, steps) = story();
        let choice = Choice::default();
        let at_end = [rewind(1, 9, Some(4..9))];
        let shown = lines(&prompts, &steps, &at_end, &choice);
        assert_eq!(shown.last(), Some(&Line::Rewind(0)));
        let cut = shown
            .iter()
            .position(|l| *l == Line::Cut(0))
            .expect("a rule");
        assert_eq!(shown[cut + 1], Line::Step(4));
        // Of whole prompts the rule stands above the heading; one taken back has none.
        let two = [rewind(0, 6, None), rewind(1, 9, Some(6..9))];
        let shown = lines(&prompts, &steps, &two, &choice);
        let heading = shown
            .iter()
            .position(|l| *l == Line::Prompt(1))
            .expect("it");
        assert_eq!(shown[heading - 2..heading], [Line::Rewind(0), Line::Cut(1)]);
        // A rewind between two looks parts their run; folded prompts still show it.
        let between = [rewind(0, 2, None)];
        let shown = lines(&prompts, &steps, &between, &choice);
        assert_eq!(
            shown[1..6],
            [
                Line::Step(0),
                Line::Step(1),
                Line::Rewind(0),
                Line::Step(2),
                Line::Step(3)
            ]
        );
        let mut folded = Choice::default();
        folded.folded.insert(0);
        let shown = lines(&prompts, &steps, &between, &folded);
        assert_eq!(shown[..2], [Line::Prompt(0), Line::Rewind(0)]);
    }
}
