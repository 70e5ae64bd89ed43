//! Putting our hooks into the agents' configuration, and taking them out again.
//!
//! Everything is a plan first ([`Change`]: a file, its text before and after) that is shown, then applied. Every byte that
//! is not ours stays, which is checked before anything is written: what was put in is taken out again in memory, and the
//! result must be what was there. A link, or what cannot be read, is refused. The text before is kept in the user's state
//! folder, and so is what was put in, so that it can be taken out after others edited the file, and missed when it is
//! gone.

mod agents;
mod edit;
mod file;
mod json;
mod record;
#[cfg(test)]
mod tests;
mod toml;

use std::io;
use std::path::{Path, PathBuf};

use self::agents::{Form, Target};
use self::edit::Edit;
use self::file::Replaced;
use self::record::{Record, Records, hash};
use super::Host;
use crate::model::Time;

/// An agent may write its file while we look; then one looks again.
const TRIES: usize = 20;

/// Where configurations are.
#[derive(Clone, Debug)]
pub struct Homes {
    /// The user's home.
    pub home: PathBuf,
    /// Claude Code's folder.
    pub claude: PathBuf,
    /// Codex's.
    pub codex: PathBuf,
    /// Copilot's.
    pub copilot: PathBuf,
    /// The folder of settings (`XDG_CONFIG_HOME`).
    pub config: PathBuf,
    /// Ours in the user's state folder.
    pub state: PathBuf,
    /// Who the user is.
    pub uid: u32,
}

/// For whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every project of the user.
    User,
    /// One, by its folder.
    Project(PathBuf),
}

/// What would be written.
#[derive(Clone, Debug)]
pub struct Change {
    /// Whose file.
    pub host: Host,
    /// The file.
    pub path: PathBuf,
    /// Its text; `None`: there is none.
    pub before: Option<String>,
    /// Its text afterwards; `None`: it goes.
    pub after: Option<String>,
    job: Job,
}

#[derive(Clone, Debug)]
enum Job {
    Install {
        target: Target,
        project: Option<PathBuf>,
        program: String,
        /// The file without anything of ours.
        base: Option<String>,
        pieces: Vec<String>,
    },
    Remove {
        target: Target,
        made: Vec<PathBuf>,
    },
}

/// What was found out about one file.
#[derive(Clone, Debug)]
pub enum Finding {
    /// Something is to be done.
    Change(Box<Change>),
    /// Nothing is.
    Nothing(Host, PathBuf),
    /// It must not be touched, and why.
    Refused(Host, PathBuf, String),
}

/// What stands in a file that our hooks were put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All of them.
    Whole,
    /// Only some.
    Partly,
    /// None any more, or no file.
    Gone,
    /// All, but the program that they call is gone.
    NoProgram,
    /// It cannot be read.
    Unreadable,
}

/// An installation that is remembered.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Whose.
    pub host: Host,
    /// Where.
    pub path: PathBuf,
    /// For every project.
    pub for_user: bool,
    /// Since when.
    pub since: Time,
    /// What is left of it.
    pub state: State,
}

/// The agents that are used on this machine or in this project.
pub fn agents(homes: &Homes, project: Option<&Path>) -> Vec<Host> {
    let found = Host::ALL.iter().copied();
    found
        .filter(|h| agents::is_found(*h, homes, project))
        .collect()
}

/// What installing would do for an agent.
pub fn plan(host: Host, scope: &Scope, homes: &Homes, program: &str) -> Finding {
    let target = agents::target(host, scope, homes);
    let path = target.path.clone();
    match planned(&target, scope, homes, program) {
        Ok(Some(change)) => Finding::Change(Box::new(change)),
        Ok(None) => Finding::Nothing(host, path),
        Err(why) => Finding::Refused(host, path, why),
    }
}

fn planned(
    target: &Target,
    scope: &Scope,
    homes: &Homes,
    program: &str,
) -> Result<Option<Change>, String> {
    let text = file::read(&target.path, homes.uid)?;
    let old = Records::new(&homes.state).of(&target.path);
    let present = text.as_deref().unwrap_or_default();
    if is_whole(target, present, program)? {
        return Ok(None);
    }
    let pieces = old.as_ref().map_or(&[] as &[_], |r| &r.pieces);
    let base = match commands(target, present).is_empty() {
        true => present.to_owned(),
        false => take_out(target, present, pieces)?,
    };
    let edit = put(target, &base, program)?;
    verify(target, &base, &edit, program)?;
    let existed = text.is_some() && old.is_none_or(|r| r.existed || !base.trim().is_empty());
    Ok(Some(Change {
        host: target.host,
        path: target.path.clone(),
        before: text,
        after: Some(edit.text),
        job: Job::Install {
            target: target.clone(),
            project: match scope {
                Scope::User => None,
                Scope::Project(root) => Some(root.clone()),
            },
            program: program.to_owned(),
            base: existed.then_some(base),
            pieces: edit.pieces,
        },
    }))
}

/// Whether all of ours is there, as we would write it now.
fn is_whole(target: &Target, text: &str, program: &str) -> Result<bool, String> {
    let wanted = agents::command(target.host, program);
    let events = agents::events(target.host);
    Ok(match target.form {
        Form::Own => text == agents::plugin(program),
        Form::Json => {
            let entries = agents::entries(target.host, program);
            edit::present(text, &entries)?.len() == events.len()
                && edit::commands(text, &entries.mark)
                    .iter()
                    .all(|c| *c == wanted)
        }
        Form::Toml => {
            let found = toml::commands(text, &agents::mark(target.host));
            events.iter().all(|e| {
                found
                    .iter()
                    .any(|(event, command)| event == e && *command == wanted)
            })
        }
    })
}

/// Our commands in a text.
fn commands(target: &Target, text: &str) -> Vec<String> {
    let mark = agents::mark(target.host);
    match target.form {
        Form::Own if text.contains("`regent-tui uninstall` removes it") => vec![mark],
        Form::Own => Vec::new(),
        Form::Json => edit::commands(text, &mark),
        Form::Toml => toml::commands(text, &mark)
            .into_iter()
            .map(|(_, c)| c)
            .collect(),
    }
}

fn take_out(target: &Target, text: &str, pieces: &[String]) -> Result<String, String> {
    let mark = agents::mark(target.host);
    match target.form {
        Form::Own => Ok(String::new()),
        Form::Json => edit::take_out(text, pieces, &mark),
        Form::Toml => toml::take_out(text, pieces, &mark),
    }
}

fn put(target: &Target, base: &str, program: &str) -> Result<Edit, String> {
    match target.form {
        Form::Own if !base.is_empty() => Err("somebody else's file has this name".to_owned()),
        Form::Own => Ok(Edit {
            text: agents::plugin(program),
            pieces: vec![agents::plugin(program)],
        }),
        Form::Json => edit::put(base, &agents::entries(target.host, program)),
        Form::Toml => {
            let command = agents::command(target.host, program);
            toml::put(base, agents::events(target.host), &command, agents::TIMEOUT)
        }
    }
}

/// Nothing is written that cannot be taken out again.
fn verify(target: &Target, base: &str, edit: &Edit, program: &str) -> Result<(), String> {
    let whole = is_whole(target, &edit.text, program)?;
    let back = edit::without(&edit.text, &edit.pieces);
    match whole && back.as_deref() == Some(base) {
        true => Ok(()),
        false => Err("it cannot be edited without touching other parts of it".to_owned()),
    }
}

/// What taking our hooks out would do, in every file that has some: those for the user, and those for a project.
pub fn plan_removal(homes: &Homes, scopes: &[Scope], hosts: &[Host]) -> Vec<Finding> {
    let records = Records::new(&homes.state);
    let mut targets: Vec<Target> = Vec::new();
    for scope in scopes {
        let project = match scope {
            Scope::User => None,
            Scope::Project(root) => Some(root),
        };
        let remembered = records
            .all()
            .into_iter()
            .filter(|r| r.project.as_ref() == project);
        let named = remembered.map(|r| Target {
            host: r.host,
            form: form_of(&r),
            path: r.path,
        });
        targets.extend(named);
        targets.extend(Host::ALL.iter().map(|h| agents::target(*h, scope, homes)));
    }
    targets.retain(|t| hosts.contains(&t.host));
    targets.sort_by(|a, b| (a.host, &a.path).cmp(&(b.host, &b.path)));
    targets.dedup_by(|a, b| a.path == b.path);
    let one = |target: &Target| match planned_removal(target, homes) {
        Ok(Some(change)) => Some(Finding::Change(Box::new(change))),
        Ok(None) => None,
        Err(why) => Some(Finding::Refused(target.host, target.path.clone(), why)),
    };
    targets.iter().filter_map(one).collect()
}

fn form_of(record: &Record) -> Form {
    match record.path.extension().and_then(|e| e.to_str()) {
        Some("toml") => Form::Toml,
        Some("js") => Form::Own,
        _ => Form::Json,
    }
}

fn planned_removal(target: &Target, homes: &Homes) -> Result<Option<Change>, String> {
    let records = Records::new(&homes.state);
    let record = records.of(&target.path);
    let Ok(Some(text)) = file::read(&target.path, homes.uid) else {
        // Gone, or what we would never have written to: nothing of ours is there.
        return Ok(None);
    };
    if commands(target, &text).is_empty() {
        return Ok(None);
    }
    let after = match &record {
        Some(r) if r.after == hash(&text) => match r.existed {
            true => Some(
                std::fs::read_to_string(records.backup(&target.path)).map_err(|e| e.to_string())?,
            ),
            false => None,
        },
        _ => {
            let pieces = record.as_ref().map_or(&[] as &[_], |r| &r.pieces);
            let rest = take_out(target, &text, pieces)?;
            let existed = record.as_ref().is_none_or(|r| r.existed);
            let ours_alone = target.form == Form::Own || (!existed && is_bare(&rest));
            (!ours_alone).then_some(rest)
        }
    };
    Ok(Some(Change {
        host: target.host,
        path: target.path.clone(),
        before: Some(text),
        after,
        job: Job::Remove {
            target: target.clone(),
            made: record.map(|r| r.made).unwrap_or_default(),
        },
    }))
}

/// Whether nothing is left of a file but what we began it with.
fn is_bare(text: &str) -> bool {
    text.trim().is_empty()
        || json::parse(text).is_ok_and(|n| {
            matches!(n.value, json::Value::Object(_))
                && n.members().iter().all(|m| m.key == "version")
        })
}

/// Does what was planned. Where the file changed meanwhile, the same is done to what it is now. Where the text before is
/// kept, if there was one.
pub fn apply(change: &Change, homes: &Homes, now: Time) -> io::Result<Option<PathBuf>> {
    let mut change = change.clone();
    for _ in 0..TRIES {
        let (done, backup) = apply_once(&change, homes, now)?;
        if done == Replaced::Done {
            return Ok(backup);
        }
        match again(&change, homes).map_err(io::Error::other)? {
            Some(newer) => change = newer,
            None => return Ok(None),
        }
    }
    Err(io::Error::other("it is written to all the time"))
}

fn again(change: &Change, homes: &Homes) -> Result<Option<Change>, String> {
    match &change.job {
        Job::Install {
            target,
            project,
            program,
            ..
        } => {
            let scope = match project {
                Some(root) => Scope::Project(root.clone()),
                None => Scope::User,
            };
            planned(target, &scope, homes, program)
        }
        Job::Remove { target, .. } => planned_removal(target, homes),
    }
}

fn apply_once(
    change: &Change,
    homes: &Homes,
    now: Time,
) -> io::Result<(Replaced, Option<PathBuf>)> {
    let records = Records::new(&homes.state);
    let (before, after) = (change.before.as_deref(), change.after.as_deref());
    match &change.job {
        Job::Install {
            project,
            program,
            base,
            pieces,
            ..
        } => {
            let backup = base
                .as_ref()
                .map(|b| records.keep(&change.path, b))
                .transpose()?;
            let mut made = file::make_parents(&change.path)?;
            if let Some(old) = records.of(&change.path) {
                made.extend(old.made);
            }
            // Before the file: what is written and not remembered could not be missed.
            records.put(&Record {
                path: change.path.clone(),
                host: change.host,
                project: project.clone(),
                program: program.clone(),
                at: now,
                existed: base.is_some(),
                after: hash(after.unwrap_or_default()),
                pieces: pieces.clone(),
                made,
            })?;
            Ok((file::replace(&change.path, before, after)?, backup))
        }
        Job::Remove { made, .. } => {
            let done = file::replace(&change.path, before, after)?;
            if done == Replaced::Done {
                records.forget(&change.path);
                for folder in made {
                    // One that is not empty is somebody's by now.
                    let _ = std::fs::remove_dir(folder);
                }
            }
            Ok((done, None))
        }
    }
}

/// What was installed for the user and for a project, and what is left of it. Looks anew each time.
pub fn installed(homes: &Homes, project: Option<&Path>) -> Vec<Installed> {
    let records = Records::new(&homes.state).all().into_iter();
    records
        .filter(|r| r.project.is_none() || r.project.as_deref() == project)
        .map(|r| Installed {
            state: state(&r, homes),
            host: r.host,
            for_user: r.project.is_none(),
            since: r.at,
            path: r.path,
        })
        .collect()
}

fn state(record: &Record, homes: &Homes) -> State {
    let target = Target {
        host: record.host,
        path: record.path.clone(),
        form: form_of(record),
    };
    let text = match file::read(&record.path, homes.uid) {
        Ok(Some(text)) => text,
        Ok(None) => return State::Gone,
        Err(_) => return State::Unreadable,
    };
    match is_whole(&target, &text, &record.program) {
        Ok(true) if !Path::new(&record.program).is_file() => State::NoProgram,
        Ok(true) => State::Whole,
        Ok(false) if commands(&target, &text).is_empty() => State::Gone,
        Ok(false) => State::Partly,
        Err(_) => State::Unreadable,
    }
}
