//! The full-text index. What a user types never reaches its syntax: only words, each in quotes.

use std::collections::HashSet;

use color_eyre::Result;
use rusqlite::Connection;

use super::candidates::{Candidates, Subject};
use super::{Rough, fuzzy};

/// The newest so many hits are looked at.
const NEWEST: i64 = 2_000;
const NEWEST_PROMPTS: i64 = 500;

/// Adds what the index finds and is not there yet.
pub(super) fn search(
    conn: &Connection,
    candidates: &Candidates,
    words: &[String],
    out: &mut Vec<Rough>,
) -> Result<()> {
    // A plain find among the candidates comes first, then what people wrote, then what agents and tools did.
    let letters: i64 = words.iter().map(|w| w.chars().count() as i64).sum();
    let scores = (fuzzy::PLAIN * letters, (fuzzy::PLAIN - 8) * letters);
    let mut known: HashSet<Subject> = out.iter().map(|r| r.subject).collect();
    if let Some(query) = query_of(words) {
        // Row ids of prompts and steps are not on one scale, so each kind has its own bound.
        let prompts = ids(conn, &format!("{{prompt}} : ({query})"), NEWEST_PROMPTS)?;
        let steps = ids(conn, &format!("{{said input output}} : ({query})"), NEWEST)?;
        add_prompts(
            conn,
            prompts.iter().map(|id| id / 2),
            scores.0,
            &mut known,
            out,
        )?;
        add_steps(
            (conn, candidates),
            steps.iter().filter(|id| *id % 2 == 1).map(|id| id / 2),
            scores.1,
            &mut known,
            out,
        )?;
    }
    let phrase = words.join(" ");
    if !phrase.is_ascii() && phrase.chars().count() >= 3 {
        let quoted = format!("\"{}\"", phrase.replace('"', "\"\"").replace('\0', " "));
        let mut statement = conn.prepare_cached(
            "SELECT rowid FROM letters WHERE letters MATCH ?1 ORDER BY rowid DESC LIMIT ?2",
        )?;
        let found = statement
            .query_map((quoted, NEWEST_PROMPTS), |r| r.get(0))?
            .collect::<rusqlite::Result<Vec<i64>>>()?;
        add_prompts(conn, found.into_iter(), scores.0, &mut known, out)?;
    }
    Ok(())
}

/// All words, each by its beginning from three letters on; `None` if there is none to ask for.
///
/// The index keeps no positions, so it refuses phrases: a word is cut where the index's own tokenizer cuts it. A
/// character of which that is not certain is a cut too, which finds more, never an error.
fn query_of(words: &[String]) -> Option<String> {
    let mut terms = Vec::new();
    for word in words {
        for token in word.split(|c: char| !is_token(c)).filter(|t| !t.is_empty()) {
            let star = if token.chars().count() >= 3 { "*" } else { "" };
            terms.push(format!("\"{token}\"{star}"));
        }
    }
    (!terms.is_empty()).then(|| terms.join(" AND "))
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
    (conn, candidates): (&Connection, &Candidates),
    ids: impl Iterator<Item = i64>,
    score: i64,
    known: &mut HashSet<Subject>,
    out: &mut Vec<Rough>,
) -> Result<()> {
    let mut statement = conn
        .prepare_cached("SELECT session_id, COALESCE(at, started_at, 0) FROM step WHERE id = ?1 AND alias_of IS NULL")?;
    for id in ids {
        match candidates.step(id) {
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
        let q = |text: &str| query_of(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(q("retry 503").as_deref(), Some("\"retry\"* AND \"503\"*"));
        assert_eq!(
            q("a\"b OR NEAR(x)").as_deref(),
            Some("\"a\" AND \"b\" AND \"OR\" AND \"NEAR\"* AND \"x\"")
        );
        assert_eq!(q("-- * ^ :"), None);
        assert_eq!(q("foo-bar").as_deref(), Some("\"foo\"* AND \"bar\"*"));
    }
}
