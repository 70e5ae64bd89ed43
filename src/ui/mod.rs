//! The full-screen app: panes that show the answers of [`crate::query`], linked by one model.

pub mod action;
pub mod key;
pub mod keymap;
pub mod layout;
pub mod marks;
pub mod message;
pub mod pane;
pub mod phrase;
pub mod theme;
pub mod widget;
