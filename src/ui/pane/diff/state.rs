//! Where the pane stands in its content, and what an action changes about that.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::arrange::CONTEXTS;
use super::build::Options;
use super::content::{Content, Section, Side};
use super::copy;
use super::gutter::Gutter;
use super::job::Coloured;
use super::rows::{Kind, NONE, Row};
use super::search::Search;
use crate::ui::action::Action;
use crate::ui::marks::{Marks, UNICODE};
use crate::ui::theme::Theme;

/// Narrower panes show old and new below each other, whatever was chosen.
const SIDE_BY_SIDE_FROM: usize = 100;
/// Columns of one step sideways.
const SIDEWAYS: usize = 8;

/// What an action asks of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// Nothing: it is done.
    Done,
    /// The content is to be built anew, with [`State::options`].
    Rebuild,
    /// A box for words to search for, which go to [`State::search`].
    AskSearch,
    /// Copy a text; the first word says what it is.
    Copy(&'static str, String),
    /// Open a file in the editor at a line.
    Edit(String, u32),
    /// Show a file as it was before, at a line.
    EditOld(String, Arc<str>, u32),
    /// The file was ticked as viewed, or the tick taken away.
    Viewed(String, bool),
}

/// What white space does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum White {
    /// It is white.
    #[default]
    Plain,
    /// It is shown.
    Shown,
    /// It is ignored when lines are compared.
    Ignored,
}

/// A line that the cursor stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, if it is one.
    pub path: Option<String>,
    /// What it was called before, if that was something else.
    pub old_path: Option<String>,
    /// The number of the line before.
    pub old_line: Option<u32>,
    /// The number of the line after.
    pub new_line: Option<u32>,
    /// The line.
    pub text: String,
}

/// The pane.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) content: Arc<Content>,
    pub(super) rows: Vec<Row>,
    /// Where the heads stand in `rows`.
    pub(super) heads: Vec<usize>,
    pub(super) gutters: Vec<Gutter>,
    /// The first row below the head that stays, and how many of its wrapped lines are scrolled away.
    pub(super) top: usize,
    pub(super) top_skip: usize,
    pub(super) cursor: usize,
    pub(super) left: usize,
    pub(super) wrap: bool,
    pub(super) white: White,
    pub(super) range: Option<usize>,
    pub(super) search: Option<Search>,
    pub(super) viewed: HashSet<String>,
    pub(super) coloured: HashMap<(u32, Side), Coloured>,
    pub(super) stale: bool,
    pub(super) marks: &'static Marks,
    pub(super) size: (usize, usize),
    pub(super) side_by_side: bool,
    pub(super) context: usize,
    /// Numbers stay, however narrow the pane is.
    pub(super) numbered: bool,
    /// Counts the contents, so that an answer for an old one is known as such.
    pub(super) generation: u64,
}

impl Default for State {
    fn default() -> Self {
        State {
            content: Arc::default(),
            rows: Vec::new(),
            heads: Vec::new(),
            gutters: Vec::new(),
            top: 0,
            top_skip: 0,
            cursor: 0,
            left: 0,
            wrap: false,
            white: White::Plain,
            range: None,
            search: None,
            viewed: HashSet::new(),
            coloured: HashMap::new(),
            stale: false,
            marks: &UNICODE,
            size: (80, 24),
            side_by_side: false,
            context: 2,
            numbered: false,
            generation: 0,
        }
    }
}

impl State {
    /// Shows another content from where it opens; or, with `keep`, the same one built anew, at the same line.
    pub fn show(&mut self, content: Arc<Content>, keep: bool) {
        let anchor = keep.then(|| self.anchor());
        self.content = content;
        self.generation += 1;
        self.coloured.clear();
        self.stale = false;
        self.range = None;
        if !keep {
            (self.left, self.top, self.top_skip, self.cursor) = (0, 0, 0, 0);
        }
        self.lay_out();
        match anchor {
            Some(anchor) => self.restore(anchor),
            None => self.open(),
        }
    }

    /// The content is an old one: dimmed until the next comes.
    pub fn set_stale(&mut self, stale: bool) {
        self.stale = stale;
    }

    /// The size of the pane's inside. To be told before drawing whenever it changes.
    pub fn resize(&mut self, width: u16, height: u16) {
        let size = (usize::from(width), usize::from(height));
        if size == self.size {
            return;
        }
        let (anchor, side_by_side) = (self.anchor(), self.is_side_by_side());
        self.size = size;
        if side_by_side != self.is_side_by_side() {
            self.lay_out();
            self.restore(anchor);
        }
        self.keep_in_view();
    }

    /// How the content is to be built.
    pub fn options(&self, theme: &Theme) -> Options {
        Options {
            ignore_whitespace: self.white == White::Ignored,
            width: self.size.0 as u16,
            theme: *theme,
            marks: self.marks,
        }
    }

    /// Whether its words were laid out for another width than the pane has now.
    pub fn is_misfit(&self) -> bool {
        let laid_for = self.content.laid_for.map(usize::from);
        laid_for.is_some_and(|width| width != self.size.0)
    }

    /// Keeps the numbers of lines, however narrow the pane is.
    pub fn keep_numbers(&mut self) {
        self.numbered = true;
        self.lay_out();
    }

    /// The signs to draw with.
    pub fn set_marks(&mut self, marks: &'static Marks) {
        self.marks = marks;
    }

    /// The files that have a tick.
    pub fn set_viewed(&mut self, paths: impl IntoIterator<Item = String>) {
        self.viewed = paths.into_iter().collect();
    }

    /// Whether old and new stand beside each other now.
    pub fn is_side_by_side(&self) -> bool {
        self.side_by_side && self.size.0 >= SIDE_BY_SIDE_FROM
    }

    /// The files of the content and the sums of their lines, for a title: files, added, removed.
    pub fn totals(&self) -> (usize, u32, u32) {
        let counts = self
            .content
            .sections
            .iter()
            .filter_map(|section| section.head.counts);
        counts.fold((0, 0, 0), |(n, added, removed), (a, r)| {
            (n + 1, added + a, removed + r)
        })
    }

    /// How far down the pane stands, in percent; `None` if everything is in view.
    pub fn percent(&self) -> Option<u8> {
        let (first, last) = self.in_view();
        let everything = first <= 1 && last + 1 >= self.rows.len();
        (!everything).then(|| ((last + 1) * 100 / self.rows.len().max(1)).min(100) as u8)
    }

    /// The words searched for, the number of the hit at the cursor (0 if it is on none), and the rows with hits.
    pub fn searched(&self) -> Option<(&str, usize, usize)> {
        let search = self.search.as_ref()?;
        let here = search.rows.binary_search(&self.cursor).map_or(0, |i| i + 1);
        Some((&search.query, here, search.rows.len()))
    }

    /// Whether a range of lines is begun.
    pub fn has_range(&self) -> bool {
        self.range.is_some()
    }

    /// The line that the cursor stands on.
    pub fn line_under_cursor(&self) -> Option<Place> {
        let row = *self.rows.get(self.cursor)?;
        let section = self.section(row)?;
        let (old, new) = match row.kind {
            Kind::Same(old, new) | Kind::Pair(old, new) => (old, new),
            Kind::Removed(old) => (old, NONE),
            Kind::Added(new) | Kind::Plain(new) => (NONE, new),
            _ => return None,
        };
        let number = |side, line| section.text(side)?.number(line as usize);
        let text = |side, line| Some(section.text(side)?.line(line as usize).to_owned());
        Some(Place {
            path: section.head.path.clone(),
            old_path: section.head.old_path.clone(),
            old_line: if old == NONE {
                None
            } else {
                number(Side::Old, old)
            },
            new_line: if new == NONE {
                None
            } else {
                number(Side::New, new)
            },
            text: if new == NONE {
                text(Side::Old, old)?
            } else {
                text(Side::New, new)?
            },
        })
    }

    /// Searches for words, from the cursor on; the empty text ends a search.
    pub fn search(&mut self, query: &str) {
        self.search = Search::new(query);
        self.find_rows();
        if let Some(row) = self.search.as_ref().and_then(|s| {
            s.rows
                .iter()
                .find(|&&r| r >= self.cursor)
                .or(s.rows.first())
        }) {
            self.cursor = *row;
            self.keep_in_view();
        }
    }

    /// What an action does. `None` if it is nothing to this pane.
    pub fn update(&mut self, action: Action) -> Option<Out> {
        let page = self.body_height();
        match action {
            Action::Down => self.move_cursor(1),
            Action::Up => self.move_cursor(-1),
            Action::HalfPageDown => self.move_cursor((page / 2).max(1) as isize),
            Action::HalfPageUp => self.move_cursor(-((page / 2).max(1) as isize)),
            Action::PageDown => self.move_cursor(page.saturating_sub(1).max(1) as isize),
            Action::PageUp => self.move_cursor(-(page.saturating_sub(1).max(1) as isize)),
            Action::Top => self.go(0),
            Action::Bottom => self.go(usize::MAX),
            Action::ScrollDiffDown => self.scroll(3),
            Action::ScrollDiffUp => self.scroll(-3),
            Action::Left => self.left = self.left.saturating_sub(SIDEWAYS),
            Action::Right => self.sideways(),
            Action::NextHunk => self.jump(false, Self::is_hunk),
            Action::PreviousHunk => self.jump(true, Self::is_hunk),
            Action::NextFile => self.jump(false, |state, row| state.rows[row].kind == Kind::Head),
            Action::PreviousFile => {
                self.jump(true, |state, row| state.rows[row].kind == Kind::Head)
            }
            Action::Wrap => self.toggle_wrap(),
            Action::SideBySide => self.rearrange(|state| state.side_by_side = !state.side_by_side),
            Action::MoreContext => {
                self.rearrange(|state| state.context = (state.context + 1).min(CONTEXTS.len() - 1))
            }
            Action::LessContext => {
                self.rearrange(|state| state.context = state.context.saturating_sub(1))
            }
            Action::SelectRange => {
                self.range = if self.range.is_some() {
                    None
                } else {
                    Some(self.cursor)
                }
            }
            Action::SearchNext => return Some(self.go_to_hit(false)),
            Action::SearchPrevious => return Some(self.go_to_hit(true)),
            Action::SearchPane => return Some(Out::AskSearch),
            Action::Whitespace => return Some(self.next_white()),
            Action::Open => return self.open_file(),
            Action::Toggle => return self.tick(),
            Action::Leave => return self.leave(),
            Action::CopyLine => {
                let what = if self.range.is_some() {
                    "lines"
                } else {
                    "line"
                };
                return Some(Out::Copy(what, copy::lines(self)?));
            }
            Action::CopyDiff => return Some(Out::Copy("diff", copy::patch(&self.content)?)),
            Action::Edit => return self.edit(),
            Action::EditOld => return self.edit_old(),
            _ => return None,
        }
        Some(Out::Done)
    }

    pub(super) fn section(&self, row: Row) -> Option<&Section> {
        self.content.sections.get(row.section as usize)
    }

    fn toggle_wrap(&mut self) {
        self.wrap = !self.wrap;
        (self.left, self.top_skip) = (0, 0);
        self.keep_in_view();
    }

    fn sideways(&mut self) {
        let (first, last) = self.in_view();
        let longest = (first..=last).filter_map(|i| {
            let row = *self.rows.get(i)?;
            let (old, new) = sides(row.kind);
            let len =
                |side, line: u32| Some(self.section(row)?.text(side)?.raw(line as usize).len());
            len(Side::New, new).max(len(Side::Old, old))
        });
        let longest = longest.max().unwrap_or(0);
        if !self.wrap && self.left + SIDEWAYS < longest {
            self.left += SIDEWAYS;
        }
    }

    fn go_to_hit(&mut self, back: bool) -> Out {
        let Some(search) = &self.search else {
            return Out::AskSearch;
        };
        if let Some(row) = search.next(self.cursor, back) {
            self.cursor = row;
            self.keep_in_view();
        }
        Out::Done
    }

    fn next_white(&mut self) -> Out {
        let before = self.white;
        self.white = match before {
            White::Plain => White::Shown,
            White::Shown => White::Ignored,
            White::Ignored => White::Plain,
        };
        if before == White::Shown || before == White::Ignored {
            Out::Rebuild
        } else {
            Out::Done
        }
    }

    /// Enter in the list of files goes to the file.
    fn open_file(&mut self) -> Option<Out> {
        let row = self
            .rows
            .get(self.cursor)
            .filter(|row| row.kind == Kind::File)?;
        let head = *self.heads.get(row.section as usize)?;
        self.cursor = head;
        (self.top, self.top_skip) = (head, 0);
        self.keep_in_view();
        Some(Out::Done)
    }

    fn tick(&mut self) -> Option<Out> {
        let path = self
            .section(*self.rows.get(self.cursor)?)?
            .head
            .path
            .clone()?;
        let viewed = self.viewed.insert(path.clone());
        if !viewed {
            self.viewed.remove(&path);
        }
        Some(Out::Viewed(path, viewed))
    }

    fn edit(&self) -> Option<Out> {
        let path = self
            .section(*self.rows.get(self.cursor)?)?
            .head
            .path
            .clone()?;
        let place = self.line_under_cursor();
        let line = place.and_then(|place| place.new_line.or(place.old_line));
        Some(Out::Edit(path, line.unwrap_or(1)))
    }

    /// The whole text before, where it is known.
    fn edit_old(&self) -> Option<Out> {
        let section = self.section(*self.rows.get(self.cursor)?)?;
        let change = section.change().filter(|c| c.recorded.is_empty())?;
        let path = section
            .head
            .old_path
            .as_ref()
            .or(section.head.path.as_ref());
        let line = self.line_under_cursor();
        let line = line.and_then(|place| place.old_line.or(place.new_line));
        let text = Arc::from(change.old.as_str());
        Some(Out::EditOld(path?.clone(), text, line.unwrap_or(1)))
    }

    /// A range, then a search: each is left before the pane is.
    fn leave(&mut self) -> Option<Out> {
        if self.range.take().is_some() || self.search.take().is_some() {
            Some(Out::Done)
        } else {
            None
        }
    }
}

/// The lines of a row in both texts, or [`NONE`].
pub(super) fn sides(kind: Kind) -> (u32, u32) {
    match kind {
        Kind::Same(old, new) | Kind::Pair(old, new) => (old, new),
        Kind::Removed(old) => (old, NONE),
        Kind::Added(new) | Kind::Plain(new) => (NONE, new),
        _ => (NONE, NONE),
    }
}
