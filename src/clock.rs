//! What time it is, as a value that is passed down: nobody else reads the system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::Time;

/// Where `now` comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    frozen: Option<Time>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Clock {
        Clock { frozen: None }
    }

    /// A clock that stands still, so that tests and recorded screens always look the same.
    pub fn frozen(at: Time) -> Clock {
        Clock { frozen: Some(at) }
    }

    /// The present moment.
    pub fn now(self) -> Time {
        self.frozen.unwrap_or_else(|| {
            let ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
                Ok(d) => i64::try_from(d.as_millis()).unwrap_or(i64::MAX),
                Err(e) => i64::try_from(e.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
            };
            Time(ms)
        })
    }
}
