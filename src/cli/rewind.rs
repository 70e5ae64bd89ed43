//! `rewind`, `revert`, `undo`, `redo`: the plan on stdout, and after a yes what came of it.

use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use color_eyre::Result;
use serde::Serialize;

use super::args::{Back, Confirm, Revert, Rewind, Undo};
use super::context::Context;
use super::out::{Out, Role};
use crate::fsx::Root;
use crate::query::past::Reach;
use crate::query::{Refused, rewinds};
use crate::rewind::{self, FilePlan, How, Kind, Lines, Part, Plan, Report, Verdict, Wish, undo};
use crate::store::{Reader, Store};

/// The work folder that a command is about.
pub(super) fn root(context: &Context<'_>) -> Result<Root> {
    let worktree = context
        .repository
        .as_ref()
        .and_then(|r| r.this_worktree.as_deref());
    Ok(Root::open(
        worktree.unwrap_or(&context.folder),
        Some(&context.env.home),
    )?)
}

pub(super) fn run(context: &Context<'_>, options: &Rewind, out: &mut Out) -> Result<()> {
    let root = root(context)?;
    let ask = context.ask(out)?;
    let mut wish = Wish::back_to(
        ask.resolve_target(&options.step)?,
        &options.step,
        context.env.clock.now(),
    );
    wish.before = options.before;
    wish.reach = match (options.all_sessions, options.whole_tree) {
        (_, true) => Reach::WholeTree,
        (true, _) => Reach::AllSessions,
        _ => Reach::Session,
    };
    (wish.paths, wish.parts) = named(context, &root, &options.path)?;
    wish.take = paths(context, &root, &options.take)?;
    wish.merge = paths(context, &root, &options.merge)?;
    let plan = |reader: &Reader| rewind::plan(reader, &root, &wish);
    go(context, &root, &plan, &options.confirm, out)
}

pub(super) fn revert(context: &Context<'_>, options: &Revert, out: &mut Out) -> Result<()> {
    let root = root(context)?;
    let ask = context.ask(out)?;
    let mut wish = Wish::back_to(
        ask.resolve_target(&options.step)?,
        &options.step,
        context.env.clock.now(),
    );
    wish.only = true;
    (wish.paths, wish.parts) = named(context, &root, &options.path)?;
    let plan = |reader: &Reader| rewind::plan(reader, &root, &wish);
    go(context, &root, &plan, &options.confirm, out)
}

pub(super) fn undo(context: &Context<'_>, options: &Undo, out: &mut Out) -> Result<()> {
    let root = root(context)?;
    // What was interrupted goes before everything, and needs nothing that could be read now.
    if recover(context, &root, &options.confirm, out)? {
        return Ok(());
    }
    context.catch_up(out)?;
    let plan = |reader: &Reader| match &options.rewind {
        Some(id) => undo::undo_one(reader, &root, rewinds::resolve(reader, id)?),
        None => undo::undo(reader, &root),
    };
    go(context, &root, &plan, &options.confirm, out)
}

pub(super) fn redo(context: &Context<'_>, options: &Back, out: &mut Out) -> Result<()> {
    let root = root(context)?;
    context.catch_up(out)?;
    go(
        context,
        &root,
        &|reader| undo::redo(reader, &root),
        &options.confirm,
        out,
    )
}

/// Takes back what was interrupted; whether there was something.
fn recover(context: &Context<'_>, root: &Root, confirm: &Confirm, out: &mut Out) -> Result<bool> {
    let store = store(context, out)?;
    let waiting = rewind::interrupted(&store, root)?;
    let Some(op) = waiting.first() else {
        return Ok(false);
    };
    out.note(&format!(
        "a {} was interrupted ({}); everything it did will be taken back",
        op.kind.word(),
        op.title
    ))?;
    if confirm.dry_run || !confirmed(confirm, &[], out)? {
        out.note("nothing was changed; --yes does it")?;
        return Ok(true);
    }
    let mut changed = Vec::new();
    let mut data = Vec::new();
    for (op, back) in rewind::recover(&store, root, context.env.clock.now())? {
        for (path, hash) in &back.late {
            out.note(&format!(
                "{path}: what somebody wrote meanwhile is kept as {hash}"
            ))?;
        }
        out.note(&format!(
            "{} taken back: {} paths are as they were",
            op.kind.word(),
            back.restored
        ))?;
        data.push(Recovered {
            recovered: op.kind.word(),
            target: op.title,
            restored: back.restored,
            changed: back.changed.clone(),
            late: back.late,
        });
        changed.extend(back.changed);
    }
    if out.json {
        out.value(&data, false)?;
        out.flush()?;
    }
    if changed.is_empty() {
        return Ok(true);
    }
    Err(Refused::because(format!(
        "changed by somebody since, and left as they are: {}",
        changed.join(", ")
    )))
}

/// What came of taking an interrupted one back.
#[derive(Serialize)]
struct Recovered {
    recovered: &'static str,
    target: String,
    restored: usize,
    changed: Vec<String>,
    late: Vec<(String, String)>,
}

/// Paths as the user names them, from where one is, relative to the root.
fn paths(context: &Context<'_>, root: &Root, named: &[PathBuf]) -> Result<Vec<Vec<u8>>> {
    named
        .iter()
        .map(|path| relative(&context.folder, root.place(), path))
        .collect()
}

/// Whole paths, and lines of files: `PATH:12` or `PATH:12-20`, unless a file has just that name.
fn named(
    context: &Context<'_>,
    root: &Root,
    named: &[PathBuf],
) -> Result<(Vec<Vec<u8>>, Vec<Part>)> {
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    for path in named {
        let is_there = context.folder.join(path).symlink_metadata().is_ok();
        match lines_of(path).filter(|_| !is_there) {
            Some((path, lines)) => parts.push(Part {
                rel: relative(&context.folder, root.place(), &path)?,
                lines: Lines::Now(vec![lines]),
            }),
            None => whole.push(relative(&context.folder, root.place(), path)?),
        }
    }
    Ok((whole, parts))
}

/// The path and the lines that `PATH:12-20` names.
fn lines_of(named: &Path) -> Option<(PathBuf, (u32, u32))> {
    let bytes = named.as_os_str().as_bytes();
    let colon = bytes.iter().rposition(|b| *b == b':')?;
    let range = std::str::from_utf8(&bytes[colon + 1..]).ok()?;
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    let path = PathBuf::from(std::ffi::OsStr::from_bytes(&bytes[..colon]));
    (first > 0 && first <= last && colon > 0).then_some((path, (first, last)))
}

fn relative(folder: &Path, root: &Path, named: &Path) -> Result<Vec<u8>> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut whole = PathBuf::new();
    for part in folder.join(named).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                whole.pop();
            }
            part => whole.push(part),
        }
    }
    let rel = whole.strip_prefix(root).map_err(|_| {
        Refused::because(format!("{} is not in {}", named.display(), root.display()))
    })?;
    if rel.as_os_str().is_empty() {
        return Err(Refused::because(format!(
            "{}: that is the whole folder",
            named.display()
        )));
    }
    Ok(rel.as_os_str().as_bytes().to_vec())
}

fn store(context: &Context<'_>, out: &mut Out) -> Result<Store> {
    let store = Store::open(&context.place()?)?;
    context.tell(out, store.notices())?;
    Ok(store)
}

/// Shows the plan, and applies it if that is wanted.
fn go(
    context: &Context<'_>,
    root: &Root,
    make: &dyn Fn(&Reader) -> Result<Plan>,
    confirm: &Confirm,
    out: &mut Out,
) -> Result<()> {
    let place = context.place()?;
    let mut plan = make(&Reader::open(&place)?)?;
    if confirm.dry_run {
        return show(&plan, None, out);
    }
    if !out.json {
        show(&plan, None, out)?;
        out.flush()?;
    }
    if let Some(why) = plan.nothing() {
        if out.json {
            show(&plan, None, out)?;
        }
        return out.note(&format!("nothing to do: {why}"));
    }
    if !confirmed(confirm, &plan.confirm_twice, out)? {
        if out.json {
            show(&plan, None, out)?;
        }
        let more = if plan.confirm_twice.is_empty() {
            "--yes applies it"
        } else {
            "--yes --yes applies it all the same"
        };
        return Err(Refused::with_hint("nothing was changed", more));
    }
    let store = store(context, out)?;
    let how = How {
        clock: context.env.clock,
        partial: confirm.partial,
        snapshots: true,
    };
    let report = rewind::apply(&store, root, &plan, how, &mut |_, _, _| {})?;
    plan.files.clone_from(&report.files);
    show(&plan, Some(&report), out)?;
    if report.complete {
        Ok(())
    } else {
        out.flush()?;
        Err(Refused::because("not all of it was done; see above"))
    }
}

/// Whether the user said yes: often enough on the command line, or at the question.
fn confirmed(confirm: &Confirm, twice: &[String], out: &mut Out) -> Result<bool> {
    for why in twice {
        out.note(&format!("look twice: {why}"))?;
    }
    if usize::from(confirm.yes) > usize::from(!twice.is_empty()) {
        return Ok(true);
    }
    if confirm.yes > 0 || out.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(false);
    }
    write!(io::stderr(), "Write `yes` to do it: ")?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

#[derive(Serialize)]
struct Data<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    #[serde(flatten)]
    done: Option<Done<'a>>,
}

#[derive(Serialize)]
struct Done<'a> {
    complete: bool,
    skipped: &'a [(String, String)],
    late: &'a [(String, String)],
    notes: &'a [String],
    note: &'a str,
}

fn show(plan: &Plan, report: Option<&Report>, out: &mut Out) -> Result<()> {
    if out.json {
        let done = report.map(|r| Done {
            complete: r.complete,
            skipped: &r.skipped,
            late: &r.late,
            notes: &r.warnings,
            note: &r.note,
        });
        return out.value(&Data { plan, done }, false);
    }
    let Some(report) = report else {
        return preview(plan, out);
    };
    let verified = report
        .files
        .iter()
        .filter(|f| f.applied && f.verified)
        .count();
    let applied = report.files.iter().filter(|f| f.applied).count();
    let role = if report.complete {
        Role::Good
    } else {
        Role::Bad
    };
    let line = out.paint(
        role,
        &format!("{applied} files done, {verified} of them read again and found right"),
    );
    out.line(&line)?;
    for (path, why) in &report.skipped {
        let line = format!(
            "{} {}",
            out.paint(Role::Bad, "left out"),
            out.paint(Role::Text, &format!("{path}: {why}"))
        );
        out.line(&line)?;
    }
    for (path, hash) in &report.late {
        let line = out.paint(
            Role::Warn,
            &format!("{path}: what somebody wrote meanwhile is kept as {hash}"),
        );
        out.line(&line)?;
    }
    for warning in &report.warnings {
        out.note(warning)?;
    }
    out.note(match plan.kind {
        Kind::Undo => "`regent-tui redo` does it again",
        _ => "`regent-tui undo` takes it back",
    })?;
    if !report.note.is_empty() {
        out.note("for the agent:")?;
        for line in report.note.lines() {
            out.note(&format!("  {line}"))?;
        }
    }
    Ok(())
}

fn preview(plan: &Plan, out: &mut Out) -> Result<()> {
    let head = out.paint(Role::Bold, &format!("{} {}", plan.kind.word(), plan.target));
    out.line(&head)?;
    let keeps = out.paint(
        Role::Dim,
        &format!(
            "keeps {}; undoes {} steps that changed files",
            plan.keeps,
            plan.undoes.len()
        ),
    );
    out.line(&keeps)?;
    for f in &plan.files {
        let line = line(f, out);
        out.line(&line)?;
    }
    for warning in &plan.warnings {
        let line = out.paint(Role::Warn, &format!("! {warning}"));
        out.line(&line)?;
    }
    Ok(())
}

fn line(f: &FilePlan, out: &Out) -> String {
    let role = match f.verdict {
        Verdict::Restore | Verdict::Merge => Role::Good,
        Verdict::Delete | Verdict::Conflict => Role::Bad,
        Verdict::Mixed | Verdict::Unrecoverable => Role::Warn,
        Verdict::Same | Verdict::Keep => Role::Dim,
    };
    let tick = if f.ticked && f.verdict.changes() {
        "[x]"
    } else {
        "[ ]"
    };
    let counts = if f.added + f.removed > 0 {
        format!(" +{} -{}", f.added, f.removed)
    } else {
        String::new()
    };
    format!(
        "{tick} {} {}{counts}  {}",
        out.paint(role, &format!("{:13}", f.verdict.word())),
        out.paint(Role::Accent, &f.path),
        out.paint(Role::Dim, &f.why)
    )
}
