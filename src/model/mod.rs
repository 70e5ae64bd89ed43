//! The nouns of the product: plain data, no input or output, no SQL, no terminal.
//!
//! Every other module speaks in these words, which are the words of the README.

mod agent;
mod id;
mod kinds;
mod time;

pub use agent::Agent;
pub use id::{BlobHash, Id, IdKind, IdPrefix, key_hash};
pub use kinds::{Evidence, Op, Status, StepKind, TestOutcome, Via};
pub use time::Time;
