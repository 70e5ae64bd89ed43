//! The rest of the screen's dealings with the diff pane.

use super::super::action::Action;
use super::super::model::Model;

/// An action for the diff.
pub fn update(model: &mut Model, action: Action) {
    let _ = (model, action);
}

/// `Esc`: true if the diff had something of its own to leave (a range, a search).
pub fn leave(model: &mut Model) -> bool {
    let _ = model;
    false
}

/// Shows another file of the scope.
pub fn show_file(model: &mut Model, index: usize) {
    model.files.put(index);
}

/// Searches for a text; an empty one ends the search.
pub fn search(model: &mut Model, text: &str, ended: bool) {
    let _ = (model, text, ended);
}

/// The file and the line under the cursor.
pub fn place(model: &Model) -> Option<(String, u32)> {
    let entry = model.files.entries().get(model.files.cursor())?;
    Some((entry.path.clone(), 1))
}

/// The line or the range of lines under the cursor.
pub fn line(_model: &Model) -> Option<String> {
    None
}

/// The changes as a patch.
pub fn patch(_model: &Model) -> Option<String> {
    None
}

/// Scrolls by rows.
pub fn scroll(model: &mut Model, by: isize) {
    let _ = (model, by);
}

/// Puts the line cursor where the mouse was clicked.
pub fn click(model: &mut Model, column: u16, row: u16) {
    let _ = (model, column, row);
}
