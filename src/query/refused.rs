//! An expected "no": nothing found, ambiguous, not known. A caller may show it as it is, with its hint.

use std::fmt;

/// Why a question has no answer, in plain words, and what to try instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is the matter; no full stop.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
}

impl Refused {
    /// A refusal without a hint, as an error.
    pub fn because(message: impl Into<String>) -> color_eyre::Report {
        color_eyre::Report::new(Refused {
            message: message.into(),
            hint: None,
        })
    }

    /// A refusal with a hint, as an error.
    pub fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> color_eyre::Report {
        color_eyre::Report::new(Refused {
            message: message.into(),
            hint: Some(hint.into()),
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}
