//! What goes, shown in the timeline behind the plan of a rewind: dimmed, below a line that says so.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line as Words;

use super::super::door::Back;
use super::super::model::Model;
use super::super::overlay::Overlay;
use super::super::pane::timeline::Line;
use super::super::update::undone;
use super::super::widget::{fill, put_line};
use crate::query::Target;
use crate::text;

/// Draws over the timeline.
pub fn draw(model: &Model, area: Rect, buf: &mut Buffer) {
    let plan = model.overlays.iter().find_map(|o| match o {
        Overlay::Rewind(state) if state.shows_cut() => state.back(),
        _ => None,
    });
    let Some((back, range)) = plan.and_then(|b| Some((b, undone(model, b)?))) else {
        return;
    };
    let goes = |line: &Line| match line {
        Line::Step(s) | Line::Looks(s, _) => range.contains(s),
        Line::Prompt(p) => prompt_goes(model, back, *p),
        Line::New | Line::Rewind(_) | Line::Cut(_) => false,
    };
    let mut cut = None;
    let lines = model.timeline.window(usize::from(area.height));
    // Of what is undone in part, no step goes as a whole.
    let whole = back.paths.is_empty() && back.parts.is_empty();
    for (row, line) in lines.iter().enumerate() {
        if goes(line) {
            cut.get_or_insert(row as u16);
            if !whole {
                break;
            }
            let at = Rect::new(area.x, area.y + row as u16, area.width, 1);
            buf.set_style(at.intersection(buf.area), model.theme.stale());
        }
    }
    // What goes is not on the screen, or begins above it: there is no place for a line.
    let begins_here = cut.filter(|row| *row > 0 || model.timeline.top() == 0);
    if let Some(row) = begins_here {
        let words = match (back.only, whole) {
            (true, true) => " only this is undone ",
            (true, false) => " only this is undone, in part ",
            (false, true) => " undone from here ",
            (false, false) => " undone from here, in part ",
        };
        insert(model, area, row, words, buf);
    }
}

fn prompt_goes(model: &Model, back: &Back, index: u32) -> bool {
    let prompts = model.timeline.prompts();
    let (target, whole) = match back.target {
        Target::Prompt(_, no) => (prompts.iter().position(|p| p.no == no), true),
        Target::Step(_, row) => {
            let at = model.timeline.steps().iter().position(|s| s.row == row);
            (
                at.and_then(|i| Some(model.timeline.prompt_of(i as u32)? as usize)),
                false,
            )
        }
    };
    let Some(target) = target else { return false };
    let index = index as usize;
    match back.only {
        true => whole && index == target,
        false => index > target || (index == target && whole && back.before),
    }
}

/// Moves the rows from there one down, and puts the line in.
fn insert(model: &Model, area: Rect, row: u16, words: &str, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    let y = area.y + row;
    for to in (y + 1..area.bottom()).rev() {
        for x in area.left()..area.right() {
            let above = buf[(x, to - 1)].clone();
            buf[(x, to)] = above;
        }
    }
    let line = Rect::new(area.x, y, area.width, 1);
    for x in line.left()..line.right() {
        buf[(x, y)].reset();
    }
    let inner = Rect::new(line.x + 1, y, line.width.saturating_sub(2), 1);
    fill(inner, "━", model.theme.warn(), buf);
    let wide = text::width(words) as u16;
    if wide + 4 <= inner.width {
        let at = Rect::new(inner.x + 2, y, wide, 1);
        put_line(
            at,
            &Words::styled(words.to_owned(), model.theme.warn()),
            buf,
        );
    }
}
