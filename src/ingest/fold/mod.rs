//! From events to rows: joins calls to results, numbers prompts and steps, finds branches, counts.
//!
//! A fold is a state machine over the events of one session: the same events give the same rows, however the
//! transcript was cut into reads. It reads no disk and no store; contents go out through [`Env::keep`].

mod beside;
mod files;
mod odd;
mod state;
mod steps;
mod words;

use std::sync::Arc;

use color_eyre::Result;
use color_eyre::eyre::WrapErr;

use self::state::{FoldState, OpenStep, PromptNode, Queued, hash64};
use self::steps::Plain;
use super::roots::{Roots, absolute};
use crate::model::{Agent, BlobHash, Id, IdKind, Status, Via};
use crate::source::{Body, Context, Event, Relation, SessionHead, Usage};
use crate::store::rows::{NamedRecord, PathRecord, PromptRecord, SessionBatch, Span, StepBatch};

pub(crate) use files::{line_counts, replace};

/// Characters of a target that the store keeps.
const TARGET: usize = 400;
/// Characters of a title.
const TITLE: usize = 200;
/// Characters of the last words that the session's row keeps.
const LAST_WORDS: usize = 600;
/// Bytes of a message that are searchable.
const SEARCHABLE: usize = 8 * 1024;
/// Bytes of an input that are searchable: a command and a question whole, of a file that was written the beginning.
const INPUT: usize = 4 * 1024;
/// Requests of which a further record may still come.
const REQUESTS: usize = 4;
/// Queue texts that are remembered to recognise their later record.
const TAKEN: usize = 16;

/// What a fold needs from around it.
pub struct Env<'a> {
    /// The roots of the store.
    pub roots: &'a Roots,
    /// Keeps a content and names it.
    pub keep: &'a mut dyn FnMut(&[u8]) -> BlobHash,
    /// The session was asked for by name (or everything was): it belongs, wherever it ran.
    pub named: bool,
}

/// The fold of one session.
pub struct Folder {
    state: FoldState,
    own_root: Option<Arc<[u8]>>,
    prompts: Vec<PromptRecord>,
    steps: Vec<StepBatch>,
    unknown: Vec<(String, String, u32)>,
    damaged: Vec<(Span, String)>,
    named: Vec<NamedRecord>,
    files: Vec<u16>,
    replace: bool,
}

/// What identifies a record within its session.
struct Key {
    /// As it goes into the public id.
    native: String,
    /// For recognising the record when it comes again.
    hash: u64,
}

impl Folder {
    /// A session that starts, or is folded anew (`replace`: rows that stand in the store are dropped).
    pub fn new(agent: Agent, native_id: &str, replace: bool) -> Folder {
        Folder::from_state(FoldState::new(agent, native_id), replace)
    }

    /// A session that goes on.
    ///
    /// # Errors
    /// If the checkpoint is not one of this version: then the session is folded anew.
    pub fn resume(checkpoint: &[u8]) -> Result<Folder> {
        let bytes = zstd::decode_all(checkpoint).wrap_err("a session's checkpoint is damaged")?;
        let mut state: FoldState = postcard::from_bytes(&bytes)
            .wrap_err("a session's checkpoint is of another version")?;
        for step in state
            .open
            .values_mut()
            .chain(state.recent.iter_mut().map(|(_, s)| s))
        {
            step.stored = true;
        }
        Ok(Folder::from_state(state, false))
    }

    fn from_state(state: FoldState, replace: bool) -> Folder {
        let own_root = state
            .session
            .cwd
            .as_deref()
            .map(|cwd| absolute(None, cwd).into());
        Folder {
            state,
            own_root,
            prompts: Vec::new(),
            steps: Vec::new(),
            unknown: Vec::new(),
            damaged: Vec::new(),
            named: Vec::new(),
            files: Vec::new(),
            replace,
        }
    }

    /// The agent's own id of the session.
    pub fn native_id(&self) -> &str {
        &self.state.session.native_id
    }

    /// Another file of the same session begins.
    pub fn begin_file(&mut self) {
        self.state.anonymous.clear();
    }

    /// Takes in one event. `place` is the raw line it is from.
    pub fn push(&mut self, place: Span, event: Event, env: &mut Env<'_>) {
        if self.files.last() != Some(&place.file) && !self.files.contains(&place.file) {
            self.files.push(place.file);
        }
        if let Some(at) = event.at {
            let s = &mut self.state.session;
            s.started_at = Some(s.started_at.map_or(at, |t| t.min(at)));
            s.ended_at = Some(s.ended_at.map_or(at, |t| t.max(at)));
        }
        if let Some((node, parent)) = &event.node {
            self.node(node, parent.as_deref());
        }
        match event.body {
            Body::Session(ref head) => self.head(head, env),
            Body::Context(ref context) => self.context(context, env),
            Body::Prompt { ref text, via } => self.prompt(place, &event, text, via),
            Body::Queued { ref text } => self.queued(place, &event, text),
            Body::Unqueued { injected } => self.unqueued(place, &event, injected),
            Body::Say { ref text } => self.say(place, &event, text),
            Body::Call(ref call) => self.call(place, &event, call, env),
            Body::Outcome(ref outcome) => self.outcome(place, &event, outcome, env),
            Body::Kept(ref kept) => self.kept(kept, env),
            Body::Usage(ref usage) => self.usage(usage),
            Body::Title(ref title) => self.title(1, title),
            Body::Notice { what, ref text } => self.notice(place, &event, what, text),
            Body::RolledBack { turns } => self.rolled_back(turns),
            Body::Unknown { ref record } => {
                let new = self.unknown(place, &event, record);
                self.state.session.unknown += u32::from(new);
            }
            Body::UnknownField { ref field } => {
                self.unknown(place, &event, &format!("{}{field}", odd::FIELD));
            }
            Body::Damaged { ref why } => {
                self.state.session.damaged += 1;
                self.damaged.push((place, why.clone()));
            }
            // What git has of it, the link pass asks.
            Body::Link | Body::Ignored | Body::Committed(_) => {}
        }
    }

    /// What was gathered since the last time, with the state to go on from. `None` if nothing happened.
    ///
    /// # Errors
    /// If the state cannot be written down.
    pub fn take(&mut self, env: &Env<'_>) -> Result<SessionBatch> {
        let mut off_path = Vec::new();
        for (i, off) in self.state.off_path().into_iter().enumerate() {
            let prompt = &mut self.state.prompts[i];
            if prompt.off != off {
                prompt.off = off;
                off_path.push((u32::try_from(i + 1).unwrap_or(u32::MAX), off));
            }
        }
        self.flush_open();
        self.state.session.belongs = self.belongs(env);
        let state =
            postcard::to_stdvec(&self.state).wrap_err("cannot write down a session's state")?;
        let checkpoint = crate::store::squeeze(&state);
        Ok(SessionBatch {
            session: self.state.session.clone(),
            files: self.files.clone(),
            replace: std::mem::take(&mut self.replace),
            prompts: std::mem::take(&mut self.prompts),
            steps: std::mem::take(&mut self.steps),
            off_path,
            unknown: std::mem::take(&mut self.unknown),
            damaged: std::mem::take(&mut self.damaged),
            named: std::mem::take(&mut self.named),
            checkpoint,
        })
    }

    /// 3 asked for by name, 1 belongs, 2 only visited, 0 neither.
    pub fn belongs(&self, env: &Env<'_>) -> u8 {
        match (env.named, self.state.inside, self.state.visited) {
            (true, _, _) => 3,
            (_, true, _) => 1,
            (_, _, true) => 2,
            _ => 0,
        }
    }

    fn node(&mut self, node: &str, parent: Option<&str>) {
        let node = hash64(&[node.as_bytes()]);
        let parent = parent.map_or(0, |p| hash64(&[p.as_bytes()]));
        // A record that stands in a further file too is no new leaf.
        if !self
            .state
            .seen
            .insert(hash64(&[b"node", &node.to_le_bytes()]))
        {
            return;
        }
        match self.state.tree.last() {
            // A parent that is not the record before may be a fork; parallel calls look the same and cost little.
            Some((last, _)) if *last != parent => self.state.forked = true,
            _ => {}
        }
        self.state.tree.push((node, parent));
    }

    fn head(&mut self, head: &SessionHead, env: &Env<'_>) {
        let s = &mut self.state.session;
        let fill = |slot: &mut Option<String>, value: &Option<String>| {
            if slot.is_none() {
                slot.clone_from(value);
            }
        };
        fill(&mut s.parent, &head.parent);
        fill(&mut s.branch, &head.branch);
        fill(&mut s.commit, &head.commit);
        fill(&mut s.version, &head.version);
        fill(&mut s.role, &head.role);
        fill(&mut s.model, &head.model);
        if s.relation.is_none() {
            s.relation = head.relation.map(|r| match r {
                Relation::Subagent => 1,
                Relation::Fork => 2,
            });
        }
        if let Some(cwd) = &head.cwd {
            self.enter(cwd, env);
        }
    }

    fn context(&mut self, context: &Context, env: &Env<'_>) {
        let s = &mut self.state.session;
        if context.model.is_some() {
            s.model.clone_from(&context.model);
        }
        if s.version.is_none() {
            s.version.clone_from(&context.version);
        }
        if s.branch.is_none() {
            s.branch.clone_from(&context.branch);
        }
        if let Some(cwd) = &context.cwd {
            self.enter(cwd, env);
        }
    }

    fn enter(&mut self, cwd: &str, env: &Env<'_>) {
        let path = absolute(None, cwd);
        self.state.inside |= env.roots.inside(&path);
        if self.state.session.cwd.is_none() {
            self.state.session.cwd = Some(cwd.to_owned());
            self.own_root = Some(path.into());
        }
        self.state.cwd = Some(cwd.to_owned());
    }

    fn prompt(&mut self, place: Span, event: &Event, text: &str, via: Via) {
        let payload = hash64(&[text.as_bytes()]);
        if let Some(i) = self.state.taken.iter().position(|t| *t == payload) {
            // The record of a prompt that was made out of the queue: the same words, once.
            self.state.taken.remove(i);
            let key = self.key("prompt", event, &[text.as_bytes()]);
            self.state.seen.insert(key.hash);
            return;
        }
        let key = self.key("prompt", event, &[text.as_bytes()]);
        if !self.state.seen.insert(key.hash) {
            return;
        }
        let mut via = via;
        let (waiting, released) = (&self.state.queue, &self.state.released);
        if let Some(i) = released.iter().position(|t| t == text) {
            self.state.released.remove(i);
            via = Via::Queued;
        } else if let Some(i) = waiting.iter().position(|q| q.text == text) {
            self.state.queue.remove(i);
            via = Via::Queued;
        }
        self.turn_over(via);
        self.add_prompt(place, event, &key.native, text, via);
    }

    /// A typed prompt means that the turn before is over: what never got a result was stopped.
    fn turn_over(&mut self, via: Via) {
        if via != Via::Typed {
            return;
        }
        let mut silent: Vec<u64> = self
            .state
            .open
            .iter()
            .filter(|(_, s)| !s.answered && s.record.out.is_none())
            .map(|(c, _)| *c)
            .collect();
        silent.sort_unstable_by_key(|c| self.state.open[c].record.seq);
        for call in silent {
            if let Some(mut step) = self.state.open.remove(&call) {
                step.record.status = Status::Interrupted;
                self.emit(&mut step, Vec::new(), Vec::new());
                self.state.close(call, step);
            }
        }
    }

    fn add_prompt(&mut self, place: Span, event: &Event, native: &str, text: &str, via: Via) {
        let s = &mut self.state.session;
        self.state.prompt_no += 1;
        self.state.seq += 1;
        if via != Via::Task {
            s.prompts += 1;
        }
        let id = Id::of(s.agent, &s.native_id, IdKind::Prompt, native);
        let dup = dup(s.agent, IdKind::Prompt, native, event, &[text.as_bytes()]);
        // An answer stands in the result of a call, and results of parallel calls stand beside the way; the call does not.
        let node = match (&event.node, via) {
            (Some((_, Some(call))), Via::Answer) => call,
            (Some((own, _)), _) => own,
            (None, _) => "",
        };
        let node = match node {
            "" => 0,
            node => hash64(&[node.as_bytes()]),
        };
        self.state.prompts.push(PromptNode {
            node,
            rolled: false,
            off: false,
        });
        self.prompts.push(PromptRecord {
            id,
            no: self.state.prompt_no,
            at: event.at,
            via,
            dup,
            text: text.to_owned(),
            place: Some(place),
        });
        match via {
            Via::Typed | Via::Queued | Via::Task => self.title(2, text),
            Via::Command | Via::Shell | Via::Answer => {}
        }
    }

    /// Text entered the queue of a working agent. It becomes a prompt where it is taken in; until then it shows as a notice,
    /// so that it is not lost when nothing more is heard of it.
    fn queued(&mut self, place: Span, event: &Event, text: &str) {
        let key = self.key("queued", event, &[text.as_bytes()]);
        if !self.state.seen.insert(key.hash) {
            return;
        }
        self.state.queue.push_back(Queued {
            text: text.to_owned(),
            key: key.native.clone(),
        });
        self.plain_step(
            place,
            event,
            &key,
            Plain::notice(&format!("queued: {text}"), "queued"),
        );
    }

    fn unqueued(&mut self, place: Span, event: &Event, injected: bool) {
        let key = self.key("unqueued", event, &[&[u8::from(injected)]]);
        if !self.state.seen.insert(key.hash) {
            return;
        }
        let Some(queued) = self.state.queue.pop_front() else {
            return;
        };
        if injected {
            self.state
                .taken
                .push_back(hash64(&[queued.text.as_bytes()]));
            while self.state.taken.len() > TAKEN {
                self.state.taken.pop_front();
            }
            self.add_prompt(place, event, &queued.key, &queued.text, Via::Queued);
        } else {
            // It is sent as a normal record, or was taken back and is sent in other words, or not at all.
            self.state.released.push_back(queued.text);
            while self.state.released.len() > TAKEN {
                self.state.released.pop_front();
            }
        }
    }

    fn usage(&mut self, usage: &Usage) {
        let request = hash64(&[b"usage", usage.request.as_bytes()]);
        let now = [usage.input, usage.output, usage.cached];
        let before = match self.state.requests.iter_mut().find(|(r, _)| *r == request) {
            Some((_, counted)) => std::mem::replace(counted, now),
            None if !self.state.seen.insert(request) => return,
            None => {
                self.state.requests.push_back((request, now));
                if self.state.requests.len() > REQUESTS {
                    self.state.requests.pop_front();
                }
                [0; 3]
            }
        };
        let t = &mut self.state.session.tokens;
        for (total, (now, before)) in [&mut t.0, &mut t.1, &mut t.2]
            .into_iter()
            .zip(now.iter().zip(before))
        {
            *total = total.saturating_add(*now).saturating_sub(before);
        }
    }

    fn title(&mut self, rank: u8, text: &str) {
        let line = text
            .lines()
            .map(str::trim)
            .find(|l| !l.is_empty())
            .unwrap_or("");
        let have = self
            .state
            .session
            .title
            .as_ref()
            .map_or(0, |(rank, _)| *rank);
        // The first prompt stays; a later title by the agent replaces an earlier one.
        if !line.is_empty() && (rank > have || (rank == 1 && have == 1)) {
            self.state.session.title = Some((rank, line.chars().take(TITLE).collect()));
        }
    }

    fn rolled_back(&mut self, turns: u32) {
        for prompt in self
            .state
            .prompts
            .iter_mut()
            .rev()
            .filter(|p| !p.rolled)
            .take(turns as usize)
        {
            prompt.rolled = true;
        }
    }

    /// A record's own id, or else its time, its payload's hash and which of several equal ones it is.
    fn key(&mut self, kind: &str, event: &Event, payload: &[&[u8]]) -> Key {
        if let Some(key) = &event.key {
            return Key {
                native: key.clone(),
                hash: hash64(&[kind.as_bytes(), key.as_bytes()]),
            };
        }
        let at = event.at.map_or(0, |t| t.0).to_le_bytes();
        let mut parts: Vec<&[u8]> = vec![b"anonymous", kind.as_bytes(), &at];
        parts.extend_from_slice(payload);
        let base = hash64(&parts);
        let n = self.state.anonymous.entry(base).or_insert(0);
        *n += 1;
        let hash = hash64(&[&base.to_le_bytes(), &n.to_le_bytes()]);
        Key {
            native: format!("{hash:016x}"),
            hash,
        }
    }

    fn locate(&self, path: &str, env: &Env<'_>) -> PathRecord {
        let own = if env.named {
            self.own_root.as_ref()
        } else {
            None
        };
        env.roots
            .locate(&absolute(self.state.cwd.as_deref(), path), own)
    }

    /// Calls that nobody answered yet are handed on too: they run, and the screen shows them.
    fn flush_open(&mut self) {
        let mut open: Vec<(u64, OpenStep)> = self.state.open.drain().collect();
        open.sort_unstable_by_key(|(_, s)| s.record.seq);
        for (call, mut step) in open {
            if !step.stored {
                self.emit(&mut step, Vec::new(), Vec::new());
            }
            self.state.open.insert(call, step);
        }
    }
}

/// The key of equal copies in several sessions: the same native key, time and payload.
fn dup(agent: Agent, kind: IdKind, native: &str, event: &Event, payload: &[&[u8]]) -> i64 {
    let at = event.at.map_or(0, |t| t.0).to_le_bytes();
    let letter = [kind.letter() as u8];
    let mut parts: Vec<&[u8]> = vec![agent.name().as_bytes(), &letter, native.as_bytes(), &at];
    parts.extend_from_slice(payload);
    hash64(&parts).cast_signed()
}

/// The beginning of a text, cut between characters.
fn head(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}

/// The beginning of a text, at most so many bytes, cut between characters.
fn head_bytes(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}
