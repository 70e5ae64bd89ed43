//! Cline and its forks Roo Code and (until it became an OpenCode, see [`super::kilo`]) Kilo Code: a folder for each task in an editor's `globalStorage`.
//!
//! `api_conversation_history.json` names a task: the messages between agent and model. Beside it lie `ui_messages.json` (what
//! was shown: the person's own words, times, tokens), `task_metadata.json`, `history_item.json`. The same for all three; they
//! differ in the folder's name, and in what their tools print. A record is one of
//!
//! | kind | key | body |
//! |---|---|---|
//! | `head` | `head` | what the other files say of the task: parent, folder, model, version |
//! | `opening` | the message | a user's message that answers none of the agent's |
//! | `turn` | the agent's message | `said`: the agent's message, `answer`: the user's message after it, with the results |
//! | `asked`, `answered`, `task` | `shown` and its time | the row of `ui_messages.json` with a person's words (or a parent task's) |
//! | `failed` | `shown` and its time | the row that says that the service failed |
//!
//! Call and result stand in two messages, and the older encoding (tools as tags in the text) gives neither an id: only the
//! place joins them. So they are one record. Messages have no ids either, and Cline's no times. A message's key is its place
//! with a hash of the agent's message at or before it: when a task goes on, its last message is written anew and is the same
//! record; when it was taken back to a checkpoint, what is said then at the same place is another one, and both stay.
//!
//! Where `ui_messages.json` is there, only it tells what a person typed: in the messages for the model those words are
//! surrounded and expanded. `checkpoints/` (shadow repositories) and settings, which hold keys, are never opened.

mod call;
mod edits;
mod events;
mod outcome;
mod shown;
mod tags;
mod task;

use std::path::{Path, PathBuf};

use super::{Event, Extractor, ParseState, Places, Source};
use crate::model::Agent;

/// The file that names a task.
const MESSAGES: &str = "api_conversation_history.json";

/// Cline's tasks.
pub struct Cline;
/// Roo Code's tasks.
pub struct Roo;

/// Folders of `globalStorage`, and whose they are.
const EXTENSIONS: &[(Agent, &str)] = &[
    (Agent::Cline, "saoudrizwan.claude-dev"),
    (Agent::Roo, "rooveterinaryinc.roo-cline"),
    (Agent::Kilo, "kilocode.kilo-code"),
];

/// The folders of tasks in every editor.
pub(super) fn in_editors(agent: Agent, places: &Places) -> Vec<PathBuf> {
    let names = EXTENSIONS.iter().filter(|(a, _)| *a == agent);
    names
        .flat_map(|(_, name)| {
            places
                .editors()
                .into_iter()
                .map(move |user| user.join("globalStorage").join(name).join("tasks"))
        })
        .collect()
}

/// Whether a file is the one that names a task.
pub(super) fn is_messages(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == MESSAGES)
}

/// Whose a task is that may lie anywhere: the name of a folder above it tells, else what lies beside it. Only Roo Code keeps
/// the task's entry of its list with the task, and only Cline names tasks by their time.
fn owner(path: &Path) -> Agent {
    let above = |name: &str| path.iter().any(|part| part == name);
    if let Some((agent, _)) = EXTENSIONS.iter().find(|(_, name)| above(name)) {
        return *agent;
    }
    let folder = path.parent().unwrap_or(path);
    match folder.join("history_item.json").exists() || task::is_uuid(folder) {
        true => Agent::Roo,
        false => Agent::Cline,
    }
}

/// Whether a file is a task of this one of them.
pub(super) fn claims(agent: Agent, path: &Path, head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let start: String = head
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(2)
        .collect();
    is_messages(path) && (start == "[{" || start == "[]") && owner(path) == agent
}

/// How a task's records are got out of its folder.
pub(super) fn extractor() -> Option<&'static dyn Extractor> {
    Some(&task::Task)
}

/// Reads one line.
pub(super) fn parse(line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
    events::line(line, state, out);
}

macro_rules! fork {
    ($name:ident) => {
        impl Source for $name {
            fn agent(&self) -> Agent {
                Agent::$name
            }

            fn roots(&self, places: &Places) -> Vec<PathBuf> {
                let mut roots = in_editors(Agent::$name, places);
                if Agent::$name == Agent::Cline {
                    // Outside of editors.
                    let own = places.var_folder("CLINE_DIR");
                    let own = own.unwrap_or_else(|| places.home.join(".cline"));
                    roots.push(own.join("data/tasks"));
                }
                roots
            }

            fn is_transcript(&self, path: &Path) -> bool {
                is_messages(path)
            }

            fn claims(&self, path: &Path, head: &[u8]) -> bool {
                claims(Agent::$name, path, head)
            }

            fn extractor(&self, _: &Path) -> Option<&'static dyn Extractor> {
                extractor()
            }

            fn parse(&self, _: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
                parse(line, state, out);
            }
        }
    };
}

fork!(Cline);
fork!(Roo);
