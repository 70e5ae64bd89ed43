//! What a tool did to files, as its record tells it. Texts are whole; states are worked out by the fold and the chain.

/// One file that a step changed or showed. Paths are as the record gives them, relative ones to the folder of the moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A part of a file was replaced.
    Edit {
        /// The file.
        path: String,
        /// The whole text before, if the record holds it.
        before: Before,
        /// The replacements, in order: old text, new text, whether every occurrence.
        replacements: Vec<(String, String, bool)>,
        /// The hunks that the record gives, with true line numbers; empty if it gives none.
        hunks: Vec<Hunk>,
        /// The person changed the edit before it was written: the hunks are the truth, not the replacements.
        amended: bool,
    },
    /// A whole file was written.
    Write {
        /// The file.
        path: String,
        /// Before.
        before: Before,
        /// After: the whole text.
        content: String,
        /// The hunks that the record gives; empty if it gives none.
        hunks: Vec<Hunk>,
    },
    /// A unified diff was applied (Codex); the base is not in the record.
    Patch {
        /// The file.
        path: String,
        /// Its new name.
        moved_to: Option<String>,
        /// The hunks, with true line numbers if `numbered`.
        hunks: Vec<Hunk>,
        /// Whether the line numbers of the hunks can be relied on.
        numbered: bool,
    },
    /// A file was removed.
    Delete {
        /// The file.
        path: String,
        /// Before, if the record holds it.
        before: Before,
    },
    /// A file got another name, its content unchanged.
    Move {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// A file was shown to the agent.
    Read {
        /// The file.
        path: String,
        /// What was shown.
        content: String,
        /// The number of its first line, from 1.
        first_line: u32,
        /// Whether `content` is, byte for byte, the whole file.
        whole: bool,
    },
}

/// What a record says of a file before a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// There was none.
    Absent,
    /// The file was to be new, but the tool does not look whether there is one: it may have written over it.
    Unchecked,
    /// This text.
    Text(String),
    /// The record does not say.
    Unknown,
}

/// A hunk of a unified diff.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Hunk {
    /// The first line in the old file, from 1 (0 for an empty range).
    pub old_start: u32,
    /// Lines in the old file.
    pub old_lines: u32,
    /// The first line in the new file, from 1 (0 for an empty range).
    pub new_start: u32,
    /// Lines in the new file.
    pub new_lines: u32,
    /// Each with its mark ` `, `-`, `+` or `\` in front, without line end.
    pub lines: Vec<String>,
}

impl Hunk {
    /// Lines added and removed.
    pub fn counts(&self) -> (u32, u32) {
        let count = |mark| self.lines.iter().filter(|l| l.starts_with(mark)).count() as u32;
        (count('+'), count('-'))
    }
}

impl Effect {
    /// The path it is about (the old one for a move).
    pub fn path(&self) -> &str {
        match self {
            Effect::Edit { path, .. }
            | Effect::Write { path, .. }
            | Effect::Patch { path, .. }
            | Effect::Delete { path, .. }
            | Effect::Read { path, .. } => path,
            Effect::Move { from, .. } => from,
        }
    }
}
