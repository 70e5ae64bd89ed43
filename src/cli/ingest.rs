//! `ingest`: reads transcripts into the store, with progress on a terminal.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use color_eyre::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::args::Ingest;
use super::context::Context;
use super::out::Out;
use crate::ingest::{self, Options, Progress, Report, Roots};
use crate::query::Refused;
use crate::store::place::Kind;
use crate::store::{Place, Store};

#[derive(Serialize)]
struct Done {
    store: String,
    read: usize,
    unchanged: usize,
    elsewhere: usize,
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
    let store = Store::open(&place)?;
    context.tell(out, &store)?;
    let report = read(context, &store, &place, options, out)?;
    store.settle(true)?;
    if out.json {
        return out.value(&done(&place, &report), false);
    }
    tell(&report, out)
}

/// Reads what is new. Ctrl-C stops it after the batch that is being written.
fn read(
    context: &Context<'_>,
    store: &Store,
    place: &Place,
    options: &Ingest,
    out: &Out,
) -> Result<Report> {
    let cancel = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // A second one ends the program at once: what is committed is whole.
        signal_hook::flag::register_conditional_shutdown(signal, 130, cancel.clone())?;
        signal_hook::flag::register(signal, cancel.clone())?;
    }
    let bar = bar(out);
    let wanted = Options {
        places: context.env.places.clone(),
        roots: context.roots(place, &options.map),
        from: options
            .from
            .iter()
            .map(|p| context.env.cwd.join(p))
            .collect(),
        agent: options.agent,
        everything: place.kind == Kind::UserWide,
        cancel: cancel.clone(),
        threads: 0,
    };
    let report = ingest::run(store, &wanted, context.env.clock.now(), &mut |progress| {
        show(&bar, progress)
    })?;
    bar.finish_and_clear();
    Ok(report)
}

/// Makes everything derived again, with progress.
pub(super) fn rebuild(context: &Context<'_>, out: &mut Out) -> Result<()> {
    let place = context.place()?;
    if !place.has_store() {
        return Err(crate::store::OpenError::Missing { path: place.db }.into());
    }
    let store = Store::open(&place)?;
    context.tell(out, &store)?;
    let bar = bar(out);
    let roots = context.roots(&place, &[]);
    ingest::rebuild(
        &store,
        &roots,
        place.kind == Kind::UserWide,
        &mut |progress| show(&bar, progress),
    )?;
    bar.finish_and_clear();
    store.settle(true)?;
    Ok(())
}

impl Context<'_> {
    /// The roots of the repository that the store belongs to; none for the user-wide one.
    pub(super) fn roots(
        &self,
        place: &Place,
        map: &[(std::path::PathBuf, std::path::PathBuf)],
    ) -> Roots {
        if place.kind == Kind::UserWide {
            return Roots::new(None, &[], map);
        }
        match &self.repository {
            Some(repository) => {
                let linked: Vec<_> = repository.worktrees.iter().skip(1).cloned().collect();
                Roots::new(repository.main_worktree.as_deref(), &linked, map)
            }
            None => Roots::new(Some(&self.folder), &[], map),
        }
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
    bar.set_length(progress.total as u64);
    bar.set_position(progress.done as u64);
}

fn done(place: &Place, report: &Report) -> Done {
    Done {
        store: place.db.to_string_lossy().into_owned(),
        read: report.read,
        unchanged: report.unchanged,
        elsewhere: report.elsewhere,
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
        (report.gone, "gone from the disk, kept here"),
    ] {
        if n > 0 {
            said.push(format!("{n} {what}"));
        }
    }
    if !out.quiet {
        out.line(&said.join(", "))?;
    }
    if report.read + report.unchanged == 0 || out.verbose {
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
    if report.cancelled {
        return Err(Refused::with_hint(
            "stopped",
            "what was read is kept; `regent-tui ingest` goes on from there",
        ));
    }
    if !report.failed.is_empty() {
        return Err(Refused::because(format!(
            "{} could not be read",
            transcripts(report.failed.len())
        )));
    }
    Ok(())
}

fn transcripts(n: usize) -> String {
    format!("{n} transcript{}", if n == 1 { "" } else { "s" })
}
