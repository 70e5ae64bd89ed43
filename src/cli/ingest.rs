//! `ingest`: reads transcripts into the store, with progress on a terminal.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use color_eyre::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::args::Ingest;
use super::context::Context;
use super::out::Out;
use crate::hook::settle;
use crate::hook::spool::Spool;
use crate::ingest::{self, Options, Progress, Report, Roots};
use crate::query::Refused;
use crate::store::{self, OpenError, Place, Store};

#[derive(Serialize)]
struct Done {
    store: String,
    read: usize,
    unchanged: usize,
    elsewhere: usize,
    meanwhile: usize,
    gone: usize,
    failed: Vec<Failed>,
    cancelled: bool,
    looked_in: Vec<LookedIn>,
}

#[derive(Serialize)]
struct Failed {
    path: String,
    why: String,
}

#[derive(Serialize)]
struct LookedIn {
    folder: String,
    transcripts: u32,
}

pub(super) fn run(context: &Context<'_>, options: &Ingest, out: &mut Out) -> Result<()> {
    for path in &options.from {
        let path = context.env.cwd.join(path);
        if !path.exists() {
            return Err(Refused::because(format!(
                "{}: there is no such file or folder",
                path.display()
            )));
        }
    }
    let place = context.place()?;
    context.trusted(&place, out)?;
    let store = Store::open(&place)?;
    context.tell(out, store.notices())?;
    take_in(&store, &place, out)?;
    let wanted = Options {
        from: options
            .from
            .iter()
            .map(|p| context.env.cwd.join(p))
            .collect(),
        agent: options.agent,
        roots: context.roots(&place, &options.map),
        ..super::feed::options(context, &place)
    };
    let report = read(context, &store, wanted, out)?;
    store.settle(true)?;
    if out.json {
        return out.value(&done(&place, &report), false);
    }
    tell(&report, out)
}

/// Reads what is new before a question is answered. Where there is no store yet, one is made if a session belongs here.
/// What cannot be read now is said, and the answer is that of before.
pub(super) fn refresh(context: &Context<'_>, place: &Place, out: &mut Out) -> Result<()> {
    let wanted = super::feed::options(context, place);
    if !place.has_store() {
        if !ingest::any_belongs(&wanted)? {
            return Err(nothing_here(context, &wanted));
        }
        let store = Store::open(place)?;
        context.tell(out, store.notices())?;
        take_in(&store, place, out)?;
        let report = read(context, &store, wanted, out)?;
        store.settle(true)?;
        return stopped(&report);
    }
    let report = match Store::open(place) {
        Ok(store) => {
            context.tell(out, store.notices())?;
            if store.read_only() {
                return Ok(());
            }
            take_in(&store, place, out)?;
            read(context, &store, wanted, out)
        }
        Err(
            e @ (OpenError::Full { .. }
            | OpenError::Locked { .. }
            | OpenError::ReadOnly { .. }
            | OpenError::Io { .. }),
        ) => Err(e.into()),
        // The reader that answers meets the same, and says it.
        Err(_) => return Ok(()),
    };
    match report {
        Ok(report) => {
            for (path, why) in &report.failed {
                out.note(&format!("not read: {}: {why}", path.display()))?;
            }
            stopped(&report)
        }
        Err(e) if e.chain().any(store::is_damage) => Err(e),
        Err(e) => out.note(&format!("what is new could not be read: {e}")),
    }
}

/// What hooks told since somebody looked last. What cannot be taken in stays where it is, and is said.
fn take_in(store: &Store, place: &Place, out: &mut Out) -> Result<()> {
    match settle::take_in(store, &Spool::at(place)) {
        Ok(taken) if taken.lost > 0 => out.note(&format!(
            "{} events of hooks found no room and are lost: nobody had taken any in for long",
            taken.lost
        )),
        Ok(_) => Ok(()),
        Err(e) => out.note(&format!("what hooks told could not be stored: {e}")),
    }
}

fn nothing_here(context: &Context<'_>, wanted: &Options) -> color_eyre::Report {
    let found: u32 = ingest::look(&wanted.places).iter().map(|(_, n)| n).sum();
    Refused::with_hint(
        format!(
            "no session of an agent belongs to {}",
            context.folder.display()
        ),
        format!(
            "{} of other folders on this machine: --all shows them; `ingest --from PATH` reads from anywhere",
            transcripts(found as usize)
        ),
    )
}

/// Reads what is new, with progress. Ctrl-C stops it after the batch that is being written.
fn read(context: &Context<'_>, store: &Store, wanted: Options, out: &Out) -> Result<Report> {
    let cancel = wanted.cancel.clone();
    // Afterwards the signals do what they always do.
    let over = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_default(signal, over.clone())?;
        // A second one ends the program at once: what is committed is whole.
        signal_hook::flag::register_conditional_shutdown(signal, 130, cancel.clone())?;
        signal_hook::flag::register(signal, cancel.clone())?;
    }
    let bar = bar(out);
    let report = ingest::run(store, &wanted, context.env.clock.now(), &mut |progress| {
        show(&bar, progress)
    });
    bar.finish_and_clear();
    over.store(true, Ordering::Relaxed);
    report
}

/// Makes everything derived again, with progress; of a damaged store, a new one.
pub(super) fn rebuild(context: &Context<'_>, place: &Place, out: &mut Out) -> Result<()> {
    if !place.has_store() {
        return Err(OpenError::Missing {
            path: place.db.clone(),
        }
        .into());
    }
    if !super::repair::is_whole(place)? {
        return super::repair::repair(context, place, out);
    }
    let store = Store::open(place)?;
    context.tell(out, store.notices())?;
    refold(context, place, &store, out)?;
    store.settle(true)?;
    out.note("rebuilt from the raw transcripts")
}

/// Makes everything derived again, in an open store that serves a place.
pub(super) fn refold(context: &Context<'_>, place: &Place, store: &Store, out: &Out) -> Result<()> {
    let bar = bar(out);
    let roots = context.roots(place, &[]);
    let everything = place.everything;
    ingest::rebuild(store, &roots, everything, &mut |progress| {
        show(&bar, progress)
    })?;
    bar.finish_and_clear();
    Ok(())
}

/// Reads what is new into an open store that serves a place.
pub(super) fn catch_up(
    context: &Context<'_>,
    place: &Place,
    store: &Store,
    out: &Out,
) -> Result<()> {
    let report = read(context, store, super::feed::options(context, place), out)?;
    stopped(&report)
}

impl Context<'_> {
    /// The roots of the repository that the store belongs to; none for the user-wide one.
    pub(super) fn roots(&self, place: &Place, map: &[(PathBuf, PathBuf)]) -> Roots {
        if place.everything {
            return Roots::new(None, &[], map);
        }
        let roots = match &self.repository {
            Some(repository) => {
                let linked: Vec<_> = repository.worktrees.iter().skip(1).cloned().collect();
                Roots::new(repository.main_worktree.as_deref(), &linked, map)
            }
            None => Roots::new(Some(&self.folder), &[], map),
        };
        // The shell knows by which links one came here, the system does not.
        let way = self
            .env
            .var("PWD")
            .map(Path::new)
            .filter(|p| p.is_absolute());
        let ways = [Some(self.env.home.as_path()), way];
        roots.reached_by(&ways.into_iter().flatten().collect::<Vec<_>>())
    }
}

fn bar(out: &Out) -> ProgressBar {
    if out.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{pos} of {len} transcripts read {bar:30} {elapsed}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, progress: Progress) {
    // One file that grew is no progress worth a bar.
    if progress.total <= 2 {
        return;
    }
    bar.set_length(progress.total as u64);
    bar.set_position(progress.done as u64);
}

fn done(place: &Place, report: &Report) -> Done {
    Done {
        store: place.db.to_string_lossy().into_owned(),
        read: report.read,
        unchanged: report.unchanged,
        elsewhere: report.elsewhere,
        meanwhile: report.meanwhile,
        gone: report.gone,
        failed: report
            .failed
            .iter()
            .map(|(path, why)| Failed {
                path: path.to_string_lossy().into_owned(),
                why: why.clone(),
            })
            .collect(),
        cancelled: report.cancelled,
        looked_in: report
            .looked_in
            .iter()
            .map(|(folder, n)| LookedIn {
                folder: folder.to_string_lossy().into_owned(),
                transcripts: *n,
            })
            .collect(),
    }
}

fn tell(report: &Report, out: &mut Out) -> Result<()> {
    let mut said = vec![format!("{} read", transcripts(report.read))];
    for (n, what) in [
        (report.unchanged, "unchanged"),
        (report.elsewhere, "of other folders"),
        (report.meanwhile, "read by another program meanwhile"),
        (report.gone, "gone from the disk, kept here"),
    ] {
        if n > 0 {
            said.push(format!("{n} {what}"));
        }
    }
    if !out.quiet {
        out.line(&said.join(", "))?;
    }
    if report.read + report.unchanged + report.meanwhile == 0 || out.verbose {
        for (folder, n) in &report.looked_in {
            out.note(&format!(
                "looked in {}: {}",
                folder.display(),
                transcripts(*n as usize)
            ))?;
        }
    }
    for (path, why) in &report.failed {
        out.note(&format!("not read: {}: {why}", path.display()))?;
    }
    stopped(report)?;
    if !report.failed.is_empty() {
        return Err(Refused::because(format!(
            "{} could not be read",
            transcripts(report.failed.len())
        )));
    }
    Ok(())
}

fn stopped(report: &Report) -> Result<()> {
    match report.cancelled {
        true => Err(Refused::with_hint(
            "stopped",
            "what was read is kept; `regent-tui ingest` goes on from there",
        )),
        false => Ok(()),
    }
}

fn transcripts(n: usize) -> String {
    format!("{n} transcript{}", if n == 1 { "" } else { "s" })
}
