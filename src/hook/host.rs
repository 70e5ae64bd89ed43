//! The agents that have hooks. More than those whose transcripts are read.

use serde::{Deserialize, Serialize};

use crate::model::Agent;

/// An agent with hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Host {
    /// Anthropic Claude Code.
    Claude,
    /// OpenAI Codex.
    Codex,
    /// Google Gemini CLI.
    Gemini,
    /// Cursor, editor and CLI.
    Cursor,
    /// GitHub Copilot CLI.
    Copilot,
    /// OpenCode.
    Opencode,
}

impl Host {
    /// Every one, in the order in which lists name them.
    pub const ALL: &'static [Host] = &[
        Host::Claude,
        Host::Codex,
        Host::Gemini,
        Host::Cursor,
        Host::Copilot,
        Host::Opencode,
    ];

    /// The word users type and see; also what the store keeps, so it never changes.
    pub fn name(self) -> &'static str {
        match self {
            Host::Claude => "claude",
            Host::Codex => "codex",
            Host::Gemini => "gemini",
            Host::Cursor => "cursor",
            Host::Copilot => "copilot",
            Host::Opencode => "opencode",
        }
    }

    /// The name people know it by.
    pub fn title(self) -> &'static str {
        match self {
            Host::Claude => "Claude Code",
            Host::Codex => "Codex",
            Host::Gemini => "Gemini CLI",
            Host::Cursor => "Cursor",
            Host::Copilot => "Copilot CLI",
            Host::Opencode => "OpenCode",
        }
    }

    /// The inverse of [`Host::name`].
    pub fn from_name(name: &str) -> Option<Host> {
        Host::ALL.iter().copied().find(|h| h.name() == name)
    }

    /// The agent, if its transcripts are read.
    pub fn agent(self) -> Option<Agent> {
        Agent::from_name(self.name())
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
