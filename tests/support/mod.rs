//! What tests share.

pub mod fake_ask;
pub mod story;
