//! The only door to the work folder for snapshots and rewinds: every path is resolved below one opened folder, no link
//! is followed, and nothing that is not a regular file is ever opened.
//!
//! It knows nothing of history. All that writes here moves things between the tree and a stage of its own on the same
//! file system; there is no function that unlinks something of the user's.

mod error;
mod folder;
mod names;
mod read;
mod root;
mod stage;

pub use error::{Error, Result, Why};
pub use folder::{Entry, Folder};
pub use names::{Rel, is_guarded};
pub use read::{Kind, Look, Seen};
pub use root::{Lock, Probe, Root};
pub use stage::Stage;
