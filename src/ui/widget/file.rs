//! How a changed file is named in a row.

use ratatui::style::Style;

use super::spans::Cells;
use crate::model::Op;
use crate::text;
use crate::ui::phrase;
use crate::ui::theme::Theme;

/// The letter for what happened to a file, and its style.
pub fn op_letter(op: Op, theme: &Theme) -> (&'static str, Style) {
    match op {
        Op::Create => ("A", theme.add()),
        Op::Modify => ("M", theme.accent()),
        Op::Delete => ("D", theme.delete()),
        Op::Rename => ("R", theme.accent()),
        Op::Mode => ("m", theme.dim()),
    }
}

/// A path, name first, and its lines at the right end.
pub fn path_and_lines(
    cells: &mut Cells,
    path: &str,
    lines: (u32, u32),
    width: usize,
    theme: &Theme,
) {
    let doubtful = text::doubt(path).is_some();
    let path = text::one_line(path);
    let end = width.saturating_sub(1);
    if doubtful {
        cells.push("! ", theme.warn());
    }
    let room = end.saturating_sub(cells.used() + 13);
    let cut = text::path(&path, room);
    cells.push(cut.name.into_owned(), theme.text());
    if !cut.folder.is_empty() {
        cells.push("  ", Style::new());
        cells.push(cut.folder.into_owned(), theme.dim());
    }
    let (plus, minus) = phrase::plus_minus(u64::from(lines.0), u64::from(lines.1));
    cells.right(plus, theme.add(), end.saturating_sub(6));
    cells.right(minus, theme.delete(), end);
}
