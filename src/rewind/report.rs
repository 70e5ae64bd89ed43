//! How a plan is to be applied, and what came of it.

use serde::Serialize;

use super::plan::FilePlan;
use crate::clock::Clock;

/// How a plan is applied.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// What time it is.
    pub clock: Clock,
    /// Files that are not as the plan saw them are left out; else they stop it.
    pub partial: bool,
    /// Take a snapshot before and after.
    pub snapshots: bool,
}

/// How far it is: done, of how many, in a word.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize, &'static str);

/// What was done, from what was read afterwards.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The files, with `applied` and `verified` set.
    pub files: Vec<FilePlan>,
    /// Paths that were left out, with the reason.
    pub skipped: Vec<(String, String)>,
    /// What somebody wrote at the same time and is not in the tree: path, and the name of the content.
    pub late: Vec<(String, String)>,
    /// All of the plan was applied and verified.
    pub complete: bool,
    /// What the user must know.
    pub warnings: Vec<String>,
    /// To be pasted to the agent.
    pub note: String,
    /// The operation's row; none if there was nothing to do.
    #[serde(skip)]
    pub op: Option<i64>,
}

impl Report {
    /// A file is not done after all.
    pub(super) fn leave_out(&mut self, index: usize, why: String) {
        let file = &mut self.files[index];
        file.ticked = false;
        file.applied = false;
        self.skipped.push((file.path.clone(), why));
        self.complete = false;
    }
}
