//! One event, in the words of all agents alike. Small: no prompt, no input, no output of a tool; the transcript has them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Host;
use crate::model::Time;

/// What happened. The number is what the store keeps; it never changes meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Kind {
    /// A session began, or was taken up again.
    SessionStart = 1,
    /// The user asked something.
    Prompt = 2,
    /// A tool is about to run. It may still be denied: this proves no execution.
    BeforeTool = 3,
    /// A tool has run, well or not.
    AfterTool = 4,
    /// The agent waits for a permission.
    Waiting = 5,
    /// A turn is over.
    Stop = 6,
    /// A sub-agent is done.
    SubagentStop = 7,
    /// A session ended.
    SessionEnd = 8,
}

impl Kind {
    /// Every one.
    pub const ALL: &'static [Kind] = &[
        Kind::SessionStart,
        Kind::Prompt,
        Kind::BeforeTool,
        Kind::AfterTool,
        Kind::Waiting,
        Kind::Stop,
        Kind::SubagentStop,
        Kind::SessionEnd,
    ];

    /// The inverse of `self as u8`.
    pub fn from_code(code: u8) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|k| *k as u8 == code)
    }
}

/// Who sees what the work folder was at that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shot {
    /// Nobody has to: nothing can have changed.
    None,
    /// A screen or `watch` was running for this folder: it is theirs.
    Watcher,
    /// Nobody was: the hook started a child that takes a snapshot.
    Child,
}

/// An event as a hook told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Whose.
    pub host: Host,
    /// What.
    pub kind: Kind,
    /// The agent's own id of the session; of a sub-agent's event that of its parent. Empty if it did not say.
    pub session: String,
    /// The agent's own id of the sub-agent that it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subagent: Option<String>,
    /// The agent's own id of the tool call, the same before and after it, and in the transcript.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The agent's name of the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// When the hook was called, by this machine's clock.
    pub at: Time,
    /// The folder that the agent worked in.
    #[serde(with = "bytes")]
    pub cwd: PathBuf,
    /// The worktree that lies in, or that folder itself: what a snapshot is of.
    #[serde(with = "bytes")]
    pub root: PathBuf,
    /// Who looks at the disk.
    pub shot: Shot,
}

/// Paths that are not UTF-8 stay what they are: then they are written as numbers.
mod bytes {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        match path.to_str() {
            Some(text) => text.serialize(to),
            None => path.as_os_str().as_bytes().serialize(to),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        Ok(match Written::deserialize(from)? {
            Written::Text(text) => text.into(),
            Written::Bytes(bytes) => OsString::from_vec(bytes).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_event_comes_back_as_it_was() {
        use std::os::unix::ffi::OsStrExt;
        let odd = std::ffi::OsStr::from_bytes(b"/w/\xff\"\n");
        let event = Event {
            host: Host::Codex,
            kind: Kind::AfterTool,
            session: "a\u{0}b".to_owned(),
            subagent: None,
            call: Some("call_1".to_owned()),
            tool: None,
            at: Time(-5),
            cwd: odd.into(),
            root: "/w".into(),
            shot: Shot::Child,
        };
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }

    #[test]
    fn codes_are_told_apart() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_code(*kind as u8), Some(*kind));
        }
        assert_eq!(Kind::from_code(0), None);
    }
}
