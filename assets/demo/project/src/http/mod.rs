//! Talking to the payment server.

pub mod client;
pub mod idempotency;
pub mod retry;

pub use client::{Client, Error, Method, Request, Response, Transport};
