//! The table: what was before what is undone, what it left, and what is there now, make a verdict. Pure.

use super::line_ends::line_ends;
use super::pick::{Lines, picked};
use super::plan::{FilePlan, Verdict, counts};
use super::take_out::merged;
use crate::model::{BlobHash, Node, Op, Unread};
use crate::query::past::{By, Event, Past, PathPast, Reach};

/// Contents by name; `None` where they are not stored.
pub type Contents<'a> = &'a dyn Fn(&BlobHash) -> Option<Vec<u8>>;

/// What stands at a path now.
#[derive(Clone, Debug)]
pub struct Present {
    /// What it is.
    pub node: Node,
    /// The bytes of a file.
    pub bytes: Option<Vec<u8>>,
    /// How many names the file has.
    pub names: u64,
    /// The file's device and number.
    pub id: Option<(u64, u64)>,
    /// What could not be put back: marks, attributes.
    pub odd: Vec<&'static str>,
    /// It is another user's, and we may not give it back to them.
    pub others: bool,
    /// For a folder: every file and link in it, at any depth; `None` if that is not known.
    pub below: Option<Vec<Vec<u8>>>,
    /// A file or link on the way to it.
    pub blocked_by: Option<Vec<u8>>,
    /// Why it may not be touched at all.
    pub refused: Option<String>,
}

impl Present {
    /// Something that has nothing odd about it.
    pub fn plain(node: Node, bytes: Option<Vec<u8>>) -> Present {
        Present {
            node,
            bytes,
            names: 1,
            id: None,
            odd: Vec::new(),
            others: false,
            below: None,
            blocked_by: None,
            refused: None,
        }
    }
}

/// All that a verdict depends on.
pub struct Input<'a> {
    /// The path and what happened to it.
    pub past: &'a PathPast,
    /// What stands there.
    pub now: Present,
    /// An ignore rule covers it.
    pub ignored: bool,
    /// Its mode in git's index.
    pub index_mode: Option<u32>,
    /// Whose work is undone.
    pub reach: Reach,
    /// Only the target is undone, and what came after stays.
    pub only: bool,
    /// Only these lines of it.
    pub lines: Option<&'a Lines>,
    /// Stored contents.
    pub contents: Contents<'a>,
}

/// What the user chose for a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Put it back even though others worked on it.
    pub take: bool,
    /// Take out what is undone, keep the rest.
    pub merge: bool,
    /// It was named.
    pub named: bool,
}

/// The first and the last undone event, and what is between them.
pub(super) struct Undone<'a> {
    pub(super) before: &'a Past,
    pub(super) left: &'a Past,
    /// Undone events without others in between.
    pub(super) runs: Vec<(&'a Past, &'a Past)>,
    /// Who else worked on it in between.
    pub(super) between: Option<String>,
    /// Who worked on it afterwards.
    pub(super) later: Vec<&'a Event>,
}

impl<'a> Undone<'a> {
    fn of(events: &'a [Event], reach: Reach) -> Option<Undone<'a>> {
        let first = events.iter().position(|e| e.undone)?;
        let last = events.iter().rposition(|e| e.undone)?;
        let mut runs: Vec<(&Past, &Past)> = Vec::new();
        let mut between = None;
        let mut open = false;
        for (i, e) in events.iter().enumerate().take(last + 1).skip(first) {
            let whole = reach == Reach::WholeTree;
            if i > first && e.gap && !whole {
                between.get_or_insert_with(|| {
                    "it was changed in between, not recorded by whom".to_owned()
                });
                open = false;
            } else if i > first && e.unsure && !whole {
                between.get_or_insert_with(|| {
                    "what stood between two of the changes is not known".to_owned()
                });
                open = false;
            }
            if e.undone {
                match runs.last_mut() {
                    Some(run) if open => run.1 = &e.after,
                    _ => runs.push((&e.before, &e.after)),
                }
                open = true;
            } else if e.changed {
                open = false;
                between = Some(format!("{} changed it in between", who(&e.by)));
            }
        }
        Some(Undone {
            before: &events[first].before,
            left: &events[last].after,
            runs,
            between,
            later: events[last + 1..].iter().filter(|e| e.changed).collect(),
        })
    }
}

pub(super) fn who(by: &By) -> String {
    match by {
        By::Step { id, session, .. } => {
            format!("step {} ({session})", &id[..id.len().min(9)])
        }
        By::Rewind(_) => "a rewind".to_owned(),
        By::You => "you".to_owned(),
        By::Unknown => "somebody, not recorded whom,".to_owned(),
    }
}

/// A sentence with those who worked on it after what is undone.
pub(super) fn later_by(undone: &Undone<'_>, text: &str) -> String {
    let later: Vec<String> = undone
        .later
        .iter()
        .map(|e| who(&e.by).trim_end_matches(',').to_owned())
        .collect();
    match later.is_empty() {
        true => text.to_owned(),
        false => format!("{text}, by {}", later.join(", ")),
    }
}

/// A file as the plan begins with it: nothing happens.
fn file(input: &Input<'_>) -> FilePlan {
    let past = input.past;
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut steps: Vec<String> = Vec::new();
    for event in past.events.iter().filter(|e| e.undone) {
        if let By::Step { id, .. } = &event.by
            && !steps.contains(id)
        {
            steps.push(id.clone());
        }
    }
    let path = match &past.elsewhere {
        Some(root) if root.as_slice() != b"/" => format!("{}/{}", shown(root), shown(&past.rel)),
        Some(_) => format!("/{}", shown(&past.rel)),
        None => shown(&past.rel),
    };
    FilePlan {
        path,
        op: None,
        verdict: Verdict::Keep,
        why: String::new(),
        from: input.now.node.hash().map(|h| h.hex()),
        to: input.now.node.hash().map(|h| h.hex()),
        added: 0,
        removed: 0,
        applied: false,
        verified: false,
        ticked: false,
        steps,
        rel: past.rel.clone(),
        before: input.now.node.clone(),
        after: input.now.node.clone(),
        goal: None,
        merged: None,
        needs_gone: Vec::new(),
    }
}

/// The verdict on one path.
pub fn judge(input: &Input<'_>, choice: Choice) -> FilePlan {
    let mut f = file(input);
    let keep = |mut f: FilePlan, verdict, why: &str| {
        f.verdict = verdict;
        f.why = why.to_owned();
        f
    };
    if input.past.elsewhere.is_some() {
        return keep(
            f,
            Verdict::Keep,
            "outside this folder: nothing there is ever put back from here",
        );
    }
    if let Some(why) = &input.now.refused {
        return keep(f, Verdict::Keep, why);
    }
    let Some(undone) = Undone::of(&input.past.events, input.reach) else {
        return keep(f, Verdict::Same, "nothing that is undone changed it");
    };
    match &input.now.node {
        Node::Unread {
            why: Unread::TooLarge,
            ..
        } => {
            return keep(
                f,
                Verdict::Unrecoverable,
                "it is over the size cap and was never stored, so it stays",
            );
        }
        node @ (Node::Unread { .. } | Node::Special | Node::Foreign | Node::Ignored) => {
            let why = format!("{} is there now, and stays", node.word());
            return keep(f, Verdict::Keep, &why);
        }
        _ => {}
    }
    let mut choice = choice;
    if let Some(lines) = input.lines {
        if let Some(f) = picked(input, &undone, lines, f.clone()) {
            return finish(input, choice, f);
        }
        // All of it is named, so that it is the whole file's plan; what others did stays all the same.
        let now = as_past(&input.now.node);
        choice.take = false;
        choice.merge = undone.between.is_some() || !now.agrees(undone.left);
    }
    f = table(input, &undone, choice, f);
    finish(input, choice, f)
}

/// The rows of the table.
fn table(input: &Input<'_>, undone: &Undone<'_>, choice: Choice, f: FilePlan) -> FilePlan {
    let say = |mut f: FilePlan, verdict, why: String| {
        f.verdict = verdict;
        f.why = why;
        f
    };
    let now = as_past(&input.now.node);
    let goal = goal(input, undone);
    if goal.as_ref().is_some_and(|g| *g == input.now.node) && !(input.only && undone.runs.len() > 1)
    {
        return say(f, Verdict::Same, "already as it was".to_owned());
    }
    if *undone.before == Past::Unknown || matches!(undone.before, Past::Other) {
        return say(
            f,
            Verdict::Unrecoverable,
            "what it was before is not known".to_owned(),
        );
    }
    if choice.merge || input.only && (undone.runs.len() > 1 || !now.agrees(undone.left)) {
        return merged(input, undone, f);
    }
    if *undone.left == Past::Unknown && !choice.take {
        return say(
            f,
            Verdict::Unrecoverable,
            "what the last undone change left is not known".to_owned(),
        );
    }
    let Some(goal) = goal else {
        return say(f, Verdict::Unrecoverable, "never stored".to_owned());
    };
    let room = folder_makes_room(input, undone);
    if now.agrees(undone.left) || room {
        return match &undone.between {
            Some(who) if !choice.take => FilePlan {
                goal: (goal != Node::Absent).then_some(goal),
                ..say(
                    f,
                    Verdict::Mixed,
                    format!(
                        "{who}; --merge takes out only what is undone, --take puts it back all the same"
                    ),
                )
            },
            Some(who) if goal == Node::Absent => say(
                f,
                Verdict::Conflict,
                format!("{who}; a file that others worked on is not deleted"),
            ),
            _ if goal == Node::Absent => to(
                input,
                f,
                Verdict::Delete,
                goal,
                None,
                "created by what is undone, unchanged since",
            ),
            _ => to(input, f, Verdict::Restore, goal, None, "unchanged since"),
        };
    }
    if let Some(dressed) = line_ends(input, undone) {
        return match dressed {
            Some((node, bytes)) => to(
                input,
                f,
                Verdict::Restore,
                node,
                Some(bytes),
                "unchanged since; with its own line ends",
            ),
            None => say(
                f,
                Verdict::Unrecoverable,
                "it was recorded without its own line ends or mark, so it is not known exactly"
                    .to_owned(),
            ),
        };
    }
    let since = changed_since(undone, &input.now.node);
    let can_be_taken = goal != Node::Absent && !matches!(input.now.node, Node::Dir { .. });
    if choice.take && goal != Node::Absent && !matches!(input.now.node, Node::Dir { .. }) {
        return to(
            input,
            f,
            Verdict::Restore,
            goal,
            None,
            &format!("{since}; taken all the same"),
        );
    }
    if choice.take {
        return say(
            f,
            Verdict::Conflict,
            format!("{since}; a file that was changed since is not deleted"),
        );
    }
    FilePlan {
        goal: can_be_taken.then_some(goal),
        ..say(f, Verdict::Keep, since)
    }
}

fn changed_since(undone: &Undone<'_>, now: &Node) -> String {
    if let Node::Dir { .. } = now {
        return "a folder stands there now".to_owned();
    }
    let gone = if *now == Node::Absent {
        "removed"
    } else {
        "changed"
    };
    match undone.later.last() {
        Some(e) => format!("{gone} since, by {}", who(&e.by).trim_end_matches(',')),
        None => format!("{gone} since, not recorded by whom"),
    }
}

/// What the path is to become; `None` if its content is not stored.
fn goal(input: &Input<'_>, undone: &Undone<'_>) -> Option<Node> {
    match undone.before {
        Past::Absent => Some(Node::Absent),
        Past::Link(target) => Some(Node::Link {
            target: target.clone(),
        }),
        Past::File(hash, mode) => {
            let left = match undone.left {
                Past::File(_, mode) => *mode,
                _ => None,
            };
            let mode = match (&input.now.node, *mode, left) {
                (Node::File { .. }, Some(was), Some(left)) if was != left => was,
                (Node::File { mode, .. }, ..) => *mode,
                (_, was, _) => was
                    .or(input.past.mode)
                    .or(input.index_mode)
                    .unwrap_or(0o644),
            };
            let size = match &input.now.node {
                Node::File {
                    hash: now, size, ..
                } if now == hash => *size,
                _ => (input.contents)(hash)?.len() as u64,
            };
            Some(Node::File {
                hash: *hash,
                size,
                mode,
            })
        }
        Past::Unknown | Past::Other => None,
    }
}

pub(super) fn as_past(node: &Node) -> Past {
    match node {
        Node::Absent => Past::Absent,
        Node::File { hash, mode, .. } => Past::File(*hash, Some(*mode)),
        Node::Link { target } => Past::Link(target.clone()),
        _ => Past::Other,
    }
}

/// What is undone left nothing here, and what lies here now is a folder: its content may be undone as well.
fn folder_makes_room(input: &Input<'_>, undone: &Undone<'_>) -> bool {
    matches!(input.now.node, Node::Dir { .. })
        && *undone.left == Past::Absent
        && *undone.before != Past::Absent
        && input.now.below.is_some()
}

/// The file will become this.
pub(super) fn to(
    input: &Input<'_>,
    mut f: FilePlan,
    verdict: Verdict,
    node: Node,
    bytes: Option<Vec<u8>>,
    why: &str,
) -> FilePlan {
    let stored = || node.hash().and_then(|h| (input.contents)(&h));
    let after = match &node {
        Node::File { .. } => bytes.clone().or_else(stored),
        _ => None,
    };
    if node.hash().is_some() && after.is_none() {
        f.verdict = Verdict::Unrecoverable;
        f.why = "never stored".to_owned();
        return f;
    }
    f.op = Some(match (&input.now.node, &node) {
        (_, Node::Absent) => Op::Delete,
        (Node::Absent | Node::Dir { .. }, _) => Op::Create,
        (Node::File { hash: a, .. }, Node::File { hash: b, .. }) if a == b => Op::Mode,
        _ => Op::Modify,
    });
    (f.added, f.removed) = counts(input.now.bytes.as_deref(), after.as_deref());
    f.to = node.hash().map(|h| h.hex());
    f.verdict = verdict;
    f.why = why.to_owned();
    f.after = node;
    f.merged = bytes;
    f.ticked = true;
    f
}

/// What speaks against doing it, although the table allows it.
fn finish(input: &Input<'_>, choice: Choice, mut f: FilePlan) -> FilePlan {
    if !f.verdict.changes() {
        return f;
    }
    // Somebody has put it back meanwhile: what is right keeps its inode and its time.
    if f.after == f.before {
        f.verdict = Verdict::Same;
        f.why = "already as it was".to_owned();
        f.ticked = false;
        return f;
    }
    let now = &input.now;
    let refuse = |f: &mut FilePlan, why: String| {
        f.verdict = Verdict::Conflict;
        f.ticked = false;
        f.why = why;
    };
    if now.others {
        refuse(&mut f, "it belongs to another user".to_owned());
        return f;
    }
    let gone = !matches!(f.after, Node::File { .. });
    let never = ["immutable", "file capabilities"];
    if let Some(odd) = now.odd.iter().find(|o| never.contains(*o) || gone) {
        refuse(&mut f, format!("it has {odd}, which could not be put back"));
        return f;
    }
    if let Node::Dir { .. } = now.node {
        f.needs_gone = now.below.clone().unwrap_or_default();
        f.before = Node::Absent;
    }
    f.needs_gone.extend(now.blocked_by.clone());
    if now.names > 1 && matches!(now.node, Node::File { .. }) {
        f.why.push_str(&format!(
            "; the file has {} names, and the others keep what they have",
            now.names
        ));
    }
    if let (Node::Absent, None, Node::File { mode, .. }) = (&now.node, input.past.mode, &f.after) {
        f.why
            .push_str(&format!("; its mode is not recorded: {mode:03o}"));
    }
    if input.ignored && !choice.named {
        f.ticked = false;
        f.why
            .push_str("; an ignore rule covers it, so it is left alone unless named with --path");
    }
    f
}
