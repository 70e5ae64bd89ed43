//! GitHub Copilot: the program for the terminal, and the chat of VS Code.
//!
//! | form | where | how it is read |
//! |---|---|---|
//! | events of the program for the terminal | `~/.copilot/session-state/ID/events.jsonl` | growing lines |
//! | chats | `workspaceStorage/*/chatSessions/ID.json` or `.jsonl`; those of windows without a folder in `globalStorage` | records, see below |
//! | what a chat edited | `workspaceStorage/*/chatEditingSessions/ID` | with the chat: the texts before and after |
//! | transcripts for hooks | `workspaceStorage/*/GitHub.copilot-chat/transcripts/ID.jsonl`, or wherever a hook copied one | records `event` |
//!
//! | kind | key | body |
//! |---|---|---|
//! | `head` | `head` | what is said of the chat: folder, title, version |
//! | `request` | the request | what the person asked, when, of which model |
//! | `said` | the request and a number | words of the answer |
//! | `call` | the call | `row`: what the editor shows of it; `asked`, `answer`: the model's call and what it was told; `texts`: the files before and after |
//! | `edits` | the request and the file | a file that changed though no call is known to have asked for it |
//! | `child`, `child-said` | the call | a sub-agent's task and its answer |
//! | `end` | the request | how it ended, and tokens |
//! | `event`, `completed` | the event | a line of a transcript for hooks; with the end of a call what was asked |
//! | `damaged` | the line | a line of a chat's log that cannot be read, or fits nothing |
//!
//! One chat may stand in a `.json`, in the `.jsonl` that took its place, in copies in other workspaces and in a transcript for
//! hooks, under one id: it is one session, told by the form that tells most ([`Source::detail`]).
//!
//! A chat that was exported by hand names neither itself nor its folder: it is a session of its own, named by its first
//! request.

mod calls;
mod chat;
mod editing;
mod envelope;
mod events;
mod log;
mod pair;
mod place;
mod replay;
mod request;
mod shown;
mod tool;

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Event, Extractor, ParseState, Places, Record, Source, json};
use crate::model::Agent;

/// GitHub Copilot.
pub struct Copilot;

/// The editors that Copilot's chat is a part of. Editors that were built from them have their own.
const EDITORS: &[&str] = &["Code", "Code - Insiders", "VSCodium"];
/// Where those editors keep their files on a machine that they work on for another.
const SERVED: &[&str] = &[
    ".vscode-server/data/User",
    ".vscode-server-insiders/data/User",
    ".vscode-remote/data/User",
];
/// In it the editor has a folder for each workspace.
const STORAGE: &str = "workspaceStorage";
/// Folders of chats.
const CHATS: &[&str] = &[
    "chatSessions",
    "emptyWindowChatSessions",
    "transferredChatSessions",
];
/// The folder of transcripts for hooks, and the one that it lies in.
const TRANSCRIPTS: [&str; 2] = ["transcripts", "GitHub.copilot-chat"];
/// The events of the program for the terminal.
const EVENTS: &str = "events.jsonl";

impl Source for Copilot {
    fn agent(&self) -> Agent {
        Agent::Copilot
    }

    fn roots(&self, places: &Places) -> Vec<PathBuf> {
        let own = places.var_folder("COPILOT_HOME");
        let own = own.unwrap_or_else(|| places.home.join(".copilot"));
        let mut roots = vec![own.join("session-state")];
        let here = EDITORS.iter().map(|name| places.editor(name));
        let served = SERVED.iter().map(|user| places.home.join(user));
        for user in here.chain(served) {
            roots.push(user.join(STORAGE));
            roots.push(user.join("globalStorage").join(CHATS[1]));
        }
        roots
    }

    fn may_hold(&self, folder: &Path) -> bool {
        // Every extension may keep its own in the folder of a workspace.
        let parts: Vec<&str> = folder.iter().filter_map(|p| p.to_str()).collect();
        let Some(at) = parts.iter().rposition(|p| *p == STORAGE) else {
            return true;
        };
        match &parts[at + 1..] {
            [] | [_] => true,
            [_, name] => CHATS.contains(name) || *name == TRANSCRIPTS[1],
            [_, name, below] => *name == TRANSCRIPTS[1] && *below == TRANSCRIPTS[0],
            _ => false,
        }
    }

    fn is_transcript(&self, path: &Path) -> bool {
        let is = |ending: &str| path.extension().is_some_and(|e| e == ending);
        let name = path.file_name().is_some_and(|n| n == EVENTS);
        name || (is_chat(path) && (is("json") || is("jsonl")))
            || (is_for_hooks(path) && is("jsonl"))
    }

    fn claims(&self, path: &Path, head: &[u8]) -> bool {
        let head = String::from_utf8_lossy(head);
        is_events(&head) || is_log(&head) || is_document(path, &head)
    }

    fn extractor(&self, path: &Path) -> Option<&'static dyn Extractor> {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        let grows = !is_chat(path) && !is_for_hooks(path) && name.ends_with(".jsonl");
        match name == EVENTS || (grows && !is_read_whole(path)) {
            true => None,
            false => Some(&chat::Chat),
        }
    }

    fn detail(&self, path: &Path) -> u8 {
        let ends_in = |ending: &str| path.extension().is_some_and(|e| e == ending);
        match (is_chat(path), is_for_hooks(path)) {
            (true, _) if ends_in("jsonl") => 4,
            (true, _) => 3,
            (_, true) => 1,
            // The program's own events, and copies that a hook made, have ids of their own or are all there is.
            _ if path.file_name().is_some_and(|n| n == EVENTS) => 4,
            _ => 1,
        }
    }

    fn parse(&self, _: &Path, line: &[u8], state: &mut ParseState, out: &mut Vec<Event>) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        match Record::parse(line) {
            Ok(record) => shown::record(&record, state, out),
            Err(_) => events::line(line, state, out),
        }
    }
}

/// Whether a file lies in a folder of chats.
fn is_chat(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    folder.is_some_and(|f| CHATS.iter().any(|c| f == *c))
}

/// Whether a file lies in the folder of transcripts for hooks.
fn is_for_hooks(path: &Path) -> bool {
    let mut above = path.ancestors().skip(1).filter_map(Path::file_name);
    TRANSCRIPTS
        .iter()
        .all(|name| above.next().is_some_and(|n| n == *name))
}

/// Whether the first line is the start of a session in the envelope.
fn is_events(head: &str) -> bool {
    let Ok(first) = serde_json::from_str::<Value>(head.lines().next().unwrap_or("")) else {
        return false;
    };
    let is_text = |pointer: &str| first.pointer(pointer).is_some_and(Value::is_string);
    first.get("type").and_then(Value::as_str) == Some("session.start")
        && ["/data/sessionId", "/id", "/timestamp"]
            .into_iter()
            .all(is_text)
}

/// Whether the first line is the chat that a log begins with. It may be longer than what is at hand of it.
fn is_log(head: &str) -> bool {
    let mut kind = false;
    let mut chat = "";
    // What is torn is handed out too.
    let _ = json::members(head, &mut |name, part| {
        match name {
            "kind" => kind = part.text == "0",
            "v" => chat = part.text,
            _ => {}
        }
        chat.is_empty()
    });
    kind && names_a_chat(chat)
}

/// Whether a document is a chat: by what stands before its requests, or where it lies.
fn is_document(path: &Path, head: &str) -> bool {
    let is_json = path.extension().is_some_and(|e| e == "json");
    is_json && names_a_chat(head)
}

fn names_a_chat(text: &str) -> bool {
    let (mut responder, mut place, mut requests) = (false, false, false);
    let _ = json::members(text, &mut |name, part| {
        match name {
            "responderUsername" => responder = part.text.starts_with('"'),
            "initialLocation" => place = part.text.starts_with('"'),
            "requests" => requests = part.text.starts_with('['),
            _ => {}
        }
        true
    });
    responder && place && requests
}

/// Whether a file is a chat's log or a transcript for hooks, by its beginning: those are read whole, wherever they lie.
fn is_read_whole(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|f| f.take(1024).read_to_end(&mut head));
    let head: String = String::from_utf8_lossy(&head)
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    let first = head.split("},\"id\"").next().unwrap_or("");
    read.is_ok() && (head.starts_with("{\"kind\":0,") || first.contains("\"vscodeVersion\":"))
}
