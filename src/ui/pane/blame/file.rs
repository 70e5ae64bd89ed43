//! A file with its authors: its text is a [`diff::State`], which knows how to scroll, search, wrap and colour; beside it
//! the gutter, and below it what is known of the line under the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::gutter::Columns;
use super::words;
use super::{Look, Out, Selected};
use crate::query::blame::{Blame, BlameLine, Origin, When};
use crate::text;
use crate::ui::action::Action;
use crate::ui::marks::Marks;
use crate::ui::message::{Blamed, How, Seek};
use crate::ui::pane::diff;
use crate::ui::phrase::Moment;
use crate::ui::widget::put_line;

/// Lower panes say nothing below the text.
const FOOT_FROM: u16 = 6;
/// So many rows at most.
const FOOT: usize = 2;

/// The view.
#[derive(Clone, Debug)]
pub struct State {
    blame: Blame,
    when: When,
    text: diff::State,
    /// The line that one came for, and who removed it since.
    gone: Option<(u32, Box<Origin>)>,
    undone: Option<Origin>,
    /// The line to begin at.
    line: u32,
    kept: bool,
    size: (u16, u16),
}

impl State {
    /// An answer.
    pub fn new(blamed: Blamed, marks: &'static Marks) -> State {
        let mut text = diff::State::default();
        text.set_marks(marks);
        text.keep_numbers();
        text.show(blamed.content, false);
        State {
            gone: blamed.gone.map(|by| (blamed.line, by)),
            blame: blamed.blame,
            when: blamed.when,
            text,
            undone: blamed.undone,
            line: blamed.line,
            kept: false,
            size: (0, 0),
        }
    }

    /// The same file came anew: the cursor stays on its line.
    pub fn keep_place(&mut self, before: &State) {
        if before.blame.path != self.blame.path || before.when != self.when {
            return;
        }
        let same = before.blame.lines.len() == self.blame.lines.len()
            && before
                .blame
                .lines
                .iter()
                .zip(&self.blame.lines)
                .all(|(a, b)| a.text == b.text);
        if let Some(line) = before.number() {
            self.line = line;
        }
        (self.gone, self.undone) = (before.gone.clone(), before.undone.clone());
        if same {
            // Searches, ranges and colours stay as well.
            self.text = before.text.clone();
        }
        self.kept = same;
    }

    /// Puts the cursor where it is to begin, once the size is known.
    pub fn open(&mut self) {
        if !self.kept {
            self.text.go_to_line(self.line);
        }
    }

    /// Which state it is.
    pub fn when(&self) -> When {
        self.when
    }

    /// The text.
    pub fn text(&mut self) -> &mut diff::State {
        &mut self.text
    }

    fn seek(&self, how: How) -> Seek {
        Seek {
            path: self.blame.path.clone(),
            when: self.when,
            line: self.number().unwrap_or(1),
            how,
            commits: false,
            replaces: false,
        }
    }

    /// The question whose answer this is; with the commits, if some are missing and none was found.
    pub fn seek_again(&self) -> Seek {
        Seek {
            replaces: true,
            commits: self.blame.origins.iter().any(|o| o.commit.is_some()),
            ..self.seek(How::There)
        }
    }

    fn number(&self) -> Option<u32> {
        self.text.line_under_cursor()?.new_line
    }

    fn here(&self) -> Option<&BlameLine> {
        self.at(self.number()?)
    }

    fn at(&self, number: u32) -> Option<&BlameLine> {
        let line = self.blame.lines.get(number.checked_sub(1)? as usize)?;
        (line.line == number).then_some(line)
    }

    fn origin(&self, line: &BlameLine) -> Option<&Origin> {
        self.blame.origins.get(line.origin)
    }

    /// Tells the size of the pane.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.size = (width, height);
        let gutter = Columns::at(usize::from(width)).width() as u16;
        let foot = self.foot_rows(height);
        self.text.resize(
            width.saturating_sub(gutter).max(1),
            height.saturating_sub(foot),
        );
    }

    fn foot_rows(&self, height: u16) -> u16 {
        match height {
            0..FOOT_FROM => 0,
            FOOT_FROM..16 => 1,
            _ => FOOT as u16,
        }
    }

    /// An action.
    pub fn update(&mut self, action: Action) -> Out {
        match action {
            Action::Open => match self.selected_step() {
                Some((root, step)) => Out::Go(root, step),
                None => Out::Say("no step wrote this line"),
            },
            Action::Blame => match self.here() {
                Some(_) => Out::Seek(self.seek(How::Back)),
                None => Out::Say("put the cursor on a line"),
            },
            Action::History => Out::History(self.blame.path.clone()),
            Action::NextPrompt | Action::PreviousPrompt => {
                self.jump_run(action == Action::NextPrompt, true)
            }
            Action::NextChange | Action::PreviousChange => {
                self.jump_run(action == Action::NextChange, false)
            }
            // The text is one file and no diff.
            Action::SideBySide | Action::MoreContext | Action::LessContext => Out::Done,
            Action::Whitespace | Action::Toggle => Out::Done,
            Action::EditOld => {
                let text: String = self
                    .blame
                    .lines
                    .iter()
                    .map(|l| format!("{}\n", l.text))
                    .collect();
                let line = self.number().unwrap_or(1);
                Out::Text(diff::Out::EditOld(
                    self.blame.path.clone(),
                    text.into(),
                    line,
                ))
            }
            _ => {
                let out = self.text.update(action);
                self.off_head();
                match out {
                    Some(diff::Out::Done) => Out::Done,
                    Some(out) => Out::Text(out),
                    None => Out::Ignored,
                }
            }
        }
    }

    /// There is always a line under the cursor: the row with the file's name is none.
    fn off_head(&mut self) {
        if self.number().is_none() {
            self.text.go_to_line(1);
        }
    }

    /// To where the next or previous run begins; `prompts`: of lines that another prompt wrote, whatever is between.
    fn jump_run(&mut self, forward: bool, prompts: bool) -> Out {
        let Some(from) = self.number() else {
            return Out::Done;
        };
        let run = |n: u32| self.at(n).map(|l| self.run_of(l));
        let here = run(from);
        let begins = |n: &u32| {
            let it = run(*n);
            let wanted = !prompts || (it != here && it.is_some_and(|r| r.0.is_some()));
            wanted && it.is_some() && (*n == 1 || run(*n - 1) != it)
        };
        let found = match forward {
            true => (from + 1..=self.blame.total).find(begins),
            false => (1..from).rev().find(begins),
        };
        match found {
            Some(line) => {
                self.text.go_to_line(line);
                Out::Done
            }
            None if prompts => Out::Say("no line of another prompt in this direction"),
            None => Out::Say("no other author in this direction"),
        }
    }

    /// What lines share that have one label.
    fn run_of(&self, line: &BlameLine) -> (Option<(i64, u32)>, usize) {
        let origin = self.origin(line);
        match origin.and_then(|o| Some((o.root?.0, o.step.as_ref()?.prompt_no))) {
            Some(prompt) => (
                Some(prompt),
                usize::from(origin.is_some_and(words::is_weak)),
            ),
            None => (None, line.origin),
        }
    }

    fn selected_step(
        &self,
    ) -> Option<(
        crate::query::types::SessionRow,
        crate::query::types::StepRow,
    )> {
        let origin = self.origin(self.here()?)?;
        Some((origin.root?, origin.step.as_ref()?.row))
    }

    /// What the cursor is on.
    pub fn selected(&self, moment: &Moment) -> Selected {
        let Some(line) = self.here() else {
            return Selected::Words("Line", "no line is selected".to_owned());
        };
        let Some(origin) = self.origin(line) else {
            return Selected::Words("Line", String::new());
        };
        match (&origin.step, origin.root) {
            (Some(step), Some(root)) => Selected::Step {
                root,
                step: Box::new(step.clone()),
                agent: origin.agent,
                file: (self.blame.path.clone(), Some(line.text.clone())),
            },
            _ => Selected::Words("No prompt", words::whole(origin, moment)),
        }
    }

    /// Puts the cursor where the mouse is.
    pub fn click(&mut self, row: usize) {
        self.text.click(row);
        self.off_head();
    }

    /// The wheel.
    pub fn scroll(&mut self, by: isize) {
        let action = if by > 0 {
            Action::ScrollDiffDown
        } else {
            Action::ScrollDiffUp
        };
        self.text.update(action);
    }

    /// Which file, and in which state.
    pub fn title(&self, moment: &Moment) -> String {
        match (&self.undone, &self.gone, self.when) {
            (Some(undone), ..) => {
                let at = undone.at.map(|at| format!(", {}", moment.short(at)));
                format!("before {}{}", words::short(undone), at.unwrap_or_default())
            }
            (_, Some(_), _) => "as it was: the line is gone".to_owned(),
            (_, _, When::Now) if self.blame.unrecorded => {
                "as it is now; no session knows it".to_owned()
            }
            (_, _, When::Now) => match &self.blame.note {
                // Why it is so stands in the answer to `blame`; here is room for what it means.
                Some(_) => "as the last record left it".to_owned(),
                None => "as it is now".to_owned(),
            },
            (_, _, When::After(_)) => "right after the step".to_owned(),
            (_, _, When::Before(_) | When::Turns(_)) => "as it was before".to_owned(),
        }
    }

    /// What is known of the line under the cursor.
    fn foot(&self, moment: &Moment) -> Option<String> {
        let line = self.here()?;
        let origin = self.origin(line)?;
        let mut parts = vec![words::whole(origin, moment)];
        let of = |at: Option<usize>| at.and_then(|at| self.blame.origins.get(at));
        parts.extend(of(line.moved).map(|by| format!("moved by {}", words::short(by))));
        parts.extend(of(line.spaced).map(|by| format!("white space by {}", words::short(by))));
        if !line.alternatives.is_empty() {
            let others = line.alternatives.iter();
            let others: Vec<String> = others
                .filter_map(|a| of(Some(*a)))
                .map(words::short)
                .collect();
            parts.push(format!("or {}: the diff fits both", others.join(" or ")));
        }
        if let Some((_, by)) = self.gone.as_ref().filter(|(gone, _)| *gone == line.line) {
            parts.insert(0, format!("gone: removed by {}", words::whole(by, moment)));
            let was = if origin.step.is_some() {
                "written by "
            } else {
                "it was "
            };
            parts[1].insert_str(0, was);
        }
        Some(parts.join(" · "))
    }

    /// Draws it.
    pub fn draw(&self, area: Rect, look: &Look, buf: &mut Buffer) {
        let columns = Columns::at(usize::from(area.width));
        let wide = (columns.width() as u16).min(area.width);
        let foot = self.foot_rows(area.height);
        let (gutter, beside) = (
            Rect::new(area.x, area.y, wide, area.height - foot),
            Rect::new(area.x + wide, area.y, area.width - wide, area.height - foot),
        );
        diff::view(&self.text, look.theme, look.focused, beside, buf);
        put_line(
            Rect {
                height: 1,
                ..gutter
            },
            &columns.names(look).line(),
            buf,
        );
        let cursor = self.number();
        let (mut y, mut before) = (gutter.y + 1, None);
        for (line, rows) in self.text.lines_in_view() {
            let known = line.and_then(|l| self.at(l + 1));
            if let Some((line, origin)) = known.and_then(|l| Some((l, self.origin(l)?))) {
                let run = Some(self.run_of(line));
                let cells = columns.line(line, origin, run != before, look);
                let at = Rect::new(gutter.x, y, gutter.width, 1).intersection(area);
                put_line(at, &cells.line(), buf);
                before = run;
                let here = cursor == Some(line.line);
                for y in y..(y + rows as u16).min(gutter.bottom()) {
                    if here {
                        let style = match look.focused {
                            true => look.theme.selected(),
                            false => look.theme.selected_unfocused(),
                        };
                        buf.set_style(Rect::new(gutter.x, y, gutter.width, 1), style);
                    } else if !beside.is_empty() {
                        let bar = Rect::new(beside.x, y, 1, 1);
                        put_line(bar, &Line::styled("│", look.theme.dim()), buf);
                    }
                }
            }
            y += rows as u16;
        }
        self.draw_foot(area, foot, look, buf);
    }

    fn draw_foot(&self, area: Rect, rows: u16, look: &Look, buf: &mut Buffer) {
        let Some(words) = self.foot(look.moment).filter(|_| rows > 0) else {
            return;
        };
        let room = usize::from(area.width).saturating_sub(2).max(1);
        let wrapped = text::wrap(&words, room, 0);
        let count = wrapped.len();
        for (n, row) in wrapped.into_iter().enumerate().take(usize::from(rows)) {
            let cut = n + 1 == usize::from(rows) && n + 1 < count;
            let piece = match cut {
                true => text::end(&words[row.bytes.start..], room).into_owned(),
                false => words[row.bytes].to_owned(),
            };
            let y = area.bottom() - rows + n as u16;
            let at = Rect::new(area.x + 1, y, area.width.saturating_sub(2), 1);
            put_line(at, &Line::styled(piece, look.theme.accent()), buf);
        }
    }
}
