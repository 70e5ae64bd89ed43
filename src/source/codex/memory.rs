//! What the Codex source remembers from line to line, by name, in the [`ParseState`] that is stored with a file's cursor.
//!
//! All of it is small and bounded: ids, numbers and hashes. The one exception are the patches of calls that wait for
//! their output in files too old to say what a patch changed; such a wait lasts a line or two.

use crate::source::ParseState;

/// How many calls back a result may refer.
const RECENT: usize = 32;
/// How many background commands and cells may be open at once before the oldest is given up.
const OPEN: usize = 128;
/// How many patches may wait for their output.
const WAITING: usize = 16;

/// Lists of recent ids.
#[derive(Clone, Copy)]
pub(super) enum Recent {
    /// Calls that had a record of their own.
    Called,
    /// Calls whose changes `patch_apply_end` has told.
    Patched,
    /// Calls that an event said have failed.
    Failed,
}

impl Recent {
    fn name(self) -> &'static str {
        match self {
            Recent::Called => "called",
            Recent::Patched => "patched",
            Recent::Failed => "failed",
        }
    }
}

/// Adds an id to a list, dropping the oldest.
pub(super) fn note(state: &mut ParseState, list: Recent, id: &str) {
    if id.contains('\n') || noted(state, list, id) {
        return;
    }
    let old = state.get(list.name()).unwrap_or("");
    let mut ids: Vec<&str> = old.split('\n').filter(|s| !s.is_empty()).collect();
    if ids.len() >= RECENT {
        ids.remove(0);
    }
    ids.push(id);
    let new = ids.join("\n");
    state.set(list.name(), &new);
}

/// Whether an id is in a list.
pub(super) fn noted(state: &ParseState, list: Recent, id: &str) -> bool {
    state
        .get(list.name())
        .is_some_and(|ids| ids.split('\n').any(|i| i == id))
}

/// Things that are open until a later line closes them.
#[derive(Clone, Copy)]
pub(super) enum Open {
    /// A background process: session id -> call that started it.
    Process,
    /// A script of code mode: cell id -> call that started it.
    Cell,
    /// A call that only carries on another: call -> the other.
    Alias,
    /// A patch that waits for its output: call -> folder and patch.
    Patch,
}

impl Open {
    fn prefix(self) -> &'static str {
        match self {
            Open::Process => "process:",
            Open::Cell => "cell:",
            Open::Alias => "alias:",
            Open::Patch => "patch:",
        }
    }
}

/// Remembers an open thing.
pub(super) fn open(state: &mut ParseState, what: Open, id: &str, value: &str) {
    let limit = match what {
        Open::Patch => WAITING,
        _ => OPEN,
    };
    let same = |n: &str| n.starts_with(what.prefix());
    if state.memory.iter().filter(|(n, _)| same(n)).count() >= limit
        && let Some(oldest) = state.memory.iter().position(|(n, _)| same(n))
    {
        state.memory.remove(oldest);
    }
    state.set(&format!("{}{id}", what.prefix()), value);
}

/// What is remembered of an open thing.
pub(super) fn opened(state: &ParseState, what: Open, id: &str) -> Option<String> {
    state
        .get(&format!("{}{id}", what.prefix()))
        .map(str::to_owned)
}

/// Forgets an open thing, and says what was remembered of it.
pub(super) fn close(state: &mut ParseState, what: Open, id: &str) -> Option<String> {
    let value = opened(state, what, id);
    if value.is_some() {
        state.unset(&format!("{}{id}", what.prefix()));
    }
    value
}

/// Forgets every open thing of one kind that a call started.
pub(super) fn close_all(state: &mut ParseState, what: Open, call: &str) {
    state
        .memory
        .retain(|(name, value)| value != call || !name.starts_with(what.prefix()));
}

/// Sets a value and says whether that changed it. An absent value changes nothing.
pub(super) fn changed(state: &mut ParseState, name: &str, value: Option<&str>) -> Option<String> {
    let value = value?;
    if state.get(name) == Some(value) {
        return None;
    }
    state.set(name, value);
    Some(value.to_owned())
}
