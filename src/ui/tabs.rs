//! The words in the titles of panes that one can choose among: which there are, which is chosen, and which of them stands
//! under the mouse. Drawing and clicking ask the same functions, so that they cannot disagree.

use ratatui::text::Span;

use super::layout::Pane;
use super::model::{Model, ScopeKind, Shown};
use super::pane::diff::View;
use super::pane::prompt::Tab;
use super::theme::Theme;
use crate::model::StepKind;
use crate::text;

/// Cells of the title's edge and of the space in front of the name.
const BEFORE: usize = 2;
/// Between the name and the first word.
const AFTER_NAME: &str = "  ";
/// Between two words.
const BETWEEN: &str = " │ ";
/// Narrower panes name only what is chosen.
const WIDE: u16 = 72;
/// The prompt's words are shorter.
const WIDE_PROMPT: u16 = 50;

/// The name of a pane and the words behind it.
pub struct Tabs<T> {
    /// The name.
    pub name: String,
    /// The words, each with what it stands for.
    words: Vec<(&'static str, T)>,
    chosen: T,
}

impl<T: Copy + PartialEq> Tabs<T> {
    /// The words as they are drawn behind the name.
    pub fn spans(&self, theme: &Theme) -> Vec<Span<'static>> {
        let mut spans = Vec::new();
        for (n, (word, value)) in self.words.iter().enumerate() {
            spans.push(Span::styled(before(n), theme.dim()));
            let style = match *value == self.chosen {
                true => theme.accent(),
                false => theme.dim(),
            };
            spans.push(Span::styled(*word, style));
        }
        spans
    }

    /// The cells that name and words take.
    pub fn width(&self) -> usize {
        let words = self.words.iter().enumerate();
        let words = words.map(|(n, (word, _))| text::width(before(n)) + word.len());
        text::width(&self.name) + words.sum::<usize>()
    }

    /// What stands in a column of the title, counted from the left end of the pane's inside.
    pub fn at(&self, column: u16) -> Option<T> {
        let mut from = BEFORE + text::width(&self.name);
        for (n, (word, value)) in self.words.iter().enumerate() {
            from += text::width(before(n));
            let to = from + word.len();
            if (from..to).contains(&usize::from(column)) {
                return Some(*value);
            }
            from = to;
        }
        None
    }

    /// Whether only what is chosen is named.
    pub fn is_short(&self) -> bool {
        self.words.len() < 2
    }
}

/// What stands in front of a word.
fn before(n: usize) -> &'static str {
    if n == 0 { AFTER_NAME } else { BETWEEN }
}

/// `Diff  step │ prompt │ session │ since mark │ now`; only the chosen one where it is narrow.
pub fn of_diff(model: &Model, width: u16) -> Tabs<ScopeKind> {
    let name = match model.shown {
        Some(Shown::Step(_, View::Words)) => words_name(model),
        Some(Shown::Step(_, View::Lines)) => "Lines",
        Some(Shown::Step(_, View::Output)) => "Output",
        Some(Shown::Step(_, View::Input)) => "Input",
        Some(Shown::Step(_, View::Raw)) => "Record",
        _ => "Diff",
    };
    let all = ScopeKind::ALL.into_iter().filter(|scope| {
        let unmarked = *scope == ScopeKind::SinceMark && model.flag.is_none();
        *scope == model.scope || width >= WIDE && !unmarked
    });
    Tabs {
        name: name.to_owned(),
        words: all.map(|s| (s.word(), s)).collect(),
        chosen: model.scope,
    }
}

/// What kind of words the pane shows.
fn words_name(model: &Model) -> &'static str {
    match model.detail.as_ref().map(|d| d.info.kind) {
        Some(StepKind::Plan) => "Plan",
        Some(StepKind::Question) => "Question",
        Some(StepKind::Subagent) => "Sub-agent",
        Some(StepKind::Web) => "Web",
        Some(StepKind::Notice) => "Notice",
        _ => "Message",
    }
}

/// `Prompt 3 of 5  reply │ output │ raw`, where a step is selected. What became of the prompt's lines is said beside it
/// and goes before, until one turns to the pane.
pub fn of_prompt(model: &Model, width: u16) -> Tabs<Tab> {
    let name = match model.prompt.prompt().map(|p| (p.no, p.of)) {
        None => model.prompt.heading().unwrap_or("Prompt").to_owned(),
        Some((0, _)) => "Before the first prompt".to_owned(),
        Some((no, of)) => format!("Prompt {no} of {of}"),
    };
    let chosen = model.prompt.tab();
    let mut tabs = Tabs {
        name,
        words: Vec::new(),
        chosen,
    };
    if !model.prompt.has_tabs() {
        return tabs;
    }
    tabs.words = Tab::ALL.into_iter().map(|t| (t.word(), t)).collect();
    let beside = model.prompt.fate().map_or(0, |fate| text::width(fate) + 8);
    let turned_to = model.focus == Pane::Prompt || chosen != Tab::Reply;
    let fits = tabs.width() + beside <= usize::from(width) || turned_to;
    if width < WIDE_PROMPT || !fits {
        tabs.words
            .retain(|(_, t)| *t == chosen && chosen != Tab::Reply);
    }
    tabs
}
