//! Every question that can be asked of the history. Reads only; answers are plain values, ready to show.
//!
//! Texts in answers are foreign and unsanitised: whoever shows them passes them through [`crate::text`] first.

pub mod ask;
pub mod types;

pub use ask::Ask;
