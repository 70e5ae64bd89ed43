//! Diffs as text that `git apply` understands, and the counting of lines. Git's own rules: a line ends at `\n` only.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use similar::{Algorithm, ChangeTag, DiffOp, capture_diff_slices_deadline, group_diff_ops};

use super::types::{Content, FileChange};
use crate::model::Op;
use crate::source::Hunk;

/// So long a diff may take; after that it is coarser, never wrong.
const PATIENCE: Duration = Duration::from_millis(500);

/// A patch of several files, and what could not be put into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch {
    /// The unified diff.
    pub text: String,
    /// What a reader must know, one line each.
    pub notes: Vec<String>,
}

/// The lines of a text as git sees them, each with its end.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn ops(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let deadline = Instant::now().checked_add(PATIENCE);
    capture_diff_slices_deadline(Algorithm::Myers, old, new, deadline)
}

/// What stands for the text of a content; `None` if it has none that is known.
fn text_of(content: &Content) -> Option<&str> {
    match content {
        Content::Text(text) => Some(text),
        Content::Absent => Some(""),
        Content::Binary(_) | Content::Unknown => None,
    }
}

/// Lines added and removed between two contents; `None` where one is not known as text.
pub fn counts(before: &Content, after: &Content) -> Option<(u32, u32)> {
    let (old, new) = (text_of(before)?, text_of(after)?);
    if old == new {
        return Some((0, 0));
    }
    let (old, new) = (lines(old), lines(new));
    let mut counted = (0, 0);
    for op in ops(&old, &new) {
        if !matches!(op, DiffOp::Equal { .. }) {
            counted.0 += op.new_range().len() as u32;
            counted.1 += op.old_range().len() as u32;
        }
    }
    Some(counted)
}

/// The unified diff of one file, headers included; empty if there is nothing to show.
pub fn of_file(change: &FileChange) -> Patch {
    let mut patch = Patch::default();
    let body = body(change, &mut patch.notes);
    let renamed = change.old_path.is_some();
    let empty_file = matches!(change.op, Op::Create | Op::Delete);
    if body.is_empty() && !renamed && !empty_file {
        return patch;
    }
    let old = change.old_path.as_deref().unwrap_or(&change.path);
    let new = change.path.as_str();
    let (a, b) = (quoted("a/", old), quoted("b/", new));
    let _ = writeln!(patch.text, "diff --git {a} {b}");
    match change.op {
        Op::Create => patch.text.push_str("new file mode 100644\n"),
        Op::Delete => patch.text.push_str("deleted file mode 100644\n"),
        Op::Rename if renamed => {
            let _ = writeln!(patch.text, "rename from {}", quoted("", old));
            let _ = writeln!(patch.text, "rename to {}", quoted("", new));
        }
        Op::Modify | Op::Rename | Op::Mode => {}
    }
    if body.starts_with("@@") {
        let from = if change.op == Op::Create {
            "/dev/null".to_owned()
        } else {
            tabbed(a, old)
        };
        let to = if change.op == Op::Delete {
            "/dev/null".to_owned()
        } else {
            tabbed(b, new)
        };
        let _ = writeln!(patch.text, "--- {from}\n+++ {to}");
    }
    patch.text.push_str(&body);
    patch
}

/// The unified diff of several files. What lies outside the repository is named, not included: a patch is relative.
pub fn of_files(changes: &[FileChange]) -> Patch {
    let mut all = Patch::default();
    for change in changes {
        if change.path.starts_with('/') {
            all.notes.push(format!(
                "left out: {} lies outside the repository",
                change.path
            ));
            continue;
        }
        let one = of_file(change);
        all.text.push_str(&one.text);
        all.notes.extend(one.notes);
        if let Some(note) = &change.note {
            all.notes.push(format!("{}: {note}", change.path));
        }
    }
    all
}

fn body(change: &FileChange, notes: &mut Vec<String>) -> String {
    if let (Some(old), Some(new)) = (text_of(&change.before), text_of(&change.after)) {
        return unified(old, new, 3);
    }
    let binary = |c: &Content| matches!(c, Content::Binary(_));
    if binary(&change.before) || binary(&change.after) {
        notes.push(format!(
            "{}: not text, so the patch has no content",
            change.path
        ));
        let old = change.old_path.as_deref().unwrap_or(&change.path);
        return format!(
            "Binary files {} and {} differ\n",
            quoted("a/", old),
            quoted("b/", &change.path)
        );
    }
    if change.hunks.is_empty() {
        notes.push(format!("{}: its content is not known", change.path));
        return String::new();
    }
    notes.push(format!(
        "{}: only the recorded hunks are known, not the whole file",
        change.path
    ));
    change.hunks.iter().map(recorded).collect()
}

fn recorded(hunk: &Hunk) -> String {
    let mut out = format!(
        "@@ -{},{} +{},{} @@\n",
        hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines
    );
    for line in &hunk.lines {
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The hunks of a unified diff, without headers.
pub fn unified(old: &str, new: &str, context: usize) -> String {
    let (old, new) = (lines(old), lines(new));
    let mut out = String::new();
    for group in group_diff_ops(ops(&old, &new), context) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let range = |start: usize, end: usize| {
            let len = end - start;
            // An empty range is named by the line before it.
            let start = if len == 0 { start } else { start + 1 };
            if len == 1 {
                start.to_string()
            } else {
                format!("{start},{len}")
            }
        };
        let _ = writeln!(
            out,
            "@@ -{} +{} @@",
            range(first.old_range().start, last.old_range().end),
            range(first.new_range().start, last.new_range().end)
        );
        for op in &group {
            for change in op.iter_changes(&old[..], &new[..]) {
                out.push(match change.tag() {
                    ChangeTag::Equal => ' ',
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                });
                let line: &str = change.value();
                out.push_str(line);
                if !line.ends_with('\n') {
                    out.push_str("\n\\ No newline at end of file\n");
                }
            }
        }
    }
    out
}

/// A name as git writes it: in quotes and escaped where it holds control characters, quotes or backslashes.
fn quoted(prefix: &str, path: &str) -> String {
    if !path
        .chars()
        .any(|c| c.is_control() || c == '"' || c == '\\')
    {
        return format!("{prefix}{path}");
    }
    let mut out = format!("\"{prefix}");
    for c in path.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let mut buffer = [0; 4];
                for b in c.encode_utf8(&mut buffer).bytes() {
                    let _ = write!(out, "\\{b:03o}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// In the `---` and `+++` lines a name with a blank is closed by a tab.
fn tabbed(name: String, path: &str) -> String {
    if path.contains(' ') && !name.starts_with('"') {
        name + "\t"
    } else {
        name
    }
}
