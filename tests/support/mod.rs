//! What tests share.

pub mod agent;
pub mod fake_ask;
pub mod story;
