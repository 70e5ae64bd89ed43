//! Reads a filter as it is typed: `kind:edit path:src/ failed agent:codex since:2w words`.

use crate::model::{Agent, StepKind, Time};
use crate::query::types::Filter;

/// Reads a filter; the error says which word is wrong and what could stand there.
pub fn parse(text: &str, now: Time) -> Result<Filter, String> {
    let mut filter = Filter::default();
    for word in text.split_whitespace() {
        match word.split_once(':') {
            None if word == "failed" => filter.failed = true,
            None => filter.words.push(word.to_owned()),
            Some(("kind", kind)) => {
                let kind = StepKind::from_word(kind).ok_or_else(|| {
                    let words: Vec<_> = StepKind::ALL.iter().map(|k| k.word()).collect();
                    format!("no kind `{kind}`: {}", words.join(" "))
                })?;
                filter.kinds.push(kind);
            }
            Some(("path", path)) => filter.paths.push(path.to_owned()),
            Some(("agent", agent)) => {
                let agent = Agent::from_name(agent).ok_or_else(|| {
                    let names: Vec<_> = Agent::ALL.iter().map(|a| a.name()).collect();
                    format!("no agent `{agent}`: {}", names.join(" "))
                })?;
                filter.agents.push(agent);
            }
            Some(("since", since)) => filter.since = Some(since_of(since, now)?),
            // A colon in a word that is searched for, as in `std::fs`.
            Some(_) => filter.words.push(word.to_owned()),
        }
    }
    Ok(filter)
}

fn since_of(text: &str, now: Time) -> Result<Time, String> {
    let wrong = || format!("since:{text} is no age or day: 30m 12h 3d 2w 2026-02-05");
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        let start = date.to_zoned(jiff::tz::TimeZone::system());
        let start = start.map_err(|_| wrong())?;
        return Ok(Time(start.timestamp().as_millisecond()));
    }
    let unit = match text.chars().last() {
        Some('m') => 60_000,
        Some('h') => 3_600_000,
        Some('d') => 86_400_000,
        Some('w') => 7 * 86_400_000,
        _ => return Err(wrong()),
    };
    let count: i64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    let back = count.checked_mul(unit).ok_or_else(wrong)?;
    Ok(Time(now.0.saturating_sub(back)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_as_it_is_written() {
        let now = Time(10 * 86_400_000);
        let filter = parse(
            "kind:edit path:src/ failed agent:codex since:2d std::fs",
            now,
        );
        let expected = Filter {
            kinds: vec![StepKind::Edit],
            paths: vec!["src/".to_owned()],
            failed: true,
            agents: vec![Agent::Codex],
            since: Some(Time(8 * 86_400_000)),
            words: vec!["std::fs".to_owned()],
        };
        assert_eq!(filter, Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, says) in [
            ("kind:fly", "no kind `fly`"),
            ("agent:bob", "no agent `bob`: claude codex"),
            ("since:soon", "since:soon is no age"),
            ("since:é", "since:é is no age"),
            ("since:", "since: is no age"),
        ] {
            let said = parse(text, Time(0)).expect_err(text);
            assert!(said.starts_with(says), "{said}");
        }
    }
}
