//! What your coding agents did, step by step, in a second terminal pane.
//!
//! Data runs one way: **source → ingest → store → query → ui and cli**. `tests/architecture.rs` holds that.
//!
//! | module | is | must not |
//! |---|---|---|
//! | [`model`] | the nouns: ids, times, kinds of steps | read or write anything |
//! | [`source`] | one folder an agent: a line of a transcript becomes events | know the store, other lines, the disk |
//! | [`git`] | reads git's own files: worktrees, commits, objects | run git, write under `.git` |
//! | [`diff`] | changed lines and words, patches | touch the disk |
//! | [`store`] | one SQLite file: raw bytes and contents (truth), rows made of them (derived) | know what transcripts mean |
//! | [`ingest`] | finds transcripts, folds events into rows, links what spans sessions | be asked questions |
//! | [`query`] | every question that can be asked; [`query::Ask`] is the list | write, but for marks and ticks |
//! | [`fsx`] | the file system below one opened folder: no link followed, no `.git` written | know what a file means |
//! | [`snapshot`] | the tree of the work folder into the store | write to the work folder |
//! | [`watch`] | hears of writes in the work folder and has it snapshotted | be in the agent's way, decide whose a change is |
//! | [`rewind`] | a plan, and its application, undo and recovery: the only writer of the user's tree | act without a plan that was confirmed |
//! | [`hook`] | what agents tell while they work, through a spool; their configuration | make an agent wait, or open a database while it does |
//! | [`text`] | makes foreign text safe and measurable | know where it comes from |
//! | [`ui`] | the screen: model, message, update, view; workers ask | run SQL, read files |
//! | [`cli`] | the commands, and the thread that feeds the screen | hold an answer that the screen lacks |
//! | [`config`], [`clock`] | the surroundings, read once at the top | be read from below |
//!
//! What never bends: raw bytes are kept before anything is made of them; everything derived can be dropped and made again with an
//! equal result; a state that is not known is said to be unknown; no foreign byte reaches the terminal unsanitised.

pub mod cli;
pub mod clock;
pub mod config;
pub mod diff;
pub mod fsx;
pub mod git;
pub mod hook;
pub mod ingest;
pub mod model;
pub mod query;
pub mod rewind;
pub mod snapshot;
pub mod source;
pub mod store;
pub mod text;
pub mod ui;
pub mod watch;
