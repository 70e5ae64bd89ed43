//! What differs between two texts, and unified diffs as text.
//!
//! Pure functions over strings: nothing here knows of colours, panes or the store. [`lines`] finds changed lines,
//! [`words`] what changed within a pair of them, [`patch`] reads, writes and applies the hunks of
//! unified diffs, [`headers`] writes what stands above them.

pub mod headers;
pub mod lines;
pub mod patch;
pub mod words;
