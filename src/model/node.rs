//! What stands under a name of the work folder at one moment.

use serde::{Deserialize, Serialize};

use super::BlobHash;

/// A thing in the work folder, as far as it is known. What was not read is never "absent".
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Node {
    /// Nothing.
    Absent,
    /// A regular file.
    File {
        /// Its content.
        hash: BlobHash,
        /// Its bytes.
        size: u64,
        /// Permission, set-id and sticky bits.
        mode: u32,
    },
    /// A symbolic link, never followed.
    Link {
        /// Where it points, as it stands.
        target: Vec<u8>,
    },
    /// A folder.
    Dir {
        /// Its permission bits.
        mode: u32,
    },
    /// A regular file or a folder that is there and was not read.
    Unread {
        /// Bytes.
        size: u64,
        /// Permission bits.
        mode: u32,
        /// Why not.
        why: Unread,
    },
    /// A pipe, a socket, a device: never opened.
    Special,
    /// A folder with a repository of its own, or a mount: left alone.
    Foreign,
    /// There, and named by an ignore rule: not captured.
    Ignored,
}

/// Why something that is there was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unread {
    /// Larger than the cap.
    TooLarge,
    /// The system refused, or it changed all the time.
    Failed,
    /// Folders within folders beyond any sense.
    TooDeep,
}

impl Node {
    /// A word for people.
    pub fn word(&self) -> &'static str {
        match self {
            Node::Absent => "nothing",
            Node::File { .. } => "a file",
            Node::Link { .. } => "a link",
            Node::Dir { .. } => "a folder",
            Node::Unread {
                why: Unread::TooLarge,
                ..
            } => "a file over the size cap",
            Node::Unread { .. } => "something that cannot be read",
            Node::Special => "a pipe, socket or device",
            Node::Foreign => "another repository or a mount",
            Node::Ignored => "an ignored file",
        }
    }

    /// Bytes of a file's content; 0 for anything else.
    pub fn size(&self) -> u64 {
        match self {
            Node::File { size, .. } => *size,
            _ => 0,
        }
    }

    /// The content's name, for a file.
    pub fn hash(&self) -> Option<BlobHash> {
        match self {
            Node::File { hash, .. } => Some(*hash),
            _ => None,
        }
    }

    /// Whether it can be stored whole and put back: nothing, a file that was read, a link.
    pub fn is_exact(&self) -> bool {
        matches!(self, Node::Absent | Node::File { .. } | Node::Link { .. })
    }
}
