//! Draws the pane: the head that stays, then the rows in view, and nothing else.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::content::{Body, Change, Section, Side};
use super::gutter::Gutter;
use super::paint::{self, Laid, Layer, Pen, WRAPPED_BYTES};
use super::rows::{Kind, NONE, Row};
use super::state::{State, White};
use crate::diff::words;
use crate::ui::theme::Theme;

/// Draws the pane into an area, which should have the size told to [`State::resize`].
pub fn view(state: &State, theme: &Theme, focused: bool, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    if area.is_empty() || state.rows.is_empty() {
        return;
    }
    let painter = Painter {
        state,
        theme,
        focused,
        area,
    };
    painter.sticky(buffer);
    let bottom = area.bottom();
    let (mut y, mut row, mut skip) = (area.y + 1, state.top, state.top_skip);
    while y < bottom && row < state.rows.len() {
        let height = state
            .height(row)
            .saturating_sub(skip)
            .min(usize::from(bottom - y));
        painter.row(buffer, row, Lines { y, skip, height });
        y += height.max(1) as u16;
        (row, skip) = (row + 1, 0);
    }
    if state.stale {
        buffer.set_style(area, theme.stale());
    }
}

/// The lines of the screen that a row gets.
#[derive(Clone, Copy)]
struct Lines {
    y: u16,
    /// Wrapped lines that are scrolled away.
    skip: usize,
    height: usize,
}

pub(super) struct Painter<'a> {
    pub(super) state: &'a State,
    pub(super) theme: &'a Theme,
    pub(super) focused: bool,
    pub(super) area: Rect,
}

/// A line of a text, and what is known of it.
#[derive(Clone, Copy)]
struct Source<'a> {
    section: &'a Section,
    number: u32,
    side: Side,
    line: u32,
    /// Added, removed, or neither.
    sign: Sign,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    None,
    Added,
    Removed,
}

impl Painter<'_> {
    pub(super) fn width(&self) -> usize {
        usize::from(self.area.width)
    }

    fn row(&self, buffer: &mut Buffer, index: usize, lines: Lines) {
        let state = self.state;
        let row = state.rows[index];
        let Some(section) = state.section(row) else {
            return;
        };
        let gutter = state.gutters[row.section as usize];
        match row.kind {
            Kind::Blank => {}
            Kind::File | Kind::Head => {
                self.head(buffer, lines.y, &section.head, None, index == state.cursor)
            }
            Kind::Remark(i) => self.remark(buffer, section, i as usize, gutter, lines),
            Kind::Gap(hidden) => self.gap(buffer, hidden, lines.y),
            Kind::NoNewline(old, new) => self.no_newline(buffer, (old, new), gutter, lines.y),
            Kind::Same(..) | Kind::Pair(..) if state.is_side_by_side() => {
                self.beside(buffer, section, row, gutter, lines)
            }
            _ => self.line(buffer, section, row, gutter, lines),
        }
        self.mark(buffer, index, gutter, lines);
    }

    /// Shows where the cursor and the range are: in the gutter, so that the tints of the code stay.
    fn mark(&self, buffer: &mut Buffer, index: usize, gutter: Gutter, lines: Lines) {
        let state = self.state;
        let cursor = index == state.cursor;
        let in_range = state.range.is_some_and(|start| {
            (start.min(state.cursor)..=start.max(state.cursor)).contains(&index)
        });
        if !cursor && !in_range {
            return;
        }
        let width = gutter.width(self.width()).saturating_sub(2).max(1) as u16;
        for y in lines.y..lines.y + lines.height as u16 {
            let area = Rect::new(self.area.x, y, width.min(self.area.width), 1);
            match (cursor, in_range) {
                (_, true) => buffer.set_style(area, self.theme.range()),
                _ if self.focused => buffer.set_style(area, self.theme.selected()),
                _ => buffer.set_style(area, self.theme.selected_unfocused()),
            }
            if cursor {
                self.bar(buffer, self.area.x, y);
            }
        }
    }

    pub(super) fn bar(&self, buffer: &mut Buffer, x: u16, y: u16) {
        buffer.set_stringn(
            x,
            y,
            self.state.marks.bar,
            1,
            self.theme.cursor_bar(self.focused),
        );
    }

    fn remark(
        &self,
        buffer: &mut Buffer,
        section: &Section,
        i: usize,
        gutter: Gutter,
        lines: Lines,
    ) {
        let Some(remark) = section.remarks.get(i) else {
            return;
        };
        let mut laid = Laid::default();
        laid.push(remark, self.theme.dim());
        let width = gutter.remark_width(self.width());
        laid.draw_wrapped(
            buffer,
            (self.area.x + 1, lines.y),
            width,
            lines.skip..lines.skip + lines.height,
            self.theme.dim(),
        );
    }

    fn gap(&self, buffer: &mut Buffer, hidden: u32, y: u16) {
        let words = match hidden {
            0 => "⋯".to_owned(),
            1 => "⋯ 1 line".to_owned(),
            n => format!("⋯ {n} lines"),
        };
        buffer.set_stringn(
            self.area.x + 1,
            y,
            words,
            self.width() - 1,
            self.theme.dim(),
        );
    }

    fn no_newline(&self, buffer: &mut Buffer, (old, new): (bool, bool), gutter: Gutter, y: u16) {
        let words = "\\ no newline at the end";
        if !self.state.is_side_by_side() {
            let x = gutter.width(self.width());
            buffer.set_stringn(
                self.area.x + x as u16,
                y,
                words,
                self.width().saturating_sub(x),
                self.theme.dim(),
            );
            return;
        }
        let half = gutter.half(self.width());
        for (there, x) in [(old, 1), (new, 1 + half + 1)] {
            if there {
                let x = x + gutter.half_gutter();
                buffer.set_stringn(
                    self.area.x + x as u16,
                    y,
                    words,
                    gutter.half_width(self.width()),
                    self.theme.dim(),
                );
            }
        }
    }

    /// A line over the whole width.
    fn line(&self, buffer: &mut Buffer, section: &Section, row: Row, gutter: Gutter, lines: Lines) {
        let (side, line, sign, numbers) = match row.kind {
            Kind::Removed(old) => (Side::Old, old, Sign::Removed, (old, NONE)),
            Kind::Added(new) => (Side::New, new, Sign::Added, (NONE, new)),
            Kind::Same(old, new) => (Side::New, new, Sign::None, (old, new)),
            Kind::Plain(new) => (Side::New, new, Sign::None, (NONE, new)),
            _ => return,
        };
        let style = self.number_style(sign);
        let number = |side, line: u32| {
            section
                .text(side)
                .filter(|_| line != NONE)
                .and_then(|text| text.number(line as usize))
        };
        let (old, new) = (number(Side::Old, numbers.0), number(Side::New, numbers.1));
        let shown: &[Option<u32>] = match gutter.numbers(self.width()) {
            0 => &[],
            1 => &[new.or(old)],
            _ => &[old, new],
        };
        let mut x = self.area.x + 1;
        for number in shown {
            let digits = gutter.digits();
            let text = number.map_or_else(|| " ".repeat(digits), |n| format!("{n:>digits$}"));
            buffer.set_stringn(x, lines.y, text, digits, style);
            x += digits as u16 + 1;
        }
        if gutter.signs() {
            self.sign(buffer, (x, lines.y), sign);
        }
        let source = Source {
            section,
            number: row.section,
            side,
            line,
            sign,
        };
        let x = gutter.width(self.width());
        self.code(buffer, source, x, gutter.code_width(self.width()), lines);
    }

    fn number_style(&self, sign: Sign) -> Style {
        match sign {
            Sign::None => self.theme.dim(),
            Sign::Added => self.theme.add(),
            Sign::Removed => self.theme.delete(),
        }
    }

    fn sign(&self, buffer: &mut Buffer, (x, y): (u16, u16), sign: Sign) {
        let (mark, style) = match sign {
            Sign::None => return,
            Sign::Added => ("+", self.theme.add()),
            Sign::Removed => ("−", self.theme.delete()),
        };
        buffer.set_stringn(x, y, mark, 1, style.add_modifier(Modifier::BOLD));
    }

    /// Old and new beside each other.
    fn beside(
        &self,
        buffer: &mut Buffer,
        section: &Section,
        row: Row,
        gutter: Gutter,
        lines: Lines,
    ) {
        let (Kind::Same(old, new) | Kind::Pair(old, new)) = row.kind else {
            return;
        };
        let changed = row.kind.is_changed();
        let half = gutter.half(self.width());
        for y in lines.y..lines.y + lines.height as u16 {
            buffer.set_stringn(self.area.x + 1 + half as u16, y, "│", 1, self.theme.dim());
        }
        let halves = [
            (Side::Old, old, Sign::Removed, 1),
            (Side::New, new, Sign::Added, 1 + half + 1),
        ];
        for (side, line, sign, x) in halves.into_iter().filter(|half| half.1 != NONE) {
            let sign = if changed { sign } else { Sign::None };
            let at = self.area.x + x as u16;
            let number = section
                .text(side)
                .and_then(|text| text.number(line as usize));
            let digits = gutter.digits();
            if let Some(number) = number {
                buffer.set_stringn(
                    at,
                    lines.y,
                    format!("{number:>digits$}"),
                    digits,
                    self.number_style(sign),
                );
            }
            self.sign(
                buffer,
                (at + (gutter.half_gutter() - 2) as u16, lines.y),
                sign,
            );
            let source = Source {
                section,
                number: row.section,
                side,
                line,
                sign,
            };
            self.code(
                buffer,
                source,
                x + gutter.half_gutter(),
                gutter.half_width(self.width()),
                lines,
            );
        }
    }

    /// The text of a line, `x` cells from the left edge of the pane.
    fn code(&self, buffer: &mut Buffer, source: Source<'_>, x: usize, width: usize, lines: Lines) {
        let width = width.min(self.width().saturating_sub(x));
        let (state, theme) = (self.state, self.theme);
        let ground = match source.sign {
            Sign::None => Style::new(),
            Sign::Added => theme.add_line(),
            Sign::Removed => theme.delete_line(),
        };
        let at = (self.area.x + x as u16, lines.y);
        buffer.set_style(
            Rect::new(at.0, at.1, width as u16, lines.height as u16),
            ground,
        );
        let reach = if state.wrap {
            WRAPPED_BYTES
        } else {
            (state.left + width) * 4 + 256
        };
        let pen = Pen {
            theme,
            white: state.white == White::Shown,
            limit: reach,
        };
        let text = source
            .section
            .text(source.side)
            .map_or("", |text| text.line(source.line as usize));
        let mut laid = paint::lay(text, &self.layers(source, text, ground, reach), pen);
        let crlf = source
            .section
            .change()
            .is_some_and(|change| change.mixed_ends);
        if crlf
            && source
                .section
                .text(source.side)
                .is_some_and(|text| text.raw(source.line as usize).ends_with("\r\n"))
        {
            laid.push("␍", ground.patch(theme.marker()));
        }
        let more = ground.patch(theme.marker());
        if state.wrap {
            laid.draw_wrapped(
                buffer,
                at,
                width,
                lines.skip..lines.skip + lines.height,
                more,
            );
        } else {
            laid.draw(buffer, at, width, state.left, more);
        }
    }

    /// The styles of a line: code under the ground of a change, changed words over it, hits over all.
    fn layers(&self, source: Source<'_>, text: &str, ground: Style, reach: usize) -> Vec<Layer> {
        let (state, theme) = (self.state, self.theme);
        let mut layers: Vec<Layer> = Vec::new();
        let whole = vec![(0..text.len(), ground)];
        let pieces = state.pieces(source.number, source.side, source.line as usize);
        if theme.has_tints() || source.sign == Sign::None {
            layers.push(whole);
            layers.push(paint::code_layer(pieces, theme, source.sign != Sign::None));
        } else {
            // Without tints the colour of the text says that it changed.
            layers.push(whole);
        }
        if let Some(styles) = source
            .section
            .text(source.side)
            .and_then(|text| text.styles.get(source.line as usize))
        {
            let mut from = 0;
            let foreign = styles.iter().map(|&(end, style)| {
                let range = from..end as usize;
                from = end as usize;
                (range, theme.foreign(style))
            });
            layers.push(foreign.collect());
        }
        let near = &text[..text.floor_char_boundary(reach)];
        if let Body::Lines(lines) = &source.section.body
            && let Some(found) = &lines.found
        {
            let places = found.places(near).into_iter();
            layers.push(places.map(|place| (place, theme.matched())).collect());
        }
        if source.sign != Sign::None
            && let Some(change) = source.section.change()
        {
            layers.push(emphasis(change, source, theme));
        }
        if let Some(search) = &state.search {
            let here = state.rows.get(state.cursor).copied();
            let on_cursor =
                here.is_some_and(|row| row.section == source.number && is_line(row.kind, source));
            let style = if on_cursor {
                theme.matched_here()
            } else {
                theme.matched()
            };
            layers.push(
                search
                    .places(near)
                    .into_iter()
                    .map(|place| (place, style))
                    .collect(),
            );
        }
        layers
    }
}

fn is_line(kind: Kind, source: Source<'_>) -> bool {
    let (old, new) = super::state::sides(kind);
    match source.side {
        Side::Old => old == source.line,
        Side::New => new == source.line,
    }
}

/// The words of a changed line that its counterpart has not.
fn emphasis(change: &Change, source: Source<'_>, theme: &Theme) -> Layer {
    let line = source.line as usize;
    let found = match source.side {
        Side::Old => change
            .new_of(line)
            .and_then(|new| words::emphasis(change.old.line(line), change.new.line(new))),
        Side::New => change
            .old_of(line)
            .and_then(|old| words::emphasis(change.old.line(old), change.new.line(line))),
    };
    let Some(found) = found else {
        return Layer::new();
    };
    let (ranges, style) = match source.side {
        Side::Old => (found.old, theme.delete_word()),
        Side::New => (found.new, theme.add_word()),
    };
    ranges.into_iter().map(|range| (range, style)).collect()
}
