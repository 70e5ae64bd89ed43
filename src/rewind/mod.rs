//! Putting files back to how they were at a step: planned, previewed, stored first, checked, undoable.
//!
//! [`plan()`], [`undo::undo`] and [`undo::redo`] make plans and write nothing; [`apply()`] is the only function of the
//! program that changes the user's tree, and [`recover`] takes back what it could not finish.

mod apply;
mod gather;
mod hunks;
mod late;
mod line_ends;
mod lines;
pub mod merge;
mod moves;
mod order;
mod pick;
pub mod plan;
mod present;
mod recover;
mod report;
mod take_back;
mod take_out;
pub mod undo;
pub mod verdict;

pub use crate::store::journal::Kind;
pub use apply::apply;
pub use gather::{AT_WORK_MS, Wish, plan};
pub use late::sweep;
pub use pick::{Lines, Part};
pub use plan::{FilePlan, Plan, Verdict};
pub use recover::{interrupted, recover};
pub use report::{How, Progress, Report};
pub use take_back::Back;

/// So long one waits for a snapshot that an agent's hook takes at this moment; another rewind takes longer.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);
