//! Bad lines between two good ones: both must survive, and nothing may panic.
