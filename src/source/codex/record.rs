//! The shapes of Codex's records. Only what is used is named; the rest is passed over unread.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::lenient::{Args, Parts, Text, parse};

/// One line: an envelope, or in files from before September 2025 the record itself.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    #[serde(borrow, default)]
    pub timestamp: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub payload: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub record_type: Text<'a>,
    #[serde(borrow, default)]
    pub id: Text<'a>,
}

/// `session_meta`, and the first line of the oldest files.
#[derive(Deserialize, Default)]
pub(super) struct Meta<'a> {
    #[serde(borrow, default)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub session_id: Text<'a>,
    #[serde(borrow, default)]
    pub cwd: Text<'a>,
    #[serde(borrow, default)]
    pub cli_version: Text<'a>,
    #[serde(borrow, default)]
    pub source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub git: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub forked_from_id: Text<'a>,
    #[serde(borrow, default)]
    pub parent_thread_id: Text<'a>,
    #[serde(borrow, default)]
    pub agent_nickname: Text<'a>,
    #[serde(borrow, default)]
    pub agent_role: Text<'a>,
    #[serde(borrow, default)]
    pub agent_path: Text<'a>,
}

/// `session_meta.git`.
#[derive(Deserialize, Default)]
pub(super) struct Git<'a> {
    #[serde(borrow, default)]
    pub commit_hash: Text<'a>,
    #[serde(borrow, default)]
    pub branch: Text<'a>,
}

/// `turn_context`, and what else tells which turn it belongs to.
#[derive(Deserialize, Default)]
pub(super) struct Turn<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub turn_id: Text<'a>,
    #[serde(borrow, default)]
    pub cwd: Text<'a>,
    #[serde(borrow, default)]
    pub model: Text<'a>,
}

/// `compacted`; its `replacement_history` repeats what was said before and is never read.
#[derive(Deserialize)]
pub(super) struct Compacted<'a> {
    #[serde(borrow, default)]
    pub message: Text<'a>,
}

/// `response_item`.
#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub call_id: Text<'a>,
    #[serde(borrow, default)]
    pub role: Text<'a>,
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub namespace: Text<'a>,
    #[serde(borrow, default)]
    pub status: Text<'a>,
    #[serde(borrow, default)]
    pub content: Parts<'a>,
    #[serde(borrow, default)]
    pub arguments: Args<'a>,
    #[serde(borrow, default)]
    pub input: Args<'a>,
    #[serde(borrow, default)]
    pub action: Args<'a>,
    #[serde(borrow, default)]
    pub output: Parts<'a>,
    #[serde(borrow, default)]
    pub tools: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub revised_prompt: Text<'a>,
}

/// `event_msg`.
#[derive(Deserialize)]
pub(super) struct Happening<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub message: Text<'a>,
    #[serde(borrow, default, rename = "kind")]
    pub sort: Text<'a>,
    #[serde(borrow, default)]
    pub images: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub local_images: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub reason: Text<'a>,
    #[serde(borrow, default)]
    pub call_id: Text<'a>,
    #[serde(borrow, default)]
    pub success: Text<'a>,
    #[serde(borrow, default)]
    pub status: Text<'a>,
    #[serde(borrow, default)]
    pub stdout: Text<'a>,
    #[serde(borrow, default)]
    pub stderr: Text<'a>,
    #[serde(borrow, default)]
    pub changes: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub info: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub invocation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub duration: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub command: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub cwd: Text<'a>,
    #[serde(borrow, default)]
    pub exit_code: Text<'a>,
    #[serde(borrow, default)]
    pub aggregated_output: Text<'a>,
    #[serde(borrow, default)]
    pub num_turns: Text<'a>,
    #[serde(borrow, default)]
    pub thread_name: Text<'a>,
    #[serde(borrow, default)]
    pub new_thread_id: Text<'a>,
    #[serde(borrow, default)]
    pub agent_thread_id: Text<'a>,
    #[serde(borrow, default)]
    pub event_id: Text<'a>,
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub review_output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub user_facing_hint: Text<'a>,
    #[serde(borrow, default)]
    pub item: Option<&'a RawValue>,
}

/// The `item` of an `item_completed`: the newest versions' way to say what several events said before.
#[derive(Deserialize)]
pub(super) struct Completed<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub text: Text<'a>,
    #[serde(borrow, default)]
    pub content: Parts<'a>,
}

/// A change of `patch_apply_end`.
#[derive(Deserialize, Default)]
pub(super) struct Change<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub content: Text<'a>,
    #[serde(borrow, default)]
    pub unified_diff: Text<'a>,
    #[serde(borrow, default)]
    pub move_path: Text<'a>,
}

/// The changes of `patch_apply_end`, in the order in which they stand there.
pub(super) struct Changes<'a>(pub Vec<(String, Option<Change<'a>>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Changes<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Changes<'a>, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Changes<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("changes by path")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Changes<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some((path, change)) = map.next_entry::<String, &RawValue>()? {
                    all.push((path, parse(change)));
                }
                Ok(Changes(all))
            }
        }
        d.deserialize_map(InOrder)
    }
}
