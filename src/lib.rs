//! What your coding agents did, step by step, in a second terminal pane.
//!
//! Data runs one way: **source → ingest → store → query → ui and cli**.

pub mod cli;
pub mod clock;
pub mod config;
pub mod diff;
pub mod git;
pub mod ingest;
pub mod model;
pub mod query;
pub mod source;
pub mod store;
pub mod text;
pub mod ui;
