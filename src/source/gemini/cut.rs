//! Cutting a session's file into records: what is said of the session, where it ran, its messages, what was taken back.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::source::extract::Take;
use crate::source::json;
use crate::source::record::rank;
use crate::source::{Given, Places};

/// Behind what is said of the session, before all messages.
const PLACE: &str = "!";

/// Cuts a file of either form.
pub(super) fn chat(path: &Path, text: &str, places: &Places, take: &mut Take<'_>) -> Result<()> {
    match path.extension().is_some_and(|e| e == "jsonl") {
        true => lines(path, text, places, take),
        false => document(path, text, places, take),
    }
}

fn document(path: &Path, text: &str, places: &Places, take: &mut Take<'_>) -> Result<()> {
    let (mut head, mut messages) = (Vec::new(), None);
    let done = json::members(text, &mut |name, part| {
        match name {
            "messages" => messages = Some(part.text),
            _ if part.whole => head.push((name.to_owned(), part.text)),
            _ => {}
        }
        true
    });
    let field = |wanted: &str| {
        let (_, text) = head.iter().find(|(name, _)| name == wanted)?;
        serde_json::from_str::<String>(text).ok()
    };
    let session = field("sessionId").ok_or_else(|| eyre!("it does not say which session it is"))?;
    let body: Vec<String> = head
        .iter()
        .map(|(name, text)| format!("{}:{text}", Value::from(name.as_str())))
        .collect();
    let mut give = Giving {
        session: &session,
        take,
    };
    give.record("session", "", "session", &format!("{{{}}}", body.join(",")))?;
    give.place(path, field("projectHash").as_deref(), places)?;
    let mut n = 0;
    let mut given = Ok(());
    let whole = json::elements(messages.unwrap_or("[]"), &mut |text| {
        let id = serde_json::from_str::<Line<'_>>(text)
            .ok()
            .and_then(|l| l.id);
        let key = id.unwrap_or_else(|| format!("message {n}"));
        given = give.record(&key, &rank(n), "message", text);
        n += 1;
        given.is_ok()
    });
    given?;
    done.and(whole).map_err(|why| eyre!(why))
}

/// A line, as far as it matters for its place.
#[derive(Deserialize)]
struct Line<'a> {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(rename = "sessionId")]
    session: Option<String>,
    #[serde(rename = "projectHash")]
    project: Option<String>,
    #[serde(rename = "$set", borrow)]
    set: Option<&'a RawValue>,
    #[serde(rename = "$rewindTo")]
    rewind: Option<String>,
}

/// A message: its id, the line in which it stood first, its newest text.
struct Message<'t> {
    id: String,
    first: u64,
    text: &'t str,
    is_prompt: bool,
}

fn lines(path: &Path, text: &str, places: &Places, take: &mut Take<'_>) -> Result<()> {
    let (mut session, mut project) = (None, None);
    // In order of their first appearance; those that were taken back too.
    let mut messages: Vec<Message<'_>> = Vec::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    // Those that stand, as indices.
    let mut standing: Vec<usize> = Vec::new();
    let mut others: Vec<(String, u64, &str, String)> = Vec::new();
    for (n, raw) in (0u64..).zip(text.split_inclusive('\n')) {
        let line = raw.trim();
        if line.is_empty() {
            continue;
        }
        let Ok(parsed) = serde_json::from_str::<Line<'_>>(line) else {
            // What is being written just now is no damage.
            if raw.ends_with('\n') {
                others.push((
                    format!("line {n}"),
                    n,
                    "damaged",
                    Value::from(line).to_string(),
                ));
            }
            continue;
        };
        if let Some(to) = parsed.rewind {
            let from = standing.iter().position(|m| messages[*m].id == to);
            let gone = standing.split_off(from.unwrap_or(0));
            let prompts = gone.iter().filter(|m| messages[**m].is_prompt).count();
            for message in gone {
                by_id.remove(&messages[message].id);
            }
            let body = json!({"to": to, "prompts": prompts}).to_string();
            others.push((format!("rewind {n}"), n, "rewind", body));
        } else if parsed.set.is_some() {
            others.push((format!("set {n}"), n, "set", line.to_owned()));
        } else if let (Some(id), Some(kind)) = (parsed.id, parsed.kind) {
            if let Some(at) = by_id.get(&id) {
                messages[*at].text = line;
                continue;
            }
            by_id.insert(id.clone(), messages.len());
            standing.push(messages.len());
            messages.push(Message {
                id,
                first: n,
                text: line,
                is_prompt: kind == "user",
            });
        } else {
            session = session.or(parsed.session);
            project = project.or(parsed.project);
            others.push((format!("session {n}"), n, "session", line.to_owned()));
        }
    }
    let session = session.ok_or_else(|| eyre!("it does not say which session it is"))?;
    let mut give = Giving {
        session: &session,
        take,
    };
    give.place(path, project.as_deref(), places)?;
    let said = messages
        .into_iter()
        .map(|m| (m.id, m.first, "message", m.text.to_owned()));
    let mut all: Vec<_> = said.chain(others).collect();
    all.sort_by_key(|(_, n, ..)| *n);
    for (key, n, kind, body) in all {
        give.record(&key, &rank(n), kind, &body)?;
    }
    Ok(())
}

struct Giving<'g, 't, 'f> {
    session: &'g str,
    take: &'t mut Take<'f>,
}

impl Giving<'_, '_, '_> {
    fn record(&mut self, key: &str, order: &str, kind: &str, body: &str) -> Result<()> {
        (self.take)(Given {
            session: self.session,
            key,
            order,
            kind,
            body,
        })
    }

    /// What the file's place tells: the project's folder, and the parent of a sub-agent.
    fn place(&mut self, path: &Path, project: Option<&str>, places: &Places) -> Result<()> {
        let chats = path
            .ancestors()
            .find(|a| a.file_name().is_some_and(|n| n == "chats"));
        let folder = chats.and_then(Path::parent);
        let cwd = folder.and_then(|f| project_root(f, project, places));
        let parent = path
            .parent()
            .filter(|p| chats.is_some() && Some(*p) != chats)
            .and_then(Path::file_name);
        if cwd.is_none() && parent.is_none() {
            return Ok(());
        }
        let body = json!({
            "cwd": cwd.map(|c| c.to_string_lossy().into_owned()),
            "parent": parent.map(|p| p.to_string_lossy().into_owned()),
        });
        self.record("place", PLACE, "place", &body.to_string())
    }
}

/// The path of a project, from what lies beside its folder `tmp/<project>`.
fn project_root(folder: &Path, hash: Option<&str>, places: &Places) -> Option<PathBuf> {
    let name = folder.file_name()?.to_str()?;
    let is = |path: &Path| {
        let own = hex(path);
        hash == Some(own.as_str()) || name == own
    };
    if let Ok(text) = std::fs::read_to_string(folder.join(".project_root")) {
        return Some(PathBuf::from(text.trim()));
    }
    if let Some(project) = places.projects.iter().find(|p| is(p)) {
        return Some(project.clone());
    }
    let list = folder.parent()?.parent()?.join("projects.json");
    let text = std::fs::read_to_string(list).ok()?;
    let list: Value = serde_json::from_str(&text).ok()?;
    let projects = list.get("projects")?.as_object()?;
    projects
        .iter()
        .find(|(path, short)| short.as_str() == Some(name) || is(Path::new(path)))
        .map(|(path, _)| PathBuf::from(path))
}

fn hex(path: &Path) -> String {
    use std::fmt::Write;
    use std::os::unix::ffi::OsStrExt;
    let mut out = String::new();
    for byte in Sha256::digest(path.as_os_str().as_bytes()) {
        // Writing to a string does not fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}
