//! The panes. Each is a state, what an action does to it, and how it is drawn; none knows another or the model.

pub mod diff;
pub mod prompt;
pub mod timeline;
