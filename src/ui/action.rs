//! What a key can mean.
//!
//! Keys are data (`assets/keys.toml`); an [`Action`] is the word they are bound to, and the only thing that panes and
//! overlays see of the keyboard. An action means the same in every pane; a pane that has no use for one ignores it.
//! This module knows no keys and no panes.

use serde::{Deserialize, Serialize};

/// What the user wants. The serde name (`snake_case`) is the word in the key table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// Half a page down.
    HalfPageDown,
    /// Half a page up.
    HalfPageUp,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
    /// To the first row.
    Top,
    /// To the last row; in the timeline also follow again.
    Bottom,
    /// Fold in the timeline, scroll sideways in the diff.
    Left,
    /// Unfold in the timeline, scroll sideways in the diff.
    Right,
    /// Scroll the diff down, whatever has the focus.
    ScrollDiffDown,
    /// Scroll the diff up, whatever has the focus.
    ScrollDiffUp,

    /// Focus the timeline.
    FocusTimeline,
    /// Focus the prompt.
    FocusPrompt,
    /// Focus the diff.
    FocusDiff,
    /// Focus the next pane.
    FocusNext,
    /// Focus the pane before.
    FocusPrevious,
    /// Focus the pane to the left.
    PaneLeft,
    /// Focus the pane to the right.
    PaneRight,
    /// The focused pane alone, or all again.
    Zoom,

    /// The prompt after this one.
    NextPrompt,
    /// The prompt before this one.
    PreviousPrompt,
    /// The next step that changed a file.
    NextChange,
    /// The step before that changed a file.
    PreviousChange,
    /// The next hunk.
    NextHunk,
    /// The hunk before.
    PreviousHunk,
    /// The next file of the scope.
    NextFile,
    /// The file before.
    PreviousFile,
    /// The last passing test run before here.
    LastPassingTest,
    /// The next failed step.
    NextFailure,
    /// Where the cursor was before the last jump.
    JumpBack,
    /// The inverse of [`Action::JumpBack`].
    JumpForward,
    /// Set the mark here.
    Mark,
    /// Go to the mark.
    GoToMark,

    /// One level deeper.
    Open,
    /// One level back; never quits.
    Leave,
    /// Fold, tick, viewed: what a row can be toggled for.
    Toggle,

    /// The next thing that the diff pane can show (change, output, input, raw).
    NextView,
    /// The next scope of the diff: step, prompt, session, since mark, now.
    NextScope,
    /// Stacked or side by side.
    SideBySide,
    /// How much the timeline shows.
    Density,
    /// Wrap long lines.
    Wrap,
    /// Show white space, or ignore it.
    Whitespace,
    /// More lines around each hunk.
    MoreContext,
    /// Fewer lines around each hunk.
    LessContext,
    /// Start or end a range of lines.
    SelectRange,

    /// One box over everything.
    Find,
    /// Search in the focused pane.
    SearchPane,
    /// The next hit in the pane.
    SearchNext,
    /// The hit before.
    SearchPrevious,
    /// Show only some steps.
    Filter,
    /// Any file that a session touched.
    GoToFile,

    /// Who wrote the line under the cursor; there, one change further back.
    Blame,
    /// What touched the file.
    History,
    /// The later steps that changed the lines of this one.
    Later,

    /// The list of sessions.
    Sessions,
    /// The summary of this session.
    Summary,
    /// In the list of sessions: all of this machine, or those of this repository again.
    Everywhere,
    /// Follow the newest step, or stop.
    Follow,
    /// The first of the live sessions.
    #[serde(rename = "live_1")]
    Live1,
    /// The second one.
    #[serde(rename = "live_2")]
    Live2,
    /// The third one.
    #[serde(rename = "live_3")]
    Live3,
    /// The fourth one.
    #[serde(rename = "live_4")]
    Live4,
    /// The fifth one.
    #[serde(rename = "live_5")]
    Live5,
    /// The sixth one.
    #[serde(rename = "live_6")]
    Live6,
    /// The seventh one.
    #[serde(rename = "live_7")]
    Live7,
    /// The eighth one.
    #[serde(rename = "live_8")]
    Live8,
    /// The ninth one.
    #[serde(rename = "live_9")]
    Live9,

    /// Copy the line or the range of lines.
    CopyLine,
    /// Copy the prompt.
    CopyPrompt,
    /// Copy the diff as a patch.
    CopyDiff,
    /// Copy the step's command.
    CopyCommand,
    /// Copy the command that resumes the session in its agent.
    CopyResume,
    /// Copy the step's id.
    CopyStepId,

    /// The plan of a rewind to here.
    Rewind,
    /// The plan of undoing the last rewind.
    Undo,
    /// The plan of redoing what was undone last.
    Redo,
    /// In the plan: undo the target too, or keep it.
    PlanBefore,
    /// In the plan: back to here, or undo only this.
    PlanOnly,
    /// In the plan: tick a file, or take the tick away; take what would be kept.
    PlanTick,
    /// A new session of the agent that continues from here.
    Fork,
    /// In the plan: tick all, or none.
    PlanAll,
    /// In the plan: the diff of the file under the cursor.
    PlanDiff,
    /// In the plan: take out of a file what is undone, and keep the rest.
    PlanMerge,
    /// In the plan: whose work is undone, this session's or everybody's.
    PlanReach,
    /// In the plan: leave the hunk under the cursor of the diff out.
    PlanHunk,
    /// In the plan: files that change meanwhile are left out, or stop it.
    PlanPartial,
    /// In the plan: copy the note for the agent.
    PlanNote,
    /// In the plan: arm. Only a key can.
    PlanArm,
    /// In the plan, when it is armed: apply. Only a key can.
    PlanApply,

    /// Open the file in the editor, at the line.
    Edit,
    /// Look at the file as it was before the change, in the editor, read-only.
    EditOld,
    /// What was said in the status line, whole.
    Messages,
    /// Show or hide what the keys do.
    Help,
    /// Choose an action by its name, or go to a time.
    Palette,
    /// Take the mouse or give it back to the terminal.
    ToggleMouse,
    /// Draw everything anew.
    Redraw,
    /// Suspend the program.
    Suspend,
    /// Cancel what runs; twice quits.
    Cancel,
    /// One level back, then quit.
    Quit,
    /// Quit at once.
    QuitNow,
}

impl Action {
    /// Reads the word of the key table; `None` if no action has this name.
    pub fn from_word(word: &str) -> Option<Action> {
        let deserializer = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(word);
        Action::deserialize(deserializer).ok()
    }
}
