//! Highlighting of what is in view, as a job for a worker.

use std::ops::Range;
use std::sync::Arc;

use super::content::{Content, Side};
use super::rows::NONE;
use super::state::{State, sides};
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
    /// Highlights as many of the lines as can be done in a fiftieth of a second (a fifth, far down in a long file); the
    /// next job goes on from there.
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
        // A text without a language stays plain, and counts as done.
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

impl Job {
    /// Whether it is about what this pane shows.
    pub fn is_of(&self, state: &State) -> bool {
        Arc::ptr_eq(&self.content, &state.content)
    }
}

impl State {
    /// What is to be highlighted next: first what is in view, then a page around it.
    pub fn job(&self) -> Option<Job> {
        let (first, last) = self.in_view();
        let page = self.body_height();
        let wider = first.saturating_sub(page)..(last + page).min(self.rows.len());
        let find = |rows: Range<usize>| {
            rows.filter_map(|i| self.rows.get(i)).find_map(|row| {
                let (old, new) = sides(row.kind);
                self.uncoloured(row.section, Side::New, new)
                    .or_else(|| self.uncoloured(row.section, Side::Old, old))
            })
        };
        let (section, side, line) = find(first..last + 1).or_else(|| find(wider))?;
        Some(Job {
            generation: self.generation,
            content: self.content.clone(),
            section,
            side,
            lines: line..line + page.max(10),
        })
    }

    /// Takes in what a job has found. An answer for an older content is dropped.
    pub fn put(&mut self, done: Done) {
        if done.generation == self.generation {
            self.coloured
                .entry((done.section, done.side))
                .or_default()
                .put(done.first, done.pieces);
        }
    }

    fn uncoloured(&self, section: u32, side: Side, line: u32) -> Option<(u32, Side, usize)> {
        let line = (line != NONE).then_some(line as usize)?;
        self.content
            .sections
            .get(section as usize)?
            .text(side)?
            .code?;
        let known = self
            .coloured
            .get(&(section, side))
            .is_some_and(|c| c.get(line).is_some());
        (!known).then_some((section, side, line))
    }

    /// The pieces of a line, if they are known.
    pub(super) fn pieces(&self, section: u32, side: Side, line: usize) -> &[Piece] {
        self.coloured
            .get(&(section, side))
            .and_then(|c| c.get(line))
            .unwrap_or_default()
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
