//! When a request is tried again, and how long to wait before that.

use std::time::Duration;

use super::client::{Error, Response};

/// The first pause. It doubles with every try.
pub const BASE_DELAY: Duration = Duration::from_millis(100);

/// No pause is longer than this.
pub const MAX_DELAY: Duration = Duration::from_secs(10);

/// So often a connection error is tried again.
pub const MAX_ERRORS: u32 = 3;

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
    BASE_DELAY.saturating_mul(1 << attempt).min(MAX_DELAY)
}

/// Judges the outcome of try number `attempt`, counted from 0.
pub fn judge(attempt: u32, outcome: &Result<Response, Error>) -> Verdict {
    match outcome {
        Ok(response) if is_retryable(response.status) => Verdict::Again(pause(attempt)),
        Ok(_) => Verdict::Done,
        Err(error) if error.is_temporary() && attempt < MAX_ERRORS => {
            Verdict::Again(pause(attempt))
        }
        Err(_) => Verdict::GiveUp,
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
}
