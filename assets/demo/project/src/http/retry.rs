//! When a request is tried again, and how long to wait before that.

use std::time::Duration;

use super::client::{Error, Response};

/// The first pause. It doubles with every try.
pub const BASE_DELAY: Duration = Duration::from_millis(100);

/// No pause is longer than this: after 2 s people reload the page 🐢.
pub const MAX_DELAY: Duration = Duration::from_secs(2);

/// How often a request is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Tries in all, the first one included.
    pub max_tries: u32,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { max_tries: 5 }
    }
}

/// What to do after a try.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The answer is final.
    Done,
    /// Try again after this pause.
    Again(Duration),
    /// No use in going on.
    GiveUp,
}

/// Whether an answer with this status is worth another try.
pub fn is_retryable(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

/// The pause after try number `attempt`, counted from 0.
pub fn pause(attempt: u32) -> Duration {
    BASE_DELAY
        .saturating_mul(2u32.saturating_pow(attempt))
        .min(MAX_DELAY)
}

impl Policy {
    /// Judges the outcome of try number `attempt`, counted from 0.
    pub fn judge(&self, attempt: u32, outcome: &Result<Response, Error>) -> Verdict {
        let again = match outcome {
            Ok(response) => is_retryable(response.status),
            Err(error) => error.is_temporary(),
        };
        match (again, outcome) {
            // `attempt` counts from 0: after try 4 there have been five.
            (true, _) if attempt + 1 < self.max_tries => Verdict::Again(pause(attempt)),
            (true, _) | (false, Err(_)) => Verdict::GiveUp,
            (false, Ok(_)) => Verdict::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        assert_eq!(pause(0), Duration::from_millis(100));
        assert_eq!(pause(3), Duration::from_millis(800));
        assert_eq!(pause(9), MAX_DELAY);
    }

    #[test]
    fn the_last_try_is_the_last() {
        let (policy, down) = (
            Policy::default(),
            Ok(Response {
                status: 503,
                body: String::new(),
            }),
        );
        assert_eq!(policy.judge(3, &down), Verdict::Again(pause(3)));
        assert_eq!(policy.judge(4, &down), Verdict::GiveUp);
    }
}
