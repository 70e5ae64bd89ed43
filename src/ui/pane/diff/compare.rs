//! Two texts, or the recorded hunks of a file, as blocks of changed lines.

use std::sync::Arc;

use super::build::Options;
use super::content::{Change, Numbers, Text};
use crate::diff::lines::{self, Block};
use crate::diff::words;
use crate::query::types::FileChange;
use crate::source::Hunk;
use crate::ui::highlight::{self, TextKey};

/// A text to be highlighted as its path says.
pub fn code(path: &str, text: Arc<str>, numbers: Numbers) -> Text {
    let language = highlight::language(path, &text);
    let mut text = Text::new(text, numbers);
    text.code = language.map(|language| (language, TextKey::of(text.as_str())));
    text
}

/// Compares two known texts.
pub fn compare(change: &FileChange, old: Arc<str>, new: Arc<str>, options: Options) -> Change {
    let old = code(
        change.old_path.as_ref().unwrap_or(&change.path),
        old,
        Numbers::From(1),
    );
    let new = code(&change.path, new, Numbers::From(1));
    let how = lines::Options {
        ignore_whitespace: options.ignore_whitespace,
        ..lines::Options::default()
    };
    let blocks = lines::blocks(&old.lines(), &new.lines(), &how);
    finish(old, new, blocks, Vec::new())
}

/// The recorded hunks as two texts of which only these parts are known.
pub fn recorded(change: &FileChange) -> Change {
    let mut sides = [Part::default(), Part::default()];
    let (mut blocks, mut breaks): (Vec<Block>, Vec<usize>) = (Vec::new(), Vec::new());
    for hunk in &change.hunks {
        if !blocks.is_empty() {
            breaks.push(blocks.len());
        }
        let first = blocks.len();
        add_hunk(hunk, &mut sides, &mut blocks, first);
    }
    let [old, new] = sides;
    let text = |part: Part| code(&change.path, part.text.into(), Numbers::Each(part.numbers));
    Change {
        recorded: change.hunks.clone(),
        ..finish(text(old), text(new), blocks, breaks)
    }
}

/// One side of the recorded hunks.
#[derive(Default)]
struct Part {
    text: String,
    numbers: Vec<u32>,
}

fn add_hunk(hunk: &Hunk, sides: &mut [Part; 2], blocks: &mut Vec<Block>, first: usize) {
    // Numbers that the record does not give are left out: 0.
    let mut next = [hunk.old_start, hunk.new_start];
    let mut last = (false, false);
    for line in &hunk.lines {
        let (in_old, in_new) = match line.as_bytes().first() {
            Some(b'-') => (true, false),
            Some(b'+') => (false, true),
            Some(b'\\') => {
                let [old, new] = sides;
                let drop_end = |part: &mut Part| {
                    part.text
                        .truncate(part.text.len() - usize::from(part.text.ends_with('\n')))
                };
                if last.0 {
                    drop_end(old);
                }
                if last.1 {
                    drop_end(new);
                }
                continue;
            }
            _ => (true, true),
        };
        last = (in_old, in_new);
        let changed = !(in_old && in_new);
        let at = [sides[0].numbers.len(), sides[1].numbers.len()];
        if blocks.len() == first || blocks.last().is_none_or(|block| block.changed != changed) {
            blocks.push(Block {
                old: at[0]..at[0],
                new: at[1]..at[1],
                changed,
            });
        }
        for (i, present) in [in_old, in_new].into_iter().enumerate().filter(|s| s.1) {
            let part = &mut sides[i];
            // A line without its end that is not the last of the hunks cannot stay so: texts would run together.
            if !part.text.is_empty() && !part.text.ends_with('\n') {
                part.text.push('\n');
            }
            part.text.push_str(line.get(1..).unwrap_or(""));
            part.text.push('\n');
            part.numbers.push(next[i]);
            next[i] = if next[i] == 0 {
                0
            } else {
                next[i].saturating_add(u32::from(present))
            };
        }
        if let Some(block) = blocks.last_mut() {
            block.old.end = sides[0].numbers.len();
            block.new.end = sides[1].numbers.len();
        }
    }
}

fn finish(old: Text, new: Text, blocks: Vec<Block>, breaks: Vec<usize>) -> Change {
    let mut pairs = Vec::new();
    for block in blocks.iter().filter(|block| block.changed) {
        let (before, after) = (old.slice(block.old.clone()), new.slice(block.new.clone()));
        let found = words::pairs(&before, &after).into_iter();
        pairs.extend(
            found.map(|(i, j)| ((block.old.start + i) as u32, (block.new.start + j) as u32)),
        );
    }
    let has_crlf = |text: &Text| text.as_str().contains("\r\n");
    let has_lf = |text: &Text| {
        (0..text.len())
            .map(|i| text.raw(i))
            .any(|l| l.ends_with('\n') && !l.ends_with("\r\n"))
    };
    let mixed_ends = (has_crlf(&old) || has_crlf(&new)) && (has_lf(&old) || has_lf(&new));
    Change {
        old,
        new,
        blocks,
        breaks,
        pairs,
        recorded: Vec::new(),
        mixed_ends,
    }
}
