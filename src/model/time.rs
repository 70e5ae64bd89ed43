//! Moments, in milliseconds since the Unix epoch.

use serde::{Deserialize, Serialize};

/// A moment in UTC with millisecond precision, as transcripts write it.
///
/// Years far outside the calendar are representable: a wrong clock is data, not an error.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
pub struct Time(pub i64);

impl Time {
    /// Reads an RFC 3339 time stamp; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Time> {
        fast_utc(text.as_bytes()).or_else(|| {
            text.parse::<jiff::Timestamp>()
                .ok()
                .map(|t| Time(t.as_millisecond()))
        })
    }

    /// RFC 3339 in UTC with milliseconds, the form of every `--json` field.
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => t.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            Err(_) => format!("{}ms", self.0),
        }
    }

    /// Milliseconds from `earlier` to here; never negative, since clocks step back.
    pub fn since(self, earlier: Time) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// `2026-02-05T12:01:31.173Z` without a general parser: it is read once for every record.
fn fast_utc(b: &[u8]) -> Option<Time> {
    if b.len() < 20 || b.last() != Some(&b'Z') || b.get(10) != Some(&b'T') {
        return None;
    }
    let digits = |range: std::ops::Range<usize>| -> Option<i64> {
        b.get(range)?.iter().try_fold(0i64, |n, c| {
            c.is_ascii_digit().then(|| n * 10 + i64::from(c - b'0'))
        })
    };
    if b[4] != b'-' || b[7] != b'-' || b[13] != b':' || b[16] != b':' {
        return None;
    }
    let (year, month, day) = (digits(0..4)?, digits(5..7)?, digits(8..10)?);
    let (hour, minute, second) = (digits(11..13)?, digits(14..16)?, digits(17..19)?);
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    let millis = match b.len() {
        20 => 0,
        n if b[19] == b'.' => {
            let fraction = &b[20..n - 1];
            if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
                return None;
            }
            (0..3).fold(0i64, |acc, i| {
                acc * 10 + fraction.get(i).map_or(0, |c| i64::from(c - b'0'))
            })
        }
        _ => return None,
    };
    // Days from civil, Howard Hinnant, "chrono-compatible low-level date algorithms".
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    let days = era * 146_097 + doe - 719_468;
    Some(Time(
        (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_reader_agrees_with_the_general_one() {
        for text in [
            "2026-02-05T12:01:31.173Z",
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59.9Z",
            "2026-12-31T00:00:00.123456789Z",
        ] {
            let general = text
                .parse::<jiff::Timestamp>()
                .expect("valid")
                .as_millisecond();
            assert_eq!(Time::parse(text), Some(Time(general)), "{text}");
        }
        assert_eq!(
            Time::parse("2026-02-05T13:01:31.173+01:00"),
            Time::parse("2026-02-05T12:01:31.173Z")
        );
        for bad in [
            "",
            "yesterday",
            "2026-13-05T12:01:31Z",
            "2026-02-05 12:01:31",
        ] {
            assert_eq!(Time::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_clock_that_steps_back_gives_no_negative_duration() {
        assert_eq!(Time(5).since(Time(9)), 0);
        assert_eq!(Time(i64::MIN).since(Time(i64::MAX)), 0);
    }
}
