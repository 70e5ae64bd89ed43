//! How times, durations and counts are said. The clock and the time zone are given, never read here.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::model::Time;

/// The moment that the screen shows, and where on earth it is read.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Now.
    pub now: Time,
    /// The zone of clock times.
    pub zone: TimeZone,
}

impl Moment {
    fn zoned(&self, at: Time) -> Option<Zoned> {
        let at = Timestamp::from_millisecond(at.0).ok()?;
        Some(at.to_zoned(self.zone.clone()))
    }

    /// Relative while fresh, a clock time within the day, a date beyond; at most six cells.
    pub fn short(&self, at: Time) -> String {
        let age = self.now.since(at) / 1000;
        if at <= self.now && age < 60 {
            return "now".to_owned();
        }
        if at <= self.now && age < 3600 {
            return format!("{}m", age / 60);
        }
        match (self.zoned(at), self.zoned(self.now)) {
            (Some(t), Some(now)) if t.date() == now.date() => t.strftime("%H:%M").to_string(),
            (Some(t), Some(now)) if t.year() == now.year() => t.strftime("%-d %b").to_string(),
            (Some(t), _) => t.strftime("%b %y").to_string(),
            _ => "?".to_owned(),
        }
    }

    /// As [`Moment::short`], but under a heading of the same day the time of day: the heading has said the day.
    pub fn under(&self, heading: Option<Time>, at: Time) -> String {
        let fresh = at <= self.now && self.now.since(at) < 3_600_000;
        match (self.zoned(at), heading.and_then(|h| self.zoned(h))) {
            (Some(t), Some(h)) if !fresh && t.date() == h.date() => t.strftime("%H:%M").to_string(),
            _ => self.short(at),
        }
    }

    /// For a list of sessions: `now`, `today 09:10`, `yesterday`, `3 Nov`, `3 Nov 24`.
    pub fn day(&self, at: Time) -> String {
        let (Some(t), Some(now)) = (self.zoned(at), self.zoned(self.now)) else {
            return "?".to_owned();
        };
        if t.date() == now.date() {
            return t.strftime("today %H:%M").to_string();
        }
        if now.date().yesterday().is_ok_and(|y| y == t.date()) {
            return "yesterday".to_owned();
        }
        if t.year() == now.year() {
            t.strftime("%-d %b").to_string()
        } else {
            t.strftime("%-d %b %y").to_string()
        }
    }

    /// The time of day.
    pub fn clock(&self, at: Time) -> String {
        self.zoned(at)
            .map_or_else(|| "?".to_owned(), |t| t.strftime("%H:%M").to_string())
    }

    /// Since when: the time of day, with the day if that is another one.
    pub fn since(&self, at: Time) -> String {
        match (self.zoned(at), self.zoned(self.now)) {
            (Some(t), Some(now)) if t.date() == now.date() => t.strftime("%H:%M").to_string(),
            (Some(t), Some(now)) if t.year() == now.year() => {
                t.strftime("%-d %b %H:%M").to_string()
            }
            (Some(t), _) => t.strftime("%-d %b %Y").to_string(),
            _ => "?".to_owned(),
        }
    }

    /// Day and time of day.
    pub fn full(&self, at: Time) -> String {
        match (self.zoned(at), self.zoned(self.now)) {
            (Some(t), Some(now)) if t.date() == now.date() => t.strftime("%H:%M:%S").to_string(),
            (Some(t), _) => t.strftime("%-d %b %Y %H:%M").to_string(),
            _ => "?".to_owned(),
        }
    }

    /// From when to when, the day only if it is not today.
    pub fn span(&self, from: Time, to: Time) -> String {
        let (Some(a), Some(b), Some(now)) =
            (self.zoned(from), self.zoned(to), self.zoned(self.now))
        else {
            return "?".to_owned();
        };
        let day = |t: &Zoned| match t.date() == now.date() {
            true => String::new(),
            false => t.strftime("%-d %b ").to_string(),
        };
        if a.date() == b.date() {
            return format!("{}{}–{}", day(&a), a.strftime("%H:%M"), b.strftime("%H:%M"));
        }
        format!(
            "{}{} – {}{}",
            a.strftime("%-d %b "),
            a.strftime("%H:%M"),
            b.strftime("%-d %b "),
            b.strftime("%H:%M")
        )
    }

    /// Reads a time of the day of `near` (`14:20`, `14:20:05`) or one before it (`-5m`, `-2h`, `-30s`).
    pub fn parse(&self, text: &str, near: Time) -> Option<Time> {
        if let Some(back) = text.strip_prefix('-') {
            let unit = match back.chars().last()? {
                's' => 1000,
                'm' => 60_000,
                'h' => 3_600_000,
                'd' => 86_400_000,
                _ => return None,
            };
            let count: i64 = back[..back.len() - 1].parse().ok()?;
            return Some(Time(near.0.checked_sub(count.checked_mul(unit)?)?));
        }
        let mut parts = text.split(':').map(|p| p.parse::<i8>().ok());
        let (hour, minute) = (parts.next()??, parts.next()??);
        let second = match parts.next() {
            Some(s) => s?,
            None => 0,
        };
        if parts.next().is_some() {
            return None;
        }
        let time = jiff::civil::Time::new(hour, minute, second, 0).ok()?;
        let zoned = self.zoned(near)?.with().time(time).build().ok()?;
        Some(Time(zoned.timestamp().as_millisecond()))
    }
}

/// A duration: `40ms`, `4.1s`, `38s`, `2m 05s`, `1h 12m`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms}ms"),
        1000..10_000 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        10_000..60_000 => format!("{}s", ms / 1000),
        60_000..3_600_000 => format!("{}m {:02}s", ms / 60_000, ms % 60_000 / 1000),
        _ => format!("{}h {:02}m", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// How long ago something was: `just now`, `12s ago`, `3m ago`, `2h ago`.
pub fn ago(ms: u64) -> String {
    match ms / 1000 {
        0..3 => "just now".to_owned(),
        s @ 3..60 => format!("{s}s ago"),
        s @ 60..3600 => format!("{}m ago", s / 60),
        s => format!("{}h ago", s / 3600),
    }
}

/// A number and its noun: `1 file`, `3 files`. The noun is given in the plural with its `s`.
pub fn count(n: u64, plural: &str) -> String {
    let noun = if n == 1 {
        plural.strip_suffix('s').unwrap_or(plural)
    } else {
        plural
    };
    format!("{} {noun}", grouped(n))
}

/// Thousands apart: `12,345`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Lines added and removed, without what is zero: `+14 −3`. Large numbers are rounded: `+1.2k`.
pub fn plus_minus(added: u64, removed: u64) -> (String, String) {
    let one = |sign: &str, n: u64| match n {
        0 => String::new(),
        1..10_000 => format!("{sign}{n}"),
        10_000..1_000_000 => format!("{sign}{}k", n / 1000),
        _ => format!("{sign}{}M", n / 1_000_000),
    };
    (one("+", added), one("−", removed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment() -> Moment {
        let now = Time::parse("2026-11-23T14:31:00Z").expect("a time");
        Moment {
            now,
            zone: TimeZone::UTC,
        }
    }

    fn at(text: &str) -> Time {
        Time::parse(text).expect("a time")
    }

    #[test]
    fn times_are_relative_while_fresh_then_clock_then_date() {
        let m = moment();
        assert_eq!(m.short(at("2026-11-23T14:30:30Z")), "now");
        assert_eq!(m.short(at("2026-11-23T14:11:00Z")), "20m");
        assert_eq!(m.short(at("2026-11-23T09:05:00Z")), "09:05");
        assert_eq!(m.short(at("2026-11-03T09:05:00Z")), "3 Nov");
        assert_eq!(m.short(at("2024-11-03T09:05:00Z")), "Nov 24");
        assert_eq!(m.day(at("2026-11-22T23:59:00Z")), "yesterday");
        // A beginning is never "now".
        assert_eq!(m.since(at("2026-11-23T14:30:59Z")), "14:30");
        assert_eq!(m.since(at("2026-11-22T14:30:59Z")), "22 Nov 14:30");
    }

    #[test]
    fn a_day_is_said_once() {
        let m = moment();
        let heading = Some(at("2026-11-03T09:05:00Z"));
        assert_eq!(m.under(heading, at("2026-11-03T23:05:00Z")), "23:05");
        assert_eq!(m.under(heading, at("2026-11-04T00:05:00Z")), "4 Nov");
        assert_eq!(m.under(None, at("2026-11-03T23:05:00Z")), "3 Nov");
        assert_eq!(m.under(heading, at("2026-11-23T14:11:00Z")), "20m");
        assert_eq!(
            m.under(Some(at("2026-11-23T09:00:00Z")), at("2026-11-23T14:11:00Z")),
            "20m"
        );
    }

    #[test]
    fn times_are_read() {
        let m = moment();
        let near = at("2026-11-20T10:00:00Z");
        assert_eq!(m.parse("14:20", near), Some(at("2026-11-20T14:20:00Z")));
        assert_eq!(m.parse("-5m", near), Some(at("2026-11-20T09:55:00Z")));
        for bad in [
            "",
            "-",
            "-m",
            "14",
            "25:00",
            "1:2:3:4",
            "-9999999999999999d",
            "é",
        ] {
            assert_eq!(m.parse(bad, near), None, "{bad}");
        }
    }

    #[test]
    fn counts_and_durations() {
        assert_eq!(count(1, "files"), "1 file");
        assert_eq!(count(1_234_567, "steps"), "1,234,567 steps");
        assert_eq!(duration(4_120), "4.1s");
        assert_eq!(
            [2_999, 59_999, 61_000, 7_200_000].map(ago),
            ["just now", "59s ago", "1m ago", "2h ago"]
        );
        assert_eq!(duration(125_000), "2m 05s");
        assert_eq!(plus_minus(14, 0), ("+14".to_owned(), String::new()));
    }
}
