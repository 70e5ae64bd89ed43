//! Where the panes stand: a pure function of the size and of a few choices, used for moving, clicking and drawing alike.

use ratatui::layout::Rect;

/// The panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Pane {
    /// Prompts and steps.
    #[default]
    Timeline,
    /// The prompt and the agent's words.
    Prompt,
    /// The diff.
    Diff,
}

/// How the panes share the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Shape {
    /// Timeline left, prompt above diff on the right.
    #[default]
    Wide,
    /// One above the other.
    Stacked,
    /// One at a time.
    Single,
}

/// Columns from which the panes stand side by side.
const WIDE: u16 = 110;
/// Columns from which there are several panes.
const NARROW: u16 = 50;
/// Rows from which there are several panes.
const LOW: u16 = 16;
/// Rows from which all three panes are stacked.
const TALL: u16 = 36;
/// A size must be left by this many columns before the shape changes, so that dragging an edge does not flicker.
const HYSTERESIS: u16 = 4;

impl Shape {
    /// The shape for a size, given the one that is on the screen now.
    pub fn of(width: u16, height: u16, now: Option<Shape>) -> Shape {
        let wide_from = match now {
            Some(Shape::Wide) => WIDE - HYSTERESIS,
            _ => WIDE,
        };
        let narrow_below = match now {
            Some(Shape::Stacked | Shape::Wide) => NARROW - HYSTERESIS,
            _ => NARROW,
        };
        if width < narrow_below || height < LOW {
            Shape::Single
        } else if width >= wide_from {
            Shape::Wide
        } else {
            Shape::Stacked
        }
    }
}

/// What the areas depend on.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The terminal's size.
    pub size: (u16, u16),
    /// The shape.
    pub shape: Shape,
    /// Which pane has the focus.
    pub focus: Pane,
    /// Only the focused pane.
    pub zoomed: bool,
    /// Rows that the prompt would like to have.
    pub prompt_rows: u16,
    /// The timeline's place is taken by a file and its authors, which needs more room.
    pub authors: bool,
    /// Where the splitter was dragged to: thousandths of the width (wide) or height (stacked) for the timeline.
    pub split: Option<u16>,
}

/// Where everything stands. A pane that is not on the screen is `None`. Areas are the insides: the row above each pane
/// (and, in boxes, the frame around it) belongs to its title.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Areas {
    /// The line at the top.
    pub header: Option<Rect>,
    /// Where the path through one pane stands.
    pub crumb: Option<Rect>,
    /// The timeline.
    pub timeline: Option<Rect>,
    /// The prompt.
    pub prompt: Option<Rect>,
    /// The diff.
    pub diff: Option<Rect>,
    /// The last line.
    pub status: Rect,
    /// Panes have frames; else a rule above each.
    pub boxed: bool,
}

impl Areas {
    /// The area of a pane.
    pub fn of(&self, pane: Pane) -> Option<Rect> {
        match pane {
            Pane::Timeline => self.timeline,
            Pane::Prompt => self.prompt,
            Pane::Diff => self.diff,
        }
    }

    /// The pane at a place.
    pub fn at(&self, column: u16, row: u16) -> Option<Pane> {
        [Pane::Timeline, Pane::Prompt, Pane::Diff]
            .into_iter()
            .find(|p| {
                self.of(*p).is_some_and(|a| {
                    a.x <= column && column < a.right() && a.y <= row && row < a.bottom()
                })
            })
    }
}

/// The areas.
pub fn areas(wish: &Wish) -> Areas {
    let (width, height) = wish.size;
    let status = Rect::new(0, height.saturating_sub(1), width, height.min(1));
    let mut areas = Areas {
        status,
        ..Areas::default()
    };
    let body = Rect::new(0, 0, width, height.saturating_sub(1));
    match wish.shape {
        Shape::Single => single(wish, body, &mut areas),
        _ if wish.zoomed => zoomed(wish, body, &mut areas),
        Shape::Wide => wide(wish, body, &mut areas),
        Shape::Stacked => stacked(wish, body, &mut areas),
    }
    areas
}

fn put(areas: &mut Areas, pane: Pane, area: Rect) {
    match pane {
        Pane::Timeline => areas.timeline = Some(area),
        Pane::Prompt => areas.prompt = Some(area),
        Pane::Diff => areas.diff = Some(area),
    }
}

fn single(wish: &Wish, body: Rect, areas: &mut Areas) {
    let (crumb, rest) = cut_top(body, 1);
    areas.crumb = Some(crumb);
    put(areas, wish.focus, rest);
}

fn zoomed(wish: &Wish, body: Rect, areas: &mut Areas) {
    let (_title, rest) = cut_top(body, 1);
    put(areas, wish.focus, rest);
}

fn wide(wish: &Wish, body: Rect, areas: &mut Areas) {
    let (header, body) = cut_top(body, 1);
    areas.header = Some(header);
    areas.boxed = true;
    let usual = if wish.authors { 580 } else { 360 };
    let per_mille = u32::from(wish.split.unwrap_or(usual)).clamp(200, 700);
    let left = (u32::from(body.width) * per_mille / 1000) as u16;
    let left_area = Rect::new(body.x, body.y, left, body.height);
    let right_area = Rect::new(body.x + left, body.y, body.width - left, body.height);
    areas.timeline = Some(inside(left_area));
    let prompt_rows = wish.prompt_rows.clamp(2, 8).min(body.height / 3) + 2;
    let (prompt, diff) = cut_top(right_area, prompt_rows);
    areas.prompt = Some(inside(prompt));
    areas.diff = Some(inside(diff));
}

/// One-line rules instead of frames: at 80x24 there are nine rows of timeline, twelve of diff and one of status.
fn stacked(wish: &Wish, body: Rect, areas: &mut Areas) {
    let three = body.height + 1 >= TALL;
    let rules = if three { 3 } else { 2 };
    // Beside a line's author one wants to read its prompt: there is no room for more.
    let below = wish.authors && wish.focus != Pane::Diff;
    let prompt_rows = match (three, below) {
        (true, _) => wish.prompt_rows.clamp(2, 8),
        (_, true) => wish.prompt_rows.clamp(2, (body.height / 4).max(2)),
        _ => 0,
    };
    let free = body.height.saturating_sub(rules + prompt_rows);
    let usual = if wish.authors { 600 } else { 430 };
    let per_mille = u32::from(wish.split.unwrap_or(usual)).clamp(150, 850);
    let upper =
        ((u32::from(free) * per_mille / 1000) as u16).clamp(3, free.saturating_sub(3).max(3));
    let upper = match below && !three && wish.split.is_none() {
        true => free,
        false => upper,
    };
    let (_rule, rest) = cut_top(body, 1);
    let (timeline, rest) = cut_top(rest, upper);
    areas.timeline = Some(timeline);
    let (_rule, rest) = cut_top(rest, 1);
    if three {
        let (prompt, rest) = cut_top(rest, prompt_rows);
        areas.prompt = Some(prompt);
        let (_rule, diff) = cut_top(rest, 1);
        areas.diff = Some(diff);
    } else if wish.focus == Pane::Prompt || below {
        areas.prompt = Some(rest);
    } else {
        areas.diff = Some(rest);
    }
}

fn inside(area: Rect) -> Rect {
    Rect::new(
        area.x + 1,
        area.y + 1,
        area.width.saturating_sub(2),
        area.height.saturating_sub(2),
    )
}

/// The first rows of an area, and the rest.
pub fn cut_top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (
        Rect::new(area.x, area.y, area.width, rows),
        Rect::new(area.x, area.y + rows, area.width, area.height - rows),
    )
}

/// The last rows of an area, and what is above them.
pub fn cut_bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (
        Rect::new(area.x, area.bottom() - rows, area.width, rows),
        Rect::new(area.x, area.y, area.width, area.height - rows),
    )
}

/// An area of at most this size in the middle of another one.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect::new(
        area.x + (area.width - width) / 2,
        area.y + (area.height - height) / 2,
        width,
        height,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(width: u16, height: u16) -> Areas {
        areas(&Wish {
            size: (width, height),
            shape: Shape::of(width, height, None),
            focus: Pane::Timeline,
            zoomed: false,
            prompt_rows: 5,
            authors: false,
            split: None,
        })
    }

    #[test]
    fn nine_rows_of_timeline_and_twelve_of_diff_at_80x24() {
        let a = at(80, 24);
        assert_eq!(a.timeline.map(|r| (r.y, r.height)), Some((1, 9)));
        assert_eq!(a.diff.map(|r| (r.y, r.height)), Some((11, 12)));
        assert_eq!((a.status.y, a.boxed, a.prompt), (23, false, None));
    }

    #[test]
    fn shapes_have_hysteresis() {
        assert_eq!(Shape::of(110, 40, None), Shape::Wide);
        assert_eq!(Shape::of(109, 40, None), Shape::Stacked);
        assert_eq!(Shape::of(107, 40, Some(Shape::Wide)), Shape::Wide);
        assert_eq!(Shape::of(105, 40, Some(Shape::Wide)), Shape::Stacked);
        assert_eq!(Shape::of(49, 40, None), Shape::Single);
        assert_eq!(Shape::of(47, 40, Some(Shape::Stacked)), Shape::Stacked);
        assert_eq!(Shape::of(200, 15, Some(Shape::Wide)), Shape::Single);
    }

    #[test]
    fn areas_stay_on_the_screen_and_apart() {
        for width in [1, 10, 40, 69, 80, 120, 200] {
            for height in [1, 2, 5, 12, 16, 24, 45, 50] {
                let a = at(width, height);
                let all: Vec<Rect> = [a.timeline, a.prompt, a.diff, Some(a.status)]
                    .into_iter()
                    .flatten()
                    .collect();
                for (i, one) in all.iter().enumerate() {
                    assert!(one.right() <= width && one.bottom() <= height);
                    for other in &all[..i] {
                        assert!(one.intersection(*other).is_empty(), "{width}x{height}");
                    }
                }
            }
        }
    }
}
