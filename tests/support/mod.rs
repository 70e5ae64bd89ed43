//! What tests share.

pub mod fake_ask;
pub mod fake_authors;
pub mod story;
