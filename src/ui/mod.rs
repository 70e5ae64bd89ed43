//! The full-screen app: panes that show the answers of [`crate::query`], linked by one model.

pub mod action;
pub mod key;
pub mod keymap;
pub mod theme;
