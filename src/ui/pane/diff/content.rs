//! What the pane shows, made once in a worker and then only read.

use std::ops::Range;
use std::sync::Arc;

use ratatui::style::Style;

use super::search::Search;
use crate::diff::lines::Block;
use crate::model::{Evidence, Op};
use crate::source::Hunk;
use crate::ui::highlight::{Language, TextKey};

/// Everything that the pane can scroll through.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// File by file; one for an output.
    pub sections: Vec<Section>,
    /// Where to look first.
    pub opening: Opening,
    /// The width that its words were laid out for; at another one they are to be laid out anew.
    pub laid_for: Option<u16>,
}

/// Where a content is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opening {
    /// At its beginning.
    #[default]
    Top,
    /// At this line of the first section.
    Line(usize),
    /// At its end.
    Tail,
}

/// A file, or an output.
#[derive(Clone, Debug)]
pub struct Section {
    /// The line above it, which stays while its lines scroll.
    pub head: Head,
    /// What is to be said before the lines, or instead of them: sanitised, one line each.
    pub remarks: Vec<String>,
    /// The lines.
    pub body: Body,
}

/// The line above a section.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The path, or the command: sanitised, one line.
    pub title: String,
    /// The path as it is, if it is one.
    pub path: Option<String>,
    /// The path or command is not what it looks like.
    pub doubtful: bool,
    /// The path before, if it was another.
    pub old_path: Option<String>,
    /// What happened to the file.
    pub op: Option<Op>,
    /// How the change is known.
    pub evidence: Option<Evidence>,
    /// Lines added and removed.
    pub counts: Option<(u32, u32)>,
    /// Whether the command worked, and a word for how it ended, if its mark does not say all.
    pub outcome: Option<(bool, String)>,
}

/// The lines of a section.
#[derive(Clone, Debug)]
pub enum Body {
    /// None: the remarks say why.
    Nothing,
    /// What changed.
    Change(Change),
    /// Lines as they are.
    Lines(Lines),
}

/// What changed in a file.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Before.
    pub old: Text,
    /// After.
    pub new: Text,
    /// Which lines are the same.
    pub blocks: Vec<Block>,
    /// Blocks, ascending, before which lines are missing that nobody knows (between recorded hunks).
    pub breaks: Vec<usize>,
    /// Which removed line became which added line, ascending in both.
    pub pairs: Vec<(u32, u32)>,
    /// The recorded hunks, where they are all that is known.
    pub recorded: Vec<Hunk>,
    /// Some lines end in `\r\n` and some do not: then the ends are shown.
    pub mixed_ends: bool,
}

impl Change {
    /// Whether unknown lines stand before a block.
    pub fn is_broken(&self, block: usize) -> bool {
        self.breaks.binary_search(&block).is_ok()
    }

    /// The added line that a removed one became.
    pub fn new_of(&self, old: usize) -> Option<usize> {
        let place = self
            .pairs
            .binary_search_by_key(&old, |p| p.0 as usize)
            .ok()?;
        Some(self.pairs[place].1 as usize)
    }

    /// The removed line that an added one was.
    pub fn old_of(&self, new: usize) -> Option<usize> {
        let place = self
            .pairs
            .binary_search_by_key(&new, |p| p.1 as usize)
            .ok()?;
        Some(self.pairs[place].0 as usize)
    }
}

/// Lines as they are: what was read, an output, raw records.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// The lines.
    pub text: Text,
    /// Lines worth a jump: errors in an output. Ascending.
    pub marks: Vec<u32>,
    /// What a search looked for, to be shown where it was found.
    pub found: Option<Search>,
}

/// A text by lines.
#[derive(Clone, Debug)]
pub struct Text {
    text: Arc<str>,
    /// Where each line begins, and the end of the last.
    starts: Vec<usize>,
    /// The true numbers of the lines.
    pub numbers: Numbers,
    /// What to highlight it as.
    pub code: Option<(Language, TextKey)>,
    /// The colours that a command gave to its output, line by line: end of a piece in bytes, its style.
    pub styles: Vec<Vec<(u32, Style)>>,
}

/// The true numbers of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// There are none.
    None,
    /// The first has this one.
    From(u32),
    /// Each has its own.
    Each(Vec<u32>),
}

impl Default for Text {
    fn default() -> Self {
        Text::new("".into(), Numbers::None)
    }
}

impl Text {
    /// The lines of a text.
    pub fn new(text: Arc<str>, numbers: Numbers) -> Text {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        if starts.last() != Some(&text.len()) {
            starts.push(text.len());
        }
        Text {
            text,
            starts,
            numbers,
            code: None,
            styles: Vec::new(),
        }
    }

    /// How many lines.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A line with its end; empty behind the last.
    pub fn raw(&self, line: usize) -> &str {
        match (self.starts.get(line), self.starts.get(line + 1)) {
            (Some(&from), Some(&to)) => &self.text[from..to],
            _ => "",
        }
    }

    /// A line without its end.
    pub fn line(&self, line: usize) -> &str {
        let raw = self.raw(line);
        let raw = raw.strip_suffix('\n').unwrap_or(raw);
        raw.strip_suffix('\r').unwrap_or(raw)
    }

    /// All lines with their ends.
    pub fn lines(&self) -> Vec<&str> {
        (0..self.len()).map(|line| self.raw(line)).collect()
    }

    /// The true number of a line.
    pub fn number(&self, line: usize) -> Option<u32> {
        match &self.numbers {
            Numbers::None => None,
            Numbers::From(first) => first.checked_add(u32::try_from(line).ok()?),
            Numbers::Each(numbers) => numbers.get(line).copied().filter(|&n| n > 0),
        }
    }

    /// The greatest number.
    pub fn last_number(&self) -> u32 {
        match &self.numbers {
            Numbers::Each(numbers) => numbers.iter().copied().max().unwrap_or(0),
            _ => self
                .len()
                .checked_sub(1)
                .and_then(|last| self.number(last))
                .unwrap_or(0),
        }
    }

    /// Whether the last line lacks its end.
    pub fn is_unended(&self) -> bool {
        !self.text.is_empty() && !self.text.ends_with('\n')
    }

    /// The bytes of the longest line.
    pub fn longest(&self) -> usize {
        self.starts
            .windows(2)
            .map(|w| w[1] - w[0])
            .max()
            .unwrap_or(0)
    }

    /// The lines of a range, with their ends.
    pub fn slice(&self, lines: Range<usize>) -> Vec<&str> {
        lines.map(|line| self.raw(line)).collect()
    }
}

/// Which of the texts of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The text before.
    Old,
    /// The text after, or the only one.
    New,
}

impl Section {
    /// One of its texts.
    pub fn text(&self, side: Side) -> Option<&Text> {
        match (&self.body, side) {
            (Body::Nothing, _) | (Body::Lines(_), Side::Old) => None,
            (Body::Change(change), Side::Old) => Some(&change.old),
            (Body::Change(change), Side::New) => Some(&change.new),
            (Body::Lines(lines), Side::New) => Some(&lines.text),
        }
    }

    /// What changed, if something did.
    pub fn change(&self) -> Option<&Change> {
        match &self.body {
            Body::Change(change) => Some(change),
            _ => None,
        }
    }
}
