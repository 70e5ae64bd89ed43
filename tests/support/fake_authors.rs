//! Made-up answers about authors: from the texts of the story's changes, line by line, by text alone.

use std::sync::Arc;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use regent_tui::model::{Agent, Author, Evidence, Op};
use regent_tui::query::blame::*;
use regent_tui::query::types::*;

use super::story::{self, Step};

/// The texts that a file had, and the steps that made them.
pub struct Past {
    path: String,
    texts: Vec<Vec<String>>,
    steps: Vec<StepInfo>,
    evidence: Vec<Evidence>,
    reads: Vec<StepInfo>,
    changes: Vec<FileChange>,
}

fn lines(content: &Content) -> Vec<String> {
    match content {
        Content::Text(text) => text.lines().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

impl Past {
    pub fn of<'a>(path: &str, all: impl Iterator<Item = &'a Step>) -> Result<Past> {
        let mut past = Past {
            path: path.to_owned(),
            texts: Vec::new(),
            steps: Vec::new(),
            evidence: Vec::new(),
            reads: Vec::new(),
            changes: Vec::new(),
        };
        for step in all {
            for change in step.changes.iter().filter(|c| c.path == path) {
                if past.texts.is_empty() {
                    past.texts.push(lines(&change.before));
                }
                past.texts.push(lines(&change.after));
                past.steps.push(step.info.clone());
                past.evidence.push(change.evidence);
                past.changes.push(change.clone());
            }
            if step.changes.is_empty() && step.info.target == path {
                past.reads.push(step.info.clone());
            }
        }
        match past.texts.is_empty() {
            true => Err(eyre!("no session read or changed {path}")),
            false => Ok(past),
        }
    }

    /// How many changes were made by then.
    fn turns(&self, when: When) -> usize {
        match when {
            When::Now => self.steps.len(),
            When::Turns(n) => n as usize,
            When::After(step) => self.steps.iter().filter(|s| s.row <= step).count(),
            When::Before(step) => self.steps.iter().filter(|s| s.row < step).count(),
        }
    }

    /// Which change wrote a line, if one did.
    fn by(&self, line: &str, turns: usize) -> Option<usize> {
        let has = |n: usize| self.texts[n].iter().any(|l| l.trim() == line.trim());
        (0..turns).rev().find(|n| has(n + 1) && !has(*n))
    }

    fn origin(&self, by: Option<usize>) -> Origin {
        let step = by.map(|n| self.steps[n].clone());
        let before = step.is_none();
        Origin {
            author: if before {
                Author::Before
            } else {
                Author::Agent
            },
            evidence: by.map(|n| self.evidence[n]),
            at: step.as_ref().map_or(Some(story::at("09:00:00")), |s| s.at),
            root: step.as_ref().map(|s| s.session),
            agent: step.as_ref().map(|_| Agent::Claude),
            prompt_text: step
                .as_ref()
                .map(|s| Arc::from(format!("prompt {}", s.prompt_no))),
            step,
            until: None,
            commit: before.then(|| "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678".to_owned()),
        }
    }

    pub fn blame(&self, query: &BlameQuery) -> Blame {
        let turns = self.turns(query.when);
        let mut origins = vec![self.origin(None)];
        origins.extend((0..turns).map(|n| self.origin(Some(n))));
        let text = &self.texts[turns];
        let line = |(n, text): (usize, &String)| BlameLine {
            line: n as u32 + 1,
            text: text.clone(),
            origin: self.by(text, turns).map_or(0, |n| n + 1),
            alternatives: Vec::new(),
            moved: (text.contains("Ok(response)") && turns > 1).then_some(2),
            spaced: None,
        };
        Blame {
            path: self.path.clone(),
            total: text.len() as u32,
            lines: text.iter().enumerate().map(line).collect(),
            origins,
            note: None,
            unrecorded: false,
        }
    }

    pub fn back(&self, query: &BlameQuery) -> Vec<Back> {
        let turns = self.turns(query.when);
        let (from, _) = query.range.unwrap_or((1, 1));
        let line = &self.texts[turns][from as usize - 1];
        let Some(by) = self.by(line, turns) else {
            return Vec::new();
        };
        let before = When::Turns(by as u32);
        let mut replaced = self.blame(&BlameQuery {
            when: before,
            ..query.clone()
        });
        replaced
            .lines
            .retain(|l| !self.texts[by + 1].contains(&l.text));
        vec![Back {
            undone: self.origin(Some(by)),
            nearest: (0..replaced.lines.len())
                .min_by_key(|n| replaced.lines[*n].line.abs_diff(from)),
            replaced,
            before,
        }]
    }

    pub fn whereabouts(&self, when: When, line: u32) -> Whereabouts {
        let turns = self.turns(when);
        let text = &self.texts[turns][line as usize - 1];
        let now = &self.texts[self.steps.len()];
        if let Some(at) = now.iter().position(|l| l == text) {
            return Whereabouts::Here(self.path.clone(), at as u32 + 1);
        }
        let gone = (turns..self.steps.len()).find(|n| !self.texts[n + 1].contains(text));
        Whereabouts::Gone(Box::new(self.origin(gone)))
    }

    pub fn history(&self) -> History {
        let entry = |step: &StepInfo| HistoryEntry {
            author: None,
            step: Some(step.clone()),
            agent: Some(Agent::Claude),
            root: Some(step.session),
            prompt: format!("prompt {}", step.prompt_no),
            path: self.path.clone(),
            op: None,
            old_path: None,
            evidence: None,
            added: 0,
            removed: 0,
            before: Content::Unknown,
            after: Content::Unknown,
        };
        let mut entries: Vec<HistoryEntry> = self.reads.iter().map(entry).collect();
        for (step, change) in self.steps.iter().zip(&self.changes) {
            entries.push(HistoryEntry {
                op: Some(change.op),
                evidence: Some(change.evidence),
                added: change.added,
                removed: change.removed,
                before: change.before.clone(),
                after: change.after.clone(),
                ..entry(step)
            });
        }
        if let Some(last) = self.changes.last() {
            entries.push(HistoryEntry {
                step: None,
                op: Some(Op::Modify),
                added: 1,
                before: last.after.clone(),
                after: Content::Text("nobody saw this\n".into()),
                ..entry(&self.steps[0])
            });
        }
        entries.reverse();
        History {
            path: self.path.clone(),
            entries,
        }
    }
}

/// What became of the lines of a prompt.
pub fn alive(session: SessionRow) -> Alive {
    Alive {
        written: 40,
        alive: 31,
        replaced: vec![(
            Replacer::Prompt(session, "ssession00000000".to_owned(), 4),
            9,
        )],
        unknown: 0,
    }
}

/// What became of the lines of a step.
pub fn fate(by: Option<StepInfo>) -> Fate {
    let by = by.map(|step| Later {
        root: step.session,
        step,
        lines: 2,
    });
    Fate {
        written: 14,
        alive: 12,
        by: by.into_iter().collect(),
        nobody: 0,
        unknown: 0,
    }
}
