//! What the fold remembers of a session from one record to the next.
//!
//! It is stored with the session after each read, so that a transcript that grew is read on from there. It
//! holds no texts but those of calls that are still open.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

use crate::model::Agent;
use crate::store::rows::{SessionRecord, StepRecord};

/// Closed calls that may still get a further result (Codex reports a patch and then the tool's answer).
const RECENT: usize = 8;
/// Bytes up to which a hash is made in one piece.
const SHORT: usize = 512;

/// A call whose result may still come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OpenStep {
    /// As far as it is known.
    pub record: StepRecord,
    /// A result other than "running" has come; `seq` stands.
    pub answered: bool,
    /// Effects so far.
    pub effects: u32,
    /// The command's text, for telling a test run's outcome.
    pub command: Option<String>,
    /// The command's text, if it may have removed or moved files.
    pub deed: Option<String>,
    /// The folder that it was told to run in.
    pub workdir: Option<String>,
    /// For the full text: said, input, output.
    pub words: [String; 3],
    /// It was handed to the store before.
    pub stored: bool,
    /// It was counted among the failed ones, the edits.
    pub counted: (bool, bool),
}

/// A prompt's place in the conversation's tree.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct PromptNode {
    /// Hash of its node; 0 if the record has none.
    pub node: u64,
    /// Taken out by a roll-back.
    pub rolled: bool,
    /// As last handed to the store.
    pub off: bool,
}

/// Text in the queue of a working agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Queued {
    pub text: String,
    pub key: String,
}

/// The state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FoldState {
    /// The session's row.
    pub session: SessionRecord,
    /// The folder that relative paths refer to now.
    pub cwd: Option<String>,
    /// Records that got a position.
    pub seq: u32,
    /// The number of the last prompt.
    pub prompt_no: u32,
    /// One for each prompt.
    pub prompts: Vec<PromptNode>,
    /// The conversation's tree: node and parent, in file order.
    pub tree: Vec<(u64, u64)>,
    /// The tree has a fork somewhere: only then branches need be looked for.
    pub forked: bool,
    /// Calls without a final result.
    pub open: HashMap<u64, OpenStep>,
    /// Calls that have one, newest last.
    pub recent: VecDeque<(u64, OpenStep)>,
    /// Records that were taken in.
    pub seen: HashSet<u64>,
    /// How often a record without an id of its own occurred in the present file.
    pub anonymous: HashMap<u64, u32>,
    /// Queued text.
    pub queue: VecDeque<Queued>,
    /// Texts that were made prompts out of the queue, to be recognised if the record of it follows.
    pub taken: VecDeque<u64>,
    /// The last requests and what they were counted with.
    pub requests: VecDeque<(u64, [u64; 3])>,
    /// Changed paths.
    pub paths: HashSet<u64>,
    /// Paths that are known to be files: changed or shown.
    pub known: HashSet<u64>,
    /// A folder or a changed path lies in this repository; a shown one does.
    pub inside: bool,
    pub visited: bool,
}

impl FoldState {
    /// A session of which nothing is known but whose it is.
    pub fn new(agent: Agent, native_id: &str) -> FoldState {
        FoldState {
            session: SessionRecord {
                agent,
                native_id: native_id.to_owned(),
                parent: None,
                relation: None,
                title: None,
                cwd: None,
                branch: None,
                commit: None,
                version: None,
                model: None,
                role: None,
                started_at: None,
                ended_at: None,
                prompts: 0,
                steps: 0,
                edits: 0,
                commands: 0,
                failed: 0,
                files_changed: 0,
                added: 0,
                removed: 0,
                tokens: (0, 0, 0),
                last_words: None,
                test: None,
                edit_seq: None,
                damaged: 0,
                unknown: 0,
                belongs: 0,
            },
            cwd: None,
            seq: 0,
            prompt_no: 0,
            prompts: Vec::new(),
            tree: Vec::new(),
            forked: false,
            open: HashMap::new(),
            recent: VecDeque::new(),
            seen: HashSet::new(),
            anonymous: HashMap::new(),
            queue: VecDeque::new(),
            taken: VecDeque::new(),
            requests: VecDeque::new(),
            paths: HashSet::new(),
            known: HashSet::new(),
            inside: false,
            visited: false,
        }
    }

    /// Keeps a call that got its result among the recent ones.
    pub fn close(&mut self, call: u64, step: OpenStep) {
        self.recent.retain(|(c, _)| *c != call);
        self.recent.push_back((call, step));
        while self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// Takes out a call, open or recent.
    pub fn take_call(&mut self, call: u64) -> Option<OpenStep> {
        if let Some(step) = self.open.remove(&call) {
            return Some(step);
        }
        let at = self.recent.iter().position(|(c, _)| *c == call)?;
        self.recent.remove(at).map(|(_, step)| step)
    }

    /// The prompts that are not on the way from the newest record back to the first one.
    ///
    /// Only prompts are judged, and their steps with them: results of parallel calls stand beside the way
    /// in every transcript. Where the way breaks off (a parent that is in no file), what lies before is kept.
    pub fn off_path(&self) -> Vec<bool> {
        let mut off: Vec<bool> = self.prompts.iter().map(|p| p.rolled).collect();
        if !self.forked {
            return off;
        }
        let parent: HashMap<u64, u64> = self.tree.iter().copied().collect();
        let Some((leaf, _)) = self.tree.last() else {
            return off;
        };
        let mut way = HashSet::new();
        let mut node = *leaf;
        let mut oldest = node;
        while node != 0 && way.insert(node) {
            oldest = node;
            node = parent.get(&node).copied().unwrap_or(0);
        }
        let start = self
            .tree
            .iter()
            .position(|(n, _)| *n == oldest)
            .unwrap_or(0);
        let behind: HashSet<u64> = self.tree[start..].iter().map(|(n, _)| *n).collect();
        for (prompt, off) in self.prompts.iter().zip(&mut off) {
            if prompt.node != 0 && behind.contains(&prompt.node) && !way.contains(&prompt.node) {
                *off = true;
            }
        }
        off
    }
}

/// A hash for maps and sets: the first eight bytes of BLAKE3 over the parts.
pub(super) fn hash64(parts: &[&[u8]]) -> u64 {
    // Nearly all are short: put together on the stack, they need no hasher of two kilobytes.
    let mut short = [0; SHORT];
    let mut len = 0;
    let fits = parts.iter().all(|part| {
        let end = len + 8 + part.len();
        let Some(room) = short.get_mut(len..end) else {
            return false;
        };
        let (size, bytes) = room.split_at_mut(8);
        size.copy_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.copy_from_slice(part);
        len = end;
        true
    });
    let hash = if fits {
        blake3::hash(&short[..len])
    } else {
        let mut h = blake3::Hasher::new();
        for part in parts {
            h.update(&(part.len() as u64).to_le_bytes());
            h.update(part);
        }
        h.finalize()
    };
    u64::from_be_bytes(hash.as_bytes()[..8].try_into().unwrap_or([0; 8]))
}
