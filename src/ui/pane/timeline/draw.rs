//! Drawing the timeline: fixed columns, so that the eye can run down each of them.
//!
//! bar, fold or indent, mark, verb, target, then from the right: time, evidence, outcome or lines. Where it gets narrow
//! evidence goes first, then the time, then the outcome.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::outcome::{has_outcome, is_lost, outcome};
use super::{Line, State};
use crate::model::{Evidence, Status, StepKind, Time};
use crate::query::types::{StepInfo, StepLite, StepRow};
use crate::text;
use crate::ui::marks::Marks;
use crate::ui::phrase::{self, Moment};
use crate::ui::theme::{Author, Theme};
use crate::ui::widget::{Cells, Row, fill, put_line};

/// What drawing needs beside the state.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The styles.
    pub theme: &'a Theme,
    /// Now.
    pub moment: &'a Moment,
    /// The signs.
    pub marks: &'a Marks,
    /// Whether the pane has the focus.
    pub focused: bool,
    /// The step that the user marked.
    pub flagged: Option<StepRow>,
}

/// The columns for a width.
#[derive(Clone, Copy)]
struct Columns {
    /// Where the target must end.
    target_end: usize,
    outcome_end: Option<usize>,
    evidence_at: Option<usize>,
    time_end: Option<usize>,
}

const OUTCOME: usize = 10;
const TIME: usize = 6;
const VERB: usize = 7;
/// Where the marks of steps stand.
const INDENT: usize = 3;

impl Columns {
    fn of(width: usize) -> Columns {
        let mut end = width.saturating_sub(1);
        let time_end = (width >= 52).then(|| {
            let at = end;
            end -= TIME + 1;
            at
        });
        let evidence_at = (width >= 60).then(|| {
            end -= 1;
            let at = end;
            end -= 1;
            at
        });
        let outcome_end = (width >= 30).then(|| {
            let at = end;
            end -= OUTCOME + 1;
            at
        });
        Columns {
            target_end: end,
            outcome_end,
            evidence_at,
            time_end,
        }
    }
}

impl Columns {
    /// Where words may end that have no outcome behind them.
    fn words_end(&self) -> usize {
        self.outcome_end.unwrap_or(self.target_end)
    }
}

/// Draws the lines that are on the screen.
pub fn draw(state: &State, area: Rect, look: &Look, buf: &mut Buffer) {
    let columns = Columns::of(usize::from(area.width));
    let lines = state.window(usize::from(area.height));
    for (row, line) in lines.into_iter().enumerate() {
        let at = Rect::new(area.x, area.y + row as u16, area.width, 1);
        let here = state.top() + row == state.cursor();
        let drawn = match line {
            Line::Prompt(p) => heading(state, p, here, &columns, look),
            Line::Step(s) => step_row(state, s, here, &columns, look),
            Line::Looks(s, n) => looks_row(state, (s, n), here, &columns, look),
            Line::Rewind(r) => rewind_row(state, r, here, &columns, look),
            Line::New => {
                rule(at, "─", "new since you looked", look.theme, buf);
                continue;
            }
            Line::Cut(r) => {
                rule(at, "━", &cut_words(state, r, look), look.theme, buf);
                continue;
            }
        };
        drawn.draw(at, buf);
    }
}

fn rule(at: Rect, sign: &str, words: &str, theme: &Theme, buf: &mut Buffer) {
    let inner = Rect::new(at.x + 1, at.y, at.width.saturating_sub(2), 1);
    fill(inner, sign, theme.warn(), buf);
    let words = format!(" {words} ");
    let left = inner.width.saturating_sub(text::width(&words) as u16) / 2;
    let line = ratatui::text::Line::styled(words, theme.warn());
    put_line(
        Rect::new(inner.x + left, at.y, inner.width - left, 1),
        &line,
        buf,
    );
}

/// What a rewind undid begins here.
fn cut_words(state: &State, index: u32, look: &Look) -> String {
    match state.rewinds().get(index as usize) {
        Some(r) => {
            let part = if r.part { "in part " } else { "" };
            format!("{part}undone by a {} · {}", r.kind, look.moment.short(r.at))
        }
        None => "undone".to_owned(),
    }
}

fn rewind_row<'a>(
    state: &State,
    index: u32,
    here: bool,
    columns: &Columns,
    look: &Look<'a>,
) -> Row<'a> {
    let theme = look.theme;
    let Some(rewind) = state.rewinds().get(index as usize) else {
        return finish(Cells::default(), here, false, look);
    };
    let mut cells = start(here, look);
    cells.to(INDENT);
    let style = match rewind.taken_back {
        true => theme.dim(),
        false => theme.warn(),
    };
    cells.push(look.marks.back, style);
    cells.push(" ", Style::new());
    let verb_end = cells.used() + VERB;
    cells.push(rewind.kind, style);
    cells.to(verb_end);
    let room = columns.target_end.saturating_sub(cells.used());
    // What kind it is stands before it already.
    let own = format!("{} of: ", rewind.kind);
    let title = rewind.title.strip_prefix(&own).unwrap_or(&rewind.title);
    let words = text::one_line(title);
    cells.push(text::end(&words, room).into_owned(), theme.text());
    if let Some(end) = columns.outcome_end {
        let words = match (rewind.taken_back, rewind.kind) {
            (true, "undo") => "redone".to_owned(),
            (true, _) => "undone".to_owned(),
            (false, _) => phrase::count(u64::from(rewind.files), "files"),
        };
        cells.right(words, style, end);
    }
    if let Some(end) = columns.time_end {
        cells.right(look.moment.short(rewind.at), theme.dim(), end);
    }
    finish(cells, here, false, look)
}

fn start<'a>(here: bool, look: &Look<'a>) -> Cells<'a> {
    let mut cells = Cells::default();
    if here {
        cells.push(look.marks.bar, look.theme.cursor_bar(look.focused));
    } else {
        cells.push(" ", Style::new());
    }
    cells
}

fn finish<'a>(cells: Cells<'a>, here: bool, dim: bool, look: &Look) -> Row<'a> {
    let mut style = Style::new();
    if dim {
        style = look.theme.stale();
    }
    if here {
        style = style.patch(match look.focused {
            true => look.theme.selected(),
            false => look.theme.selected_unfocused(),
        });
    }
    Row {
        line: cells.line(),
        style,
    }
}

fn heading<'a>(
    state: &State,
    index: u32,
    here: bool,
    columns: &Columns,
    look: &Look<'a>,
) -> Row<'a> {
    let theme = look.theme;
    let Some(prompt) = state.prompts().get(index as usize) else {
        return finish(Cells::default(), here, false, look);
    };
    let folded = state.is_folded(index);
    let mut cells = start(here, look);
    let fold = match (prompt.steps.is_empty(), folded) {
        (true, _) => " ",
        (_, true) => look.marks.folded,
        (_, false) => look.marks.open,
    };
    cells.push(fold, theme.accent());
    cells.push(" ", Style::new());
    let number = if prompt.no == 0 {
        "–".to_owned()
    } else {
        prompt.no.to_string()
    };
    if let Some(agent) = prompt.agent {
        cells.push(format!("{agent} "), theme.author(Author::Agent));
    }
    cells.push(format!("{number:<2} "), theme.accent());
    let right = match (folded, prompt.steps.len() as u64) {
        (true, n) if n > 0 => phrase::count(n, "steps"),
        _ => String::new(),
    };
    // A heading has no outcome of its own: its words may go on over those columns.
    let time_room = TIME + 1;
    let line_end = match columns.time_end {
        Some(end) => end,
        None => columns.outcome_end.map_or(columns.target_end, |end| end),
    };
    let mut end = line_end - time_room.min(line_end);
    if !right.is_empty() && line_end > 44 {
        end -= right.len() + 2;
    }
    let words = match prompt.no {
        0 if prompt.head.is_empty() => "before the first prompt".to_owned(),
        _ => text::one_line(&prompt.head),
    };
    let style = if prompt.no == 0 {
        theme.dim()
    } else {
        theme.heading()
    };
    let room = end.saturating_sub(cells.used());
    cells.push(text::end(&words, room).into_owned(), style);
    if !right.is_empty() && line_end > 44 {
        cells.right(right, theme.dim(), line_end - time_room);
    }
    if let Some(at) = prompt.at {
        let above = index.checked_sub(1).and_then(|i| time_of(state, i));
        cells.right(look.moment.under(above, at), theme.dim(), line_end);
    }
    finish(cells, here, prompt.off_path, look)
}

/// When a prompt was given.
fn time_of(state: &State, prompt: u32) -> Option<Time> {
    state.prompts().get(prompt as usize)?.at
}

fn mark_of<'a>(
    step: &StepLite,
    info: Option<&StepInfo>,
    lost: bool,
    look: &Look<'a>,
) -> (&'a str, Style) {
    let theme = look.theme;
    if look.flagged == Some(step.row) {
        return (look.marks.flag, theme.warn());
    }
    let status = info.map_or(step.status, |i| i.status);
    let sign = match step.kind {
        _ if status == Status::Running && !lost => look.marks.running,
        _ if step.changed => look.marks.changed,
        StepKind::Message | StepKind::Plan | StepKind::Notice | StepKind::Question => " ",
        _ => look.marks.looked,
    };
    let style = match status {
        Status::Failed => theme.fail(),
        Status::Denied | Status::Interrupted => theme.warn(),
        _ if step.changed => theme.accent(),
        _ => theme.dim(),
    };
    (sign, style)
}

fn step_start<'a>(
    state: &State,
    index: u32,
    step: &StepLite,
    here: bool,
    look: &Look<'a>,
) -> Cells<'a> {
    let info = state.rows().get(step.row).map(AsRef::as_ref);
    let mut cells = start(here, look);
    cells.to(INDENT + 2 * usize::from(step.depth.min(8)));
    match state.agent_fold(index) {
        Some(true) => cells.push(look.marks.folded, look.theme.accent()),
        Some(false) => cells.push(look.marks.open, look.theme.accent()),
        None => {
            let lost = info.is_some_and(|i| is_lost(state, i, look));
            let (sign, style) = mark_of(step, info, lost, look);
            cells.push(sign, style);
        }
    }
    cells.push(" ", Style::new());
    cells
}

fn step_row<'a>(
    state: &State,
    index: u32,
    here: bool,
    columns: &Columns,
    look: &Look<'a>,
) -> Row<'a> {
    let theme = look.theme;
    let Some(step) = state.steps().get(index as usize) else {
        return finish(Cells::default(), here, false, look);
    };
    let mut cells = step_start(state, index, step, here, look);
    let info = state.rows().get(step.row);
    let verb_end = cells.used() + VERB;
    let verb = verb_of(step.kind);
    let verb_style = if step.changed {
        theme.text()
    } else {
        theme.dim()
    };
    cells.push(verb, verb_style);
    cells.to(verb_end);
    // Words go on over the columns of an outcome that the row does not have.
    let end = match info {
        Some(info) if !has_outcome(info) && info.evidence.is_none() => columns.words_end(),
        _ => columns.target_end,
    };
    let room = end.saturating_sub(cells.used());
    match info {
        Some(info) => target(&mut cells, info, room, theme),
        None => cells.push("…", theme.dim()),
    }
    if let (Some(end), Some(info)) = (columns.outcome_end, info) {
        match is_lost(state, info, look) {
            true => cells.right("no result".to_owned(), theme.dim(), end),
            false => outcome(&mut cells, info, end, look),
        }
    }
    if let (Some(at), Some(info)) = (columns.evidence_at, info) {
        let mark = match info.evidence {
            Some(Evidence::Replayed) => "~",
            Some(Evidence::PatchOnly) => "?",
            _ => "",
        };
        cells.to(at);
        cells.push(mark, theme.warn());
    }
    if let (Some(end), Some(at)) = (columns.time_end, info.and_then(|i| i.at)) {
        let heading = state.prompt_of(index).and_then(|p| time_of(state, p));
        cells.right(look.moment.under(heading, at), theme.dim(), end);
    }
    finish(cells, here, step.off_path || state.is_undone(index), look)
}

/// The word for what a step did.
pub fn verb_of(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Read => "read",
        StepKind::Search => "search",
        StepKind::Edit => "edit",
        StepKind::Write => "write",
        StepKind::Delete => "delete",
        StepKind::Move => "move",
        StepKind::Command => "run",
        StepKind::Web => "web",
        StepKind::Subagent => "agent",
        StepKind::Plan => "plan",
        StepKind::Message => "says",
        StepKind::Question => "asks",
        StepKind::Mcp => "mcp",
        StepKind::Notice => "notice",
        StepKind::Other => "tool",
    }
}

fn names_a_file(kind: StepKind) -> bool {
    matches!(
        kind,
        StepKind::Read | StepKind::Edit | StepKind::Write | StepKind::Delete | StepKind::Move
    )
}

fn target(cells: &mut Cells, info: &StepInfo, room: usize, theme: &Theme) {
    let words = match (info.title.trim(), &info.tool) {
        ("", Some(tool)) => text::one_line(tool),
        (title, _) => text::one_line(title),
    };
    let trusted = names_a_file(info.kind) || matches!(info.kind, StepKind::Command | StepKind::Web);
    let doubtful = trusted && text::doubt(&info.title).is_some();
    if doubtful {
        cells.push("! ", theme.warn());
    }
    let room = room.saturating_sub(if doubtful { 2 } else { 0 });
    if names_a_file(info.kind) && !words.contains(' ') {
        let cut = text::path(&words, room);
        cells.push(cut.name.into_owned(), theme.text());
        if !cut.folder.is_empty() {
            cells.push("  ", Style::new());
            cells.push(cut.folder.into_owned(), theme.dim());
        }
        return;
    }
    let (cut, style) = match info.kind {
        StepKind::Message | StepKind::Notice | StepKind::Plan => {
            (text::end(&words, room), theme.dim())
        }
        _ => (text::middle(&words, room), theme.text()),
    };
    cells.push(cut.into_owned(), style);
}

fn looks_row<'a>(
    state: &State,
    (first, count): (u32, u32),
    here: bool,
    columns: &Columns,
    look: &Look<'a>,
) -> Row<'a> {
    let theme = look.theme;
    let Some(step) = state.steps().get(first as usize) else {
        return finish(Cells::default(), here, false, look);
    };
    let mut cells = step_start(state, first, step, here, look);
    let verb_end = cells.used() + VERB;
    cells.push("looked", theme.dim());
    cells.to(verb_end);
    let room = columns.words_end().saturating_sub(cells.used());
    cells.push(names(state, first, count, room), theme.dim());
    let info = state.rows().get(step.row);
    if let (Some(end), Some(at)) = (columns.time_end, info.and_then(|i| i.at)) {
        let heading = state.prompt_of(first).and_then(|p| time_of(state, p));
        cells.right(look.moment.under(heading, at), theme.dim(), end);
    }
    let dim = step.off_path || state.is_undone(first);
    let mut row = finish(cells, here, dim, look);
    if !here {
        row.style = row.style.remove_modifier(Modifier::BOLD);
    }
    row
}

/// The first names of a run that fit, and how many more there are.
fn names(state: &State, first: u32, count: u32, room: usize) -> String {
    let mut out = String::new();
    let mut named = 0;
    for i in first..first + count.min(super::NAMED) {
        let info = state
            .steps()
            .get(i as usize)
            .and_then(|s| state.rows().get(s.row));
        let Some(info) = info else { break };
        let title = text::one_line(&info.title);
        let name = match info.kind {
            StepKind::Read => title.rsplit('/').next().unwrap_or(&title).to_owned(),
            _ => text::end(&title, 18).into_owned(),
        };
        let more = ", 99 more".len();
        let sep = if named == 0 { 0 } else { 2 };
        if named > 0 && text::width(&out) + sep + text::width(&name) + more > room {
            break;
        }
        if named > 0 {
            out.push_str(", ");
        }
        out.push_str(&name);
        named += 1;
    }
    if named == 0 {
        return "…".to_owned();
    }
    if named < count {
        out.push_str(&format!(", {} more", count - named));
    }
    text::end(&out, room).into_owned()
}
