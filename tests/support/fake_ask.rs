//! Answers that are made up: a story, or a session of a million steps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use color_eyre::Result;
use color_eyre::eyre::eyre;
use regent_tui::model::{Agent, Status, StepKind, Time, Via};
use regent_tui::query::Ask;
use regent_tui::query::blame::{
    Alive, Back, Blame, BlameQuery, Fate, History, Stop, Stopped, When, Whereabouts,
};
use regent_tui::query::types::*;
use regent_tui::ui::worker::Asker;

use super::fake_authors::{self, Past};
use super::story::{self, Prompt, Step};

/// What is shared by all threads that ask.
pub struct Fake {
    pub sessions: Vec<SessionInfo>,
    pub prompts: Vec<Prompt>,
    pub memos: Mutex<HashMap<String, String>>,
    pub viewed: Mutex<HashMap<String, bool>>,
    /// With this many steps the session is generated instead.
    pub many: u32,
    /// What is left of a session is counted for as long as somebody waits for it.
    pub endless: bool,
    /// Sessions that their agent will delete soon.
    pub expiring: u32,
}

impl Fake {
    /// The story.
    pub fn story() -> Arc<Fake> {
        Arc::new(Fake {
            sessions: story::sessions(),
            prompts: story::prompts(),
            memos: Mutex::default(),
            viewed: Mutex::default(),
            many: 0,
            endless: false,
            expiring: 0,
        })
    }

    /// The story with its session live: it opens at its end.
    pub fn live() -> Arc<Fake> {
        let mut fake = Fake::story();
        if let Some(fake) = Arc::get_mut(&mut fake) {
            fake.sessions[0].live = true;
        }
        fake
    }

    /// The live story, with what its hooks told: when something last, and when a permission was asked for.
    pub fn told(told: &str, asked: Option<&str>) -> Arc<Fake> {
        let mut fake = Fake::live();
        if let Some(fake) = Arc::get_mut(&mut fake) {
            fake.sessions[0].told_at = Some(story::at(told));
            fake.sessions[0].asked_at = asked.map(story::at);
        }
        fake
    }

    /// Nothing at all.
    pub fn empty() -> Arc<Fake> {
        let mut fake = Fake::story();
        if let Some(fake) = Arc::get_mut(&mut fake) {
            fake.sessions.clear();
        }
        fake
    }

    /// A session with this many steps.
    pub fn many(steps: u32) -> Arc<Fake> {
        let mut fake = Fake::live();
        if let Some(fake) = Arc::get_mut(&mut fake) {
            fake.many = steps;
        }
        fake
    }

    /// As the screen wants it.
    pub fn asker(self: &Arc<Fake>) -> Asker {
        let fake = self.clone();
        Arc::new(move || Ok(Box::new(Answers(fake.clone(), Mutex::default())) as Box<dyn Ask>))
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.prompts.iter().flat_map(|p| &p.steps)
    }

    fn step(&self, row: StepRow) -> Result<Step> {
        if self.many > 0 {
            let n = row.0;
            let kind = generated_kind(n);
            let made = story::step(n, kind, &format!("src/part_{n}.rs"), "14:20:00");
            return Ok(if fails(n) { made.failed(1) } else { made });
        }
        let found = self.steps().find(|s| s.info.row == row).cloned();
        found.ok_or_else(|| eyre!("no step {row:?}"))
    }
}

fn generated_kind(n: i64) -> StepKind {
    [
        StepKind::Read,
        StepKind::Edit,
        StepKind::Command,
        StepKind::Search,
    ][(n % 4) as usize]
}

fn fails(n: i64) -> bool {
    n % 97 == 96
}

struct Answers(Arc<Fake>, Mutex<Option<Stop>>);

impl Ask for Answers {
    fn sessions(&self) -> Result<SessionList> {
        Ok(SessionList {
            sessions: self.0.sessions.clone(),
            elsewhere: 212,
            looked_in: vec![
                ("/home/ada/.claude/projects".to_owned(), 180),
                ("/home/ada/.codex/sessions".to_owned(), 32),
            ],
            expiring: vec![Expiring {
                agent: Agent::Claude,
                after_days: 30,
                within_days: 7,
                setting: "`cleanupPeriodDays` in its settings.json",
                sessions: self.0.expiring,
                kept: self.0.expiring.min(4),
            }],
        })
    }

    fn version(&self) -> Result<i64> {
        Ok(1)
    }

    fn timeline(&self, session: SessionRow) -> Result<Timeline> {
        let info = self.0.sessions.iter().find(|s| s.row == session);
        let info = info.ok_or_else(|| eyre!("no session {session:?}"))?.clone();
        if self.0.many > 0 {
            return Ok(generated(info, self.0.many));
        }
        let mut steps = Vec::new();
        let mut prompts = Vec::new();
        for (no, prompt) in (1..).zip(&self.0.prompts) {
            let from = steps.len() as u32;
            steps.extend(prompt.steps.iter().map(|s| StepLite {
                row: s.info.row,
                kind: s.info.kind,
                status: s.info.status,
                changed: !s.changes.is_empty(),
                test: s.info.test,
                depth: s.depth,
                off_path: s.info.off_path,
            }));
            prompts.push(PromptHead {
                session: info.row,
                agent: None,
                row: Some(PromptRow(no.into())),
                no,
                at: Some(prompt.at),
                via: prompt.via,
                head: prompt.text.clone(),
                off_path: false,
                steps: from..steps.len() as u32,
            });
        }
        Ok(Timeline {
            session: info,
            prompts,
            steps: Arc::new(steps),
            rewinds: Vec::new(),
        })
    }

    fn rows(&self, steps: &[StepRow]) -> Result<Vec<StepInfo>> {
        let found = steps.iter().filter_map(|row| self.0.step(*row).ok());
        Ok(found.map(|s| s.info).collect())
    }

    fn step(&self, step: StepRow) -> Result<StepDetail> {
        let found = self.0.step(step)?;
        let no = found.info.prompt_no.max(1) as usize;
        Ok(StepDetail {
            prompt_text: self.0.prompts[no - 1].text.clone(),
            reply: found.reply,
            input: found.info.target.clone(),
            output: found.output,
            output_cut: 0,
            shown: (found.info.kind == StepKind::Read).then(|| Shown {
                path: found.info.target.clone(),
                text: Arc::from(story::RETRY_0),
                first_line: 1,
            }),
            changes: found.changes,
            raw: vec!["{\"type\":\"assistant\"}".to_owned()],
            info: found.info,
        })
    }

    fn prompt(&self, _session: SessionRow, no: u32) -> Result<PromptDetail> {
        let at = (no as usize).saturating_sub(1) % self.0.prompts.len();
        let prompt = &self.0.prompts[at];
        Ok(PromptDetail {
            id: Some(format!("pprompt{no:0>10}")),
            no,
            of: self.0.prompts.len() as u32,
            at: Some(prompt.at),
            via: prompt.via,
            text: prompt.text.clone(),
            reply: prompt.reply.clone(),
            duration_ms: Some(38_000),
        })
    }

    fn changes(&self, scope: Scope) -> Result<Vec<FileChange>> {
        let mut changes: Vec<FileChange> = Vec::new();
        for step in self.0.steps() {
            let within = match scope {
                Scope::Step(row) => step.info.row == row,
                Scope::Prompt(_, no) => step.info.prompt_no == no,
                Scope::Session(_) => true,
                Scope::Between(a, b) => step.info.row > a.min(b) && step.info.row <= a.max(b),
                Scope::Now(row) => step.info.row > row,
                Scope::Rewind(_) => false,
            };
            for change in step.changes.iter().filter(|_| within) {
                match changes.iter_mut().find(|c| c.path == change.path) {
                    Some(known) => known.after = change.after.clone(),
                    None => changes.push(change.clone()),
                }
            }
        }
        Ok(changes)
    }

    fn summary(&self, session: SessionRow) -> Result<Summary> {
        let timeline = self.timeline(session)?;
        let viewed = self.0.viewed.lock().map_err(|e| eyre!("{e}"))?;
        let file = |path: &str, class, added, removed| SummaryFile {
            path: path.to_owned(),
            class,
            op: story::change(path, "a\n", "b\n", regent_tui::model::Evidence::Recorded).op,
            added,
            removed,
            evidence: regent_tui::model::Evidence::Recorded,
            viewed: viewed.get(path).copied().unwrap_or(false),
            state: "1".to_owned(),
            last_step: StepRow(17),
        };
        Ok(Summary {
            last_words: "Logged at debug level. The retry loop now gives up after **five** tries."
                .to_owned(),
            last_test: self.0.step(StepRow(16)).ok().map(|s| s.info),
            prompts: timeline.prompts.into_iter().map(|p| (p, 1, 0)).collect(),
            risky: vec![(self.0.step(StepRow(18))?.info, "removes files")],
            files: vec![
                file("src/http/retry.rs", FileClass::Source, 14, 3),
                file("tests/retry.rs", FileClass::Test, 9, 1),
                file("Cargo.lock", FileClass::Generated, 120, 4),
            ],
            session: timeline.session,
        })
    }

    fn filter(&self, _session: SessionRow, filter: &Filter) -> Result<Vec<StepRow>> {
        if self.0.many > 0 {
            let kept = (0..i64::from(self.0.many)).filter(|n| {
                let kind = generated_kind(*n);
                (filter.kinds.is_empty() || filter.kinds.contains(&kind))
                    && (!filter.failed || fails(*n))
            });
            return Ok(kept.map(StepRow).collect());
        }
        let kept = self.0.steps().filter(|s| {
            (filter.kinds.is_empty() || filter.kinds.contains(&s.info.kind))
                && (!filter.failed || s.info.status == Status::Failed)
                && filter.words.iter().all(|w| s.info.target.contains(w))
        });
        Ok(kept.map(|s| s.info.row).collect())
    }

    fn find(&self, query: &str, limit: usize) -> Result<Found> {
        let mut hits = Vec::new();
        for (no, prompt) in (1..).zip(&self.0.prompts) {
            if let Some(at) = prompt.text.find(query) {
                let from = prompt.text[..at].chars().count() as u32;
                hits.push(Hit {
                    session: self.0.sessions[0].clone(),
                    what: HitWhat::Prompt(PromptRow(no.into()), no),
                    text: prompt.text.clone(),
                    matched: (from..from + query.chars().count() as u32).collect(),
                    at: Some(prompt.at),
                });
            }
        }
        for step in self.0.steps() {
            if let Some(at) = step.info.target.find(query) {
                let from = step.info.target[..at].chars().count() as u32;
                hits.push(Hit {
                    session: self.0.sessions[0].clone(),
                    what: HitWhat::Step(Box::new(step.info.clone())),
                    text: step.info.target.clone(),
                    matched: (from..from + query.chars().count() as u32).collect(),
                    at: step.info.at,
                });
            }
        }
        hits.truncate(limit);
        Ok(Found {
            query: query.to_owned(),
            total: hits.len() as u32,
            sessions: u32::from(!hits.is_empty()),
            more: false,
            hits,
        })
    }

    fn resolve_step(&self, text: &str) -> Result<(SessionRow, StepRow)> {
        let found = self.0.steps().find(|s| s.info.id == text);
        let found = found.ok_or_else(|| eyre!("no step is called {text}"))?;
        Ok((SessionRow(1), found.info.row))
    }

    fn step_at(&self, _session: SessionRow, at: Time) -> Result<Option<StepRow>> {
        let near = self.0.steps().min_by_key(|s| {
            let t = s.info.at.unwrap_or(at);
            t.since(at) + at.since(t)
        });
        Ok(near.map(|s| s.info.row))
    }

    fn file_at(&self, _step: StepRow, _path: &str) -> Result<Content> {
        Ok(Content::Unknown)
    }

    fn files(&self) -> Result<Vec<(String, StepRow)>> {
        Ok(vec![
            ("src/http/retry.rs".to_owned(), StepRow(17)),
            ("tests/retry.rs".to_owned(), StepRow(15)),
            ("README.md".to_owned(), StepRow(1)),
        ])
    }

    fn blame(&self, query: &BlameQuery) -> Result<Blame> {
        Ok(Past::of(&query.path, self.0.steps())?.blame(query))
    }

    fn walk_back(&self, query: &BlameQuery, _times: u32) -> Result<Vec<Back>> {
        Ok(Past::of(&query.path, self.0.steps())?.back(query))
    }

    fn whereabouts(&self, path: &str, when: When, line: u32) -> Result<Whereabouts> {
        Ok(Past::of(path, self.0.steps())?.whereabouts(when, line))
    }

    fn history(&self, path: &str) -> Result<History> {
        Ok(Past::of(path, self.0.steps())?.history())
    }

    fn alive(&self, session: SessionRow, no: Option<u32>) -> Result<Alive> {
        while no.is_none() && self.0.endless {
            let stop = self.1.lock().unwrap().clone();
            if stop.is_none_or(|stop| stop()) {
                return Err(Stopped.into());
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        Ok(match no {
            None | Some(3) => fake_authors::alive(session),
            _ => Alive::default(),
        })
    }

    fn stop_when(&self, stop: Stop) {
        *self.1.lock().unwrap() = Some(stop);
    }

    fn fate(&self, step: StepRow) -> Result<Fate> {
        Ok(match step.0 {
            12 => fake_authors::fate(self.0.step(StepRow(17)).ok().map(|s| s.info)),
            _ => Fate::default(),
        })
    }

    fn memo(&self, name: &str) -> Result<Option<String>> {
        let memos = self.0.memos.lock().map_err(|e| eyre!("{e}"))?;
        Ok(memos.get(name).cloned())
    }

    fn set_memo(&self, name: &str, value: &str) -> Result<()> {
        let mut memos = self.0.memos.lock().map_err(|e| eyre!("{e}"))?;
        memos.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    fn set_viewed(
        &self,
        _session: SessionRow,
        path: &str,
        _state: &str,
        viewed: bool,
    ) -> Result<()> {
        let mut ticks = self.0.viewed.lock().map_err(|e| eyre!("{e}"))?;
        ticks.insert(path.to_owned(), viewed);
        Ok(())
    }
}

/// A hundred steps under each prompt.
fn generated(session: SessionInfo, count: u32) -> Timeline {
    let lite = |n: u32| StepLite {
        row: StepRow(n.into()),
        kind: generated_kind(n.into()),
        status: if fails(n.into()) {
            Status::Failed
        } else {
            Status::Ok
        },
        changed: n % 4 == 1,
        test: None,
        depth: 0,
        off_path: false,
    };
    let head = |no: u32| PromptHead {
        session: session.row,
        agent: None,
        row: Some(PromptRow(no.into())),
        no,
        at: session.started_at,
        via: Via::Typed,
        head: format!("prompt number {no}"),
        off_path: false,
        steps: (no - 1) * 100..(no * 100).min(count),
    };
    Timeline {
        prompts: (1..=count.div_ceil(100)).map(head).collect(),
        steps: Arc::new((0..count).map(lite).collect()),
        rewinds: Vec::new(),
        session,
    }
}
