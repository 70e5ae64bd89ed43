//! One line of text on its way into cells: styles in layers, foreign text made visible, cut or wrapped to its room.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use unicode_segmentation::GraphemeCursor;

use crate::text::{self, TAB};
use crate::ui::highlight::Piece;
use crate::ui::theme::Theme;

/// Styles of parts of a raw line, ascending; a later layer is patched over an earlier one.
pub type Layer = Vec<(Range<usize>, Style)>;

/// The most bytes of a line that are laid out when it wraps.
pub const WRAPPED_BYTES: usize = 16 << 10;

/// A line that can be drawn: safe text, and the styles of its parts.
#[derive(Clone, Debug, Default)]
pub struct Laid {
    /// The text.
    pub text: String,
    /// Where each part ends, in bytes of the text, and its style.
    spans: Vec<(usize, Style)>,
    /// The line goes on, but nobody can see so far.
    cut: bool,
}

/// What a line is drawn with.
#[derive(Clone, Copy, Debug)]
pub struct Pen<'a> {
    /// The theme.
    pub theme: &'a Theme,
    /// Spaces and tabs are shown.
    pub white: bool,
    /// Raw bytes behind this are not laid out.
    pub limit: usize,
}

/// The layer that highlighting makes.
pub fn code_layer(pieces: &[Piece], theme: &Theme, changed: bool) -> Layer {
    let mut from = 0;
    let mut layer = Vec::with_capacity(pieces.len());
    for &(end, kind) in pieces {
        let style = match changed {
            true => theme.code_on_tint(kind),
            false => theme.code(kind),
        };
        layer.push((from..end as usize, style));
        from = end as usize;
    }
    layer
}

/// Lays out a raw line.
pub fn lay(raw: &str, layers: &[Layer], pen: Pen<'_>) -> Laid {
    let end = raw.floor_char_boundary(pen.limit);
    let mut laid = Laid {
        cut: end < raw.len(),
        ..Laid::default()
    };
    let raw = &raw[..end];
    let mut column = 0;
    let mut from = 0;
    for to in stops(raw, layers) {
        let style = layers
            .iter()
            .fold(Style::new(), |style, layer| match at(layer, from) {
                Some(over) => style.patch(over),
                None => style,
            });
        laid.add(&raw[from..to], style, pen, &mut column);
        from = to;
    }
    laid
}

/// The style of a layer at a byte.
fn at(layer: &Layer, byte: usize) -> Option<Style> {
    let place = layer.partition_point(|(range, _)| range.end <= byte);
    layer
        .get(place)
        .filter(|(range, _)| range.contains(&byte))
        .map(|(_, style)| *style)
}

/// Where the style may change: never within a cluster.
fn stops(raw: &str, layers: &[Layer]) -> Vec<usize> {
    let edges = layers
        .iter()
        .flatten()
        .flat_map(|(range, _)| [range.start, range.end]);
    let mut stops: Vec<usize> = edges.filter(|&at| at > 0 && is_edge(raw, at)).collect();
    stops.push(raw.len());
    stops.sort_unstable();
    stops.dedup();
    stops
}

fn is_edge(raw: &str, at: usize) -> bool {
    if at >= raw.len() || !raw.is_char_boundary(at) {
        return false;
    }
    let bytes = raw.as_bytes();
    if bytes[at].is_ascii() && bytes[at - 1].is_ascii() {
        return true;
    }
    GraphemeCursor::new(at, raw.len(), true)
        .is_boundary(raw, 0)
        .unwrap_or(false)
}

impl Laid {
    fn add(&mut self, raw: &str, style: Style, pen: Pen<'_>, column: &mut usize) {
        if !pen.white {
            let safe = text::line_at(raw, *column, TAB);
            *column += text::width(&safe);
            return self.push(&safe, style);
        }
        let marker = style.patch(pen.theme.marker());
        let mut rest = raw;
        while !rest.is_empty() {
            let white = rest.starts_with([' ', '\t']);
            let len = rest
                .find(|c| matches!(c, ' ' | '\t') != white)
                .unwrap_or(rest.len());
            let (part, behind) = rest.split_at(len);
            if white {
                for c in part.chars() {
                    let cells = if c == '\t' { TAB - *column % TAB } else { 1 };
                    self.push(if c == '\t' { "→" } else { "·" }, marker);
                    self.push(&" ".repeat(cells - 1), marker);
                    *column += cells;
                }
            } else {
                let safe = text::line_at(part, *column, TAB);
                *column += text::width(&safe);
                self.push(&safe, style);
            }
            rest = behind;
        }
    }

    /// Adds text that is safe.
    pub fn push(&mut self, safe: &str, style: Style) {
        if safe.is_empty() {
            return;
        }
        self.text.push_str(safe);
        match self.spans.last_mut() {
            Some(last) if last.1 == style => last.0 = self.text.len(),
            _ => self.spans.push((self.text.len(), style)),
        }
    }

    /// Draws a part of the text, from a byte on, into at most `width` cells. Returns the cells used.
    fn draw_from(
        &self,
        buffer: &mut Buffer,
        (x, y): (u16, u16),
        width: usize,
        bytes: Range<usize>,
    ) -> usize {
        let first = self.spans.partition_point(|span| span.0 <= bytes.start);
        let (mut from, mut used) = (bytes.start, 0);
        for &(end, style) in &self.spans[first..] {
            let to = end.min(bytes.end);
            if from >= to || used >= width {
                break;
            }
            let (next, _) = buffer.set_stringn(
                x + used as u16,
                y,
                &self.text[from..to],
                width - used,
                style,
            );
            used = usize::from(next - x);
            from = to;
        }
        used
    }

    /// Draws the cells from column `left` on; `…` stands where more follows.
    pub fn draw(
        &self,
        buffer: &mut Buffer,
        (x, y): (u16, u16),
        width: usize,
        left: usize,
        more: Style,
    ) {
        if width == 0 {
            return;
        }
        let (rest, pad) = text::skip(&self.text, left);
        let from = self.text.len() - rest.len();
        let (seen, _) = text::take(rest, width.saturating_sub(pad));
        let hidden = self.cut || seen.len() < rest.len();
        let room = if hidden { width - 1 } else { width }.saturating_sub(pad);
        let (seen, _) = text::take(rest, room);
        let used = pad + self.draw_from(buffer, (x + pad as u16, y), room, from..from + seen.len());
        if hidden {
            buffer.set_stringn(x + used as u16, y, "…", 1, more);
        }
    }

    /// Draws the wrapped rows `rows` into lines from `y` on.
    pub fn draw_wrapped(
        &self,
        buffer: &mut Buffer,
        (x, y): (u16, u16),
        width: usize,
        rows: Range<usize>,
        more: Style,
    ) {
        let wrapped = text::wrap(&self.text, width.max(1), 0);
        let last = wrapped.len() - 1;
        for (i, row) in wrapped
            .into_iter()
            .enumerate()
            .take(rows.end)
            .skip(rows.start)
        {
            let y = y + (i - rows.start) as u16;
            let used = self.draw_from(buffer, (x, y), width, row.bytes);
            if self.cut && i == last {
                buffer.set_stringn(
                    x + used.min(width.saturating_sub(1)) as u16,
                    y,
                    "…",
                    1,
                    more,
                );
            }
        }
    }
}
