//! What differs between two texts, and unified diffs as text.
//!
//! Pure functions over strings: nothing here knows of colours, panes or the store. [`lines`] finds changed lines,
//! [`words`] what changed within a pair of them, [`patch`] reads, writes and applies the hunks of
//! unified diffs, [`headers`] writes what stands above them, [`origin`] traces each line of a text back to the one it came from.

mod ambiguous;
pub mod headers;
pub mod lines;
mod moved;
pub mod origin;
pub mod patch;
pub mod words;

/// Maps of lines, of which there are many.
type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
