//! The real program, from outside: in a pseudo-terminal, inside tmux, killed, interrupted and lied to.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "../support/agent.rs"]
#[allow(dead_code)]
mod agent;
mod agents;
mod blame;
mod home;
mod hooked;
mod hostile;
mod leave;
mod live;
mod payloads;
mod pictures;
mod robust;
mod screen;
mod stream;
mod svg;
mod term;
mod tmux;
