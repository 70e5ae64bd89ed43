//! Reading git's own files: where a repository and its worktrees are, what is checked out, and what its objects hold.
//!
//! Git is optional context. This module runs no git command and writes nothing, under `.git` or elsewhere; what it
//! cannot make sense of is "not a repository" or an error with words, never a panic.

mod commits;
mod delta;
mod discover;
mod head;
pub mod index;
mod named;
pub mod objects;
mod pack;
mod reflog;

pub use commits::Commit;
pub use discover::{Repository, discover};
pub use head::Head;
pub use objects::{GitError, Kind, Objects, Oid, blob_sha1};
