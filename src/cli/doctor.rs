//! `doctor`: is the store sound, is it ours alone, was everything understood, what is about to be lost.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use color_eyre::Result;
use serde::Serialize;

use super::args::Doctor;
use super::context::Context;
use super::out::{Out, Role};
use super::{ingest, recording, repair, retention};
use crate::query::{Refused, StoreAsk, health};
use crate::store::place::Kind;
use crate::store::{self, Place, Store};

/// The first SQLite whose log several writers cannot corrupt.
const SQLITE: &str = "3.51.3";

/// How a check came out.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Bad,
}

#[derive(Serialize)]
struct Check {
    check: &'static str,
    verdict: Verdict,
    detail: String,
}

#[derive(Serialize)]
struct Format {
    agent: &'static str,
    version: String,
    sessions: u64,
    unknown: u64,
}

#[derive(Serialize)]
struct Unknown {
    agent: &'static str,
    version: String,
    record: String,
    n: u64,
}

#[derive(Serialize)]
struct Formats {
    versions: Vec<Format>,
    unknown: Vec<Unknown>,
}

pub(super) fn run(context: &Context<'_>, options: &Doctor, out: &mut Out) -> Result<()> {
    let place = context.place()?;
    if options.trust {
        Store::trust(&place)?;
        out.note(&format!("{} is trusted now", place.dir.display()))?;
    }
    context.trusted(&place, out)?;
    if options.rebuild {
        ingest::rebuild(context, &place, out)?;
    }
    if options.formats {
        let ask = context.ask_as_it_is(place, out)?;
        return formats(&ask, out);
    }
    let checks = checks(context, place, out)?;
    let bad = checks.iter().filter(|c| c.verdict == Verdict::Bad).count();
    if out.json {
        out.value(&checks, false)?;
    } else {
        for check in &checks {
            let (mark, role) = match check.verdict {
                Verdict::Ok => ("✓ ok  ", Role::Good),
                Verdict::Warn => ("! warn", Role::Warn),
                Verdict::Bad => ("✗ bad ", Role::Bad),
            };
            let mark = out.paint(role, mark);
            let name = out.paint(Role::Text, &format!("{:<12}", check.check));
            let mut lines = check.detail.lines();
            let first = out.paint(Role::Text, lines.next().unwrap_or_default());
            out.line(&format!("{mark}  {name} {first}"))?;
            for line in lines {
                let line = out.paint(Role::Dim, line);
                out.line(&format!("{:21} {line}", ""))?;
            }
        }
    }
    match bad {
        0 => Ok(()),
        1 => Err(Refused::because("one check failed")),
        n => Err(Refused::because(format!("{n} checks failed"))),
    }
}

fn checks(context: &Context<'_>, place: Place, out: &mut Out) -> Result<Vec<Check>> {
    let mut checks = vec![
        sqlite(),
        // A folder that the user named is the user's own affair.
        match place.kind {
            Kind::Explicit => rights("folder", &place.dir, 0, place.uid),
            Kind::Repo | Kind::UserWide => rights("folder", &place.dir, 0o077, place.uid),
        },
        rights("file", &place.db, 0o077, place.uid),
    ];
    let found = match context.ask_as_it_is(place.clone(), out) {
        Ok(ask) => match ask.damage(|_, _| ()) {
            Ok(found) if found.is_empty() => {
                let sound = "every page, frame and content is as it was stored";
                checks.push(check("integrity", Verdict::Ok, sound));
                checks.extend(ask.at_once(|ask| {
                    Ok([
                        damaged(ask)?,
                        unknown(ask)?,
                        beside(ask)?,
                        expiry(ask)?,
                        hooks(context, ask)?,
                    ])
                })?);
                return Ok(checks);
            }
            other => other,
        },
        Err(e) => Err(e),
    };
    let found = match found {
        Err(e) if e.chain().any(store::is_damage) => vec![format!("{e}")],
        other => other?,
    };
    let shown = found.iter().take(10).map(String::as_str);
    let detail = shown.collect::<Vec<_>>().join("\n");
    checks.push(check("integrity", Verdict::Bad, detail));
    checks.push(match repair::trial(&place) {
        Ok(saved) => check(
            "can be saved",
            Verdict::Warn,
            format!(
                "{}\n`regent-tui doctor --rebuild` saves it",
                repair::words(&saved)
            ),
        ),
        Err(e) => check(
            "can be saved",
            Verdict::Bad,
            format!("that cannot be told: {e}"),
        ),
    });
    Ok(checks)
}

fn check(check: &'static str, verdict: Verdict, detail: impl Into<String>) -> Check {
    Check {
        check,
        verdict,
        detail: detail.into(),
    }
}

fn sqlite() -> Check {
    let have = health::sqlite_version();
    let number = |v: &str| {
        v.split('.')
            .map(|p| p.parse::<u32>().unwrap_or(0))
            .collect::<Vec<_>>()
    };
    if number(have) >= number(SQLITE) {
        check("sqlite", Verdict::Ok, have)
    } else {
        let why =
            format!("{have}: older than {SQLITE}, which several writers can make corrupt a store");
        check("sqlite", Verdict::Bad, why)
    }
}

fn rights(name: &'static str, path: &Path, others: u32, uid: u32) -> Check {
    match path.metadata() {
        Ok(meta) if meta.uid() != uid => check(
            name,
            Verdict::Bad,
            format!("{} belongs to another user", path.display()),
        ),
        Ok(meta) if meta.mode() & others != 0 => check(
            name,
            Verdict::Warn,
            format!(
                "{} can be read by others (mode {:04o})",
                path.display(),
                meta.mode() & 0o7777
            ),
        ),
        Ok(meta) => check(
            name,
            Verdict::Ok,
            format!("{}  {:04o}", path.display(), meta.mode() & 0o7777),
        ),
        Err(e) => check(name, Verdict::Bad, format!("{}: {e}", path.display())),
    }
}

fn damaged(ask: &StoreAsk) -> Result<Check> {
    let trouble = ask.trouble()?;
    if trouble.damaged_total == 0 {
        return Ok(check("damaged", Verdict::Ok, "every line could be read"));
    }
    let mut detail = format!(
        "{} lines could not be read; they are kept as they are",
        trouble.damaged_total
    );
    for line in trouble.damaged.iter().take(10) {
        detail.push_str(&format!(
            "\n{} at byte {}: {}",
            line.path, line.offset, line.why
        ));
    }
    Ok(check("damaged", Verdict::Warn, detail))
}

fn unknown(ask: &StoreAsk) -> Result<Check> {
    let mut trouble = ask.trouble()?;
    // A record with a new field is understood all the same.
    trouble.unknown.retain(|u| !u.record.starts_with("field "));
    let total: u64 = trouble.unknown.iter().map(|u| u.n).sum();
    if total == 0 {
        return Ok(check("records", Verdict::Ok, "every record was understood"));
    }
    let mut types: Vec<(String, u64)> = Vec::new();
    for u in &trouble.unknown {
        let name = format!("{} {}", u.agent, u.record);
        match types.iter_mut().find(|(n, _)| *n == name) {
            Some((_, n)) => *n += u.n,
            None => types.push((name, u.n)),
        }
    }
    let mut detail =
        format!("{total} were not understood; they are kept as they are (--formats lists them)");
    for (name, n) in types.iter().take(10) {
        detail.push_str(&format!("\n{n} of {name}"));
    }
    Ok(check("records", Verdict::Warn, detail))
}

/// Copies of files and long outputs, which lie beside the transcripts that name them.
fn beside(ask: &StoreAsk) -> Result<Check> {
    let trouble = ask.trouble()?;
    if trouble.missing_total == 0 {
        let all = "every file that a transcript names beside it is here";
        return Ok(check("beside", Verdict::Ok, all));
    }
    let mut detail = format!(
        "{} files that transcripts name beside them are not here; what they held is not known",
        trouble.missing_total
    );
    for (name, why) in &trouble.missing {
        detail.push_str(&format!("\n{name}: {why}"));
    }
    Ok(check("beside", Verdict::Warn, detail))
}

/// Transcripts that their agent will delete soon. The store keeps them.
fn expiry(ask: &StoreAsk) -> Result<Check> {
    let mut verdict = Verdict::Ok;
    let mut lines = Vec::new();
    for expiring in ask.expiring()? {
        match retention::warning(&expiring) {
            None => lines.push(retention::none(&expiring)),
            Some(warning) => {
                verdict = Verdict::Warn;
                lines.push(format!("{warning}\n{}", retention::rule(&expiring)));
            }
        }
    }
    Ok(check("expiry", verdict, lines.join("\n")))
}

/// The hooks that were installed: are they still there?
fn hooks(context: &Context<'_>, ask: &StoreAsk) -> Result<Check> {
    let (warn, detail) = recording::checked(context, ask)?;
    let verdict = if warn { Verdict::Warn } else { Verdict::Ok };
    Ok(check("hooks", verdict, detail))
}

fn formats(ask: &StoreAsk, out: &mut Out) -> Result<()> {
    let (trouble, versions) = ask.at_once(|ask| Ok((ask.trouble()?, ask.formats()?)))?;
    let formats = Formats {
        versions: versions
            .into_iter()
            .map(|(agent, version, sessions, unknown)| Format {
                agent: agent.name(),
                version,
                sessions,
                unknown,
            })
            .collect(),
        unknown: trouble
            .unknown
            .into_iter()
            .map(|u| Unknown {
                agent: u.agent.name(),
                version: u.version,
                record: u.record,
                n: u.n,
            })
            .collect(),
    };
    if out.json {
        return out.value(&formats, false);
    }
    for f in &formats.versions {
        let version = if f.version.is_empty() {
            "(no version)"
        } else {
            &f.version
        };
        let unknown = if f.unknown > 0 {
            format!("  {} records not understood", f.unknown)
        } else {
            String::new()
        };
        let line = out.paint(
            Role::Text,
            &format!(
                "{:<8} {version:<12} {:>6} sessions{unknown}",
                f.agent, f.sessions
            ),
        );
        out.line(&line)?;
    }
    for u in &formats.unknown {
        let version = if u.version.is_empty() {
            "(no version)"
        } else {
            &u.version
        };
        let line = out.paint(
            Role::Warn,
            &format!("{:<8} {version:<12} {:>6} of {}", u.agent, u.n, u.record),
        );
        out.line(&line)?;
    }
    Ok(())
}
