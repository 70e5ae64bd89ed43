//! Folds and jumps of the timeline: to a step wherever it is hidden, to the next prompt, change, failure or test.

use super::visible::{Density, children_of};
use super::{Line, Selected, State};
use crate::model::{Status, TestOutcome};
use crate::query::types::{PromptRow, StepLite, StepRow};

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
        let Some(line) = self.lines.get(self.cursor).copied() else {
            return;
        };
        match line {
            Line::Prompt(p) => self.fold_prompt(p, fold),
            Line::Looks(first, _) => {
                if fold == Some(true) {
                    self.fold_above(first);
                } else {
                    self.choice.open_runs.insert(first);
                }
            }
            Line::Step(step) => self.toggle_step(step, fold),
            Line::Rewind(r) => {
                let prompt = self.rewinds().get(r as usize).map(|r| r.prompt);
                if let Some(prompt) = prompt.filter(|_| fold != Some(false)) {
                    self.put_on(Selected::Prompt(prompt));
                    self.fold_prompt(prompt, Some(true));
                }
            }
            Line::New | Line::Cut(_) => return,
        }
        let selected = self.selected();
        self.recompute();
        self.reselect(selected);
    }

    fn toggle_step(&mut self, step: u32, fold: Option<bool>) {
        let end = self.steps().len() as u32;
        if children_of(step, end, self.steps()) > 0 && self.choice.density == Density::Everything {
            let folded = self.choice.folded_agents.contains(&step);
            match fold {
                Some(true) if folded => self.fold_above(step),
                Some(false) => {
                    self.choice.folded_agents.remove(&step);
                }
                None if folded => {
                    self.choice.folded_agents.remove(&step);
                }
                _ => {
                    self.choice.folded_agents.insert(step);
                }
            }
        } else if fold != Some(false) {
            self.fold_above(step);
        }
    }

    /// Folds the run of looks or else the prompt that a step stands in, and puts the cursor there.
    fn fold_above(&mut self, step: u32) {
        let run = self.choice.open_runs.iter().copied().filter(|f| *f <= step);
        if let Some(first) = run.max() {
            let run_end = (first..self.steps().len() as u32)
                .find(|i| !super::visible::is_look(&self.steps()[*i as usize]))
                .unwrap_or(self.steps().len() as u32);
            if step < run_end {
                self.choice.open_runs.remove(&first);
                self.put_on(Selected::Step(first));
                return;
            }
        }
        if let Some(prompt) = self.prompt_of(step) {
            self.put_on(Selected::Prompt(prompt));
            self.fold_prompt(prompt, Some(true));
        }
    }

    fn fold_prompt(&mut self, prompt: u32, fold: Option<bool>) {
        let shut_by_default = self.choice.density == Density::Prompts;
        let listed = self.choice.folded.contains(&prompt);
        let closed = shut_by_default != listed;
        let close = fold.unwrap_or(!closed);
        if close != closed {
            if listed {
                self.choice.folded.remove(&prompt);
            } else {
                self.choice.folded.insert(prompt);
            }
        }
    }

    /// Whether the steps of a prompt are hidden.
    pub fn is_folded(&self, prompt: u32) -> bool {
        self.choice.kept.is_none()
            && (self.choice.density == Density::Prompts) != self.choice.folded.contains(&prompt)
    }

    /// Whether the steps of a step's sub-agent are hidden; `None` if it has none.
    pub fn agent_fold(&self, step: u32) -> Option<bool> {
        let next = self.steps().get(step as usize + 1)?;
        let here = self.steps().get(step as usize)?;
        (next.depth > here.depth).then(|| self.choice.folded_agents.contains(&step))
    }

    /// Puts the cursor on a step, unfolding what hides it. False if the session has no such step.
    pub fn go_to_step(&mut self, row: StepRow) -> bool {
        let Some(index) = self.steps().iter().position(|s| s.row == row) else {
            return false;
        };
        self.reveal(index as u32);
        true
    }

    /// Puts the cursor on a prompt, by its number.
    pub fn go_to_prompt(&mut self, no: u32) -> bool {
        let Some(index) = self.prompts().iter().position(|p| p.no == no) else {
            return false;
        };
        self.put_on(Selected::Prompt(index as u32));
        true
    }

    fn reveal(&mut self, index: u32) {
        if self.line_of(Selected::Step(index)).is_none() {
            if self.choice.kept.is_some() {
                self.choice.kept = None;
                self.filter = None;
            }
            if let Some(prompt) = self.prompt_of(index) {
                self.fold_prompt(prompt, Some(false));
            }
            self.choice.folded_agents.retain(|a| *a >= index);
            self.recompute();
        }
        if self.line_of(Selected::Step(index)).is_none() {
            match self.run_around(index) {
                Some(first) => {
                    self.choice.open_runs.insert(first);
                }
                None => self.choice.density = Density::Everything,
            }
            self.recompute();
        }
        if self.line_of(Selected::Step(index)).is_none()
            && let Some(first) = self.run_around(index)
        {
            self.choice.open_runs.insert(first);
            self.recompute();
        }
        self.put_on(Selected::Step(index));
    }

    fn run_around(&self, index: u32) -> Option<u32> {
        let here = self.spot(Line::Step(index));
        let at = self.lines.partition_point(|l| self.spot(*l) <= here);
        match self.lines.get(at.checked_sub(1)?)? {
            Line::Looks(first, n) if (*first..first + n).contains(&index) => Some(*first),
            _ => None,
        }
    }

    /// Where a line stands: lines are in this order. The prompt first; then the heading, the steps, and between them what
    /// is no step.
    fn spot(&self, line: Line) -> (u32, u64) {
        let step = |prompt: u32, step: u32| (prompt, 2 + 2 * u64::from(step));
        let before = |at: u32| {
            let prompt = self.prompt_of(at).unwrap_or(u32::MAX);
            let begins = self
                .prompts()
                .get(prompt as usize)
                .is_some_and(|p| p.steps.start == at);
            match begins {
                true => (prompt, 0),
                false => (prompt, 1 + 2 * u64::from(at)),
            }
        };
        match line {
            Line::Prompt(p) => (p, 1),
            Line::Step(i) | Line::Looks(i, _) => step(self.prompt_of(i).unwrap_or(u32::MAX), i),
            Line::New => self.choice.new_from.map_or((u32::MAX, 0), before),
            Line::Rewind(r) => match self.rewinds().get(r as usize) {
                Some(r) => (r.prompt, 1 + 2 * u64::from(r.place)),
                None => (u32::MAX, 0),
            },
            Line::Cut(r) => {
                let rewind = self.rewinds().get(r as usize);
                let undone = rewind.and_then(|r| r.undone.clone());
                undone.map_or((u32::MAX, 0), |u| before(u.start))
            }
        }
    }

    /// Puts the cursor on the next or the previous step that `wanted` accepts; false if there is none. One walk over the
    /// compact steps: a million of them take about a millisecond.
    fn jump(&mut self, forward: bool, wanted: impl Fn(u32, &StepLite) -> bool) -> bool {
        let Some(here) = self.selected() else {
            return false;
        };
        let steps = self.steps();
        let (behind, ahead) = match here {
            Selected::Step(s) => (s as usize, s as usize + 1),
            Selected::Prompt(p) => {
                let start = self.prompts().get(p as usize).map_or(0, |p| p.steps.start);
                (start as usize, start as usize)
            }
            Selected::Rewind(r) => {
                let place = self.rewinds().get(r as usize).map_or(0, |r| r.place);
                (place as usize, place as usize)
            }
        };
        let (behind, ahead) = (behind.min(steps.len()), ahead.min(steps.len()));
        let found = if forward {
            let rest = steps[ahead..].iter().enumerate();
            rest.map(|(i, s)| (ahead + i, s))
                .find(|(i, s)| wanted(*i as u32, s))
        } else {
            let before = steps[..behind].iter().enumerate().rev();
            before.into_iter().find(|(i, s)| wanted(*i as u32, s))
        };
        match found.map(|(i, _)| i as u32) {
            Some(index) => {
                self.reveal(index);
                true
            }
            None => false,
        }
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
            let shown = |p: u32| self.line_of(Selected::Prompt(p)).map(|_| p);
            match forward {
                true => (to..self.prompts().len() as u32).find_map(shown),
                false => (0..=to).rev().find_map(shown),
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
        self.jump(forward, |_, step| step.changed)
    }

    /// To the last passing test run before here.
    pub fn jump_passing_test(&mut self) -> bool {
        self.jump(false, |_, step| step.test == Some(TestOutcome::Passed))
    }

    /// To the next failure.
    pub fn jump_failure(&mut self) -> bool {
        self.jump(true, |_, step| {
            step.status == Status::Failed || step.test == Some(TestOutcome::Failed)
        })
    }

    /// To the next or previous step that a search found.
    pub fn jump_hit(&mut self, forward: bool) -> bool {
        let hits = self.hits.clone();
        self.jump(forward, |i, _| hits.binary_search(&i).is_ok())
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
        let Some(selected) = selected else {
            self.keep_in_view();
            return;
        };
        let line = match self.line_of(selected) {
            Some(line) => line,
            None => {
                let here = self.spot(line_for(selected));
                self.lines
                    .partition_point(|l| self.spot(*l) <= here)
                    .saturating_sub(1)
            }
        };
        self.put(line);
    }

    fn put_on(&mut self, selected: Selected) {
        if let Some(line) = self.line_of(selected) {
            self.put(line);
        }
    }

    /// The line that shows a thing itself; a run of looks shows only its first step.
    fn line_of(&self, selected: Selected) -> Option<usize> {
        let wanted = line_for(selected);
        let here = self.spot(wanted);
        let at = self.lines.partition_point(|l| self.spot(*l) <= here);
        // Several rewinds may stand at one place.
        (0..at)
            .rev()
            .take_while(|i| self.spot(self.lines[*i]) == here)
            .find(|i| match (self.lines[*i], wanted) {
                (Line::Looks(s, _), Line::Step(t)) => s == t,
                (line, wanted) => line == wanted,
            })
    }
}

/// The line that would show it.
fn line_for(selected: Selected) -> Line {
    match selected {
        Selected::Prompt(p) => Line::Prompt(p),
        Selected::Step(s) => Line::Step(s),
        Selected::Rewind(r) => Line::Rewind(r),
    }
}
