//! What a rewind would do: a plan, and nothing but a plan. Every function here is pure: the past of each path and what
//! stands there now go in, verdicts come out.

use std::collections::HashMap;

use serde::Serialize;

use super::merge;
use super::verdict::{Choice, Input, judge};
use crate::model::{Id, Node, Op};
use crate::query::past::Reach;
use crate::store::journal::{Aim, Kind, Mark};

/// What is to happen to a file, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is already as it was.
    Same,
    /// It becomes what it was.
    Restore,
    /// It goes: what is undone created it.
    Delete,
    /// It stays: it was changed since.
    Keep,
    /// It stays: others worked on it in between.
    Mixed,
    /// What is undone is taken out of it, the rest stays.
    Merge,
    /// That cannot be done without a decision.
    Conflict,
    /// What it was is not known exactly.
    Unrecoverable,
}

impl Verdict {
    /// The word users see.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Same => "same",
            Verdict::Restore => "restore",
            Verdict::Delete => "delete",
            Verdict::Keep => "keep",
            Verdict::Mixed => "mixed",
            Verdict::Merge => "merge",
            Verdict::Conflict => "conflict",
            Verdict::Unrecoverable => "unrecoverable",
        }
    }

    /// Whether the file would change.
    pub fn changes(self) -> bool {
        matches!(self, Verdict::Restore | Verdict::Delete | Verdict::Merge)
    }
}

/// One file of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FilePlan {
    /// For people; raw bytes are in `rel`.
    pub path: String,
    /// What would be done to it.
    pub op: Option<Op>,
    /// What is to happen.
    pub verdict: Verdict,
    /// Why.
    pub why: String,
    /// BLAKE3 of what is there.
    pub from: Option<String>,
    /// BLAKE3 of what will be there.
    pub to: Option<String>,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
    /// It was done.
    pub applied: bool,
    /// It was read again afterwards, and is what it should be.
    pub verified: bool,
    /// It will be done when the plan is applied. Only what changes can be ticked.
    pub ticked: bool,
    /// The steps undone that changed it, oldest first.
    pub steps: Vec<String>,
    /// Relative to the root, raw.
    #[serde(skip)]
    pub rel: Vec<u8>,
    /// What is there.
    #[serde(skip)]
    pub before: Node,
    /// What will be there.
    #[serde(skip)]
    pub after: Node,
    /// What would be there if it were taken: of a file that stays, to be looked at before it is chosen.
    #[serde(skip)]
    pub goal: Option<Node>,
    /// The text, where it is a merge and stored nowhere yet.
    #[serde(skip)]
    pub merged: Option<Vec<u8>>,
    /// Paths that must go first: a file where a folder is needed, or what lies in a folder where a file is needed.
    #[serde(skip)]
    pub needs_gone: Vec<Vec<u8>>,
}

/// A plan. Fit to be shown, ticked, and applied.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What it leads back to, or takes back.
    pub target: String,
    /// Whose work it undoes.
    pub scope: Reach,
    /// What it keeps, in words.
    pub keeps: String,
    /// The steps it undoes that changed files.
    pub undoes: Vec<String>,
    /// Every file concerned.
    pub files: Vec<FilePlan>,
    /// What the user must know before it is applied.
    pub warnings: Vec<String>,
    /// Why it should be confirmed twice: a step is still running, or the session wrote a moment ago.
    pub confirm_twice: Vec<String>,
    /// What it is.
    pub kind: Kind,
    /// The operation that it undoes or redoes.
    #[serde(skip)]
    pub of: Option<i64>,
    /// What it leads to, if that is a step or prompt.
    #[serde(skip)]
    pub aim: Option<Aim>,
    /// Whose work it undoes.
    #[serde(skip)]
    pub sessions: Vec<Id>,
    /// The modes of folders that may have to be made, and folders that are to be made in any case.
    #[serde(skip)]
    pub folders: std::collections::BTreeMap<Vec<u8>, u32>,
    /// Folders that go when nothing is left in them; `None`: any that it empties.
    #[serde(skip)]
    pub may_go: Option<std::collections::BTreeSet<Vec<u8>>>,
    /// How far the journal had come before the folder was looked at.
    #[serde(skip)]
    pub mark: Mark,
    /// The folder that it was made for, by device and number.
    #[serde(skip)]
    pub root: (u64, u64),
}

impl Plan {
    /// The files that would change.
    pub fn ticked(&self) -> impl Iterator<Item = &FilePlan> {
        self.files
            .iter()
            .filter(|f| f.ticked && f.verdict.changes())
    }

    /// Why applying it would do nothing; `None` if it would do something.
    pub fn nothing(&self) -> Option<&'static str> {
        if self.ticked().next().is_some() || !self.folders.is_empty() {
            return None;
        }
        let any = |wanted: &dyn Fn(Verdict) -> bool| self.files.iter().any(|f| wanted(f.verdict));
        Some(if self.files.is_empty() {
            "nothing that would be undone changed a file"
        } else if any(&Verdict::changes) {
            "no file is ticked"
        } else if any(&|v| v != Verdict::Same) {
            "no file would change"
        } else {
            "every file is already as it was"
        })
    }

    /// A note for the agent, which does not know that it was rewound and would write it all back.
    pub fn note(&self) -> String {
        let list = |verdict: Verdict| {
            let paths: Vec<&str> = self
                .files
                .iter()
                .filter(|f| f.applied && f.verdict == verdict)
                .map(|f| f.path.as_str())
                .collect();
            paths.join(", ")
        };
        let mut note = format!(
            "Files of this folder were put back ({}). Do not write them again from memory; read them first.\n",
            self.target
        );
        for (verdict, words) in [
            (Verdict::Restore, "Put back: "),
            (Verdict::Delete, "Removed again: "),
            (Verdict::Merge, "Changed in part: "),
        ] {
            let paths = list(verdict);
            if !paths.is_empty() {
                note.push_str(words);
                note.push_str(&paths);
                note.push('\n');
            }
        }
        if !self.undoes.is_empty() {
            note.push_str(&format!("Steps undone: {}\n", self.undoes.join(", ")));
        }
        note
    }
}

/// Verdicts for all paths, and what stands in each other's way.
pub fn files(inputs: &[Input<'_>], choose: &dyn Fn(&[u8]) -> Choice) -> Vec<FilePlan> {
    let mut files: Vec<FilePlan> = inputs
        .iter()
        .map(|i| judge(i, choose(&i.past.rel)))
        .collect();
    refuse_one_under_two_names(inputs, &mut files);
    // What must make room can itself be in the way of others: until nothing changes.
    while settle(&mut files) {}
    files
}

/// Where the file system does not tell `README` from `Readme`, both lead to one file: what is done to it under the one name
/// would be done to it under the other.
fn refuse_one_under_two_names(inputs: &[Input<'_>], files: &mut [FilePlan]) {
    let mut known: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    for (i, input) in inputs.iter().enumerate() {
        // A file that really has several names is another matter.
        if let Some(id) = input.now.id.filter(|_| input.now.names == 1) {
            known.entry(id).or_default().push(i);
        }
    }
    for same in known.values().filter(|same| same.len() > 1) {
        for i in same {
            if !files[*i].verdict.changes() {
                continue;
            }
            let other = same.iter().find(|other| *other != i);
            let other = other.map_or("", |other| files[*other].path.as_str());
            let why =
                format!("{other} is the same file on this disk, which cannot have both names");
            let file = &mut files[*i];
            (file.verdict, file.ticked, file.why) = (Verdict::Conflict, false, why);
        }
    }
}

/// Refuses what cannot be done because something else stays in its place; whether something was refused.
pub fn settle(files: &mut [FilePlan]) -> bool {
    let goes = |path: &Vec<u8>, files: &[FilePlan]| {
        files
            .iter()
            .any(|f| f.rel == *path && f.ticked && f.verdict == Verdict::Delete)
    };
    let blocked = (0..files.len()).find_map(|i| {
        let f = &files[i];
        if !f.ticked || !f.verdict.changes() {
            return None;
        }
        f.needs_gone
            .iter()
            .find(|p| !goes(p, files))
            .map(|p| (i, p.clone()))
    });
    let Some((i, path)) = blocked else {
        return false;
    };
    let file = &mut files[i];
    file.verdict = Verdict::Conflict;
    file.ticked = false;
    file.why = format!(
        "{} stands in the way and stays",
        String::from_utf8_lossy(&path)
    );
    true
}

/// Lines that would be added and removed.
pub(super) fn counts(before: Option<&[u8]>, after: Option<&[u8]>) -> (u32, u32) {
    merge::counts(before.unwrap_or_default(), after.unwrap_or_default())
}
