//! Which lines the timeline shows: what is folded, hidden and filtered, and what a stretch of steps then looks like.
//!
//! Pure, and about the compact [`StepLite`]s alone. [`super::lines`] puts the stretches together.

use std::collections::HashSet;
use std::ops::Range;

use crate::model::{Status, StepKind, TestOutcome};
use crate::query::types::StepLite;

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

    /// Whether the cursor cannot stand on it.
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
pub(super) const RUN: u32 = 3;

/// What of the steps is to be shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    pub steps: &'a [StepLite],
    pub choice: &'a Choice,
    /// Steps of sub-agents that are folded away: ascending, apart from each other.
    pub hidden: &'a [Range<u32>],
}

impl Shown<'_> {
    /// The lines of a stretch of steps under an open prompt. No run of looks goes beyond either end of it. `first`: the
    /// stretch is the prompt's first.
    pub fn lines(&self, range: Range<u32>, first: bool, out: &mut Vec<Line>) {
        let (choice, start) = (self.choice, range.start);
        if let Some(kept) = &choice.kept {
            let from = kept.partition_point(|i| *i < range.start);
            let to = kept.partition_point(|i| *i < range.end);
            out.extend(kept[from..to].iter().map(|i| Line::Step(*i)));
            return;
        }
        let everything = choice.density == Density::Everything;
        let mut i = start;
        while i < range.end {
            if let Some(end) = self.hidden_until(i) {
                i = end;
                continue;
            }
            // Before a prompt's first step the rule stands above the heading.
            if choice.new_from == Some(i) && !(first && i == start) {
                out.push(Line::New);
            }
            if !everything {
                if matters(&self.steps[i as usize]) {
                    out.push(Line::Step(i));
                }
                i += 1;
                continue;
            }
            let run = self.run_of_looks(i, range.end);
            if run >= RUN && !choice.open_runs.contains(&i) {
                out.push(Line::Looks(i, run));
            } else {
                out.extend((i..i + run.max(1)).map(Line::Step));
            }
            i += run.max(1);
        }
    }

    /// Where the steps that are folded away with this one end.
    fn hidden_until(&self, step: u32) -> Option<u32> {
        let at = self.hidden.partition_point(|r| r.end <= step);
        self.hidden
            .get(at)
            .filter(|r| r.contains(&step))
            .map(|r| r.end)
    }

    fn run_of_looks(&self, from: u32, end: u32) -> u32 {
        if !is_look(&self.steps[from as usize]) {
            return 0;
        }
        let goes_on = |i: &u32| {
            let i = *i as usize;
            alike(&self.steps[i - 1], &self.steps[i]) && self.choice.new_from != Some(i as u32)
        };
        1 + (from + 1..end).take_while(goes_on).count() as u32
    }

    /// Whether a step of a prompt stands in a run of looks that is long enough to be one line.
    pub fn is_in_run(&self, step: u32, prompt: Range<u32>) -> bool {
        let goes_back = |i: &u32| {
            let at = *i as usize;
            self.choice.new_from != Some(*i) && alike(&self.steps[at - 1], &self.steps[at])
        };
        let before = (prompt.start + 1..=step).rev().take(RUN as usize);
        let before = before.take_while(goes_back).count() as u32;
        before + self.run_of_looks(step, prompt.end.min(step + RUN)) >= RUN
    }
}

/// How many steps behind this one belong to the sub-agent that it started.
pub fn children_of(index: u32, end: u32, steps: &[StepLite]) -> u32 {
    let depth = steps[index as usize].depth;
    let behind = (index + 1..end).take_while(|i| steps[*i as usize].depth > depth);
    behind.count() as u32
}

/// Whether two steps that follow each other are looks of one run.
pub(super) fn alike(a: &StepLite, b: &StepLite) -> bool {
    is_look(a) && is_look(b) && a.depth == b.depth && a.off_path == b.off_path
}

/// It only looked, and nothing about it stands out.
pub fn is_look(step: &StepLite) -> bool {
    matches!(step.kind, StepKind::Read | StepKind::Search | StepKind::Web)
        && matches!(step.status, Status::Ok | Status::Unknown)
        && !step.changed
}

/// Worth a row when only changes and failures are shown.
pub(super) fn matters(step: &StepLite) -> bool {
    let unusual = !matches!(step.status, Status::Ok | Status::Unknown);
    step.changed || step.test.is_some() || unusual
}

/// It failed, or the tests that it ran did.
pub(super) fn is_failure(step: &StepLite) -> bool {
    step.status == Status::Failed || step.test == Some(TestOutcome::Failed)
}

/// It ran tests, and they passed.
pub(super) fn is_passed(step: &StepLite) -> bool {
    step.test == Some(TestOutcome::Passed)
}
