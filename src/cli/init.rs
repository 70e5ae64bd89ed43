//! `init` and `uninstall`: shows what would be written into the agents' configuration, asks, writes, and says what came
//! of it.

use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};
use serde::Serialize;

use super::args::{Init, Uninstall};
use super::context::Context;
use super::out::{Out, Role};
use crate::hook::Host;
use crate::hook::install::{self, Change, Finding, Homes, Scope};
use crate::hook::spool::Spool;
use crate::query::Refused;
use crate::store::Store;
use crate::store::place::Kind;

#[derive(Serialize)]
struct Data {
    agent: &'static str,
    path: String,
    /// `write`, `remove`, `nothing` or `refused`.
    action: &'static str,
    why: Option<String>,
    backup: Option<String>,
    done: bool,
}

pub(super) fn run(context: &Context<'_>, options: &Init, out: &mut Out) -> Result<()> {
    let homes = homes(context)?;
    let scope = match options.user {
        true => Scope::User,
        false => Scope::Project(project(context)?),
    };
    let root = match &scope {
        Scope::Project(root) => Some(root.as_path()),
        Scope::User => None,
    };
    let hosts = match options.agent.is_empty() {
        true => install::agents(&homes, root),
        false => options.agent.clone(),
    };
    if hosts.is_empty() {
        let known: Vec<_> = Host::ALL.iter().map(|h| h.name()).collect();
        return Err(Refused::with_hint(
            "no agent with hooks was found on this machine",
            format!("name one with --agent: {}", known.join(", ")),
        ));
    }
    let program = program(context)?;
    let findings: Vec<Finding> = hosts
        .iter()
        .map(|h| install::plan(*h, &scope, &homes, &program))
        .collect();
    let what = match &scope {
        Scope::User => "for every project of yours (--project: only this one)".to_owned(),
        Scope::Project(root) => format!("for {} (--user: for every project)", root.display()),
    };
    out.note(&format!("hooks {what}"))?;
    let done = carry_out(context, &findings, &homes, options.confirm(), out)?;
    if done && !out.json {
        after(context, &scope, &hosts, out)?;
    }
    refused(&findings)
}

pub(super) fn uninstall(context: &Context<'_>, options: &Uninstall, out: &mut Out) -> Result<()> {
    let homes = homes(context)?;
    let mut scopes = Vec::new();
    if !options.project {
        scopes.push(Scope::User);
    }
    if !options.user {
        // Where there is no project, only those for the user can be meant.
        scopes.extend(project(context).ok().map(Scope::Project));
    }
    let hosts = match options.agent.is_empty() {
        true => Host::ALL.to_vec(),
        false => options.agent.clone(),
    };
    let findings = install::plan_removal(&homes, &scopes, &hosts);
    if findings.is_empty() && !out.json {
        return out.note("no hooks of ours are installed here");
    }
    carry_out(
        context,
        &findings,
        &homes,
        (options.yes, options.dry_run),
        out,
    )?;
    refused(&findings)
}

/// Shows, asks, writes. Whether it was done.
fn carry_out(
    context: &Context<'_>,
    findings: &[Finding],
    homes: &Homes,
    (yes, dry_run): (bool, bool),
    out: &mut Out,
) -> Result<bool> {
    let changes = findings
        .iter()
        .filter(|f| matches!(f, Finding::Change(_)))
        .count();
    if !out.json {
        for finding in findings {
            show(finding, out)?;
        }
    }
    let agreed = changes > 0 && !dry_run && (yes || (!out.json && asked(changes, out)?));
    let mut data = Vec::new();
    for finding in findings {
        let mut backup = None;
        if let (true, Finding::Change(change)) = (agreed, finding) {
            backup = install::apply(change, homes, context.env.clock.now())
                .wrap_err_with(|| format!("{} could not be written", change.path.display()))?;
            if !out.json {
                said(change, backup.as_deref(), out)?;
            }
        }
        data.push(datum(finding, backup.as_deref(), agreed));
    }
    if out.json {
        out.value(&data, false)?;
    }
    if changes > 0 && !agreed && !dry_run {
        return Err(Refused::with_hint(
            "nothing was written",
            "say --yes where nobody can be asked, or --dry-run to only look",
        ));
    }
    Ok(agreed)
}

fn asked(changes: usize, out: &mut Out) -> Result<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(false);
    }
    let files = if changes == 1 {
        "this file"
    } else {
        "these files"
    };
    out.question(&format!("Write {files}? [y/N] "))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn show(finding: &Finding, out: &mut Out) -> Result<()> {
    match finding {
        Finding::Nothing(host, path) => {
            let line = format!("{}: {} has them already", host.title(), path.display());
            out.note(&line)
        }
        Finding::Refused(host, path, why) => {
            let line = format!("{}: {} is left alone: {why}", host.title(), path.display());
            let line = out.paint(Role::Warn, &line);
            out.line(&line)
        }
        Finding::Change(change) => {
            for line in diff(change).lines() {
                let role = match line.as_bytes().first() {
                    Some(b'+') => Role::Good,
                    Some(b'-') => Role::Bad,
                    Some(b'@') => Role::Accent,
                    _ => Role::Text,
                };
                let line = out.paint(role, line);
                out.line(&line)?;
            }
            Ok(())
        }
    }
}

fn diff(change: &Change) -> String {
    let name = |text: &Option<String>| match text {
        Some(_) => change.path.display().to_string(),
        None => "/dev/null".to_owned(),
    };
    let before = change.before.clone().unwrap_or_default();
    let after = change.after.clone().unwrap_or_default();
    similar::TextDiff::from_lines(&before, &after)
        .unified_diff()
        .header(&name(&change.before), &name(&change.after))
        .to_string()
}

fn said(change: &Change, backup: Option<&Path>, out: &mut Out) -> Result<()> {
    let what = match &change.after {
        Some(_) => "written",
        None => "removed",
    };
    let kept = backup.map_or(String::new(), |b| format!("  as it was: {}", b.display()));
    let line = format!("{what}: {}{kept}", change.path.display());
    let line = out.paint(Role::Good, &line);
    out.line(&line)
}

fn datum(finding: &Finding, backup: Option<&Path>, agreed: bool) -> Data {
    let (host, path, action, why) = match finding {
        Finding::Nothing(host, path) => (host, path, "nothing", None),
        Finding::Refused(host, path, why) => (host, path, "refused", Some(why.clone())),
        Finding::Change(c) if c.after.is_some() => (&c.host, &c.path, "write", None),
        Finding::Change(c) => (&c.host, &c.path, "remove", None),
    };
    Data {
        agent: host.name(),
        path: path.to_string_lossy().into_owned(),
        action,
        why,
        backup: backup.map(|b| b.to_string_lossy().into_owned()),
        done: agreed && matches!(finding, Finding::Change(_)),
    }
}

fn refused(findings: &[Finding]) -> Result<()> {
    let n = findings
        .iter()
        .filter(|f| matches!(f, Finding::Refused(..)))
        .count();
    match n {
        0 => Ok(()),
        1 => Err(Refused::because("one file was left alone")),
        n => Err(Refused::because(format!("{n} files were left alone"))),
    }
}

/// What the user must do or know now.
fn after(context: &Context<'_>, scope: &Scope, hosts: &[Host], out: &mut Out) -> Result<()> {
    if hosts.contains(&Host::Codex) {
        out.note("Codex runs a new hook only once you trust it: say /hooks in Codex")?;
    }
    if let Scope::Project(_) = scope {
        let place = context.place()?;
        // Asked for by name: from now on this folder is recorded.
        if place.kind == Kind::Repo && !place.has_store() {
            let store = Store::open(&place)?;
            context.tell(out, store.notices())?;
        }
        out.note("these files lie in the project; where they are shared and regent-tui is missing, the hooks do nothing")?;
    }
    out.note("agents that run already read their hooks when they start again")
}

/// Where the agents' configurations are.
pub(super) fn homes(context: &Context<'_>) -> Result<Homes> {
    let env = context.env;
    let folder = |var: &str, rel: &str| match env
        .var(var)
        .map(|v| v.split(',').next().unwrap_or_default().trim())
    {
        Some(dir) if Path::new(dir).is_absolute() => PathBuf::from(dir),
        _ => env.home.join(rel),
    };
    Ok(Homes {
        claude: folder("CLAUDE_CONFIG_DIR", ".claude"),
        codex: folder("CODEX_HOME", ".codex"),
        copilot: folder("COPILOT_HOME", ".copilot"),
        config: folder("XDG_CONFIG_HOME", ".config"),
        state: env
            .surroundings
            .state()
            .ok_or_else(|| eyre!("no home folder"))?,
        uid: env.surroundings.uid,
        home: env.home.clone(),
    })
}

/// The project: the worktree, or the folder one works in; not the home folder, nor one that is not the user's alone.
pub(super) fn project(context: &Context<'_>) -> Result<PathBuf> {
    match Spool::of(&context.folder, &context.env.surroundings) {
        Some(spool) if spool.place().kind == Kind::Repo => Ok(spool.root().to_owned()),
        _ => Err(Refused::with_hint(
            format!("{} is no project", context.folder.display()),
            "--user installs the hooks for every project",
        )),
    }
}

/// The program that the hooks call: this one, under the name it is known by.
fn program(context: &Context<'_>) -> Result<String> {
    let own = std::env::current_exe().wrap_err("where this program is cannot be told")?;
    let same = |path: &PathBuf| path.canonicalize().ok() == own.canonicalize().ok();
    // A package manager's link stays what it is over updates; the file behind it does not.
    let named = context
        .env
        .var("PATH")
        .unwrap_or_default()
        .split(':')
        .map(|d| Path::new(d).join("regent-tui"));
    let found = named.filter(|p| p.is_absolute()).find(same).unwrap_or(own);
    found
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| eyre!("{} is not UTF-8", found.display()))
}
