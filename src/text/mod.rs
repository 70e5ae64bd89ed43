//! Foreign text on its way to a terminal: made visible, measured, cut and wrapped.
//!
//! Everything that an agent, a tool, a file or a person wrote passes through [`sanitise`] before it reaches a cell; the
//! other modules here expect sanitised text. Nothing here knows of colours, panes or the store.

mod ansi;
mod doubt;
mod sanitise;
mod tables;
mod truncate;
mod width;
mod wrap;

#[cfg(test)]
mod hostile;

pub use ansi::without_colours;
pub use doubt::{Doubt, doubt};
pub use sanitise::{TAB, bytes, is_plain, is_safe_symbol, line, line_at, lines, one_line};
pub use truncate::{PathCut, end, middle, path, start};
pub use width::{cells, skip, take, width};
pub use wrap::{Row, rows, wrap};
