//! The bounded list in memory that fuzzy search works on: titles, the beginnings of prompts, targets of steps.
//!
//! It is read when it is first needed, and what was added to the store since is read before each search.

use std::collections::HashSet;

use color_eyre::Result;
use rusqlite::Connection;

use super::Rough;
use crate::model::StepKind;
use crate::query::title::one_line;

/// Never more than this many; the newest are kept.
const MOST: usize = 300_000;
/// A candidate's text, in characters.
const LONGEST: usize = 300;

/// What a candidate stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// The title of the session, where it is not the first prompt.
    Title,
    /// A prompt.
    Prompt(i64),
    /// A step.
    Step(i64),
}

/// One line that can be found.
#[derive(Debug)]
pub(super) struct Candidate {
    pub subject: Subject,
    pub session: i64,
    pub at: i64,
    letters: u64,
    start: u32,
    len: u16,
}

/// The list, newest last.
#[derive(Debug, Default)]
pub struct Candidates {
    all: Vec<Candidate>,
    /// Which letters occur in each: one bit for one letter. Apart, because most are refused by nothing else.
    letters: Vec<u64>,
    text: String,
    last_prompt: i64,
    last_step: i64,
    titled: HashSet<i64>,
    /// Where steps belong and when they were, ascending by their ids: what full text finds is ranked by it. Of the newest
    /// only, as the list.
    steps: Vec<(i64, i64, i64)>,
    /// The last query and what of the list it could match, to narrow from.
    pub(super) narrowed: Option<(String, usize, Vec<u32>)>,
}

/// One bit for a letter, digit or sign; letters beyond ASCII share the last bits.
pub(super) fn letters(text: &str) -> u64 {
    text.chars().fold(0, |mask, c| {
        mask | 1u64
            << match c.to_ascii_lowercase() {
                c @ 'a'..='z' => c as u32 - 'a' as u32,
                c @ '0'..='9' => 26 + c as u32 - '0' as u32,
                c if c.is_ascii() => 36 + (c as u32 % 20),
                // Case of other scripts is not folded here: all of a script share what their folding shares.
                _ => 60,
            }
    })
}

impl Candidates {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The letters of one of them.
    pub(super) fn letters(&self, index: usize) -> u64 {
        self.letters[index]
    }

    /// The session and the time of a step, if it is among those that are known here.
    pub(super) fn step(&self, id: i64) -> Option<(i64, i64)> {
        let at = self.steps.binary_search_by_key(&id, |s| s.0).ok()?;
        let (_, session, at) = self.steps[at];
        Some((session, at))
    }

    pub(super) fn get(&self, index: usize) -> (&Candidate, &str) {
        let c = &self.all[index];
        (
            c,
            &self.text[c.start as usize..c.start as usize + usize::from(c.len)],
        )
    }

    /// Takes in what the store has got since.
    pub(super) fn refresh(&mut self, conn: &Connection) -> Result<()> {
        let (prompt, step): (i64, i64) = conn
            .prepare_cached("SELECT COALESCE((SELECT max(id) FROM prompt), 0), COALESCE((SELECT max(id) FROM step), 0)")?
            .query_row([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        if prompt < self.last_prompt || step < self.last_step {
            // Rows went away: a session was folded anew, or all of them.
            *self = Candidates::default();
        }
        if prompt == self.last_prompt && step == self.last_step {
            return Ok(());
        }
        let before = self.all.len();
        self.take_prompts(conn)?;
        self.take_steps(conn)?;
        (self.last_prompt, self.last_step) = (prompt, step);
        if before == 0 {
            self.all.sort_by_key(|c| c.at);
        }
        if self.all.len() > MOST + MOST / 8 {
            self.forget_oldest();
        }
        self.letters = self.all.iter().map(|c| c.letters).collect();
        self.narrowed = None;
        Ok(())
    }

    fn take_prompts(&mut self, conn: &Connection) -> Result<()> {
        let mut statement = conn.prepare_cached(
            "SELECT p.id, p.session_id, COALESCE(p.at, e.started_at, 0), substr(p.head, 1, 400), e.title, p.no
               FROM prompt p JOIN session e ON e.id = p.session_id
              WHERE p.id > ?1 AND p.alias_of IS NULL ORDER BY p.id",
        )?;
        let mut rows = statement.query([self.last_prompt])?;
        while let Some(row) = rows.next()? {
            let (id, session, at): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let head = one_line(row.get_ref(3)?.as_str()?, LONGEST);
            let title = row.get_ref(4)?.as_str_or_null()?.unwrap_or_default();
            // A title is nearly always a prompt's beginning, and then it would be found twice.
            if row.get::<_, u32>(5)? == 1 && self.titled.insert(session) {
                let title = one_line(title, LONGEST);
                let shared = title.trim_end_matches('…');
                if !title.is_empty() && !head.starts_with(shared) {
                    self.push(Subject::Title, session, at, &title);
                }
            }
            self.push(Subject::Prompt(id), session, at, &head);
        }
        Ok(())
    }

    fn take_steps(&mut self, conn: &Connection) -> Result<()> {
        let mut statement = conn.prepare_cached(
            "SELECT id, session_id, COALESCE(at, started_at, 0), kind, target FROM step
              WHERE id > ?1 AND alias_of IS NULL ORDER BY id DESC LIMIT ?2",
        )?;
        let mut rows = statement.query((self.last_step, MOST as i64))?;
        let known = self.steps.len();
        while let Some(row) = rows.next()? {
            let (id, session, at): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            self.steps.push((id, session, at));
            // Words of the agent are full text; a hundred thousand of them would hide what people look for by its name.
            let kind: u8 = row.get(3)?;
            let target = row.get_ref(4)?.as_str()?;
            let spoken = kind == StepKind::Message as u8 || kind == StepKind::Notice as u8;
            if !spoken && !target.is_empty() {
                self.push(Subject::Step(id), session, at, &one_line(target, LONGEST));
            }
        }
        self.steps[known..].reverse();
        Ok(())
    }

    fn push(&mut self, subject: Subject, session: i64, at: i64, text: &str) {
        // Only matched against, never shown: in lower case once, not at every key.
        let text = text.to_lowercase();
        let (Ok(start), Ok(len)) = (u32::try_from(self.text.len()), u16::try_from(text.len()))
        else {
            return;
        };
        self.text.push_str(&text);
        self.all.push(Candidate {
            subject,
            session,
            at,
            letters: letters(&text),
            start,
            len,
        });
    }

    fn forget_oldest(&mut self) {
        self.all.sort_by_key(|c| c.at);
        let drop = self.all.len() - MOST;
        let (mut text, mut kept) = (String::new(), Vec::with_capacity(MOST));
        for mut c in self.all.drain(..).skip(drop) {
            let old = &self.text[c.start as usize..c.start as usize + usize::from(c.len)];
            c.start = text.len() as u32;
            text.push_str(old);
            kept.push(c);
        }
        (self.all, self.text) = (kept, text);
    }

    /// Prompts with these texts, the first the oldest.
    #[cfg(test)]
    pub(super) fn of(texts: &[String]) -> Candidates {
        let mut out = Candidates::default();
        for (i, text) in (0..).zip(texts) {
            out.push(Subject::Prompt(i), i % 5, i, text);
        }
        out.letters = out.all.iter().map(|c| c.letters).collect();
        out
    }

    /// What an empty box shows.
    pub(super) fn newest_prompts(&self, limit: usize) -> Vec<Rough> {
        let prompts = self
            .all
            .iter()
            .rev()
            .filter(|c| matches!(c.subject, Subject::Prompt(_)));
        prompts
            .take(limit)
            .map(|c| Rough {
                subject: c.subject,
                session: c.session,
                at: c.at,
                score: 0,
                full_text: false,
            })
            .collect()
    }
}
