//! The fields that what Cursor keeps has had, in all versions that were seen.

use serde_json::Value;

use crate::source::Event;
use crate::source::tools::unknown_fields;

/// Tells of the fields of a bubble that are not known.
pub(super) fn bubble(bubble: &Value, out: &mut Vec<Event>) {
    unknown_fields("bubble", bubble, BUBBLE, out);
    if let Some(call) = bubble.get("toolFormerData") {
        unknown_fields("call", call, CALL, out);
    }
}

/// Tells of the fields of a message of the program for the terminal, or of a line of a transcript.
pub(super) fn message(record: &str, message: &Value, out: &mut Vec<Event>) {
    unknown_fields(record, message, MESSAGE, out);
}

const BUBBLE: &[&str] = &[
    "_v",
    "aiWebSearchResults",
    "allThinkingBlocks",
    "approximateLintErrors",
    "assistantSuggestedDiffs",
    "attachedCodeChunks",
    "attachedFileCodeChunksMetadataOnly",
    "attachedFolders",
    "attachedFoldersListDirResults",
    "attachedFoldersNew",
    "attachedHumanChanges",
    "bubbleId",
    "capabilities",
    "capabilityContexts",
    "capabilityType",
    "checkpointId",
    "codeBlocks",
    "codebaseContextChunks",
    "commits",
    "consoleLogs",
    "context",
    "contextPieces",
    "contextWindowStatusAtCreation",
    "conversationState",
    "createdAt",
    "cursorCommands",
    "cursorCommandsExplicitlySet",
    "cursorRules",
    "deletedFiles",
    "diffHistories",
    "diffsForCompressingFiles",
    "diffsSinceLastApply",
    "docsReferences",
    "documentationSelections",
    "editTrailContexts",
    "existedPreviousTerminalCommand",
    "existedSubsequentTerminalCommand",
    "externalLinks",
    "fileDiffTrajectories",
    "gitDiffs",
    "humanChanges",
    "id",
    "images",
    "initText",
    "interpreterResults",
    "isAgentic",
    "isPlanExecution",
    "isRefunded",
    "knowledgeItems",
    "lints",
    "mcpDescriptors",
    "modelInfo",
    "modelType",
    "multiFileLinterErrors",
    "notepads",
    "pastChats",
    "pastChatsExplicitlySet",
    "projectLayouts",
    "pullRequests",
    "rawText",
    "recentLocationsHistory",
    "recentlyViewedFiles",
    "relevantFiles",
    "requestId",
    "richText",
    "suggestedCodeBlocks",
    "summarizedComposers",
    "supportedTools",
    "text",
    "thinking",
    "thinkingDurationMs",
    "thinkingStyle",
    "todos",
    "tokenCount",
    "toolFormerData",
    "toolResults",
    "turnDurationMs",
    "type",
    "uiElementPicked",
    "unifiedMode",
    "userResponsesToSuggestedCodeBlocks",
    "webReferences",
    "workspaceUris",
];
const CALL: &[&str] = &[
    "additionalData",
    "error",
    "modelCallId",
    "name",
    "params",
    "rawArgs",
    "result",
    "status",
    "tool",
    "toolCallBinary",
    "toolCallId",
    "toolIndex",
    "userDecision",
];
const MESSAGE: &[&str] = &[
    "role",
    "content",
    "id",
    "message",
    "providerOptions",
    "timestamp",
    "type",
];
