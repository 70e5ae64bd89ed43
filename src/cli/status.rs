//! `status`: what is recorded, where, and since when.

use std::os::unix::fs::MetadataExt;

use color_eyre::Result;
use serde::Serialize;

use super::context::Context;
use super::out::{Out, Role};
use super::sessions::count;
use super::{recording, when};
use crate::model::Time;
use crate::query::health::Holdings;
use crate::query::{Ask, StoreAsk};
use crate::store::place::Kind;
use crate::{snapshot, watch};

#[derive(Serialize)]
struct Status {
    store: String,
    kind: &'static str,
    schema: i64,
    size_bytes: u64,
    kept_in: Option<String>,
    sessions: u64,
    subagents: u64,
    prompts: u64,
    steps: u64,
    changes: u64,
    since: Option<String>,
    until: Option<String>,
    recording: Option<Recording>,
    snapshots: u64,
    last_snapshot: Option<String>,
    hooks: Vec<recording::Hook>,
    /// Lines of ignore files that are no patterns: what they were to keep out is recorded.
    bad_ignore_rules: Vec<String>,
    transcripts: u64,
    archived: u64,
    transcript_bytes: u64,
    transcript_bytes_stored: u64,
    contents: u64,
    content_bytes: u64,
    content_bytes_stored: u64,
    elsewhere: u32,
    looked_in: Vec<Folder>,
}

/// Who records the work folder at this moment.
#[derive(Serialize)]
struct Recording {
    pid: u32,
    since: String,
    how: String,
}

#[derive(Serialize)]
struct Folder {
    folder: String,
    transcripts: u32,
}

pub(super) fn run(context: &Context<'_>, out: &mut Out) -> Result<()> {
    let ask = context.ask(out)?;
    let (held, list) = ask.at_once(|ask| Ok((ask.holdings()?, ask.sessions()?)))?;
    let place = ask.place();
    let recorder = super::rewind::root(context)
        .ok()
        .and_then(|root| watch::recorder(&root));
    let status = Status {
        store: place.db.to_string_lossy().into_owned(),
        kind: match place.kind {
            Kind::Repo => "repository",
            Kind::UserWide => "user-wide",
            Kind::Explicit => "named",
        },
        schema: held.stored.schema,
        size_bytes: size(&place.db),
        kept_in: place
            .keep
            .as_ref()
            .map(|k| k.to_string_lossy().into_owned()),
        sessions: held.sessions,
        subagents: held.subagents,
        prompts: held.prompts,
        steps: held.steps,
        changes: held.changes,
        since: held.since.map(Time::rfc3339),
        until: held.until.map(Time::rfc3339),
        recording: recorder.as_ref().map(|who| Recording {
            pid: who.pid,
            since: who.since.rfc3339(),
            how: who.how.clone(),
        }),
        snapshots: held.snapshots,
        last_snapshot: held.last_snapshot.map(Time::rfc3339),
        hooks: recording::hooks(context, &ask)?,
        bad_ignore_rules: bad_rules(context, &ask)?,
        transcripts: held.transcripts,
        archived: held.archived,
        transcript_bytes: held.stored.raw,
        transcript_bytes_stored: held.stored.raw_packed,
        contents: held.stored.blobs,
        content_bytes: held.stored.blob_bytes,
        content_bytes_stored: held.stored.blobs_packed,
        elsewhere: list.elsewhere,
        looked_in: list
            .looked_in
            .into_iter()
            .map(|(folder, transcripts)| Folder {
                folder,
                transcripts,
            })
            .collect(),
    };
    if out.json {
        return out.value(&status, false);
    }
    let hooks = recording::lines(context, &ask)?;
    people(&status, &held, recorder.as_ref(), &hooks, out)
}

fn people(
    status: &Status,
    held: &Holdings,
    recorder: Option<&watch::Recorder>,
    hooks: &[String],
    out: &mut Out,
) -> Result<()> {
    let agents: Vec<String> = held
        .agents
        .iter()
        .map(|(agent, n)| format!("{n} {agent}"))
        .collect();
    let mut rows = vec![(
        "store",
        format!(
            "{}  {}, {}",
            status.store,
            status.kind,
            when::size(status.size_bytes)
        ),
    )];
    if let Some(kept) = &status.kept_in {
        rows.push(("kept in", format!("{kept}  survives `rm -rf .regent`")));
    }
    rows.extend([
        (
            "recorded",
            format!("{} to {}", when::long(held.since), when::long(held.until)),
        ),
        (
            "work folder",
            match recorder {
                Some(who) => format!(
                    "recorded by process {} since {} ({})",
                    who.pid,
                    when::long(Some(who.since)),
                    who.how
                ),
                None => {
                    "not recorded at this moment: the screen and `regent-tui watch` do".to_owned()
                }
            },
        ),
        (
            "snapshots",
            match held.last_snapshot {
                Some(_) => format!(
                    "{}, the last {}",
                    held.snapshots,
                    when::long(held.last_snapshot)
                ),
                None => "none".to_owned(),
            },
        ),
        (
            "sessions",
            format!(
                "{}, {} of them sub-agents ({})",
                status.sessions,
                status.subagents,
                agents.join(", ")
            ),
        ),
        (
            "steps",
            format!(
                "{} under {} prompts, {} changes of files",
                status.steps, status.prompts, status.changes
            ),
        ),
        (
            "transcripts",
            format!(
                "{}, {} kept as {}{}",
                status.transcripts,
                when::size(status.transcript_bytes),
                when::size(status.transcript_bytes_stored),
                if status.archived > 0 {
                    format!("; {} are gone from the disk", status.archived)
                } else {
                    String::new()
                }
            ),
        ),
        (
            "contents",
            format!(
                "{} files' states, {} kept as {}",
                status.contents,
                when::size(status.content_bytes),
                when::size(status.content_bytes_stored)
            ),
        ),
        (
            "elsewhere",
            format!(
                "{} on this machine do not belong here",
                count(status.elsewhere, "transcript")
            ),
        ),
    ]);
    for line in &status.bad_ignore_rules {
        let words = format!("! {line} is no pattern: it keeps nothing out");
        rows.push(("ignore rules", words));
    }
    let none = [
        "none installed; with `regent-tui init` a snapshot follows each step, whatever runs"
            .to_owned(),
    ];
    let hooks = if hooks.is_empty() { &none } else { hooks };
    rows.extend(hooks.iter().map(|line| ("hooks", line.clone())));
    for folder in &status.looked_in {
        rows.push((
            "looked in",
            format!(
                "{}  {}",
                folder.folder,
                count(folder.transcripts, "transcript")
            ),
        ));
    }
    let mut last = "";
    for (name, value) in rows {
        let shown = if name == last { "" } else { name };
        last = name;
        let name = out.paint(Role::Dim, &format!("{shown:<12}"));
        let value = out.paint(Role::Text, &value);
        out.line(&format!("{name} {value}"))?;
    }
    Ok(())
}

/// Lines of ignore files that are no patterns, as the last snapshot of the work folder found them.
fn bad_rules(context: &Context<'_>, ask: &StoreAsk) -> Result<Vec<String>> {
    let Ok(root) = super::rewind::root(context) else {
        return Ok(Vec::new());
    };
    let kept = ask.memo(&snapshot::memo_of_bad_rules(root.place()))?;
    Ok(kept
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect())
}

/// Bytes of the store, with its log.
fn size(db: &std::path::Path) -> u64 {
    let of = |path: &std::path::Path| path.metadata().map_or(0, |m| m.size());
    let mut log = db.as_os_str().to_owned();
    log.push("-wal");
    of(db) + of(std::path::Path::new(&log))
}
