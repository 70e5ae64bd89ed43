//! Orders and payments of the little tea shop.

pub mod http;
pub mod orders;
