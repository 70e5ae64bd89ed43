//! The keys at the bottom of the plan, the likeliest first: what they turn to, not what is.

use ratatui::style::Style;
use ratatui::text::Line;

use super::draw::files;
use super::{Phase, State};
use crate::query::past::Reach;
use crate::rewind::{FilePlan, Kind, Verdict};
use crate::text;
use crate::ui::action::Action;
use crate::ui::keymap::Keymap;
use crate::ui::theme::Theme;
use crate::ui::widget::Cells;

impl State {
    /// What `y` would do now.
    pub(super) fn armed_words(&self, keymap: &Keymap) -> String {
        let key = keymap.key_of(Action::PlanApply).unwrap_or_default();
        match &self.phase {
            Phase::Planned(_, plan) => {
                let what = plan.kind.word();
                format!("{key}  {what} {} now", files(plan.ticked().count()))
            }
            _ => format!("{key}  take it back now"),
        }
    }

    pub(super) fn foot(&self, keymap: &Keymap, theme: &Theme, room: usize) -> Line<'static> {
        use Action::*;
        if self.is_armed() {
            let words = format!("{} · any other key disarms", self.armed_words(keymap));
            let words = text::end(&words, room).into_owned();
            return Line::styled(words, theme.fail());
        }
        let only = match self.back() {
            Some(back) if back.only => "back to here",
            _ => "only this",
        };
        let before = match self.back() {
            Some(back) if back.before => "after",
            _ => "before",
        };
        let reach = match self.back() {
            Some(back) if back.reach != Reach::Session => "this session",
            _ => "all sessions",
        };
        let partial = match self.partial {
            true => "all or nothing",
            false => "partial",
        };
        let mut pairs: Vec<(Action, &str)> = match (&self.phase, self.back()) {
            (Phase::Planned(..), Some(_)) if self.shows_diff => vec![
                (PlanArm, "arm"),
                (PlanDiff, "list"),
                (NextHunk, "next hunk"),
                (PlanHunk, "leave this hunk out"),
                (PlanTick, "tick"),
                (Leave, "back"),
                (PlanMerge, "merge"),
            ],
            (Phase::Planned(..), Some(_)) => vec![
                (PlanArm, "arm"),
                (PlanDiff, "diff"),
                (PlanTick, "tick"),
                (Leave, "leave"),
                (PlanOnly, only),
                (PlanBefore, before),
                (PlanMerge, "merge"),
                (PlanReach, reach),
                (PlanPartial, partial),
                (PlanAll, "all"),
                (PlanNote, "note"),
            ],
            (Phase::Planned(..), None) => vec![
                (PlanArm, "arm"),
                (PlanDiff, "diff"),
                (PlanTick, "tick"),
                (Leave, "leave"),
                (PlanAll, "all"),
                (PlanPartial, partial),
            ],
            (Phase::Refused(_), Some(_)) => {
                vec![
                    (PlanBefore, before),
                    (PlanOnly, only),
                    (PlanReach, reach),
                    (Leave, "leave"),
                ]
            }
            (Phase::Failed(_), _) => vec![
                (PlanPartial, "a new plan that leaves out what changes"),
                (Leave, "leave"),
            ],
            (Phase::Interrupted(_), _) => vec![(PlanArm, "arm"), (Leave, "leave")],
            (Phase::Done(_), _) if self.kind == Kind::Undo => {
                vec![(Redo, "redo"), (Undo, "undo one more"), (Leave, "leave")]
            }
            (Phase::Done(_), _) => vec![(Undo, "undo"), (PlanNote, "note"), (Leave, "leave")],
            (Phase::Working(..), _) => Vec::new(),
            _ => vec![(Leave, "leave")],
        };
        // What stays under the cursor is what this key is for.
        let stays = |f: &FilePlan| {
            matches!(
                f.verdict,
                Verdict::Keep | Verdict::Mixed | Verdict::Conflict
            )
        };
        if self.files().get(self.scroll.cursor).is_some_and(stays)
            && let Some(at) = pairs.iter().position(|p| p.0 == PlanMerge)
        {
            let merge = pairs.remove(at);
            pairs.insert(at.min(3), merge);
        }
        // Where nothing would be done there is nothing to arm, and where every file is right nothing to choose.
        let idle = match &self.phase {
            Phase::Planned(_, plan) => plan.nothing().is_some(),
            _ => false,
        };
        let same = idle && self.files().iter().all(|f| f.verdict == Verdict::Same);
        let useless = |action: Action| match action {
            PlanArm | PlanNote | PlanPartial => idle,
            PlanTick | PlanAll | PlanMerge => same,
            _ => false,
        };
        let mut cells = Cells::default();
        for (action, words) in pairs {
            if useless(action) {
                continue;
            }
            let Some(key) = keymap.key_of(action) else {
                continue;
            };
            let more = text::width(&key) + text::width(words) + 4;
            if cells.used() + more > room {
                continue;
            }
            if cells.used() > 0 {
                cells.push("   ", Style::new());
            }
            cells.push(key, theme.key());
            cells.push(format!(" {words}"), theme.dim());
        }
        cells.line()
    }
}
