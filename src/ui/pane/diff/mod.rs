//! The diff pane: what a step changed, printed, read or was given, and what a scope changed, file by file.
//!
//! How it is plugged in:
//!
//! 1. A worker makes a [`Content`] with [`build`] from a [`Subject`] (a step as one of its [`View`]s, or the changes of a
//!    scope) and [`State::options`]. Pure; it compares texts and reads the colours of outputs. [`said`] makes a content
//!    of words where there is nothing else to show.
//! 2. The model hands it to [`State::show`]; `keep` says that it is the same content built anew, so that the place stays.
//!    [`State::resize`] tells the pane its inner size whenever that changes, before [`view`].
//! 3. An action goes to [`State::update`]: `None` means that the pane has no use for it; [`Out`] is what is asked of the
//!    model: build anew, ask for words to search (they go to [`State::search`]), copy, edit, tick. Which view and which
//!    scope is shown is the model's to decide ([`View::of`] says which there are). `J` and `K` are `ScrollDiffDown` and
//!    `ScrollDiffUp`; they work whatever has the focus, as do hunks and files. Clicks go to [`State::click`].
//! 4. When nothing else is to do, [`State::job`] says what to highlight next; [`Job::run`] does it on a worker, and
//!    [`State::put`] takes the answer. Until then lines are plain. `job` is `None` when everything near is done.
//! 5. [`view`] draws: pure, and only what is in view is laid out. The frame and its title are the model's;
//!    [`State::totals`], [`State::percent`] and [`State::searched`] have the words for them.
//!
//! Texts stay as they are until they are drawn; then everything passes through [`crate::text`]. The pane must not ask
//! queries, know keys, or name colours.

mod arrange;
mod build;
mod compare;
mod content;
mod copy;
mod gutter;
mod head;
mod job;
mod output;
mod paint;
mod pick;
mod rows;
mod scroll;
mod search;
mod state;
mod view;
mod words;

#[cfg(test)]
mod tests;

pub use build::{Options, Subject, View, build, file, said};
pub use content::Content;
pub use job::{Done, Job};
pub use pick::{Picked, PickedLines};
pub use state::{Out, Place, State, White};
pub use view::view;
