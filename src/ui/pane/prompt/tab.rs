//! What the prompt pane can show of the selected step: the words around it, what came out of it, its record. The last two
//! as plain text, for a look beside the diff; the diff pane has them whole, with colours and numbers.

use ratatui::text::Line;

use super::plain;
use crate::model::StepKind;
use crate::query::types::StepDetail;
use crate::text;
use crate::ui::phrase;
use crate::ui::theme::Theme;

/// Of longer texts this much is laid out: it happens between a key and its frame.
const LONGEST: usize = 32_000;

/// One of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// The prompt, and the agent's words around the step.
    #[default]
    Reply,
    /// What came out.
    Output,
    /// The records in the transcript.
    Raw,
}

impl Tab {
    /// All of them, in their order.
    pub const ALL: [Tab; 3] = [Tab::Reply, Tab::Output, Tab::Raw];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Tab::Reply => "reply",
            Tab::Output => "output",
            Tab::Raw => "raw",
        }
    }

    /// The one after it.
    pub fn next(self) -> Tab {
        match self {
            Tab::Reply => Tab::Output,
            Tab::Output => Tab::Raw,
            Tab::Raw => Tab::Reply,
        }
    }
}

/// The end is what tells how it went.
pub(super) fn opens_at_end(step: &StepDetail, tab: Tab) -> bool {
    tab == Tab::Output && step.info.kind == StepKind::Command
}

/// The output or the record of a step, wrapped.
pub(super) fn lines(step: &StepDetail, tab: Tab, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    let whole = match tab {
        Tab::Raw => step.raw.join("\n"),
        _ => text::without_colours(&step.output).into_owned(),
    };
    let whole = whole.trim_end();
    if whole.is_empty() {
        let none = match tab {
            Tab::Raw => "no record of this step is kept",
            _ => "this step has no output",
        };
        return vec![Line::styled(none, theme.dim())];
    }
    let left_off = |bytes: usize, place: &str| {
        let bytes = phrase::grouped(bytes as u64);
        let words = format!("… {bytes} more bytes {place}: the diff pane has them");
        Line::styled(text::end(&words, room).into_owned(), theme.marker())
    };
    let over = whole.len().saturating_sub(LONGEST);
    if over == 0 {
        return plain(whole, room);
    }
    if opens_at_end(step, tab) {
        let from = whole.ceil_char_boundary(over);
        let mut lines = vec![left_off(from, "before")];
        lines.extend(plain(&whole[from..], room));
        return lines;
    }
    let end = whole.floor_char_boundary(LONGEST);
    let mut lines = plain(&whole[..end], room);
    lines.push(left_off(whole.len() - end, "after"));
    lines
}
