//! The full-text index. What a user types never reaches its syntax: only words, each in quotes.

use std::collections::HashSet;

use color_eyre::Result;
use rusqlite::Connection;

use super::candidates::{Candidates, Subject};
use super::{Rough, Wish, fuzzy};

/// The newest so many hits are looked at.
const NEWEST: i64 = 2_000;
const NEWEST_PROMPTS: i64 = 500;

/// The index, and what is known of steps without asking the store.
#[derive(Clone, Copy)]
pub(super) struct Index<'a> {
    pub conn: &'a Connection,
    pub candidates: &'a Candidates,
}

/// Adds what the index finds and is not there yet. `None`: it was stopped.
///
/// To merge all words that begin in some way takes as long as there are such words in the whole history, whatever is
/// taken of them then. So while one types, only the last word, which is not complete, is searched for by its beginning,
/// and the prompts' beginnings, which are in memory, stand for the prompts.
pub(super) fn search(
    index: Index<'_>,
    words: &[String],
    wish: Wish<'_>,
    out: &mut Vec<Rough>,
) -> Result<Option<()>> {
    // A plain find among the candidates comes first, then what people wrote, then what agents and tools did.
    let letters: i64 = words.iter().map(|w| w.chars().count() as i64).sum();
    let scores = (fuzzy::PLAIN * letters, (fuzzy::PLAIN - 8) * letters);
    let mut known: HashSet<Subject> = out.iter().map(|r| r.subject).collect();
    if let Some(query) = query_of(words, wish.thorough) {
        // Row ids of prompts and steps are not on one scale, so each kind has its own bound.
        if wish.thorough {
            let query = format!("{{prompt}} : ({query})");
            let prompts = ids(index.conn, &query, NEWEST_PROMPTS)?;
            let prompts = prompts.iter().map(|id| id / 2);
            add_prompts(index.conn, prompts, scores.0, &mut known, out)?;
        }
        if (wish.stop)() {
            return Ok(None);
        }
        let query = format!("{{said input output}} : ({query})");
        let steps = ids(index.conn, &query, NEWEST)?;
        let steps = steps.iter().filter(|id| *id % 2 == 1).map(|id| id / 2);
        add_steps(index, steps, scores.1, &mut known, out)?;
    }
    let phrase = words.join(" ");
    if !phrase.is_ascii() && phrase.chars().count() >= 3 {
        let quoted = format!("\"{}\"", phrase.replace('"', "\"\"").replace('\0', " "));
        let mut statement = index.conn.prepare_cached(
            "SELECT rowid FROM letters WHERE letters MATCH ?1 ORDER BY rowid DESC LIMIT ?2",
        )?;
        let found = statement
            .query_map((quoted, NEWEST_PROMPTS), |r| r.get(0))?
            .collect::<rusqlite::Result<Vec<i64>>>()?;
        add_prompts(index.conn, found.into_iter(), scores.0, &mut known, out)?;
    }
    Ok(Some(()))
}

/// All words, each by its beginning from three letters on (`parts`), or only the last one; `None` if there is none to
/// ask for.
///
/// The index keeps no positions, so it refuses phrases: a word is cut where the index's own tokenizer cuts it. A
/// character of which that is not certain is a cut too, which finds more, never an error.
fn query_of(words: &[String], parts: bool) -> Option<String> {
    let tokens = |word: &'_ String| -> Vec<String> {
        let tokens = word.split(|c: char| !is_token(c)).filter(|t| !t.is_empty());
        tokens.map(str::to_owned).collect()
    };
    let tokens: Vec<String> = words.iter().flat_map(tokens).collect();
    let last = tokens.len().checked_sub(1)?;
    let terms = tokens.iter().enumerate().map(|(i, token)| {
        let begins = (parts || i == last) && token.chars().count() >= 3;
        format!("\"{token}\"{}", if begins { "*" } else { "" })
    });
    Some(terms.collect::<Vec<_>>().join(" AND "))
}

fn is_token(c: char) -> bool {
    // Circled and squared letters are "alphabetic" for Unicode, yet no letters for the index.
    c.is_alphanumeric() && !matches!(c as u32, 0x24B6..=0x24E9 | 0x1F100..=0x1F1FF)
}

fn ids(conn: &Connection, query: &str, most: i64) -> Result<Vec<i64>> {
    let mut statement = conn.prepare_cached(
        "SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid DESC LIMIT ?2",
    )?;
    let rows = statement.query_map((query, most), |r| r.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn add_prompts(
    conn: &Connection,
    ids: impl Iterator<Item = i64>,
    score: i64,
    known: &mut HashSet<Subject>,
    out: &mut Vec<Rough>,
) -> Result<()> {
    let mut statement = conn.prepare_cached(
        "SELECT session_id, COALESCE(at, 0) FROM prompt WHERE id = ?1 AND alias_of IS NULL",
    )?;
    for id in ids {
        add(&mut statement, Subject::Prompt(id), id, score, known, out)?;
    }
    Ok(())
}

fn add_steps(
    index: Index<'_>,
    ids: impl Iterator<Item = i64>,
    score: i64,
    known: &mut HashSet<Subject>,
    out: &mut Vec<Rough>,
) -> Result<()> {
    let mut statement = index
        .conn
        .prepare_cached("SELECT session_id, COALESCE(at, started_at, 0) FROM step WHERE id = ?1 AND alias_of IS NULL")?;
    for id in ids {
        match index.candidates.step(id) {
            Some((session, at)) => {
                if known.insert(Subject::Step(id)) {
                    out.push(Rough {
                        subject: Subject::Step(id),
                        session,
                        at,
                        score,
                        full_text: true,
                    });
                }
            }
            // A copy, or older than what is kept there.
            None => add(&mut statement, Subject::Step(id), id, score, known, out)?,
        }
    }
    Ok(())
}

fn add(
    statement: &mut rusqlite::CachedStatement<'_>,
    subject: Subject,
    id: i64,
    score: i64,
    known: &mut HashSet<Subject>,
    out: &mut Vec<Rough>,
) -> Result<()> {
    let mut rows = statement.query([id])?;
    if let Some(row) = rows.next()?
        && known.insert(subject)
    {
        out.push(Rough {
            subject,
            session: row.get(0)?,
            at: row.get(1)?,
            score,
            full_text: true,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_words_never_syntax() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let q = |text: &str| query_of(&words(text), true);
        assert_eq!(q("retry 503").as_deref(), Some("\"retry\"* AND \"503\"*"));
        assert_eq!(
            q("a\"b OR NEAR(x)").as_deref(),
            Some("\"a\" AND \"b\" AND \"OR\" AND \"NEAR\"* AND \"x\"")
        );
        assert_eq!(q("-- * ^ :"), None);
        assert_eq!(q("foo-bar").as_deref(), Some("\"foo\"* AND \"bar\"*"));
        let typed = |text: &str| query_of(&words(text), false);
        assert_eq!(
            typed("retry foo-ba fil").as_deref(),
            Some("\"retry\" AND \"foo\" AND \"ba\" AND \"fil\"*")
        );
        assert_eq!(typed("--"), None);
    }
}
