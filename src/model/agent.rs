//! The agents whose sessions are read.

use serde::{Deserialize, Serialize};

/// Declares the agents: the number that the store keeps, the word that users type and see, the name that its makers give it.
macro_rules! agents {
    ($($variant:ident = $code:literal $word:literal $full:literal,)+) => {
        /// A coding agent. The number is what the store keeps; it never changes meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum Agent {
            $(#[doc = $full] #[serde(rename = $word)] $variant = $code,)+
        }

        impl Agent {
            /// Every agent, in the order in which lists name them.
            pub const ALL: &'static [Agent] = &[$(Agent::$variant),+];

            /// The word users type and see.
            pub fn name(self) -> &'static str {
                match self { $(Agent::$variant => $word),+ }
            }

            /// The name that its makers give it.
            pub fn full_name(self) -> &'static str {
                match self { $(Agent::$variant => $full),+ }
            }
        }
    };
}

agents! {
    Claude = 1 "claude" "Claude Code",
    Codex = 2 "codex" "Codex",
    Cursor = 3 "cursor" "Cursor",
    Opencode = 4 "opencode" "OpenCode",
    Cline = 5 "cline" "Cline",
    Roo = 6 "roo" "Roo Code",
    Kilo = 7 "kilo" "Kilo Code",
    Aider = 8 "aider" "Aider",
    Copilot = 9 "copilot" "GitHub Copilot",
    Gemini = 10 "gemini" "Gemini CLI",
    Qwen = 11 "qwen" "Qwen Code",
    Regent = 12 "regent" "re_gent",
    Pi = 13 "pi" "pi",
    Crush = 14 "crush" "Crush",
    Specstory = 15 "specstory" "SpecStory",
    Goose = 16 "goose" "Goose",
    Continue = 17 "continue" "Continue",
    Amp = 18 "amp" "Amp",
}

impl Agent {
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
        f.pad(self.name())
    }
}
