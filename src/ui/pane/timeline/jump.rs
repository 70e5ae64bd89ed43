//! Folds and jumps of the timeline: to a step wherever it is hidden, to the next prompt, change, failure or test.

use super::blocks::Sought;
use super::visible::{Density, children_of, is_look};
use super::{Line, Selected, State};
use crate::query::types::{PromptRow, SessionRow, StepRow};

/// What the cursor is on, in a form that survives a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Prompt(Option<PromptRow>, u32),
    Step(StepRow),
    Rewind(i64),
}

impl State {
    /// Folds (`Some(true)`), unfolds (`Some(false)`) or toggles what the cursor is on; a step folds its prompt.
    pub(super) fn toggle(&mut self, fold: Option<bool>) {
        let Some(line) = self.line() else {
            return;
        };
        let mut selected = self.selected();
        match line {
            Line::Prompt(p) => {
                let fold = fold.unwrap_or(!self.is_folded(p));
                self.lines.fold(p, fold);
            }
            Line::Looks(first, _) => {
                if fold == Some(true) {
                    selected = self.fold_above(first).or(selected);
                } else {
                    self.lines.choose(|choice| {
                        choice.open_runs.insert(first);
                    });
                }
            }
            Line::Step(step) => selected = self.toggle_step(step, fold).or(selected),
            Line::Rewind(r) => {
                let prompt = self.rewinds().get(r as usize).map(|r| r.prompt);
                if let Some(prompt) = prompt.filter(|_| fold != Some(false)) {
                    self.lines.fold(prompt, true);
                    selected = Some(Selected::Prompt(prompt));
                }
            }
            Line::New | Line::Cut(_) => return,
        }
        self.reselect(selected);
    }

    /// What the cursor is to be on then, if not on the step.
    fn toggle_step(&mut self, step: u32, fold: Option<bool>) -> Option<Selected> {
        let end = self.steps().len() as u32;
        if children_of(step, end, self.steps()) == 0 || self.density() != Density::Everything {
            return match fold {
                Some(false) => None,
                _ => self.fold_above(step),
            };
        }
        let folded = self.choice().folded_agents.contains(&step);
        if folded && fold == Some(true) {
            return self.fold_above(step);
        }
        self.lines.choose(|choice| {
            if folded || fold == Some(false) {
                choice.folded_agents.remove(&step);
            } else {
                choice.folded_agents.insert(step);
            }
        });
        None
    }

    /// Folds the run of looks or else the prompt that a step stands in; that is what the cursor is to be on.
    fn fold_above(&mut self, step: u32) -> Option<Selected> {
        let runs = self.choice().open_runs.iter().copied();
        if let Some(first) = runs.filter(|f| *f <= step).max() {
            let run = &self.steps()[first as usize..=step as usize];
            if run.iter().all(is_look) {
                self.lines.choose(|choice| {
                    choice.open_runs.remove(&first);
                });
                return Some(Selected::Step(first));
            }
        }
        let prompt = self.prompt_of(step)?;
        self.lines.fold(prompt, true);
        Some(Selected::Prompt(prompt))
    }

    /// Whether the steps of a prompt are hidden.
    pub fn is_folded(&self, prompt: u32) -> bool {
        self.lines.is_folded(prompt)
    }

    /// Whether the steps of a step's sub-agent are hidden; `None` if it has none.
    pub fn agent_fold(&self, step: u32) -> Option<bool> {
        let next = self.steps().get(step as usize + 1)?;
        let here = self.steps().get(step as usize)?;
        (next.depth > here.depth).then(|| self.choice().folded_agents.contains(&step))
    }

    /// Puts the cursor on a step, unfolding what hides it. False if the session has no such step.
    pub fn go_to_step(&mut self, row: StepRow) -> bool {
        let Some(index) = self.steps().iter().position(|s| s.row == row) else {
            return false;
        };
        self.reveal(index as u32);
        true
    }

    /// Puts the cursor on a prompt of a session, by its number.
    pub fn go_to_prompt(&mut self, session: SessionRow, no: u32) -> bool {
        let Some(index) = self.index_of_prompt(session, no) else {
            return false;
        };
        self.put_on(Selected::Prompt(index as u32));
        true
    }

    /// The place of a prompt of a session among all of the timeline.
    pub fn index_of_prompt(&self, session: SessionRow, no: u32) -> Option<usize> {
        let mut prompts = self.prompts().iter();
        prompts.position(|p| (p.session, p.no) == (session, no))
    }

    fn reveal(&mut self, index: u32) {
        if self.lines.line_of(Selected::Step(index)).is_none() {
            self.filter = None;
            self.lines.choose(|choice| {
                choice.kept = None;
                choice.folded_agents.retain(|a| *a >= index);
            });
            if let Some(prompt) = self.prompt_of(index) {
                self.lines.fold(prompt, false);
            }
        }
        if self.lines.line_of(Selected::Step(index)).is_none() {
            match self.lines.run_around(index) {
                Some(first) => self.open_run(first),
                None => self
                    .lines
                    .choose(|choice| choice.density = Density::Everything),
            }
        }
        if self.lines.line_of(Selected::Step(index)).is_none()
            && let Some(first) = self.lines.run_around(index)
        {
            self.open_run(first);
        }
        self.put_on(Selected::Step(index));
    }

    fn open_run(&mut self, first: u32) {
        self.lines.choose(|choice| {
            choice.open_runs.insert(first);
        });
    }

    /// Puts the cursor on the next or the previous step of a sort; false if there is none.
    fn jump(&mut self, forward: bool, what: Sought) -> bool {
        let Some(from) = self.from(forward) else {
            return false;
        };
        let found = self.lines.blocks().seek(self.steps(), what, from, forward);
        self.reveal_found(found)
    }

    /// The first step that comes into question, or the one that the last one stands before.
    fn from(&self, forward: bool) -> Option<u32> {
        Some(match self.selected()? {
            Selected::Step(s) => s + u32::from(forward),
            Selected::Prompt(p) => self.prompts().get(p as usize).map_or(0, |p| p.steps.start),
            Selected::Rewind(r) => self.rewinds().get(r as usize).map_or(0, |r| r.place),
        })
    }

    fn reveal_found(&mut self, found: Option<u32>) -> bool {
        if let Some(index) = found {
            self.reveal(index);
        }
        found.is_some()
    }

    /// To the next or previous prompt; from a step the previous one is its own.
    pub fn jump_prompt(&mut self, forward: bool) -> bool {
        let to = match self.selected() {
            Some(Selected::Prompt(p)) if forward => Some(p + 1),
            Some(Selected::Prompt(p)) => p.checked_sub(1),
            Some(Selected::Step(s)) => self.prompt_of(s).map(|p| p + u32::from(forward)),
            Some(Selected::Rewind(r)) => {
                let rewind = self.rewinds().get(r as usize);
                rewind.map(|r| r.prompt + u32::from(forward))
            }
            None => None,
        };
        // A filter may hide some of them.
        let line = to.and_then(|to| {
            let shown = |p: &u32| self.lines.has_heading(*p);
            match forward {
                true => (to..self.prompts().len() as u32).find(shown),
                false => (0..=to).rev().find(shown),
            }
        });
        let Some(prompt) = line else {
            return false;
        };
        self.put_on(Selected::Prompt(prompt));
        true
    }

    /// To the next or previous step that changed a file.
    pub fn jump_change(&mut self, forward: bool) -> bool {
        self.jump(forward, Sought::Change)
    }

    /// To the last passing test run before here.
    pub fn jump_passing_test(&mut self) -> bool {
        self.jump(false, Sought::Passed)
    }

    /// To the next failure.
    pub fn jump_failure(&mut self) -> bool {
        self.jump(true, Sought::Failure)
    }

    /// To the next or previous step that a search found.
    pub fn jump_hit(&mut self, forward: bool) -> bool {
        let Some(from) = self.from(forward) else {
            return false;
        };
        let at = self.hits.partition_point(|hit| *hit < from);
        let found = match forward {
            true => self.hits.get(at),
            false => self.hits[..at].last(),
        };
        self.reveal_found(found.copied())
    }

    pub(super) fn selected_key(&self) -> Option<Key> {
        match self.selected()? {
            Selected::Prompt(p) => {
                let head = self.prompts().get(p as usize)?;
                Some(Key::Prompt(head.row, head.no))
            }
            Selected::Step(s) => Some(Key::Step(self.steps().get(s as usize)?.row)),
            Selected::Rewind(r) => Some(Key::Rewind(self.rewinds().get(r as usize)?.op)),
        }
    }

    pub(super) fn go_to_key(&mut self, key: Key) {
        let selected = match key {
            Key::Step(row) => {
                let at = self.steps().iter().position(|s| s.row == row);
                at.map(|i| Selected::Step(i as u32))
            }
            Key::Prompt(row, no) => {
                let same = |p: &crate::query::types::PromptHead| p.row == row && p.no == no;
                let at = self.prompts().iter().position(same);
                at.map(|i| Selected::Prompt(i as u32))
            }
            Key::Rewind(op) => {
                let at = self.rewinds().iter().position(|r| r.op == op);
                at.map(|i| Selected::Rewind(i as u32))
            }
        };
        self.reselect(selected);
    }

    /// Puts the cursor on what was selected, else on the nearest line before it.
    pub(super) fn reselect(&mut self, selected: Option<Selected>) {
        match selected {
            Some(selected) => {
                let line = self.lines.line_of(selected);
                self.put(line.unwrap_or_else(|| self.lines.line_near(selected)));
            }
            None => self.put(self.cursor),
        }
    }

    fn put_on(&mut self, selected: Selected) {
        let line = self.lines.line_of(selected);
        self.put(line.unwrap_or(self.cursor));
    }
}
