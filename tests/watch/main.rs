//! What the disk tells: whose a change is, and the program that watches.
#![allow(clippy::unwrap_used)]

#[path = "../support/agent.rs"]
#[allow(dead_code)]
mod agent;
mod attribution;
mod hands;
mod program;
mod thread;
mod told;
