//! Every question that can be asked of the history. Reads only; answers are plain values, ready to show.
//!
//! Texts in answers are foreign and unsanitised: whoever shows them passes them through [`crate::text`] first.
//! The one thing written here is what the screen remembers between starts (ticks, where it was left).

pub mod ask;
pub mod blame;
mod cat;
mod chain;
mod changes;
mod class;
mod contents;
mod detail;
mod expiry;
mod files;
mod filter;
mod find;
pub mod health;
mod interleaved;
mod log;
pub mod past;
pub mod patch;
mod raw;
mod refused;
mod resolve;
pub mod rewinds;
mod rows;
mod sessions;
mod shared;
mod store_ask;
mod summary;
mod timeline;
mod title;
mod told;
mod transcript;
pub mod types;

pub use ask::Ask;
pub use cat::Side;
pub use class::of as class_of;
pub use log::LogQuery;
pub use refused::Refused;
pub use resolve::{Target, public_id};
pub use rewinds::Rewound;
pub use store_ask::StoreAsk;
pub use title::one_line;
pub use transcript::{Transcript, transcript};
