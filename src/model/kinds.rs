//! The closed sets of words: what a step is, how it ended, what a change did and how it is known.

use serde::{Deserialize, Serialize};

/// Declares a fieldless enum with a word and a stable number for each variant.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant = $code,)+ }

        impl $name {
            /// Every value, in order of its number.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word users type and see.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The inverse of [`Self::word`].
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }

            /// The inverse of `self as u8`, for rows of the store.
            pub fn from_code(code: u8) -> Option<$name> {
                match code { $($code => Some($name::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// What an agent did in one step.
    StepKind {
        /// Looked at a file.
        Read = 1 "read",
        /// Looked for something.
        Search = 2 "search",
        /// Changed a part of a file.
        Edit = 3 "edit",
        /// Wrote a whole file.
        Write = 4 "write",
        /// Removed a file.
        Delete = 5 "delete",
        /// Moved a file.
        Move = 6 "move",
        /// Ran a shell command.
        Command = 7 "command",
        /// Fetched or searched the web.
        Web = 8 "web",
        /// Started a sub-agent.
        Subagent = 9 "subagent",
        /// Wrote or changed its plan or list of things to do.
        Plan = 10 "plan",
        /// Said something.
        Message = 11 "message",
        /// Asked the person something.
        Question = 12 "question",
        /// Called a tool of an MCP server.
        Mcp = 13 "mcp",
        /// Something that happened to the session: interrupted, compacted, an error of the service.
        Notice = 14 "notice",
        /// Any other tool.
        Other = 15 "other",
    }
}

words! {
    /// How a step ended.
    Status {
        /// It worked.
        Ok = 1 "ok",
        /// It ran and failed.
        Failed = 2 "failed",
        /// The person or a rule refused it; nothing happened.
        Denied = 3 "denied",
        /// It was stopped while it ran.
        Interrupted = 4 "interrupted",
        /// No result yet.
        Running = 5 "running",
        /// The record does not say.
        Unknown = 6 "unknown",
    }
}

words! {
    /// What a step did to one file.
    Op {
        /// The file was not there before.
        Create = 1 "create",
        /// Its content changed.
        Modify = 2 "modify",
        /// It is gone.
        Delete = 3 "delete",
        /// It has another name (and perhaps another content).
        Rename = 4 "rename",
        /// Only its mode changed.
        Mode = 5 "mode",
    }
}

words! {
    /// How the before and after of a change are known, best first.
    Evidence {
        /// Seen on disk.
        Observed = 1 "observed",
        /// The agent's own record holds the full text.
        Recorded = 2 "recorded",
        /// An edit applied to a known text.
        Replayed = 3 "replayed",
        /// The full text is not known.
        PatchOnly = 4 "patch only",
    }
}

words! {
    /// Who wrote a line.
    Author {
        /// An agent.
        Agent = 1 "agent",
        /// You: it was seen to change on disk while no step was running.
        You = 2 "you",
        /// A known formatter or generator that a command ran.
        Tool = 3 "tool",
        /// It is older than the first record.
        Before = 4 "before",
        /// It changed, and nobody saw by whom.
        Unknown = 5 "unknown",
    }
}

words! {
    /// How a prompt came in.
    Via {
        /// Typed at the prompt.
        Typed = 1 "typed",
        /// Typed while the agent worked.
        Queued = 2 "queued",
        /// A slash command.
        Command = 3 "command",
        /// A shell command that the person ran from the prompt.
        Shell = 4 "shell",
        /// An answer to a question, or words beside a refusal.
        Answer = 5 "answer",
        /// The task that a parent agent gave to its sub-agent; not a person's words.
        Task = 6 "task",
    }
}

words! {
    /// What a run of tests said.
    TestOutcome {
        /// All passed.
        Passed = 1 "passed",
        /// Some failed, or it did not get so far.
        Failed = 2 "failed",
    }
}
