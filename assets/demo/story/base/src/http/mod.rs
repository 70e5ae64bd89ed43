//! Talking to the payment server.

pub mod client;
pub mod retry;
mod util;

pub use client::{Client, Error, Method, Request, Response, Transport};
