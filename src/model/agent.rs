//! The agents whose sessions are read.

use serde::{Deserialize, Serialize};

/// A coding agent. The number is what the store keeps; it never changes meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Agent {
    /// Anthropic Claude Code.
    Claude = 1,
    /// OpenAI Codex CLI, desktop and editor extension.
    Codex = 2,
}

impl Agent {
    /// Every agent, in the order in which lists name them.
    pub const ALL: &'static [Agent] = &[Agent::Claude, Agent::Codex];

    /// The word users type and see.
    pub fn name(self) -> &'static str {
        match self {
            Agent::Claude => "claude",
            Agent::Codex => "codex",
        }
    }

    /// The inverse of [`Agent::name`].
    pub fn from_name(name: &str) -> Option<Agent> {
        Agent::ALL.iter().copied().find(|a| a.name() == name)
    }

    /// The inverse of `self as u8`, for rows of the store.
    pub fn from_code(code: u8) -> Option<Agent> {
        Agent::ALL.iter().copied().find(|a| *a as u8 == code)
    }
}

impl std::fmt::Display for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
