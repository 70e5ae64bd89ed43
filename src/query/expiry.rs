//! Agents delete their own transcripts. How many on this machine are about to go, and how many of them this store keeps.

use std::collections::HashMap;

use super::types::Expiring;
use crate::model::{Agent, Time};
use crate::source::{Places, SOURCES};

/// What goes within so many days is counted.
const WITHIN_DAYS: u64 = 7;
const DAY_MS: u64 = 86_400_000;

/// A transcript on this machine.
pub(super) struct Transcript<'a> {
    pub agent: i64,
    pub path: &'a [u8],
    /// When it was written last; 0: it was being written when it was looked at last.
    pub mtime_ns: i64,
    /// This store has it.
    pub kept: bool,
}

/// What each agent that deletes anything is about to delete; also those of which nothing goes.
pub(super) fn expiring<'a>(
    all: impl Iterator<Item = Transcript<'a>> + Clone,
    places: &Places,
    now: Time,
) -> Vec<Expiring> {
    let rules = SOURCES
        .iter()
        .filter_map(|s| Some((s.agent(), s.retention(places)?)));
    rules
        .map(|(agent, rule)| {
            let (sessions, kept) = count(all.clone(), agent, rule.days, now);
            Expiring {
                agent,
                after_days: rule.days,
                within_days: WITHIN_DAYS,
                setting: rule.setting,
                sessions,
                kept,
            }
        })
        .collect()
}

/// Those that go, and of them those that are kept. A file that was replaced is there once for each of its generations;
/// sub-agents' files go with their session's and are not counted.
fn count<'a>(
    all: impl Iterator<Item = Transcript<'a>>,
    agent: Agent,
    days: u64,
    now: Time,
) -> (u32, u32) {
    let mut paths: HashMap<&[u8], (i64, bool)> = HashMap::new();
    for file in all.filter(|f| f.agent == agent as i64 && is_own(f.path)) {
        let (written, kept) = paths.entry(file.path).or_default();
        *written = (*written).max(file.mtime_ns);
        *kept |= file.kept;
    }
    let goes = |ns: i64| ns != 0 && expires_soon(Time(ns.div_euclid(1_000_000)), now, days);
    let soon = paths.into_values().filter(|(ns, _)| goes(*ns));
    soon.fold((0, 0), |(n, k), (_, kept)| (n + 1, k + u32::from(kept)))
}

fn is_own(path: &[u8]) -> bool {
    let name = path.rsplit(|b| *b == b'/').next().unwrap_or(path);
    !name.starts_with(b"agent-") && !path.split(|b| *b == b'/').any(|part| part == b"subagents")
}

fn expires_soon(written: Time, now: Time, days: u64) -> bool {
    let life = days.saturating_mul(DAY_MS);
    now.since(written).saturating_add(WITHIN_DAYS * DAY_MS) >= life
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_soon_is_counted_from_the_last_write() {
        let day = DAY_MS as i64;
        assert!(!expires_soon(Time(0), Time(22 * day), 30));
        assert!(expires_soon(Time(0), Time(23 * day), 30));
        assert!(!expires_soon(Time(50 * day), Time(0), 30));
    }

    #[test]
    fn a_session_is_counted_once_by_its_last_write() {
        let day = 86_400_000_000_000;
        let file = |path: &'static str, days: i64, kept| Transcript {
            agent: Agent::Claude as i64,
            path: path.as_bytes(),
            mtime_ns: days * day,
            kept,
        };
        let now = Time(30 * DAY_MS as i64);
        let all = [
            file("/p/a.jsonl", 1, true),
            file("/p/a/subagents/agent-1.jsonl", 1, true),
            file("/p/agent-2.jsonl", 1, false),
            // It was replaced since.
            file("/p/b.jsonl", 1, false),
            file("/p/b.jsonl", 29, true),
            file("/p/c.jsonl", 2, false),
        ];
        assert_eq!(count(all.into_iter(), Agent::Claude, 30, now), (2, 1));
    }
}
