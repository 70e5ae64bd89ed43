//! The Claude Code source: golden fixtures, bad lines, and the real sessions where they are present.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod bad_lines;
mod golden;
mod real;
mod render;
