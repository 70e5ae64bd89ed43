//! What the user chooses in a plan: which plan it is, which files, taken or merged, and what follows from that.

use std::sync::Arc;

use super::{Phase, State, Want, say};
use crate::rewind::plan::settle;
use crate::rewind::{FilePlan, Plan, Verdict};
use crate::ui::door::{Back, Order};

impl State {
    pub(super) fn turn(&mut self, how: impl FnOnce(&mut Back)) -> Want {
        let Order::Back(back) = &mut self.order else {
            return say("an undo goes back to before what it undoes");
        };
        if !matches!(
            self.phase,
            Phase::Planned(..) | Phase::Planning | Phase::Refused(_)
        ) {
            return Want::Nothing;
        }
        how(back);
        if let Some((before, only, parts)) = &self.picked {
            let same = (back.before, back.only) == (*before, *only);
            let files = parts.iter().map(|p| p.rel.clone());
            (back.parts, back.paths) = match same {
                true => (parts.clone(), Vec::new()),
                false => (Vec::new(), files.collect()),
            };
        }
        back.take.clear();
        back.merge.clear();
        back.without.clear();
        self.ticks.clear();
        Want::Plan
    }

    /// Leaves the hunk under the cursor of the diff out of the plan.
    pub(super) fn leave_out_hunk(&mut self) -> Want {
        let place = match self.diff.picked().first() {
            Some(picked) if self.shows_diff => picked.lines.as_ref().and_then(|l| l.place.clone()),
            _ => None,
        };
        let (Some(place), Some((file, _))) = (place, self.file()) else {
            return say("d shows the diff, ] goes to a hunk of it, x leaves that out");
        };
        if !matches!(file.verdict, Verdict::Restore | Verdict::Merge) {
            return say(format!("{}: all of it or nothing", file.verdict.word()));
        }
        let rel = file.rel.clone();
        let Order::Back(back) = &mut self.order else {
            return say("an undo puts back whole files");
        };
        back.without.push((rel, place));
        Want::Plan
    }

    /// Whether files that change meanwhile stop it or are left out. After they stopped it: a new plan, that they will not
    /// stop again.
    pub(super) fn toggle_partial(&mut self) -> Want {
        match &self.phase {
            Phase::Failed(_) => {
                self.partial = true;
                self.phase = Phase::Planning;
                Want::Plan
            }
            Phase::Planned(..) => {
                self.partial = !self.partial;
                Want::Nothing
            }
            _ => say("there is no plan to change"),
        }
    }

    pub(super) fn file(&self) -> Option<(&FilePlan, &FilePlan)> {
        let Phase::Planned(base, shown) = &self.phase else {
            return None;
        };
        Some((
            base.files.get(self.scroll.cursor)?,
            shown.files.get(self.scroll.cursor)?,
        ))
    }

    pub(super) fn tick(&mut self) -> Want {
        let Some((base, shown)) = self.file() else {
            return Want::Nothing;
        };
        let (rel, verdict, ticked) = (base.rel.clone(), base.verdict, shown.ticked);
        let why = shown.why.clone();
        if let Order::Back(back) = &mut self.order {
            let chosen = |list: &[Vec<u8>]| list.contains(&rel);
            // Hunks that were left out come back with the tick.
            let hunks = back.without.iter().any(|(path, _)| *path == rel);
            if hunks {
                back.without.retain(|(path, _)| *path != rel);
                return Want::Plan;
            }
            if chosen(&back.take) || chosen(&back.merge) {
                back.take.retain(|p| *p != rel);
                back.merge.retain(|p| *p != rel);
                return Want::Plan;
            }
            if matches!(verdict, Verdict::Keep | Verdict::Mixed) {
                back.take.push(rel);
                return Want::Plan;
            }
        }
        if !verdict.changes() {
            return say(format!("{}: {why}", verdict.word()));
        }
        self.ticks.insert(rel, !ticked);
        self.settle();
        Want::Nothing
    }

    pub(super) fn tick_all(&mut self) -> Want {
        let Phase::Planned(base, shown) = &self.phase else {
            return Want::Nothing;
        };
        let all = base.files.iter().filter(|f| f.verdict.changes());
        let to = shown.ticked().next().is_none();
        self.ticks = all.map(|f| (f.rel.clone(), to)).collect();
        self.settle();
        Want::Nothing
    }

    pub(super) fn merge(&mut self) -> Want {
        let Some((base, _)) = self.file() else {
            return Want::Nothing;
        };
        let (rel, verdict) = (base.rel.clone(), base.verdict);
        let Order::Back(back) = &mut self.order else {
            return say("what was changed since an undo stays as it is");
        };
        if back.merge.contains(&rel) {
            back.merge.retain(|p| *p != rel);
        } else if matches!(
            verdict,
            Verdict::Keep | Verdict::Mixed | Verdict::Conflict | Verdict::Restore
        ) {
            back.take.retain(|p| *p != rel);
            back.merge.push(rel);
        } else {
            return say(format!("{}: there is nothing to merge", verdict.word()));
        }
        Want::Plan
    }

    /// The plan with the ticks of the user, and what follows from them.
    pub(super) fn settle(&mut self) {
        let Phase::Planned(base, shown) = &mut self.phase else {
            return;
        };
        let mut plan = Plan::clone(base);
        for file in &mut plan.files {
            if let Some(ticked) = self.ticks.get(&file.rel)
                && file.verdict.changes()
            {
                file.ticked = *ticked;
            }
        }
        while settle(&mut plan.files) {}
        *shown = Arc::new(plan);
    }

    pub(super) fn note(&self) -> Want {
        let note = match &self.phase {
            Phase::Planned(_, plan) if plan.nothing().is_none() => {
                let mut plan = Plan::clone(plan);
                for file in &mut plan.files {
                    file.applied = file.ticked && file.verdict.changes();
                }
                plan.note()
            }
            Phase::Done(report) => report.note.clone(),
            _ => String::new(),
        };
        match note.is_empty() {
            true => say("there is nothing to tell the agent"),
            false => Want::Copy("note for the agent", note),
        }
    }
}
