//! The lines of a timeline, never all at once: how many each block of steps takes up is kept in sums, and the lines of a
//! block are made when they are looked at. A fold touches its prompt; what changes everything, as the density does, goes
//! over the blocks, not over the steps.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::Selected;
use super::blocks::Blocks;
use super::sums::Sums;
use super::visible::{Choice, Density, Line, Shown, children_of};
use crate::query::types::{PromptHead, StepLite, Timeline};

/// A timeline and what of it is shown.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    timeline: Option<Arc<Timeline>>,
    blocks: Arc<Blocks>,
    choice: Choice,
    sums: Sums,
    /// Steps of folded sub-agents, ascending and apart from each other.
    hidden: Vec<Range<u32>>,
    /// Blocks that do not look as they were measured: something in them was folded or opened.
    touched: HashSet<usize>,
}

impl Lines {
    /// Of a timeline.
    pub fn of(timeline: Timeline, blocks: Arc<Blocks>, choice: Choice) -> Lines {
        let mut lines = Lines {
            timeline: Some(Arc::new(timeline)),
            blocks,
            choice,
            ..Lines::default()
        };
        lines.measure();
        lines
    }

    /// The timeline.
    pub fn timeline(&self) -> Option<&Arc<Timeline>> {
        self.timeline.as_ref()
    }

    /// How it is cut.
    pub fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    /// The prompts.
    pub fn prompts(&self) -> &[PromptHead] {
        self.timeline.as_ref().map_or(&[], |t| &t.prompts)
    }

    /// The steps.
    pub fn steps(&self) -> &[StepLite] {
        self.timeline.as_ref().map_or(&[], |t| &t.steps)
    }

    /// What was folded, hidden and filtered.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Chooses otherwise.
    pub fn choose(&mut self, change: impl FnOnce(&mut Choice)) {
        change(&mut self.choice);
        self.measure();
    }

    /// Hides the steps of a prompt, or shows them.
    pub fn fold(&mut self, prompt: u32, fold: bool) {
        let shut_by_default = self.choice.density == Density::Prompts;
        match fold != shut_by_default {
            true => self.choice.folded.insert(prompt),
            false => self.choice.folded.remove(&prompt),
        };
        for block in self.blocks.of_prompt(prompt) {
            self.sums.set(block, self.height(block));
        }
    }

    /// Whether the steps of a prompt are hidden.
    pub fn is_folded(&self, prompt: u32) -> bool {
        self.choice.kept.is_none()
            && (self.choice.density == Density::Prompts) != self.choice.folded.contains(&prompt)
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.sums.total()
    }

    /// One of them.
    pub fn get(&self, line: usize) -> Option<Line> {
        self.slice(line..line + 1).pop()
    }

    /// Some of them that follow each other.
    pub fn slice(&self, range: Range<usize>) -> Vec<Line> {
        let mut out = Vec::new();
        let Some((mut block, skip)) = self.sums.find(range.start) else {
            return out;
        };
        while out.len() < skip + range.len() && block < self.blocks.all().len() {
            if self.sums.height(block) > 0 {
                self.lines_of(block, &mut out);
            }
            block += 1;
        }
        out.truncate(skip + range.len());
        out.drain(..skip.min(out.len()));
        out
    }

    /// The line that shows a thing itself; a run of looks shows only its first step.
    pub fn line_of(&self, what: Selected) -> Option<usize> {
        let block = self.block_of(what)?;
        let lines = self.block(block);
        let at = lines.iter().position(|line| match (line, what) {
            (Line::Prompt(p), Selected::Prompt(q)) => *p == q,
            (Line::Step(s) | Line::Looks(s, _), Selected::Step(t)) => *s == t,
            _ => false,
        })?;
        Some(self.sums.before(block) + at)
    }

    /// The line that shows a thing, or else the nearest one before it.
    pub fn line_near(&self, what: Selected) -> usize {
        let Some(block) = self.block_of(what) else {
            return 0;
        };
        let stands_by = |line: &Line| match (line, what) {
            (Line::Prompt(p), Selected::Prompt(q)) => *p <= q,
            (Line::Prompt(_), Selected::Step(_)) => true,
            (Line::New, Selected::Prompt(p)) => self
                .prompts()
                .get(p as usize)
                .is_some_and(|p| self.choice.new_from.is_some_and(|n| n <= p.steps.start)),
            (Line::New, Selected::Step(s)) => self.choice.new_from.is_some_and(|n| n <= s),
            (Line::Step(i) | Line::Looks(i, _), Selected::Step(s)) => *i <= s,
            // What stands between the lines is woven in by others.
            _ => false,
        };
        let within = self.block(block).partition_point(stands_by);
        (self.sums.before(block) + within).saturating_sub(1)
    }

    /// The first step of the folded run of looks that a step stands in.
    pub fn run_around(&self, step: u32) -> Option<u32> {
        let lines = self.block(self.blocks.of_step(step)?);
        lines.into_iter().find_map(|line| match line {
            Line::Looks(first, n) if (first..first + n).contains(&step) => Some(first),
            _ => None,
        })
    }

    /// Whether a prompt has a heading: one with nothing in it that is kept has none.
    pub fn has_heading(&self, prompt: u32) -> bool {
        let Some(head) = self.prompts().get(prompt as usize) else {
            return false;
        };
        match self.kept_in(&head.steps) {
            Some(kept) => kept > 0,
            None => head.no > 0 || head.row.is_some() || !head.steps.is_empty(),
        }
    }

    fn block_of(&self, what: Selected) -> Option<usize> {
        match what {
            Selected::Prompt(p) => Some(self.blocks.of_prompt(p))
                .filter(|r| !r.is_empty())?
                .next(),
            Selected::Step(s) => self.blocks.of_step(s),
            Selected::Rewind(_) => None,
        }
    }

    /// How many steps of a range the filter keeps; `None` without a filter.
    fn kept_in(&self, range: &Range<u32>) -> Option<u32> {
        let kept = self.choice.kept.as_ref()?;
        let from = kept.partition_point(|i| *i < range.start);
        let to = kept.partition_point(|i| *i < range.end);
        Some((to - from) as u32)
    }

    fn shown(&self) -> Shown<'_> {
        Shown {
            steps: self.steps(),
            choice: &self.choice,
            hidden: &self.hidden,
        }
    }

    fn block(&self, block: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        self.lines_of(block, &mut lines);
        lines
    }

    fn lines_of(&self, block: usize, out: &mut Vec<Line>) {
        let Some(b) = self.blocks.all().get(block) else {
            return;
        };
        if b.first {
            if self.is_new_at(b.prompt) {
                out.push(Line::New);
            }
            if self.has_heading(b.prompt) {
                out.push(Line::Prompt(b.prompt));
            }
        }
        if !self.is_folded(b.prompt) {
            self.shown().lines(b.steps.clone(), b.first, out);
        }
    }

    /// Whether the rule "new since" stands above a prompt.
    fn is_new_at(&self, prompt: u32) -> bool {
        let steps = self.prompts().get(prompt as usize).map(|p| &p.steps);
        self.choice.kept.is_none()
            && steps.is_some_and(|s| !s.is_empty() && self.choice.new_from == Some(s.start))
    }

    fn height(&self, block: usize) -> u32 {
        let Some(b) = self.blocks.all().get(block) else {
            return 0;
        };
        let above = match b.first {
            true => u32::from(self.is_new_at(b.prompt)) + u32::from(self.has_heading(b.prompt)),
            false => 0,
        };
        if let Some(kept) = self.kept_in(&b.steps) {
            return above + kept;
        }
        if self.is_folded(b.prompt) {
            return above;
        }
        match self.touched.contains(&block) {
            true => self.block(block).len() as u32,
            false => above + b.height(self.choice.density),
        }
    }

    /// Measures every block anew.
    fn measure(&mut self) {
        self.hidden = self.hidden();
        self.touched = self.touched();
        self.sums = Sums::of(
            (0..self.blocks.all().len())
                .map(|b| self.height(b))
                .collect(),
        );
    }

    fn hidden(&self) -> Vec<Range<u32>> {
        let mut agents: Vec<u32> = self.choice.folded_agents.iter().copied().collect();
        agents.sort_unstable();
        let mut out: Vec<Range<u32>> = Vec::new();
        if self.choice.density != Density::Everything {
            return out;
        }
        for agent in agents {
            let Some(prompt) = self.prompt_of(agent) else {
                continue;
            };
            let steps = &self.prompts()[prompt as usize].steps;
            let within = steps.start..steps.end.min(self.steps().len() as u32);
            // Within what is folded away already, or in a run of looks, nothing of its own is folded.
            let inside = out.last().is_some_and(|r| r.contains(&agent));
            if inside || self.shown().is_in_run(agent, within.clone()) {
                continue;
            }
            let behind = children_of(agent, within.end, self.steps());
            if behind > 0 {
                out.push(agent + 1..agent + 1 + behind);
            }
        }
        out
    }

    fn touched(&self) -> HashSet<usize> {
        let runs = self.choice.open_runs.iter().copied();
        let single = runs.chain(self.choice.new_from);
        let mut out: HashSet<usize> = single.filter_map(|s| self.blocks.of_step(s)).collect();
        for range in &self.hidden {
            let (first, last) = (
                self.blocks.of_step(range.start),
                self.blocks.of_step(range.end - 1),
            );
            if let (Some(first), Some(last)) = (first, last) {
                out.extend(first..=last);
            }
        }
        out
    }

    /// The index of the prompt that a step belongs to.
    pub fn prompt_of(&self, step: u32) -> Option<u32> {
        let prompts = self.prompts();
        let at = prompts.partition_point(|p| p.steps.end <= step);
        prompts.get(at)?.steps.contains(&step).then_some(at as u32)
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
pub(super) mod tests;
