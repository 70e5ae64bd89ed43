//! What lines point to: steps with their prompts, commits, nobody. Each is read once.

use std::collections::HashMap;
use std::sync::Arc;

use color_eyre::Result;
use color_eyre::eyre::eyre;

use super::super::types::{SessionRow, StepRow};
use super::super::{changes, raw, rows};
use super::story::{Maker, Story};
use super::tool;
use super::types::Origin;
use crate::model::{Agent, Author, Evidence, StepKind, Time};
use crate::store::Reader;

/// Collects origins as lines ask for them.
pub(super) struct Origins<'a> {
    reader: &'a Reader,
    story: &'a Story,
    all: Vec<Origin>,
    known: HashMap<(u32, Option<String>), usize>,
    prompts: HashMap<(SessionRow, u32), Arc<str>>,
}

impl<'a> Origins<'a> {
    pub fn new(reader: &'a Reader, story: &'a Story) -> Origins<'a> {
        Origins {
            reader,
            story,
            all: Vec::new(),
            known: HashMap::new(),
            prompts: HashMap::new(),
        }
    }

    /// All that was asked for.
    pub fn done(self) -> Vec<Origin> {
        self.all
    }

    /// The number of a maker's origin; for what is older than the records, of the commit that has it.
    pub fn number(&mut self, maker: u32, commit: Option<&(String, Time)>) -> Result<usize> {
        let key = (maker, commit.map(|(id, _)| id.clone()));
        if let Some(n) = self.known.get(&key) {
            return Ok(*n);
        }
        let mut origin = self.origin(maker)?;
        if let Some((id, at)) = commit {
            (origin.commit, origin.at) = (Some(id.clone()), Some(*at));
        }
        self.all.push(origin);
        self.known.insert(key, self.all.len() - 1);
        Ok(self.all.len() - 1)
    }

    /// A maker as an origin of its own.
    pub fn origin(&mut self, maker: u32) -> Result<Origin> {
        let mut origin = Origin {
            author: Author::Unknown,
            evidence: None,
            step: None,
            root: None,
            agent: None,
            prompt_text: None,
            at: None,
            until: None,
            commit: None,
        };
        match &self.story.makers[maker as usize] {
            Maker::Before { seen } => {
                origin.author = Author::Before;
                origin.evidence = Some(Evidence::Recorded);
                origin.until = seen.and_then(|s| s.0);
            }
            Maker::Nobody {
                author,
                after,
                until,
            } => {
                origin.author = *author;
                origin.evidence = (*author != Author::Unknown).then_some(Evidence::Observed);
                (origin.at, origin.until) = (*after, *until);
            }
            Maker::Step { step, evidence, .. } => {
                origin.evidence = Some(*evidence);
                self.of_step(&mut origin, *step)?;
            }
        }
        Ok(origin)
    }

    fn of_step(&mut self, origin: &mut Origin, step: StepRow) -> Result<()> {
        let conn = self.reader.conn();
        let info = rows::steps(conn, &[step])?.pop().ok_or_else(|| {
            eyre!(
                "the store names a step (number {}) that it does not have",
                step.0
            )
        })?;
        origin.author = if info.kind == StepKind::Command && tool::known(&info.target) {
            Author::Tool
        } else {
            Author::Agent
        };
        origin.at = info.at.or(info.started_at);
        origin.agent = agent(self.reader, info.session)?;
        let root = changes::root_of(conn, info.session)?;
        origin.root = Some(root);
        let key = (root, info.prompt_no);
        let text = match self.prompts.get(&key) {
            Some(text) => text.clone(),
            None => {
                let text: Arc<str> = raw::prompt_text(self.reader, root, info.prompt_no)?.into();
                self.prompts.insert(key, text.clone());
                text
            }
        };
        origin.prompt_text = (!text.is_empty()).then_some(text);
        origin.step = Some(info);
        Ok(())
    }
}

/// Whose session it is.
pub(super) fn agent(reader: &Reader, session: SessionRow) -> Result<Option<Agent>> {
    let code: u8 = reader
        .conn()
        .prepare_cached("SELECT agent FROM session WHERE id = ?1")?
        .query_row([session.0], |r| r.get(0))?;
    Ok(Agent::from_code(code))
}
