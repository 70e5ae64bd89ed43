//! What shell commands do, as far as their words tell.
