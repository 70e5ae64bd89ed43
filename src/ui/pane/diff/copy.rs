//! What can be taken along: lines as they are in the file, the whole diff as a patch that `git apply` reads.

use super::content::{Change, Content, Section, Side};
use super::rows::NONE;
use super::state::{State, sides};
use crate::diff::{lines, patch};
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
    let hunks = hunks(change);
    let old_path = section.head.old_path.as_deref().unwrap_or(path);
    let (old, new) = (name("a/", old_path), name("b/", path));
    let mut out = format!("diff --git {old} {new}\n");
    match section.head.op {
        Some(Op::Create) => {
            out.push_str(&format!("new file mode 100644\n--- /dev/null\n+++ {new}\n"))
        }
        Some(Op::Delete) => out.push_str(&format!(
            "deleted file mode 100644\n--- {old}\n+++ /dev/null\n"
        )),
        Some(Op::Rename) if old_path != path => {
            let bare = |name: &str| self::name("", name);
            out.push_str(&format!(
                "rename from {}\nrename to {}\n--- {old}\n+++ {new}\n",
                bare(old_path),
                bare(path)
            ));
        }
        _ => out.push_str(&format!("--- {old}\n+++ {new}\n")),
    }
    out.push_str(&patch::render(&hunks));
    Some(out)
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

/// A name as git writes it: in quotes, with escapes, if it needs them.
fn name(prefix: &str, path: &str) -> String {
    let odd = |c: char| c.is_control() || matches!(c, '"' | '\\');
    if !path.contains(odd) {
        return format!("{prefix}{path}");
    }
    let mut out = format!("\"{prefix}");
    for c in path.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes)
                    .bytes()
                    .for_each(|b| out.push_str(&format!("\\{b:03o}")));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
