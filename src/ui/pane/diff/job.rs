//! Highlighting of what is in view, as a job for a worker.

use std::ops::Range;
use std::sync::Arc;

use super::content::{Content, Side};
use crate::ui::highlight::{self, Piece};

/// Lines to highlight. Run it on the worker that highlights; never while drawing.
#[derive(Clone, Debug)]
pub struct Job {
    pub(super) generation: u64,
    pub(super) content: Arc<Content>,
    pub(super) section: u32,
    pub(super) side: Side,
    pub(super) lines: Range<usize>,
}

/// What a job found.
#[derive(Clone, Debug)]
pub struct Done {
    pub(super) generation: u64,
    pub(super) section: u32,
    pub(super) side: Side,
    pub(super) first: usize,
    pub(super) pieces: Vec<Vec<Piece>>,
}

impl Job {
    /// Highlights. Takes a few milliseconds, at most a fifth of a second.
    pub fn run(self) -> Done {
        let text = self
            .content
            .sections
            .get(self.section as usize)
            .and_then(|section| section.text(self.side));
        let found = text.and_then(|text| {
            let (language, key) = text.code?;
            let lines = self.lines.start.min(text.len())..self.lines.end.min(text.len());
            Some(highlight::pieces(key, &text.lines(), language, lines))
        });
        // Whatever could not be highlighted counts as done: it stays plain.
        let pieces = found.unwrap_or_else(|| vec![Vec::new(); self.lines.len()]);
        Done {
            generation: self.generation,
            section: self.section,
            side: self.side,
            first: self.lines.start,
            pieces,
        }
    }
}

/// What is known of the lines of a text.
#[derive(Clone, Debug, Default)]
pub struct Coloured(Vec<Option<Box<[Piece]>>>);

impl Coloured {
    /// Takes in the pieces of lines from `first` on.
    pub fn put(&mut self, first: usize, pieces: Vec<Vec<Piece>>) {
        let end = first + pieces.len();
        if self.0.len() < end {
            self.0.resize(end, None);
        }
        for (place, found) in self.0[first..].iter_mut().zip(pieces) {
            *place = Some(found.into_boxed_slice());
        }
    }

    /// The pieces of a line: `None` if it was not asked for, empty if it stays plain.
    pub fn get(&self, line: usize) -> Option<&[Piece]> {
        self.0.get(line)?.as_deref()
    }
}
