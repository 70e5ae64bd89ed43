//! The part of the fold that makes steps: messages, notices, calls and their results.

use super::state::{OpenStep, hash64};
use super::words::distinct;
use super::{
    Env, Folder, INPUT, Key, LAST_WORDS, SEARCHABLE, TARGET, dup, files, head, head_bytes,
};
use crate::model::{Agent, Id, IdKind, Status, StepKind, Via, key_hash};
use crate::source::shell::{self, FileDeed};
use crate::source::{Before, Call, Effect, Event, Outcome};
use crate::store::rows::{ChangeRecord, PathRecord, SightingRecord, Span, StepBatch, StepRecord};
use crate::text::without_colours;

/// Bytes of an output that are searchable: its head and its tail.
const OUTPUT_HEAD: usize = 600;
const OUTPUT_TAIL: usize = 600;

/// A step without a result.
pub(super) struct Plain<'t> {
    kind: StepKind,
    text: &'t str,
    tool: &'t str,
    words: [String; 3],
}

impl<'t> Plain<'t> {
    /// Something that happened to the session; not searchable, its words are the program's.
    pub fn notice(text: &'t str, what: &'t str) -> Plain<'t> {
        Plain {
            kind: StepKind::Notice,
            text,
            tool: what,
            words: [String::new(), String::new(), String::new()],
        }
    }
}

impl Folder {
    pub(super) fn say(&mut self, place: Span, event: &Event, text: &str) {
        let key = self.key("say", event, &[text.as_bytes()]);
        if text.trim().is_empty() || !self.state.seen.insert(key.hash) {
            return;
        }
        self.state.session.last_words = Some(head(text.trim(), LAST_WORDS));
        let words = [
            distinct(head_bytes(text, SEARCHABLE)),
            String::new(),
            String::new(),
        ];
        self.plain_step(
            place,
            event,
            &key,
            Plain {
                kind: StepKind::Message,
                text,
                tool: "",
                words,
            },
        );
    }

    pub(super) fn notice(&mut self, place: Span, event: &Event, what: &str, text: &str) {
        let mut key = self.key("notice", event, &[what.as_bytes(), text.as_bytes()]);
        if !self.state.seen.insert(key.hash) {
            return;
        }
        key.native.push_str("/notice");
        let target = if text.trim().is_empty() {
            what.to_owned()
        } else {
            format!("{what}: {}", text.trim())
        };
        if what == "interrupted" {
            self.turn_over(Via::Typed);
        }
        self.plain_step(place, event, &key, Plain::notice(&target, what));
    }

    /// A step that is whole as it stands.
    pub(super) fn plain_step(&mut self, place: Span, event: &Event, key: &Key, plain: Plain<'_>) {
        let Plain {
            kind,
            text,
            tool,
            words,
        } = plain;
        let line = text
            .lines()
            .map(str::trim)
            .find(|l| !l.is_empty())
            .unwrap_or("");
        let record = StepRecord {
            kind,
            status: Status::Ok,
            tool: (!tool.is_empty()).then(|| tool.to_owned()),
            target: head(line, TARGET),
            at: event.at,
            call: Some(place),
            ..self.blank(event, &key.native, &[text.as_bytes()])
        };
        let mut step = OpenStep {
            record,
            answered: true,
            effects: 0,
            command: None,
            deed: None,
            workdir: None,
            words,
            stored: false,
            counted: (false, false),
        };
        self.emit(&mut step, Vec::new(), Vec::new());
    }

    pub(super) fn call(&mut self, place: Span, event: &Event, call: &Call, env: &Env<'_>) {
        let id = hash64(&[b"call", call.call_id.as_bytes()]);
        if !self.state.seen.insert(id) {
            return;
        }
        let step = self.open_call(place, event, call, env);
        self.state.open.insert(id, step);
    }

    fn open_call(&mut self, place: Span, event: &Event, call: &Call, env: &Env<'_>) -> OpenStep {
        let target = match call.kind {
            StepKind::Read
            | StepKind::Edit
            | StepKind::Write
            | StepKind::Delete
            | StepKind::Move => self.path_target(&call.target, env),
            _ => call.target.clone(),
        };
        let record = StepRecord {
            kind: call.kind,
            status: Status::Running,
            tool: Some(call.tool.clone()),
            target: head(target.trim(), TARGET),
            at: event.at,
            call: Some(place),
            ..self.blank(
                event,
                &call.call_id,
                &[
                    call.tool.as_bytes(),
                    call.target.as_bytes(),
                    call.input.as_bytes(),
                ],
            )
        };
        if call.kind == StepKind::Command {
            self.state.session.commands += 1;
        }
        let test = call.kind == StepKind::Command && shell::is_test_run(&call.target);
        OpenStep {
            record,
            answered: false,
            effects: 0,
            command: test.then(|| call.target.clone()),
            deed: (call.kind == StepKind::Command && !shell::file_deeds(&call.target).is_empty())
                .then(|| call.target.clone()),
            workdir: call.workdir.clone(),
            words: [
                String::new(),
                distinct(head_bytes(&call.input, INPUT)),
                String::new(),
            ],
            stored: false,
            counted: (false, false),
        }
    }

    /// A path as the timeline shows it: relative where it lies in a root, else as given.
    fn path_target(&self, path: &str, env: &Env<'_>) -> String {
        let at = self.locate(path, env);
        if *at.root == *b"/" || at.rel.is_empty() {
            return path.to_owned();
        }
        String::from_utf8_lossy(&at.rel).into_owned()
    }

    fn blank(&mut self, event: &Event, native: &str, payload: &[&[u8]]) -> StepRecord {
        self.state.seq += 1;
        self.state.session.steps += 1;
        let s = &self.state.session;
        StepRecord {
            id: Id::of(s.agent, &s.native_id, IdKind::Step, native),
            prompt_no: self.state.prompt_no,
            seq: self.state.seq,
            key_hash: key_hash(native),
            dup: dup(s.agent, IdKind::Step, native, event, payload),
            at: event.at,
            started_at: event.at,
            kind: StepKind::Other,
            status: Status::Unknown,
            tool: None,
            target: String::new(),
            exit_code: None,
            duration_ms: None,
            counts: None,
            evidence: None,
            test: None,
            spawned: None,
            call: None,
            out: None,
            parts: Vec::new(),
        }
    }

    pub(super) fn outcome(
        &mut self,
        place: Span,
        event: &Event,
        outcome: &Outcome,
        env: &mut Env<'_>,
    ) {
        let key = self.key(
            "outcome",
            event,
            &[
                outcome.call_id.as_bytes(),
                outcome.output.as_bytes(),
                &[outcome.effects.len() as u8],
            ],
        );
        if !self.state.seen.insert(hash64(&[
            &key.hash.to_le_bytes(),
            outcome.call_id.as_bytes(),
        ])) {
            return;
        }
        let id = hash64(&[b"call", outcome.call_id.as_bytes()]);
        let mut step = match self.state.take_call(id) {
            Some(step) => step,
            None => {
                // A result without a call: an edit that has no call record of its own, or a call that was lost with a damaged line.
                let call = outcome
                    .standalone
                    .as_deref()
                    .cloned()
                    .unwrap_or_else(|| orphan(outcome));
                if !self.state.seen.insert(id) {
                    // Its call is long over; what is known of it stands.
                    return;
                }
                self.open_call(place, event, &call, env)
            }
        };
        self.answer_step(&mut step, place, event, outcome, env);
        if let Some(spilled) = &outcome.spilled {
            self.spilled(step.record.id, step.record.seq, &outcome.output, spilled);
        }
        let (changes, sightings) = self.effects(&mut step, outcome, env);
        self.count(&mut step, &changes);
        self.emit(&mut step, changes, sightings);
        if outcome.status == Status::Running {
            self.state.open.insert(id, step);
        } else {
            self.state.close(id, step);
        }
        if let Some(answer) = outcome.answer.as_deref().filter(|a| !a.trim().is_empty()) {
            let key = hash64(&[b"answer", outcome.call_id.as_bytes()]);
            if self.state.seen.insert(key) {
                self.add_prompt(
                    place,
                    event,
                    &format!("{}/answer", outcome.call_id),
                    answer,
                    Via::Answer,
                );
            }
        }
    }

    fn answer_step(
        &mut self,
        step: &mut OpenStep,
        place: Span,
        event: &Event,
        outcome: &Outcome,
        env: &Env<'_>,
    ) {
        let r = &mut step.record;
        if !step.answered {
            self.state.seq += 1;
            r.seq = self.state.seq;
            if event.at.is_some() {
                r.at = event.at;
            }
            r.status = outcome.status;
        } else if outcome.status != Status::Running && worse(outcome.status, r.status) {
            r.status = outcome.status;
        }
        step.answered |= outcome.status != Status::Running;
        if let Some(code) = outcome.exit_code {
            r.exit_code = Some(code);
        }
        if let Some(ms) = outcome.duration_ms {
            r.duration_ms = Some(ms);
        } else if let (Some(at), Some(started)) = (event.at, r.started_at) {
            r.duration_ms = Some(r.duration_ms.unwrap_or(0).max(at.since(started)));
        }
        if let Some(previous) = r.out.replace(place)
            && previous != place
            && !r.parts.contains(&previous)
        {
            r.parts.push(previous);
        }
        if let Some(spawned) = &outcome.spawned {
            let s = &self.state.session;
            r.spawned = Some(child_id(s.agent, &s.native_id, spawned));
        }
        if let Some(c) = &outcome.correction {
            r.kind = c.kind;
            if let Some(target) = &c.target {
                let target = self.path_target(target, env);
                step.record.target = head(&target, TARGET);
            }
        }
        if let Some(command) = &step.command
            && let Some(test) = shell::test_outcome(command, outcome.exit_code, &outcome.output)
        {
            step.record.test = Some(test);
            self.state.session.test = Some((test, step.record.seq));
        }
        if !matches!(
            step.record.kind,
            StepKind::Read | StepKind::Edit | StepKind::Write
        ) {
            // Colour codes inside words would hide them from a search.
            let text = &*without_colours(&outcome.output);
            let tail = &text[text
                .ceil_char_boundary(text.len().saturating_sub(OUTPUT_TAIL))
                .max(head_bytes(text, OUTPUT_HEAD).len())..];
            let room = OUTPUT_HEAD + OUTPUT_TAIL;
            let words = &mut step.words[2];
            if words.len() < 2 * room {
                let both = format!("{}\n{tail}", head_bytes(text, OUTPUT_HEAD));
                if !words.is_empty() {
                    words.push(' ');
                }
                words.push_str(&distinct(&both));
            }
        }
    }

    fn effects(
        &mut self,
        step: &mut OpenStep,
        outcome: &Outcome,
        env: &mut Env<'_>,
    ) -> (Vec<ChangeRecord>, Vec<SightingRecord>) {
        let (mut changes, mut sightings) = (Vec::new(), Vec::new());
        let deeds = self.deeds(step, outcome, env);
        for effect in outcome.effects.iter().chain(&deeds) {
            let no = step.effects;
            step.effects += 1;
            let (roots, named) = (env.roots, env.named);
            let (cwd, own) = (
                self.state.cwd.as_deref(),
                self.own_root.as_ref().filter(|_| named),
            );
            let locate = |path: &str| roots.locate(&crate::ingest::roots::absolute(cwd, path), own);
            let here = roots.inside(&crate::ingest::roots::absolute(cwd, effect.path()));
            match files::effect(no, effect, &locate, env.keep) {
                files::Done::Change(change) => {
                    self.state.inside |= here;
                    self.state.known.insert(path_hash(&change.path));
                    changes.push(change);
                }
                files::Done::Sighting(sighting) => {
                    self.state.visited |= here;
                    self.state.known.insert(path_hash(&sighting.path));
                    sightings.push(sighting);
                }
            }
            if let (
                Effect::Patch {
                    moved_to: Some(_), ..
                },
                StepKind::Edit,
            ) = (effect, step.record.kind)
                && outcome.effects.len() == 1
            {
                step.record.kind = StepKind::Move;
            }
        }
        (changes, sightings)
    }

    /// Files that a command removed or moved, of those that are known to be files.
    fn deeds(&self, step: &OpenStep, outcome: &Outcome, env: &Env<'_>) -> Vec<Effect> {
        let worked = outcome.status == Status::Ok && outcome.exit_code.is_none_or(|c| c == 0);
        let Some(command) = step.deed.as_deref().filter(|_| worked) else {
            return Vec::new();
        };
        // A folder that the command was told to run in comes before the one of the moment.
        let place = |path: String| match &step.workdir {
            Some(dir) if !path.starts_with('/') => format!("{dir}/{path}"),
            _ => path,
        };
        let is_file = |path: &str| {
            self.state
                .known
                .contains(&path_hash(&self.locate(path, env)))
        };
        shell::file_deeds(command)
            .into_iter()
            .map(|deed| match deed {
                FileDeed::Removed(path) => Effect::Delete {
                    path: place(path),
                    before: Before::Unknown,
                },
                FileDeed::Moved(from, to) => Effect::Move {
                    from: place(from),
                    to: place(to),
                },
            })
            .filter(|effect| is_file(effect.path()))
            .collect()
    }

    fn count(&mut self, step: &mut OpenStep, changes: &[ChangeRecord]) {
        let s = &mut self.state.session;
        let r = &mut step.record;
        for change in changes {
            let (added, removed) = r.counts.unwrap_or((0, 0));
            r.counts = Some((
                added.saturating_add(change.added),
                removed.saturating_add(change.removed),
            ));
            r.evidence = Some(
                r.evidence
                    .map_or(change.evidence, |e| e.max(change.evidence)),
            );
            s.added += u64::from(change.added);
            s.removed += u64::from(change.removed);
            if self
                .state
                .paths
                .insert(hash64(&[&change.path.root, &change.path.rel]))
            {
                s.files_changed += 1;
            }
        }
        if !changes.is_empty() {
            s.edit_seq = Some(r.seq);
            if !step.counted.1 {
                step.counted.1 = true;
                s.edits += 1;
            }
        }
        if r.status == Status::Failed && !step.counted.0 {
            step.counted.0 = true;
            s.failed += 1;
        }
    }

    /// Hands a step to the store as it is now.
    pub(super) fn emit(
        &mut self,
        step: &mut OpenStep,
        changes: Vec<ChangeRecord>,
        sightings: Vec<SightingRecord>,
    ) {
        // A step that waits in this batch is completed in place: one row, one write.
        if let Some(waiting) = self
            .steps
            .iter_mut()
            .rev()
            .take(64)
            .find(|w| w.step.id == step.record.id)
        {
            waiting.step = step.record.clone();
            waiting.changes.extend(changes);
            waiting.sightings.extend(sightings);
            waiting.words = step.words.clone();
            return;
        }
        self.steps.push(StepBatch {
            step: step.record.clone(),
            known: step.stored,
            changes,
            sightings,
            words: step.words.clone(),
        });
        step.stored = true;
    }
}

fn path_hash(path: &PathRecord) -> u64 {
    hash64(&[&path.root, &path.rel])
}

/// Whether a later result of the same call says something worse than the first.
fn worse(new: Status, old: Status) -> bool {
    let rank = |s| match s {
        Status::Running | Status::Unknown => 0,
        Status::Ok => 1,
        Status::Interrupted => 2,
        Status::Denied => 3,
        Status::Failed => 4,
    };
    rank(new) > rank(old)
}

/// The native id of a sub-agent's session. Claude Code names it within its parent, the outermost session first.
fn child_id(agent: Agent, parent: &str, spawned: &str) -> String {
    let outermost = parent.split('/').next().unwrap_or(parent);
    match agent {
        Agent::Claude if !spawned.contains('/') => format!("{outermost}/{spawned}"),
        _ => spawned.to_owned(),
    }
}

/// What can be said of a call of which only the result is there.
fn orphan(outcome: &Outcome) -> Call {
    let kind = outcome
        .correction
        .as_ref()
        .map_or(StepKind::Other, |c| c.kind);
    let target = outcome
        .effects
        .first()
        .map_or_else(|| "(call not recorded)".to_owned(), |e| e.path().to_owned());
    Call {
        call_id: outcome.call_id.clone(),
        kind,
        tool: String::new(),
        target,
        workdir: None,
        input: String::new(),
        paths: Vec::new(),
    }
}
