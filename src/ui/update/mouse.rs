//! The mouse: click, wheel, drag the splitter.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::super::layout::{Pane, Shape};
use super::super::message::Effect;
use super::super::model::Model;
use super::super::overlay::{Out, Overlay};
use super::{act, diff, focus, keys};
use crate::ui::action::Action;
use crate::ui::tabs;

/// Rows per notch of the wheel.
const NOTCH: isize = 3;

/// The mouse did something.
pub fn mouse(model: &mut Model, event: MouseEvent, effects: &mut Vec<Effect>) {
    let wheel = match event.kind {
        MouseEventKind::ScrollDown => Some(NOTCH),
        MouseEventKind::ScrollUp => Some(-NOTCH),
        _ => None,
    };
    if !model.overlays.is_empty() {
        over_lists(model, event, wheel, effects);
        return;
    }
    let (column, row) = (event.column, event.row);
    if let Some(by) = wheel {
        match model.areas.at(column, row) {
            Some(Pane::Timeline) if model.authors.pane.is_open() => {
                model.authors.pane.scroll(by);
            }
            Some(Pane::Timeline) => {
                model.timeline.scroll(by);
                if !model.timeline.at_end() {
                    model.follow = false;
                }
            }
            Some(Pane::Prompt) => model.prompt.scroll(by),
            Some(Pane::Diff) => diff::scroll(model, by, effects),
            None => {}
        }
        return;
    }
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) if on_title(model, column, row) => {}
        MouseEventKind::Down(MouseButton::Left) if on_splitter(model, column, row) => {
            model.dragging = true;
        }
        MouseEventKind::Down(MouseButton::Left) => click(model, column, row),
        MouseEventKind::Drag(MouseButton::Left) if model.dragging => drag(model, column, row),
        MouseEventKind::Up(MouseButton::Left) => model.dragging = false,
        _ => {}
    }
}

fn over_lists(
    model: &mut Model,
    event: MouseEvent,
    wheel: Option<isize>,
    effects: &mut Vec<Effect>,
) {
    if let Some(Overlay::Rewind(_)) = model.overlays.last() {
        let pressed = matches!(event.kind, MouseEventKind::Down(_));
        if wheel.is_some() || pressed {
            super::rewind::wheel(model, wheel.map_or(0, isize::signum), effects);
        }
        return;
    }
    let down = event.kind == MouseEventKind::Down(MouseButton::Left);
    let body = model.body();
    let action = |by: isize| if by > 0 { Action::Down } else { Action::Up };
    let out = match (model.overlays.last_mut(), wheel) {
        (Some(Overlay::Sessions(list)), Some(by)) => list.update(action(by)),
        (Some(Overlay::Summary(list)), Some(by)) => list.update(action(by)),
        (Some(Overlay::Find(find)), Some(by)) => {
            find.wheel(by);
            Out::Done
        }
        (Some(Overlay::Picker(picker)), Some(by)) => {
            picker.wheel(by);
            Out::Done
        }
        (Some(Overlay::Sessions(list)), None) if down => list.click(event.row),
        (Some(Overlay::Find(find)), None) if down => find.click(event.row),
        (Some(Overlay::Summary(summary)), None) if down => summary.click(event.row),
        (Some(Overlay::Picker(picker)), None) if down => {
            picker.click(body, (event.column, event.row))
        }
        _ => Out::Done,
    };
    keys::heard(model, out, effects);
}

fn click(model: &mut Model, column: u16, row: u16) {
    let Some(pane) = model.areas.at(column, row) else {
        return;
    };
    let focused = model.focus == pane;
    focus(model, pane);
    match pane {
        Pane::Timeline if model.authors.pane.is_open() => {
            if let Some(area) = model.areas.timeline {
                model.authors.pane.click(row - area.y);
            }
        }
        Pane::Timeline => {
            let Some(area) = model.areas.timeline else {
                return;
            };
            let before = model.timeline.cursor();
            let hit = model.timeline.click(usize::from(row - area.y));
            let again = focused && model.timeline.cursor() == before;
            // On the fold mark, or a second time on the same row: open and close.
            if hit && (again || column < area.x + 4) {
                model.timeline.update(Action::Toggle);
            }
            model.follow = false;
        }
        Pane::Prompt => {}
        Pane::Diff => diff::click(model, row),
    }
}

/// A click on a word of a title that can be chosen. Elsewhere on it the pane gets the focus, unless it can be dragged.
fn on_title(model: &mut Model, column: u16, row: u16) -> bool {
    if model.areas.crumb.is_some() {
        return false;
    }
    let of = |pane: Pane| {
        let area = model.areas.of(pane)?;
        let here = row + 1 == area.y && (area.x..area.right()).contains(&column);
        here.then(|| (column - area.x, area.width))
    };
    if let Some((at, width)) = of(Pane::Diff) {
        let tabs = tabs::of_diff(model, width);
        match tabs.at(at) {
            // Where only one is named, its name goes to the next.
            Some(_) if tabs.is_short() => act::next_scope(model),
            Some(scope) => act::choose_scope(model, scope),
            None => return turn_to(model, Pane::Diff, column, row),
        }
        return true;
    }
    if let Some((at, width)) = of(Pane::Prompt) {
        let tabs = tabs::of_prompt(model, width);
        match tabs.at(at) {
            Some(tab) if tabs.is_short() => model.prompt.show_tab(tab.next()),
            Some(tab) => model.prompt.show_tab(tab),
            None => return turn_to(model, Pane::Prompt, column, row),
        }
        return true;
    }
    of(Pane::Timeline).is_some() && turn_to(model, Pane::Timeline, column, row)
}

fn turn_to(model: &mut Model, pane: Pane, column: u16, row: u16) -> bool {
    let free = !on_splitter(model, column, row);
    if free {
        focus(model, pane);
    }
    free
}

/// Whether a place is the edge between the timeline and what is beside or below it.
fn on_splitter(model: &Model, column: u16, row: u16) -> bool {
    let Some(timeline) = model.areas.timeline.filter(|_| !model.zoomed) else {
        return false;
    };
    match model.shape {
        Shape::Wide => column == timeline.right() || column == timeline.right() + 1,
        Shape::Stacked => row == timeline.bottom(),
        Shape::Single => false,
    }
}

fn drag(model: &mut Model, column: u16, row: u16) {
    let (width, height) = model.size;
    let per_mille = |at: u16, of: u16| (u32::from(at) * 1000 / u32::from(of.max(1))) as u16;
    let splits = match model.authors.pane.is_open() {
        true => &mut model.authors.splits,
        false => &mut model.splits,
    };
    match model.shape {
        Shape::Wide => splits[0] = Some(per_mille(column + 1, width)),
        Shape::Stacked => {
            // The inverse of the layout: thousandths of the rows that are free for timeline and diff.
            let prompt = model.areas.prompt.filter(|_| model.areas.diff.is_some());
            let taken = 3 + prompt.map_or(0, |p| p.height + 1);
            splits[1] = Some(per_mille(
                row.saturating_sub(1),
                height.saturating_sub(taken),
            ));
        }
        Shape::Single => {}
    }
}
