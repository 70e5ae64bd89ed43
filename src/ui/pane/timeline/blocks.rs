//! A timeline cut into blocks of some hundred steps, with what each of them takes up and holds. Made once for a timeline,
//! by whoever reads it, so that no key has to look at a million steps.

use std::ops::Range;

use super::visible::{Density, RUN, alike, is_failure, is_passed, matters};
use crate::query::types::{StepLite, Timeline};

/// About as many steps make a block.
const STEPS: u32 = 128;

/// Steps that follow each other under one prompt. No run of looks goes from one into the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The prompt, by index.
    pub prompt: u32,
    /// Its steps, by index.
    pub steps: Range<u32>,
    /// Whether the prompt's heading belongs to it.
    pub first: bool,
    /// Lines of its steps where everything is shown, and where only what matters is.
    heights: [u32; 2],
    changes: bool,
    fails: bool,
    passes: bool,
}

/// What is looked for from step to step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// A step that changed a file.
    Change,
    /// A step, or a run of tests, that failed.
    Failure,
    /// A run of tests that passed.
    Passed,
}

impl Sought {
    /// Whether a step is one.
    pub fn is(self, step: &StepLite) -> bool {
        match self {
            Sought::Change => step.changed,
            Sought::Failure => is_failure(step),
            Sought::Passed => is_passed(step),
        }
    }

    fn is_in(self, block: &Block) -> bool {
        match self {
            Sought::Change => block.changes,
            Sought::Failure => block.fails,
            Sought::Passed => block.passes,
        }
    }
}

impl Block {
    /// Lines of its steps as they are, nothing in it folded or opened.
    pub fn height(&self, density: Density) -> u32 {
        match density {
            // Where only prompts are shown, one that is opened shows what matters.
            Density::Prompts | Density::Changes => self.heights[1],
            Density::Everything => self.heights[0],
        }
    }
}

/// All blocks of a timeline.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    all: Vec<Block>,
    /// Where the blocks of each prompt begin; one more at the end.
    of_prompt: Vec<u32>,
    /// Whether rows grow from step to step.
    sorted: bool,
}

impl Blocks {
    /// Cuts a timeline.
    pub fn of(timeline: &Timeline) -> Blocks {
        let steps: &[StepLite] = &timeline.steps;
        let mut out = Blocks {
            sorted: steps.is_sorted_by(|a, b| a.row < b.row),
            ..Blocks::default()
        };
        for (index, prompt) in (0..).zip(&timeline.prompts) {
            out.of_prompt.push(out.all.len() as u32);
            let end = prompt.steps.end.min(steps.len() as u32);
            let mut from = prompt.steps.start.min(end);
            loop {
                let (to, block) = cut(steps, from..end);
                out.all.push(Block {
                    prompt: index,
                    first: from == prompt.steps.start.min(end),
                    ..block
                });
                from = to;
                if from >= end {
                    break;
                }
            }
        }
        out.of_prompt.push(out.all.len() as u32);
        out
    }

    /// Every block.
    pub fn all(&self) -> &[Block] {
        &self.all
    }

    /// The blocks of a prompt.
    pub fn of_prompt(&self, prompt: u32) -> Range<usize> {
        let at = |i: usize| {
            self.of_prompt
                .get(i)
                .map_or(self.all.len(), |b| *b as usize)
        };
        at(prompt as usize)..at(prompt as usize + 1)
    }

    /// The block of a step.
    pub fn of_step(&self, step: u32) -> Option<usize> {
        self.all
            .partition_point(|b| b.steps.start <= step)
            .checked_sub(1)
    }

    /// The next step that is sought, from one on; or the last one before it.
    pub fn seek(&self, steps: &[StepLite], what: Sought, from: u32, forward: bool) -> Option<u32> {
        let is = |i: &u32| steps.get(*i as usize).is_some_and(|s| what.is(s));
        let holds = |b: &&Block| what.is_in(b);
        if forward {
            let first = self.all.partition_point(|b| b.steps.end <= from);
            let mut blocks = self.all[first..].iter().filter(holds);
            blocks.find_map(|b| (b.steps.start.max(from)..b.steps.end).find(is))
        } else {
            let end = self.all.partition_point(|b| b.steps.start < from);
            let mut blocks = self.all[..end].iter().rev().filter(holds);
            blocks.find_map(|b| (b.steps.start..b.steps.end.min(from)).rev().find(is))
        }
    }

    /// Whether the rows of the steps grow from one to the next, so that one of them can be searched for by halves.
    pub fn is_sorted(&self) -> bool {
        self.sorted
    }
}

/// The first block of a range of steps, and where the next one begins.
fn cut(steps: &[StepLite], range: Range<u32>) -> (u32, Block) {
    let mut block = Block {
        prompt: 0,
        steps: range.start..range.start,
        first: false,
        heights: [0; 2],
        changes: false,
        fails: false,
        passes: false,
    };
    let mut run = 0;
    let mut before: Option<&StepLite> = None;
    for i in range {
        let step = &steps[i as usize];
        let goes_on = before.is_some_and(|b| alike(b, step));
        if i - block.steps.start >= STEPS && !goes_on {
            break;
        }
        // A run is one line from its third look on.
        run = if goes_on { run + 1 } else { 1 };
        match run {
            RUN => block.heights[0] -= RUN - 2,
            n if n > RUN => {}
            _ => block.heights[0] += 1,
        }
        block.heights[1] += u32::from(matters(step));
        block.changes |= step.changed;
        block.fails |= is_failure(step);
        block.passes |= is_passed(step);
        block.steps.end = i + 1;
        before = Some(step);
    }
    (block.steps.end, block)
}
