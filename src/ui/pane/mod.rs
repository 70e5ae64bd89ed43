//! The panes. Each is a state, what an action does to it, and how it is drawn; none knows the model, and none
//! another but [`blame`], which shows its file in a [`diff`] of its own.

pub mod blame;
pub mod diff;
pub mod prompt;
pub mod timeline;
