//! The list of sessions, one line each. Without any it teaches: where it looked, and what to do.

mod teach;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::{Out, Target};
use crate::model::TestOutcome;
use crate::query::types::{SessionInfo, SessionList, SessionRow};
use crate::text;
use crate::ui::End;
use crate::ui::action::Action;
use crate::ui::layout::cut_bottom;
use crate::ui::marks::Marks;
use crate::ui::message::Ingest;
use crate::ui::phrase::{self, Moment};
use crate::ui::theme::{Author, Theme};
use crate::ui::widget::{Cells, Row, Scroll, Title, popup, put_line, wrapped};

/// Where titles begin: behind the longest time and the longest name of an agent.
const TITLE_AT: usize = 25;

/// The list.
#[derive(Clone, Debug, Default)]
pub struct State {
    list: Option<Arc<SessionList>>,
    scroll: Scroll,
    first: bool,
    /// The other place that one key leads to.
    other: Option<End>,
    /// It is of the whole machine.
    machine: bool,
    touched: bool,
}

impl State {
    /// The same list as the first screen: leaving it ends the program.
    pub fn as_first(mut self) -> State {
        self.first = true;
        self
    }

    /// The same list, of every session of the machine (or of one repository).
    pub fn of_machine(mut self, machine: bool) -> State {
        self.machine = machine;
        self
    }

    /// Whether it is the first screen.
    pub fn is_first(&self) -> bool {
        self.first
    }

    /// A list with the cursor on a session.
    pub fn new(
        list: Option<Arc<SessionList>>,
        on: Option<SessionRow>,
        other: Option<End>,
    ) -> State {
        let mut state = State {
            other,
            ..State::default()
        };
        if let Some(list) = list {
            state.take(list);
        }
        if let (Some(on), Some(list)) = (on, &state.list)
            && let Some(at) = list.sessions.iter().position(|s| s.row == on)
        {
            state.scroll.cursor = at;
        }
        state
    }

    /// A newer list; the cursor stays on its session.
    pub fn take(&mut self, list: Arc<SessionList>) {
        let here = self.selected().map(|s| s.row);
        let at = here.and_then(|row| list.sessions.iter().position(|s| s.row == row));
        self.list = Some(list);
        let len = self.len();
        self.scroll.put(at.unwrap_or(self.scroll.cursor), len);
    }

    fn len(&self) -> usize {
        self.list.as_ref().map_or(0, |l| l.sessions.len())
    }

    /// The session under the cursor.
    pub fn selected(&self) -> Option<&SessionInfo> {
        self.list.as_ref()?.sessions.get(self.scroll.cursor)
    }

    /// Whether the user has done something here.
    pub fn was_touched(&self) -> bool {
        self.touched
    }

    /// An action.
    pub fn update(&mut self, action: Action) -> Out {
        self.touched = true;
        let len = self.len();
        if self.scroll.update(action, len) {
            return Out::Done;
        }
        match (action, self.selected()) {
            (Action::Open, Some(session)) => Out::OpenSummary(session.row),
            (Action::Open, None) if self.list.is_some() => Out::End(End::Demo),
            (Action::Right | Action::PaneRight, Some(session)) => Out::Go(session.row, Target::End),
            (Action::Everywhere, _) => self.other.map_or(Out::Done, Out::End),
            (Action::Leave | Action::Sessions, _) => Out::Close,
            _ => Out::Ignored,
        }
    }

    /// A click on a row of the screen: the cursor goes there, a second click opens.
    pub fn click(&mut self, row: u16) -> Out {
        self.touched = true;
        let index = self.scroll.top + usize::from(row.saturating_sub(1));
        if row == 0 || usize::from(row) > self.scroll.height || index >= self.len() {
            return Out::Done;
        }
        if index == self.scroll.cursor {
            return self.update(Action::Open);
        }
        self.scroll.put(index, self.len());
        Out::Done
    }

    /// Fits the list to the screen.
    pub fn fit(&mut self, area: Rect) {
        let len = self.len();
        let rows = area
            .height
            .saturating_sub(2 + preview_rows(area) + self.warning_rows(area));
        self.scroll.fit(usize::from(rows), len);
    }

    /// One row says what agents are about to delete, if they are.
    fn warning_rows(&self, area: Rect) -> u16 {
        let any = self
            .list
            .as_ref()
            .is_some_and(|l| expiring(l, area.width).is_some());
        u16::from(any && area.height >= 10)
    }

    /// `this repository 17 │ elsewhere 212: A shows all`
    fn places(&self, list: &SessionList, theme: &Theme) -> Vec<Span<'static>> {
        let here = list.sessions.len();
        if self.other == Some(End::Here) {
            return vec![
                Span::styled(format!("this machine {here} │ "), theme.dim()),
                Span::styled("A", theme.key()),
                Span::styled(" this repository", theme.dim()),
            ];
        }
        let whose = match self.machine {
            true => "this machine",
            false => "this repository",
        };
        let mut spans = vec![Span::styled(format!("{whose} {here}"), theme.dim())];
        if list.elsewhere > 0 {
            let words = format!(" │ elsewhere {}", list.elsewhere);
            spans.push(Span::styled(words, theme.dim()));
            if self.other.is_some() {
                spans.push(Span::styled(": ", theme.dim()));
                spans.push(Span::styled("A", theme.key()));
                spans.push(Span::styled(" shows all", theme.dim()));
            }
        }
        spans
    }

    /// Draws it.
    pub fn draw(
        &self,
        area: Rect,
        (theme, marks, moment): (&Theme, &Marks, &Moment),
        ingest: Option<Ingest>,
        unreadable: Option<&str>,
        buf: &mut Buffer,
    ) {
        Clear.render(area, buf);
        let mut title = Title::new("Sessions", theme, true);
        if let Some(list) = &self.list {
            title = title.right(self.places(list, theme));
        }
        let foot = match self.len() {
            0 => Line::default(),
            _ => hints(
                &[
                    ("Enter", "summary"),
                    ("→", "timeline"),
                    ("F", "find"),
                    ("?", "help"),
                ],
                area.width,
                theme,
            ),
        };
        let inside = popup(area, &title, &foot, theme, buf);
        match &self.list {
            None => match unreadable {
                Some(why) => wrapped(why, inside, theme.warn(), buf),
                None => put_line(inside, &Line::styled("  reading …", theme.dim()), buf),
            },
            Some(list) if list.sessions.is_empty() => match ingest.filter(|i| i.read < i.total) {
                Some(ingest) => {
                    let words = format!(
                        "  {} of {} transcripts read; sessions appear as they are read",
                        phrase::grouped(ingest.read.into()),
                        phrase::grouped(ingest.total.into())
                    );
                    put_line(inside, &Line::styled(words, theme.dim()), buf);
                }
                None => teach::empty(list, self.other, inside, theme, buf),
            },
            Some(list) => {
                let (last, inside) = cut_bottom(inside, self.warning_rows(area));
                if let (true, Some(words)) = (last.height > 0, expiring(list, last.width)) {
                    put_line(last, &Line::styled(words, theme.warn()), buf);
                }
                let (below, inside) = cut_bottom(inside, preview_rows(area));
                if let (true, Some(session)) = (below.height > 0, self.selected()) {
                    preview(session, below, (theme, marks, moment), buf);
                }
                let window = list.sessions.iter().enumerate().skip(self.scroll.top);
                for (row, (index, session)) in window.take(usize::from(inside.height)).enumerate() {
                    let at = Rect::new(inside.x, inside.y + row as u16, inside.width, 1);
                    let here = index == self.scroll.cursor;
                    session_row(
                        session,
                        here,
                        usize::from(inside.width),
                        (theme, marks, moment),
                    )
                    .draw(at, buf);
                }
            }
        }
    }
}

/// `Enter summary   → timeline`: as many as there is room for in the edge of a list so wide; the last one, which leads out of it, always.
pub fn hints(pairs: &[(&str, &str)], outside: u16, theme: &Theme) -> Line<'static> {
    let cells = |(key, word): &(&str, &str)| text::width(key) + text::width(word) + 4;
    let mut room = usize::from(outside).saturating_sub(3 + pairs.last().map_or(0, cells));
    let mut spans = Vec::new();
    for (i, pair) in pairs.iter().enumerate() {
        if i + 1 < pairs.len() {
            match room.checked_sub(cells(pair)) {
                Some(left) => room = left,
                None => continue,
            }
        }
        if !spans.is_empty() {
            spans.push(Span::raw("   "));
        }
        spans.push(Span::styled(pair.0.to_owned(), theme.key()));
        spans.push(Span::styled(format!(" {}", pair.1), theme.dim()));
    }
    Line::from(spans)
}

/// What the last test run said, in one word with its sign.
pub fn test_words(session: &SessionInfo, marks: &Marks, theme: &Theme) -> (String, Style) {
    match (session.test, session.test_stale) {
        (Some(TestOutcome::Passed), false) => (format!("{} tests", marks.passed), theme.ok()),
        (Some(TestOutcome::Passed), true) => (format!("{} stale", marks.passed), theme.warn()),
        (Some(TestOutcome::Failed), false) => (format!("{} tests", marks.failed), theme.fail()),
        (Some(TestOutcome::Failed), true) => (format!("{} stale", marks.failed), theme.warn()),
        (None, _) => ("– tests".to_owned(), theme.dim()),
    }
}

fn session_row(
    session: &SessionInfo,
    here: bool,
    width: usize,
    (theme, marks, moment): (&Theme, &Marks, &Moment),
) -> Row<'static> {
    let mut cells = Cells::default();
    cells.push(if here { marks.bar } else { " " }, theme.cursor_bar(true));
    let when = match (session.live, session.ended_at) {
        (true, _) => ("now".to_owned(), theme.accent()),
        (_, Some(at)) => (moment.day(at), theme.dim()),
        (_, None) => ("?".to_owned(), theme.dim()),
    };
    cells.push(" ", Style::new());
    cells.push(when.0, when.1);
    cells.to(15);
    cells.push(session.agent.name(), theme.author(Author::Agent));
    cells.to(TITLE_AT);
    // From the right: what is left for the title is at least a third of the row.
    let files = width >= 60;
    let lines = width >= 84;
    let prompts = width >= 96;
    let words = width >= 130;
    let tail =
        9 + if files { 10 } else { 0 } + if lines { 13 } else { 0 } + if prompts { 12 } else { 0 };
    let rest = width.saturating_sub(TITLE_AT + tail + 1);
    let title_room = if words { rest * 55 / 100 } else { rest };
    title(&mut cells, session, title_room, theme);
    let mut at = TITLE_AT + title_room;
    if prompts {
        cells.right(
            phrase::count(session.prompts.into(), "prompts"),
            theme.dim(),
            at + 11,
        );
        at += 12;
    }
    let (test, style) = test_words(session, marks, theme);
    cells.to(at + 1);
    cells.push(test, style);
    at += 9;
    if files {
        let count = phrase::count(session.files_changed.into(), "files");
        cells.right(count, theme.text(), at + 9);
        at += 10;
    }
    if lines {
        let (plus, minus) = phrase::plus_minus(session.added, session.removed);
        cells.right(plus, theme.add(), at + 6);
        cells.right(minus, theme.delete(), at + 12);
        at += 13;
    }
    if words {
        let room = width.saturating_sub(at + 2);
        let (said, style) = last_words(session, theme);
        cells.to(at + 1);
        cells.push(text::end(&said, room).into_owned(), style);
    }
    Row {
        line: cells.line(),
        style: if here { theme.selected() } else { Style::new() },
    }
}

fn title(cells: &mut Cells, session: &SessionInfo, room: usize, theme: &Theme) {
    let words = text::one_line(&session.title);
    if words.is_empty() {
        cells.push("no prompt", theme.dim());
    } else {
        let style = match session.visited_only {
            true => theme.dim(),
            false => theme.text(),
        };
        cells.push(text::end(&words, room).into_owned(), style);
    }
}

fn last_words(session: &SessionInfo, theme: &Theme) -> (String, Style) {
    if session.asked_at.is_some() {
        return ("asked for permission".to_owned(), theme.warn());
    }
    if session.live {
        return ("live".to_owned(), theme.accent());
    }
    let mut said = String::new();
    for (is, word) in [
        (session.archived, "archived"),
        (session.visited_only, "only looked"),
        (!session.warnings.is_empty(), "not read completely"),
    ] {
        if is {
            said.push_str(if said.is_empty() { "" } else { ", " });
            said.push_str(word);
        }
    }
    if let Some(words) = &session.last_words
        && !words.trim().is_empty()
    {
        said.push_str(if said.is_empty() { "" } else { "  " });
        said.push_str(&format!("\"{}\"", text::one_line(words)));
    }
    (said, theme.dim())
}

/// What agents are about to delete on this machine, and what changes that, in so many cells.
fn expiring(list: &SessionList, width: u16) -> Option<String> {
    let e = list.expiring.iter().find(|e| e.sessions > 0)?;
    let (who, days) = (e.agent.full_name(), e.within_days);
    let gone = phrase::count(e.sessions.into(), "sessions");
    let rest = match e.sessions - e.kept {
        0 => "all kept here".to_owned(),
        _ => format!("{} kept here", e.kept),
    };
    let setting = e.setting.replace('`', "");
    let whole = format!(
        "  ! {who} will delete {gone} of this machine within {days} days ({rest}); {setting} changes that"
    );
    let middle = format!("  ! {gone} of {who} go within {days} days ({rest}): {setting}");
    let short = format!("  ! {gone} of {who} go in {days} days: {setting}");
    let fits = |words: &String| text::width(words) <= usize::from(width);
    let words = [whole, middle].into_iter().find(fits).unwrap_or(short);
    Some(text::end(&words, usize::from(width)).into_owned())
}

/// Rows of the preview below the list, its rule included.
fn preview_rows(area: Rect) -> u16 {
    if area.height >= 18 { 8 } else { 0 }
}

/// What there is to know of the session under the cursor before it is opened.
fn preview(
    session: &SessionInfo,
    area: Rect,
    (theme, marks, moment): (&Theme, &Marks, &Moment),
    buf: &mut Buffer,
) {
    let room = usize::from(area.width.saturating_sub(4)).max(1);
    let mut lines = vec![Line::styled("─".repeat(room), theme.dim())];
    let title = text::one_line(&session.title);
    let title = match title.is_empty() {
        true => "no prompt".to_owned(),
        false => title,
    };
    lines.push(Line::styled(
        text::end(&title, room).into_owned(),
        theme.heading(),
    ));
    let mut about = vec![session.agent.name().to_owned()];
    about.extend(session.model.as_deref().map(text::one_line));
    if let (Some(from), Some(to)) = (session.started_at, session.ended_at) {
        about.push(moment.span(from, to));
    }
    about.extend(session.branch.as_deref().map(text::one_line));
    about.extend(session.cwd.as_deref().map(text::one_line));
    let about = about.join("  ");
    lines.push(Line::styled(
        text::end(&about, room).into_owned(),
        theme.dim(),
    ));
    let (test, style) = test_words(session, marks, theme);
    let (plus, minus) = phrase::plus_minus(session.added, session.removed);
    let mut counts = vec![
        phrase::count(session.prompts.into(), "prompts"),
        phrase::count(session.steps.into(), "steps"),
        phrase::count(session.commands.into(), "commands"),
        phrase::count(session.files_changed.into(), "files"),
    ];
    if session.failed > 0 {
        counts.push(format!("{} failed", session.failed));
    }
    lines.push(Line::from(vec![
        Span::styled(counts.join(" · "), theme.text()),
        Span::styled(format!("  {plus}"), theme.add()),
        Span::styled(format!(" {minus}  "), theme.delete()),
        Span::styled(test, style),
    ]));
    if let Some(warning) = session.warnings.first() {
        let words = format!("! {}", text::one_line(warning));
        lines.push(Line::styled(
            text::end(&words, room).into_owned(),
            theme.warn(),
        ));
    }
    let said = text::one_line(session.last_words.as_deref().unwrap_or(""));
    let rows = text::wrap(&said, room, 0);
    lines.extend(
        rows.into_iter()
            .map(|row| Line::raw(said[row.bytes].to_owned())),
    );
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        let at = Rect::new(area.x + 2, y, area.width.saturating_sub(4), 1);
        put_line(at, line, buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Agent;
    use crate::query::types::Expiring;

    #[test]
    fn what_is_about_to_go_is_said_in_one_row_with_the_setting() {
        let list = |sessions, kept| SessionList {
            expiring: vec![Expiring {
                agent: Agent::Claude,
                after_days: 30,
                within_days: 7,
                setting: "`cleanupPeriodDays` in its settings.json",
                sessions,
                kept,
            }],
            ..SessionList::default()
        };
        assert_eq!(expiring(&list(0, 0), 200), None);
        let wide = expiring(&list(12, 12), 200).unwrap_or_default();
        assert!(
            wide.contains("12 sessions of this machine within 7 days (all kept here)")
                && wide.ends_with("cleanupPeriodDays in its settings.json changes that"),
            "{wide}"
        );
        for width in [76, 65] {
            let narrow = expiring(&list(12, 3), width).unwrap_or_default();
            assert!(
                text::width(&narrow) <= usize::from(width)
                    && narrow.contains("12 sessions")
                    && narrow.contains("cleanupPeriodDays"),
                "{narrow}"
            );
        }
    }
}
