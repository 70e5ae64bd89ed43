//! What is remembered between starts: where it was left, how much of each session was seen. Plain words under names;
//! the store keeps them. Rows of the store are not kept: ids are.

use serde::{Deserialize, Serialize};

/// The name of [`Left`].
pub const LEFT: &str = "ui.left";
/// The name of the marked step.
pub const FLAG: &str = "ui.mark";

/// The name under which the number of seen steps of a session is kept.
pub fn seen(session_id: &str) -> String {
    format!("ui.seen.{session_id}")
}

/// Where it was left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Left {
    /// The session's public id.
    pub session: String,
    /// The step's public id, if the cursor was on one.
    pub step: Option<String>,
    /// The prompt's number.
    pub prompt: u32,
    /// How much the timeline showed: `prompts`, `changes`, `everything`.
    pub density: String,
    /// Where the splitter was, wide and stacked.
    pub splits: [Option<u16>; 2],
}

impl Left {
    /// As one line of text.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads it; what cannot be read is as if it were not there, since it is only a convenience.
    pub fn read(text: &str) -> Option<Left> {
        serde_json::from_str(text).ok()
    }
}
