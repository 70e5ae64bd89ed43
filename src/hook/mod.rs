//! What agents tell while they work: `regent-tui hook AGENT` is called by their hooks.
//!
//! An agent waits for its hooks, so the hook itself ([`call()`]) only reads the event, leaves it in the [`spool`], starts
//! [`mod@settle`] in the background where a snapshot is due and nobody watches, and ends: always with exit code 0, without
//! a word. It opens no database. Whoever has the store open drains the spool into it ([`mod@record`]); that may be the
//! screen, `watch`, any command, or that background child.
//!
//! [`install`] puts the hooks into the agents' own configuration, and takes them out again.
//!
//! Nothing here knows the screen or the commands; nothing here writes to the work folder.

mod call;
mod event;
mod host;
pub mod install;
mod locks;
mod payload;
pub mod record;
mod scan;
pub mod settle;
pub mod spool;

pub use call::{call, swallow};
pub use event::{Event, Kind, Shot};
pub use host::Host;
