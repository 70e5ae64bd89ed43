//! The plan of a rewind: what will happen to each file and why, and afterwards what was found. It writes nothing and asks
//! nothing itself: [`Want`] says what it wants. Two keys apply it, and a hand has to press them: what comes in a burst,
//! or is pasted, never does.

mod choose;
mod draw;
mod foot;

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::layout::Rect;

use crate::model::Time;
use crate::query::past::Reach;
use crate::rewind;
use crate::rewind::{FilePlan, Kind, Part, Plan, Report};
use crate::ui::action::Action;
use crate::ui::door::{Back, Order, Recovered, Request, Shared};
use crate::ui::pane::diff;
use crate::ui::theme::Theme;
use crate::ui::widget::Scroll;

/// Keys this soon after arming are no answer to what is on the screen.
const GUARD_MS: u64 = 150;

/// How far it is.
#[derive(Clone, Debug)]
enum Phase {
    /// The plan is being made.
    Planning,
    /// It is on the screen. As it came, and as it was ticked.
    Planned(Box<Plan>, Arc<Plan>),
    /// There is none, and why.
    Refused(String),
    /// An interrupted rewind, and what it was.
    Interrupted(String),
    /// It is being applied, or taken back: done, of how many, which part.
    Working(usize, usize, &'static str),
    /// What came of it.
    Done(Box<Report>),
    /// What came of a recovery.
    Recovered(Recovered),
    /// It failed, and what that means.
    Failed(String),
}

/// What it wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// Nothing more.
    Nothing,
    /// The key was not for it.
    Ignored,
    /// Another plan, with [`State::order`].
    Plan,
    /// An answer from the door.
    Ask(Request),
    /// This text on the clipboard, under this name.
    Copy(&'static str, String),
    /// To say something.
    Say(String),
    /// To be closed.
    Close,
}

/// The overlay.
#[derive(Clone, Debug)]
pub struct State {
    order: Order,
    serial: u64,
    /// What the plan on the screen, or the last one, is.
    kind: Kind,
    /// What it keeps and undoes, for the title.
    head: String,
    /// Who does not know that it is rewound.
    agent: String,
    phase: Phase,
    scroll: Scroll,
    /// Ticks that the user set or took away, by path.
    ticks: BTreeMap<Vec<u8>, bool>,
    /// Lines that were picked, and for which plan: before, only. Another plan is about another change of the files.
    picked: Option<(bool, bool, Vec<Part>)>,
    /// Files that change meanwhile are left out.
    partial: bool,
    /// When the session that is rewound last wrote, as far as the screen knows.
    wrote: Option<Time>,
    /// When it was armed, or when the last key was too soon after that.
    armed: Option<Time>,
    /// When it was asked whether to arm in spite of something.
    asked: Option<Time>,
    diff: diff::State,
    shows_diff: bool,
    /// The diff that is shown or awaited.
    diff_of: Option<(Shared, usize)>,
}

fn say(words: impl Into<String>) -> Want {
    Want::Say(words.into())
}

impl State {
    /// A plan that is still to come.
    pub fn new(order: Order, agent: String) -> State {
        let picked = match &order {
            Order::Back(back) if !back.parts.is_empty() => {
                Some((back.before, back.only, back.parts.clone()))
            }
            _ => None,
        };
        State {
            picked,
            partial: false,
            wrote: None,
            order,
            kind: Kind::Rewind,
            serial: 0,
            head: String::new(),
            agent,
            phase: Phase::Planning,
            scroll: Scroll::default(),
            ticks: BTreeMap::new(),
            armed: None,
            asked: None,
            diff: diff::State::default(),
            shows_diff: false,
            diff_of: None,
        }
    }

    /// The question whether to take an interrupted rewind back.
    pub fn interrupted(words: String) -> State {
        let mut state = State::new(Order::Undo, String::new());
        state.phase = Phase::Interrupted(words);
        state
    }

    /// Which plan it is.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Another plan was asked for. What is on the screen stays until it comes, but cannot be applied.
    pub fn ask(&mut self, serial: u64, head: String) {
        self.serial = serial;
        self.head = head;
        self.disarm();
    }

    /// Whether the plan on the screen is the one that was asked for last.
    fn is_current(&self) -> bool {
        self.serial == 0
    }

    /// Whether the work folder is being changed now.
    pub fn is_working(&self) -> bool {
        matches!(self.phase, Phase::Working(..))
    }

    /// Whether there is nothing more to decide in it.
    pub fn is_over(&self) -> bool {
        matches!(
            self.phase,
            Phase::Done(_) | Phase::Recovered(_) | Phase::Failed(_) | Phase::Refused(_)
        )
    }

    /// Whether `y` would apply it.
    pub fn is_armed(&self) -> bool {
        self.armed.is_some()
    }

    /// Whether the timeline behind it shows what goes.
    pub fn shows_cut(&self) -> bool {
        let planned = matches!(self.phase, Phase::Planned(..) | Phase::Planning);
        planned || self.is_working()
    }

    /// What it is about, if it is a step or a prompt.
    pub fn back(&self) -> Option<&Back> {
        match &self.order {
            Order::Back(back) => Some(back),
            _ => None,
        }
    }

    fn disarm(&mut self) {
        self.armed = None;
        self.asked = None;
    }

    /// The session that is rewound wrote something.
    pub fn hear(&mut self, wrote: Option<Time>) {
        self.wrote = wrote;
    }

    /// Pasted text is no key.
    pub fn paste(&mut self) -> Want {
        let armed = self.is_armed();
        self.disarm();
        match armed {
            true => say("disarmed: pasted text applies nothing"),
            false => say("pasted text does nothing here"),
        }
    }

    /// The wheel, or another thing that is no key.
    pub fn wheel(&mut self, by: isize) -> Want {
        if self.is_armed() {
            self.disarm();
            return say("disarmed; nothing was written");
        }
        let len = self.len();
        self.scroll.by(by, len);
        Want::Nothing
    }

    /// A key that the plan has a meaning for of its own, or any key while it is armed or at work.
    pub fn key(&mut self, action: Option<Action>, now: Time) -> Want {
        if self.is_working() {
            return say("the files are being put in place; that is not broken off half way");
        }
        if let Some(armed) = self.armed {
            let leaves = matches!(action, Some(Action::Leave | Action::Cancel));
            if now.since(armed) < GUARD_MS && !leaves {
                // A burst is no hand: each of its keys begins the wait anew.
                self.armed = Some(now);
                return Want::Nothing;
            }
            self.disarm();
            return match action {
                Some(Action::PlanApply) => self.apply(),
                _ => say("disarmed; nothing was written"),
            };
        }
        if action != Some(Action::PlanArm) {
            self.asked = None;
        }
        match action {
            Some(Action::PlanArm) => self.arm(now),
            Some(Action::PlanApply) => say("arm it first: ! and then y"),
            Some(Action::PlanNote) => self.note(),
            Some(Action::PlanBefore) => self.turn(|back| {
                back.before = !back.before;
                back.only = false;
            }),
            Some(Action::PlanOnly) => self.turn(|back| back.only = !back.only),
            Some(Action::PlanTick) => self.tick(),
            Some(Action::PlanAll) => self.tick_all(),
            Some(Action::PlanMerge) => self.merge(),
            Some(Action::PlanReach) if self.back().is_some_and(|b| b.only) => {
                say("only this is undone, so no other session's work is")
            }
            Some(Action::PlanReach) => self.turn(|back| {
                back.reach = match back.reach {
                    Reach::Session => Reach::AllSessions,
                    Reach::AllSessions | Reach::WholeTree => Reach::Session,
                };
            }),
            Some(Action::PlanPartial) => self.toggle_partial(),
            Some(Action::PlanHunk) => self.leave_out_hunk(),
            Some(Action::PlanDiff) => self.toggle_diff(),
            _ => Want::Ignored,
        }
    }

    /// An action that works everywhere.
    pub fn update(&mut self, action: Action) -> Want {
        let len = self.len();
        if self.scroll.update(action, len) {
            return Want::Nothing;
        }
        match action {
            Action::Leave if self.shows_diff => self.toggle_diff(),
            Action::Leave => Want::Close,
            Action::Open => self.toggle_diff(),
            Action::ScrollDiffDown
            | Action::ScrollDiffUp
            | Action::NextHunk
            | Action::PreviousHunk
                if self.shows_diff =>
            {
                self.diff.update(action);
                Want::Nothing
            }
            _ => Want::Ignored,
        }
    }

    fn arm(&mut self, now: Time) -> Want {
        if let Phase::Interrupted(_) = self.phase {
            self.armed = Some(now);
            return Want::Nothing;
        }
        let Phase::Planned(_, plan) = &self.phase else {
            return say("there is nothing to apply");
        };
        if !self.is_current() {
            return say("the plan is being made anew");
        }
        if let Some(why) = plan.nothing() {
            return say(format!("{why}: there is nothing to do"));
        }
        let mut why = plan.confirm_twice.join("; ");
        // The plan may have been on the screen for a while.
        let quiet = self.wrote.map(|wrote| now.since(wrote));
        if why.is_empty() && quiet.is_some_and(|ms| ms < rewind::AT_WORK_MS) {
            why = "the session wrote a moment ago and may still be at work".to_owned();
        }
        if !why.is_empty() {
            match self.asked {
                Some(asked) if now.since(asked) < GUARD_MS => {
                    self.asked = Some(now);
                    return Want::Nothing;
                }
                Some(_) => {}
                None => {
                    self.asked = Some(now);
                    return say(format!("{why}: ! once more arms it all the same"));
                }
            }
        }
        self.armed = Some(now);
        Want::Nothing
    }

    fn apply(&mut self) -> Want {
        let request = match &self.phase {
            Phase::Planned(_, plan) if self.is_current() => {
                Request::Apply(Shared(plan.clone()), self.partial)
            }
            Phase::Interrupted(_) => Request::Recover,
            _ => return Want::Nothing,
        };
        self.phase = Phase::Working(0, 0, "looking once more");
        self.shows_diff = false;
        Want::Ask(request)
    }

    fn toggle_diff(&mut self) -> Want {
        if !matches!(self.phase, Phase::Planned(..)) {
            return Want::Nothing;
        }
        self.shows_diff = !self.shows_diff;
        self.diff_of = None;
        Want::Nothing
    }

    /// The diff that is to be shown and was not asked for yet.
    pub fn wanted(&mut self, theme: &Theme) -> Option<Request> {
        let Phase::Planned(_, plan) = &self.phase else {
            return None;
        };
        let wanted = (Shared(plan.clone()), self.scroll.cursor);
        if !self.shows_diff
            || self.diff_of.as_ref() == Some(&wanted)
            || wanted.1 >= plan.files.len()
        {
            return None;
        }
        self.diff_of = Some(wanted.clone());
        self.diff.set_stale(true);
        Some(Request::Change(
            wanted.0,
            wanted.1,
            self.diff.options(theme),
        ))
    }

    /// A diff came.
    pub fn take_diff(&mut self, of: &(Shared, usize), content: Arc<diff::Content>) {
        if self.diff_of.as_ref() == Some(of) {
            self.diff.show(content, false);
        }
    }

    /// A plan came, or why there is none.
    pub fn take_plan(&mut self, serial: u64, plan: Result<Plan, String>) {
        if serial != self.serial || self.is_working() {
            return;
        }
        self.serial = 0;
        self.disarm();
        let here = self.file().map(|(f, _)| f.rel.clone());
        match plan {
            Ok(plan) => {
                let at = here.and_then(|rel| plan.files.iter().position(|f| f.rel == rel));
                self.kind = plan.kind;
                let shown = Arc::new(plan.clone());
                self.phase = Phase::Planned(Box::new(plan), shown);
                self.settle();
                let len = self.len();
                self.scroll.put(at.unwrap_or(0), len);
            }
            Err(why) => self.phase = Phase::Refused(why),
        }
    }

    /// How far it is.
    pub fn progress(&mut self, done: usize, of: usize, what: &'static str) {
        if let Phase::Working(..) = self.phase {
            self.phase = Phase::Working(done, of, what);
        }
    }

    /// It was applied, or not.
    pub fn finish(&mut self, done: Result<Report, String>) {
        self.disarm();
        self.phase = match done {
            Ok(report) => Phase::Done(Box::new(report)),
            Err(why) => Phase::Failed(why),
        };
        self.scroll = Scroll {
            height: self.scroll.height,
            ..Scroll::default()
        };
    }

    /// It was taken back, or not.
    pub fn recovered(&mut self, done: Result<Recovered, String>) {
        self.disarm();
        self.phase = match done {
            Ok(recovered) => Phase::Recovered(recovered),
            Err(why) => Phase::Failed(why),
        };
    }

    /// Whether a diff stands below the list: of what was refused or is done there is none, whatever was looked at before.
    fn has_diff(&self) -> bool {
        self.shows_diff && matches!(self.phase, Phase::Planned(..))
    }

    fn files(&self) -> &[FilePlan] {
        match &self.phase {
            Phase::Planned(_, plan) => &plan.files,
            Phase::Done(report) => &report.files,
            _ => &[],
        }
    }

    fn len(&self) -> usize {
        self.files().len()
    }

    /// Where it stands: at the bottom, so that the timeline above shows what goes; over everything where that is too
    /// little.
    pub fn area(&self, body: Rect) -> Rect {
        if body.height < 22 {
            return body;
        }
        let most = match self.has_diff() {
            true => body.height - 8,
            false => body.height * 3 / 5,
        };
        let wanted = self.rows(body.width) as u16 + 2;
        let height = match self.has_diff() {
            true => most,
            false => wanted.clamp(3, most),
        };
        Rect::new(body.x, body.bottom() - height, body.width, height)
    }

    /// Fits it to the screen.
    pub fn fit(&mut self, body: Rect) {
        let parts = self.parts(self.area(body));
        let len = self.len();
        self.scroll.fit(usize::from(parts.list.height), len);
        self.diff.resize(parts.diff.width, parts.diff.height);
    }
}
