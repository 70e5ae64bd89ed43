//! Drawing the plan and the report.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use super::{Phase, State};
use crate::query::past::Reach;
use crate::rewind::{FilePlan, Kind, Verdict};
use crate::text;
use crate::ui::keymap::Keymap;
use crate::ui::marks::Marks;
use crate::ui::pane::diff;
use crate::ui::phrase;
use crate::ui::theme::Theme;
use crate::ui::widget::{Cells, Row, fill, put_line};

/// Narrower lists say why below the list, for the file under the cursor.
const WHY_FROM: u16 = 90;
/// Lower frames with a diff say little more.
const ROOMY: u16 = 28;
const BESIDE_DIFF: u16 = 2;
/// Cells of the longest word for what happens.
const WORD: usize = 9;
/// Cells of `−1234 +1234`.
const COUNTS: usize = 12;

/// What of it stands where.
pub(super) struct Parts {
    pub list: Rect,
    words: Rect,
    pub diff: Rect,
}

/// A line under the list.
struct Said {
    words: String,
    style: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Text,
    Dim,
    Warn,
    Fail,
    Good,
}

impl Role {
    fn of(self, theme: &Theme) -> Style {
        match self {
            Role::Text => theme.text(),
            Role::Dim => theme.dim(),
            Role::Warn => theme.warn(),
            Role::Fail => theme.fail(),
            Role::Good => theme.ok(),
        }
    }
}

fn said(style: Role, words: impl Into<String>) -> Said {
    let words = words.into();
    Said { words, style }
}

/// `1 file`, `2 files`.
pub(super) fn files(n: usize) -> String {
    phrase::count(n as u64, "files")
}

impl State {
    /// Rows that it would like to have inside its frame.
    pub(super) fn rows(&self, width: u16) -> usize {
        self.len() + wrapped(&self.words(width), width).len()
    }

    pub(super) fn parts(&self, outside: Rect) -> Parts {
        let inside = inner(outside);
        let mut words = wrapped(&self.words(outside.width), outside.width).len() as u16;
        if self.has_diff() && outside.height < ROOMY {
            // The warnings were there before the diff was asked for, and are there again behind it.
            words = words.min(BESIDE_DIFF);
        }
        let len = self.len() as u16;
        // The list is what it is about: what is said gives way down to two lines.
        let least = len.min(3);
        let words = words.min(inside.height.saturating_sub(least).max(1));
        let free = inside.height.saturating_sub(words);
        let (list, diff) = match self.has_diff() {
            true => {
                let list = len.min((free / 3).max(1));
                (list, free.saturating_sub(list))
            }
            false => (free, 0),
        };
        let list = list.min(len);
        Parts {
            list: Rect::new(inside.x, inside.y, inside.width, list),
            words: Rect::new(inside.x, inside.y + list, inside.width, words),
            diff: Rect::new(inside.x, inside.bottom() - diff, inside.width, diff),
        }
    }

    /// What is said below the list, the most important first.
    fn words(&self, width: u16) -> Vec<Said> {
        let mut out = Vec::new();
        if width < WHY_FROM
            && let Some(file) = self.files().get(self.scroll.cursor)
        {
            let words = match &self.phase {
                Phase::Done(_) => format!("{}: {}", done_word(file), self.verified(file)),
                _ => format!("{}: {}", word(file), file.why),
            };
            out.push(said(Role::Dim, words));
        }
        match &self.phase {
            Phase::Planning => out.push(said(Role::Dim, "looking at the files …")),
            Phase::Planned(_, plan) => self.of_plan(plan, &mut out),
            Phase::Refused(why) => out.push(said(Role::Warn, why.clone())),
            Phase::Interrupted(what) => {
                out.push(said(Role::Warn, what.clone()));
                let words = "it can be taken back: every file becomes what it was before it began; \
                     what somebody changed since stays";
                out.push(said(Role::Text, words));
            }
            Phase::Working(done, of, what) => {
                let words = match of {
                    0 => format!("{what} …"),
                    _ => format!("{what}: {done} of {of}"),
                };
                out.push(said(Role::Text, words));
                out.push(said(
                    Role::Dim,
                    "all or nothing; what is replaced is stored first",
                ));
            }
            Phase::Done(report) => self.of_report(report, &mut out),
            Phase::Recovered(back) => {
                let role = if back.complete {
                    Role::Good
                } else {
                    Role::Warn
                };
                out.extend(back.words.iter().map(|w| said(role, w.clone())));
            }
            Phase::Failed(why) => out.push(said(Role::Fail, why.clone())),
        }
        out
    }

    fn of_plan(&self, plan: &crate::rewind::Plan, out: &mut Vec<Said>) {
        let n = plan.ticked().count();
        if let Some(why) = plan.nothing() {
            let more = self.instead(plan);
            out.push(said(Role::Text, format!("nothing to do: {why}{more}")));
        } else {
            let change = if n == 1 { "changes" } else { "change" };
            let words = format!(
                "{} {change} · everything replaced is stored first · {}",
                files(n),
                self.way_back()
            );
            out.push(said(Role::Text, words));
        }
        if self
            .back()
            .is_some_and(|b| b.reach != Reach::Session && !b.only)
        {
            out.push(said(Role::Warn, "! what every session did since is undone"));
        }
        if self.partial {
            let words = "files that change meanwhile are left out; the rest is done";
            out.push(said(Role::Text, words));
        }
        for why in &plan.confirm_twice {
            out.push(said(Role::Warn, format!("! {why}: arming asks twice")));
        }
        for warning in &plan.warnings {
            out.push(said(Role::Warn, format!("! {warning}")));
        }
        if !self.agent.is_empty() && n > 0 {
            let words = format!(
                "{} keeps its memory: c copies a note that tells it what was put back",
                self.agent
            );
            out.push(said(Role::Dim, words));
        }
    }

    /// What can be chosen where nothing would be done.
    fn instead(&self, plan: &crate::rewind::Plan) -> &'static str {
        let stays = |f: &FilePlan| matches!(f.verdict, Verdict::Keep | Verdict::Mixed);
        let changes = |f: &FilePlan| f.verdict.changes();
        match self.back() {
            Some(_) if plan.files.iter().any(stays) && !plan.files.iter().any(changes) => {
                "; what stays can be taken or merged"
            }
            _ => "",
        }
    }

    /// Which key takes it back.
    fn way_back(&self) -> &'static str {
        match self.kind {
            Kind::Undo => "U does it again",
            _ => "u undoes it",
        }
    }

    fn of_report(&self, report: &crate::rewind::Report, out: &mut Vec<Said>) {
        let applied = report.files.iter().filter(|f| f.applied).count();
        let verified = report
            .files
            .iter()
            .filter(|f| f.applied && f.verified)
            .count();
        let words = format!(
            "{} done · {verified} read again and found right · {}",
            files(applied),
            self.way_back()
        );
        let role = match report.complete {
            true => Role::Good,
            false => Role::Fail,
        };
        out.push(said(role, words));
        for (path, why) in &report.skipped {
            out.push(said(Role::Fail, format!("left out: {path}: {why}")));
        }
        for (path, hash) in &report.late {
            let words = format!("! {path}: what somebody wrote meanwhile is kept as {hash}");
            out.push(said(Role::Warn, words));
        }
        for warning in &report.warnings {
            out.push(said(Role::Warn, format!("! {warning}")));
        }
        if !report.note.is_empty() {
            let words = "the agent does not know it yet: c copies a note to paste";
            out.push(said(Role::Dim, words));
        }
    }

    /// What it is and how far; where there is little room, rather how far.
    fn title(&self, room: usize) -> String {
        let head = match &self.phase {
            Phase::Interrupted(_) | Phase::Recovered(_) => "An interrupted rewind",
            _ => &self.head,
        };
        let state = match &self.phase {
            Phase::Planned(_, plan) if plan.nothing().is_some() => "nothing to do",
            Phase::Planning | Phase::Planned(..) | Phase::Interrupted(_) => {
                "nothing is written yet"
            }
            Phase::Refused(_) => "nothing was written",
            Phase::Working(..) => "at work",
            Phase::Done(report) if report.complete => "done",
            Phase::Done(_) => "NOT COMPLETE",
            Phase::Recovered(back) if back.complete => "taken back",
            Phase::Recovered(_) => "taken back in part",
            Phase::Failed(_) => "FAILED",
        };
        let left = room.saturating_sub(text::width(state) + 3);
        let head = text::one_line(head);
        match left {
            0..4 => state.to_owned(),
            _ => format!("{} · {state}", text::end(&head, left)),
        }
    }

    /// Draws it.
    pub fn draw(
        &self,
        body: Rect,
        (theme, marks, keymap): (&Theme, &Marks, &Keymap),
        buf: &mut Buffer,
    ) {
        let outside = self.area(body).intersection(buf.area);
        if outside.height < 3 || outside.width < 8 {
            return;
        }
        Clear.render(outside, buf);
        self.frame(outside, theme, keymap, buf);
        let parts = self.parts(outside);
        let room = usize::from(parts.list.width);
        let wide = outside.width >= WHY_FROM;
        let longest = self.files().iter().map(|f| text::width(&f.path)).max();
        let columns = (room, wide, longest.unwrap_or(0));
        let window = self.files().iter().enumerate().skip(self.scroll.top);
        for (row, (index, file)) in window.take(usize::from(parts.list.height)).enumerate() {
            let at = Rect::new(parts.list.x, parts.list.y + row as u16, parts.list.width, 1);
            let here = index == self.scroll.cursor;
            self.row(file, here, columns, (theme, marks)).draw(at, buf);
        }
        let lines = wrapped(&self.words(outside.width), outside.width);
        for (row, line) in lines
            .iter()
            .take(usize::from(parts.words.height))
            .enumerate()
        {
            let at = Rect::new(
                parts.words.x,
                parts.words.y + row as u16,
                parts.words.width,
                1,
            );
            let line = Line::styled(format!(" {}", line.words), line.style.of(theme));
            put_line(at, &line, buf);
        }
        if parts.diff.height > 1 {
            let rule = Rect::new(parts.diff.x, parts.diff.y, parts.diff.width, 1);
            fill(rule, "─", theme.dim(), buf);
            let below = Rect::new(
                parts.diff.x,
                parts.diff.y + 1,
                parts.diff.width,
                parts.diff.height - 1,
            );
            diff::view(&self.diff, theme, false, below, buf);
        }
    }

    /// Which files of a list that is longer than its room are shown; empty if all are.
    fn more(&self) -> String {
        let (len, height) = (self.len(), self.scroll.height);
        match len > height && height > 0 {
            true => {
                let last = (self.scroll.top + height).min(len);
                format!(" {}-{last}/{len} ", self.scroll.top + 1)
            }
            false => String::new(),
        }
    }

    fn frame(&self, outside: Rect, theme: &Theme, keymap: &Keymap, buf: &mut Buffer) {
        let (kind, style) = match self.is_armed() {
            true => (BorderType::Double, theme.fail()),
            false => (BorderType::Rounded, theme.border(true)),
        };
        Block::bordered()
            .border_type(kind)
            .border_style(style)
            .render(outside, buf);
        let hint = self.more();
        let wide = text::width(&hint);
        let frame_room = usize::from(outside.width.saturating_sub(6));
        if wide > 0 && wide + 12 <= frame_room {
            let at = outside.right() - 2 - wide as u16;
            let line = Line::styled(hint, theme.dim());
            put_line(Rect::new(at, outside.y, wide as u16, 1), &line, buf);
        }
        let room = frame_room.saturating_sub(if wide > 0 { wide + 2 } else { 0 });
        let title_style = match self.is_armed() {
            true => theme.fail(),
            false => theme.title(true),
        };
        let words = match self.is_armed() {
            true => format!("ARMED · {}", self.armed_words(keymap)),
            false => self.title(room),
        };
        let words = text::end(&text::one_line(&words), room).into_owned();
        let edge = |y: u16, width: usize| {
            let width = (width as u16 + 2).min(outside.width.saturating_sub(4));
            Rect::new(outside.x + 2, y, width, 1)
        };
        let wide = text::width(&words);
        let title = Line::styled(format!(" {words} "), title_style);
        put_line(edge(outside.y, wide), &title, buf);
        let foot = self.foot(keymap, theme, frame_room);
        if foot.width() > 0 {
            let wide = foot.width();
            let mut spans = vec![Span::raw(" ")];
            let style = foot.style;
            spans.extend(foot.spans.into_iter().map(|s| {
                let own = style.patch(s.style);
                s.style(own)
            }));
            spans.push(Span::raw(" "));
            put_line(edge(outside.bottom() - 1, wide), &Line::from(spans), buf);
        }
    }

    /// What was found afterwards.
    fn verified(&self, file: &FilePlan) -> String {
        match (file.applied, file.verified, file.verdict) {
            (true, true, Verdict::Delete) => "verified: it is gone".to_owned(),
            (true, true, _) => "verified: read again, every byte is right".to_owned(),
            (true, false, _) => "NOT as it should be".to_owned(),
            _ if self.ticks.get(&file.rel) == Some(&false) => {
                "not touched: you left it out".to_owned()
            }
            _ => format!("not touched: {}", text::one_line(&file.why)),
        }
    }

    fn row<'a>(
        &self,
        file: &FilePlan,
        here: bool,
        (room, wide, longest): (usize, bool, usize),
        (theme, marks): (&Theme, &'a Marks),
    ) -> Row<'a> {
        let mut cells = Cells::default();
        cells.push(if here { marks.bar } else { " " }, theme.cursor_bar(true));
        let (tick, style) = match &self.phase {
            Phase::Done(_) => outcome(file, theme, marks),
            _ => tick(file, theme),
        };
        cells.push(tick, style);
        cells.push(" ", Style::new());
        let word = match &self.phase {
            Phase::Done(_) => done_word(file),
            _ => word(file),
        };
        cells.push(word, verdict_style(file.verdict, theme));
        cells.to(5 + WORD + 1);
        let most = match wide {
            true => room * 2 / 5,
            false => room.saturating_sub(cells.used() + COUNTS + 1),
        };
        let path_room = longest.min(most);
        let path_at = cells.used();
        let doubtful = text::doubt(&file.path).is_some();
        if doubtful {
            cells.push("! ", theme.warn());
        }
        let path_room = path_room.saturating_sub(cells.used() - path_at);
        let path = text::one_line(&file.path);
        cells.push(text::middle(&path, path_room).into_owned(), theme.text());
        let end = path_at + longest.min(most) + COUNTS;
        if file.added + file.removed > 0 {
            let (plus, minus) = phrase::plus_minus(file.added.into(), file.removed.into());
            cells.right(minus, theme.delete(), end.saturating_sub(6));
            cells.right(plus, theme.add(), end);
        }
        cells.to(end + 2);
        if wide {
            let why = match &self.phase {
                Phase::Done(_) => self.verified(file),
                _ => text::one_line(&file.why),
            };
            let left = room.saturating_sub(cells.used());
            cells.push(text::end(&why, left).into_owned(), theme.dim());
        }
        Row {
            line: cells.line(),
            style: if here { theme.selected() } else { Style::new() },
        }
    }
}

fn inner(outside: Rect) -> Rect {
    Rect::new(
        outside.x + 1,
        outside.y + 1,
        outside.width.saturating_sub(2),
        outside.height.saturating_sub(2),
    )
}

fn wrapped(lines: &[Said], width: u16) -> Vec<Said> {
    let room = usize::from(width).saturating_sub(4).max(8);
    let mut out = Vec::new();
    for line in lines {
        let safe = text::one_line(&line.words);
        for row in text::wrap(&safe, room, 2) {
            let words = format!("{}{}", " ".repeat(row.indent), &safe[row.bytes]);
            out.push(said(line.style, words));
        }
    }
    out
}

fn tick(file: &FilePlan, theme: &Theme) -> (&'static str, Style) {
    match (file.verdict.changes(), file.verdict) {
        (true, _) if file.ticked => ("[x]", theme.accent()),
        (true, _) | (_, Verdict::Keep | Verdict::Mixed) => ("[ ]", theme.dim()),
        (_, Verdict::Same) => ("   ", theme.dim()),
        _ => (" ! ", theme.warn()),
    }
}

/// The word for what happens, as it stands in the list.
fn word(file: &FilePlan) -> &'static str {
    match file.verdict {
        Verdict::Unrecoverable => "cannot",
        verdict => verdict.word(),
    }
}

fn done_word(file: &FilePlan) -> &'static str {
    match (file.applied, file.verdict) {
        (true, Verdict::Restore) => "restored",
        (true, Verdict::Delete) => "deleted",
        (true, Verdict::Merge) => "merged",
        _ => "kept",
    }
}

fn outcome<'a>(file: &FilePlan, theme: &Theme, marks: &'a Marks) -> (&'a str, Style) {
    match (file.applied, file.verified) {
        (true, true) => (marks.passed, theme.ok()),
        (true, false) => (marks.failed, theme.fail()),
        _ => (" ", theme.dim()),
    }
}

fn verdict_style(verdict: Verdict, theme: &Theme) -> Style {
    match verdict {
        Verdict::Restore | Verdict::Merge => theme.add(),
        Verdict::Delete => theme.delete(),
        Verdict::Mixed | Verdict::Conflict | Verdict::Unrecoverable => theme.warn(),
        Verdict::Same | Verdict::Keep => theme.dim(),
    }
}
