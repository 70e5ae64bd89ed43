//! Moments and durations for people: a clock time within the day, a date beyond.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::model::Time;

/// `09:10` today, `yesterday`, `3 Nov`, `3 Nov 2024`.
pub(super) fn short(at: Option<Time>, now: Time) -> String {
    let (Some(at), Some(now)) = (at.and_then(zoned), zoned(now)) else {
        return "-".to_owned();
    };
    let (day, today) = (at.date(), now.date());
    if day == today {
        at.strftime("today %H:%M").to_string()
    } else if day.tomorrow().is_ok_and(|d| d == today) {
        at.strftime("yesterday %H:%M").to_string()
    } else if day.year() == today.year() {
        at.strftime("%-d %b %H:%M").to_string()
    } else {
        at.strftime("%-d %b %Y").to_string()
    }
}

/// With date and time, always.
pub(super) fn long(at: Option<Time>) -> String {
    match at.and_then(zoned) {
        Some(at) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        None => "-".to_owned(),
    }
}

fn zoned(at: Time) -> Option<Zoned> {
    Some(
        Timestamp::from_millisecond(at.0)
            .ok()?
            .to_zoned(TimeZone::system()),
    )
}

/// `850 ms`, `4.1 s`, `3 min`, `2 h 5 min`.
pub(super) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// `512 B`, `4.0 kB`, `1.3 MB`.
pub(super) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 || unit == "GB" {
            return match unit {
                "B" => format!("{bytes} B"),
                _ => format!("{value:.1} {unit}"),
            };
        }
        value /= 1000.0;
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_say_them() {
        assert_eq!(duration(850), "850 ms");
        assert_eq!(duration(4_150), "4.1 s");
        assert_eq!(duration(200_000), "3 min");
        assert_eq!(duration(7_500_000), "2 h 5 min");
        assert_eq!(size(999), "999 B");
        assert_eq!(size(4_000), "4.0 kB");
        assert_eq!(size(1_300_000), "1.3 MB");
        assert_eq!(size(5_000_000_000_000), "5000.0 GB");
        assert_eq!(short(None, Time(0)), "-");
        assert_eq!(long(Some(Time(i64::MAX))), "-");
    }
}
