//! Drawing: a pure function of the model. What is drawn was laid out by `update`; nothing is computed that could be slow.

mod authors;
mod cut;
mod diff;
mod header;
mod panes;
mod status;

use ratatui::Frame;
use ratatui::buffer::Buffer;

use super::model::Model;
use super::overlay::Overlay;
use crate::text;

/// Draws the screen.
pub fn view(model: &Model, frame: &mut Frame) {
    let buf = frame.buffer_mut();
    if model.size.0 == 0 || model.size.1 == 0 {
        return;
    }
    let covered = model.overlays.iter().any(covers);
    if !covered {
        header::draw(model, buf);
        panes::draw(model, buf);
    }
    status::draw(model, buf);
    for overlay in &model.overlays {
        draw_overlay(model, overlay, buf);
    }
    if model.shows_which_key() {
        status::which_key(model, buf);
    }
    sweep(buf);
}

/// Whether an overlay leaves nothing of the panes to be seen.
fn covers(overlay: &Overlay) -> bool {
    matches!(
        overlay,
        Overlay::Sessions(_) | Overlay::Summary(_) | Overlay::Find(_)
    )
}

fn draw_overlay(model: &Model, overlay: &Overlay, buf: &mut Buffer) {
    let body = model.body();
    let (theme, marks, moment) = (&model.theme, model.marks, &model.moment);
    match overlay {
        Overlay::Sessions(sessions) => {
            let why = model.unreadable.as_deref();
            sessions.draw(body, (theme, marks, moment), model.ingest, why, buf);
        }
        Overlay::Summary(summary) => summary.draw(body, theme, marks, buf),
        Overlay::Find(find) => find.draw(body, (theme, marks, moment), model.ingest, buf),
        Overlay::Picker(picker) => picker.draw(body, theme, marks, buf),
        Overlay::Said(said) => said.draw(body, theme, buf),
        Overlay::Rewind(plan) => plan.draw(body, (theme, marks, &model.keymap), buf),
        Overlay::AskLine(line) => line.draw(model.areas.status, theme, buf),
    }
}

/// The safety net: whatever a pane forgot to sanitise ends here, before it can reach the terminal.
fn sweep(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if !text::is_safe_symbol(cell.symbol()) {
            cell.set_symbol("\u{fffd}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    #[test]
    fn nothing_that_moves_the_cursor_leaves_the_screen() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        let hostile = ["\u{1b}[2J", "\u{202e}", "\n", "\u{200b}", "a", "é", "漢"];
        for (i, symbol) in hostile.iter().enumerate() {
            buf.content[i].set_symbol(symbol);
        }
        buf.content[7].set_symbol(&format!("a{}", "\u{301}".repeat(40)));
        sweep(&mut buf);
        let shown: Vec<&str> = buf.content.iter().map(|c| c.symbol()).collect();
        let gone = "\u{fffd}";
        assert_eq!(shown, [gone, gone, gone, gone, "a", "é", "漢", gone]);
    }
}
