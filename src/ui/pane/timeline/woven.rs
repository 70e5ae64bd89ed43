//! The lines of a timeline with what stands between them and is no step: rewinds, and the rules above what they undid.
//! They are few, so each is a place among the lines that [`Lines`] counts.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::Selected;
use super::blocks::Blocks;
use super::lines::Lines;
use super::visible::{Choice, Line};
use crate::query::types::{RewindEntry, Timeline};

/// The lines and what stands between them.
#[derive(Clone, Debug, Default)]
pub struct Woven {
    lines: Lines,
    /// The line that each stands before; ascending.
    between: Vec<(usize, Line)>,
}

impl Deref for Woven {
    type Target = Lines;

    fn deref(&self) -> &Lines {
        &self.lines
    }
}

impl Woven {
    /// Of a timeline.
    pub fn of(timeline: Timeline, blocks: Arc<Blocks>, choice: Choice) -> Woven {
        let mut woven = Woven {
            lines: Lines::of(timeline, blocks, choice),
            between: Vec::new(),
        };
        woven.weave();
        woven
    }

    /// The rewinds.
    pub fn rewinds(&self) -> &[RewindEntry] {
        self.timeline().map_or(&[], |t| &t.rewinds)
    }

    /// Chooses otherwise.
    pub fn choose(&mut self, change: impl FnOnce(&mut Choice)) {
        self.lines.choose(change);
        self.weave();
    }

    /// Hides the steps of a prompt, or shows them.
    pub fn fold(&mut self, prompt: u32, fold: bool) {
        self.lines.fold(prompt, fold);
        self.weave();
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len() + self.between.len()
    }

    /// One of them.
    pub fn get(&self, line: usize) -> Option<Line> {
        self.slice(line..line + 1).pop()
    }

    /// Some of them that follow each other.
    pub fn slice(&self, range: Range<usize>) -> Vec<Line> {
        let first = self.before(range.start);
        let from = range.start - first;
        let lines = self.lines.slice(from..from + range.len());
        let mut between = self.between[first..].iter().peekable();
        let mut out = Vec::new();
        for (at, line) in (from..).zip(lines) {
            while let Some((_, extra)) = between.next_if(|(place, _)| *place <= at) {
                out.push(*extra);
            }
            out.push(line);
        }
        // Behind the last line.
        let end = self.lines.len();
        let rest = between.filter(|(place, _)| *place >= end);
        out.extend(rest.map(|(_, extra)| *extra));
        out.truncate(range.len());
        out
    }

    /// The line that shows a thing itself; a run of looks shows only its first step.
    pub fn line_of(&self, what: Selected) -> Option<usize> {
        match what {
            Selected::Rewind(r) => {
                let at = self
                    .between
                    .iter()
                    .position(|(_, l)| *l == Line::Rewind(r))?;
                Some(self.between[at].0 + at)
            }
            _ => self.lines.line_of(what).map(|line| self.shown(line)),
        }
    }

    /// The line that shows a thing, or else the nearest one before it.
    pub fn line_near(&self, what: Selected) -> usize {
        match what {
            Selected::Rewind(r) => {
                let prompt = self.rewinds().get(r as usize).map_or(0, |r| r.prompt);
                self.shown(self.lines.line_near(Selected::Prompt(prompt)))
            }
            _ => self.shown(self.lines.line_near(what)),
        }
    }

    /// Where a line stands with what is between.
    fn shown(&self, line: usize) -> usize {
        line + self.between.partition_point(|(place, _)| *place <= line)
    }

    /// How many of what is between stand above a line that is counted with them.
    fn before(&self, line: usize) -> usize {
        let above = |(k, (place, _)): (usize, &(usize, Line))| place + k < line;
        self.between
            .iter()
            .enumerate()
            .take_while(|pair| above(*pair))
            .count()
    }

    fn weave(&mut self) {
        let mut between: Vec<(usize, bool, Line)> = Vec::new();
        // A filter shows steps and nothing else.
        if self.choice().kept.is_none() {
            for (index, rewind) in (0..).zip(self.rewinds()) {
                if let Some(undone) = &rewind.undone {
                    between.push((self.above(undone), true, Line::Cut(index)));
                }
                between.push((self.place(rewind), false, Line::Rewind(index)));
            }
        }
        between.sort_by_key(|(place, rule, _)| (*place, *rule));
        self.between = between
            .into_iter()
            .map(|(at, _, line)| (at, line))
            .collect();
    }

    /// The line that the rule above what a rewind undid stands before.
    fn above(&self, undone: &Range<u32>) -> usize {
        let step = undone.start;
        let Some(prompt) = self.prompt_of(step) else {
            return self.lines.len();
        };
        // Of a prompt of which only the first step was reverted, the heading stays.
        let steps = &self.prompts()[prompt as usize].steps;
        let begins = steps.start == step && undone.end >= steps.end;
        let heading = self.lines.line_of(Selected::Prompt(prompt));
        match heading {
            Some(line) if begins => line,
            Some(line) if self.is_folded(prompt) => line + 1,
            _ => self.at(step),
        }
    }

    /// The line of a step, or the one behind what it is folded into.
    fn at(&self, step: u32) -> usize {
        let what = Selected::Step(step);
        match self.lines.line_of(what) {
            Some(line) => line,
            None => self.lines.line_near(what) + 1,
        }
    }

    /// The line that a rewind stands before.
    fn place(&self, rewind: &RewindEntry) -> usize {
        let prompts = self.prompts();
        let within = prompts
            .get(rewind.prompt as usize)
            .is_some_and(|p| p.steps.contains(&rewind.place));
        if within && !self.is_folded(rewind.prompt) {
            return self.at(rewind.place);
        }
        let later = rewind.prompt + 1..prompts.len() as u32;
        let heading = later
            .into_iter()
            .find_map(|p| self.lines.line_of(Selected::Prompt(p)));
        match heading {
            // The rule "new since" stays with the prompt below it.
            Some(line) if line > 0 && self.lines.get(line - 1) == Some(Line::New) => line - 1,
            Some(line) => line,
            None => self.lines.len(),
        }
    }
}

#[cfg(test)]
#[path = "woven_tests.rs"]
mod tests;
