//! One box over everything: fuzzy on titles, prompts, paths and commands, full text on the rest.
//!
//! Fuzzy works on a list in memory ([`Candidates`]); full text asks the index for its newest few thousand hits, and
//! both are ranked here, newest first, in groups by session. A user's text is always words, never syntax.

mod candidates;
mod fulltext;
mod fuzzy;

use std::collections::HashMap;

use color_eyre::Result;
use rusqlite::OptionalExtension;

pub use candidates::Candidates;
use candidates::Subject;

use super::title::one_line;
use super::types::{Found, Hit, HitWhat, PromptRow, SessionInfo, SessionRow, StepRow};
use super::{raw, rows, sessions};
use crate::model::Time;
use crate::store::Reader;
use crate::text;

/// So many full-text hits get the line in which they hit; reading one costs about half a millisecond.
const LINES_READ: usize = 16;
/// Hits of the first page.
const PAGE: usize = 60;
/// Longest line of a hit, in characters.
const LINE: usize = 300;

/// A hit before its row is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rough {
    subject: Subject,
    session: i64,
    at: i64,
    score: i64,
    full_text: bool,
}

impl Rough {
    /// Scores that differ by less than a letter are equal: then the newer one comes first.
    fn rank(&self) -> i64 {
        self.score / 24
    }
}

/// How much is to be found.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    /// At most so many hits.
    pub limit: usize,
    /// Whether to look everywhere, and to read the lines in which full text hits; else what takes no time.
    pub thorough: bool,
    /// Whether it is not wanted any more.
    pub stop: &'a dyn Fn() -> bool,
}

impl Wish<'static> {
    /// Everything, up to a number of hits.
    pub(super) fn all(limit: usize) -> Self {
        Wish {
            limit,
            thorough: true,
            stop: &|| false,
        }
    }

    /// What can be said while one types: the first page.
    pub(super) fn first() -> Self {
        Wish {
            limit: PAGE,
            thorough: false,
            stop: &|| false,
        }
    }
}

/// Finds. An empty query answers with the newest prompts. `None`: it was stopped.
pub(super) fn find(
    reader: &Reader,
    candidates: &mut Candidates,
    query: &str,
    wish: Wish<'_>,
    now: Time,
) -> Result<Option<Found>> {
    candidates.refresh(reader.conn())?;
    let words: Vec<String> = query.split_whitespace().map(str::to_owned).collect();
    let mut rough = if words.is_empty() {
        candidates.newest_prompts(wish.limit)
    } else {
        let mut rough = fuzzy::search(candidates, &words);
        if (wish.stop)() {
            return Ok(None);
        }
        let index = fulltext::Index {
            conn: reader.conn(),
            candidates,
        };
        if fulltext::search(index, &words, wish, &mut rough)?.is_none() {
            return Ok(None);
        }
        rough
    };
    let (total, sessions) = order(&mut rough);
    let mut found = Found {
        query: query.to_owned(),
        hits: Vec::new(),
        total,
        sessions,
        more: !wish.thorough && !words.is_empty(),
    };
    let mut infos: HashMap<i64, Option<SessionInfo>> = HashMap::new();
    let mut lines = if wish.thorough { LINES_READ } else { 0 };
    for hit in rough {
        if found.hits.len() >= wish.limit {
            break;
        }
        if (wish.stop)() {
            return Ok(None);
        }
        let info = match infos.get(&hit.session) {
            Some(info) => info.clone(),
            None => {
                let info = sessions::one(reader.conn(), SessionRow(hit.session), now).ok();
                infos.insert(hit.session, info.clone());
                info
            }
        };
        if let Some(session) = info
            && let Some(hit) = whole(reader, session, &hit, &words, &mut lines)?
        {
            found.hits.push(hit);
        }
    }
    Ok(Some(found))
}

/// Groups by session: the best group first, in a group by score. The number of hits and of groups.
fn order(rough: &mut [Rough]) -> (u32, u32) {
    let mut best: HashMap<i64, (i64, i64)> = HashMap::new();
    for hit in rough.iter() {
        let group = best.entry(hit.session).or_insert((i64::MIN, i64::MIN));
        *group = (*group).max((hit.rank(), hit.at));
    }
    // The key is looked up once for each, not at every comparison.
    rough.sort_by_cached_key(|h| {
        let group = best.get(&h.session).copied().unwrap_or_default();
        std::cmp::Reverse((group, h.session, h.rank(), h.at))
    });
    (rough.len() as u32, best.len() as u32)
}

/// Reads the row of a hit; `None` if it is gone since the list was made.
fn whole(
    reader: &Reader,
    session: SessionInfo,
    hit: &Rough,
    words: &[String],
    lines: &mut usize,
) -> Result<Option<Hit>> {
    let (what, mut text, at) = match hit.subject {
        Subject::Title => (HitWhat::Session, session.title.clone(), session.ended_at),
        Subject::Prompt(id) => {
            let row: Option<(u32, Option<i64>, String)> = reader
                .conn()
                .prepare_cached(
                    "SELECT no, at, head FROM prompt WHERE id = ?1 AND alias_of IS NULL",
                )?
                .query_row([id], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
                .optional()?;
            let Some((no, at, head)) = row else {
                return Ok(None);
            };
            (
                HitWhat::Prompt(PromptRow(id), no),
                one_line(&head, LINE),
                rows::time(at),
            )
        }
        Subject::Step(id) => {
            // It may have turned out to be a copy since the list was made.
            let copy = reader
                .conn()
                .prepare_cached("SELECT 1 FROM step WHERE id = ?1 AND alias_of IS NOT NULL")?
                .exists([id])?;
            if copy {
                return Ok(None);
            }
            let Some(info) = rows::steps(reader.conn(), &[StepRow(id)])?.pop() else {
                return Ok(None);
            };
            let (text, at) = (one_line(&info.target, LINE), info.at);
            (HitWhat::Step(Box::new(info)), text, at)
        }
    };
    if hit.full_text && *lines > 0 && !fuzzy::contains_all(&text, words) {
        *lines -= 1;
        if let Some(line) = snippet(reader, &what, &session, words)? {
            text = line;
        }
    }
    let matched = fuzzy::indices(&text, words);
    Ok(Some(Hit {
        session,
        what,
        text,
        matched,
        at,
    }))
}

/// The line of a step's or prompt's words in which the query hits.
fn snippet(
    reader: &Reader,
    what: &HitWhat,
    session: &SessionInfo,
    words: &[String],
) -> Result<Option<String>> {
    let texts = match what {
        HitWhat::Session => return Ok(None),
        HitWhat::Prompt(_, no) => vec![raw::prompt_text(reader, session.row, *no)?],
        HitWhat::Step(info) => {
            let step = raw::of_step(reader, info.row)?;
            let mut texts = vec![step.said()];
            texts.extend(step.call.map(|c| c.input));
            texts.extend(step.outcomes.into_iter().map(|o| o.output));
            texts
        }
    };
    let texts: Vec<_> = texts.iter().map(|t| text::without_colours(t)).collect();
    Ok(texts
        .iter()
        .flat_map(|t| t.lines())
        .max_by_key(|line| fuzzy::contained(line, words))
        .filter(|line| fuzzy::contained(line, words) > 0)
        .map(|line| around(line, words)))
}

/// Of a long line the part around the first hit.
fn around(line: &str, words: &[String]) -> String {
    let lower = line.to_lowercase();
    let at = words
        .iter()
        .filter_map(|w| lower.find(&w.to_lowercase()))
        .min()
        .unwrap_or(0);
    let start = lower.get(..at).map_or(0, |front| front.chars().count());
    if start <= 60 {
        return one_line(line, LINE);
    }
    let tail: String = line.chars().skip(start - 40).take(LINE * 2).collect();
    format!("…{}", one_line(&tail, LINE - 1))
}
