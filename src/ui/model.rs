//! Everything that the screen knows. `update` changes it, `view` draws it; it does nothing itself.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::End;
use super::action::Action;
use super::key::KeyPress;
use super::keymap::Keymap;
use super::layout::{Areas, Pane, Shape, Wish, areas};
use super::marks::Marks;
use super::message::{FateOf, Ingest, Note, Question, Recording};
use super::overlay::{Overlay, Target};
use super::pane::{blame, diff, prompt, timeline};
use super::phrase::Moment;
use super::theme::Theme;
use crate::model::Time;
use crate::query::blame::{Alive, Fate};
use crate::query::types::{
    FileChange, Scope, SessionInfo, SessionList, SessionRow, StepDetail, StepRow, Summary,
};

/// Of what the diff is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ScopeKind {
    /// The selected step, or prompt where a prompt is selected.
    #[default]
    Step,
    /// The selected prompt.
    Prompt,
    /// The session.
    Session,
    /// From the mark to here.
    SinceMark,
    /// From here to the disk.
    Now,
}

impl ScopeKind {
    /// All of them, in the order of the tabs.
    pub const ALL: [ScopeKind; 5] = [
        ScopeKind::Step,
        ScopeKind::Prompt,
        ScopeKind::Session,
        ScopeKind::SinceMark,
        ScopeKind::Now,
    ];

    /// The word of the tab.
    pub fn word(self) -> &'static str {
        match self {
            ScopeKind::Step => "step",
            ScopeKind::Prompt => "prompt",
            ScopeKind::Session => "session",
            ScopeKind::SinceMark => "since mark",
            ScopeKind::Now => "now",
        }
    }
}

/// What prompt and diff are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The session.
    pub session: SessionRow,
    /// The prompt's number.
    pub prompt: u32,
    /// The step; `None` on a heading.
    pub step: Option<StepRow>,
    /// Of what the diff is.
    pub scope: Scope,
}

/// What the diff pane shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A step, as one of its views.
    Step(StepRow, diff::View),
    /// The changes of a scope.
    Changes(Scope),
}

/// A place to come back to.
#[derive(Clone, Debug)]
pub struct Place {
    /// The session that was open.
    pub session: SessionRow,
    /// The step, or the prompt: its session and its number.
    pub at: Result<StepRow, (SessionRow, u32)>,
    /// The pane of authors, where it lay over the timeline.
    pub authors: Option<Box<blame::Stack>>,
}

impl Place {
    /// Whether both are the same row of a timeline, with nothing over it.
    pub fn is_same_row(&self, other: &Place) -> bool {
        let bare = self.authors.is_none() && other.authors.is_none();
        bare && (self.session, self.at) == (other.session, other.at)
    }
}

/// Where the cursor was before jumps.
#[derive(Clone, Debug, Default)]
pub struct Jumps {
    /// Behind.
    pub back: Vec<Place>,
    /// Ahead, after going back.
    pub forward: Vec<Place>,
}

/// What is known of the place where the program runs, for the header.
#[derive(Clone, Debug, Default)]
pub struct Home {
    /// The folder, as people write it (`~/src/shop`).
    pub folder: String,
    /// The git branch.
    pub branch: Option<String>,
    /// The sessions are those of the whole machine.
    pub machine: bool,
}

/// A session that is to be opened once its timeline has come.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Which.
    pub session: SessionRow,
    /// Where in it.
    pub target: Target,
    /// Stay at its end as it grows.
    pub follow: bool,
}

/// The marked step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The session it is in.
    pub session: SessionRow,
    /// The step.
    pub step: StepRow,
}

/// What is known of rewinds of the work folder.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// There is a way to it.
    pub reachable: bool,
    /// The last plan that was asked for.
    pub serial: u64,
    /// What was done last, for the status line.
    pub rewound: Option<(String, Action)>,
    /// What was interrupted, in words.
    pub interrupted: Option<String>,
}

/// Something failed in a session that is at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// In words.
    pub words: String,
    /// The step, if it is in the open session.
    pub step: Option<StepRow>,
}

/// What is known of agents at work.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// A key was pressed since something new came.
    pub attended: bool,
    /// What failed since the last key.
    pub alarm: Option<Alarm>,
    /// Ring the terminal's bell then.
    pub bell: bool,
    /// Say it in the title of the terminal's window.
    pub title: bool,
    /// The title that stands there.
    pub titled: Option<String>,
}

/// What is known of authors.
#[derive(Clone, Debug, Default)]
pub struct Authors {
    /// The pane.
    pub pane: blame::Stack,
    /// What was asked for last, until it comes.
    pub asked: Option<Question>,
    /// It has the place of the timeline.
    pub opened: bool,
    /// The focus before it was opened.
    pub focus: Pane,
    /// Where its splitter was dragged to, wide and stacked.
    pub splits: [Option<u16>; 2],
    /// What prompt and diff were told to be about.
    pub shown: Option<About>,
    /// What became of what is selected.
    pub fate: Option<(FateOf, Fated)>,
    /// The question about that, until it is answered.
    pub asked_fate: Option<FateOf>,
    /// The file that the program was started on: path and line.
    pub wanted: Option<(String, u32)>,
}

/// What prompt and diff are about when it is no step.
#[derive(Clone, Debug)]
pub enum About {
    /// A change that no step made.
    Gap(Arc<FileChange>),
    /// Words.
    Words(String),
}

impl PartialEq for About {
    fn eq(&self, other: &About) -> bool {
        match (self, other) {
            (About::Gap(a), About::Gap(b)) => Arc::ptr_eq(a, b),
            (About::Words(a), About::Words(b)) => a == b,
            _ => false,
        }
    }
}

/// What became of lines.
#[derive(Clone, Debug)]
pub enum Fated {
    /// Those of a step.
    Step(Box<Fate>),
    /// Those of a prompt.
    Prompt(Alive),
}

/// Everything.
pub struct Model {
    /// Now; set before each message.
    pub moment: Moment,
    /// The terminal's size.
    pub size: (u16, u16),
    /// How the panes share it.
    pub shape: Shape,
    /// Where they stand.
    pub areas: Areas,
    /// Which pane has the focus.
    pub focus: Pane,
    /// The focused pane alone.
    pub zoomed: bool,
    /// Where the splitter was dragged to, wide and stacked.
    pub splits: [Option<u16>; 2],
    /// The splitter is being dragged.
    pub dragging: bool,
    /// The styles.
    pub theme: Theme,
    /// The signs.
    pub marks: &'static Marks,
    /// The keys.
    pub keymap: Arc<Keymap>,
    /// Where the program runs.
    pub home: Home,
    /// The keys of a sequence that is not complete, and since when.
    pub keys: (Vec<KeyPress>, Time),
    /// The sessions.
    pub sessions: Option<Arc<SessionList>>,
    /// The session that opens when its timeline comes.
    pub opening: Option<Opening>,
    /// The timeline.
    pub timeline: timeline::State,
    /// The prompt.
    pub prompt: prompt::State,
    /// The diff.
    pub diff: diff::State,
    /// The view of the step that was chosen; `None`: the one to begin with.
    pub view: Option<diff::View>,
    /// What the diff shows: the view of a step, or a scope.
    pub shown: Option<Shown>,
    /// A highlighting job is under way.
    pub painting: bool,
    /// Who wrote the lines of a file: it stands in the timeline's place.
    pub authors: Authors,
    /// The selected step, whole.
    pub detail: Option<Arc<StepDetail>>,
    /// The open session at a glance.
    pub summary: Option<Arc<Summary>>,
    /// What prompt and diff are to be about.
    pub subject: Option<Subject>,
    /// What they are about may have changed: it is asked for again.
    pub refresh: bool,
    /// Since when they are not, while an answer is awaited.
    pub waiting: Option<Time>,
    /// Of what the diff is.
    pub scope: ScopeKind,
    /// The marked step.
    pub flag: Option<Flag>,
    /// What lies over the panes.
    pub overlays: Vec<Overlay>,
    /// What the status line says.
    pub note: Option<Note>,
    /// How far reading is.
    pub ingest: Option<Ingest>,
    /// Whether the work folder is recorded, once that is known.
    pub recording: Option<Recording>,
    /// Where to go back to.
    pub jumps: Jumps,
    /// The cursor stays at the end.
    pub follow: bool,
    /// The mouse is ours.
    pub mouse: bool,
    /// `C-c` was pressed once.
    pub cancelled: bool,
    /// Where it was left the last time, until it is used.
    pub left: Option<super::memory::Left>,
    /// Steps seen of the session that opens, for the rule "new since".
    pub seen: Option<(SessionRow, u32)>,
    /// The first answer about sessions has come.
    pub started: bool,
    /// Rows that were asked for last, until they come.
    pub asked_rows: Vec<StepRow>,
    /// What was asked for last to be shown beside the list of what was found.
    pub asked_peek: Option<super::message::Question>,
    /// The session whose lines are being counted for its summary.
    pub asked_standing: Option<SessionRow>,
    /// The reply that a worker was asked last to lay out, and its width.
    pub asked_words: Option<(Arc<str>, usize)>,
    /// The size of the screen for which the diff's words were asked for anew, until they fit.
    pub asked_fit: Option<(u16, u16)>,
    /// The filter whose answer is awaited, as typed.
    pub filtering: Option<String>,
    /// The step where it was left, until its row is known.
    pub returning: Option<String>,
    /// What is to be shown after the end.
    pub leave_for: Option<End>,
    /// The other place that the list of sessions leads to: all of this machine, or this repository.
    pub other: Option<End>,
    /// The list of sessions is the first screen, whatever was open the last time.
    pub list_first: bool,
    /// What to press, for somebody who is here for the first time; until some keys were pressed.
    pub first_line: Option<String>,
    /// Keys pressed while that line was there.
    pub pressed: u8,
    /// What was said, the newest last.
    pub said: Vec<Note>,
    /// Why there is no list of sessions.
    pub unreadable: Option<String>,
    /// The session asked for on the command line.
    pub wanted: Option<(SessionRow, Option<StepRow>)>,
    /// It is over.
    pub quit: bool,
    /// Rewinds.
    pub tree: Tree,
    /// Agents at work.
    pub live: Live,
}

impl Model {
    /// With the areas for its size, so that it can be drawn.
    pub fn settled(mut self) -> Model {
        self.areas = self.compute_areas();
        self
    }

    /// The session that is open.
    pub fn session(&self) -> Option<SessionRow> {
        self.timeline.session()
    }

    /// The session of what the cursor is on, where several stand in one timeline; else the one that is open.
    pub fn session_here(&self) -> Option<SessionRow> {
        let open = self.session().filter(|s| !s.is_all());
        open.or_else(|| Some(self.timeline.selected_prompt()?.session))
    }

    /// What lists say of it.
    pub fn info_here(&self) -> Option<&SessionInfo> {
        let open = &self.timeline.timeline()?.session;
        if !open.row.is_all() {
            return Some(open);
        }
        let here = self.session_here()?;
        let list = &self.sessions.as_ref()?.sessions;
        list.iter().find(|s| s.row == here)
    }

    /// Where the cursor is.
    pub fn place(&self) -> Option<Place> {
        let session = self.session()?;
        let at = match self.timeline.selected_step() {
            Some(step) => Ok(step.row),
            None => {
                let prompt = self.timeline.selected_prompt()?;
                Err((prompt.session, prompt.no))
            }
        };
        let authors = &self.authors.pane;
        Some(Place {
            session,
            at,
            authors: authors.is_open().then(|| Box::new(authors.clone())),
        })
    }

    /// The scope of the diff for where the cursor is.
    pub fn scope_here(&self) -> Option<Scope> {
        if let Some(rewind) = self.timeline.selected_rewind() {
            return Some(Scope::Rewind(rewind.op));
        }
        let prompt = self.timeline.selected_prompt()?;
        let session = self.session_here()?;
        let step = self.timeline.selected_step().map(|s| s.row);
        // A prompt stands for its last step where a step is needed.
        let last = || {
            let steps = self.timeline.steps();
            steps
                .get((prompt.steps.end as usize).checked_sub(1)?)
                .map(|s| s.row)
        };
        let whole = Scope::Prompt(session, prompt.no);
        Some(match self.scope {
            ScopeKind::Step => step.map_or(whole, Scope::Step),
            ScopeKind::Prompt => whole,
            ScopeKind::Session => Scope::Session(session),
            ScopeKind::Now => step.or_else(last).map_or(whole, Scope::Now),
            ScopeKind::SinceMark => match (self.flag, step.or_else(last)) {
                (Some(flag), Some(here)) => Scope::Between(flag.step, here),
                _ => whole,
            },
        })
    }

    /// Whether the panes show something older than what is selected, for long enough to say so.
    pub fn is_stale(&self) -> bool {
        self.waiting
            .is_some_and(|since| self.moment.now.since(since) >= STALE_MS)
    }

    /// Whether the box of the keys that can follow a prefix is shown.
    pub fn shows_which_key(&self) -> bool {
        !self.keys.0.is_empty() && self.moment.now.since(self.keys.1) >= WHICH_KEY_MS
    }

    /// When the screen changes without anything happening; `None`: never.
    pub fn wake_at(&self) -> Option<Time> {
        let mut at: Vec<Time> = Vec::new();
        if !self.keys.0.is_empty() && !self.shows_which_key() {
            at.push(Time(self.keys.1.0 + WHICH_KEY_MS as i64));
        }
        if let Some(since) = self.waiting
            && !self.is_stale()
        {
            at.push(Time(since.0 + STALE_MS as i64));
        }
        if let Some(asked) = self.timeline.timeline().and_then(|t| t.session.asked_at) {
            // How long ago that is, is said: first in seconds, then in minutes.
            let age = self.moment.now.since(asked);
            let unit = if age < 60_000 { 1000 } else { 60_000 };
            at.push(Time(self.moment.now.0 + (unit - age % unit) as i64));
        }
        if self.shows_running() {
            at.push(Time(self.moment.now.0 + 1000));
        }
        at.into_iter().min()
    }

    /// Whether a row on the screen counts the seconds of a running step.
    fn shows_running(&self) -> bool {
        let live = self.timeline.timeline().is_some_and(|t| t.session.live);
        let height = usize::from(self.areas.timeline.map_or(0, |a| a.height));
        live && self.timeline.window(height).into_iter().any(|line| {
            let step = line
                .step()
                .and_then(|i| self.timeline.steps().get(i as usize));
            step.is_some_and(|s| s.status == crate::model::Status::Running)
        })
    }

    /// Where everything stands now.
    pub fn compute_areas(&self) -> Areas {
        areas(&Wish {
            size: self.size,
            shape: self.shape,
            focus: self.focus,
            zoomed: self.zoomed,
            prompt_rows: self.prompt.wanted_rows(),
            authors: self.authors.pane.is_open(),
            split: match (self.authors.pane.is_open(), self.shape) {
                (true, Shape::Wide) => self.authors.splits[0],
                (true, _) => self.authors.splits[1],
                (false, Shape::Wide) => self.splits[0],
                (false, _) => self.splits[1],
            },
        })
    }

    /// The whole screen but for the status line: where lists lie.
    pub fn body(&self) -> Rect {
        Rect::new(0, 0, self.size.0, self.size.1.saturating_sub(1))
    }
}

/// Old content is dimmed when the new one takes longer than this.
const STALE_MS: u64 = 100;
/// The box of what can follow a prefix appears after this.
const WHICH_KEY_MS: u64 = 350;
