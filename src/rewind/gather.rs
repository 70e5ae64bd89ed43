//! Making the plan of a rewind: asks the history what happened, looks at the disk, and lets the table decide.

use std::collections::HashMap;

use color_eyre::Result;

use super::hunks::leave_out;
use super::pick::{Lines, Part};
use super::plan::{self, Plan};
use super::present;
use super::verdict::{Choice, Contents, Input};
use crate::fsx::{Rel, Root};
use crate::model::{Node, Time};
use crate::query::past::{self, Past, PastOf, Question, Reach};
use crate::query::{Refused, Target};
use crate::snapshot::{self, Ignored, Instead};
use crate::store::Reader;
use crate::store::journal::{self, Kind};

/// A session that wrote less than this ago is probably still at work.
pub const AT_WORK_MS: u64 = 10_000;
/// A plan of more files than this says so.
const MANY: usize = 20;
/// More files than this are not named in a warning.
const NAMED: usize = 6;

/// What the user wants.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The step or prompt.
    pub target: Target,
    /// How the user wrote it.
    pub named: String,
    /// Undo the target, too.
    pub before: bool,
    /// Undo only the target.
    pub only: bool,
    /// Whose work.
    pub reach: Reach,
    /// Only these paths, and what lies below them; empty: all.
    pub paths: Vec<Vec<u8>>,
    /// And of these only some lines.
    pub parts: Vec<Part>,
    /// Put these back even though others worked on them.
    pub take: Vec<Vec<u8>>,
    /// Take out of these what is undone, and keep the rest.
    pub merge: Vec<Vec<u8>>,
    /// Hunks that are left out of what a file would become: the file, and which lines of it as it is now, from 0 (an empty
    /// range for what would only be put in).
    pub without: Vec<(Vec<u8>, std::ops::Range<usize>)>,
    /// The present moment.
    pub now: Time,
}

impl Wish {
    /// Back to right after a step or prompt.
    pub fn back_to(target: Target, named: &str, now: Time) -> Wish {
        Wish {
            target,
            named: named.to_owned(),
            before: false,
            only: false,
            reach: Reach::Session,
            paths: Vec::new(),
            parts: Vec::new(),
            take: Vec::new(),
            merge: Vec::new(),
            without: Vec::new(),
            now,
        }
    }
}

/// Makes a plan. Writes nothing.
///
/// # Errors
/// [`Refused`] if a path is named that the plan has nothing to say about.
pub fn plan(reader: &Reader, root: &Root, wish: &Wish) -> Result<Plan> {
    use std::os::unix::ffi::OsStrExt;
    let question = Question {
        target: wish.target,
        before: wish.before,
        only: wish.only,
        reach: wish.reach,
        root: root.place().as_os_str().as_bytes(),
        now: wish.now,
    };
    // First of all: what is done from here on makes the plan one of yesterday.
    let mark = journal::mark(reader.conn(), question.root)?;
    let mut found = past::ask(reader, &question)?;
    let parts: Vec<Vec<u8>> = wish.parts.iter().map(|p| p.rel.clone()).collect();
    let named = wish.paths.iter().chain(&parts);
    for path in named.chain(&wish.take).chain(&wish.merge) {
        if !found.paths.iter().any(|p| covers(path, &p.rel)) {
            return Err(Refused::because(format!(
                "{}: nothing that would be undone changed it",
                String::from_utf8_lossy(path)
            )));
        }
    }
    let all = wish.paths.is_empty() && parts.is_empty();
    found
        .paths
        .retain(|p| all || wish.paths.iter().any(|w| covers(w, &p.rel)) || parts.contains(&p.rel));
    let contents = |hash: &_| journal::content(reader.conn(), hash).ok();
    let modes = crate::git::index::modes(root.place());
    // The ignore rules as they are, and as they will be.
    let (as_is, instead) = (Instead::new(), rules_before(&found, &contents));
    let mut ignored = vec![Ignored::of(root, &as_is)];
    if !instead.is_empty() {
        ignored.push(Ignored::of(root, &instead));
    }
    let whole = |rel: &[u8]| wish.paths.iter().any(|w| covers(w, rel));
    let picks = joined(&wish.parts);
    let mut inputs = Vec::with_capacity(found.paths.len());
    for p in &found.paths {
        let rel = Rel::new(&p.rel).ok().filter(|_| p.elsewhere.is_none());
        let now = match &rel {
            Some(_) => present::look(root, &p.rel, snapshot::CAP)?,
            None if p.elsewhere.is_none() => present::look(root, &p.rel, 0)?,
            None => super::verdict::Present::plain(Node::Absent, None),
        };
        inputs.push(Input {
            past: p,
            now,
            ignored: rel.is_some_and(|rel| ignored.iter_mut().any(|i| i.covers(&rel))),
            index_mode: modes.get(&p.rel).copied(),
            reach: wish.reach,
            only: wish.only,
            lines: picks
                .iter()
                .find(|part| part.rel == p.rel && !whole(&p.rel))
                .map(|part| &part.lines),
            contents: &contents,
        });
    }
    let any = |list: &[Vec<u8>], rel: &[u8]| list.iter().any(|p| covers(p, rel));
    let files = plan::files(&inputs, &|rel| Choice {
        take: any(&wish.take, rel),
        merge: any(&wish.merge, rel),
        named: [&wish.paths, &wish.take, &wish.merge, &parts]
            .iter()
            .any(|list| any(list, rel)),
    });
    let mut files = files;
    for (f, input) in files.iter_mut().zip(&inputs) {
        let here = wish.without.iter().filter(|(rel, _)| *rel == f.rel);
        let hunks: Vec<_> = here.map(|(_, lines)| lines.clone()).collect();
        if !hunks.is_empty() {
            leave_out(input, f, &hunks);
        }
    }
    let mut plan = Plan {
        target: title(wish),
        scope: wish.reach,
        keeps: keeps(wish).to_owned(),
        undoes: found.undone.clone(),
        files,
        warnings: Vec::new(),
        confirm_twice: Vec::new(),
        kind: if wish.only {
            Kind::Revert
        } else {
            Kind::Rewind
        },
        of: None,
        aim: aim(wish, reader)?,
        sessions: found.sessions.clone(),
        folders: std::collections::BTreeMap::new(),
        may_go: None,
        mark,
        root: root.identity(),
    };
    moved_names(root, &mut plan, &found, &contents);
    warn(&mut plan, &found);
    Ok(plan)
}

/// The ignore rules as they will be: a rewind may put those back, too. A file that is covered by either is left alone.
fn rules_before(found: &PastOf, contents: super::verdict::Contents<'_>) -> Instead {
    let mut instead = Instead::new();
    let here = found.paths.iter().filter(|p| p.elsewhere.is_none());
    for path in here.filter(|p| snapshot::is_rules(&p.rel)) {
        let first = path.events.iter().find(|e| e.undone);
        let text = match first.map(|e| &e.before) {
            Some(Past::Absent) => None,
            Some(Past::File(hash, _)) => match contents(hash) {
                Some(text) => Some(text),
                None => continue,
            },
            _ => continue,
        };
        instead.insert(path.rel.clone(), text);
    }
    instead
}

/// Lines of the same file that were named one after the other.
fn joined(parts: &[Part]) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::new();
    for part in parts {
        match out.iter_mut().find(|p| p.rel == part.rel) {
            None => out.push(part.clone()),
            Some(known) => match (&mut known.lines, &part.lines) {
                (Lines::Now(all), Lines::Now(more)) => all.extend_from_slice(more),
                (known, more) => *known = more.clone(),
            },
        }
    }
    out
}

/// Whether a path is one of those that a name means: itself, or what lies below it.
fn covers(name: &[u8], rel: &[u8]) -> bool {
    let name = name.strip_suffix(b"/").unwrap_or(name);
    rel.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// What it leads to, and whether less than all of that is wanted.
fn aim(wish: &Wish, reader: &Reader) -> Result<Option<journal::Aim>> {
    let all = wish.paths.is_empty() && wish.parts.is_empty() && wish.without.is_empty();
    let id = crate::query::public_id(reader, wish.target)?;
    Ok(id.map(|id| journal::Aim {
        id,
        prompt: matches!(wish.target, Target::Prompt(..)),
        before: wish.before,
        only: wish.only,
        part: !all,
    }))
}

fn title(wish: &Wish) -> String {
    let what = match wish.target {
        Target::Prompt(_, no) => format!("prompt {no} ({})", wish.named),
        Target::Step(..) => format!("step {}", wish.named),
    };
    match (wish.only, wish.before) {
        (true, _) => format!("without {what}"),
        (false, true) => format!("before {what}"),
        (false, false) => format!("after {what}"),
    }
}

fn keeps(wish: &Wish) -> &'static str {
    match (wish.only, wish.before) {
        (true, _) => "everything but this",
        (false, true) => "what came before it",
        (false, false) => "it and what came before it",
    }
}

/// A file that has another name now is not chased, but it is said where the same bytes are.
fn moved_names(root: &Root, plan: &mut Plan, found: &PastOf, contents: Contents<'_>) {
    let left = |rel: &[u8]| {
        let past = found.paths.iter().find(|p| p.rel == rel)?;
        match past.events.iter().rfind(|e| e.undone)?.after {
            Past::File(hash, _) => Some(hash),
            _ => None,
        }
    };
    let mut wanted = HashMap::new();
    let mut gone = Vec::new();
    for (i, f) in plan.files.iter().enumerate() {
        if f.verdict == super::Verdict::Keep
            && f.before == Node::Absent
            && let Some(hash) = left(&f.rel)
            && let Some(bytes) = contents(&hash)
        {
            wanted.insert(hash, bytes.len() as u64);
            gone.push((i, hash));
        }
    }
    // That they cannot be looked for is no reason not to plan: only this hint is missing then.
    let places = snapshot::find(root, &wanted).unwrap_or_default();
    for (i, hash) in gone {
        if let Some(path) = places.get(&hash) {
            let path = String::from_utf8_lossy(path);
            let why = &mut plan.files[i].why;
            why.push_str(&format!("; the same bytes are now at {path}"));
        }
    }
}

fn warn(plan: &mut Plan, found: &PastOf) {
    if !found.unseen.is_empty() {
        let named = |(id, command): &(String, String)| {
            let first = command.lines().next().unwrap_or_default();
            let short: String = first.chars().take(40).collect();
            format!("`{short}` ({})", &id[..id.len().min(9)])
        };
        let some: Vec<String> = found.unseen.iter().take(5).map(named).collect();
        let more = if found.unseen.len() > 5 { ", …" } else { "" };
        let commands = match found.unseen.len() {
            1 => "1 command".to_owned(),
            n => format!("{n} commands"),
        };
        plan.warnings.push(format!(
            "not recorded: {commands} may have changed files unseen: {}{more}",
            some.join(", ")
        ));
    }
    let many = plan.ticked().count();
    if many > MANY {
        plan.warnings.push(format!("{many} files would change"));
    }
    for (session, paths) in &found.others {
        let shared: Vec<String> = plan
            .files
            .iter()
            .filter(|f| paths.contains(&f.rel))
            .map(|f| f.path.clone())
            .collect();
        let more = shared.len().saturating_sub(NAMED);
        let files = match (shared.is_empty(), more) {
            (true, _) => "none of these files".to_owned(),
            (_, 0) => shared.join(", "),
            _ => format!("{} and {more} more of these", shared[..NAMED].join(", ")),
        };
        plan.warnings.push(format!(
            "another session is at work in the same tree ({session}); it changed {files}"
        ));
    }
    if !found.running.is_empty() {
        plan.confirm_twice
            .push(format!("still running: {}", found.running.join(", ")));
    }
    if let Some(ms) = found.quiet_ms.filter(|ms| *ms < AT_WORK_MS) {
        plan.confirm_twice.push(format!(
            "the session wrote {} s ago and may still be at work",
            ms / 1000
        ));
    }
}
