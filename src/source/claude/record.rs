//! The shape of Claude Code's records, as far as it is read.
//!
//! Every field is lenient: a value of an unexpected type counts as absent, so that a record never falls
//! for one field. Texts are borrowed from the line where they hold no escapes; large values that are
//! needed only sometimes stay unparsed.

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::content::Content;
use super::lenient::{Flag, Map, Number, Text};

/// The model that the harness gives for messages of its own.
pub(super) const SYNTHETIC: &str = "<synthetic>";

/// One line.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Record<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub subtype: Text<'a>,
    #[serde(borrow)]
    pub uuid: Text<'a>,
    #[serde(borrow)]
    pub parent_uuid: Text<'a>,
    #[serde(borrow)]
    pub logical_parent_uuid: Text<'a>,
    #[serde(borrow)]
    pub timestamp: Text<'a>,
    #[serde(borrow)]
    pub session_id: Text<'a>,
    #[serde(borrow)]
    pub agent_id: Text<'a>,
    #[serde(borrow)]
    pub attribution_agent: Text<'a>,
    #[serde(borrow)]
    pub cwd: Text<'a>,
    #[serde(borrow)]
    pub git_branch: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub request_id: Text<'a>,
    #[serde(borrow, rename = "sourceToolUseID")]
    pub source_tool_use_id: Text<'a>,
    pub is_sidechain: Flag,
    pub is_meta: Flag,
    pub is_compact_summary: Flag,
    pub is_visible_in_transcript_only: Flag,
    pub is_api_error_message: Flag,
    #[serde(borrow)]
    pub message: Map<Message<'a>>,
    #[serde(borrow)]
    pub origin: Map<Origin<'a>>,
    #[serde(borrow)]
    pub forked_from: Map<ForkedFrom<'a>>,
    /// What the tool returned; its shape depends on the tool.
    #[serde(borrow)]
    pub tool_use_result: Option<&'a RawValue>,
    #[serde(borrow)]
    pub tool_denial_kind: Text<'a>,
    /// Of `attachment`.
    #[serde(borrow)]
    pub attachment: Map<Attachment<'a>>,
    /// Of `progress`.
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
    /// Of `queue-operation`.
    #[serde(borrow)]
    pub operation: Text<'a>,
    /// Of `queue-operation` and `system`.
    #[serde(borrow)]
    pub content: Content<'a>,
    /// Of `system/api_error`.
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
    /// Of `file-history-snapshot`.
    #[serde(borrow)]
    pub snapshot: Option<&'a RawValue>,
    /// Of `file-history-delta`.
    #[serde(borrow)]
    pub tracking_path: Text<'a>,
    #[serde(borrow)]
    pub backup: Option<&'a RawValue>,
    #[serde(borrow)]
    pub summary: Text<'a>,
    #[serde(borrow)]
    pub ai_title: Text<'a>,
    #[serde(borrow)]
    pub custom_title: Text<'a>,
}

/// A message of the API.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub model: Text<'a>,
    #[serde(borrow)]
    pub content: Content<'a>,
    pub usage: Map<Tokens>,
    /// Qwen keeps its messages here; Claude has no such field.
    pub parts: Option<IgnoredAny>,
}

/// Tokens of a request.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    pub input_tokens: Number,
    pub output_tokens: Number,
    pub cache_creation_input_tokens: Number,
    pub cache_read_input_tokens: Number,
}

/// Who wrote a user record.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Origin<'a> {
    #[serde(borrow)]
    pub kind: Text<'a>,
}

/// The session that this one was forked from.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ForkedFrom<'a> {
    #[serde(borrow)]
    pub session_id: Text<'a>,
}

/// What the harness put beside a prompt.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Attachment<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub prompt: Content<'a>,
    #[serde(borrow)]
    pub command_mode: Text<'a>,
    #[serde(borrow)]
    pub origin: Map<Origin<'a>>,
}

/// The `data` of a `progress` record.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Progress<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub agent_id: Text<'a>,
    #[serde(borrow)]
    pub message: Map<Mirrored<'a>>,
}

/// A sub-agent's record inside the main file.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Mirrored<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub uuid: Text<'a>,
    #[serde(borrow)]
    pub timestamp: Text<'a>,
    #[serde(borrow)]
    pub request_id: Text<'a>,
    #[serde(borrow)]
    pub message: Map<Message<'a>>,
    #[serde(borrow)]
    pub tool_use_result: Option<&'a RawValue>,
}
