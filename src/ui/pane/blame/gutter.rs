//! What stands in front of a line: who, for which prompt, when, and how that is known; as much as there is room for.

use ratatui::style::Style;

use super::Look;
use super::words;
use crate::model::Author;
use crate::query::blame::{BlameLine, Origin};
use crate::text;
use crate::ui::theme;
use crate::ui::widget::Cells;

/// Cells of the columns.
const WHO: usize = 8;
const PROMPT: usize = 4;
const TIME: usize = 8;
const EVIDENCE: usize = 11;
const SESSION: usize = 8;

/// Widths of the pane from which there is a column.
const TIME_FROM: usize = 46;
const EVIDENCE_FROM: usize = 92;
const SESSION_FROM: usize = 104;

/// The columns at a width of the pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    time: bool,
    evidence: bool,
    session: bool,
}

impl Columns {
    /// Those for which there is room.
    pub fn at(width: usize) -> Columns {
        Columns {
            time: width >= TIME_FROM,
            evidence: width >= EVIDENCE_FROM,
            session: width >= SESSION_FROM,
        }
    }

    /// Cells of all of them: a blank, the sign, and the columns.
    pub fn width(self) -> usize {
        let wide = |there: bool, cells: usize| if there { cells } else { 0 };
        let time = wide(self.time, TIME);
        let known = wide(self.evidence, EVIDENCE) + wide(self.session, SESSION);
        2 + WHO + PROMPT + time + known
    }

    /// The names of the columns.
    pub fn names(self, look: &Look) -> Cells<'static> {
        let mut cells = Cells::default();
        let dim = look.theme.dim();
        cells.push("  who", dim);
        let mut at = 2 + WHO;
        cells.right("no".to_owned(), dim, at + PROMPT - 1);
        at += PROMPT;
        for (there, name, wide) in [
            (self.time, "when", TIME),
            (self.evidence, "known", EVIDENCE),
            (self.session, "session", SESSION),
        ] {
            if there {
                cells.to(at);
                cells.push(text::end(name, wide - 1).into_owned(), dim);
                at += wide;
            }
        }
        cells
    }

    /// In front of one line. `first`: its run begins here, or is seen from here on.
    pub fn line<'a>(
        self,
        line: &BlameLine,
        origin: &'a Origin,
        first: bool,
        look: &Look,
    ) -> Cells<'a> {
        let theme = look.theme;
        let mut cells = Cells::default();
        cells.push(" ", Style::new());
        let (sign, style) = sign(line, origin, look);
        cells.push(sign.to_owned(), style);
        if first {
            cells.push(
                text::end(words::who(origin), WHO - 1).into_owned(),
                hue(origin, look),
            );
        }
        let mut at = 2 + WHO;
        if let Some(step) = origin.step.as_ref().filter(|s| s.prompt_no > 0) {
            let style = if first { theme.accent() } else { theme.dim() };
            cells.right(step.prompt_no.to_string(), style, at + PROMPT - 1);
        }
        at += PROMPT;
        if !first {
            return cells;
        }
        if self.time {
            let time = words::commit(origin).map(str::to_owned);
            let time = time.or_else(|| {
                origin
                    .step
                    .as_ref()
                    .and(origin.at)
                    .map(|t| look.moment.short(t))
            });
            cells.to(at);
            cells.push(
                text::end(&time.unwrap_or_default(), TIME).into_owned(),
                theme.dim(),
            );
            at += TIME;
        }
        if self.evidence {
            let known = origin.evidence.filter(|_| origin.author != Author::Before);
            cells.to(at);
            let style = if words::is_weak(origin) {
                theme.warn()
            } else {
                theme.dim()
            };
            cells.push(known.map_or("", |e| e.word()), style);
            at += EVIDENCE;
        }
        if self.session
            && let Some(step) = &origin.step
        {
            cells.to(at);
            let id = &step.session_id[..step.session_id.floor_char_boundary(SESSION - 1)];
            cells.push(id, theme.dim());
        }
        cells
    }
}

/// What is unusual about a line, the weightiest first.
fn sign<'a>(line: &BlameLine, origin: &Origin, look: &Look<'a>) -> (&'a str, Style) {
    let theme = look.theme;
    if !line.alternatives.is_empty() || words::is_weak(origin) {
        ("?", theme.warn())
    } else if line.moved.is_some() {
        (look.marks.moved, theme.dim())
    } else if line.spaced.is_some() {
        (look.marks.spaced, theme.dim())
    } else {
        (" ", Style::new())
    }
}

/// The hue of an author.
fn hue(origin: &Origin, look: &Look) -> Style {
    match origin.author {
        Author::Agent => look.theme.author(theme::Author::Agent),
        Author::You => look.theme.author(theme::Author::You),
        Author::Tool => look.theme.author(theme::Author::Tool),
        Author::Before => look.theme.dim(),
        Author::Unknown => look.theme.warn(),
    }
}
