//! Going back in part, by name, and with the conversation: lines of files, rewinds as events, what snapshots saw, forks.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod events;
mod fork;
#[allow(dead_code)]
#[path = "../support/home.rs"]
mod home;
mod lines;
#[allow(dead_code)]
#[path = "../rewind/scene.rs"]
mod scene;
mod seen;
mod talk;
