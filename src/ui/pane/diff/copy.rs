//! What can be taken along: lines as they are in the file, the whole diff as a patch that `git apply` reads.

use super::content::{Change, Content, Section, Side};
use super::rows::NONE;
use super::state::{State, sides};
use crate::diff::{headers, lines, patch};
use crate::model::Op;

/// The line at the cursor, or the lines of the range: as they are, without numbers and signs.
pub fn lines(state: &State) -> Option<String> {
    let (from, to) = state.range.map_or((state.cursor, state.cursor), |start| {
        (start.min(state.cursor), start.max(state.cursor))
    });
    let mut out: Vec<&str> = Vec::new();
    for &row in state.rows.get(from..=to)? {
        let (old, new) = sides(row.kind);
        let (side, line) = if new == NONE {
            (Side::Old, old)
        } else {
            (Side::New, new)
        };
        if line != NONE
            && let Some(text) = state.section(row).and_then(|section| section.text(side))
        {
            out.push(text.line(line as usize));
        }
    }
    (!out.is_empty()).then(|| out.join("\n"))
}

/// All changes of a content as one patch; `None` if it shows none.
pub fn patch(content: &Content) -> Option<String> {
    let parts: Vec<String> = content.sections.iter().filter_map(file).collect();
    (!parts.is_empty()).then(|| parts.concat())
}

fn file(section: &Section) -> Option<String> {
    let (path, change) = (section.head.path.as_deref()?, section.change()?);
    let old_path = section.head.old_path.as_deref().unwrap_or(path);
    let op = section.head.op.unwrap_or(Op::Modify);
    let hunks = patch::render(&hunks(change));
    Some(headers::file(op, old_path, path, &hunks))
}

fn hunks(change: &Change) -> Vec<crate::source::Hunk> {
    match change.recorded.is_empty() {
        true => lines::hunks(
            change.old.as_str(),
            change.new.as_str(),
            3,
            &lines::Options::default(),
        ),
        false => change.recorded.clone(),
    }
}
