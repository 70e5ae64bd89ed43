//! Which steps to keep, as typed: `kind:edit path:src/ failed agent:codex since:2w words`.

use std::collections::{HashMap, HashSet};

use color_eyre::Result;
use rusqlite::Connection;

use super::refused::Refused;
use super::rows;
use super::types::{Filter, StepLite, StepRow};
use crate::clock::Clock;
use crate::model::{Agent, Status, StepKind, Time};

impl Filter {
    /// Reads a filter. Words with a colon whose first part is no key are words like others (`std::fmt`).
    pub fn parse(text: &str) -> Result<Filter> {
        Filter::parse_at(text, Clock::system().now())
    }

    /// The same, with the moment that `since:` counts back from.
    pub fn parse_at(text: &str, now: Time) -> Result<Filter> {
        let mut filter = Filter::default();
        for word in text.split_whitespace() {
            match word.split_once(':') {
                Some(("kind", names)) => {
                    for name in names.split(',') {
                        filter.kinds.push(kind(name, word)?);
                    }
                }
                Some(("agent", names)) => {
                    for name in names.split(',') {
                        filter.agents.push(agent(name, word)?);
                    }
                }
                Some(("path", "")) => {
                    return Err(bad(word, "a part of a path is missing, as in path:src/"));
                }
                Some(("path", part)) => filter.paths.push(part.to_owned()),
                Some(("since", when)) => filter.since = Some(since(when, word, now)?),
                _ if word == "failed" => filter.failed = true,
                _ => filter.words.push(word.to_owned()),
            }
        }
        Ok(filter)
    }

    /// Keeps everything.
    pub fn is_empty(&self) -> bool {
        *self == Filter::default()
    }
}

fn bad(word: &str, why: &str) -> color_eyre::Report {
    Refused::with_hint(
        format!("{word}: {why}"),
        "a filter is like kind:edit path:src/ failed agent:codex since:2w words",
    )
}

fn kind(name: &str, word: &str) -> Result<StepKind> {
    // `run` is what the screen calls a command.
    let name = if name == "run" { "command" } else { name };
    StepKind::from_word(name).ok_or_else(|| {
        let known: Vec<_> = StepKind::ALL.iter().map(|k| k.word()).collect();
        bad(
            word,
            &format!("no such kind; there are {}", known.join(" ")),
        )
    })
}

fn agent(name: &str, word: &str) -> Result<Agent> {
    Agent::from_name(name).ok_or_else(|| {
        let known: Vec<_> = Agent::ALL.iter().map(|a| a.name()).collect();
        bad(
            word,
            &format!("no such agent; there are {}", known.join(" ")),
        )
    })
}

/// `30m`, `2h`, `3d`, `2w`, or a date in UTC.
fn since(when: &str, word: &str, now: Time) -> Result<Time> {
    if let Some(t) = Time::parse(when).or_else(|| Time::parse(&format!("{when}T00:00:00Z"))) {
        return Ok(t);
    }
    let unit = when.chars().next_back().and_then(|c| match c {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        'w' => Some(7 * 86_400),
        _ => None,
    });
    let number =
        unit.and_then(|unit: i64| Some((unit, when[..when.len() - 1].parse::<u32>().ok()?)));
    match number {
        Some((unit, n)) => Ok(Time(
            now.0
                .saturating_sub(i64::from(n).saturating_mul(unit * 1000)),
        )),
        None => Err(bad(
            word,
            "no such time; write 30m, 2h, 3d, 2w or 2026-11-23",
        )),
    }
}

/// What a filter looks at beside the lite row.
struct Texts {
    words: Vec<String>,
    /// Steps that touched a matching path, for each part.
    paths: Vec<HashSet<i64>>,
    parts: Vec<String>,
}

/// The steps that a filter keeps, in the order in which they are given.
pub(super) fn steps(
    conn: &Connection,
    among: impl Iterator<Item = StepLite>,
    filter: &Filter,
) -> Result<Vec<StepRow>> {
    let mut texts = Texts {
        words: filter.words.iter().map(|w| w.to_lowercase()).collect(),
        parts: filter.paths.iter().map(|p| p.to_lowercase()).collect(),
        paths: Vec::new(),
    };
    for part in &texts.parts {
        texts.paths.push(touching(conn, part)?);
    }
    let mut agents: HashMap<i64, bool> = HashMap::new();
    let mut statement =
        conn.prepare_cached("SELECT session_id, at, target, tool FROM step WHERE id = ?1")?;
    let mut out = Vec::new();
    for step in among {
        if !filter.kinds.is_empty() && !filter.kinds.contains(&step.kind)
            || filter.failed && !matches!(step.status, Status::Failed)
        {
            continue;
        }
        let plain = filter.since.is_none() && texts.words.is_empty() && texts.parts.is_empty();
        if !plain || !filter.agents.is_empty() {
            let mut rows = statement.query([step.row.0])?;
            let Some(row) = rows.next()? else { continue };
            if !filter.agents.is_empty() && !of_agent(conn, &mut agents, row.get(0)?, filter)? {
                continue;
            }
            if filter.since.is_some() && rows::time(row.get(1)?) < filter.since {
                continue;
            }
            let target = row.get_ref(2)?.as_str()?.to_lowercase();
            let tool = row
                .get_ref(3)?
                .as_str_or_null()?
                .unwrap_or_default()
                .to_lowercase();
            if !texts.keep(step.row, &target, &tool) {
                continue;
            }
        }
        out.push(step.row);
    }
    Ok(out)
}

impl Texts {
    fn keep(&self, step: StepRow, target: &str, tool: &str) -> bool {
        let words = self
            .words
            .iter()
            .all(|w| target.contains(w) || tool.contains(w));
        words
            && self
                .parts
                .iter()
                .zip(&self.paths)
                .all(|(part, steps)| steps.contains(&step.0) || target.contains(part))
    }
}

fn of_agent(
    conn: &Connection,
    known: &mut HashMap<i64, bool>,
    session: i64,
    filter: &Filter,
) -> Result<bool> {
    if let Some(yes) = known.get(&session) {
        return Ok(*yes);
    }
    let code: u8 = conn
        .prepare_cached("SELECT agent FROM session WHERE id = ?1")?
        .query_row([session], |r| r.get(0))?;
    let yes = Agent::from_code(code).is_some_and(|a| filter.agents.contains(&a));
    known.insert(session, yes);
    Ok(yes)
}

/// The steps that changed or were shown a path with this part in its name.
pub(super) fn touching(conn: &Connection, part: &str) -> Result<HashSet<i64>> {
    let mut paths = conn
        .prepare_cached("SELECT p.id, r.kind, p.rel FROM path p JOIN root r ON r.id = p.root_id")?;
    let mut of_path = conn.prepare_cached(
        "SELECT step_id FROM change WHERE path_id = ?1 OR old_path_id = ?1
          UNION SELECT step_id FROM sighting WHERE path_id = ?1",
    )?;
    let part = part.to_lowercase();
    let mut out = HashSet::new();
    let mut rows = paths.query([])?;
    while let Some(row) = rows.next()? {
        let name = rows::path_name(row.get(1)?, row.get_ref(2)?.as_bytes()?);
        if name.to_lowercase().contains(&part) {
            for step in of_path.query_map([row.get::<_, i64>(0)?], |r| r.get(0))? {
                out.insert(step?);
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_filter_reads_as_it_is_written() {
        let now = Time::parse("2026-11-23T12:00:00Z").unwrap();
        let f = Filter::parse_at(
            "kind:edit,write path:src/ failed agent:codex since:2w std::fmt retry",
            now,
        )
        .unwrap();
        assert_eq!(f.kinds, [StepKind::Edit, StepKind::Write]);
        assert_eq!(
            (f.paths, f.failed, f.agents),
            (vec!["src/".to_owned()], true, vec![Agent::Codex])
        );
        assert_eq!(f.since, Time::parse("2026-11-09T12:00:00Z"));
        assert_eq!(f.words, ["std::fmt", "retry"]);
        assert!(Filter::parse_at("  ", now).unwrap().is_empty());
        assert_eq!(
            Filter::parse_at("since:2026-11-01", now).unwrap().since,
            Time::parse("2026-11-01T00:00:00Z")
        );
    }

    #[test]
    fn an_error_names_the_bad_word() {
        for bad in [
            "kind:edits",
            "agent:me",
            "since:soon",
            "since:é",
            "since:",
            "path:",
        ] {
            let e = Filter::parse_at(&format!("failed {bad} x"), Time(0)).unwrap_err();
            assert!(e.to_string().starts_with(&format!("{bad}:")), "{e}");
        }
    }
}
