//! Rewinds of throw-away folders, against histories that are written straight into a store.
#![allow(clippy::unwrap_used)]

mod crash;
mod history;
mod lessons;
mod oracle;
mod races;
mod scene;
mod table;
mod untouched;
