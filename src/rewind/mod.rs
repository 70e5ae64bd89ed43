//! Putting files back to how they were at a step: planned, previewed, stored first, checked, undoable.
//!
//! [`plan()`], [`undo::undo`] and [`undo::redo`] make plans and write nothing; [`apply()`] is the only function of the
//! program that changes the user's tree, and [`recover`] takes back what it could not finish.

mod apply;
mod gather;
mod late;
mod line_ends;
pub mod merge;
mod order;
mod pick;
pub mod plan;
mod present;
mod recover;
mod take_back;
mod take_out;
pub mod undo;
pub mod verdict;

pub use apply::{How, Progress, Report, apply};
pub use gather::{AT_WORK_MS, Wish, plan};
pub use late::sweep;
pub use pick::{Lines, Part};
pub use plan::{FilePlan, Plan, Verdict};
pub use recover::{interrupted, recover};
pub use take_back::Back;
