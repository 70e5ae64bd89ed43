//! Frames and rules with titles.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use super::spans::put_line;
use crate::ui::theme::Theme;

/// What stands in the line above a pane: left, and right as far as there is room.
#[derive(Clone, Debug, Default)]
pub struct Title<'a> {
    /// The name.
    pub left: Vec<Span<'a>>,
    /// What is said about it; left out where it does not fit.
    pub right: Vec<Span<'a>>,
}

impl<'a> Title<'a> {
    /// A name in the style of a pane's title.
    pub fn new(name: impl Into<String>, theme: &Theme, focused: bool) -> Title<'a> {
        Title {
            left: vec![Span::styled(name.into(), theme.title(focused))],
            right: Vec::new(),
        }
    }

    /// Adds something in dim letters behind the name.
    pub fn dim(mut self, text: impl Into<String>, theme: &Theme) -> Title<'a> {
        self.left.push(Span::styled(text.into(), theme.dim()));
        self
    }

    /// Puts something at the right end.
    pub fn right(mut self, spans: Vec<Span<'a>>) -> Title<'a> {
        self.right = spans;
        self
    }
}

fn width(spans: &[Span]) -> u16 {
    spans.iter().map(|s| s.width()).sum::<usize>() as u16
}

/// Draws the frame around `inside`, with a title in its upper edge.
pub fn boxed(inside: Rect, title: &Title, theme: &Theme, focused: bool, buf: &mut Buffer) {
    let outside = Rect::new(
        inside.x.saturating_sub(1),
        inside.y.saturating_sub(1),
        inside.width + 2,
        inside.height + 2,
    )
    .intersection(buf.area);
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.border(focused))
        .render(outside, buf);
    let edge = Rect::new(outside.x + 1, outside.y, outside.width.saturating_sub(2), 1);
    title_in(edge, title, buf);
}

/// Draws the rule above `inside`.
pub fn rule(inside: Rect, title: &Title, theme: &Theme, focused: bool, buf: &mut Buffer) {
    if inside.y == 0 {
        return;
    }
    let edge = Rect::new(inside.x, inside.y - 1, inside.width, 1).intersection(buf.area);
    fill(edge, "─", theme.border(focused), buf);
    title_in(edge, title, buf);
}

/// Fills a row with a symbol.
pub fn fill(area: Rect, symbol: &str, style: Style, buf: &mut Buffer) {
    for x in area.left()..area.right() {
        if let Some(cell) = buf.cell_mut((x, area.y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    }
}

fn title_in(edge: Rect, title: &Title, buf: &mut Buffer) {
    if edge.width < 6 {
        return;
    }
    let pad = |spans: &[Span<'_>]| {
        let mut line = vec![Span::raw(" ")];
        line.extend(
            spans
                .iter()
                .map(|s| Span::styled(s.content.to_string(), s.style)),
        );
        line.push(Span::raw(" "));
        Line::from(line)
    };
    let left = pad(&title.left);
    let left_width = (width(&title.left) + 2).min(edge.width - 1);
    put_line(
        Rect::new(edge.x + 1, edge.y, left_width.min(edge.width - 2), 1),
        &left,
        buf,
    );
    let right_width = width(&title.right) + 2;
    if right_width > 2 && left_width + right_width + 3 <= edge.width {
        let at = edge.right() - right_width - 1;
        put_line(
            Rect::new(at, edge.y, right_width, 1),
            &pad(&title.right),
            buf,
        );
    }
}

/// A framed box over what is there; returns its inside.
pub fn popup(outside: Rect, title: &Title, foot: &Line, theme: &Theme, buf: &mut Buffer) -> Rect {
    let outside = outside.intersection(buf.area);
    Clear.render(outside, buf);
    let inside = Rect::new(
        outside.x + 1,
        outside.y + 1,
        outside.width.saturating_sub(2),
        outside.height.saturating_sub(2),
    );
    boxed(inside, title, theme, true, buf);
    let room = outside.width.saturating_sub(4);
    let wide = foot.width() as u16;
    if wide > 0 && room > 0 && outside.height > 1 {
        let mut line = foot.clone();
        line.spans.insert(0, Span::raw(" "));
        line.spans.push(Span::raw(" "));
        let at = Rect::new(outside.x + 2, outside.bottom() - 1, (wide + 2).min(room), 1);
        put_line(at, &line, buf);
    }
    inside
}
