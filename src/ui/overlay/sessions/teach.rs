//! The list of sessions where there are none: where it looked, and what to do now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget, Wrap};

use crate::query::types::SessionList;
use crate::text;
use crate::ui::End;
use crate::ui::phrase;
use crate::ui::theme::Theme;

/// No session: where it looked, how many there are elsewhere, what to do now.
pub(super) fn empty(
    list: &SessionList,
    other: Option<End>,
    area: Rect,
    theme: &Theme,
    buf: &mut Buffer,
) {
    let inner = Rect::new(
        area.x + 2,
        area.y,
        area.width.saturating_sub(4),
        area.height,
    );
    let mut lines = vec![
        Line::default(),
        Line::styled(
            "No coding agent has worked in this repository yet.",
            theme.heading(),
        ),
        Line::default(),
        Line::styled("Looked in", theme.dim()),
    ];
    let next = what_next(list, other, theme);
    let rows = |line: &Line| {
        line.width()
            .div_ceil(usize::from(inner.width.max(1)))
            .max(1)
    };
    let used: usize = lines.iter().chain(&next).map(rows).sum();
    let room = usize::from(inner.height).saturating_sub(used);
    lines.extend(places(list, room, usize::from(inner.width), theme));
    lines.extend(next);
    Paragraph::new(lines)
        .wrap(Wrap { trim: false })
        .render(inner, buf);
}

/// The folders that were looked in, a row each, those with transcripts first; the last row counts what has no room.
fn places(list: &SessionList, room: usize, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut folders: Vec<_> = list.looked_in.iter().collect();
    folders.sort_by_key(|(_, found)| *found == 0);
    let shown = match folders.len() {
        all if all <= room => all,
        _ => room.saturating_sub(1),
    };
    let mut lines: Vec<Line> = folders[..shown]
        .iter()
        .map(|(folder, found)| {
            let found = format!("  {}", phrase::count((*found).into(), "transcripts"));
            let room = width.saturating_sub(2 + text::width(&found));
            let folder = text::line(folder);
            Line::from(vec![
                Span::raw(format!("  {}", text::end(&folder, room))),
                Span::styled(found, theme.dim()),
            ])
        })
        .collect();
    let more = folders.len() - shown;
    if more > 0 && room > 0 {
        let words = format!("  and {more} more places: regent-tui status lists them");
        lines.push(Line::styled(
            text::end(&words, width).into_owned(),
            theme.dim(),
        ));
    }
    lines
}

/// What to do where there is no session.
fn what_next(list: &SessionList, other: Option<End>, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    if list.elsewhere > 0 {
        lines.push(Line::from(vec![
            Span::raw(format!(
                "{} of other folders are on this machine: ",
                phrase::count(list.elsewhere.into(), "sessions")
            )),
            Span::styled(
                if other.is_some() {
                    "A"
                } else {
                    "regent-tui --all"
                },
                theme.key(),
            ),
            Span::raw(" shows them."),
        ]));
    }
    lines.push(Line::from(vec![
        Span::raw("Transcripts that lie elsewhere: "),
        Span::styled("regent-tui ingest --from PATH", theme.key()),
    ]));
    lines.push(Line::from(vec![
        Span::raw("To look around first: "),
        Span::styled("Enter", theme.key()),
        Span::raw(" opens an example (regent-tui demo)."),
    ]));
    lines
}
