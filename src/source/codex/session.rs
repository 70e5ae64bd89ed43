//! Which session a file's records belong to, where it ran, and which of its records are a parent's.

use std::path::Path;

use crate::model::Time;
use crate::source::{Body, Context, Relation, SessionHead};

use super::Reader;
use super::lenient::parse;
use super::memory::changed;
use super::record::{Git, Line, Meta, Turn};

/// Stands for the version in files without an envelope.
pub(super) const BARE: &str = "bare";

/// Since when a kind of record tells all there is to tell; see the top of the source.
const EVENTS_TELL_PROMPTS: (u32, u32) = (0, 100);
const EVENTS_TELL_PATCHES: (u32, u32) = (0, 140);

const SUBAGENT: &str = "subagent";
const COPYING: &str = "copying";

/// Whether a line looks like Codex's.
pub(super) fn is_codex(line: &[u8]) -> bool {
    if line.first() != Some(&b'{') {
        return false;
    }
    let Ok(line_read) = serde_json::from_slice::<Line<'_>>(line) else {
        // A first line may be cut off where the head ends; a `session_meta` is the longest of all first lines.
        return line.starts_with(b"{\"timestamp\":\"")
            && memchr::memmem::find(&line[..line.len().min(400)], b"\"type\":\"session_meta\"")
                .is_some();
    };
    match line_read.kind.get() {
        Some("session_meta" | "turn_context" | "response_item" | "event_msg") => {
            line_read.payload.is_some()
        }
        Some(_) => false,
        None => {
            line_read.record_type.get() == Some("state")
                || (line_read.id.some().is_some()
                    && line_read.timestamp.some().is_some()
                    && memchr::memmem::find(line, b"\"instructions\"").is_some())
        }
    }
}

impl Reader<'_> {
    /// A `session_meta`. The first names the session; a later one of the same session tells what changed on resuming; one
    /// of another session is the beginning of a copy.
    pub(super) fn meta(&mut self, meta: &Meta<'_>, bare: bool) {
        let Some(id) = meta.id.some().or(meta.session_id.some()) else {
            return self.unknown("session_meta/?".to_owned());
        };
        let git: Git<'_> = meta.git.and_then(parse).unwrap_or_default();
        let named_by_meta = self.state.get("named").is_some();
        if named_by_meta && self.state.session.as_deref() != Some(id) {
            if self.state.get("child").is_some() {
                let now = self.at.map_or(0, |t| t.0);
                self.state.set(COPYING, &now.to_string());
            }
            return self.say(Body::Ignored);
        }
        self.state.unset(COPYING);
        if let Some(version) = meta.cli_version.some().or(bare.then_some(BARE)) {
            self.state.set("version", version);
        }
        if named_by_meta {
            return self.context(Context {
                cwd: meta.cwd.owned(),
                branch: git.branch.owned(),
                model: None,
                version: meta.cli_version.owned(),
            });
        }
        self.state.session = Some(id.to_owned());
        self.state.set("named", "meta");
        let (parent, relation) = self.parent(meta);
        for (name, value) in [
            ("cwd", meta.cwd.some()),
            ("branch", git.branch.some()),
            ("told", meta.cli_version.some()),
        ] {
            changed(self.state, name, value);
        }
        self.say(Body::Session(Box::new(SessionHead {
            native_id: id.to_owned(),
            agent: None,
            parent,
            relation,
            cwd: meta.cwd.owned(),
            model: None,
            version: meta.cli_version.owned(),
            branch: git.branch.owned(),
            commit: git.commit_hash.owned(),
            role: meta
                .agent_role
                .owned()
                .or_else(|| meta.agent_nickname.owned())
                .or_else(|| meta.agent_path.owned()),
        })));
    }

    /// The session that this one was started from, and why. Marks what it means for the records that follow.
    fn parent(&mut self, meta: &Meta<'_>) -> (Option<String>, Option<Relation>) {
        let source: Option<serde_json::Value> = meta.source.and_then(parse);
        let subagent = source.as_ref().and_then(|s| s.get("subagent"));
        let spawned_by = subagent
            .and_then(|s| s.pointer("/thread_spawn/parent_thread_id"))
            .and_then(|p| p.as_str())
            .filter(|p| !p.is_empty())
            .or(meta.parent_thread_id.some());
        if subagent.is_some() {
            self.state.set(SUBAGENT, "1");
        }
        let own = self.state.session.clone();
        let parent = spawned_by
            .or(meta.forked_from_id.some())
            .filter(|p| Some(*p) != own.as_deref())
            .map(str::to_owned);
        let relation = parent
            .is_some()
            .then_some(if subagent.is_some() || spawned_by.is_some() {
                Relation::Subagent
            } else {
                Relation::Fork
            });
        if parent.is_some() || subagent.is_some() {
            self.state.set("child", "1");
        }
        (parent, relation)
    }

    /// Records before any `session_meta` belong to the session that the file's name tells.
    pub(super) fn name_session(&mut self) {
        if self.state.session.is_some() {
            return;
        }
        let id = id_from_name(self.path);
        self.state.session = Some(id.clone());
        self.say(Body::Session(Box::new(SessionHead {
            native_id: id,
            ..SessionHead::default()
        })));
    }

    /// Whether the record belongs to the parent's history that the file begins with.
    pub(super) fn copied(&mut self, kind: &str, payload: &str) -> bool {
        let Some(since) = self.state.get(COPYING) else {
            return false;
        };
        let since = since
            .parse()
            .map_or(0, |ms| self.at.map_or(0, |now| now.since(Time(ms))));
        let begins_turn = |turn: &Turn<'_>| {
            kind == "turn_context"
                || matches!(turn.kind.get(), Some("task_started" | "turn_started"))
        };
        let own = match serde_json::from_str::<Turn<'_>>(payload) {
            Ok(turn) if begins_turn(&turn) => {
                let session = self.state.session.as_deref().unwrap_or("");
                is_own_turn(session, turn.turn_id.or_empty(), since)
            }
            _ => false,
        };
        if own {
            self.state.unset(COPYING);
        }
        !own
    }

    /// `turn_context`.
    pub(super) fn turn(&mut self, turn: &Turn<'_>) {
        self.context(Context {
            cwd: turn.cwd.owned(),
            model: turn.model.owned(),
            ..Context::default()
        });
    }

    /// Says what is new in a context, if anything is.
    pub(super) fn context(&mut self, all: Context) {
        let new = Context {
            cwd: changed(self.state, "cwd", all.cwd.as_deref()),
            branch: changed(self.state, "branch", all.branch.as_deref()),
            model: changed(self.state, "model", all.model.as_deref()),
            version: changed(self.state, "told", all.version.as_deref()),
        };
        self.say(if new == Context::default() {
            Body::Ignored
        } else {
            Body::Context(new)
        });
    }

    /// Whether the session is a sub-agent's.
    pub(super) fn is_subagent(&self) -> bool {
        self.state.get(SUBAGENT).is_some()
    }

    /// Whether prompts are told by events alone.
    pub(super) fn events_tell_prompts(&self) -> bool {
        self.since(EVENTS_TELL_PROMPTS)
    }

    /// Whether what a patch did is told by events alone.
    pub(super) fn events_tell_patches(&self) -> bool {
        self.since(EVENTS_TELL_PATCHES)
    }

    /// Whether the file's version is known to be this one or a later one. `0.0.0` is a build from source.
    fn since(&self, wanted: (u32, u32)) -> bool {
        let version = self.state.get("version").unwrap_or("");
        let mut numbers = version.split('.').map(str::parse::<u32>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= wanted,
            _ => false,
        }
    }
}

/// Turns and sessions are named by UUIDs that begin with their time: a turn of its own is younger than the session. Versions
/// that do not name their turns write the copy in one burst, so what begins a second later is the session's own.
fn is_own_turn(session: &str, turn: &str, since: u64) -> bool {
    match (born(session), born(turn)) {
        (Some(session), Some(turn)) => turn >= session,
        _ => since >= 1000,
    }
}

/// The time in a UUID of version 7, in milliseconds.
fn born(uuid: &str) -> Option<u64> {
    if !is_uuid(uuid) || uuid.as_bytes()[14] != b'7' {
        return None;
    }
    let digits: String = uuid[..13].chars().filter(|c| *c != '-').collect();
    u64::from_str_radix(&digits, 16).ok()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// The UUID at the end of a rollout's name, else the whole name without its extension.
fn id_from_name(path: &Path) -> String {
    let stem = path
        .file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default();
    match stem.len().checked_sub(36).and_then(|at| stem.get(at..)) {
        Some(tail) if is_uuid(tail) => tail.to_owned(),
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_of_its_own_is_younger_than_the_session() {
        let session = "019ed836-b1da-78f1-8a0c-e598363d10f4";
        assert!(is_own_turn(
            session,
            "019ed83b-43de-7370-a8b8-ea2fe6568f11",
            0
        ));
        assert!(!is_own_turn(
            session,
            "019ed831-43de-7370-a8b8-ea2fe6568f11",
            5000
        ));
        assert!(is_own_turn(session, "turn-1", 1500));
        assert!(!is_own_turn(session, "", 3));
    }

    #[test]
    fn the_name_tells_the_session() {
        let name = "rollout-2026-01-02T03-04-05-019ed836-b1da-78f1-8a0c-e598363d10f4.jsonl";
        assert_eq!(
            id_from_name(Path::new(name)),
            "019ed836-b1da-78f1-8a0c-e598363d10f4"
        );
        assert_eq!(id_from_name(Path::new("/a/old-one.jsonl")), "old-one");
    }
}
